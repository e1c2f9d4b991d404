"""What happens to the per-layer gradients of any framework, where it starts, and what to try."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing._validation import Array, NotFinite, choice, floats
from vanishing.measurement.norms import rms
from vanishing.measurement.text_bars import log_bars
from vanishing.measurement.verdicts import EXPLODING, VANISHING, geometric_factor, verdict

DEAD = 0.5
"""Dead units are evidence above this part of a layer: where inputs look alike, half are off."""
BATCH = 8
"""The least batch for evidence on dead units: one that is on half of the time is off on 8 of 8
samples once in 256 times."""

# In the order worth trying; each begins with the title of the chapter that treats it.
_REMEDIES = {
    "vanishing": (
        "Initialization: He for ReLU, Xavier for tanh, or orthogonal",
        "Activations: ReLU or tanh, not sigmoid",
        "Residual connections: an identity path past every block",
        "Normalization: batch normalization",
        "Recurrence: an LSTM with forget-gate bias 1, or a GRU, if the layers are time steps",
    ),
    "exploding": (
        "Initialization: smaller weights, or orthogonal",
        "Normalization: layer normalization, not batch without skips",
        "Residual connections: branches that start at 0, or scaled by 1/sqrt(depth), "
        "if there are any",
        "Clipping: by global norm, which bounds the step and keeps the ratio between layers",
    ),
    "undefined": ("Diagnose your own network: what enters the first layer that is 0 or NaN",),
    "overflow": (
        "Number formats: a smaller loss scale or a wider format, until all numbers are finite",
    ),
    "dead": (
        "Activations: a slope that is nowhere 0, as of leaky ReLU, and a lower learning rate",
    ),
}
_CAVEATS = {
    "signal": (),
    "weight": ("weight gradients can be alike in all layers while the signal gradient shrinks",),
}


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What `diagnose` found; printed, a table with a bar per layer, and the findings.

    Attributes:
        names: of the layers, input side first.
        rms: one number per layer, in the unit of what was given.
        verdict: 'vanishing', 'exploding', 'steady' or 'undefined'.
        factor: the geometric factor on the rms per layer going back, dimensionless; NaN if less
            than two layers have an rms with a finite logarithm.
        ratio: rms of the first layer over that of the last.
        first_layer: l, counted from 1, and name of the layer where the trouble starts, as
            `diagnose` defines it.
        evidence: sentences with numbers.
        remedies: what is worth trying, in this order; each begins with the title of the chapter
            that treats it.
    """

    names: tuple[str, ...]
    rms: Array
    verdict: str
    factor: float
    ratio: float
    first_layer: tuple[int, str] | None
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]

    @property
    def findings(self) -> str:
        """Verdict, evidence and remedies, a line each."""
        start = ""
        if self.first_layer:
            start = f" by {self.ratio:.1e} in all, from layer {self.first_layer[1]} on"
        remedies = (f"try {i}: {remedy}" for i, remedy in enumerate(self.remedies, start=1))
        return "\n  ".join((self.verdict + start, *self.evidence, *remedies))

    @np.errstate(all="ignore")
    def __str__(self) -> str:
        wide = max(map(len, ("layer", *self.names)))
        factors = [f"{factor:10.3g}" for factor in self.rms[:-1] / self.rms[1:]]
        bars = log_bars(self.rms, max(10, 55 - wide))
        columns = zip(self.names, self.rms, [*factors, " " * 10], bars, strict=True)
        rows = [
            f"{name:{wide}} {size:11.2e} {factor}  {bar}".rstrip()
            for name, size, factor, bar in columns
        ]
        header = f"{'layer':{wide}} {'rms':>11} {'factor':>10}"
        return "\n".join([header, *rows, self.findings])


