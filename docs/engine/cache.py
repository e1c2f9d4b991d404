"""Runs of pages, kept by content, made in parallel, each in a process of its own.

`python -m engine.cache PAGE ...` runs pages and keeps the runs.
"""

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from multiprocessing.connection import wait
from pathlib import Path
from typing import NoReturn

from engine.links import link_problems
from engine.parse import RUNS, Block, Problem, Value
from engine.run import PageRun, run, site_style
from engine.settings import MODULE, settings

FOLDER = Path(".cache/pages")
KEPT = 700  # runs: a dozen versions of the sources times several dozen pages
STORED = 3  # the exit code of a process whose run is kept
DISTRIBUTIONS = ("matplotlib", "numpy", "sybil")  # what the engine runs every page with


def digest(*extra: str | bytes) -> str:
    """Name all that a page's run depends on: sources, versions, and what is `extra`."""
    total = hashlib.sha256()
    for module in ("engine", MODULE, *settings().watch):
        for name, content in files(module):
            total.update(f"{module}/{name}\0".encode() + content + b"\0")
    total.update(f"{versions()} {bool(settings().address)}".encode())
    for part in extra:
        total.update(part.encode() if isinstance(part, str) else part)
        total.update(b"\0")
    return total.hexdigest()[:24]


def files(module: str) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of a module's file, or of every file in a package and below it.

    The module is found and not imported. Bytecode and hidden files, such as an editor's, are
    passed over.
    """
    spec = importlib.util.find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"{MODULE}.py watches {module!r}, which Python does not find")
    if spec.submodule_search_locations is None:
        yield Path(spec.origin).name, Path(spec.origin).read_bytes()
        return
    for folder in map(Path, spec.submodule_search_locations):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            passed_over = any(part.startswith((".", "__pycache__")) for part in name.parts)
            if path.is_file() and not passed_over:
                yield name.as_posix(), path.read_bytes()


@functools.cache
def versions() -> str:
    """Tell the versions that a run depends on, and which optional modules are installed."""
    distributions = (*DISTRIBUTIONS, *settings().distributions)
    there = (name for name in settings().optional if importlib.util.find_spec(name))
    return " ".join(
        [platform.python_version(), *map(importlib.metadata.version, distributions), *there]
    )


def page_run(path: str | os.PathLike[str]) -> PageRun:
    """Return the run of the page at `path`, relative to the project: the one kept, or a new one."""
    (result,) = page_runs([path])
    return result


def page_runs(paths: Iterable[str | os.PathLike[str]]) -> list[PageRun]:
    """Return the runs of many pages; those that are not kept, run together on all cores."""
    paths = [Path(path).as_posix() for path in paths]
    found = {path: kept(path) for path in paths}
    # A page that changes while it runs is missing still.
    while missing := [path for path in found if found[path] is None]:
        make(missing)
        found |= {path: kept(path) for path in missing}
    return [found[path] for path in paths]


def kept(path: str) -> PageRun | None:
    """Return the run that is kept of a page as it stands now; a page without code needs none."""
    text = Path(path).read_text("utf-8")
    stored = FOLDER / f"{digest(path, text)}.json"
    if not stored.exists():
        if RUNS.search(text):
            return None
        store(path)
    result = load(stored.read_text("utf-8"))
    result.problems += link_problems(text, path)
    return result


def make(paths: Sequence[str]) -> None:
    """Run pages from a fresh interpreter, which imports anew what has changed."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    runs = subprocess.run(
        [sys.executable, "-m", "engine.cache", *paths],
        env={
            **os.environ,
            **one_thread,
            "MPLBACKEND": "Agg",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if runs.returncode:
        raise RuntimeError(f"pages did not run to their end\n{runs.stderr}")


def run_apart(paths: Sequence[str]) -> list[str]:
    """Run each page in a process of its own, and say which processes ended before their run.

    As many run at a time as there are cores, the longest pages first, because they tend to run
    longest. Where it is safe the processes are forked, and need not import the libraries again.
    """
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    site_style()  # imports, with the style, the libraries that nearly every page imports
    waiting = sorted(paths, key=os.path.getsize)
    running: dict[int, tuple[str, multiprocessing.process.BaseProcess]] = {}
    failed = []
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            path = waiting.pop()
            process = context.Process(target=run_and_store, args=(path,))
            process.start()
            running[process.sentinel] = path, process
        for sentinel in wait(list(running)):
            path, process = running.pop(sentinel)
            process.join()
            if process.exitcode != STORED:
                failed.append(f"{path}: the process ended with {process.exitcode}")
    return failed


def run_and_store(path: str) -> NoReturn:
    """Keep the page's run, and end with the exit code that says so."""
    store(path)
    sys.exit(STORED)


def store(path: str) -> None:
    """Run the page here and keep the run; of the kept runs, remove the oldest."""
    text = Path(path).read_text("utf-8")
    name = digest(path, text)
    result = run(text, path)
    FOLDER.mkdir(parents=True, exist_ok=True)
    partial = FOLDER / f"{name}.{os.getpid()}"
    partial.write_text(json.dumps(asdict(result), ensure_ascii=False), "utf-8")
    partial.replace(FOLDER / f"{name}.json")
    runs = sorted(FOLDER.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for oldest in runs[:-KEPT]:
        oldest.unlink(missing_ok=True)


def load(stored: str) -> PageRun:
    """Read a run that `store` wrote."""
    fields = json.loads(stored)
    fields["blocks"] = [Block(**block) for block in fields["blocks"]]
    fields["values"] = [Value(**value) for value in fields["values"]]
    fields["problems"] = [Problem(**problem) for problem in fields["problems"]]
    return PageRun(**fields)


if __name__ == "__main__":
    sys.exit("\n".join(run_apart(sys.argv[1:])) or None)
