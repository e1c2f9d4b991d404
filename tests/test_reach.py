"""The scripts that run pages again find the claims that reach too far, and only those."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
PAGE = """# Blobs

```python
import numpy as np
import vanishing as vn

x, labels = vn.blobs(rng=np.random.default_rng(0))


def learned(learning_rate, epochs):
    network = vn.dense_network([2, 8, 3], activation="tanh", rng=np.random.default_rng(1))
    optimizer = vn.SGD(learning_rate)
    return vn.train(network, x, labels, optimizer=optimizer, epochs=epochs, batch_size=len(x),
                    rng=np.random.default_rng(2))


network, history = learned(1e-3, 20)
fell = history.loss[0] - history.loss[-1]
start = vn.dense_network([2, 8, 3], activation="tanh", rng=np.random.default_rng(1))
both = vn.SideBySide([start, start], [vn.SGD(1e-3), vn.SGD(2e-3)])
for _ in range(20):
    both.epoch(x, labels, batch_size=len(x), rng=np.random.default_rng(2))
moved = vn.rms(both.networks[0].layers[0].weight - start.layers[0].weight)
```

<!-- invisible-code-block: python
assert len(history.loss) == 21
assert fell < 0.06
assert network.layers[0].weight.size == 16
assert np.isfinite(fell)
assert moved < 0.02
-->
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    page = tmp_path_factory.mktemp("reach") / "page.md"
    page.write_text(PAGE, "utf-8")

    def says(script):
        command = [sys.executable, TESTS / script, page]
        done = subprocess.run(command, capture_output=True, text=True)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout.replace(str(page), "page.md")

    return says


def test_a_claim_beyond_its_budget_rate_or_width_is_named_with_its_line(found):
    status, said = found("reach.py")
    assert status == 1
    budget = "page.md:28: with budget × 10, rates × 10:\n    assert fell < 0.06\n"
    width = "page.md:29: with widths × 0.5, widths × 2:\n    assert network.layers[0]"
    beside = "page.md:31: with budget × 10, rates × 10:\n    assert moved < 0.02\n"
    assert budget in said and width in said and beside in said
    assert said.count("page.md:") == 3


def test_a_claim_that_other_streams_keep_passes(found):
    status, said = found("seeds.py")
    assert (status, said) == (0, "0 assertions depend on the streams\n")
