"""Diagnoses: verdict, factor, where it starts, evidence, remedies, and any framework's arrays."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

import vanishing as vn
from vanishing.measurement.text_bars import log_bars
from vanishing.measurement.verdicts import geometric_factor

INF, NAN = np.inf, np.nan


def geometric(factor, depth, scale=1.0):
    return scale * factor ** np.arange(depth - 1, -1, -1.0)


def experiment(
    activation, initializer, depth=20, width=32, normalization=None, residual=None, branch_scale=1.0
):
    """Gradients delta_l and signals h_l of one network."""
    rng = np.random.default_rng(5)
    network = vn.dense_network(
        [width] * (depth + 1),
        activation=activation,
        initializer=initializer,
        rng=rng,
        normalization=normalization,
        residual=residual,
        branch_scale=branch_scale,
    )
    record = network.record(rng.standard_normal((16, width)), vn.Mode(training=True, rng=rng))
    return record.backward(rng.standard_normal((16, width))).delta, record.h[1:]


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
def test_the_scale_of_the_loss_changes_the_rms_and_nothing_else(power, factor, seed):
    sizes = geometric(factor, 12) * np.exp(0.1 * np.random.default_rng(seed).standard_normal(12))
    one, other = vn.diagnose(sizes), vn.diagnose(sizes * 10**power)
    assert other.rms == pytest.approx(one.rms * 10**power, rel=1e-12, abs=0)
    for name in ("names", "verdict", "first_layer", "remedies"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("factor", "ratio"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-10)


def test_a_loss_of_a_million_changes_no_sentence():
    deltas, signals = experiment("sigmoid", "xavier_normal")
    one, other = (vn.diagnose([c * delta for delta in deltas], signals=signals) for c in (1.0, 1e6))
    assert one.findings == other.findings


CASES = [
    # given, verdict, first layer, factor, in the evidence, the chapters
    ([1.0], "undefined", None, NAN, (), ()),
    ([0.0], "undefined", (1, "1"), NAN, ("0 at 1 of 1",), ("Diagnose your own network",)),
    ([NAN], "undefined", (1, "1"), NAN, ("NaN at 1 of 1",), ("Diagnose your own network",)),
    ([INF], "exploding", (1, "1"), NAN, ("infinite at 1 of 1",), ("Number formats",)),
    ([1.0, 2.0], "steady", None, 0.5, (), ()),
    ([1, 1000], "vanishing", (1, "1"), 0.001, (), ("Initialization",)),
    ([1e308, 1e-308], "exploding", (1, "1"), INF, (), ("Initialization",)),
    ([0, 0, 1], "vanishing", (2, "2"), NAN, ("0 at 2 of 3",), ("Initialization",)),
    ([0, 0, 0], "undefined", (3, "3"), NAN, ("0 at 3 of 3",), ("Diagnose your own network",)),
    ([1, 1, 0], "undefined", (3, "3"), 1, ("0 at 1 of 3",), ("Diagnose your own network",)),
    ([1, NAN, 1, 1], "undefined", (2, "2"), 1, ("NaN at 1 of 4",), ("Diagnose your own network",)),
    (
        [NAN, INF, 1, 1],
        "exploding",
        (2, "2"),
        1,
        ("infinite at 1", "NaN at 1"),
        ("Number formats", "Initial"),
    ),
    (
        [1, 1, INF],
        "exploding",
        (3, "3"),
        1,
        ("infinite at 1 of 3",),
        ("Number formats", "Initialization"),
    ),
    ([1e-3, 1e-1, 1e-3, 1], "vanishing", (3, "3"), None, (), ("Initialization",)),
    ([1e5, 99, 101, 1, 1], "exploding", (3, "3"), None, (), ("Initialization", "Normalization")),
    ([101, 99, 100, 1], "exploding", (1, "1"), None, (), ("Initialization",)),
    ([0.0099, 0.01, 1], "vanishing", (1, "1"), None, (), ("Initialization",)),
]


@pytest.mark.parametrize(("given", "verdict", "first", "factor", "evidence", "chapters"), CASES)
def test_every_edge_has_a_clear_result(given, verdict, first, factor, evidence, chapters):
    found = vn.diagnose(given)
    assert (found.verdict, found.first_layer) == (verdict, first)
    if factor is not None:
        assert found.factor == pytest.approx(factor, nan_ok=True)
    assert all(any(part in line for line in found.evidence) for part in evidence)
    assert [remedy.startswith(chapter) for remedy, chapter in zip(found.remedies, chapters)] == [
        True
    ] * len(chapters)
    assert bool(found.remedies) == bool(chapters)
    assert str(found).splitlines()[len(given) + 1].startswith(verdict)


class Tensor:
    """What JAX and others give: no NumPy array, but one on demand."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


