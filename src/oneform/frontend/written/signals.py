"""Convolution, interpolation, polynomials, phases, covariances."""

# pyright: basic, reportReturnType=false, reportMissingParameterType=false, reportArgumentType=false, reportCallIssue=false, reportGeneralTypeIssues=false

from __future__ import annotations

import math

import numpy as np

from oneform.frontend.written.linalg import cholesky_lower, substituted
from oneform.frontend.written.structure import along, constant, floating, rows, unsupported

# ---------------------------------------------------------------- convolution


def convolve(a, v, mode="full"):
    """sum over k of a[k] v[n - k]; "same": the middle, as long as the longer one; "valid": where they overlap completely."""
    a = np.asarray(a)
    v = np.asarray(v)
    if np.ndim(a) > 1 or np.ndim(v) > 1:
        raise ValueError("object too deep for desired array")
    if np.size(a) == 0 or np.size(v) == 0:
        raise ValueError("a and v cannot be empty")
    a = a.reshape((-1,)) if np.ndim(a) == 1 else np.full(1, a)
    v = v.reshape((-1,)) if np.ndim(v) == 1 else np.full(1, v)
    n = a.shape[0]
    m = v.shape[0]
    if mode == "full":
        first = 0
        count = n + m - 1
    elif mode == "same":
        first = (min(n, m) - 1) // 2
        count = max(n, m)
    elif mode == "valid":
        first = min(n, m) - 1
        count = max(n, m) - min(n, m) + 1
    else:
        raise ValueError("mode must be one of 'valid', 'same', or 'full'")
    return _products(a, v, first, count)


def _products(a, v, first, count):
    n = a.shape[0]
    m = v.shape[0]
    out = np.empty(count, dtype=(a[:0].sum() * v[:0].sum()).dtype)
    for i in range(count):
        at = i + first
        low = max(0, at - m + 1)
        high = min(n, at + 1)
        total = a[0] * v[0] * 0
        for k in range(low, high):
            total = total + a[k] * v[at - k]
        out[i] = total
    return out


def correlate(a, v, mode="valid"):
    """sum over k of a[n + k] conj(v[k])"""
    a = np.asarray(a)
    v = np.asarray(v)
    if np.size(a) == 0 or np.size(v) == 0:
        raise ValueError("a and v cannot be empty")
    n = np.size(a)
    m = np.size(v)
    turned = np.conjugate(v[::-1])
    if mode == "full":
        return _products(a, turned, 0, n + m - 1)
    if mode == "same":
        return _products(a, turned, (m - 1) // 2 if m <= n else n // 2, max(n, m))
    if mode == "valid":
        return _products(a, turned, min(n, m) - 1, max(n, m) - min(n, m) + 1)
    raise ValueError("mode must be one of 'valid', 'same', or 'full'")


# ---------------------------------------------------------------- interpolation, polynomials, phases


def polyval(p, x):
    """By Horner's scheme, the highest power first."""
    p = np.asarray(p)
    x = np.asarray(x)
    y = x * p[:0].sum()
    for k in range(p.shape[0]):
        y = y * x + p[k]
    return y


def polyval_rising(x, c, tensor=True):
    """numpy.polynomial.polynomial.polyval: the lowest power first."""
    c = np.asarray(c)
    return polyval(c[::-1], x)


def polyder(p, m=1):
    p = np.asarray(p)
    for _ in range(m):
        p = _derivative(p)
    return p


def _derivative(p):
    n = max(p.shape[0] - 1, 0)
    return p[:n] * np.arange(n, 0, -1)


def unwrap(p, discont=None, axis=-1, *, period=2 * math.pi):
    """Multiples of the period added where neighbours are further apart than half of it."""
    p = floating(p)
    m = rows(p, axis)
    half = period / 2
    least = half if discont is None else max(discont, half)
    out = np.empty(m.shape, dtype=p.dtype)
    for i in range(m.shape[0]):
        turn = m[i, 0] * 0
        out[i, 0] = m[i, 0]
        for j in range(1, m.shape[1]):
            step = constant(m[i, j] - m[i, j - 1])
            part = (step + half) % period - half
            if part == -half and step > 0:
                part = part * 0 + half
            if np.abs(step) >= least:
                turn = turn + (part - step)
            out[i, j] = m[i, j] + turn
    return along(out, p, axis)


# ---------------------------------------------------------------- covariances


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
    """Of variables in rows (or columns), observations in the others."""
    if fweights is not None or aweights is not None:
        unsupported("weights of np.cov are not known to the compiler", "Write the weighted sums out.")
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate((x, _variables(y, rowvar)), 0)
    n = x.shape[1]
    free = ddof if ddof is not None else 0 if bias else 1
    d = x - np.mean(x, axis=1, keepdims=True)
    c = d @ np.conjugate(d.T) / max(n - free, 0)
    return c[0, 0] if np.ndim(m) < 2 and y is None else c


def _variables(m, rowvar):
    m = floating(m)
    if m.ndim == 1:
        return m.reshape((1, -1))
    return m if rowvar else m.T


def corrcoef(x, y=None, rowvar=True):
    """np.cov over the roots of its diagonal; kept to [-1, 1]."""
    if np.ndim(x) < 2 and y is None:
        c = cov(x)
        return c / c
    c = cov(x, y, rowvar)
    n = c.shape[0]
    out = np.empty((n, n), dtype=c.dtype)
    for i in range(n):
        for j in range(n):
            r = c[i, j] / np.sqrt(np.real(c[i, i])) / np.sqrt(np.real(c[j, j]))
            out[i, j] = r if c.dtype.kind == "c" else np.clip(r, -1, 1)
    return out


# ---------------------------------------------------------------- the normal distribution in many dimensions


def multivariate_normal_logpdf(x, mean=None, cov=1, allow_singular=False):
    x = floating(x)
    if np.ndim(cov) == 2:
        n = np.shape(cov)[0]
    elif np.ndim(mean) == 1:
        n = np.shape(mean)[0]
    elif np.ndim(x) > 0:
        n = np.shape(x)[np.ndim(x) - 1] if np.ndim(cov) == 1 or np.ndim(x) > 1 else 1
    else:
        n = 1
    c = floating(cov) if np.ndim(cov) == 2 else np.eye(n) * floating(cov)
    l = cholesky_lower(c)
    log_det = 0.0
    for k in range(n):
        log_det += 2.0 * np.log(l[k, k])
    points = x.reshape((-1, n)) if np.ndim(x) > 0 else np.full((1, 1), x)
    d = points if mean is None else points - floating(mean)
    z = substituted(l, d.T, True, False)
    out = -0.5 * (n * math.log(2.0 * math.pi) + log_det + np.sum(z * z, axis=0))
    if np.ndim(x) == 0 or (np.ndim(x) == 1 and n > 1):
        return out[0]
    return out if np.ndim(x) == 1 else out.reshape(np.shape(x)[: np.ndim(x) - 1])


def multivariate_normal_pdf(x, mean=None, cov=1, allow_singular=False):
    return np.exp(multivariate_normal_logpdf(x, mean, cov, allow_singular))
