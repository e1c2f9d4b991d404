"""Figures that ask first: the series that waits, its group on the page, drawing, and the words."""

import functools
import json
import re
import shutil
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import strict
from axe_playwright_python.base import AXE_SCRIPT
from engine import session
from engine.downloads import notebook
from engine.render import RunningPages
from engine.run import run
from engine.svg import saved
from markdown import markdown
from test_site import browser, listen  # noqa: F401, a fixture

from vanishing import plot
from vanishing.plot import predict

ROOT = Path(__file__).parent.parent
NORMS = [10.0**-n for n in range(10, -1, -1)]
RIGHT = [0.9, 0.8, 0.4, 0.2]
PAGE = """# A page

Draw the norm.

```python alt="A falling line: the answer." caption="It falls, which is the answer."
from vanishing import plot

ax = plot.per_layer([10.0**-n for n in range(10, -1, -1)], label="tanh", theory=11 * [0.1])
plot.per_layer(11 * [1.0], ax=ax, label="steady", role="green")
plot.predict("tanh", ax=ax, y="the norm of δ with tanh", per="layer", given=-1)
```

```python alt="A second line." caption="A second line."
ax = plot.measured([4, 6, 8, 10], [0.9, 0.8, 0.4, 0.2], role="sigmoid", ylabel="accuracy",
                   interval=([0.8, 0.7, 0.3, 0.1], [1.0, 0.9, 0.5, 0.3]))
ax.set_ylim(0, 1)
plot.predict(ax.lines[-1], ax=ax, y="the accuracy", x="{} layers")
```
"""


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    plot.use()
    yield
    plt.close("all")


# In Python


def falling(**options):
    """Axes with a series that falls, with its theory and intervals, and one that does not."""
    interval = (np.array(NORMS) / 2, np.array(NORMS) * 2)
    ax = plot.per_layer(NORMS, label="falls", theory=NORMS, interval=interval, **options)
    return plot.per_layer(np.ones(11), ax=ax, label="steady", role="green", theory=np.ones(11))


def test_what_tells_the_run_waits_and_nothing_else():
    ax = falling()
    predict("falls", ax=ax, y="the norm", given=-1, per="layer")
    prediction = ax.figure.prediction
    assert prediction.values == NORMS and prediction.x == list(range(1, 12))
    assert (prediction.given, prediction.per, prediction.place) == (10, "layer", "layer {}")
    names = [text for text in ax.texts if text.get_text() == "falls"]
    waiting = set(prediction.drawn())
    *intervals, theory, points = ax.lines[:13]
    assert waiting == {*intervals, theory, points, *names}
    assert len(intervals) == 11 and len(names) == 1 and theory.get_gid() == "theory"


def test_marks_at_the_edge_wait_with_their_series():
    ax = plot.measured([1, 2, 3], [1, 0.1, 0.1], label="seen", log=True)
    plot.measured([1, 2], [1, 0], ax=ax, label="lost", role="green", log=True)
    predict("seen", ax=ax, y="the norm", also=[*ax.collections, ax.texts[0]])
    assert {*ax.collections, ax.texts[0]} < set(ax.figure.prediction.drawn())
    predict("seen", ax=ax, y="the norm")
    assert not {*ax.collections, ax.texts[0]} & set(ax.figure.prediction.drawn())


def test_a_figure_elsewhere_is_whole():
    ax = falling()
    ax.figure.canvas.draw()
    ax.figure.set_layout_engine("none")  # which moves the axes a little whenever it is asked
    before = saved(ax.figure)
    predict("falls", ax=ax, y="the norm")
    assert saved(ax.figure) == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"series": "fals"}, r"series is 'fals'; .* expected\. Known: theory, falls, steady"),
        ({"series": plt.Line2D([0, 1], [0, 1])}, "a line of the axes is expected"),
        ({"y": " "}, "y is ' '; words are expected"),
        ({"x": "layer"}, r"x is 'layer'; words with \{\} for a number are expected"),
        ({"given": 11}, "given is 11; the index of one of 11 points"),
        ({"given": -12}, "given is -12; the index"),
        ({"also": [plt.Line2D([0, 1], [0, 1])]}, "also holds .*; lines, marks and texts of ax"),
    ],
)
def test_what_nobody_could_be_asked_is_refused(changes, message):
    ax = falling()
    arguments = {"series": "falls", "ax": ax, "y": "the norm", **changes}
    with pytest.raises(ValueError, match=message):
        predict(**arguments)
    assert not hasattr(ax.figure, "prediction")


