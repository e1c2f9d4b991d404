import numpy as np

import vanishing as vn
from doors import WRONG, Row

ROWS = {
    "Mode": Row(
        vn.Mode,
        lambda: {"training": True},
        wrong={"training": [1, "yes", None, np.random.default_rng(0)], "rng": WRONG["rng"][1:]},
        exempt={"rng": "None stands for no rng, and layers that draw refuse it"},
    ),
    "Nonlinearity": Row(
        vn.Nonlinearity,
        lambda: {"derivative": np.ones((2, 3)), "max_derivative": 1.0, "trainable": False},
        exempt=dict.fromkeys(
            ["derivative", "max_derivative", "trainable"], "what a layer says is taken as it is"
        ),
    ),
}
