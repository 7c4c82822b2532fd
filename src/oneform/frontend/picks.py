"""Integer arrays and masks as indices: elements gathered from their places, and written to them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oneform.frontend.arrays import (
    check_cast,
    check_fits,
    check_writable,
    element_of,
    load,
    memory_index,
    memory_of,
    new_array,
    open_lengths,
    rank,
    read,
    require_equal,
    set_memory,
    shape,
    shown,
    store,
    version,
    whole,
    with_element,
    with_sum,
)  # fmt: skip
from oneform.frontend.axisless import shown_element
from oneform.frontend.creation import as_array
from oneform.frontend.index import index_array
from oneform.frontend.masks import places_of
from oneform.frontend.numbers import Operand, as_value
from oneform.frontend.passing import plain
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Num, Py, Ref, Seq, Slice, describe, number
from oneform.ir import Builder, Value
from oneform.ops import Term, integer, make
from oneform.types import BOOL, I64, Dim, Scalar, shape_of

LAST = 2**63 - 1
MISFIT = "shape mismatch: value array of shape {source} could not be broadcast to indexing result of shape {target}"
MASK_MISFIT = "NumPy boolean array indexing assignment cannot assign {given} input values to the {wanted} output values where the mask is true"


@dataclass(frozen=True)
class Index:
    """What an axis of a length is indexed by. Those that are not `certain` may be below 0, and count from the end."""

    value: Value
    length: Num
    certain: bool


@dataclass(frozen=True)
class Pick:
    """a[key] with arrays in the key. `base` is a[key] with those axes whole; axis axes[k] of it is indexed by indices[k]. The
    indices are broadcast to one shape, which stands at axis `at` of the result; the other axes of the base are around it."""

    base: Arr
    axes: tuple[int, ...]
    indices: tuple[Index, ...]
    shape: tuple[Dim, ...]
    lengths: tuple[Num, ...]
    inner: int  # how many axes the indices have together
    at: int
    mask: Value | None  # where that is the whole key


def picked(t: Tracer, a: Arr, key: Abstract, node: ast.AST | None = None) -> Arr | Pick:
    """a[key]: a view, or places if there are arrays in the key."""
    parts = list(key.items) if isinstance(key, Seq) and key.kind == "tuple" else [key]
    if not any(isinstance(p, (Arr, Seq, Ref)) for p in parts):
        return index_array(t, a, key, node)
    given = [_as_index(t, p, node) if isinstance(p, (Arr, Seq, Ref)) else p for p in parts]
    return _Key(t, a, given, node).pick()


def _as_index(t: Tracer, p: Arr | Seq | Ref, node: ast.AST | None) -> Arr:
    """A list among the indices is an array; an empty one is of integers."""
    if isinstance(p, Arr):
        found: Operand = p
    elif isinstance(p, Seq) and not p.items:
        found = as_array(t, p, I64, node)
    else:
        found = as_array(t, p, None, node)
    assert isinstance(found, Arr)
    if found.cell.dtype.kind not in "ib":
        t.refuse("E101", f"arrays used as indices must be of integer (or boolean) type, not {describe(found)}", node, "Convert it with .astype(int).")
    return found


def item_of_array(t: Tracer, a: Arr, key: Abstract, node: ast.AST | None = None) -> Operand:
    """a[key] as an operand."""
    found = picked(t, a, plain(t, key), node)
    if isinstance(found, Pick):
        return gathered(t, found)
    out = load(t, found)
    return shown_element(t, out, a) if isinstance(out, Num) and _with_ellipsis(plain(t, key)) else out


def _with_ellipsis(key: Abstract) -> bool:
    return any(isinstance(p, Py) and p.obj is Ellipsis for p in (key.items if isinstance(key, Seq) else (key,)))


def places_along(t: Tracer, a: Arr, at: Arr, axis: int) -> Pick:
    """a[:, …, at] for indices that are in range, none below 0."""
    dims, lengths = shape(t, a)
    inner, counts = shape(t, at)
    full = (*dims[:axis], *inner, *dims[axis + 1 :])
    all_counts = (*lengths[:axis], *counts, *lengths[axis + 1 :])
    return Pick(a, (axis,), (Index(as_value(t, at, I64), lengths[axis], True),), full, all_counts, len(inner), axis, None)


class _Key:
    """The parts of an index taken in order."""

    def __init__(self, t: Tracer, a: Arr, parts: Sequence[Abstract], node: ast.AST | None):
        self.t, self.a, self.node = t, a, node
        self.parts = self.spelt_out(parts)
        self.mask: Value | None = None

    def spelt_out(self, parts: Sequence[Abstract]) -> list[Abstract]:
        """The parts with the ellipsis, and whole axes behind the last one, written as slices."""
        used = sum(self.takes(p) for p in parts)
        dots = [k for k, p in enumerate(parts) if isinstance(p, Py) and p.obj is Ellipsis]
        if len(dots) > 1:
            self.t.refuse("E101", "an index can only have a single ellipsis ('...')", self.node)
        if used > rank(self.a):
            self.t.refuse("E103", f"too many indices: the array has {rank(self.a)} axes, but {used} were indexed", self.node)
        rest = [Slice(None, None, None)] * (rank(self.a) - used)
        at = dots[0] if dots else len(parts)
        return [*parts[:at], *rest, *parts[at + 1 :]]

    def takes(self, p: Abstract) -> int:
        """How many axes a part is about."""
        if isinstance(p, Arr) and p.cell.dtype == BOOL:
            return rank(p)
        return 0 if isinstance(p, Py) and (p.obj is None or p.obj is Ellipsis) else 1

    def pick(self) -> Pick:
        t = self.t
        basic: list[Abstract] = []  # the key with whole axes in place of the arrays
        arrays: list[tuple[int, Arr, bool]] = []  # which axis of the base, by what, and whether that is in range
        numbers: list[int] = []  # axes of `a` behind the arrays, for messages
        runs: list[int] = []  # where arrays and numbers stand: the axis of the base before which they would be
        axis, out = 0, 0
        previous = False
        for p in self.parts:
            advanced = isinstance(p, (Arr, Num))
            if advanced and not previous:
                runs.append(out - len(arrays))
            previous = advanced
            if isinstance(p, Arr) and p.cell.dtype == BOOL:
                for place in self.true_places(p, axis):
                    basic.append(Slice(None, None, None))
                    arrays.append((out, place, True))
                    numbers.append(axis)
                    axis, out = axis + 1, out + 1
            elif isinstance(p, Arr):
                basic.append(Slice(None, None, None))
                arrays.append((out, p, False))
                numbers.append(axis)
                axis, out = axis + 1, out + 1
            else:
                basic.append(p)
                axis += not (isinstance(p, Py) and p.obj is None)
                out += not isinstance(p, Num)
        base = index_array(t, self.a, Seq("tuple", tuple(basic)), self.node) if self.mask is None else self.a
        _, have = shape(t, base)
        inner_dims, inner_lengths = self.together([a for _, a, _ in arrays])
        indices: list[Index] = []
        for (at, a, certain), original in zip(arrays, numbers, strict=True):
            v = as_value(t, a, I64)
            if not certain:
                check_range(t, a, v, have[at], original)
            indices.append(Index(v, have[at], certain))
        axes = tuple(at for at, _, _ in arrays)
        rest = [k for k in range(rank(base)) if k not in axes]
        dims, lengths = shape(t, base)
        first = runs[0] if len(runs) == 1 else 0
        full = (*(dims[k] for k in rest[:first]), *inner_dims, *(dims[k] for k in rest[first:]))
        counts = (*(lengths[k] for k in rest[:first]), *inner_lengths, *(lengths[k] for k in rest[first:]))
        return Pick(base, axes, tuple(indices), full, counts, len(inner_dims), first, self.mask)

    def true_places(self, mask: Arr, axis: int) -> list[Arr]:
        """Where a mask is true, an array for each of its axes."""
        dims, lengths = shape(self.t, mask)
        have, counts = shape(self.t, self.a)
        for k, (d, n) in enumerate(zip(dims, lengths, strict=True)):
            e, m = have[axis + k], counts[axis + k]
            if isinstance(d, int) and isinstance(e, int) and d != e:
                self.t.refuse("E103", f"the mask has shape {shown(dims)}, but what it is to choose from {shown(have[axis : axis + len(dims)])}", self.node)
            message = f"boolean index did not match indexed array along axis {axis + k}; size of axis is {{0}} but size of corresponding boolean axis is {{1}}"
            require_equal(self.t, (e, m), (d, n), message, [m, n], "IndexError")
        if self.parts[0] is mask and all(isinstance(p, Slice) and p.start is p.stop is p.step is None for p in self.parts[1:]):
            self.mask = make.nonzero(self.t.b, read(self.t, mask))
        return places_of(self.t, mask)

    def together(self, arrays: Sequence[Arr]) -> tuple[tuple[Dim, ...], tuple[Num, ...]]:
        """The shape that index arrays are broadcast to."""
        return broadcast_shape(self.t, arrays, "shape mismatch: indexing arrays could not be broadcast together with shapes", "IndexError")


def broadcast_shape(t: Tracer, arrays: Sequence[Arr], message: str, error: str) -> tuple[tuple[Dim, ...], tuple[Num, ...]]:
    """The common shape of arrays, as far as types decide; that other lengths agree is checked at run time."""
    shapes = [shape(t, a) for a in arrays]
    dims: list[Dim] = []
    lengths: list[Num] = []
    for k in range(max(len(s[0]) for s in shapes), 0, -1):
        column = [(s[0][-k], s[1][-k]) for s in shapes if len(s[0]) >= k]
        d, n = next(((d, n) for d, n in column if d != 1), column[0])
        for e, m in column:
            if e == 1:
                continue
            if isinstance(d, int) and isinstance(e, int) and d != e:
                t.refuse("E103", f"{message} {' '.join(shown(s[0]) for s in shapes)}")
            places, at = [], 0
            for s in shapes:
                places.append("(" + ",".join(f"{{{at + i}}}" for i in range(len(s[0]))) + ("," if len(s[0]) == 1 else "") + ")")
                at += len(s[0])
            require_equal(t, (d, n), (e, m), f"{message} {' '.join(places)} ", [x for s in shapes for x in s[1]], error)
        dims.append(d)
        lengths.append(n)
    return tuple(dims), tuple(lengths)


# ---------------------------------------------------------------- places in range


def check_range(t: Tracer, a: Arr, v: Value, n: Num, axis: int) -> None:
    """IndexError, with the first index that is out of range, unless all are in it."""
    key = ("in range", v, t.affine_of(n).key)
    if t.scope.recall(key) is not None:
        return
    t.scope.memo[key] = True
    dims, lengths = shape(t, a)
    size = t.value(n, I64)
    counts = open_lengths(t, dims, lengths)

    def outside(b: Builder, i: list[Value]) -> Value:
        k, end = Term(b, make.get(b, v, i)), Term(b, size)
        return make.either(b, (k < -end).v, (k >= end).v)

    wrong = make.summed(t.b, (), dims, counts, lambda b, i: make.convert(b, outside(b, i), I64))
    fine = make.same(t.b, wrong, integer(t.b, 0))
    with t.region() as b:
        none = b.block(integer(b, 0))
    with t.region() as b:

        def position(inner: Builder, i: list[Value]) -> Value:
            flat = Term(inner, i[0])
            for k, m in zip(i[1:], lengths[1:], strict=True):
                flat = flat * Term(inner, t.value(m, I64)) + Term(inner, k)
            return make.select(inner, outside(inner, i), flat.v, integer(inner, LAST))

        first = make.least(t.b, dims, counts, position)
        at: list[Value] = []
        for m in reversed(lengths[1:]):
            width = t.value(m, I64)
            at.append(t.op(operator.mod, first, width))
            first = t.op(operator.floordiv, first, width)
        found = b.block(make.get(t.b, v, [first, *reversed(at)]))
    (bad,) = make.branch(t.b, fine, none, found)
    make.check(t.b, fine, "IndexError", f"index {{0}} is out of bounds for axis {axis} with size {{1}}", [bad, size])


# ---------------------------------------------------------------- reading and writing


def constructed(t: Tracer, dims: tuple[Dim, ...], lengths: Sequence[Num], element: Callable[[list[Num]], Value]) -> Arr:
    """An array computed element by element from its indices."""
    with t.region() as b:
        index: list[Num] = []
        for n in lengths:
            i = b.param(Scalar(I64))
            t.bound(i, t.affine_of(number(0)), t.affine_of(n) - 1)
            index.append(t.integer(i))
        body = b.block(element(index))
    return new_array(t, make.constructor(t.b, dims, open_lengths(t, dims, lengths), body))


def _memory_index(t: Tracer, p: Pick, index: list[Num]) -> list[Num]:
    """Where in memory an element of the result is."""
    inner, rest = index[p.at : p.at + p.inner], iter((*index[: p.at], *index[p.at + p.inner :]))
    found: dict[int, Num] = {}
    for axis, i in zip(p.axes, p.indices, strict=True):
        dims = shape_of(i.value.type)
        tail = inner[len(inner) - len(dims) :]
        k = make.get(t.b, i.value, [t.value(number(0) if d == 1 else j, I64) for d, j in zip(dims, tail, strict=True)])
        found[axis] = t.integer(k) if i.certain else _from_start(t, k, i.length)
    return memory_place(t, p.base, [found[k] if k in found else next(rest) for k in range(rank(p.base))])


def memory_place(t: Tracer, a: Arr, at: Sequence[Num]) -> list[Num]:
    """Where in memory an element of a reference is."""
    return memory_index(t, a, [t.iadd(x.start, t.imul(x.step, at[x.out])) if x.out is not None else x.start for x in whole(t, a).axes])


def _from_start(t: Tracer, k: Value, n: Num) -> Num:
    """An index in range, not below 0."""
    negative = t.op(operator.lt, k, integer(t.b, 0))
    return t.integer(make.select(t.b, negative, t.op(operator.add, k, t.value(n, I64)), k))


def gathered(t: Tracer, p: Pick) -> Arr:
    """The elements, as an array of their own."""
    v = version(t, p.base.cell)
    return constructed(t, p.shape, p.lengths, lambda index: make.get(t.b, v, [t.value(i, I64) for i in _memory_index(t, p, index)]))


Combine = Callable[[Value, Value], Value]


def scatter(t: Tracer, p: Pick, x: Operand, combine: Combine | None = None, added: bool = False) -> None:
    """a[key] = x, in order: the last of several for one place stays. With `combine` each element is combined with what is there by then; with
    `added` x, which is of the array's dtype, is added to that."""
    dtype = p.base.cell.dtype
    check_writable(t, p.base)
    if combine is None and not added:
        check_cast(t, x, dtype)
        if p.mask is not None and isinstance(x, Num):
            store_chosen(t, p, x)
            return
    whole_mask = p.mask is not None and len(p.shape) == 1 and isinstance(x, Arr) and rank(x) == 1
    check_fits(t, x, p.shape, p.lengths, MASK_MISFIT if whole_mask else MISFIT)
    source = as_value(t, x, dtype if combine is None else None)
    index: list[Num] = []

    def element() -> Value:
        dims = shape_of(source.type)
        tail = index[len(index) - len(dims) :]
        return make.get(t.b, source, [t.value(number(0) if d == 1 else i, I64) for d, i in zip(dims, tail, strict=True)]) if dims else source

    def nest(memory: Value) -> Value:
        if len(index) < len(p.lengths):
            n = p.lengths[len(index)]
            count = t.value(n, I64)
            with t.region() as b:
                i, inner = b.param(Scalar(I64)), b.param(memory.type)
                t.bound(i, t.affine_of(number(0)), t.affine_of(n) - 1)
                index.append(t.integer(i))
                body = b.block(nest(inner))
                index.pop()
            return make.repeat(t.b, count, [memory], body)[0]
        at = [t.value(i, I64) for i in _memory_index(t, p, index)]
        v = element()
        if added:
            return with_sum(t, p.base.cell, memory, v, at)
        if combine is not None:
            v = combine(element_of(t, p.base.cell, memory, at), v)
        return with_element(t, p.base.cell, memory, v, at)

    set_memory(t, p.base.cell, nest(memory_of(t, p.base.cell)))


