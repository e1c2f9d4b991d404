import numpy as np

import vanishing as vn
from doors import Row

ROWS = {
    "Activate": Row(vn.Activate, lambda: {"activation": "tanh"}, kinds={"activation": "name"}),
    "Dropout": Row(
        vn.Dropout, lambda: {"rate": 0.5}, kinds={"rate": "number"}, wrong={"rate": [-0.1, 1.0]}
    ),
    "PReLU": Row(
        vn.PReLU,
        lambda: {"negative_slope": np.ones(1)},
        kinds={"negative_slope": "array"},
        wrong={"negative_slope": [0.25]},
    ),
}
