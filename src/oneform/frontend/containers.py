"""Nested values as a tree and its leaves, in both directions."""

from __future__ import annotations

from collections.abc import Iterator

from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Generator, Num, Py, Range, Seq, describe
from oneform.tree import LEAF, NONE, Tree


def to_leaves(t: Tracer, x: Abstract, leaves: list[Num | Arr]) -> Tree:
    """The nesting of a value; its numbers and arrays are appended to `leaves`."""
    if isinstance(x, (Num, Arr)):
        leaves.append(x)
        return LEAF
    if isinstance(x, Seq):
        return Tree(x.kind, tuple(to_leaves(t, i, leaves) for i in x.items), x.meta)
    if isinstance(x, Py) and x.obj is None:
        return NONE
    if isinstance(x, Py) and isinstance(x.obj, str):
        return Tree("static", (), x.obj)
    if isinstance(x, Generator):
        t.refuse("E006", "a list whose length is known only at run time cannot be passed out of compiled code", x.node, "Make an array: np.array([… for …]).")
    what = "a range" if isinstance(x, Range) else describe(x)
    t.refuse("E101", f"{what} cannot be passed out of compiled code", None, "Return numbers, arrays, and tuples, lists, dicts or records of them.")


def from_leaves(tree: Tree, leaves: Iterator[Num | Arr]) -> Abstract:
    """The inverse of `to_leaves`."""
    if tree.kind == "leaf":
        return next(leaves)
    if tree.kind == "none":
        return Py(None)
    if tree.kind == "static":
        return Py(tree.meta)
    return Seq(tree.kind, tuple(from_leaves(c, leaves) for c in tree.children), tree.meta)
