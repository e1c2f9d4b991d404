"""Growth of the measurement's cost with the depth: `python tests/benchmarks/depth.py`.

Processor time per layer, which does not depend on the depth if time is linear in it, and the peak
of the memory that `vanishing.measure` takes (tracemalloc) over the bytes of the arrays that a
backward pass needs: what the layers keep.
"""

from __future__ import annotations

import os
import statistics
import time
import tracemalloc

os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")

import numpy as np

import vanishing as vn

DEPTHS, WIDTHS, BATCH, REPEATS = (100, 1_000, 10_000), (32, 64), 64, 5


def seconds(network, x, target):
    start = time.process_time()
    vn.measure(network, x, target)
    return time.process_time() - start


def kept(network, x):
    """The bytes of all memories; an array that two layers keep counts once."""
    memories = {id(memory): memory for memory in network.record(x).memories}
    return sum(memory.nbytes for memory in memories.values() if memory is not x)


def peak(network, x, target):
    """The most bytes that a measurement held at once."""
    tracemalloc.start()
    vn.measure(network, x, target)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def main():
    print(f"tanh, batch {BATCH}, float32, one thread, numpy {np.__version__}")
    print(
        f"{'width':>5} {'depth':>6} {'time':>11} {'per layer':>11} {'ratio':>6} "
        f"{'peak':>10} {'peak/kept':>10}"
    )
    for width in WIDTHS:
        first = None
        for depth in DEPTHS:
            rng = np.random.default_rng(0)
            network = vn.dense_network(
                [width] * (depth + 1), activation="tanh", rng=rng, dtype=np.float32
            )
            x, target = (
                rng.standard_normal((BATCH, width)).astype(np.float32),
                rng.integers(width, size=BATCH),
            )
            whole = statistics.median(seconds(network, x, target) for _ in range(REPEATS))
            first, most = first or whole / depth, peak(network, x, target)
            print(
                f"{width:5d} {depth:6d} {whole * 1e3:8.0f} ms {whole / depth * 1e6:8.1f} us "
                f"{whole / depth / first:6.2f}"
                f" {most / 1e6:7.1f} MB {most / kept(network, x):10.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
