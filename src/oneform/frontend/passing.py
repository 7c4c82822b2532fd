"""Passing values through forms: as IR values where control goes, and as the columns of a list's rows."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from oneform.families import REBOUND, text_code
from oneform.frontend import functions
from oneform.frontend.arrays import array_type, read, whole
from oneform.frontend.boxes import contents, rows_at, tie
from oneform.frontend.forms import (
    BoxForm,
    CellForm,
    ChoiceForm,
    Form,
    FunctionForm,
    Keep,
    LateForm,
    MaybeForm,
    NodeForm,
    NumForm,
    OptForm,
    PoisonForm,
    RefForm,
    RowsForm,
    SeqForm,
    TextForm,
    VersionForm,
    ViewForm,
    function_key,
    joined,
    placed,
    types,
)  # fmt: skip
from oneform.frontend.sameness import view_numbers
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import (
    ANYTHING,
    FALSE,
    TRUE,
    UNBOUND,
    Abstract,
    Arr,
    Axis,
    Base,
    Box,
    Cell,
    Choice,
    Maybe,
    Missing,
    Num,
    Opt,
    Place,
    Poison,
    Pullback,
    Py,
    Ref,
    RowCell,
    Rows,
    Seq,
    Text,
    View,
    changes,
    number,
)
from oneform.ir import Value
from oneform.ops import make
from oneform.types import ANY, BOOL, I64, Array, List, Scalar, Type, element


def nothing(t: Tracer, kinds: list[Type]) -> list[Value]:
    return [make.undefined(t.b, t.erase(k)) for k in kinds]


def give(t: Tracer, form: Form, x: Any) -> list[Value]:
    """The IR values that stand for an abstract value, in the region where it lives."""
    if isinstance(form, (Keep, PoisonForm)):
        return []
    if isinstance(form, MaybeForm):
        bound = x.bound if isinstance(x, Maybe) else FALSE if isinstance(x, Missing) else TRUE
        return [*give(t, form.item, bound_item(x)), t.value(bound, BOOL)]
    if isinstance(form, LateForm):
        return give(t, form.item, bound_item(x))
    if isinstance(x, (Missing, Poison)) or x is None:
        return nothing(t, types(form))
    if isinstance(x, Maybe):
        return give(t, form, x.item)
    if isinstance(form, OptForm):
        absent = isinstance(x, Py) and x.obj is None
        there = x.there if isinstance(x, Opt) else FALSE if absent else TRUE
        item = x.item if isinstance(x, Opt) else x
        return [*(nothing(t, types(form.item)) if absent else give(t, form.item, item)), t.value(there, BOOL)]
    return _give_present(t, form, x)


def _give_present(t: Tracer, form: Form, x: Any) -> list[Value]:
    match form:
        case NumForm():
            return [t.value(x, form.dtype)]
        case VersionForm():
            return [x]
        case CellForm():
            return [read(t, x)]
        case SeqForm():
            inner = see(t, x)
            assert isinstance(inner, (Seq, Pullback))
            return [v for f, i in zip(form.items, inner.items, strict=True) for v in give(t, f, i)]
        case RowsForm():
            return [give_rows(t, form, x if isinstance(x, (Seq, Rows)) else see(t, x))] if form.item is not None else []
        case FunctionForm():
            return [v for f, i in zip(form.items, functions.held(x), strict=True) for v in give(t, f, i)]
        case ChoiceForm():
            return _give_choice(t, form, x)
        case NodeForm():
            return [t.value(node_row(t, x), I64)]
        case TextForm():
            return [t.value(x.code if isinstance(x, Text) else number(text_code(x.obj)), I64)]
        case BoxForm():
            return give(t, form.contents, see(t, x))
        case RefForm():
            place: Place = x.cell.place if isinstance(x, Arr) else x.place  # type: ignore[attr-defined]
            return [v for f, n in zip(form.indices, place.indices, strict=True) for v in give(t, f, n)]
        case ViewForm():
            return [v for f, n in zip(form.numbers, view_numbers(whole(t, x)), strict=True) for v in give(t, f, n)]
        case _:
            raise AssertionError(f"{type(form).__name__} gives nothing")


def _give_choice(t: Tracer, form: ChoiceForm, x: Abstract) -> list[Value]:
    """Which of the form's functions it is, and what each that it may be holds."""
    given = functions.options(x)
    places = placed(list(map(functions.key_of, given)), list(map(function_key, form.options)))
    assert None not in places, "a function that the form has no place for"
    tag: Value | None = None
    for k, at in enumerate(places):  # the last is what it is if it is none of the others
        own = t.value(number(at or 0), I64)
        tag = own if tag is None else make.select(t.b, t.op(operator.eq, t.value(x.tag, I64), t.value(number(k), I64)), own, tag)  # type: ignore[union-attr]
    assert tag is not None
    if isinstance(x, Choice) and places == list(range(len(given))):
        tag = t.value(x.tag, I64)
    found = [tag]
    for at, option in enumerate(form.options):
        own_item = given[places.index(at)] if at in places else None
        found += nothing(t, types(option)) if own_item is None else give(t, option, own_item)
    return found


