"""`build *lengths`: an array computed element by element from its indices; a parallel loop, with an optional reduction."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Builder, Instr, Op, Value, mismatch, open_dims
from oneform.ops.array import run_shape
from oneform.ops.table import define, integer
from oneform.types import F64, I64, Scalar, Type, with_shape

REDUCERS: dict[str, Any] = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}
COMBINE = {"add": "add", "mul": "mul", "max": "maximum", "min": "minimum"}  # the operation on numbers that a reduction repeats


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    (region,), shape, extent, reduce = regions, attrs["shape"], attrs["extent"], attrs["reduce"]
    if any(t != Scalar(I64) for t in types) or len(types) != open_dims(shape) + open_dims(extent):
        raise mismatch(f"an array of shape {list(shape)} over {list(extent)} needs {open_dims(shape) + open_dims(extent)} lengths")
    if tuple(p.type for p in region.params) != (Scalar(I64),) * (len(shape) + len(extent)):
        raise mismatch("an array constructor's region takes one index per axis")
    if bool(extent) != bool(reduce) or (reduce and reduce not in REDUCERS) or not (shape or extent):
        raise mismatch(f"a reduction {reduce!r} over {list(extent)}")
    out: list[Type] = []
    for r in region.results:
        if not isinstance(r.type, Scalar) or (reduce and r.type.dtype.kind == "b"):
            raise mismatch(f"an element must be a number, not {r.type}")
        if reduce in ("max", "min") and r.type.dtype.kind == "c":
            raise mismatch(f"complex numbers have no {reduce}")
        out.append(with_shape(r.type.dtype, shape))
    return tuple(out)


def _ref(*lengths: Any, attrs: Attrs, regions: Any) -> tuple[Any, ...]:
    (body,), rank = regions, len(attrs["shape"])
    full = run_shape((*attrs["shape"], *attrs["extent"]), lengths)
    reduce = attrs["reduce"]
    dtypes: list[Any] = [t.dtype.numpy for t in attrs.get("types", ())] or regions[0].dtypes
    terms = [np.empty(full, d) for d in dtypes]
    for i in itertools.product(*map(range, full)):
        for out, v in zip(terms, body(*map(np.int64, i)), strict=True):
            out[i] = v
    if reduce:
        axes = tuple(range(rank, len(full)))
        terms = [np.asarray(REDUCERS[reduce].reduce(t, axis=axes), t.dtype) for t in terms]
    return tuple(t[()] for t in terms)


# Attributes: `shape` of the results; `extent` of the axes reduced over, the last of the indices; `reduce`, "" or add, mul, max, min.
# An empty max or min raises ValueError, as NumPy's does; whoever emits one emits the check.
build = define(
    Op(
        "build",
        "Arrays of shape {shape} whose elements the region computes from the indices, reduced by {reduce} over {extent}.",
        _types,
        _ref,
        lower="build",
        structure="build",
        cost=200,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {"shape": (3,), "extent": (), "reduce": ""}, "E101"),),
        missing={"derivative": "transforms/jvp and transforms/reverse/build", "samples": "tests/programs"},
    )
)


def lengths_of(b: Builder, i: Instr) -> list[Value]:
    """The length of every axis of an array constructor, those reduced over last."""
    given = iter(i.args)
    return [integer(b, d) if isinstance(d, int) else next(given) for d in (*i.attrs["shape"], *i.attrs["extent"])]
