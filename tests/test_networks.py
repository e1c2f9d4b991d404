"""Dense networks: the formulas of the forward and the backward pass, and what records hold."""

import numpy as np
import pytest

import vanishing as vn


def small(activation="tanh", dtype=np.float64, **settings):
    rng = np.random.default_rng(0)
    settings = {"initializer": vn.scaled_gaussian(1.5, sigma_b=0.3)} | settings
    network = vn.dense_network(
        [3, 5, 4, 2], activation=activation, rng=rng, dtype=dtype, **settings
    )
    return (
        network,
        rng.standard_normal((7, 3)).astype(dtype),
        rng.standard_normal((7, 2)).astype(dtype),
    )


@pytest.mark.parametrize(
    "phi", [vn.identity, vn.sigmoid, vn.tanh, vn.relu, vn.leaky_relu()], ids=lambda phi: phi.name
)
def test_a_dense_network_is_the_formulas_of_the_notation_page(phi):
    network, x, d_output = small(phi, output_activation=phi)
    record = network.record(x)
    gradients = record.backward(d_output)
    weights = [layer.weight for layer in network.layers if isinstance(layer, vn.Linear)]
    biases = [layer.bias for layer in network.layers if isinstance(layer, vn.Linear)]
    assert len(record.h) == 4 and len(record.z) == len(gradients.delta) == 3
    assert record.h[0] is record.x and record.h[3] is record.output
    d_h = d_output
    for l in (3, 2, 1):
        z = record.h[l - 1] @ weights[l - 1].T + biases[l - 1]
        assert record.z[l - 1] == pytest.approx(z)
        assert record.h[l] == pytest.approx(phi(z))
        delta = d_h * phi.derivative(z)
        assert gradients.delta[l - 1] == pytest.approx(delta)
        assert gradients.weight[l - 1] == pytest.approx(delta.T @ record.h[l - 1])
        assert gradients.bias[l - 1] == pytest.approx(delta.sum(axis=0))
        d_h = delta @ weights[l - 1]
    assert gradients.input == pytest.approx(d_h)


def test_gradients_have_the_names_and_shapes_of_the_parameters():
    network, x, d_output = small()
    gradients = network.record(x).backward(d_output).parameters
    assert {name: value.shape for name, value in gradients.items()} == {
        name: value.shape for name, value in network.parameters.items()
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "leaky_relu"])
def test_the_dtype_is_kept_everywhere(activation, dtype):
    network, x, d_output = small(activation, dtype)
    record = network.record(x)
    gradients = record.backward(d_output)
    arrays = (
        *record.h,
        *record.z,
        *gradients.delta,
        *gradients.weight,
        *gradients.bias,
        gradients.input,
    )
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}


def test_passes_write_into_nothing_that_they_were_given():
    network, x, d_output = small("sigmoid")
    before = (
        x.copy(),
        d_output.copy(),
        {name: value.copy() for name, value in network.parameters.items()},
    )
    record = network.record(x)
    kept = [array.copy() for array in (*record.h, *record.z)]
    record.backward(d_output)
    assert (x == before[0]).all() and (d_output == before[1]).all()
    assert all((value == before[2][name]).all() for name, value in network.parameters.items())
    assert all((a == b).all() for a, b in zip(kept, (*record.h, *record.z), strict=True))


def test_one_seed_gives_one_network():
    first, second = (small()[0].parameters for _ in range(2))
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "leaky_relu", "identity"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-11), (np.float32, 1e-4)])
def test_a_deep_network_passes_the_projection_test(activation, dtype, tolerance):
    rng = np.random.default_rng(1)
    network = vn.dense_network(
        [4] + [6] * 20 + [3],
        activation=activation,
        initializer="pytorch_default",
        rng=rng,
        dtype=dtype,
    )
    x = rng.standard_normal((5, 4)).astype(dtype)
    assert vn.projection_test(network, x, rng=rng) < tolerance


