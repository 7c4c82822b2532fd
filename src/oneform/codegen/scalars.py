"""Scalar operations: the templates of the op table, and the generators it names where one LLVM instruction does not do."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oneform.codegen.target import vector_variants
from oneform.errors import CompileError, InternalError
from oneform.ir import Attrs, Instr
from oneform.types import DType, Scalar, element, real_dtype

if TYPE_CHECKING:
    from oneform.codegen.emit import Emitter

LLVM_TYPES = {"bool": "i1", "i32": "i32", "i64": "i64", "f32": "float", "f64": "double"}
MEMORY_TYPES = {**LLVM_TYPES, "bool": "i8", "c64": "{ float, float }", "c128": "{ double, double }"}
SUFFIXES = {"bool": "i1", "i32": "i32", "i64": "i64", "f32": "f32", "f64": "f64"}


def llvm_type(d: DType) -> str:
    try:
        return LLVM_TYPES[d.name]
    except KeyError:
        raise CompileError("E301", f"code for {d} is not generated yet") from None


def memory_type(d: DType) -> str:
    return MEMORY_TYPES[d.name]


def itemsize(d: DType) -> int:
    return d.bits // 8


def alignment(d: DType) -> int:
    """Of elements in an array: complex numbers are aligned as their parts."""
    return itemsize(real_dtype(d))


def slots(d: DType) -> int:
    """How many 8-byte places a number takes among the results."""
    return (itemsize(d) + 7) // 8


def literal(value: Any, d: DType) -> str:
    """A constant as LLVM writes it; floats by their bits, so that nothing is rounded."""
    if d.kind == "b":
        return "true" if value else "false"
    if d.kind == "i":
        return str(int(value))
    exact = float(d.numpy.type(value))
    return f"0x{struct.unpack('<Q', struct.pack('<d', exact))[0]:016X}"


def lower_scalar(em: Emitter, i: Instr) -> str:
    """Emit a pointwise operation on scalars."""
    assert isinstance(i.op.lower, Mapping)
    args = [em.scalar(a) for a in i.args]
    model = element(i.args[-1].type)
    template = i.op.lower.get(model.kind)
    if template is None:
        raise CompileError("E301", f"code for {i.op.name} of {model} is not generated yet", i.loc)
    kind, _, name = template.partition(":")
    if kind == "generate":
        return GENERATORS[name](em, i, args, model)
    t, flags = llvm_type(model), em.flags(i.attrs)
    if kind == "intrinsic":
        return intrinsic(em, name, args, model)
    if kind == "libm":
        return libm(em, name, args, model)
    if "{" in template:
        return em.ins(template.format(*args, T=t, S=SUFFIXES[model.name], fm=flags))
    return em.ins(f"{template} {flags + ' ' if model.kind == 'f' else ''}{t} {', '.join(args)}")


def intrinsic(em: Emitter, name: str, args: Sequence[str], d: DType) -> str:
    t = llvm_type(d)
    return em.ins(f"call {t} @llvm.{name}.{SUFFIXES[d.name]}({', '.join(f'{t} {a}' for a in args)})")


def libm(em: Emitter, name: str, args: Sequence[str], d: DType) -> str:
    """A call of the C library; loops over it are widened where the machine has a vector form of it."""
    t, symbol = llvm_type(d), name if d.bits == 64 else name + "f"
    em.declare(symbol, f"declare {t} @{symbol}({', '.join([t] * len(args))}) #5")
    variants = vector_variants(symbol, len(args), d.bits) if em.options.fastmath is not False else ()
    group = em.vector_group(symbol, variants, t, len(args)) if variants else "#5"
    return em.ins(f"call {t} @{symbol}({', '.join(f'{t} {a}' for a in args)}) {group}")


def widths(em: Emitter, i: Instr) -> list[int]:
    """For how many elements at a time the machine has the function that an instruction calls."""
    if not isinstance(i.op.lower, Mapping) or not isinstance(i.args[-1].type, Scalar) or em.options.fastmath is False:
        return []
    model = i.args[-1].type.dtype
    kind, _, name = (i.op.lower.get(model.kind) or "").partition(":")
    return [n for _, n in vector_variants(name if model.bits == 64 else name + "f", len(i.args), model.bits)] if kind == "libm" else []


# ---------------------------------------------------------------- generators

Generator = Callable[["Emitter", Instr, "list[str]", DType], str]


def convert_scalar(em: Emitter, x: str, source: DType, target: DType) -> str:
    """Another dtype. Floats out of an integer's range saturate and NaN becomes 0, where C leaves it undefined."""
    s, t = llvm_type(source), llvm_type(target)
    if source == target:
        return x
    match source.kind, target.kind:
        case "b", "f":
            return em.ins(f"select i1 {x}, {t} {literal(1.0, target)}, {t} {literal(0.0, target)}")  # of vectors a masked move
        case "b", "i":
            return em.ins(f"zext {s} {x} to {t}")
        case "i", "b":
            return em.ins(f"icmp ne {s} {x}, 0")
        case "f", "b":
            return em.ins(f"fcmp une {s} {x}, 0.0")
        case "i", "f":
            return em.ins(f"sitofp {s} {x} to {t}")
        case "f", "i":
            return em.ins(f"call {t} @llvm.fptosi.sat.{SUFFIXES[target.name]}.{SUFFIXES[source.name]}({s} {x})")
        case "i", "i":
            return em.ins(f"{'sext' if target.bits > source.bits else 'trunc'} {s} {x} to {t}")
        case "f", "f":
            return em.ins(f"{'fpext' if target.bits > source.bits else 'fptrunc'} {s} {x} to {t}")
        case kinds:
            raise InternalError(f"no conversion between kinds {kinds}")


