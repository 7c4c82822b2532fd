"""Programs with objects that random search, or what it led to, once found to be wrong: right for good, or refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.errors import OneformError
from tests.properties.object_classes import Const, Op, P, Q, T, Var, insert, swap, total


def renamed_array(x, n):
    qs = [Q([x], x, np.ones(3)), Q([x], x, np.zeros(3))]
    s = 0.0
    for i in range(n):
        q = qs[i]
        a = q.a
        q.a = q.a + 1.0
        s += a.sum()
    return s


def renamed_list(x, n):
    qs = [Q([x], x, np.ones(3)), Q([x], x, np.zeros(3))]
    s = 0.0
    for i in range(n):
        q = qs[i]
        items = q.items
        q.items = [1.0, 2.0]
        s += sum(items)
    return s


def one_twice(x, n):
    p = P(x)
    ps = [p, p]
    ps[n - 1].x += 1.0
    return ps[0].x + ps[1].x


def appended_again(x, n):
    p = P(x)
    ps = [P(x)]
    for _ in range(n):
        ps.append(p)
    ps[n].x += 1.0
    return ps[1].x + ps[n].x + ps[0].x


def own_item_appended(x, n):
    ps = [P(x) for _ in range(n)]
    ps.append(ps[0])
    ps[n].x += 1.0
    return ps[0].x


def repeated_list(x, n):
    ps = [[x]] * (n + 1)
    ps[n].append(1.0)
    return len(ps[0])


def shared_array(x, n):
    a = np.ones(3)
    arrays = [a for _ in range(n)]
    arrays[0][0] = 3.0
    return arrays[1][0]


def popped(x, n):
    p = P(x)
    ps = [P(x) for _ in range(n)]
    ps.append(p)
    q = ps.pop()
    q.x = 7.0
    return p.x


def popped_of_two(x, n):
    ps = [P(x) for _ in range(n)]
    qs = ps.copy()
    q = ps.pop()
    q.x = 7.0
    return qs[-1].x


def in_place_and_anew(x, n):
    qs = [Q([x], x, np.ones(3)), Q([x], x, np.zeros(3))]
    s = 0.0
    for i in range(n):
        q = qs[i]
        a = q.a
        q.a += 1.0
        s += a.sum()
        q.a = q.a * 2
        q.items = [1.0, 2.0]
        q.items.append(x)
    return s + sum(q.a.sum() * sum(q.items) for q in qs)


def read_again(x, n):
    a, b = P(x), P(2 * x)
    ps = [a, b]
    s = 0.0
    for i in range(n):
        s += ps[i % 2].x
    a.x = 5.0
    return s + a.x


def places_traded(x, n):
    ps = [P(x / (i * i - 3)) for i in range(n + 3)]
    for i in range(len(ps)):
        for j in range(len(ps) - 1 - i):
            if ps[j].x > ps[j + 1].x:
                ps[j], ps[j + 1] = ps[j + 1], ps[j]
    swap(ps, 0, -1)
    ps[n].v = x
    return sum(i * p.x + p.v for i, p in enumerate(ps))


def zipped(x, n):
    xs = [x * i for i in range(n)]
    ps = [P(x), P(2 * x)]
    for v, p in zip(xs, ps):
        p.x += v
    return ps[0].x + 2 * ps[1].x


def dict_by_number(x, n):
    d = {k: x * k for k in range(n + 2)}
    e = {k * 2: d[k] + v for k, v in d.items() if k > 0}
    return sum(d.values()) + e.get(2, 0.5)


def condition(x, n):
    xs = [x] * n
    if n > 1 and xs:
        return replace(P(x), v=x).v
    return 0.0


ALONE: list[Callable[..., Any]] = [
    renamed_array, renamed_list, one_twice, appended_again, own_item_appended, repeated_list, shared_array, popped, popped_of_two,
    in_place_and_anew, read_again, places_traded, zipped, dict_by_number, condition,
]  # fmt: skip
ACCEPTED = {in_place_and_anew, read_again, places_traded, zipped, dict_by_number, condition}


@pytest.mark.parametrize("f", ALONE, ids=lambda f: f.__name__)
def test_right_or_refused(f: Callable[..., Any]) -> None:
    try:
        value = of.jit(f)(0.3, 2)
    except OneformError:
        assert f not in ACCEPTED, "refused"
        return
    assert value == pytest.approx(f(0.3, 2))
    if f in ACCEPTED:
        of.check_grads(f, (0.3, 2), order=1)


# ---------------------------------------------------------------- the caller's objects


def first_of_row(rows, n):
    rows[n][0] = 5.0
    return rows[0][0]


def inside(qs, n):
    qs[n].items[0] = 5.0
    qs[n].a[0] = 6.0
    return qs[0].w


def pair_replaced(pairs, n):
    pairs[n] = (7.0, 8)
    return pairs[0][0]


def all_moved(ps, n):
    s = 0.0
    for i in range(len(ps)):
        ps[i].x += 1.0
        s += ps[i].x * n
    return s


GIVEN: list[tuple[Callable[..., Any], Any]] = [
    (first_of_row, [[1.0, float(k)] for k in range(12)]), (first_of_row, [[1.0], [2.0, 3.0]]), (first_of_row, [np.ones(3) * k for k in range(12)]),
    (first_of_row, [np.ones(3), np.zeros(3)]), (inside, [Q([1.0, float(k)], 1.0, np.ones(3), P(1.0)) for k in range(12)]),
    (pair_replaced, [(float(k), k) for k in range(12)]), (all_moved, [P(1.0, 2.0), P(3.0, 4.0)]), (all_moved, [P(float(k), 2.0) for k in range(12)]),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(GIVEN)))
def test_callers_objects_change(case: int) -> None:
    f, given = GIVEN[case]
    mine, theirs = copy.deepcopy(given), copy.deepcopy(given)
    kept = list(mine)
    assert of.jit(f)(mine, 1) == f(theirs, 1)
    assert str(mine) == str(theirs)
    assert f is pair_replaced or all(a is b for a, b in zip(kept, mine, strict=True))


def other_list(ps, qs, n):
    ps[n].x = 5.0
    return qs[0].x


def test_objects_met_twice_are_refused() -> None:
    @dataclass
    class Own:  # which no other program has moved about
        x: float

    p, a = Own(1.0), np.ones(3)
    for args in (([Own(2.0), p], [p, Own(3.0)], 1), ([p, p], [Own(3.0)], 1), ([p] * 12, [Own(2.0)], 1)):
        with pytest.raises(OneformError, match="E403"):
            of.jit(other_list)(*args)
    with pytest.raises(OneformError, match="E403"):
        of.jit(first_of_row)([a] * 12, 1)


# ---------------------------------------------------------------- derivatives


def grown(x, y):
    t = T(x, T(y), None)
    for _ in range(2):
        t = insert(t, 0.5 * total(t))
    return total(t)


def evaluated(x, k, e, q):
    e = Op(e, e, k)
    return e.ev(x) + q.w


def test_gradient_of_a_tree_that_grows_by_recursion() -> None:
    of.check_grads(grown, (0.3, -0.2), order=1)


def test_forward_mode_with_objects_of_recursive_classes_beside_other_arguments() -> None:
    of.check_grads(evaluated, (0.3, 1, Op(Const(0.7), Var()), Q([0.1], 0.2, np.ones(3))), order=1)
