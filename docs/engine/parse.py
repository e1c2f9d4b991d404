"""What runs on a page, and what would be silently skipped: one Sybil parser for tests and site."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sybil import Document, Region
from sybil.parsers.markdown import SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer

OPTIONS = ("title", "hl_lines", "alt", "caption", "fold")
COMMENT = re.compile(r"^[ \t]*<!--.*?(?:-->|\Z)", re.DOTALL | re.MULTILINE)
CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<body>.+?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)(?:\n|\Z)", re.DOTALL)
RUNS = re.compile(
    r"^[ \t]*(```+|~~~+)[ \t]*(python|output)\b|`\{python\}|invisible-code", re.MULTILINE
)
PYTHON_LIKE = re.compile(r"\W*(i?python\d?|py\d?|py-?con|python-repl|doctest)\b", re.IGNORECASE)
SKIP = re.compile(r"[ \t]*<!--+\s*;?\s*skip:?\s*(?P<action>\w+)(?P<reason>.*?)--+>", re.DOTALL)
LIKE_HIDDEN = re.compile(r"\s*<!--+\s*;?\s*(invisible-code|code-block|code\b)")
IS_HIDDEN = re.compile(r"\s*<!--+\s*;?\s*invisible-code-block:?[ \t]*python[ \t]*\n")
FENCE = RawFencedCodeBlockLexer(re.compile(r"(?P<info>[^\n]*)(?:\n|\Z)"))
HIDDEN = DirectiveInHTMLCommentLexer("invisible-code-block", arguments="python")


@dataclass(frozen=True)
class Problem:
    """What is wrong on a page, where, and how to repair it."""

    path: str
    line: int
    message: str
    repair: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}\n    repair: {self.repair}"


@dataclass
class Block:
    """A block of Python, visible or hidden; the run fills in what it printed and drew.

    Positions count characters of the page.
    """

    start: int
    end: int
    line: int
    source: str
    hidden: bool = False
    source_end: int = 0
    options: dict[str, str] = field(default_factory=dict)
    output_start: int = 0
    expected: str | None = None
    printed: str = ""
    figure: str | None = None
    states: dict[str, Any] | None = None
    """The states of a figure with knobs: an `engine.knobs.States`."""
    prediction: dict[str, Any] | None = None
    """What a figure that asks first needs: an `engine.predictions.Asked`."""
    skipped: str | None = None
    runnable: str = ""


@dataclass
class Value:
    """An inline value: position, expression, and the text that the run finds."""

    start: int
    end: int
    expression: str
    text: str = ""


class PageError(Exception):
    """One or more problems, for which the page must not be published."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(map(str, self.problems)))


class Page(Document):
    """A Sybil document that gathers problems instead of stopping at the first."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        self.problems: list[Problem] = []
        front_matter = FRONT_MATTER.match(text)
        self.body_start = front_matter.end() if front_matter else 0

    def line_of(self, position: int) -> int:
        """Count the line of a position, from 1."""
        return self.text.count("\n", 0, position) + 1

    def problem(self, position: int, message: str, repair: str) -> None:
        """Note a problem at a position."""
        self.problems.append(Problem(self.path, self.line_of(position), message, repair))


def mask(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """Blank the spans of a text out, and keep every position and line."""
    for start, end in spans:
        text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text


def outermost(spans: Iterable[Region | re.Match[str]]) -> list[Region | re.Match[str]]:
    """Keep the spans that do not begin inside an earlier span."""

    def ends(span: Region | re.Match[str]) -> tuple[int, int]:
        return span.span() if isinstance(span, re.Match) else (span.start, span.end)

    kept: list[Region | re.Match[str]] = []
    reached = 0
    for span in sorted(spans, key=lambda span: (ends(span)[0], -ends(span)[1])):
        if ends(span)[0] >= reached:
            kept.append(span)
            reached = ends(span)[1]
    return kept


def structure(page: Page) -> tuple[list[re.Match[str]], list[Region]]:
    """Find the comments and the fences of a page, none of them inside another."""
    mixed = outermost([*COMMENT.finditer(page.text), *FENCE(page)])
    comments = [span for span in mixed if isinstance(span, re.Match)]
    masked = Document(mask(page.text, (comment.span() for comment in comments)), page.path)
    return comments, outermost(FENCE(masked))


def prose(page: Page) -> str:
    """Blank the page's comments and fences out."""
    comments, fences = structure(page)
    spans = [comment.span() for comment in comments] + [(f.start, f.end) for f in fences]
    return mask(page.text, spans)


def page_parser(evaluate: Callable[..., str | None]) -> Callable[[Page], Iterator[Region]]:
    """Make the parser that hands everything that runs to `evaluate`, in page order.

    The lexeme `item` of a region is a `Block` or a `Value`.
    """

    def parse(page: Page) -> Iterator[Region]:
        comments, fences = structure(page)
        for region in (*blocks(page, fences), *hidden(page, comments), *values(page)):
            region.evaluator = evaluate
            yield region
        starts = {comment.start() for comment in comments}
        for comment in comments:
            check_skip(page, comment)
        yield from (region for region in SkipParser()(page) if region.start in starts)

    return parse


def region(item: Block | Value, source: str) -> Region:
    """Make Sybil's region of a block or a value."""
    return Region(item.start, item.end, source, lexemes={"item": item})


