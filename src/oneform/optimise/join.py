"""Loops over one length that stand one behind the other become one, where they have an array in common: what it brings from memory serves both.

Only loops whose rounds have places of their own take part: constructors of vectors, sums over vectors, and the loops of adjoints that are marked as
parallel. A derivative is taken of the loops apart, so this is for machine code only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from oneform.ir import Block, Builder, Function, Instr, Value, clone_instr, free_values, instructions
from oneform.ops import accumulated, array, constant, for_
from oneform.ops.arithmetic import add
from oneform.optimise.rewrite import map_blocks
from oneform.types import Array, Scalar

_SIZE = 48  # instructions in the body of a joined loop: it should not run out of registers
_ACCESS = (array.get, array.set_, array.add_at)


def join(f: Function) -> Function:
    return map_blocks(f, _Join(uses_of(f)).block)


def uses_of(f: Function) -> Counter[Value]:
    """How often each value is read."""
    uses: Counter[Value] = Counter(f.results)
    for i in instructions(f.block.body):
        uses.update(i.args)
        for r in i.regions:
            uses.update(r.results)
    return uses


@dataclass(frozen=True)
class _Loop:
    """A `for` over vectors: what it starts from and gives, and what it reads besides."""

    instr: Instr
    before: tuple[Instr, ...]  # allocations and zeros that it starts from
    count: Value
    starts: tuple[Value, ...]
    body: Block
    outs: tuple[Value, ...]
    reads: frozenset[Value]  # arrays from outside, as they are before the loop
    scalars: frozenset[Value]

    def joined(self, o: _Loop) -> _Loop:
        """Both in one, this one first in each round."""
        index, *params = self.body.params
        env: dict[Value, Value] = {o.body.params[0]: index}
        starts, results, outs = list(self.starts), list(self.body.results), list(self.outs)
        at: list[int] = []
        for start, p in zip(o.starts, o.body.params[1:], strict=True):
            if start in self.outs:  # this one's array goes on
                at.append(self.outs.index(start))
                env[p] = results[at[-1]]
            else:
                at.append(len(starts))
                params.append(p)
                starts.append(start)
                results.append(p)
                outs.append(p)
        env.update((a, r) for a, r in zip(self.outs, self.body.results, strict=True) if a in o.reads)
        body = list(self.body.body)
        for j in o.body.body:
            body += _clone(j, env, body)
        for k, r, out in zip(at, o.body.results, o.outs, strict=True):
            results[k], outs[k] = env.get(r, r), out
        block = Block((index, *params), tuple(body), tuple(results))
        before = (*self.before, *o.before)
        instr = Instr(for_, (self.count, *starts), {"parallel": True}, (block,), tuple(outs), self.instr.loc)
        reads = self.reads | (o.reads - set(self.outs))
        return replace(self, instr=instr, before=before, starts=tuple(starts), body=block, outs=tuple(outs), reads=reads, scalars=self.scalars | o.scalars)


def _clone(i: Instr, env: dict[Value, Value], body: list[Instr]) -> list[Instr]:
    """An instruction of the second loop in the first one's round. What it adds to an element that this round wrote is added before that is written."""
    j = clone_instr(i, env)
    if j.op is array.add_at and (written := next((w for w in body if w.op is array.set_ and w.outs[0] is j.args[0]), None)) is not None:
        body.remove(written)
        total = Instr(add, (written.args[1], j.args[1]), {"reassoc": True}, (), (Value(j.args[1].type),), i.loc)
        return [total, Instr(array.set_, (written.args[0], total.outs[0], j.args[2]), {}, (), j.outs, i.loc)]
    if j.op is array.get and (written := next((w for w in body if w.op is array.set_ and w.outs[0] is j.args[0]), None)) is not None:
        env[i.outs[0]] = written.args[1]
        return []
    return [j]


def over_vectors(i: Instr, uses: Counter[Value]) -> _Loop | None:
    """The loop that an instruction is, if each of its rounds has places of its own in vectors."""
    if i.op.structure == "build":
        return _of_build(i)
    if i.op.structure != "for" or not i.attrs.get("parallel"):
        return None
    (body,) = i.regions
    for k, (p, r) in enumerate(zip(body.params[1:], body.results, strict=True)):
        if isinstance(p.type, Scalar) and not accumulated(body, k + 1, k, i):
            return None
        if isinstance(p.type, Array) and not all(isinstance(v.type, Array) and v.type.rank == 1 and uses[v] == 1 for v in (p, i.args[1 + k], r)):
            return None
    return _noted(i, (), i.args[0], i.args[1:], body, i.outs)


