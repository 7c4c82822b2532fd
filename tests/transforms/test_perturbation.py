"""No perturbation is taken for another: derivatives inside derivatives, in all pairs of modes, from inside and outside, against closed forms.

Siskind & Pearlmutter, "Perturbation confusion and referential transparency" (2005) and "Nesting forward-mode AD in a functional framework"
(2008); Manzyuk et al., "Perturbation confusion in forward automatic differentiation of higher-order functions" (2019).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

import oneform as of


def forward(f):
    """The derivative of a function of one number, by forward mode."""
    return lambda x: of.jvp(f, (x,), (1.0,))[1]


def backward(f):
    return lambda x: of.grad(f)(x)


def pulled(f):
    return lambda x: of.vjp(f, x)[1](1.0)[0]


MODES = {"forward": forward, "backward": backward, "pulled": pulled}
pairs = pytest.mark.parametrize(("outer", "inner"), [(a, b) for a in MODES for b in MODES])
quiet = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")  # what does not depend is part of these tests


def derived(outer: str, make: Any, inner: str, x: float) -> float:
    """d/dx of a function that takes derivatives inside, each in its mode; and once more from outside, where the two must agree."""
    D = MODES[inner]

    def f(t):
        return make(D, t)

    by_call = {"forward": lambda: of.jvp(f, (x,), (1.0,))[1], "backward": lambda: of.grad(f)(x), "pulled": lambda: of.vjp(f, x)[1](1.0)[0]}
    E = MODES[outer]

    def inside(t):
        return E(f)(t)

    found = by_call[outer]()
    assert of.jit(inside)(x) == pytest.approx(found, rel=1e-13, abs=1e-13)
    return found


# ---------------------------------------------------------------- the literature's examples


@quiet
@pairs
def test_the_classical_example(outer: str, inner: str) -> None:
    """d/dx (x · d/dy (x + y) at y = 1) at x = 1 is 1; who confuses the perturbations finds 2."""
    assert derived(outer, lambda D, x: x * D(lambda y: x + y)(1.0), inner, 1.0) == 1.0


@pairs
def test_a_product_instead_of_the_sum(outer: str, inner: str) -> None:
    """d/dx (x · d/dy (x y) at y = 2) = 2 x."""
    assert derived(outer, lambda D, x: x * D(lambda y: x * y)(2.0), inner, 3.0) == 6.0


@pairs
def test_the_inner_point_depends_on_the_outer_variable(outer: str, inner: str) -> None:
    """f(x) = d/dy (x² y³) at y = x is 3 x⁴."""
    assert derived(outer, lambda D, x: D(lambda y: x * x * y * y * y)(x), inner, 1.5) == pytest.approx(12 * 1.5**3)


@quiet
@pairs
def test_shadowed_names(outer: str, inner: str) -> None:
    """The inner x hides the outer one: d/dx (x · d/dx x²) = d/dx (x · 2 x) at the same point."""
    assert derived(outer, lambda D, x: x * D(lambda x: x * x)(x), inner, 3.0) == 12.0


@quiet
@pairs
def test_three_levels(outer: str, inner: str) -> None:
    """d/dx (x · d/dy (y · d/dz (x y z)) ) with z, y = x: x · d/dy (x y²) = 2 x² y, so 2 x³ at y = x."""
    assert derived(outer, lambda D, x: x * D(lambda y: y * D(lambda z: x * y * z)(x))(x), inner, 2.0) == pytest.approx(24.0)


@pairs
def test_a_derivative_as_an_argument(outer: str, inner: str) -> None:
    """A helper that applies what it is given, D included, twice: (D (D f)) of x⁴ is 12 x², whose derivative is 24 x."""
    assert derived(outer, lambda D, x: twice(D, lambda y: y * y * y * y)(x), inner, 2.0) == pytest.approx(48.0)


def twice(transform, f):
    return transform(transform(f))


@pairs
def test_a_curried_function(outer: str, inner: str) -> None:
    """s(u) = y → f(y + u), the offset of Manzyuk et al.: d/dx of D(s(x)(sin)) at y is cos' where both perturbations meet in one sum."""

    def make(D, x):
        def shift(u):
            return lambda f: lambda y: f(y + u)

        return D(shift(x)(math.sin))(0.5) * x

    expected = math.cos(0.5 + 2.0) - 2.0 * math.sin(0.5 + 2.0)
    assert derived(outer, make, inner, 2.0) == pytest.approx(expected)


