"""What stands left of an assignment: names, tuples, elements and views of arrays."""

from __future__ import annotations

import ast
import operator
import types
from collections.abc import Callable
from typing import Any

from oneform.frontend.arrays import load, rank, store, whole
from oneform.frontend.attributes import attribute, bound_method
from oneform.frontend.axisless import changed
from oneform.frontend.creation import as_array
from oneform.frontend.dicts import delete_key, set_key
from oneform.frontend.fields import present, record_of, set_field
from oneform.frontend.forms import NodeForm
from oneform.frontend.index import at_index
from oneform.frontend.iterate import iteration
from oneform.frontend.lists import extend, item_of, pop_at, replace_slice
from oneform.frontend.nodes import set_node_field
from oneform.frontend.numbers import compare_numbers, dtype_of, scalar
from oneform.frontend.objects import is_list, known_item, list_length, new_list, put_at, rows_of
from oneform.frontend.operators import DUNDER, binary, method_of
from oneform.frontend.passing import plain, see
from oneform.frontend.picks import Pick, augment_picked, picked, scatter
from oneform.frontend.state import Frame, Var
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import UNBOUND, Abstract, Arr, Generator, Num, Opt, Py, Range, Ref, Seq, Slice, Walk, describe, number
from oneform.frontend.written.classes import known_as


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
    if not name.endswith("_") and not t.in_library():
        name_memory(x, name)


def name_memory(x: Abstract, name: str) -> None:
    """Memory is called in messages what it was called first."""
    memory = x.cell if isinstance(x, Arr) else x.box if isinstance(x, Ref) and x.form is None else None
    if memory is not None and not memory.name:
        memory.name = name


def assign(t: Tracer, target: ast.expr, x: Abstract) -> None:
    with t.placed(target):
        if isinstance(target, ast.Name):
            bind(t, target.id, x, target)
        elif isinstance(target, (ast.Tuple, ast.List)):
            _unpack(t, target, x)
        elif isinstance(target, ast.Subscript):
            _store_item(t, target, x)
        elif isinstance(target, ast.Attribute):
            set_attribute(t, t.expr(target.value), target.attr, x, target)
        else:
            t.refuse("E001", "this cannot be assigned to", target)


def unpacked(t: Tracer, x: Abstract) -> list[Abstract]:
    """The items of something whose number of items is known."""
    if isinstance(x, Generator):
        x = t.call(t, Py(tuple), [x], {}, x.node)
    inner = see(t, x)
    if isinstance(inner, Seq) and (inner.kind in ("tuple", "list") or (inner.kind == "record" and issubclass(inner.meta[0], tuple))):
        return list(inner.items)
    if isinstance(inner, (Seq, Walk)):
        over = iteration(t, x).unroll
        if over is not None:
            return over
    if isinstance(x, Arr) and rank(x) > 0:
        n = whole(t, x).lengths[0]
        if n.known is None:
            t.refuse("E006", "an array whose length is known only at run time cannot be unpacked so", None, "Unpack it into names: a, b = x.")
        return [load(t, at_index(t, x, number(k))) for k in range(int(n.known))]
    if isinstance(x, Range) and x.start.known is not None and x.stop.known is not None and x.step.known:
        return [number(k) for k in range(int(x.start.known), int(x.stop.known), int(x.step.known))]
    if is_list(t, x):
        t.refuse("E006", "a list whose length is known only at run time cannot be unpacked so", None, "Unpack it into names: a, b = x.")
    t.refuse("E101", f"{describe(inner)} cannot be unpacked")


def _unpack(t: Tracer, target: ast.Tuple | ast.List, x: Abstract) -> None:
    stars = [k for k, e in enumerate(target.elts) if isinstance(e, ast.Starred)]
    wanted = len(target.elts)
    if not stars and is_list(t, x) and isinstance(x, Ref) and rows_of(t, x) is not None:
        _check_count(t, list_length(t, x), wanted)
        items = [known_item(t, x, number(k)) for k in range(wanted)]
    elif not stars and isinstance(x, Arr) and rank(x) > 0 and whole(t, x).lengths[0].known is None:
        _check_count(t, whole(t, x).lengths[0], wanted)
        items = [load(t, at_index(t, x, number(k))) for k in range(wanted)]
    else:
        items = unpacked(t, x)
    if not stars and len(items) != wanted:
        few = f"not enough values to unpack (expected {wanted}, got {len(items)})"
        t.refuse("E101", few if len(items) < wanted else f"too many values to unpack (expected {wanted})", target)
    if stars:
        k = stars[0]
        if len(items) < wanted - 1:
            t.refuse("E101", f"not enough values to unpack (expected at least {wanted - 1}, got {len(items)})", target)
        tail = wanted - k - 1
        middle: Abstract = new_list(t, tuple(items[k : len(items) - tail]))
        items = [*items[:k], middle, *items[len(items) - tail :]]
    for e, item in zip(target.elts, items, strict=True):
        assign(t, e.value if isinstance(e, ast.Starred) else e, item)


