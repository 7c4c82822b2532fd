"""What NumPy's functions and methods do that give an array another shape, mostly as views of the same memory."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from oneform.frontend.arrays import places, rank, read, require_equal, shape, shown, transposed, whole
from oneform.frontend.axisless import shown_element
from oneform.frontend.creation import as_operand, copied, filled, parse_shape, product, reshaped
from oneform.frontend.index import index_array
from oneform.frontend.numbers import compare_numbers
from oneform.frontend.picks import broadcast_shape
from oneform.frontend.reductions import axes_of
from oneform.frontend.registry import Call, Handler, handles, method
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Axis, Num, Py, Seq, Slice, View, number
from oneform.types import Dim

WHOLE = Slice(None, None, None)


def array_of(t: Tracer, x: Abstract) -> Arr:
    """An operand as an array; a number has one element."""
    a = as_operand(t, x)
    if isinstance(a, Num):
        shown = filled(t, (1,), (number(1),), t.value(a))
        assert isinstance(shown, Arr)
        shown.cell.arrays = a.arrays
        return shown
    return a


def axis_of(t: Tracer, axis: Abstract, n: int) -> int:
    """One axis of n, which may be counted from the end."""
    return axes_of(t, axis, n)[0]


def viewed(t: Tracer, a: Arr, parts: Sequence[Abstract]) -> Arr:
    return index_array(t, a, Seq("tuple", tuple(parts)))


# ---------------------------------------------------------------- the same elements in order


@handles(np.reshape)
@method("reshape")
def reshape(c: Call) -> Abstract:
    kwargs = dict(c.kwargs)
    order, target = kwargs.pop("order", None), kwargs.pop("shape", None)
    copy = kwargs.pop("copy", None)
    if kwargs:
        c.t.refuse("E106", f"{c.name}() got an unexpected keyword argument '{next(iter(kwargs))}'", c.node, "The compiler knows shape, order, copy.")
    given = list(c.args[1:])
    if c.name == "np.reshape" and len(given) == 2:
        order = given.pop()
    if target is None:
        target = given[0] if len(given) == 1 else Seq("tuple", tuple(given))
    a = array_of(c.t, c.args[0])
    if copy is not None and c.t.known_int(copy, "copy"):
        fresh = copied(c.t, a)
        assert isinstance(fresh, Arr)
        a = fresh
    if not _by_columns(c, order):
        return reshaped(c.t, a, target)
    items = target.items if isinstance(target, Seq) else (target,)
    out = reshaped(c.t, _reversed_axes(c.t, a), Seq("tuple", tuple(reversed(items))))
    return _reversed_axes(c.t, out) if isinstance(out, Arr) else out


def _by_columns(c: Call, order: Abstract | None) -> bool:
    """order="F": the first index runs fastest. Arrays are kept by rows, so that "A" and "K" are "C"."""
    kind = order.obj if isinstance(order, Py) else "C"
    if kind not in ("C", "F", "A", "K", None):
        c.t.refuse("E101", f"order must be one of 'C', 'F', 'A', or 'K' (got {kind!r})", c.node)
    return kind == "F"


def _reversed_axes(t: Tracer, a: Arr) -> Arr:
    return transposed(t, a, tuple(reversed(range(rank(a)))))


@handles(np.ravel)
@method("ravel", "flatten")
def ravel(c: Call) -> Abstract:
    x, order = c.bind("a", "order?")
    a = array_of(c.t, x or Py(None))
    if _by_columns(c, order):
        a = _reversed_axes(c.t, a)
    if c.name == "flatten":
        fresh = copied(c.t, a)
        assert isinstance(fresh, Arr)
        a = fresh
    return flat(c.t, a)


def flat(t: Tracer, a: Arr) -> Arr:
    """All elements in row-major order."""
    if rank(a) == 1:
        return a
    out = reshaped(t, a, product(t, shape(t, a)[1]))
    assert isinstance(out, Arr)
    return out


# ---------------------------------------------------------------- axes


@handles(np.transpose, np.permute_dims)
@method("transpose")
def transpose(c: Call) -> Abstract:
    x = as_operand(c.t, c.args[0])
    rest = list(c.kwargs.values()) or c.args[1:]
    rest = [] if len(rest) == 1 and isinstance(rest[0], Py) and rest[0].obj is None else rest
    items = rest[0].items if len(rest) == 1 and isinstance(rest[0], Seq) else tuple(rest)
    n = rank(x) if isinstance(x, Arr) else 0
    perm = tuple(axis_of(c.t, i, n) for i in items) if rest else tuple(reversed(range(n)))
    if sorted(perm) != list(range(n)):
        c.t.refuse("E103", "axes don't match array" if len(perm) != n else "repeated axis in transpose", c.node)
    return transposed(c.t, x, perm) if isinstance(x, Arr) else x


@handles(np.matrix_transpose)
def matrix_transpose(c: Call) -> Abstract:
    a = array_of(c.t, c.only("x")[0])
    if rank(a) < 2:
        c.t.refuse("E101", "Input array must be at least 2-dimensional", c.node)
    return moved_axis(c.t, a, rank(a) - 1, rank(a) - 2)


@handles(np.swapaxes)
@method("swapaxes")
def swapaxes(c: Call) -> Abstract:
    x, i, j = c.only("a", "axis1", "axis2")
    a = array_of(c.t, x)
    perm = list(range(rank(a)))
    p, q = axis_of(c.t, i, rank(a)), axis_of(c.t, j, rank(a))
    perm[p], perm[q] = q, p
    return transposed(c.t, a, tuple(perm))


def moved_axis(t: Tracer, a: Arr, source: int, destination: int) -> Arr:
    """An axis at another place, the others in their order."""
    order = [k for k in range(rank(a)) if k != source]
    order.insert(destination, source)
    return transposed(t, a, tuple(order))


@handles(np.moveaxis)
def moveaxis(c: Call) -> Abstract:
    x, source, destination = c.only("a", "source", "destination")
    a = array_of(c.t, x)
    n = rank(a)
    froms, tos = (tuple(axis_of(c.t, i, n) for i in (s.items if isinstance(s, Seq) else (s,))) for s in (source, destination))
    if len(froms) != len(tos):
        c.t.refuse("E103", "`source` and `destination` arguments must have the same number of elements", c.node)
    if len(set(froms)) != len(froms) or len(set(tos)) != len(tos):
        c.t.refuse("E101", "repeated axis in `source` or `destination` argument", c.node)
    order = [k for k in range(n) if k not in froms]
    for to, source_ in sorted(zip(tos, froms, strict=True)):
        order.insert(to, source_)
    return transposed(c.t, a, tuple(order))


@handles(np.rollaxis)
def rollaxis(c: Call) -> Abstract:
    x, axis, start = c.bind("a", "axis", "start?")
    a = array_of(c.t, x or Py(None))
    k = axis_of(c.t, axis or Py(None), rank(a))
    to = 0 if start is None else c.t.known_int(start, "start")
    to += rank(a) if to < 0 else 0
    return moved_axis(c.t, a, k, to - 1 if k < to else to)


@handles(np.expand_dims)
def expand_dims(c: Call) -> Abstract:
    x, axis = c.only("a", "axis")
    a = as_operand(c.t, x)
    n = (rank(a) if isinstance(a, Arr) else 0) + (len(axis.items) if isinstance(axis, Seq) else 1)
    new = axes_of(c.t, axis, n)
    if isinstance(a, Num):
        return filled(c.t, (1,) * n, (number(1),) * n, c.t.value(a))
    return viewed(c.t, a, [Py(None) if k in new else WHOLE for k in range(n)])


@handles(np.squeeze)
@method("squeeze")
def squeeze(c: Call) -> Abstract:
    x, axis = c.bind("a", "axis?")
    a = as_operand(c.t, x or Py(None))
    if isinstance(a, Num):
        axes_of(c.t, axis, 0)
        return a
    dims, lengths = shape(c.t, a)
    if axis is not None:
        gone = axes_of(c.t, axis, rank(a))
        for k in gone:
            message = "cannot select an axis to squeeze out which has size not equal to one"
            if isinstance(dims[k], int) and dims[k] != 1:
                c.t.refuse("E103", message, c.node)
            require_equal(c.t, (dims[k], lengths[k]), (1, number(1)), message, [])
    else:
        gone = tuple(k for k, d in enumerate(dims) if d == 1)
        for d, n in zip(dims, lengths, strict=True):
            if not isinstance(d, int) and not c.t.proves(c.t.affine_of(n) - 2):
                more = compare_numbers(c.t, operator.ne, n, number(1))
                detail = "an axis whose length is known only at run time has length 1"
                c.t.check(more, "ValueError", f"{detail}: which axes squeeze() takes out must be said by axis=")
    out = viewed(c.t, a, [number(0) if k in gone else WHOLE for k in range(rank(a))])
    return shown_element(c.t, c.t.strong(read(c.t, out)), a) if rank(out) == 0 else out


def _atleast(n: int) -> Handler:
    def handler(c: Call) -> Abstract:
        arrays = [array_of(c.t, x) for x in c.args]
        found = tuple(with_axes(c.t, a, n) if n < 3 else with_depth(c.t, a) for a in arrays)
        return found[0] if len(found) == 1 else Seq("tuple", found)

    return handler


for _n, _f in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d)):
    handles(_f)(_atleast(_n + 1))


def with_axes(t: Tracer, a: Arr, n: int) -> Arr:
    """At least n axes, the new ones first."""
    return viewed(t, a, [*[Py(None)] * (n - rank(a)), *[WHOLE] * rank(a)]) if n > rank(a) else a


def with_depth(t: Tracer, a: Arr) -> Arr:
    """At least three axes: the last is the new one of a matrix, and a vector is in the middle."""
    missing = 3 - rank(a)
    if missing <= 0:
        return a
    first = missing - 1
    return viewed(t, a, [*[Py(None)] * first, *[WHOLE] * rank(a), Py(None)])


# ---------------------------------------------------------------- broadcasting


def stretched(t: Tracer, a: Arr, dims: tuple[Dim, ...], lengths: tuple[Num, ...]) -> Arr:
    """The view of a shape that the array fits: along the axes that are new, or had length 1, every index is the same element."""
    v = whole(t, a)
    extra = len(dims) - rank(a)
    axes: list[Axis] = []
    for x in v.axes:
        if x.out is None:
            axes.append(x)
        else:
            fixed = v.shape[x.out] == 1 and dims[x.out + extra] != 1
            axes.append(Axis(x.start, number(0) if fixed else x.step, x.out + extra))
    return Arr(a.cell, View(tuple(axes), dims, lengths, v.base, True))


def fitted(t: Tracer, a: Arr, dims: tuple[Dim, ...], lengths: tuple[Num, ...], message: str) -> Arr:
    """The same for an array that may not fit, where `message` is raised."""
    have, counts = shape(t, a)
    extra = len(dims) - len(have)
    if extra < 0:
        t.refuse("E103", "input operand has more dimensions than allowed by the axis remapping")
    for d, n, e, m in zip(have, counts, dims[extra:], lengths[extra:], strict=True):
        if d == 1:
            continue
        if isinstance(d, int) and isinstance(e, int) and d != e:
            t.refuse("E103", f"an array of shape {shown(have)} cannot be broadcast to shape {shown(dims)}")
        require_equal(t, (d, n), (e, m), message, [*counts, *lengths])
    return stretched(t, a, dims, lengths)


@handles(np.broadcast_to)
def broadcast_to(c: Call) -> Abstract:
    x, size, subok = c.bind("array", "shape", "subok?")
    del subok
    a = as_operand(c.t, x or Py(None))
    dims, lengths = parse_shape(c.t, size or Py(None))
    if isinstance(a, Num):
        return filled(c.t, dims, lengths, c.t.value(a))
    message = "operands could not be broadcast together with remapped shapes [original->remapped]: "
    return fitted(c.t, a, dims, lengths, f"{message}{places(rank(a))}  and requested shape {places(len(dims), rank(a))}")


@handles(np.broadcast_arrays)
def broadcast_arrays(c: Call) -> Abstract:
    arrays = [array_of(c.t, x) for x in c.args]
    return Seq("tuple", tuple(together(c.t, arrays)))


def together(t: Tracer, arrays: Sequence[Arr]) -> list[Arr]:
    """Arrays stretched to their common shape."""
    dims, lengths = broadcast_shape(t, arrays, "shape mismatch: objects cannot be broadcast to a single shape.", "ValueError")
    return [stretched(t, a, dims, lengths) for a in arrays]


@handles(np.broadcast_shapes)
def broadcast_shapes(c: Call) -> Abstract:
    arrays = [filled(c.t, *parse_shape(c.t, x), c.t.value(number(0))) for x in c.args]
    found = broadcast_shape(c.t, [a for a in arrays if isinstance(a, Arr)], "shape mismatch: objects cannot be broadcast to a single shape.", "ValueError")
    return Seq("tuple", found[1])


# ---------------------------------------------------------------- order reversed


def flipped(t: Tracer, a: Arr, axes: Sequence[int]) -> Arr:
    return viewed(t, a, [Slice(None, None, number(-1)) if k in axes else WHOLE for k in range(rank(a))])


@handles(np.flip)
def flip(c: Call) -> Abstract:
    x, axis = c.bind("m", "axis?")
    a = array_of(c.t, x or Py(None))
    return flipped(c.t, a, axes_of(c.t, axis, rank(a)))


@handles(np.flipud)
def flipud(c: Call) -> Abstract:
    return flipped(c.t, array_of(c.t, c.only("m")[0]), [0])


@handles(np.fliplr)
def fliplr(c: Call) -> Abstract:
    a = array_of(c.t, c.only("m")[0])
    if rank(a) < 2:
        c.t.refuse("E101", "Input must be >= 2-d.", c.node)
    return flipped(c.t, a, [1])


@handles(np.rot90)
def rot90(c: Call) -> Abstract:
    x, k, axes = c.bind("m", "k?", "axes?")
    a = array_of(c.t, x or Py(None))
    turns = 1 if k is None else c.t.known_int(k, "k")
    given = axes.items if isinstance(axes, Seq) else (number(0), number(1))
    if len(given) != 2 or rank(a) < 2:
        c.t.refuse("E101", "len(axes) must be 2, of an array with two axes at least", c.node)
    i, j = (axis_of(c.t, g, rank(a)) for g in given)
    if i == j:
        c.t.refuse("E101", "Axes must be different.", c.node)
    perm = list(range(rank(a)))
    perm[i], perm[j] = j, i
    match turns % 4:
        case 0:
            return viewed(c.t, a, [WHOLE] * rank(a))
        case 1:
            return transposed(c.t, flipped(c.t, a, [j]), tuple(perm))
        case 2:
            return flipped(c.t, a, [i, j])
        case _:
            return flipped(c.t, transposed(c.t, a, tuple(perm)), [j])
