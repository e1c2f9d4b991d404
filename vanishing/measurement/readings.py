"""What a look at one layer of any framework's network says, in a few numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing._validation import Array, NotFinite, floats
from vanishing.measurement.norms import norm

BATCH = 8
"""The least batch for the share of dead units: one that is on half of the time is off on 8 of 8
samples once in 256 times."""


@dataclass(frozen=True)
class Reading:
    """The numbers on one layer; None is unknown.

    Attributes:
        name: of the layer.
        gradient: the norm of its gradient; None if none arrived.
        signal: rms of its output.
        dead: the share of its units that are off on the whole batch, as of `dead_share`.
        constant: whether its output is the same for every sample.
        spread: the part of its output that differs between samples: the rms of what is left
            without the mean over them, over the rms.
        zero_weights: whether all its weights are 0.
        subnormal: whether the rms of the gradient's entries that are not 0 lies below the smallest
            normal number of the format, where digits are lost.
        step: the length of one step of plain descent over that of the weights.
        frozen: whether no gradient was asked for.
    """

    name: str
    gradient: float | None
    signal: float | None = None
    dead: float | None = None
    constant: bool | None = None
    spread: float | None = None
    zero_weights: bool | None = None
    subnormal: bool = False
    step: float | None = None
    frozen: bool = False


def read(
    name: str,
    gradient: Any,
    *,
    signal: Any = None,
    weight: Any = None,
    weight_gradient: Any = None,
    learning_rate: float | None = None,
    kind: str = "signal",
    smallest: float | None = None,
    frozen: bool = False,
) -> Reading:
    """The reading of one layer from its arrays, or numbers; see `diagnose`.

    Args:
        name: of the layer.
        gradient: None if none arrived.
        signal: the layer's output.
        weight: its weights.
        weight_gradient: dL/dweight.
        learning_rate: of plain descent.
        kind: 'signal' or 'weight', as for `diagnose`.
        smallest: the smallest normal number of the gradient's format; that of its dtype if None.
        frozen: whether no gradient was asked for.
    """
    found: dict[str, Any] = {"name": name, "gradient": None, "frozen": frozen}
    array = None
    if gradient is not None:
        array, found["gradient"] = size_of(gradient, f"gradients of layer {name!r}")
        if array.ndim and math.isfinite(found["gradient"]):
            least = smallest or float(np.finfo(array.dtype).smallest_normal)
            found["subnormal"] = is_subnormal(array, least)
    if signal is not None:
        output, found["signal"] = rms_of(signal, f"signals of layer {name!r}")
        found["dead"] = dead_share(output, array if kind == "signal" else None)
        found["constant"] = is_constant(output)
        found["spread"] = spread_of(output, found["signal"])
    slope = None
    if weight_gradient is not None:
        _, slope = rms_of(weight_gradient, f"weight_gradients of layer {name!r}")
    if weight is not None:
        _, size = rms_of(weight, f"weights of layer {name!r}")
        found["zero_weights"] = size == 0
        if slope is not None and learning_rate is not None and size > 0:
            found["step"] = learning_rate * slope / size
    return Reading(**found)


def size_of(value: Any, name: str) -> tuple[Array, float]:
    """The array, and its norm; a number is a norm already.

    Infinite if an entry is, else NaN if an entry is.

    Raises:
        TypeError: for what holds no numbers.
        ValueError: for what is ragged, empty or complex, and for a norm below 0.
    """
    try:
        array = floats(value, name)
    except NotFinite:
        array = np.asarray(value)
    if array.dtype.kind == "c" or (array.ndim == 0 and array < 0):
        wanted = "real numbers, and for a norm at least 0, are expected"
        raise ValueError(f"{name} holds {array.flat[0]}; {wanted}")
    return array, norm(array)


def rms_of(value: Any, name: str) -> tuple[Array, float]:
    """The array and the rms of its entries, as `size_of`."""
    array, size = size_of(value, name)
    return array, size / math.sqrt(array.size)


def dead_share(signal: Array, gradient: Array | None) -> float | None:
    """The share of units that are off on the whole batch; None if that cannot be told.

    A unit is off where its output is exactly 0 or, if what is given is a preactivation, where that
    is negative and the gradient exactly 0. Of the axes behind the batch the units are the last one
    or, where there are four or more axes, the channels in axis 1.
    """
    if signal.ndim < 2:
        return None
    units = 1 if signal.ndim > 3 else -1
    others = tuple(axis for axis in range(signal.ndim) if axis != units % signal.ndim)
    off = (signal == 0).all(axis=others)
    if gradient is not None and gradient.shape == signal.shape:
        closed = ((signal <= 0) & (gradient == 0)).all(axis=others)
        # Without any gradient a negative output may have other reasons, unless all are negative.
        if gradient.any() or closed.all():
            off = off | closed
    return float(off.mean()) if len(signal) >= BATCH or off.all() else None


def is_subnormal(gradient: Array, smallest: float) -> bool:
    """Whether the entries that are not 0 have an rms below the format's smallest normal number."""
    entries = gradient[gradient != 0]
    return bool(entries.size) and norm(entries, entries.size) < smallest


def spread_of(signal: Array, size: float) -> float | None:
    """The part of a signal of this rms that differs between samples; None with a single sample."""
    if signal.ndim < 2 or len(signal) < 2 or not 0 < size < math.inf:
        return None
    wide = signal.astype(np.float64)
    differing = wide - wide.mean(axis=0)
    return norm(differing, differing.size) / size


def is_constant(signal: Array) -> bool | None:
    """Whether all samples have the same output; None with a single sample."""
    if signal.ndim < 2 or len(signal) < 2:
        return None
    return bool((signal == signal[:1]).all())
