"""What is to be said of the norms in a file, alike in a terminal and on a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vanishing.measurement.diagnosis import Diagnosis, diagnose
from vanishing.measurement.saved_norms import Look, saved_norms


@dataclass(frozen=True, eq=False)
class Report:
    """What `report` found; printed, a line for each of several looks, and all of the last one.

    Attributes:
        looks: in the order of the file.
        diagnoses: one for each look.
    """

    looks: tuple[Look, ...]
    diagnoses: tuple[Diagnosis, ...]

    @property
    def last(self) -> Diagnosis:
        """The diagnosis of the last look."""
        return self.diagnoses[-1]

    @property
    def norms(self) -> list[float | None]:
        """The norm of each layer in the last look, None for a layer without a gradient."""
        given = self.looks[-1].gradients.values()
        pairs = zip(given, self.last.norms.tolist(), strict=True)
        return [None if value is None else norm for value, norm in pairs]

    @property
    def lines(self) -> list[str]:
        """The summary of each look, behind its label or number."""
        pairs = zip(self.looks, self.diagnoses, strict=True)
        return [f"{look.label or i}: {d.summary}" for i, (look, d) in enumerate(pairs, start=1)]

    def __str__(self) -> str:
        lines = self.lines if len(self.looks) > 1 else []
        return "\n".join([*lines, str(self.last)])


def report(data: str | bytes, *, kind: str = "signal") -> Report:
    """The diagnosis of each look that a file holds.

    Args:
        data: of the file, or its text, as for `saved_norms`.
        kind: of the gradients, as for `diagnose`.

    Raises:
        TypeError: for arrays and norms mixed.
        ValueError: for what cannot be read; names the line, what stands there and what is expected.

    Examples:
        >>> print(report("fc1,1e-7\\nfc2,1e-4\\nhead,0.5").last.summary)
        vanishing, 0.000447 per layer, 2.0e-07 in all
    """
    looks = saved_norms(data)
    return Report(looks, tuple(_judged(look, kind) for look in looks))


def _judged(look: Look, kind: str) -> Diagnosis:
    beside: dict[str, Any] = {}
    count = len(look.gradients)
    if look.steps is not None:
        # step = rate * |dL/dW| / |W|
        beside = {"weights": [1.0] * count, "weight_gradients": look.steps, "learning_rate": 1.0}
    if look.over == "time":
        beside["loss_gradients"] = [1.0] * look.losses + [0.0] * (count - look.losses)
    return diagnose(look.gradients, signals=look.signals, kind=kind, over=look.over, **beside)
