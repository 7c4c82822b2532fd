"""custom_jvp and custom_vjp: as plain functions, in programs, as methods, at every order and in every mode; what is refused, and where."""

from __future__ import annotations

import math
import pickle
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of


@of.custom_jvp
def log1pexp(x):
    return np.log(1.0 + np.exp(x))


@log1pexp.defjvp
def log1pexp_rule(primals, tangents):
    (x,), (t,) = primals, tangents
    return log1pexp(x), t / (1.0 + np.exp(-x))


@of.custom_vjp
def product(x, y):
    return np.sin(x) * y


def product_fwd(x, y):
    return product(x, y), (np.cos(x), np.sin(x), y)


def product_bwd(res, ct):
    cos_x, sin_x, y = res
    return cos_x * ct * y, sin_x * ct


product.defvjp(product_fwd, product_bwd)


@of.custom_vjp
def clipped(x, bound):
    return x * 1.0


clipped.defvjp(lambda x, bound: (clipped(x, bound), bound), lambda bound, ct: (np.clip(ct, -bound, bound), None))


@of.custom_jvp
def sine(x):
    return np.sin(x)


@of.custom_jvp
def cosine(x):
    return np.cos(x)


sine.defjvp(lambda p, t: (sine(*p), cosine(*p) * t[0]))
cosine.defjvp(lambda p, t: (cosine(*p), -sine(*p) * t[0]))


def sigmoid(x):
    return 1.0 / (1.0 + math.exp(-x))


# ---------------------------------------------------------------- plain functions


def test_under_cpython_they_are_the_function() -> None:
    assert log1pexp(1.0) == math.log(1.0 + math.e) and product(1.0, 2.0) == math.sin(1.0) * 2.0
    assert log1pexp.__name__ == "log1pexp" and "log1pexp" in repr(log1pexp)
    assert log1pexp.defjvp(log1pexp_rule) is log1pexp_rule
    assert pickle.loads(pickle.dumps(log1pexp)) is log1pexp
    anonymous = of.custom_vjp(math.sqrt, 0)
    anonymous.defvjp(product_fwd, product_bwd)
    again = pickle.loads(pickle.dumps(anonymous))
    assert again.rules == anonymous.rules and again.nondiff_argnums == (0,) and again(4.0) == 2.0
    with pytest.raises(TypeError, match="custom_jvp needs a function"):
        of.custom_jvp(3.0)  # type: ignore[arg-type]


def test_compiled_they_are_the_function() -> None:
    assert of.jit(log1pexp)(1.0) == pytest.approx(log1pexp(1.0), rel=1e-15)
    lowered = of.lower(lambda x: log1pexp(x) * product(x, 2.0))(1.0)
    assert "custom_jvp" in lowered.ir() and "custom_vjp" in lowered.ir() and "custom_again" in lowered.ir()
    assert "custom" not in lowered.optimised() and "call" not in lowered.optimised()
    plain = of.lower(lambda x: np.log(1.0 + np.exp(x)) * (np.sin(x) * 2.0))(1.0)
    names = [sorted(line.split(" = ")[1].split()[0] for line in p.optimised().splitlines() if " = " in line) for p in (lowered, plain)]
    assert names[0] == names[1]
    assert of.trace(log1pexp)(1.0).interpret(1.0) == pytest.approx(log1pexp(1.0), rel=1e-15)


# ---------------------------------------------------------------- orders and modes


def test_custom_jvp_in_all_modes() -> None:
    s = sigmoid(1.0)
    second, third = s * (1 - s), s * (1 - s) * (1 - 2 * s)
    first = [of.grad(log1pexp)(1.0), of.jvp(log1pexp, (1.0,), (1.0,))[1], of.vjp(log1pexp, 1.0)[1](1.0)[0], of.jacfwd(log1pexp)(1.0)]
    assert first == pytest.approx([s] * 4)
    directional = of.jit(lambda x: of.jvp(log1pexp, (x,), (1.0,))[1])
    orders = [of.grad(of.grad(log1pexp)), of.jacfwd(of.grad(log1pexp)), of.grad(directional), of.jacfwd(directional), of.hessian(log1pexp)]
    assert [f(1.0) for f in orders] == pytest.approx([second] * 5)
    assert [of.grad(f)(1.0) for f in orders] == pytest.approx([third] * 5)


