"""Methods and functions of lists, tuples and dicts."""

from __future__ import annotations

import ast
import functools
import operator
from typing import Any

from oneform.frontend import dicts, library
from oneform.frontend.boxes import contents, new_box, set_contents
from oneform.frontend.comprehensions import items_of_generator, listed
from oneform.frontend.dicts import key_list, value_list
from oneform.frontend.iterate import iteration
from oneform.frontend.lists import extend, pop_at
from oneform.frontend.numbers import scalar
from oneform.frontend.objects import append, clear, copied_list, is_list, may_repeat, new_list, pop, run
from oneform.frontend.once import born, opened, spend
from oneform.frontend.operators import binary_compare, equal
from oneform.frontend.passing import see
from oneform.frontend.registry import CONTAINER_METHODS, Call, Handler, handles
from oneform.frontend.tracer import Tracer
from oneform.frontend.truth import truth
from oneform.frontend.values import NONE, Abstract, Arr, Generator, Num, Py, Ref, Seq, Walk, Yields, describe, number
from oneform.frontend.written import iterators, tables

# ---------------------------------------------------------------- items


def items(t: Tracer, x: Abstract, node: ast.AST) -> list[Abstract] | None:
    """The items of an iterable whose length is known now."""
    if isinstance(x, Generator):
        return items_of_generator(t, x)
    if isinstance(x, Yields) or opened(t, x, node) is not x:
        return None
    found = iteration(t, x, node).unroll
    if found is not None:
        spend(t, x)
    return found


def _counted(t: Tracer, x: Abstract, node: ast.AST) -> list[Abstract] | None:
    """The items of an iterable whose length is known now, though it is no structure."""
    if isinstance(x, Generator):
        return items_of_generator(t, x, counted=True)
    return None if isinstance(x, Yields) or opened(t, x, node) is not x else iteration(t, x, node).counted


def _sequence(kind: str) -> Handler:
    def handler(c: Call) -> Abstract:
        t = c.t
        found = items(t, c.only("iterable")[0], c.node) if c.args else []
        x = c.args[0] if c.args else NONE
        if found is None and (kind == "tuple" or isinstance(x, Arr)):
            found = _counted(t, x, c.node)
        if found is not None:
            return new_list(t, tuple(found)) if kind == "list" else Seq("tuple", tuple(found))
        if kind == "tuple":
            t.refuse("E006", "the length of this tuple is known only at run time", c.node, "Use a list or an array.")
        if is_list(t, x):
            return copied_list(t, x)  # type: ignore[arg-type]
        return listed(t, x) if isinstance(x, Generator) else run(t, library.listed, x)

    return handler


handles(tuple, objects=True)(_sequence("tuple"))
handles(list, objects=True)(_sequence("list"))


@handles(dict, objects=True)
def dict_(c: Call) -> Abstract:
    found: dict[Any, Abstract] = {}
    if c.args:
        given = see(c.t, c.args[0])
        if isinstance(given, Seq) and given.kind == "hash":
            return new_box(c.t, "dict", Seq("hash", tuple(copied_list(c.t, r) for r in given.items if isinstance(r, Ref))))
        if isinstance(given, Seq) and given.kind == "dict":
            found.update(zip(given.meta, given.items, strict=True))
        else:
            for pair in items(c.t, c.args[0], c.node) or c.t.refuse("E006", "dict takes things whose length is known", c.node, "Fill it in a loop."):
                both = see(c.t, pair)
                if not isinstance(both, Seq) or len(both.items) != 2:
                    c.t.refuse("E101", f"dict takes pairs, not {describe(both)}", c.node)
                found[dicts.static_key(c.t, both.items[0], c.node)] = both.items[1]
    found.update(c.kwargs)
    return new_box(c.t, "dict", Seq("dict", tuple(found.values()), tuple(found)))


@handles(map, objects=True)
def map_(c: Call) -> Abstract:
    found = [items(c.t, a, c.node) for a in c.args[1:]]
    if any(f is None for f in found):
        if len(found) > 1:
            over: Abstract = Walk("zip", tuple(c.args[1:]))
            return run(c.t, iterators.mapped_rows, c.args[0], over)
        return run(c.t, iterators.mapped, *c.args)
    rows = zip(*[f for f in found if f is not None], strict=False)
    return Walk("iter", (Seq("tuple", tuple(c.t.call(c.t, c.args[0], list(row), {}, c.node) for row in rows)),), born=born(c.t))


@handles(filter, objects=True)
def filter_(c: Call) -> Abstract:
    f, over = c.only("function", "iterable")
    return run(c.t, iterators.kept, f, over)


