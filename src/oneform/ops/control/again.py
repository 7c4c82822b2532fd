"""`custom_again *args`: inside the rule of a function with a custom derivative, that function itself, rule and all.

The rule of f may call f, whose rule calls f … In the text this ends at once: the inner call names the operation around it.

    %y: f64 = custom_jvp %x {name="f", types=(<f64>,), wrt=(0,)}
      region(%p: f64) { …  yield %r }
      region(%p: f64, %t: f64) { %a: f64 = custom_again %p {name="f", types=(<f64>,)} …  yield %a, %d }

A rule is never run where it stands: whoever differentiates copies it to the place of the call, with the calls `unfolded`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oneform.errors import InternalError
from oneform.ir import Block, Instr, Op, clone_block, mismatch
from oneform.ops.table import define
from oneform.types import Type, assignable, differentiable

CUSTOM = ("custom_jvp", "custom_vjp")  # the operations that have a primal and rules


def _unreachable(*_: Any, **__: Any) -> Any:
    raise InternalError("the rule of a custom derivative is run where it stands")


custom_again = define(
    Op(
        "custom_again",
        "In a rule: the function with a custom derivative of this {name} that the rule belongs to; its results have {types}.",
        lambda types, attrs, regions: tuple(attrs["types"]),
        _unreachable,
        lower="custom_again",
        cost=1000,
        samples=lambda rng: [],
        missing={
            "derivative": "a rule that differentiates its own function would never end",
            "samples": "tests/transforms/test_custom",
            "rejects": "tests/ir/test_verify",
        },
    )
)


def check(types: tuple[Type, ...], attrs: Any, regions: tuple[Block, ...]) -> tuple[Type, ...]:
    """What both kinds of custom derivative have in common: the primal's parameters and results, and the calls of it in the rules."""
    declared: tuple[Type, ...] = tuple(attrs["types"])
    params = tuple(p.type for p in regions[0].params)
    fits(types, params, "takes")
    fits(tuple(r.type for r in regions[0].results), declared, "returns")
    covered = (*attrs["wrt"], *attrs.get("zero", ()))
    if any(not 0 <= k < len(params) or not differentiable(params[k]) for k in covered) or len(set(covered)) != len(covered):
        raise mismatch(f"no derivative by parameters {covered} of {len(params)}")
    for r in regions:
        for i in calls(r, attrs["name"]):
            fits(tuple(a.type for a in i.args), params, "takes")
            if tuple(i.attrs["types"]) != declared:
                raise mismatch("a call in a rule declares other results than the function")
    return declared


def fits(given: tuple[Type, ...], declared: tuple[Type, ...], what: str) -> None:
    if len(given) != len(declared) or not all(map(assignable, given, declared)):
        raise mismatch(f"a function with a custom derivative {what} ({', '.join(map(str, declared))}), not ({', '.join(map(str, given))})", "E102")


def calls(block: Block, name: str) -> Iterator[Instr]:
    """The calls in a rule of the function it belongs to."""
    for i in block.body:
        if i.op is custom_again and i.attrs["name"] == name:
            yield i
        elif not (i.op.structure in CUSTOM and i.attrs["name"] == name):
            for r in i.regions:
                yield from calls(r, name)


def unfolded(rule: Block, owner: Instr) -> Block:
    """The rule with copies of its function in place of the calls of it. The values keep their identity, so this is to be copied in turn."""
    name = owner.attrs["name"]
    if next(calls(rule, name), None) is None:
        return rule
    body: list[Instr] = []
    for i in rule.body:
        if i.op is custom_again and i.attrs["name"] == name:
            body.append(Instr(owner.op, i.args, owner.attrs, tuple(clone_block(r, {}) for r in owner.regions), i.outs, i.loc))
        elif i.regions and not (i.op.structure in CUSTOM and i.attrs["name"] == name):
            body.append(Instr(i.op, i.args, i.attrs, tuple(unfolded(r, owner) for r in i.regions), i.outs, i.loc))
        else:
            body.append(i)
    return Block(rule.params, tuple(body), rule.results)
