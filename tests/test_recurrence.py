"""Recurrent layers: exact gradients, what truncation cuts, what gates do to the gradient."""

import copy
import math
import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

import vanishing as vn

CELLS = {
    "tanh": (vn.RNN, {}),
    "relu": (vn.RNN, {"activation": vn.relu}),
    "identity": (vn.RNN, {"activation": vn.identity}),
    "sigmoid": (vn.RNN, {"activation": "sigmoid"}),
    "lstm": (vn.LSTM, {}),
    "gru": (vn.GRU, {}),
    "gru, reset before": (vn.GRU, {"reset_after": False}),
}
EVERY_CELL = pytest.mark.parametrize("cell", CELLS)
GATED = pytest.mark.parametrize("reset_after", [True, False])


def random_layer(cell, rng, input_size=3, units=4, dtype=np.float64, **options):
    """A layer whose every parameter is drawn, biases included."""
    call, more = CELLS[cell]
    layer = call.initialized(input_size, units, rng=rng, dtype=dtype, **more, **options)
    drawn = {
        name: 0.7 * rng.standard_normal(value.shape) for name, value in layer.parameters.items()
    }
    return layer.with_parameters({name: value.astype(dtype) for name, value in drawn.items()})


def classifier(layer, rng, classes=3):
    weight, bias = rng.standard_normal((classes, layer.hidden_size)), rng.standard_normal(classes)
    dtype = layer.weight.dtype
    return vn.Sequential(
        (layer, vn.LastStep(), vn.Linear(weight.astype(dtype), bias.astype(dtype)))
    )


@pytest.mark.parametrize(("batch", "time"), [(5, 6), (1, 6), (5, 1), (1, 1)])
@EVERY_CELL
def test_projection_alone_and_inside_a_network(cell, batch, time):
    rng = np.random.default_rng(1)
    layer, x = random_layer(cell, rng), rng.standard_normal((batch, time, 3))
    assert vn.projection_test(layer, x, rng=rng) < 1e-11
    deep = vn.Sequential(
        (layer, random_layer(cell, rng, input_size=4), *classifier(layer, rng).layers[1:])
    )
    assert vn.projection_test(deep, x, rng=rng) < 1e-11


@EVERY_CELL
def test_projection_in_float32(cell):
    rng = np.random.default_rng(2)
    network = classifier(random_layer(cell, rng, dtype=np.float32), rng)
    x = rng.standard_normal((5, 6, 3)).astype(np.float32)
    # In one projection in some the terms may cancel; the median shows the usual error, a few
    # roundings of 6e-8.
    assert np.median([vn.projection_test(network, x, rng=rng) for _ in range(7)]) < 1e-5


@EVERY_CELL
def test_forward_mode_agrees_with_backpropagation(cell):
    rng = np.random.default_rng(3)
    layer = random_layer(cell, rng)
    network, x, labels = classifier(layer, rng), rng.standard_normal((2, 4, 3)), np.array([0, 2])
    for name in layer.parameters:
        one, two = (
            vn.parameter_gradient(network, x, labels, parameter=name, method=way)
            for way in ("backprop", "forward")
        )
        assert np.linalg.norm(one) > 1e-4
        assert np.linalg.norm(one - two) < 1e-13 * np.linalg.norm(one), name


@dataclass(frozen=True, eq=False)
class ResidualRNN(vn.Recurrent):
    """h_t = h_{t-1} + tanh(x_t W^T + h_{t-1} R^T + b) / 10."""

    def step(self, drive, state):
        h = np.tanh(drive + state @ self.recurrent_weight.T)
        return state + h / 10, (state, h)

    def step_backward(self, memory, d_state):
        before, h = memory
        delta = (1 - h**2) * d_state / 10
        return (
            delta,
            d_state + delta @ self.recurrent_weight,
            {"recurrent_weight": delta.T @ before},
        )


def test_a_new_cell_is_a_step_and_a_step_back():
    rng = np.random.default_rng(20)
    layer, x = ResidualRNN.initialized(3, 4, rng=rng, truncation=3), rng.standard_normal((2, 6, 3))
    assert vn.projection_test(replace(layer, truncation=None), x, rng=rng) < 1e-11
    assert vn.step_jacobians(layer, x).shape == (2, 6, 4, 4) and layer.forward(x)[0].shape == (
        2,
        6,
        4,
    )
    with pytest.raises(TypeError, match="abstract"):
        vn.Recurrent(layer.weight, layer.bias, layer.recurrent_weight)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@EVERY_CELL
