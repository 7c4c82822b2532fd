"""Functions that yield, generator expressions, itertools: what is gone through once, and may be left early."""

from __future__ import annotations

import itertools
import math
import operator
from dataclasses import dataclass

import numpy as np

from tests.programs.registry import mat, program, vec

# ---------------------------------------------------------------- functions that yield


def multiples(a):
    """Without an end."""
    k = 0
    while True:
        yield a * k
        k += 1


def three(a):
    for i in range(3):
        if i == 1:
            yield a * a
        yield a * i


@program((1.3,), (4.1,))
def left_by_return_only(a):
    """Behind loops over items without an end there is nothing."""

    def beyond(limit):
        for v in multiples(a):
            if v > limit:
                return v * v

    def numbered(limit):
        for k, v in enumerate(2.0 * u for u in multiples(a)):
            if v > limit:
                return v * k

    def in_turn(limit):
        total = 0.0
        for v in itertools.cycle([a, a * a, 1.0]):
            total += v
            if total > limit:
                return total * v

    def again(limit):
        product = 1.0
        for v in itertools.repeat(a):
            product *= v
            if product > limit:
                return product

    return beyond(5.0) + numbered(9.0) + in_turn(12.0) + again(6.0)


@program((1.3,), (4.1,))
def until_it_breaks(a):
    s = 0.0
    for v in multiples(a):
        if v > 20.0:
            break
        s += v * v
    return s


@program((1.3,), (2.6,), (0.41,))
def left_by_return(a):
    """Out of two loops and the generator between them; or only out of the inner one."""
    s = 1.0
    for i in range(3):
        for v in multiples(a):
            if v > 5 + i:
                if s > 40.0:
                    return s * v
                break
            s += v * a
    return s


@program((vec(3, 1, 0.2, 1.0),))
def one_in_another(x):
    total = 0.0
    for v in three(x[0]):
        if v > 100.0:
            break
        total += v
    else:
        total *= 3.0
    for a in three(x[1]):
        for b in three(x[2]):
            if b > a:
                break
            total += a * b
        if a > 0.5:
            continue
        total *= 1.1
    return total


def runge_kutta(f, y, t, dt, end):
    while t < end - 1e-12:
        k1 = f(t, y)
        k2 = f(t + dt / 2, y + dt / 2 * k1)
        y = y + dt * k2
        t += dt
        yield t, y


@program((np.array([0.5, 1.2]),))
def fitted_on_the_way(p):
    """An integrator that hands out its steps."""
    loss = 0.0
    for t, y in runge_kutta(lambda t, y: np.array([y[1], -p[1] * y[0] - p[0] * y[1] + 0.1 * t]), np.array([1.0, 0.0]), 0.0, 0.1, 1.0):
        loss += (y[0] - math.cos(t)) ** 2
    return loss


@program((vec(4, 2, 0.2, 1.0),))
def both_change_a_list(x):
    """What the generator does between two items is seen by the loop, and the other way round."""
    seen = []

    def items():
        for v in x:
            seen.append(v * 2)
            yield v + len(seen) * seen[-1]

    total = 0.0
    for v in items():
        total += v * seen[-1]
        seen[-1] = v * x[0]
        if len(seen) == 3:
            break
    return total + len(seen) * seen[1]


@program((vec(4, 3, 0.2, 1.0),))
def handed_on(x):
    """yield from: of a generator, of an array, and what comes between."""

    def all_of_it():
        yield from three(x[0])
        yield from x * x
        yield x[1]

    total = 0.0
    for k, v in enumerate(all_of_it()):
        if k == 7:
            break
        total += (k + 1) * v * v
    return total


# ---------------------------------------------------------------- over objects


@dataclass
class Tree:
    value: float
    left: Tree | None = None
    right: Tree | None = None

    def __iter__(self):
        """In order."""
        if self.left is not None:
            yield from self.left
        yield self.value
        if self.right is not None:
            yield from self.right


