"""The loop around an optimizer: descent from a point, and training of a network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing.layers import EVALUATION, Mode
from vanishing.losses import Loss, hits, softmax_cross_entropy
from vanishing.measurements import run_measured
from vanishing.networks import Network
from vanishing.optimizers import Optimizer
from vanishing.validation import Array, NotFinite, floats, generator, instance, number, size


def descend(
    gradient: Callable[[Any], Any], start: Any, *, learning_rate: float, steps: int
) -> Array:
    """The points that gradient descent visits, shape (steps + 1, *start.shape).

    An overflow is no warning here: the points say it.

    Args:
        gradient: the gradient of the function that is descended, as a function of a point.
        start: the first point, a number or an array.
        learning_rate: per step.
        steps: how many.

    Examples:
        >>> print(descend(lambda w: 2 * w, 1.0, learning_rate=0.25, steps=3))
        [1.    0.5   0.25  0.125]
    """
    learning_rate = number(learning_rate, "learning_rate", above=0)
    instance(gradient, "gradient", Callable, "a function of a point")
    points = [floats(start, "start")]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(size(steps, "steps")):
            points.append(points[-1] - learning_rate * gradient(points[-1]))
    return np.stack(points)


@dataclass(frozen=True, eq=False)
class History:
    """What training did, measured on the whole training set before the first epoch and then every few.

    Attributes:
        epoch: the number of epochs done, shape (T,), from 0.
        loss: shape (T,).
        accuracy: fraction, shape (T,); NaN where the target is no class number.
        delta_rms: rms of delta_l, shape (T, L).
        weight_gradient_norm: Frobenius norm of dL/dW_l, shape (T, L).
    """

    epoch: Array
    loss: Array
    accuracy: Array
    delta_rms: Array
    weight_gradient_norm: Array

    @property
    def diverged(self) -> bool:
        """True if training ended early because a loss or a parameter was no longer finite; the last loss is inf."""
        return bool(self.loss[-1] == math.inf)


def train(
    network: Network, x: Array, target: Any, *, loss: Loss = softmax_cross_entropy, optimizer: Optimizer,
    epochs: int, batch_size: int, rng: np.random.Generator, measure_every: int = 1,
) -> tuple[Network, History]:  # fmt: skip
    """The trained network, and the history of its training.

    Divergence is an outcome, not an error: training ends, the history says so, and the network is the last one with
    finite parameters at the end of an epoch.

    Args:
        network: where training starts; it stays as it is.
        x: inputs, shape (samples, n_0), or (samples, time, n_0) for sequences; batches are taken along the first axis.
        target: one per sample, or one per sample and time, as the network puts out and `loss` takes.
        loss: what is descended.
        optimizer: what moves the parameters, such as `Adam()` or `Clipped(Adam(), clip_by_global_norm, 1.0)`.
        epochs: how often each sample is seen.
        batch_size: samples per step; the last batch of an epoch takes what is left.
        rng: shuffles the samples in each epoch, and serves layers that draw.
        measure_every: epochs between two rows of the history; the last epoch is always one.

    Examples:
        >>> from vanishing.datasets import blobs
        >>> from vanishing.networks import dense_network
        >>> from vanishing.optimizers import GradientDescent
        >>> rng = np.random.default_rng(0)
        >>> x, labels = blobs(rng=rng)
        >>> network = dense_network([2, 16, 3], activation="tanh", rng=rng)
        >>> network, history = train(
        ...     network, x, labels, optimizer=GradientDescent(0.5), epochs=20, batch_size=32, rng=rng)
        >>> bool(history.loss[-1] < history.loss[0] / 5)
        True
    """
    x = instance(network, "network", Network).checked(x)
    instance(loss, "loss", Loss)
    instance(optimizer, "optimizer", Optimizer, "an optimizer such as GradientDescent(0.1)")
    epochs, batch_size = size(epochs, "epochs"), size(batch_size, "batch_size")
    measure_every, mode = (
        size(measure_every, "measure_every"),
        Mode(training=True, rng=generator(rng)),
    )
    state = optimizer.start(network.parameters)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        target = loss.check(network.forward(x).output, target)
        rows = [_row(network, x, target, loss, 0)]
        for epoch in range(1, epochs + 1):
            try:
                network, state = _epoch(
                    network, x, target, loss, optimizer, state, batch_size, mode
                )
            except NotFinite:
                rows.append(
                    (epoch, math.inf, math.nan, math.nan * rows[0][3], math.nan * rows[0][4])
                )
            else:
                if epoch % measure_every == 0 or epoch == epochs:
                    rows.append(_row(network, x, target, loss, epoch))
            if rows[-1][1] == math.inf:
                break
    return network, History(*(np.array(column) for column in zip(*rows, strict=True)))


def _row(
    network: Network, x: Array, target: Array, loss: Loss, epoch: int
) -> tuple[int, float, float, Array, Array]:
    """Epoch, loss, accuracy, rms of delta, norm of the weight gradient."""
    output, measured = run_measured(network, x, target, loss, EVALUATION)
    value = float(loss.value(output, target))
    value = value if math.isfinite(value) else math.inf
    fraction = hits(output, target) if target.dtype.kind in "iu" else math.nan
    return epoch, value, fraction, measured.delta_rms, measured.weight_gradient_norm


def _epoch(
    network: Network,
    x: Array,
    target: Array,
    loss: Loss,
    optimizer: Optimizer,
    state: Any,
    batch_size: int,
    mode: Mode,
) -> tuple[Network, Any]:
    """Network and state after each sample was seen once, in an order drawn from mode.rng."""
    order = generator(mode.rng).permutation(len(x))
    for first in range(0, len(x), batch_size):
        batch = order[first : first + batch_size]
        record = network.forward(x[batch], mode)
        gradients = network.backward(record, loss.slope(record.output, target[batch]))
        moved, state = optimizer.step(network.parameters, gradients.parameters, state)
        network = network.after(record.memories).with_parameters(moved)
    return network, state
