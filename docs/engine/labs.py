"""Labs: notebooks that mkdocs-jupyter executes, shown as any other page of the site. An MkDocs hook.

mkdocs-jupyter runs a notebook in the kernel `jupyter/kernels/lab` (figures as SVG in their natural
size, whatever MPLBACKEND says; one thread, as pages have) and through the template that shadows its
own in `jupyter/nbconvert`: the run notebook as JSON, without 580 kB of styles. Here the notebook
becomes the same `PageRun` that a chapter becomes, and MkDocs renders it by the same extension.

A code cell that draws begins with what a chapter's fence has as options, in Quarto's manner; more
lines belong to an option if they are indented:

    #| alt: What the figure shows, for who cannot see it
    #| caption: What to see, in Markdown
    #|   over as many lines as it takes
    #| fold: The title under which the code folds away
"""

import copy
import importlib.metadata
import itertools
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import nbformat
from markdown import Markdown
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from nbclient.exceptions import CellExecutionError
from nbconvert.filters import strip_ansi

from engine.cache import digest
from engine.figures import foreign_colours
from engine.links import link_problems
from engine.parse import Page as Source
from engine.parse import PageError, Problem, page_parser
from engine.render import RunningPages, download_line, render
from engine.run import BlockRun, PageRun, indented, plain

JUPYTER = Path(__file__).parent / "jupyter"
FOLDER = Path(".cache/labs")
PACKAGES = ("ipykernel", "ipython", "matplotlib-inline", "mkdocs-jupyter", "nbclient", "nbconvert")
HEAD = re.compile(r"(?:#\|.*(?:\n|\Z))*")
OPTION = re.compile(r"#\| (alt|caption|fold):(.*(?:\n#\|  .*)*)")
FAILED_LINE = re.compile(r"^-+> *\d+ +(.*)$", re.MULTILINE)
OBJECT = re.compile(r"\[?<\w.*>\]?\s*", re.DOTALL)


class LabProblem(Problem):
    """What is wrong in a notebook: `line` counts its cells, of whatever kind, from 1."""

    def __str__(self) -> str:
        return f"{self.path}, cell {self.line}: {self.message}\n    repair: {self.repair}"


def on_config(config: MkDocsConfig) -> None:
    """Let Jupyter find the kernel and the template, and name the cache by all that a run depends on.

    mkdocs-jupyter itself looks only at the notebook's bytes. MkDocs calls this before every build,
    also the builds of `mkdocs serve`.
    """
    os.environ["JUPYTER_PATH"] = str(JUPYTER)
    data = (path.read_bytes() for path in sorted(JUPYTER.rglob("*.j*")))
    folder = FOLDER / digest(*map(importlib.metadata.version, PACKAGES), *data)
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(folder)


def on_pre_page(page: Page, config: MkDocsConfig, files: Files) -> None:
    if config.plugins["mkdocs-jupyter"].should_include(page.file):
        page.render = partial(render_lab, page, page.render)


def on_post_build(config: MkDocsConfig) -> None:
    """Remove the runs that belong to other sources and versions."""
    for folder in FOLDER.glob("*"):
        if folder != Path(config.plugins["mkdocs-jupyter"].config["cache_dir"]):
            shutil.rmtree(folder)


def render_lab(page: Page, execute: Callable[..., None], config: MkDocsConfig, files: Files) -> None:
    """Render a lab as MkDocs renders a page, after mkdocs-jupyter ran it or took it from the cache."""
    path = os.path.relpath(page.file.abs_src_path)
    try:
        execute(config, files)
        notebook, _ = json.JSONDecoder().raw_decode(page.content)
        run = lab_run(notebook, path)
        if run.problems:
            raise PageError(run.problems)
        config = copy.copy(config)
        config["markdown_extensions"] = [
            RunNotebook(run) if name == "engine.render" else name for name in config["markdown_extensions"]
        ]
        page.markdown = run.text
        Page.render(page, config, files)
    except CellExecutionError as error:
        raise PluginError(str(stopped(path, error))) from None
    except PageError as error:
        raise PluginError(str(error)) from None


class RunNotebook(RunningPages):
    """The extension of all pages, with a notebook's run in the place of the page's own."""

    def __init__(self, run: PageRun) -> None:
        super().__init__()
        self.run = run

    def extendMarkdown(self, md: Markdown) -> None:
        super().extendMarkdown(md)
        page = md.preprocessors["vanishing-page"]
        page.path = self.run.path
        page.run = lambda lines: shown(self.run, md.htmlStash.store).split("\n")


def shown(run: PageRun, stash: Callable[[str], str]) -> str:
    """The page with its results, and the notebook itself to download: it needs no second one made from it."""
    name = Path(run.path).name
    link = f'<p class="vg-download">Run this page yourself: <a href="{name}" download>notebook</a>.</p>'
    return render(run, stash).removesuffix(download_line(run)) + "\n\n" + stash(link)


