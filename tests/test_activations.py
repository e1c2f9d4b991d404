"""Activations: values, derivatives, suprema, limits, dtypes."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import vanishing as vn

NAMED = [
    vn.identity,
    vn.sigmoid,
    vn.tanh,
    vn.relu,
    vn.selu,
    vn.silu,
    vn.mish,
    vn.gelu,
    vn.gelu_tanh,
    vn.softplus,
    vn.softsign,
    vn.hard_tanh,
    vn.scaled_tanh,
]
ALL = [
    *NAMED,
    vn.leaky_relu(),
    vn.leaky_relu(0.3),
    vn.elu(),
    vn.elu(0.4),
    vn.elu(2.5),
    vn.swish(0.3),
    vn.swish(3.0),
]
GATED = {"silu", "mish", "gelu", "gelu_tanh", "swish(0.3)", "swish(3)"}
BY_NAME = pytest.mark.parametrize("phi", ALL, ids=lambda phi: phi.name)


def points(width):
    """Numbers that are not at a kink of any activation."""
    return st.floats(-width, width).filter(lambda z: min(abs(z), abs(abs(z) - 1)) > 1e-3)


@BY_NAME
@settings(max_examples=12)
@given(z=points(30))
def test_derivative_is_the_complex_step_derivative(phi, z):
    step = 1e-20
    expected = phi(np.array([z + 1j * step])).imag[0] / step
    # Relative digits in the tails; where a gated activation's slope passes through 0, absolute
    # ones.
    near_zero = 1e-15 if phi.name in GATED and abs(z) < 6 else 0
    if phi is vn.mish:
        near_zero = 1e-14  # NumPy's complex log1p has no relative digits
    assert phi.derivative(z) == pytest.approx(expected, rel=1e-12, abs=near_zero)


@BY_NAME
@settings(max_examples=12)
@given(z=points(30))
def test_derivative_is_what_a_dual_number_carries(phi, z):
    h = phi.formula(vn.Dual(np.array([z]), np.array([2.0])))
    assert h.value[0] == pytest.approx(phi(z), rel=1e-15)
    assert h.tangent[0] == pytest.approx(2 * phi.derivative(z), rel=1e-12, abs=1e-15)


@BY_NAME
@settings(max_examples=12)
@given(z=points(4))
def test_derivative_is_the_difference_quotient(phi, z):
    step = 1e-5
    quotient = (phi(z + step) - phi(z - step)) / (2 * step)
    assert phi.derivative(z) == pytest.approx(quotient, abs=3e-9)


@BY_NAME
def test_a_derivative_off_by_a_thousandth_is_seen(phi):
    z, step = 0.7, 1e-20
    expected = phi(np.array([z + 1j * step])).imag[0] / step
    assert 1.001 * phi.derivative(z) != pytest.approx(expected, rel=1e-5)


@BY_NAME
@settings(max_examples=12)
@given(z=st.floats(-15, 15))
def test_the_derivative_from_h_is_the_derivative(phi, z):
    h = phi.formula(np.array([z]))
    assert float(phi.derivative_from(phi.memory(np.array([z]), h))[0]) == pytest.approx(
        float(phi.derivative(z)), abs=1e-15
    )


@BY_NAME
def test_the_derivative_comes_from_h_except_where_phi_is_not_monotone(phi):
    z, h = np.array([0.5]), np.array([0.6])
    assert phi.memory(z, h) is (z if phi.name in GATED else h)
    assert (phi.derivative_from_output is None) == (phi.name in GATED)


def largest(function, low=-40.0, high=40.0):
    """The largest value of a function in an interval and where it stands, by finer grids."""
    for _ in range(6):
        z = np.linspace(low, high, 4001)
        best = z[function(z).argmax()]
        low, high = best - (high - low) / 1000, best + (high - low) / 1000
    return function(z).max(), best


@BY_NAME
def test_steepest_is_the_supremum(phi):
    supremum, _ = largest(lambda z: abs(phi.derivative(z)))
    assert supremum == pytest.approx(phi.max_derivative, rel=3e-15, abs=0)
    assert (phi.derivative(np.linspace(-20, 20, 4001)).min() < 0) == (phi.name in GATED)


@pytest.mark.parametrize(
    ("phi", "steepest"),
    [
        (vn.sigmoid, 0.25),
        (vn.tanh, 1),
        (vn.softsign, 1),
        (vn.hard_tanh, 1),
        (vn.scaled_tanh, 1.7159 * 2 / 3),
        (vn.elu(), 1),
        (vn.elu(2.5), 2.5),
        (vn.selu, 1.0507009873554805 * 1.6732632423543772),
    ],
    ids=lambda item: getattr(item, "name", None),
)
def test_the_largest_derivative_stands_at_zero(phi, steepest):
    assert phi.derivative(0.0) == phi.max_derivative == pytest.approx(steepest, rel=1e-15)


# Values to 17 digits by arbitrary-precision arithmetic.
@pytest.mark.parametrize(
    ("phi", "lowest_at", "lowest", "steepest_at", "steepest", "least"),
    [
        (
            vn.silu,
            -1.2784645427610738,
            -0.2784645427610738,
            2.3993572805154677,
            1.0998393201288669,
            -0.099839320128867,
        ),
        (
            vn.mish,
            -1.1924312145154952,
            -0.3088434130172504,
            1.4905711794854285,
            1.0884981612517279,
            -0.112526122389463,
        ),
        (
            vn.gelu,
            -0.7517915246935646,
            -0.1699712074799037,
            1.4142135623730950,
            1.1289041451851548,
            -0.128904145185155,
        ),
        (
            vn.gelu_tanh,
            -0.752461422071016,
            -0.170040750571254,
            1.41850400879083,
            1.1289930686587718,
            -0.12899306865877,
        ),
    ],
    ids=lambda item: getattr(item, "name", None),
)
def test_where_gated_activations_are_lowest_and_steepest(
    phi, lowest_at, lowest, steepest_at, steepest, least
):
    assert phi(lowest_at) == pytest.approx(lowest, rel=1e-14)
    assert phi.derivative(lowest_at) == pytest.approx(0, abs=1e-15)
    assert largest(lambda z: -phi(z))[0] == pytest.approx(-lowest, rel=1e-14)
    assert phi.derivative(steepest_at) == pytest.approx(steepest, rel=1e-14)
    assert phi.max_derivative == pytest.approx(steepest, rel=3e-16, abs=0)
    assert largest(phi.derivative)[1] == pytest.approx(steepest_at, abs=1e-6)
    assert largest(lambda z: -phi.derivative(z))[0] == pytest.approx(-least, rel=1e-13)


def test_silu_is_lowest_where_its_value_is_one_more_than_z():
    # phi' = sigma (1 + z (1 - sigma)) = 0 where z sigma = 1 + z
    z = -1.2784645427610738
    assert vn.silu(z) == pytest.approx(1 + z, rel=1e-14)


def test_gelu_is_steepest_at_the_square_root_of_two():
    expected = (1 + math.erf(1)) / 2 + math.exp(-1) / math.sqrt(math.pi)
    assert vn.gelu.derivative(math.sqrt(2)) == pytest.approx(expected, rel=1e-15)
    assert vn.gelu.max_derivative == pytest.approx(expected, rel=1e-15, abs=0)


def test_the_tanh_form_of_gelu_is_within_half_a_thousandth():
    difference, at = largest(lambda z: abs(vn.gelu(z) - vn.gelu_tanh(z)), 0, 5)
    assert difference == pytest.approx(4.73236e-4, rel=1e-5)
    assert at == pytest.approx(2.699, abs=1e-3)


def test_swish_stretches_silu_and_approaches_relu():
    z = np.linspace(-5, 5, 101)
    assert vn.swish(2.0)(z) == pytest.approx(vn.silu(2 * z) / 2, rel=1e-14)
    assert abs(vn.swish(1e3)(z) - vn.relu(z)).max() < 0.2785 / 1e3
    assert (vn.swish()(z) == vn.silu(z)).all()


def gaussian_mean(function):
    """E[function(z)] for z from N(0, 1), by Gauss-Legendre quadrature on either side of 0."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    z = np.concatenate([6 * nodes - 6, 6 * nodes + 6])
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return float(6 * np.tile(weights, 2) @ (density * function(z)))


