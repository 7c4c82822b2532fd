"""Arrays made from shapes, numbers and sequences."""

from __future__ import annotations

import ast
import operator
from typing import Any

import numpy as np

from oneform.frontend import library
from oneform.frontend.arrays import new_array, open_lengths, rank, read, require_equal, reshaped_view, shape, store, version
from oneform.frontend.axisless import shown_element
from oneform.frontend.boxes import partner
from oneform.frontend.forms import CellForm, NumForm, RowsForm, SeqForm
from oneform.frontend.index import at_index
from oneform.frontend.numbers import Operand, arithmetic, compare_numbers, dtype_of, op_of, promoted, to_dtype
from oneform.frontend.passing import plain, see
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Num, Opt, Py, Ref, RowCell, Rows, Seq, describe, number
from oneform.ir import Builder, Value
from oneform.ops import Term, constant, integer, make
from oneform.types import BY_NUMPY, F64, I64, Dim, DType


def parse_dtype(t: Tracer, x: Abstract | None, default: DType) -> DType:
    """A dtype= argument."""
    if x is None or (isinstance(x, Py) and x.obj is None):
        return default
    if isinstance(x, Py):
        try:
            found = BY_NUMPY.get(np.dtype(x.obj))
        except TypeError:
            found = None
        if found is not None:
            return found
        repair = "Use bool, np.int32, np.int64, np.float32, np.float64, np.complex64 or np.complex128."
        t.refuse("E101", f"the dtype {x.obj!r} is not supported", None, repair)
    t.refuse("E101", f"a dtype is expected, not {describe(x)}")


def parse_shape(t: Tracer, x: Abstract) -> tuple[tuple[Dim, ...], tuple[Num, ...]]:
    """A shape argument: a number or a tuple of numbers."""
    items = x.items if isinstance(x, Seq) and x.kind in ("tuple", "list") else (x,)
    lengths: list[Num] = []
    for i in items:
        if not isinstance(i, Num) or i.dtype.kind not in "ib":
            t.refuse("E101", f"a shape is made of integers, not {describe(i)}")
        n = t.as_index(i)
        if n.known is None and not t.proves(t.affine_of(n)):
            t.check(_at_least(t, n, 0), "ValueError", "negative dimensions are not allowed")
        elif n.known is not None and n.known < 0:
            t.check(number(False), "ValueError", "negative dimensions are not allowed")
        lengths.append(n)
    return tuple(t.dim_for(n) for n in lengths), tuple(lengths)


def _at_least(t: Tracer, n: Num, k: int) -> Num:
    return compare_numbers(t, operator.ge, n, number(k))


def filled(t: Tracer, dims: tuple[Dim, ...], lengths: tuple[Num, ...], v: Value) -> Operand:
    if not dims:
        return t.strong(v)
    return new_array(t, make.full(t.b, v, dims, open_lengths(t, dims, lengths)))


def uninitialised(t: Tracer, dims: tuple[Dim, ...], lengths: tuple[Num, ...], dtype: DType) -> Operand:
    if not dims:
        return t.strong(constant(t.b, 0, dtype))
    return new_array(t, make.empty(t.b, dtype, dims, open_lengths(t, dims, lengths)))


def copied(t: Tracer, x: Operand, dtype: DType | None = None) -> Operand:
    """A new array with the same elements."""
    if isinstance(x, Num):
        return to_dtype(t, x, dtype or x.dtype)
    v = read(t, x)
    if dtype is not None and dtype != x.cell.dtype:
        return to_dtype(t, x, dtype)
    return new_array(t, make.copy(t.b, v) if v is version(t, x.cell) else v)


