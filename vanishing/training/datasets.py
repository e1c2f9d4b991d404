"""Small data sets: points in the plane made from an rng, and handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import DTypeLike

from vanishing._validation import Array, dtype as floating, generator, number, size

Generator = np.random.Generator
Labelled = tuple[Array, Array]


def blobs(
    *,
    rng: Generator,
    samples: int = 300,
    classes: int = 3,
    spread: float = 0.2,
    dtype: DTypeLike = np.float64,
) -> Labelled:
    """Points (samples, 2) scattered about `classes` centres on the unit circle, and their labels.

    Args:
        rng: draws the points.
        samples: in all; the classes differ by one at most.
        classes: number of centres.
        spread: standard deviation about a centre, in each direction.
        dtype: of the points.

    Examples:
        >>> x, labels = blobs(rng=np.random.default_rng(0))
        >>> x.shape, np.bincount(labels).tolist()
        ((300, 2), [100, 100, 100])
    """
    labels = _labels(samples, classes)
    centres = _polar(1.0, 2 * np.pi * labels / classes)
    return _scattered(centres, spread, rng, dtype), labels


def spirals(
    *,
    rng: Generator,
    samples: int = 300,
    classes: int = 3,
    turns: float = 0.75,
    spread: float = 0.03,
    dtype: DTypeLike = np.float64,
) -> Labelled:
    """Points (samples, 2) along interleaved spiral arms of radius up to 1, and their labels.

    Args:
        rng: draws the points.
        samples: in all; the classes differ by one at most.
        classes: number of arms.
        turns: how often an arm winds about the origin.
        spread: standard deviation about the arm, in each direction.
        dtype: of the points.

    Examples:
        >>> x, labels = spirals(rng=np.random.default_rng(0), classes=2)
        >>> x.shape, np.bincount(labels).tolist()
        ((300, 2), [150, 150])
    """
    labels = _labels(samples, classes)
    radius = generator(rng).uniform(0.05, 1.0, size=len(labels))
    angle = 2 * np.pi * (labels / classes + number(turns, "turns", least=0) * radius)
    return _scattered(_polar(radius, angle), spread, rng, dtype), labels


def _labels(samples: int, classes: int) -> Array:
    """0, 1, ..., classes - 1, 0, ...: class numbers, shape (samples,)."""
    classes = size(classes, "classes", least=2)
    return np.arange(size(samples, "samples", least=classes)) % classes


def _polar(radius: Array | float, angle: Array) -> Array:
    """Points of the plane from polar coordinates, shape (samples, 2)."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _scattered(centres: Array, spread: float, rng: Generator, dtype: DTypeLike) -> Array:
    """The centres with normal noise of standard deviation `spread` in each direction."""
    spread = number(spread, "spread", least=0)
    noise = spread * generator(rng).standard_normal(centres.shape)
    return (centres + noise).astype(floating(dtype))


@dataclass(frozen=True, eq=False)
class Split:
    """Inputs and labels for training, and others for testing.

    Attributes:
        x_train: inputs, one sample a row.
        y_train: their class numbers.
        x_test: inputs that are no part of `x_train`.
        y_test: their class numbers.
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array


def digits(*, rng: Generator, test_fraction: float = 0.2, dtype: DTypeLike = np.float64) -> Split:
    """1797 handwritten digits of 8 x 8 pixels, split at random.

    The test set of Alpaydin & Kaynak 1998, *Optical Recognition of Handwritten Digits*, UCI Machine
    Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0. Inputs have shape (samples, 64)
    and are scaled so that all pixels of the training inputs together have mean 0 and rms 1.

    Args:
        rng: draws the split.
        test_fraction: part of the samples that goes to the test set, between 0 and 1.
        dtype: of the inputs.
    """
    if not 0 < number(test_fraction, "test_fraction") < 1:
        wanted = "a number between 0 and 1"
        raise ValueError(f"test_fraction is {test_fraction!r}; {wanted} is expected")
    generator(rng)
    pixels, labels = _digits()
    order = rng.permutation(len(pixels))
    test, train = np.split(order, [round(test_fraction * len(pixels))])
    x = ((pixels - pixels[train].mean()) / pixels[train].std()).astype(floating(dtype))
    return Split(x[train], labels[train], x[test], labels[test])


def _digits() -> Labelled:
    """Pixels from 0 to 16, shape (1797, 64), and labels."""
    with files(__package__).joinpath("digits.npz").open("rb") as file, np.load(file) as stored:
        pixels = stored["images"].reshape(-1, 64).astype(np.float64)
        # The type of an index, which `bincount` takes where integers have 32 bits, too.
        return pixels, stored["labels"].astype(np.intp)
