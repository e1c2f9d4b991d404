import numpy as np

import vanishing as vn
from doors import Row

AFFINE = vn.Affine(np.ones((2, 2)), np.ones(2))
SQUARES = [np.ones((2, 3)), np.ones(2), np.ones((2, 2), np.float32)]

ROWS = {
    "Dropout": Row(
        vn.Dropout, lambda: {"rate": 0.5}, kinds={"rate": "number"}, wrong={"rate": [-0.1, 1.0]}
    ),
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
    "PReLU": Row(
        vn.PReLU, lambda: {"slope": np.ones(1)}, kinds={"slope": "array"}, wrong={"slope": [0.25]}
    ),
    "Residual": Row(
        vn.Residual,
        lambda: {"layers": (AFFINE,), "scale": 1.0},
        kinds={"scale": "number"},
        wrong={
            "layers": [(), None, 3, "tanh", (vn.tanh,), (AFFINE, None)],
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