def as_array(t: Tracer, x: Abstract, dtype: DType | None = None, node: ast.AST | None = None) -> Operand:
    """np.array(x): a new array."""
    if isinstance(x, (Num, Arr)):
        return copied(t, x, dtype)
    if isinstance(x, Ref):
        inner = see(t, x)
        if not isinstance(inner, Seq):
            return _of_rows(t, x, dtype, node)
        x = inner
    if not isinstance(x, Seq) or x.kind not in ("tuple", "list"):
        t.refuse("E101", f"{describe(x)} cannot become an array", node)
    items = [as_operand(t, i, node) for i in x.items]
    if dtype is None:
        dtype = promoted(items)[0] if items else F64
    shapes = [shape(t, i) for i in items]
    if len({len(s[0]) for s in shapes}) > 1:
        t.refuse("E103", "the items of the sequence have different shapes", node)
    dims, lengths = shapes[0] if shapes else ((), ())
    for other, counts in shapes[1:]:
        if any(isinstance(d, int) and isinstance(e, int) and d != e for d, e in zip(dims, other, strict=True)):
            t.refuse("E103", "the items of the sequence have different shapes", node)
        for d, n, e, m in zip(dims, lengths, other, counts, strict=True):
            require_equal(t, (d, n), (e, m), "setting an array element with a sequence. The items have different shapes.", [])
    full: tuple[Dim, ...] = (len(items), *dims)
    all_lengths = (number(len(items)), *lengths)
    out = new_array(t, make.empty(t.b, dtype, full, open_lengths(t, full, all_lengths)))
    for k, item in enumerate(items):
        store(t, at_index(t, out, number(k)), item)
    return out


def _of_rows(t: Tracer, x: Ref, dtype: DType | None, node: ast.AST | None) -> Operand:
    """An array of the items of a list of run-time length."""
    inner = see(t, x)
    form = inner.item if isinstance(inner, Rows) else x.form.item if isinstance(x.form, RowsForm) else None
    if form is None:
        if isinstance(inner, Rows):
            return as_array(t, Seq("list", ()), dtype, node)
        t.refuse("E101", f"{describe(inner)} cannot become an array", node)
    if not isinstance(form, (NumForm, CellForm, RowsForm)) and not (isinstance(form, SeqForm) and form.kind == "tuple"):
        t.refuse("E101", "a list of such things cannot become an array", node)
    kind = dtype or _dtype_in(form) or F64
    f = library.of_numbers if isinstance(form, NumForm) else library.of_arrays if isinstance(form, CellForm) else library.of_lists
    out = t.call(t, Py(f), [x, Py(kind.numpy)], {}, node or t.here.source.node)
    assert isinstance(out, (Num, Arr))
    return out


def _dtype_in(form: Any) -> DType | None:
    """The dtype of the numbers in the items of a list."""
    if isinstance(form, NumForm):
        return form.dtype
    if isinstance(form, CellForm):
        return form.type.dtype
    inside = form.items if isinstance(form, SeqForm) else (form.item,) if isinstance(form, RowsForm) else ()
    found = [d for d in map(_dtype_in, inside) if d is not None]
    return promoted([Num(d, False) for d in found])[0] if found else None


def as_operand(t: Tracer, x: Abstract, node: ast.AST | None = None) -> Operand:
    """A number or array; sequences of numbers become arrays, as NumPy's functions take them."""
    if isinstance(x, (Num, Arr)):
        return x
    if isinstance(x, Ref) or (isinstance(x, Seq) and x.kind in ("tuple", "list")):
        return as_array(t, x, node=node)
    if isinstance(x, Opt):
        t.check(x.there, "TypeError", "unsupported operand type: 'NoneType'")
        return as_operand(t, plain(t, x.item), node)
    t.refuse("E101", f"a number or an array is expected, not {describe(x)}", node)


def arange(t: Tracer, start: Num, stop: Num, step: Num, dtype: DType) -> Operand:
    """start + i * step for i below ceil((stop - start) / step)"""
    length = _arange_length(t, start, stop, step)
    dim = t.dim_for(length)
    first, by = t.value(start, dtype), t.value(step, dtype)

    def item(b: Builder, i: list[Value]) -> Value:
        k = Term(b, make.convert(b, i[0], dtype))
        return (Term(b, first) + k * Term(b, by)).v if not (start.known == 0 and step.known == 1) else k.v

    return new_array(t, make.generate(t.b, (dim,), open_lengths(t, (dim,), (length,)), item))


