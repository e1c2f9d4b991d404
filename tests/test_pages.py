"""The pages as a whole: what looks like code ran, runs alone, and is listed where it should be."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import alone
import pytest
import terms
import vanishing
import yaml
from engine.cache import page_run, page_runs, store
from engine.knobs import States
from engine.predictions import Asked
from engine.parse import FRONT_MATTER, Block, plain
from engine.run import run
from engine.svg import inline_svg
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent
PAGES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])
CITED = re.compile(r"sources\.md#([\w-]+)")
LISTED = re.compile(r"^## (.*?) *\{ *#([\w-]+) *\}$", re.MULTILINE)
AUTHOR = r"(?:(?:de|van|von) )?[A-Z][\w-]+"
YEAR = r"(?:18|19|20)\d\d[a-z]?\b"
NAMED = re.compile(rf"(?:{AUTHOR}(?:, | & ))*{AUTHOR}(?: et al\.)?,? \(?{YEAR}|\({YEAR}\)")


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


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_no_block_is_longer_than_a_reader_bears(path):
    for block in page_run(path).blocks:
        lines, most = len(block.source.splitlines()), 60 if "fold" in block.options else 25
        assert block.hidden or lines <= most, f"{path}:{block.line} has {lines} lines, over {most}"


@pytest.mark.parametrize("path", terms.CHAPTERS, ids=lambda path: path.stem)
def test_the_first_use_of_a_term_is_a_link_to_the_glossary(path):
    text = path.read_text("utf-8")
    unlinked = [text[use.start : use.end] for use in terms.first_uses(path) if not use.linked]
    assert not unlinked, f"{path}: {unlinked} are no links; repair: python tests/terms.py"


@pytest.fixture
def as_in_the_build(monkeypatch):
    for name, value in {
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }.items():
        monkeypatch.setenv(name, value)


def differences(pages: dict[str, list[Block]]) -> list[str]:
    """What each block gives alone, where that differs from what the block gives on its page."""
    codes = [[block.runnable for block in blocks] for blocks in pages.values()]
    found = zip(pages.items(), alone.outcomes(codes), strict=True)
    return [
        f"{path}:{block.line}: alone, with the lines it needs, this block does not {what}\n"
        f"    repair: {repair}\n{block.runnable}\n--- it prints\n"
        f"{outcome.printed}{outcome.error[-2000:]}"
        for (path, blocks), outcomes in found
        for block, outcome in zip(blocks, outcomes, strict=True)
        for what, repair in difference(block, outcome)
    ]


def difference(block: Block, outcome: alone.Outcome) -> Iterator[tuple[str, str]]:
    if outcome.error or plain(outcome.printed) != block.printed:
        yield (
            "print what it prints on the page",
            "start randomness where it is used; do not print in a statement that later blocks need",
        )
    on_the_page = [(block.figure, block.states or block.prediction)] if block.figure else []
    if not outcome.error and [*map(shown, outcome.figures)] != [*map(shown, on_the_page)]:
        yield (
            f"draw what it draws on the page; {len(outcome.figures)} figures stand open",
            "draw in statements that no later block needs; change a value in a statement that "
            "does nothing else, so that it is seen that the statement is needed",
        )


def shown(figure: tuple[str, States | Asked | None]) -> tuple[str, str]:
    """The picture and its states as a page would hold them, where the figure has no number."""
    svg, states = figure
    return inline_svg(svg, "figure", ""), re.sub(r"figure-\d+-state", "state", json.dumps(states))


@pytest.mark.usefixtures("as_in_the_build")
def test_every_block_runs_alone_with_the_lines_it_needs():
    visible = {
        run.path: [block for block in run.blocks if not block.hidden and block.skipped is None]
        for run in page_runs(sorted(PAGES, key=os.path.getsize, reverse=True))
    }
    found = differences(visible)
    assert not found, "\n\n".join(found)


def test_code_that_says_nothing_runs_where_numpy_is_all_that_is_installed():
    says = "# Beside numpy and vanishing, this needs: pip install matplotlib\n"
    asked = "from importlib.util import find_spec\n"
    asked += (
        "print(*(bool(find_spec(name)) for name in ('numpy', 'vanishing', 'matplotlib', 'pip')))"
    )
    hidden = "print(__import__('matplotlib').__name__)"
    ((bare, full, secret),) = alone.outcomes([[asked, says + asked, hidden]])
    assert bare == alone.Outcome("True True False False\n", [], "")
    assert full.printed.startswith("True True True")
    assert "No module named 'matplotlib'" in secret.error


LINE = """
```python
from vanishing import plot

heights = [1.0, 2.0, 3.0]
heights.append(0.5)
```