def test_selu_keeps_mean_0_and_variance_1():
    assert gaussian_mean(np.ones_like) == pytest.approx(1, abs=1e-13)
    assert gaussian_mean(vn.selu) == pytest.approx(0, abs=1e-13)
    assert gaussian_mean(lambda z: vn.selu(z) ** 2) == pytest.approx(1, abs=1e-13)
    # The constants to four digits are told from these.
    assert gaussian_mean(lambda z: 1.0507 * vn.elu(1.6733)(z)) != pytest.approx(0, abs=1e-6)


@given(alpha=st.floats(0, 5), z=st.floats(-1e3, -50))
def test_elu_ends_at_minus_alpha(alpha, z):
    assert vn.elu(alpha)(z) == -alpha
    assert vn.elu(alpha)(-z) == -z


def test_selu_is_its_two_constants_at_either_end():
    assert vn.selu(-1000.0) == pytest.approx(-1.0507009873554805 * 1.6732632423543772, rel=1e-15)
    assert vn.selu(2.0) == pytest.approx(2 * 1.0507009873554805, rel=1e-15)
    assert vn.selu.derivative(2.0) == 1.0507009873554805


@given(z=st.floats(-700, 700))
def test_the_derivative_of_softplus_is_the_sigmoid(z):
    assert vn.softplus.derivative(z) == vn.sigmoid(z)
    assert vn.softplus(z) - vn.softplus(-z) == pytest.approx(z, rel=1e-13, abs=1e-15)