def test_the_rule_is_used_not_the_function() -> None:
    """No overflow, where the derivative of the function itself has inf / inf."""
    assert of.grad(log1pexp)(800.0) == 1.0
    with np.errstate(all="ignore"):
        assert math.isnan(of.grad(lambda x: np.log(1.0 + np.exp(x)))(800.0))


def test_custom_vjp() -> None:
    assert of.grad(product, (0, 1))(1.0, 2.0) == pytest.approx((2 * math.cos(1), math.sin(1)))
    assert of.vjp(product, 1.0, 2.0)[1](3.0) == pytest.approx((6 * math.cos(1), 3 * math.sin(1)))
    assert of.grad(of.grad(product))(1.0, 2.0) == pytest.approx(-2 * math.sin(1))
    assert of.grad(of.grad(product), 1)(1.0, 2.0) == pytest.approx(math.cos(1))
    assert of.jvp(of.grad(product), (1.0, 2.0), (1.0, 0.0))[1] == pytest.approx(-2 * math.sin(1))
    h = of.hessian(product, (0, 1))(1.0, 2.0)
    assert h[0] == pytest.approx((-2 * math.sin(1), math.cos(1))) and h[1] == pytest.approx((math.cos(1), 0.0))
    assert of.grad(lambda x: clipped(x, 0.5) * 10.0)(3.0) == 0.5
    assert np.array_equal(of.grad(lambda x: np.sum(clipped(x, 0.5) * np.array([0.1, 2.0, -3.0])))(np.ones(3)), [0.1, 0.5, -0.5])
    assert of.value_and_grad(lambda x: clipped(x, 0.5) * 10.0)(3.0) == (30.0, 0.5)
    assert of.grad(lambda x, b: clipped(x, b) * b, (0, 1))(3.0, 0.5) == (0.5, 3.0)  # None is zero, said by the rule


def test_rules_that_name_each_other() -> None:
    fourth = of.grad(of.grad(of.grad(of.grad(sine))))
    assert fourth(0.7) == pytest.approx(math.sin(0.7))
    text = str(of.trace(sine)(0.7))
    assert text.count("custom_again") == 3 and str(of.parse(text)) == text
    assert of.parse(text).grad().grad([0], 1)(0.7)[-1] == pytest.approx(-math.sin(0.7))


def test_a_rule_may_apply_its_own_function_to_a_tangent() -> None:
    triple = of.custom_jvp(lambda x: 3.0 * x)
    triple.defjvp(lambda p, t: (triple(*p), triple(*t)))
    assert of.grad(triple)(1.0) == 3.0 and of.jvp(triple, (1.0,), (2.0,)) == (3.0, 6.0)
    assert of.grad(of.grad(lambda x: triple(x) * x))(1.0) == pytest.approx(6.0)
    linear = of.custom_vjp(lambda x: 3.0 * x)
    linear.defvjp(lambda x: (linear(x), None), lambda res, ct: (linear(ct),))
    assert of.grad(of.grad(lambda x: linear(x) ** 2))(1.0) == pytest.approx(18.0)


def test_a_derivative_inside_a_rule() -> None:
    power = of.custom_jvp(lambda x, n: x**n)
    power.defjvp(lambda p, t: (power(*p), of.grad(lambda y: y ** p[1])(p[0]) * t[0]))
    assert of.grad(power)(2.0, 3) == pytest.approx(12.0) and of.grad(of.grad(power))(2.0, 3) == pytest.approx(12.0)
    # the implicit function theorem: x(a) with x^3 + x = a, so x' = 1 / (3 x^2 + 1)
    assert of.grad(cubic_root)(10.0) == pytest.approx(1.0 / 13.0)
    assert of.grad(of.grad(cubic_root))(10.0) == pytest.approx(-12.0 / 13.0**3)
    of.check_grads(cubic_root, (3.0,), order=3)


