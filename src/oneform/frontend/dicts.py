"""Dicts: an item for each key while the keys are constants of the program, a hash table made of lists once a key is known only at run time.

The table is Seq("hash", (keys, values, slots)): the keys and values in the order in which they came, and for each slot of an open addressing
table the position of its key or -1."""

from __future__ import annotations

import ast
import operator
from typing import Any, NoReturn

from oneform.errors import ITSELF, items_themselves, plain
from oneform.frontend.boxes import contents, set_contents
from oneform.frontend.lift import structure
from oneform.frontend.numbers import compare_numbers
from oneform.frontend.objects import new_list, run
from oneform.frontend.state import State
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import Abstract, Box, Num, Place, Py, Ref, Seq, Text, describe, number
from oneform.frontend.written import tables


def static_key(t: Tracer, x: Abstract, node: ast.AST | None = None) -> Any:
    """A key of a dict, known now."""
    if isinstance(x, Py):
        return x.obj
    if isinstance(x, Num) and x.known is not None:
        return x.known
    if isinstance(x, Seq) and x.kind == "tuple":
        return tuple(static_key(t, i, node) for i in x.items)
    t.refuse("E006", "a key of a dict must be an integer or a constant of the program", node, "Use a list or an array, or if and elif.")


def is_constant(x: Abstract) -> bool:
    if isinstance(x, Seq):
        return x.kind == "tuple" and all(map(is_constant, x.items))
    return isinstance(x, Py) or (isinstance(x, Num) and x.known is not None)


def hashed(t: Tracer, x: Seq) -> Seq:
    """The table of a dict whose keys are constants; no instruction is needed for it."""
    keys = [_constant(t, k) for k in x.meta]
    kinds = {_shape(k) for k in keys}
    if len(kinds) > 1 or None in kinds:
        detail = "a dict with a key that is known only at run time can have only integers as keys, only strings, or only tuples of as many of them"
        t.refuse("E006", detail, None, "Use such keys, or constants only.")
    return Seq("hash", (new_list(t, tuple(keys)), new_list(t, x.items), new_list(t, tuple(map(number, tables.table(list(x.meta)))))))


def _constant(t: Tracer, key: Any) -> Abstract:
    return Seq("tuple", tuple(_constant(t, k) for k in key)) if isinstance(key, tuple) else structure(t, key)


def _shape(key: Abstract) -> Any:
    """What keys of one table have in common; None for what cannot be one."""
    if isinstance(key, Num):
        return 1 if key.dtype.kind in "bi" else None
    if isinstance(key, Py):
        return "text" if isinstance(key.obj, str) else None
    inside = [_shape(k) for k in key.items] if isinstance(key, Seq) and key.kind == "tuple" else [None]
    return None if None in inside else (len(inside), *inside)


def as_table(t: Tracer, d: Ref, change: bool = True) -> Seq:
    """The hash table of a dict, which from here on has one; but what is from outside is not changed: without `change` it is read in a table beside it."""
    found = contents(t, d.box)
    assert isinstance(found, Seq)
    if found.kind == "hash":
        return found
    if d.box.pinned == "global" and not change:
        known: Seq | None = t.scope.recall(("table", found))
        if known is None:
            known = t.scope.memo["table", found] = _fixed(t, hashed(t, found))
        return known
    new = hashed(t, found)
    set_contents(t, d.box, new)
    return new


def _fixed(t: Tracer, table: Seq) -> Seq:
    """A table whose lists nobody changes, the same wherever control comes from."""
    return Seq("hash", tuple(Ref(Place(Box("", "list", t.state.slots.pop(r.box)))) for r in table.items if isinstance(r, Ref)))


def agree(t: Tracer, a: State, b: State) -> bool:
    """Where a dict has a table on one of two paths, it gets one on the other; whether there was such a dict."""
    found = False
    for key in (*a.slots, *b.slots):
        if not isinstance(key, Box) or key.kind != "dict":
            continue
        x, y = a.get(key), b.get(key)
        for state, own, other in ((a, x, y), (b, y, x)):
            if isinstance(own, Seq) and isinstance(other, Seq) and own.kind == "dict" and other.kind == "hash":
                before, t.state = t.state, state
                state.slots[key] = hashed(t, own)
                t.state = before
                found = True
    return found