@pytest.mark.parametrize(
    ("x", "y", "set_up", "message"),
    [
        ([1], [1], {}, "at least two are expected"),
        ([1, 1], [1, 2], {}, "from left to right"),
        ([2, 1], [1, 2], {}, "from left to right"),
        ([1, 2], [1, np.nan], {}, "finite ones are expected"),
        ([1, 2], [1, np.inf], {}, "finite ones are expected"),
        ([1, 2], [0, 1], {"yscale": "log"}, "values from 0 to 1; all within the axes"),
        ([1, 2], [0, 1], {"yscale": "symlog"}, "ax has a symlog y axis"),
        ([1, 2], [0, 3], {"ylim": (0, 2)}, "values from 0 to 3; all within the axes, from 0 to 2"),
        ([1, 2], [0, 1], {"xlim": (0, 1)}, "x from 1 to 2; all within the axes"),
    ],
)
def test_a_series_that_nobody_could_draw_is_refused(x, y, set_up, message):
    ax = plt.figure().subplots()
    ax.plot(x, y, label="series")
    ax.set(**set_up)
    with pytest.raises(ValueError, match=message):
        predict("series", ax=ax, y="the norm")


# On a page


@pytest.fixture(scope="module")
def made():
    plot.use()
    page = run(PAGE, "docs/page.md")
    assert not page.problems, page.problems
    return page


def group_of(block):
    """The marks of the group that waits, and the figure without the group."""
    rest, group = re.split(r'<g class="vg-predicted">', block.figure)
    marks = re.findall(r'<use [^>]*?x="([^"]+)" y="([^"]+)"', group)
    return np.array(marks, float), rest, group


def test_a_page_holds_the_run_as_a_group_and_the_numbers_of_the_run(made):
    for block, values, x in zip(
        made.blocks, (NORMS, RIGHT), (range(1, 12), (4, 6, 8, 10)), strict=True
    ):
        asked = block.prediction
        marks, rest, group = group_of(block)
        assert asked["values"] == values and asked["x"] == list(x)
        # Marks stand where the script reads them.
        low, high = np.log(asked["ends"]) if asked["log"] else np.array(asked["ends"])
        level = np.log(values) if asked["log"] else np.array(values)
        _, top, _, bottom = asked["area"]
        height = bottom - (level - low) / (high - low) * (bottom - top)
        assert np.abs(marks - np.transpose([asked["across"], height])).max() < 0.02
        assert "--vg-" in group and "--vg-" not in rest
    first, second = made.blocks
    assert first.prediction["given"] == 10 and second.prediction["given"] is None
    assert first.prediction["log"] and not second.prediction["log"]
    # The name of the series that waits stands in the group alone.
    _, rest, group = group_of(first)
    assert ">tanh<" in group and ">tanh<" not in rest and ">steady<" in rest


def test_a_pixel_is_the_value_of_matplotlibs_transform(made):
    code = PAGE.split("```")[1].split("\n", 1)[1]
    exec(code, {"__name__": "a_reader"})
    figure = plt.gcf()
    figure.dpi = 72
    figure.canvas.draw()
    ax, asked = figure.axes[0], made.blocks[0].prediction
    left, top, right, bottom = asked["area"]
    (low, high), height = np.log(asked["ends"]), figure.get_figheight() * 72
    for part in (0, 0.3, 1):
        y = bottom - part * (bottom - top)
        _, value = ax.transData.inverted().transform((left, height - y))
        assert np.log(value) == pytest.approx(low + part * (high - low), abs=0.01)
    assert left < asked["across"][0] < asked["across"][-1] < right


