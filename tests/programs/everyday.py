"""Programs as people write them: trees that are grown, classes above classes, dicts that fill up, strings that say what to do."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tests.programs.registry import program, vec


@dataclass
class Range:
    """A node of a tree over sorted numbers, made before its children are."""

    low: float
    high: float
    left: Range | None = None
    right: Range | None = None
    weight: float = 0.0


def ranges(xs, low, high):
    b = Range(xs[low], xs[high - 1])
    if high - low == 1:
        b.weight = xs[low] ** 2
        return b
    middle = (low + high) // 2
    b.left = ranges(xs, low, middle)
    b.right = ranges(xs, middle, high)
    b.low, b.high = min(b.left.low, b.right.low), max(b.left.high, b.right.high)
    b.weight = b.left.weight + b.right.weight
    return b


def asked(b, q):
    if b is None or q < b.low or q > b.high:
        return 0.0
    if b.left is None:
        return math.exp(-((q - b.low) ** 2)) * b.weight
    return asked(b.left, q) + asked(b.right, q) + 0.01 * b.weight


@program((np.linspace(0.1, 0.9, 11), 0.47), order=2)
def tree_grown_from_above(xs, q):
    return asked(ranges(xs, 0, len(xs)), q) + asked(ranges(xs, 2, 6), q)


class Shape:
    def __init__(self, size):
        self.size = size

    def area(self):
        return 0.0

    def scaled(self, k):
        return self.area() * k


class Circle(Shape):
    def area(self):
        return math.pi * self.size**2


class Ring(Circle):
    def __init__(self, size, inner):
        super().__init__(size)
        self.inner = inner

    def area(self):
        return super().area() - math.pi * self.inner**2


@program((1.3, 0.4), order=3)
def classes_above_classes(a, b):
    total = 0.0
    for shape in (Shape(a), Circle(b), Ring(a, b * b)):
        total += shape.scaled(2.0)
    return total


@program((0.9, 12))
def remembered_in_a_dict(x, n):
    memo = {}

    def f(k):
        if k in memo:
            return memo[k]
        r = x if k < 2 else f(k - 1) + 0.5 * x * f(k - 2)
        memo[k] = r
        return r

    return f(n)


class Layer(NamedTuple):
    kind: str
    gain: float
    shift: float


@program((0.7, 1.2))
def told_by_strings(x, k):
    for what in "scale,tanh,shift:2".split(","):
        name, _, count = what.partition(":")
        if name.startswith("sc"):
            x = k * x
        elif name == "tanh":
            x = np.tanh(x)
        else:
            x += float(count) * k
    layer = Layer("affine", k, 1.0)._replace(shift=x)
    parts = layer._asdict()
    return parts["gain"] * x + layer.shift if layer.kind.upper() == "AFFINE" else x


@program((np.array([0.6, 1.4, 0.8, 1.1, 0.5, 0.9, 1.0]),))
def folded_from_the_first(xs):
    ys = [x * x for x in xs]
    longest = functools.reduce(lambda a, b: a if a > b else b, ys)
    return functools.reduce(lambda a, b: 0.5 * a + b, ys) / longest


class Walker:
    def __init__(self, place, speed):
        self.place = place
        self.speed = speed
        self.inside = True

    def step(self, dt, others, k):
        force = 0.0
        for o in others:
            if o is not self and o.inside:
                d = o.place - self.place
                force += k * d / (1.0 + d * d)
        self.speed += force * dt
        self.place += self.speed * dt
        if abs(self.place) > 3.0:
            self.inside = False


@program((0.7, 6, 20))
def walkers(k, n, steps):
    crowd = [Walker(0.5 * i - 1.0, 0.1 * i) for i in range(n)]
    for s in range(steps):
        for a in crowd:
            if a.inside:
                a.step(0.05, crowd, k)
        crowd = [a for a in crowd if a.inside]
        if s % 7 == 0 and len(crowd) > 3:
            crowd.pop()
    return sum(a.place**2 for a in crowd) + len(crowd)


@program((vec(3, 60),))
def pairs_as_keys(x):
    """A table whose keys are tuples, written, asked and gone through."""
    d = {}
    for i in range(3):
        for j in range(3):
            d[i, j] = x[i] * (j + 1)
    total = 0.0
    for (i, j), v in d.items():
        total += v * v * (i - j)
    if (7, 7) in d:
        total += 100.0
    del d[1, 1]
    return total + d[1, 2] * d[(2, 0)] + len(d) + d.get((9, 9), x[0] * x[2])


@program((0.7, 5, 4), (0.7, 0, 3))
def remembered_by_pairs(x, n, m):
    """A recursion that looks up what it has found for a pair."""
    found = {(0, 0): x * x}

    def paths(i, j):
        if (i, j) in found:
            return found[i, j]
        if i == 0 or j == 0:
            return x * (i + j)
        new = paths(i - 1, j) * 0.5 + paths(i, j - 1) * x + paths(i - 1, j - 1)
        found[i, j] = new
        return new

    return paths(n, m)
