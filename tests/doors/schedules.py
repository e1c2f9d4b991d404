import vanishing as vn
from doors import Row

ROWS = {
    "warmup": Row(
        vn.warmup,
        lambda: {"learning_rate": 0.1, "steps": 10},
        kinds={"learning_rate": "number", "steps": "size"},
        wrong={"learning_rate": [0, -0.1]},
    ),
}
