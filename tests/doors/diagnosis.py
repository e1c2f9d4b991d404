import numpy as np

import vanishing as vn
from doors import Row

LAYERS = {"first": np.ones((2, 3)), "last": np.ones((2, 2))}
# NaN and infinity are no errors here: they are what a diagnosis is asked for.
WRONG = [
    None,
    3,
    1.0,
    "",
    "abc",
    [],
    {},
    np.array(1.0),
    np.empty((2, 0)),
    [np.ones(2), 1.0],
    [1.0, np.ones(2)],
    [np.ones(2, int), np.ones(2)],
    [np.ones(2), None],
    [np.array(["a"], object)] * 2,
    [np.ones(2, bool)] * 2,
    [[[1.0], [1.0, 2.0]], [1.0]],
    [np.ones(2), np.ones(2) * 1j],
    [1.0, 1j],
    [1.0, -1.0],
    {"a": {"b": 1.0}, "c": 1.0},
]

ROWS = {
    "diagnose": Row(
        vn.diagnose,
        lambda: {"gradients": LAYERS, "signals": LAYERS, "kind": "signal"},
        kinds={"kind": "name"},
        # None stands for no signals.
        wrong={"gradients": WRONG, "signals": [*WRONG[1:], [1.0], [1.0] * 3]},
    ),
}
