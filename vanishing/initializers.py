"""How weights and biases are drawn before training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from vanishing.validation import Array, choice, dtype as floating, generator, number, size

Shape = tuple[int, int]
Draw = Callable[[Shape, tuple[int, ...], np.random.Generator], Array]


@dataclass(frozen=True)
class Initializer:
    """A rule that draws W of shape (fan_out, fan_in), and the bias of shape (fan_out,) that goes with it.

    Numbers are drawn in float64 and then rounded, so that one seed gives the same network in every format.

    Attributes:
        name: what `initializer` finds it by.
        draw_weight: (shape, size, rng) -> an array of that size in float64, for weights of shape (fan_out, fan_in).
        draw_bias: the same for the bias that goes with weights of that shape.
    """

    name: str
    draw_weight: Draw
    draw_bias: Draw

    def __call__(self, shape: Shape, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Array:
        """A weight matrix of shape (fan_out, fan_in).

        Examples:
            >>> gaussian(0.1)((2, 3), rng=np.random.default_rng(0)).shape
            (2, 3)
        """
        shape = _fans(shape)
        return self.draw_weight(shape, shape, generator(rng)).astype(floating(dtype))

    def bias(self, shape: Shape, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Array:
        """A bias of shape (fan_out,) for the weight matrix of shape (fan_out, fan_in)."""
        shape = _fans(shape)
        return self.draw_bias(shape, shape[:1], generator(rng)).astype(floating(dtype))


def _fans(shape: Shape) -> Shape:
    if len(shape) != 2:
        raise ValueError(f"shape is {shape!r}; (fan_out, fan_in) is expected")
    return size(shape[0], "fan_out"), size(shape[1], "fan_in")


def _deviation(variance: float, per: str, shape: Shape) -> float:
    fan_out, fan_in = shape
    return math.sqrt(variance / {"entry": 1, "fan_in": fan_in, "both fans": fan_in + fan_out}[per])


def _normal(variance: float, per: str, shape: Shape, size: tuple[int, ...], rng: np.random.Generator) -> Array:
    return _deviation(variance, per, shape) * rng.standard_normal(size)


def _uniform(variance: float, per: str, shape: Shape, size: tuple[int, ...], rng: np.random.Generator) -> Array:
    # Uniform between -a and a has variance a^2 / 3.
    bound = _deviation(3 * variance, per, shape)
    return rng.uniform(-bound, bound, size)


def _zeros(shape: Shape, size: tuple[int, ...], rng: np.random.Generator) -> Array:
    return np.zeros(size)


def _rule(name: str, weight: Draw, sigma_b: float) -> Initializer:
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

    The parametrization of mean-field theory (Poole et al. 2016), in which the preactivations of a wide
    network depend on sigma_w and sigma_b and not on the width.

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


xavier_normal = Initializer("xavier_normal", partial(_normal, 2, "both fans"), _zeros)
"""Var(W) = 2 / (fan_in + fan_out), Gaussian (Glorot & Bengio 2010, eq. 12); biases zero."""

xavier_uniform = Initializer("xavier_uniform", partial(_uniform, 2, "both fans"), _zeros)
"""Var(W) = 2 / (fan_in + fan_out), uniform (Glorot & Bengio 2010, eq. 16); biases zero."""

he_normal = Initializer("he_normal", partial(_normal, 2, "fan_in"), _zeros)
"""Var(W) = 2 / fan_in, Gaussian (He et al. 2015, eq. 10); biases zero."""

he_uniform = Initializer("he_uniform", partial(_uniform, 2, "fan_in"), _zeros)
"""Var(W) = 2 / fan_in, uniform; biases zero."""

pytorch_default = Initializer("pytorch_default", *[partial(_uniform, 1 / 3, "fan_in")] * 2)
"""Weights and biases uniform between -1 / sqrt(fan_in) and 1 / sqrt(fan_in), variance 1 / (3 fan_in).

What torch.nn.Linear draws by kaiming_uniform_(a=sqrt(5)): bound^2 = 3 * 2 / (1 + 5) / fan_in = 1 / fan_in.
"""

_KNOWN = {rule.name: rule for rule in (xavier_normal, xavier_uniform, he_normal, he_uniform, pytorch_default)}


def initializer(name: str | Initializer) -> Initializer:
    """The initializer of that name; an `Initializer` is returned as it is.

    Examples:
        >>> initializer("he_normal").name
        'he_normal'
    """
    return name if isinstance(name, Initializer) else choice(name, "initializer", _KNOWN)
