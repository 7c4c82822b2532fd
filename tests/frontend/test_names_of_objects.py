"""Two names for one object, the caller's too: a change through one is seen through the other, or the program is refused. Never a value from before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of
from tests.properties.object_classes import P, Q, T, total


def named_before(ps, n, x):
    p = ps[-1]
    ps[n % len(ps)].v += x
    return p.v


def held_by_another(ps, n, x):
    q = Q([], 0.0, None, ps[-1])
    ps[n % len(ps)].v += x
    return q.p.v


def returned_by_another(ps, n, x):
    q = Q([], 0.0, None, ps[-1])
    ps[n % len(ps)].v += x
    return [q.p]


def array_named_before(rows, n, x):
    row = rows[0]
    rows[n % len(rows)][0] += x
    return row[0]


def list_named_before(lists, n, x):
    own = lists[0]
    lists[n % len(lists)][0] += x
    return own[0]


def grows_while_reversed(ps, n, x):
    count = 0
    for p in reversed(ps):
        count += 1
        if count > 8:
            break
        ps.append(p)
    return float(len(ps))


def grows_in_a_zip(ps, n, x):
    count = 0
    for _, p in zip(range(9), reversed(ps), strict=False):
        count += 1
        if len(ps) < 6:
            ps.append(p)
    return float(count)


def changes_while_reversed(ps, n, x):
    total = 0.0
    for p in reversed(ps):
        ps[0].v += x
        total = 2.0 * total + p.v
    return total


def taken_after(ps, n, x):
    ps[n % len(ps)].v += x
    return ps[-1].v


def objects() -> list[P]:
    return [P(0.1, 0.5), P(0.2, 0.25), P(0.3, 0.75)]


CASES: list[tuple[Callable[..., Any], Callable[[], Any]]] = [
    (named_before, objects), (held_by_another, objects), (returned_by_another, objects), (grows_while_reversed, objects), (grows_in_a_zip, objects),
    (changes_while_reversed, objects), (taken_after, objects), (list_named_before, lambda: [[1.0, 2.0], [3.0]]),
    (array_named_before, lambda: [np.ones(2), np.zeros(2)]),
]  # fmt: skip


@pytest.mark.parametrize("n", [0, 1, 2, 5])
@pytest.mark.parametrize(("f", "given"), CASES)
def test_never_a_value_from_before(f: Callable[..., Any], given: Callable[[], Any], n: int) -> None:
    mine, theirs = given(), given()
    try:
        found = of.jit(f)(mine, n, 0.7)
    except of.CompileError as refusal:
        assert refusal.code in ("E104", "E105")
        assert f not in (changes_while_reversed, taken_after)
        return
    assert found == f(theirs, n, 0.7)
    assert str(mine) == str(theirs)


# ---------------------------------------------------------------- objects of recursive classes are never in doubt: they go by their rows


def popped_and_put_back(x):
    stack = [T(x * k, None, None) for k in range(4)]
    n = stack.pop()
    m = stack.pop()
    stack.append(n)
    stack.append(m)
    stack.append(n)
    q = stack.pop()
    q.value = 7.0 * x
    return n.value + 2.0 * m.value + 3.0 * stack[-2].value + 4.0 * stack[-1].value


def shifted_and_reduced(x):
    stack = []
    for k in range(7):
        t = T(x * (k + 1), None, None)
        if k % 3 == 2:
            t.right = stack.pop()
            t.left = stack.pop()
            t.left.value += x
        stack.append(t)
    while len(stack) > 1:
        right = stack.pop()
        stack.append(T(right.value * x, stack.pop(), right))
    return total(stack[0]) + stack[0].right.value


@pytest.mark.parametrize("f", [popped_and_put_back, shifted_and_reduced])
def test_popped_objects_of_recursive_classes(f: Any) -> None:
    assert of.jit(f)(1.5) == pytest.approx(f(1.5))
    of.check_grads(f, (1.5,))
