"""Bounds checks taken out of loops: before an innermost loop, whether all its checks will hold; if so it runs without them, else with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.memory import INPLACE
from oneform.ir import Block, Instr, Value
from oneform.types import Array

_LIMIT = 1 << 40  # trip counts and terms are below, so that no sum of the condition overflows
_SMALL = 1 << 20


@dataclass(frozen=True)
class Affine:
    """coefficient * i + constant + terms, where i is the loop's variable and the terms are registers from outside."""

    coefficient: int
    constant: int = 0
    terms: tuple[tuple[int, str], ...] = ()

    def plus(self, o: Affine, sign: int) -> Affine:
        return Affine(self.coefficient + sign * o.coefficient, self.constant + sign * o.constant, self.terms + tuple((sign * k, x) for k, x in o.terms))

    def times(self, n: int) -> Affine:
        return Affine(self.coefficient * n, self.constant * n, tuple((k * n, x) for k, x in self.terms))

    @property
    def moderate(self) -> bool:
        return abs(self.coefficient) <= _SMALL and abs(self.constant) <= _LIMIT and len(self.terms) <= 4 and all(abs(k) <= _SMALL for k, _ in self.terms)


class Analysis:
    """The checks of one loop, seen from before it."""

    def __init__(self, em: Emitter, loop: Instr):
        self.em, self.loop, self.body = em, loop, loop.regions[0]
        self.index = self.body.params[0]
        self.found: list[tuple[Instr, Affine, str]] = []
        for i in _checks(self.body):
            at, n = self.affine(i.args[0]), self.length(i.args[1])
            if at is not None and at.moderate and n is not None:
                self.found.append((i, at, n))

    def affine(self, v: Value) -> Affine | None:
        if v is self.index:
            return Affine(1)
        if (rep := self.em.env.get(v)) is not None:
            assert isinstance(rep, str)
            return Affine(0, int(rep)) if rep.lstrip("-").isdigit() else Affine(0, 0, ((1, rep),))
        i = self.em.plan.makers.get(v)
        if i is None:
            return None
        if i.op.lower == "const":
            return Affine(0, int(i.attrs["value"]))
        if i.op.lower == "dim":
            n = self.length(v)
            return None if n is None else Affine(0, int(n)) if n.isdigit() else Affine(0, 0, ((1, n),))
        kind = i.op.lower.get("i") if isinstance(i.op.lower, dict) else None
        if kind not in ("add", "sub", "mul"):
            return None
        x, y = self.affine(i.args[0]), self.affine(i.args[1])
        if x is None or y is None:
            return None
        if kind != "mul":
            return x.plus(y, 1 if kind == "add" else -1)
        if not (x.coefficient or x.terms):
            x, y = y, x
        return None if y.coefficient or y.terms or abs(y.constant) > _SMALL else x.times(y.constant)

    def length(self, v: Value) -> str | None:
        """The register of a length that the loop does not change."""
        if (rep := self.em.env.get(v)) is not None:
            return rep if isinstance(rep, str) else None
        i = self.em.plan.makers.get(v)
        if i is None:
            return None
        if i.op.lower == "const":
            return str(i.attrs["value"])
        if i.op.lower != "dim":
            return None
        array, axis = i.args[0], i.attrs["axis"]
        assert isinstance(array.type, Array)
        d = array.type.shape[axis]
        if isinstance(d, int):
            return str(d)
        if d in self.em.symbols:
            return self.em.symbols[d]
        params = self.body.params[1:]
        if array in params and self.em.plan.carry.get((self.loop, params.index(array))) == INPLACE:
            start = self.em.env.get(self.loop.args[1 + params.index(array)])
            return start.dims[axis] if isinstance(start, Arr) else None
        return None

    def condition(self, trips: str) -> str:
        """Whether no check of the loop can fail; always false for loops so long that the sums might overflow."""
        em = self.em
        parts = [em.ins(f"icmp sle i64 {trips}, {_LIMIT}")]
        terms = {x for _, at, _ in self.found for _, x in at.terms}
        for x in sorted(terms):
            moved = em.ins(f"add i64 {x}, {_LIMIT}")
            parts.append(em.ins(f"icmp ult i64 {moved}, {2 * _LIMIT}"))
        last = em.ins(f"sub i64 {trips}, 1")
        for at, n in dict.fromkeys((at, n) for _, at, n in self.found):
            base = self.base(at)
            if not at.coefficient:
                up, below = em.ins(f"add i64 {base}, {n}"), em.ins(f"icmp slt i64 {base}, 0")
                parts.append(em.ins(f"icmp ult i64 {em.ins(f'select i1 {below}, i64 {up}, i64 {base}')}, {n}"))
                continue
            end = em.ins(f"add i64 {em.ins(f'mul i64 {last}, {at.coefficient}')}, {base}")
            low, high = (base, end) if at.coefficient > 0 else (end, base)
            parts += [em.ins(f"icmp sge i64 {low}, 0"), em.ins(f"icmp slt i64 {high}, {n}")]
        result = parts[0]
        for p in parts[1:]:
            result = em.ins(f"and i1 {result}, {p}")
        return result

    def base(self, at: Affine) -> str:
        em, total = self.em, str(at.constant)
        for k, x in at.terms:
            total = em.ins(f"add i64 {total}, {x if k == 1 else em.ins(f'mul i64 {x}, {k}')}")
        return total

    def certain(self) -> dict[Instr, bool]:
        """The checks that the condition makes needless, and whether the index is then not negative."""
        return {i: bool(at.coefficient) for i, at, _ in self.found}


def _checks(block: Block) -> Iterator[Instr]:
    for i in block.body:
        if i.op.lower == "index" and i.attrs["checked"]:
            yield i
        for r in i.regions:
            yield from _checks(r)
