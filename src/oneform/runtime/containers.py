"""Containers in compiled entries: arguments taken apart into leaves, results put together, without running Python code where that is possible."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from oneform.families import CODES
from oneform.runtime import abi
from oneform.runtime.text import Names, Text
from oneform.tree import Leaf, Tree, has_fixed_fields


def constants(tree: Tree) -> list[Any]:
    """The objects that an entry needs for this structure, in the order in which `take_apart` and `build` ask for them."""
    own: list[Any] = []
    if tree.kind == "dict":
        own = [sys.intern(k) if type(k) is str else k for k in tree.meta]
    elif tree.kind == "record":
        names = tuple(map(sys.intern, tree.meta[1]))
        own = [tree.meta[0], names, *names]
    elif tree.kind == "static":
        own = [sys.intern(tree.meta) if type(tree.meta) is str else tree.meta]
    elif tree.kind == "pools":
        own = [c for family in tree.meta for c in family.classes]
    elif tree.kind == "fields":
        own = [sys.intern(n) for _, names in tree.meta[2] for n in names]
    elif tree.kind == "text":
        own = [CODES]
    return [*own, *(c for child in tree.children for c in constants(child))]


# ---------------------------------------------------------------- arguments


Reader = Callable[[str, Tree, Sequence[Leaf], Names], str]  # see reader.py


class Keeper(Protocol):
    """Who takes an argument apart: what becomes of objects that do not fit, of those to be held, and of what is read into columns."""

    def fail(self) -> str: ...

    def keep(self, t: Text, obj: str, owned: bool) -> None: ...

    def columns(self, t: Text, tree: Tree, obj: str, names: Names, found: list[str]) -> None: ...


class Held:
    """Objects that the call keeps alive itself, since no caller's frame does: captures, what is inside lists, dicts and records, and columns."""

    def __init__(self, leaves: Sequence[Leaf], reader: Reader) -> None:
        self.leaves, self.reader = leaves, reader
        self.readers: list[str] = []
        self.count = 0
        self.used = False

    def fail(self) -> str:
        """Where to go when the next object cannot be read or does not fit."""
        self.used = True
        return f"unwind{self.count}"

    def keep(self, t: Text, obj: str, owned: bool) -> None:
        if not owned:
            t.do(f"call void @Py_IncRef(ptr {obj})")
        t.do(f"store ptr {obj}, ptr {t.at('%held', 8 * self.count)}")
        self.count += 1

    def columns(self, t: Text, tree: Tree, obj: str, names: Names, found: list[str]) -> None:
        """A long list, or objects of recursive classes: by a function of its own."""
        name, first = f"of.read{len(self.readers)}", len(found)
        self.readers.append(self.reader(name, tree, self.leaves[first : first + tree.leaves], names))
        t.check(t.let(f"call i1 @{name}(ptr %link, ptr {obj}, ptr %columns)"), self.fail())
        for k in range(tree.leaves):
            found.append(t.load("ptr", "%columns", 8 * k))
        for column in found[first:]:
            self.keep(t, column, True)

    def release(self, t: Text) -> None:
        for k in range(self.count):
            t.do(f"call void @Py_DecRef(ptr {t.load('ptr', '%held', 8 * k)})")

    def unwind(self, t: Text) -> None:
        """Release what was kept so far; then on to the next link, or out if a Python exception is set."""
        if not self.used:
            return
        for k in range(self.count - 1, -1, -1):
            t.label(f"unwind{k + 1}")
            t.do(f"call void @Py_DecRef(ptr {t.load('ptr', '%held', 8 * k)})")
            t.do(f"br label %unwind{k}")
        t.label("unwind0")
        t.do(f"br i1 {t.let('icmp eq ptr ' + t.let('call ptr @PyErr_Occurred()') + ', null')}, label %next, label %failed")
        t.label("failed")
        t.do("ret ptr null")


def take_apart(t: Text, tree: Tree, obj: str, held: Keeper, names: Names, found: list[str]) -> None:
    """Append the leaves of an object that must have this structure. Exact types only: the rest goes to the next link."""
    if tree.kind == "leaf":
        found.append(obj)
    elif tree.kind in ("none", "static"):
        wanted = t.api("None") if tree.kind == "none" else names.load(t)
        t.check(t.let(f"icmp eq ptr {obj}, {wanted}"), held.fail())
    elif tree.kind == "record":
        _record_apart(t, tree, obj, held, names, found)
    elif tree.kind in ("pools", "rows", "node"):
        held.columns(t, tree, obj, names, found)
    else:
        t.check_type(obj, tree.kind, held.fail())
        t.check(t.let(f"icmp eq i64 {t.load('i64', obj, abi.OB_SIZE)}, {len(tree.children)}"), held.fail())
        if tree.kind == "dict":
            keys = [names.load(t) for _ in tree.children]
            for key, child in zip(keys, tree.children, strict=True):
                item = t.let(f"call ptr @PyDict_GetItemWithError(ptr {obj}, ptr {key})")
                t.check(t.let(f"icmp ne ptr {item}, null"), held.fail())
                held.keep(t, item, False)
                take_apart(t, child, item, held, names, found)
        elif tree.children:
            _items_apart(t, tree, obj, held, names, found)


def _items_apart(t: Text, tree: Tree, obj: str, held: Keeper, names: Names, found: list[str]) -> None:
    """The items of a tuple, which keeps them, or of a list, which another thread may change."""
    for k, child in enumerate(tree.children):
        items = t.load("ptr", obj, abi.LIST_ITEMS) if tree.kind == "list" else t.at(obj, abi.TUPLE_ITEMS)
        item = t.load("ptr", items, 8 * k)
        if tree.kind == "list":
            held.keep(t, item, False)
        take_apart(t, child, item, held, names, found)


