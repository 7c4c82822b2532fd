"""Reverse mode of the array constructor: a parallel loop whose adjoint reads one element's cotangent and runs that element's region
forward and backward at once, where the elements it reads are still there; or only backward, where what is dear is kept (`kept.py`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from oneform.ir import Block, Builder, Instr, Value, clone_block, inline, reads
from oneform.ops import Term, apply, arithmetic, array, constant, for_, lengths_of, logic
from oneform.transforms.reverse.cells import load, query
from oneform.transforms.reverse.early import Early
from oneform.transforms.reverse.kept import Kept, keep
from oneform.transforms.reverse.sweep import Nodes, Sweep
from oneform.types import I64, Scalar, element


def build(sweep: Sweep, i: Instr, forward: Nodes, reverse: Nodes, early: Early | None) -> None:
    """Both sweeps of a `build`."""
    active = [k for k, o in enumerate(i.outs) if o in sweep.active]
    reduce: str = i.attrs["reduce"]
    if reduce == "add" and not i.attrs["shape"] and early is not None and all(isinstance(a.type, Scalar) or a not in sweep.usage.overwritten for a in reads(i)):
        cts = early.all([i.outs[k] for k in active], forward)
        if cts is not None:
            _fused(sweep, i, forward, dict(zip(active, cts, strict=True)))
            return
    (region,) = i.regions
    seed = partial(_winner, i, region, region.params) if _picks(i) else None
    kept = keep(sweep, i, active, seed)
    forward += [i] if kept is None else kept.forward
    nodes = _adjoint(sweep, i, active, kept)
    for k in active:
        sweep.ensure(reverse, i.outs[k])
    sweep.ensure_touched(reverse, nodes, i)
    reverse.extend(nodes)


def loops(b: Builder, lengths: Sequence[Value], inner: Callable[[Builder, list[Value]], None], loc: Instr, indices: tuple[Value, ...] = ()) -> None:
    """Nested loops that carry nothing; `inner` fills the innermost body."""
    if not lengths:
        inner(b, list(indices))
        return
    body = Builder(loc.loc)
    index = body.param(Scalar(I64))
    loops(body, lengths[1:], inner, loc, (*indices, index))
    b.body.append(Instr(for_, (lengths[0],), {"parallel": True}, (Block((index,), tuple(body.body), ()),), (), loc.loc))


def _adjoint(sweep: Sweep, i: Instr, active: Sequence[int], kept: Kept | None) -> Nodes:
    b = Builder(i.loc)
    lengths = lengths_of(b, i)
    rank = len(i.attrs["shape"])

    def per_element(body: Builder, index: list[Value]) -> None:
        cts = {k: _incoming(sweep, i, k, body, index) for k in active}
        if _picks(i):
            cts = {k: _shared(i, k, body, ct, index, kept) for k, ct in cts.items()}
        term = kept.term if kept is not None else partial(_term, sweep, i)
        loops(body, lengths[rank:], lambda inner, rest: term(inner, [*index, *rest], cts), i)

    loops(b, lengths[:rank], per_element, i)
    return b.body


def _incoming(sweep: Sweep, i: Instr, k: int, b: Builder, index: Sequence[Value]) -> Value:
    out = i.outs[k]
    if isinstance(out.type, Scalar):
        return load(b.body, sweep.cell(out), i.loc)
    return query(b.body, sweep.cell(out), array.get, index, Scalar(element(out.type)), i.loc)


def _term(sweep: Sweep, i: Instr, b: Builder, indices: Sequence[Value], cts: dict[int, Value]) -> None:
    """One term forward and backward: a copy of the region with the indices of this loop."""
    block = activated(sweep, i.regions[0], indices)
    if _picks(i):
        b.body.extend(sweep.host(block, {k: partial(_winner, i, block, indices, k, ct) for k, ct in cts.items()}, plain=False))
    else:
        b.body.extend(sweep.host(block, cts))


def _picks(i: Instr) -> bool:
    return i.attrs["reduce"] in ("max", "min")


def activated(sweep: Sweep, region: Block, indices: Sequence[Value]) -> Block:
    """A copy of a region on the given indices, its values as active as the originals; it has no parameters left."""
    env: dict[Value, Value] = dict(zip(region.params, indices, strict=True))
    copied = clone_block(Block((), region.body, region.results), env)
    sweep.copied(region.body, copied.body)
    return copied


def _winner(i: Instr, block: Block, indices: Sequence[Value], k: int, ct: Value, nodes: Nodes) -> Value:
    """ct where the term is the extremum, else 0."""
    b = Builder(i.loc)
    b.body = nodes
    wins = apply("eq", Term(b, block.results[k]), Term(b, _result(i, k, b, indices)))
    return apply("select", wins, Term(b, ct), 0.0).v


def _result(i: Instr, k: int, b: Builder, indices: Sequence[Value]) -> Value:
    rank = len(i.attrs["shape"])
    return b.emit1(array.get, i.outs[k], *indices[:rank]) if rank else i.outs[k]


def _shared(i: Instr, k: int, b: Builder, ct: Value, index: Sequence[Value], kept: Kept | None) -> Value:
    """ct divided by the number of terms that attain the extremum."""
    shape, extent = i.attrs["shape"], i.attrs["extent"]
    lengths = list(i.args)[sum(not isinstance(d, int) for d in shape) :]
    extremum = _result(i, k, b, index)

    def one(body: Builder, rest: Sequence[Value]) -> Value:
        indices = (*index, *rest)
        term = inline(i.regions[0], indices, body.body)[k] if kept is None else kept.result(body, indices, k)
        wins = apply("eq", Term(body, term), Term(body, extremum))
        return body.emit1(logic.convert, wins.v, dtype=element(ct.type))

    count = array.build(b, (), lengths, one, extent=extent, reduce="add")
    return (Term(b, ct) / Term(b, count)).v


def _fused(sweep: Sweep, i: Instr, forward: Nodes, seeds: dict[int, Value]) -> None:
    """A sum whose cotangent is known: each term is added and differentiated at once."""
    b = Builder(i.loc)
    lengths = lengths_of(b, i)
    region = i.regions[0]

    def level(outer: Builder, depth: int, sums: Sequence[Value], indices: tuple[Value, ...]) -> list[Value]:
        if depth == len(lengths):
            block = activated(sweep, region, indices)
            outer.body.extend(sweep.host(block, seeds))
            return [outer.emit1(arithmetic.add, s, r, reassoc=True) for s, r in zip(sums, block.results, strict=True)]
        body = Builder(i.loc)
        index = body.param(Scalar(I64))
        carried = [body.param(s.type) for s in sums]
        new = level(body, depth + 1, carried, (*indices, index))
        sweep.ensure_touched(outer.body, body.body, i)
        outs = i.outs if depth == 0 else tuple(Value(o.type) for o in i.outs)
        outer.body.append(Instr(for_, (lengths[depth], *sums), {}, (Block(tuple(body.params), tuple(body.body), tuple(new)),), tuple(outs), i.loc))
        return list(outs)

    level(b, 0, [constant(b, 0, element(o.type)) for o in i.outs], ())
    forward.extend(b.body)
