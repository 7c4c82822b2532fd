"""What NumPy's functions that find elements and combine them in place do: nonzero, ix_, take_along_axis, pad, ufunc.at, diagonal and their like."""

from __future__ import annotations

import operator

import numpy as np

from oneform.frontend.arrays import dims_of, rank, shape, store, transposed, version
from oneform.frontend.creation import as_operand, copied, filled, reshaped, share, uninitialised
from oneform.frontend.join_api import listed_part, section
from oneform.frontend.masks import places_of
from oneform.frontend.numbers import Operand, as_value, compare_numbers, dtype_of, elementwise, is_weak, negate, promoted, scalar, to_dtype
from oneform.frontend.picks import Pick, constructed, gathered, memory_place, picked, scatter
from oneform.frontend.reductions import reduction
from oneform.frontend.registry import UFUNC_METHODS, Call, Handler, handles, indexes, method
from oneform.frontend.shape_api import WHOLE, array_of, axis_of, flat, stretched, viewed
from oneform.frontend.tracer import BY_PYTHON, Tracer
from oneform.frontend.values import Abstract, Arr, Num, Py, Seq, describe, number
from oneform.frontend.written import shapes
from oneform.ir import Value
from oneform.ops import make
from oneform.types import BOOL, I64

# ---------------------------------------------------------------- where


@handles(np.nonzero)
@method("nonzero")
def nonzero(c: Call) -> Abstract:
    return Seq("tuple", tuple(places_of(c.t, array_of(c.t, c.only("a")[0]))))


@handles(np.ix_)
def ix_(c: Call) -> Abstract:
    n = len(c.args)
    out: list[Arr] = []
    for k, x in enumerate(c.args):
        a = array_of(c.t, as_operand(c.t, x) if not (isinstance(x, Seq) and not x.items) else filled(c.t, (0,), (number(0),), c.t.value(number(0))))
        if rank(a) != 1:
            c.t.refuse("E101", "Cross index must be 1 dimensional", c.node)
        if a.cell.dtype == BOOL:
            (a,) = places_of(c.t, a)
        out.append(viewed(c.t, a, [*[Py(None)] * k, WHOLE, *[Py(None)] * (n - 1 - k)]))
    return Seq("tuple", tuple(out))


# ---------------------------------------------------------------- along an axis


def _along(c: Call, a: Arr, indices: Operand, axis: Abstract | None) -> Pick:
    """The places in which each index stands for itself along the other axes."""
    t = c.t
    if not isinstance(indices, Arr) or indices.cell.dtype.kind != "i":
        c.t.refuse("E101", "`indices` must be an integer array", c.node)
    n = rank(a)
    if rank(indices) != n:
        c.t.refuse("E103", "`indices` and `arr` must have the same number of dimensions", c.node)
    k = axis_of(t, axis or number(-1), n)
    _, lengths = shape(t, a)
    key: list[Abstract] = []
    for j, m in enumerate(lengths):
        if j == k:
            key.append(indices)
            continue
        counts = tuple(m if i == j else number(1) for i in range(n))
        at = constructed(t, dims_of(t, counts), counts, lambda index, j=j: t.value(index[j], I64))
        t.scope.memo["in range", version(t, at.cell), t.affine_of(m).key] = True
        key.append(at)
    found = picked(t, a, Seq("tuple", tuple(key)), c.node)
    assert isinstance(found, Pick)
    return found


@handles(np.take_along_axis)
def take_along_axis(c: Call) -> Abstract:
    x, indices, axis = c.bind("arr", "indices", "axis?")
    a, at = array_of(c.t, x or Py(None)), as_operand(c.t, indices or Py(None))
    if _flattened(c):
        return c.t.call(c.t, Py(np.take), [a, at], {}, c.node)
    return gathered(c.t, _along(c, a, at, axis))


def _flattened(c: Call) -> bool:
    """Whether axis=None was written."""
    given = c.kwargs.get("axis", c.args[-1] if len(c.args) > 2 else None)
    return isinstance(given, Py) and given.obj is None


@handles(np.put_along_axis)
def put_along_axis(c: Call) -> Abstract:
    x, indices, values, axis = c.bind("arr", "indices", "values", "axis?")
    at = as_operand(c.t, indices or Py(None))
    if not isinstance(x, Arr):
        c.t.refuse("E101", f"np.put_along_axis writes to an array, not to {describe(x)}", c.node)
    scatter(c.t, _along(c, x, at, axis), as_operand(c.t, values or Py(None)))
    return Py(None)


