import numpy as np

import vanishing as vn
from doors import Row
from doors.measurements import LOSSES, NETWORKS, TARGETS, X, network

ROWS = {
    "train": Row(
        vn.train,
        lambda: {
            "network": network(),
            "x": np.ones((4, 2)),
            "target": np.array([0, 1, 2, 0]),
            "loss": vn.softmax_cross_entropy,
            "optimizer": vn.Adam(),
            "epochs": 1,
            "batch_size": 2,
            "rng": np.random.default_rng(0),
            "measure_every": 1,
        },
        kinds={
            "x": "array",
            "epochs": "size",
            "batch_size": "size",
            "rng": "rng",
            "measure_every": "size",
        },
        wrong={
            "network": NETWORKS,
            "x": X,
            "target": TARGETS,
            "loss": LOSSES,
            "optimizer": [None, "adam", vn.Adam, 0.1],
        },
    ),
}
