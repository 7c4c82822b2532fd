"""Lists, dicts and records that can change: their contents, places in the rows of run-time lists, and what a change does to everybody else
who may see the same memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from oneform.errors import Location, ObservedError
from oneform.families import family_of, observe
from oneform.frontend.affine import constant
from oneform.frontend.forms import NodeForm, OptForm, RowsForm, SeqForm, types
from oneform.frontend.state import Flag, Var
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Arr, Box, Cell, Maybe, Memory, Num, Opt, Place, Poison, Ref, RowCell, Rows, Seq, changes, parts
from oneform.ir import Value
from oneform.ops import make
from oneform.types import I64


def new_box(t: Tracer, kind: str, contents: Seq | Rows, name: str = "") -> Ref:
    """A fresh object."""
    box = Box(name, kind)
    box.depth = len(t.loop_indices)
    t.state.slots[box] = contents
    return Ref(Place(box))


def contents(t: Tracer, box: Box) -> Seq | Rows:
    """What is in a box now."""
    found: Any = t.state.get(box)
    if isinstance(found, Poison):
        refuse_poison(t, box, found)
    assert isinstance(found, (Seq, Rows)), "a box without contents"
    return found


def set_contents(t: Tracer, box: Box, new: Seq | Rows, grown: bool = False) -> None:
    """The object has new contents. `grown`: what was in a pool before is as it was."""
    if not grown:
        t.changed.add(box)
    if box.pinned == "chosen":
        t.refuse("E105", "what is chosen from a tuple at run time cannot be changed there", None, "Use a list, or if and elif.")
    if box.pinned == "global":
        repair = "Pass it as an argument, or work on a copy."
        t.refuse("E105", f"the {box.kind} {box.name} from outside the function cannot be changed by compiled code", None, repair)
    poison_partners(t, box)
    t.state.slots[box] = new


def refuse_poison(t: Tracer, memory: Memory, poison: Poison) -> NoReturn:
    line = f" at line {poison.loc.line}" if poison.loc else ""
    name = memory.name or "x"
    source = name if poison.written.startswith("another ") else poison.written  # which has no name
    detail = f"{memory.name or _kind(memory)} may or may not be the same memory as {poison.written}, which was written to{line}"
    unsure(t, detail, f"Copy one of them where they part: {name} = {_copied(memory, source)}", memory, *memory.partners)


def unsure(t: Tracer, detail: str, repair: str, *memory: Memory, code: str = "E104") -> NoReturn:
    """Refuse what is not known of memory; objects in it get rows in a table first, as those of recursive classes have: then who is who is known."""
    classes = {c for m in memory if isinstance(m, Box) and m.kind != "pool" for c in _classes(m.initial) | _classes(t.state.slots.get(m))}
    observed(classes, code, detail, t.b.loc, repair)
    t.refuse(code, detail, None, repair)


def observed(classes: Iterable[type], code: str, detail: str, loc: Location | None, repair: str) -> None:
    """The objects of these classes are kept in tables from now on, whatever the annotations say. Raises ObservedError if any are not yet."""
    fresh = [c for c in classes if family_of(c) is None]
    for cls in fresh:
        observe(cls)
    if fresh:
        raise ObservedError(code, detail, loc, repair)


def _classes(x: Any) -> set[type]:
    """The classes of changeable objects in the contents of a box."""
    if isinstance(x, Rows):
        return classes_in(x.item)
    if not isinstance(x, Seq):
        return classes_in(x.form) | _classes(x.box.initial) if isinstance(x, Ref) else set()
    own = {x.meta[0]} if x.kind == "record" and changes(x.meta[0]) else set[type]()
    return own if own else {c for i in x.items for c in _classes(i)}


def classes_in(form: Any) -> set[type]:
    """The same of the items of a list, by their form."""
    if isinstance(form, SeqForm):
        own = form.kind == "record" and changes(form.meta[0])
        return {form.meta[0]} if own else {c for f in form.items for c in classes_in(f)}
    return classes_in(form.item) if isinstance(form, (OptForm, RowsForm)) else set()


def poison_partners(t: Tracer, memory: Memory, name: str = "") -> None:
    """Memory is about to change. Whoever may be the same cannot be read any more; a caller's memory cannot be left in doubt."""
    for pool, lodged in t.lodged.items():
        if memory in lodged:
            what = memory.name or ("an array" if isinstance(memory, Cell) else f"a {memory.kind}")
            detail = f"{what} was put into an object of {pool.name} and is written to by another name here"
            t.refuse("E104", detail, None, "Write to it as the object's field, or put a copy there.")
    for other in sorted(memory.partners, key=lambda m: m.name):  # so that messages are the same every time
        if other.pinned and other.home is not memory:
            refuse_doubt(t, memory, other)
        if other in t.state.slots or other.initial is not None:
            t.state.slots[other] = Poison(memory.name or name or f"another {_kind(memory, '')}", t.b.loc)


