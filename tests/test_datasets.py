"""Data sets: shapes, classes, geometry, reproducibility; the digits' scaling and split."""

import hashlib

import numpy as np
import pytest

import vanishing as vn
from vanishing.training import datasets

MAKERS = pytest.mark.parametrize("make", [vn.blobs, vn.spirals], ids=lambda make: make.__name__)


@MAKERS
def test_samples_are_balanced_reproducible_and_of_the_dtype(make):
    x, labels = make(rng=np.random.default_rng(0), samples=101, dtype=np.float32)
    again, _ = make(rng=np.random.default_rng(0), samples=101, dtype=np.float32)
    assert x.shape == (101, 2) and x.dtype == np.float32 and (x == again).all()
    assert np.ptp(np.bincount(labels)) <= 1
    assert (x != make(rng=np.random.default_rng(1), samples=101, dtype=np.float32)[0]).any()


def test_blobs_lie_about_points_of_the_unit_circle():
    x, labels = vn.blobs(rng=np.random.default_rng(0), samples=4000, classes=4, spread=0.1)
    centres = np.array([x[labels == c].mean(axis=0) for c in range(4)])
    assert abs(centres - [[1, 0], [0, 1], [-1, 0], [0, -1]]).max() < 5 * 0.1 / np.sqrt(1000)


def test_spirals_lie_on_their_curves():
    x, labels = vn.spirals(rng=np.random.default_rng(0), classes=2, turns=1, spread=0)
    radius = np.hypot(*x.T)
    turned = np.exp(-2j * np.pi * (radius + labels / 2)) * (x[:, 0] + 1j * x[:, 1])
    assert turned == pytest.approx(radius)


def test_digits_are_split_and_scaled_by_the_training_part():
    split = vn.digits(rng=np.random.default_rng(0))
    assert split.x_train.shape == (1438, 64) and split.x_test.shape == (359, 64)
    assert split.x_train.mean() == pytest.approx(0, abs=1e-12)
    assert vn.rms(split.x_train) == pytest.approx(1)
    assert split.x_test.mean() != pytest.approx(0, abs=1e-6)
    assert set(split.y_train) == set(split.y_test) == set(range(10))
    rows = {row.tobytes() for row in split.x_train}
    assert not any(row.tobytes() in rows for row in split.x_test)
    assert vn.digits(rng=np.random.default_rng(0), dtype=np.float32).x_train.dtype == np.float32


def test_the_digits_are_those_of_the_repository():
    # "Optical recognition of handwritten digits", test set: the description's own counts of each
    # class, and the rows of the data file, 64 pixels and the label each, as bytes.
    pixels, labels = datasets._digits()
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    rows = np.column_stack([pixels, labels]).astype(np.uint8).tobytes()
    known = "68aea062d35a127749050fa0e52dca09d6569ac08092c925610e0954e172dde2"
    assert hashlib.sha256(rows).hexdigest() == known


def test_a_split_holds_the_digits_with_their_labels():
    pixels, labels = datasets._digits()
    split = vn.digits(rng=np.random.default_rng(0))
    test, train = np.split(np.random.default_rng(0).permutation(1797), [359])
    assert np.array_equal(split.y_train, labels[train])
    assert np.array_equal(split.y_test, labels[test])
    found = split.x_test * pixels[train].std() + pixels[train].mean()
    assert np.allclose(found, pixels[test], rtol=0, atol=1e-12)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: vn.blobs(rng=0), TypeError, "rng is 0; a generator"),
        (lambda: vn.blobs(), TypeError, "rng"),
        (
            lambda: vn.blobs(rng=RNG, classes=1),
            ValueError,
            "classes is 1; a whole number of at least 2",
        ),
        (
            lambda: vn.blobs(rng=RNG, samples=2),
            ValueError,
            "samples is 2; a whole number of at least 3",
        ),
        (lambda: vn.spirals(rng=RNG, turns=np.inf), ValueError, "turns is inf"),
        (
            lambda: vn.spirals(rng=RNG, spread=-0.1),
            ValueError,
            "spread is -0.1; a finite number of at least 0",
        ),
        (
            lambda: vn.digits(rng=RNG, test_fraction=1.0),
            ValueError,
            "test_fraction is 1.0; a number between 0 and 1",
        ),
        (lambda: vn.gaussian(-1), ValueError, "std is -1"),
        (lambda: vn.scaled_gaussian(float("nan")), ValueError, "sigma_w is nan"),
        (lambda: vn.uniform(1.0, sigma_b=-1), ValueError, "sigma_b is -1"),
        (lambda: vn.leaky_relu(1.5), ValueError, "negative_slope is 1.5; a number from 0 to 1"),
        (lambda: vn.he_normal((3,), rng=RNG), ValueError, r"shape is \(3,\); \(fan_out, fan_in\)"),
        (
            lambda: vn.he_normal((3, 0), rng=RNG),
            ValueError,
            "fan_in is 0; a whole number of at least 1",
        ),
    ],
)
def test_wrong_settings_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_defaults_and_how_the_points_spread():
    rng = np.random.default_rng(5)
    x, labels = vn.spirals(rng=rng)
    assert len(x) == 300 and np.bincount(labels).tolist() == [100] * 3
    many, labels = vn.spirals(rng=rng, samples=3000, spread=0)
    radius = np.hypot(*many.T)
    assert 0.05 <= radius.min() < 0.052 and 0.998 < radius.max() <= 1
    turned = np.exp(-2j * np.pi * (0.75 * radius + labels / 3)) * (many[:, 0] + 1j * many[:, 1])
    assert turned == pytest.approx(radius)
    seeded = lambda make, **options: make(rng=np.random.default_rng(6), **options)[0]
    for make, spread in ((vn.spirals, 0.03), (vn.blobs, 0.2)):
        noise = seeded(make) - seeded(make, spread=0)
        assert noise.shape == (300, 2) and noise.std() == pytest.approx(
            spread, abs=5 * spread / np.sqrt(1200)
        )
        assert noise == pytest.approx(spread * (seeded(make, spread=1) - seeded(make, spread=0)))
        assert abs(np.corrcoef(noise.T)[0, 1]) < 5 / np.sqrt(300)
