"""Lists, dicts and records that can change: their contents, places in the rows of run-time lists, and what a change does to everybody else
who may see the same memory."""

from __future__ import annotations

from typing import Any, NoReturn

from oneform.frontend.affine import constant
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Box, Cell, Memory, Num, Place, Poison, Ref, RowCell, Rows, Seq
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
    t.refuse(
        "E104", f"{memory.name or _kind(memory)} may or may not be the same memory as {poison.written}, which was written to{line}", None,
        f"Copy one of them where they part: {name} = {_copied(memory, source)}",
    )


def poison_partners(t: Tracer, memory: Memory, name: str = "") -> None:
    """Memory is about to change. Whoever may be the same cannot be read any more; a caller's memory cannot be left in doubt."""
    for other in sorted(memory.partners, key=lambda m: m.name):  # so that messages are the same every time
        if other.pinned and other.home is not memory:
            refuse_doubt(t, memory, other)
        if other in t.state.slots or other.initial is not None:
            t.state.slots[other] = Poison(memory.name or name or f"another {_kind(memory, '')}", t.b.loc)


def refuse_doubt(t: Tracer, memory: Memory, other: Memory) -> NoReturn:
    """A write to what may or may not be the caller's."""
    theirs = f"the {other.pinned} {other.name}" if other.name != memory.name else f"the {other.name or _kind(other, '')} that was given"
    whole = other.name.isidentifier() and _kind(other) == _kind(memory)
    name = other.name if whole else memory.name or "x"
    repair = f"Work on a copy, so that the write cannot reach the caller's memory: {name} = {_copied(memory, name)}"
    t.refuse("E104", f"{memory.name or _kind(memory)} may or may not be the same memory as {theirs}", None, repair)


def _kind(memory: Memory, article: str = "this ") -> str:
    return article + ("array" if isinstance(memory, Cell) else "object" if memory.kind == "record" else memory.kind)


def _copied(memory: Memory, name: str) -> str:
    """How to copy it in Python."""
    return f"copy.copy({name})" if isinstance(memory, Box) and memory.kind == "record" else f"{name}.copy()"


def partner(a: Memory, b: Memory) -> None:
    """Two pieces of memory may be the same: reading both is fine, a write to one makes the other unreadable."""
    for other in {b, *b.partners}:
        tie(a, other)


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
    if not isinstance(found, Rows) or (found.token is not token and place.box.kind != "pool"):
        detail = f"this part of {name} was named before items of {name} were moved or replaced: which item it is now is not known"
        t.refuse("E104", detail, None, f"Take it from {name} again, or copy what is needed before the change.")
    assert found.value is not None
    return found.value, [t.value(i, I64) for i in place.indices]


def change_rows(t: Tracer, box: Box, value: Value, moved: bool = False, through: bool = False) -> None:
    """A run-time list has a new value; `moved`: items have changed their places; `through`: what was changed is inside an item."""
    if through and box.doubled:
        detail = f"two items of {box.name or 'the list'} may be the same object, and one of them is changed here"
        t.refuse("E104", detail, None, "Put a copy of it into the list the second time.")
    t.rewritten.add(box)
    found = contents(t, box)
    assert isinstance(found, Rows)
    set_contents(t, box, Rows(value, found.item, object() if moved else found.token))


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


