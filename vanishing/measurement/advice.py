"""What is worth trying, by situation: at most three things, the first one shown to help by a run.

Three things are no remedy for a gradient that vanishes, and so are never named for it: clipping,
which never enlarges, and a larger learning rate and a scaled loss, which keep the ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST = 3
"""Pieces of advice in one diagnosis."""

# Each piece of advice begins with the title of the chapter that treats it.
_SKIPS = "Residual connections: an identity path past every block"
_BATCH_NORM = "Normalization: batch normalization"
_LAYER_NORM = "Normalization: layer normalization"
_CLIPPING = "Clipping: by global norm, which bounds the step and keeps the ratio between layers"

_ADVICE = {
    "small weights": (
        "Initialization: weights {inverse:.2g} times as large; He's for ReLU, Xavier's for tanh",
        _SKIPS,
        _BATCH_NORM,
    ),
    "flat slopes": (
        _SKIPS,
        _BATCH_NORM,
        "Activations: ReLU with He's weights, in place of a sigmoid, a saturated tanh or "
        "smaller weights",
    ),
    "large inputs": (
        "Initialization: inputs scaled to an rms of 1, unless a normalization does it; "
        "the first layer puts out {signal:.0f}",
    ),
    "vanishing": (
        _SKIPS,
        "Activations: ReLU, not sigmoid",
        "Initialization: He's weights for ReLU, Xavier's for tanh",
    ),
    "vanishing over time": (
        "Recurrence: an LSTM with a forget bias of at least log({count}) = {bias:.1f}, "
        "which opens the gate for that many steps",
        "Recurrence: orthogonal recurrent weights, while the state is small",
    ),
    "large weights": (
        "Initialization: weights {inverse:.2g} times as large; branches beside skips start at 0, "
        "or scaled by 1/sqrt(depth)",
        _LAYER_NORM,
        _CLIPPING,
    ),
    "exploding": (
        "Initialization: smaller weights; branches beside skips start at 0, or scaled by "
        "1/sqrt(depth)",
        _LAYER_NORM,
        _CLIPPING,
    ),
    "growing gradient": (
        "Residual connections: branches that start at 0 or are scaled by 1/sqrt(depth)",
        "Initialization: smaller weights, unless a normalization undoes that",
        _CLIPPING,
    ),
    "exploding over time": (
        "Clipping: by global norm, which bounds the step",
        "Recurrence: orthogonal recurrent weights",
    ),
    "one step": (
        "Diagnose your own network: what stands between {above} and {name}, "
        "since all other layers together change little; a small output layer does so on purpose",
    ),
    "uneven": (
        "Diagnose your own network: what leads the gradient past {name}, or weakens it there",
    ),
    "zero weights": (
        "Diagnose your own network: look again after one step, which moves the weights of "
        "{name} off 0",
    ),
    "dead": (
        "Optimizers: a smaller learning rate from the start, if training did it",
        "Activations: leaky ReLU or wider layers, if it is so before the first step",
    ),
    "underflow": (
        "Diagnose your own network: multiply the loss by 1024 before the backward pass, and "
        "divide the gradients by it before clipping and step; or use bfloat16",
    ),
    "blocked": (
        "Diagnose your own network: whether {name} is frozen, off, starts at weights of 0, or "
        "does not enter the loss; signals and weights tell these apart",
    ),
    "overflow": (
        "Diagnose your own network: a smaller loss scale or a wider format, until all numbers are "
        "finite",
    ),
    "nan": ("Diagnose your own network: what enters {name} that is NaN, or divides by 0",),
    "silent": (
        "Diagnose your own network: whether the loss depends on the output at all",
        "Diagnose your own network: in float16, multiply the loss by 1024 before the backward pass",
    ),
    "several losses": (
        "Diagnose your own network: a backward pass from the loss of the last step alone",
    ),
    "reversed": (
        "Diagnose your own network: the same with the input side first, "
        "dict(reversed(gradients.items()))",
    ),
    "flat output": (
        "Gradients: a loss that is not flat where the output starts, such as cross-entropy for a "
        "sigmoid or softmax",
    ),
    "tiny steps": ("Optimizers: a larger learning rate, unless the loss is at its minimum",),
    "huge steps": ("Optimizers: a smaller learning rate",),
}
SITUATIONS = tuple(_ADVICE)


def advice(situations: Sequence[str], **numbers: Any) -> tuple[str, ...]:
    """What is worth trying: most for the first situation, the first thing for each other one."""
    others = [_ADVICE[situation][0] for situation in situations[1:]][: MOST - 1]
    lines = [line for situation in situations[:1] for line in _ADVICE[situation]]
    chosen = (*lines[: MOST - len(others)], *others)
    return tuple(dict.fromkeys(line.format(**numbers) for line in chosen))
