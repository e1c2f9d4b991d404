"""A run page as Markdown and HTML: the Markdown extension `engine.render`."""

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from markdown import Markdown
from markdown.extensions import Extension
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from math_core import LatexError, LatexToMathML

from engine.cache import page_run
from engine.downloads import opened
from engine.parse import FRONT_MATTER, RUNS, Block, PageError, Problem, Value
from engine.imports import runs_in_browser
from engine.run import PageRun
from engine.settings import css, settings
from engine.states import states_html
from engine.predictions import asked_html
from engine.svg import inline_svg
from engine.typeset import typeset

CONVERTER = LatexToMathML(pretty_print="never", fancy_error=False)


def render(run: PageRun, stash: Callable[[str], str] = str, folder: str = "docs") -> str:
    """Write the page's Markdown with all results; `stash` hides raw HTML from the parser."""
    text, figure = run.text, 0
    replaced: list[tuple[int, int, str]] = []
    for number, value in enumerate(run.values, 1):
        replaced.append((value.start, value.end, stash(value_html(value, number))))
    for block in run.blocks:
        figure += block.figure is not None
        begin = text.rfind("\n", 0, block.start) + 1
        prefix = re.match(r"[ \t]*", text[begin:])[0]
        lines = [] if block.hidden else block_lines(block, figure, run.path, stash)
        shown = "\n".join(prefix + line if line else "" for line in lines)
        replaced.append((begin, block.end, shown))
    for start, end, shown in sorted(replaced, reverse=True):
        text = text[:start] + shown + text[end:]
    return text[run.body_start :] + "\n\n" + download_line(run, stash, folder)


def block_lines(block: Block, figure: int, path: str, stash: Callable[[str], str]) -> Iterator[str]:
    """Yield the lines of Markdown that show a block: code, output, figure."""
    name = f"figure-{figure}"
    if "fold" in block.options:
        yield from figure_lines(block, name, path, stash)
        yield f'??? {css("fold")} "{block.options["fold"] or "The code"}"'
        yield ""
        yield from ("    " + line if line else "" for line in code_lines(block, name, stash))
    else:
        yield from code_lines(block, name, stash)
    if block.expected:
        yield from ("", *fenced(f"{{ .text .{css('output')} }}", block.expected), "")
    if "fold" not in block.options:
        yield from figure_lines(block, name, path, stash)


def code_lines(block: Block, figure: str, stash: Callable[[str], str]) -> Iterator[str]:
    """Yield the block's code, and below it what *copy runnable* copies."""
    shown = (name for name in ("title", "hl_lines") if name in block.options)
    info = " ".join(["python", *(f'{name}="{block.options[name]}"' for name in shown)])
    yield from fenced(info, block.source.rstrip())
    yield ""
    if block.skipped is not None:
        reason = html.escape(block.skipped)
        yield stash(f'<p class="{css("skipped")}">Not run here: {reason}</p>')
    else:
        data = f' data-figure="{figure}"' * bool(block.figure)
        data += " data-elsewhere" * (not runs_in_browser(block.runnable))
        opening = f'<template class="{css("runnable")}"{data} data-search-exclude>'
        yield stash(f"{opening}{html.escape(block.runnable)}</template>")
    yield ""


def figure_lines(block: Block, name: str, path: str, stash: Callable[[str], str]) -> Iterator[str]:
    """Yield the block's figure, if there is one, with its caption in Markdown."""
    if block.figure:
        svg = inline_svg(block.figure, name, block.options["alt"])
        states, reading = states_html(block.states, name, path) if block.states else ("", "")
        asks, asking = asked_html(block.prediction, name) if block.prediction else ("", "")
        opening = f'<figure class="{css("figure")}" id="{name}"{states}{asks}>'
        yield from ("", stash(f"{opening}{svg}{reading}{asking}<figcaption>"), "")
        yield typeset(block.options["caption"])
        yield from ("", stash("</figcaption></figure>"), "")


