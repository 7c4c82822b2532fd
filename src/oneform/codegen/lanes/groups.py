"""A loop whose rounds are lanes: in groups of as many as there are lanes, and behind each group, one round after the other, what is not done in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.lanes.emit import Lanes
from oneform.codegen.lanes.plan import Abreast
from oneform.codegen.loops import Parts, counted, fill_shape
from oneform.codegen.scalars import itemsize, literal, llvm_type
from oneform.ir import Instr, Value
from oneform.layout import SMALL_ELEMENTS, is_small
from oneform.types import Array

if TYPE_CHECKING:
    from oneform.codegen.control import Carried

_ROOM = 1 << 21  # bytes that the rounds of a group may need: what does not stay in the cache is better done round by round


def emit_abreast(em: Emitter, plan: Abreast, limits: Mapping[Value, str], carried: Carried) -> list[str]:
    """The loop; returns what it carries at the end."""
    n = limits[plan.indices[0]]
    scratch, made = _scratch(em, plan)
    packed, packs = _packed(em, plan, limits)
    made += packs
    rounds, last = plan.rounds, em.ins(f"sub nsw i64 {n}, 1")
    groups = em.ins(f"sdiv i64 {em.ins(f'add nsw i64 {n}, {rounds - 1}')}, {rounds}")
    offsets = carried.offsets()
    sums = [offsets[k] for k in sorted(plan.sums)]
    zero = literal(0.0, plan.dtype)
    vector = f"<{plan.width} x {llvm_type(plan.dtype)}>"
    start: Parts = [p for k, p in enumerate(carried.parts) if k not in sums]
    start += [(vector, f"splat ({llvm_type(plan.dtype)} {zero})")] * (len(sums) * plan.vectors)
    kept = {v: _room(em, f"[{rounds} x {llvm_type(plan.dtype)}]") for v in plan.handed}
    params = plan.loop.regions[0].params

    def everything(names: Sequence[str]) -> list[str]:
        """The carried registers, with zeros for sums."""
        rest = list(names)
        return [zero if k in sums else rest.pop(0) for k in range(len(carried.parts))]

    def group(g: str, names: list[str]) -> Sequence[str]:
        first = em.ins(f"mul nuw nsw i64 {g}, {rounds}")
        plainly, vectors = names[: len(names) - len(sums) * plan.vectors], names[len(names) - len(sums) * plan.vectors :]
        for k in plan.arrays:
            em.bind(params[1 + k], carried.inits[k])
        lanes = Lanes(em, plan, scratch, packed, first, last)
        lanes.pack(limits)
        for j, k in enumerate(sorted(plan.sums)):
            lanes.made[params[1 + k]] = vectors[j * plan.vectors : (j + 1) * plan.vectors]
        lanes.block(plan.work)
        ends = [lanes.masked(lanes.made[params[1 + k]], lanes.made[plan.loop.regions[0].results[k]]) for k in sorted(plan.sums)]
        for v, at in kept.items():
            for k, x in enumerate(lanes.vectors(v)):
                em.do(f"store {vector} {x}, ptr {em.ins(f'getelementptr inbounds {vector}, ptr {at}, i64 {k}')}")
        if plan.behind or plainly:
            stop = em.ins(f"call i64 @llvm.smin.i64(i64 {em.ins(f'add nuw nsw i64 {first}, {rounds}')}, i64 {n})")
            parts = [(t, x) for (t, _), x in zip(start, plainly, strict=False)]
            plainly = counted(em, first, stop, parts, lambda r, own: behind(r, first, own))
        return [*plainly, *(x for one in ends for x in one)]

    def behind(r: str, first: str, names: list[str]) -> Sequence[str]:
        em.env[params[0]] = r
        carried.bind(everything(names), carried.params)
        k = em.ins(f"sub nuw nsw i64 {r}, {first}")
        t = llvm_type(plan.dtype)
        for v, at in kept.items():
            em.env[v] = em.ins(f"load {t}, ptr {em.ins(f'getelementptr inbounds {t}, ptr {at}, i64 {k}')}")
        for k in plan.sums:
            em.env[plan.loop.regions[0].results[k]] = zero
        em.instructions(plan.behind)
        return [x for k, x in enumerate(carried.yields()) if k not in sums]

    em.loops.append(plan.loop)
    ends = counted(em, "0", groups, start, group)
    em.loops.pop()
    for array in made:
        em.release(array)
    lanes_of_sums = ends[len(ends) - len(sums) * plan.vectors :]
    totals = [_total(em, plan, carried.parts[k][1], lanes_of_sums[j * plan.vectors : (j + 1) * plan.vectors]) for j, k in enumerate(sums)]
    found = everything(ends)
    for k, total in zip(sums, totals, strict=True):
        found[k] = total
    return found


def fits(em: Emitter, plan: Abreast, limits: Mapping[Value, str]) -> str:
    """Whether the memory that the rounds of a group need at a time stays in the cache."""
    sizes = [em.count(dims, True) for _, dims in _shapes(em, plan)]
    sizes += [limits[column] for i, (first, column) in plan.packs.items() if first is i]
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
    found: dict[Value, Arr] = {}
    made: list[Arr] = []
    d = plan.dtype
    for v, dims in _shapes(em, plan):
        if is_small(v.type):
            n = em.count([*dims, str(plan.rounds)], False)
            found[v] = Arr(d, _room(em, f"[{n} x {llvm_type(d)}]"), tuple(dims))
        else:
            ptr = em.raw_alloc(d, [*dims, str(plan.rounds)])
            em.need(ptr)
            made.append(Arr(d, ptr, (*dims, str(plan.rounds))))
            found[v] = Arr(d, ptr, tuple(dims))
    return found, made


def _packed(em: Emitter, plan: Abreast, limits: Mapping[Value, str]) -> tuple[dict[Instr, Arr], list[Arr]]:
    """Memory for what is transposed once for all, and what of it is to be released."""
    found: dict[Instr, Arr] = {}
    made: list[Arr] = []
    for i, (first, column) in plan.packs.items():
        if first is i:
            n = limits[column]
            if n.isdigit() and int(n) <= SMALL_ELEMENTS:
                found[i] = Arr(plan.dtype, _room(em, f"[{int(n) * plan.rounds} x {llvm_type(plan.dtype)}]"), (n,))
            else:
                ptr = em.raw_alloc(plan.dtype, [n, str(plan.rounds)])
                em.need(ptr)
                made.append(Arr(plan.dtype, ptr, (n, str(plan.rounds))))
                found[i] = Arr(plan.dtype, ptr, (n,))
        else:
            found[i] = found[first]
    return found, made


def _room(em: Emitter, t: str) -> str:
    at = em.fresh("%lanes")
    em.entry.append(f"  {at} = alloca {t}, align 32")
    return at


def _total(em: Emitter, plan: Abreast, start: str, vectors: Sequence[str]) -> str:
    """A sum that each lane has a part of."""
    t, flags, n = llvm_type(plan.dtype), em.flags({"reassoc": True}), plan.width
    for x in vectors:
        for k in range(n):
            start = em.ins(f"fadd {flags} {t} {start}, {em.ins(f'extractelement <{n} x {t}> {x}, i64 {k}')}")
    return start
