"""Lists, dicts and objects as arguments and results: taken from Python, changed for the caller, gradients in the same structure."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of


@dataclass
class Tree:
    left: Tree | None
    right: Tree | None
    x: float


@dataclass
class Particle:
    x: float
    v: np.ndarray


class Pair:
    def __init__(self, a: Any, b: Any):
        self.a = a
        self.b = b


def total(tree: Tree | None, k: float) -> float:
    if tree is None:
        return 0.0
    return k * tree.x**2 + total(tree.left, k) + total(tree.right, 2.0 * k)


def test_a_tree_and_its_gradient() -> None:
    tree = Tree(Tree(None, None, 2.0), Tree(None, Tree(None, None, 1.0), 3.0), 0.5)
    assert of.jit(total)(tree, 0.5) == total(tree, 0.5)
    assert of.grad(total)(tree, 0.5) == Tree(Tree(None, None, 2.0), Tree(None, Tree(None, None, 4.0), 6.0), 0.5)
    assert of.grad(total, argnums=1)(tree, 0.5) == total(tree, 1.0)
    of.check_grads(total, (tree, 0.5), order=2)


def test_one_compilation_serves_all_trees() -> None:
    f = of.jit(total)
    tree = None
    for k in range(5):
        tree = Tree(tree, None, float(k))
        assert f(tree, 1.0) == total(tree, 1.0)
    assert f.family is not None and len(f.family.versions) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("n", [0, 1, 3, 9, 30])
def test_lists_of_any_length(n: int) -> None:
    def f(xs: list[float], k: float) -> float:
        s = 0.0
        for i, x in enumerate(xs):
            s += k * (i + 1) * x * x
        return s

    xs = [0.5 * i for i in range(n)]
    assert of.jit(f)(xs, 2.0) == pytest.approx(f(xs, 2.0))
    if n:
        assert of.grad(f)(xs, 2.0) == pytest.approx([4.0 * (i + 1) * x for i, x in enumerate(xs)])


def test_lists_of_lists() -> None:
    def f(rows: list[list[float]]) -> float:
        s = 0.0
        for row in rows:
            for x in row:
                s += x**3
        return s

    rows = [[1.0, 2.0], [], [3.0]]
    assert of.jit(f)(rows) == 36.0
    assert of.grad(f)(rows) == [[3.0, 12.0], [], [27.0]]


@pytest.mark.parametrize("n", [2, 12])
def test_what_is_changed_is_changed_for_the_caller(n: int) -> None:
    def f(xs: list[float], d: dict[str, float], p: Particle) -> float:
        xs.append(xs[0] + 1.0)
        xs[1] = 7.0
        d["a"] = d["a"] * 2.0
        p.x += 1.0
        p.v[0] = 5.0
        return sum(xs)

    given = [float(k) for k in range(n)], {"a": 1.5}, Particle(1.0, np.zeros(2))
    expected = copy.deepcopy(given)
    xs, d, p = given
    v = p.v
    assert of.jit(f)(*given) == f(*expected)
    assert xs == expected[0] and d == expected[1] and p.x == expected[2].x and p.v is v and v[0] == 5.0


def test_a_linked_list_is_changed_in_place() -> None:
    def insert(tree: Tree, x: float) -> int:
        node, depth = tree, 1
        while node.left is not None and node.left.x < x:
            node = node.left
            depth += 1
        node.left = Tree(node.left, None, x)
        return depth

    tree = Tree(Tree(Tree(None, None, 3.0), None, 1.0), None, 0.0)
    first = tree.left
    assert of.jit(insert)(tree, 2.0) == 2
    assert tree.left is first and tree.left.left.x == 2.0 and tree.left.left.left.x == 3.0  # type: ignore[union-attr]


def test_plain_classes_go_in_and_out() -> None:
    out = of.jit(lambda p: Pair(p.b, [p.a, p.a * 2.0]))(Pair(1.5, 2))
    assert type(out) is Pair and out.a == 2 and out.b == [1.5, 3.0]
    assert of.grad(lambda p: p.a * p.a * p.b)(Pair(1.5, 2.0)).a == 6.0


def test_lists_and_dicts_come_back() -> None:
    def f(a: np.ndarray) -> Any:
        rows: list[list[float]] = [[]]
        seen: dict[int, float] = {}
        for v in a:
            rows[-1].append(v)
            if v > 0.5:
                rows.append([])
            seen[int(4.0 * v)] = v
        return rows, seen

    a = np.array([0.1, 0.7, 0.2, 0.3, 0.9])
    rows, seen = of.jit(f)(a)
    assert rows == [[0.1, 0.7], [0.2, 0.3, 0.9], []] and seen == f(a)[1]


def test_one_object_given_twice_and_changed_is_refused() -> None:
    def f(a: list[float], b: list[float]) -> float:
        a.append(1.0)
        return sum(b)

    xs = [1.0, 2.0]
    with pytest.raises(of.ArgumentError, match="E403"):
        of.jit(f)(xs, xs)
    assert of.jit(f)([1.0], xs) == 3.0


class Even(NamedTuple):
    odd: Odd | None
    x: float


@dataclass
class Odd:
    even: Even | None
    x: float


def alternating(t):
    if t.odd is None:
        return t.x * t.x
    return t.x * t.odd.x + (0.0 if t.odd.even is None else alternating(t.odd.even))


def test_tuples_and_objects_of_one_family_come_back_with_all_their_fields():
    t = Even(Odd(Even(Odd(None, 3.0), 2.0), 5.0), 1.0)
    assert of.grad(alternating)(t) == Even(Odd(Even(Odd(None, 2.0), 3.0), 1.0), 5.0)


class Shelf:
    items = [7.0]  # what the class says of itself is not the object's

    def __init__(self, below, items):
        self.below, self.items = below, items


def squares(s):
    total = 0.0
    for v in s.items:
        total += v * v
    return total if s.below is None else total + squares(s.below)


def test_new_objects_do_not_write_to_the_lists_of_their_class():
    s = Shelf(None, [1.0, 2.0])
    for k in range(5):
        s = Shelf(s, [float(k)])
    g = of.grad(squares)(s)
    assert vars(g)["items"] == [8.0] and vars(g.below)["items"] == [6.0]
    assert Shelf.items == [7.0]


def test_a_shared_object_has_one_cotangent():
    shared = Tree(None, None, 0.5)
    t = Tree(shared, shared, 1.0)

    def weight(t):
        return 0.0 if t is None else t.x * t.x + np.sin(weight(t.left)) + 0.5 * weight(t.right)

    expected = of.grad(weight)(t)
    (found,) = of.vjp(weight, t)[1](1.0)
    assert found.left is found.right
    assert found.left.x == pytest.approx(expected.left.x) and found.x == pytest.approx(expected.x)
