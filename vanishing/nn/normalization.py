"""Normalization: units brought to mean 0 and variance 1, then scaled and shifted.

Mean and variance are taken over the batch or within a row. The backward pass is a projection: it
divides a gradient by the deviation and takes away the part along the normalized signal, because a
longer signal gives the same output, and, where a mean was subtracted, the gradient's own mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from vanishing._validation import Array, dtype as floating, number, size
from vanishing.nn.layer import (
    EVALUATION,
    Fans,
    Layer,
    Mode,
    Nonlinearity,
    Parameters,
    checked_array,
)

_START = {"weight": 1, "bias": 0, "running_mean": 0, "running_var": 1}


class Normalization(Layer):
    """The layer weight * (h - mean) / sqrt(variance + epsilon) + bias.

    A layer without a bias subtracts no mean. Names are PyTorch's; the papers call the weight gain
    or gamma, and the bias shift or beta.

    Attributes:
        running: the names of the fields, one number per unit, that are no parameters.
    """

    weight: Array
    epsilon: float
    trainable: ClassVar[tuple[str, ...]] = ("weight", "bias")
    running: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def initialized(cls, width: int, dtype: DTypeLike = np.float64) -> Self:
        """The layer for `width` units as training starts.

        Weight 1, bias 0, running mean 0, running variance 1.
        """
        shape = size(width, "width")
        kind = floating(dtype)
        names = cls.trainable + cls.running
        return cls(**{name: np.full(shape, _START[name], kind) for name in names})

    def __post_init__(self) -> None:
        weight = checked_array(self, "weight", ndim=1)
        for name in self.trainable + self.running:
            checked_array(self, name, shape=weight.shape, dtype=weight.dtype)
        number(self.epsilon, "epsilon", least=0)

    @property
    def in_features(self) -> int:
        return self.weight.size

    @property
    def fans(self) -> Mapping[str, Fans]:
        return {}

    def nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        return ()

    def _statistics(self, h: Array, mode: Mode) -> tuple[Any, Array, tuple[int, ...]]:
        """Mean, variance, and the axes of h that they were taken over; () if constants."""
        return _moments(h, (-1,), centred="bias" in self.trainable)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        self.check(h)
        mean, variance, axes = self._statistics(h, mode)
        deviation = np.sqrt(variance + self.epsilon)
        unit = (h - mean) / deviation
        output = unit * self.weight + self.parameters.get("bias", 0.0)
        return output, (unit, deviation, axes, mean, variance)

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        unit, deviation, axes, *_ = memory
        d_unit = d_output * self.weight
        if axes:
            centred = "bias" in self.trainable
            through_mean = np.mean(d_unit, axis=axes, keepdims=True) if centred else 0.0
            d_unit -= through_mean + unit * np.mean(d_unit * unit, axis=axes, keepdims=True)
        per_row = {"weight": d_output * unit, "bias": d_output}
        gradients = {
            name: per_row[name].reshape(-1, self.weight.size).sum(axis=0) for name in self.trainable
        }
        return d_unit / deviation, gradients


def _moments(
    h: Array, axes: tuple[int, ...], *, centred: bool
) -> tuple[Any, Array, tuple[int, ...]]:
    mean = np.mean(h, axis=axes, keepdims=True) if centred else 0.0
    return mean, np.mean(np.square(h - mean), axis=axes, keepdims=True), axes


@dataclass(frozen=True, eq=False)
class BatchNorm(Normalization):
    """Each unit normalized over the batch (Ioffe & Szegedy 2015, algorithm 1).

    In training, mean and biased variance are those of the batch, taken over all axes but the last,
    and they carry gradients; a training step moves the running statistics by `momentum` towards
    that mean and the unbiased variance. In evaluation the running statistics serve, as constants: a
    layer that was never trained then does nearly nothing, so that an untrained network is measured
    with `Mode(training=True)`. PyTorch's `BatchNorm1d`.

    Args:
        weight: one per unit, trainable.
        bias: one per unit, trainable.
        running_mean: one per unit.
        running_var: one per unit.
        momentum: the share of the newest batch in the running statistics, from 0 to below 1.
        epsilon: added to the variance.

    Examples:
        >>> layer = BatchNorm.initialized(1)
        >>> print(layer.forward(np.array([[1.0], [5.0]]), Mode(training=True))[0].round(3).tolist())
        [[-1.0], [1.0]]
    """

    weight: Array
    bias: Array
    running_mean: Array
    running_var: Array
    momentum: float = 0.1
    epsilon: float = 1e-5
    running: ClassVar[tuple[str, ...]] = ("running_mean", "running_var")

    def __post_init__(self) -> None:
        super().__post_init__()
        number(self.running_var.min(), "running_var", least=0)
        number(self.momentum, "momentum", least=0, below=1)

    def _statistics(self, h: Array, mode: Mode) -> tuple[Any, Array, tuple[int, ...]]:
        if not mode.training:
            return self.running_mean, self.running_var, ()
        if h.size == h.shape[-1]:
            wanted = "two rows or more are expected: in training, one has no variance"
            raise ValueError(f"h has shape {h.shape}; {wanted}")
        return _moments(h, tuple(range(h.ndim - 1)), centred=True)

    def with_running_statistics(self, memory: Any) -> Self:
        unit, _, axes, mean, variance = memory
        if not axes:
            return self
        rows = unit.size // self.weight.size
        unbiased = variance * (rows / (rows - 1))
        return replace(
            self,
            running_mean=self._moved(self.running_mean, mean),
            running_var=self._moved(self.running_var, unbiased),
        )

    def _moved(self, running: Array, batch: Array) -> Array:
        return (1 - self.momentum) * running + self.momentum * batch.reshape(-1)


@dataclass(frozen=True, eq=False)
class LayerNorm(Normalization):
    """Each row normalized over its units, in training or not (Ba, Kiros & Hinton 2016).

    Args:
        weight: one per unit, trainable.
        bias: one per unit, trainable.
        epsilon: added to the variance.

    Examples:
        >>> print(LayerNorm.initialized(2).forward(np.array([[1.0, 5.0]]))[0].round(3).tolist())
        [[-1.0, 1.0]]
    """

    weight: Array
    bias: Array
    epsilon: float = 1e-5


@dataclass(frozen=True, eq=False)
class RMSNorm(Normalization):
    """Each row over its root mean square, weight * h / sqrt(mean(h^2) + epsilon).

    Zhang & Sennrich 2019. PyTorch's `RMSNorm` takes the resolution of the dtype as epsilon where
    none is given.

    Args:
        weight: one per unit, trainable.
        epsilon: added to the mean square.

    Examples:
        >>> print(RMSNorm.initialized(2).forward(np.array([[3.0, 3.0]]))[0].round(3).tolist())
        [[1.0, 1.0]]
    """

    weight: Array
    epsilon: float = 1e-5
    trainable: ClassVar[tuple[str, ...]] = ("weight",)


NORMALIZATIONS: dict[str, type[Normalization]] = {
    "batch": BatchNorm,
    "layer": LayerNorm,
    "rms": RMSNorm,
}
"""The normalizations by the names under which `dense_network` takes them."""
