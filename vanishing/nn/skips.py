"""Paths around layers: the residual connection and the highway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from vanishing._validation import Array, instance, number
from vanishing.nn.activations import Activation, activation as activation_of, sigmoid
from vanishing.nn.layer import (
    EVALUATION,
    Fans,
    Layer,
    Mode,
    Nonlinearity,
    Parameters,
    checked_array,
    prefixed,
    split,
)
from vanishing.nn.linear import linear_gradients


@dataclass(frozen=True, eq=False)
class Residual(Layer):
    """The layer h + scale * branch(h) (He et al. 2016a).

    A pre-activation block (He et al. 2016b) has the branch normalization, activation, linear layer.
    A post-activation block has the branch linear layer, normalization, and is followed by an
    activation.

    Args:
        branch: a layer, such as a `Sequential`, whose output has the shape of its input.
        scale: a number, which stays as it is, or an array of shape (1,), which is trainable; from
            zero on it is the ReZero of Bachlechner et al. 2020.

    Examples:
        >>> from vanishing import Activate
        >>> print(Residual(Activate("relu"), scale=0.5).forward(np.array([[-2.0, 2.0]]))[0])
        [[-2.  3.]]
    """

    branch: Layer
    scale: float | Array = 1.0

    def __post_init__(self) -> None:
        instance(self.branch, "branch", Layer, "one layer, such as Sequential((norm, linear)),")
        scale: Any = self.scale
        if getattr(scale, "ndim", 0):
            checked_array(self, "scale", shape=(1,), dtype=scale.dtype)
        else:
            object.__setattr__(self, "scale", number(scale, "scale"))

    @property
    def _scale_parameter(self) -> dict[str, Array]:
        return {} if isinstance(self.scale, float) else {"scale": self.scale}

    @property
    def parameters(self) -> Parameters:
        return {**prefixed("branch", self.branch.parameters), **self._scale_parameter}

    @property
    def in_features(self) -> int | None:
        return self.branch.in_features

    @property
    def fans(self) -> Mapping[str, Fans] | None:
        fans = self.branch.fans
        return None if fans is None else {f"branch.{name}": pair for name, pair in fans.items()}

    def nonlinearities(self, memory: Any) -> Iterable[Nonlinearity] | None:
        return self.branch.nonlinearities(memory[0])

    def check(self, h: Array, name: str = "h") -> None:
        self.branch.check(h, name)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        output, memory = self.branch.forward(h, mode)
        if output.shape != h.shape:
            made = f"branch makes shape {output.shape} of {h.shape}"
            raise ValueError(f"{made}; the same shape is expected")
        return h + self.scale * output, (memory, output)

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        inner, output = memory
        d_input, gradients = self.branch.backward(inner, self.scale * d_output)
        named = prefixed("branch", gradients)
        if self._scale_parameter:
            named["scale"] = np.sum(d_output * output).reshape(1)
        return d_output + d_input, named

    def with_parameters(self, parameters: Parameters) -> Self:
        given = split(parameters, self.parameters)
        branch = self.branch.with_parameters(given.get("branch", {}))
        return replace(self, branch=branch, **given.get("", {}))

    def with_running_statistics(self, memory: Any) -> Self:
        return replace(self, branch=self.branch.with_running_statistics(memory[0]))


@dataclass(frozen=True, eq=False)
class Highway(Layer):
    """The layer T * phi(h W^T + b) + (1 - T) * h with the gate T = sigmoid(h G^T + c).

    Srivastava et al. 2015. A negative c starts the layer near the identity: it carries h, and the
    gradient with it.

    Args:
        weight: W, shape (n, n).
        bias: b, shape (n,).
        gate_weight: G, shape (n, n).
        gate_bias: c, shape (n,).
        activation: phi, or its name.

    Examples:
        >>> open_gate = Highway(np.eye(1), np.zeros(1), np.eye(1), np.full(1, 100.0), "relu")
        >>> print(open_gate.forward(np.array([[-2.0], [2.0]]))[0].tolist())
        [[0.0], [2.0]]
    """

    weight: Array
    bias: Array
    gate_weight: Array
    gate_bias: Array
    activation: Activation
    trainable: ClassVar[tuple[str, ...]] = ("weight", "bias", "gate_weight", "gate_bias")

    def __post_init__(self) -> None:
        bias = checked_array(self, "bias", ndim=1)
        square = bias.shape * 2
        for name, shape in zip(self.trainable, (square, bias.shape) * 2, strict=True):
            checked_array(self, name, shape=shape, dtype=bias.dtype)
        object.__setattr__(self, "activation", activation_of(self.activation))

    @property
    def in_features(self) -> int:
        return self.bias.size

    @property
    def fans(self) -> Mapping[str, Fans]:
        return {"weight": self.weight.shape, "gate_weight": self.gate_weight.shape}

    def nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        _, gate, _, kept = memory
        pairs = (self.activation, kept), (sigmoid, gate)
        return tuple(Nonlinearity(phi.derivative_from(a), phi.max_derivative) for phi, a in pairs)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        self.check(h)
        z = h @ self.weight.T + self.bias
        gate = sigmoid.formula(h @ self.gate_weight.T + self.gate_bias)
        signal = self.activation.formula(z)
        step = signal - h
        return h + gate * step, (h, gate, step, self.activation.memory(z, signal))

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        h, gate, step, kept = memory
        d_signal = gate * d_output
        delta = self.activation.derivative_from(kept) * d_signal
        d_gate = sigmoid.derivative_from(gate) * step * d_output
        d_input = d_output - d_signal + delta @ self.weight + d_gate @ self.gate_weight
        gated = {f"gate_{name}": value for name, value in linear_gradients(d_gate, h).items()}
        return d_input, linear_gradients(delta, h) | gated
