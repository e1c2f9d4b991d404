"""Gradient descent on a function, from a point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from vanishing._validation import Array, floats, instance, number, size


def descend(
    gradient: Callable[[Any], Any], start: Any, *, learning_rate: float, steps: int
) -> Array:
    """The points that gradient descent visits, shape (steps + 1, *start.shape).

    w_{t+1} = w_t - learning_rate * gradient(w_t). An overflow raises no warning: it stands in the
    points.

    Args:
        gradient: the gradient of the function that is descended, as a function of a point.
        start: the first point, a number or an array.
        learning_rate: per step, above 0.
        steps: how many.

    Examples:
        >>> print(descend(lambda w: 2 * w, 1.0, learning_rate=0.25, steps=3))
        [1.    0.5   0.25  0.125]
    """
    learning_rate = number(learning_rate, "learning_rate", above=0)
    instance(gradient, "gradient", Callable, "a function of a point")
    points = [floats(start, "start")]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(size(steps, "steps")):
            points.append(points[-1] - learning_rate * gradient(points[-1]))
    return np.stack(points)
