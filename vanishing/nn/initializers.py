"""How weights and biases are drawn before training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from vanishing.nn.activations import Activation, activation as activation_of
from vanishing._validation import Array, choice, dtype as floating, generator, number, size

Fans = tuple[int, int]
Draw = Callable[[Fans, tuple[int, ...], np.random.Generator], Array]


@dataclass(frozen=True)
class Initializer:
    """A rule that draws W of shape (fan_out, fan_in), and the bias of shape (fan_out,) beside it.

    Numbers are drawn in float64 and then rounded: one seed gives the same network in every format.

    Attributes:
        name: what `initializer` finds it by.
        draw_weight: (fans, shape, rng) -> an array of that shape in float64, for weights with the
            fans (fan_out, fan_in).
        draw_bias: the same for the bias beside weights with those fans.
    """

    name: str
    draw_weight: Draw
    draw_bias: Draw

    def __call__(
        self,
        shape: tuple[int, ...],
        *,
        rng: np.random.Generator,
        dtype: DTypeLike = np.float64,
        fans: Fans | None = None,
    ) -> Array:
        """A weight array of that shape.

        Args:
            shape: (fan_out, fan_in), or whatever else if the fans are given.
            rng: draws the weights.
            dtype: of the array.
            fans: (fan_out, fan_in) of an array that is no matrix: of a convolution's kernel they
                count its taps, kernel size times channels.

        Examples:
            >>> gaussian(0.1)((2, 3), rng=np.random.default_rng(0)).shape
            (2, 3)
            >>> kernel = he_normal((64, 3, 5), rng=np.random.default_rng(0), fans=(64 * 5, 3 * 5))
            >>> print(f"{kernel.std() * (3 * 5 / 2) ** 0.5:.1f}")
            1.0
        """
        if fans is None:
            shape = fans = _fans(shape, "shape")
        else:
            fans = _fans(fans, "fans")
            shape = tuple(size(n, f"shape[{axis}]") for axis, n in enumerate(shape))
        return self.draw_weight(fans, shape, generator(rng)).astype(floating(dtype))

    def bias(
        self, shape: Fans, *, rng: np.random.Generator, dtype: DTypeLike = np.float64
    ) -> Array:
        """A bias of shape (fan_out,) for the weight matrix of shape (fan_out, fan_in)."""
        fans = _fans(shape, "shape")
        return self.draw_bias(fans, fans[:1], generator(rng)).astype(floating(dtype))


def _fans(fans: tuple[int, ...], name: str) -> Fans:
    if np.shape(fans) != (2,):
        raise ValueError(f"{name} is {fans!r}; (fan_out, fan_in) is expected")
    return size(fans[0], f"{name}'s fan_out"), size(fans[1], f"{name}'s fan_in")


def _deviation(variance: float, per: str, fans: Fans) -> float:
    fan_out, fan_in = fans
    counts = {"entry": 1, "fan_in": fan_in, "fan_out": fan_out, "both fans": fan_in + fan_out}
    return math.sqrt(variance / counts[per])


def _normal(
    variance: float, per: str, fans: Fans, shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    return _deviation(variance, per, fans) * rng.standard_normal(shape)


def _uniform(
    variance: float, per: str, fans: Fans, shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    # Uniform between -a and a has variance a^2 / 3.
    bound = _deviation(3 * variance, per, fans)
    return rng.uniform(-bound, bound, shape)


def _constant(value: float, fans: Fans, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    return np.full(shape, value)


def _orthogonal(gain: float, fans: Fans, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    # Makes a kernel orthogonal as the matrix (channels out, channels in times taps).
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # Moves the signs of R's diagonal, which LAPACK leaves to chance, into Q: with a positive
    # diagonal A = Q R is unique, and Q of a Gaussian A is Haar distributed (Mezzadri 2007).
    q *= gain * np.sign(np.diagonal(r))
    return (q if rows >= columns else q.T).reshape(shape)


_DISTRIBUTIONS = {"normal": _normal, "uniform": _uniform}
_zeros = partial(_constant, 0.0)


def _rule(name: str, weight: Draw, sigma_b: float = 0.0) -> Initializer:
    variance = number(sigma_b, "sigma_b", least=0) ** 2
    return Initializer(name, weight, partial(_normal, variance, "entry") if variance else _zeros)


def gaussian(std: float, *, sigma_b: float = 0.0) -> Initializer:
    """Weights from N(0, std^2) whatever the fan-in, biases from N(0, sigma_b^2).

    Examples:
        >>> gaussian(1.0).name
        'gaussian(1)'
    """
    std = number(std, "std", least=0)
    return _rule(f"gaussian({std:g})", partial(_normal, std**2, "entry"), sigma_b)


def scaled_gaussian(sigma_w: float, *, sigma_b: float = 0.0) -> Initializer:
    """Weights from N(0, sigma_w^2 / fan_in), biases from N(0, sigma_b^2).

    The parametrization of mean-field theory (Poole et al. 2016), in which the preactivations of a
    wide network depend on sigma_w and sigma_b and not on the width.

    Examples:
        >>> W = scaled_gaussian(2.0)((400, 100), rng=np.random.default_rng(0))
        >>> print(f"{np.sqrt(100) * W.std():.2f}")
        2.00
    """
    sigma_w = number(sigma_w, "sigma_w", least=0)
    return _rule(f"scaled_gaussian({sigma_w:g})", partial(_normal, sigma_w**2, "fan_in"), sigma_b)


def uniform(bound: float, *, sigma_b: float = 0.0) -> Initializer:
    """Weights uniform between -bound and bound (variance bound^2 / 3), biases from N(0, sigma_b^2).

    Examples:
        >>> uniform(0.5).name
        'uniform(0.5)'
    """
    bound = number(bound, "bound", least=0)
    return _rule(f"uniform({bound:g})", partial(_uniform, bound**2 / 3, "entry"), sigma_b)


def constant(value: float) -> Initializer:
    """Every weight equal to `value`, biases zero: all units of a layer stay the same.

    Examples:
        >>> print(constant(0.5)((1, 2), rng=np.random.default_rng(0)))
        [[0.5 0.5]]
    """
    value = number(value, "value")
    return _rule(f"constant({value:g})", partial(_constant, value))


def he(
    negative_slope: float = 0.0, *, mode: str = "fan_in", distribution: str = "normal"
) -> Initializer:
    """Var(W) = 2 / ((1 + negative_slope^2) fan), for the (leaky) ReLU (He et al. 2015).

    Args:
        negative_slope: the derivative for negative z, dimensionless; 0 for ReLU, 1 for the
            identity.
        mode: 'fan_in' keeps the mean square of signals from layer to layer, 'fan_out' that of
            gradients.
        distribution: 'normal' or 'uniform'.

    Examples:
        >>> W = he(mode="fan_out")((200, 800), rng=np.random.default_rng(0))
        >>> print(f"{W.std():.2f}")
        0.10
    """
    variance = 2 / (1 + number(negative_slope, "negative_slope") ** 2)
    fan = choice(mode, "mode", {"fan_in": "fan_in", "fan_out": "fan_out"})
    draw = choice(distribution, "distribution", _DISTRIBUTIONS)
    name = f"he({negative_slope:g}, {mode}, {distribution})"
    return _rule(name, partial(draw, variance, fan))


def xavier(gain: float = 1.0, *, distribution: str = "normal") -> Initializer:
    """Var(W) = 2 gain^2 / (fan_in + fan_out), biases zero.

    Glorot & Bengio 2010, eq. 12, there without a gain.

    Args:
        gain: dimensionless, such as `calculate_gain(activation)`.
        distribution: 'normal' or 'uniform'.

    Examples:
        >>> W = xavier(2.0)((300, 500), rng=np.random.default_rng(0))
        >>> print(f"{W.std():.2f}")
        0.10
    """
    variance = 2 * number(gain, "gain", least=0) ** 2
    draw = choice(distribution, "distribution", _DISTRIBUTIONS)
    return _rule(f"xavier({gain:g}, {distribution})", partial(draw, variance, "both fans"))


def orthogonal(gain: float = 1.0, *, sigma_b: float = 0.0) -> Initializer:
    """Weights gain Q with a random orthogonal Q, biases from N(0, sigma_b^2).

    Q is Haar distributed: Q U is as likely as Q for every orthogonal U, so that no direction is
    preferred. If W is not square, the shorter of its rows and columns are orthonormal (Saxe et al.
    2014). Var(W) = gain^2 / max(fans).

    Args:
        gain: every singular value of W, dimensionless.
        sigma_b: the standard deviation of a bias.

    Examples:
        >>> W = orthogonal(2.0)((3, 5), rng=np.random.default_rng(0))
        >>> print(np.linalg.svd(W)[1].round(6))
        [2. 2. 2.]
    """
    gain = number(gain, "gain", least=0)
    return _rule(f"orthogonal({gain:g})", partial(_orthogonal, gain), sigma_b)


zeros = Initializer("zeros", _zeros, _zeros)
"""W = 0: neither the signal nor the gradient passes a layer; biases zero."""

lecun_normal = Initializer("lecun_normal", partial(_normal, 1, "fan_in"), _zeros)
"""Var(W) = 1 / fan_in, Gaussian, biases zero (LeCun et al. 1998; Klambauer et al. 2017)."""

xavier_normal = Initializer("xavier_normal", partial(_normal, 2, "both fans"), _zeros)
"""Var(W) = 2 / (fan_in + fan_out), Gaussian (Glorot & Bengio 2010, eq. 12); biases zero."""

xavier_uniform = Initializer("xavier_uniform", partial(_uniform, 2, "both fans"), _zeros)
"""Var(W) = 2 / (fan_in + fan_out), uniform (Glorot & Bengio 2010, eq. 16); biases zero."""

he_normal = Initializer("he_normal", partial(_normal, 2, "fan_in"), _zeros)
"""Var(W) = 2 / fan_in, Gaussian (He et al. 2015, eq. 10); biases zero."""

he_uniform = Initializer("he_uniform", partial(_uniform, 2, "fan_in"), _zeros)
"""Var(W) = 2 / fan_in, uniform; biases zero."""

_pytorch_uniform = partial(_uniform, 1 / 3, "fan_in")
pytorch_default = Initializer("pytorch_default", _pytorch_uniform, _pytorch_uniform)
"""Weights and biases uniform between -1 / sqrt(fan_in) and 1 / sqrt(fan_in).

