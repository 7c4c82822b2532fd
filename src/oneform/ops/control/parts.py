"""Into how many parts a loop goes that runs on threads, and how the parts of an array come together.

The loop over the parts is a `for` that says in `chunks` what it does with each value that it carries: "sum" or "own" (optimise/independent.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops.table import define
from oneform.types import ANY, F64, I64, Array, Scalar, Type


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    if types != (Scalar(I64), Scalar(I64)):
        raise mismatch("parts takes a number of rounds and the work in them")
    return (Scalar(I64),)


def _ref(n: Any, work: Any, *, attrs: Attrs, regions: Any) -> tuple[Any]:
    return (np.int64(max(1, min(int(n), 3)) if work >= attrs["least"] else 1),)


parts = define(
    Op(
        "parts",
        "Into how many parts n rounds with so much work go: one for each thread, but a single one for less work than {least}.",
        _types,
        _ref,
        lower="parts",
        samples=lambda rng: [],
        rejects=(((Scalar(F64), Scalar(I64)), {"least": 1}, "E101"),),
        missing={"derivative": "integers have none", "samples": "it depends on the number of threads"},
    )
)


def _paste_types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    match types:
        case (Array(d, shape) as whole, Array(e, rows), Scalar(dtype)) if d == e and len(shape) == len(rows) and dtype == I64:
            if all(ANY in (m, n) or m == n for m, n in zip(shape[1:], rows[1:], strict=True)):
                return (whole,)
        case _:
            pass
    raise mismatch("paste takes an array, some of its rows, and where they start")


def _paste_ref(a: Any, rows: Any, start: Any, *, attrs: Attrs, regions: Any) -> tuple[Any]:
    out = a.copy()
    out[start : start + len(rows)] = rows
    return (out,)


# Where it stands in a loop over parts, the rows are made in the array, and nothing is copied (codegen/chunks.py).
paste = define(
    Op(
        "paste",
        "The array with some of its rows replaced: paste a, rows, start. They are inside it.",
        _paste_types,
        _paste_ref,
        lower="paste",
        consumes=(0,),
        cost=50,
        samples=lambda rng: [((rng.normal(size=(5, 3)), rng.normal(size=(2, 3)), np.int64(2)), {}), ((np.arange(12), np.arange(8), np.int64(0)), {})],
        rejects=(((Scalar(F64), Scalar(F64), Scalar(I64)), {}, "E101"),),
        missing={"derivative": "it is made when nobody differentiates any more"},
    )
)
