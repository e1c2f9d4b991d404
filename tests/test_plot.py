"""The look: what the drawing functions put on paper, and the site's shades of their colours."""

import io
import itertools
import re
import types
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

import vanishing as vn
from vanishing import plot
from vanishing.plot import canvas, series_labels, style, ticks

STYLE = (Path(__file__).parents[1] / "docs/assets/site.css").read_text("utf-8")
LAYERS = np.arange(1, 41)
SERIES = ("forward", "backward", "green", "purple", *style.ACTIVATION_ROLES)


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    plt.rcdefaults()
    plot.use()
    yield
    plt.close("all")


def svg(ax: Axes) -> str:
    buffer = io.StringIO()
    ax.figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def a_run(rate: float) -> types.SimpleNamespace:
    epoch = np.arange(20)
    return types.SimpleNamespace(
        epoch=epoch, loss=2.3 * np.exp(-rate * epoch), accuracy=1 - 0.9 * np.exp(-rate * epoch)
    )


x = np.linspace(-3, 3, 61)
DRAWINGS = {
    "per_layer": lambda: plot.per_layer(0.2**LAYERS, label="sigmoid", theory=0.21**LAYERS),
    "lost": lambda: plot.per_layer(
        [0.0, np.inf, np.nan, 1.0], label="float16", interval=[0.5, 2.0]
    ),
    "measured": lambda: plot.measured(
        x, x**2, interval=(x**2 - 1, x**2 + 1), theory=x**2, role="purple", ylabel="y"
    ),
    "curves": lambda: plot.curves(
        x, {"tanh": np.tanh(x), "its slope": 1 - np.tanh(x) ** 2}, xlabel="z"
    ),
    "training": lambda: plot.training({"stuck": a_run(0), "learns": a_run(0.3)}, chance=0.1)[0],
    "histogram": lambda: plot.histogram({"a": x, "b": 2 * x, "c": x + 1}),
    "heat": lambda: plot.heat(
        10.0 ** -np.add.outer(np.arange(4), np.arange(6)), log=True, label="rms of δ"
    ),
    "panels": lambda: plot.per_layer(
        0.9**LAYERS, ax=plot.panels(2)[1], role="green", ylabel="rms of h", first=0
    ),
}
drawing = pytest.mark.parametrize("draw", DRAWINGS.values(), ids=DRAWINGS)


# Drawing


@drawing
def test_only_the_palette_is_used(draw):
    colours = set(re.findall(r"#[0-9a-f]{6}\b", svg(draw())))
    assert colours <= set(plot.PALETTE.values())
    assert colours & {plot.PALETTE[role] for role in SERIES}


@drawing
def test_the_same_drawing_gives_the_same_bytes(draw):
    assert svg(draw()) == svg(draw())


@drawing
def test_text_stays_text_and_is_legible_on_a_phone(draw):
    picture = svg(draw())
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', picture)[1])
    sizes = [float(size) for size in re.findall(r"<text [^>]*?([\d.]+)px", picture)]
    assert len(sizes) == picture.count("<text ")
    assert min(sizes) * 358 / width >= 11  # a phone of 390 px has 358 px for text


@drawing
def test_names_stand_on_the_paper_and_apart(draw):
    figure = draw().figure
    figure.draw_without_rendering()
    for ax in figure.axes:
        names = [text.get_window_extent() for text in ax.texts if text.get_gid() == "name"]
        for box in names:
            assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert not any(a.overlaps(b) for a, b in itertools.combinations(names, 2))


def test_series_that_part_to_the_left_are_named_there_and_the_y_axis_stands_at_the_right():
    ax = plot.per_layer(0.9 ** (40 - LAYERS), label="tanh")
    assert ax.texts[0].get_ha() == "left"
    assert ax.spines.left.get_visible() and ax.yaxis.get_ticks_position() == "left"
    plot.per_layer(0.2 ** (40.0 - LAYERS), ax=ax, label="a longer name", role="green")
    assert ax.spines.right.get_visible() and ax.yaxis.get_ticks_position() == "right"
    assert not ax.spines.left.get_visible()
    ax.figure.draw_without_rendering()
    assert ax.get_xlim()[0] > 0  # no empty room between the axis and the first layer
    for text in ax.texts:
        assert text.get_ha() == "right"
        assert text.get_window_extent().x1 <= ax.transData.transform((1, 1))[0]
        assert text.get_window_extent().y1 <= ax.bbox.y1 + 3
    plot.per_layer(1e3**LAYERS, ax=ax, label="up", role="forward")
    assert ax.spines.left.get_visible() and not ax.spines.right.get_visible()


