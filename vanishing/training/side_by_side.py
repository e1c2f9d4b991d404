"""Training of many small networks at once: their parameters are the rows of one array.

What a small network costs is the calls, not the arithmetic, and here one call serves all networks,
as with `torch.func.stack_module_state` and `vmap`. The formulas are those of `vanishing.nn`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, Self, cast

import numpy as np

from vanishing._validation import Array, floats, generator, instance, size
from vanishing.nn.elementwise import Activate, Dropout
from vanishing.nn.layer import EVALUATION, Layer, Mode
from vanishing.nn.linear import Linear
from vanishing.nn.losses import Loss, softmax_cross_entropy
from vanishing.nn.normalization import BatchNorm, LayerNorm, RMSNorm
from vanishing.nn.sequential import Sequential
from vanishing.nn.skips import Residual
from vanishing.training.clipping import Clipped, clip_by_norm
from vanishing.training.loop import batches
from vanishing.training.optimizers import Optimizer, in_a_row, named


Arrays = Iterator[tuple[Array, Array]]
"""Each parameter of every network with its gradient, shape (networks, ..., n), in their order."""

# The name under which an optimizer sees the parameters of a network.
_ALL = "parameters"


class _Stacked(ABC):
    """A layer of every network: `forward` and `backward` of `Layer` for (networks, batch, n).

    The parameters' gradients are written where `arrays` says.
    """

    @abstractmethod
    def forward(self, h: Array, mode: Mode) -> tuple[Array, Any]:
        """The outputs for the inputs h, and the memory that `backward` needs."""

    @abstractmethod
    def backward(self, memory: Any, d_output: Array) -> Array:
        """dL/dinput, given dL/doutput, once dL/dparameter is written."""

    def learn(self, memory: Any, d_output: Array) -> None:
        """Write dL/dparameter, where nobody needs dL/dinput."""
        self.backward(memory, d_output)


class _Sequence(_Stacked):
    def __init__(self, layer: Any, arrays: Arrays) -> None:
        self.layers = [_KINDS[type(part)](part, arrays) for part in layer.layers]

    def forward(self, h: Array, mode: Mode) -> tuple[Array, Any]:
        memories = []
        for layer in self.layers:
            h, memory = layer.forward(h, mode)
            memories.append(memory)
        return h, memories

    def backward(self, memory: Any, d_output: Array) -> Array:
        for layer, own in zip(reversed(self.layers), reversed(memory), strict=True):
            d_output = layer.backward(own, d_output)
        return d_output

    def learn(self, memory: Any, d_output: Array) -> None:
        first, *others = self.layers
        for layer, own in zip(reversed(others), reversed(memory[1:]), strict=True):
            d_output = layer.backward(own, d_output)
        first.learn(memory[0], d_output)


class _Linear(_Stacked):
    def __init__(self, layer: Any, arrays: Arrays) -> None:
        (self.weight, self.d_weight), (self.bias, self.d_bias) = next(arrays), next(arrays)

    def forward(self, h: Array, mode: Mode) -> tuple[Array, Any]:
        z = h @ self.weight.swapaxes(1, 2)
        z += self.bias
        return z, h

    def backward(self, memory: Any, d_output: Array) -> Array:
        self.learn(memory, d_output)
        return d_output @ self.weight

    def learn(self, memory: Any, d_output: Array) -> None:
        np.matmul(d_output.swapaxes(1, 2), memory, out=self.d_weight)
        np.matmul(_ones(d_output), d_output, out=self.d_bias)


class _Activated(_Stacked):
    def __init__(self, layer: Any, arrays: Arrays) -> None:
        self.phi = layer.activation

    def forward(self, h: Array, mode: Mode) -> tuple[Array, Any]:
        output = self.phi.formula(h)
        return output, self.phi.memory(h, output)

    def backward(self, memory: Any, d_output: Array) -> Array:
        return np.asarray(self.phi.derivative_from(memory) * d_output)


class _Dropped(_Stacked):
    def __init__(self, layer: Any, arrays: Arrays) -> None:
        self.layer = layer

    def forward(self, h: Array, mode: Mode) -> tuple[Array, Any]:
        # One mask of shape (batch, n) for all networks.
        _, keep = self.layer.forward(h[0], mode)
        return h * keep, keep

    def backward(self, memory: Any, d_output: Array) -> Array:
        return np.asarray(d_output * memory)


class _Normalized(_Stacked):
    """Normalization over an axis: 1 for the batch, 2 for the units."""

    def __init__(self, layer: Any, arrays: Arrays, *, axis: int) -> None:
        self.axis, self.epsilon = axis, layer.epsilon
        self.centred = "bias" in layer.trainable
        self.weight, self.d_weight = next(arrays)
        bias: Any = next(arrays) if self.centred else (0.0, None)
        self.bias, self.d_bias = bias

    def mean(self, h: Array) -> Array:
        """The mean over the axis, which a product with ones gives faster than `mean`."""
        row = _mean_row(h, self.axis)
        return np.asarray(row @ h if self.axis == 1 else h @ row.T)

    def forward(self, h: Array, mode: Mode) -> tuple[Array, Any]:
        unit = h - self.mean(h) if self.centred else h
        deviation = np.sqrt(self.mean(unit * unit) + self.epsilon)
        unit = unit / deviation
        return unit * self.weight + self.bias, (unit, deviation)

    def backward(self, memory: Any, d_output: Array) -> Array:
        unit, deviation = memory
        np.matmul(_ones(d_output), d_output * unit, out=self.d_weight)
        if self.d_bias is not None:
            np.matmul(_ones(d_output), d_output, out=self.d_bias)
        d_unit = d_output * self.weight
        through = unit * self.mean(d_unit * unit)
        if self.centred:
            through += self.mean(d_unit)
        d_unit -= through
        d_unit /= deviation
        return d_unit


class _Residual(_Stacked):
    def __init__(self, layer: Any, arrays: Arrays) -> None:
        self.branch = _KINDS[type(layer.branch)](layer.branch, arrays)
        fixed = isinstance(layer.scale, float)
        scale: Any = (layer.scale, None) if fixed else next(arrays)
        self.scale, self.d_scale = scale

    def forward(self, h: Array, mode: Mode) -> tuple[Array, Any]:
        output, memory = self.branch.forward(h, mode)
        return h + self.scale * output, (memory, output)

    def backward(self, memory: Any, d_output: Array) -> Array:
        inner, output = memory
        if self.d_scale is not None:
            row = d_output.reshape(len(output), 1, -1)
            np.matmul(row, output.reshape(len(output), -1, 1), out=self.d_scale)
        d_input = self.branch.backward(inner, self.scale * d_output)
        d_input += d_output
        return d_input


_KINDS: dict[type, Callable[[Any, Arrays], _Stacked]] = {
    Sequential: _Sequence,
    Linear: _Linear,
    Activate: _Activated,
    Dropout: _Dropped,
    BatchNorm: partial(_Normalized, axis=1),
    LayerNorm: partial(_Normalized, axis=2),
    RMSNorm: partial(_Normalized, axis=2),
    Residual: _Residual,
}


def _ones(d_output: Array) -> Array:
    """The row whose product with d_output is the sum over the batch."""
    return np.ones((1, d_output.shape[1]), d_output.dtype)


def _mean_row(h: Array, axis: int) -> Array:
    """The row whose product with h is the mean over the axis."""
    return np.full((1, h.shape[axis]), 1 / h.shape[axis], h.dtype)


def _ends(shapes: Sequence[tuple[int, ...]]) -> list[int]:
    """Where in a row of theta the parameters of these shapes end, but for the last."""
    return [int(end) for end in np.cumsum([math.prod(shape) for shape in shapes])[:-1]]


def _views(shapes: Sequence[tuple[int, ...]], theta: Array, gradient: Array) -> Arrays:
    """Each parameter of every network with its gradient, with two axes or more behind the first."""
    parts = (np.split(rows, _ends(shapes), axis=1) for rows in (theta, gradient))
    for shape, *pair in zip(shapes, *parts, strict=True):
        networks = (len(theta), *[1] * (2 - len(shape)), *shape)
        # Views: to split one axis into several never takes a copy.
        one, other = (part.reshape(networks) for part in pair)
        yield one, other


def _alike(networks: Any) -> list[Sequential]:
    """The networks, checked to be of one architecture and of known kinds of layers."""
    wanted = "networks of one architecture"
    found = _listed(networks, "networks", f"a list of {wanted}")
    for k, network in enumerate(found):
        instance(network, f"networks[{k}]", Sequential)
        if _form(network) != _form(found[0]):
            raise ValueError(f"networks[{k}] differs from networks[0]; {wanted} are expected")
    if not found[0].parameters:
        raise ValueError("networks hold no parameters; layers such as Linear are expected")
    for part in _parts(found[0]):
        if type(part) not in _KINDS:
            known = ", ".join(kind.__name__ for kind in _KINDS)
            raise TypeError(f"networks holds {type(part).__name__} layers. Known: {known}")
    return found


def _parts(layer: Any) -> Iterator[Layer]:
    """The layer and those in it."""
    yield layer
    for part in (*getattr(layer, "layers", ()), getattr(layer, "branch", None)):
        if part is not None:
            yield from _parts(part)


def _form(value: Any) -> Any:
    """What networks of one architecture have in common: an array counts by shape and dtype."""
    if isinstance(value, Layer):
        names = [part.name for part in fields(cast(Any, value))]
        return type(value), [_form(getattr(value, name)) for name in names]
    if isinstance(value, tuple):
        return [_form(part) for part in value]
    return (value.shape, value.dtype) if isinstance(value, np.ndarray) else value


def _one_for_each(optimizers: Any, networks: list[Sequential]) -> list[Optimizer]:
    """The optimizers, checked."""
    found = _listed(optimizers, "optimizers", "a list with one for each network")
    if len(found) != len(networks):
        wanted = f"one for each of {len(networks)} networks is expected"
        raise ValueError(f"optimizers holds {len(found)}; {wanted}")
    for k, optimizer in enumerate(found):
        instance(optimizer, f"optimizers[{k}]", Optimizer, "an optimizer such as SGD(0.1)")
        if isinstance(optimizer, Clipped) and optimizer.clip is clip_by_norm:
            wanted = "clip_by_global_norm or clip_by_value is expected"
            raise ValueError(f"optimizers[{k}] clips array by array; {wanted}")
    return found


def _listed(values: Any, name: str, wanted: str) -> list[Any]:
    if not isinstance(values, list | tuple) or not values:
        raise TypeError(f"{name} is {values!r}; {wanted} is expected")
    return list(values)


class SideBySide:
    """Networks of one architecture that train side by side, each with an optimizer of its own.

    All of them see the same batches, and drop the same units. Each is trained as `train` would, to
    rounding, except that batch norm takes mean and variance from the inputs at hand in evaluation,
    too, and keeps no running statistics. An overflow raises no warning: `finite` tells.

    Args:
        networks: of the same layers, shapes and dtype; they may differ in their parameters. The
            layers are linear ones, activations, batch, layer and RMS norm, dropout, and residual
            blocks of these, which is what `dense_network` builds.
        optimizers: one for each network. An optimizer sees all parameters of its network as one
            array, so that `clip_by_norm`, which clips array by array, is refused.

    Examples:
        >>> from vanishing import SGD, blobs, dense_network
        >>> rng = np.random.default_rng(0)
        >>> x, labels = blobs(rng=rng)
        >>> networks = 2 * [dense_network([2, 16, 3], activation="tanh", rng=rng)]
        >>> runs = SideBySide(networks, [SGD(0.0001), SGD(0.5)])
        >>> for _ in range(50):
        ...     runs = runs.step(x, labels, rng=rng)
        >>> print(runs.accuracy(x, labels) > 0.9)
        [False  True]
    """

    def __init__(self, networks: Sequence[Sequential], optimizers: Sequence[Optimizer]) -> None:
        self._networks = _alike(networks)
        self._optimizers = _one_for_each(optimizers, self._networks)
        self._stack(np.array([in_a_row(network.parameters) for network in self._networks]))
        self._states = [
            optimizer.start({_ALL: row})
            for optimizer, row in zip(self._optimizers, self._theta, strict=True)
        ]

    def _stack(self, theta: Array) -> None:
        """Take theta, one network a row, as the parameters, and make the layers views of it."""
        self._theta = theta
        self._gradient = np.empty_like(theta)
        shapes = [p.shape for p in self._networks[0].parameters.values()]
        self._layers = _Sequence(self._networks[0], _views(shapes, theta, self._gradient))

    def __len__(self) -> int:
        """How many networks there are."""
        return len(self._networks)

    @property
    def networks(self) -> list[Sequential]:
        """The networks with the parameters that they have now."""
        return [
            network.with_parameters(named(row, network.parameters))
            for network, row in zip(self._networks, self._theta.copy(), strict=True)
        ]

    @property
    def finite(self) -> Array:
        """Whether all parameters of each network are finite, shape (networks,)."""
        return np.asarray(np.isfinite(self._theta).all(axis=1))

    def step(
        self,
        x: Array,
        target: Any,
        *,
        loss: Loss = softmax_cross_entropy,
        rng: np.random.Generator | None = None,
    ) -> Self:
        """Itself, once every network has moved by one step of its optimizer, on one batch for all.

        Args:
            x: inputs, shape (batch, n_0).
            target: one per sample, as `loss` takes it.
            loss: what is descended.
            rng: draws what dropout drops.
        """
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            output, memory = self._layers.forward(self._checked(x), Mode(True, rng))
            target = loss.check(output[0], target)
            rows = output.reshape(-1, output.shape[-1])
            # The loss is the mean over all rows, and each network has a mean of its own.
            delta = loss.gradient_formula(rows, np.concatenate(len(self) * [target])) * len(self)
            self._layers.learn(memory, delta.reshape(output.shape))
            for k, optimizer in enumerate(self._optimizers):
                moved, self._states[k] = optimizer.step(
                    {_ALL: self._theta[k]}, {_ALL: self._gradient[k]}, self._states[k]
                )
                self._theta[k] = moved[_ALL]
        return self

    def epoch(
        self,
        x: Array,
        target: Any,
        *,
        batch_size: int,
        rng: np.random.Generator,
        loss: Loss = softmax_cross_entropy,
    ) -> Self:
        """Itself, after a step on each batch of an epoch, in the order in which `train` goes.

        Args:
            x: inputs, shape (samples, n_0).
            target: one per sample, as `loss` takes it.
            batch_size: samples per step; the last batch takes what is left.
            rng: shuffles the samples, and draws what dropout drops.
            loss: what is descended.
        """
        x, target = floats(x, "x", ndim=2), np.asarray(target)
        if len(target) != len(x):
            raise ValueError(f"target has {len(target)} rows; {len(x)}, as x has, are expected")
        for batch in batches(len(x), size(batch_size, "batch_size"), generator(rng)):
            self.step(x[batch], target[batch], loss=loss, rng=rng)
        return self

    def outputs(self, x: Array) -> Array:
        """The output of every network in evaluation, shape (networks, samples, n_L)."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            return self._layers.forward(self._checked(x), EVALUATION)[0]

    def accuracy(self, x: Array, labels: Array) -> Array:
        """The fraction of labels that each network names, shape (networks,).

        A sample whose outputs are not finite counts as wrong.
        """
        output = self.outputs(x)
        right = (output.argmax(axis=2) == labels) & np.isfinite(output).all(axis=2)
        return np.asarray(right.mean(axis=1))

    def __getitem__(self, kept: Array) -> SideBySide:
        """Those of the networks for which `kept`, booleans of shape (networks,), is true.

        They go on from where they are.

        Raises:
            ValueError: `kept` has another shape or dtype, or is true for no network.
        """
        kept = np.asarray(kept)
        if kept.shape != (len(self),) or kept.dtype != bool:
            wanted = f"booleans of shape ({len(self)},) are expected"
            raise ValueError(f"kept has shape {kept.shape} and dtype {kept.dtype}; {wanted}")
        if not kept.any():
            raise ValueError("kept is true for no network; at least one is expected")
        chosen = np.flatnonzero(kept)
        part = SideBySide.__new__(SideBySide)
        part._networks = [self._networks[k] for k in chosen]
        part._optimizers = [self._optimizers[k] for k in chosen]
        part._states = [self._states[k] for k in chosen]
        part._stack(self._theta[chosen])
        return part

    def _checked(self, x: Array) -> Array:
        """x for all networks, shape (1, samples, n_0)."""
        x = floats(x, "x", ndim=2)
        self._networks[0].check(x, "x")
        return x[None]
