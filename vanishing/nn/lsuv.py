"""Layer-sequential unit variance: weights scaled by what they do to real inputs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vanishing._validation import Array, instance, number, size
from vanishing.nn.layer import Layer
from vanishing.nn.sequential import Sequential


def lsuv(
    network: Sequential, x: Array, *, tolerance: float = 0.1, iterations: int = 10
) -> Sequential:
    """The network with weights scaled so that every z_l has variance 1 on x.

    Mishkin & Matas 2016. From the input to the output, the weights of each layer that is linear in
    them are divided by the standard deviation of its output, over rows and units, until
    |variance - 1| < tolerance. Without biases one division is enough. What W is before is the
    caller's choice; the paper's is initializer="orthogonal". Biases stay, and so do the layers
    inside other layers. All passes are in evaluation mode.

    Args:
        network: stays as it is.
        x: a batch, shape (batch, n_0), of rows that are typical of the data.
        tolerance: of the variance, dimensionless; 0.1 in the paper.
        iterations: divisions per layer, at most.

    Raises:
        ValueError: if a layer is not within the tolerance after them: its output is constant (zero
            weights, equal rows), or its biases alone differ too much from unit to unit.

    Examples:
        >>> from vanishing import dense_network
        >>> rng = np.random.default_rng(0)
        >>> network = dense_network(
        ...     [8, 16, 16], activation="tanh", initializer="orthogonal", rng=rng)
        >>> x = rng.standard_normal((50, 8))
        >>> print([f"{z.var():.2f}" for z in lsuv(network, x).record(x).z])
        ['1.00', '1.00']
    """
    instance(network, "network", Sequential, "a network such as dense_network makes")
    h = network.checked(x)
    number(tolerance, "tolerance", above=0)
    size(iterations, "iterations")
    layers: list[Layer] = []
    l = 0
    for layer in network.layers:
        l += layer.is_weight_layer
        layer, h = _unit_variance(layer, h, tolerance, iterations, f"layer {l}")
        layers.append(layer)
    return replace(network, layers=tuple(layers))


def _unit_variance(
    layer: Layer, h: Array, tolerance: float, iterations: int, name: str
) -> tuple[Layer, Array]:
    """The layer with weights for which its output on h has variance 1, and that output.

    A layer that is not linear in its weights stays as it is.
    """
    for _ in range(iterations + 1):
        output, _ = layer.forward(h)
        variance = float(np.var(output, dtype=np.float64))
        scaled = layer.rescaled(1 / (variance**0.5 or 1.0))
        if scaled is None or abs(variance - 1) < tolerance:
            return layer, output
        layer = scaled
    wanted = f"after {iterations} divisions; 1 is expected"
    raise ValueError(f"network: the output of {name} on x has variance {variance:.3g} {wanted}")
