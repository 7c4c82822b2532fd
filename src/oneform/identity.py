"""When two callables are the same program: code, structure of closures and defaults. What they capture may differ in value."""

from __future__ import annotations

import functools
import hashlib
import types
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.frontend.capture import Item, Reader, Shape
from oneform.rules import CustomRule
from oneform.tree import flatten


@dataclass(frozen=True, eq=False)
class Identity:
    """`key` is equal for equal programs. `anchors` are the closure cells in the order met: the same place in another
    callable of this program holds what that callable captures. `alive` are the objects whose id() stands in the key."""

    key: tuple[Any, ...]
    anchors: tuple[Any, ...]
    alive: tuple[Any, ...]

    def extended(self, *more: Any) -> Identity:
        return Identity((*self.key, *more), self.anchors, self.alive)

    def reference(self, name: str, read: Callable[[], Any]) -> Reference:
        """Where a captured value is found in any callable of this program."""
        items: list[Item | Shape] = []
        inner = read
        while isinstance(inner, (Item, Shape)):
            items.append(inner)
            inner = inner.container
        for k, anchor in enumerate(self.anchors):
            if isinstance(inner, Reader) and anchor is inner.namespace:
                return Reference(name, k, read, tuple(reversed(items)))
        return Reference(name, None, read)


@dataclass(frozen=True, eq=False)
class Reference:
    """A captured value: in the cell at a place, or where `read` finds it, the same for all callables of a program."""

    name: str
    anchor: int | None
    read: Callable[[], Any]
    items: tuple[Item | Shape, ...] = ()  # the way from the content of the cell

    def get(self, identity: Identity) -> Any:
        if self.anchor is None:
            return self.read()
        found: Any = identity.anchors[self.anchor].cell_contents
        for i in self.items:
            found = flatten(found, []) if isinstance(i, Shape) else getattr(found, i.key) if i.field else found[i.key]
        return found

    def native(self, identity: Identity) -> tuple[str, tuple[Any, Any]]:
        """How machine code reads it: what kind of place, and the place."""
        if self.anchor is not None:
            return ("call", (lambda: self.get(identity), None)) if self.items else ("cell", (identity.anchors[self.anchor], None))
        if isinstance(self.read, Reader):
            if type(self.read.namespace) is dict:
                return "dict", (self.read.namespace, self.read.name)
            if type(self.read.namespace) is types.CellType:
                return "cell", (self.read.namespace, None)
        return "call", (self.read, None)


_DATA = (bool, int, float, complex, np.generic, np.ndarray)


def identify(function: Any) -> Identity:
    """The identity of a Python callable."""
    walk = _Walk()
    key = walk.describe(function)
    return Identity((key,), tuple(walk.cells), tuple(walk.alive))


class _Walk:
    def __init__(self) -> None:
        self.cells: list[Any] = []
        self.alive: list[Any] = []

    def describe(self, x: Any) -> tuple[Any, ...]:
        if isinstance(x, _DATA):
            return ("data",)
        if x is None or x is Ellipsis or isinstance(x, (str, bytes)):
            return ("value", x)
        if isinstance(x, types.FunctionType):
            return self.function(x)
        if isinstance(x, types.MethodType):
            return ("method", self.describe(x.__func__), self.describe(x.__self__))
        if isinstance(x, CustomRule):
            rules = [tuple(map(self.describe, r)) if isinstance(r, tuple) else self.describe(r) for r in x.rules]
            return (x.kind, x.nondiff_argnums, self.describe(x.fun), *rules)
        if isinstance(x, functools.partial):
            partial: Any = x
            return ("partial", self.describe(partial.func), self.describe(partial.args), self.describe(partial.keywords), self.same(partial))
        if isinstance(x, (tuple, list)) and not hasattr(x, "_fields"):
            items: Any = x
            return (type(x).__name__, *map(self.describe, items), self.same(items) if items else 0)
        origin: Any = getattr(x, "origin", None)
        if hasattr(origin, "identity"):
            inner: Identity = origin.identity()
            start = len(self.cells)
            self.cells += inner.anchors
            self.alive += inner.alive
            return ("compiled", start, *inner.key)
        return ("is", self.same(x))

    def same(self, x: Any) -> int:
        """Identity as an object: nothing else counts as equal."""
        self.alive.append(x)
        return id(x)

    def function(self, f: types.FunctionType) -> tuple[Any, ...]:
        contents: list[Any] = []
        for cell in f.__closure__ or ():
            place = next((k for k, c in enumerate(self.cells) if c is cell), None)
            if place is not None:
                contents.append(("seen", place))
                continue
            self.cells.append(cell)
            try:
                contents.append(self.describe(cell.cell_contents))
            except ValueError:
                contents.append(("empty",))
        defaults = [self.default(d) for d in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values())]
        return ("function", digest(f.__code__), self.same(f.__globals__), tuple(contents), tuple(defaults))

    def default(self, x: Any) -> tuple[Any, ...]:
        """Defaults are part of the program: numbers by value, arrays by identity."""
        return ("number", type(x), repr(x)) if isinstance(x, (bool, int, float)) else ("array", self.same(x)) if isinstance(x, _DATA) else self.describe(x)


_digests: dict[int, tuple[weakref.ref[Any], str]] = {}


def digest(code: types.CodeType) -> str:
    """A digest of everything a code object is compiled from, nested code and places in the source included."""
    known = _digests.get(id(code))
    if known is not None and known[0]() is code:
        return known[1]
    stamp = hashlib.sha256()
    _feed(stamp, code)
    value = stamp.hexdigest()
    key = id(code)
    _digests[key] = weakref.ref(code, lambda _: _digests.pop(key, None)), value
    return value


def _feed(stamp: Any, code: types.CodeType) -> None:
    names = (code.co_filename, code.co_qualname, code.co_firstlineno, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_flags)
    stamp.update(repr(names).encode())
    stamp.update(code.co_code)
    stamp.update(code.co_linetable)
    for c in code.co_consts:
        if isinstance(c, types.CodeType):
            _feed(stamp, c)
        else:
            text = repr(sorted(map(repr, c)) if isinstance(c, frozenset) else c)  # sets have no stable order
            stamp.update(f"{type(c).__name__}:{text};".encode())
