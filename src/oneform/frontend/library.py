"""What Python's functions and methods on sequences do, written in Python: compiled into the programs that call them, at the caller's line.
Nothing here is run by Python."""

# ruff: noqa: B023, SIM108, SIM110
# pyright: basic, reportReturnType=false

from __future__ import annotations

import numpy as np

from oneform.frontend.written.sorting import merge_runs

# ---------------------------------------------------------------- over anything that can be iterated over


def total(xs, start):
    for x in xs:
        start = start + x
    return start


def smallest(xs):
    best = None
    for x in xs:
        if best is None or x < best:
            best = x
    if best is None:
        raise ValueError("min() arg is an empty sequence")
    return best


def smallest_or(xs, default):
    best = None
    for x in xs:
        if best is None or x < best:
            best = x
    return default if best is None else best


def largest(xs):
    best = None
    for x in xs:
        if best is None or x > best:
            best = x
    if best is None:
        raise ValueError("max() arg is an empty sequence")
    return best


def largest_or(xs, default):
    best = None
    for x in xs:
        if best is None or x > best:
            best = x
    return default if best is None else best


def smallest_by(xs, key):
    found = []
    least = None
    for x in xs:
        k = key(x)
        if least is None:
            found.append(x)
            least = k
        elif k < least:
            found[0] = x
            least = k
    if len(found) == 0:
        raise ValueError("min() arg is an empty sequence")
    return found[0]


def smallest_by_or(xs, key, default):
    found = []
    least = None
    for x in xs:
        k = key(x)
        if least is None:
            found.append(x)
            least = k
        elif k < least:
            found[0] = x
            least = k
    return default if len(found) == 0 else found[0]


def largest_by(xs, key):
    found = []
    most = None
    for x in xs:
        k = key(x)
        if most is None:
            found.append(x)
            most = k
        elif k > most:
            found[0] = x
            most = k
    if len(found) == 0:
        raise ValueError("max() arg is an empty sequence")
    return found[0]


def largest_by_or(xs, key, default):
    found = []
    most = None
    for x in xs:
        k = key(x)
        if most is None:
            found.append(x)
            most = k
        elif k > most:
            found[0] = x
            most = k
    return default if len(found) == 0 else found[0]


def every(xs):
    for x in xs:
        if not x:
            return False
    return True


def some(xs):
    for x in xs:
        if x:
            return True
    return False


def listed(xs):
    out = []
    for x in xs:
        out.append(x)
    return out


def reduced(f, xs, start):
    for x in xs:
        start = f(start, x)
    return start


def reduced_from_first(f, xs):
    """xs: a list"""
    if len(xs) == 0:
        raise TypeError("reduce() of empty iterable with no initial value")
    total = xs[0]
    for k in range(1, len(xs)):
        total = f(total, xs[k])
    return total


# ---------------------------------------------------------------- lists


def sliced(xs, start, stop, step):
    out = []
    if step > 0:
        k = start
        while k < stop:
            out.append(xs[k])
            k += step
    else:
        k = start
        while k > stop:
            out.append(xs[k])
            k += step
    return out


def slice_bounds(start, stop, step, n):
    """slice.indices"""
    lowest = 0 if step > 0 else -1
    highest = n if step > 0 else n - 1
    if start < 0:
        start = max(start + n, lowest)
    else:
        start = min(start, highest)
    if stop < 0:
        stop = max(stop + n, lowest)
    else:
        stop = min(stop, highest)
    return start, stop


def replaced(xs, start, stop, new):
    """xs[start:stop] = new"""
    tail = []
    for k in range(max(start, stop), len(xs)):
        tail.append(xs[k])
    while len(xs) > start:
        xs.pop()
    for x in new:
        xs.append(x)
    for x in tail:
        xs.append(x)


def joined(xs, ys):
    out = []
    for x in xs:
        out.append(x)
    for y in ys:
        out.append(y)
    return out


