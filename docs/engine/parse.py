"""What runs on a page, and what would be silently skipped: one Sybil parser for tests and site."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sybil import Document, Region
from sybil.parsers.abstract.lexers import LexingException
from sybil.parsers.markdown import SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, RawFencedCodeBlockLexer
from sybil.region import Lexeme

OPTIONS = ("title", "hl_lines", "alt", "caption", "fold")
COMMENT = re.compile(r"^[ \t]*<!--.*?-->", re.DOTALL | re.MULTILINE)
CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`+)(?!`)(?P<body>.+?)(?<!`)(?P=ticks)(?!`)", re.DOTALL)
FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)(?:\n|\Z)", re.DOTALL)
PYTHON_LIKE = re.compile(r"\W*(i?python\d?|py\d?|py-?con|python-repl|doctest)\b", re.IGNORECASE)
SKIP = re.compile(r"[ \t]*<!--+\s*;?\s*skip:?\s*(?P<action>\w+)(?P<reason>.*?)--+>", re.DOTALL)
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


class PageError(Exception):
    """One or more problems: the page must not be published."""

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
        return self.text.count("\n", 0, position) + 1

    def problem(self, position: int, message: str, repair: str) -> None:
        self.problems.append(Problem(self.path, self.line_of(position), message, repair))


def mask(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with the spans blanked out, every position and line kept."""
    for start, end in spans:
        text = text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]
    return text


def outermost(spans: Iterable[Region | re.Match[str]]) -> list[Region | re.Match[str]]:
    """The spans that do not begin inside an earlier one."""

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
    """The comments and the fences that a reader of Markdown sees as such, none inside another."""
    mixed = outermost([*COMMENT.finditer(page.text), *FENCE(page)])
    comments = [span for span in mixed if isinstance(span, re.Match)]
    masked = Document(mask(page.text, (comment.span() for comment in comments)), page.path)
    return comments, outermost(FENCE(masked))


def prose(page: Page) -> str:
    """The page's text with comments and fences blanked out."""
    comments, fences = structure(page)
    spans = [comment.span() for comment in comments] + [(f.start, f.end) for f in fences]
    return mask(page.text, spans)


def page_parser(evaluate: Callable[..., str | None]) -> Callable[[Page], Iterator[Region]]:
    """The parser that hands everything that runs to `evaluate`, in page order.

    A region's lexemes say what it is: `kind` (`block`, `hidden`, `value`), and for a block its
    `options`, the positions `source_end` and, if there is one, the `output` that it must print.
    """

    def parse(page: Page) -> Iterator[Region]:
        comments, fences = structure(page)
        inside = [(fence.start, fence.end) for fence in fences]
        for region in (*blocks(page, fences), *hidden(page, comments), *values(page)):
            region.evaluator = evaluate
            yield region
        for comment in comments:
            check_skip(page, comment)
        for region in SkipParser()(page):
            if not any(start <= region.start < end for start, end in inside):
                yield region

    return parse


def blocks(page: Page, fences: list[Region]) -> Iterator[Region]:
    """A region per `python` fence, with the `output` fence that belongs to it."""
    previous: Region | None = None
    for fence in fences:
        info, source = fence.lexemes["info"], fence.lexemes["source"]
        language = info.split(maxsplit=1)[0] if info.strip() else ""
        if re.match(r"python(\s|$)", info):
            if previous:
                yield previous
            previous = block(page, fence, info, source)
        elif language == "output":
            attach_output(page, previous, fence)
        elif PYTHON_LIKE.match(info):
            page.problem(
                fence.start,
                f"the fence {info.strip()!r} looks like Python but would not run",
                "write ```python, without a space before it; show code that must not run as ```text",
            )
    if previous:
        yield previous


