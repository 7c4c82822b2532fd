"""Arrays put together and taken apart: concatenate, stack, split, tile, repeat and their like."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from oneform.frontend.arrays import places, rank, require_equal, reshaped_view, set_memory, shape, shown, store, version, whole
from oneform.frontend.comprehensions import items_of_generator, listed
from oneform.frontend.creation import as_operand, parse_dtype, uninitialised
from oneform.frontend.numbers import Operand, as_value, compare_numbers, promoted, scalar
from oneform.frontend.objects import is_list, new_list
from oneform.frontend.passing import plain
from oneform.frontend.picks import item_of_array
from oneform.frontend.registry import Call, Handler, handles, indexes, method
from oneform.frontend.shape_api import WHOLE, array_of, axis_of, flat, stretched, viewed, with_axes, with_depth
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Axis, Generator, Num, Py, Ref, Seq, Slice, View, describe, number
from oneform.frontend.written import shapes
from oneform.ir import Value
from oneform.ops import make
from oneform.types import F64, I64, Dim, DType, Scalar, shape_of

# ---------------------------------------------------------------- one behind the other


def parts_of(c: Call, x: Abstract | None) -> list[Arr] | Ref | Arr:
    """The arrays in a sequence; a list of run-time length, or an array of that many rows, as it is."""
    t = c.t
    if isinstance(x, Generator):
        found = items_of_generator(t, x)
        x = Seq("list", tuple(found)) if found is not None else plain(t, listed(t, x))
    if isinstance(x, Ref) and is_list(t, x):
        return x
    if isinstance(x, Arr):
        n = shape(t, x)[1][0].known
        if n is None:
            return x
        x = Seq("tuple", tuple(_item(t, x, k) for k in range(int(n))))
    if not isinstance(x, Seq):
        t.refuse("E101", f"{c.name} takes a tuple or list of arrays, not {describe(x)}", c.node)
    if not x.items:
        t.check(number(False), "ValueError", "need at least one array to concatenate")
    return [array_of(t, i) if isinstance(as_operand(t, i), Num) else _array(t, i) for i in x.items]


def _item(t: Tracer, x: Arr, k: int) -> Abstract:
    return item_of_array(t, x, number(k))


def _array(t: Tracer, x: Abstract) -> Arr:
    a = as_operand(t, x)
    assert isinstance(a, Arr)
    return a


def joined(c: Call, arrays: Sequence[Arr], axis: int, dtype: DType | None = None) -> Arr:
    """Copies of arrays one behind the other along an axis."""
    t = c.t
    if len({rank(a) for a in arrays}) != 1:
        detail = "all the input array dimensions except for the concatenation axis must match exactly"
        t.refuse("E103", f"{detail}: the arrays have {', '.join(str(rank(a)) for a in arrays)} axes", c.node)
    dims, lengths = shape(t, arrays[0])
    total = number(0)
    starts: list[Num] = []
    for at, a in enumerate(arrays):
        starts.append(total)
        other, counts = shape(t, a)
        total = t.iadd(total, counts[axis])
        for k in range(len(dims)):
            if k != axis:
                _require_same(c, k, (dims[k], lengths[k]), (other[k], counts[k]), at)
    full = tuple(total if k == axis else n for k, n in enumerate(lengths))
    out = uninitialised(t, tuple(t.dim_for(n) for n in full), full, dtype or promoted(arrays)[0])
    assert isinstance(out, Arr)
    if len(dims) > 1 and axis == len(dims) - 1 and 1 < len(arrays) <= INTERLEAVED and all(shape(t, a)[0][axis] == 1 for a in arrays):
        _interleave(t, out, arrays)
        return out
    for a, start in zip(arrays, starts, strict=True):
        store(t, section(t, out, axis, start, shape(t, a)[1][axis]), a)
    return out


INTERLEAVED = 8  # so many columns are written in one pass


def _interleave(t: Tracer, out: Arr, arrays: Sequence[Arr]) -> None:
    """Arrays side by side, each one column along the last axis."""
    sources = [as_value(t, a, out.cell.dtype) for a in arrays]
    rows = shape(t, out)[1][:-1]
    index: list[Value] = []

    def nest(memory: Value) -> Value:
        if len(index) == len(rows):
            for k, source in enumerate(sources):
                at = [t.value(number(0), I64) if d == 1 else i for d, i in zip(shape_of(source.type), index, strict=False)]
                v = make.get(t.b, source, [*at, t.value(number(0), I64)])
                memory = make.put(t.b, memory, v, [*index, t.value(number(k), I64)])
            return memory
        n = t.value(rows[len(index)], I64)
        with t.region() as b:
            index.append(b.param(Scalar(I64)))
            body = b.block(nest(b.param(memory.type)))
            index.pop()
        return make.repeat(t.b, n, [memory], body)[0]

    set_memory(t, out.cell, nest(version(t, out.cell)))


def _require_same(c: Call, axis: int, first: tuple[Dim, Num], other: tuple[Dim, Num], at: int) -> None:
    message = f"all the input array dimensions except for the concatenation axis must match exactly, but along dimension {axis}, "
    message += f"the array at index 0 has size {{0}} and the array at index {at} has size {{1}}"
    if isinstance(first[0], int) and isinstance(other[0], int) and first[0] != other[0]:
        c.t.refuse("E103", message.format(first[0], other[0]), c.node)
    require_equal(c.t, first, other, message, [first[1], other[1]])


def section(t: Tracer, a: Arr, axis: int, start: Num, length: Num) -> Arr:
    """a[..., start : start + length, ...], known to be in range."""
    v = whole(t, a)
    axes = tuple(Axis(t.iadd(x.start, t.imul(x.step, start)), x.step, x.out) if x.out == axis else x for x in v.axes)
    dims = tuple(t.dim_for(length) if k == axis else d for k, d in enumerate(v.shape))
    return Arr(a.cell, View(axes, dims, tuple(length if k == axis else n for k, n in enumerate(v.lengths)), v.base, v.frozen))


def _dtype(c: Call, x: Abstract | None) -> DType | None:
    return None if x is None else parse_dtype(c.t, x, F64)


@handles(np.concatenate, np.concat)
def concatenate(c: Call) -> Abstract:
    axis_given = c.kwargs["axis"] if "axis" in c.kwargs else c.args[1] if len(c.args) > 1 else number(0)
    arrays, _, dtype, casting = c.bind("arrays", "axis?", "*", "dtype?", "casting?")
    del casting
    parts = parts_of(c, arrays)
    if not isinstance(parts, list):
        return _of_rows(c, parts, shapes.concatenated)
    if isinstance(axis_given, Py):  # None: all elements in order
        return joined(c, [flat(c.t, a) for a in parts], 0, _dtype(c, dtype))
    if any(isinstance(as_operand(c.t, i), Num) for i in (arrays.items if isinstance(arrays, Seq) else ())):
        c.t.refuse("E103", "zero-dimensional arrays cannot be concatenated", c.node, "Put the numbers into brackets.")
    return joined(c, parts, axis_of(c.t, axis_given, rank(parts[0])), _dtype(c, dtype))


def _of_rows(c: Call, rows: Ref | Arr, f: object) -> Abstract:
    """The arrays of a list of run-time length."""
    axis = c.kwargs.get("axis", c.args[1] if len(c.args) > 1 else number(0))
    if c.t.known_int(axis, "axis") != 0:
        c.t.refuse("E003", f"{c.name} of a list of run-time length knows axis 0 only", c.node, "Transpose the result.")
    return c.t.call(c.t, Py(f), [rows], {}, c.node)


@handles(np.stack)
def stack(c: Call) -> Abstract:
    arrays, axis, dtype, casting = c.bind("arrays", "axis?", "*", "dtype?", "casting?")
    del casting
    t = c.t
    operands = arrays.items if isinstance(arrays, Seq) else ()
    if operands and all(isinstance(as_operand(t, i), Num) for i in operands):
        return t.call(t, Py(np.array), [arrays or Py(None)], {"dtype": dtype} if dtype is not None else {}, c.node)
    parts = parts_of(c, arrays)
    if not isinstance(parts, list):
        _of_first_axis(c, axis)
        return t.call(t, Py(np.array), [parts], {}, c.node)
    n = rank(parts[0])
    if any(rank(a) != n for a in parts):
        t.refuse("E103", "all input arrays must have the same shape", c.node)
    k = axis_of(t, axis or number(0), n + 1)
    for a in parts[1:]:
        for d, m, e, p in zip(*shape(t, parts[0]), *shape(t, a), strict=True):
            if isinstance(d, int) and isinstance(e, int) and d != e:
                t.refuse("E103", "all input arrays must have the same shape", c.node)
            require_equal(t, (d, m), (e, p), "all input arrays must have the same shape", [])
    key = [Py(None) if i == k else WHOLE for i in range(n + 1)]
    return joined(c, [viewed(t, a, key) for a in parts], k, _dtype(c, dtype))


def _of_first_axis(c: Call, axis: Abstract | None) -> None:
    if axis is not None and c.t.known_int(axis, "axis") != 0:
        c.t.refuse("E003", f"{c.name} of a list of run-time length knows axis 0 only", c.node, "Transpose the result.")


def _stacked(axes: int, by: int, one: int | None = None) -> Handler:
    """Arrays with at least so many axes, joined along axis `by`; along axis `one` if they are vectors."""

    def handler(c: Call) -> Abstract:
        arrays, dtype, casting = c.bind("tup", "*", "dtype?", "casting?")
        del casting
        parts = parts_of(c, arrays)
        if not isinstance(parts, list):
            return c.t.call(c.t, Py(shapes.stacked_rows if by == 0 else shapes.concatenated), [parts], {}, c.node)
        own = [with_axes(c.t, a, axes) if axes < 3 else with_depth(c.t, a) for a in parts]
        return joined(c, own, one if one is not None and rank(own[0]) == 1 else by, _dtype(c, dtype))

    return handler


handles(np.vstack)(_stacked(2, 0))
handles(np.hstack)(_stacked(1, 1, one=0))
handles(np.dstack)(_stacked(3, 2))


@handles(np.column_stack)
def column_stack(c: Call) -> Abstract:
    parts = parts_of(c, c.only("tup")[0])
    if not isinstance(parts, list):
        c.t.refuse("E003", "np.column_stack of a list of run-time length is not known to the compiler", c.node, "Write np.array(…).T.")
    return joined(c, [viewed(c.t, a, [WHOLE, Py(None)]) if rank(a) == 1 else a for a in parts], 1)


@handles(np.append)
def append(c: Call) -> Abstract:
    a, values, axis = c.bind("arr", "values", "axis?")
    parts = [array_of(c.t, x or Py(None)) for x in (a, values)]
    if axis is None:
        return joined(c, [flat(c.t, p) for p in parts], 0)
    return joined(c, parts, axis_of(c.t, axis, rank(parts[0])))


@handles(np.block)
def block(c: Call) -> Abstract:
    (arrays,) = c.only("arrays")

    def depth(x: Abstract) -> int:
        return 1 + max(map(depth, x.items)) if isinstance(x, Seq) and x.items else 0

    levels = depth(arrays)

    def level(x: Abstract, by: int) -> Arr:
        if not isinstance(x, Seq):
            return array_of(c.t, x)
        parts = [level(i, by - 1) for i in x.items]
        n = max(max(map(rank, parts)), levels)
        return joined(c, [with_axes(c.t, p, n) for p in parts], n - by)

    return level(arrays, levels)


def listed_part(c: Call, x: Abstract) -> Operand:
    """What stands in the brackets of np.r_: a slice is a range, or with an imaginary step so many numbers from start to stop."""
    t = c.t
    if not isinstance(x, Slice):
        if isinstance(x, Py):
            t.refuse("E003", "directives of np.r_ are not known to the compiler", c.node, "Use np.concatenate.")
        return as_operand(t, x)
    start, stop = x.start or number(0), x.stop
    if stop is None:
        t.refuse("E101", "a slice in np.r_ must have an end", c.node)
    if x.step is not None and x.step.dtype.kind == "c":
        if x.step.known is None:
            t.refuse("E006", "the number of points in np.r_ must be a constant", c.node)
        out = t.call(t, Py(np.linspace), [start, stop, number(int(abs(x.step.known)))], {}, c.node)
    else:
        out = t.call(t, Py(np.arange), [start, stop, x.step or number(1)], {}, c.node)
    assert isinstance(out, Arr)
    return out


def _in_brackets(axes: int) -> Handler:
    """np.r_ joins along the first axis, np.c_ (of columns) along the last."""

    def handler(c: Call) -> Abstract:
        (key,) = c.args
        operands = [listed_part(c, x) for x in (key.items if isinstance(key, Seq) and key.kind == "tuple" else (key,))]
        arrays = [array_of(c.t, x) for x in operands]
        if axes == 2:
            arrays = [viewed(c.t, a, [WHOLE, Py(None)]) if rank(a) == 1 else a for a in arrays]
        return joined(c, arrays, 0 if axes == 1 else rank(arrays[0]) - 1, promoted(operands)[0])

    return handler


indexes(np.r_)(_in_brackets(1))
indexes(np.c_)(_in_brackets(2))


@indexes(np.s_)
def s_(c: Call) -> Abstract:
    return c.args[0]


@indexes(np.index_exp)
def index_exp(c: Call) -> Abstract:
    (key,) = c.args
    return key if isinstance(key, Seq) and key.kind == "tuple" else Seq("tuple", (key,))


# ---------------------------------------------------------------- taken apart


def _split(c: Call, a: Arr, places_: Abstract, axis: int, even: bool) -> Abstract:
    """Views of the pieces: at given places, or a given number of pieces of the same length, or nearly."""
    t = c.t
    n = shape(t, a)[1][axis]
    if isinstance(places_, Num):
        count = t.known_int(places_, "the number of pieces", c.node)
        if count <= 0:
            t.check(number(False), "ValueError", "number sections must be larger than 0.")
        short = t.floor_divide(n, count)
        rest = t.isub(n, t.imul(short, count))
        if even:
            t.check(compare_numbers(t, operator.eq, rest, number(0)), "ValueError", "array split does not result in an equal division")
        edges = [t.iadd(t.imul(short, k), number(0) if even else t.imin(rest, number(k))) for k in range(count + 1)]
        return new_list(t, tuple(_slice(t, a, axis, e, f) for e, f in zip(edges, edges[1:], strict=False)))
    if isinstance(places_, Arr):
        m = t.known_int(shape(t, places_)[1][0], "the number of pieces", c.node)
        given = [_item(t, places_, k) for k in range(m)]
    elif isinstance(places_, Seq):
        given = list(places_.items)
    else:
        t.refuse("E101", f"the places to split at must be a number or a sequence of them, not {describe(places_)}", c.node)
    edges_ = [t.as_index(scalar(t, g, "a place to split at")) for g in given]
    return new_list(t, tuple(_slice(t, a, axis, e, f) for e, f in zip([None, *edges_], [*edges_, None], strict=True)))


def _slice(t: Tracer, a: Arr, axis: int, start: Num | None, stop: Num | None) -> Arr:
    return viewed(t, a, [Slice(start, stop, None) if k == axis else WHOLE for k in range(rank(a))])


def _splitting(even: bool) -> Handler:
    def handler(c: Call) -> Abstract:
        x, at, axis = c.bind("ary", "indices_or_sections", "axis?")
        a = array_of(c.t, x or Py(None))
        return _split(c, a, at or Py(None), axis_of(c.t, axis or number(0), rank(a)), even)

    return handler


handles(np.split)(_splitting(True))
handles(np.array_split)(_splitting(False))


def _splitting_along(axis: int, least: int) -> Handler:
    def handler(c: Call) -> Abstract:
        x, at = c.only("ary", "indices_or_sections")
        a = array_of(c.t, x)
        if rank(a) < least:
            c.t.refuse("E101", f"{c.name} only works on arrays of {least} or more dimensions", c.node)
        return _split(c, a, at, axis if rank(a) > 1 else 0, True)

    return handler


handles(np.vsplit)(_splitting_along(0, 2))
handles(np.hsplit)(_splitting_along(1, 1))
handles(np.dsplit)(_splitting_along(2, 3))


@handles(np.unstack)
def unstack(c: Call) -> Abstract:
    x, axis = c.bind("x", "*", "axis?")
    a = array_of(c.t, x or Py(None))
    k = axis_of(c.t, axis or number(0), rank(a))
    n = c.t.known_int(shape(c.t, a)[1][k], "the number of arrays", c.node)
    return Seq("tuple", tuple(_piece(c.t, a, k, i) for i in range(n)))


def _piece(t: Tracer, a: Arr, axis: int, i: int) -> Abstract:
    key = Seq("tuple", tuple(number(i) if k == axis else WHOLE for k in range(rank(a))))
    return item_of_array(t, a, key)


# ---------------------------------------------------------------- several times


def repeated(t: Tracer, a: Arr, before: Sequence[Num], behind: Sequence[Num]) -> Arr:
    """Along axis k the whole before[k] times, and each element behind[k] times: written through a view of the result that has an axis for
    each of these, so that no index is ever divided."""
    _, lengths = shape(t, a)
    split: list[Num] = []
    key: list[Abstract] = []
    for r, n, k in zip(before, lengths, behind, strict=True):
        for m, part in ((r, Py(None)), (n, WHOLE), (k, Py(None))):
            if m is n or m.known != 1:
                split.append(m)
                key.append(part)
    full = tuple(t.imul(t.imul(r, n), k) for r, n, k in zip(before, lengths, behind, strict=True))
    out = uninitialised(t, tuple(t.dim_for(n) for n in full), full, a.cell.dtype)
    assert isinstance(out, Arr)
    dims = tuple(t.dim_for(n) for n in split)
    parted = reshaped_view(t, out, dims, tuple(split))
    assert parted is not None
    store(t, parted, stretched(t, viewed(t, a, key), dims, tuple(split)))
    return out


def times(c: Call, x: Abstract, what: str) -> Num:
    """A number of copies."""
    n = scalar(c.t, x, what)
    if n.dtype.kind not in "ib":
        c.t.refuse("E101", f"{what} must be an integer, not {describe(n)}", c.node)
    n = c.t.as_index(n)
    c.t.check(compare_numbers(c.t, operator.ge, n, number(0)), "ValueError", "negative dimensions are not allowed")
    return n


@handles(np.tile)
def tile(c: Call) -> Abstract:
    x, reps = c.only("A", "reps")
    t = c.t
    a = array_of(t, x)
    if isinstance(reps, Arr):
        reps = Seq("tuple", tuple(_item(t, reps, k) for k in range(t.known_int(shape(t, reps)[1][0], "the length of reps", c.node))))
    counts = [times(c, r, "a repetition") for r in (reps.items if isinstance(reps, Seq) else (reps,))]
    n = max(len(counts), rank(a))
    one = number(1)
    return repeated(t, with_axes(t, a, n), [*[one] * (n - len(counts)), *counts], [one] * n)


@handles(np.repeat)
@method("repeat")
def repeat(c: Call) -> Abstract:
    x, repeats, axis = c.bind("a", "repeats", "axis?")
    t = c.t
    a = array_of(t, x or Py(None))
    k = 0 if axis is None else axis_of(t, axis, rank(a))
    if axis is None:
        a = flat(t, a)
    counts = as_operand(t, repeats or Py(None))
    if isinstance(counts, Arr) and shape(t, counts)[0] == (1,):
        counts = _item(t, counts, 0)
    if isinstance(counts, Num):
        n = scalar(t, counts, "the number of copies")
        t.check(compare_numbers(t, operator.ge, n, number(0)), "ValueError", "negative dimensions are not allowed")
        one = number(1)
        return repeated(t, a, [one] * rank(a), [t.as_index(n) if i == k else one for i in range(rank(a))])
    assert isinstance(counts, Arr)
    dims, lengths = shape(t, a)
    (d,), (m,) = shape(t, counts)
    message = f"operands could not be broadcast together with shape {places(rank(a))} {places(1, rank(a))}"
    if isinstance(d, int) and isinstance(dims[k], int) and d != dims[k]:
        t.refuse("E103", f"operands could not be broadcast together with shape {shown(dims)} ({d},)", c.node)
    require_equal(t, (dims[k], lengths[k]), (d, m), message, [*lengths, m])
    return t.call(t, Py(shapes.repeated_each), [a, counts, number(k)], {}, c.node)
