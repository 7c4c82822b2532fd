"""of.jvp, of.vjp and of.check_grads of functions that return objects of recursive classes, run-time lists and dicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of


@dataclass
class Tree:
    x: float
    w: np.ndarray
    left: Tree | None = None
    right: Tree | None = None


def grown(n: int, x: float) -> Tree | None:
    """The children are made before the parent: rows of the table are not in the order in which the result is gone through."""
    return None if n == 0 else Tree(x * x + n, np.array([x, x**3]), grown(n - 1, 1.1 * x), grown(n - 1, 0.9 * x))


def turned(t: Tree | None, k: float) -> Tree | None:
    return None if t is None else Tree(t.x * t.x * k, t.w * t.x, turned(t.right, k), turned(t.left, 2.0 * k))


def weights(t: Any, k: float = 1.0) -> Any:
    """A cotangent that tells every node from the others."""
    return None if t is None else Tree(k, np.array([0.5 * k, 0.25]), weights(t.left, k + 1.0), weights(t.right, -1.5 * k))


def paired(t: Any, c: Any) -> Any:
    return 0.0 if t is None else t.x * c.x + t.w[0] * c.w[0] + t.w[1] * c.w[1] + paired(t.left, c.left) + paired(t.right, c.right)


def test_the_pullback_of_a_tree_that_the_function_makes():
    value, pull = of.vjp(grown, 4, 1.5)
    ct = weights(value)
    expected = of.grad(lambda n, x, c: paired(grown(n, x), c), argnums=1)(4, 1.5, ct)
    for _ in range(3):  # compiled entries read objects in another order than Python
        assert pull(ct) == (None, pytest.approx(expected))
    of.check_grads(grown, (3, 1.5), order=1)


def test_the_pullback_of_a_tree_made_of_another():
    t = grown(4, 1.2)
    value, pull = of.vjp(turned, t, 0.7)
    ct = weights(value)
    by_tree, by_k = of.grad(lambda t, k, c: paired(turned(t, k), c), argnums=(0, 1))(t, 0.7, ct)
    for _ in range(3):
        slope, k = pull(ct)
        assert k == pytest.approx(by_k) and paired(slope, weights(slope)) == pytest.approx(paired(by_tree, weights(by_tree)))
        assert slope.left.right.x == pytest.approx(by_tree.left.right.x)
    of.check_grads(turned, (grown(3, 1.2), 0.7))


@dataclass
class Link:
    x: float
    next: Link | None = None
    back: Link | None = None


def ring(n: int, x: float) -> Link:
    first = last = Link(x)
    for _ in range(n):
        lost = Link(x * x)  # a row that the result does not reach
        new = Link(last.x * x + 0.0 * lost.x, None, last)
        last.next = new
        last = new
    first.back, last.next = last, first
    return first


def test_objects_in_a_circle():
    value, pull = of.vjp(ring, 3, 1.1)
    assert value.next.next.next.next is value
    ct = Link(0.0, Link(0.0, Link(1.0)))
    ct.next.next.next = Link(0.0, ct)
    for a, b in ((ct, ct.next), (ct.next, ct.next.next), (ct.next.next, ct.next.next.next), (ct.next.next.next, ct)):
        b.back = a
    assert pull(ct)[1] == pytest.approx(3 * 1.1**2)
    of.check_grads(ring, (3, 1.1), order=1)


def twice(x: float) -> Link:
    one = Link(x * x)
    return Link(x, one, one)


def test_a_shared_object_has_one_cotangent_or_none():
    _, pull = of.vjp(twice, 3.0)
    one = Link(1.0)
    assert pull(Link(0.0, one, one)) == (6.0,)
    for second in (Link(1.0), 1.0):
        with pytest.raises(of.DerivativeError, match="two different objects where the result have one object twice"):
            pull(Link(0.0, one, second))
    with pytest.raises(of.DerivativeError, match="None, but the result have a float"):
        pull(Link(0.0, None, None))
    with pytest.raises(of.DerivativeError, match="one object twice"):
        pull(Link(0.0, None, one))


class Cell(NamedTuple):
    z: complex
    n: int
    rest: Cell | None


def cells(n: int, x: float) -> list[Cell | None]:
    found: Cell | None = None
    out: list[Cell | None] = []
    for k in range(n):
        found = Cell(x * x + 1j * k * x, k, found)
        out.append(found)
    return out


def test_lists_tuples_and_dicts_of_objects():
    def f(x: float):
        return cells(2, x), (cells(1, x)[0], {"a": twice(x), "b": x})

    value, pull = of.vjp(f, 2.0)
    assert value[0][1].rest is value[0][0]
    first, one = Cell(1.0, 0, None), Link(0.5)
    ct = ([first, Cell(1j, 0, first)], (Cell(2.0, 0, None), {"a": Link(0.0, one, one), "b": 1.0}))
    # 2x of the first cell, Re(i (2x + i)) of the second, 4x, x and 1
    assert pull(ct) == (pytest.approx(4.0 - 1.0 + 8.0 + 2.0 + 1.0),)
    of.check_grads(f, (2.0,))


def many(n: int, x: float):
    rows: list[tuple[float, list[float]]] = []
    known: dict[int, float] = {}
    perhaps: list[float | None] = []
    for k in range(n):
        rows.append((x * k, [x * x] * k))
        known[7 * k % 5] = x**3
        perhaps.append(x if k % 2 else None)
    return rows, known, perhaps


def test_run_time_lists_and_dicts_however_short():
    """Code is made for lists of any length; the cotangent of a short one must not be taken for structure."""
    for n in (3, 12):
        value, pull = of.vjp(many, n, 2.0)
        rows = [(1.0, [0.5] * k) for k in range(n)]
        ct = (rows, dict.fromkeys(value[1], 1.0), [None if v is None else 10.0 for v in value[2]])
        expected = sum(k + 0.5 * k * 4.0 for k in range(n)) + 12.0 * len(value[1]) + 10.0 * (n // 2)
        assert pull(ct) == (None, pytest.approx(expected))
    of.check_grads(many, (3, 2.0), order=1)
    moved = of.jvp(many, (2, 2.0), (None, 1.0))[1]
    assert moved == ([(0.0, []), (1.0, [4.0])], {0: 12.0, 2: 12.0}, [None, 1.0])


def test_an_integer_among_floats_does_not_take_the_tangent_of_its_neighbour():
    def squares(xs: list[float]) -> float:
        total = 0.0
        for k in range(len(xs)):
            total += (k + 1) * xs[k] * xs[k]
        return total

    xs = [1, 2.0, *[3.0] * 9]
    assert of.jvp(squares, (xs,), ([None, 1.0, *[0.0] * 9],))[1] == 8.0
    assert of.jvp(squares, (xs,), (of.grad(squares)(xs),))[1] == sum(g * g for g in of.grad(squares)(xs))

    def chain(p: Link | None) -> float:
        total = 0.0
        while p is not None:
            total += p.x * p.x
            p = p.next
        return total

    assert of.jvp(chain, (Link(3, Link(2.0)),), (Link(None, Link(1.0)),))[1] == 4.0  # type: ignore[arg-type]


def test_shapes_and_dtypes_are_checked():
    value, pull = of.vjp(grown, 2, 1.5)
    for wrong, what in ((np.ones(3), "shape"), (np.ones(2, "f4"), "float32")):
        ct = weights(value)
        ct.right.w = wrong
        with pytest.raises(of.DerivativeError, match=what):
            pull(ct)
    with pytest.raises(of.DerivativeError, match="the cotangent are a number or array"):
        pull(1.0)
