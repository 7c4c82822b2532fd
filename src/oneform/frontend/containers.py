"""Nested values as a tree and its leaves, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn

from oneform.families import Family
from oneform.frontend.boxes import new_box, unsure
from oneform.frontend.columns import pool_from_leaves, pool_size, pool_to_leaves, rows_from_leaves, rows_to_leaves
from oneform.frontend.forms import NodeForm
from oneform.frontend.lowered import Path
from oneform.frontend.passing import holds_memory, item_form, node_at, node_row, see
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Generator, Num, Opt, Place, Py, Range, Ref, RowCell, Rows, Seq, changes, describe
from oneform.frontend.written.queues import QUEUES
from oneform.frontend.written.sets import Set
from oneform.ops import make
from oneform.tree import LEAF, NONE, Tree
from oneform.types import I64


class Sharing:
    """Which objects and arrays were met in what becomes part of the caller's objects: those that the caller gave stay themselves, a new one stays one."""

    def __init__(self, given: Mapping[Box | Cell, Path]) -> None:
        self.given = given
        self.made: dict[Box | Cell, int] = {}
        self.lists: list[Box] = []  # of objects, as columns: each object in them comes to be anew

    def again(self, memory: Box | Cell | None) -> Tree | None:
        """How to say that this is what was met before."""
        known = None if memory is None else self.given.get(memory, self.made.get(memory))
        return None if known is None else Tree("again", (), known)

    def listed(self, t: Tracer, box: Box) -> None:
        """The items of a run-time list are met; none of them may be met elsewhere."""
        self.lists.append(box)
        if box.doubled:
            self.refuse(t, box, "more than once in")

    def check(self, t: Tracer) -> None:
        """Refuse to make two objects of what the program has as one, or may have."""
        for box in self.lists:
            if self.lists.count(box) > 1 or any(p in self.made or (p in self.given and not box.pinned) for p in box.partners):
                self.refuse(t, box, "elsewhere as well as in")
        for memory in self.made:
            other = next((p for p in memory.partners if p in self.made or p in self.given), None)
            if other is not None:
                self.refuse(t, other, "the same as")

    def refuse(self, t: Tracer, memory: Box | Cell, where: str) -> NoReturn:
        what = memory.called if isinstance(memory, Box) else f"the array {memory.name}" if memory.name else "another array"
        detail = f"what is put into an object that was given may be {where} {what}: the caller would get two that are alike instead of one"
        unsure(t, detail, "Put a copy there, or return it instead of changing what was given.", memory, code="E105")


def whole_memory(x: Abstract) -> Box | Cell | None:
    """The object or array that a value is; None for numbers, for parts of arrays and for what lies in rows."""
    if isinstance(x, Ref):
        return x.box if x.form is None and not x.place.indices else None
    return x.cell if isinstance(x, Arr) and x.view is None and not isinstance(x.cell, RowCell) else None


def to_leaves(t: Tracer, x: Abstract, leaves: list[Num | Arr], sharing: Sharing | None = None, elsewhere: dict[Family, None] | None = None) -> Tree:
    """The nesting of a value; its numbers and arrays are appended to `leaves`. With `sharing` an object that comes twice is one object. With
    `elsewhere` the tables of recursive classes are not part of it, and the families are noted there."""
    if elsewhere is not None:
        return _apart(t, x, leaves, elsewhere, sharing)
    own: list[Num | Arr] = []
    used: dict[Family, None] = {}
    tree = _apart(t, x, own, used, sharing)
    tables = tables_to_leaves(t, used, leaves)
    leaves += own
    return Tree("pools", (*tables, tree), tuple(used)) if used else tree


def tables_to_leaves(t: Tracer, used: dict[Family, None], leaves: list[Num | Arr], marks: bool = False) -> tuple[Tree, ...]:
    """The tables of recursive classes; `used` gets the families that these refer to in turn. `marks`: as for pool_to_leaves."""
    tables: list[Tree] = []
    while len(tables) < len(used):
        tables.append(pool_to_leaves(t, list(used)[len(tables)], leaves, used, marks))
    return tuple(tables)


def _apart(t: Tracer, x: Abstract, leaves: list[Num | Arr], used: dict[Family, None], sharing: Sharing | None) -> Tree:
    memory = whole_memory(x)
    if sharing is not None and memory is None:
        for box in _rows_with(t, x):  # it is one of the items, or in one
            sharing.listed(t, box)
            if box.pinned:
                sharing.refuse(t, box, "elsewhere as well as in")
        return _anew(t, x, leaves, used, sharing if isinstance(x, (Seq, Opt)) else None)
    if sharing is None or memory is None:
        return _anew(t, x, leaves, used, None)
    met = sharing.again(memory)
    if met is not None:
        return met
    number = sharing.made[memory] = len(sharing.made)
    return Tree("shared", (_anew(t, x, leaves, used, sharing),), number)


