"""What NumPy's functions that make and move arrays do, written in Python: compiled into the programs that call them, at the caller's line.
Nothing here is run by Python. Axes are numbers known to the compiler, from 0."""

# pyright: basic, reportReturnType=false, reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import numpy as np

# ---------------------------------------------------------------- what the compiler itself provides (library_api.py)


def generated(shape, f) -> Any:
    """The array of f(i, j, …), each element computed on its own."""


def element(a, *index) -> Any:
    """a[index] for indices that are in range."""


def along(a, at, axis) -> Any:
    """a[:, …, at] along an axis, for an array of indices that are in range, none below 0."""


def section(a, axis, start, length) -> Any:
    """The view a[:, …, start : start + length] along an axis, known to be in range."""


# ---------------------------------------------------------------- lists of arrays


def concatenated(xs):
    if len(xs) == 0:
        raise ValueError("need at least one array to concatenate")
    total = 0
    for x in xs:
        total += len(x)
    out = np.empty((total, *xs[0].shape[1:]), dtype=xs[0].dtype)
    at = 0
    for x in xs:
        out[at : at + len(x)] = x
        at += len(x)
    return out


def stacked_rows(xs):
    return np.array(xs) if xs[0].ndim == 1 else concatenated(xs)


# ---------------------------------------------------------------- places


def repeated_each(a, counts, axis):
    """Element k along the axis counts[k] times."""
    total = 0
    for c in counts:
        if c < 0:
            raise ValueError("repeats may not contain negative values.")
        total += c
    at = np.empty(total, dtype=np.int64)
    n = 0
    for k in range(len(counts)):
        for _ in range(counts[k]):
            at[n] = k
            n += 1
    return along(a, at, axis)


def roll_along(a, shift, axis):
    """Element k goes to k + shift, around the end."""
    n = a.shape[axis]
    by = shift % max(n, 1)

    def source(*i):
        k = i[axis] - by
        return element(a, *i[:axis], np.where(k < 0, k + n, k), *i[axis + 1 :])

    return generated(a.shape, source)


# ---------------------------------------------------------------- padding: which element stands at i, `before` in front of those of length n


def edge(i, n):
    return min(max(i, 0), n - 1)


def wrapped(i, n):
    return i if 0 <= i < n else i % n


def reflected(i, n):
    """… 2 1 0 1 2 …"""
    period = max(2 * n - 2, 1)
    k = i if 0 <= i < n else i % period
    return k if k < n else period - k


def mirrored(i, n):
    """… 1 0 0 1 …"""
    k = i if 0 <= i < n else i % (2 * n)
    return k if k < n else 2 * n - 1 - k


