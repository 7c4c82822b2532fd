"""Iterators: what Python can go through once is gone through once here, or the program is refused."""

from __future__ import annotations

import ast
import types

from oneform.frontend.attributes import bound_method
from oneform.frontend.fields import present, record_of
from oneform.frontend.forms import NodeForm
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Born, OneShot, Opt, Ref, Seq, Walk, describe


def born(t: Tracer) -> Born:
    """Where the program is."""
    return Born(len(t.loop_indices) + t.testing, t.unrolled)


def spend(t: Tracer, x: Abstract) -> None:
    """Go through an iterator: it must be the only time."""
    if isinstance(x, Walk):
        for part in x.parts:
            spend(t, part)
    if not isinstance(x, OneShot) or x.born is None:
        return
    place = t.here.path, t.b.loc, t.unrolled
    if x.born == born(t) and t.spent.setdefault(x, place) == place:
        return
    what = x.kind if isinstance(x, Walk) and x.kind != "iter" else describe(x) if not isinstance(x, Walk) else "an iterator"
    detail = f"{what} is gone through more than once, and holds nothing the second time"
    if x.born != born(t):
        detail = f"{what} is gone through in a loop, and holds nothing from the second time on"
    t.refuse("E107", detail, None, "Make a list of it, and go through that.")


def opened(t: Tracer, x: Abstract, node: ast.AST) -> Abstract:
    """What `iter` makes of an object whose class says how to go through it."""
    if isinstance(x, Opt):
        x = present(t, x, "TypeError", "'NoneType' object is not iterable")
    if not isinstance(x, (Seq, Ref)):
        return x
    form = x.form if isinstance(x, Ref) else None
    record = None if isinstance(form, NodeForm) else record_of(t, x)
    cls = form.cls if isinstance(form, NodeForm) else record.meta[0] if record is not None else None
    if not isinstance(getattr(cls, "__iter__", None), types.FunctionType):
        return x
    own = bound_method(t, x, "__iter__")
    assert own is not None
    return t.call(t, own, [], {}, node)
