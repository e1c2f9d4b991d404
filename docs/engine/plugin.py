"""The pytest plugin: each page is one test, run by the engine that the site's build uses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cache import page_run, page_runs
from engine.parse import PageError
from engine.run import PageRun, matches


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-outputs`."""
    parser.addoption(
        "--update-outputs",
        action="store_true",
        help="rewrite the output blocks of the pages with what their code prints",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PageFile | None":
    """Collect each page."""
    return (
        PageFile.from_parent(parent, path=file_path) if is_page(file_path, parent.config) else None
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """Run the chosen pages together, on all cores."""
    option = session.config.option
    if not option.collectonly and not hasattr(session.config, "workerinput"):
        page_runs(item.page for item in session.items if isinstance(item, PageItem))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Run the pages before the workers of pytest-xdist start, which then find the runs kept."""
    chosen = (config.rootpath / argument.partition("::")[0] for argument in config.args)
    page_runs(
        page.relative_to(config.rootpath) for path in chosen for page in pages_under(path, config)
    )


def pages_under(path: Path, config: pytest.Config) -> Iterator[Path]:
    """Yield the pages in a folder, or the one page that `path` is."""
    yield from (
        page for page in ([path] if path.is_file() else path.rglob("*.md")) if is_page(page, config)
    )


def is_page(path: Path, config: pytest.Config) -> bool:
    """Tell pages from other files: Markdown, outside the folder of the tests."""
    return path.suffix == ".md" and not path.is_relative_to(config.rootpath / "tests")


class PageFile(pytest.File):
    """A page's file, which holds one test."""

    def collect(self) -> Iterator["PageItem"]:
        yield PageItem.from_parent(self, name="page")


class PageItem(pytest.Item):
    """A page as one test, because a block alone would lack the blocks above."""

    @property
    def page(self) -> Path:
        """The page's path, relative to the project."""
        return self.path.relative_to(self.config.rootpath)

    def runtest(self) -> None:
        result = page_run(self.page)
        if self.config.getoption("--update-outputs"):
            updated = with_outputs(result)
            if updated != result.text:
                self.path.write_text(updated, "utf-8")
                result = page_run(self.page)
        if result.problems:
            raise PageError(result.problems)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:
        if isinstance(excinfo.value, PageError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.page}"


def with_outputs(run: PageRun) -> str:
    """Write the page's source with every output block as the page's code prints."""
    text = run.text
    for block in reversed(run.blocks):
        if block.hidden or block.skipped is not None or not block.printed:
            continue
        if block.expected is None or not matches(block.expected, block.printed):
            begin = text.rfind("\n", 0, block.start) + 1
            prefix = text[begin : block.start] + text[block.start :][: indent(text[block.start :])]
            lines = ["", "", "```output", *block.printed.splitlines(), "```"]
            shown = "\n".join(prefix + line if line else "" for line in lines)
            text = text[: block.source_end] + shown + text[block.end :]
    return text


def indent(text: str) -> int:
    return len(text) - len(text.lstrip(" \t"))
