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

LIBRARIES = ["numpy", "matplotlib.pyplot", "vanishing.figures"]


def printed(codes: Sequence[str]) -> list[tuple[str, str]]:
    """What each code prints, and its traceback or nothing; a warning is an error."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with ProcessPoolExecutor(os.cpu_count(), context, max_tasks_per_child=1) as pool:
        return list(pool.map(run, codes))


def run(code: str) -> tuple[str, str]:
    output = io.StringIO()
    warnings.simplefilter("error")
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(code, "<the block>", "exec"), {"__name__": "__main__"})
        except BaseException:
            return output.getvalue(), traceback.format_exc()
    return output.getvalue(), ""