def test_downloads_and_a_readers_own_run_show_the_whole_figure(made):
    for block in made.blocks:
        told = json.loads(session.execute(block.runnable, 1, "own"))
        assert told["error"] is None
        (own,) = told["figures"]
        assert "predicted" not in own and own.count("<use") >= len(block.prediction["x"])
    cells = json.loads(notebook(made))["cells"]
    outputs = [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]
    pictures = ["".join(output["data"]["image/svg+xml"]) for (output,) in outputs]
    assert all("<use" in group_of(block)[2] for block in made.blocks)
    assert pictures == [block.figure for block in made.blocks]


def test_a_figure_has_knobs_or_asks_and_not_both():
    knobs = 'plot.explore(lambda ax, n: ax.plot([n], [n]) and "n", ax=ax, n=[1, 2])\n'
    text = PAGE.replace('plot.predict("tanh"', f'{knobs}plot.predict(ax.lines[-1] and "_0"', 1)
    text = text.replace('ax.lines[-1] and "_0"', "ax.plot([1, 2], [1, 1])[0]")
    text = text.replace("given=-1", "given=-1)\nassert hasattr(ax.figure, 'explorable'", 1)
    (problem,) = run(text, "docs/page.md").problems
    assert "a figure has knobs or asks for a prediction, not both" in str(problem)


def test_what_is_written_into_the_page_is_no_markup():
    text = PAGE.replace("the norm of δ with tanh", 'a <b> & \\"c\\"')
    page = run(text, "docs/page.md")
    body = markdown(text, extensions=[RunningPages(page), "pymdownx.superfences"])
    assert "for a &lt;b&gt; &amp; &quot;c&quot;." in body and "<b>" not in body


# In the browser


@pytest.fixture(scope="module")
def address(made, tmp_path_factory):
    """The page with its style and script, under a policy that lets nothing come from elsewhere."""
    folder = tmp_path_factory.mktemp("asks")
    for name in ("predict.js", "site.css"):
        shutil.copy(ROOT / "docs/assets" / name, folder)
    body = markdown(PAGE, extensions=[RunningPages(made), "pymdownx.superfences"])
    page = (
        '<!doctype html><html lang="en"><title>Page</title><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="site.css"><style>'
        "body { background: var(--vg-paper); color: var(--vg-ink) } pre { overflow: clip }"
        '</style><body data-md-color-scheme="default">'
        f'<main class="md-typeset">{body}</main><script src="predict.js"></script></body></html>'
    )
    (folder / "index.html").write_text(page, "utf-8")

    with strict.served(folder) as address:
        yield f"{address}index.html"


@pytest.fixture
def opened(browser, address):  # noqa: F811, the fixture
    """Opens the page in a context of its own."""
    contexts = []

    def open_page(**options):
        options = {"viewport": {"width": 900, "height": 900}, **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        listen(page)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        assert [page.mistakes for page in context.pages] == [[]]
        context.close()


def hidden(page):
    """Of the first figure: whether its run and its caption are hidden."""
    parts = ".vg-predicted, figcaption > p"
    look = "parts => parts.map(part => getComputedStyle(part).visibility === 'hidden')"
    return set(page.locator("figure").first.locator(parts).evaluate_all(look))


def show(figure):
    figure.get_by_role("button", name="Show the run").click()
    return figure.locator(".vg-difference").inner_text()


def test_a_curve_by_keyboard_is_compared_with_the_run_in_words(opened):
    page = opened()
    figure, asked = page.locator("figure").first, page.get_by_role("slider").first
    assert hidden(page) == {True}
    assert "answer" not in figure.locator("svg").first.get_attribute("aria-label")
    page.keyboard.press("Tab")
    assert asked.evaluate("area => area === document.activeElement")
    told = lambda: asked.get_attribute("aria-valuetext")  # noqa: E731
    assert told() == "layer 10: not drawn"
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    assert told() == "layer 11: 1, given"
    # From the given point, 2 % of the axis down.
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    low, high = np.log(page.evaluate("document.querySelector('figure').prediction.asked.ends"))
    drawn = np.exp(-0.02 * (high - low))
    assert told() == f"layer 1: {drawn:.2f}"
    page.keyboard.press("PageUp")
    assert told() == "layer 1: " + f"{np.exp(high):.1f}".rstrip("0").rstrip(".")
    for _ in range(5):
        page.keyboard.press("PageDown")
    # Five times a tenth below the top, and the run at the bottom of its ten decades.
    drawn = np.exp(high - 0.5 * (high - low))
    mantissa, exponent = f"{drawn:.0e}".split("e")
    power = "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(-int(exponent)))
    assert told() == f"layer 1: {mantissa} × 10⁻{power}"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    words = figure.locator(".vg-difference").inner_text()
    less = drawn / NORMS[0]
    assert f"At layer 1 you drew {mantissa} × 10⁻{power}; the run gives 1 × 10⁻¹⁰, about" in words
    assert f"about {float(f'{less:.2g}'):,.0f} times less." in words
    rate = drawn**0.1
    assert (
        f"From layer 11 to layer 1 you drew a factor of {float(f'{rate:.2g}'):g} per layer; "
        "the run has 0.1." in words
    )
    assert hidden(page) == {False} and page.get_by_role("slider").count() == 1
    assert figure.locator("svg").first.get_attribute("aria-label") == "A falling line: the answer."
    # Again from the beginning.
    page.keyboard.press("Enter")
    assert hidden(page) == {True} and figure.locator(".vg-difference").inner_text() == ""
    assert "nothing" in show(figure)


def drag(page, area, places, down, move, up):
    """Draw through places, given as parts of the area from its lower left corner."""
    box = area.bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]) for x, y in places]
    down(*points[0])
    for point in points[1:]:
        move(*point)
    up()