def fenced(info: str, text: str) -> list[str]:
    """Fence the text with more backticks than it holds in a row."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`{3,}", text))])
    return [fence + info, *text.splitlines(), fence]


def value_html(value: Value, number: int) -> str:
    """Write an inline value that shows its expression on hover and focus."""
    return (
        f'<span class="{css("value")}" tabindex="0" aria-describedby="value-{number}">'
        f'{typeset(html.escape(value.text))}<span class="{css("source")}" role="tooltip" '
        f'id="value-{number}" data-search-exclude>computed by '
        f"<code>{html.escape(value.expression)}</code></span></span>"
    )


def download_line(run: PageRun, stash: Callable[[str], str], folder: str) -> str:
    """Link to the downloads: a lab's own notebook, or a chapter's notebook and script."""
    path = Path(run.path)
    if path.suffix == ".ipynb":
        link = f'<a href="{path.name}" download>notebook</a>'
        return stash(f'<p class="{css("download")}">Run this page yourself: {link}.</p>')
    if not run.shows_code:
        return ""
    links = f"[notebook]({path.stem}.ipynb), [script]({path.stem}.py)"
    if settings().address:
        address = opened(path.relative_to(folder).with_suffix(".ipynb").as_posix())
        links += f", or [in Jupyter in your browser]({address}), which another site runs"
    return f"Run this page yourself: {links}.\n{{ .{css('download')} }}\n"


def mathml(latex: str, display: bool) -> str:
    """Turn LaTeX into MathML, a block in a box of its own. Raises ValueError for bad LaTeX."""
    try:
        math = CONVERTER.convert_with_local_state(latex, displaystyle=display)
    except LatexError as error:
        raise ValueError(f"LaTeX {latex.strip()!r}: {str(error).strip()}") from None
    return f'<div class="{css("math")}" tabindex="0">{math}</div>' if display else math


class PagePreprocessor(Preprocessor):
    """Replaces a page's text by the text with all results, of the run given or of one it makes."""

    def __init__(self, md: Markdown, folder: str, given: PageRun | None) -> None:
        super().__init__(md)
        self.folder, self.given = folder, given
        self.path, self.text = given.path if given else "", ""

    def run(self, lines: list[str]) -> list[str]:
        self.text = "\n".join(lines)
        if not self.given and not RUNS.search(self.text):
            return lines
        result = self.given or page_run(self.find())
        self.path, self.text = result.path, result.text
        if result.problems:
            raise PageError(result.problems)
        return render(result, self.md.htmlStash.store, self.folder).split("\n")

    def find(self) -> str:
        """Find the page with this text: Markdown does not tell an extension the page's path."""
        wanted = "".join(self.text.split())
        for path in sorted(Path(self.folder).rglob("*.md")):
            if "".join(FRONT_MATTER.sub("", path.read_text("utf-8")).split()) == wanted:
                return path.as_posix()
        beginning = self.text.strip()[:60]
        raise PageError(
            [
                Problem(
                    "?",
                    1,
                    f"text that would run is no page of {self.folder}/: {beginning!r}",
                    "keep code that runs on pages; in docstrings, write examples with >>>",
                )
            ]
        )


class MathTreeprocessor(Treeprocessor):
    """Turns the mathematics that arithmatex found into MathML."""

    def __init__(self, md: Markdown, page: PagePreprocessor) -> None:
        super().__init__(md)
        self.page = page

    def run(self, root: ElementTree.Element) -> None:
        for element in root.iter():
            if element.get("class") == "arithmatex":
                display = element.tag == "div"
                latex = html.unescape(element.text) if display else element.text
                # Keep a comma or a full stop on the line of the formula before it.
                punctuation = re.match(r"[.,;:!?)]*", element.tail or "")[0]
                element.tail = (element.tail or "")[len(punctuation) :]
                element.text = self.md.htmlStash.store(self.convert(latex, display)) + punctuation
                element.tag = "p" if display else "span"
                element.attrib = {} if display else {"class": css("formula")}

    def convert(self, latex: str, display: bool) -> str:
        """Convert a formula; bad LaTeX is a problem of the page."""
        try:
            return mathml(latex, display)
        except ValueError as error:
            line = self.page.text.count("\n", 0, max(0, self.page.text.find(latex.strip()))) + 1
            raise PageError(
                [Problem(self.page.path or "?", line, str(error), "mend the LaTeX")]
            ) from None


class TableTreeprocessor(Treeprocessor):
    """Puts each table into a box that scrolls, also by keyboard, where the page is narrow."""

    def run(self, root: ElementTree.Element) -> None:
        for parent in list(root.iter()):
            for position, table in enumerate(parent):
                if table.tag == "table":
                    box = ElementTree.Element("div", {"class": css("table"), "tabindex": "0"})
                    box.append(table)
                    box.tail, table.tail = table.tail, None
                    parent[position] = box


class RunningPages(Extension):
    """Pages that run: see `engine.parse` for the dialect."""

    def __init__(self, run: PageRun | None = None, **options: str) -> None:
        self.config = {"docs_dir": ["docs", "The folder of the pages"]}
        self.given = run
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:
        page = PagePreprocessor(md, self.getConfig("docs_dir"), self.given)
        md.block_level_elements.append("template")
        # Before superfences (25), which then highlights the code.
        md.preprocessors.register(page, "engine-page", 29)
        # After the inline patterns (20), which find the mathematics.
        md.treeprocessors.register(MathTreeprocessor(md, page), "engine-math", 15)
        md.treeprocessors.register(TableTreeprocessor(md), "engine-table", 14)


def makeExtension(**options: str) -> RunningPages:  # noqa: N802, the name that Markdown looks for
    return RunningPages(**options)