def test_dtype_in_is_dtype_out(cell, dtype):
    rng = np.random.default_rng(4)
    layer, x = (
        random_layer(cell, rng, dtype=dtype, truncation=2),
        rng.standard_normal((2, 3, 3)).astype(dtype),
    )
    output, memory = layer.forward(x)
    d_x, parts = layer.backward(memory, output)
    states, jacobians = vn.state_gradients(layer, memory, output), vn.step_jacobians(layer, x)
    assert {a.dtype for a in (output, d_x, *parts.values(), states, jacobians)} == {np.dtype(dtype)}
    size = 8 if cell == "lstm" else 4
    assert (output.shape, states.shape, jacobians.shape) == (
        (2, 3, 4),
        (2, 3, size),
        (2, 3, size, size),
    )
    assert {name: a.shape for name, a in parts.items()} == {
        name: a.shape for name, a in layer.parameters.items()
    }


def test_the_formulas_by_hand():
    one, x = np.ones((1, 1)), np.array([[[0.3], [-0.8]]])
    plain = vn.RNN(2 * one, np.array([0.1]), 0.5 * one)
    h = math.tanh(0.7)
    assert plain.activation is vn.tanh
    assert plain.forward(x)[0].ravel() == pytest.approx([h, math.tanh(-1.5 + 0.5 * h)], rel=1e-15)
    w, r, b, c = (
        np.array([[0.5], [-1.0], [2.0]]),
        np.array([[1.0], [0.4], [-0.6]]),
        np.array([0.1, 0.2, 0.3]),
        0.7,
    )

    def sigma(z):
        return 1 / (1 + math.exp(-z))

    for after in (True, False):
        h, expected = 0.0, []
        for value in x.ravel():
            gate_r, z = sigma(0.5 * value + h + 0.1), sigma(-value + 0.4 * h + 0.2)
            inner = gate_r * (-0.6 * h + c) if after else -0.6 * gate_r * h + c
            h = z * h + (1 - z) * math.tanh(2 * value + 0.3 + inner)
            expected.append(h)
        assert vn.GRU(w, b, r, np.array([c]), after).forward(x)[0].ravel() == pytest.approx(
            expected, rel=1e-14
        )
    assert vn.GRU(w, b, r, np.array([c])).reset_after is True


@EVERY_CELL
def test_truncation_of_at_least_the_length_is_none(cell):
    rng = np.random.default_rng(5)
    layer, x = random_layer(cell, rng), rng.standard_normal((2, 5, 3))
    assert layer.truncation is None
    output, memory = layer.forward(x)
    full = layer.backward(memory, output)
    for k, same in ((4, False), (5, True), (6, True)):
        cut = replace(layer, truncation=k)
        again, memory = cut.forward(x)
        d_x, parts = cut.backward(memory, output)
        assert (again == output).all()
        assert (d_x == full[0]).all() == same
        assert all((parts[name] == value).all() for name, value in full[1].items()) == same


@EVERY_CELL
def test_truncation_cuts_after_every_k_steps_from_the_start(cell):
    rng = np.random.default_rng(6)
    layer, x = random_layer(cell, rng), rng.standard_normal((2, 7, 3))
    output, memory = layer.forward(x)
    at_the_end = np.zeros_like(output)
    at_the_end[:, -1] = rng.standard_normal((2, 4))
    whole = vn.state_gradients(layer, memory, at_the_end)
    for k, reached in ((1, 6), (2, 6), (3, 6), (4, 4), (5, 5), (6, 6)):
        states = vn.state_gradients(replace(layer, truncation=k), memory, at_the_end)
        assert (states[:, :reached] == 0).all() and (
            states[:, reached:] == whole[:, reached:]
        ).all()
    # With a loss at every step each piece has the gradient that it has alone, from the state that
    # it starts with.
    states = vn.state_gradients(replace(layer, truncation=1), memory, output)
    assert (states[..., :4] == output).all() and (states[..., 4:] == 0).all()


