import numpy as np

import vanishing as vn
from doors import Row

KINDS = {"rng": "rng", "samples": "size", "spread": "number", "dtype": "dtype"}


def points(function, *, classes=True, **numbers):
    """The row of a set of points; the numbers are not negative."""
    held = {"samples": 12, "spread": 0.1, "dtype": np.float32, **numbers} | (
        {"classes": 3} if classes else {}
    )
    wrong = dict.fromkeys(["spread", *numbers], [-0.1]) | ({"classes": [1]} if classes else {})
    return Row(
        function,
        lambda: {"rng": np.random.default_rng(0), **held},
        kinds=KINDS | dict.fromkeys(numbers, "number") | ({"classes": "size"} if classes else {}),
        wrong=wrong,
    )


ROWS = {
    "blobs": points(vn.blobs),
    "spirals": points(vn.spirals, turns=0.75),
    "two_moons": points(vn.two_moons, classes=False),
    "digits": Row(
        vn.digits,
        lambda: {"rng": np.random.default_rng(0), "test_fraction": 0.2, "dtype": np.float32},
        kinds={"rng": "rng", "test_fraction": "number", "dtype": "dtype"},
        wrong={"test_fraction": [0, 1, -0.1, 1.1]},
    ),
}
