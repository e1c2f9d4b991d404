"""A figure that asks first: its run waits, as one group, until the reader has drawn a curve.

A figure asks if its attribute `prediction` holds an object as `Prediction` describes it. The page's
script hides the group and compares the reader's curve with the run; without it the figure is whole.
"""

import html
import json
from collections.abc import Sequence
from typing import Protocol, TypedDict

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.knobs import picture, saved_without
from engine.settings import css
from engine.svg import fragment, lay_out


class Prediction(Protocol):
    """What the engine asks of a figure's `prediction`."""

    ax: Axes
    """The axes of the run, with a linear or logarithmic y axis."""

    x: Sequence[float]
    """Where the points of the run stand, from left to right."""

    values: Sequence[float]
    """What the run gives at each x, all on the y axis."""

    quantity: str
    """What the run shows, in words."""

    place: str
    """Where a point stands, in words, with `{}` for its x."""

    per: str | None
    """What a step of 1 in x is called, if the change per step tells something."""

    given: int | None
    """The index of the point that is shown from the start, if one is."""

    def drawn(self) -> Sequence[Artist]:
        """What of the figure tells the run, from the back to the front."""


class Asked(TypedDict):
    """What the page's script needs. Lengths are those of the SVG, from its upper left corner.

    `across` holds how far right each point stands, `area` the left, top, right and bottom end of
    the axes, and `ends` the values at their bottom and top.
    """

    quantity: str
    place: str
    per: str | None
    given: int | None
    x: list[float]
    values: list[float]
    across: list[float]
    area: list[float]
    ends: list[float]
    log: bool


def asked(figure: Figure, prefix: str) -> tuple[str, Asked]:
    """Draw the figure as SVG, its run in a group of its own, and say what the script needs.

    Raises ValueError if the figure has knobs, too.
    """
    if hasattr(figure, "explorable"):
        raise ValueError("a figure has knobs or asks for a prediction, not both")
    prediction: Prediction = figure.prediction
    lay_out(figure)
    run = f'<g class="{css("predicted")}">{fragment(picture(figure, prediction), prefix)}</g>'
    rest = saved_without(figure, prediction.drawn())
    return rest.replace("</svg>", f"{run}</svg>"), measured(figure, prediction)


def measured(figure: Figure, prediction: Prediction) -> Asked:
    """Say where on the SVG the points and the axes are."""
    ax, height = prediction.ax, figure.get_figheight() * 72
    low, high = ax.get_ylim()
    box = ax.get_window_extent()
    across = [float(ax.transData.transform((x, low))[0]) for x in prediction.x]
    area = [box.x0, height - box.y1, box.x1, height - box.y0]
    return {
        "quantity": prediction.quantity,
        "place": prediction.place,
        "per": prediction.per,
        "given": prediction.given,
        "x": [short(x) for x in prediction.x],
        "values": [short(value) for value in prediction.values],
        "across": [round(length, 2) for length in across],
        "area": [round(float(length), 2) for length in area],
        "ends": [float(low), float(high)],
        "log": ax.get_yscale() == "log",
    }


def short(number: float) -> float:
    """Round to as many digits as words need."""
    return float(f"{number:.4g}")


def asked_html(data: Asked, name: str) -> tuple[str, str]:
    """Write the figure's attribute for the page's script, and what asks the reader to draw."""
    attribute = f' data-prediction="{html.escape(json.dumps(data, ensure_ascii=False))}"'
    given = "" if data["given"] is None else " One point of it is given."
    return attribute, (
        f'<div class="{css("asking")}" data-search-exclude><p id="{name}-asking">'
        f"Draw the curve that you expect for {html.escape(data['quantity'])}. Use the mouse, "
        "a finger or the arrow keys (left and right choose a point, up and down move it)."
        f'{given}</p><button type="button">Show the run</button>'
        f'<p class="{css("difference")}" role="status"></p></div>'
    )
