"""Matrices and arrows of a run, drawn: who shares a mean, what clipping does, delta times h."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle
from numpy.typing import ArrayLike

from vanishing.plot.canvas import ACROSS, Floats, canvas, cell
from vanishing.plot.style import LINE, WIDTH, colour

KINDS = ("batch norm", "layer norm", "RMS norm")


def shared_mean(
    entries: ArrayLike,
    below: Mapping[str, str] | None = None,
    *,
    ax: Axes | None = None,
    unit: int = 0,
    sample: int = 0,
    role: str = "forward",
) -> Axes:
    """Which entries of a batch share a mean, under batch norm, layer norm and RMS norm.

    A row is a sample and a column a unit; a cell is the fuller the larger its entry's size, and a
    negative entry bears a minus sign. The entries that share their statistics are framed: one
    unit's over the batch (Ioffe & Szegedy 2015), one sample's over the units (Ba, Kiros & Hinton
    2016), and the same without a mean (Zhang & Sennrich 2019).

    Args:
        entries: shape (batch, units), at most about 8 by 8.
        below: 'batch norm', 'layer norm', 'RMS norm' -> what to write below each, such as the mean;
            the norms that it names are drawn, all three by default.
        ax: takes the drawing; new axes by default.
        unit: the column that batch norm frames, from 0.
        sample: the row that the other two frame, from 0.
        role: of the cells.

    Raises:
        ValueError: entries is no finite matrix, or `below` names an unknown norm.

    Examples:
        >>> ax = shared_mean([[1.0, 2.0], [3.0, 4.0]], {"batch norm": "mean 2"})
        >>> [text.get_text() for text in ax.texts]
        ['batch norm', 'mean 2', 'units →', 'batch →']
    """
    matrix = _matrix("entries", entries)
    kinds = dict.fromkeys(KINDS, "") if below is None else below
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise ValueError(f"below names {unknown[0]!r}; {', '.join(map(repr, KINDS))} are expected")
    rows, columns = matrix.shape
    left, gap = 20.0, 16.0
    room = (ACROSS - left - gap * (len(kinds) - 1)) / len(kinds)
    side = min(24.0, room / columns)
    bottom = LINE * (1 + max(len(said.splitlines()) for said in kinds.values())) + 8
    top = bottom + side * rows
    ax = canvas(ax, top + LINE + 6)
    for n, (kind, said) in enumerate(kinds.items()):
        x = left + n * (room + gap) + (room - side * columns) / 2
        inside = np.zeros(matrix.shape, bool)
        if kind == "batch norm":
            inside[:, unit] = True
            frame = (x + side * unit, bottom), side, side * rows
        else:
            inside[sample] = True
            frame = (x, top - side * (sample + 1)), side * columns, side
        _cells(ax, matrix, (x, top), side, role, inside)
        ax.add_patch(Rectangle(*frame, fill=False, edgecolor=colour("ink"), lw=1.6, zorder=3))
        middle = x + side * columns / 2
        looks: dict[str, Any] = {"ha": "center", "color": colour("ink")}
        ax.text(middle, top + LINE / 2 + 3, kind, va="center", **looks)
        if said:
            ax.text(middle, bottom - LINE - 4, said, va="top", **looks)
    first = left + (room - side * columns) / 2
    faint: dict[str, Any] = {"color": colour("faint"), "ha": "center", "va": "center"}
    ax.text(first + side * columns / 2, bottom - LINE / 2 - 2, "units →", **faint)
    ax.text(first - LINE / 2 - 3, (bottom + top) / 2, "batch →", rotation=-90, **faint)
    return ax


def _matrix(name: str, entries: ArrayLike) -> Floats:
    """The entries as a finite matrix, or an error that says what came."""
    matrix = np.asarray(entries, float)
    if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
        wanted = "a matrix of finite numbers is expected"
        raise ValueError(f"{name} has shape {matrix.shape}; {wanted}")
    return matrix


def _cells(
    ax: Axes,
    matrix: Floats,
    corner: tuple[float, float],
    side: float,
    role: str,
    lit: ArrayLike = True,
) -> None:
    """Draw a matrix's cells from its upper left corner on, full at the largest size."""
    largest = np.abs(matrix).max() or 1.0
    bright = np.broadcast_to(np.asarray(lit, bool), matrix.shape)
    for (row, column), value in np.ndenumerate(matrix):
        place = (corner[0] + side * column, corner[1] - side * (row + 1))
        cell(ax, place, side, role, float(value / largest), lit=bool(bright[row, column]))


