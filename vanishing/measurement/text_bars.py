"""Bars in text, for tables of sizes that span many powers of ten."""

from __future__ import annotations

import math
import sys

import numpy as np

from vanishing._validation import Array

DECADES = 2
"""The least number of powers of ten that the longest bar and the shortest one lie apart."""


@np.errstate(all="ignore")
def log_bars(sizes: Array, width: int) -> list[str]:
    """A bar for each size, on a log scale from the smallest to the largest; none for 0 and NaN.

    Of at most `width` characters: blocks, or number signs where the standard output may not print
    blocks.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf"
    block = "\N{FULL BLOCK}" if "utf" in encoding.lower() else "#"
    logs = np.log(sizes)
    seen = logs[np.isfinite(logs)]
    top, bottom = seen.max(initial=-math.inf), seen.min(initial=math.inf)
    span = max(top - bottom, DECADES * math.log(10))
    lengths = 1 + (width - 1) * np.clip(1 - (top - logs) / span, 0, 1)
    rows = zip(lengths, sizes, strict=True)
    return [block * round(length) if size > 0 else "" for length, size in rows]
