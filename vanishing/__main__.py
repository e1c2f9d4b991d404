"""Draw a dense network, run it forward and backward once, and print for each layer l the
rms of the signal h_l, the norms of the gradients delta_l = dL/dz_l (per sample) and
dL/dW_l, the fractions of saturated entries and dead units, and a bar: |delta_l| on a
log scale. Below: the verdict, the factor per layer, and what is worth trying.

All layers, input and output included, have one width. Inputs and targets are drawn
from N(0, 1), the loss is the mean squared error, the pass is one of training.

With --norms no network is drawn: the file holds norms that a training run saved, by
the names of its layers, input side first, as JSON, CSV or .npz, or it is a log with the
table that vanishing.watch prints; the options of the network do not count."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np

import vanishing as vn
from vanishing._validation import choice, size
from vanishing.measurement.reports import report
from vanishing.measurement.text_bars import log_bars
from vanishing.nn.activations import ACTIVATIONS
from vanishing.nn.initializers import INITIALIZERS
from vanishing.nn.normalization import NORMALIZATIONS

EXAMPLE = "example: python -m vanishing --depth 50 --activation relu --initializer he_normal"
# Option -> default, meaning, known names.
OPTIONS: dict[str, tuple[Any, str, Iterable[str]]] = {
    "depth": (20, "layers", ()),
    "width": (64, "units per layer", ()),
    "activation": ("sigmoid", "after every layer but the last", ACTIVATIONS),
    "initializer": ("xavier_normal", "draws the weights", INITIALIZERS),
    "normalization": ("none", "before every activation", ("none", *NORMALIZATIONS)),
    "residual": (
        "none",
        "skips around all layers but the first and the last",
        ("none", "pre", "post"),
    ),
    "branch-scale": (1.0, "of the residual branches", ()),
    "batch": (32, "samples", ()),
    "dtype": ("float64", "number format", ("float64", "float32", "float16")),
    "seed": (0, "of inputs, targets and weights", ()),
}


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status: 0, or what shells expect after Ctrl-C and a closed pipe; 2 if misused."""
    parser = _parser()
    settings = vars(parser.parse_args(argv))
    say = _json if settings.pop("json") else _table
    file, kind = settings.pop("norms"), settings.pop("kind")
    try:
        if file:
            print(_judged(file, kind, say is _json), flush=True)
        else:
            print(say(settings, run(**settings)), flush=True)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Replaces the closed pipe, which Python would flush once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (MemoryError, OSError, TypeError, ValueError) as error:
        parser.error(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "python -m vanishing", None, __doc__, EXAMPLE, formatter_class=raw
    )
    for name, (default, meaning, known) in OPTIONS.items():
        text = f"{meaning}{': ' * bool(known)}{', '.join(known)} (default: {default})"
        metavar = "NAME" if known else "N"
        parser.add_argument(
            f"--{name}", type=type(default), default=default, help=text, metavar=metavar
        )
    parser.add_argument(
        "--json", action="store_true", help="print JSON, with null for what is not finite"
    )
    parser.add_argument(
        "--norms", metavar="FILE", help="judge the norms in this file instead; - reads from stdin"
    )
    parser.add_argument(
        "--kind",
        choices=("signal", "weight"),
        default="signal",
        help="of the gradients in the file (default: signal)",
    )
    parser.add_argument("--version", action="version", version=vn.__version__)
    return parser


def run(
    *, depth: int, width: int, batch: int, dtype: str, seed: int, **names: Any
) -> vn.Measurements:
    """The measurements of one experiment."""
    widths = [size(width, "width")] * (size(depth, "depth") + 1)
    rng = np.random.default_rng(size(seed, "seed", least=0))
    choice(dtype, "dtype", dict.fromkeys(OPTIONS["dtype"][2]))
    names = {name: None if value == "none" else value for name, value in names.items()}
    x, target = rng.standard_normal((2, size(batch, "batch"), width)).astype(dtype)
    network = vn.dense_network(widths, rng=rng, dtype=dtype, **names)
    mode = vn.Mode(training=True, rng=rng)
    return vn.measure(network, x, target, loss=vn.mean_squared_error, mode=mode)


def _judged(file: str, kind: str, as_json: bool) -> str:
    """What is to be said of the norms in a file."""
    said = report(sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes(), kind=kind)
    if not as_json:
        return str(said)
    pairs = zip(said.looks, said.diagnoses, strict=True)
    return _dumps([{"label": look.label, **vars(found)} for look, found in pairs])


def _table(settings: dict[str, Any], measured: vn.Measurements) -> str:
    header, *rows, _ = str(measured).splitlines()
    columns = max(len(header) + 3, shutil.get_terminal_size().columns)
    bars = log_bars(measured.delta_norm, columns - len(header) - 2)
    table = [f"{row}  {bar}".rstrip() for row, bar in zip(rows, bars, strict=True)]
    findings = measured.diagnosis.findings.splitlines()
    wrapped = (wrap(line, columns, subsequent_indent=" " * 4) for line in findings)
    return "\n".join([header, *table, *chain(*wrapped)])


def _json(settings: dict[str, Any], measured: vn.Measurements) -> str:
    record = {
        "version": vn.__version__,
        "settings": settings,
        "layers": vars(measured),
        "diagnosis": vars(measured.diagnosis),
    }
    return _dumps(record)


def _dumps(record: Any) -> str:
    """JSON, with null for what is not finite."""
    text = json.dumps(record, default=np.ndarray.tolist)
    return json.dumps(json.loads(text, parse_constant=lambda _: None))


if __name__ == "__main__":
    sys.exit(main())
