"""The rewrite table: which expressions equal simpler ones. Every row states its equation and holds for every operand, infinities and NaN included."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform.ir import Builder, Function, Instr, Value
from oneform.ops import OPS, constant, dim, integer
from oneform.optimise.facts import compare, constant_of, in_range, integer_of, linear, not_negative
from oneform.optimise.rewrite import Rewriter, Rule
from oneform.types import BOOL, C64, C128, I64, Array, DType, Scalar, element, real_dtype, same_dim, shape_of


def simplify(f: Function) -> Function:
    return Rewriter(_RULES, (_fold,)).function(f)


# A pattern is an operation's name followed by operand patterns: a variable (the same value wherever the same letter
# stands), a number (a constant; 0.0 and -0.0 are told apart), or a pattern again. The third entry limits the row to
# operands of these kinds of dtype: f(loat), i(nteger), b(ool), c(omplex). Commutative operations carry their constant second.
ROWS: tuple[tuple[Any, Any, str], ...] = (
    # sums
    (("add", "x", 0), "x", "i"),  # x + 0 = x
    (("add", "x", -0.0), "x", "f"),  # x + -0.0 = x (x + 0.0 is 0.0 for x = -0.0)
    (("sub", "x", 0), "x", "i"),  # x - 0 = x
    (("sub", "x", 0.0), "x", "f"),  # x - 0.0 = x
    (("sub", "x", "x"), 0, "i"),  # x - x = 0 (floats: inf - inf is NaN)
    (("sub", 0, "x"), ("neg", "x"), "i"),  # 0 - x = -x
    (("sub", -0.0, "x"), ("neg", "x"), "f"),  # -0.0 - x = -x
    (("add", "x", ("neg", "y")), ("sub", "x", "y"), "fic"),  # x + -y = x - y
    (("add", ("neg", "x"), "y"), ("sub", "y", "x"), "fic"),  # -x + y = y - x
    (("sub", "x", ("neg", "y")), ("add", "x", "y"), "fic"),  # x - -y = x + y
    (("sub", ("add", "x", "y"), "x"), "y", "i"),  # (x + y) - x = y
    (("sub", ("add", "x", "y"), "y"), "x", "i"),  # (x + y) - y = x
    (("add", ("sub", "x", "y"), "y"), "x", "i"),  # (x - y) + y = x
    (("neg", ("neg", "x")), "x", "fic"),  # --x = x
    (("neg", ("sub", "x", "y")), ("sub", "y", "x"), "i"),  # -(x - y) = y - x (floats: the sign of 0)
    # products
    (("mul", "x", 1), "x", "fi"),  # 1 x = x
    (("mul", "x", 0), 0, "i"),  # 0 x = 0 (floats: 0 inf is NaN)
    (("mul", "x", -1), ("neg", "x"), "fi"),  # -1 x = -x
    (("mul", ("neg", "x"), ("neg", "y")), ("mul", "x", "y"), "fi"),  # (-x) (-y) = x y
    (("mul", ("neg", "x"), "y"), ("neg", ("mul", "x", "y")), "fi"),  # (-x) y = -(x y)
    (("mul", "x", ("neg", "y")), ("neg", ("mul", "x", "y")), "fi"),  # x (-y) = -(x y)
    (("div", ("neg", "x"), "y"), ("neg", ("div", "x", "y")), "f"),  # (-x) / y = -(x / y)
    (("div", "x", ("neg", "y")), ("neg", ("div", "x", "y")), "f"),  # x / (-y) = -(x / y)
    (("div", "x", 1), "x", "f"),  # x / 1 = x
    (("div", "x", -1), ("neg", "x"), "f"),  # x / -1 = -x
    (("floordiv", "x", 1), "x", "i"),  # x // 1 = x
    (("mod", "x", 1), 0, "i"),  # x % 1 = 0
    (("square", ("neg", "x")), ("square", "x"), "fi"),  # (-x)² = x²
    (("square", ("abs", "x")), ("square", "x"), "fi"),  # |x|² = x²
    (("abs", ("neg", "x")), ("abs", "x"), "fi"),  # |-x| = |x|
    (("abs", ("abs", "x")), ("abs", "x"), "fi"),  # ||x|| = |x|
    (("shl", "x", 0), "x", "i"),  # x << 0 = x
    (("shr", "x", 0), "x", "i"),  # x >> 0 = x
    # complex numbers
    (("real", ("complex", "x", "y")), "x", "c"),  # Re(x + iy) = x
    (("imag", ("complex", "x", "y")), "y", "c"),  # Im(x + iy) = y
    (("complex", ("real", "z"), ("imag", "z")), "z", "f"),  # Re z + i Im z = z
    (("conj", ("conj", "z")), "z", "c"),  # the conjugate of the conjugate
    (("real", ("conj", "z")), ("real", "z"), "c"),  # Re conj z = Re z
    (("imag", ("conj", "z")), ("neg", ("imag", "z")), "c"),  # Im conj z = -Im z
    (("conj", ("complex", "x", "y")), ("complex", "x", ("neg", "y")), "c"),  # conj(x + iy) = x - iy
    # choices
    (("select", True, "x", "y"), "x", "fibc"),  # where(true, x, y) = x
    (("select", False, "x", "y"), "y", "fibc"),  # where(false, x, y) = y
    (("select", "c", "x", "x"), "x", "fibc"),  # where(c, x, x) = x
    (("select", ("not", "c"), "x", "y"), ("select", "c", "y", "x"), "fibc"),  # where(not c, x, y) = where(c, y, x)
    (("select", "c", True, False), "c", "b"),  # where(c, true, false) = c
    (("select", "c", ("select", "c", "x", "y"), "z"), ("select", "c", "x", "z"), "fibc"),  # the inner choice is made already
    (("select", "c", "x", ("select", "c", "y", "z")), ("select", "c", "x", "z"), "fibc"),
    (("maximum", "x", "x"), "x", "fi"),  # max(x, x) = x
    (("minimum", "x", "x"), "x", "fi"),  # min(x, x) = x
    (("maximum", ("maximum", "x", "y"), "y"), ("maximum", "x", "y"), "i"),  # max(max(x, y), y) = max(x, y)
    # truth
    (("and", "x", True), "x", "b"),  # x and true = x
    (("and", "x", False), False, "b"),  # x and false = false
    (("or", "x", False), "x", "b"),  # x or false = x
    (("or", "x", True), True, "b"),  # x or true = true
    (("xor", "x", False), "x", "b"),  # x xor false = x
    (("xor", "x", True), ("not", "x"), "b"),  # x xor true = not x
    (("and", "x", "x"), "x", "bi"),  # x and x = x
    (("or", "x", "x"), "x", "bi"),  # x or x = x
    (("and", "x", ("not", "x")), False, "b"),  # x and not x = false
    (("or", "x", ("not", "x")), True, "b"),  # x or not x = true
    (("not", ("not", "x")), "x", "bi"),  # not not x = x
    (("eq", "x", True), "x", "b"),  # (x = true) = x
    (("eq", "x", False), ("not", "x"), "b"),  # (x = false) = not x
    (("ne", "x", False), "x", "b"),  # (x ≠ false) = x
    # comparisons (with NaN every ordering is false, so only = and ≠ are complements for floats)
    (("eq", "x", "x"), True, "ib"),  # x = x
    (("le", "x", "x"), True, "ib"),  # x <= x
    (("ge", "x", "x"), True, "ib"),  # x >= x
    (("ne", "x", "x"), False, "ib"),  # not x ≠ x
    (("lt", "x", "x"), False, "fib"),  # not x < x
    (("gt", "x", "x"), False, "fib"),  # not x > x
)
ARITHMETIC = frozenset({"add", "sub", "mul", "neg"})  # what may carry the permission to reassociate
_RELAXED: dict[str, Any] = {"reassoc": True}
COMPLEMENTS = {"eq": "ne", "ne": "eq", "lt": "ge", "ge": "lt", "gt": "le", "le": "gt"}
COMMUTES = frozenset({"add", "mul", "and", "or", "xor", "eq", "ne"})  # x ∘ y = y ∘ x, for every dtype
COMMUTES_INTEGER = frozenset({"maximum", "minimum"})  # for floats the order decides between 0.0 and -0.0

# ---------------------------------------------------------------- matching rows


def _rows(rows: Sequence[tuple[Any, Any, str]]) -> Rule:
    """The rows of one operation as a rule: the first that matches."""
    prepared = [(pattern[1:], tuple(map(_head, pattern[1:])), replacement, kinds) for pattern, replacement, kinds in rows]

    def rule(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
        if len(i.outs) != 1 or not isinstance(i.outs[0].type, Scalar):
            return None
        kind = element(i.args[-1].type).kind
        heads = [d.op.name if (d := rw.defs.get(a)) is not None else "" for a in i.args]
        for operands, wanted, replacement, kinds in prepared:
            if kind not in kinds or any(w and w != h for w, h in zip(wanted, heads, strict=True)):
                continue
            bound: dict[str, Value] = {}
            if all(_match(rw, p, a, bound) for p, a in zip(operands, i.args, strict=True)):
                return (_replace(rw.new, replacement, bound, i.outs[0].type.dtype, bool(i.attrs.get("reassoc"))),)
        return None

    return rule


def _head(pattern: Any) -> str:
    """The operation that must have computed an operand; "" if any may."""
    return "" if isinstance(pattern, str) else pattern[0] if isinstance(pattern, tuple) else "const"


def _match(rw: Rewriter, pattern: Any, v: Value, bound: dict[str, Value]) -> bool:
    if isinstance(pattern, str):
        return bound.setdefault(pattern, v) is v
    if not isinstance(pattern, tuple):
        return _is_constant(constant_of(rw, v), pattern)
    parts: tuple[Any, ...] = pattern
    d = rw.defs.get(v)
    return d is not None and d.op.name == parts[0] and all(_match(rw, p, a, bound) for p, a in zip(parts[1:], d.args, strict=True))


def _is_constant(value: Any, wanted: Any) -> bool:
    if value is None or isinstance(value, complex) or value != wanted:
        return False
    return not isinstance(value, float) or value != 0.0 or math.copysign(1.0, value) == math.copysign(1.0, wanted)


def _replace(b: Builder, replacement: Any, bound: dict[str, Value], dtype: DType, relaxed: bool) -> Value:
    if isinstance(replacement, str):
        return bound[replacement]
    if not isinstance(replacement, tuple):
        return constant(b, replacement, dtype)
    parts: tuple[Any, ...] = replacement
    operands = [_replace(b, p, bound, dtype, relaxed) for p in parts[1:]]
    return b.emit1(OPS[parts[0]], *operands, **(_RELAXED if relaxed and parts[0] in ARITHMETIC else {}))


# ---------------------------------------------------------------- rules that no pattern expresses


def _fold(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """An operation on numbers that are all known is its reference's result."""
    if not i.args or i.regions or len(i.outs) != 1 or not isinstance(i.outs[0].type, Scalar):
        return None
    values: list[Any] = []
    for a in i.args:
        c = constant_of(rw, a)
        if c is None:
            return None
        values.append(element(a.type).numpy.type(c))
    if not _foldable(i, values):
        return None
    try:
        (result,) = i.op.ref(*values, attrs=i.attrs, regions=())
    except Exception:  # the program raises it at run time, where it belongs
        return None
    return (constant(rw.new, result, i.outs[0].type.dtype),)


