"""Sorting, and what follows from the order of numbers. Results are gathered by the order found, so that derivatives go through the gathering."""

# ruff: noqa: B023, SIM108, SIM110
# pyright: basic, reportReturnType=false

from __future__ import annotations

import numpy as np

from oneform.frontend.written.structure import along, constant, floating, rows

SHORT = 12  # runs up to this length are sorted by insertion


def before(x, y):
    """x < y, with NaN behind all numbers. Complex numbers by their real parts, then by their imaginary ones."""
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        a, b = np.real(x), np.real(y)
        whole = np.imag(x) == np.imag(x)
        if a < b:
            return whole or np.imag(y) != np.imag(y)
        if a > b:
            return whole and np.imag(y) != np.imag(y)
        if a == b or (a != a and b != b):
            return before(np.imag(x), np.imag(y))
        return b != b
    return x < y or (y != y and x == x)


def merge_runs(n, width, less, take):
    """One pass of a merge sort over n places: each two neighbouring runs of this width become one. `less(j, i)`: what is at place j goes before
    what is at place i; `take(k, i)`: place k of the new order gets what is at place i. Equal ones stay as they come."""
    start = 0
    while start < n:
        middle = min(start + width, n)
        end = min(start + 2 * width, n)
        i = start
        j = middle
        for k in range(start, end):
            left = j >= end
            if i < middle and not left:
                left = not less(j, i)
            if left:
                take(k, i)
                i += 1
            else:
                take(k, j)
                j += 1
        start = end


def ordered(keys):
    """The positions that put numbers in order, equal ones as they come: merge sort from the bottom, keys moved along with their positions."""
    n = keys.shape[0]
    at = np.arange(n)
    now = keys.copy()
    start = 0
    while start < n:
        end = min(start + SHORT, n)
        for i in range(start + 1, end):
            x = now[i]
            j = i
            while j > start and before(x, now[j - 1]):
                now[j] = now[j - 1]
                at[j] = at[j - 1]
                j -= 1
            now[j] = x
            at[j] = i
        start = end
    further = np.empty_like(now)
    other = np.empty_like(at)
    width = SHORT
    while width < n:

        def take(k, i):
            further[k] = now[i]
            other[k] = at[i]

        merge_runs(n, width, lambda j, i: before(now[j], now[i]), take)
        now, further = further, now
        at, other = other, at
        width *= 2
    return at


# ---------------------------------------------------------------- whole arrays


def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    a = np.asarray(a)
    if axis is None:
        return sort(np.ravel(a), 0)
    m = rows(a, axis)
    out = np.empty(m.shape, dtype=a.dtype)
    for i in range(m.shape[0]):
        at = ordered(constant(m[i]))
        for j in range(m.shape[1]):
            out[i, j] = m[i, at[j]]
    return along(out, a, axis)


def argsort(a, axis=-1, kind=None, order=None, *, stable=None):
    a = np.asarray(a)
    if axis is None:
        return argsort(np.ravel(a), 0)
    m = rows(constant(a), axis)
    out = np.empty(m.shape, dtype=np.int64)
    for i in range(m.shape[0]):
        out[i] = ordered(m[i])
    return along(out, a, axis)


def partition(a, kth, axis=-1, kind="introselect", order=None):
    """All of it in order, which is a partition around any place."""
    return sort(a, axis)


def argpartition(a, kth, axis=-1, kind="introselect", order=None):
    return argsort(a, axis)


def lexsort_rows(keys):
    """np.lexsort of the rows of a matrix: the last row is the first key."""
    at = np.arange(keys.shape[1])
    for k in range(keys.shape[0]):
        at = at[ordered(constant(keys[k])[at])]
    return at


def place_of(a, x, side):
    """How many of the sorted numbers go before x."""
    low = 0
    high = a.shape[0]
    while low < high:
        middle = (low + high) // 2
        if side == "left":
            further = before(a[middle], x)
        else:
            further = not before(x, a[middle])
        if further:
            low = middle + 1
        else:
            high = middle
    return low


# ---------------------------------------------------------------- distinct numbers, counts


def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True, sorted=True):
    """Of the numbers, or of what lies across an axis."""
    ar = np.asarray(ar)
    if axis is None:
        flat = np.ravel(ar)
        first, inverse, counts = _groups(ordered(constant(flat)), lambda i, j: _new(flat[i], flat[j], equal_nan))
        out = flat[first]
        inverse = inverse.reshape(np.shape(ar))
    else:
        m = rows(ar, axis)
        first, inverse, counts = _groups(ordered_columns(constant(m)), lambda i, j: _columns_differ(m, i, j))
        out = along(m[:, first], ar, axis)
    found = (out,)
    if return_index:
        found = (*found, first)
    if return_inverse:
        found = (*found, inverse)
    if return_counts:
        found = (*found, counts)
    return found if len(found) > 1 else out


