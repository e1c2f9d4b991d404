"""Theory: quadrature against scipy, maps against closed forms, predictions against simulation."""

import inspect
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import integrate, special, stats

import vanishing as vn
from vanishing import theory

NAMED = [
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
    "gelu_tanh",
    "softplus",
    "softsign",
    "hard_tanh",
    "scaled_tanh",
]
BY_NAME = pytest.mark.parametrize("name", NAMED)
TRAINING = vn.Mode(training=True)


def within_five_errors(values, predicted):
    """Whether the mean of independent values is the predicted one."""
    error = np.std(values, ddof=1) / math.sqrt(len(values))
    return abs(np.mean(values) - predicted) < 5 * error


def ratio_within_five_errors(above, below, predicted):
    """Whether the means of two series, drawn in pairs, have the predicted ratio."""
    return within_five_errors(np.asarray(above) - predicted * np.asarray(below), 0.0)


def test_the_statistical_test_can_fail():
    values = np.random.default_rng(0).standard_normal(400)
    assert within_five_errors(values, 0.0) and not within_five_errors(values, 0.3)
    assert ratio_within_five_errors(3 + values, 1 + values / 3, 3.0)
    assert not ratio_within_five_errors(3 + values, 1 + values[::-1] / 3, 3.5)


# Quadrature


def by_scipy(f, variance):
    sigma = math.sqrt(variance)

    def integrand(z):
        return (
            float(f(np.array([z]))[0])
            * math.exp(-z * z / (2 * variance))
            / (sigma * math.sqrt(2 * math.pi))
        )

    scales = [*(0.25, 1.0, 4.0, 10.0, 30.0, 200.0), *(sigma * k for k in (1, 2, 4, 7))]
    ends = sorted(
        {0.0, *(sign * min(scale, 12 * sigma) for scale in [*scales, math.inf] for sign in (-1, 1))}
    )
    parts = [
        integrate.quad(integrand, *panel, epsabs=0, epsrel=1e-11, limit=200)[0]
        for panel in pairwise(ends)
    ]
    return math.fsum(parts)


@BY_NAME
@pytest.mark.parametrize("variance", [1e-8, 0.3, 1e2, 1e6])
def test_gaussian_mean_is_scipys_integral(name, variance):
    phi = vn.activation(name)
    for f in (lambda z: phi(z) ** 2, lambda z: phi.derivative(z) ** 2):
        assert theory.gaussian_mean(f, variance) == pytest.approx(
            by_scipy(f, variance), rel=1e-10, abs=0
        )


@given(exponent=st.floats(-8, 6))
def test_gaussian_mean_of_powers_and_tails(exponent):
    variance = 10.0**exponent
    assert theory.gaussian_mean(np.ones_like, variance) == pytest.approx(1, rel=1e-14)
    assert theory.gaussian_mean(lambda z: z**4, variance) == pytest.approx(
        3 * variance**2, rel=1e-13
    )
    # E erf(z)^2 = (4 / pi) arctan(sqrt(1 + 4 v)) - 1 (Williams 1997)
    expected = 4 / math.pi * math.atan(math.sqrt(1 + 4 * variance)) - 1
    assert theory.gaussian_mean(lambda z: special.erf(z) ** 2, variance) == pytest.approx(
        expected, rel=1e-7, abs=1e-14
    )


def test_the_rule_is_exact_on_each_panel():
    nodes, weights = theory._panels(np.array([[2.0, -1.0, 0.5], [0.0, 1.0, 1.0]]))
    assert nodes.shape == weights.shape == (2, 32)
    for power in range(0, 32, 5):
        expected = [(2 ** (power + 1) - (-1) ** (power + 1)) / (power + 1), 1 / (power + 1)]
        assert (nodes**power * weights).sum(axis=-1) == pytest.approx(expected, rel=1e-12)


def test_variance_zero_is_the_limit_from_above():
    assert theory.gaussian_mean(lambda z: np.cos(z), 0.0) == pytest.approx(1, rel=1e-14)
    assert theory.gaussian_mean(vn.relu.derivative, 0.0) == pytest.approx(0.5, rel=1e-14)
    assert theory.chi("relu", sigma_w=1.0, q=0.0) == pytest.approx(0.5, rel=1e-14)
    assert theory.variance_map(0.0, "sigmoid", sigma_w=2.0, sigma_b=0.5) == pytest.approx(
        1.25, rel=1e-14
    )


