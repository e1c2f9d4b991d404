"""Recurrent layers over sequences (batch, time, features), and what their gradient does from step to step.

A recurrent layer is one cell, run T times. The state S_t is one array (batch, size) whose first `units` numbers are the
output h_t: S = h for `RNN` and `GRU`, S = [h, c] for `LSTM`. S_0 = 0. The input's part of every step, the drive
x_t W^T + b, comes from one product over the whole sequence; then the cell's `step` runs forwards in time, and its
`step_back` backwards: backpropagation through time. `Recurrent` does both for every cell.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from vanishing.activations import Activation, activation as phi_of, sigmoid, tanh
from vanishing.initializers import Initializer, initializer as resolve_initializer
from vanishing.layers import EVALUATION, Affine, Layer, Mode, Parameters, settle
from vanishing.validation import Array, floats, instance, number, size


def _check_sequence(array: Array, name: str, *shape: int | str) -> None:
    """Nothing, or an error if the array has not this shape; a word stands for any number."""
    if array.ndim != 3 or any(a != b for a, b in zip(array.shape, shape, strict=True) if not isinstance(b, str)):
        raise ValueError(f"{name} has shape {array.shape}; ({', '.join(map(str, shape))}) is expected")


def _blocks(array: Array, width: int) -> list[Array]:
    """The last axis in parts of this width."""
    return [array[..., k : k + width] for k in range(0, array.shape[-1], width)]


@dataclass(frozen=True, eq=False)
class Recurrent(Affine):
    """A cell unrolled over time: h (batch, time, n_in) becomes all h_t, (batch, time, units).

    Subclasses give `step` and `step_back`. The rows of the parameters are blocks of `units`, one block per gate.

    With `truncation` k the sequence is cut into pieces of k steps, counted from its start (the last may be shorter).
    The state passes from piece to piece, the gradient does not: what is detached are S_k, S_2k, ... as they enter
    the next step. The forward pass is the same for every k, and for k >= T the gradient is, too.

    Args:
        weight: W, shape (G * units, n_in) for G gates.
        bias: b, shape (G * units,), of the same dtype, like all parameters.
        recurrent_weight: R, shape (G * units, units).
        truncation: k, in steps; None for full backpropagation through time.

    Attributes:
        gates: one letter for each block of rows.
        states: how many numbers the state has per unit.
    """

    recurrent_weight: Array
    truncation: int | None = field(default=None, kw_only=True)
    learned: ClassVar[tuple[str, ...]] = ("weight", "bias", "recurrent_weight")
    gates: ClassVar[str] = "h"
    states: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        units = settle(self, "recurrent_weight", ndim=2).shape[1]
        rows = len(self.gates) * units
        for name, shape in zip(self.learned[1:], ((rows,), (rows, units), (units,)), strict=False):
            settle(self, name, shape=shape, dtype=self.weight.dtype)
        size(1 if self.truncation is None else self.truncation, "truncation")

    @classmethod
    def of(
        cls, n_in: int, units: int, *, rng: np.random.Generator, initializer: str | Initializer = "xavier_uniform",
        recurrent_initializer: str | Initializer = "orthogonal", forget_bias: float = 1.0,
        dtype: DTypeLike = np.float64, **options: Any,
    ) -> Self:  # fmt: skip
        """A layer of these sizes, each gate's block of W, b and R drawn for itself, the GRU's recurrent bias zero.

        Args:
            n_in: features of the input.
            units: features of the output.
            rng: draws the blocks of W, then those of b, then those of R.
            initializer: the rule, or its name, for W and b.
            recurrent_initializer: the same for R.
            forget_bias: b of the LSTM's forget gate (1 by Jozefowicz et al. 2015); the other cells have no such gate.
            dtype: of all parameters.
            options: what else the constructor takes, such as `truncation`.

        Examples:
            >>> print(LSTM.of(3, 2, rng=np.random.default_rng(0), forget_bias=5.0).bias)
            [0. 0. 5. 5. 0. 0. 0. 0.]
        """
        rule, other = resolve_initializer(initializer), resolve_initializer(recurrent_initializer)
        fans = size(units, "units"), size(n_in, "n_in")
        draws = partial(rule, fans), partial(rule.bias, fans), partial(other, (units, units))
        weight, bias, recurrent = (np.concatenate([draw(rng=rng, dtype=dtype) for _ in cls.gates]) for draw in draws)
        bias[np.repeat(list(cls.gates), units) == "f"] = number(forget_bias, "forget_bias")
        return cls(weight, bias, recurrent, **{name: np.zeros(units, dtype) for name in cls.learned[3:]} | options)

    @property
    def units(self) -> int:
        """The number of features of the output."""
        return int(self.recurrent_weight.shape[1])

    @abstractmethod
    def step(self, drive: Array, state: Array) -> tuple[Array, Any]:
        """S_t, and a memory for `step_back`, given the drive (batch, G * units) and S_{t-1} (batch, size)."""

    @abstractmethod
    def step_back(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        """dL/ddrive, dL/dS_{t-1} and this step's part of dL/dparameter, W and b apart, given dL/dS_t."""

    def check(self, h: Array, name: str = "h") -> None:
        _check_sequence(h, name, "batch", "time", self.weight.shape[1])

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, Any]:
        drives, _ = super().forward(h)
        state, outputs, steps = np.zeros((len(h), self.states * self.units), drives.dtype), [], []
        for t in range(h.shape[1]):
            state, memory = self.step(drives[:, t], state)
            outputs.append(state[:, : self.units])
            steps.append(memory)
        return np.stack(outputs, axis=1), (h, steps)

    def backward(self, memory: Any, d_output: Array) -> tuple[Array, Parameters]:
        return self.back_through_time(memory, d_output)[1:]

    def back_through_time(self, memory: Any, d_output: Array) -> tuple[Array, Array, Parameters]:
        """dL/dS_t for all t, dL/dinput and dL/dparameter by name."""
        h, steps = memory
        d_states = np.pad(d_output, [(0, 0), (0, 0), (0, (self.states - 1) * self.units)])
        d_drives, gradients = np.empty((*h.shape[:2], len(self.weight)), d_output.dtype), dict[str, Array]()
        for t in reversed(range(len(steps))):
            d_drives[:, t], d_before, parts = self.step_back(steps[t], d_states[:, t])
            gradients = {name: gradients.get(name, 0) + part for name, part in parts.items()}
            if t % (self.truncation or len(steps)):
                d_states[:, t - 1] += d_before
        d_h, parts = super().backward(h, d_drives)
        return d_states, d_h, {**parts, **gradients}


