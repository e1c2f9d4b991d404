"""Losses: values by hand, gradients by complex step, stability, refusal of wrong targets."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

import vanishing as vn

OUTPUTS = arrays(np.float64, (4, 3), elements=st.floats(-50, 50))
LABELS = np.array([0, 2, 1, 2])
VALUES = np.linspace(-1, 1, 12).reshape(4, 3)
CASES = pytest.mark.parametrize(
    ("loss", "target"),
    [(vn.softmax_cross_entropy, LABELS), (vn.mean_squared_error, VALUES)],
    ids=["softmax_cross_entropy", "mean_squared_error"],
)


@CASES
@given(output=OUTPUTS)
def test_the_gradient_is_the_complex_step_gradient(loss, target, output):
    expected = vn.complex_step(lambda z: loss(z, target), output)
    assert loss.gradient(output, target) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@CASES
@given(output=OUTPUTS)
def test_the_gradient_is_the_forward_mode_gradient(loss, target, output):
    expected = vn.forward_mode(lambda z: loss(z, target), output)
    assert loss.gradient(output, target) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@CASES
def test_the_dtype_is_kept_and_time_is_another_batch_axis(loss, target):
    output = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)
    assert loss.gradient(output, target).dtype == np.float32
    stacked = loss(np.stack([output, output]), np.stack([target, target]))
    assert stacked == pytest.approx(loss(output, target))
    assert loss.gradient(np.stack([output, output]), np.stack([target, target])).shape == (2, 4, 3)


def test_cross_entropy_by_hand():
    # equal logits: log 3; a lead of log 3 over two others: -log(3/5)
    assert vn.softmax_cross_entropy(np.zeros((2, 3)), [0, 1]) == pytest.approx(math.log(3))
    assert vn.softmax_cross_entropy(np.array([[math.log(3), 0, 0]]), [0]) == pytest.approx(
        math.log(5 / 3)
    )


def test_cross_entropy_of_huge_logits_does_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        assert vn.softmax_cross_entropy(np.array([[1e4, -1e4, 0.0]]), [1]) == pytest.approx(2e4)
        assert vn.softmax_cross_entropy.gradient(np.array([[1e4, -1e4, 0.0]]), [1]).tolist() == [
            [1, -1, 0]
        ]


def test_mean_squared_error_by_hand():
    # (1 + 4) / 2 and (9 + 0) / 2, averaged over a batch of two
    output, target = np.array([[1.0, 2.0], [3.0, 0.0]]), np.zeros((2, 2))
    assert vn.mean_squared_error(output, target) == (2.5 + 4.5) / 2
    assert vn.mean_squared_error.gradient(output, target).tolist() == [[0.5, 1.0], [1.5, 0.0]]


def test_accuracy_counts_rows():
    assert vn.accuracy(np.eye(4), [0, 1, 2, 0]) == 0.75


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: vn.softmax_cross_entropy(np.eye(3), [0, 1, 3]),
            ValueError,
            "target runs from 0 to 3; 0 to 2",
        ),
        (
            lambda: vn.softmax_cross_entropy(np.eye(3), [0, -1, 1]),
            ValueError,
            "target runs from -1 to 1; 0 to 2",
        ),
        (
            lambda: vn.softmax_cross_entropy(np.eye(3), [0, 1]),
            ValueError,
            r"target has shape \(2,\); .* \(3,\)",
        ),
        (
            lambda: vn.softmax_cross_entropy(np.eye(3), np.eye(3)),
            TypeError,
            "target has dtype float64; class numbers",
        ),
        (
            lambda: vn.softmax_cross_entropy.gradient(np.full((1, 3), np.nan), [0]),
            ValueError,
            "output holds nan",
        ),
        (
            lambda: vn.mean_squared_error(np.eye(3), np.ones(3)),
            ValueError,
            r"target has shape \(3,\); \(3, 3\)",
        ),
        (
            lambda: vn.mean_squared_error(np.eye(3), np.full((3, 3), np.inf)),
            ValueError,
            "target holds inf",
        ),
        (
            lambda: vn.mean_squared_error(np.ones(3), np.ones(3)),
            ValueError,
            r"output has shape \(3,\); at least 2",
        ),
        (lambda: vn.accuracy(np.eye(3), [0.0, 1.0, 2.0]), TypeError, "target has dtype float64"),
    ],
)
def test_wrong_outputs_and_targets_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
