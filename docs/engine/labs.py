"""MkDocs hook for labs: notebooks that mkdocs-jupyter executes, shown as any other page.

mkdocs-jupyter runs a notebook in the kernel `jupyter/kernels/lab`, which draws figures as SVG in
their natural size, whatever MPLBACKEND says, and uses one thread, as pages do. The template in
`jupyter/nbconvert` shadows the one of mkdocs-jupyter and gives the executed notebook as JSON,
without 580 kB of styles. This hook makes the same `PageRun` of the notebook as of a chapter, and
MkDocs renders that by the same extension.
"""

import copy
import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Thread

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files, get_files
from mkdocs.structure.pages import Page
from nbclient.exceptions import CellExecutionError

from engine import live
from engine.cache import digest
from engine.notebooks import CellProblem, failure, notebook_run
from engine.parse import PageError
from engine.render import RunningPages

JUPYTER = Path(__file__).parent / "jupyter"
FOLDER = Path(".cache/labs")
PACKAGES = ("ipykernel", "ipython", "matplotlib-inline", "mkdocs-jupyter", "nbclient", "nbconvert")


class Execution(Thread):
    """Executes labs one after another, and keeps what stopped one.

    The thread waits for kernels, which are processes. As a daemon, it ends with a build that ends
    early.
    """

    def __init__(self, labs: Sequence[Page], config: MkDocsConfig, files: Files) -> None:
        super().__init__(daemon=True)
        self.work = labs, config, files
        self.stopped_by: dict[str, Exception] = {}

    def run(self) -> None:
        labs, *arguments = self.work
        for lab in labs:
            try:
                lab.render(*arguments)
            except Exception as error:
                self.stopped_by[lab.file.src_uri] = error

    def wait_for(self, lab: str) -> None:
        """Wait until all labs are executed; raise what stopped this one."""
        self.join()
        if lab in self.stopped_by:
            raise self.stopped_by[lab]


executions: list[Execution] = []


def on_config(config: MkDocsConfig) -> None:
    """Let Jupyter find kernel and template; name the cache by all that a lab's run depends on.

    mkdocs-jupyter itself looks only at the notebook's bytes. MkDocs calls this hook before every
    build, also under `mkdocs serve`.
    """
    os.environ["JUPYTER_PATH"] = str(JUPYTER)
    folder = FOLDER / digest(*map(importlib.metadata.version, PACKAGES))
    config.plugins["mkdocs-jupyter"].config["cache_dir"] = str(folder)


def on_pre_build(config: MkDocsConfig) -> None:
    """Begin to execute the labs, so that the next hook runs the pages meanwhile.

    mkdocs-jupyter keeps what it executed, and takes it from there when MkDocs renders the lab.
    """
    for execution in executions:
        execution.join()
    plugin = config.plugins["mkdocs-jupyter"]
    files = get_files(config)
    labs = [Page(None, file, config) for file in files if plugin.should_include(file)]
    for lab in labs:
        plugin.on_pre_page(lab, config, files)
    executions[:] = [Execution(labs, config, files)]
    executions[0].start()


def on_pre_page(page: Page, config: MkDocsConfig, files: Files) -> None:
    """Take the place of the rendering that mkdocs-jupyter has just put on the page."""
    if config.plugins["mkdocs-jupyter"].should_include(page.file):
        page.render = partial(render_lab, page, page.render)


def on_post_build(config: MkDocsConfig) -> None:
    """Remove the runs that belong to other sources and versions."""
    for folder in FOLDER.glob("*"):
        if folder != Path(config.plugins["mkdocs-jupyter"].config["cache_dir"]):
            shutil.rmtree(folder)


def render_lab(page: Page, take: Callable[..., None], config: MkDocsConfig, files: Files) -> None:
    """Render a lab as MkDocs renders a page, once mkdocs-jupyter has the executed notebook."""
    path = os.path.relpath(page.file.abs_src_path)
    try:
        executions[0].wait_for(page.file.src_uri)
        take(config, files)
        # Ignore the style sheet that mkdocs-jupyter appends to the template's JSON.
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
        if live.ships(config):
            files.append(live.blocks(run, page.file.src_uri, config))
    except CellExecutionError as error:
        raise PluginError(str(stopped(path, error))) from None
    except PageError as error:
        raise PluginError(str(error)) from None


def stopped(path: str, error: CellExecutionError) -> CellProblem:
    """Make a problem of what stopped a notebook; find the cell by nbclient's quotation of it."""
    cells = enumerate(nbformat.read(path, as_version=4).cells, 1)
    number = next(n for n, cell in cells if f"-\n{cell.source}\n-" in str(error))
    return CellProblem(path, number, *failure(f"{error.ename}: {error.evalue}\n{error}"))
