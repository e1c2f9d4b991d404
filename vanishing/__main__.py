"""Draw a dense network, run it forward and backward once, and print for each layer l the
rms of the signal h_l and of its gradient delta_l = dL/dz_l, the norm of the weight
gradient, the fractions of saturated entries and dead units, and a bar: delta_l on a
log scale. Below: the verdict, the factor per layer, and what is worth trying.

All layers, input and output included, have one width. Inputs and targets are drawn
from N(0, 1), the loss is the mean squared error, the pass is one of training."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from textwrap import wrap
from typing import Any, TypeVar

import numpy as np

import vanishing as vn
from vanishing.activations import ACTIVATIONS
from vanishing.diagnosis import log_bars
from vanishing.initializers import INITIALIZERS, Draw
from vanishing.layers import EVALUATION
from vanishing.normalization import NORMALIZATIONS
from vanishing.validation import Array, choice, size

T = TypeVar("T")
EXAMPLE = "example: python -m vanishing --depth 50 --activation relu --initializer he_normal"
# Option -> default, meaning, known names.
OPTIONS: dict[str, tuple[Any, str, Iterable[str]]] = {
    "depth": (20, "layers", ()),
    "width": (64, "units per layer", ()),
    "activation": ("sigmoid", "after every layer but the last", ACTIVATIONS),
    "initializer": ("xavier_normal", "draws the weights", INITIALIZERS),
    "normalization": ("none", "before every activation", ("none", *NORMALIZATIONS)),
    "residual": ("none", "skips around all layers but the first and the last", ("none", "pre", "post")),
    "branch-scale": (1.0, "of the residual branches", ()),
    "batch": (32, "samples", ()),
    "dtype": ("float64", "number format", ("float64", "float32", "float16")),
    "seed": (0, "of inputs, targets and weights", ()),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0, or what shells expect after Ctrl-C and a closed pipe; wrong arguments exit with 2."""
    parser = _parser()
    settings = vars(parser.parse_args(argv))
    tell = _json if settings.pop("json") else _table
    try:
        print(tell(settings, run(**settings)), flush=True)
    except (MemoryError, TypeError, ValueError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Python flushes once more at exit, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return 0


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m vanishing", None, __doc__, EXAMPLE, formatter_class=raw)
    for name, (default, meaning, known) in OPTIONS.items():
        text = f"{meaning}{': ' * bool(known)}{', '.join(known)} (default: {default})"
        metavar = "NAME" if known else "N"
        parser.add_argument(f"--{name}", type=type(default), default=default, help=text, metavar=metavar)
    parser.add_argument("--json", action="store_true", help="print JSON, with null for what is not finite")
    parser.add_argument("--version", action="version", version=vn.__version__)
    return parser


def run(*, depth: int, width: int, batch: int, dtype: str, seed: int, **names: Any) -> vn.Measurements:
    """The measurements of one experiment; a long one tells its progress on a terminal."""
    widths, batch = [size(width, "width")] * (size(depth, "depth") + 1), size(batch, "batch")
    rng = np.random.default_rng(size(seed, "seed", least=0))
    choice(dtype, "dtype", dict.fromkeys(OPTIONS["dtype"][2]))
    names = {name: None if value == "none" else value for name, value in names.items()}
    x, target = rng.standard_normal((2, batch, width)).astype(dtype)
    rule = vn.initializer(names.pop("initializer"))
    rule = replace(rule, draw_weight=partial(_draw, rule.draw_weight, told("drawing", range(depth), depth)))
    network = Told(vn.dense_network(widths, initializer=rule, rng=rng, dtype=dtype, **names).layers)
    return vn.measure(network, x, target, loss=vn.mean_squared_error, mode=vn.Mode(training=True, rng=rng))


def told(phase: str, steps: Iterable[T], total: int) -> Iterator[T]:
    """The steps; from half a second on a line on the terminal says how many are done, and in the end it goes."""
    due = time.monotonic() + 0.5 if sys.stderr.isatty() else math.inf
    try:
        for done, step in enumerate(steps, start=1):
            if time.monotonic() > due:
                due = time.monotonic() + 0.1
                print(f"\r{phase}: {done} of {total} ", end="", file=sys.stderr, flush=True)
            yield step
    finally:
        if sys.stderr.isatty():
            print(f"\r{'':40}\r", end="", file=sys.stderr, flush=True)


def _draw(draw: Draw, steps: Iterator[int], *arguments: Any) -> Array:
    next(steps)
    return draw(*arguments)


class Told(vn.Network):
    """A network whose passes are told."""

    def forward_steps(self, x: Array, mode: vn.Mode = EVALUATION) -> Iterator[tuple[Array, Any]]:
        return told("forward", super().forward_steps(x, mode), len(self.layers))

    def backward_steps(self, memories: Sequence[Any], d_output: Array) -> Iterator[tuple[Array, Array, Any]]:
        return told("backward", super().backward_steps(memories, d_output), len(self.layers))


def _diagnose(measured: vn.Measurements) -> vn.Diagnosis:
    # The input is finite, so that a preactivation which is not has overflowed.
    finite = np.isfinite(measured.preactivation_rms)
    return vn.diagnose(measured.delta_rms, signals=np.where(finite, measured.signal_rms, math.inf))


def _table(settings: dict[str, Any], measured: vn.Measurements) -> str:
    header, *rows, _ = str(measured).splitlines()
    columns = max(len(header) + 3, shutil.get_terminal_size().columns)
    bars = log_bars(measured.delta_rms, columns - len(header) - 2)
    table = [f"{row}  {bar}".rstrip() for row, bar in zip(rows, bars, strict=True)]
    findings = (wrap(line, columns, subsequent_indent=" " * 4) for line in _diagnose(measured).findings.splitlines())
    return "\n".join([header, *table, *chain(*findings)])


def _json(settings: dict[str, Any], measured: vn.Measurements) -> str:
    record = {"version": vn.__version__, "settings": settings, "layers": vars(measured)}
    text = json.dumps({**record, "diagnosis": vars(_diagnose(measured))}, default=np.ndarray.tolist)
    return json.dumps(json.loads(text, parse_constant=lambda _: None))


if __name__ == "__main__":
    sys.exit(main())
