import numpy as np

import vanishing as vn
from doors import Row

GRADIENTS = [
    None,
    3,
    [np.ones(2)],
    {"w": np.ones(2, int)},
    {"w": np.array(["a"], object)},
    {"w": np.empty(0)},
    {"w": "a"},
    {"w": [[1.0], [1.0, 2.0]]},
]


def gradients():
    return {"w": np.array([3.0, -4.0]), "b": np.array([0.5])}


def clipping(clip):
    return Row(
        clip,
        lambda: {"gradients": gradients(), "threshold": 1.0},
        kinds={"threshold": "number"},
        wrong={"gradients": GRADIENTS, "threshold": [0, -1.0]},
    )


ROWS = {
    "clip_by_global_norm": clipping(vn.clip_by_global_norm),
    "clip_by_norm": clipping(vn.clip_by_norm),
    "clip_by_value": clipping(vn.clip_by_value),
    "Clipped": Row(
        vn.Clipped,
        lambda: {"optimizer": vn.Adam(), "clip": vn.clip_by_norm, "threshold": 1.0},
        kinds={"threshold": "number"},
        wrong={
            "optimizer": [None, "adam", vn.Adam, 0.1],
            "clip": [None, "norm", 1.0],
            "threshold": [0, -1.0],
        },
    ),
}
