"""Dual numbers: forward-mode differentiation of the same NumPy code that computes the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from vanishing._validation import numbers

# Elementwise functions: one partial derivative per argument, given the result y and the arguments.
_PARTIALS: dict[Any, tuple[Callable[..., Any], ...]] = {
    np.add: (lambda y, a, b: 1.0, lambda y, a, b: 1.0),
    np.subtract: (lambda y, a, b: 1.0, lambda y, a, b: -1.0),
    np.multiply: (lambda y, a, b: b, lambda y, a, b: a),
    np.divide: (lambda y, a, b: 1 / b, lambda y, a, b: -y / b),
    np.power: (lambda y, a, b: b * a ** (b - 1), lambda y, a, b: y * np.log(a)),
    np.maximum: (lambda y, a, b: a > b, lambda y, a, b: b >= a),
    np.minimum: (lambda y, a, b: a < b, lambda y, a, b: b <= a),
    np.negative: (lambda y, a: -1.0,),
    np.reciprocal: (lambda y, a: -y * y,),
    np.square: (lambda y, a: 2 * a,),
    np.sqrt: (lambda y, a: 0.5 / y,),
    np.absolute: (lambda y, a: np.sign(a),),
    np.exp: (lambda y, a: y,),
    np.expm1: (lambda y, a: y + 1,),
    np.log: (lambda y, a: 1 / a,),
    np.log1p: (lambda y, a: 1 / (1 + a),),
    np.sin: (lambda y, a: np.cos(a),),
    np.cos: (lambda y, a: -np.sin(a),),
    np.tanh: (lambda y, a: 1 - y * y,),
}
# Functions linear in each of their array arguments: the product rule holds.
_MULTILINEAR = {
    np.matmul,
    np.dot,
    np.inner,
    np.outer,
    np.einsum,
    np.tensordot,
    np.vecdot,
}
# Functions linear in all of their array arguments together.
_LINEAR = {
    np.sum,
    np.mean,
    np.cumsum,
    np.reshape,
    np.ravel,
    np.transpose,
    np.swapaxes,
    np.moveaxis,
    np.squeeze,
    np.expand_dims,
    np.broadcast_to,
    np.repeat,
    np.flip,
    np.roll,
    np.take,
    np.take_along_axis,
    np.concatenate,
    np.stack,
}
# Functions of the value alone, whose results are ordinary numbers.
_OF_THE_VALUE = {
    np.shape,
    np.ndim,
    np.size,
    np.real,
    np.sign,
    np.zeros_like,
    np.ones_like,
    np.full_like,
    np.argmax,
}


def _linear_method(name: str) -> Any:
    """The array method of that name, linear in the array, applied to value and tangent."""

    def method(self: Dual, *args: Any, **kwargs: Any) -> Dual:
        value = getattr(self.value, name)(*args, **kwargs)
        tangent = getattr(self.tangent, name)(*args, **kwargs)
        return Dual(value, tangent)

    return method


class Dual(NDArrayOperatorsMixin):
    """An array value + tangent * epsilon, with epsilon^2 = 0.

    A NumPy function f of a dual number is f(value) + f'(value) tangent epsilon, so that a
    computation started with a direction as tangent ends with the derivative along that direction
    (Griewank & Walther 2008). As with the complex step, `.real` is the ordinary part and
    comparisons look only at it.

    Args:
        value: an array.
        tangent: an array of the same shape.

    Examples:
        >>> y = np.tanh(Dual(np.zeros(2), np.array([1.0, 0.0])))
        >>> print(y.tangent)
        [1. 0.]
    """

    def __init__(self, value: Any, tangent: Any) -> None:
        self.value = numbers(value, "value")
        self.tangent = numbers(tangent, "tangent")
        if self.value.shape != self.tangent.shape:
            wanted = f"that of value, {self.value.shape}"
            raise ValueError(f"tangent has shape {self.tangent.shape}; {wanted}, is expected")

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = (), **kwargs: Any
    ) -> Any:
        function = getattr(ufunc, method)
        if ufunc in _MULTILINEAR:
            result = _multilinear(function, inputs, kwargs)
        elif method == "reduce" and ufunc is np.add:
            result = _linear(function, inputs, kwargs)
        elif method == "__call__" and ufunc in _PARTIALS:
            result = _elementwise(function, _PARTIALS[ufunc], inputs, kwargs)
        else:
            result = function(*_values(inputs), **kwargs)
            if ufunc not in _OF_THE_VALUE and getattr(result, "dtype", None) != bool:
                return NotImplemented
        return _into(out[0], result) if out else result

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in _MULTILINEAR:
            return _multilinear(function, args, kwargs)
        if function in _LINEAR:
            return _linear(function, args, kwargs)
        if function in _OF_THE_VALUE:
            return function(*_values(args), **kwargs)
        if function is np.where:
            return Dual(np.where(*_values(args)), np.where(args[0], *_tangents(args[1:])))
        if function is np.clip:
            low, high = args[1:]
            inside = (low <= self.value) & (self.value <= high)
            return Dual(np.clip(self.value, low, high), self.tangent * inside)
        return NotImplemented

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.tangent!r})"

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    real = property(lambda self: self.value)
    T = property(lambda self: self.transpose())
    __getitem__ = _linear_method("__getitem__")
    reshape = _linear_method("reshape")
    transpose = _linear_method("transpose")
    sum = _linear_method("sum")
    mean = _linear_method("mean")
    cumsum = _linear_method("cumsum")


def _values(item: Any) -> Any:
    """The same arguments with values in place of dual numbers."""
    if isinstance(item, Dual):
        return item.value
    return type(item)(map(_values, item)) if isinstance(item, (list, tuple)) else item


def _tangents(item: Any) -> Any:
    """The same arguments with tangents in place of dual numbers and zeros in place of constants."""
    if isinstance(item, Dual):
        return item.tangent
    return [_tangent(part) for part in item]


def _tangent(part: Any) -> Any:
    if isinstance(part, Dual):
        return part.tangent
    return np.zeros_like(part) if isinstance(part, np.ndarray) else 0


def _elementwise(function: Any, partials: Any, inputs: Any, kwargs: Any) -> Dual:
    """f(a, b) with the tangent df/da a' + df/db b'."""
    values = _values(inputs)
    y = function(*values, **kwargs)
    terms = (
        partial(y, *values) * item.tangent
        for partial, item in zip(partials, inputs, strict=True)
        if isinstance(item, Dual)
    )
    return Dual(y, np.broadcast_to(sum(terms), np.shape(y)))


def _multilinear(function: Any, args: Any, kwargs: Any) -> Dual:
    """f(a, b) with the tangent f(a', b) + f(a, b')."""
    values = _values(args)
    terms = (
        function(*values[:i], item.tangent, *values[i + 1 :], **kwargs)
        for i, item in enumerate(args)
        if isinstance(item, Dual)
    )
    return Dual(function(*values, **kwargs), sum(terms))


def _linear(function: Any, args: Any, kwargs: Any) -> Dual:
    """f(a) with the tangent f(a')."""
    first, *rest = args
    value = function(_values(first), *rest, **kwargs)
    return Dual(value, function(_tangents(first), *rest, **kwargs))


def _into(out: Any, result: Any) -> Any:
    """`out` once it holds the result of an operation in place."""
    if not isinstance(out, Dual):
        repair = "make every parameter dual"
        raise TypeError(f"a dual number cannot be written into an ordinary array; {repair}")
    out.value = result.value
    out.tangent = result.tangent
    return out
