"""Gradients computed by other means than a backward pass, to check one by the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vanishing._validation import Array, choice, floats, instance, number, size
from vanishing.checking.duals import Dual
from vanishing.nn.losses import Loss, softmax_cross_entropy
from vanishing.nn.sequential import Sequential

Function = Callable[[Any], Any]
Along = Callable[[Function, Array, Array], Any]

# Small enough for its square to be lost beside 1; nothing is subtracted, so it may be as small as
# it likes.
_COMPLEX_STEP = 1e-20
# The cube root of float64's resolution balances the truncation error step^2 against the rounding
# error eps / step.
_CENTRAL_STEP = 6e-6


def along_complex(f: Function, x: Array, v: Array) -> Any:
    """The derivative of f at x along v, Im f(x + i h v) / h with h = 1e-20, exact to rounding."""
    return np.imag(f(x + 1j * _COMPLEX_STEP * v.astype(np.float64))) / _COMPLEX_STEP


def along_dual(f: Function, x: Array, v: Array) -> Any:
    """The derivative of f at x along v by a dual number, exact to rounding; 0 if f ignores x."""
    y = f(Dual(x, v))
    return y.tangent if isinstance(y, Dual) else np.zeros_like(y)


def _along_central(f: Function, x: Array, v: Array, step: float) -> Any:
    """The derivative of f at x along v, (f(x + step v) - f(x - step v)) / (2 step)."""
    x = x.astype(np.float64, copy=False)
    v = v.astype(np.float64, copy=False)
    return (f(x + step * v) - f(x - step * v)) / (2 * step)


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
    """The gradient of a scalar function by complex steps, exact to rounding.

    df/dx_i = Im f(x + i h e_i) / h with h = 1e-20 (Squire & Trapp 1998), one run per entry of x.
    The function must be analytic, and run on complex arrays.

    Args:
        f: array -> number.
        x: where; the result has its shape and dtype.

    Examples:
        >>> print(complex_step(lambda x: np.sum(x**3), np.array([1.0, 2.0])))
        [ 3. 12.]
    """
    return _gradient(along_complex, f, x)


def central_difference(f: Function, x: Array, *, step: float = _CENTRAL_STEP) -> Array:
    """The gradient of a scalar function by central differences, two runs per entry of x.

    df/dx_i = (f(x + step e_i) - f(x - step e_i)) / (2 step) up to an error of about step^2 f'''/6
    from truncation plus 1e-16 f / step from rounding: gradients below about 1e-11 of f are lost in
    it.

    Args:
        f: array -> number.
        x: where; the result has its shape and dtype.
        step: in units of x, above 0.

    Examples:
        >>> print(central_difference(lambda x: np.sum(x**3), np.array([1.0, 2.0])).round(6))
        [ 3. 12.]
    """
    step = number(step, "step", above=0)
    return _gradient(lambda f, x, v: _along_central(f, x, v, step), f, x)


def forward_mode(f: Function, x: Array) -> Array:
    """The gradient of a scalar function by dual numbers, exact to rounding.

    One run per entry of x (Griewank & Walther 2008).

    Args:
        f: array -> number, in NumPy functions that `Dual` knows.
        x: where; the result has its shape and dtype.

    Examples:
        >>> print(forward_mode(lambda x: np.sum(x**3), np.array([1.0, 2.0])))
        [ 3. 12.]
    """
    return _gradient(along_dual, f, x)


def _dual(array: Array) -> Any:
    return Dual(array, np.zeros_like(array))


def _complex(array: Array) -> Any:
    return array.astype(np.complex128)


def _float64(array: Array) -> Any:
    return array.astype(np.float64, copy=False)


# Each method but the backward pass, and what makes all parameters arrays that it can write into.
_Method = tuple[Callable[[Function, Array], Array], Callable[[Array], Any]]
_METHODS: dict[str, _Method | None] = {
    "backprop": None,
    "forward": (forward_mode, _dual),
    "complex": (complex_step, _complex),
    "central": (central_difference, _float64),
}


def parameter_gradient(
    network: Sequential,
    x: Array,
    target: Any,
    *,
    loss: Loss = softmax_cross_entropy,
    layer: int = 1,
    parameter: str = "weight",
    method: str = "backprop",
) -> Array:
    """dL/dW_l, or the gradient of another parameter of layer l, by the method of that name.

    Args:
        network: what is differentiated.
        x: input, shape (batch, n_0).
        target: what `loss` compares the output with.
        loss: L.
        layer: l = 1 ... L, counting weight layers from the input; negative numbers count from the
            output.
        parameter: 'weight', 'bias', or as the layer names it.
        method: 'backprop', 'forward' (dual numbers), 'complex' (complex step) or 'central'
            (differences).

    Examples:
        >>> from vanishing import dense_network
        >>> rng = np.random.default_rng(0)
        >>> network = dense_network([2, 3, 2], activation="sigmoid", rng=rng)
        >>> x, labels = rng.standard_normal((4, 2)), [0, 1, 0, 1]
        >>> a = parameter_gradient(network, x, labels)
        >>> b = parameter_gradient(network, x, labels, method="complex")
        >>> print(np.allclose(a, b, rtol=1e-12))
        True
    """
    name = _full_name(instance(network, "network", Sequential), layer, parameter)
    instance(loss, "loss", Loss)
    chosen = choice(method, "method", _METHODS)
    if chosen is None:
        record = network.record(x)
        return record.backward(loss.gradient(record.output, target)).parameters[name]
    gradient, lift = chosen
    lifted = {key: lift(value) for key, value in network.parameters.items()}

    def loss_of(value: Any) -> Any:
        changed = network.with_parameters(lifted | {name: value})
        return loss(changed.record(x).output, target)

    return gradient(loss_of, network.parameters[name])


def _full_name(network: Sequential, layer: int, parameter: str) -> str:
    """The name in `network.parameters` of a parameter of layer l."""
    count = len(network.weight_layers)
    l = size(layer, "layer", least=-count)
    if not (1 <= l <= count or -count <= l <= -1):
        wanted = f"a number from 1 to {count}, or from -{count} to -1,"
        raise ValueError(f"layer is {layer}; {wanted} is expected")
    l = l if l > 0 else count + 1 + l
    position = network.weight_layers[l - 1]
    choice(parameter, "parameter", network.layers[position].parameters, of=f"layer {l}")
    return f"{position}.{parameter}"
