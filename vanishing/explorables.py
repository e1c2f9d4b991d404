"""Figures with knobs: each setting of the knobs is a run of its own.

On the site a knob chooses among runs that the build made; where Matplotlib opens windows, it makes the run.
"""

import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.registry import BackendFilter, backend_registry
from matplotlib.figure import Figure
from matplotlib.widgets import Slider

from vanishing.figures import HEIGHT, panels

__all__ = ["Explorable", "explore"]

Value = str | int | float
Setting = Mapping[str, Value]
ROOM = 0.35  # inches that a slider takes below a figure in a window


@dataclass
class Explorable:
    """What a figure with knobs draws, the axes that it draws on, the values of each knob, and where they start."""

    draw: Callable[..., str]
    ax: Axes | Sequence[Axes]
    knobs: Mapping[str, tuple[Value, ...]]
    start: Setting
    sliders: list[Slider] = field(default_factory=list)

    @property
    def figure(self) -> Figure:
        return cast(Figure, self.axes[0].get_figure(root=True))

    @property
    def axes(self) -> list[Axes]:
        return [self.ax] if isinstance(self.ax, Axes) else list(self.ax)

    def settings(self) -> list[Setting]:
        """Every setting of the knobs; the last knob turns fastest."""
        return [
            dict(zip(self.knobs, values, strict=True))
            for values in itertools.product(*self.knobs.values())
        ]

    def drawn(self) -> list[Artist]:
        """What now stands on the axes, from the back to the front."""
        held = (
            artist
            for ax in self.axes
            for artist in [*ax.patches, *ax.collections, *ax.lines, *ax.texts]
        )
        return sorted(held, key=Artist.get_zorder)

    def show(self, setting: Setting) -> str:
        """Draw a setting in the place of what stands on the axes; what `draw` says that it shows, in one line."""
        for artist in self.drawn():
            artist.remove()
        for ax in self.axes:
            ax.set_prop_cycle(None)
        reading = self.draw(self.ax, **setting)
        if not isinstance(reading, str) or not reading.strip() or "\n" in reading:
            raise TypeError(
                f"draw returns {reading!r}; one line that says what the figure shows is expected"
            )
        return reading


def explore(
    draw: Callable[..., str], *, ax: Axes | Sequence[Axes] | None = None, **knobs: Iterable[Value]
) -> None:
    """A figure with a knob for each of `knobs`, whose values are names or numbers.

    `draw(ax, **setting)` draws one setting on `ax` (new axes if none are given, several if several are) and returns
    one line that says what it shows. The axes themselves, their limits, ticks and labels, are the same for all
    settings, so that what moves is the run. A knob starts at its parameter's default, or else at its first value.

    Where no window opens, as in a file or on the site, what stands there is the setting at the start.

    Raises:
        TypeError: `draw` does not take `ax` and the knobs, or returns no line of text.
        ValueError: there is no knob, one has fewer than two values, or starts at none of them.

    >>> def draw(ax, *, depth=10):
    ...     ax.plot([0.9**n for n in range(depth)])
    ...     return f"The last is {0.9**depth:.2f} of the first."
    >>> ax = panels(1)[0]
    >>> ax.set(xlim=(0, 20), ylim=(0, 1))  # doctest: +ELLIPSIS
    [...]
    >>> explore(draw, ax=ax, depth=[5, 10, 20])
    """
    if not knobs:
        raise ValueError(
            "knobs are missing; at least one is expected, as in explore(draw, depth=[5, 10, 20])"
        )
    values = {name: _values(name, given) for name, given in knobs.items()}
    start = {name: _start(draw, name, known) for name, known in values.items()}
    explorable = Explorable(draw, panels(1, height=HEIGHT)[0] if ax is None else ax, values, start)
    explorable.show(start)
    explorable.figure.explorable = explorable  # type: ignore[attr-defined]  # whoever shows the figure finds it there
    windowless = backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE)  # type: ignore[no-untyped-call]
    if plt.get_backend().lower() not in (*windowless, "inline"):
        _add_sliders(explorable)


def _values(name: str, given: Iterable[Value]) -> tuple[Value, ...]:
    values = tuple(value.item() if isinstance(value, np.generic) else value for value in given)
    if len(set(values)) < max(2, len(values)):
        raise ValueError(
            f"{name} has the values {values}; at least two, all different, are expected"
        )
    numbers = [value for value in values if not isinstance(value, str)]
    if len(numbers) not in (0, len(values)) or not np.isfinite(numbers).all():
        raise ValueError(
            f"{name} has the values {values}; names alone, or finite numbers alone, are expected"
        )
    return values


def _start(draw: Callable[..., str], name: str, values: tuple[Value, ...]) -> Value:
    parameters = inspect.signature(draw).parameters
    if name not in parameters:
        raise TypeError(f"draw has no parameter {name!r}; it has {', '.join(parameters)}")
    start = parameters[name].default
    if start is not inspect.Parameter.empty and start not in values:
        raise ValueError(
            f"{name} starts at {start!r}, the default of draw, which is none of {values}"
        )
    return values[0] if start is inspect.Parameter.empty else values[values.index(start)]


def _add_sliders(explorable: Explorable) -> None:
    """A slider for each knob, in room of its own below the figure."""
    figure, setting = explorable.figure, dict(explorable.start)
    width, height = figure.get_size_inches()
    total = height + ROOM * len(explorable.knobs)
    figure.set_size_inches(width, total)
    figure.set_layout_engine("constrained", rect=(0, 1 - height / total, 1, height / total))
    for row, (name, values) in enumerate(explorable.knobs.items(), 1):
        ax = figure.add_axes((0.25, 1 - (height + ROOM * row) / total, 0.5, ROOM / total))
        slider = Slider(
            ax, name, 0, len(values) - 1, valinit=values.index(setting[name]), valstep=1
        )
        slider.valtext.set_text(str(setting[name]))
        slider.on_changed(partial(_turn, explorable, slider, setting, name))
        explorable.sliders.append(slider)


def _turn(
    explorable: Explorable, slider: Slider, setting: dict[str, Value], name: str, position: float
) -> None:
    setting[name] = explorable.knobs[name][int(position)]
    slider.valtext.set_text(str(setting[name]))
    print(explorable.show(setting))
    explorable.figure.canvas.draw_idle()
