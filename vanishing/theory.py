"""What mean-field and random-matrix theory predict: quadrature and sums; no network runs here.

Used as `from vanishing import theory`. Throughout, z ~ N(0, q), Var(W) = sigma_w^2 / fan_in,
Var(b) = sigma_b^2, and phi is the `activation`, given by its name or as an `Activation`. Dropout
with rate p replaces sigma_w^2 by sigma_w^2 / (1 - p), in variances and in chi: the critical weights
are smaller by the factor sqrt(1 - p) (Pretorius et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from vanishing._validation import Array, number, size
from vanishing.nn.activations import Activation, activation as activation_of

__all__ = [
    "batch_norm_growth",
    "chi",
    "correlation_fixed_point",
    "correlation_map",
    "critical_sigma_w",
    "depth_scales",
    "gaussian_mean",
    "linear_jacobian_edge",
    "log_normal_law",
    "mean_singular_value",
    "path_lengths",
    "random_product_growth",
    "recurrent_growth",
    "variance_fixed_point",
    "variance_map",
]

Function = Callable[[Array], Array]

# Bounds of the search for q*: a variance below LEAST counts as 0, one above MOST as infinite.
LEAST = 1e-30
MOST = 1e12
# chi jumps where it changes by more than JUMP from sigma_w (1 - NEAR) to sigma_w (1 + NEAR).
NEAR = 1e-10
JUMP = 1e-3
# Points of a panel in the plane, where they count twice: more of them change no digit that counts.
PAIR_POINTS = 12
# The variance counts as fixed where it changes by less than this part of itself per layer.
STEADY = 1e-12


_gauss_legendre = cache(np.polynomial.legendre.leggauss)


def _panels(edges: Array, points: int = 16) -> tuple[Array, Array]:
    """Nodes and weights of the Gauss-Legendre rule between neighbouring edges, on the last axis."""
    nodes, weights = _gauss_legendre(points)
    edges = np.sort(edges)
    half = np.diff(edges)[..., None] / 2
    shape = (*edges.shape[:-1], -1)
    return (
        (edges[..., :-1, None] + half * (1 + nodes)).reshape(shape),
        (half * weights).reshape(shape),
    )


def _normal_rule(mean: Array, sigma: float, points: int = 16) -> tuple[Array, Array]:
    """Nodes z and weights w on a new last axis: E f(z) = sum w f(z) for z ~ N(mean, sigma^2)."""
    # Take the limit for sigma = 0: half of z lies on either side of a kink at the mean.
    sigma = max(sigma, 1e-150)
    # End panels at the kinks of activations, 0 and +-1, and at powers of 4: phi varies most near 0.
    features = np.concatenate([[0.0], *np.multiply.outer([-1, 1], 4.0 ** np.arange(-3, 6))])
    kinks = np.clip((features - mean[..., None]) / sigma, -9, 9)
    # Keep every panel within 1.5 sigma, over which the density is smooth.
    even = np.broadcast_to(np.arange(-9, 10, 1.5), (*mean.shape, 13))
    t, weights = _panels(np.concatenate([kinks, even], axis=-1), points)
    return mean[..., None] + sigma * t, weights * np.exp(-t * t / 2) / math.sqrt(2 * math.pi)


def _mean(f: Function, variance: float) -> float:
    """E f(z) for z ~ N(0, variance)."""
    z, weights = _normal_rule(np.zeros(()), math.sqrt(variance))
    return float(f(z) @ weights)


def _pair_mean(f: Function, variance: float, c: float) -> float:
    """E f(u) f(v) for u, v ~ N(0, variance) of correlation c."""
    u, weights = _normal_rule(np.zeros(()), math.sqrt(variance), PAIR_POINTS)
    in_use = weights > 0  # Pass over panels without a width, for each of which a row would follow.
    u, weights = u[in_use], weights[in_use]
    # v given u ~ N(c u, (1 - c^2) variance)
    v, inner = _normal_rule(c * u, math.sqrt((1 - c) * (1 + c) * variance), PAIR_POINTS)
    return float((f(u) * (f(v) * inner).sum(axis=-1)) @ weights)


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Where the excess changes sign, positive at `low` and not at `high`: 48 bisections in log."""
    for _ in range(48):
        middle = math.sqrt(low * high)
        if excess(middle) > 0:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)


