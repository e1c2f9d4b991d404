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

from vanishing import plot
from vanishing.plot import series_labels, style, ticks

STYLE = (Path(__file__).parents[1] / "docs/assets/site.css").read_text("utf-8")
LAYERS = np.arange(1, 41)
SERIES = ("forward", "backward", "green", "purple")


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


def test_series_that_part_to_the_left_are_named_there_inside_the_axes():
    ax = plot.per_layer(0.9 ** (40 - LAYERS), label="tanh")
    assert ax.texts[0].get_ha() == "left"
    plot.per_layer(0.2 ** (40.0 - LAYERS), ax=ax, label="a longer name", role="green")
    ax.figure.draw_without_rendering()
    for text in ax.texts:
        assert text.get_ha() == "right"
        assert text.get_window_extent().x0 >= ax.bbox.x0


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


def test_ticks_follow_other_limits():
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


def test_a_wrong_call_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"cannot be negative; the least is -2"):
        plot.per_layer([1.0, -2.0])
    with pytest.raises(ValueError, match=r"role 'red' is unknown. Known: ink, "):
        plot.per_layer([1.0], role="red")
    with pytest.raises(ValueError, match=r"one x for each y; got shapes \(3,\) and \(2,\)"):
        plot.curves([1, 2, 3], {"a": [1, 2]})


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
    assert all(contrast(shade[role], shade["yellow"]) >= 3 for role in SERIES)
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


@pytest.mark.parametrize("scheme", ["default", "slate"])
@pytest.mark.parametrize("vision", VISION)
def test_forward_and_backward_differ_for_colour_blind_readers(scheme, vision):
    forward, backward = (
        lab(np.array(VISION[vision]) @ linear(shades(scheme)[role]))
        for role in ("forward", "backward")
    )
    assert np.linalg.norm(forward - backward) > 50  # 2 is just noticeable


def test_no_layer_is_numbered_twice():
    assert list(plot.per_layer(np.ones(6)).get_xticks()) == [1, 2, 3, 4, 5, 6]
