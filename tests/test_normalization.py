"""Normalization: the papers' formulas, running statistics, and invariance to scale."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import vanishing as vn
from vanishing.nn.normalization import NORMALIZATIONS

TRAIN = vn.Mode(training=True)
EACH = pytest.mark.parametrize("cls", [vn.BatchNorm, vn.LayerNorm, vn.RMSNorm])


def draw(shape=(8, 4), seed=0):
    return 3 + 2 * np.random.default_rng(seed).standard_normal(shape)


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_starts_from_weight_1_and_bias_0(cls, dtype):
    layer = cls.initialized(3, dtype)
    start = {
        "weight": 1,
        "bias": 0,
        "running_mean": 0,
        "running_var": 1,
        "momentum": 0.1,
        "epsilon": 1e-5,
    }
    for field in fields(layer):
        value = getattr(layer, field.name)
        assert np.all(value == start[field.name]), field.name
        if field.name not in ("momentum", "epsilon"):
            assert value.shape == (3,) and value.dtype == dtype
    assert (
        layer.weight.dtype
        == cls.initialized(3, dtype).forward(draw((2, 3)).astype(dtype), TRAIN)[0].dtype
    )
    assert cls.initialized(3).weight.dtype == np.float64
    assert not layer.is_weight_layer and layer.in_features == 3


def test_the_output_has_mean_0_and_variance_1_along_its_axes():
    h, epsilon = draw((3, 5, 4)), 1e-5
    for layer, axes in ((vn.BatchNorm.initialized(4), (0, 1)), (vn.LayerNorm.initialized(4), -1)):
        output = layer.forward(h, TRAIN)[0]
        variance = h.var(axis=axes)
        assert np.abs(output.mean(axis=axes)).max() < 1e-14
        assert output.var(axis=axes) == pytest.approx(variance / (variance + epsilon), rel=1e-12)
    mean_square = np.mean(h**2, axis=-1)
    output = vn.RMSNorm.initialized(4).forward(h)[0]
    assert np.mean(output**2, axis=-1) == pytest.approx(
        mean_square / (mean_square + epsilon), rel=1e-12
    )
    assert (np.sign(output) == np.sign(h)).all()


@EACH
def test_the_weight_scales_and_the_bias_shifts_the_normalized_units(cls):
    h, rng = draw(), np.random.default_rng(1)
    given = {name: rng.standard_normal(4) for name in cls.trainable}
    plain = cls.initialized(4).forward(h, TRAIN)[0]
    output = replace(cls.initialized(4), **given).forward(h, TRAIN)[0]
    assert output == pytest.approx(plain * given["weight"] + given.get("bias", 0), rel=1e-14)


def test_layer_and_rms_norm_look_at_one_row_and_know_no_training():
    h = draw()
    for cls in (vn.LayerNorm, vn.RMSNorm):
        layer = cls.initialized(4)
        assert (layer.forward(h, TRAIN)[0] == layer.forward(h)[0]).all()
        assert (layer.forward(h[:1])[0] == layer.forward(h)[0][:1]).all()
        assert layer.with_running_statistics(layer.forward(h, TRAIN)[1]) is layer


def test_batch_norm_in_evaluation_takes_the_running_statistics_as_constants():
    weight, bias, mean, deviation = draw((4, 4))
    layer, h, d_output = (
        vn.BatchNorm(weight, bias, mean, deviation**2, epsilon=0.5),
        draw(),
        draw(seed=1),
    )
    output, memory = layer.forward(h)
    scale = weight / np.sqrt(deviation**2 + 0.5)
    assert output == pytest.approx((h - mean) * scale + bias, rel=1e-13)
    assert layer.backward(memory, d_output)[0] == pytest.approx(d_output * scale, rel=1e-14)
    assert layer.with_running_statistics(memory) is layer


@pytest.mark.parametrize("momentum", [0.0, 0.1, 0.75])
def test_the_running_variance_is_unbiased_though_training_normalizes_by_the_biased_one(momentum):
    layer, h = replace(vn.BatchNorm.initialized(4), momentum=momentum), draw((6, 4))
    output, memory = layer.forward(h, TRAIN)
    moved = layer.with_running_statistics(memory)
    assert output == pytest.approx((h - h.mean(0)) / np.sqrt(h.var(0) + 1e-5), rel=1e-12, abs=1e-14)
    assert moved.running_mean == pytest.approx(momentum * h.mean(0), rel=1e-14)
    assert moved.running_var == pytest.approx(1 - momentum + momentum * h.var(0, ddof=1), rel=1e-14)
    assert (layer.running_mean == 0).all() and (layer.running_var == 1).all()
    # two rows of three steps are six rows
    assert layer.with_running_statistics(
        layer.forward(h.reshape(2, 3, 4), TRAIN)[1]
    ).running_var == pytest.approx(moved.running_var)


def test_training_moves_the_running_statistics_to_those_of_the_data():
    rng = np.random.default_rng(8)
    x, labels = draw((64, 4)), rng.integers(3, size=64)
    affine = vn.Linear(rng.standard_normal((3, 4)), np.zeros(3))
    settings = {"epochs": 100, "batch_size": 64, "rng": rng, "measure_every": 100}
    start = vn.Sequential((vn.BatchNorm.initialized(4), affine))
    trained, _ = vn.train(start, x, labels, optimizer=vn.SGD(0.1), **settings)
    assert trained.layers[0].running_mean == pytest.approx(x.mean(axis=0), rel=1e-3)
    assert trained.layers[0].running_var == pytest.approx(x.var(axis=0, ddof=1), rel=1e-3)
    assert (trained.layers[0].weight != 1).all() and (trained.layers[0].bias != 0).all()


@EACH
@settings(max_examples=30)
@given(scale=st.floats(1e-3, 1e3), seed=st.integers(0, 99))
def test_ioffe_and_szegedy_2015_section_3_3_the_scale_of_weights_does_not_matter(cls, scale, seed):
    # BN((a W) u) = BN(W u), dBN/du stays, and dBN/d(a W) = 1/a dBN/dW; Ba et al. 2016, section 5.1,
    # for layer norm
    rng = np.random.default_rng(seed)
    weight, h, d_output = (rng.standard_normal(shape) for shape in ((4, 3), (6, 3), (6, 4)))
    norm = replace(cls.initialized(4), epsilon=0.0)
    runs = []
    for factor in (1.0, scale):
        network = vn.Sequential((vn.Linear(factor * weight, np.zeros(4)), norm))
        record = network.record(h, TRAIN)
        gradients = record.backward(d_output)
        runs.append((record.output, gradients.input, factor * gradients.weight[0]))
    for one, other in zip(*runs, strict=True):
        assert other == pytest.approx(one, rel=1e-9, abs=1e-11)


@settings(max_examples=30)
@given(seed=st.integers(0, 99))
def test_ba_et_al_2016_section_5_1_what_leaves_each_normalization_unchanged(seed):
    rng = np.random.default_rng(seed)
    h, row, unit = rng.standard_normal((6, 4)), 1 + rng.random((6, 1)), 1 + rng.random(4)
    batch, layer, rms = (
        replace(cls.initialized(4), epsilon=0.0) for cls in NORMALIZATIONS.values()
    )
    for norm, changed, kept in [
        (batch, unit * h + unit, True),
        (batch, row * h, False),
        (layer, row * h + row, True),
        (layer, unit * h, False),
        (rms, row * h, True),
        (rms, h + 1, False),
    ]:
        difference = np.abs(norm.forward(changed, TRAIN)[0] - norm.forward(h, TRAIN)[0]).max()
        assert (difference < 1e-12) == kept


@EACH
def test_the_gradient_has_no_part_that_the_output_cannot_see(cls):
    h, d_output = draw(), draw(seed=1)
    layer = replace(cls.initialized(4), weight=np.array([1.0, 2.0, -1.0, 0.5]), epsilon=0.0)
    d_input, _ = layer.backward(layer.forward(h, TRAIN)[1], d_output)
    axis = 0 if cls is vn.BatchNorm else 1
    assert np.abs(np.sum(d_input * h, axis=axis)).max() < 1e-13
    assert (np.abs(d_input.sum(axis=axis)).max() < 1e-13) == (cls is not vn.RMSNorm)


@pytest.mark.parametrize("shape", [(1, 4), (1, 1, 4)])
def test_one_row_has_no_variance_to_train_with(shape):
    layer = vn.BatchNorm.initialized(4)
    message = (
        r"^h has shape \(1, .*4\); two rows or more are expected: in training, one has no variance$"
    )
    with pytest.raises(ValueError, match=message):
        layer.forward(np.ones(shape), TRAIN)
    assert layer.forward(np.ones(shape))[0].shape == shape
    assert layer.forward(np.ones((2, 4)), TRAIN)[0].tolist() == [[0.0] * 4] * 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: vn.LayerNorm(np.ones(3), np.ones(2)),
            ValueError,
            r"^bias has shape \(2,\) .*\(3,\) and float64",
        ),
        (
            lambda: vn.LayerNorm(np.ones(3), np.ones(3, np.float32)),
            ValueError,
            "^bias .* float32; .*float64",
        ),
        (lambda: vn.RMSNorm(np.ones((2, 2))), ValueError, r"^weight has shape \(2, 2\); 1 axes"),
        (lambda: vn.RMSNorm.initialized(2.5), TypeError, "^width is 2.5; a whole number"),
        (
            lambda: vn.RMSNorm.initialized(2, int),
            TypeError,
            "^dtype is int64; a floating-point type",
        ),
        (
            lambda: replace(vn.BatchNorm.initialized(2), running_var=np.array([1.0, -0.1])),
            ValueError,
            "^running_var is .*-0.1",
        ),
        (
            lambda: replace(vn.BatchNorm.initialized(2), running_mean=np.ones(3)),
            ValueError,
            r"^running_mean has shape \(3,\)",
        ),
        (
            lambda: replace(vn.BatchNorm.initialized(2), momentum=1.0),
            ValueError,
            "^momentum is 1.0; .*and below 1 is",
        ),
        (
            lambda: replace(vn.BatchNorm.initialized(2), momentum=-0.1),
            ValueError,
            "^momentum is -0.1; .*of at least 0",
        ),
        (
            lambda: replace(vn.LayerNorm.initialized(2), epsilon=-1e-9),
            ValueError,
            "^epsilon is -1e-09; .*of at least 0",
        ),
    ],
)
def test_what_makes_no_normalization_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