def bad(**changed):
    settings = {"widths": [2, 2], "activation": "tanh", "rng": np.random.default_rng(0)} | changed
    return lambda: vn.dense_network(**settings)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (bad(widths=[2]), ValueError, r"widths is \[2\]; at least the input's and the output's"),
        (bad(widths=[2, 0]), ValueError, r"widths\[1\] is 0; a whole number of at least 1"),
        (bad(widths=[2, 2.5]), TypeError, r"widths\[1\] is 2.5; a whole number"),
        (bad(activation="relo"), ValueError, "activation 'relo' is unknown; did you mean 'relu'"),
        (
            bad(initializer="xavier"),
            ValueError,
            "initializer 'xavier' is unknown; did you mean 'xavier_",
        ),
        (bad(rng=0), TypeError, "rng is 0; a generator such as"),
        (bad(dtype=int), TypeError, "dtype is int64; a floating-point type"),
        (lambda: vn.Sequential(()), TypeError, "layers holds nothing"),
        (lambda: vn.Sequential((vn.relu,)), TypeError, r"layers holds \['Activation'\]"),
    ],
)
def test_what_makes_no_network_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.full((2, 3), np.nan), ValueError, r"x holds nan at index \(0, 0\)"),
        (np.array([[1.0, 2.0, np.inf]]), ValueError, r"x holds inf at index \(0, 2\)"),
        (np.ones((0, 3)), ValueError, r"x is empty \(shape \(0, 3\)\)"),
        (np.ones(3), ValueError, r"x has shape \(3,\); at least 2 axes"),
        (
            np.ones((2, 4)),
            ValueError,
            r"x has shape \(2, 4\); \(\.\.\., in_features\) with in_features = 3",
        ),
        (np.ones((2, 3), int), TypeError, "x has dtype int64; floating-point"),
        (np.array([["a", "b", "c"]]), TypeError, "x has dtype <U1; floating-point"),
        ([[1.0, 2.0, 3.0], [1.0]], ValueError, "x is ragged"),
    ],
)
def test_what_is_no_input_is_refused(x, error, message):
    with pytest.raises(error, match=message):
        small()[0].record(x)


def test_a_gradient_that_does_not_fit_is_refused():
    network, x, d_output = small()
    record = network.record(x)
    with pytest.raises(ValueError, match=r"d_output has shape \(7,\); \(7, 2\), as output"):
        record.backward(d_output[:, 0])
    with pytest.raises(ValueError, match=r"d_output holds nan at index \(0, 0\)"):
        record.backward(d_output * np.nan)


def kinds(layers):
    """The layers in words, residual branches in brackets."""
    names = [
        kinds(layer.branch.layers) if isinstance(layer, vn.Residual) else type(layer).__name__
        for layer in layers
    ]
    return f"[{' '.join(names)}]" if isinstance(layers, tuple) else " ".join(names)


ARRANGEMENTS = [
    ({}, "Linear Activate Linear Activate Linear Activate Linear"),
    (
        {"normalization": "batch", "dropout": 0.2},
        3 * "Linear BatchNorm Activate Dropout " + "Linear",
    ),
    ({"residual": "pre"}, "Linear [Activate Linear] [Activate Linear] Activate Linear"),
    (
        {"residual": "pre", "normalization": "layer", "dropout": 0.2},
        "Linear [LayerNorm Activate Dropout Linear] [LayerNorm Activate Dropout Linear] "
        "LayerNorm Activate Dropout Linear",
    ),
    ({"residual": "post"}, "Linear Activate [Linear] Activate [Linear] Activate Linear"),
    (
        {"residual": "post", "normalization": "rms", "dropout": 0.2},
        "Linear RMSNorm Activate Dropout " + 2 * "[Linear RMSNorm] Activate Dropout " + "Linear",
    ),
    ({"residual": "pre", "activation": "identity"}, "Linear [Linear] [Linear] Linear"),
    (
        {"residual": "pre", "output_activation": "sigmoid"},
        "Linear [Activate Linear] [Activate Linear] Activate Linear Activate",
    ),
    ({"activation": vn.PReLU(np.array([0.25]))}, "Linear PReLU Linear PReLU Linear PReLU Linear"),
    (
        {"residual": "post", "widths": [4, 4, 5, 5, 4, 4]},
        "Linear Activate Linear Activate [Linear] Activate Linear Activate Linear",
    ),
]


def remedied(widths=(4, 4, 4, 4, 4), **settings):
    settings = {"activation": "tanh", "initializer": "pytorch_default"} | settings
    return vn.dense_network(widths, rng=np.random.default_rng(0), **settings)


@pytest.mark.parametrize(("settings", "expected"), ARRANGEMENTS, ids=lambda value: str(value)[:40])
def test_a_remedy_is_a_keyword(settings, expected):
    network = remedied(**settings)
    assert kinds(list(network.layers)) == expected
    # the same draws whatever the remedy
    plain = remedied(**{key: value for key, value in settings.items() if key == "widths"})
    names = (pair for name in network.fans for pair in (name, name[: -len("weight")] + "bias"))
    drawn = [network.parameters[name] for name in names]
    assert all((a == b).all() for a, b in zip(drawn, plain.parameters.values(), strict=True))


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(
    "settings", [settings for settings, _ in ARRANGEMENTS], ids=lambda value: str(value)[:40]
)
@pytest.mark.parametrize("trainable_scale", [False, True])
def test_every_remedy_passes_the_projection_test_and_is_measured_layer_by_layer(
    settings, training, trainable_scale
):
    rng = np.random.default_rng(1)
    network = remedied(**settings, branch_scale=0.6, trainable_scale=trainable_scale)
    x, labels, mode = rng.standard_normal((6, 4)), rng.integers(4, size=6), vn.Mode(training, rng)
    assert vn.projection_test(network, x, rng=rng, mode=mode) < 1e-11
    measured = vn.measure(network, x, labels, mode=mode)
    assert len(measured.delta_norm) == len(settings.get("widths", (4,) * 5)) - 1
    for sizes in (
        measured.signal_rms,
        measured.preactivation_rms,
        measured.delta_norm,
        measured.weight_gradient_norm,
    ):
        assert (sizes > 0).all()
    record = network.record(x, vn.Mode(training, np.random.default_rng(2)))
    gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels))
    again = vn.measure_record(record, gradients)
    measured = vn.measure(network, x, labels, mode=vn.Mode(training, np.random.default_rng(2)))
    assert all((getattr(again, name) == value).all() for name, value in vars(measured).items())
    norms = [
        np.sqrt(sum(np.sum(gradients.by_layer[i][name] ** 2) for name in network.layers[i].fans))
        for i in network.weight_layers
    ]
    assert measured.weight_gradient_norm == pytest.approx(norms, rel=1e-12)