def blocks(page: Page, fences: list[Region]) -> list[Region]:
    """Make a region of each `python` fence, together with the `output` fence right after it."""
    found: list[Region] = []
    for fence in fences:
        info = fence.lexemes["info"]
        if re.match(r"python(\s|$)", info):
            found.append(block(page, fence))
        elif re.match(r"\s*output\b", info):
            attach_output(page, found[-1] if found else None, fence)
        elif PYTHON_LIKE.match(info):
            page.problem(
                fence.start,
                f"the fence {info.strip()!r} looks like Python but would not run",
                "write ```python, without a space before it; "
                "show code that must not run as ```text",
            )
    return found


def block(page: Page, fence: Region) -> Region:
    """Make a region of a `python` fence; what is malformed becomes a problem."""
    text = page.text[fence.start : fence.end]
    if not re.match(r"[ \t]*[`~]", text):
        page.problem(
            fence.start,
            "a block that runs cannot begin on the line of a list marker or in a quotation",
            "put the fence on a line of its own, indented to the text of the list item",
        )
    if not re.search(r"\n[ \t]*(`{3,}|~{3,})[ \t]*\Z", text):
        page.problem(fence.start, "the fence is never closed", "close it with a line of ```")
    source = fence.lexemes["source"]
    found = options(page, fence.start, fence.lexemes["info"])
    line = page.line_of(fence.start)
    return region(
        Block(fence.start, fence.end, line, str(source), source_end=fence.end, options=found),
        source,
    )


def options(page: Page, position: int, info: str) -> dict[str, str]:
    """Read the options of a fence; what is unknown or malformed becomes a problem."""
    if "`" in info and page.text[position:].lstrip().startswith("`"):
        page.problem(
            position,
            "a ``` fence cannot hold a backtick in its options",
            "open and close this fence with ~~~ to use `{python} ...` in its caption",
        )
    try:
        words = shlex.split(info)[1:]
    except ValueError as error:
        page.problem(
            position, f"the options {info!r} cannot be read: {error}", 'write name="value"'
        )
        return {}
    found = dict(word.partition("=")[::2] for word in words)
    for name in found.keys() - set(OPTIONS):
        page.problem(
            position,
            f"fence option {name!r} is unknown",
            f"remove it, or use one of: {', '.join(OPTIONS)}",
        )
    return found


def attach_output(page: Page, above: Region | None, fence: Region) -> None:
    """Make the output fence part of the block right before it."""
    item = above.lexemes["item"] if above else None
    if item is None or item.expected is not None or page.text[item.end : fence.start].strip():
        page.problem(
            fence.start,
            "this output does not follow a python block",
            "put it right after the block that prints it",
        )
        return
    if fence.lexemes["info"].strip() != "output":
        page.problem(fence.start, "an output fence takes no options", "write ```output alone")
    lines = page.text[fence.start : fence.end].splitlines()
    indent = len(lines[0]) - len(lines[0].lstrip())
    # Take the page's own lines: Sybil's lexeme has lost common indentation, which output may have.
    item.output_start, item.expected = (
        fence.start,
        plain("\n".join(line[indent:] for line in lines[1:-1])),
    )
    item.end = above.end = fence.end


def plain(text: str) -> str:
    """Remove trailing blanks of each line, and blank lines at the end."""
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def hidden(page: Page, comments: list[re.Match[str]]) -> Iterator[Region]:
    """Make a region of each hidden block, as long as the block's comment."""
    ends = {comment.start(): comment.end() for comment in comments}
    for comment in comments:
        if not comment[0].endswith("-->"):
            page.problem(comment.start(), "the comment is never closed", "close it with -->")
            return
        if LIKE_HIDDEN.match(comment[0]) and not IS_HIDDEN.match(comment[0]):
            page.problem(
                comment.start(),
                "this hidden block would not run",
                "begin it with <!-- invisible-code-block: python",
            )
    for found in HIDDEN(page):
        if found.start in ends:
            source, line = found.lexemes["source"], page.line_of(found.start)
            yield region(
                Block(found.start, ends[found.start], line, str(source), hidden=True), source
            )


def expression_of(span: re.Match[str]) -> str | None:
    """Return the expression of a code span, or None if the span is no inline value."""
    is_value = span["ticks"] == "`" and span["body"].startswith("{python}")
    return span["body"].removeprefix("{python}").strip() if is_value else None


def values(page: Page) -> Iterator[Region]:
    """Make a region of each inline value in the prose."""
    for span in CODE_SPAN.finditer(mask(prose(page), [(0, page.body_start)])):
        expression = expression_of(span)
        if expression is not None:
            yield region(Value(span.start(), span.end(), expression), expression)
        elif span["ticks"] == "`" and re.match(r"\{\w+\}", span["body"]):
            page.problem(
                span.start(),
                f"the inline value {span[0]} would not run",
                "write `{python} expression`",
            )


def check_skip(page: Page, comment: re.Match[str]) -> None:
    """Note a skip that gives no reason."""
    match = SKIP.match(comment[0])
    if match and match["action"] != "end" and not match["reason"].strip():
        page.problem(
            comment.start(),
            "a skip needs a reason",
            f'write <!-- skip: {match["action"]} "why this is not run here" -->',
        )
