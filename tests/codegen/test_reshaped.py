"""Elements of arrays whose indices a reshape takes apart: put together again without a division, for every way of taking apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of


def rows_before(a, by):
    """(k // n + by) n + k % n, by below 0 as well."""
    n = a.shape[1]
    out = np.zeros(a.size)
    for k in range(a.size):
        if 0 <= k // n + by < a.shape[0]:
            out[k] = a[k // n + by, k % n]
    return out


def columns_of_another_length(a, by):
    n = a.shape[1] - 1
    return np.array([a[k // n, k % n] for k in range(a.shape[0] * n + 0 * by)])


def by_hand(a, by):
    n = a.shape[1]
    out = np.zeros_like(a)
    for k in range(a.size):
        q = k // n
        out[q, k - q * n] += a[q, k % n] * by
    return out


def written_through(a, by):
    b = a * 2.0
    flat = b.reshape(-1)
    flat[1:] += flat[:-1] * by
    b.reshape(b.shape[1], b.shape[0])[0] = 7.0
    return b


FUNCTIONS: list[Callable[..., Any]] = [
    rows_before,
    columns_of_another_length,
    by_hand,
    written_through,
    lambda a, by: a.reshape(-1) * by,
    lambda a, by: a[1:].reshape(-1) * by,
    lambda a, by: a[2:-1].reshape(-1) * by,
    lambda a, by: a[::-1].reshape(-1) * by,
    lambda a, by: a[:, 1:].reshape(-1) * by,
    lambda a, by: a.reshape(a.shape[1], a.shape[0]) * by,
    lambda a, by: np.stack((a, a * by)).reshape(a.shape[0], 2, a.shape[1]).reshape(-1),
    lambda a, by: np.stack((a, a * by))[1:].reshape(-1),
    lambda a, by: (np.stack((a, a * by)) * 2.0)[:, 1:].reshape(2, -1),
]


@pytest.mark.parametrize("case", range(len(FUNCTIONS)))
@pytest.mark.parametrize("shape", [(20, 30), (6, 4), (17, 5)])
def test_as_in_numpy(case: int, shape: tuple[int, int]) -> None:
    f = FUNCTIONS[case]
    a = np.sin(np.arange(shape[0] * shape[1]) * 1.3).reshape(shape)
    for by in (1, -1, 2):
        np.testing.assert_array_equal(of.jit(f)(a, by), f(a, by))


@pytest.mark.parametrize("case", range(len(FUNCTIONS)))
def test_gradients(case: int) -> None:
    f = FUNCTIONS[case]
    of.check_grads(lambda a: f(a, 2), (np.sin(np.arange(20 * 18) * 1.3).reshape(20, 18),))


def test_no_division_is_left() -> None:
    assembly = str(of.lower(lambda a: a[1:].reshape(-1) * 2.0)(np.ones((20, 30))).asm())
    assert "idiv" not in assembly
