"""The loop: on bowls with known trajectories, and on networks."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vanishing as vn


@given(curvature=st.floats(0.1, 10), rate=st.floats(0.01, 0.5), start=st.floats(-5, 5))
def test_descent_on_a_bowl_is_the_geometric_sequence(curvature, rate, start):
    # w_t = (1 - rate * curvature)^t w_0
    points = vn.descend(lambda w: curvature * w, start, learning_rate=rate, steps=10)
    assert points == pytest.approx(
        start * (1 - rate * curvature) ** np.arange(11.0), rel=1e-9, abs=1e-12
    )


def test_descent_takes_points_of_any_shape():
    assert vn.descend(lambda w: w, np.ones((2, 3)), learning_rate=0.1, steps=4).shape == (5, 2, 3)


def test_descent_that_diverges_says_so_without_a_warning():
    points = vn.descend(lambda w: 1e100 * w**3, 10.0, learning_rate=1.0, steps=10)
    assert not np.isfinite(points[-1])


def problem(activation="tanh", seed=0):
    rng = np.random.default_rng(seed)
    x, labels = vn.blobs(rng=rng, samples=90)
    return vn.dense_network([2, 8, 3], activation=activation, rng=rng), x, labels, rng


def test_one_full_batch_step_is_the_formula():
    network, x, labels, rng = problem()
    record = network.record(x)
    d_output = vn.softmax_cross_entropy.gradient(record.output, labels)
    gradients = record.backward(d_output).parameters
    trained, _ = vn.train(
        network, x, labels, optimizer=vn.SGD(0.3), epochs=1, batch_size=90, rng=rng
    )
    for name, value in network.parameters.items():
        assert trained.parameters[name] == pytest.approx(value - 0.3 * gradients[name])


def test_training_learns_blobs_and_records_what_it_did():
    network, x, labels, rng = problem()
    before = {name: value.copy() for name, value in network.parameters.items()}
    trained, history = vn.train(
        network,
        x,
        labels,
        optimizer=vn.SGD(0.5),
        epochs=25,
        batch_size=32,
        rng=rng,
        measure_every=10,
    )
    assert history.epoch.tolist() == [0, 10, 20, 25]
    assert history.loss.shape == history.accuracy.shape == (4,)
    assert history.delta_norm.shape == history.weight_gradient_norm.shape == (4, 2)
    assert history.accuracy[-1] > 0.95 and history.loss[-1] < history.loss[0] / 3
    assert not history.diverged
    output = trained.record(x).output
    assert history.loss[-1] == vn.softmax_cross_entropy(output, labels)
    assert history.accuracy[-1] == vn.accuracy(output, labels)
    assert history.delta_norm[-1] == pytest.approx(vn.measure(trained, x, labels).delta_norm)
    assert all((network.parameters[name] == value).all() for name, value in before.items())


def test_one_seed_gives_one_training():
    losses = []
    for _ in range(2):
        network, x, labels, rng = problem()
        _, history = vn.train(
            network, x, labels, optimizer=vn.SGD(0.5), epochs=3, batch_size=7, rng=rng
        )
        losses.append(history.loss)
    assert (losses[0] == losses[1]).all()


def test_the_samples_are_shuffled_by_the_rng():
    network, x, labels, _ = problem()
    settings = {"optimizer": vn.SGD(0.5), "epochs": 1, "batch_size": 7}
    first, second = (
        vn.train(network, x, labels, rng=np.random.default_rng(seed), **settings)[1].loss
        for seed in (1, 2)
    )
    assert first[0] == second[0] and first[1] != second[1]


def test_training_keeps_the_dtype():
    rng = np.random.default_rng(0)
    x, labels = vn.blobs(rng=rng, dtype=np.float32)
    network = vn.dense_network([2, 4, 3], activation="relu", rng=rng, dtype=np.float32)
    trained, _ = vn.train(
        network, x, labels, optimizer=vn.SGD(0.1), epochs=2, batch_size=50, rng=rng
    )
    assert {value.dtype for value in trained.parameters.values()} == {np.dtype(np.float32)}


def test_a_regression_has_no_accuracy():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 2))
    network = vn.dense_network([2, 8, 1], activation="tanh", rng=rng)
    _, history = vn.train(
        network,
        x,
        x[:, :1] * x[:, 1:],
        loss=vn.mean_squared_error,
        optimizer=vn.SGD(0.2),
        epochs=50,
        batch_size=10,
        rng=rng,
    )
    assert np.isnan(history.accuracy).all() and history.loss[-1] < history.loss[0] / 2


@pytest.mark.parametrize(
    ("loss", "rate"), [(vn.softmax_cross_entropy, 1e200), (vn.mean_squared_error, 1e3)]
)
def test_divergence_is_recorded_without_a_warning(loss, rate):
    network, x, labels, rng = problem("relu")
    target = labels if loss is vn.softmax_cross_entropy else np.eye(3)[labels]
    trained, history = vn.train(
        network,
        x,
        target,
        loss=loss,
        optimizer=vn.SGD(rate),
        epochs=30,
        batch_size=30,
        rng=rng,
    )
    assert history.diverged and history.loss[-1] == np.inf and np.isfinite(history.loss[:-1]).all()
    assert len(history.epoch) == len(history.loss) == len(history.delta_norm) < 30
    assert all(np.isfinite(value).all() for value in trained.parameters.values())


def test_an_optimizer_with_a_state_needs_no_change_elsewhere():
    class Momentum:
        def start(self, parameters):
            return {name: np.zeros_like(value) for name, value in parameters.items()}

        def step(self, parameters, gradients, state):
            state = {name: 0.9 * state[name] + gradients[name] for name in parameters}
            return {name: value - 0.02 * state[name] for name, value in parameters.items()}, state

    network, x, labels, rng = problem()
    _, history = vn.train(
        network, x, labels, optimizer=Momentum(), epochs=20, batch_size=30, rng=rng
    )
    assert history.accuracy[-1] > 0.9


def test_sequences_are_batched_along_the_first_axis():
    # A layer that looks at one time step at a time: sequences of 4 are 4 times as many samples.
    rng = np.random.default_rng(0)
    network = vn.dense_network([2, 8, 3], activation="tanh", rng=rng)
    x, labels = rng.standard_normal((12, 4, 2)), rng.integers(3, size=(12, 4))
    settings = {"optimizer": vn.Adam(0.1), "epochs": 3}
    trained, history = vn.train(network, x, labels, batch_size=12, rng=rng, **settings)
    flat, alike = vn.train(
        network, x.reshape(48, 2), labels.reshape(48), batch_size=48, rng=rng, **settings
    )
    assert history.loss == pytest.approx(
        alike.loss, rel=1e-9
    ) and history.accuracy == pytest.approx(alike.accuracy)
    for name, value in flat.parameters.items():
        assert trained.parameters[name] == pytest.approx(value, rel=1e-6, abs=1e-9)


def test_the_last_batch_takes_what_is_left_and_the_optimizer_sees_every_batch():
    network, x, labels, rng = problem()
    seen = []

    def clip(gradients, threshold):
        seen.append(list(gradients))
        return gradients

    optimizer = vn.Clipped(vn.SGD(0.1), clip, 1.0)
    vn.train(network, x, labels, optimizer=optimizer, epochs=2, batch_size=40, rng=rng)
    assert seen == 6 * [list(network.parameters)]


def test_a_division_by_zero_in_an_optimizer_is_divergence_and_no_warning():
    network, x, labels, rng = problem()
    network = network.with_parameters(
        {"2.weight": np.zeros((3, 8))}
    )  # no gradient for the layer before
    _, history = vn.train(
        network,
        x,
        labels,
        optimizer=vn.AdaGrad(epsilon=0),
        epochs=5,
        batch_size=90,
        rng=rng,
        measure_every=5,
    )
    assert history.diverged and history.epoch.tolist() == [0, 1]

    class Reciprocal:
        def start(self, parameters):
            return None

        def step(self, parameters, gradients, state):
            return {name: value - 1 / gradients[name] for name, value in parameters.items()}, None

    _, history = vn.train(
        network, x, labels, optimizer=Reciprocal(), epochs=5, batch_size=90, rng=rng
    )
    assert history.diverged


def test_clipping_saves_a_training_that_diverges():
    network, x, labels, _ = problem("relu")
    settings = {"loss": vn.mean_squared_error, "epochs": 20, "batch_size": 30}
    plain = vn.SGD(1e3)
    clipped = vn.Clipped(plain, vn.clip_by_global_norm, 1e-4)
    histories = [
        vn.train(
            network, x, np.eye(3)[labels], optimizer=rule, rng=np.random.default_rng(1), **settings
        )[1]
        for rule in (plain, clipped)
    ]
    assert histories[0].diverged and histories[1].loss[-1] < histories[1].loss[0] / 2


def call(**changed):
    network, x, labels, rng = problem()
    settings = {
        "optimizer": vn.SGD(0.1),
        "epochs": 1,
        "batch_size": 10,
        "rng": rng,
    } | changed
    return lambda: vn.train(**{"network": network, "x": x, "target": labels} | settings)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (call(epochs=0), ValueError, "epochs is 0; a whole number of at least 1"),
        (call(batch_size=-3), ValueError, "batch_size is -3; a whole number of at least 1"),
        (call(batch_size=2.5), TypeError, "batch_size is 2.5; a whole number"),
        (call(measure_every=0), ValueError, "measure_every is 0"),
        (call(rng=None), TypeError, "rng is None; a generator"),
        (call(loss=vn.mean_squared_error), TypeError, "target has dtype int64"),
        (call(network=None), TypeError, "network is None; a Sequential is expected"),
        (
            call(loss="mean_squared_error"),
            TypeError,
            "loss is 'mean_squared_error'; a Loss is expected",
        ),
        (
            call(optimizer=vn.Adam),
            TypeError,
            r"optimizer is <class .*; an optimizer such as SGD\(0.1\) is exp",
        ),
        (lambda: vn.SGD(0), ValueError, "learning_rate is 0; a finite number above 0"),
        (lambda: vn.SGD(float("nan")), ValueError, "learning_rate is nan"),
        (lambda: vn.SGD("fast"), TypeError, "learning_rate is 'fast'; a number"),
        (
            lambda: vn.descend(2.0, 1.0, learning_rate=1, steps=1),
            TypeError,
            "gradient is 2.0; a function of a point is",
        ),
        (
            lambda: vn.descend(abs, 1.0, learning_rate=0, steps=1),
            ValueError,
            "learning_rate is 0; a finite number above 0",
        ),
        (
            lambda: vn.descend(lambda w: w, np.inf, learning_rate=1, steps=1),
            ValueError,
            "start holds inf",
        ),
        (lambda: vn.descend(lambda w: w, 1.0, learning_rate=1, steps=0), ValueError, "steps is 0"),
    ],
)
def test_wrong_settings_are_refused(wrong, error, message):
    with pytest.raises(error, match="^" + message):
        wrong()


def test_every_epoch_is_measured_unless_told_otherwise():
    rng = np.random.default_rng(0)
    x, labels = vn.blobs(rng=rng, samples=30)
    network = vn.dense_network([2, 4, 3], activation="tanh", rng=rng)
    _, history = vn.train(
        network, x, labels, optimizer=vn.SGD(0.1), epochs=3, batch_size=10, rng=rng
    )
    assert history.epoch.tolist() == [0, 1, 2, 3]
