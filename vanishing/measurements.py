"""What happens to signal and gradient, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from vanishing.branches import Residual
from vanishing.layers import EVALUATION, Activate, Layer, Mode, Parameters
from vanishing.losses import Loss, softmax_cross_entropy
from vanishing.networks import Gradients, Network, Record
from vanishing.validation import Array, floats, instance, numbers

VANISHING = 1e-2
"""A network vanishes if delta_rms at the first layer is less than this part of that at the last."""
EXPLODING = 1e2
"""A network explodes if delta_rms at the first layer is more than this multiple of that at the last."""


def rms(array: ArrayLike) -> float:
    """The root mean square of all entries.

    Examples:
        >>> rms(np.array([3.0, -3.0]))
        3.0
    """
    return _rms(floats(array, "array"))


def _rms(array: Array) -> float:
    return norm(array, array.size)


def norm(array: Array, count: int = 1) -> float:
    """The root of the sum of squares over `count`, also where the squares leave the range of the dtype."""
    if array.dtype == np.float16:  # whose sums are float16, too
        array = array.astype(np.float32)
    square = float(np.vdot(array, array).real)
    if array.size * _lowest_square(array.dtype) < square < math.inf:
        return math.sqrt(square / count)
    if array.dtype.itemsize < 8:
        return norm(array.astype(np.float64), count)
    scale = float(np.abs(array).max(initial=0))
    if not 0 < scale < math.inf:
        return scale
    scaled = np.abs(array) / scale
    return scale * math.sqrt(float(np.vdot(scaled, scaled)) / count)


def verdict(delta_rms: Sequence[float] | Array) -> str:
    """'vanishing', 'exploding' or 'steady', from the ratio of the first layer's gradient to the last layer's.

    Only a ratio is looked at: multiplying the loss by a constant multiplies every gradient and changes nothing here.
    Below 1/100 the gradient vanishes, above 100 it explodes. An infinite entry is an overflow, so 'exploding'.
    'undefined' where there is no ratio: with NaN, with zero at the last layer, with less than two layers.

    Args:
        delta_rms: one non-negative number per layer, layer 1 (the input side) first; any norm that is comparable
            between layers.

    Examples:
        >>> verdict([1e-7, 1e-5, 1e-3])
        'vanishing'
    """
    sizes = numbers(delta_rms, "delta_rms").astype(np.float64)
    if sizes.ndim != 1 or (sizes < 0).any():
        raise ValueError(f"delta_rms is {delta_rms!r}; one non-negative number per layer is expected")
    if np.isinf(sizes).any():
        return "exploding"
    if np.isnan(sizes).any() or sizes.size < 2 or sizes[-1] == 0:
        return "undefined"
    first, last = float(sizes[0]), float(sizes[-1])
    return "vanishing" if first < VANISHING * last else "exploding" if first / EXPLODING > last else "steady"


# The logarithm of the t that |t| exceeds with probability 5 %, as a polynomial in 1 / nu: a fit, off by 1.5e-6 at most.
_LOG_T = (0.104216, -0.326658, 0.176469, 0.704641, 1.210496, 0.672925)


@np.errstate(all="ignore")
def growth(sizes: Array) -> tuple[float, tuple[float, float]]:
    """exp(-slope) of the least-squares line through log(size) against l, and its 95 % confidence interval.

    Sizes that have no logarithm, and with them their l, are left out. NaN where less than two points are left, for
    the interval less than three.
    """
    l = np.flatnonzero((sizes > 0) & np.isfinite(sizes))
    if len(l) < 2:
        return math.nan, (math.nan, math.nan)
    distance, logs, freedom = l.mean() - l, np.log(sizes[l]), len(l) - 2
    square = distance @ distance
    slope = distance @ logs / square
    residual = logs - logs.mean() - slope * distance
    error = np.sqrt(residual @ residual / np.float64(freedom) / square)
    half = np.exp(np.polyval(_LOG_T, 1 / freedom)) * error if freedom else math.nan
    factor, low, high = np.exp([slope, slope - half, slope + half]).tolist()
    return factor, (low, high)


@cache
def _lowest_square(dtype: np.dtype[Any]) -> float:
    """The smallest mean square that is exact although some of the squares may have lost digits."""
    return float(np.finfo(dtype).tiny / np.finfo(dtype).eps)


@dataclass(frozen=True, eq=False)
class Measurements:
    """One number per layer l = 1 ... L, as float64 arrays of length L; all of them dimensionless.

    Attributes:
        signal_rms: rms of h_l.
        preactivation_rms: rms of z_l.
        delta_rms: rms of delta_l = dL/dz_l over batch and units.
        weight_gradient_norm: Frobenius norm of dL/dW_l.
        weight_gradient_rms: rms of the entries of dL/dW_l.
        saturated: fraction of the entries of z_l at which |phi'| is below a twentieth of its supremum; for a residual
            block, of what enters the activation in its branch, if there is one.
        dead: fraction of the units of layer l with phi' exactly 0 on the whole batch, for a residual block likewise.
    """

    signal_rms: Array
    preactivation_rms: Array
    delta_rms: Array
    weight_gradient_norm: Array
    weight_gradient_rms: Array
    saturated: Array
    dead: Array

    @property
    def factors(self) -> Array:
        """The L - 1 factors on delta_rms going back by one layer, delta_rms_l / delta_rms_{l+1}."""
        with np.errstate(all="ignore"):
            return self.delta_rms[:-1] / self.delta_rms[1:]

    @property
    def factor(self) -> float:
        """The geometric factor on delta_rms per layer going back: below 1 it shrinks towards the input.

        exp(-slope) of the least-squares line through log delta_rms_l against l. Every layer has a say, so that the
        last one, whose width and activation differ, hardly counts, as it would in the L-1-th root of the ratio of
        the ends. Layers whose delta_rms is 0 or not finite have no logarithm and are left out; NaN if less than two
        are left.
        """
        return growth(self.delta_rms)[0]

    @property
    def ratio(self) -> float:
        """delta_rms of the first layer over that of the last."""
        with np.errstate(all="ignore"):
            return float(self.delta_rms[0] / self.delta_rms[-1])

    @property
    def verdict(self) -> str:
        """`verdict(delta_rms)`; 'exploding' also if the signal overflowed, which leaves no gradient to look at."""
        overflow = not np.isfinite(self.preactivation_rms).all()
        return "exploding" if overflow else verdict(self.delta_rms)

    def __str__(self) -> str:
        columns = (self.signal_rms, self.delta_rms, self.weight_gradient_norm, self.saturated, self.dead)
        rows = [
            f"{l:5d} {signal:11.2e} {delta:11.2e} {weight:11.2e} {saturated:10.0%} {dead:6.0%}"
            for l, (signal, delta, weight, saturated, dead) in enumerate(zip(*columns, strict=True), start=1)
        ]
        header = f"layer {'rms h':>11} {'rms delta':>11} {'|dL/dW|':>11} {'saturated':>10} {'dead':>6}"
        last = f"{self.verdict}: delta changes by {self.factor:.3g} per layer going back, {self.ratio:.1e} in all"
        return "\n".join([header, *rows, last])


def measure(
    network: Network, x: Array, target: Any, *, loss: Loss = softmax_cross_entropy, mode: Mode = EVALUATION
) -> Measurements:
    """The per-layer measurements of one forward and one backward pass.

    An overflow on the way is no warning here: it stands in the numbers, and the verdict is 'exploding'.

    Args:
        network: what is measured.
        x: input, shape (batch, n_0).
        target: what `loss` compares the output with.
        loss: L; its scale changes no ratio and no verdict.
        mode: whether the forward pass is one of training.

    Examples:
        >>> from vanishing.networks import dense_network
        >>> rng = np.random.default_rng(0)
        >>> network = dense_network([8] * 21, activation="sigmoid", rng=rng)
        >>> measure(network, rng.standard_normal((32, 8)), rng.integers(8, size=32)).verdict
        'vanishing'
    """
    return run_measured(network, x, target, loss, mode)[1]


def run_measured(network: Network, x: Array, target: Any, loss: Loss, mode: Mode) -> tuple[Array, Measurements]:
    """The output of the network and the measurements, taken while the passes run: only the memories are kept."""
    if not instance(network, "network", Network).levels:
        raise ValueError("network has no layer with a z_l, such as Affine; at least one is expected")
    x = network.checked(x)
    instance(loss, "loss", Loss), instance(mode, "mode", Mode)
    _keep_freed_memory()
    with np.errstate(over="ignore", invalid="ignore"):
        forward, memories = [], []
        for layer, (output, memory) in zip(network.layers, network.forward_steps(x, mode), strict=True):
            forward.append((_rms(output), *_flat_fractions(layer, memory)))
            memories.append(memory)
        d_output = loss.slope(output, loss.check(output, target))
        back = zip(reversed(network.layers), network.backward_steps(memories, d_output), strict=True)
        backward = [(_rms(delta), *_weight_sizes(parts)) for layer, (delta, _, parts) in back if layer.numbered]
    return output, _measurements(network, forward, backward[::-1])


def _keep_freed_memory() -> None:
    """Freed arrays stay with the process, for the next pass: new pages cost more than the arithmetic done on them.

    glibc returns freed memory to the system beyond a size that grows to twice the largest array that was freed so
    far, up to 64 MB (mallopt(3), M_MMAP_THRESHOLD). This frees an array of that size; its memory is never touched.
    """
    np.empty(31 << 20, np.uint8)


def measure_record(record: Record, gradients: Gradients) -> Measurements:
    """The per-layer measurements of a forward and a backward pass that were run before.

    Args:
        record: from `network.forward`.
        gradients: from `network.backward` with that record.
    """
    instance(record, "record", Record), instance(gradients, "gradients", Gradients)
    steps = zip(record.network.layers, record.outputs, record.memories, strict=True)
    forward = [(_rms(output), *_flat_fractions(layer, memory)) for layer, output, memory in steps]
    levels = zip(gradients.delta, gradients.levels, strict=True)
    backward = [(_rms(delta), *_weight_sizes(gradients.parts[level])) for delta, level in levels]
    return _measurements(record.network, forward, backward)


def _measurements(network: Network, forward: list[Any], backward: list[Any]) -> Measurements:
    """From rms, saturated and dead of every layer's output, and the sizes of delta_l and dL/dW_l for every l."""
    levels = np.array(network.levels)
    last = np.append(levels[1:], len(forward)) - 1
    output_rms, flat = np.array(forward)[:, 0], np.array(forward)[:, 1:]
    # Between one z_l and the next stands at most one activation; other layers but residual ones have fractions 0.
    saturated, dead = np.maximum.reduceat(flat, levels).T
    delta_rms, weight_norm, weight_rms = np.array(backward).T
    return Measurements(output_rms[last], output_rms[levels], delta_rms, weight_norm, weight_rms, saturated, dead)


