"""What random programs with objects use: classes and functions that change what they are given."""

# pyright: basic

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass
class P:
    x: float
    v: float = 0.5

    def kick(self, d):
        self.v = 0.5 * self.v + d
        return self

    def energy(self):
        return 0.5 * self.x * self.x - np.sin(self.v)

    @property
    def size(self):
        return abs(self.x) + 0.1 * self.v

    def __add__(self, other):
        return P(0.5 * (self.x + other.x), self.v)


@dataclass
class Q:
    items: list[float]
    w: float
    a: np.ndarray
    p: P | None = None

    def push(self, x):
        self.items.append(x)
        self.w = 0.5 * self.w + x


class Stack:
    def __init__(self, first):
        self.data = [first]
        self.top = first

    def push(self, x):
        self.data.append(x)
        self.top = x

    def take(self):
        x = self.data.pop()
        self.top = self.data[-1] if self.data else 0.0
        return x


@dataclass(frozen=True)
class F:
    x: float
    k: int = 1


class N(NamedTuple):
    x: float
    y: float

    def dot(self, other):
        return self.x * other.x + self.y * other.y


@dataclass
class T:
    value: float
    left: T | None = None
    right: T | None = None


@dataclass
class E:
    pass


@dataclass
class Const(E):
    c: float

    def ev(self, x):
        return self.c


@dataclass
class Op(E):
    a: E
    b: E
    k: int = 0

    def ev(self, x):
        l, r = self.a.ev(x), self.b.ev(x)
        return l * 0.5 + r if self.k == 0 else np.sin(l * r)


class Var(E):
    def ev(self, x):
        return x


@dataclass
class L:
    value: float
    next: L | None = None


def total(t):
    if t is None:
        return 0.0
    return t.value + 0.5 * total(t.left) - 0.3 * total(t.right)


def insert(t, x):
    if t is None:
        return T(x)
    if x < t.value:
        t.left = insert(t.left, x)
    else:
        t.right = insert(t.right, x)
    return t


def value_of(e, x):
    if isinstance(e, Const):
        return e.c
    if isinstance(e, Op):
        return 0.5 * value_of(e.a, x) + value_of(e.b, x)
    return x


def chain(xs):
    head = None
    for x in xs:
        head = L(x, head)
    return head


def along(head):
    s = 0.0
    while head is not None:
        s = 0.7 * s + head.value
        head = head.next
    return s


def grow(xs, x):
    xs.append(x)
    if len(xs) > 3:
        xs.pop(0)
    return xs


def shift(p, d):
    p.x = 0.5 * p.x + d
    return p


def pick(c, a, b):
    if c > 0.3:
        return a
    return b


def maybe(c):
    return None if c < 0.2 else c * 0.5


def bump(ps, d):
    for p in ps:
        p.v = 0.5 * p.v + d


def scale(a, c):
    a *= c
    return a


def swap(xs, i, j):
    xs[i], xs[j] = xs[j], xs[i]


def shape(z):
    match z:
        case P(x=x, v=v) if x > v:
            return x
        case P(x=x):
            return 0.5 * x
        case F(x=x, k=1):
            return -x
        case N(x, y):
            return x - y
        case (a, _):
            return a
        case None:
            return 0.25
        case _:
            return 1.0
