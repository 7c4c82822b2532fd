"""A loop whose rounds are lanes: in groups of as many as there are lanes, and behind each group, one round after the other, what is not done in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.lanes.emit import Lanes
from oneform.codegen.lanes.plan import Abreast
from oneform.codegen.loops import Body, Parts, counted, fill_shape, spend
from oneform.codegen.scalars import itemsize, literal, llvm_type
from oneform.codegen.target import vector_bytes
from oneform.codegen.versions import either
from oneform.ir import Instr, Value
from oneform.layout import SMALL_ELEMENTS
from oneform.types import Array

if TYPE_CHECKING:
    from oneform.codegen.control import Carried

_ROOM = 1 << 21  # bytes that the rounds of a group may need: what does not stay in the cache is better done round by round


def emit_abreast(em: Emitter, plan: Abreast, limits: Mapping[Value, str], carried: Carried, single: Body) -> list[str]:
    """The loop; returns what it carries at the end. `single`: one round as it is, for groups in which a check fails."""
    return _Groups(em, plan, limits, carried, single).emit()


class _Groups:
    def __init__(self, em: Emitter, plan: Abreast, limits: Mapping[Value, str], carried: Carried, single: Body):
        self.em, self.plan, self.limits, self.carried, self.single = em, plan, limits, carried, single
        self.n, self.params, self.results = limits[plan.indices[0]], plan.loop.regions[0].params, plan.loop.regions[0].results
        self.t, self.zero = llvm_type(plan.dtype), literal(0.0, plan.dtype)
        self.vector = f"<{plan.width} x {self.t}>"
        offsets = carried.offsets()
        self.order = sorted(plan.sums)
        self.sums = [offsets[k] for k in self.order]  # where their registers are among those of the loop
        self.plain: Parts = [p for k, p in enumerate(carried.parts) if k not in self.sums]

    def emit(self) -> list[str]:
        em, plan = self.em, self.plan
        self.scratch, made = _scratch(em, plan)
        self.packed, packs = _packed(em, plan, self.limits)
        self.last = em.ins(f"sub nsw i64 {self.n}, 1")
        self.kept = {v: _room(em, f"[{plan.rounds} x {self.t}]") for v in plan.handed}
        groups = em.ins(f"sdiv i64 {em.ins(f'add nsw i64 {self.n}, {plan.rounds - 1}')}, {plan.rounds}")
        em.loops.append(plan.loop)
        ends = counted(em, "0", groups, [*self.plain, *[(self.vector, f"splat ({self.t} {self.zero})")] * (len(self.sums) * plan.vectors)], self.group)
        em.loops.pop()
        for array in (*made, *packs):
            em.release(array)
        plainly, sums = ends[: len(self.plain)], ends[len(self.plain) :]
        found = self.everything(plainly)
        for j, k in enumerate(self.sums):
            found[k] = _total(em, plan, self.carried.parts[k][1], sums[j * plan.vectors : (j + 1) * plan.vectors])
        return found

    def everything(self, names: Sequence[str]) -> list[str]:
        """The carried registers, with zeros for sums."""
        rest = list(names)
        return [self.zero if k in self.sums else rest.pop(0) for k in range(len(self.carried.parts))]

    def group(self, g: str, names: list[str]) -> Sequence[str]:
        em, plan = self.em, self.plan
        first = em.ins(f"mul nuw nsw i64 {g}, {plan.rounds}")
        stop = em.ins(f"call i64 @llvm.smin.i64(i64 {em.ins(f'add nuw nsw i64 {first}, {plan.rounds}')}, i64 {self.n})")
        lanes = Lanes(em, plan, self.scratch, self.packed, first, self.last)
        spend(em, str(plan.rounds), check=True)
        checks = plan.unknown(em)
        if not checks:
            return self.abreast(lanes, first, stop, names)
        known = em.certain

        def fine() -> list[str]:
            em.certain = {**known, **dict.fromkeys(checks, False)}
            ends = self.abreast(lanes, first, stop, names)
            em.certain = known
            return ends

        types = [t for t, _ in self.plain] + [self.vector] * (len(self.sums) * plan.vectors)
        return either(em, lanes.all_fine(checks), types, fine, lambda: self.singly(first, stop, names), plan.loop.regions[0], ", !prof !0")

    def abreast(self, lanes: Lanes, first: str, stop: str, names: Sequence[str]) -> list[str]:
        """The work in lanes, then the rest round by round."""
        em, plan = self.em, self.plan
        plainly, vectors = list(names[: len(self.plain)]), names[len(self.plain) :]
        for k in plan.arrays:
            em.bind(self.params[1 + k], self.carried.inits[k])
        lanes.pack(self.limits)
        for j, k in enumerate(self.order):
            lanes.made[self.params[1 + k]] = list(vectors[j * plan.vectors : (j + 1) * plan.vectors])
        lanes.block(plan.work)
        ends = [lanes.masked(lanes.made[self.params[1 + k]], lanes.made[self.results[k]]) for k in self.order]
        for v, at in self.kept.items():
            for k, x in enumerate(lanes.vectors(v)):
                em.do(f"store {self.vector} {x}, ptr {em.ins(f'getelementptr inbounds {self.vector}, ptr {at}, i64 {k}')}, align {itemsize(plan.dtype)}")
        if plan.behind or plainly:
            parts = [(t, x) for (t, _), x in zip(self.plain, plainly, strict=True)]
            plainly = counted(em, first, stop, parts, lambda r, own: self.behind(r, first, own))
        return [*plainly, *(x for one in ends for x in one)]

    def behind(self, r: str, first: str, names: list[str]) -> Sequence[str]:
        em, plan = self.em, self.plan
        em.env[self.params[0]] = r
        self.carried.bind(self.everything(names), self.carried.params)
        k = em.ins(f"sub nuw nsw i64 {r}, {first}")
        for v, at in self.kept.items():
            em.env[v] = em.ins(f"load {self.t}, ptr {em.ins(f'getelementptr inbounds {self.t}, ptr {at}, i64 {k}')}")
        for s in plan.sums:
            em.env[self.results[s]] = self.zero
        em.instructions(plan.behind)
        return [x for k, x in enumerate(self.carried.yields()) if k not in self.sums]

    def singly(self, first: str, stop: str, names: Sequence[str]) -> list[str]:
        """The rounds of a group one by one, of which one will raise: its check is made in every round."""
        em = self.em
        known, em.certain, em.cold = em.certain, {}, True
        start = [(t, x) for (t, _), x in zip(self.carried.parts, self.everything(names[: len(self.plain)]), strict=True)]
        counted(em, first, stop, start, self.single)
        em.certain, em.cold = known, False
        return list(names)  # which nobody comes to read


def fits(em: Emitter, plan: Abreast, limits: Mapping[Value, str]) -> str:
    """Whether the memory that the rounds of a group need at a time stays in the cache."""
    sizes = [em.count(dims, True) for _, dims in _shapes(em, plan)]
    sizes += [limits[p.column] for i, p in plan.packs.items() if p.first is i]
    most = _ROOM // (plan.rounds * itemsize(plan.dtype))
    known, open_ = sum(int(n) for n in sizes if n.isdigit()), [n for n in sizes if not n.isdigit()]
    total, found = str(known), ""
    for n in open_:  # each by itself first, so that their sum cannot overflow
        small = em.ins(f"icmp ult i64 {n}, {most}")
        found = em.ins(f"and i1 {found}, {small}") if found else small
        total = em.ins(f"add i64 {total}, {n}")
    if not open_:
        return "true" if known < most else "false"
    return em.ins(f"and i1 {found}, {em.ins(f'icmp ult i64 {total}, {most}')}")


def _shapes(em: Emitter, plan: Abreast) -> list[tuple[Value, list[str]]]:
    """The arrays that each round has for itself."""
    found: list[tuple[Value, list[str]]] = []
    for i in plan.scratch:
        lengths = [em.invariant(a) for a in (i.args[1:] if i.op.lower == "full" else i.args)]
        found += [(o, fill_shape(o.type, lengths)) for o in i.outs if isinstance(o.type, Array)]
    return found


def _scratch(em: Emitter, plan: Abreast) -> tuple[dict[Value, Arr], list[Arr]]:
    """Memory for them, and what of it is to be released."""
    made: list[Arr] = []
    return {v: _array(em, plan, dims, made) for v, dims in _shapes(em, plan)}, made


def _packed(em: Emitter, plan: Abreast, limits: Mapping[Value, str]) -> tuple[dict[Instr, Arr], list[Arr]]:
    """Memory for what is transposed once for all, and what of it is to be released."""
    made: list[Arr] = []
    firsts = {i: _array(em, plan, [limits[p.column]], made) for i, p in plan.packs.items() if p.first is i}
    return {i: firsts[p.first] for i, p in plan.packs.items()}, made


def _array(em: Emitter, plan: Abreast, dims: Sequence[str], made: list[Arr]) -> Arr:
    """An array with a vector for each element: on the stack if it is small, and no function calls itself around it."""
    n = em.count([*dims, str(plan.rounds)], True)
    if n.isdigit() and int(n) <= (SMALL_ELEMENTS if em.levels else SMALL_ELEMENTS * plan.rounds):
        return Arr(plan.dtype, _room(em, f"[{n} x {llvm_type(plan.dtype)}]"), tuple(dims))
    ptr = em.raw_alloc(plan.dtype, [*dims, str(plan.rounds)])
    em.need(ptr)
    made.append(Arr(plan.dtype, ptr, (*dims, str(plan.rounds))))
    return Arr(plan.dtype, ptr, tuple(dims))


def _room(em: Emitter, t: str) -> str:
    at = em.fresh("%lanes")
    em.entry.append(f"  {at} = alloca {t}, align {vector_bytes()}")
    return at


def _total(em: Emitter, plan: Abreast, start: str, vectors: Sequence[str]) -> str:
    """A sum that each lane has a part of."""
    t, flags, n = llvm_type(plan.dtype), em.flags({"reassoc": True}), plan.width
    for x in vectors:
        for k in range(n):
            start = em.ins(f"fadd {flags} {t} {start}, {em.ins(f'extractelement <{n} x {t}> {x}, i64 {k}')}")
    return start
