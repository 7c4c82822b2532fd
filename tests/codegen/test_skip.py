"""Loops of adjoints whose factor is often zero are asked about first."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

import oneform as of


def nearest(points: Any, centroids: Any) -> Any:
    total = 0.0
    for i in range(points.shape[0]):
        best = np.inf
        for j in range(centroids.shape[0]):
            distance = 0.0
            for axis in range(points.shape[1]):
                distance += (points[i, axis] - centroids[j, axis]) ** 2
            best = min(best, distance)
        total += best
    return total


def plain(weights: Any, x: Any) -> Any:
    total = 1.0
    for i in range(x.shape[0]):
        total *= np.sum(weights[i] * np.sin(x))
    return total


RNG = np.random.default_rng(5)
POINTS, CENTROIDS = RNG.normal(size=(20, 17)), RNG.normal(size=(30, 17))


def test_the_adjoint_of_a_minimum_writes_for_the_winner_only():
    of.check_grads(nearest, (POINTS, CENTROIDS), order=2)
    text = of.lower(of.grad(nearest, argnums=1))(POINTS, CENTROIDS).llvm()
    assert re.search(r"fcmp une (double|<\d+ x double>)", text)


def test_a_factor_that_is_no_switch_is_not_asked_about():
    x = np.linspace(0.1, 1.0, 20)
    of.check_grads(plain, (np.ones((20, 20)), x), order=1)
    assert "fcmp une" not in of.lower(of.grad(plain, argnums=1))(np.ones((20, 20)), x).llvm()