def refuse_doubt(t: Tracer, memory: Memory, other: Memory) -> NoReturn:
    """A write to what may or may not be the caller's."""
    known = other.name and other.name != memory.name
    theirs = f"the {other.pinned} {other.name}" if known else f"the {other.name or _kind(other, '')} that was given"
    whole = other.name.isidentifier() and _kind(other) == _kind(memory)
    name = other.name if whole else memory.name or "x"
    repair = f"Work on a copy, so that the write cannot reach the caller's memory: {name} = {_copied(memory, name)}"
    unsure(t, f"{memory.name or _kind(memory)} may or may not be the same memory as {theirs}", repair, memory, other)


def _kind(memory: Memory, article: str = "this ") -> str:
    return article + ("array" if isinstance(memory, Cell) else "object" if memory.kind == "record" else memory.kind)


def _copied(memory: Memory, name: str) -> str:
    """How to copy it in Python."""
    return f"copy.copy({name})" if isinstance(memory, Box) and memory.kind == "record" else f"{name}.copy()"


def partner(a: Memory, b: Memory) -> None:
    """Two pieces of memory may be the same: reading both is fine, a write to one makes the other unreadable."""
    for other in {b, *b.partners}:
        tie(a, other)


def lodge(t: Tracer, x: Any, pool: Box) -> None:
    """What holds lists or arrays is put into an object of a recursive class, which from then on has copies of them."""
    known = t.lodged.setdefault(pool, set())
    pool.doubled = pool.doubled or any(map(_lies_in_pool, parts(x)))
    for memory in list(t.state.reach(x)):
        if not (isinstance(memory, Box) and memory.kind == "pool"):
            older = memory.depth < len(t.loop_indices)  # then a loop comes here again with the same memory
            pool.doubled = pool.doubled or memory in known or older or bool(memory.partners)
            known.add(memory)


def _lies_in_pool(p: Arr | Ref) -> bool:
    """Whether a list or an array lies in an object of a recursive class."""
    box = p.box if isinstance(p, Ref) else p.cell.place.box if isinstance(p.cell, RowCell) else None
    return box is not None and box.kind == "pool" and not (isinstance(p, Ref) and isinstance(p.form, NodeForm))


def tie(a: Memory, b: Memory) -> None:
    """As `partner`, without what either of them may be the same as already."""
    if a is b or "pool" in (getattr(a, "kind", ""), getattr(b, "kind", "")):
        return  # whoever refers to an object in a pool does so by its row
    a.partners.add(b)
    b.partners.add(a)


# ---------------------------------------------------------------- places in rows


def rows_at(t: Tracer, place: Place, token: Any) -> tuple[Value, list[Value]]:
    """The list that a place lies in, and the row indices on the way, as IR values; refused if rows have moved since `token`."""
    found = contents(t, place.box)
    name = place.box.name or "the list"
    if not isinstance(found, Rows) or found.token is not token:
        detail = f"this part of {name} was named before items of {name} were moved or replaced: which item it is now is not known"
        unsure(t, detail, f"Take it from {name} again, or copy what is needed before the change.", place.box)
    assert found.value is not None
    return found.value, [t.value(i, I64) for i in place.indices]


