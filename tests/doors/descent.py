import vanishing as vn
from doors import Row

ROWS = {
    "descend": Row(
        vn.descend,
        lambda: {"gradient": lambda w: w, "start": 1.0, "learning_rate": 0.1, "steps": 3},
        kinds={"start": "array", "learning_rate": "number", "steps": "size"},
        wrong={"gradient": [None, 1.0], "learning_rate": [0, -0.1]},
    ),
}
