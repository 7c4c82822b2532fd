"""A vector that nobody reads behind a loop over its elements gives its memory to what the loop makes:

    for i: y[i] = f(a[i])        y starts from a, not from an allocation of its own"""

from __future__ import annotations

from collections import Counter

from oneform.ir import Block, Function, Instr, Value
from oneform.ops import array
from oneform.optimise.join import over_vectors, uses_of
from oneform.optimise.rewrite import map_blocks
from oneform.types import ANY, shape_of


def recycle(f: Function) -> Function:
    return map_blocks(f, _Recycle(uses_of(f)).block)


class _Recycle:
    def __init__(self, uses: Counter[Value]):
        self.uses = uses

    def block(self, block: Block) -> Block:
        made: dict[Value, Instr] = {}
        body: list[Instr] = []
        changed = False
        for i in block.body:
            regions = tuple(self.block(r) for r in i.regions)
            j = i if regions == i.regions else Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)
            if j.op.structure == "for" and over_vectors(j, self.uses) is not None:
                j = self.loop(j, made)
            changed = changed or j is not i
            body.append(j)
            made.update(dict.fromkeys(j.outs, j))
        return Block(block.params, tuple(body), block.results) if changed else block

    def loop(self, i: Instr, made: dict[Value, Instr]) -> Instr:
        """The loop, with as many of its allocations replaced as there are arrays for it."""
        (region,) = i.regions
        reads: dict[Value, list[Instr]] = {}
        for j in region.body:
            if j.op is array.get and j.args[0] in made and made[j.args[0]].op.structure in ("build", "for"):
                reads.setdefault(j.args[0], []).append(j)
        dying = [a for a, gets in reads.items() if self.uses[a] == len(gets)]
        starts, body = list(i.args), list(region.body)
        for k, p in enumerate(region.params[1:], 1):
            start = made.get(starts[k])
            given = next((a for a in dying if a.type == p.type), None)
            if start is None or start.op is not array.empty or given is None or ANY in shape_of(p.type):
                continue
            dying.remove(given)
            starts[k] = given
            body = [j for j in body if j not in reads[given]]
            body[:0] = [Instr(array.get, (p, *j.args[1:]), j.attrs, (), j.outs, j.loc) for j in reads[given]]  # before anything is written
        if starts == list(i.args):
            return i
        return Instr(i.op, tuple(starts), i.attrs, (Block(region.params, tuple(body), region.results),), i.outs, i.loc)
