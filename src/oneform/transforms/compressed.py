"""The nonzeros of a sparse Jacobian: one directional derivative for each colour of columns, or one pullback for each colour of rows, in a loop."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Builder, Function, Value, inline
from oneform.ops import OPS, Term, array, dims, for_, integer, logic, open_operands
from oneform.transforms.jvp import jvp
from oneform.transforms.reverse import vjp
from oneform.transforms.sparsity.store import position
from oneform.types import ANY, I64, Array, DType, Scalar, differentiable, element, shape_of

INDEX = Array(I64, ("nonzeros",))
COLOURS, STARTS = Array(I64, ("seeds",)), Array(I64, ("parts",))


def compressed(f: Function, wrt: Sequence[int], outs: Sequence[int], dtype: DType, *, forward: bool) -> Function:
    """(x..., colours, count, starts, where, place) -> the values of the nonzeros.

    colours[k] is the colour of column k (forward) or row k. The nonzeros found with colour c in argument or result j of the n that move are
    p = starts[c*n + j] to starts[c*n + j + 1]: where[p] is the element of it, and place[p] the index among all nonzeros."""
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    colours, count, starts, where, place = (b.param(t) for t in (COLOURS, Scalar(I64), STARTS, INDEX, INDEX))
    nonzeros = b.emit1(array.get, starts, (Term(b, count) * (len(outs) if forward else len(wrt))).v)
    data = b.emit1(array.empty, nonzeros, dtype=dtype, shape=(ANY,))
    seeded = [params[k] for k in wrt] if forward else _picked(inline(f.block, params, b.body), outs)
    directional = jvp(f, wrt) if forward else vjp(f, wrt, outs)
    first = len(f.results)
    with_tangent = [k for k, r in enumerate(f.results) if differentiable(r.type)]
    picks = [first + with_tangent.index(o) for o in outs] if forward else list(range(first, first + len(wrt)))
    body = b.sub()
    c, carried = body.param(Scalar(I64)), body.param(data.type)
    seeds: list[Value] = []
    offset: Value = integer(body, 0)
    for v in seeded:
        seed, offset = _seed(body, v, colours, c, offset)
        seeds.append(seed)
    found = inline(directional.block, [*params, *seeds], body.body)
    moved = [found[k] for k in picks]
    for j, v in enumerate(moved):
        part = (Term(body, c) * len(moved) + j).v
        carried = _gather(body, carried, v, part, starts, where, place, dtype)
    (data,) = b.emit(for_, count, data, regions=(body.block(carried),))
    return b.function(f"{f.name}_compressed", data)


def _picked(values: Sequence[Value], numbers: Sequence[int]) -> list[Value]:
    return [values[k] for k in numbers]


def _seed(b: Builder, v: Value, colours: Value, c: Value, offset: Value) -> tuple[Value, Value]:
    """1 where the colour is c; and the offset of what comes next."""
    dtype = element(v.type)

    def one(body: Builder, at: Value) -> Value:
        same = Term(body, body.emit1(array.get, colours, at)).apply("eq", Term(body, c))
        return body.emit1(logic.convert, same.v, dtype=dtype)

    if not isinstance(v.type, Array):
        return one(b, offset), (Term(b, offset) + 1).v
    lengths = dims(b, v)
    seed = array.build(b, shape_of(v.type), open_operands(b, v), lambda body, index: one(body, position(body, lengths, index, offset)))
    size = Term(b, lengths[0])
    for n in lengths[1:]:
        size = size * Term(b, n)
    return seed, (Term(b, offset) + size).v


def _gather(b: Builder, data: Value, v: Value, part: Value, starts: Value, where: Value, place: Value, dtype: DType) -> Value:
    """data[place[p]] = v[where[p]] for the nonzeros p of a part."""
    if isinstance(v.type, Array) and v.type.rank > 1:
        size: Term | int = 1
        for n in dims(b, v):
            size = Term(b, n) * size
        assert isinstance(size, Term)
        v = b.emit1(OPS["reshape"], v, size.v, shape=(ANY,))
    begin = b.emit1(array.get, starts, part)
    end = b.emit1(array.get, starts, (Term(b, part) + 1).v)
    body = b.sub()
    i, carried = body.param(Scalar(I64)), body.param(data.type)
    p = (Term(body, begin) + Term(body, i)).v
    x = body.emit1(array.get, v, body.emit1(array.get, where, p)) if isinstance(v.type, Array) else v
    if element(x.type) != dtype:
        x = body.emit1(logic.convert, x, dtype=dtype)
    new = body.emit1(array.set_, carried, x, body.emit1(array.get, place, p))
    (data,) = b.emit(for_, (Term(b, end) - Term(b, begin)).v, data, regions=(body.block(new),))
    return data


__all__ = ["compressed"]
