"""What `if x` asks of any value."""

from __future__ import annotations

import ast
import operator

from oneform.frontend import numbers
from oneform.frontend.attributes import bound_method
from oneform.frontend.numbers import compare_numbers, conjunction
from oneform.frontend.objects import is_list, list_length
from oneform.frontend.passing import see
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import TRUE, Abstract, Num, Opt, Ref, Seq, number


def asked(e: ast.expr) -> ast.expr:
    """A condition: only its truth is asked for, and so only that of the operands of its and, or, not."""
    if isinstance(e, ast.BoolOp):
        e._oneform_asked = True  # type: ignore[attr-defined]
        for v in e.values:
            asked(v)
    elif isinstance(e, ast.UnaryOp) and isinstance(e.op, ast.Not):
        asked(e.operand)
    return e


def truth(t: Tracer, x: Abstract) -> Num:
    """Numbers are true if not zero, containers if not empty, records as their class says."""
    if isinstance(x, Opt):
        return conjunction(t, x.there, truth(t, x.item))
    if isinstance(x, Ref) and is_list(t, x):
        return compare_numbers(t, operator.gt, list_length(t, x), number(0))
    inner = see(t, x)
    if isinstance(inner, Seq) and inner.kind == "record":
        return _of_record(t, x, inner)
    return numbers.truth(t, inner)


def _of_record(t: Tracer, x: Abstract, fields: Seq) -> Num:
    for name in ("__bool__", "__len__"):
        found = bound_method(t, x, name)
        if found is not None:
            out = t.call(t, found, [], {}, t.here.source.node)
            if isinstance(out, Num):
                return numbers.truth(t, out)
    return TRUE if not issubclass(fields.meta[0], tuple) else number(len(fields.items) > 0)
