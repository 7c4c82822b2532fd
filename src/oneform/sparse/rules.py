"""The two compiled programs behind a sparse Jacobian: the pattern, and the values of the nonzeros."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneform import optimise, transforms
from oneform.derivatives import Args, Chosen, Kwargs, Lower, Rule, describe, finish, has_columns, pure, selection, split
from oneform.errors import DerivativeError
from oneform.frontend.lowered import Lowered
from oneform.ir import Block, Builder, Function, Value, instructions
from oneform.ops import array, integer
from oneform.tree import LEAF, Leaf, Tree
from oneform.types import I64, differentiable, element, promote


def _sides(args: Args, argnums: int | tuple[int, ...], low: Lowered) -> tuple[Chosen, list[int]]:
    """What is differentiated by, and which leaves of the result are: numbers and arrays of real numbers."""
    picked = selection(args, argnums)
    outs = [k for k, leaf in enumerate(low.result_leaves) if differentiable(leaf.type)]
    if not outs:
        raise DerivativeError("E203", f"a Jacobian needs a function that returns floats, but this one returns {describe(low)}")
    if has_columns(picked.tree) or has_columns(low.result):
        raise DerivativeError("E202", "the Jacobian of or by a list of run-time length has no structure to stand in", repair="Use an array.")
    if any(element(leaf.type).kind == "c" for leaf in picked.leaves) or any(element(low.result_leaves[k].type).kind == "c" for k in outs):
        raise DerivativeError("E202", "a sparse Jacobian is one of real numbers", repair="Take real and imaginary parts as arguments and results of their own.")
    return picked, outs


@dataclass(frozen=True)
class Pattern(Rule):
    """(handles of each result, starts, children, number of inputs, flags). Flags: for each parameter, whether the pattern depends on its values (1) or
    at most on its shape (0); then for each result, whether its handle stands for all elements of an array whose length the inputs decide."""

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        low = base(args, kwargs)
        picked, outs = _sides(args, self.argnums, low)
        f, opened = transforms.dependence(pure(low), picked.wrt, outs)
        f = optimise.prepare(f)
        read = _read(f)
        if any(f.params[k] in read for k in picked.wrt):
            raise DerivativeError("E201", "the pattern depends on the values that are differentiated")
        f = _with_flags(f, [p in read for p in f.params] + opened)
        leaves = [Leaf(r.type) for r in f.results]
        return finish(low, f, Tree("tuple", (LEAF,) * len(leaves)), leaves, list(range(len(leaves))))


def _read(f: Function) -> set[Value]:
    """The values that are used, other than for their lengths."""
    found = set(f.results)
    for i in instructions(f.block.body):
        if i.op is not array.dim_:
            found.update(i.args)
        for r in i.regions:
            found.update(r.results)
    return found


def _with_flags(f: Function, flags: Sequence[bool]) -> Function:
    b = Builder()
    b.body.extend(f.block.body)
    out = b.emit1(array.empty, dtype=I64, shape=(len(flags),))
    for k, flag in enumerate(flags):
        out = b.emit1(array.set_, out, integer(b, int(flag)), integer(b, k))
    return Function(f.name, Block(f.block.params, tuple(b.body), (*f.block.results, out)))


@dataclass(frozen=True)
class Nonzeros(Rule):
    """Called with the arguments in a tuple, then what `transforms.compressed` takes; returns the values."""

    forward: bool = True

    def parameter(self, k: int) -> str:
        return "the arguments" if k == 0 else "the colours"

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        inner = split(args[0])
        low = base(inner, kwargs)
        picked, outs = _sides(inner, self.argnums, low)
        dtype = element(low.result_leaves[outs[0]].type)
        for k in outs:
            dtype = promote(dtype, element(low.result_leaves[k].type))
        f = transforms.compressed(pure(low), picked.wrt, outs, dtype, forward=self.forward)
        n, first = len(args[0][1]), len(f.params) - 5
        order = [*range(n), *range(first, first + 5), *range(n, first)]
        return finish(low, f, LEAF, [Leaf(f.results[0].type)], [0], order)


__all__ = ["Nonzeros", "Pattern"]
