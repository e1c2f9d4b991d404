import numpy as np

import vanishing as vn
from doors import Row

LINEAR = vn.Linear(np.ones((2, 2)), np.ones(2))
SQUARES = [np.ones((2, 3)), np.ones(2), np.ones((2, 2), np.float32)]

ROWS = {
    "Highway": Row(
        vn.Highway,
        lambda: {
            "weight": np.ones((2, 2)),
            "bias": np.ones(2),
            "gate_weight": np.ones((2, 2)),
            "gate_bias": np.ones(2),
            "activation": "tanh",
        },
        kinds={
            "weight": "array",
            "bias": "array",
            "gate_weight": "array",
            "gate_bias": "array",
            "activation": "name",
        },
        wrong={
            "weight": SQUARES,
            "gate_weight": SQUARES,
            "bias": SQUARES[:1],
            "gate_bias": [np.ones(3), 1.0],
        },
    ),
    "Residual": Row(
        vn.Residual,
        lambda: {"branch": LINEAR, "scale": 1.0},
        kinds={"scale": "number"},
        wrong={
            "branch": [(), None, 3, "tanh", vn.tanh, vn.Linear, (LINEAR,)],
            "scale": [
                np.ones((1, 1)),
                np.ones(2),
                np.array([np.nan]),
                np.ones(1, int),
                np.empty(0),
            ],
        },
    ),
}
