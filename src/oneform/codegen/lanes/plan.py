"""What is known of a loop in lanes before it is written: which of its instructions are in lanes, what differs between the rounds, what they share."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from oneform.codegen.emit import Emitter
from oneform.codegen.scalars import itemsize
from oneform.codegen.strides import slope
from oneform.codegen.target import vector_bytes
from oneform.codegen.versions import Analysis
from oneform.ir import Instr, Value, instructions
from oneform.types import DType, Scalar


@dataclass(frozen=True)
class Pack:
    """A read of elements that `first` reads as well, by `column`, the variable of one of the loops around it. `around`: the variables of all of them; empty
    in a branch, as others decide then whether there is something to read."""

    first: Instr
    column: Value
    around: tuple[Value, ...]


@dataclass(frozen=True)
class Abreast:
    """A loop whose rounds are lanes."""

    loop: Instr
    dtype: DType
    vectors: int  # side by side, as additions wait for each other
    work: tuple[Instr, ...]  # of the body: done in lanes
    behind: tuple[Instr, ...]  # the rest, and what of the work has to be done for it once more
    handed: tuple[Value, ...]  # numbers made in lanes that are used behind
    sums: frozenset[int]  # carried numbers that are only added to, in any order
    arrays: frozenset[int]  # carried arrays that are
    own: Mapping[Value, Instr]  # what makes each value of the work
    varying: frozenset[Value]  # what differs between the rounds, or may
    scratch: tuple[Instr, ...]  # allocations of the work
    mine: frozenset[Value]  # arrays that each round has for itself
    packs: Mapping[Instr, Pack]  # reads of rows again and again

    @functools.cached_property
    def top(self) -> frozenset[Instr]:
        return frozenset(self.work)

    @property
    def width(self) -> int:
        return vector_bytes() // itemsize(self.dtype)

    @property
    def rounds(self) -> int:
        return self.width * self.vectors

    @property
    def loops(self) -> list[Instr]:
        return [i for i in instructions(self.work) if i.op.structure in ("for", "build")]

    @property
    def indices(self) -> list[Value]:
        """The variables of all its loops."""
        inner = [p for i in self.loops for p in (i.regions[0].params if i.op.structure == "build" else i.regions[0].params[:1])]
        return [self.loop.regions[0].params[0], *inner]

    def limits(self, em: Emitter, n: str) -> dict[Value, str] | None:
        """How far the variables of the loops run, if it can be known before them that nothing in lanes will raise."""
        lengths = [n]
        for i in self.loops:
            lengths += build_lengths(em, i) if i.op.structure == "build" else [em.invariant(i.args[0])]
        variables = dict(zip(self.indices, lengths, strict=True))
        checks = [i for i in instructions(self.work) if i.op.lower == "index" and i.attrs["checked"]]
        if not checks or not em.options.boundscheck:
            return variables
        known = em.certain or Analysis(em, self.loop, variables).certain()
        fine = set[Instr]()
        return variables if all(i in known or self.early(i, known, fine) for i in checks) else None

    def unknown(self, em: Emitter) -> list[Instr]:
        """Checks that only a group can answer, before it starts."""
        checks = [i for i in instructions(self.work) if i.op.lower == "index" and i.attrs["checked"]]
        return [i for i in checks if i not in em.certain] if em.options.boundscheck else []

    def early(self, i: Instr, known: Mapping[Instr, bool], fine: set[Instr]) -> bool:
        """Whether what an index is made of is known as the rounds begin, and needs no check that is not. `fine`: of which this is known."""
        if i in fine:
            return True
        for a in i.args:
            j = self.own.get(a)
            if j is not None and is_index(a):
                checked = j.op.lower == "index" and j.attrs["checked"] and j not in known
                if checked or j not in self.top or not self.early(j, known, fine):
                    return False
        if i in self.top:
            fine.add(i)
        return i in fine


def build_lengths(em: Emitter, i: Instr) -> list[str]:
    given = iter(i.args)
    return [str(d) if isinstance(d, int) else em.invariant(next(given)) for d in (*i.attrs["shape"], *i.attrs["extent"])]


def is_index(v: Value) -> bool:
    return isinstance(v.type, Scalar) and v.type.dtype.kind == "i"


def apart(i: Instr, round_: Value, own: Mapping[Value, Instr]) -> bool:
    """Whether what the rounds read is not side by side, and not the same."""
    steps = [slope(k, round_, own, lambda _: True) for k in i.args[1:]]
    return any(s != 0 for s in steps) and (steps[-1] not in (1, -1) or any(s != 0 for s in steps[:-1]))
