"""Nested Python containers as a flat list of leaves and a hashable description of the nesting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.types import Type


@dataclass(frozen=True)
class Tree:
    """The nesting. `kind` is

    leaf, none, static (a string); tuple, list, dict; record (an object with fields);
    rows: a list whose leaves are columns, arrays with an element for each item; inside it ragged (a column of lengths, and the rows of all
    the lists one behind the other); optional (a column of bools, or a bool); pairs: a dict as the lists of its keys and values.
    """

    kind: str
    children: tuple[Tree, ...] = ()
    meta: Any = None  # dict: its keys; record: (class, field names); static: the value; rows: which columns are of Python's own numbers

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
    """Append the leaves of x to `leaves`; whatever is no container is a leaf. Long lists of things of one kind become columns."""
    return _flatten(x, leaves, long=True)


def spread(x: Any, leaves: list[Any]) -> Tree:
    """As `flatten`, but lists of any length item by item."""
    return _flatten(x, leaves, long=False)


def _flatten(x: Any, leaves: list[Any], long: bool) -> Tree:
    if x is None:
        return NONE
    if isinstance(x, str):
        return Tree("static", (), x)
    if isinstance(x, tuple):
        members: tuple[Any, ...] = x
        kids = tuple(_flatten(c, leaves, long) for c in members)
        fields: Any = getattr(type(members), "_fields", None)
        return Tree("record", kids, (type(members), tuple(fields))) if fields is not None else Tree("tuple", kids)
    if isinstance(x, list):
        items: list[Any] = x
        found = columns(items) if long and len(items) > SHORT else None
        if found is not None:
            leaves.extend(found[1])
            return found[0]
        return Tree("list", tuple(_flatten(c, leaves, long) for c in items))
    if isinstance(x, dict):
        entries: Mapping[Any, Any] = x
        return Tree("dict", tuple(_flatten(c, leaves, long) for c in entries.values()), tuple(entries))
    names = field_names(x)
    if names is not None:
        return Tree("record", tuple(_flatten(getattr(x, n), leaves, long) for n in names), (type(x), names))
    leaves.append(x)
    return LEAF


def field_names(x: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass, or of an object whose class is written in Python and cannot be called; None for anything else."""
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return tuple(f.name for f in dataclasses.fields(x) if hasattr(x, f.name))
    cls: Any = type(x)
    if cls.__flags__ & HEAP_TYPE and type(cls) is type and cls.__dictoffset__ and not callable(x) and all(b.__flags__ & HEAP_TYPE for b in cls.__mro__[:-1]):
        return tuple(vars(x)) if not hasattr(x, "__array__") else None
    return None


HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the class was made at run time


def unflatten(tree: Tree, leaves: Iterator[Any]) -> Any:
    """The inverse of `flatten`; takes as many leaves as the tree has."""
    if tree.kind == "leaf":
        return next(leaves)
    if tree.kind == "none":
        return None
    if tree.kind == "static":
        return tree.meta
    if tree.kind == "rows":
        return items_of(tree, leaves)
    kids = [unflatten(c, leaves) for c in tree.children]
    if tree.kind == "list":
        return kids
    if tree.kind == "tuple":
        return tuple(kids)
    if tree.kind == "dict":
        return dict(zip(tree.meta, kids, strict=True))
    if tree.kind == "optional":
        return kids[1] if kids[0] else None
    if tree.kind == "pairs":
        return dict(zip(*kids, strict=True))
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
    if tree.kind in ("rows", "optional", "pairs"):
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


def columns(items: Sequence[Any]) -> tuple[Tree, list[Any]] | None:
    """The tree and the columns of a list, if its items are alike in everything but numbers and the lengths of lists."""
    weak: list[bool] = []
    found: list[Any] = []
    try:
        item = _column(items, found, weak)
    except _Differ:
        return None
    return (Tree("rows", (item,), tuple(weak)), found) if found else None


def _column(items: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
    """The tree of what all the items are like; columns are appended."""
    kinds = set(map(type, items))
    if kinds <= _NUMBERS.keys():
        return _numbers(items, kinds, found, weak)
    if type(None) in kinds and len(kinds) > 1:
        return _optional(items, found, weak)
    if len(kinds) != 1:
        raise _Differ
    (kind,) = kinds
    first: Any = items[0] if items else None
    if first is None:
        return NONE
    if issubclass(kind, str):
        if any(i != first for i in items):
            raise _Differ
        return Tree("static", (), first)
    if isinstance(first, (np.ndarray, np.generic)):
        return _arrays(items, found, weak)
    if kind is list:
        weak.append(True)
        found.append(np.array([len(i) for i in items], np.int64))
        return Tree("ragged", (LEAF, _column([x for i in items for x in i], found, weak)))
    if issubclass(kind, tuple):
        fields: Any = getattr(kind, "_fields", None)
        if any(len(i) != len(first) for i in items):
            raise _Differ
        kids = tuple(_column([i[k] for i in items], found, weak) for k in range(len(first)))
        return Tree("tuple", kids) if fields is None else Tree("record", kids, (kind, tuple(fields)))
    names = field_names(first)
    if names is None or any(field_names(i) != names for i in items):
        raise _Differ
    return Tree("record", tuple(_column([getattr(i, n) for i in items], found, weak) for n in names), (kind, names))


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


def _optional(items: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
    there = [i is not None for i in items]
    some = next(i for i in items if i is not None)
    weak.append(True)
    found.append(np.array(there))
    return Tree("optional", (LEAF, _column([some if i is None else i for i in items], found, weak)))


def _arrays(items: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
    first = items[0]
    if any(i.shape != first.shape or i.dtype != first.dtype for i in items):
        raise _Differ
    found.append(np.array(items, first.dtype))
    weak.append(False)
    return LEAF


def items_of(tree: Tree, leaves: Iterator[Any]) -> list[Any]:
    """The list that columns describe; takes as many leaves as the tree has."""
    found = [next(leaves) for _ in range(tree.leaves)]
    return _items(tree.children[0], iter(found), iter(tree.meta), len(found[0]))


def _items(tree: Tree, found: Iterator[Any], weak: Iterator[bool], n: int) -> list[Any]:
    match tree.kind:
        case "leaf":
            column = next(found)
            return column.tolist() if next(weak) else list(column)
        case "none" | "static":
            return [tree.meta] * n
        case "optional":
            there, _ = next(found), next(weak)
            return [x if t else None for x, t in zip(_items(tree.children[1], found, weak, n), there, strict=True)]
        case "ragged":
            lengths, _ = next(found).tolist(), next(weak)
            inner = iter(_items(tree.children[1], found, weak, sum(lengths)))
            return [[next(inner) for _ in range(m)] for m in lengths]
        case _:
            kids = [_items(c, found, weak, n) for c in tree.children]
            rows = zip(*kids, strict=True) if kids else [()] * n
            if tree.kind == "tuple":
                return list(map(tuple, rows))
            return [made(tree.meta[0], tree.meta[1], row) for row in rows]