@EVERY_CELL
def test_the_gradient_is_the_product_of_the_step_jacobians(cell):
    rng = np.random.default_rng(7)
    layer, x = random_layer(cell, rng, truncation=2), rng.standard_normal((3, 6, 3))
    full, jacobians = replace(layer, truncation=None), vn.step_jacobians(layer, x)
    output, memory = full.forward(x)
    d_output = np.zeros_like(output)
    d_output[:, -1] = rng.standard_normal((3, 4))
    delta = vn.state_gradients(full, memory, d_output)
    assert (delta[:, -1, :4] == d_output[:, -1]).all() and (delta[:, -1, 4:] == 0).all()
    pulled = delta[:, -1]
    for t in range(5, 0, -1):
        pulled = np.einsum("bi,bij->bj", pulled, jacobians[:, t])
        np.testing.assert_allclose(delta[:, t - 1], pulled, rtol=1e-11, atol=1e-14)


@EVERY_CELL
def test_the_step_jacobian_is_the_derivative_of_a_step(cell):
    rng = np.random.default_rng(8)
    layer, x = random_layer(cell, rng), rng.standard_normal((2, 3, 3))
    states = [np.zeros((2, layer.state_parts * 4))]
    for t in range(3):
        drive = x[:, t] @ layer.weight.T + layer.bias
        jacobian = vn.step_jacobians(layer, x)[:, t]
        for j in range(jacobian.shape[-1]):
            nudged = states[-1] + 1e-20j * (np.arange(jacobian.shape[-1]) == j)
            derivative = layer.step(drive + 0j, nudged)[0].imag / 1e-20
            np.testing.assert_allclose(jacobian[:, :, j], derivative, rtol=1e-12, atol=1e-15)
        states.append(layer.step(drive, states[-1])[0])
        assert layer.forward(x)[0][:, t] == pytest.approx(states[-1][:, :4], rel=1e-14)


def test_an_lstm_whose_forget_gate_is_saturated_open_carries_the_cell_gradient_unchanged():
    rng = np.random.default_rng(9)
    layer = random_layer("lstm", rng)
    bias = np.repeat([-60.0, 60.0, 0.0, 60.0], 4)
    _, memory = (layer := replace(layer, bias=bias)).forward(rng.standard_normal((3, 50, 3)))
    d_output = np.zeros((3, 50, 4))
    d_output[:, -1] = 1.0
    cell = vn.state_gradients(layer, memory, d_output)[..., 4:]
    assert (cell[:, :-1] == cell[:, -2:-1]).all() and (cell[:, -2] > 0.99).all()


@pytest.mark.parametrize("b", [-1.0, 0.0, 1.0, 3.0])
def test_with_zero_weights_the_cell_keeps_sigmoid_of_the_forget_bias_per_step(b):
    layer = vn.LSTM.initialized(
        2, 3, rng=np.random.default_rng(10), forget_bias=b, initializer=vn.gaussian(0.0)
    )
    layer = replace(layer, recurrent_weight=np.zeros((12, 3)))
    output, memory = layer.forward(np.ones((1, 20, 2)))
    d_output = np.zeros_like(output)
    d_output[:, -1] = 1.0
    cell = vn.state_gradients(layer, memory, d_output)[0, :, 3:]
    assert cell[:-2] / cell[1:-1] == pytest.approx(np.full((18, 3), vn.sigmoid(b)), rel=1e-14)


@GATED
def test_a_gru_whose_update_gate_is_one_keeps_state_and_gradient(reset_after):
    rng = np.random.default_rng(11)
    layer = random_layer("gru" if reset_after else "gru, reset before", rng)
    assert layer.reset_after is reset_after
    layer = replace(layer, bias=layer.bias + np.repeat([0.0, 60.0, 0.0], 4))
    x, state = rng.standard_normal((3, 5, 3)), rng.standard_normal((3, 4))
    kept, memory = layer.step(x[:, 0] @ layer.weight.T + layer.bias, state)
    d_state = rng.standard_normal((3, 4))
    assert (kept == state).all()
    assert layer.step_backward(memory, d_state)[1] == pytest.approx(d_state, rel=1e-12)
    assert vn.step_jacobians(layer, x) == pytest.approx(
        np.broadcast_to(np.eye(4), (3, 5, 4, 4)), abs=1e-20
    )


def test_the_two_reset_conventions_differ_and_agree_where_reset_is_one():
    rng = np.random.default_rng(12)
    after, x = random_layer("gru", rng), rng.standard_normal((2, 5, 3))
    before = replace(after, reset_after=False)
    assert np.abs(after.forward(x)[0] - before.forward(x)[0]).max() > 0.01
    open_bias = after.bias + np.repeat([60.0, 0.0, 0.0], 4)
    one, two = (replace(layer, bias=open_bias).forward(x)[0] for layer in (after, before))
    assert one == pytest.approx(two, rel=1e-13)


