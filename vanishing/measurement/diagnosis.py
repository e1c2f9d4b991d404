"""What happens to the per-layer gradients of any framework, where it starts, and what to try."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vanishing._validation import Array, choice, number
from vanishing._validation import dtype as floating
from vanishing.measurement.readings import Reading, read, size_of
from vanishing.measurement.situations import Case
from vanishing.measurement.text_bars import log_bars


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What `diagnose` found; printed, a table with a bar per layer, and the findings.

    Attributes:
        names: of the layers, input side first.
        norms: one number per layer, in the unit of what was given; NaN where none arrived.
        verdict: as of `verdict`, of the layers where a gradient arrived.
        factor: the geometric factor per layer going back, dimensionless; NaN if less than two
            layers have a norm with a finite logarithm.
        ratio: the first layer's norm over the last one's, of the layers where one arrived.
        situation: what `remedies` are for, such as 'flat slopes', 'one step', 'underflow', 'dead';
            None if there is nothing to treat.
        first_layer: l, counted from 1, and name of the layer where the trouble starts, as
            `diagnose` defines it.
        steps: the length of one step of plain descent over that of the weights, for each layer;
            NaN where it is unknown.
        evidence: sentences with numbers.
        remedies: what is worth trying, at most three, in this order; each begins with the title of
            the chapter that treats it.
    """

    names: tuple[str, ...]
    norms: Array
    verdict: str
    factor: float
    ratio: float
    situation: str | None
    first_layer: tuple[int, str] | None
    steps: Array
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]

    @property
    def summary(self) -> str:
        """Verdict, factor and ratio in a line, as for a log."""
        return f"{self.verdict}, {self.factor:.3g} per layer, {self.ratio:.1e} in all"

    @property
    def _goes_back(self) -> bool:
        """Whether what `first_layer` names goes on from there to the input."""
        single = self.situation in ("one step", "large inputs", "overflow", "nan")
        return self.verdict in ("vanishing", "exploding") and not single

    @property
    def findings(self) -> str:
        """Verdict, evidence and remedies, a line each."""
        where = ""
        if self.verdict in ("vanishing", "exploding") and math.isfinite(self.ratio):
            where = f" by {self.ratio:.1e} in all" if self.ratio else ", to exactly 0"
        if self.first_layer:
            name = self.first_layer[1]
            layer = f"layer {name}" if name.isdecimal() else repr(name)
            where += f", from {layer} back" if self._goes_back else f" at {layer}"
        remedies = (f"try {i}: {remedy}" for i, remedy in enumerate(self.remedies, start=1))
        return "\n  ".join((self.verdict + where, *self.evidence, *remedies))

    @np.errstate(all="ignore")
    def __str__(self) -> str:
        wide = max(map(len, ("layer", *self.names)))
        factors = [f"{factor:10.3g}" for factor in self.norms[:-1] / self.norms[1:]]
        has_steps = bool(np.isfinite(self.steps).any())
        steps = [f" {step:9.1e}" if has_steps else "" for step in self.steps]
        bars = log_bars(self.norms, max(10, 55 - wide - 10 * has_steps))
        columns = zip(self.names, self.norms, [*factors, " " * 10], steps, bars, strict=True)
        rows = [
            f"{name:{wide}} {size:11.2e} {factor}{step}  {bar}".rstrip()
            for name, size, factor, step, bar in columns
        ]
        header = f"{'layer':{wide}} {'norm':>11} {'factor':>10}{'      step' if has_steps else ''}"
        return "\n".join([header, *rows, self.findings])


