import numpy as np

import vanishing as vn
from doors import INF, NAN, Row

RATE = {"learning_rate": [0, -0.1, NAN, INF, "fast", None, [0.1]]}
COMMON = {"l2": "number", "decay": "number"}
NEGATIVE, PART = [-0.1], [-0.1, 1, 1.5]


def gradients():
    return {"w": np.array([3.0, -4.0]), "b": np.array([0.5])}


def rule(cls, **wrong):
    """The row of an optimizer: its own numbers with what is wrong for them beside the rate, the penalty, the decay."""
    arguments = {"learning_rate": 0.1, "l2": 0.0, "decay": 0.0} | dict.fromkeys(wrong, 0.5)
    both = {"l2": NEGATIVE, "decay": NEGATIVE}
    return Row(
        cls,
        lambda: arguments,
        kinds=COMMON | dict.fromkeys(wrong, "number"),
        wrong=RATE | both | wrong,
    )


def clipping(clip):
    mappings = [
        None,
        3,
        [np.ones(2)],
        {"w": np.ones(2, int)},
        {"w": np.array(["a"], object)},
        {"w": np.empty(0)},
    ]
    mappings += [{"w": "a"}, {"w": [[1.0], [1.0, 2.0]]}]
    return Row(
        clip,
        lambda: {"gradients": gradients(), "limit": 1.0},
        kinds={"limit": "number"},
        wrong={"gradients": mappings, "limit": [0, -1.0]},
    )


def descent():
    row = rule(vn.GradientDescent, momentum=PART)
    nesterov = {"nesterov": ["no", None, 1, NAN]}
    return Row(
        row.call,
        lambda: {**row.arguments(), "nesterov": True},
        row.kinds,
        {**row.wrong, **nesterov},
    )


ADAM = {"beta1": PART, "beta2": PART, "epsilon": NEGATIVE}
ROWS = {
    "GradientDescent": descent(),
    "AdaGrad": rule(vn.AdaGrad, epsilon=NEGATIVE),
    "RMSprop": rule(vn.RMSprop, alpha=PART, epsilon=NEGATIVE),
    "Adam": rule(vn.Adam, **ADAM),
    "AdamW": rule(vn.AdamW, **ADAM),
    "Clipped": Row(
        vn.Clipped,
        lambda: {"optimizer": vn.Adam(), "clip": vn.clip_by_norm, "limit": 1.0},
        kinds={"limit": "number"},
        wrong={
            "optimizer": [None, "adam", vn.Adam, 0.1],
            "clip": [None, "norm", 1.0],
            "limit": [0, -1.0],
        },
    ),
    "warmup": Row(
        vn.warmup,
        lambda: {"learning_rate": 0.1, "steps": 10},
        kinds={"learning_rate": "number", "steps": "size"},
        wrong={"learning_rate": [0, -0.1]},
    ),
    **{
        clip.__name__: clipping(clip)
        for clip in (vn.clip_by_global_norm, vn.clip_by_norm, vn.clip_by_value)
    },
}
