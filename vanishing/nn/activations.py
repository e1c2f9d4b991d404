"""Activation functions phi with their exact derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vanishing._validation import Array, choice, floats, number


@dataclass(frozen=True)
class Activation:
    """An elementwise function phi, called as `phi(z)`, with its derivative `phi.derivative(z)`.

    The formulas are bare, without checks; layers use them on arrays that were checked once. They
    are analytic, piecewise for the ones with a kink: a complex step or a dual number passes through
    them.

    Attributes:
        name: what `activation` finds it by.
        formula: z -> phi(z).
        derivative_formula: z -> phi'(z), to full relative precision also in the tails.
        max_derivative: the supremum of |phi'|.
        derivative_from_output: h -> phi'(z) for h = phi(z), where there is such a formula: a
            backward pass then needs no z. Booleans stand for 0 and 1.
    """

    name: str
    formula: Callable[[Array], Array]
    derivative_formula: Callable[[Array], Array]
    max_derivative: float
    derivative_from_output: Callable[[Array], Array] | None = None

    def __call__(self, z: ArrayLike) -> Array:
        """phi(z), elementwise.

        Examples:
            >>> print(sigmoid(0.0), tanh(0.0), relu(-3.0))
            0.5 0.0 0.0
        """
        return _elementwise(self.formula, floats(z, "z"))

    def derivative(self, z: ArrayLike) -> Array:
        """phi'(z), elementwise; at a kink the value from the left (`hard_tanh` has 0 at both).

        Examples:
            >>> print(sigmoid.derivative(0.0), relu.derivative(0.0))
            0.25 0.0
        """
        return _elementwise(self.derivative_formula, floats(z, "z"))

    def memory(self, z: Array, h: Array) -> Array:
        """The one of z and h that `derivative_from` needs."""
        return z if self.derivative_from_output is None else h

    def derivative_from(self, memory: Array) -> Array:
        """phi'(z), elementwise, from `memory(z, h)`; possibly as booleans."""
        if self.derivative_from_output is None:
            return self.derivative_formula(memory)
        return self.derivative_from_output(memory)


def _elementwise(function: Callable[[Array], Array], z: Array) -> Array:
    return function(z) if z.ndim else function(z[None])[0]


def _plain(z: Array) -> bool:
    """True for real arrays; complex and dual numbers need formulas that keep the infinitesimal."""
    return isinstance(z, np.ndarray) and z.dtype.kind == "f"


# Ignores the flags of an exponential that over- or underflows: the formula still has its limit.
_quiet = np.errstate(over="ignore", under="ignore")


def _sigmoid(z: Array) -> Array:
    # 1 / (1 + exp(-z)). For real z an overflow of exp is the infinity whose reciprocal is the 0
    # wanted; for complex and dual numbers inf * 0 would follow, so z stops where the derivative is
    # below 1e-300.
    t = np.negative(z if _plain(z) else np.clip(z, -700, 700))
    with np.errstate(over="ignore", under="ignore"):
        np.exp(t, out=t)
        t += 1
        return np.divide(1, t, out=t)


def _sigmoid_derivative(z: Array) -> Array:
    # sigma'(z) = sigma(z) sigma(-z): no 1 - sigma(z), which would lose the right tail.
    return _sigmoid(z) * _sigmoid(-z)


def _sigmoid_derivative_from_output(h: Array) -> Array:
    derivative = 1 - h
    derivative *= h
    return derivative


def _tanh_derivative(z: Array) -> Array:
    # tanh(z) = 2 sigma(2z) - 1
    return 4 * _sigmoid_derivative(2 * z)


def _tanh_derivative_from_output(h: Array) -> Array:
    derivative: Array = h * h
    return np.subtract(1, derivative, out=derivative)


def _relu(z: Array) -> Array:
    # Takes np.clip for real arrays because it is NumPy's quickest max(z, 0). For complex numbers
    # the real part alone decides, whatever the infinitesimal imaginary part is.
    return np.clip(z, 0, np.inf) if _plain(z) else np.where(z.real > 0, z, 0)


def _leaky(negative_slope: float, z: Array) -> Array:
    leak = negative_slope * z
    return np.maximum(z, leak, out=leak) if _plain(z) else np.where(z.real > 0, z, leak)


def _leaky_derivative(negative_slope: float, z: Array) -> Array:
    return np.multiply(z.real > 0, 1 - negative_slope, dtype=z.dtype) + negative_slope


def _modulus(z: Array) -> Array:
    return np.where(z.real > 0, z, -z)


@_quiet
def _softplus(z: Array) -> Array:
    # log(1 + exp(z)) = max(z, 0) + log(1 + exp(-|z|)) keeps the digits of both tails.
    return _relu(z) + np.log1p(np.exp(-_modulus(z)))


def _softplus_derivative_from_output(h: Array) -> Array:
    # sigma(z) = 1 - exp(-h)
    return -np.expm1(-h)


@_quiet
def _elu(alpha: float, z: Array) -> Array:
    return np.where(z.real > 0, z, alpha * np.expm1(z - _relu(z)))


