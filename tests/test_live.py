"""Blocks that run in the reader's browser: the runtime's files, the session, the buttons."""

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import strict
from axe_playwright_python.base import AXE_SCRIPT
from engine import live, session
from engine.run import run as run_page
from engine.settings import Settings
from test_site import browser, listen  # noqa: F401, a fixture

ROOT = Path(__file__).parent.parent
RUNTIME = ROOT / ".cache/runtime"
PALETTE = [
    {"media": f"(prefers-color-scheme{what})", "scheme": scheme, "primary": "custom"}
    | {"toggle": {"icon": "material/weather-night", "name": "Switch"}}
    for what, scheme in (("", "default"), (": light", "default"), (": dark", "slate"))
]
PAGE = """\
---
description: A page to run.
---
# A page

```python
import numpy as np

rng = np.random.default_rng(0)
numbers = [3, 1, 2]
print(sum(numbers))
```

```output
6
```

<!-- invisible-code-block: python
hidden = 7
-->

```python
print(len(numbers) * hidden)
```

```output
21
```

~~~python alt="A line that falls." caption="It falls." fold="The code"
from vanishing.plot import per_layer

ax = per_layer([1, 0.1, 0.01])
~~~

~~~python alt="A line with two knobs." caption="It turns." fold="The code"
from vanishing.plot import PALETTE, curves, explore


def line(ax, *, slope=1, sign="plus"):
    if slope > 100:
        raise ValueError(f"slope is {slope}; at most 100 is expected")
    steep = slope if sign == "plus" else -slope
    ax.plot([0, 1], [0, steep], color=PALETTE["backward"])
    return f"A slope of {steep:.3g} in a thousand: {steep / 1000:.1e}."


ax = curves([0, 1], {"": [0, 0]}, xlabel="x")
ax.set_ylim(-4, 4)
explore(line, ax=ax, slope=[1, 2, 3], sign=["plus", "minus"])
~~~

```python
import markdown
```
"""


# The files


