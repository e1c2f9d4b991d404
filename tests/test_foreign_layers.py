"""Layers that the package does not have are measured, diagnosed, checked, initialized and drawn.

Attention, a convolution and a gated layer are written here as a user would write them. What they
answer is right, what they leave unanswered is unknown, and never a wrong 0.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import matplotlib.pyplot as plt
import numpy as np
import pytest

import vanishing as vn
from vanishing import plot
from vanishing.nn.layer import EVALUATION


def moved(a):
    """The last two axes of a stack of matrices swapped."""
    return np.swapaxes(a, -1, -2)


def summed(a, b):
    """a^T b over all axes but the last of each."""
    return a.reshape(-1, a.shape[-1]).T @ b.reshape(-1, b.shape[-1])


@dataclass(frozen=True, eq=False)
class Attention(vn.Layer):
    """softmax(q k^T / sqrt(d)) v with q, k, v = h Q^T, h K^T, h V^T, one head, then O."""

    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    output: np.ndarray
    trainable: ClassVar = ("query", "key", "value", "output")

    @property
    def in_features(self):
        return self.query.shape[1]

    @property
    def fans(self):
        return {name: getattr(self, name).shape for name in self.trainable}

    def nonlinearities(self, memory):
        return ()  # softmax is not elementwise

    def forward(self, h, mode=EVALUATION):
        self.check(h)
        q, k, v = (h @ w.T for w in (self.query, self.key, self.value))
        scores = q @ moved(k) / math.sqrt(q.shape[-1])
        weights = np.exp(scores - scores.real.max(axis=-1, keepdims=True))
        weights = weights / weights.sum(axis=-1, keepdims=True)
        mixed = weights @ v
        return mixed @ self.output.T, (h, q, k, v, weights, mixed)

    def backward(self, memory, d_output):
        h, q, k, v, weights, mixed = memory
        d_mixed = d_output @ self.output
        d_weights = d_mixed @ moved(v)
        d_v = moved(weights) @ d_mixed
        d_scores = weights * (d_weights - (weights * d_weights).sum(axis=-1, keepdims=True))
        d_scores = d_scores / math.sqrt(q.shape[-1])
        d_q, d_k = d_scores @ k, moved(d_scores) @ q
        d_h = d_q @ self.query + d_k @ self.key + d_v @ self.value
        gradients = {"query": summed(d_q, h), "key": summed(d_k, h), "value": summed(d_v, h)}
        return d_h, gradients | {"output": summed(d_output, mixed)}


@dataclass(frozen=True, eq=False)
class Convolution(vn.Layer):
    """A circular convolution in time, kernel (channels out, channels in, taps), stride 1."""

    kernel: np.ndarray
    bias: np.ndarray
    trainable: ClassVar = ("kernel", "bias")

    @property
    def in_features(self):
        return self.kernel.shape[1]

    @property
    def fans(self):
        channels_out, channels_in, taps = self.kernel.shape
        return {"kernel": (channels_out * taps, channels_in * taps)}

    def nonlinearities(self, memory):
        return ()

    def rescaled(self, factor):
        return Convolution(self.kernel * factor, self.bias)

    def forward(self, h, mode=EVALUATION):
        self.check(h)
        taps = range(self.kernel.shape[2])
        shifted = np.stack([np.roll(h, tap, axis=1) for tap in taps], axis=-1)
        return np.einsum("bsik,oik->bso", shifted, self.kernel) + self.bias, shifted

    def backward(self, memory, d_output):
        d_kernel = np.einsum("bsik,bso->oik", memory, d_output)
        d_shifted = np.einsum("bso,oik->bsik", d_output, self.kernel)
        taps = range(self.kernel.shape[2])
        d_h = sum(np.roll(d_shifted[..., tap], -tap, axis=1) for tap in taps)
        return d_h, {"kernel": d_kernel, "bias": d_output.sum(axis=(0, 1))}


@dataclass(frozen=True, eq=False)
class Gated(vn.Layer):
    """The gated linear unit (h A^T) * sigmoid(h G^T) of Dauphin et al. 2017."""

    linear: np.ndarray
    gate: np.ndarray
    trainable: ClassVar = ("linear", "gate")

    @property
    def in_features(self):
        return self.linear.shape[1]

    @property
    def fans(self):
        return {"linear": self.linear.shape, "gate": self.gate.shape}

    def nonlinearities(self, memory):
        _, _, gate = memory
        return (vn.Nonlinearity(gate * (1 - gate), vn.sigmoid.max_derivative),)

    def forward(self, h, mode=EVALUATION):
        self.check(h)
        signal, gate = h @ self.linear.T, vn.sigmoid.formula(h @ self.gate.T)
        return signal * gate, (h, signal, gate)

    def backward(self, memory, d_output):
        h, signal, gate = memory
        d_signal, d_gate = d_output * gate, d_output * signal * gate * (1 - gate)
        d_h = d_signal @ self.linear + d_gate @ self.gate
        return d_h, {"linear": summed(d_signal, h), "gate": summed(d_gate, h)}


@dataclass(frozen=True, eq=False)
class Silent(vn.Layer):
    """A saturated layer with weights that says nothing of itself."""

    strength: np.ndarray
    trainable: ClassVar = ("strength",)

    def forward(self, h, mode=EVALUATION):
        output = np.tanh(100 * h @ self.strength.T)
        return output, (h, output)

    def backward(self, memory, d_output):
        h, output = memory
        delta = 100 * (1 - output**2) * d_output
        return delta @ self.strength, {"strength": summed(delta, h)}


WIDTH, TIME = 6, 5


def matrices(rng, count, scale=1.0):
    return scale * rng.standard_normal((count, WIDTH, WIDTH)) / math.sqrt(WIDTH)


def convolution(rng):
    shape, taps = (WIDTH, WIDTH, 3), 3
    kernel = vn.he_normal(shape, rng=rng, fans=(WIDTH * taps, WIDTH * taps))
    return Convolution(kernel, rng.standard_normal(WIDTH))


FOREIGN = {
    "attention": lambda rng: Attention(*matrices(rng, 4)),
    "convolution": convolution,
    "gated": lambda rng: Gated(*matrices(rng, 2)),
    "attention in a branch": lambda rng: vn.Residual(Attention(*matrices(rng, 4))),
    "gated in a sequence in a branch": lambda rng: vn.Residual(
        vn.Sequential((vn.LayerNorm.initialized(WIDTH), Gated(*matrices(rng, 2)))), np.full(1, 0.5)
    ),
}
EACH = pytest.mark.parametrize("kind", FOREIGN)


def between(layer, rng):
    """A network of a linear layer, an activation, the layer, and a linear layer."""
    first, last = (vn.Linear(w, np.zeros(WIDTH)) for w in matrices(rng, 2))
    return vn.Sequential((first, vn.Activate("tanh"), layer, last))


def data(rng):
    return rng.standard_normal((4, TIME, WIDTH)), rng.integers(WIDTH, size=(4, TIME))


@EACH
def test_it_is_measured(kind):
    rng = np.random.default_rng(0)
    layer = FOREIGN[kind](rng)
    network = between(layer, rng)
    x, labels = data(rng)
    measured = vn.measure(network, x, labels)
    record = network.record(x)
    gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels))
    own = [gradients.by_layer[2][name] for name in layer.fans]
    assert network.weight_layers == (0, 2, 3)
    assert measured.weight_gradient_norm[1] == pytest.approx(math.hypot(*map(np.linalg.norm, own)))
    assert measured.weight_gradient_norm[1] > 0
    assert measured.delta_norm == pytest.approx(
        [vn.norm_per_sample(delta) for delta in gradients.delta]
    )
    assert np.isfinite([measured.saturated, measured.dead]).all()
    again = vn.measure_record(record, gradients)
    for name, value in vars(measured).items():
        np.testing.assert_array_equal(getattr(again, name), value, err_msg=name)


@EACH
def test_it_is_diagnosed_and_drawn(kind):
    rng = np.random.default_rng(1)
    network = between(FOREIGN[kind](rng), rng)
    x, labels = data(rng)
    measured = vn.measure(network, x, labels)
    gradients = network.record(x).backward(rng.standard_normal(x.shape))
    found = vn.diagnose(gradients.delta, signals=network.record(x).h[1:])
    assert measured.diagnosis.verdict == measured.verdict == found.verdict == "steady"
    assert len(str(measured).splitlines()) == 5
    ax = plot.per_layer(measured.weight_gradient_norm, label=kind)
    assert ax.lines[-1].get_ydata().tolist() == measured.weight_gradient_norm.tolist()
    plt.close("all")


@EACH
def test_it_is_checked(kind):
    rng = np.random.default_rng(2)
    layer = FOREIGN[kind](rng)
    x, labels = data(rng)
    for part in (layer, between(layer, rng)):
        assert vn.projection_test(part, x, rng=rng) < 1e-11
    network = between(layer, rng)
    for name in layer.parameters:
        one, two = (
            vn.parameter_gradient(network, x, labels, layer=2, parameter=name, method=method)
            for method in ("backprop", "complex")
        )
        assert one == pytest.approx(two, rel=1e-9, abs=1e-12)
    with pytest.raises(ValueError, match=r"^h has shape .*in_features = 6 is expected$"):
        layer.forward(np.ones((4, TIME, WIDTH + 1)))


@EACH
def test_it_trains(kind):
    rng = np.random.default_rng(3)
    network = between(FOREIGN[kind](rng), rng)
    x, labels = data(rng)
    _, history = vn.train(
        network, x, labels, optimizer=vn.Adam(0.01), epochs=100, batch_size=4, rng=rng
    )
    assert history.loss[-1] < history.loss[0] / 3


def test_saturated_gates_are_seen_inside_and_in_a_branch():
    rng = np.random.default_rng(4)
    linear, gate = matrices(rng, 2)
    flat = Gated(linear, 1000 * gate)
    for layer in (flat, vn.Residual(flat), vn.Residual(vn.Sequential((vn.Dropout(0.0), flat)))):
        measured = vn.measure(between(layer, rng), *data(rng))
        assert measured.saturated[1] > 0.9


def test_a_convolution_is_initialized_by_its_taps_and_by_what_it_does():
    rng = np.random.default_rng(5)
    layer = convolution(rng)
    ((_, fan_in),) = layer.fans.values()
    assert fan_in == 3 * WIDTH
    wide = vn.he_normal((100, 50, 3), rng=rng, fans=(300, 150))
    squares = wide**2
    error = squares.std() / math.sqrt(squares.size)
    assert abs(squares.mean() - 2 / 150) < 5 * error
    x = rng.standard_normal((50, TIME, WIDTH))
    scaled = vn.lsuv(between(Convolution(9 * layer.kernel, 0 * layer.bias), rng), x)
    assert [float(z.var()) for z in scaled.record(x).z] == pytest.approx([1] * 3, abs=0.1)


def test_what_a_layer_does_not_say_is_unknown():
    rng = np.random.default_rng(6)
    silent = Silent(matrices(rng, 1)[0])
    inside = vn.Residual(vn.Sequential((vn.RMSNorm.initialized(WIDTH), silent)))
    for layer in (silent, inside):
        assert layer.fans is None and layer.is_weight_layer and layer.rescaled(2.0) is None
        network = between(layer, rng)
        measured = vn.measure(network, *data(rng))
        unknown = {
            name: np.isnan(value).tolist()
            for name, value in vars(measured).items()
            if np.isnan(value).any()
        }
        here = [False, True, False]
        columns = ("weight_gradient_norm", "weight_gradient_rms", "saturated", "dead")
        assert unknown == dict.fromkeys(columns, here)
        assert measured.verdict == measured.diagnosis.verdict != "undefined"
        assert "nan" in str(measured).splitlines()[2]
        assert network.fans is None
        assert vn.Sequential((silent, vn.Activate("relu"))).nonlinearities((None, 1.0)) is None


def test_an_elementwise_layer_that_says_nothing_makes_its_stage_unknown():
    @dataclass(frozen=True)
    class Mystery(vn.Layer):
        def forward(self, h, mode=EVALUATION):
            return np.clip(h, 0, 1), h

        def backward(self, memory, d_output):
            return d_output * ((memory > 0) & (memory < 1)), {}

    rng = np.random.default_rng(7)
    first, last = (vn.Linear(w, np.zeros(WIDTH)) for w in matrices(rng, 2))
    measured = vn.measure(vn.Sequential((first, Mystery(), last)), *data(rng))
    assert np.isnan(measured.saturated).tolist() == [True, False]
    assert np.isfinite(measured.weight_gradient_norm).all()


@pytest.mark.parametrize(
    "layer",
    [
        lambda rng: vn.Highway(
            *(100 * matrices(rng, 1)),
            np.zeros(WIDTH),
            *(100 * matrices(rng, 1)),
            np.zeros(WIDTH),
            "tanh",
        ),
        lambda rng: vn.RNN(100 * matrices(rng, 1)[0], np.zeros(WIDTH), matrices(rng, 1)[0]),
        lambda rng: vn.LSTM.initialized(WIDTH, WIDTH, rng=rng, initializer=vn.gaussian(100.0)),
        lambda rng: vn.GRU.initialized(WIDTH, WIDTH, rng=rng, initializer=vn.gaussian(100.0)),
    ],
    ids=["highway", "rnn", "lstm", "gru"],
)
def test_saturation_is_seen_inside_highways_and_recurrent_layers(layer):
    rng = np.random.default_rng(8)
    measured = vn.measure(between(layer(rng), rng), *data(rng))
    assert measured.saturated[1] > 0.5
    assert measured.saturated[2] == 0
    assert measured.weight_gradient_norm[1] > 0
