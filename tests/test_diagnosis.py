"""Diagnoses: verdict, situation, place, evidence, remedies, and any framework's arrays."""

import copy
import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

import vanishing as vn
from vanishing.measurement import advice
from vanishing.measurement.readings import read
from vanishing.measurement.text_bars import log_bars
from vanishing.measurement.verdicts import apart, geometric_factor

INF, NAN = np.inf, np.nan


def geometric(factor, depth, scale=1.0):
    return scale * factor ** np.arange(depth - 1, -1, -1.0)


def network(activation, initializer, depth=20, width=32, **options):
    return vn.dense_network(
        [width] * (depth + 1),
        activation=activation,
        initializer=initializer,
        rng=np.random.default_rng(5),
        **options,
    )


def arrays(net, batch=16):
    """Gradients and signals at the z_l of a network."""
    rng = np.random.default_rng(6)
    width = net.in_features
    record = net.record(rng.standard_normal((batch, width)), vn.Mode(training=True, rng=rng))
    return record.backward(rng.standard_normal(record.output.shape)).delta, record.z


def look(activation, initializer, *, with_signals=True, **options):
    deltas, signals = arrays(network(activation, initializer, **options))
    return vn.diagnose(deltas, signals=signals if with_signals else None)


def times(net, factor, layers=None):
    """The network with the weights of some layers multiplied, of all if none are named."""
    return net.with_parameters(
        {
            name: factor * value
            for name, value in net.parameters.items()
            if name.endswith("weight") and (layers is None or int(name.split(".")[0]) in layers)
        }
    )


def recurrent(layer, steps=40, everywhere=False):
    """The gradients of the state at each time step of a recurrent layer, and of the loss there."""
    rng = np.random.default_rng(7)
    output, memory = layer.forward(rng.standard_normal((8, steps, layer.in_features)))
    d_output = rng.standard_normal(output.shape)
    if not everywhere:
        d_output[:, :-1] = 0
    states = vn.state_gradients(layer, memory, d_output)
    return [vn.norm_per_sample(states[:, t]) for t in range(steps)], list(d_output.swapaxes(0, 1))


def cell(kind, **options):
    return kind.initialized(8, 32, rng=np.random.default_rng(8), **options)


# --- verdict, factor and place ---


@given(factor=st.floats(0.1, 10), depth=st.integers(3, 60))
def test_a_geometric_sequence_has_its_factor(factor, depth):
    found = vn.diagnose(geometric(factor, depth))
    assert found.factor == pytest.approx(factor)
    assert found.ratio == pytest.approx(factor ** (depth - 1))
    assert found.verdict == vn.verdict(geometric(factor, depth))


def test_the_factor_is_that_of_the_least_squares_line():
    for depth in (2, 3, 4, 5, 6, 9, 30, 1000):
        scatter = np.random.default_rng(depth).standard_normal(depth)
        sizes = geometric(0.9, depth) * np.exp(scatter)
        line = stats.linregress(np.arange(depth), np.log(sizes))
        assert geometric_factor(sizes) == pytest.approx(np.exp(-line.slope), rel=1e-12)


