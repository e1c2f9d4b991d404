"""Networks side by side: each is what it would be alone."""

import numpy as np
import pytest

import vanishing as vn
from vanishing.training import side_by_side

DEEP = [4, 6, 6, 6, 3]
HE = {"activation": "relu", "initializer": "he_normal"}
# What `dense_network` builds, each kind of layer among them.
ARCHITECTURES = {
    "tanh": {"activation": "tanh"},
    "sigmoid at the output": {"activation": "relu", "output_activation": "sigmoid"},
    "batch norm": {"activation": "sigmoid", "normalization": "batch"},
    "layer norm": {"activation": "tanh", "normalization": "layer"},
    "RMS norm": {"activation": "tanh", "normalization": "rms"},
    "residual": HE | {"residual": "pre"},
    "post-activation": HE | {"residual": "post", "normalization": "layer"},
    "scaled": HE | {"residual": "pre", "branch_scale": 0.5},
    "ReZero": HE | {"residual": "pre", "branch_scale": 0.3, "trainable_scale": True},
    "ReZero at 0": HE | {"residual": "pre", "branch_scale": 0.0, "trainable_scale": True},
    "dropout": {"activation": "tanh", "dropout": 0.4},
    "all": HE | {"residual": "pre", "normalization": "batch", "dropout": 0.2, "branch_scale": 0.5},
}
OPTIMIZERS = {
    "plain": vn.SGD(0.3),
    "momentum": vn.SGD(0.1, momentum=0.9, weight_decay=1e-2),
    "warm-up": vn.SGD(vn.warmup(0.3, 4)),
    "clipped": vn.Clipped(vn.SGD(0.3, momentum=0.9), vn.clip_by_global_norm, 0.05),
    "clipped by value": vn.Clipped(vn.SGD(0.3), vn.clip_by_value, 0.01),
    "Adam": vn.Adam(0.05),
    "AdamW": vn.AdamW(0.05),
}
BATCH, EPOCHS = 8, 3


def data(dtype=np.float64):
    rng = np.random.default_rng(1)
    return rng.standard_normal((3 * BATCH, 4)).astype(dtype), rng.integers(3, size=3 * BATCH)


def networks(count=3, dtype=np.float64, **options):
    """Networks that differ in their draw."""
    return [
        vn.dense_network(DEEP, **options, rng=np.random.default_rng(k), dtype=dtype)
        for k in range(count)
    ]


def trained_side_by_side(found, optimizers, x, target, loss=vn.softmax_cross_entropy):
    """What `train` does, with its order of random numbers, for all networks at once."""
    runs, rng = vn.SideBySide(found, optimizers), np.random.default_rng(5)
    for _ in range(EPOCHS):
        runs.epoch(x, target, batch_size=BATCH, rng=rng, loss=loss)
    return runs


def trained_alone(network, optimizer, x, target, loss=vn.softmax_cross_entropy):
    rng = np.random.default_rng(5)
    settings = {"loss": loss, "epochs": EPOCHS, "batch_size": BATCH, "rng": rng}
    return vn.train(network, x, target, optimizer=optimizer, **settings)[0]


def assert_same(found, expected, rel=1e-9):
    """Two networks have the same parameters, to rounding."""
    assert list(found.parameters) == list(expected.parameters)
    for name, value in expected.parameters.items():
        assert found.parameters[name].dtype == value.dtype
        assert found.parameters[name] == pytest.approx(value, rel=rel, abs=rel), name


def assert_as_alone(**options):
    """Each network that trains among others becomes what it becomes alone."""
    x, labels = data()
    optimizers = [vn.SGD(rate, momentum=0.9) for rate in (0.3, 0.1, 0.03)]
    found = networks(**options)
    runs = trained_side_by_side(found, optimizers, x, labels)
    for network, optimizer, one in zip(found, optimizers, runs.networks, strict=True):
        assert_same(one, trained_alone(network, optimizer, x, labels))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_network_trains_as_it_would_alone(name):
    assert_as_alone(**ARCHITECTURES[name])


def test_what_has_no_weights_may_stand_first():
    x, labels = data()
    found = [
        vn.Sequential((vn.BatchNorm.initialized(4), vn.Dropout(0.3), vn.Activate("tanh"), network))
        for network in networks(activation="tanh")
    ]
    runs = trained_side_by_side(found, 3 * [vn.SGD(0.3)], x, labels)
    for network, one in zip(found, runs.networks, strict=True):
        assert_same(one, trained_alone(network, vn.SGD(0.3), x, labels))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_optimizer_steps_as_it_would_alone(name):
    x, labels = data()
    found, optimizers = networks(activation="tanh"), 3 * [OPTIMIZERS[name]]
    runs = trained_side_by_side(found, optimizers, x, labels)
    for network, one in zip(found, runs.networks, strict=True):
        assert_same(one, trained_alone(network, OPTIMIZERS[name], x, labels))


