"""What is known at a point of the program: the flow-sensitive state, the lexical scope of facts, and the frames of functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from oneform.errors import Location
from oneform.frontend.affine import Affine
from oneform.frontend.liveness import NOBODY, Liveness, Names
from oneform.frontend.source import Source
from oneform.frontend.values import ANYTHING, FALSE, UNBOUND, Arr, Box, Cell, Memory, Num, Poison, RowCell, parts
from oneform.ir import Builder, Value


@dataclass(frozen=True)
class Var:
    """A local variable. Frames are told apart by the path of call sites that leads to them, so that a second lowering finds it again."""

    frame: tuple[Any, ...]
    name: str


@dataclass(frozen=True)
class Flag:
    """Control as data: `break` (of a loop), `return` and its `value` (of a frame)."""

    kind: str
    owner: tuple[Any, ...]


class State:
    """Slots (variables, cell versions, flags) on the current path, and how the path goes on.

    `status`: run (control falls through), exit (it surely left by break, continue or return), maybe (`going` says at run
    time whether it falls through), raised (it never gets here). `exit_live`: names live where exits lead to.
    """

    def __init__(self) -> None:
        self.slots: dict[Any, Any] = {}
        self.where: dict[Any, Location | None] = {}
        self.status = "run"
        self.going: Num | None = None
        self.exit_live: Names = NOBODY

    def copy(self) -> State:
        new = State()
        new.slots, new.where = dict(self.slots), dict(self.where)
        new.status, new.going, new.exit_live = self.status, self.going, self.exit_live
        return new

    def get(self, key: Any) -> Any:
        """What a slot holds; a cell that this path never met holds its first version."""
        found = self.slots.get(key)
        if found is not None:
            return found
        if isinstance(key, (Cell, Box)):
            return key.initial
        if isinstance(key, Flag):
            return ANYTHING if key.kind == "value" else FALSE
        return UNBOUND

    def version(self, cell: Cell) -> Value | Poison | None:
        return self.slots.get(cell, cell.initial)

    def reach(self, x: Any, seen: set[Memory] | None = None) -> Iterator[Memory]:
        """The memory that a value refers to, what is in the boxes among it included, each once."""
        seen = set() if seen is None else seen
        for inner in parts(x):
            memory = inner.cell.place.box if isinstance(inner, Arr) and isinstance(inner.cell, RowCell) else inner.cell if isinstance(inner, Arr) else inner.box
            if memory not in seen:
                seen.add(memory)
                yield memory
                if isinstance(memory, Box):
                    yield from self.reach(self.get(memory), seen)


@dataclass(eq=False)
class Scope:
    """Facts that hold inside one region of the program, beside those of the regions around it."""

    parent: Scope | None
    builder: Builder
    depth: int = 0
    memo: dict[Any, Any] = field(default_factory=dict[Any, Any])
    facts: list[Affine] = field(default_factory=list[Affine])
    became: Scope | None = None  # the scope that its instructions were moved to

    def recall(self, key: Any) -> Any:
        scope: Scope | None = self
        while scope is not None:
            if key in scope.memo:
                return scope.memo[key]
            scope = scope.parent
        return None

    def all_facts(self) -> list[Affine]:
        found: list[Affine] = []
        scope: Scope | None = self
        while scope is not None:
            found.extend(scope.facts)
            scope = scope.parent
        return found

    def encloses(self, other: Scope) -> bool:
        """Whether what is defined here can be read in `other`."""
        target = self
        while target.became is not None:
            target = target.became
        scope: Scope | None = other
        while scope is not None:
            if scope is target:
                return True
            scope = scope.parent
        return False


@dataclass(eq=False)
class LoopFrame:
    """A loop being lowered."""

    path: tuple[Any, ...]
    live_head: Names
    live_after: Names
    broke: bool = False  # a `break` was lowered
    returned: bool = False  # a `return` was lowered

    @property
    def flag(self) -> Flag:
        return Flag("break", self.path)


@dataclass(eq=False)
class Frame:
    """A function being lowered."""

    source: Source
    path: tuple[Any, ...]
    parent: Frame | None  # the frame whose names it sees, for a function defined in the program
    names: Names
    live: Liveness
    signature: Any = None
    recursion: Any = None  # Recursion, while the function is lowered as a recursive one
    loops: list[LoopFrame] = field(default_factory=list[LoopFrame])
    statement: ast.stmt | None = None  # that is being lowered, or was the last one
    waiting: LoopFrame | None = None  # the loop in which it goes through a generator, while that runs

    @property
    def returned(self) -> Flag:
        return Flag("return", self.path)

    @property
    def result(self) -> Flag:
        return Flag("value", self.path)