def test_a_long_name_breaks_into_lines():
    ax = plot.per_layer(0.5**LAYERS, label="what differs between inputs")
    plot.per_layer(0.5**LAYERS, ax=ax, label="tanh", role="tanh")
    long, short = ax.texts
    assert long.get_text() == "what differs\nbetween inputs"
    ax.figure.draw_without_rendering()
    assert not long.get_window_extent().overlaps(short.get_window_extent())


def test_what_is_drawn_is_what_was_given():
    norms = np.exp(-LAYERS / 3)
    ax = plot.per_layer(norms, label="tanh")
    again = plot.per_layer(2 * norms, ax=ax, label="sigmoid", role="green")
    assert again is ax
    for line, given_norms in zip(ax.lines, (norms, 2 * norms), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), LAYERS)
        np.testing.assert_array_equal(line.get_ydata(), given_norms)
    assert [text.get_text() for text in ax.texts] == ["tanh", "sigmoid"]


def test_layers_are_numbered_by_whole_numbers_from_the_input():
    ax = plot.per_layer(np.ones(50))
    assert list(ax.get_xticks()) == [1, 10, 20, 30, 40, 50]
    assert list(plot.per_layer(np.ones(4), first=0).get_xticks()) == [0, 1, 2, 3]


def test_at_most_about_twelve_markers_stand_on_a_line_and_the_last_among_them():
    (line,) = plot.per_layer(np.ones(12)).lines
    assert line.get_markevery() is None and line.get_linestyle() == "None"
    for count in (13, 20, 40, 300):
        (line,) = plot.per_layer(np.ones(count)).lines
        marked = range(count)[line.get_markevery()]
        assert 6 <= len(marked) <= 12 and marked[-1] == count - 1
        assert line.get_linestyle() == "-"  # what bears no marker is drawn, too
    (line,) = plot.measured(np.tile([1.0, 2.0], 20), np.ones(40)).lines
    assert line.get_markevery() is None  # no series: draws side by side


def test_theory_is_named_beside_a_series_that_stands_alone_and_else_by_a_key():
    def said(ax):
        return sorted(text.get_text() for text in ax.texts), ax.get_title(loc="right")

    ax = plot.per_layer(0.5**LAYERS, label="tanh", theory=0.5**LAYERS)
    assert said(ax) == (["tanh", "theory"], "")
    plot.per_layer(0.9**LAYERS, ax=ax, label="relu", theory=0.9**LAYERS, ylabel="rms of h")
    assert said(ax) == (["relu", "tanh"], "— theory")
    assert ax.get_title(loc="left") == "rms of h"
    ax.set_title("", loc="right")
    plot.per_layer(0.9**LAYERS, ax=ax, ylabel="a title that takes more than half of the figure")
    assert ax.get_title(loc="left").endswith("the figure\n")  # the key has a line of its own
    plot.per_layer(0.9**LAYERS, ax=ax, ylabel="")
    assert ax.get_title(loc="left").count("\n") == 1


def test_an_index_is_set_as_one():
    ax = plot.measured([1, 2], [3, 4], label="δ_L", xlabel="scale, σ_w", ylabel="leaky_relu, $σ_w$")
    assert ax.get_xlabel() == "scale, $σ_w$"
    assert [text.get_text() for text in ax.texts] == ["$δ_L$"]
    assert ax.get_title(loc="left") == "leaky_relu, $σ_w$"
    assert plot.measured([1, 2], [3, 4], xlabel="leaky_relu").get_xlabel() == "leaky_relu"


def test_the_axis_begins_where_the_numbers_do():
    ax = plot.per_layer([330, 10, 0.8])
    low, high = ax.get_ylim()
    assert 0.5 < low < 0.8 and 330 < high < 500
    assert ax.get_xlim() == pytest.approx((0.96, 3.04))
    assert plot.per_layer([0.3, 0.31]).get_ylim() == (0.1, 1)


