"""Dense networks, built by keywords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from vanishing._validation import choice, dtype as floating, instance, number, size
from vanishing.nn.activations import Activation, identity, resolved
from vanishing.nn.elementwise import Activate, Dropout
from vanishing.nn.initializers import Initializer, initializer as initializer_of
from vanishing.nn.layer import Layer
from vanishing.nn.linear import Linear
from vanishing.nn.normalization import NORMALIZATIONS
from vanishing.nn.sequential import Sequential
from vanishing.nn.skips import Residual

Layers = tuple[Layer, ...]
Stage = tuple[Layers, Layers]
"""What follows a linear layer: its normalization; its activation and dropout."""

_NOTHING: Stage = ((), ())


def dense_network(
    widths: Sequence[int],
    *,
    activation: str | Activation | Layer,
    initializer: str | Initializer = "xavier_normal",
    output_activation: str | Activation | Layer = identity,
    normalization: str | None = None,
    residual: str | None = None,
    branch_scale: float = 1.0,
    trainable_scale: bool = False,
    dropout: float = 0.0,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> Sequential:
    """A network of L linear layers with an activation after each.

    z_l = h_{l-1} W_l^T + b_l and h_l = phi(z_l). An identity activation is no layer: h_l is then
    z_l itself. A residual block is made of every layer but the first and the last that keeps the
    width, n_l = n_{l-1}:

    - 'pre': z_l = z_{l-1} + scale * (phi(norm(z_{l-1})) W_l^T + b_l), and phi(norm(z_{L-1})) enters
      layer L;
    - 'post': z_l = h_{l-1} + scale * norm(h_{l-1} W_l^T + b_l), and h_l = phi(z_l).

    Args:
        widths: n_0, n_1, ..., n_L from the input to the output.
        activation: phi, or its name, for l < L; a layer such as `PReLU` may take its place.
        initializer: the rule, or its name, that draws W_l and b_l.
        output_activation: phi for l = L.
        normalization: 'batch', 'layer' or 'rms', before the activation of every l < L.
        residual: 'pre' or 'post'.
        branch_scale: the scale of the residual branches.
        trainable_scale: whether training moves it, in each block on its own; ReZero if it starts
            at 0.
        dropout: the rate, after the activation of every l < L.
        rng: draws W_1, b_1, W_2, ... in this order.
        dtype: of all parameters.

    Examples:
        >>> network = dense_network([2, 16, 3], activation="tanh", rng=np.random.default_rng(0))
        >>> network.record(np.ones((5, 2))).output.shape
        (5, 3)
    """
    widths = _checked(widths)
    rule = initializer_of(initializer)
    scale = _scale(branch_scale, trainable_scale, dtype)
    normalize = _normalization(normalization, dtype)
    drop = (Dropout(dropout),) if number(dropout, "dropout", least=0, below=1) else ()
    hidden = _activate(activation, "activation") + drop
    stages = [_NOTHING, *((normalize(width), hidden) for width in widths[1:-1]), _NOTHING]
    arrangements = {"pre": _pre, "post": _post}
    arrange = _post if residual is None else choice(residual, "residual", arrangements)
    layers = Layers()
    for l, shape in enumerate(zip(widths[1:], widths, strict=False), start=1):
        linear = Linear(rule(shape, rng=rng, dtype=dtype), rule.bias(shape, rng=rng, dtype=dtype))
        branch, rest = arrange(stages[l - 1], linear, stages[l])
        if residual and 1 < l < len(widths) - 1 and shape[0] == shape[1]:
            branch = (Residual(Sequential(branch), scale),)
        layers += branch + rest
    return Sequential(layers + _activate(output_activation, "output_activation"))


def _checked(widths: Sequence[int]) -> list[int]:
    if np.ndim(widths) != 1 or len(widths) < 2:
        wanted = "at least the input's and the output's width are expected"
        raise ValueError(f"widths is {widths}; {wanted}")
    return [size(width, f"widths[{l}]") for l, width in enumerate(widths)]


def _scale(start: float, trainable: bool, dtype: DTypeLike) -> Any:
    start = number(start, "branch_scale")
    instance(trainable, "trainable_scale", bool, "True or False")
    return np.full(1, start, floating(dtype)) if trainable else start


def _normalization(name: str | None, dtype: DTypeLike) -> Any:
    """width -> the layers that normalize it, one or none."""
    if name is None:
        return lambda width: ()
    kind = choice(name, "normalization", NORMALIZATIONS)
    return lambda width: (kind.initialized(width, dtype),)


def _activate(phi: str | Activation | Layer, argument: str) -> Layers:
    if isinstance(phi, Layer):
        return (phi,)
    phi = resolved(phi, argument)
    return () if phi is identity else (Activate(phi),)


def _pre(before: Stage, linear: Layer, after: Stage) -> tuple[Layers, Layers]:
    """What a block holds and what follows it: stage l - 1 stands in the block, before layer l."""
    return (*before[0], *before[1], linear), ()


def _post(before: Stage, linear: Layer, after: Stage) -> tuple[Layers, Layers]:
    """The same: the normalization of stage l stands in the block, its activation after the sum."""
    return (linear, *after[0]), after[1]
