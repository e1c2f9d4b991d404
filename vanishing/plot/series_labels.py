"""Labels of series: which side of a figure they stand on, and how they keep apart."""

from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vanishing.plot.style import CHARACTER, LINE, WIDTH

Floats = NDArray[np.float64]
# The label of a line that predicts, and what stands above the axes where it has no series' place.
THEORY, KEY = "theory", "— theory"
# A label with more characters breaks into lines.
LONGEST = 16


def place_labels(ax: Axes) -> bool:
    """Place labels beside the series, without overlap; True if they stand at the left.

    A label stands at the side where the series lie further apart, or at the peak of its series; the
    y axis stands at the other side. The theory's line is named beside it where one series stands
    alone, and else by a key above the axes, so that it is not read as a further series.
    """
    # Ask for the limits first: this may move them, and so call this function again.
    limits = ax.get_ylim()
    for text in [text for text in ax.texts if text.get_gid() == "name"]:
        text.remove()
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    measured = [line for line in ax.lines if line.get_gid() in ("end", "peak")]
    if keyed := len(measured) > 1 and any(line.get_label() == THEORY for line in lines):
        lines = [line for line in lines if line.get_label() != THEORY]
    data = [_shown(line, limits) for line in lines]
    points = [ax.transData.transform(xy)[:, 1] * 72 / ax.figure.dpi for xy in data]
    left = _further_apart_at_the_left(points)
    _show_axis(ax, right=left)
    at = [
        int(y.argmax()) if _has_label_at_peak(line) else left - 1
        for line, y in zip(lines, points, strict=True)
    ]
    labels = [_broken(str(line.get_label())) for line in lines]
    _show_key(ax, keyed, 0 if left else max(map(len, "\n".join(labels).split("\n"))))
    heights = np.array([y[i] for y, i in zip(points, at, strict=True)])
    order = np.argsort(heights, kind="stable")
    rows = np.array([1.0 + labels[i].count("\n") for i in order])
    # A label at the left would run into the title.
    top = ax.get_window_extent().y1 * 72 / ax.figure.dpi if left else np.inf
    for i, y in zip(order, kept_apart(heights[order], rows, top), strict=True):
        _annotate(ax, lines[i], labels[i], data[i][at[i]], y - heights[i], left)
    return left


def _broken(label: str) -> str:
    """A label in lines of at most LONGEST characters, if it is not mathematics."""
    return label if "$" in label else "\n".join(wrap(label, LONGEST)) or label


def _show_axis(ax: Axes, *, right: bool) -> None:
    """Show the y axis at the right or at the left, if it is shown at all."""
    if ax.spines.left.get_visible() != ax.spines.right.get_visible():
        ax.spines.left.set_visible(not right)
        ax.spines.right.set_visible(right)
        ax.yaxis.set_ticks_position("right" if right else "left")


def _show_key(ax: Axes, shown: bool, characters: int) -> None:
    """Show or hide the theory's key above the axes, on a line of its own if the title is long."""
    title = ax.get_title(loc="left").rstrip("\n")
    if ax.get_title(loc="right") in ("", KEY):
        ax.set_title(KEY if shown else "", loc="right")
        free = (WIDTH * 72 - 45) / CHARACTER - characters
        ax.set_title(f"{title}\n" if shown and len(title + KEY) + 2 > free else title, loc="left")


def _shown(line: Line2D, limits: tuple[float, float]) -> Floats:
    """The points of a series, shape (n, 2), with y moved into the limits of the axis."""
    y = np.clip(np.nan_to_num(line.get_ydata()), *limits)
    return np.column_stack([line.get_xdata(), y])


def _further_apart_at_the_left(points: list[Floats]) -> bool:
    """Whether several series scatter more where they start than where they end."""
    if len(points) < 2:
        return False
    return bool(np.std([y[0] for y in points]) > 1.2 * np.std([y[-1] for y in points]))


def _has_label_at_peak(line: Line2D) -> bool:
    return line.get_gid() == "peak"


def _annotate(ax: Axes, line: Line2D, label: str, xy: Floats, up: float, left: bool) -> None:
    """Write a series' label in its colour, `up` points above the data point that it belongs to."""
    if _has_label_at_peak(line):
        offset, ha = (0.0, up + 10), "center"
    elif left:
        offset, ha = (-7.0, up), "right"
    else:
        offset, ha = (7.0, up), "left"
    ax.annotate(
        label,
        (xy[0], xy[1]),
        offset,
        "data",
        "offset points",
        ha=ha,
        va="center",
        color=line.get_color(),
        gid="name",
    )


def kept_apart(heights: Floats, rows: Floats | None = None, top: float = np.inf) -> Floats:
    """The places nearest to sorted heights for labels that do not overlap or pass the top.

    Isotonic regression of each height less the least distance from the first label: neighbours in
    the wrong order share their mean. All in points; a label has 1 or more rows of a LINE each.
    """
    rows = np.ones(len(heights)) if rows is None else rows
    least = LINE * np.concatenate([[0.0], np.cumsum((rows[1:] + rows[:-1]) / 2)])[: len(heights)]
    pools: list[tuple[float, int]] = []
    for height, above in zip(heights, least, strict=True):
        mean = float(height - above)
        count = 1
        while pools and pools[-1][0] > mean:
            below, more = pools.pop()
            mean = (mean * count + below * more) / (count + more)
            count += more
        pools.append((mean, count))
    levels = np.array([mean for mean, count in pools for _ in range(count)])
    highest = top - least[-1] - LINE * rows[-1] / 2 if len(rows) else top
    places: Floats = np.minimum(levels, highest) + least
    return places
