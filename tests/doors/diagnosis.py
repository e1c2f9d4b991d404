import numpy as np

import vanishing as vn
from doors import Row

LAYERS = {"first": np.ones((2, 3)), "last": np.ones((2, 2))}
# NaN and infinity are no errors here: they are what a diagnosis is asked for.
WRONG = [
    3,
    1.0,
    "",
    "abc",
    [],
    {},
    np.array(1.0),
    np.empty((2, 0)),
    [np.ones(2, int), np.ones(2)],
    [np.array(["a"], object)] * 2,
    [np.ones(2, bool)] * 2,
    [[[1.0], [1.0, 2.0]], [1.0]],
    [np.ones(2), np.ones(2) * 1j],
    [1.0, 1j],
    [1.0, -1.0],
    {"a": {"b": 1.0}, "c": 1.0},
]
# Beside the gradients there is one of them for each layer; None stands for none at all.
BESIDE = [*WRONG, [1.0], [1.0] * 3]

ROWS = {
    "diagnose": Row(
        vn.diagnose,
        lambda: {
            "gradients": LAYERS,
            "signals": LAYERS,
            "kind": "signal",
            "over": "time",
            "weights": LAYERS,
            "weight_gradients": LAYERS,
            "learning_rate": 0.1,
            "loss_gradients": {"first": None, "last": np.ones((2, 2))},
            "dtype": np.float16,
        },
        kinds={"kind": "name", "over": "name", "dtype": "dtype"},
        wrong={
            "gradients": [*WRONG, None, [np.ones(2), 1.0], [1.0, np.ones(2)], [None, {}]],
            "signals": BESIDE,
            "weights": BESIDE,
            "weight_gradients": BESIDE,
            "loss_gradients": BESIDE,
            "learning_rate": [0, -0.1, float("nan"), float("inf"), "1", [1.0], True],
        },
    ),
}