def _groups(at, new):
    """Positions in order, in groups of equals, a new one where new(i, j) of neighbours holds: the first of each, the group of each, how many there are."""
    n = at.shape[0]
    count = 0
    for k in range(n):
        if k == 0 or new(at[k - 1], at[k]):
            count += 1
    first = np.empty(count, dtype=np.int64)
    inverse = np.empty(n, dtype=np.int64)
    counts = np.zeros(count, dtype=np.int64)
    group = -1
    for k in range(n):
        if k == 0 or new(at[k - 1], at[k]):
            group += 1
            first[group] = at[k]
        inverse[at[k]] = group
        counts[group] += 1
    return first, inverse, counts


def ordered_columns(m):
    """The positions that put the columns of a matrix in order, by their first numbers, then by their second ones, …"""
    n = m.shape[1]
    at = np.arange(n)
    other = np.empty_like(at)
    width = 1
    while width < n:

        def take(k, i):
            other[k] = at[i]

        merge_runs(n, width, lambda j, i: _column_before(m, at[j], at[i]), take)
        at, other = other, at
        width *= 2
    return at


def _column_before(m, i, j):
    for r in range(m.shape[0]):
        if before(m[r, i], m[r, j]):
            return True
        if before(m[r, j], m[r, i]):
            return False
    return False


def _columns_differ(m, i, j):
    for r in range(m.shape[0]):
        if m[r, i] != m[r, j]:
            return True
    return False


def _new(x, y, equal_nan):
    """Whether y, which follows x in order, is another number."""
    return x != y and not (equal_nan and x != x and y != y)


def bincount(x, weights=None, minlength=0):
    x = np.asarray(x)
    if minlength < 0:
        raise ValueError("'minlength' must not be negative")
    n = minlength
    for k in range(x.shape[0]):
        if x[k] < 0:
            raise ValueError("'list' argument must have no negative elements")
        n = max(n, x[k] + 1)
    if weights is None:
        counts = np.zeros(n, dtype=np.int64)
        for k in range(x.shape[0]):
            counts[x[k]] += 1
        return counts
    w = np.asarray(weights)
    if w.shape[0] != x.shape[0]:
        raise ValueError("The weights and list don't have the same length.")
    sums = np.zeros(n)
    for k in range(x.shape[0]):
        sums[x[k]] += w[k]
    return sums


def histogram_edges(a, bins, range):
    """np.histogram_bin_edges"""
    if np.ndim(bins) == 1:
        edges = np.asarray(bins)
        for k in _places(edges.shape[0] - 1):
            if edges[k] > edges[k + 1]:
                raise ValueError("`bins` must increase monotonically, when an array")
        return edges
    if bins < 1:
        raise ValueError("`bins` must be positive, when an integer")
    if range is not None:
        low, high = range[0] * 1.0, range[1] * 1.0
        if low > high:
            raise ValueError("max must be larger than min in range parameter.")
    elif a.size == 0:
        low, high = 0.0, 1.0
    else:
        low, high = np.min(a) * 1.0, np.max(a) * 1.0
    if low == high:
        low = low - 0.5
        high = high + 0.5
    return np.linspace(low, high, bins + 1)


def _places(n):
    """range(n), where NumPy calls a parameter `range`."""
    return np.arange(n)


def histogram(a, bins=10, range=None, density=None, weights=None):
    """How many numbers are in each interval [left, right), the last one closed; numbers on an edge belong where comparing says."""
    flat = floating(np.ravel(np.asarray(a)))
    edges = histogram_edges(constant(flat), bins, range)
    n = edges.shape[0] - 1
    if weights is not None:
        w = np.ravel(np.asarray(weights))
        if w.shape[0] != flat.shape[0]:
            raise ValueError("weights should have the same shape as a.")
        counts = np.zeros(n, dtype=w.dtype)
        for k in _places(flat.shape[0]):
            j = _bin_of(edges, flat[k])
            if j >= 0:
                counts[j] += w[k]
    else:
        counts = np.zeros(n, dtype=np.int64)
        for k in _places(flat.shape[0]):
            j = _bin_of(edges, flat[k])
            if j >= 0:
                counts[j] += 1
    if density:
        return counts / (edges[1:] - edges[:-1]) / np.sum(counts), edges
    return counts, edges


def _bin_of(edges, x):
    """-1 if x is in none."""
    n = edges.shape[0] - 1
    if x == edges[n]:
        return n - 1
    if not (x >= edges[0] and x < edges[n]):
        return -1
    return place_of(edges, x, "right") - 1