def store_chosen(t: Tracer, p: Pick, x: Operand) -> None:
    """a[mask] = x of one number, or of an array like `a`: every element is written, those that are not chosen as they are."""
    assert p.mask is not None
    mask, new, old = p.mask, as_value(t, x, p.base.cell.dtype), read(t, p.base)

    def element(index: list[Num]) -> Value:
        at = [t.value(i, I64) for i in index]
        chosen = make.get(t.b, mask, at[: len(shape_of(mask.type))])
        return make.select(t.b, chosen, make.get(t.b, new, at) if shape_of(new.type) else new, make.get(t.b, old, at))

    store(t, p.base, constructed(t, *shape(t, p.base), element))


def augment_picked(t: Tracer, p: Pick, f: Callable[[Operand, Abstract], Abstract], right: Callable[[], Abstract]) -> None:
    """a[key] op= right: read, computed, stored. Of several indices for one place each sees what was there before."""
    before, old = read(t, p.base), gathered(t, p)
    with t.holding(p.base, old):
        x = right()
    if p.mask is not None and isinstance(x, Num):
        new = f(new_array(t, before), x)
        assert isinstance(new, (Num, Arr))
        check_writable(t, p.base)
        check_cast(t, new, p.base.cell.dtype)
        store_chosen(t, p, new)
        return
    new = f(old, x)
    assert isinstance(new, (Num, Arr))
    scatter(t, p, new)
