"""What a program has changed in lists, dicts and objects that it was given: the caller's objects are changed alike when it returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from oneform.errors import CompileError
from oneform.families import Family
from oneform.frontend.boxes import classes_in, observed, unsure
from oneform.frontend.containers import Sharing, tables_to_leaves, to_leaves, whole_memory
from oneform.frontend.lowered import Path, Step, Update
from oneform.frontend.passing import holds_memory
from oneform.frontend.sameness import same
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Made, Num, Opt, Place, Poison, Ref, Rows, Seq
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


def _nodes_update(t: Tracer, used: dict[Family, None], leaves: list[Num | Arr]) -> list[Update]:
    """Objects of recursive classes as they are now: those that were given, new ones that they or the other changes refer to."""
    used.update({f: None for f, pool in t.pools.items() if pool in t.changed and pool in t.given})
    tables = tables_to_leaves(t, used, leaves, marks=True)
    for family in used:
        _check_lodged(t, t.pool(family))
    written = tuple((f, tuple(t.written[pool])) for f, pool in t.pools.items() if pool in t.written)
    return [Update((), "nodes", Tree("pools", (*tables, NONE), tuple(used)), written)] if used else []


def changes_of(t: Tracer, given: Given, leaves: list[Num | Arr]) -> tuple[Update, ...]:
    """What to do to the `given` objects that are not what they were; the numbers and arrays for it are appended to `leaves`."""
    boxes = [b for x, path in given for b in given_boxes(x, path)]
    changes = _Changes(t, Sharing({**dict(boxes), **{cell: at for x, path in given for cell, at in given_arrays(x, path)}}))
    found = [u for box, path in boxes if (u := changes.of(box, path)) is not None]
    changes.sharing.check(t)
    found = _nodes_update(t, changes.used, leaves) + found
    leaves += changes.leaves
    return tuple(found)


def _check_lodged(t: Tracer, pool: Box) -> None:
    """Refuse to make two lists or arrays of what the program has as one, or to write into one of the caller's what the program has in another."""
    if pool in t.unfit:
        detail, loc = t.unfit[pool]
        detail += ": which of them the caller still holds is not known"
        raise CompileError("E105", detail, loc, "Make a new list of copies, and put it into the object's field.")
    given = next((m for m in t.lodged.get(pool, ()) if m.pinned), None)
    if pool.doubled or given is not None:
        what = "may be in two of them" if given is None else f"is {given.name or 'one that was given'}, which has another place too"
        detail = f"a list or an array that the program puts into objects of {pool.name} {what}: the caller would get two that are alike instead of one"
        t.refuse("E105", detail, None, "Put a copy there.")


class _Changes:
    """The changes of one program: the numbers and arrays of all of them, and the recursive classes whose objects they speak of."""

    def __init__(self, t: Tracer, sharing: Sharing) -> None:
        self.t, self.sharing = t, sharing
        self.leaves: list[Num | Arr] = []
        self.used: dict[Family, None] = {}

    def of(self, box: Box, path: Path) -> Update | None:
        """What is to be done to one object."""
        now, t = self.t.state.get(box), self.t
        if now is box.initial or box not in t.changed:
            return None
        if isinstance(now, Rows) and isinstance(now.token, Made) and now.token.contents is box.initial and box not in t.rewritten:
            return None
        if isinstance(now, Poison):
            if box.home is not None and isinstance(t.state.get(box.home), Rows):
                return None  # changed with the list that it is in
            t.refuse("E104", f"whether {box.name or 'an argument'} was changed depends on the path taken", None, "Work on a copy.")
        if isinstance(now, Rows):
            return self._rows(box, now, path)
        if now.kind == "list" and box in t.rewritten:
            unsure(t, f"objects in {box.called} that was given are changed, and then the list is emptied", "Return what has changed.", box)
        if now.kind == "hash":
            return Update(path, "dict", self._tree(Ref(Place(box))))
        return self._structure(box, now, path)

    def _tree(self, x: Abstract, sharing: Sharing | None = None) -> Tree:
        return to_leaves(self.t, x, self.leaves, sharing, self.used)

    def _rows(self, box: Box, now: Rows, path: Path) -> Update:
        """A run-time list: new items in place of the old ones; objects in it are changed where they are, if they are still in their places."""
        start, t = box.initial, self.t
        whole = not holds_memory(now.item)
        kept = start.token is now.token if isinstance(start, Rows) else isinstance(now.token, Made) and now.token.contents is start
        moved = box in t.resized or not kept
        if not whole and moved:
            detail = f"{box.called} was given with objects in it, which compiled code cannot move about"
            repair = "Return the new list instead, or work on a copy."
            observed(classes_in(now.item), "E105", detail, None, repair)  # then the list holds the numbers of their rows
            t.refuse("E105", detail, None, repair)
        if box in t.rebound:  # which of them, and what the old lists and arrays hold, is known of objects in a pool
            detail = f"objects in {box.called} that was given are made to hold other lists, arrays or objects"
            repair = "Write into the list or array that is there, or work on a copy."
            observed(classes_in(now.item), "E105", detail, None, repair)
            t.refuse("E105", detail, None, repair)
        return Update(path, "list" if whole else "objects", self._tree(Ref(Place(box))))

    def _structure(self, box: Box, now: Seq, path: Path) -> Update | None:
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
                kids.append(self._tree(x, self.sharing))
        if not keep and now.kind == "record":
            return None
        meta = (now.meta[0], tuple(now.meta[1][k] for k in keep)) if now.kind == "record" else now.meta
        return Update(path, "object" if now.kind == "record" else now.kind, Tree(now.kind, tuple(kids), meta))
