"""The four ways to a gradient agree where they can, and the checkers are checked."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vanishing as vn

# name, function of an array, the gradient by hand
FUNCTIONS = [
    ("sum of cubes", lambda x: np.sum(x**3), lambda x: 3 * x**2),
    (
        "quadratic form",
        lambda x: x @ np.diag([1.0, 2.0, 3.0]) @ x,
        lambda x: 2 * np.array([1, 2, 3]) * x,
    ),
    ("log sum exp", lambda x: np.log(np.sum(np.exp(x))), lambda x: np.exp(x) / np.sum(np.exp(x))),
    ("norm", lambda x: np.sqrt(np.sum(np.square(x))), lambda x: x / np.sqrt(np.sum(x**2))),
    (
        "quotients",
        lambda x: np.sum(1 / x - x / (1 + x * x)),
        lambda x: -1 / x**2 - (1 - x**2) / (1 + x**2) ** 2,
    ),
    ("powers of two", lambda x: np.mean(2.0**x), lambda x: np.log(2) * 2.0**x / 3),
    ("waves", lambda x: np.sum(np.sin(x) * np.cos(x)), lambda x: np.cos(2 * x)),
    (
        "logarithms",
        lambda x: np.sum(np.log(x) + np.log1p(x) + np.expm1(x)),
        lambda x: 1 / x + 1 / (1 + x) + np.exp(x),
    ),
    ("tanh", lambda x: np.sum(-np.tanh(-x)), lambda x: 1 / np.cosh(x) ** 2),
    (
        "shapes",
        lambda x: np.sum(np.stack([x, 2 * x]).T.reshape(2, 3)[0] * [1.0, 2.0, 3.0]),
        lambda x: [5.0, 3.0, 0.0],
    ),
    ("sums", lambda x: np.cumsum(np.concatenate([x, np.ones(2)])).sum(), lambda x: [5.0, 4.0, 3.0]),
    ("einsum", lambda x: np.einsum("i,j->", x, x) + np.dot(x, x), lambda x: 2 * x.sum() + 2 * x),
    (
        "where",
        lambda x: np.sum(np.where(x.real > 1, x * x, -x)),
        lambda x: np.where(x > 1, 2 * x, -1),
    ),
]
BY_NAME = pytest.mark.parametrize(
    ("name", "f", "gradient"), FUNCTIONS, ids=[name for name, *_ in FUNCTIONS]
)
POINTS = st.lists(
    st.floats(0.2, 3).filter(lambda x: abs(x - 1) > 1e-3), min_size=3, max_size=3
).map(np.array)


@BY_NAME
@given(x=POINTS)
def test_the_three_checkers_find_known_gradients(name, f, gradient, x):
    expected = gradient(x)
    assert vn.complex_step(f, x) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert vn.forward_mode(f, x) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert vn.central_difference(f, x) == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.maximum(x, 1.5) + np.minimum(x, 0.5)),
        lambda x: np.sum(abs(x - 1)),
        lambda x: np.sum(np.clip(x, 0.5, 1.5)),
        lambda x: np.sum(np.outer(x, x)) + np.sum(np.take(x, [0, 0])),
    ],
)
@given(x=st.lists(st.sampled_from([0.3, 0.7, 1.2, 1.9]), min_size=3, max_size=3).map(np.array))
def test_forward_mode_of_what_is_not_analytic(f, x):
    assert vn.forward_mode(f, x) == pytest.approx(vn.central_difference(f, x), abs=1e-8)


def test_a_function_that_duals_do_not_know_is_an_error():
    with pytest.raises(TypeError):
        np.linalg.det(vn.Dual(np.eye(2), np.eye(2)))
    with pytest.raises(TypeError):
        np.arcsinh(vn.Dual(np.ones(2), np.ones(2)))
    with pytest.raises(TypeError, match="cannot be written into an ordinary array"):
        np.add(vn.Dual(np.ones(2), np.ones(2)), 1, out=np.empty(2))


def test_comparisons_and_real_see_only_the_value():
    x = vn.Dual(np.array([-1.0, 2.0]), np.array([5.0, 5.0]))
    assert (x > 0).tolist() == [False, True]
    assert x.real.tolist() == [-1, 2]
    assert isinstance(np.isfinite(x), np.ndarray)
    with pytest.raises(ValueError, match=r"tangent has shape \(3,\); that of value, \(2,\)"):
        vn.Dual(np.ones(2), np.ones(3))


@pytest.mark.parametrize("gradient", [vn.complex_step, vn.forward_mode, vn.central_difference])
def test_gradients_keep_shape_and_dtype_and_refuse_what_is_no_point(gradient):
    x = np.array([[1.0, 2.0]], np.float32)
    result = gradient(lambda x: np.sum(x * x), x)
    assert result.dtype == np.float32 and result == pytest.approx(2 * x, rel=1e-3)
    with pytest.raises(ValueError, match="x holds nan"):
        gradient(lambda x: np.sum(x), np.array([np.nan]))


def deep_sigmoid(depth=30):
    rng = np.random.default_rng(0)
    network = vn.dense_network([8] * depth + [3], activation="sigmoid", rng=rng)
    return network, rng.standard_normal((16, 8)), rng.integers(3, size=16)


def apart(one, other):
    return np.linalg.norm(one - other) / np.linalg.norm(one)


@pytest.mark.parametrize("layer", [1, 2, 15, -1])
@pytest.mark.parametrize("parameter", ["weight", "bias"])
def test_three_methods_agree_to_rounding_on_a_deep_sigmoid_network(layer, parameter):
    network, x, labels = deep_sigmoid()
    backprop, forward, complex_ = (
        vn.parameter_gradient(network, x, labels, layer=layer, parameter=parameter, method=method)
        for method in ("backprop", "forward", "complex")
    )
    assert apart(backprop, forward) < 1e-12
    assert apart(backprop, complex_) < 1e-12


def test_differences_cannot_see_the_first_layer_of_a_deep_sigmoid_network():
    network, x, labels = deep_sigmoid()
    assert (
        apart(
            *(vn.parameter_gradient(network, x, labels, method=m) for m in ("backprop", "central"))
        )
        > 0.5
    )
    last = (
        vn.parameter_gradient(network, x, labels, layer=-1, method=m)
        for m in ("backprop", "central")
    )
    assert apart(*last) < 1e-8


@pytest.mark.parametrize("method", ["forward", "complex"])
def test_a_slope_off_by_a_thousandth_is_seen_at_every_depth(method):
    faulty = vn.Activation(
        "faulty",
        vn.sigmoid.formula,
        vn.sigmoid.derivative_formula,
        max_derivative=0.25,
        derivative_from_output=lambda h: 1.001 * vn.sigmoid.derivative_from_output(h),
    )
    rng = np.random.default_rng(0)
    network = vn.dense_network([4] * 10 + [3], activation=faulty, rng=rng)
    x, labels = rng.standard_normal((6, 4)), rng.integers(3, size=6)
    for layer in (1, 5, 9):
        backprop = vn.parameter_gradient(network, x, labels, layer=layer)
        assert apart(
            vn.parameter_gradient(network, x, labels, layer=layer, method=method), backprop
        ) == pytest.approx(1.001 ** (10 - layer) - 1, rel=1e-6)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "tanh", "identity"])
def test_the_methods_agree_for_every_activation(activation):
    rng = np.random.default_rng(1)
    network = vn.dense_network(
        [4, 5, 5, 3], activation=activation, initializer="pytorch_default", rng=rng
    )
    x, target = rng.standard_normal((6, 4)), rng.standard_normal((6, 3))
    backprop, forward, complex_, central = (
        vn.parameter_gradient(network, x, target, loss=vn.mean_squared_error, method=method)
        for method in ("backprop", "forward", "complex", "central")
    )
    assert apart(backprop, forward) < 1e-13 and apart(backprop, complex_) < 1e-13
    assert apart(backprop, central) < 1e-7


def test_the_methods_agree_for_dead_units_at_the_kink():
    layers = (
        vn.Linear(np.zeros((3, 2)), np.zeros(3)),
        vn.Activate(vn.relu),
        vn.Linear(np.ones((2, 3)), np.zeros(2)),
    )
    x, labels = np.ones((4, 2)), np.zeros(4, int)
    for method in ("backprop", "forward", "complex"):
        assert not vn.parameter_gradient(
            vn.Sequential(layers), x, labels, parameter="bias", method=method
        ).any()


@pytest.mark.parametrize("method", ["forward", "complex"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_saturated_networks_have_finite_gradients_by_all_methods(activation, method):
    rng = np.random.default_rng(2)
    network = vn.dense_network(
        [3, 4, 2], activation=activation, initializer=vn.gaussian(1e4), rng=rng
    )
    x, labels = rng.standard_normal((4, 3)), np.array([0, 1, 0, 1])
    backprop = vn.parameter_gradient(network, x, labels)
    assert vn.parameter_gradient(network, x, labels, method=method) == pytest.approx(
        backprop, rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "complx"}, "method 'complx' is unknown; did you mean 'complex'"),
        ({"layer": 0}, "layer is 0; a number from 1 to 30, or from -30 to -1"),
        ({"layer": 31}, "layer is 31; a number from 1 to 30"),
        (
            {"parameter": "wait", "layer": -1},
            "parameter 'wait' of layer 30 is unknown; did you mean 'weight'",
        ),
    ],
)
def test_unknown_methods_layers_and_parameters_are_refused(settings, message):
    network, x, labels = deep_sigmoid()
    with pytest.raises(ValueError, match="^" + message):
        vn.parameter_gradient(network, x, labels, **settings)


def residual_network():
    """A network of L = 3 weight layers, at the positions 0, 1 and 3 or later: others stand between."""
    rng = np.random.default_rng(0)
    network = vn.dense_network(
        [4, 4, 4, 3], activation="tanh", normalization="batch", residual="pre", rng=rng
    )
    return network, rng.standard_normal((6, 4)), rng.integers(3, size=6)


@pytest.mark.parametrize("layer", [2, -2])
def test_a_parameter_of_a_residual_block_has_the_name_that_the_block_gives_it(layer):
    network, x, labels = residual_network()
    backprop, complex_ = (
        vn.parameter_gradient(
            network, x, labels, layer=layer, parameter="branch.2.weight", method=method
        )
        for method in ("backprop", "complex")
    )
    assert backprop.shape == (4, 4) and apart(backprop, complex_) < 1e-12


@pytest.mark.parametrize(
    ("layer", "parameter", "message"),
    [
        (
            2,
            "weight",
            r"parameter 'weight' of layer 2 is unknown; Known: branch\.0\.weight, branch\.",
        ),
        (-1, "wieght", "parameter 'wieght' of layer 3 is unknown; did you mean 'weight'"),
        (
            -2,
            "branch.2.wait",
            r"parameter 'branch\.2\.wait' of layer 2 is unknown; did you mean 'branch\.2\.weight'",
        ),
    ],
)
def test_an_unknown_parameter_is_named_as_it_was_asked_for_with_its_l(layer, parameter, message):
    network, x, labels = residual_network()
    assert network.weight_layers != (0, 1, 2)  # positions are no l
    with pytest.raises(ValueError, match="^" + message):
        vn.parameter_gradient(network, x, labels, layer=layer, parameter=parameter)


def test_methods_of_a_dual_number_act_on_value_and_tangent():
    from vanishing.checking import duals

    number = vn.Dual(np.arange(6.0).reshape(2, 3), np.ones((2, 3)))
    for name, arguments, options in (
        ("sum", (0,), {}),
        ("mean", (), {"axis": 1}),
        ("reshape", (3, 2), {}),
    ):
        made = duals._linear_method(name)(number, *arguments, **options)
        assert (made.value == getattr(number.value, name)(*arguments, **options)).all()
        assert (made.tangent == getattr(number.tangent, name)(*arguments, **options)).all()


def test_central_differences_of_short_formats_are_taken_in_float64():
    seen = []
    vn.central_difference(lambda x: seen.append(x.dtype) or x.sum(), np.ones(2, np.float32))
    assert set(seen) == {np.dtype(np.float64)}


def test_the_step_of_a_central_difference_is_the_one_given():
    # ((x + s)^3 - (x - s)^3) / 2s = 3 x^2 + s^2
    x = np.array([1.0, 2.0])
    assert vn.central_difference(lambda x: np.sum(x**3), x, step=0.5) == pytest.approx(
        3 * x**2 + 0.25
    )
