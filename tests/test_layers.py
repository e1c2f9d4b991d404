"""Every layer's backward pass is that of its forward pass, and a new layer needs no other code."""

import copy
import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

import vanishing as vn
from vanishing.nn.layer import EVALUATION


@dataclass(frozen=True, eq=False)
class Centred(vn.Layer):
    """A layer from elsewhere: h minus a running mean, which no gradient moves."""

    mean: np.ndarray

    def forward(self, h, mode=EVALUATION):
        return h - self.mean, h

    def backward(self, memory, d_output):
        return d_output, {}

    def with_running_statistics(self, memory):
        return replace(self, mean=0.9 * self.mean + 0.1 * memory.mean(axis=0))


@dataclass(frozen=True, eq=False)
class Recurrent(vn.Layer):
    """A layer from elsewhere: h_t = tanh(x_t U^T + h_{t-1} W^T) over (time, batch, features)."""

    weight: np.ndarray
    recurrent: np.ndarray

    @property
    def parameters(self):
        return {"weight": self.weight, "recurrent": self.recurrent}

    def forward(self, h, mode=EVALUATION):
        states = [np.zeros((h.shape[1], len(self.recurrent)))]
        for x in h:
            states.append(np.tanh(x @ self.weight.T + states[-1] @ self.recurrent.T))
        return np.stack(states[1:]), (h, states)

    def backward(self, memory, d_output):
        x, states = memory
        d_x, d_state = np.empty_like(x), np.zeros_like(states[0])
        gradients = {name: np.zeros_like(value) for name, value in self.parameters.items()}
        for t in range(len(x) - 1, -1, -1):
            delta = (d_output[t] + d_state) * (1 - states[t + 1] ** 2)
            gradients["weight"] += delta.T @ x[t]
            gradients["recurrent"] += delta.T @ states[t]
            d_x[t], d_state = delta @ self.weight, delta @ self.recurrent
        return d_x, gradients


def linear(rng, fan_out, fan_in):
    return vn.Linear(vn.xavier_normal((fan_out, fan_in), rng=rng), rng.standard_normal(fan_out))


def normal(cls, rng, width=4):
    """A normalization whose every number was drawn."""
    return cls(**{name: 0.5 + rng.random(width) for name in cls.trainable + cls.running})


def residual(rng, width, scale=0.7):
    inside = (normal(vn.LayerNorm, rng, width), linear(rng, width, width), vn.Activate("tanh"))
    return vn.Residual(vn.Sequential(inside), scale)


def highway(rng):
    return vn.Highway(
        *(rng.standard_normal(shape) for shape in ((4, 4), 4, (4, 4), 4)), activation="sigmoid"
    )


# Each takes width 4 to width 4.
LAYERS = {
    "linear": lambda rng: linear(rng, 4, 4),
    "activate": lambda rng: vn.Activate(vn.sigmoid),
    "batch norm": lambda rng: normal(vn.BatchNorm, rng),
    "layer norm": lambda rng: normal(vn.LayerNorm, rng),
    "rms norm": lambda rng: normal(vn.RMSNorm, rng),
    "residual": lambda rng: residual(rng, 4),
    "residual, trainable scale": lambda rng: residual(rng, 4, np.array([0.3])),
    "residual from zero": lambda rng: residual(rng, 4, np.zeros(1)),
    "residual in residual": lambda rng: vn.Residual(
        vn.Sequential((residual(rng, 4), linear(rng, 4, 4), normal(vn.BatchNorm, rng)))
    ),
    "residual with dropout": lambda rng: vn.Residual(
        vn.Sequential((linear(rng, 4, 4), vn.Dropout(0.4))), np.array([2.0])
    ),
    "highway": highway,
    "dropout": lambda rng: vn.Dropout(0.4),
    "prelu": lambda rng: vn.PReLU(np.array([0.25])),
    "prelu per unit": lambda rng: vn.PReLU(rng.standard_normal(4)),
    "from elsewhere": lambda rng: Centred(rng.standard_normal(4)),
    "recurrent": lambda rng: Recurrent(*(0.5 * rng.standard_normal((2, 4, 4)))),
}
EACH = pytest.mark.parametrize("kind", LAYERS)
TRAINING = pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])


def shape_of(kind, rows=5):
    return (3, rows, 4) if kind == "recurrent" else (rows, 4)


def cast(layer, dtype):
    """The layer with its parameters, and what else it holds, in that dtype."""
    if isinstance(layer, vn.Sequential):
        layer = replace(layer, layers=tuple(cast(inner, dtype) for inner in layer.layers))
    if isinstance(layer, vn.Residual):
        layer = replace(layer, branch=cast(layer.branch, dtype))
    arrays = {name: value for name, value in vars(layer).items() if isinstance(value, np.ndarray)}
    return (
        replace(layer, **{name: value.astype(dtype) for name, value in arrays.items()})
        if arrays
        else layer
    )