def _rows_with(t: Tracer, x: Abstract) -> list[Box]:
    """The run-time list in whose rows a changeable object, a list or an array lies, if that is where it is."""
    if isinstance(x, Ref) and not isinstance(x.form, NodeForm) and holds_memory(x.form):
        return [x.box]
    return [x.cell.place.box] if isinstance(x, Arr) and isinstance(x.cell, RowCell) and x.view is None else []


def _anew(t: Tracer, x: Abstract, leaves: list[Num | Arr], used: dict[Family, None], sharing: Sharing | None) -> Tree:
    if isinstance(x, (Num, Arr)):
        leaves.append(x)
        return LEAF
    if isinstance(x, Generator):
        x = t.call(t, Py(list), [x], {}, x.node)
    node = x.item if isinstance(x, Opt) else x
    if isinstance(node, Ref) and isinstance(node.form, NodeForm):
        form = item_form(t, x)
        assert isinstance(form, NodeForm)
        used.setdefault(form.family)
        leaves.append(node_row(t, x))
        return Tree("node", (LEAF,), (form.family, form.cls, form.nullable))
    inner = see(t, x)
    if isinstance(inner, Seq) and inner.kind == "hash":
        return Tree("pairs", tuple(_apart(t, i, leaves, used, sharing) for i in inner.items[:2]))
    if isinstance(inner, Seq) and inner.kind == "record" and inner.meta[0] is Set:
        return Tree("set", (_apart(t, inner.items[0], leaves, used, sharing),))
    if isinstance(inner, Seq) and inner.kind == "record" and inner.meta[0] in QUEUES:
        name = QUEUES[inner.meta[0]].__name__
        t.refuse("E101", f"a {name} cannot be passed out of compiled code", None, "Return list(d)." if name == "deque" else "Return a dict.")
    if isinstance(inner, Seq):
        return Tree(inner.kind, tuple(_apart(t, i, leaves, used, sharing) for i in inner.items), inner.meta)
    if isinstance(inner, (Rows, Ref)):
        if sharing is not None and isinstance(x, Ref) and holds_memory(item_form(t, x)):
            sharing.listed(t, x.box)
        return rows_to_leaves(t, x, leaves, used)
    if isinstance(x, Py) and x.obj is None:
        return NONE
    if isinstance(x, Py) and isinstance(x.obj, str):
        return Tree("static", (), x.obj)
    if isinstance(x, Opt):
        leaves.append(x.there)
        return Tree("optional", (LEAF, _apart(t, x.item, leaves, used, sharing)))
    what = "a range" if isinstance(x, Range) else describe(x)
    t.refuse("E101", f"{what} cannot be passed out of compiled code", None, "Return numbers, arrays, and tuples, lists, dicts or records of them.")


def from_leaves(t: Tracer, tree: Tree, leaves: Iterator[Num | Arr], pinned: str = "") -> Abstract:
    """The inverse of `to_leaves`. `pinned`: why the program's caller sees changes of the objects, which then are what all paths start from."""
    if tree.kind == "leaf":
        return next(leaves)
    if tree.kind == "none":
        return Py(None)
    if tree.kind == "static":
        return Py(tree.meta)
    if tree.kind == "rows":
        return rows_from_leaves(t, tree, leaves, pinned)
    if tree.kind == "pools":
        return _with_pools(t, tree, leaves, pinned)
    if tree.kind == "node":
        row = next(leaves)
        assert isinstance(row, Num)
        base = t.first_rows.get(tree.meta[0])
        if base is not None:
            row = t.integer(make.moved(t.b, t.value(row, I64), base))
        return node_at(t, NodeForm(*tree.meta), t.as_index(row))
    kids = tuple(from_leaves(t, c, leaves, pinned) for c in tree.children)
    if tree.kind == "optional":
        there, item = kids
        assert isinstance(there, Num)
        return Opt(item, there)
    contents = Seq(tree.kind, kids, tree.meta)
    if tree.kind in ("list", "dict") or (tree.kind == "record" and changes(tree.meta[0])):
        return pinned_box(tree.kind, contents, pinned) if pinned else new_box(t, tree.kind, contents)
    return contents


def pinned_box(kind: str, contents: Seq | Rows, pinned: str) -> Ref:
    return Ref(Place(Box("", kind, contents, pinned)))


def _with_pools(t: Tracer, tree: Tree, leaves: Iterator[Num | Arr], pinned: str) -> Abstract:
    """A value with the objects of recursive classes that it refers to."""
    sizes = {family: pool_size(t, family) for family in tree.meta}
    before, t.first_rows = t.first_rows, {family: n for family, n in sizes.items() if n is not None}
    try:
        for table in tree.children[:-1]:
            pool_from_leaves(t, table, leaves, t.first_rows, pinned)
        return from_leaves(t, tree.children[-1], leaves, pinned)
    finally:
        t.first_rows = before
