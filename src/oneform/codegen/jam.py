"""Loops around a sum that must be added up in its order: several of their rounds at a time, whose sums do not wait for each other.

    for r: y = 0; for c: y += A[r, c] x[c]; use(y)      becomes      for r in eights: for c: y0 += ..., ..., y7 += ...; use(y0) ... use(y7)

Every sum keeps its order, and so does everything behind the inner loop; only what the inner loops read is read earlier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oneform.codegen.emit import Emitter, Rep
from oneform.codegen.loops import UNROLLED, VECTOR, Body, Parts, counted, spend, trip_count
from oneform.codegen.plan import in_memory
from oneform.codegen.versions import Pair
from oneform.ir import Instr, Value, instructions

LANES = 8  # rounds at a time: an addition takes as long as eight that do not wait for each other


@dataclass(frozen=True)
class Jam(Pair):
    """A loop around a sum, and what stands in its body behind that."""

    behind: tuple[Instr, ...]


def find_jam(em: Emitter, loop: Instr) -> Jam | None:
    """The loop with its parts, if its rounds can go side by side, and gain by it."""
    body, trips = loop.regions[0], trip_count(em, loop)
    inner = [i for i in body.body if i.regions]
    if len(inner) != 1 or (trips is not None and trips < LANES) or body in em.plan.start_frees or em.cold:
        return None
    own = {o: i for i in body.body for o in i.outs}
    if not _is_sum(em, inner[0]) or inner[0].args[0] in own or inner[0].args[0] in body.params:
        return None
    before = _needed(inner[0], own)
    at = body.body.index(inner[0])
    if any(any(in_memory(o.type) for o in i.outs) or i in em.plan.frees for i in before):
        return None
    if not before.isdisjoint(body.body[at:]) or any(p in body.params[1:] for i in (*before, *instructions((inner[0],))) for p in i.args):
        return None
    return Jam(loop, inner[0], tuple(i for i in body.body if i in before), tuple(i for i in body.body if i not in before and i is not inner[0]))


def _is_sum(em: Emitter, inner: Instr) -> bool:
    """A loop that carries numbers, of which at least one waits for that of the round before, and does nothing but read and calculate."""
    if inner.op.structure != "for" or not inner.outs or inner in em.plan.frees or inner in em.plan.hoisted:
        return False
    body, trips = inner.regions[0], trip_count(em, inner)
    if (trips is not None and trips < UNROLLED) or any(i.regions or any(in_memory(o.type) for o in i.outs) for i in body.body):
        return False
    if any(in_memory(o.type) for o in inner.outs):
        return False
    makers = {o: i for i in body.body for o in i.outs}
    last = [makers[r] for r in body.results if r in makers]
    return any("reassoc" not in em.flags(i.attrs) and not em.flags(i.attrs).startswith("fast") for i in last)


def _needed(inner: Instr, own: Mapping[Value, Instr]) -> set[Instr]:
    """What the body does for the inner loop."""
    found: set[Instr] = set()
    queue = [*inner.args, *(a for i in inner.regions[0].body for a in i.args), *inner.regions[0].results]
    while queue:
        i = own.get(queue.pop())
        if i is not None and i not in found:
            found.add(i)
            queue += i.args
    return found


@dataclass(frozen=True)
class Lane:
    """The inner loop in one of the rounds: what it carries; its round, from carried registers to the next; its end."""

    parts: Parts
    step: Callable[[Sequence[str]], Sequence[str]]
    end: Callable[[Sequence[str]], None]


def emit_jam(
    em: Emitter,
    jam: Jam,
    limits: Mapping[Value, str],
    carried: Parts,
    start: Callable[[], Lane],
    behind: Callable[[Sequence[str]], Sequence[str]],
    single: Body,
) -> list[str]:
    """The rounds in groups, then those that are left one by one. `start` begins one lane, `behind` is what stands behind the inner loop."""
    n, length = (limits[v] for v in jam.variables)
    groups = em.ins(f"sdiv i64 {n}, {LANES}")

    def group(g: str, names: list[str]) -> Sequence[str]:
        first = em.ins(f"mul nuw nsw i64 {g}, {LANES}")
        lanes: list[tuple[dict[Value, Rep], Lane]] = []
        for k in range(LANES):
            own: dict[Value, Rep] = {jam.variables[0]: em.ins(f"add nuw nsw i64 {first}, {k}") if k else first}
            em.env.update(own)
            em.instructions(jam.before)
            own.update({o: em.env[o] for i in jam.before for o in i.outs})
            lanes.append((own, start()))
        sums = _side_by_side(em, jam, length, lanes)
        for own, lane in lanes:
            em.env.update(own)
            lane.end([sums.pop(0) for _ in lane.parts])
            names = list(behind(names))
        if not length.isdigit() or int(length) > VECTOR:
            spend(em, em.ins(f"mul i64 {em.ins(f'call i64 @llvm.smax.i64(i64 {length}, i64 1)')}, {LANES}"), check=True)
        return names

    done = counted(em, "0", groups, carried, group)
    em.forget(jam.loop.regions[0])
    left = em.ins(f"mul nsw i64 {groups}, {LANES}")
    return counted(em, left, n, [(t, name) for (t, _), name in zip(carried, done, strict=True)], single)


def _side_by_side(em: Emitter, jam: Jam, length: str, lanes: Sequence[tuple[dict[Value, Rep], Lane]]) -> list[str]:
    """One inner loop for all lanes; returns what they carry at the end."""

    def inside(index: str, sums: list[str]) -> Sequence[str]:
        rest, ends = list(sums), list[str]()
        em.env[jam.variables[1]] = index
        for own, lane in lanes:
            em.env.update(own)
            ends += lane.step([rest.pop(0) for _ in lane.parts])
        return ends

    em.loops.append(jam.inner)
    sums = counted(em, "0", length, [p for _, lane in lanes for p in lane.parts], inside)
    em.loops.pop()
    return sums
