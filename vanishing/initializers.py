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
Draw = Callable[[Shape, np.random.Generator], Array]


@dataclass(frozen=True)
class Initializer:
    """A rule that draws W of shape (fan_out, fan_in), and the bias of shape (fan_out,) that goes with it.

    Numbers are drawn in float64 and then rounded, so that one seed gives the same network in every format.

    Attributes:
        name: what `initializer` finds it by.
        draw_weight: (shape, rng) -> W in float64.
        draw_bias: (shape, rng) -> b in float64, for the same shape (fan_out, fan_in).
    """

    name: str
    draw_weight: Draw
    draw_bias: Draw

    def __call__(self, shape: Shape, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Array:
        """A weight matrix of shape (fan_out, fan_in).

        Example:
            >>> gaussian(0.1)((2, 3), rng=np.random.default_rng(0)).shape
            (2, 3)
        """
        return self.draw_weight(_fans(shape), generator(rng)).astype(floating(dtype))

    def bias(self, shape: Shape, *, rng: np.random.Generator, dtype: DTypeLike = np.float64) -> Array:
        """A bias of shape (fan_out,) for the weight matrix of shape (fan_out, fan_in)."""
        return self.draw_bias(_fans(shape), generator(rng)).astype(floating(dtype))


def _fans(shape: Shape) -> Shape:
    if len(shape) != 2:
        raise ValueError(f"shape is {shape!r}; (fan_out, fan_in) is expected")
    return size(shape[0], "fan_out"), size(shape[1], "fan_in")


def _fixed(value: float, shape: Shape) -> float:
    return value


def _per_fan_in(factor: float, shape: Shape) -> float:
    return math.sqrt(factor / shape[1])


def _per_both_fans(factor: float, shape: Shape) -> float:
    return math.sqrt(factor / (shape[0] + shape[1]))


def _normal(std: Callable[[Shape], float], shape: Shape, rng: np.random.Generator) -> Array:
    return std(shape) * rng.standard_normal(shape)


def _uniform(bound: Callable[[Shape], float], shape: Shape, rng: np.random.Generator) -> Array:
    return rng.uniform(-bound(shape), bound(shape), size=shape)


def _of_bias(draw: Draw, shape: Shape, rng: np.random.Generator) -> Array:
    return draw((1, shape[0]), rng).ravel()


def _zero_bias(shape: Shape, rng: np.random.Generator) -> Array:
    return np.zeros(shape[0])


def _gaussian_bias(std: float) -> Draw:
    return partial(_of_bias, partial(_normal, partial(_fixed, std))) if std else _zero_bias


def gaussian(std: float, *, sigma_b: float = 0.0) -> Initializer:
    """Weights from N(0, std^2) whatever the fan-in, biases from N(0, sigma_b^2).

    Example:
        >>> gaussian(1.0).name
        'gaussian(1)'
    """
    std, sigma_b = number(std, "std", least=0), number(sigma_b, "sigma_b", least=0)
    return Initializer(f"gaussian({std:g})", partial(_normal, partial(_fixed, std)), _gaussian_bias(sigma_b))


def scaled_gaussian(sigma_w: float, *, sigma_b: float = 0.0) -> Initializer:
    """Weights from N(0, sigma_w^2 / fan_in), biases from N(0, sigma_b^2).

    The parametrization of mean-field theory (Poole et al. 2016, section 2), in which the preactivations of a wide
    network depend on sigma_w and sigma_b and not on the width.

    Example:
        >>> W = scaled_gaussian(2.0)((400, 100), rng=np.random.default_rng(0))
        >>> print(f"{np.sqrt(100) * W.std():.2f}")
        2.00
    """
    sigma_w, sigma_b = number(sigma_w, "sigma_w", least=0), number(sigma_b, "sigma_b", least=0)
    weight = partial(_normal, partial(_per_fan_in, sigma_w**2))
    return Initializer(f"scaled_gaussian({sigma_w:g})", weight, _gaussian_bias(sigma_b))


def uniform(bound: float, *, sigma_b: float = 0.0) -> Initializer:
    """Weights uniform between -bound and bound (variance bound^2 / 3), biases from N(0, sigma_b^2).

    Example:
        >>> uniform(0.5).name
        'uniform(0.5)'
    """
    bound, sigma_b = number(bound, "bound", least=0), number(sigma_b, "sigma_b", least=0)
    return Initializer(f"uniform({bound:g})", partial(_uniform, partial(_fixed, bound)), _gaussian_bias(sigma_b))


# Var(W) = 2 / (fan_in + fan_out): Glorot & Bengio 2010, eq. 12, and eq. 16 for the uniform one (variance bound^2 / 3).
xavier_normal = Initializer("xavier_normal", partial(_normal, partial(_per_both_fans, 2)), _zero_bias)
xavier_uniform = Initializer("xavier_uniform", partial(_uniform, partial(_per_both_fans, 6)), _zero_bias)
# Var(W) = 2 / fan_in: He et al. 2015, eq. 10.
he_normal = Initializer("he_normal", partial(_normal, partial(_per_fan_in, 2)), _zero_bias)
he_uniform = Initializer("he_uniform", partial(_uniform, partial(_per_fan_in, 6)), _zero_bias)
# torch.nn.Linear: kaiming_uniform_(a=sqrt(5)), that is bound^2 = 3 * 2 / (1 + 5) / fan_in = 1 / fan_in, biases alike.
_torch_bound = partial(_per_fan_in, 1)


def _torch_bias(shape: Shape, rng: np.random.Generator) -> Array:
    return rng.uniform(-_torch_bound(shape), _torch_bound(shape), size=shape[0])


pytorch_default = Initializer("pytorch_default", partial(_uniform, _torch_bound), _torch_bias)

_KNOWN = {
    rule.name: rule for rule in (xavier_normal, xavier_uniform, he_normal, he_uniform, pytorch_default)
}


def initializer(name: str | Initializer) -> Initializer:
    """The initializer of that name; an `Initializer` is returned as it is.

    Example:
        >>> initializer("he_normal").name
        'he_normal'
    """
    return name if isinstance(name, Initializer) else choice(name, "initializer", _KNOWN)
