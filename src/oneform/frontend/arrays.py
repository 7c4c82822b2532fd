"""Array memory: reading through a path, writing through it, and what a write does to everybody else who may see the memory."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from oneform.frontend.axisless import check_no_number, written
from oneform.frontend.boxes import change_rows, poison_partners, refuse_poison, row_array, rows_at
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Arr, Axis, Base, Cell, Num, Poison, RowCell, View, number
from oneform.ir import Value
from oneform.ops import make
from oneform.types import ANY, I64, Array, Dim, DType, Scalar, element, shape_of

Shape = tuple[tuple[Dim, ...], tuple[Num, ...]]  # dimensions, and the same as lengths at run time


def new_array(t: Tracer, v: Value, name: str = "") -> Arr:
    """Fresh memory that holds a value."""
    cell = Cell(name, element(v.type), len(shape_of(v.type)))
    cell.depth = len(t.loop_indices)
    t.state.slots[cell] = v
    return Arr(cell)


def version(t: Tracer, cell: Cell) -> Value:
    """The current contents of a cell."""
    if isinstance(cell, RowCell):
        return row_array(t, cell)
    v = t.state.version(cell)
    if isinstance(v, Poison):
        refuse_poison(t, cell, v)
    assert isinstance(v, Value)
    return v


def rank(a: Arr) -> int:
    return len(a.view.shape) if a.view else a.cell.rank


def whole(t: Tracer, a: Arr) -> View:
    """The path of a reference, spelt out."""
    if a.view is not None:
        return a.view
    v = version(t, a.cell)
    axes = tuple(Axis(number(0), number(1), k) for k in range(a.cell.rank))
    return View(axes, shape_of(v.type), tuple(t.length(v, k) for k in range(a.cell.rank)))


def shape(t: Tracer, x: Num | Arr) -> Shape:
    if isinstance(x, Num):
        return (), ()
    v = whole(t, x)
    return v.shape, v.lengths


def array_type(t: Tracer, a: Arr) -> Array:
    return Array(a.cell.dtype, a.view.shape if a.view else shape_of(version(t, a.cell).type))


def open_lengths(t: Tracer, dims: Sequence[Dim], lengths: Sequence[Num]) -> list[Value]:
    """The operands that an allocation takes: one length for each dimension that is no number."""
    return [t.value(n, I64) for d, n in zip(dims, lengths, strict=True) if not isinstance(d, int)]


def dims_of(t: Tracer, lengths: Sequence[Num]) -> tuple[Dim, ...]:
    return tuple(t.dim_for(n) for n in lengths)


# ---------------------------------------------------------------- reading


def read(t: Tracer, a: Arr) -> Value:
    """The value that a reference shows now: an array, or a number where every axis is indexed."""
    v = version(t, a.cell)
    if a.view is None:
        return v
    if not a.view.shape and all(x.out is None for x in a.view.axes):
        return make.get(t.b, v, [t.value(i, I64) for i in memory_index(t, a, [x.start for x in a.view.axes])])
    if a.view.base is not None:
        v = make.reshape(t.b, v, a.view.base.dims, open_lengths(t, a.view.base.dims, a.view.base.lengths))
    return _read_view(t, v, a.view)


def memory_index(t: Tracer, a: Arr, index: list[Num]) -> list[Num]:
    """Indices along the axes that a path speaks of, as indices into the memory itself: through the row-major position if it was reshaped."""
    base = a.view.base if a.view else None
    if base is None:
        return index
    v = version(t, a.cell)
    lengths = [t.length(v, k) for k in range(a.cell.rank)]
    flat = index[0]
    for i, n in zip(index[1:], base.lengths[1:], strict=True):
        flat = t.iadd(t.imul(flat, n), i)
    out: list[Num] = []
    for n in reversed(lengths[1:]):
        quotient = t.int_divide(flat, n)
        out.append(t.isub(flat, t.imul(quotient, n)))
        flat = quotient
    return [flat, *reversed(out)]


def reshaped_view(t: Tracer, a: Arr, dims: tuple[Dim, ...], lengths: tuple[Num, ...]) -> Arr | None:
    """The memory of a whole array under another shape; None if the reference does not show the whole of it in order."""
    view = whole(t, a)
    full = view.base.dims if view.base else shape_of(version(t, a.cell).type)
    moved = any(x.out != k or x.start.known != 0 or x.step.known != 1 for k, x in enumerate(view.axes))
    if a.view is not None and (moved or view.shape != full or ANY in full):
        return None
    axes = tuple(Axis(number(0), number(1), k) for k in range(len(dims)))
    return Arr(a.cell, View(axes, dims, lengths, Base(dims, lengths), view.frozen))


def _read_view(t: Tracer, v: Value, view: View) -> Value:
    spec: list[str] = []
    operands: list[Value] = []
    order: list[int] = []  # the axes of the view in the order in which the instruction makes them
    for axis, d in zip(view.axes, shape_of(v.type), strict=True):
        if axis.out is None:
            spec.append("index")
            operands.append(t.value(axis.start, I64))
            continue
        order.append(axis.out)
        if axis.start.known == 0 and axis.step.known == 1 and view.shape[axis.out] == d and d != ANY:
            spec.append("all")
        else:
            spec.append("slice")
            operands += [t.value(axis.start, I64), t.value(axis.step, I64)]
    for k in range(len(view.shape)):
        if k not in order:
            spec.append("new")
            order.append(k)
    dims = tuple(view.shape[k] for k in order)
    if any(s != "all" for s in spec):
        v = make.view(t.b, v, tuple(spec), operands, dims, open_lengths(t, dims, [view.lengths[k] for k in order]))
    return make.transpose(t.b, v, tuple(order.index(k) for k in range(len(order)))) if order else v


def load(t: Tracer, a: Arr) -> Num | Arr:
    """A reference as an operand: the number, where it is one element."""
    return t.strong(read(t, a)) if rank(a) == 0 else a


def transposed(t: Tracer, a: Arr, perm: tuple[int, ...]) -> Arr:
    """The view whose axis k is axis perm[k] of `a`."""
    v = whole(t, a)
    axes = tuple(Axis(x.start, x.step, None if x.out is None else perm.index(x.out)) for x in v.axes)
    return Arr(a.cell, View(axes, tuple(v.shape[p] for p in perm), tuple(v.lengths[p] for p in perm), v.base, v.frozen))


# ---------------------------------------------------------------- writing


def set_version(t: Tracer, cell: Cell, v: Value, name: str = "") -> None:
    """The cell has new contents."""
    written(t, cell)
    if isinstance(cell, RowCell):
        value, indices = rows_at(t, cell.place, cell.token)
        change_rows(t, cell.place, make.put_item(t.b, value, v, indices, cell.place.fields), through=True)
        return
    poison_partners(t, cell, name)
    t.state.slots[cell] = v


def memory_of(t: Tracer, cell: Cell) -> Value:
    """What a write changes: the array, or the list in whose row it is."""
    return rows_at(t, cell.place, cell.token)[0] if isinstance(cell, RowCell) else version(t, cell)


def with_element(t: Tracer, cell: Cell, memory: Value, v: Value, indices: list[Value]) -> Value:
    """The memory with one element of the array changed."""
    if isinstance(cell, RowCell):
        return make.put_item(t.b, memory, v, [*rows_at(t, cell.place, cell.token)[1], *indices], cell.place.fields)
    return make.put(t.b, memory, v, indices)


def element_of(t: Tracer, cell: Cell, memory: Value, indices: list[Value]) -> Value:
    """An element of the array in the memory."""
    if isinstance(cell, RowCell):
        return make.item(t.b, memory, [*rows_at(t, cell.place, cell.token)[1], *indices], cell.place.fields)
    return make.get(t.b, memory, indices)


def with_sum(t: Tracer, cell: Cell, memory: Value, v: Value, indices: list[Value]) -> Value:
    """The memory with a number added to one element of the array."""
    if isinstance(cell, RowCell):
        return with_element(t, cell, memory, make.add(t.b, element_of(t, cell, memory, indices), v), indices)
    return make.put_sum(t.b, memory, v, indices)


def set_memory(t: Tracer, cell: Cell, memory: Value) -> None:
    if isinstance(cell, RowCell):
        written(t, cell)
        change_rows(t, cell.place, memory, through=True)
    else:
        set_version(t, cell, memory)


def store(t: Tracer, target: Arr, x: Num | Arr) -> None:
    """target[...] = x, with NumPy's broadcasting and conversion to the target's dtype."""
    check_cast(t, x, target.cell.dtype)
    check_writable(t, target)
    if isinstance(x, Num) and rank(target) == 0:
        v = t.value(x, target.cell.dtype)
        assert target.view is not None
        indices = [t.value(i, I64) for i in memory_index(t, target, [a.start for a in target.view.axes])]
        set_memory(t, target.cell, with_element(t, target.cell, memory_of(t, target.cell), v, indices))
        return
    dims, lengths = shape(t, target)
    check_fits(t, x, dims, lengths)
    if target.view is None:
        set_version(t, target.cell, _whole_contents(t, x, target.cell.dtype, dims, lengths))
        return
    source = t.value(x, target.cell.dtype) if isinstance(x, Num) else make.convert(t.b, read(t, x), target.cell.dtype)
    _write_loops(t, target, source, lengths)


def check_writable(t: Tracer, a: Arr) -> None:
    check_no_number(t, a)
    if a.view is not None and a.view.frozen:
        t.refuse("E105", "assignment destination is read-only: a broadcast array shows one element in several places", None, "Write to a copy.")


def _whole_contents(t: Tracer, x: Num | Arr, dtype: DType, dims: tuple[Dim, ...], lengths: Sequence[Num]) -> Value:
    """All of a cell replaced: the new contents, never shared with another cell."""
    if isinstance(x, Num):
        return make.full(t.b, t.value(x, dtype), dims, open_lengths(t, dims, lengths))
    v = read(t, x)
    new = make.broadcast(t.b, make.convert(t.b, v, dtype), dims, open_lengths(t, dims, lengths))
    return make.copy(t.b, new) if new is v and x.view is None else new


def _write_loops(t: Tracer, target: Arr, source: Value, lengths: Sequence[Num]) -> None:
    """One nested loop over the target's axes, each step a write of one element."""
    view = target.view
    assert view is not None
    index: list[Num] = []

    def element_at() -> Value:
        dims = shape_of(source.type)
        tail = index[len(index) - len(dims) :]
        return make.get(t.b, source, [t.value(number(0) if d == 1 else i, I64) for d, i in zip(dims, tail, strict=True)]) if dims else source

    def nest(memory: Value) -> Value:
        if len(index) < len(lengths):
            n = lengths[len(index)]
            if n.known == 1:
                index.append(number(0))
                out = nest(memory)
                index.pop()
                return out
            count = t.value(n, I64)
            with t.region() as b:
                i, inner = b.param(Scalar(I64)), b.param(memory.type)
                index.append(t.integer(i))
                new = nest(inner)
                index.pop()
            (out,) = make.repeat(t.b, count, [memory], b.block(new))
            return out
        at = [t.iadd(a.start, t.imul(a.step, index[a.out])) if a.out is not None else a.start for a in view.axes]
        return with_element(t, target.cell, memory, element_at(), [t.value(i, I64) for i in memory_index(t, target, at)])

    set_memory(t, target.cell, nest(memory_of(t, target.cell)))