@given(z=st.floats(-1e3, 1e3))
def test_hard_tanh_clips(z):
    assert vn.hard_tanh(z) == min(max(z, -1), 1)
    assert vn.hard_tanh.derivative(z) == (-1 < z < 1)


def test_hard_tanh_has_derivative_0_at_its_kinks():
    z = np.array([-1.0, 1.0, 0.0])
    assert (
        vn.hard_tanh.derivative(z).tolist() == vn.hard_tanh.derivative_from(z).tolist() == [0, 0, 1]
    )


def test_scaled_tanh_takes_1_to_1():
    assert vn.scaled_tanh(np.array([-1.0, 1.0])) == pytest.approx([-1, 1], abs=3e-6)
    assert vn.scaled_tanh(1.0) == pytest.approx(1.7159 * math.tanh(2 / 3), rel=1e-15)


def test_softsign_is_the_fraction():
    assert vn.softsign(np.array([-3.0, 0.0, 1.0])).tolist() == [-0.75, 0, 0.5]
    assert vn.softsign.derivative(np.array([-3.0, 0.0, 1.0])).tolist() == [1 / 16, 1, 0.25]


@pytest.mark.parametrize(
    ("phi", "left", "right"),
    [
        (vn.sigmoid, 0, 1),
        (vn.tanh, -1, 1),
        (vn.relu, 0, 1000),
        (vn.identity, -1000, 1000),
        (vn.leaky_relu(), -10, 1000),
        (vn.elu(), -1, 1000),
        (vn.selu, -1.7580993408473766, 1050.7009873554805),
        (vn.silu, 0, 1000),
        (vn.swish(3.0), 0, 1000),
        (vn.mish, 0, 1000),
        (vn.gelu, 0, 1000),
        (vn.gelu_tanh, 0, 1000),
        (vn.softplus, 0, 1000),
        (vn.softsign, -1000 / 1001, 1000 / 1001),
        (vn.hard_tanh, -1, 1),
        (vn.scaled_tanh, -1.7159, 1.7159),
    ],
    ids=lambda item: getattr(item, "name", None),
)
def test_values_at_a_thousand(phi, left, right):
    assert phi(np.array([-1000.0, 1000.0])) == pytest.approx([left, right], rel=1e-15, abs=1e-300)


