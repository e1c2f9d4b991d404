"""A drawing as inline SVG that follows the page's light or dark colours, and as a preview."""

import base64
import functools
import io
import pkgutil
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import AbstractContextManager

from matplotlib import pyplot
from matplotlib.figure import Figure

from engine.settings import css, settings

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
REFERENCE = re.compile(r"#([\w.-]+)")
NUMBER = re.compile(r"-?\d+\.\d+(?![\d.]*[a-zA-Z%])")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")


@functools.cache
def roles() -> dict[str, str]:
    """Look up the palette's colours, in lower case, each with its role."""
    palette = pkgutil.resolve_name(settings().palette) if settings().palette else {}
    return {colour.lower(): role for role, colour in palette.items()}


def palette_name() -> str:
    """Name the palette as a page imports it."""
    return (settings().palette or "").replace(":", ".")


def svg_style() -> AbstractContextManager[None]:
    """Make Matplotlib write text as text, and the same ids in every build."""
    return pyplot.rc_context({"svg.hashsalt": settings().hashsalt, "svg.fonttype": "none"})


def take_open() -> Iterator[Figure]:
    """Yield every figure that stands open in pyplot, and close it."""
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        yield figure
        pyplot.close(figure)


def lay_out(figure: Figure) -> None:
    """Lay the figure out as in the SVG, once and for all, so that its parts can be drawn apart."""
    figure.dpi = 72  # as SVG, whose pixel is then a point
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def saved(figure: Figure) -> str:
    """Save the figure as SVG, without a date, so that every build gives the same text."""
    buffer = io.StringIO()
    with svg_style():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return buffer.getvalue()


def preview(figure: Figure) -> str:
    """Draw the figure as PNG on white, 1200 pixels wide as link previews are; base64."""
    buffer = io.BytesIO()
    dpi = 1200 / figure.get_figwidth()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white", metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()


def inline_svg(svg: str, prefix: str, alt: str) -> str:
    """Prepare the SVG for a page: colours as CSS variables, ids of its own, labelled by `alt`.

    An id that nothing refers to is removed; the others become `prefix-0`, `prefix-1`, ...
    Coordinates are rounded to a hundredth of a point.
    """
    root = cleaned(svg, prefix)
    # Turn points into pixels: the figure's natural size, which the style sheet may only shrink.
    for side in ("width", "height"):
        root.set(side, f"{float(root.get(side, '0').removesuffix('pt')) * 4 / 3:.0f}")
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-label", alt)
    root.set("data-search-exclude", "")
    return serialized(root)


def fragment(svg: str, prefix: str) -> str:
    """Prepare what the SVG holds for its place in another SVG."""
    return re.sub(r"\A<svg[^>]*>|</svg>\Z|<defs\s*/>", "", serialized(cleaned(svg, prefix)))


def cleaned(svg: str, prefix: str) -> ET.Element:
    """Parse the SVG, remove metadata and style sheets, and rewrite ids, numbers and colours."""
    root = ET.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    names = new_names(root, prefix)
    for element in root.iter():
        rewrite(element, names)
    return root


def serialized(root: ET.Element) -> str:
    """Write the SVG without blanks between its elements."""
    ET.register_namespace("", SVG)
    return re.sub(r">\s+<", "><", ET.tostring(root, encoding="unicode"))


def new_names(root: ET.Element, prefix: str) -> dict[str, str]:
    """Map each id that an attribute refers to, to its new name."""
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    used = {
        name
        for element in root.iter()
        for key, value in element.attrib.items()
        if key != "id"
        for name in REFERENCE.findall(value)
    }
    return {name: f"{prefix}-{n}" for n, name in enumerate(i for i in ids if i in used)}


def rewrite(element: ET.Element, names: dict[str, str]) -> None:
    """Give the element its new id and references, short numbers and the palette's variables."""
    for key, value in list(element.attrib.items()):
        if key == "id":
            del element.attrib[key]
            if value in names:
                element.set("id", names[value])
            continue
        if key == XLINK:
            del element.attrib[key]
            key = "href"
        if key == "href" or "url(" in value:
            value = REFERENCE.sub(lambda match: f"#{names.get(match[1], match[1])}", value)
        if key == "style":
            value = themed(value)
        elif key not in ("href", "id"):
            value = NUMBER.sub(
                lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value
            )
        if not value.startswith("rotate(-0"):
            element.set(key, " ".join(value.split()))
        elif key in element.attrib:
            del element.attrib[key]


def themed(style: str) -> str:
    """Write palette colours as variables, and leave the list of fonts out."""
    style = re.sub(r"font-family:[^;]*;?\s*", "", style)

    def variable(match: re.Match[str]) -> str:
        role = roles().get(match[0].lower())
        return f"var(--{css(role)}, {match[0].lower()})" if role else match[0]

    return COLOUR.sub(variable, style)


def foreign_colours(svg: str) -> list[str]:
    """List the colours of lines and texts that are not in the palette, if there is one."""
    if not roles():
        return []
    styles = re.findall(r'<text[^>]*style="([^"]*)"', svg)
    styles += re.findall(r"stroke: *#\w{6}", svg)
    found = {colour.lower() for style in styles for colour in COLOUR.findall(style)}
    return sorted(found - roles().keys())


def figure_problems(drawn: list[str], options: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the figures of a block or cell, each with its repair."""
    described = {name for name in ("alt", "caption") if options.get(name, "").strip()}
    if len(drawn) > 1:
        yield f"{len(drawn)} figures are left open", "draw one figure a block"
    elif drawn and len(described) < 2:
        missing = " and ".join(sorted({"alt", "caption"} - described))
        yield (
            f"the figure has no {missing}",
            "give it alt (what it shows, for who cannot see it) and caption (what to see)",
        )
    elif described and not drawn:
        yield "alt and caption without a figure", "remove them, or draw a figure"
    if foreign := sorted({colour for svg in drawn for colour in foreign_colours(svg)}):
        yield (
            f"the figure's colours {', '.join(foreign)} do not follow the page's palette",
            f"take the colours of lines and texts from {palette_name()}",
        )