def test_axes_that_share_an_axis_name_it_once():
    above, below = plot.panels(2)
    for ax in (above, below):
        plot.per_layer([1, 2, 3], ax=ax)
    assert not above.xaxis.label.get_visible() and below.xaxis.label.get_visible()


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "exactly 0"), (np.inf, "infinite"), (np.nan, "not a number")]
)
def test_a_norm_that_the_axis_cannot_show_is_named(value, said):
    norms = np.geomspace(1e-3, 1, 9)
    assert said not in [text.get_text() for text in plot.per_layer(norms).texts]
    norms[:3] = value
    ax = plot.per_layer(norms, label="float16")
    assert said in [text.get_text() for text in ax.texts]
    assert len(ax.collections[-1].get_offsets()) == 3
    assert ax.get_ylim()[0] <= norms[3]


@pytest.mark.parametrize(
    "norms", [[0.0, 0.0], [np.nan], [np.inf, np.inf], [5e-324, 1.7e308], [1.0], [0.3, 0.31]]
)
def test_any_norms_can_be_drawn(norms):
    ax = plot.per_layer(norms, label="a", theory=norms)
    assert svg(ax)
    shown = [tick for tick in ax.get_yticks() if ax.get_ylim()[0] <= tick <= ax.get_ylim()[1]]
    assert 2 <= len(shown) <= 9


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1e-30, "10⁻³⁰"),
        (1e-2, "10⁻²"),
        (5e-3, "0.005"),
        (5e-17, "5·10⁻¹⁷"),
        (2e5, "2·10⁵"),
        (0.1, "0.1"),
        (0.2, "0.2"),
        (1, "1"),
        (100, "100"),
        (1e3, "10³"),
        (1e300, "10³⁰⁰"),
    ],
)
def test_numbers_on_a_log_axis_read_well(value, written):
    assert ticks.log_number(value) == written


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(-1e3, 1e3), max_size=8))
def test_names_move_only_as_far_as_they_must(heights):
    heights = np.sort(heights)
    places = series_labels.kept_apart(heights)
    assert (np.diff(places) >= style.LINE - 1e-9).all()
    assert len(places) == len(heights)
    assert abs(np.sum(places - heights)) < 1e-6  # each group keeps its middle
    if (np.diff(heights) >= style.LINE).all():
        np.testing.assert_allclose(places, heights, atol=1e-9)


def test_ticks_follow_other_limits_and_are_written_alike():
    ax = plot.curves(x, {"a": np.full(61, 0.3)}, log=True)

    def ticks():
        return [
            label.get_text()
            for label, at in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)
            if ax.get_ylim()[0] <= at <= ax.get_ylim()[1]
        ]

    assert ticks() == ["0.1", "0.2", "0.5", "1"]
    ax.set_ylim(1e-16, 1e10)
    assert ticks() == ["10⁻¹⁵", "10⁻¹⁰", "10⁻⁵", "1", "10⁵", "10¹⁰"]
    ax.set_ylim(1e-2, 1e3)
    assert ticks() == ["0.01", "0.1", "1", "10", "100", "1000"]
    ax.set_ylim(1e-3, 1e2)
    assert ticks() == ["10⁻³", "10⁻²", "10⁻¹", "1", "10¹", "10²"]


def test_a_cell_without_a_shade_is_written_out():
    ax = plot.heat([[1.0, np.nan], [0.0, 1e-3]], log=True)
    assert [text.get_text() for text in ax.texts] == ["nan", "0"]
    assert ax.get_title(loc="right") == "10⁻³ (pale) to 1 (full)"
    assert [patch.get_alpha() for patch in ax.patches] == pytest.approx([1, 0.08])
    assert len(plot.heat([[0.0, np.nan]], log=True).texts) == 2


def test_names_follow_other_limits():
    ax = plot.curves(x, {"a": np.zeros(61), "b": np.ones(61)})
    assert [text.xyann[1] for text in ax.texts] == [0, 0]
    ax.set_ylim(-50, 50)
    below, above = (text.xyann[1] for text in ax.texts)
    assert below < 0 < above


def test_a_layer_without_a_norm_leaves_a_gap():
    ax = plot.per_layer([None, 0.1, None, 10.0])
    (line,) = ax.lines
    assert list(line.get_xdata()) == [2, 4] and list(line.get_ydata()) == [0.1, 10]
    assert not ax.collections and ax.get_xticks()[-1] == 4