def _arange_length(t: Tracer, start: Num, stop: Num, step: Num) -> Num:
    if all(n.dtype.kind in "ib" for n in (start, stop, step)) and step.known is not None and step.known != 0:
        k = int(step.known)
        distance = t.isub(stop, start) if k > 0 else t.isub(start, stop)
        return t.positive(t.floor_divide(t.iadd(distance, abs(k) - 1), abs(k)) if abs(k) > 1 else distance)
    distance = arithmetic(t, op_of(operator.sub), stop, start)
    steps = arithmetic(t, op_of(operator.truediv), distance, step)
    assert isinstance(steps, Num)
    up = t.op(np.ceil, t.value(steps, F64))
    return t.positive(t.integer(make.convert(t.b, up, I64)))


def reshaped(t: Tracer, x: Arr, target: Abstract) -> Operand:
    """The same elements in another shape; NumPy's result may share memory with x, ours is marked so."""
    items = list(target.items) if isinstance(target, Seq) and target.kind in ("tuple", "list") else [target]
    if not all(isinstance(i, Num) and i.dtype.kind == "i" for i in items):
        t.refuse("E101", "a shape is made of integers")
    numbers: list[Num] = [t.as_index(i) for i in items if isinstance(i, Num)]
    size = product(t, shape(t, x)[1])
    free = [k for k, n in enumerate(numbers) if n.known == -1]
    if len(free) > 1:
        t.refuse("E101", "can only specify one unknown dimension")
    if free:
        others = product(t, [n for k, n in enumerate(numbers) if k != free[0]])
        if others.known is not None and size.known is not None and others.known:
            numbers[free[0]] = number(int(size.known) // int(others.known))
        elif others.known == 1:
            numbers[free[0]] = size
        else:
            numbers[free[0]] = t.integer(t.op(operator.floordiv, t.value(size, I64), t.value(t.imax(others, number(1)), I64)))
    dims, lengths = parse_shape(t, Seq("tuple", tuple(numbers)))
    _same_size(t, size, product(t, lengths), numbers, free)
    if not dims:
        return shown_element(t, t.strong(make.get(t.b, read(t, x), [integer(t.b, 0)] * rank(x))), x)
    same_memory = reshaped_view(t, x, dims, lengths)
    if same_memory is not None:
        return same_memory
    out = new_array(t, make.reshape(t.b, read(t, x), dims, open_lengths(t, dims, lengths)))
    if x.view is None or not x.view.frozen:
        share(out, x)
    return out


def _same_size(t: Tracer, size: Num, other: Num, numbers: list[Num], free: list[int]) -> None:
    if size.known is not None and other.known is not None and size.known != other.known:
        t.refuse("E103", f"cannot reshape an array of size {size.known} into shape ({', '.join(str(n.known) for n in numbers)})")
    e, f = t.affine_of(size), t.affine_of(other)
    if t.proves(e - f) and t.proves(f - e):
        return
    equal = compare_numbers(t, operator.eq, size, other)
    places = ",".join("newaxis" if k in free else f"{{{k + 1}}}" for k in range(len(numbers)))
    t.check(equal, "ValueError", f"cannot reshape array of size {{0}} into shape ({places}{',' if len(numbers) == 1 else ''})", [size, *numbers])


def share(a: Arr, b: Arr) -> None:
    """Two arrays may be the same memory."""
    partner(a.cell, b.cell.place.box if isinstance(b.cell, RowCell) else b.cell)


def product(t: Tracer, lengths: Any) -> Num:
    out = number(1)
    for n in lengths:
        out = t.imul(out, n)
    return out


def like(t: Tracer, x: Operand, dtype: DType | None) -> tuple[tuple[Dim, ...], tuple[Num, ...], DType]:
    dims, lengths = shape(t, x)
    return dims, lengths, dtype or dtype_of(x)

