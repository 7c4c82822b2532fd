"""Loops of adjoints that would add nothing but zeros are not run.

The cotangent of a minimum, a maximum or a choice is zero for all operands but one. Where a whole loop only adds multiples of such a
factor, it stands under the question whether the factor is zero. Nobody differentiates the program any more: a factor that happens
to be zero may have a tangent."""

from __future__ import annotations

from oneform.ir import Block, Builder, Function, Instr, Value, instructions
from oneform.ops import OPS, if_, literal
from oneform.types import BOOL, Scalar

_WORTH = 16  # instructions of the loop that pay for the question


def skip(f: Function) -> Function:
    """f with such loops under their questions."""
    makers = {o: i for i in instructions(f.block.body) for o in i.outs}
    block = _Skip(makers).block(f.block)
    return f if block is f.block else Function(f.name, block)


class _Skip:
    def __init__(self, makers: dict[Value, Instr]):
        self.makers = makers
        self.switches: dict[Value, bool] = {}
        self.known: dict[tuple[Value, Value | None], bool] = {}  # (v, factor): v is a multiple of it; (v, None): v is often zero

    def block(self, block: Block) -> Block:
        body = [j for i in block.body for j in self.instr(i)]
        if len(body) == len(block.body) and all(a is b for a, b in zip(body, block.body, strict=True)):
            return block
        return Block(block.params, tuple(body), block.results)

    def instr(self, i: Instr) -> list[Instr]:
        regions = tuple(self.block(r) for r in i.regions)
        if any(a is not b for a, b in zip(regions, i.regions, strict=True)):
            i = Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)
        elif (factor := self.factor(i)) is not None:
            return self.asked(i, factor)
        return [i]

    def asked(self, i: Instr, factor: Value) -> list[Instr]:
        b = Builder(i.loc)
        zero = b.emit1(OPS["const"], value=0.0, dtype=factor.type.dtype) if isinstance(factor.type, Scalar) else factor
        some = b.emit1(OPS["ne"], factor, zero)
        inner = Instr(i.op, i.args, i.attrs, i.regions, tuple(Value(o.type) for o in i.outs), i.loc)
        sides = Block((), (inner,), inner.outs), Block((), (), i.args[1:])
        return [*b.body, Instr(if_, (some,), {}, sides, i.outs, i.loc)]

    def factor(self, i: Instr) -> Value | None:
        """The factor of everything that loop i adds, if it is often zero."""
        if i.op.structure != "for" or sum(1 for _ in instructions(i.regions[0].body)) * self.trips(i) < _WORTH or not i.outs:
            return None
        if any(j.op.raises and j.attrs.get("checked", True) for j in instructions(i.regions[0].body)):
            return None
        inside = {o for j in instructions(i.regions[0].body) for o in j.outs}
        for v in dict.fromkeys(v for j in instructions(i.regions[0].body) for v in j.args if v not in inside):
            if self.often_zero(v) and self.adds(i, v):
                return v
        return None

    def trips(self, i: Instr) -> int:
        maker = self.makers.get(i.args[0])
        known = None if maker is None else literal(maker)
        return _WORTH if known is None else int(known)

    def often_zero(self, v: Value) -> bool:
        """Whether v is a product with a switch."""
        if (v, None) not in self.known:
            i = self.makers.get(v)
            product = i is not None and bool(i.attrs.get("reassoc")) and i.op.name in ("mul", "neg")
            self.known[v, None] = product and any(self.switch(a) or self.often_zero(a) for a in self.makers[v].args)
        return self.known[v, None]

    def switch(self, v: Value) -> bool:
        """What is 0 or 1, mostly: a choice between constants or truth values, or 1 less that."""
        if v not in self.switches:
            self.switches[v] = self.switch_of(v)
        return self.switches[v]

    def switch_of(self, v: Value) -> bool:
        i = self.makers.get(v)
        if i is None:
            return False
        if i.op.name == "select":
            return all(self.switch(a) or self.constant(a) for a in i.args[1:])
        if i.op.name == "sub":
            return self.constant(i.args[0]) and self.switch(i.args[1])
        return i.op.name == "convert" and i.args[0].type == Scalar(BOOL)

    def constant(self, v: Value) -> bool:
        i = self.makers.get(v)
        return i is not None and literal(i) is not None

    def adds(self, i: Instr, factor: Value) -> bool:
        """Whether the loop hands on what it carries if `factor` is zero."""
        region = i.regions[0]
        return all(self.same(r, p, factor) for r, p in zip(region.results, region.params[1:], strict=True))

    def same(self, v: Value, start: Value, factor: Value) -> bool:
        """Whether v is `start` if `factor` is zero."""
        if v is start:
            return True
        i = self.makers.get(v)
        if i is None:
            return False
        if i.op.structure == "for":
            return self.same(i.args[1 + i.outs.index(v)], start, factor) and self.adds(i, factor)
        return i.op.name in ("add_at", "add", "sub") and self.zero(i.args[1], factor) and self.same(i.args[0], start, factor)

    def zero(self, v: Value, factor: Value) -> bool:
        """Whether v is a multiple of `factor`, by arithmetic of a derivative."""
        if v is factor:
            return True
        if (v, factor) not in self.known:
            i = self.makers.get(v)
            linear = i is not None and i.op.name in ("mul", "neg", "div", "add", "sub") and bool(i.attrs.get("reassoc"))
            found = [self.zero(a, factor) for a in (i.args[:1] if i.op.name == "div" else i.args)] if i is not None and linear else [False]
            self.known[v, factor] = any(found) if i is not None and i.op.name == "mul" else all(found)
        return self.known[v, factor]
