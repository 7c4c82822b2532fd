"""Expressions, one function per node of the syntax tree."""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable
from typing import Any

from oneform.frontend import sets_api
from oneform.frontend.attributes import attribute
from oneform.frontend.boxes import new_box
from oneform.frontend.comprehensions import EXPRESSIONS as COMPREHENSIONS
from oneform.frontend.comprehensions import generator, lazily
from oneform.frontend.dicts import set_key
from oneform.frontend.fields import present, record_of
from oneform.frontend.frames import call_node, define
from oneform.frontend.functions import is_function
from oneform.frontend.lift import lift_name, structure
from oneform.frontend.lists import item_of
from oneform.frontend.meet import choose, join_paths, lower_path
from oneform.frontend.nodes import is_exactly
from oneform.frontend.numbers import compare, conjunction, dtype_of, is_weak, negate, negated, op_of, operand, pointwise
from oneform.frontend.objects import new_list, same_object, tuple_item
from oneform.frontend.operators import binary, contains, equal, not_none, ordered, same_function
from oneform.frontend.passing import see
from oneform.frontend.picks import item_of_array
from oneform.frontend.registry import SUBSCRIPTS, Call, handler_of
from oneform.frontend.sameness import same
from oneform.frontend.state import Flag, Var
from oneform.frontend.targets import bind, owner, unpacked
from oneform.frontend.tracer import Tracer
from oneform.frontend.truth import asked, truth
from oneform.frontend.values import NONE, TRUE, UNBOUND, Abstract, Arr, ClassOf, Maybe, Missing, Num, Opt, Py, Ref, Seq, Slice, describe, number
from oneform.ops import make
from oneform.types import BOOL, I64

BINARY: dict[type[ast.operator], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod, ast.Pow: operator.pow, ast.MatMult: operator.matmul, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}
COMPARE: dict[type[ast.cmpop], Any] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}


def constant(t: Tracer, e: ast.Constant) -> Abstract:
    v: Any = e.value
    if isinstance(v, (bool, int, float, complex)):
        return number(v)
    if isinstance(v, bytes):
        t.refuse("E001", "bytes are not supported", e)
    return Py(v)


def name(t: Tracer, e: ast.Name) -> Abstract:
    frame = owner(t, e.id)
    if frame is None:
        found = lift_name(t, t.here.source, e.id)
        if found is None:
            t.refuse("E002", f"{e.id} is not defined", e, _similar(t, e.id))
        return found
    key = Var(frame.path, e.id)
    x = t.state.slots.get(key, UNBOUND)
    if isinstance(x, Maybe):
        t.check(x.bound, "UnboundLocalError", f"cannot access local variable '{e.id}' where it is not associated with a value")
        x = t.state.slots[key] = x.item
    if isinstance(x, Opt) and t.holds(x.there) is not None:
        return x.item if t.holds(x.there) else NONE
    if isinstance(x, Missing):
        t.refuse("E002", f"{e.id} is not bound here on any path", e, "Assign to it first.")
    return x


def _similar(t: Tracer, wrong: str) -> str:
    known = [*t.here.names, *t.here.source.globals, *t.here.source.cells]
    close = difflib.get_close_matches(wrong, known, 1)
    return f"Did you mean {close[0]}?" if close else ""


# ---------------------------------------------------------------- operators


def bin_op(t: Tracer, e: ast.BinOp) -> Abstract:
    a = t.expr(e.left)
    with t.holding(a):
        b = t.expr(e.right)
    return binary(t, BINARY[type(e.op)], a, b)


def unary_op(t: Tracer, e: ast.UnaryOp) -> Abstract:
    x = t.expr(asked(e.operand) if isinstance(e.op, ast.Not) else e.operand)
    if isinstance(e.op, ast.Not):
        return negated(t, truth(t, x))
    x = present(t, x, "TypeError", "bad operand type for unary operator: 'NoneType'")
    if record_of(t, x) is not None:
        from_class = "__neg__" if isinstance(e.op, ast.USub) else "__pos__" if isinstance(e.op, ast.UAdd) else "__invert__"
        return call_node(t, attribute(t, x, from_class, e), [], {}, e)
    a = operand(t, x)
    if isinstance(e.op, ast.USub):
        return negate(t, a)
    if isinstance(e.op, ast.UAdd):
        return a
    if isinstance(a, Num) and a.weak and a.dtype == BOOL:
        a = Num(I64, True, t.value(a, I64)) if a.known is None else number(int(a.known))
    if isinstance(a, Num) and isinstance(a.known, int):
        return number(-int(a.known) - 1)
    if dtype_of(a).kind not in "bi":
        t.refuse("E101", f"~ takes integers and bools, not {describe(a)}", e)
    return pointwise(t, op_of(operator.invert), [a], dtype_of(a), is_weak(a))


