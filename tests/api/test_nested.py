"""Derivatives taken inside programs: all of them, in loops, branches and helpers, under other derivatives. See also transforms/test_perturbation.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import oneform as of

# ---------------------------------------------------------------- every derivative, inside


def energy(p, v):
    return p["k"] * np.sum(v * v * v) + math.sin(p["k"]) * v[0] * v[1]


def all_inside(k, v):
    f = lambda u: energy({"k": k, "n": 3}, u)  # noqa: E731
    value, gradient = of.value_and_grad(f)(v)
    (again, (aux, n)), other = of.value_and_grad(lambda u: (f(u), (u[0] * k, 7)), has_aux=True)(v)
    h = of.hessian(f)(v)
    product = of.hvp(f, (v,), (gradient,))
    rows = of.jacrev(lambda u: u * u * k)(v)
    columns = of.jacfwd(lambda u: u * u * k)(v)
    out, dot = of.jvp(lambda u, p: energy(p, u), (v, {"k": k, "n": 3}), (v, {"k": 1.0, "n": None}))
    back, pull = of.vjp(lambda u, p: (energy(p, u), u * p["k"]), v, {"k": k, "n": 3})
    cv, cp = pull((value, v))
    total = value * again + aux * n + np.sum(gradient * other) + np.sum(h @ v) + np.sum(product) + np.sum(rows * columns)
    return total + out * dot + back[0] + np.sum(back[1]) + np.sum(cv) + cp["k"]


def by_hand(k, v):
    s, c = math.sin(k), math.cos(k)
    e = k * np.sum(v**3) + s * v[0] * v[1]
    g = 3 * k * v**2
    g[0] += s * v[1]
    g[1] += s * v[0]
    h = np.diag(6 * k * v)
    h[0, 1] += s
    h[1, 0] += s
    de = np.sum(v**3) + c * v[0] * v[1]
    j = np.diag(2 * k * v)
    total = e * e + v[0] * k * 7 + np.sum(g * g) + np.sum(h @ v) + np.sum(h @ g) + np.sum(j * j)
    total += e * (np.sum(g * v) + de) + e + np.sum(k * v)
    return total + np.sum(e * g + v * k) + e * de + np.sum(v * v)


@pytest.mark.parametrize("size", [3, 20])
def test_all_derivatives_inside_a_program(size: int) -> None:
    v = np.linspace(0.2, 1.1, size)
    assert of.jit(all_inside)(0.7, v) == pytest.approx(by_hand(0.7, v), rel=1e-12)
    assert of.trace(all_inside)(0.7, v).interpret(0.7, v) == pytest.approx(by_hand(0.7, v), rel=1e-12)
    of.check_grads(all_inside, (0.7, v), order=2 if size == 3 else 1)


def in_loops(x, n):
    """Each in a loop whose variables it reads, and carried on from there."""
    s = 0.0
    for i in range(n):
        s += of.jvp(lambda y: math.sin(y * x) * (i + 1.0), (s + x,), (x,))[1]
        s = s * 0.5 + of.grad(lambda y: y * y * s)(x)
        s = math.tanh(s) + of.hvp(lambda y: y * y * y * s, (x,), (s,))
        out, pull = of.vjp(lambda y: math.exp(y * 0.1) * s, x)
        while out > 2.0:
            out = out * 0.5
            s = s * 0.25 + pull(out)[0]
        h = of.hessian(lambda v: v[0] * v[0] * v[1] * s)(np.array([x, out]))
        s = math.sin(s + h[0][1] + of.jacrev(lambda y: (y * s, y))(x)[0])
    return s


def test_all_derivatives_in_loops() -> None:
    assert of.trace(in_loops)(0.4, 3).interpret(0.4, 3) == pytest.approx(of.jit(in_loops)(0.4, 3), rel=1e-12)
    of.check_grads(in_loops, (0.4, 3), order=2)


# ---------------------------------------------------------------- pullbacks as values


def weighted(x, n):
    """One forward sweep, several reverse sweeps."""
    out, pull = of.vjp(lambda v: chain(v, n), x)
    s = 0.0
    for k in range(3):
        s += np.sum(pull(out * k)[0])
    return s


def chain(x, n):
    y = x
    for _ in range(n):
        y = y * np.sin(y) + x
    return y


def kept(x, n):
    """A pullback made in a loop, used behind it."""
    s = 0.0
    for i in range(n):
        _, pull = of.vjp(lambda v: np.sum(v * v * v) * (i + 1.0), x)
        s += np.sum(pull(s + 1.0)[0])
    return s + np.sum(pull(2.0)[0])


def chosen(x, flag):
    """One of two pullbacks of the same code at different points."""
    if flag:
        _, pull = of.vjp(lambda t: math.sin(t), x)
    else:
        _, pull = of.vjp(lambda t: math.sin(t), 2.0 * x)
    return pull(1.0)[0]


def handed_on(x):
    out, pull = of.vjp(lambda a, n: (a * a * n, n), x, 3)
    return use(pull, (1.0, None)) + of.grad(lambda c: use(pull, (c, None)) * c)(out[0])


def use(pull, ct):
    return pull(ct)[0]


def of_a_while(x):
    def grow(v):
        while v < 10.0:
            v = v * v + 1.0
        return v

    out, pull = of.vjp(grow, x)
    return pull(1.0)[0] + pull(out)[0]


def test_pullbacks() -> None:
    x = np.linspace(0.3, 1.2, 20)
    out, pull = of.vjp(lambda v: chain(v, 4), x)
    assert of.jit(weighted)(x, 4) == pytest.approx(sum(np.sum(pull(out * k)[0]) for k in range(3)))
    of.check_grads(lambda x: weighted(x, 4), (x,))
    expected = 0.0
    for i in range(4):
        expected += np.sum(3 * x**2 * (i + 1.0) * (expected + 1.0))
    assert of.jit(kept)(x, 4) == pytest.approx(expected + np.sum(3 * x**2 * 4 * 2.0))
    assert of.jit(chosen)(1.0, True) == pytest.approx(math.cos(1.0)) and of.jit(chosen)(1.0, False) == pytest.approx(math.cos(2.0))
    assert of.grad(chosen)(1.0, False) == pytest.approx(-2 * math.sin(2.0))
    assert of.jit(handed_on)(2.0) == pytest.approx(12.0 + 2 * 12.0 * 12.0)
    of.check_grads(of_a_while, (1.1,))


def test_the_forward_sweep_runs_once() -> None:
    """What the adjoint needs comes from the call of vjp: the loop is not run again where the pullback is called, twice."""

    def f(x, n):
        def g(t):
            for _ in range(n):
                t = math.sin(t * t) + t
            return t

        out, pull = of.vjp(g, x)
        return pull(1.0)[0] + pull(out)[0]

    text = of.lower(f)(0.5, 10).optimised()
    assert text.count(" sin ") == 1 and text.count(" = for ") == 3
    of.check_grads(f, (0.5, 10))


@pytest.mark.parametrize(
    ("program", "code", "text"),
    [
        (lambda x: of.vjp(math.sin, x), "E101", "a function cannot be passed out"),
        (lambda x: of.vjp(lambda t: t * 2.0, x)[1]((x, x))[0], "E202", "the cotangent"),
        (lambda x: of.vjp(lambda t: t * 2.0, x)[1](np.ones(3))[0], "E202", "where f64 is expected"),
        (lambda x: of.vjp(lambda t: (t, t), x)[1]((x, x, x))[0], "E202", "structure"),
        (lambda x: of.vjp(lambda t: t * 2.0, x)[1](x, x)[0], "E106", "one argument"),
        (lambda x: of.vjp(lambda t: t * 2.0, 3)[1](x)[0], "E202", "none of the primals"),
        (lambda x: of.vjp()[1](x)[0], "E106", "takes a function"),
        (lambda x: len(of.vjp(math.sin, x)[1]), "E101", "function"),
    ],
)
def test_refusals(program: Any, code: str, text: str) -> None:
    with pytest.raises(of.OneformError) as e:
        of.jit(program)(1.0)
    assert e.value.code == code and text in str(e.value)


def test_a_cotangent_of_another_length() -> None:
    def f(x):
        return of.vjp(lambda a: a * 2.0, x)[1](x[1:])[0]

    with pytest.raises(ValueError, match="length 49 instead of 50"):
        of.jit(f)(np.ones(50))
