"""What programs do with lists: items by index, append and pop, slices; static while their structure is known, else rows of a run-time list."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from oneform.errors import CompileError
from oneform.frontend import library
from oneform.frontend.boxes import change_rows, contents, length, lodge, new_box, part, partner, rows_at, set_contents, tie
from oneform.frontend.closures import by_value
from oneform.frontend.forms import Form, Keep, NodeForm, NumForm, OptForm, RowsForm, SeqForm, joined, shown, types
from oneform.frontend.functions import are_distinct
from oneform.frontend.index import normalised
from oneform.frontend.numbers import compare_numbers, conjunction
from oneform.frontend.passing import converted, give, give_rows, holds_memory, item_form, mutable, rows_item, see, take, take_item
from oneform.frontend.sameness import same
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import FALSE, TRUE, Abstract, Box, Choice, Made, Num, Place, Py, Ref, Rows, Seq, Slice, describe, number
from oneform.ir import Value
from oneform.ops import make
from oneform.types import I64

UNROLLED = 8  # a list of more numbers than these is looped over at run time


def new_list(t: Tracer, items: tuple[Abstract, ...], name: str = "") -> Ref:
    return new_box(t, "list", Seq("list", items), name)


def is_list(t: Tracer, x: Any) -> bool:
    return isinstance(x, Ref) and (isinstance(x.form, RowsForm) or (x.form is None and x.box.kind == "list"))


# ---------------------------------------------------------------- run-time lists


def rows_of(t: Tracer, x: Ref) -> tuple[Place, Form | None, Any] | None:
    """Where the rows of a run-time list are, their form, and the token; None for a list whose structure is known."""
    if isinstance(x.form, RowsForm):
        return x.place, x.form.item, x.token
    found = contents(t, x.box)
    return (x.place, found.item, found.token) if isinstance(found, Rows) else None


def made_rows(t: Tracer, x: Ref) -> tuple[Place, Form | None, Any]:
    """The same for any list: from here on it is a run-time list."""
    found = rows_of(t, x)
    if found is not None:
        return found
    static = contents(t, x.box)
    assert isinstance(static, Seq)
    token = Made(static)
    static = _by_value(t, static)
    form = _common(t, static, x.box.name)
    assert form is not None, "an empty list has no item"
    for i in static.items:
        _shares(t, i, x.box)
        for memory in t.state.reach(i):
            if x.box.pinned == memory.pinned == "argument" and memory.home is None:
                memory.home = x.box
    if _repeats(t, static.items):
        x.box.doubled = True
    t.state.slots[x.box] = Rows(give_rows(t, RowsForm(form), static), form, token)  # nobody sees a change
    return x.place, form, token


def _by_value(t: Tracer, c: Seq) -> Seq:
    """The items as they can be in the rows of one list."""
    return Seq(c.kind, tuple(by_value(t, i) for i in c.items), c.meta)


def _common(t: Tracer, c: Any, name: str) -> Form | None:
    """The one form of the items of a list that is indexed at run time."""
    try:
        return rows_item(t, c, name or "the list")
    except CompileError as e:
        detail = f"which item is meant would be known only at run time, but {e.detail}"
        t.refuse("E006", detail, None, "Index it by a constant, or keep one kind of thing in it.")


def _repeats(t: Tracer, items: tuple[Abstract, ...]) -> bool:
    """Whether two items are, or hold, the same memory, or may."""
    seen: set[Any] = set()
    for i in items:
        own = {m for m in t.state.reach(i) if not (isinstance(m, Box) and m.kind == "pool")}
        if not seen.isdisjoint(own):
            return True
        seen |= own.union(*(m.partners for m in own))
    return False


def _shares(t: Tracer, x: Abstract, box: Box) -> None:
    """What is put into a row can from here on be reached through the list as well."""
    for memory in list(t.state.reach(x)):
        box.doubled = box.doubled or (isinstance(memory, Box) and memory.doubled and memory.kind != "pool")
        if memory is not box:
            partner(box, memory)


def placed(t: Tracer, x: Abstract, box: Box) -> None:
    """The same for what the program puts there, which may be in another row already."""
    if box.kind == "pool":
        lodge(t, x, box)
        return
    inside = len(t.loop_indices)
    for memory in t.state.reach(x):
        older = max(memory.depth, box.depth) < inside  # then a loop comes here again with the same memory
        if not t.in_library() and (memory is box or ((memory in box.partners or older) and not _once(t, x, box))):
            box.doubled = True
    _shares(t, x, box)


def _once(t: Tracer, x: Abstract, box: Box) -> bool:
    """Whether this is what the innermost loop over a list has come to, and no loop around it has already put it there."""
    if not isinstance(x, Ref) or x.form is None or not t.loop_indices:
        return False
    return x.place.indices[-1].value is t.loop_indices[-1] is not None and box.depth >= len(t.loop_indices) - 1


def list_length(t: Tracer, x: Ref) -> Num:
    found = rows_of(t, x)
    if found is None:
        return number(len(contents(t, x.box).items))  # type: ignore[union-attr]
    place, form, token = found
    return number(0) if form is None else length(t, place, token)


def row_item(t: Tracer, found: tuple[Place, Form | None, Any], index: Num) -> Abstract:
    """An item of a run-time list, the index in range."""
    place, form, token = found
    assert form is not None
    return take_item(t, form, place.row(index, 0), token)


def read_only(t: Tracer, c: Seq) -> tuple[Place, Form | None, Any]:
    """The rows of a tuple, or of a list of things that do not change, for reading by an index known at run time."""
    key = ("rows", c)
    box: Box | None = t.scope.recall(key)
    if box is None:
        c = _by_value(t, c)
        form = _common(t, c, "")
        assert form is not None
        rows = Rows(give_rows(t, RowsForm(form), c), form, object())
        if holds_memory(form):  # copies of arrays, which are right until one of them changes
            box = Box("", "tuple", pinned="chosen")
            t.state.slots[box] = rows
            for i in c.items:
                _shares(t, i, box)
            return Place(box), form, rows.token
        box = t.scope.memo[key] = Box("", "list", rows)
    rows = box.initial
    return Place(box), rows.item, rows.token


def item_at(t: Tracer, x: Ref, key: Num) -> Abstract:
    """x[key] of a list."""
    i = t.as_index(key)
    n = list_length(t, x)
    found = rows_of(t, x)
    if found is None:
        static = contents(t, x.box)
        assert isinstance(static, Seq)
        if i.known is not None and -len(static.items) <= int(i.known) < len(static.items):
            return static.items[int(i.known)]
        if not static.items or i.known is not None:
            _out_of_range(t)
        if are_distinct(static.items):
            return Choice(normalised(t, i, n, None), static.items)
        found = made_rows(t, x) if holds_memory(_common(t, static, x.box.name)) else read_only(t, static)
    elif found[1] is None:
        _out_of_range(t)
    return row_item(t, found, normalised(t, i, n, None))


def known_item(t: Tracer, x: Ref, i: Num) -> Abstract:
    """x[i] of a list, the index known to be in range."""
    found = rows_of(t, x)
    if found is None:
        static = contents(t, x.box)
        assert isinstance(static, Seq)
        if i.known is not None:
            return static.items[int(i.known)]
        if are_distinct(static.items):
            return Choice(i, static.items)
        found = read_only(t, static)
    return row_item(t, found, i)


def _out_of_range(t: Tracer) -> None:
    t.check(number(False), "IndexError", "list index out of range")
    raise PathEnds


def run(t: Tracer, f: Callable[..., Any], *args: Abstract) -> Abstract:
    """A call of a function of the library."""
    return t.call(t, Py(f), list(args), {}, t.here.source.node)


def list_slice(t: Tracer, x: Ref, s: Slice) -> Abstract:
    """x[a:b:c], a new list."""
    step = s.step or number(1)
    k = t.known_int(step, "the step of a slice of a list")
    if k == 0:
        t.check(number(False), "ValueError", "slice step cannot be zero")
    found = rows_of(t, x)
    bounds = s.start, s.stop
    if found is None and all(b is None or b.known is not None for b in bounds):
        static = contents(t, x.box)
        assert isinstance(static, Seq)
        start, stop = (None if b is None else int(b.known) for b in bounds)
        return new_list(t, static.items[start:stop:k])
    n = list_length(t, x)
    first, last = sliced(t, s, n, k)
    return run(t, library.sliced, x, first, last, number(k))


def sliced(t: Tracer, s: Slice, n: Num, step: int) -> tuple[Num, Num]:
    """The bounds of a slice of n items, as Python's slice.indices has them."""
    far = number(2**62)
    start = s.start if s.start is not None else number(0) if step > 0 else far
    stop = s.stop if s.stop is not None else far if step > 0 else number(-(2**62))
    out = run(t, library.slice_bounds, t.as_index(start), t.as_index(stop), number(step), n)
    assert isinstance(out, Seq)
    first, last = out.items
    assert isinstance(first, Num) and isinstance(last, Num)
    return first, last