def bound_item(x: Any) -> Any:
    """A value without the question whether it is bound."""
    return x.item if isinstance(x, Maybe) else ANYTHING if x is UNBOUND else x


def take(t: Tracer, form: Form, values: Iterator[Value], bound: Num | None = None) -> Any:
    """The abstract value that IR values stand for; the inverse of `give`. `bound`: whether a loop has run (for LateForm)."""
    match form:
        case Keep():
            return form.item
        case PoisonForm():
            return Poison(form.written, form.loc)
        case NumForm():
            return Num(form.dtype, form.weak, next(values), arrays=form.arrays)
        case VersionForm():
            return next(values)
        case MaybeForm():
            item = take(t, form.item, values)
            return Maybe(item, Num(BOOL, True, next(values)))
        case OptForm():
            item = take(t, form.item, values)
            return Opt(item, Num(BOOL, True, next(values)))
        case LateForm():
            item = take(t, form.item, values)
            return item if bound is None or bound.known is True else Maybe(item, bound)
        case SeqForm():
            items = tuple(take(t, f, values) for f in form.items)
            return Pullback(items, form.meta) if form.kind == "pullback" else Seq(form.kind, items, form.meta)
        case RowsForm():
            return Rows(next(values) if form.item is not None else None, form.item, form.token or object())
        case NodeForm():
            return node_at(t, form, t.integer(next(values)))
        case TextForm():
            return Text(t.integer(next(values)))
        case FunctionForm():
            return functions.holding(form.model, [take(t, f, values) for f in form.items])
        case ChoiceForm():
            tag = t.integer(next(values))
            return Choice(tag, tuple(take(t, f, values) for f in form.options))
        case CellForm():
            return _take_cell(t, form, next(values))
        case BoxForm():
            return _take_box(t, form, values)
        case RefForm():
            place = Place(form.box, tuple(take(t, f, values) for f in form.indices), form.fields)
            return Arr(RowCell(place, form.array, form.token)) if form.array is not None else Ref(place, form.form, form.token)
        case ViewForm():
            return _take_view(t, form, values)


def _take_view(t: Tracer, form: ViewForm, values: Iterator[Value]) -> Arr:
    numbers: list[Num] = [take(t, f, values) for f in form.numbers]
    axes = tuple(Axis(numbers[2 * k], numbers[2 * k + 1], out) for k, out in enumerate(form.outs))
    lengths = tuple(numbers[2 * len(axes) :])
    rank = len(form.shape)
    return Arr(form.cell, View(axes, form.shape, lengths[:rank], Base(form.base, lengths[rank:]) if form.base is not None else None))


def _take_cell(t: Tracer, form: CellForm, v: Value) -> Arr:
    """Memory of its own, but that it may also be one of the two it came from, if others can reach those, and what those may be."""
    cell = Cell(form.name, form.type.dtype, form.type.rank)
    t.state.slots[cell] = v
    _link(cell, form)
    return Arr(cell)


def _take_box(t: Tracer, form: BoxForm, values: Iterator[Value]) -> Ref:
    box = Box(form.name, form.kind)
    t.state.slots[box] = take(t, form.contents, values)
    _link(box, form)
    return Ref(Place(box))


def _link(memory: Any, form: CellForm | BoxForm) -> None:
    for source in form.pair:
        root = source.place.box if isinstance(source, RowCell) else source
        if isinstance(root, Box) and isinstance(memory, Box):
            memory.doubled = memory.doubled or root.doubled
        if isinstance(root, Cell) and isinstance(memory, Cell):
            memory.arrays |= root.arrays
        if root is not None:
            for other in {*root.partners, *(() if form.clean else (root,))}:
                tie(memory, other)


# ---------------------------------------------------------------- objects


def see(t: Tracer, x: Any) -> Any:
    """What a reference to a list, dict or record shows now: structure, or the rows of a run-time list. Anything else is itself."""
    if not isinstance(x, Ref):
        return x
    if x.form is None:
        return contents(t, x.box)
    if isinstance(x.form, NodeForm):
        return node_fields(t, x) if x.form.cls is not None else x
    if isinstance(x.form, SeqForm):
        return Seq(x.form.kind, fields_at(t, x), x.form.meta)
    return x


# ---------------------------------------------------------------- objects of recursive classes


