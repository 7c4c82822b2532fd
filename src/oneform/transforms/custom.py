"""Custom derivatives: what both modes ask before they apply a rule, and forward mode, which is the rule itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from oneform.errors import DerivativeError
from oneform.ir import Builder, Instr, Value, clone_instr, free_values, inline
from oneform.ops import custom_vjp, unfolded
from oneform.types import differentiable

if TYPE_CHECKING:
    from oneform.transforms.jvp import Forward


_INSTEAD = "Use reverse mode, or state the derivative by of.custom_jvp, from which reverse mode follows. If fwd calls the function, write out its body."


def name_of(i: Instr) -> str:
    """What the user calls the function: its name in the program without the number that tells calls apart."""
    name, _, number = str(i.attrs["name"]).rpartition(".")
    return name if name and number.isdigit() else str(i.attrs["name"])


def require_rule(i: Instr) -> None:
    """The function has a rule, and one that could be read."""
    if "without" in i.attrs:
        detail, _, repair = str(i.attrs["without"]).partition("\n")
        raise DerivativeError("E201", detail, i.loc, repair)
    if "refused" in i.attrs:
        why = str(i.attrs["refused"]).replace("\n", "\n  ")
        raise DerivativeError("E210", f"{name_of(i)} cannot be differentiated, since its rule is refused:\n  {why}", i.loc)
    if len(i.regions) == 1:
        missing = f"{name_of(i)} is a {i.op.name} without a rule"
        setter = "defvjp(fwd, bwd)" if i.op is custom_vjp else "defjvp(rule)"
        raise DerivativeError("E210", f"{missing}, so it cannot be differentiated", i.loc, f"Give it one: {name_of(i)}.{setter}")


def require_covered(i: Instr, moving: Callable[[Value], bool]) -> None:
    """All through which the derivative enters is covered by the rule: neither closed over nor declared to have no derivative."""
    for k, a in enumerate(i.args):
        if k not in i.attrs["wrt"] and k not in i.attrs.get("zero", ()) and moving(a):
            detail = f"{name_of(i)} is differentiated by an argument for which its rule gives nothing: it is named in nondiff_argnums"
            raise DerivativeError("E211", detail, i.loc, "Take it out of nondiff_argnums and let the rule say what its derivative is, or use of.stop_gradient.")
    for v in free_values(i.regions[0]):
        if moving(v):
            detail = f"{name_of(i)} is differentiated by a value ({v.type}) that it closes over, for which its rule says nothing"
            raise DerivativeError("E211", detail, i.loc, "Pass the value as an argument, and let the rule say what its derivative is.")


def forward(sweep: Forward, i: Instr, b: Builder) -> None:
    """Forward mode of a function with a custom derivative: its rule at the values and their tangents."""
    operands = (*i.args, *free_values(i.regions[0]))
    if not any(o in sweep.varied and o in sweep.useful for o in i.outs) or not any(v in sweep.tangent for v in operands):
        _as_it_is(sweep, i, b)
        return
    if i.op is custom_vjp:
        detail = f"forward mode (jvp, jacfwd, the outer half of hessian) meets {name_of(i)}, whose custom_vjp says nothing about it"
        raise DerivativeError("E212", detail, i.loc, _INSTEAD)
    require_covered(i, sweep.tangent.__contains__)
    require_rule(i)
    rule = unfolded(i.regions[1], i)
    tangents = [sweep.tangent_or_zero(b, i.args[k]) for k in i.attrs["wrt"]]
    results = inline(rule, (*map(sweep.value, i.args), *tangents), b.body, {v: sweep.value(v) for v in free_values(rule)})
    sweep.inlined = True
    count = len(i.outs)
    sweep.env.update(zip(i.outs, results[:count], strict=True))
    sweep.tangent.update(zip((o for o in i.outs if differentiable(o.type)), results[count:], strict=True))


def _as_it_is(sweep: Forward, i: Instr, b: Builder) -> None:
    b.body.append(clone_instr(i, sweep.env))
