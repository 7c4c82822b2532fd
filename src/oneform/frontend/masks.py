"""Where a mask is true: its places, in row-major order."""

from __future__ import annotations

from oneform.frontend.arrays import new_array, open_lengths, read, shape
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Arr, Axis, Num, View, number
from oneform.ir import Value
from oneform.ops import integer, make
from oneform.types import I64, Scalar


def places_of(t: Tracer, mask: Arr) -> list[Arr]:
    """The indices of the true elements: an array for each axis of the mask."""
    v = make.nonzero(t.b, read(t, mask))
    found: list[Arr] | None = t.scope.recall(("places", v))
    if found is None:
        found = t.scope.memo["places", v] = _collected(t, v, shape(t, mask)[1])
    return [Arr(a.cell, a.view) for a in found]


def _collected(t: Tracer, mask: Value, lengths: tuple[Num, ...]) -> list[Arr]:
    """They are counted first. Each element then writes its indices behind those of the true ones so far: the last false ones into room for one more."""
    dtype = Scalar(I64)
    count = t.integer(make.reduce(t.b, "sum", make.convert(t.b, mask, I64), tuple(range(len(lengths)))))
    assert count.value is not None
    t.bound(count.value, t.affine_of(number(0)), None)
    dim, room = t.dim_for(count), t.iadd(count, 1)
    shape_ = (t.dim_for(room),)
    rooms = [make.empty(t.b, I64, shape_, open_lengths(t, shape_, (room,))) for _ in lengths]
    index: list[Value] = []

    def nest(carried: list[Value]) -> list[Value]:
        if len(index) == len(lengths):
            top, *arrays = carried
            new = [make.put(t.b, a, i, [top]) for a, i in zip(arrays, index, strict=True)]
            return [make.add(t.b, top, make.convert(t.b, make.get(t.b, mask, index), I64)), *new]
        n = t.value(lengths[len(index)], I64)
        with t.region() as b:
            index.append(b.param(dtype))
            inner = [b.param(c.type) for c in carried]
            results = nest(inner)
            index.pop()
            body = b.block(*results)
        return list(make.repeat(t.b, n, carried, body))

    _, *arrays = nest([integer(t.b, 0), *rooms])
    view = View((Axis(number(0), number(1), 0),), (dim,), (count,))
    return [Arr(new_array(t, a).cell, view) for a in arrays]