Variance 1 / (3 fan_in). What torch.nn.Linear draws by kaiming_uniform_(a=sqrt(5)):
bound^2 = 3 * 2 / (1 + 5) / fan_in = 1 / fan_in.
"""

_NAMED = (
    zeros,
    lecun_normal,
    xavier_normal,
    xavier_uniform,
    he_normal,
    he_uniform,
    pytorch_default,
)
INITIALIZERS = {rule.name: rule for rule in _NAMED} | {"orthogonal": orthogonal()}


def initializer(initializer: str | Initializer) -> Initializer:
    """The initializer of that name; an `Initializer` is returned as it is.

    Examples:
        >>> initializer("he_normal").name
        'he_normal'
    """
    return (
        initializer
        if isinstance(initializer, Initializer)
        else choice(initializer, "initializer", INITIALIZERS)
    )


# None stands for a formula, that of max(z, negative_slope z).
_GAINS = {
    "identity": None,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": None,
    "leaky_relu": None,
    "selu": 3 / 4,
}


def calculate_gain(activation: str | Activation) -> float:
    """The gain that PyTorch recommends before that activation, the numbers of its `calculate_gain`.

    sqrt(2 / (1 + negative_slope^2)) for identity (slope 1), ReLU (0) and leaky ReLU: with it,
    Var(W) = gain^2 / fan_in keeps the mean square of z. 1 for sigmoid, 5/3 for tanh and 3/4 for
    SELU do not; they are rules of thumb.

    Raises:
        ValueError: for every other activation; PyTorch names no gain for it.

    Examples:
        >>> print(f"{calculate_gain('relu'):.4f} {calculate_gain('tanh'):.4f}")
        1.4142 1.6667
    """
    phi = activation_of(activation)
    known = choice(phi.name.partition("(")[0], "activation", _GAINS)
    return math.sqrt(2 / (1 + float(phi.derivative(-1.0)) ** 2)) if known is None else known