def test_forward_mode_goes_through_every_remedy():
    rng = np.random.default_rng(3)
    x, labels = rng.standard_normal((6, 4)), rng.integers(4, size=6)
    for residual, parameter in (
        ("pre", "branch.2.weight"),
        ("post", "branch.0.weight"),
        ("pre", "branch.0.weight"),
        ("post", "scale"),
    ):
        network = remedied(
            residual=residual, normalization="batch", trainable_scale=True, branch_scale=0.5
        )
        one, two = (
            vn.parameter_gradient(network, x, labels, layer=2, parameter=parameter, method=method)
            for method in ("backprop", "forward")
        )
        assert np.linalg.norm(one - two) < 1e-12 * np.linalg.norm(one)


@pytest.mark.parametrize("residual", ["pre", "post"])
def test_the_scale_of_the_branches_is_a_number_or_learned(residual):
    fixed = remedied(residual=residual, branch_scale=0.5)
    trainable = remedied(
        residual=residual,
        branch_scale=0.0,
        trainable_scale=True,
        dtype=np.float32,
        normalization="batch",
    )
    assert [layer.scale for layer in fixed.layers if isinstance(layer, vn.Residual)] == [0.5, 0.5]
    assert [
        layer.scale for layer in remedied(residual="pre").layers if isinstance(layer, vn.Residual)
    ] == [1.0, 1.0]
    scales = {name: value for name, value in trainable.parameters.items() if name.endswith("scale")}
    assert len(scales) == 2 and all(value.tolist() == [0.0] for value in scales.values())
    assert {value.dtype for value in trainable.parameters.values()} == {np.dtype(np.float32)}
    assert "scale" not in "".join(remedied(trainable_scale=True).parameters)


def test_dead_and_saturated_units_are_seen_in_a_branch():
    rng = np.random.default_rng(4)
    dead = vn.Linear(rng.standard_normal((4, 4)), np.full(4, -100.0))
    block = vn.Residual(
        vn.Sequential((dead, vn.Activate("relu"), vn.Linear(np.eye(4), np.zeros(4))))
    )
    network = vn.Sequential(
        (vn.Linear(np.eye(4), np.zeros(4)), block, vn.Linear(np.eye(4), np.zeros(4)))
    )
    measured = vn.measure(network, rng.standard_normal((6, 4)), rng.integers(4, size=6))
    assert measured.dead.tolist() == measured.saturated.tolist() == [0, 1, 0]


@pytest.mark.parametrize("residual", [None, "pre", "post"])
@pytest.mark.parametrize("normalization", [None, "batch", "layer", "rms"])
def test_every_remedy_trains(residual, normalization):
    rng = np.random.default_rng(5)
    x, labels = vn.blobs(rng=rng)
    network = remedied((2, 8, 8, 8, 3), residual=residual, normalization=normalization, dropout=0.1)
    settings = {"optimizer": vn.SGD(0.2), "epochs": 5, "batch_size": 20, "rng": rng}
    _, history = vn.train(network, x, labels, **settings)
    assert history.loss[-1] < history.loss[0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            bad(normalization="bach"),
            ValueError,
            "^normalization 'bach' is unknown; did you mean 'batch'. Known: batch, layer, rms$",
        ),
        (
            bad(residual="prae"),
            ValueError,
            "^residual 'prae' is unknown; did you mean 'pre'. Known: pre, post$",
        ),
        (
            bad(output_activation="tan"),
            ValueError,
            "^output_activation 'tan' is unknown; did you mean 'tanh'",
        ),
        (bad(dropout=1), ValueError, "^dropout is 1; a finite number of at least 0 and below 1"),
        (bad(branch_scale=None), TypeError, "^branch_scale is None; a number"),
        (bad(trainable_scale=1), TypeError, "^trainable_scale is 1; True or False is expected"),
        (bad(widths=3), ValueError, "^widths is 3; at least the input's"),
    ],
)
def test_what_is_no_remedy_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
