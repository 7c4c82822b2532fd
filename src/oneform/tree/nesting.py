"""The description of nested values: containers, their kinds and their leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oneform.families import HEAP_TYPE, Family
from oneform.types import Type


@dataclass(frozen=True)
class Tree:
    """The nesting. `kind` is

    leaf, none, static (a string); tuple, list, dict; record (an object with fields);
    rows: a list whose leaves are columns, arrays with an element for each item; inside it ragged (a column of lengths, and the rows of all
    the lists one behind the other); optional (a column of bools, or a bool); pairs: a dict as the lists of its keys and values; set: a set as the
    list of its items;
    pools: tables of all objects of recursive classes that the last child refers to, by their rows, as node; table: as rows, of fields (the
    fields of all classes of the family, before them a tag that says which class it is); text: one of several strings, as its code;
    shared: something with a number, by which again means the same.
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


_READ = frozenset({"leaf", "none", "static", "tuple", "list", "dict", "record", "rows", "pools", "node"})
_READ_IN_COLUMNS = frozenset({"leaf", "none", "static", "tuple", "record", "ragged", "optional", "text", "node", "tag"})


def readable(tree: Tree) -> bool:
    """Whether compiled entries can take this structure apart themselves."""
    if tree.kind in ("rows", "table"):
        items = tree.children[0].children if tree.kind == "table" else tree.children
        return all(map(_readable_in_columns, items))
    return tree.kind in _READ and all(map(readable, tree.children))


def _readable_in_columns(tree: Tree) -> bool:
    return tree.kind in _READ_IN_COLUMNS and all(map(_readable_in_columns, tree.children))


def native(tree: Tree) -> bool:
    """Whether compiled entries can build this structure themselves."""
    if tree.kind in ("rows", "optional", "pairs", "set", "pools", "shared", "again"):
        return False
    if tree.kind == "record" and not issubclass(tree.meta[0], tuple) and not _generated(tree.meta[0], tree.meta[1]):
        return False
    return all(map(native, tree.children))


def _generated(cls: Any, names: Sequence[str]) -> bool:
    """Whether calling the class with its fields makes the object, and does nothing else."""
    if not dataclasses.is_dataclass(cls) or hasattr(cls, "__post_init__") or cls.__init__.__code__.co_filename != "<string>":
        return False
    return tuple(f.name for f in dataclasses.fields(cls) if f.init) == tuple(names) == tuple(f.name for f in dataclasses.fields(cls))


def field_names(x: Any) -> tuple[str, ...] | None:
    """The fields of a dataclass, or of an object whose class is written in Python and cannot be called; None for anything else."""
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        return tuple(f.name for f in dataclasses.fields(x))
    cls: Any = type(x)
    if cls.__flags__ & HEAP_TYPE and type(cls) is type and cls.__dictoffset__ and not callable(x) and all(b.__flags__ & HEAP_TYPE for b in cls.__mro__[:-1]):
        return tuple(vars(x)) if not hasattr(x, "__array__") else None
    return None


def has_fixed_fields(cls: type) -> bool:
    """Whether all objects of a class have the same fields."""
    return dataclasses.is_dataclass(cls) or issubclass(cls, tuple)


def made(cls: Any, names: Sequence[str], values: Sequence[Any]) -> Any:
    """An object of a class with these fields, put in as they are."""
    if issubclass(cls, tuple):
        return cls(**dict(zip(names, values, strict=True)))
    new = object.__new__(cls)
    for n, v in zip(names, values, strict=True):
        object.__setattr__(new, n, v)
    return new


def is_frozen(cls: type) -> bool:
    """Whether objects of a record class cannot be changed."""
    return issubclass(cls, tuple) or (hasattr(cls, "__dataclass_params__") and cls.__dataclass_params__.frozen)  # type: ignore[attr-defined]


def only(family: Family) -> type | None:
    """The class of all objects of a family, if there is but one."""
    return family.classes[0] if len(family.classes) == 1 else None
