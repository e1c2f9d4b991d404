import numpy as np

import vanishing as vn
from doors import Row

# NaN and infinity may stand in a dual number as in any array: its rules say what they become.
ARRAYS = [
    np.empty(0),
    np.ones(2, int),
    np.array(["a", "b"], object),
    "ab",
    None,
    [[1.0], [1.0, 2.0]],
]

ROWS = {
    "Dual": Row(
        vn.Dual,
        lambda: {"value": np.zeros(2), "tangent": np.ones(2)},
        wrong={"value": ARRAYS, "tangent": [np.ones(3), *ARRAYS]},
    ),
}
