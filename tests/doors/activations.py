import numpy as np

import vanishing as vn
from doors import Row

FORMULAS = "bare formulas are taken as they are, without a check"

ROWS = {
    "Activation": Row(
        vn.Activation,
        lambda: {
            "name": "cube",
            "formula": np.square,
            "derivative_formula": np.abs,
            "max_derivative": np.inf,
            "derivative_from_output": None,
        },
        exempt=dict.fromkeys(
            ["name", "formula", "derivative_formula", "max_derivative", "derivative_from_output"],
            FORMULAS,
        ),
    ),
    "activation": Row(
        vn.activation,
        lambda: {"activation": "tanh"},
        kinds={"activation": "name"},
        wrong={"activation": [vn.Activation]},
    ),
    "elu": Row(vn.elu, lambda: {"alpha": 1.0}, kinds={"alpha": "number"}, wrong={"alpha": [-0.1]}),
    "leaky_relu": Row(
        vn.leaky_relu,
        lambda: {"negative_slope": 0.1},
        kinds={"negative_slope": "number"},
        wrong={"negative_slope": [-0.1, 1.1]},
    ),
    "swish": Row(
        vn.swish, lambda: {"beta": 2.0}, kinds={"beta": "number"}, wrong={"beta": [0.0, -1.0]}
    ),
}
ROWS |= {
    name: Row(call, lambda: {"z": np.array([-1.0, 2.0])}, kinds={"z": "array"})
    for phi_name, phi in ((name, getattr(vn, name)) for name in vn.__all__)
    if isinstance(phi, vn.Activation)
    for name, call in {phi_name: phi, f"{phi_name}.derivative": phi.derivative}.items()
}
