"""Compiled code found again in a new process by the function itself, without reading its source, differentiating or optimising.

An entry says what the code was made from besides the function: helper functions and other structure, each by the place where it was
found and a fingerprint of what was found there. All are looked up again and compared before the entry is used.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.frontend.capture import Dependency, Item, Reader
from oneform.frontend.capture import Shape as Nesting
from oneform.identity import Identity, Reference, digest
from oneform.rules import CustomRule
from oneform.runtime import cache
from oneform.runtime.engine import Image
from oneform.runtime.trampoline import Shape
from oneform.tree import Tree

# ("cell", anchor, name), ("global", module, name), ("item", place of the container, key, whether a field), ("shape", place)
Place = tuple[Any, ...]


@dataclass(frozen=True)
class Entry:
    """What the disk keeps of one version."""

    image: Image
    shape: Shape
    captures: tuple[Place, ...]
    dependencies: tuple[tuple[Place, str], ...]


class Unstable(Exception):
    """Something has no name that means the same in another process."""


def store(key: str, identity: Identity, image: Image, shape: Shape, captures: Sequence[Any], dependencies: Sequence[Any]) -> None:
    """Keep a version under `key`, unless it depends on what another process cannot find."""
    try:
        places = tuple(_place(c.read, identity) for c in captures)
        found = tuple((_place(d.read, identity), fingerprint(d.value, exact=True)) for d in dependencies if not _implied(d))
    except Unstable:
        return
    cache.write(key, Entry(image, shape, places, found))


def _implied(d: Any) -> bool:
    """Default arguments, which the fingerprint of their function or class covers; custom rules, which that of their function does."""
    if isinstance(d.read, Reader) and isinstance(d.read.namespace, CustomRule):
        return True
    return not isinstance(d.read, (Reader, Item, Nesting)) and isinstance(d.value, (bool, int, float))


def load(key: str, identity: Identity, root: Any) -> tuple[Image, Shape, list[Reference], Callable[[], bool]] | None:
    """The version under `key` if everything it was made from is still the same; also whether it will be later."""
    entry = cache.read(key)
    if not isinstance(entry, Entry):
        return None
    try:
        readers = [(_reader(place, identity), expected) for place, expected in entry.dependencies]
        values = [r() for r, _ in readers]
        if any(fingerprint(v, exact=True) != expected for v, (_, expected) in zip(values, readers, strict=True)):
            return None
        references = [_reference(p, identity) for p in entry.captures]
    except (Unstable, LookupError, AttributeError, ValueError):
        return None
    namespaces = [getattr(v, "__globals__", {}) for v in (root, *values)]
    if any(p[:2] == ("global", "builtins") and any(p[2] in n for n in namespaces) for p, _ in entry.dependencies):
        return None  # a name that was Python's own is the program's now

    def holds() -> bool:
        return all(d.holds() for d in watched)

    watched = [Dependency("", (), r, v) for (r, _), v in zip(readers, values, strict=True)]
    watched += [Dependency("", (), Reader(v, "rules"), v.rules) for v in (root, *values) if isinstance(v, CustomRule)]
    return entry.image, entry.shape, references, holds


def _place(read: Any, identity: Identity) -> Place:
    if isinstance(read, Item):
        return ("item", _place(read.container, identity), read.key, read.field)
    if isinstance(read, Nesting):
        return ("shape", _place(read.container, identity))
    if not isinstance(read, Reader):
        raise Unstable
    for k, anchor in enumerate(identity.anchors):
        if anchor is read.namespace:
            return ("cell", k, read.name)
    if isinstance(read.namespace, dict):
        return ("global", _module(read.namespace), read.name)
    if isinstance(read.namespace, type):
        return ("item", _place_of_class(read.namespace), read.name, True)
    raise Unstable


def _place_of_class(c: type) -> Place:
    if "." in c.__qualname__ or getattr(sys.modules.get(c.__module__), c.__name__, None) is not c:
        raise Unstable
    return ("global", c.__module__, c.__name__)


def _reader(place: Place, identity: Identity) -> Any:
    if place[0] == "item":
        return Item(_reader(place[1], identity), place[2], place[3])
    if place[0] == "shape":
        return Nesting(_reader(place[1], identity))
    if place[0] == "cell":
        return Reader(identity.anchors[place[1]], place[2])
    module = sys.modules.get(place[1])
    if module is None:
        raise Unstable
    return Reader(vars(module), place[2])


def _reference(place: Place, identity: Identity) -> Reference:
    name = place[2] if place[0] in ("cell", "global") else str(place[2:])
    return identity.reference(name, _reader(place, identity))


def _module(namespace: Any) -> str:
    """The name of the module whose namespace this is."""
    name = namespace.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is None or vars(module) is not namespace:
        raise Unstable
    return str(name)


# ---------------------------------------------------------------- fingerprints


def fingerprint(x: Any, exact: bool = False, seen: list[Any] | None = None) -> str:
    """A text that is equal in another process if x is the same program there. Numbers count only if `exact`; captured ones may change."""
    seen = [] if seen is None else seen
    if isinstance(x, (bool, int, float, complex, np.generic)):
        return f"{type(x).__name__} {x!r}" if exact else "data"
    if isinstance(x, np.ndarray):
        if exact:
            raise Unstable
        return "data"
    if x is None or x is Ellipsis or isinstance(x, (str, bytes)):
        return repr(x)
    if isinstance(x, types.FunctionType):
        return _function(x, seen)
    if isinstance(x, CustomRule):
        return f"{x.kind} {x.nondiff_argnums} {fingerprint(x.fun, False, seen)} {fingerprint(x.rules, False, seen)}"
    if isinstance(x, types.ModuleType):
        return f"module {x.__name__}"
    if isinstance(x, type):
        return _class(x)
    if isinstance(x, (types.BuiltinFunctionType, np.ufunc)):
        return f"builtin {getattr(x, '__module__', '')}.{x.__name__}"
    if isinstance(x, np.dtype):
        return f"dtype {x.str}"  # pyright: ignore[reportUnknownMemberType]
    if isinstance(x, Tree):
        return repr(x)
    if type(x) in (tuple, list):
        items: Any = x
        return f"{type(x).__name__}({', '.join(fingerprint(i, exact, seen) for i in items)})"
    return _other(x)


def _other(x: Any) -> str:
    """Compiled functions, and NumPy's Python-level functions that hide behind a dispatcher."""
    origin: Any = getattr(x, "origin", None)
    if hasattr(origin, "stable"):
        return f"compiled {origin.stable()}"
    inner: Any = getattr(x, "__wrapped__", None)
    module, name = getattr(x, "__module__", None), getattr(x, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str) and module.split(".")[0] in ("numpy", "math") and callable(x):
        return f"library {module}.{name}"
    raise Unstable(type(x), inner)