@of.custom_jvp
def cubic_root(a):
    x = a
    while abs(x * x * x + x - a) > 1e-13 * (1.0 + abs(a)):
        x = x - (x * x * x + x - a) / (3.0 * x * x + 1.0)
    return x


@cubic_root.defjvp
def cubic_root_rule(primals, tangents):
    x = cubic_root(*primals)
    return x, tangents[0] / of.grad(lambda y: y * y * y + y)(x)


# ---------------------------------------------------------------- in programs


def in_for(x, n):
    s = 0.0
    for i in range(n):
        x = log1pexp(x) * math.sin(x + 0.1 * i)
        s += x
    return s


def in_while(x):
    while x < 3.0:
        x = log1pexp(x) * 1.1
    return x


def arrays_and_branches(v, n):
    for _ in range(n):
        v = log1pexp(v) * 0.5
        if v[0] > 0.5:
            v = log1pexp(v * v - 1.0)
    return v


def in_place(v, n):
    v = v.copy()
    for _ in range(n):
        for j in range(len(v)):
            v[j] = log1pexp(v[j] * v[j - 1])
    return v


def constructed(v):
    return np.array([log1pexp(a) * a for a in v]), np.sum(log1pexp(v))


def backward_in_for(x, n):
    s = 0.0
    for _ in range(n):
        x = product(x, 0.5 + 0.1 * s)
        s += x * x
    return s


def backward_in_while(x):
    s = 0.0
    while x < 20.0:
        x = x + product(x, 2.0) ** 2 + 1.0
        if x > 5.0:
            s += product(x, x)
    return s


def backward_on_arrays(v, n):
    v = np.sin(v)
    for i in range(n):
        v = product(v, v * 0.5 + 1.0)
        if i == 2:
            w = v * 2.0
            v = product(w, v)
    return np.sum(v * v)


LONG = np.linspace(0.1, 2.0, 25)


@pytest.mark.parametrize("size", [3, 25])
def test_custom_jvp_in_programs(size: int) -> None:
    of.check_grads(in_for, (1.0, 5), order=3)
    of.check_grads(in_while, (1.0,), order=3)
    for f, more in ((arrays_and_branches, (5,)), (in_place, (3,)), (constructed, ())):
        of.check_grads(f, (LONG[:size].copy(), *more))


@pytest.mark.parametrize("size", [3, 25])
def test_custom_vjp_in_programs(size: int) -> None:
    of.check_grads(backward_in_for, (1.0, 6), modes=("rev",), order=3)
    of.check_grads(backward_in_while, (1.0,), modes=("rev",))
    of.check_grads(backward_on_arrays, (LONG[:size].copy(), 5), modes=("rev",))


def test_residuals_that_stay_in_a_branch() -> None:
    """The adjoint runs code of the user's on arrays that a branch handed out, whose lengths are not known there."""

    @of.custom_vjp
    def normalised(v):
        return v / np.sqrt(np.sum(v * v))

    def fwd(v):
        n = np.sqrt(np.sum(v * v))
        return v / n, (v / n, n)

    def bwd(res, ct):
        u, n = res
        out = ct.copy()
        for i in range(len(u)):
            out[i] = (ct[i] - u[i] * np.sum(u * ct)) / n
        return (out,)

    normalised.defvjp(fwd, bwd)

    def f(v, k, n):
        s = 0.0
        for i in range(n):
            if v[i] > 0.5:
                w = v[: k + i] * v[i]
                s += np.sum(normalised(w) * w * (i + 1.0))
            else:
                s += v[i]
        return s

    of.check_grads(f, (LONG, 5, 15), modes=("rev",))
    of.check_grads(lambda v: f(v, 5, 15), (LONG,), modes=("rev",))


# ---------------------------------------------------------------- structures


