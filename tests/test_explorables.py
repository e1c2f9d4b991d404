"""Figures with knobs: what a drawing must keep to, the states on a page, sliders in a window."""

import json
import re
from xml.etree.ElementTree import canonicalize

import matplotlib.pyplot as plt
import numpy as np
import pytest
from engine.run import run
from engine.states import label, script, script_name, states_html
from matplotlib.colors import to_rgb

from vanishing import plot
from vanishing.plot import explore

PAGE = """# A page

```python alt="a line" caption="a line"
from vanishing.plot import PALETTE, curves, explore

def draw(ax, *, height=2, name="one"):
{body}
    return f"{{name}} at {{height}} < 9"

ax = curves([0, 1], {{"": [0, 3]}}, ylabel="height")
ax.set_ylim(0, 4)
explore(draw, ax=ax, height=[1, 2, 3], name=["one", "two"])
```
"""
BODY = '    ax.plot([0, 1], [height, height], color=PALETTE["backward"])'


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    plot.use()
    yield
    plt.switch_backend("Agg")
    plt.close("all")


def level(ax, *, height=2.0, name="one"):
    ax.plot([0, 1], [height, height])
    return f"{name} at {height:g}"


# In Python


def test_the_start_is_the_default_of_draw_or_else_the_first_value():
    explore(level, height=np.array([1.0, 2.0, 3.0]), name=["two", "one"])
    assert plt.gca().lines[0].get_ydata().tolist() == [2, 2]
    assert plt.gcf().explorable.start == {"height": 2.0, "name": "one"}
    explore(lambda ax, height: level(ax, height=height), height=[3, 1])
    assert plt.gcf().explorable.start == {"height": 3}


def test_a_setting_takes_the_place_of_the_one_before():
    axes = plot.panels(2)

    def both(ax, *, height):
        ax[0].plot([0, 1], [height, height])
        ax[0].text(0, height, "here")
        ax[1].stairs([height])
        return "both"

    explore(both, ax=axes, height=[1, 2])
    explorable = plt.gcf().explorable
    assert explorable.show({"height": 2}) == "both"
    assert len(explorable.drawn()) == 3
    assert axes[0].lines[0].get_ydata().tolist() == [2, 2]
    assert axes[0].lines[0].get_color() == plot.PALETTE["forward"]


@pytest.mark.parametrize(
    ("draw", "knobs", "error", "message"),
    [
        (level, {}, ValueError, "knobs are missing"),
        (
            level,
            {"height": [2]},
            ValueError,
            r"height has the values \(2,\); at least two, all different",
        ),
        (level, {"height": [2, 3, 2]}, ValueError, "at least two, all different"),
        (level, {"height": [2, "3"]}, ValueError, "names alone, or finite numbers alone"),
        (level, {"height": [2.0, np.nan]}, ValueError, "names alone, or finite numbers alone"),
        (level, {"height": [1, 3]}, ValueError, r"height starts at 2\.0, the default of draw"),
        (
            level,
            {"width": [1, 3]},
            TypeError,
            "draw has no parameter 'width'; it has ax, height, name",
        ),
        (lambda ax, *, height: None, {"height": [1, 3]}, TypeError, "draw returns None; one line"),
        (
            lambda ax, *, height: "a\nb",
            {"height": [1, 3]},
            TypeError,
            "one line that says what the figure shows",
        ),
        (level, {"height": [1, 2], "play": "depth"}, ValueError, "play is 'depth'; .*: height"),
        (level, {"name": ["one", "two"], "play": "name"}, ValueError, "there is none"),
        (level, {"height": [1, 2], "ax": {}}, TypeError, "ax holds dict; one or several"),
        (level, {"height": [1, 2], "ax": []}, ValueError, "axes of 0 figures"),
    ],
)
def test_bad_knobs_and_drawings_are_refused(draw, knobs, error, message):
    with pytest.raises(error, match=message):
        explore(draw, **knobs)


