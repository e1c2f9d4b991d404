"""Do the pages' claims hold with other seeds? `python tests/seeds.py [--seeds 5] [PAGE ...]`, all
pages by default.

Each page runs once per seed, and each time `numpy.random.default_rng(n)` gives another stream for
the same n. What a page prints and the numbers in its prose may change; the assertions behind its
sentences may not fail.
"""

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")

import numpy as np
from engine.run import run

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_RNG = np.random.default_rng


def other_rng(shift, seed=None):
    """The generator of another stream for each seed; generators and unseeded ones are as ever."""
    seeded = isinstance(seed, (int, np.integer, list, tuple, np.ndarray))
    return DEFAULT_RNG([*np.atleast_1d(seed), shift] if seeded else seed)


def failures(task):
    """What does not hold on a page with the streams of that number."""
    path, shift = task
    np.random.default_rng = partial(other_rng, shift)
    problems = run(path.read_text("utf-8"), str(path)).problems
    return [
        f"with other streams {shift}: {found}"
        for found in problems
        if "output differs" not in found.message
    ]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    os.chdir(ROOT)
    pages = options.pages or sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/**/*.md"))
    tasks = list(product(pages, range(1, options.seeds + 1)))
    with ProcessPoolExecutor() as pool:
        found = [failure for several in pool.map(failures, tasks) for failure in several]
    print(*found, f"{len(tasks)} runs of {len(pages)} pages, {len(found)} failures", sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
