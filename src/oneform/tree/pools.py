"""Objects of recursive classes, as tables with a row for each object."""

from __future__ import annotations

import collections
import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from oneform.errors import ArgumentError
from oneform.families import BEFORE, HEAP_TYPE, REBOUND, Family, family_of, hidden, observe, refers
from oneform.tree.columns import Differ, Made, column_items, column_of, node_column, text_column
from oneform.tree.nesting import LEAF, Tree, field_names, has_fixed_fields, is_frozen, made

ATOMS = frozenset({int, float, bool, str, complex, type(None), np.ndarray, np.float64, np.float32, np.int64})  # types of what refers to nothing


PLAIN = frozenset({"node", "none", "static", "text"})  # kinds of fields that hold nothing that could be changed in place

DEEP = 4  # objects of one class inside each other, from which on they are taken for a list or tree of any size


class Nested(Exception):
    """Objects of a class turned out to hold each other."""


class Pools:
    """The objects of recursive classes that were met, by family, in the order in which they were found."""

    def __init__(self) -> None:
        self.found: dict[Family, list[Any]] = {}
        self.rows: dict[int, int] = {id(None): -1}
        self.families: dict[type, Family | None] = {}
        self.fields: dict[type, dict[str, list[Any]]] = {}  # of the objects of a class, by name
        self.places: dict[type, list[int]] = {}  # their rows
        self.depth: dict[type, int] = {}  # how many objects of a class that is not recursive by its annotations we are in

    def enter(self, cls: type) -> None:
        """Raises Nested if so many are inside each other that the class must be a recursive one."""
        self.depth[cls] = self.depth.get(cls, 0) + 1
        if self.depth[cls] >= DEEP and cls.__flags__ & HEAP_TYPE:
            observe(cls)
            raise Nested

    def leave(self, cls: type) -> None:
        self.depth[cls] -= 1

    def family(self, cls: type) -> Family | None:
        """The family of a class; asked for once."""
        if cls not in self.families:
            self.families[cls] = family_of(cls) if cls.__flags__ & HEAP_TYPE else None
        return self.families[cls]

    def index(self, family: Family, x: Any) -> int:
        """The row of an object."""
        known = self.rows.get(id(x))
        if known is None:
            rows = self.found.setdefault(family, [])
            known = self.rows[id(x)] = len(rows)
            rows.append(x)
        return known

    def _discover(self, x: Any) -> None:
        """Give a row to every object inside a value."""
        if type(x) in ATOMS:
            return
        family = self.family(type(x))
        if family is not None:
            self.index(family, x)
            return
        names = None if isinstance(x, (list, tuple, dict)) else field_names(x)
        inside: Any = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else [getattr(x, n) for n in names or ()]
        for i in inside:
            self._discover(i)

    def tables(self, leaves: list[Any]) -> list[Tree]:
        """A table for each family; their columns are appended to `leaves`."""
        seen: dict[Family, int] = {}
        while any(seen.get(family, 0) < len(rows) for family, rows in self.found.items()):
            for family, rows in list(self.found.items()):
                start = seen.get(family, 0)
                seen[family] = len(rows)
                if start < len(rows):  # else all that is new is of another family
                    self._visit(family, rows, start)
        return [self._table(family, rows, leaves) for family, rows in self.found.items()]

    def _visit(self, family: Family, rows: list[Any], start: int) -> None:
        """The fields of the objects from a row on, and rows for what they refer to. No Python object is made for each of them."""
        known, families = self.rows, self.families
        for cls, places in _by_class(rows, start).items():
            objects = rows[start:] if len(places) == len(rows) - start else [rows[k] for k in places]
            fields = self.fields.setdefault(cls, {n: [] for n in members(objects[0])})
            self.places.setdefault(cls, []).extend(places)
            if not has_fixed_fields(cls) and any(set(members(x)) != fields.keys() for x in objects):
                raise ArgumentError("E401", f"two {cls.__name__} objects have different fields", repair="Give them the same fields.")
            for name, values in fields.items():
                column = list(map(operator.attrgetter(name), objects))
                values += column
                if ATOMS.issuperset(map(type, column)):
                    continue
                for key, v in {id(v): v for v in column}.items():
                    if key not in known and families.get(type(v)) is family:
                        known[key] = len(rows)
                        rows.append(v)
                    elif key not in known:
                        self._discover(v)

    def _table(self, family: Family, rows: list[Any], leaves: list[Any]) -> Tree:
        fields = {cls: tuple(self.fields[cls]) for cls in dict.fromkeys(map(type, rows))}
        names = tuple(dict.fromkeys(n for own in fields.values() for n in own))
        weak: list[bool] = []
        kids: list[Tree] = []
        found: list[Any] = []
        if len(family.classes) > 1:
            weak.append(True)
            number = {c: k for k, c in enumerate(family.classes)}
            found.append(np.array([number[type(x)] for x in rows], np.int64))
            kids.append(Tree("tag", (LEAF,)))
        for n, column in zip(names, self._by_name(rows, fields, names), strict=True):
            try:
                kids.append(self._field(family, n, column, found, weak))
            except Differ:
                detail = f"the field {n} of {family} objects holds things of different kinds"
                raise ArgumentError("E401", detail, repair="Give the field one type in all objects (arrays: one shape).") from None
        leaves.extend(found)
        return Tree("table", (Tree("fields", tuple(kids), (family, names, tuple(fields.items()))),), tuple(weak))

    def _field(self, family: Family, name: str, values: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
        """The column of a field. What kind of column it is should depend on the values as little as possible: each kind is code of its own."""
        kinds = set(map(type, values))
        if kinds == {type(None)} and refers(family, name):
            return node_column(values, family, found, weak, self)
        if kinds == {str}:
            return text_column(values, found, weak)
        return column_of(values, found, weak, self)

    def _by_name(self, rows: list[Any], fields: dict[type, tuple[str, ...]], names: tuple[str, ...]) -> list[Sequence[Any]]:
        """The values of each field in all objects; something that fits for those that lack it."""
        if len(fields) == 1:
            return [self.fields[cls][n] for cls in fields for n in names]
        found: list[Sequence[Any]] = []
        for n in names:
            having = [cls for cls, own in fields.items() if n in own]
            values = [self.fields[having[0]][n][0]] * len(rows)
            for cls in having:
                for place, v in zip(self.places[cls], self.fields[cls][n], strict=True):
                    values[place] = v
            found.append(values)
        return found


def _by_class(rows: list[Any], start: int) -> dict[type, Sequence[int]]:
    """Which rows from `start` on are of which class."""
    kinds = list(map(type, rows[start:]))
    if kinds.count(kinds[0]) == len(kinds):
        return {kinds[0]: range(start, len(rows))}
    found: dict[type, list[int]] = {}
    for k, cls in enumerate(kinds, start):
        found.setdefault(cls, []).append(k)
    return {**found}


def members(x: Any) -> tuple[str, ...]:
    """The fields of an object of a recursive class."""
    own: Any = getattr(x, "_fields", None)
    return tuple(own) if own is not None else field_names(x) or ()


def objects_of(tree: Tree, leaves: Iterator[Any], old: Made | None = None) -> Made:
    """The objects in the tables. `old`: the first objects of each, which are there already and get new fields."""
    nodes: Made = {}
    tables: list[tuple[Tree, list[Any]]] = []
    for table in tree.children[:-1]:
        tables.append((table, [next(leaves) for _ in range(table.leaves)]))
    for table, found in tables:
        family = table.children[0].meta[0]
        there = (old or {}).get(family, [])
        new = _kinds(table, found)[len(there) :]
        tuples = {c for c in set(new) if issubclass(c, tuple)}
        nodes[family] = [*there, *((None if c in tuples else object.__new__(c) for c in new) if tuples else map(object.__new__, new))]
    for table, found in tables:
        _fill(table, found, nodes, len((old or {}).get(table.children[0].meta[0], ())))
    return nodes


def _kinds(table: Tree, found: list[Any]) -> list[type]:
    family, _, own = table.children[0].meta
    if table.children[0].children and table.children[0].children[0].kind == "tag":
        return [family.classes[k] for k in found[0].tolist()]
    return [own[0][0]] * (len(found[0]) if found else 0)


def _fill(table: Tree, found: list[Any], nodes: Made, old: int) -> None:
    """Give the objects of a table their fields: new values to those that were there before, the first `old`. No Python code runs for each of the others."""
    family, names, own = table.children[0].meta
    fields = dict(own)
    kinds = _kinds(table, found)
    columns, weak = iter(found), iter(table.meta)
    rows = nodes[family]
    if any(issubclass(c, tuple) for c in fields):
        _fill_tuples(table, found, nodes, old)
        return
    kids = list(table.children[0].children)
    if kids and kids[0].kind == "tag":
        del kids[0]
        _skip(columns, weak)
    read = {n: (child, column_items(child, columns, weak, len(kinds), nodes)) for n, child in zip(names, kids, strict=True)}
    for n, (child, values) in read.items():
        if hidden(n):
            continue
        if child.kind in PLAIN and len(fields) == 1:
            collections.deque(map(object.__setattr__, rows[:old], itertools.repeat(n), values), 0)
        else:
            for k, (x, c, v) in enumerate(zip(rows[:old], kinds, values, strict=False)):
                if n in fields[c]:
                    _set(x, n, v, child, _put_aside(read, n, k))
        mine, theirs = rows[old:], values[old:]
        if not all(n in own_names for own_names in fields.values()):
            having = [n in fields[c] for c in kinds[old:]]
            mine, theirs = list(itertools.compress(mine, having)), list(itertools.compress(theirs, having))
        collections.deque(map(object.__setattr__, mine, itertools.repeat(n), theirs), 0)


Read = dict[str, tuple[Tree, list[Any]]]  # what the columns of a table hold, by name


def _put_aside(read: Read, name: str, k: int) -> tuple[Tree, Any] | None:
    """What the list or array held that was in a field of row k, if the program has put another there."""
    if name + REBOUND not in read or not read[name + REBOUND][1][k]:
        return None
    tree, values = read[name + BEFORE]
    return tree, values[k]


def _set(x: Any, name: str, new: Any, tree: Tree, before: tuple[Tree, Any] | None) -> None:
    """A field of an object. The list or array that is there takes over what is in the new one, or `before`, where the program has put another there."""
    if before is not None:
        taken_over(before[0], getattr(x, name, None), before[1])
    elif tree.kind not in PLAIN:
        new = taken_over(tree, getattr(x, name, None), new)
    object.__setattr__(x, name, new)


def taken_over(tree: Tree, old: Any, new: Any) -> Any:
    """The old list, array or object with what is in the new one, all the way down; the new one where they are not of a kind."""
    if new is None or type(old) is not type(new) or tree.kind in PLAIN:
        return new
    match tree.kind:
        case "leaf":
            if isinstance(old, np.ndarray) and (old.shape, old.dtype) == (new.shape, new.dtype):
                old[...] = new
                return old
        case "optional":
            return taken_over(tree.children[1], old, new)
        case "ragged":
            inner = tree.children[1]
            numbers = inner.kind == "leaf" and not (new and isinstance(new[0], np.ndarray))
            kept = [] if numbers or inner.kind in PLAIN else [taken_over(inner, a, b) for a, b in zip(old, new, strict=False)]
            old[:] = [*kept, *new[len(kept) :]]
            return old
        case "list":
            old[:] = new
            return old
        case "tuple":
            return tuple(taken_over(c, a, b) for c, a, b in zip(tree.children, old, new, strict=True))
        case "record":
            cls, names = tree.meta
            values = [taken_over(c, getattr(old, n), getattr(new, n)) for c, n in zip(tree.children, names, strict=True)]
            if is_frozen(cls):
                return made(cls, names, values)
            for n, v in zip(names, values, strict=True):
                object.__setattr__(old, n, v)
            return old
        case _:
            pass
    return new


def _skip(*iterators: Iterator[Any]) -> None:
    for i in iterators:
        next(i)


def _fill_tuples(table: Tree, found: list[Any], nodes: Made, old: int) -> None:
    """NamedTuples do not change: each is made when those that it refers to are; other objects of the family get their fields behind them."""
    family, names, own = table.children[0].meta
    fields = dict(own)
    kinds = _kinds(table, found)
    made_rows = nodes[family]
    values: Read = {}
    columns, weak = iter(found), iter(table.meta)
    kids = list(table.children[0].children)
    if kids and kids[0].kind == "tag":
        del kids[0]
        _skip(columns, weak)
    for n, child in zip(names, kids, strict=True):
        inside = child.kind == "node" and child.meta[0] is family
        values[n] = (child, next(columns).tolist() if inside else column_items(child, columns, weak, len(kinds), nodes))
        if inside:
            next(weak)

    def value(k: int, name: str) -> Any:
        child, v = values[name]
        inside = child.kind == "node" and child.meta[0] is family
        return (None if v[k] < 0 else made_rows[v[k]]) if inside else v[k]

    others = [k for k, x in enumerate(made_rows) if x is not None and not isinstance(x, tuple)]
    stack = list(range(len(kinds)))
    while stack:
        k = stack[-1]
        if made_rows[k] is not None:
            stack.pop()
            continue
        own = [v[k] for n, (c, v) in values.items() if c.kind == "node" and c.meta[0] is family and n in fields[kinds[k]]]
        needs = [j for j in own if j >= 0 and made_rows[j] is None]
        if needs:
            stack += needs
            continue
        made_rows[k] = kinds[k](**{n: value(k, n) for n in fields[kinds[k]]})
        stack.pop()
    for k in others:
        for n in fields[kinds[k]]:
            if k < old:
                _set(made_rows[k], n, value(k, n), values[n][0], _put_aside(values, n, k))
            else:
                object.__setattr__(made_rows[k], n, value(k, n))
