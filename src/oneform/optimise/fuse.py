"""Fusion: an array constructor moves into the places that read its elements, and the array never exists."""

from __future__ import annotations

from dataclasses import dataclass, field

from oneform.ir import DEAR, Block, Function, Instr, Subst, Value, inline
from oneform.ops.array import get, set_
from oneform.optimise.facts import INJECTIVE
from oneform.optimise.rewrite import map_blocks, rebuild, resolve
from oneform.types import Scalar

VIEW = 4  # cycles: a body that costs no more may be evaluated anew at every read, as a view is: one element read and index arithmetic
CHEAP = 8  # cycles: costs less than writing the array and reading it again, so several readers may each compute it
_SITES = 8  # readers of one constructor
_GROWTH = 96  # instructions that copies for several readers may add


def fuse(f: Function) -> Function:
    """Elements are computed where they are read, if that is no more work, and postpones no read beyond a write to the same memory."""
    plan = _Plan(f)
    chosen = {i for i in plan.builds if plan.worthwhile(i)}
    if not chosen:
        return f
    return map_blocks(f, _Inliner(chosen).block)


# ---------------------------------------------------------------- decisions


@dataclass
class _Site:
    """A place in program order: an instruction, its number, and the structured instructions around it from the outside in."""

    instr: Instr
    number: int
    around: tuple[Instr, ...]


@dataclass
class _Build:
    site: _Site
    readers: list[_Site] = field(default_factory=list[_Site])
    escapes: bool = False  # used otherwise than by reading elements
    cost: int = 0
    size: int = 0
    reads: dict[Value, None] = field(default_factory=dict[Value, None])  # arrays
    raises: bool = False


