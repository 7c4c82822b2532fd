"""Reverse mode in two functions: the forward sweep, which also returns what it saves, and the reverse sweep, to be run later and as often as one likes."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Block, Function, Instr, Value, clone_block, free_values, reads
from oneform.transforms.reverse import vjp
from oneform.types import Array, Scalar


def vjp_apart(f: Function, wrt: Sequence[int], seeds: Sequence[int]) -> tuple[Function, Function]:
    """x... -> (y..., saved...), and (saved..., ct_y for y in seeds) -> (ct_x for x in wrt). Everything that a cotangent does not reach
    belongs to the first, save what is cheap or memory of the second's own."""
    g = vjp(f, wrt, seeds, apart=True)
    count = len(f.params)
    late = _reached(g.block.body, set(g.params[count:]))
    outs, cts = g.results[: len(f.results)], g.results[len(f.results) :]
    late |= _sunk(g.block.body, late, set(outs), set(cts))
    second = Block(g.params[count:], tuple(i for i in g.block.body if i in late or _constant(i)), cts)
    saved = tuple(free_values(second))
    if not all(isinstance(v.type, Scalar | Array) for v in saved):  # a tape that cannot be handed on: everything is run again
        first, second = Block(f.params, f.block.body, (*f.results, *f.params)), Block(g.params, g.block.body, cts)
        return _function(f.name, first), _function(g.name, second)
    first = Block(g.params[:count], tuple(i for i in g.block.body if i not in late), (*outs, *saved))
    return _function(f"{f.name}_fwd", first), _function(g.name, Block((*saved, *second.params), second.body, second.results))


def _function(name: str, block: Block) -> Function:
    """The block with values of its own."""
    return Function(name, clone_block(block, {}))


def _constant(i: Instr) -> bool:
    return not i.args and not i.regions and i.op.cost == 0


def _reached(body: Sequence[Instr], sources: set[Value]) -> set[Instr]:
    """The instructions that depend on the sources."""
    found: set[Instr] = set()
    for i in body:
        if any(v in sources for v in reads(i)):
            found.add(i)
            sources.update(i.outs)
    return found


def _sunk(body: Sequence[Instr], late: set[Instr], outs: set[Value], cts: set[Value]) -> set[Instr]:
    """Allocations, and what costs nothing, that only the second function reads: it makes its own, so that it can be run again."""
    early = {v for i in body if i not in late for v in reads(i)} | outs
    late_reads = {v for i in late for v in reads(i)} | cts
    found: set[Instr] = set()
    for i in reversed(body):
        if i in late or i.regions or i.op.raises or not all(isinstance(a.type, Scalar) for a in i.args):
            continue
        cheap = i.op.cost == 0 or all(isinstance(o.type, Array) for o in i.outs)
        if cheap and any(o in late_reads for o in i.outs) and not any(o in early for o in i.outs):
            found.add(i)
            late_reads.update(i.args)
    return found
