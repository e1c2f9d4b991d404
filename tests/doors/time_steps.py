import numpy as np

import vanishing as vn
from doors import Row


def rnn():
    layer = vn.RNN.initialized(3, 2, rng=np.random.default_rng(0))
    return layer, np.ones((4, 5, 3))


def traced():
    layer, x = rnn()
    return {"layer": layer, "memory": layer.forward(x)[1], "d_output": np.ones((4, 5, 2))}


LAYERS = [None, "RNN", vn.RNN, vn.Linear(np.ones((2, 3)), np.zeros(2))]

ROWS = {
    "state_gradients": Row(
        vn.state_gradients,
        traced,
        kinds={"d_output": "array"},
        wrong={
            "layer": LAYERS,
            "d_output": [np.ones(shape) for shape in ((4, 5), (4, 5, 3), (4, 6, 2), (3, 5, 2))],
        },
        exempt={"memory": "only what forward returned"},
    ),
    "step_jacobians": Row(
        vn.step_jacobians,
        lambda: dict(zip(("layer", "x"), rnn(), strict=True)),
        kinds={"x": "array"},
        wrong={"layer": LAYERS, "x": [np.ones((4, 3)), np.ones((4, 5, 2)), np.ones(3)]},
    ),
}
