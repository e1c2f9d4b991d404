import numpy as np

import vanishing as vn
from doors import INF, NAN, Row

SIZES = [
    [],
    np.empty(0),
    [-1.0, 1.0],
    np.ones((2, 2)),
    1.0,
    np.ones(2, int),
    ["a", "b"],
    "steady",
    [[1.0], [1.0, 2.0]],
]

ROWS = {
    # NaN and infinity are what a verdict is for.
    "verdict": Row(
        vn.verdict,
        lambda: {"gradients": [NAN, 1e-5, 1e-3], "signals": [1.0, INF, 1.0]},
        wrong={"gradients": [*SIZES, None], "signals": [*SIZES, [1.0], [1.0] * 4]},
    ),
}