def bool_op(t: Tracer, e: ast.BoolOp) -> Abstract:
    return _chain(t, isinstance(e.op, ast.Or), e.values, hasattr(e, "_oneform_asked"))


def _chain(t: Tracer, either: bool, values: list[ast.expr], asked_truth: bool) -> Abstract:
    """a and b and …: the value of the operand that decides, or whether it is true."""
    first = t.expr(values[0])
    if asked_truth:
        first = truth(t, first)
    if len(values) == 1:
        return first
    c = truth(t, first)
    if c.known is not None:
        return first if bool(c.known) == either else _chain(t, either, values[1:], asked_truth)
    return _short(t, c, first, either, lambda: _chain(t, either, values[1:], asked_truth))


def _short(t: Tracer, c: Num, first: Abstract, either: bool, rest: Callable[[], Abstract]) -> Abstract:
    """The rest of a chain is evaluated only if needed; where it costs nothing and cannot raise, it is evaluated anyway."""
    start, result = t.state, Flag("value", ("chain", t.age()))

    def evaluate() -> None:
        t.state.slots[result] = rest()

    def keep() -> None:
        t.state.slots[result] = first

    path = lower_path(t, start, c, not either, evaluate)
    second = path.state.slots.get(result)
    t.state = start
    plain = isinstance(second, Num) and isinstance(first, Num) and first.dtype == BOOL and second.dtype == BOOL
    unchanged = path.state.slots.keys() == {*start.slots, result} and all(path.state.slots[k] is x for k, x in start.slots.items())
    if plain and unchanged and make.cheap(path.b.body):
        assert isinstance(second, Num)
        t.b.body.extend(path.b.body)
        path.scope.became = t.scope
        return conjunction(t, c, second, either)
    other = lower_path(t, start, c, either, keep)
    join_paths(t, c, start, *((other, path) if either else (path, other)), None)
    return t.state.slots.pop(result)


def comparison(t: Tracer, e: ast.Compare) -> Abstract:
    for k, c in enumerate(e.comparators):
        if isinstance(c, ast.Set) and isinstance(e.ops[k], (ast.In, ast.NotIn)):  # x in {a, b}: nobody sees the set
            e.comparators[k] = ast.copy_location(ast.Tuple(c.elts, ast.Load()), c)
    return _compare_chain(t, t.expr(e.left), e.ops, e.comparators)


def _compare_chain(t: Tracer, left: Abstract, ops: list[ast.cmpop], comparators: list[ast.expr]) -> Abstract:
    """a < b < c is a < b and b < c, each operand evaluated once."""
    right = t.expr(comparators[0])
    first = _compare(t, ops[0], left, right)
    if len(ops) == 1:
        return first
    c = truth(t, first)
    if c.known is not None:
        return _compare_chain(t, right, ops[1:], comparators[1:]) if c.known else first
    return _short(t, c, first, False, lambda: _compare_chain(t, right, ops[1:], comparators[1:]))


def _compare(t: Tracer, op: ast.cmpop, a: Abstract, b: Abstract) -> Abstract:
    if isinstance(op, (ast.Is, ast.IsNot)):
        return _identity(t, a, b, isinstance(op, ast.IsNot))
    if isinstance(op, (ast.In, ast.NotIn)):
        found = contains(t, a, b)
        return negated(t, found) if isinstance(op, ast.NotIn) else found
    f = COMPARE[type(op)]
    if isinstance(a, (Num, Arr)) and isinstance(b, (Num, Arr)):
        return compare(t, op_of(f), a, b)
    if f in (operator.eq, operator.ne):
        c = equal(t, a, b)
        return negated(t, c) if f is operator.ne else c
    a, b = not_none(t, a, f), not_none(t, b, f)
    if isinstance(a, Py) and isinstance(b, Py):
        return number(bool(f(a.obj, b.obj)))
    if record_of(t, a) is not None or record_of(t, b) is not None:
        return binary(t, f, a, b)
    if isinstance(a, (Seq, Ref)) and isinstance(b, (Seq, Ref)):
        return ordered(t, f, a, b)
    return compare(t, op_of(f), operand(t, a), operand(t, b))


