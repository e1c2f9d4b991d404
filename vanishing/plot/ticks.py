"""Ticks: few of them, and numbers on a log axis as a reader writes them."""

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator


class Decades(LogLocator):
    """Few powers of ten, at even steps that include 1; 2 and 5 between them on a short axis."""

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        low = np.log10(vmin)
        high = np.log10(vmax)
        step = tick_step(max(1, round(high - low)))
        digits = (1, 2, 5) if high - low < 1.5 else (1,)
        powers = range(max(-323, int(low) - 1), min(308, int(high) + 1) + 1)
        return [digit * 10.0**power for power in powers if power % step == 0 for digit in digits]


def tick_step(span: int) -> int:
    """The whole number 1, 2 or 5 times a power of ten that cuts `span` into six or fewer."""
    locator = MaxNLocator(6, integer=True, steps=[1, 2, 5, 10])
    return int(np.diff(locator.tick_values(0, span))[0])


def log_number(value: float) -> str:
    """A number on a log axis as a reader writes it: 5·10⁻⁵, 10⁻⁵, 0.1, 0.2, 1, 10, 100."""
    mantissa, power = (float(part) for part in f"{value:.4e}".split("e"))
    if -2 < power < 3 or mantissa != 1 and -5 < power < 5:
        return f"{value:g}"
    superscripts = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
    digits = "" if mantissa == 1 else f"{mantissa:g}·"
    return f"{digits}10{f'{power:.0f}'.translate(superscripts)}"