@handles(functools.reduce, objects=True)
def reduce_(c: Call) -> Abstract:
    f, over, start = c.bind("function", "iterable", "initial?")
    assert f is not None and over is not None
    found = items(c.t, over, c.node)
    if found is None and start is not None:
        return run(c.t, library.reduced, f, over, start)
    if found is None or (not found and start is None):
        return run(c.t, library.reduced_from_first, f, c.t.call(c.t, Py(list), [over], {}, c.node))
    return functools.reduce(lambda a, b: c.t.call(c.t, f, [a, b], {}, c.node), found if start is None else [start, *found])


# ---------------------------------------------------------------- order


@handles(sorted, objects=True)
def sorted_(c: Call) -> Abstract:
    x, key, down = c.bind("iterable", "*", "key?", "reverse?")
    assert x is not None
    return _sorted(c, x, key, down)


def _sorted(c: Call, x: Abstract, key: Abstract | None, down: Abstract | None) -> Abstract:
    t = c.t
    reverse = truth(t, down) if down is not None else number(False)
    source = x if is_list(t, x) else t.call(t, Py(list), [x], {}, c.node)
    static = see(t, source)
    if isinstance(static, Seq) and reverse.known is not None:
        keys = [i if key is None else t.call(t, key, [i], {}, c.node) for i in static.items]
        order = _static_order(t, keys, bool(reverse.known))
        if order is not None:
            return new_list(t, tuple(static.items[k] for k in order))
    return run(t, library.in_order, source, _keys(t, source, key), reverse)


def _keys(t: Tracer, source: Abstract, key: Abstract | None) -> Abstract:
    return source if key is None else t.call(t, Py(list), [run(t, iterators.mapped, key, source)], {}, t.here.source.node)


def _static_order(t: Tracer, keys: list[Abstract], down: bool) -> list[int] | None:
    """The order of constants."""
    if not all(isinstance(k, Num) and k.known is not None or isinstance(k, Py) for k in keys):
        return None

    def compare(a: int, b: int) -> int:
        return -1 if binary_compare(t, operator.lt, keys[a], keys[b]).known else 1 if binary_compare(t, operator.lt, keys[b], keys[a]).known else 0  # type: ignore[union-attr]

    return sorted(range(len(keys)), key=functools.cmp_to_key(compare), reverse=down)


# ---------------------------------------------------------------- lists


def list_method(*names: str, kinds: tuple[str, ...] = ("list",)) -> Any:
    def register(f: Handler) -> Handler:
        for n in names:
            for kind in kinds:
                CONTAINER_METHODS[kind, n] = f
        return f

    return register


def _owner(c: Call) -> Ref:
    owner = c.args[0]
    if not isinstance(owner, Ref):
        c.t.refuse("E105", f"{describe(owner)} cannot be changed", c.node)
    return owner


@list_method("append")
def append_(c: Call) -> Abstract:
    x = c.only("self", "object")[1]
    append(c.t, _owner(c), x)
    return NONE


@list_method("pop")
def pop_(c: Call) -> Abstract:
    _, at = c.bind("self", "index?")
    return pop(c.t, _owner(c)) if at is None else pop_at(c.t, _owner(c), scalar(c.t, at, "the index"))


@list_method("insert")
def insert(c: Call) -> Abstract:
    _, at, x = c.only("self", "index", "object")
    owner = _owner(c)
    static = contents(c.t, owner.box) if owner.form is None else None
    k = scalar(c.t, at, "the index")
    if isinstance(static, Seq) and k.known is not None:
        found = list(static.items)
        found.insert(int(k.known), x)
        c.t.resized.add(owner.box)
        set_contents(c.t, owner.box, Seq("list", tuple(found)))
        return NONE
    may_repeat(c.t, owner, x)
    run(c.t, library.insert, owner, c.t.as_index(k), x)
    return NONE


@list_method("extend")
def extend_(c: Call) -> Abstract:
    _, xs = c.only("self", "iterable")
    extend(c.t, _owner(c), xs)
    return NONE


@list_method("remove")
def remove(c: Call) -> Abstract:
    run(c.t, library.remove, _owner(c), c.only("self", "value")[1])
    return NONE


@list_method("reverse")
def reverse(c: Call) -> Abstract:
    owner = _owner(c)
    static = contents(c.t, owner.box) if owner.form is None else None
    if isinstance(static, Seq):
        set_contents(c.t, owner.box, Seq("list", static.items[::-1]))
    else:
        run(c.t, library.reverse, owner)
    return NONE


@list_method("sort")
def sort(c: Call) -> Abstract:
    _, key, down = c.bind("self", "*", "key?", "reverse?")
    owner = _owner(c)
    if isinstance(contents(c.t, owner.box) if owner.form is None else None, Seq):
        new = _sorted(c, owner, key, down)
        assert isinstance(new, Ref)
        set_contents(c.t, owner.box, contents(c.t, new.box))
    else:
        reverse = truth(c.t, down) if down is not None else number(False)
        run(c.t, library.sort, owner, _keys(c.t, owner, key), reverse)
    return NONE


