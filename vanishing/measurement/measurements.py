"""What happens to signal and gradient, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vanishing._validation import Array, instance
from vanishing.measurement.allocator import keep_freed_memory
from vanishing.measurement.diagnosis import Diagnosis, judge
from vanishing.measurement.norms import norm
from vanishing.measurement.readings import Reading
from vanishing.measurement.verdicts import geometric_factor, verdict
from vanishing.nn.layer import EVALUATION, Layer, Mode, Nonlinearity, Parameters
from vanishing.nn.losses import Loss, softmax_cross_entropy
from vanishing.nn.sequential import Gradients, Record, Sequential

FLAT = 1 / 20
"""An entry is saturated where |phi'| is below this part of its supremum."""


@dataclass(frozen=True, eq=False)
class Measurements:
    """One number per layer l = 1 ... L, as float64 arrays of length L; all of them dimensionless.

    NaN stands for what a layer does not say of itself.

    Attributes:
        signal_rms: rms of h_l; infinite where it overflowed.
        preactivation_rms: rms of z_l; infinite where it overflowed.
        delta_norm: norm per sample of delta_l = dL/dz_l, as of `norm_per_sample`.
        weight_gradient_norm: Frobenius norm of dL/dW_l, of all weight matrices of layer l together.
        weight_gradient_rms: rms of the entries of dL/dW_l.
        saturated: fraction of entries at which |phi'| is below a twentieth of its supremum, over
            the nonlinearities inside layer l and between z_l and layer l + 1.
        dead: fraction of the units of these nonlinearities with phi' exactly 0 on the whole batch.
    """

    signal_rms: Array
    preactivation_rms: Array
    delta_norm: Array
    weight_gradient_norm: Array
    weight_gradient_rms: Array
    saturated: Array
    dead: Array

    @property
    def factors(self) -> Array:
        """The L - 1 factors on delta_norm going back by one layer, from layer l + 1 to layer l."""
        with np.errstate(all="ignore"):
            return self.delta_norm[:-1] / self.delta_norm[1:]

    @property
    def factor(self) -> float:
        """The geometric factor on delta_norm per layer going back: below 1 it shrinks.

        exp(-slope) of the least-squares line through log delta_norm_l against l. Every layer has a
        say, so that the last one, whose activation differs, hardly counts, as it would in
        the L-1-th root of the ratio of the ends. Layers whose delta_norm is 0 or not finite have no
        logarithm and are left out; NaN if less than two are left.
        """
        return geometric_factor(self.delta_norm)

    @property
    def ratio(self) -> float:
        """delta_norm of the first layer over that of the last."""
        with np.errstate(all="ignore"):
            return float(self.delta_norm[0] / self.delta_norm[-1])

    @property
    def verdict(self) -> str:
        """`verdict` of delta_norm and the signals."""
        return verdict(self.delta_norm, signals=self._signals)

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis of delta_norm, the signals and the dead units."""
        columns = zip(self.delta_norm, self._signals, self.dead, strict=True)
        return judge(
            [
                Reading(str(l), float(size), float(signal), None if math.isnan(dead) else dead)
                for l, (size, signal, dead) in enumerate(columns, start=1)
            ]
        )

    @property
    def _signals(self) -> Array:
        """rms of h_l; infinite also where z_l overflowed and a bounded phi hides it."""
        return np.where(np.isinf(self.preactivation_rms), math.inf, self.signal_rms)

    def __str__(self) -> str:
        columns = (
            self.signal_rms,
            self.delta_norm,
            self.weight_gradient_norm,
            self.saturated,
            self.dead,
        )
        rows = [
            f"{l:5d} {signal:11.2e} {delta:11.2e} {weight:11.2e} {saturated:10.0%} {dead:6.0%}"
            for l, (signal, delta, weight, saturated, dead) in enumerate(
                zip(*columns, strict=True), start=1
            )
        ]
        header = (
            f"layer {'rms h':>11} {'|delta|':>11} {'|dL/dW|':>11} {'saturated':>10} {'dead':>6}"
        )
        change = f"delta changes by {self.factor:.3g} per layer going back, {self.ratio:.1e} in all"
        return "\n".join([header, *rows, f"{self.verdict}: {change}"])


def measure(
    network: Sequential,
    x: Array,
    target: Any,
    *,
    loss: Loss = softmax_cross_entropy,
    mode: Mode = EVALUATION,
) -> Measurements:
    """The per-layer measurements of one forward and one backward pass.

    An overflow on the way is no warning here: it stands in the numbers, and the verdict is
    'exploding'.

    Args:
        network: what is measured.
        x: input, shape (batch, n_0).
        target: what `loss` compares the output with.
        loss: L; its scale changes no ratio and no verdict.
        mode: whether the forward pass is one of training.

    Examples:
        >>> from vanishing import dense_network
        >>> rng = np.random.default_rng(0)
        >>> network = dense_network([8] * 21, activation="sigmoid", rng=rng)
        >>> measure(network, rng.standard_normal((32, 8)), rng.integers(8, size=32)).verdict
        'vanishing'
    """
    return measured_passes(network, x, target, loss, mode)[1]


def measured_passes(
    network: Sequential, x: Array, target: Any, loss: Loss, mode: Mode
) -> tuple[Array, Measurements]:
    """The output of the network and the measurements, taken while the passes run.

    Of each layer the memory alone is kept.
    """
    if not instance(network, "network", Sequential).weight_layers:
        wanted = "no layer with a z_l, such as Linear; at least one is expected"
        raise ValueError(f"network has {wanted}")
    x = network.checked(x)
    instance(loss, "loss", Loss)
    instance(mode, "mode", Mode)
    keep_freed_memory()
    with np.errstate(over="ignore", invalid="ignore"):
        forward, memories = [], []
        steps = network.forward_steps(x, mode)
        for layer, (output, memory) in zip(network.layers, steps, strict=True):
            forward.append(_forward_row(layer, output, memory))
            memories.append(memory)
        d_output = loss.gradient_formula(output, loss.check(output, target))
        back = zip(
            reversed(network.layers), network.backward_steps(memories, d_output), strict=True
        )
        backward = [
            _backward_row(layer, delta, gradients)
            for layer, (delta, _, gradients) in back
            if layer.is_weight_layer
        ]
    return output, _measurements(network, forward, backward[::-1])


def measure_record(record: Record, gradients: Gradients) -> Measurements:
    """The per-layer measurements of a forward and a backward pass that were run before.

    Args:
        record: from `network.record`.
        gradients: from `record.backward`.
    """
    instance(record, "record", Record)
    instance(gradients, "gradients", Gradients)
    network = record.network
    passed = zip(network.layers, record.outputs, record.memories, strict=True)
    forward = [_forward_row(*step) for step in passed]
    backward = [
        _backward_row(network.layers[i], delta, gradients.by_layer[i])
        for i, delta in zip(network.weight_layers, gradients.delta, strict=True)
    ]
    return _measurements(network, forward, backward)


def _forward_row(layer: Layer, output: Array, memory: Any) -> tuple[float, float, float]:
    """The rms of the output, the saturated fraction of entries and the dead fraction of units."""
    size = norm(output, output.size)
    # Input and parameters are finite, so that a NaN comes from an overflow on the way.
    return math.inf if math.isnan(size) else size, *_flat_fractions(layer.nonlinearities(memory))


def _backward_row(layer: Layer, delta: Array, gradients: Parameters) -> tuple[float, float, float]:
    """delta's norm per sample, and norm and rms of all weight gradients' entries, of one layer."""
    delta_norm = norm(delta, len(delta))
    if layer.fans is None:
        return delta_norm, math.nan, math.nan
    weights = [gradients[name] for name in layer.fans]
    whole = math.hypot(*map(norm, weights))
    return delta_norm, whole, whole / math.sqrt(sum(array.size for array in weights))


def _measurements(network: Sequential, forward: list[Any], backward: list[Any]) -> Measurements:
    first = np.array(network.weight_layers)
    last = np.append(first[1:], len(forward)) - 1
    output_rms, *flat = np.array(forward).T
    # Takes the maximum over a layer and what follows it: at most one holds nonlinearities; NaN
    # wins.
    saturated, dead = (np.maximum.reduceat(fractions, first) for fractions in flat)
    delta_norm, weight_norm, weight_rms = np.array(backward).T
    return Measurements(
        output_rms[last], output_rms[first], delta_norm, weight_norm, weight_rms, saturated, dead
    )


def _flat_fractions(nonlinearities: Iterable[Nonlinearity] | None) -> tuple[float, float]:
    """The saturated fraction of entries and the dead fraction of units; NaN if unknown."""
    if nonlinearities is None:
        return math.nan, math.nan
    counts = [_flat_counts(nonlinearity) for nonlinearity in nonlinearities]
    if not counts:
        return 0.0, 0.0
    flat, entries, dead, units = map(sum, zip(*counts, strict=True))
    return flat / entries, dead / units


def _flat_counts(nonlinearity: Nonlinearity) -> tuple[int, int, int, int]:
    """How many entries are saturated, of how many, and how many units are dead, of how many."""
    derivative = nonlinearity.derivative.reshape(-1, nonlinearity.derivative.shape[-1])
    boolean = derivative.dtype == bool
    flat = ~derivative if boolean else np.abs(derivative) < FLAT * nonlinearity.max_derivative
    count, dead = int(np.count_nonzero(flat)), 0
    # Looks for dead units only where as many entries are flat as one dead unit has.
    if count >= len(flat) and not nonlinearity.trainable:
        columns = np.flatnonzero(flat.all(axis=0))
        alive = 0 if boolean else int(np.count_nonzero(derivative[:, columns].any(axis=0)))
        dead = len(columns) - alive
    return count, flat.size, dead, flat.shape[1]
