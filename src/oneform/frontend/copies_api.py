"""copy.copy and copy.deepcopy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from oneform.frontend.boxes import new_box
from oneform.frontend.creation import copied
from oneform.frontend.fields import present
from oneform.frontend.forms import NodeForm
from oneform.frontend.nodes import new_node, node_attribute
from oneform.frontend.objects import copied_list, is_list, rows_of, taken_out
from oneform.frontend.operators import method_of
from oneform.frontend.passing import holds_memory, see
from oneform.frontend.registry import Call, handles
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Opt, Py, Ref, Seq


@handles(copy.copy, objects=True)
def shallow(c: Call) -> Abstract:
    """A new object with the same things in it."""
    t = c.t
    (x,) = c.only("x")
    own = method_of(t, x, "__copy__")
    if own is not None:
        return t.call(t, own, [], {}, c.node)
    if isinstance(x, Opt):
        x = present(t, x, "TypeError", "what is copied is None: for the compiler it must be there")
    if isinstance(x, Arr):
        return copied(t, x)
    if not isinstance(x, Ref):
        return x  # nothing in it can change
    if is_list(t, x):
        return copied_list(t, x)
    if isinstance(x.form, NodeForm):
        return _another(c, x)
    inner = see(t, x)
    assert isinstance(inner, Seq)
    return t.call(t, Py(dict), [x], {}, c.node) if inner.kind == "hash" else new_box(t, inner.kind, Seq(inner.kind, inner.items, inner.meta))


def _another(c: Call, x: Ref) -> Ref:
    """Another object of a recursive class with the same fields."""
    cls: type | None = x.form.cls
    if cls is None:
        c.t.refuse("E006", f"which class a {x.form.family} is of is known only at run time", c.node, "Ask isinstance, and copy in the branches.")
    found = {n: node_attribute(c.t, x, n) for n in c.t.fields_of.get(cls, ())}
    return new_node(c.t, x.form.family, cls, {n: v for n, v in found.items() if v is not None})


@handles(copy.deepcopy, objects=True)
def deep(c: Call) -> Abstract:
    """The same with copies of all that is in it; what is one object there is one in the copy."""
    (x,) = c.only("x")
    met: dict[Box | Cell, Abstract] = {}

    def each(item: Abstract) -> Abstract:
        memory = _whole(item)
        if memory is None:
            return _deep(c, item, each)
        if memory not in met:
            met[memory] = _deep(c, item, each)
        return met[memory]

    return each(x)


def _whole(x: Abstract) -> Box | Cell | None:
    """The object or array that a value is, if it is all of it."""
    if isinstance(x, Ref):
        return x.box if x.form is None else None
    return x.cell if isinstance(x, Arr) and x.view is None else None


def _deep(c: Call, x: Abstract, each: Callable[[Abstract], Abstract]) -> Abstract:
    t: Tracer = c.t
    own = method_of(t, x, "__deepcopy__")
    if own is not None:
        return t.call(t, own, [Py({})], {}, c.node)
    if isinstance(x, Arr):
        return copied(t, x)
    if isinstance(x, Seq):
        return Seq(x.kind, tuple(map(each, x.items)), x.meta)
    if isinstance(x, Opt):
        return Opt(each(x.item), x.there)
    if not isinstance(x, Ref):
        return x
    if isinstance(x.form, NodeForm) or _refers(t, x):
        repair = "Write a function that makes the new objects, calling itself for those inside."
        t.refuse("E003", "copy.deepcopy of objects of recursive classes is not known to the compiler", c.node, repair)
    return taken_out(t, x, each)


def _refers(t: Tracer, x: Ref) -> bool:
    """Whether a run-time list has objects of recursive classes in its rows, or items that may be one object twice."""
    found: Any = rows_of(t, x) if is_list(t, x) else None
    return found is not None and (_has_nodes(found[1]) or (x.box.doubled and holds_memory(found[1])))


def _has_nodes(form: Any) -> bool:
    if isinstance(form, NodeForm):
        return True
    inner = getattr(form, "items", None) or (getattr(form, "item", None),)
    return any(_has_nodes(i) for i in inner if i is not None)
