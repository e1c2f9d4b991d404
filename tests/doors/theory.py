import numpy as np

from doors import Row
from vanishing import theory

POINT = {"activation": "tanh", "sigma_w": 1.5, "sigma_b": 0.3}
KINDS = {"activation": "name", "sigma_w": "number", "sigma_b": "number", "q": "number"}
WRONG = {"sigma_w": [0.0, -1.0], "sigma_b": [-0.1], "q": [-1.0]}


def row(call, *names, wrong=(), **others):
    """A row whose arguments are those of a point of the phase diagram, and others."""
    own = {**{name: {**POINT, "q": 1.0}[name] for name in names}, **others}
    kinds = {name: KINDS.get(name, "number") for name in own}
    return Row(
        call,
        lambda: own,
        kinds,
        {name: WRONG[name] for name in names if name in WRONG} | dict(wrong),
    )


ROWS = {
    "theory.gaussian_mean": Row(
        theory.gaussian_mean,
        lambda: {"f": np.cos, "variance": 1.0},
        kinds={"variance": "number"},
        wrong={"f": [None, "tanh", 3.0], "variance": [-1.0]},
    ),
    "theory.variance_map": row(theory.variance_map, "q", *POINT),
    "theory.variance_fixed_point": row(theory.variance_fixed_point, *POINT),
    "theory.chi": row(theory.chi, "activation", "sigma_w", "q"),
    "theory.critical_sigma_w": row(theory.critical_sigma_w, "activation", "sigma_b"),
    "theory.correlation_map": row(
        theory.correlation_map, "q", *POINT, c=0.5, wrong={"c": [1.1, -1.1], "q": [0.0]}
    ),
    "theory.correlation_fixed_point": row(theory.correlation_fixed_point, *POINT),
    "theory.depth_scales": row(theory.depth_scales, *POINT),
    "theory.recurrent_growth": row(
        theory.recurrent_growth,
        "activation",
        "sigma_w",
        input_variance=0.1,
        wrong={"input_variance": [-0.1]},
    ),
    "theory.batch_norm_growth": Row(
        theory.batch_norm_growth,
        lambda: {"batch": 8, "activation": "relu"},
        kinds={"batch": "size", "activation": "name"},
        wrong={"batch": [3]},
    ),
    "theory.log_normal_law": Row(
        theory.log_normal_law,
        lambda: {"widths": [10, 20]},
        wrong={"widths": [[], [0], [1.5], [10, -1], [[10]], 10, None]},
    ),
    "theory.random_product_growth": Row(
        theory.random_product_growth, lambda: {"n": 2}, kinds={"n": "size"}
    ),
    "theory.path_lengths": Row(
        theory.path_lengths,
        lambda: {"blocks": 3, "branch": 0.5},
        kinds={"blocks": "size", "branch": "number"},
        wrong={"branch": [0.0, -1.0]},
    ),
    "theory.mean_singular_value": Row(
        theory.mean_singular_value,
        lambda: {"n": 3, "variance": 1.0},
        kinds={"n": "size", "variance": "number"},
        wrong={"variance": [-1.0]},
    ),
    "theory.linear_jacobian_edge": Row(
        theory.linear_jacobian_edge, lambda: {"depth": 3}, kinds={"depth": "size"}
    ),
}
