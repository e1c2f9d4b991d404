"""Optimizers: rules that turn gradients into steps; and clipping and warm-up, which tame the steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import numpy as np

from vanishing.layers import Parameters
from vanishing.measurements import norm
from vanishing.validation import Array, choice, instance, number, numbers, size

Rate = float | Callable[[int], float]
Moved = tuple[dict[str, Array], Any]


@runtime_checkable
class Optimizer(Protocol):
    """A rule that moves parameters; what it remembers between steps is the state, which the caller keeps."""

    def start(self, parameters: Parameters) -> Any:
        """The state before the first step."""

    def step(self, parameters: Parameters, gradients: Parameters, state: Any) -> Moved:
        """The parameters and the state after one step."""


def _rate(value: Any, name: str) -> Any:
    return value if callable(value) else number(value, name, above=0)


_CHECKS: dict[str, Callable[[Any, str], Any]] = {"learning_rate": _rate}
_CHECKS |= dict.fromkeys(("l2", "decay", "epsilon"), partial(number, least=0))
_CHECKS |= dict.fromkeys(("momentum", "alpha", "beta1", "beta2"), partial(number, least=0, below=1))
_CHECKS["nesterov"] = partial(instance, kind=bool, wanted="True or False")


@dataclass(frozen=True)
class Descent(ABC):
    """The step theta - learning_rate * (direction + decay * theta); subclasses say the direction.

    Each step takes g = dL/dtheta + l2 * theta, the gradient of L + l2/2 |theta|^2, where theta is all parameters:
    the penalty goes through the direction's formula. The decay does not (Loshchilov & Hutter 2019).

    The state is the number of steps done and, for each parameter, the moments m and v that its rule remembers.
    Both are 0 before the first step. `None` as state stands for `start(parameters)`.

    Attributes:
        learning_rate: per step, above 0; or a function of the step's number, counted from 1, such as `warmup`.
        l2: the penalty's coefficient.
        decay: the part of theta, times the learning rate, that each step takes away.
    """

    learning_rate: Rate
    _: KW_ONLY
    l2: float = 0.0
    decay: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            # Numbers become Python floats, which leave the dtype of the arrays alone.
            object.__setattr__(self, name, _CHECKS[name](value, name))

    def start(self, parameters: Parameters) -> Any:
        return 0, dict.fromkeys(parameters, (0.0, 0.0))

    def step(self, parameters: Parameters, gradients: Parameters, state: Any) -> Moved:
        done, moments = state or self.start(parameters)
        t, rate, moved, kept = done + 1, self.learning_rate, {}, {}
        rate = number(rate(t), f"learning_rate({t})", least=0) if callable(rate) else rate
        for name, value in parameters.items():
            g = choice(name, "gradient", gradients)
            direction, *kept[name] = self.direction(
                t, g + self.l2 * value if self.l2 else g, *moments[name]
            )
            moved[name] = (
                value * (1 - rate * self.decay) if self.decay else value
            ) - rate * direction
        return moved, (t, kept)

    @abstractmethod
    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        """The direction of step t = 1, 2, ... for one parameter with gradient g, and the new m and v."""


@dataclass(frozen=True)
class GradientDescent(Descent):
    """The step theta - learning_rate * g, with momentum theta - learning_rate * m, where m <- momentum * m + g.

    Under a constant gradient m tends to g / (1 - momentum): momentum 0.9 is a tenfold learning rate. Nesterov's
    form looks one step ahead, with g + momentum * m in place of m (Sutskever et al. 2013). Conventions as
    in PyTorch's `SGD`.

    Args:
        learning_rate: per step, or a function of the step's number.
        momentum: what stays of m from one step to the next, from 0 to below 1.
        nesterov: whether the step looks ahead; without momentum it makes no difference.
        l2: the penalty's coefficient.
        decay: the decoupled decay.

    Examples:
        >>> moved, _ = GradientDescent(0.1).step({"w": np.ones(1)}, {"w": np.full(1, 2.0)}, None)
        >>> print(moved["w"])
        [0.8]
    """

    momentum: float = 0.0
    nesterov: bool = False

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        m = self.momentum * m + g if self.momentum else g
        return g + self.momentum * m if self.nesterov else m, m, v


@dataclass(frozen=True)
class AdaGrad(Descent):
    """The step theta - learning_rate * g / (sqrt(v) + epsilon), where v is the sum of all g^2 so far.

    Duchi, Hazan & Singer 2011. Entry by entry, so that the t-th step of a steady gradient has the size
    learning_rate / sqrt(t) whatever the gradient's size.

    Args:
        learning_rate: per step, or a function of the step's number.
        epsilon: below which sqrt(v) counts as small, in units of the gradient.
        l2: the penalty's coefficient.
        decay: the decoupled decay.

    Examples:
        >>> moved, _ = AdaGrad(0.1).step({"w": np.ones(2)}, {"w": np.array([3.0, -1e-3])}, None)
        >>> print(moved["w"].round(6))
        [0.9 1.1]
    """

    learning_rate: Rate = 0.01
    epsilon: float = 1e-10

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        v = v + g * g
        return g / (np.sqrt(v) + self.epsilon), m, v


@dataclass(frozen=True)
class RMSprop(Descent):
    """The step theta - learning_rate * g / (sqrt(v) + epsilon), where v <- alpha * v + (1 - alpha) * g^2.

    Tieleman & Hinton 2012. v starts at 0 and is not corrected for it: the first step is 1 / sqrt(1 - alpha) times
    the learning rate, ten times at the default.

    Args:
        learning_rate: per step, or a function of the step's number.
        alpha: what stays of v from one step to the next, from 0 to below 1.
        epsilon: below which sqrt(v) counts as small, in units of the gradient.
        l2: the penalty's coefficient.
        decay: the decoupled decay.

    Examples:
        >>> moved, _ = RMSprop(0.01).step({"w": np.ones(2)}, {"w": np.array([3.0, -1e-3])}, None)
        >>> print(moved["w"].round(4))
        [0.9 1.1]
    """

    learning_rate: Rate = 0.01
    alpha: float = 0.99
    epsilon: float = 1e-8

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        v = self.alpha * v + (1 - self.alpha) * g * g
        return g / (np.sqrt(v) + self.epsilon), m, v


@dataclass(frozen=True)
class Adam(Descent):
    """The step theta - learning_rate * m^ / (sqrt(v^) + epsilon), with running means m of g and v of g^2.

    m <- beta1 * m + (1 - beta1) * g and v <- beta2 * v + (1 - beta2) * g^2; m^ = m / (1 - beta1^t) and
    v^ = v / (1 - beta2^t) undo the start at 0 (Kingma & Ba 2015, Algorithm 1). The step of a steady gradient is
    learning_rate * sign(g), whatever the scale of the loss, as long as |g| is far above epsilon; below it the step
    shrinks with g. In float16 the default epsilon rounds to 0, and g = 0 gives 0 / 0.

    Args:
        learning_rate: per step, or a function of the step's number.
        beta1: what stays of m from one step to the next, from 0 to below 1.
        beta2: what stays of v.
        epsilon: below which sqrt(v^) counts as small, in units of the gradient.
        l2: the penalty's coefficient; its gradient is divided by sqrt(v^), too.
        decay: the decoupled decay.

    Examples:
        >>> moved, _ = Adam(0.1).step({"w": np.ones(3)}, {"w": np.array([3.0, -1e-3, 1e-12])}, None)
        >>> print(moved["w"].round(4))
        [0.9 1.1 1. ]
    """

    learning_rate: Rate = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def direction(self, t: int, g: Array, m: Any, v: Any) -> tuple[Array, Any, Any]:
        m = self.beta1 * m + (1 - self.beta1) * g
        v = self.beta2 * v + (1 - self.beta2) * g * g
        return m / (1 - self.beta1**t) / (np.sqrt(v / (1 - self.beta2**t)) + self.epsilon), m, v


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """`Adam` with decoupled decay: each step also takes learning_rate * decay * theta away.

    Loshchilov & Hutter 2019, with the learning rate as a factor of the decay, as in PyTorch.

    Examples:
        >>> moved, _ = AdamW(0.1).step({"w": np.ones(1)}, {"w": np.zeros(1)}, None)
        >>> print(moved["w"])
        [0.999]
    """

    decay: float = 0.01


def warmup(learning_rate: float, steps: int) -> Callable[[int], float]:
    """The learning rate as a function of the step t = 1, 2, ...: learning_rate * min(1, t / steps).

    Examples:
        >>> rate = warmup(0.1, steps=4)
        >>> print([round(rate(t), 6) for t in range(1, 7)])
        [0.025, 0.05, 0.075, 0.1, 0.1, 0.1]
    """
    return partial(_warmed, number(learning_rate, "learning_rate", above=0), size(steps, "steps"))


def _warmed(learning_rate: float, steps: int, t: int) -> float:
    return learning_rate * min(1.0, t / steps)


def clip_by_global_norm(gradients: Parameters, limit: float) -> dict[str, Array]:
    """The gradients times min(1, limit / norm), where norm is that of all entries of all arrays together.

    The direction stays; what is shorter than the limit stays as it is, and nothing is made longer (Pascanu et al.
    2013, Algorithm 1). A NaN anywhere makes every entry NaN, and an infinity makes itself NaN and the finite entries
    0, as in PyTorch, whose `clip_grad_norm_` differs by adding 1e-6 to the norm.

    Args:
        gradients: arrays by name.
        limit: above 0, in units of the gradient.

    Examples:
        >>> clipped = clip_by_global_norm({"w": np.array([3.0]), "b": np.array([4.0])}, 1.0)
        >>> print(clipped["w"], clipped["b"])
        [0.6] [0.8]
    """
    checked = _checked(gradients, limit)
    whole = norm(np.array([norm(g) for g in checked.values()]))
    return {name: _scaled(g, whole, limit) for name, g in checked.items()}


def clip_by_norm(gradients: Parameters, limit: float) -> dict[str, Array]:
    """Each array times min(1, limit / norm), where norm is its own.

    The direction of each array stays, that of all together does not. NaN and infinity as in `clip_by_global_norm`,
    array by array.

    Args:
        gradients: arrays by name.
        limit: above 0, in units of the gradient.

    Examples:
        >>> clipped = clip_by_norm({"w": np.array([3.0, 4.0]), "b": np.array([0.5])}, 1.0)
        >>> print(clipped["w"], clipped["b"])
        [0.6 0.8] [0.5]
    """
    return {name: _scaled(g, norm(g), limit) for name, g in _checked(gradients, limit).items()}


def clip_by_value(gradients: Parameters, limit: float) -> dict[str, Array]:
    """Each entry moved to the nearest number from -limit to limit, which changes the direction.

    NaN stays NaN, and an infinity becomes the limit.

    Args:
        gradients: arrays by name.
        limit: above 0, in units of the gradient.

    Examples:
        >>> print(clip_by_value({"w": np.array([0.5, -4.0])}, 1.0)["w"])
        [ 0.5 -1. ]
    """
    return {
        name: np.clip(g, -limit, limit, dtype=g.dtype)
        for name, g in _checked(gradients, limit).items()
    }


def _checked(gradients: Parameters, limit: float) -> dict[str, Array]:
    number(limit, "limit", above=0)
    arrays = instance(gradients, "gradients", Mapping, "a mapping from names to arrays")
    return {name: numbers(g, f"gradients[{name!r}]") for name, g in arrays.items()}


@np.errstate(invalid="ignore")
def _scaled(g: Array, norm: float, limit: float) -> Array:
    # The product in float64: limit / norm may leave the range of the dtype where the result does not.
    return g if norm <= limit else np.asarray(g * np.float64(limit / norm), dtype=g.dtype)


@dataclass(frozen=True)
class Clipped:
    """An optimizer that takes its steps with clipped gradients.

    Args:
        optimizer: what moves the parameters.
        clip: `clip_by_global_norm`, `clip_by_norm`, `clip_by_value`, or another function of gradients and limit.
        limit: above 0, in units of the gradient.

    Examples:
        >>> optimizer = Clipped(GradientDescent(0.1), clip_by_global_norm, 1.0)
        >>> moved, _ = optimizer.step({"w": np.ones(2)}, {"w": np.array([30.0, 40.0])}, None)
        >>> print(moved["w"])
        [0.94 0.92]
    """

    optimizer: Optimizer
    clip: Callable[[Parameters, float], Parameters]
    limit: float

    def __post_init__(self) -> None:
        instance(
            self.optimizer, "optimizer", Optimizer, "an optimizer such as GradientDescent(0.1)"
        )
        instance(self.clip, "clip", Callable, "a function such as clip_by_global_norm")
        number(self.limit, "limit", above=0)

    def start(self, parameters: Parameters) -> Any:
        return self.optimizer.start(parameters)

    def step(self, parameters: Parameters, gradients: Parameters, state: Any) -> Moved:
        return self.optimizer.step(parameters, self.clip(gradients, self.limit), state)
