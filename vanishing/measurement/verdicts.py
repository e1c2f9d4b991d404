"""The verdict on a network, from the sizes of its gradients and signals, one number per layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vanishing._validation import Array, numbers

VANISHING = 1e-2
"""The gradient vanishes if the first layer gets less than this part of what the last one gets."""
EXPLODING = 1e2
"""It explodes if the first layer gets more than this multiple of what the last one gets."""
STRETCH = 3
"""So many layers in a row that get less, or more, than both ends make a gradient uneven."""


def verdict(
    gradients: Sequence[float] | Array, *, signals: Sequence[float] | Array | None = None
) -> str:
    """'vanishing', 'exploding', 'uneven', 'blocked', 'steady' or 'undefined', from ratios alone.

    Multiplying the loss by a constant multiplies every gradient and leaves the ratio of the first
    layer's to the last one's. Below 1/100 the gradient vanishes, above 100 it explodes. It is
    uneven if one stretch of 3 layers or more between them gets less than 1/100 of both ends, or
    more than 100 times as much. Layers that lie apart again and again, such as a transformer's
    queries and keys, stand beside the path on which the gradient travels.

    A layer whose gradient is exactly 0 is left out, for a product of factors reaches 0 only by
    underflow: such a layer is off, or the loss does not depend on it. Where the first layers are of
    that kind, the gradient is blocked, unless it has shrunk below 1/100 before.

    An infinite signal or gradient is an overflow, so 'exploding'. Else there is no ratio, so
    'undefined', with NaN anywhere, and with less than two layers that get a gradient.

    Args:
        gradients: one non-negative number per layer, layer 1 (the input side) first; any norm that
            is comparable between layers, such as `norm_per_sample`.
        signals: the same for the layers' outputs, of which only NaN and infinity matter.

    Examples:
        >>> verdict([1e-7, 1e-5, 1e-3])
        'vanishing'
        >>> verdict([1.0, 1e-3, 1e-4, 1e-3, 1.0]), verdict([0.0, 0.0, 1.0])
        ('uneven', 'blocked')
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
    reached = np.flatnonzero(sizes)
    if np.isnan([sizes, passed]).any() or not reached.size:
        return "undefined"
    return _verdict(sizes[reached], blocked=bool(reached[0]))


def _verdict(sizes: Array, blocked: bool) -> str:
    """The verdict on finite sizes above 0, `blocked` if layers before them get exactly 0."""
    first, last = float(sizes[0]), float(sizes[-1])
    if first < VANISHING * last:
        return "vanishing"
    if blocked:
        return "blocked"
    if len(sizes) < 2:
        return "undefined"
    if first / EXPLODING > last:
        return "exploding"
    return "uneven" if _is_one_stretch(apart(sizes)) else "steady"


def apart(sizes: Array) -> Array:
    """Which layers get less than 1/100 of both ends, or more than 100 times as much."""
    ends = sizes[[0, -1]]
    low, high = VANISHING * ends.min(), ends.max()
    return np.asarray((sizes < low) | (sizes / EXPLODING > high))


def _is_one_stretch(where: Array) -> bool:
    """Whether the layers follow each other and are `STRETCH` or more."""
    found = np.flatnonzero(where)
    return len(found) >= STRETCH and bool(found[-1] - found[0] == len(found) - 1)


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
