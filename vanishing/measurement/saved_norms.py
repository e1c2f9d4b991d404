"""Norms that a training run saved, by the names of the layers, in JSON or CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("layer", "name", "module", "parameter")
"""Headings of a column of layers' names, which may be numbers."""
LABELS = ("step", "epoch", "iteration", "pass", "batch")
"""Names that number a look and are no layer."""


@dataclass(frozen=True)
class Look:
    """One look at all layers.

    Attributes:
        label: such as "step 100"; "" if it has none.
        gradients: name -> norm, None for a layer without a gradient; input side first.
        signals: name -> size of the output; None if there are none.
    """

    label: str
    gradients: Mapping[str, float | None]
    signals: Mapping[str, float] | None = None


def saved_norms(text: str) -> tuple[Look, ...]:
    """The looks that a file holds.

    JSON holds one look or a list or lines of several: an object of names and norms, in which "step"
    or "epoch" numbers the look, or `{"gradients": ..., "signals": ...}` with such objects; or a
    list of norms. CSV has a line `name, norm` or `name, norm, size of the signal` for each layer;
    or a heading of names and a line of norms for each look. Empty, null and None stand for no
    gradient.

    Args:
        text: of the file.

    Raises:
        ValueError: names the line, what stands there and what is expected.

    Examples:
        >>> saved_norms("layer,norm\\nfc1,1e-7\\nfc2,0.5")[0].gradients
        {'fc1': 1e-07, 'fc2': 0.5}
        >>> saved_norms('{"step": 3, "fc1": 1e-7, "fc2": 0.5}')[0].label
        'step 3'
    """
    looks = tuple(_json_looks(text) if text.lstrip()[:1] in ("{", "[") else _csv_looks(text))
    if not looks:
        raise ValueError("there is no line with a norm; names and numbers are expected")
    return looks


def _json_looks(text: str) -> Iterator[Look]:
    try:
        values = [json.loads(text)]
    except json.JSONDecodeError as whole:
        lines = [(i, line) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]
        try:
            values = [json.loads(line) for _, line in lines]
        except json.JSONDecodeError:
            raise ValueError(f"line {whole.lineno}: {whole.msg}; JSON is expected") from None
    if len(values) == 1 and isinstance(values[0], list) and _are(values[0], Mapping):
        values = values[0]
    for value in values:
        yield _json_look(value)


def _json_look(value: Any) -> Look:
    if isinstance(value, list):
        pairs = value if _are(value, list) else enumerate(value, start=1)
        try:
            value = {str(name): norm for name, norm in pairs}
        except ValueError:
            raise ValueError(f"{value!r} holds no pairs of a name and a norm") from None
    if not isinstance(value, Mapping):
        raise ValueError(f"{value!r} is no look; an object of names and norms is expected")
    label = _label(value)
    inner = value.get("gradients")
    if isinstance(inner, (Mapping, list)):
        signals = value.get("signals")
        return Look(
            label,
            _json_look(inner).gradients,
            None if signals is None else _known(_json_look(signals).gradients),
        )
    named = {name: norm for name, norm in value.items() if name.lower() not in LABELS}
    return Look(label, {name: _norm(norm, f"of {name!r}") for name, norm in named.items()})


def _csv_looks(text: str) -> Iterator[Look]:
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    rows = [
        (reader.line_num, [cell.strip() for cell in row])
        for row in reader
        if any(map(str.strip, row))
    ]
    if not rows:
        return
    heading = rows[0][1]
    has_heading = not any(map(_is_number, heading))
    body = rows[1:] if has_heading else rows
    by_look = has_heading and heading[0].lower() not in NAMES
    if by_look and all(_is_number(cell) for _, row in body for cell in row):
        for line, row in body:
            if len(row) != len(heading):
                wanted = f"{len(heading)}, as in the heading, are expected"
                raise ValueError(f"line {line} has {len(row)} columns; {wanted}")
            named = dict(zip(heading, row, strict=True))
            layers = {name: cell for name, cell in named.items() if name.lower() not in LABELS}
            yield Look(
                _label(named), {name: _norm(cell, f"line {line}") for name, cell in layers.items()}
            )
        return
    for line, row in body:
        if len(row) not in (2, 3):
            wanted = "a name, a norm and perhaps the size of the signal are expected"
            raise ValueError(f"line {line} has {len(row)} columns; {wanted}")
    if not body:
        return
    gradients = {row[0]: _norm(row[1], f"line {line}") for line, row in body}
    signals = {row[0]: _norm(row[2], f"line {line}") for line, row in body if len(row) == 3}
    if len(gradients) < len(body):
        raise ValueError("two lines have the same name; one line for each layer is expected")
    yield Look("", gradients, _known(signals) if len(signals) == len(gradients) else None)


def _label(named: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {named[name]}" for name in named if name.lower() in LABELS)


def _are(values: Sequence[Any], kind: Any) -> bool:
    return bool(values) and all(isinstance(value, kind) for value in values)


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return cell.lower() in ("none", "null")
    return True


def _norm(value: Any, where: str) -> float | None:
    if value is None or isinstance(value, str) and value.lower() in ("", "none", "null"):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -math.inf
    if number < 0 or isinstance(value, bool):
        raise ValueError(f"{where}: {value!r} is no norm; a number of at least 0 is expected")
    return number


def _known(sizes: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if size is None else size for name, size in sizes.items()}
