"""Norms: of vectors for any p, of matrices for those that NumPy has."""

from __future__ import annotations

import math
import operator

import numpy as np

from oneform.frontend.arrays import rank, transposed
from oneform.frontend.complexes import is_complex, squared_modulus
from oneform.frontend.creation import as_operand
from oneform.frontend.numbers import Operand, arithmetic, dtype_of, elementwise, op_of, to_dtype
from oneform.frontend.reductions import axes_of, is_true, reduction
from oneform.frontend.registry import Call, handles, handles_late
from oneform.frontend.values import Abstract, Arr, Num, Py, Seq, number
from oneform.frontend.written import spectral
from oneform.types import F64, I64

Order = float | str | None


@handles(np.linalg.norm)
@handles_late("scipy.linalg.norm")
def norm(c: Call) -> Abstract:
    """Without ord the root of the sum of all squares, over any axes; else of vectors (one axis) or matrices (two)."""
    t = c.t
    x, given, axis, keep = c.bind("x" if "x" in c.kwargs else "a" if "a" in c.kwargs else "x", "ord?", "axis?", "keepdims?")
    a = _floats(c, x)
    p = None if given is None else _order(c, given)
    keepdims = is_true(t, keep)
    n = rank(a) if isinstance(a, Arr) else 0
    axes = axes_of(t, axis, n)
    if axis is not None and len(axes) not in (1, 2):
        t.refuse("E101", "Improper number of dimensions to norm.", c.node)
    if p is None or p == "fro" and len(axes) == 2 or p == 2.0 and len(axes) == 1:
        return root_of_squares(c, a, axis, keepdims)
    if len(axes) == 1:
        if isinstance(p, str):
            t.refuse("E101", f"Invalid norm order '{p}' for vectors", c.node)
        return vector_norm(c, a, axis, p, keepdims)
    if len(axes) != 2:
        t.refuse("E101", "Improper number of dimensions to norm.", c.node)
    order = tuple(t.known_int(i, "axis") % n for i in axis.items) if isinstance(axis, Seq) else axes
    return matrix_norm(c, a, order[0], order[1], p, keepdims)


def _floats(c: Call, x: Abstract | None) -> Operand:
    a = as_operand(c.t, x or Py(None), c.node)
    return a if dtype_of(a).kind in "fc" else to_dtype(c.t, a, F64)


def _order(c: Call, x: Abstract) -> Order:
    if isinstance(x, Num) and x.known is not None:
        return float(x.known.real)
    if isinstance(x, Py) and isinstance(x.obj, str):
        return x.obj
    c.t.refuse("E006", "the ord of a norm must be a constant", c.node)


def root_of_squares(c: Call, a: Operand, axis: Abstract | None, keepdims: bool) -> Operand:
    squares = squared_modulus(c.t, a) if is_complex(a) else arithmetic(c.t, op_of(operator.mul), a, a)
    return elementwise(c.t, op_of(np.sqrt), [reduction(c.t, "sum", squares, axis, keepdims)])


def vector_norm(c: Call, a: Operand, axis: Abstract | None, p: float, keepdims: bool) -> Operand:
    """(sum |x|^p)^(1/p), its limits for infinite p, and the number of elements that are not zero for p = 0."""
    t = c.t
    size = elementwise(t, op_of(np.abs), [a])
    if math.isinf(p):
        return reduction(t, "max" if p > 0 else "min", size, axis, keepdims)
    if p == 0.0:
        hits = elementwise(t, op_of(operator.ne), [a, number(0)])
        return to_dtype(t, reduction(t, "sum", to_dtype(t, hits, I64), axis, keepdims), dtype_of(size))
    if p == 1.0:
        return reduction(t, "sum", size, axis, keepdims)
    if p == 2.0:
        return root_of_squares(c, a, axis, keepdims)
    total = reduction(t, "sum", arithmetic(t, op_of(operator.pow), size, number(p)), axis, keepdims)
    return arithmetic(t, op_of(operator.pow), total, number(1.0 / p))


def matrix_norm(c: Call, a: Operand, row: int, column: int, p: Order, keepdims: bool) -> Operand:
    """The largest sum along columns or rows; of singular values the largest, the smallest, the sum."""
    t = c.t
    if p in (1.0, -1.0, math.inf, -math.inf):
        assert isinstance(p, float)
        along, over = (row, column) if abs(p) == 1.0 else (column, row)
        sums = reduction(t, "sum", elementwise(t, op_of(np.abs), [a]), number(along), keepdims=True)
        both = Seq("tuple", (number(along), number(over)))
        return reduction(t, "max" if p > 0 else "min", sums, both, keepdims)
    if p not in (2.0, -2.0, "nuc"):
        t.refuse("E101", f"Invalid norm order {p!r} for matrices", c.node)
    assert isinstance(a, Arr)
    others = [k for k in range(rank(a)) if k not in (row, column)]
    matrices = transposed(t, a, (*others, row, column))
    out = t.call(t, Py(spectral.matrix_norms), [matrices, Py(p) if isinstance(p, str) else number(p)], {}, c.node)
    if keepdims:
        out = t.call(t, Py(np.expand_dims), [out, Seq("tuple", (number(row), number(column)))], {}, c.node)
    assert isinstance(out, (Num, Arr))
    return out


def vector_norm_(c: Call) -> Abstract:
    x, axis, keep, order = c.bind("x", "*", "axis?", "keepdims?", "ord?")
    p = 2.0 if order is None else _order(c, order)
    if isinstance(p, str) or p is None:
        c.t.refuse("E101", f"Invalid norm order '{p}' for vectors", c.node)
    return vector_norm(c, _floats(c, x), axis, p, is_true(c.t, keep))


def matrix_norm_(c: Call) -> Abstract:
    x, keep, order = c.bind("x", "*", "keepdims?", "ord?")
    a = _floats(c, x)
    if not isinstance(a, Arr) or rank(a) < 2:
        c.t.refuse("E103", "matrix_norm takes matrices", c.node)
    p = "fro" if order is None else _order(c, order)
    last = rank(a) - 1
    if p == "fro":
        return root_of_squares(c, a, Seq("tuple", (number(last - 1), number(last))), is_true(c.t, keep))
    return matrix_norm(c, a, last - 1, last, p, is_true(c.t, keep))


if hasattr(np.linalg, "vector_norm"):  # new in NumPy 2
    handles(np.linalg.vector_norm)(vector_norm_)
    handles(np.linalg.matrix_norm)(matrix_norm_)