def wrap(layer, rng):
    return vn.Sequential((linear(rng, 4, 4), vn.Activate(vn.tanh), layer, linear(rng, 2, 4)))


@TRAINING
@EACH
def test_each_layer_passes_the_projection_test_alone_and_inside_a_network(kind, training):
    rng = np.random.default_rng(4)
    mode = vn.Mode(training, rng)
    layer = LAYERS[kind](rng)
    for part in (layer, wrap(layer, rng)):
        assert (
            vn.projection_test(part, rng.standard_normal(shape_of(kind)), rng=rng, mode=mode)
            < 1e-11
        )


@TRAINING
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind != "recurrent"])
def test_each_layer_keeps_the_dtype_and_passes_the_projection_test_to_its_resolution(
    kind, dtype, training
):
    rng = np.random.default_rng(5)
    layer, h = cast(LAYERS[kind](rng), dtype), rng.standard_normal((5, 4)).astype(dtype)
    mode = vn.Mode(training, np.random.default_rng(0))
    output, memory = layer.forward(h, mode)
    d_input, parts = layer.backward(memory, output)
    moved = layer.with_running_statistics(memory)
    arrays = [
        output,
        d_input,
        *parts.values(),
        *(a for a in vars(moved).values() if isinstance(a, np.ndarray)),
    ]
    assert {array.dtype for array in arrays} == {np.dtype(dtype)}
    assert (
        vn.projection_test(layer, h, rng=rng, mode=mode)
        < {np.float16: 0.1, np.float32: 1e-4}[dtype]
    )


@TRAINING
@EACH
def test_one_row_is_a_batch_but_for_batch_normalization_in_training(kind, training):
    rng = np.random.default_rng(6)
    layer, h, mode = (
        LAYERS[kind](rng),
        rng.standard_normal(shape_of(kind, rows=1)),
        vn.Mode(training, rng),
    )
    if training and kind in ("batch norm", "residual in residual"):
        with pytest.raises(
            ValueError, match=r"h has shape \(1, 4\); two rows or more are expected"
        ):
            layer.forward(h, mode)
    else:
        assert vn.projection_test(layer, h, rng=rng, mode=mode) < 1e-11


@TRAINING
@pytest.mark.parametrize(
    "kind", [kind for kind in LAYERS if kind not in ("from elsewhere", "recurrent")]
)
def test_sequences_are_batches_of_more_rows(kind, training):
    rng = np.random.default_rng(7)
    layer, h, d_output = (
        LAYERS[kind](rng),
        rng.standard_normal((3, 5, 4)),
        rng.standard_normal((3, 5, 4)),
    )
    runs = []
    for shape in ((3, 5, 4), (15, 4)):
        output, memory = layer.forward(
            h.reshape(shape), vn.Mode(training, np.random.default_rng(0))
        )
        d_input, parts = layer.backward(memory, d_output.reshape(shape))
        runs.append([output.reshape(-1), d_input.reshape(-1), *parts.values()])
    for sequence, rows in zip(*runs, strict=True):
        assert sequence == pytest.approx(rows, rel=1e-12, abs=1e-13)


@TRAINING
@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind != "recurrent"])
def test_forward_mode_agrees_with_every_backward_pass(kind, training):
    rng = np.random.default_rng(8)
    network, h = wrap(LAYERS[kind](rng), rng), rng.standard_normal((5, 4))
    record = network.record(h, vn.Mode(training, np.random.default_rng(0)))
    d_output = rng.standard_normal(record.output.shape)
    gradients = record.backward(d_output)
    values = {"input": h, **network.parameters}
    for name, gradient in {"input": gradients.input, **gradients.parameters}.items():
        tangent = rng.standard_normal(values[name].shape)
        lifted = {key: vn.Dual(a, tangent if key == name else 0 * a) for key, a in values.items()}
        x = lifted.pop("input")
        dual = (
            network.with_parameters(lifted)
            .record(x, vn.Mode(training, np.random.default_rng(0)))
            .output
        )
        assert np.vdot(dual.tangent, d_output) == pytest.approx(
            np.vdot(gradient, tangent), rel=1e-11, abs=1e-13
        ), name


