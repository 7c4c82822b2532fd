"""Whether custom rules are linear in their tangents: only then is their transpose the derivative.

An instruction is linear in a tangent if neither its partial derivative nor anything that steers it depends on a tangent. (A constant
added to a tangent goes unnoticed here; `check_grads` finds it, since the two modes then differ.)"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from oneform.errors import DerivativeError
from oneform.ir import Block, Builder, Instr, Value, free_values, instructions
from oneform.ops import Term, array
from oneform.transforms.activity import carries_derivative, custom_operands, differentiable_arguments, partial_attrs
from oneform.transforms.reverse.shadow import ATTACHES, PULL, SHADOWS


def require_linear(block: Block) -> None:
    """Raise E213 at the first instruction of a rule that is not linear in the tangents, which lead from `shadow` to `attach`."""
    sources = {o for i in instructions(block.body) if i.op in SHADOWS for o in i.outs}
    if sources:
        _Check(_Reach(block, sources)).block(block)


class _Reach:
    """What depends on the tangents: `values` in any way, `moving` differentiably."""

    def __init__(self, block: Block, sources: set[Value]):
        self.values, self.moving = set(sources), set(sources)
        before = (-1, -1)
        while (len(self.values), len(self.moving)) != before:
            before = len(self.values), len(self.moving)
            self.block(block)

    def any(self, values: Iterable[Value]) -> bool:
        return any(v in self.values for v in values)

    def add(self, outs: Iterable[Value], depend: bool, move: bool) -> None:
        for o in outs:
            if depend or move:
                self.values.add(o)
            if move and carries_derivative(o.type):
                self.moving.add(o)

    def block(self, block: Block) -> None:
        for i in block.body:
            self.instr(i)

    def instr(self, i: Instr) -> None:
        operands = custom_operands(i)
        if i.op in SHADOWS or i.op in ATTACHES:
            return  # a rule begins or ends
        if i.op is PULL:
            self.add(i.outs, self.any(i.args), any(i.args[k] in self.moving for k in i.attrs["wrt"]))
            return
        if operands is not None:
            self.add(i.outs, self.any((*i.args, *free_values(i.regions[0]))), any(v in self.moving for v in operands))
        elif i.op.structure in ("for", "while"):
            self.loop(i)
        elif i.regions:
            for r in i.regions:
                self.block(r)
            for k, o in enumerate(i.outs):
                results = [r.results[k] for r in i.regions]
                self.add((o,), self.any((*i.args, *results)), any(v in self.moving for v in results))
        elif i.op is not array.dim_:
            flags = differentiable_arguments(i)
            self.add(i.outs, self.any(i.args), any(a in self.moving for a, f in zip(i.args, flags, strict=True) if f))

    def loop(self, i: Instr) -> None:
        skip, body = (1 if i.op.structure == "for" else 0), i.regions[-1]
        for k, o in enumerate(i.outs):
            params = [r.params[k + skip] for r in i.regions]
            linked = (i.args[k + skip], body.results[k], *params)
            self.add((o, *params), self.any(linked), any(v in self.moving for v in linked))
        for r in i.regions:
            self.block(r)


class _Check:
    def __init__(self, reach: _Reach):
        self.reach = reach

    def refuse(self, i: Instr, why: str) -> NoReturn:
        detail = f"the rule is not linear in the tangents: {why}"
        raise DerivativeError("E213", detail, i.loc, "A tangent may be added, subtracted, indexed, and multiplied by what does not depend on tangents.")

    def block(self, block: Block) -> None:
        for i in block.body:
            self.instr(i)
            if custom_operands(i) is None and i.op is not PULL:
                for r in i.regions:
                    self.block(r)

    def instr(self, i: Instr) -> None:
        structure, reach = i.op.structure, self.reach
        if i.op in ATTACHES:
            self.sink(i)
        elif structure in ("for", "if") and i.args[0] in reach.values or structure == "while" and i.regions[0].results[0] in reach.values:
            self.refuse(i, "a branch or loop is steered by one")
        elif structure == "build" and i.attrs["reduce"] in ("mul", "max", "min") and reach.any(i.regions[0].results):
            self.refuse(i, f"the {i.attrs['reduce']} of some is taken")
        elif i.op is PULL and reach.any(free_values(i.regions[0])):
            self.refuse(i, "the reverse sweep of a function applied to one depends on it")
        elif not i.regions and i.op not in SHADOWS and reach.any(i.args):
            self.plain(i)

    def sink(self, i: Instr) -> None:
        result, tangent = i.args
        if result in self.reach.values:
            self.refuse(i, "the result depends on one")
        if tangent in self.reach.values and tangent not in self.reach.moving:
            self.refuse(i, "the result's tangent depends on one through an operation without derivative")

    def plain(self, i: Instr) -> None:
        reach = self.reach
        if i.op.raises:
            self.refuse(i, "whether it fails depends on one")
        if not any(o in reach.moving for o in i.outs):
            return
        if any(a in reach.values and a not in reach.moving for a in i.args):
            self.refuse(i, f"an operand of {i.op.name} depends on one through an operation without derivative")
        if i.op.partials is None:
            return
        b = Builder()
        given: tuple[Any, ...] = i.op.partials(*(Term(b, v) for v in (*i.args, *i.outs)), **partial_attrs(i))
        makers = {o: n for n in b.body for o in n.outs}
        for a, p in zip(i.args, given, strict=True):
            if a in reach.moving and reach.any(_read(p, makers)):
                self.refuse(i, f"the result of {i.op.name} is no multiple of one")


def _read(partial: Any, makers: dict[Value, Instr]) -> set[Value]:
    """The values of the program that a partial derivative is computed from."""
    pending = [t.v for t in (partial if isinstance(partial, tuple) else (partial,)) if isinstance(t, Term)]
    found: set[Value] = set()
    while pending:
        v = pending.pop()
        if v in makers:
            pending.extend(makers[v].args)
        else:
            found.add(v)
    return found

