"""min and max as Python has them, and the order of tuples and lists that they go by."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of

V = np.array([3.0, 1.0, 2.0, 3.0])


@dataclass
class Point:
    x: float
    k: int

    def __lt__(self, other):
        return self.x < other.x

    def __gt__(self, other):
        return self.x > other.x


def pairs(v):
    return [(x, k) for k, x in enumerate(v)]


def above(v, level):
    return [x for x in v if x > level]


def nearest(v):
    distance, k = min((abs(x - 2.2), k) for k, x in enumerate(v))
    return v[k] * distance


def largest_step(v):
    best = max(zip(v[1:], v))
    return best[0] - 2.0 * best[1]


PROGRAMS = {
    "a few tuples": lambda v: min((v[0], 2.0), (v[1], 1.0), (v[0], 1.0))[1] * v[2],
    "arguments that are tuples": lambda v: max((v[0], 1.0), (v[3], 2.0))[1] * v[0],
    "tuples of a list": lambda v: max(pairs(v))[0] * max(pairs(v))[1] + min(pairs(v))[1],
    "tuples of a generator": nearest,
    "of zip": largest_step,
    "a tuple as a key": lambda v: max(pairs(v), key=lambda p: (p[0], -p[1]))[1] + v[0],
    "the first of equal ones": lambda v: max(pairs(v), key=lambda p: p[0])[1] + 2.0 * min(pairs(v), key=lambda p: -p[0])[1],
    "objects that say how": lambda v: min([Point(x, k) for k, x in enumerate(v)]).k + v[2] * max(Point(v[1], 5), Point(v[0], 7)).k,
    "key of None": lambda v: max(v, key=None) * min(pairs(v), key=None)[0],
    "default not needed": lambda v: max(v, default=0.0) + min((x for x in v), default=9.0) + max(above(v, 1.5), default=-v[1]),
    "default of an array": lambda v: max(v[: len(v) - 4], default=v[1]),
    "default of a list": lambda v: min(above(v, 9.0), default=v[1] * 2.0),
    "default of a generator": lambda v: max((x for x in v if x > 9.0), default=-v[0]),
    "default of pairs": lambda v: min(((x, k) for k, x in enumerate(v) if x > 9.0), default=(v[0], 7))[1] * v[1],
    "default with a key": lambda v: max(above(v, 9.0), key=lambda x: -x, default=v[0]) + min((x for x in v), key=lambda x: -x, default=0.0),
    "default of nothing": lambda v: max((), default=v[0]) + max([v[1]], default=0.0),
    "empty array": lambda v: max(v[: len(v) - 4]),
    "empty list": lambda v: min(above(v, 9.0)),
    "empty generator": lambda v: max(x for x in v if x > 9.0),
    "empty with a key": lambda v: min(above(v, 9.0), key=lambda x: x),
}


def outcome(f: Any) -> Any:
    try:
        return f()
    except ValueError as e:
        return str(e)


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_in_python(name: str) -> None:
    f = PROGRAMS[name]
    expected = outcome(lambda: f(V))
    for found in (outcome(lambda: of.jit(f)(V)), outcome(lambda: of.trace(f)(V).interpret(V))):
        assert found == expected or "empty" in expected  # NumPy and Python say it in different words


@pytest.mark.parametrize("name", ["tuples of a generator", "of zip", "default of a list", "default of pairs", "a tuple as a key"])
def test_derivatives(name: str) -> None:
    of.check_grads(PROGRAMS[name], (np.array([3.0, 1.0, 2.0, 2.5]),), order=1)


def test_the_order_of_sequences() -> None:
    """Item by item, the shorter first; what is no number is in no order."""

    def of_tuples(x, y):
        a, b, c = (x, 1), (x, 2), (x,)
        found = []
        for p, q in ((a, a), (a, b), (b, a), (c, a), (a, c), ((y,), (x,)), ((x,), (y,)), ((x, y), (x, x))):
            found.append([p < q, p <= q, p > q, p >= q])
        return found

    def of_lists(x, y):
        a = [x * k for k in range(4)]
        b, c, d = a[:-1], [y if k > 0 else x for k in range(3)], [x + 1.0, x][: int(x)]
        found = []
        for p, q in ((a, a), (a, b), (b, a), (a, c), (c, a), (d, a), (a, d)):
            found.append([p < q, p <= q, p > q, p >= q])
        return found

    for f in (of_tuples, of_lists):
        for y in (0.5, float("nan")):
            assert of.jit(f)(1.5, y) == f(1.5, y)


def test_refusals() -> None:
    for f, code in (
        (lambda v: max(v, start=1.0), "E106"),
        (lambda v: max(v[0], v[1], default=0.0), "E106"),
        (lambda v: max(()), "E101"),
        (lambda v: max((v[0],), v[1]), "E101"),
    ):
        with pytest.raises(of.CompileError) as e:
            of.jit(f)(V)
        assert e.value.code == code


def test_generators_are_unpacked() -> None:
    def f(x):
        a, b = (x * k for k in (2.0, 3.0))
        c, *d = (x + k for k in range(3))
        return a * b + functools.reduce(lambda p, q: p * q, [*(x - k for k in (0.5, 1.0)), c, *d])

    assert of.jit(f)(1.7) == pytest.approx(f(1.7))
    of.check_grads(f, (1.7,))
