import numpy as np

import vanishing as vn
from doors import Row


ROWS = {
    "dense_network": Row(
        vn.dense_network,
        lambda: {
            "widths": [2, 3, 3, 1],
            "activation": "tanh",
            "initializer": "he_normal",
            "output_activation": "identity",
            "normalization": "layer",
            "residual": "pre",
            "branch_scale": 0.5,
            "trainable_scale": True,
            "dropout": 0.1,
            "rng": np.random.default_rng(0),
            "dtype": np.float32,
        },
        kinds={
            "activation": "name",
            "initializer": "name",
            "output_activation": "name",
            "branch_scale": "number",
            "dropout": "number",
            "rng": "rng",
            "dtype": "dtype",
        },
        wrong={
            "widths": [
                [],
                [2],
                3,
                None,
                "23",
                [2, 0],
                [2, -1],
                [2, 1.5],
                [2, None],
                [[2, 3]],
                np.ones(2),
            ],
            "normalization": ["no such name", "", 3],
            "residual": ["no such name", "", 3],
            "trainable_scale": [1, "yes", None],
            "dropout": [-0.1, 1.0],
        },
    ),
}
