"""Reductions and scans of NumPy: what becomes of the numbers along an axis."""

# pyright: basic, reportReturnType=false

from __future__ import annotations

import numpy as np

from oneform.frontend.written.sorting import ordered
from oneform.frontend.written.structure import accumulated, along, constant, floating, reduced, rows, unsupported

# ---------------------------------------------------------------- positions of extremes


def argmax(a, axis=None, out=None, *, keepdims=False):
    a = np.asarray(a)
    m = rows(a, axis)
    if m.shape[1] == 0:
        raise ValueError("attempt to get argmax of an empty sequence")
    return reduced(largest_at(m), a, axis, keepdims)


def argmin(a, axis=None, out=None, *, keepdims=False):
    a = np.asarray(a)
    m = rows(a, axis)
    if m.shape[1] == 0:
        raise ValueError("attempt to get argmin of an empty sequence")
    return reduced(smallest_at(m), a, axis, keepdims)


def largest_at(m):
    """The first of the largest in each row; the first NaN, if there is one."""
    out = np.zeros(m.shape[0], dtype=np.int64)
    for i in range(m.shape[0]):
        at = 0
        best = m[i, 0]
        for j in range(1, m.shape[1]):
            x = m[i, j]
            if x > best or (x != x and best == best):
                best = x
                at = j
        out[i] = at
    return out


def smallest_at(m):
    out = np.zeros(m.shape[0], dtype=np.int64)
    for i in range(m.shape[0]):
        at = 0
        best = m[i, 0]
        for j in range(1, m.shape[1]):
            x = m[i, j]
            if x < best or (x != x and best == best):
                best = x
                at = j
        out[i] = at
    return out


def nanargmax(a, axis=None, out=None, *, keepdims=False):
    a = np.asarray(a)
    _require_numbers(rows(a, axis))
    return argmax(np.where(np.isnan(a), -np.inf, a), axis, keepdims=keepdims)


def nanargmin(a, axis=None, out=None, *, keepdims=False):
    a = np.asarray(a)
    _require_numbers(rows(a, axis))
    return argmin(np.where(np.isnan(a), np.inf, a), axis, keepdims=keepdims)


def _require_numbers(m):
    for i in range(m.shape[0]):
        found = False
        for j in range(m.shape[1]):
            if m[i, j] == m[i, j]:
                found = True
        if not found:
            raise ValueError("All-NaN slice encountered")


# ---------------------------------------------------------------- counts, means, extremes


def count_nonzero(a, axis=None, *, keepdims=False):
    return np.sum(np.asarray(a) != 0, axis=axis, keepdims=keepdims)


def ptp(a, axis=None, out=None, keepdims=False):
    a = np.asarray(a)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    a = np.asarray(a)
    if weights is None:
        mean = np.mean(a, axis=axis, keepdims=keepdims)
        if returned:
            return mean, mean * 0 + a.size / np.size(mean)
        return mean
    w = np.asarray(weights)
    if np.shape(w) == np.shape(a):
        total = np.sum(w * np.ones_like(a), axis=axis, keepdims=keepdims)
        weighted = np.sum(a * w, axis=axis, keepdims=keepdims)
    elif w.ndim != 1 or axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    else:
        m = rows(a, axis)
        if w.shape[0] != m.shape[1]:
            raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
        total = reduced(np.sum(m * 0 + w, axis=1), a, axis, keepdims)
        weighted = reduced(np.sum(m * w, axis=1), a, axis, keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    if returned:
        return weighted / total, total
    return weighted / total


def nansum(a, axis=None, dtype=None, out=None, keepdims=False):
    a = np.asarray(a)
    return np.sum(np.where(np.isnan(a), 0, a), axis=axis, dtype=dtype, keepdims=keepdims)


def nanprod(a, axis=None, dtype=None, out=None, keepdims=False):
    a = np.asarray(a)
    return np.prod(np.where(np.isnan(a), 1, a), axis=axis, dtype=dtype, keepdims=keepdims)


def nanmax(a, axis=None, out=None, keepdims=False):
    """NaN where there is nothing else."""
    a = np.asarray(a)
    found = np.max(np.where(np.isnan(a), -np.inf, a), axis=axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(a), axis=axis, keepdims=keepdims), np.nan, found)


