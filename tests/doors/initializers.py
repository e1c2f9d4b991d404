import numpy as np

import vanishing as vn
from doors import Row

SIGMA = {"sigma_b": "number"}


def negative(*names):
    """What is wrong for each of these arguments, as all of them are not to be negative."""
    return {name: [-0.1] for name in names}


ROWS = {
    "Initializer": Row(
        vn.Initializer,
        lambda: {
            "name": "zeros",
            "draw_weight": vn.zeros.draw_weight,
            "draw_bias": vn.zeros.draw_bias,
        },
        exempt=dict.fromkeys(
            ["name", "draw_weight", "draw_bias"],
            "bare rules are taken as they are, without a check",
        ),
    ),
    "constant": Row(vn.constant, lambda: {"value": -0.5}, kinds={"value": "number"}),
    "calculate_gain": Row(
        vn.calculate_gain,
        lambda: {"activation": "tanh"},
        kinds={"activation": "name"},
        wrong={"activation": ["gelu", vn.elu()]},
    ),
    "gaussian": Row(
        vn.gaussian,
        lambda: {"std": 0.1, "sigma_b": 0.1},
        SIGMA | {"std": "number"},
        negative("std", "sigma_b"),
    ),
    "he": Row(
        vn.he,
        lambda: {"negative_slope": -0.1, "mode": "fan_out", "distribution": "uniform"},
        kinds={"negative_slope": "number", "mode": "name", "distribution": "name"},
        wrong={"mode": ["entry", "both fans"]},
    ),
    "initializer": Row(
        vn.initializer,
        lambda: {"initializer": "orthogonal"},
        kinds={"initializer": "name"},
        wrong={"initializer": [vn.Initializer, vn.he]},
    ),
    "orthogonal": Row(
        vn.orthogonal,
        lambda: {"gain": 2.0, "sigma_b": 0.1},
        SIGMA | {"gain": "number"},
        negative("gain", "sigma_b"),
    ),
    "scaled_gaussian": Row(
        vn.scaled_gaussian,
        lambda: {"sigma_w": 1.5, "sigma_b": 0.1},
        SIGMA | {"sigma_w": "number"},
        negative("sigma_w", "sigma_b"),
    ),
    "uniform": Row(
        vn.uniform,
        lambda: {"bound": 0.1, "sigma_b": 0.1},
        SIGMA | {"bound": "number"},
        negative("bound", "sigma_b"),
    ),
    "xavier": Row(
        vn.xavier,
        lambda: {"gain": 2.0, "distribution": "uniform"},
        kinds={"gain": "number", "distribution": "name"},
        wrong=negative("gain"),
    ),
}
SHAPES = [None, 3, (3,), (2, 3, 4), (0, 3), (2, -1), (2, 1.5), (2, None), "no shape"]
RULES = {
    name: getattr(vn, name) for name in vn.__all__ if isinstance(getattr(vn, name), vn.Initializer)
}


def matrix(**more):
    return {"shape": (2, 3), "rng": np.random.default_rng(0), "dtype": np.float32, **more}


ROWS |= {
    name: Row(
        rule,
        lambda: matrix(fans=(2, 3)),
        kinds={"rng": "rng", "dtype": "dtype"},
        wrong={"shape": [(0, 3), (2, -1), (2, 1.5), (2, None)], "fans": SHAPES[1:]},
    )
    for name, rule in RULES.items()
}
ROWS |= {
    f"{name}.bias": Row(
        rule.bias, matrix, kinds={"rng": "rng", "dtype": "dtype"}, wrong={"shape": SHAPES}
    )
    for name, rule in RULES.items()
}
