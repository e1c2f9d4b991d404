"""The protocol of a layer, and the two layers of a dense network.

A layer is immutable. `forward` returns its output and a memory; `backward` takes the memory and the gradient with
respect to the output, and returns the gradients with respect to the input and to each parameter. Everything that a
remedy may need passes through these two: the training flag and the random numbers come with `mode`, other parameters
through `with_parameters`, and what a forward pass teaches without a gradient, such as running statistics, through
`after`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from vanishing.activations import Activation
from vanishing.validation import Array, choice, floats

Parameters = Mapping[str, Array]


@dataclass(frozen=True)
class Mode:
    """How a forward pass is meant: for training or not, and where random numbers come from."""

    training: bool = False
    rng: np.random.Generator | None = None


EVALUATION = Mode()


class Layer(ABC):
    """A differentiable step with parameters; subclasses are frozen dataclasses.

    Attributes:
        numbered: True if the output is a z_l, that is if the l of the formulas counts this layer.
    """

    numbered: ClassVar[bool] = False

    @property
    def parameters(self) -> Parameters:
        """The arrays that training moves, by name."""
        return {}

    def with_parameters(self, parameters: Parameters) -> Self:
        """The same layer with other values for the named parameters."""
        return replace(self, **parameters) if parameters else self  # type: ignore[type-var]

    def after(self, memory: Any) -> Self:
        """The layer after a training step whose forward pass left this memory."""
        return self

    @abstractmethod
    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """The output for the input h, and the memory that `backward` needs."""

    @abstractmethod
    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        """dL/dinput and dL/dparameter by name, given dL/doutput. `d_output` belongs to the caller."""


@dataclass(frozen=True, eq=False)
class Affine(Layer):
    """The layer z = h W^T + b.

    Args:
        weight: W, shape (fan_out, fan_in).
        bias: b, shape (fan_out,), of the same dtype.

    Examples:
        >>> layer = Affine(np.array([[2.0, 0.0]]), np.array([1.0]))
        >>> print(layer.forward(np.array([[3.0, 5.0]]))[0])
        [[7.]]
    """

    weight: Array
    bias: Array
    numbered: ClassVar[bool] = True

    def __post_init__(self) -> None:
        weight, bias = floats(self.weight, "weight", ndim=2), floats(self.bias, "bias", ndim=1)
        if bias.shape != weight.shape[:1] or bias.dtype != weight.dtype:
            raise ValueError(
                f"bias has shape {bias.shape} and dtype {bias.dtype}; "
                f"{weight.shape[:1]} and {weight.dtype}, those of the rows of weight, are expected"
            )
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)

    @property
    def parameters(self) -> Parameters:
        return {"weight": self.weight, "bias": self.bias}

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Array]:
        if h.shape[-1] != self.weight.shape[1]:
            raise ValueError(f"h has shape {h.shape}; (..., fan_in) with fan_in = {self.weight.shape[1]} is expected")
        z = h @ self.weight.T
        z += self.bias
        return z, h

    def backward(self, memory: Array, d_output: Array) -> tuple[Array, Parameters]:
        fan_out, fan_in = self.weight.shape
        delta, h = d_output.reshape(-1, fan_out), memory.reshape(-1, fan_in)
        # The sum over the batch as a product with ones, which BLAS does faster than sum(axis=0).
        gradients = {"weight": delta.T @ h, "bias": np.ones(len(delta), delta.dtype) @ delta}
        return d_output @ self.weight, gradients


@dataclass(frozen=True)
class Activate(Layer):
    """The layer h = phi(z).

    Examples:
        >>> from vanishing.activations import relu
        >>> print(Activate(relu).forward(np.array([[-1.0, 2.0]]))[0])
        [[0. 2.]]
    """

    activation: Activation

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Array]:
        output = self.activation.value(h)
        return output, self.activation.memory(h, output)

    def backward(self, memory: Array, d_output: Array) -> tuple[Array, Parameters]:
        # dL/dz = phi'(z) dL/dh
        return self.activation.slopes(memory) * d_output, {}


def joined(parts: Sequence[Parameters]) -> dict[str, Array]:
    """One mapping from the mappings of several layers; names get the layer's position as prefix: `0.weight`."""
    return {f"{i}.{name}": value for i, part in enumerate(parts) for name, value in part.items()}


@dataclass(frozen=True, eq=False)
class Composite:
    """What holds layers: their parameters are its own, with the layer's position, counted from 0, as prefix."""

    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> Parameters:
        """The arrays that training moves, by name, such as `0.weight`."""
        return joined([layer.parameters for layer in self.layers])

    def with_parameters(self, parameters: Parameters) -> Self:
        """The same with other values for the named parameters; the others stay."""
        known = self.parameters
        parts: list[dict[str, Array]] = [{} for _ in self.layers]
        for name, value in parameters.items():
            if value.shape != choice(name, "parameter", known).shape:
                raise ValueError(f"{name} has shape {value.shape}; {known[name].shape} is expected")
            position, _, inner = name.partition(".")
            parts[int(position)][inner] = value
        layers = tuple(layer.with_parameters(part) for layer, part in zip(self.layers, parts, strict=True))
        return replace(self, layers=layers)

    def after(self, memories: Sequence[Any]) -> Self:
        """The same after a training step whose forward pass left these memories."""
        layers = tuple(layer.after(memory) for layer, memory in zip(self.layers, memories, strict=True))
        return replace(self, layers=layers)
