"""Networks: a forward pass returns a record, a backward pass takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from vanishing.activations import Activation, activation as phi_of, identity
from vanishing.initializers import Initializer, initializer as resolve_initializer
from vanishing.layers import EVALUATION, Activate, Affine, Composite, Layer, Mode, Parameters, joined
from vanishing.validation import Array, finite, floats, size


@dataclass(frozen=True, eq=False)
class Network(Composite):
    """Layers, one after the other.

    Args:
        layers: the layers from the input side to the output side.

    Attributes:
        levels: the positions in `layers` of the layers that the l of the formulas counts.
    """

    def __post_init__(self) -> None:
        layers = tuple(self.layers)
        strangers = [type(layer).__name__ for layer in layers if not isinstance(layer, Layer)]
        if strangers or not layers:
            raise TypeError(f"layers holds {strangers or 'nothing'}; one or more layers such as Affine are expected")
        object.__setattr__(self, "layers", layers)

    @cached_property
    def levels(self) -> tuple[int, ...]:
        return tuple(i for i, layer in enumerate(self.layers) if layer.numbered)

    def forward(self, x: Array, mode: Mode = EVALUATION) -> Record:
        """The record of a forward pass.

        Args:
            x: h_0, shape (batch, n_0), or (time, batch, n_0) if the layers take it.
            mode: whether this is training, and the rng for layers that draw.
        """
        x = floats(x, "x", least_ndim=2)
        outputs, memories = zip(*self.forward_steps(x, mode), strict=True)
        return Record(self, x, outputs, memories)

    def forward_steps(self, x: Array, mode: Mode = EVALUATION) -> Iterator[tuple[Array, Any]]:
        """Each layer's output and memory, one layer at a time and without a check: what need not be kept is not."""
        for layer in self.layers:
            x, memory = layer.forward(x, mode)
            yield x, memory

    def backward(self, record: Record, d_output: Array) -> Gradients:
        """The gradients of L for every layer, given dL/doutput.

        Args:
            record: what `forward` of this network returned.
            d_output: dL/doutput, of the shape of `record.output`.
        """
        steps = tuple(self.backward_steps(record.memories, self._checked(record, d_output)))[::-1]
        delta, parts = tuple(steps[i][0] for i in self.levels), tuple(parts for _, _, parts in steps)
        return Gradients(delta, steps[0][1], parts, self.levels)

    def backward_steps(self, memories: Sequence[Any], d_output: Array) -> Iterator[tuple[Array, Array, Parameters]]:
        """From the last layer to the first: dL/doutput, dL/dinput and dL/dparameter by name of that layer."""
        for layer, memory in zip(reversed(self.layers), reversed(memories), strict=True):
            d_input, parts = layer.backward(memory, d_output)
            yield d_output, d_input, parts
            d_output = d_input

    def _checked(self, record: Record, d_output: Array) -> Array:
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
    widths: Sequence[int], *, activation: str | Activation, initializer: str | Initializer = "xavier_normal",
    output_activation: str | Activation = identity, rng: np.random.Generator, dtype: DTypeLike = np.float64,
) -> Network:  # fmt: skip
    """A network of L affine layers with an activation after each.

    z_l = h_{l-1} W_l^T + b_l and h_l = phi(z_l). An identity activation is no layer: h_l is then z_l itself.

    Args:
        widths: n_0, n_1, ..., n_L from the input to the output.
        activation: phi, or its name, for l < L.
        initializer: the rule, or its name, that draws W_l and b_l.
        output_activation: phi for l = L.
        rng: draws W_1, b_1, W_2, ... in this order.
        dtype: of all parameters.

    Examples:
        >>> network = dense_network([2, 16, 3], activation="tanh", rng=np.random.default_rng(0))
        >>> network.forward(np.ones((5, 2))).output.shape
        (5, 3)
    """
    widths = [size(width, f"widths[{l}]") for l, width in enumerate(widths)]
    if len(widths) < 2:
        raise ValueError(f"widths is {widths}; at least the input's and the output's width are expected")
    rule, hidden, last = resolve_initializer(initializer), phi_of(activation), phi_of(output_activation)
    layers: list[Layer] = []
    for l, shape in enumerate(zip(widths[1:], widths, strict=False), start=1):
        phi = hidden if l < len(widths) - 1 else last
        layers.append(Affine(rule(shape, rng=rng, dtype=dtype), rule.bias(shape, rng=rng, dtype=dtype)))
        if phi is not identity:
            layers.append(Activate(phi))
    return Network(tuple(layers))