@BY_NAME
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64, np.complex128])
def test_large_arguments_raise_no_floating_point_flag_and_keep_the_dtype(phi, dtype):
    z = np.array([-1e4, -745, -100, -88, -45, -10, 0, 10, 45, 88, 100, 745, 1e4]).astype(dtype)
    with np.errstate(all="raise"):
        h, slopes = phi(z), phi.derivative(z)
    assert h.dtype == slopes.dtype == dtype
    assert h.shape == slopes.shape == z.shape
    assert np.isfinite(h).all() and np.isfinite(slopes).all()


@BY_NAME
@pytest.mark.parametrize(("dtype", "digits"), [(np.float16, 5e-3), (np.float32, 1e-6)])
def test_shorter_formats_round_the_same_numbers(phi, dtype, digits):
    z = np.linspace(-8, 8, 97).reshape(1, 97, 1).astype(dtype)
    exact = phi(z.astype(np.float64)), phi.derivative(z.astype(np.float64))
    for value, expected in zip((phi(z), phi.derivative(z)), exact, strict=True):
        assert value.dtype == dtype and value.shape == z.shape
        np.testing.assert_allclose(value, expected, rtol=digits, atol=digits)


@BY_NAME
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_the_layer_of_every_activation_passes_the_projection_test(phi, dtype, tolerance):
    rng = np.random.default_rng(0)
    h = rng.standard_normal((3, 7)).astype(dtype)
    assert vn.projection_test(vn.Activate(phi), h, rng=rng) < tolerance


def test_both_tails_of_sigmoid_keep_their_digits():
    # sigma(-z) = exp(-z) / (1 + exp(-z)), sigma' is even
    assert vn.sigmoid(-40.0) == pytest.approx(np.exp(-40), rel=1e-14)
    assert (
        vn.sigmoid.derivative(40.0)
        == vn.sigmoid.derivative(-40.0)
        == pytest.approx(np.exp(-40), rel=1e-14)
    )
    assert (
        vn.tanh.derivative(20.0)
        == vn.tanh.derivative(-20.0)
        == pytest.approx(4 * np.exp(-40), rel=1e-14)
    )


# Values by arbitrary-precision arithmetic.
@pytest.mark.parametrize(
    ("phi", "z", "value", "slope"),
    [
        (vn.silu, -20.0, -4.12230723638040716e-8, -3.91619186606467833e-8),
        (vn.mish, -20.0, -4.12230724062876140e-8, -3.91619187434896908e-8),
        (vn.gelu, -20.0, -5.50724823721246739e-88, -1.10143604831334640e-86),
        (vn.gelu, -30.0, -1.4720141781444561e-196, -4.4160316907084944e-195),
        (vn.gelu_tanh, -6.5, -6.27825877259140207e-13, -6.58347376776463463e-12),
        (vn.gelu_tanh, -20.0, -3.37545095631096732e-261, -2.94243287249450286e-259),
        (vn.softplus, -20.0, 2.06115362031438070e-9, 2.06115361819020358e-9),
        (vn.elu(), -20.0, -0.99999999793884638, 2.06115362243855783e-9),
    ],
    ids=lambda item: getattr(item, "name", None),
)
def test_the_left_tail_keeps_its_digits(phi, z, value, slope):
    assert phi(z) == pytest.approx(value, rel=1e-12, abs=0)
    assert phi.derivative(z) == pytest.approx(slope, rel=1e-13, abs=0)


@given(z=st.floats(-300, 300))
def test_sigmoid_and_its_mirror_sum_to_one(z):
    assert vn.sigmoid(z) + vn.sigmoid(-z) == pytest.approx(1, rel=1e-15)


def test_the_derivative_at_the_kink_is_the_one_from_the_left():
    assert vn.relu.derivative(0.0) == 0
    assert vn.leaky_relu(0.1).derivative(0.0) == 0.1
    assert vn.elu(0.4).derivative(0.0) == 0.4
    assert vn.relu(np.array([1e-20j])) == 0


