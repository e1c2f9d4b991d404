"""The linear layer z = h W^T + b."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from vanishing._validation import Array
from vanishing.nn.layer import (
    EVALUATION,
    Fans,
    Layer,
    Mode,
    Nonlinearity,
    Parameters,
    checked_array,
)


def linear_gradients(delta: Array, h: Array) -> dict[str, Array]:
    """dL/dW = delta^T h and dL/db for z = h W^T + b, each summed over all axes but the last."""
    delta, h = delta.reshape(-1, delta.shape[-1]), h.reshape(-1, h.shape[-1])
    # The sum over the batch as a product with ones, which BLAS does faster than sum(axis=0).
    return {"weight": delta.T @ h, "bias": np.ones(len(delta), delta.dtype) @ delta}


@dataclass(frozen=True, eq=False)
class Linear(Layer):
    """The layer z = h W^T + b, as PyTorch's `Linear`.

    Args:
        weight: W, shape (fan_out, fan_in).
        bias: b, shape (fan_out,), of the same dtype.

    Examples:
        >>> layer = Linear(np.array([[2.0, 0.0]]), np.array([1.0]))
        >>> print(layer.forward(np.array([[3.0, 5.0]]))[0])
        [[7.]]
    """

    weight: Array
    bias: Array
    trainable: ClassVar[tuple[str, ...]] = ("weight", "bias")

    def __post_init__(self) -> None:
        weight = checked_array(self, "weight", ndim=2)
        checked_array(self, "bias", shape=weight.shape[:1], dtype=weight.dtype)

    @property
    def in_features(self) -> int:
        return int(self.weight.shape[1])

    @property
    def fans(self) -> Mapping[str, Fans]:
        return {"weight": self.weight.shape}

    def nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        return ()

    def rescaled(self, factor: float) -> Self | None:
        return replace(self, weight=self.weight * factor)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Array]:
        self.check(h)
        z = h @ self.weight.T
        z += self.bias
        return z, h

    def backward(self, memory: Array, d_output: Array) -> tuple[Array, Parameters]:
        return d_output @ self.weight, linear_gradients(d_output, memory)