@pytest.mark.parametrize(
    "kind",
    [
        np.asarray,
        list,
        tuple,
        np.float32,
        np.float16,
        lambda a: a.tolist(),
        lambda a: np.asarray(a)[None],
        Tensor,
    ],
)
def test_whatever_asarray_takes_is_read(kind):
    arrays = [
        np.full((4, width), size) for width, size in ((3, 0.25), (5, 0.5), (2, 1.0), (7, 2.0))
    ]
    found = vn.diagnose({f"fc{i}": kind(array) for i, array in enumerate(arrays)})
    assert found.names == ("fc0", "fc1", "fc2", "fc3")
    assert found.rms.tolist() == [0.25, 0.5, 1, 2] and found.rms.dtype == np.float64
    assert found.factor == pytest.approx(0.5)
    assert vn.diagnose(kind(array) for array in arrays).rms.tolist() == [0.25, 0.5, 1, 2]
    assert vn.diagnose({3: 1, "b": 2}).names == ("3", "b")


def test_arrays_count_by_their_rms_and_numbers_as_they_are():
    assert vn.diagnose([np.full(100, -2.0), np.ones(4)]).rms.tolist() == [2, 1]
    assert vn.diagnose([20.0, 2.0]).rms.tolist() == [20, 2]
    assert vn.diagnose(np.array([[3.0, -3.0], [1.0, 1.0]])).rms.tolist() == [3, 1]
    assert vn.diagnose([[NAN, INF], [1.0, NAN], [1.0]]).rms.tolist()[:1] == [INF]
    assert np.isnan(vn.diagnose([[1.0, NAN], [1.0]]).rms[0])


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
    found = vn.diagnose(dict(reversed(gradients.items())))
    assert found.names == tuple(str(i) for i in range(0, 16, 2))
    assert found.verdict == "vanishing"
    assert found.rms == pytest.approx(
        [float(gradients[name].square().mean().sqrt()) for name in found.names], rel=1e-5
    )
    weights = {name: p.grad for name, p in model.named_parameters() if name.endswith("weight")}
    assert vn.diagnose(weights, kind="weight").verdict == "vanishing"


def test_the_factor_is_that_of_the_measurements():
    rng = np.random.default_rng(1)
    network = vn.dense_network([16] * 9, activation="tanh", rng=rng)
    x, labels = rng.standard_normal((8, 16)), rng.integers(16, size=8)
    record = network.record(x)
    deltas = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels)).delta
    measured, found = vn.measure(network, x, labels), vn.diagnose(deltas)
    assert (measured.factor, measured.ratio, measured.verdict) == (
        found.factor,
        found.ratio,
        found.verdict,
    )


def test_equal_weight_gradients_hide_a_gradient_that_shrinks():
    # Glorot & Bengio 2010: in a linear network the weight gradients are equally large while delta
    # shrinks.
    rng = np.random.default_rng(2)
    network = vn.dense_network(
        [100] * 21, activation="identity", initializer=vn.scaled_gaussian(0.5), rng=rng
    )
    record = network.record(rng.standard_normal((100, 100)))
    gradients = record.backward(rng.standard_normal((100, 100)))
    assert vn.diagnose(gradients.delta).verdict == "vanishing"
    found = vn.diagnose(gradients.weight, kind="weight")
    assert found.verdict == "steady" and found.remedies == ()
    assert found.evidence[-1].startswith(
        "weight gradients can be alike in all layers while the signal gradient"
    )
    assert vn.diagnose(gradients.weight).evidence == found.evidence[:-1]


def test_a_signal_that_stays_speaks_for_the_slopes_and_one_that_shrinks_for_the_weights():
    for activation, initializer, first in (
        ("sigmoid", "xavier_normal", "Activations"),
        ("relu", vn.scaled_gaussian(0.8), "Initialization"),
    ):
        deltas, signals = experiment(activation, initializer)
        found = vn.diagnose(deltas, signals=signals)
        assert found.verdict == "vanishing" and found.remedies[0].startswith(first)
        assert vn.diagnose(deltas).remedies[0].startswith("Initialization")
        assert sorted(vn.diagnose(deltas).remedies) == sorted(found.remedies)
        assert (
            "the signal changes by" in found.evidence[1]
            and "per layer going forward" in found.evidence[1]
        )
        assert not any("signal" in line for line in vn.diagnose(deltas).evidence)