def _checked(
    activation: str | Activation, sigma_w: float, sigma_b: float = 0.0
) -> tuple[Activation, float, float]:
    """The activation itself and both deviations, checked."""
    return (
        activation_of(activation),
        number(sigma_w, "sigma_w", above=0),
        number(sigma_b, "sigma_b", least=0),
    )


def gaussian_mean(f: Function, variance: float) -> float:
    """E f(z) for z ~ N(0, variance), by deterministic quadrature.

    Gauss-Legendre panels end in the scale of z (0, +-1, and powers of 4 about them) and of sigma.
    For variances from 1e-8 to 1e6 and f = phi, phi^2, phi'^2 of every activation of the package the
    error is below 1e-10 of the value, or of the root mean square where positive and negative parts
    cancel. A jump of f elsewhere costs digits. The variance 0 stands for its limit from above.

    Args:
        f: takes an array of z, gives an array of that shape.
        variance: of z, at least 0.

    Examples:
        >>> print(round(gaussian_mean(np.cos, 1.0), 9), round(math.exp(-0.5), 9))
        0.60653066 0.60653066
    """
    if not callable(f):
        raise TypeError(f"f is {f!r}; a function of an array is expected")
    return _mean(f, number(variance, "variance", least=0))


def variance_map(
    q: float, activation: str | Activation, *, sigma_w: float, sigma_b: float
) -> float:
    """The variance of a wide layer's preactivations, given the variance q of those before.

    V(q) = sigma_w^2 E[phi(z)^2] + sigma_b^2 (Poole et al. 2016).

    Args:
        q: variance of the preactivations before, at least 0.
        activation: phi, or its name.
        sigma_w: of the weights, above 0.
        sigma_b: of the biases, at least 0.

    Examples:
        >>> print(round(variance_map(3.0, "relu", sigma_w=2**0.5, sigma_b=0.0), 9))
        3.0
    """
    return _variance_map(*_checked(activation, sigma_w, sigma_b), number(q, "q", least=0))


def _variance_map(phi: Activation, sigma_w: float, sigma_b: float, q: float) -> float:
    return sigma_w**2 * _mean(lambda z: phi.formula(z) ** 2, q) + sigma_b**2


def variance_fixed_point(activation: str | Activation, *, sigma_w: float, sigma_b: float) -> float:
    """q*, the variance with V(q) = q: what deep layers tend to when the first has q = 1.

    0 if the variance dies out (below 1e-30), infinity if it grows without bound (above 1e12), and 1
    itself if V(1) = 1, as for ReLU with He's sigma_w^2 = 2, where every q is fixed.

    Args:
        activation: phi, or its name.
        sigma_w: of the weights, above 0.
        sigma_b: of the biases, at least 0.

    Examples:
        >>> print(round(variance_fixed_point("tanh", sigma_w=1.76**0.5, sigma_b=0.05**0.5), 3))
        0.569
    """
    return _variance_fixed_point(*_checked(activation, sigma_w, sigma_b))


def _variance_fixed_point(phi: Activation, sigma_w: float, sigma_b: float) -> float:
    def excess(q: float) -> float:
        return _variance_map(phi, sigma_w, sigma_b, q) / q - 1

    start = excess(1.0)
    if abs(start) < STEADY:
        return 1.0
    # Double q while V(q) > q, or halve it while V(q) < q, until the sign changes.
    direction = math.copysign(1, start)
    q = 1.0
    while LEAST < q < MOST:
        previous = q
        q *= 2**direction
        if direction * excess(q) < -STEADY:
            return _root(excess, min(previous, q), max(previous, q))
    return math.inf if direction > 0 else 0.0


