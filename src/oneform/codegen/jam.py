"""Loops around a sum that must be added up in its order: several of their rounds at a time, whose sums do not wait for each other.

    for r: y = 0; for c: y += A[r, c] x[c]; use(y)      becomes      for r in eights: for c: y0 += ..., ..., y7 += ...; use(y0) ... use(y7)

Every sum keeps its order, and so does everything behind the inner loop; only what the inner loops read is read earlier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oneform.codegen.emit import Emitter, Rep
from oneform.codegen.loops import UNROLLED, VECTOR, Parts, counted, spend, trip_count
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
    inner = next((i for i in body.body if i.regions), None)
    if inner is None or (trips is not None and trips < LANES) or body in em.plan.start_frees or em.cold:
        return None
    own = {o: i for i in body.body for o in i.outs}
    if not _is_sum(em, inner) or inner.args[0] in own or inner.args[0] in body.params:
        return None
    before = _needed(inner, own)
    at = body.body.index(inner)
    if any(any(in_memory(o.type) for o in i.outs) or i in em.plan.frees for i in before):
        return None
    if not before.isdisjoint(body.body[at:]) or any(p in body.params[1:] for i in (*before, *instructions((inner,))) for p in i.args):
        return None
    return Jam(loop, inner, tuple(i for i in body.body if i in before), tuple(i for i in body.body if i not in before and i is not inner))


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
) -> list[str]:
    """The rounds in groups: their inner loops side by side, then one after the other what stands behind those. The last group repeats the last round
    until it is full. `start` begins one lane, `behind` is what stands behind the inner loop."""
    n, length = (limits[v] for v in jam.variables)
    groups = em.ins(f"sdiv i64 {em.ins(f'add nsw i64 {n}, {LANES - 1}')}, {LANES}")
    last = em.ins(f"sub nsw i64 {n}, 1")

    def group(g: str, names: list[str]) -> Sequence[str]:
        first = em.ins(f"mul nuw nsw i64 {g}, {LANES}")
        rows, inner = list[dict[Value, Rep]](), list[Lane]()
        for k in range(LANES):
            row: dict[Value, Rep] = {jam.variables[0]: _least(em, em.ins(f"add nuw nsw i64 {first}, {k}"), last)}
            em.env.update(row)
            em.instructions(jam.before)
            rows.append(row | {o: em.env[o] for i in jam.before for o in i.outs})
            inner.append(start())
        em.loops.append(jam.inner)
        sums = _side_by_side(em, jam, length, rows, inner)
        em.loops.pop()
        kept = [_kept(em, f"[{LANES} x {t}]", parts) for (t, _), parts in zip(inner[0].parts, sums, strict=True)]

        def one(r: str, names: list[str]) -> Sequence[str]:
            em.env[jam.variables[0]] = r
            em.instructions(jam.before)
            k = em.ins(f"sub nuw nsw i64 {r}, {first}")
            places = [em.ins(f"getelementptr inbounds {t}, ptr {at}, i64 {k}") for (t, _), at in zip(inner[0].parts, kept, strict=True)]
            inner[0].end([em.ins(f"load {t}, ptr {at}") for (t, _), at in zip(inner[0].parts, places, strict=True)])
            return behind(names)

        stop = _least(em, em.ins(f"add nuw nsw i64 {first}, {LANES}"), n)
        names = counted(em, first, stop, [(t, name) for (t, _), name in zip(carried, names, strict=True)], one)
        if not length.isdigit() or int(length) > VECTOR:
            spend(em, em.ins(f"mul i64 {em.ins(f'call i64 @llvm.smax.i64(i64 {length}, i64 1)')}, {LANES}"), check=True)
        return names

    return counted(em, "0", groups, carried, group)


def _least(em: Emitter, a: str, b: str) -> str:
    return em.ins(f"call i64 @llvm.smin.i64(i64 {a}, i64 {b})")


def _side_by_side(em: Emitter, jam: Jam, length: str, rows: Sequence[Mapping[Value, Rep]], lanes: Sequence[Lane]) -> list[Parts]:
    """One inner loop for all lanes; returns what they carry at the end: of each register, that of every lane."""

    def inside(index: str, sums: list[str]) -> Sequence[str]:
        rest, ends = list(sums), list[str]()
        em.env[jam.variables[1]] = index
        for row, lane in zip(rows, lanes, strict=True):
            em.env.update(row)
            ends += lane.step([rest.pop(0) for _ in lane.parts])
        return ends

    carried = [p for lane in lanes for p in lane.parts]
    ends = counted(em, "0", length, carried, inside)
    found = [(t, x) for (t, _), x in zip(carried, ends, strict=True)]
    return [found[k :: len(lanes[0].parts)] for k in range(len(lanes[0].parts))]


def _kept(em: Emitter, t: str, parts: Parts) -> str:
    """Memory of this type that holds these numbers, one after the other."""
    at = em.fresh("%sums")
    em.entry.append(f"  {at} = alloca {t}")
    for k, (kind, x) in enumerate(parts):
        em.do(f"store {kind} {x}, ptr {em.ins(f'getelementptr inbounds {kind}, ptr {at}, i64 {k}')}")
    return at
