"""A figure with knobs: the picture at the start, and for each setting what changes in it.

A figure has knobs if its attribute `explorable` holds an object as `Explorable` describes it.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypedDict

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from engine.settings import css
from engine.svg import foreign_colours, fragment, lay_out, palette_name, saved, svg_style

Setting = Mapping[str, str | int | float]


class Explorable(Protocol):
    """What the engine asks of a figure's `explorable`.

    Two attributes may be left out: `play`, the name of a knob of numbers that gets a button to step
    through its values, and `ghost`, whether the setting before stays faint behind the one shown.
    """

    axes: Sequence[Axes]
    """The axes that every setting is drawn on, and which stay as they are."""

    knobs: Mapping[str, Sequence[str | int | float]]
    """The values of each knob: names alone, or numbers alone."""

    start: Setting
    """The setting that the page shows first."""

    def settings(self) -> Sequence[Setting]:
        """Every setting; the last knob turns fastest."""

    def show(self, setting: Setting) -> str:
        """Draw a setting in the place of the one before, and say in one line what it shows."""

    def drawn(self) -> Sequence[Artist]:
        """What the last `show` drew, from the back to the front."""


class Knob(TypedDict):
    """A knob: its values as the page shows them, whether they are numbers, which comes first.

    `plays` says whether a button steps through the values.
    """

    name: str
    values: list[str]
    numeric: bool
    plays: bool
    start: int


class States(TypedDict):
    """All states of a figure: one line of text and one drawing for each setting."""

    knobs: list[Knob]
    readings: list[str]
    drawings: list[str]
    ghost: bool


class Stage:
    """A figure with knobs whose axes stand still, on which one setting is drawn after the other."""

    def __init__(self, figure: Figure, prefix: str) -> None:
        self.figure, self.prefix = figure, prefix
        self.explorable: Explorable = figure.explorable
        lay_out(figure)
        self.fixed = [still(ax) for ax in self.explorable.axes]

    def show(self, setting: Setting) -> tuple[str, str]:
        """Draw a setting; return its line of text and its drawing as SVG.

        Raises ValueError if the axes change.
        """
        try:
            reading = self.explorable.show(setting)
        except Exception as error:
            error.add_note(f"with {said(setting)}")
            raise
        for ax, before in zip(self.explorable.axes, self.fixed, strict=True):
            if moved := [name for name, value in still(ax).items() if value != before[name]]:
                raise ValueError(f"the axes' {' and '.join(moved)} change with {said(setting)}")
        return reading, fragment(picture(self.figure, self.explorable), self.prefix)

    def is_seen(self) -> bool:
        """Tell whether a line of the last setting has a point within its axes, if it has lines."""
        lines = [artist for artist in self.explorable.drawn() if isinstance(artist, Line2D)]
        return not lines or any(
            line.axes.bbox.count_contains(line.get_transform().transform(line.get_xydata()))
            for line in lines
        )


def explored(figure: Figure, prefix: str) -> tuple[str, States]:
    """Draw the figure at the start, as SVG, and in all its states.

    Raises ValueError if the axes change between two states, or a drawing does not follow the page's
    colours.
    """
    explorable: Explorable = figure.explorable
    stage = Stage(figure, prefix)
    shown = [stage.show(setting) for setting in explorable.settings()]
    readings, drawings = map(list, zip(*shown, strict=True))
    whole = "".join(drawings)
    if "<image" in whole:
        raise ValueError(
            "an image has colours of its own, on dark pages too; draw its pixels as shapes"
        )
    if foreign := foreign_colours(whole):
        raise ValueError(f"the colours {', '.join(foreign)} are not those of {palette_name()}")
    start = drawings[explorable.settings().index(explorable.start)]
    explorable.show(explorable.start)
    axes = saved_without(figure, explorable.drawn())
    state = f'<g class="{css("state")}">{start}</g>'
    return axes.replace("</svg>", f"{state}</svg>"), {
        "knobs": knobs(explorable),
        "readings": readings,
        "drawings": drawings,
        "ghost": getattr(explorable, "ghost", False),
    }


def saved_without(figure: Figure, artists: Sequence[Artist]) -> str:
    """Save the figure as SVG while these artists are hidden."""
    for artist in artists:
        artist.set_visible(False)
    try:
        return saved(figure)
    finally:
        for artist in artists:
            artist.set_visible(True)


def said(setting: Setting) -> str:
    """Write a setting as arguments of a call."""
    return ", ".join(f"{name}={value!r}" for name, value in setting.items())


def still(ax: Axes) -> dict[str, Any]:
    """Describe what of the axes is drawn once for all states."""
    return {
        "limits": (ax.get_xlim(), ax.get_ylim()),
        "scales": (ax.get_xscale(), ax.get_yscale()),
        "ticks": (list(ax.get_xticks()), list(ax.get_yticks())),
        "labels": (
            ax.get_xlabel(),
            ax.get_ylabel(),
            *(ax.get_title(loc) for loc in ("left", "center", "right")),
        ),
    }


def picture(figure: Figure, explorable: Explorable) -> str:
    """Draw as SVG what stands on the axes, without the axes."""
    buffer = io.StringIO()
    width, height = figure.get_size_inches() * 72
    with svg_style():
        renderer = RendererSVG(width, height, buffer, image_dpi=72, metadata={"Date": None})
        for artist in explorable.drawn():
            artist.draw(renderer)
        renderer.finalize()
    return buffer.getvalue()


def knobs(explorable: Explorable) -> list[Knob]:
    """Describe the knobs for the page's script."""
    return [
        {
            "name": name,
            "values": [value if isinstance(value, str) else f"{value:g}" for value in values],
            "numeric": not isinstance(values[0], str),
            "plays": name == getattr(explorable, "play", None),
            "start": values.index(explorable.start[name]),
        }
        for name, values in explorable.knobs.items()
    ]
