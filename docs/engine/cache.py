"""Runs of pages, kept by content, made in parallel, each in an interpreter of its own.

`python -m engine.cache PAGE ...` runs pages and prints what is wrong with them.
"""

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from engine.links import link_problems
from engine.parse import RUNS, Block, Problem, Value
from engine.run import PageRun, run
from engine.settings import MODULE, settings

FOLDER = Path(".cache/pages")
KEPT = 700  # runs: a dozen versions of the sources times several dozen pages
FOUND = 3  # the exit code of a run that found problems
DISTRIBUTIONS = ("matplotlib", "numpy", "sybil")  # what the engine runs every page with


def digest(*extra: str | bytes) -> str:
    """Name all that a page's run depends on: sources, versions, and what is `extra`."""
    total = hashlib.sha256()
    for module in ("engine", MODULE, *settings().watch):
        for name, content in files(module):
            total.update(f"{module}/{name}\0".encode() + content + b"\0")
    total.update(versions().encode())
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
    path = Path(path).as_posix()
    while not (
        stored := FOLDER / f"{digest(path, text := Path(path).read_text('utf-8'))}.json"
    ).exists():
        make(path) if RUNS.search(text) else store(path)
    result = load(stored.read_text("utf-8"))
    result.problems += link_problems(text, path)
    return result


def page_runs(paths: Iterable[str | os.PathLike[str]]) -> list[PageRun]:
    """Run many pages, as many at a time as there are cores.

    The longest pages start first, because they tend to run longest.
    """
    paths = list(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = {
            path: pool.submit(page_run, path)
            for path in sorted(paths, key=os.path.getsize, reverse=True)
        }
    return [running[path].result() for path in paths]


def make(path: str) -> None:
    """Run the page in a fresh interpreter, which stores the run."""
    one_thread = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    worker = subprocess.run(
        [sys.executable, "-m", "engine.cache", path],
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
    if worker.returncode not in (0, FOUND):
        raise RuntimeError(f"{path}: its run ended with {worker.returncode}\n{worker.stderr}")


def store(path: str) -> PageRun:
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
    return result


def load(stored: str) -> PageRun:
    """Read a run that `store` wrote."""
    fields = json.loads(stored)
    fields["blocks"] = [Block(**block) for block in fields["blocks"]]
    fields["values"] = [Value(**value) for value in fields["values"]]
    fields["problems"] = [Problem(**problem) for problem in fields["problems"]]
    return PageRun(**fields)


if __name__ == "__main__":
    found = [problem for path in sys.argv[1:] for problem in store(path).problems]
    print(*found, sep="\n\n", end="\n" if found else "")
    sys.exit(FOUND if found else 0)
