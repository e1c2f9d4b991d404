"""Initializers: the variances they promise, shapes, dtypes, reproducibility, and LSUV."""

import copy
import math
import pickle

import numpy as np
import pytest

import vanishing as vn

FAN_OUT, FAN_IN = 300, 200
SHAPE = FAN_OUT, FAN_IN
# rule, standard deviation of a weight, bound of a weight (None: unbounded), standard deviation of a
# bias
CASES = [
    (vn.gaussian(0.3), 0.3, None, 0),
    (vn.gaussian(0.3, sigma_b=0.7), 0.3, None, 0.7),
    (vn.scaled_gaussian(1.5, sigma_b=0.2), 1.5 / math.sqrt(FAN_IN), None, 0.2),
    (vn.uniform(0.3, sigma_b=0.1), 0.3 / math.sqrt(3), 0.3, 0.1),
    (vn.lecun_normal, 1 / math.sqrt(FAN_IN), None, 0),
    (vn.xavier_normal, math.sqrt(2 / (FAN_IN + FAN_OUT)), None, 0),
    (vn.xavier_uniform, math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(6 / (FAN_IN + FAN_OUT)), 0),
    (vn.he_normal, math.sqrt(2 / FAN_IN), None, 0),
    (vn.he_uniform, math.sqrt(2 / FAN_IN), math.sqrt(6 / FAN_IN), 0),
    (vn.xavier(1.5), 1.5 * math.sqrt(2 / (FAN_IN + FAN_OUT)), None, 0),
    (vn.xavier(1.5, distribution="uniform"), 1.5 * math.sqrt(2 / 500), 1.5 * math.sqrt(6 / 500), 0),
    (vn.he(0.5), math.sqrt(1.6 / FAN_IN), None, 0),
    (vn.he(distribution="uniform"), math.sqrt(2 / FAN_IN), math.sqrt(6 / FAN_IN), 0),
    (vn.he(mode="fan_out"), math.sqrt(2 / FAN_OUT), None, 0),
    (
        vn.he(1.0, mode="fan_out", distribution="uniform"),
        math.sqrt(1 / FAN_OUT),
        math.sqrt(3 / FAN_OUT),
        0,
    ),
    (vn.orthogonal(1.5, sigma_b=0.2), 1.5 / math.sqrt(FAN_OUT), None, 0.2),
    (
        vn.pytorch_default,
        1 / math.sqrt(3 * FAN_IN),
        1 / math.sqrt(FAN_IN),
        1 / math.sqrt(3 * FAN_IN),
    ),
]
BY_NAME = pytest.mark.parametrize(
    ("rule", "std", "bound", "bias_std"), CASES, ids=[rule.name for rule, *_ in CASES]
)


def within_five_standard_errors(sample, std):
    """The sample's mean is 0 and its mean square std^2, each within five standard errors."""
    squares = sample.ravel() ** 2
    root = math.sqrt(sample.size)
    return (
        abs(sample.mean()) <= 5 * sample.std() / root
        and abs(squares.mean() - std**2) <= 5 * squares.std() / root
    )


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
    bias = np.concatenate(
        [vn.pytorch_default.bias(SHAPE, rng=np.random.default_rng(s)) for s in range(50)]
    )
    assert 0.999 / math.sqrt(FAN_IN) < abs(bias).max() <= 1 / math.sqrt(FAN_IN)


@BY_NAME
def test_the_dtype_is_kept_and_the_numbers_do_not_depend_on_it(rule, std, bound, bias_std):
    single = rule(SHAPE, rng=np.random.default_rng(2), dtype=np.float32)
    double = rule(SHAPE, rng=np.random.default_rng(2))
    assert single.dtype == np.float32 and double.dtype == np.float64
    assert (single == double.astype(np.float32)).all()
    assert rule.bias(SHAPE, rng=np.random.default_rng(2), dtype=np.float32).dtype == np.float32


ALL = [*(rule for rule, *_ in CASES), vn.zeros, vn.constant(0.5)]


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.name)
def test_initializers_pickle_and_copy(rule):
    for again in (pickle.loads(pickle.dumps(rule)), copy.deepcopy(rule)):
        assert (
            again((3, 4), rng=np.random.default_rng(3))
            == rule((3, 4), rng=np.random.default_rng(3))
        ).all()


