"""The look: colours by role, sizes, and the settings that make matplotlib use them."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.rcsetup import cycler

#: Role of a colour -> its light shade. A concept has one colour on all pages.
PALETTE = {
    # Text, the line of a theory, what steps back.
    "ink": "#22262b",
    "faint": "#5b626b",
    "grid": "#dfe2e6",
    "paper": "#ffffff",
    # The two journeys: the difference between inputs, and the gradient (Okabe and Ito's colours).
    "forward": "#0072b2",
    "backward": "#d55e00",
    # Further series, which stand for no one concept; yellow only lies under others.
    "green": "#009e73",
    "purple": "#cc79a7",
    "yellow": "#f0e442",
    # Activations, by their names in `vanishing.ACTIVATIONS`.
    "sigmoid": "#7a1874",
    "tanh": "#088355",
    "relu": "#5a4803",
    "leaky_relu": "#16420f",
    "gelu": "#5a25d8",
    "selu": "#1d615f",
}
#: The roles that series take, in this order.
SERIES = ("forward", "backward", "green", "purple", "ink")
#: The roles of activations.
ACTIVATION_ROLES = ("sigmoid", "tanh", "relu", "leaky_relu", "gelu", "selu")
MARKERS = {
    "forward": "o",
    "backward": "s",
    "green": "^",
    "purple": "D",
    "ink": "x",
    "sigmoid": "D",
    "tanh": "^",
    "relu": "p",
    "leaky_relu": "v",
    "gelu": "h",
    "selu": "d",
}
# Inches. A figure shown 358 px wide, as on a phone, has its text of 12 pt still above 11 px.
WIDTH = 5.2
HEIGHT = 3.2
# Points from the middle of one label to that of the next.
LINE = 15.0
# Points that one character of a label takes, on average.
CHARACTER = 7.0

SETTINGS: Any = {
    "figure.figsize": (WIDTH, HEIGHT),
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": PALETTE["ink"],
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.edgecolor": PALETTE["faint"],
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": PALETTE["ink"],
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=[PALETTE[role] for role in SERIES]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.xmargin": 0.02,
    "grid.color": PALETTE["grid"],
    # 1.2 pt are 1.6 px on the page.
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "xtick.color": PALETTE["faint"],
    "xtick.labelsize": 12,
    "xtick.minor.size": 0,
    "ytick.color": PALETTE["faint"],
    "ytick.labelsize": 12,
    "ytick.minor.size": 0,
    # Keep text as text, and ids the same from build to build.
    "svg.fonttype": "none",
    "svg.hashsalt": "vanishing",
}


def use() -> None:
    """Make this style the current one; importing the module does so once."""
    plt.rcParams.update(SETTINGS)


use()


def colour(role: str) -> str:
    """The light shade of a role; a ValueError lists the roles if there is none of that name."""
    if role not in PALETTE:
        raise ValueError(f"role {role!r} is unknown. Known: {', '.join(PALETTE)}")
    return PALETTE[role]
