"""Colours of random and of telling patterns: what they promise, how many they are, and that the values found by them are those of the dense derivative."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import sparse

import oneform as of
from oneform.sparse.arrays import matrix, rows_of
from oneform.sparse.colouring import colours_of, mirrors, star_colours, symmetric, transposed
from oneform.sparse.plan import PULLBACK, planned
from tests.programs.registry import vec


def pattern_of(dense: Any) -> Any:
    found = sparse.csr_matrix(dense)
    return matrix(found.indices, found.indptr, found.shape[1])


def random(seed: int) -> Any:
    """Rows and columns of very different lengths."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 90, 2)
    return rng.random((height, width)) < rng.random((height, 1)) ** 3 * rng.random((1, width)) * 2.0


def random_symmetric(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    weight = rng.random(n) ** 3
    half = rng.random((n, n)) < 2.0 * rng.random() * np.outer(weight, weight)
    return half | half.T | np.diag(rng.random(n) < 0.8)


@pytest.mark.parametrize("seed", range(20))
def test_columns_of_one_colour_share_no_row(seed: int) -> None:
    dense = random(seed)
    colours, count = colours_of(pattern_of(dense))
    assert set(colours.tolist()) == set(range(count))
    for c in range(count):
        assert dense[:, colours == c].sum(axis=1).max(initial=0) <= 1
    np.testing.assert_array_equal(transposed(pattern_of(dense)).toarray(), dense.T)


@pytest.mark.parametrize("width", [10, 61, 62, 63, 200])
def test_many_colours(width: int) -> None:
    colours, count = colours_of(pattern_of(np.ones((3, width), bool)))
    assert count == width and sorted(colours.tolist()) == list(range(width))


@pytest.mark.parametrize("seed", range(40))
def test_star_colours(seed: int) -> None:
    dense = random_symmetric(seed)
    n = len(dense)
    edges = dense & ~np.eye(n, dtype=bool)
    colours, count = star_colours(pattern_of(dense), mirrors(*rows_of(pattern_of(dense)))[0])
    assert not (edges & (colours[:, None] == colours[None, :])).any()
    for a, b in itertools.combinations(range(count), 2):  # what two colours make are stars: no edge whose ends both have another neighbour
        own = np.flatnonzero((colours == a) | (colours == b))
        sub = edges[np.ix_(own, own)]
        many = sub.sum(axis=1) > 1
        assert not sub[np.ix_(many, many)].any()
    pattern, colours, count, swapped = symmetric(pattern_of(dense))
    assert count <= colours_of(pattern)[1] and colours.max(initial=0) == max(count, 1) - 1
    values = np.where(dense, np.random.default_rng(seed).normal(size=(n, n)), 0.0)
    values += values.T
    products = values @ (colours[:, None] == np.arange(count))
    rows, columns = np.repeat(np.arange(n), np.diff(pattern.indptr)), pattern.indices
    swapped = swapped[: pattern.nnz]
    found = products[np.where(swapped, columns, rows), colours[np.where(swapped, rows, columns)]]
    np.testing.assert_allclose(found, values[rows, columns], rtol=0.0, atol=1e-13)


def test_a_pattern_that_is_wider_than_its_transpose() -> None:
    dense = np.eye(20, dtype=bool)
    dense[3, 5] = dense[7, 2] = dense[2, 7] = True
    pattern, *_ = symmetric(pattern_of(dense))
    dense[3, 5] = False
    np.testing.assert_array_equal(pattern.toarray(), dense)


def arrow(n: int) -> Any:
    dense = np.eye(n, dtype=bool)
    dense[0] = dense[:, 0] = True
    return dense


def test_arrows_take_few_colours() -> None:
    assert symmetric(pattern_of(arrow(300)))[2] == 2
    plan = planned(pattern_of(arrow(300)), [300], [300])
    assert plan.passes == 3 and plan.mode == "forward and reverse"
    wide = np.vstack([arrow(300), np.ones((2, 300), bool)])
    assert planned(pattern_of(wide), [302], [300]).passes <= 5
    one = np.eye(300, dtype=bool)
    one[:, 7] = True
    assert planned(pattern_of(one), [300], [300]).passes == 2
    assert planned(pattern_of(one.T), [300], [300]).mode != "forward"


@pytest.mark.parametrize("seed", range(30))
def test_parts_find_all_values(seed: int) -> None:
    dense = random(seed)
    dense[:1] = True
    if seed % 2:
        dense[:, -1:] = True
    pattern = pattern_of(dense)
    plan = planned(pattern, [dense.shape[0]], [dense.shape[1]])
    assert plan.cost <= min(colours_of(pattern)[1], PULLBACK * colours_of(transposed(pattern))[1])
    values = np.where(dense, np.random.default_rng(seed).normal(size=dense.shape), 0.0)
    found = np.full(pattern.nnz, np.nan)
    for part in plan.parts:
        own = values if part.forward else values.T
        products = own @ (part.colours[:, None] == np.arange(part.count))
        row, column = np.repeat(np.arange(len(dense)), np.diff(part.pattern.indptr)), part.pattern.indices
        row, column = (row, column) if part.forward else (column, row)
        found[slice(None) if part.chosen is None else part.chosen] = products[row, part.colours[column]]
    np.testing.assert_allclose(found, values[dense], rtol=0.0, atol=1e-13)


# ---------------------------------------------------------------- as derivatives


def test_a_row_by_the_other_mode() -> None:
    def f(x, w):
        y = x.copy()
        for i in range(1, len(x)):
            y[i] = x[i] * x[i - 1] * x[0]
        total = 0.0
        for i in range(len(y)):
            total += w[i] * y[i] ** 2
        return y, total

    x, w = vec(60), vec(60, 1)
    jacobian = of.jacobian(f, sparse=True)
    cost = jacobian.cost(x, w)
    assert cost["mode"] == "forward and reverse" and cost["passes"] == 4
    dense = of.jacfwd(f)(x, w)
    np.testing.assert_allclose(jacobian(x, w).toarray(), np.vstack(dense), rtol=1e-12, atol=1e-12)
    columns, rows = jacobian.colours(x, w)
    assert len(columns) == 60 and len(rows) == 61


def hub(x, w):
    """Every number meets the first one, and its neighbour."""
    total = 0.0
    for i in range(1, len(x)):
        total += w[i] * np.sin(x[0] * x[i]) + (x[i] - x[i - 1]) ** 2 * w[i - 1]
    return total


def pairs(x, w, index):
    total = 0.0
    for k in range(len(index)):
        total += w[k] * np.exp(x[index[k, 0]] * x[index[k, 1]])
    return total


def test_a_hessian_with_a_hub() -> None:
    x, w = vec(50), np.abs(vec(50, 1))
    hessian = of.hessian(hub, sparse=True)
    assert hessian.cost(x, w)["passes"] <= 4
    found = hessian(x, w)
    np.testing.assert_allclose(found.toarray(), of.hessian(hub)(x, w), rtol=1e-12, atol=1e-12)
    assert (found != found.T).nnz == 0


@pytest.mark.parametrize("seed", range(6))
def test_hessians_of_random_graphs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 30
    index = np.minimum(rng.integers(0, n, (70, 2)), rng.integers(0, n, (70, 2)) + 5 * (seed % 3))
    x, w = 0.3 * rng.normal(size=n), rng.normal(size=len(index))
    hessian = of.hessian(pairs, sparse=True)
    found, dense = hessian(x, w, index), of.hessian(pairs)(x, w, index)
    np.testing.assert_allclose(found.toarray(), dense, rtol=1e-12, atol=1e-12)
    assert (found != found.T).nnz == 0


@of.custom_vjp
def skewed(x, y):
    return x * y


skewed.defvjp(lambda x, y: (x * y, (x, y)), lambda saved, ct: (ct * saved[1] * 3.0, ct * saved[0]))


def test_a_gradient_that_is_given_by_a_rule_need_not_be_symmetric() -> None:
    def f(x):
        total = 0.0
        for i in range(1, len(x)):
            total += skewed(x[i], x[i - 1])
        return total

    x = vec(12)
    dense = of.hessian(f)(x)
    assert not np.allclose(dense, dense.T)
    np.testing.assert_allclose(of.hessian(f, sparse=True)(x).toarray(), dense)


def test_a_gradient_through_stop_gradient_need_not_be_symmetric() -> None:
    def f(x):
        total = 0.0
        for i in range(1, len(x)):
            total += of.stop_gradient(x[i] ** 2) * x[i - 1] ** 2
        return total

    x = vec(12)
    np.testing.assert_allclose(of.hessian(f, sparse=True)(x).toarray(), of.hessian(f)(x), atol=1e-14)
