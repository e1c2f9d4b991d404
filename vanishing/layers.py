"""The protocol of a layer, the two layers of a dense network, and what runs layers one after the other.

A layer is immutable. `forward` returns its output and a memory; `backward` takes the memory and the gradient with
respect to the output, and returns the gradients with respect to the input and to each parameter. Everything that a
remedy may need passes through these two: the training flag and the random numbers come with `mode`, other parameters
through `with_parameters`, and what a forward pass teaches without a gradient, such as running statistics, through
`after`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from vanishing.activations import Activation, activation as phi_of
from vanishing.validation import Array, choice, floats, generator, instance

Parameters = Mapping[str, Array]


@dataclass(frozen=True)
class Mode:
    """How a forward pass is meant: for training or not, and where random numbers come from.

    Args:
        training: whether layers that differ between training and evaluation do as in training.
        rng: serves layers that draw.

    Examples:
        >>> Mode(training=True).training
        True
    """

    training: bool = False
    rng: np.random.Generator | None = None

    def __post_init__(self) -> None:
        instance(self.training, "training", bool, "True or False")
        if self.rng is not None:
            generator(self.rng)


EVALUATION = Mode()


class Layer(ABC):
    """A differentiable step with parameters; subclasses are frozen dataclasses.

    Attributes:
        numbered: True if the output is a z_l, that is if the l of the formulas counts this layer.
        learned: the names of the fields that training moves.
    """

    numbered: ClassVar[bool] = False
    learned: ClassVar[tuple[str, ...]] = ()

    @property
    def parameters(self) -> Parameters:
        """The arrays that training moves, by name."""
        return {name: getattr(self, name) for name in self.learned}

    @property
    def fan_in(self) -> int | None:
        """The width that the input must have, that of the rows of the first learned array; None if any will do."""
        return int(getattr(self, self.learned[0]).shape[-1]) if self.learned else None

    def check(self, h: Array, name: str = "h") -> None:
        """Nothing, or an error that says which width the input of that name must have."""
        if self.fan_in not in (None, h.shape[-1]):
            raise ValueError(f"{name} has shape {h.shape}; (..., fan_in) with fan_in = {self.fan_in} is expected")

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


def settle(
    layer: Layer, name: str, *, ndim: int | None = None, shape: tuple[int, ...] | None = None, dtype: Any = None
) -> Array:
    """The layer's array of that name, checked, and in place as an array.

    Args:
        layer: a frozen one, while it is made.
        name: of the field.
        ndim: the number of axes expected.
        shape: the shape expected.
        dtype: that of the array that `shape` comes from. Arrays that are no parameters stay real beside one that is
            complex for a complex step.
    """
    array = floats(getattr(layer, name), name, ndim=ndim)
    if shape is not None and (array.shape != shape or dtype not in (array.dtype, np.complex128)):
        came, wanted = f"{array.shape} and dtype {array.dtype}", f"{shape} and {dtype}"
        raise ValueError(f"{name} has shape {came}; {wanted}, those that fit the other arrays, are expected")
    object.__setattr__(layer, name, array)
    return array


def affine_gradients(delta: Array, h: Array) -> dict[str, Array]:
    """dL/dW = delta^T h and dL/db for z = h W^T + b, each summed over all axes but the last."""
    delta, h = delta.reshape(-1, delta.shape[-1]), h.reshape(-1, h.shape[-1])
    # The sum over the batch as a product with ones, which BLAS does faster than sum(axis=0).
    return {"weight": delta.T @ h, "bias": np.ones(len(delta), delta.dtype) @ delta}


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
    learned: ClassVar[tuple[str, ...]] = ("weight", "bias")

    def __post_init__(self) -> None:
        weight = settle(self, "weight", ndim=2)
        settle(self, "bias", shape=weight.shape[:1], dtype=weight.dtype)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Array]:
        self.check(h)
        z = h @ self.weight.T
        z += self.bias
        return z, h

    def backward(self, memory: Array, d_output: Array) -> tuple[Array, Parameters]:
        return d_output @ self.weight, affine_gradients(d_output, memory)


@dataclass(frozen=True)
class Activate(Layer):
    """The layer h = phi(z).

    Args:
        activation: phi, or its name.

    Examples:
        >>> print(Activate("relu").forward(np.array([[-1.0, 2.0]]))[0])
        [[0. 2.]]
    """

    activation: Activation

    def __post_init__(self) -> None:
        object.__setattr__(self, "activation", phi_of(self.activation))

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
    """What runs layers one after the other: their parameters are its own, with the layer's position as prefix."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        layers = tuple(self.layers) if isinstance(self.layers, Iterable) else (self.layers,)
        strangers = [type(layer).__name__ for layer in layers if not isinstance(layer, Layer)]
        if strangers or not layers:
            raise TypeError(f"layers holds {strangers or 'nothing'}; one or more layers such as Affine are expected")
        object.__setattr__(self, "layers", layers)

    def forward_steps(self, h: Array, mode: Mode = EVALUATION) -> Iterator[tuple[Array, Any]]:
        """Each layer's output and memory, one layer at a time and without a check: what need not be kept is not."""
        for layer in self.layers:
            h, memory = layer.forward(h, mode)
            yield h, memory

    def backward_steps(self, memories: Sequence[Any], d_output: Array) -> Iterator[tuple[Array, Array, Parameters]]:
        """From the last layer to the first: dL/doutput, dL/dinput and dL/dparameter by name of that layer."""
        for layer, memory in zip(reversed(self.layers), reversed(memories), strict=True):
            d_input, parts = layer.backward(memory, d_output)
            yield d_output, d_input, parts
            d_output = d_input

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
            position, dot, inner = name.partition(".")
            if dot:
                parts[int(position)][inner] = value
        layers = tuple(layer.with_parameters(part) for layer, part in zip(self.layers, parts, strict=True))
        own = {name: value for name, value in parameters.items() if "." not in name}
        return replace(self, layers=layers, **own)

    def after(self, memories: Sequence[Any]) -> Self:
        """The same after a training step whose forward pass left these memories."""
        layers = tuple(layer.after(memory) for layer, memory in zip(self.layers, memories, strict=True))
        return replace(self, layers=layers)