@pytest.mark.parametrize("radius", [0.9, 1.0, 1.1])
def test_a_linear_rnns_gradient_norm_changes_by_the_spectral_radius_per_step(radius):
    rng = np.random.default_rng(13)
    steps, units = 120, 6

    def norms(recurrent):
        layer = vn.RNN(np.ones((units, 1)), np.zeros(units), recurrent, vn.identity)
        output, memory = layer.forward(np.zeros((1, steps, 1)))
        d_output = np.zeros_like(output)
        d_output[:, -1] = rng.standard_normal(units)
        return np.linalg.norm(vn.state_gradients(layer, memory, d_output), axis=(0, 2))

    rotation = np.linalg.qr(rng.standard_normal((units, units)))[0]
    found = norms(radius * rotation)
    assert found[:-1] / found[1:] == pytest.approx(np.full(steps - 1, radius))
    # A matrix that is not normal: the first steps grow by more, and only the radius decides in the
    # long run.
    skewed = np.diag(radius * np.array([1.0, 0.8, -0.7, 0.6, 0.5, 0.4])) + np.triu(
        np.ones((units, units)), 1
    )
    found = norms(skewed)
    assert found[-4] > 3 * radius**3 * found[-1]
    assert found[0] / found[1] == pytest.approx(radius, rel=1e-6)


def test_measure_counts_a_recurrent_layer_and_both_its_weights():
    rng = np.random.default_rng(14)
    layer = random_layer("lstm", rng)
    network, x, labels = (
        classifier(layer, rng),
        rng.standard_normal((6, 5, 3)),
        rng.integers(3, size=6),
    )
    measured, record = vn.measure(network, x, labels), network.record(x)
    gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels))
    assert network.weight_layers == (0, 2)
    assert measured.signal_rms[0] == pytest.approx(vn.rms(record.outputs[1]))
    assert measured.preactivation_rms[0] == pytest.approx(vn.rms(record.outputs[0]))
    assert measured.delta_norm[0] == pytest.approx(vn.norm_per_sample(gradients.delta[0]))
    both = math.hypot(
        *(np.linalg.norm(gradients.by_layer[0][name]) for name in ("weight", "recurrent_weight"))
    )
    assert measured.weight_gradient_norm[0] == pytest.approx(both)
    delta = vn.state_gradients(layer, record.memories[0], gradients.delta[0])
    assert (delta[:, -1, :4] == gradients.delta[0][:, -1]).all()


def test_an_lstm_recalls_the_first_of_twenty_steps_and_a_small_plain_rnn_does_not():
    x, labels = np.zeros((2, 20, 2)), np.arange(2)
    x[:, 0] = np.eye(2)
    losses = {}
    for cell, options in ((vn.LSTM, {"forget_bias": 3.0}), (vn.RNN, {})):
        rng = np.random.default_rng(15)
        rules = {"initializer": vn.gaussian(1.0), "recurrent_initializer": vn.gaussian(0.1)}
        head = vn.Linear(vn.xavier_normal((2, 8), rng=rng), np.zeros(2))
        network = vn.Sequential(
            (cell.initialized(2, 8, rng=rng, **rules, **options), vn.LastStep(), head)
        )
        optimizer = vn.SGD(0.05, momentum=0.9)
        _, history = vn.train(
            network,
            x,
            labels,
            optimizer=optimizer,
            epochs=300,
            batch_size=2,
            rng=rng,
            measure_every=300,
        )
        losses[cell] = history.loss[-1]
    assert losses[vn.LSTM] < 0.01
    assert losses[vn.RNN] == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize(("cell", "gates"), [("tanh", 1), ("lstm", 4), ("gru", 3)])
