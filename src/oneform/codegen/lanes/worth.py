"""Whether a loop gains by having its rounds in lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oneform.codegen.emit import Emitter
from oneform.codegen.lanes.forms import has_form
from oneform.codegen.lanes.plan import Abreast, apart, is_index
from oneform.codegen.strides import slope
from oneform.ir import DEAR, Block, Instr, Value, instructions
from oneform.types import Array, Scalar


def worthy(plan: Abreast) -> bool:
    """Whether LLVM would not do it by itself: some loop waits in each round for the round before, or rounds go ways of their own."""
    inner = list(instructions(plan.work))
    if any(i.op.structure == "for" and waits(i) for i in inner) or any(i.op.structure == "if" and i.args[0] in plan.varying for i in inner):
        return True
    return waits(plan.loop) and any(i.op.cost >= DEAR and not i.regions for i in inner)


def waits(i: Instr) -> bool:
    """Whether a loop carries a number other than a sum in free order, or an array that is read and replaced."""
    region = i.regions[0]
    makers = {o: j for j in region.body for o in j.outs}
    for p, r in zip(region.params[1:], region.results, strict=True):
        if isinstance(r.type, Scalar) and r.type.dtype.kind == "f" and r in makers and not makers[r].attrs.get("reassoc"):
            return True
        if isinstance(p.type, Array) and p.type.dtype.kind == "f" and _replaced(p, region):
            return True
    return False


def _replaced(array: Value, block: Block) -> bool:
    """Whether elements of an array are read and replaced."""
    uses = [j.op.lower for j in block.body if array in j.args[:1]]
    return "get" in uses and "set" in uses


class Price:
    """What a round of a loop costs, in instructions as if each loop inside ran ten times."""

    def __init__(self, em: Emitter):
        self.em = em

    def block(self, body: Sequence[Instr], plan: Abreast | None, weight: float = 1.0, lanes: bool = False, quick: bool = False) -> float:
        total = 0.0
        for i in body:
            inside = lanes or (plan is not None and i in plan.top)
            if i.regions:
                times = weight * (10.0 if i.op.structure in ("for", "build") else 1.0)
                innermost = not any(j.regions for r in i.regions for j in r.body) and i.op.structure != "if"
                vectors = innermost and not inside and not (i.op.structure == "for" and waits(i))
                total += sum(self.block(r.body, plan, times, inside, vectors) for r in i.regions)
            elif inside and plan is not None:
                total += weight * self.in_lanes(i, plan)
            else:
                total += weight * (0.3 if quick else 1.0) * (max(1.0, i.op.cost / 4.0) * (not is_index(i.outs[0])) if i.outs else 1.0)
        return total

    def plainly(self, plan: Abreast) -> float:
        """The loop as it is; LLVM takes several rounds at a time if nothing forbids it."""
        body = plan.loop.regions[0].body
        simple = not any(i.regions for i in body) and not waits(plan.loop)
        return self.block(body, None, quick=simple and not any(i.op.lower == "get" and apart(i, plan.indices[0], plan.own) for i in body))

    def in_lanes(self, i: Instr, plan: Abreast) -> float:
        if not i.outs or is_index(i.outs[0]):
            return 0.0
        if i in plan.packs:
            return 0.3
        if isinstance(i.op.lower, Mapping) and i.outs[0] in plan.varying and not has_form(self.em, i, plan.dtype):
            return 1.5 * i.op.cost
        if i.op.lower in ("get", "set", "add_at") and i.args[0] not in plan.own:
            indices = i.args[1:] if i.op.lower == "get" else i.args[2:]
            if not plan.varying.isdisjoint(indices):
                near = not apart(i, plan.loop.regions[0].params[0], plan.own)
                return (0.3 if near else 0.8 if in_rows(i, plan) else 1.5) if i.op.lower == "get" else 3.0
            return 0.1 if i.op.lower == "get" else 0.4 if in_rows(i, plan) else 1.5
        return max(1.0, i.op.cost / 4.0) * (0.25 if i.outs[0] in plan.varying else 0.07)


def in_rows(i: Instr, plan: Abreast) -> bool:
    """Whether an instruction reads along a row, as a loop around it goes on."""
    return any(slope(i.args[-1], v, plan.own, lambda _: True) in (1, -1) for v in plan.indices[1:])