def same_object(t: Tracer, a: Ref, b: Ref) -> Num:
    """a is b"""
    if same(a, b):
        return TRUE
    if a.box is b.box and a.place.fields == b.place.fields:
        out = TRUE
        for i, j in zip(a.place.indices, b.place.indices, strict=True):
            out = conjunction(t, out, compare_numbers(t, operator.eq, i, j))
        return out
    if a.box in b.box.partners:
        t.refuse("E104", f"whether {a.box.name or 'one'} is {b.box.name or 'the other'} depends on the path taken", None, "Compare what is in them.")
    return FALSE


def tuple_item(t: Tracer, c: Seq, i: Num) -> Abstract:
    """An item of a tuple by an index known at run time."""
    if are_distinct(c.items):
        return Choice(normalised(t, i, number(len(c.items)), None), c.items)
    return row_item(t, read_only(t, c), normalised(t, i, number(len(c.items)), None))


# ---------------------------------------------------------------- changes


def put_at(t: Tracer, x: Ref, key: Num, new: Abstract) -> None:
    """x[key] = new"""
    i = t.as_index(key)
    n = list_length(t, x)
    if rows_of(t, x) is None:
        static = contents(t, x.box)
        assert isinstance(static, Seq)
        k = None if i.known is None else int(i.known)
        if k is not None and -len(static.items) <= k < len(static.items):
            k %= len(static.items)
            set_contents(t, x.box, Seq("list", (*static.items[:k], new, *static.items[k + 1 :])))
            return
        if not static.items or k is not None:
            t.check(number(False), "IndexError", "list assignment index out of range")
            raise PathEnds
        made_rows(t, x)
    new = by_value(t, new)
    place, form, token = _fitting(t, x, new)
    at = normalised(t, i, n, None)
    value, indices = rows_at(t, place, token)
    row = place.row(at, 0)
    for column, v in enumerate(give(t, form, new)):
        value = make.put_item(t.b, value, v, [*indices, t.value(at, I64)], (*place.fields, row.fields[-1] + column))
    change_rows(t, place, value, holds_memory(form), bool(place.indices))
    placed(t, new, x.box)