# ---------------------------------------------------------------- diagonals


def diagonal_of(t: Tracer, a: Arr, offset: Num, i: int, j: int) -> Arr:
    """The elements a[…, k + down, k + right], for axes i and j put last."""
    rest = [k for k in range(rank(a)) if k not in (i, j)]
    m = transposed(t, a, (*rest, i, j))
    _, lengths = shape(t, m)
    down, right = t.positive(t.isub(number(0), offset)), t.positive(offset)
    n = t.positive(t.imin(t.isub(lengths[-2], down), t.isub(lengths[-1], right)))
    counts = (*lengths[:-2], n)
    v = version(t, m.cell)

    def element(index: list[Num]) -> Value:
        *before, k = index
        return make.get(t.b, v, [t.value(x, I64) for x in memory_place(t, m, [*before, t.iadd(k, down), t.iadd(k, right)])])

    return constructed(t, dims_of(t, counts), counts, element)


def _diagonal(c: Call, x: Abstract | None, offset: Abstract | None, axis1: Abstract | None, axis2: Abstract | None) -> tuple[Arr, Arr]:
    a = array_of(c.t, x or Py(None))
    if rank(a) < 2:
        c.t.refuse("E101", "diag requires an array of at least two dimensions", c.node)
    i, j = axis_of(c.t, axis1 or number(0), rank(a)), axis_of(c.t, axis2 or number(1), rank(a))
    if i == j:
        c.t.refuse("E101", "axis1 and axis2 cannot be the same", c.node)
    by = number(0) if offset is None else c.t.as_index(scalar(c.t, offset, "offset"))
    return a, diagonal_of(c.t, a, by, i, j)


@handles(np.diagonal)
@method("diagonal")
def diagonal(c: Call) -> Abstract:
    a, out = _diagonal(c, *c.bind("a", "offset?", "axis1?", "axis2?"))
    share(out, a)
    return out


@handles(np.trace)
@method("trace")
def trace(c: Call) -> Abstract:
    *where, dtype, out = c.bind("a", "offset?", "axis1?", "axis2?", "dtype?", "out?")
    if dtype is not None or out is not None:
        c.t.refuse("E106", "np.trace takes no dtype and no out in compiled code", c.node, "Convert the result.")
    return reduction(c.t, "sum", _diagonal(c, *where)[1], number(-1))


# ---------------------------------------------------------------- meshes, padding, rolling


@handles(np.meshgrid)
def meshgrid(c: Call) -> Abstract:
    t = c.t
    kwargs = dict(c.kwargs)
    copy, sparse, indexing = (kwargs.pop(k, None) for k in ("copy", "sparse", "indexing"))
    if kwargs:
        t.refuse("E106", f"meshgrid() got an unexpected keyword argument '{next(iter(kwargs))}'", c.node)
    order = indexing.obj if isinstance(indexing, Py) else "xy"
    if order not in ("xy", "ij"):
        t.refuse("E101", "Valid values for `indexing` are 'xy' and 'ij'.", c.node)
    arrays = [array_of(t, x) for x in c.args]
    if any(rank(a) > 1 for a in arrays):
        t.refuse("E101", "np.meshgrid takes vectors in compiled code", c.node, "Use ravel().")
    n = len(arrays)
    axis = [1 - k if order == "xy" and n > 1 and k < 2 else k for k in range(n)]
    spread = [viewed(t, a, [WHOLE if j == axis[k] else Py(None) for j in range(n)]) for k, a in enumerate(arrays)]
    if sparse is None or not t.known_int(sparse, "sparse"):
        lengths = tuple(shape(t, arrays[axis.index(j)])[1][0] for j in range(n))
        spread = [stretched(t, a, dims_of(t, lengths), lengths) for a in spread]
    if copy is None or t.known_int(copy, "copy"):
        spread = [_array(copied(t, a)) for a in spread]
    return Seq("tuple", tuple(spread))


def _grid(sparse: bool) -> Handler:
    """np.mgrid and np.ogrid: ranges in brackets."""

    def handler(c: Call) -> Abstract:
        t = c.t
        (key,) = c.args
        if not isinstance(key, Seq):
            return listed_part(c, key)
        kwargs: dict[str, Abstract] = {"indexing": Py("ij"), "sparse": number(sparse)}
        ranges = [listed_part(c, x) for x in key.items]
        dtype = promoted(ranges)[0]
        parts = meshgrid(Call(t, "np.meshgrid", [to_dtype(t, x, dtype) for x in ranges], kwargs, c.node))
        return parts if sparse else t.call(t, Py(np.stack), [parts], {}, c.node)

    return handler


