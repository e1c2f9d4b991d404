"""Figures with knobs: what a drawing must keep to, the states on a page, sliders in a window."""

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from engine import knobs
from engine.run import run

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


# On a page


def test_a_page_gets_every_state():
    block = run(PAGE.format(body=BODY), "page.md").blocks[0]
    assert block.states["readings"] == [
        f"{name} at {height} < 9" for height in (1, 2, 3) for name in ("one", "two")
    ]
    assert block.states["knobs"] == [
        {"name": "height", "values": ["1", "2", "3"], "numeric": True, "start": 1},
        {"name": "name", "values": ["one", "two"], "numeric": False, "start": 0},
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
    assert "one at 1 &lt; 9" in knobs.script(block.states)
    attributes, reading = knobs.states_html(block.states, "figure-1", "docs/page.md")
    assert ">one at 2 &lt; 9</p>" in reading
    assert knobs.script_name("docs/page.md", block.states) in attributes
    whole = (
        knobs.script(block.states)
        .removeprefix("document.currentScript.states = ")
        .removesuffix(";\n")
    )
    assert len(json.loads(whole)) == 6


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
    assert knobs.label(name) == read


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
