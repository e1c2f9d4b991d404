"""A run page as a notebook that first installs what it needs, and as a script."""

import importlib
import re
import tomllib
from pathlib import Path
from urllib.parse import urljoin
from collections.abc import Iterator

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from engine.imports import requirements
from engine.parse import Block
from engine.run import PageRun
from engine.settings import settings

RELATIVE_LINK = re.compile(r"(?<!!)\[([^\[\]]+)\]\((?![a-z]+:)[^()\s]+\)")
ATTRIBUTES = re.compile(r"[ \t]*\{:?[ \t]*[.#][^{}\n]*\}")


# Jupyter in the browser, run by the project itself; it opens what an address leads to.
JUPYTER = "https://jupyter.org/try-jupyter/lab/index.html?fromURL="


def notebook(run: PageRun, project: str = "") -> str:
    """Write the page as a notebook: what to install, prose, code, output, figures.

    `project` is what pip is to install so that the site's packages are there.
    """
    cells = [*installation(run, project), *page_cells(run)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return nbformat.writes(new_notebook(cells=cells, metadata=metadata)) + "\n"


def script(notebook: str) -> str:
    """Write the notebook as a script in percent cells, with its prose in comments."""
    return jupytext.writes(nbformat.reads(notebook, as_version=4), fmt="py:percent")


def built_wheel(folder: Path) -> Path | None:
    """Build the working directory's project by its own build backend, if it names one."""
    project = Path("pyproject.toml")
    told = tomllib.loads(project.read_text("utf-8")) if project.is_file() else {}
    if "build-system" not in told:
        return None
    backend = importlib.import_module(told["build-system"]["build-backend"])
    return folder / backend.build_wheel(str(folder))


def opened(notebook: str) -> str:
    """Give the address that opens a notebook of the published site in the browser."""
    return JUPYTER + urljoin(settings().address or "", notebook)


def installation(run: PageRun, project: str) -> Iterator[nbformat.NotebookNode]:
    """Yield a cell that installs what the page's blocks import, or says what to install."""
    blocks = [block.source for block in run.blocks if block.skipped is None]
    needed = sorted({name for source in blocks for name in requirements(source)})
    if project:
        yield new_code_cell(" ".join(["%pip install --quiet", f'"{project}"', *needed]))
    elif settings().watch:
        packages = " and ".join(f"`{name}`" for name in settings().watch)
        others = f", and `pip install {' '.join(needed)}`" if needed else ""
        yield new_markdown_cell(
            f"This page needs {packages}: `pip install .` in a clone of the repository{others}."
        )


def page_cells(run: PageRun) -> Iterator[nbformat.NotebookNode]:
    """Yield a code cell for each block that ran, and Markdown cells for the prose between."""
    position = run.body_start
    for block in run.blocks:
        if block.skipped is not None:
            continue
        yield from prose_cell(run, position, block.start)
        yield code_cell(block)
        position = block.end
    yield from prose_cell(run, position, len(run.text))


def prose_cell(run: PageRun, start: int, end: int) -> Iterator[nbformat.NotebookNode]:
    """Yield a cell of the prose from `start` to `end` if there is any.

    Inline values become text, links to other pages their words, and attribute lists go.
    """
    text = run.text[start:end]
    for value in reversed([v for v in run.values if start <= v.start < end]):
        text = text[: value.start - start] + value.text + text[value.end - start :]
    text = ATTRIBUTES.sub("", RELATIVE_LINK.sub(r"\1", text)).strip()
    if text:
        yield new_markdown_cell(text)


def code_cell(block: Block) -> nbformat.NotebookNode:
    """Write a block as a code cell, with its output and figure."""
    outputs = []
    if block.printed:
        outputs.append(new_output("stream", name="stdout", text=block.printed + "\n"))
    if block.figure:
        data = {"image/svg+xml": block.figure, "text/plain": block.options["alt"]}
        outputs.append(new_output("display_data", data=data))
    metadata = {"tags": ["assertions"]} if block.hidden else {}
    return new_code_cell(block.source.rstrip(), outputs=outputs, metadata=metadata)