@_quiet
def _elu_derivative(alpha: float, z: Array) -> Array:
    return np.where(z.real > 0, 1, alpha * np.exp(z - _relu(z)))


def _elu_derivative_from_output(alpha: float, h: Array) -> Array:
    return np.where(h.real > 0, 1, h + alpha)


def _softsign(z: Array) -> Any:
    return z / (1 + _modulus(z))


@_quiet
def _softsign_derivative(z: Array) -> Array:
    return (1 + _modulus(z)) ** -2


def _softsign_derivative_from_output(h: Array) -> Array:
    return (1 - _modulus(h)) ** 2


def _hard_tanh(z: Array) -> Array:
    return np.clip(z, -1, 1)


def _hard_tanh_derivative(z: Array) -> Array:
    # z and h are inside at the same time, so that phi' is the same function of both.
    return (abs(z.real) < 1).astype(z.dtype)


@_quiet
def _scaled(a: float, b: float, function: Callable[[Array], Array], z: Array) -> Array:
    return a * function(b * z)


def _rescaled(name: str, phi: Activation, a: float, b: float) -> Activation:
    # h = a phi(b z) has the derivative a b phi'(b z), a function of phi(b z) = h / a, too.
    return Activation(
        name,
        partial(_scaled, a, b, phi.formula),
        partial(_scaled, a * b, b, phi.derivative_formula),
        a * b * phi.max_derivative,
        partial(_scaled, a * b, 1 / a, phi.derivative_from),
    )


# Swish, Mish and both GELUs let z through a gate that opens from 0 to 1: phi(z) = z gate(z).
@_quiet
def _gated(gate: Callable[[Array], Array], z: Array) -> Array:
    return z * gate(z)


@_quiet
def _gated_derivative(
    gate: Callable[[Array], Array], gate_derivative: Callable[[Array], Array], z: Array
) -> Any:
    return gate(z) + z * gate_derivative(z)


def _gating(
    name: str, max_derivative: float, gate: Any, gate_derivative: Any, *parameters: float
) -> Activation:
    gate = partial(gate, *parameters)
    gate_derivative = partial(gate_derivative, *parameters)
    derivative = partial(_gated_derivative, gate, gate_derivative)
    return Activation(name, partial(_gated, gate), derivative, max_derivative)


def _square(z: Array) -> Array:
    # Beyond 40 the gates below are 0 or 1 in every format, while the square would overflow float16.
    return np.clip(z, -40, 40) ** 2


def _logistic(c: float, d: float, z: Array) -> Array:
    return _sigmoid(c * z * (1 + d * _square(z)))


def _logistic_derivative(c: float, d: float, z: Array) -> Array:
    return _sigmoid_derivative(c * z * (1 + d * _square(z))) * (c * (1 + 3 * d * _square(z)))


def _mish_gate(z: Array) -> Array:
    return np.tanh(_softplus(z))


def _mish_gate_derivative(z: Array) -> Array:
    return _tanh_derivative(_softplus(z)) * _sigmoid(z)


_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def _density(z: Array) -> Array:
    return np.exp(_square(z) / -2) / math.sqrt(2 * math.pi)


def _below(z: Array) -> Any:
    # P(N(0, 1) < z). math.erfc takes real numbers: a complex or dual number z = x + v with an
    # infinitesimal v gets the first order, P(x) + P'(x) v; for a real z, v is 0.
    x = z.real
    return (_erfc(x / -math.sqrt(2)) / 2).astype(x.dtype) + _density(x) * (z - x)


identity = Activation(
    "identity",
    partial(_leaky, 1.0),
    np.ones_like,
    max_derivative=1.0,
    derivative_from_output=np.ones_like,
)
"""h = z: the network without its nonlinearity."""

sigmoid = Activation(
    "sigmoid",
    _sigmoid,
    _sigmoid_derivative,
    max_derivative=0.25,
    derivative_from_output=_sigmoid_derivative_from_output,
)
"""h = 1 / (1 + exp(-z)), between 0 and 1; its derivative h (1 - h) is at most 1/4."""

tanh = Activation(
    "tanh",
    np.tanh,
    _tanh_derivative,
    max_derivative=1.0,
    derivative_from_output=_tanh_derivative_from_output,
)
"""h = tanh(z), between -1 and 1; its derivative 1 - h^2 is at most 1."""

relu = Activation(
    "relu",
    _relu,
    partial(_leaky_derivative, 0.0),
    max_derivative=1.0,
    derivative_from_output=partial(np.less, 0),
)
"""h = max(z, 0), with derivative 0 or 1, and 0 at the kink."""


def leaky_relu(negative_slope: float = 0.01) -> Activation:
    """The activation max(z, negative_slope z), the leaky rectifier of Maas, Hannun & Ng 2013.

    Args:
        negative_slope: phi' for negative z, dimensionless, from 0 (ReLU) to 1 (identity); 0.01 in
            the paper.

    Examples:
        >>> print(leaky_relu(0.1)(-2.0))
        -0.2
    """
    slope = number(negative_slope, "negative_slope", least=0)
    if slope > 1:
        raise ValueError(f"negative_slope is {slope!r}; a number from 0 to 1 is expected")
    # z and h have the same sign, so that phi' is the same function of z and of h.
    derivative = partial(_leaky_derivative, slope)
    return Activation(
        f"leaky_relu({slope:g})",
        partial(_leaky, slope),
        derivative,
        max_derivative=1.0,
        derivative_from_output=derivative,
    )


