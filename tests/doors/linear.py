import numpy as np

import vanishing as vn
from doors import Row

ROWS = {
    "Linear": Row(
        vn.Linear,
        lambda: {"weight": np.ones((2, 3)), "bias": np.ones(2)},
        kinds={"weight": "array", "bias": "array"},
        wrong={
            "weight": [np.ones(2)],
            "bias": [np.ones(3), np.ones((2, 1)), np.ones(2, np.float32)],
        },
    ),
}
