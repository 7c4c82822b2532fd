"""Functions with a custom derivative become plain code, once no derivative is taken any more."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Function, Instr, Value, inline, retyped
from oneform.ops import CUSTOM
from oneform.optimise.rewrite import Rewriter


def inline_primals(f: Function) -> Function:
    """The primal in place of every function with a custom derivative; the rules go."""
    g = Rewriter({}, (_primal,)).function(f)
    return f if g is f else retyped(g)


def _primal(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    if i.op.structure not in CUSTOM:
        return None
    return inline(i.regions[0], i.args, rw.new.body)