@dataclass(frozen=True, eq=False)
class RNN(Recurrent):
    """The plain recurrent layer h_t = phi(x_t W^T + h_{t-1} R^T + b) (Elman 1990).

    PyTorch's `RNN` has two biases, of which only the sum matters: b is that sum.

    Args:
        weight: W, shape (units, n_in).
        bias: b, shape (units,).
        recurrent_weight: R, shape (units, units).
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
        object.__setattr__(self, "activation", phi_of(self.activation))

    def step(self, drive: Array, state: Array) -> tuple[Array, Any]:
        z = drive + state @ self.recurrent_weight.T
        h = self.activation.value(z)
        return h, (state, self.activation.memory(z, h))

    def step_back(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        before, left = memory
        delta = self.activation.slopes(left) * d_state
        return delta, delta @ self.recurrent_weight, {"recurrent_weight": delta.T @ before}


@dataclass(frozen=True, eq=False)
class LSTM(Recurrent):
    """Long short-term memory, whose cell c carries the gradient by a product of forget gates.

    c_t = f c_{t-1} + i g and h_t = o tanh(c_t), with i, f, o = sigma(.) and g = tanh(.) of the blocks i, f, g, o (this
    order, PyTorch's) of x_t W^T + h_{t-1} R^T + b. Hochreiter & Schmidhuber 1997, with the forget gate of Gers,
    Schmidhuber & Cummins 2000. Of PyTorch's two biases b is the sum.

    Args:
        weight: W, shape (4 units, n_in).
        bias: b, shape (4 units,).
        recurrent_weight: R, shape (4 units, units).
        truncation: see `Recurrent`.

    Examples:
        >>> LSTM.of(3, 5, rng=np.random.default_rng(0)).weight.shape
        (20, 3)
    """

    gates: ClassVar[str] = "ifgo"
    states: ClassVar[int] = 2

    def step(self, drive: Array, state: Array) -> tuple[Array, Any]:
        h, c = _blocks(state, self.units)
        i, f, g, o = _blocks(drive + h @ self.recurrent_weight.T, self.units)
        i, f, g, o = sigmoid.value(i), sigmoid.value(f), np.tanh(g), sigmoid.value(o)
        carried = f * c + i * g
        tanh_c = np.tanh(carried)
        return np.concatenate([o * tanh_c, carried], axis=-1), (h, c, i, f, g, o, tanh_c)

    def step_back(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        h, c, i, f, g, o, tanh_c = memory
        d_h, d_c = _blocks(d_state, self.units)
        d_c = d_c + d_h * o * (1 - tanh_c**2)
        deltas = d_c * g * i * (1 - i), d_c * c * f * (1 - f), d_c * i * (1 - g**2), d_h * tanh_c * o * (1 - o)
        delta = np.concatenate(deltas, axis=-1)
        d_before = np.concatenate([delta @ self.recurrent_weight, d_c * f], axis=-1)
        return delta, d_before, {"recurrent_weight": delta.T @ h}


@dataclass(frozen=True, eq=False)
class GRU(Recurrent):
    """The gated recurrent unit h_t = z h_{t-1} + (1 - z) n, whose update gate z = 1 keeps the state.

    r, z = sigma(.) of the first two blocks of x_t W^T + h_{t-1} R^T + b, in the order r, z, n (PyTorch's), and

    - n = tanh(x_t W_n^T + b_n + r (h_{t-1} R_n^T + c)) if the reset comes after the product, as in PyTorch and cuDNN;
    - n = tanh(x_t W_n^T + b_n + (r h_{t-1}) R_n^T + c) if it comes before, as in Cho et al. 2014.

    After the product c is a parameter of its own; before it, b_n + c is one. Of PyTorch's two biases the blocks r, z
    of b are the sum, b_n and c the last blocks.

    Args:
        weight: W, shape (3 units, n_in).
        bias: b, shape (3 units,).
        recurrent_weight: R, shape (3 units, units).
        recurrent_bias: c, shape (units,).
        reset_after: which of the two n.
        truncation: see `Recurrent`.

    Examples:
        >>> GRU.of(3, 5, rng=np.random.default_rng(0), reset_after=False).recurrent_bias.shape
        (5,)
    """

    recurrent_bias: Array
    reset_after: bool = True
    learned: ClassVar[tuple[str, ...]] = ("weight", "bias", "recurrent_weight", "recurrent_bias")
    gates: ClassVar[str] = "rzn"

    def step(self, drive: Array, state: Array) -> tuple[Array, Any]:
        (a_r, a_z, a_n), (to_r, to_z, to_n) = (_blocks(a, self.units) for a in (drive, self.recurrent_weight.T))
        r, z = sigmoid.value(a_r + state @ to_r), sigmoid.value(a_z + state @ to_z)
        source = state if self.reset_after else r * state
        product = source @ to_n + self.recurrent_bias
        n = np.tanh(a_n + (r * product if self.reset_after else product))
        return z * state + (1 - z) * n, (state, source, product, r, z, n)

    def step_back(self, memory: Any, d_state: Array) -> tuple[Array, Array, Parameters]:
        h, source, product, r, z, n = memory
        to_gates, to_n = self.recurrent_weight[: -self.units], self.recurrent_weight[-self.units :]
        d_n = d_state * (1 - z) * (1 - n**2)
        d_product = d_n * r if self.reset_after else d_n
        d_source = d_product @ to_n
        d_r, d_h = (d_n * product, d_source) if self.reset_after else (d_source * h, d_source * r)
        d_gates = np.concatenate([d_r * r * (1 - r), d_state * (h - n) * z * (1 - z)], axis=-1)
        d_weight = np.concatenate([d_gates.T @ h, d_product.T @ source])
        parts = {"recurrent_weight": d_weight, "recurrent_bias": d_product.sum(axis=0)}
        return np.concatenate([d_gates, d_n], axis=-1), d_state * z + d_gates @ to_gates + d_h, parts


@dataclass(frozen=True)
class LastStep(Layer):
    """The layer (batch, time, features) -> (batch, features) that keeps the last step.

    Examples:
        >>> print(LastStep().forward(np.array([[[1.0], [2.0], [3.0]]]))[0])
        [[3.]]
    """

    def forward(self, h: Array, mode: Mode = EVALUATION) -> tuple[Array, tuple[int, ...]]:
        _check_sequence(h, "h", "batch", "time", "features")
        return h[:, -1], h.shape

    def backward(self, memory: tuple[int, ...], d_output: Array) -> tuple[Array, Parameters]:
        d_input = np.zeros(memory, d_output.dtype)
        d_input[:, -1] = d_output
        return d_input, {}


def state_gradients(layer: Recurrent, memory: Any, d_output: Array) -> Array:
    """delta_t = dL/dS_t for t = 1 ... T, shape (batch, time, size): how much of the gradient reaches each step.

    Each is the whole gradient: by the output h_t itself and by all later steps (of the same piece, if truncated).

    Args:
        layer: a recurrent layer.
        memory: what its `forward` returned beside the output; in a record of a network, `record.memories[i]`.
        d_output: dL/doutput, shape (batch, time, units), zero at the steps without a loss.

    Examples:
        >>> layer = RNN(np.ones((1, 1)), np.zeros(1), np.full((1, 1), 0.5), "identity")
        >>> output, memory = layer.forward(np.ones((1, 4, 1)))
        >>> delta = state_gradients(layer, memory, np.array([[[0.0], [0.0], [0.0], [1.0]]]))
        >>> print(np.linalg.norm(delta, axis=(0, 2)))
        [0.125 0.25  0.5   1.   ]
    """
    instance(layer, "layer", Recurrent, "a recurrent layer such as RNN")
    _check_sequence(floats(d_output, "d_output"), "d_output", *memory[0].shape[:2], layer.units)
    return layer.back_through_time(memory, d_output)[0]


def step_jacobians(layer: Recurrent, x: Array) -> Array:
    """dS_t/dS_{t-1} for t = 1 ... T, shape (batch, time, size, size); S_0 = 0.

    Entry [b, t - 1, i, j] is the derivative of S_t's number i. With a loss at the end delta_{t-1} = delta_t J_t, for
    row vectors; the product of all is what backpropagation through time multiplies (Pascanu et al. 2013, eq. 5).

    Args:
        layer: a recurrent layer; its truncation does not matter here.
        x: its input, shape (batch, time, n_in).

    Examples:
        >>> layer = RNN(np.ones((1, 1)), np.zeros(1), np.full((1, 1), 0.5), "identity")
        >>> print(step_jacobians(layer, np.ones((1, 3, 1))).ravel())
        [0.5 0.5 0.5]
    """
    instance(layer, "layer", Recurrent, "a recurrent layer such as RNN").check(floats(x, "x"), "x")
    output, (_, steps) = layer.forward(x)
    # One row per unit vector: L = S_t[i] has the gradient that is row i of the Jacobian.
    identity = np.eye(layer.states * layer.units, dtype=output.dtype)
    rows = [[layer.step_back(memory, np.tile(unit, (len(x), 1)))[1] for unit in identity] for memory in steps]
    return np.moveaxis(np.array(rows), 2, 0)
