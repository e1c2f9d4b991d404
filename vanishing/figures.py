"""Drawing, in one style; this module and `explorables` alone import matplotlib.

A drawing function takes arrays and an optional `ax`, computes nothing but layout, and returns the `ax`.
Measurements are points with intervals, theory is a line in the text's ink, and a series carries its name
itself instead of a legend. A colour is a role: the site gives every role a shade for light, dark and print.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.rcsetup import cycler
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "PALETTE",
    "curves",
    "heat",
    "histogram",
    "measured",
    "panels",
    "per_layer",
    "training",
    "trajectory",
    "use",
]

#: Role of a colour -> its light shade: Okabe and Ito's colours for series, neutral ones for the rest.
PALETTE = {
    "ink": "#22262b",
    "faint": "#5b626b",
    "grid": "#dfe2e6",
    "paper": "#ffffff",
    "forward": "#0072b2",
    "backward": "#d55e00",
    "green": "#009e73",
    "purple": "#cc79a7",
    "yellow": "#f0e442",
}
SERIES = ("forward", "backward", "green", "purple", "ink")
MARKERS = {"forward": "o", "backward": "s", "green": "^", "purple": "D", "ink": "x"}
WIDTH, HEIGHT = 5.2, 3.2  # inches: shown 358 px wide on a phone, text of 12 pt is still above 11 px
LINE = 15.0  # points from the middle of one name to the next
CHARACTER = 7.0  # points that one character of a name takes, on average


def use() -> None:
    """Make this style the current one; importing the module does so once."""
    ink, faint = PALETTE["ink"], PALETTE["faint"]
    plt.rcParams.update(
        {
            "figure.figsize": (WIDTH, HEIGHT),
            "figure.constrained_layout.use": True,
            "font.family": ["DejaVu Sans"],
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "axes.axisbelow": True,
            "font.size": 12,
            "axes.titlesize": 12,
            "xtick.labelsize": 12,
            "ytick.labelsize": 12,
            "axes.xmargin": 0.02,
            "text.color": ink,
            "axes.labelcolor": ink,
            "xtick.color": faint,
            "ytick.color": faint,
            "axes.edgecolor": faint,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.linewidth": 0.8,
            "axes.titlelocation": "left",
            "axes.grid": True,
            "axes.grid.axis": "y",
            "grid.color": PALETTE["grid"],
            "axes.prop_cycle": cycler(color=[PALETTE[role] for role in SERIES]),
            "lines.linewidth": 1.2,
            "lines.markersize": 4,
            "xtick.minor.size": 0,
            "ytick.minor.size": 0,  # 1.2 pt: 1.6 px
            "svg.fonttype": "none",
            "svg.hashsalt": "vanishing",  # text stays text, ids stay the same
        }
    )


use()


def panels(count: int, *, height: float | None = None) -> list[Axes]:
    """Axes that share their x axis, one above the other, on one figure as wide as any other."""
    axes = plt.figure(figsize=(WIDTH, height or 2.4 * count)).subplots(
        count, squeeze=False, sharex=True
    )[:, 0]
    for ax in axes:
        ax.locator_params(nbins=6, steps=[1, 2, 5, 10])
    return list(axes)


def measured(
    x: ArrayLike,
    y: ArrayLike,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    role: str = "backward",
    interval: tuple[ArrayLike, ArrayLike] | None = None,
    theory: ArrayLike | None = None,
    xlabel: str = "",
    ylabel: str = "",
    log: bool = False,
) -> Axes:
    """Points `y` over `x` with their `interval` (lowest, highest), and `theory` for the same `x` as a line."""
    ax = _axes(ax, xlabel, ylabel, log)
    if interval is not None:
        for at, low, high in np.broadcast(x, *interval):
            ax.plot((at, at), (low, high), color=_colour(role), alpha=0.5, label="_")
    if theory is not None:
        _draw(
            ax,
            x,
            theory,
            "-",
            "ink",
            None if "theory" in [line.get_label() for line in ax.lines] else "theory",
        )
    _draw(ax, x, y, MARKERS.get(role, "o"), role, label)
    return _finish(ax)


def per_layer(
    values: ArrayLike,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    role: str = "backward",
    theory: ArrayLike | None = None,
    interval: tuple[ArrayLike, ArrayLike] | None = None,
    ylabel: str = "rms of δ",
    first: int = 1,
) -> Axes:
    """One norm per layer on a log axis, input side left; `first` is the number of the first layer (0: the input).

    A norm that a log axis cannot show (zero, infinite, not a number) is marked at its edge and named there.
    """
    norms = np.atleast_1d(np.asarray(values, float))
    if (norms < 0).any():
        raise ValueError(
            f"values are norms, one per layer, and cannot be negative; the least is {norms.min():.3g}"
        )
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
    last = int(max(np.max(line.get_xdata()) for line in ax.lines))
    inner = range(_step(last), last - _step(last) // 2, _step(last))
    ax.xaxis.set_major_locator(FixedLocator([first, *inner, last]))
    return ax


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
    """One line over `x` for each entry of `series`, named at its end."""
    ax = _axes(ax, xlabel, ylabel, log)
    for (label, y), role in zip(series.items(), cycle(roles), strict=False):
        _draw(ax, x, y, "-", role, label)
    return _finish(ax)


def training(
    histories: Mapping[str, Any],
    *,
    axes: Sequence[Axes] | None = None,
    chance: float | None = None,
    roles: Sequence[str] = SERIES,
) -> list[Axes]:
    """Two panels over `epoch`: the `loss` above, the `accuracy` below, where `chance` is what guessing reaches."""
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
        _draw(
            below, below.dataLim.intervalx, (chance, chance), "--", "faint", "chance", linewidth=0.8
        )
    below.set_ylim(0, 1.02)
    return [above, _finish(below)]


def trajectory(
    x: ArrayLike,
    y: ArrayLike,
    path: ArrayLike,
    heights: ArrayLike,
    *,
    ax: Axes | None = None,
    label: str | None = None,
    role: str = "backward",
    xlabel: str = "",
    ylabel: str = "",
) -> Axes:
    """The steps of a descent, `heights` over `path`, on the curve `y` over `x`; named and ringed where it starts."""
    ax = _axes(ax, xlabel, ylabel)
    _draw(ax, x, y, "-", "ink")
    _draw(ax, path, heights, f"-{MARKERS.get(role, 'o')}", role, linewidth=0.6)
    _draw(
        ax,
        np.ravel(path)[:1],
        np.ravel(heights)[:1],
        "o",
        role,
        label,
        fillstyle="none",
        markersize=9,
    )
    return _finish(ax)


def histogram(
    samples: Mapping[str, ArrayLike],
    *,
    ax: Axes | None = None,
    bins: int = 40,
    roles: Sequence[str] = SERIES,
    xlabel: str = "",
    ylabel: str = "density",
) -> Axes:
    """The density of each entry of `samples` over bins that all share, named at its peak."""
    ax = _axes(ax, xlabel, ylabel)
    edges = np.histogram_bin_edges(
        np.concatenate([np.ravel(sample) for sample in samples.values()]), bins
    )
    for (label, sample), role in zip(samples.items(), cycle(roles), strict=False):
        heights, _ = np.histogram(sample, edges, density=True)
        ax.stairs(heights, edges, fill=True, color=_colour(role), alpha=0.15)
        _draw(
            ax,
            np.repeat(edges, 2),
            np.r_[0, np.repeat(heights, 2), 0],
            "-",
            role,
            label,
            gid="peak",
        )
    return _finish(ax)


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
    """A cell for each entry of `matrix`, row 1 below, the fuller the larger; what has no shade is written out.

    Cells are shades of one role, on a log scale if `log`, and so follow the palette.
    """
    cells = np.atleast_2d(np.asarray(matrix, float))
    shown = np.isfinite(cells) & ((cells > 0) | (not log))
    level = np.log10(cells, where=shown, out=np.zeros_like(cells)) if log else cells
    low, high = (level[shown].min(), level[shown].max()) if shown.any() else (0.0, 0.0)
    ax = _axes(ax, xlabel, ylabel)
    for (row, column), value in np.ndenumerate(cells):
        if shown[row, column]:
            shade = 0.08 + 0.92 * (level[row, column] - low) / (high - low or 1)
            ax.add_patch(
                Rectangle(
                    (column + 0.54, row + 0.54), 0.92, 0.92, color=_colour(role), alpha=shade, lw=0
                )
            )
        else:
            ax.text(
                column + 1, row + 1, f"{value:g}", ha="center", va="center", color=PALETTE["faint"]
            )
    ax.set(xlim=(0.5, cells.shape[1] + 0.5), ylim=(0.5, cells.shape[0] + 0.5))
    pale, full = (_power(10**end) if log else f"{end:.3g}" for end in (low, high))
    ax.set_title(
        f"{label} {pale} (pale) to {full} (full)".strip(), loc="right", color=PALETTE["faint"]
    )
    ax.locator_params(nbins=5, integer=True)
    ax.grid(False)
    return ax


def _axes(ax: Axes | None, xlabel: str, ylabel: str, log: bool = False) -> Axes:
    """The axes to draw on, new ones if none are given; what the y axis shows stands above it, unrotated."""
    ax = ax or panels(1, height=HEIGHT)[0]
    ax.set_xlabel(xlabel or ax.get_xlabel())
    ax.set_title(ylabel or ax.get_title(loc="left"), loc="left")
    if log:
        ax.set_yscale("log")
        ax.set_autoscaley_on(False)
        ax.yaxis.set_major_locator(_Decades())
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(value)))
        ax.yaxis.set_minor_formatter(NullFormatter())
    return ax


def _draw(
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
    """One series; what the y axis cannot show is marked at its edge, and said in words, in the series' colour."""
    at, values = np.asarray(x, float), np.asarray(y, float)
    if at.ndim != 1 or at.shape != values.shape:
        raise ValueError(
            f"a series needs one x for each y; got shapes {at.shape} and {values.shape}"
        )
    ax.plot(at, values, style, color=_colour(role), label=label or "_", gid=gid, **looks)
    lost = {"infinite": values == np.inf, "not a number": np.isnan(values)}
    if ax.get_yscale() == "log":
        lost |= {"exactly 0": values == 0, "negative": values < 0}
    for what, mask in lost.items():
        if mask.any():
            edge, mark, inwards = (1, "^", -1) if what == "infinite" else (0, "v", 1)
            ax.scatter(
                at[mask],
                np.full(mask.sum(), edge),
                16,
                _colour(role),
                marker=mark,
                clip_on=False,
                zorder=3,
                transform=ax.get_xaxis_transform(),
            )
            row = 1 + sum(text.get_gid() == f"edge {edge}" for text in ax.texts)
            ax.annotate(
                what,
                (at[mask].mean(), edge),
                (0, inwards * (row * LINE - 4)),
                ax.get_xaxis_transform(),
                "offset points",
                ha="center",
                va="center",
                color=_colour(role),
                gid=f"edge {edge}",
            )