def check_cast(t: Tracer, x: Num | Arr, to: DType) -> None:
    dtype = x.dtype if isinstance(x, Num) else x.cell.dtype
    if dtype.kind == "c" and to.kind != "c":
        t.refuse("E101", f"a complex number cannot be stored in an array of {to}")


MISFIT = "could not broadcast input array from shape {source} into shape {target}"


def check_fits(t: Tracer, x: Num | Arr, dims: tuple[Dim, ...], lengths: Sequence[Num], misfit: str = MISFIT) -> None:
    """NumPy's rule for assignment: the source is stretched, the target is not."""
    if isinstance(x, Num):
        return
    source, counts = shape(t, x)
    extra = len(source) - len(dims)
    if extra > 0:
        t.refuse("E103", f"an array of shape {shown(source)} cannot be stored where shape {shown(dims)} is expected")
    for d, n, e, m in zip(source, counts, dims[-extra:] if extra else dims, lengths[-extra:] if extra else lengths, strict=True):
        if d == 1:
            continue
        if isinstance(d, int) and isinstance(e, int) and d != e:
            t.refuse("E103", f"an array of shape {shown(source)} cannot be stored where shape {shown(dims)} is expected")
        message = misfit.format(source=places(len(source)), target=places(len(dims), len(source)), given="{0}", wanted="{1}")
        require_equal(t, (d, n), (e, m), message, [*counts, *lengths])


# ---------------------------------------------------------------- equal lengths


def shown(dims: Sequence[Dim]) -> str:
    return "(" + ", ".join(map(str, dims)) + ("," if len(dims) == 1 else "") + ")"


def places(n: int, start: int = 0) -> str:
    """A shape in an error message, to be filled in at run time."""
    return "(" + ",".join(f"{{{k}}}" for k in range(start, start + n)) + ("," if n == 1 else "") + ")"


def require_equal(t: Tracer, x: tuple[Dim, Num], y: tuple[Dim, Num], message: str, details: Sequence[Num], error: str = "ValueError") -> None:
    """Two lengths must agree: nothing if that is known, else a check at run time, once per pair."""
    if (x[0] == y[0] and x[0] != ANY) or (x[1].value is not None and x[1].value is y[1].value):
        return
    e, f = t.affine_of(x[1]), t.affine_of(y[1])
    if t.proves(e - f) and t.proves(f - e):
        return
    equal = t.op(operator.eq, t.value(x[1], I64), t.value(y[1], I64))
    make.check(t.b, equal, error, message, [t.value(d, I64) for d in details])
    t.scope.facts += [e - f, f - e]
