"""Do the pages' claims hold with other seeds? `python tests/seeds.py [PAGE ...]`

Each page runs five times, and each time `numpy.random.default_rng(n)` gives another stream for the
same n.
"""

import sys
from functools import partial

import numpy as np
from rerun import rerun

DEFAULT_RNG = np.random.default_rng


def other_rng(shift, seed=None):
    """The generator of another stream for each seed; generators and unseeded ones are as ever."""
    seeded = isinstance(seed, (int, np.integer, list, tuple, np.ndarray))
    return DEFAULT_RNG([*np.atleast_1d(seed), shift] if seeded else seed)


def draw_others(shift):
    np.random.default_rng = partial(other_rng, shift)


CHANGES = {f"streams {shift}": partial(draw_others, shift) for shift in range(1, 6)}

if __name__ == "__main__":
    found = rerun(__doc__, CHANGES)
    print(*found.places, f"{len(found.places)} assertions depend on the streams", sep="\n")
    sys.exit(bool(found.places))