def test_zeros_and_constants():
    rng = np.random.default_rng(0)
    assert (vn.zeros(SHAPE, rng=rng) == np.zeros(SHAPE)).all()
    assert (vn.constant(-0.5)(SHAPE, rng=rng) == np.full(SHAPE, -0.5)).all()
    for rule in (vn.zeros, vn.constant(-0.5)):
        assert (rule.bias(SHAPE, rng=rng) == np.zeros(FAN_OUT)).all()


def same_numbers(one, other):
    return (
        one(SHAPE, rng=np.random.default_rng(4)) == other(SHAPE, rng=np.random.default_rng(4))
    ).all()


def test_the_configurable_forms_hold_the_named_ones():
    assert same_numbers(vn.he(), vn.he_normal)
    assert same_numbers(vn.he(distribution="uniform"), vn.he_uniform)
    assert same_numbers(vn.he(1.0), vn.lecun_normal)
    assert same_numbers(vn.he(math.sqrt(5), distribution="uniform"), vn.pytorch_default)
    assert same_numbers(vn.xavier(), vn.xavier_normal)
    assert same_numbers(vn.xavier(distribution="uniform"), vn.xavier_uniform)


def unsigned(shape, *, rng):
    """The Q of LAPACK's QR factorization, as it comes."""
    return np.linalg.qr(rng.standard_normal(shape))[0]


def haar_statistics(rule, n=5, draws=4000):
    """Each statistic of a random orthogonal matrix: its distance in standard errors.

    Under the Haar measure E tr Q = 0, E (tr Q)^2 = 1, E tr Q^2 = 1, E det Q = 0 (Diaconis &
    Shahshahani 1994), and every entry has mean 0, mean square 1 / n and mean fourth power 3 / (n (n
    + 2)).
    """
    rng = np.random.default_rng(5)
    q = np.stack([rule((n, n), rng=rng) for _ in range(draws)])
    trace, trace_of_square = np.trace(q, axis1=1, axis2=2), np.einsum("dij,dji->d", q, q)
    samples = np.column_stack(
        [trace, trace**2 - 1, trace_of_square - 1, np.linalg.det(q), q.reshape(draws, -1)]
    )
    powers = np.column_stack(
        [q.reshape(draws, -1) ** 2 - 1 / n, q.reshape(draws, -1) ** 4 - 3 / (n * (n + 2))]
    )
    samples = np.column_stack([samples, powers])
    return abs(samples.mean(axis=0)) / (samples.std(axis=0) / math.sqrt(draws) + 1e-12)


def test_orthogonal_is_haar_distributed():
    assert haar_statistics(vn.orthogonal()).max() < 5


def test_without_the_signs_of_r_it_would_not_be():
    trace, square, of_square, determinant, *entries = haar_statistics(unsigned)
    assert min(trace, square, determinant, max(entries)) > 20


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7), (1, 5), (5, 1)])
def test_orthogonal_is_the_only_factor_whose_other_factor_has_a_positive_diagonal(shape):
    weight = vn.orthogonal(2.0)(shape, rng=np.random.default_rng(6))
    gaussian = np.random.default_rng(6).standard_normal((max(shape), min(shape)))
    q = (weight if shape[0] >= shape[1] else weight.T) / 2
    r = q.T @ gaussian
    assert weight.shape == shape
    assert q.T @ q == pytest.approx(np.eye(min(shape)), abs=1e-14)
    assert np.tril(r, -1) == pytest.approx(np.zeros_like(r), abs=1e-13)
    assert (np.diagonal(r) > 0).all()
    assert q @ r == pytest.approx(gaussian, rel=1e-12)


def test_gains_are_those_of_pytorch():
    gains = {"identity": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}
    assert {name: vn.calculate_gain(name) for name in gains} == gains
    assert vn.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert vn.calculate_gain(vn.leaky_relu(0.3)) == math.sqrt(2 / (1 + 0.3**2))
    assert vn.calculate_gain(vn.tanh) == 5 / 3
    assert type(vn.calculate_gain(vn.leaky_relu(0.3))) is type(vn.calculate_gain("tanh")) is float


