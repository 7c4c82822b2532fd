"""Cotangents that are zero: because a choice fell on the other side, where infinite factors must not meet them, or by chance, where they vary."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of

pytestmark = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")

MODES: dict[str, Callable[..., Any]] = {"forward": lambda f: lambda x: of.jvp(f, (x,), (1.0,))[1], "reverse": lambda f: lambda x: of.grad(f)(x)}
twice = [pytest.param(m, id="-".join(m)) for m in itertools.product(MODES, repeat=2)]
thrice = [pytest.param(m, id="-".join(m)) for m in itertools.product(MODES, repeat=3)]


def nested(f: Any, modes: tuple[str, ...], x: float) -> tuple[float, float]:
    """The derivative taken in these modes, one inside the other: compiled, and by the interpreter."""
    for m in reversed(modes):
        f = MODES[m](f)
    return of.jit(f)(x), of.trace(f)(x).interpret(x)


# ---------------------------------------------------------------- zero by chance


def chosen_logarithm(x):
    """(log x)², whose cotangent at x = 1 is zero, and its second derivative 2."""
    y = np.where(x > 0.5, np.log(x), x * x)
    return y * y


def residual(x):
    """Least squares at a perfect fit, the model behind a choice and in a loop."""
    total = 0.0
    for k in range(3):
        y = np.where(x > 0.1 * k, x ** (0.5 + k), -x)
        total += (y - 1.0) ** 2 * (k + 1.0)
    return total


def minimum_of_roots(x):
    y = min(math.sqrt(x), x * x + 1.0)
    return (y - 2.0) ** 2 * x


def product_with_zero(x):
    """z is zero at x = 1 and multiplies what a branch made."""
    z = np.where(x > 0.0, np.log(x), 0.0)
    return z * z * z + z * np.where(x > 0.5, np.sqrt(x), 0.0)


@pytest.mark.parametrize("modes", twice)
def test_second_derivatives_where_a_cotangent_is_zero(modes: tuple[str, ...]) -> None:
    for f, x, expected in (
        (chosen_logarithm, 1.0, 2.0),
        (residual, 1.0, 2.0 * (0.25 + 2.0 * 2.25 + 3.0 * 6.25)),
        (minimum_of_roots, 4.0, 0.5),
        (product_with_zero, 1.0, -1.0 + 2.0 * 0.5),
    ):
        assert nested(f, modes, x) == pytest.approx((expected, expected))


@pytest.mark.parametrize("modes", thrice)
def test_third_derivatives_where_a_cotangent_is_zero(modes: tuple[str, ...]) -> None:
    for f, x, expected in (
        (chosen_logarithm, 1.0, -6.0),
        (minimum_of_roots, 4.0, 1.5 / 8.0),  # (x² - 4 x^(3/2) + 4 x)‴ = 1.5 x^(-3/2)
    ):
        assert nested(f, modes, x) == pytest.approx((expected, expected))


def test_the_hessian_at_a_perfect_fit() -> None:
    """Gauss and Newton's matrix, JᵀJ, is all there is; before, rows behind np.where were missing from it."""

    def loss(p, t, y):
        total = 0.0
        for i in range(len(t)):
            model = np.where(t[i] > 0.3, p[0] * np.sqrt(t[i] * p[1]), p[0] / (1.0 + t[i] * p[1]))
            total += (model - y[i]) ** 2
        return total

    t, p = np.linspace(0.1, 2.0, 9), np.array([1.5, 0.8])
    model = np.where(t > 0.3, p[0] * np.sqrt(t * p[1]), p[0] / (1.0 + t * p[1]))
    rows = np.where(t > 0.3, [np.sqrt(t * p[1]), 0.5 * p[0] * np.sqrt(t / p[1])], [1.0 / (1.0 + t * p[1]), -p[0] * t / (1.0 + t * p[1]) ** 2])
    np.testing.assert_allclose(of.hessian(loss)(p, t, model), 2.0 * rows @ rows.T, rtol=1e-12)
    v = np.array([0.3, -0.7])
    np.testing.assert_allclose(of.hvp(lambda p: loss(p, t, model), (p,), (v,)), 2.0 * rows @ (rows.T @ v), rtol=1e-12)


# ---------------------------------------------------------------- zero by choice

GUARDED = {
    "sqrt": lambda x: np.where(x > 0.0, np.sqrt(x), 3.0 * x),
    "power": lambda x: np.where(x > 0.0, x**1.5, 3.0 * x),
    "higher power": lambda x: np.where(x > 0.0, x**2.5, 3.0 * x),
    "logarithm": lambda x: np.where(x > 0.0, np.log(x), 3.0 * x),
    "quotient": lambda x: np.where(x > 0.0, 1.0 / x, 3.0 * x),
    "product": lambda x: np.where(x > 0.0, np.sqrt(x) * np.log(x), 3.0 * x),
    "of a root": lambda x: np.where(x > 0.0, np.sin(np.sqrt(x)) / x, 3.0 * x),
}


@pytest.mark.parametrize("name", GUARDED)
@pytest.mark.parametrize("modes", twice + thrice)
def test_what_is_not_chosen_leaks_nothing(name: str, modes: tuple[str, ...]) -> None:
    """(3 x)² + 3 x at 0, beside something singular, squared behind the choice."""

    def f(x):
        y = GUARDED[name](x)
        return y * y + y

    expected = 18.0 if len(modes) == 2 else 0.0
    assert nested(f, modes, 0.0) == (expected, expected)


def test_what_is_neither_finite_nor_masked_shows() -> None:
    """A mask is for zeros only: infinities and NaN that the program has stay."""
    assert math.isinf(of.grad(lambda x: np.where(x >= 0.0, np.sqrt(x), x) + 1.0)(0.0))
    assert math.isnan(of.grad(lambda x: np.where(x >= -1.0, np.sqrt(x), x))(-0.5))
