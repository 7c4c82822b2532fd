"""What stands left of an assignment: names, tuples, elements and views of arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable

from oneform.frontend.arrays import load, rank, store, whole
from oneform.frontend.creation import as_array
from oneform.frontend.index import at_index, index_array
from oneform.frontend.numbers import dtype_of
from oneform.frontend.state import Frame, Var
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Num, Range, Seq, describe, number


def owner(t: Tracer, name: str) -> Frame | None:
    """The frame whose local variable a name is, seen from the current one."""
    frame = t.frame
    while frame is not None:
        if name in frame.names:
            return frame
        frame = frame.parent
    return None


def bind(t: Tracer, name: str, x: Abstract, node: ast.AST | None = None) -> None:
    frame = owner(t, name)
    if frame is None:
        t.refuse("E105", f"{name} is not a variable of a compiled function", node, "Return the new value instead.")
    key = Var(frame.path, name)
    t.state.slots[key] = x
    if node is not None:
        t.state.where[key] = t.at(node)
    if isinstance(x, Arr) and not x.cell.name:
        x.cell.name = name


def assign(t: Tracer, target: ast.expr, x: Abstract) -> None:
    with t.placed(target):
        if isinstance(target, ast.Name):
            bind(t, target.id, x, target)
        elif isinstance(target, (ast.Tuple, ast.List)):
            _unpack(t, target, x)
        elif isinstance(target, ast.Subscript):
            _store_item(t, target, x)
        elif isinstance(target, ast.Attribute):
            t.refuse("E105", f"the attribute {target.attr} cannot be changed: records are values", target, "Make a new record with the changed field.")
        else:
            t.refuse("E001", "this cannot be assigned to", target)


def unpacked(t: Tracer, x: Abstract) -> list[Abstract]:
    """The items of something whose number of items is known."""
    if isinstance(x, Seq) and x.kind != "dict":
        return list(x.items)
    if isinstance(x, Arr) and rank(x) > 0:
        n = whole(t, x).lengths[0]
        if n.known is None:
            t.refuse("E006", "an array whose length is known only at run time cannot be unpacked", None, "Index it: a, b = x[0], x[1].")
        return [load(t, at_index(t, x, number(k))) for k in range(int(n.known))]
    if isinstance(x, Range) and x.start.known is not None and x.stop.known is not None and x.step.known:
        return [number(k) for k in range(int(x.start.known), int(x.stop.known), int(x.step.known))]
    t.refuse("E101", f"{describe(x)} cannot be unpacked")


def _unpack(t: Tracer, target: ast.Tuple | ast.List, x: Abstract) -> None:
    items = unpacked(t, x)
    stars = [k for k, e in enumerate(target.elts) if isinstance(e, ast.Starred)]
    wanted = len(target.elts)
    if not stars and len(items) != wanted:
        few = f"not enough values to unpack (expected {wanted}, got {len(items)})"
        t.refuse("E101", few if len(items) < wanted else f"too many values to unpack (expected {wanted})", target)
    if stars:
        k = stars[0]
        if len(items) < wanted - 1:
            t.refuse("E101", f"not enough values to unpack (expected at least {wanted - 1}, got {len(items)})", target)
        tail = wanted - k - 1
        middle: Abstract = Seq("list", tuple(items[k : len(items) - tail]))
        items = [*items[:k], middle, *items[len(items) - tail :]]
    for e, item in zip(target.elts, items, strict=True):
        assign(t, e.value if isinstance(e, ast.Starred) else e, item)


def _store_item(t: Tracer, target: ast.Subscript, x: Abstract) -> None:
    base = t.expr(target.value)
    place = _place(t, target, base)
    store(t, place, _stored(t, x, target))


def _place(t: Tracer, target: ast.Subscript, base: Abstract) -> Arr:
    if not isinstance(base, Arr):
        kind = {"tuple": "a tuple does not change", "list": "writing to a list is not supported yet", "dict": "writing to a dict is not supported"}
        detail = kind.get(base.kind, "records are values") if isinstance(base, Seq) else f"{describe(base)} has no elements to write to"
        t.refuse("E105", detail, target, "Use a NumPy array.")
    with t.placed(target.slice):
        key = t.expr(target.slice)
    return index_array(t, base, key, target)


def _stored(t: Tracer, x: Abstract, node: ast.AST) -> Num | Arr:
    if isinstance(x, (Num, Arr)):
        return x
    if isinstance(x, Seq) and x.kind in ("tuple", "list"):
        return as_array(t, x, node=node)
    t.refuse("E101", f"{describe(x)} cannot be stored in an array", node)


# ---------------------------------------------------------------- augmented assignment


def augment(t: Tracer, target: ast.expr, operate: Callable[[Abstract], Abstract]) -> None:
    """target op= value: arrays are changed in place."""
    if isinstance(target, ast.Name):
        old = t.expr(ast.copy_location(ast.Name(target.id, ast.Load()), target))
        new = operate(old)
        if isinstance(old, Arr):
            _check_in_place(t, old, new)
            store(t, old, _stored(t, new, target))
        else:
            assign(t, target, new)
        return
    if not isinstance(target, ast.Subscript):
        assign(t, target, operate(number(0)))
        return
    base = t.expr(target.value)
    place = _place(t, target, base)
    new = operate(load(t, place))
    if rank(place) > 0:
        _check_in_place(t, place, new)
    store(t, place, _stored(t, new, target))


def _check_in_place(t: Tracer, old: Arr, new: Abstract) -> None:
    """NumPy refuses to narrow an array's dtype in place."""
    if isinstance(new, (Num, Arr)):
        have, want = old.cell.dtype, dtype_of(new)
        if "bifc".index(want.kind) > "bifc".index(have.kind):
            t.refuse("E101", f"an array of {have} cannot hold the {want} result in place", None, "Write a = a + b, or make the array a float array first.")
    if isinstance(new, Arr) and rank(new) > rank(old):
        t.refuse("E103", "the result in place would have more axes than the array")
