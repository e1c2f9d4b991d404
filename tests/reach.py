"""How far do the pages' claims about training reach? `python tests/reach.py [PAGE ...]`

Each page runs with every network trained ten times as long, with every learning rate times 0.1,
0.3, 3 and 10, and with every hidden layer of `dense_network` half and twice as wide. A sentence
that says "does not learn" holds in all of these, or names its budget, rate or width.

reach.toml gives, page by page, the assertions that may fail, each with the reason: the limits that
its sentence names. The script prints the others, and reasons that explain nothing; it ends with 0
if there are none.
"""

import sys
import tomllib
from functools import partial
from pathlib import Path

from rerun import rerun
from vanishing.nn import dense
from vanishing.training import loop
from vanishing.training.optimizers import Rule
from vanishing.training.side_by_side import SideBySide

REASONS = Path(__file__).with_suffix(".toml")


def train_longer(factor):
    """Train for more epochs, measured as often in all."""
    trained = loop._trained
    loop._trained = lambda network, task, epochs, every: trained(
        network, task, factor * epochs, factor * every
    )
    epoch = SideBySide.epoch

    def epochs(runs, *arguments, **options):
        for _ in range(factor):
            epoch(runs, *arguments, **options)
        return runs

    SideBySide.epoch = epochs


def multiply_rates(factor):
    rate_at = Rule._learning_rate_at
    Rule._learning_rate_at = lambda rule, t: factor * rate_at(rule, t)


def multiply_widths(factor):
    """Make hidden layers wider, and none narrower than 1."""
    checked = dense._checked

    def wider(widths):
        first, *hidden, last = checked(widths)
        return [first, *(max(1, round(factor * width)) for width in hidden), last]

    dense._checked = wider


CHANGES = {
    "budget × 10": partial(train_longer, 10),
    **{f"rates × {factor}": partial(multiply_rates, factor) for factor in (0.1, 0.3, 3, 10)},
    **{f"widths × {factor}": partial(multiply_widths, factor) for factor in (0.5, 2)},
}


def main():
    found = rerun(__doc__, CHANGES)
    reasons = tomllib.loads(REASONS.read_text("utf-8"))
    unexplained = [p for p in found.places if p.source not in reasons.get(p.path, {})]
    failing = {(place.path, place.source) for place in found.places}
    idle = [
        f"{path}: reach.toml explains what holds:\n    {source}"
        for path in (found.pages if found.every_change else ())
        for source in reasons.get(path, {})
        if (path, source) not in failing
    ]
    explained = f"{len(found.places) - len(unexplained)} more assertions have their reason"
    print(*unexplained, *idle, f"{explained} in reach.toml", sep="\n")
    return bool(unexplained or idle)


if __name__ == "__main__":
    sys.exit(main())
