"""The frontend's result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from oneform.families import Family
from oneform.frontend.capture import Capture, Dependency
from oneform.ir import Function
from oneform.tree import Leaf, Tree


@dataclass(frozen=True)
class Step:
    """One step on the way to an object that was given: argument (by position or name), item (by position or key), field."""

    kind: str
    key: Any


Path = tuple[Step, ...]


@dataclass(frozen=True)
class Update:
    """What becomes of an object that was given. `what`: list, dict: these are its items now; object: these fields have new values;
    objects: each object in the list has new values; nodes: the objects of recursive classes in all arguments, in the order in which they are
    met. In `tree` "kept" is what was there before, "again" another object of the arguments (its path) or a new one, "shared" before (its number).
    `written`: of the recursive classes, the fields in whose lists, arrays and objects something is changed in place."""

    path: Path
    what: str
    tree: Tree
    written: tuple[tuple[Family, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Lowered:
    """A Python function as IR. Parameters: the leaves of `args` in order, of `kwargs` in the order given, then the captures.

    Results: the leaves of the result, then those of `updates`, then the final versions of the parameters `writes`.
    """

    function: Function
    result: Tree
    result_leaves: list[Leaf]
    captures: list[Capture] = field(default_factory=list[Capture])
    writes: tuple[int, ...] = ()
    dependencies: list[Dependency] = field(default_factory=list[Dependency])
    codes: tuple[CodeType, ...] = ()
    warnings: Sequence[str] = ()
    updates: tuple[Update, ...] = ()
    parameters: tuple[str, ...] = ()  # names of the positional parameters
    apart: tuple[int, ...] = ()  # arrays that a derivative changes copies of: no other argument of the function may be the same memory
    seeds: tuple[int, ...] = ()  # parameters that are no arguments of the function: tangents, cotangents
    watched: tuple[tuple[int, Update], ...] = ()  # the same of objects: updates that are not made, and in how many tuples the arguments are
    numbers: tuple[int, ...] = ()  # parameters that NumPy would change in place if they are arrays without axes
