"""Figures with knobs: each setting of the knobs is a run of its own.

On the site a knob chooses among runs that the build made; where matplotlib opens windows, it makes
the run.
"""

import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.figure import Figure
from matplotlib.widgets import Slider

from vanishing.plot.axes import panels
from vanishing.plot.style import HEIGHT

Value = str | int | float
Setting = Mapping[str, Value]
# Inches that a slider takes below a figure in a window.
SLIDER_HEIGHT = 0.35


@dataclass
class Explorable:
    """A figure with knobs: what draws it, its axes, the values of each knob, and where they start.

    Attributes:
        draw: takes the axes and a setting, returns one line that says what the figure shows.
        ax: what `draw` draws on, one or several.
        knobs: name -> values.
        start: the setting at the start.
        play: the knob that the site steps through by itself, if one does.
        ghost: whether the site leaves the setting before faint behind the one that it shows.
        sliders: one per knob in a window, none elsewhere.
    """

    draw: Callable[..., str]
    ax: Axes | Sequence[Axes]
    knobs: Mapping[str, tuple[Value, ...]]
    start: Setting
    play: str | None = None
    ghost: bool = True
    sliders: list[Slider] = field(default_factory=list)

    @property
    def figure(self) -> Figure:
        """The figure that holds the axes."""
        return self.axes[0].figure.figure

    @property
    def axes(self) -> list[Axes]:
        """The axes, also a single one, as a list."""
        return list(np.ravel(cast(Any, self.ax)))

    def settings(self) -> list[Setting]:
        """Every setting of the knobs; the last knob turns fastest."""
        combinations = itertools.product(*self.knobs.values())
        return [dict(zip(self.knobs, values, strict=True)) for values in combinations]

    def drawn(self) -> list[Artist]:
        """What now stands on the axes, from the back to the front."""
        artists: list[Artist] = []
        for ax in self.axes:
            artists += [*ax.images, *ax.patches, *ax.collections, *ax.lines, *ax.texts]
        return sorted(artists, key=Artist.get_zorder)

    def show(self, setting: Setting) -> str:
        """The line that says what a setting shows, once it is drawn in the place of the last."""
        for artist in self.drawn():
            artist.remove()
        for ax in self.axes:
            ax.set_prop_cycle(None)
        reading = self.draw(self.ax, **setting)
        if not isinstance(reading, str) or not reading.strip() or "\n" in reading:
            wanted = "one line that says what the figure shows"
            raise TypeError(f"draw returns {reading!r}; {wanted} is expected")
        return reading


def explore(
    draw: Callable[..., str],
    *,
    ax: Axes | Sequence[Axes] | None = None,
    play: str | None = None,
    ghost: bool = True,
    **knobs: Iterable[Value],
) -> None:
    """Draw a figure with a knob for each of `knobs`, whose values are names or numbers.

    The axes themselves, their limits, ticks and labels, are the same for all settings, so that what
    moves is the run. A knob starts at its parameter's default, or else at its first value. Where no
    window opens, as in a file or on the site, the figure shows the setting at the start.

    On the site, the setting before stays faint behind the one that is shown, without its texts; a
    window shows one setting at a time, and has no button that plays.

    Args:
        draw: `draw(ax, **setting)` draws one setting and returns one line that says what it shows.
        ax: what `draw` draws on: one or several axes of one figure; new ones by default.
        play: the knob of numbers, such as the layer, that gets a button to step through its values.
        ghost: False where two settings on top of each other cannot be read, as those of images.
        knobs: the values of each parameter of `draw` that the reader may turn.

    Raises:
        TypeError: `draw` does not take `ax` and the knobs, or returns no line of text; `ax` holds
            something that is no axes.
        ValueError: there is no knob, one has fewer than two values, or starts at none of them; the
            axes are of several figures; `play` names no knob of numbers.

    Examples:
        >>> def draw(ax, *, depth=10):
        ...     ax.plot([0.9**n for n in range(depth)])
        ...     return f"The last is {0.9**depth:.2f} of the first."
        >>> ax = panels(1)[0]
        >>> ax.set(xlim=(0, 20), ylim=(0, 1))  # doctest: +ELLIPSIS
        [...]
        >>> explore(draw, ax=ax, depth=[5, 10, 20])
    """
    if not knobs:
        example = "explore(draw, depth=[5, 10, 20])"
        raise ValueError(f"knobs are missing; at least one is expected, as in {example}")
    values = {name: _values(name, given) for name, given in knobs.items()}
    start = {name: _start(draw, name, known) for name, known in values.items()}
    numeric = [name for name, known in values.items() if not isinstance(known[0], str)]
    if play is not None and play not in numeric:
        wanted = f"a knob of numbers is expected: {', '.join(numeric) or 'there is none'}"
        raise ValueError(f"play is {play!r}; {wanted}")
    axes = panels(1, height=HEIGHT)[0] if ax is None else ax
    explorable = Explorable(draw, axes, values, start, play, ghost)
    _check_axes(explorable.axes)
    explorable.show(start)
    # Whoever shows the figure finds its knobs here.
    explorable.figure.explorable = explorable  # type: ignore[attr-defined]
    if _opens_window(explorable.figure):
        _add_sliders(explorable)


