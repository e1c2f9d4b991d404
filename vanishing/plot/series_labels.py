"""Labels of series: which side of a figure they stand on, and how they keep apart."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from vanishing.plot.style import LINE

Floats = NDArray[np.float64]


def place_labels(ax: Axes) -> bool:
    """Place labels beside the series, without overlap; True if they stand at the left.

    A label stands at the side where the series lie further apart, or at the peak of its series.
    """
    # Ask for the limits first: this may move them, and so call this function again.
    limits = ax.get_ylim()
    for text in [text for text in ax.texts if text.get_gid() == "name"]:
        text.remove()
    lines = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    data = [_shown(line, limits) for line in lines]
    points = [ax.transData.transform(xy)[:, 1] * 72 / ax.figure.dpi for xy in data]
    left = _further_apart_at_the_left(points)
    at = [
        int(y.argmax()) if _has_label_at_peak(line) else left - 1
        for line, y in zip(lines, points, strict=True)
    ]
    heights = np.array([y[i] for y, i in zip(points, at, strict=True)])
    order = np.argsort(heights, kind="stable")
    for i, y in zip(order, kept_apart(heights[order]), strict=True):
        _annotate(ax, lines[i], data[i][at[i]], y - heights[i], left)
    return left


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


def _annotate(ax: Axes, line: Line2D, xy: Floats, up: float, left: bool) -> None:
    """Write a series' label in its colour, `up` points above the data point that it belongs to."""
    if _has_label_at_peak(line):
        offset, ha = (0.0, up + 10), "center"
    elif left:
        offset, ha = (-7.0, up), "right"
    else:
        offset, ha = (7.0, up), "left"
    ax.annotate(
        str(line.get_label()),
        (xy[0], xy[1]),
        offset,
        "data",
        "offset points",
        ha=ha,
        va="center",
        color=line.get_color(),
        gid="name",
    )


def kept_apart(heights: Floats) -> Floats:
    """The places nearest to sorted heights that are at least a LINE apart, in points.

    Isotonic regression of height - LINE * rank: neighbours in the wrong order share their mean.
    """
    pools: list[tuple[float, int]] = []
    for rank, height in enumerate(heights):
        mean = float(height) - LINE * rank
        count = 1
        while pools and pools[-1][0] > mean:
            below, more = pools.pop()
            mean = (mean * count + below * more) / (count + more)
            count += more
        pools.append((mean, count))
    levels = np.array([mean for mean, count in pools for _ in range(count)])
    return levels + LINE * np.arange(float(len(heights)))
