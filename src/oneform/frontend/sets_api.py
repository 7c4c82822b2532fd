"""Sets: objects of a class that the library writes (written/sets.py), under Python's names for them."""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

from oneform.families import text_code
from oneform.frontend import builtins_api, containers_api, extremes_api
from oneform.frontend.comprehensions import run_loop
from oneform.frontend.dicts import run_time_key
from oneform.frontend.numbers import scalar
from oneform.frontend.objects import new_list, run
from oneform.frontend.operators import code_of
from oneform.frontend.passing import see
from oneform.frontend.registry import Call, Handler, handler_of, handles
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Generator, Num, Py, Ref, Seq
from oneform.frontend.written import sets, tables
from oneform.frontend.written.sets import Set, filled


def empty(t: Tracer, node: ast.AST) -> Abstract:
    return t.call(t, Py(Set), [], {}, node)


@handles(set, frozenset, objects=True)
def set_(c: Call) -> Abstract:
    (x,) = c.bind("iterable?")
    new = empty(c.t, c.node)
    if x is None:
        return new
    x = members(c.t, x)
    if isinstance(x, Generator):
        return run_loop(c.t, x, "set", "def loop(found_):\n    pass", "found_.add(item_)", "return found_", {"found_": new})
    return run(c.t, filled, new, x)


def of_items(t: Tracer, items: tuple[Abstract, ...], node: ast.AST) -> Abstract:
    """{a, b}"""
    return run(t, filled, empty(t, node), new_list(t, items)) if items else empty(t, node)


def is_set(t: Tracer, x: Any) -> bool:
    inner = see(t, x)
    return isinstance(inner, Seq) and inner.kind == "record" and inner.meta[0] is Set


def members(t: Tracer, x: Abstract) -> Abstract:
    """What to go through for a set, in an order that is not Python's: for those to whom it makes no difference."""
    if isinstance(x, Generator) and is_set(t, x.first):
        return dataclasses.replace(x, first=members(t, x.first))
    inner = see(t, x)
    if isinstance(x, Ref) and isinstance(inner, Seq) and is_set(t, x):
        return inner.items[0]
    return x


def _in_any_order(known: Handler) -> Handler:
    """A function of an iterable whose result does not depend on the order, unless it is told by what to compare."""

    def handler(c: Call) -> Abstract:
        if "key" not in c.kwargs and len(c.args) == 1:
            c.args[0] = members(c.t, c.args[0])
        return known(c)

    return handler


def _sum(known: Handler) -> Handler:
    """Integers can be added in any order."""

    def handler(c: Call) -> Abstract:
        over = members(c.t, c.args[0]) if c.args else None
        if over is None or over is c.args[0]:
            return known(c)
        out = known(Call(c.t, c.name, [over, *c.args[1:]], c.kwargs, c.node))
        if not isinstance(out, Num) or out.dtype.kind not in "bi":
            c.t.refuse("E006", "a sum over a set depends on the order in which Python goes through it", c.node, "Write sorted(s).")
        return out

    return handler


KNOWN = (builtins_api, containers_api, extremes_api)  # which say what these functions do with anything else

for f in (sorted, min, max, any, all):
    known = handler_of(f)
    assert known is not None
    handles(f, objects=True)(_in_any_order(known))
known = handler_of(sum)
assert known is not None
handles(sum, objects=True)(_sum(known))


@handles(sets.members, objects=True)
def members_(c: Call) -> Abstract:
    return members(c.t, c.only("iterable")[0])


@handles(tables.as_key, objects=True)
def as_key(c: Call) -> Abstract:
    return run_time_key(c.t, c.only("key")[0], c.node)


@handles(text_code, objects=True)
def text_code_(c: Call) -> Abstract:
    found = code_of(c.only("text")[0])
    assert found is not None
    return scalar(c.t, found, "the code of a string")
