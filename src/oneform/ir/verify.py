"""What every program satisfies: single definition, definition before use, types as the operations' rules give them."""

from __future__ import annotations

from oneform.errors import InternalError, OneformError
from oneform.ir.core import Block, Function, Instr, Value
from oneform.ir.text import show


def verify(f: Function) -> Function:
    """`f` itself, or an InternalError that shows the program with a mark at the offending instruction."""
    _Verifier(f).block(f.block, set(), None)
    return f


class _Verifier:
    def __init__(self, f: Function):
        self.f = f
        self.defined: set[Value] = set()  # anywhere so far, in scope or not
        self.functions: list[str] = []  # recursive regions around

    def fail(self, detail: str, at: Instr | None) -> InternalError:
        try:
            text = show(self.f, mark=at)
        except InternalError as e:
            text = f"(the program cannot be shown: {e})"
        return InternalError(f"{detail}, in {self.f.name}\n{text}")

    def define(self, values: tuple[Value, ...], scope: set[Value], at: Instr | None) -> None:
        for v in values:
            if v in self.defined:
                raise self.fail("a value is defined twice", at)
            self.defined.add(v)
            scope.add(v)

    def read(self, values: tuple[Value, ...], scope: set[Value], what: str, at: Instr | None) -> None:
        for k, v in enumerate(values):
            if v not in scope:
                fault = "is used outside its scope or before its definition" if v in self.defined else "is never defined"
                raise self.fail(f"{what} {k}, a {v.type}, {fault}", at)

    def block(self, block: Block, outer: set[Value], owner: Instr | None) -> None:
        scope = set(outer)
        self.define(block.params, scope, owner)
        for i in block.body:
            self.instr(i, scope)
        self.read(block.results, scope, "result", block.body[-1] if block.body else owner)

    def instr(self, i: Instr, scope: set[Value]) -> None:
        self.read(i.args, scope, "operand", i)
        if i.op.structure == "recur" and i.attrs["name"] not in self.functions:
            raise self.fail(f"a call of {i.attrs['name']} outside of it", i)
        if i.op.structure == "recursive":
            self.functions.append(i.attrs["name"])
        for r in i.regions:
            self.block(r, scope, i)
        if i.op.structure == "recursive":
            self.functions.pop()
        try:
            types = i.op.types(tuple(a.type for a in i.args), i.attrs, i.regions)
        except OneformError as e:
            raise self.fail(f"{i.op.name} is ill-typed: {e.detail}", i) from e
        except (KeyError, ValueError, AssertionError) as e:
            raise self.fail(f"{i.op.name} is malformed: {type(e).__name__} {e}", i) from e
        if types != tuple(o.type for o in i.outs):
            raise self.fail(f"{i.op.name} gives ({', '.join(map(str, types))}), not ({', '.join(str(o.type) for o in i.outs)})", i)
        self.define(i.outs, scope, i)