def test_a_function_is_asked_for():
    with pytest.raises(TypeError, match="^f is 'tanh'; a function of an array is expected$"):
        theory.gaussian_mean("tanh", 1.0)


# Maps and fixed points


@given(
    q=st.floats(1e-6, 1e4),
    sigma_w=st.floats(0.1, 3),
    sigma_b=st.floats(0, 2),
    slope=st.floats(0, 1),
)
def test_leaky_relu_has_linear_maps(q, sigma_w, sigma_b, slope):
    phi, gain = vn.leaky_relu(slope), sigma_w**2 * (1 + slope**2) / 2
    assert theory.variance_map(q, phi, sigma_w=sigma_w, sigma_b=sigma_b) == pytest.approx(
        gain * q + sigma_b**2
    )
    assert theory.chi(phi, sigma_w=sigma_w, q=q) == pytest.approx(gain, rel=1e-12)


@pytest.mark.parametrize(("slope", "sigma_b"), [(0.0, 0.0), (0.0, 0.5), (0.3, 1e-200), (1.0, 1e-3)])
def test_he_2015_rectifiers_are_critical_at_2_over_1_plus_slope_squared_whatever_the_bias(
    slope, sigma_b
):
    critical = theory.critical_sigma_w(vn.leaky_relu(slope), sigma_b=sigma_b)
    assert critical == pytest.approx(math.sqrt(2 / (1 + slope**2)), rel=1e-12)


@pytest.mark.parametrize(
    ("sigma_w", "sigma_b", "expected"),
    [
        (1.0, 0.5, 0.5),
        (1.0, 1e-9, 2e-18),
        (1.0, 1e-20, 0.0),
        (1.0, 1e3, 2e6),
        (1.0, math.sqrt(0.5), 1.0),
        (1.0, 0.0, 0.0),
        (math.sqrt(2), 0.0, 1.0),
        (math.sqrt(2), 0.1, math.inf),
        (math.sqrt(2), 1e-5, math.inf),
        (1.5, 0.0, math.inf),
    ],
)
def test_fixed_point_of_relu(sigma_w, sigma_b, expected):
    # q* = sigma_b^2 / (1 - sigma_w^2 / 2)
    q = theory.variance_fixed_point("relu", sigma_w=sigma_w, sigma_b=sigma_b)
    assert q == pytest.approx(expected, rel=1e-12, abs=0)


@BY_NAME
def test_the_fixed_point_is_where_iteration_leads(name):
    q = theory.variance_fixed_point(name, sigma_w=0.9, sigma_b=0.7)
    moving = 1.0
    for _ in range(400):
        moving = theory.variance_map(moving, name, sigma_w=0.9, sigma_b=0.7)
    assert moving == pytest.approx(q, rel=1e-10)


@pytest.mark.parametrize("sigma_w", [0.3, 0.99, 1.0])
def test_tanh_without_bias_dies_out_up_to_the_critical_line(sigma_w):
    assert theory.variance_fixed_point("tanh", sigma_w=sigma_w, sigma_b=0.0) == 0


@pytest.mark.parametrize("c", [-1.0, -0.4, 0.0, 0.3, 0.9, 1 - 1e-7, 1.0])
@pytest.mark.parametrize("q", [1e-3, 1.0, 1e3])
def test_correlation_map_of_relu_is_the_arc_cosine_kernel(c, q):
    # Cho & Saul 2009, n = 1
    expected = (math.sqrt(1 - c * c) + c * (math.pi - math.acos(c))) / math.pi
    assert theory.correlation_map(c, "relu", sigma_w=1.3, sigma_b=0.0, q=q) == pytest.approx(
        expected, abs=1e-11
    )
    biased = (0.845 * q * expected + 0.04) / (0.845 * q + 0.04)
    assert theory.correlation_map(c, "relu", sigma_w=1.3, sigma_b=0.2, q=q) == pytest.approx(
        biased, abs=1e-11
    )


