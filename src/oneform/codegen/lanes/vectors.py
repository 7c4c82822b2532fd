"""Vectors of one number for each round: made, taken apart, chosen from, transposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.lanes.forms import vector_type
from oneform.codegen.lanes.plan import Abreast
from oneform.codegen.scalars import SUFFIXES, literal, llvm_type
from oneform.ir import Instr, Value
from oneform.types import Scalar

Vectors = list[str]


@dataclass
class Group:
    """A group of rounds. `first`: the round in the first lane; `last`: the last round of the loop."""

    em: Emitter
    plan: Abreast
    scratch: Mapping[Value, Arr]
    packed: Mapping[Instr, Arr]
    first: str
    last: str
    made: dict[Value, Vectors] = field(default_factory=dict[Value, Vectors])
    rows: list[str] = field(default_factory=list[str])
    collected: dict[Instr, Vectors] = field(default_factory=dict[Instr, Vectors])  # terms of elements side by side, added up when there are enough
    active: Vectors = field(default_factory=Vectors)  # lanes that are rounds, and are in this branch

    def __post_init__(self) -> None:
        em, n = self.em, self.plan.width
        self.vector, self.mask = vector_type(self.plan.dtype, n), f"<{n} x i1>"
        self.zero = f"splat ({llvm_type(self.plan.dtype)} {literal(0.0, self.plan.dtype)})"
        self.rows = [em.ins(f"call i64 @llvm.smin.i64(i64 {em.ins(f'add nuw nsw i64 {self.first}, {k}')}, i64 {self.last})") for k in range(self.plan.rounds)]
        left = self.splat("i64", em.ins(f"sub nsw i64 {self.last}, {self.first}"))
        self.active = [em.ins(f"icmp sle <{n} x i64> <{', '.join(f'i64 {k + j}' for j in range(n))}>, {left}") for k in range(0, self.plan.rounds, n)]
        self.rounds = self.active

    def splat(self, t: str, x: str) -> str:
        n = self.plan.width
        one = self.em.ins(f"insertelement <{n} x {t}> poison, {t} {x}, i64 0")
        return self.em.ins(f"shufflevector <{n} x {t}> {one}, <{n} x {t}> poison, <{n} x i32> zeroinitializer")

    def vectors(self, v: Value) -> Vectors:
        """A value in lanes; one that is the same in all of them, copied."""
        if v in self.made:
            return self.made[v]
        assert isinstance(v.type, Scalar)
        return [self.splat(llvm_type(v.type.dtype), self.em.scalar(v))] * self.plan.vectors

    def together(self, numbers: Sequence[str], t: str) -> Vectors:
        """One number for each round, as vectors."""
        out, n = Vectors(), self.plan.width
        for start in range(0, len(numbers), n):
            x = "poison"
            for k, number in enumerate(numbers[start : start + n]):
                x = self.em.ins(f"insertelement <{n} x {t}> {x}, {t} {number}, i64 {k}")
            out.append(x)
        return out

    def shuffled(self, a: str, b: str, picks: Sequence[int]) -> str:
        return self.em.ins(f"shufflevector {self.vector} {a}, {self.vector} {b}, <{len(picks)} x i32> <{', '.join(f'i32 {j}' for j in picks)}>")

    def chosen(self, conditions: Vectors, t: str, yes: Vectors, no: Vectors) -> Vectors:
        n = self.plan.width
        return [
            a if a == b else self.em.ins(f"select {self.mask} {c}, <{n} x {t}> {a}, <{n} x {t}> {b}") for c, a, b in zip(conditions, yes, no, strict=True)
        ]

    def total(self, vectors: Vectors) -> str:
        """The sum of all lanes."""
        t, flags = llvm_type(self.plan.dtype), self.em.flags({"reassoc": True})
        while len(vectors) > 1:
            half = len(vectors) // 2
            vectors = [self.em.ins(f"fadd {flags} {self.vector} {a}, {b}") for a, b in zip(vectors[:half], vectors[half:], strict=True)]
        name = f"@llvm.vector.reduce.fadd.v{self.plan.width}{SUFFIXES[self.plan.dtype.name]}"
        return self.em.ins(f"call reassoc {t} {name}({t} {literal(-0.0, self.plan.dtype)}, {self.vector} {vectors[0]})")

    def masked(self, before: Vectors, after: Vectors) -> Vectors:
        """A sum, after it where a lane is a round."""
        return self.chosen(self.rounds, llvm_type(self.plan.dtype), after, before)

    def any(self, conditions: Vectors) -> str:
        found = conditions[0]
        for c in conditions[1:]:
            found = self.em.ins(f"or {self.mask} {found}, {c}")
        return self.em.ins(f"call i1 @llvm.vector.reduce.or.v{self.plan.width}i1({self.mask} {found})")

    def kind(self, t: str, wide: bool) -> str:
        return f"<{self.plan.width} x {t}>" if wide else t

    def type(self, v: Value) -> str:
        assert isinstance(v.type, Scalar)
        return llvm_type(v.type.dtype)

    def reversed(self, t: str, x: str) -> str:
        n = self.plan.width
        return self.em.ins(f"shufflevector {t} {x}, {t} poison, <{n} x i32> <{', '.join(f'i32 {n - 1 - k}' for k in range(n))}>")

    @property
    def parted(self) -> bool:
        """Whether only some of the rounds are here."""
        return self.active is not self.rounds

    def crossed(self, a: str, b: str, step: int) -> tuple[str, str]:
        """Two rows of a block of which one is `step` below the other, with the parts exchanged that stand across the diagonal."""
        n = self.plan.width
        low = [j if not j & step else n + j - step for j in range(n)]
        high = [j + step if not j & step else n + j for j in range(n)]
        return self.shuffled(a, b, low), self.shuffled(a, b, high)

    def transposed(self, rows: Sequence[str]) -> Vectors:
        """A square block by exchanging halves, quarters, ... of its rows."""
        found, step = list(rows), self.plan.width // 2
        while step:
            for k in (k for k in range(self.plan.width) if not k & step):
                found[k], found[k + step] = self.crossed(found[k], found[k + step], step)
            step //= 2
        return found

    def row_sums(self, rows: Sequence[str], flags: str) -> str:
        """The sum of each row of a square block, in the order of the rows: the transposition, with an addition for each exchange."""
        found, step = list(rows), self.plan.width // 2
        while step:
            found = [self.em.ins(f"fadd {flags} {self.vector} {x}, {y}") for x, y in (self.crossed(found[k], found[k + step], step) for k in range(step))]
            step //= 2
        return found[0]
