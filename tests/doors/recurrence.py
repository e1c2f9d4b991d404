import numpy as np

import vanishing as vn
from doors import WRONG, Row

FLAG = {"reset_after": "a flag: every value is true or false"}
TRUNCATION = [value for value in WRONG["size"] if value is not None]


def parameters(gates, **more):
    return {
        "weight": np.ones((gates * 2, 3)),
        "bias": np.zeros(gates * 2),
        "recurrent_weight": np.eye(gates * 2, 2),
        "truncation": 3,
        **more,
    }


def cell(call, gates, **more):
    """The row of a cell with two units, whose parameters have the wrong shapes in turn."""
    return Row(
        call,
        lambda: parameters(gates, **more),
        kinds={
            name: "array" for name in parameters(gates, **more) if name.endswith(("weight", "bias"))
        },
        wrong={
            "weight": [np.ones(2 * gates), 1.0],
            "bias": [
                np.zeros(2 * gates + 1),
                np.zeros((2 * gates, 1)),
                np.zeros(2 * gates, np.float32),
            ],
            "recurrent_weight": [
                np.eye(2 * gates + 1, 2),
                np.ones(2),
                np.eye(2 * gates, 2, dtype=np.float32),
            ],
            "truncation": TRUNCATION,
        },
    )


def rnn():
    layer = vn.RNN.of(3, 2, rng=np.random.default_rng(0))
    return layer, np.ones((4, 5, 3))


def traced():
    layer, x = rnn()
    return {"layer": layer, "memory": layer.forward(x)[1], "d_output": np.ones((4, 5, 2))}


LAYERS = [None, "RNN", vn.RNN, vn.Affine(np.ones((2, 3)), np.zeros(2))]
RNN, GRU = cell(vn.RNN, 1, activation="tanh"), cell(vn.GRU, 3, recurrent_bias=np.zeros(2))

ROWS = {
    "RNN": Row(RNN.call, RNN.arguments, RNN.kinds | {"activation": "name"}, RNN.wrong),
    "LSTM": cell(vn.LSTM, 4),
    "GRU": Row(
        GRU.call,
        lambda: GRU.arguments() | {"reset_after": True},
        GRU.kinds,
        GRU.wrong | {"recurrent_bias": [np.zeros(3), np.zeros((2, 1)), np.zeros(2, np.float32)]},
        FLAG,
    ),
    "LastStep": Row(vn.LastStep, dict),
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
