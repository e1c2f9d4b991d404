"""Correlations between samples, and between gradients along a line of inputs."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vanishing as vn


def network_of(widths):
    rng = np.random.default_rng(0)
    network = vn.dense_network(widths, activation="tanh", rng=rng)
    return network, rng.standard_normal((3, widths[0]))


def linear(matrix):
    return vn.Sequential((vn.Linear(matrix, np.zeros(len(matrix), matrix.dtype)),))


def series(gradient):
    """A sum of kinks R -> R whose input gradient at the points 0, 1, 2, ... is the sequence."""
    jumps = np.diff(gradient, prepend=0.0)
    hidden = vn.Linear(np.ones((len(jumps), 1)), 0.5 - np.arange(len(jumps)))
    return vn.Sequential((hidden, vn.Activate(vn.relu), vn.Linear(jumps[None], np.zeros(1))))


@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=9).filter(lambda g: len(set(g)) > 1),
    st.booleans(),
)
def test_the_autocorrelation_is_its_definition(gradient, centered):
    g = np.array(gradient, float)
    found = vn.gradient_autocorrelation(
        series(g), np.arange(len(g), dtype=float)[:, None], centered=centered
    )
    g = g - g.mean() if centered else g
    expected = [sum(g[i] * g[i + k] for i in range(len(g) - k)) / sum(g**2) for k in range(len(g))]
    assert found == pytest.approx(expected, abs=1e-12)


def test_centering_is_the_default_and_takes_the_mean_out():
    points = np.arange(200.0)[:, None]
    network = series(10 + np.random.default_rng(0).standard_normal(200))
    assert vn.gradient_autocorrelation(network, points, centered=False)[1] > 0.95
    assert abs(vn.gradient_autocorrelation(network, points)[1]) < 5 / np.sqrt(200)


def test_the_autocorrelation_of_several_inputs_and_outputs_sums_over_them():
    network, x = network_of((4, 6, 3))
    g = vn.jacobian(network, x).sum(axis=1)
    g -= g.mean(axis=0)
    found = vn.gradient_autocorrelation(network, x)
    assert found == pytest.approx([np.sum(g[: 3 - k] * g[k:]) / np.sum(g * g) for k in range(3)])


def test_a_gradient_that_is_the_same_everywhere_has_no_autocorrelation():
    assert np.isnan(vn.gradient_autocorrelation(linear(np.eye(1)), np.ones((4, 1)))).all()


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200])
def test_the_signal_correlation_is_the_cosine_layer_by_layer(scale):
    network, x = network_of((4, 6, 6, 3))
    signals = network.record(x).h
    found = vn.signal_correlation([scale * h for h in signals])
    assert found.shape == (4, 3, 3)
    for layer, h in zip(found, signals, strict=True):
        norms = np.linalg.norm(h, axis=1)
        assert layer == pytest.approx(h @ h.T / np.outer(norms, norms))


def test_a_row_of_zeros_has_no_correlation():
    found = vn.signal_correlation([np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]], np.float32)])[0]
    assert found.dtype == np.float32
    assert np.isnan(found[0]).all() and np.isnan(found[:, 0]).all()
    assert found[1:, 1:].tolist() == [[1, 0], [0, 1]]


def test_signals_of_different_batches_are_refused():
    with pytest.raises(
        ValueError, match=r"signals has shapes \[\(2, 3\), \(4, 3\)\]; \(batch, n_l\) per layer is"
    ):
        vn.signal_correlation([np.ones((2, 3)), np.ones((4, 3))])


def test_the_signal_difference_is_the_deviation_from_the_mean_of_the_batch():
    network, x = network_of((4, 6, 3))
    found = vn.signal_difference(network.record(x).h)
    assert found == pytest.approx([np.sqrt(np.mean(h.var(axis=0))) for h in network.record(x).h])
    assert vn.signal_difference([np.full((2, 3), 0.1), np.array([[1.0], [5.0]])]).tolist() == [0, 2]


def test_the_signal_difference_keeps_what_the_mean_of_large_values_would_round():
    h = np.full((3, 1), 0.5) + np.array([[0.0], [1.0], [2.0]]) * 2.0**-53
    expected = np.ptp(h) * np.sqrt(1 / 6) if len(set(h.ravel())) == 3 else h.std()
    assert vn.signal_difference([h])[0] == pytest.approx(expected, rel=0.3)
    assert vn.signal_difference([np.full((7, 1), 0.1)])[0] == 0
