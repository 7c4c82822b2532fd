"""A binary tree-LSTM (Tai, Socher, Manning 2015) over random trees of words, fitted by squares."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

WORDS, SIZE = 50, 20


@dataclass
class Tree:
    left: Tree | None
    right: Tree | None
    word: int


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def state(tree, p):
    """Hidden and cell state of a tree."""
    n = SIZE
    if tree.left is None:
        g = p["leaf"] @ p["words"][tree.word] + p["leaf_bias"]
        cell = sigmoid(g[:n]) * np.tanh(g[n : 2 * n])
        return sigmoid(g[2 * n :]) * np.tanh(cell), cell
    left, left_cell = state(tree.left, p)
    right, right_cell = state(tree.right, p)
    g = p["left"] @ left + p["right"] @ right + p["bias"]
    cell = sigmoid(g[:n]) * np.tanh(g[n : 2 * n]) + sigmoid(g[2 * n : 3 * n]) * left_cell + sigmoid(g[3 * n : 4 * n]) * right_cell
    return sigmoid(g[4 * n :]) * np.tanh(cell), cell


def loss(p, trees, targets):
    total = 0.0
    for k, tree in enumerate(trees):
        hidden, _ = state(tree, p)
        total += (p["out"] @ hidden - targets[k]) ** 2
    return total


def grown(leaves, rng):
    """A random tree with this many words."""
    if leaves == 1:
        return Tree(None, None, rng.randrange(WORDS))
    k = rng.randrange(1, leaves)
    return Tree(grown(k, rng), grown(leaves - k, rng), -1)


def example(count):
    rng, numbers = random.Random(0), np.random.default_rng(0)
    trees = [grown(rng.randrange(5, 25), rng) for _ in range(count)]
    shapes = {"words": (WORDS, SIZE), "leaf": (3 * SIZE, SIZE), "leaf_bias": (3 * SIZE,), "left": (5 * SIZE, SIZE), "right": (5 * SIZE, SIZE)}
    shapes |= {"bias": (5 * SIZE,), "out": (SIZE,)}
    return {k: 0.3 * numbers.normal(size=s) for k, s in shapes.items()}, trees, numbers.normal(size=count)