def loaded(path):
    """A script of .ci as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def fetching(tmp_path, monkeypatch):
    """The script that fetches, told to fetch two small files into a folder of its own."""
    module = loaded(ROOT / ".ci/runtime.py")
    wanted = {name: hashlib.sha256(name.encode()).hexdigest() for name in ("core", "wheel")}
    wheel = {"file_name": "wheel", "sha256": wanted["wheel"]}
    pins = {
        "core": {"core": wanted["core"]},
        "lock": {"info": {"version": "1"}, "packages": {"w": wheel}},
    }
    (tmp_path / "list.json").write_text(json.dumps(pins))
    monkeypatch.setattr(module, "LIST", tmp_path / "list.json")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "runtime")
    return module


def source(name, **files):
    def give(wanted):
        yield from ((name, content) for name, content in files.items() if name in wanted)

    give.__name__ = name
    return give


def failing(wanted):
    raise OSError("no such host")
    yield


def test_a_file_with_another_hash_is_refused_and_the_next_source_is_asked(fetching, monkeypatch):
    first = source("first", core=b"core", wheel=b"planted")
    monkeypatch.setattr(fetching, "SOURCES", (failing, first, source("second", wheel=b"wheel")))
    assert fetching.fetch() == ["failing: no such host", "first: refused for its SHA-256: wheel"]
    assert not fetching.missing()
    assert (fetching.FOLDER / "wheel").read_bytes() == b"wheel"
    assert sorted(path.name for path in fetching.FOLDER.iterdir()) == [
        "core",
        "hashes.json",
        "pyodide-lock.json",
        "wheel",
    ]


def test_what_is_there_is_not_fetched_again_and_what_was_altered_is(fetching, monkeypatch):
    monkeypatch.setattr(fetching, "SOURCES", (source("first", core=b"core", wheel=b"wheel"),))
    assert fetching.fetch() == []
    (fetching.FOLDER / "core").write_bytes(b"altered")
    asked = []
    monkeypatch.setattr(
        fetching, "SOURCES", (lambda wanted: asked.append(wanted) or [("core", b"core")],)
    )
    assert fetching.fetch() == [] and asked == [{"core"}]


def test_without_a_source_it_says_what_is_missing_and_why(fetching, monkeypatch):
    monkeypatch.setattr(fetching, "SOURCES", (failing,))
    with pytest.raises(SystemExit, match=r"missing: core, wheel\nfailing: no such host"):
        fetching.main()


def test_the_list_pins_every_file_of_the_runtime():
    module = loaded(ROOT / ".ci/runtime.py")
    packages = module.listed()["lock"]["packages"]
    assert {"numpy", "matplotlib"} <= packages.keys()
    assert all(
        set(package["depends"]) <= {p.lower() for p in packages} for package in packages.values()
    )
    assert all(len(digest) == 64 for digest in module.pinned().values())


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "hashes.json").unlink(), "there is no runtime in"),
        (lambda folder: (folder / "a").unlink(), "is missing"),
        (lambda folder: (folder / "a").write_bytes(b"b"), "its SHA-256 differs"),
    ],
)
def test_an_incomplete_or_altered_runtime_is_not_shipped(tmp_path, monkeypatch, harm, said):
    (tmp_path / "a").write_bytes(b"a")
    hashes = {"a": hashlib.sha256(b"a").hexdigest()}
    (tmp_path / "hashes.json").write_text(json.dumps(hashes))
    monkeypatch.setattr(live, "settings", lambda: Settings(runtime=str(tmp_path)))
    assert live.problem() == ""
    harm(tmp_path)
    assert said in live.problem()


def test_the_sources_run_blocks_without_anything_else_of_the_project(tmp_path):
    with zipfile.ZipFile(BytesIO(live.sources())) as archive:
        archive.extractall(tmp_path)
    code = (
        "import sys, engine.session as session\n"
        "print(session.execute('import vanishing as vn\\nprint(vn.relu.name)', 1, 'x'))\n"
        "assert not {'sybil', 'markdown', 'matplotlib'} & set(sys.modules)\n"
    )
    command = [
        sys.executable,
        "-I",
        "-c",
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    name, told = done.stdout.splitlines()
    assert name == "relu" and json.loads(told)["error"] is None


# The session


@pytest.mark.parametrize(
    ("code", "draws"),
    [
        ("import matplotlib.pyplot as plt", True),
        ("from vanishing import plot", True),
        ("from vanishing.plot import per_layer", True),
        ("import vanishing as vn\nimport numpy as np", False),
        ("from vanishing import plotting", False),
        ("import (", False),
    ],
)
def test_what_draws_is_known_from_its_imports(code, draws):
    assert session.draws(code) == draws


def test_an_error_tells_the_lines_of_the_readers_code():
    source = "def f():\n    return 1 / 0\n\nx = 1\nf()\n"
    error = json.loads(session.execute(source, 4, "x"))["error"]
    assert error["message"] == "ZeroDivisionError: division by zero"
    assert [(line["line"], line["source"]) for line in error["lines"]] == [
        (2, "f()"),
        (-1, "return 1 / 0"),
    ]
    error = json.loads(session.execute("x = 1\nx = = 2\n", 1, "x"))["error"]
    assert error["message"].startswith("SyntaxError") and error["lines"][0]["line"] == 2
    error = json.loads(session.execute("raise MemoryError", 1, "x"))["error"]
    assert "memory" in error["message"]


def knobs_code():
    """What *copy runnable* copies of the page's figure with knobs."""
    return run_page(PAGE, "page.md").blocks[4]


def turned(**setting):
    return json.loads(session.turn(knobs_code().runnable, json.dumps(setting), "figure-2-state"))


