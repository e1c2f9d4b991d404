"""Which situation a network is in, from one reading per layer, and where it begins."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from vanishing._validation import Array
from vanishing.measurement.advice import advice
from vanishing.measurement.readings import Reading
from vanishing.measurement.verdicts import (
    EXPLODING,
    VANISHING,
    apart,
    geometric_factor,
    verdict,
)

DEAD = 0.75
"""Dead units are evidence above this part of a layer: where inputs look alike, half are off."""
KEPT = 0.1
"""A signal keeps its size if its log changes by less than this part of the gradient's."""
SINGLE = 2 / 3
"""A change is one step if one layer makes more than this part of it, on a log scale."""
NO_STEP, TINY, HUGE = 1e-10, 1e-6, 1.0
"""Where all steps are shorter, relative to the weights, no learning rate makes up for it; they are
short; and where one is longer, it is long."""
LARGE = 10
"""A first output with more than this rms, of which less than a tenth is left in the next layer,
comes from large inputs to a bounded activation."""
ALIKE = 0.1
"""Evidence is a smaller part of the last hidden output that differs between the samples."""
SHOWN = 3
"""So many dead layers are named one by one."""
FAINT = 1e-12
"""Evidence, where no length of a step is known, if every gradient is smaller."""


class Case:
    """What the readings of a network's layers say together.

    Attributes:
        readings: one per layer, or time step, input side first.
        over: 'layers' or 'time'.
        arrived: the positions of the readings with a gradient.
        sizes: of these gradients.
        situation: what is to be treated, a name that `advice` knows; None if nothing is.
        where: the position of the reading where it begins; None if it is nowhere in particular.
    """

    def __init__(self, readings: Sequence[Reading], over: str = "layers", losses: int = 0) -> None:
        self.readings = tuple(readings)
        self.over = over
        self._losses = losses
        self.arrived = [i for i, r in enumerate(self.readings) if r.gradient is not None]
        self.sizes = np.array([self.readings[i].gradient for i in self.arrived], np.float64)
        main, self.where = self._main_situation()
        rest = [name for name in self._further() if name != main]
        self._situations = [main, *rest] if main else rest
        self.situation = self._situations[0] if self._situations else None

    @cached_property
    def signals(self) -> Array:
        """rms of the outputs of the layers with a gradient; NaN where it is unknown."""
        found = (self.readings[i].signal for i in self.arrived)
        return np.array([math.nan if size is None else size for size in found], np.float64)

    @cached_property
    def verdict(self) -> str:
        if self.situation in ("several losses", "reversed"):
            return "undefined"
        return self._plain_verdict

    @cached_property
    def _plain_verdict(self) -> str:
        known = [r.signal for r in self.readings if r.signal is not None]
        if np.isinf([*known, *self.sizes]).any():
            return "exploding"
        if np.isnan(known).any() or not self.arrived:
            return "undefined"
        return verdict(self.sizes)

    @property
    def factor(self) -> float:
        """The geometric factor per layer going back."""
        return geometric_factor(self.sizes)

    @property
    def ratio(self) -> float:
        """The first gradient over the last one."""
        with np.errstate(all="ignore"):
            return float(self.sizes[0] / self.sizes[-1]) if self.arrived else math.nan

    def _main_situation(self) -> tuple[str | None, int | None]:
        """The situation that explains the verdict, and the position where it begins."""
        if self._losses:
            return "several losses", None
        broken = self._broken()
        if broken:
            return broken
        what = self._plain_verdict
        if not self.sizes.any():
            return ("silent" if self.arrived else None), None
        if what in ("vanishing", "exploding", "blocked") and self._counts_down():
            return "reversed", None
        if what in ("vanishing", "blocked") and self._has_large_inputs():
            return "large inputs", self.arrived[0]
        if what == "blocked":
            return self._blocked()
        if what in ("vanishing", "exploding"):
            return self._changing(what)
        if what == "uneven":
            return "uneven", self.arrived[self._farthest()]
        return None, None

    def _broken(self) -> tuple[str, int] | None:
        """The first layer whose signal is not finite, else the last whose gradient is not."""
        signals = [math.nan if r.signal is None else r.signal for r in self.readings]
        for i, reading in enumerate(self.readings):
            if reading.signal is not None and not math.isfinite(reading.signal):
                return ("overflow" if np.isinf(signals).any() else "nan"), i
        for name, broken in (("overflow", np.isinf), ("nan", np.isnan)):
            found = np.flatnonzero(broken(self.sizes))
            if found.size:
                return name, self.arrived[found[-1]]
        return None

    def _counts_down(self) -> bool:
        """Whether the numbers in the names fall from each layer to the next."""
        names = (re.findall(r"\d+", reading.name) for reading in self.readings)
        numbers = [tuple(map(int, name)) for name in names if name]
        return len(numbers) > 2 and all(a > b for a, b in pairwise(numbers))

    def _has_large_inputs(self) -> bool:
        """Whether the first output is large, and the second, behind a bounded activation, not."""
        known = len(self.signals) > 1 and self.over == "layers"
        off = any(reading.dead == 1 for reading in self.readings)
        return known and not off and bool(self.signals[0] > LARGE * max(1, self.signals[1]))

    def _blocked(self) -> tuple[str, int]:
        """Why the first layers get exactly 0, and which layer it is that stops the gradient."""
        last_zero = int(np.flatnonzero(self.sizes)[0]) - 1
        silent, loud = self.arrived[last_zero], self.arrived[last_zero + 1]
        above = self.readings[loud]
        if above.subnormal:
            return "underflow", silent
        # What follows a dead layer gets the same input for every sample, and may be off, too.
        for i in self.arrived[: last_zero + 2]:
            if self.readings[i].dead == 1 and not self._starts_at_zero(i):
                return "dead", i
        return ("zero weights", loud) if self._starts_at_zero(loud) else ("blocked", silent)

    def _starts_at_zero(self, i: int) -> bool:
        """Whether the weights are 0: known, or seen by an output that ignores its input."""
        reading = self.readings[i]
        if reading.zero_weights is not None or not reading.constant:
            return bool(reading.zero_weights)
        return reading.signal != 0 or i == len(self.readings) - 1

    def _changing(self, what: str) -> tuple[str, int]:
        step = self._single_step()
        if step is not None:
            return "one step", self.arrived[step]
        last = self.sizes[np.flatnonzero(self.sizes)[-1]]
        beyond = self.sizes < VANISHING * last
        if what == "exploding":
            beyond = self.sizes / EXPLODING > last
        where = self.arrived[int(np.flatnonzero(beyond)[-1])]
        if self.over == "time":
            return f"{what} over time", where
        known = bool(np.isfinite(self.signals).all())
        kept = known and self._keeps_its_signal()
        if what == "exploding":
            return ("growing gradient" if kept else "large weights" if known else what), where
        return ("flat slopes" if kept else "small weights" if known else what), where

    def _keeps_its_signal(self) -> bool:
        """Whether the signal changes little, on a log scale, while the gradient changes much."""
        forward, back = geometric_factor(self.signals), self.factor
        return abs(math.log(forward)) < KEPT * abs(math.log(back))

    def _single_step(self) -> int | None:
        """The position among `arrived` before the one step that makes most of the change."""
        reached = np.flatnonzero(self.sizes)
        logs = np.log(self.sizes[reached])
        changes = logs[:-1] - logs[1:]
        total = changes.sum()
        if len(changes) < 2:
            return None
        i = int(np.argmax(changes * np.sign(total)))
        rest = abs(total - changes[i])
        alone = changes[i] / total > SINGLE and rest < math.log(EXPLODING)
        return int(reached[i]) if alone else None

    def _farthest(self) -> int:
        """The position among `arrived` of the gradient that is farthest from both ends."""
        reached = np.flatnonzero(self.sizes)
        logs = np.log(self.sizes[reached])
        small, large = sorted((logs[0], logs[-1]))
        return int(reached[np.argmax(np.maximum(small - logs, logs - large))])

    def _further(self) -> Iterator[str]:
        """Situations beside the main one."""
        if self._losses or not self.sizes.any():
            return
        if any(reading.subnormal for reading in self.readings):
            yield "underflow"
        if self._dead():
            yield "dead"
        steps = self._steps()
        if steps.size and steps.max() < TINY:
            yield "flat output" if steps.max() < NO_STEP else "tiny steps"
        if steps.size and steps.max() > HUGE:
            yield "huge steps"

    def _dead(self) -> list[int]:
        """The layers most of whose units are off, other than those whose weights are 0."""
        return [
            i
            for i, reading in enumerate(self.readings)
            if (reading.dead or 0) > DEAD and not self._starts_at_zero(i)
        ]

    def _steps(self) -> Array:
        return np.array([r.step for r in self.readings if r.step is not None])

    def remedies(self) -> tuple[str, ...]:
        """What is worth trying, from `advice`."""
        at = self.where
        after = [i for i in self.arrived if at is not None and i > at]
        return advice(
            self._situations,
            name=None if at is None else self.called(at),
            above=self.called(after[0]) if after else None,
            signal=self.readings[self.arrived[0]].signal if self.arrived else None,
            inverse=1 / self.factor if self.factor > 0 else math.nan,
            count=len(self.readings),
            bias=math.log(max(len(self.readings), 2)),
        )

    def called(self, i: int) -> str:
        """The name of a layer as a sentence has it; of a number it says that it is a layer's."""
        name = self.readings[i].name
        return f"layer {name}" if name.isdecimal() and self.over == "layers" else repr(name)

    def evidence(self) -> tuple[str, ...]:
        """Sentences with numbers."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        unit = "layer" if self.over == "layers" else "step"
        if self._losses:
            yield f"the loss looks at more steps than the last one, at {self._losses} before it"
        if self.situation == "reversed":
            yield "the numbers in the names count down, as if the output side came first"
        yield from _course(self.sizes, "gradient", f"{unit} going back", unit)
        yield from self._missing(unit)
        if np.isfinite(self.signals).all() or np.isinf(self.signals).any():
            yield from _course(self.signals, "signal", f"{unit} going forward", unit)
        yield from self._special()
        dead = self._dead()
        for i in dead[:SHOWN]:
            share = f"{self.readings[i].dead:.0%}"
            yield f"{share} of the units of {self.called(i)} are off on the whole batch"
        if dead[SHOWN:]:
            yield f"so are more than {DEAD:.0%} of those of {len(dead[SHOWN:])} layers more"
        yield from self._alike()
        steps = self._steps()
        if steps.size:
            span = f"{steps.min():.0e} to {steps.max():.0e}"
            yield f"a step changes the weights by {span} of their size"
        elif 0 < self.sizes.max(initial=0) < FAINT:
            yield (
                f"every gradient is below {FAINT:.0e}, small for a step: "
                "weights and learning_rate tell how small"
            )

    def _alike(self) -> Iterator[str]:
        """How little of the last hidden output, if so little, differs between the samples."""
        known = [i for i, reading in enumerate(self.readings) if reading.spread is not None]
        if len(known) > 1 and 0 < (self.readings[known[-2]].spread or 0) < ALIKE:
            i = known[-2]
            share = f"{self.readings[i].spread:.1%}"
            yield f"only {share} of the output of {self.called(i)} differs between the samples"

    def _missing(self, unit: str) -> Iterator[str]:
        missing = [i for i, reading in enumerate(self.readings) if reading.gradient is None]
        frozen = [self.called(i) for i in missing if self.readings[i].frozen]
        unused = [self.called(i) for i in missing if not self.readings[i].frozen]
        for names, one, many in (
            (frozen, "is frozen", "are frozen"),
            (unused, "gets no gradient", "get no gradient"),
        ):
            if names:
                which = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
                what = one if len(names) == 1 else many
                yield f"{len(names)} of {len(self.readings)} {unit}s {what}: {which}"

    def _special(self) -> Iterator[str]:
        """What explains a situation at one layer."""
        at = self.where
        if self.situation == "one step" and at is not None:
            after = next(i for i in self.arrived if i > at)
            share = self.readings[at].gradient / self.readings[after].gradient  # type: ignore[operator]
            yield f"{self.called(at)} gets {share:.1e} of what {self.called(after)} gets"
        if self.verdict in ("steady", "uneven"):
            yield from self._beside()
        for i, reading in enumerate(self.readings):
            if reading.zero_weights:
                yield f"{self.called(i)} has weights of 0"
            elif i == at and self.situation == "zero weights":
                yield f"{self.called(i)} has the same output for every sample"
        below = [self.called(i) for i, r in enumerate(self.readings) if r.subnormal]
        if below:
            yield (
                f"below the smallest normal number of the format: the gradients of {len(below)} of "
                f"{len(self.readings)} layers, such as {below[-1]}"
            )

    def _beside(self) -> Iterator[str]:
        """The layers that get far less, or far more, than both ends."""
        reached = np.flatnonzero(self.sizes)
        far = reached[apart(self.sizes[reached])]
        if far.size:
            i = self._farthest()
            name = self.called(self.arrived[i])
            share = self.sizes[i] / self.sizes[reached[-1]]
            count = f"{far.size} of {len(self.sizes)} layers"
            yield f"{count} differ from both ends, most {name}: {share:.1e} of the last one's"


def _course(sizes: Array, what: str, way: str, unit: str) -> Iterator[str]:
    """How a size changes on its way, and where it is 0 or not finite."""
    finite = sizes[np.isfinite(sizes) & (sizes > 0)]
    if len(finite) > 1:
        back = geometric_factor(sizes)
        yield f"the {what} changes by {back if what == 'gradient' else 1 / back:.3g} per {way}"
    kinds = ("0", sizes == 0), ("NaN", np.isnan(sizes)), ("infinite", np.isinf(sizes))
    for word, found in kinds:
        if found.any():
            yield f"the {what} is {word} at {found.sum()} of {len(sizes)} {unit}s"
