"""What programs do with records: reading and setting their fields, wherever the record is."""

from __future__ import annotations

from oneform.frontend.boxes import change_rows, part, rows_at, set_contents, unfit
from oneform.frontend.forms import Form, NodeForm, joined, types
from oneform.frontend.objects import placed
from oneform.frontend.passing import fields_at, give, holds_memory, item_form, see
from oneform.frontend.promotion import promoted
from oneform.frontend.sameness import same
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Num, Opt, Ref, Seq
from oneform.ir import Value
from oneform.ops import make
from oneform.ops.lists import at_path
from oneform.types import Scalar, Type


def present(t: Tracer, x: Abstract, error: str, message: str) -> Abstract:
    """A value that may be None, where None is an error."""
    if not isinstance(x, Opt):
        return x
    if t.holds(x.there) is not True:
        t.check(x.there, error, message)
    return x.item


def record_of(t: Tracer, x: Abstract) -> Seq | None:
    """The fields of a record; None for anything else."""
    inner = see(t, x)
    if isinstance(x, Ref) and isinstance(x.form, NodeForm) and x.form.cls is None:  # which class it is of, only the program will know
        return Seq("record", (), (x.form.family.classes[0], ()))
    return inner if isinstance(inner, Seq) and inner.kind == "record" else None


def set_field(t: Tracer, x: Ref, name: str, new: Abstract) -> None:
    """x.name = new"""
    fields = record_of(t, x)
    assert fields is not None
    cls, names = fields.meta
    if x.form is not None:
        _set_row_field(t, x, names, name, new)
        return
    if name in names:
        k = names.index(name)
        items, names = (*fields.items[:k], new, *fields.items[k + 1 :]), names
    else:
        items, names = (*fields.items, new), (*names, name)
    set_contents(t, x.box, Seq("record", items, (cls, names)))


def _set_row_field(t: Tracer, x: Ref, names: tuple[str, ...], name: str, new: Abstract) -> None:
    """A field of a record in a row of a list: its columns are replaced."""
    if name not in names:
        detail = f"a record in a list has the fields {', '.join(names)}; {name} cannot be added"
        t.refuse("E102", detail, None, "Give the field a value when the record is made.")
    k = names.index(name)
    form: Form = x.form.items[k]
    wider = joined(form, item_form(t, new), f"the field {name}")
    assert wider is not None
    first = sum(len(types(f)) for f in x.form.items[:k])
    if holds_memory(wider):
        if same(fields_at(t, x)[k], new):
            return  # q.a += 1 puts the array back
        t.rebound.add(x.box)
        if x.box in t.given:
            unfit(t, x.box, f"the field {name} of an object that lies in one that was given is made to hold another list or array")
        if x.box.pinned == "argument" and any(memory.pinned == "argument" for memory in t.state.reach(new)):
            detail = f"the field {name} of an object in a list that was given cannot be made to hold something else that was given"
            t.refuse("E105", detail, None, "Put a copy there.")
        part(t, x.place.column(first), lambda r: r if r.form == x.form else None)  # the first field begins where the record does
    for column, kind in enumerate(types(wider)):
        place = x.place.column(first + column)
        v = give(t, wider, new)[column]
        value, indices = rows_at(t, place, x.token)
        value, v = _column_for(t, value, place.fields, v, kind, name)
        change_rows(t, place, make.put_item(t.b, value, v, indices, place.fields), through=True)
    placed(t, new, x.box)


def _column_for(t: Tracer, value: Value, fields: tuple[int, ...], v: Value, kind: Type, name: str) -> tuple[Value, Value]:
    """A list with a column wide enough for a value, and the value as that column has it."""
    have = at_path(value.type, fields)
    if not isinstance(have, Scalar) or not isinstance(v.type, Scalar) or have == v.type:
        return value, v
    dtype = promoted([Num(have.dtype, False), Num(v.type.dtype, False)])[0]
    if dtype == have.dtype:
        return value, make.convert(t.b, v, dtype)
    detail = f"the field {name} holds {have.dtype} in a list and cannot take {v.type.dtype}"
    t.refuse("E102", detail, None, f"Make the records with a {dtype} there from the beginning.")
