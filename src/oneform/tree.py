"""Nested Python containers as a flat list of leaves and a hashable description of the nesting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oneform.types import Type


@dataclass(frozen=True)
class Tree:
    """The nesting. `kind` is leaf, tuple, list, dict, record (NamedTuple or dataclass), none, or static (a string)."""

    kind: str
    children: tuple[Tree, ...] = ()
    meta: Any = None  # dict: its keys; record: (class, field names); static: the value

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
    """Append the leaves of x to `leaves`; whatever is no container is a leaf."""
    if x is None:
        return NONE
    if isinstance(x, str):
        return Tree("static", (), x)
    if isinstance(x, tuple):
        kids = tuple(flatten(c, leaves) for c in x)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        fields: Any = getattr(type(x), "_fields", None)  # pyright: ignore[reportUnknownArgumentType]
        return Tree("record", kids, (type(x), tuple(fields))) if fields is not None else Tree("tuple", kids)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(x, list):
        return Tree("list", tuple(flatten(c, leaves) for c in x))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(x, dict):
        items: Mapping[Any, Any] = x
        return Tree("dict", tuple(flatten(c, leaves) for c in items.values()), tuple(items))
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        names = tuple(f.name for f in dataclasses.fields(x))
        return Tree("record", tuple(flatten(getattr(x, n), leaves) for n in names), (type(x), names))
    leaves.append(x)
    return LEAF


def unflatten(tree: Tree, leaves: Iterator[Any]) -> Any:
    """The inverse of `flatten`; takes as many leaves as the tree has."""
    if tree.kind == "leaf":
        return next(leaves)
    if tree.kind == "none":
        return None
    if tree.kind == "static":
        return tree.meta
    kids = [unflatten(c, leaves) for c in tree.children]
    if tree.kind == "list":
        return kids
    if tree.kind == "tuple":
        return tuple(kids)
    if tree.kind == "dict":
        return dict(zip(tree.meta, kids, strict=True))
    make, names = tree.meta
    return make(**dict(zip(names, kids, strict=True)))


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
