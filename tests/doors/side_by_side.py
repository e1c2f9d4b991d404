import numpy as np

import vanishing as vn
from doors import Row
from doors.measurements import NETWORKS, network


def wider():
    return vn.dense_network([2, 6, 3], activation="tanh", rng=np.random.default_rng(0))


ROWS = {
    "SideBySide": Row(
        vn.SideBySide,
        lambda: {"networks": [network(), network()], "optimizers": [vn.Adam(), vn.SGD(0.1)]},
        wrong={
            "networks": [
                None,
                [],
                3,
                network(),
                *([network(), other] for other in NETWORKS),
                [network(), wider()],
                [vn.Sequential(vn.PReLU(np.array([0.25])))] * 2,
            ],
            "optimizers": [
                None,
                [],
                vn.Adam(),
                [vn.Adam()],
                [vn.Adam(), None],
                [vn.Adam(), vn.Adam],
                [vn.Adam(), vn.Clipped(vn.Adam(), vn.clip_by_norm, 1.0)],
            ],
        },
    ),
}
