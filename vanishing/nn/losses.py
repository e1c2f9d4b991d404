"""Losses, each the mean over the batch, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing._validation import Array, floats, labels


@dataclass(frozen=True)
class Loss:
    """A function of a network's output and a target, called as `loss(output, target)`.

    The formulas are bare, without checks. They are analytic in the output.

    Attributes:
        name: for messages.
        check: (output, target) -> the target as an array, or an error.
        formula: (output, target) -> L.
        gradient_formula: (output, target) -> dL/doutput.
    """

    name: str
    check: Callable[[Array, Any], Array]
    formula: Callable[[Array, Array], Any]
    gradient_formula: Callable[[Array, Array], Array]

    def __call__(self, output: Array, target: Any) -> Any:
        """L, a float for a real output."""
        output = floats(output, "output", least_ndim=2)
        value = self.formula(output, self.check(output, target))
        return float(value) if isinstance(value, np.floating) else value

    def gradient(self, output: Array, target: Any) -> Array:
        """dL/doutput, of the shape and dtype of the output."""
        output = floats(output, "output", least_ndim=2)
        return self.gradient_formula(output, self.check(output, target))


def _check_labels(output: Array, target: Any) -> Array:
    return labels(target, "target", shape=output.shape[:-1], classes=output.shape[-1])


def _check_values(output: Array, target: Any) -> Array:
    values = floats(target, "target")
    if values.shape != output.shape:
        raise ValueError(
            f"target has shape {values.shape}; {output.shape}, that of output, is expected"
        )
    return values


def _cross_entropy(output: Array, target: Array) -> Any:
    z = output.reshape(-1, output.shape[-1])
    t = target.reshape(-1)
    # log sum exp z = m + log sum exp(z - m) for every m; the largest entry keeps exp finite.
    m = z.real.max(axis=-1)
    log_sum = np.log(np.sum(np.exp(z - m[:, None]), axis=-1)) + m
    return np.mean(log_sum - z[np.arange(len(t)), t])


def _cross_entropy_gradient(output: Array, target: Array) -> Array:
    # (softmax(z) - onehot(t)) / batch
    z = output.reshape(-1, output.shape[-1])
    t = target.reshape(-1)
    gradient: Array = np.exp(z - z.max(axis=-1, keepdims=True))
    gradient /= gradient.sum(axis=-1, keepdims=True)
    gradient[np.arange(len(t)), t] -= 1
    gradient /= len(t)
    return gradient.reshape(output.shape)


def _rows(output: Array) -> int:
    return int(np.prod(output.shape[:-1]))


def _squared_error(output: Array, target: Array) -> Any:
    return np.sum(np.square(output - target)) / (2 * _rows(output))


def _squared_error_gradient(output: Array, target: Array) -> Array:
    return np.asarray((output - target) / _rows(output), dtype=output.dtype)


softmax_cross_entropy = Loss(
    "softmax_cross_entropy", _check_labels, _cross_entropy, _cross_entropy_gradient
)
"""The mean over the batch of -log softmax(output)[target], in nats, for class numbers as target.

PyTorch's `CrossEntropyLoss` at its defaults.
"""

mean_squared_error = Loss(
    "mean_squared_error", _check_values, _squared_error, _squared_error_gradient
)
"""The mean over the batch of half the squared distance, 1/2 sum_i (output_i - target_i)^2.

Its gradient is (output - target) / batch. PyTorch's `MSELoss` averages over the entries, too, and
has no 1/2: it is 2 / n_L times this loss.
"""


def accuracy(output: Array, target: Any) -> float:
    """The fraction of rows whose largest output is the labelled one.

    Examples:
        >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1]))
        0.5
    """
    output = floats(output, "output", least_ndim=2)
    return correct_fraction(output, _check_labels(output, target))


def correct_fraction(output: Array, target: Array) -> float:
    """`accuracy` without its checks; rows that hold NaN count as wrong."""
    right = (output.argmax(axis=-1) == target) & ~np.isnan(output).any(axis=-1)
    return float(np.mean(right))
