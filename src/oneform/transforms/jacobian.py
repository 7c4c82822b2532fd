"""Full Jacobians: one directional derivative, or one pullback, for each element, in a loop; every column or row is written in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oneform.ir import Builder, Function, Value, inline
from oneform.ops import array, constant, dims, for_, open_operands, zeros
from oneform.transforms.jvp import jvp
from oneform.transforms.reverse import vjp
from oneform.types import I64, Array, DType, Scalar, differentiable, element, shape_of


def jacfwd(f: Function, wrt: Sequence[int], outs: Sequence[int]) -> Function:
    """x... -> (y..., dy/dx for y in outs for x in wrt), each of shape y.shape + x.shape; by columns."""
    b, params, results = _primal(f)
    columns = {k: _jacobian(b, jvp(f, [k]), params, params[k], [results[o] for o in outs], _tangents_of(f, outs), column=True) for k in wrt}
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
