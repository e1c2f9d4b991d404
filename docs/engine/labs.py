"""Labs: notebooks that mkdocs-jupyter executes, shown as any other page of the site. An MkDocs
hook.

mkdocs-jupyter runs a notebook in the kernel `jupyter/kernels/lab` (figures as SVG in their natural
size, whatever MPLBACKEND says; one thread, as pages have) and through the template that shadows its
own in `jupyter/nbconvert`: the run notebook as JSON, without 580 kB of styles. Here the notebook
becomes the same `PageRun` that a chapter becomes, and MkDocs renders it by the same extension.
"""

import copy
import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page
from nbclient.exceptions import CellExecutionError

from engine.cache import digest
from engine.notebooks import CellProblem, failure, notebook_run
from engine.parse import PageError
from engine.render import RunningPages

JUPYTER = Path(__file__).parent / "jupyter"
FOLDER = Path(".cache/labs")
PACKAGES = ("ipykernel", "ipython", "matplotlib-inline", "mkdocs-jupyter", "nbclient", "nbconvert")


def on_config(config: MkDocsConfig) -> None:
    """Let Jupyter find the kernel and the template, and name the cache by all that a run depends
    on.

    mkdocs-jupyter itself looks only at the notebook's bytes. MkDocs calls this before every build,
    also the builds of `mkdocs serve`.
    """
    os.environ["JUPYTER_PATH"] = str(JUPYTER)
    data = (path.read_bytes() for path in sorted(JUPYTER.rglob("*.j*")))
    folder = FOLDER / digest(*map(importlib.metadata.version, PACKAGES), *data)
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(folder)


def on_pre_page(page: Page, config: MkDocsConfig, files: Files) -> None:
    """Stand between MkDocs and the rendering that mkdocs-jupyter has just put on the page."""
    if config.plugins["mkdocs-jupyter"].should_include(page.file):
        page.render = partial(render_lab, page, page.render)


def on_post_build(config: MkDocsConfig) -> None:
    """Remove the runs that belong to other sources and versions."""
    for folder in FOLDER.glob("*"):
        if folder != Path(config.plugins["mkdocs-jupyter"].config["cache_dir"]):
            shutil.rmtree(folder)


def render_lab(
    page: Page, execute: Callable[..., None], config: MkDocsConfig, files: Files
) -> None:
    """Render a lab as MkDocs renders a page, after mkdocs-jupyter ran it or took it from the cache."""
    path = os.path.relpath(page.file.abs_src_path)
    try:
        execute(config, files)
        # Behind the template's JSON, mkdocs-jupyter appends a style sheet.
        notebook, _ = json.JSONDecoder().raw_decode(page.content)
        run = notebook_run(notebook, path)
        if run.problems:
            raise PageError(run.problems)
        config = copy.copy(config)
        config["markdown_extensions"] = [
            RunningPages(run) if name == "engine.render" else name
            for name in config["markdown_extensions"]
        ]
        page.markdown = run.text
        Page.render(page, config, files)
    except CellExecutionError as error:
        raise PluginError(str(stopped(path, error))) from None
    except PageError as error:
        raise PluginError(str(error)) from None


def stopped(path: str, error: CellExecutionError) -> CellProblem:
    """The problem that stopped a notebook; nbclient quotes the cell, and does not say which it is."""
    cells = enumerate(nbformat.read(path, as_version=4).cells, 1)
    number = next(n for n, cell in cells if f"-\n{cell.source}\n-" in str(error))
    return CellProblem(path, number, *failure(f"{error.ename}: {error.evalue}\n{error}"))
