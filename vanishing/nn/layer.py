"""The protocol of a layer: how it runs, and what it says of itself.

A layer is immutable. `forward` returns its output and a memory; `backward` takes the memory and
the gradient with respect to the output, and returns the gradients with respect to the input and to
each parameter. The training flag and the random numbers come with `mode`, other parameters through
`with_parameters`, and what a forward pass teaches without a gradient through
`with_running_statistics`.

Whoever measures, diagnoses or initializes a layer asks it: for its weight matrices with their fans,
for the derivatives of the nonlinearities inside it, for the width of its input, and for itself with
other weights. A layer that does not answer is *unknown*, which is `None`, and never 0.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from vanishing._validation import Array, choice, floats, generator, instance

Parameters = Mapping[str, Array]
Fans = tuple[int, int]


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


@dataclass(frozen=True, eq=False)
class Nonlinearity:
    """The derivatives that an elementwise nonlinearity inside a layer had in one forward pass.

    Args:
        derivative: phi' at every entry, shape (..., units), numbers or booleans for 1 and 0.
        max_derivative: the supremum of |phi'|.
        trainable: whether training moves phi itself, so that no unit is dead for good.
    """

    derivative: Array
    max_derivative: float
    trainable: bool = False


class Layer(ABC):
    """A differentiable step with parameters; subclasses are frozen dataclasses.

    `forward` and `backward` are enough to run, train and measure a layer. The other answers have
    defaults that say *unknown*.

    Attributes:
        trainable: the names of the fields that training moves.
    """

    trainable: ClassVar[tuple[str, ...]] = ()

    @property
    def parameters(self) -> Parameters:
        """The arrays that training moves, by name."""
        return {name: getattr(self, name) for name in self.trainable}

    @property
    def in_features(self) -> int | None:
        """The width that the input must have; None if any will do, or if it is unknown."""
        return None

    @property
    def fans(self) -> Mapping[str, Fans] | None:
        """(fan_out, fan_in) of each weight matrix, by the parameter's name; None if unknown.

        The fan-in of a unit counts the products that it sums, the taps of a kernel included; the
        fan-out counts the sums that an input enters. A layer without parameters has no weight
        matrix; of any other, which parameters are weights is unknown unless it says so.
        """
        return None if self.parameters else {}

    @property
    def is_weight_layer(self) -> bool:
        """True if the output is a z_l, that is if the l of the formulas counts this layer.

        Those are the layers with a weight matrix, and those of which that is unknown.
        """
        return self.fans is None or bool(self.fans)

    def nonlinearities(self, memory: Any) -> Iterable[Nonlinearity] | None:
        """The nonlinearities inside, as they were in a forward pass; None if unknown.

        Args:
            memory: what `forward` returned beside the output.
        """
        return None

    def rescaled(self, factor: float) -> Self | None:
        """The layer whose weights, but not its biases, are multiplied; None if not linear in them.

        Args:
            factor: what its output is multiplied by where the biases are 0.
        """
        return None

    def in_sequence(self) -> tuple[Layer, ...]:
        """The layers that stand in a sequence for this one: itself, unless it is a sequence."""
        return (self,)

    def check(self, h: Array, name: str = "h") -> None:
        """Nothing, or an error that says which width the input of that name must have."""
        if self.in_features not in (None, h.shape[-1]):
            wanted = f"(..., in_features) with in_features = {self.in_features}"
            raise ValueError(f"{name} has shape {h.shape}; {wanted} is expected")

    def with_parameters(self, parameters: Parameters) -> Self:
        """The same layer with other values for the named parameters."""
        return replace(self, **parameters) if parameters else self  # type: ignore[type-var]

    def with_running_statistics(self, memory: Any) -> Self:
        """The layer after a training step whose forward pass left this memory.

        What moves here has no gradient, such as the running mean of batch normalization.
        """
        return self

    @abstractmethod
    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        """The output for the input h, and the memory that `backward` needs."""

    @abstractmethod
    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        """dL/dinput and dL/dparameter by name, given dL/doutput, which belongs to the caller."""


def checked_array(
    layer: Layer,
    name: str,
    *,
    ndim: int | None = None,
    shape: tuple[int, ...] | None = None,
    dtype: Any = None,
) -> Array:
    """The layer's field of that name, checked and made an array.

    Args:
        layer: a frozen one, while it is made.
        name: of the field.
        ndim: the number of axes expected.
        shape: the shape expected.
        dtype: that of the array that `shape` comes from. A complex step makes one array complex;
            the arrays beside it stay real.
    """
    array = floats(getattr(layer, name), name, ndim=ndim)
    if shape is not None and (array.shape != shape or dtype not in (array.dtype, np.complex128)):
        came = f"{array.shape} and dtype {array.dtype}"
        wanted = f"{shape} and {dtype}, those that fit the other arrays,"
        raise ValueError(f"{name} has shape {came}; {wanted} are expected")
    object.__setattr__(layer, name, array)
    return array


def prefixed(prefix: str, parameters: Parameters) -> dict[str, Array]:
    """The mapping with `prefix.` before each name, as `branch.weight`: of a layer in a layer."""
    return {f"{prefix}.{name}": value for name, value in parameters.items()}


def split(parameters: Parameters, known: Parameters) -> dict[str, dict[str, Array]]:
    """The mapping by the prefix of each name, "" for a name without one; shapes are checked.

    Raises:
        ValueError: a name is not among the known, or its array has another shape.
    """
    parts: dict[str, dict[str, Array]] = {}
    for name, value in parameters.items():
        expected = choice(name, "parameter", known).shape
        if value.shape != expected:
            raise ValueError(f"{name} has shape {value.shape}; {expected} is expected")
        prefix, dot, inner = name.partition(".")
        parts.setdefault(prefix if dot else "", {})[inner or name] = value
    return parts
