"""Full Jacobians: directional derivatives for several elements at once, or one pullback for each, in a loop; columns and rows are written in place."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import prod

from oneform.ir import Builder, Function, Instr, Value, inline, instructions, reads
from oneform.ops import Term, array, constant, dims, for_, integer, make, open_operands, zeros
from oneform.transforms.jvp import jvp
from oneform.transforms.lanes import Lanes, NoLanes, Wide
from oneform.transforms.reverse import vjp
from oneform.types import I64, Array, DType, Scalar, differentiable, element, shape_of

LANES = 8  # columns at once


def jacfwd(f: Function, wrt: Sequence[int], outs: Sequence[int]) -> Function:
    """x... -> (y..., dy/dx for y in outs for x in wrt), each of shape y.shape + x.shape; by columns."""
    b, params, results = _primal(f)
    others = [results[o] for o in outs]
    columns: dict[int, list[Value]] = {}
    numbers = [k for k in wrt if isinstance(params[k].type, Scalar)]
    for group in (numbers[k : k + LANES] for k in range(0, len(numbers), LANES)):
        columns.update(zip(group, _of_numbers(b, f, params, group, outs), strict=True))
    for k in wrt:
        if k not in columns:
            columns[k] = _of_array(b, jvp(f, [k]), params, params[k], others, _tangents_of(f, outs))
    blocks = [columns[k][position] for position in range(len(outs)) for k in wrt]
    return b.function(f"{f.name}_jacfwd", *results, *blocks)


def jacrev(f: Function, wrt: Sequence[int], outs: Sequence[int]) -> Function:
    """x... -> (y..., dy/dx for y in outs for x in wrt), each of shape y.shape + x.shape; by rows."""
    b, params, results = _primal(f)
    count = len(f.results)
    blocks: list[Value] = []
    for o in outs:
        rows = list(range(count, count + len(wrt)))
        blocks += _jacobian(b, vjp(f, wrt, [o]), params, results[o], [params[k] for k in wrt], rows, column=False)
    return b.function(f"{f.name}_jacrev", *results, *blocks)


def _primal(f: Function) -> tuple[Builder, list[Value], tuple[Value, ...]]:
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    return b, params, inline(f.block, params, b.body)


def _tangents_of(f: Function, outs: Sequence[int]) -> list[int]:
    """Where jvp(f) puts the tangents of these results."""
    with_tangent = [k for k, r in enumerate(f.results) if differentiable(r.type)]
    return [len(f.results) + with_tangent.index(o) for o in outs]


# ---------------------------------------------------------------- columns


def _of_numbers(b: Builder, f: Function, params: Sequence[Value], wrt: Sequence[int], outs: Sequence[int]) -> list[list[Value]]:
    """For each of several numbers the derivatives of the results by it."""
    directional, picks = jvp(f, wrt), _tangents_of(f, outs)
    dtypes = [element(params[k].type) for k in wrt]
    with suppress(NoLanes):
        if len(wrt) > 1:
            own = b.sub()
            seeds = [tuple(constant(own, int(n == k), dtype) for n in range(len(wrt))) for k, dtype in enumerate(dtypes)]
            found = _in_lanes(own, directional, params, seeds, picks)
            split = [_split(own, v, len(wrt)) for v in found]
            b.body.extend(own.body)
            return [[lanes[k] for lanes in split] for k in range(len(wrt))]
    columns: list[list[Value]] = []
    for k in range(len(wrt)):
        found = inline(directional.block, [*params, *(constant(b, int(n == k), dtype) for n, dtype in enumerate(dtypes))], b.body)
        columns.append([found[j] for j in picks])
    return columns


def _of_array(
    b: Builder, directional: Function, params: Sequence[Value], seeded: Value, others: Sequence[Value], picks: Sequence[int],
) -> list[Value]:
    """The derivatives of `others` by all elements of an array: LANES at once, if there are so many."""
    shape = shape_of(seeded.type)
    known = prod(d for d in shape if isinstance(d, int)) if all(isinstance(d, int) for d in shape) else None
    if known is not None and known < 2:
        return _jacobian(b, directional, params, seeded, others, picks, column=True)
    own = b.sub()
    size = functools.reduce(lambda m, n: m * Term(own, n), dims(own, seeded), Term(own, integer(own, 1)))
    many, few = own.sub(), own.sub()
    try:
        found = _groups(many, directional, params, seeded, others, picks, size.v, min(LANES, known or LANES))
    except NoLanes:
        return _jacobian(b, directional, params, seeded, others, picks, column=True)
    b.body.extend(own.body)
    if known is not None:
        b.body.extend(many.body)
        return found
    single = _jacobian(few, directional, params, seeded, others, picks, column=True)
    return list(make.branch(b, Term(b, size.v).apply("ge", LANES).v, many.block(*found), few.block(*single)))


def _groups(
    b: Builder, directional: Function, params: Sequence[Value], seeded: Value, others: Sequence[Value], picks: Sequence[int], size: Value, count: int,
) -> list[Value]:
    """Group g has the elements from g * count on, the last group the last ones, be it that the group before has some of these too."""
    dtype, lengths = element(seeded.type), dims(b, seeded)
    blocks = [_empty(b, (other, seeded), element(other.type)) for other in others]
    seed = zeros(b, dtype, (*shape_of(seeded.type), count), open_operands(b, seeded))
    groups = (Term(b, size) + (count - 1)).apply("floordiv", count)

    def group(inner: Builder, at: list[Value], carried: list[Value]) -> list[Value]:
        first = (Term(inner, at[0]) * count).apply("minimum", Term(inner, size) - count)
        hot = _marked(inner, carried[0], first.v, lengths, 1)
        found = _in_lanes(inner, directional, params, [hot], picks)
        _lift(inner, b)
        written = [_written(inner, j, v, first.v, lengths) for j, v in zip(carried[1:], found, strict=True)]
        return [_marked(inner, hot, first.v, lengths, 0), *written]

    return _loops(b, [groups.v], [seed, *blocks], group)[1:]


def _in_lanes(b: Builder, directional: Function, params: Sequence[Value], seeds: Sequence[Wide], picks: Sequence[int]) -> list[Wide]:
    count = len(seeds[0]) if isinstance(seeds[0], tuple) else shape_of(seeds[0].type)[-1]
    assert isinstance(count, int)
    return Lanes(directional, directional.params[len(params) :], count).run(b, [*params, *seeds], picks)


def _lift(inner: Builder, b: Builder) -> None:
    """What is the same in all groups goes before the loop: numbers, and arrays that are only read. The function has run when it gets there, so
    nothing in it raises that has not raised yet."""
    fixed: set[Value] = set()  # arrays that something in the loop may write to
    while True:
        varies, moved, kept = set(inner.params), list[Instr](), list[Instr]()
        for i in inner.body:
            stays = not varies.isdisjoint(reads(i)) or any(o in fixed for o in i.outs)
            varies.update(i.outs if stays else ())
            (kept if stays else moved).append(i)
        before = len(fixed)
        for i in kept:
            fixed.update(_taken(i))
        if not any(o in fixed for i in moved for o in i.outs):
            break
        assert len(fixed) > before
    b.body.extend(moved)
    inner.body[:] = kept


def _taken(i: Instr) -> Iterator[Value]:
    """The arrays that an instruction, or one inside it, does not only read the elements of."""
    for j in instructions([i]):
        if j.op not in (array.get, array.dim_):
            yield from (a for a in j.args if not isinstance(a.type, Scalar))
        for r in j.regions:
            yield from (v for v in r.results if not isinstance(v.type, Scalar))


def _place(flat: Term, lengths: Sequence[Value]) -> list[Value]:
    """The indices of an element, by its place in row-major order."""
    index: list[Value] = []
    for n in reversed(lengths[1:]):
        index.insert(0, flat.apply("mod", Term(flat.b, n)).v)
        flat = flat.apply("floordiv", Term(flat.b, n))
    return [flat.v, *index]


def _marked(b: Builder, seed: Value, first: Value, lengths: Sequence[Value], x: int) -> Value:
    """Put x where each lane has its own element. In a loop: a read of one lane must not look through the write to another and keep what was before."""
    count = shape_of(seed.type)[-1]
    assert isinstance(count, int)

    def mark(inner: Builder, lane: list[Value], carried: list[Value]) -> list[Value]:
        place = _place(Term(inner, first) + Term(inner, lane[0]), lengths)
        return [inner.emit1(array.set_, carried[0], constant(inner, x, element(seed.type)), *place, *lane)]

    return _loops(b, [integer(b, count)], [seed], mark)[0]


def _written(b: Builder, j: Value, v: Wide, first: Value, lengths: Sequence[Value]) -> Value:
    """Put each lane of v into its column of the Jacobian."""
    if isinstance(v, tuple):
        for lane, x in enumerate(v):
            j = b.emit1(array.set_, j, x, *_place(Term(b, first) + lane, lengths))
        return j

    def store(inner: Builder, index: list[Value], carried: list[Value]) -> list[Value]:
        place = _place(Term(inner, first) + Term(inner, index[-1]), lengths)
        return [inner.emit1(array.set_, carried[0], inner.emit1(array.get, v, *index), *index[:-1], *place)]

    return _loops(b, dims(b, v), [j], store)[0]


def _split(b: Builder, v: Wide, count: int) -> list[Value]:
    """The lanes, each as a value of its own."""
    if isinstance(v, tuple):
        return list(v)
    shape = shape_of(v.type)[:-1]
    lengths = dims(b, v)[:-1]
    opened = [n for n, d in zip(lengths, shape, strict=True) if not isinstance(d, int)]
    return [
        array.build(b, shape, opened, lambda inner, index, lane=lane: inner.emit1(array.get, v, *index, integer(inner, lane))) for lane in range(count)
    ]


# ---------------------------------------------------------------- one after the other


def _jacobian(
    b: Builder, directional: Function, params: Sequence[Value], seeded: Value, others: Sequence[Value], picks: Sequence[int], *, column: bool
) -> list[Value]:
    """Run `directional` with one element of the seed at 1, for each in turn; results `picks` are the columns (or rows) for `others`."""
    dtype = element(seeded.type)
    if isinstance(seeded.type, Scalar):
        found = inline(directional.block, [*params, constant(b, 1, dtype)], b.body)
        return [found[k] for k in picks]
    blocks = [_empty(b, (other, seeded) if column else (seeded, other), element(other.type)) for other in others]
    seed = zeros(b, dtype, shape_of(seeded.type), open_operands(b, seeded))

    def one(inner: Builder, index: list[Value], carried: list[Value]) -> list[Value]:
        hot = inner.emit1(array.set_, carried[0], constant(inner, 1, dtype), *index)
        found = inline(directional.block, [*params, hot], inner.body)
        written = [_write(inner, j, found[k], index, column) for j, k in zip(carried[1:], picks, strict=True)]
        return [inner.emit1(array.set_, hot, constant(inner, 0, dtype), *index), *written]

    return _loops(b, dims(b, seeded), [seed, *blocks], one)[1:]


def _empty(b: Builder, pair: tuple[Value, Value], dtype: DType) -> Value:
    shape = (*shape_of(pair[0].type), *shape_of(pair[1].type))
    lengths = [*open_operands(b, pair[0]), *open_operands(b, pair[1])]
    return b.emit1(array.empty, *lengths, dtype=dtype, shape=shape)


def _write(b: Builder, j: Value, v: Value, index: Sequence[Value], column: bool) -> Value:
    """Put v into the column (or row) of the Jacobian at `index`."""

    def store(inner: Builder, rest: list[Value], carried: list[Value]) -> list[Value]:
        x = inner.emit1(array.get, v, *rest) if rest else v
        return [inner.emit1(array.set_, carried[0], x, *((*rest, *index) if column else (*index, *rest)))]

    return _loops(b, dims(b, v) if isinstance(v.type, Array) else [], [j], store)[0]


def _loops(
    b: Builder, lengths: Sequence[Value], carried: list[Value], step: Callable[[Builder, list[Value], list[Value]], list[Value]], index: tuple[Value, ...] = ()
) -> list[Value]:
    if not lengths:
        return step(b, list(index), carried)
    body = b.sub()
    i = body.param(Scalar(I64))
    params = [body.param(c.type) for c in carried]
    new = _loops(body, lengths[1:], params, step, (*index, i))
    return list(b.emit(for_, lengths[0], *carried, regions=(body.block(*new),)))
