"""Gradient clipping: bounds on the gradient before an optimizer takes its step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing._validation import Array, instance, number, numbers
from vanishing.measurement.norms import norm
from vanishing.nn.layer import Parameters
from vanishing.training.optimizers import Optimizer, Step


def clip_by_global_norm(gradients: Parameters, threshold: float) -> dict[str, Array]:
    """The gradients times min(1, threshold / norm), the norm being that of all arrays together.

    The direction stays, gradients shorter than the threshold stay as they are, and nothing is made
    longer (Pascanu et al. 2013, Algorithm 1). A NaN anywhere makes every entry NaN, and an infinity
    makes itself NaN and the finite entries 0, as in PyTorch, whose `clip_grad_norm_` differs by
    adding 1e-6 to the norm.

    Args:
        gradients: arrays by name.
        threshold: above 0, in units of the gradient.

    Examples:
        >>> clipped = clip_by_global_norm({"w": np.array([3.0]), "b": np.array([4.0])}, 1.0)
        >>> print(clipped["w"], clipped["b"])
        [0.6] [0.8]
    """
    checked = _checked(gradients, threshold)
    global_norm = _nan_or_norm(np.array([_nan_or_norm(g) for g in checked.values()]))
    return {name: _scaled(g, global_norm, threshold) for name, g in checked.items()}


def clip_by_norm(gradients: Parameters, threshold: float) -> dict[str, Array]:
    """Each array times min(1, threshold / norm), the norm being its own.

    The direction of each array stays, that of all together does not. NaN and infinity as in
    `clip_by_global_norm`, array by array.

    Args:
        gradients: arrays by name.
        threshold: above 0, in units of the gradient.

    Examples:
        >>> clipped = clip_by_norm({"w": np.array([3.0, 4.0]), "b": np.array([0.5])}, 1.0)
        >>> print(clipped["w"], clipped["b"])
        [0.6 0.8] [0.5]
    """
    checked = _checked(gradients, threshold)
    return {name: _scaled(g, _nan_or_norm(g), threshold) for name, g in checked.items()}


def clip_by_value(gradients: Parameters, threshold: float) -> dict[str, Array]:
    """Each entry moved to the nearest number from -threshold to threshold.

    This changes the direction. NaN stays NaN, and an infinity becomes the threshold.

    Args:
        gradients: arrays by name.
        threshold: above 0, in units of the gradient.

    Examples:
        >>> print(clip_by_value({"w": np.array([0.5, -4.0])}, 1.0)["w"])
        [ 0.5 -1. ]
    """
    checked = _checked(gradients, threshold)
    return {name: np.clip(g, -threshold, threshold, dtype=g.dtype) for name, g in checked.items()}


def _checked(gradients: Parameters, threshold: float) -> dict[str, Array]:
    number(threshold, "threshold", above=0)
    arrays = instance(gradients, "gradients", Mapping, "a mapping from names to arrays")
    return {name: numbers(g, f"gradients[{name!r}]") for name, g in arrays.items()}


def _nan_or_norm(array: Array) -> float:
    """The norm, or NaN if an entry is NaN, even beside an infinity."""
    size = norm(array)
    return math.nan if math.isinf(size) and np.isnan(array).any() else size


@np.errstate(invalid="ignore")
def _scaled(g: Array, norm: float, threshold: float) -> Array:
    if norm <= threshold:
        return g
    # Multiply in float64: threshold / norm may leave the range of a dtype that holds the product.
    return np.asarray(g * np.float64(threshold / norm), dtype=g.dtype)


@dataclass(frozen=True)
class Clipped:
    """An optimizer that takes its steps with clipped gradients.

    Args:
        optimizer: what moves the parameters.
        clip: `clip_by_global_norm`, `clip_by_norm`, `clip_by_value`, or another function of
            gradients and threshold.
        threshold: above 0, in units of the gradient.

    Examples:
        >>> from vanishing import SGD
        >>> optimizer = Clipped(SGD(0.1), clip_by_global_norm, 1.0)
        >>> moved, _ = optimizer.step({"w": np.ones(2)}, {"w": np.array([30.0, 40.0])}, None)
        >>> print(moved["w"])
        [0.94 0.92]
    """

    optimizer: Optimizer
    clip: Callable[[Parameters, float], Parameters]
    threshold: float

    def __post_init__(self) -> None:
        instance(self.optimizer, "optimizer", Optimizer, "an optimizer such as SGD(0.1)")
        instance(self.clip, "clip", Callable, "a function such as clip_by_global_norm")
        number(self.threshold, "threshold", above=0)

    def start(self, parameters: Parameters) -> Any:
        return self.optimizer.start(parameters)

    def step(self, parameters: Parameters, gradients: Parameters, state: Any) -> Step:
        return self.optimizer.step(parameters, self.clip(gradients, self.threshold), state)
