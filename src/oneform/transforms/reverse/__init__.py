"""Reverse mode: a direct transform of structured programs."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.errors import DerivativeError
from oneform.ir import Block, Builder, Function, Instr, Value, clone_block
from oneform.ops import constant
from oneform.transforms.lower import lower
from oneform.transforms.reverse.branch import branch
from oneform.transforms.reverse.build import build
from oneform.transforms.reverse.cells import Threader, load
from oneform.transforms.reverse.loop import loop
from oneform.transforms.reverse.sweep import Sweep
from oneform.transforms.reverse.tape import settle
from oneform.transforms.reverse.usage import Usage
from oneform.types import Scalar, differentiable

CONSTRUCTS = {"for": loop, "while": loop, "if": branch, "build": build}


def vjp(f: Function, wrt: Sequence[int], seeds: Sequence[int]) -> Function:
    """(x..., ct_y for y in seeds) -> (y..., ct_x for x in wrt)"""
    b = Builder()
    block = lower(f.block, Usage(f.block).overwritten)
    params = [b.param(p.type) for p in f.params]
    block = clone_block(Block((), block.body, block.results), dict(zip(block.params, params, strict=True)))
    cts = {k: b.param(f.results[k].type) for k in seeds}
    return _finish(f"{f.name}_vjp", b, block, params, wrt, cts)


def grad(f: Function, wrt: Sequence[int], result: int = 0) -> Function:
    """x... -> (y..., dy_result/dx for x in wrt), with a scalar float result."""
    t = f.results[result].type
    if not isinstance(t, Scalar) or not differentiable(t):
        raise DerivativeError("E203", f"a gradient needs a function that returns one float, not {t}")
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    one = constant(b, 1, t.dtype)
    block = lower(f.block, Usage(f.block).overwritten)
    block = clone_block(Block((), block.body, block.results), dict(zip(block.params, params, strict=True)))
    return _finish(f"{f.name}_grad", b, block, params, wrt, {result: one})


def _finish(name: str, b: Builder, block: Block, params: Sequence[Value], wrt: Sequence[int], cts: dict[int, Value]) -> Function:
    inputs = [params[k] for k in wrt]
    whole = Block(tuple(params), block.body, block.results)
    sweep = Sweep(whole, [p for p in inputs if differentiable(p.type)], [block.results[k] for k in cts], CONSTRUCTS)
    for p in inputs:
        if not differentiable(p.type):
            raise DerivativeError("E202", f"no derivative with respect to {p.type}")
        sweep.active.add(p)
        sweep.accounts.add(p)
    prologue = list(b.body)
    nodes: list[Instr] = sweep.host(whole, dict(cts))
    outs: list[Value] = []
    for p in inputs:
        sweep.ensure(nodes, p)
        outs.append(load(nodes, sweep.cell(p)))
    final = Builder()
    final.params = b.params
    final.body = prologue
    threader = Threader()
    threader.run(settle(nodes), final)
    return final.function(name, *whole.results, *map(threader.value, outs))