def _opens_window(figure: Figure) -> bool:
    """Whether the backend shows the figure in a window; one that writes files alone cannot."""
    manager = figure.canvas.manager
    return manager is not None and type(manager).show is not FigureManagerBase.show


def _check_axes(axes: Sequence[Any]) -> None:
    """Raise an error unless these are axes, at least one, of one figure."""
    if others := [type(ax).__name__ for ax in axes if not isinstance(ax, Axes)]:
        raise TypeError(f"ax holds {', '.join(others)}; one or several axes are expected")
    if (figures := len({id(ax.figure.figure) for ax in axes})) != 1:
        raise ValueError(f"ax holds axes of {figures} figures; axes of one figure are expected")


def _values(name: str, given: Iterable[Value]) -> tuple[Value, ...]:
    """The values of a knob as Python objects, checked."""
    values = tuple(value.item() if isinstance(value, np.generic) else value for value in given)
    if len(set(values)) < max(2, len(values)):
        wanted = "at least two, all different, are expected"
        raise ValueError(f"{name} has the values {values}; {wanted}")
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) not in (0, len(values)) or not np.isfinite(numbers).all():
        wanted = "names alone, or finite numbers alone, are expected"
        raise ValueError(f"{name} has the values {values}; {wanted}")
    return values


def _start(draw: Callable[..., str], name: str, values: tuple[Value, ...]) -> Value:
    """The value that a knob starts at: the default of its parameter, or else the first."""
    parameters = inspect.signature(draw).parameters
    if name not in parameters:
        raise TypeError(f"draw has no parameter {name!r}; it has {', '.join(parameters)}")
    start = parameters[name].default
    if start is inspect.Parameter.empty:
        return values[0]
    if start not in values:
        what = "the default of draw, which is none of"
        raise ValueError(f"{name} starts at {start!r}, {what} {values}")
    return values[values.index(start)]


def _add_sliders(explorable: Explorable) -> None:
    """Add a slider for each knob, in room of its own below the figure."""
    figure = explorable.figure
    setting = dict(explorable.start)
    width, height = figure.get_size_inches()
    total = height + SLIDER_HEIGHT * len(explorable.knobs)
    figure.set_size_inches(width, total)
    figure.set_layout_engine("constrained", rect=(0, 1 - height / total, 1, height / total))
    for row, (name, values) in enumerate(explorable.knobs.items(), start=1):
        bottom = 1 - (height + SLIDER_HEIGHT * row) / total
        ax = figure.add_axes((0.25, bottom, 0.5, SLIDER_HEIGHT / total))
        start = values.index(setting[name])
        slider = Slider(ax, name, 0, len(values) - 1, valinit=start, valstep=1)
        slider.valtext.set_text(str(setting[name]))
        slider.on_changed(partial(_turn, explorable, slider, setting, name))
        explorable.sliders.append(slider)


def _turn(
    explorable: Explorable,
    slider: Slider,
    setting: dict[str, Value],
    name: str,
    position: float,
) -> None:
    """Run and draw the setting that a slider was moved to, and print what it shows."""
    setting[name] = explorable.knobs[name][int(position)]
    slider.valtext.set_text(str(setting[name]))
    print(explorable.show(setting))
    explorable.figure.canvas.draw_idle()
