"""The verdict on a network, from the sizes of its gradients and signals, one number per layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vanishing._validation import Array, numbers

VANISHING = 1e-2
"""A gradient vanishes if the first layer gets less than this part of what the last one gets."""
EXPLODING = 1e2
"""A gradient explodes if the first layer gets more than this multiple of what the last one gets."""


def verdict(
    gradients: Sequence[float] | Array, *, signals: Sequence[float] | Array | None = None
) -> str:
    """'vanishing', 'exploding', 'steady' or 'undefined', from the ratio of first to last gradient.

    Multiplying the loss by a constant multiplies every gradient and leaves the ratio. Below 1/100
    the gradient vanishes, above 100 it explodes. An infinite signal or gradient is an overflow, so
    'exploding'. Else there is no ratio, so 'undefined', with NaN anywhere, with zero at the last
    layer, and with less than two layers.

    Args:
        gradients: one non-negative number per layer, layer 1 (the input side) first; any norm that
            is comparable between layers.
        signals: the same for the layers' outputs, of which only NaN and infinity matter.

    Examples:
        >>> verdict([1e-7, 1e-5, 1e-3])
        'vanishing'
        >>> verdict([1.0, 1.0, 1.0], signals=[1.0, 1e200, float("inf")])
        'exploding'
    """
    sizes = _sizes(gradients, "gradients")
    passed = _sizes([1.0] * len(sizes) if signals is None else signals, "signals")
    if len(passed) != len(sizes):
        wanted = f"{len(sizes)}, as many as gradients, are expected"
        raise ValueError(f"signals has {len(passed)} layers; {wanted}")
    if np.isinf([sizes, passed]).any():
        return "exploding"
    if np.isnan([sizes, passed]).any() or sizes.size < 2 or sizes[-1] == 0:
        return "undefined"
    first, last = float(sizes[0]), float(sizes[-1])
    if first < VANISHING * last:
        return "vanishing"
    return "exploding" if first / EXPLODING > last else "steady"


def _sizes(given: Sequence[float] | Array, name: str) -> Array:
    sizes = numbers(given, name).astype(np.float64)
    if sizes.ndim != 1 or (sizes < 0).any():
        wanted = "one non-negative number per layer is expected"
        raise ValueError(f"{name} is {given!r}; {wanted}")
    return sizes


@np.errstate(all="ignore")
def geometric_factor(sizes: Array) -> float:
    """exp(-slope) of the least-squares line through log(size) against l.

    The factor per layer going back: below 1 the sizes shrink towards the first. Sizes that have no
    logarithm are left out, with their l; NaN where less than two are left.
    """
    l = np.flatnonzero((sizes > 0) & np.isfinite(sizes))
    if len(l) < 2:
        return math.nan
    distance = l.mean() - l
    return float(np.exp(distance @ np.log(sizes[l]) / (distance @ distance)))