def _check_count(t: Tracer, n: Num, wanted: int) -> None:
    """As many items as names, of what has a length known only at run time."""
    few = f"not enough values to unpack (expected {wanted}, got {{0}})"
    t.check(compare_numbers(t, operator.ge, n, number(wanted)), "ValueError", few, [n])
    t.check(compare_numbers(t, operator.le, n, number(wanted)), "ValueError", f"too many values to unpack (expected {wanted})", [])


def set_attribute(t: Tracer, base: Abstract, name: str, x: Abstract, node: ast.AST) -> None:
    """base.name = x"""
    base = present(t, base, "AttributeError", f"'NoneType' object has no attribute '{name}'")
    if isinstance(base, Ref) and isinstance(base.form, NodeForm) and not any(isinstance(getattr(c, name, None), property) for c in base.form.family.classes):
        set_node_field(t, base, name, x)
        return
    fields = record_of(t, base)
    if fields is None:
        t.refuse("E105", f"the attribute {name} of {describe(base)} cannot be changed", node)
    cls: type = fields.meta[0]
    known = known_as(cls)
    if known is not cls and not t.in_library() and not isinstance(getattr(known, name, None), types.MemberDescriptorType):
        t.refuse("E105", f"the attribute {name} of {describe(fields)} cannot be changed", node)
    if not isinstance(base, Ref):
        repair = f"Make a new one with the changed field, or make {cls.__name__} a class whose objects can change."
        t.refuse("E105", f"the attribute {name} cannot be changed: objects of {cls.__name__} are frozen", node, repair)
    own = next((c.__dict__[name] for c in cls.__mro__ if name in c.__dict__), None)
    if isinstance(own, property):
        if own.fset is None:
            t.refuse("E105", f"the property {name} of {cls.__name__} has no setter", node)
        t.call(t, Py(own.fset), [base, x], {}, node)
        return
    set_field(t, base, name, x)


def _store_item(t: Tracer, target: ast.Subscript, x: Abstract) -> None:
    base = t.expr(target.value)
    if isinstance(base, (Ref, Opt)):
        with t.placed(target.slice), t.holding(base, x):
            key = t.expr(target.slice)
        store_item(t, base, key, x, target)
        return
    with t.holding(x):
        place = _place(t, target, base)
    _put(t, place, _stored(t, x, target))


def _put(t: Tracer, place: Arr | Pick, x: Num | Arr) -> None:
    if isinstance(place, Pick):
        scatter(t, place, x)
    else:
        store(t, place, x)


def store_item(t: Tracer, base: Abstract, key: Abstract, x: Abstract, node: ast.AST) -> None:
    """base[key] = x of a list, dict or record."""
    base = present(t, base, "TypeError", "'NoneType' object does not support item assignment")
    if isinstance(base, Arr):
        _put(t, picked(t, base, plain(t, key), node), _stored(t, x, node))
        return
    assert isinstance(base, Ref)
    if is_list(t, base):
        if isinstance(key, Slice):
            replace_slice(t, base, key, x)
        else:
            put_at(t, base, scalar(t, key, "the index of a list"), x)
        return
    fields = see(t, base)
    assert isinstance(fields, Seq)
    if fields.kind in ("dict", "hash"):
        set_key(t, base, key, x, node)
        return
    found = bound_method(t, base, "__setitem__")
    if found is None:
        t.refuse("E105", f"{describe(fields)} has no __setitem__", node)
    t.call(t, found, [key, x], {}, node)


def whole_of(t: Tracer, base: Abstract) -> Ref:
    """A list, dict or record that may be None, where None is an error."""
    found = present(t, base, "TypeError", "'NoneType' object is not subscriptable")
    if not isinstance(found, Ref):
        t.refuse("E105", f"{describe(found)} cannot be changed")
    return found


def _place(t: Tracer, target: ast.Subscript, base: Abstract) -> Arr | Pick:
    if not isinstance(base, Arr):
        what = "a tuple does not change" if isinstance(base, Seq) else f"{describe(base)} has no elements to write to"
        t.refuse("E105", what, target, "Use a list or a NumPy array.")
    with t.placed(target.slice):
        key = t.expr(target.slice)
    return picked(t, base, plain(t, key), target)


def delete(t: Tracer, target: ast.expr) -> None:
    """del of a name, of an item or a slice of a list, of what an object deletes."""
    with t.placed(target):
        if isinstance(target, ast.Name):
            frame = owner(t, target.id)
            if frame is None or Var(frame.path, target.id) not in t.state.slots:
                t.refuse("E002", f"{target.id} is not bound here on any path", target)
            t.state.slots[Var(frame.path, target.id)] = UNBOUND
            return
        if isinstance(target, (ast.Tuple, ast.List)):
            for e in target.elts:
                delete(t, e)
            return
        base = t.expr(target.value) if isinstance(target, ast.Subscript) else None
        if not isinstance(target, ast.Subscript) or not isinstance(base, Ref):
            t.refuse("E001", "del takes names, and items of lists and dicts", target)
        _delete_item(t, base, t.expr(target.slice), target)