def test_the_derivative_of_a_function_that_returns_a_function_is_refused() -> None:
    """Where confusion of tagged perturbations begins: D of s above, with a function for its value. There is none here, and it is said."""

    def f(x):
        derivative = of.jvp(lambda u: lambda y: math.sin(y + u), (x,), (1.0,))[1]
        return derivative(0.5)

    with pytest.raises(of.CompileError, match="a function cannot be passed out"):
        of.jit(f)(1.0)


@quiet
@pairs
def test_in_loops_and_branches(outer: str, inner: str) -> None:
    """x ← x + D(y → x sin y)(x) / 4, three times, the derivative taken in a loop and in a branch of it."""

    def make(D, x):
        for i in range(3):
            if i < 2:
                x = x + 0.25 * D(lambda y: x * math.sin(y))(x)
            else:
                x = x * D(lambda y: y * y * y)(x)
        return x

    def plain(x):
        for _ in range(2):
            x = x + 0.25 * x * math.cos(x)
        return 3.0 * x**3

    assert derived(outer, make, inner, 0.7) == pytest.approx(of.grad(plain)(0.7), rel=1e-12)


@quiet
@pairs
def test_in_a_while_loop(outer: str, inner: str) -> None:
    """Newton's method with its derivative taken by the program: the root of y³ = x is differentiated through the iterations."""

    def make(D, x):
        y = x
        while abs(y * y * y - x) > 1e-14:
            y = y - (y * y * y - x) / D(lambda t: t * t * t - x)(y)
        return y

    assert derived(outer, make, inner, 2.0) == pytest.approx(2.0 ** (-2 / 3) / 3, rel=1e-9)


# ---------------------------------------------------------------- functions that return functions, as far as the language goes


@pairs
def test_the_amazing_bug_with_its_functions_written_out(outer: str, inner: str) -> None:
    """s(u)(f)(y) = f(y + u). D s at 0 is a derivative operator; applied twice it must give f″, where confused tags give 0 or f′."""

    def make(D, x):
        derivative = lambda f: lambda y: D(lambda u: f(y + u))(0.0)  # noqa: E731
        return derivative(derivative(math.sin))(x) * x

    assert derived(outer, make, inner, 0.8) == pytest.approx(-math.sin(0.8) - 0.8 * math.cos(0.8))


@pairs
def test_a_function_that_captures_a_derivative(outer: str, inner: str) -> None:
    """g(y) = y · D(z → z² x)(y) = 2 x y², captured and handed on; D g at x is 4 x², times g(x) = 2 x³."""

    def make(D, x):
        slope = D(lambda z: z * z * x)
        g = lambda y: y * slope(y)  # noqa: E731
        return D(g)(x) * apply(g, x)

    assert derived(outer, make, inner, 1.3) == pytest.approx(5 * 8 * 1.3**4)


def apply(f, x):
    return f(x)


@pairs
def test_a_derivative_made_by_a_helper_and_returned(outer: str, inner: str) -> None:
    """slope_of(x) returns y → D(z → sin(x z))(y) = x cos(x y), used at y = x behind the call."""

    def make(D, x):
        return slope_of(D, x)(x) + slope_of(D, 2.0)(x)

    def slope_of(D, k):
        return lambda y: D(lambda z: math.sin(k * z))(y)

    x = 0.7
    expected = math.cos(x * x) - 2.0 * x * x * math.sin(x * x) - 4.0 * math.sin(2.0 * x)
    assert derived(outer, make, inner, x) == pytest.approx(expected)


@quiet
@pairs
def test_the_inner_function_ignores_its_own_argument(outer: str, inner: str) -> None:
    """D(y → x²) is zero however x is perturbed; a tag that leaks makes it 2 x."""
    assert derived(outer, lambda D, x: x + D(lambda y: x * x)(x), inner, 3.0) == 1.0


