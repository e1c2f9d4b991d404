"""Runs code as a reader's fresh Python would, many times over.

Each code ends in a process of its own that has run its statements and nothing else. The processes
are forked from one that has imported the libraries, and codes that begin with the same statements
run these once, in one process that is forked where the codes part: importing again and training
again would take most of the time.

Codes that say at their head what they need run where all is installed, the others where NumPy and
this package are and nothing else is.
"""

import ast
import contextlib
import io
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from engine.knobs import States
    from engine.predictions import Asked

LIBRARIES = ["numpy", "matplotlib.pyplot", "vanishing.plot", "engine.knobs"]
# What runs codes where only NumPy is installed: this file is all that is there beside it.
BARE = "import alone, pickle, sys; codes = pickle.load(sys.stdin.buffer); alone.answer(codes)"


class Outcome(NamedTuple):
    """What a code printed and drew, and its traceback or nothing."""

    printed: str
    figures: list[tuple[str, "States | Asked | None"]]
    """Each figure as SVG, and its states if it has knobs, or what it asks if it asks first."""
    error: str


@dataclass
class Tree:
    """Codes by their statements: those that begin alike share their first branches."""

    ends: list[int] = field(default_factory=list)
    """The numbers of the codes that end here."""
    branches: dict[str, "Tree"] = field(default_factory=dict)

    def add(self, number: int, statements: Sequence[str]) -> None:
        tree = self
        for statement in statements:
            tree = tree.branches.setdefault(statement, Tree())
        tree.ends.append(number)

    def numbers(self) -> list[int]:
        below = (number for tree in self.branches.values() for number in tree.numbers())
        return [*self.ends, *below]


def statements(code: str) -> list[str]:
    """The statements without the comments and blank lines between them, which tell codes apart."""
    lines = code.splitlines(keepends=True)
    nodes = ast.parse(code).body
    return ["".join(lines[first_line(node) - 1 : node.end_lineno]) for node in nodes]


def first_line(node: ast.stmt) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


def outcomes(groups: Sequence[Sequence[str]]) -> list[list[Outcome]]:
    """What each code gives, group by group; a warning is an error.

    Codes of one group, such as a page, may share processes.
    """
    # The workers of pytest-xdist share the cores.
    processes = (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)) or 1
    needy, bare = (
        [[code for code in codes if says_needs(code) == needs] for codes in groups]
        for needs in (True, False)
    )
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    with ProcessPoolExecutor(processes, context, max_tasks_per_child=1) as pool:
        with_all = [*pool.map(run_group, needy)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(processes) as pool:
        furnish(Path(folder))
        with_numpy = [*pool.map(partial(run_bare, folder), bare)]
    found = {True: chain(*with_all), False: chain(*with_numpy)}
    return [[next(found[says_needs(code)]) for code in codes] for codes in groups]


def says_needs(code: str) -> bool:
    return code.startswith("# Beside ")


def furnish(folder: Path) -> None:
    """Fill the folder that stands for all that is installed: NumPy, the package, and this file."""
    import numpy
    import vanishing

    packages = [Path(module.__file__).parent for module in (numpy, vanishing)]
    # A wheel of Linux keeps the libraries that NumPy is linked with beside it.
    libraries = packages[0].with_name("numpy.libs")
    for path in (*packages, *([libraries] if libraries.is_dir() else ()), Path(__file__)):
        (folder / path.name).symlink_to(path)


def run_bare(folder: str, codes: Sequence[str]) -> list[Outcome]:
    """As `run_group`, in a Python that has nothing installed but what the folder holds."""
    environment = {**os.environ, "PYTHONPATH": folder}
    command = [sys.executable, "-S", "-s", "-c", BARE]
    given = pickle.dumps(codes)
    return pickle.loads(subprocess.check_output(command, input=given, env=environment))


def answer(codes: Sequence[str]) -> None:
    sys.stdout.buffer.write(pickle.dumps(run_group(codes)))


def run_group(codes: Sequence[str]) -> list[Outcome]:
    tree = Tree()
    for number, code in enumerate(codes):
        tree.add(number, statements(code))
    if "matplotlib" in sys.modules:
        from vanishing.plot import use as use_style

        use_style()  # the page draws in the same
    warnings.simplefilter("error")
    output = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(output):
            run_tree(tree, {"__name__": "__main__"}, output, Path(folder))
        files = [Path(folder, str(number)) for number in range(len(codes))]
        return [pickle.loads(file.read_bytes()) for file in files]


def run_tree(tree: Tree, namespace: dict, output: io.StringIO, folder: Path) -> None:
    """Write what each code of the tree gives, to a file of its number, each in its own process."""
    if tree.ends:
        in_a_fork(partial(finish, tree.ends, output, folder))
    for statement, branch in tree.branches.items():
        run_branch = partial(run_statement, statement, branch, namespace, output, folder)
        if len(tree.branches) == 1:
            run_branch()
        else:
            in_a_fork(run_branch)


def run_statement(
    statement: str, branch: Tree, namespace: dict, output: io.StringIO, folder: Path
) -> None:
    try:
        exec(compile(statement, "<the block>", "exec"), namespace)
    except BaseException:
        write(Outcome(output.getvalue(), [], traceback.format_exc()), branch.numbers(), folder)
    else:
        run_tree(branch, namespace, output, folder)


def finish(numbers: list[int], output: io.StringIO, folder: Path) -> None:
    try:
        outcome = Outcome(output.getvalue(), pictures(), "")
    except BaseException:
        outcome = Outcome(output.getvalue(), [], traceback.format_exc())
    write(outcome, numbers, folder)


def write(outcome: Outcome, numbers: list[int], folder: Path) -> None:
    for number in numbers:
        (folder / str(number)).write_bytes(pickle.dumps(outcome))


def in_a_fork(call) -> None:
    """Call in a copy of this process, and wait until the copy has ended."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0, "a copy of the process died"


def pictures() -> list[tuple[str, "States | Asked | None"]]:
    """Every figure that stands open, where there is anything to draw with."""
    if "matplotlib" not in sys.modules:
        return []
    from engine.svg import take_open

    return [picture(figure) for figure in take_open()]


def picture(figure) -> tuple[str, "States | Asked | None"]:
    from engine.knobs import explored
    from engine.predictions import asked
    from engine.svg import saved

    if hasattr(figure, "prediction"):
        return asked(figure, "state")
    return explored(figure, "state") if hasattr(figure, "explorable") else (saved(figure), None)
