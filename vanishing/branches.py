"""Paths around layers, the residual branch and the highway, and two elementwise layers: dropout and PReLU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from vanishing.activations import Activation, activation as phi_of, sigmoid
from vanishing.layers import EVALUATION, Composite, Layer, Mode, Parameters, affine_gradients, joined, settle
from vanishing.validation import Array, generator, number


@dataclass(frozen=True, eq=False)
class Residual(Composite, Layer):
    """The layer h + scale * branch(h), whose branch is layers one after the other (He et al. 2016).

    A pre-activation block has the branch normalization, activation, affine. A post-activation block has the branch
    affine, normalization, and is followed by an activation.

    Args:
        layers: the branch; its output has the shape of its input.
        scale: a number, which stays as it is, or an array of shape (1,), which is learned; from zero on it is the
            ReZero of Bachlechner et al. 2020.

    Examples:
        >>> from vanishing.layers import Activate
        >>> print(Residual((Activate("relu"),), scale=0.5).forward(np.array([[-2.0, 2.0]]))[0])
        [[-2.  3.]]
    """

    scale: float | Array = 1.0
    numbered: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        scale: Any = self.scale
        if getattr(scale, "ndim", 0):
            settle(self, "scale", shape=(1,), dtype=scale.dtype)
        else:
            object.__setattr__(self, "scale", number(scale, "scale"))

    @property
    def parameters(self) -> Parameters:
        return super().parameters if isinstance(self.scale, float) else {**super().parameters, "scale": self.scale}

    @property
    def fan_in(self) -> int | None:
        return self.layers[0].fan_in

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        outputs, memories = zip(*self.forward_steps(h, mode), strict=True)
        if outputs[-1].shape != h.shape:
            raise ValueError(f"layers make shape {outputs[-1].shape} of {h.shape}; the same shape is expected")
        return h + self.scale * outputs[-1], (memories, outputs[-1])

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        memories, branch = memory
        _, d_inputs, parts = zip(*self.backward_steps(memories, self.scale * d_output), strict=True)
        gradients = joined(parts[::-1])
        if not isinstance(self.scale, float):
            gradients["scale"] = np.sum(d_output * branch).reshape(1)
        return d_output + d_inputs[-1], gradients

    def after(self, memory: Any) -> Self:
        return super().after(memory[0])


@dataclass(frozen=True, eq=False)
class Highway(Layer):
    """The layer T * phi(h W^T + b) + (1 - T) * h with the gate T = sigmoid(h G^T + c) (Srivastava et al. 2015).

    A negative c starts the layer near the identity: it carries h, and the gradient with it.

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
    numbered: ClassVar[bool] = True
    learned: ClassVar[tuple[str, ...]] = ("weight", "bias", "gate_weight", "gate_bias")

    def __post_init__(self) -> None:
        bias = settle(self, "bias", ndim=1)
        for name in self.learned:
            settle(self, name, shape=bias.shape * (2 if name.endswith("weight") else 1), dtype=bias.dtype)
        object.__setattr__(self, "activation", phi_of(self.activation))

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        self.check(h)
        z, gate = h @ self.weight.T + self.bias, sigmoid.value(h @ self.gate_weight.T + self.gate_bias)
        signal = self.activation.value(z)
        step = signal - h
        return h + gate * step, (h, gate, step, self.activation.memory(z, signal))

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        h, gate, step, kept = memory
        d_signal = gate * d_output
        delta, d_gate = self.activation.slopes(kept) * d_signal, sigmoid.slopes(gate) * step * d_output
        gated = {f"gate_{name}": value for name, value in affine_gradients(d_gate, h).items()}
        return d_output - d_signal + delta @ self.weight + d_gate @ self.gate_weight, affine_gradients(delta, h) | gated


@dataclass(frozen=True)
class Dropout(Layer):
    """The layer that in training zeroes each entry with probability `rate` and divides the others by 1 - rate.

    So the mean stays, and in evaluation h passes as it is (Srivastava et al. 2014, there scaled in evaluation).

    Args:
        rate: the probability, from 0 to below 1.

    Examples:
        >>> mode = Mode(training=True, rng=np.random.default_rng(0))
        >>> print(Dropout(0.5).forward(np.ones((1, 4)), mode)[0])
        [[2. 0. 0. 0.]]
    """

    rate: float

    def __post_init__(self) -> None:
        number(self.rate, "rate", least=0, below=1)

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        keep: Any = 1.0
        if mode.training:
            keep = (generator(mode.rng).random(h.shape) >= self.rate).astype(h.dtype) / (1 - self.rate)
        return h * keep, keep

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        return d_output * memory, {}


@dataclass(frozen=True, eq=False)
class PReLU(Layer):
    """The layer max(z, 0) + slope * min(z, 0) with a learned slope (He et al. 2015).

    Args:
        slope: of shape (n,), one per unit, or (1,), for all; 0.25 at the start in the paper.

    Examples:
        >>> print(PReLU(np.array([0.25])).forward(np.array([[-2.0, 2.0]]))[0])
        [[-0.5  2. ]]
    """

    slope: Array
    learned: ClassVar[tuple[str, ...]] = ("slope",)

    def __post_init__(self) -> None:
        settle(self, "slope", ndim=1)

    @property
    def fan_in(self) -> int | None:
        return super().fan_in if self.slope.size > 1 else None

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Array]:
        self.check(h)
        return np.where(h.real > 0, h, self.slope * h), h

    def backward(self, memory: Array, d_output: Array) -> tuple[Array, Parameters]:
        positive = memory > 0
        d_slope = np.where(positive, 0, memory * d_output).reshape(-1, self.slope.size).sum(axis=0)
        return np.where(positive, d_output, self.slope * d_output), {"slope": d_slope}