def _fitting(t: Tracer, x: Ref, new: Abstract) -> tuple[Place, Form, Any]:
    """The list made ready to take an item: its rows widened if need be."""
    found = rows_of(t, x)
    assert found is not None
    place, form, token = found
    wider = joined(form, item_form(t, new), x.box.name or "the list")
    assert wider is not None
    if form != wider:
        if place.indices:
            if form is not None and types(form) == types(wider):
                return place, form, token
            return place, wider, _widened_in_row(t, x, wider, new)
        old = contents(t, x.box)
        assert isinstance(old, Rows)
        value = make.rows(t.b, tuple(types(wider))) if old.value is None else converted(t, old.value, form, wider)
        if old.value is not None and types(form or wider) != types(wider):
            token = object()  # what was named before has columns of its own kind
        set_contents(t, x.box, Rows(value, wider, token))
    return place, wider, token


def _widened_in_row(t: Tracer, x: Ref, wider: Form, new: Abstract) -> Any:
    """A list in a row is to take items of another kind: the rows around it are made anew. Returns their token."""
    found = contents(t, x.box)
    assert isinstance(found, Rows) and found.value is not None and found.item is not None
    choices = list(_with_wider(found.item, x.place.fields, 0, wider))
    own = [f for target, f in choices if target is x.form] if len(choices) > 1 else [f for _, f in choices]
    if len(own) != 1:
        has = "nothing" if x.form.item is None else shown(x.form.item)
        t.refuse("E102", f"a list in a row holds {has} and cannot take {describe(new)}", None, "Make it with items of the kind that it will hold.")
    pool = x.box.kind == "pool"
    token = found.token if pool else object()
    old, new_item = found.item, own[0]
    part(t, Place(x.box), lambda r: _counterpart(old, new_item, r, token))
    set_contents(t, x.box, Rows(converted(t, found.value, old, new_item), new_item, token), grown=pool)
    return token