def test_a_wrong_call_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"cannot be negative; the least is -2"):
        plot.per_layer([1.0, -2.0])
    with pytest.raises(ValueError, match=r"values holds no norm; at least one is expected"):
        plot.per_layer([None, None])
    with pytest.raises(ValueError, match=r"role 'red' is unknown. Known: ink, "):
        plot.per_layer([1.0], role="red")
    with pytest.raises(ValueError, match=r"one x for each y; got shapes \(3,\) and \(2,\)"):
        plot.curves([1, 2, 3], {"a": [1, 2]})


# Networks and other schematics


def arrows(ax: Axes, role: str = "backward") -> list[dict[str, float]]:
    """Width, opacity and ends of each arrow of a role, in the order of drawing."""
    found = []
    for patch in ax.patches:
        if patch.get_gid() == "arrow" and to_hex(patch.get_facecolor()) == plot.PALETTE[role]:
            corners = patch.get_xy()
            width = float(np.linalg.norm(corners[0] - corners[6]))
            ends = {"start": corners[0][0], "tip": corners[3][0]}
            found.append({"width": width, "alpha": patch.get_alpha() or 1.0} | ends)
    return found


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_an_arrow_of_a_journey_is_as_wide_as_the_size_given():
    forward, backward = np.array([1, 1e-2, 1e-4]), np.array([1e-8, 1e-3])
    ax = plot.journeys(forward, backward)
    widths = [arrow["width"] for arrow in arrows(ax, "forward")]
    thin, full = canvas.HAIRLINE, canvas.FULL
    assert widths == pytest.approx([full, thin + (full - thin) * 2 / 3, thin + (full - thin) / 3])
    widths = [arrow["width"] for arrow in arrows(ax, "backward")]
    assert widths == pytest.approx([thin + (full - thin) / 6, full])
    assert all(arrow["tip"] > arrow["start"] for arrow in arrows(ax, "forward"))
    assert all(arrow["tip"] < arrow["start"] for arrow in arrows(ax, "backward"))
    starts = [arrow["start"] for arrow in arrows(ax, "forward")]
    assert starts == sorted(starts)
    assert {"1", "10⁻⁴", "10⁻⁸", "0.001"} - {
        text.replace("10⁻³", "0.001") for text in texts(ax)
    } == set()
    # Planted: twice the size at one layer is seen.
    again = plot.journeys(forward * [1, 2, 1], backward)
    assert arrows(again, "forward")[1]["width"] > arrows(ax, "forward")[1]["width"]


@pytest.mark.parametrize(
    ("size", "said"), [(0.0, "lost"), (np.inf, "∞"), (np.nan, "NaN"), (1e-30, None)]
)
def test_a_size_that_no_width_shows_is_named_once(size, said):
    backward = np.array([size, size, size, 1e-3, 1.0])
    ax = plot.journeys(0.1 ** np.arange(6), backward)
    dotted = [line for line in ax.lines if line.get_gid() == "lost"]
    if said is None:
        assert len(arrows(ax)) == 5 and not dotted
        assert arrows(ax)[0]["width"] == pytest.approx(canvas.HAIRLINE)
    else:
        inside = [
            text for text in ax.texts if text.get_text() == said and text.get_position()[0] > 9
        ]
        assert len(inside) == 1 and len(dotted) == 2 and len(arrows(ax)) == 2
    assert arrows(ax)[-1]["width"] == pytest.approx(canvas.FULL)


def test_a_deep_network_shows_its_first_layer_its_last_and_evenly_many_between():
    ax = plot.journeys(np.ones(31), np.ones(30))
    assert [text for text in texts(ax) if text.isdigit()][:8] == "0 4 9 13 17 21 26 30".split()
    assert len(arrows(ax, "forward")) == 8 and len(arrows(ax)) == 7
    backward = 0.8 ** np.arange(29.0, -1, -1)
    ax = plot.journeys(0.5 ** np.arange(30), backward)
    assert [text for text in texts(ax) if text.isdigit()][:2] == ["1", "5"]
    assert len(arrows(ax, "forward")) == len(arrows(ax)) == 8
    assert arrows(ax)[0]["tip"] > 0  # within the drawing
    # The width belongs to the layer that is shown, not to its place among those.
    shown = [0, 4, 8, 12, 17, 21, 25, 29]
    widths = [arrow["width"] for arrow in arrows(ax)]
    assert widths == pytest.approx(canvas.stroke(backward)[shown].tolist())
    ax = plot.unrolled(backward)
    assert texts(ax)[1:9] == [str(step + 1) for step in shown]
    widths = [arrow["width"] for arrow in arrows(ax)]
    assert widths == pytest.approx(canvas.stroke(backward)[shown].tolist())


