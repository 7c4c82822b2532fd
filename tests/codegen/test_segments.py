"""Loops over elements that are read around the end of an array: cut where the index turns, for any place of the turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of

SHIFTS = (0, 1, -1, 3, 20, 39, 40, 41, -57)


def laplacian(u, k):
    return np.roll(u, k) - 2.0 * u + np.roll(u, -k)


def energy(u, k):
    return np.sum((np.roll(u, k) - u) ** 2 * np.roll(u, 2 * k))


def complex_sum(u, k):
    z = u + 1j * np.roll(u, k)
    return np.sum(z * np.roll(z, 1))


def smallest(u, k):
    return np.min(np.roll(u, k) + u)


def in_a_loop(u, k):
    for j in range(5):
        u = u + 0.1 * laplacian(u, k + j)
    return u


def from_both_ends(u, k):
    n = len(u)
    i = np.arange(n)
    return u[np.where(i - k < 0, i - k + n, i - k)] * u[np.where(i >= k, n - 1 - i, i)]


def of_static_length(u, k):
    a = np.zeros(32)
    a[:3] = u[:3]
    return np.roll(a, k) * np.roll(a, 1)


VECTORS: tuple[Callable[..., Any], ...] = (laplacian, energy, complex_sum, in_a_loop, smallest, from_both_ends, of_static_length)


@pytest.mark.parametrize("f", VECTORS)
def test_vectors(f: Callable[..., Any]) -> None:
    g = of.jit(f)
    for n in (40, 17, 3):
        u = np.cos(np.arange(n) * 1.7)
        for k in SHIFTS:
            if f is not from_both_ends or 0 <= k <= n:
                np.testing.assert_allclose(g(u, k), f(u, k), rtol=1e-13, atol=1e-13)


def around(a, j, k):
    return np.roll(a, j, 0) + np.roll(a, -k, 0) + np.roll(a, j, 1) * np.roll(a, (k, j), (0, 1))


def rows(a, j, k):
    return np.sum(np.roll(a, j, axis=1) * a, axis=1) + np.sum(np.roll(a, k, axis=0) * a) + np.sum(np.roll(a, k, axis=1) * a, axis=0)[0]


@pytest.mark.parametrize("f", [around, rows])
@pytest.mark.parametrize("shape", [(20, 30), (1, 40), (18, 0), (17, 4)])
def test_matrices(f: Callable[..., Any], shape: tuple[int, int]) -> None:
    a = np.sin(np.arange(shape[0] * shape[1]) * 1.3).reshape(shape)
    g = of.jit(f)
    for j, k in ((0, 0), (1, 2), (-1, 29), (7, -3)):
        if f is around or shape[1]:
            np.testing.assert_allclose(g(a, j, k), f(a, j, k), rtol=1e-13, atol=1e-13)


def test_gradients() -> None:
    u = np.cos(np.arange(40) * 1.7)
    for k in (0, 1, 39):
        of.check_grads(lambda u, k=k: energy(u, k), (u,))
