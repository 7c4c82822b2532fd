"""Lists of many things of one kind, as columns: arrays with an element for each item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from oneform.families import Family, text_code
from oneform.tree.nesting import LEAF, NONE, Tree, field_names, made, only

Made = dict[Any, list[Any]]  # the objects of each family, by row


class Rows(Protocol):
    """What columns ask of the tables of objects of recursive classes."""

    rows: dict[int, int]

    def family(self, cls: type) -> Family | None: ...

    def index(self, family: Family, x: Any) -> int: ...


class Differ(Exception):
    """The items are not all alike."""


def columns(items: Sequence[Any], pools: Rows) -> tuple[Tree, list[Any]] | None:
    """The tree and the columns of a list, if its items are alike in everything but numbers and the lengths of lists."""
    weak: list[bool] = []
    found: list[Any] = []
    try:
        item = column_of(items, found, weak, pools)
    except Differ:
        return None
    return (Tree("rows", (item,), tuple(weak)), found) if found else None


def column_of(items: Sequence[Any], found: list[Any], weak: list[bool], pools: Rows) -> Tree:
    """The tree of what all the items are like; columns are appended."""
    kinds = set(map(type, items))
    if kinds <= _NUMBERS.keys():
        return _numbers(items, kinds, found, weak)
    families = {pools.family(k) for k in kinds if k is not type(None)}
    if len(families) == 1 and families != {None}:
        return node_column(items, families.pop(), found, weak, pools)
    if type(None) in kinds and len(kinds) > 1:
        return _optional(items, found, weak, pools)
    if len(kinds) != 1:
        raise Differ
    (kind,) = kinds
    first: Any = items[0] if items else None
    if first is None:
        return NONE
    if issubclass(kind, str):
        if all(i == first for i in items):
            return Tree("static", (), first)
        return text_column(items, found, weak)
    if isinstance(first, (np.ndarray, np.generic)):
        return _arrays(items, found, weak)
    if kind is list:
        weak.append(True)
        found.append(np.array([len(i) for i in items], np.int64))
        return Tree("ragged", (LEAF, column_of([x for i in items for x in i], found, weak, pools)))
    if issubclass(kind, tuple):
        fields: Any = getattr(kind, "_fields", None)
        if any(len(i) != len(first) for i in items):
            raise Differ
        kids = tuple(column_of([i[k] for i in items], found, weak, pools) for k in range(len(first)))
        return Tree("tuple", kids) if fields is None else Tree("record", kids, (kind, tuple(fields)))
    names = field_names(first)
    if names is None or any(field_names(i) != names for i in items):
        raise Differ
    return Tree("record", tuple(column_of([getattr(i, n) for i in items], found, weak, pools) for n in names), (kind, names))


def text_column(items: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
    codes = {i: text_code(i) for i in dict.fromkeys(items)}
    weak.append(True)
    found.append(np.array([codes[i] for i in items], np.int64))
    return Tree("text", (LEAF,))


def node_column(items: Sequence[Any], family: Any, found: list[Any], weak: list[bool], pools: Rows) -> Tree:
    """Objects of recursive classes, by their rows in the family's table."""
    weak.append(True)
    try:
        column = np.fromiter(map(pools.rows.__getitem__, map(id, items)), np.int64, len(items))
    except KeyError:
        column = np.array([-1 if i is None else pools.index(family, i) for i in items], np.int64)
    found.append(column)
    return Tree("node", (LEAF,), (family, only(family), bool(np.any(column < 0))))


_NUMBERS: dict[type, Any] = {bool: np.bool_, int: np.int64, float: np.float64, complex: np.complex128}


def _numbers(items: Sequence[Any], kinds: set[type], found: list[Any], weak: list[bool]) -> Tree:
    if not items or (bool in kinds and len(kinds) > 1):
        raise Differ
    widest = max(kinds, key=list(_NUMBERS).index)
    try:
        found.append(np.array(items, _NUMBERS[widest]))
    except OverflowError:
        raise Differ from None
    weak.append(True)
    return LEAF


def _optional(items: Sequence[Any], found: list[Any], weak: list[bool], pools: Rows) -> Tree:
    there = [i is not None for i in items]
    some = next(i for i in items if i is not None)
    weak.append(True)
    found.append(np.array(there))
    return Tree("optional", (LEAF, column_of([some if i is None else i for i in items], found, weak, pools)))


def _arrays(items: Sequence[Any], found: list[Any], weak: list[bool]) -> Tree:
    first = items[0]
    if any(i.shape != first.shape or i.dtype != first.dtype for i in items):
        raise Differ
    found.append(np.array(items, first.dtype))
    weak.append(False)
    return LEAF


def items_of(tree: Tree, leaves: Iterator[Any], nodes: Made) -> list[Any]:
    """The list that columns describe; takes as many leaves as the tree has."""
    found = [next(leaves) for _ in range(tree.leaves)]
    return column_items(tree.children[0], iter(found), iter(tree.meta), len(found[0]), nodes)


def column_items(tree: Tree, found: Iterator[Any], weak: Iterator[bool], n: int, nodes: Made) -> list[Any]:
    match tree.kind:
        case "leaf":
            column = next(found)
            return column.tolist() if next(weak) else list(column)
        case "none" | "static":
            return [tree.meta] * n
        case "list":
            return [[] for _ in range(n)]
        case "node":
            rows, _ = next(found).tolist(), next(weak)
            objects = nodes.get(tree.meta[0], [])
            return [None if k < 0 else objects[k] for k in rows]
        case "optional":
            there, _ = next(found), next(weak)
            return [x if t else None for x, t in zip(column_items(tree.children[1], found, weak, n, nodes), there, strict=True)]
        case "ragged":
            lengths, _ = next(found).tolist(), next(weak)
            inner = iter(column_items(tree.children[1], found, weak, sum(lengths), nodes))
            return [[next(inner) for _ in range(m)] for m in lengths]
        case _:
            kids = [column_items(c, found, weak, n, nodes) for c in tree.children]
            rows = zip(*kids, strict=True) if kids else [()] * n
            if tree.kind == "tuple":
                return list(map(tuple, rows))
            return [made(tree.meta[0], tree.meta[1], row) for row in rows]