def test_in_a_window_each_knob_is_a_slider_that_makes_the_run(capsys):
    plt.switch_backend("webagg")
    explore(level, height=[1.0, 2.0, 3.0], name=["one", "two"])
    figure = plt.gcf()
    height, name = figure.explorable.sliders
    assert (height.val, height.valtext.get_text(), name.valtext.get_text()) == (1, "2.0", "one")
    height.set_val(2)
    name.set_val(1)
    assert figure.axes[0].lines[-1].get_ydata().tolist() == [3, 3]
    assert (height.valtext.get_text(), name.valtext.get_text()) == ("3.0", "two")
    assert capsys.readouterr().out.splitlines() == ["one at 3", "two at 3"]
    figure.canvas.draw()
    below = max(slider.ax.get_position().y1 for slider in figure.explorable.sliders)
    assert figure.axes[0].get_tightbbox().y0 >= below * figure.bbox.height


def test_an_image_takes_the_place_of_the_one_before():
    def picture(ax, *, layer):
        ax.imshow(np.full((8, 8), layer))
        return "an image"

    axes = plt.figure().subplots(1, 2)
    explore(lambda ax, *, layer: picture(ax[0], layer=layer), ax=axes, layer=[1, 2])
    plt.gcf().explorable.show({"layer": 2})
    assert [image.get_array().max() for image in axes[0].images] == [2]


# An image as shapes


def test_an_image_is_a_shape_for_each_shade_that_covers_its_pixels():
    pixels = np.random.default_rng(0).uniform(-0.2, 1.2, (5, 7))
    ax = plot.image(pixels, limits=(0, 1), corner=(2, 3))
    *shapes, frame = ax.patches
    shades = np.rint(8 * pixels.clip(0, 1)) / 8
    assert [shape.get_alpha() for shape in shapes] == sorted(set(shades.ravel()) - {0})
    for row, column in np.ndindex(pixels.shape):
        middle = (2.5 + column, 3 + 5 - 0.5 - row)
        full = [s.get_alpha() for s in shapes if s.get_path().contains_point(middle)]
        assert sum(full) == shades[row, column]
    assert frame.get_bbox().bounds == (2, 3, 7, 5)
    assert {shape.get_facecolor()[:3] for shape in shapes} == {to_rgb(plot.PALETTE["ink"])}


def test_an_image_of_one_number_is_blank_and_fills_new_axes():
    ax = plot.image(np.ones((8, 8)))
    assert len(ax.patches) == 1 and ax.get_xlim() == (-0.1, 8.1)
    assert len(plot.image(np.ones((8, 8)), limits=(0, 1)).patches) == 2


@pytest.mark.parametrize("pixels", [[1.0, 2.0], np.ones((0, 8)), [[1.0, np.nan]], [[np.inf, 0]]])
def test_what_is_no_image_is_refused(pixels):
    with pytest.raises(ValueError, match=r"finite numbers of shape \(rows, columns\)"):
        plot.image(pixels)


# On a page


def test_a_page_gets_every_state():
    block = run(PAGE.format(body=BODY), "page.md").blocks[0]
    assert block.states["readings"] == [
        f"{name} at {height} < 9" for height in (1, 2, 3) for name in ("one", "two")
    ]
    assert block.states["knobs"] == [
        {
            "name": "height",
            "values": ["1", "2", "3"],
            "numeric": True,
            "plays": False,
            "start": 1,
        },
        {"name": "name", "values": ["one", "two"], "numeric": False, "plays": False, "start": 0},
    ]
    heights = [
        float(re.search(r'd="M \S+ (\S+) L', drawing)[1]) for drawing in block.states["drawings"]
    ]
    steps = np.diff(heights[::2])
    assert (
        heights[::2] == heights[1::2]
        and steps[0] < 0
        and steps[0] == pytest.approx(steps[1], abs=0.02)
    )
    assert block.states["drawings"][2] in block.figure
    assert "var(--vg-backward" in block.states["drawings"][0]


def test_a_line_of_text_is_typeset_and_no_markup():
    block = run(PAGE.format(body=BODY), "page.md").blocks[0]
    assert "one at 1 &lt; 9" in script(block.states)
    attributes, reading = states_html(block.states, "figure-1", "docs/page.md")
    assert ">one at 2 &lt; 9</p>" in reading
    assert script_name("docs/page.md", block.states) in attributes
    assert len(loaded(block.states)["settings"]) == 6


