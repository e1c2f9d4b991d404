"""Run a page: every block, hidden block and inline value, in page order, in isolation."""

import ast
import contextlib
import io
import os
import pkgutil
import random
import re
import sys
import tempfile
import traceback
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from unittest import SkipTest

import matplotlib
import numpy as np
from matplotlib import pyplot
from matplotlib.figure import Figure
from sybil.example import Example
from sybil.evaluators.python import PythonEvaluator
from sybil.region import Lexeme, Region

from engine import svg
from engine.imports import with_requirements
from engine.runnable import closure
from engine.parse import (
    CODE_SPAN,
    RUNS,
    Block,
    Page,
    Problem,
    Value,
    expression_of,
    page_parser,
    plain,
)
from engine.settings import settings
from engine.knobs import explored
from engine.predictions import asked

EXECUTE = PythonEvaluator()


@dataclass
class PageRun:
    """What a page's run gave. Positions count characters of `text`."""

    path: str
    text: str
    body_start: int = 0
    blocks: list[Block] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    preview: str = ""  # the first figure, as PNG in base64

    @property
    def shows_code(self) -> bool:
        """Tell whether a reader sees any code."""
        return not all(block.hidden for block in self.blocks)

    def runnable(self, block: Block, stateful: Iterable[str]) -> str:
        """Return the block's source below the earlier lines of the page that the block needs.

        A comment above says what to install for it.
        `stateful` names the objects that change with every use.
        """
        blocks = self.blocks[: self.blocks.index(block)]
        earlier = [block.source for block in blocks if block.skipped is None]
        return with_requirements(closure(earlier, block.source, stateful))


def run(text: str, path: str) -> PageRun:
    """Run a page and list what is wrong with the page in `problems`; raise nothing."""
    page = Page(text, path)
    runner = Runner(page)
    for region in page_parser(runner)(page):
        page.add(region)
    if not page.problems and RUNS.search(text):
        with isolated(path) as page.namespace:
            runner.run()
    page.problems.sort(key=lambda problem: problem.line)
    return runner.result


def site_style() -> Callable[[], object]:
    """Import the function that sets the site's style, and with it the site's package."""
    name = settings().style
    return pkgutil.resolve_name(name) if name else lambda: None


@contextlib.contextmanager
def isolated(path: str) -> Iterator[dict[str, object]]:
    """Give a page the namespace of a fresh module, and leave the process as it was before.

    Open figures are closed, those of before as well as the page's.
    """
    # Imported before the page's warnings filter is in place, which would make errors of warnings.
    use_style = site_style()
    module = types.ModuleType(re.sub(r"\W", "_", os.path.basename(path).removesuffix(".md")))
    generators = random.getstate(), np.random.get_state()
    folder = os.getcwd()
    with (
        tempfile.TemporaryDirectory() as scratch,
        warnings.catch_warnings(),
        matplotlib.rc_context(),
        np.errstate(),
    ):
        warnings.simplefilter("error")
        random.seed(0)
        np.random.seed(0)
        pyplot.switch_backend("Agg")
        pyplot.close("all")
        use_style()
        sys.modules[module.__name__] = module
        os.chdir(scratch)
        try:
            yield module.__dict__
        finally:
            os.chdir(folder)
            del sys.modules[module.__name__]
            pyplot.close("all")
            random.setstate(generators[0])
            np.random.set_state(generators[1])


