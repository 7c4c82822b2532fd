"""What assignment and methods do to lists: items taken out, slices replaced; and items by key of anything that can change."""

from __future__ import annotations

import ast

from oneform.frontend import dicts, library
from oneform.frontend.attributes import bound_method
from oneform.frontend.boxes import contents, set_contents
from oneform.frontend.iterate import iteration
from oneform.frontend.numbers import scalar
from oneform.frontend.objects import append, copied_list, is_list, item_at, list_length, list_slice, may_repeat, new_list, pop, run, sliced
from oneform.frontend.passing import see
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Generator, Num, Py, Ref, Seq, Slice, describe


def made(t: Tracer, x: Abstract) -> Abstract:
    """An iterable that can be gone through more than once."""
    return t.call(t, Py(list), [x], {}, t.here.source.node) if isinstance(x, Generator) else x


def pop_at(t: Tracer, x: Ref, at: Num) -> Abstract:
    """x.pop(at)"""
    if at.known == -1:
        return pop(t, x)
    static = contents(t, x.box) if x.form is None else None
    if isinstance(static, Seq) and at.known is not None and -len(static.items) <= int(at.known) < len(static.items):
        k = int(at.known) % len(static.items)
        t.resized.add(x.box)
        set_contents(t, x.box, Seq("list", (*static.items[:k], *static.items[k + 1 :])))
        return static.items[k]
    return run(t, library.pop_at, x, t.as_index(at))


def extend(t: Tracer, x: Ref, new: Abstract) -> None:
    """x.extend(new)"""
    new = made(t, new)
    found = iteration(t, new).unroll
    if found is not None:
        for i in found:
            append(t, x, i)
    else:
        if isinstance(new, Ref) and new.box is x.box:
            new = copied_list(t, new)
        may_repeat(t, x, new)
        run(t, library.extend, x, new)


def replace_slice(t: Tracer, x: Ref, s: Slice, new: Abstract) -> None:
    """x[a:b] = new"""
    if s.step is not None and s.step.known != 1:
        t.refuse("E001", "a slice with a step cannot be assigned to in a list", None, "Write a loop.")
    static = contents(t, x.box) if x.form is None else None
    new = made(t, new)
    found = iteration(t, new).unroll
    if isinstance(static, Seq) and found is not None and all(b is None or b.known is not None for b in (s.start, s.stop)):
        kept = list(static.items)
        kept[None if s.start is None else int(s.start.known) : None if s.stop is None else int(s.stop.known)] = found
        t.resized.add(x.box)
        set_contents(t, x.box, Seq("list", tuple(kept)))
        return
    source: Abstract = new if found is None else new_list(t, tuple(found))
    if isinstance(source, Ref) and source.box is x.box:
        source = copied_list(t, source)
    may_repeat(t, x, source)
    first, last = sliced(t, s, list_length(t, x), 1)
    run(t, library.replaced, x, first, last, source)


def item_of(t: Tracer, x: Ref, key: Abstract, node: ast.AST) -> Abstract:
    """x[key] of a list or dict, or of a record that says what it is."""
    if is_list(t, x):
        return list_slice(t, x, key) if isinstance(key, Slice) else item_at(t, x, scalar(t, key, "the index of a list"))
    inner = see(t, x)
    assert isinstance(inner, Seq)
    if inner.kind == "record":
        found = bound_method(t, x, "__getitem__")
        if found is None:
            t.refuse("E101", f"{describe(inner)} cannot be indexed", node)
        return t.call(t, found, [key], {}, node)
    return dicts.get_key(t, x, key, node)
