"""Rounds as lanes of vectors: whatever the inner loop reads and does, each round gives the same bits as by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.codegen.target import vector_bytes

SIZES = [(0, 20), (1, 20), (15, 16), (16, 17), (17, 18), (35, 19), (50, 64), (33, 0), (20, 3)]


def along_rows(a, x, y):
    """A block at a time, and the columns that are left over."""
    for r in range(y.shape[0]):
        s = 0.1 * r
        for c in range(x.shape[0]):
            s += a[r, c] * (x[c] - 1.0)
        y[r] = s


def down_columns(a, x, y):
    """Neighbours in the rows are neighbours in memory."""
    t = a.T
    for r in range(x.shape[0]):
        s = 0.0
        for c in range(y.shape[0]):
            s += t[r, c] * y[c]
        x[r] = s


def both(a, x, y):
    """Two sums, one of rows and one of a table of the round's own, and a start of each round's own."""
    for r in range(y.shape[0] if len(x) else 0):
        half = 0.5 * a[r, 0]
        s, p = half, 1.0
        for c in range(x.shape[0]):
            s -= p * a[r, c]
            p *= 0.25 + 0.1 * half
        y[r] = s + p


def upwards(a, x, y):
    """Neighbours, the last first."""
    n, t = x.shape[0], a.T
    for r in range(n):
        s = 0.0
        for c in range(y.shape[0]):
            s += t[n - 1 - r, c] * y[c]
        x[r] = s


def backwards(a, x, y):
    """An index that falls, one that skips, one that wraps round."""
    n = x.shape[0]
    for r in range(y.shape[0]):
        s = 0.0
        for c in range(n):
            s += a[r, n - 1 - c] * x[c] + a[r, -1] + x[c - 1] + x[c]
        y[r] = s


def diagonal(a, x, y):
    """Both variables in one index."""
    for r in range(y.shape[0] // 2):
        s = 0.0
        for c in range(y.shape[0] // 2):
            s += y[r + c] * x[0]
        a[r, 0] = s


def chosen(a, x, y):
    """Comparisons, choices, and functions of the library."""
    for r in range(y.shape[0]):
        s, most = 0.0, -np.inf
        for c in range(x.shape[0]):
            gap = a[r, c] - x[c]
            s += np.where(gap > 0.0, np.exp(-abs(gap)), np.sqrt(abs(gap)))
            most = max(most, gap)
        y[r] = s + (most if most > -1.0 else 0.0)


def gathered(a, x, y):
    """Rows in an order of their own."""
    for r in range(y.shape[0]):
        start = min(3 * r, y.shape[0] - 1)
        s = 0.0
        for c in range(x.shape[0]):
            s += a[start, c] * x[c]
        y[r] = s


PROGRAMS = [along_rows, down_columns, upwards, both, backwards, diagonal, chosen, gathered]


def arguments(n: int, m: int, dtype: str) -> tuple[Any, ...]:
    rng = np.random.default_rng(n + 100 * m)
    return tuple(rng.uniform(-1.0, 1.0, s).astype(dtype) for s in ((n, m), m, n))


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("f", PROGRAMS)
def test_as_one_after_the_other(f: Callable[..., Any], dtype: str) -> None:
    compiled, unchecked = of.jit(f), of.jit(f, boundscheck=False)
    for n, m in SIZES:
        if m == 0 and f in (backwards, diagonal):
            continue  # where Python finds no element
        ours, free, pythons = arguments(n, m, dtype), arguments(n, m, dtype), arguments(n, m, dtype)
        compiled(*ours)
        unchecked(*free)
        f(*pythons)
        for found, other, expected in zip(ours, free, pythons, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12 if dtype == "f8" else 2e-5, atol=1e-12 if dtype == "f8" else 2e-5)
            np.testing.assert_array_equal(found, other)


@pytest.mark.parametrize("f", PROGRAMS)
def test_the_rounds_are_lanes(f: Callable[..., Any]) -> None:
    checked = f is not gathered  # whose index no one can promise
    text = of.lower(of.jit(f, boundscheck=checked))(*arguments(20, 20, "f8")).llvm()
    n = vector_bytes() // 8
    assert f"phi <{n} x double>" in text
    assert (", ".join(f"i32 {k if k < n // 2 else k + n // 2}" for k in range(n)) in text) == (f not in (down_columns, upwards, diagonal))
    assert ("llvm.masked.load" in text) == (f in (down_columns, upwards, diagonal))


def test_the_order_of_a_sum_is_kept() -> None:
    """Large terms that cancel leave what they leave in the program's order."""
    rng = np.random.default_rng(0)
    a = rng.uniform(-1.0, 1.0, (40, 37)) * 10.0 ** rng.integers(-8, 9, (40, 37))
    ours, pythons = np.zeros(40), np.zeros(40)
    of.jit(along_rows)(a, np.full(37, 2.0), ours)
    along_rows(a, np.full(37, 2.0), pythons)
    np.testing.assert_array_equal(ours, pythons)
