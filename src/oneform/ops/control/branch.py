"""`if c`: one of two regions without parameters."""

from __future__ import annotations

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops.table import define
from oneform.types import BOOL, F64, Scalar, Type, join


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    if types != (Scalar(BOOL),):
        raise mismatch("the condition of a branch must be one bool")
    then, other = regions
    if then.params or other.params or len(then.results) != len(other.results):
        raise mismatch("the two sides of a branch give different numbers of values")
    out: list[Type] = []
    for a, b in zip(then.results, other.results, strict=True):
        t = join(a.type, b.type)
        if t is None:
            raise mismatch(f"the two sides of a branch give {a.type} and {b.type}", "E102")
        out.append(t)
    return tuple(out)


if_ = define(
    Op(
        "if",
        "The results of the first region if c holds, else those of the second.",
        _types,
        lambda c, *, attrs, regions: regions[0 if c else 1](),
        lower="if",
        structure="if",
        cost=20,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {}, "E101"),),
        missing={"derivative": "transforms/jvp and transforms/reverse/branch", "samples": "tests/programs"},
        foreign={"jaxpr": "cond", "aten": "cond", "stablehlo": "if", "onnx": "If"},
    )
)
