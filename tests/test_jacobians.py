"""Jacobians: the products against the dense Jacobian and differences, singular values against LAPACK."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vanishing as vn
from vanishing.checking import jacobians

DTYPES = {np.float64: 1e-13, np.float32: 1e-5}


def network_of(widths, activation="tanh", dtype=np.float64, seed=0, **settings):
    rng = np.random.default_rng(seed)
    network = vn.dense_network(widths, activation=activation, rng=rng, dtype=dtype, **settings)
    x, v, u = (
        rng.standard_normal((3, width)).astype(dtype)
        for width in (widths[0], widths[0], widths[-1])
    )
    return network, x, v, u


def linear(matrix):
    return vn.Sequential((vn.Linear(matrix, np.zeros(len(matrix), matrix.dtype)),))


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=4),
    st.sampled_from(["tanh", "relu", "sigmoid"]),
    st.integers(0, 99),
)
def test_the_jacobian_is_the_derivative_of_every_output_by_every_input(widths, activation, seed):
    network, x, *_ = network_of(widths, activation, seed=seed)
    dense = vn.jacobian(network, x)
    assert dense.shape == (3, widths[-1], widths[0])
    for sample, matrix in zip(x, dense, strict=True):
        for k, row in enumerate(matrix):
            gradient = vn.complex_step(lambda a, k=k: network.record(a[None]).output[0, k], sample)
            assert row == pytest.approx(gradient, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("widths", [(4, 7, 7, 3), (3, 5, 6), (2, 2)])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "leaky_relu"])
def test_products_are_those_of_the_dense_jacobian(activation, widths, dtype):
    network, x, v, u = network_of(widths, activation, dtype)
    dense = vn.jacobian(network, x)
    pushed, pulled = vn.jvp(network, x, v), vn.vjp(network, x, u)
    assert dense.dtype == pushed.dtype == pulled.dtype == dtype
    tolerance = DTYPES[dtype]
    np.testing.assert_allclose(
        pushed, np.einsum("bij,bj->bi", dense, v), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(
        pulled, np.einsum("bij,bi->bj", dense, u), rtol=tolerance, atol=tolerance
    )
    assert np.sum(u * pushed) == pytest.approx(np.sum(pulled * v), rel=100 * tolerance)


def test_a_sample_s_jacobian_does_not_depend_on_the_others():
    network, x, *_ = network_of((4, 6, 3), "relu")
    alone = np.concatenate([vn.jacobian(network, row[None]) for row in x])
    np.testing.assert_allclose(vn.jacobian(network, x), alone, rtol=1e-14)


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16])
@pytest.mark.parametrize("widths", [(4, 7, 3), (3, 5, 6), (5, 5), (1, 3, 1)])
def test_singular_values_are_those_of_the_dense_jacobian(widths, dtype):
    network, x, *_ = network_of(widths, dtype=dtype)
    values = vn.singular_values(network, x)
    assert values.dtype == dtype and values.shape == (3, min(widths[0], widths[-1]))
    wide = vn.jacobian(network, x).astype(np.float64)
    expected = np.linalg.svd(wide, compute_uv=False)
    tolerance = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(values, expected, rtol=tolerance, atol=tolerance * expected.max())
    largest, smallest = vn.extreme_singular_values(network, x, rng=np.random.default_rng(1))
    assert largest.dtype == smallest.dtype == dtype
    np.testing.assert_allclose(largest, expected[:, 0], rtol=4 * tolerance)
    np.testing.assert_allclose(smallest, expected[:, -1], atol=4 * tolerance * expected.max())


def rotation(n, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


@pytest.mark.parametrize(
    ("spectrum", "scale"),
    [
        ([1.0] * 20, 1.0),  # one repeated value: every direction is an eigenvector of J^T J
        ([3.0] * 5 + [1e-6] * 15, 1.0),
        ([0.0] * 20, 1.0),
        ([2.0] + [0.0] * 19, 1.0),
        (np.geomspace(1, 1e-12, 20), 1.0),
        (np.linspace(2, 1, 20), 1e-200),  # squares underflow
        (np.linspace(2, 1, 20), 1e200),
    ],
)
def test_repeated_zero_and_tiny_singular_values_are_found(spectrum, scale):
    spectrum = scale * np.asarray(spectrum)
    network, x = linear(rotation(20) * spectrum @ rotation(20, 1)), np.ones((2, 20))
    largest, smallest = vn.extreme_singular_values(network, x, rng=np.random.default_rng(0))
    assert largest == pytest.approx(np.full(2, spectrum.max()), rel=1e-13, abs=0)
    assert np.abs(smallest - spectrum.min()).max() <= 1e-14 * spectrum.max()


@pytest.mark.parametrize("widths", [(30, 50, 40), (40, 50, 30)])
def test_fewer_steps_stay_inside_and_come_closer(widths):
    network, x, *_ = network_of(widths)
    values = vn.singular_values(network, x)
    before = np.zeros(3), np.full(3, np.inf)
    for steps in (1, 2, 5, 10, 20, 29):
        largest, smallest = vn.extreme_singular_values(
            network, x, rng=np.random.default_rng(0), steps=steps
        )
        assert (before[0] <= largest).all() and (largest <= values[:, 0] * (1 + 1e-14)).all()
        assert (before[1] >= smallest).all() and (smallest >= values[:, -1] * (1 - 1e-12)).all()
        before = largest * (1 - 1e-13), smallest * (1 + 1e-13)
        if steps == 10:
            assert largest == pytest.approx(values[:, 0], rel=1e-2)
        if steps == 20:
            assert largest == pytest.approx(values[:, 0], rel=1e-6)
    assert (smallest > 1.001 * values[:, -1]).any()  # the other end needs all of them


def test_a_step_takes_one_product_of_each_kind(monkeypatch):
    network, x, *_ = network_of((6, 8, 7))
    counts = {"jvp": 0, "vjp": 0}
    for name in counts:

        def counted(*arguments, name=name, product=getattr(jacobians, name)):
            counts[name] += 1
            return product(*arguments)

        monkeypatch.setattr(jacobians, name, counted)
    vn.extreme_singular_values(network, x, rng=np.random.default_rng(0), steps=4)
    assert counts == {"jvp": 4, "vjp": 4}


def test_an_overflow_is_named():
    network = linear(np.full((2, 2), 1e200))
    deep = vn.Sequential(network.layers * 2)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="the Jacobian of network holds inf .*expected"),
    ):
        vn.singular_values(deep, np.zeros((1, 2)))


def test_steps_beyond_the_smaller_side_are_refused():
    network, x, *_ = network_of((4, 5, 3))
    with pytest.raises(ValueError, match=r"steps is 4; at most min\(n_0, n_L\) = 3 is expected"):
        vn.extreme_singular_values(network, x, rng=np.random.default_rng(0), steps=4)


def test_a_direction_of_another_shape_or_dtype_is_refused():
    network, x, _, u = network_of((4, 5, 3))
    with pytest.raises(ValueError, match=r"v is float64 \(3, 3\); float64 \(3, 4\) is expected"):
        vn.jvp(network, x, u)
    with pytest.raises(ValueError, match=r"u is float32 \(3, 3\); float64 \(3, 3\) is expected"):
        vn.vjp(network, x, u.astype(np.float32))
