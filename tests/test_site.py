"""The site as a reader gets it: built strictly, and used in a real browser."""

import functools
import gzip
import http.server
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from html import escape, unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import numpy as np
import pytest
import vanishing
from axe_playwright_python.base import AXE_SCRIPT
from engine import labs
from engine.cache import page_run
from engine.states import script, script_name
from engine.notebooks import notebook_run
from engine.render import RunningPages
from engine.run import run as run_page
from engine.typeset import typeset
from markdown import markdown
from matplotlib import pyplot
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from vanishing import plot

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT / "docs").with_suffix(".html").as_posix()
    for path in [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/labs/*.ipynb")]
)
LABS = sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/labs/*.ipynb"))
CHAPTERS = [
    name
    for name in PAGES
    if name.startswith(("foundations/", "remedies/", "practice/", "index", "labs/"))
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FIRST_LOAD = 150_000  # bytes, gzipped
TIMEOUT = 120_000  # milliseconds, after which something is broken, not slow
LABELS = (Path(__file__).parent / "labels.js").read_text("utf-8")
CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")


def build(folder: Path, site: Path, **environment: str) -> tuple[int, str]:
    """Build the project in `folder` strictly into `site`: the exit code, and what was said."""
    building = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={
            **os.environ,
            "NO_MKDOCS_2_WARNING": "1",
            # Labs draw with the backend of their kernel, whatever is set.
            "MPLBACKEND": "Agg",
            "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'docs'}",
            **environment,
        },
    )
    return building.returncode, building.stdout


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A build of the same commit, at another place, with nothing kept from an earlier build."""
    folder = tmp_path_factory.mktemp("elsewhere")
    copy = folder / "copy"
    copy.mkdir()
    for name in ("docs", "vanishing", "mkdocs.yml", "README.md"):
        whole = ROOT / name
        if whole.is_dir():
            shutil.copytree(whole, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(whole, copy)
    (copy / ".cache").mkdir()
    (copy / ".cache/runtime").symlink_to(ROOT / ".cache/runtime")
    commit = subprocess.run(
        ["git", "log", "-1", "--format=%ct"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    date = {"SOURCE_DATE_EPOCH": commit.stdout.strip()}
    return folder / "site", *build(copy, folder / "site", **date)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site of this project, its build's exit code, and what the build said."""
    site = tmp_path_factory.mktemp("built") / "site"
    return site, *build(ROOT, site)


@pytest.fixture(scope="module")
def site(built):
    if built[1] != 0:
        pytest.fail("there is no site: test_the_build_gives_no_warning says why", pytrace=False)
    return built[0]


def test_the_build_gives_no_warning(built):
    _, status, said = built
    assert status == 0, said
    assert not re.findall(r"^(?:WARNING|ERROR).*", said, re.MULTILINE)


@pytest.mark.parametrize("path", LABS, ids=str)
def test_lab_holds(site, path, monkeypatch):
    """The run that the build made and shows: it went to the end, and nothing in it is wrong."""
    monkeypatch.chdir(ROOT)
    written = nbformat.read(path, as_version=4).cells
    kept = (json.loads(run.read_text("utf-8")) for run in labs.FOLDER.glob("*/*.json"))
    runs = (json.JSONDecoder().raw_decode(run["content"])[0] for run in kept)
    (run,) = (
        run
        for run in runs
        if [cell["source"] for cell in run["cells"]] == [cell.source for cell in written]
    )
    problems = notebook_run(run, str(path)).problems
    assert not problems, "\n\n".join(map(str, problems))
    counts = [cell["execution_count"] for cell in run["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, 1 + len(counts)))


def test_nothing_of_the_source_shows_through(site):
    for name in PAGES:
        html = (site / name).read_text("utf-8")
        shown = re.sub(r"<(template|code|pre|script)\b.*?</\1>", "", html, flags=re.DOTALL)
        assert "{python}" not in shown, name
        assert "invisible-code-block" not in shown, name
        assert "wzxhzdk" not in html, name
        assert not re.search(
            r"\$[^$<>]{1,80}\$", re.sub(r"<svg.*?</svg>", "", shown, flags=re.DOTALL)
        ), name


def test_every_figure_says_what_it_shows(site):
    for name in PAGES:
        html = (site / name).read_text("utf-8")
        figures = re.findall(r'<figure class="vg-figure".*?</figure>', html, re.DOTALL)
        for figure in figures:
            alt = re.search(r'<svg[^>]* role="img"[^>]* aria-label="([^"]*)"', figure)
            assert alt and len(alt[1]) > 20, f"{name}: {figure[:120]}"
            assert re.search(r"<figcaption>\s*<p>\S", figure), f"{name}: {figure[-200:]}"
        ids = re.findall(r'\bid="([^"]+)"', html)
        assert len(ids) == len(set(ids)), f"{name}: {sorted({i for i in ids if ids.count(i) > 1})}"


def test_chapters_can_be_downloaded(site):
    for name in (name for name in CHAPTERS if not name.endswith("glossary.html")):  # without code
        html = (site / name).read_text("utf-8")
        links = re.findall(r'href="([^"]+\.(?:ipynb|py))"', html)
        kinds = {".ipynb"} if name.startswith("labs/") else {".ipynb", ".py"}
        assert {Path(link).suffix for link in links} == kinds, name
        for link in links:
            assert (site / name).parent.joinpath(link).is_file(), f"{name}: {link}"


def test_every_public_name_has_its_reference(site):
    html = "".join(path.read_text("utf-8") for path in (site / "reference/api").glob("*.html"))
    documented = set(re.findall(r'id="vanishing\.\w+\.\w+\.([\w.]+)"', html))
    assert set(vanishing.__all__) - documented == {"theory"}
    assert 'id="vanishing.theory.chi"' in html
    assert all(inspect.getdoc(getattr(vanishing, name)) for name in vanishing.__all__)


def first(html: str, pattern: str) -> str | None:
    found = re.search(pattern, html)
    return unescape(found[1]) if found else None


def test_every_page_has_a_title_of_its_own_and_shows_its_sentence_elsewhere(site):
    titles = {}
    for name in PAGES:
        html = (site / name).read_text("utf-8")
        titles.setdefault(first(html, "<title>(.*?)</title>"), []).append(name)
        sentence = first(html, '<meta name="description" content="(.*?)">')
        assert sentence == first(html, '<meta property="og:description" content="(.*?)">'), name
        assert "og:image" not in html, "a picture needs an address, and the site has none here"
    assert not {title: names for title, names in titles.items() if len(names) > 1}


def test_a_wrong_address_leads_on(site):
    html = (site / "404.html").read_text("utf-8")
    main = html[html.index("<h1>") : html.index("</article>")]
    linked = {unquote(link).lstrip("/") for link in re.findall(r'href="(.*?)"', main)}
    chapters = {name for name in CHAPTERS if not name.startswith("index")}
    assert chapters <= linked <= {*PAGES}, linked ^ chapters


SEARCHED = {
    "loss is nan": "foundations/exploding.html",
    "loss does not decrease": "foundations/stuck-cost.html",
    "first layer does not learn": "foundations/two-gradients.html",
    "gradient norm explodes": "remedies/clipping.html",
    "dead relu": "foundations/relu.html",
    "lstm forgets": "remedies/recurrence.html",
    "which activation": "remedies/activations.html",
}


@pytest.mark.parametrize("symptom", SEARCHED)
def test_search_finds_a_symptom(visit, server, symptom):
    page = visit("reference/sources.html")
    page.locator(".md-search__input").fill(symptom)
    found = page.locator(".md-search-result__link").first
    found.wait_for(state="attached")
    address = found.get_attribute("href").partition("?")[0].partition("#")[0]
    assert address.removeprefix(server) == SEARCHED[symptom]


@pytest.fixture(scope="module")
def server(site):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def do_GET(self):  # noqa: N802, the name that http.server looks for
            """Answer the browser, which may ask for this icon by itself, before it reads a page."""
            if self.path == "/favicon.ico":
                self.send_response(204)
                self.end_headers()
            else:
                super().do_GET()

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        reason = f"no browser: none of {', '.join(BROWSERS)} is installed"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=quiet)
        yield running
        running.close()


@pytest.fixture
def visit(browser, server):
    """Opens a page in a fresh context; every request that it makes is kept in `requests`."""
    contexts = []

    def opened(name: str, *, width: int = 1280, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        listen(page)
        page.goto(server + name, wait_until="load")
        return page

    yield opened
    for context in contexts:
        context.close()


def listen(page):
    """Keep what a page asks for and what goes wrong on it, and wait for slow machines."""
    page.set_default_timeout(TIMEOUT)
    page.requests, page.mistakes = [], []
    page.on("request", lambda request: page.requests.append(request))
    page.on("pageerror", lambda error: page.mistakes.append(str(error)))
    page.on(
        "console",
        lambda message: page.mistakes.append(message.text) if message.type == "error" else None,
    )


@pytest.fixture(scope="module")
def window(browser, server):
    """One window for a visit of every page: opening one takes as long as several pages do."""
    context = browser.new_context()
    page = context.new_page()
    listen(page)
    # As on a first visit: from no cache, and below with nothing stored.
    context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.goto(f"{server}assets/favicon.svg")
    yield page
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_the_browser(window, server, site, name):
    """Asks no other host, loads light, is accessible in light and in dark, and reads on a phone."""
    window.set_viewport_size({"width": 1280, "height": 900})
    window.emulate_media(color_scheme="light")
    window.evaluate("localStorage.clear(); sessionStorage.clear()")
    window.requests.clear()
    window.mistakes.clear()
    window.goto(server + name, wait_until="load")
    assert violations(window) == []
    window.emulate_media(color_scheme="dark")
    window.wait_for_function("document.body.dataset.mdColorScheme === 'slate'")
    # Only colours differ.
    assert violations(window, runOnly=["color-contrast"]) == []
    window.set_viewport_size({"width": 390, "height": 900})
    assert (
        window.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        <= 0
    )
    small = window.evaluate(
        """[...document.querySelectorAll('.vg-figure text')]
        .filter(text => text.textContent.trim())
        .map(text => parseFloat(getComputedStyle(text).fontSize)
             * Math.hypot(text.getScreenCTM().c, text.getScreenCTM().d))
        .filter(size => size < 11)"""
    )
    assert small == []
    window.wait_for_load_state("networkidle")
    assert [one.url for one in window.requests if not one.url.startswith(server)] == []
    assert window.mistakes == []
    loaded = {unquote(urlsplit(one.url).path).lstrip("/") for one in window.requests}
    sizes = {path: len(gzip.compress((site / path).read_bytes())) for path in loaded}
    assert name in sizes
    assert sum(sizes.values()) < FIRST_LOAD, sizes


@pytest.mark.parametrize("name", PAGES)
def test_no_label_of_a_figure_leaves_it_or_lies_over_another(window, server, site, name):
    """On a phone, where a figure is narrowest."""
    if 'class="vg-figure"' not in (site / name).read_text("utf-8"):
        pytest.skip("no figure")
    window.set_viewport_size({"width": 390, "height": 900})
    window.goto(server + name, wait_until="load")
    assert window.evaluate(LABELS) == []


def test_a_label_over_another_and_one_outside_are_seen(visit):
    """Planted: a label moved onto its neighbour, one turned onto it, and one beyond the edge."""
    page = visit("foundations/weights-times-slope.html", width=390)
    assert page.evaluate(LABELS) == []
    plant = """kind => {
        const text = [...document.querySelectorAll('.vg-figure svg text')]
          .find(text => text.textContent.trim().length > 3);
        const { x, y, width, height } = text.getBBox();
        const copy = text.cloneNode(true);
        copy.textContent = 'planted';
        const own = text.getAttribute('transform') ?? '';
        const move = { near: 'translate(3 3)', beyond: 'translate(900 0)', turned: '' }[kind];
        const turn = kind === 'turned' ? `rotate(90 ${x + width / 2} ${y + height / 2})` : '';
        copy.setAttribute('transform', `${move} ${own} ${turn}`);
        text.parentNode.append(copy);
    }"""
    for kind, said in (("near", "over"), ("turned", "over"), ("beyond", "leaves")):
        page.reload()
        page.evaluate(plant, kind)
        assert any(said in problem and "planted" in problem for problem in page.evaluate(LABELS))


def violations(page, **options) -> list[tuple[str, list[str]]]:
    """What axe finds; of texts that look alike it measures the contrast of one."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    page.evaluate(CONTRAST)
    options = {"resultTypes": ["violations"], **options}
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found]


@pytest.fixture(scope="module")
def plain_window(browser, server):
    """One window without scripts, in which a page can leave nothing for the next."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=False
    )
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_page_reads_without_scripts(plain_window, server, name):
    plain_window.goto(server + name, wait_until="load", timeout=TIMEOUT)
    assert plain_window.locator("h1").first.is_visible()
    figures = plain_window.locator(".vg-figure svg")
    assert not figures.count() or figures.first.is_visible()
    shown = plain_window.locator("template:visible")
    assert shown.count() == 0


def test_copy_runnable_copies_the_block_with_what_it_needs(visit):
    page = visit("foundations/weights-times-slope.html")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    wanted = page.evaluate(
        "[...document.querySelectorAll('template.vg-runnable')].map(t => t.content.textContent)"
    )
    buttons = page.locator("[data-md-type=runnable]")
    assert buttons.count() == len(wanted) > 1
    button = next(button for button in buttons.all() if button.is_visible())
    index = next(i for i, other in enumerate(buttons.all()) if other.is_visible())
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.md-dialog--active') !== null")
    assert page.evaluate("navigator.clipboard.readText()").strip() == wanted[index].strip()


EXPLORABLES = {
    "index": 5,
    "foundations/two-journeys": 3,
    "foundations/chain-rule": 2,
    "foundations/weights-times-slope": 2,
    "foundations/relu": 1,
    "foundations/depth-and-width": 2,
    "remedies/residual-connections": 2,
    "remedies/recurrence": 2,
    "remedies/optimizers": 2,
    "remedies/matrix": 3,
}  # pages -> knobs on them


def test_all_explorables_are_tried(site):
    found = {
        name: (site / f"{name}.html").read_text("utf-8").count("data-states")
        for name in EXPLORABLES
    }
    everywhere = sum((site / name).read_text("utf-8").count("data-states") for name in PAGES)
    assert set(found.values()) == {1} and everywhere == len(found)


@pytest.mark.parametrize("name", EXPLORABLES)
def test_each_knob_shows_the_run_that_python_makes(visit, server, name, monkeypatch):
    """By keyboard and by choice, to a state and back by its address; drawn again here."""
    monkeypatch.chdir(ROOT)
    explorable = an_explorable(name)
    page = visit(f"{name}.html")
    page.wait_for_load_state("networkidle")
    knobs = page.locator("figure[data-knobs] .vg-knobs :is(input, select)")
    assert not [
        request for request in page.requests if re.search(r"\.[0-9a-f]{12}\.js$", request.url)
    ]
    assert knobs.count() == EXPLORABLES[name] == len(explorable.knobs)
    assert_shows(page, explorable, explorable.start)
    for position, (knob, values) in enumerate(explorable.knobs.items()):
        control = knobs.nth(position)
        assert control.evaluate("control => control.labels[0].innerText.trim() !== ''")
        moved = values[0] if explorable.start[knob] != values[0] else values[-1]
        turn(page, control, values, moved)
        assert_shows(page, explorable, {**explorable.start, knob: moved})
        asked = parse_qs(urlsplit(page.url).fragment.partition("?")[2])
        assert asked[knob] == [moved if isinstance(moved, str) else f"{moved:g}"]
        assert_shows(
            visit(page.url.removeprefix(server)), explorable, {**explorable.start, knob: moved}
        )
        turn(page, control, values, explorable.start[knob])
        assert_shows(page, explorable, explorable.start)


def an_explorable(name: str):
    """The page's figure with knobs, made again from the block as a reader copies it."""
    return made_again(page_run(f"docs/{name}.md"))


def made_again(run):
    block = next(block for block in run.blocks if block.states)
    pyplot.close("all")
    plot.use()
    exec(block.runnable, {"__name__": "a_reader"})
    found = next(
        f.explorable for f in map(pyplot.figure, pyplot.get_fignums()) if hasattr(f, "explorable")
    )
    found.figure.dpi = 72
    found.figure.canvas.draw()
    found.figure.set_layout_engine("none")
    return found


def turn(page, control, values, value):
    if isinstance(value, str):
        control.select_option(label=value)
        return
    control.focus()
    page.keyboard.press("Home")
    for _ in range(values.index(value)):
        page.keyboard.press("ArrowRight")
    assert control.evaluate("control => control.ariaValueText") == f"{value:g}"


def assert_shows(page, explorable, setting):
    """The reading is the run's, and lines stand where Matplotlib puts the run's numbers."""
    reading = unescape(re.sub(r"<[^>]*>", "", typeset(escape(explorable.show(setting)))))
    page.wait_for_function(
        "line => document.querySelector('.vg-reading').textContent === line", arg=reading
    )
    height = explorable.figure.get_size_inches()[1] * 72
    state = page.locator(".vg-state").first
    paths = state.locator(":is(g[clip-path] path, path[clip-path])").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d').match(/-?[0-9.]+/g).map(Number))"
    )
    drawn = [np.reshape(path, (-1, 2)) for path in paths]
    made = [
        a
        for a in explorable.drawn()
        if isinstance(a, (Line2D, Patch))
        and a.get_linestyle() != "None"
        and len(a.get_path().vertices) > 1
    ]
    assert len(drawn) == len(made) > 0
    tried = 0
    for path, artist in zip(drawn, made, strict=True):
        outline = artist.get_path()
        expected = artist.get_transform().transform(outline.vertices) * (1, -1) + (0, height)
        box = artist.axes.get_window_extent()
        shown = expected * (1, -1) + (0, height)
        inside = ((shown > box.min - 0.01) & (shown < box.max + 0.01)).all(axis=1)
        if isinstance(artist, Patch):
            # The point with which Matplotlib closes a shape says nothing about where it is.
            if outline.codes is not None:
                expected = expected[outline.codes != outline.CLOSEPOLY]
            assert np.abs(path[: len(expected)] - expected).max() < 0.1
        else:
            tried += inside.sum()
            assert distance(expected[inside], path).max(initial=0) < 0.5
    assert tried > 1 or not any(isinstance(artist, Line2D) for artist in made)


def distance(points, line):
    """How far each of the points lies from a line of straight pieces."""
    begin, step = line[:-1], np.diff(line, axis=0)
    away = points[:, np.newaxis] - begin
    part = (away * step).sum(axis=-1) / np.maximum((step**2).sum(axis=-1), 1e-12)
    beside = away - np.clip(part, 0, 1)[..., np.newaxis] * step
    return np.linalg.norm(beside, axis=-1).min(axis=1)


TRIED = """# A page

```python alt="an image and a line" caption="an image and a line"
import numpy as np
from vanishing.plot import explore, image, panels

axes = panels(2)
for ax in axes:
    ax.set(xlim=(0, 8), ylim=(0, 8))

def draw(ax, *, layer, name="one"):
    image(np.eye(8) / layer, ax=ax[0], limits=(0, 1))
    ax[1].plot([1, 1 + layer], [1, 1 + layer], "o-")
    ax[1].text(layer, layer, name)
    return f"layer {layer}, {name}"

explore(draw, ax=axes, play="layer", layer=[1, 2, 3, 4, 5], name=["one", "two"])
```

```python alt="an image" caption="an image"
def shade(ax, *, size):
    image(np.eye(8) / size, ax=ax, limits=(0, 1))
    return f"size {size}"

explore(shade, ax=image(np.eye(8)), ghost=False, size=[1, 2])
```
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """A page of figures with knobs made for these tests, which needs no build of the site."""
    folder = tmp_path_factory.mktemp("tried")
    plot.use()
    made = run_page(TRIED, "docs/tried.md")
    assert not made.problems, made.problems
    for states in (block.states for block in made.blocks):
        (folder / script_name("tried", states)).write_text(script(states), "utf-8")
    for name in ("knobs.js", "site.css"):
        shutil.copy(ROOT / "docs/assets" / name, folder)
    body = markdown(TRIED, extensions=[RunningPages(made), "pymdownx.superfences"])
    head = '<meta charset="utf-8"><link rel="stylesheet" href="site.css">'
    head += '<script src="knobs.js"></script>'
    (folder / "tried.html").write_text(f"<!doctype html>{head}<body>{body}", "utf-8")
    return made, (folder / "tried.html").as_uri()


@pytest.fixture
def figure(browser, tried):
    """The first of the figures, on a page whose time stands still until a test moves it."""
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        listen(page)
        page.clock.install()
        page.goto(tried[1])
        page.clock.pause_at(time.time() + 3600)
        yield page.locator("#figure-1")
        assert page.mistakes == []


def wait_for(figure, reading):
    """Wait until the figure shows the setting with this line; the ghost is drawn with it."""
    figure.locator(".vg-reading").get_by_text(reading, exact=True).wait_for()


def outlines(figure, part):
    """The lines of the figure's drawing, or of the ghost behind it."""
    paths = figure.locator(f".vg-{part} path[clip-path]")
    return paths.evaluate_all("paths => paths.map(path => path.getAttribute('d'))")


def test_a_figure_plays_when_asked_and_stops_at_the_end_or_when_asked(figure):
    page = figure.page
    button, slider = figure.get_by_role("button", name="Play layer"), figure.get_by_role("slider")
    button.wait_for()
    page.clock.run_for(5000)
    assert button.get_attribute("aria-pressed") == "false" and slider.input_value() == "0"
    assert outlines(figure, "ghost") == []

    slider.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_for(figure, "layer 2, one")
    assert button.get_attribute("aria-pressed") == "true"
    assert figure.locator(".vg-reading").evaluate("line => line.ariaLive") == "off"
    page.clock.run_for(1000)
    wait_for(figure, "layer 5, one")
    assert button.get_attribute("aria-pressed") == "false"
    assert figure.locator(".vg-reading").evaluate("line => line.ariaLive") == "polite"
    assert slider.evaluate("slider => slider.ariaValueText") == "5"
    assert page.url.endswith("#figure-1?layer=5&name=one")

    # From the end it begins again, until it is told to stop.
    page.keyboard.press("Space")
    wait_for(figure, "layer 1, one")
    page.clock.run_for(400)
    wait_for(figure, "layer 2, one")
    page.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "false"
    page.clock.run_for(5000)
    assert slider.input_value() == "1" and page.url.endswith("#figure-1?layer=2&name=one")

    # Who turns a knob takes over.
    page.keyboard.press("Space")
    wait_for(figure, "layer 3, one")
    figure.get_by_role("combobox").select_option("two")
    wait_for(figure, "layer 3, two")
    assert button.get_attribute("aria-pressed") == "false"
    page.clock.run_for(5000)
    assert slider.input_value() == "2"


def test_the_setting_before_stays_faint_behind_the_new_one_without_its_texts(figure):
    page, slider = figure.page, figure.get_by_role("slider")
    first = outlines(figure, "state")
    slider.focus()
    for reading in ("layer 2, one", "layer 3, one"):
        before = outlines(figure, "state")
        page.keyboard.press("ArrowRight")
        wait_for(figure, reading)
        assert outlines(figure, "ghost") == before != outlines(figure, "state")
    ghost = figure.locator(".vg-ghost")
    assert ghost.evaluate("ghost => getComputedStyle(ghost).opacity < 0.5")
    told = "figure => getComputedStyle(figure.querySelector('.vg-reading'), '::after').content"
    assert "Faint: the setting before." in figure.evaluate(told)
    assert ghost.evaluate("ghost => ghost.nextElementSibling.matches('.vg-state')")
    assert ghost.locator("text").count() == 1 and not ghost.locator("text").is_visible()
    assert figure.locator(".vg-state text").is_visible()
    ids = page.locator("svg [id]").evaluate_all("all => all.map(one => one.id)")
    assert len(ids) == len(set(ids)) > 4
    uses = ghost.locator("use").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert uses and {use.removeprefix("#") for use in uses} <= set(ids)

    # However many settings play, one stays behind.
    figure.get_by_role("button").click()
    wait_for(figure, "layer 4, one")
    before = outlines(figure, "state")
    page.clock.run_for(5000)
    wait_for(figure, "layer 5, one")
    assert outlines(figure, "ghost") == before

    # As long as the finger is down, what stood there before it came.
    last, box = outlines(figure, "state"), slider.bounding_box()
    places = [box["x"] + part * box["width"] for part in (0.99, 0.75, 0.5, 0.01)]
    page.mouse.move(places[0], box["y"] + box["height"] / 2)
    page.mouse.down()
    for place, reading in zip(places[1:], ("layer 4", "layer 3", "layer 1"), strict=True):
        page.mouse.move(place, box["y"] + box["height"] / 2)
        wait_for(figure, f"{reading}, one")
        assert outlines(figure, "ghost") == last
    page.mouse.up()
    assert outlines(figure, "state") == first
    page.emulate_media(media="print")
    assert not ghost.is_visible()


def test_a_link_to_a_setting_and_a_figure_that_wants_none_show_no_ghost(figure):
    page = figure.page
    page.goto(f"{page.url}#figure-1?layer=3&name=two")
    page.reload()
    wait_for(figure, "layer 3, two")
    assert outlines(figure, "ghost") == []
    other = page.locator("#figure-2")
    other.get_by_role("slider").press("ArrowRight")
    wait_for(other, "size 2")
    assert other.get_by_role("button").count() == other.locator(".vg-ghost").count() == 0


def test_panels_and_images_show_the_run_that_python_makes(figure, tried):
    explorable = made_again(tried[0])
    for layer, name in ((1, "one"), (2, "one"), (5, "two")):
        figure.page.goto(f"{tried[1]}#figure-1?layer={layer}&name={name}")
        assert_shows(figure.page, explorable, {"layer": layer, "name": name})


def test_an_image_is_of_the_palettes_shades_in_the_dark(figure):
    figure.evaluate("figure => document.body.dataset.mdColorScheme = 'slate'")
    shades = figure.locator(".vg-state path[style*=fill\\:\\ var]").evaluate_all(
        "all => all.map(one => getComputedStyle(one).fill)"
    )
    assert shades == ["rgb(220, 223, 228)"]


def test_a_figure_whose_runs_do_not_load_says_so(visit):
    page = visit("index.html")
    page.route(re.compile(r"index\.[0-9a-f]{12}\.js"), lambda route: route.abort())
    page.locator("figure[data-knobs] select").first.select_option("tanh")
    page.wait_for_function(
        "document.querySelector('.vg-reading').textContent.includes('could not be loaded')"
    )


def test_statements_are_chosen_by_verdict_and_each_has_an_address(visit, server):
    page = visit("practice/folklore.html")
    statements = page.locator("h3[data-verdict]")
    verdicts = statements.evaluate_all("all => all.map(one => one.dataset.verdict)")
    assert page.locator(".vg-verdicts input").count() == 1 + len(set(verdicts))
    page.locator(".vg-verdicts label", has_text="False").click()
    assert page.url.endswith("#verdict=false")
    assert [one.is_visible() for one in statements.all()] == [
        verdict == "false" for verdict in verdicts
    ]
    other = statements.nth(verdicts.index("conditional"))
    assert not other.locator("xpath=following-sibling::*[1]").is_visible()
    again = visit(page.url.removeprefix(server))
    assert again.locator("h3[data-verdict]:visible").count() == verdicts.count("false")
    again.evaluate("anchor => location.hash = anchor", other.get_attribute("id"))
    again.wait_for_function(
        "anchor => !document.getElementById(anchor).hidden", arg=other.get_attribute("id")
    )
    assert again.locator("h3[data-verdict]:visible").count() == len(verdicts)
    page.locator(".vg-verdicts input").first.focus()
    page.keyboard.press("Space")
    assert page.locator("h3[data-verdict]:visible").count() == len(verdicts) and "#" not in page.url


def test_the_cheat_sheet_prints_on_one_sheet(visit):
    printed = visit("practice/cheat-sheet.html").pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def test_a_number_tells_its_expression_on_focus(visit):
    page = visit("foundations/weights-times-slope.html")
    page.wait_for_load_state("networkidle")
    value = page.locator(".vg-value").first
    source = page.locator(f"#{value.get_attribute('aria-describedby')}")
    source.wait_for(state="hidden")
    value.focus()
    source.wait_for(state="visible")
    assert "computed by" in source.text_content()
    page.keyboard.press("Escape")
    source.wait_for(state="hidden")
    value.hover()
    source.wait_for(state="visible")


def test_figures_follow_the_palette(visit):
    colours = {
        scheme: visit("foundations/weights-times-slope.html", color_scheme=scheme).evaluate(
            "getComputedStyle(document.querySelector('.vg-figure text')).fill"
        )
        for scheme in ("light", "dark")
    }
    assert colours["light"] != colours["dark"]


def test_the_site_opens_from_a_folder(browser, site):
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    page.locator(".md-content a[href*='foundations/']").first.click()
    page.wait_for_load_state("load")
    assert "/foundations/" in page.url
    assert page.locator(".md-content h1").is_visible()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_a_cold_build_elsewhere_gives_the_same_bytes(site, elsewhere):
    again, status, said = elsewhere
    assert status == 0, said
    first, second = files(site), files(again)
    assert sorted(first) == sorted(second)
    assert [name for name in first if first[name] != second[name]] == []


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
