"""Nested values as a flat list of leaves and a description of the nesting, and back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from oneform.families import Family, family_of
from oneform.tree.columns import Made, columns, items_of
from oneform.tree.nesting import LEAF, NONE, Tree, field_names, made, only
from oneform.tree.pools import Nested, Pools, objects_of

SHORT = 8  # a list up to this length is structure: code is made for its length


def flatten(x: Any, leaves: list[Any]) -> Tree:
    """Append the leaves of x to `leaves`; whatever is no container is a leaf. Long lists of things of one kind, and objects of recursive classes,
    become columns. Raises ArgumentError E401 for objects of one recursive class with fields that are not alike."""
    if type(x) is tuple:  # each member with tables of its own: primals and tangents are given side by side
        members_: tuple[Any, ...] = x
        return Tree("tuple", tuple(flatten(m, leaves) for m in members_))
    pools, own = Pools(), list[Any]()
    try:
        tree = _flatten(x, own, pools)
    except Nested:
        return flatten(x, leaves)
    if pools.found:
        tables = pools.tables(leaves)
        tree = Tree("pools", (*tables, tree), tuple(pools.found))
    leaves.extend(own)
    return tree


def spread(x: Any, leaves: list[Any]) -> Tree:
    """As `flatten`, but item by item and object by object. An object of a recursive class that is met again in an argument is that object again."""
    return _spread(x, leaves, itertools.count())


def _spread(x: Any, leaves: list[Any], numbers: Iterator[int]) -> Tree:
    if type(x) is tuple:  # as in `flatten`
        members: tuple[Any, ...] = x
        return Tree("tuple", tuple(_spread(m, leaves, numbers) for m in members))
    return _flatten(x, leaves, None, Met(lambda y: family_of(type(y)) is not None, numbers))


def copied(x: Any) -> Any:
    """The same containers with copies of the arrays; what is one object in x is one in the copy."""
    leaves: list[Any] = []
    tree = _flatten(x, leaves, None, Met(lambda y: isinstance(y, (list, dict, np.ndarray)) or field_names(y) is not None, itertools.count()))
    return unflatten(tree, iter([leaf.copy() if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]))


class Met:
    """The objects that were met on the way, of those that are to be told apart from others that are equal."""

    def __init__(self, counts: Callable[[Any], bool], numbers: Iterator[int]):
        self.counts, self.numbers = counts, numbers
        self.known: dict[int, int] = {}


def _flatten(x: Any, leaves: list[Any], pools: Pools | None, met: Met | None = None) -> Tree:
    if x is None:
        return NONE
    if isinstance(x, str):
        return Tree("static", (), x)
    if met is not None and met.counts(x):
        if id(x) in met.known:
            return Tree("again", (), met.known[id(x)])
        number = met.known[id(x)] = next(met.numbers)
        return Tree("shared", (_anew(x, leaves, pools, met),), number)
    return _anew(x, leaves, pools, met)


def _anew(x: Any, leaves: list[Any], pools: Pools | None, met: Met | None) -> Tree:
    family = pools.family(type(x)) if pools is not None else None
    if family is not None and pools is not None:
        leaves.append(pools.index(family, x))
        return Tree("node", (LEAF,), (family, only(family), False))
    if isinstance(x, tuple):
        members: tuple[Any, ...] = x
        kids = tuple(_flatten(c, leaves, pools, met) for c in members)
        fields: Any = getattr(type(members), "_fields", None)
        return Tree("record", kids, (type(members), tuple(fields))) if fields is not None else Tree("tuple", kids)
    if isinstance(x, list):
        items: list[Any] = x
        found = columns(items, pools) if pools is not None and _is_open(items, pools) else None
        if found is not None:
            leaves.extend(found[1])
            return found[0]
        return Tree("list", tuple(_flatten(c, leaves, pools, met) for c in items))
    if isinstance(x, dict):
        entries: Mapping[Any, Any] = x
        return Tree("dict", tuple(_flatten(c, leaves, pools, met) for c in entries.values()), tuple(entries))
    names = field_names(x)
    if names is not None:
        if pools is not None:
            pools.enter(type(x))
        tree = Tree("record", tuple(_flatten(getattr(x, n), leaves, pools, met) for n in names), (type(x), names))
        if pools is not None:
            pools.leave(type(x))
        return tree
    leaves.append(x)
    return LEAF


def _is_open(items: list[Any], pools: Pools) -> bool:
    """Whether code is made for a list of any length: long lists, lists of objects of recursive classes, lists of lists of numbers."""
    if len(items) > SHORT:
        return True
    if items and type(items[0]) is list:
        return all(type(i) is list and all(type(x) in (int, float, complex, list) for x in i) for i in items)
    return len(items) > 1 and pools.family(type(items[0])) is not None


def unflatten(tree: Tree, leaves: Iterator[Any], shared: dict[Any, Any] | None = None, nodes: Made | None = None) -> Any:
    """The inverse of `flatten`; takes as many leaves as the tree has. `shared`: what has a number in this tree or in one before; `nodes`: the
    objects of recursive classes whose tables are elsewhere."""
    return _unflatten(tree, leaves, nodes or {}, {} if shared is None else shared)


def _unflatten(tree: Tree, leaves: Iterator[Any], nodes: Made, shared: dict[Any, Any]) -> Any:
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
        case "again":
            return shared[tree.meta]
        case "shared" if tree.children[0].kind == "record" and not issubclass(tree.children[0].meta[0], tuple):
            (record,) = tree.children
            new = shared[tree.meta] = made(record.meta[0], (), ())  # before its fields, which may refer to it
            for name, c in zip(record.meta[1], record.children, strict=True):
                object.__setattr__(new, name, _unflatten(c, leaves, nodes, shared))
            return new
        case "pools":
            nodes = objects_of(tree, leaves)
            return _unflatten(tree.children[-1], leaves, nodes, shared)
        case _:
            pass
    kids = [_unflatten(c, leaves, nodes, shared) for c in tree.children]
    match tree.kind:
        case "shared":
            return shared.setdefault(tree.meta, kids[0])
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
        case "set":
            return set(kids[0])
        case _:
            return made(tree.meta[0], tree.meta[1], kids)


def map_leaves(tree: Tree, f: Callable[[int], Any]) -> Any:
    """The container with f(k) in place of leaf k."""
    return unflatten(tree, (f(k) for k in range(tree.leaves)))


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
