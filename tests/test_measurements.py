"""Measurements: each column against its definition, the factor, the verdict, and overflow."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vanishing as vn


def passes(activation="tanh", dtype=np.float64, widths=(6, 8, 8, 8, 4), **settings):
    rng = np.random.default_rng(0)
    network = vn.dense_network(widths, activation=activation, rng=rng, dtype=dtype, **settings)
    x, labels = (
        rng.standard_normal((16, widths[0])).astype(dtype),
        rng.integers(widths[-1], size=16),
    )
    record = network.record(x)
    gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels))
    return network, x, labels, record, gradients


@pytest.mark.parametrize(
    "activation",
    [
        "identity",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "swish",
        "mish",
        "gelu",
        "softplus",
    ]
    + ["softsign", "hard_tanh"],
)
def test_each_column_is_its_definition(activation):
    network, x, labels, record, gradients = passes(
        activation, initializer=vn.scaled_gaussian(4.0, sigma_b=1.0)
    )
    phi = vn.activation(activation)
    measured = vn.measure(network, x, labels)

    def rms(arrays):
        return [np.sqrt(np.mean(array**2)) for array in arrays]

    slopes = [phi.derivative(z) for z in record.z[:-1]]
    assert measured.signal_rms == pytest.approx(rms(record.h[1:]))
    assert measured.preactivation_rms == pytest.approx(rms(record.z))
    assert measured.delta_norm == pytest.approx(
        [math.sqrt((delta**2).sum() / len(delta)) for delta in gradients.delta]
    )
    assert measured.weight_gradient_norm == pytest.approx(
        [np.linalg.norm(g) for g in gradients.weight]
    )
    assert measured.weight_gradient_rms == pytest.approx(rms(gradients.weight))
    assert measured.saturated == pytest.approx(
        [np.mean(abs(s) < phi.max_derivative / 20) for s in slopes] + [0]
    )
    assert measured.dead == pytest.approx([np.mean((s == 0).all(axis=0)) for s in slopes] + [0])


def test_measuring_while_running_and_from_a_record_agree():
    network, x, labels, record, gradients = passes("relu")
    one, two = vn.measure(network, x, labels), vn.measure_record(record, gradients)
    assert all(
        (getattr(one, name) == getattr(two, name)).all() for name in one.__dataclass_fields__
    )


def test_dead_units_are_counted_and_units_dead_on_half_the_batch_are_not():
    bias = np.array([-100.0, 0.0, 100.0, -100.0])
    network = vn.Sequential(
        (vn.Linear(np.eye(4), bias), vn.Activate(vn.relu), vn.Linear(np.eye(4), np.zeros(4)))
    )
    x = np.concatenate([-np.ones((8, 4)), np.ones((8, 4))])
    measured = vn.measure(network, x, np.zeros(16, int))
    assert measured.dead.tolist() == [0.5, 0]
    assert measured.saturated.tolist() == [(16 + 16 + 8) / 64, 0]


def test_a_single_dead_unit_among_live_ones_is_counted():
    network = vn.Sequential(
        (vn.Linear(np.eye(4), np.array([-100.0, 9, 9, 9])), vn.Activate(vn.relu))
    )
    measured = vn.measure(network, np.ones((8, 4)), np.zeros(8, int))
    assert (measured.saturated.tolist(), measured.dead.tolist()) == ([0.25], [0.25])


def test_a_slope_below_zero_is_flat_only_if_it_is_small():
    z = np.array(
        [[-1.5], [-1.0], [-0.8], [1.0]]
    )  # GELU's slopes there: -0.127, -0.083, -0.020, 1.083; 1/20 of 1.129
    network = vn.Sequential((vn.Linear(np.eye(1), np.zeros(1)), vn.Activate(vn.activation("gelu"))))
    measured = vn.measure(network, z, z, loss=vn.mean_squared_error)
    assert (measured.saturated.tolist(), measured.dead.tolist()) == ([0.25], [0])


def test_a_flat_unit_that_is_not_exactly_flat_is_not_dead():
    z = np.array([[40.0, 800.0], [50.0, 900.0]])  # sigmoid's slope: 4e-18 and, in floating point, 0
    network = vn.Sequential((vn.Linear(-np.eye(2), np.zeros(2)), vn.Activate(vn.sigmoid)))
    measured = vn.measure(network, z, z, loss=vn.mean_squared_error)
    assert (measured.saturated.tolist(), measured.dead.tolist()) == ([1], [0.5])


HALF_DEAD = vn.Linear(np.zeros((4, 4)), np.array([-1.0, 1.0, -1.0, 1.0]))


@pytest.mark.parametrize(
    ("layers", "dead"),
    [
        ((vn.LayerNorm(0 * np.ones(4), HALF_DEAD.bias), vn.Activate(vn.relu)), [0, 0.5, 0]),
        (
            (
                vn.BatchNorm(np.zeros(4), HALF_DEAD.bias, np.zeros(4), np.ones(4)),
                vn.Activate(vn.relu),
            ),
            [0, 0.5, 0],
        ),
        (
            (vn.Residual(vn.Sequential((HALF_DEAD, vn.Activate(vn.relu), HALF_DEAD))),),
            [0, 0, 0.5, 0],
        ),
        ((vn.Residual(HALF_DEAD), vn.Activate(vn.relu)), [0, 0, 0.25, 0]),
        ((vn.PReLU(np.zeros(1)),), [0, 0, 0]),  # its slope is trainable: no unit is dead for good
    ],
)
def test_dead_units_are_found_behind_normalization_and_in_branches(layers, dead):
    rng = np.random.default_rng(0)
    first, middle, last = (vn.Linear(np.eye(4), np.zeros(4)) for _ in range(3))
    network = vn.Sequential((first, middle, *layers, last))
    x = np.concatenate(
        [
            np.tile([-3.0, 3.0, 3.0, 3.0], (8, 1)),
            rng.standard_normal((8, 4)) * [0.1, 1, 1, 1] - [3, 0, 0, 0],
        ]
    )
    for mode in (vn.Mode(), vn.Mode(training=True)):
        measured = vn.measure(network, x, np.zeros(16, int), mode=mode)
        assert measured.dead.tolist() == dead


def test_memory_is_what_the_layers_keep():
    network, x, labels, *_ = passes("tanh", widths=(16,) * 161)
    x, labels = np.tile(x, (128, 1)), np.tile(labels, 128)
    memories = {id(memory): memory for memory in network.record(x).memories}
    kept = sum(memory.nbytes for memory in memories.values())
    tracemalloc.start()
    vn.measure(network, x, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 40e6 < kept < peak < 1.05 * kept  # a few arrays of 160 more


@given(
    factor=st.floats(0.05, 20),
    depth=st.integers(2, 60),
    scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e6]),
    data=st.data(),
)
def test_the_factor_of_a_geometric_sequence_is_its_factor(factor, depth, scale, data):
    delta = scale * factor ** np.arange(depth - 1, -1, -1.0)
    measured = with_delta(delta)
    assert measured.factor == pytest.approx(factor)
    assert measured.factors == pytest.approx(np.full(depth - 1, factor))
    ratio = factor ** (depth - 1)
    if not (0.0099 < ratio < 0.0101 or 99 < ratio < 101):
        assert measured.verdict == (
            "vanishing" if ratio < 0.01 else "exploding" if ratio > 100 else "steady"
        )


def with_delta(delta):
    ones = np.ones(len(delta))
    return vn.Measurements(ones, ones, np.asarray(delta, float), ones, ones, 0 * ones, 0 * ones)


@pytest.mark.parametrize(
    ("delta", "expected", "factor"),
    [
        ([0, 0, 1e-300, 1e-200], "vanishing", 1e-100),
        ([0, 0, 0, 1], "blocked", np.nan),
        ([0, 0, 0, 0], "undefined", np.nan),
        ([1, 1, 1, 0], "steady", 1),
        ([np.inf, 1e10, 1e5, 1], "exploding", 1e5),
        ([np.nan, np.inf, 1, 1], "exploding", 1),
        ([np.nan, np.nan, 1, 1], "undefined", 1),
        ([1e308, 1, 1, 1e-308], "exploding", None),
        ([1e-308, 1, 1, 1e308], "vanishing", None),
        ([1], "undefined", np.nan),
    ],
)
def test_zero_nan_and_infinity_have_a_verdict(delta, expected, factor):
    with np.errstate(all="raise"):
        measured = with_delta(delta)
        assert vn.verdict(delta) == measured.verdict == expected
        if factor is not None:
            assert measured.factor == pytest.approx(factor, rel=1e-9, abs=0, nan_ok=True)
        assert expected in str(measured)


def test_the_scale_of_the_loss_changes_no_verdict_and_no_factor():
    network, x, labels, record, _ = passes("sigmoid", widths=(6, *[8] * 20, 4))
    d_output = vn.softmax_cross_entropy.gradient(record.output, labels)
    one, other = (vn.measure_record(record, record.backward(c * d_output)) for c in (1.0, 1e6))
    assert other.delta_norm == pytest.approx(1e6 * one.delta_norm, rel=1e-12, abs=0)
    assert other.factor == pytest.approx(one.factor)
    assert other.verdict == one.verdict == "vanishing"


@pytest.mark.parametrize(
    ("sigma_w", "expected"), [(0.2, "vanishing"), (1.0, "steady"), (4.0, "exploding")]
)
def test_a_linear_network_does_what_sigma_w_says(sigma_w, expected):
    rng = np.random.default_rng(2)
    network = vn.dense_network(
        [100] * 13, activation="identity", initializer=vn.scaled_gaussian(sigma_w), rng=rng
    )
    measured = vn.measure(network, rng.standard_normal((20, 100)), rng.integers(100, size=20))
    assert measured.verdict == expected
    assert measured.factor == pytest.approx(sigma_w, rel=0.1)
    assert not measured.saturated.any()


def test_the_output_layer_hardly_counts_in_the_factor():
    delta = 0.3 ** np.arange(20, 0, -1.0)
    delta[-1] *= 10
    measured = with_delta(delta)
    ends = measured.ratio ** (1 / 19)
    assert abs(measured.factor - 0.3) < abs(ends - 0.3) / 3


def test_an_overflow_is_a_verdict_and_no_warning():
    rng = np.random.default_rng(3)
    network = vn.dense_network([50] * 40, activation="relu", initializer=vn.gaussian(1e8), rng=rng)
    measured = vn.measure(network, rng.standard_normal((5, 50)), rng.integers(50, size=5))
    assert measured.verdict == "exploding"
    assert not np.isfinite(measured.signal_rms).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("part", [1e-3, 0.6, 0.95, 1.03])
def test_rms_survives_squares_outside_the_number_range(dtype, part):
    limits = np.finfo(dtype)
    for size in (float(limits.tiny) ** part, (float(limits.max) / 4) ** min(part, 1)):
        array = np.array([3 * size, -3 * size, 0, 0], dtype) / dtype(5)
        expected = float(abs(array).max()) / np.sqrt(2)
        assert vn.rms(array) == pytest.approx(expected, rel=1e-6, abs=0)


def test_float32_deltas_below_the_root_of_the_smallest_number_are_measured():
    network, x, labels, *_ = passes("sigmoid", np.float32, widths=(6, *[8] * 40, 4))
    wide = vn.dense_network((6, *[8] * 40, 4), activation="sigmoid", rng=np.random.default_rng(0))
    narrow, exact = vn.measure(network, x, labels), vn.measure(wide, x.astype(np.float64), labels)
    assert exact.delta_norm[0] < 1e-25
    assert narrow.delta_norm == pytest.approx(exact.delta_norm, rel=1e-3, abs=0)
    assert narrow.weight_gradient_norm == pytest.approx(exact.weight_gradient_norm, rel=1e-3, abs=0)


def test_float16_is_summed_in_a_wider_format():
    assert vn.rms(np.full(10000, 0.1, np.float16)) == pytest.approx(0.1, rel=1e-3)
    assert vn.rms(np.full(10000, 300, np.float16)) == pytest.approx(300, rel=1e-3)


def test_a_network_without_a_z_cannot_be_measured():
    with pytest.raises(ValueError, match="network has no layer with a z_l, such as Linear"):
        vn.measure(vn.Sequential((vn.Activate(vn.tanh),)), np.ones((2, 2)), [0, 1])


def test_the_table_has_a_line_per_layer():
    network, x, labels, *_ = passes()
    lines = str(vn.measure(network, x, labels)).splitlines()
    assert len(lines) == 1 + 4 + 1
    assert lines[0].split()[0] == "layer" and lines[-1].startswith("steady: delta changes by ")


@pytest.mark.parametrize("wrong", [[], [-1.0, 1.0], [[1.0, 2.0]]])
def test_what_is_no_sequence_of_norms_is_refused(wrong):
    with pytest.raises(
        ValueError,
        match="gradients is .*(one non-negative number per layer|at least one number) is expected",
    ):
        vn.verdict(wrong)


def test_the_ends_of_steady_are_steady():
    assert [vn.verdict([first, 1.0]) for first in (0.00999, 0.01, 100.0, 100.1)] == [
        "vanishing",
        "steady",
        "steady",
        "exploding",
    ]


def test_the_table_has_a_line_for_each_layer_under_its_heading():
    ones = np.ones(2)
    measured = vn.Measurements(
        2 * ones, ones, np.array([0.5, 1.0]), 3 * ones, ones, 0.25 * ones, 0.5 * ones
    )
    assert str(measured).splitlines() == [
        "layer       rms h     |delta|     |dL/dW|  saturated   dead",
        "    1    2.00e+00    5.00e-01    3.00e+00        25%    50%",
        "    2    2.00e+00    1.00e+00    3.00e+00        25%    50%",
        "steady: delta changes by 0.5 per layer going back, 5.0e-01 in all",
    ]


NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("gradients", "signals", "expected"),
    [
        ([1e-5, 1e-2, 1.0], [1.0, 1.0, 1.0], "vanishing"),
        ([1e5, 1e2, 1.0], [1.0, 1.0, 1.0], "exploding"),
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], "steady"),
        ([1.0, 1.0, 1.0], [1.0, INF, NAN], "exploding"),
        ([NAN, NAN, NAN], [1.0, INF, NAN], "exploding"),
        ([INF, 1.0, 1.0], [1.0, NAN, 1.0], "exploding"),
        ([1.0, 1.0, 1.0], [1.0, NAN, NAN], "undefined"),
        ([NAN, 1.0, 1.0], [1.0, 1.0, 1.0], "undefined"),
        ([0.0, 0.0, 1.0], [1.0, 1.0, 1.0], "blocked"),
    ],
)
def test_there_is_one_verdict(gradients, signals, expected):
    """For a network, for arrays, and for numbers: the same rule on the same numbers."""
    ones = np.ones(3)
    measured = vn.Measurements(
        np.array(signals), np.array(signals), np.array(gradients), ones, ones, 0 * ones, 0 * ones
    )
    arrays = [np.full((2, 2), size) for size in gradients], [np.full(2, s) for s in signals]
    with np.errstate(all="raise"):
        assert vn.verdict(gradients, signals=signals) == expected
        assert measured.verdict == measured.diagnosis.verdict == expected
        assert vn.diagnose(gradients, signals=signals).verdict == expected
        assert vn.diagnose(arrays[0], signals=arrays[1]).verdict == expected
    assert str(measured).splitlines()[-1].startswith(expected)


def test_a_signal_that_overflows_into_nan_explodes_whoever_is_asked():
    """Infinity minus infinity is NaN in the layer that overflows: input and weights are finite."""
    weight = np.array([[1e200, -1e200], [1e200, -1e200]])
    layers = [vn.Linear(weight, np.zeros(2)) for _ in range(3)]
    network = vn.Sequential((*layers, vn.Activate("tanh"), vn.Linear(np.eye(2), np.zeros(2))))
    measured = vn.measure(network, np.ones((3, 2)) * [2, 1], np.zeros(3, int))
    assert np.isinf(measured.preactivation_rms).any()
    assert not np.isnan(measured.signal_rms).any()
    assert measured.verdict == measured.diagnosis.verdict == "exploding"
    assert (
        measured.diagnosis.first_layer[0] == int(np.isinf(measured.preactivation_rms).argmax()) + 1
    )


@pytest.mark.parametrize("widths", [(64, 64, 64, 64), (64, 256, 32, 512), (512, 128, 32, 8)])
def test_the_norm_per_sample_keeps_its_factor_whatever_the_widths(widths):
    """He's chi is 1 for ReLU: the mean square norm stays, within five standard errors."""
    squares = []
    for rng in np.random.default_rng(5).spawn(400):
        network = vn.dense_network(
            [*widths, 4], activation="relu", initializer="he_normal", rng=rng
        )
        record = network.record(rng.standard_normal((4, widths[0])))
        delta = record.backward(rng.standard_normal(record.output.shape)).delta
        squares.append([vn.norm_per_sample(d) ** 2 for d in (delta[0], delta[-2])])
    gained = np.array(squares) @ (1, -1)
    assert abs(gained.mean()) < 5 * gained.std() / math.sqrt(len(gained))


def test_a_sample_is_all_that_stands_behind_the_first_axis():
    assert vn.norm_per_sample(np.full((7, 2, 2), 3.0)) == pytest.approx(6.0)
    assert vn.norm_per_sample(np.array([1e-200, 3e-200])) == pytest.approx(math.sqrt(5) * 1e-200)
