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
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import vanishing
from engine.links import link_problems
from engine.parse import RUNS, Block, Problem, Value
from engine.run import PageRun, run

FOLDER = Path(".cache/pages")
KEPT = 700  # runs: those of the last dozen versions of the package, at today's number of pages
FOUND = 3  # the exit code of a run that found problems
PACKAGES = ("matplotlib", "numpy", "scikit-learn", "sybil")
FRAMEWORKS = (
    "jax",
    "keras",
    "tensorflow",
    "torch",
)  # a block that needs one is run where it is installed


def digest(*extra: str | bytes) -> str:
    """A name for all that a page's run depends on: sources, versions, and what is `extra`."""
    total = hashlib.sha256()
    for folder in (Path(vanishing.__file__).parent, Path(__file__).parent):
        for source in sorted(folder.rglob("*.py")):
            total.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    total.update(versions().encode())
    for part in extra:
        total.update(part.encode() if isinstance(part, str) else part)
        total.update(b"\0")
    return total.hexdigest()[:24]


@functools.cache
def versions() -> str:
    there = (name for name in FRAMEWORKS if importlib.util.find_spec(name))
    return " ".join([platform.python_version(), *map(importlib.metadata.version, PACKAGES), *there])


def page_run(path: str | os.PathLike[str]) -> PageRun:
    """The run of the page at `path` (relative to the project), from the cache if it is there."""
    path = Path(path).as_posix()
    while not (
        stored := FOLDER / f"{digest(path, text := Path(path).read_text('utf-8'))}.json"
    ).exists():
        make(path) if RUNS.search(text) else store(path)
    result = load(stored.read_text("utf-8"))
    result.problems += link_problems(text, path)
    return result


def page_runs(paths: Iterable[str | os.PathLike[str]]) -> list[PageRun]:
    """The runs of many pages, as many at a time as there are cores, the longest pages first: they tend to run longest."""
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
    fields = json.loads(stored)
    fields["blocks"] = [Block(**block) for block in fields["blocks"]]
    fields["values"] = [Value(**value) for value in fields["values"]]
    fields["problems"] = [Problem(**problem) for problem in fields["problems"]]
    return PageRun(**fields)


if __name__ == "__main__":
    found = [problem for path in sys.argv[1:] for problem in store(path).problems]
    print(*found, sep="\n\n", end="\n" if found else "")
    sys.exit(FOUND if found else 0)