def _record_apart(t: Text, tree: Tree, obj: str, held: Keeper, names: Names, found: list[str]) -> None:
    """The fields of a NamedTuple, which is a tuple, or of another object, by attribute."""
    cls, _ = names.load(t), names.load(t)
    fields = [names.load(t) for _ in tree.children]
    t.check(t.let(f"icmp eq ptr {t.load('ptr', obj, abi.OB_TYPE)}, {cls}"), held.fail())
    if issubclass(tree.meta[0], tuple):
        _items_apart(t, tree, obj, held, names, found)
        return
    if not has_fixed_fields(tree.meta[0]):
        same_fields(t, obj, fields, held.fail())
    for name, child in zip(fields, tree.children, strict=True):
        item = t.let(f"call ptr @PyObject_GetAttr(ptr {obj}, ptr {name})")
        t.check(t.let(f"icmp ne ptr {item}, null"), held.fail())
        held.keep(t, item, True)
        take_apart(t, child, item, held, names, found)


def same_fields(t: Text, obj: str, names: Sequence[str], otherwise: str) -> None:
    """The object's namespace has these names and no others."""
    space = t.let(f"call ptr @PyObject_GenericGetDict(ptr {obj}, ptr null)")
    t.check(t.let(f"icmp ne ptr {space}, null"), otherwise)
    same = t.let(f"icmp eq i64 {t.let(f'call i64 @PyDict_Size(ptr {space})')}, {len(names)}")
    for name in names:
        value = t.let(f"call ptr @PyDict_GetItemWithError(ptr {space}, ptr {name})")
        same = t.let(f"and i1 {same}, {t.let(f'icmp ne ptr {value}, null')}")
    t.do(f"call void @Py_DecRef(ptr {space})")
    t.check(same, otherwise)


# ---------------------------------------------------------------- results


class Pool:
    """Objects made so far and not yet handed on, one slot each; a failure releases them all."""

    def __init__(self, t: Text, leaves: int, tree: Tree):
        self.t, self.size, self.next = t, pool_size(tree), leaves
        for k in range(self.size):
            t.do(f"store ptr null, ptr {t.at('%objects', 8 * k)}")

    def put(self, k: int, obj: str) -> None:
        self.t.do(f"store ptr {obj}, ptr {self.t.at('%objects', 8 * k)}")

    def new(self, obj: str) -> int:
        """A slot for a container just made; leave if it could not be."""
        self.next += 1
        self.put(self.next - 1, obj)
        self.t.check(self.t.let(f"icmp ne ptr {obj}, null"), "failed")
        return self.next - 1

    def see(self, k: int) -> str:
        return self.t.load("ptr", "%objects", 8 * k)

    def take(self, k: int) -> str:
        obj = self.see(k)
        self.put(k, "null")
        return obj

    def drop(self) -> None:
        for k in range(self.size):
            self.t.do(f"call void @of.py.drop(ptr {self.see(k)})")


def pool_size(tree: Tree) -> int:
    return 1 + sum(map(pool_size, tree.children))


def widest(tree: Tree) -> int:
    return max(1, len(tree.children), *map(widest, tree.children))


def build(t: Text, tree: Tree, pool: Pool, names: Names, leaves: list[int] | None = None) -> int:
    """The slot of a new object of this structure around the boxed leaves."""
    leaves = [0] if leaves is None else leaves
    if tree.kind == "leaf":
        leaves[0] += 1
        return leaves[0] - 1
    if tree.kind in ("none", "static"):
        obj = t.api("None") if tree.kind == "none" else names.load(t)
        t.do(f"call void @Py_IncRef(ptr {obj})")
        return pool.new(obj)
    own = [names.load(t) for _ in constants(Tree(tree.kind, (), tree.meta))]
    if tree.kind == "record":
        return _new_record(t, pool, own, [build(t, c, pool, names, leaves) for c in tree.children])
    if tree.kind == "dict":
        return _new_dict(t, pool, own, [build(t, c, pool, names, leaves) for c in tree.children])
    kids = [build(t, c, pool, names, leaves) for c in tree.children]
    slot = pool.new(t.let(f"call ptr @{'PyTuple_New' if tree.kind == 'tuple' else 'PyList_New'}(i64 {len(kids)})"))
    container = pool.see(slot)
    items = t.at(container, abi.TUPLE_ITEMS) if tree.kind == "tuple" else t.load("ptr", container, abi.LIST_ITEMS)
    for k, kid in enumerate(kids):
        t.do(f"store ptr {pool.take(kid)}, ptr {t.at(items, 8 * k)}")
    return slot


def _new_dict(t: Text, pool: Pool, keys: list[str], kids: list[int]) -> int:
    slot = pool.new(t.let("call ptr @PyDict_New()"))
    for key, kid in zip(keys, kids, strict=True):
        code = t.let(f"call i32 @PyDict_SetItem(ptr {pool.see(slot)}, ptr {key}, ptr {pool.see(kid)})")
        t.check(t.let(f"icmp eq i32 {code}, 0"), "failed")
        t.do(f"call void @Py_DecRef(ptr {pool.take(kid)})")
    return slot


def _new_record(t: Text, pool: Pool, own: list[str], kids: list[int]) -> int:
    """A call of the class, with the fields by keyword."""
    for k, kid in enumerate(kids):
        t.do(f"store ptr {pool.see(kid)}, ptr {t.at('%items', 8 * k)}")
    obj = t.let(f"call ptr @PyObject_Vectorcall(ptr {own[0]}, ptr %items, i64 0, ptr {own[1] if kids else 'null'})")
    for kid in kids:
        t.do(f"call void @Py_DecRef(ptr {pool.take(kid)})")
    return pool.new(obj)
