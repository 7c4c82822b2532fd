"""Complex numbers in generated code: a pair of registers each. Arithmetic on them has become arithmetic on the parts before (see legalise), so here
they are only moved, put together and taken apart; in memory they lie as NumPy has them, the parts side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oneform.codegen.scalars import itemsize, literal, llvm_type, lower_scalar
from oneform.ir import Instr
from oneform.types import DType, element, real_dtype

if TYPE_CHECKING:
    from oneform.codegen.emit import Emitter


@dataclass(frozen=True, slots=True)
class Cpx:
    """The registers of the parts."""

    re: str
    im: str


Number = str | Cpx


def registers(x: Number) -> tuple[str, ...]:
    """The registers that hold a number."""
    return (x.re, x.im) if isinstance(x, Cpx) else (x,)


def register_types(d: DType) -> tuple[str, ...]:
    """Their LLVM types."""
    return (llvm_type(real_dtype(d)),) * (2 if d.kind == "c" else 1)


def regrouped(names: Sequence[str], dtypes: Sequence[DType]) -> list[Number]:
    """The numbers of these dtypes again from their registers."""
    rest = iter(names)
    return [Cpx(next(rest), next(rest)) if d.kind == "c" else next(rest) for d in dtypes]


def number(value: Any, d: DType) -> Number:
    """A constant."""
    if d.kind != "c":
        return literal(value, d)
    whole, part = complex(value), real_dtype(d)
    return Cpx(literal(whole.real, part), literal(whole.imag, part))


def lower_number(em: Emitter, i: Instr) -> Number:
    """Emit a pointwise operation on numbers. To put a complex one together, or to take it apart, is no instruction."""
    template = i.op.lower.get(element(i.args[-1].type).kind, "") if isinstance(i.op.lower, Mapping) else ""
    match template:
        case "pair:complex":
            return Cpx(em.scalar(i.args[0]), em.scalar(i.args[1]))
        case "pair:real" | "pair:imag":
            z = em.number(i.args[0])
            assert isinstance(z, Cpx)
            return z.re if template == "pair:real" else z.im
        case _:
            return lower_scalar(em, i)


def load_parts(em: Emitter, d: DType, at: str) -> Cpx:
    return Cpx(*(em.ins(f"load {t}, ptr {place}{em.number_tag}") for t, place in _places(em, d, at)))


def store_parts(em: Emitter, x: Cpx, d: DType, at: str) -> None:
    for (t, place), part in zip(_places(em, d, at), registers(x), strict=True):
        em.do(f"store {t} {part}, ptr {place}{em.number_tag}")


def _places(em: Emitter, d: DType, at: str) -> list[tuple[str, str]]:
    """LLVM type and address of both parts."""
    t, _ = register_types(d)
    return [(t, at), (t, em.ins(f"getelementptr inbounds nuw i8, ptr {at}, i64 {itemsize(real_dtype(d))}"))]


# ---------------------------------------------------------------- what accumulation needs


def plus(em: Emitter, d: DType, x: Number, y: Number, flags: str) -> Number:
    """x + y, part by part."""
    op = "add" if d.kind == "i" else f"fadd {flags}"
    sums = [em.ins(f"{op} {t} {a}, {b}") for t, a, b in zip(register_types(d), registers(x), registers(y), strict=True)]
    return regrouped(sums, [d])[0]


def product(em: Emitter, d: DType, x: Cpx, y: Cpx, flags: str) -> Cpx:
    """(ac - bd) + (ad + bc)i"""
    t, _ = register_types(d)
    ac, bd, ad, bc = (em.ins(f"fmul {flags} {t} {p}, {q}") for p, q in ((x.re, y.re), (x.im, y.im), (x.re, y.im), (x.im, y.re)))
    return Cpx(em.ins(f"fsub {flags} {t} {ac}, {bd}"), em.ins(f"fadd {flags} {t} {ad}, {bc}"))