def test_of_draws_each_gates_block_for_itself(cell, gates):
    call, _ = CELLS[cell]
    layer = call.initialized(3, 5, rng=np.random.default_rng(16))
    rng = np.random.default_rng(16)
    weight = np.concatenate([vn.xavier_uniform((5, 3), rng=rng) for _ in range(gates)])
    recurrent = np.concatenate(
        [vn.initializer("orthogonal")((5, 5), rng=rng) for _ in range(gates)]
    )
    assert (layer.weight == weight).all() and (layer.recurrent_weight == recurrent).all()
    for block in layer.recurrent_weight.reshape(gates, 5, 5):
        assert block @ block.T == pytest.approx(np.eye(5), abs=1e-14)
    biases = {"tanh": [0.0], "lstm": [0.0, 1.0, 0.0, 0.0], "gru": [0.0, 0.0, 0.0]}
    assert (layer.bias == np.repeat(biases[cell], 5)).all()
    assert layer.weight.dtype == np.float64 and layer.truncation is None
    if cell == "gru":
        assert layer.recurrent_bias.shape == (5,) and (layer.recurrent_bias == 0).all()


def test_of_takes_rules_biases_and_what_the_constructor_takes():
    rng = np.random.default_rng(17)
    rule = vn.scaled_gaussian(1.0, sigma_b=1.0)
    options = {"forget_bias": 2.5, "truncation": 7, "dtype": np.float32}
    layer = vn.LSTM.initialized(
        3, 2, rng=rng, initializer=rule, recurrent_initializer="he_normal", **options
    )
    assert layer.truncation == 7 and layer.bias.dtype == np.float32
    assert (layer.bias[2:4] == 2.5).all() and (np.delete(layer.bias, [2, 3]) != 0).all()
    assert vn.RNN.initialized(3, 2, rng=rng, activation="relu").activation is vn.relu
    gru = vn.GRU.initialized(3, 2, rng=rng, recurrent_bias=np.ones(2, np.float32), dtype=np.float32)
    assert (gru.recurrent_bias == 1).all() and gru.recurrent_bias.dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 0}, "input_size is 0; a whole number of at least 1"),
        ({"hidden_size": 1.5}, "hidden_size is 1.5; a whole number"),
        ({"rng": 0}, "rng is 0; a generator"),
        ({"initializer": "xavier"}, "initializer 'xavier' is unknown; did you mean"),
        (
            {"recurrent_initializer": "ortogonal"},
            "initializer 'ortogonal' is unknown; did you mean 'orthogonal'",
        ),
        ({"forget_bias": math.nan}, "forget_bias is nan; a finite number"),
        ({"dtype": np.int64}, "dtype is int64; a floating-point type"),
        ({"truncation": 0}, "truncation is 0; a whole number of at least 1"),
    ],
)
@pytest.mark.parametrize("call", [vn.RNN, vn.LSTM, vn.GRU])
def test_initialized_names_what_is_wrong(call, options, message):
    good = {"input_size": 3, "hidden_size": 2, "rng": np.random.default_rng(0)}
    with pytest.raises((TypeError, ValueError), match=message):
        call.initialized(**{**good, **options})


def test_shapes_are_named():
    layer = vn.LSTM.initialized(3, 2, rng=np.random.default_rng(18))
    _, memory = layer.forward(np.ones((4, 5, 3)))
    for wrong, shape in ((np.ones((4, 3)), r"\(4, 3\)"), (np.ones((4, 5, 2)), r"\(4, 5, 2\)")):
        with pytest.raises(
            ValueError, match=rf"^h has shape {shape}; \(batch, time, 3\) is expected"
        ):
            layer.forward(wrong)
        with pytest.raises(
            ValueError, match=rf"^x has shape {shape}; \(batch, time, 3\) is expected"
        ):
            vn.step_jacobians(layer, wrong)
    with pytest.raises(
        ValueError, match=r"^h has shape \(4, 3\); \(batch, time, features\) is expected"
    ):
        vn.LastStep().forward(np.ones((4, 3)))
    with pytest.raises(
        ValueError, match=r"^d_output has shape \(4, 5, 3\); \(4, 5, 2\) is expected"
    ):
        vn.state_gradients(layer, memory, np.ones((4, 5, 3)))
    for call in (vn.state_gradients, vn.step_jacobians):
        with pytest.raises(
            TypeError, match="^layer is .*LastStep.*; a recurrent layer such as RNN is expected"
        ):
            call(
                vn.LastStep(),
                *(memory, np.ones((4, 5, 2)))[: 2 if call is vn.state_gradients else 1],
            )
    with pytest.raises(ValueError, match=r"bias has shape \(8,\) .*; \(4,\)"):
        vn.LSTM(layer.weight, layer.bias, np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"recurrent_weight has shape \(6, 2\) .*; \(8, 2\)"):
        vn.LSTM(layer.weight, layer.bias, np.ones((6, 2)))