@given(power=st.floats(-100, 100), factor=st.floats(0.3, 3), seed=st.integers(0, 99))
def test_the_scale_of_the_loss_changes_the_norms_and_nothing_else(power, factor, seed):
    sizes = geometric(factor, 12) * np.exp(0.1 * np.random.default_rng(seed).standard_normal(12))
    one, other = vn.diagnose(sizes), vn.diagnose(sizes * 10**power)
    assert other.norms == pytest.approx(one.norms * 10**power, rel=1e-12, abs=0)
    for name in ("names", "verdict", "situation", "first_layer", "remedies"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("factor", "ratio"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-10)


def test_a_loss_of_a_million_changes_no_sentence():
    deltas, signals = arrays(network("sigmoid", "xavier_normal"))
    one, other = (vn.diagnose([c * delta for delta in deltas], signals=signals) for c in (1.0, 1e6))
    assert one.findings == other.findings


CASES = [
    # given, verdict, first layer, factor, situation, in the evidence
    ([1.0], "undefined", None, NAN, None, ()),
    ([0.0], "undefined", None, NAN, "silent", ("0 at 1 of 1",)),
    ([NAN], "undefined", (1, "1"), NAN, "nan", ("NaN at 1 of 1",)),
    ([INF], "exploding", (1, "1"), NAN, "overflow", ("infinite at 1 of 1",)),
    ([1.0, 2.0], "steady", None, 0.5, None, ()),
    ([1, 1000], "vanishing", (1, "1"), 0.001, "vanishing", ()),
    ([1e308, 1e-308], "exploding", (1, "1"), INF, "exploding", ()),
    ([0, 0, 1], "blocked", (2, "2"), NAN, "blocked", ("0 at 2 of 3",)),
    ([0, 0, 1e-3, 1], "vanishing", (3, "3"), 1e-3, "vanishing", ("0 at 2 of 4",)),
    ([0, 0, 0], "undefined", None, NAN, "silent", ("0 at 3 of 3",)),
    ([1, 1, 0], "steady", None, 1, None, ("0 at 1 of 3",)),
    ([1, 0, 1, 1], "steady", None, 1, None, ("0 at 1 of 4",)),
    ([1, NAN, 1, 1], "undefined", (2, "2"), 1, "nan", ("NaN at 1 of 4",)),
    ([NAN, INF, 1, 1], "exploding", (2, "2"), 1, "overflow", ("infinite at 1", "NaN at 1")),
    ([1, 1, INF], "exploding", (3, "3"), 1, "overflow", ("infinite at 1 of 3",)),
    ([1, INF, INF, 1], "exploding", (3, "3"), 1, "overflow", ("infinite at 2 of 4",)),
    ([1e-3, 1e-1, 1e-3, 1], "vanishing", (3, "3"), None, "one step", ("gets 1.0e-03 of",)),
    ([1e5, 99, 101, 1, 1], "exploding", (3, "3"), None, "exploding", ()),
    ([101, 99, 100, 1], "exploding", (3, "3"), None, "one step", ()),
    # The other layers together change more than a hundredfold: no single step explains that.
    ([1e-9, 1e-7, 1e-7, 1], "vanishing", (3, "3"), None, "one step", ()),
    ([1e-11, 1e-8, 1e-8, 1], "vanishing", (3, "3"), None, "vanishing", ()),
    ([101, 50, 100, 99], "steady", None, None, None, ()),
    ([0.0099, 0.01, 1], "vanishing", (2, "2"), None, "one step", ()),
    ([1e-4, 1e-2, 1], "vanishing", (1, "1"), None, "vanishing", ()),
    ([0.01, 0.01, 1], "steady", None, None, None, ()),
    ([100, 1, 1], "steady", None, None, None, ()),
    ([1, 1e-3, 1e-3, 1e-4, 1], "uneven", (4, "4"), None, "uneven", ("3 of 5 layers differ",)),
    ([1, 1e3, 2e3, 1e3, 1], "uneven", (3, "3"), None, "uneven", ("2.0e+03 of the last",)),
    # Farthest is counted from the nearer end: 1/1000 of the smaller, 200 times the larger.
    ([1, 200e1, 1e-3, 300e1, 10], "uneven", (3, "3"), None, "uneven", ("1.0e-04 of the last",)),
    ([1, 1e-3, 1e-3, 1, 1], "steady", None, None, None, ("2 of 5 layers differ",)),
    ([1, 1e-3, 1, 1e-3, 1, 1e-3, 1], "steady", None, None, None, ("3 of 7 layers differ",)),
    (
        [None, None, 1, 1],
        "steady",
        None,
        1,
        None,
        ("2 of 4 layers get no gradient: layer 1 to layer 2",),
    ),
    ([1, None, 1], "steady", None, 1, None, ("1 of 3 layers gets no gradient: layer 2",)),
    ([None, None], "undefined", None, NAN, None, ("2 of 2 layers get no gradient",)),
    ([None, 1e-4, None, 1], "vanishing", (2, "2"), 0.01, "vanishing", ("1 of",)),
]


@pytest.mark.parametrize(("given", "verdict", "first", "factor", "situation", "said"), CASES)
def test_every_edge_has_a_clear_result(given, verdict, first, factor, situation, said):
    found = vn.diagnose(given)
    assert (found.verdict, found.situation, found.first_layer) == (verdict, situation, first)
    if factor is not None and None not in given:
        assert found.factor == pytest.approx(factor, nan_ok=True)
    if verdict != "vanishing" or None not in given:
        assert all(any(part in line for line in found.evidence) for part in said), found.evidence
    assert bool(found.remedies) == bool(situation)
    assert str(found).splitlines()[len(given) + 1].startswith(verdict)
    assert np.isnan(found.norms).tolist() == [g is None or math.isnan(g) for g in given]
    arrived = [g for g in given if g is not None]
    assert found.verdict == vn.verdict(arrived) if arrived else True


@given(
    st.lists(
        st.none() | st.sampled_from([0.0, 1e-300, 1e-3, 1.0, 1e3, 1e300, INF, NAN]), min_size=1
    )
)
def test_no_list_of_norms_is_too_strange(sizes):
    found = vn.diagnose(sizes, signals=[1.0 if g is None else g for g in sizes])
    assert len(found.remedies) <= advice.MOST and str(found)
    assert (found.situation is None) == (found.remedies == ())
    assert found.verdict in ("vanishing exploding uneven blocked steady undefined".split())


def test_ends_at_the_bounds_are_steady_and_three_layers_in_a_row_are_uneven():
    assert apart(np.array([1.0, 0.0099, 0.01, 100.0, 101.0, 1.0])).tolist() == [
        *(False, True, False, False, True, False)
    ]
    assert apart(np.array([0.1, 0.005, 0.0009, 50.0, 101.0, 1.0])).tolist() == [
        *(False, False, True, False, True, False)
    ]


# --- what can be given ---


class Tensor:
    """What JAX and others give: no NumPy array, but one on demand."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize(
    "kind",
    [np.asarray, list, tuple, np.float32, np.float16, lambda a: a.tolist(), Tensor],
)
def test_whatever_asarray_takes_is_read(kind):
    given = [
        np.full((4, width), size) for width, size in ((4, 0.25), (4, 0.5), (16, 0.5), (1, 4.0))
    ]
    found = vn.diagnose({f"fc{i}": kind(array) for i, array in enumerate(given)})
    assert found.names == ("fc0", "fc1", "fc2", "fc3")
    assert found.norms.tolist() == [0.5, 1, 2, 4] and found.norms.dtype == np.float64
    assert found.factor == pytest.approx(0.5)
    assert vn.diagnose(kind(array) for array in given).norms.tolist() == [0.5, 1, 2, 4]
    assert vn.diagnose({3: 1, "b": 2}).names == ("3", "b")


def test_arrays_count_by_their_norm_per_sample_and_numbers_as_they_are():
    assert vn.diagnose([np.full((2, 16), -2.0), np.ones((2, 4))]).norms.tolist() == [8, 2]
    assert vn.diagnose([20.0, 2.0]).norms.tolist() == [20, 2]
    shapes = [(4, 3, 8, 8), (4, 192), (4, 12, 16)]
    same = np.random.default_rng(0).standard_normal((4, 192))
    assert vn.diagnose([same.reshape(shape) for shape in shapes]).norms == pytest.approx(
        [vn.norm_per_sample(same)] * 3
    )
    # A layer that holds its time steps among the samples is compared by the same batch.
    assert vn.diagnose([np.ones((12, 4)), np.ones((3, 16))]).norms.tolist() == [4, 4]
    weights = vn.diagnose([np.full((5, 5), 2.0), np.ones(9)], kind="weight")
    assert weights.norms.tolist() == [10, 3]
    assert vn.diagnose([[NAN, INF], [1.0, NAN], [1.0, 1.0]]).norms.tolist()[:1] == [INF]
    assert np.isnan(vn.diagnose([[1.0, NAN], [1.0, 1.0]]).norms[0])


def test_norms_beyond_the_squares_of_the_format_are_exact():
    for size in (1e-200, 1e200):
        found = vn.diagnose([np.full((4, 4), size), np.full((4, 4), 3 * size)])
        assert found.norms == pytest.approx([2 * size, 6 * size], rel=1e-12, abs=0)
        assert found.factor == pytest.approx(1 / 3)
    assert np.isfinite(vn.diagnose([np.full((9, 100), 3e4, np.float16)] * 2).norms).all()


def test_pytorch_hooks_and_numpy_agree():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        *[part for _ in range(8) for part in (torch.nn.Linear(16, 16), torch.nn.Sigmoid())]
    )
    gradients = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_full_backward_hook(
                lambda m, i, o, name=name: gradients.update({name: o[0]})
            )
    model(torch.randn(32, 16, requires_grad=True)).square().sum().backward()
    assert vn.diagnose(gradients).situation == "reversed"
    found = vn.diagnose(dict(reversed(gradients.items())))
    assert found.names == tuple(str(i) for i in range(0, 16, 2))
    assert found.verdict == "vanishing"
    assert found.norms == pytest.approx(
        [float(gradients[name].square().sum(1).mean().sqrt()) for name in found.names], rel=1e-5
    )
    weights = {name: p.grad for name, p in model.named_parameters() if name.endswith("weight")}
    assert vn.diagnose(weights, kind="weight").verdict == "vanishing"


def test_the_factor_is_that_of_the_measurements():
    rng = np.random.default_rng(1)
    net = network("tanh", "xavier_normal", depth=8, width=16)
    x, labels = rng.standard_normal((8, 16)), rng.integers(16, size=8)
    record = net.record(x)
    deltas = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels)).delta
    measured, found = vn.measure(net, x, labels), vn.diagnose(deltas)
    assert (measured.factor, measured.ratio) == pytest.approx((found.factor, found.ratio))
    assert measured.verdict == measured.diagnosis.verdict == found.verdict


def test_equal_weight_gradients_hide_a_gradient_that_shrinks():
    # Glorot & Bengio 2010: in a linear network the weight gradients are equally large while delta
    # shrinks.
    rng = np.random.default_rng(2)
    net = network("identity", vn.scaled_gaussian(0.5), width=100)
    gradients = net.record(rng.standard_normal((100, 100))).backward(
        rng.standard_normal((100, 100))
    )
    assert vn.diagnose(gradients.delta).verdict == "vanishing"
    found = vn.diagnose(gradients.weight, kind="weight")
    assert found.verdict == "steady" and found.remedies == ()
    assert found.evidence[-1].startswith("weight gradients can be alike in all layers while")
    assert vn.diagnose(gradients.weight).evidence == found.evidence[:-1]


# --- signals, dead units, zeros ---


def test_the_signal_is_followed_forwards_and_the_gradient_backwards():
    found = vn.diagnose([8.0, 4.0, 2.0, 1.0], signals=[1.0, 3.0, 9.0, 27.0])
    assert found.evidence[0].startswith("the gradient changes by 2 per layer going back")
    assert found.evidence[1].startswith("the signal changes by 3 per layer going forward")
    assert not any("signal" in line for line in vn.diagnose([8.0, 4.0]).evidence)


@pytest.mark.parametrize(
    ("dead", "batch", "said"), [(9, 8, True), (8, 8, True), (7, 8, False), (9, 7, False)]
)
def test_dead_units_are_evidence(dead, batch, said):
    layers = list(np.random.default_rng(0).random((3, batch, 10)))
    layers[1][:, :dead] = 0
    found = vn.diagnose([1.0] * 3, signals=layers)
    assert (
        f"{dead / 10:.0%} of the units of layer 2 are off on the whole batch" in found.evidence
    ) == (said)
    assert found.verdict == "steady" and found.situation == ("dead" if said else None)
    # A gradient of 0 alone says nothing of its unit: a format may have too few digits for it.
    assert vn.diagnose(layers).situation is None
    assert vn.diagnose(layers, kind="weight").situation is None
    # What is the same for every sample follows from weights of 0, not from units that are off.
    layers[1][:] = layers[1][:1]
    assert vn.diagnose([1.0] * 3, signals=layers).situation is None


def test_a_layer_that_is_off_is_dead_whatever_the_batch():
    layers = [np.ones((4, 10)), np.zeros((4, 10)), np.ones((4, 10))]
    found = vn.diagnose([0, 0, 1], signals=layers)
    assert (found.verdict, found.situation, found.first_layer) == ("blocked", "dead", (2, "2"))


def test_dead_channels_and_sigmoid_units_are_told_apart_by_what_is_off():
    images = np.random.default_rng(0).random((8, 4, 5, 5))
    images[:, :3] = 0
    assert read("conv", 1.0, signal=images).dead == 0.75
    # A max pool passes the gradient to one entry in four; the unit is on.
    sparse = np.zeros_like(images)
    sparse[..., 0, 0] = 1
    assert read("conv", sparse, signal=images + 1).dead == 0
    flat = np.full((8, 4), 1e-9)
    assert read("sigmoid", np.zeros((8, 4)), signal=flat).dead == 0
    z = np.array([[-1.0, 1.0]] * 8)
    assert read("z", np.array([[0.0, 1.0]] * 8), signal=z).dead == 0.5
    assert read("z", np.array([[0.0, 0.0]] * 8), signal=z).dead == 0
    assert read("z", np.array([[0.0, 0.0]] * 8), signal=-abs(z)).dead == 1
    assert read("w", np.array([[0.0, 1.0]] * 8), signal=z, kind="weight").dead == 0


def test_the_main_situation_keeps_a_remedy_beside_three_others():
    dead = np.zeros((8, 10))
    dead[:, 0] = np.arange(1, 9)
    small = np.full((8, 10), 1e-4)
    found = vn.diagnose(
        [small * size for size in geometric(0.1, 12)],
        signals=[dead] * 12,
        weights=[1.0] * 12,
        weight_gradients=[1.0] * 12,
        learning_rate=1e-9,
        dtype=np.float16,
    )
    assert found.situation == "flat slopes" and len(found.remedies) == 3
    assert found.remedies[0].startswith("Residual connections")
    assert "1024" in found.remedies[1] and found.remedies[2].startswith("Optimizers")
    several = vn.diagnose(
        [1.0] * 3, signals=[dead] * 3, over="time", loss_gradients=[1.0, 1.0, 1.0]
    )
    assert several.situation == "several losses" and len(several.remedies) == 1


def test_many_dead_layers_are_named_in_part():
    layer = np.zeros((8, 10))
    layer[:, 0] = np.arange(1, 9)
    found = vn.diagnose([1.0] * 6, signals=[layer] * 6)
    assert sum("of the units of" in line for line in found.evidence) == 3
    assert "so are more than 75% of those of 3 layers more" in found.evidence
    # Three quarters are not yet evidence.
    layer = np.random.default_rng(0).random((8, 4)) * [0, 0, 0, 1]
    assert vn.diagnose([1.0] * 6, signals=[layer] * 6).situation is None


@pytest.mark.parametrize(
    ("signals", "verdict", "situation", "first"),
    [
        ([1, 1, INF, NAN], "exploding", "overflow", (3, "c")),
        ([1, NAN, INF, 1], "exploding", "overflow", (2, "b")),
        ([1, 1, 1, NAN], "undefined", "nan", (4, "d")),
        ([1, 1, 1, 1], "steady", None, None),
    ],
)
def test_a_signal_that_is_not_finite_decides(signals, verdict, situation, first):
    found = vn.diagnose(dict.fromkeys("abcd", 1.0), signals=signals)
    assert (found.verdict, found.situation, found.first_layer) == (verdict, situation, first)
    # So it does where the layer has no gradient.
    none = vn.diagnose(dict.fromkeys("abcd", None), signals=signals)
    assert none.first_layer == first and none.situation == situation


def test_zeros_have_different_causes_that_signals_and_weights_tell_apart():
    gradients = [np.zeros((8, 4))] * 3 + [np.ones((8, 4))] * 2
    x = np.random.default_rng(0).standard_normal((8, 4))
    on = [x + 10] * 5
    off = [*on[:2], np.zeros((8, 4)), *on[3:]]
    same = [*on[:3], np.ones((8, 4)), on[4]]
    zero_weights = [np.ones((4, 4))] * 3 + [np.zeros((4, 4)), np.ones((4, 4))]
    underflow = [*gradients[:3], np.full((8, 4), 1e-7, np.float16), gradients[4]]
    for situation, first, name, options in (
        ("blocked", 3, "signals", {"signals": on}),
        ("dead", 3, "signals", {"signals": off}),
        ("zero weights", 4, "signals", {"signals": same}),
        ("zero weights", 4, "weights", {"weights": zero_weights}),
    ):
        found = vn.diagnose(gradients, **options)
        assert (found.verdict, found.situation) == ("blocked", situation), name
        assert found.first_layer[0] == first
    assert vn.diagnose(underflow).verdict == "vanishing"
    assert "underflow" in vn.diagnose(underflow).remedies[-1] or any(
        "1024" in line for line in vn.diagnose(underflow).remedies
    )
    small = [g.astype(np.float16) for g in gradients[:3]] + [np.full((8, 4), 3e-6, np.float16)] * 2
    found = vn.diagnose(small)
    assert (found.verdict, found.situation, found.first_layer) == (
        "blocked",
        "underflow",
        (3, "3"),
    )


def test_the_format_is_that_of_the_array_or_the_one_that_is_named():
    sizes = [np.full((8, 4), 1e-6)] * 3
    assert vn.diagnose(sizes).situation is None
    for dtype in ("float16", np.float16):
        found = vn.diagnose(sizes, dtype=dtype)
        assert found.situation == "underflow" and "3 of 3 layers, such as layer 3" in str(found)
    assert vn.diagnose([g.astype(np.float16) for g in sizes]).situation == "underflow"
    assert vn.diagnose(sizes, dtype=np.float32).situation is None
    assert vn.diagnose([1e-6] * 3, dtype=np.float16).situation is None
    least = float(np.finfo(np.float16).smallest_normal)
    assert read("fc", np.full((8, 4), 0.99 * least), smallest=least).subnormal
    assert not read("fc", np.full((8, 4), least), smallest=least).subnormal


# --- steps ---


def test_a_step_is_compared_with_the_weights():
    found = vn.diagnose(
        [1.0, 1.0, None],
        weights=[np.full((3, 3), 2.0), np.ones((3, 4)), np.ones((2, 2))],
        weight_gradients=[np.full((3, 3), 0.5), np.full((3, 4), 4.0), None],
        learning_rate=0.1,
    )
    assert found.steps[:2] == pytest.approx([0.025, 0.4]) and np.isnan(found.steps[2])
    assert "a step changes the weights by 3e-02 to 4e-01 of their size" in found.evidence
    assert found.situation is None
    lines = str(found).splitlines()
    assert lines[0].split() == ["layer", "norm", "factor", "step"]
    assert lines[1].split()[3] == "2.5e-02"
    weights = {"weights": [np.full(4, 2.0)] * 2, "learning_rate": 0.1}
    by_kind = vn.diagnose([np.full(4, 0.5)] * 2, kind="weight", **weights)
    assert by_kind.steps == pytest.approx([0.025, 0.025])
    zero = vn.diagnose(
        [1.0, 1.0],
        weights=[np.zeros(4), np.ones(4)],
        weight_gradients=[np.ones(4)] * 2,
        learning_rate=1e-3,
    )
    assert np.isnan(zero.steps[0]) and zero.steps[1] == pytest.approx(1e-3)
    assert "layer 1 has weights of 0" in zero.evidence


@pytest.mark.parametrize(
    ("rate", "situation"),
    [
        (9e-11, "flat output"),
        (1.1e-10, "tiny steps"),
        (9e-7, "tiny steps"),
        (1.1e-6, None),
        (0.99, None),
        (1.01, "huge steps"),
    ],
)
def test_steps_have_bounds(rate, situation):
    found = vn.diagnose(
        [1.0, 1.0], weights=[1.0] * 2, weight_gradients=[0.1, 1.0], learning_rate=rate
    )
    assert (found.verdict, found.situation) == ("steady", situation)


def test_tiny_gradients_are_mentioned_if_no_step_is_known():
    assert any("small for a step" in line for line in vn.diagnose([5e-15] * 3).evidence)
    assert not any("small for a step" in line for line in vn.diagnose([1e-11] * 3).evidence)


# --- every situation, and what its first remedy does ---

SMALL = ("relu", vn.scaled_gaussian(0.5))
DEAD = np.zeros((8, 4))
UNITS = np.ones((8, 4))
UNIT = np.random.default_rng(1).standard_normal((16, 4))
HALF = np.full((8, 4), 1e-6, np.float16)
STEP = {"weights": [1.0] * 3, "weight_gradients": [1.0] * 3}

SITUATIONS = {
    # situation -> how it comes about, the verdict, where it begins
    "small weights": (lambda: look(*SMALL), "vanishing", (15, "15")),
    "flat slopes": (lambda: look("sigmoid", "xavier_normal"), "vanishing", (16, "16")),
    "large inputs": (lambda: on_raw_inputs(2e4), "blocked", (1, "1")),
    "vanishing": (lambda: look(*SMALL, with_signals=False), "vanishing", (15, "15")),
    "vanishing over time": (
        lambda: vn.diagnose(geometric(0.5, 40), over="time"),
        "vanishing",
        (33, "33"),
    ),
    "large weights": (
        lambda: look("relu", vn.scaled_gaussian(3.0)),
        "exploding",
        (13, "13"),
    ),
    "exploding": (
        lambda: look("tanh", vn.scaled_gaussian(4.0), with_signals=False),
        "exploding",
        (8, "8"),
    ),
    "growing gradient": (lambda: look("tanh", vn.scaled_gaussian(4.0)), "exploding", (8, "8")),
    "exploding over time": (
        lambda: vn.diagnose(geometric(2.0, 40), over="time"),
        "exploding",
        (33, "33"),
    ),
    "one step": (lambda: vn.diagnose([1e-3, 1e-3, 1.1e-3, 1, 1]), "vanishing", (3, "3")),
    "uneven": (lambda: vn.diagnose([1, 1e-3, 1e-4, 1e-3, 1]), "uneven", (3, "3")),
    "zero weights": (
        lambda: vn.diagnose([0, 0, 1], weights=[UNITS, UNITS, DEAD]),
        "blocked",
        (3, "3"),
    ),
    "dead": (
        lambda: vn.diagnose([0, 0, 1], signals=[UNITS, DEAD, UNITS]),
        "blocked",
        (2, "2"),
    ),
    "underflow": (lambda: vn.diagnose([HALF] * 3), "steady", None),
    "blocked": (lambda: vn.diagnose([0, 0, 1]), "blocked", (2, "2")),
    "overflow": (lambda: vn.diagnose([INF, INF, 1]), "exploding", (2, "2")),
    "nan": (lambda: vn.diagnose([1, 1, 1], signals=[1, NAN, NAN]), "undefined", (2, "2")),
    "silent": (lambda: vn.diagnose([0, 0, 0]), "undefined", None),
    "several losses": (
        lambda: vn.diagnose([1.0] * 3, over="time", loss_gradients=[0.0, 1.0, 1.0]),
        "undefined",
        None,
    ),
    "reversed": (lambda: vn.diagnose({"12": 1, "8": 1e-2, "4": 1e-4}), "undefined", None),
    "flat output": (lambda: vn.diagnose([1.0] * 3, **STEP, learning_rate=1e-12), "steady", None),
    "tiny steps": (lambda: vn.diagnose([1.0] * 3, **STEP, learning_rate=1e-9), "steady", None),
    "huge steps": (lambda: vn.diagnose([1.0] * 3, **STEP, learning_rate=9.0), "steady", None),
}


def test_every_situation_is_tried_here():
    assert tuple(SITUATIONS) == advice.SITUATIONS and set(REMEDIES) == set(advice.SITUATIONS)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_situation_is_recognized_with_its_place_and_its_advice(situation):
    run, verdict, first = SITUATIONS[situation]
    found = run()
    assert (found.situation, found.verdict, found.first_layer) == (situation, verdict, first)
    assert 1 <= len(found.remedies) <= 3
    template = advice._ADVICE[situation][0]
    literal = re.escape(re.split(r"[{]", template)[0])
    assert re.match(literal, found.remedies[0]) and "{" not in "".join(found.remedies)
    over_time = "time" in situation
    assert any("LSTM" in line for line in found.remedies) <= over_time
    assert not over_time or all("Init" not in line for line in found.remedies)


@pytest.mark.parametrize("situation", advice.SITUATIONS)
def test_every_situation_has_a_few_remedies_and_an_lstm_only_over_time(situation):
    assert 1 <= len(advice._ADVICE[situation]) <= advice.MOST
    told = " ".join(advice._ADVICE[situation])
    assert situation == "vanishing over time" or "LSTM" not in told


def test_clipping_and_a_larger_rate_or_loss_leave_a_vanishing_gradient_and_are_not_named():
    for situation in ("small weights", "flat slopes", "vanishing", "vanishing over time"):
        lines = " ".join(advice._ADVICE[situation])
        assert not re.search("lipping|learning rate|loss", lines), situation
    assert any("Clipping" in line for line in vn.diagnose(geometric(3.0, 12)).remedies)


def test_a_second_situation_takes_the_place_of_the_last_remedies_of_the_first():
    dead = np.zeros((8, 10))
    dead[:, 0] = np.arange(1, 9)
    given = {"gradients": geometric(0.1, 12), "signals": [dead] * 12}
    found = vn.diagnose(**given)
    alone = vn.diagnose(given["gradients"], signals=[1.0] * 12)
    assert found.situation == alone.situation == "flat slopes"
    assert found.remedies == (
        *alone.remedies[:2],
        *vn.diagnose([1] * 12, signals=[dead] * 12).remedies[:1],
    )
    both = vn.diagnose(**given, weights=[1.0] * 12, weight_gradients=[1.0] * 12, learning_rate=1e-9)
    assert [line.partition(":")[0] for line in both.remedies] == [
        "Residual connections",
        "Optimizers",
        "Optimizers",
    ]


def on_raw_inputs(scale):
    """Two tanh layers and an output, their preactivations watched, on inputs of this rms."""
    net = network("tanh", vn.scaled_gaussian(1.0), depth=3)
    rng = np.random.default_rng(0)
    record = net.record(scale * rng.standard_normal((16, 32)))
    gradients = record.backward(rng.standard_normal((16, 32)) / 16)
    return vn.diagnose(gradients.delta, signals=record.z)


def another_loss():
    """A sigmoid at the output, flat at its start: squared error, and cross-entropy instead."""
    net = network("relu", "he_normal", depth=6)
    rng = np.random.default_rng(0)
    record = net.record(rng.standard_normal((16, 32)))
    weights = [net.parameters[f"{i}.weight"] for i in net.weight_layers]
    p = vn.sigmoid(record.output + 30.0)
    found = []
    for d_output in (p * p * (1 - p) / 16, p / 16):
        gradients = record.backward(d_output)
        found.append(
            vn.diagnose(
                gradients.delta,
                weights=weights,
                weight_gradients=gradients.weight,
                learning_rate=0.01,
            )
        )
    assert found[0].situation == "flat output"
    return found[1]


def weights_as_advised():
    net = network(*SMALL)
    deltas, signals = arrays(net)
    told = re.search(r"weights ([\d.]+) times", vn.diagnose(deltas, signals=signals).remedies[0])
    return vn.diagnose(arrays(times(net, float(told[1])))[0])


def smaller_weights_as_advised():
    net = network("relu", vn.scaled_gaussian(3.0))
    deltas, signals = arrays(net)
    told = re.search(r"weights ([\d.]+) times", vn.diagnose(deltas, signals=signals).remedies[0])
    return vn.diagnose(arrays(times(net, float(told[1])))[0])


def open_gate():
    plain = vn.diagnose(recurrent(cell(vn.LSTM, forget_bias=0.0))[0], over="time")
    assert plain.situation == "vanishing over time"
    bias = float(re.search(r"= ([\d.]+),", plain.remedies[0])[1])
    return vn.diagnose(recurrent(cell(vn.LSTM, forget_bias=bias))[0], over="time")


def clipped():
    """Plain descent on what explodes over time: the step is bounded, and the ratio stays."""
    layer = cell(vn.RNN, recurrent_initializer=vn.scaled_gaussian(3.0), activation="identity")
    sizes, _ = recurrent(layer)
    assert vn.diagnose(sizes, over="time").situation == "exploding over time"
    rng = np.random.default_rng(0)
    output, memory = layer.forward(rng.standard_normal((8, 40, 8)))
    d_output = np.zeros_like(output)
    d_output[:, -1] = 1
    gradients = layer.backward(memory, d_output)[1]

    def steps(by_name):
        return vn.diagnose(
            list(by_name.values()),
            kind="weight",
            weights=[1.0 + value for value in layer.parameters.values()],
            learning_rate=0.1,
        )

    assert steps(gradients).situation != steps(vn.clip_by_global_norm(gradients, 1.0)).situation
    found = steps(vn.clip_by_global_norm(gradients, 1.0))
    assert found.steps.max() < 1
    return found


def without_the_one_step():
    net = times(network("relu", "he_normal"), 1e-3, {10})
    found = vn.diagnose(arrays(net)[0])
    assert found.situation == "one step" and "layer 6 and layer 5" in found.remedies[0]
    return vn.diagnose(arrays(times(net, 1e3, {10}))[0])


def beside_a_weak_branch(scale):
    """x + scale * W4 W3 W2 W1 x between two layers: the gradient goes past the branch."""
    rng = np.random.default_rng(3)
    first, *branch, last = (rng.standard_normal((16, 16)) / 4 for _ in range(6))
    delta = rng.standard_normal((8, 16)) @ last
    inner = [scale * delta]
    for matrix in branch[:0:-1]:
        inner.insert(0, inner[0] @ matrix)
    return vn.diagnose([delta + inner[0] @ branch[0], *inner, delta])


def with_a_strong_branch():
    found = beside_a_weak_branch(1e-4)
    assert found.situation == "uneven" and f"past layer {found.first_layer[1]}" in found.remedies[0]
    return beside_a_weak_branch(1.0)


def after_one_step():
    net = network("relu", "he_normal", depth=6)
    name = list(net.parameters)[-2]
    net = net.with_parameters({name: np.zeros((32, 32))})
    rng = np.random.default_rng(0)
    x, labels = rng.standard_normal((64, 32)), rng.integers(32, size=64)

    def seen(net):
        record = net.record(x)
        gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels))
        weights = [net.parameters[f"{i}.weight"] for i in net.weight_layers]
        return vn.diagnose(gradients.delta, signals=record.z, weights=weights), gradients

    found, gradients = seen(net)
    assert (found.situation, found.first_layer) == ("zero weights", (6, "6"))
    moved = {k: v - 10.0 * gradients.parameters[k] for k, v in net.parameters.items()}
    return seen(net.with_parameters(moved))[0]


def trained(rate):
    """Plain descent on inputs above 0, as pixels are; then a look."""
    net, rng = network("relu", "he_normal", depth=4), np.random.default_rng(0)
    x, labels = rng.random((64, 32)), rng.integers(32, size=64)
    for _ in range(6):
        record = net.record(x)
        gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels))
        net = net.with_parameters(
            {k: v - rate * gradients.parameters[k] for k, v in net.parameters.items()}
        )
    record = net.record(x)
    deltas = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels)).delta
    return vn.diagnose(deltas, signals=record.z)


def smaller_rate():
    assert trained(10.0).situation == "dead"
    return trained(0.01)


def in_half(scale):
    net = network("relu", "he_normal", depth=6, dtype=np.float16)
    rng = np.random.default_rng(0)
    record = net.record(rng.standard_normal((16, 32)).astype(np.float16))
    with np.errstate(all="ignore"):
        deltas = record.backward((scale * rng.standard_normal((16, 32))).astype(np.float16)).delta
    return vn.diagnose(deltas, signals=record.z)


def scaled_loss():
    assert in_half(2e-6).situation == "underflow"
    return in_half(2e-6 * 1024)


def smaller_loss_scale():
    layers = network("relu", "he_normal", depth=6)
    deltas, _ = arrays(layers)

    def seen(scale):
        with np.errstate(all="ignore"):
            return vn.diagnose([(scale * delta).astype(np.float16) for delta in deltas])

    assert seen(1e6).situation == "overflow"
    return seen(1e3)


def whole_input():
    net, x = network("relu", "he_normal", depth=6), np.ones((4, 32))

    def seen(x):
        outputs = [x @ net.parameters["0.weight"].T] * 2
        return vn.diagnose([1.0, 1.0], signals=outputs)

    broken = x.copy()
    broken[2, 3] = NAN
    assert seen(broken).situation == "nan" and "layer 1 " in seen(broken).remedies[0]
    return seen(x)


def reached(scale):
    net = network("relu", "he_normal", depth=6)
    record = net.record(np.random.default_rng(0).standard_normal((16, 32)))
    return vn.diagnose(record.backward(scale * np.ones_like(record.output)).delta)


def loss_that_depends():
    assert reached(0.0).situation == "silent"
    return reached(1.0)


def last_loss_alone():
    layer = cell(vn.LSTM, forget_bias=4.0)
    for everywhere in (True, False):
        sizes, losses = recurrent(layer, everywhere=everywhere)
        found = vn.diagnose(sizes, over="time", loss_gradients=losses)
        assert (found.situation == "several losses") == everywhere
    return found


def turned_around():
    deltas, _ = arrays(network("relu", "he_normal", depth=6))
    shrinking = {f"fc{l}": 0.1**l * delta for l, delta in enumerate(deltas)}
    backwards = dict(reversed(shrinking.items()))
    assert vn.diagnose(backwards).situation == "reversed"
    again = dict(reversed(backwards.items()))
    assert vn.diagnose(again).verdict == "exploding"
    return vn.diagnose({f"fc{l}": delta for l, delta in enumerate(deltas)})


def at_rate(rate):
    net = network("relu", "he_normal", depth=6)
    rng = np.random.default_rng(0)
    record = net.record(rng.standard_normal((16, 32)))
    gradients = record.backward(rng.standard_normal((16, 32)) / 16)
    weights = [net.parameters[f"{i}.weight"] for i in net.weight_layers]
    return vn.diagnose(
        gradients.delta, weights=weights, weight_gradients=gradients.weight, learning_rate=rate
    )


def other_rate(before, situation):
    assert at_rate(before).situation == situation
    return at_rate(0.01)


# Situation -> a network in it, its first remedy applied, and the diagnosis afterwards.
REMEDIES = {
    "small weights": weights_as_advised,
    "flat slopes": lambda: look("sigmoid", "xavier_normal", residual="pre"),
    "large inputs": lambda: on_raw_inputs(1.0),
    "vanishing": lambda: look(*SMALL, with_signals=False, residual="pre"),
    "vanishing over time": open_gate,
    "large weights": smaller_weights_as_advised,
    "exploding": lambda: look("tanh", vn.scaled_gaussian(1.0), with_signals=False),
    "growing gradient": lambda: look(
        "tanh", vn.scaled_gaussian(4.0), residual="pre", branch_scale=0.0
    ),
    "exploding over time": clipped,
    "one step": without_the_one_step,
    "uneven": with_a_strong_branch,
    "zero weights": after_one_step,
    "dead": smaller_rate,
    "underflow": scaled_loss,
    "blocked": loss_that_depends,
    "overflow": smaller_loss_scale,
    "nan": whole_input,
    "silent": loss_that_depends,
    "several losses": last_loss_alone,
    "reversed": turned_around,
    "flat output": another_loss,
    "tiny steps": lambda: other_rate(1e-9, "tiny steps"),
    "huge steps": lambda: other_rate(1e3, "huge steps"),
}


@pytest.mark.parametrize("situation", REMEDIES)
def test_the_first_remedy_of_a_situation_helps(situation):
    found = REMEDIES[situation]()
    assert found.situation is None, found
    assert found.verdict == "steady" or situation == "exploding over time", found


@pytest.mark.parametrize(
    ("chapter", "ill", "remedy"),
    [
        ("Initialization", SMALL, {"initializer": "he_normal"}),
        ("Activations", ("sigmoid", "xavier_normal"), {"activation": "relu"}),
        ("Residual connections", ("sigmoid", "xavier_normal"), {"residual": "pre"}),
        ("Normalization", ("sigmoid", "xavier_normal"), {"normalization": "batch"}),
        ("Residual connections", SMALL, {"residual": "pre"}),
        ("Normalization", SMALL, {"normalization": "batch"}),
        ("Initialization", ("relu", vn.scaled_gaussian(3.0)), {"initializer": "he_normal"}),
        ("Initialization", ("identity", vn.scaled_gaussian(3.0)), {"initializer": "orthogonal"}),
        ("Normalization", ("relu", vn.scaled_gaussian(3.0)), {"normalization": "layer"}),
        (
            "Residual connections",
            ("tanh", vn.scaled_gaussian(4.0)),
            {"residual": "pre", "branch_scale": 0.0},
        ),
        ("Initialization", ("tanh", vn.scaled_gaussian(4.0)), {"initializer": "xavier_normal"}),
    ],
)
def test_each_remedy_that_is_named_makes_the_network_steady(chapter, ill, remedy):
    settings = dict(zip(("activation", "initializer"), ill))
    if "activation" in remedy:
        remedy |= {"initializer": "he_normal"}
    found = look(**settings)
    assert found.verdict != "steady" and any(line.startswith(chapter) for line in found.remedies)
    assert look(**settings | remedy).verdict == "steady"


def test_skips_that_add_branches_are_scaled():
    ill = {"activation": "relu", "initializer": "he_normal", "residual": "pre"}
    found = look(**ill)
    assert found.situation == "large weights" and "1/sqrt(depth)" in found.remedies[0]
    assert look(**ill, branch_scale=20**-0.5).verdict == "steady"


# --- over time, order ---


def test_over_time_means_something_only_for_a_loss_at_the_last_step():
    sizes, losses = recurrent(cell(vn.RNN, recurrent_initializer=vn.scaled_gaussian(0.5)))
    found = vn.diagnose(sizes, over="time")
    assert found.evidence[-1].startswith("this means something only if the loss looks at the last")
    assert "per step going back" in found.evidence[0]
    assert "bias of at least log(40) = 3.7" in found.remedies[0]
    known = vn.diagnose(sizes, over="time", loss_gradients=losses)
    assert known.situation == "vanishing over time" and len(known.evidence) == 1
    mixed = vn.diagnose(sizes, over="time", loss_gradients=[*losses[1:], losses[-1]])
    assert mixed.situation == "several losses" and mixed.verdict == "undefined"
    assert mixed.evidence[0] == "the loss looks at more steps than the last one, at 1 before it"
    nothing = vn.diagnose([1.0] * 3, over="time", loss_gradients=[None, None, np.ones((2, 2))])
    assert nothing.situation is None


@pytest.mark.parametrize(
    ("names", "situation"),
    [
        (("layer3", "layer2", "layer1"), "reversed"),
        (("block.2.conv1", "block.1.conv2", "block.1.conv1"), "reversed"),
        (("head", "b.10", "b.9", "b.2"), "reversed"),
        (("layer1", "layer2", "layer3"), "vanishing"),
        (("b.2", "b.9", "b.10"), "vanishing"),
        (("fc2", "fc1"), "vanishing"),
        (("b3.conv", "b2.conv", "b2.norm", "b1.conv"), "vanishing"),
        (("c", "b", "a"), "vanishing"),
    ],
)
def test_an_order_from_the_output_is_seen_by_the_names(names, situation):
    sizes = geometric(0.01, len(names), 1e-3)
    sizes[0] /= 10
    found = vn.diagnose(dict(zip(names, sizes)))
    assert found.situation == situation
    assert found.verdict == ("undefined" if situation == "reversed" else "vanishing")
    # Whatever the order, equal sizes are steady.
    assert vn.diagnose(dict.fromkeys(names, 1.0)).situation is None


# --- as text, kept ---


def test_the_table_is_aligned_and_says_it_all(capsys):
    print(
        vn.diagnose(
            {"input": 1e-4, "a longer name": 1e-2, "c": 0.0, "out": 1.0}, signals=[1, 1, 1, 1]
        )
    )
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "layer                norm     factor",
        "input            1.00e-04       0.01  █",
        "a longer name    1.00e-02        inf  " + 22 * "█",
        "c                0.00e+00          0",
        "out              1.00e+00             " + 42 * "█",
        "vanishing by 1.0e-04 in all, from 'c' back",
        "  the gradient changes by 0.0518 per layer going back",
        "  the gradient is 0 at 1 of 4 layers",
        "  the signal changes by 1 per layer going forward",
        "  try 1: Residual connections: an identity path past every block",
        "  try 2: Normalization: batch normalization",
        "  try 3: Activations: ReLU with He's weights, in place of a sigmoid, a saturated tanh or "
        "smaller weights",
    ]
    assert vn.diagnose([0, 0, 1]).findings.startswith("blocked at layer 2\n")
    assert vn.diagnose([1, 1]).findings.startswith("steady\n")


def test_bars_tell_decades_and_at_least_two_of_them(monkeypatch):
    lengths = [len(bar) for bar in log_bars(np.array([1e-8, 1e-4, 1, 0, NAN, INF]), 41)]
    assert lengths == [1, 21, 41, 0, 0, 41]
    assert [len(bar) for bar in log_bars(np.array([0.1, 1]), 41)] == [21, 41]
    assert log_bars(np.array([NAN, 0.0]), 10) == ["", ""]
    assert log_bars(np.array([INF]), 3) == ["███"]
    monkeypatch.setattr("sys.stdout", type("Ascii", (), {"encoding": "ascii"}))
    assert log_bars(np.array([1.0]), 3) == ["###"]
    monkeypatch.setattr("sys.stdout", None)
    assert log_bars(np.array([1.0]), 3) == ["███"]


def test_a_diagnosis_pickles_and_copies():
    found = vn.diagnose(geometric(0.3, 12))
    for again in (pickle.loads(pickle.dumps(found)), copy.deepcopy(found)):
        assert str(again) == str(found)
    with pytest.raises(AttributeError):
        found.verdict = "steady"


def test_a_dead_layer_is_not_taken_for_large_inputs():
    """ReLU after a long step: a first output of 60, and nothing behind it."""
    off = np.zeros((16, 4))
    found = vn.diagnose([off, off, UNIT], signals=[60 * UNIT, off, UNIT])
    assert (found.verdict, found.situation) == ("blocked", "dead")


def test_a_small_output_layer_is_one_step():
    """As policies start: hidden layers alike, and an output layer a hundred times smaller."""
    found = vn.diagnose([9e-3, 9.5e-3, 1.0], signals=[1.0, 1.0, 0.01])
    assert found.situation == "one step" and "on purpose" in found.remedies[0]


@pytest.mark.parametrize(("part", "said"), [(0.05, True), (0.15, False)])
def test_outputs_that_hardly_differ_between_samples_are_mentioned(part, said):
    rng = np.random.default_rng(0)
    last = 1 + part * rng.standard_normal((256, 8))
    found = vn.diagnose([UNIT, UNIT], signals=[last, UNIT])
    assert found.verdict == "steady" and found.situation is None
    told = [line for line in found.evidence if "differs between the samples" in line]
    assert bool(told) == said
    assert not said or told[0].startswith("only 5.0% of the output of layer 1")


def test_the_spread_is_that_of_each_unit_between_two_samples_or_more():
    fixed, moving = np.full((2, 1), 30.0), np.array([[10.0], [-10.0]])
    both = np.hstack([fixed, moving])
    assert read("l", both, signal=both).spread == pytest.approx(math.sqrt(100 / 1000))
    assert read("l", fixed, signal=fixed).spread == 0 and read("l", fixed, signal=fixed).constant
    assert read("l", both, signal=both.astype(np.float16)).spread == pytest.approx(0.316, abs=1e-3)
    for unknown in (both[:1], 0 * both, both[:, 0], np.full((2, 2), INF)):
        assert read("l", both, signal=unknown).spread is None


@pytest.mark.parametrize(
    ("signals", "over", "large"),
    [
        ([10.0, 1.0, 1.0], "layers", False),
        ([11.0, 1.0, 1.0], "layers", True),
        ([11.0, 0.1, 0.1], "layers", True),
        ([15.0, 1.2, 1.2], "layers", True),
        ([15.0, 1.6, 1.6], "layers", False),
        ([11.0, 1.0], "layers", True),
        ([11.0, 1.0, 1.0], "time", False),
    ],
)
def test_what_counts_as_large_inputs(signals, over, large):
    sizes = [0.0, *[1.0] * (len(signals) - 1)]
    found = vn.diagnose(sizes, signals=signals, over=over)
    assert (found.situation == "large inputs") == large


def test_units_are_the_channels_of_images_and_the_last_axis_of_sequences():
    images = np.ones((8, 4, 3, 5))
    images[:, 1] = 0
    sequences = np.ones((8, 3, 5))
    sequences[:, :, 2] = 0
    flat = np.ones((8, 5))
    flat[:, 2] = 0
    for signal, share in ((images, 1 / 4), (sequences, 1 / 5), (flat, 1 / 5)):
        assert read("l", signal, signal=signal).dead == share
    # A preactivation of 0 is off, too, where it gets no gradient.
    gradient = np.where(flat == 0, 0.0, 1.0)
    assert read("l", gradient, signal=np.where(flat == 0, [[-1.0]] * 7 + [[0.0]], 1.0)).dead == 0.2


def test_gradients_of_weights_say_nothing_of_dead_units():
    gradient, signal = np.zeros((8, 8)), np.ones((8, 8))
    gradient[0, 0], signal[:, 1:] = 1, -np.arange(1.0, 9.0)[:, None]
    assert vn.diagnose([gradient] * 3, signals=[signal] * 3).situation == "dead"
    assert vn.diagnose([gradient] * 3, signals=[signal] * 3, kind="weight").situation is None


def test_gradients_of_the_loss_belong_to_time_steps():
    said = "^loss_gradients are those of time steps; over='time' is expected$"
    with pytest.raises(ValueError, match=said):
        vn.diagnose([1.0, 1.0], loss_gradients=[0.0, 1.0])