@np.errstate(all="ignore")
def diagnose(gradients: Any, *, signals: Any = None, kind: str = "signal") -> Diagnosis:
    """What the gradients of a network's layers say, whichever framework computed them.

    Each layer counts by the rms of its array, because a norm grows with the number of entries: a
    wide layer would look like an exploding one. Multiplying the loss by a constant changes `rms`
    alone, since ratios decide. The verdict is that of `verdict`.

    What shrinks is the signal gradient, the one with respect to the layers' outputs (or to their
    preactivations; all of one kind): in PyTorch what `register_full_backward_hook` is given. The
    weight gradient is its product with the layer's input: where the signal grows as much as its
    gradient shrinks, all layers have alike weight gradients (Glorot & Bengio 2010, fig. 8). Whoever
    gives weight gradients says `kind="weight"`, and is reminded of that.

    The factor is that of the least-squares line through log rms against l.

    `first_layer` is where the trouble starts. If a signal is not finite, it is the first such layer
    from the input. Else it is, going back from the output, the first layer whose gradient is less
    than 1/100 of the last layer's ('vanishing'), more than 100 times that or not finite
    ('exploding'), NaN or, as the last layer's, 0 ('undefined').

    Three things are no remedy for a gradient that vanishes, and so are never named: clipping, which
    never enlarges, and a larger learning rate and a scaled loss, which keep the ratio.

    Args:
        gradients: name -> array, or a sequence of arrays, or of one norm (a plain number comparable
            between layers) instead of an array for each layer; input side first, anything that
            `np.asarray` takes.
        signals: the same for the layers' outputs h_l, batch first. They tell small weights from
            flat slopes, and show units that are 0 on the whole batch.
        kind: 'signal' for gradients with respect to outputs or preactivations, 'weight' for those
            of weights.

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
    caveat = choice(kind, "kind", _CAVEATS)
    names, arrays, sizes = _layers(gradients, "gradients")
    _, outputs, passed = _layers([1.0] * len(names) if signals is None else signals, "signals")
    what = verdict(sizes, signals=passed)
    l = _first_layer(what, sizes, passed)
    # Units look dead in the signals or, where there are none, in the gradients of the signals.
    dead = tuple(_dead(names, outputs)) or tuple(_dead(names, arrays if kind == "signal" else ()))
    course = _course(sizes, "gradient", "back")
    if signals is not None:
        course += _course(passed, "signal", "forward")
    remedies = _REMEDIES[what] if l is not None else ()
    if signals is not None and verdict(passed) == "steady":
        # A signal that shrinks with its gradient speaks for small weights, one that stays for flat
        # slopes.
        remedies = tuple(sorted(remedies, key=lambda line: not line.startswith("Activations")))
    overflow = _REMEDIES["overflow"] if np.isinf([sizes, passed]).any() else ()
    return Diagnosis(
        names,
        sizes,
        what,
        geometric_factor(sizes),
        float(sizes[0] / sizes[-1]),
        None if l is None else (l + 1, names[l]),
        (*course, *dead, *caveat),
        (*overflow, *remedies, *(_REMEDIES["dead"] if dead else ())),
    )


def _first_layer(what: str, gradients: Array, signals: Array) -> int | None:
    """The position of the layer where the trouble starts, from 0."""
    broken = ~np.isfinite(signals)
    if broken.any():
        return int(np.flatnonzero(broken)[0])
    last = gradients[-1]
    concerned = {
        "vanishing": gradients < VANISHING * last,
        "exploding": (gradients / EXPLODING > last) | ~np.isfinite(gradients),
        "undefined": np.isnan(gradients) | (gradients == 0) & (last == 0),
        "steady": broken,
    }[what]
    return int(np.flatnonzero(concerned)[-1]) if concerned.any() else None


def _layers(given: Any, name: str) -> tuple[tuple[str, ...], tuple[Array, ...], Array]:
    """Names, arrays, and their rms: infinite if an entry is, else NaN if an entry is."""
    try:
        items = given.items() if isinstance(given, Mapping) else enumerate(given, start=1)
        keys, values = zip(*items, strict=True)
    except (TypeError, ValueError):
        wanted = "an array or a number for each layer is expected"
        raise TypeError(f"{name} is {given!r}; {wanted}") from None
    labels = [f"{name} of layer {key!r}" for key in keys]
    arrays, sizes = zip(*map(_read, values, labels), strict=True)
    if len({array.ndim == 0 for array in arrays}) > 1:
        wanted = "one of the two for all layers is expected"
        raise TypeError(f"{name} mixes arrays and numbers; {wanted}")
    return tuple(map(str, keys)), arrays, np.array(sizes)


def _read(value: Any, name: str) -> tuple[Array, float]:
    try:
        array = floats(value, name)
        size = rms(array)
    except NotFinite:
        array = np.asarray(value)
        size = math.inf if np.isinf(array).any() else math.nan
    if array.dtype.kind == "c" or (array.ndim == 0 and array < 0):
        wanted = "real numbers, and for a norm at least 0, are expected"
        raise ValueError(f"{name} holds {array.flat[0]}; {wanted}")
    return array, size


def _dead(names: Iterable[str], arrays: Iterable[Array]) -> Iterator[str]:
    for name, array in zip(names, arrays, strict=False):
        if array.ndim > 1 and len(array) >= BATCH:
            dead = np.mean(~array.any(axis=0))
            if dead > DEAD:
                yield f"{dead:.0%} of the units of {name} are 0 on the whole batch"


def _course(sizes: Array, what: str, way: str) -> list[str]:
    """What stands out in the rms of the layers' gradients or signals."""
    found = []
    factor = geometric_factor(sizes if way == "back" else sizes[::-1])
    if math.isfinite(factor):
        found.append(f"the {what} changes by {factor:.3g} per layer going {way}")
    for kind, there in (("0", sizes == 0), ("infinite", np.isinf(sizes)), ("NaN", np.isnan(sizes))):
        if there.any():
            found.append(f"the {what} is {kind} at {there.sum()} of {len(sizes)} layers")
    return found