indexes(np.mgrid)(_grid(False))
indexes(np.ogrid)(_grid(True))


def _array(x: Operand) -> Arr:
    assert isinstance(x, Arr)
    return x


@handles(np.roll)
def roll(c: Call) -> Abstract:
    x, shift, axis = c.bind("a", "shift", "axis?")
    t = c.t
    a = array_of(t, x or Py(None))
    shifts = list(shift.items) if isinstance(shift, Seq) else [shift or Py(None)]
    if axis is None:
        flat_ = a if rank(a) == 1 else flat(t, a)
        total = number(0)
        for s in shifts:
            total = t.iadd(total, t.as_index(scalar(t, s, "shift")))
        out = _roll(c, flat_, total, 0)
        return out if rank(a) == 1 else reshaped(t, out, Seq("tuple", shape(t, a)[1]))
    axes = [axis_of(t, i, rank(a)) for i in (axis.items if isinstance(axis, Seq) else (axis,))]
    if len(shifts) != len(axes) and 1 not in (len(shifts), len(axes)):
        t.refuse("E103", "'shift' and 'axis' should be scalars or 1D sequences of the same length", c.node)
    n = max(len(shifts), len(axes))
    for s, k in zip(shifts * (n if len(shifts) == 1 else 1), axes * (n if len(axes) == 1 else 1), strict=True):
        a = _roll(c, a, s, k)
    return a


def _roll(c: Call, a: Arr, shift: Abstract, axis: int) -> Arr:
    return _array(c.t.call(c.t, Py(shapes.roll_along), [a, shift, number(axis)], {}, c.node))  # type: ignore[arg-type]


RULES = {"edge": shapes.edge, "wrap": shapes.wrapped, "reflect": shapes.reflected, "symmetric": shapes.mirrored}
STATISTICS = {"maximum": np.max, "mean": np.mean, "median": np.median, "minimum": np.min}


@handles(np.pad)
def pad(c: Call) -> Abstract:
    x, widths, mode, constant, ends, kind, length = c.bind(
        "array", "pad_width", "mode?", "*", "constant_values?", "end_values?", "reflect_type?", "stat_length?"
    )
    t = c.t
    a = array_of(t, x or Py(None))
    how = mode.obj if isinstance(mode, Py) else "constant"
    if ends is not None or (isinstance(kind, Py) and kind.obj != "even"):
        t.refuse("E003", "of np.pad the compiler knows no end_values, and reflect_type='even'", c.node)
    if length is not None and how not in STATISTICS:
        t.refuse("E101", f"unsupported keyword arguments for mode '{how}': stat_length", c.node)
    pairs = _pairs(c, widths or Py(None), rank(a), "pad_width")
    widths_ = [(_width(c, p), _width(c, q)) for p, q in pairs]
    if how not in ("constant", "empty", *RULES, *STATISTICS):
        known = ", ".join(repr(n) for n in ("constant", "empty", *RULES, *STATISTICS))
        t.refuse("E003", f"np.pad with mode {how!r} is not known to the compiler", c.node, f"It knows {known}.")
    fills = _pairs(c, constant or number(0), rank(a), "constant_values")
    spans = [(Py(None), Py(None))] * rank(a) if length is None else _pairs(c, length, rank(a), "stat_length")
    _, lengths = shape(t, a)
    counts = tuple(t.iadd(t.iadd(p, n), q) for (p, q), n in zip(widths_, lengths, strict=True))
    out = _array(uninitialised(t, dims_of(t, counts), counts, a.cell.dtype))
    places = [out]  # places[k]: whole along the first k axes, along the others where the array itself is
    for k in reversed(range(rank(a))):
        places.insert(0, section(t, places[0], k, widths_[k][0], lengths[k]))
    store(t, places[0], a)
    for k, ((before, behind), n) in enumerate(zip(widths_, lengths, strict=True)):
        if how in RULES:
            t.call(t, Py(shapes.pad_along), [places[k + 1], before, n, behind, number(k), Py(RULES[how])], {}, c.node)
            continue
        if how in STATISTICS:
            t.call(t, Py(shapes.pad_by), [Py(STATISTICS[how]), places[k + 1], before, n, behind, number(k), *spans[k]], {}, c.node)
            continue
        for start, width, fill in ((number(0), before, fills[k][0]), (t.iadd(before, n), behind, fills[k][1])):
            if width.known != 0:
                store(t, section(t, places[k + 1], k, start, width), to_dtype(t, scalar(t, fill, "a constant"), a.cell.dtype))
    return out


