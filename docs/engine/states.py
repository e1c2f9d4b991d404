"""A figure with knobs as the page needs it: the picture at the start, and for each setting what changes in it."""

import hashlib
import html
import io
import json
from pathlib import Path
from typing import Any, TypedDict

from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure

from engine.svg import SVG_STYLE, foreign_colours, fragment, saved
from engine.typeset import typeset
from vanishing.explorables import Explorable


class Knob(TypedDict):
    """A knob, its values as they are shown, whether they are numbers, and which of them it starts at."""

    name: str
    values: list[str]
    numeric: bool
    start: int


class States(TypedDict):
    """The states of a figure: for each setting, the last knob turning fastest, its line of text and its drawing."""

    knobs: list[Knob]
    readings: list[str]
    drawings: list[str]


def explored(figure: Figure, prefix: str) -> tuple[str, States]:
    """The figure at the start as SVG, and all its states; raises ValueError if the axes move between them."""
    explorable: Explorable = figure.explorable
    figure.dpi = 72  # what SVG counts in: a point is a pixel
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
        drawings.append(fragment(picture(explorable), prefix))
    if foreign := foreign_colours("".join(drawings)):
        raise ValueError(
            f"the colours {', '.join(foreign)} are not those of vanishing.figures.PALETTE"
        )
    start = drawings[explorable.settings().index(explorable.start)]
    explorable.show(explorable.start)
    for artist in explorable.drawn():
        artist.set_visible(False)
    whole = saved(figure).replace("</svg>", f'<g class="vg-state">{start}</g></svg>')
    return whole, {"knobs": knobs(explorable), "readings": readings, "drawings": drawings}


def said(setting: Any) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in setting.items())


def still(ax: Axes) -> dict[str, Any]:
    """What of the axes is drawn once for all states."""
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


def picture(explorable: Explorable) -> str:
    """What stands on the axes, without them, as SVG."""
    buffer = io.StringIO()
    width, height = explorable.figure.get_size_inches() * 72
    with SVG_STYLE():
        renderer = RendererSVG(width, height, buffer, image_dpi=72, metadata={"Date": None})
        for artist in explorable.drawn():
            artist.draw(renderer)
        renderer.finalize()
    return buffer.getvalue()


def knobs(explorable: Explorable) -> list[Knob]:
    return [
        {
            "name": name,
            "values": [value if isinstance(value, str) else f"{value:g}" for value in values],
            "numeric": not isinstance(values[0], str),
            "start": values.index(explorable.start[name]),
        }
        for name, values in explorable.knobs.items()
    ]


def label(name: str) -> str:
    """A parameter's name as it is read: sigma_w with its Greek letter and its index, others in words."""
    first, _, rest = name.partition("_")
    letter = html.unescape(f"&{first};")
    return (
        f"{letter}<sub>{rest}</sub>" if rest and letter != f"&{first};" else name.replace("_", " ")
    )


def states_html(states: States, name: str, path: str) -> tuple[str, str]:
    """What a figure with knobs tells its script, and the line that says what it shows at the start."""
    knobs = [{**knob, "label": label(knob["name"])} for knob in states["knobs"]]
    data = (
        f' data-states="{script_name(path, states)}" data-knobs="{html.escape(json.dumps(knobs))}"'
    )
    position = 0
    for knob in states["knobs"]:
        position = position * len(knob["values"]) + knob["start"]
    reading = typeset(html.escape(states["readings"][position]))
    return data, f'<p class="vg-reading" id="{name}-reading" role="status">{reading}</p>'


def script(states: States) -> str:
    """The file that a page fetches when a knob is first turned: it gives its own element each line and drawing."""
    readings = (typeset(html.escape(reading)) for reading in states["readings"])
    pairs = json.dumps(
        [*zip(readings, states["drawings"], strict=True)], ensure_ascii=False, separators=(",", ":")
    )
    return f"document.currentScript.states = {pairs};\n"


def script_name(path: str, states: States) -> str:
    """Its name, of its content, so that a page never meets the states of another version."""
    return f"{Path(path).stem}.{hashlib.sha256(script(states).encode()).hexdigest()[:12]}.js"
