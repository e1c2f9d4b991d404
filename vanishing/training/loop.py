"""Training of a network: the loop over epochs and batches, and the history that it leaves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from vanishing._validation import Array, NotFinite, generator, instance, size
from vanishing.measurement.measurements import measured_passes
from vanishing.nn.layer import EVALUATION, Mode
from vanishing.nn.losses import Loss, correct_fraction, softmax_cross_entropy
from vanishing.nn.sequential import Sequential
from vanishing.training.optimizers import Optimizer


@dataclass(frozen=True, eq=False)
class History:
    """What training did, measured before the first epoch and then every few.

    Each entry is measured on the whole training set, in evaluation.

    Attributes:
        epoch: the number of epochs done, shape (T,), from 0.
        loss: shape (T,).
        accuracy: fraction, shape (T,); NaN where the target is no class number.
        delta_norm: norm per sample of delta_l, shape (T, L).
        weight_gradient_norm: Frobenius norm of dL/dW_l, shape (T, L).
    """

    epoch: Array
    loss: Array
    accuracy: Array
    delta_norm: Array
    weight_gradient_norm: Array

    @property
    def diverged(self) -> bool:
        """True if training ended early because a loss or a parameter was no longer finite.

        The last loss is then infinite.
        """
        return bool(self.loss[-1] == math.inf)


class _Row(NamedTuple):
    """One entry of each array of a history."""

    epoch: int
    loss: float
    accuracy: float
    delta_norm: Array
    weight_gradient_norm: Array


def train(
    network: Sequential,
    x: Array,
    target: Any,
    *,
    loss: Loss = softmax_cross_entropy,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    measure_every: int = 1,
) -> tuple[Sequential, History]:
    """The trained network, and the history of its training.

    Divergence is an outcome, not an error: training ends, the history says so, and the network is
    the last one with finite parameters at the end of an epoch.

    Args:
        network: where training starts; it stays as it is.
        x: inputs, shape (samples, n_0), or (samples, time, n_0) for sequences; batches are taken
            along the first axis.
        target: one per sample, or one per sample and time, as the network puts out and `loss`
            takes.
        loss: what is descended.
        optimizer: what moves the parameters, such as `Adam()` or
            `Clipped(Adam(), clip_by_global_norm, 1.0)`.
        epochs: how often each sample is seen.
        batch_size: samples per step; the last batch of an epoch takes what is left.
        rng: shuffles the samples in each epoch, and serves layers that draw.
        measure_every: epochs between two rows of the history; the last epoch is always one.

    Examples:
        >>> from vanishing import SGD, blobs, dense_network
        >>> rng = np.random.default_rng(0)
        >>> x, labels = blobs(rng=rng)
        >>> network = dense_network([2, 16, 3], activation="tanh", rng=rng)
        >>> network, history = train(
        ...     network, x, labels, optimizer=SGD(0.5), epochs=20, batch_size=32, rng=rng)
        >>> bool(history.loss[-1] < history.loss[0] / 5)
        True
    """
    x = instance(network, "network", Sequential).checked(x)
    instance(loss, "loss", Loss)
    instance(optimizer, "optimizer", Optimizer, "an optimizer such as SGD(0.1)")
    epochs = size(epochs, "epochs")
    batch_size = size(batch_size, "batch_size")
    measure_every = size(measure_every, "measure_every")
    mode = Mode(training=True, rng=generator(rng))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        target = loss.check(network.record(x).output, target)
        task = _Task(x, target, loss, optimizer, batch_size, mode)
        network, rows = _trained(network, task, epochs, measure_every)
    return network, History(*(np.array(column) for column in zip(*rows, strict=True)))


@dataclass(frozen=True, eq=False)
class _Task:
    """What stays the same from epoch to epoch: `train`'s arguments, checked."""

    x: Array
    target: Array
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    mode: Mode


def _trained(
    network: Sequential, task: _Task, epochs: int, measure_every: int
) -> tuple[Sequential, list[_Row]]:
    """The network after all epochs, or after the last one that did not diverge, and the rows."""
    state = task.optimizer.start(network.parameters)
    rows = [_measured(network, task, 0)]
    for epoch in range(1, epochs + 1):
        try:
            network, state = _after_an_epoch(network, task, state)
        except NotFinite:
            rows.append(_diverged(epoch, rows[0]))
            break
        if epoch % measure_every == 0 or epoch == epochs:
            rows.append(_measured(network, task, epoch))
            if rows[-1].loss == math.inf:
                break
    return network, rows


def _after_an_epoch(network: Sequential, task: _Task, state: Any) -> tuple[Sequential, Any]:
    """Network and state after each sample was seen once, in an order drawn from the mode's rng."""
    for batch in batches(len(task.x), task.batch_size, generator(task.mode.rng)):
        record = network.record(task.x[batch], task.mode)
        d_output = task.loss.gradient_formula(record.output, task.target[batch])
        gradients = record.backward(d_output).parameters
        moved, state = task.optimizer.step(network.parameters, gradients, state)
        network = network.with_running_statistics(record.memories).with_parameters(moved)
    return network, state


def batches(samples: int, batch_size: int, rng: np.random.Generator) -> Iterator[Array]:
    """The samples of each batch of an epoch: every one once, in an order drawn from rng."""
    order = rng.permutation(samples)
    for first in range(0, samples, batch_size):
        yield order[first : first + batch_size]


def _measured(network: Sequential, task: _Task, epoch: int) -> _Row:
    """The row after this many epochs, measured in evaluation; a loss that is NaN counts as inf."""
    output, measured = measured_passes(network, task.x, task.target, task.loss, EVALUATION)
    loss = float(task.loss.formula(output, task.target))
    has_classes = task.target.dtype.kind in "iu"
    return _Row(
        epoch,
        loss if math.isfinite(loss) else math.inf,
        correct_fraction(output, task.target) if has_classes else math.nan,
        measured.delta_norm,
        measured.weight_gradient_norm,
    )


def _diverged(epoch: int, row: _Row) -> _Row:
    """The row of an epoch whose parameters are not finite, in the shapes of another row."""
    unknown = math.nan * row.delta_norm
    return _Row(epoch, math.inf, math.nan, unknown, unknown)