@quiet
@pairs
def test_what_is_stopped_stays_stopped_for_both(outer: str, inner: str) -> None:
    """x · D(y → stop(x) y²)(x) with the value 2 x³: the stopped x moves for neither of the two, so 4 x² is left of 6 x²."""
    assert derived(outer, lambda D, x: x * D(lambda y: of.stop_gradient(x) * y * y)(x), inner, 1.5) == pytest.approx(4.0 * 1.5**2)


# ---------------------------------------------------------------- three levels


@pytest.mark.parametrize(("a", "b", "c"), list(itertools.product(MODES, repeat=3)), ids="-".join)
def test_three_levels_in_all_modes(a: str, b: str, c: str) -> None:
    """A(x → x B(y → y C(z → x y² z³)(y))(x)): C gives 3 x y⁴ at z = y, B 15 x⁵ at y = x, A 90 x⁵."""

    def f(x):
        return MODES[a](lambda x: x * MODES[b](lambda y: y * MODES[c](lambda z: x * y * y * z * z * z)(y))(x))(x)

    assert of.jit(f)(1.2) == pytest.approx(90.0 * 1.2**5)
    assert of.trace(f)(1.2).interpret(1.2) == pytest.approx(90.0 * 1.2**5)


@pytest.mark.parametrize(("a", "b", "c"), list(itertools.product(MODES, repeat=3)), ids="-".join)
def test_the_third_derivative_of_one_function(a: str, b: str, c: str) -> None:
    """The same function at all three levels, through a loop; x⁵ (x > 0) by five factors."""

    def power(x):
        p = 1.0
        for _ in range(5):
            p *= x
        return p

    def f(x):
        return MODES[a](MODES[b](MODES[c](power)))(x)

    assert of.jit(f)(1.3) == pytest.approx(60.0 * 1.3**2)


# ---------------------------------------------------------------- tangents and cotangents that depend on the variable


def test_a_tangent_that_is_the_outer_variable() -> None:
    """d/dx of f′(x) x is f″ x + f′, of a pullback of x the same; and with both x at once x² f′."""

    def pushed(x):
        return of.jvp(math.sin, (x,), (x,))[1]

    def pulled_back(x):
        return of.vjp(math.sin, x)[1](x)[0]

    def both(x):
        return of.jvp(lambda y: of.vjp(math.sin, y)[1](x)[0], (x,), (x,))[1]

    x = 0.9
    for f in (pushed, pulled_back):
        for slope in (of.grad(f)(x), of.jvp(f, (x,), (1.0,))[1]):
            assert slope == pytest.approx(-x * math.sin(x) + math.cos(x))
    for slope in (of.grad(both)(x), of.jvp(both, (x,), (1.0,))[1]):  # of -x² sin x: the cotangent x does not move with y
        assert slope == pytest.approx(-2.0 * x * math.sin(x) - x * x * math.cos(x))


@pytest.mark.parametrize("size", [3, 40])
def test_arrays_in_place(size: int) -> None:
    """Of each element a derivative that reads the others as they are then: y_i = x_i · d/dt (t² y_{i-1}) at t = x_i, that is 2 x_i² y_{i-1}."""

    def chained(D, x):
        y = x.copy()
        for i in range(1, len(x)):
            y[i] = x[i] * D(lambda t: t * t * y[i - 1])(x[i])
        return y[-1]

    x = np.linspace(0.6, 0.8, size)
    value = x[0] * np.prod(2.0 * x[1:] ** 2)
    expected = 2.0 * value / x
    expected[0] = value / x[0]
    for D in MODES.values():
        f = lambda v: chained(D, v)  # noqa: E731
        assert of.jit(f)(x) == pytest.approx(value)
        np.testing.assert_allclose(of.grad(f)(x), expected, rtol=1e-12)
        assert of.jvp(f, (x,), (x,))[1] == pytest.approx(float(expected @ x))