@BY_NAME
def test_correlation_map_keeps_one_and_its_slope_there_is_chi(name):
    at = {"sigma_w": 1.5, "sigma_b": 0.0, "q": 0.7}
    assert theory.correlation_map(1.0, name, **at) == pytest.approx(1, rel=1e-12)
    if name not in (
        "relu",
        "leaky_relu",
        "hard_tanh",
        "selu",
    ):  # a kink adds a term in (1 - c)^(3/2)
        step, scale = 1e-5, 0.7 / theory.variance_map(0.7, name, sigma_w=1.5, sigma_b=0.0)
        slope = (1 - theory.correlation_map(1 - step, name, **at)) / step
        assert slope == pytest.approx(theory.chi(name, sigma_w=1.5, q=0.7) * scale, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "sigma_w", "sigma_b"),
    [("tanh", 1.0, 0.3), ("tanh", 2.0, 0.3), ("sigmoid", 3.0, 0.5)],
)
def test_depth_scales_belong_to_the_slopes_of_the_maps(name, sigma_w, sigma_b):
    at, step = {"sigma_w": sigma_w, "sigma_b": sigma_b}, 1e-3
    q, c = theory.variance_fixed_point(name, **at), theory.correlation_fixed_point(name, **at)
    # One-sided, of second order, because c* may be 1.
    variances = [theory.variance_map(q - k * step, name, **at) for k in range(3)]
    correlations = [theory.correlation_map(c - k * step, name, **at, q=q) for k in range(3)]
    slopes = [
        (3 * first - 4 * second + third) / (2 * step)
        for first, second, third in (variances, correlations)
    ]
    assert variances[0] == pytest.approx(q, rel=1e-12) and correlations[0] == pytest.approx(
        c, abs=1e-12
    )
    assert theory.depth_scales(name, **at) == pytest.approx(
        [-1 / math.log(slope) for slope in slopes], rel=1e-4
    )


def test_fixed_correlation():
    # Without bias an odd phi forgets every correlation; in the ordered phase and on the line inputs
    # become alike.
    assert theory.correlation_fixed_point("tanh", sigma_w=1.5, sigma_b=0.0) == pytest.approx(
        0, abs=1e-12
    )
    assert theory.correlation_fixed_point("tanh", sigma_w=1.0, sigma_b=0.3) == 1
    assert theory.correlation_fixed_point("relu", sigma_w=math.sqrt(2), sigma_b=0.0) == 1


def test_depth_scales_diverge_on_the_critical_line_and_vanish_with_the_weights():
    assert theory.depth_scales("relu", sigma_w=math.sqrt(2), sigma_b=0.0) == (math.inf, math.inf)
    critical = theory.critical_sigma_w("tanh", sigma_b=0.3)
    xi_q, xi_c = theory.depth_scales("tanh", sigma_w=critical, sigma_b=0.3)
    assert xi_q < 5 and xi_c > 1e9
    assert 100 < theory.depth_scales("tanh", sigma_w=0.99 * critical, sigma_b=0.3)[1] < 150
    assert max(theory.depth_scales("tanh", sigma_w=1e-200, sigma_b=1.0)) < 0.01


@pytest.mark.parametrize(("sigma_w", "sigma_b", "q"), [(0.5, 0.0, "0"), (1.5, 0.1, "inf")])
def test_depth_needs_a_fixed_point(sigma_w, sigma_b, q):
    given_point = f"sigma_w = {sigma_w}, sigma_b = {sigma_b:g}"
    message = rf"^{given_point} give q\* = {q}; 0 < q\* < infinity is expected$"
    for function in (theory.depth_scales, theory.correlation_fixed_point):
        with pytest.raises(ValueError, match=message):
            function("relu", sigma_w=sigma_w, sigma_b=sigma_b)


# Published numbers


def test_schoenholz_2017_tanh_is_critical_at_1_76():
    assert f"{theory.critical_sigma_w('tanh', sigma_b=math.sqrt(0.05)) ** 2:.2f}" == "1.76"


def test_xiao_2018_tanh_is_critical_at_1_05_and_2_01e_5():
    assert f"{theory.critical_sigma_w('tanh', sigma_b=math.sqrt(2.01e-5)) ** 2:.4f}" == "1.0500"


def test_sigmoid_is_critical_at_10_15():
    assert f"{theory.critical_sigma_w('sigmoid', sigma_b=0.0):.2f}" == "10.15"


def test_tanh_without_bias_is_critical_at_1():
    assert theory.critical_sigma_w("tanh", sigma_b=0.0) == pytest.approx(1, rel=1e-6)


def test_an_activation_without_critical_point_is_named():
    steps = vn.Activation("steps", np.sign, np.zeros_like, max_derivative=0.0)
    with pytest.raises(
        ValueError,
        match="^activation steps at sigma_b = 0.5 has no critical sigma_w; one is expected$",
    ):
        theory.critical_sigma_w(steps, sigma_b=0.5)


