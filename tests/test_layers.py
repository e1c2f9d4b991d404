"""The layer protocol carries what is not shipped yet: each remedy here is a few lines, and no other code knows it."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import vanishing as vn
from vanishing.layers import EVALUATION, Composite


@dataclass(frozen=True, eq=False)
class LayerNorm(vn.Layer):
    gain: np.ndarray
    shift: np.ndarray

    @property
    def parameters(self):
        return {"gain": self.gain, "shift": self.shift}

    def forward(self, h, mode=EVALUATION):
        centred = h - h.mean(axis=-1, keepdims=True)
        deviation = np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
        unit = centred / deviation
        return unit * self.gain + self.shift, (unit, deviation)

    def backward(self, memory, d_output):
        unit, deviation = memory
        d = d_output * self.gain
        d_unit = d - d.mean(axis=-1, keepdims=True) - unit * np.mean(d * unit, axis=-1, keepdims=True)
        return d_unit / deviation, {"gain": (d_output * unit).sum(axis=0), "shift": d_output.sum(axis=0)}


@dataclass(frozen=True, eq=False)
class BatchNorm(vn.Layer):
    mean: np.ndarray
    variance: np.ndarray

    def forward(self, h, mode=EVALUATION):
        mean, variance = self.mean, self.variance
        if mode.training:
            mean = h.mean(axis=0)
            variance = ((h - mean) ** 2).mean(axis=0)
        unit = (h - mean) / np.sqrt(variance + 1e-5)
        return unit, (mode.training, mean, variance, unit)

    def backward(self, memory, d_output):
        training, _, variance, unit = memory
        through_statistics = d_output.mean(axis=0) + unit * (d_output * unit).mean(axis=0) if training else 0
        return (d_output - through_statistics) / np.sqrt(variance + 1e-5), {}

    def after(self, memory):
        _, mean, variance, _ = memory
        return replace(self, mean=0.9 * self.mean + 0.1 * mean, variance=0.9 * self.variance + 0.1 * variance)


@dataclass(frozen=True, eq=False)
class Residual(Composite, vn.Layer):
    numbered: ClassVar[bool] = True

    def forward(self, h, mode=EVALUATION):
        branch, memories = h, []
        for layer in self.layers:
            branch, memory = layer.forward(branch, mode)
            memories.append(memory)
        return h + branch, memories

    def backward(self, memory, d_output):
        d, parts = d_output, []
        for layer, left in zip(reversed(self.layers), reversed(memory), strict=True):
            d, part = layer.backward(left, d)
            parts.insert(0, part)
        return d_output + d, {f"{i}.{name}": value for i, part in enumerate(parts) for name, value in part.items()}


@dataclass(frozen=True)
class Dropout(vn.Layer):
    rate: float

    def forward(self, h, mode=EVALUATION):
        keep = (mode.rng.random(h.shape) >= self.rate) / (1 - self.rate) if mode.training else 1.0
        return h * keep, keep

    def backward(self, memory, d_output):
        return d_output * memory, {}


@dataclass(frozen=True, eq=False)
class Recurrent(vn.Layer):
    """h_t = tanh(x_t U^T + h_{t-1} W^T) over (time, batch, features)."""

    weight: np.ndarray
    recurrent: np.ndarray
    numbered: ClassVar[bool] = True

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


def affine(rng, fan_out, fan_in):
    return vn.Affine(vn.xavier_normal((fan_out, fan_in), rng=rng), rng.standard_normal(fan_out))


def residual(rng, width):
    branch = (LayerNorm(1 + 0.1 * rng.standard_normal(width), rng.standard_normal(width)), affine(rng, width, width))
    return Residual((*branch, vn.Activate(vn.tanh)))


def make(kind, rng):
    width = 4
    return {
        "affine": lambda: affine(rng, 3, width),
        "activate": lambda: vn.Activate(vn.sigmoid),
        "layer norm": lambda: LayerNorm(rng.standard_normal(width), rng.standard_normal(width)),
        "batch norm": lambda: BatchNorm(rng.standard_normal(width), rng.random(width) + 0.5),
        "residual": lambda: residual(rng, width),
        "residual in residual": lambda: Residual((residual(rng, width), affine(rng, width, width))),
        "dropout": lambda: Dropout(0.4),
        "recurrent": lambda: Recurrent(*(0.5 * rng.standard_normal((2, width, width)))),
    }[kind]()


KINDS = [
    "affine", "activate", "layer norm", "batch norm", "residual", "residual in residual", "dropout", "recurrent"
]  # fmt: skip


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_layer_passes_the_projection_test_alone_and_inside_a_network(kind, training):
    rng = np.random.default_rng(4)
    mode = vn.Mode(training, rng)
    shape = (6, 5, 4) if kind == "recurrent" else (5, 4)
    layer = make(kind, rng)
    assert vn.projection_test(layer, rng.standard_normal(shape), rng=rng, mode=mode) < 1e-11
    fan_out = 3 if kind == "affine" else 4
    network = vn.Network((affine(rng, 4, 4), vn.Activate(vn.tanh), layer, affine(rng, 2, fan_out)))
    assert vn.projection_test(network, rng.standard_normal(shape), rng=rng, mode=mode) < 1e-11


@pytest.mark.parametrize("fault", ["input", "weight", "bias"])
def test_the_projection_test_sees_a_gradient_that_is_off_by_a_thousandth(fault):
    class Faulty(vn.Affine):
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
    layers = [affine(rng, 4, 4), Faulty(rng.standard_normal((4, 4)), rng.standard_normal(4))]
    for _ in range(10):
        layers += [vn.Activate(vn.sigmoid), affine(rng, 4, 4)]
    assert vn.projection_test(vn.Network(tuple(layers)), x, rng=rng) == pytest.approx(1e-3, rel=0.01)


def test_forward_mode_needs_no_code_for_a_new_layer():
    rng = np.random.default_rng(6)
    network = vn.Network((affine(rng, 4, 4), residual(rng, 4), residual(rng, 4), affine(rng, 3, 4)))
    x, labels = rng.standard_normal((5, 4)), rng.integers(3, size=5)
    for layer, parameter in ((1, "weight"), (2, "0.gain"), (3, "1.bias")):
        one, two, three = (
            vn.parameter_gradient(network, x, labels, layer=layer, parameter=parameter, method=method)
            for method in ("backprop", "forward", "complex")
        )
        assert np.linalg.norm(one - two) < 1e-13 * np.linalg.norm(one)
        assert np.linalg.norm(one - three) < 1e-13 * np.linalg.norm(one)


def test_levels_count_residual_blocks_and_measure_them():
    rng = np.random.default_rng(7)
    network = vn.Network((affine(rng, 4, 4), *(residual(rng, 4) for _ in range(6)), affine(rng, 3, 4)))
    measured = vn.measure(network, rng.standard_normal((8, 4)), rng.integers(3, size=8))
    assert measured.delta_rms.shape == measured.signal_rms.shape == (8,)
    assert (measured.weight_gradient_norm > 0).all()


def test_running_statistics_move_with_after_and_with_training():
    rng = np.random.default_rng(8)
    x, labels = 3 + 2 * rng.standard_normal((64, 4)), rng.integers(3, size=64)
    start = vn.Network((BatchNorm(np.zeros(4), np.ones(4)), affine(rng, 3, 4)))
    once = start.after(start.forward(x, vn.Mode(training=True)).memories)
    assert once.layers[0].mean == pytest.approx(0.1 * x.mean(axis=0))
    trained, _ = vn.train(
        start, x, labels, optimizer=vn.GradientDescent(0.1), epochs=100, batch_size=64, rng=rng, measure_every=100
    )
    assert trained.layers[0].mean == pytest.approx(x.mean(axis=0), rel=1e-3)
    assert (start.layers[0].mean == 0).all()


def test_dropout_draws_from_the_rng_that_mode_carries():
    network = vn.Network((Dropout(0.5), affine(np.random.default_rng(9), 3, 4)))
    x = np.ones((5, 4))
    first, same, other = (
        network.forward(x, vn.Mode(training=True, rng=np.random.default_rng(seed))).output for seed in (1, 1, 2)
    )
    assert (first == same).all() and (first != other).any()


def test_parameters_round_trip_and_names_are_checked():
    rng = np.random.default_rng(10)
    network = vn.Network((affine(rng, 4, 3), residual(rng, 4)))
    assert list(network.parameters) == ["0.weight", "0.bias", "1.0.gain", "1.0.shift", "1.1.weight", "1.1.bias"]
    doubled = network.with_parameters({name: 2 * value for name, value in network.parameters.items()})
    assert all((doubled.parameters[name] == 2 * value).all() for name, value in network.parameters.items())
    partly = network.with_parameters({"1.0.shift": np.zeros(4)})
    assert (partly.layers[1].layers[0].shift == 0).all() and partly.layers[0].weight is network.layers[0].weight
    with pytest.raises(ValueError, match=r"parameter '0\.wieght' is unknown; did you mean '0\.weight'"):
        network.with_parameters({"0.wieght": np.zeros(4)})
    with pytest.raises(ValueError, match=r"0\.bias has shape \(3,\); \(4,\) is expected"):
        network.with_parameters({"0.bias": np.zeros(3)})


def test_affine_is_h_times_w_transposed_plus_b():
    layer = vn.Affine(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([0.5, 0.0, -0.5]))
    output, _ = layer.forward(np.array([[1.0, 10.0]]))
    assert output.tolist() == [[21.5, 43.0, 64.5]]


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        (np.ones((2, 3)), np.ones(3), r"bias has shape \(3,\) .* \(2,\)"),
        (np.ones((2, 3)), np.ones(2, np.float32), "bias has .* dtype float32; .* float64"),
        (np.ones(3), np.ones(2), r"weight has shape \(3,\); 2 axes"),
        (np.full((2, 3), np.nan), np.ones(2), r"weight holds nan at index \(0, 0\)"),
    ],
)
def test_affine_refuses_parameters_that_do_not_fit(weight, bias, message):
    with pytest.raises(ValueError, match=message):
        vn.Affine(weight, bias)
