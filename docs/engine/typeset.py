"""Numbers as books print them."""

import re

SCIENTIFIC = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([+-]?)0*(\d+)\b")
MINUS = re.compile(r"(?<![\w.)])-(?=\d)")


def typeset(text: str) -> str:
    """Print 3.2e-05 as 3.2 × 10⁻⁵, and a minus before a number as a minus sign."""

    def power(match: re.Match[str]) -> str:
        sign = "−" if match[2] == "-" else ""
        return f"{match[1]}\u202f×\u202f10<sup>{sign}{match[3]}</sup>"

    return MINUS.sub("−", SCIENTIFIC.sub(power, text))