def heights(page, figure=1):
    return page.evaluate(f"document.querySelectorAll('figure')[{figure}].prediction.heights")


def test_a_curve_by_mouse_takes_every_point_that_the_pen_passes(opened):
    page = opened()
    area = page.get_by_role("slider").nth(1)
    area.scroll_into_view_if_needed()
    mouse = page.mouse

    def press(x, y):
        mouse.move(x, y)
        mouse.down()

    # Two events, from the left edge to the right one: the points between are passed in one leap.
    drag(page, area, [(0, 0.9), (1, 0.3)], press, mouse.move, mouse.up)
    _, top, right, bottom = (
        asked := page.evaluate("document.querySelectorAll('figure')[1].prediction.asked")
    )["area"]
    left = asked["area"][0]
    expected = [0.9 - 0.6 * (x - left) / (right - left) for x in asked["across"]]
    assert heights(page) == pytest.approx(expected, abs=0.01)
    assert top < bottom
    # Without a button pressed nothing is drawn.
    mouse.move(*[area.bounding_box()[side] + 5 for side in ("x", "y")])
    assert heights(page) == pytest.approx(expected, abs=0.01)
    # Up and down where it was pressed moves one point, and no further than the axes.
    x = (asked["across"][1] - left) / (right - left)
    drag(page, area, [(x, 0.5), (x, 0.9), (x, 1.4)], press, mouse.move, mouse.up)
    assert heights(page) == pytest.approx([expected[0], 1, *expected[2:]], abs=0.01)
    words = show(page.locator("figure").nth(1))
    assert words.startswith("At 6 layers you drew 1; the run gives 0.8, 0.2 less.") or (
        words.startswith(f"At 8 layers you drew {expected[2]:.2g}; the run gives 0.4")
    )
    line = page.locator("figure").nth(1).locator("polyline")
    assert len(line.get_attribute("points").split()) == 4
    light = line.evaluate("line => getComputedStyle(line).stroke")
    page.evaluate("document.body.dataset.mdColorScheme = 'slate'")
    assert line.evaluate("line => getComputedStyle(line).stroke") != light