@pytest.mark.parametrize(
    ("name", "below", "above"),
    [("gelu", 0.588, 1.176), ("silu", 0.703, 1.405), ("mish", 0.796, 1.105)],
)
def test_an_activation_whose_chi_jumps_over_1_is_not_called_critical(name, below, above):
    jump = rf"at 1\.\d+, where q\* jumps, chi goes from {below:.3f} to {above:.3f}"
    with pytest.raises(ValueError, match=f"has no critical sigma_w: {jump}; "):
        theory.critical_sigma_w(name, sigma_b=0.0)


@pytest.mark.parametrize("sigma_b", [0.0, 0.5])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "relu", "selu", "elu", "softplus", "softsign"])
def test_chi_is_1_on_both_sides_of_the_critical_sigma_w(name, sigma_b):
    critical = theory.critical_sigma_w(name, sigma_b=sigma_b)
    for near in (1 - 1e-10, 1 + 1e-10):
        sigma_w = critical * near
        q = theory.variance_fixed_point(name, sigma_w=sigma_w, sigma_b=sigma_b)
        assert theory.chi(name, sigma_w=sigma_w, q=min(q, 1e12)) == pytest.approx(1, abs=1e-3)


def test_yang_2019_batch_norm_growth_of_relu_and_of_linear_layers():
    # pi / (pi - 1) for ReLU and large batches, (B - 2) / (B - 3) for linear layers
    relu = math.pi / (math.pi - 1)
    assert theory.batch_norm_growth(10**8, "relu") == pytest.approx(relu, rel=1e-7)
    for batch in (4, 5, 8, 32, 1000):
        linear = (batch - 2) / (batch - 3)
        assert theory.batch_norm_growth(batch, "identity") == pytest.approx(linear, rel=1e-12)


def test_veit_2016_paths_of_5_to_17_blocks_are_0_45_percent_of_those_of_54():
    shares = theory.path_lengths(54)
    assert shares == pytest.approx([math.comb(54, k) / 2**54 for k in range(55)], rel=1e-12)
    assert f"{shares[5:18].sum():.2%}" == "0.45%"


def test_klambauer_2017_selu_keeps_mean_0_and_variance_1():
    assert theory.gaussian_mean(vn.selu, 1.0) == pytest.approx(0, abs=1e-12)
    assert theory.variance_fixed_point("selu", sigma_w=1.0, sigma_b=0.0) == pytest.approx(
        1, rel=1e-10
    )


# Batch norm


@pytest.mark.parametrize("name", ["relu", "tanh", "hard_tanh", "gelu_tanh", "softsign"])
@pytest.mark.parametrize("batch", [4, 8, 32])
def test_batch_norm_growth_is_the_mean_over_the_sphere(batch, name):
    phi, normal = vn.activation(name), np.random.default_rng(batch).standard_normal((20_000, batch))
    centred = normal - normal.mean(axis=1, keepdims=True)
    u = centred * math.sqrt(batch) / np.linalg.norm(centred, axis=1, keepdims=True)
    slopes, y = phi.derivative(u), phi(u) - phi(u).mean(axis=1, keepdims=True)
    # tr(P A P) = tr A - 1^T A 1 / B - u^T A u / B with A = D^2 - d d^T / B
    traces = (slopes**2).sum(axis=1) * (1 - 1 / batch)
    traces -= ((slopes**2).sum(axis=1) - slopes.sum(axis=1) ** 2 / batch) / batch
    traces -= (((u * slopes) ** 2).sum(axis=1) - (u * slopes).sum(axis=1) ** 2 / batch) / batch
    growth = theory.batch_norm_growth(batch, name)
    assert ratio_within_five_errors(batch / (batch - 3) * traces, (y**2).sum(axis=1), growth)


@pytest.mark.parametrize("batch", [4, 8, 32, 1000])
def test_batch_norm_growth_of_relu_in_closed_form(batch):
    # ReLU is homogeneous, so that the joint law of u and v enters by its angle alone, as for
    # Gaussian pairs.
    cosine = -1 / (batch - 1)
    both = (math.pi - math.acos(cosine)) / (2 * math.pi)
    product = math.sqrt(1 - cosine**2) / (2 * math.pi) + cosine * both
    expected = batch / (batch - 3) * (0.5 - (1 - both - product) / batch) / (0.5 - product)
    assert theory.batch_norm_growth(batch, "relu") == pytest.approx(expected, rel=1e-12)