class Spring(NamedTuple):
    k: Any
    n: int
    v: Any

    @of.custom_jvp
    def energy(self, s):
        return {"e": self.k * s + np.sum(self.v) * self.n, "n": self.n, "none": None}

    @energy.defjvp
    def energy_rule(primals, tangents):
        (self, s), (ds, dt) = primals, tangents
        assert ds.n is None
        return self.energy(s), {"e": 2.0 * (ds.k * s + self.k * dt + np.sum(ds.v) * self.n), "n": None, "none": None}


class Scaled:
    def __init__(self, k):
        self.k = k

    @of.custom_vjp
    def apply(self, x):
        return x * self.k

    apply.defvjp(lambda self, x: (self.apply(x), self.k), lambda k, ct: (None, 10.0 * k * ct))


def test_methods_and_records() -> None:
    p = Spring(2.0, 3, np.array([1.0, 2.0]))
    back = of.grad(lambda p: p.energy(5.0)["e"])(p)
    assert isinstance(back, Spring) and back.k == 10.0 and back.n is None and np.array_equal(back.v, [6.0, 6.0])
    assert of.grad(lambda s: p.energy(s)["e"])(5.0) == 4.0 and of.grad(lambda s: Spring.energy(p, s)["e"])(5.0) == 4.0
    scaled = Scaled(3.0)
    assert scaled.apply(2.0) == 6.0 == of.jit(lambda x: scaled.apply(x))(2.0)
    assert of.grad(lambda x: scaled.apply(x))(2.0) == 30.0 and of.grad(scaled.apply)(2.0) == 30.0


def test_tuples_and_integers() -> None:
    @of.custom_vjp
    def pair(x, pack):
        a, (v, n) = pack
        return (x * a * n, n), v * x

    def bwd(res, ct):
        x, (a, (v, n)) = res
        (first, nothing), second = ct
        assert nothing is None
        return first * a * n + np.sum(second * v), (first * x * n, (second * x, None))

    pair.defvjp(lambda x, pack: (pair(x, pack), (x, pack)), bwd)

    def f(x, a, v, n):
        (y, _), w = pair(x, (a, (v, n)))
        return y * y + np.sum(w * w * w)

    of.check_grads(f, (0.7, 1.3, np.array([0.2, 0.5, -0.4]), 3), modes=("rev",), order=3)
    of.check_grads(lambda v: f(0.7, 1.3, v, 3), (LONG,), modes=("rev",))


def test_rules_by_argument() -> None:
    @of.custom_jvp
    def volume(x, y, z):
        return x * y * z

    volume.defjvps(lambda t, ans, x, y, z: t * ans / x, lambda t, ans, x, y, z: t * ans / y, None)
    assert of.grad(volume, (0, 1))(2.0, 3.0, 4.0) == pytest.approx((12.0, 8.0))
    assert of.jvp(volume, (2.0, 3.0, 4.0), (1.0, 1.0, 1.0))[1] == pytest.approx(20.0)
    twin = of.custom_jvp(lambda x, y: (x * y, (x + y,)))
    twin.defjvps(lambda t, ans, x, y: (t * y, (t,)), lambda t, ans, x, y: (t * x, (t,)))
    of.check_grads(twin, (2.0, 3.0))
    short = of.custom_jvp(lambda x, y: x * y)
    short.defjvps(None)
    with pytest.raises(of.DerivativeError, match="1 rules for 2 arguments"):
        of.grad(short)(1.0, 2.0)


def test_dtypes_and_numbers() -> None:
    assert of.grad(lambda x: np.sum(log1pexp(x)))(np.ones(4, np.float32)).dtype == np.float32
    constant = of.custom_jvp(lambda x: x * 2.0)
    constant.defjvp(lambda p, t: (2 * p[0], None))  # None is zero
    assert of.grad(constant)(1.0) == 0.0
    halves = of.custom_jvp(lambda x, n: x / n)
    halves.defjvp(lambda p, t: (halves(*p), t[0] / p[1]))
    assert of.grad(lambda x: halves(x, n=4))(1.0) == 0.25 == of.grad(lambda x: halves(n=4, x=x))(1.0)


