"""Lists and trees of objects whose classes say nothing of what their fields hold: that they are recursive is seen from what the program does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of


class Node:
    def __init__(self, v, following=None):
        self.v = v
        self.following = following


class Tree:
    def __init__(self, x, left=None, right=None):
        self.x, self.left, self.right = x, left, right


class Stack:
    def __init__(self):
        self.head = None
        self.count = 0

    def push(self, v):
        self.head = Node(v, self.head)
        self.count += 1

    def pop(self):
        v = self.head.v
        self.head = self.head.following
        self.count -= 1
        return v


class Dual:
    """Holds its own kind to a depth that the program says, and no further."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __add__(self, o):
        return Dual(self.a + o.a, self.b + o.b)

    def __mul__(self, o):
        return Dual(self.a * o.a, self.a * o.b + self.b * o.a)


def chain(xs):
    head = None
    for x in reversed(xs):
        head = Node(x, head)
    return head


def weighed(head, k):
    total, weight = 0.0, 1.0
    while head is not None:
        total, weight, head = total + weight * head.v**2, k * weight, head.following
    return total


def made_in_a_loop(xs, k):
    return weighed(chain(xs), k)


def grown(x, n):
    return Tree(x) if n == 0 else Tree(x * n, grown(0.5 * x, n - 1), grown(x + 0.1, n - 1))


def summed(tree, k):
    return 0.0 if tree is None else tree.x**2 + k * summed(tree.left, k) + summed(tree.right, k)


def grown_by_recursion(x, n):
    return summed(grown(x, n), 0.5)


def insert(tree, x):
    if tree is None:
        return Tree(x)
    if x < tree.x:
        tree.left = insert(tree.left, x)
    else:
        tree.right = insert(tree.right, x)
    return tree


def searched(xs):
    tree = None
    for x in xs:
        tree = insert(tree, x)
    return summed(tree, 0.25)


def stacked(x, n):
    stack = Stack()
    for i in range(n):
        stack.push(x * i)
    total = 0.0
    while stack.count > 0:
        total = 0.5 * total + stack.pop()
    return total


def third_power_twice_dual(x):
    y = Dual(Dual(x, 1.0), Dual(1.0, 0.0))
    z = y * y * y + y
    return z.b.b + z.a.a


def settles_late(x, n):
    """Nested as deep in every attempt, of which it takes some until all numbers are floats."""
    y = Dual(Dual(x, 1), Dual(1, 0))
    a, b, c, d, e, g = 0, 0, 0, 0, 0, x
    for _ in range(n):
        a, b, c, d, e = b, c, d, e, e + g
        y = y * Dual(Dual(a, 0), Dual(0, 0)) + y
    return y.b.b + y.a.a + a


CASES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (made_in_a_loop, ([0.1 * i for i in range(12)], 0.5)), (grown_by_recursion, (0.7, 4)), (searched, ([0.5, 0.2, 0.9, 0.1, 0.7, 0.6, 0.3, 0.8, 0.95],)),
    (stacked, (0.7, 8)), (third_power_twice_dual, (1.3,)), (settles_late, (1.3, 7)), (weighed, (chain([float(i) for i in range(20)]), 0.5)), (weighed, (chain([1.0, 2.0]), 0.5)),
    (summed, (grown(0.5, 5), 0.3)),
]  # fmt: skip


@pytest.mark.parametrize(("f", "args"), CASES)
def test_as_in_python(f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    assert np.isclose(of.jit(f)(*args), f(*args), rtol=1e-13)
    of.check_grads(f, args, order=1)


def test_the_gradient_is_a_tree() -> None:
    slope = of.grad(summed)(grown(0.5, 4), 0.3)
    assert isinstance(slope, Tree) and isinstance(slope.left.right.left, Tree)
    assert slope.x == 2.0 * grown(0.5, 4).x
    assert np.isclose(slope.left.x, 0.3 * 2.0 * grown(0.5, 4).left.x)


def test_one_compilation_serves_chains_of_any_length() -> None:
    f = of.jit(weighed)
    for n in (5, 9, 30):
        assert np.isclose(f(chain([0.5 * i for i in range(n)]), 0.9), weighed(chain([0.5 * i for i in range(n)]), 0.9))
    assert f.family is not None and len(f.family.versions) == 1  # type: ignore[attr-defined]