def _function(f: types.FunctionType, seen: list[Any]) -> str:
    contents: list[str] = []
    for cell in f.__closure__ or ():
        place = next((k for k, c in enumerate(seen) if c is cell), None)
        if place is not None:
            contents.append(f"seen {place}")
            continue
        seen.append(cell)
        try:
            contents.append(fingerprint(cell.cell_contents, False, seen))
        except ValueError:
            contents.append("empty")
    defaults = [fingerprint(d, True) for d in (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values())]
    module = _module(f.__globals__)
    if module.split(".")[0] in ("numpy", "math", "oneform"):
        return f"library {module}.{f.__qualname__}"
    return f"function {digest(f.__code__)} {module} {contents} {defaults}"


def _class(c: type) -> str:
    parts = [f"class {c.__module__}.{c.__qualname__}"]
    if c.__module__.split(".")[0] in ("builtins", "numpy"):
        return parts[0]
    for base in c.__mro__:
        for name, value in vars(base).items():
            inner: Any = getattr(value, "__func__", getattr(value, "fget", value))
            if isinstance(value, CustomRule):
                parts.append(f"{name} {fingerprint(value)}")
            elif isinstance(inner, types.FunctionType) and base is not object:
                parts.append(f"{name} {digest(inner.__code__)}")
            elif isinstance(value, (bool, int, float, str)) and not name.startswith("__"):
                parts.append(f"{name} {value!r}")
    parts.append(repr(getattr(c, "_field_defaults", {})))
    parts.append(repr(getattr(c, "__annotations__", {})))
    return " ".join(parts)


def stable_key(text: str, options: Any, signature: Any) -> str:
    """The name of the entry for a function (by fingerprint), derived or not, with options, for a signature."""
    return cache.digest("manifest", text, options, signature, cache.python_key())

__all__ = ["Entry", "Unstable", "fingerprint", "load", "stable_key", "store"]
