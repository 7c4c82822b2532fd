"""What the adjoint of a loop saves, and what it computes again: read off the text, after running it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

import oneform as of


def gradient(f: Callable[..., Any], *args: Any) -> str:
    """The optimised gradient, once it has been compared with differences."""
    of.check_grads(f, args, order=1, modes=("rev",))
    return of.lower(of.grad(f))(*args).optimised()


def test_places_in_a_reshaped_array_are_computed_again():
    def f(x: Any, rows: int) -> Any:
        y = x.reshape(rows, x.size // rows)
        total = 1.0
        for i in range(rows):
            for j in range(y.shape[1]):
                total *= y[i, j]
        return total

    text = gradient(f, np.linspace(0.5, 1.5, 6).reshape(3, 2), 2)
    assert "dtype=i64, shape" not in text  # no tape of integers


def test_a_tape_moves_out_of_a_loop_whose_inner_length_is_an_argument():
    def f(x: Any, n: int, m: int) -> Any:
        y = 1.0
        for _ in range(n):
            for _ in range(m):
                y = np.sin(x * y)
        return y

    text = gradient(f, 0.7, 3, 2)
    assert "list" not in text and "f64[?, ?, " in text
    assert of.grad(f)(0.7, 3, -1) == 0.0


def test_a_sum_is_fused_with_its_adjoint_though_its_factor_stands_after_it():
    def f(x: Any) -> Any:
        total = 0.0
        for k in range(x.size):
            total += np.sin(x[k]) * x[k]
        half = 1.0 / (1.0 + 1.0)
        return half * total

    text = gradient(f, np.linspace(0.1, 2.0, 40))
    assert " for " not in text and "empty" not in text and text.count(" = build ") == 1  # one pass over x, with no tape


def test_terms_of_a_sum_that_is_saved_are_not_saved_beside_it():
    def walk(n: int, x: Any, w: Any, v: Any, b: Any) -> Any:
        if n == 0:
            return x
        g = w @ walk(n - 1, x, w, v, b) + v @ x + b
        return np.tanh(g[: len(x)]) * np.sin(g[len(x) :])

    def total(w: Any, v: Any, b: Any, x: Any, n: int) -> Any:
        return np.sum(walk(n, x, w, v, b))

    numbers = np.random.default_rng(0)
    text = gradient(total, *(0.1 * numbers.normal(size=s) for s in ((40, 20), (40, 20), 40, 20)), 4)
    (tape,) = set(re.findall(r"list<bool[^>]*>", text))
    assert tape.count("f64[") == 2  # the sum, and what was given to the product
