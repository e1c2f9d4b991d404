"""Per-layer gradients of any framework, read: what happens to them, where it starts, and what is worth trying."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing.measurements import EXPLODING, VANISHING, growth, rms, verdict
from vanishing.validation import Array, NotFinite, choice, floats

DEAD = 0.5
"""Dead units are evidence above this part of a layer's units: where all inputs look alike, about half are off."""
BATCH = 8
"""Fewer samples say nothing about dead units: one that is on half of the time is off on all 8 once in 256."""

# In the order worth trying; each begins with the title of the chapter that treats it.
_REMEDIES = {
    "vanishing": (
        "Initialization: He for ReLU, Xavier for tanh, or orthogonal", "Activations: ReLU or tanh, not sigmoid",
        "Residual connections: an identity path past every block", "Normalization: batch normalization",
        "Recurrence: an LSTM with forget-gate bias 1, or a GRU, if the layers are time steps",
    ),
    "exploding": (
        "Initialization: smaller weights, or orthogonal", "Normalization: layer normalization, not batch without skips",
        "Residual connections: branches that start at 0, or scaled by 1/sqrt(depth), if there are any",
        "Clipping: by global norm, which bounds the step and keeps the ratio between layers",
    ),
    "undefined": ("Diagnose your own network: what enters the first layer that is 0 or NaN",),
    "overflow": ("Number formats: a smaller loss scale or a wider format, until all numbers are finite",),
    "dead": ("Activations: a slope that is nowhere 0, as of leaky ReLU, and a lower learning rate",),
}  # fmt: skip
_KINDS = {"signal": (), "weight": ("weight gradients can be alike in all layers while the signal gradient shrinks",)}


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What `diagnose` found; printed, a table with a bar per layer on a log scale and the findings below.

    Attributes:
        names: of the layers, input side first.
        rms: one number per layer, in the unit of what was given.
        verdict: 'vanishing', 'exploding', 'steady' or 'undefined'.
        factor: the geometric factor on the rms per layer going back, dimensionless; NaN if less than two layers have
            an rms with a finite logarithm.
        interval: the 95 % confidence interval of the factor; NaN with less than three such layers.
        ratio: rms of the first layer over that of the last.
        first_layer: l, counted from 1, and name of the layer where the trouble starts, as `diagnose` defines it.
        evidence: sentences with numbers.
        remedies: what is worth trying, in this order; each begins with the title of the chapter that treats it.
    """

    names: tuple[str, ...]
    rms: Array
    verdict: str
    factor: float
    interval: tuple[float, float]
    ratio: float
    first_layer: tuple[int, str] | None
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]

    @property
    def findings(self) -> str:
        """Verdict, evidence and remedies, a line each."""
        start = f" by {self.ratio:.1e} in all, from layer {self.first_layer[1]} on" if self.first_layer else ""
        remedies = (f"try {i}: {remedy}" for i, remedy in enumerate(self.remedies, start=1))
        return "\n  ".join((self.verdict + start, *self.evidence, *remedies))

    @np.errstate(all="ignore")
    def __str__(self) -> str:
        wide = max(map(len, ("layer", *self.names)))
        factors = [*(f"{factor:10.3g}" for factor in self.rms[:-1] / self.rms[1:]), " " * 10]
        columns = zip(self.names, self.rms, factors, log_bars(self.rms, max(10, 55 - wide)), strict=True)
        rows = [f"{name:{wide}} {size:11.2e} {factor}  {bar}".rstrip() for name, size, factor, bar in columns]
        return "\n".join([f"{'layer':{wide}} {'rms':>11} {'factor':>10}", *rows, self.findings])


@np.errstate(all="ignore")
def diagnose(gradients: Any, *, signals: Any = None, kind: str = "signal") -> Diagnosis:
    """What the gradients of a network's layers say, whichever framework computed them.

    Each layer counts by the rms of its array, because a norm grows with the number of entries: a wide layer would
    look like an exploding one. Only ratios count: another scale of the loss changes `rms` and nothing else.
    The verdict is that of `verdict`; a signal that is infinite makes it 'exploding', one that is NaN 'undefined'.

    What shrinks is the signal gradient, the one with respect to the layers' outputs (or to their preactivations; all
    of one kind): in PyTorch what `register_full_backward_hook` is given. The weight gradient is its product with
    the layer's input: where the signal grows as much as its gradient shrinks, all layers have alike weight gradients
    (Glorot & Bengio 2010, fig. 8). Whoever gives those says `kind="weight"`, and is reminded.

    Factor and interval are those of the least-squares line through log rms against l, with Student's t for two
    degrees of freedom less than layers (its quantile from a fitted polynomial, to 1.5e-6). The interval takes the
    scatter about the line for independent. In one random network it adds up from layer to layer, so that another
    seed can well give a factor outside.

    `first_layer` is where it starts. If a signal is not finite, it is the first such layer from the input. Else it
    is, going back from the output, the first layer whose gradient is less than 1/100 of the last layer's
    ('vanishing'), more than 100 times that or not finite ('exploding'), NaN or, as the last layer's, 0 ('undefined').

    No remedy, and so never named: clipping, a larger learning rate or a scaled loss for a gradient that vanishes.
    The first never enlarges, the others keep the ratio.

    Args:
        gradients: name -> array, or a sequence of arrays, or of one norm (a plain number comparable between layers)
            instead of an array for each layer; input side first, anything that `np.asarray` takes.
        signals: the same for the layers' outputs h_l, batch first. They tell small weights from flat slopes, and show
            units that are 0 on the whole batch.
        kind: 'signal' for gradients with respect to outputs or preactivations, 'weight' for those of weights.

    Raises:
        TypeError: for what holds no numbers, and for arrays and numbers mixed.
        ValueError: for what is ragged, complex, a negative norm, an unknown kind, signals of another length.
            NaN and infinity are findings, no errors.

    Examples:
        >>> diagnose({"first": 1e-6, "middle": 1e-4, "last": 1e-2}).first_layer
        (1, 'first')
        >>> print(f"{diagnose([np.full((8, 4), 0.5**-l) for l in range(10)]).factor:.3f}")
        0.500
    """
    caveat, (names, arrays, sizes) = choice(kind, "kind", _KINDS), _layers(gradients, "gradients")
    _, outputs, forward = _layers([1.0] * len(names) if signals is None else signals, "signals")
    if len(forward) != len(names):
        raise ValueError(f"signals has {len(forward)} layers; {len(names)}, as many as gradients, are expected")
    broken, last = ~np.isfinite(forward), sizes[-1]
    what = "exploding" if np.isinf(forward).any() else "undefined" if broken.any() else verdict(sizes)
    concerned = {
        "vanishing": sizes < VANISHING * last, "exploding": (sizes / EXPLODING > last) | ~np.isfinite(sizes),
        "undefined": np.isnan(sizes) | (sizes == 0) & (last == 0), "steady": broken,
    }  # fmt: skip
    l = np.flatnonzero(broken)[:1] if broken.any() else np.flatnonzero(concerned[what])[-1:]
    dead = tuple(_dead(names, outputs)) or tuple(_dead(names, arrays if kind == "signal" else ()))
    # A signal that shrinks with its gradient speaks for small weights, one that stays for flat slopes.
    flat = signals is not None and verdict(forward) == "steady"
    base = sorted(_REMEDIES[what] if len(l) else (), key=lambda line: flat and not line.startswith("Activations"))
    overflow, revive = _REMEDIES["overflow"] * bool(np.isinf([sizes, forward]).any()), _REMEDIES["dead"] * bool(dead)
    passed = _course(names, forward, "signal", "forward") if signals is not None else ()
    evidence = (*_course(names, sizes, "gradient", "back"), *passed, *dead, *caveat)
    first_layer = (int(l[0]) + 1, names[l[0]]) if len(l) else None
    ratio = float(sizes[0] / last)
    return Diagnosis(names, sizes, what, *growth(sizes), ratio, first_layer, evidence, (*overflow, *base, *revive))


def _layers(given: Any, name: str) -> tuple[tuple[str, ...], tuple[Array, ...], Array]:
    """Names, arrays, and their rms: infinite if an entry is, else NaN if an entry is."""
    try:
        keys, values = zip(*(given.items() if isinstance(given, Mapping) else enumerate(given, start=1)), strict=True)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {given!r}; an array or a number for each layer is expected") from None
    arrays, sizes = zip(*map(_read, values, [f"{name} of layer {key!r}" for key in keys]), strict=True)
    if len({array.ndim == 0 for array in arrays}) > 1:
        raise TypeError(f"{name} mixes arrays and numbers; one of the two for all layers is expected")
    return tuple(map(str, keys)), arrays, np.array(sizes)


def _read(value: Any, name: str) -> tuple[Array, float]:
    try:
        array = floats(value, name)
        size = rms(array)
    except NotFinite:
        array = np.asarray(value)
        size = math.inf if np.isinf(array).any() else math.nan
    if array.dtype.kind == "c" or array.ndim == 0 and array < 0:
        raise ValueError(f"{name} holds {array.flat[0]}; real numbers, and for a norm at least 0, are expected")
    return array, size


def _dead(names: Iterable[str], arrays: Iterable[Array]) -> Iterator[str]:
    for name, array in zip(names, arrays):
        if array.ndim > 1 and len(array) >= BATCH and (dead := np.mean(~array.any(axis=0))) > DEAD:
            yield f"{dead:.0%} of the units of {name} are 0 on the whole batch"


def _course(names: tuple[str, ...], sizes: Array, what: str, way: str) -> Iterator[str]:
    """What stands out in the rms of the layers' gradients or signals."""
    factor, (low, high) = growth(sizes if way == "back" else sizes[::-1])
    if math.isfinite(factor):
        yield f"the {what} changes by {factor:.3g} per layer going {way} (95 % interval {low:.3g} to {high:.3g})"
    for kind, there in (("0", sizes == 0), ("infinite", np.isinf(sizes)), ("NaN", np.isnan(sizes))):
        if there.any():
            yield f"the {what} is {kind} at {there.sum()} of {len(names)} layers"


@np.errstate(all="ignore")
def log_bars(sizes: Array, width: int) -> list[str]:
    """For each size a bar, on a log scale from the smallest to the largest or over two decades; none for 0 and NaN.

    Of at most `width` characters: blocks, or number signs where the standard output may not print blocks.
    """
    block = "\N{FULL BLOCK}" if "utf" in (getattr(sys.stdout, "encoding", None) or "utf").lower() else "#"
    logs = np.log(sizes)
    seen = logs[np.isfinite(logs)]
    top, bottom = seen.max(initial=-math.inf), seen.min(initial=math.inf)
    lengths = 1 + (width - 1) * np.clip(1 - (top - logs) / max(top - bottom, -math.log(VANISHING)), 0, 1)
    return [block * round(length) if size > 0 else "" for length, size in zip(lengths, sizes, strict=True)]