def before_its_children(t):
    if t is None:
        return
    yield t.value
    yield from before_its_children(t.left)
    yield from before_its_children(t.right)


def grown(x):
    return Tree(x[0], Tree(x[1], None, Tree(x[0] * x[3])), Tree(x[2], Tree(x[0] * x[1]), Tree(x[3])))


@program((vec(4, 4, 0.2, 1.0),))
def a_tree_in_order(x):
    total, weight = 0.0, 1.0
    for v in grown(x):
        total += weight * v * v
        weight *= 0.7
    return total


@program((vec(4, 5, 0.2, 1.0), 3), (vec(4, 5, 0.2, 1.0), 40))
def a_tree_left_early(x, most):
    """From the depth of a recursion that hands items out."""
    t = grown(x)
    total = 0.0
    for k, v in enumerate(before_its_children(t)):
        if k == most:
            break
        total += (k + 1) * v * v
    return total + sum(t) + max(before_its_children(t))


@program((vec(4, 6, 0.2, 1.0),))
def found_in_a_tree(x):
    """return, from the depth of a recursion."""
    for v in before_its_children(grown(x)):
        if v < x[1]:
            return v * x[0]
    return x[2]


class Cells:
    """The elements of a matrix with their places."""

    def __init__(self, a):
        self.a = a

    def __iter__(self):
        n, m = self.a.shape
        for i in range(n):
            for j in range(m):
                yield i, j, self.a[i, j]


@program((mat(2, 3, 1),))
def cells(a):
    total = 0.0
    for i, j, v in Cells(a):
        if (i + j) % 2:
            continue
        total += v * v * (i + 1)
    return total + sum(v * j for _, j, v in Cells(a))


# ---------------------------------------------------------------- generator expressions and itertools


@program((vec(4, 7, 0.2, 1.0),))
def a_pipeline(x):
    some = (v * v for v in x if v > 0.3)
    scaled = map(lambda v: v * 3, some)
    large = filter(lambda v: v > 0.35, scaled)
    return sum(large) + sum(a * b for a, b in itertools.pairwise(x)) + sum(itertools.accumulate(x, operator.mul))


@program((vec(4, 8, 0.2, 1.0),))
def bound_when_it_was_made(x):
    """What a generator expression first goes through is looked up at once, what is in it as it comes."""
    y = x.copy()
    squares = (v * v for v in x)
    later = (v * v for v in y)
    x = x * 10
    y[0] = 5.0 * x[1]
    return sum(squares) + sum(x) * sum(later)


@program((vec(4, 9, 0.2, 1.0),))
def itertools_of_many_kinds(x):
    total = 0.0
    for k, v in enumerate(itertools.chain(x, x * 2, [1.0, 2.0])):
        if k == 2:
            continue
        total += v**2 / (k + 1)
    for v in itertools.takewhile(lambda v: v < 0.9, x):
        total += v
    for v in itertools.dropwhile(lambda v: v < 0.4, x):
        total += v * v
    joined = list(itertools.chain(x[:2], x[2:]))
    total += joined[1] * joined[3] + sum(itertools.chain.from_iterable([x, x * x]))
    total += sum(itertools.islice(multiples(x[0]), 2, 8, 3)) + sum(itertools.accumulate(x, lambda a, b: a * b + b, initial=2.0))
    return total + sum(itertools.repeat(x[2], 3)) + sum(itertools.starmap(operator.mul, zip(x, x[1:], strict=False)))


@program((vec(4, 10, 0.2, 1.0),))
def lists_of_generators(x):
    ys = list(v + 1 for v in three(x[0]))
    zs = [a * 2 for a in three(x[0])]
    ordered = sorted(three(x[2]))
    total = sum(y * z for y, z in zip(ys, zs, strict=True)) + len(zs) + max(three(x[1])) + ordered[-1] * ordered[1]
    return total * (1.5 if any(v > 0.5 for v in three(x[1])) else 2.0) + (x[1] if all(v < 1 for v in three(x[0])) else x[2])
