"""Sizes of arrays: root mean square and norm, also where squares leave the number range."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vanishing._validation import Array, floats


def rms(array: ArrayLike) -> float:
    """The root mean square of all entries.

    Examples:
        >>> rms(np.array([3.0, -3.0]))
        3.0
    """
    array = floats(array, "array")
    return norm(array, array.size)


def norm_per_sample(array: ArrayLike) -> float:
    """The root mean square, over the samples, of the norm of each sample's entries.

    The size of a gradient that layers of any shape share: chi is the factor on its square per
    layer, whatever the widths, while the rms of the entries moves with their number, too.

    Args:
        array: batch first, shape (batch, ...).

    Examples:
        >>> norm_per_sample(np.array([[3.0, -4.0], [-3.0, 4.0]]))
        5.0
    """
    array = floats(array, "array", least_ndim=1)
    return norm(array, len(array))


def norm(array: Array, count: int = 1) -> float:
    """The root of the sum of squares over `count`, without a check.

    Infinite if an entry is infinite, else NaN if an entry is NaN.
    """
    if array.dtype == np.float16:  # whose sums are float16, too
        array = array.astype(np.float32)
    square = float(np.vdot(array, array).real)
    if array.size * _lowest_square(array.dtype) < square < math.inf:
        return math.sqrt(square / count)
    if array.dtype.itemsize < 8:
        return norm(array.astype(np.float64), count)
    scale = float(np.abs(array).max(initial=0))
    if not 0 < scale < math.inf:
        return math.inf if np.isinf(array).any() else scale
    scaled = np.abs(array) / scale
    return scale * math.sqrt(float(np.vdot(scaled, scaled)) / count)


@cache
def _lowest_square(dtype: np.dtype[Any]) -> float:
    """The smallest mean square that is exact although some of the squares may have lost digits."""
    return float(np.finfo(dtype).tiny / np.finfo(dtype).eps)


def unit_rows(rows: Array) -> Array:
    """Each row over its norm; a row of zeros stays.

    Divides by the largest entry first, so that no square underflows.
    """
    for size_of in (np.max, np.linalg.norm):
        sizes = size_of(np.abs(rows), axis=-1, keepdims=True)
        rows = rows / np.maximum(sizes, np.finfo(rows.dtype).tiny)
    return rows
