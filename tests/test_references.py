"""`vanishing` agrees with PyTorch: with stored values, and with itself where installed."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from references import DATA, MODULES, cases, stored

CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_the_stored_values_of_pytorch_are_met(name):
    inputs, expected = stored(name)
    assert expected, f"nothing is stored for {name}: run python tests/references/make.py"
    CASES[name].agree(CASES[name].ours(inputs), expected)


@pytest.fixture(scope="module")
def torch():
    torch = pytest.importorskip(
        "torch", reason="PyTorch is not installed: the stored values alone are compared with"
    )
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    return torch


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_pytorch_itself_is_met_on_fresh_inputs(torch, name, seed):
    inputs = CASES[name].draw(np.random.default_rng(seed))
    torch.manual_seed(seed)
    CASES[name].agree(CASES[name].ours(inputs), CASES[name].pytorch(torch, inputs))


def test_a_disagreement_is_seen():
    for name, case in CASES.items():
        inputs, expected = stored(name)
        ours = case.ours(inputs)
        for key, value in expected.items():
            with pytest.raises(AssertionError):
                case.agree(ours, expected | {key: 1.001 * value + 1e-3})


def test_what_is_stored_belongs_to_a_case():
    assert {path.stem for path in DATA.glob("*.npz")} == set(MODULES)
    for module in MODULES:
        with np.load(DATA / f"{module}.npz") as file:
            held = {f"{module}/{key.rsplit('/', 2)[0]}" for key in file}
        assert held == {name for name in CASES if name.startswith(f"{module}/")}
