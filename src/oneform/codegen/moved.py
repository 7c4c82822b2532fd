"""Which memory an operation takes over from its operands, and a recursive function from its caller."""

from __future__ import annotations

from oneform.codegen.plan import Plan, in_memory
from oneform.ir import Block, Instr, Value, instructions
from oneform.layout import is_small
from oneform.ops.control.recursion import calls

HOLDERS = ("push", "swap")  # operations that put memory into a list


def find_moved(block: Block, plan: Plan) -> None:
    """Which parameters recursive functions take over: those that they write to, return, hand to a loop, a list or to a call that takes them over,
    be it through a branch that leaves them as they are."""
    for i in instructions(block.body):
        if i.op.structure == "recursive":
            plan.functions.update(dict.fromkeys((i, *calls(i.regions[0], i.attrs["name"])), i))
            plan.moved[i] = frozenset()
            plan.delivered[i] = _delivered(i)
    bodies = {f: list(instructions(f.regions[0].body)) for f in plan.moved}
    changed = bool(bodies)
    while changed:
        changed = False
        for f, body in bodies.items():
            taken = {a for i in body for a in taken_over(i, plan)}.union(f.regions[0].results)
            for i in body:
                if i.op.structure == "if":
                    taken.update(r.results[k] for k, o in enumerate(i.outs) if o in taken for r in i.regions)
            found = frozenset(k for k, p in enumerate(f.regions[0].params) if p in taken and in_memory(p.type)) | set(plan.delivered[f].values())
            changed = changed or found != plan.moved[f]
            plan.moved[f] = found


def _delivered(f: Instr) -> dict[int, int]:
    """Which small results of a recursive function are versions of which parameters: these share one piece of memory."""
    region, found = f.regions[0], dict[int, int]()
    makers = {o: i for i in instructions(region.body) for o in i.outs}
    for k, r in enumerate(region.results):
        for j, p in enumerate(region.params):
            if is_small(r.type) and p.type == r.type == f.attrs["types"][k] and j not in found.values() and _version_of(r, p, k, j, makers, f):
                found[k] = j
                break
    return found


def _version_of(v: Value, p: Value, k: int, j: int, makers: dict[Value, Instr], f: Instr) -> bool:
    """Whether v is p after writes; of the function f itself, result k is taken to be so of parameter j."""
    i = makers.get(v)
    if v is p or i is None:
        return v is p
    if i.op.structure == "recur":
        return i.attrs["name"] == f.attrs["name"] and i.outs.index(v) == k and _version_of(i.args[j], p, k, j, makers, f)
    if i.op.structure == "if":
        return all(_version_of(r.results[i.outs.index(v)], p, k, j, makers, f) for r in i.regions)
    if i.op.structure in ("for", "while"):
        at, body = i.outs.index(v), i.regions[-1]
        start, inner = i.args[len(i.args) - len(i.outs) + at], body.params[len(body.params) - len(i.outs) + at]
        return _version_of(start, p, k, j, makers, f) and _version_of(body.results[at], inner, k, j, makers, f)
    return i.op.consumes == (0,) and v is i.outs[0] and _version_of(i.args[0], p, k, j, makers, f)


def taken_over(i: Instr, plan: Plan) -> list[Value]:
    """Operands whose memory an instruction takes over."""
    if i.op.lower in HOLDERS or i.op.structure in ("for", "while"):
        return list(i.args)
    kept = plan.moved[plan.functions[i]] if i in plan.functions else i.op.consumes
    return [i.args[k] for k in kept]