def lab_run(notebook: dict, path: str) -> PageRun:
    """The run of a page that an executed notebook is; what is wrong is listed in `problems`."""
    run = PageRun(path, "")
    for number, cell in enumerate(notebook["cells"], 1):
        add = {"markdown": add_prose, "code": add_code}.get(cell["cell_type"], add_nothing)
        run.problems += (LabProblem(path, number, *problem) for problem in add(run, cell))
    return run


def add_nothing(run: PageRun, cell: dict) -> Iterator[tuple[str, str]]:
    yield f"a {cell['cell_type']} cell would not be shown", "make it a Markdown or a code cell"


def add_prose(run: PageRun, cell: dict) -> Iterator[tuple[str, str]]:
    """Append a Markdown cell to the page; the same parser as on pages says what in it would run."""
    source = Source(cell["source"], run.path)
    if list(page_parser(str)(source)) or source.problems:
        yield "a Markdown cell runs nothing, and this one looks as if it did", "put the code into a code cell"
    yield from ((problem.message, problem.repair) for problem in link_problems(cell["source"], run.path))
    run.text += cell["source"] + "\n\n"


def add_code(run: PageRun, cell: dict) -> Iterator[tuple[str, str]]:
    """Append a code cell, what it printed and drew, and the Markdown that it displayed."""
    head = HEAD.match(cell["source"])[0]
    code = cell["source"][len(head) :].strip("\n")
    options = {name: " ".join(text.replace("\n#|", " ").split()) for name, text in OPTION.findall(head)}
    if stray := OPTION.sub("", head).strip():
        yield f"{stray!r} is no option of a cell", "write `#| alt: ...`, `#| caption: ...` or `#| fold: ...`"
    outputs = defaultdict(list)
    for output in cell["outputs"]:
        kind, text = content(output)
        outputs[kind].append(text)
    yield from output_problems(outputs)
    yield from figure_problems(outputs["svg"], options)
    printed = plain("".join(outputs["stdout"]))
    block = BlockRun(len(run.text), len(run.text) + len(code), 0, code, options=options, printed=printed)
    block.expected, block.figure = printed, next(iter(outputs["svg"]), None)
    run.blocks.append(block)
    # Run alone, a cell needs the cells above it; a kernel does not tell which of them.
    block.runnable = "\n\n".join(earlier.source for earlier in run.blocks) + "\n"
    run.text += "\n\n".join([code, *outputs["markdown"], ""])


def content(output: dict) -> tuple[str, str]:
    """What an output shows, and as what: the first of its forms that a page can show."""
    if output["output_type"] == "stream":
        return output["name"], output["text"]
    if output["output_type"] == "error":
        return "error", "\n".join([f"{output['ename']}: {output['evalue']}", *output["traceback"]])
    for kind, name in {"image/svg+xml": "svg", "text/markdown": "markdown"}.items():
        if kind in output["data"]:
            return name, output["data"][kind]
    text = output["data"]["text/plain"] + "\n"
    return ("object" if OBJECT.fullmatch(text) else "stdout"), text


def output_problems(outputs: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for text in outputs["error"]:
        yield failed(text)
    if outputs["stderr"]:
        text = re.sub(r"\S*ipykernel_\S*:(\d+): ", r"line \1: ", plain("".join(outputs["stderr"])))
        repair = "avoid it, or expect it: with np.errstate(...) or warnings.catch_warnings()"
        yield f"unexpected warning or error output:\n{indented(text)}", repair
    for text in outputs["object"]:
        yield f"the cell's value shows as {text.strip()}", "end its last line with a semicolon, or print what matters"


def figure_problems(drawn: list[str], options: dict[str, str]) -> Iterator[tuple[str, str]]:
    missing = " and ".join(name for name in ("alt", "caption") if not options.get(name))
    if len(drawn) > 1:
        yield f"the cell draws {len(drawn)} figures", "draw one figure a cell"
    if drawn and missing:
        yield f"the figure has no {missing}", "begin the cell with `#| alt: ...` and `#| caption: ...`"
    if not drawn and options.keys() & {"alt", "caption"}:
        yield "alt and caption without a figure", "remove them, or draw a figure"
    for colour in itertools.chain.from_iterable(map(foreign_colours, drawn)):
        repair = "take lines' and texts' colours from vanishing.figures.PALETTE"
        yield f"the figure's colour {colour} does not follow the page's palette", repair


def failed(text: str) -> tuple[str, str]:
    """The problem that an error is: its first line, and the line of the cell that raised it."""
    text = strip_ansi(text)
    line = FAILED_LINE.search(text)
    repair = "mend the code, or what the lab claims; the run wins"
    return text.splitlines()[0].rstrip(": ") + (f"\n    in: {line[1]}" if line else ""), repair


def stopped(path: str, error: CellExecutionError) -> LabProblem:
    """The problem that stopped the execution of a notebook."""
    cells = enumerate(nbformat.read(path, as_version=4).cells, 1)
    number = next(n for n, cell in cells if f"-\n{cell.source}\n-" in str(error))
    return LabProblem(path, number, *failed(f"{error.ename}: {error.evalue}\n{error}"))