@pytest.mark.parametrize(
    ("lit", "forward", "backward"),
    [
        (None, [True] * 3, [True] * 2),
        ("forward", [True] * 3, [False] * 2),
        ("backward", [False] * 3, [True] * 2),
        ("weights", [False] * 3, [False] * 2),
        ("slopes", [False] * 3, [False] * 2),
        (1, [False, True, False], [True, False]),
        ({0, 2}, [True, False, True], [False, True]),
        (["forward", 2], [True] * 3, [False, True]),
    ],
)
def test_what_is_not_in_question_fades(lit, forward, backward):
    ax = plot.journeys([1, 1, 1], [1, 1], lit=lit)
    for role, bright in (("forward", forward), ("backward", backward)):
        assert [arrow["alpha"] == 1 for arrow in arrows(ax, role)] == bright
    (weights,) = (patch for patch in ax.patches if patch.get_gid() != "arrow")
    assert to_hex(weights.get_edgecolor()) == plot.PALETTE["ink" if lit == "weights" else "grid"]


def test_names_of_the_journeys_are_given_and_break():
    ax = plot.journeys([1, 1], [1], names=("what tells two handwritten digits apart", "delta"))
    assert texts(ax)[-2:] == ["1", "← delta"]
    assert {"what tells two handwritten digits", "apart →"} <= set(texts(ax))


def test_a_path_is_as_wide_as_its_share():
    shares = np.arange(1.0, 9).reshape(2, 2, 2) / 36
    ax = plot.paths(shares)
    order = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1)]
    widths = np.array([arrow["width"] for arrow in arrows(ax)])
    np.testing.assert_allclose(
        widths / widths[-1], [shares[path] / shares[1, 1, 1] for path in order]
    )
    boxes = [patch for patch in ax.patches if patch.get_gid() != "arrow"]
    assert len(boxes) == sum(map(sum, order))
    # Each box stands on the line of its path, below its block's name.
    lines = [patch.get_xy()[3][1] for patch in ax.patches if patch.get_gid() == "arrow"]
    for y, path in zip(lines, order, strict=True):
        on_it = [box for box in boxes if box.get_y() < y < box.get_y() + box.get_height()]
        middles = sorted(box.get_x() + box.get_width() / 2 for box in on_it)
        names = [text.get_position()[0] for text in ax.texts[:3]]
        assert middles == pytest.approx(
            [x for x, through in zip(names, path, strict=True) if through]
        )
    assert [text for text in texts(ax) if "%" in text] == ["3 %", "28 %", "47 %", "22 %"]


def test_a_step_of_time_is_as_wide_as_the_gradient_there():
    gradient, belt = np.array([1e-6, 1e-3, 1e-1]), np.array([0.1, 1, 1])
    ax = plot.unrolled(gradient, belt=belt, lit="belt")
    widths = [arrow["width"] for arrow in arrows(ax)]
    assert widths == pytest.approx(canvas.stroke([*gradient, *belt]).tolist())
    assert [arrow["alpha"] == 1 for arrow in arrows(ax)] == [False] * 3 + [True] * 3
    alone = plot.unrolled(gradient)
    assert [arrow["width"] for arrow in arrows(alone)] == pytest.approx(
        canvas.stroke(gradient).tolist()
    )
    boxes = [patch for patch in alone.patches if isinstance(patch, Rectangle)]
    assert len(boxes) == 3 and texts(alone)[-3:] == ["10⁻⁶", "0.1", "← gradient at the state h"]


def test_a_line_joins_open_units_of_a_network_whose_paths_are_open():
    ax = plot.open_paths([[True, False, True], [False, True, True]], inputs=2)
    closed, opened = ax.patches
    assert to_hex(opened.get_edgecolor()) == plot.PALETTE["backward"]
    assert len(opened.get_path().vertices) == 2 * (2 * 2 + 2 * 2 + 2)
    assert len(closed.get_path().vertices) == 2 * (2 * 1 + 9 - 4 + 1)
    assert texts(ax)[-1] == "8 of 18 paths are open"
    ax = plot.open_paths([[True, False], [False, False]])
    assert [to_hex(patch.get_edgecolor()) for patch in ax.patches] == [plot.PALETTE["grid"]]
    assert texts(ax)[-1] == "0 of 4 paths are open"