def _finish(ax: Axes) -> Axes:
    """Whole decades on a log axis, names beside the series, and room for the names that stand left of them."""
    if ax.get_yscale() == "log":
        y = [
            float(y) for line in ax.lines for y in np.ravel(line.get_ydata()) if 0 < y < np.inf
        ] or [1.0]
        low = max(int(np.floor(np.log10(min(y)) + 1e-9)), -323)
        high = min(max(int(np.ceil(np.log10(max(y)) - 1e-9)), low + 1), 308)
        ax.set_ylim(10.0**low, 10.0**high)
    left = _name(ax)
    ax.callbacks.connect("ylim_changed", _name)  # names follow when a page sets other limits
    x = np.concatenate([np.ravel(line.get_xdata()) for line in ax.lines])
    start, stop, span = x.min(), x.max(), np.ptp(x) or 1.0
    ax.spines.bottom.set_bounds(start, stop)
    room = LINE + CHARACTER * max(len(str(line.get_label())) for line in ax.lines) if left else 0.0
    free = ax.get_window_extent().width * 72 / ax.figure.dpi - room
    ax.set_xlim(start - span * (0.02 + room / free), stop + 0.02 * span)
    return ax


def _name(ax: Axes) -> bool:
    """Names at the side where the series lie further apart, or at a peak, without overlap; whether that is left."""
    limits = (
        ax.get_ylim()
    )  # asked first: the answer may move the limits, and so call this function again
    for text in [text for text in ax.texts if text.get_gid() == "name"]:
        text.remove()
    named = [line for line in ax.lines if not str(line.get_label()).startswith("_")]
    xy = [
        np.c_[line.get_xdata(), np.clip(np.nan_to_num(line.get_ydata()), *limits)] for line in named
    ]
    high = [ax.transData.transform(data)[:, 1] * 72 / ax.figure.dpi for data in xy]  # in points
    left = len(named) > 1 and bool(
        np.std([y[0] for y in high]) > 1.2 * np.std([y[-1] for y in high])
    )
    at = [
        int(y.argmax()) if line.get_gid() == "peak" else left - 1
        for line, y in zip(named, high, strict=True)
    ]
    heights = np.array([y[i] for y, i in zip(high, at, strict=True)])
    order = np.argsort(heights, kind="stable")
    for i, y in zip(order, _apart(heights[order]), strict=True):
        peak = named[i].get_gid() == "peak"
        x, ha = (0, "center") if peak else (-7, "right") if left else (7, "left")
        ax.annotate(
            named[i].get_label(),
            tuple(xy[i][at[i]]),
            (x, y - heights[i] + 10 * peak),
            "data",
            "offset points",
            ha=ha,
            va="center",
            color=named[i].get_color(),
            gid="name",
        )
    return left


