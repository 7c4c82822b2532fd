"""`recursive *args`: a function that may call itself, applied to the arguments; `recur` is the call, anywhere inside its region.

    %r: f64 = recursive %n, %x {name="f", types=[f64]}
      region(%k: i64, %y: f64) { ...  %s: f64 = recur %k1, %y1 {name="f", types=[f64]}  ...  yield %t }

Like a loop's, the region reads values of the blocks around it directly: what does not change from call to call is no parameter. `name` is
visible inside the region only, the innermost one of a name counts; a region inside may call the outer function (mutual recursion)."""

from __future__ import annotations

from collections.abc import Iterator

from oneform.ir import Attrs, Block, Instr, Op, mismatch
from oneform.ops.table import define
from oneform.types import Type, assignable


def calls(block: Block, name: str) -> Iterator[Instr]:
    """The calls in a block of the function around it."""
    for i in block.body:
        if i.op is recur and i.attrs["name"] == name:
            yield i
        if i.op is recursive and i.attrs["name"] == name:
            continue
        for r in i.regions:
            yield from calls(r, name)


def _fit(given: tuple[Type, ...], declared: tuple[Type, ...], what: str) -> None:
    if len(given) != len(declared) or not all(map(assignable, given, declared)):
        raise mismatch(f"a recursive function {what} ({', '.join(map(str, declared))}), not ({', '.join(map(str, given))})", "E102")


def _types(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    (region,), declared = regions, tuple(attrs["types"])
    params = tuple(p.type for p in region.params)
    _fit(types, params, "takes")
    _fit(tuple(r.type for r in region.results), declared, "returns")
    for i in calls(region, attrs["name"]):
        _fit(tuple(a.type for a in i.args), params, "takes")
        if tuple(i.attrs["types"]) != declared:
            raise mismatch("a call of a recursive function declares other results than the function")
    return declared


recursive = define(
    Op(
        "recursive",
        "The results of the region at the arguments; `recur` with the same {name} inside it calls it again.",
        _types,
        lambda *args, attrs, regions: regions[0](*args),
        lower="recursive",
        structure="recursive",
        cost=1000,
        samples=lambda rng: [],
        rejects=(),
        missing={"derivative": "transforms/jvp and transforms/reverse/recursion", "samples": "tests/programs", "rejects": "tests/ir/test_verify"},
    )
)

# The interpreter hands the enclosing function's region to `ref` as `regions[0]`. Without memory for another call it raises RecursionError.
recur = define(
    Op(
        "recur",
        "Call the enclosing `recursive` of this {name}; its results have {types}.",
        lambda types, attrs, regions: tuple(attrs["types"]),
        lambda *args, attrs, regions: regions[0](*args),
        lower="recur",
        structure="recur",
        raises=True,
        cost=1000,
        samples=lambda rng: [],
        missing={"derivative": "transforms/jvp and transforms/reverse/recursion", "samples": "tests/programs", "rejects": "tests/ir/test_verify"},
    )
)
