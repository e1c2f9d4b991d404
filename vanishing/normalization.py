"""Normalization: units brought to mean 0 and variance 1, over the batch or within a row, then scaled and shifted.

Its backward pass is a projection. Scaled by one over the deviation, a gradient loses its part along the normalized
signal, because a longer signal gives the same output, and, where a mean was taken away, its own mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from vanishing.layers import EVALUATION, Layer, Mode, Parameters, settle
from vanishing.validation import Array, dtype as floating, number, size

_START = {"gain": 1, "shift": 0, "mean": 0, "variance": 1}


class Normalization(Layer):
    """The layer gain * (h - mean) / sqrt(variance + epsilon) + shift; without shift the mean stays.

    Attributes:
        running: the names of the fields, one number per unit, that are no parameters.
    """

    gain: Array
    epsilon: float
    learned: ClassVar[tuple[str, ...]] = ("gain", "shift")
    running: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of(cls, width: int, dtype: DTypeLike = np.float64) -> Self:
        """The layer for `width` units as training starts: gain 1, shift 0, running mean 0, running variance 1."""
        shape, kind = size(width, "width"), floating(dtype)
        return cls(**{name: np.full(shape, _START[name], kind) for name in cls.learned + cls.running})

    def __post_init__(self) -> None:
        gain = settle(self, "gain", ndim=1)
        for name in self.learned + self.running:
            settle(self, name, shape=gain.shape, dtype=gain.dtype)
        number(self.epsilon, "epsilon", least=0)

    def _statistics(self, h: Array, mode: Mode) -> tuple[Any, Array, tuple[int, ...]]:
        """Mean, variance, and the axes of h that they were taken over; none if they do not depend on h."""
        return _moments(h, (-1,), "shift" in self.learned)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        self.check(h)
        mean, variance, axes = self._statistics(h, mode)
        deviation = np.sqrt(variance + self.epsilon)
        unit = (h - mean) / deviation
        return unit * self.gain + self.parameters.get("shift", 0.0), (unit, deviation, axes, mean, variance)

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        unit, deviation, axes, *_ = memory
        d_unit = d_output * self.gain
        if axes:
            through_mean = np.mean(d_unit, axis=axes, keepdims=True) if "shift" in self.learned else 0.0
            d_unit -= through_mean + unit * np.mean(d_unit * unit, axis=axes, keepdims=True)
        parts = {"gain": d_output * unit, "shift": d_output}
        return d_unit / deviation, {name: parts[name].reshape(-1, self.gain.size).sum(axis=0) for name in self.learned}


def _moments(h: Array, axes: tuple[int, ...], centred: bool = True) -> tuple[Any, Array, tuple[int, ...]]:
    mean = np.mean(h, axis=axes, keepdims=True) if centred else 0.0
    return mean, np.mean(np.square(h - mean), axis=axes, keepdims=True), axes


@dataclass(frozen=True, eq=False)
class BatchNorm(Normalization):
    """Each unit normalized by its mean and variance over the batch (Ioffe & Szegedy 2015, algorithm 1).

    In training, mean and biased variance are those of the batch, taken over all axes but the last, and they carry
    gradients; a training step moves the running statistics by `momentum` towards that mean and the unbiased
    variance. In evaluation the running statistics serve, as constants: a layer that was never trained then does
    nearly nothing, so an untrained network is measured with `Mode(training=True)`. PyTorch's `BatchNorm1d`.

    Args:
        gain: one per unit, learned.
        shift: one per unit, learned.
        mean: running mean, one per unit.
        variance: running variance, one per unit.
        momentum: the share of the newest batch in the running statistics, from 0 to below 1.
        epsilon: added to the variance.

    Examples:
        >>> layer = BatchNorm.of(1)
        >>> print(layer.forward(np.array([[1.0], [5.0]]), Mode(training=True))[0].round(3).tolist())
        [[-1.0], [1.0]]
    """

    gain: Array
    shift: Array
    mean: Array
    variance: Array
    momentum: float = 0.1
    epsilon: float = 1e-5
    running: ClassVar[tuple[str, ...]] = ("mean", "variance")

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self.variance.min(), "variance", least=0)
        number(self.momentum, "momentum", least=0, below=1)

    def _statistics(self, h: Array, mode: Mode) -> tuple[Any, Array, tuple[int, ...]]:
        if not mode.training:
            return self.mean, self.variance, ()
        if h.size == h.shape[-1]:
            raise ValueError(f"h has shape {h.shape}; two rows or more are expected: in training, one has no variance")
        return _moments(h, tuple(range(h.ndim - 1)))

    def after(self, memory: Any) -> Self:
        unit, _, axes, mean, variance = memory
        if not axes:
            return self
        rows, share = unit.size // self.gain.size, self.momentum
        batch = {"mean": mean, "variance": variance * (rows / (rows - 1))}
        moved = {name: (1 - share) * getattr(self, name) + share * batch[name].reshape(-1) for name in self.running}
        return replace(self, **moved)


@dataclass(frozen=True, eq=False)
class LayerNorm(Normalization):
    """Each row normalized by its mean and variance over the units (Ba, Kiros & Hinton 2016), training or not.

    Args:
        gain: one per unit, learned.
        shift: one per unit, learned.
        epsilon: added to the variance.

    Examples:
        >>> print(LayerNorm.of(2).forward(np.array([[1.0, 5.0]]))[0].round(3).tolist())
        [[-1.0, 1.0]]
    """

    gain: Array
    shift: Array
    epsilon: float = 1e-5


@dataclass(frozen=True, eq=False)
class RMSNorm(Normalization):
    """Each row over its root mean square, gain * h / sqrt(mean(h^2) + epsilon) (Zhang & Sennrich 2019).

    PyTorch's `RMSNorm` takes the resolution of the dtype as epsilon where none is given.

    Args:
        gain: one per unit, learned.
        epsilon: added to the mean square.

    Examples:
        >>> print(RMSNorm.of(2).forward(np.array([[3.0, 3.0]]))[0].round(3).tolist())
        [[1.0, 1.0]]
    """

    gain: Array
    epsilon: float = 1e-5
    learned: ClassVar[tuple[str, ...]] = ("gain",)


NORMALIZATIONS: dict[str, type[Normalization]] = {"batch": BatchNorm, "layer": LayerNorm, "rms": RMSNorm}
"""The normalizations by the names under which `dense_network` takes them."""