def chi(activation: str | Activation, *, sigma_w: float, q: float) -> float:
    """The factor on the mean square of delta per layer going back, dimensionless.

    chi = sigma_w^2 E[phi'(z)^2] (Poole et al. 2016; Schoenholz et al. 2017). Below 1 gradients
    vanish, above 1 they explode. The variance 0 stands for its limit from above.

    Args:
        activation: phi, or its name.
        sigma_w: of the weights, above 0.
        q: variance of the preactivations, at least 0.

    Examples:
        >>> print(round(chi("sigmoid", sigma_w=1.0, q=0.0), 9))
        0.0625
    """
    phi, sigma_w, _ = _checked(activation, sigma_w)
    return _chi(phi, sigma_w, number(q, "q", least=0))


def _chi(phi: Activation, sigma_w: float, q: float) -> float:
    return sigma_w**2 * _mean(lambda z: phi.derivative_formula(z) ** 2, q)


def _chi_at_fixed_point(phi: Activation, sigma_w: float, sigma_b: float) -> float:
    """chi at q*, or at the largest variance of the search if q* is infinite."""
    return _chi(phi, sigma_w, min(_variance_fixed_point(phi, sigma_w, sigma_b), MOST))


def critical_sigma_w(activation: str | Activation, *, sigma_b: float) -> float:
    """The sigma_w at which chi = 1 at the fixed point q*: on the edge of chaos for this sigma_b.

    The search runs between 0.001 and 1000, where chi is to pass through 1 once. For an infinite q*
    chi is that of q = 1e12.

    Args:
        activation: phi, or its name.
        sigma_b: of the biases, at least 0.

    Raises:
        ValueError: chi is not below 1 at 0.001 and above 1 at 1000, or it jumps over 1 with q*, as
            for GELU, SiLU and Mish without biases.

    Examples:
        >>> print(round(critical_sigma_w("tanh", sigma_b=0.05**0.5) ** 2, 2))
        1.76
    """
    phi, _, sigma_b = _checked(activation, 1.0, sigma_b)

    def distance(sigma_w: float) -> float:
        return 1 - _chi_at_fixed_point(phi, sigma_w, sigma_b)

    start = f"activation {phi.name} at sigma_b = {sigma_b:g} has no critical sigma_w"
    if not distance(1e-3) > 0 > distance(1e3):
        raise ValueError(f"{start}; one is expected")
    critical = _root(distance, 1e-3, 1e3)
    above, below = (1 - distance(critical * factor) for factor in (1 + NEAR, 1 - NEAR))
    if above - below > JUMP:
        jump = f"at {critical:.4g}, where q* jumps, chi goes from {below:.3f} to {above:.3f}"
        raise ValueError(f"{start}: {jump}; a chi that passes through 1 is expected")
    return critical


def correlation_map(
    c: float, activation: str | Activation, *, sigma_w: float, sigma_b: float, q: float
) -> float:
    """The correlation of two inputs' preactivations in a layer, given their c in the layer before.

    C(c) = (sigma_w^2 E[phi(u) phi(v)] + sigma_b^2) / V(q) for u, v ~ N(0, q) of correlation c, so
    that C(1) = 1 (Poole et al. 2016, there at q = q*).

    Args:
        c: correlation in the layer before, from -1 to 1.
        activation: phi, or its name.
        sigma_w: of the weights, above 0.
        sigma_b: of the biases, at least 0.
        q: variance of the preactivations before, above 0, the same for both inputs.

    Examples:
        >>> print(round(correlation_map(0.0, "relu", sigma_w=2**0.5, sigma_b=0.0, q=1.0), 9))
        0.318309886
    """
    if abs(number(c, "c")) > 1:
        raise ValueError(f"c is {c!r}; a number from -1 to 1 is expected")
    after = _correlation_map(*_checked(activation, sigma_w, sigma_b), number(q, "q", above=0), c)
    # Rounding may lead beyond 1, where there is no correlation to go on with.
    return max(-1.0, min(after, 1.0))