def test_optimizers_may_differ_in_kind():
    x, labels = data()
    found, optimizers = networks(activation="tanh"), [vn.SGD(0.1), vn.Adam(0.01), vn.RMSprop()]
    runs = trained_side_by_side(found, optimizers, x, labels)
    for network, optimizer, one in zip(found, optimizers, runs.networks, strict=True):
        assert_same(one, trained_alone(network, optimizer, x, labels))


def test_another_loss_is_the_mean_of_each_network():
    x, _ = data()
    target = np.tanh(x[:, :3])
    found, loss = networks(activation="tanh"), vn.mean_squared_error
    runs = trained_side_by_side(found, 3 * [vn.SGD(0.1)], x, target, loss)
    for network, one in zip(found, runs.networks, strict=True):
        assert_same(one, trained_alone(network, vn.SGD(0.1), x, target, loss))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_gradients_are_those_of_the_record(name):
    x, labels = data()
    found = networks(**ARCHITECTURES[name])
    runs = vn.SideBySide(found, 3 * [vn.SGD(1.0)])
    runs.step(x, labels, rng=np.random.default_rng(7))
    for network, one in zip(found, runs.networks, strict=True):
        record = network.record(x, vn.Mode(training=True, rng=np.random.default_rng(7)))
        gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, labels))
        for parameter, gradient in gradients.parameters.items():
            step = network.parameters[parameter] - one.parameters[parameter]
            assert step == pytest.approx(gradient, rel=1e-9, abs=1e-12), parameter


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_outputs_and_accuracy_are_those_of_each_network(name):
    x, labels = data()
    options = ARCHITECTURES[name]
    found = networks(**options)
    runs = vn.SideBySide(found, 3 * [vn.SGD(1.0)])
    # Batch norm takes the statistics of the inputs at hand, and evaluation drops no unit.
    found = networks(**options | {"dropout": 0.0})
    mode = vn.Mode(training=options.get("normalization") == "batch")
    outputs = [network.record(x, mode).output for network in found]
    assert runs.outputs(x) == pytest.approx(np.array(outputs), rel=1e-9, abs=1e-12)
    assert runs.accuracy(x, labels).tolist() == [vn.accuracy(o, labels) for o in outputs]


def test_single_precision_stays_single():
    x, labels = data(np.float32)
    found = networks(dtype=np.float32, **ARCHITECTURES["all"])
    runs = trained_side_by_side(found, 3 * [vn.SGD(0.1)], x, labels)
    assert runs.outputs(x).dtype == np.float32
    for network, one in zip(found, runs.networks, strict=True):
        assert_same(one, trained_alone(network, vn.SGD(0.1), x, labels), rel=1e-4)


def test_a_part_goes_on_from_where_it_is():
    x, labels = data()
    found, optimizers = networks(activation="tanh"), [vn.Adam(rate) for rate in (0.1, 0.03, 0.01)]
    whole = vn.SideBySide(found, optimizers)
    whole.step(x, labels)
    part = whole[np.array([True, False, True])]
    assert len(whole) == 3 and len(part) == 2
    for runs in (whole, part):
        runs.step(x, labels)
    assert_same(part.networks[0], whole.networks[0])
    assert_same(part.networks[1], whole.networks[2])


def test_the_networks_that_were_given_stay_as_they_are():
    x, labels = data()
    found = networks(activation="tanh")
    before = [{name: value.copy() for name, value in n.parameters.items()} for n in found]
    runs = vn.SideBySide(found, 3 * [vn.SGD(0.5)])
    runs.step(x, labels)
    kept = runs.networks
    runs.step(x, labels)
    for network, values in zip(found, before, strict=True):
        assert all((network.parameters[name] == value).all() for name, value in values.items())
    assert (kept[0].parameters["0.weight"] != runs.networks[0].parameters["0.weight"]).any()


def test_one_that_diverges_is_told_without_a_warning_and_harms_no_other():
    x, labels = data()
    found = networks(**HE)
    runs = trained_side_by_side(found, [vn.SGD(0.1), vn.SGD(1e200), vn.SGD(0.1)], x, labels)
    assert runs.finite.tolist() == [True, False, True]
    assert runs.accuracy(x, labels)[1] == 0
    assert_same(runs[runs.finite].networks[1], trained_alone(found[2], vn.SGD(0.1), x, labels))


