"""Axes, and one series on them: line, label without overlap, and the ticks of a log axis."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

from vanishing.plot.style import CHARACTER, HEIGHT, LINE, WIDTH, colour

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
        ax.yaxis.set_major_locator(_Decades())
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
    left = _place_labels(ax)
    # Move the labels when a page sets other limits.
    ax.callbacks.connect("ylim_changed", _place_labels)
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


def _place_labels(ax: Axes) -> bool:
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


class _Decades(LogLocator):
    """Few powers of ten, at even steps that include 1; 2 and 5 between them on a short axis."""

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        low = np.log10(vmin)
        high = np.log10(vmax)
        step = tick_step(max(1, round(high - low)))
        digits = (1, 2, 5) if high - low < 1.5 else (1,)
        powers = range(max(-323, int(low) - 1), min(308, int(high) + 1) + 1)
        return [digit * 10.0**power for power in powers if power % step == 0 for digit in digits]


def tick_step(span: int) -> int:
    """The whole number 1, 2 or 5 times a power of ten that cuts `span` into six or fewer."""
    locator = MaxNLocator(6, integer=True, steps=[1, 2, 5, 10])
    return int(np.diff(locator.tick_values(0, span))[0])


def log_number(value: float) -> str:
    """A number on a log axis as a reader writes it: 10⁻⁵, 0.1, 0.2, 1, 10, 100."""
    exponent = round(np.log10(value))
    if -2 < exponent < 3 or not np.isclose(value, 10.0**exponent, rtol=1e-6):
        return f"{value:g}"
    superscripts = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    return "10" + str(exponent).translate(superscripts)
