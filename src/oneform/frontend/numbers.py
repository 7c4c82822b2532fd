"""Arithmetic on numbers and arrays: NumPy's promotion, broadcasting, comparison, truth."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneform.frontend.arrays import new_array, places, read, require_equal, shape, shown
from oneform.frontend.promotion import Operand, dtype_of, is_weak, promoted
from oneform.frontend.tracer import BY_PYTHON, Tracer
from oneform.frontend.values import Abstract, Arr, Num, Py, Seq, describe, number
from oneform.ir import Op, Value
from oneform.ops import make
from oneform.types import BOOL, F64, I64, DType, Scalar

SMALL_POWER = 64  # integer exponents up to this size are multiplied out


def op_of(f: Callable[..., Any]) -> Op:
    return BY_PYTHON[id(f)]


ADD, MULTIPLY, SUBTRACT = op_of(operator.add), op_of(operator.mul), op_of(operator.sub)
DIVIDE, FLOOR, REMAINDER, POWER = op_of(operator.truediv), op_of(operator.floordiv), op_of(operator.mod), op_of(operator.pow)
MATMUL = op_of(operator.matmul) if id(operator.matmul) in BY_PYTHON else op_of(np.matmul)
SHIFTS = (op_of(operator.lshift), op_of(operator.rshift))
COMPARISONS = {op_of(f): f for f in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)}


def operand(t: Tracer, x: Abstract, what: str = "an operand") -> Operand:
    """A value that takes part in arithmetic."""
    if isinstance(x, (Num, Arr)):
        return x
    t.refuse("E101", f"{what} must be a number or an array, not {describe(x)}")


def scalar(t: Tracer, x: Abstract, what: str) -> Num:
    if isinstance(x, Num):
        return x
    t.refuse("E101", f"{what} must be a number, not {describe(x)}")


def real_scalar(t: Tracer, x: Abstract, what: str) -> Num:
    """A number that has an order."""
    n = scalar(t, x, what)
    if n.dtype.kind == "c":
        t.refuse("E101", f"{what} must be a real number, not {describe(n)}", None, "Take abs(z), z.real or z.imag.")
    return n


# ---------------------------------------------------------------- pointwise operations


def pointwise(t: Tracer, op: Op, operands: Sequence[Operand], dtype: DType, weak: bool, **attrs: Any) -> Operand:
    """An operation on operands converted to one dtype and broadcast."""
    check_shapes(t, operands)
    values = [as_value(t, x, dtype) for x in operands]
    return wrap(t, t.b.emit1(op, *values, **attrs), weak)


def as_value(t: Tracer, x: Operand, dtype: DType | None = None) -> Value:
    dtype = dtype or dtype_of(x)
    return t.value(x, dtype) if isinstance(x, Num) else make.convert(t.b, read(t, x), dtype)


def wrap(t: Tracer, v: Value, weak: bool = False) -> Operand:
    return Num(v.type.dtype, weak, v) if isinstance(v.type, Scalar) else new_array(t, v)


def check_shapes(t: Tracer, operands: Sequence[Operand]) -> None:
    """Broadcasting is decided by type: only a length that is known to be 1 is stretched. Others must agree, at run time if need be."""
    arrays = [x for x in operands if isinstance(x, Arr)]
    if len(arrays) < 2:
        return
    shapes = [shape(t, x) for x in arrays]
    dims = [s[0] for s in shapes]
    for k in range(1, max(map(len, dims)) + 1):
        column = [(s[0][-k], s[1][-k], s) for s in shapes if len(s[0]) >= k and s[0][-k] != 1]
        for d, n, s in column[1:]:
            e, m, first = column[0]
            if isinstance(d, int) and isinstance(e, int) and d != e:
                t.refuse("E103", "operands could not be broadcast together with shapes " + " ".join(map(shown, dims)))
            message = f"operands could not be broadcast together with shapes {places(len(first[0]))} {places(len(s[0]), len(first[0]))} "
            require_equal(t, (e, m), (d, n), message, [*first[1], *s[1]])


def elementwise(t: Tracer, op: Op, operands: Sequence[Operand], strong: bool = True) -> Operand:
    """A function of the table on operands promoted to a dtype that it has."""
    dtype, weak = promoted(operands)
    if op in COMPARISONS:
        return compare(t, op, *operands, strong=strong)
    if op in (ADD, SUBTRACT, MULTIPLY, DIVIDE, FLOOR, REMAINDER, POWER, *SHIFTS):
        return arithmetic(t, op, *operands, strong=strong)
    if not make.fits(op, dtype.kind) and dtype.kind != "c":
        dtype = I64 if dtype.kind == "b" and make.fits(op, "i") else F64
    if not make.fits(op, dtype.kind):
        t.refuse("E101", f"no such operation on {' and '.join(describe(x) for x in operands)}")
    return pointwise(t, op, operands, dtype, weak and not strong)


# ---------------------------------------------------------------- arithmetic


def arithmetic(t: Tracer, op: Op, a: Operand, b: Operand, strong: bool = False) -> Operand:
    """+ - * / // % ** << >> of two operands. `strong`: the result is a NumPy number even if both are Python's."""
    dtype, weak = promoted([a, b])
    weak = weak and not strong
    if dtype.kind == "c" and op in (FLOOR, REMAINDER, *SHIFTS):
        t.refuse("E101", f"complex numbers have no {_WITHOUT[op]}: the operands are {describe(a)} and {describe(b)}", None, "Work on z.real and z.imag.")
    folded = _fold(t, op, a, b) if not strong else None
    if folded is not None:
        return folded
    if op is POWER:
        return power(t, a, b, dtype, weak)
    if op is DIVIDE:
        return pointwise(t, op, [a, b], F64 if dtype.kind in "bi" else dtype, weak)
    if dtype == BOOL:
        if weak or op not in (ADD, MULTIPLY):
            if not weak and op is SUBTRACT:
                t.refuse("E101", "NumPy does not subtract bools", None, "Use ^ or np.logical_xor, or convert with .astype(int).")
            dtype = I64
        else:
            op = op_of(operator.or_ if op is ADD else operator.and_)
    if op in (FLOOR, REMAINDER) and dtype.kind == "i":
        _check_divisor(t, op, b, dtype)
    out = pointwise(t, op, [a, b], dtype, weak)
    if isinstance(out, Num) and isinstance(a, Num) and isinstance(b, Num) and op in (ADD, SUBTRACT, MULTIPLY) and dtype == I64:
        t.learn_arithmetic({ADD: operator.add, SUBTRACT: operator.sub, MULTIPLY: operator.mul}[op], a, b, out)
    return out