def _counterpart(old: Form, new: Form, x: Ref, token: Any) -> Ref | None:
    """What an object in rows that were made anew is there."""
    found = [(b, fields) for a, b, fields in _side_by_side(old, new, x.place.fields, 0, 0) if a is x.form]
    return Ref(Place(x.box, x.place.indices, found[0][1]), found[0][0], token) if len(found) == 1 else None


def _side_by_side(old: Form, new: Form, fields: tuple[int, ...], at: int, there: int) -> Iterator[tuple[Form, Form, tuple[int, ...]]]:
    """What may lie at a path in rows of one form, with what it is in rows of a wider one, and the path there."""
    if at == fields[0] and len(fields) == 1:
        yield old, new, (there,)
    if isinstance(old, RowsForm) and isinstance(new, RowsForm) and at == fields[0] and len(fields) > 1 and old.item is not None and new.item is not None:
        yield from ((a, b, (there, *more)) for a, b, more in _side_by_side(old.item, new.item, fields[1:], 0, 0))
    elif isinstance(old, OptForm) and isinstance(new, OptForm):
        yield from _side_by_side(old.item, new.item, fields, at, there)
    elif isinstance(old, SeqForm) and isinstance(new, SeqForm):
        for a, b in zip(old.items, new.items, strict=True):
            yield from _side_by_side(a, b, fields, at, there)
            at, there = at + len(types(a)), there + len(types(b))


def _with_wider(form: Form, fields: tuple[int, ...], at: int, wider: Form) -> Iterator[tuple[Form, Form]]:
    """Each list that may lie at a path in a row of this form, which begins at column `at`, and the form with that list's items `wider`."""
    if isinstance(form, RowsForm) and at == fields[0]:
        if len(fields) == 1:
            yield form, RowsForm(wider, form.token)
        elif form.item is not None:
            yield from ((target, RowsForm(inner, form.token)) for target, inner in _with_wider(form.item, fields[1:], 0, wider))
    elif isinstance(form, OptForm):
        yield from ((target, OptForm(inner)) for target, inner in _with_wider(form.item, fields, at, wider))
    elif isinstance(form, SeqForm):
        for k, f in enumerate(form.items):
            for target, inner in _with_wider(f, fields, at, wider):
                yield target, SeqForm(form.kind, (*form.items[:k], inner, *form.items[k + 1 :]), form.meta)
            at += len(types(f))


def append(t: Tracer, x: Ref, new: Abstract) -> None:
    t.resized.add(x.box)
    if rows_of(t, x) is None:
        static = contents(t, x.box)
        set_contents(t, x.box, Seq("list", (*static.items, new)))  # type: ignore[union-attr]
        return
    new = by_value(t, new)
    place, form, token = _fitting(t, x, new)
    value, indices = rows_at(t, place, token)
    change_rows(t, place, make.push(t.b, value, indices, place.fields, give(t, form, new)), through=bool(place.indices))
    placed(t, new, x.box)