def _correlation_map(phi: Activation, sigma_w: float, sigma_b: float, q: float, c: float) -> float:
    covariance = sigma_w**2 * _pair_mean(phi.formula, q, c) + sigma_b**2
    return covariance / _variance_map(phi, sigma_w, sigma_b, q)


def correlation_fixed_point(
    activation: str | Activation, *, sigma_w: float, sigma_b: float
) -> float:
    """c*, the correlation that two inputs tend to in deep layers at q = q*.

    1 in the ordered phase and on the critical line, less where chi > 1 (Schoenholz et al. 2017).

    Args:
        activation: phi, or its name.
        sigma_w: of the weights, above 0.
        sigma_b: of the biases, at least 0.

    Raises:
        ValueError: q* is 0 or infinite.

    Examples:
        >>> print(round(correlation_fixed_point("tanh", sigma_w=2.0, sigma_b=0.3), 3))
        0.264
    """
    return _fixed_points(*_checked(activation, sigma_w, sigma_b))[1]


def _fixed_points(phi: Activation, sigma_w: float, sigma_b: float) -> tuple[float, float]:
    """q* and c*."""
    q = _variance_fixed_point(phi, sigma_w, sigma_b)
    if not 0 < q < math.inf:
        raise ValueError(
            f"sigma_w = {sigma_w:g}, sigma_b = {sigma_b:g} give q* = {q:g}; "
            "0 < q* < infinity is expected"
        )

    def excess(distance: float) -> float:
        return 1 - distance - _correlation_map(phi, sigma_w, sigma_b, q, 1 - distance)

    # C is convex and C(1) = 1: C passes below the diagonal next to c = 1 if and only if chi > 1.
    if excess(1e-8) > 0:
        return q, 1 - _root(excess, 1e-8, 1.0)
    return q, 1.0


def depth_scales(
    activation: str | Activation, *, sigma_w: float, sigma_b: float
) -> tuple[float, float]:
    """(xi_q, xi_c), the numbers of layers in which q_l - q* and c_l - c* fall by a factor e.

    xi_q = -1 / ln V'(q*) with V'(q) = sigma_w^2 E[z phi(z) phi'(z)] / q, and xi_c = -1 / ln C'(c*)
    with C'(c) = sigma_w^2 E[phi'(u) phi'(v)] (Schoenholz et al. 2017; V' there with phi'', which
    Stein's identity removes). Infinite where the slope is 1: at c* = 1 the slope C' is chi, so that
    xi_c diverges at the critical line.

    Args:
        activation: phi, or its name.
        sigma_w: of the weights, above 0.
        sigma_b: of the biases, at least 0.

    Raises:
        ValueError: q* is 0 or infinite.

    Examples:
        >>> print(*[round(xi, 2) for xi in depth_scales("tanh", sigma_w=1.0, sigma_b=0.3)])
        1.34 2.81
    """
    phi, sigma_w, sigma_b = _checked(activation, sigma_w, sigma_b)
    q, c = _fixed_points(phi, sigma_w, sigma_b)
    variance_slope = _mean(lambda z: z * phi.formula(z) * phi.derivative_formula(z), q) / q
    correlation_slope = _pair_mean(phi.derivative_formula, q, c)
    return _layers_per_e(sigma_w**2 * variance_slope), _layers_per_e(sigma_w**2 * correlation_slope)


def _layers_per_e(slope: float) -> float:
    """-1 / ln |slope|, the number of layers in which slope^l falls by a factor e."""
    if abs(slope) > 1 - STEADY:
        return math.inf
    return -1 / math.log(abs(slope) or math.ulp(0.0))