@EACH
def test_layers_write_into_nothing_that_they_were_given_and_are_frozen(kind):
    rng = np.random.default_rng(9)
    layer, h = LAYERS[kind](rng), rng.standard_normal(shape_of(kind))
    before, parameters = h.copy(), {name: value.copy() for name, value in layer.parameters.items()}
    output, memory = layer.forward(h, vn.Mode(True, rng))
    d_output = rng.standard_normal(output.shape)
    kept = output.copy(), d_output.copy()
    layer.backward(memory, d_output)
    layer.with_running_statistics(memory)
    assert (h == before).all() and (output == kept[0]).all() and (d_output == kept[1]).all()
    assert all((layer.parameters[name] == value).all() for name, value in parameters.items())
    for name in vars(layer):
        with pytest.raises(AttributeError, match="cannot assign"):
            setattr(layer, name, None)


@EACH
def test_layers_pickle_and_copy(kind):
    layer, h = (
        LAYERS[kind](np.random.default_rng(10)),
        np.random.default_rng(11).standard_normal(shape_of(kind)),
    )
    for twin in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert (twin.forward(h)[0] == layer.forward(h)[0]).all()
        # what holds arrays is itself alone
        assert hash(layer) is not None and (twin == layer) == (kind in ("activate", "dropout"))


@pytest.mark.parametrize(
    "kind",
    ["linear", "batch norm", "layer norm", "rms norm", "residual", "highway", "prelu per unit"],
)
def test_an_input_of_another_width_is_named_by_the_layer_and_by_the_network(kind):
    layer = LAYERS[kind](np.random.default_rng(12))
    for width in (3, 1):
        features = r"\(\.\.\., in_features\) with in_features = 4 is expected"
        wanted = rf"has shape \(5, {width}\); {features}"
        with pytest.raises(ValueError, match=f"^h {wanted}$"):
            layer.forward(np.ones((5, width)))
        with pytest.raises(ValueError, match=f"^x {wanted}$"):
            vn.Sequential((layer,)).record(np.ones((5, width)))


@pytest.mark.parametrize("kind", ["activate", "dropout", "prelu"])
def test_elementwise_layers_take_any_width(kind):
    layer = LAYERS[kind](np.random.default_rng(13))
    assert layer.in_features is None
    assert layer.forward(np.ones((5, 7)))[0].shape == (5, 7)


@pytest.mark.parametrize("fault", ["input", "weight", "bias"])
def test_the_projection_test_sees_a_gradient_that_is_off_by_a_thousandth(fault):
    class Faulty(vn.Linear):
        def backward(self, memory, d_output):
            d_input, gradients = super().backward(memory, d_output)
            values = {"input": d_input, **gradients}
            values[fault] = 1.001 * values[fault]
            return values.pop("input"), values

    rng = np.random.default_rng(5)
    x = rng.standard_normal((5, 4))
    faulty = Faulty(rng.standard_normal((3, 4)), rng.standard_normal(3))
    assert vn.projection_test(faulty, x, rng=rng) == pytest.approx(1e-3, rel=0.01)
    # deep below other layers too
    layers = [linear(rng, 4, 4), Faulty(rng.standard_normal((4, 4)), rng.standard_normal(4))]
    for _ in range(10):
        layers += [vn.Activate(vn.sigmoid), linear(rng, 4, 4)]
    assert vn.projection_test(vn.Sequential(tuple(layers)), x, rng=rng) == pytest.approx(
        1e-3, rel=0.01
    )


def test_the_projection_test_compares_a_gradient_of_zero_with_the_other_parameters():
    class Biased(vn.Linear):
        def backward(self, memory, d_output):
            d_input, gradients = super().backward(memory, d_output)
            return d_input, gradients | {"bias": gradients["bias"] + fault}

    # batch normalization takes the bias away again; what is left of its gradient is rounding
    rng = np.random.default_rng(14)
    network = vn.Sequential(
        (Biased(rng.standard_normal((4, 4)), rng.standard_normal(4)), normal(vn.BatchNorm, rng))
    )
    for fault, least, most in ((0.0, 0.0, 1e-11), (1e-4, 1e-5, 0.1)):
        assert (
            least
            <= vn.projection_test(network, rng.standard_normal((6, 4)), rng=rng, mode=vn.Mode(True))
            < most
        )


def test_forward_mode_needs_no_code_for_a_new_layer():
    rng = np.random.default_rng(6)
    network = vn.Sequential(
        (linear(rng, 4, 4), residual(rng, 4), residual(rng, 4), linear(rng, 3, 4))
    )
    x, labels = rng.standard_normal((5, 4)), rng.integers(3, size=5)
    for layer, parameter in ((1, "weight"), (2, "branch.0.weight"), (3, "branch.1.bias")):
        one, two, three = (
            vn.parameter_gradient(
                network, x, labels, layer=layer, parameter=parameter, method=method
            )
            for method in ("backprop", "forward", "complex")
        )
        assert np.linalg.norm(one - two) < 1e-13 * np.linalg.norm(one)
        assert np.linalg.norm(one - three) < 1e-13 * np.linalg.norm(one)


