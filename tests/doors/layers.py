import numpy as np

import vanishing as vn
from doors import WRONG, Row

ROWS = {
    "Activate": Row(vn.Activate, lambda: {"activation": "tanh"}, kinds={"activation": "name"}),
    "Affine": Row(
        vn.Affine,
        lambda: {"weight": np.ones((2, 3)), "bias": np.ones(2)},
        kinds={"weight": "array", "bias": "array"},
        wrong={
            "weight": [np.ones(2)],
            "bias": [np.ones(3), np.ones((2, 1)), np.ones(2, np.float32)],
        },
    ),
    "Mode": Row(
        vn.Mode,
        lambda: {"training": True},
        wrong={"training": [1, "yes", None, np.random.default_rng(0)], "rng": WRONG["rng"][1:]},
        exempt={"rng": "None stands for no rng, and layers that draw refuse it"},
    ),
}