_WITHOUT = {FLOOR: "floor division", REMAINDER: "remainder", SHIFTS[0]: "bits", SHIFTS[1]: "bits"}
_PYTHON: dict[Op, Any] = {
    ADD: operator.add, SUBTRACT: operator.sub, MULTIPLY: operator.mul, DIVIDE: operator.truediv, FLOOR: operator.floordiv,
    REMAINDER: operator.mod, POWER: operator.pow, SHIFTS[0]: operator.lshift, SHIFTS[1]: operator.rshift, **COMPARISONS,
}


def _fold(t: Tracer, op: Op, a: Operand, b: Operand) -> Num | None:
    """Arithmetic on two constants of the program is Python's own."""
    if not (isinstance(a, Num) and isinstance(b, Num)) or a.known is None or b.known is None:
        return None
    try:
        result: Any = _PYTHON[op](a.known, b.known)
    except (ArithmeticError, ValueError):
        return None
    if isinstance(result, int) and not isinstance(result, bool) and not -(2**63) <= result < 2**63:
        t.refuse("E301", f"the integer {result} does not fit i64")
    if isinstance(result, complex) and not (isinstance(a.known, complex) or isinstance(b.known, complex)):
        return None  # (-8.0) ** 0.5: NaN, as for numbers that are not known
    return number(result) if isinstance(result, (bool, int, float, complex)) else None