def _foldable(i: Instr, values: list[Any]) -> bool:
    """Not where NumPy's answer is an accident of the machine: integers divided by zero, floats too large for an integer, shifts past the end."""
    if i.op.name in ("floordiv", "mod", "shl", "shr") and element(i.args[0].type).kind == "i":
        return (values[1] != 0 and not (values[1] == -1)) if i.op.name in ("floordiv", "mod") else 0 <= values[1] < 32
    if i.op.name == "convert" and element(i.args[0].type).kind == "f" and i.attrs["dtype"].kind == "i":
        return bool(np.isfinite(values[0]) and abs(values[0]) < 2.0 ** (i.attrs["dtype"].bits - 1))
    return True


def _constant_second(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """c ∘ x = x ∘ c"""
    if constant_of(rw, i.args[0]) is None or constant_of(rw, i.args[1]) is not None:
        return None
    if i.op.name in COMMUTES_INTEGER and element(i.args[0].type).kind != "i":
        return None
    return rw.new.emit(i.op, i.args[1], i.args[0], **i.attrs)


def _gather_constants(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """(x ± c) ± d = x + (±c ± d), for integers"""
    d = integer_of(rw, i.args[1])
    inner = rw.defs.get(i.args[0])
    if d is None or inner is None or inner.op.name not in ("add", "sub") or i.args[0].type != Scalar(I64):
        return None
    c = integer_of(rw, inner.args[1])
    if c is None:
        return None
    total = (c if inner.op.name == "add" else -c) + (d if i.op.name == "add" else -d)
    return rw.new.emit(OPS["add"], inner.args[0], integer(rw.new, total)) if -(2**62) < total < 2**62 else None


def _relaxed_sum(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """x + 0.0 = x up to the sign of zero, which the accumulation of derivatives disregards"""
    if not i.attrs.get("reassoc") or not isinstance(i.outs[0].type, Scalar):
        return None
    for a, other in (i.args, i.args[::-1]):
        if constant_of(rw, a) == 0:
            return (other,)
    return None


def _negated_product(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """-(x c) = x (-c)"""
    inner = rw.defs.get(i.args[0])
    if inner is None or inner.op.name != "mul" or not isinstance(i.outs[0].type, Scalar) or i.outs[0].type.dtype.kind == "c":
        return None
    c = constant_of(rw, inner.args[1])
    return None if c is None else rw.new.emit(inner.op, inner.args[0], constant(rw.new, -c, i.outs[0].type.dtype), **inner.attrs)


def _relaxed_product(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """Where products may be reassociated: (x c) d = x (c d), and v (a / b) = (v a) (1 / b), since 1 / b serves the other operand's derivative too"""
    if not i.attrs.get("reassoc") or not isinstance(i.outs[0].type, Scalar) or i.outs[0].type.dtype.kind not in "fc":
        return None
    dtype = i.outs[0].type.dtype
    for v, other in (i.args, i.args[::-1]):
        inner, d = rw.defs.get(other), constant_of(rw, v)
        if inner is None:
            continue
        if d is not None and inner.op.name == "mul" and inner.attrs.get("reassoc") and (c := constant_of(rw, inner.args[1])) is not None:
            return rw.new.emit(i.op, inner.args[0], constant(rw.new, dtype.numpy.type(c) * dtype.numpy.type(d), dtype), **i.attrs)
        if inner.op.name == "div" and constant_of(rw, inner.args[0]) is None:
            one_by = rw.new.emit1(inner.op, constant(rw.new, 1.0, dtype), inner.args[1])
            return rw.new.emit(i.op, rw.new.emit1(i.op, v, inner.args[0], **i.attrs), one_by, **i.attrs)
    return None


def _unmasked(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """A masked product with a constant: c y for c ≠ 0, 0 for c = 0, x c for a finite c"""
    if not isinstance(i.outs[0].type, Scalar):
        return None
    x, y = (constant_of(rw, a) for a in i.args)
    if x is not None and x == 0:
        return (constant(rw.new, 0.0, i.outs[0].type.dtype),)
    if x is None and (y is None or not np.isfinite(y)):
        return None
    return rw.new.emit(OPS["mul"], *i.args, reassoc=True)


def _scaled(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """x z = x Re z + i x Im z for a real number x that was made complex; the products with its part 0 are left out where they may be reassociated"""
    if not i.attrs.get("reassoc") or i.outs[0].type not in (Scalar(C64), Scalar(C128)):
        return None
    for v, z in (i.args, i.args[::-1]):
        x = _real_only(rw, v)
        if x is not None:
            parts = (rw.new.emit1(i.op, x, rw.new.emit1(OPS[part], z), **i.attrs) for part in ("real", "imag"))
            return rw.new.emit(OPS["complex"], *parts)
    return None


def _real_only(rw: Rewriter, v: Value) -> Value | None:
    """The real number that a complex one is."""
    i, part = rw.defs.get(v), real_dtype(element(v.type))
    c = constant_of(rw, v)
    if isinstance(c, complex) and c.imag == 0.0:
        return constant(rw.new, c.real, part)
    if i is None or i.op.name not in ("convert", "complex") or element(i.args[0].type).kind == "c":
        return None
    if i.op.name == "complex":
        return i.args[0] if constant_of(rw, i.args[1]) == 0 else None
    return i.args[0] if element(i.args[0].type) == part else rw.new.emit1(i.op, i.args[0], dtype=part)


def _part_of_real(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """Re x = x and Im x = 0 for a real number x that was made complex"""
    if rw.defs.get(i.args[0]) is None or rw.defs[i.args[0]].op.name != "convert" or not isinstance(i.outs[0].type, Scalar):
        return None
    x = _real_only(rw, i.args[0])
    return None if x is None else (x,) if i.op.name == "real" else (constant(rw.new, 0.0, i.outs[0].type.dtype),)


def _divide_by_power_of_two(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """x / 2^k = x 2^-k, exactly"""
    c = constant_of(rw, i.args[1])
    if not isinstance(c, float) or not 2.0**-100 < abs(c) < 2.0**100 or abs(math.frexp(c)[0]) != 0.5:
        return None
    return rw.new.emit(OPS["mul"], i.args[0], constant(rw.new, 1.0 / c, element(i.args[1].type)))


_LARGEST_POWER = 16  # by repeated multiplication, which is as exact as `pow` up to here and much faster


def _power(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """x ** n = powi x for a small integer n; x ** 0.5 = sqrt x (but for -inf and -0.0)"""
    c = constant_of(rw, i.args[1])
    c = c.real if isinstance(c, complex) and c.imag == 0.0 else c
    if isinstance(i.args[0].type, Array) or not isinstance(c, int | float):
        return None
    if i.op.name == "pow" and c == 0.5:
        return rw.new.emit(OPS["sqrt"], i.args[0])
    if c != int(c if math.isfinite(c) else 0.5) or abs(c) > _LARGEST_POWER or (i.op.name == "ipow" and c < 0):
        return None
    return rw.new.emit(OPS["powi"], i.args[0], n=int(c))


def _integer_power(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """x ** 0 = 1, x ** 1 = x, x ** 2 = x², x ** -1 = 1 / x"""
    (x,), n = i.args, i.attrs["n"]
    if not isinstance(x.type, Scalar):
        return None
    if n == 0:
        return (constant(rw.new, 1, x.type.dtype),)
    if n == 1:
        return (x,)
    if n == 2:
        return rw.new.emit(OPS["square"], x)
    return rw.new.emit(OPS["reciprocal"], x) if n == -1 and x.type.dtype.kind in "fc" else None


# Which conversions lose nothing, so that a conversion after them may start from the original.
_EXACT = {("bool", d) for d in ("i32", "i64", "f32", "f64")} | {("i32", "i64"), ("i32", "f64"), ("f32", "f64")}


def _conversion(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """convert to the same dtype is nothing; convert after an exact convert starts from the original"""
    (x,), to = i.args, i.attrs["dtype"]
    if element(x.type) == to:
        return (x,)
    inner = rw.defs.get(x)
    if inner is None or inner.op is not i.op or (element(inner.args[0].type).name, element(x.type).name) not in _EXACT or to == BOOL:
        return None
    return rw.new.emit(i.op, inner.args[0], **i.attrs)


def _complement(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """not (x < y) = x >= y, for floats only = and ≠"""
    inner = rw.defs.get(i.args[0])
    if inner is None or inner.op.name not in COMPLEMENTS or not isinstance(i.outs[0].type, Scalar):
        return None
    if element(inner.args[0].type).kind == "f" and inner.op.name not in ("eq", "ne"):
        return None
    return rw.new.emit(OPS[COMPLEMENTS[inner.op.name]], *inner.args)


def _certain_order(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """An ordering that the ranges of the loop variables decide."""
    if i.args[0].type != Scalar(I64) or i.args[1].type != Scalar(I64):
        return None
    truth = compare(rw, i)
    return None if truth is None else (constant(rw.new, truth, BOOL),)


def _certain_maximum(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """max(x, y) = x where x >= y is certain"""
    if i.outs[0].type != Scalar(I64) or not all(a.type == Scalar(I64) for a in i.args):
        return None
    low, high = (i.args[1], i.args[0]) if i.op.name == "maximum" else i.args
    if not_negative(rw, linear(rw, high).plus(linear(rw, low), -1)):
        return (i.args[0],)
    return (i.args[1],) if not_negative(rw, linear(rw, low).plus(linear(rw, high), -1)) else None


def _length(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """The length of a static axis is a number; that of a new array, the operand it was made with; that of a written array, the old one's."""
    (a,), axis = i.args, i.attrs["axis"]
    d = shape_of(a.type)[axis]
    if isinstance(d, int):
        return (integer(rw.new, d),)
    source = rw.defs.get(a)
    if source is None:
        return None
    shape: Any = source.attrs.get("shape")
    if shape is not None and source.op.expand is None and source.outs[0].type == a.type:
        lengths = source.args[len(source.args) - sum(not isinstance(s, int) for s in (*shape, *source.attrs.get("extent", ()))) :]
        return (lengths[sum(not isinstance(s, int) for s in shape[:axis])],)
    if source.op.consumes == (0,) and isinstance(source.args[0].type, Array) or source.op.name == "copy":
        return (dim(rw.new, source.args[0], axis),)
    return None


def _index(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """index i, n = i where 0 <= i < n is certain, or nobody asks and 0 <= i is"""
    at, n = i.args
    if in_range(rw, at, n) or (not i.attrs["checked"] and not_negative(rw, linear(rw, at))):
        return (at,)
    if not i.attrs["checked"] and (c := integer_of(rw, at)) is not None and c < 0:
        return rw.new.emit(OPS["add"], n, at)
    return None


def _assert(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """What is certain need not be checked."""
    return () if constant_of(rw, i.args[0]) is True else None


def _element(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """An element of a filled array is the filling; the element just written is what was written, and others are what they were."""
    source = rw.defs.get(i.args[0])
    if source is None:
        return None
    if source.op.name == "full":
        return (source.args[0],)
    if source.op.name == "set" and source.args[2:] == i.args[1:]:
        return (source.args[1],)
    if source.op.name in ("set", "add_at") and any(_distinct(rw, x, y) for x, y in zip(source.args[2:], i.args[1:], strict=True)):
        return rw.new.emit(i.op, source.args[0], *i.args[1:])
    return None


def _distinct(rw: Rewriter, x: Value, y: Value) -> bool:
    """Whether two indices are known to differ."""
    a, b = integer_of(rw, x), integer_of(rw, y)
    return a is not None and b is not None and a != b


def _branch(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """A branch on what is known is the side taken."""
    c = constant_of(rw, i.args[0])
    if c is None:
        return None
    side = i.regions[0 if c else 1]
    rw.new.body.extend(side.body)
    return side.results


def _same_sides(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """if c then x else x = x; the result that nobody uses any more is left to be removed"""
    for out, x, y in zip(i.outs, i.regions[0].results, i.regions[1].results, strict=True):
        if x is y:
            rw.env[out] = x
    return None


def _no_iterations(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """A loop of no iterations gives what it starts from."""
    n = integer_of(rw, i.args[0])
    return i.args[1:] if n is not None and n <= 0 else None


def _equal_lengths(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    """Lengths of axes that carry the same symbol are equal."""
    sides = [rw.defs.get(a) for a in i.args]
    if any(s is None or s.op.name != "dim" for s in sides):
        return None
    x, y = (shape_of(s.args[0].type)[s.attrs["axis"]] for s in sides if s is not None)
    return (constant(rw.new, i.op.name == "eq", BOOL),) if same_dim(x, y) else None


def _rules() -> dict[str, list[Rule]]:
    table: dict[str, list[Rule]] = {}
    for names, rule in (
        ((*COMMUTES, *COMMUTES_INTEGER), _constant_second),
        (("add", "sub"), _gather_constants),
        (("add",), _relaxed_sum),
        (("neg",), _negated_product),
        (("masked_mul",), _unmasked),
        (("mul",), _scaled),
        (("mul",), _relaxed_product),
        (("real", "imag"), _part_of_real),
        (("div",), _divide_by_power_of_two),
        (("pow", "ipow"), _power),
        (("powi",), _integer_power),
        (("convert",), _conversion),
        (("not",), _complement),
        (("lt", "le", "gt", "ge"), _certain_order),
        (("maximum", "minimum"), _certain_maximum),
        (("eq", "ne"), _equal_lengths),
        (("dim",), _length),
        (("index",), _index),
        (("assert",), _assert),
        (("get",), _element),
        (("if",), _branch),
        (("if",), _same_sides),
        (("for",), _no_iterations),
    ):
        for name in names:
            table.setdefault(name, []).append(rule)
    for name in dict.fromkeys(pattern[0] for pattern, _, _ in ROWS):
        table.setdefault(name, []).append(_rows([row for row in ROWS if row[0][0] == name]))
    return table


_RULES = _rules()