@pytest.mark.parametrize(
    ("chapter", "ill", "remedy"),
    [
        ("Initialization", ("relu", vn.scaled_gaussian(0.5)), {"initializer": "he_normal"}),
        ("Activations", ("sigmoid", "xavier_normal"), {"activation": "tanh"}),
        ("Residual connections", ("sigmoid", "xavier_normal"), {"residual": "pre"}),
        ("Normalization", ("sigmoid", "xavier_normal"), {"normalization": "batch"}),
        ("Initialization", ("relu", vn.scaled_gaussian(3.0)), {"initializer": "he_normal"}),
        ("Initialization", ("identity", vn.scaled_gaussian(3.0)), {"initializer": "orthogonal"}),
        ("Normalization", ("relu", vn.scaled_gaussian(3.0)), {"normalization": "layer"}),
        (
            "Residual connections",
            ("relu", "he_normal", 20, 32, None, "pre"),
            {"branch_scale": 20**-0.5},
        ),
    ],
)
def test_each_remedy_that_is_named_makes_the_network_steady(chapter, ill, remedy):
    names = ("activation", "initializer", "depth", "width", "normalization", "residual")
    settings = dict(zip(names, ill))
    found = vn.diagnose(experiment(**settings)[0])
    assert found.verdict != "steady" and any(line.startswith(chapter) for line in found.remedies)
    assert vn.diagnose(experiment(**settings | remedy)[0]).verdict == "steady"


def test_clipping_and_a_larger_loss_leave_a_vanishing_gradient_and_are_not_named():
    found = vn.diagnose(geometric(0.3, 12))
    assert not any("lipping" in line for line in found.remedies)
    assert any(line.startswith("Clipping") for line in vn.diagnose(geometric(3.0, 12)).remedies)


@pytest.mark.parametrize(
    ("dead", "batch", "said"), [(9, 8, True), (6, 8, True), (5, 8, False), (9, 7, False)]
)
def test_dead_units_are_evidence(dead, batch, said):
    layers = [np.ones((batch, 10)) for _ in range(3)]
    layers[1][:, :dead] = 0
    for found in (vn.diagnose([1.0] * 3, signals=layers), vn.diagnose(layers)):
        assert (
            f"{dead / 10:.0%} of the units of 2 are 0 on the whole batch" in found.evidence
        ) == said
        assert any("leaky ReLU" in line for line in found.remedies) == said
        assert found.verdict == "steady"
    # A row of a weight gradient is no sample.
    assert not any("whole batch" in line for line in vn.diagnose(layers, kind="weight").evidence)


@pytest.mark.parametrize(
    ("signals", "verdict", "first"),
    [
        ([1, 1, INF, NAN], "exploding", (3, "c")),
        ([1, NAN, INF, 1], "exploding", (2, "b")),
        ([1, 1, 1, NAN], "undefined", (4, "d")),
        ([1, 1, 1, 1], "steady", None),
    ],
)
def test_a_signal_that_is_not_finite_decides(signals, verdict, first):
    found = vn.diagnose(dict.fromkeys("abcd", 1.0), signals=signals)
    assert (found.verdict, found.first_layer) == (verdict, first)
    assert any(line.startswith("Number formats") for line in found.remedies) == (
        verdict == "exploding"
    )


def test_the_table_is_aligned_and_says_it_all(capsys):
    print(
        vn.diagnose(
            {"input": 1e-4, "a longer name": 1e-2, "c": 0.0, "out": 1.0}, signals=[1, 1, 1, 1]
        )
    )
    out = capsys.readouterr().out.splitlines()
    assert out == [
        "layer                 rms     factor",
        "input            1.00e-04       0.01  █",
        "a longer name    1.00e-02        inf  " + 22 * "█",
        "c                0.00e+00          0",
        "out              1.00e+00             " + 42 * "█",
        "vanishing by 1.0e-04 in all, from layer c on",
        "  the gradient changes by 0.0518 per layer going back",
        "  the gradient is 0 at 1 of 4 layers",
        "  the signal changes by 1 per layer going forward",
        "  try 1: Activations: ReLU or tanh, not sigmoid",
        "  try 2: Initialization: He for ReLU, Xavier for tanh, or orthogonal",
        "  try 3: Residual connections: an identity path past every block",
        "  try 4: Normalization: batch normalization",
        "  try 5: Recurrence: an LSTM with forget-gate bias 1, or a GRU, "
        "if the layers are time steps",
    ]


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


def test_the_signal_is_followed_forwards_and_the_gradient_backwards():
    found = vn.diagnose([8.0, 4.0, 2.0, 1.0], signals=[1.0, 3.0, 9.0, 27.0])
    assert found.evidence[0].startswith("the gradient changes by 2 per layer going back")
    assert found.evidence[1].startswith("the signal changes by 3 per layer going forward")
