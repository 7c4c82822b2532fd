"""NumPy's functions that are written in Python (written/shapes.py, written/indexing.py), and what those take from the compiler itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oneform.frontend.arrays import rank, version
from oneform.frontend.comprehensions import listed
from oneform.frontend.creation import parse_dtype, parse_shape
from oneform.frontend.join_api import section
from oneform.frontend.numbers import as_value, scalar
from oneform.frontend.passing import plain
from oneform.frontend.picks import constructed, gathered, item_of_array, memory_place, places_along
from oneform.frontend.reductions import axes_of
from oneform.frontend.registry import Call, Handler, handles, method
from oneform.frontend.values import Abstract, Arr, Generator, Num, Py, Seq, Slice, number
from oneform.frontend.written import indexing, shapes
from oneform.ops import make
from oneform.types import F64, I64

# ---------------------------------------------------------------- what the library takes from the compiler


@handles(shapes.generated)
def generated(c: Call) -> Abstract:
    size, f = c.only("shape", "f")
    t = c.t
    dims, lengths = parse_shape(t, size)
    if not dims:
        return t.call(t, f, [], {}, c.node)

    def element(index: list[Num]) -> Any:
        return as_value(t, scalar(t, t.call(t, f, list(index), {}, c.node), "an element"))

    return constructed(t, dims, lengths, element)


@handles(shapes.element)
def element(c: Call) -> Abstract:
    t = c.t
    a, *index = c.args
    if isinstance(a, Num):
        return a
    assert isinstance(a, Arr)
    at = [t.as_index(scalar(t, i, "an index")) for i in index]
    return t.strong(make.get(t.b, version(t, a.cell), [t.value(i, I64) for i in memory_place(t, a, at)]))


@handles(shapes.along)
def along(c: Call) -> Abstract:
    a, at, axis = c.only("a", "at", "axis")
    assert isinstance(a, Arr) and isinstance(at, Arr)
    return gathered(c.t, places_along(c.t, a, at, c.t.known_int(axis, "axis")))


@handles(shapes.section)
def section_(c: Call) -> Abstract:
    a, axis, start, length = c.only("a", "axis", "start", "length")
    assert isinstance(a, Arr)
    first, n = (c.t.as_index(scalar(c.t, x, "a bound")) for x in (start, length))
    return section(c.t, a, c.t.known_int(axis, "axis"), first, n)


@handles(indexing.indexed_along)
def indexed_along(c: Call) -> Abstract:
    a, at, axis = c.only("a", "at", "axis")
    assert isinstance(a, Arr)
    k = c.t.known_int(axis, "axis")
    return item_of_array(c.t, a, Seq("tuple", (*[Slice(None, None, None)] * axes_of(c.t, number(k), rank(a))[0], at)), c.node)


@handles(np.dtype)
def dtype(c: Call) -> Abstract:
    return Py(parse_dtype(c.t, c.only("dtype")[0], F64).numpy)


@handles(slice)
def slice_(c: Call) -> Abstract:
    bounds = [None if isinstance(a, Py) and a.obj is None else c.t.as_index(scalar(c.t, a, "a bound of a slice")) for a in c.args]
    if c.kwargs or not 1 <= len(bounds) <= 3:
        c.t.refuse("E106", f"slice expected 1 to 3 arguments, got {len(bounds)}", c.node)
    start, stop, step = (None, bounds[0], None) if len(bounds) == 1 else (*bounds, None)[:3]
    return Slice(start, stop, step)


# ---------------------------------------------------------------- functions written in Python


def _written(f: Callable[..., Any]) -> Handler:
    def handler(c: Call) -> Abstract:
        args = [plain(c.t, listed(c.t, a)) if isinstance(a, Generator) else a for a in c.args]
        return c.t.call(c.t, Py(f), args, c.kwargs, c.node)

    return handler


SHAPES = (
    "diag", "diagflat", "eye", "identity", "tri", "tril", "triu", "tril_indices", "triu_indices", "tril_indices_from", "triu_indices_from",
    "indices", "fromfunction", "resize", "diag_indices", "diag_indices_from", "fill_diagonal", "vander", "linspace", "logspace", "geomspace", "ediff1d",
)  # fmt: skip
INDEXING = (
    "take", "put", "flatnonzero", "argwhere", "compress", "extract", "delete", "insert", "unravel_index", "ravel_multi_index", "searchsorted", "digitize",
    "interp", "select", "choose", "copyto", "place", "putmask", "heaviside", "sinc", "nan_to_num",
)  # fmt: skip
for _module, _names in ((shapes, SHAPES), (indexing, INDEXING)):
    for _name in _names:
        handles(getattr(np, _name))(_written(getattr(_module, _name)))
handles(np.lib.stride_tricks.sliding_window_view)(_written(shapes.sliding_window_view))

for _name in ("take", "put", "choose", "searchsorted"):
    method(_name)(_written(getattr(indexing, _name)))


@method("compress")
def compress(c: Call) -> Abstract:
    condition, axis = c.bind("self", "condition", "axis?")[1:]
    return c.t.call(c.t, Py(indexing.compress), [condition or Py(None), c.args[0], axis or Py(None)], {}, c.node)