def pop(t: Tracer, x: Ref) -> Abstract:
    """x.pop()"""
    t.resized.add(x.box)
    found = rows_of(t, x)
    if found is None:
        static = contents(t, x.box)
        assert isinstance(static, Seq)
        if not static.items:
            _pop_empty(t)
        set_contents(t, x.box, Seq("list", static.items[:-1]))
        return static.items[-1]
    place, form, token = found
    if form is None:
        _pop_empty(t)
    assert form is not None
    t.check(compare_numbers(t, operator.gt, list_length(t, x), number(0)), "IndexError", "pop from empty list")
    value, indices = rows_at(t, place, token)
    new, *row = make.pop(t.b, value, indices, place.fields)
    change_rows(t, place, new, holds_memory(form), bool(place.indices))
    out = taken(t, form, row)
    for memory in t.state.reach(out):
        for other in (*x.box.partners, *((x.box,) if x.box.doubled else ())):
            tie(memory, other)
    return out


def _pop_empty(t: Tracer) -> None:
    t.check(number(False), "IndexError", "pop from empty list")
    raise PathEnds


def taken(t: Tracer, form: Form, row: list[Value]) -> Abstract:
    """An item taken out of a list, from its columns: arrays, lists and records are its own from here on."""
    return _own(t, form, iter(row))


def _own(t: Tracer, form: Form, values: Any) -> Abstract:
    if isinstance(form, SeqForm):
        items = tuple(_own(t, f, values) for f in form.items)
        inner = Seq(form.kind, items, form.meta)
        return new_box(t, "record", inner) if mutable(form) else inner
    if isinstance(form, RowsForm):
        return new_box(t, "list", take(t, form, values))
    x: Abstract = take(t, form, values)
    return x


def clear(t: Tracer, x: Ref) -> None:
    t.resized.add(x.box)
    if x.place.indices:
        t.refuse("E105", "a list in a row cannot be cleared", None, "Put a new list in its place.")
    set_contents(t, x.box, Seq("list", ()))


def may_repeat(t: Tracer, x: Ref, *more: Abstract) -> None:
    """Items of other lists, or its own, come to a list: it may have one twice."""
    own = {x.box, *x.box.partners}
    if any(not own.isdisjoint(t.state.reach(m)) for m in more):
        x.box.doubled = True


def copied_list(t: Tracer, x: Ref) -> Ref:
    """x.copy(): a new list of the same items."""
    found = rows_of(t, x)
    if found is None:
        return new_list(t, contents(t, x.box).items)  # type: ignore[union-attr]
    _, form, _ = found
    if form is None:
        return new_list(t, ())
    out = new_box(t, "list", Rows(make.copy(t.b, give_rows(t, RowsForm(form), x if x.form is not None else contents(t, x.box))), form, object()))
    if holds_memory(form):
        partner(out.box, x.box)
        out.box.doubled = x.box.doubled
    return out


def taken_out(t: Tracer, x: Ref, each: Callable[[Abstract], Abstract]) -> Ref:
    """An object of its own with what is in another, `each` item made anew."""
    if isinstance(x.form, NodeForm):
        return x
    if is_list(t, x):
        found = rows_of(t, x)
        if found is not None:
            form = found[1]
            value = None if form is None else give_rows(t, RowsForm(form), x if x.form is not None else contents(t, x.box))
            return new_box(t, "list", Rows(value, form, object()), x.box.name)
    inner = see(t, x)
    assert isinstance(inner, Seq)
    kind = inner.kind if inner.kind != "hash" else "dict"
    return new_box(t, kind, Seq(inner.kind, tuple(map(each, inner.items)), inner.meta), x.box.name)


def repeated(t: Tracer, items: tuple[Abstract, ...], times: Num) -> Ref | None:
    """[items] * times for a number known at run time, if there is one item that is only numbers; else None."""
    if len(items) != 1:
        return None
    form = item_form(t, items[0])
    kinds = tuple(types(form))
    if isinstance(form, Keep) or holds_memory(form) or not kinds:
        return None
    n = t.positive(t.as_index(times))
    return new_box(t, "list", Rows(make.repeated(t.b, t.value(n, I64), give(t, form, items[0]), kinds), form, object()))


def many_numbers(t: Tracer, c: Seq) -> bool:
    """Whether a list is one of many numbers, which are better looped over at run time than one by one."""
    return len(c.items) > UNROLLED and all(isinstance(i, Num) for i in c.items) and isinstance(rows_item(t, c), NumForm)