def node_row(t: Tracer, x: Any) -> Num:
    """The row of an object in its family's pool, -1 for None."""
    if isinstance(x, Ref):
        return x.place.indices[0]
    if isinstance(x, Opt):
        row = t.value(node_row(t, x.item), I64)
        return t.integer(make.select(t.b, t.value(x.there, BOOL), row, t.value(number(-1), I64)))
    return number(-1)


def node_at(t: Tracer, form: NodeForm, row: Num) -> Ref | Opt:
    """The object in a row, or None."""
    found = Ref(Place(t.pool(form.family), (row,), (0,)), NodeForm(form.family, form.cls, False), form.family)
    if not form.nullable:
        return found
    return Opt(found, Num(BOOL, True, t.op(operator.ge, t.value(row, I64), t.value(number(0), I64))))


def row_form(t: Tracer, pool: Box) -> SeqForm:
    """What the rows of a pool are made of now."""
    found = contents(t, pool)
    assert isinstance(found, Rows)
    return found.item if found.item is not None else SeqForm("node", (), ())


def node_field(t: Tracer, x: Ref, name: str) -> Abstract | None:
    """A field of an object; None if no object of the family has it."""
    form = row_form(t, x.box)
    if name not in form.meta:
        return None
    k = form.meta.index(name)
    column = sum(len(types(f)) for f in form.items[:k])
    return take_item(t, form.items[k], Place(x.box, x.place.indices, (column,)), x.token)


def node_fields(t: Tracer, x: Ref) -> Seq:
    """All fields of an object whose class is known."""
    cls = x.form.cls
    names = t.fields_of.get(cls, ())
    items = tuple(node_field(t, x, n) for n in names)
    return Seq("record", tuple(i for i in items if i is not None), (cls, tuple(n for n, i in zip(names, items, strict=True) if i is not None)))


DEEPEST = 200  # objects inside objects


def plain(t: Tracer, x: Any, depth: int = 0) -> Any:
    """What a value is made of now, all the way down: structure in place of lists, dicts and records. Run-time lists stay what they are."""
    if depth > DEEPEST:
        t.refuse("E101", "an object that refers to itself has no end as a value", None, "Pass the numbers and arrays that are needed.")
    inner = see(t, x)
    if isinstance(inner, Seq):
        return Seq(inner.kind, tuple(plain(t, i, depth + 1) for i in inner.items), inner.meta)
    if isinstance(inner, Opt):
        return Opt(plain(t, inner.item, depth + 1), inner.there)
    return x


def fields_at(t: Tracer, x: Ref) -> tuple[Abstract, ...]:
    """The fields of a record in a row."""
    assert isinstance(x.form, SeqForm)
    return _side_by_side(t, x.form.items, x.place, x.token)


def _side_by_side(t: Tracer, forms: tuple[Form, ...], place: Place, token: Any) -> tuple[Abstract, ...]:
    """What lies in the columns of a row from a place on."""
    found: list[Abstract] = []
    at = 0
    for f in forms:
        found.append(take_item(t, f, place.column(at), token))
        at += len(types(f))
    return tuple(found)


def take_item(t: Tracer, form: Form, place: Place, token: Any) -> Abstract:
    """What is at a place in a row: numbers are read now, arrays, lists and records are references to the place."""
    match form:
        case NumForm():
            value, indices = rows_at(t, place, token)
            found = make.item(t.b, value, indices, place.fields)
            return Num(element(found.type), form.weak, found, arrays=form.arrays)
        case Keep():
            return form.item
        case CellForm():
            return Arr(RowCell(place, form.type, token))
        case RowsForm():
            return Ref(place, form, token)
        case SeqForm() if mutable(form):
            return Ref(place, form, token)
        case SeqForm():
            return Seq(form.kind, fields_at(t, Ref(place, form, token)), form.meta)
        case NodeForm() | TextForm():
            value, indices = rows_at(t, place, token)
            return take(t, form, iter([make.item(t.b, value, indices, place.fields)]))  # type: ignore[no-any-return]
        case FunctionForm():
            return functions.holding(form.model, _side_by_side(t, form.items, place, token))  # type: ignore[no-any-return]
        case ChoiceForm():
            value, indices = rows_at(t, place, token)
            tag = t.integer(make.item(t.b, value, indices, place.fields))
            return Choice(tag, _side_by_side(t, form.options, place.column(1), token))
        case OptForm():
            flag, indices = rows_at(t, place, token)
            last = place.column(len(types(form.item)))
            there = Num(BOOL, True, make.item(t.b, flag, indices, last.fields))
            return Opt(take_item(t, form.item, place, token), there)
        case _:
            raise AssertionError(f"no item has a {type(form).__name__}")


