"""A reader's code, run in the browser by the rules by which pages run.

The browser's Python has the standard library, NumPy, what the site watches and a few modules of the
engine; Matplotlib is loaded for code that draws.
"""

import ast
import json
import linecache
import sys
import time
import traceback
from collections.abc import Sequence

from engine.runnable import closure
from engine.settings import settings

NAME = "<your code>"


def draws(source: str) -> bool:
    """Whether the code imports what needs Matplotlib; code that does not parse draws nothing."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    style = (settings().style or "matplotlib").partition(":")[0]
    return any(
        f"{name}.".startswith(("matplotlib.", f"{style}."))
        for node in ast.walk(tree)
        for name in imported(node)
    )


def imported(node: ast.AST) -> list[str]:
    """The modules, and names of modules, that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def needed(earlier: Sequence[str], block: str) -> str:
    """The block below the lines of earlier blocks that it needs, as *copy runnable* copies it."""
    return closure(earlier, block, settings().stateful_names)


def execute(source: str, first: int, figure: str, names: dict[str, object] | None = None) -> str:
    """Run the code, whose line `first` is the reader's first one, and tell in JSON what came of it.

    `figure` is the beginning of the ids in a drawing. What the code prints goes where the browser
    sends it. Code finds nothing of earlier code, but where `names` holds what that bound.
    """
    linecache.cache[NAME] = len(source), None, source.splitlines(keepends=True), NAME
    namespace = {} if names is None else names
    namespace["__name__"] = "__main__"
    if draws(source):
        style()
    began = time.perf_counter()
    error = None
    try:
        exec(compile(source, NAME, "exec"), namespace)
    except BaseException as raised:
        error = told(raised, first)
    sys.stdout.flush()
    seconds = time.perf_counter() - began
    return json.dumps({"seconds": seconds, "error": error, "figures": figures(figure)})


def style() -> None:
    """Set the drawing style of the site's pages."""
    import logging
    import pkgutil

    import matplotlib

    matplotlib.use("svg")
    # It tells at the first drawing that it looks for fonts.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
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
    (message,) = traceback.format_exception_only(type(error), error)[-1:]
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
