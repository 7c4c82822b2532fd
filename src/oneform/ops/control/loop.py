"""`for n, *inits`: a loop whose trip count is known on entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops.table import define
from oneform.types import F64, I64, Scalar, Type, assignable


def carried(inits: tuple[Type, ...], region: Block, skip: int) -> tuple[Type, ...]:
    """Types of the carried values: what comes in and what is yielded must fit the region's parameters."""
    params = tuple(p.type for p in region.params[skip:])
    yielded = tuple(r.type for r in region.results)
    if len(params) != len(inits) or len(params) != len(yielded):
        raise mismatch(f"a loop carries {len(params)} values, starts from {len(inits)} and yields {len(yielded)}")
    for t, p, y in zip(inits, params, yielded, strict=True):
        if not assignable(t, p) or not assignable(y, p):
            raise mismatch(f"a loop carries {p}, starts from {t} and yields {y}", "E102")
    return params


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    (region,) = regions
    if not types or types[0] != Scalar(I64) or not region.params or region.params[0].type != Scalar(I64):
        raise mismatch("the trip count and the loop variable must be i64")
    return carried(types[1:], region, 1)


def _ref(n: Any, *carry: Any, attrs: Attrs, regions: Any) -> tuple[Any, ...]:
    (body,) = regions
    for i in range(int(n)):
        carry = body(np.int64(i), *carry)
    return carry


# Attributes, found by analysis and never asserted by the user's program: `parallel`, the iterations may run in any order; `own`, no two of them write to
# the same element of an array that the loop carries and does not read; `chunks`, see parts.py.
for_ = define(
    Op(
        "for",
        "Run the region for i = 0 ... n-1; it maps (i, carried values) to the next carried values.",
        _types,
        _ref,
        lower="for",
        structure="for",
        cost=1000,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {}, "E101"),),
        missing={"derivative": "transforms/jvp and transforms/reverse/loop", "samples": "tests/programs"},
        foreign={"jaxpr": "scan", "aten": "scan", "stablehlo": "while", "onnx": "Loop"},
    )
)
