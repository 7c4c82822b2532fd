"""Reductions, scans, sorting and counting of NumPy, in compiled code."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.integrate
import scipy.special

import oneform as of
from tests.frontend.library_snippets import Snippet, case, check_derivatives, check_raises, check_values

RNG = np.random.default_rng(7)
V = RNG.normal(size=7)
A = RNG.normal(size=(3, 4))
B = RNG.normal(size=(2, 3, 20))  # the last length is not part of the type
F = A.astype(np.float32)
Z = A + 1j * RNG.normal(size=(3, 4))
K = np.array([[3, 1, 2, 3], [0, -1, 5, 2], [2, 2, 2, 9]])
N = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, np.nan]])
T = K > 1

REDUCTIONS: list[Snippet] = [
    case(lambda x: np.sum(x, axis=(0, 2)), B), case(lambda x: np.sum(x, axis=-1, keepdims=True), B), case(lambda x: np.sum(x, where=x > 0), A),
    case(lambda x: np.sum(x, axis=1, initial=2.0, where=x > 0), A), case(lambda x: x.sum(axis=(0, 1)), A), case(lambda x: np.sum(x, dtype=np.float32), K, order=0),
    case(lambda x: np.sum(x, 0), Z), case(lambda x: np.sum(x), F), case(lambda x: np.sum(x, axis=0), T, order=0), case(lambda x: np.sum([x[0], x[1] ** 2]), V),
    case(lambda x: np.sum(x, axis=()), A),
    case(lambda x: np.prod(x, axis=0, where=x > 0), A), case(lambda x: np.prod(x, initial=3.0), V), case(lambda x: np.prod(x, 1), K, order=0),
    case(lambda x: np.mean(x, axis=(0, 1)), B), case(lambda x: np.mean(x, 1, where=x > -0.5), A), case(lambda x: x.mean(), F), case(lambda x: np.mean(x, axis=0), K, order=0),
    case(lambda x: np.mean(x, axis=0, dtype=np.float64), F, order=1), case(lambda x: np.mean(x), Z),
    case(lambda x: np.var(x, axis=1, ddof=1), A), case(lambda x: np.std(x, axis=(0, 2), keepdims=True), B, order=2), case(lambda x: np.var(x), Z, order=2), case(lambda x: np.var(x, 0), K, order=0),
    case(lambda x: np.std(x, 0, where=x < 0.9), A), case(lambda x: np.var(x, dtype=np.float64), F, order=0),
    case(lambda x: np.max(x, axis=1, initial=0.1), A), case(lambda x: np.min(x, axis=0, where=x > -0.5, initial=9.0), A), case(lambda x: x.max(axis=-1), B),
    case(lambda x: np.max(x, axis=0), K, order=0), case(lambda x: np.amin(x), F), case(lambda x: np.max(x), np.array([1.0, np.nan, 3.0]), order=0),
    case(lambda x: np.ptp(x, axis=1), A), case(lambda x: np.ptp(x), B),
    case(lambda x: np.argmax(x), A, order=0), case(lambda x: np.argmin(x, axis=1), B, order=0), case(lambda x: x.argmax(axis=0), K, order=0),
    case(lambda x: np.argmax(x, axis=1, keepdims=True), T, order=0), case(lambda x: np.argmin(x, axis=1), N, order=0), case(lambda x: np.argmax(x, -2), B, order=0),
    case(lambda x: x[np.argmax(x)] * x[np.argmin(x)], V, order=2), case(lambda x: np.nanargmax(x, axis=1), N, order=0), case(lambda x: np.nanargmin(x, 0), N, order=0),
    case(lambda x: np.any(x > 1, axis=(0, 1)), B, order=0), case(lambda x: np.all(x > -1, axis=1, keepdims=True), A, order=0),
    case(lambda x: np.count_nonzero(x), K, order=0), case(lambda x: np.count_nonzero(x > 0, axis=1), A, order=0),
    case(lambda x: np.average(x), V), case(lambda x, w: np.average(x, weights=w), V, V**2), case(lambda x, w: np.average(x, axis=1, weights=w), A, A[0] ** 2),
    case(lambda x, w: np.average(x, axis=0, weights=w, returned=True), A, A**2, order=2), case(lambda x: np.average(x, axis=0, returned=True), A),
    case(lambda x: np.nansum(x, axis=0), N, order=0), case(lambda x: np.nanmean(x, axis=1), N, order=0), case(lambda x: np.nanvar(x, ddof=1), N, order=0),
    case(lambda x: np.nanstd(x, axis=0), N, order=0), case(lambda x: np.nanmax(x, 1), N, order=0), case(lambda x: np.nanmin(x, 0, keepdims=True), N, order=0), case(lambda x: np.nanprod(x), N, order=0),
    case(lambda x: np.nanmedian(x, axis=1), N, order=0), case(lambda x: np.nanmean(np.where(x > 0, x, np.nan)), A),
    case(lambda x: np.nansum(np.where(x > 0, x, np.nan), axis=0) ** 2, A),
    case(lambda x: np.median(x), V), case(lambda x: np.median(x, axis=1), A), case(lambda x: np.median(x, axis=(0, 2), keepdims=True), B), case(lambda x: np.median(x), K, order=0),
    case(lambda x: np.median(x, axis=1), N, order=0), case(lambda x: np.median(x), F, order=0),
    case(lambda x, q: np.quantile(x, q), V, 0.3), case(lambda x: np.quantile(x, 0.77, axis=1), A, order=2), case(lambda x: np.percentile(x, 25.0, axis=(0, 1)), B),
    case(lambda x: np.quantile(x, [0.1, 0.5, 0.83], axis=0), A), case(lambda x: np.percentile(x, [10, 50, 100]), V), case(lambda x: np.quantile(x, 0.4, keepdims=True), A),
    *(case(lambda x, m=m: np.quantile(x, 0.37, method=m), V) for m in ("lower", "higher", "midpoint", "nearest", "weibull", "hazen", "median_unbiased", "normal_unbiased")),
    case(lambda x: np.quantile(x, 0.2), F),
    case(lambda x: np.cumsum(x), A), case(lambda x: np.cumsum(x, axis=0), A), case(lambda x: x.cumsum(axis=-1), B), case(lambda x: np.cumsum(x), T, order=0),
    case(lambda x: np.cumsum(x, 1, dtype=np.float32), K, order=0), case(lambda x: np.cumsum(x, axis=1), Z), case(lambda x: np.cumsum(x, 1), F), case(lambda x: np.cumsum(x, 1), K, order=0),
    case(lambda x: np.cumprod(x), V, order=2), case(lambda x: np.cumprod(x, axis=1), A), case(lambda x: x.cumprod(), V * (V > V[2])), case(lambda x: np.cumprod(x, axis=0), Z),
    case(lambda x: np.nancumsum(x, axis=1), N, order=0), case(lambda x: np.nancumprod(x, axis=0), N, order=0),
    case(lambda x: np.maximum.accumulate(x), V), case(lambda x: np.minimum.accumulate(x, axis=1), A), case(lambda x: np.add.accumulate(x, axis=1), A), case(lambda x: np.multiply.accumulate(x), V),
    case(lambda x: np.add.reduce(x), A), case(lambda x: np.maximum.reduce(x, axis=1), A), case(lambda x: np.multiply.reduce(x, axis=None), A),
    case(lambda x: np.diff(x), V), case(lambda x: np.diff(x, n=2, axis=0), A, order=2), case(lambda x: np.diff(x, axis=1), B), case(lambda x: np.diff(x), T, order=0), case(lambda x: np.diff(x, n=0), V),
    case(lambda x: np.diff(x, prepend=0.0), V), case(lambda x: np.diff(x, append=x[:, :1]), A), case(lambda x: np.diff(x), K, order=0), case(lambda x: np.ediff1d(x), A),
    case(lambda x: np.trapezoid(x), V), case(lambda x: np.trapezoid(x, dx=0.1, axis=0), A), case(lambda x, t: np.trapezoid(x, t), A, A[0] ** 2), case(lambda x: np.trapezoid(x, x=x**2, axis=1), B, order=2),
    case(lambda x: scipy.integrate.simpson(x, dx=0.3), V), case(lambda x: scipy.integrate.simpson(x, axis=1), A), case(lambda y, t: scipy.integrate.simpson(y, x=t), V, np.sort(V), order=2),
    case(lambda y, t: scipy.integrate.simpson(y, x=t), A[0], np.sort(A[0])),
    case(lambda y: scipy.integrate.cumulative_trapezoid(y, dx=0.5), A), case(lambda y, t: scipy.integrate.cumulative_trapezoid(y, t, initial=0), V, np.sort(V)),
    case(lambda x: np.gradient(x), V), case(lambda x: np.gradient(x, 0.5, axis=1), A), case(lambda x: np.gradient(x), A), case(lambda x, t: np.gradient(x, t), V, np.sort(V), order=2),
    case(lambda x: np.gradient(x, 0.1, 0.2, edge_order=2), A), case(lambda x, t: np.gradient(x, t, edge_order=2, axis=0), A, np.array([0.0, 0.3, 1.0])), case(lambda x: np.gradient(x, axis=(0, 2)), B),
    case(lambda x: scipy.special.logsumexp(x), V, order=2), case(lambda x: scipy.special.logsumexp(x * 300, axis=1), A, rtol=1e-12), case(lambda x, b: scipy.special.logsumexp(x, b=b, axis=0, keepdims=True), A, A**2),
    case(lambda x: scipy.special.logsumexp(x, axis=(0, 1)), B), case(lambda x: scipy.special.logsumexp(x), np.array([-np.inf, -np.inf]), order=0), case(lambda x: scipy.special.logsumexp(x), F),
    case(lambda x: scipy.special.softmax(x, axis=1), A, order=2), case(lambda x: scipy.special.log_softmax(x), A, order=2), case(lambda x: scipy.special.softmax(x), B), case(lambda x: scipy.special.log_softmax(x, axis=-1), F),
    case(lambda x, b: scipy.special.logsumexp(x, b=b, return_sign=True), V, V),
]  # fmt: skip

W = np.array([1 + 2j, 1 - 1j, complex(np.nan, 1), complex(0, np.nan), -1, complex(np.nan, np.nan), 1 + 2j, complex(1, np.nan), 0])
R = np.array([[3, 1, 2, 3], [0, -1, 5, 2], [3, 1, 2, 3]])

SORTING: list[Snippet] = [
    case(lambda z: np.sort(z) ** 2, Z), case(lambda z: np.sort(z), W, order=0), case(lambda z: np.argsort(z, kind="stable"), np.tile(W, 4), order=0), case(lambda z: np.searchsorted(np.sort(z), z), W, order=0),
    case(lambda z, v: np.searchsorted(v, z, side="right"), np.rint(Z), K[0], order=0), case(lambda z: np.unique(z.astype(np.complex64), return_inverse=True), np.rint(Z), order=0), case(lambda r: np.unique(r, axis=0), R, order=0),
    case(lambda r: np.unique(r, axis=1, return_index=True, return_inverse=True, return_counts=True), R, order=0), case(lambda r: np.unique(r, axis=0), np.array([[np.nan, 1], [np.nan, 1], [0, 2]]), order=0), case(lambda x: np.unique(x, axis=0) ** 2, A),
    case(lambda r: np.unique(r > 2, axis=-1), R[:, None], order=0),
    case(lambda x: np.sort(x), A), case(lambda x: np.sort(x, axis=0) ** 2, A, order=2), case(lambda x: np.sort(x, axis=None), B), case(lambda x: np.sort(x, axis=1), B), case(lambda x: np.sort(x), N, order=0),
    case(lambda x: np.sort(x), K, order=0), case(lambda x: np.sort(x, axis=0), T, order=0), case(lambda x: np.argsort(x), B, order=0), case(lambda x: np.argsort(x, axis=0, kind="stable"), K, order=0),
    case(lambda x: np.argsort(x, kind="stable"), np.tile([2.0, 1.0, np.nan, 2.0], 40), order=0), case(lambda x: x.argsort(), V, order=0), case(lambda x: np.sort(x), F), case(lambda x: np.sort(x)[3:5], V),
    case(lambda x: np.sort(x), RNG.permutation(200) * 1.0, order=1), case(lambda x: np.sort(x), np.arange(500.0)[::-1].copy(), order=0), case(lambda x: np.sort(x), np.empty(0), order=0),
    case(lambda x: np.sort(x), np.empty((0, 3)), order=0), case(lambda x: np.sort(x), np.ones((3, 1)), order=0), case(lambda x: np.partition(x, 3)[3], V), case(lambda x: x[np.argpartition(x, 2)[2]], V),
    case(lambda x: np.lexsort((x, x[::-1] > 0)), V, order=0), case(lambda a, b: np.lexsort((a, b)), K[0], K[2], order=0), case(lambda a: np.lexsort(a), K, order=0),
    case(lambda x: np.digitize(x, [-1.0, 0.0, 1.0]), A, order=0), case(lambda x: np.digitize(x, [3, 1, 0], right=True), K, order=0),
    case(lambda x: np.unique(x), K, order=0), case(lambda x: np.unique(x, return_index=True, return_inverse=True, return_counts=True), K, order=0), case(lambda x: np.unique(x), N, order=0),
    case(lambda x: np.unique(x) ** 2, V, order=2), case(lambda x: np.unique(x), np.empty(0), order=0),
    case(lambda x: np.bincount(x), K[0], order=0), case(lambda x, w: np.bincount(x, weights=w, minlength=6), K[0], A[0]), case(lambda x: np.bincount(x), np.empty(0, int), order=0),
    case(lambda x: np.histogram(x), V, order=0), case(lambda x: np.histogram(x, bins=4, range=(-1.0, 1.0), density=True), A, order=0), case(lambda x: np.histogram(x, bins=[-2.0, 0.0, 0.5, 3.0]), B, order=0),
    case(lambda x, w: np.histogram(x, bins=3, weights=w)[0], V, V**2, order=0), case(lambda w: np.histogram([1.0, 2.0, 1.5], bins=2, weights=w)[0], V[:3]), case(lambda x: np.histogram(x, bins=3), K, order=0),
]  # fmt: skip

SIGNALS: list[Snippet] = [
    *(case(lambda a, v, m=m: np.convolve(a, v, m), V, V[:n]) for m in ("full", "same", "valid") for n in (3, 4)), *(case(lambda a, v, m=m: np.convolve(a, v, m), V[:n], V, order=0) for m in ("full", "same", "valid") for n in (3, 4)),
    *(case(lambda a, v, m=m: np.correlate(a, v, m), V, V[:n]) for m in ("full", "same", "valid") for n in (3, 4)), *(case(lambda a, v, m=m: np.correlate(a, v, m), V[:n], V, order=0) for m in ("full", "same", "valid") for n in (3, 4, 6)),
    case(lambda a: np.correlate(a[:6], a[:4], "same"), V, order=0), case(lambda a, v: np.correlate(a, v, "full"), Z[0], Z[1][:3]), case(lambda a: np.convolve(a, [1, 2, 1]), K[0], order=0), case(lambda a: np.convolve(a, [1.0, 2.0]), F[0]), case(lambda a: np.correlate(a, a), V, order=2),
    case(lambda x, p, f: np.interp(x, p, f), A, np.sort(V), V, order=2), case(lambda x, p, f: np.interp(x, p, f, left=-1.0, right=2.5), A, np.sort(V), V), case(lambda x, f: np.interp(x, [0.0, 1.0, 2.0], f), 0.3, V[:3]), case(lambda x: np.interp(x, [0, 1, 2], [3, 1, 7]), K, order=0),
    case(lambda x, p, f: np.interp(x, p, f, period=1.1), np.array([0.2, 0.47, 0.83, 1.31, -0.37]), np.array([0.1, 0.6, 0.95, 0.3]), V[:4], rtol=1e-12), case(lambda x: np.interp(x, x[:1], x[1:2]), V, order=0),
    case(lambda p, x: np.polyval(p, x), V, A, order=2), case(lambda p, x: np.polyval(p, x), V, 0.3), case(lambda p: np.polyval(p, K), Z[0]), case(lambda x: np.polyval([1, 2, 3], x), K, order=0), case(lambda p: np.polyder(p, 2), V), case(lambda p, x: np.polynomial.polynomial.polyval(x, p), V, A), case(lambda x: np.vander(x, 4), V),
    case(lambda x: np.unwrap(x), 6 * V), case(lambda x: np.unwrap(x, axis=0), 9 * A), case(lambda x: np.unwrap(x, period=2.0, discont=1.5), 6 * V), case(lambda x: np.unwrap(x), np.array([0.0, np.pi, 0.0, -np.pi, 4.0]), order=0),
    case(lambda x: np.cov(x), A, order=2), case(lambda x, y: np.cov(x, y), V, V**2), case(lambda x: np.cov(x, rowvar=False, bias=True), A), case(lambda x: np.cov(x), V), case(lambda x: np.cov(x), Z), case(lambda x: np.cov(x, ddof=0), K, order=0), case(lambda x: np.corrcoef(x), A, order=2), case(lambda x, y: np.corrcoef(x, y)[0, 1], V, V**2), case(lambda x: np.corrcoef(x), Z),
]  # fmt: skip

BAD: list[Snippet] = [
    case(lambda x: np.argmax(x), np.empty(0)), case(lambda x: np.max(x, axis=1), np.empty((2, 0))), case(lambda x: np.sum(x, axis=2), A), case(lambda x: np.cumsum(x, axis=-3), A),
    case(lambda x: np.quantile(x, 1.5), V), case(lambda x, q: np.percentile(x, q), V, -1.0), case(lambda x, w: np.average(x, weights=w - w), V, V), case(lambda x: np.bincount(x), np.array([1, -1])),
    case(lambda x: np.nanargmax(x), np.array([np.nan, np.nan])), case(lambda x, w: np.average(x, axis=0, weights=w), A, V), case(lambda x: np.gradient(x), np.ones(1)),
    case(lambda x: np.histogram(x, bins=[1.0, 0.0]), V), case(lambda x: np.median(x, axis=3), A), case(lambda x: np.sort(x, axis=2), A), case(lambda x: np.convolve(x, x[:0]), V), case(lambda x: np.convolve(x, x, "half"), V), case(lambda x: np.interp(x, x, x[:3]), V),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(REDUCTIONS)))
def test_reductions(k: int) -> None:
    check_values(REDUCTIONS[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(REDUCTIONS) if s.order])
def test_derivatives_of_reductions(k: int) -> None:
    check_derivatives(REDUCTIONS[k])


@pytest.mark.parametrize("k", range(len(SORTING)))
def test_sorting(k: int) -> None:
    check_values(SORTING[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(SORTING) if s.order])
def test_derivatives_of_sorting(k: int) -> None:
    check_derivatives(SORTING[k])


@pytest.mark.parametrize("k", range(len(SIGNALS)))
def test_signals(k: int) -> None:
    check_values(SIGNALS[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(SIGNALS) if s.order])
def test_derivatives_of_signals(k: int) -> None:
    check_derivatives(SIGNALS[k])


@pytest.mark.parametrize("k", range(len(BAD)))
def test_what_numpy_refuses_is_refused(k: int) -> None:
    check_raises(BAD[k])


def test_in_loops_over_run_time_sizes() -> None:
    def f(x: np.ndarray, n: int) -> float:
        total = 0.0
        for k in range(2, n):
            y = x[:k] * x[k]
            total += np.median(y) + np.sum(np.sort(y) * np.arange(k)) + np.cumsum(y)[-1] * np.quantile(y, 0.3) + y[np.argmax(y)] + np.std(np.diff(x[: k + 1]))
        return total

    np.testing.assert_allclose(of.jit(f)(V, 7), f(V, 7), rtol=1e-13)
    of.check_grads(lambda x: f(x, 7), (V,), order=2)
