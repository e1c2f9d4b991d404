"""Drawing, in one style: the only room that needs matplotlib.

A drawing function takes arrays and an optional `ax`, computes nothing but layout, and returns the
`ax`. Measurements are points with intervals, theory is a line in the text's ink, and a series
carries its name itself instead of a legend. A colour is a role: the site gives every role a shade
for light, dark and print.

Reading order: `style` (colours and sizes), `ticks`, `series_labels` (without overlap), `axes`
(with one series on them), `figures` (of series), `canvas` (arrows, units and cells),
`schematics` (networks), `pictures` (matrices and gradients), `explorables` (figures with knobs),
`predictions` (figures that ask first).
"""

from vanishing.plot.axes import panels
from vanishing.plot.explorables import Explorable, explore
from vanishing.plot.figures import curves, heat, histogram, image, measured, per_layer, training
from vanishing.plot.pictures import ball_and_box, outer, shared_mean
from vanishing.plot.predictions import Prediction, predict
from vanishing.plot.schematics import journeys, open_paths, paths, unrolled
from vanishing.plot.style import PALETTE, WIDTH, use

__all__ = [
    "PALETTE",
    "WIDTH",
    "Explorable",
    "Prediction",
    "ball_and_box",
    "curves",
    "explore",
    "heat",
    "histogram",
    "image",
    "journeys",
    "measured",
    "open_paths",
    "outer",
    "panels",
    "paths",
    "per_layer",
    "predict",
    "shared_mean",
    "training",
    "unrolled",
    "use",
]
