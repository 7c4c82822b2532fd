"""Lists, dicts and objects that compiled code was given and has changed: found before the call, changed after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from oneform.errors import ArgumentError
from oneform.families import Family, family_of
from oneform.tree import Made, Tree, field_names, nodes_in, objects_of, unflatten


def places(updates: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
    """The objects that will change; refused if one is met twice among the arguments, since compiled code has taken it for two."""
    found = [_nodes(u.tree.meta, args, kwargs) if u.what == "nodes" else reach(u.path, args, kwargs) for u in updates]
    if found:
        count = _count((*args, *kwargs.values()))
        for u, x in zip(updates, found, strict=True):
            if u.what == "nodes":
                _check_fields(u.written, x, count)
                continue
            if any(count.get(id(i), 0) > 1 for i in (_memory(x) if u.what == "objects" else (x,))):
                repair = "Pass a copy of it the second time."
                raise ArgumentError("E403", f"{spelt(u.path)}, which the function changes, is the same object as another argument", repair=repair)
    return found


def check(watched: Sequence[tuple[int, Any]], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse what `places` refuses, for updates that are not made, of arguments in so many tuples."""
    for depth in sorted({d for d, _ in watched}):
        inner = args
        for _ in range(depth):
            inner = inner[0]
        places([u for d, u in watched if d == depth], inner, {} if depth else kwargs)


def _check_fields(written: Sequence[tuple[Family, Sequence[str]]], found: Made, count: Mapping[int, int]) -> None:
    """Refuse a list or an array in a field of two objects, if the function changes what is in that field: compiled code has taken it for two."""
    for family, names in written:
        for name in names:
            for x in found.get(family, ()):
                if any(count.get(id(i), 0) > 1 for i in _memory(getattr(x, name, None))):
                    detail = f"what the field {name} of a {type(x).__name__} holds, which the function changes, has another place among the arguments too"
                    raise ArgumentError("E403", detail, repair="Give each object a copy of its own.")


def _nodes(families: Sequence[Family], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Made:
    """The objects of recursive classes in the arguments, in the order in which compiled code got them."""
    found: Made = {f: [] for f in families}
    for x in (*args, *kwargs.values()):
        for own, objects in nodes_in(x).items():
            found.setdefault(own, []).extend(objects)
    if any(len(set(map(id, objects))) < len(objects) for objects in found.values()):
        repair = "Pass a copy of it the second time."
        raise ArgumentError("E403", "an object that the function changes is reached from two arguments", repair=repair)
    return found


def _memory(x: Any) -> Iterator[Any]:
    """What can be changed in a list of objects: itself, and what is in it; not objects of recursive classes."""
    if not (isinstance(x, dict) or _holds_more(x)) or family_of(type(x)) is not None:
        return
    if not isinstance(x, tuple):
        yield x
    for i in _inside(x):
        yield from _memory(i)


def _inside(x: Any) -> Iterable[Any]:
    if isinstance(x, np.ndarray):
        return ()
    names = None if isinstance(x, (list, dict, tuple)) else field_names(x)
    return x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else [getattr(x, n) for n in names or ()]


def _count(args: Sequence[Any]) -> dict[int, int]:
    """How many places each list, dict, array and object has among the arguments."""
    count: dict[int, int] = {}
    stack = list(args)
    while stack:
        x = stack.pop()
        if isinstance(x, dict) or _holds_more(x):
            count[id(x)] = count.get(id(x), 0) + 1
            if count[id(x)] <= (2 if isinstance(x, tuple) else 1):  # what is in a tuple that has two places has two itself
                stack += _inside(x)
    return count


def reach(path: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    x: Any = None
    for step in path:
        if step.kind == "argument":
            x = args[step.key] if isinstance(step.key, int) else kwargs[step.key]
        else:
            x = getattr(x, step.key) if step.kind == "field" else x[step.key]
    return x


def spelt(path: Sequence[Any]) -> str:
    first = path[0].key
    text = f"argument {first}" if isinstance(first, int) else f"argument `{first}`"
    return text + "".join(f".{s.key}" if s.kind == "field" else f"[{s.key!r}]" for s in path[1:])


class _Given(dict[Any, Any]):
    """What trees mean by again: new objects by number, the caller's by the path to them."""

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        self.arguments = args, kwargs

    def __missing__(self, path: Any) -> Any:
        return reach(path, *self.arguments)


def apply(updates: Sequence[Any], found: Sequence[Any], leaves: Iterator[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Change the objects; takes as many leaves as the updates have."""
    new: list[Any] = []
    shared = _Given(args, kwargs)
    nodes: Made = {}
    for u, x in zip(updates, found, strict=True):
        if u.what == "nodes":  # the first, if there are any
            nodes = objects_of(u.tree, leaves, x)
            new.append(None)
            continue
        new.append(unflatten(u.tree, leaves, shared, nodes) if u.what == "objects" else _contents(u.tree, x, leaves, shared, nodes))
    for u, x, contents in zip(updates, found, new, strict=True):
        if u.what == "list":
            x[:] = contents
        elif u.what == "dict":
            x.clear()
            x.update(contents)
        elif u.what == "object":
            for name, value in zip(u.tree.meta[1], contents, strict=True):
                object.__setattr__(x, name, value)
        elif u.what == "objects":
            for old, value in zip(x, contents, strict=True):
                _assign(old, value)


def _contents(tree: Tree, x: Any, leaves: Iterator[Any], shared: dict[Any, Any], nodes: Made) -> Any:
    """The new items; those kept are the objects that were there."""
    if tree.kind in ("rows", "pairs"):
        return unflatten(tree, leaves, shared, nodes)
    names = field_names(x)
    old = list(x.values()) if isinstance(x, dict) else [getattr(x, n) for n in names] if names is not None else list(x)
    items: list[Any] = []
    for c in tree.children:
        items.append(old[c.meta] if c.kind == "kept" else unflatten(c, leaves, shared, nodes))
    return dict(zip(tree.meta, items, strict=True)) if tree.kind == "dict" else items


def _assign(old: Any, new: Any) -> None:
    """What an object, list or array holds, taken over from another of its kind."""
    if isinstance(old, np.ndarray):
        old[...] = new
    elif isinstance(old, list):
        items: list[Any] = old
        if len(items) == len(new) and all(map(_holds_more, items)):
            for a, b in zip(items, new, strict=True):
                _assign(a, b)
        else:
            items[:] = new
    elif isinstance(old, tuple):
        members: tuple[Any, ...] = old
        for a, b in zip(members, new, strict=True):
            _assign(a, b)
    else:
        for name in field_names(new) or ():
            a, b = getattr(old, name), getattr(new, name)
            if type(a) is type(b) and _holds_more(a):
                _assign(a, b)
            else:
                object.__setattr__(old, name, b)


def _holds_more(x: Any) -> bool:
    """Whether something can be changed, or be made of what can be."""
    return isinstance(x, (list, tuple, np.ndarray)) or field_names(x) is not None
