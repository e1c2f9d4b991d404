"""The drawing functions: arrays in, axes out; `axes` and `series_labels` lay out what they draw."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator
from numpy.typing import ArrayLike

from vanishing.plot.axes import draw, finish, labelled, panels
from vanishing.plot.style import MARKERS, PALETTE, SERIES, colour
from vanishing.plot.ticks import log_number, tick_step

Interval = tuple[ArrayLike, ArrayLike]


def measured(
    x: ArrayLike,
    y: ArrayLike,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    role: str = "backward",
    interval: Interval | None = None,
    theory: ArrayLike | None = None,
    xlabel: str = "",
    ylabel: str = "",
    log: bool = False,
) -> Axes:
    """Points `y` over `x`, with intervals and the theory as a line.

    Args:
        x: shape (n,).
        y: shape (n,); what the axis cannot show is marked at its edge and named there.
        ax: takes the points; new axes by default.
        label: stands beside the points.
        role: of the colour.
        interval: lowest and highest, each of shape (n,) or one number for all.
        theory: a prediction for the same `x`.
        xlabel: with unit.
        ylabel: with unit.
        log: whether the y axis is logarithmic.
    """
    ax = labelled(ax, xlabel, ylabel, log)
    if interval is not None:
        for at, low, high in np.broadcast(x, *interval):
            ax.plot((at, at), (low, high), color=colour(role), alpha=0.5, label="_")
    if theory is not None:
        named = "theory" in [line.get_label() for line in ax.lines]
        draw(ax, x, theory, "-", "ink", None if named else "theory")
    draw(ax, x, y, MARKERS.get(role, "o"), role, label)
    return finish(ax)


def per_layer(
    values: ArrayLike,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    role: str = "backward",
    theory: ArrayLike | None = None,
    interval: Interval | None = None,
    ylabel: str = "norm of δ",
    first: int = 1,
) -> Axes:
    """One norm per layer on a log axis, input side left.

    A norm that a log axis cannot show (zero, infinite, not a number) is marked at its edge and
    named there.

    Args:
        values: norms, shape (L,).
        ax: takes the points; new axes by default.
        label: stands beside the points.
        role: of the colour.
        theory: predicted norms, shape (L,).
        interval: lowest and highest, each of shape (L,) or one number for all.
        ylabel: with unit.
        first: the number of the first layer; 0 for the input.
    """
    norms = np.atleast_1d(np.asarray(values, float))
    if (norms < 0).any():
        least = f"the least is {norms.min():.3g}"
        raise ValueError(f"values are norms, one per layer, and cannot be negative; {least}")
    ax = measured(
        first + np.arange(len(norms)),
        norms,
        ax=ax,
        label=label,
        role=role,
        theory=theory,
        interval=interval,
        log=True,
        xlabel="layer (input side left)",
        ylabel=ylabel,
    )
    _number_layers(ax, first)
    return ax


def _number_layers(ax: Axes, first: int) -> None:
    """Set the x ticks to the first layer, the last, and a few whole numbers between."""
    last = int(max(np.max(line.get_xdata()) for line in ax.lines))
    step = tick_step(last)
    between = range(step, last - step // 2, step)
    ax.xaxis.set_major_locator(FixedLocator(sorted({first, *between, last})))


def curves(
    x: ArrayLike,
    series: Mapping[str, ArrayLike],
    *,
    ax: Axes | None = None,
    roles: Sequence[str] = SERIES,
    xlabel: str = "",
    ylabel: str = "",
    log: bool = False,
) -> Axes:
    """One line over `x` for each entry of `series`, with its label at its end.

    Args:
        x: shape (n,).
        series: label -> y, each of shape (n,).
        ax: takes the lines; new axes by default.
        roles: of the colours, in turn.
        xlabel: with unit.
        ylabel: with unit.
        log: whether the y axis is logarithmic.
    """
    ax = labelled(ax, xlabel, ylabel, log)
    for (label, y), role in zip(series.items(), cycle(roles), strict=False):
        draw(ax, x, y, "-", role, label)
    return finish(ax)


def training(
    histories: Mapping[str, Any],
    *,
    axes: Sequence[Axes] | None = None,
    chance: float | None = None,
    roles: Sequence[str] = SERIES,
) -> list[Axes]:
    """Two panels over the epochs: the loss above, the accuracy below.

    Args:
        histories: label -> what has `epoch`, `loss` and `accuracy`, such as a `vanishing.History`.
        axes: two, one for each panel; new ones by default.
        chance: the accuracy that guessing reaches, drawn as a dashed line.
        roles: of the colours, in turn.
    """
    above, below = axes or panels(2)
    for (label, run), role in zip(histories.items(), cycle(roles), strict=False):
        curves(run.epoch, {label: run.loss}, ax=above, roles=[role], ylabel="loss")
        curves(
            run.epoch,
            {label: run.accuracy},
            ax=below,
            roles=[role],
            ylabel="accuracy",
            xlabel="epoch",
        )
    if chance is not None:
        ends = below.dataLim.intervalx
        draw(below, ends, (chance, chance), "--", "faint", "chance", linewidth=0.8)
    below.set_ylim(0, 1.02)
    return [above, finish(below)]


def histogram(
    samples: Mapping[str, ArrayLike],
    *,
    ax: Axes | None = None,
    bins: int = 40,
    roles: Sequence[str] = SERIES,
    xlabel: str = "",
    ylabel: str = "density",
) -> Axes:
    """The density of each entry of `samples`, over the same bins, with its label at its peak.

    Args:
        samples: label -> numbers, of any shape.
        ax: takes the densities; new axes by default.
        bins: their number.
        roles: of the colours, in turn.
        xlabel: with unit.
        ylabel: with unit.
    """
    ax = labelled(ax, xlabel, ylabel)
    everything = np.concatenate([np.ravel(sample) for sample in samples.values()])
    edges = np.histogram_bin_edges(everything, bins)
    for (label, sample), role in zip(samples.items(), cycle(roles), strict=False):
        heights, _ = np.histogram(sample, edges, density=True)
        ax.stairs(heights, edges, fill=True, color=colour(role), alpha=0.15)
        outline = np.r_[0, np.repeat(heights, 2), 0]
        draw(ax, np.repeat(edges, 2), outline, "-", role, label, gid="peak")
    return finish(ax)


def heat(
    matrix: ArrayLike,
    *,
    ax: Axes | None = None,
    role: str = "backward",
    label: str = "",
    log: bool = False,
    xlabel: str = "",
    ylabel: str = "",
) -> Axes:
    """A cell for each entry of `matrix`, row 1 below, the fuller the larger.

    Cells are shades of one role, and so follow the palette. An entry that has no shade (not finite,
    or not positive on a log scale) is written out.

    Args:
        matrix: shape (rows, columns).
        ax: takes the cells; new axes by default.
        role: of the colour.
        label: what the shades show, with unit.
        log: whether the shades are on a log scale.
        xlabel: of the columns.
        ylabel: of the rows.
    """
    cells = np.atleast_2d(np.asarray(matrix, float))
    shown = np.isfinite(cells) & ((cells > 0) | (not log))
    level = np.log10(cells, where=shown, out=np.zeros_like(cells)) if log else cells
    low, high = (level[shown].min(), level[shown].max()) if shown.any() else (0.0, 0.0)
    ax = labelled(ax, xlabel, ylabel)
    for (row, column), value in np.ndenumerate(cells):
        if shown[row, column]:
            part = float((level[row, column] - low) / (high - low or 1))
            ax.add_patch(_cell(row, column, role, part))
        else:
            faint = PALETTE["faint"]
            ax.text(column + 1, row + 1, f"{value:g}", ha="center", va="center", color=faint)
    rows, columns = cells.shape
    ax.set(xlim=(0.5, columns + 0.5), ylim=(0.5, rows + 0.5))
    pale, full = (log_number(10**end) if log else f"{end:.3g}" for end in (low, high))
    scale = f"{label} {pale} (pale) to {full} (full)".strip()
    ax.set_title(scale, loc="right", color=PALETTE["faint"])
    ax.locator_params(nbins=5, integer=True)
    ax.grid(False)
    return ax


def _cell(row: int, column: int, role: str, part: float) -> Rectangle:
    """The cell of an entry, the palest if `part` is 0 and full if 1."""
    shade = 0.08 + 0.92 * part
    corner = (column + 0.54, row + 0.54)
    return Rectangle(corner, 0.92, 0.92, color=colour(role), alpha=shade, lw=0)
