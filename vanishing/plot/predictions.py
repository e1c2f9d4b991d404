"""Figures that ask first: the reader draws the curve that he or she expects, then sees the run.

On the site the run waits until the reader asks for it; everywhere else the figure stays whole.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text
from numpy.typing import NDArray

from vanishing.plot.axes import typeset
from vanishing.plot.series_labels import THEORY

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prediction:
    """A series that the reader is asked to draw first.

    Attributes:
        ax: the axes of the series.
        line: the series.
        quantity: what the series shows, in words.
        place: where a point stands, in words, with `{}` for its x.
        per: what one step of x is called, if the change per step tells something.
        given: the index of the point that is shown from the start, if one is.
        also: what else would tell the run.
    """

    ax: Axes
    line: Line2D
    quantity: str
    place: str
    per: str | None = None
    given: int | None = None
    also: tuple[Artist, ...] = ()

    @property
    def figure(self) -> Figure:
        """The figure that holds the axes."""
        return self.ax.figure.figure

    @property
    def x(self) -> list[float]:
        """Where the points stand, from left to right."""
        return [float(x) for x in np.ravel(self.line.get_xdata())]

    @property
    def values(self) -> list[float]:
        """What the run gives at each x."""
        return [float(y) for y in np.ravel(self.line.get_ydata())]

    def drawn(self) -> list[Artist]:
        """What of the figure tells the run, from the back to the front.

        That is all that bears the colour of the series, such as its points, intervals and names,
        the line of its theory, and what else `also` holds.
        """
        drawn = [*self.ax.collections, *self.ax.lines, *self.ax.texts]
        telling = {artist for artist in drawn if _has_colour_of(artist, self.line)} | {*self.also}
        # `measured` draws the theory just before the points.
        before = drawn[drawn.index(self.line) - 1]
        if before.get_gid() == THEORY:
            telling.add(before)
        return sorted((artist for artist in drawn if artist in telling), key=Artist.get_zorder)


def predict(
    series: Line2D | str,
    *,
    ax: Axes,
    y: str,
    x: str = "layer {}",
    per: str | None = None,
    given: int | None = None,
    also: Iterable[Artist] = (),
) -> None:
    """Ask the reader of the page to draw a series before its run is shown.

    Called last, when the axes have their limits. All that bears the colour of the series waits with
    it, such as points, intervals and names; so does the theory that `measured` drew with it. The
    reader's curve is then compared with the run in words.

    A figure in a window, in a file or in a notebook is not changed.

    Args:
        series: of at least two points, all within the axes; the line, or its label.
        ax: holds the series; its y axis is linear or logarithmic.
        y: what the series shows, such as "the norm of δ with tanh".
        x: where a point stands, such as "layer {}"; its x replaces the braces.
        per: what a step of 1 in x is called, such as "layer", if the curve is about a rate.
        given: the index of a point that is shown from the start, such as -1 for the last; what the
            words compare begins there.
        also: what else on the axes would tell the run, such as a second series that does the same.
    """
    line = _line(series, ax)
    at, values = (np.asarray(data, float) for data in (line.get_xdata(), line.get_ydata()))
    _check_points(at, values, ax)
    for name, text, wanted in (("y", y, "words"), ("x", x, "words with {} for a number")):
        if not isinstance(text, str) or not text.strip() or (name == "x" and "{}" not in text):
            raise ValueError(f"{name} is {text!r}; {wanted} are expected")
    if given is not None and not -len(at) <= given < len(at):
        raise ValueError(f"given is {given}; the index of one of {len(at)} points is expected")
    others = tuple(also)
    if strangers := [other for other in others if other not in ax.get_children()]:
        raise ValueError(f"also holds {strangers}; lines, marks and texts of ax are expected")
    index = None if given is None else given % len(at)
    prediction = Prediction(ax, line, y, x, per, index, others)
    prediction.figure.prediction = prediction  # type: ignore[attr-defined]


def _line(series: Line2D | str, ax: Axes) -> Line2D:
    """The series as a line of the axes."""
    if isinstance(series, Line2D) and series in list(ax.lines):
        return series
    lines = {str(line.get_label()): line for line in ax.lines}
    if isinstance(series, str) and typeset(series) in lines:
        return lines[typeset(series)]
    labels = ", ".join(label for label in lines if not label.startswith("_")) or "none"
    raise ValueError(f"series is {series!r}; a line of the axes is expected. Known: {labels}")


def _check_points(x: Floats, values: Floats, ax: Axes) -> None:
    """Raise an error unless a reader could draw the series."""
    if len(x) < 2 or not (np.diff(x) > 0).all():
        raise ValueError(f"series has the x {x}; at least two are expected, from left to right")
    if not (np.isfinite(x).all() and np.isfinite(values).all()):
        raise ValueError(f"series has the values {values}; finite ones are expected")
    if (scale := ax.get_yscale()) not in ("linear", "log"):
        raise ValueError(f"ax has a {scale} y axis; a linear or log one is expected")
    for name, numbers, limits in (("x", x, ax.get_xlim()), ("values", values, ax.get_ylim())):
        if numbers.min() < min(limits) or numbers.max() > max(limits):
            reach = f"from {numbers.min():g} to {numbers.max():g}"
            wanted = f"all within the axes, from {limits[0]:g} to {limits[1]:g}, are expected"
            raise ValueError(f"series has {name} {reach}; {wanted}")


def _has_colour_of(artist: Artist, line: Line2D) -> bool:
    """Whether a line, a text or marks have the colour of a line, however faint."""
    if isinstance(artist, Collection):
        colours = np.asarray(artist.get_facecolor())
        return len(colours) > 0 and same_color(tuple(colours[0, :3]), line.get_color())
    return isinstance(artist, Line2D | Text) and same_color(artist.get_color(), line.get_color())