def _check_divisor(t: Tracer, op: Op, b: Operand, dtype: DType) -> None:
    """Python raises where an integer is divided by zero."""
    message = "integer division or modulo by zero" if op is FLOOR else "integer modulo by zero"
    if isinstance(b, Num):
        if b.known is not None and b.known != 0:
            return
        form = t.affine_of(b) if dtype == I64 else None
        if form is not None and (t.proves(form - 1) or t.proves(form * -1 - 1)):
            return
        t.check(compare_numbers(t, operator.ne, b, number(0)), "ZeroDivisionError", message)
        return
    v = as_value(t, b)
    zeros = make.convert(t.b, t.op(operator.eq, v, t.value(number(0), dtype)), I64)
    count = make.reduce(t.b, "sum", zeros, tuple(range(len(shape(t, b)[0]))))
    t.check(compare_numbers(t, operator.eq, t.integer(count), number(0)), "ZeroDivisionError", message)


def power(t: Tracer, a: Operand, b: Operand, dtype: DType, weak: bool) -> Operand:
    n = b.known if isinstance(b, Num) else None
    if dtype == BOOL:
        dtype = I64
    if isinstance(n, complex) and n.imag == 0.0:
        n = n.real
    if n is not None and not isinstance(n, complex) and float(n).is_integer() and abs(n) <= SMALL_POWER:
        if n < 0 and dtype.kind == "i":
            dtype = F64
        return wrap(t, make.power(t.b, as_value(t, a, dtype), int(n)), weak)
    if dtype.kind == "i":
        check_shapes(t, [a, b])
        return wrap(t, make.integer_power(t.b, as_value(t, a, dtype), as_value(t, b, dtype)), weak)
    return pointwise(t, POWER, [a, b], dtype, weak)


def negate(t: Tracer, a: Operand) -> Operand:
    if isinstance(a, Num) and a.known is not None:
        return number(-a.known)
    if dtype_of(a) == BOOL:
        if not is_weak(a):
            t.refuse("E101", "NumPy does not negate bools with -", None, "Use ~ or np.logical_not.")
        return negate(t, Num(I64, True, t.value(a, I64))) if isinstance(a, Num) else a
    out = pointwise(t, op_of(operator.neg), [a], dtype_of(a), is_weak(a))
    if isinstance(out, Num) and out.value is not None and out.dtype == I64 and isinstance(a, Num):
        t.affine[out.value] = t.affine_of(a) * -1
    return out


# ---------------------------------------------------------------- comparison and truth


def compare(t: Tracer, op: Op, a: Operand, b: Operand, strong: bool = False) -> Operand:
    dtype, weak = promoted([a, b])
    if dtype.kind == "c" and COMPARISONS[op] not in (operator.eq, operator.ne):
        t.refuse("E101", f"complex numbers have no order: {describe(a)} and {describe(b)} are compared", None, "Compare abs(z), z.real or z.imag.")
    folded = _fold(t, op, a, b)
    if folded is not None:
        return folded
    out = pointwise(t, op, [a, b], dtype, weak and not strong)
    if isinstance(out, Num) and isinstance(a, Num) and isinstance(b, Num) and dtype == I64 and out.value is not None:
        t.conditions[out.value] = _facts(t, COMPARISONS[op], a, b)
    return out


def compare_numbers(t: Tracer, f: Callable[..., Any], a: Num, b: Num) -> Num:
    """a f b of two numbers."""
    out = compare(t, op_of(f), a, b)
    assert isinstance(out, Num)
    return out