def block(page: Page, fence: Region, info: str, source: Lexeme) -> Region:
    opening = page.text[fence.start : page.text.find("\n", fence.start)]
    if not re.fullmatch(r"[ \t]*", opening[: re.search(r"`{3}|~{3}", opening).start()]):
        page.problem(
            fence.start,
            "a block that runs cannot begin on the line of a list marker or in a quotation",
            "put the fence on a line of its own, indented to the text of the list item",
        )
    if not re.search(r"(`{3,}|~{3,})[ \t]*\Z", page.text[fence.start : fence.end]):
        page.problem(fence.start, "the fence is never closed", "close it with a line of ```")
    lexemes = {
        "kind": "block",
        "options": options(page, fence.start, info),
        "source_end": fence.end,
        "output": None,
    }
    return Region(fence.start, fence.end, source, lexemes=lexemes)


def options(page: Page, position: int, info: str) -> dict[str, str]:
    """The options of a fence; what is unknown or malformed becomes a problem."""
    if "`" in info and page.text[position:].lstrip().startswith("`"):
        page.problem(
            position,
            "a ``` fence cannot hold a backtick in its options",
            "open and close this fence with ~~~ to use `{python} ...` in its caption",
        )
    try:
        words = shlex.split(info)[1:]
    except ValueError as error:
        page.problem(position, f"the options {info!r} cannot be read: {error}", 'write name="value"')
        return {}
    found = dict(word.partition("=")[::2] for word in words)
    for name in found.keys() - set(OPTIONS):
        page.problem(
            position,
            f"fence option {name!r} is unknown",
            f"remove it, or use one of: {', '.join(OPTIONS)}",
        )
    return found


def attach_output(page: Page, block: Region | None, fence: Region) -> None:
    """Make the output fence part of the block right before it."""
    between = page.text[block.end : fence.start] if block else "no block"
    if between.strip() or block.lexemes["output"] is not None:
        page.problem(
            fence.start,
            "this output does not follow a python block",
            "put it right after the block that prints it",
        )
        return
    if fence.lexemes["info"].strip() != "output":
        page.problem(fence.start, "an output fence takes no options", "write ```output alone")
    block.lexemes["output"] = fence
    block.end = fence.end


def hidden(page: Page, comments: list[re.Match[str]]) -> Iterator[Region]:
    """A region per hidden block: its comment, whole."""
    starts = {comment.start(): comment for comment in comments}
    for comment in comments:
        if re.match(r"\s*<!--+\s*;?\s*(invisible-code|code-block|code\b)", comment[0]):
            if not re.match(r"\s*<!--+\s*;?\s*invisible-code-block:?[ \t]*python[ \t]*\n", comment[0]):
                page.problem(
                    comment.start(),
                    "this hidden block would not run",
                    "begin it with <!-- invisible-code-block: python",
                )
    try:
        for region in HIDDEN(page):
            if region.start in starts:
                end = starts[region.start].end()
                yield Region(
                    region.start, end, region.lexemes["source"], lexemes={"kind": "hidden"}
                )
    except LexingException as error:
        page.problem(0, f"a hidden block is never closed: {error}", "close it with -->")


def values(page: Page) -> Iterator[Region]:
    """A region per inline value in the prose."""
    text = mask(prose(page), [(0, page.body_start)])
    for span in CODE_SPAN.finditer(text):
        if span["ticks"] == "`" and (match := re.match(r"\{(\w+)\}\s*", span["body"])):
            if match[1] != "python":
                page.problem(
                    span.start(),
                    f"the inline value {span[0]} would not run",
                    "write `{python} expression`",
                )
                continue
            yield Region(
                span.start(), span.end(), span["body"][match.end() :].strip(),
                lexemes={"kind": "value"},
            )


def check_skip(page: Page, comment: re.Match[str]) -> None:
    match = SKIP.match(comment[0])
    if match and match["action"] != "end" and not match["reason"].strip():
        page.problem(
            comment.start(),
            "a skip needs a reason",
            f'write <!-- skip: {match["action"]} "why this is not run here" -->',
        )
