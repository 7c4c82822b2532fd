"""Loops whose carried values are only accumulated: s = s + e, with e free of s."""

from __future__ import annotations

from oneform.ir import Block, Instr, Value, instructions
from oneform.ops import arithmetic


def accumulated(body: Block, param: int, result: int, loop: Instr) -> bool:
    """Whether the region only ever adds to parameter `param` on its way to result `result`."""
    p = body.params[param]
    if loop.op.structure == "while" and _count(loop.regions[0], loop.regions[0].params[param]):
        return False
    makers = {o: i for i in instructions(body.body) for o in i.outs}
    on_chain = _chain(body.results[result], p, makers)
    return 0 < on_chain == _count(body, p)


def _count(block: Block, v: Value) -> int:
    """How many times a block reads v, regions and results included."""
    inside = sum(a is v for i in instructions(block.body) for a in i.args)
    yielded = sum(r is v for i in instructions(block.body) for b in i.regions for r in b.results)
    return inside + yielded + sum(r is v for r in block.results)


def _chain(v: Value, p: Value, makers: dict[Value, Instr]) -> int:
    """How many reads of p lie on the chain of additions that leads to v; 0 if v is not such a sum."""
    if v is p:
        return 1
    i = makers.get(v)
    if i is None:
        return 0
    if i.op is arithmetic.add:
        left, right = (_chain(a, p, makers) for a in i.args)
        return left or right if not (left and right) else 0
    if i.op is arithmetic.sub:
        return _chain(i.args[0], p, makers)
    k = i.outs.index(v)
    if i.op.structure == "if":
        then, other = (_chain(r.results[k], p, makers) for r in i.regions)
        return then + other if then and other else 0
    if i.op.structure in ("for", "while"):
        skip = 1 if i.op.structure == "for" else 0
        start = _chain(i.args[k + skip], p, makers)
        return start if start and accumulated(i.regions[-1], k + skip, k, i) else 0
    return 0
