import fake_torch
import numpy as np

import vanishing as vn
from doors import Row

ROWS = {
    "watch": Row(
        vn.watch,
        lambda: {
            "model": fake_torch.mlp(),
            "learning_rate": 0.1,
            "every": 2,
            "log": lambda line: None,
        },
        wrong={
            "model": [
                None,
                3,
                "model",
                np.ones((2, 2)),
                fake_torch.mlp,
                fake_torch.ReLU(),
                fake_torch.Linear,
                vn.Sequential((vn.LastStep(),)),
            ],
            # None stands for the defaults.
            "learning_rate": [0, -0.1, float("nan"), float("inf"), "1", [1.0], True],
            "every": [0, -1, 1.5, float("nan"), "1", True],
            "log": [3, "print", [print]],
        },
    ),
}