def test_weight_layers_count_residual_blocks_and_measure_them():
    rng = np.random.default_rng(7)
    network = vn.Sequential(
        (linear(rng, 4, 4), *(residual(rng, 4) for _ in range(6)), linear(rng, 3, 4))
    )
    measured = vn.measure(network, rng.standard_normal((8, 4)), rng.integers(3, size=8))
    assert measured.delta_norm.shape == measured.signal_rms.shape == (8,)
    assert (measured.weight_gradient_norm > 0).all()


def test_running_statistics_move_with_training_and_by_themselves():
    rng = np.random.default_rng(8)
    x, labels = 3 + 2 * rng.standard_normal((64, 4)), rng.integers(3, size=64)
    start = vn.Sequential((vn.Residual(Centred(np.zeros(4))), linear(rng, 3, 4)))
    once = start.with_running_statistics(start.record(x, vn.Mode(training=True)).memories)
    assert once.layers[0].branch.mean == pytest.approx(0.1 * x.mean(axis=0))
    plain = vn.Sequential((linear(rng, 3, 4),))
    assert plain.with_running_statistics(plain.record(x).memories) is plain
    trained, _ = vn.train(
        start,
        x,
        labels,
        optimizer=vn.SGD(0.1),
        epochs=100,
        batch_size=64,
        rng=rng,
        measure_every=100,
    )
    assert trained.layers[0].branch.mean == pytest.approx(x.mean(axis=0), rel=1e-3)
    assert (start.layers[0].branch.mean == 0).all()


def test_parameters_round_trip_and_names_are_checked():
    rng = np.random.default_rng(10)
    network = vn.Sequential((linear(rng, 4, 3), residual(rng, 4, np.ones(1))))
    inner = [
        *(f"1.branch.{i}.{name}" for i in (0, 1) for name in ("weight", "bias")),
        "1.scale",
    ]
    assert list(network.parameters) == ["0.weight", "0.bias", *inner]
    doubled = network.with_parameters(
        {name: 2 * value for name, value in network.parameters.items()}
    )
    assert all(
        (doubled.parameters[name] == 2 * value).all() for name, value in network.parameters.items()
    )
    partly = network.with_parameters({"1.branch.0.bias": np.zeros(4)})
    assert (partly.layers[1].branch.layers[0].bias == 0).all() and partly.layers[
        0
    ].weight is network.layers[0].weight
    with pytest.raises(
        ValueError, match=r"parameter '0\.wieght' is unknown; did you mean '0\.weight'"
    ):
        network.with_parameters({"0.wieght": np.zeros(4)})
    with pytest.raises(ValueError, match=r"0\.bias has shape \(3,\); \(4,\) is expected"):
        network.with_parameters({"0.bias": np.zeros(3)})


def test_linear_is_h_times_w_transposed_plus_b():
    layer = vn.Linear(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0.5, 0.0, -0.5]))
    output, _ = layer.forward(np.array([[1.0, 10.0]]))
    assert output.tolist() == [[21.5, 43.0, 64.5]]


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        (
            np.ones((2, 3)),
            np.ones(3),
            r"^bias has shape \(3,\) and dtype float64; \(2,\) and float64, "
            "those that fit the other arrays, are expected$",
        ),
        (np.ones((2, 3)), np.ones(2, np.float32), "bias has .* dtype float32; .* float64"),
        (np.ones(3), np.ones(2), r"weight has shape \(3,\); 2 axes"),
        (np.full((2, 3), np.nan), np.ones(2), r"weight holds nan at index \(0, 0\)"),
    ],
)
def test_linear_refuses_parameters_that_do_not_fit(weight, bias, message):
    with pytest.raises(ValueError, match=message):
        vn.Linear(weight, bias)


def test_the_mode_says_what_it_is():
    assert vn.Mode() == vn.Mode(False, None) == EVALUATION
    with pytest.raises(TypeError, match="^training is 1; True or False is expected$"):
        vn.Mode(1)
    with pytest.raises(TypeError, match="^rng is 0; a generator"):
        vn.Mode(rng=0)


def test_activate_takes_a_name():
    assert vn.Activate("relu") == vn.Activate(vn.relu)
    with pytest.raises(ValueError, match="activation 'relo' is unknown; did you mean 'relu'"):
        vn.Activate("relo")
