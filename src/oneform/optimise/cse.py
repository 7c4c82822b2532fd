"""Common subexpressions: what an enclosing or earlier instruction has computed is not computed again."""

from __future__ import annotations

from typing import Any

from oneform.ir import Block, Function, Instr, Subst, Value, instructions
from oneform.ops.array import dim_
from oneform.optimise.rewrite import rebuild
from oneform.optimise.simplify import COMMUTES
from oneform.types import ANY, Scalar, shape_of

Key = tuple[Any, ...]


def cse(f: Function) -> Function:
    """Only instructions that yield numbers take part: to share memory would force a copy where one sharer is written."""
    lengths = _parameter_lengths(f)
    block = _Cse().block(Block(f.params, (*lengths, *f.block.body), f.results) if lengths else f.block)
    return f if block is f.block else Function(f.name, block)


def _parameter_lengths(f: Function) -> list[Instr]:
    """A `dim` at the entry for each symbol of the parameters whose length is asked for anywhere below the first instructions."""
    present = {_symbol(i) for i in _leading_dims(f.block)}
    asked = {_symbol(i) for i in instructions(f.block.body) if i.op is dim_} - present - {ANY}
    found: list[Instr] = []
    for p in f.params if asked else ():
        for axis, d in enumerate(shape_of(p.type)):
            if d in asked:
                asked.discard(d)
                attrs = {"axis": axis}
                found.append(Instr(dim_, (p,), attrs, (), tuple(map(Value, dim_.types((p.type,), attrs, ())))))
    return found


def _leading_dims(block: Block) -> list[Instr]:
    end = next((k for k, i in enumerate(block.body) if i.op is not dim_), len(block.body))
    return list(block.body[:end])


def _symbol(i: Instr) -> Any:
    return shape_of(i.args[0].type)[i.attrs["axis"]]


class _Cse:
    def __init__(self) -> None:
        self.env: Subst = {}
        self.known: dict[Key, tuple[Value, ...]] = {}
        self.numbers: dict[Key, int] = {}
        self.added: list[Key] = []  # keys in order of their coming, so that a region's go with it

    def block(self, block: Block) -> Block:
        mark = len(self.added)
        body: list[Instr] = []
        changed = False
        for i in block.body:
            j = self.instr(i)
            changed = changed or j is not i
            if j is not None:
                body.append(j)
        env = self.env
        results = tuple([env.get(r, r) for r in block.results])
        for key in self.added[mark:]:
            del self.known[key]
        del self.added[mark:]
        return Block(block.params, tuple(body), results) if changed or results != block.results else block

    def instr(self, i: Instr) -> Instr | None:
        env = self.env
        args = tuple([env.get(a, a) for a in i.args]) if env else i.args
        i = rebuild(i, args, tuple([self.block(r) for r in i.regions]) if i.regions else (), env)
        if "shape" in i.attrs:
            self.note_lengths(i)
        if i.op.structure == "if":
            return self.branch(i)
        if i.regions or i.op.consumes or not all(isinstance(o.type, Scalar) for o in i.outs):
            return i
        key = _key(i)
        seen = self.known.get(key)
        if seen is not None:
            env.update(zip(i.outs, seen, strict=True))
            return None
        self.know(key, i.outs)
        return i

    def branch(self, i: Instr) -> Instr | None:
        """A number that both sides make as those of an earlier branch on the same question did is that number."""
        keys: list[Key] = []
        sides = [self.numbered(r) for r in i.regions]
        for k, o in enumerate(i.outs):
            if isinstance(o.type, Scalar):
                keys.append((i.op, i.args[0], *(made.get(r.results[k], r.results[k]) for made, r in zip(sides, i.regions, strict=True))))
        known = [self.known.get(key) for key in keys]
        for o, key, seen in zip([o for o in i.outs if isinstance(o.type, Scalar)], keys, known, strict=True):
            if seen is not None:
                self.env[o] = seen[0]
            else:
                self.know(key, (o,))
        needless = None not in known and len(keys) == len(i.outs) and not any(j.op.raises for j in instructions(b for r in i.regions for b in r.body))
        return None if needless else i

    def numbered(self, region: Block) -> dict[Value, int]:
        """The values that a region makes of numbers: the same number for what is made in the same way, here or in a region before."""
        made: dict[Value, int] = {}
        for i in region.body:
            if not i.regions and not i.op.consumes and all(isinstance(o.type, Scalar) for o in i.outs):
                key = (i.op, tuple(made.get(a, a) for a in i.args), *((k, _frozen(x)) for k, x in i.attrs.items()))
                for k, o in enumerate(i.outs):
                    made[o] = self.numbers.setdefault((key, k), len(self.numbers))
        return made

    def know(self, key: Key, values: tuple[Value, ...]) -> None:
        if key not in self.known:
            self.known[key] = values
            self.added.append(key)

    def note_lengths(self, i: Instr) -> None:
        """The operands of an allocation are the lengths of the symbols in its shape."""
        open_ = [d for d in (*i.attrs["shape"], *i.attrs.get("extent", ())) if not isinstance(d, int)]
        for d, v in zip(open_, i.args[len(i.args) - len(open_) :], strict=True):
            if d != ANY:
                self.know((dim_, d), (v,))


def _key(i: Instr) -> Key:
    if i.op is dim_ and (symbol := _symbol(i)) != ANY:
        return dim_, symbol
    args = i.args
    if i.op.name in COMMUTES:
        args = tuple(sorted(args, key=id))
    return (i.op, args, *((k, _frozen(v)) for k, v in i.attrs.items())) if i.attrs else (i.op, args)


def _frozen(v: Any) -> Any:
    """A hashable stand-in that tells 1 from 1.0 and True, and 0.0 from -0.0."""
    return (type(v), repr(v)) if isinstance(v, float | complex) else (type(v), v)
