"""Loops that write each element of a new array once become array constructors; where they do more besides, the array need not be filled first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from oneform.ir import Block, Builder, Function, Instr, Subst, Value, instructions
from oneform.ops import OPS, array
from oneform.ops.control import build
from oneform.ops.control.build import COMBINE
from oneform.optimise.lengths import Lengths
from oneform.optimise.rewrite import map_blocks, rebuild, resolve
from oneform.types import ANY, Array


def construct(f: Function) -> Function:
    uses: Counter[Value] = Counter(f.results)
    for i in instructions(f.block.body):
        uses.update(i.args)
        for r in i.regions:
            uses.update(r.results)
    return map_blocks(f, _Construct(uses).block)


@dataclass
class _Write:
    """y[i] = v, or y[i] += v, once per iteration and for every element; nothing else looks at y in the loop."""

    instr: Instr
    start: Instr | None  # the allocation that the loop starts from, if it is one that nobody else uses


class _Construct:
    def __init__(self, uses: Counter[Value]):
        self.uses = uses
        self.env: Subst = {}
        self.lengths = Lengths()

    def block(self, block: Block) -> Block:
        body: list[Instr] = []
        changed = False
        for i in block.body:
            args = tuple([resolve(self.env, a) for a in i.args]) if self.env else i.args
            self.lengths.note(i)
            j = rebuild(i, args, tuple([self.block(r) for r in i.regions]) if i.regions else (), self.env)
            made = self.loop(j) if j.op.structure == "for" else [j]
            changed = changed or made != [i]
            body += made
            for m in made:
                self.lengths.note(m)
        results = tuple([resolve(self.env, r) for r in block.results])
        return Block(block.params, tuple(body), results) if changed or results != block.results else block

    def loop(self, i: Instr) -> list[Instr]:
        """The instructions that stand for a loop."""
        (region,) = i.regions
        writes = [self.write(i, region, k) for k in range(len(i.outs))]
        if writes and all(writes) and len({o.type.shape for o in i.outs if isinstance(o.type, Array)}) == 1:
            made = self.constructor(i, [w for w in writes if w is not None])
            if made is not None:
                return made
        return self.unfilled(i, writes)

    def write(self, i: Instr, region: Block, k: int) -> _Write | None:
        p, last, start = region.params[1 + k], region.results[k], i.args[1 + k]
        if not isinstance(p.type, Array) or p.type.rank != 1 or self.uses[p] != 1 or self.uses[last] != 1 or start.type != p.type:
            return None
        writer = next((j for j in reversed(region.body) if last in j.outs), None)
        if writer is None or writer.op not in (array.set_, array.add_at) or writer.args[0] is not p or writer.args[2] is not region.params[0]:
            return None
        made = self.lengths.defs.get(start)
        fresh = made if made is not None and made.op in (array.full, array.empty) else None
        whole = fresh is not None and fresh.args[-1:] == i.args[:1] or self.lengths.covers(i.args[0], p.type.shape[0])
        if not whole or (writer.op is array.add_at and (fresh is None or fresh.op is not array.full)):
            return None
        return _Write(writer, fresh)

    def constructor(self, i: Instr, writes: list[_Write]) -> list[Instr] | None:
        """y = [v(i) for each i], if the elements may be computed in any order."""
        (region,) = i.regions
        t = i.outs[0].type
        writers = [w.instr for w in writes]
        if not isinstance(t, Array) or any(j.op.raises or j.op.structure == "while" for j in instructions(region.body)):
            return None
        b = Builder(i.loc)
        elements = [self.element(b, w) for w in writes]
        body = (*(j for j in region.body if j not in writers), *b.body)
        lengths = () if isinstance(t.shape[0], int) else (i.args[0],)
        attrs = {"shape": t.shape, "extent": (), "reduce": ""}
        regions = (Block((region.params[0],), body, tuple(elements)),)
        types = build.types(tuple(a.type for a in lengths), attrs, regions)
        if types != tuple(o.type for o in i.outs):
            return None
        taped = i.loc if all(w.loc and w.loc.role == "tape" for w in writers) else None
        return [Instr(build, lengths, attrs, regions, i.outs, (taped and taped.as_role("tape")) or i.loc)]

    def element(self, b: Builder, w: _Write) -> Value:
        v = w.instr.args[1]
        if w.instr.op is array.set_ or w.start is None or self.is_zero(w.start.args[0]):
            return v
        return b.emit1(OPS[COMBINE["add"]], w.start.args[0], v)

    def is_zero(self, v: Value) -> bool:
        made = self.lengths.defs.get(v)
        return made is not None and made.op is array.const and made.attrs["value"] == 0

    def unfilled(self, i: Instr, writes: list[_Write | None]) -> list[Instr]:
        """The loop, starting from arrays that are not filled with what it does not read."""
        (region,) = i.regions
        fresh: list[Instr] = []
        inits, body = list(i.args), list(region.body)
        for k, w in enumerate(writes):
            t = i.args[1 + k].type
            if w is None or w.start is None or w.start.op is not array.full or self.uses[i.args[1 + k]] != 1 or not isinstance(t, Array) or ANY in t.shape:
                continue
            if w.instr.op is array.add_at:
                if not self.is_zero(w.start.args[0]):
                    continue
                body[body.index(w.instr)] = Instr(array.set_, w.instr.args, {}, (), w.instr.outs, w.instr.loc)
            room = Instr(array.empty, w.start.args[1:], {"shape": t.shape, "dtype": t.dtype}, (), (Value(t),), i.loc)
            fresh.append(room)
            inits[1 + k] = room.outs[0]
        if not fresh:
            return [i]
        return [*fresh, Instr(i.op, tuple(inits), i.attrs, (Block(region.params, tuple(body), region.results),), i.outs, i.loc)]
