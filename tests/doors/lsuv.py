import numpy as np

import vanishing as vn
from doors import Row


def lsuv():
    rng = np.random.default_rng(0)
    network = vn.dense_network([2, 3, 2], activation="tanh", initializer="orthogonal", rng=rng)
    return {"network": network, "x": rng.standard_normal((5, 2)), "tolerance": 0.1, "iterations": 3}


ROWS = {
    "lsuv": Row(
        vn.lsuv,
        lsuv,
        kinds={"x": "array", "tolerance": "number", "iterations": "size"},
        wrong={
            "network": [
                None,
                vn.Sequential,
                np.ones((2, 2)),
                vn.Linear(np.ones((2, 2)), np.ones(2)),
            ],
            "x": [np.ones(2), np.ones((5, 3))],
            "tolerance": [0.0, -0.1],
        },
    ),
}
