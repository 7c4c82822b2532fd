"""How rows of lists lie in memory: fields side by side, as compiled code and whoever hands it lists must agree on.

A number is a field as it is (two for a complex one), a small array its elements in place, a larger one its address and its open lengths, a
list its address, its number of rows and the number of rows that there is room for."""

from __future__ import annotations

import functools
import math

from oneform.types import Array, List, Scalar, Type

SMALL_ELEMENTS = 64  # arrays of known shape up to this size live on the machine stack, where LLVM turns them into registers


def is_small(t: Type) -> bool:
    """Whether values of this type live on the machine stack, and in place in a row."""
    if not isinstance(t, Array):
        return False
    lengths = [d for d in t.shape if isinstance(d, int)]
    return len(lengths) == t.rank and math.prod(lengths) <= SMALL_ELEMENTS


def _fields(t: Type) -> list[tuple[int, int]]:
    """(bytes, alignment) of each field of a column."""
    match t:
        case Scalar(d):
            size = d.bits // 8
            return [(size // 2, size // 2)] * 2 if d.kind == "c" else [(size, size)]
        case Array(d, shape):
            if is_small(t):
                return [(d.bits // 8 * math.prod(int(n) for n in shape), 8)]
            return [(8, 8)] * (1 + sum(not isinstance(n, int) for n in shape))
        case List():
            return [(8, 8)] * 3


@functools.lru_cache(4096)
def layout(s: List) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Offsets of the fields of each column, and the size of a row."""
    at = 0
    offsets: list[tuple[int, ...]] = []
    for t in s.items:
        row: list[int] = []
        for size, align in _fields(t):
            at = (at + align - 1) // align * align
            row.append(at)
            at += size
        offsets.append(tuple(row))
    return tuple(offsets), max(8, (at + 7) // 8 * 8)