def _weight_sizes(parts: Parameters) -> tuple[float, float]:
    """Norm and rms of all entries of the weight gradients of one layer."""
    weights = [array for name, array in parts.items() if name.endswith("weight")]
    whole = math.hypot(*(norm(array) for array in weights))
    return whole, whole / math.sqrt(max(1, sum(array.size for array in weights)))


def _flat_fractions(layer: Layer, memory: Any) -> tuple[float, float]:
    """The saturated fraction of entries and the dead fraction of units, of an activation or in a residual branch."""
    if isinstance(layer, Residual):
        return max(_flat_fractions(*inner) for inner in zip(layer.layers, memory[0], strict=True))
    if not isinstance(layer, Activate):
        return 0.0, 0.0
    slopes = layer.activation.slopes(memory)
    slopes = slopes.reshape(-1, slopes.shape[-1])
    flat = ~slopes if slopes.dtype == bool else np.abs(slopes) < layer.activation.steepest / 20
    count, dead = np.count_nonzero(flat), 0
    if count >= len(flat):  # as many entries are flat as one dead unit has
        columns = np.flatnonzero(flat.all(axis=0))
        dead = len(columns) if slopes.dtype == bool else int(np.count_nonzero(~slopes[:, columns].any(axis=0)))
    return count / flat.size, dead / flat.shape[1]