def shades_of_cells(ax: Axes, role: str) -> list[float]:
    """The opacity of each cell of a role, in the order of drawing."""
    return [
        patch.get_alpha()
        for patch in ax.patches
        if patch.get_alpha() and to_hex(patch.get_facecolor()) == plot.PALETTE[role]
    ]


def test_a_cell_is_as_full_as_its_entry_and_those_that_share_a_mean_are_framed():
    entries = np.array([[1.0, -2.0, 4.0], [0.0, 1.0, 2.0]])
    ax = plot.shared_mean(entries, {"batch norm": "mean 3", "RMS norm": ""}, unit=2, sample=1)
    shade = 0.08 + 0.92 * np.abs(entries) / 4
    column, row = np.array([0, 0, 1], bool), np.array([[False], [True]])
    wanted = [np.where(inside, shade, canvas.FADED * shade) for inside in (column, row)]
    assert shades_of_cells(ax, "forward") == pytest.approx(np.ravel(wanted).tolist())
    frames = [patch.get_bbox() for patch in ax.patches if not patch.get_fill()]
    assert [frame.width / frame.height for frame in frames] == pytest.approx([1 / 2, 3])
    cells = [patch.get_bbox() for patch in ax.patches if patch.get_fill()]
    for frame, members in zip(frames, (cells[2:6:3], cells[9:12]), strict=True):
        assert all(frame.containsx(cell.x0) and frame.containsy(cell.y1) for cell in members)
    assert len(ax.lines) == 2  # the minus signs
    assert "mean 3" in texts(ax) and "layer norm" not in texts(ax)


def test_the_gradient_of_a_matrix_is_drawn_as_the_product():
    delta, h = np.array([1.0, -0.5]), np.array([0.2, 0.0, 2.0])
    ax = plot.outer(delta, h)
    product = np.abs(np.outer(delta, h)) / 2
    assert shades_of_cells(ax, "forward") == pytest.approx((0.08 + 0.92 * h / 2).tolist())
    assert shades_of_cells(ax, "backward") == pytest.approx([1, 0.54])
    assert shades_of_cells(ax, "ink") == pytest.approx((0.08 + 0.92 * product.ravel()).tolist())
    assert len(ax.lines) == 1 + 2  # minus signs, none at 0
    assert texts(ax) == ["δ", "h", "dL/dW"]


def test_clipping_shows_each_gradient_before_and_after():
    before = np.array([[3.0, 4.0], [0.3, -0.4]])
    ball, box = np.array([[0.6, 0.8], [0.3, -0.4]]), np.array([[1.0, 1.0], [0.3, -0.4]])
    axes = plot.ball_and_box(before, ball, box, norm=1.0, value=2.0)
    for ax, after in zip(axes, (ball, box), strict=True):
        marks = {line.get_gid(): line.get_xydata() for line in ax.lines if line.get_gid()}
        np.testing.assert_array_equal(marks["before"], before)
        np.testing.assert_array_equal(marks["after"], after)
        joins = [line.get_xydata() for line in ax.lines if not line.get_gid()]
        np.testing.assert_array_equal(joins, np.stack([before, after], axis=1))
        assert ax.get_xlim() == ax.get_ylim() == pytest.approx((-4.32, 4.32))
    assert axes[0].patches[0].radius == 1
    assert axes[1].patches[0].get_bbox().bounds == (-2, -2, 4, 4)
    assert plot.ball_and_box(before, ball, box, norm=1, value=2, limit=3)[0].get_xlim() == (-3, 3)


SCHEMATICS = {
    "journeys": lambda: plot.journeys(0.1 ** np.arange(21), 0.1 ** np.arange(20, 0, -1)),
    "journeys, lost": lambda: plot.journeys(
        np.zeros(4), [0, np.nan, np.inf, 1], lit="weights", units=1
    ),
    "journeys, long names": lambda: plot.journeys(
        [1.0, 0.5], [0.5], names=(10 * "signal ", 10 * "gradient ")
    ),
    "paths": lambda: plot.paths(np.full((2,) * 4, 1 / 16)),
    "unrolled": lambda: plot.unrolled(0.1 ** np.arange(50), lit="belt"),
    "belt": lambda: plot.unrolled(0.1 ** np.arange(5), belt=0.9 ** np.arange(5), lit="state"),
    "open_paths": lambda: plot.open_paths([x[:5] > -3, x[:8] > -2.8], inputs=3, outputs=2),
    "shared_mean": lambda: plot.shared_mean(
        np.outer(x[::10], x[::9]),
        dict.fromkeys(("batch norm", "layer norm", "RMS norm"), "mean −1.23"),
    ),
    "outer": lambda: plot.outer(x[::5], x[::3]),
    "ball_and_box": lambda: plot.ball_and_box([[3, 4]], [[1, 1]], [[1, 1]], norm=1, value=1)[0],
}


