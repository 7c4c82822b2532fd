"""What NumPy's functions that look elements up, choose and write them do, written in Python: compiled into the programs that call them, at the
caller's line. Nothing here is run by Python."""

# pyright: basic, reportReturnType=false, reportCallIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false

from __future__ import annotations

from typing import Any

import numpy as np

from oneform.frontend.written.shapes import element, generated
from oneform.frontend.written.sorting import place_of

# ---------------------------------------------------------------- by index


def indexed_along(a, at, axis) -> Any:
    """a[:, …, at] along an axis; what the compiler itself provides (library_api.py)."""


def take(a, indices, axis=None, out=None, mode="raise") -> Any:
    if out is not None:
        raise TypeError("out= is not supported in compiled code")
    at = np.asarray(indices)
    if axis is None:
        a = np.ravel(a)
        axis = 0
    a = np.asarray(a)
    n = a.shape[axis]
    if mode != "raise":
        if n == 0 and at.size > 0:
            raise IndexError("cannot do a non-empty take from an empty axes.")
        at = in_range(at, n, mode)
    return indexed_along(a, at, axis)


def in_range(at, n, mode):
    """Indices made to fit a length."""
    if mode == "wrap":
        return at % max(n, 1)
    if mode == "clip":
        return np.minimum(np.maximum(at, 0), n - 1)
    raise ValueError("clipmode must be one of 'clip', 'raise', or 'wrap'")


def put(a, ind, v, mode="raise"):
    at = np.ravel(ind)
    flat = np.reshape(a, -1)
    if mode != "raise":
        at = in_range(at, len(flat), mode)
    v = np.ravel(v)
    for k in range(len(at)):
        flat[at[k]] = v[k % len(v)]


def flatnonzero(a):
    return np.nonzero(np.ravel(a))[0]


def argwhere(a):
    return np.stack(np.nonzero(a), axis=1)


def compress(condition, a, axis=None, out=None):
    if out is not None:
        raise TypeError("out= is not supported in compiled code")
    return take(a, flatnonzero(condition), axis)


def extract(condition, arr):
    return take(np.ravel(arr), flatnonzero(condition))


def delete(arr, obj, axis=None):
    a = np.ravel(arr) if axis is None else np.asarray(arr)
    axis = 0 if axis is None else axis
    keep = np.ones(a.shape[axis], dtype=np.bool_)
    keep[obj] = False
    return take(a, flatnonzero(keep), axis)


def insert(arr, obj, values, axis=None):
    """For one place."""
    a = np.ravel(arr) if axis is None else np.asarray(arr)
    axis = 0 if axis is None else axis
    n = a.shape[axis]
    k = obj + n if obj < 0 else obj
    if k < 0 or k > n:
        raise IndexError(f"index {obj} is out of bounds for axis {axis} with size {n}")
    a = np.moveaxis(a, axis, 0)
    v = np.asarray(values).astype(a.dtype)
    new = np.ravel(v) if a.ndim == 1 else np.broadcast_to(v, (1, *a.shape[1:]))
    return np.moveaxis(np.concatenate((a[:k], new, a[k:])), 0, axis)


def unravel_index(indices, shape, order="C"):
    at = np.asarray(indices)
    dims = shape if isinstance(shape, tuple) else (shape,)
    size = 1
    for n in dims:
        size = size * n
    for k in np.ravel(at):
        if k < 0 or k >= size:
            raise ValueError(f"index {k} is out of bounds for array with size {size}")
    if order == "F":
        dims = dims[::-1]
    out = ()
    for n in dims[::-1]:
        out = (at % max(n, 1), *out)
        at = at // max(n, 1)
    return out[::-1] if order == "F" else out


def ravel_multi_index(multi_index, dims, mode="raise", order="C"):
    if order == "F":
        multi_index = multi_index[::-1]
        dims = dims[::-1]
    flat = 0
    for i, n in zip(multi_index, dims, strict=True):
        at = np.asarray(i)
        if mode == "raise":
            if np.any(at < 0) or np.any(at >= n):
                raise ValueError("invalid entry in coordinates array")
        else:
            at = in_range(at, n, mode)
        flat = flat * n + at
    return flat


# ---------------------------------------------------------------- in order


def halvings(n):
    """How often a length is halved, rounding up, until it is 1."""
    steps = 0
    while n > 1:
        n -= n >> 1
        steps += 1
    return steps


def position(a, x, right, steps):
    """How many elements of a sorted array are before x (or not behind it): a binary search without branches. NaN is behind all numbers."""
    if np.iscomplexobj(a) or np.iscomplexobj(x):
        return place_of(a, x, "right" if right else "left")
    n = len(a)
    base = 0
    if n > 0:
        if x == x:
            for _ in range(steps):
                half = n >> 1
                u = element(a, base + half - 1)
                base = np.where(u <= x if right else u < x, base + half, base)
                n -= half
            u = element(a, base)
            base = np.where(u <= x if right else u < x, base + 1, base)
        elif right:
            base = n
        else:
            base = position(a, a.dtype.type(np.inf), True, steps)
    return base


def searchsorted(a, v, side="left", sorter=None):
    if side not in ("left", "right"):
        raise ValueError("search side must be 'left' or 'right'")
    a = np.asarray(a)
    if a.ndim != 1:
        raise ValueError("object too deep for desired array")
    if sorter is not None:
        a = take(a, sorter)
    v = np.asarray(v)
    right = side == "right"
    steps = halvings(len(a))
    if v.ndim == 0:
        return np.int64(position(a, v, right, steps))
    return generated(v.shape, lambda *i: position(a, element(v, *i), right, steps))


