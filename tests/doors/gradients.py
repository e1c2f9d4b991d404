import numpy as np

import vanishing as vn
from doors import Row
from doors.measurements import LOSSES, NETWORKS, TARGETS, X, network


def square(x):
    return np.sum(x * x)


def gradient(function, **more):
    return Row(
        function,
        lambda: {"f": square, "x": np.ones(2), **more},
        kinds={"x": "array"} | dict.fromkeys(more, "number"),
        wrong={"f": [None, "square", 1.0]} | dict.fromkeys(more, [0, -1e-6]),
    )


ROWS = {
    "central_difference": gradient(vn.central_difference, step=1e-5),
    "complex_step": gradient(vn.complex_step),
    "forward_mode": gradient(vn.forward_mode),
    "parameter_gradient": Row(
        vn.parameter_gradient,
        lambda: {
            "network": network(),
            "x": np.ones((4, 2)),
            "target": np.array([0, 1, 2, 0]),
            "loss": vn.softmax_cross_entropy,
            "layer": 1,
            "parameter": "weight",
            "method": "backprop",
        },
        kinds={"x": "array", "parameter": "name", "method": "name"},
        wrong={
            "network": NETWORKS,
            "x": X,
            "target": TARGETS,
            "loss": LOSSES,
            "layer": [0, 3, -3, 1.5, "1", None],
        },
    ),
}
