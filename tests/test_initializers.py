"""Initializers: the variances they promise, shapes, dtypes, reproducibility."""

import math
import pickle

import numpy as np
import pytest

import vanishing as vn

FAN_OUT, FAN_IN = 300, 200
SHAPE = FAN_OUT, FAN_IN
# rule, standard deviation of a weight, bound of a weight (None: unbounded), standard deviation of a bias
CASES = [
    (vn.gaussian(0.3), 0.3, None, 0),
    (vn.gaussian(0.3, sigma_b=0.7), 0.3, None, 0.7),
    (vn.scaled_gaussian(1.5, sigma_b=0.2), 1.5 / math.sqrt(FAN_IN), None, 0.2),
    (vn.uniform(0.3, sigma_b=0.1), 0.3 / math.sqrt(3), 0.3, 0.1),
    (vn.xavier_normal, math.sqrt(2 / (FAN_IN + FAN_OUT)), None, 0),
    (vn.xavier_uniform, math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(6 / (FAN_IN + FAN_OUT)), 0),
    (vn.he_normal, math.sqrt(2 / FAN_IN), None, 0),
    (vn.he_uniform, math.sqrt(2 / FAN_IN), math.sqrt(6 / FAN_IN), 0),
    (vn.pytorch_default, 1 / math.sqrt(3 * FAN_IN), 1 / math.sqrt(FAN_IN), 1 / math.sqrt(3 * FAN_IN)),
]
BY_NAME = pytest.mark.parametrize(("rule", "std", "bound", "bias_std"), CASES, ids=[rule.name for rule, *_ in CASES])


def within_five_standard_errors(sample, std):
    """The sample's mean is 0 and its mean square std^2, each within five standard errors taken from the sample."""
    squares = sample.ravel() ** 2
    root = math.sqrt(sample.size)
    return abs(sample.mean()) <= 5 * sample.std() / root and abs(squares.mean() - std**2) <= 5 * squares.std() / root


@BY_NAME
def test_weights_and_biases_have_the_promised_variance(rule, std, bound, bias_std):
    rng = np.random.default_rng(1)
    weight = rule(SHAPE, rng=rng)
    bias = np.concatenate([rule.bias(SHAPE, rng=rng) for _ in range(50)])
    assert weight.shape == SHAPE
    assert within_five_standard_errors(weight, std)
    assert not within_five_standard_errors(weight, 1.05 * std)
    assert within_five_standard_errors(bias, bias_std)
    if bound is not None:
        assert 0.999 * bound < abs(weight).max() <= bound


def test_pytorch_default_biases_are_uniform_between_the_bounds_of_the_weights():
    bias = np.concatenate([vn.pytorch_default.bias(SHAPE, rng=np.random.default_rng(s)) for s in range(50)])
    assert 0.999 / math.sqrt(FAN_IN) < abs(bias).max() <= 1 / math.sqrt(FAN_IN)


@BY_NAME
def test_the_dtype_is_kept_and_the_numbers_do_not_depend_on_it(rule, std, bound, bias_std):
    single = rule(SHAPE, rng=np.random.default_rng(2), dtype=np.float32)
    double = rule(SHAPE, rng=np.random.default_rng(2))
    assert single.dtype == np.float32 and double.dtype == np.float64
    assert (single == double.astype(np.float32)).all()
    assert rule.bias(SHAPE, rng=np.random.default_rng(2), dtype=np.float32).dtype == np.float32


@BY_NAME
def test_initializers_pickle(rule, std, bound, bias_std):
    again = pickle.loads(pickle.dumps(rule))
    assert (again((3, 4), rng=np.random.default_rng(3)) == rule((3, 4), rng=np.random.default_rng(3))).all()


def test_names_resolve():
    assert vn.initializer("xavier_normal") is vn.xavier_normal
    assert vn.initializer(vn.he_normal) is vn.he_normal
    with pytest.raises(ValueError, match="initializer 'he_norm' is unknown; did you mean 'he_normal'"):
        vn.initializer("he_norm")
