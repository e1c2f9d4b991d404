"""Recurrent layers over sequences (batch, time, features).

A recurrent layer is one cell, run T times. The state S_t is one array (batch, size) whose first
`hidden_size` numbers are the output h_t: S = h for `RNN` and `GRU`, S = [h, c] for `LSTM`. S_0 = 0.
The input's part of every step, x_t W^T + b, comes from one product over the whole sequence; then
the cell's `step` runs forwards in time, and its `step_backward` backwards: backpropagation through
time. `Recurrent` does both for every cell.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from vanishing._validation import Array, number, size
from vanishing.nn.activations import Activation, activation as activation_of, sigmoid, tanh
from vanishing.nn.initializers import Initializer, initializer as initializer_of
from vanishing.nn.layer import (
    EVALUATION,
    Fans,
    Layer,
    Mode,
    Nonlinearity,
    Parameters,
    checked_array,
)
from vanishing.nn.linear import Linear


def check_sequence(array: Array, name: str, *shape: int | str) -> None:
    """Nothing, or an error if the array has another shape; a word stands for any number."""
    known = [(axis, n) for axis, n in enumerate(shape) if not isinstance(n, str)]
    if array.ndim != 3 or any(array.shape[axis] != n for axis, n in known):
        wanted = f"({', '.join(map(str, shape))})"
        raise ValueError(f"{name} has shape {array.shape}; {wanted} is expected")


def _blocks(array: Array, width: int) -> list[Array]:
    """The last axis in parts of this width."""
    return [array[..., k : k + width] for k in range(0, array.shape[-1], width)]


@dataclass(frozen=True, eq=False)
class Recurrent(Linear):
    """A cell unrolled over time: h (batch, time, input_size) becomes (batch, time, hidden_size).

    Subclasses give `step`, `step_backward` and `step_nonlinearities`. The rows of the parameters
    are blocks of `hidden_size`, one block per gate.

    With `truncation` k the sequence is cut into pieces of k steps, counted from its start (the last
    may be shorter). The state passes from piece to piece, the gradient does not: what is detached
    are S_k, S_2k, ... as they enter the next step. The forward pass is the same for every k, and so
    is the gradient for k >= T.

    Args:
        weight: W, shape (G * hidden_size, input_size) for G gates.
        bias: b, shape (G * hidden_size,), of the same dtype, like all parameters.
        recurrent_weight: R, shape (G * hidden_size, hidden_size).
        truncation: k, in steps; None for full backpropagation through time.

    Attributes:
        gates: one letter for each block of rows.
        state_parts: how many numbers the state has per unit.
    """

    recurrent_weight: Array
    truncation: int | None = field(default=None, kw_only=True)
    trainable: ClassVar[tuple[str, ...]] = ("weight", "bias", "recurrent_weight")
    gates: ClassVar[str] = "h"
    state_parts: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        units = checked_array(self, "recurrent_weight", ndim=2).shape[1]
        rows = len(self.gates) * units
        shapes = (rows,), (rows, units), (units,)
        for name, shape in zip(self.trainable[1:], shapes, strict=False):
            checked_array(self, name, shape=shape, dtype=self.weight.dtype)
        size(1 if self.truncation is None else self.truncation, "truncation")

    @classmethod
    def initialized(
        cls,
        input_size: int,
        hidden_size: int,
        *,
        rng: np.random.Generator,
        initializer: str | Initializer = "xavier_uniform",
        recurrent_initializer: str | Initializer = "orthogonal",
        forget_bias: float = 1.0,
        dtype: DTypeLike = np.float64,
        **options: Any,
    ) -> Self:
        """A layer of these sizes, each gate's block of W, b and R drawn for itself.

        The GRU's recurrent bias is zero.

        Args:
            input_size: features of the input.
            hidden_size: features of the output.
            rng: draws the blocks of W, then those of b, then those of R.
            initializer: the rule, or its name, for W and b.
            recurrent_initializer: the same for R.
            forget_bias: b of the LSTM's forget gate (1 by Jozefowicz et al. 2015); the other cells
                have no such gate.
            dtype: of all parameters.
            options: what else the constructor takes, such as `truncation`.

        Examples:
            >>> print(LSTM.initialized(3, 2, rng=np.random.default_rng(0), forget_bias=5.0).bias)
            [0. 0. 5. 5. 0. 0. 0. 0.]
        """
        rule = initializer_of(initializer)
        recurrent_rule = initializer_of(recurrent_initializer)
        units = size(hidden_size, "hidden_size")
        fans = units, size(input_size, "input_size")

        def drawn(draw: Any) -> Array:
            return np.concatenate([draw(rng=rng, dtype=dtype) for _ in cls.gates])

        weight = drawn(partial(rule, fans))
        bias = drawn(partial(rule.bias, fans))
        recurrent_weight = drawn(partial(recurrent_rule, (units, units)))
        bias[np.repeat(list(cls.gates), units) == "f"] = number(forget_bias, "forget_bias")
        others = {name: np.zeros(units, dtype) for name in cls.trainable[3:]}
        return cls(weight, bias, recurrent_weight, **others | options)

    @property
    def hidden_size(self) -> int:
        """The number of features of the output."""
        return int(self.recurrent_weight.shape[1])

    @property
    def fans(self) -> Mapping[str, Fans]:
        return {"weight": self.weight.shape, "recurrent_weight": self.recurrent_weight.shape}

    def rescaled(self, factor: float) -> None:
        return None  # a state is not linear in the weights

    def nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        _, steps = memory
        by_gate = zip(*map(self.step_nonlinearities, steps), strict=True)
        return tuple(
            Nonlinearity(
                np.stack([step.derivative for step in gate], axis=1), gate[0].max_derivative
            )
            for gate in by_gate
        )

    @abstractmethod
    def step(self, input_part: Array, state: Array) -> tuple[Array, Any]:
        """S_t, and a memory for `step_backward`.

        Args:
            input_part: x_t W^T + b, shape (batch, G * hidden_size).
            state: S_{t-1}, shape (batch, size).
        """

    @abstractmethod
    def step_backward(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        """dL/d(x_t W^T + b), dL/dS_{t-1}, and this step's part of dL/dparameter without W and b.

        Args:
            memory: from `step`.
            d_state: dL/dS_t.
        """

    @abstractmethod
    def step_nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        """The nonlinearities of one step, each of shape (batch, hidden_size)."""

    def check(self, h: Array, name: str = "h") -> None:
        check_sequence(h, name, "batch", "time", self.weight.shape[1])

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        input_parts, _ = super().forward(h)
        state = np.zeros((len(h), self.state_parts * self.hidden_size), input_parts.dtype)
        outputs, steps = [], []
        for t in range(h.shape[1]):
            state, memory = self.step(input_parts[:, t], state)
            outputs.append(state[:, : self.hidden_size])
            steps.append(memory)
        return np.stack(outputs, axis=1), (h, steps)

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        return self.back_through_time(memory, d_output)[1:]

    def back_through_time(self, memory: Any, d_output: Array) -> tuple[Array, Array, Parameters]:
        """dL/dS_t for all t, dL/dinput and dL/dparameter by name."""
        h, steps = memory
        beside_h = (self.state_parts - 1) * self.hidden_size
        d_states = np.pad(d_output, [(0, 0), (0, 0), (0, beside_h)])
        d_input_parts = np.empty((*h.shape[:2], len(self.weight)), d_output.dtype)
        gradients = dict[str, Array]()
        for t in reversed(range(len(steps))):
            d_input_parts[:, t], d_before, step = self.step_backward(steps[t], d_states[:, t])
            gradients = {name: gradients.get(name, 0) + part for name, part in step.items()}
            if t % (self.truncation or len(steps)):
                d_states[:, t - 1] += d_before
        d_h, linear = super().backward(h, d_input_parts)
        return d_states, d_h, {**linear, **gradients}


@dataclass(frozen=True, eq=False)
class RNN(Recurrent):
    """The plain recurrent layer h_t = phi(x_t W^T + h_{t-1} R^T + b) (Elman 1990).

    PyTorch's `RNN` has two biases, of which only the sum matters: b is that sum.

    Args:
        weight: W, shape (hidden_size, input_size).
        bias: b, shape (hidden_size,).
        recurrent_weight: R, shape (hidden_size, hidden_size).
        activation: phi, or its name.
        truncation: see `Recurrent`.

    Examples:
        >>> layer = RNN(np.ones((1, 1)), np.zeros(1), np.full((1, 1), 0.5), "identity")
        >>> print(layer.forward(np.array([[[1.0], [0.0], [0.0]]]))[0].ravel())
        [1.   0.5  0.25]
    """

    activation: Activation = tanh

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "activation", activation_of(self.activation))

    def step(self, input_part: Array, state: Array) -> tuple[Array, Any]:
        z = input_part + state @ self.recurrent_weight.T
        h = self.activation.formula(z)
        return h, (state, self.activation.memory(z, h))

    def step_backward(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        before, kept = memory
        delta = self.activation.derivative_from(kept) * d_state
        return delta, delta @ self.recurrent_weight, {"recurrent_weight": delta.T @ before}

    def step_nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        _, kept = memory
        phi = self.activation
        return (Nonlinearity(phi.derivative_from(kept), phi.max_derivative),)


@dataclass(frozen=True, eq=False)
class LSTM(Recurrent):
    """Long short-term memory, whose cell c carries the gradient by a product of forget gates.

    c_t = f c_{t-1} + i g and h_t = o tanh(c_t), with i, f, o = sigma(.) and g = tanh(.) of the
    blocks i, f, g, o (this order, PyTorch's) of x_t W^T + h_{t-1} R^T + b. Hochreiter &
    Schmidhuber 1997, with the forget gate of Gers, Schmidhuber & Cummins 2000. Of PyTorch's two
    biases b is the sum.

    Args:
        weight: W, shape (4 hidden_size, input_size).
        bias: b, shape (4 hidden_size,).
        recurrent_weight: R, shape (4 hidden_size, hidden_size).
        truncation: see `Recurrent`.

    Examples:
        >>> LSTM.initialized(3, 5, rng=np.random.default_rng(0)).weight.shape
        (20, 3)
    """

    gates: ClassVar[str] = "ifgo"
    state_parts: ClassVar[int] = 2

    def step(self, input_part: Array, state: Array) -> tuple[Array, Any]:
        h, c = _blocks(state, self.hidden_size)
        i, f, g, o = _blocks(input_part + h @ self.recurrent_weight.T, self.hidden_size)
        i, f, o = sigmoid.formula(i), sigmoid.formula(f), sigmoid.formula(o)
        g = np.tanh(g)
        carried = f * c + i * g
        tanh_c = np.tanh(carried)
        return np.concatenate([o * tanh_c, carried], axis=-1), (h, c, i, f, g, o, tanh_c)

    def step_backward(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        h, c, i, f, g, o, tanh_c = memory
        d_h, d_c = _blocks(d_state, self.hidden_size)
        d_c = d_c + d_h * o * (1 - tanh_c**2)
        d_i = d_c * g * i * (1 - i)
        d_f = d_c * c * f * (1 - f)
        d_g = d_c * i * (1 - g**2)
        d_o = d_h * tanh_c * o * (1 - o)
        delta = np.concatenate([d_i, d_f, d_g, d_o], axis=-1)
        d_before = np.concatenate([delta @ self.recurrent_weight, d_c * f], axis=-1)
        return delta, d_before, {"recurrent_weight": delta.T @ h}

    def step_nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        _, _, i, f, g, o, tanh_c = memory
        return _derivatives((sigmoid, i), (sigmoid, f), (tanh, g), (sigmoid, o), (tanh, tanh_c))


def _derivatives(*outputs: tuple[Activation, Array]) -> tuple[Nonlinearity, ...]:
    return tuple(
        Nonlinearity(phi.derivative_from(output), phi.max_derivative) for phi, output in outputs
    )


@dataclass(frozen=True, eq=False)
class GRU(Recurrent):
    """The gated recurrent unit h_t = z h_{t-1} + (1 - z) n, whose update gate z = 1 keeps the
    state.

    r, z = sigma(.) of the first two blocks of x_t W^T + h_{t-1} R^T + b, in the order r, z, n
    (PyTorch's), and

    - n = tanh(x_t W_n^T + b_n + r (h_{t-1} R_n^T + c)) if the reset comes after the product, as in
      PyTorch and cuDNN;
    - n = tanh(x_t W_n^T + b_n + (r h_{t-1}) R_n^T + c) if the reset comes before, as in Cho et al.
      2014.

    After the product c is a parameter of its own; before it, b_n + c is one. Of PyTorch's two
    biases the blocks r, z of b are the sum, b_n and c the last blocks.

    Args:
        weight: W, shape (3 hidden_size, input_size).
        bias: b, shape (3 hidden_size,).
        recurrent_weight: R, shape (3 hidden_size, hidden_size).
        recurrent_bias: c, shape (hidden_size,).
        reset_after: which of the two n.
        truncation: see `Recurrent`.

    Examples:
        >>> layer = GRU.initialized(3, 5, rng=np.random.default_rng(0), reset_after=False)
        >>> layer.recurrent_bias.shape
        (5,)
    """

    recurrent_bias: Array
    reset_after: bool = True
    trainable: ClassVar[tuple[str, ...]] = (
        "weight",
        "bias",
        "recurrent_weight",
        "recurrent_bias",
    )
    gates: ClassVar[str] = "rzn"

    def step(self, input_part: Array, state: Array) -> tuple[Array, Any]:
        in_r, in_z, in_n = _blocks(input_part, self.hidden_size)
        to_r, to_z, to_n = _blocks(self.recurrent_weight.T, self.hidden_size)
        r = sigmoid.formula(in_r + state @ to_r)
        z = sigmoid.formula(in_z + state @ to_z)
        source = state if self.reset_after else r * state
        product = source @ to_n + self.recurrent_bias
        n = np.tanh(in_n + (r * product if self.reset_after else product))
        return z * state + (1 - z) * n, (state, source, product, r, z, n)

    def step_backward(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        h, source, product, r, z, n = memory
        to_gates = self.recurrent_weight[: -self.hidden_size]
        to_n = self.recurrent_weight[-self.hidden_size :]
        d_n = d_state * (1 - z) * (1 - n**2)
        d_product = d_n * r if self.reset_after else d_n
        d_source = d_product @ to_n
        d_r, d_h = (d_n * product, d_source) if self.reset_after else (d_source * h, d_source * r)
        d_z = d_state * (h - n)
        d_gates = np.concatenate([d_r * r * (1 - r), d_z * z * (1 - z)], axis=-1)
        d_weight = np.concatenate([d_gates.T @ h, d_product.T @ source])
        gradients = {"recurrent_weight": d_weight, "recurrent_bias": d_product.sum(axis=0)}
        d_before = d_state * z + d_gates @ to_gates + d_h
        return np.concatenate([d_gates, d_n], axis=-1), d_before, gradients

    def step_nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        _, _, _, r, z, n = memory
        return _derivatives((sigmoid, r), (sigmoid, z), (tanh, n))


@dataclass(frozen=True)
class LastStep(Layer):
    """The layer (batch, time, features) -> (batch, features) that keeps the last step.

    Examples:
        >>> print(LastStep().forward(np.array([[[1.0], [2.0], [3.0]]]))[0])
        [[3.]]
    """

    def nonlinearities(self, memory: Any) -> tuple[Nonlinearity, ...]:
        return ()

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, tuple[int, ...]]:
        check_sequence(h, "h", "batch", "time", "features")
        return h[:, -1], h.shape

    def backward(self, memory: tuple[int, ...], d_output: Array) -> tuple[Array, Parameters]:
        d_input = np.zeros(memory, d_output.dtype)
        d_input[:, -1] = d_output
        return d_input, {}
