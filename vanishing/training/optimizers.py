"""Optimizers: rules that turn gradients into steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from vanishing._validation import Array, choice, instance, number
from vanishing.nn.layer import Parameters

LearningRate = float | Callable[[int], float]
Step = tuple[dict[str, Array], Any]


@runtime_checkable
class Optimizer(Protocol):
    """A rule that moves parameters; the caller keeps its state, what it remembers between steps."""

    def start(self, parameters: Parameters) -> Any:
        """The state before the first step."""

    def step(self, parameters: Parameters, gradients: Parameters, state: Any) -> Step:
        """The parameters and the state after one step."""


def in_a_row(parameters: Parameters) -> Array:
    """All entries of all arrays in one array, shape (entries,)."""
    rows = [array.ravel() for array in parameters.values()]
    return np.concatenate(rows) if rows else np.empty(0)


def named(row: Array, parameters: Parameters) -> dict[str, Array]:
    """The inverse of `in_a_row`: views of the row, under the names and in the shapes given."""
    parts, end = {}, 0
    for name, array in parameters.items():
        start, end = end, end + array.size
        parts[name] = row[start:end].reshape(array.shape)
    return parts


def _of_shape(gradients: Parameters, parameters: Parameters) -> dict[str, Array]:
    """The gradient of each parameter, in their order, or an error that says what does not fit."""
    found = {name: choice(name, "gradient", gradients) for name in parameters}
    for name, theta in parameters.items():
        if found[name].shape != theta.shape:
            came = f"gradient {name!r} has shape {found[name].shape}"
            raise ValueError(f"{came}; {theta.shape}, that of its parameter, is expected")
    return found


def _learning_rate(value: Any, name: str) -> Any:
    return value if callable(value) else number(value, name, above=0)


_not_negative = partial(number, least=0)
_from_0_to_below_1 = partial(number, least=0, below=1)
_true_or_false = partial(instance, kind=bool, wanted="True or False")
_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "learning_rate": _learning_rate,
    "weight_decay": _not_negative,
    "decoupled_weight_decay": _true_or_false,
    "momentum": _from_0_to_below_1,
    "nesterov": _true_or_false,
    "alpha": _from_0_to_below_1,
    "beta1": _from_0_to_below_1,
    "beta2": _from_0_to_below_1,
    "epsilon": _not_negative,
}


@dataclass(frozen=True)
class Rule(ABC):
    """The step theta - learning_rate * direction, entry by entry; subclasses say the direction.

    Weight decay enters in one of two ways, where theta is all parameters:

    - coupled (L2), g = dL/dtheta + weight_decay * theta, the gradient of
      L + weight_decay/2 |theta|^2, which goes through the direction's formula;
    - decoupled, theta - learning_rate * (direction + weight_decay * theta) with g = dL/dtheta,
      which does not (Loshchilov & Hutter 2019).

    The state is the number of steps done and, of all parameters in a row, the moments m and v that
    the rule remembers. Both are 0 before the first step. `None` as state stands for
    `start(parameters)`.

    Attributes:
        learning_rate: per step, above 0; or a function of the step's number, counted from 1, such
            as `warmup`.
        weight_decay: the coefficient of theta, at least 0.
        decoupled_weight_decay: whether theta enters the step beside the direction.
    """

    learning_rate: LearningRate
    _: KW_ONLY
    weight_decay: float = 0.0
    decoupled_weight_decay: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            # Make numbers Python floats, which leave the dtype of the arrays alone.
            object.__setattr__(self, name, _CHECKS[name](value, name))

    def start(self, parameters: Parameters) -> Any:
        return 0, 0.0, 0.0

    def step(self, parameters: Parameters, gradients: Parameters, state: Any) -> Step:
        done, m, v = state or self.start(parameters)
        t = done + 1
        learning_rate = self._learning_rate_at(t)
        # One row of numbers for all parameters: a call on many small arrays costs more than on it.
        theta, g = in_a_row(parameters), in_a_row(_of_shape(gradients, parameters))
        if self.weight_decay and not self.decoupled_weight_decay:
            g = g + self.weight_decay * theta
        elif self.weight_decay:
            theta = theta * (1 - learning_rate * self.weight_decay)
        direction, m, v = self.direction(t, g, m, v)
        return named(theta - learning_rate * direction, parameters), (t, m, v)

    def _learning_rate_at(self, t: int) -> float:
        if callable(self.learning_rate):
            return number(self.learning_rate(t), f"learning_rate({t})", least=0)
        return self.learning_rate

    @abstractmethod
    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        """The direction of step t = 1, 2, ..., and the new m and v.

        Args:
            t: the step's number.
            g: the gradient, with coupled weight decay if there is any, shape (parameters,).
            m: the first moment before the step, of that shape, or 0.0.
            v: the second moment before the step, of that shape, or 0.0.
        """


@dataclass(frozen=True)
class SGD(Rule):
    """The step theta - learning_rate * g, with momentum theta - learning_rate * m.

    m <- momentum * m + g. Under a constant gradient m tends to g / (1 - momentum): momentum 0.9 is
    a tenfold learning rate. Nesterov's form looks one step ahead, with g + momentum * m in place of
    m (Sutskever et al. 2013). Conventions as in PyTorch's `SGD`.

    Args:
        learning_rate: per step, or a function of the step's number.
        momentum: what stays of m from one step to the next, from 0 to below 1.
        nesterov: whether the step looks ahead; without momentum it makes no difference.
        weight_decay: the coefficient of theta.
        decoupled_weight_decay: whether theta enters the step beside m; without momentum it makes no
            difference.

    Examples:
        >>> moved, _ = SGD(0.1).step({"w": np.ones(1)}, {"w": np.full(1, 2.0)}, None)
        >>> print(moved["w"])
        [0.8]
    """

    momentum: float = 0.0
    nesterov: bool = False

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        m = self.momentum * m + g if self.momentum else g
        return g + self.momentum * m if self.nesterov else m, m, v


@dataclass(frozen=True)
class AdaGrad(Rule):
    """The step theta - learning_rate * g / (sqrt(v) + epsilon), v being the sum of all g^2 so far.

    Duchi, Hazan & Singer 2011. The t-th step of a steady gradient has the size
    learning_rate / sqrt(t) in every entry, whatever the gradient's size.

    Args:
        learning_rate: per step, or a function of the step's number.
        epsilon: below which sqrt(v) counts as small, in units of the gradient.
        weight_decay: the coefficient of theta.
        decoupled_weight_decay: whether theta enters the step beside the direction.

    Examples:
        >>> moved, _ = AdaGrad(0.1).step({"w": np.ones(2)}, {"w": np.array([3.0, -1e-3])}, None)
        >>> print(moved["w"].round(6))
        [0.9 1.1]
    """

    learning_rate: LearningRate = 0.01
    epsilon: float = 1e-10

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        v = v + g * g
        return g / (np.sqrt(v) + self.epsilon), m, v


@dataclass(frozen=True)
class RMSprop(Rule):
    """The step theta - learning_rate * g / (sqrt(v) + epsilon), where v is a running mean of g^2.

    v <- alpha * v + (1 - alpha) * g^2 (Tieleman & Hinton 2012). v starts at 0 and is not corrected
    for this: the first step is 1 / sqrt(1 - alpha) times the learning rate, ten times at the
    default.

    Args:
        learning_rate: per step, or a function of the step's number.
        alpha: what stays of v from one step to the next, from 0 to below 1.
        epsilon: below which sqrt(v) counts as small, in units of the gradient.
        weight_decay: the coefficient of theta.
        decoupled_weight_decay: whether theta enters the step beside the direction.

    Examples:
        >>> moved, _ = RMSprop(0.01).step({"w": np.ones(2)}, {"w": np.array([3.0, -1e-3])}, None)
        >>> print(moved["w"].round(4))
        [0.9 1.1]
    """

    learning_rate: LearningRate = 0.01
    alpha: float = 0.99
    epsilon: float = 1e-8

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        v = self.alpha * v + (1 - self.alpha) * g * g
        return g / (np.sqrt(v) + self.epsilon), m, v


@dataclass(frozen=True)
class Adam(Rule):
    """The step theta - learning_rate * m^ / (sqrt(v^) + epsilon), with means m of g and v of g^2.

    m <- beta1 * m + (1 - beta1) * g and v <- beta2 * v + (1 - beta2) * g^2; m^ = m / (1 - beta1^t)
    and v^ = v / (1 - beta2^t) correct for the start at 0 (Kingma & Ba 2015, Algorithm 1). The step
    of a steady gradient is learning_rate * sign(g), whatever the scale of the loss, as long as |g|
    is far above epsilon; below it the step shrinks with g. In float16 the default epsilon rounds to
    0, and g = 0 gives 0 / 0.

    Args:
        learning_rate: per step, or a function of the step's number.
        beta1: what stays of m from one step to the next, from 0 to below 1.
        beta2: what stays of v, from 0 to below 1.
        epsilon: below which sqrt(v^) counts as small, in units of the gradient.
        weight_decay: the coefficient of theta. Coupled, its part of g is divided by sqrt(v^), too.
        decoupled_weight_decay: whether theta enters the step beside the direction, as in `AdamW`.

    Examples:
        >>> gradient = np.array([3.0, -1e-3, 1e-12])
        >>> moved, _ = Adam(0.1).step({"w": np.ones(3)}, {"w": gradient}, None)
        >>> print(moved["w"].round(4))
        [0.9 1.1 1. ]
    """

    learning_rate: LearningRate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        return m_hat / (np.sqrt(v_hat) + self.epsilon), m, v


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """`Adam` with decoupled weight decay.

    Each step also takes learning_rate * weight_decay * theta away (Loshchilov & Hutter 2019, with
    the learning rate as a factor of the decay, as in PyTorch).

    Examples:
        >>> moved, _ = AdamW(0.1).step({"w": np.ones(1)}, {"w": np.zeros(1)}, None)
        >>> print(moved["w"])
        [0.999]
    """

    weight_decay: float = 0.01
    decoupled_weight_decay: bool = field(default=True, init=False)