def _apart(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places nearest to sorted `heights` that are a LINE apart: isotonic regression of height - LINE * rank."""
    pools: list[tuple[float, int]] = []
    for rank, height in enumerate(heights):
        mean, count = float(height) - LINE * rank, 1
        while pools and pools[-1][0] > mean:
            below, more = pools.pop()
            mean, count = (mean * count + below * more) / (count + more), count + more
        pools.append((mean, count))
    return np.array([mean for mean, count in pools for _ in range(count)]) + LINE * np.arange(
        float(len(heights))
    )


class _Decades(LogLocator):
    """Few powers of ten, at even steps that include 1; with 2 and 5 in between where the axis shows but one decade."""

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        low, high = np.log10(vmin), np.log10(vmax)
        step, digits = _step(max(1, round(high - low))), (1, 2, 5) if high - low < 1.5 else (1,)
        powers = range(max(-323, int(low) - 1), min(308, int(high) + 1) + 1)
        return [digit * 10.0**power for power in powers if power % step == 0 for digit in digits]


def _step(span: int) -> int:
    """The whole number 1, 2 or 5 times a power of ten that cuts `span` into six or fewer."""
    return int(np.diff(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]).tick_values(0, span))[0])


def _colour(role: str) -> str:
    if role not in PALETTE:
        raise ValueError(f"role {role!r} is unknown. Known: {', '.join(PALETTE)}")
    return PALETTE[role]


def _power(value: float) -> str:
    """A number on a log axis as a reader writes it: 10⁻⁵, 0.1, 0.2, 1, 10, 100."""
    exponent = round(np.log10(value))
    if -2 < exponent < 3 or not np.isclose(value, 10.0**exponent, rtol=1e-6):
        return f"{value:g}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
