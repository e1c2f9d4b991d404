import numpy as np

import vanishing as vn
from doors import Row

LENGTHS = [np.ones(2), np.ones((3, 1)), np.ones(3, np.float32)]


def row(cls):
    names = cls.trainable + cls.running
    momentum = {"momentum": 0.1} if cls.running else {}
    return Row(
        cls,
        lambda: {name: np.ones(3) for name in names} | {"epsilon": 1e-5} | momentum,
        kinds={name: "array" for name in names}
        | {"epsilon": "number"}
        | dict.fromkeys(momentum, "number"),
        wrong={name: LENGTHS for name in names if name != "weight"}
        | {"weight": [np.ones((3, 1)), 1.0], "epsilon": [-1e-5]}
        | (
            {"momentum": [-0.1, 1.0], "running_var": [*LENGTHS, -np.ones(3)]} if cls.running else {}
        ),
    )


ROWS = {cls.__name__: row(cls) for cls in (vn.BatchNorm, vn.LayerNorm, vn.RMSNorm)}
