"""The pages as a whole: all that looks like code ran, runs alone, and is listed where it should be."""

import os
import re
from pathlib import Path

import alone
import pytest
import vanishing
import yaml
from engine.cache import page_run, page_runs, store
from engine.parse import FRONT_MATTER, Block, plain
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
PAGES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
CITED = re.compile(r"sources\.md#([\w-]+)")
LISTED = re.compile(r"^## .*\{ *#([\w-]+) *\}$", re.MULTILINE)


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def fences(text: str) -> int:
    """How many python fences an independent Markdown parser sees, in admonitions too."""
    text = FRONT_MATTER.sub("", text)
    tokens = MarkdownIt().parse(text)
    count = sum(token.type == "fence" and token.info.startswith("python") for token in tokens)
    indented = (token.content for token in tokens if token.type == "code_block")
    return count + sum(fences(content) for content in indented)


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_python_fence_ran(path):
    visible = [block for block in page_run(path).blocks if not block.hidden]
    assert fences(path.read_text("utf-8")) == len(visible)


def test_every_block_runs_alone_with_the_lines_it_needs(monkeypatch):
    for name, value in {
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    visible = [
        (run.path, block)
        for run in page_runs(PAGES)
        for block in run.blocks
        if not block.hidden and block.skipped is None
    ]
    results = alone.printed([block.runnable for _, block in visible])

    def failure(path: str, block: Block, output: str, error: str) -> str | None:
        if not error and plain(output) == block.printed:
            return None
        return (
            f"{path}:{block.line}: alone, with the lines it needs, this block does not give what it gives on the page\n"
            f"    repair: start randomness where it is used; do not print in a statement that later blocks need\n"
            f"{block.runnable}\n--- it prints\n{output}{error[-2000:]}"
        )

    failures = [failure(*found, *result) for found, result in zip(visible, results, strict=True)]
    assert not any(failures), "\n\n".join(filter(None, failures))


@pytest.mark.parametrize(
    "code", ["import warnings; warnings.warn('old')", "print(np)", "raise SystemExit(1)"]
)
def test_what_does_not_run_alone_is_seen(code):
    ((_, error),) = alone.printed([code])
    assert error


def test_pages_and_navigation_agree():
    class Loader(yaml.SafeLoader):
        """Reads mkdocs.yml, whose tags only MkDocs knows."""

    Loader.add_multi_constructor("!", lambda loader, suffix, node: None)

    def names(entry):
        if isinstance(entry, str):
            return [entry]
        return [
            name
            for part in (entry.values() if isinstance(entry, dict) else entry)
            for name in names(part)
        ]

    listed = names(yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)["nav"])
    files = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/labs/*.ipynb")]
    assert sorted(listed) == sorted(path.relative_to(ROOT / "docs").as_posix() for path in files)


def test_sources_and_citations_agree():
    cited = {
        key
        for path in [*PAGES, *Path("docs/labs").glob("*.ipynb")]
        for key in CITED.findall(path.read_text("utf-8"))
    }
    text = Path("docs/reference/sources.md").read_text("utf-8")
    listed = LISTED.findall(text)
    assert listed == sorted(listed), "keep the sources in alphabetical order"
    assert cited == set(listed)


def test_every_module_has_its_reference_page():
    modules = {path.stem for path in Path(vanishing.__file__).parent.glob("*.py")} - {
        "__init__",
        "__main__",
    }
    pages = {path.stem: path.read_text("utf-8") for path in Path("docs/reference/api").glob("*.md")}
    assert modules == set(pages)
    assert all(f"::: vanishing.{name}\n" in text for name, text in pages.items())


def test_pages_have_a_description():
    for path in PAGES:
        if path.parent.name != "api" and path.name != "README.md":
            assert re.search(
                r"^description: \S", FRONT_MATTER.match(path.read_text("utf-8"))[0], re.MULTILINE
            ), path


def test_the_readme_states_the_size_of_the_package():
    values = {value.expression: value.text for value in page_run("docs/reference/api.md").values}
    total = next(text for expression, text in values.items() if expression.startswith("sum(lines"))
    assert f"{total} lines of code" in Path("README.md").read_text("utf-8")


def test_only_so_many_runs_are_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.cache.KEPT", 2)
    for n in range(3):
        Path("page.md").write_text(f"# Page {n}\n")
        store("page.md")
        os.utime(
            max(Path(".cache/pages").iterdir(), key=lambda path: path.stat().st_ctime_ns), (n, n)
        )
    assert len(list(Path(".cache/pages").iterdir())) == 2
    assert page_run("page.md").text == "# Page 2\n"