def _convert(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    return convert_scalar(em, args[0], d, i.attrs["dtype"])


def _identity(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    return args[0]


def _sign(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    """(x > 0) - (x < 0); NaN stays."""
    x, t = args[0], llvm_type(d)
    if d.kind == "i":
        up, down = em.ins(f"icmp sgt {t} {x}, 0"), em.ins(f"ashr {t} {x}, {d.bits - 1}")
        return em.ins(f"select i1 {up}, {t} 1, {t} {down}")
    up, down, nan = em.ins(f"fcmp ogt {t} {x}, 0.0"), em.ins(f"fcmp olt {t} {x}, 0.0"), em.ins(f"fcmp uno {t} {x}, 0.0")
    kept = em.ins(f"select i1 {nan}, {t} {x}, {t} 0.0")
    negative = em.ins(f"select i1 {down}, {t} -1.0, {t} {kept}")
    return em.ins(f"select i1 {up}, {t} 1.0, {t} {negative}")


def _guarded(em: Emitter, x: str, y: str, d: DType) -> tuple[str, str]:
    """A divisor that cannot trap, 1 where y is 0 or where the quotient overflows; and whether y is 0."""
    t = llvm_type(d)
    zero = em.ins(f"icmp eq {t} {y}, 0")
    if y.lstrip("-").isdigit() and y not in ("0", "-1"):
        return y, zero
    least, minus = em.ins(f"icmp eq {t} {x}, {-(1 << (d.bits - 1))}"), em.ins(f"icmp eq {t} {y}, -1")
    over = em.ins(f"and i1 {least}, {minus}")
    bad = em.ins(f"or i1 {zero}, {over}")
    return em.ins(f"select i1 {bad}, {t} 1, {t} {y}"), zero


def _integer_divmod(em: Emitter, x: str, y: str, d: DType) -> tuple[str, str]:
    """Quotient rounded down and remainder with the divisor's sign; both 0 for a divisor of 0, as NumPy has it."""
    t = llvm_type(d)
    safe, zero = _guarded(em, x, y, d)
    q, r = em.ins(f"sdiv {t} {x}, {safe}"), em.ins(f"srem {t} {x}, {safe}")
    signs, some = em.ins(f"xor {t} {r}, {safe}"), em.ins(f"icmp ne {t} {r}, 0")
    differ = em.ins(f"icmp slt {t} {signs}, 0")
    fix = em.ins(f"and i1 {some}, {differ}")
    down, up = em.ins(f"add {t} {q}, -1"), em.ins(f"add {t} {r}, {safe}")
    q, r = em.ins(f"select i1 {fix}, {t} {down}, {t} {q}"), em.ins(f"select i1 {fix}, {t} {up}, {t} {r}")
    return em.ins(f"select i1 {zero}, {t} 0, {t} {q}"), em.ins(f"select i1 {zero}, {t} 0, {t} {r}")


def _float_mod(em: Emitter, x: str, y: str, d: DType) -> str:
    """C's remainder, moved to the sign of y."""
    t, flags = llvm_type(d), em.flags({})
    m = libm(em, "fmod", [x, y], d)
    some, below, negative = em.ins(f"fcmp une {t} {m}, 0.0"), em.ins(f"fcmp olt {t} {m}, 0.0"), em.ins(f"fcmp olt {t} {y}, 0.0")
    differ = em.ins(f"xor i1 {below}, {negative}")
    fix = em.ins(f"and i1 {some}, {differ}")
    moved, zero = em.ins(f"fadd {flags} {t} {m}, {y}"), intrinsic(em, "copysign", ["0.0", y], d)
    exact = em.ins(f"select i1 {some}, {t} {m}, {t} {zero}")
    r = em.ins(f"select i1 {fix}, {t} {moved}, {t} {exact}")
    none = em.ins(f"fcmp oeq {t} {y}, 0.0")
    return em.ins(f"select i1 {none}, {t} {m}, {t} {r}")


def _mod(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    x, y = args
    return _integer_divmod(em, x, y, d)[1] if d.kind == "i" else _float_mod(em, x, y, d)


def _floordiv(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    """Floats: NumPy's algorithm, floor((x - mod(x, y)) / y) with the quotient snapped to the nearest integer."""
    (x, y), t = args, llvm_type(d)
    if d.kind == "i":
        return _integer_divmod(em, x, y, d)[0]
    m = libm(em, "fmod", [x, y], d)
    exact = em.ins(f"fsub {t} {x}, {m}")
    q = em.ins(f"fdiv {t} {exact}, {y}")
    some, below, negative = em.ins(f"fcmp une {t} {m}, 0.0"), em.ins(f"fcmp olt {t} {m}, 0.0"), em.ins(f"fcmp olt {t} {y}, 0.0")
    differ = em.ins(f"xor i1 {below}, {negative}")
    fix = em.ins(f"and i1 {some}, {differ}")
    less = em.ins(f"fsub {t} {q}, 1.0")
    q = em.ins(f"select i1 {fix}, {t} {less}, {t} {q}")
    floor = intrinsic(em, "floor", [q], d)
    rest = em.ins(f"fsub {t} {q}, {floor}")
    high, up = em.ins(f"fcmp ogt {t} {rest}, 0.5"), em.ins(f"fadd {t} {floor}, 1.0")
    snapped = em.ins(f"select i1 {high}, {t} {up}, {t} {floor}")
    ratio = em.ins(f"fdiv {t} {x}, {y}")
    zero, nothing = intrinsic(em, "copysign", ["0.0", ratio], d), em.ins(f"fcmp oeq {t} {q}, 0.0")
    result = em.ins(f"select i1 {nothing}, {t} {zero}, {t} {snapped}")
    none = em.ins(f"fcmp oeq {t} {y}, 0.0")
    return em.ins(f"select i1 {none}, {t} {ratio}, {t} {result}")


def _power(em: Emitter, x: str, n: int, d: DType, flags: str) -> str:
    """x**n for n >= 1 by squaring."""
    op = f"fmul {flags} {llvm_type(d)}" if d.kind == "f" else f"mul {llvm_type(d)}"
    result = ""
    while n:
        if n & 1:
            result = em.ins(f"{op} {result}, {x}") if result else x
        n >>= 1
        if n:
            x = em.ins(f"{op} {x}, {x}")
    return result


def _powi(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    n, t, flags = int(i.attrs["n"]), llvm_type(d), em.flags(i.attrs)
    if n == 0:
        return literal(1, d)
    if abs(n) > 64 and d.kind == "f":
        return libm(em, "pow", [args[0], literal(n, d)], d)
    if n < 0 and d.kind == "i":
        raise CompileError("E101", "integers to negative integer powers are not allowed", i.loc)
    y = _power(em, args[0], abs(n), d, flags)
    return y if n > 0 else em.ins(f"fdiv {flags} {t} 1.0, {y}")


def _ipow(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    t = llvm_type(d)
    fine = em.ins(f"icmp sge {t} {args[1]}, 0")
    em.check(fine, "assert", "ValueError", "integers to negative integer powers are not allowed", None, i.loc, [])
    em.use(f"ipow.{t}")
    return em.ins(f"call {t} @of.ipow.{t}({t} {args[0]}, {t} {args[1]})")


def _logaddexp(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    """max(x, y) + log1p(exp(-|x - y|)); x + log 2 where they are equal, infinities included."""
    (x, y), t = args, llvm_type(d)
    same, greater = em.ins(f"fcmp oeq {t} {x}, {y}"), em.ins(f"fcmp ogt {t} {x}, {y}")
    top, gap = em.ins(f"select i1 {greater}, {t} {x}, {t} {y}"), em.ins(f"fsub {t} {x}, {y}")
    size = intrinsic(em, "fabs", [gap], d)
    small = libm(em, "log1p", [libm(em, "exp", [em.ins(f"fneg {t} {size}")], d)], d)
    log2 = literal(0.6931471805599453, d)
    both, apart = em.ins(f"fadd {t} {x}, {log2}"), em.ins(f"fadd {t} {top}, {small}")
    return em.ins(f"select i1 {same}, {t} {both}, {t} {apart}")


def _masked_mul(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
    (x, y), t = args, llvm_type(d)
    nothing, product = em.ins(f"fcmp oeq {t} {x}, {literal(0.0, d)}"), em.ins(f"fmul {t} {x}, {y}")
    return em.ins(f"select i1 {nothing}, {t} {literal(0.0, d)}, {t} {product}")


def _is(predicate: str) -> Generator:
    def generate(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
        size = intrinsic(em, "fabs", args, d)
        return em.ins(f"fcmp {predicate} {llvm_type(d)} {size}, {literal(float('inf'), d)}")

    return generate


def _shift(op: str) -> Generator:
    """Shifts by as many bits as there are or more (negative counts are such) leave 0, or the sign."""

    def generate(em: Emitter, i: Instr, args: list[str], d: DType) -> str:
        (x, n), t = args, llvm_type(d)
        inside = em.ins(f"icmp ult {t} {n}, {d.bits}")
        count = em.ins(f"select i1 {inside}, {t} {n}, {t} {d.bits - 1}")
        shifted = em.ins(f"{op} {t} {x}, {count}")
        return shifted if op == "ashr" else em.ins(f"select i1 {inside}, {t} {shifted}, {t} 0")

    return generate


GENERATORS: dict[str, Generator] = {
    "convert": _convert, "identity": _identity, "sign": _sign, "mod": _mod, "floordiv": _floordiv, "powi": _powi, "ipow": _ipow,
    "logaddexp": _logaddexp, "isinf": _is("oeq"), "isfinite": _is("olt"), "shl": _shift("shl"), "shr": _shift("ashr"),
    "masked_mul": _masked_mul,
}  # fmt: skip


def flags_of(fastmath: bool | None, attrs: Attrs) -> str:
    if fastmath is None:
        return "reassoc contract" if attrs.get("reassoc") else "contract"
    return "fast" if fastmath else ""
