"""copy.copy and copy.deepcopy, and what is said where a write may reach the caller's objects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of


@dataclass
class Point:
    x: float
    w: np.ndarray
    z: list[float]


@dataclass
class Marked(Point):
    def __copy__(self) -> Marked:
        return Marked(self.x + 100.0, self.w, self.z)


@dataclass
class Chain:
    x: float
    rest: Chain | None = None


def point(x: Any, cls: Any = Point) -> Any:
    return cls(x, np.ones(2) * x, [x, 2.0])


def shallow(x):
    p = point(x)
    q = copy.copy(p)
    q.w[0] = 3.0 * x
    q.x = x * x
    q.z = [5.0]
    return p.x * q.x + p.w[0] * p.z[0] + q.z[0]


def deep(x):
    p = point(x)
    pair = [p, p, (x, [x])]
    other = copy.deepcopy(pair)
    other[0].w[0] = 7.0 * x
    other[0].z.append(x)
    other[2][1][0] = x * x
    return p.w[0] + other[1].w[0] * other[1].z[2] + len(p.z) + pair[2][1][0] * other[2][1][0]


def of_a_class_that_says_how(x):
    p = point(x, Marked)
    return copy.copy(p).x * p.x


def of_linked_objects(x):
    a = Chain(x, Chain(2.0 * x))
    b = copy.copy(a)
    b.x = x**3
    b.rest.x = x * x
    return a.x * a.rest.x + b.x


def of_run_time_lists(x):
    rows = [point(x * k) for k in range(4 + int(x))]
    flat = [p.x for p in rows]
    other, more = copy.deepcopy(rows), copy.copy(flat)
    other[1].w[0] = 9.0 * x
    other[2].z.append(x)
    more[1] = x * x
    return rows[1].w[0] + other[1].w[0] + len(rows[2].z) + len(other[2].z) + flat[1] * more[1]


def of_dicts(x):
    d = {k: x * k for k in range(3 + int(x))}
    e, f = copy.copy(d), copy.deepcopy(d)
    e[1] = x * x
    f[2] = x**3
    return d[1] * e[1] + d[2] * f[2]


@pytest.mark.parametrize("f", [shallow, deep, of_a_class_that_says_how, of_linked_objects, of_run_time_lists, of_dicts], ids=lambda f: f.__name__)
def test_copies(f: Callable[[float], float]) -> None:
    assert of.jit(f)(1.3) == pytest.approx(f(1.3), rel=1e-14)
    of.check_grads(f, (1.3,), order=1)


def test_a_copy_keeps_the_caller_s_object_as_it_is() -> None:
    def f(p):
        q = copy.copy(p)
        q.x = 2.0 * p.x
        return q.x * p.x

    p = point(3.0)
    assert of.jit(f)(p) == 18.0 and p.x == 3.0
    assert of.grad(f)(p).x == 12.0


def test_deepcopy_of_linked_objects_is_refused() -> None:
    with pytest.raises(of.CompileError, match="E003: copy.deepcopy of objects of recursive classes"):
        of.jit(lambda c: copy.deepcopy(c).x)(Chain(1.0))


# ---------------------------------------------------------------- writes that may reach the caller


def chosen(ps, n):
    best = ps[0]
    for i in range(n):
        if ps[i].x > best.x:
            best = ps[i]
    best.x = 2.0
    return ps[0].x


def turned(pair, n):
    for _ in range(n):
        pair["a"].x += 1.0
        pair["a"], pair["b"] = pair["b"], pair["a"]
    return pair["a"].x


def either(p, q, n):
    r = p if n > 0 else q
    r.x = 3.0
    return p.x


def lists(xs, ys, n):
    zs = xs if n > 0 else ys
    zs.append(1.0)
    return xs[0]


@pytest.mark.parametrize(
    ("f", "args", "first", "second", "repair"),
    [
        (chosen, lambda: ([point(1.0), point(2.0)], 2), "best", "the argument ps", "best = copy.copy(best)"),
        (turned, lambda: ({"a": point(1.0), "b": point(2.0)}, 3), "pair['a']", "the pair['a'] that was given", "pair['a'] = copy.copy(pair['a'])"),
        (either, lambda: (point(1.0), point(2.0), 1), "r", "the argument p", "p = copy.copy(p)"),
        (lists, lambda: ([1.0, 2.0], [3.0], 1), "zs", "the argument xs", "xs = xs.copy()"),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_both_names_and_the_copy_are_given(f: Any, args: Any, first: str, second: str, repair: str) -> None:
    with pytest.raises(of.CompileError) as e:
        of.jit(f)(*args())
    assert e.value.code == "E104" and e.value.detail == f"{first} may or may not be the same memory as {second}"
    assert e.value.repair.endswith(repair)