def loaded(states):
    """What the page's script gets from the script of the states."""
    written = script(states).removeprefix("document.currentScript.states = ")
    return json.loads(written.removesuffix(";\n"))


def test_the_script_holds_what_states_share_once_and_every_drawing_whole():
    states = run(PAGE.format(body=BODY), "page.md").blocks[0].states
    whole = loaded(states)
    assert len(set(whole["pieces"])) == len(whole["pieces"])
    # A line for each height, which both names share, and what both drawings begin and end with.
    assert sum("<path" in piece for piece in whole["pieces"]) == 3
    for drawing, (_, numbers) in zip(states["drawings"], whole["settings"], strict=True):
        put_together = "".join(whole["pieces"][number] for number in numbers)
        assert canonicalize(f"<svg>{put_together}</svg>") == canonicalize(f"<svg>{drawing}</svg>")


def test_a_page_says_which_knob_plays_and_whether_there_is_a_ghost():
    def said(options):
        text = PAGE.format(body=BODY).replace("ax=ax,", f"ax=ax, {options}")
        states = run(text, "page.md").blocks[0].states
        attributes = states_html(states, "figure-1", "docs/page.md")[0]
        return [knob["plays"] for knob in states["knobs"]], "data-ghost" in attributes

    assert said("") == ([False, False], True)
    assert said("play='height', ghost=False,") == ([True, False], False)


TWO = """# A page

```python alt="an image and a line" caption="an image and a line"
import numpy as np
from vanishing.plot import explore, image, panels

axes = panels(2)
for ax in axes:
    ax.set(xlim=(0, 8), ylim=(0, 8))

def draw(ax, *, layer):
    {first}
    ax[1].plot([0, layer], [0, layer])
    {second}
    return f"layer {{layer}}"

explore(draw, ax=axes, layer=[1, 2, 3])
```
"""


def test_each_state_of_a_page_draws_on_all_panels_and_images_follow_the_palette():
    text = TWO.format(first="image(np.eye(8) / layer, ax=ax[0], limits=(0, 1))", second="")
    block = run(text, "page.md").blocks[0]
    for drawing, opacity in zip(block.states["drawings"], ("", "0.5", "0.375"), strict=True):
        assert drawing.count("<path") == 3  # the diagonal, the frame, the line
        assert re.search(r'style="fill: var\(--vg-ink, #22262b\)' + f'[^"]*{opacity}', drawing)
        assert "var(--vg-forward" in drawing


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("", "ax[1].set_xlim(0, layer)", "the axes' limits and ticks change with layer=2"),
        ("ax[0].imshow(np.eye(8), extent=(0, 8, 0, 8))", "", "an image has colours of its own"),
    ],
)
def test_what_a_second_panel_or_an_image_must_keep_to(first, second, message):
    (problem,) = run(TWO.format(first=first, second=second), "page.md").problems
    assert message in str(problem)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("sigma_w", "σ<sub>w</sub>"),
        ("depth", "depth"),
        ("batch_size", "batch size"),
        ("chi", "chi"),
    ],
)
def test_a_knob_is_named_as_it_is_read(name, read):
    assert label(name) == read


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "    ax.set_ylim(0, height)",
            "the axes' limits and ticks change with height=1, name='one'",
        ),
        ("    ax.set_title(name)", "the axes' labels change with height=1, name='two'"),
        ("    ax.plot([0, 1], [1, 1], color='#123456')", "the colours #123456 are not those"),
        (
            "    1 / (3 - height)",
            "ZeroDivisionError: division by zero\n    in: 1 / (3 - height)\n"
            "    with height=3, name='one'",
        ),
    ],
)
def test_what_does_not_hold_in_some_state_is_a_problem_of_the_page(body, message):
    (problem,) = run(PAGE.format(body=body), "page.md").problems
    assert message in str(problem)
    assert problem.line in (3, 7)