def elu(alpha: float = 1.0) -> Activation:
    """The activation z for z > 0 and alpha (exp(z) - 1) below, the exponential linear unit of
    Clevert et al. 2016.

    Args:
        alpha: -phi(-infinity), dimensionless, not negative; where it is not 1, phi has a kink at 0.

    Examples:
        >>> print(f"{elu()(-1.0):.4f}")
        -0.6321
    """
    alpha = number(alpha, "alpha", least=0)
    return Activation(
        f"elu({alpha:g})",
        partial(_elu, alpha),
        partial(_elu_derivative, alpha),
        max_derivative=max(1.0, alpha),
        derivative_from_output=partial(_elu_derivative_from_output, alpha),
    )


selu = _rescaled("selu", elu(1.6732632423543772), 1.0507009873554805, 1.0)
"""h = 1.0507 elu(z) with alpha = 1.6733 (Klambauer et al. 2017), steepest (1.758) left of the kink.

With these constants a Gaussian z of mean 0 and variance 1 gives h of mean 0 and variance 1.
"""


def swish(beta: float = 1.0) -> Activation:
    """The activation z sigma(beta z) of Ramachandran, Zoph & Le 2017.

    Args:
        beta: how sharply the gate sigma opens, in units of 1 / z, above 0; large values approach
            ReLU.

    Examples:
        >>> print(f"{swish()(1.0):.4f} {swish(50.0)(1.0):.4f}")
        0.7311 1.0000
    """
    beta = number(beta, "beta", above=0)
    # The largest derivative stands where beta z tanh(beta z / 2) = 2, and does not depend on beta.
    return _gating(
        f"swish({beta:g})", 1.099839320128867, _logistic, _logistic_derivative, beta, 0.0
    )


silu = replace(swish(), name="silu")
"""h = z sigma(z), `swish` with beta = 1 (Elfwing et al. 2018).

Lowest at z = -1.278, steepest (1.0998) at 2.399.
"""

mish = _gating("mish", 1.088498161251728, _mish_gate, _mish_gate_derivative)
"""h = z tanh(softplus(z)) (Misra 2020); lowest at z = -1.192, steepest (1.0885) at 1.491."""

gelu = _gating("gelu", 1.1289041451851547, _below, _density)
"""h = z P(N(0, 1) < z) (Hendrycks & Gimpel 2016).

Lowest at z = -0.752, steepest (1.1289) at sqrt(2).
"""

gelu_tanh = _gating(
    "gelu_tanh",
    1.1289930686587717,
    _logistic,
    _logistic_derivative,
    math.sqrt(8 / math.pi),
    0.044715,
)
"""h = z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2, within 0.0005 of `gelu`.

From the same paper.
"""

softplus = Activation(
    "softplus",
    _softplus,
    _sigmoid,
    max_derivative=1.0,
    derivative_from_output=_softplus_derivative_from_output,
)
"""h = log(1 + exp(z)), a smooth ReLU; its derivative is sigma(z)."""

softsign = Activation(
    "softsign",
    _softsign,
    _softsign_derivative,
    max_derivative=1.0,
    derivative_from_output=_softsign_derivative_from_output,
)
"""h = z / (1 + |z|), between -1 and 1 (Bergstra et al. 2009); its derivative falls like 1 / z^2."""

hard_tanh = Activation(
    "hard_tanh",
    _hard_tanh,
    _hard_tanh_derivative,
    max_derivative=1.0,
    derivative_from_output=_hard_tanh_derivative,
)
"""h = z between -1 and 1, and constant beyond: derivative 1 or 0 (Collobert 2004)."""

scaled_tanh = _rescaled("scaled_tanh", tanh, 1.7159, 2 / 3)
"""h = 1.7159 tanh(2 z / 3) (LeCun et al. 1998), nearly 1 at z = 1 and -1 at z = -1.

The derivative is at most 1.144.
"""

_NAMED = (
    identity,
    sigmoid,
    tanh,
    relu,
    selu,
    silu,
    mish,
    gelu,
    gelu_tanh,
    softplus,
    softsign,
    hard_tanh,
    scaled_tanh,
)
ACTIVATIONS = {phi.name: phi for phi in _NAMED} | {
    "leaky_relu": leaky_relu(),
    "elu": elu(),
    "swish": swish(),
}


def activation(activation: str | Activation) -> Activation:
    """The activation of that name; an `Activation` is returned as it is.

    Examples:
        >>> activation("sigmoid").max_derivative
        0.25
    """
    return resolved(activation, "activation")


def resolved(name: str | Activation, argument: str) -> Activation:
    """`activation` for an argument of another name."""
    return name if isinstance(name, Activation) else choice(name, argument, ACTIVATIONS)
