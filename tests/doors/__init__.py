"""Which arguments each public name takes, so that wrong ones can be tried at every door.

Each module here is named after a module of the package and holds `ROWS`: for each public function
and constructor of that module one `Row`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

NAN, INF = float("nan"), float("inf")
MODULES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"
)

# What is wrong for every argument of a kind.
WRONG: dict[str, list[Any]] = {
    # an array of floating-point numbers
    "array": [
        np.array([[NAN, 1.0]]),
        np.array([[1.0, INF]]),
        np.empty((0, 2)),
        np.ones((2, 2), int),
        np.array([["a", "b"]], object),
        [[1.0], [1.0, 2.0]],
    ],
    # a finite number; `wrong` adds what the range excludes
    "number": [NAN, INF, "1", None, [1.0]],
    # a whole number from 1; `wrong` adds what else is excluded
    "size": [0, -1, 1.5, NAN, "1", None],
    # a name of a table
    "name": ["no such name", "", None, 3],
    # a generator, keyword-only
    "rng": [None, 0, np.random, np.random.RandomState(0)],
    # a floating-point type
    "dtype": [np.int64, object, complex],
}


@dataclass(frozen=True)
class Row:
    """A call that works, and what is wrong for each of its arguments.

    Attributes:
        call: the function or class.
        arguments: () -> arguments of a call that works, by name.
        kinds: argument -> key of `WRONG`.
        wrong: argument -> further wrong values, such as wrong shapes.
        exempt: argument -> why no value is tried.
    """

    call: Callable[..., Any]
    arguments: Callable[[], Mapping[str, Any]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, list[Any]] = field(default_factory=dict)
    exempt: Mapping[str, str] = field(default_factory=dict)

    def attempts(self, argument: str) -> list[Any]:
        """Every value that is wrong for the argument."""
        kind = [self.kinds[argument]] if argument in self.kinds else []
        return [*(value for name in kind for value in WRONG[name]), *self.wrong.get(argument, [])]


def rows() -> dict[str, Row]:
    """All rows, by the public name."""
    return {
        name: row
        for module in MODULES
        for name, row in import_module(f"doors.{module}").ROWS.items()
    }
