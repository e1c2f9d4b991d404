"""Schedules: learning rates that depend on the number of the step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from vanishing._validation import number, size


def warmup(learning_rate: float, steps: int) -> Callable[[int], float]:
    """The learning rate as a function of the step t = 1, 2, ...: learning_rate * min(1, t / steps).

    Args:
        learning_rate: after the warm-up, above 0.
        steps: the length of the warm-up.

    Examples:
        >>> rate = warmup(0.1, steps=4)
        >>> print([round(rate(t), 6) for t in range(1, 7)])
        [0.025, 0.05, 0.075, 0.1, 0.1, 0.1]
    """
    # Return a partial, not a closure: optimizers pickle.
    return partial(
        _warmed_up, number(learning_rate, "learning_rate", above=0), size(steps, "steps")
    )


def _warmed_up(learning_rate: float, steps: int, t: int) -> float:
    return learning_rate * min(1.0, t / steps)