real_backward = side_by_side._Normalized.backward
FAULTS = {
    "linear, 0.1 %": (
        "_Linear",
        "tanh",
        lambda self, memory, d: self.learn(memory, d) or 1.001 * (d @ self.weight),
    ),
    "activation, without its slope": ("_Activated", "tanh", lambda self, memory, d: d),
    "dropout, without its mask": ("_Dropped", "dropout", lambda self, memory, d: d),
    "layer norm as a constant": (
        "_Normalized",
        "layer norm",
        lambda self, memory, d: 0 * real_backward(self, memory, d) + d * self.weight / memory[1],
    ),
    "residual, without its skip": (
        "_Residual",
        "residual",
        lambda self, memory, d: self.branch.backward(memory[0], self.scale * d),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_backward_pass_is_seen(fault, monkeypatch):
    kind, name, wrong = FAULTS[fault]
    monkeypatch.setattr(getattr(side_by_side, kind), "backward", wrong)
    with pytest.raises(AssertionError):
        assert_as_alone(**ARCHITECTURES[name])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: vn.SideBySide([*networks(1, activation="tanh"), None], 2 * [vn.SGD(1.0)]),
            TypeError,
            r"networks\[1\] is None; a Sequential is expected",
        ),
        (
            lambda: vn.SideBySide(
                networks(1, activation="tanh") + networks(1, activation="relu"), 2 * [vn.SGD(1.0)]
            ),
            ValueError,
            r"networks\[1\] differs from networks\[0\]; networks of one architecture are expected",
        ),
        (
            lambda: vn.SideBySide(
                networks(1, activation=vn.PReLU(np.array([0.25]))), [vn.SGD(1.0)]
            ),
            TypeError,
            "networks holds PReLU layers. Known: Sequential, Linear, Activate",
        ),
        (
            lambda: vn.SideBySide([vn.Sequential(vn.Activate("tanh"))], [vn.SGD(1.0)]),
            ValueError,
            "networks hold no parameters; layers such as Linear are expected",
        ),
        (
            lambda: vn.SideBySide(networks(2, activation="tanh"), [vn.SGD(1.0)]),
            ValueError,
            "optimizers holds 1; one for each of 2 networks is expected",
        ),
        (
            lambda: vn.SideBySide(
                networks(1, activation="tanh"), [vn.Clipped(vn.SGD(1.0), vn.clip_by_norm, 1.0)]
            ),
            ValueError,
            r"optimizers\[0\] clips array by array; clip_by_global_norm or clip_by_value is",
        ),
        (
            lambda: vn.SideBySide(networks(2, activation="tanh"), 2 * [vn.SGD(1.0)])[[0, 1]],
            ValueError,
            r"kept has shape \(2,\) and dtype int64; booleans of shape \(2,\) are expected",
        ),
        (
            lambda: vn.SideBySide(networks(1, activation="tanh"), [vn.SGD(1.0)])[[False]],
            ValueError,
            "kept is true for no network; at least one is expected",
        ),
        (
            lambda: vn.SideBySide(networks(1, activation="tanh"), [vn.SGD(1.0)]).outputs(
                np.ones((2, 5))
            ),
            ValueError,
            r"x has shape \(2, 5\)",
        ),
        (
            lambda: vn.SideBySide(networks(1, activation="tanh"), [vn.SGD(1.0)]).step(
                np.ones((2, 4)), np.array([0, 7])
            ),
            ValueError,
            "target runs from 0 to 7; 0 to 2 is expected",
        ),
        (
            lambda: vn.SideBySide(networks(1, activation="tanh", dropout=0.5), [vn.SGD(1.0)]).step(
                np.ones((2, 4)), np.array([0, 1])
            ),
            TypeError,
            "rng is None; a generator",
        ),
        (
            lambda: vn.SideBySide(networks(1, activation="tanh"), [vn.SGD(1.0)]).epoch(
                np.ones((2, 4)), [0, 1, 2], batch_size=1, rng=np.random.default_rng(0)
            ),
            ValueError,
            "target has 3 rows; 2, as x has, are expected",
        ),
        (
            lambda: vn.SideBySide(networks(1, activation="tanh"), [vn.SGD(1.0)]).epoch(
                np.ones((2, 4)), [0, 1], batch_size=0, rng=np.random.default_rng(0)
            ),
            ValueError,
            "batch_size is 0",
        ),
    ],
)
def test_what_is_wrong_is_said(call, error, message):
    with pytest.raises(error, match="^" + message):
        call()
