"""Loops around sums in order: several rounds go side by side, and everything is as if they went one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of

SIZES = [(0, 5), (1, 20), (7, 20), (8, 20), (9, 1), (17, 0), (37, 23)]


def product(a, x, y):
    """A sum, a running total behind it, and what is written."""
    total = 1.0
    for r in range(a.shape[0]):
        s = total if r < 0 else 0.5 * r
        for c in range(x.shape[0]):
            s += a[r, c] * x[c]
        total = total * 0.5 + s
        y[r] = total - y[r]
    return total


def with_two_sums(a, x, y):
    """An inner loop that carries three numbers, one of them complex, and reads what stands before it."""
    total = 0.0
    for r in range(a.shape[0]):
        scale = y[a.shape[0] - 1 - r] * 2.0
        s, p, z = 0.0, 1.0, 0.0j
        for c in range(len(x)):
            s += scale * a[r, c]
            p = p * 0.9 + x[c]
            z = z * 0.5j + a[r, c]
        total += s * p + (z * z).real
    return total


def reads_what_it_wrote(a, x, y):
    """A round needs the round before: these may not go side by side."""
    for r in range(1, a.shape[0]):
        s = 0.0
        for c in range(len(x)):
            s += a[r, c] * y[r - 1]
        y[r] = 0.1 * s
    return np.sum(y)


def carried_into_the_sum(a, x, y):
    s = 0.0
    for r in range(a.shape[0]):
        for c in range(len(x)):
            s = s * 0.9 + a[r, c]
    return s


def length_by_the_round(a, x, y):
    total = 0.0
    for r in range(min(a.shape[0], len(x))):
        s = 0.0
        for c in range(r):
            s += a[r, c]
        total += s * s
    return total


PROGRAMS = [product, with_two_sums, reads_what_it_wrote, carried_into_the_sum, length_by_the_round]


def arguments(n: int, m: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(n + 100 * m)
    return rng.uniform(-1.0, 1.0, (n, m)), rng.uniform(-1.0, 1.0, m), rng.uniform(-1.0, 1.0, n)


@pytest.mark.parametrize("f", PROGRAMS)
def test_as_one_after_the_other(f: Callable[..., Any]) -> None:
    compiled = of.jit(f)
    for n, m in SIZES:
        ours, pythons = arguments(n, m), arguments(n, m)
        np.testing.assert_allclose(compiled(*ours), f(*pythons), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(ours[2], pythons[2], rtol=1e-12, atol=1e-12)
    of.check_grads(f, arguments(9, 17), order=1)


@pytest.mark.parametrize("f", PROGRAMS)
def test_which_loops_go_side_by_side(f: Callable[..., Any]) -> None:
    text = of.lower(f)(*arguments(20, 20)).llvm()
    assert ("%sums" in text) == (f is with_two_sums)  # of which one is complex: not in vectors
    assert bool(re.search(r"phi <\d+ x double>", text)) == (f is product)


def bounded(a, x, y):
    """Rounds from `y.shape` on raise, after what was written before."""
    for r in range(a.shape[0]):
        s = 0.0
        for c in range(a.shape[1]):
            s += a[r, c] * x[c]
        y[r] = s
    return 1.0


@pytest.mark.parametrize(("rows", "columns"), [(3, 20), (11, 20), (20, 3)])
def test_what_was_done_before_an_error_stays(rows: int, columns: int) -> None:
    """The tenth round fails, or the inner loop does: as many numbers are written as in CPython, and the message is the same."""
    a, _, _ = arguments(20, 20)
    x, ours, pythons = np.ones(columns), np.zeros(rows), np.zeros(rows)
    with pytest.raises(IndexError) as expected:
        bounded(a, x, pythons)
    with pytest.raises(IndexError) as found:
        of.jit(bounded)(a, x, ours)
    assert str(found.value) == str(expected.value)
    np.testing.assert_allclose(ours, pythons, rtol=1e-12)
    assert np.any(pythons) == (columns == 20)


def test_a_sum_in_order_is_a_sum_in_order() -> None:
    """Large terms that cancel leave what they leave in the program's order."""
    a = np.ones((16, 64))
    a[:, 0], a[:, 63] = 1e16, -1e16
    x, y = np.ones(64), np.zeros(16)
    of.jit(bounded)(a, x, y)
    expected = np.zeros(16)
    bounded(a, x, expected)
    np.testing.assert_array_equal(y, expected)
