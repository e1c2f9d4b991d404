"""Correlations: between samples in every layer, and between gradients at neighbouring inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vanishing._validation import Array, floats, instance
from vanishing.measurement.norms import rms, unit_rows
from vanishing.nn.sequential import Sequential


def signal_difference(signals: Sequence[Array]) -> Array:
    """What tells the samples of a batch apart in every layer, shape (layers,).

    The rms of h_l less its mean over the batch, in the unit of h_l: 0 where all samples give the
    same. For two samples it is half the rms of their difference. It needs no network, and takes
    no more from rounding than h_l itself did.

    Args:
        signals: an array of shape (batch, n_l) per layer: `record.h` or `record.z`.

    Examples:
        >>> print(signal_difference([np.array([[1.0, 2.0], [3.0, 2.0]]), np.full((2, 4), 0.5)]))
        [0.70710678 0.        ]
    """
    differences = [rows - rows[0] for rows in _batches(signals)]
    return np.array([rms(rows - rows.mean(axis=0)) for rows in differences])


def signal_correlation(signals: Sequence[Array]) -> Array:
    """The cosine between each two samples in every layer, shape (layers, batch, batch).

    c_ij = <h_i, h_j> / (|h_i| |h_j|), dimensionless, not centered: mean-field theory's correlation
    map follows that of `record.z` (Poole et al. 2016). NaN with a row of zeros.

    Args:
        signals: an array of shape (batch, n_l) per layer: `record.h`, `record.z`, or
            `gradients.delta`.

    Examples:
        >>> print(signal_correlation([np.array([[1.0, 0.0], [3.0, 4.0]])]).round(2))
        [[[1.  0.6]
          [0.6 1. ]]]
    """
    units = [
        np.where(rows.any(axis=1, keepdims=True), unit_rows(rows), np.nan)
        for rows in _batches(signals)
    ]
    return np.stack([rows @ rows.T for rows in units])


def _batches(signals: Sequence[Array]) -> list[Array]:
    """The layers' arrays, checked: one row for each sample of the same batch."""
    checked = [floats(rows, f"signals[{l}]", ndim=2) for l, rows in enumerate(signals)]
    if len({len(rows) for rows in checked}) != 1:
        shapes = [rows.shape for rows in checked]
        raise ValueError(f"signals has shapes {shapes}; (batch, n_l) per layer is expected")
    return checked


def gradient_autocorrelation(network: Sequential, x: Array, *, centered: bool = True) -> Array:
    """The autocorrelation of the input gradient along a line of inputs, at lags 0, 1, ... points.

    r_k = sum_i <g_i, g_{i+k}> / sum_i <g_i, g_i>, dimensionless, shape (points,), with
    g_i = d(sum of outputs)/dx_i minus, if centered, its mean over the points; NaN if g is the same
    everywhere. White noise has r_k = 0 beyond lag 0, a Brownian path a slow decline (Balduzzi et
    al. 2017). Without centering the mean, which does not shatter, stays in every lag.

    Args:
        network: usually from one input to one output.
        x: inputs at equal distances along a line, shape (points, n_0).
        centered: whether the mean gradient is subtracted.

    Examples:
        >>> from vanishing import dense_network
        >>> network = dense_network([1, 50, 1], activation="tanh", rng=np.random.default_rng(0))
        >>> x = np.linspace(-2, 2, 256)[:, None]
        >>> print(gradient_autocorrelation(network, x)[:3].round(2))
        [1.   0.99 0.97]
    """
    instance(network, "network", Sequential)
    record = network.record(floats(x, "x", ndim=2))
    g = record.backward(np.ones_like(record.output)).input
    g = g - centered * g.mean(axis=0)
    products = np.array([np.vdot(g[: len(g) - k], g[k:]) for k in range(len(g))], g.dtype)
    with np.errstate(invalid="ignore"):
        return np.asarray(products / products[0])
