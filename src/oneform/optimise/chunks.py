"""Loops whose rounds do not need each other, in parts that run on threads (docs/design/013-threads.md).

    for n: body(i)      becomes      for c < parts(n, work): for t < end(c) - start(c): body(start(c) + t)

The outer loop, over the parts, names in the attribute `chunks` what it does with each value that it carries; run in order it is the loop as it was.
Only outermost loops are split, constructors and sums too. Inside another loop, little work runs as it did before, in a second copy of the code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oneform.ir import Block, Builder, Function, Instr, Value, clone_instr, instructions
from oneform.ops import Term, arithmetic, array, build, constant, dims, for_, if_, integer, lengths_of, literal, parts, paste
from oneform.optimise.independent import OWN, SUM, independent
from oneform.types import ANY, I64, Array, Scalar

LEAST = 400_000  # cycles, roughly, that pay for waking the threads and waiting for them; loops that are vectorised take a fourth of them, or less
COPY = 16  # cycles for each element of an array that every part has a copy of: to fill it with zeros, to add it to the others'
_UNKNOWN = 8  # rounds of a loop whose length is not known before the loop that is split
FEW = 4  # rounds that are too few to be shared out, if it is known before the run


def split(f: Function) -> Function:
    """f with its parallel loops in parts."""
    return Function(f.name, _Split(f).block(f.block, 0))


@dataclass(frozen=True)
class _Loop:
    """What is split: its number of rounds, what it starts from, what it does with that, and its rounds."""

    n: Value
    inits: tuple[Value, ...]
    kinds: tuple[str, ...]
    rounds: Callable[[Builder, Value, Value, Sequence[Value]], Sequence[Value]]  # (builder, start, count, carried) -> carried


class _Split:
    def __init__(self, f: Function):
        self.makers = {o: i for i in instructions(f.block.body) for o in i.outs}

    def block(self, block: Block, depth: int) -> Block:
        body = [j for i in block.body for j in self.instr(i, depth)]
        return Block(block.params, tuple(body), block.results)

    def instr(self, i: Instr, depth: int) -> list[Instr]:
        if i.op.structure not in ("for", "while", "if", "build"):
            return [i]
        b, before = Builder(i.loc), Builder(i.loc)
        if self.worth(i) and (work := self.work(b, i)) is not None:
            choice = self.choice(b, i, work, depth)
            chosen = i if choice is None else clone_instr(i, {})
            loop = self.loop(before, chosen)
            if loop is not None:
                made = [*before.body, *self.parts(loop, work, chosen)]
                return [*b.body, *(made if choice is None else self.either(i, choice, chosen, made, depth))]
        return [self.inside(i, depth)]

    def inside(self, i: Instr, depth: int) -> Instr:
        """An instruction that is not split itself."""
        if i.op.structure == "build":
            return i
        depth += i.op.structure != "if"
        kept = len(i.regions) - 1 if i.op.structure == "while" else 0
        regions = (*i.regions[:kept], *(self.block(r, depth) for r in i.regions[kept:]))
        return Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)

    def choice(self, b: Builder, i: Instr, work: Value, depth: int) -> Value | None:
        """Whether to split a loop, where that is a question for the run: inside another loop if there is enough work; a loop over the groups of a
        Jacobian, which may be a single one with large loops inside, if there are several."""
        if depth:
            return (Term(b, work) >= LEAST).v
        return (Term(b, i.args[0]) >= 2).v if i.attrs.get("own") and any(j.regions for j in i.regions[0].body) else None

    def either(self, i: Instr, choice: Value, chosen: Instr, made: list[Instr], depth: int) -> list[Instr]:
        plain = clone_instr(i, {})
        self.makers.update((o, j) for j in instructions([plain]) for o in j.outs)
        other = plain if depth else self.inside(plain, depth)
        sides = Block((), tuple(made), chosen.outs), Block((), (other,), plain.outs)
        return [Instr(if_, (choice,), {}, sides, i.outs, i.loc)]

    # ------------------------------------------------------------ how much there is to do

    def lengths(self, i: Instr) -> list[int | Value]:
        """The numbers of rounds of a loop or constructor, outermost first."""
        if i.op.structure == "for":
            number = literal(self.makers[i.args[0]]) if i.args[0] in self.makers else None
            return [i.args[0] if number is None else int(number)]
        given = iter(i.args)
        return [d if isinstance(d, int) else next(given) for d in (*i.attrs["shape"], *i.attrs["extent"])]

    def worth(self, i: Instr) -> bool:
        if i.op.structure not in ("for", "build"):
            return False
        n = self.lengths(i)[0]
        return not (isinstance(n, int) and n < FEW)

    def work(self, b: Builder, i: Instr) -> Value | None:
        """About how many cycles the loop takes, as an i64; None if that is certainly too few."""
        inside = set(i.regions[0].params)
        for j in instructions(i.regions[0].body):
            inside.update(j.outs, *(r.params for r in j.regions))
        total = self.loop_work(b, i, inside)
        if isinstance(total, int):
            return integer(b, total) if total >= LEAST else None
        return total.v

    def loop_work(self, b: Builder, i: Instr, inside: set[Value]) -> int | Term:
        total: int | Term = sum((self.block_work(b, r, inside) for r in i.regions[-1:]), 1)
        for n in self.lengths(i) if i.op.structure in ("for", "build") else [_UNKNOWN]:
            if isinstance(n, int):
                total = total * n
            else:
                known = self.outside(b, n, inside)
                total = total * _UNKNOWN if known is None else Term(b, known) * total if isinstance(total, int) else total * Term(b, known)
        return total

    def block_work(self, b: Builder, block: Block, inside: set[Value]) -> int | Term:
        total: int | Term = 0
        for i in block.body:
            match i.op.structure:
                case "for" | "while" | "build":
                    total = total + self.loop_work(b, i, inside)
                case "if":
                    total = sum((self.block_work(b, r, inside) for r in i.regions), total)
                case "":
                    total = total + i.op.cost
                case _:
                    total = total + _UNKNOWN * sum(j.op.cost for r in i.regions for j in r.body)
        return total

    def outside(self, b: Builder, n: Value, inside: set[Value]) -> Value | None:
        """A length as it is known before the loop."""
        if n not in inside:
            return n
        i = self.makers.get(n)
        if i is None or i.regions or i.op.raises or any(a in inside for a in i.args):
            return None
        return b.instr(i.op, i.args, i.attrs, (), i.loc).outs[0]

    # ------------------------------------------------------------ what is split

    def loop(self, b: Builder, i: Instr) -> _Loop | None:
        if i.op.structure == "for":
            kinds = independent(i, self.makers)
            return None if kinds is None else _of_loop(i, kinds)
        if i.attrs["shape"]:
            return _of_arrays(b, i)
        return _of_sum(b, i) if i.attrs["reduce"] == "add" else None

    def without_copies(self, b: Builder, loop: _Loop, work: Value) -> Value:
        """The work, less what the copies of arrays cost that parts add to."""
        left = Term(b, work)
        for a, kind in zip(loop.inits, loop.kinds, strict=True):
            if kind == SUM and isinstance(a.type, Array):
                size = Term(b, integer(b, COPY))
                for n in dims(b, a):
                    size = size * Term(b, n)
                left = left - size
        return left.v

    def parts(self, loop: _Loop, work: Value, i: Instr) -> list[Instr]:
        """The loop over the parts."""
        b = Builder(i.loc)
        count = b.emit1(parts, loop.n, self.without_copies(b, loop, work), least=LEAST)
        part = b.sub()
        c = part.param(Scalar(I64))
        carried = [part.param(o.type) for o in i.outs]
        start = _share(part, loop.n, c, count)
        m = (Term(part, _share(part, loop.n, (Term(part, c) + 1).v, count)) - Term(part, start)).v
        results = loop.rounds(part, start, m, carried)
        return [*b.body, Instr(for_, (count, *loop.inits), {"chunks": loop.kinds}, (part.block(*results),), i.outs, i.loc)]


def _share(b: Builder, n: Value, c: Value, count: Value) -> Value:
    """Where part c of n rounds starts."""
    return b.emit1(arithmetic.floordiv, (Term(b, n) * Term(b, c)).v, count)


def _from(start: Value, i: Instr) -> Block:
    """The rounds of a loop or constructor from `start` on: variable = start + t. The attribute says that it is a variable still: what it indexes has an
    element for each of its values."""
    (region,), t = i.regions, Value(Scalar(I64))
    shifted = Instr(arithmetic.add, (start, t), {"round": True}, (), (region.params[0],), i.loc)
    return Block((t, *region.params[1:]), (shifted, *region.body), region.results)


def _of_loop(i: Instr, kinds: tuple[str, ...]) -> _Loop:
    def rounds(c: Builder, start: Value, m: Value, carried: Sequence[Value]) -> Sequence[Value]:
        return c.emit(for_, m, *carried, regions=(_from(start, i),), **i.attrs)

    return _Loop(i.args[0], i.args[1:], kinds, rounds)


# ---------------------------------------------------------------- constructors


def _of_sum(b: Builder, i: Instr) -> _Loop:
    """A total: every part has its own."""
    extent = i.attrs["extent"]
    others = i.args[not isinstance(extent[0], int) :]

    def rounds(c: Builder, start: Value, m: Value, carried: Sequence[Value]) -> Sequence[Value]:
        totals = c.emit(build, m, *others, regions=(_from(start, i),), **{**i.attrs, "extent": (ANY, *extent[1:])})
        return [c.emit1(arithmetic.add, p, o, reassoc=True) for p, o in zip(carried, totals, strict=True)]

    zeros = tuple(constant(b, 0, o.type.dtype) for o in i.outs if isinstance(o.type, Scalar))
    return _Loop(lengths_of(b, i)[0], zeros, (SUM,) * len(i.outs), rounds)


def _of_arrays(b: Builder, i: Instr) -> _Loop:
    """Arrays: every part makes some of their rows, where these belong."""
    shape, lengths = i.attrs["shape"], lengths_of(b, i)
    opened = [n for n, d in zip(lengths, shape, strict=False) if not isinstance(d, int)]
    inits = tuple(b.emit1(array.empty, *opened, shape=shape, dtype=o.type.dtype) for o in i.outs if isinstance(o.type, Array))
    others = i.args[not isinstance(shape[0], int) :]

    def rounds(c: Builder, start: Value, m: Value, carried: Sequence[Value]) -> Sequence[Value]:
        rows = c.emit(build, m, *others, regions=(_from(start, i),), **{**i.attrs, "shape": (ANY, *shape[1:])})
        return [c.emit1(paste, p, r, start) for p, r in zip(carried, rows, strict=True)]

    return _Loop(lengths[0], inits, (OWN,) * len(i.outs), rounds)
