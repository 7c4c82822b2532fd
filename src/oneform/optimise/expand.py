"""Operations on whole arrays become array constructors over scalars, so that later passes see loops and elements only."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Function, Instr, Value
from oneform.optimise.rewrite import Rewriter
from oneform.types import Array


def expand(f: Function) -> Function:
    return Rewriter({}, (_expand,)).function(f)


def _expand(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    if i.op.expand is None or not any(isinstance(v.type, Array) for v in (*i.args, *i.outs)):
        return None
    result: Value | tuple[Value, ...] = i.op.expand(rw.new, i.args, i.attrs)
    return (result,) if isinstance(result, Value) else result
