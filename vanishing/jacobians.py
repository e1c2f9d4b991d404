"""The input-output Jacobian J = dh_L/dh_0 of a network, its singular values, and correlations between inputs.

Networks run in evaluation mode here: a Jacobian per sample needs layers that treat every sample on its own, which
normalization over the batch does not do in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from vanishing.duals import Dual
from vanishing.networks import Network
from vanishing.validation import Array, finite, floats, generator, size


def jacobian(network: Network, x: Array) -> Array:
    """J = dh_L/dh_0 of every sample, shape (batch, n_L, n_0).

    One forward and one backward pass per sample, on n_L copies of it: a row of J is what the backward pass makes of
    a row of the identity.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0).

    Examples:
        >>> from vanishing.networks import dense_network
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=np.random.default_rng(0))
        >>> jacobian(network, np.zeros((5, 3))).shape
        (5, 2, 3)
    """
    x = floats(x, "x", ndim=2)
    identity = np.eye(network.forward(x[:1]).output.shape[-1], dtype=x.dtype)
    return np.stack([vjp(network, np.tile(row, (len(identity), 1)), identity) for row in x])


def jvp(network: Network, x: Array, v: Array) -> Array:
    """J v for every sample, shape (batch, n_L): forward mode, by dual numbers, exact to rounding.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0) or whatever else the network takes.
        v: a direction at the input for every sample, of the shape of x.

    Examples:
        >>> from vanishing.networks import dense_network
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=np.random.default_rng(0))
        >>> x, v = np.zeros((1, 3)), np.ones((1, 3))
        >>> print(np.allclose(jvp(network, x, v)[0], jacobian(network, x)[0] @ v[0]))
        True
    """
    x = network.checked(x)
    dual = cast(Array, Dual(x, _like(v, "v", x)))
    return cast(Dual, network.forward(dual).output).tangent


def vjp(network: Network, x: Array, u: Array) -> Array:
    """J^T u for every sample, shape (batch, n_0): reverse mode, by a backward pass.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0) or whatever else the network takes.
        u: a direction at the output for every sample, of the shape of the output.

    Examples:
        >>> from vanishing.networks import dense_network
        >>> network = dense_network([3, 4, 2], activation="tanh", rng=np.random.default_rng(0))
        >>> x, u = np.zeros((1, 3)), np.ones((1, 2))
        >>> print(np.allclose(vjp(network, x, u)[0], u[0] @ jacobian(network, x)[0]))
        True
    """
    record = network.forward(x)
    return network.backward(record, _like(u, "u", record.output)).input


def _like(direction: Array, name: str, point: Array) -> Array:
    array = floats(direction, name)
    if (array.shape, array.dtype) != (point.shape, point.dtype):
        raise ValueError(
            f"{name} is {array.dtype} {array.shape}; {point.dtype} {point.shape} is expected"
        )
    return array


def singular_values(network: Network, x: Array) -> Array:
    """The singular values of J of every sample, descending, shape (batch, min(n_0, n_L)).

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0).

    Examples:
        >>> from vanishing.layers import Affine
        >>> network = Network((Affine(np.diag([2.0, -3.0]), np.zeros(2)),))
        >>> print(singular_values(network, np.ones((1, 2))))
        [[3. 2.]]
    """
    return _svd(jacobian(network, x))


def extreme_singular_values(
    network: Network, x: Array, *, rng: np.random.Generator, steps: int | None = None
) -> tuple[Array, Array]:
    """The largest and the smallest singular value of J of every sample, two arrays of shape (batch,), without J.

    The subspaces of Golub & Kahan's bidiagonalization (1965), fully reorthogonalized: each step takes one product
    J v and one J^T u. With k steps the two are the extreme singular values of J between two subspaces of
    dimension k: never above the largest and never below the smallest of J. The largest is met after few steps, the
    smallest, where singular values lie close together, only after almost all min(n_0, n_L); then both are exact to
    rounding. A subspace that J maps into itself ends early, and another random direction continues it, so that
    repeated and zero singular values are no exception. The smallest is accurate to rounding of the largest. Where J
    is small enough to be made, `singular_values` is quicker.

    Args:
        network: the function that is differentiated.
        x: h_0, shape (batch, n_0).
        rng: draws the first direction.
        steps: at most min(n_0, n_L), which is the default.

    Examples:
        >>> from vanishing.layers import Affine
        >>> network = Network((Affine(np.diag([2.0, -3.0]), np.zeros(2)),))
        >>> largest, smallest = extreme_singular_values(network, np.ones((1, 2)), rng=np.random.default_rng(0))
        >>> print(largest.round(12), smallest.round(12))
        [3.] [2.]
    """
    x = floats(x, "x", ndim=2)
    n_0, n_L = x.shape[1], network.forward(x[:1]).output.shape[1]
    steps = min(n_0, n_L) if steps is None else size(steps, "steps")
    if steps > min(n_0, n_L):
        raise ValueError(f"steps is {steps}; at most min(n_0, n_L) = {min(n_0, n_L)} is expected")
    # J^T has the same singular values: v lives on the narrower side.
    forth, back = (jvp, vjp) if n_0 <= n_L else (vjp, jvp)
    basis, images = np.zeros((len(x), steps, min(n_0, n_L)), x.dtype), []
    v = basis[:, 0]  # no direction yet
    for k in range(steps):
        # Where J^T J maps the subspace into itself, all that is left below is this random part.
        v = _unit(v) + np.finfo(x.dtype).eps * generator(rng).standard_normal(v.shape).astype(
            x.dtype
        )
        for _ in range(
            2
        ):  # once leaves rounding errors, which may be all of v; "twice is enough" (Parlett 1980)
            v = _unit(v - ((basis @ v[:, :, None]) * basis).sum(axis=1))
        basis[:, k] = v
        images.append(forth(network, x, v))
        v = back(network, x, _unit(images[-1]))
    values = _svd(np.stack(images, axis=1))
    return values[:, 0], values[:, -1]


def _unit(rows: Array) -> Array:
    """Each row over its norm; the largest entry first, so that no square underflows. Zero stays zero."""
    for size_of in (np.max, np.linalg.norm):
        rows = rows / np.maximum(
            size_of(np.abs(rows), axis=-1, keepdims=True), np.finfo(rows.dtype).tiny
        )
    return rows


def _svd(matrices: Array) -> Array:
    """Singular values, descending; LAPACK has no float16, and would answer NaN with an error of its own."""
    finite(matrices, "the Jacobian of network")
    return np.linalg.svd(
        matrices.astype(np.result_type(matrices, np.float32)), compute_uv=False
    ).astype(matrices.dtype)


def gradient_autocorrelation(network: Network, x: Array, *, centered: bool = True) -> Array:
    """The autocorrelation of the input gradient along a line of inputs, lag 0, 1, ... points, dimensionless.

    r_k = sum_i <g_i, g_{i+k}> / sum_i <g_i, g_i>, shape (points,), with g_i = d(sum of outputs)/dx_i minus, if
    centered, its mean over the points; NaN if g is the same everywhere. White noise has r_k = 0 beyond lag 0, a
    Brownian path a slow decline (Balduzzi et al. 2017). Without centering the mean, which does not shatter,
    stays in every lag.

    Args:
        network: usually from one input to one output.
        x: inputs at equal distances along a line, shape (points, n_0).
        centered: whether the mean gradient is subtracted.

    Examples:
        >>> from vanishing.networks import dense_network
        >>> network = dense_network([1, 50, 1], activation="tanh", rng=np.random.default_rng(0))
        >>> print(gradient_autocorrelation(network, np.linspace(-2, 2, 256)[:, None])[:3].round(2))
        [1.   0.99 0.97]
    """
    g = vjp(network, x, np.ones_like(network.forward(floats(x, "x", ndim=2)).output))
    g = g - centered * g.mean(axis=0)
    products = np.array([np.vdot(g[: len(g) - k], g[k:]) for k in range(len(g))], g.dtype)
    with np.errstate(invalid="ignore"):
        return np.asarray(products / products[0])


def signal_correlation(signals: Sequence[Array]) -> Array:
    """The cosine between each two samples in every layer, shape (layers, batch, batch), dimensionless.

    c_ij = <h_i, h_j> / (|h_i| |h_j|), not centered: mean-field theory's correlation map follows that of
    `record.z` (Poole et al. 2016). NaN with a row of zeros.

    Args:
        signals: an array of shape (batch, n_l) per layer: `record.h`, `record.z`, or `gradients.delta`.

    Examples:
        >>> print(signal_correlation([np.array([[1.0, 0.0], [3.0, 4.0]])]).round(2))
        [[[1.  0.6]
          [0.6 1. ]]]
    """
    checked = [floats(rows, f"signals[{l}]", ndim=2) for l, rows in enumerate(signals)]
    if len({len(rows) for rows in checked}) != 1:
        raise ValueError(
            f"signals has shapes {[rows.shape for rows in checked]}; (batch, n_l) per layer is expected"
        )
    units = [np.where(rows.any(axis=1, keepdims=True), _unit(rows), np.nan) for rows in checked]
    return np.stack([rows @ rows.T for rows in units])