def test_hessians_of_hessians() -> None:
    """trace of the Hessian of x → trace of the Hessian of y → Σ (x y)² y at y = x: the inner is Σ 6 x² y, so 6 x³; then Σ 36 x."""

    def inner(x):
        h = of.hessian(lambda y: np.sum(x * x * y * y * y))(x)
        s = 0.0
        for i in range(len(x)):
            s += h[i, i]
        return s

    x = np.array([0.5, 1.5, -0.7])
    assert of.jit(inner)(x) == pytest.approx(np.sum(6.0 * x**3))
    np.testing.assert_allclose(of.hessian(inner)(x), np.diag(36.0 * x), atol=1e-12)
    np.testing.assert_allclose(of.jit(of.hessian(inner))(x), np.diag(36.0 * x), atol=1e-12)


# ---------------------------------------------------------------- from outside


@pairs
def test_derivatives_of_derivatives_from_outside(outer: str, inner: str) -> None:
    """Transforms of transformed functions, without any compiled function around them: (x⁴)″ = 12 x², and a derivative that a closure holds."""

    def quartic(x):
        return x * x * x * x

    first = {"forward": lambda x: of.jvp(quartic, (x,), (1.0,))[1], "backward": of.grad(quartic), "pulled": lambda x: of.vjp(quartic, x)[1](1.0)[0]}[inner]
    second = {"forward": lambda x: of.jvp(first, (x,), (1.0,))[1], "backward": of.grad(first), "pulled": lambda x: of.vjp(first, x)[1](1.0)[0]}[outer]
    assert first(1.5) == pytest.approx(4 * 1.5**3) and second(1.5) == pytest.approx(12 * 1.5**2)

    def weighed(x):
        return x * first(x)

    assert of.grad(weighed)(1.5) == pytest.approx(16 * 1.5**3)


def test_the_one_line_of_the_docstrings() -> None:
    assert of.grad(lambda x: x * of.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert of.jit(of.grad(lambda x: x * of.grad(lambda y: x * y)(2.0)))(3.0) == 6.0
    assert of.grad(of.grad(lambda x: x * of.grad(lambda y: x * y * y)(x)))(3.0) == pytest.approx(36.0)


# ---------------------------------------------------------------- loops, recursion, lists, objects


@pairs
def test_in_a_recursion(outer: str, inner: str) -> None:
    """p_n(x) = D(y → x y²)(p_{n-1}(x)) = 2 x p_{n-1}: after three calls 8 x³ x, whose derivative is 32 x³."""

    def make(D, x):
        def p(n):
            return x if n == 0 else D(lambda y: x * y * y)(p(n - 1))

        return p(3)

    assert derived(outer, make, inner, 1.1) == pytest.approx(32.0 * 1.1**3)


@pairs
def test_the_inner_function_loops_until_the_data_say_so(outer: str, inner: str) -> None:
    """D of a while loop of y that x bounds and scales: y x^n for the first power above the bound."""

    def make(D, x):
        def grown(y):
            while y < 10.0:
                y = y * x
            return y

        return D(grown)(x) * x

    n = math.ceil(math.log(10.0 / 1.7, 1.7))
    assert derived(outer, make, inner, 1.7) == pytest.approx((n + 1) * 1.7**n)


@pairs
def test_kept_in_lists(outer: str, inner: str) -> None:
    """Derivatives are appended, and differentiated again where they are read: Σ k · (k x^(k-1)) x for k = 1 … 4."""

    def make(D, x):
        kept = []
        for k in range(1, 5):
            kept.append(D(lambda y: y**k)(x))
        total = 0.0
        for k, slope in enumerate(kept):
            total += (k + 1) * slope * x
        return total

    x = 1.2
    assert derived(outer, make, inner, x) == pytest.approx(sum(k**3 * x ** (k - 1) for k in range(1, 5)))


def test_an_inner_function_that_writes_around_itself_is_refused() -> None:
    """What it wrote would have to be with its perturbation for one and without it for the other."""

    def f(x):
        kept = np.zeros(1)

        def g(y):
            kept[0] = x * y
            return y * y

        return of.grad(g)(x) * kept[0]

    with pytest.raises(of.CompileError, match="E105"):
        of.jit(f)(3.0)