def test_a_setting_of_a_figure_is_drawn_between_and_beyond_the_stops():
    states = knobs_code().states
    stop, between = turned(slope=2, sign="minus"), turned(slope=2.5, sign="minus")
    assert stop["error"] is between["error"] is None
    position = states["readings"].index("A slope of -2 in a thousand: -2.0e-03.")
    assert stop["drawing"] == states["drawings"][position]
    assert "2.5 in a thousand: −2.5\u202f×\u202f10<sup>−3</sup>" in between["reading"]
    drawings = [turned(slope=slope, sign="plus")["drawing"] for slope in (2, 2.5, 3, 3.5)]
    heights = [float(re.search(r'd="M \S+ \S+ L \S+ (\S+)"', drawn)[1]) for drawn in drawings]
    steps = np.diff(heights)
    assert steps[0] < 0 and steps == pytest.approx(steps[0], abs=0.02)


def test_what_lies_outside_the_axes_is_said_to():
    assert turned(slope=90, sign="plus")["reading"].endswith("9.0\u202f×\u202f10<sup>−2</sup>.")
    outside = knobs_code().runnable.replace("[0, steep]", "[9, 9]")
    told = json.loads(session.turn(outside, '{"slope": 2, "sign": "plus"}', "own"))
    assert told["reading"].endswith(" What it draws lies outside the axes.")


def test_a_setting_that_does_not_run_says_why_and_the_next_one_runs():
    error = turned(slope=101, sign="plus")["error"]
    assert error["message"] == (
        "ValueError: slope is 101; at most 100 is expected\nwith slope=101, sign='plus'"
    )
    assert turned(slope=3.5, sign="plus")["error"] is None


# The page


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of one page, with the engine and the assets of this one."""
    return project(tmp_path_factory.mktemp("live"), {"index.md": PAGE})


def project(folder, pages):
    """The folder, with these pages, by name, and the engine and the assets of this project."""
    (folder / "docs").mkdir()
    for name in ("engine", "assets", "overrides", "site_settings.py"):
        (folder / "docs" / name).symlink_to(ROOT / "docs" / name)
    (folder / "vanishing").symlink_to(ROOT / "vanishing")
    for name, text in pages.items():
        (folder / "docs" / name).parent.mkdir(exist_ok=True)
        (folder / "docs" / name).write_text(text, "utf-8")
    (folder / "mkdocs.yml").write_text(
        "site_name: Live\nuse_directory_urls: false\n"
        "exclude_docs: |\n  /engine/\n  /site_settings.py\n  /overrides/\n"
        "theme: {name: material, custom_dir: docs/overrides, font: false,"
        " features: [content.code.copy],"
        f" palette: {json.dumps(PALETTE)}}}\n"
        "extra_css: [assets/site.css]\n"
        "extra_javascript: [assets/runnable.js, assets/knobs.js]\n"
        "markdown_extensions: [engine.render, pymdownx.details, pymdownx.highlight,"
        " pymdownx.superfences]\n"
        "hooks: [docs/engine/hooks.py, docs/engine/live.py]\nplugins: []\n"
    )
    return folder


def build(folder):
    path = os.pathsep.join([str(folder), str(folder / "docs")])
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    environment = {**os.environ, "PYTHONPATH": path, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_without_a_runtime_the_site_is_whole_and_says_so_once(folder):
    said = build(folder)
    assert said.count("blocks get no button to run: there is no runtime") == 1
    assert "live.js" not in (folder / "site/index.html").read_text("utf-8")
    assert not (folder / "site/assets/runtime").exists()


@pytest.fixture(scope="module")
def served(folder):
    with serving(folder) as address:
        yield address


@contextlib.contextmanager
def serving(folder):
    """The address of a project's site, with a policy that lets nothing come from elsewhere."""
    if loaded(ROOT / ".ci/runtime.py").missing():
        reason = "there is no runtime: python .ci/runtime.py fetches it"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    (folder / ".cache").mkdir(exist_ok=True)
    (folder / ".cache/runtime").symlink_to(RUNTIME)
    build(folder)

    with strict.served(folder / "site") as address:
        yield address