@pytest.mark.parametrize("draw", SCHEMATICS.values(), ids=SCHEMATICS)
def test_a_schematic_is_legible_on_a_phone_and_follows_the_palette(draw):
    test_only_the_palette_is_used(draw)
    test_the_same_drawing_gives_the_same_bytes(draw)
    test_text_stays_text_and_is_legible_on_a_phone(draw)
    figure = draw().figure
    figure.draw_without_rendering()
    for ax in figure.axes:
        boxes = [text.get_window_extent() for text in ax.texts]
        for box in boxes:
            assert figure.bbox.x0 - 1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1
            assert figure.bbox.y0 - 1 <= box.y0 and box.y1 <= figure.bbox.y1 + 1
        assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


def test_a_schematic_draws_on_axes_that_it_is_given():
    for draw in (
        lambda ax: plot.journeys([1, 0.1], [1], ax=ax),
        lambda ax: plot.paths(np.full((2, 2), 0.25), ax=ax),
        lambda ax: plot.unrolled([0.1, 1], ax=ax),
        lambda ax: plot.open_paths([[True]], ax=ax),
        lambda ax: plot.shared_mean([[1.0]], ax=ax),
        lambda ax: plot.outer([1.0], [1.0], ax=ax),
    ):
        above, below = plot.panels(2)
        assert draw(above) is above and above.patches and not below.patches
        size = above.figure.get_size_inches()
        assert list(size) == [style.WIDTH, 4.8]
        (alone,) = plot.panels(1)
        height = draw(alone).figure.get_size_inches()[1]
        assert height * 72 == pytest.approx(alone.get_ylim()[1] + 6)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plot.journeys([1, 1], [1, 1, 1]), "forward has 2 sizes; for 3 layers, 3 or"),
        (lambda: plot.journeys([[1]], [1]), r"forward has shape \(1, 1\); one size per layer"),
        (
            lambda: plot.journeys([1], [-1]),
            "backward holds sizes, which .* negative; the least is -1",
        ),
        (
            lambda: plot.journeys([1], [1], lit="slope"),
            "lit holds 'slope'; 'forward', .* layer from",
        ),
        (lambda: plot.journeys([1], [1], lit=2), "lit holds 2; .* a layer from 1 to 1"),
        (lambda: plot.paths([0.5, 0.5]), r"shares has shape \(2,\); \(2, 2\), "),
        (lambda: plot.paths(np.ones((2, 2))), "between 0 and 1 with sum 1; their sum is 4"),
        (lambda: plot.paths([[1.5, -0.5], [0, 0]]), "between 0 and 1"),
        (lambda: plot.unrolled([1], belt=[1, 1]), "belt has 2 sizes; as many as steps"),
        (lambda: plot.unrolled([1], lit="cell"), "lit is 'cell'; 'state', 'belt' or None"),
        (lambda: plot.open_paths([]), "open_units holds .*; a row of true and false"),
        (lambda: plot.open_paths([[0.5, 1]]), r"\['float64'\]; a row of true and false"),
        (lambda: plot.shared_mean([1.0]), r"entries has shape \(1,\); a matrix of finite"),
        (lambda: plot.shared_mean([[1.0]], {"group norm": ""}), "below names 'group norm'; 'batch"),
        (lambda: plot.outer([[1, 1], [1, 1]], [1]), r"vectors of one sample; got shapes \(2, 2\)"),
        (lambda: plot.outer([np.nan], [1]), "delta has shape .*; a matrix of finite"),
        (
            lambda: plot.ball_and_box([[1, 1]], [[1, 1]], [[1]], norm=1, value=1),
            r"have shapes \(1, 2\), \(1, 2\), \(1, 1\)",
        ),
    ],
)
def test_a_schematic_refuses_what_it_cannot_draw(call, said):
    with pytest.raises(ValueError, match=said):
        call()


