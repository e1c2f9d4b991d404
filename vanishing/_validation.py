"""Checks at the door: each names the argument, what came and what is expected."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]
T = TypeVar("T")


class NotFinite(ValueError):
    """A NaN or an infinity where a finite number is expected."""


def floats(value: Any, name: str, *, ndim: int | None = None, least_ndim: int = 0) -> Array:
    """`value` as an array of finite floating-point or complex numbers.

    Numbers and lists are converted; an array keeps its dtype, and one of integers is refused,
    because whoever passes it probably meant something else. Duck arrays such as `Dual` pass as they
    are.
    """
    array = numbers(value, name, ndim=ndim, least_ndim=least_ndim)
    finite(array, name)
    return array


def numbers(value: Any, name: str, *, ndim: int | None = None, least_ndim: int = 0) -> Array:
    """`floats` that lets NaN and infinity pass, for functions that report them."""
    array: Any = value if isinstance(value, NDArrayOperatorsMixin) else _array(value, name)
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}); at least one number is expected")
    if ndim is not None and array.ndim != ndim or array.ndim < least_ndim:
        wanted = f"{ndim}" if ndim is not None else f"at least {least_ndim}"
        raise ValueError(f"{name} has shape {array.shape}; {wanted} axes are expected")
    return cast(Array, array)


def _array(value: Any, name: str) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{name} is ragged; an array with rows of one length is expected"
        ) from None
    if array.dtype.kind in "iu" and not isinstance(value, np.ndarray):
        array = array.astype(np.float64)
    if array.dtype.kind not in "fc":
        raise TypeError(f"{name} has dtype {array.dtype}; floating-point numbers are expected")
    return array


def finite(array: Array, name: str) -> None:
    """Nothing, or an error that says where the first NaN or infinity stands."""
    is_finite = np.isfinite(array)
    if not is_finite.all():
        index = tuple(int(i) for i in np.argwhere(~is_finite)[0])
        raise NotFinite(
            f"{name} holds {array[index]} at index {index}; finite numbers are expected"
        )


def number(
    value: Any,
    name: str,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    below: float = math.inf,
) -> float:
    """`value` as a finite Python float above `above`, of at least `least`, and below `below`."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} is {value!r}; a number is expected")
    if not (math.isfinite(value) and value > above and least <= value < below):
        bounds = ((" above", above), (" of at least", least), (" below", below))
        said = " and".join(f"{word} {bound:g}" for word, bound in bounds if math.isfinite(bound))
        raise ValueError(f"{name} is {value!r}; a finite number{said} is expected")
    return float(value)


def size(value: Any, name: str, *, least: int = 1) -> int:
    """`value` as a Python integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} is {value!r}; a whole number is expected")
    if value < least:
        raise ValueError(f"{name} is {value}; a whole number of at least {least} is expected")
    return int(value)


def labels(value: Any, name: str, *, shape: tuple[int, ...], classes: int) -> Array:
    """`value` as an array of class numbers 0 ... classes - 1 of the given shape."""
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} has dtype {array.dtype}; class numbers (integers) are expected")
    if array.shape != shape:
        raise ValueError(
            f"{name} has shape {array.shape}; one class number per row, {shape}, is expected"
        )
    if array.min() < 0 or array.max() >= classes:
        raise ValueError(
            f"{name} runs from {array.min()} to {array.max()}; 0 to {classes - 1} is expected"
        )
    return array


def dtype(value: DTypeLike, name: str = "dtype") -> np.dtype[Any]:
    """`value` as the dtype of a real floating-point format."""
    result = np.dtype(value)
    if result.kind != "f":
        raise TypeError(f"{name} is {result}; a floating-point type such as float64 is expected")
    return result


def generator(rng: Any) -> np.random.Generator:
    """`rng` if it is a numpy Generator; seeds and the global state are refused."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng is {rng!r}; a generator such as numpy.random.default_rng(0) is expected"
        )
    return rng


def instance(value: T, name: str, kind: Any, wanted: str = "") -> T:
    """`value` if it is an instance of `kind`; a class that was not called is none."""
    if isinstance(value, type) or not isinstance(value, kind):
        raise TypeError(f"{name} is {value!r}; {wanted or f'a {kind.__name__}'} is expected")
    return value


def choice(value: str, name: str, known: Mapping[str, T], *, of: str = "") -> T:
    """`known[value]`, or a ValueError that proposes the name that was meant.

    Args:
        value: the name that was given.
        name: of the argument.
        known: what each name stands for.
        of: whose names they are, such as 'layer 2'.
    """
    if value in known:
        return known[value]
    close = difflib.get_close_matches(str(value), known, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    whose = f" of {of}" if of else ""
    raise ValueError(f"{name} {value!r}{whose} is unknown; {meant}Known: {', '.join(known)}")
