"""What the diagnosis of each network must be; written down before any of them was run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Expected:
    """What a look at one network must find.

    Attributes:
        verdict: of its layers or, for `over_time`, of the steps of its recurrent layer.
        situation: what is to be treated.
        begins: a layer among those that may be named as the first; None if none may be.
        advice: how the first remedy begins; "" if there must be none.
        over_time: whether the steps of the recurrent layer are asked.
    """

    verdict: str
    situation: str | None = None
    begins: tuple[str, ...] | None = None
    advice: str = ""
    over_time: bool = False


HEALTHY = Expected("steady")
LATE = tuple(f"t = {t}" for t in range(80, 100))

EXPECTED = {
    "mlp, he": HEALTHY,
    "mlp, pytorch default": Expected(
        "vanishing", "small weights", ("4", "6", "8"), "Initialization"
    ),
    "mlp, sigmoid": Expected(
        "vanishing", "flat slopes", ("16", "18", "20"), "Residual connections"
    ),
    "mlp, large weights": Expected(
        "exploding", "large weights", ("14", "16", "18", "20"), "Initialization"
    ),
    "mlp, large tanh": Expected(
        "exploding", "growing gradient", ("12", "14", "16", "18", "20"), "Residual connections"
    ),
    "mlp, one layer off": Expected("blocked", "dead", ("4",), "Optimizers"),
    "mlp, pyramid": HEALTHY,
    "mlp, saturated output": Expected("steady", "flat output", None, "Gradients"),
    "vgg, pooled": HEALTHY,
    "vgg, pytorch default": Expected("vanishing", "small weights", ("7", "10"), "Initialization"),
    "resnet": HEALTHY,
    "resnet, zero last gains": HEALTHY,
    "resnet, no normalization": Expected("exploding", "large weights", None, "Initialization"),
    "batch norm without skips": Expected(
        "exploding", "growing gradient", None, "Residual connections"
    ),
    "u-net": HEALTHY,
    "transformer, pre-norm": HEALTHY,
    "transformer, post-norm": HEALTHY,
    "transformer, all parameters": HEALTHY,
    "gpt-2": HEALTHY,
    "embedding and mean": HEALTHY,
    "lstm over 100 steps": Expected(
        "vanishing", "vanishing over time", LATE, "Recurrence", over_time=True
    ),
    "gru over 100 steps": Expected(
        "vanishing", "vanishing over time", LATE, "Recurrence", over_time=True
    ),
    "lstm over 100 steps, open": Expected("steady", over_time=True),
    "lstm, a loss at every step": Expected(
        "undefined", "several losses", None, "Diagnose your own network", over_time=True
    ),
    "float16, small loss": Expected(
        "steady", "underflow", None, "Diagnose your own network: multiply the loss"
    ),
    "float16, sigmoid": Expected(
        "vanishing", "flat slopes", ("16", "18", "20"), "Residual connections"
    ),
    "bfloat16, small loss": HEALTHY,
    "frozen backbone, new head": HEALTHY,
    "zero head": Expected(
        "blocked", "zero weights", ("12",), "Diagnose your own network: look again"
    ),
    "one nan": Expected("undefined", "nan", ("0",), "Diagnose your own network: what enters"),
    "batch of 1": HEALTHY,
    "an auxiliary head that is not used": HEALTHY,
    "a layer used eight times": HEALTHY,
}
