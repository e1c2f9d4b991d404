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
}