def _pairs(c: Call, x: Abstract, n: int, what: str) -> list[tuple[Abstract, Abstract]]:
    """An argument of np.pad for each axis: a number, (before, behind), or such pairs."""
    if isinstance(x, Num):
        return [(x, x)] * n
    if not isinstance(x, Seq):
        c.t.refuse("E101", f"{what} must be a number or a tuple of pairs, not {describe(x)}", c.node, "Write a tuple.")
    items = list(x.items)
    if all(isinstance(i, Num) for i in items) and len(items) in (1, 2):
        return [(items[0], items[-1])] * n
    pairs = [(i.items[0], i.items[-1]) for i in items if isinstance(i, Seq) and len(i.items) in (1, 2)]
    if len(pairs) == 1 and len(items) == 1:
        return pairs * n
    if len(pairs) != len(items) or len(pairs) != n:
        c.t.refuse("E103", f"{what} does not fit an array with {n} axes", c.node)
    return pairs


def _width(c: Call, x: Abstract) -> Num:
    n = scalar(c.t, x, "pad_width")
    if n.dtype.kind != "i":
        c.t.refuse("E101", "`pad_width` must be of integral type.", c.node)
    n = c.t.as_index(n)
    if not c.t.proves(c.t.affine_of(n)):
        c.t.check(compare_numbers(c.t, operator.ge, n, number(0)), "ValueError", "index can't contain negative values")
    return n


# ---------------------------------------------------------------- ufunc.at


def _at(c: Call) -> Abstract:
    """f.at(a, key, x): element by element, so that what comes several times counts as often."""
    t = c.t
    f, target, key, *rest = c.args
    assert isinstance(f, Py)
    if c.kwargs or len(rest) > 1:
        t.refuse("E106", f"{f.obj.__name__}.at takes an array, indices and values", c.node)
    op = BY_PYTHON.find(f.obj)
    if op is None or f.obj.nout != 1 or f.obj.nin != 1 + len(rest):
        t.refuse("E003", f"np.{f.obj.__name__}.at with {len(rest)} operands is not known to the compiler", c.node)
    if not isinstance(target, Arr):
        t.refuse("E101", f"np.{f.obj.__name__}.at changes an array, not {describe(target)}", c.node)
    place = picked(t, target, key, c.node)
    p = place if isinstance(place, Pick) else Pick(place, (), (), *shape(t, place), 0, 0, None)
    dtype = target.cell.dtype
    x: Operand = as_operand(t, rest[0]) if rest else number(0)
    same = Num(dtype, False)
    kind = dtype_of(elementwise(t, op, [_sample(t, same), _sample(t, x)] if rest else [_sample(t, same)]))
    if "bifc".index(kind.kind) > "bifc".index(dtype.kind):
        detail = f"Cannot cast ufunc '{f.obj.__name__}' output from {kind} to {dtype}"
        t.refuse("E101", detail, c.node, "Convert the values with .astype, or make the array one of floats.")

    def combine(old: Value, v: Value) -> Value:
        operands: list[Operand] = [t.strong(old)]
        if rest:
            operands.append(Num(dtype_of(x), is_weak(x), v))
        return as_value(t, elementwise(t, op, operands), dtype)

    of_same = promoted([_sample(t, same), x])[0] == dtype and dtype != BOOL
    if of_same and f.obj in (np.add, np.subtract):
        v: Operand = Num(dtype, False, t.value(x, dtype)) if isinstance(x, Num) else x
        scatter(t, p, negate(t, to_dtype(t, v, dtype)) if f.obj is np.subtract else to_dtype(t, v, dtype), added=True)
    else:
        scatter(t, p, x, combine)
    return Py(None)


def _sample(t: Tracer, x: Operand) -> Num:
    """A number of the same type, of which only the type of results is asked."""
    return Num(dtype_of(x), is_weak(x), t.value(number(1), dtype_of(x)))


UFUNC_METHODS["at"] = _at