def digitize(x, bins, right=False):
    x = np.asarray(x)
    bins = np.asarray(bins)
    up = True
    down = True
    for k in range(len(bins) - 1):
        up = up and bins[k] <= bins[k + 1]
        down = down and bins[k] >= bins[k + 1]
    if not (up or down):
        raise ValueError("bins must be monotonically increasing or decreasing")
    n = len(bins)
    back = bins[::-1]
    steps = halvings(n)
    if x.ndim == 0:
        return np.int64(position(bins, x, not right, steps) if up else n - position(back, x, not right, steps))

    def found(*i):
        u = element(x, *i)
        return position(bins, u, not right, steps) if up else n - position(back, u, not right, steps)

    return generated(x.shape, found)


def interp(x, xp, fp, left=None, right=None, period=None):
    x = np.asarray(x) * 1.0
    xp = np.asarray(xp) * 1.0
    fp = np.asarray(fp) * 1.0
    if len(xp) != len(fp):
        raise ValueError("fp and xp are not of the same length.")
    if len(xp) == 0:
        raise ValueError("array of sample points is empty")
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period = abs(period)
        x = x % period
        xp = xp % period
        order = np.argsort(xp)
        xp = take(xp, order)
        fp = take(fp, order)
        xp = np.concatenate((xp[-1:] - period, xp, xp[0:1] + period))
        fp = np.concatenate((fp[-1:], fp, fp[0:1]))
    below = fp[0] if left is None or period is not None else left
    above = fp[-1] if right is None or period is not None else right
    steps = halvings(len(xp))
    if x.ndim == 0:
        return between(x, xp, fp, below, above, steps)
    return generated(x.shape, lambda *i: between(element(x, *i), xp, fp, below, above, steps))


def between(x, xp, fp, below, above, steps):
    """The value at x of the line through the points around it."""
    last = len(xp) - 1
    k = position(xp, x, True, steps) - 1
    k = min(max(k, 0), max(last - 1, 0))
    j = min(k + 1, last)
    x0 = element(xp, k)
    x1 = element(xp, j)
    f0 = element(fp, k)
    f1 = element(fp, j)
    inside = f0 + (f1 - f0) / np.where(x1 > x0, x1 - x0, 1.0) * (x - x0)
    at_end = np.where(x == element(xp, last), element(fp, last), inside)
    return np.where(x != x, x, np.where(x < element(xp, 0), below, np.where(x > element(xp, last), above, at_end)))


# ---------------------------------------------------------------- by condition


def select(condlist, choicelist, default=0):
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    out = default
    for c, x in zip(condlist[::-1], choicelist[::-1], strict=True):
        if np.asarray(c).dtype != np.bool_:
            raise TypeError("invalid entry in condlist: should be boolean ndarray")
        out = np.where(c, x, out)
    return out


def choose(a, choices, out=None, mode="raise"):
    if out is not None:
        raise TypeError("out= is not supported in compiled code")
    a = np.asarray(a)
    n = len(choices)
    if mode == "raise":
        if np.any((a < 0) | (a >= n)):
            raise ValueError("invalid entry in choice array")
    else:
        a = in_range(a, n, mode)
    found = choices[0]
    for k, x in enumerate(choices):
        found = np.where(a == k, x, found)
    return found


def copyto(dst, src, casting="same_kind", where=True):
    dst[...] = np.where(where, src, dst)


def place(arr, mask, vals):
    """The true places get the values in turn."""
    mask = np.ravel(mask)
    flat = np.reshape(arr, -1)
    vals = np.ravel(vals)
    n = 0
    for k in range(len(flat)):
        if mask[k]:
            if len(vals) == 0:
                raise ValueError("Cannot insert from an empty array!")
            flat[k] = vals[n % len(vals)]
            n += 1


def putmask(a, mask, values):
    values = np.asarray(values)
    if values.ndim == 0 or values.shape == a.shape:
        a[...] = np.where(mask, values, a)
        return
    mask = np.ravel(mask)
    flat = np.reshape(a, -1)
    values = np.ravel(values)
    for k in range(len(flat)):
        if mask[k]:
            flat[k] = values[k % len(values)]


# ---------------------------------------------------------------- element by element


def heaviside(x1, x2):
    x1 = np.asarray(x1) * 1.0
    x2 = np.asarray(x2) * 1.0
    return np.where(x1 != x1, x1, np.where(x1 < 0.0, 0.0, np.where(x1 > 0.0, 1.0, x2)))


def sinc(x):
    """sin(pi x) / (pi x); near 0 by its series, so that every derivative is right there too."""
    y = np.pi * np.asarray(x)
    near = np.abs(y) < 1e-2
    s = y * y
    series = 1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0)))
    return np.where(near, series, np.sin(y) / np.where(near, 1.0, y))


def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    a: Any = np.asarray(x)
    if a.dtype.kind == "c":
        return finite(a.real, nan, posinf, neginf) + 1j * finite(a.imag, nan, posinf, neginf)
    return finite(a, nan, posinf, neginf) if a.dtype.kind == "f" else np.copy(a)


def finite(x, nan, posinf, neginf):
    largest = np.finfo(x.dtype).max if posinf is None else posinf
    smallest = np.finfo(x.dtype).min if neginf is None else neginf
    return np.where(np.isnan(x), nan, np.where(x == np.inf, largest, np.where(x == -np.inf, smallest, x)))