@list_method("clear")
def clear_(c: Call) -> Abstract:
    clear(c.t, _owner(c))
    return NONE


@list_method("copy")
def copy(c: Call) -> Abstract:
    return copied_list(c.t, _owner(c))


@list_method("index", kinds=("list", "tuple"))
def index(c: Call) -> Abstract:
    owner, x = c.only("self", "value")
    static = see(c.t, owner)
    if isinstance(static, Seq):
        for k, i in enumerate(static.items):
            hit = equal(c.t, i, x)
            if hit.known:
                return number(k)
            if hit.known is None:
                break
        else:
            c.t.refuse("E101", f"the value is not in the {static.kind}", c.node)
    return run(c.t, library.index, owner, x)


@list_method("count", kinds=("list", "tuple"))
def count(c: Call) -> Abstract:
    owner, x = c.only("self", "value")
    return run(c.t, library.count, owner, x)


# ---------------------------------------------------------------- dicts


def dict_method(*names: str) -> Any:
    return list_method(*names, kinds=("dict", "hash"))


def _dict(c: Call) -> Seq:
    found = see(c.t, c.args[0])
    assert isinstance(found, Seq)
    return found


@dict_method("items")
def dict_items(c: Call) -> Abstract:
    d = _dict(c)
    if d.kind == "hash":
        return Walk("zip", (key_list(c.t, d), value_list(c.t, d)))
    keys = key_list(c.t, d)
    assert isinstance(keys, Seq)
    return Seq("tuple", tuple(Seq("tuple", (k, v)) for k, v in zip(keys.items, d.items, strict=True)))


@dict_method("keys")
def dict_keys(c: Call) -> Abstract:
    return key_list(c.t, _dict(c))


@dict_method("values")
def dict_values(c: Call) -> Abstract:
    return value_list(c.t, _dict(c))


@dict_method("get")
def dict_get(c: Call) -> Abstract:
    d, key, default = c.only("self", "key", "default?")
    inner = _dict(c)
    if inner.kind == "dict" and dicts.is_constant(key):
        found = inner.get(dicts.static_key(c.t, key, c.node))
        return default if found is None else found
    assert isinstance(d, Ref)
    keys, values, slots = dicts.as_table(c.t, d, change=False).items
    return run(c.t, tables.dict_get_or, keys, values, slots, dicts.run_time_key(c.t, key, c.node), default)


@dict_method("pop")
def dict_pop(c: Call) -> Abstract:
    _, key, default = c.bind("self", "key", "default?")
    d, inner = _owner(c), _dict(c)
    assert key is not None
    if inner.kind == "dict" and dicts.is_constant(key):
        k = dicts.static_key(c.t, key, c.node)
        if k not in inner.meta and default is not None:
            return default
        found = dicts.get_key(c.t, d, key, c.node)
        dicts.delete_key(c.t, d, key, c.node)
        return found
    if default is not None:
        c.t.refuse("E106", "pop with a default is not known for keys known only at run time", c.node, "Test with in before.")
    keys, values, slots = dicts.as_table(c.t, d).items
    return run(c.t, tables.dict_pop, keys, values, slots, dicts.run_time_key(c.t, key, c.node))


@dict_method("setdefault")
def setdefault(c: Call) -> Abstract:
    _, key, default = c.only("self", "key", "default?")
    d, inner = _owner(c), _dict(c)
    if inner.kind == "dict" and dicts.is_constant(key):
        if dicts.static_key(c.t, key, c.node) not in inner.meta:
            dicts.set_key(c.t, d, key, default, c.node)
        return dicts.get_key(c.t, d, key, c.node)
    keys, values, slots = dicts.as_table(c.t, d).items
    return run(c.t, tables.dict_setdefault, keys, values, slots, dicts.run_time_key(c.t, key, c.node), default)


@dict_method("update")
def update(c: Call) -> Abstract:
    d = _owner(c)
    given = see(c.t, c.args[1]) if len(c.args) > 1 else Seq("dict", (), ())
    if not isinstance(given, Seq) or given.kind != "dict":
        c.t.refuse("E101", f"update takes a dict with constant keys, not {describe(given)}", c.node)
    for k, v in (*zip(given.meta, given.items, strict=True), *c.kwargs.items()):
        dicts.set_key(c.t, d, number(k) if isinstance(k, (bool, int, float, complex)) else Py(k), v, c.node)
    return NONE


@dict_method("clear")
def dict_clear(c: Call) -> Abstract:
    set_contents(c.t, _owner(c).box, Seq("dict", (), ()))
    return NONE


@dict_method("copy")
def dict_copy(c: Call) -> Abstract:
    return c.t.call(c.t, Py(dict), [c.args[0]], {}, c.node)