def repeated(xs, times):
    out = []
    for _ in range(times):
        for x in xs:
            out.append(x)
    return out


def extend(xs, ys):
    for y in ys:
        xs.append(y)


def insert(xs, at, x):
    n = len(xs)
    if at < 0:
        at = max(at + n, 0)
    if at > n:
        at = n
    xs.append(x)
    k = n
    while k > at:
        xs[k] = xs[k - 1]
        k -= 1
    xs[at] = x


def pop_at(xs, at):
    n = len(xs)
    if n == 0:
        raise IndexError("pop from empty list")
    if at < 0:
        at += n
    if at < 0 or at >= n:
        raise IndexError("pop index out of range")
    x = xs[at]
    for k in range(at, n - 1):
        xs[k] = xs[k + 1]
    xs.pop()
    return x


def remove(xs, x):
    for k in range(len(xs)):
        if xs[k] == x:
            pop_at(xs, k)
            return
    raise ValueError("list.remove(x): x not in list")


def index(xs, x):
    for k in range(len(xs)):
        if xs[k] == x:
            return k
    raise ValueError("list.index(x): x not in list")


def count(xs, x):
    found = 0
    for y in xs:
        if y == x:
            found += 1
    return found


def contains(xs, x):
    for y in xs:
        if y == x:
            return True
    return False


def equal(xs, ys):
    if len(xs) != len(ys):
        return False
    for k in range(len(xs)):
        if not xs[k] == ys[k]:
            return False
    return True


def less(xs, ys):
    for k in range(min(len(xs), len(ys))):
        if not xs[k] == ys[k]:
            return xs[k] < ys[k]
    return len(xs) < len(ys)


def less_or_equal(xs, ys):
    for k in range(min(len(xs), len(ys))):
        if not xs[k] == ys[k]:
            return xs[k] <= ys[k]
    return len(xs) <= len(ys)


def reverse(xs):
    n = len(xs)
    for k in range(n // 2):
        xs[k], xs[n - 1 - k] = xs[n - 1 - k], xs[k]


def order(keys, down):
    """The positions that put the keys in order, equal ones as they come: the keys stay where they are, they may be anything that compares."""
    n = len(keys)
    at = np.arange(n)
    other = np.empty(n, dtype=np.int64)
    width = 1
    while width < n:

        def take(k, i):
            other[k] = at[i]

        merge_runs(n, width, lambda j, i: keys[at[i]] < keys[at[j]] if down else keys[at[j]] < keys[at[i]], take)
        at, other = other, at
        width *= 2
    return at


def in_order(xs, keys, down):
    """sorted(xs), `keys` being what is compared"""
    at = order(keys, down)
    out = []
    for k in range(len(xs)):
        out.append(xs[at[k]])
    return out


def sort(xs, keys, down):
    """By exchanges: the items stay in their list."""
    at = order(keys, down)
    n = len(at)
    item = np.arange(n)  # which item is at a place now
    place = np.arange(n)  # and where an item is
    for k in range(n):
        wanted, here = at[k], item[k]
        j = place[wanted]
        if j != k:
            xs[k], xs[j] = xs[j], xs[k]
            item[j], place[here] = here, j
            item[k], place[wanted] = wanted, k


# ---------------------------------------------------------------- arrays from lists


def of_numbers(xs, dtype):
    out = np.empty(len(xs), dtype=dtype)
    for k in range(len(xs)):
        out[k] = xs[k]
    return out


def of_arrays(xs, dtype):
    if len(xs) == 0:
        raise ValueError("an empty list of arrays has no shape")
    shape = xs[0].shape
    out = np.empty((len(xs), *shape), dtype=dtype)
    for k in range(len(xs)):
        x = xs[k]
        if x.shape != shape:
            raise ValueError("setting an array element with a sequence. The items have different shapes.")
        out[k] = x
    return out


def of_lists(xs, dtype):
    return of_arrays([np.array(x, dtype=dtype) for x in xs], dtype)
