import vanishing as vn
from doors import INF, NAN, Row

LEARNING_RATES = [0, -0.1, NAN, INF, "fast", None, [0.1]]
NEGATIVE = [-0.1]
NO_PART = [-0.1, 1, 1.5]
NO_TRUTH_VALUE = ["no", None, 1, NAN]


def rule(cls, *flags, **wrong):
    """The row of an optimizer: its learning rate and weight decay, its own flags, its own numbers."""
    flags = dict.fromkeys(flags, NO_TRUTH_VALUE)
    wrong = {"weight_decay": NEGATIVE, **wrong}
    arguments = {"learning_rate": 0.1, **dict.fromkeys(wrong, 0.5), **dict.fromkeys(flags, True)}
    return Row(
        cls,
        lambda: arguments,
        kinds=dict.fromkeys(wrong, "number"),
        wrong={"learning_rate": LEARNING_RATES, **wrong, **flags},
    )


ADAM = {"beta1": NO_PART, "beta2": NO_PART, "epsilon": NEGATIVE}
DECOUPLED = "decoupled_weight_decay"
ROWS = {
    "SGD": rule(vn.SGD, "nesterov", DECOUPLED, momentum=NO_PART),
    "AdaGrad": rule(vn.AdaGrad, DECOUPLED, epsilon=NEGATIVE),
    "RMSprop": rule(vn.RMSprop, DECOUPLED, alpha=NO_PART, epsilon=NEGATIVE),
    "Adam": rule(vn.Adam, DECOUPLED, **ADAM),
    "AdamW": rule(vn.AdamW, **ADAM),
}