def test_a_curve_by_touch_draws_and_the_page_scrolls_elsewhere(opened):
    page = opened(has_touch=True, viewport={"width": 390, "height": 700})
    area = page.get_by_role("slider").nth(1)
    area.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    client = page.context.new_cdp_session(page)

    def touch(kind, *point):
        points = [{"x": point[0], "y": point[1]}] if point else []
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    places = [(0.01, 0.1), (0.4, 0.1), (0.6, 0.9), (0.99, 0.9)]
    start, move = functools.partial(touch, "touchStart"), functools.partial(touch, "touchMove")
    drag(page, area, places, start, move, lambda: touch("touchEnd"))
    assert heights(page) == pytest.approx([0.1, 0.1, 0.9, 0.9], abs=0.02)
    assert page.evaluate("scrollY") == scrolled
    action = "element => getComputedStyle(element).touchAction"
    assert area.evaluate(action) == "none"
    around = "area => [...document.querySelectorAll('*')].filter(one => one !== area)"
    taken = f"{around}.some(one => getComputedStyle(one).touchAction === 'none' && !one.role)"
    assert not area.evaluate(f"area => ({taken[8:]})")
    assert "From 4 layers to 10 layers your curve rises by 0.8; the run falls by 0.7." in show(
        page.locator("figure").nth(1)
    )


LOG = {"log": True, "place": "layer {}", "per": "layer", "given": None, "ends": [1e-20, 10]}
LINEAR = {"log": False, "place": "a = {}", "per": None, "given": None, "ends": [0, 1]}
N = None


@pytest.mark.parametrize(
    ("kind", "values", "curve", "words"),
    [
        (
            {**LOG, "given": 3},
            [1e-15, 1e-10, 1e-5, 1],
            [0.001, 0.01, 0.1, 1],
            "At layer 1 you drew 0.001; the run gives 1 × 10⁻¹⁵, about 1 trillion times less. "
            "From layer 4 to layer 1 you drew a factor of 0.1 per layer; the run has 1 × 10⁻⁵.",
        ),
        (
            LOG,
            [1, 1.2, 1],
            [1.5, 1, 0.9],
            "Your curve stays within a factor of 1.5 of the run at every point. "
            "From layer 1 to layer 3 you drew a factor of 0.77 per layer; the run has 1.",
        ),
        (
            LOG,
            [1, 1, 1],
            [1, 1, 1],
            "Your curve stays within a factor of 1.1 of the run at every point. "
            "From layer 1 to layer 3 you drew a factor of 1 per layer; the run has the same.",
        ),
        (
            LOG,
            [1, 1e-17, 1],
            [1, 1, 0.1],
            "At layer 2 you drew 1; the run gives 1 × 10⁻¹⁷, about 10¹⁷ times less. "
            "The run is lowest at layer 2, your curve at layer 3.",
        ),
        (
            {**LOG, "per": None},
            [1, 1e-3, 1e-6],
            [N, 1e-3, 1e-3],
            "At layer 3 you drew 0.001; the run gives 1 × 10⁻⁶, about 1,000 times less. "
            "From layer 2 to layer 3 your curve ends about where it began; "
            "the run falls by a factor of 1,000.",
        ),
        (
            LOG,
            [3.4, N],
            [1e-9, N],
            "At layer 1 you drew 1 × 10⁻⁹; the run gives 3.4, about 3.4 billion times as much.",
        ),
        (
            LOG,
            [0.002, N],
            [1e-9, N],
            "At layer 1 you drew 1 × 10⁻⁹; the run gives 0.002, about 2 million times as much.",
        ),
        (
            LOG,
            [1, 1, 1],
            [N, 1.9, N],
            "Your curve stays within a factor of 1.9 of the run at every point that you drew.",
        ),
        (
            LINEAR,
            [0.2, 0.8, 0.2],
            [0.2, 0.8, 0.17],
            "Your curve stays within 0.03 of the run at every point. Both are highest at a = 2.",
        ),
        (
            LINEAR,
            [0.2, 0.5, 0.9],
            [0.9, 0.5, 0.2],
            "At a = 1 you drew 0.9; the run gives 0.2, 0.7 less. "
            "From a = 1 to a = 3 your curve falls by 0.7; the run rises by 0.7.",
        ),
        (
            {**LINEAR, "ends": [-1, 1]},
            [-0.5, -0.5],
            [0.5, 0.5],
            "At a = 1 you drew 0.5; the run gives −0.5, 1 less. "
            "From a = 1 to a = 2 your curve ends about where it began; "
            "the run ends about where it began.",
        ),
        (
            {**LINEAR, "ends": [0, 1e6]},
            [0, 3e5],
            [0, 9e5],
            "At a = 2 you drew 900,000; the run gives 300,000, 600,000 less. "
            "From a = 1 to a = 2 your curve rises by 900,000; the run rises by 300,000.",
        ),
        (
            {**LINEAR, "ends": [1000, 1100]},
            [1080, 1040, 1080, 1000],
            [1010, 1080, 1010, N],
            "At a = 1 you drew 1,010; the run gives 1,080, 70 more. "
            "Where you drew, the run is lowest at a = 2, your curve at a = 1.",
        ),
        (
            LINEAR,
            [0.2, 0.85, 0.2],
            [0.5, 0.5, 0.5],
            "At a = 2 you drew 0.5; the run gives 0.85, 0.35 more. "
            "The run is highest at a = 2; your curve stays level.",
        ),
        ({**LOG, "given": 0}, [1, 1], [1, N], "Here is the run; you drew nothing."),
        (LOG, [1, 1], [N, N], "Here is the run; you drew nothing."),
    ],
)
def test_the_words_are_true_of_both_curves(words_of, kind, values, curve, words):
    asked = {**kind, "values": values, "x": list(range(1, 1 + len(values)))}
    wanted = words if "nothing" in words else f"{words} Dotted: your curve."
    assert words_of(asked, curve) == wanted