def diagnose(
    gradients: Any,
    *,
    signals: Any = None,
    kind: str = "signal",
    over: str = "layers",
    weights: Any = None,
    weight_gradients: Any = None,
    learning_rate: float | None = None,
    loss_gradients: Any = None,
    dtype: Any = None,
) -> Diagnosis:
    """What the gradients of a network's layers say, whichever framework computed them.

    Layers are compared by the norm per sample, which layers of any width and shape share (see
    `norm_per_sample`). The verdict is that of `verdict`; multiplying the loss by a constant changes
    `norms` alone, since ratios decide.

    What vanishes is the signal gradient, the one with respect to the layers' outputs (or to their
    preactivations; all of one kind). The weight gradient is its product with the layer's input:
    where the signal grows as much as its gradient shrinks, all layers have alike weight gradients
    (Glorot & Bengio 2010, fig. 8). Whoever gives weight gradients says `kind="weight"`; they are
    compared by their norms.

    `first_layer` is where the trouble starts. If a signal is not finite, it is the first such layer
    from the input. Else it is, going back from the output, the first layer whose gradient is less
    than 1/100 of the last layer's ('vanishing'), more than 100 times that or not finite
    ('exploding'), NaN ('undefined'), the farthest from both ends ('uneven'); where a single step
    makes most of the change, the layer before it; and where the gradient is blocked, the layer that
    is off or the last one that gets nothing.

    Over time steps a diagnosis has a meaning only if the loss looks at the last step alone: with a
    loss at every step each step's gradient is mostly that of its own loss. `loss_gradients` tells.

    Args:
        gradients: name -> array, or a sequence of arrays, batch first, or of one norm (a plain
            number comparable between layers) instead of an array for each layer; input side first,
            anything that `np.asarray` takes. None stands for a layer without a gradient, frozen or
            not used.
        signals: the same for the layers' outputs h_l, or for their preactivations if `gradients`
            are with respect to these. They tell small weights from flat slopes, and show dead
            units.
        kind: 'signal' for gradients with respect to outputs or preactivations, 'weight' for those
            of weights.
        over: 'layers', or 'time' for one gradient per time step, the first step first.
        weights: the same for the layers' weights; they show weights of 0.
        weight_gradients: the same for dL/dW; with `weights` and `learning_rate` they give the
            length of a step. `gradients` themselves for kind 'weight'.
        learning_rate: of plain gradient descent.
        loss_gradients: over time, the gradient of the loss with respect to each step's output, but
            without what comes back through later steps.
        dtype: the format of the gradients, if they were converted since.

    Raises:
        TypeError: for what holds no numbers, and for arrays and numbers mixed.
        ValueError: for what is ragged, complex, a negative norm, an unknown kind, signals of
            another length. NaN and infinity are findings, no errors.

    Examples:
        >>> diagnose({"first": 1e-6, "middle": 1e-4, "last": 1e-2}).first_layer
        (1, 'first')
        >>> print(f"{diagnose([np.full((8, 4), 0.5**-l) for l in range(10)]).factor:.3f}")
        0.500
    """
    choice(kind, "kind", dict.fromkeys(("signal", "weight")))
    choice(over, "over", dict.fromkeys(("layers", "time")))
    if loss_gradients is not None and over != "time":
        raise ValueError("loss_gradients are those of time steps; over='time' is expected")
    names, given = _named(gradients, "gradients")
    if learning_rate is not None:
        learning_rate = number(learning_rate, "learning_rate", above=0)
    if weight_gradients is None and kind == "weight":
        weight_gradients = gradients
    beside = {
        "signals": signals,
        "weights": weights,
        "weight_gradients": weight_gradients,
        "loss_gradients": loss_gradients,
    }
    columns = {name: _column(value, name, len(names)) for name, value in beside.items()}
    smallest = None if dtype is None else float(np.finfo(floating(dtype)).smallest_normal)
    readings = [
        read(
            name,
            gradient,
            signal=columns["signals"][i],
            weight=columns["weights"][i],
            weight_gradient=columns["weight_gradients"][i],
            learning_rate=learning_rate,
            kind=kind,
            smallest=smallest,
        )
        for i, (name, gradient) in enumerate(zip(names, given, strict=True))
    ]
    shapes = [np.shape(value) for value in given if value is not None]
    if len({shape == () for shape in shapes}) > 1:
        wanted = "one of the two for all layers is expected"
        raise TypeError(f"gradients mixes arrays and numbers; {wanted}")
    if kind == "signal" and shapes and shapes[0]:
        # One batch for all: a layer may have its time steps among the samples.
        batch = min(shape[0] for shape in shapes)
        readings = [_per_sample(reading, batch) for reading in readings]
    losses = [
        value is not None and size_of(value, f"loss_gradients of step {name!r}")[1] != 0
        for name, value in zip(names, columns["loss_gradients"], strict=True)
    ]
    caveats: tuple[str, ...] = ()
    if kind == "weight":
        caveats = ("weight gradients can be alike in all layers while the signal gradient shrinks",)
    if over == "time" and loss_gradients is None:
        caveats = ("this means something only if the loss looks at the last step alone",)
    return judge(readings, over=over, losses=sum(losses[:-1]), caveats=caveats)


@np.errstate(all="ignore")
def judge(
    readings: Sequence[Reading],
    *,
    over: str = "layers",
    losses: int = 0,
    caveats: Iterable[str] = (),
) -> Diagnosis:
    """The diagnosis from what was read of each layer, input side first.

    Args:
        readings: one per layer, or per step.
        over: 'layers' or 'time'.
        losses: over time, the number of steps before the last at which the loss looks.
        caveats: sentences that close the evidence.
    """
    case = Case(tuple(readings), over, losses)
    at = case.where
    return Diagnosis(
        names=tuple(reading.name for reading in readings),
        norms=np.array([math.nan if r.gradient is None else r.gradient for r in readings]),
        verdict=case.verdict,
        factor=case.factor,
        ratio=case.ratio,
        situation=case.situation,
        first_layer=None if at is None else (at + 1, readings[at].name),
        steps=np.array([math.nan if r.step is None else r.step for r in readings]),
        evidence=(*case.evidence(), *caveats),
        remedies=case.remedies(),
    )


def _per_sample(reading: Reading, batch: int) -> Reading:
    if reading.gradient is None:
        return reading
    return replace(reading, gradient=reading.gradient / math.sqrt(batch))


def _named(given: Any, name: str) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The names, or numbers from 1, and the values."""
    try:
        if isinstance(given, (str, bytes)):
            raise TypeError
        items = given.items() if isinstance(given, Mapping) else enumerate(given, start=1)
        keys, values = zip(*items, strict=True)
    except (TypeError, ValueError):
        wanted = "an array or a number for each layer is expected"
        raise TypeError(f"{name} is {given!r}; {wanted}") from None
    return tuple(map(str, keys)), values


def _column(given: Any, name: str, count: int) -> tuple[Any, ...]:
    """One value for each of `count` layers, None for each if nothing is given."""
    if given is None:
        return (None,) * count
    _, values = _named(given, name)
    if len(values) != count:
        wanted = f"{count}, as many as gradients, are expected"
        raise ValueError(f"{name} has {len(values)} layers; {wanted}")
    return values
