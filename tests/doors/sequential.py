import vanishing as vn
from doors import Row

ROWS = {
    "Sequential": Row(
        vn.Sequential,
        lambda: {"layers": (vn.Activate("tanh"),)},
        wrong={"layers": [(), None, 3, "tanh", (vn.tanh,), (vn.Activate("tanh"), None)]},
    ),
}
