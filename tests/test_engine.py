"""The engine on small pages: what runs, what it gives, and what is wrong, with the repair."""

import random
import sys
import textwrap
import warnings
from pathlib import Path

import markdown
import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from engine import cache
from engine import render as rendering
from engine.cache import digest, page_run, page_runs
from engine import hooks
from engine.downloads import notebook, script
from engine.imports import runs_in_browser, with_requirements
from engine.links import link_problems
from engine.plugin import with_outputs
from engine.run import run
from engine.settings import Settings
from engine.svg import inline_svg
from matplotlib import pyplot

FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2], color='#0072B2')"


def page(*parts: str) -> str:
    return "\n\n".join(textwrap.dedent(part).strip("\n") for part in parts) + "\n"


def fence(code: str, info: str = "python") -> str:
    return f"```{info}\n{code}\n```"


PROBLEMS = {
    "wrong output": (
        page("# T", fence("print(2)"), fence("3", "output")),
        7,
        "output differs",
        "--update-outputs",
    ),
    "missing output": (page("# T", fence("print(2)")), 3, "prints", "--update-outputs"),
    "output of a silent block": (
        page("# T", fence("x = 2"), fence("2", "output")),
        7,
        "output differs",
        "--update",
    ),
    "stray output": (page("# T", fence("2", "output")), 3, "does not follow", "right after"),
    "prose before the output": (
        page(fence("print(2)"), "so", fence("2", "output")),
        7,
        "does not follow",
        "right",
    ),
    "exception": (page("# T", fence("x = 1\nx / 0")), 5, "ZeroDivisionError", "mend"),
    "exit": (page("# T", fence("x = 1\nraise SystemExit(x)")), 5, "SystemExit: 1", "mend"),
    "undefined name": (page("# T", fence("nope")), 4, "NameError", "define"),
    "syntax error": (page("# T", fence("x = 1\nx = = 2")), 5, "SyntaxError", "mend"),
    "false claim": (
        page("# T", "<!-- invisible-code-block: python\nassert 2 < 1\n-->"),
        4,
        "does not hold",
        "mend",
    ),
    "overflow": (
        page("# T", fence("import numpy as np\nnp.float64(1e308) * 10")),
        5,
        "overflow",
        "errstate",
    ),
    "warning": (
        page(fence("import warnings\nwarnings.warn('odd')")),
        3,
        "UserWarning: odd",
        "expect it",
    ),
    "bare float": (page("a `{python} 1 / 3` b"), 1, "bare float", 'f"{1 / 3:.2g}"'),
    "bare array": (page("# T", "a `{python} [1]` b"), 3, "bare list", "format it"),
    "bare float in the front matter": (
        page("---\nd: '`{python} 0.5`'\n---"),
        2,
        "bare float",
        "format it",
    ),
    "value that fails in the front matter": (
        page("---\nd: '`{python} 1 // 0`'\n---"),
        2,
        "ZeroDivisionError",
        "mend",
    ),
    "value that fails": (page("x", "`{python} 1 // 0`"), 3, "ZeroDivisionError", "mend"),
    "value in another language": (page("`{r} 1 / 3`"), 1, "would not run", "{python}"),
    "unknown option": (
        page("x", fence("x = 1", "python titel='a'")),
        3,
        "'titel' is unknown",
        "title",
    ),
    "broken options": (
        page(fence("x = 1", "python title='a")),
        1,
        "cannot be read",
        'name="value"',
    ),
    "backtick in the options": (page(fence("x = 1", "python caption='`a`'")), 1, "backtick", "~~~"),
    "py fence": (page("x", fence("x = 1", "py")), 3, "would not run", "```python"),
    "pycon fence": (page(fence(">>> 1", "pycon")), 1, "would not run", "```python"),
    "capital": (page(fence("x = 1", "Python")), 1, "would not run", "```python"),
    "space before python": (page(fence("x = 1", " python")), 1, "would not run", "```python"),
    "braces": (page(fence("x = 1", "{.python}")), 1, "would not run", "```python"),
    "unclosed fence": (page("x", "```python\nx = 1"), 3, "never closed", "close it"),
    "list marker": (page("- ```python\n  x = 1\n  ```"), 1, "list marker", "line of its own"),
    "hidden block in another form": (
        page("<!-- code-block: python\nx = 1\n-->"),
        1,
        "would not run",
        "invisible",
    ),
    "unclosed hidden block": (
        page("x", "<!-- invisible-code-block: python\nx = 1"),
        3,
        "never closed",
        "-->",
    ),
    "hidden block prints": (
        page("<!-- invisible-code-block: python\nprint(1)\n-->"),
        1,
        "hidden block prints",
        "assert",
    ),
    "hidden block draws": (
        page(f"<!-- invisible-code-block: python\n{FIGURE}\n-->"),
        1,
        "draws",
        "visible",
    ),
    "skip without a reason": (
        page("<!-- skip: next -->", fence("x = 1")),
        1,
        "needs a reason",
        "why",
    ),
    "figure without alt": (page(fence(FIGURE, "python caption='c'")), 1, "no alt", "what it shows"),
    "figure without caption": (
        page(fence(FIGURE, "python alt='a'")),
        1,
        "no caption",
        "what to see",
    ),
    "figure with an empty alt": (
        page(fence(FIGURE, "python alt='' caption='c'")),
        1,
        "no alt",
        "what it shows",
    ),
    "alt without a figure": (
        page(fence("x = 1", "python alt='a' caption='c'")),
        1,
        "without a figure",
        "draw",
    ),
    "two figures": (
        page(fence(FIGURE + "\nplt.figure()", "python alt='a' caption='c'")),
        1,
        "2 figures",
        "one figure",
    ),
    "foreign colour": (
        page(fence(FIGURE.replace("#0072B2", "#123456"), "python alt='a' caption='c'")),
        1,
        "#123456",
        "PALETTE",
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_problem_is_told_by_line_with_its_repair(name):
    text, line, message, repair = PROBLEMS[name]
    found = run(text, "docs/x.md").problems
    assert [problem.line for problem in found] == [line]
    assert message in found[0].message
    assert repair in found[0].repair
    assert str(found[0]).startswith(f"docs/x.md:{line}: ")


def test_independent_problems_are_told_together():
    text = page(fence("print(1)"), "`{python} 0.5`", fence("print(2)"))
    assert [problem.line for problem in run(text, "x.md").problems] == [1, 5, 7]


def test_what_only_looks_like_code_does_not_run():
    example = "````text\n" + fence("nope") + "\n````"
    comment = "<!--\n" + fence("nope(") + "\n-->"
    literal = "`` `{python} nope` ``"
    result = run(
        page(example, comment, literal, fence("ran = True"), "`{python} str(ran)`"), "x.md"
    )
    assert not result.problems
    assert [block.source.strip() for block in result.blocks] == ["ran = True"]
    assert [value.text for value in result.values] == ["True"]


def test_an_unclosed_fence_in_a_comment_hides_nothing():
    result = run(page("<!--\n```python\n-->", fence("x = 1"), "`{python} x`"), "x.md")
    assert not result.problems
    assert [value.text for value in result.values] == ["1"]


def test_values_are_taken_where_they_stand():
    text = page(fence("x = 1"), "`{python} x`", fence("x = 2"), "| a |\n|---|\n| `{python} x` |")
    assert [value.text for value in run(text, "x.md").values] == ["1", "2"]


def test_front_matter_and_captions_take_values():
    text = page(
        '---\ndescription: "is `{python} x`"\n---',
        "~~~python alt='at `{python} x`' caption='c `{python} x + 1`'\nx = 1\n" + FIGURE + "\n~~~",
    )
    result = run(text, "x.md")
    assert not result.problems
    assert result.meta == {"`{python} x`": "1"}
    assert (result.blocks[0].options["alt"], result.blocks[0].options["caption"]) == ("at 1", "c 2")


def test_output_may_hold_wildcards_and_nothing_else_loosely():
    good = page(fence("print('a 1 b\\nc')"), fence("a ... b\nc", "output"))
    bad = page(fence("print('a.b')"), fence("a+b", "output"))
    indented = page(fence("print('  a')"), fence("  a", "output"))
    assert not run(indented, "x.md").problems
    assert not run(good, "x.md").problems
    assert run(bad, "x.md").problems


def test_blocks_inside_an_admonition_run():
    text = (
        "??? note\n\n    ```python\n    for x in (1, 2):\n        print(x)\n    ```\n"
        "    ```output\n    1\n    2\n    ```\n"
    )
    result = run(text, "x.md")
    assert not result.problems
    assert result.blocks[0].printed == "1\n2"
    assert "\n    ```python" in rendering.render(result)


def test_a_skipped_block_says_why():
    result = run(
        page('<!-- skip: next "needs a card" -->', fence("import nothing_of_the_kind")), "x.md"
    )
    assert not result.problems
    assert result.blocks[0].skipped == "needs a card"
    assert "Not run here: needs a card" in rendering.render(result)


def test_a_skipped_block_is_parsed():
    (problem,) = run(
        page('<!-- skip: next "needs a card" -->', fence("x = 1\ny = = 2")), "x.md"
    ).problems
    assert "could not run anywhere: invalid syntax, in its line 2" in problem.message


def test_a_block_is_skipped_only_where_its_condition_holds():
    text = page('<!-- skip: next if({}, reason="no such thing") -->', fence("x = 1"))
    here, there = (
        run(text.replace("{}", condition), "x.md").blocks[0] for condition in ("True", "False")
    )
    assert (here.skipped, there.skipped) == ("no such thing", None)


def test_a_page_that_runs_nothing_needs_no_interpreter_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("engine.cache.make", lambda path: pytest.fail(f"{path} got one"))
    Path("page.md").write_text("# Words\n\nAnd `code`.\n")
    assert page_run("page.md").problems == []


@pytest.mark.parametrize("code", ["import os; os._exit(0)", "import os; os._exit(1)"])
def test_a_page_that_ends_its_process_is_named(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("holds.md").write_text(fence("x = 1"))
    Path("ends.md").write_text(fence(code))
    with pytest.raises(RuntimeError, match=rf"ends\.md: .* ended with {code[-2]}"):
        page_runs(["holds.md", "ends.md"])


def test_a_figure_that_stands_open_already_is_not_the_pages():
    pyplot.figure()
    assert not run(fence("x = 1"), "x.md").problems


def test_a_page_leaves_the_process_as_it_was():
    before = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        Path.cwd(),
        dict(mpl.rcParams),
        set(sys.modules),
    )
    filters, errors = list(warnings.filters), np.geterr()
    text = page(
        fence(
            "import os, random, sys, warnings\n"
            "import numpy as np, matplotlib as mpl, matplotlib.pyplot as plt\n"
            "random.random(), np.random.rand(), os.chdir('/'), np.seterr(all='raise')\n"
            "mpl.rcParams['lines.linewidth'] = 9\nwarnings.simplefilter('ignore')\n"
            "here = sys.modules[__name__].__dict__ is globals()"
        ),
        "`{python} str(here)`",
        "<!-- invisible-code-block: python\nplt.figure()\nraise SystemError\n-->",
    )
    result = run(text, "docs/leaky.md")
    assert [value.text for value in result.values] == ["True"]
    after = (
        random.getstate(),
        np.random.get_state()[1].tolist(),
        Path.cwd(),
        dict(mpl.rcParams),
        set(sys.modules),
    )
    assert before[:4] == after[:4]
    assert "leaky" not in after[4] - before[4]
    assert filters == list(warnings.filters)
    assert errors == np.geterr()
    assert not mpl.pyplot.get_fignums()


# What a run is kept by


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """A package with a sub-package, and a module, which the engine watches."""
    for name in ("orbits/__init__.py", "orbits/kepler/laws.py", "orbits/data.csv", "moons.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("import nothing_of_the_kind\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("engine.cache.settings", lambda: Settings(watch=("orbits", "moons")))
    return tmp_path


@pytest.mark.parametrize(
    "name", ["orbits/__init__.py", "orbits/kepler/laws.py", "orbits/data.csv", "moons.py"]
)
def test_a_run_is_kept_by_every_file_that_is_watched(watched, name):
    before = digest("page")
    assert digest("page") == before
    with (watched / name).open("a") as file:
        file.write("# edited\n")
    assert digest("page") != before


def test_a_run_is_kept_by_the_page_and_by_names_and_places_of_files(watched):
    found = [digest("page"), digest("page, edited")]
    file = watched / "orbits/kepler/laws.py"
    for name in ("orbits/kepler/rules.py", "orbits/rules.py"):
        file = file.rename(watched / name)
        found.append(digest("page"))
    file.unlink()
    found.append(digest("page"))
    assert len(set(found)) == 5


def test_a_run_is_not_kept_by_bytecode_and_hidden_files(watched):
    before = digest("page")
    for name in ("orbits/__pycache__/laws.pyc", "orbits/.laws.py.swp"):
        (watched / name).parent.mkdir(exist_ok=True)
        (watched / name).write_bytes(b"")
    assert digest("page") == before


def test_a_run_is_kept_by_versions_and_by_what_is_installed(monkeypatch):
    found = []
    for told in (
        Settings(),
        Settings(distributions=("pytest",)),
        Settings(optional=("pytest",)),
        Settings(optional=("nothing_of_the_kind",)),
    ):
        monkeypatch.setattr("engine.cache.settings", lambda told=told: told)
        cache.versions.cache_clear()
        found.append(digest("page"))
    cache.versions.cache_clear()
    assert len(set(found)) == 3
    assert found[0] == found[3]


def test_a_run_is_kept_by_engine_and_settings(monkeypatch):
    engine = {name for name, _ in cache.files("engine")}
    assert {"svg.py", "jupyter/kernels/lab/kernel.json"} <= engine
    assert [name for name, _ in cache.files("site_settings")] == ["site_settings.py"]
    found = [digest("page")]
    for edited in ("engine", "site_settings"):
        with monkeypatch.context() as patch:
            patch.setattr(
                "engine.cache.files",
                lambda module, edited=edited: [("file.py", b"edited" * (module == edited))],
            )
            found.append(digest("page"))
    assert len(set(found)) == 3


def test_what_is_watched_must_be_there(monkeypatch):
    monkeypatch.setattr("engine.cache.settings", lambda: Settings(watch=("nothing_of_the_kind",)))
    with pytest.raises(ModuleNotFoundError, match="site_settings.py watches 'nothing_of_the_kind'"):
        digest("page")


def test_update_outputs_writes_what_was_printed_and_nothing_else():
    text = page(
        "# T",
        fence("print(1)"),
        fence("0", "output"),
        fence("print(2)"),
        fence("print(3)"),
        fence("...", "output"),
    )
    updated = with_outputs(run(text, "x.md"))
    assert not run(updated, "x.md").problems
    assert updated == page(
        "# T",
        fence("print(1)"),
        fence("1", "output"),
        fence("print(2)"),
        fence("2", "output"),
        fence("print(3)"),
        fence("...", "output"),
    )


def test_svg_follows_the_palette_and_has_ids_of_its_own():
    drawn = run(page(fence(FIGURE, "python alt='a' caption='c'")), "x.md").blocks[0].figure
    first, second = inline_svg(drawn, "one", 'say "a" & b'), inline_svg(drawn, "two", "b")
    assert "var(--vg-forward, #0072b2)" in first
    assert 'aria-label="say &quot;a&quot; &amp; b"' in first
    assert 'role="img"' in first
    assert "<style" not in first and "<metadata" not in first and "font-family" not in first
    ids = [set(part.split('"')[0] for part in svg.split(' id="')[1:]) for svg in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    for svg, names in zip((first, second), ids, strict=True):
        used = {
            part.split('"')[0].split(")")[0]
            for mark in ('href="#', "url(#")
            for part in svg.split(mark)[1:]
        }
        assert used == names


def test_downloads_hold_the_page_with_its_results():
    text = page(
        "# T",
        fence("x = 2\nprint(x)"),
        fence("2", "output"),
        "Is `{python} x`. [n](n.md) [w](https://w.org)",
        fence(FIGURE, "python alt='a' caption='c'"),
        "<!-- invisible-code-block: python\nassert x\n-->",
    )
    result = run(text, "x.md")
    says, *cells = nbformat.reads(notebook(result), as_version=4).cells
    assert says.source == (
        "This page needs `vanishing`: `pip install .` in a clone of the repository, "
        "and `pip install matplotlib`."
    )
    nbformat.validate(nbformat.reads(notebook(result), as_version=4))
    assert [cell.cell_type for cell in cells] == ["markdown", "code", "markdown", "code", "code"]
    assert cells[1].outputs[0].text == "2\n"
    assert cells[2].source == "Is 2. n [w](https://w.org)"
    assert "<svg" in cells[3].outputs[0].data["image/svg+xml"]
    namespace: dict[str, object] = {}
    exec(script(notebook(result)), namespace)
    assert namespace["x"] == 2
    first, *_ = nbformat.reads(notebook(result, "git+https://x.org/v"), as_version=4).cells
    assert first.source == '%pip install --quiet "git+https://x.org/v" matplotlib'
    assert "# %pip install" in script(notebook(result, "git+https://x.org/v"))


@pytest.mark.parametrize(
    ("code", "needs"),
    [
        ("import math\nimport numpy as np\nimport vanishing as vn\n", ""),
        ("from vanishing.plot import per_layer\n", "matplotlib"),
        ("import matplotlib.pyplot as plt\n", "matplotlib"),
        ("import torch\nfrom vanishing import plot\nfrom torch import nn\n", "matplotlib torch"),
    ],
)
def test_copied_code_begins_with_what_it_needs_beyond_numpy(code, needs):
    said = f"# Beside numpy and vanishing, this needs: pip install {needs}\n" if needs else ""
    assert with_requirements(code) == said + code
    assert runs_in_browser(code) == ("torch" not in code)


def test_a_page_loads_the_scripts_that_it_needs(monkeypatch):
    marks = {"assets/turn.js": "data-knobs", "assets/ask.js": "data-asks"}
    monkeypatch.setattr(hooks, "settings", lambda: Settings(script_marks=marks))
    every, turn, ask = (
        f'<script src="../assets/{name}.js"></script>' for name in ("a", "turn", "ask")
    )
    page = f"<figure data-knobs>{every}{turn}{ask}"
    assert hooks.on_post_page(page) == f"<figure data-knobs>{every}{turn}"
    assert hooks.on_post_page(f"<p>{every}{turn}{ask}") == f"<p>{every}"


def test_links_are_checked_by_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/sources.md").write_text("### A 2020 { #a2020 }\n")
    (tmp_path / "docs/other.md").write_text("# One\n\n## Two words\n\n```text\n## Not one\n```\n")
    text = page(
        "# Top\n[a](sources.md#a2020) [b](other.md#two-words) [c](#top) "
        "[d](https://x.org/y.md) `[e](no.md)`",
        "[f](no.md)",
        "[g](other.md#not-one)",
        "[h](sources.md#b2021)",
        "[i](#bottom)",
        "[j]: nowhere.md",
    )
    found = link_problems(text, "docs/x.md")
    assert [problem.line for problem in found] == [4, 6, 8, 10, 12]
    assert "no.md" in found[0].message
    assert "no anchor #not-one" in found[1].message
    assert "cited but not listed" in found[2].message and "b2021" in found[2].repair


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("3.2e-05", "3.2\u202f×\u202f10<sup>−5</sup>"),
        ("1e+30", "1\u202f×\u202f10<sup>30</sup>"),
        ("-0.5", "−0.5"),
        ("a-1", "a-1"),
        ("0.25", "0.25"),
        ("he2e5", "he2e5"),
    ],
)
def test_numbers_are_typeset(text, shown):
    assert rendering.typeset(text) == shown


def test_bad_latex_is_an_error():
    assert "<msub>" in rendering.mathml(r"\delta_l", display=False)
    with pytest.raises(ValueError, match="nonsense"):
        rendering.mathml(r"\nonsense", display=False)


def test_punctuation_stays_with_its_formula():
    html = markdown.markdown(
        "So $a$, and\n\n$$\nb\n$$\n",
        extensions=["engine.render", "pymdownx.arithmatex"],
        extension_configs={
            "pymdownx.arithmatex": {
                "generic": True,
                "tex_inline_wrap": ["", ""],
                "tex_block_wrap": ["", ""],
            }
        },
    )
    assert '<span class="vg-formula"><math><mi>a</mi></math>,</span> and' in html
    assert '<div class="vg-math" tabindex="0"><math display="block"><mi>b</mi></math></div>' in html
    assert "<p><div" not in html
