"""Time of the per-layer gradient measurement, against the floor and against PyTorch's autograd.

    python tests/benchmarks/measurement.py --activations sigmoid tanh relu

The measurement is `vanishing.measure`: one forward and one backward pass with all gradients, and
then every rms, norm and fraction of every layer. The floor is the mathematics that it cannot do
without: per layer the three matrix products h W^T, delta W and delta^T h, the activation at h W^T +
b, and its slope times the gradient, for the same shapes and dtype. It is the fastest
straightforward NumPy of this mathematics: every result goes into a buffer that was allocated
before, the slope is computed from h, there is no gradient of the bias, no check, no loss, no rms.
That it computes the same network is asserted before it is timed.

PyTorch, where it is installed, computes the norms of delta_l, dL/dW_l and dL/db_l for every l, and
nothing else: one forward pass, the loss, `torch.autograd.grad` for the z_l, W_l and b_l, and one
fused call for all norms. No rms of h or z, no fractions, no care for squares outside the range of
the dtype. That it finds the same norms is asserted, too. `norms` computes just these with the
package: `forward`, `backward`, and a norm for each array.

All run on one thread, in turns, so that they see the same machine. The time is that of the
processor, which other processes change less than that of the clock; ratios are medians of the
rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")

import numpy as np

import vanishing as vn
from vanishing.measurement.measurements import norm

try:
    import torch
except ImportError:
    torch = None

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


FORMULAS = {
    "sigmoid": (sigmoid, sigmoid_back),
    "tanh": (tanh, tanh_back),
    "relu": (relu, relu_back),
}


def floor_of(
    network: vn.Sequential, x: np.ndarray, d_output: np.ndarray, activation: str
) -> Callable[[], None]:
    """The bare products and activation evaluations of one forward and one backward pass."""
    value, pull_back = FORMULAS[activation]
    affine = [layer for layer in network.layers if isinstance(layer, vn.Linear)]
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
    record = network.record(x)
    expected = record.backward(d_output)
    for name, ours, theirs in (
        ("h", h[-1], record.output),
        ("dL/dW_1", gradients[0], expected.weight[0]),
    ):
        error = vn.rms(ours - theirs) / vn.rms(theirs)
        assert error < 1e4 * np.finfo(x.dtype).eps, f"the floor's {name} is off by {error:.1e}"
    return run


def norms_of(network: vn.Sequential, x: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The numbers that `autograd_of` gives, by the package."""
    record = network.record(x)
    gradients = record.backward(vn.softmax_cross_entropy.gradient(record.output, target))
    return np.array([norm(array) for array in gradients.delta + gradients.weight + gradients.bias])


def autograd_of(
    network: vn.Sequential, x: np.ndarray, target: np.ndarray, activation: str
) -> Callable[[], np.ndarray]:
    """The norms of delta_l, dL/dW_l and dL/db_l for l = 1 ... L by PyTorch."""
    torch.set_num_threads(1)
    affine = [layer for layer in network.layers if isinstance(layer, vn.Linear)]
    weights = [torch.tensor(layer.weight, requires_grad=True) for layer in affine]
    biases = [torch.tensor(layer.bias, requires_grad=True) for layer in affine]
    h_0, labels, phi = torch.tensor(x), torch.tensor(target), getattr(torch, activation)

    def run() -> np.ndarray:
        h, z = h_0, []
        for weight, bias in zip(weights, biases, strict=True):
            z.append(torch.nn.functional.linear(h, weight, bias))
            h = phi(z[-1])
        loss = torch.nn.functional.cross_entropy(h, labels)
        return torch.stack(
            torch._foreach_norm(torch.autograd.grad(loss, z + weights + biases))
        ).numpy()

    expected = norms_of(network, x, target)
    seen = (
        expected > np.sqrt(np.finfo(x.dtype).tiny) * x.size
    )  # below, the squares of PyTorch's norm underflow
    np.testing.assert_allclose(run()[seen], expected[seen], rtol=1e4 * np.finfo(x.dtype).eps)
    return run


def seconds(function: Callable[[], object]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def compare(width: int, activation: str, dtype: type, repeats: int) -> list[list[float]]:
    """Seconds per round: measurement, norms alone, floor, and PyTorch if it is there."""
    rng = np.random.default_rng(0)
    network = vn.dense_network(
        [width] * (DEPTH + 1),
        activation=activation,
        output_activation=activation,
        rng=rng,
        dtype=dtype,
    )
    x = rng.standard_normal((BATCH, width)).astype(dtype)
    target = rng.integers(width, size=BATCH)
    output = network.record(x).output
    runs = [
        partial(vn.measure, network, x, target),
        partial(norms_of, network, x, target),
        floor_of(network, x, vn.softmax_cross_entropy.gradient(output, target), activation),
    ] + ([autograd_of(network, x, target, activation)] if torch else [])
    runs[0]()
    return [[seconds(run) for run in runs] for _ in range(repeats)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--activations", nargs="+", choices=FORMULAS, default=["sigmoid"])
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    names = ["measure", "norms", "floor"] + ["PyTorch"] * bool(torch)
    compared = [("floor", "measure")] + [("PyTorch", "measure"), ("PyTorch", "norms")] * bool(torch)
    print(f"depth {DEPTH}, batch {BATCH}, one thread, numpy {np.__version__}", end=", ")
    print(f"PyTorch {torch.__version__}" if torch else "PyTorch is not installed: the floor alone")
    headings = [*names, *(f"{over}/{under}" for over, under in compared)]
    print(
        f"{'activation':10} {'dtype':8} {'width':>5}", *(f"{heading:>15}" for heading in headings)
    )
    for activation in options.activations:
        for dtype in (np.float32, np.float64):
            for width in options.widths:
                rounds = [
                    dict(zip(names, row))
                    for row in compare(width, activation, dtype, options.repeats)
                ]
                times = [
                    f"{statistics.median(row[name] for row in rounds) * 1e3:12.1f} ms"
                    for name in names
                ]
                ratios = [
                    f"{statistics.median(row[over] / row[under] for row in rounds):15.2f}"
                    for over, under in compared
                ]
                print(f"{activation:10} {dtype.__name__:8} {width:5d}", *times, *ratios, flush=True)


if __name__ == "__main__":
    main()
