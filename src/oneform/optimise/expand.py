"""Operations on whole arrays become array constructors over scalars, so that later passes see loops and elements only; and those operations on
complex numbers that are not analytic become real ones, whose derivatives are known."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Function, Instr, Value
from oneform.ops.pairs import split, splits
from oneform.optimise.rewrite import Rewriter
from oneform.types import Array


def expand(f: Function) -> Function:
    return Rewriter({}, (_expand,)).function(f)


def _expand(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    if not i.op.analytic and splits(i):
        return (split(rw.new, i.op, i.args, i.attrs),)
    if i.op.expand is None or not any(isinstance(v.type, Array) for v in (*i.args, *i.outs)):
        return None
    result: Value | tuple[Value, ...] = i.op.expand(rw.new, i.args, i.attrs)
    return (result,) if isinstance(result, Value) else result
