"""Loops around a loop that adds to one row: several rounds go at a time, and everything is as if they went one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.codegen import rows

SIZES = [(0, 5), (1, 20), (3, 20), (4, 20), (5, 1), (17, 0), (37, 23)]


def weighted(a, x, y):
    """The rows of a matrix, each with its weight, added up."""
    for r in range(a.shape[0]):
        w = 2.0 * y[r] + 1.0
        for c in range(a.shape[1]):
            x[c] += w * a[r, c]
    return np.sum(x)


def two_arrays(a, x, y):
    """One element of the row is replaced, never added to, and the matrix is changed as well."""
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            a[r, c] *= 0.5 + y[r]
            x[c] = 0.25 * x[c] * x[c] + a[r, c]
    return np.sum(x * x) + np.sum(a)


def whole_numbers(a, x, y):
    """What is written depends on the order of the rounds."""
    last = np.zeros(a.shape[1], int)
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            if a[r, c] > 0.0:
                last[c] = last[c] * 3 + r
    return float(np.sum(last)) * y[0] if len(y) else 0.0


def complex_numbers(a, x, y):
    """Too much for the registers."""
    s = np.zeros(a.shape[1], complex)
    for r in range(a.shape[0]):
        z = complex(y[r], 1.0)
        for c in range(a.shape[1]):
            s[c] = s[c] * 0.9j + z * a[r, c]
    return np.sum(s.real * x) + np.sum(s.imag)


def shifted(a, x, y):
    """A round of the inner loop writes what the next one reads: c is not everywhere at the same place."""
    for r in range(a.shape[0]):
        for c in range(1, a.shape[1]):
            x[c] = 0.5 * x[c - 1] + a[r, c]
    return np.sum(x)


def reads_what_it_wrote(a, x, y):
    """A round of the outer loop begins with what the last one made."""
    for r in range(a.shape[0]):
        w = x[0] * y[r] if len(x) else 0.0
        for c in range(a.shape[1]):
            x[c] += 0.1 * w * a[r, c]
    return np.sum(x)


def nothing_shared(a, x, y):
    """Every round has its own row: nothing is gained."""
    for r in range(a.shape[0]):
        for c in range(a.shape[1]):
            a[r, c] = a[r, c] * y[r] + 1.0
    return np.sum(a)


GROUPED = [weighted, two_arrays]
PROGRAMS = [*GROUPED, complex_numbers, whole_numbers, shifted, reads_what_it_wrote, nothing_shared]


def arguments(n: int, m: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(n + 100 * m)
    return rng.uniform(-1.0, 1.0, (n, m)), rng.uniform(-1.0, 1.0, m), rng.uniform(-1.0, 1.0, n)


@pytest.mark.parametrize("f", PROGRAMS)
def test_as_one_after_the_other(f: Callable[..., Any]) -> None:
    compiled = of.jit(f)
    for n, m in SIZES:
        ours, pythons = arguments(n, m), arguments(n, m)
        np.testing.assert_allclose(compiled(*ours), f(*pythons), rtol=1e-12, atol=1e-12)
        for mine, theirs in zip(ours, pythons, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)
    of.check_grads(f, arguments(9, 17), order=1)


@pytest.mark.parametrize("f", PROGRAMS)
def test_which_loops_go_side_by_side(f: Callable[..., Any]) -> None:
    text = of.lower(f)(*arguments(20, 20)).llvm()
    assert bool(re.search(rf"sdiv i64 \S+, {rows.ROUNDS}\n", text)) == (f in GROUPED)


def test_the_row_is_written_once_for_all() -> None:
    """LLVM keeps its elements in registers in between, and checks nothing before the loop."""
    blocks = re.split(r"\n\.?LBB\d+_\d+:", of.lower(weighted)(*arguments(200, 200)).asm())
    loop = max(blocks, key=lambda block: len(re.findall(r"\tvf?n?m(?:add|ul)\w*pd\t", block)))
    products, stores = (len(re.findall(p, loop)) for p in (r"\tvf?n?m(?:add|ul)\w*pd\t", r"\tvmovupd\t%[xyz]mm\d+, [^%\n]*\("))
    assert stores > 0
    assert products == rows.ROUNDS * stores


@pytest.mark.parametrize(("n", "columns"), [(3, 20), (11, 20), (20, 3)])
def test_what_was_done_before_an_error_stays(n: int, columns: int) -> None:
    """As many numbers are written as in CPython, and the message is the same."""
    a, _, _ = arguments(20, 20)
    y, ours, pythons = np.ones(n), np.zeros(columns), np.zeros(columns)
    with pytest.raises(IndexError) as expected:
        weighted(a, pythons, y)
    with pytest.raises(IndexError) as found:
        of.jit(weighted)(a, ours, y)
    assert str(found.value) == str(expected.value)
    np.testing.assert_allclose(ours, pythons, rtol=1e-12)


def test_sums_keep_their_order() -> None:
    """Large terms that cancel leave what they leave in the program's order."""
    a = np.ones((16, 64))
    a[0], a[15] = 1e16, -1e16
    ours, pythons, y = np.zeros(64), np.zeros(64), np.zeros(16)
    of.jit(weighted)(a, ours, y)
    weighted(a, pythons, y)
    np.testing.assert_array_equal(ours, pythons)
