"""Special functions and distributions of SciPy in compiled code: values over the whole domain, derivatives by all parameters, edges."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.special as sc
import scipy.stats as st

import oneform as of
from tests.frontend.library_snippets import Snippet, case, check_derivatives, check_values

RNG = np.random.default_rng(11)
EDGES = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -1.0, -2.0, -2.5, 1.0, 2.0, 0.5, 1e300, -1e300, 1e-300])


def uniform(a: float, b: float, n: int = 80) -> np.ndarray:
    return RNG.uniform(a, b, n)


def scales(a: float, b: float, n: int = 40) -> np.ndarray:
    return np.exp(RNG.uniform(np.log(a), np.log(b), n))


ONE: list[tuple[str, np.ndarray, float]] = [  # name, points, relative tolerance
    ("gamma", np.concatenate([uniform(-9.4, 20), uniform(20, 171), scales(1e-10, 1)]), 3e-15),
    ("gammaln", np.concatenate([uniform(0.01, 10), scales(1e-20, 1e20), uniform(-0.9, -0.1)]), 4e-14),
    ("digamma", np.concatenate([uniform(0.01, 12), scales(1e-10, 1e10), uniform(-2.5, -2.2)]), 1e-14),
    ("erfcx", np.concatenate([uniform(-5, 30), scales(1e-5, 1e20)]), 1e-14),
    ("erfinv", np.concatenate([uniform(-1, 1), scales(1e-20, 0.9), 1 - scales(1e-15, 0.1)]), 1e-15),
    ("erfcinv", np.concatenate([uniform(0, 2), scales(1e-300, 1)]), 5e-15),
    ("ndtr", uniform(-37, 8), 1e-13), ("log_ndtr", np.concatenate([uniform(-8, 8), -scales(1, 1e10)]), 5e-15), ("ndtri", np.concatenate([uniform(0, 1), scales(1e-300, 1)]), 5e-15),
    ("erf", uniform(-4, 4), 2e-15), ("erfc", uniform(-2, 26), 1e-13),
    ("expit", uniform(-700, 40), 2e-15), ("logit", np.concatenate([uniform(0, 1), scales(1e-20, 1)]), 1e-14), ("log_expit", uniform(-50, 50), 2e-15), ("entr", uniform(0, 3), 1e-15),
    ("exprel", np.concatenate([uniform(-5, 5), scales(1e-12, 1)]), 2e-15), ("j0", np.concatenate([uniform(0, 30), scales(30, 1000)]), 0.0), ("j1", np.concatenate([uniform(-30, 30), scales(30, 1000)]), 0.0),
    ("i0", uniform(-40, 40), 2e-15), ("i1", uniform(-40, 40), 2e-15), ("i0e", np.concatenate([uniform(-40, 40), scales(1, 1e6)]), 2e-15), ("i1e", uniform(-40, 40), 2e-15),
    ("zeta", np.concatenate([uniform(1.01, 60), uniform(-9.5, 0.9)]), 1e-13),
]  # fmt: skip


@pytest.mark.parametrize(("name", "points", "rtol"), ONE, ids=[row[0] for row in ONE])
def test_values_over_the_domain(name: str, points: np.ndarray, rtol: float) -> None:
    f = getattr(sc, name)
    compiled = of.jit(lambda x: f(x))
    expected = f(points)
    np.testing.assert_allclose(compiled(points), expected, rtol=rtol, atol=0.0 if rtol else 4e-15)
    single = compiled(points.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, f(points.astype(np.float32)), rtol=1e-5, atol=1e-6)
    assert isinstance(compiled(0.75), (float, np.float64))


@pytest.mark.parametrize("name", [row[0] for row in ONE if row[0] not in ("zeta", "gamma")] + ["gamma"])
def test_edges(name: str) -> None:
    f = getattr(sc, name)
    with np.errstate(all="ignore"):
        expected = f(EDGES)
    if name == "j0" or name == "j1":
        points = EDGES[np.abs(EDGES) < 1e9]
        np.testing.assert_allclose(of.jit(lambda x: f(x))(points), f(points), rtol=1e-14)
    else:
        np.testing.assert_allclose(of.jit(lambda x: f(x))(EDGES), expected, rtol=1e-13)


DERIVATIVES: list[tuple[str, list[float]]] = [
    ("gamma", [0.3, 1.7, 5.5, -2.3, 25.0]), ("gammaln", [0.3, 1.0, 2.7, 40.0, -1.3]), ("digamma", [0.4, 1.46, 3.3, 20.0, -0.6]), ("erfcx", [-1.0, 0.3, 5.0]), ("erfinv", [-0.7, 0.1, 0.95]),
    ("erfcinv", [0.1, 0.9, 1.7]), ("ndtr", [-2.0, 0.3]), ("log_ndtr", [-30.0, -0.5, 3.0]), ("ndtri", [0.02, 0.6]), ("expit", [-3.0, 0.0, 4.0]), ("logit", [0.2, 0.5, 0.9]), ("log_expit", [-3.0, 2.0]),
    ("entr", [0.3, 2.0]), ("exprel", [0.0, -1.0, 2.0]), ("j0", [0.0, 0.5, 3.0, 12.0]), ("j1", [0.0, -0.5, 3.0, 12.0]), ("i0", [0.0, 0.5, -3.0]), ("i1", [0.0, 0.5, 9.0]), ("i0e", [0.5, -3.0]), ("i1e", [0.5, 9.0]),
    ("zeta", [1.5, 4.0, -1.5]), ("erf", [0.3]), ("erfc", [1.3]),
]  # fmt: skip


TWICE = ("gammaln", "erfinv", "log_ndtr", "expit", "j0", "i1e")


@pytest.mark.parametrize(("name", "points"), DERIVATIVES, ids=[row[0] for row in DERIVATIVES])
def test_derivatives(name: str, points: list[float]) -> None:
    f = getattr(sc, name)
    of.check_grads(lambda x: f(x), (np.array(points),), order=2 if name in TWICE else 1)


def test_third_derivatives_at_a_removable_singularity() -> None:
    third = of.grad(of.grad(of.grad(lambda x: sc.j0(x) * x)))  # x - x³/4 + …
    assert third(0.0) == pytest.approx(-1.5, rel=1e-13)
    third = of.grad(of.grad(of.grad(lambda x: sc.i1(x))))  # x/2 + x³/16 + …
    assert third(0.0) == pytest.approx(0.375, rel=1e-13)


A, B = scales(0.02, 50.0), scales(0.02, 50.0)
P = uniform(0.01, 0.99, 40)
S, R, Q = scales(0.1, 20.0, 6), scales(0.1, 20.0, 6), uniform(0.1, 0.9, 6)  # for derivatives
SEVERAL: list[Snippet] = [
    case(lambda a, b: sc.beta(a, b), A, B, rtol=1e-13, order=0), case(lambda a, b: sc.betaln(a, b), A, B, rtol=1e-13, order=0), case(lambda a, b: sc.xlogy(a, b), A, B, order=2), case(lambda a, b: sc.xlog1py(a, b), A, B),
    case(lambda a, b: sc.rel_entr(a, b), A, B), case(lambda a, b: sc.kl_div(a, b), A, B, rtol=1e-12), case(lambda x: sc.polygamma(2, x), A, rtol=1e-13, order=0), case(lambda n, x: sc.polygamma(n, x), np.arange(40) % 6, A, rtol=1e-13, order=0),
    case(lambda s, q: sc.zeta(s + 1.1, q), A, B, rtol=1e-13, order=0), case(lambda a, x: sc.gammainc(a, x), A, B, rtol=2e-12, order=0), case(lambda a, x: sc.gammaincc(a, x), A, B, rtol=2e-12, order=0),
    case(lambda a, b, x: sc.betainc(a, b, x), A, B, P, rtol=2e-12, order=0), case(lambda a, b, x: sc.betaincc(a, b, x), A, B, P, rtol=2e-12, order=0),
    case(lambda a, b: sc.beta(a, b), S, R, order=2), case(lambda a, b: sc.betaln(a, b), S, R), case(lambda x: sc.polygamma(2, x), S), case(lambda s, q: sc.zeta(s + 1.1, q), S, R + 1.0, rtol=1e-13),
    case(lambda a, x: sc.gammainc(a, x), S, R, rtol=1e-13), case(lambda a, x: sc.gammaincc(a, x), S, R, rtol=1e-13, order=0), case(lambda a, b, x: sc.betainc(a, b, x), S[:3], R[:3], Q[:3], rtol=1e-13), case(lambda a, b, x: sc.betaincc(a, b, x), S, R, Q, rtol=1e-13, order=0),
    case(lambda d, r: sc.huber(d, r), A, B), case(lambda d, r: sc.pseudo_huber(d, r), A, B), case(lambda x, k: sc.boxcox(x, k), A, P), case(lambda a, b: sc.beta(a[:, None], b[:3]), S, R, rtol=1e-13, order=0),
    case(lambda x: sc.xlogy(x, x), np.array([0.0, 1.0]), order=0), case(lambda x: math.gamma(x) + math.lgamma(x), 3.7), case(lambda x: math.lgamma(-x), 0.7),
]  # fmt: skip

X = uniform(-2.0, 3.0, 12)
C3 = RNG.normal(size=(3, 3)) + 2 * np.eye(3)
DISTRIBUTIONS: list[Snippet] = [  # first derivatives; the functions they are made of are checked to the second above
    case(lambda x: st.norm.logpdf(x), X), case(lambda x, m, s: st.norm.logpdf(x, m, s), X, 0.3, 1.7), case(lambda x, m, s: st.norm.pdf(x, loc=m, scale=s), X, X / 2, 0.7), case(lambda x: st.norm.cdf(x, 1.0, 2.0), X),
    case(lambda x: st.norm.logcdf(x, scale=0.1), X, rtol=1e-13), case(lambda x: st.norm.sf(x), X, order=0), case(lambda x: st.norm.logsf(x), X, order=0), case(lambda p: st.norm.ppf(p, 1.0, 2.0), P), case(lambda p: st.norm.isf(p), P, order=0),
    case(lambda x, v: st.t.logpdf(x, v, 0.1, 2.0), X, 3.3), case(lambda x, v: st.t.pdf(x, v), X, np.abs(X) + 0.5, order=0), case(lambda x, v: st.t.cdf(x, v), X, 4.5, rtol=1e-13), case(lambda x: st.t.sf(x, 2.0, loc=1.0), X, order=0, rtol=1e-13),
    case(lambda x, a: st.gamma.logpdf(x, a, scale=2.0), np.abs(X), 1.7), case(lambda x, a: st.gamma.pdf(x, a), np.abs(X), 3.0, order=0), case(lambda x, a: st.gamma.cdf(x, a), np.abs(X), 2.5, rtol=1e-13), case(lambda x: st.gamma.sf(x, 9.0, loc=-1.0), np.abs(X), order=0, rtol=1e-13),
    case(lambda x, k: st.chi2.logpdf(x, k), np.abs(X), 3.0, order=0), case(lambda x, k: st.chi2.cdf(x, k), np.abs(X), 3.0, order=0, rtol=1e-13),
    case(lambda x, a, b: st.beta.logpdf(x, a, b), P, 2.0, 0.7), case(lambda x, a, b: st.beta.pdf(x, a, b), P, 2.0, 3.0, order=0), case(lambda x, a, b: st.beta.cdf(x, a, b), P, 2.5, 1.5, rtol=1e-13), case(lambda x: st.beta.sf(x, 9.0, 12.0), P, order=0, rtol=1e-12),
    case(lambda x, s: st.expon.logpdf(x, scale=s), np.abs(X), 2.0), case(lambda x: st.expon.pdf(x), X, order=0), case(lambda x: st.expon.cdf(x, 0.0, 3.0), np.abs(X)), case(lambda x: st.expon.sf(x), X, order=0), case(lambda p: st.expon.ppf(p), P),
    case(lambda x, w: st.uniform.logpdf(x, -3.0, w), X, 7.0), case(lambda x: st.uniform.pdf(x, 0.0, 2.0), X, order=1), case(lambda x: st.uniform.cdf(x, -1.0, 3.0), X), case(lambda p: st.uniform.ppf(p, 1.0, 3.0), P),
    case(lambda k, m: st.poisson.logpmf(k, m), np.arange(12), 3.3), case(lambda k, m: st.poisson.pmf(k, m), np.arange(12), 3.3, order=0), case(lambda k, m: st.poisson.cdf(k, m), np.arange(12), 3.3, rtol=1e-13), case(lambda k, m: st.poisson.sf(k, m), np.arange(12), 3.3, order=0, rtol=1e-12),
    case(lambda k, p: st.binom.logpmf(k, 11, p), np.arange(12), 0.3, rtol=1e-13), case(lambda k, p: st.bernoulli.pmf(k, p), np.arange(3), 0.3, order=0), case(lambda x: st.laplace.logpdf(x, 0.1, 2.0), X), case(lambda x: st.laplace.cdf(x), X), case(lambda x: st.cauchy.logpdf(x), X), case(lambda x: st.cauchy.cdf(x), X),
    case(lambda x: st.logistic.logpdf(x), X), case(lambda x: st.logistic.cdf(x), X), case(lambda x, s: st.lognorm.logpdf(x, s), np.abs(X), 0.8), case(lambda x, s: st.lognorm.cdf(x, s, scale=2.0), np.abs(X), 0.8),
    case(lambda x: st.norm.logpdf(x), X.astype(np.float32), order=0, rtol=1e-6), case(lambda k: st.norm.logpdf(k), np.arange(3), order=0), case(lambda x: st.gamma.logpdf(x, 2.0), np.array([-1.0, 0.0]), order=0),
    case(lambda x: st.norm.pdf(x, scale=-1.0), X, order=0),
    case(lambda x, m, c: st.multivariate_normal.logpdf(x, m, c @ c.T), X[:3], X[3:6], C3, rtol=1e-12), case(lambda x: st.multivariate_normal.pdf(x, cov=C3 @ C3.T), X.reshape(4, 3), rtol=1e-12), case(lambda x, m: st.multivariate_normal.logpdf(x, mean=m, cov=2.0), X[:3], X[3:6]),
    case(lambda x, c: st.multivariate_normal.logpdf(x, np.zeros(3), c), X[:3], np.array([1.0, 2.0, 3.0])),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(SEVERAL)))
def test_functions_of_several_numbers(k: int) -> None:
    check_values(SEVERAL[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(SEVERAL) if s.order])
def test_derivatives_of_functions_of_several_numbers(k: int) -> None:
    check_derivatives(SEVERAL[k])


@pytest.mark.parametrize("k", range(len(DISTRIBUTIONS)))
def test_distributions(k: int) -> None:
    check_values(DISTRIBUTIONS[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(DISTRIBUTIONS) if s.order])
def test_derivatives_of_distributions(k: int) -> None:
    check_derivatives(DISTRIBUTIONS[k])


NORMAL, GAMMA, POISSON = st.norm(0.5, 2.0), st.gamma(2.0, scale=3.0), st.poisson(2.5)
FROZEN: list[Callable[[float], float]] = [
    lambda x: NORMAL.logpdf(x) + GAMMA.pdf(x) + NORMAL.ppf(0.3) * x + POISSON.pmf(2) * x,
    lambda x: st.norm(x, 2.0 * x).logpdf(0.3) + st.norm(loc=x).cdf(0.3),
    lambda x: st.gamma(a=x, scale=2.0).sf(x) + st.beta.freeze(x, 3.0).pdf(0.4),
    lambda x: st.poisson(x).logpmf(2) + sum(d.logpdf(x) for d in (NORMAL, GAMMA)),
]


@pytest.mark.parametrize("f", FROZEN)
def test_distributions_with_their_parameters(f: Callable[[float], float]) -> None:
    assert of.jit(f)(0.7) == pytest.approx(f(0.7), rel=1e-12)
    of.check_grads(f, (0.7,), order=1)


def test_distributions_handed_on_and_chosen() -> None:
    def total(dist, xs):
        return np.sum(dist.logpdf(xs))

    def f(m, xs):
        s = total(NORMAL, xs)
        for k in range(3):
            d = st.norm(m, 1.0) if k > 1 else st.norm(m, 2.0)
            s += total(d, xs) * k
        return s

    xs = np.array([0.3, -1.2, 2.0])
    assert of.jit(f)(0.4, xs) == pytest.approx(f(0.4, xs), rel=1e-13)
    of.check_grads(f, (0.4, xs), order=1)


@pytest.mark.parametrize(
    "f", [lambda x: st.norm(x, 1.0).mean(), lambda x: NORMAL.std() * x, lambda x: st.multivariate_normal(np.zeros(2)).logpdf(np.array([x, x]))],
)
def test_what_is_not_known_of_frozen_distributions_is_refused_at_the_call(f: Callable[[float], float]) -> None:
    with pytest.raises(of.CompileError, match="E003") as e:
        of.jit(f)(1.0)
    assert e.value.loc is not None and e.value.loc.file == __file__


def test_python_s_gamma_raises_as_python_does() -> None:
    with pytest.raises(ValueError, match="expected a noninteger or positive integer"):
        of.jit(lambda x: math.gamma(x))(-2.0)
    with pytest.raises(OverflowError):
        of.jit(lambda x: math.gamma(x))(200.0)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(of.CompileError, match="E003"):
        of.jit(lambda x: st.norm.entropy(x))(1.0)
    with pytest.raises(of.CompileError, match="E101"):
        of.jit(lambda x: sc.gammaln(x))(1j)
