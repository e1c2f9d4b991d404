"""What schematics are drawn with: empty axes in points, arrows as wide as a size, units, cells."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from vanishing.plot.style import HEIGHT, WIDTH, colour
from vanishing.plot.ticks import log_number

Floats = NDArray[np.float64]

#: Points across a canvas: a figure's width less the margins that Matplotlib keeps.
ACROSS = WIDTH * 72 - 6
# Points of the widest arrow, of the thinnest, and the decades of size between the two.
FULL, HAIRLINE, DECADES = 9.0, 0.6, 6.0
# What is not in question steps back to this opacity.
FADED = 0.3
#: Diameter of a unit, in points.
UNIT = 14.0
# At most so many columns of units, or steps, have room.
COLUMNS = 8


def canvas(ax: Axes | None, height: float) -> Axes:
    """Axes that show nothing of their own, whose data units are points: (0, 0) at the lower left.

    Args:
        ax: is emptied of ticks, spines and grid, and its figure made as tall as the drawing if it
            holds no other axes; new axes by default.
        height: in points.
    """
    ax = ax or plt.figure(figsize=(WIDTH, HEIGHT)).add_subplot()
    figure = ax.figure.figure
    if len(figure.axes) == 1:
        figure.set_size_inches(WIDTH, (height + 6) / 72)
    ax.set_axis_off()
    ax.set(xlim=(0, ACROSS), ylim=(0, height), aspect="equal")
    return ax


def stroke(sizes: ArrayLike) -> Floats:
    """The widths in points of arrows of these sizes, full at the largest, 0 where a size is lost.

    The width falls with the logarithm of size / largest, to a hairline at 1e-6 and below.
    """
    size = np.asarray(sizes, float)
    shown = np.isfinite(size) & (size > 0)
    largest = size.max(where=shown, initial=0.0) or 1.0
    decades = np.log10(np.divide(size, largest, where=shown, out=np.ones_like(size)))
    width = HAIRLINE + (FULL - HAIRLINE) * np.clip(1 + decades / DECADES, 0, 1)
    return np.where(shown, width, np.where(size == np.inf, FULL, 0.0))


def what_is_lost(size: float) -> str:
    """The name of a size that no width shows: lost, infinite, not a number; empty if one does."""
    if np.isnan(size):
        return "NaN"
    return "∞" if size == np.inf else "" if size > 0 else "lost"


def written(size: float) -> str:
    """A size with two digits, as a reader writes it."""
    if np.isnan(size):
        return "NaN"
    return "∞" if size == np.inf else log_number(float(f"{size:.1e}")) if size else "0"


def norms(name: str, sizes: ArrayLike) -> Floats:
    """The sizes as an array, refused if they are not one number each, or negative."""
    array = np.asarray(sizes, float)
    if array.ndim != 1 or not len(array):
        raise ValueError(f"{name} has shape {array.shape}; one size per layer or step is expected")
    if (array < 0).any():
        raise ValueError(
            f"{name} holds sizes, which cannot be negative; the least is {array.min():.3g}"
        )
    return array


def chosen(count: int, columns: int = COLUMNS) -> list[int]:
    """At most `columns` of range(count): the first, the last, and evenly many between."""
    return [int(i) for i in np.unique(np.linspace(0, count - 1, min(count, columns)).round())]


def arrow(
    ax: Axes,
    start: tuple[float, float],
    stop: tuple[float, float],
    size: float,
    width: float,
    role: str,
    *,
    lit: bool = True,
    name: bool = True,
) -> None:
    """Draw an arrow `width` points wide, or dots and the word for a size that no width shows.

    Args:
        ax: a canvas.
        start: of the arrow, in points.
        stop: its tip.
        size: what the width stands for.
        width: in points.
        role: of the colour.
        lit: whether the arrow is in question; faded if not.
        name: whether to name a lost size.
    """
    alpha = 1 if lit else FADED
    (x, y), (tip, top) = start, stop
    lost = what_is_lost(size)
    if lost and name:
        text = colour(role if lit else "faint")
        ax.text((x + tip) / 2, (y + top) / 2, lost, ha="center", va="center", color=text)
        return
    if lost:
        dots: dict[str, Any] = {
            "linestyle": ":",
            "linewidth": 1.2,
            "alpha": alpha,
            "label": "_",
            "gid": "lost",
        }
        ax.plot((x, tip), (y, top), color=colour(role), **dots)
        return
    length = float(np.hypot(tip - x, top - y))
    along = np.array([tip - x, top - y]) / length
    across = np.array([-along[1], along[0]])
    # The shaft and its head, one outline, so that no seam shows where an arrow is faded.
    head = min(0.45 * length, 3 + 0.6 * width)
    half = width / 2
    wing = half + 2
    neck = np.array(stop) - head * along
    outline = [
        np.array(start) + half * across,
        neck + half * across,
        neck + wing * across,
        np.array(stop),
        neck - wing * across,
        neck - half * across,
        np.array(start) - half * across,
    ]
    ax.fill(*np.transpose(outline), color=colour(role), alpha=alpha, linewidth=0, gid="arrow")


def circles(
    ax: Axes,
    x: float,
    heights: Sequence[float] | Floats,
    *,
    role: str = "ink",
    filled: bool = False,
    lit: bool = True,
) -> None:
    """Draw a circle at each height, on the paper's ground or filled."""
    alpha = 1 if lit else FADED
    ground = colour(role if filled else "paper")
    edge = colour(role if lit else "faint")
    at = np.full(len(heights), x)
    # The paper first, so that lines end at a circle even where it is faded.
    ax.scatter(at, heights, UNIT**2, colour("paper"), linewidth=0, zorder=3)
    ax.scatter(at, heights, UNIT**2, ground, edgecolors=edge, linewidth=1.2, alpha=alpha, zorder=3)


def strokes(
    ax: Axes, segments: Sequence[ArrayLike], width: float, role: str, *, alpha: float = 1.0
) -> None:
    """Draw lines through the points of each segment, shape (n, 2), as one shape behind the rest."""
    if len(segments):
        whole = Path.make_compound_path(*(Path(np.asarray(one, float)) for one in segments))
        looks = {"edgecolor": colour(role), "linewidth": width, "alpha": alpha, "zorder": 0.9}
        ax.add_patch(PathPatch(whole, fill=False, **looks))


def cell(
    ax: Axes, corner: tuple[float, float], side: float, role: str, part: float, *, lit: bool = True
) -> None:
    """Draw a cell, the palest if |part| is 0 and full if 1, with a minus sign if it is negative."""
    shade = (0.08 + 0.92 * min(abs(part), 1.0)) * (1 if lit else FADED)
    x, y = corner[0] + 0.04 * side, corner[1] + 0.04 * side
    ax.add_patch(Rectangle((x, y), 0.92 * side, 0.92 * side, color=colour(role), alpha=shade, lw=0))
    if part < 0:
        middle = corner[1] + side / 2
        dash = (corner[0] + 0.34 * side, corner[0] + 0.66 * side)
        ground = colour("paper" if shade > 0.5 else "ink")
        ax.plot(dash, (middle, middle), color=ground, alpha=1 if lit else FADED, label="_")
