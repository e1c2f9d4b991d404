"""Dropout and PReLU: their formulas, and what they do to signal and gradient."""

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import vanishing as vn


def dropped(rate, shape, seed=0):
    ones = np.ones(shape)
    layer = vn.Dropout(rate)
    output, memory = layer.forward(ones, vn.Mode(True, np.random.default_rng(seed)))
    return ones, output, layer.backward(memory, ones)[0]


@settings(max_examples=20)
@given(rate=st.sampled_from([0.1, 0.25, 0.5, 0.9]), seed=st.integers(0, 99))
def test_dropout_keeps_the_mean_and_scales_the_second_moment_by_one_over_one_minus_rate(rate, seed):
    _, output, d_input = dropped(rate, (100, 50), seed)
    assert np.unique(output) == pytest.approx([0, 1 / (1 - rate)], rel=1e-15)
    assert (d_input == output).all()
    for moment in (1, 2):
        powers, expected = d_input**moment, (1 - rate) ** (1 - moment)
        error = powers.std() / math.sqrt(powers.size)
        assert abs(powers.mean() - expected) < 5 * error


def test_dropout_passes_everything_at_rate_0_and_in_evaluation():
    ones, output, d_input = dropped(0, (5, 4))
    assert (output == ones).all() and (d_input == ones).all()
    layer, h = vn.Dropout(0.5), np.random.default_rng(5).standard_normal((5, 4))
    output, memory = layer.forward(h)
    assert (output == h).all() and (layer.backward(memory, ones)[0] == ones).all()


def test_dropout_draws_from_the_rng_that_mode_carries():
    network = vn.Sequential((vn.Dropout(0.5), vn.Linear(np.eye(4), np.zeros(4))))
    first, same, other = (
        network.record(np.ones((5, 4)), vn.Mode(True, np.random.default_rng(seed))).output
        for seed in (1, 1, 2)
    )
    assert (first == same).all() and (first != other).any()
    with pytest.raises(
        TypeError, match=r"^rng is None; a generator such as .*default_rng\(0\) is expected$"
    ):
        network.record(np.ones((5, 4)), vn.Mode(training=True))


def test_prelu_is_leaky_relu_with_a_slope_that_learns():
    z, d_output = (
        np.array([[-2.0, 0.0, 3.0], [-1.0, -4.0, 0.5]]),
        np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
    )
    for slope, gradient in (
        (np.array([0.25]), [-26.0]),
        (np.array([0.25, 0.5, -1.0]), [-6.0, -20.0, 0.0]),
    ):
        layer = vn.PReLU(slope)
        output, memory = layer.forward(z)
        assert (output == np.where(z > 0, z, slope * z)).all()
        d_input, parts = layer.backward(memory, d_output)
        assert (d_input == d_output * np.where(z > 0, 1, slope)).all()
        assert (
            parts["negative_slope"].tolist() == gradient
            and parts["negative_slope"].shape == slope.shape
        )
    leaky = vn.leaky_relu(0.25)
    assert (vn.PReLU(np.array([0.25])).forward(z)[0] == leaky(z)).all()
    assert not layer.is_weight_layer and layer.in_features == 3
    assert vn.PReLU(np.ones(1)).in_features is None and vn.PReLU(np.ones(2)).in_features == 2


def test_training_finds_the_slope_of_a_teacher():
    rng = np.random.default_rng(6)
    x = rng.standard_normal((200, 3))
    slopes = np.array([0.5, -1.0, 0.0])
    target = np.where(x > 0, x, slopes * x)

    def gradient(slope):
        output, memory = vn.PReLU(slope).forward(x)
        return vn.PReLU(slope).backward(memory, vn.mean_squared_error.gradient(output, target))[1][
            "negative_slope"
        ]

    assert vn.descend(gradient, np.full(3, 0.25), learning_rate=1.0, steps=40)[-1] == pytest.approx(
        slopes, abs=1e-6
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: vn.Dropout(1.0), ValueError, "^rate is 1.0; .*of at least 0 and below 1"),
        (lambda: vn.Dropout(-0.1), ValueError, "^rate is -0.1; .*of at least 0 and below 1"),
        (lambda: vn.PReLU(0.25), ValueError, r"^negative_slope has shape \(\); 1 axes"),
    ],
)
def test_what_is_no_rate_and_no_slope_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(("slopes", "steepest"), [([0.25, 0.5], 1.0), ([-3.0, 0.5], 3.0)])
def test_prelu_gives_its_derivatives_and_says_that_training_moves_them(slopes, steepest):
    layer = vn.PReLU(np.array(slopes))
    z = np.array([[-1.0, -2.0], [0.0, 0.0], [0.5, 2.0]])
    (found,) = layer.nonlinearities(layer.forward(z)[1])
    assert found.derivative.tolist() == [slopes, slopes, [1, 1]]
    assert (found.max_derivative, found.trainable) == (steepest, True)
