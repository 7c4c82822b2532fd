"""What is known of integers: linear forms, and proofs that one is not negative from the ranges of loop variables."""

from __future__ import annotations

from dataclasses import dataclass

from oneform.ir import Instr, Value
from oneform.optimise.rewrite import Rewriter
from oneform.types import I64, Scalar

_DEPTH = 8  # how many operations a linear form looks through
_STEPS = 24  # how many variables a proof eliminates


@dataclass(frozen=True)
class Linear:
    """const + sum of coefficient * value."""

    const: int
    terms: tuple[tuple[Value, int], ...] = ()

    def plus(self, other: Linear, factor: int = 1) -> Linear:
        terms = dict(self.terms)
        for v, c in other.terms:
            terms[v] = terms.get(v, 0) + factor * c
        return Linear(self.const + factor * other.const, tuple((v, c) for v, c in terms.items() if c))

    def shift(self, by: int) -> Linear:
        return Linear(self.const + by, self.terms)


def constant_of(rw: Rewriter, v: Value) -> bool | int | float | complex | None:
    """The number that a value is known to be."""
    i = rw.defs.get(v)
    return i.attrs["value"] if i is not None and i.op.name == "const" else None


def integer_of(rw: Rewriter, v: Value) -> int | None:
    c = constant_of(rw, v)
    return c if isinstance(c, int) and not isinstance(c, bool) else None


def linear(rw: Rewriter, v: Value | int, depth: int = _DEPTH) -> Linear:
    """An i64 value as a linear form of others. Wrap-around is disregarded: these are lengths and positions in memory."""
    if isinstance(v, int):
        return Linear(v)
    i = rw.defs.get(v)
    if i is None or depth == 0 or v.type != Scalar(I64):
        return Linear(0, ((v, 1),))
    if i.op.name == "const":
        return Linear(i.attrs["value"])
    if i.op.name in ("add", "sub"):
        return linear(rw, i.args[0], depth - 1).plus(linear(rw, i.args[1], depth - 1), 1 if i.op.name == "add" else -1)
    if i.op.name == "neg":
        return Linear(0).plus(linear(rw, i.args[0], depth - 1), -1)
    if i.op.name == "mul" and (c := integer_of(rw, i.args[1])) is not None:
        return Linear(0).plus(linear(rw, i.args[0], depth - 1), c)
    return Linear(0, ((v, 1),))


def not_negative(rw: Rewriter, e: Linear) -> bool:
    """Whether e >= 0 can be proved here, with 0 <= k <= n - 1 for the index k of each loop of n iterations."""
    if _prove(rw, e):
        return True
    # Inside a loop there is at least one iteration, so n - 1 >= 0 for each loop around.
    return any(_prove(rw, e.plus(_last(rw, n, 1) or Linear(0), -1)) for n in rw.active[-4:] if not isinstance(n, int))


def _prove(rw: Rewriter, e: Linear) -> bool:
    for _ in range(_STEPS):
        indices = [t for t in e.terms if t[0] in rw.extents]
        if not indices:
            return e.const >= 0 and all(c > 0 and is_natural(rw, v) for v, c in e.terms)
        v, c = max(indices, key=lambda t: rw.extents[t[0]][0])  # the innermost first: its bound may depend on the others
        without = Linear(e.const, tuple(t for t in e.terms if t[0] is not v))
        last = Linear(0) if c > 0 else _last(rw, rw.extents[v][1], -c)
        if last is None:
            return False
        e = without if c > 0 else without.plus(last, -1)
    return False


def _last(rw: Rewriter, n: Value | int, factor: int) -> Linear | None:
    """An upper bound of factor * k for the index k of a loop of n iterations, given that there is one: factor * (n - 1)."""
    i = rw.defs.get(n) if isinstance(n, Value) else None
    if i is not None and i.op.name == "maximum" and integer_of(rw, i.args[1]) == 0:  # max(m, 0) iterations: there are m
        return _last(rw, i.args[0], factor)
    if i is not None and i.op.name == "floordiv" and (step := integer_of(rw, i.args[1])) is not None and step > 0:  # k <= m // step - 1 <= (m - step) / step
        return Linear(0).plus(linear(rw, i.args[0]).shift(-step), factor // step) if factor % step == 0 else None
    return Linear(0).plus(linear(rw, n).shift(-1), factor)


def is_natural(rw: Rewriter, v: Value) -> bool:
    """Whether a value that is no loop index is known not to be negative."""
    i = rw.defs.get(v)
    if i is None:
        return False
    if i.op.name in ("dim", "size", "index"):
        return True
    if i.op.name == "maximum":
        return any((c := integer_of(rw, a)) is not None and c >= 0 for a in i.args)
    if i.op.name in ("mod", "and"):
        return (c := integer_of(rw, i.args[1])) is not None and c > 0
    return False


def in_range(rw: Rewriter, i: Value, n: Value) -> bool:
    """Whether 0 <= i < n is certain."""
    e = linear(rw, i)
    return not_negative(rw, e) and not_negative(rw, linear(rw, n).plus(e, -1).shift(-1))


def compare(rw: Rewriter, i: Instr) -> bool | None:
    """The truth of an ordering of two i64 values, where it is certain."""
    x, y = linear(rw, i.args[0]), linear(rw, i.args[1])
    low, high = (x, y) if i.op.name in ("lt", "le") else (y, x)
    margin = 1 if i.op.name in ("lt", "gt") else 0  # low + margin <= high
    if not_negative(rw, high.plus(low, -1).shift(-margin)):
        return True
    return False if not_negative(rw, low.plus(high, -1).shift(margin - 1)) else None


MAY_TRAP = frozenset({"floordiv", "mod"})  # machine code may stop on integers divided by zero: not to be computed earlier than the program says
INJECTIVE = frozenset({"add", "sub", "neg", "index"})  # with all operands but one fixed, different operands give different results
