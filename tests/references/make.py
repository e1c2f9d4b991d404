"""Store PyTorch's answers: `python tests/references/make.py [MODULE ...]`.

PyTorch 2.13 for the CPU is to be installed.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from references import DATA, MODULES, cases


def main(modules):
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is not installed: pip install torch==2.13.0")
    if not torch.__version__.startswith("2.13."):
        sys.exit(f"PyTorch is {torch.__version__}; the stored values come from 2.13")
    if unknown := set(modules) - set(MODULES):
        sys.exit(f"no module {sorted(unknown)}; known: {MODULES}")
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    for module in modules or MODULES:
        arrays = {}
        for name, case in cases().items():
            if name.startswith(f"{module}/"):
                inputs = case.draw(np.random.default_rng(0))
                torch.manual_seed(0)
                outputs = case.pytorch(torch, inputs)
                _, _, short = name.partition("/")
                arrays |= {f"{short}/inputs/{key}": value for key, value in inputs.items()}
                arrays |= {f"{short}/outputs/{key}": value for key, value in outputs.items()}
        np.savez_compressed(DATA / f"{module}.npz", **arrays)
        print(f"{module}: {(DATA / f'{module}.npz').stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