@pytest.fixture(scope="module")
def context(browser, served):  # noqa: F811, the fixture
    """One context for all tests, because its cache holds the runtime after the first."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as opened:
        yield opened


@pytest.fixture
def page(context, served):
    opened = context.new_page()
    listen(opened)
    opened.goto(f"{served}index.html")
    yield opened
    assert opened.mistakes == []
    opened.close()


def edit(page, number, code):
    """Make a block editable without a run, and put code into it."""
    page.evaluate(f"blocks[{number}].open()")
    editor = page.locator(f"#block-{number} .vg-editor")
    editor.fill(code)
    return editor


def run(page, number):
    """Press a block's button; wait until its run is over, and give what it says."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.locator(f"#block-{number} [data-md-type=run]").click(force=True)
    return ended(page, number)


def ended(page, number):
    page.wait_for_function(
        "number => document.querySelector(`#block-${number} [data-md-type=run]`) "
        "&& document.querySelector(`#live-${number} .vg-state`).textContent",
        arg=number,
    )
    return page.locator(f"#live-{number} .vg-state").inner_text()


def test_nothing_of_python_is_loaded_before_a_press_and_a_block_runs_after_it(page, served):
    page.wait_for_load_state("networkidle")
    asked = [request.url for request in page.requests]
    assert not [url for url in asked if "runtime" in url or "worker" in url]
    assert run(page, 0).endswith("it prints what the page says")
    assert page.locator("#live-0 .vg-result code").inner_text().strip() == "6"
    assert run(page, 1).endswith("it prints what the page says")
    assert all(request.url.startswith(served) for request in page.requests)


def test_a_change_reaches_the_blocks_below_and_differences_are_shown(page):
    edit(page, 0, "numbers = [5, 5]\nprint(sum(numbers))")
    assert run(page, 0).endswith("differs from the published output")
    assert page.locator("#live-0 .vg-published").inner_text().strip() == "− 6"
    assert page.locator("#live-0 .vg-own").inner_text().strip() == "+ 10"
    assert run(page, 1).startswith("Your run")
    assert page.locator("#live-1 .vg-own").inner_text().strip() == "+ 14"
    page.locator("#live-0").get_by_text("Reset").click()
    assert run(page, 1).endswith("it prints what the page says")


def test_an_error_names_its_line_and_marks_it(page):
    editor = edit(page, 1, "x = 1\nnumbers[9]")
    assert "failed" in run(page, 1)
    assert page.locator("#live-1 .vg-error").inner_text().splitlines() == [
        "line 2: numbers[9]",
        "IndexError: list index out of range",
    ]
    marked = "editor => editor.value.slice(editor.selectionStart, editor.selectionEnd)"
    assert editor.evaluate(marked) == "numbers[9]"


def test_an_endless_loop_is_stopped_and_the_next_run_works(page):
    edit(page, 1, "print('on', flush=True)\nwhile True:\n    pass")
    page.locator("#block-1 [data-md-type=run]").click(force=True)
    page.locator("#live-1 .vg-result code").get_by_text("on").wait_for()
    page.locator("#block-1 [data-md-type=stop]").click(force=True)
    assert ended(page, 1).startswith("Stopped")
    assert run(page, 0).endswith("it prints what the page says")


def test_a_figure_is_drawn_as_the_page_draws_it_and_follows_the_palette(page):
    run(page, 2)
    own, published = page.locator("#live-2 svg"), page.locator("#figure-1 svg")
    assert own.locator("text").all_inner_texts() == published.locator("text").all_inner_texts()
    line = own.locator("path[style*=backward]").first
    colour = "line => getComputedStyle(line).stroke"
    light = line.evaluate(colour)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("() => document.body.dataset.mdColorScheme === 'slate'")
    assert line.evaluate(colour) != light


