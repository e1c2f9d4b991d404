"""Ticks: few of them, and numbers on a log axis as a reader writes them."""

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


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


def tick_label(value: float, low: float, high: float) -> str:
    """A number on a log axis from low to high: all powers of ten alike, but for 1."""
    power = np.log10(value)
    if 0.9e-2 < low and high < 1.1e4:
        return f"{value:g}"
    return log_number(value) if value == 1 or abs(power - round(power)) > 1e-9 else ten(power)


def ten(power: float) -> str:
    """A power of ten."""
    return f"10{f'{power:.0f}'.translate(SUPERSCRIPTS)}"


def log_number(value: float) -> str:
    """A number on a log axis as a reader writes it: 5·10⁻⁵, 10⁻⁵, 0.1, 0.2, 1, 10, 100."""
    mantissa, power = (float(part) for part in f"{value:.4e}".split("e"))
    if -2 < power < 3 or mantissa != 1 and -5 < power < 5:
        return f"{value:g}"
    return ("" if mantissa == 1 else f"{mantissa:g}·") + ten(power)
