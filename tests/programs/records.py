"""Programs over records that the caller hands in: trees of words, formulas, lists of bodies; classes as users write them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tests.programs.registry import mat, vec

# ---------------------------------------------------------------- a tree-LSTM


@dataclass
class Words:
    """A word, or what two parts say together."""

    left: Words | None
    right: Words | None
    word: int


@dataclass
class Weights:
    words: np.ndarray
    leaf: np.ndarray
    left: np.ndarray
    right: np.ndarray
    out: np.ndarray


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def state(tree, p):
    n = p.words.shape[1]
    if tree.left is None:
        g = p.leaf @ p.words[tree.word]
        cell = sigmoid(g[:n]) * np.tanh(g[n:])
        return np.tanh(cell), cell
    h1, c1 = state(tree.left, p)
    h2, c2 = state(tree.right, p)
    g = p.left @ h1 + p.right @ h2
    cell = sigmoid(g[:n]) * c1 + sigmoid(g[n : 2 * n]) * c2 + sigmoid(g[2 * n : 3 * n]) * np.tanh(g[3 * n :])
    return np.tanh(cell), cell


def sentiment(p, tree, target):
    hidden, cell = state(tree, p)
    return (p.out @ hidden - target) ** 2 + 0.1 * cell[0]


def weights():
    return Weights(mat(4, 2, 970), mat(4, 2, 971), mat(8, 2, 972), mat(8, 2, 973), vec(2, 974))


def said(words):
    """The tree of nested tuples of word numbers."""
    return Words(None, None, words) if isinstance(words, int) else Words(said(words[0]), said(words[1]), -1)


# ---------------------------------------------------------------- a formula


class Expr:
    pass


@dataclass
class Number(Expr):
    value: float

    def at(self, env):
        return self.value


@dataclass
class Name(Expr):
    place: int

    def at(self, env):
        return env[self.place]


@dataclass
class Call(Expr):
    what: str
    of: Expr

    def at(self, env):
        x = self.of.at(env)
        if self.what == "sin":
            return math.sin(x)
        return math.exp(x) if self.what == "exp" else x * x


@dataclass
class Pair(Expr):
    what: str
    a: Expr
    b: Expr

    def at(self, env):
        x, y = self.a.at(env), self.b.at(env)
        if self.what == "+":
            return x + y
        return x * y if self.what == "*" else x / (1.5 + y * y)


@dataclass
class Let(Expr):
    """One expression has a name in the other."""

    place: int
    bound: Expr
    inside: Expr

    def at(self, env):
        inner = env.copy()
        inner[self.place] = self.bound.at(env)
        return self.inside.at(inner)


def evaluated(formula, env):
    return formula.at(env)


def formula():
    shared = Call("sin", Pair("*", Number(1.3), Name(0)))
    return Let(1, Pair("+", shared, Name(1)), Pair("/", Call("exp", Pair("*", Name(1), Number(0.4))), Pair("+", Name(0), Call("square", Number(-0.7)))))


# ---------------------------------------------------------------- what a linked structure does in place


@dataclass
class Joint:
    angle: float
    length: float
    next: Joint | None = None


def reach(joint, sweeps, x, y):
    """Cyclic descent for an arm: every joint is turned in place, on what the others are by then; the caller's joints change."""
    for _ in range(sweeps):
        turned = joint
        while turned is not None:
            px = py = turn = 0.0
            j = joint
            behind, gx, gy = False, 0.0, 0.0
            while j is not None:
                turn += j.angle
                behind = behind or j is turned
                dx, dy = j.length * math.cos(turn), j.length * math.sin(turn)
                px, py = px + dx, py + dy
                if behind:
                    gx, gy = gx - dy, gy + dx
                j = j.next
            turned.angle -= 0.05 * ((px - x) * gx + (py - y) * gy)
            turned = turned.next
    total, j = 0.0, joint
    while j is not None:
        total = total * 0.5 + j.angle * j.length
        j = j.next
    return total


# ---------------------------------------------------------------- lists of records


@dataclass
class Ball:
    centre: np.ndarray
    radius: float
    light: float
    mirror: float = 0.0


def traced(balls, start, way, depth):
    nearest, distance = None, 1e9
    for ball in balls:
        to = start - ball.centre
        b = to @ way
        under = b * b - to @ to + ball.radius**2
        if under > 0.0:
            t = -b - math.sqrt(under)
            if 1e-6 < t < distance:
                nearest, distance = ball, t
    if nearest is None:
        return 0.3 + 0.2 * way[1]
    point = start + distance * way
    normal = (point - nearest.centre) / nearest.radius
    light = nearest.light * max(0.1, normal @ np.array([0.48, 0.6, -0.64]))
    if depth > 0 and nearest.mirror > 0.0:
        light += nearest.mirror * traced(balls, point, way - 2.0 * (way @ normal) * normal, depth - 1)
    return light


def picture(balls, focus):
    total = 0.0
    for i in range(3):
        for j in range(3):
            way = np.array([0.3 * (i - 1) + 0.02, 0.25 * (j - 1), focus])
            total += (i + 2 * j + 1) * traced(balls, np.array([0.0, 0.1, -3.0]), way / np.sqrt(way @ way), 2)
    return total


def balls():
    return [Ball(np.array([0.0, 0.1, 0.0]), 1.0, 0.9, 0.4), Ball(np.array([1.0, 0.6, 0.5]), 0.5, 0.5, 0.3), Ball(np.array([-1.0, -0.6, 0.7]), 0.6, 0.7)]


RECORDS = {
    "tree_lstm": (sentiment, lambda: (weights(), said(((0, 2), (1, (3, 2)))), 0.7)),
    "a_single_word": (sentiment, lambda: (weights(), said(1), 0.7)),
    "formula": (evaluated, lambda: (formula(), vec(2, 975))),
    "formula_with_two_names_for_a_part": (evaluated, lambda: (twice(Call("sin", Number(0.8))), vec(2, 976))),
    "arm": (reach, lambda: (Joint(0.3, 1.0, Joint(-0.4, 0.8, Joint(0.6, 0.5))), 3, 0.9, 1.2)),
    "ray_tracer": (picture, lambda: (balls(), 1.1)),
    "ray_tracer_of_many": (picture, lambda: (balls() + [Ball(np.array([0.3 * k, -0.9, 0.2 * k]), 0.2, 0.4) for k in range(8)], 1.2)),
}


def twice(part):
    return Pair("*", Pair("+", part, Name(0)), Call("square", part))
