"""Patterns: no wider than they must be, and never those of one sample; when they are used again; Hessians; refusals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import oneform as of
from tests.programs.registry import vec


def pattern(f: Any, *args: Any, argnums: Any = 0) -> list[str]:
    """The pattern as rows of x and dots."""
    return ["".join("x" if on else "." for on in row) for row in of.jacobian(f, argnums=argnums, sparse=True).pattern(*args).toarray()]


def agrees(f: Any, *args: Any) -> None:
    np.testing.assert_allclose(of.jacobian(f, sparse=True)(*args).toarray(), of.jacfwd(f)(*args), rtol=1e-13, atol=1e-13)


def stencil(x):
    out = np.zeros(len(x))
    for i in range(1, len(x) - 1):
        out[i] = x[i - 1] * x[i + 1] + np.sin(x[i])
    return out


def relu(x):
    out = np.zeros(len(x))
    for i in range(len(x) - 1):
        if x[i] > 0.0:
            out[i] = x[i] * x[i + 1]
        else:
            out[i] = x[i]
    return out


def gathered(x, index):
    out = np.empty(len(index))
    for k in range(len(index)):
        out[k] = x[index[k]] ** 2
    return out


def scattered(x, index):
    out = np.zeros(len(x))
    for k in range(len(index)):
        out[index[k]] += x[k] * x[k]
    return out


def in_place(x):
    y = x.copy()
    for i in range(1, len(y)):
        y[i] = y[i] + 0.5 * y[i - 1] ** 2
    return y


def guarded_index(x, n):
    """The index is in range only where the branch is taken."""
    out = np.zeros(len(x))
    for i in range(len(x)):
        if x[i] > -9.0 and i + n < len(x):
            out[i] = x[i + n]
    return out


def newton(x):
    out = np.empty(len(x))
    for i in range(len(x)):
        y = 1.0
        while abs(y * y - x[i]) > 1e-12:
            y = 0.5 * (y + x[i] / y)
        out[i] = y
    return out


def chosen(x):
    k = int(x[0])
    return np.array([x[k] * 2.0, x[1]])


def rounded(x):
    return np.floor(x) + x[::-1] * (x > 0.0)


def matrix(x):
    y = x.reshape(2, 3)
    return y.T @ y[:, :1]


def weighted(x, w):
    out = np.zeros(len(x))
    for i in range(len(x)):
        if w[i] != 0.0:
            out[i] = w[i] * x[i]
    return out


def steps(x, n):
    for _ in range(n):
        y = x.copy()
        for i in range(1, len(x)):
            y[i] = 0.5 * (x[i] + x[i - 1])
        x = y
    return x


def test_a_stencil() -> None:
    assert pattern(stencil, vec(5)) == [".....", "xxx..", ".xxx.", "..xxx", "....."]
    cost = of.jacobian(stencil, sparse=True).cost(vec(50))
    assert cost["nonzeros"] == 144
    assert cost["mode"] == "blocks" or (cost["mode"], cost["passes"]) == ("forward", 3)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_branches_that_are_not_taken_count(sign: float) -> None:
    x = sign * np.abs(vec(5))
    assert pattern(relu, x) == ["xx...", ".xx..", "..xx.", "...xx", "....."]
    agrees(relu, x)
    jacobian = of.jacobian(relu, sparse=True)
    jacobian(x)
    np.testing.assert_array_equal(jacobian(-x).toarray(), of.jacfwd(relu)(-x))


def test_gathers_and_scatters_follow_their_indices() -> None:
    x, index = vec(4), np.array([2, 0, 2])
    jacobian = of.jacobian(gathered, sparse=True)
    for k in (index, np.array([1, 1, 3]), index):
        np.testing.assert_allclose(jacobian(x, k).toarray(), of.jacfwd(gathered)(x, k))
    index[0] = 3  # the same array, changed
    np.testing.assert_allclose(jacobian(x, index).toarray(), of.jacfwd(gathered)(x, index))
    assert pattern(gathered, x, index) == ["...x", "x...", "..x."]
    assert pattern(scattered, x, np.array([1, 1, 0])) == ["..x.", "xx..", "....", "...."]


def test_writes_in_place() -> None:
    assert pattern(in_place, vec(4)) == ["x...", "xx..", "xxx.", "xxxx"]
    agrees(in_place, vec(30))


@pytest.mark.parametrize("n", [0, 2, 7, 1 << 60])
def test_what_a_branch_guards_is_not_touched(n: int) -> None:
    assert pattern(guarded_index, vec(4), n) == ["".join("x" if j == i + n else "." for j in range(4)) for i in range(4)]


def test_loops_that_end_on_the_data() -> None:
    assert pattern(newton, np.array([2.0, 3.0, 5.0])) == ["xxx"] * 3 or pattern(newton, np.array([2.0, 3.0, 5.0])) == ["x..", ".x.", "..x"]
    agrees(newton, np.array([2.0, 3.0, 5.0]))


def test_indices_that_depend_on_the_data() -> None:
    assert pattern(chosen, np.array([2.0, 1.0, 3.0])) == ["xxx", ".x."]


def test_what_has_no_derivative_is_not_in_the_pattern() -> None:
    assert pattern(rounded, vec(3)) == ["..x", ".x.", "x.."]


def test_arrays_as_a_whole() -> None:
    agrees(lambda x: matrix(x).reshape(-1), vec(6))
    assert pattern(matrix, vec(6)) == ["x..x..", "xx.xx.", "x.xx.x"]


def test_data_that_is_not_differentiated_may_decide() -> None:
    x, w = vec(4), np.array([1.0, 0.0, 2.0, 0.0])
    jacobian = of.jacobian(weighted, sparse=True)
    assert jacobian(x, w).nnz == 2 and jacobian(x, np.ones(4)).nnz == 4 and jacobian(x, w).nnz == 2


def test_time_steps() -> None:
    assert pattern(steps, vec(5), 2) == ["x....", "xx...", "xxx..", ".xxx.", "..xxx"]


def test_several_arguments_and_results() -> None:
    def f(a, n, b):
        return {"one": a * b[0], "two": (b[: len(a)] * n, n)}

    a, b = vec(2), vec(3, 1)
    jacobian = of.jacobian(f, argnums=(2, 0), sparse=True)
    assert jacobian.pattern(a, 3, b).astype(int).toarray().tolist() == [[1, 0, 0, 1, 0], [1, 0, 0, 0, 1], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]
    dense = of.jacfwd(f, argnums=(2, 0))(a, 3, b)
    np.testing.assert_allclose(jacobian(a, 3, b).toarray(), np.vstack([np.hstack(dense["one"]), np.hstack(dense["two"][0])]))


def test_empty() -> None:
    assert of.jacobian(stencil, sparse=True)(np.empty(0)).shape == (0, 0)
    assert of.jacobian(gathered, sparse=True)(vec(3), np.empty(0, dtype=int)).shape == (0, 3)


def test_what_is_returned_cannot_change_the_pattern() -> None:
    x, index = np.array([0.0, 2.0, 0.0, 3.0]), np.array([0, 1, 2, 3])
    for f, args in ((gathered, (x, index)), (in_place, (x,))):
        jacobian = of.jacobian(f, sparse=True)
        first = jacobian(*args)
        with pytest.raises(ValueError, match="read-only"):
            first.eliminate_zeros()
        smaller = first.copy()
        smaller.eliminate_zeros()
        first[0, 0] = 7.0
        first *= 2.0
        np.testing.assert_array_equal(jacobian(*args).toarray(), of.jacfwd(f)(*args))


def test_float32() -> None:
    assert of.jacobian(in_place, sparse=True)(vec(5).astype(np.float32)).dtype == np.float32


def test_one_row_is_evaluated_by_reverse_mode() -> None:
    def loss(x):
        return np.sum(x * x)

    jacobian = of.jacobian(loss, sparse=True)
    assert jacobian.cost(vec(40)) == {"mode": "reverse", "passes": 1, "nonzeros": 40}
    np.testing.assert_allclose(jacobian(vec(40)).toarray()[0], 2.0 * vec(40))


def test_dense_by_the_shorter_side() -> None:
    x = vec(4)
    np.testing.assert_allclose(of.jacobian(stencil)(x), of.jacfwd(stencil)(x))
    np.testing.assert_allclose(of.jacobian(lambda x: x[:1] * x[1])(x), of.jacrev(lambda x: x[:1] * x[1])(x))


# ---------------------------------------------------------------- Hessians


def chain(x, w):
    total = 0.0
    for i in range(len(x) - 1):
        total += w[i] * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def test_hessians_are_symmetric() -> None:
    x, w = vec(12), np.abs(vec(12, 1))
    hessian = of.hessian(chain, sparse=True)
    found = hessian(x, w)
    np.testing.assert_allclose(found.toarray(), of.hessian(chain)(x, w), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.toarray(), found.toarray().T, rtol=1e-12, atol=1e-12)
    kept = hessian.pattern(x, w)
    assert (kept != kept.T).nnz == 0 and kept.nnz == 3 * 12 - 2
    assert hessian.cost(x, w)["passes"] == 3


def test_a_hessian_by_two_arguments() -> None:
    def f(x, y):
        return np.sum(x * x * y) + y[0] ** 3

    x, y = vec(3), vec(3, 1)
    blocks = of.hessian(f, argnums=(0, 1))(x, y)
    np.testing.assert_allclose(of.hessian(f, argnums=(0, 1), sparse=True)(x, y).toarray(), np.block([list(row) for row in blocks]), atol=1e-14)


# ---------------------------------------------------------------- auxiliary data, threads


def with_data(x, index):
    total = 0.0
    out = np.empty(len(index))
    for k in range(len(index)):
        out[k] = x[index[k]] ** 2
        total += out[k]
    return out, {"total": total, "first": index[0]}


def test_auxiliary_data() -> None:
    x, index = vec(4), np.array([2, 0, 2])
    for sparse in (True, False):
        found, data = of.jacobian(with_data, has_aux=True, sparse=sparse)(x, index)
        dense = of.jacfwd(gathered)(x, index)
        np.testing.assert_allclose(found.toarray() if sparse else found, dense)
        assert data == {"total": np.sum(x[index] ** 2), "first": 2}
    assert of.jacobian(with_data, has_aux=True, sparse=True).cost(x, index)["mode"] == "blocks"


def test_auxiliary_data_of_a_hessian() -> None:
    def f(x, w):
        return chain(x, w), x[0] * 2.0

    x, w = vec(6), np.abs(vec(6, 1))
    found, data = of.hessian(f, has_aux=True, sparse=True)(x, w)
    dense, expected = of.hessian(f, has_aux=True)(x, w)
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-12, atol=1e-12)
    assert data == expected == 2.0 * x[0]


def test_threads() -> None:
    """One program, called for the first time by several threads, each with a pattern of its own."""

    def f(x, index):
        y = x.copy()
        for k in range(len(index)):
            y[index[k]] = y[index[k]] * y[k] + y[k - 1]
        return y

    def own(seed: int) -> bool:
        rng = np.random.default_rng(seed)
        x, index = rng.normal(size=20 + seed % 3), rng.integers(0, 20, 20)
        expected = of.jacfwd(f)(x, index)
        return all(np.allclose(of.jacobian(f, sparse=True)(x, index).toarray(), expected) for _ in range(5))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(own, range(16)))


# ---------------------------------------------------------------- refusals


def test_refusals() -> None:
    with pytest.raises(of.DerivativeError, match="E202"):
        of.jacobian(gathered, argnums=1, sparse=True)(vec(3), np.array([0, 1]))
    with pytest.raises(of.DerivativeError, match="E203"):
        of.jacobian(lambda x: int(x[0]), sparse=True)(vec(3))
    with pytest.raises(of.DerivativeError, match="E202"):
        of.jacobian(lambda z: z * z, sparse=True)(vec(3) + 1j)
    with pytest.raises(of.DerivativeError, match="E203.*pair"):
        of.hessian(chain, has_aux=True, sparse=True)(vec(3), vec(3))
    with pytest.raises(of.ArgumentError, match="E401"):
        of.jacobian(3.0, sparse=True)
    with pytest.raises(IndexError, match="out of bounds"):
        of.jacobian(gathered, sparse=True)(vec(3), np.array([5]))


# ---------------------------------------------------------------- blocks and colours


def products(x, index):
    out = np.zeros(len(index))
    for i in range(len(index)):
        out[i] = x[index[i, 0]] * x[index[i, 1]] + x[index[i, 2]]
    return out


@pytest.mark.parametrize("seed", range(5))
def test_blocks_in_any_order(seed: int) -> None:
    """Inputs that are gathered in no order, and the same one twice, meet in the rows as they should."""
    rng = np.random.default_rng(seed)
    index, x = rng.integers(0, 40 if seed else 2, (60, 3)), rng.normal(size=40)
    jacobian = of.jacobian(products, sparse=True)
    assert jacobian.cost(x, index)["mode"] == "blocks"
    found, dense = jacobian(x, index), of.jacfwd(products)(x, index)
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-14)
    assert found.has_canonical_format and found.nnz == sum(len(set(row)) for row in index.tolist())
    np.testing.assert_array_equal(found.indices, found.copy().tocoo().tocsr().indices)


def test_blocks_of_several_loops() -> None:
    def f(x, y):
        out = np.zeros(3 * len(x))
        for i in range(len(x)):
            out[3 * i] = y[0] * x[i]
            out[3 * i + 2] = x[len(x) - 1 - i] ** 2 * y[1]
        last = np.zeros(len(y))
        for k in range(len(y)):
            last[len(y) - 1 - k] = np.sin(y[k])
        return last, out

    x, y = vec(20), vec(2, 1)
    jacobian = of.jacobian(f, argnums=(1, 0), sparse=True)
    assert jacobian.cost(x, y)["mode"] == "blocks"
    dense = of.jacfwd(f, argnums=(1, 0))(x, y)
    np.testing.assert_allclose(jacobian(x, y).toarray(), np.vstack([np.hstack(row) for row in dense]), rtol=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_colours_share_no_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    index = rng.integers(0, 40, (60, 3))

    def f(x, index):
        y = np.concatenate((x, np.zeros(len(index))))
        for i in range(len(index)):
            y[40 + i] = y[index[i, 0]] * y[index[i, 1]] + y[index[i, 2]]
        return y

    jacobian, x = of.jacobian(f, sparse=True), rng.normal(size=40)
    pattern, colours, cost = jacobian.pattern(x, index), jacobian.colours(x, index), jacobian.cost(x, index)
    if cost["mode"] == "reverse":
        pattern = pattern.T.tocsr()
    assert len(np.unique(colours)) == cost["passes"]
    for r in range(pattern.shape[0]):
        own = colours[pattern.indices[pattern.indptr[r] : pattern.indptr[r + 1]]]
        assert len(np.unique(own)) == len(own)
    np.testing.assert_allclose(jacobian(x, index).toarray(), of.jacfwd(f)(x, index))


def overwritten_by_a_constant(x, index):
    out = np.zeros(len(x))
    for i in range(len(x)):
        out[i] = x[i] ** 2
        out[index[i]] = 1.0
    return out


def overwritten_by_the_next(x, index):
    out = np.zeros(len(x) + 1)
    for i in range(len(x)):
        out[index[i]] = x[i]
        out[index[i] + 1] = 3.0
    return out


@pytest.mark.parametrize("f", [overwritten_by_a_constant, overwritten_by_the_next])
@pytest.mark.parametrize("index", [np.full(20, 3), np.arange(20), np.arange(20)[::-1].copy()])
def test_what_is_stored_over_counts_no_more(f: Any, index: Any) -> None:
    x = np.arange(1.0, 21.0)
    np.testing.assert_array_equal(of.jacobian(f, sparse=True)(x, index).toarray(), of.jacrev(f)(x, index))
