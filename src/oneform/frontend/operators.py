"""Operators on anything: numbers and arrays, tuples, strings, and records with their own."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from oneform.frontend.arrays import places, rank, require_equal, shape
from oneform.frontend.attributes import bound_method
from oneform.frontend.creation import as_operand
from oneform.frontend.numbers import Operand, arithmetic, as_value, compare, compare_numbers, conjunction, op_of, operand, pointwise, promoted, wrap
from oneform.frontend.reductions import any_of
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import FALSE, TRUE, Abstract, Arr, Fn, Num, Py, Seq, describe, number, same
from oneform.ops import make
from oneform.types import BOOL, I64

DUNDER: dict[Callable[..., Any], str] = {
    operator.add: "add", operator.sub: "sub", operator.mul: "mul", operator.truediv: "truediv", operator.floordiv: "floordiv", operator.mod: "mod",
    operator.pow: "pow", operator.matmul: "matmul", operator.and_: "and", operator.or_: "or", operator.xor: "xor",
    operator.lshift: "lshift", operator.rshift: "rshift",
    operator.lt: "lt", operator.le: "le", operator.gt: "gt", operator.ge: "ge", operator.eq: "eq", operator.ne: "ne",
}
BITS = (operator.and_, operator.or_, operator.xor)
SYMBOL = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.matmul: "@", operator.pow: "**", operator.mod: "%",
    operator.floordiv: "//",
}


def binary(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract:
    """a f b"""
    own = _from_class(t, f, a, b)
    if own is not None:
        return own
    if isinstance(a, (Num, Arr)) and isinstance(b, (Num, Arr)):
        return numeric(t, f, a, b)
    if isinstance(a, Seq) and isinstance(b, Seq) and a.kind in ("tuple", "list") and b.kind == a.kind and f is operator.add:
        return Seq(a.kind, a.items + b.items)
    if f is operator.mul and (isinstance(a, Seq) and isinstance(b, Num) or isinstance(b, Seq) and isinstance(a, Num)):
        seq, times = (a, b) if isinstance(a, Seq) else (b, a)
        assert isinstance(seq, Seq)
        if seq.kind in ("tuple", "list"):
            return Seq(seq.kind, seq.items * t.known_int(times, f"the length of a {seq.kind}"))
    if isinstance(a, Arr) and isinstance(b, Seq) or isinstance(b, Arr) and isinstance(a, Seq):
        return numeric(t, f, as_operand(t, a), as_operand(t, b))
    if isinstance(a, Py) and isinstance(b, Py) and isinstance(a.obj, str) and isinstance(b.obj, str) and f is operator.add:
        return Py(a.obj + b.obj)
    sign = SYMBOL.get(f, DUNDER.get(f, "?"))
    t.refuse("E101", f"unsupported operands for {sign}: {describe(a)} and {describe(b)}")


def _from_class(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract | None:
    """An operator that a record's class defines."""
    name = DUNDER.get(f)
    if name is None:
        return None
    for x, y, full in ((a, b, f"__{name}__"), (b, a, f"__r{name}__")):
        if isinstance(x, Seq) and x.kind == "record":
            found = bound_method(t, x, full)
            if found is not None:
                return t.call(t, found, [y], {}, t.here.source.node)
    return None


def numeric(t: Tracer, f: Callable[..., Any], a: Operand, b: Operand, strong: bool = False) -> Operand:
    if f is operator.matmul:
        return matmul(t, a, b)
    if f in BITS or f in (operator.lshift, operator.rshift):
        return _bits(t, f, a, b, strong)
    return arithmetic(t, op_of(f), a, b, strong)


def _bits(t: Tracer, f: Callable[..., Any], a: Operand, b: Operand, strong: bool) -> Operand:
    dtype, weak = promoted([a, b])
    if isinstance(a, Num) and isinstance(b, Num) and a.known is not None and b.known is not None and dtype.kind in "bi":
        try:
            return number(f(a.known, b.known))
        except (ValueError, OverflowError):
            pass
    if dtype.kind not in "bi":
        t.refuse("E101", f"bit operations take integers and bools, not {describe(a)} and {describe(b)}")
    if f in (operator.lshift, operator.rshift) and dtype == BOOL:
        dtype = I64
    if dtype == BOOL and isinstance(a, Num) and isinstance(b, Num) and f is not operator.xor:
        return conjunction(t, a, b, f is operator.or_)
    return pointwise(t, op_of(f), [a, b], dtype, weak and not strong)