def _delete_item(t: Tracer, base: Ref, key: Abstract, node: ast.AST) -> None:
    """del base[key] of a list, dict or record."""
    if is_list(t, base):
        if isinstance(key, Slice):
            replace_slice(t, base, key, new_list(t, ()))
        else:
            pop_at(t, base, scalar(t, key, "the index of a list"))
        return
    fields = record_of(t, base)
    if fields is None:
        delete_key(t, base, key, node)
        return
    found = bound_method(t, base, "__delitem__")
    if found is None:
        t.refuse("E105", f"{describe(fields)} has no __delitem__", node)
    t.call(t, found, [key], {}, node)


def _stored(t: Tracer, x: Abstract, node: ast.AST) -> Num | Arr:
    if isinstance(x, (Num, Arr)):
        return x
    inner = plain(t, x)
    if isinstance(inner, Seq) and inner.kind in ("tuple", "list") or is_list(t, inner):
        return as_array(t, inner, node=node)
    if isinstance(x, Opt):
        t.check(x.there, "TypeError", "float() argument must be a string or a real number, not 'NoneType'")
        return _stored(t, x.item, node)
    t.refuse("E101", f"{describe(inner)} cannot be stored in an array", node)


# ---------------------------------------------------------------- augmented assignment


def augment(t: Tracer, target: ast.expr, f: Callable[..., Any], value: ast.expr) -> None:
    """target op= value: arrays, lists and records that say how are changed in place."""
    if isinstance(target, ast.Name):
        old = t.expr(ast.copy_location(ast.Name(target.id, ast.Load()), target))
        new = in_place(t, f, old, value, target)
        if new is not old or isinstance(old, Num):
            assign(t, target, new)
        return
    if isinstance(target, ast.Attribute):
        base = t.expr(target.value)
        with t.holding(base):
            old = attribute(t, base, target.attr, target)
            new = in_place(t, f, old, value, target)
        if new is not old or isinstance(old, Num):
            with t.placed(target):
                set_attribute(t, base, target.attr, new, target)
        return
    if not isinstance(target, ast.Subscript):
        t.refuse("E001", "this cannot be assigned to", target)
    base = t.expr(target.value)
    if isinstance(base, (Ref, Opt)):
        with t.placed(target.slice), t.holding(base):
            key = t.expr(target.slice)
            old = item_of(t, whole_of(t, base), key, target)
        with t.holding(base, key):
            new = in_place(t, f, old, value, target)
        if new is not old or isinstance(old, Num):
            with t.placed(target):
                store_item(t, base, key, new, target)
        return
    place = _place(t, target, base)
    if isinstance(place, Pick):
        augment_picked(t, place, lambda old, x: binary(t, f, old, x), lambda: t.expr(value))
        return
    old = load(t, place)
    with t.holding(place):
        new = binary(t, f, old, t.expr(value))
    if rank(place) > 0:
        _check_in_place(t, place, new)
    store(t, place, _stored(t, new, target))


def in_place(t: Tracer, f: Callable[..., Any], old: Abstract, value: ast.expr, node: ast.AST) -> Abstract:
    """What old op= value binds: `old` itself where it was changed in place."""
    with t.holding(old):
        x = t.expr(value)
    if isinstance(old, Arr):
        new = binary(t, f, old, x)
        _check_in_place(t, old, new)
        store(t, old, _stored(t, new, node))
        return old
    if is_list(t, old) and isinstance(old, Ref) and f is operator.add:
        extend(t, old, x)
        return old
    own = method_of(t, old, f"__i{DUNDER.get(f, '')}__")
    if own is not None:
        return t.call(t, own, [x], {}, node)
    new = binary(t, f, old, x)
    if not isinstance(old, Num):
        return new
    frame = owner(t, node.id) if isinstance(node, ast.Name) else None
    return changed(t, old, new, Var(frame.path, node.id) if frame is not None and isinstance(node, ast.Name) else None)


def _check_in_place(t: Tracer, old: Arr, new: Abstract) -> None:
    """NumPy refuses to narrow an array's dtype in place."""
    if isinstance(new, (Num, Arr)):
        have, want = old.cell.dtype, dtype_of(new)
        if "bifc".index(want.kind) > "bifc".index(have.kind):
            t.refuse("E101", f"an array of {have} cannot hold the {want} result in place", None, "Write a = a + b, or make the array a float array first.")
    if isinstance(new, Arr) and rank(new) > rank(old):
        t.refuse("E103", "the result in place would have more axes than the array")
