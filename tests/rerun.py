"""Runs pages with something changed, and lists the assertions of the pages that then fail.

What a page prints and the numbers in its prose may change; the assertions behind its sentences may
not. A failed assertion does not end a run: the statements below it have their say, too.
"""

import argparse
import ast
import linecache
import multiprocessing
import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path
from typing import NamedTuple

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")

import engine.run
from sybil.evaluators.python import pad
from sybil.example import Example

ROOT = Path(__file__).resolve().parent.parent


class Failure(NamedTuple):
    """A line of a page that does not hold after a change, and what is said of it."""

    path: str
    line: int
    change: str
    source: str
    said: str


@dataclass
class Place:
    """A line of a page, and the changes after which it does not hold."""

    path: str
    line: int
    source: str
    said: str
    changes: list[str]

    def __str__(self) -> str:
        said = f"\n    {self.said}" if self.said else ""
        return f"{self.path}:{self.line}: with {', '.join(self.changes)}:\n    {self.source}{said}"


class Patient:
    """Evaluates like Sybil, and goes on below a statement that fails in an assertion."""

    def __init__(self) -> None:
        self.failures: list[tuple[int, str]] = []

    def __call__(self, example: Example) -> None:
        source = pad(example.parsed, example.line + example.parsed.line_offset)
        for statement in ast.parse(source).body:
            code = compile(ast.Module([statement], []), example.path, "exec", dont_inherit=True)
            try:
                exec(code, example.namespace)
            except AssertionError as error:
                frames = traceback.extract_tb(error.__traceback__)
                line = [frame.lineno for frame in frames if frame.filename == example.path][-1]
                self.failures.append((line, str(error)))


class Found(NamedTuple):
    """What was run, and where it did not hold."""

    pages: list[str]
    every_change: bool
    places: list[Place]


def failures(path: Path, name: str, change: Callable[[], object]) -> list[Failure]:
    """What does not hold on a page after the change."""
    change()
    engine.run.EXECUTE = patient = Patient()
    problems = engine.run.run(path.read_text("utf-8"), str(path)).problems
    failed = [*patient.failures, *((p.line, p.message.partition("\n")[0]) for p in problems)]
    return [
        Failure(str(path), line, name, linecache.getline(str(path), line).strip(), said)
        for line, said in failed
        if not said.startswith("the output differs")
    ]


def rerun(description: str, changes: Mapping[str, Callable[[], object]]) -> Found:
    """What does not hold on the pages of the command line, or on all, after each of the changes."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", type=Path, help="all pages by default")
    parser.add_argument(
        "--only", choices=changes, action="append", metavar="CHANGE", help=", ".join(changes)
    )
    options = parser.parse_args()
    os.chdir(ROOT)
    pages = options.pages or sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/**/*.md"))
    asked = options.only or list(changes)
    tasks = [(page, name, changes[name]) for page, name in product(pages, asked)]
    # Each run in a process of its own, because changes stay.
    with multiprocessing.Pool(maxtasksperchild=1) as pool:
        places = by_place(chain(*pool.starmap(failures, tasks, 1)))
    return Found([str(page) for page in pages], len(asked) == len(changes), places)


def by_place(found: Iterable[Failure]) -> list[Place]:
    """The failures line by line, each with all the changes that make it."""
    places: dict[tuple[str, int], Place] = {}
    for failure in found:
        new = Place(failure.path, failure.line, failure.source, failure.said, [])
        places.setdefault((failure.path, failure.line), new).changes.append(failure.change)
    return [places[key] for key in sorted(places)]
