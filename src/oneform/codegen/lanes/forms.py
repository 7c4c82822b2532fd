"""Pointwise operations on vectors of rounds: the templates of the op table with vectors for numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from oneform.codegen.emit import Emitter
from oneform.codegen.scalars import SUFFIXES, literal, llvm_type
from oneform.codegen.target import vector_bytes, vector_variants
from oneform.codegen.vectormath import form
from oneform.ir import Instr, Value
from oneform.types import DType, Scalar

_PLAIN = re.compile(r"[a-z ]+\Z")


def vector_type(d: DType, lanes: int) -> str:
    return f"<{lanes} x {llvm_type(d)}>"


def has_form(em: Emitter, i: Instr, d: DType) -> bool:
    """Whether an instruction on numbers of type d and truth values, with such a result, can be written for vectors."""
    if not isinstance(i.op.lower, Mapping) or not all(_fits(v, d) for v in (*i.args, *i.outs)):
        return False
    return text_of(em, i, vector_bytes() * 8 // d.bits) is not None


def _fits(v: Value, d: DType) -> bool:
    return isinstance(v.type, Scalar) and (v.type.dtype == d or v.type.dtype.kind == "b")


def emit_form(em: Emitter, i: Instr, lanes: int, args: Sequence[str]) -> str:
    """The instruction on these vectors."""
    text = text_of(em, i, lanes)
    assert text is not None
    for line in text[:-1]:
        args = [*args, em.ins(line.format(*args))]
    if (called := re.search(r"(<\d+ x \w+>) @((?:_ZGV|of\.)[\w.]+)", text[-1])) is not None:
        em.variant_lines[called[2]] = form(called[2], called[1], len(i.args))
    return em.ins(text[-1].format(*args)) if text[-1] else args[-1]


def text_of(em: Emitter, i: Instr, lanes: int) -> tuple[str, ...] | None:
    """The lines of an instruction on vectors; the operands are in braces, followed by the results of the lines before. An empty line is its operand."""
    assert isinstance(i.op.lower, Mapping)
    a = i.args[-1].type
    assert isinstance(a, Scalar)
    d, flags, vector = a.dtype, em.flags(i.attrs), vector_type(a.dtype, lanes)
    kind, _, name = (i.op.lower.get(d.kind) or "generate:").partition(":")
    operands = ", ".join(f"{vector} {{{k}}}" for k in range(len(i.args)))
    if kind == "generate":
        return _generated(i, name, d, lanes, flags)
    if kind == "intrinsic":
        return (f"call {vector} @llvm.{name}.v{lanes}{SUFFIXES[d.name]}({operands})",)
    if kind == "libm":
        found = vector_variants(name if d.bits == 64 else name + "f", len(i.args), d.bits) if em.options.fastmath is not False else ()
        called = [symbol for symbol, width in found if width == lanes]
        return (f"call {vector} @{called[0]}({operands}) #5",) if called else None
    if _PLAIN.match(kind):
        return (f"{kind} {flags + ' ' if d.kind == 'f' else ''}{vector} {', '.join(f'{{{k}}}' for k in range(len(i.args)))}",)
    if "true" in kind:
        kind = kind.replace("true", "splat (i1 true)")
    text = kind.replace("select i1", f"select <{lanes} x i1>").replace("{T}", vector).replace("{fm}", flags)
    return (re.sub(rf"({re.escape(vector)}) (\d+\.\d+)", rf"\1 splat ({llvm_type(d)} \2)", text),)


def _generated(i: Instr, name: str, d: DType, lanes: int, flags: str) -> tuple[str, ...] | None:
    """What scalar code writes in several lines."""
    out = i.outs[0].type
    assert isinstance(out, Scalar)
    vector, t = vector_type(d, lanes), llvm_type(d)
    match name:
        case "identity":
            return ("",)
        case "convert":
            if d == out.dtype:
                return ("",)
            if d.kind != "b":
                return None
            to, one, zero = vector_type(out.dtype, lanes), literal(1.0, out.dtype), literal(0.0, out.dtype)
            return (f"select {vector} {{0}}, {to} splat ({llvm_type(out.dtype)} {one}), {to} splat ({llvm_type(out.dtype)} {zero})",)
        case "masked_mul":
            zero = f"splat ({t} {literal(0.0, d)})"
            return (
                f"fcmp oeq {vector} {{0}}, {zero}", f"fmul {vector} {{0}}, {{1}}", f"select <{lanes} x i1> {{2}}, {vector} {zero}, {vector} {{3}}",
            )  # fmt: skip
        case "powi" if 2 <= int(i.attrs["n"]) <= 4 and d.kind == "f":
            n = int(i.attrs["n"])
            square, by = f"fmul {flags} {vector} {{0}}, {{0}}", f"fmul {flags} {vector} {{1}}, "
            return (square,) if n == 2 else (square, by + ("{0}" if n == 3 else "{1}"))
        case _:
            return None
