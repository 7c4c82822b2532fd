"""`custom_vjp *args`: a function with its derivative in reverse mode.

Regions: the primal, from the parameters to the results; the forward sweep, from the parameters to the results and `saved` further values; and the
reverse sweep, from those and the cotangents of the results that have one to the cotangents of the parameters in `wrt`. The parameters in `zero`
receive nothing because the rule says so. With the primal alone the rule is missing, or was `refused` for the reason given."""

from __future__ import annotations

from oneform.ir import Attrs, Block, Op, mismatch
from oneform.ops.control.again import check, fits
from oneform.ops.table import define
from oneform.types import Type, differentiable


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    if len(regions) not in (1, 3):
        raise mismatch("a custom_vjp has a primal, and perhaps a forward and a reverse sweep")
    declared = check(types, attrs, regions)
    if len(regions) == 3:
        params = tuple(p.type for p in regions[0].params)
        _, forward, reverse = regions
        fits(tuple(p.type for p in forward.params), params, "and its forward sweep take")
        count = len(declared)
        fits(tuple(r.type for r in forward.results[:count]), declared, "and its forward sweep return")
        saved = tuple(r.type for r in forward.results[count:])
        fits(saved, tuple(p.type for p in reverse.params[: len(saved)]), "hands from sweep to sweep")
        fits(tuple(p.type for p in reverse.params[len(saved) :]), tuple(filter(differentiable, declared)), "has cotangents")
        fits(tuple(r.type for r in reverse.results), tuple(params[k] for k in attrs["wrt"]), "is by")
    return declared


custom_vjp = define(
    Op(
        "custom_vjp",
        "The results of the first region; reverse mode, by the parameters {wrt}, is the second and then the third.",
        _types,
        lambda *args, attrs, regions: regions[0](*args),
        lower="custom_vjp",
        structure="custom_vjp",
        cost=1000,
        samples=lambda rng: [],
        missing={"derivative": "transforms/reverse/pull", "samples": "tests/transforms/test_custom", "rejects": "tests/ir/test_verify"},
        foreign={"jaxpr": "custom_vjp_call"},
    )
)
