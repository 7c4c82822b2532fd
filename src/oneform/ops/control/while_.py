"""`while *inits`: a loop that ends on the data. Two regions: condition and body, both over the carried values."""

from __future__ import annotations

from typing import Any

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops.control.loop import carried
from oneform.ops.table import define
from oneform.types import BOOL, Scalar, Type


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    condition, body = regions
    if tuple(r.type for r in condition.results) != (Scalar(BOOL),):
        raise mismatch("the condition of a loop must be one bool")
    if tuple(p.type for p in condition.params) != tuple(p.type for p in body.params):
        raise mismatch("condition and body of a loop carry different values")
    return carried(types, body, 0)


def _ref(*carry: Any, attrs: Attrs, regions: Any) -> tuple[Any, ...]:
    condition, body = regions
    while condition(*carry)[0]:
        carry = body(*carry)
    return carry


while_ = define(
    Op(
        "while",
        "While the first region holds of the carried values, replace them by what the second makes of them.",
        _types,
        _ref,
        lower="while",
        structure="while",
        cost=1000,
        samples=lambda rng: [],
        missing={"derivative": "transforms/jvp and transforms/reverse/while_", "samples": "tests/programs", "rejects": "tests/ir/test_verify"},
        foreign={"jaxpr": "while", "aten": "while_loop", "stablehlo": "while", "onnx": "Loop"},
    )
)
