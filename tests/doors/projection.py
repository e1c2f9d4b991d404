import numpy as np

import vanishing as vn
from doors import Row
from doors.measurements import MODES, X, network

ROWS = {
    "projection_test": Row(
        vn.projection_test,
        lambda: {
            "part": network(),
            "h": np.ones((4, 2)),
            "rng": np.random.default_rng(0),
            "mode": vn.Mode(),
        },
        kinds={"h": "array", "rng": "rng"},
        wrong={"part": [None, "linear", vn.Linear, np.ones((2, 2))], "h": X, "mode": MODES},
    ),
}
