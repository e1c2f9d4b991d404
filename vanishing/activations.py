"""Activation functions phi with their exact derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from vanishing.validation import Array, choice, floats, number


@dataclass(frozen=True)
class Activation:
    """An elementwise function phi, called as `phi(z)`, with its derivative `phi.derivative(z)`.

    The callables are the bare formulas, without checks; layers use them on arrays that were checked once.
    They are analytic, piecewise for the ones with a kink: a complex step or a dual number passes through them.

    Attributes:
        name: what `activation` finds it by.
        value: z -> phi(z).
        prime: z -> phi'(z), to full relative precision also in the tails.
        steepest: the supremum of |phi'|.
        slope: h -> phi'(z) for h = phi(z), where there is such a formula: a backward pass then needs no z.
            Booleans stand for 0 and 1.
    """

    name: str
    value: Callable[[Array], Array]
    prime: Callable[[Array], Array]
    steepest: float
    slope: Callable[[Array], Array] | None = None

    def __call__(self, z: ArrayLike) -> Array:
        """phi(z), elementwise.

        Examples:
            >>> print(sigmoid(0.0), tanh(0.0), relu(-3.0))
            0.5 0.0 0.0
        """
        return _elementwise(self.value, floats(z, "z"))

    def derivative(self, z: ArrayLike) -> Array:
        """phi'(z), elementwise; at a kink the value from the left.

        Examples:
            >>> print(sigmoid.derivative(0.0), relu.derivative(0.0))
            0.25 0.0
        """
        return _elementwise(self.prime, floats(z, "z"))

    def memory(self, z: Array, h: Array) -> Array:
        """The one of z and h that `slopes` needs."""
        return z if self.slope is None else h

    def slopes(self, memory: Array) -> Array:
        """phi'(z), elementwise, from `memory(z, h)`; possibly as booleans."""
        return self.prime(memory) if self.slope is None else self.slope(memory)


def _elementwise(function: Callable[[Array], Array], z: Array) -> Array:
    return function(z) if z.ndim else function(z[None])[0]


def _plain(z: Array) -> bool:
    """True for real arrays; complex and dual numbers take the formulas that keep their infinitesimal part."""
    return isinstance(z, np.ndarray) and z.dtype.kind == "f"


def _copy(z: Array) -> Array:
    return z.copy()


def _sigmoid(z: Array) -> Array:
    # 1 / (1 + exp(-z)). For real z an overflow of exp is the infinity whose reciprocal is the 0 wanted;
    # for complex and dual numbers inf * 0 would follow, so z stops where the slope is below 1e-300.
    t = np.negative(z if _plain(z) else np.clip(z, -700, 700))
    with np.errstate(over="ignore", under="ignore"):
        np.exp(t, out=t)
        t += 1
        return np.divide(1, t, out=t)


def _sigmoid_prime(z: Array) -> Array:
    # sigma'(z) = sigma(z) sigma(-z): no 1 - sigma(z), which would lose the right tail.
    return _sigmoid(z) * _sigmoid(-z)


def _sigmoid_slope(h: Array) -> Array:
    slope = 1 - h
    slope *= h
    return slope


def _tanh_prime(z: Array) -> Array:
    # tanh(z) = 2 sigma(2z) - 1
    return 4 * _sigmoid_prime(2 * z)


def _tanh_slope(h: Array) -> Array:
    slope: Array = h * h
    return np.subtract(1, slope, out=slope)


def _relu(z: Array) -> Array:
    # np.clip is NumPy's quickest max(z, 0); np.where leaves 0 + 1e-20j on the side where its real part is.
    return np.clip(z, 0, np.inf) if _plain(z) else np.where(z.real > 0, z, 0)


def _relu_prime(z: Array) -> Array:
    return (z.real > 0).astype(z.dtype)


def _relu_slope(h: Array) -> Array:
    return h > 0


def _leaky(slope: float, z: Array) -> Array:
    leak = slope * z
    return np.maximum(z, leak, out=leak) if _plain(z) else np.where(z.real > 0, z, leak)


def _leaky_prime(slope: float, z: Array) -> Array:
    prime: Array = np.multiply(z.real > 0, 1 - slope, dtype=z.dtype)
    prime += slope
    return prime


identity = Activation("identity", _copy, np.ones_like, steepest=1.0, slope=np.ones_like)
"""h = z: the network without its nonlinearity."""

sigmoid = Activation("sigmoid", _sigmoid, _sigmoid_prime, steepest=0.25, slope=_sigmoid_slope)
"""h = 1 / (1 + exp(-z)), between 0 and 1; its slope h (1 - h) is at most 1/4."""

tanh = Activation("tanh", np.tanh, _tanh_prime, steepest=1.0, slope=_tanh_slope)
"""h = tanh(z), between -1 and 1; its slope 1 - h^2 is at most 1."""

relu = Activation("relu", _relu, _relu_prime, steepest=1.0, slope=_relu_slope)
"""h = max(z, 0), with slope 0 or 1, and 0 at the kink."""


def leaky_relu(slope: float = 0.01) -> Activation:
    """The activation max(z, slope z), the leaky rectifier of Maas, Hannun & Ng 2013.

    Args:
        slope: phi' for negative z, dimensionless, from 0 (ReLU) to 1 (identity); 0.01 in the paper.

    Examples:
        >>> print(leaky_relu(0.1)(-2.0))
        -0.2
    """
    slope = number(slope, "slope", least=0)
    if slope > 1:
        raise ValueError(f"slope is {slope!r}; a number from 0 to 1 is expected")
    # z and h = max(z, slope z) have one sign, so that phi' is the same function of both.
    prime = partial(_leaky_prime, slope)
    return Activation(f"leaky_relu({slope:g})", partial(_leaky, slope), prime, steepest=1.0, slope=prime)


_KNOWN = {phi.name: phi for phi in (identity, sigmoid, tanh, relu)} | {"leaky_relu": leaky_relu()}


def activation(name: str | Activation) -> Activation:
    """The activation of that name; an `Activation` is returned as it is.

    Examples:
        >>> activation("sigmoid").steepest
        0.25
    """
    return name if isinstance(name, Activation) else choice(name, "activation", _KNOWN)