def _of_build(i: Instr) -> _Loop | None:
    """A constructor of vectors or a sum over one axis, as the loop that it is."""
    reduce, (region,) = i.attrs["reduce"], i.regions
    if len(region.params) != 1 or len(i.args) != 1 or reduce not in ("", "add") or (reduce and i.attrs["shape"]):
        return None
    before, b = Builder(i.loc), Builder(i.loc)
    b.body = list(region.body)
    index = region.params[0]
    starts: list[Value] = []
    params: list[Value] = []
    results: list[Value] = []
    for o, r in zip(i.outs, region.results, strict=True):
        params.append(p := Value(o.type))
        if isinstance(o.type, Array):
            starts.append(before.emit1(array.empty, i.args[0], shape=o.type.shape, dtype=o.type.dtype))
            results.append(b.emit1(array.set_, p, r, index))
        elif isinstance(o.type, Scalar):
            starts.append(constant(before, 0, o.type.dtype))
            results.append(b.emit1(add, p, r, reassoc=True))
    return _noted(i, before.body, i.args[0], starts, Block((index, *params), tuple(b.body), tuple(results)), i.outs)


def _noted(i: Instr, before: Sequence[Instr], count: Value, starts: Sequence[Value], body: Block, outs: Sequence[Value]) -> _Loop | None:
    """The loop, if all that it does is to read and write elements of vectors at its index."""
    for j in body.body:
        if j.regions or j.op.raises or any(not isinstance(v.type, Scalar) for v in (*j.args, *j.outs)) and j.op not in _ACCESS:
            return None
        if j.op in _ACCESS and (j.args[-1] is not body.params[0] or len(j.args) != (2 if j.op is array.get else 3)):
            return None
    free = free_values(body)
    reads = frozenset(v for v in free if not isinstance(v.type, Scalar))
    return _Loop(i, tuple(before), count, tuple(starts), body, tuple(outs), reads, frozenset(free) - reads)


class _Join:
    def __init__(self, uses: Counter[Value]):
        self.uses = uses

    def block(self, block: Block) -> Block:
        body: list[Instr] = []
        loops: list[tuple[Instr, _Loop]] = []  # in `body`, since the last instruction that may raise
        changed = False
        for i in block.body:
            regions = tuple(self.block(r) for r in i.regions)
            if regions != i.regions:
                i, changed = Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc), True
            if i.op.raises or any(j.op.raises for r in i.regions for j in instructions(r.body)):
                loops.clear()
            loop = over_vectors(i, self.uses)
            if loop is not None and self.found_place(body, loops, loop):
                changed = True
                continue
            if loop is not None:
                loops.append((i, loop))
            body.append(i)
        return Block(block.params, tuple(body), block.results) if changed else block

    def found_place(self, body: list[Instr], loops: list[tuple[Instr, _Loop]], loop: _Loop) -> bool:
        """Join a loop to one that stands before it; what the loop needs and is computed in between moves before both."""
        for k, (i, first) in enumerate(loops):
            if not self.match(first, loop):
                continue
            at = body.index(i)
            moved = _moved(body[at + 1 :], loop, set(first.outs))
            if moved is None:
                continue
            both = first.joined(loop)
            rest = [j for j in body[at + 1 :] if j not in moved]
            body[at:] = [*moved, *(j for j in both.before if j not in body[:at]), both.instr, *rest]
            loops[k] = both.instr, replace(both, before=())
            return True
        return False

    def match(self, a: _Loop, b: _Loop) -> bool:
        """Whether b may run in the rounds of a, and gains by it."""
        if a.count is not b.count or len(a.body.body) + len(b.body.body) > _SIZE:
            return False
        made, own = set(a.outs), set(b.starts)
        if made & b.scalars or any(isinstance(v.type, Scalar) for v in made & own) or a.reads & own or b.reads & set(a.starts):
            return False
        if len(own & made) + len(own - made) != len(b.starts) or any(v in b.reads or self.uses[v] != 1 for v in own & made):
            return False
        return bool(made & own or made & b.reads or a.reads & b.reads)


def _moved(between: Sequence[Instr], loop: _Loop, made: set[Value]) -> list[Instr] | None:
    """What the loop needs of the instructions before it, if that does not need the first loop."""
    needed = {loop.count, *loop.starts, *loop.reads, *loop.scalars} - {o for j in loop.before for o in j.outs}
    moved: list[Instr] = []
    for j in reversed(between):
        if needed.isdisjoint(j.outs):
            continue
        if j.regions or j.op.raises or j.op.consumes or not made.isdisjoint(j.args) or any(not isinstance(a.type, Scalar) for a in j.args):
            return None
        moved.append(j)
        needed.update(j.args)
    return moved[::-1]