class Runner:
    """Evaluates a page's regions and gathers what they give."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.result = PageRun(page.path, page.text, page.body_start, problems=page.problems)
        self.stateful: set[str] = set()
        self.stateful_types = tuple(map(pkgutil.resolve_name, settings().stateful))

    def run(self) -> None:
        """Evaluate all regions in order, then the inline values of the front matter."""
        for example in self.page.examples():
            try:
                example.evaluate()
            except SkipTest as skip:
                self.skip(example, str(skip))
            except (Exception, SystemExit) as error:
                self.failed(example.line, error)
                return
        for span in CODE_SPAN.finditer(self.page.text[: self.page.body_start]):
            try:
                self.result.meta[span[0]] = self.filled(span[0], span.start())
            except Exception as error:
                self.failed(self.page.line_of(span.start()), error)

    def __call__(self, example: Example) -> None:
        """Evaluate one region, as Sybil asks."""
        item = example.region.lexemes["item"]
        if isinstance(item, Value):
            item.text = self.text_of(item.expression, item.start)
            self.result.values.append(item)
            return
        self.result.blocks.append(item)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            EXECUTE(example)
        item.printed = plain(printed.getvalue())
        if item.hidden:
            self.check_hidden(item)
            return
        self.check_output(item)
        self.take_figure(item)
        self.stateful |= {
            name
            for name, value in example.namespace.items()
            if isinstance(value, self.stateful_types)
        }
        item.runnable = self.result.runnable(item, self.stateful)

    def skip(self, example: Example, reason: str) -> None:
        """Keep a block that is shown and not run; parse it, so that its syntax is right."""
        item = example.region.lexemes["item"]
        if isinstance(item, Value):
            self.page.problem(
                item.start, "an inline value cannot be skipped", "move it below the skip's end"
            )
            return
        item.skipped = reason
        self.result.blocks.append(item)
        try:
            ast.parse(item.source)
        except SyntaxError as error:
            self.page.problem(
                item.start,
                "the block is not run here, and could not run anywhere: "
                f"{error.msg}, in its line {error.lineno}",
                "mend the syntax; a skipped block is parsed all the same",
            )

    def text_of(self, expression: str, position: int) -> str:
        """Return the text that an expression gives; a number without a format is a problem."""
        line = self.page.line_of(position)
        source = Lexeme(f"__value__ = (\n{expression}\n)", 0, -2)
        example = Example(
            self.page, line, 1, Region(position, position, source), self.page.namespace
        )
        EXECUTE(example)
        value = self.page.namespace.pop("__value__")
        if isinstance(value, str | int | np.integer) and not isinstance(value, bool):
            return str(value)
        self.page.problem(
            position,
            f"the inline value {expression!r} is a bare {type(value).__name__}: {value!r}",
            f'format it: `{{python}} f"{{{expression}:.2g}}"`',
        )
        return ""

    def filled(self, text: str, position: int) -> str:
        """Fill the inline values of a caption or of an alternative text in."""

        def value(span: re.Match[str]) -> str:
            expression = expression_of(span)
            return span[0] if expression is None else self.text_of(expression, position)

        return CODE_SPAN.sub(value, text)

    def check_hidden(self, block: Block) -> None:
        """Note what a hidden block shows, and must not."""
        if block.printed:
            self.page.problem(
                block.start, "a hidden block prints", "assert instead, or make the block visible"
            )
        if list(svg.take_open()):
            self.page.problem(block.start, "a hidden block draws", "make the block visible")

    def check_output(self, block: Block) -> None:
        """Compare what the block printed with what the page says."""
        update = f"check that it is right, then run pytest --update-outputs {self.page.path}"
        if block.expected is None and block.printed:
            self.page.problem(
                block.start,
                f"the block prints, and no output block says what:\n{indented(block.printed)}",
                update,
            )
        elif block.expected is not None and not matches(block.expected, block.printed):
            self.page.problem(
                block.output_start,
                f"the output differs; the page says\n{indented(block.expected)}\n"
                f"  and the block prints\n{indented(block.printed)}",
                update,
            )

    def take_figure(self, block: Block) -> None:
        """Keep the figure that the block left open, with its texts filled in."""
        drawn = [self.picture(figure, block) for figure in svg.take_open()]
        found = list(svg.figure_problems(drawn, block.options))
        for message, repair in found:
            self.page.problem(block.start, message, repair)
        if drawn and not found:
            block.figure = drawn[0]
            for name in ("alt", "caption"):
                block.options[name] = self.filled(block.options[name], block.start)

    def picture(self, figure: Figure, block: Block) -> str:
        """Draw the figure as SVG, and keep what else of it the page needs.

        That is what a figure with knobs or with a prediction holds, and the first preview.
        """
        number = 1 + sum(earlier.figure is not None for earlier in self.result.blocks)
        if hasattr(figure, "prediction"):
            picture, block.prediction = asked(figure, f"figure-{number}-state")
        elif hasattr(figure, "explorable"):
            picture, block.states = explored(figure, f"figure-{number}-state")
        else:
            picture = svg.saved(figure)
        # Drawn last, because another resolution moves the layout by fractions of a pixel.
        if settings().address and not self.result.preview:
            self.result.preview = svg.preview(figure)
        return picture

    def failed(self, line: int, error: Exception | SystemExit) -> None:
        """Make a problem of an exception, at the page's line that raised it."""
        lines = [
            f.lineno
            for f in traceback.extract_tb(error.__traceback__)
            if f.filename == self.page.path
        ]
        line = lines[-1] if lines else getattr(error, "lineno", None) or line
        source = "\n    ".join(
            [self.page.text.splitlines()[line - 1].strip(), *getattr(error, "__notes__", ())]
        )
        if isinstance(error, Warning):
            message = f"unexpected {type(error).__name__}: {error}"
            repair = "avoid it, or expect it: with np.errstate(...) or warnings.catch_warnings()"
        elif isinstance(error, AssertionError):
            message = f"the claim does not hold: {error or source}"
            repair = "mend what the page says, or the claim; the run wins"
        elif isinstance(error, NameError):
            message = f"NameError: {error}"
            repair = "define the name in a block above this line"
        else:
            message = f"{type(error).__name__}: {error}"
            repair = "mend the code; run the page alone with: pytest " + self.page.path
        self.result.problems.append(
            Problem(self.page.path, line, f"{message}\n    in: {source}", repair)
        )


def matches(expected: str, printed: str) -> bool:
    """Compare what was printed with what was expected, where `...` stands for any text."""
    pattern = ".*?".join(map(re.escape, expected.split("...")))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


def indented(text: str) -> str:
    """Indent printed text for a message."""
    return "\n".join(f"      {line}" for line in text.splitlines()) or "      (nothing)"