# Colours


def shades(scheme: str) -> dict[str, str]:
    block = re.search(rf'\[data-md-color-scheme="{scheme}"\] {{(.*?)}}', STYLE, re.DOTALL)[1]
    return dict(re.findall(r"--vg-([\w-]+): (#[0-9a-f]{6});", block))


def linear(shade: str) -> np.ndarray:
    channels = np.array([int(shade[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio, WCAG 2.2."""
    dark, light = sorted(float(linear(shade) @ (0.2126, 0.7152, 0.0722)) for shade in (one, other))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_in_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(
        4.48, abs=0.005
    )  # the well-known grey just below 4.5


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_every_role_can_be_seen(scheme):
    shade = shades(scheme)
    assert set(plot.PALETTE) <= set(shade)
    for role in ("ink", "faint", *SERIES):
        assert contrast(shade[role], shade["paper"]) >= 4.5, role
    for role in ("ink", "faint", "code-string", "code-number", "code-keyword"):
        assert contrast(shade[role], shade["code"]) >= 4.5, role
    # Yellow lies under drawings; the grid is ornament, and stays far behind every line.
    assert contrast(shade["ink"], shade["yellow"]) >= 4.5
    assert all(contrast(shade[role], shade["yellow"]) >= 3 for role in SERIES[:4])
    assert contrast(shade["grid"], shade["paper"]) < 1.7


@pytest.mark.parametrize("role", SERIES)
def test_a_figure_away_from_the_site_can_be_seen(role):
    assert contrast(plot.PALETTE[role], plot.PALETTE["paper"]) >= 3


# Machado, Oliveira & Fernandes 2009, table 1, severity 1.0: what is left of linear red, green and
# blue.
VISION = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE 1976 L*a*b* of linear sRGB, white D65."""
    xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ) @ np.clip(rgb, 0, 1)
    f_x, f_y, f_z = np.cbrt(
        xyz / (0.9505, 1.0, 1.089)
    )  # the linear part near black is not needed here
    return np.array([116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)])


def differences(one: str, other: str) -> dict[str, float]:
    """How far two shades lie apart, for each kind of vision; 2 is just noticeable."""
    kinds = {"usual": np.eye(3)} | {kind: np.array(left) for kind, left in VISION.items()}
    return {
        kind: float(np.linalg.norm(lab(left @ linear(one)) - lab(left @ linear(other))))
        for kind, left in kinds.items()
    }


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_forward_and_backward_differ_for_colour_blind_readers(scheme):
    shade = shades(scheme)
    assert min(differences(shade["forward"], shade["backward"]).values()) > 50


@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize("role", SERIES[2:])
def test_a_series_differs_from_forward_and_backward_for_colour_blind_readers(scheme, role):
    """Tritanopia leaves blue and green close, as it does Okabe and Ito's; it is very rare."""
    shade = shades(scheme)
    for journey in ("forward", "backward"):
        apart = differences(shade[journey], shade[role])
        assert apart["usual"] > 30, journey
        assert min(apart.values()) > 9, (journey, apart)
        assert min(apart["protanopia"], apart["deuteranopia"]) > 15, (journey, apart)


@pytest.mark.parametrize("scheme", ["default", "slate"])
def test_activations_differ_from_each_other_and_from_theory(scheme):
    shade = shades(scheme)
    for one, other in itertools.combinations(("ink", *style.ACTIVATION_ROLES), 2):
        apart = differences(shade[one], shade[other])
        assert apart["usual"] > 20 and min(apart.values()) > 5, (one, other, apart)
    markers = [style.MARKERS[role] for role in style.ACTIVATION_ROLES]
    assert len(set(markers)) == len(markers)


def test_each_role_has_a_shade_of_its_own_and_an_activation_is_known_by_its_name():
    assert len(set(plot.PALETTE.values())) == len(plot.PALETTE)
    assert [vn.activation(role).name for role in style.ACTIVATION_ROLES]
    lines = plot.curves(x, {"a": x, "b": -x}, roles=["sigmoid", "tanh"]).lines
    assert [line.get_color() for line in lines] == [plot.PALETTE[r] for r in ("sigmoid", "tanh")]


def test_no_layer_is_numbered_twice():
    assert list(plot.per_layer(np.ones(6)).get_xticks()) == [1, 2, 3, 4, 5, 6]