def _identity(t: Tracer, a: Abstract, b: Abstract, negative: bool) -> Num:
    """`is`: of structure, and of what may be None."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Opt) and isinstance(y, Py) and y.obj is None:
            return x.there if negative else negated(t, x.there)
    for x, y in ((a, b), (b, a)):
        if isinstance(x, ClassOf) and isinstance(y, Py):
            c = is_exactly(t, x.item, y.obj)
            return negated(t, c) if negative else c
    if isinstance(a, Opt) or isinstance(b, Opt):
        c = _same_or_none(t, a, b)
        return negated(t, c) if negative else c
    if is_function(a) and is_function(b):
        c = same_function(t, a, b)
        return negated(t, c) if negative else c
    if isinstance(a, Py) or isinstance(b, Py):
        return number((isinstance(a, Py) and isinstance(b, Py) and a.obj is b.obj) != negative)
    if isinstance(a, Arr) and isinstance(b, Arr):
        return number(same(a, b) != negative)
    if isinstance(a, Ref) and isinstance(b, Ref):
        return negated(t, same_object(t, a, b)) if negative else same_object(t, a, b)
    t.refuse("E101", "'is' compares structure, not numbers", None, "Use ==.")


def _same_or_none(t: Tracer, a: Abstract, b: Abstract) -> Num:
    """a is b, where one may be None."""
    (p, x), (q, y) = ((i.there, i.item) if isinstance(i, Opt) else (TRUE, i) for i in (a, b))
    both = conjunction(t, p, q)
    neither = conjunction(t, negated(t, p), negated(t, q))
    return conjunction(t, neither, conjunction(t, both, _identity(t, x, y, False)), either=True)


def if_exp(t: Tracer, e: ast.IfExp) -> Abstract:
    with t.placed(e.test):
        c = truth(t, t.expr(asked(e.test)))
    return choose(t, c, lambda: t.expr(e.body), lambda: t.expr(e.orelse))


def named(t: Tracer, e: ast.NamedExpr) -> Abstract:
    x = t.expr(e.value)
    bind(t, e.target.id, x, e.target)
    return x


# ---------------------------------------------------------------- containers, indexing


def items_of(t: Tracer, elts: list[ast.expr], lazy: bool = False) -> tuple[Abstract, ...]:
    """`lazy`: list comprehensions among them may stay generators."""
    items: list[Abstract] = []
    for x in elts:
        with t.holding(*items):
            if isinstance(x, ast.Starred):
                items += unpacked(t, t.expr(x.value))
            else:
                items.append(lazily(t, x) if lazy and isinstance(x, ast.ListComp) else t.expr(x))
    return tuple(items)


def tuple_(t: Tracer, e: ast.Tuple) -> Abstract:
    return Seq("tuple", items_of(t, e.elts))


def list_(t: Tracer, e: ast.List) -> Abstract:
    return new_list(t, items_of(t, e.elts))


def set_(t: Tracer, e: ast.Set) -> Abstract:
    return sets_api.of_items(t, items_of(t, e.elts), e)


def set_comp(t: Tracer, e: ast.SetComp) -> Abstract:
    cached: ast.GeneratorExp | None = getattr(e, "_oneform_generator", None)
    if cached is None:
        cached = e._oneform_generator = ast.copy_location(ast.GeneratorExp(e.elt, e.generators), e)  # type: ignore[attr-defined]
    return call_node(t, Py(set), [generator(t, cached)], {}, e)


def dict_(t: Tracer, e: ast.Dict) -> Abstract:
    d = new_box(t, "dict", Seq("dict", (), ()))
    with t.holding(d):
        for k, v in zip(e.keys, e.values, strict=True):
            if k is None:
                inner = see(t, t.expr(v))
                if not isinstance(inner, Seq) or inner.kind != "dict":
                    t.refuse("E101", f"{describe(inner)} is not a dict", v)
                for key, x in zip(inner.meta, inner.items, strict=True):
                    set_key(t, d, structure(t, key), x, v)
            else:
                key = t.expr(k)
                with t.holding(key):
                    x = t.expr(v)
                set_key(t, d, key, x, k)
    return d


def slice_(t: Tracer, e: ast.Slice) -> Abstract:
    def bound(x: ast.expr | None) -> Num | None:
        if x is None:
            return None
        v = t.expr(x)
        if isinstance(v, Py) and v.obj is None:
            return None
        if not isinstance(v, Num):
            t.refuse("E101", f"a bound of a slice must be an integer, not {describe(v)}", x)
        return v

    return Slice(bound(e.lower), bound(e.upper), bound(e.step))


def subscript(t: Tracer, e: ast.Subscript) -> Abstract:
    base = present(t, t.expr(e.value), "TypeError", "'NoneType' object is not subscriptable")
    with t.placed(e.slice), t.holding(base):
        key = t.expr(e.slice)
    if isinstance(base, Ref):
        return item_of(t, base, key, e)
    if isinstance(base, Arr):
        return item_of_array(t, base, key, e)
    if isinstance(base, Seq):
        return _item(t, base, key, e)
    if isinstance(base, Num):
        t.refuse("E101", "a number cannot be indexed", e)
    if isinstance(base, Py) and id(base.obj) in SUBSCRIPTS:
        return SUBSCRIPTS[id(base.obj)][1](Call(t, type(base.obj).__name__, [key], {}, e))
    if isinstance(base, Py) and isinstance(base.obj, (str, bytes)):
        return Py(base.obj[static_slice(t, key) if isinstance(key, Slice) else t.known_int(key, "the index of a string", e)])
    t.refuse("E101", f"{describe(base)} cannot be indexed", e)


def static_slice(t: Tracer, s: Slice) -> slice:
    def bound(x: Num | None) -> int | None:
        return None if x is None else t.known_int(x, "a bound of a slice of a tuple")

    return slice(bound(s.start), bound(s.stop), bound(s.step))


def _item(t: Tracer, base: Seq, key: Abstract, e: ast.Subscript) -> Abstract:
    if base.kind == "dict":  # **kwargs
        return item_of(t, new_box(t, "dict", base), key, e)
    if base.kind == "record" and not issubclass(base.meta[0], tuple):
        return call_node(t, attribute(t, base, "__getitem__", e), [key], {}, e)
    if isinstance(key, Slice):
        return Seq("tuple" if base.kind == "record" else base.kind, base.items[static_slice(t, key)])
    if isinstance(key, Num) and key.known is None and key.dtype.kind == "i" and base.items:
        return tuple_item(t, base, t.as_index(key))
    k = t.known_int(key, f"the index into a {base.kind}", e.slice)
    if not -len(base.items) <= k < len(base.items):
        t.refuse("E101", f"{base.kind} index {k} is out of range: it has {len(base.items)} items", e)
    return base.items[k]


def attribute_(t: Tracer, e: ast.Attribute) -> Abstract:
    return attribute(t, t.expr(e.value), e.attr, e)


# ---------------------------------------------------------------- calls, functions


def call(t: Tracer, e: ast.Call) -> Abstract:
    function = t.expr(e.func)
    with t.holding(function):
        args = list(items_of(t, e.args, takes_generator(function)))
    kwargs: dict[str, Abstract] = {}
    for k in e.keywords:
        with t.holding(function, *args, *kwargs.values()):
            x = see(t, t.expr(k.value)) if k.arg is None else t.expr(k.value)
        if k.arg is not None:
            kwargs[k.arg] = x
        elif isinstance(x, Seq) and x.kind == "dict":
            kwargs.update({str(key): item for key, item in zip(x.meta, x.items, strict=True)})
        else:
            t.refuse("E101", f"{describe(x)} is not a dict", k.value)
    return call_node(t, function, args, kwargs, e)


CONSUMERS = (sum, min, max, any, all, tuple)


def takes_generator(function: Abstract) -> bool:
    """Whether whoever is called goes through its argument once, so that a list in brackets need not be made."""
    if not isinstance(function, Py) or handler_of(function.obj) is None:
        return False
    return any(function.obj is f for f in CONSUMERS) or (getattr(function.obj, "__module__", "") or "").startswith("numpy")


def lambda_(t: Tracer, e: ast.Lambda) -> Abstract:
    return define(t, e)


def joined(t: Tracer, e: ast.JoinedStr) -> Abstract:
    """An f-string of structure; those with numbers are read where they are used, in raise and assert."""
    parts: list[str] = []
    for v in e.values:
        if isinstance(v, ast.Constant):
            parts.append(str(v.value))
            continue
        assert isinstance(v, ast.FormattedValue)
        x = t.expr(v.value)
        if not isinstance(x, Py) and not (isinstance(x, Num) and x.known is not None):
            t.refuse("E006", "a string made from numbers is known only at run time", e, "Such strings may stand in raise and assert.")
        obj: Any = x.obj if isinstance(x, Py) else x.known
        spec = t.expr(v.format_spec) if v.format_spec is not None else Py("")
        parts.append(format(repr(obj) if v.conversion == ord("r") else obj, spec.obj if isinstance(spec, Py) else ""))
    return Py("".join(parts))


EXPRESSIONS: dict[type[ast.expr], Any] = {
    ast.Constant: constant, ast.Name: name, ast.BinOp: bin_op, ast.UnaryOp: unary_op, ast.BoolOp: bool_op, ast.Compare: comparison,
    ast.IfExp: if_exp, ast.NamedExpr: named, ast.Tuple: tuple_, ast.List: list_, ast.Dict: dict_, ast.Set: set_, ast.SetComp: set_comp, ast.Slice: slice_,
    ast.Subscript: subscript, ast.Attribute: attribute_, ast.Call: call, ast.Lambda: lambda_, ast.JoinedStr: joined, **COMPREHENSIONS,
}