@pytest.fixture(scope="module")
def words_of(browser, address):  # noqa: F811, the fixture
    """What the script says of a run and a curve."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(address)

        def said(asked, curve):
            return page.evaluate(
                """([asked, curve]) => {
                  const { prediction } = document.querySelector("figure");
                  const drawn = curve.map((value) => value ?? undefined);
                  return prediction.compared.call({ asked }, drawn);
                }""",
                [asked, curve],
            )

        yield said


def test_print_and_a_page_without_scripts_show_the_run_and_ask_nothing(opened):
    page = opened()
    page.get_by_role("slider").first.press("PageUp")
    page.emulate_media(media="print")
    assert hidden(page) == {False}
    asking = ".vg-asking, .vg-canvas, .vg-drawing > svg[aria-hidden]"
    assert page.locator(asking).count() == 6
    assert not any(part.is_visible() for part in page.locator(asking).all())
    plain = opened(java_script_enabled=False)
    assert plain.locator("figure .vg-predicted").first.is_visible()
    assert plain.locator("figcaption > p").first.is_visible()
    assert not plain.locator(".vg-asking").first.is_visible()


PLACES = (
    "all => all.map(one => [one.getBoundingClientRect().top, one.getBoundingClientRect().height])"
)
PARTS = "p, figcaption, svg:not([aria-hidden])"


@pytest.mark.parametrize("width", [900, 390])
def test_the_run_never_flashes_the_page_never_jumps_and_a_lost_script_hides_nothing(opened, width):
    page = opened(viewport={"width": width, "height": 900})
    with_script = page.locator(PARTS).evaluate_all(PLACES)
    page.route("**/predict.js", lambda route: route.abort())
    page.reload()
    # As it is before the script has come, and the first time that anything is painted.
    assert hidden(page) == {True}
    assert np.abs(np.subtract(page.locator(PARTS).evaluate_all(PLACES), with_script)).max() < 0.5
    page.evaluate("document.getAnimations().forEach(animation => animation.finish())")
    assert hidden(page) == {False}
    assert not page.get_by_role("button").count() and not page.get_by_role("slider").count()
    page.mistakes.clear()  # that a script did not load


def test_asking_is_accessible_and_fits_a_phone(opened):
    page = opened(viewport={"width": 390, "height": 900})
    page.evaluate(AXE_SCRIPT)
    for stage in ("asked", "drawn", "shown"):
        if stage == "drawn":
            page.get_by_role("slider").first.press("PageUp")
        if stage == "shown":
            show(page.locator("figure").first)
        for scheme in ("default", "slate"):
            page.evaluate("scheme => (document.body.dataset.mdColorScheme = scheme)", scheme)
            found = page.evaluate("axe.run('figure').then(found => found.violations)")
            assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], (stage, scheme)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0
        for button in page.get_by_role("button").all():
            box = button.bounding_box()
            assert min(box["width"], box["height"]) >= 24 and box["x"] + box["width"] <= 390
