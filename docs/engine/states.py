"""What a page holds of a figure with knobs: attributes, a line of text, a script with states."""

import hashlib
import html
import json
from pathlib import Path
from xml.etree import ElementTree

from engine.knobs import States
from engine.settings import css
from engine.svg import SVG, serialized
from engine.typeset import typeset


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
