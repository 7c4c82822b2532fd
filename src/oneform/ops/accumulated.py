"""Loops whose carried values are only accumulated: s = s + e, with e free of s, and nobody reads s on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from oneform.ir import Block, Instr, Value, instructions
from oneform.ops import arithmetic


def accumulated(body: Block, param: int, result: int, loop: Instr) -> bool:
    """Whether the region only ever adds to parameter `param` on its way to result `result`, and reads no sum that is made there but to add to it:
    then every iteration receives the cotangent of the last."""
    if loop.op.structure == "while" and _reads(loop.regions[0])[loop.regions[0].params[param]]:
        return False
    makers = {o: i for i in instructions(body.body) for o in i.outs}
    chain = _chain(body.results[result], body.params[param], makers)
    reads = _reads(body)
    return bool(chain) and all(reads[v] == count for v, count in Counter(chain).items())


def _reads(block: Block) -> Counter[Value]:
    """How often a block reads each value, regions and results included."""
    inside = list(instructions(block.body))
    return Counter((*(a for i in inside for a in i.args), *(r for i in inside for b in i.regions for r in b.results), *block.results))


def _chain(v: Value, p: Value, makers: dict[Value, Instr], known: dict[Value, list[Value]] | None = None) -> list[Value]:
    """The sums between p and v, both included, each as often as it is read on the way; nothing if v is not such a sum."""
    known = {p: [p]} if known is None else known
    if v not in known:
        i = makers.get(v)
        known[v] = [] if i is None else _links(i, v, p, lambda a: _chain(a, p, makers, known))
    return known[v]


def _links(i: Instr, v: Value, p: Value, chain: Callable[[Value], list[Value]]) -> list[Value]:
    if i.op is arithmetic.add:
        left, right = map(chain, i.args)
        return [v, *left, *right] if bool(left) != bool(right) else []
    if i.op is arithmetic.sub:
        start = chain(i.args[0])
        return [v, *start] if start else []
    k = i.outs.index(v)
    if i.op.structure == "if":
        then, other = (chain(r.results[k]) for r in i.regions)
        return [v, *then, *other] if then and other else []
    if i.op.structure in ("for", "while"):
        skip = 1 if i.op.structure == "for" else 0
        start = chain(i.args[k + skip])
        return [v, *start] if start and accumulated(i.regions[-1], k + skip, k, i) else []
    return []
