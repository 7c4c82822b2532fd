"""What the optimiser leaves of whole-array operations becomes array constructors, and what it leaves of complex arithmetic real arithmetic on the
parts, so that the emitter sees real scalars, and complex ones only as pairs that are moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from oneform.ir import Attrs, Block, Builder, Function, Instr, Subst, Value
from oneform.ops.pairs import split, splits
from oneform.types import Scalar


def legalise(f: Function) -> Function:
    """f with every operation in a form that has a code generator; f itself if it has that already."""
    block = _block(f.block, {})
    return f if block is f.block else Function(f.name, block)


def _expander(i: Instr) -> Callable[[Builder, tuple[Value, ...], Attrs], Any] | None:
    """What takes an instruction apart, if it has no code generator as it stands."""
    if splits(i):
        return lambda b, args, attrs: split(b, i.op, args, attrs)
    return i.op.expand if _needs(i) else None


def _needs(i: Instr) -> bool:
    if i.op.expand is None:
        return False
    return i.op.lower is None or (isinstance(i.op.lower, Mapping) and any(not isinstance(v.type, Scalar) for v in (*i.args, *i.outs)))


def _block(block: Block, env: Subst) -> Block:
    body: list[Instr] = []
    changed = False
    for i in block.body:
        args = tuple(env.get(a, a) for a in i.args)
        regions = tuple(_block(r, env) for r in i.regions)
        if (expander := _expander(i)) is not None:
            b = Builder(i.loc)
            made: Value | tuple[Value, ...] = expander(b, args, i.attrs)
            values = made if isinstance(made, tuple) else (made,)
            env.update(zip(i.outs, values, strict=True))
            inner: Subst = {}
            body.extend(_block(Block((), tuple(b.body), ()), inner).body)
            env.update((o, inner[v]) for o, v in zip(i.outs, values, strict=True) if v in inner)
            changed = True
        elif args != i.args or any(r is not old for r, old in zip(regions, i.regions, strict=True)):
            body.append(Instr(i.op, args, i.attrs, regions, i.outs, i.loc))
            changed = True
        else:
            body.append(i)
    results = tuple(env.get(r, r) for r in block.results)
    return Block(block.params, tuple(body), results) if changed or results != block.results else block