def recurrent_growth(
    activation: str | Activation, *, sigma_w: float, input_variance: float
) -> float:
    """The factor on the mean square of delta per step back in time, in a wide RNN at its start.

    chi at the stationary variance q* = sigma_w^2 E[phi(z)^2] + input_variance of
    z_t = h_{t-1} R^T + x_t W^T + b. One R serves all steps, which changes nothing as long as the
    width is large against the number of steps (Chen et al. 2018).

    Args:
        activation: phi, or its name.
        sigma_w: of the recurrent weights R, above 0.
        input_variance: of x_t W^T + b, the part of input and bias in each step, at least 0.

    Examples:
        >>> print(round(recurrent_growth("identity", sigma_w=0.9, input_variance=1.0), 9))
        0.81
    """
    input_deviation = math.sqrt(number(input_variance, "input_variance", least=0))
    return _chi_at_fixed_point(*_checked(activation, sigma_w, input_deviation))


def batch_norm_growth(batch: int, activation: str | Activation) -> float:
    """The factor on the squared norm of delta per layer of z = h W^T, u = BN(z), h = phi(u).

    For wide layers at their start (Yang et al. 2019). Deep in the network the values u of a unit
    over the batch of size B are uniform on the sphere |u|^2 = B in the hyperplane sum(u) = 0. With
    D = diag(phi'(u)), G = I - 11^T/B and P, which projects out 1 and u,

        growth = B / (B - 3) * E tr(P D G D P) / E[phi(u)^T G phi(u)].

    B / (B - 3) is E[B / chi^2_{B-1}], from the division by the deviation of z. The traces need the
    joint law of two of the B coordinates only. The identity gives (B - 2) / (B - 3), ReLU tends to
    pi / (pi - 1). Neither sigma_w nor the scale of phi matters.

    Args:
        batch: B, at least 4: for 3 the mean is infinite.
        activation: phi, or its name.

    Examples:
        >>> print(round(batch_norm_growth(8, "identity"), 9))
        1.2
        >>> print(round(batch_norm_growth(1000, "relu"), 3))
        1.469
    """
    batch = size(batch, "batch", least=4)
    phi = activation_of(activation)
    u, v, weights = _two_of_a_batch(batch)
    phi_u = phi.formula(u)
    slope_u = phi.derivative_formula(u)
    slope_v = phi.derivative_formula(v)
    # Subtract from the trace of D G D its parts along 1 and along u, which P projects out. All
    # three, and the variance below, are per coordinate and over 1 - 1/B.
    along_one = slope_u * (slope_u - slope_v)
    along_u = u * slope_u * (u * slope_u - v * slope_v)
    trace = slope_u**2 - (along_one + along_u) / batch
    variance = phi_u * (phi_u - phi.formula(v))
    return float(batch / (batch - 3) * (weights * trace).sum() / (weights * variance).sum())


def _two_of_a_batch(batch: int) -> tuple[Array, Array, Array]:
    """Nodes u, v of two coordinates on the sphere of `batch_norm_growth`, and their weights.

    u, v = sqrt(B - 1) sin(beta) cos(alpha), ... cos(alpha - angle), where the direction alpha is
    uniform and beta has the density cos(beta)^(B - 4) sin(beta).
    """
    angle = math.acos(-1 / (batch - 1))
    right = math.pi / 2
    # End panels where u or v changes its sign.
    zeros_of_v = [angle - right, angle + right]
    alpha, around = _panels(np.append(np.linspace(0, 4 * right, 13), zeros_of_v))
    beta, outwards = _panels(np.minimum([*np.arange(13) / math.sqrt(batch), right], right))
    radius = math.sqrt(batch - 1) * np.sin(beta)
    density = outwards * np.cos(beta) ** (batch - 4) * np.sin(beta)
    u = np.multiply.outer(radius, np.cos(alpha))
    v = np.multiply.outer(radius, np.cos(alpha - angle))
    return u, v, np.multiply.outer(density, around)


