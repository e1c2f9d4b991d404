"""Axes, and one series on them: its line, and marks for what the axis cannot show."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import ArrayLike, NDArray

from vanishing.plot.series_labels import place_labels
from vanishing.plot.style import CHARACTER, HEIGHT, LINE, WIDTH, colour
from vanishing.plot.ticks import Decades, log_number

Floats = NDArray[np.float64]


def panels(count: int, *, height: float | None = None) -> list[Axes]:
    """Axes that share their x axis, one above the other, on one figure as wide as any other.

    Args:
        count: of the axes.
        height: of the figure, in inches; 2.4 per panel by default.
    """
    figure = plt.figure(figsize=(WIDTH, height or 2.4 * count))
    axes = list(figure.subplots(count, squeeze=False, sharex=True)[:, 0])
    for ax in axes:
        ax.locator_params(nbins=6, steps=[1, 2, 5, 10])
    return axes


def labelled(ax: Axes | None, xlabel: str, ylabel: str, log: bool = False) -> Axes:
    """The axes to draw on, new ones if none are given.

    What the y axis shows stands above it, unrotated. Labels that are empty leave those before.
    """
    ax = ax or panels(1, height=HEIGHT)[0]
    ax.set_xlabel(xlabel or ax.get_xlabel())
    ax.set_title(ylabel or ax.get_title(loc="left"), loc="left")
    if log:
        ax.set_yscale("log")
        ax.set_autoscaley_on(False)
        ax.yaxis.set_major_locator(Decades())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: log_number(value)))
        ax.yaxis.set_minor_formatter(NullFormatter())
    return ax


def draw(
    ax: Axes,
    x: ArrayLike,
    y: ArrayLike,
    style: str,
    role: str,
    label: str | None = None,
    *,
    gid: str = "end",
    **looks: Any,
) -> None:
    """Draw one series, and mark at the edge what the y axis cannot show.

    Args:
        ax: takes the series.
        x: one number for each y.
        y: the series.
        style: of line and markers, as `Axes.plot` takes it.
        role: of the colour.
        label: stands beside the series; None for none.
        gid: where the label stands: 'end' or 'peak'.
        looks: what else `Axes.plot` takes.
    """
    at = np.asarray(x, float)
    values = np.asarray(y, float)
    if at.ndim != 1 or at.shape != values.shape:
        shapes = f"{at.shape} and {values.shape}"
        raise ValueError(f"a series needs one x for each y; got shapes {shapes}")
    ax.plot(at, values, style, color=colour(role), label=label or "_", gid=gid, **looks)
    lost = {"infinite": values == np.inf, "not a number": np.isnan(values)}
    if ax.get_yscale() == "log":
        lost |= {"exactly 0": values == 0, "negative": values < 0}
    for what, mask in lost.items():
        if mask.any():
            _mark_at_the_edge(ax, at[mask], what, role)


def _mark_at_the_edge(ax: Axes, x: Floats, what: str, role: str) -> None:
    """Mark values that the y axis cannot show, and name them in words, in the series' colour."""
    above = what == "infinite"
    edge = 1 if above else 0
    ax.scatter(
        x,
        np.full(len(x), edge),
        16,
        colour(role),
        marker="^" if above else "v",
        clip_on=False,
        zorder=3,
        transform=ax.get_xaxis_transform(),
    )
    gid = f"edge {edge}"
    row = 1 + sum(text.get_gid() == gid for text in ax.texts)
    inwards = (-1 if above else 1) * (row * LINE - 4)
    ax.annotate(
        what,
        (x.mean(), edge),
        (0, inwards),
        ax.get_xaxis_transform(),
        "offset points",
        ha="center",
        va="center",
        color=colour(role),
        gid=gid,
    )


def finish(ax: Axes) -> Axes:
    """The axes with whole decades if they are log, labels beside the series, and room for them."""
    if ax.get_yscale() == "log":
        _show_whole_decades(ax)
    left = place_labels(ax)
    # Move the labels when a page sets other limits.
    ax.callbacks.connect("ylim_changed", place_labels)
    _fit_x(ax, left)
    return ax


def _show_whole_decades(ax: Axes) -> None:
    """Set the y limits to powers of ten that hold every positive finite number of the series."""
    y = [float(y) for line in ax.lines for y in np.ravel(line.get_ydata()) if 0 < y < np.inf]
    low = max(int(np.floor(np.log10(min(y, default=1.0)) + 1e-9)), -323)
    high = min(max(int(np.ceil(np.log10(max(y, default=1.0)) - 1e-9)), low + 1), 308)
    ax.set_ylim(10.0**low, 10.0**high)


def _fit_x(ax: Axes, left: bool) -> None:
    """Set the x limits to the data, with room for labels that stand left of them."""
    x = np.concatenate([np.ravel(line.get_xdata()) for line in ax.lines])
    start = x.min()
    stop = x.max()
    span = np.ptp(x) or 1.0
    longest = max(len(str(line.get_label())) for line in ax.lines)
    room = LINE + CHARACTER * longest if left else 0.0
    free = ax.get_window_extent().width * 72 / ax.figure.dpi - room
    ax.spines.bottom.set_bounds(start, stop)
    ax.set_xlim(start - span * (0.02 + room / free), stop + 0.02 * span)
