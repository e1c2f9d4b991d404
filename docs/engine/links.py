"""Where a page points: links to pages and anchors that do not exist, by line."""

import functools
import os
import pkgutil
import re
from pathlib import Path
from urllib.parse import unquote

import markdown

from engine.parse import CODE_SPAN, Page, Problem, mask, prose
from engine.settings import settings

LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]^]+\]:\s*(?P<target>\S+)", re.MULTILINE)
API = re.compile(r"^::: *[\w.]+", re.MULTILINE)


def link_problems(text: str, path: str) -> list[Problem]:
    """List a problem for each relative link of a page that leads nowhere."""
    page = Page(text, path)
    text = prose(page)
    text = mask(text, (span.span() for span in CODE_SPAN.finditer(text)))
    for link in (*LINK.finditer(text), *REFERENCE.finditer(text)):
        target = link["target"].strip("<>")
        if re.match(r"[a-z][a-z+.-]*:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        file = Path(os.path.normpath(Path(page.path).parent / name)) if name else Path(page.path)
        if name and not file.exists():
            page.problem(
                link.start(),
                f"the link {target!r} leads to no file",
                f"mend the path: it is relative to {Path(page.path).parent}",
            )
        elif anchor and file.suffix == ".md" and not has_anchor(page, file, anchor):
            page.problem(link.start(), *missing(file, anchor))
    return page.problems


def missing(file: Path, anchor: str) -> tuple[str, str]:
    """Say that a page has no such anchor, and how to repair that."""
    if file.name == settings().sources:
        return (
            f"the source {anchor!r} is cited but not listed",
            f"add its entry, with {{ #{anchor} }}, to {file}",
        )
    return f"{file} has no anchor #{anchor}", "mend the anchor, or give the heading that { #id }"


def has_anchor(page: Page, file: Path, anchor: str) -> bool:
    """Look for the anchor among the page's ids, or the names that a reference page documents."""
    text = page.text if str(file) == page.path else file.read_text("utf-8")
    if API.search(text) and "." in anchor:
        try:
            return pkgutil.resolve_name(anchor) is not None
        except (ImportError, AttributeError):
            return False
    return anchor in anchors(text)


@functools.lru_cache(maxsize=64)
def anchors(text: str) -> frozenset[str]:
    """Collect the ids of a page's headings and attribute lists."""
    source = prose(Page(text, ""))
    html = markdown.markdown(source, extensions=["toc", "attr_list", "tables", "def_list"])
    return frozenset(re.findall(r'\bid="([^"]+)"', html))