# ---------------------------------------------------------------- nondiff_argnums, functions, closures


@partial(of.custom_jvp, nondiff_argnums=(0,))
def apply(f, x):
    return f(x)


@apply.defjvp
def apply_rule(f, primals, tangents):
    (x,), (t,) = primals, tangents
    return apply(f, x), 10.0 * f(x) * t


@partial(of.custom_vjp, nondiff_argnums=(0, 2))
def scaled_power(n, x, m):
    return x**n * m


scaled_power.defvjp(lambda n, x, m: (scaled_power(n, x, m), x), lambda n, m, x, ct: (ct * n * x ** (n - 1) * m,))


@partial(of.custom_jvp, nondiff_argnums=(0,))
def shifted(n, x):
    """sin(x + n π / 2), whose derivative is that of the next order: the rule calls the function with another constant."""
    return math.sin(x + n * math.pi / 2)


shifted.defjvp(lambda n, p, t: (shifted(n, *p), shifted(n + 1, *p) * t[0]))


def test_nondiff_argnums() -> None:
    assert of.grad(lambda x: apply(lambda y: y * y, x))(3.0) == 90.0
    assert of.grad(lambda x: scaled_power(3, x, 2.0))(2.0) == 24.0 and of.grad(of.grad(lambda x: scaled_power(3, x, 2.0)))(2.0) == 24.0
    third = of.grad(of.grad(of.grad(lambda x: shifted(0, x))))
    assert third(0.3) == pytest.approx(-math.cos(0.3))
    assert of.grad(of.grad(shifted, 1), 1)(2, 0.3) == pytest.approx(math.sin(0.3))


def closed(x, c):
    h = of.custom_jvp(lambda y: y * c)
    h.defjvp(lambda p, t: (h(*p), t[0] * c))
    return h(x) * x


def decorated_in_a_loop(x, n):
    s = 0.0
    for i in range(n):
        k = i * 2.0

        @of.custom_jvp
        def h(y):
            return y * k

        @h.defjvp
        def rule(p, t):
            return h(*p), t[0] * k

        s += h(x) ** 2
    return s


def backward_in_place(x, c):
    @partial(of.custom_vjp, nondiff_argnums=(1,))
    def h(y, m):
        return y * c * m

    h.defvjp(lambda y, m: (h(y, m), y), lambda m, y, ct: (ct * c * m + 0.0 * y,))
    return h(x, 2.0) * x


def test_made_in_the_program() -> None:
    assert of.jit(closed)(2.0, 3.0) == 12.0 == closed(2.0, 3.0) and of.grad(closed)(2.0, 3.0) == 12.0
    assert of.grad(of.grad(closed))(2.0, 3.0) == 6.0
    assert of.grad(decorated_in_a_loop)(1.5, 4) == pytest.approx(sum(3.0 * (2.0 * i) ** 2 for i in range(4)))
    assert of.grad(backward_in_place)(2.0, 3.0) == 24.0


def test_what_is_closed_over_is_not_differentiated_silently() -> None:
    for call in (
        lambda: of.grad(closed, 1)(2.0, 3.0),
        lambda: of.jvp(closed, (2.0, 3.0), (0.0, 1.0)),
        lambda: of.grad(backward_in_place, 1)(2.0, 3.0),
        lambda: of.grad(lambda m: scaled_power(3, 2.0, m))(2.0),
        lambda: of.grad(lambda c: apply(lambda y: y * c, 2.0))(1.0),
    ):
        with pytest.raises(of.DerivativeError) as e:
            call()
        assert e.value.code == "E211" and e.value.loc is not None
    assert of.grad(lambda c: closed(2.0, of.stop_gradient(c)) * c)(3.0) == 12.0


# ---------------------------------------------------------------- refusals


def without_rule(kind: Any) -> Any:
    return kind(lambda x: x * x)


