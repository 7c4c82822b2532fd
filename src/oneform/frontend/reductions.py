"""Sums, products, extremes, means over axes."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform.frontend.arrays import new_array, open_lengths, rank, read, shape
from oneform.frontend.complexes import is_complex, squared_modulus
from oneform.frontend.numbers import (
    Operand,
    arithmetic,
    as_value,
    check_shapes,
    compare,
    compare_numbers,
    dtype_of,
    elementwise,
    op_of,
    promoted,
    to_dtype,
    truth,
    wrap,
)
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Num, Py, Seq, number
from oneform.ir import Value
from oneform.ops import make
from oneform.types import BOOL, F64, I64, DType, real_dtype, shape_of


def axes_of(t: Tracer, axis: Abstract | None, n: int) -> tuple[int, ...]:
    """An axis= argument as sorted axis numbers; None is all of them."""
    if axis is None or (isinstance(axis, Py) and axis.obj is None):
        return tuple(range(n))
    items = axis.items if isinstance(axis, Seq) else (axis,)
    found: list[int] = []
    for i in items:
        k = t.known_int(i, "axis")
        if not -n <= k < n:
            t.refuse("E103", f"axis {k} is out of bounds for array of dimension {n}")
        found.append(k % n)
    if len(set(found)) != len(found):
        t.refuse("E101", "duplicate value in axis")
    return tuple(sorted(found))


def is_true(t: Tracer, x: Abstract | None) -> bool:
    return x is not None and bool(t.known_int(x, "keepdims"))


def reduction(t: Tracer, kind: str, x: Operand, axis: Abstract | None, keepdims: bool = False, dtype: DType | None = None) -> Operand:
    """sum, prod, max or min over axes."""
    base = dtype_of(x)
    wanted = dtype or (I64 if kind in ("sum", "prod") and base.kind in "bi" else base)
    if isinstance(x, Num):
        axes_of(t, axis, 0)
        return to_dtype(t, x, wanted)
    axes = axes_of(t, axis, rank(x))
    if not axes:
        return to_dtype(t, x, wanted)
    if kind in ("max", "min"):
        _check_not_empty(t, kind, x, axes)
        if base == BOOL:
            count = make.convert(t.b, read(t, x), I64)
            return _kept(t, x, axes, make.nonzero(t.b, make.reduce(t.b, kind, count, axes)), keepdims)
    return _kept(t, x, axes, make.reduce(t.b, kind, as_value(t, x, wanted), axes), keepdims)


def _kept(t: Tracer, x: Arr, axes: Sequence[int], v: Value, keepdims: bool) -> Operand:
    if not keepdims:
        return wrap(t, v)
    dims, lengths = shape(t, x)
    full = tuple(1 if k in axes else d for k, d in enumerate(dims))
    counts = [number(1) if k in axes else n for k, n in enumerate(lengths)]
    if not shape_of(v.type):
        return new_array(t, make.full(t.b, v, full, ()))
    spec = tuple("new" if k in axes else "all" for k in range(len(dims)))
    return new_array(t, make.view(t.b, v, spec, [], full, open_lengths(t, full, counts)))


def _check_not_empty(t: Tracer, kind: str, x: Arr, axes: Sequence[int]) -> None:
    message = f"zero-size array to reduction operation {'maximum' if kind == 'max' else 'minimum'} which has no identity"
    _, lengths = shape(t, x)
    for k in axes:
        n = lengths[k]
        if n.known == 0:
            t.check(number(False), "ValueError", message)
        if n.known is None and not t.proves(t.affine_of(n) - 1):
            c = compare_numbers(t, operator.gt, n, number(0))
            t.check(c, "ValueError", message)


def count(t: Tracer, x: Operand, axis: Abstract | None) -> Num:
    """How many elements a reduction takes together."""
    if isinstance(x, Num):
        return number(1)
    out = number(1)
    _, lengths = shape(t, x)
    for k in axes_of(t, axis, rank(x)):
        out = t.imul(out, lengths[k])
    return out


def chosen(
    t: Tracer, kind: str, x: Operand, axis: Abstract | None, keepdims: bool, dtype: DType | None, initial: Operand | None, where: Operand | None
) -> Operand:
    """A reduction of the elements for which `where` holds, and of `initial`."""
    if where is not None:
        if kind in ("max", "min") and initial is None:
            name = "maximum" if kind == "max" else "minimum"
            t.refuse("E106", f"reduction operation '{name}' does not have an identity, so to use a where mask one has to specify 'initial'")
        x = masked(t, x, where, initial if kind in ("max", "min") and initial is not None else number(0 if kind == "sum" else 1))
    out = reduction(t, kind, x, axis, keepdims, dtype)
    return out if initial is None else elementwise(t, op_of(_JOIN[kind]), [out, initial])


_JOIN: dict[str, Any] = {"sum": operator.add, "prod": operator.mul, "max": np.maximum, "min": np.minimum}


def masked(t: Tracer, x: Operand, where: Operand, other: Operand) -> Operand:
    """x where the condition holds, else `other`."""
    holds = truth(t, where) if isinstance(where, Num) else to_dtype(t, where, BOOL)
    dtype = promoted([x, other])[0]
    check_shapes(t, [holds, x])
    return wrap(t, make.select(t.b, as_value(t, holds, BOOL), as_value(t, x, dtype), as_value(t, other, dtype)))


def _population(t: Tracer, x: Operand, axis: Abstract | None, keepdims: bool, where: Operand | None) -> Operand:
    """How many elements each result is made of, in the dtype of x where there are several counts."""
    if where is None:
        return count(t, x, axis)
    counted = reduction(t, "sum", masked(t, ones_like(t, x), where, number(0)), axis, keepdims)
    return to_dtype(t, counted, real_dtype(dtype_of(x)))


def ones_like(t: Tracer, x: Operand) -> Operand:
    dims, lengths = shape(t, x)
    one = t.value(number(1), I64)
    return wrap(t, make.full(t.b, one, dims, open_lengths(t, dims, lengths)) if dims else one)


def mean(t: Tracer, x: Operand, axis: Abstract | None, keepdims: bool = False, where: Operand | None = None) -> Operand:
    x = to_float(t, x)
    total = reduction(t, "sum", x if where is None else masked(t, x, where, number(0)), axis, keepdims)
    return arithmetic(t, op_of(operator.truediv), total, _population(t, x, axis, keepdims, where))


def variance(t: Tracer, x: Operand, axis: Abstract | None, ddof: Num, keepdims: bool = False, where: Operand | None = None) -> Operand:
    """The mean of the squared deviations from the mean, with count - ddof in place of count."""
    x = to_float(t, x)
    deviation = arithmetic(t, op_of(operator.sub), x, mean(t, x, axis, True, where))
    squares = squared_modulus(t, deviation) if is_complex(deviation) else arithmetic(t, op_of(operator.mul), deviation, deviation)
    total = reduction(t, "sum", squares if where is None else masked(t, squares, where, number(0)), axis, keepdims)
    return arithmetic(t, op_of(operator.truediv), total, arithmetic(t, op_of(operator.sub), _population(t, x, axis, keepdims, where), ddof))


def to_float(t: Tracer, x: Operand) -> Operand:
    return x if dtype_of(x).kind in "fc" else to_dtype(t, x, F64)


def any_of(t: Tracer, x: Operand, axis: Abstract | None, keepdims: bool = False) -> Operand:
    """Whether an element is true."""
    if isinstance(x, Num):
        return truth(t, x)
    hits = _counted(t, x)
    return compare(t, op_of(operator.gt), reduction(t, "sum", hits, axis, keepdims), number(0), strong=True)


def all_of(t: Tracer, x: Operand, axis: Abstract | None, keepdims: bool = False) -> Operand:
    """Whether every element is true."""
    if isinstance(x, Num):
        return truth(t, x)
    misses = new_array(t, make.convert(t.b, make.invert(t.b, make.nonzero(t.b, read(t, x))), I64))
    return compare(t, op_of(operator.eq), reduction(t, "sum", misses, axis, keepdims), number(0), strong=True)


def _counted(t: Tracer, x: Arr) -> Arr:
    return new_array(t, make.convert(t.b, make.nonzero(t.b, read(t, x)), I64))


