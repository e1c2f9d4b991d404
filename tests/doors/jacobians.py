import numpy as np

import vanishing as vn
from doors import Row
from doors.measurements import NETWORKS

NETWORK = vn.dense_network([2, 3, 2], activation="tanh", rng=np.random.default_rng(0))
X = np.array([[0.1, 0.9], [0.8, 0.2]])
KINDS = {"x": "array"}
WRONG = {"network": NETWORKS, "x": [np.ones(2), np.ones((2, 3))]}
# Of another shape, or of another dtype.
DIRECTIONS = [np.ones((1, 2)), np.ones(2), np.ones((2, 2), np.float32)]


def with_direction(name):
    return {
        "arguments": lambda: {"network": NETWORK, "x": X, name: np.ones((2, 2))},
        "kinds": KINDS | {name: "array"},
        "wrong": WRONG | {name: DIRECTIONS},
    }


def of_inputs():
    wrong = WRONG | {"x": [*WRONG["x"], np.ones((1, 2, 2))]}
    return {
        "arguments": lambda: {"network": NETWORK, "x": X},
        "kinds": KINDS,
        "wrong": wrong,
    }


ROWS = {
    "jacobian": Row(vn.jacobian, **of_inputs()),
    "jvp": Row(vn.jvp, **with_direction("v")),
    "vjp": Row(vn.vjp, **with_direction("u")),
    "singular_values": Row(vn.singular_values, **of_inputs()),
    "extreme_singular_values": Row(
        vn.extreme_singular_values,
        lambda: {"network": NETWORK, "x": X, "rng": np.random.default_rng(0), "steps": 2},
        kinds=KINDS | {"rng": "rng"},
        wrong=WRONG | {"steps": [0, -1, 1.5, "1", 3]},
    ),
}