@pytest.mark.parametrize("phi", ["gelu", "elu", vn.swish(), "softplus"])
def test_no_gain_is_made_up(phi):
    known = "identity, sigmoid, tanh, relu, leaky_relu, selu"
    with pytest.raises(ValueError, match=f"activation '.*' is unknown; .*Known: {known}"):
        vn.calculate_gain(phi)


@pytest.mark.parametrize(
    "phi", [vn.identity, vn.relu, vn.leaky_relu(0.3)], ids=lambda phi: phi.name
)
def test_the_gain_of_a_rectifier_keeps_the_mean_square(phi):
    rng = np.random.default_rng(7)
    h = phi(rng.standard_normal((4000, 1)) * np.ones(50))
    weights = np.stack(
        [
            vn.gaussian(vn.calculate_gain(phi) / math.sqrt(50))((1, 50), rng=rng)[0]
            for _ in range(4000)
        ]
    )
    assert within_five_standard_errors(np.sum(h * weights, axis=1), 1)


def test_names_resolve():
    names = (
        "zeros lecun_normal xavier_normal xavier_uniform he_normal he_uniform pytorch_default"
    ).split()
    assert [vn.initializer(name) for name in names] == [getattr(vn, name) for name in names]
    assert [getattr(vn, name).name for name in names] == names
    assert vn.initializer("orthogonal").name == "orthogonal(1)"
    assert vn.initializer(vn.he_normal) is vn.he_normal
    with pytest.raises(
        ValueError, match="initializer 'he_norm' is unknown; did you mean 'he_normal'"
    ):
        vn.initializer("he_norm")


def test_names_say_the_parameters():
    rules = [
        vn.he(0.5, mode="fan_out"),
        vn.xavier(1.5, distribution="uniform"),
        vn.orthogonal(2),
        vn.constant(0.1),
    ]
    names = ["he(0.5, fan_out, normal)", "xavier(1.5, uniform)", "orthogonal(2)", "constant(0.1)"]
    assert [rule.name for rule in rules] == names
    rules = [vn.gaussian(0.3), vn.scaled_gaussian(1.5), vn.uniform(0.2)]
    assert [rule.name for rule in rules] == [
        "gaussian(0.3)",
        "scaled_gaussian(1.5)",
        "uniform(0.2)",
    ]


@pytest.mark.parametrize("shape", [3, (3,), (3, 4, 5), None])
def test_a_shape_of_other_than_two_numbers_is_refused(shape):
    for draw in (vn.he_normal, vn.he_normal.bias):
        with pytest.raises(ValueError, match=r"shape is .*; \(fan_out, fan_in\) is expected"):
            draw(shape, rng=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": (0, 2)}, "fan_out is 0; a whole number of at least 1 is expected"),
        ({"shape": (2, -1)}, "fan_in is -1; a whole number of at least 1 is expected"),
        ({"shape": (2, 1.5)}, "fan_in is 1.5; a whole number is expected"),
        ({"rng": None}, "rng is None; a generator"),
        ({"dtype": int}, "dtype is int64; a floating-point type"),
    ],
)
def test_wrong_arguments_of_a_rule_are_named(settings, message):
    arguments = {"shape": (2, 2), "rng": np.random.default_rng(0)} | settings
    for draw in (vn.orthogonal(), vn.orthogonal().bias):
        with pytest.raises((TypeError, ValueError), match=message):
            draw(**arguments)


def deep(*widths, activation="tanh", dtype=np.float64, **settings):
    rng = np.random.default_rng(8)
    settings = {"initializer": "orthogonal"} | settings
    network = vn.dense_network(widths, activation=activation, rng=rng, dtype=dtype, **settings)
    return network, rng.standard_normal((60, widths[0])).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["identity", "tanh", "relu", "gelu", "sigmoid"])
def test_lsuv_gives_every_preactivation_variance_1(activation, dtype):
    network, x = deep(5, *[20] * 12, activation=activation, dtype=dtype)
    scaled = vn.lsuv(network, x, tolerance=1e-4)
    assert not all(abs(z.var() - 1) < 0.1 for z in network.record(x).z)
    assert [float(z.var()) for z in scaled.record(x).z] == pytest.approx([1] * 12, abs=1e-4)
    assert {value.dtype for value in scaled.parameters.values()} == {np.dtype(dtype)}
    for name, before in network.parameters.items():
        ratio = scaled.parameters[name][before != 0] / before[before != 0]
        assert ratio == pytest.approx(np.full(ratio.shape, ratio[:1]), rel=1e-5)


