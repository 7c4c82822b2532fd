"""What every program satisfies: single definition, definition before use, types as the operations' rules give them."""

from __future__ import annotations

from oneform.errors import InternalError, OneformError
from oneform.ir.core import Block, Function, Instr, Value
from oneform.ir.text import show


def verify(f: Function, typed: set[Instr] | None = None) -> Function:
    """`f` itself, or an InternalError that shows the program with a mark at the offending instruction. `typed`: instructions that are known to be
    well-typed, to which those of `f` are added: what a pass leaves alone need not be typed again after it."""
    _Verifier(f, set() if typed is None else typed).block(f.block, None)
    return f


class _Verifier:
    def __init__(self, f: Function, typed: set[Instr]):
        self.f = f
        self.typed = typed
        self.defined: set[Value] = set()  # anywhere so far
        self.left: set[Value] = set()  # in blocks that have ended
        self.functions: list[str] = []  # recursive regions around

    def fail(self, detail: str, at: Instr | None) -> InternalError:
        try:
            text = show(self.f, mark=at)
        except InternalError as e:
            text = f"(the program cannot be shown: {e})"
        return InternalError(f"{detail}, in {self.f.name}\n{text}")

    def define(self, values: tuple[Value, ...], at: Instr | None) -> None:
        if not self.defined.isdisjoint(values) or len(set(values)) != len(values):
            raise self.fail("a value is defined twice", at)
        self.defined.update(values)

    def read(self, values: tuple[Value, ...], what: str, at: Instr | None) -> None:
        for k, v in enumerate(values):
            if v in self.left:
                raise self.fail(f"{what} {k}, a {v.type}, is used outside its scope or before its definition", at)
            if v not in self.defined:
                raise self.fail(f"{what} {k}, a {v.type}, is never defined", at)

    def block(self, block: Block, owner: Instr | None) -> None:
        self.define(block.params, owner)
        for i in block.body:
            self.instr(i)
        self.read(block.results, "result", block.body[-1] if block.body else owner)
        self.left.update(block.params)
        for i in block.body:
            self.left.update(i.outs)

    def instr(self, i: Instr) -> None:
        self.read(i.args, "operand", i)
        if i.op.structure == "recur" and i.attrs["name"] not in self.functions:
            raise self.fail(f"a call of {i.attrs['name']} outside of it", i)
        if i.op.structure == "recursive":
            self.functions.append(i.attrs["name"])
        for r in i.regions:
            self.block(r, i)
        if i.op.structure == "recursive":
            self.functions.pop()
        if i not in self.typed:
            self.type(i)
            self.typed.add(i)
        self.define(i.outs, i)

    def type(self, i: Instr) -> None:
        try:
            types = i.op.types(tuple(a.type for a in i.args), i.attrs, i.regions)
        except OneformError as e:
            raise self.fail(f"{i.op.name} is ill-typed: {e.detail}", i) from e
        except (KeyError, ValueError, AssertionError) as e:
            raise self.fail(f"{i.op.name} is malformed: {type(e).__name__} {e}", i) from e
        if types != tuple(o.type for o in i.outs):
            raise self.fail(f"{i.op.name} gives ({', '.join(map(str, types))}), not ({', '.join(str(o.type) for o in i.outs)})", i)
