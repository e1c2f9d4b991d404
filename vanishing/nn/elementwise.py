"""Layers that treat every entry by itself: an activation, PReLU and dropout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from vanishing._validation import Array, generator, number
from vanishing.nn.activations import Activation, activation as activation_of
from vanishing.nn.layer import (
    EVALUATION,
    Fans,
    Layer,
    Mode,
    Nonlinearity,
    Parameters,
    checked_array,
)


@dataclass(frozen=True)
class Activate(Layer):
    """The layer h = phi(z).

    Args:
        activation: phi, or its name.

    Examples:
        >>> print(Activate("relu").forward(np.array([[-1.0, 2.0]]))[0])
        [[0. 2.]]
    """

    activation: Activation

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", activation_of(self.activation))

    def nonlinearities(self, memory: Array) -> tuple[Nonlinearity, ...]:
        phi = self.activation
        return (Nonlinearity(phi.derivative_from(memory), phi.max_derivative),)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Array]:
        output = self.activation.formula(h)
        return output, self.activation.memory(h, output)

    def backward(self, memory: Array, d_output: Array) -> tuple[Array, Parameters]:
        # dL/dz = phi'(z) dL/dh
        return self.activation.derivative_from(memory) * d_output, {}


@dataclass(frozen=True, eq=False)
class PReLU(Layer):
    """The layer max(z, 0) + negative_slope * min(z, 0) with a trainable slope (He et al. 2015).

    Args:
        negative_slope: of shape (n,), one per unit, or (1,), for all; 0.25 at the start in the
            paper.

    Examples:
        >>> print(PReLU(np.array([0.25])).forward(np.array([[-2.0, 2.0]]))[0])
        [[-0.5  2. ]]
    """

    negative_slope: Array
    trainable: ClassVar[tuple[str, ...]] = ("negative_slope",)

    def __post_init__(self) -> None:
        checked_array(self, "negative_slope", ndim=1)

    @property
    def in_features(self) -> int | None:
        return self.negative_slope.size if self.negative_slope.size > 1 else None

    @property
    def fans(self) -> Mapping[str, Fans]:
        return {}

    def nonlinearities(self, memory: Array) -> tuple[Nonlinearity, ...]:
        derivative = np.where(memory > 0, 1, self.negative_slope)
        steepest = float(np.abs(self.negative_slope).max(initial=1))
        return (Nonlinearity(derivative, steepest, trainable=True),)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Array]:
        self.check(h)
        return np.where(h.real > 0, h, self.negative_slope * h), h

    def backward(self, memory: Array, d_output: Array) -> tuple[Array, Parameters]:
        positive = memory > 0
        d_slope = np.where(positive, 0, memory * d_output)
        d_slope = d_slope.reshape(-1, self.negative_slope.size).sum(axis=0)
        d_input = np.where(positive, d_output, self.negative_slope * d_output)
        return d_input, {"negative_slope": d_slope}


@dataclass(frozen=True)
class Dropout(Layer):
    """The layer that in training zeroes entries with probability `rate`, and scales the others.

    The others are divided by 1 - rate, so that the mean stays; in evaluation h passes as it is
    (Srivastava et al. 2014, there scaled in evaluation).

    Args:
        rate: the probability, from 0 to below 1.

    Examples:
        >>> mode = Mode(training=True, rng=np.random.default_rng(0))
        >>> print(Dropout(0.5).forward(np.ones((1, 4)), mode)[0])
        [[2. 0. 0. 0.]]
    """

    rate: float

    def __post_init__(self) -> None:
        number(self.rate, "rate", least=0, below=1)

    def nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        return ()

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        keep: Any = 1.0
        if mode.training:
            kept = generator(mode.rng).random(h.shape) >= self.rate
            keep = kept.astype(h.dtype) / (1 - self.rate)
        return h * keep, keep

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        return d_output * memory, {}