def with_rule(rule: Any) -> Any:
    f = of.custom_jvp(lambda x: x * x)
    f.defjvp(rule)
    return f


def with_rules(fwd: Any, bwd: Any) -> Any:
    f = of.custom_vjp(lambda x, y: x * y)
    f.defvjp(fwd, bwd)
    return f


@pytest.mark.parametrize(
    ("call", "code", "text"),
    [
        (lambda: of.grad(without_rule(of.custom_jvp))(2.0), "E210", "custom_jvp without a rule"),
        (lambda: of.jvp(without_rule(of.custom_jvp), (2.0,), (1.0,)), "E210", "defjvp"),
        (lambda: of.grad(without_rule(of.custom_vjp))(2.0), "E210", "defvjp(fwd, bwd)"),
        (lambda: of.grad(with_rule(lambda p, t: p[0]))(2.0), "E210", "should return a pair"),
        (lambda: of.grad(with_rule(lambda p, t: ((p[0], 1.0), t[0])))(2.0), "E210", "another structure"),
        (lambda: of.grad(with_rule(lambda p, t: (p[0], t)))(2.0), "E210", "the tangent of the result"),
        (lambda: of.grad(with_rule(lambda p, t: (p[0], np.ones(3) * t[0])))(2.0), "E210", "an array"),
        (lambda: of.grad(with_rule(lambda p, t: (np.ones(3), t[0])))(2.0), "E210", "its result has an array"),
        (lambda: of.grad(with_rules(lambda x, y: (x * y, y), lambda y, ct: ct * y))(2.0, 3.0), "E210", "a tuple of 2"),
        (lambda: of.grad(with_rules(lambda x, y: (x * y, y), lambda y, ct: (ct, np.ones(2))))(2.0, 3.0), "E210", "where f64 is expected"),
        (lambda: of.grad(with_rules(lambda x, y: x * y, lambda y, ct: (ct, ct)))(2.0, 3.0), "E210", "what bwd needs"),
        (lambda: of.jvp(product, (1.0, 2.0), (1.0, 0.0)), "E212", "forward mode"),
        (lambda: of.jacfwd(lambda x: product(x, x) * 2.0)(1.0), "E212", "product"),
        (lambda: of.grad(with_rule(lambda p, t: (p[0] * p[0], abs(t[0]))))(2.0), "E213", "no multiple"),
        (lambda: of.grad(with_rule(lambda p, t: (p[0] * p[0], t[0] * t[0])))(2.0), "E213", "no multiple"),
        (lambda: of.grad(with_rule(lambda p, t: (p[0] * p[0], p[0] if t[0] > 0.0 else t[0])))(2.0), "E213", "steered"),
        (lambda: of.grad(with_rule(lambda p, t: (p[0] * t[0], t[0])))(2.0), "E213", "the result depends"),
        (lambda: of.grad(with_rule(lambda p, t: (p[0] * p[0], of.stop_gradient(t[0]))))(2.0), "E213", "without derivative"),
    ],
)
def test_refusals(call: Any, code: str, text: str) -> None:
    with pytest.raises(of.OneformError) as e:
        call()
    assert e.value.code == code and text in str(e.value)


def test_a_refused_rule_matters_to_its_derivative_only() -> None:
    f = with_rule(lambda p, t: (p[0], t))
    assert of.jit(f)(2.0) == 4.0 and of.grad(lambda x: f(3.0) * x)(2.0) == 9.0
    text = str(of.trace(f)(2.0))
    assert "refused=" in text and str(of.parse(text)) == text
    with pytest.raises(of.DerivativeError) as e:
        of.grad(lambda x: f(x) * x)(2.0)
    shown = str(e.value)
    assert e.value.loc is not None and "f(x) * x" in e.value.loc.text  # the call, and the rule's return
    assert "lambda p, t: (p[0], t)" in shown and "the tangent of the result" in shown
    g = with_rule(lambda p, t: (g(*p), open("nothing").read() * t[0]))
    assert of.jit(g)(2.0) == 4.0
    with pytest.raises(of.DerivativeError, match="E003"):
        of.grad(g)(2.0)


