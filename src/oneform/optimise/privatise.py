"""Scratch memory that each iteration of a loop writes before it reads becomes the iteration's own."""

from __future__ import annotations

from oneform.ir import Block, Builder, Function, Instr, Value, instructions, reads
from oneform.ops import array
from oneform.optimise.lengths import Lengths
from oneform.optimise.rewrite import map_blocks
from oneform.types import ANY, Array, Dim, shape_of


def privatise(f: Function) -> Function:
    """A carried array whose final version nobody reads, and whose incoming version each iteration overwrites, need not be carried."""
    used = {v for i in instructions(f.block.body) for v in i.args}
    used |= {r for i in instructions(f.block.body) for b in i.regions for r in b.results} | set(f.results)
    return map_blocks(f, _Private(used).block)


class _Private:
    def __init__(self, used: set[Value]):
        self.used = used
        self.lengths = Lengths()

    def block(self, block: Block) -> Block:
        body: list[Instr] = []
        changed = False
        for i in block.body:
            self.lengths.note(i)
            j = i
            if i.regions:
                regions = tuple(self.block(r) for r in i.regions)
                if any(r is not o for r, o in zip(regions, i.regions, strict=True)):
                    j = Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)
                if i.op.structure == "for":
                    j = self.loop(j)
            changed = changed or j is not i
            body.append(j)
        return Block(block.params, tuple(body), block.results) if changed else block

    def loop(self, i: Instr) -> Instr:
        (region,) = i.regions
        unread = [k for k, out in enumerate(i.outs) if out not in self.used]
        private = [k for k in unread if self.replaceable(i.args[1 + k], region.params[1 + k]) and self.overwritten(region, region.params[1 + k])]
        if not private:
            return i
        b = Builder(i.loc)
        fresh: dict[Value, Value] = {}
        for k in private:
            p = region.params[1 + k]
            t = p.type
            assert isinstance(t, Array)
            lengths = self.operands(i.args[1 + k], t.shape) or ()
            fresh[p] = b.emit1(array.empty, *lengths, shape=t.shape, dtype=t.dtype)
        keep = [k for k in range(len(i.outs)) if k not in private]
        rest = tuple(Instr(j.op, tuple(fresh.get(a, a) for a in j.args), j.attrs, j.regions, j.outs, j.loc) for j in region.body)
        slim = Block((region.params[0], *(region.params[1 + k] for k in keep)), (*b.body, *rest), tuple(region.results[k] for k in keep))
        return Instr(i.op, (i.args[0], *(i.args[1 + k] for k in keep)), i.attrs, (slim,), tuple(i.outs[k] for k in keep), i.loc)

    def replaceable(self, start: Value, p: Value) -> bool:
        return isinstance(p.type, Array) and self.operands(start, p.type.shape) is not None

    def operands(self, start: Value, shape: tuple[Dim, ...]) -> tuple[Value, ...] | None:
        """The operands of an allocation like the one that the loop starts from; None if they are not to be had."""
        if all(isinstance(d, int) for d in shape):
            return ()
        made = self.lengths.defs.get(start)
        if made is None or made.op not in (array.empty, array.full) or shape_of(start.type) != shape or ANY in shape:
            return None
        return made.args[1:] if made.op is array.full else made.args

    # -- is all of the array written before any of it is read?

    def overwritten(self, region: Block, p: Value) -> bool:
        """The only reader of `p` in the region is a nest of loops that sets every element."""
        readers = [i for i in region.body if p in reads(i)]
        if len(readers) != 1 or p in region.results or p not in readers[0].args or any(p in reads(j) for r in readers[0].regions for j in r.body):
            return False
        return self.fills(readers[0], p, [])

    def fills(self, i: Instr, p: Value, indices: list[Value]) -> bool:
        """Whether loop `i` sets p[indices, k, ...] for every k, and reads p by nothing else."""
        axis = len(indices)
        t = p.type
        if i.op.structure != "for" or not isinstance(t, Array) or axis >= t.rank or not self.lengths.covers(i.args[0], t.shape[axis]):
            return False
        (region,) = i.regions
        q = region.params[1 + i.args[1:].index(p)]
        yielded = region.results[i.args[1:].index(p)]
        users = [j for j in region.body if q in reads(j)]
        if len(users) != 1 or i.args.count(p) != 1:
            return False
        (j,) = users
        deeper = [*indices, region.params[0]]
        if j.op is array.set_:
            return j.args[0] is q and list(j.args[2:]) == deeper and self.reaches(region, j.outs[0], yielded)
        if q not in j.args or any(q in reads(k) for r in j.regions for k in r.body):
            return False
        return self.fills(j, q, deeper) and j.outs[list(j.args[1:]).index(q)] is yielded

    def reaches(self, region: Block, first: Value, last: Value) -> bool:
        """Whether `last` is `first` after further writes; reads of it in between see what was written."""
        chain = {first}
        for i in region.body:
            if i.op in (array.set_, array.add_at) and i.args[0] in chain and first is not last:
                chain.add(i.outs[0])
        return last in chain and all(i.op in (array.set_, array.add_at) or not chain.intersection(reads(i)) for i in region.body)
