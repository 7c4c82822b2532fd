"""Objects: records that change, operators of the user's own, trees, lists of things."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tests.programs.registry import mat, program, vec


class Vec(NamedTuple):
    x: float
    y: float
    z: float

    def __add__(self, other):
        return Vec(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return Vec(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, k):
        return Vec(self.x * k, self.y * k, self.z * k)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z

    @property
    def unit(self):
        return self * (1.0 / math.sqrt(self.dot(self)))


@dataclass
class Sphere:
    centre: Vec
    radius: float
    mirror: float
    colour: float


def hit(sphere, origin, way):
    """How far along a ray, or -1."""
    to = origin - sphere.centre
    b = to.dot(way)
    under = b * b - to.dot(to) + sphere.radius**2
    if under < 0.0:
        return -1.0
    t = -b - math.sqrt(under)
    return t if t > 1e-4 else -1.0


def seen(spheres, origin, way, depth):
    nearest, distance = None, 1e9
    for s in spheres:
        t = hit(s, origin, way)
        if 0.0 < t < distance:
            nearest, distance = s, t
    if nearest is None:
        return 0.2 + 0.3 * way.y
    point = origin + way * distance
    normal = (point - nearest.centre).unit
    light = nearest.colour * max(0.1, normal.dot(Vec(0.5, 0.7, -0.4).unit))
    if depth > 0 and nearest.mirror > 0.0:
        back = (way - normal * (2.0 * way.dot(normal))).unit
        light = light * (1.0 - nearest.mirror) + nearest.mirror * seen(spheres, point, back, depth - 1)
    return light


@program((1.1, 0.4), loose=10.0, order=1, slow=True)
def ray_tracer(radius, mirror):
    spheres = [Sphere(Vec(0.0, 0.0, 0.0), radius, mirror, 0.9), Sphere(Vec(1.0, 0.6, 0.5), 0.5, 0.3, 0.5), Sphere(Vec(-1.0, -0.6, 0.7), 0.6, 0.0, 0.7)]
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += (i + 2 * j + 1) * seen(spheres, Vec(0.0, 0.0, -3.0), Vec(0.31 * (i - 1) + 0.02, 0.28 * (j - 1), 1.0).unit, 3)
    return total


@dataclass
class Ball:
    y: float
    v: float
    heights: list = field(default_factory=list)


@program((1.3, 0.8, 2.0), (0.2, 0.5, 0.3), loose=10.0)
def bounces_kept(y, restitution, duration):
    """Events are located exactly; how many there are only the data know."""
    g = 9.81
    ball = Ball(y, 0.0)
    t = 0.0
    while t < duration:
        fall = (ball.v + math.sqrt(ball.v**2 + 2.0 * g * ball.y)) / g
        if t + fall < duration:
            t += fall
            ball.v = restitution * (g * fall - ball.v)
            ball.y = 0.0
            ball.heights.append(ball.v**2 / (2.0 * g))
        else:
            rest = duration - t
            ball.y += ball.v * rest - 0.5 * g * rest * rest
            t = duration
    return ball.y + sum(ball.heights)


class Interval:
    def __init__(self, low, high):
        self.low = low
        self.high = high

    def __add__(self, other):
        if isinstance(other, Interval):
            return Interval(self.low + other.low, self.high + other.high)
        return Interval(self.low + other, self.high + other)

    __radd__ = __add__

    def __mul__(self, other):
        ends = [self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high]
        return Interval(min(ends), max(ends))

    def __contains__(self, x):
        return self.low <= x <= self.high

    @property
    def width(self):
        return self.high - self.low


@program((1.1,), (-0.4,))
def intervals(a):
    product = Interval(a, 2.0 * a + 2.0) * Interval(-1.0, a + 1.0)
    return (product + (1.0 + Interval(a, a * a + 2.0))).width * (2.0 if 2.5 in product else 1.0)


class Layer:
    def __init__(self, rows, columns, k):
        self.weights = [[k * (i - j) for j in range(columns)] for i in range(rows)]
        self.bias = [k] * rows

    def __call__(self, x):
        return [math.tanh(sum(w * v for w, v in zip(row, x, strict=True)) + b) for row, b in zip(self.weights, self.bias, strict=True)]


@program((0.4, 0.3), order=1)
def layers(k, x):
    out = [x, 2.0 * x]
    for layer in (Layer(3, 2, k), Layer(2, 3, k), Layer(1, 2, k)):
        out = layer(out)
    return out[0]


@dataclass
class Body:
    at: np.ndarray
    v: np.ndarray
    mass: float


@program((1.2, 4))
def bodies(mass, steps):
    """Arrays inside records inside a list, changed in place."""
    all_ = [Body(np.array([0.0, 0.0]), np.array([0.0, 0.1]), mass), Body(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 1.0)]
    all_.append(Body(np.array([0.0, 2.0]), np.array([-0.7, 0.0]), 0.5))
    for _ in range(steps):
        for b in all_:
            force = np.zeros(2)
            for c in all_:
                if c is not b:
                    d = c.at - b.at
                    r2 = d @ d + 0.01
                    force += c.mass * d / (r2 * math.sqrt(r2))
            b.v += 0.05 * force
        for b in all_:
            b.at += 0.05 * b.v
    return sum(b.at @ b.at for b in all_)


@dataclass
class Tree:
    left: Tree | None
    right: Tree | None
    value: float


def grown(values, low, high):
    """A balanced tree over values[low:high]."""
    if low >= high:
        return None
    middle = (low + high) // 2
    return Tree(grown(values, low, middle), grown(values, middle + 1, high), values[middle])


def folded(tree, k):
    if tree is None:
        return k
    return math.sin(tree.value * folded(tree.left, k)) + tree.value**2 * folded(tree.right, 0.5 * k)


@program((vec(6, 420), 0.7), (vec(1, 421), 0.7))
def folded_tree(values, k):
    return folded(grown(values, 0, len(values)), k)


class Expr:
    pass


@dataclass
class Sum(Expr):
    a: Expr
    b: Expr

    def at(self, x):
        return self.a.at(x) + self.b.at(x)

    def slope(self):
        return Sum(self.a.slope(), self.b.slope())


@dataclass
class Product(Expr):
    a: Expr
    b: Expr

    def at(self, x):
        return self.a.at(x) * self.b.at(x)

    def slope(self):
        return Sum(Product(self.a.slope(), self.b), Product(self.a, self.b.slope()))


@dataclass
class Constant(Expr):
    value: float

    def at(self, x):
        return self.value

    def slope(self):
        return Constant(0.0)


@dataclass
class Variable(Expr):
    def at(self, x):
        return x

    def slope(self):
        return Constant(1.0)


@program((0.7, 1.3, 3), order=1)
def expression_tree(x, c, n):
    """Built, differentiated by its own rules, and evaluated."""
    e: Expr = Variable()
    for _ in range(n):
        e = Sum(Product(e, Variable()), Constant(c))
    return e.at(x) + e.slope().at(x)


@dataclass
class Node:
    value: float
    next: Node | None


@program((0.5, 5), (0.5, 0))
def linked_list(k, n):
    """Pushed, changed in place, reversed by turning the links."""
    head = None
    for i in range(n):
        head = Node(k * (i + 1), head)
    node = head
    while node is not None:
        node.value = node.value**2
        node = node.next
    turned = None
    while head is not None:
        following = head.next
        head.next = turned
        turned, head = head, following
    total = k
    while turned is not None:
        total = total * 0.5 + turned.value
        turned = turned.next
    return total


@program((mat(4, 3, 422), 0.2))
def independent_columns(a, limit):
    """Gram-Schmidt that leaves out what is nearly dependent."""
    basis = []
    for j in range(a.shape[1]):
        v = a[:, j].copy()
        for q in basis:
            v -= (q @ v) * q
        size = np.sqrt(v @ v)
        if size > limit:
            basis.append(v / size)
    total = 0.0
    for k, q in enumerate(basis):
        total += (k + 1) * (q[0] ** 3 + q[1])
    return total


class Walker:
    """A class that no annotation calls recursive, whose objects are moved about while names hold them."""

    def __init__(self, place, speed):
        self.place, self.speed = place, speed


@program((0.7, 9), (0.7, 2))
def objects_held_by_names_while_they_move(x, n):
    walkers = [Walker(x * ((5 * k) % 7), 1.0 + k) for k in range(n)]
    slow = walkers[0]
    one = Walker(2.0 * x, 0.5)
    walkers.append(one)
    one.place += x**2
    walkers.sort(key=lambda w: -w.place)
    slow.speed *= 3.0
    walkers.append(slow)
    last = walkers.pop(0)
    walkers[0].place += 0.1
    return sum([w.place * w.speed for w in walkers]) + last.place * one.place
