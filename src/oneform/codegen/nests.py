"""Nests of parallel loops in the order that walks memory best: accumulating adjoints come in the primal's order, which is often across rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneform.codegen.emit import Emitter, Rep
from oneform.codegen.loops import counted, spend, trip_count
from oneform.codegen.plan import INPLACE, SLOT, in_memory
from oneform.codegen.strides import stride
from oneform.ir import Block, Instr, Value

_FAR, _NEAR = 8, 1  # what an access costs whose next element is elsewhere, or adjacent; 0 if it is the same


@dataclass(frozen=True)
class Nest:
    """Loops around each other, the outermost first, with nothing between them but arithmetic and reads."""

    loops: tuple[Instr, ...]

    @property
    def indices(self) -> list[Value]:
        return [i.regions[0].params[0] for i in self.loops]

    @property
    def body(self) -> list[Instr]:
        """All that is done in one innermost iteration if the loops stand directly inside each other."""
        between = [j for i in self.loops[:-1] for j in i.regions[0].body if j not in self.loops]
        return [*between, *self.loops[-1].regions[0].body]


def find_nest(em: Emitter, i: Instr) -> Nest | None:
    """The nest that starts with loop i, if its loops may change places."""
    loops: list[Instr] = []
    j: Instr | None = i
    while j is not None and _movable(em, j):
        loops.append(j)
        j = _inside(j)
    while len(loops) > 1 and not _independent(em, loops):
        loops.pop()
    return Nest(tuple(loops)) if len(loops) > 1 else None


def _movable(em: Emitter, i: Instr) -> bool:
    """A parallel loop over arrays that are updated in place, with no memory of its own."""
    body, plan = i.regions[0], em.plan
    if i.op.structure != "for" or not i.attrs.get("parallel") or i in plan.hoisted or body in plan.start_frees:
        return False
    if any(plan.carry.get((i, k)) not in (INPLACE, SLOT) or (body, k) in plan.slot_copies for k in range(len(i.outs))):
        return False
    return not any((i, k) in plan.copy_args for k in range(len(i.args))) and not any(_raises(j) or j in plan.frees for j in body.body)


def _raises(i: Instr) -> bool:
    return i.op.raises and bool(i.attrs.get("checked", True))


def _inside(i: Instr) -> Instr | None:
    """The one loop in the body of i to which it hands all that it carries, if what is beside it has no memory."""
    body = i.regions[0]
    inner = [j for j in body.body if j.regions]
    if len(inner) != 1 or inner[0].args[1:] != body.params[1:] or inner[0].outs != body.results:
        return None
    carried = set(body.params[1:])
    for j in body.body:
        if j is not inner[0] and (any(in_memory(o.type) for o in j.outs) or (carried.intersection(j.args) and j.op.lower != "dim")):
            return None
    return inner[0]


def _independent(em: Emitter, loops: Sequence[Instr]) -> bool:
    """Whether the lengths of the inner loops are known before the first, and no inner block is emitted with loops of its own."""
    if any(j.regions for j in loops[-1].regions[0].body):
        return False
    inside = {v for i in loops for v in i.regions[0].params} | {o for i in loops for j in i.regions[0].body for o in j.outs}
    return all(i.args[0] not in inside or trip_count(em, i) is not None for i in loops)


# ---------------------------------------------------------------- the order


def _order(nest: Nest) -> list[int]:
    """Positions of the loops, outermost first: as they are, but that the one with the nearest accesses goes inside."""
    makers = {o: j for j in nest.body for o in j.outs}
    accesses = [j.args[1:] if j.op.lower == "get" else j.args[2:] for j in nest.body if j.op.lower in ("get", "set", "add_at")]

    def cost(position: int) -> int:
        steps = [stride(a, nest.indices[position], makers) for a in accesses]
        return sum(_FAR if s is None else _NEAR * s for s in steps)

    last = len(nest.loops) - 1
    best = min(range(len(nest.loops)), key=lambda k: (cost(k), -k))
    chosen = best if cost(best) < cost(last) else last
    return [k for k in range(len(nest.loops)) if k != chosen] + [chosen]


def emit_nest(em: Emitter, nest: Nest) -> Sequence[Rep] | None:
    """The loops in their best order; None if that is the order they are in."""
    order = _order(nest)
    if order == sorted(order):
        return None
    outer, innermost = nest.loops[0], nest.loops[-1]
    carried = [em.operand(outer, k) for k in range(1, len(outer.args))]
    for i in nest.loops:
        for p, rep in zip(i.regions[0].params[1:], carried, strict=True):
            em.bind(p, rep)
    lengths = [em.invariant(nest.loops[k].args[0]) for k in order]
    counts = [trip_count(em, nest.loops[k]) for k in order]

    def level(depth: int) -> None:
        if depth == len(order):
            _inner(em, nest, innermost.regions[0])
            return

        def body(index: str, _: list[str]) -> Sequence[str]:
            em.env[nest.indices[order[depth]]] = index
            level(depth + 1)
            if depth == len(order) - 2 and (counts[-1] is None or counts[-1] > 64):
                spend(em, em.ins(f"call i64 @llvm.smax.i64(i64 {lengths[-1]}, i64 1)"), check=True)
            return ()

        counted(em, "0", lengths[depth], [], body)

    em.loops.extend(nest.loops)
    level(0)
    del em.loops[-len(nest.loops) :]
    return carried


def _inner(em: Emitter, nest: Nest, block: Block) -> None:
    """One innermost iteration: what stood between the loops, then the innermost body. LLVM takes out again what does not change."""
    for i in nest.loops[:-1]:
        for j in i.regions[0].body:
            if j not in nest.loops:
                em.instr(j)
    em.region(block)