def log_normal_law(widths: Sequence[int]) -> tuple[float, float]:
    """(mean, variance) of the log of the squared gradient norm, for ReLU and He's weights.

    They are -beta / 2 and beta with beta = 5 sum 1/n_l over the widths n_l of the ReLU layers that
    the gradient passes (Hanin & Nica 2020); the norm counts in units of its root mean square.
    Exact, for Gaussian weights without bias, is that the square is a product of independent
    (2/n_l) chi^2_K, K ~ Binomial(n_l, 1/2), each of mean 1 and variance 5/n_l. The log of the
    product is normal, with this mean and variance, up to terms of the order of sum 1/n_l^2, and
    given that no layer is dead (K = 0).

    Args:
        widths: n_l, one or more.

    Examples:
        >>> log_normal_law([50] * 100)
        (-5.0, 10.0)
    """
    if np.ndim(widths) != 1 or not len(widths):
        raise ValueError(f"widths is {widths!r}; a list of one width or more is expected")
    beta = math.fsum(5 / size(width, f"widths[{l}]") for l, width in enumerate(widths))
    return -beta / 2, beta


def random_product_growth(n: int) -> float:
    """The growth of a product of Gaussian n x n matrices with entries N(0, 1), in nats per factor.

    E ln |G v| for a unit vector v = E ln(chi^2_n) / 2 = (ln 2 + psi(n/2)) / 2 (Newman 1986), where
    psi, the digamma function, is -gamma at 1 and -gamma - 2 ln 2 at 1/2, and
    psi(x + 1) = psi(x) + 1/x.

    Args:
        n: rows and columns of each matrix.

    Examples:
        >>> print(round(random_product_growth(2), 6))
        0.057966
    """
    odd = size(n, "n") % 2
    steps = math.fsum(2 / np.arange(2 - odd, n, 2))
    digamma = steps - np.euler_gamma - 2 * math.log(2) * odd
    return (math.log(2) + digamma) / 2


def path_lengths(blocks: int, *, branch: float = 1.0) -> Array:
    """The share of a residual net's paths that take 0, 1, ..., `blocks` branches.

    Each block offers a branch and a skip, so that binomial(blocks, k) of the 2^blocks paths have
    length k (Veit et al. 2016). With `branch` each path counts by the norm that it passes on:
    binomial(blocks, k) branch^k / (1 + branch)^blocks. The shares have shape (blocks + 1,).

    Args:
        blocks: number of residual blocks.
        branch: the factor of one branch on the gradient's norm, the skip's being 1; with 1 all
            paths count alike.

    Examples:
        >>> print(path_lengths(2).round(9), path_lengths(1, branch=0.25).round(9))
        [0.25 0.5  0.25] [0.8 0.2]
    """
    k = np.arange(1, size(blocks, "blocks") + 1)
    ratios = (blocks + 1 - k) / k * number(branch, "branch", above=0)
    # Sum logarithms: binomial(blocks, k) overflows beyond 1029 blocks.
    logs: Array = np.cumsum([0, *np.log(ratios)])
    shares: Array = np.exp(logs - np.logaddexp.reduce(logs))
    return shares


def mean_singular_value(n: int, variance: float) -> float:
    """The mean singular value of a large n x n matrix of independent entries of that variance.

    8 / (3 pi) sqrt(n variance), the mean of the quarter-circle law between 0 and
    2 sqrt(n variance).

    Args:
        n: rows and columns.
        variance: of an entry, at least 0.

    Examples:
        >>> print(round(mean_singular_value(100, 0.01), 3))
        0.849
    """
    return 8 / (3 * math.pi) * math.sqrt(size(n, "n") * number(variance, "variance", least=0))


def linear_jacobian_edge(depth: int) -> float:
    """The largest eigenvalue of J J^T for the product J of `depth` wide Gaussian layers.

    (L + 1)^(L + 1) / L^L, about e (L + 1/2), for sigma_w = 1; the largest singular value of J is
    its root (Pennington et al. 2017).

    Args:
        depth: L.

    Examples:
        >>> linear_jacobian_edge(1)
        4.0
    """
    return (size(depth, "depth") + 1) * (1 + 1 / depth) ** depth
