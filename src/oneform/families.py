"""Recursive classes: those whose fields are, by their annotations, again of the same class, directly or through others. Objects of such a class
form trees, lists and graphs of any size; compiled code keeps all objects of one family in one table."""

from __future__ import annotations

import functools
import hashlib
import sys
import types
import typing
from dataclasses import dataclass
from typing import Any

HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: the class was made at run time
REBOUND, BEFORE = " rebound", " before"  # end the names of no field


@dataclass(frozen=True, eq=False)
class Family:
    """Classes whose objects refer to each other."""

    classes: tuple[type, ...]

    def __str__(self) -> str:
        return " or ".join(c.__name__ for c in self.classes)


_known: dict[type, Family | None] = {}
_observed: set[type] = set()  # classes without annotations whose objects turned out to hold objects of the class


def observe(cls: type) -> None:
    """A class is recursive, whatever its annotations say."""
    _observed.add(cls)
    _known.clear()


def generation() -> int:
    """Changes when classes turn out to be recursive: what was said of their objects before is out of date."""
    return len(_observed)


def family_of(cls: type) -> Family | None:
    """The family of a class; None for one that is not recursive."""
    if not cls.__flags__ & HEAP_TYPE:
        return None
    if cls in _known:
        found = _known[cls]
        if found is None or all(c in found.classes for base in found.classes for c in base.__subclasses__()):
            return found
    return _look(cls)


CODES: dict[str, int] = {}  # of strings met lately; compiled entries look here
_MANY_CODES = 1 << 16


def text_code(text: str) -> int:
    """A string as the number that stands for it in compiled code."""
    code = CODES.get(text)
    if code is None:
        if len(CODES) >= _MANY_CODES:
            CODES.clear()
        code = CODES[text] = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
    return code


def _look(cls: type) -> Family | None:
    """Everything that the annotations of a class and of its neighbours in the module lead to, and which of it leads back."""
    notes: dict[type, list[set[type]]] = {}
    queue = [cls, *_neighbours(cls)]
    while queue:
        c = queue.pop()
        if c not in notes:
            notes[c] = _annotations(c)
            queue += [d for note in notes[c] for d in note]
    edges = {c: {d for note in found for d in note} for c, found in notes.items()}
    reached = {c: _all_from(c, edges) for c in edges}
    found: Family | None = None
    for start in edges:
        group = {c for c in edges if start in reached[c] and c in reached[start]}
        grown = {d for c in group for note in notes[c] if note & group for d in note} | group
        grown |= {s for c in grown for s in _subclasses(c)}
        if group and cls in grown:
            found = Family(tuple(sorted(grown, key=lambda c: (c.__module__, c.__qualname__))))
            break
    for c in found.classes if found else (cls,):
        _known[c] = found
    return found


def _neighbours(cls: type) -> list[type]:
    """The classes of the same module, and the bases."""
    module: Any = sys.modules.get(cls.__module__)
    near = [c for c in vars(module).values() if isinstance(c, type) and c.__module__ == cls.__module__] if module else []
    return [*near, *(c for c in cls.__mro__[:-1] if c.__flags__ & HEAP_TYPE)]


def _all_from(cls: type, edges: dict[type, set[type]]) -> set[type]:
    found: set[type] = set()
    queue = list(edges[cls])
    while queue:
        c = queue.pop()
        if c not in found:
            found.add(c)
            queue += edges[c]
    return found


def _annotations(cls: type) -> list[set[type]]:
    """The user's classes that each annotation of a class speaks of, with their subclasses."""
    found: list[set[type]] = [{cls}] if cls in _observed else []
    for base in cls.__mro__[:-1]:
        names = {**vars(sys.modules.get(base.__module__, types.ModuleType(""))), base.__name__: base}
        found += [_classes(note, names) for note in base.__dict__.get("__annotations__", {}).values()]
    return [{s for c in note for s in (c, *_subclasses(c))} for note in found if note]


def hidden(name: str) -> bool:
    """Whether a column is none of a field, but says of one in which of the caller's objects the program has put another list or array there
    (name + REBOUND), and what the caller's own held then (name + BEFORE)."""
    return name.endswith((REBOUND, BEFORE))


@functools.lru_cache(4096)
def refers(family: Family, name: str) -> bool:
    """Whether a field of this name may hold an object of the family, by the annotations."""
    for cls in family.classes:
        for base in cls.__mro__[:-1]:
            note = base.__dict__.get("__annotations__", {}).get(name)
            names = {**vars(sys.modules.get(base.__module__, types.ModuleType(""))), base.__name__: base}
            if note is not None and _classes(note, names) & set(family.classes):
                return True
    return False


def _subclasses(cls: type) -> list[type]:
    return [s for c in cls.__subclasses__() for s in (c, *_subclasses(c))]


def _classes(note: Any, names: dict[str, Any]) -> set[type]:
    """The user's classes in an annotation."""
    if isinstance(note, str):
        try:
            note = eval(note, {**vars(typing), **names})  # as typing.get_type_hints does
        except Exception:
            return set()
    if isinstance(note, typing.ForwardRef):
        return _classes(note.__forward_arg__, names)
    if isinstance(note, type) and not typing.get_args(note):
        return {note} if note.__module__ != "builtins" and note.__flags__ & HEAP_TYPE else set()
    return {c for inner in typing.get_args(note) for c in _classes(inner, names)}
