"""Residual branches, highways, dropout and PReLU: their formulas, and what they do to signal and gradient."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import vanishing as vn


def affine(rng, n=4):
    return vn.Affine(rng.standard_normal((n, n)), rng.standard_normal(n))


def highway(rng, n=4, gate_bias=0.0, **settings):
    weight, gate_weight = rng.standard_normal((2, n, n)) / math.sqrt(n)
    settings = {"activation": "tanh"} | settings
    return vn.Highway(
        weight, rng.standard_normal(n), gate_weight, np.full(n, gate_bias), **settings
    )


@pytest.mark.parametrize("scale", [1.0, -0.5, 0.0, np.array([0.3])])
def test_a_residual_block_adds_its_scaled_branch(scale):
    rng = np.random.default_rng(0)
    h, d_output = rng.standard_normal((2, 5, 4))
    branch = (affine(rng), vn.Activate("tanh"), affine(rng))
    block, alone = vn.Residual(branch, scale), vn.Network(branch)
    record = alone.forward(h)
    output, memory = block.forward(h)
    assert output == pytest.approx(h + scale * record.output, rel=1e-14)
    d_input, parts = block.backward(memory, d_output)
    gradients = alone.backward(record, scale * d_output)
    assert d_input == pytest.approx(d_output + gradients.input, rel=1e-14)
    assert all(parts[name] == pytest.approx(value) for name, value in gradients.parameters.items())
    assert set(parts) - set(gradients.parameters) == (
        set() if isinstance(scale, float) else {"scale"}
    )
    assert parts.keys() == block.parameters.keys()
    if "scale" in parts:
        assert parts["scale"] == pytest.approx([np.sum(d_output * record.output)])
    assert block.numbered and vn.Residual(branch).scale == 1.0


def test_a_fixed_scale_keeps_the_dtype_and_a_learned_one_moves():
    rng = np.random.default_rng(1)
    assert type(vn.Residual((affine(rng),), np.float64(2)).scale) is float
    assert vn.Residual((affine(rng),), 1).scale == 1.0
    block = vn.Residual((affine(rng),), np.zeros(1))
    moved = (
        vn.Network((block,))
        .with_parameters({"0.scale": np.ones(1), "0.0.bias": np.zeros(4)})
        .layers[0]
    )
    assert (
        moved.scale == [1]
        and (moved.layers[0].bias == 0).all()
        and moved.layers[0].weight is block.layers[0].weight
    )
    with pytest.raises(ValueError, match="parameter 'scale' is unknown"):
        vn.Residual((affine(rng),)).with_parameters({"scale": np.ones(1)})


def test_a_block_from_zero_is_the_identity_and_passes_the_gradient_as_it_is():
    # Bachlechner et al. 2020: the scale starts at 0 and is the only parameter with a gradient;
    # Zhang et al. 2019 and others set the branch's last weights to zero instead, which then are
    rng = np.random.default_rng(2)
    h, d_output = rng.standard_normal((2, 5, 4))
    silent = vn.Affine(np.zeros((4, 4)), np.zeros(4))
    for block, moving in [
        (vn.Residual((affine(rng), vn.Activate("tanh")), np.zeros(1)), {"scale"}),
        (vn.Residual((affine(rng), vn.Activate("tanh"), silent)), {"2.weight", "2.bias"}),
    ]:
        output, memory = block.forward(h)
        d_input, parts = block.backward(memory, d_output)
        assert (output == h).all() and (d_input == d_output).all()
        assert {name for name, value in parts.items() if value.any()} == moving


def growth(depth, scale, runs=200, width=32):
    """The mean square of z_L over that of z_1 in `runs` pre-activation ReLU networks, and its standard error."""
    ratios = []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        network = vn.dense_network(
            [width] * (depth + 2) + [1],
            activation="relu",
            initializer="he_normal",
            residual="pre",
            branch_scale=scale,
            rng=rng,
        )
        z = network.forward(rng.standard_normal((1, width))).z
        ratios.append(np.mean(z[-2] ** 2) / np.mean(z[0] ** 2))
    return np.mean(ratios), np.std(ratios) / math.sqrt(runs)


def test_without_normalization_each_residual_block_doubles_the_mean_square():
    mean, error = growth(depth=4, scale=1.0)
    assert abs(mean - 2**4) < 5 * error and error < 1


def test_branches_scaled_by_one_over_the_root_of_their_number_stay_below_e():
    # (1 + 1/L)^L < e for every L
    for depth in (4, 16):
        mean, error = growth(depth, 1 / math.sqrt(depth), runs=60)
        assert abs(mean - (1 + 1 / depth) ** depth) < 5 * error and mean < math.e


def test_a_highway_mixes_what_it_makes_and_what_it_carries():
    rng = np.random.default_rng(3)
    layer, h = highway(rng, gate_bias=-0.5), rng.standard_normal((5, 4))
    gate = vn.sigmoid(h @ layer.gate_weight.T + layer.gate_bias)
    made = vn.tanh(h @ layer.weight.T + layer.bias)
    assert layer.forward(h)[0] == pytest.approx(gate * made + (1 - gate) * h, rel=1e-13)
    assert layer.numbered and list(layer.parameters) == [
        "weight",
        "bias",
        "gate_weight",
        "gate_bias",
    ]
    assert highway(rng, activation="relu").activation is vn.relu


def test_srivastava_et_al_2015_a_negative_gate_bias_carries_signal_and_gradient():
    rng = np.random.default_rng(4)
    h, d_output = rng.standard_normal((2, 5, 4))
    kept = []
    for gate_bias in (0.0, -3.0, -40.0):
        layer = highway(rng, gate_bias=gate_bias)
        output, memory = layer.forward(h)
        d_input, _ = layer.backward(memory, d_output)
        kept.append(max(np.abs(output - h).max(), np.abs(d_input - d_output).max()))
    assert kept[0] > kept[1] > kept[2] and kept[2] < 1e-15


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
    network = vn.Network((vn.Dropout(0.5), affine(np.random.default_rng(9))))
    first, same, other = (
        network.forward(np.ones((5, 4)), vn.Mode(True, np.random.default_rng(seed))).output
        for seed in (1, 1, 2)
    )
    assert (first == same).all() and (first != other).any()
    with pytest.raises(
        TypeError, match=r"^rng is None; a generator such as .*default_rng\(0\) is expected$"
    ):
        network.forward(np.ones((5, 4)), vn.Mode(training=True))


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
        assert parts["slope"].tolist() == gradient and parts["slope"].shape == slope.shape
    leaky = vn.leaky_relu(0.25)
    assert (vn.PReLU(np.array([0.25])).forward(z)[0] == leaky(z)).all()
    assert not layer.numbered and layer.fan_in == 3
    assert vn.PReLU(np.ones(1)).fan_in is None and vn.PReLU(np.ones(2)).fan_in == 2


def test_training_finds_the_slope_of_a_teacher():
    rng = np.random.default_rng(6)
    x = rng.standard_normal((200, 3))
    slopes = np.array([0.5, -1.0, 0.0])
    target = np.where(x > 0, x, slopes * x)

    def gradient(slope):
        output, memory = vn.PReLU(slope).forward(x)
        return vn.PReLU(slope).backward(memory, vn.mean_squared_error.gradient(output, target))[1][
            "slope"
        ]

    assert vn.descend(gradient, np.full(3, 0.25), learning_rate=1.0, steps=40)[-1] == pytest.approx(
        slopes, abs=1e-6
    )


RNG = np.random.default_rng(7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: vn.Residual(()), TypeError, "^layers holds nothing; one or more layers"),
        (lambda: vn.Residual((vn.relu,)), TypeError, r"^layers holds \['Activation'\]"),
        (lambda: vn.Residual((affine(RNG),), None), TypeError, "^scale is None; a number"),
        (
            lambda: vn.Residual((affine(RNG),), math.nan),
            ValueError,
            "^scale is nan; a finite number",
        ),
        (
            lambda: vn.Residual((affine(RNG),), np.ones(2)),
            ValueError,
            r"^scale has shape \(2,\) .*; \(1,\) and",
        ),
        (
            lambda: vn.Residual((vn.Affine(np.ones((2, 4)), np.ones(2)),)).forward(np.ones((5, 4))),
            ValueError,
            r"^layers make shape \(5, 2\) of \(5, 4\); the same shape is expected$",
        ),
        (
            lambda: vn.Residual((vn.Affine(np.ones((1, 4)), np.ones(1)),)).forward(np.ones((5, 4))),
            ValueError,
            "^layer",
        ),
        (
            lambda: replace(highway(RNG), bias=np.ones(3)),
            ValueError,
            r"^weight has shape \(4, 4\) .*\(3, 3\) ",
        ),
        (
            lambda: replace(highway(RNG), weight=np.ones((4, 3))),
            ValueError,
            r"^weight has shape \(4, 3\) .*\(4, 4\)",
        ),
        (
            lambda: replace(highway(RNG), gate_weight=np.ones((4, 3))),
            ValueError,
            r"^gate_weight has .*\(4, 4\)",
        ),
        (
            lambda: replace(highway(RNG), gate_bias=np.ones((4, 4))),
            ValueError,
            r"^gate_bias has .*\(4,\) and float64",
        ),
        (
            lambda: replace(highway(RNG), activation="tan"),
            ValueError,
            "^activation 'tan' is unknown",
        ),
        (lambda: vn.Dropout(1.0), ValueError, "^rate is 1.0; .*of at least 0 and below 1"),
        (lambda: vn.Dropout(-0.1), ValueError, "^rate is -0.1; .*of at least 0 and below 1"),
        (lambda: vn.PReLU(0.25), ValueError, r"^slope has shape \(\); 1 axes"),
    ],
)
def test_what_makes_no_branch_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_highway_gives_an_activation_without_a_slope_its_z():
    rng = np.random.default_rng(20)
    layer = vn.Highway(
        *rng.standard_normal((1, 3, 3)), rng.standard_normal(3), np.eye(3), np.zeros(3), "gelu"
    )
    assert vn.projection_test(layer, rng.standard_normal((5, 3)), rng=rng) < 1e-11
