"""Axes, and one series on them: its line, and marks for what the axis cannot show."""

import re
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import ArrayLike, NDArray

from vanishing.plot.series_labels import place_labels
from vanishing.plot.style import HEIGHT, LINE, WIDTH, colour
from vanishing.plot.ticks import Decades, tick_label

Floats = NDArray[np.float64]
# A letter alone with an index, as in σ_w; no name such as leaky_relu.
INDEXED = re.compile(r"(?<!\w)[^\W\d_]_\w(?!\w)")
# At most so many markers on a line, so that a line of theory stays visible between them.
MARKERS_ON_A_LINE = 12


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


def typeset(label: str) -> str:
    """A label in which a letter's index, as in σ_w, is set as one."""
    return label if "$" in label else INDEXED.sub(r"$\g<0>$", label)


def labelled(ax: Axes | None, xlabel: str, ylabel: str, log: bool = False) -> Axes:
    """The axes to draw on, new ones if none are given.

    What the y axis shows stands above it, unrotated. Labels that are empty leave those before.
    """
    ax = ax or panels(1, height=HEIGHT)[0]
    ax.set_xlabel(typeset(xlabel or ax.get_xlabel()))
    ax.set_title(typeset(ylabel or ax.get_title(loc="left").rstrip("\n")), loc="left")
    if log:
        ax.set_yscale("log", nonpositive="mask")
        ax.set_autoscaley_on(False)
        ax.yaxis.set_major_locator(Decades())
        ax.yaxis.set_major_formatter(
            FuncFormatter(lambda value, _: tick_label(value, *ax.get_ylim()))
        )
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
    marks = _marked(at)
    if style in Line2D.markers and marks.step > 1:
        # Join all values by a thin line, as not all bear a marker.
        looks = {"linestyle": "-", "linewidth": 0.6, "markevery": marks, **looks}
    name = typeset(label) if label else "_"
    kind = (
        {"marker": style, "linestyle": "none"} if style in Line2D.markers else {"linestyle": style}
    )
    ax.plot(at, values, color=colour(role), label=name, gid=gid, **{**kind, **looks})
    lost = {"infinite": values == np.inf, "not a number": np.isnan(values)}
    if ax.get_yscale() == "log":
        lost |= {"exactly 0": values == 0, "negative": values < 0}
    for what, mask in lost.items():
        if mask.any():
            _mark_at_the_edge(ax, at[mask], what, role)


def _marked(x: Floats) -> slice:
    """Which points of a series bear a marker: all, or every few, with the last among them."""
    step = -(-len(x) // MARKERS_ON_A_LINE) if (np.diff(x) > 0).all() else 1
    return slice((len(x) - 1) % step, None, step)


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
        _fit_log_y(ax)
    place_labels(ax)
    # Move the labels when a page sets other limits.
    ax.callbacks.connect("ylim_changed", place_labels)
    _fit_x(ax)
    _name_shared_x_once(ax)
    return ax


def _fit_log_y(ax: Axes) -> None:
    """Set the y limits to the positive finite numbers of the series, or to the decades they fill.

    Whole decades are shown where the numbers themselves hold fewer than three ticks.
    """
    y = [float(y) for line in ax.lines for y in np.ravel(line.get_ydata()) if 0 < y < np.inf]
    start, stop = np.log10([min(y, default=1.0), max(y, default=1.0)])
    room = 0.04 * (stop - start)
    low, high = 10.0 ** max(start - room, -323), 10.0 ** min(stop + room, 308)
    shown = [tick for tick in Decades().tick_values(low, high) if low <= tick <= high]
    if len(shown) < 3:
        bottom = max(int(np.floor(start + 1e-9)), -323)
        top = min(max(int(np.ceil(stop - 1e-9)), bottom + 1), 308)
        low, high = 10.0**bottom, 10.0**top
    ax.set_ylim(low, high)


def _name_shared_x_once(ax: Axes) -> None:
    """Hide what the x axis shows where axes below share it."""
    place = ax.get_subplotspec()
    shared = ax.get_shared_x_axes().get_siblings(ax)
    if place is not None and len(shared) > 1:
        ax.xaxis.label.set_visible(place.is_last_row())


def _fit_x(ax: Axes) -> None:
    """Set the x limits to the data."""
    x = np.concatenate([np.ravel(line.get_xdata()) for line in ax.lines])
    start = x.min()
    stop = x.max()
    margin = 0.02 * (np.ptp(x) or 1.0)
    ax.spines.bottom.set_bounds(start, stop)
    ax.set_xlim(start - margin, stop + margin)
