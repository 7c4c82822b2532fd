"""Reverse mode: a direct transform of structured programs."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.errors import DerivativeError
from oneform.ir import Block, Builder, Function, Instr, Value, clone_block, instructions, retyped
from oneform.ops import constant
from oneform.transforms.lower import lower
from oneform.transforms.reverse.branch import branch
from oneform.transforms.reverse.build import build
from oneform.transforms.reverse.cells import Threader, load
from oneform.transforms.reverse.expand import expand_rules
from oneform.transforms.reverse.loop import loop
from oneform.transforms.reverse.pull import pull
from oneform.transforms.reverse.recursion import recur, recursive
from oneform.transforms.reverse.shadow import MARKS
from oneform.transforms.reverse.sweep import Sweep
from oneform.transforms.reverse.tape import settle
from oneform.transforms.reverse.usage import Usage
from oneform.types import Scalar, differentiable

CONSTRUCTS = {"for": loop, "while": loop, "if": branch, "build": build, "recursive": recursive, "recur": recur, "pull": pull}


def vjp(f: Function, wrt: Sequence[int], seeds: Sequence[int], *, apart: bool = False) -> Function:
    """(x..., ct_y for y in seeds) -> (y..., ct_x for x in wrt). `apart`: no cotangent takes part in the forward sweep."""
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    block = _ready(f, params, wrt, seeds)
    cts = {k: b.param(f.results[k].type) for k in seeds}
    return _finish(f"{f.name}_vjp", b, block, params, wrt, cts, apart)


def grad(f: Function, wrt: Sequence[int], result: int = 0) -> Function:
    """x... -> (y..., dy_result/dx for x in wrt), with a scalar float result."""
    t = f.results[result].type
    if not isinstance(t, Scalar) or t.dtype.kind != "f":
        raise DerivativeError("E203", f"a gradient needs a function that returns one float, not {t}")
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    one = constant(b, 1, t.dtype)
    block = _ready(f, params, wrt, [result])
    return _finish(f"{f.name}_grad", b, block, params, wrt, {result: one})


def _ready(f: Function, params: Sequence[Value], wrt: Sequence[int], outputs: Sequence[int]) -> Block:
    """A copy of the function's block on these parameters, in the form that the sweeps take."""
    block = expand_rules(f.block, [f.params[k] for k in wrt], outputs)
    block = lower(block, Usage(block).overwritten)
    return clone_block(Block((), block.body, block.results), dict(zip(block.params, params, strict=True)))


def _finish(name: str, b: Builder, block: Block, params: Sequence[Value], wrt: Sequence[int], cts: dict[int, Value], apart: bool = False) -> Function:
    inputs = [params[k] for k in wrt]
    whole = Block(tuple(params), block.body, block.results)
    sweep = Sweep(whole, [p for p in inputs if differentiable(p.type)], [block.results[k] for k in cts], CONSTRUCTS)
    for p in inputs:
        if not differentiable(p.type):
            raise DerivativeError("E202", f"no derivative with respect to {p.type}")
        sweep.active.add(p)
        sweep.accounts.add(p)
    prologue = list(b.body)
    nodes: list[Instr] = sweep.host(whole, dict(cts), plain=not apart)
    outs: list[Value] = []
    for p in inputs:
        sweep.ensure(nodes, p)
        outs.append(load(nodes, sweep.cell(p)))
    final = Builder()
    final.params = b.params
    final.body = prologue
    threader = Threader()
    threader.run(settle(nodes), final)
    found = final.function(name, *whole.results, *map(threader.value, outs))
    return retyped(found, MARKS) if any(i.op in MARKS for i in instructions(found.block.body)) else found