def test_batch_norm_growth_ignores_the_scale_of_phi():
    double = vn.Activation(
        "double", lambda z: 2 * np.tanh(z), lambda z: 2 * vn.tanh.derivative(z), max_derivative=2.0
    )
    assert theory.batch_norm_growth(8, double) == pytest.approx(
        theory.batch_norm_growth(8, vn.tanh), rel=1e-12
    )


@pytest.mark.parametrize("width", [32, 128])
@pytest.mark.parametrize("batch", [8, 32])
@pytest.mark.parametrize("name", ["identity", "relu", "tanh"])
def test_a_layer_with_batch_norm_multiplies_the_squared_gradient_as_predicted(name, batch, width):
    # Inputs that are orthogonal put z_1 where deep layers are, exactly at every width; as the deep
    # layers keep the variance of z, which one layer does not, the product of it and the squared
    # gradient is what is compared.
    rng, above, below = np.random.default_rng(batch), [], []
    norm = replace(vn.BatchNorm.initialized(width), epsilon=0.0)
    for _ in range(150):
        first, second = (vn.scaled_gaussian(1.0)((width, fan), rng=rng) for fan in (batch, width))
        one, two = (vn.Linear(weight, np.zeros(width)) for weight in (first, second))
        net = vn.Sequential((one, norm, vn.Activate(vn.activation(name)), two))
        record = net.record(math.sqrt(batch) * np.eye(batch), TRAINING)
        delta = rng.standard_normal((batch, width))
        delta -= delta.mean(axis=0)
        gradients = record.backward(delta)
        above.append(np.sum(gradients.delta[0] ** 2) * (1 - 1 / batch))
        below.append(np.sum(delta**2) * np.mean(np.var(record.z[1], axis=0)))
    assert ratio_within_five_errors(above, below, theory.batch_norm_growth(batch, name))


@pytest.mark.parametrize("width", [96, 192])
@pytest.mark.parametrize("batch", [8, 32])
def test_a_deep_relu_net_with_batch_norm_explodes_as_predicted(batch, width):
    rng, factors = np.random.default_rng(width), []
    for _ in range(25):
        net = vn.dense_network(
            [width] * 17, activation="relu", initializer="he_normal", normalization="batch", rng=rng
        )
        record = net.record(rng.standard_normal((batch, width)), TRAINING)
        gradients = record.backward(rng.standard_normal((batch, width)))
        squares = [np.sum(delta**2) for delta in gradients.delta]
        # Without the first layers, where inputs are not yet as correlated as in deep ones, and the
        # output's layer.
        factors.append(np.mean([first / second for first, second in pairwise(squares[4:15])]))
    assert within_five_errors(factors, theory.batch_norm_growth(batch, "relu"))


# Mean field


@pytest.mark.parametrize("width", [50, 200])
@pytest.mark.parametrize(
    "name",
    [
        "identity",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "selu",
        "gelu_tanh",
        "softsign",
        "hard_tanh",
        "mish",
    ],
)
def test_chi_is_the_factor_measured(name, width):
    # An input of fixed norm makes z_1 Gaussian of variance q exactly, and a random dL/dz_2 is
    # independent of it.
    rng, sigma_w, q, factors, squares = np.random.default_rng(width), 1.4, 1.7, [], []
    for _ in range(60):
        net = vn.dense_network(
            [width] * 3, activation=name, initializer=vn.scaled_gaussian(sigma_w), rng=rng
        )
        x = rng.standard_normal((1, width))
        record = net.record(x * math.sqrt(q) / (sigma_w * vn.rms(x)))
        delta = record.backward(rng.standard_normal((1, width))).delta
        factors.append(np.mean(delta[0] ** 2))
        squares.append(np.mean(record.z[1] ** 2))
    assert within_five_errors(factors, theory.chi(name, sigma_w=sigma_w, q=q))
    assert within_five_errors(squares, theory.variance_map(q, name, sigma_w=sigma_w, sigma_b=0.0))


