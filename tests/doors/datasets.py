import numpy as np

import vanishing as vn
from doors import Row

KINDS = {
    "rng": "rng",
    "samples": "size",
    "classes": "size",
    "spread": "number",
    "dtype": "dtype",
}


def points(function, **numbers):
    """The row of a set of points; the numbers are not negative."""
    held = {"samples": 12, "classes": 3, "spread": 0.1, "dtype": np.float32, **numbers}
    return Row(
        function,
        lambda: {"rng": np.random.default_rng(0), **held},
        kinds=KINDS | dict.fromkeys(numbers, "number"),
        wrong=dict.fromkeys(["spread", *numbers], [-0.1]) | {"classes": [1]},
    )


ROWS = {
    "blobs": points(vn.blobs),
    "spirals": points(vn.spirals, turns=0.75),
    "digits": Row(
        vn.digits,
        lambda: {"rng": np.random.default_rng(0), "test_fraction": 0.2, "dtype": np.float32},
        kinds={"rng": "rng", "test_fraction": "number", "dtype": "dtype"},
        wrong={"test_fraction": [0, 1, -0.1, 1.1]},
    ),
}
