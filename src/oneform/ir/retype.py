"""Types computed anew from the top: after copying code to where its operands have more precise types, or less precise ones."""

from __future__ import annotations

from collections.abc import Collection

from oneform.errors import OneformError
from oneform.ir.core import Block, Function, Instr, Op, Value
from oneform.ir.walk import Subst
from oneform.types import Type, assignable, join


def retyped(f: Function, skip: Collection[Op] = ()) -> Function:
    """The same function, each result with the type that its operation's rule gives now. `skip`: operations whose results are their first operands."""
    return Function(f.name, _Retyper(skip).block(f.block))


class _Retyper:
    def __init__(self, skip: Collection[Op]):
        self.skip = skip
        self.env: Subst = {}

    def value(self, v: Value) -> Value:
        return self.env.get(v, v)

    def block(self, block: Block) -> Block:
        body: list[Instr] = []
        for i in block.body:
            args = tuple(map(self.value, i.args))
            if i.op in self.skip:
                self.env.update(zip(i.outs, args, strict=False))
            else:
                body.append(self.instr(i, args))
        return Block(block.params, tuple(body), tuple(map(self.value, block.results)))

    def instr(self, i: Instr, args: tuple[Value, ...]) -> Instr:
        regions = self.regions(i, args)
        try:
            types = i.op.types(tuple(a.type for a in args), i.attrs, regions)
        except OneformError as e:
            raise e.at(i.loc) from None
        outs = tuple(o if o.type == t else Value(t) for o, t in zip(i.outs, types, strict=True))
        self.env.update(zip(i.outs, outs, strict=True))
        return Instr(i.op, args, i.attrs, regions, outs, i.loc)

    def regions(self, i: Instr, args: tuple[Value, ...]) -> tuple[Block, ...]:
        if i.op.structure not in ("for", "while"):
            return tuple(map(self.block, i.regions))
        skip = 1 if i.op.structure == "for" else 0
        carried = [_wide(a.type, p.type) for a, p in zip(args[skip:], i.regions[-1].params[skip:], strict=True)]
        while True:
            regions = tuple(self.region(r, skip, carried) for r in i.regions)
            wider = [_wide(y.type, t) for y, t in zip(regions[-1].results, carried, strict=True)]
            if wider == carried:
                return regions
            carried = wider

    def region(self, r: Block, skip: int, types: list[Type]) -> Block:
        """A loop's region whose carried parameters have these types."""
        params = tuple(p if p.type == t else Value(t) for p, t in zip(r.params[skip:], types, strict=True))
        self.env.update(zip(r.params[skip:], params, strict=True))
        inner = self.block(r)
        return Block((*r.params[:skip], *params), inner.body, inner.results)


def _wide(given: Type, declared: Type) -> Type:
    """The declared type, less precise where what is given would not fit it."""
    return declared if assignable(given, declared) else join(given, declared) or declared
