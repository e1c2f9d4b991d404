import numpy as np

import vanishing as vn
from doors import Row


def lsuv():
    rng = np.random.default_rng(0)
    network = vn.dense_network([2, 3, 2], activation="tanh", initializer="orthogonal", rng=rng)
    return {"network": network, "x": rng.standard_normal((5, 2)), "tolerance": 0.1, "iterations": 3}


ROWS = {
    "Network": Row(
        vn.Network,
        lambda: {"layers": (vn.Activate("tanh"),)},
        wrong={"layers": [(), None, 3, "tanh", (vn.tanh,), (vn.Activate("tanh"), None)]},
    ),
    "dense_network": Row(
        vn.dense_network,
        lambda: {
            "widths": [2, 3, 3, 1],
            "activation": "tanh",
            "initializer": "he_normal",
            "output_activation": "identity",
            "normalization": "layer",
            "residual": "pre",
            "branch_scale": 0.5,
            "learned_scale": True,
            "dropout": 0.1,
            "rng": np.random.default_rng(0),
            "dtype": np.float32,
        },
        kinds={
            "activation": "name",
            "initializer": "name",
            "output_activation": "name",
            "branch_scale": "number",
            "dropout": "number",
            "rng": "rng",
            "dtype": "dtype",
        },
        wrong={
            "widths": [
                [],
                [2],
                3,
                None,
                "23",
                [2, 0],
                [2, -1],
                [2, 1.5],
                [2, None],
                [[2, 3]],
                np.ones(2),
            ],
            "normalization": ["no such name", "", 3],
            "residual": ["no such name", "", 3],
            "learned_scale": [1, "yes", None],
            "dropout": [-0.1, 1.0],
        },
    ),
    "lsuv": Row(
        vn.lsuv,
        lsuv,
        kinds={"x": "array", "tolerance": "number", "iterations": "size"},
        wrong={
            "network": [None, vn.Network, np.ones((2, 2)), vn.Affine(np.ones((2, 2)), np.ones(2))],
            "x": [np.ones(2), np.ones((5, 3))],
            "tolerance": [0.0, -0.1],
        },
    ),
}