def outer(
    delta: ArrayLike,
    h: ArrayLike,
    *,
    ax: Axes | None = None,
    names: Sequence[str] = ("δ", "h", "dL/dW"),
) -> Axes:
    """The gradient of a weight matrix as delta times h: each entry is its row's times its column's.

    delta stands at the left and h above; cells are the fuller the larger their entry's size, each
    of the three by its own largest, and a negative entry bears a minus sign.

    Args:
        delta: of one sample, at the units of the layer, shape (m,).
        h: of the same sample, what the layer takes, shape (n,).
        ax: takes the drawing; new axes by default.
        names: of delta, of h and of their product, in turn.

    Raises:
        ValueError: delta or h is no vector of finite numbers.

    Examples:
        >>> ax = outer([0.1, -0.2], [1.0, 0.0, 3.0])
        >>> len(ax.patches)
        11
    """
    back, into = _matrix("delta", np.atleast_2d(delta)), _matrix("h", np.atleast_2d(h))
    if len(back) > 1 or len(into) > 1:
        shapes = f"{np.shape(delta)} and {np.shape(h)}"
        raise ValueError(f"delta and h are vectors of one sample; got shapes {shapes}")
    rows, columns = back.size, into.size
    margin = LINE + 4
    side = min(24.0, (ACROSS - margin - 60) / (columns + 1.5), 200 / rows)
    aside = 0.5 * side
    height = margin + side * (rows + 1) + aside + LINE + 2
    ax = canvas(ax, height)
    whole = margin + side * (columns + 1) + aside
    x = (ACROSS - whole) / 2 + margin
    y = LINE + 4 + side * rows
    _cells(ax, into, (x + side + aside, y + aside + side), side, "forward")
    _cells(ax, back.T, (x, y), side, "backward")
    _cells(ax, back.T * into, (x + side + aside, y), side, "ink")
    looks: dict[str, Any] = {"ha": "center", "va": "center"}
    middle = x + side + aside + side * columns / 2
    ax.text(x - margin / 2, y - side * rows / 2, names[0], color=colour("backward"), **looks)
    ax.text(middle, height - LINE / 2, names[1], color=colour("forward"), **looks)
    ax.text(middle, LINE / 2, names[2], color=colour("ink"), **looks)
    return ax


def ball_and_box(
    gradients: ArrayLike,
    by_norm: ArrayLike,
    by_value: ArrayLike,
    *,
    norm: float,
    value: float,
    axes: Sequence[Axes] | None = None,
    coordinates: Sequence[str] = ("coordinate 1", "coordinate 2"),
    limit: float | None = None,
) -> list[Axes]:
    """Gradients of a run before and after clipping: by norm into a ball, by value into a box.

    Two panels show the same gradients in two coordinates. A hollow mark is a gradient before, and a
    full one the same gradient after; clipping by norm keeps its direction (Pascanu, Mikolov &
    Bengio 2013, section 3.2), clipping by value does not.

    Args:
        gradients: before, shape (n, 2).
        by_norm: after clipping by norm, shape (n, 2).
        by_value: after clipping by value, shape (n, 2).
        norm: the largest norm, the ball's radius.
        value: the largest size of a coordinate, half the box's side.
        axes: two, for the ball and for the box; new ones by default.
        coordinates: names of the two.
        limit: the largest size of a coordinate that is shown; so that all are, by default.

    Raises:
        ValueError: the three arrays have other shapes, or hold what is not finite.

    Examples:
        >>> left, right = ball_and_box([[3, 4]], [[0.6, 0.8]], [[1, 1]], norm=1, value=1)
        >>> left.get_title(loc="left"), right.get_title(loc="left")
        ('by norm', 'by value')
    """
    before = _matrix("gradients", gradients)
    after = {"by norm": _matrix("by_norm", by_norm), "by value": _matrix("by_value", by_value)}
    if before.shape[1] != 2 or any(one.shape != before.shape for one in after.values()):
        shapes = ", ".join(str(one.shape) for one in (before, *after.values()))
        raise ValueError(f"the gradients have shapes {shapes}; (n, 2) is expected three times")
    if axes is None:
        axes = list(plt.figure(figsize=(WIDTH, 2.9)).subplots(1, 2))
    limit = limit or 1.08 * max(np.abs(before).max(), norm, value)
    fences = (
        Circle((0, 0), norm),
        Rectangle((-value, -value), 2 * value, 2 * value),
    )
    for ax, fence, (title, points) in zip(axes, fences, after.items(), strict=True):
        fence.set(facecolor=colour("yellow"), edgecolor=colour("ink"), alpha=0.5, linewidth=1.0)
        ax.add_patch(fence)
        shade = colour("backward")
        for a, b in zip(before, points, strict=True):
            ax.plot((a[0], b[0]), (a[1], b[1]), color=colour("faint"), linewidth=0.8, label="_")
        ax.plot(*before.T, "s", color=shade, fillstyle="none", label="_", gid="before")
        ax.plot(*points.T, "s", color=shade, label="_", gid="after")
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel=coordinates[0])
        ax.set_title(title, loc="left")
        ax.locator_params(nbins=4, steps=[1, 2, 5, 10])
        ax.grid(False)
    axes[0].set_ylabel(coordinates[1])
    return list(axes)
