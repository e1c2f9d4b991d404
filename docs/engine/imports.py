"""What code imports, and what must therefore be installed where it runs."""

import ast
import sys
from collections.abc import Iterator

from engine.settings import settings

DRAWING = "matplotlib"


def imported(source: str) -> Iterator[str]:
    """Yield the modules, and names of modules, that code imports; none if it does not parse."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def draws(source: str) -> bool:
    """Tell whether the code imports Matplotlib, or what draws in the site's style."""
    style = (settings().style or DRAWING).partition(":")[0]
    return any(f"{name}.".startswith((f"{DRAWING}.", f"{style}.")) for name in imported(source))


def requirements(source: str) -> list[str]:
    """List the packages that the code needs, beyond Python and what the site takes for granted."""
    found = {name.partition(".")[0] for name in imported(source)}
    if draws(source):
        found.add(DRAWING)
    return sorted(found - {*settings().watch, *settings().assumed} - sys.stdlib_module_names)


def with_requirements(source: str) -> str:
    """Return the code below a comment that says what to install for it, if anything."""
    if not (missing := requirements(source)):
        return source
    granted = " and ".join([*settings().assumed, *settings().watch])
    beside = f"Beside {granted}, this" if granted else "This"
    return f"# {beside} needs: pip install {' '.join(missing)}\n{source}"


def runs_in_browser(source: str) -> bool:
    """Tell whether the browser's Python has all that the code needs."""
    return {*requirements(source)} <= {DRAWING}
