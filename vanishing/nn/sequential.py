"""Layers one after the other: a network is a sequence, and a sequence is a layer.

`record` keeps a forward pass whole, and the record's `backward` gives the gradients of every layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import is_
from typing import Any, Self

import numpy as np

from vanishing._validation import Array, finite, floats
from vanishing.nn.layer import (
    EVALUATION,
    Fans,
    Layer,
    Mode,
    Nonlinearity,
    Parameters,
    split,
)


@dataclass(frozen=True, eq=False)
class Sequential(Layer):
    """Layers, one after the other, as PyTorch's `Sequential`.

    A parameter has the layer's position, counted from 0, as prefix: `0.weight`.

    Args:
        layers: from the input side to the output side; a sequence among them is taken apart, and
            its layers take its place.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        layers = tuple(self.layers) if isinstance(self.layers, Iterable) else (self.layers,)
        strangers = [type(layer).__name__ for layer in layers if not isinstance(layer, Layer)]
        if strangers or not layers:
            came = strangers or "nothing"
            raise TypeError(f"layers holds {came}; one or more layers such as Linear are expected")
        layers = tuple(part for layer in layers for part in layer.in_sequence())
        object.__setattr__(self, "layers", layers)

    @cached_property
    def weight_layers(self) -> tuple[int, ...]:
        """The positions in `layers` of the layers that the l of the formulas counts."""
        return tuple(i for i, layer in enumerate(self.layers) if layer.is_weight_layer)

    @property
    def parameters(self) -> Parameters:
        return _joined(layer.parameters for layer in self.layers)

    @property
    def in_features(self) -> int | None:
        return self.layers[0].in_features

    @property
    def fans(self) -> Mapping[str, Fans] | None:
        fans: dict[str, Fans] = {}
        for i, layer in enumerate(self.layers):
            if layer.fans is None:
                return None
            fans |= {f"{i}.{name}": pair for name, pair in layer.fans.items()}
        return fans

    def nonlinearities(self, memory: Sequence[Any]) -> list[Nonlinearity] | None:
        found: list[Nonlinearity] = []
        for layer, own in zip(self.layers, memory, strict=True):
            inside = layer.nonlinearities(own)
            if inside is None:
                return None
            found += inside
        return found

    def in_sequence(self) -> tuple[Layer, ...]:
        return self.layers

    def check(self, h: Array, name: str = "h") -> None:
        self.layers[0].check(h, name)

    def checked(self, x: Array, name: str = "x") -> Array:
        """x as an array that the first layer takes, or an error that names it."""
        x = floats(x, name, least_ndim=2)
        self.check(x, name)
        return x

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, tuple[Any, ...]]:
        outputs, memories = zip(*self.forward_steps(h, mode), strict=True)
        return outputs[-1], memories

    def backward(self, memory: Sequence[Any], d_output: Array) -> tuple[Array, Parameters]:
        _, d_inputs, by_layer = zip(*self.backward_steps(memory, d_output), strict=True)
        return d_inputs[-1], _joined(by_layer[::-1])

    def forward_steps(self, h: Array, mode: Mode = EVALUATION) -> Iterator[tuple[Array, Any]]:
        """Each layer's output and memory, one layer at a time: what need not be kept is not."""
        for layer in self.layers:
            h, memory = layer.forward(h, mode)
            yield h, memory

    def backward_steps(
        self, memories: Sequence[Any], d_output: Array
    ) -> Iterator[tuple[Array, Array, Parameters]]:
        """dL/doutput, dL/dinput and dL/dparameter by name of each layer, the last layer first."""
        for layer, memory in zip(reversed(self.layers), reversed(memories), strict=True):
            d_input, gradients = layer.backward(memory, d_output)
            yield d_output, d_input, gradients
            d_output = d_input

    def record(self, x: Array, mode: Mode = EVALUATION) -> Record:
        """The record of a forward pass.

        Args:
            x: h_0, shape (batch, n_0), or (batch, time, n_0) for sequences: batch first.
            mode: whether this is training, and the rng for layers that draw.
        """
        x = self.checked(x)
        outputs, memories = zip(*self.forward_steps(x, mode), strict=True)
        return Record(self, x, outputs, memories)

    def with_parameters(self, parameters: Parameters) -> Self:
        given = split(parameters, self.parameters)
        layers = (
            layer.with_parameters(given.get(str(i), {})) for i, layer in enumerate(self.layers)
        )
        return replace(self, layers=tuple(layers))

    def with_running_statistics(self, memory: Sequence[Any]) -> Self:
        pairs = zip(self.layers, memory, strict=True)
        layers = tuple(layer.with_running_statistics(own) for layer, own in pairs)
        return self if all(map(is_, layers, self.layers)) else replace(self, layers=layers)


def _joined(by_layer: Iterable[Parameters]) -> dict[str, Array]:
    return {
        f"{i}.{name}": value
        for i, parameters in enumerate(by_layer)
        for name, value in parameters.items()
    }


@dataclass(frozen=True, eq=False)
class Record:
    """What a forward pass leaves: every layer's output and memory.

    Attributes:
        network: the network that ran.
        x: its input.
        outputs: what each layer put out.
        memories: what each layer keeps for its backward pass.
    """

    network: Sequential
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
        return tuple(self.outputs[i] for i in self.network.weight_layers)

    @property
    def h(self) -> tuple[Array, ...]:
        """The signals h_0 ... h_L: what enters layer 1, ..., what enters layer L, the output."""
        inputs = (self.x, *self.outputs)
        return (*(inputs[i] for i in self.network.weight_layers), self.output)

    def backward(self, d_output: Array) -> Gradients:
        """The gradients of L for every layer.

        Args:
            d_output: dL/doutput, of the shape of `output`.
        """
        steps = self.network.backward_steps(self.memories, self._matching(d_output))
        d_outputs, d_inputs, by_layer = zip(*reversed(list(steps)), strict=True)
        delta = tuple(d_outputs[i] for i in self.network.weight_layers)
        return Gradients(self.network, delta, d_inputs[0], by_layer)

    def _matching(self, d_output: Array) -> Array:
        if np.shape(d_output) != self.output.shape:
            wanted = f"{self.output.shape}, as output,"
            raise ValueError(f"d_output has shape {np.shape(d_output)}; {wanted} is expected")
        if np.isfinite(self.output).all():
            finite(d_output, "d_output")
        return d_output


@dataclass(frozen=True, eq=False)
class Gradients:
    """What a backward pass returns.

    Attributes:
        network: the network that ran.
        delta: delta_l = dL/dz_l for l = 1 ... L, each of shape (batch, n_l).
        input: dL/dx.
        by_layer: for each of `network.layers`, its parameters' gradients by name.
    """

    network: Sequential
    delta: tuple[Array, ...]
    input: Array
    by_layer: tuple[Parameters, ...]

    @property
    def parameters(self) -> Parameters:
        """dL/dparameter under the names of `network.parameters`."""
        return _joined(self.by_layer)

    @property
    def weight(self) -> tuple[Array, ...]:
        """dL/dW_l = delta_l^T h_{l-1}, shape (fan_out, fan_in), for every l with one matrix W_l."""
        found = []
        for i in self.network.weight_layers:
            names = tuple(self.network.layers[i].fans or ())
            if len(names) == 1:
                found.append(self.by_layer[i][names[0]])
        return tuple(found)

    @property
    def bias(self) -> tuple[Array, ...]:
        """dL/db_l, the sum of delta_l over the batch, for every l that has one bias."""
        by_layer = (self.by_layer[i] for i in self.network.weight_layers)
        return tuple(gradients["bias"] for gradients in by_layer if "bias" in gradients)