def nanmin(a, axis=None, out=None, keepdims=False):
    a = np.asarray(a)
    found = np.min(np.where(np.isnan(a), np.inf, a), axis=axis, keepdims=keepdims)
    return np.where(np.all(np.isnan(a), axis=axis, keepdims=keepdims), np.nan, found)


def nanmean(a, axis=None, dtype=None, out=None, keepdims=False):
    a = floating(a if dtype is None else np.asarray(a).astype(dtype))
    bad = np.isnan(a)
    return np.sum(np.where(bad, 0, a), axis=axis, keepdims=keepdims) / np.sum(~bad, axis=axis, keepdims=keepdims)


def nanvar(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    a = floating(a if dtype is None else np.asarray(a).astype(dtype))
    bad = np.isnan(a)
    count = np.sum(~bad, axis=axis, keepdims=keepdims)
    deviation = np.where(bad, 0, a - nanmean(a, axis, keepdims=True))
    return np.sum(np.abs(deviation) ** 2, axis=axis, keepdims=keepdims) / (count - ddof)


def nanstd(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False):
    return np.sqrt(nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims))


# ---------------------------------------------------------------- quantiles


def median(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    """The middle of the sorted numbers, or the mean of the two in the middle; NaN where there is one, or no number at all."""
    a = floating(a)
    m = rows(a, axis)
    n = m.shape[1]
    out = np.empty(m.shape[0], dtype=a.dtype)
    for i in range(m.shape[0]):
        at = ordered(constant(m[i]))
        if n == 0:
            out[i] = np.nan
        elif m[i, at[n - 1]] != m[i, at[n - 1]]:
            out[i] = m[i, at[n - 1]]
        elif n % 2 == 1:
            out[i] = m[i, at[n // 2]]
        else:
            out[i] = (m[i, at[n // 2 - 1]] + m[i, at[n // 2]]) / 2
    return reduced(out, a, axis, keepdims)


def nanmedian(a, axis=None, out=None, overwrite_input=False, keepdims=False):
    a = floating(a)
    m = rows(a, axis)
    out = np.empty(m.shape[0], dtype=a.dtype)
    for i in range(m.shape[0]):
        at = ordered(constant(m[i]))
        n = np.sum(~np.isnan(m[i]))
        if n == 0:
            out[i] = np.nan
        elif n % 2 == 1:
            out[i] = m[i, at[n // 2]]
        else:
            out[i] = (m[i, at[n // 2 - 1]] + m[i, at[n // 2]]) / 2
    return reduced(out, a, axis, keepdims)


def percentile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False):
    q = np.asarray(q) / 100
    if np.any(q < 0) or np.any(q > 1):
        raise ValueError("Percentiles must be in the range [0, 100]")
    return _quantiles(floating(a), q, axis, method, keepdims)


def quantile(a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False):
    q = floating(q)
    if np.any(q < 0) or np.any(q > 1):
        raise ValueError("Quantiles must be in the range [0, 1]")
    return _quantiles(floating(a), q, axis, method, keepdims)


def _quantiles(a, q, axis, method, keepdims):
    m = rows(a, axis)
    if np.ndim(q) == 0:
        out = np.empty(m.shape[0], dtype=a.dtype)
        for i in range(m.shape[0]):
            out[i] = _quantile_of(m[i], ordered(constant(m[i])), q, method)
        return reduced(out, a, axis, keepdims)
    table = np.empty((q.shape[0], m.shape[0]), dtype=a.dtype)
    for i in range(m.shape[0]):
        at = ordered(constant(m[i]))
        for k in range(q.shape[0]):
            table[k, i] = _quantile_of(m[i], at, q[k], method)
    shape = np.shape(reduced(table[0], a, axis, keepdims)) if q.shape[0] > 0 else ()
    return table.reshape((q.shape[0], *shape))


def _position(n, q, method):
    """Where among n sorted numbers the quantile is (Hyndman and Fan 1996, for the continuous methods)."""
    if method == "linear" or method == "lower" or method == "higher" or method == "midpoint" or method == "nearest":
        return (n - 1) * q
    if method == "weibull":
        return (n + 1) * q - 1
    if method == "hazen":
        return n * q - 0.5
    if method == "interpolated_inverted_cdf":
        return n * q - 1
    if method == "median_unbiased":
        return n * q + (1.0 / 3.0 + q * (1.0 / 3.0)) - 1
    if method == "normal_unbiased":
        return n * q + (3.0 / 8.0 + q * (1.0 / 4.0)) - 1
    known = "linear, lower, higher, midpoint, nearest, weibull, hazen, interpolated_inverted_cdf, median_unbiased and normal_unbiased"
    return unsupported("this method of np.quantile is not known to the compiler", "There are " + known + ".")


def _quantile_of(row, at, q, method):
    n = row.shape[0]
    if n == 0:
        return row.dtype.type(np.nan)
    last = row[at[n - 1]]
    if last != last:
        return last
    p = min(max(_position(n, q, method), 0.0), n - 1.0)
    k = int(np.floor(p))
    if method == "lower":
        return row[at[k]]
    if method == "higher":
        return row[at[int(np.ceil(p))]]
    if method == "nearest":
        return row[at[int(np.rint(p))]]
    w = p - k
    if method == "midpoint":
        w = 0.5 if w > 0 else 0.0
    x = row[at[k]]
    y = row[at[min(k + 1, n - 1)]]
    w = row.dtype.type(w)
    return x + (y - x) * w if w < 0.5 else y - (y - x) * (1 - w)


# ---------------------------------------------------------------- running sums and products


def cumsum(a, axis=None, dtype=None, out=None):
    return _running(a, axis, dtype, 0, lambda x, y: x + y)


def cumprod(a, axis=None, dtype=None, out=None):
    return _running(a, axis, dtype, 1, lambda x, y: x * y)


def _running(a, axis, dtype, neutral, join):
    if axis is None:
        return _running(np.ravel(np.asarray(a)), 0, dtype, neutral, join)
    a = accumulated(a, dtype)
    m = rows(a, axis)
    out = np.empty(m.shape, dtype=a.dtype)
    for i in range(m.shape[0]):
        total = np.full((), neutral, dtype=a.dtype)
        for j in range(m.shape[1]):
            total = join(total, m[i, j])
            out[i, j] = total
    return along(out, a, axis)


def nancumsum(a, axis=None, dtype=None, out=None):
    a = np.asarray(a)
    return cumsum(np.where(np.isnan(a), 0, a), axis, dtype)


def nancumprod(a, axis=None, dtype=None, out=None):
    a = np.asarray(a)
    return cumprod(np.where(np.isnan(a), 1, a), axis, dtype)


def running_max(a, axis=0):
    """np.maximum.accumulate"""
    return _running_choice(a, axis, np.maximum)


def running_min(a, axis=0):
    return _running_choice(a, axis, np.minimum)


def _running_choice(a, axis, choose):
    a = np.asarray(a)
    m = rows(a, axis)
    out = np.empty(m.shape, dtype=a.dtype)
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            out[i, j] = choose(out[i, j - 1], m[i, j]) if j > 0 else m[i, j]
    return along(out, a, axis)


# ---------------------------------------------------------------- differences and integrals


def difference(a, axis):
    """np.diff, once"""
    m = rows(a, axis)
    if a.dtype == np.bool_:
        return along(m[:, 1:] != m[:, :-1], a, axis)
    return along(m[:, 1:] - m[:, :-1], a, axis)



def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral of the polygon through the points."""
    y = floating(y)
    m = rows(y, axis)
    means = (m[:, 1:] + m[:, :-1]) / 2.0
    if x is None:
        return reduced(np.sum(means * dx, axis=1), y, axis, False)
    x = floating(x)
    if x.ndim == 1:
        return reduced(np.sum(means * (x[1:] - x[:-1]), axis=1), y, axis, False)
    r = rows(x, axis)
    return reduced(np.sum(means * (r[:, 1:] - r[:, :-1]), axis=1), y, axis, False)


def cumulative_trapezoid(y, x=None, dx=1.0, axis=-1, initial=None):
    y = floating(y)
    m = rows(y, axis)
    if x is None:
        steps = m[:, 1:] * 0 + dx
    elif np.ndim(x) == 1:
        x = floating(x)
        steps = m[:, 1:] * 0 + (x[1:] - x[:-1])
    else:
        r = rows(floating(x), axis)
        steps = r[:, 1:] - r[:, :-1]
    first = 0 if initial is None else 1
    out = np.zeros((m.shape[0], m.shape[1] - 1 + first), dtype=y.dtype)
    for i in range(m.shape[0]):
        total = np.zeros((), dtype=y.dtype)
        for j in range(m.shape[1] - 1):
            total = total + steps[i, j] * (m[i, j] + m[i, j + 1]) / 2.0
            out[i, j + first] = total
    return along(out, y, axis)


def simpson(y, x=None, *, dx=1.0, axis=-1):
    """Parabolas through three points each; of an even number of points the last interval by Cartwright's correction."""
    y = floating(y)
    m = rows(y, axis)
    n = m.shape[1]
    h = np.empty((m.shape[0], n - 1))
    if x is None:
        h[...] = dx
    elif np.ndim(x) == 1:
        x = floating(x)
        h[...] = x[1:] - x[:-1]
    else:
        r = rows(floating(x), axis)
        h[...] = r[:, 1:] - r[:, :-1]
    out = np.empty(m.shape[0], dtype=y.dtype)
    for i in range(m.shape[0]):
        total = np.zeros((), dtype=y.dtype)
        for k in range((n - 1) // 2):
            a = h[i, 2 * k]
            b = h[i, 2 * k + 1]
            total = total + (a + b) / 6.0 * (m[i, 2 * k] * (2.0 - b / a) + m[i, 2 * k + 1] * (a + b) ** 2 / (a * b) + m[i, 2 * k + 2] * (2.0 - a / b))
        if n == 2:
            total = total + 0.5 * h[i, 0] * (m[i, 0] + m[i, 1])
        elif n % 2 == 0:
            a = h[i, n - 3]
            b = h[i, n - 2]
            total = total + m[i, n - 1] * (2 * b**2 + 3 * a * b) / (6 * (a + b))
            total = total + m[i, n - 2] * (b**2 + 3 * a * b) / (6 * a) - m[i, n - 3] * b**3 / (6 * a * (a + b))
        out[i] = total
    return reduced(out, y, axis, False)


def slopes(a, spacing, axis, edge_order):
    """np.gradient along one axis: the derivative of the parabola through the neighbours, at the ends of the line or parabola there."""
    m = rows(a, axis)
    n = m.shape[1]
    if n < edge_order + 1:
        raise ValueError("Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are required.")
    h = np.empty(n - 1)
    if np.ndim(spacing) == 0:
        h[...] = spacing
    else:
        if spacing.shape[0] != n:
            raise ValueError("when 1d, distances must match the length of the corresponding dimension")
        h[...] = spacing[1:] - spacing[:-1]
    out = np.empty(m.shape, dtype=a.dtype)
    for i in range(m.shape[0]):
        for j in range(1, n - 1):
            d = h[j - 1]
            e = h[j]
            out[i, j] = -e / (d * (d + e)) * m[i, j - 1] + (e - d) / (d * e) * m[i, j] + d / (e * (d + e)) * m[i, j + 1]
        if edge_order == 1:
            out[i, 0] = (m[i, 1] - m[i, 0]) / h[0]
            out[i, n - 1] = (m[i, n - 1] - m[i, n - 2]) / h[n - 2]
        else:
            d = h[0]
            e = h[1]
            out[i, 0] = -(2.0 * d + e) / (d * (d + e)) * m[i, 0] + (d + e) / (d * e) * m[i, 1] - d / (e * (d + e)) * m[i, 2]
            d = h[n - 3]
            e = h[n - 2]
            out[i, n - 1] = e / (d * (d + e)) * m[i, n - 3] - (e + d) / (d * e) * m[i, n - 2] + (2.0 * e + d) / (e * (d + e)) * m[i, n - 1]
    return along(out, a, axis)


# ---------------------------------------------------------------- exponentials


def logsumexp(a, axis=None, b=None, keepdims=False, return_sign=False):
    """log sum b e^a, the largest exponent taken out. Where it is infinite there is nothing to take out."""
    a = floating(a)
    if b is not None:
        a = np.where(np.asarray(b) != 0, a + np.zeros_like(b), -np.inf)
    top = constant(np.max(a, axis=axis, keepdims=True))
    top = np.where(np.isfinite(top), top, 0)
    terms = np.exp(a - top)
    if b is not None:
        terms = terms * b
    total = np.sum(terms, axis=axis, keepdims=keepdims)
    most = np.reshape(top, np.shape(total))
    if return_sign:
        return np.log(np.abs(total)) + most, np.sign(total)
    return np.log(total) + most


def softmax(x, axis=None):
    x = floating(x)
    e = np.exp(x - constant(np.max(x, axis=axis, keepdims=True)))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x, axis=None):
    x = floating(x)
    top = constant(np.max(x, axis=axis, keepdims=True))
    shifted = x - np.where(np.isfinite(top), top, 0)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))
