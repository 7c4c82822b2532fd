"""`custom_jvp *args`: a function with its derivative in forward mode, from which reverse mode follows by transposition.

Regions: the primal, from the parameters to the results; and the rule, from the parameters and the tangents of those in `wrt` to the results and
the tangents of those that have one. Without the second region the rule is missing, or was `refused` for the reason given, and the function cannot
be differentiated."""

from __future__ import annotations

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops.control.again import check, fits
from oneform.ops.table import define
from oneform.types import Type, differentiable


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    if len(regions) not in (1, 2):
        raise mismatch("a custom_jvp has a primal, and perhaps a rule")
    declared = check(types, attrs, regions)
    if len(regions) == 2:
        params = tuple(p.type for p in regions[0].params)
        rule = regions[1]
        fits(tuple(p.type for p in rule.params), (*params, *(params[k] for k in attrs["wrt"])), "and its rule take")
        fits(tuple(r.type for r in rule.results), (*declared, *filter(differentiable, declared)), "and its rule return")
    return declared


custom_jvp = define(
    Op(
        "custom_jvp",
        "The results of the first region; forward mode, by the parameters {wrt}, is the second.",
        _types,
        lambda *args, attrs, regions: regions[0](*args),
        lower="custom_jvp",
        structure="custom_jvp",
        cost=1000,
        samples=lambda rng: [],
        missing={"derivative": "transforms/custom and transforms/reverse/expand", "samples": "tests/transforms/test_custom", "rejects": "tests/ir/test_verify"},
        foreign={"jaxpr": "custom_jvp_call"},
    )
)
