"""Runs code as a reader's fresh Python would, many times over.

Each run is a process of its own, forked from one that has imported the libraries and done nothing
else: their import would take longer than most blocks.
"""

import contextlib
import io
import multiprocessing
import os
import traceback
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from engine.states import explored
from engine.svg import saved, take_open
from vanishing.plot import use as use_style

LIBRARIES = ["numpy", "matplotlib.pyplot", "vanishing.plot", "engine.states"]


class Outcome(NamedTuple):
    """What a code printed and drew, each figure as SVG, and its traceback or nothing."""

    printed: str
    figures: list[str]
    error: str


def outcomes(codes: Sequence[str]) -> list[Outcome]:
    """What each code gives; a warning is an error."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with ProcessPoolExecutor(os.cpu_count(), context, max_tasks_per_child=1) as pool:
        return list(pool.map(run, codes))


def run(code: str) -> Outcome:
    output = io.StringIO()
    warnings.simplefilter("error")
    # The page draws in the same style.
    use_style()
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(code, "<the block>", "exec"), {"__name__": "__main__"})
            pictures = [picture(figure) for figure in take_open()]
        except BaseException:
            return Outcome(output.getvalue(), [], traceback.format_exc())
    return Outcome(output.getvalue(), pictures, "")


def picture(figure) -> str:
    """The figure as the page has it; one with knobs, at the start."""
    return explored(figure, "state")[0] if hasattr(figure, "explorable") else saved(figure)
