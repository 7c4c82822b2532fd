"""Indexing: normalised indices, clamped slices, and the views they give."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from oneform.frontend.arrays import rank, whole
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Axis, Num, Py, Seq, Slice, View, describe, number
from oneform.ops import make
from oneform.types import BOOL, I64, Dim

Item = Num | Slice | None  # an index, a slice, a new axis


@dataclass(frozen=True)
class Piece:
    """A slice made concrete: elements start, start + step, … of an axis."""

    start: Num
    step: Num
    length: Num
    dim: Dim


def at_index(t: Tracer, a: Arr, i: Num, axis: int = 0) -> Arr:
    """a[..., i, ...] for an index that is known to be in range."""
    return _indexed(t, whole(t, a), a, [*[Slice(None, None, None)] * axis, i], checked=False)


def index_array(t: Tracer, a: Arr, key: Abstract, node: ast.AST | None = None) -> Arr:
    """The view a[key]."""
    parts = list(key.items) if isinstance(key, Seq) and key.kind == "tuple" else [key]
    return _indexed(t, whole(t, a), a, [*_items(t, a, parts, node)], checked=True)


def _items(t: Tracer, a: Arr, parts: Sequence[Abstract], node: ast.AST | None) -> list[Item]:
    """The parts of an index with the ellipsis written out."""
    dots = [k for k, p in enumerate(parts) if isinstance(p, Py) and p.obj is Ellipsis]
    used = sum(not (isinstance(p, Py) and (p.obj is None or p.obj is Ellipsis)) for p in parts)
    if len(dots) > 1:
        t.refuse("E101", "an index can only have a single ellipsis ('...')", node)
    if used > rank(a):
        t.refuse("E103", f"too many indices: the array has {rank(a)} axes, but {used} were indexed", node)
    at = dots[0] if dots else len(parts)
    full = [Slice(None, None, None)] * (rank(a) - used)
    rest = parts[at + 1 :] if dots else []
    return [_item(t, p, node) for p in (*parts[:at], *full, *rest)]


def _item(t: Tracer, p: Abstract, node: ast.AST | None) -> Item:
    if isinstance(p, Slice):
        return p
    if isinstance(p, Py) and p.obj is None:
        return None
    if isinstance(p, Num):
        if p.dtype == BOOL:
            t.refuse("E101", "an array cannot be indexed by a bool", node, "Convert it with int(…).")
        if p.dtype.kind != "i":
            t.refuse("E101", f"an index must be an integer, not {describe(p)}", node, "Convert it with int(…), or divide with //.")
        return t.as_index(p)
    if isinstance(p, (Arr, Seq)):
        t.refuse("E101", "indexing an array by an array or a list is not supported", node, "Loop over the indices, or use np.where for a mask.")
    t.refuse("E101", f"{describe(p)} is no index", node)


def _indexed(t: Tracer, view: View, a: Arr, items: list[Item], checked: bool) -> Arr:
    """The path into the memory after another indexing step."""
    feeds = {x.out: k for k, x in enumerate(view.axes) if x.out is not None}  # memory axis of each axis of the view
    axes = list(view.axes)
    dims: list[Dim] = []
    lengths: list[Num] = []
    source = 0
    items = [*items, *[Slice(None, None, None)] * (len(view.shape) - sum(i is not None for i in items))]
    for position, item in enumerate(items):
        if item is None:
            dims.append(1)
            lengths.append(number(1))
            continue
        d, n, memory = view.shape[source], view.lengths[source], feeds.get(source)
        if isinstance(item, Num):
            i = normalised(t, item, n, sum(x is not None for x in items[:position])) if checked else item
            if memory is not None:
                axes[memory] = Axis(_offset(t, view.axes[memory], i), number(1), None)
        else:
            piece = slice_piece(t, item, d, n)
            if memory is not None:
                old = view.axes[memory]
                axes[memory] = Axis(_offset(t, old, piece.start), t.imul(old.step, piece.step), len(dims))
            dims.append(piece.dim)
            lengths.append(piece.length)
        source += 1
    return Arr(a.cell, View(tuple(axes), tuple(dims), tuple(lengths), view.base, view.frozen))


def _offset(t: Tracer, axis: Axis, i: Num) -> Num:
    return t.iadd(axis.start, t.imul(axis.step, i))


def normalised(t: Tracer, i: Num, n: Num, axis: int | None) -> Num:
    """A Python index as one from 0 to n-1; IndexError at run time if it is out of range, unless that is impossible."""
    e, length = t.affine_of(i), t.affine_of(n)
    if t.proves(e) and t.proves(length - e - 1):
        return i
    if i.known is not None and i.known < 0 and t.proves(length + e):
        return t.iadd(n, i)
    key = ("index", e.key, length.key, axis)
    found: Num | None = t.scope.recall(key)
    if found is not None:
        return found
    out = t.scope.memo[key] = t.integer(make.index(t.b, t.value(i, I64), t.value(n, I64), axis))
    if t.proves(e):  # it came through: it was in range
        assert out.value is not None
        t.affine[out.value] = e
    atom = t.affine_of(out)
    t.scope.facts += [atom, length - atom - 1]
    return out


# ---------------------------------------------------------------- slices


def slice_piece(t: Tracer, s: Slice, d: Dim, n: Num) -> Piece:
    """A slice of an axis of length n, clamped as Python does."""
    step = 1 if s.step is None else t.known_int(s.step, "the step of a slice")
    if step == 0:
        t.refuse("E101", "slice step cannot be zero")
    if s.start is None and s.stop is None and step == 1:
        return Piece(number(0), number(1), n, d)
    closed = _closed_form(s, n, step)
    if closed is not None:  # where the slice is empty its start does not matter
        return _piece(t, number(0) if s.start is None else s.start, n, 1, t.positive(t.isub(n, closed)))
    if step > 0:
        start = _clamped(t, s.start, n) if s.start is not None else number(0)
        stop = _clamped(t, s.stop, n) if s.stop is not None else n
        return _piece(t, start, stop, step, None)
    start = _clamped_down(t, s.start, n) if s.start is not None else t.isub(n, 1)
    stop = _clamped_down(t, s.stop, n) if s.stop is not None else number(-1)
    whole_ = s.start is None and s.stop is None and step == -1
    return _piece(t, start, stop, step, n if whole_ else None)


def _piece(t: Tracer, start: Num, stop: Num, step: int, length: Num | None) -> Piece:
    if length is None:
        length = _span(t, start, stop, step)
    return Piece(start, number(step), length, t.dim_for(length))


def _span(t: Tracer, start: Num, stop: Num, step: int) -> Num:
    """max(0, ceil((stop - start) / step)); the same for the same operands."""
    distance = t.isub(stop, start) if step > 0 else t.isub(start, stop)
    k = abs(step)
    if k > 1:
        distance = t.floor_divide(t.iadd(distance, k - 1), k)
    return t.positive(distance)


def _closed_form(s: Slice, n: Num, step: int) -> int | None:
    """c, if the bounds are constants that make the length max(0, n - c): then x[1:], x[:-1] and zeros(n - 1) are known to agree."""
    lo = 0 if s.start is None else s.start.known
    hi = 0 if s.stop is None else s.stop.known
    if step != 1 or n.known is not None or not isinstance(lo, int) or not isinstance(hi, int) or lo < 0 or hi > 0 or (s.stop is not None and hi == 0):
        return None
    return lo - hi


def _clamped(t: Tracer, x: Num, n: Num) -> Num:
    """A bound of a slice that goes up, in 0 ... n."""
    return _clamp(t, _index_number(t, x), n, number(0), n)


def _clamped_down(t: Tracer, x: Num, n: Num) -> Num:
    """A bound of a slice that goes down, in -1 ... n-1."""
    return _clamp(t, _index_number(t, x), n, number(-1), t.isub(n, 1))


def _index_number(t: Tracer, x: Num) -> Num:
    if x.dtype.kind != "i":
        t.refuse("E101", f"a bound of a slice must be an integer, not {describe(x)}")
    return t.as_index(x)


def _clamp(t: Tracer, x: Num, n: Num, low: Num, high: Num) -> Num:
    e = t.affine_of(x)
    if t.proves(e):
        return t.imin(x, high)
    if t.proves(e * -1 - 1):
        return t.imax(t.iadd(x, n), low)
    key = ("wrapped", e.key, t.affine_of(n).key, low.known)
    found = t.scope.recall(key)
    if found is None:
        negative = t.below_zero(x)
        shifted = t.integer(make.select(t.b, negative, t.value(t.iadd(x, n), I64), t.value(x, I64)))
        found = t.scope.memo[key] = t.imin(t.imax(shifted, low), high)
    return found


