"""What PyTorch computes, against what `vanishing` computes.

Each module here holds `CASES`: how a case's inputs are drawn, and how either library turns them
into outputs of the same names. `python tests/references/make.py` (PyTorch 2.13, CPU) stores inputs
and PyTorch's outputs in `data/`; test_references.py compares with what is stored and, where PyTorch
is installed, with what it says to fresh inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
DATA = Path(__file__).with_name("data")
MODULES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("*.py")
    if path.stem not in ("__init__", "make")
)


def assert_close(ours: Arrays, theirs: Arrays) -> None:
    """Agreement to 1e-10 of the entry or, where sums cancel, of its array's largest entry."""
    assert ours.keys() == theirs.keys()
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape, name
        scale = np.abs(expected).max(initial=0)
        np.testing.assert_allclose(
            ours[name], expected, rtol=1e-10, atol=1e-10 * scale, err_msg=name
        )


@dataclass(frozen=True)
class Case:
    """One thing that both libraries compute.

    Attributes:
        draw: rng -> the inputs, in float64 (or integers); the sizes may be drawn, too.
        pytorch: (torch, inputs) -> outputs as NumPy arrays; torch is the module.
        ours: inputs -> outputs by `vanishing`, under the same names.
        agree: (ours, PyTorch's) -> nothing, or an AssertionError.
    """

    draw: Callable[[np.random.Generator], Arrays]
    pytorch: Callable[[Any, Arrays], Arrays]
    ours: Callable[[Arrays], Arrays]
    agree: Callable[[Arrays, Arrays], None] = assert_close


def cases() -> dict[str, Case]:
    """All cases, named `module/case`."""
    modules = {name: import_module(f"references.{name}").CASES for name in MODULES}
    return {
        f"{module}/{name}": case for module, held in modules.items() for name, case in held.items()
    }


def stored(name: str) -> tuple[Arrays, Arrays]:
    """Inputs and PyTorch's outputs of the case of that name."""
    module, _, case = name.partition("/")
    with np.load(DATA / f"{module}.npz") as file:
        return tuple(
            {key.removeprefix(start): file[key] for key in file if key.startswith(start)}
            for start in (f"{case}/inputs/", f"{case}/outputs/")
        )