def test_a_block_that_needs_what_the_browser_lacks_has_no_button(page):
    assert page.locator(".md-code__nav [data-md-type=run]").count() == 4
    assert page.locator("#block-4 [data-md-type=run]").count() == 0


def test_arrays_that_do_not_fit_are_said_not_to_fit(page):
    edit(page, 0, "import numpy as np\n[np.empty(2**27) for _ in range(9)]")
    assert "failed" in run(page, 0)
    assert "memory that the browser gives to a page is used up" in (
        page.locator("#live-0 .vg-error").inner_text()
    )


def beyond(page, **numbers):
    """Run a setting of the figure with knobs, and give its box, which says how it went."""
    box = page.locator("#figure-2 .vg-beyond")
    if not box.evaluate("box => box.open"):
        box.evaluate("box => (box.open = true)")
        page.wait_for_function("() => document.querySelector('#figure-2 .vg-beyond input').value")
    for name, number in numbers.items():
        box.get_by_label(name).fill(str(number))
    box.get_by_role("button").click()
    page.wait_for_function("() => !current")
    said = "#figure-2 .vg-beyond .vg-state"
    page.wait_for_function("said => document.querySelector(said).textContent", arg=said)
    return box


def test_a_setting_beyond_the_stops_is_the_native_run_in_the_same_axes(page):
    figure = page.locator("#figure-2")
    published = figure.locator(".vg-reading").inner_html()
    figure.locator("select").select_option("minus")
    box = beyond(page, slope=3.5)
    assert re.fullmatch(r"\d+\.\d s", box.locator(".vg-state").inner_text())
    native = turned(slope=3.5, sign="minus")
    reading = figure.locator(".vg-reading").inner_html()
    assert reading == f"<strong>Your run:</strong> {native['reading']}"
    assert figure.get_attribute("data-own") == ""
    drawn = figure.locator(".vg-state path[style*=backward]").get_attribute("d")
    wanted = re.search(r'd="([^"]*)"[^>]*backward', native["drawing"])[1]
    ours, theirs = (
        np.array([float(part) for part in path.split() if part not in "ML"])
        for path in (drawn, wanted)
    )
    # Another Matplotlib lays the axes out, to a part of a pixel.
    assert ours == pytest.approx(theirs, abs=1)
    figure.locator("select").select_option("plus")
    page.wait_for_function("() => !document.querySelector('#figure-2[data-own]')")
    assert figure.locator(".vg-reading").inner_html() == published


def test_a_setting_that_is_no_number_or_does_not_run_says_so(page):
    said = beyond(page, slope="").locator(".vg-state").inner_text()
    assert said == "Give a number for slope"
    said = beyond(page, slope=101).locator(".vg-state").inner_text()
    assert "This setting does not run: ValueError: slope is 101; at most 100 is expected" in said
    assert page.locator("#figure-2[data-own]").count() == 0


def test_a_press_makes_what_runs_give_way(page):
    edit(page, 1, "print('on', flush=True)\nwhile True:\n    pass")
    page.locator("#block-1 [data-md-type=run]").click(force=True)
    page.locator("#live-1 .vg-result code").get_by_text("on").wait_for()
    assert run(page, 0).endswith("it prints what the page says")
    assert page.locator("#live-1 .vg-state").inner_text().startswith("Stopped")


def test_by_touch(browser, served):  # noqa: F811, the fixture
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    with browser.new_context(**phone) as context:
        page = context.new_page()
        listen(page)
        page.goto(f"{served}index.html")
        page.locator("#block-0 [data-md-type=run]").tap(force=True)
        assert ended(page, 0).endswith("it prints what the page says")
        page.locator("#figure-2 summary").first.tap()
        page.locator("#figure-2 .vg-beyond").get_by_role("button").tap()
        page.wait_for_function("() => document.querySelector('#figure-2[data-own]')")
        assert page.mistakes == []


