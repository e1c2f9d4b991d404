"""Time of the per-layer gradient measurement against the floor, in one run: `python tests/benchmarks/measurement.py`.

The measurement is `vanishing.measure`: one forward and one backward pass with all gradients, and then every rms, norm
and fraction of every layer. The floor is the mathematics that it cannot do without: per layer the three matrix products
h W^T, delta W and delta^T h, the activation at h W^T + b, and its slope times the gradient, for the same shapes and
dtype. It is the fastest straightforward NumPy of this mathematics: every result goes into a buffer that was allocated
before, the slope is computed from h, there is no gradient of the bias, no check, no loss, no rms. That it computes the
same network is asserted before it is timed. Each pair is run in turns, so that both see the same machine, and the ratio
is the median of the pairs' ratios.

The ratio depends on how many threads the BLAS takes, because they speed up the products alone: compare with
OPENBLAS_NUM_THREADS=1. On a busy machine only one thread gives numbers that repeat.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

import vanishing as vn

DEPTH, BATCH = 50, 256
WIDTHS = (32, 64, 128, 256, 512)


def sigmoid(z, h, scratch):
    np.negative(z, out=h)
    np.exp(h, out=h)
    np.add(h, 1, out=h)
    np.divide(1, h, out=h)


def sigmoid_back(d, h, scratch):
    np.subtract(1, h, out=scratch)
    np.multiply(scratch, h, out=scratch)
    np.multiply(d, scratch, out=d)


def tanh(z, h, scratch):
    np.tanh(z, out=h)


def tanh_back(d, h, scratch):
    np.multiply(h, h, out=scratch)
    np.subtract(1, scratch, out=scratch)
    np.multiply(d, scratch, out=d)


def relu(z, h, scratch):
    np.clip(z, 0, np.inf, out=h)


def relu_back(d, h, scratch):
    np.multiply(d, h > 0, out=d)


FORMULAS = {"sigmoid": (sigmoid, sigmoid_back), "tanh": (tanh, tanh_back), "relu": (relu, relu_back)}


def floor_of(network: vn.Network, x: np.ndarray, d_output: np.ndarray, activation: str) -> Callable[[], None]:
    """The bare products and activation evaluations of one forward and one backward pass."""
    value, pull_back = FORMULAS[activation]
    affine = [layer for layer in network.layers if isinstance(layer, vn.Affine)]
    weights, biases = [layer.weight for layer in affine], [layer.bias for layer in affine]
    z = [np.empty_like(x) for _ in weights]
    h = [x] + [np.empty_like(x) for _ in weights]
    d = [np.empty_like(x) for _ in range(len(weights) + 1)]
    gradients = [np.empty_like(weight) for weight in weights]
    scratch = np.empty_like(x)

    def run() -> None:
        for layer, weight in enumerate(weights):
            np.matmul(h[layer], weight.T, out=z[layer])
            np.add(z[layer], biases[layer], out=z[layer])
            value(z[layer], h[layer + 1], scratch)
        d[-1][...] = d_output
        for layer in range(len(weights) - 1, -1, -1):
            delta = d[layer + 1]
            pull_back(delta, h[layer + 1], scratch)
            np.matmul(delta.T, h[layer], out=gradients[layer])
            np.matmul(delta, weights[layer], out=d[layer])

    run()
    record = network.forward(x)
    expected = network.backward(record, d_output)
    for name, ours, theirs in (("h", h[-1], record.output), ("dL/dW_1", gradients[0], expected.weight[0])):
        error = vn.rms(ours - theirs) / vn.rms(theirs)
        assert error < 1e4 * np.finfo(x.dtype).eps, f"the floor's {name} is off by {error:.1e}"
    return run


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(width: int, activation: str, dtype: type, repeats: int) -> tuple[float, float, float]:
    """Median seconds of the measurement, of the floor, and the median ratio floor / measurement."""
    rng = np.random.default_rng(0)
    network = vn.dense_network(
        [width] * (DEPTH + 1), activation=activation, output_activation=activation, rng=rng, dtype=dtype
    )
    x = rng.standard_normal((BATCH, width)).astype(dtype)
    target = rng.integers(width, size=BATCH)
    output = network.forward(x).output
    floor = floor_of(network, x, vn.softmax_cross_entropy.gradient(output, target), activation)
    measurement = partial(vn.measure, network, x, target)
    measurement()
    pairs = [(seconds(measurement), seconds(floor)) for _ in range(repeats)]
    ratio = statistics.median(bare / whole for whole, bare in pairs)
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs), ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--activations", nargs="+", choices=FORMULAS, default=["sigmoid"])
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    print(f"depth {DEPTH}, batch {BATCH}, numpy {np.__version__}")
    print(f"{'activation':10} {'dtype':8} {'width':>5} {'measure':>10} {'floor':>10} {'floor/measure':>14}")
    for activation in options.activations:
        for dtype in (np.float32, np.float64):
            for width in options.widths:
                whole, bare, ratio = compare(width, activation, dtype, options.repeats)
                times = f"{whole * 1e3:7.1f} ms {bare * 1e3:7.1f} ms {ratio:14.2f}"
                print(f"{activation:10} {dtype.__name__:8} {width:5d} {times}")


if __name__ == "__main__":
    main()