def test_names_resolve():
    names = (
        "identity sigmoid tanh relu selu silu mish gelu gelu_tanh softplus softsign hard_tanh "
        "scaled_tanh"
    ).split()
    assert [phi.name for phi in NAMED] == names
    assert [vn.activation(name) for name in names] == NAMED
    defaults = {"leaky_relu": "leaky_relu(0.01)", "elu": "elu(1)", "swish": "swish(1)"}
    assert {name: vn.activation(name).name for name in defaults} == defaults
    assert vn.activation(vn.relu) is vn.relu


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(
        ValueError,
        match="activation 'sigmod' is unknown; did you mean 'sigmoid'?.*Known: identity, ",
    ):
        vn.activation("sigmod")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: vn.leaky_relu(-0.1),
            "negative_slope is -0.1; a finite number of at least 0 is expected",
        ),
        (lambda: vn.leaky_relu(1.1), "negative_slope is 1.1; a number from 0 to 1 is expected"),
        (lambda: vn.elu(-0.1), "alpha is -0.1; a finite number of at least 0 is expected"),
        (lambda: vn.swish(0.0), "beta is 0.0; a finite number above 0 is expected"),
    ],
)
def test_parameters_out_of_range_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "z", [np.nan, [1.0, np.inf], np.array([1, 2]), np.empty(0), ["a"], [[1.0], [1.0, 2.0]]]
)
def test_what_is_no_array_of_finite_numbers_is_refused(z):
    for function in (vn.gelu, vn.gelu.derivative):
        with pytest.raises((TypeError, ValueError), match=r"^z (holds|is|has) .* expected$"):
            function(z)


def test_the_ends_of_the_ranges_are_open_or_closed_as_said():
    z = np.array([-2.0, 3.0])
    assert (vn.leaky_relu(0.0)(z) == vn.relu(z)).all() and (vn.leaky_relu(1.0)(z) == z).all()
    assert (vn.elu(0.0)(z) == vn.relu(z)).all()


@BY_NAME
def test_activations_pickle_and_copy(phi):
    z = np.array([-2.0, 3.0])
    for again in (pickle.loads(pickle.dumps(phi)), copy.deepcopy(phi)):
        assert again.name == phi.name and (again(z) == phi(z)).all()
        assert (again.derivative_from(z) == phi.derivative_from(z)).all()


def test_what_is_made_when_a_module_loads_is_made_again_alike():
    from vanishing.nn import activations as formulas

    z = np.linspace(-3, 3, 7)
    again = formulas._rescaled("again", vn.tanh, 1.7159, 2 / 3)
    assert again.name == "again" and again.max_derivative == vn.scaled_tanh.max_derivative
    for function in ("formula", "derivative_formula", "derivative_from_output"):
        assert (getattr(again, function)(z) == getattr(vn.scaled_tanh, function)(z)).all()
    assert formulas._rescaled("again", vn.sigmoid, 3.0, 2.0).max_derivative == 1.5
    for slope in (0.0, 0.3, 1.0):
        leaky = vn.leaky_relu(slope)
        assert (
            leaky.max_derivative == 1
            and (leaky.derivative_from_output(z) == leaky.derivative(z)).all()
        )
    for made, kept in (
        (vn.elu(), vn.activation("elu")),
        (vn.swish(), vn.silu),
        (vn.elu(2.5), ALL[-3]),
    ):
        assert (
            made.max_derivative == kept.max_derivative
            and (made.derivative(z) == kept.derivative(z)).all()
        )
        assert (made.derivative_from_output is None) == (kept.derivative_from_output is None)
    assert [vn.elu(0.25).name, vn.swish(2).name, vn.leaky_relu(0.5).name] == [
        "elu(0.25)",
        "swish(2)",
        "leaky_relu(0.5)",
    ]
    assert (
        vn.elu()(-40.0) == pytest.approx(-1, rel=1e-15)
        and (vn.elu().derivative_from_output(np.array([-0.5, 2.0])) == [0.5, 1]).all()
    )
