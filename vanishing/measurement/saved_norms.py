"""Norms that a training run saved, by the names of the layers: JSON, CSV, .npz, a printed table."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import reprlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing._validation import Array

NAMES = ("layer", "name", "module", "parameter")
"""Headings of a column of layers' names, which may be numbers."""
LABELS = ("step", "epoch", "iteration", "pass", "batch")
"""Names that number a look and are no layer."""
KINDS = "JSON, CSV, .npz or the table that print(seen) prints"
"""What can be read."""

# Shortens in a message what may be as long as the file.
_SHORT = reprlib.Repr()
_SHORT.maxstring = 60

# The table of a printed `Diagnosis`: a column of names, then columns of fixed width.
_HEADER = re.compile(r"layer {8,}norm {5}factor(?P<step> {6}step)?\s*$")
_NORM, _FACTOR, _STEP = 12, 11, 10
_SIZE = re.compile(r" +(\d\.\d\de[+-]\d+|nan|inf)")
_NO_TABLE = re.compile(
    r"pass \d+: [a-z]+, \S+ per layer, \S+ in all|the gradient changes by \S+ per \w+ going back"
)
_MISSING = re.compile(r"^ *\d+ of \d+ \w+ (gets? no gradient|(is|are) frozen)", re.MULTILINE)
# One of several numbers in a line of a log, each behind its name.
_PAIR = re.compile(
    r"(?P<name>[\w.\[\]/-]{1,200}) ?= ?"
    r"(?P<norm>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf)(?![\w.])",
    re.IGNORECASE,
)
_OTHERS = ("loss", "lr", "learning_rate", "acc", "accuracy", "time")
_JSON = re.compile(r"\s*(\{|\[\s*([][{\"\d-]|null|NaN|Infinity))")
_LABEL = re.compile(rf"\b({'|'.join(LABELS)})\W{{1,2}}(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Look:
    """One look at all layers.

    Attributes:
        label: such as "step 100"; "" if it has none.
        gradients: name -> norm, or gradient array; None for a layer without a gradient; input side
            first.
        signals: name -> size of the output; None if there are none.
        steps: name -> the length of a step over that of the weights, None where it is unknown; None
            if there are none.
        over: 'layers' or 'time', as for `diagnose`.
        losses: over time, the number of steps before the last at which the loss looks.
    """

    label: str
    gradients: Mapping[str, float | Array | None]
    signals: Mapping[str, float] | None = None
    steps: Mapping[str, float | None] | None = None
    over: str = "layers"
    losses: int = 0


def saved_norms(data: str | bytes) -> tuple[Look, ...]:
    """The looks that a file holds, whose kind is told by what it holds.

    JSON holds one look or a list or lines of several: an object of names and norms, in which "step"
    or "epoch" numbers the look, or `{"gradients": ..., "signals": ...}` with such objects; or a
    list of norms. CSV has a line `name, norm` or `name, norm, size of the signal` for each layer;
    or a heading of names and a line of norms for each look. Lines `name norm`, `name: norm` and
    `norm` are read, too, and of a log the lines with several `name=norm`, each a look. Empty, null
    and None stand for no gradient.

    An .npz file holds one array for each layer, in the order in which they were saved: its norm, if
    it is a single number, or its gradient. An array of one axis, alone in its file, holds the norms
    of all layers.

    The table that a `Diagnosis` or a `Watch` prints may stand anywhere in a log, and more than
    once. It has no signals; where the findings below it say by how much the signal changes per
    layer, signals that change by that much stand for them.

    Args:
        data: of the file, or its text.

    Raises:
        ValueError: names the line, what stands there and what is expected.

    Examples:
        >>> saved_norms("layer,norm\\nfc1,1e-7\\nfc2,0.5")[0].gradients
        {'fc1': 1e-07, 'fc2': 0.5}
        >>> saved_norms('{"step": 3, "fc1": 1e-7, "fc2": 0.5}')[0].label
        'step 3'
    """
    if isinstance(data, bytes) and data.startswith((b"PK\3\4", b"PK\5\6")):
        return (_npz_look(data),)
    text = data if isinstance(data, str) else _decoded(data)
    looks = tuple(_printed_looks(text.splitlines()))
    if not looks:
        _refuse_findings(text)
        is_json = _JSON.match(text)
        looks = tuple(_json_looks(text) if is_json else _logged_looks(text) or _csv_looks(text))
    if not looks:
        raise ValueError(f"there is no line with a norm; {KINDS} is expected")
    return looks


def _decoded(data: bytes) -> str:
    """The text of a file in UTF-8, or in what a byte order mark names, as PowerShell writes."""
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" not in text:
        return text
    what = f"bytes that are no text, the first of them {data[:8]!r}"
    if data.startswith(b"\x93NUMPY"):
        what = "one array, as np.save writes it (np.savez writes .npz)"
    elif data.startswith(b"\x80"):
        what = "a pickle, which is code and is not run"
    raise ValueError(f"the file holds {what}; {KINDS} is expected")


def _npz_look(data: bytes) -> Look:
    wanted = "an .npz file, as np.savez writes it, with one array of numbers for each layer"
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.namelist()
            foreign = [member for member in members if not member.endswith(".npy")]
            if foreign or not members:
                what = f"a zip archive with {foreign[0]!r}" if foreign else "no array"
                raise ValueError(f"the file holds {what}; {wanted} is expected")
        # Pickled objects, which are code, are refused.
        with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
            arrays = {name: _array(loaded, name) for name in loaded.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise ValueError(f"the file is damaged ({error}); {wanted} is expected") from None
    if len(arrays) == 1:
        (array,) = arrays.values()
        if array.ndim == 1:
            return _json_look(array.tolist())
    numbers = {name: array.ndim == 0 or array.shape == (1,) for name, array in arrays.items()}
    return Look(
        "",
        {
            name: _norm(array.item(), f"array {name!r}") if numbers[name] else array
            for name, array in arrays.items()
        },
    )


def _array(loaded: Any, name: str) -> Array:
    try:
        array = np.asarray(loaded[name])
    except ValueError as error:
        raise ValueError(f"array {name!r}: {error}; an array of numbers is expected") from None
    if array.dtype.kind not in "fiu":
        wanted = "real numbers are expected"
        raise ValueError(f"array {name!r} has dtype {array.dtype}; {wanted}")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _printed_looks(lines: Sequence[str]) -> Iterator[Look]:
    """One for each table that a `Diagnosis` printed."""
    end = 0
    for start, line in enumerate(lines):
        header = _HEADER.search(line)
        if header and start >= end:
            before = lines[end:start]
            look, end = _printed_look(lines, start, header)
            labels = [match for one in before for match in _LABEL.findall(one)]
            yield Look(" ".join(labels[-1]).lower() if labels else "", **look)


def _printed_look(
    lines: Sequence[str], start: int, header: re.Match[str]
) -> tuple[dict[str, Any], int]:
    """What a look holds beside its label, and the line behind its findings."""
    rows, indent = _table_rows(lines, start, header)
    norms = {name: float(cells[:_NORM]) for name, cells in rows.items()}
    steps = {name: cells[_NORM + _FACTOR :][:_STEP].strip() for name, cells in rows.items()}
    findings, end = _findings(lines, start + 1 + len(rows), indent)
    gradients: dict[str, float | None] = dict(norms)
    if _MISSING.search(findings) and "the gradient is NaN at" not in findings:
        gradients = {name: None if math.isnan(norm) else norm for name, norm in norms.items()}
    losses = re.search(r"than the last one, at (\d+) before it", findings)
    found: dict[str, Any] = {"gradients": gradients, "signals": _signals(findings, list(norms))}
    if header["step"]:
        found["steps"] = {n: None if step == "nan" else float(step) for n, step in steps.items()}
    if losses or "per step going back" in findings:
        found |= {"over": "time", "losses": int(losses[1]) if losses else 0}
    return found, end


def _table_rows(
    lines: Sequence[str], start: int, header: re.Match[str]
) -> tuple[dict[str, str], int]:
    """The cells behind each name below a heading, and where the names begin."""
    wide = header[0].index(" norm") + len(" norm") - _NORM
    # A logger may write the time before each line, or before the first line alone.
    indents = sorted({header.start(), 0}, reverse=True)
    indent, rows = 0, dict[str, str]()
    for number, line in enumerate(lines[start + 1 :], start=start + 2):
        fits = [i for i in indents if _SIZE.fullmatch(line[i + wide :][:_NORM])]
        if not fits:
            break
        indent = fits[0]
        name, cells = line[indent:][:wide].strip(), line[indent + wide :]
        if name in rows:
            wanted = "one row for each layer is expected"
            raise ValueError(f"line {number}: {name!r} stands there again; {wanted}")
        rows[name] = cells
        # The last row has no factor.
        if not cells[_NORM:][:_FACTOR].strip():
            return rows, indent
    what = f"behind {name!r}" if rows else "behind its heading"
    wanted = "all rows, as print(seen) prints them, are expected"
    raise ValueError(f"line {start + 1 + len(rows)}: the table breaks off {what}; {wanted}")


def _findings(lines: Sequence[str], start: int, indent: int) -> tuple[str, int]:
    """What is said below a table: a line, and those behind it that are indented."""
    end = start + 1
    while end < len(lines) and lines[end][indent:].startswith("  "):
        end += 1
    return "\n".join(line[indent:] for line in lines[start:end]), end


def _signals(findings: str, names: Sequence[str]) -> dict[str, float] | None:
    """Signals that change by what the findings say, if they say it and such numbers exist."""
    told = re.search(r"the signal changes by ([\d.e+-]+) per", findings)
    slope = math.log(float(told[1])) if told and float(told[1]) > 0 else math.nan
    if not abs(slope) * len(names) < math.log(np.finfo(np.float64).max):
        return None
    return {name: math.exp(slope * l) for l, name in enumerate(names)}


def _refuse_findings(text: str) -> None:
    """Nothing, or an error that says what to print where a table is missing."""
    for number, line in enumerate(text.splitlines(), start=1):
        if told := _NO_TABLE.search(line):
            raise ValueError(
                f"line {number}: {told[0]!r} holds no norms by layer; print(seen), or with every= "
                "print(seen.history[-1]), prints the table that does"
            )


def _json_looks(text: str) -> Iterator[Look]:
    try:
        values = [json.loads(text)]
    except json.JSONDecodeError as whole:
        lines = [(i, line) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]
        try:
            values = [json.loads(line) for _, line in lines]
        except json.JSONDecodeError:
            raise ValueError(f"line {whole.lineno}: {whole.msg}; JSON is expected") from None
    except RecursionError:
        raise ValueError(
            "the JSON is nested too deeply; an object of names and norms is expected"
        ) from None
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
            raise ValueError(f"{_SHORT.repr(value)} holds no pairs of a name and a norm") from None
    if not isinstance(value, Mapping):
        raise ValueError(
            f"{_SHORT.repr(value)} is no look; an object of names and norms is expected"
        )
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
    if not named:
        raise ValueError(
            f"{_SHORT.repr(value)} holds no norm; an object of names and norms is expected"
        )
    return Look(
        label, {name: _norm(norm, f"of {_SHORT.repr(name)}") for name, norm in named.items()}
    )


def _logged_looks(text: str) -> tuple[Look, ...]:
    """One for each line of a log that holds several norms, each behind its name."""
    looks = []
    for line in text.splitlines():
        found = _PAIR.finditer(line) if "=" in line else ()
        pairs = [(pair["name"], float(pair["norm"])) for pair in found]
        norms = {name: norm for name, norm in pairs if name.lower() not in (*LABELS, *_OTHERS)}
        if len(norms) > 1:
            labels = [" ".join(match).lower() for match in _LABEL.findall(line)]
            looks.append(Look(", ".join(labels), norms))
    return tuple(looks)


def _csv_looks(text: str) -> Iterator[Look]:
    rows = _cells(text)
    if not rows:
        return
    heading = rows[0][1]
    if not any(cell and _is_number(cell) for _, row in rows for cell in row):
        line = rows[0][0]
        came = f"{text.splitlines()[line - 1].strip()[:60]!r} and what follows"
        raise ValueError(f"line {line}: {came} hold no norm; {KINDS} is expected")
    if all(len(row) == 1 for _, row in rows) or len(rows) == 1 and all(map(_is_number, heading)):
        cells = [(line, cell) for line, row in rows for cell in row]
        yield Look(
            "", {str(l): _norm(cell, f"line {line}") for l, (line, cell) in enumerate(cells, 1)}
        )
        return
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
            columns = "1 column" if len(row) == 1 else f"{len(row)} columns"
            raise ValueError(f"line {line} has {columns}; {wanted}")
    if not body:
        return
    gradients = {row[0]: _norm(row[1], f"line {line}") for line, row in body}
    signals = {row[0]: _norm(row[2], f"line {line}") for line, row in body if len(row) == 3}
    if len(gradients) < len(body):
        raise ValueError("two lines have the same name; one line for each layer is expected")
    yield Look("", gradients, _known(signals) if len(signals) == len(gradients) else None)


def _cells(text: str) -> list[tuple[int, list[str]]]:
    """The cells of each line that is not blank, and the line's number."""
    lines = text.splitlines()
    first = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    if delimiter not in first:
        pair = re.compile(r"(.+?)\s*[:=]\s*(\S+)|(\S+)\s+(\S+)")
        found = [(i, line.strip()) for i, line in enumerate(lines, start=1) if line.strip()]
        matched = [(i, line, pair.fullmatch(line)) for i, line in found]
        return [
            (i, [cell for cell in match.groups() if cell is not None] if match else [line])
            for i, line, match in matched
        ]
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    try:
        return [
            (reader.line_num, [cell.strip() for cell in row])
            for row in reader
            if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}; {KINDS} is expected") from None


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
    except (OverflowError, TypeError, ValueError):
        number = -math.inf
    if number < 0 or isinstance(value, bool):
        raise ValueError(
            f"{where}: {_SHORT.repr(value)} is no norm; a number of at least 0 is expected"
        )
    return number


def _known(sizes: Mapping[str, Any]) -> dict[str, float]:
    return {name: math.nan if size is None else size for name, size in sizes.items()}
