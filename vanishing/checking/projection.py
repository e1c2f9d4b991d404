"""The projection test: one check of a backward pass for every layer, network and parameter."""

from __future__ import annotations

import copy

import numpy as np

from vanishing._validation import Array, generator, instance
from vanishing.checking.gradients import along_complex
from vanishing.nn.layer import EVALUATION, Layer, Mode, Parameters
from vanishing.nn.sequential import Record, Sequential


def projection_test(
    part: Layer, h: Array, *, rng: np.random.Generator, mode: Mode = EVALUATION
) -> float:
    """The largest relative error between <u, J v> and <J^T u, v> for random u and v, dimensionless.

    J v is the derivative of the output along v by a complex step, J^T u is what `backward` returns.
    v is drawn once for the input and once for each parameter, so that a wrong gradient cannot hide
    behind a larger right one. Errors are relative to the products themselves or, where they are
    smaller, to a hundredth of the largest product of the same layer: the gradient of a bias before
    batch normalization is 0 but for rounding.

    Args:
        part: a layer, such as a whole `Sequential`.
        h: its input.
        rng: draws u and the v.
        mode: of the forward pass; every run starts from a copy of its rng, and so draws the same.

    Examples:
        >>> from vanishing import dense_network
        >>> rng = np.random.default_rng(0)
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=rng)
        >>> projection_test(network, rng.standard_normal((5, 3)), rng=rng) < 1e-12
        True
    """
    network = Sequential((instance(part, "part", Layer, "a Layer"),))
    # Copy the mode: its rng may be the one that draws u and v.
    mode = copy.deepcopy(instance(mode, "mode", Mode))
    values: dict[str, Array] = {"input": network.checked(h, "h"), **network.parameters}
    lifted = {name: value.astype(np.complex128) for name, value in values.items()}

    def record(values: Parameters) -> Record:
        parameters = {name: value for name, value in values.items() if name != "input"}
        return network.with_parameters(parameters).record(values["input"], copy.deepcopy(mode))

    def pushed(name: str, v: Array) -> Array:
        """J v for the input or parameter of that name."""
        output: Array = along_complex(lambda a: record(lifted | {name: a}).output, values[name], v)
        return output

    start = record(values)
    u = generator(rng).standard_normal(start.output.shape).astype(start.output.dtype)
    gradients = start.backward(u)
    pulled = {"input": gradients.input, **gradients.parameters}
    products = {}
    for name, value in values.items():
        v = rng.standard_normal(value.shape).astype(value.dtype)
        products[name] = float(np.vdot(u, pushed(name, v))), float(np.vdot(pulled[name], v))
    return max(_relative_error(name, products) for name in products)


def _relative_error(name: str, products: dict[str, tuple[float, float]]) -> float:
    """The difference of the two products of that name, over the size that counts for it."""
    a, b = products[name]
    if a == b:
        return 0.0
    layer = name.rpartition(".")[0]
    alike = [pair for other, pair in products.items() if other.rpartition(".")[0] == layer]
    largest = max(abs(product) for pair in alike for product in pair)
    return abs(a - b) / max(abs(a), abs(b), 0.01 * largest)
