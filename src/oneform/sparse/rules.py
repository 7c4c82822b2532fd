"""The two compiled programs behind a sparse Jacobian: the pattern, and the values of the nonzeros."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

from oneform import optimise, transforms
from oneform.derivatives import Args, Chosen, Grad, Kwargs, Lower, Rule, describe, finish, has_columns, pure, selection, split, split_aux
from oneform.errors import DerivativeError
from oneform.frontend.lowered import Lowered
from oneform.ir import Block, Builder, Function, Value, instructions
from oneform.ops import CUSTOM, array, integer, logic
from oneform.tree import LEAF, Leaf, Tree
from oneform.types import I32, I64, DType, differentiable, element, promote


def _sides(args: Args, rule: Rule, low: Lowered) -> tuple[Chosen, list[int]]:
    """What is differentiated by, and which leaves of the result are: numbers and arrays of real numbers."""
    picked = selection(args, rule.argnums)
    value, _ = split_aux(low, rule.has_aux)
    outs = [k for k in range(value.leaves) if differentiable(low.result_leaves[k].type)]
    if not outs:
        raise DerivativeError("E203", f"a Jacobian needs a function that returns floats, but this one returns {describe(low)}")
    if has_columns(picked.tree) or has_columns(value):
        raise DerivativeError("E202", "the Jacobian of or by a list of run-time length has no structure to stand in", repair="Use an array.")
    if any(element(leaf.type).kind == "c" for leaf in picked.leaves) or any(element(low.result_leaves[k].type).kind == "c" for k in outs):
        raise DerivativeError("E202", "a sparse Jacobian is one of real numbers", repair="Take real and imaginary parts as arguments and results of their own.")
    return picked, outs


def _only(low: Lowered, outs: Sequence[int]) -> Function:
    """The program for these results alone."""
    f = low.function
    return optimise.prepare(Function(f.name, dataclasses.replace(f.block, results=tuple(f.results[k] for k in outs))))


@dataclass(frozen=True)
class Auxiliary(Rule):
    """What the function returns beside its value."""

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        low = base(args, kwargs)
        value, aux = split_aux(low, True)
        f = pure(low)
        return finish(low, f, aux, low.result_leaves[value.leaves :], list(range(value.leaves, len(f.results))))


@dataclass(frozen=True)
class Pattern(Rule):
    """Where the Jacobian may be nonzero. (0, handles of each result, starts, children, number of inputs, flags) as `transforms.dependence` gives them;
    or, with `direct`, for loops with blocks, (1, rows, columns, iterations, sizes, layout, flags) as `transforms.blocks` does.

    Flags: for each parameter, whether the pattern depends on its values (1) or at most on its shape (0); then for each result whether its handle stands
    for all elements of an array whose length the inputs decide; then whether the Jacobian is symmetric: that of the gradient of the function (`gradient`),
    unless the program says what a derivative is.

    `wide`: the columns that loops with blocks name may take more than 32 bits."""

    direct: bool = True
    gradient: bool = False
    wide: bool = False

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        low = base(args, kwargs)
        symmetric = self.gradient and not any(i.op.structure in CUSTOM or i.op is logic.stop_gradient for i in instructions(low.function.block.body))
        if self.gradient:
            function = low
            low = Grad(self.argnums, self.has_aux).lower(lambda *_: function, args, kwargs)
        picked, outs = _sides(args, self, low)
        given, numbers = _only(low, outs), range(len(outs))
        found = transforms.blocks(given, picked.wrt, numbers) if self.direct else None
        if found is None:
            f, flags = transforms.dependence(given, picked.wrt, numbers)
        else:
            f, flags = found.structure(I64 if self.wide else I32), [False] * len(outs)
        f = optimise.prepare(f)
        read = _read(f)
        if any(f.params[k] in read for k in picked.wrt):
            raise DerivativeError("E201", "the pattern depends on the values that are differentiated")
        layout = [] if found is None else [found.layout()]
        f = _with_numbers(f, int(found is not None), [*layout, [int(p in read) for p in f.params] + [*map(int, flags), int(symmetric)]])
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


def _with_numbers(f: Function, kind: int, rows: Sequence[Sequence[int]]) -> Function:
    """With a number before the results, and arrays of known numbers behind."""
    b = Builder()
    b.body.extend(f.block.body)
    first = integer(b, kind)
    behind: list[Value] = []
    for numbers in rows:
        out = b.emit1(array.empty, dtype=I64, shape=(len(numbers),))
        for k, n in enumerate(numbers):
            out = b.emit1(array.set_, out, integer(b, n), integer(b, k))
        behind.append(out)
    return Function(f.name, Block(f.block.params, tuple(b.body), (first, *f.block.results, *behind)))


@dataclass(frozen=True)
class Nonzeros(Rule):
    """Called with the arguments in a tuple, then what `transforms.compressed` takes, or `transforms.stored`; returns the values. `lanes`: how many
    directions at once; if the program is not known for several, or not to write its results as `stored` needs it, lowering raises transforms.NoLanes."""

    forward: bool = True
    lanes: int = 1
    stored: bool = False

    def parameter(self, k: int) -> str:
        return "the arguments" if k == 0 else "the colours"

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        inner = split(args[0])
        low = base(inner, kwargs)
        picked, outs = _sides(inner, self, low)
        f, numbers = _only(low, outs), range(len(outs))
        directional = optimise.prepare(transforms.jvp(f, picked.wrt) if self.forward else transforms.vjp(f, picked.wrt, numbers))
        index = element(args[4][1][0].type)
        if self.stored:
            tangents = _tangents(f)
            f = transforms.stored(f, directional, picked.wrt, tangents, _common(low, outs), index, self.lanes)
            return _with_extra(low, f, len(args[0][1]), 5)
        f = transforms.compressed(f, directional, picked.wrt, numbers, _common(low, outs), index, forward=self.forward, lanes=self.lanes)
        return _with_extra(low, f, len(args[0][1]), 5)


def _tangents(f: Function) -> list[int]:
    """Where the tangents of the results, all of which have one, are among what the jvp returns."""
    return list(range(len(f.results), 2 * len(f.results)))


@dataclass(frozen=True)
class Direct(Rule):
    """Called with the arguments in a tuple, then starts and ranks, or places, and the number of nonzeros (see `Blocks.evaluation`); returns the values."""

    scattered: bool = False

    def parameter(self, k: int) -> str:
        return "the arguments" if k == 0 else "the places"

    def lower(self, base: Lower, args: Args, kwargs: Kwargs) -> Lowered:
        inner = split(args[0])
        low = base(inner, kwargs)
        picked, outs = _sides(inner, self, low)
        found = transforms.blocks(_only(low, outs), picked.wrt, range(len(outs)))
        assert found is not None
        index = element(args[1][1][0].type)
        return _with_extra(low, found.evaluation(_common(low, outs), index, scattered=self.scattered), len(args[0][1]), 2 if self.scattered else 3)


def _common(low: Lowered, outs: Sequence[int]) -> DType:
    """The dtype of the matrix."""
    dtypes = [element(low.result_leaves[k].type) for k in outs]
    return functools.reduce(promote, dtypes)


def _with_extra(low: Lowered, f: Function, n: int, extra: int) -> Lowered:
    """A function whose last parameters are passed behind the first n, which stand for the positional arguments."""
    first = len(f.params) - extra
    order = [*range(n), *range(first, first + extra), *range(n, first)]
    return finish(low, f, LEAF, [Leaf(f.results[0].type)], [0], order)


__all__ = ["Auxiliary", "Direct", "Nonzeros", "Pattern"]
