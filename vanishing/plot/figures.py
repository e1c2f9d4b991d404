"""The drawing functions: arrays in, axes out; `axes` and `series_labels` lay out what they draw."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator
from numpy.typing import ArrayLike, NDArray

from vanishing.plot.axes import draw, finish, labelled, panels
from vanishing.plot.series_labels import THEORY
from vanishing.plot.style import HEIGHT, MARKERS, PALETTE, SERIES, colour
from vanishing.plot.ticks import log_number, tick_step

Interval = tuple[ArrayLike, ArrayLike]
# Shades of an image, each a shape of its own: as many as the eye tells apart in a small image.
SHADES = 8


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
        named = THEORY in [line.get_label() for line in ax.lines]
        draw(ax, x, theory, "-", "ink", None if named else THEORY, gid=THEORY, zorder=2.2)
    draw(ax, x, y, MARKERS.get(role, "o"), role, label)
    return finish(ax)


def per_layer(
    values: ArrayLike | Sequence[float | None],
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
        values: norms, shape (L,); None leaves a gap.
        ax: takes the points; new axes by default.
        label: stands beside the points.
        role: of the colour.
        theory: predicted norms, shape (L,).
        interval: lowest and highest, each of shape (L,) or one number for all.
        ylabel: with unit.
        first: the number of the first layer; 0 for the input.
    """
    given = np.atleast_1d(np.asarray(values, object))
    there = np.flatnonzero(given != None)  # noqa: E711, entry by entry
    norms = given[there].astype(float)
    if not norms.size:
        raise ValueError("values holds no norm; at least one is expected")
    if (norms < 0).any():
        least = f"the least is {norms.min():.3g}"
        raise ValueError(f"values are norms, one per layer, and cannot be negative; {least}")
    ax = measured(
        first + there,
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


def image(
    pixels: ArrayLike,
    *,
    ax: Axes | None = None,
    role: str = "ink",
    corner: tuple[float, float] = (0, 0),
    limits: tuple[float, float] | None = None,
) -> Axes:
    """A small image, row 1 above, each pixel as full as its number is large, in a thin frame.

    Pixels are shades of one role, and so follow the palette; all pixels of a shade are one shape. A
    pixel is as wide as 1 on the x axis and as high as 1 on the y axis.

    Args:
        pixels: finite numbers, shape (rows, columns).
        ax: takes the image and keeps its limits; new axes that the image fills by default.
        role: of the colour.
        corner: where the image begins on the axes, at the left and below.
        limits: the number that is blank and the one that is full; the least and the largest of
            `pixels` by default. Numbers beyond are as blank or as full.
    """
    numbers = np.asarray(pixels, float)
    if numbers.ndim != 2 or not numbers.size or not np.isfinite(numbers).all():
        wanted = "finite numbers of shape (rows, columns) are expected"
        raise ValueError(f"pixels have shape {numbers.shape} and hold {numbers}; {wanted}")
    rows, columns = numbers.shape
    if ax is None:
        ax = panels(1, height=HEIGHT)[0]
        ax.set(xlim=(-0.1, columns + 0.1), ylim=(-0.1, rows + 0.1), aspect="equal")
        ax.axis("off")
    low, high = limits or (numbers.min(), numbers.max())
    parts = np.clip((numbers - low) / ((high - low) or 1), 0, 1)
    shades = np.rint(SHADES * parts).astype(int)
    for shade in np.unique(shades[shades > 0]).tolist():
        shape = _shape(shades == shade, corner)
        ax.add_patch(PathPatch(shape, color=colour(role), alpha=shade / SHADES, lw=0))
    frame = Rectangle(corner, columns, rows, fill=False, edgecolor=colour("faint"), lw=0.6)
    ax.add_patch(frame)
    return ax


def _shape(mask: NDArray[np.bool_], corner: tuple[float, float]) -> Path:
    """The pixels that are true in a mask, row 1 above, neighbours in a row as one rectangle."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(int))
    row, begin = np.nonzero(edges == 1)
    end = np.nonzero(edges == -1)[1]
    left, right, top = corner[0] + begin, corner[0] + end, corner[1] + len(mask) - row
    x = np.c_[left, right, right, left, left]
    y = np.c_[top, top, top - 1, top - 1, top]
    once = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(np.stack([x, y], axis=-1).reshape(-1, 2), once * len(row))
