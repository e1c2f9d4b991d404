"""Activations: values, derivatives, suprema, limits, dtypes."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vanishing as vn

ALL = [vn.identity, vn.sigmoid, vn.tanh, vn.relu, vn.leaky_relu(), vn.leaky_relu(0.3)]
BY_NAME = pytest.mark.parametrize("phi", ALL, ids=lambda phi: phi.name)
# Not at the kink, and where a difference quotient can see the slope.
POINTS = st.floats(-30, 30).filter(lambda z: abs(z) > 1e-3)


@BY_NAME
@given(z=POINTS)
def test_derivative_is_the_complex_step_derivative(phi, z):
    step = 1e-20
    expected = phi(np.array([z + 1j * step])).imag[0] / step
    assert phi.derivative(z) == pytest.approx(expected, rel=1e-12, abs=0)


@BY_NAME
@given(z=st.floats(-4, 4).filter(lambda z: abs(z) > 1e-3))
def test_derivative_is_the_difference_quotient(phi, z):
    step = 1e-5
    quotient = (phi(z + step) - phi(z - step)) / (2 * step)
    assert phi.derivative(z) == pytest.approx(quotient, abs=1e-9)


@BY_NAME
def test_a_derivative_off_by_a_thousandth_is_seen(phi):
    z, step = 0.7, 1e-20
    expected = phi(np.array([z + 1j * step])).imag[0] / step
    assert 1.001 * phi.derivative(z) != pytest.approx(expected, rel=1e-5)


@BY_NAME
@given(z=st.floats(-15, 15))
def test_the_slope_from_h_is_the_derivative(phi, z):
    h = phi.value(np.array([z]))
    assert float(phi.slopes(phi.memory(np.array([z]), h))[0]) == pytest.approx(float(phi.derivative(z)), abs=4e-16)


@BY_NAME
def test_steepest_is_the_supremum(phi):
    slopes = phi.derivative(np.linspace(-20, 20, 4001))
    assert slopes.max() == phi.steepest
    assert slopes.min() >= 0


@pytest.mark.parametrize(
    ("phi", "left", "right"),
    [
        (vn.sigmoid, 0, 1),
        (vn.tanh, -1, 1),
        (vn.relu, 0, 1000),
        (vn.identity, -1000, 1000),
        (vn.leaky_relu(), -10, 1000),
    ],
    ids=lambda item: getattr(item, "name", None),
)
def test_values_at_a_thousand(phi, left, right):
    assert phi(np.array([-1000.0, 1000.0])) == pytest.approx([left, right], abs=1e-300)


@BY_NAME
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_large_arguments_raise_no_floating_point_flag_and_keep_the_dtype(phi, dtype):
    z = np.array([-1e4, -745, -100, -88, -10, 0, 10, 88, 100, 745, 1e4]).astype(dtype)
    with np.errstate(all="raise"):
        h, slopes = phi(z), phi.derivative(z)
    assert h.dtype == slopes.dtype == dtype
    assert h.shape == slopes.shape == z.shape
    assert np.isfinite(h).all() and np.isfinite(slopes).all()


def test_both_tails_of_sigmoid_keep_their_digits():
    # sigma(-z) = exp(-z) / (1 + exp(-z)), sigma' is even
    assert vn.sigmoid(-40.0) == pytest.approx(np.exp(-40), rel=1e-14)
    assert vn.sigmoid.derivative(40.0) == vn.sigmoid.derivative(-40.0) == pytest.approx(np.exp(-40), rel=1e-14)
    assert vn.tanh.derivative(20.0) == vn.tanh.derivative(-20.0) == pytest.approx(4 * np.exp(-40), rel=1e-14)


@given(z=st.floats(-300, 300))
def test_sigmoid_and_its_mirror_sum_to_one(z):
    assert vn.sigmoid(z) + vn.sigmoid(-z) == pytest.approx(1, rel=1e-15)


def test_the_slope_at_the_kink_is_the_one_from_the_left():
    assert vn.relu.derivative(0.0) == 0
    assert vn.leaky_relu(0.1).derivative(0.0) == 0.1
    assert vn.relu(np.array([1e-20j])) == 0


def test_names_resolve():
    assert [vn.activation(phi.name) for phi in ALL[:4]] == ALL[:4]
    assert vn.activation("leaky_relu").name == "leaky_relu(0.01)"
    assert vn.activation(vn.relu) is vn.relu


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match="activation 'sigmod' is unknown; did you mean 'sigmoid'?.*Known: identity, "):
        vn.activation("sigmod")


@BY_NAME
def test_activations_pickle_and_copy(phi):
    z = np.array([-2.0, 3.0])
    for again in (pickle.loads(pickle.dumps(phi)), copy.deepcopy(phi)):
        assert again.name == phi.name and (again(z) == phi(z)).all()
