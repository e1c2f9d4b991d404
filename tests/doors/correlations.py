import numpy as np

import vanishing as vn
from doors import Row
from doors.measurements import NETWORKS

NETWORK = vn.dense_network([2, 3, 2], activation="tanh", rng=np.random.default_rng(0))
X = np.array([[0.1, 0.9], [0.8, 0.2]])
SIGNALS = [
    [],
    [np.ones(2)],
    [np.ones((2, 2), int)],
    [np.array([[np.nan, 1.0]])],
    [X, np.ones((3, 2))],
    [X, np.empty((2, 0))],
    [np.array([["a"]], object)],
]

ROWS = {
    "gradient_autocorrelation": Row(
        vn.gradient_autocorrelation,
        lambda: {"network": NETWORK, "x": X, "centered": False},
        kinds={"x": "array"},
        wrong={"network": NETWORKS, "x": [np.ones(2), np.ones((2, 3))]},
        exempt={"centered": "any truth value"},
    ),
    **{
        function.__name__: Row(
            function, lambda: {"signals": [X, np.ones((2, 5))]}, wrong={"signals": SIGNALS}
        )
        for function in (vn.signal_correlation, vn.signal_difference)
    },
}
