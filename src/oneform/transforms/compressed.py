"""The nonzeros of a sparse Jacobian: directional derivatives for several colours of columns at once, or pullbacks for colours of rows, in a loop."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Builder, Function, Value, inline
from oneform.ops import OPS, Term, array, dims, for_, integer, logic, open_operands
from oneform.transforms.lanes import Lanes, Wide
from oneform.transforms.sparsity.store import number, of_dtype, position
from oneform.types import ANY, I64, Array, DType, Scalar, differentiable, element, shape_of

COLOURS, STARTS = Array(I64, ("seeds",)), Array(I64, ("parts",))


def compressed(
    f: Function, directional: Function, wrt: Sequence[int], outs: Sequence[int], dtype: DType, index: DType, *, forward: bool, lanes: int,
) -> Function:
    """(x..., colours, count, starts, where, place) -> the values of the nonzeros. `directional` is the jvp of f (forward) or its vjp.

    colours[k] is the colour of column k (forward) or row k. `lanes` colours make a group, of which there are `count`. The nonzeros found with group g in
    argument or result j of the n that move are p = starts[g*n + j] to starts[g*n + j + 1]: where[p] is the element of it, times `lanes`, plus the colour
    within the group; and place[p] the index among all nonzeros. These two are arrays of dtype `index`."""
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    places = Array(index, ("nonzeros",))
    colours, count, starts, where, place = (b.param(t) for t in (COLOURS, Scalar(I64), STARTS, places, places))
    nonzeros = b.emit1(array.get, starts, (Term(b, count) * (len(outs) if forward else len(wrt))).v)
    data = b.emit1(array.empty, nonzeros, dtype=dtype, shape=(ANY,))
    seeded = [params[k] for k in wrt] if forward else _picked(inline(f.block, params, b.body), outs)
    first = len(f.results)
    with_tangent = [k for k, r in enumerate(f.results) if differentiable(r.type)]
    picks = [first + with_tangent.index(o) for o in outs] if forward else list(range(first, first + len(wrt)))
    body = b.sub()
    g, carried = body.param(Scalar(I64)), body.param(data.type)
    colour = (Term(body, g) * lanes).v
    seeds: list[Wide] = []
    offset: Value = integer(body, 0)
    for v in seeded:
        own, offset = seed(body, v, colours, colour, offset, lanes)
        seeds.append(own)
    moved = _moved(body, directional, [*params, *seeds], len(params), picks, lanes)
    for j, v in enumerate(moved):
        part = (Term(body, g) * len(moved) + j).v
        carried = _gather(body, carried, v, part, starts, where, place, dtype, lanes)
    (data,) = b.emit(for_, count, data, regions=(body.block(carried),), own=True)  # every nonzero is found with one group
    return b.function(f"{f.name}_compressed", data)


def _moved(b: Builder, directional: Function, args: Sequence[Wide], given: int, picks: Sequence[int], lanes: int) -> list[Wide]:
    if lanes > 1:
        return Lanes(directional, directional.params[given:], lanes).run(b, args, picks)
    found = inline(directional.block, [a for a in args if isinstance(a, Value)], b.body)
    return [found[k] for k in picks]


def _picked(values: Sequence[Value], numbers: Sequence[int]) -> list[Value]:
    return [values[k] for k in numbers]


def _axis(lanes: int) -> tuple[int, ...]:
    """The axis of lanes, if there are several."""
    return (lanes,) if lanes > 1 else ()


def seed(b: Builder, v: Value, colours: Value, colour: Value, offset: Value, lanes: int) -> tuple[Wide, Value]:
    """1 in the lane of the own colour, counted from the first one of the group; and the offset of what comes next."""
    dtype = element(v.type)

    def one(body: Builder, at: Value, lane: Value | int) -> Value:
        own = Term(body, body.emit1(array.get, colours, at)) - Term(body, colour)
        return body.emit1(logic.convert, own.apply("eq", lane if isinstance(lane, int) else Term(body, lane)).v, dtype=dtype)

    if not isinstance(v.type, Array):
        found = tuple(one(b, offset, k) for k in range(lanes))
        return found if lanes > 1 else found[0], (Term(b, offset) + 1).v
    lengths = dims(b, v)

    def element_of(body: Builder, index: list[Value]) -> Value:
        at = position(body, lengths, index[: len(lengths)], offset)
        return one(body, at, index[-1] if lanes > 1 else 0)

    found = array.build(b, (*shape_of(v.type), *_axis(lanes)), open_operands(b, v), element_of)
    size = Term(b, lengths[0])
    for n in lengths[1:]:
        size = size * Term(b, n)
    return found, (Term(b, offset) + size).v


def _gather(b: Builder, data: Value, moved: Wide, part: Value, starts: Value, where: Value, place: Value, dtype: DType, lanes: int) -> Value:
    """data[place[p]] = v[where[p]] for the nonzeros p of a part."""
    v = _rows(b, moved, lanes)
    begin = b.emit1(array.get, starts, part)
    end = b.emit1(array.get, starts, (Term(b, part) + 1).v)
    body = b.sub()
    i, carried = body.param(Scalar(I64)), body.param(data.type)
    p = (Term(body, begin) + Term(body, i)).v
    at = Term(body, number(body, where, p))
    x = body.emit1(array.get, v, *((at.apply("floordiv", lanes).v, at.apply("mod", lanes).v) if lanes > 1 else (at.v,)))
    new = body.emit1(array.set_, carried, of_dtype(body, x, dtype), number(body, place, p))
    (data,) = b.emit(for_, (Term(b, end) - Term(b, begin)).v, data, regions=(body.block(new),), own=True)
    return data


def _rows(b: Builder, v: Wide, lanes: int) -> Value:
    """The elements one after the other, each with its lanes."""
    if isinstance(v, tuple) or isinstance(v.type, Scalar):
        own = v if isinstance(v, tuple) else (v,)
        out = b.emit1(array.empty, dtype=element(own[0].type), shape=(1, *_axis(lanes)))
        for k, x in enumerate(own):
            out = b.emit1(array.set_, out, x, integer(b, 0), *(integer(b, k) for _ in _axis(lanes)))
        return out
    lengths = dims(b, v)[: len(shape_of(v.type)) - len(_axis(lanes))]
    if len(lengths) == 1:
        return v
    size = Term(b, lengths[0])
    for n in lengths[1:]:
        size = Term(b, n) * size
    return b.emit1(OPS["reshape"], v, size.v, shape=(ANY, *_axis(lanes)))


__all__ = ["COLOURS", "compressed", "seed"]
