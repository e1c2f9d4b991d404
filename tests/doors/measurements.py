import numpy as np

import vanishing as vn
from doors import Row

# What is wrong wherever a network of 2 inputs and 3 classes runs on 4 rows.
NETWORKS = [None, "dense", vn.Sequential, np.ones((2, 2))]
X = [np.ones(2), np.ones((4, 3))]
TARGETS = [
    np.array([0.0, 1.0, 2.0, 0.0]),
    np.array([0, 1]),
    np.array([0, 1, 2, 3]),
    np.array([0, 1, 2, -1]),
    np.empty(0, int),
    np.array([None] * 4),
    None,
]
LOSSES = [None, "mean_squared_error", vn.Loss]
MODES = [None, True, "training", vn.Mode]


def network():
    return vn.dense_network([2, 5, 3], activation="tanh", rng=np.random.default_rng(0))


def passes():
    record = network().record(np.ones((4, 2)))
    return {"record": record, "gradients": record.backward(np.ones((4, 3)))}


ROWS = {
    "measure": Row(
        vn.measure,
        lambda: {
            "network": network(),
            "x": np.ones((4, 2)),
            "target": np.array([0, 1, 2, 0]),
            "loss": vn.softmax_cross_entropy,
            "mode": vn.Mode(),
        },
        kinds={"x": "array"},
        wrong={"network": NETWORKS, "x": X, "target": TARGETS, "loss": LOSSES, "mode": MODES},
    ),
    "measure_record": Row(
        vn.measure_record,
        passes,
        wrong={
            "record": [None, np.ones(2), vn.Record],
            "gradients": [None, np.ones(2), vn.Gradients],
        },
    ),
}