class _Plan:
    """Where every array is made, read and taken over; and, for each constructor, whether to dissolve it."""

    def __init__(self, f: Function):
        self.builds: dict[Instr, _Build] = {}
        self.made_by: dict[Value, Instr] = {}  # array -> the constructor, if it may be dissolved
        self.defs: dict[Value, Instr] = {}
        self.taken: dict[Value, list[int]] = {}  # array -> where its memory is taken over
        self.count = 0
        self.dissolved: set[Instr] = set()
        self.walk(f.block, ())
        for r in f.results:
            self.escape(r)

    def walk(self, block: Block, around: tuple[Instr, ...]) -> None:
        for i in block.body:
            self.count += 1
            site = _Site(i, self.count, around)
            self.note(i, site)
            for r in i.regions:
                self.walk(r, (*around, i))
                for v in r.results:
                    self.take(v, self.count)
            self.defs.update((o, i) for o in i.outs)
            if i.op.structure == "build" and not i.attrs["reduce"]:
                self.builds[i] = _Build(site)
                self.made_by.update((o, i) for o in i.outs)

    def note(self, i: Instr, site: _Site) -> None:
        """The uses that an instruction makes of arrays."""
        for k, a in enumerate(i.args):
            if isinstance(a.type, Scalar):
                continue
            if i.op is get and k == 0 and a in self.made_by:
                self.builds[self.made_by[a]].readers.append(site)
            else:
                self.escape(a)
            if k in i.op.consumes or i.op.structure in ("for", "while", "recursive", "recur"):
                self.take(a, site.number)

    def escape(self, v: Value) -> None:
        if v in self.made_by:
            self.builds[self.made_by[v]].escapes = True

    def take(self, v: Value, at: int) -> None:
        if not isinstance(v.type, Scalar):
            self.escape(v)
            self.taken.setdefault(v, []).append(at)

    def worthwhile(self, i: Instr) -> bool:
        """In program order, so that a constructor counts what is dissolved into it."""
        b = self.builds[i]
        self.measure(b, i.regions[0])
        if b.escapes or b.raises or not b.readers or len(b.readers) > _SITES or any(self.overtaken(b, s) for s in b.readers):
            return False
        if len(b.readers) > 1 and b.size * len(b.readers) > _GROWTH:
            return False
        single = len({(s.around[-1:], s.instr.args[1:]) for s in b.readers}) == 1
        if b.cost > VIEW and not all(self.in_order(i, b, s) for s in b.readers):
            return False
        if not single and b.cost > CHEAP and any(s.around[len(b.site.around) :] for s in b.readers):
            return False
        self.dissolved.add(i)
        return True

    def measure(self, b: _Build, block: Block) -> None:
        """Cost of one element, with that of the constructors dissolved into it."""
        for i in block.body:
            b.size += 1
            b.cost += i.op.cost
            b.raises = b.raises or i.op.raises
            for a in i.args:
                if isinstance(a.type, Scalar):
                    continue
                other = self.builds[self.made_by[a]] if self.made_by.get(a) in self.dissolved else None
                if other is not None:
                    b.size += other.size
                    b.cost += other.cost
                    b.reads.update(other.reads)
                else:
                    b.reads[a] = None
            for r in i.regions:
                self.measure(b, r)

    def overtaken(self, b: _Build, s: _Site) -> bool:
        """Whether memory that the constructor reads is taken over before the reader comes."""
        return any(b.site.number < at < s.number for a in b.reads for at in self.taken.get(a, ()))

    def in_order(self, i: Instr, b: _Build, s: _Site) -> bool:
        """Whether the reader asks for each element once at most: the indices tell the iterations of the loops around it apart."""
        loops = s.around[len(b.site.around) :]
        variables: list[Value] = []
        for loop in loops:
            if loop.op.structure in ("while", "recursive"):
                return False
            if loop.op.structure == "for":
                if b.cost >= DEAR and not _stores(loop):  # a constructor's loop runs on vectors, a `for` in order
                    return False
                variables.append(loop.regions[0].params[0])
            elif loop.op.structure == "build":
                variables += loop.regions[0].params
        found = [self.driver(a, variables) for a in s.instr.args[1:]]
        return all(any(v in d for d in found) for v in variables)

    def driver(self, index: Value, variables: list[Value]) -> list[Value]:
        """The loop variable that an index is an injective function of, if there is one."""
        if index in variables:
            return [index]
        i = self.defs.get(index)
        if i is None or i.op.name not in INJECTIVE:
            return []
        inner = [v for a in i.args for v in self.driver(a, variables)]
        return inner if len(inner) == 1 else []


def _stores(loop: Instr) -> bool:
    """Whether a loop does nothing but replace elements of arrays that it does not read: it runs on vectors like a constructor's."""
    region = loop.regions[0]
    written = {*region.params[1:], *(o for i in region.body if i.op is set_ for o in i.outs)}
    if any(isinstance(p.type, Scalar) for p in region.params[1:]):
        return False
    return not any(i.regions or (a in written and (i.op is not set_ or k)) for i in region.body for k, a in enumerate(i.args))


# ---------------------------------------------------------------- doing it


class _Inliner:
    def __init__(self, chosen: set[Instr]):
        self.chosen = chosen
        self.env: Subst = {}
        self.bodies: dict[Value, tuple[Block, int]] = {}  # array -> the region that computes its elements, and which result

    def block(self, block: Block) -> Block:
        body: list[Instr] = []
        changed = False
        for i in block.body:
            args = tuple([resolve(self.env, a) for a in i.args]) if self.env else i.args
            if i.op is get and args[0] in self.bodies:
                region, k = self.bodies[args[0]]
                self.env[i.outs[0]] = inline(region, args[1:], body)[k]
                changed = True
                continue
            j = rebuild(i, args, tuple([self.block(r) for r in i.regions]) if i.regions else (), self.env)
            if i in self.chosen:
                self.bodies.update((o, (j.regions[0], k)) for k, o in enumerate(j.outs))
                changed = True
                continue
            changed = changed or j is not i
            body.append(j)
        results = tuple([resolve(self.env, r) for r in block.results])
        return Block(block.params, tuple(body), results) if changed or results != block.results else block