def mutable(form: Form) -> bool:
    """Whether things of this form are objects that can change."""
    if isinstance(form, SeqForm):
        return form.kind == "record" and changes(form.meta[0])
    return isinstance(form, RowsForm)


def holds_memory(form: Form | None) -> bool:
    """Whether items of this form are, or hold, arrays and objects that can change: then a copy of the list shares them."""
    match form:
        case CellForm() | RowsForm():
            return True
        case SeqForm():
            return mutable(form) or any(map(holds_memory, form.items))
        case FunctionForm():
            return any(map(holds_memory, form.items))
        case ChoiceForm():
            return any(map(holds_memory, form.options))
        case OptForm():
            return holds_memory(form.item)
        case _:
            return False


# ---------------------------------------------------------------- lists of run-time length


def item_form(t: Tracer, x: Any) -> Form:
    """The form that a value has as an item of a list."""
    if isinstance(x, Num):
        return NumForm(x.dtype, x.weak, x.arrays)
    if isinstance(x, Arr):
        kind = array_type(t, x)
        return CellForm(Array(kind.dtype, tuple(d if isinstance(d, int) else ANY for d in kind.shape)), "", (None, None), True)
    if isinstance(x, Opt):
        inner_form = item_form(t, x.item)
        return NodeForm(inner_form.family, inner_form.cls, True) if isinstance(inner_form, NodeForm) else OptForm(inner_form)
    if isinstance(x, Text):
        return TextForm()
    if isinstance(x, Choice):
        return ChoiceForm(tuple(item_form(t, o) for o in x.options))
    if functions.held(x):
        return FunctionForm(functions.key_of(x), tuple(item_form(t, i) for i in functions.held(x)), x)
    if isinstance(x, Ref) and isinstance(x.form, NodeForm):
        return x.form
    if isinstance(x, Ref) and isinstance(x.form, RowsForm):
        return RowsForm(x.form.item)
    inner = see(t, x)
    if isinstance(inner, Rows):
        return RowsForm(inner.item)
    if isinstance(inner, Seq) and inner.kind == "list":
        return RowsForm(rows_item(t, inner))
    if isinstance(inner, Seq):
        return SeqForm(inner.kind, tuple(item_form(t, i) for i in inner.items), inner.meta)
    return Keep(x)


def rows_item(t: Tracer, c: Seq | Rows, name: str = "the list") -> Form | None:
    """The form of all items of a list."""
    if isinstance(c, Rows):
        return c.item
    form: Form | None = None
    for i in c.items:
        form = joined(form, item_form(t, i), name)
    return form


def give_rows(t: Tracer, form: RowsForm, c: Any) -> Value:
    """A list as an IR value, its rows of the given form."""
    assert form.item is not None
    kinds = tuple(types(form.item))
    if isinstance(c, Ref) and c.form.item is None:  # which has no column
        return make.rows(t.b, kinds)
    if isinstance(c, Ref):  # in a row of another list
        value, indices = rows_at(t, c.place, c.token)
        inner: Value = make.item(t.b, value, indices, c.place.fields)
        return converted(t, inner, c.form.item, form.item)
    if isinstance(c, Rows):
        return converted(t, c.value, c.item, form.item) if c.value is not None and c.item is not None else make.rows(t.b, kinds)
    out = make.rows(t.b, kinds)
    for i in c.items:
        out = make.push(t.b, out, (), (), give(t, form.item, i))
    return out


def converted(t: Tracer, value: Value, has: Form | None, wanted: Form) -> Value:
    """The same list with its rows in a wider form."""
    if has == wanted or has is None:
        return value if has is not None else make.rows(t.b, tuple(types(wanted)))
    if types(has) == types(wanted) and value.type == List(tuple(types(wanted))):
        return value
    box = Box("", "list")
    token = object()
    count = make.size(t.b, value, (), ())
    with t.region() as b:
        k, out = b.param(Scalar(I64)), b.param(List(tuple(types(wanted))))
        t.state.slots[box] = Rows(value, has, token)
        item: Any = take_item(t, has, Place(box).row(t.integer(k), 0), token)
        if isinstance(has, SeqForm) and has.kind == "node" and isinstance(wanted, SeqForm):
            missing = {n: FALSE if n.endswith(REBOUND) else ANYTHING for n in wanted.meta}
            item = Seq("node", tuple(item.items[has.meta.index(n)] if n in has.meta else missing[n] for n in wanted.meta), wanted.meta)
        new = make.push(t.b, out, (), (), give(t, wanted, item))
        body = b.block(new)
    del t.state.slots[box]
    (result,) = make.repeat(t.b, count, [make.rows(t.b, tuple(types(wanted)))], body)
    return result
