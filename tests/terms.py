"""The glossary's terms on a page: where a chapter first uses each, and whether that use is a link.

`python tests/terms.py` links what is not linked yet.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.parse import Page, prose

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "docs/practice/glossary.md"
CHAPTERS = sorted(
    path for folder in ("foundations", "remedies") for path in ROOT.glob(f"docs/{folder}/*.md")
)
ENTRY = re.compile(
    r"^\*\*(.+?)\*\*\{ #([\w-]+) \}\n(?:[: ].*\n)*?.*\]\(\.\./([\w/.-]+)", re.MULTILINE
)
# What of a page's prose is no running text: folds' titles, headings, tables, mathematics, code
# and links.
NOT_TEXT = re.compile(
    r"^ *(?:[#|]|\?\?\?|!!!).*$"
    r"|\$\$[\s\S]*?\$\$|\$[^$]*\$"
    r"|(`+)[\s\S]*?\1"
    r"|\[[^\]]*\]\([^)]*\)",
    re.MULTILINE,
)
LINK = re.compile(r"\[[^\]]*\]\(\.\./practice/glossary\.md#([\w-]+)\)")
# Anchor -> the words that use a term, where they are others than its name and the name's plural.
WORDS = {
    "activation": r"activation(?: function)?s?",
    "batch": r"batch(?:es)?(?! (?:and layer )?norm)",
    "chi": r"chi",
    "clipping": r"clipping|clipped|clips?",
    "critical": r"critical",
    "dead-unit": r"dead(?: units?)?",
    "difference": r"differences? between (?:the |two )?inputs|what tells (?:two|the) inputs apart",
    "exploding": r"explod(?:es?|ing)",
    "factor": r"factors? per layer",
    "journey": r"(?:forward|backward|two) journeys?|journeys?",
    "normalization": r"normalization",
    "rms": r"rms",
    "saturated": r"saturat(?:es?|ed|ion)",
    "sigma-w": r"weight scales?",
    "steady": r"steady",
    "typical": r"typical",
    "underflow": r"underflows?",
    "uneven": r"uneven",
    "vanishing": r"vanish(?:es|ing)?",
    "verdict": r"verdicts?",
}


class Use(NamedTuple):
    """The first use of a term on a page."""

    anchor: str
    start: int
    end: int
    linked: bool


def terms() -> dict[str, tuple[str, str]]:
    """Anchor -> the words that use the term, as a pattern, and the page that explains it."""
    found = ENTRY.findall(GLOSSARY.read_text("utf-8"))
    return {
        anchor: (WORDS.get(anchor, rf"{re.escape(name.lower())}s?"), page)
        for name, anchor, page in found
    }


def first_uses(path: Path) -> Iterator[Use]:
    """The first use of each term that the page does not explain itself."""
    page = Page(path.read_text("utf-8"), str(path))
    links = {match[1]: match for match in reversed([*LINK.finditer(page.text)])}
    body = " " * page.body_start + prose(page)[page.body_start :]
    blank = NOT_TEXT.sub(lambda match: " " * len(match[0]), body)
    for anchor, (words, page) in terms().items():
        use = re.search(rf"(?<![\w-])(?:{words})(?![\w-])", blank, re.IGNORECASE)
        link = links.get(anchor)
        if path == ROOT / "docs" / page:
            continue
        if link and not (use and use.start() < link.start()):
            yield Use(anchor, *link.span(), True)
        elif use:
            yield Use(anchor, *use.span(), False)


def link_first_uses(path: Path) -> None:
    """Make a link of each first use, and text of the links to the same term below."""
    text = path.read_text("utf-8")
    missing = [use for use in first_uses(path) if not use.linked]
    anchors = {use.anchor for use in missing}
    edits = [
        (link.start(), link.end(), link[0][1 : link[0].index("](")])
        for link in LINK.finditer(text)
        if link[1] in anchors
    ]
    for use in missing:
        word = text[use.start : use.end]
        link = f"[{word}]({os.path.relpath(GLOSSARY, path.parent)}#{use.anchor})"
        edits.append((use.start, use.end, link))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    for chapter in CHAPTERS:
        link_first_uses(chapter)
