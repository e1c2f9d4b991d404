"""A figure with knobs: the picture at the start, and for each setting what changes in it.

A figure has knobs if its attribute `explorable` holds an object as `Explorable` describes it.
"""

import hashlib
import html
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypedDict
from xml.etree import ElementTree

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure

from engine.settings import css
from engine.svg import SVG, foreign_colours, fragment, palette_name, saved, serialized, svg_style
from engine.typeset import typeset

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


def explored(figure: Figure, prefix: str) -> tuple[str, States]:
    """Draw the figure at the start, as SVG, and in all its states.

    Raises ValueError if the axes change between two states, or a drawing does not follow the page's
    colours.
    """
    explorable: Explorable = figure.explorable
    figure.dpi = 72  # as SVG, whose pixel is then a point
    figure.canvas.draw()
    figure.set_layout_engine("none")
    fixed = [still(ax) for ax in explorable.axes]
    readings, drawings = [], []
    for setting in explorable.settings():
        try:
            readings.append(explorable.show(setting))
        except Exception as error:
            error.add_note(f"with {said(setting)}")
            raise
        for ax, before in zip(explorable.axes, fixed, strict=True):
            if moved := [name for name, value in still(ax).items() if value != before[name]]:
                raise ValueError(f"the axes' {' and '.join(moved)} change with {said(setting)}")
        drawings.append(fragment(picture(figure, explorable), prefix))
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


def label(name: str) -> str:
    """Write a parameter's name for a reader: in words, or as a Greek letter with its index."""
    first, _, rest = name.partition("_")
    letter = html.unescape(f"&{first};")
    return (
        f"{letter}<sub>{rest}</sub>" if rest and letter != f"&{first};" else name.replace("_", " ")
    )


def states_html(states: States, name: str, path: str) -> tuple[str, str]:
    """Write the figure's attributes for the page's script, and the line of text at the start."""
    knobs = [{**knob, "label": label(knob["name"])} for knob in states["knobs"]]
    data = (
        f' data-states="{script_name(path, states)}" data-knobs="{html.escape(json.dumps(knobs))}"'
        + " data-ghost" * states["ghost"]
    )
    position = 0
    for knob in states["knobs"]:
        position = position * len(knob["values"]) + knob["start"]
    reading = typeset(html.escape(states["readings"][position]))
    return data, f'<p class="{css("reading")}" id="{name}-reading" role="status">{reading}</p>'


def script(states: States) -> str:
    """Write the script that a page loads when a reader first turns a knob.

    The script gives its own element the pieces that drawings are made of, each once, and for every
    state the line of text and the numbers of its pieces: many states share a curve or an image.
    """
    numbers: dict[str, int] = {}
    settings = [
        (
            typeset(html.escape(reading)),
            [numbers.setdefault(piece, len(numbers)) for piece in pieces(drawing)],
        )
        for reading, drawing in zip(states["readings"], states["drawings"], strict=True)
    ]
    whole = {"pieces": list(numbers), "settings": settings}
    written = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return f"document.currentScript.states = {written};\n"


def pieces(drawing: str) -> list[str]:
    """Split a drawing into its outermost elements."""
    root = ElementTree.fromstring(f'<svg xmlns="{SVG}">{drawing}</svg>')
    return [serialized(element).replace(f' xmlns="{SVG}"', "") for element in root]


def script_name(path: str, states: States) -> str:
    """Name the script by its content, so that a page never loads the states of another version."""
    return f"{Path(path).stem}.{hashlib.sha256(script(states).encode()).hexdigest()[:12]}.js"