```python alt="A line." caption="A line."
{draw}
```
"""
DRAWINGS = {
    "a figure": "ax = plot.curves(range(len(heights)), {'heights': heights})",
    "a figure with knobs": (
        "from vanishing.plot import explore\n\n\n"
        "def draw(ax, *, power=1):\n"
        "    ax.plot([height**power for height in heights])\n"
        "    return 'heights'\n\n\n"
        "ax = plot.curves([0, 3], {'': [0, 9]})\n"
        "explore(draw, ax=ax, power=[1, 2])"
    ),
    "a figure that asks first": (
        "ax = plot.curves(range(len(heights)), {'heights': heights})\n"
        "plot.predict('heights', ax=ax, y='the height', x='{}')"
    ),
}


@pytest.mark.usefixtures("as_in_the_build")
@pytest.mark.parametrize("name", DRAWINGS)
def test_a_dropped_line_that_changes_only_the_figure_is_seen(name):
    page = run(LINE.format(draw=DRAWINGS[name]), "docs/x.md")
    assert not page.problems
    block = page.blocks[1]
    whole = block.runnable
    assert not differences({"docs/x.md": [block]})
    block.runnable = whole.replace("heights.append(0.5)\n", "")
    assert block.runnable != whole
    (found,) = differences({"docs/x.md": [block]})
    assert found.startswith("docs/x.md:9: ") and "does not draw" in found


@pytest.mark.usefixtures("as_in_the_build")
def test_a_figure_of_another_block_is_seen():
    page = run(LINE.format(draw=DRAWINGS["a figure"]), "docs/x.md")
    block = page.blocks[1]
    block.runnable += "import matplotlib.pyplot as plt\n\nplt.figure()\n"
    (found,) = differences({"docs/x.md": [block]})
    assert "2 figures stand open" in found


@pytest.mark.parametrize(
    "code", ["import warnings; warnings.warn('old')", "print(np)", "raise SystemExit(1)"]
)
def test_what_does_not_run_alone_is_seen(code):
    ((outcome, other),) = alone.outcomes([[code, "print(1)"]])
    assert outcome.error and not other.error


def test_codes_that_begin_alike_do_not_see_each_other():
    start = "x = [0]\nprint(x)\n"
    codes = [start + "x.append(1)\nprint(x)", start + "print(x)", start, "print('x' in dir())"]
    (found,) = alone.outcomes([codes])
    assert [outcome.printed.split("\n")[:-1] for outcome in found] == [
        ["[0]", "[0, 1]"],
        ["[0]", "[0]"],
        ["[0]"],
        ["False"],
    ]


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


def named_in(source: str) -> set[str]:
    """Whom the docstrings and comments of a module cite, and the years without a name."""
    return set(NAMED.findall(re.sub(r"\s*\n\s*(?:#:? )?", " ", source)))


def names(heading: str) -> list[str]:
    """How a docstring may name a source: as its heading does, or 'A et al. year' for three."""
    authors, _, year = heading.rpartition(" ")
    first, *others = authors.split(", ")
    return [heading, f"{first} et al. {year}"] if others else [heading]


def test_citations_in_docstrings_are_found():
    lines = "  (Balduzzi et\n  al. 2017; van Laarhoven 2017)\n# Duchi, Hazan &\n# Singer 2011\n"
    found = {"Balduzzi et al. 2017", "van Laarhoven 2017", "Duchi, Hazan & Singer 2011"}
    assert named_in(lines) == found
    assert named_in("Kahan's steps (1965), Parlett (1980), 2000 x 8") == {"(1965)", "Parlett (1980"}
    assert names("Lu et al. 2018") == ["Lu et al. 2018"]
    assert names("Du, Hu & Lee 2018") == ["Du, Hu & Lee 2018", "Du et al. 2018"]


def test_sources_and_citations_agree():
    cited = {
        key
        for path in [*PAGES, *Path("docs/labs").glob("*.ipynb")]
        for key in CITED.findall(path.read_text("utf-8"))
    }
    text = Path("docs/reference/sources.md").read_text("utf-8")
    listed = [key for _, key in LISTED.findall(text)]
    assert listed == sorted(listed), "keep the sources in alphabetical order"
    keys = {name: key for heading, key in LISTED.findall(text) for name in names(heading)}
    named = {
        name: path.name
        for path in Path("vanishing").rglob("*.py")
        for name in named_in(path.read_text("utf-8"))
    }
    unlisted = {name: module for name, module in named.items() if name not in keys}
    assert not unlisted, "list it in sources.md, and name it as its heading does"
    assert cited | {keys[name] for name in named} == set(listed)


def test_every_module_has_its_reference_page():
    package = Path(vanishing.__file__).parent
    files = (path.relative_to(package.parent) for path in package.rglob("[!_]*.py"))
    modules = {".".join(path.with_suffix("").parts) for path in files}
    pages = {path.stem: path.read_text("utf-8") for path in Path("docs/reference/api").glob("*.md")}
    shown = {
        name: re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE) for name, text in pages.items()
    }
    assert sorted(sum(shown.values(), [])) == sorted(modules)
    for room, names in shown.items():
        assert {name.split(".")[1] for name in names} == {room}


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
