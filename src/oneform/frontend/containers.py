"""Nested values as a tree and its leaves, in both directions."""

from __future__ import annotations

from collections.abc import Iterator

from oneform.frontend.boxes import new_box
from oneform.frontend.columns import rows_from_leaves, rows_to_leaves
from oneform.frontend.passing import see
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Box, Generator, Num, Opt, Place, Py, Range, Ref, Rows, Seq, changes, describe
from oneform.tree import LEAF, NONE, Tree


def to_leaves(t: Tracer, x: Abstract, leaves: list[Num | Arr]) -> Tree:
    """The nesting of a value; its numbers and arrays are appended to `leaves`."""
    if isinstance(x, (Num, Arr)):
        leaves.append(x)
        return LEAF
    if isinstance(x, Generator):
        x = t.call(t, Py(list), [x], {}, x.node)
    inner = see(t, x)
    if isinstance(inner, Seq) and inner.kind == "hash":
        return Tree("pairs", tuple(to_leaves(t, i, leaves) for i in inner.items[:2]))
    if isinstance(inner, Seq):
        return Tree(inner.kind, tuple(to_leaves(t, i, leaves) for i in inner.items), inner.meta)
    if isinstance(inner, (Rows, Ref)):
        return rows_to_leaves(t, x, leaves)
    if isinstance(x, Py) and x.obj is None:
        return NONE
    if isinstance(x, Py) and isinstance(x.obj, str):
        return Tree("static", (), x.obj)
    if isinstance(x, Opt):
        leaves.append(x.there)
        return Tree("optional", (LEAF, to_leaves(t, x.item, leaves)))
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