def run_time_key(t: Tracer, x: Abstract, node: ast.AST | None) -> Abstract:
    """A key of a table: an integer, a string, or a tuple of them."""
    if isinstance(x, Seq) and x.kind == "tuple" and x.items:
        return Seq("tuple", tuple(run_time_key(t, i, node) for i in x.items))
    if isinstance(x, Text) or (isinstance(x, Py) and isinstance(x.obj, str)):
        return x
    if not isinstance(x, Num) or x.dtype.kind not in "bi":
        what = "a set" if t.in_library() else "a dict with keys known only at run time"
        t.refuse("E006", f"{what} takes integers, strings and tuples of them, not {describe(x)}", node)
    return t.as_index(x)


def get_key(t: Tracer, d: Ref, key: Abstract, node: ast.AST | None) -> Abstract:
    """d[key]"""
    found = contents(t, d.box)
    assert isinstance(found, Seq)
    if found.kind == "dict" and is_constant(key):
        k = static_key(t, key, node)
        item = found.get(k)
        if item is None:
            t.refuse("E101", f"the dict has no key {k!r}", node, f"Its keys are {', '.join(map(repr, found.meta)) or 'none'}.")
        return item
    keys, values, slots = as_table(t, d, change=False).items
    return run(t, tables.dict_get, keys, values, slots, run_time_key(t, key, node))


def set_key(t: Tracer, d: Ref, key: Abstract, x: Abstract, node: ast.AST | None) -> None:
    """d[key] = x"""
    found = contents(t, d.box)
    assert isinstance(found, Seq)
    if found.kind == "dict" and is_constant(key):
        k = static_key(t, key, node)
        items = dict(zip(found.meta, found.items, strict=True))
        items[k] = x
        set_contents(t, d.box, Seq("dict", tuple(items.values()), tuple(items)))
        return
    keys, values, slots = as_table(t, d).items
    run(t, tables.dict_set, keys, values, slots, run_time_key(t, key, node), x)


def delete_key(t: Tracer, d: Ref, key: Abstract, node: ast.AST | None) -> None:
    """del d[key]"""
    found = contents(t, d.box)
    assert isinstance(found, Seq)
    if found.kind == "dict" and is_constant(key):
        k = static_key(t, key, node)
        items = dict(zip(found.meta, found.items, strict=True))
        if k not in items:
            _no_such_key(t, k)
        del items[k]
        set_contents(t, d.box, Seq("dict", tuple(items.values()), tuple(items)))
        return
    keys, values, slots = as_table(t, d).items
    run(t, tables.dict_delete, keys, values, slots, run_time_key(t, key, node))


def _no_such_key(t: Tracer, k: Any) -> NoReturn:
    if isinstance(k, tuple) and all(isinstance(i, int) for i in k):
        t.check(number(False), "KeyError", items_themselves(len(k)), list(map(number, k)))
    text = isinstance(k, (str, tuple))
    t.check(number(False), "KeyError", plain(str(k)) if text else ITSELF, [] if text else [number(k)])
    raise PathEnds


def has_key(t: Tracer, d: Ref, key: Abstract) -> Num:
    """key in d"""
    found = contents(t, d.box)
    assert isinstance(found, Seq)
    if found.kind == "dict" and is_constant(key):
        return number(static_key(t, key) in found.meta)
    keys, _, slots = as_table(t, d, change=False).items
    out = run(t, tables.dict_find, keys, slots, run_time_key(t, key, None))
    assert isinstance(out, Num)
    return compare_numbers(t, operator.ge, out, number(0))


def key_list(t: Tracer, x: Seq) -> Abstract:
    """What to iterate over for the keys."""
    return x.items[0] if x.kind == "hash" else Seq("tuple", tuple(structure(t, k) for k in x.meta))


def value_list(t: Tracer, x: Seq) -> Abstract:
    return x.items[1] if x.kind == "hash" else Seq("tuple", x.items)
