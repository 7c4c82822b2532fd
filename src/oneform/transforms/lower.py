"""Before differentiation: array constructors that cannot be differentiated as they are become loops.

That concerns products (their derivative needs the partial products) and, in reverse, constructors that read arrays which are
overwritten later. Extrema of dear terms are taken of an array of these."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oneform.ir import DEAR, Block, Builder, Instr, Value, clone_block, instructions, reads
from oneform.ops import arithmetic, array, build, constant, for_, lengths_of, logic
from oneform.types import I64, Scalar, element


def lower_products(block: Block) -> Block:
    """The same block, with products as loops."""
    return lower(block, set())


def lower(block: Block, overwritten: set[Value]) -> Block:
    """The same block, with products and constructors that read `overwritten` arrays as loops."""
    b = Builder()
    for i in block.body:
        regions = tuple(lower(r, overwritten) for r in i.regions)
        new = Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)
        if i.op.structure == "build" and (i.attrs["reduce"] == "mul" or any(a in overwritten for a in reads(i))):
            as_loops(b, new)
        elif new.attrs.get("reduce") in ("max", "min") and any(m.op.cost >= DEAR for m in instructions(regions[0].body)):
            _terms_apart(b, new)
        else:
            b.body.append(new)
    return Block(block.params, tuple(b.body), block.results)


def _terms_apart(b: Builder, i: Instr) -> None:
    """An extremum over an array of its terms. Its derivative asks which terms equal it, and a term that is computed once more may differ in the last
    place: a function on vectors is not the one on numbers, a sum may be taken in another order."""
    b.loc = i.loc
    (region,) = i.regions
    whole = {**i.attrs, "shape": (*i.attrs["shape"], *i.attrs["extent"]), "extent": (), "reduce": ""}
    terms = b.emit(build, *i.args, regions=(region,), **whole)
    body = b.sub()
    index = [body.param(p.type) for p in region.params]
    block = body.block(*(body.emit1(array.get, t, *index) for t in terms))
    b.body.append(Instr(i.op, i.args, i.attrs, (block,), i.outs, i.loc))


Step = Callable[[Builder, tuple[Value, ...], list[Value]], list[Value]]

_COMBINE = {"add": arithmetic.add, "mul": arithmetic.mul, "max": logic.maximum, "min": logic.minimum}


def as_loops(b: Builder, i: Instr) -> None:
    """Write element by element; reduce by a carried value that starts from the operation's neutral element."""
    b.loc = i.loc
    lengths = lengths_of(b, i)
    shape, reduce = i.attrs["shape"], i.attrs["reduce"]
    rank, open_shape = len(shape), sum(not isinstance(d, int) for d in shape)

    def value(inner: Builder, indices: tuple[Value, ...]) -> list[Value]:
        env: dict[Value, Value] = dict(zip(i.regions[0].params, indices, strict=True))
        copied = clone_block(Block((), i.regions[0].body, i.regions[0].results), env)
        inner.body.extend(copied.body)
        return list(copied.results)

    def reduced(inner: Builder, indices: tuple[Value, ...]) -> list[Value]:
        starts = [neutral(inner, reduce, r) for r in i.regions[0].results]
        return _nest(
            inner,
            lengths[rank:],
            starts,
            lambda body, rest, sums: [body.emit1(_COMBINE[reduce], s, v) for s, v in zip(sums, value(body, (*indices, *rest)), strict=True)],
        )

    element_of = reduced if reduce else value
    if not shape:
        _rename(b, element_of(b, ()), i.outs)
        return
    starts = [b.emit1(array.empty, *i.args[:open_shape], dtype=element(o.type), shape=shape) for o in i.outs]
    _rename(
        b,
        _nest(
            b,
            lengths[:rank],
            starts,
            lambda body, index, arrays: [body.emit1(array.set_, a, v, *index) for a, v in zip(arrays, element_of(body, index), strict=True)],
        ),
        i.outs,
    )


def neutral(b: Builder, reduce: str, like: Value) -> Value:
    """What a reduction starts from."""
    dtype = element(like.type)
    if reduce in ("add", "mul"):
        return constant(b, 0 if reduce == "add" else 1, dtype)
    lowest, highest = (-float("inf"), float("inf")) if dtype.kind == "f" else (-(2 ** (dtype.bits - 1)), 2 ** (dtype.bits - 1) - 1)
    return constant(b, lowest if reduce == "max" else highest, dtype)


def _nest(b: Builder, lengths: Sequence[Value], carried: list[Value], step: Step, indices: tuple[Value, ...] = ()) -> list[Value]:
    """Loops over all indices that carry values through `step(builder, indices, carried)`."""
    if not lengths:
        return step(b, indices, carried)
    body = b.sub()
    index = body.param(Scalar(I64))
    params = [body.param(c.type) for c in carried]
    new = _nest(body, lengths[1:], params, step, (*indices, index))
    return list(b.emit(for_, lengths[0], *carried, regions=(body.block(*new),)))


def _rename(b: Builder, values: Sequence[Value], outs: Sequence[Value]) -> None:
    """Let the last instruction define `outs` instead of `values`."""
    last = b.body.pop()
    assert tuple(values) == last.outs
    b.body.append(Instr(last.op, last.args, last.attrs, last.regions, tuple(outs), last.loc))