def change_rows(t: Tracer, place: Place, value: Value, moved: bool = False, through: bool = False) -> None:
    """What is at a place has changed: the run-time list that it lies in has a new value. `moved`: items have changed their places; `through`: what
    was changed is inside an item."""
    box = place.box
    if box in t.given:
        note_written(t, place)
        if moved:
            unfit(t, box, "the items of a list that lies in an object that was given are replaced by others")
    if through and box.doubled:
        detail = f"two items of {box.name or 'the list'} may be the same object, and one of them is changed here"
        unsure(t, detail, "Put a copy of it into the list the second time.", box)
    t.rewritten.add(box)
    for memory in t.lodged.get(box, ()):  # it may be what is changed
        t.state.slots[memory] = Poison(f"a list or an array in an object of {box.name}", t.b.loc)
    found = contents(t, box)
    assert isinstance(found, Rows)
    set_contents(t, box, Rows(value, found.item, object() if moved else found.token))


def note_written(t: Tracer, place: Place) -> None:
    """What a field of objects in a pool holds is changed in place."""
    found = contents(t, place.box)
    assert isinstance(found, Rows) and isinstance(found.item, SeqForm)
    column = place.fields[0]
    for name, form in zip(found.item.meta, found.item.items, strict=True):
        if 0 <= column < len(types(form)):
            t.written.setdefault(place.box, {})[name] = None
        column -= len(types(form))


def unfit(t: Tracer, pool: Box, detail: str) -> None:
    """The caller's objects cannot be changed as the program changes them: said when they are to be, since a derivative changes none."""
    t.unfit.setdefault(pool, (detail, t.b.loc))


def row_array(t: Tracer, cell: RowCell) -> Value:
    """The array in a row, as a value."""
    value, indices = rows_at(t, cell.place, cell.token)
    key = ("row", value, tuple(indices), cell.place.fields)
    found: Value | None = t.scope.recall(key)
    if found is None:
        found = t.scope.memo[key] = make.item(t.b, value, indices, cell.place.fields)
    return found


def length(t: Tracer, place: Place, token: Any) -> Num:
    """How many rows the list at a place has."""
    value, indices = rows_at(t, place, token)
    key = ("size", value, tuple(indices), place.fields)
    found: Num | None = t.scope.recall(key)
    if found is None:
        found = t.scope.memo[key] = t.integer(make.size(t.b, value, indices, place.fields))
        assert found.value is not None
        t.bound(found.value, constant(0), None)
    return found




def part(t: Tracer, place: Place, instead: Callable[[Ref], Ref | None]) -> None:
    """What is at a place is replaced: names of what is there now, or inside it, no longer mean it, and using them is refused. `instead`: what an
    object's name means from now on, if it still means something."""
    gone = object()

    def inside(p: Arr | Ref) -> bool:
        other = p.place if isinstance(p, Ref) else p.cell.place if isinstance(p.cell, RowCell) else None
        return other is not None and other.box is place.box and other.fields[: len(place.fields)] == place.fields

    def parted(x: Any) -> Any:
        match x:
            case Arr(cell=RowCell() as cell) if inside(x):
                return Arr(RowCell(cell.place, cell.type, gone), x.view)
            case Ref() if x.form is not None and inside(x) and not isinstance(x.form, NodeForm):
                return instead(x) or Ref(x.place, x.form, gone)
            case Seq():
                items = tuple(map(parted, x.items))
                return x if all(a is b for a, b in zip(items, x.items, strict=True)) else Seq(x.kind, items, x.meta)
            case Opt() | Maybe():
                return dataclasses.replace(x, item=parted(x.item))
            case _:
                return x

    for key, x in t.state.slots.items():
        if isinstance(key, (Var, Flag, Box)) and any(map(inside, parts(x))):
            t.state.slots[key] = parted(x)
