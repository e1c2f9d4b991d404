"""Networks: a forward pass returns a record, a backward pass takes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from vanishing.activations import Activation, identity, resolved
from vanishing.branches import Dropout, Residual
from vanishing.initializers import Initializer, initializer as resolve_initializer
from vanishing.layers import EVALUATION, Activate, Affine, Composite, Layer, Mode, Parameters, joined
from vanishing.normalization import NORMALIZATIONS
from vanishing.validation import Array, choice, dtype as floating, finite, floats, instance, number, size

Layers = tuple[Layer, ...]
Stage = tuple[Layers, Layers]  # what follows an affine layer: the normalization; the activation and dropout
_NOTHING: Stage = ((), ())


@dataclass(frozen=True, eq=False)
class Network(Composite):
    """Layers, one after the other.

    Args:
        layers: the layers from the input side to the output side.

    Attributes:
        levels: the positions in `layers` of the layers that the l of the formulas counts.
    """

    @cached_property
    def levels(self) -> tuple[int, ...]:
        return tuple(i for i, layer in enumerate(self.layers) if layer.numbered)

    def forward(self, x: Array, mode: Mode = EVALUATION) -> Record:
        """The record of a forward pass.

        Args:
            x: h_0, shape (batch, n_0), or (batch, time, n_0) for sequences: batch first.
            mode: whether this is training, and the rng for layers that draw.
        """
        x = self.checked(x)
        outputs, memories = zip(*self.forward_steps(x, mode), strict=True)
        return Record(self, x, outputs, memories)

    def checked(self, x: Array, name: str = "x") -> Array:
        """x as an array that the first layer takes, or an error that names it."""
        x = floats(x, name, least_ndim=2)
        self.layers[0].check(x, name)
        return x

    def backward(self, record: Record, d_output: Array) -> Gradients:
        """The gradients of L for every layer, given dL/doutput.

        Args:
            record: what `forward` of this network returned.
            d_output: dL/doutput, of the shape of `record.output`.
        """
        steps = tuple(self.backward_steps(record.memories, self._matching(record, d_output)))[::-1]
        delta, parts = tuple(steps[i][0] for i in self.levels), tuple(parts for _, _, parts in steps)
        return Gradients(delta, steps[0][1], parts, self.levels)

    def _matching(self, record: Record, d_output: Array) -> Array:
        if record.network is not self:
            raise ValueError("record was made by another network; one made by this network's forward is expected")
        if np.shape(d_output) != record.output.shape:
            raise ValueError(f"d_output has shape {np.shape(d_output)}; {record.output.shape}, as output, is expected")
        if np.isfinite(record.output).all():
            finite(d_output, "d_output")
        return d_output


@dataclass(frozen=True, eq=False)
class Record:
    """What a forward pass leaves: every layer's output and memory.

    Attributes:
        network: the network that ran.
        x: its input.
        outputs: what each layer put out.
        memories: what each layer keeps for its backward pass.
    """

    network: Network
    x: Array
    outputs: tuple[Array, ...]
    memories: tuple[Any, ...]

    @property
    def output(self) -> Array:
        """The network's output, h_L."""
        return self.outputs[-1]

    @property
    def z(self) -> tuple[Array, ...]:
        """The preactivations z_1 ... z_L, each of shape (batch, n_l)."""
        return tuple(self.outputs[i] for i in self.network.levels)

    @property
    def h(self) -> tuple[Array, ...]:
        """The signals h_0 ... h_L: what enters layer 1, ..., what enters layer L, the output."""
        return tuple((self.x, *self.outputs)[i] for i in self.network.levels) + (self.output,)


@dataclass(frozen=True, eq=False)
class Gradients:
    """What a backward pass returns.

    Attributes:
        delta: delta_l = dL/dz_l for l = 1 ... L, each of shape (batch, n_l).
        input: dL/dx.
        parts: for each layer of the network, its parameters' gradients by name.
        levels: the positions in `parts` of the layers that the l of the formulas counts.
    """

    delta: tuple[Array, ...]
    input: Array
    parts: tuple[Parameters, ...]
    levels: tuple[int, ...]

    @property
    def parameters(self) -> Parameters:
        """dL/dparameter under the names of `network.parameters`."""
        return joined(self.parts)

    @property
    def weight(self) -> tuple[Array, ...]:
        """dL/dW_l = delta_l^T h_{l-1} for every l that has one weight matrix, each of shape (fan_out, fan_in)."""
        return tuple(self.parts[i]["weight"] for i in self.levels if "weight" in self.parts[i])

    @property
    def bias(self) -> tuple[Array, ...]:
        """dL/db_l, the sum of delta_l over the batch, for every l that has one bias."""
        return tuple(self.parts[i]["bias"] for i in self.levels if "bias" in self.parts[i])


