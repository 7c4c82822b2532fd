"""Nested Python containers as a flat list of leaves and a hashable description of the nesting."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.errors import ArgumentError
from oneform.families import HEAP_TYPE, Family, family_of, refers, text_code
from oneform.types import Type


@dataclass(frozen=True)
class Tree:
    """The nesting. `kind` is

    leaf, none, static (a string); tuple, list, dict; record (an object with fields);
    rows: a list whose leaves are columns, arrays with an element for each item; inside it ragged (a column of lengths, and the rows of all
    the lists one behind the other); optional (a column of bools, or a bool); pairs: a dict as the lists of its keys and values;
    pools: tables of all objects of recursive classes that the last child refers to, by their rows, as node; table: as rows, of fields (the
    fields of all classes of the family, before them a tag that says which class it is); text: one of several strings, as its code.
    """

    kind: str
    children: tuple[Tree, ...] = ()
    meta: Any = None  # dict: its keys; record: (class, field names); static: the value; rows, table: which columns are of Python's own numbers;
    # node: (family, class if all are of one, whether None may be there); fields: (family, names, the fields of each class); pools: the families

    @property
    def leaves(self) -> int:
        return 1 if self.kind == "leaf" else sum(c.leaves for c in self.children)


LEAF = Tree("leaf")
NONE = Tree("none")


@dataclass(frozen=True)
class Leaf:
    """What is known of a leaf before the call: its type, and whether it is a Python number (weak in NEP 50's sense)."""

    type: Type
    weak: bool = False


def flatten(x: Any, leaves: list[Any]) -> Tree:
    """Append the leaves of x to `leaves`; whatever is no container is a leaf. Long lists of things of one kind, and objects of recursive classes,
    become columns. Raises ArgumentError E401 for objects of one recursive class with fields that are not alike."""
    if type(x) is tuple:  # each member with tables of its own: primals and tangents are given side by side
        members_: tuple[Any, ...] = x
        return Tree("tuple", tuple(flatten(m, leaves) for m in members_))
    pools = Pools()
    own: list[Any] = []
    tree = _flatten(x, own, pools)
    if pools.found:
        tables = pools.tables(leaves)
        tree = Tree("pools", (*tables, tree), tuple(pools.found))
    leaves.extend(own)
    return tree


def spread(x: Any, leaves: list[Any]) -> Tree:
    """As `flatten`, but item by item and object by object."""
    return _flatten(x, leaves, None)


def _flatten(x: Any, leaves: list[Any], pools: Pools | None) -> Tree:
    if x is None:
        return NONE
    if isinstance(x, str):
        return Tree("static", (), x)
    family = pools.family(type(x)) if pools is not None else None
    if family is not None and pools is not None:
        leaves.append(pools.index(family, x))
        return Tree("node", (LEAF,), (family, _only(family), False))
    if isinstance(x, tuple):
        members: tuple[Any, ...] = x
        kids = tuple(_flatten(c, leaves, pools) for c in members)
        fields: Any = getattr(type(members), "_fields", None)
        return Tree("record", kids, (type(members), tuple(fields))) if fields is not None else Tree("tuple", kids)
    if isinstance(x, list):
        items: list[Any] = x
        found = columns(items, pools) if pools is not None and _is_open(items, pools) else None
        if found is not None:
            leaves.extend(found[1])
            return found[0]
        return Tree("list", tuple(_flatten(c, leaves, pools) for c in items))
    if isinstance(x, dict):
        entries: Mapping[Any, Any] = x
        return Tree("dict", tuple(_flatten(c, leaves, pools) for c in entries.values()), tuple(entries))
    names = field_names(x)
    if names is not None:
        return Tree("record", tuple(_flatten(getattr(x, n), leaves, pools) for n in names), (type(x), names))
    leaves.append(x)
    return LEAF


def _is_open(items: list[Any], pools: Pools) -> bool:
    """Whether code is made for a list of any length: long lists, lists of objects of recursive classes, lists of lists of numbers."""
    if len(items) > SHORT:
        return True
    if items and type(items[0]) is list:
        return all(type(i) is list and all(type(x) in (int, float, complex, list) for x in i) for i in items)
    return len(items) > 1 and pools.family(type(items[0])) is not None


def field_names(x: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass, or of an object whose class is written in Python and cannot be called; None for anything else."""
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return tuple(f.name for f in dataclasses.fields(x))
    cls: Any = type(x)
    if cls.__flags__ & HEAP_TYPE and type(cls) is type and cls.__dictoffset__ and not callable(x) and all(b.__flags__ & HEAP_TYPE for b in cls.__mro__[:-1]):
        return tuple(vars(x)) if not hasattr(x, "__array__") else None
    return None


def unflatten(tree: Tree, leaves: Iterator[Any]) -> Any:
    """The inverse of `flatten`; takes as many leaves as the tree has."""
    return _unflatten(tree, leaves, {})


Made = dict[Any, list[Any]]  # the objects of each family, by row


def _unflatten(tree: Tree, leaves: Iterator[Any], nodes: Made) -> Any:
    match tree.kind:
        case "leaf":
            return next(leaves)
        case "none":
            return None
        case "static":
            return tree.meta
        case "node":
            k = next(leaves)
            return None if k < 0 else nodes[tree.meta[0]][k]
        case "rows":
            return items_of(tree, leaves, nodes)
        case "pools":
            nodes = objects_of(tree, leaves)
            return _unflatten(tree.children[-1], leaves, nodes)
        case _:
            pass
    kids = [_unflatten(c, leaves, nodes) for c in tree.children]
    match tree.kind:
        case "list":
            return kids
        case "tuple":
            return tuple(kids)
        case "dict":
            return dict(zip(tree.meta, kids, strict=True))
        case "optional":
            return kids[1] if kids[0] else None
        case "pairs":
            return dict(zip(*kids, strict=True))
        case _:
            return made(tree.meta[0], tree.meta[1], kids)


def made(cls: Any, names: Sequence[str], values: Sequence[Any]) -> Any:
    """An object of a class with these fields, put in as they are."""
    if issubclass(cls, tuple):
        return cls(**dict(zip(names, values, strict=True)))
    new = object.__new__(cls)
    for n, v in zip(names, values, strict=True):
        object.__setattr__(new, n, v)
    return new


def native(tree: Tree) -> bool:
    """Whether compiled entries can take apart and build this structure themselves."""
    if tree.kind in ("rows", "optional", "pairs", "pools"):
        return False
    if tree.kind == "record" and not issubclass(tree.meta[0], tuple) and not _generated(tree.meta[0], tree.meta[1]):
        return False
    return all(map(native, tree.children))


def _generated(cls: Any, names: Sequence[str]) -> bool:
    """Whether calling the class with its fields makes the object, and does nothing else."""
    if not dataclasses.is_dataclass(cls) or hasattr(cls, "__post_init__") or cls.__init__.__code__.co_filename != "<string>":
        return False
    return tuple(f.name for f in dataclasses.fields(cls) if f.init) == tuple(names) == tuple(f.name for f in dataclasses.fields(cls))


def map_leaves(tree: Tree, f: Callable[[int], Any]) -> Any:
    """The container with f(k) in place of leaf k."""
    return unflatten(tree, (f(k) for k in range(tree.leaves)))


def columns_among(tree: Tree) -> list[bool]:
    """For each leaf, whether it is a column, of whatever length."""
    if tree.kind in ("rows", "table"):
        return [True] * tree.leaves
    return [False] if tree.kind == "leaf" else [c for child in tree.children for c in columns_among(child)]


def subtree_ranges(trees: Sequence[Tree]) -> list[range]:
    """For each tree in a sequence, which of the concatenated leaves are its own."""
    ranges: list[range] = []
    start = 0
    for t in trees:
        ranges.append(range(start, start + t.leaves))
        start += t.leaves
    return ranges


# ---------------------------------------------------------------- lists of many things of one kind, as columns

SHORT = 8  # a list up to this length is structure: code is made for its length

class _Differ(Exception):
    """The items are not all alike."""


def columns(items: Sequence[Any], pools: Pools) -> tuple[Tree, list[Any]] | None:
    """The tree and the columns of a list, if its items are alike in everything but numbers and the lengths of lists."""
    weak: list[bool] = []
    found: list[Any] = []
    try:
        item = _column(items, found, weak, pools)
    except _Differ:
        return None
    return (Tree("rows", (item,), tuple(weak)), found) if found else None


def _column(items: Sequence[Any], found: list[Any], weak: list[bool], pools: Pools) -> Tree:
    """The tree of what all the items are like; columns are appended."""
    kinds = set(map(type, items))
    if kinds <= _NUMBERS.keys():
        return _numbers(items, kinds, found, weak)
    families = {pools.family(k) for k in kinds if k is not type(None)}
    if len(families) == 1 and families != {None}:
        return _nodes(items, families.pop(), found, weak, pools)
    if type(None) in kinds and len(kinds) > 1:
        return _optional(items, found, weak, pools)
    if len(kinds) != 1:
        raise _Differ
    (kind,) = kinds
    first: Any = items[0] if items else None
    if first is None:
        return NONE
    if issubclass(kind, str):
        if all(i == first for i in items):
            return Tree("static", (), first)
        return _texts(items, found, weak)
    if isinstance(first, (np.ndarray, np.generic)):
        return _arrays(items, found, weak)
    if kind is list:
        weak.append(True)
        found.append(np.array([len(i) for i in items], np.int64))
        return Tree("ragged", (LEAF, _column([x for i in items for x in i], found, weak, pools)))
    if issubclass(kind, tuple):
        fields: Any = getattr(kind, "_fields", None)
        if any(len(i) != len(first) for i in items):
            raise _Differ
        kids = tuple(_column([i[k] for i in items], found, weak, pools) for k in range(len(first)))
        return Tree("tuple", kids) if fields is None else Tree("record", kids, (kind, tuple(fields)))
    names = field_names(first)
    if names is None or any(field_names(i) != names for i in items):
        raise _Differ
    return Tree("record", tuple(_column([getattr(i, n) for i in items], found, weak, pools) for n in names), (kind, names))


def _only(family: Family) -> type | None:
    """The class of all objects of a family, if there is but one."""
    return family.classes[0] if len(family.classes) == 1 else None


def _texts(items: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
    codes = {i: text_code(i) for i in dict.fromkeys(items)}
    weak.append(True)
    found.append(np.array([codes[i] for i in items], np.int64))
    return Tree("text", (LEAF,))


def _nodes(items: Sequence[Any], family: Any, found: list[Any], weak: list[bool], pools: Pools) -> Tree:
    """Objects of recursive classes, by their rows in the family's table."""
    weak.append(True)
    rows = pools.rows
    found.append(np.array([-1 if i is None else rows.get(id(i), -2) for i in items], np.int64))
    if -2 in found[-1]:
        found[-1] = np.array([-1 if i is None else pools.index(family, i) for i in items], np.int64)
    return Tree("node", (LEAF,), (family, _only(family), any(i is None for i in items)))


_NUMBERS: dict[type, Any] = {bool: np.bool_, int: np.int64, float: np.float64, complex: np.complex128}


def _numbers(items: Sequence[Any], kinds: set[type], found: list[Any], weak: list[bool]) -> Tree:
    if not items or (bool in kinds and len(kinds) > 1):
        raise _Differ
    widest = max(kinds, key=list(_NUMBERS).index)
    try:
        found.append(np.array(items, _NUMBERS[widest]))
    except OverflowError:
        raise _Differ from None
    weak.append(True)
    return LEAF


def _optional(items: Sequence[Any], found: list[Any], weak: list[bool], pools: Pools) -> Tree:
    there = [i is not None for i in items]
    some = next(i for i in items if i is not None)
    weak.append(True)
    found.append(np.array(there))
    return Tree("optional", (LEAF, _column([some if i is None else i for i in items], found, weak, pools)))


def _arrays(items: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
    first = items[0]
    if any(i.shape != first.shape or i.dtype != first.dtype for i in items):
        raise _Differ
    found.append(np.array(items, first.dtype))
    weak.append(False)
    return LEAF


def items_of(tree: Tree, leaves: Iterator[Any], nodes: Made) -> list[Any]:
    """The list that columns describe; takes as many leaves as the tree has."""
    found = [next(leaves) for _ in range(tree.leaves)]
    return _items(tree.children[0], iter(found), iter(tree.meta), len(found[0]), nodes)


def _items(tree: Tree, found: Iterator[Any], weak: Iterator[bool], n: int, nodes: Made) -> list[Any]:
    match tree.kind:
        case "leaf":
            column = next(found)
            return column.tolist() if next(weak) else list(column)
        case "none" | "static":
            return [tree.meta] * n
        case "node":
            rows, _ = next(found).tolist(), next(weak)
            objects = nodes.get(tree.meta[0], [])
            return [None if k < 0 else objects[k] for k in rows]
        case "optional":
            there, _ = next(found), next(weak)
            return [x if t else None for x, t in zip(_items(tree.children[1], found, weak, n, nodes), there, strict=True)]
        case "ragged":
            lengths, _ = next(found).tolist(), next(weak)
            inner = iter(_items(tree.children[1], found, weak, sum(lengths), nodes))
            return [[next(inner) for _ in range(m)] for m in lengths]
        case _:
            kids = [_items(c, found, weak, n, nodes) for c in tree.children]
            rows = zip(*kids, strict=True) if kids else [()] * n
            if tree.kind == "tuple":
                return list(map(tuple, rows))
            return [made(tree.meta[0], tree.meta[1], row) for row in rows]


# ---------------------------------------------------------------- objects of recursive classes, as tables


ATOMS = frozenset({int, float, bool, str, complex, type(None), np.ndarray, np.float64, np.float32, np.int64})  # types of what refers to nothing


class Pools:
    """The objects of recursive classes that were met, by family, in the order in which they were found."""

    def __init__(self) -> None:
        self.found: dict[Family, list[Any]] = {}
        self.values: dict[Family, list[tuple[Any, ...]]] = {}  # of their fields
        self.rows: dict[int, int] = {}
        self.families: dict[type, Family | None] = {}
        self.getters: dict[type, tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]], bool]] = {}  # field names; their values; for all objects

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

    def _fields(self, x: Any) -> tuple[Any, ...]:
        """The values of an object's fields."""
        found = self.getters.get(type(x))
        if found is None or not found[2]:
            names = members(x)
            get: Any = operator.attrgetter(*names) if len(names) > 1 else (lambda o: (getattr(o, names[0]),) if names else ())
            found = self.getters[type(x)] = (names, get, dataclasses.is_dataclass(x) or isinstance(x, tuple))
        return found[1](x)

    def tables(self, leaves: list[Any]) -> list[Tree]:
        """A table for each family; their columns are appended to `leaves`."""
        grown = True
        while grown:
            grown = False
            for family, rows in list(self.found.items()):
                values = self.values.setdefault(family, [])
                grown = grown or len(values) < len(rows)
                self._visit(family, rows, values)
        return [self._table(family, rows, leaves) for family, rows in self.found.items()]

    def _visit(self, family: Family, rows: list[Any], values: list[tuple[Any, ...]]) -> None:
        """The fields of the objects of a family that were not seen yet, and rows for what they refer to. The most common case without a call."""
        known, families, getters = self.rows, self.families, self.getters
        for k in range(len(values), 2**62):
            if k == len(rows):
                break
            x = rows[k]
            found = getters.get(type(x))
            inside = found[1](x) if found is not None and found[2] else self._fields(x)
            values.append(inside)
            for v in inside:
                cls = type(v)
                if cls in ATOMS:
                    continue
                if families.get(cls) is family:
                    if id(v) not in known:
                        known[id(v)] = len(rows)
                        rows.append(v)
                else:
                    self._discover(v)

    def _table(self, family: Family, rows: list[Any], leaves: list[Any]) -> Tree:
        fields = {cls: self.getters[cls][0] for cls in dict.fromkeys(map(type, rows))}
        names = tuple(dict.fromkeys(n for own in fields.values() for n in own))
        weak: list[bool] = []
        kids: list[Tree] = []
        found: list[Any] = []
        if len(family.classes) > 1:
            weak.append(True)
            number = {c: k for k, c in enumerate(family.classes)}
            found.append(np.array([number[type(x)] for x in rows], np.int64))
            kids.append(Tree("tag", (LEAF,)))
        for n, column in zip(names, self._by_name(family, rows, fields, names), strict=True):
            try:
                kids.append(self._field(family, n, column, found, weak))
            except _Differ:
                detail = f"the field {n} of {family} objects holds things of different kinds"
                raise ArgumentError("E401", detail, repair="Give the field one type in all objects (arrays: one shape).") from None
        leaves.extend(found)
        return Tree("table", (Tree("fields", tuple(kids), (family, names, tuple(fields.items()))),), tuple(weak))

    def _field(self, family: Family, name: str, values: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
        """The column of a field. What kind of column it is should depend on the values as little as possible: each kind is code of its own."""
        kinds = set(map(type, values))
        if kinds == {type(None)} and refers(family, name):
            return _nodes(values, family, found, weak, self)
        if kinds == {str}:
            return _texts(values, found, weak)
        return _column(values, found, weak, self)

    def _by_name(self, family: Family, rows: list[Any], fields: dict[type, tuple[str, ...]], names: tuple[str, ...]) -> list[Sequence[Any]]:
        """The values of each field in all objects; something that fits for those that lack it."""
        if len(fields) == 1:
            return list(zip(*self.values[family], strict=True))
        found: list[Sequence[Any]] = []
        for n in names:
            at = {c: own.index(n) for c, own in fields.items() if n in own}
            some = next(v[at[type(x)]] for x, v in zip(rows, self.values[family], strict=True) if type(x) in at)
            found.append([v[at[type(x)]] if type(x) in at else some for x, v in zip(rows, self.values[family], strict=True)])
        return found


def members(x: Any) -> tuple[str, ...]:
    """The fields of an object of a recursive class."""
    own: Any = getattr(x, "_fields", None)
    return tuple(own) if own is not None else field_names(x) or ()


def nodes_in(x: Any) -> dict[Family, list[Any]]:
    """The objects of recursive classes in a value, in the order of `flatten`."""
    found: dict[Family, list[Any]] = {}
    if type(x) is tuple:
        members_: tuple[Any, ...] = x
        for m in members_:
            for family, objects in nodes_in(m).items():
                found.setdefault(family, []).extend(objects)
        return found
    pools = Pools()
    _flatten(x, [], pools)
    pools.tables([])
    return pools.found


def objects_of(tree: Tree, leaves: Iterator[Any], old: Made | None = None) -> Made:
    """The objects in the tables. `old`: the first objects of each, which are there already and get new fields."""
    nodes: Made = {}
    tables: list[tuple[Tree, list[Any]]] = []
    for table in tree.children[:-1]:
        tables.append((table, [next(leaves) for _ in range(table.leaves)]))
    for table, found in tables:
        family = table.children[0].meta[0]
        there = (old or {}).get(family, [])
        nodes[family] = [*there, *(None if issubclass(c, tuple) else object.__new__(c) for c in _kinds(table, found)[len(there) :])]
    for table, found in tables:
        _fill(table, found, nodes)
    return nodes


def _kinds(table: Tree, found: list[Any]) -> list[type]:
    family, _, own = table.children[0].meta
    if table.children[0].children and table.children[0].children[0].kind == "tag":
        return [family.classes[k] for k in found[0].tolist()]
    return [own[0][0]] * (len(found[0]) if found else 0)


def _fill(table: Tree, found: list[Any], nodes: Made) -> None:
    """Give the objects of a table their fields."""
    family, names, own = table.children[0].meta
    fields = dict(own)
    kinds = _kinds(table, found)
    columns, weak = iter(found), iter(table.meta)
    rows = nodes[family]
    if any(issubclass(c, tuple) for c in fields):
        _fill_tuples(table, found, nodes)
        return
    kids = list(table.children[0].children)
    if kids and kids[0].kind == "tag":
        del kids[0]
        _skip(columns, weak)
    for n, child in zip(names, kids, strict=True):
        values = _items(child, columns, weak, len(kinds), nodes)
        for x, c, v in zip(rows, kinds, values, strict=True):
            if n in fields[c]:
                _set(x, n, v)


def _set(x: Any, name: str, new: Any) -> None:
    """A field of an object; a list or an array that is there already takes over what is in the new one."""
    old: Any = getattr(x, name, None) if isinstance(new, (list, np.ndarray)) else None
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, np.ndarray) and isinstance(new, np.ndarray) and old.shape == new.shape and old.dtype == new.dtype:
        old[...] = new
    else:
        object.__setattr__(x, name, new)


def _skip(*iterators: Iterator[Any]) -> None:
    for i in iterators:
        next(i)


def _fill_tuples(table: Tree, found: list[Any], nodes: Made) -> None:
    """NamedTuples do not change: each is made when those that it refers to are."""
    family, names, own = table.children[0].meta
    fields = dict(own)
    kinds = _kinds(table, found)
    made_rows = nodes[family]
    values: dict[str, tuple[Tree, list[Any]]] = {}
    columns, weak = iter(found), iter(table.meta)
    kids = list(table.children[0].children)
    if kids and kids[0].kind == "tag":
        del kids[0]
        _skip(columns, weak)
    for n, child in zip(names, kids, strict=True):
        inside = child.kind == "node" and child.meta[0] is family
        values[n] = (child, next(columns).tolist() if inside else _items(child, columns, weak, len(kinds), nodes))
        if inside:
            next(weak)
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
        item = {}
        for n in fields[kinds[k]]:
            child, v = values[n]
            inside = child.kind == "node" and child.meta[0] is family
            item[n] = (None if v[k] < 0 else made_rows[v[k]]) if inside else v[k]
        made_rows[k] = kinds[k](**item)
        stack.pop()