def pad_along(out, before, n, behind, axis, rule):
    """What is around those of length n, which are in place."""
    if n == 0 and before + behind > 0:
        raise ValueError(f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'")
    for i in range(before):
        section(out, axis, i, 1)[...] = section(out, axis, before + rule(i - before, n), 1)
    for i in range(n, n + behind):
        section(out, axis, before + i, 1)[...] = section(out, axis, before + rule(i, n), 1)


def pad_by(f, out, before, n, behind, axis, first, last):
    """A statistic of the first, and of the last elements of those of length n, which are in place: all of them where the number is None."""
    near = n if first is None else min(first, n)
    far = n if last is None else min(last, n)
    if (near == 0 or far == 0) and (f is np.max or f is np.min):
        raise ValueError("stat_length of 0 yields no value for padding")
    left = f(section(out, axis, before, near), axis=axis, keepdims=True)
    right = f(section(out, axis, before + n - far, far), axis=axis, keepdims=True)
    if out.dtype.kind == "i":
        left = np.rint(left)
        right = np.rint(right)
    section(out, axis, 0, before)[...] = left.astype(out.dtype)
    section(out, axis, before + n, behind)[...] = right.astype(out.dtype)


# ---------------------------------------------------------------- diagonals and triangles


def diag(v, k=0):
    v = np.asarray(v)
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    return diagflat(v, k)


def diagflat(v, k=0):
    v = np.ravel(v)
    n = len(v)
    down = max(-k, 0)
    right = max(k, 0)
    out = np.zeros((n + down + right, n + down + right), dtype=v.dtype)
    for i in range(n):
        out[i + down, i + right] = v[i]
    return out


def eye(N, M=None, k=0, dtype=np.float64, order="C", *, like=None):
    return generated((N, N if M is None else M), lambda i, j: np.dtype(dtype).type(j - i == k))


def identity(n, dtype=np.float64):
    return generated((n, n), lambda i, j: np.dtype(dtype).type(i == j))


def tri(N, M=None, k=0, dtype=np.float64) -> Any:
    return generated((N, N if M is None else M), lambda i, j: np.dtype(dtype).type(j - i <= k))


def tril(m, k=0):
    m = np.asarray(m)
    if m.ndim == 1:
        m = np.broadcast_to(m, (len(m), len(m)))
    zero = m.dtype.type(0)
    return generated(m.shape, lambda *i: np.where(i[-1] - i[-2] <= k, element(m, *i), zero))


def triu(m, k=0):
    m = np.asarray(m)
    if m.ndim == 1:
        m = np.broadcast_to(m, (len(m), len(m)))
    zero = m.dtype.type(0)
    return generated(m.shape, lambda *i: np.where(i[-1] - i[-2] >= k, element(m, *i), zero))


def tril_indices(n, k=0, m=None):
    return np.nonzero(tri(n, m, k, np.bool_))


def triu_indices(n, k=0, m=None):
    return np.nonzero(~tri(n, m, k - 1, np.bool_))


def tril_indices_from(arr, k=0):
    return tril_indices(arr.shape[0], k, arr.shape[1])


def triu_indices_from(arr, k=0):
    return triu_indices(arr.shape[0], k, arr.shape[1])


def diag_indices(n, ndim=2):
    at = np.arange(n)
    return (at,) * ndim


def diag_indices_from(arr):
    if arr.ndim < 2:
        raise ValueError("input array must be at least 2-d")
    return (np.arange(arr.shape[0]),) * arr.ndim


def fill_diagonal(a, val, wrap=False):
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    val = np.asarray(val)
    for i in range(min(a.shape[0], a.shape[1])):
        a[i, i] = val if val.ndim == 0 else val[i % len(val)]


def vander(x, N=None, increasing=False):
    x = np.asarray(x)
    n = len(x)
    m = n if N is None else N
    out = np.empty((n, m), dtype=x.dtype)
    for i in range(n):
        p = x.dtype.type(1)
        for j in range(m):
            out[i, j if increasing else m - 1 - j] = p
            p = p * x[i]
    return out


def indices(dimensions, dtype=int, sparse=False) -> Any:
    axes = np.meshgrid(*[np.arange(n).astype(dtype) for n in dimensions], indexing="ij", sparse=sparse)
    return axes if sparse else np.stack(axes)


def fromfunction(function, shape, *, dtype=float):
    return function(*np.meshgrid(*[np.arange(n).astype(dtype) for n in shape], indexing="ij"))


def resize(a, new_shape):
    """As many elements as the shape has, in turn."""
    flat = np.ravel(a)
    shape = new_shape if isinstance(new_shape, tuple) else (new_shape,)
    size = 1
    for n in shape:
        if n < 0:
            raise ValueError("all elements of `new_shape` must be non-negative")
        size = size * n
    if len(flat) == 0:
        return np.zeros(shape, dtype=flat.dtype)
    return np.reshape(np.tile(flat, -(-size // len(flat)))[:size], shape)


def sliding_window_view(x, window_shape, axis=None):
    """Element k of the window at i is x[i + k]; along one axis."""
    x = np.asarray(x)
    window = window_shape[0] if isinstance(window_shape, tuple) else window_shape
    if axis is None and x.ndim > 1:
        raise ValueError("sliding_window_view takes one window along one axis in compiled code: give axis=")
    axis = 0 if axis is None else axis + x.ndim if axis < 0 else axis
    if window < 0:
        raise ValueError("`window_shape` cannot contain negative values")
    if x.shape[axis] < window:
        raise ValueError("window shape cannot be larger than input array shape")
    shape = (*x.shape[:axis], x.shape[axis] - window + 1, *x.shape[axis + 1 :], window)
    return generated(shape, lambda *i: element(x, *i[:axis], i[axis] + i[-1], *i[axis + 1 : -1]))


# ---------------------------------------------------------------- sequences of numbers


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0) -> Any:
    """start + i step, the last element being stop itself."""
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    start = np.asarray(start) * 1.0
    stop = np.asarray(stop) * 1.0
    parts = num - 1 if endpoint else num
    delta = stop - start
    step = delta / max(parts, 1)
    at = np.arange(num)
    if delta.ndim > 0:
        at = np.reshape(at, (num, *(1,) * delta.ndim))
    out = start + at.astype(delta.dtype) * step
    if endpoint:
        out = np.where((at == parts) & (at > 0), stop, out)
    if axis != 0:
        out = np.moveaxis(out, 0, axis)
    if dtype is not None:
        out = (np.floor(out) if np.dtype(dtype).kind in "iu" else out).astype(dtype)
    return (out, np.where(parts > 0, step, np.nan)) if retstep else out


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    out = base ** linspace(start, stop, num, endpoint, False, None, axis)
    return out if dtype is None else out.astype(dtype)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """start q^i; the ends are exact."""
    start = np.asarray(start) * 1.0
    stop = np.asarray(stop) * 1.0
    if np.any(start == 0.0) or np.any(stop == 0.0):
        raise ValueError("Geometric sequence cannot include zero")
    ratio = stop / start
    q = linspace(np.log10(ratio) * 0.0, np.log10(ratio), num, endpoint)
    i = np.arange(num)
    if ratio.ndim > 0:
        i = np.reshape(i, (num, *(1,) * ratio.ndim))
    out = start * 10.0**q
    out = np.where((i == num - 1) & (i > 0) & endpoint, stop, np.where(i == 0, start, out))
    if axis != 0:
        out = np.moveaxis(out, 0, axis)
    return out if dtype is None else out.astype(dtype)


def ediff1d(ary, to_end=None, to_begin=None):
    x = np.ravel(ary)
    out = x[1:] - x[:-1]
    if to_begin is not None:
        out = np.concatenate((np.ravel(to_begin).astype(x.dtype), out))
    if to_end is not None:
        out = np.concatenate((out, np.ravel(to_end).astype(x.dtype)))
    return out
