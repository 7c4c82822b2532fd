"""Hash tables in lists: dicts whose keys are integers or strings, or tuples of them, known only at run time."""

# pyright: basic, reportReturnType=false

from __future__ import annotations

from oneform.families import text_code
from oneform.frontend.library import pop_at


def slot_of(key, size):
    """Where to begin to look: Fibonacci hashing, 2^32 over the golden ratio (Knuth, The Art of Computer Programming 3, 6.4). No product passes
    2^60, as this is also run by Python."""
    return ((mixed(key) * 2654435769) >> 16) % size


def mixed(key):
    """A key in 28 bits."""
    if isinstance(key, tuple):
        out = 0
        for k in key:
            out = (out * 8191 + mixed(k)) & 0xFFFFFFF
        return out
    return folded(text_code(key) if isinstance(key, str) else key)


def as_key(key):
    """A key as tables hold it, if it can be one; the compiler knows this function."""
    return key


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


def has_text(key):
    if isinstance(key, tuple):
        return any(has_text(k) for k in key)
    return isinstance(key, str)


def missing(key):
    if has_text(key):
        raise KeyError("a string known only at run time")
    raise KeyError(key)


def dict_get(keys, values, slots, key):
    at = dict_find(keys, slots, key)
    if at < 0:
        missing(key)
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
        placed(keys, slots)


def placed(keys, slots):
    """The last key is new: it gets a slot."""
    size = len(slots)
    if 2 * len(keys) > size:
        dict_rebuild(keys, slots, 2 * size)
    else:
        at = slot_of(keys[len(keys) - 1], size)
        while slots[at] >= 0:
            at = (at + 1) % size
        slots[at] = len(keys) - 1


def slot_with(keys, slots, key, which):
    """The slot that holds the position `which` of a key."""
    at = slot_of(key, len(slots))
    while slots[at] != which:
        at = (at + 1) % len(slots)
    return at


def vacated(keys, slots, key):
    """A key goes, and the last one takes its position; those behind its slot move up (Knuth 6.4, algorithm R)."""
    size = len(slots)
    which = dict_find(keys, slots, key)
    hole = slot_with(keys, slots, key, which)
    at = (hole + 1) % size
    while slots[at] >= 0:
        first = slot_of(keys[slots[at]], size)
        if (at - first) % size >= (at - hole) % size:
            slots[hole] = slots[at]
            hole = at
        at = (at + 1) % size
    slots[hole] = -1
    last = len(keys) - 1
    if which != last:
        moved = keys[last]
        slots[slot_with(keys, slots, moved, last)] = which
        keys[which] = moved
    keys.pop()


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
        missing(key)
    pop_at(keys, at)
    pop_at(values, at)
    dict_rebuild(keys, slots, len(slots))


def dict_pop(keys, values, slots, key):
    x = dict_get(keys, values, slots, key)
    dict_delete(keys, values, slots, key)
    return x
