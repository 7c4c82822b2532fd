"""Jacobians by columns, eight at once: for every number of columns and kind of argument they are what one direction after the other gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.optimise import optimise
from tests.codegen.driver import Counted

RNG = np.random.default_rng(3)


def written(x):
    """Loops that carry an array that depends on x, one that does not, and numbers of both kinds."""
    y, w, s = x.copy(), np.ones(len(x)), 0.0
    for i in range(len(x)):
        w[i] += w[i - 1] * 0.5
        y[i] = np.sin(x[i]) * y[i - 1] + w[i] * s
        s += x[i - 1] ** 2
    return y, s


def whole(x):
    z = np.exp(0.1 * np.cumsum(x)) / (1.0 + x * x)
    return z @ z, z * np.tanh(z), np.outer(z, np.arange(3.0))


def ended_by_data(x):
    k, s, t = 0, 0.0, np.zeros(2)
    while s < 1.5 and k < len(x):
        if x[k] > 0.3:
            t[k % 2] += x[k] * s
        s += np.abs(x[k])
        k += 1
    return s * t


def recursive(x, k):
    return x[k] if k >= len(x) - 1 else x[k] * recursive(x, k + 1)


def recurs(x):
    return np.array([recursive(x, 0), x[0]])


def listed(x):
    kept = [x[0]]
    for v in x:
        if v > 0.2:
            kept.append(v * kept[-1])
    return kept[-1] * x


def by_directions(f: Any, x: Any) -> Any:
    """The same by of.jvp, one unit vector after the other."""
    columns = [of.jvp(f, (x,), (e.reshape(x.shape),))[1] for e in np.eye(x.size)]
    parts = [(c,) if not isinstance(c, tuple) else c for c in columns]
    return [np.stack(p, axis=-1).reshape((*np.shape(p[0]), *x.shape)) for p in zip(*parts, strict=True)]


@pytest.mark.parametrize("f", [written, whole, ended_by_data, recurs, listed], ids=lambda f: f.__name__)
def test_any_number_of_columns(f: Any) -> None:
    """From the fifth length on the code is one for all lengths."""
    jacobian = of.jacfwd(f)
    for n in (1, 2, 8, 9, 3, 7, 16, 17, 23):
        x = RNG.uniform(0.1, 1.0, n)
        found = jacobian(x)
        for a, e in zip(found if isinstance(found, tuple) else (found,), by_directions(f, x), strict=True):
            np.testing.assert_allclose(a, e, rtol=0.0, atol=1e-12 * (1.0 + np.abs(e).max()))


def test_no_columns() -> None:
    assert of.jacfwd(lambda x: np.array([np.sum(x), 1.0]))(np.zeros(0)).shape == (2, 0)
    assert of.jacfwd(lambda x: x * 2.0)(np.zeros((20, 0))).shape == (20, 0, 20, 0)


@pytest.mark.parametrize("shape", [(3, 2), (5, 20), (2, 3, 4), (1, 1), (20, 1)])
def test_arguments_of_several_axes(shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)

    def f(a):
        return np.sin(a) * np.sum(a, axis=0)

    (expected,) = by_directions(f, x)
    np.testing.assert_allclose(of.jacfwd(f)(x), expected, rtol=0.0, atol=1e-12)


def mixed(a, v, b, c, n):
    s = a
    for k in range(n):
        s = np.sin(s * b) + c * v[k]
    return s, v * s * a, b


def test_numbers_go_together() -> None:
    v = RNG.normal(size=9)
    found = of.jacfwd(mixed, (0, 1, 2, 3))(0.3, v, 0.7, 1.1, 5)
    expected = of.jacrev(mixed, (0, 1, 2, 3))(0.3, v, 0.7, 1.1, 5)
    for row, other in zip(found, expected, strict=True):
        for a, e in zip(row, other, strict=True):
            np.testing.assert_allclose(a, e, rtol=0.0, atol=1e-12)
    many = of.jacfwd(lambda *xs: np.sin(xs[0]) * xs[-1] + sum(xs) ** 2, tuple(range(11)))(*(0.1 * k for k in range(11)))
    other = of.jacrev(lambda *xs: np.sin(xs[0]) * xs[-1] + sum(xs) ** 2, tuple(range(11)))(*(0.1 * k for k in range(11)))
    np.testing.assert_allclose(many, other, rtol=1e-12)


@pytest.mark.parametrize("f", [written, whole, ended_by_data], ids=lambda f: f.__name__)
def test_what_all_groups_share_is_not_copied_for_each(f: Any) -> None:
    x = RNG.uniform(0.1, 1.0, 20)
    program = of.trace(of.jacfwd(f))(x)
    assert not any(c.in_loop for c in Counted(optimise(program.function)).kernel.copies)


def test_jacobians_are_differentiated_in_turn() -> None:
    x = RNG.uniform(0.1, 1.0, 9)
    of.check_grads(lambda z: np.sum(of.jacfwd(written)(z)[0] ** 2), (x,), order=1)
    np.testing.assert_allclose(of.hessian(lambda z: np.sum(z * z) * np.sin(z))(x), of.jacrev(of.jacfwd(lambda z: np.sum(z * z) * np.sin(z)))(x), atol=1e-12)
