import numpy as np

import vanishing as vn
from doors import Row

ROWS = {
    "norm_per_sample": Row(
        vn.norm_per_sample,
        lambda: {"array": np.array([[3.0, -4.0]])},
        kinds={"array": "array"},
    ),
    "rms": Row(vn.rms, lambda: {"array": np.array([3.0, -3.0])}, kinds={"array": "array"}),
}
