"""Marks that let a custom rule stand in a program whose derivative is taken: each is its first operand, told apart by what its derivative is.

    f = frozen x        f = x,  no derivative
    s = shadow x        ds = dx: a tangent of x, as a value that reverse mode can transpose (what it is does not matter)
    y = attach r, s     y = r,  dy = ds
    y… = pull r…, x…    y = r,  ct(x)… from ct(y)… by the region

They exist within one reverse transform only, which removes them at its end: to the next derivative the rule is a function like others."""

from __future__ import annotations

from typing import Any, NoReturn

from oneform.errors import InternalError
from oneform.ir import Instr, Op
from oneform.types import Array

_REASON = {"derivative": "it is a constant to this derivative"}


def _same(types: tuple[Any, ...], attrs: Any, regions: Any) -> tuple[Any, ...]:
    return types[: attrs.get("count", 1)]


def _no_meaning(*_: Any, **__: Any) -> NoReturn:
    raise InternalError("a mark of a custom rule outside the reverse transform")


def _pass_on(operand: int) -> Any:
    return lambda t, instr: t.pass_on(instr.outs[0], instr.args[operand])


FROZEN = Op("frozen", "The operand, as a constant.", _same, _no_meaning, cost=0, missing=_REASON)
SHADOW = Op("shadow", "A tangent of the operand.", _same, _no_meaning, partials=lambda x, y: (1,), cost=0)
SHADOW_ARRAY = Op("shadow", "A tangent of the operand.", _same, _no_meaning, transpose=_pass_on(0), cost=0)
ATTACH = Op("attach", "The first operand, with the second for a tangent.", _same, _no_meaning, partials=lambda r, s, y: (None, 1), cost=0)
ATTACH_ARRAY = Op("attach", "The first operand, with the second for a tangent.", _same, _no_meaning, transpose=_pass_on(1), cost=0)
PULL = Op("pull", "The first operands; the region pulls their cotangents back to the others.", _same, _no_meaning, structure="pull", cost=0)
SHADOWS, ATTACHES = (SHADOW, SHADOW_ARRAY), (ATTACH, ATTACH_ARRAY)
MARKS = frozenset({FROZEN, *SHADOWS, *ATTACHES, PULL})


def shadow_of(t: Any) -> Op:
    return SHADOW_ARRAY if isinstance(t, Array) else SHADOW


def attach_to(t: Any) -> Op:
    return ATTACH_ARRAY if isinstance(t, Array) else ATTACH


def plain(i: Instr) -> Instr:
    """What the forward sweep keeps of an instruction: of an `attach` its value, so that nobody computes the tangent again for it."""
    return Instr(FROZEN, i.args[:1], {}, (), i.outs, i.loc) if i.op in ATTACHES else i