@pytest.mark.parametrize("width", [100, 200])
@pytest.mark.parametrize("sigma_b", [0.05, 0.2, 0.5, 1.0])
def test_tanh_keeps_signal_and_gradient_on_the_critical_line(sigma_b, width):
    rng, sigma_w = np.random.default_rng(width), theory.critical_sigma_w("tanh", sigma_b=sigma_b)
    q = theory.variance_fixed_point("tanh", sigma_w=sigma_w, sigma_b=sigma_b)
    rule = vn.scaled_gaussian(sigma_w, sigma_b=sigma_b)
    factors, variances = [], []
    for _ in range(60):
        net = vn.dense_network([width] * 3, activation="tanh", initializer=rule, rng=rng)
        x = rng.standard_normal((1, width))
        record = net.record(x * math.sqrt(q - sigma_b**2) / (sigma_w * vn.rms(x)))
        factors.append(np.mean(record.backward(rng.standard_normal((1, width))).delta[0] ** 2))
        variances.append(np.mean(record.z[1] ** 2))
    assert within_five_errors(factors, 1.0)
    assert within_five_errors(variances, q)


@pytest.mark.parametrize("width", [40, 100])
def test_the_squared_gradient_of_relu_nets_is_log_normal(width):
    rng, depth, logs = np.random.default_rng(width), 10, []
    for _ in range(300):
        net = vn.dense_network(
            [width] * (depth + 2), activation="relu", initializer="he_normal", rng=rng
        )
        record = net.record(rng.standard_normal((1, width)))
        delta = record.backward(rng.standard_normal((1, width))).delta
        logs.append(2 * math.log(vn.rms(delta[0]) / vn.rms(delta[-1])))
    mean, variance = theory.log_normal_law([width] * (depth + 1))
    assert within_five_errors(logs, mean)
    assert within_five_errors((np.array(logs) - np.mean(logs)) ** 2, variance)


def test_one_relu_layer_multiplies_by_mean_1_and_variance_5_over_n():
    # X = (2/n) chi^2_K: the moments of X from those of K, those of ln X from digamma and trigamma.
    n = 50
    k = np.arange(1, n + 1)
    chance = stats.binom.pmf(k, n, 0.5)
    assert chance @ (2 / n * k) == pytest.approx(1)
    assert chance @ ((2 / n) ** 2 * (k * k + 2 * k)) - 1 == pytest.approx(5 / n)
    logs = math.log(4 / n) + special.digamma(k / 2)
    mean, variance = theory.log_normal_law([n])
    assert (mean, variance) == pytest.approx((-0.05, 0.1))
    assert abs(chance @ logs - mean) < 5 / n**2
    assert (
        abs(chance @ (logs**2 + special.polygamma(1, k / 2)) - (chance @ logs) ** 2 - variance)
        < 25 / n**2
    )


@pytest.mark.parametrize("width", [200, 400])
@pytest.mark.parametrize(
    ("name", "sigma_w", "input_variance"),
    [("tanh", 1.0, 0.1), ("tanh", 1.5, 0.05), ("relu", 1.2, 0.3)],
)
def test_the_gradient_of_a_recurrent_net_grows_as_predicted(name, sigma_w, input_variance, width):
    rng, phi, nets, steps = np.random.default_rng(width), vn.activation(name), 8000 // width, 20
    weight = sigma_w / math.sqrt(width) * rng.standard_normal((nets, width, width), np.float32)
    deviation = math.sqrt(input_variance)
    z, slopes = deviation * rng.standard_normal((nets, width, 1), np.float32), []
    for _ in range(steps + 12):
        z = weight @ phi(z) + deviation * rng.standard_normal((nets, width, 1), np.float32)
        slopes.append(phi.derivative(z))
    delta, squares = rng.standard_normal((nets, 1, width), np.float32), []
    for slope in reversed(slopes[12:]):
        delta = (delta @ weight) * slope.swapaxes(1, 2)
        squares.append(np.sum(delta**2, axis=(1, 2)))
    factors = np.mean([later / earlier for earlier, later in pairwise(squares)], axis=0)
    growth = theory.recurrent_growth(name, sigma_w=sigma_w, input_variance=input_variance)
    assert within_five_errors(factors, growth)


