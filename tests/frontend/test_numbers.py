"""Numbers: promotion, Python's and NumPy's semantics, functions, reductions, creation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.frontend.raising import assertions
from tests.frontend.support import agree, dtypes_agree

V = np.array([0.5, -1.5, 2.0, 0.25, -3.0])
W = np.linspace(0.1, 1.0, 40)
M = np.arange(12.0).reshape(3, 4) - 5.0
B = np.arange(60.0).reshape(20, 3) / 7.0
I = np.array([3, -2, 7, 0, 5])
F = np.array([0.5, -1.5, 2.0], np.float32)


def integers(a, b):
    return a + b, a - b, a * b, a // b, a % b, a / b, a**2, a**3, -a, abs(a), a & b, a | b, a ^ b, ~a, a << 2, a >> 1, divmod(a, b)


def floats(a, b):
    return a + b, a - b, a * b, a / b, a // b, a % b, a**2, a**-1, a**0.5, b**a, 2.0**a, -a, abs(a), +a


def mixed(a, n):
    return a + n, n - a, a * n, n / a, n // a, n % a, a**n, n**a, 2 * a, a / 2, n / 2, n * 2.5


def bools(a, b):
    p, q = a > 0, b > 0
    return p + q, p * 3, -p, p & q, p | q, p ^ q, not p, p and q, p or q, p == q, int(p), float(q), abs(p), ~p


def powers(a, n):
    return a**n, a**2, a**2.0, a**0, a**1, 2**n, 3**2, pow(a, 3)


def conversions(x):
    return int(x), float(x), bool(x), round(x), math.floor(x), math.ceil(x), math.trunc(x), int(x) // 2


def math_functions(x):
    return (
        math.sin(x), math.exp(x), math.log(x), math.log(x, 2), math.sqrt(x), math.pow(x, 3), math.hypot(x, 2.0), math.hypot(x, 1.0, 2.0), math.atan2(x, 2.0), math.pi * x,
        math.tanh(x), math.erf(x), math.degrees(x), math.radians(x), math.fabs(-x), math.copysign(x, -1.0), math.dist((x, 1.0), (2.0, x)), math.isnan(x), math.fmod(x, 0.3),
    )


def numpy_functions(x):
    return np.sin(x), np.exp(x), np.log1p(x), np.sqrt(x), np.maximum(x, 0.3), np.minimum(0.2, x), np.abs(x), np.sign(x), np.square(x), np.power(x, 2), np.tanh(x) + np.pi, np.arctan2(x, 1.0)


def numpy_operators(x, y):
    return np.add(x, y), np.subtract(x, y), np.multiply(x, 2), np.divide(1, x), np.floor_divide(x, y), np.mod(x, y), np.negative(x), np.less(x, y), np.logical_and(x > 0, y > 0), np.logical_not(x > 1)


def builtin_functions(a, b, c):
    return min(a, b), max(a, b, c), sum((a, b, c)), abs(a), pow(a, 2), round(b), max([a, b]), min((c, 2)), sum([a, b], 10)


def comparisons(x, y):
    return x < y, x <= y, x == y, x != y, x > 0.5, 1 >= x


def where_clip(x, y):
    return np.where(x > 0, x, y), np.where(x > 0, 1.0, 0.0), np.clip(x, -1.0, 1.0), x.clip(0, 1), np.where(x > y, x * 2, 0)


def reductions(a):
    return (
        a.sum(), np.sum(a), a.sum(axis=0), a.sum(axis=1), np.sum(a, axis=-1), a.sum(axis=(0, 1)), a.mean(), np.mean(a, axis=0), a.max(), np.min(a, axis=1), a.prod(axis=0),
        a.sum(axis=1, keepdims=True), a - a.mean(axis=0, keepdims=True), np.any(a > 3.0), np.all(a > 3.0, axis=0), np.std(a), np.var(a, axis=1), a.max(axis=1, keepdims=True), np.sum(a > 0),
    )


def vector_reductions(x):
    return sum(x), max(x), min(x), np.max(x), x.mean(), x.min(), np.prod(x), np.dot(x, x), x @ x, x.dot(2.0 * x), any(x > 1.9), all(x > -9.0)


def products(a, x, y):
    return a @ x, y @ a, a @ a.T, a.T @ a, np.dot(a, x), a.dot(x), np.matmul(a, x), np.outer(y, x), a[0] @ x


def broadcasting(a, x, y):
    return a + x, a * x[None, :], a + y[:, None], x[:, None] * x, 2.0 - a, a + 1, a[:, :1] * a, x[None] - a


def creation(n):
    return (
        np.zeros(n), np.ones((n, 2)), np.full(n, 2.5), np.full((2, n), n), np.zeros((2, 3), dtype=np.int64), np.arange(n), np.arange(2, n), np.arange(0.0, 1.0, 0.3), np.arange(n, 0, -2),
        np.eye(n), np.linspace(0.0, 1.0, n), np.linspace(0, 1, 5), np.linspace(0.0, 1.0, n, endpoint=False), np.array([1, 2, n]), np.array([[1.0, 2.0], [n, 4.0]]), np.identity(2),
    )


def likes(x):
    return np.zeros_like(x), np.ones_like(x), np.full_like(x, 3), np.empty_like(x).shape, np.zeros(x.shape), np.ones(len(x)), np.zeros_like(x, dtype=np.int64), np.asarray(x), np.copy(x)


def from_lists(x):
    return np.array([x[0], 2.0, x[1]]), np.array([x, x * 2.0]), np.array((x[:2], x[1:3])), np.stack([x, x + 1.0]), np.concatenate((x, x[1:])), np.array([1, 2.5, True])


def comprehension_arrays(x, n):
    return np.array([v * 2.0 for v in x]), np.array([i * i for i in range(n)]), np.array([[i + 0.5, i * 2.0] for i in range(n)])


def scalars_of_numpy(x):
    return np.float64(x), np.float32(x) * 2.0, np.int64(x), np.float64(3), x.dtype == np.float64 if False else 1


def floor_divide_arrays(i, j):
    return i // j, i % j, i * 2 // 3, i / j


def diagonals(a):
    return np.diag(a), np.trace(a), np.diagonal(a)


CASES: list[tuple[Any, ...]] = [
    *[(integers, a, b) for a in (7, -7) for b in (3, -3)], (integers, 1, 0), *[(floats, a, b) for a in (2.5, 0.3) for b in (1.5, 0.7)], (mixed, 2.5, 3), (mixed, 0.5, 2),
    *[(bools, a, b) for a in (1, -1) for b in (1, -1)], (powers, 2.5, 3), (powers, 2, 3), (conversions, 2.5), (conversions, -2.5), (conversions, 3.5), (conversions, 0.0), (math_functions, 0.7),
    (numpy_functions, 0.7), (numpy_functions, W), (numpy_functions, M[2].copy()), (numpy_operators, W, W[::-1].copy()), (numpy_operators, 0.3, 0.2), (builtin_functions, 1.5, 2.5, -1.0),
    (builtin_functions, 3, 2, 5), (comparisons, V, V[::-1].copy()), (comparisons, 1.0, 2), (where_clip, V, V * 2), (where_clip, W - 0.5, W), (reductions, M), (reductions, B), (vector_reductions, V), (vector_reductions, W),
    (products, M, V[:4].copy(), V[:3].copy()), (products, B, B[0].copy(), W[:20].copy()), (broadcasting, M, V[:4].copy(), V[:3].copy()), (broadcasting, B, B[0].copy(), W[:20].copy()), (creation, 4), (creation, 1),
    (likes, V), (likes, W), (from_lists, V), (comprehension_arrays, V, 4), (comprehension_arrays, W, 3), (floor_divide_arrays, I, np.array([2, 3, -4, 5, 6])), (floor_divide_arrays, I, np.array([2, 3, 0, 5, 6])),
    (diagonals, M[:, :3].copy()), (diagonals, B),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_numbers(case: tuple[Any, ...]) -> None:
    if case[0] is integers and case[2] == 0 or case[0] is floor_divide_arrays and 0 in case[2]:
        from tests.frontend.support import run

        with pytest.raises(ZeroDivisionError, match="by zero"):
            run(*case)
        return
    agree(*case, rtol=1e-9)


def promotion(f, d, i, j, n):
    return (
        f + 1, f * 2.5, 2 * f, f / 3, f + d, f[0] + 1.0, f[0] * d[0], i + 1, i / 2, i * 1.5, i // 2, j + 1, j + i, j * 1.0, j[0] + 1, f * i, f + n, f**2, np.exp(f), np.exp(i), np.sum(f), np.sum(j), np.sum(i > 0),
        np.mean(i), np.mean(f), np.maximum(f, 0), np.where(f > 0, f, 0), -f, abs(j), f > 1, f @ f, i @ i, math.sin(f[0]), float(f[0]), n + 1, n / 2, np.float32(n) * 2.0, f.astype(np.float64), np.zeros(3, np.float32) + 1.0,
        np.array([1, 2]), np.array([1.0, 2]), np.arange(3), np.arange(3.0), np.full(2, 1), np.full(2, 1.0), True + True, np.square(i), np.sqrt(j), np.clip(f, 0, 1), i.sum(), f.max(), np.linspace(0, 1, 3),
    )


def test_dtypes() -> None:
    dtypes_agree(promotion, F, V[:3].copy(), I[:3].copy(), np.array([1, 2, 3], np.int32), 4)


def empty_reductions(x):
    return np.max(x)


def test_empty() -> None:
    agree(empty_reductions, np.zeros(0))
    agree(lambda x: np.sum(x) + len(x), np.zeros(0))
    agree(lambda x: max(x[20:]) if len(x) > 30 else 0.0, W)


def mismatch(x, y):
    return x + y


def test_shapes_that_do_not_fit() -> None:
    agree(mismatch, np.ones(30), np.ones(31))
    agree(lambda x, y: x[1:] * y, np.ones(30), np.ones(30))
    agree(lambda x, y: x @ y, np.ones(30), np.ones(31))
    agree(lambda n: np.zeros(n), -3)
    agree(lambda x, n: x.reshape(n, 2), np.ones(30), 7)


@pytest.mark.parametrize(("x", "n"), [(1.0, 1), (-1.0, 1), (1.0, 3), (1.25, 12), (1.0, 5), (1.0, 6), (1.5, 7)])
def test_raise_and_assert(x: float, n: int) -> None:
    agree(assertions, x, n)
