"""What Python's functions and methods on sequences do, written in Python: compiled into the programs that call them, at the caller's line.
Nothing here is run by Python."""

# ruff: noqa: SIM108, SIM110
# pyright: basic, reportReturnType=false

from __future__ import annotations

import numpy as np

# ---------------------------------------------------------------- over anything that can be iterated over


def total(xs, start):
    for x in xs:
        start = start + x
    return start


def smallest(xs):
    empty = True
    best = 0
    for x in xs:
        if empty or x < best:
            best = x
            empty = False
    if empty:
        raise ValueError("min() arg is an empty sequence")
    return best


def largest(xs):
    empty = True
    best = 0
    for x in xs:
        if empty or x > best:
            best = x
            empty = False
    if empty:
        raise ValueError("max() arg is an empty sequence")
    return best


def smallest_by(xs, key):
    found = []
    least = 0
    for x in xs:
        k = key(x)
        if len(found) == 0:
            found.append(x)
            least = k
        elif k < least:
            found[0] = x
            least = k
    if len(found) == 0:
        raise ValueError("min() arg is an empty sequence")
    return found[0]


def largest_by(xs, key):
    found = []
    most = 0
    for x in xs:
        k = key(x)
        if len(found) == 0:
            found.append(x)
            most = k
        elif k > most:
            found[0] = x
            most = k
    if len(found) == 0:
        raise ValueError("max() arg is an empty sequence")
    return found[0]


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


def mapped(f, xs):
    for x in xs:
        yield f(x)


def mapped_rows(f, xs):
    for x in xs:
        yield f(*x)


def kept(f, xs):
    for x in xs:
        if f(x):
            yield x


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


# ---------------------------------------------------------------- generators


def through(xs, visit):
    """Hand on every item; whether that was ended."""
    for x in xs:
        if visit(x):
            return True
    return False


def enumerated(xs, start):
    for x in xs:
        yield start, x
        start += 1


def chained(all_of_them):
    for xs in all_of_them:
        yield from xs


def accumulated(xs, f):
    begun = False
    total = 0
    for x in xs:
        if begun:
            total = f(total, x)
        else:
            total = x
            begun = True
        yield total


def accumulated_from(xs, f, total):
    yield total
    for x in xs:
        total = f(total, x)
        yield total


def counted(start, step):
    while True:
        yield start
        start += step


def sliced_from(xs, start, stop, step):
    """islice"""
    if start < 0 or stop < 0 or step < 1:
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    k = 0
    if stop > start:
        for x in xs:
            if k >= start and (k - start) % step == 0:
                yield x
            k += 1
            if k >= stop:
                return


def sliced_open(xs, start, _stop, step):
    """islice without an end"""
    if start < 0 or step < 1:
        raise ValueError("Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.")
    for k, x in enumerate(xs):
        if k >= start and (k - start) % step == 0:
            yield x


def taken_while(f, xs):
    for x in xs:
        if not f(x):
            return
        yield x


def dropped_while(f, xs):
    begun = False
    for x in xs:
        if not begun and not f(x):
            begun = True
        if begun:
            yield x


def dropped(f, xs):
    for x in xs:
        if not f(x):
            yield x


def in_pairs(xs):
    begun = False
    last = 0
    for x in xs:
        if begun:
            yield last, x
        last = x
        begun = True


def again(x, times):
    for _ in range(times):
        yield x


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


def reverse(xs):
    n = len(xs)
    for k in range(n // 2):
        xs[k], xs[n - 1 - k] = xs[n - 1 - k], xs[k]


def order(keys, down):
    """The positions that put the keys in order, equal ones as they come: merge sort from the bottom."""
    n = len(keys)
    at = np.arange(n)
    other = np.empty(n, dtype=np.int64)
    width = 1
    while width < n:
        start = 0
        while start < n:
            middle = min(start + width, n)
            end = min(start + 2 * width, n)
            i = start
            j = middle
            for k in range(start, end):
                left = j >= end
                if i < middle and not left:
                    left = not (keys[at[i]] < keys[at[j]] if down else keys[at[j]] < keys[at[i]])
                if left:
                    other[k] = at[i]
                    i += 1
                else:
                    other[k] = at[j]
                    j += 1
            start = end
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
    new = in_order(xs, keys, down)
    for k in range(len(new)):
        xs[k] = new[k]


# ---------------------------------------------------------------- dicts whose keys are integers, or tuples of integers


def slot_of(key, size):
    """Where to begin to look: Fibonacci hashing, 2^32 over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4). No product passes
    2^60, as this is also run by Python."""
    mixed = 0
    if isinstance(key, tuple):
        for k in key:
            mixed = (mixed * 8191 + folded(k)) & 0xFFFFFFF
    else:
        mixed = folded(key)
    return ((mixed * 2654435769) >> 16) % size


def folded(k):
    """An integer in 28 bits."""
    return (k ^ (k >> 28) ^ (k >> 56)) & 0xFFFFFFF


def table(keys):
    """The slots for given keys; also run by Python, for dicts whose keys are known."""
    size = 8
    while size < 2 * len(keys) + 2:
        size *= 2
    slots = [-1] * size
    for k in range(len(keys)):
        at = slot_of(keys[k], size)
        while slots[at] >= 0:
            at = (at + 1) % size
        slots[at] = k
    return slots


def dict_find(keys, slots, key):
    """The position of a key, or -1."""
    size = len(slots)
    at = slot_of(key, size)
    while slots[at] >= 0:
        if keys[slots[at]] == key:
            return slots[at]
        at = (at + 1) % size
    return -1


def dict_get(keys, values, slots, key):
    at = dict_find(keys, slots, key)
    if at < 0:
        raise KeyError(key)
    return values[at]


def dict_get_or(keys, values, slots, key, default):
    at = dict_find(keys, slots, key)
    return values[at] if at >= 0 else default


def dict_set(keys, values, slots, key, x):
    found = dict_find(keys, slots, key)
    if found >= 0:
        values[found] = x
    else:
        keys.append(key)
        values.append(x)
        size = len(slots)
        if 2 * len(keys) > size:
            dict_rebuild(keys, slots, 2 * size)
        else:
            at = slot_of(key, size)
            while slots[at] >= 0:
                at = (at + 1) % size
            slots[at] = len(keys) - 1


def dict_rebuild(keys, slots, size):
    while len(slots) < size:
        slots.append(-1)
    for k in range(size):
        slots[k] = -1
    for k in range(len(keys)):
        at = slot_of(keys[k], size)
        while slots[at] >= 0:
            at = (at + 1) % size
        slots[at] = k


def dict_setdefault(keys, values, slots, key, default):
    if dict_find(keys, slots, key) < 0:
        dict_set(keys, values, slots, key, default)
    return dict_get(keys, values, slots, key)


def dict_delete(keys, values, slots, key):
    at = dict_find(keys, slots, key)
    if at < 0:
        raise KeyError(key)
    pop_at(keys, at)
    pop_at(values, at)
    dict_rebuild(keys, slots, len(slots))


def dict_pop(keys, values, slots, key):
    x = dict_get(keys, values, slots, key)
    dict_delete(keys, values, slots, key)
    return x


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