def test_an_integer_needs_no_rule() -> None:
    f = with_rule(lambda p, t: (f(*p), 2.0 * p[0] * t[0]))
    assert of.grad(lambda x: f(3) * x + f(x))(2.0) == 13.0 and of.jit(f)(3) == 9


def test_refused_or_raised_where_it_stands() -> None:
    writes = of.custom_jvp(overwrite)
    writes.defjvp(lambda p, t: (np.sum(p[0]), np.sum(t[0])))
    with pytest.raises(of.CompileError, match="changes its argument"):
        of.jit(writes)(np.ones(4))
    wrong = of.custom_vjp(lambda x: x * 2.0)
    wrong.defvjp(lambda x: (x * 2.0, None), lambda res, ct: (np.ones(4) * ct[0],))
    total = of.grad(lambda x: np.sum(wrong(x)))
    assert np.array_equal(total(np.ones(4)), np.ones(4))
    with pytest.raises(ValueError, match="length 4 instead of 40"):
        total(np.ones(40))
    raising = with_rule(always_raises)
    assert of.jit(raising)(2.0) == 4.0
    with pytest.raises(NotImplementedError, match="no derivative here"):
        of.grad(raising)(2.0)
    endless = of.custom_jvp(lambda x: x * x)
    endless.defjvp(lambda p, t: (endless(*p), of.grad(lambda y: endless(y))(p[0]) * t[0]))
    with pytest.raises(of.DerivativeError, match="would never end"):
        of.grad(endless)(2.0)
    with pytest.raises(of.CompileError, match="depend on the path taken"):
        of.grad(rule_under_a_condition)(1.0, True)


def overwrite(x):
    x[0] = 1.0
    return np.sum(x)


def always_raises(p, t):
    raise NotImplementedError("no derivative here")


def rule_under_a_condition(x, flag):
    f = of.custom_jvp(lambda y: y * 2.0)
    if flag:
        f.defjvp(lambda p, t: (f(*p), t[0]))
    return f(x)


def test_a_rule_given_anew_is_used() -> None:
    f = of.custom_jvp(lambda x: x * x)
    f.defjvp(lambda p, t: (f(*p), 7.0 * t[0]))
    assert of.grad(f)(2.0) == 7.0
    f.defjvp(lambda p, t: (f(*p), 9.0 * t[0]))
    assert of.grad(f)(2.0) == 9.0


def test_of_a_compiled_function() -> None:
    compiled = of.custom_jvp(of.jit(lambda x: x * x))
    compiled.defjvp(lambda p, t: (compiled(*p), 5.0 * p[0] * t[0]))
    assert compiled(3.0) == 9.0 and of.grad(compiled)(3.0) == 15.0
    jitted = of.jit(log1pexp)
    assert of.grad(jitted)(1.0) == pytest.approx(sigmoid(1.0)) and of.grad(lambda x: jitted(x) * 2.0)(1.0) == pytest.approx(2 * sigmoid(1.0))


@pytest.mark.parametrize(("back", "depends"), [(lambda x, ct: (5.0 * ct,), False), (lambda x, ct: (5.0 * ct * x,), True)])
def test_a_reverse_sweep_states_the_transpose_of_what_is_applied_to_a_tangent(back: Any, depends: bool) -> None:
    """It is taken (5 stands where the primal's transpose is 3), and must not depend on the tangent."""

    @of.custom_vjp
    def linear(x: float) -> float:
        return 3.0 * x

    linear.defvjp(lambda x: (linear(x), x), back)

    @of.custom_jvp
    def f(x: float) -> float:
        return math.sin(x)

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return f(primals[0]), linear(math.cos(primals[0]) * tangents[0])

    if depends:
        with pytest.raises(of.DerivativeError, match="E213.*reverse sweep"):
            of.grad(f)(0.3)
    else:
        assert of.grad(f)(0.3) == pytest.approx(5.0 * math.cos(0.3))
