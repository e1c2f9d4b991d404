"""Gradients computed by other means than a backward pass, to check one by the other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from vanishing.duals import Dual
from vanishing.layers import EVALUATION, Layer, Mode, Parameters
from vanishing.losses import Loss, softmax_cross_entropy
from vanishing.networks import Network, Record
from vanishing.validation import Array, choice, floats, generator, instance, number, size

Function = Callable[[Any], Any]
Along = Callable[[Function, Array, Array], Any]

# Small enough for its square to be lost beside 1; nothing is subtracted, so it may be as small as it likes.
_COMPLEX_STEP = 1e-20
# The cube root of float64's resolution balances the truncation error step^2 against the rounding error eps / step.
_CENTRAL_STEP = 6e-6


def _along_complex(f: Function, x: Array, v: Array) -> Any:
    return np.imag(f(x + 1j * _COMPLEX_STEP * v.astype(np.float64))) / _COMPLEX_STEP


def _along_central(f: Function, x: Array, v: Array, step: float = _CENTRAL_STEP) -> Any:
    x, v = x.astype(np.float64, copy=False), v.astype(np.float64, copy=False)
    return (f(x + step * v) - f(x - step * v)) / (2 * step)


def _along_dual(f: Function, x: Array, v: Array) -> Any:
    y = f(Dual(x, v))
    return y.tangent if isinstance(y, Dual) else np.zeros_like(y)


def _gradient(along: Along, f: Function, x: Array) -> Array:
    """df/dx entry by entry, one run of f (or two) per entry of x."""
    x = floats(x, "x")
    instance(f, "f", Callable, "a function of an array")
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        unit = np.zeros_like(x)
        unit[index] = 1
        gradient[index] = along(f, x, unit)
    return gradient


def complex_step(f: Function, x: Array) -> Array:
    """The gradient of a scalar function, df/dx_i = Im f(x + i h e_i) / h with h = 1e-20, exact to rounding.

    Squire & Trapp 1998. The function must be analytic, and run on complex arrays.

    Args:
        f: array -> number.
        x: where; the result has its shape and dtype.

    Examples:
        >>> print(complex_step(lambda x: np.sum(x**3), np.array([1.0, 2.0])))
        [ 3. 12.]
    """
    return _gradient(_along_complex, f, x)


def central_difference(f: Function, x: Array, *, step: float = _CENTRAL_STEP) -> Array:
    """The gradient of a scalar function, (f(x + step e_i) - f(x - step e_i)) / (2 step).

    Its error is about step^2 f'''/6 from truncation plus 1e-16 f / step from rounding: relative to f, nothing below
    about 1e-11 can be seen.

    Args:
        f: array -> number.
        x: where; the result has its shape and dtype.
        step: in units of x.

    Examples:
        >>> print(central_difference(lambda x: np.sum(x**3), np.array([1.0, 2.0])).round(6))
        [ 3. 12.]
    """
    step = number(step, "step", above=0)
    return _gradient(lambda f, x, v: _along_central(f, x, v, step), f, x)


def forward_mode(f: Function, x: Array) -> Array:
    """The gradient of a scalar function by dual numbers, one run per entry of x, exact to rounding.

    Args:
        f: array -> number, in NumPy functions that `Dual` knows.
        x: where; the result has its shape and dtype.

    Examples:
        >>> print(forward_mode(lambda x: np.sum(x**3), np.array([1.0, 2.0])))
        [ 3. 12.]
    """
    return _gradient(_along_dual, f, x)


_LIFTS: dict[str, Callable[[Array], Any]] = {
    "forward": lambda a: Dual(a, np.zeros_like(a)),
    "complex": lambda a: a.astype(np.complex128),
    "central": lambda a: a.astype(np.float64, copy=False),
}
_GRADIENTS = {"forward": forward_mode, "complex": complex_step, "central": central_difference}


def parameter_gradient(
    network: Network, x: Array, target: Any, *, loss: Loss = softmax_cross_entropy,
    layer: int = 1, parameter: str = "weight", method: str = "backprop",
) -> Array:  # fmt: skip
    """dL/dW_l, or the gradient with respect to another parameter of layer l, by the method of that name.

    Args:
        network: what is differentiated.
        x: input, shape (batch, n_0).
        target: what `loss` compares the output with.
        loss: L.
        layer: l, from 1 to L; negative numbers count from the output.
        parameter: 'weight', 'bias', or as the layer names it.
        method: 'backprop', 'forward' (dual numbers), 'complex' (complex step) or 'central' (differences).

    Examples:
        >>> from vanishing.networks import dense_network
        >>> rng = np.random.default_rng(0)
        >>> network, x = dense_network([2, 3, 2], activation="sigmoid", rng=rng), rng.standard_normal((4, 2))
        >>> a, b = (parameter_gradient(network, x, [0, 1, 0, 1], method=m) for m in ("backprop", "complex"))
        >>> print(np.allclose(a, b, rtol=1e-12))
        True
    """
    name = f"{_position(instance(network, 'network', Network), layer)}.{parameter}"
    instance(loss, "loss", Loss)
    values = network.parameters
    choice(name, "parameter", values)
    if method == "backprop":
        record = network.forward(x)
        return network.backward(record, loss.gradient(record.output, target)).parameters[name]
    gradient = choice(method, "method", {"backprop": forward_mode} | _GRADIENTS)
    lifted = {key: _LIFTS[method](value) for key, value in values.items()}

    def loss_of(value: Any) -> Any:
        return loss(network.with_parameters(lifted | {name: value}).forward(x).output, target)

    return gradient(loss_of, values[name])


def _position(network: Network, layer: int) -> int:
    count = len(network.levels)
    layer = size(layer, "layer", least=-count)
    if not (1 <= layer <= count or -count <= layer <= -1):
        raise ValueError(
            f"layer is {layer}; a number from 1 to {count}, or from -{count} to -1, is expected"
        )
    return network.levels[layer - 1 if layer > 0 else layer]


def projection_test(
    part: Layer | Network, h: Array, *, rng: np.random.Generator, mode: Mode = EVALUATION
) -> float:
    """The largest relative error between <u, J v> and <J^T u, v> for random u and v.

    J v is the derivative of the output along v by a complex step, J^T u is what `backward` returns. v is drawn once
    for the input and once for each parameter, so that a wrong gradient cannot hide behind a larger right one. Only
    what is below a hundredth of another parameter of the same layer is compared with that hundredth: of a bias before
    batch normalization, whose gradient is 0, nothing but rounding could be seen.

    Args:
        part: a layer or a network.
        h: its input.
        rng: draws u and the v.
        mode: of the forward pass; every run starts from a copy of its rng, and so draws the same.

    Examples:
        >>> from vanishing.networks import dense_network
        >>> rng = np.random.default_rng(0)
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=rng)
        >>> projection_test(network, rng.standard_normal((5, 3)), rng=rng) < 1e-12
        True
    """
    instance(part, "part", Layer | Network, "a Layer or a Network")
    network = part if isinstance(part, Network) else Network((part,))
    mode = copy.deepcopy(instance(mode, "mode", Mode))  # its rng may be the one that draws u and v
    values: dict[str, Array] = {"input": network.checked(h, "h"), **network.parameters}
    lifted = {name: value.astype(np.complex128) for name, value in values.items()}

    def record(values: Parameters) -> Record:
        parameters = {name: value for name, value in values.items() if name != "input"}
        return network.with_parameters(parameters).forward(values["input"], copy.deepcopy(mode))

    start = record(values)
    u = generator(rng).standard_normal(start.output.shape).astype(start.output.dtype)
    gradients = start.network.backward(start, u)
    pulled, pairs = {"input": gradients.input, **gradients.parameters}, {}
    for name, value in values.items():
        v = rng.standard_normal(value.shape).astype(value.dtype)
        pushed = _along_complex(lambda a, name=name: record(lifted | {name: a}).output, value, v)  # type: ignore[misc]
        pairs[name] = float(np.vdot(u, pushed)), float(np.vdot(pulled[name], v))
    return max(_relative(name, pairs) for name in pairs)


def _relative(name: str, pairs: dict[str, tuple[float, float]]) -> float:
    a, b = pairs[name]
    layer = name.rpartition(".")[0]
    largest = max(
        abs(c) for other, pair in pairs.items() if other.rpartition(".")[0] == layer for c in pair
    )
    return abs(a - b) / max(abs(a), abs(b), 0.01 * largest) if a != b else 0.0
