"""Residual connections and highways: their formulas, and what they do to signal and gradient."""

import math
from dataclasses import replace

import numpy as np
import pytest

import vanishing as vn


def linear(rng, n=4):
    return vn.Linear(rng.standard_normal((n, n)), rng.standard_normal(n))


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
    alone = vn.Sequential((linear(rng), vn.Activate("tanh"), linear(rng)))
    block = vn.Residual(alone, scale)
    record = alone.record(h)
    output, memory = block.forward(h)
    assert output == pytest.approx(h + scale * record.output, rel=1e-14)
    d_input, parts = block.backward(memory, d_output)
    gradients = record.backward(scale * d_output)
    inside = {f"branch.{name}": value for name, value in gradients.parameters.items()}
    assert d_input == pytest.approx(d_output + gradients.input, rel=1e-14)
    assert all(parts[name] == pytest.approx(value) for name, value in inside.items())
    assert set(parts) - set(inside) == (set() if isinstance(scale, float) else {"scale"})
    assert parts.keys() == block.parameters.keys()
    if "scale" in parts:
        assert parts["scale"] == pytest.approx([np.sum(d_output * record.output)])
    assert block.is_weight_layer and vn.Residual(alone).scale == 1.0


def test_a_fixed_scale_keeps_the_dtype_and_a_trainable_one_moves():
    rng = np.random.default_rng(1)
    assert type(vn.Residual(linear(rng), np.float64(2)).scale) is float
    assert vn.Residual(linear(rng), 1).scale == 1.0
    block = vn.Residual(linear(rng), np.zeros(1))
    moved = (
        vn.Sequential((block,))
        .with_parameters({"0.scale": np.ones(1), "0.branch.bias": np.zeros(4)})
        .layers[0]
    )
    assert (
        moved.scale == [1]
        and (moved.branch.bias == 0).all()
        and moved.branch.weight is block.branch.weight
    )
    with pytest.raises(ValueError, match="parameter 'scale' is unknown"):
        vn.Residual(linear(rng)).with_parameters({"scale": np.ones(1)})


def test_a_block_from_zero_is_the_identity_and_passes_the_gradient_as_it_is():
    # Bachlechner et al. 2020: the scale starts at 0 and is the only parameter with a gradient;
    # Zhang et al. 2019 and others set the branch's last weights to zero instead, which then are
    rng = np.random.default_rng(2)
    h, d_output = rng.standard_normal((2, 5, 4))
    silent = vn.Linear(np.zeros((4, 4)), np.zeros(4))
    for block, moving in [
        (vn.Residual(vn.Sequential((linear(rng), vn.Activate("tanh"))), np.zeros(1)), {"scale"}),
        (
            vn.Residual(vn.Sequential((linear(rng), vn.Activate("tanh"), silent))),
            {"branch.2.weight", "branch.2.bias"},
        ),
    ]:
        output, memory = block.forward(h)
        d_input, parts = block.backward(memory, d_output)
        assert (output == h).all() and (d_input == d_output).all()
        assert {name for name, value in parts.items() if value.any()} == moving


def growth(depth, scale, runs=200, width=32):
    """The mean square of z_L over that of z_1 in pre-activation ReLU networks, and its error."""
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
        z = network.record(rng.standard_normal((1, width))).z
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
    assert layer.is_weight_layer and list(layer.parameters) == [
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


RNG = np.random.default_rng(7)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: vn.Residual(()), TypeError, r"^branch is \(\); one layer, such as Sequential"),
        (lambda: vn.Residual(vn.relu), TypeError, "^branch is Activation.*; one layer, such as"),
        (lambda: vn.Residual(linear(RNG), None), TypeError, "^scale is None; a number"),
        (
            lambda: vn.Residual(linear(RNG), math.nan),
            ValueError,
            "^scale is nan; a finite number",
        ),
        (
            lambda: vn.Residual(linear(RNG), np.ones(2)),
            ValueError,
            r"^scale has shape \(2,\) .*; \(1,\) and",
        ),
        (
            lambda: vn.Residual(vn.Linear(np.ones((2, 4)), np.ones(2))).forward(np.ones((5, 4))),
            ValueError,
            r"^branch makes shape \(5, 2\) of \(5, 4\); the same shape is expected$",
        ),
        (
            lambda: vn.Residual(vn.Linear(np.ones((1, 4)), np.ones(1))).forward(np.ones((5, 4))),
            ValueError,
            "^branch makes shape",
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
    ],
)
def test_what_makes_no_branch_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_highway_gives_an_activation_that_needs_it_its_z():
    rng = np.random.default_rng(20)
    layer = vn.Highway(
        *rng.standard_normal((1, 3, 3)), rng.standard_normal(3), np.eye(3), np.zeros(3), "gelu"
    )
    assert vn.projection_test(layer, rng.standard_normal((5, 3)), rng=rng) < 1e-11