def test_recurrent_growth_without_a_stationary_variance_is_that_of_the_limit():
    assert theory.recurrent_growth("relu", sigma_w=2.0, input_variance=1.0) == pytest.approx(
        2, rel=1e-12
    )


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_pretorius_2018_dropout_makes_weights_critical_that_are_smaller_by_sqrt_1_minus_p(rate):
    # Inverted dropout on h: its noise has mean 1 and second moment 1 / (1 - p).
    rng, width, sigma_w, factors = np.random.default_rng(0), 100, math.sqrt(2 * (1 - rate)), []
    for _ in range(200):
        net = vn.dense_network(
            [width] * 3,
            activation="relu",
            initializer=vn.scaled_gaussian(sigma_w),
            dropout=rate,
            rng=rng,
        )
        record = net.record(rng.standard_normal((1, width)), vn.Mode(training=True, rng=rng))
        factors.append(np.mean(record.backward(rng.standard_normal((1, width))).delta[0] ** 2))
    assert theory.chi("relu", sigma_w=sigma_w / math.sqrt(1 - rate), q=1.0) == pytest.approx(
        1, rel=1e-12
    )
    assert within_five_errors(factors, 1.0)


# Products of matrices, paths


@pytest.mark.parametrize("n", [1, 2, 3, 10, 101, 1000])
def test_random_product_growth_is_scipys_digamma(n):
    assert theory.random_product_growth(n) == pytest.approx(
        (math.log(2) + special.digamma(n / 2)) / 2, rel=1e-12
    )


@pytest.mark.parametrize("n", [2, 5])
def test_random_matrices_multiply_a_vector_as_predicted(n):
    rng, vector, logs = np.random.default_rng(n), np.eye(n)[0], []
    for _ in range(4000):
        vector = rng.standard_normal((n, n)) @ vector
        logs.append(math.log(np.linalg.norm(vector)))
        vector /= np.linalg.norm(vector)
    assert within_five_errors(logs, theory.random_product_growth(n))


@given(blocks=st.integers(1, 1500), branch=st.floats(1e-3, 1e3))
def test_path_shares_are_binomial(blocks, branch):
    shares = theory.path_lengths(blocks, branch=branch)
    expected = stats.binom.pmf(np.arange(blocks + 1), blocks, branch / (1 + branch))
    assert shares.shape == (blocks + 1,) and shares == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_mean_singular_value_of_a_matrix():
    n, variance = 200, 0.3
    values = np.linalg.svd(
        math.sqrt(variance) * np.random.default_rng(0).standard_normal((n, n)), compute_uv=False
    )
    # The mean of singular values fluctuates by far less than theirs.
    assert np.mean(values) == pytest.approx(theory.mean_singular_value(n, variance), rel=5e-3)
    density = integrate.quad(lambda s: s * math.sqrt(4 - s * s) / math.pi, 0, 2)[0]
    assert theory.mean_singular_value(1, 1.0) == pytest.approx(density, rel=1e-10)
    assert theory.mean_singular_value(50, 0.0) == 0


@pytest.mark.parametrize("depth", [1, 2, 7, 50])
def test_linear_jacobian_edge_is_the_growth_of_the_moments(depth):
    # E lambda^k is the Fuss-Catalan number binomial((L + 1) k, k) / (L k + 1), which grows as
    # edge^k k^(-3/2).
    def log_moment(k):
        a, b = (depth + 1) * k, depth * k
        return (
            special.gammaln(a + 1)
            - special.gammaln(k + 1)
            - special.gammaln(b + 1)
            - math.log(b + 1)
        )

    k = 100_000
    growth = log_moment(k + 1) - log_moment(k) + 1.5 * math.log1p(1 / k)
    assert math.log(theory.linear_jacobian_edge(depth)) == pytest.approx(growth, abs=1e-6)
    assert theory.linear_jacobian_edge(2) == pytest.approx(27 / 4, rel=1e-15)


def test_theory_calls_no_network_and_every_function_is_typed_and_documented():
    names = {
        name
        for name, value in vars(theory).items()
        if getattr(value, "__module__", "") == theory.__name__
    }
    assert {name for name in names if not name.startswith("_")} == set(theory.__all__)
    assert theory.__all__ == sorted(theory.__all__) and vn.theory is theory
    source = inspect.getsource(theory)
    assert {
        line.split()[1] for line in source.splitlines() if line.startswith("from vanishing")
    } == {
        "vanishing.nn.activations",
        "vanishing._validation",
    }
    for name in theory.__all__:
        function = getattr(theory, name)
        assert function.__doc__.splitlines()[0].endswith(".") and "Examples:" in function.__doc__
        signature = inspect.signature(function)
        assert inspect.Signature.empty not in {p.annotation for p in signature.parameters.values()}
        assert all(
            signature.parameters[key].kind is inspect.Parameter.KEYWORD_ONLY
            for key in {"sigma_w", "sigma_b", "input_variance", "branch"}
            & set(signature.parameters)
        )