def test_lsuv_leaves_the_network_and_layers_within_the_tolerance_alone():
    network, x = deep(5, 20, 20, 20)
    before = {name: value.copy() for name, value in network.parameters.items()}
    scaled = vn.lsuv(network, x)
    assert all((network.parameters[name] == value).all() for name, value in before.items())
    again = vn.lsuv(scaled, x, iterations=1)
    assert all((again.parameters[name] == value).all() for name, value in scaled.parameters.items())


def one_layer(weight, bias):
    return vn.Sequential((vn.Linear(np.array([[weight], [weight]]), np.array([-bias, bias])),))


def test_lsuv_divides_until_the_tolerance_is_met():
    # z = w x +- b over both units has variance w^2 + b^2 for x = +-1; W is divided by its root, b
    # stays.
    x, w, expected = np.array([[-1.0], [1.0]]), 3.0, []
    for _ in range(30):
        w /= math.sqrt(w * w + 0.25)
        expected.append(w)
    within = next(i for i, w in enumerate(expected) if abs(w * w + 0.25 - 1) < 0.01)
    assert within == 3
    scaled = vn.lsuv(one_layer(3.0, 0.5), x, tolerance=0.01, iterations=within + 1)
    assert scaled.layers[0].weight == pytest.approx(np.full((2, 1), expected[within]), rel=1e-14)
    with pytest.raises(
        ValueError, match=rf"has variance .* after {within} divisions; 1 is expected"
    ):
        vn.lsuv(one_layer(3.0, 0.5), x, tolerance=0.01, iterations=within)


def test_the_defaults_of_lsuv_are_the_papers_tolerance_and_ten_divisions():
    x = np.array([[-1.0], [1.0]])
    for variance, is_within in [(1.099, True), (0.901, True), (1.101, False), (0.899, False)]:
        network = one_layer(math.sqrt(variance), 0.0)
        assert (vn.lsuv(network, x).layers[0].weight == network.layers[0].weight).all() == is_within
    with pytest.raises(
        ValueError,
        match="network: the output of layer 1 on x has variance 4 after 10 divisions; 1 is",
    ):
        vn.lsuv(one_layer(1.0, 2.0), x)


@pytest.mark.parametrize("x", [np.ones((4, 1)), np.array([[-1.0], [1.0]])])
def test_lsuv_refuses_a_constant_output(x):
    weight = 0.0 if len(x) == 2 else 1.0
    with pytest.raises(
        ValueError,
        match="network: the output of layer 1 on x has variance 0 after 10 divisions; 1 is",
    ):
        vn.lsuv(one_layer(weight, 0.0), x)


def test_a_bound_a_gain_and_a_fan_say_how_widely_is_drawn():
    rng, shape = np.random.default_rng(6), (400, 100)
    for rule, bound in (
        (vn.uniform(0.3), 0.3),
        (vn.xavier(0.5, distribution="uniform"), 0.5 * math.sqrt(6 / 500)),
        (vn.he(mode="fan_out", distribution="uniform"), math.sqrt(6 / 400)),
    ):
        drawn = abs(rule(shape, rng=rng)).max()
        # The largest of n is below the bound by bound / n on average, exponentially distributed.
        assert bound * (1 - 30 / 40_000) < drawn < bound
    assert (vn.xavier(0.0)(shape, rng=rng) == 0).all()


def test_lsuv_counts_in_float64_and_takes_the_tolerance_as_an_open_end():
    network = vn.Sequential(
        (vn.Linear(np.full((2, 1), 60000.0, np.float16), np.array([0, 10], np.float16)),)
    )
    with pytest.raises(ValueError, match="^network: the output of layer 1 on x has variance"):
        vn.lsuv(network, np.zeros((2, 1), np.float16), iterations=1)
    layer = vn.Linear(np.eye(1), np.zeros(1))
    x = np.array([[1.5], [-1.5]])  # variance 2.25
    assert vn.lsuv(vn.Sequential((layer,)), x, tolerance=1.25).layers[0].weight == 1 / 1.5
