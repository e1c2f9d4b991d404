"""A reader's code, run in the browser by the rules by which pages run.

The browser's Python has the standard library, NumPy, what the site watches and a few modules of the
engine; Matplotlib is loaded for code that draws.
"""

import functools
import html
import json
import linecache
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.imports import draws
from engine.runnable import closure
from engine.settings import settings
from engine.typeset import typeset

if TYPE_CHECKING:
    from engine.knobs import Stage

NAME = "<your code>"


def needed(earlier: Sequence[str], block: str) -> str:
    """The block below the lines of earlier blocks that it needs, as *copy runnable* copies it."""
    return closure(earlier, block, settings().stateful_names)


def execute(source: str, first: int, figure: str, names: dict[str, object] | None = None) -> str:
    """Run the code, whose line `first` is the reader's first one, and tell in JSON what came of it.

    `figure` is the beginning of the ids in a drawing. What the code prints goes where the browser
    sends it. Code finds nothing of earlier code, but where `names` holds what that bound.
    """
    came = attempted(lambda: run(source, names), first)
    return json.dumps({**came, "figures": figures(figure)})


def turn(source: str, setting: str, figure: str) -> str:
    """Draw a setting of the figure with knobs that the code makes; tell in JSON what came of it.

    The setting, in JSON, may lie between or beyond the values that the knobs have.
    """
    shown: dict[str, object] = {}

    def show() -> None:
        on = stage(source, figure)
        reading, drawing = on.show(json.loads(setting))
        if not on.is_seen():
            reading += " What it draws lies outside the axes."
        shown.update(reading=typeset(html.escape(reading)), drawing=drawing)

    return json.dumps({**attempted(show), **shown})


@functools.cache
def stage(source: str, figure: str) -> "Stage":
    """The figure that the code makes; for further settings the code does not run again."""
    from engine.knobs import Stage
    from engine.svg import take_open

    run(source)
    (drawn,) = take_open()
    return Stage(drawn, figure)


def attempted(act: Callable[[], None], first: int = 1) -> dict[str, object]:
    """What went wrong, if anything did, and how many seconds it took."""
    began = time.perf_counter()
    error = None
    try:
        act()
    except BaseException as raised:
        error = told(raised, first)
    sys.stdout.flush()
    return {"error": error, "seconds": time.perf_counter() - began}


def run(source: str, names: dict[str, object] | None = None) -> None:
    """Run the code with no figure open, in `names` or in a module of its own."""
    linecache.cache[NAME] = len(source), None, source.splitlines(keepends=True), NAME
    namespace = {} if names is None else names
    namespace["__name__"] = "__main__"
    if draws(source):
        style()
    exec(compile(source, NAME, "exec"), namespace)


def style() -> None:
    """Set the drawing style of the site's pages, and close what an earlier run left open."""
    import logging
    import pkgutil

    # It tells, when it is first imported, that it looks for fonts.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    import matplotlib
    from matplotlib import pyplot

    matplotlib.use("svg")
    pyplot.close("all")
    if settings().style:
        pkgutil.resolve_name(settings().style)()


def figures(prefix: str) -> list[str]:
    """Draw the figures that stand open, as a page does."""
    if "matplotlib.pyplot" not in sys.modules:
        return []
    from engine.svg import inline_svg, saved, take_open

    label = "The figure of your run"
    return [
        inline_svg(saved(drawn), f"{prefix}-{number}", label)
        for number, drawn in enumerate(take_open())
    ]


def told(error: BaseException, first: int) -> dict[str, object]:
    """What went wrong, and the lines of the reader's code that led there, outermost first."""
    lines_said = traceback.format_exception_only(error)
    # Of a syntax error the first ones quote the code; of others the last ones are notes.
    message = lines_said[-1] if isinstance(error, SyntaxError) else "".join(lines_said)
    if isinstance(error, SyntaxError) and error.filename == NAME:
        lines = [error.lineno or first]
    else:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == NAME]
    if isinstance(error, MemoryError):
        message = "MemoryError: the memory that the browser gives to a page is used up"
    return {
        "message": message.strip(),
        "lines": [
            {"line": line - first + 1, "source": linecache.getline(NAME, line).strip()}
            for line in lines
        ],
    }