def test_code_from_an_address_is_shown_and_waits(context, served):
    other = context.new_page()
    listen(other)
    other.goto(f"{served}index.html#run=1&code=print(%22mine%22)")
    assert other.locator("#block-1 .vg-editor").input_value() == 'print("mine")'
    assert not [request for request in other.requests if "runtime" in request.url]
    assert run(other, 1).startswith("Your run")
    assert other.locator("#live-1 .vg-result code").inner_text().strip() == "mine"
    other.close()


@pytest.mark.parametrize(
    "code",
    [
        "import js",
        "import pyodide_js",
        "from pyodide.code import run_js\nrun_js('1')",
        "from pyodide.http import open_url\nopen_url('/index.html')",
    ],
)
def test_code_reaches_neither_the_page_nor_the_network(page, code):
    edit(page, 1, f"try:\n    exec({code!r})\nexcept Exception:\n    print('refused')")
    run(page, 1)
    assert page.locator("#live-1 .vg-result code").inner_text().strip() == "refused"


def test_a_drawing_is_left_without_what_could_act(page):
    drawing = (
        "<svg xmlns='http://www.w3.org/2000/svg'><script>1</script><path onclick='1' d='M0 0'/>"
        "<a href='https://x'><text>t</text></a><use href='#a'/><image href='https://x/y.png'/>"
        "<foreignObject/><rect style='fill: url(https://x)'/></svg>"
    )
    left = page.evaluate("drawing => harmless(drawing).outerHTML", drawing)
    assert "script" not in left and "onclick" not in left and "https:" not in left
    assert "foreignObject" not in left and 'href="#a"' in left and "<path" in left


def test_the_editor_by_keyboard(page):
    editor = edit(page, 1, "for n in [1]:\nprint(n)")
    editor.evaluate("editor => editor.setSelectionRange(14, 14)")
    editor.press("Tab")
    assert editor.input_value() == "for n in [1]:\n    print(n)"
    editor.press("Control+Enter")
    ended(page, 1)
    assert page.locator("#live-1 .vg-result code").inner_text().strip() == "1"
    editor.press("Escape")
    assert page.evaluate("document.activeElement.ariaLabel") == "Run"


def test_an_open_block_is_accessible_and_fits_a_phone(page):
    edit(page, 0, "print(1)")
    run(page, 0)
    beyond(page, slope=2.5)
    page.set_viewport_size({"width": 390, "height": 900})
    page.evaluate(AXE_SCRIPT)
    for colours, scheme in (("light", "default"), ("dark", "slate")):
        page.emulate_media(color_scheme=colours)
        wanted = "scheme => document.body.dataset.mdColorScheme === scheme"
        page.wait_for_function(wanted, arg=scheme)
        found = page.evaluate(
            "axe.run('.vg-live, .highlight, .vg-beyond').then(found => found.violations)"
        )
        assert [(each["id"], each["nodes"][0]["failureSummary"]) for each in found] == []
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(width) <= 0


def alter(name):
    whole = name.read_bytes()
    name.unlink()
    name.write_bytes(whole[:-1] + b"x")


@pytest.mark.parametrize(
    ("harm", "file", "said"),
    [
        (alter, "python_stdlib.zip", "is not the file that this site published"),
        (Path.unlink, next(RUNTIME.glob("numpy-*.whl"), Path("numpy")).name, "did not load (404)"),
    ],
)
def test_an_altered_or_missing_runtime_does_not_run(
    browser,  # noqa: F811, the fixture
    served,
    folder,
    harm,
    file,
    said,
):
    harm(folder / "site/assets/runtime" / file)
    try:
        with browser.new_context() as context:
            page = context.new_page()
            listen(page)
            page.goto(f"{served}index.html")
            assert run(page, 0) == "Your run failed"
            assert f"{file} {said}" in page.locator("#live-0").inner_text()
    finally:
        shutil.copy(RUNTIME / file, folder / "site/assets/runtime" / file)