def _facts(t: Tracer, f: Any, a: Num, b: Num) -> tuple[list[Any], list[Any]]:
    """What follows from an integer comparison that holds, and from one that does not."""
    x, y = t.affine_of(t.as_index(a)), t.affine_of(t.as_index(b))
    less, greater = [y - x - 1], [x - y - 1]
    at_most, at_least = [y - x], [x - y]
    return {
        operator.lt: (less, at_least), operator.le: (at_most, greater), operator.gt: (greater, at_most), operator.ge: (at_least, less),
        operator.eq: (at_most + at_least, []), operator.ne: ([], at_most + at_least),
    }[f]


def truth(t: Tracer, x: Abstract) -> Num:
    """What `if x` asks."""
    if isinstance(x, Num):
        if x.known is not None:
            return number(bool(x.known))
        if x.dtype == BOOL:
            return x
        return compare_numbers(t, operator.ne, x, number(0))
    if isinstance(x, Arr):
        t.refuse("E101", "the truth of an array is ambiguous", None, "Say np.any(…) or np.all(…), or compare one element.")
    if isinstance(x, Seq):
        return number(len(x.items) > 0 or x.kind == "record")
    return number(bool(x.obj) if isinstance(x, Py) else True)


def negated(t: Tracer, c: Num) -> Num:
    """not c"""
    if c.known is not None:
        return number(not c.known)
    out = Num(BOOL, c.weak, make.invert(t.b, t.value(c, BOOL)))
    if out.value is not None:
        t.implied[out.value, True], t.implied[out.value, False] = [(c, False)], [(c, True)]
    if c.value is not None and c.value in t.conditions and out.value is not None:
        yes, no = t.conditions[c.value]
        t.conditions[out.value] = (no, yes)
    return out


def conjunction(t: Tracer, a: Num, b: Num, either: bool = False) -> Num:
    """a and b (or a or b), both already evaluated."""
    if a.known is not None:
        return b if bool(a.known) != either else a
    if b.known is not None:
        return a if bool(b.known) != either else b
    f = make.either if either else make.both
    out = Num(BOOL, a.weak and b.weak, f(t.b, t.value(a, BOOL), t.value(b, BOOL)))
    if out.value is not None:
        t.implied[out.value, not either] = [(a, not either), (b, not either)]
        t.conditions[out.value] = ([], t.facts(a, False) + t.facts(b, False)) if either else (t.facts(a, True) + t.facts(b, True), [])
    return out


# ---------------------------------------------------------------- conversions


def to_dtype(t: Tracer, x: Operand, dtype: DType, weak: bool = False) -> Operand:
    """x as another dtype."""
    if dtype_of(x).kind == "c" and dtype.kind in "if":
        t.refuse("E101", f"{describe(x)} does not become {dtype}: that would lose the imaginary part", None, "Take z.real, or abs(z).")
    if isinstance(x, Num) and x.known is not None and weak:
        kinds: dict[str, Any] = {"b": bool, "i": int, "f": float, "c": complex}
        return number(kinds[dtype.kind](x.known))
    if isinstance(x, Num) and dtype == BOOL:
        c = truth(t, x)
        return Num(BOOL, weak, t.value(c, BOOL))
    v = as_value(t, x) if isinstance(x, Num) else read(t, x)
    if dtype == BOOL:
        return wrap(t, make.nonzero(t.b, v), weak)
    new = make.convert(t.b, v, dtype)
    if isinstance(x, Num) and new is not v and dtype == I64 and x.dtype.kind in "b":
        return Num(I64, weak, new)
    return wrap(t, new, weak)


def python_number(t: Tracer, x: Num, dtype: DType) -> Num:
    """float(x), int(x), bool(x), complex(x)"""
    if x.known is not None and isinstance(x.known, float) and not math.isfinite(x.known) and dtype == I64:
        t.refuse("E101", f"int({x.known}) is not an integer")
    out = to_dtype(t, x, dtype, weak=True)
    assert isinstance(out, Num)
    return out
