"""What a program has changed in lists, dicts and objects that it was given: the caller's objects are changed alike when it returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from oneform.families import Family
from oneform.frontend.columns import pool_to_leaves
from oneform.frontend.containers import Sharing, to_leaves, whole_memory
from oneform.frontend.lowered import Path, Step, Update
from oneform.frontend.passing import holds_memory
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Made, Num, Opt, Place, Poison, Ref, Rows, Seq, same
from oneform.tree import NONE, Tree

Given = Sequence[tuple[Abstract, Path]]


def given_arrays(x: Abstract, path: Path) -> Iterator[tuple[Cell, Path]]:
    """The arrays in an argument, with how to get to each from the arguments."""
    if isinstance(x, Arr) and isinstance(memory := whole_memory(x), Cell):
        yield memory, path
    for item, further in _inside(x.box.initial if isinstance(x, Ref) and x.form is None else x, path):
        yield from given_arrays(item, further)


def given_boxes(x: Abstract, path: Path) -> Iterator[tuple[Box, Path]]:
    """The objects in an argument, in the same way."""
    if isinstance(x, Ref) and x.form is None:
        yield x.box, path
        x = x.box.initial
    if isinstance(x, Opt):
        yield from given_boxes(x.item, path)
    for item, further in _inside(x, path):
        yield from given_boxes(item, further)


def name_given(x: Abstract, path: Path, names: Sequence[str]) -> None:
    """Messages call what is in an argument by the way to it."""
    for memory, at in (*given_boxes(x, path), *given_arrays(x, path)):
        memory.name = memory.name or _spelt(at, names)


def _spelt(path: Path, names: Sequence[str]) -> str:
    first = path[0].key
    if isinstance(first, int) and first >= len(names):
        return ""
    text = names[first] if isinstance(first, int) else str(first)
    return text + "".join(f".{s.key}" if s.kind == "field" else f"[{s.key!r}]" for s in path[1:])


def _inside(x: Any, path: Path) -> Iterator[tuple[Abstract, Path]]:
    """What is in a container whose structure is known."""
    if isinstance(x, Seq):
        for k, item in enumerate(x.items):
            step = Step("field", x.meta[1][k]) if x.kind == "record" else Step("item", x.meta[k] if x.kind == "dict" else k)
            yield item, (*path, step)


def changed_nodes(t: Tracer, leaves: list[Num | Arr]) -> list[Update]:
    """Objects of recursive classes that were given, as they are now, with all that they refer to."""
    used: dict[Family, None] = {f: None for f, pool in t.pools.items() if pool in t.changed and pool in t.given}
    if not used:
        return []
    tables: list[Tree] = []
    for family in used:  # grows on the way
        tables.append(pool_to_leaves(t, family, leaves, used))
    return [Update((), "nodes", Tree("pools", (*tables, NONE), tuple(used)))]


def changes_of(t: Tracer, given: Given, leaves: list[Num | Arr]) -> tuple[Update, ...]:
    """What to do to the `given` objects that are not what they were; the numbers and arrays for it are appended to `leaves`."""
    found = changed_nodes(t, leaves)
    boxes = [b for x, path in given for b in given_boxes(x, path)]
    sharing = Sharing({**dict(boxes), **{cell: at for x, path in given for cell, at in given_arrays(x, path)}})
    for box, path in boxes:
        now = t.state.get(box)
        if now is box.initial or box not in t.changed:
            continue
        if isinstance(now, Rows) and isinstance(now.token, Made) and now.token.contents is box.initial and box not in t.rewritten:
            continue
        if isinstance(now, Poison):
            if box.home is not None and isinstance(t.state.get(box.home), Rows):
                continue  # changed with the list that it is in
            t.refuse("E104", f"whether {box.name or 'an argument'} was changed depends on the path taken", None, "Work on a copy.")
        if isinstance(now, Rows):
            found.append(_rows_update(t, box, now, path, leaves, sharing))
        elif now.kind == "hash":
            found.append(Update(path, "dict", to_leaves(t, Ref(Place(box)), leaves)))
        else:
            update = _update(t, box, now, path, sharing, leaves)
            if update is not None:
                found.append(update)
    sharing.check(t)
    return tuple(found)


def _rows_update(t: Tracer, box: Box, now: Rows, path: Path, leaves: list[Num | Arr], sharing: Sharing) -> Update:
    """A run-time list: new items in place of the old ones; objects in it are changed where they are, if they are still in their places."""
    start = box.initial
    whole = not holds_memory(now.item)
    kept = start.token is now.token if isinstance(start, Rows) else isinstance(now.token, Made) and now.token.contents is start
    moved = box in t.resized or not kept
    if not whole and moved:
        repair = "Return the new list instead, or work on a copy."
        t.refuse("E105", f"{box.called} was given with objects in it, which compiled code cannot move about", None, repair)
    if box in t.rebound:
        sharing.listed(t, box)
    return Update(path, "list" if whole else "rebound" if box in t.rebound else "objects", to_leaves(t, Ref(Place(box)), leaves))


def _update(t: Tracer, box: Box, now: Seq, path: Path, sharing: Sharing, leaves: list[Num | Arr]) -> Update | None:
    """A list, dict or object whose structure is known: what was in it before stays the same object."""
    before: Any = box.initial
    old = {id(x): k for k, x in enumerate(before.items)} if isinstance(before, Seq) else {}
    kids: list[Tree] = []
    keep: list[int] = []
    for k, x in enumerate(now.items):
        unchanged = k < len(before.items) and same(x, before.items[k]) if isinstance(before, Seq) else False
        if now.kind == "record" and unchanged and now.meta[1][k] in before.meta[1]:
            continue
        keep.append(k)
        place = k if unchanged else next((j for j, y in enumerate(before.items) if isinstance(y, (Ref, Arr)) and same(x, y)), None)
        if place is not None or id(x) in old:
            kids.append(Tree("kept", (), place if place is not None else old[id(x)]))
        else:
            kids.append(to_leaves(t, x, leaves, sharing))
    if not keep and now.kind == "record":
        return None
    meta = (now.meta[0], tuple(now.meta[1][k] for k in keep)) if now.kind == "record" else now.meta
    return Update(path, "object" if now.kind == "record" else now.kind, Tree(now.kind, tuple(kids), meta))
