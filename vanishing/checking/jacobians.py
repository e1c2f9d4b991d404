"""The input-output Jacobian J = dh_L/dh_0 of a network, and its singular values.

Networks run in evaluation mode here: a Jacobian per sample needs layers that treat every sample on
its own, which batch normalization does not do in training.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from vanishing._validation import Array, finite, floats, generator, instance, size
from vanishing.checking.duals import Dual
from vanishing.measurement.norms import unit_rows
from vanishing.nn.sequential import Sequential


def jacobian(network: Sequential, x: Array) -> Array:
    """J = dh_L/dh_0 of every sample, shape (batch, n_L, n_0).

    One forward and one backward pass per sample, on n_L copies of it: a row of J is what the
    backward pass makes of a row of the identity.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0).

    Examples:
        >>> from vanishing import dense_network
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=np.random.default_rng(0))
        >>> jacobian(network, np.zeros((5, 3))).shape
        (5, 2, 3)
    """
    x = instance(network, "network", Sequential).checked(floats(x, "x", ndim=2))
    identity = np.eye(_output_width(network, x), dtype=x.dtype)
    return np.stack([vjp(network, np.tile(row, (len(identity), 1)), identity) for row in x])


def _output_width(network: Sequential, x: Array) -> int:
    return int(network.record(x[:1]).output.shape[-1])


def jvp(network: Sequential, x: Array, v: Array) -> Array:
    """J v for every sample, shape (batch, n_L): forward mode, by dual numbers, exact to rounding.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0) or whatever else the network takes.
        v: a direction at the input for every sample, of the shape of x.

    Examples:
        >>> from vanishing import dense_network
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=np.random.default_rng(0))
        >>> x, v = np.zeros((1, 3)), np.ones((1, 3))
        >>> print(np.allclose(jvp(network, x, v)[0], jacobian(network, x)[0] @ v[0]))
        True
    """
    x = instance(network, "network", Sequential).checked(x)
    dual = cast(Array, Dual(x, _like(v, "v", x)))
    return cast(Dual, network.record(dual).output).tangent


def vjp(network: Sequential, x: Array, u: Array) -> Array:
    """J^T u for every sample, shape (batch, n_0): reverse mode, by a backward pass.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0) or whatever else the network takes.
        u: a direction at the output for every sample, of the shape of the output.

    Examples:
        >>> from vanishing import dense_network
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=np.random.default_rng(0))
        >>> x, u = np.zeros((1, 3)), np.ones((1, 2))
        >>> print(np.allclose(vjp(network, x, u)[0], u[0] @ jacobian(network, x)[0]))
        True
    """
    record = instance(network, "network", Sequential).record(x)
    return record.backward(_like(u, "u", record.output)).input


def _like(direction: Array, name: str, point: Array) -> Array:
    """The direction as an array, or an error if it is not of the point's shape and dtype."""
    array = floats(direction, name)
    if (array.shape, array.dtype) != (point.shape, point.dtype):
        wanted = f"{point.dtype} {point.shape}"
        raise ValueError(f"{name} is {array.dtype} {array.shape}; {wanted} is expected")
    return array


def singular_values(network: Sequential, x: Array) -> Array:
    """The singular values of J of every sample, descending, shape (batch, min(n_0, n_L)).

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0).

    Examples:
        >>> from vanishing import Linear
        >>> network = Sequential((Linear(np.diag([2.0, -3.0]), np.zeros(2)),))
        >>> print(singular_values(network, np.ones((1, 2))))
        [[3. 2.]]
    """
    return _svd(jacobian(network, x))


def extreme_singular_values(
    network: Sequential, x: Array, *, rng: np.random.Generator, steps: int | None = None
) -> tuple[Array, Array]:
    """The largest and the smallest singular value of J of every sample, without J.

    Two arrays of shape (batch,), from the subspaces of bidiagonalization (Golub & Kahan 1965),
    fully reorthogonalized: each step takes one product J v and one J^T u. With k steps the two are
    the extreme singular values of J between two subspaces of dimension k: never above the largest
    and never below the smallest of J. The largest is met after few steps, the smallest, where
    singular values lie close together, only after almost all min(n_0, n_L); then both are exact to
    rounding. Where J maps a subspace into itself, another random direction continues it, so that
    repeated and zero singular values are found, too. The smallest is accurate to rounding of the
    largest. Where J is small enough to be made, `singular_values` is quicker.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0).
        rng: draws the first direction.
        steps: at most min(n_0, n_L), which is the default.

    Examples:
        >>> from vanishing import Linear
        >>> network = Sequential((Linear(np.diag([2.0, -3.0]), np.zeros(2)),))
        >>> x, rng = np.ones((1, 2)), np.random.default_rng(0)
        >>> largest, smallest = extreme_singular_values(network, x, rng=rng)
        >>> print(largest.round(12), smallest.round(12))
        [3.] [2.]
    """
    x = instance(network, "network", Sequential).checked(floats(x, "x", ndim=2))
    n_0 = x.shape[1]
    n_L = _output_width(network, x)
    rank = min(n_0, n_L)
    steps = rank if steps is None else size(steps, "steps")
    if steps > rank:
        raise ValueError(f"steps is {steps}; at most min(n_0, n_L) = {rank} is expected")
    # J^T has the singular values of J: take the v on the narrower side.
    forth, back = (jvp, vjp) if n_0 <= n_L else (vjp, jvp)
    basis = np.zeros((len(x), steps, rank), x.dtype)
    images = []
    v = np.zeros((len(x), rank), x.dtype)
    for k in range(steps):
        v = _orthogonal_direction(v, basis, generator(rng))
        basis[:, k] = v
        images.append(forth(network, x, v))
        v = back(network, x, unit_rows(images[-1]))
    values = _svd(np.stack(images, axis=1))
    return values[:, 0], values[:, -1]


def _orthogonal_direction(v: Array, basis: Array, rng: np.random.Generator) -> Array:
    """The part of each v orthogonal to its basis, with norm 1; random where none is left."""
    # Add noise at the size of rounding: all that is left where v lies in the span of the basis.
    noise = rng.standard_normal(v.shape).astype(v.dtype)
    v = unit_rows(v) + np.finfo(v.dtype).eps * noise
    # Project twice: once leaves rounding errors (Parlett 1980). Project a third time for a v in the
    # span, of which the noise may leave less than the rounding errors.
    for _ in range(3):
        v = unit_rows(v - ((basis @ v[:, :, None]) * basis).sum(axis=1))
    return v


def _svd(matrices: Array) -> Array:
    """Singular values, descending, in the dtype of the matrices."""
    # Check first: LAPACK would answer NaN with an error of its own.
    finite(matrices, "the Jacobian of network")
    # LAPACK has no float16.
    wide = matrices.astype(np.result_type(matrices, np.float32))
    return np.linalg.svd(wide, compute_uv=False).astype(matrices.dtype)