def matmul(t: Tracer, a: Operand, b: Operand, dot: bool = False) -> Operand:
    """a @ b of vectors and matrices; np.dot words its error differently."""
    if not isinstance(a, Arr) or not isinstance(b, Arr):
        t.refuse("E101", f"@ takes arrays, not {describe(a)} and {describe(b)}", None, "Use *.")
    if rank(a) > 2 or rank(b) > 2:
        t.refuse("E101", f"@ takes vectors and matrices, not arrays with {max(rank(a), rank(b))} axes", None, "Loop over the leading axes.")
    dtype, _ = promoted([a, b])
    dtype = I64 if dtype == BOOL else dtype
    (da, la), (db, lb) = shape(t, a), shape(t, b)
    if isinstance(da[-1], int) and isinstance(db[0], int) and da[-1] != db[0]:
        t.refuse("E103", f"shapes {_plain(da)} and {_plain(db)} not aligned: {da[-1]} (dim {len(da) - 1}) != {db[0]} (dim 0)")
    if dot:
        message = f"shapes {places(len(la))} and {places(len(lb), len(la))} not aligned: {{{len(la) - 1}}} (dim {len(la) - 1}) != {{{len(la)}}} (dim 0)"
    else:
        message = "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) "
        message += f"(size {{{len(la)}}} is different from {{{len(la) - 1}}})"
    require_equal(t, (da[-1], la[-1]), (db[0], lb[0]), message, [*la, *lb])
    return wrap(t, make.matmul(t.b, as_value(t, a, dtype), as_value(t, b, dtype)))


def _plain(dims: Any) -> str:
    return "(" + ",".join(map(str, dims)) + ("," if len(dims) == 1 else "") + ")"


# ---------------------------------------------------------------- equality of structure


def equal(t: Tracer, a: Abstract, b: Abstract) -> Num:
    """a == b for anything but two arrays."""
    if isinstance(a, Num) and isinstance(b, Num):
        return compare_numbers(t, operator.eq, a, b)
    if isinstance(a, Py) and isinstance(b, Py):
        return number(bool(a.obj == b.obj))
    if isinstance(a, Seq) and isinstance(b, Seq):
        own = _from_class(t, operator.eq, a, b)
        if isinstance(own, Num):
            return own
        if a.kind != b.kind or a.meta != b.meta or len(a.items) != len(b.items):
            return FALSE
        out = TRUE
        for x, y in zip(a.items, b.items, strict=True):
            out = conjunction(t, out, equal(t, x, y))
        return out
    if isinstance(a, Arr) or isinstance(b, Arr):
        t.refuse("E101", "the truth of a comparison with an array is ambiguous", None, "Compare elements, or use np.all(a == b).")
    if isinstance(a, Fn) or isinstance(b, Fn):
        return number(same(a, b))
    return FALSE


def contains(t: Tracer, x: Abstract, box: Abstract) -> Num:
    """x in box"""
    if isinstance(box, Seq):
        items = [number(k) if isinstance(k, (bool, int, float, complex)) else Py(k) for k in box.meta] if box.kind == "dict" else box.items
        out = FALSE
        for i in items:
            out = conjunction(t, out, equal(t, x, i), either=True)
        return out
    if isinstance(box, Py) and isinstance(box.obj, (str, bytes, frozenset, set)) and isinstance(x, Py):
        return number(x.obj in box.obj)
    if isinstance(box, Arr):
        hits = compare(t, op_of(operator.eq), box, operand(t, x))
        return any_of(t, hits, None)  # type: ignore[return-value]
    t.refuse("E101", f"'in' takes a tuple, a dict or an array, not {describe(box)}")

