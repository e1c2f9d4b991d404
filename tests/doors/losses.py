import numpy as np

import vanishing as vn
from doors import Row

OUTPUT = np.array([[0.1, 0.9], [0.8, 0.2]])
LABELS = [
    np.array([0.0, 1.0]),
    np.array([0, 1, 0]),
    np.array([0, 2]),
    np.array([-1, 0]),
    np.array([None, 1]),
    None,
]
VALUES = [np.ones((2, 3)), np.ones(2)]
FORMULA = "a formula of the caller's, called without checks"


def on_labels(call):
    return Row(
        call,
        lambda: {"output": OUTPUT, "target": np.array([1, 0])},
        kinds={"output": "array"},
        wrong={"output": [np.ones(2)], "target": LABELS},
    )


def on_values(call):
    return Row(
        call,
        lambda: {"output": OUTPUT, "target": 1 - OUTPUT},
        kinds={"output": "array", "target": "array"},
        wrong={"output": [np.ones(2)], "target": VALUES},
    )


ROWS = {
    "Loss": Row(
        vn.Loss,
        lambda: {"name": "zero", "check": None, "formula": None, "gradient_formula": None},
        exempt={
            "name": "for messages",
            "check": FORMULA,
            "formula": FORMULA,
            "gradient_formula": FORMULA,
        },
    ),
    "accuracy": on_labels(vn.accuracy),
    "mean_squared_error": on_values(vn.mean_squared_error),
    "mean_squared_error.gradient": on_values(vn.mean_squared_error.gradient),
    "softmax_cross_entropy": on_labels(vn.softmax_cross_entropy),
    "softmax_cross_entropy.gradient": on_labels(vn.softmax_cross_entropy.gradient),
}
