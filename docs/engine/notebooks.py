"""An executed notebook as the run of a page: what the cells printed, drew and displayed.

A code cell begins with the options that a chapter's fence has, in Quarto's manner. Indented lines
continue an option:

    #| alt: What the figure shows, for who cannot see it
    #| caption: What to see, in Markdown
    #|   over as many lines as it takes
    #| fold: The title under which the code folds away
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from nbconvert.filters import strip_ansi

from engine.links import link_problems
from engine.parse import Block, Page, Problem, page_parser, plain
from engine.run import PageRun, indented
from engine.settings import settings
from engine.svg import figure_problems

HEAD = re.compile(r"(?:#\|.*(?:\n|\Z))*")
OPTION = re.compile(r"#\| (alt|caption|fold):(.*(?:\n#\|  .*)*)")
FAILED_LINE = re.compile(r"^-+> *\d+ +(.*)$", re.MULTILINE)
OBJECT = re.compile(r"\[?<\w.*>\]?\s*", re.DOTALL)
Found = Iterator[tuple[str, str]]


class CellProblem(Problem):
    """What is wrong in a notebook. `line` counts cells of every kind, from 1."""

    def __str__(self) -> str:
        return f"{self.path}, cell {self.line}: {self.message}\n    repair: {self.repair}"


def notebook_run(notebook: dict[str, Any], path: str) -> PageRun:
    """Make the run of a page from an executed notebook; list what is wrong in `problems`."""
    run = PageRun(path, "")
    for number, cell in enumerate(notebook["cells"], 1):
        add = {"markdown": add_prose, "code": add_code}.get(cell["cell_type"], add_nothing)
        run.problems += (CellProblem(path, number, *found) for found in add(run, cell))
    return run


def add_nothing(run: PageRun, cell: dict[str, Any]) -> Found:
    """Refuse a cell of another kind."""
    yield f"a {cell['cell_type']} cell would not be shown", "make it a Markdown or a code cell"


def add_prose(run: PageRun, cell: dict[str, Any]) -> Found:
    """Append a Markdown cell to the page; refuse what the pages' parser would run."""
    page = Page(cell["source"], run.path)
    if list(page_parser(str)(page)) or page.problems:
        yield (
            "a Markdown cell runs nothing, and this one looks as if it did",
            "put the code into a code cell",
        )
    yield from ((problem.message, problem.repair) for problem in link_problems(page.text, run.path))
    run.text += page.text + "\n\n"


def add_code(run: PageRun, cell: dict[str, Any]) -> Found:
    """Append a code cell with its output and figure, and the Markdown that the cell displayed."""
    head = HEAD.match(cell["source"])[0]
    code = cell["source"][len(head) :].strip("\n")
    options = {
        name: " ".join(text.replace("\n#|", " ").split()) for name, text in OPTION.findall(head)
    }
    if stray := OPTION.sub("", head).strip():
        yield (
            f"{stray!r} is no option of a cell",
            "write `#| alt: ...`, `#| caption: ...` or `#| fold: ...`",
        )
    if not code:
        yield "the cell is empty", "delete it"
    outputs = defaultdict(list)
    for output in cell["outputs"]:
        kind, text = content(output)
        outputs[kind].append(text)
    yield from output_problems(outputs)
    yield from figure_problems(outputs["svg"], options)
    block = Block(len(run.text), len(run.text) + len(code), 0, code, options=options)
    block.expected = block.printed = plain("".join(outputs["stdout"]))
    block.figure = next(iter(outputs["svg"]), None)
    run.blocks.append(block)
    block.runnable = run.runnable(block, settings().stateful_names)
    run.text += "\n\n".join([code, *outputs["markdown"], ""])


def content(output: dict[str, Any]) -> tuple[str, str]:
    """Return the kind of an output, and the first of its forms that a page can show."""
    if output["output_type"] == "stream":
        return output["name"], output["text"]
    if output["output_type"] == "error":
        return "error", "\n".join([f"{output['ename']}: {output['evalue']}", *output["traceback"]])
    for kind, name in {"image/svg+xml": "svg", "text/markdown": "markdown"}.items():
        if kind in output["data"]:
            return name, output["data"][kind]
    text = output["data"]["text/plain"] + "\n"
    return ("object" if OBJECT.fullmatch(text) else "stdout"), text


def output_problems(outputs: dict[str, list[str]]) -> Found:
    """Yield a problem for each output that a page must not show."""
    yield from map(failure, outputs["error"])
    if outputs["stderr"]:
        text = re.sub(r"\S*ipykernel_\S*:(\d+): ", r"line \1: ", plain("".join(outputs["stderr"])))
        repair = "avoid it, or expect it: with np.errstate(...) or warnings.catch_warnings()"
        yield f"unexpected warning or error output:\n{indented(text)}", repair
    for text in outputs["object"]:
        yield (
            f"the cell's value shows as {text.strip()}",
            "end its last line with a semicolon, or print what matters",
        )


def failure(text: str) -> tuple[str, str]:
    """Make a problem of an error: the error's first line, and the cell's line that raised it."""
    text = strip_ansi(text)
    line = FAILED_LINE.search(text)
    repair = "mend the code, or what the lab claims; the run wins"
    return text.splitlines()[0].rstrip(": ") + (f"\n    in: {line[1]}" if line else ""), repair