def test_the_last_step_and_its_gradient():
    x = np.arange(12.0).reshape(2, 3, 2)
    output, memory = vn.LastStep().forward(x)
    d_input, parts = vn.LastStep().backward(memory, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert output.tolist() == [[4.0, 5.0], [10.0, 11.0]] and parts == {}
    assert d_input.tolist() == [[[0, 0], [0, 0], [1, 2]], [[0, 0], [0, 0], [3, 4]]]


@EVERY_CELL
def test_layers_pickle_copy_and_leave_what_they_are_given(cell):
    rng = np.random.default_rng(19)
    layer, x = random_layer(cell, rng, truncation=2), rng.standard_normal((2, 4, 3))
    output, memory = layer.forward(x)
    kept = output.copy(), x.copy()
    d_x, _ = layer.backward(memory, output)
    assert (output == kept[0]).all() and (x == kept[1]).all()
    for other in (
        copy.deepcopy(layer),
        pickle.loads(pickle.dumps(layer)),
        layer.with_parameters(layer.parameters),
    ):
        again, memory = other.forward(x)
        assert (again == output).all() and (other.backward(memory, output)[0] == d_x).all()


def test_the_last_step_keeps_the_dtype_of_the_gradient():
    _, shape = vn.LastStep().forward(np.ones((2, 3, 1), np.float32))
    assert vn.LastStep().backward(shape, np.ones((2, 1), np.float32))[0].dtype == np.float32


def test_an_rnn_gives_an_activation_that_needs_it_its_z():
    rng = np.random.default_rng(20)
    layer = vn.RNN.initialized(3, 4, rng=rng)
    gelu = vn.RNN(layer.weight, layer.bias, layer.recurrent_weight, "gelu")
    assert vn.projection_test(gelu, rng.standard_normal((2, 5, 3)), rng=rng) < 1e-11


def gate_derivatives(layer, x):
    """By definition, step by step: the derivatives inside the layer, each of (batch, time, n)."""
    sigma, n = lambda z: 1 / (1 + np.exp(-z)), layer.hidden_size
    h, c, steps = np.zeros((len(x), n)), np.zeros((len(x), n)), []
    for t in range(x.shape[1]):
        W, R = layer.weight, layer.recurrent_weight
        given, fed_back = x[:, t] @ W.T + layer.bias, h @ R.T
        if isinstance(layer, vn.RNN):
            h = np.tanh(given + fed_back)
            steps.append([1 - h**2])
        elif isinstance(layer, vn.LSTM):
            i, f, g, o = np.split(given + fed_back, 4, axis=1)
            i, f, g, o = sigma(i), sigma(f), np.tanh(g), sigma(o)
            c = f * c + i * g
            h = o * np.tanh(c)
            steps.append([i * (1 - i), f * (1 - f), 1 - g**2, o * (1 - o), 1 - np.tanh(c) ** 2])
        else:
            r, z = np.split(sigma((given + fed_back)[:, : 2 * n]), 2, axis=1)
            after, before = (
                r * (fed_back[:, 2 * n :] + layer.recurrent_bias),
                (r * h) @ R[2 * n :].T,
            )
            reset = after if layer.reset_after else before + layer.recurrent_bias
            new = np.tanh(given[:, 2 * n :] + reset)
            h = z * h + (1 - z) * new
            steps.append([r * (1 - r), z * (1 - z), 1 - new**2])
    return [np.stack(gate, axis=1) for gate in zip(*steps, strict=True)]


@pytest.mark.parametrize("cell", ["tanh", "lstm", "gru", "gru, reset before"])
def test_a_layer_gives_the_derivatives_of_all_its_gates_at_all_steps(cell):
    rng = np.random.default_rng(8)
    layer, x = random_layer(cell, rng), rng.standard_normal((5, 3, 3))
    found = layer.nonlinearities(layer.forward(x)[1])
    expected = gate_derivatives(layer, x)
    assert len(found) == len(expected)
    for nonlinearity, derivative in zip(found, expected, strict=True):
        assert nonlinearity.derivative == pytest.approx(derivative, rel=1e-12)
        at_zero = 0.25 if derivative.max() <= 0.25 else 1.0
        assert nonlinearity.max_derivative == at_zero and not nonlinearity.trainable
    assert layer.nonlinearities(layer.forward(x[:, :1])[1])[0].derivative.shape == (5, 1, 4)