def dense_network(
    widths: Sequence[int], *, activation: str | Activation | Layer, initializer: str | Initializer = "xavier_normal",
    output_activation: str | Activation | Layer = identity, normalization: str | None = None,
    residual: str | None = None, branch_scale: float = 1.0, learned_scale: bool = False, dropout: float = 0.0,
    rng: np.random.Generator, dtype: DTypeLike = np.float64,
) -> Network:  # fmt: skip
    """A network of L affine layers with an activation after each.

    z_l = h_{l-1} W_l^T + b_l and h_l = phi(z_l). An identity activation is no layer: h_l is then z_l itself.
    A residual block is made of every layer but the first and the last that keeps the width, n_l = n_{l-1}:

    - 'pre': z_l = z_{l-1} + scale * (phi(norm(z_{l-1})) W_l^T + b_l), and phi(norm(z_{L-1})) enters layer L;
    - 'post': z_l = h_{l-1} + scale * norm(h_{l-1} W_l^T + b_l), and h_l = phi(z_l).

    Args:
        widths: n_0, n_1, ..., n_L from the input to the output.
        activation: phi, or its name, for l < L; a layer such as `PReLU` may take its place.
        initializer: the rule, or its name, that draws W_l and b_l.
        output_activation: phi for l = L.
        normalization: 'batch', 'layer' or 'rms', before the activation of every l < L.
        residual: 'pre' or 'post'.
        branch_scale: the scale of the residual branches.
        learned_scale: whether training moves it, in each block on its own; ReZero if it starts at 0.
        dropout: the rate, after the activation of every l < L.
        rng: draws W_1, b_1, W_2, ... in this order.
        dtype: of all parameters.

    Examples:
        >>> network = dense_network([2, 16, 3], activation="tanh", rng=np.random.default_rng(0))
        >>> network.forward(np.ones((5, 2))).output.shape
        (5, 3)
    """
    if np.ndim(widths) != 1 or len(widths) < 2:
        raise ValueError(f"widths is {widths}; at least the input's and the output's width are expected")
    widths = [size(width, f"widths[{l}]") for l, width in enumerate(widths)]
    rule, start = resolve_initializer(initializer), number(branch_scale, "branch_scale")
    learned = instance(learned_scale, "learned_scale", bool, "True or False")
    scale = np.full(1, start, floating(dtype)) if learned else start
    drop = (Dropout(dropout),) if number(dropout, "dropout", least=0, below=1) else ()
    arrange = _post if residual is None else choice(residual, "residual", {"pre": _pre, "post": _post})
    norm = None if normalization is None else choice(normalization, "normalization", NORMALIZATIONS)
    hidden = _activate(activation, "activation") + drop
    last = _activate(output_activation, "output_activation")
    stages: list[Stage] = [((norm.of(width, dtype),) if norm else (), hidden) for width in widths[1:-1]]
    stages, layers = [_NOTHING, *stages, _NOTHING], Layers()
    for l, shape in enumerate(zip(widths[1:], widths, strict=False), start=1):
        affine = Affine(rule(shape, rng=rng, dtype=dtype), rule.bias(shape, rng=rng, dtype=dtype))
        branch, rest = arrange(stages[l - 1], affine, stages[l])
        block = residual and 1 < l < len(widths) - 1 and shape[0] == shape[1]
        layers += (Residual(branch, scale), *rest) if block else branch + rest
    return Network(layers + last)


def _activate(phi: str | Activation | Layer, argument: str) -> Layers:
    if isinstance(phi, Layer):
        return (phi,)
    phi = resolved(phi, argument)
    return () if phi is identity else (Activate(phi),)


def _pre(before: Stage, affine: Layer, after: Stage) -> tuple[Layers, Layers]:
    """What a block holds and what follows it, if normalization and activation of layer l - 1 come with affine l."""
    return (*before[0], *before[1], affine), ()


def _post(before: Stage, affine: Layer, after: Stage) -> tuple[Layers, Layers]:
    """The same if the normalization of layer l comes with affine l, and its activation after the sum."""
    return (affine, *after[0]), after[1]


def lsuv(network: Network, x: Array, *, tolerance: float = 0.1, iterations: int = 10) -> Network:
    """The network with weights scaled so that every z_l has variance 1 on x (Mishkin & Matas 2016).

    Layer-sequential unit variance: from the input to the output, each `Affine` layer's W is divided by the standard
    deviation of its output, over rows and units, until |variance - 1| < tolerance. Without biases one division is
    enough. What W is before is the caller's choice; the paper's is initializer="orthogonal". Biases stay, and so do
    the layers inside other layers. All passes are in evaluation mode.

    Args:
        network: stays as it is.
        x: a batch, shape (batch, n_0), of rows that are typical of the data.
        tolerance: of the variance, dimensionless; 0.1 in the paper.
        iterations: divisions per layer, at most.

    Raises:
        ValueError: if a layer is not within the tolerance after them: its output is constant (zero weights, equal
            rows), or its biases alone differ too much from unit to unit.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> network = dense_network([8, 16, 16], activation="tanh", initializer="orthogonal", rng=rng)
        >>> x = rng.standard_normal((50, 8))
        >>> print([f"{z.var():.2f}" for z in lsuv(network, x).forward(x).z])
        ['1.00', '1.00']
    """
    h, layers = instance(network, "network", Network, "a network such as dense_network makes").checked(x), []
    tolerance, iterations = number(tolerance, "tolerance", above=0), size(iterations, "iterations")
    for layer in network.layers:
        layers.append(_unit_variance(layer, h, tolerance, iterations) if type(layer) is Affine else layer)
        h, _ = layers[-1].forward(h)
    return replace(network, layers=tuple(layers))


def _unit_variance(layer: Affine, h: Array, tolerance: float, iterations: int) -> Affine:
    for _ in range(iterations + 1):
        variance = float(np.var(layer.forward(h)[0], dtype=np.float64))
        if abs(variance - 1) < tolerance:
            return layer
        layer = replace(layer, weight=layer.weight / (variance**0.5 or 1.0))
    raise ValueError(f"network: an output on x has variance {variance:.3g} after {iterations} divisions; 1 is expected")
