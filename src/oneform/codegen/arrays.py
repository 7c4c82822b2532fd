"""Generators for arrays as memory, constants and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from oneform.codegen.complexes import Cpx, Number, load_parts, number, plus, store_parts
from oneform.codegen.emit import Arr, Emitter, Lst, Rep, generator
from oneform.codegen.loops import counted, fill_shape
from oneform.codegen.scalars import memory_type
from oneform.ir import Instr, Value
from oneform.layout import is_small
from oneform.types import Array, DType, List, Scalar, Type


@generator("const")
def _const(em: Emitter, i: Instr) -> Sequence[Rep]:
    return (number(i.attrs["value"], i.attrs["dtype"]),)


@generator("undef")
def _undef(em: Emitter, i: Instr) -> Sequence[Rep]:
    t: Type = i.attrs["type"]
    match t:
        case Scalar(d):
            return (number(0, d),)
        case List():
            return (Lst(t, "null", "0", "0"),)
        case Array(d, shape):
            return (em.slot(t) if is_small(t) else Arr(d, "null", tuple(str(n) if isinstance(n, int) else "0" for n in shape)),)


# ---------------------------------------------------------------- allocation


def allocate(em: Emitter, i: Instr, k: int, lengths: Sequence[str]) -> Arr:
    """Memory for result k of an allocating instruction: scratch made before a loop, or new."""
    t = i.outs[k].type
    assert isinstance(t, Array)
    scratch = em.scratch.get((i, k))
    if scratch is not None:
        em.need(scratch.ptr)
        return scratch
    return em.new_array(t, fill_shape(t, lengths))


@generator("empty")
def _empty(em: Emitter, i: Instr) -> Sequence[Rep]:
    return (allocate(em, i, 0, [em.scalar(a) for a in i.args]),)


@generator("full")
def _full(em: Emitter, i: Instr) -> Sequence[Rep]:
    out = allocate(em, i, 0, [em.scalar(a) for a in i.args[1:]])
    fill(em, out, em.number(i.args[0]))
    return (out,)


def fill(em: Emitter, out: Arr, value: Number) -> None:
    stored = to_memory(em, value, out.dtype)

    def body(k: str, _: Sequence[str]) -> list[str]:
        store(em, out, k, stored)
        return []

    counted(em, "0", em.count(out.dims, False), [], body)


@generator("copy")
def _copy(em: Emitter, i: Instr) -> Sequence[Rep]:
    rep = em.env[i.args[0]]
    if i in em.plan.moved_copies:
        return (rep,)
    if isinstance(rep, Lst):
        return (em.duplicate(rep, i.outs[0].type),)
    source = em.array(i.args[0])
    if (i, 0) not in em.scratch:
        return (em.duplicate(source, i.outs[0].type),)
    out = allocate(em, i, 0, ())
    em.move_bytes(out.ptr, source.ptr, source.dtype, source.dims)
    return (out,)


@generator("dim")
def _dim(em: Emitter, i: Instr) -> Sequence[Rep]:
    return (em.array(i.args[0]).dims[i.attrs["axis"]],)


# ---------------------------------------------------------------- elements


def to_memory(em: Emitter, x: Number, d: DType) -> Number:
    return em.ins(f"zext i1 {x} to i8") if d.kind == "b" else x


def flat_index(em: Emitter, a: Arr, indices: Sequence[str]) -> str:
    """Row-major; indices are in range, so nothing wraps."""
    flat = indices[0]
    for n, k in zip(a.dims[1:], indices[1:], strict=True):
        flat = _folded(em, "add", _folded(em, "mul", flat, n), k)
    return flat


def element_index(em: Emitter, a: Arr, indices: Sequence[Value]) -> str:
    """The row-major index of an element. What a reshape has taken apart by the same lengths is put together again without a division:
    (x // n) n + x % n = x, and (x // n + s) n + x % n = x + s n."""
    outer, rest = indices[0], list(zip(a.dims[1:], indices[1:], strict=True))
    further = ""  # elements, in whole rows; it may be negative where there are rows enough
    while rest:
        n, k = rest[0]
        found = _whole_rows(em, outer)
        if found is None or not _left_over(em, k, found[0]) or em.scalar(found[0].args[1]) != n:
            break
        quotient, more = found
        if more is not None:
            further = em.ins(f"add nsw i64 {further}, {em.scalar(more)}") if further else em.scalar(more)
        if further:
            further = em.ins(f"mul nsw i64 {further}, {n}")
        outer = quotient.args[0]
        del rest[0]
    folded = Arr(a.dtype, a.ptr, (a.dims[0], *(n for n, _ in rest)))
    first = em.ins(f"add nsw i64 {em.scalar(outer)}, {further}") if further else em.scalar(outer)
    return flat_index(em, folded, [first, *(em.scalar(k) for _, k in rest)])


def _whole_rows(em: Emitter, v: Value) -> tuple[Instr, Value | None] | None:
    """The quotient that an index is, or is more than by something."""
    i = em.plan.makers.get(v)
    if i is None or not all(a in em.env for a in i.args):
        return None
    if _is(i, "generate:floordiv"):
        return i, None
    if _is(i, "add"):
        for k, a in enumerate(i.args):
            inner = em.plan.makers.get(a)
            if inner is not None and _is(inner, "generate:floordiv") and all(b in em.env for b in inner.args):
                return inner, i.args[1 - k]
    return None


def _left_over(em: Emitter, k: Value, quotient: Instr) -> bool:
    """Whether k is x % n, or x - (x // n) n, of the quotient x // n."""
    i = em.plan.makers.get(k)
    if i is None:
        return False
    if _is(i, "generate:mod"):
        return i.args == quotient.args
    product = em.plan.makers.get(i.args[1]) if _is(i, "sub") and i.args[0] is quotient.args[0] else None
    return product is not None and _is(product, "mul") and product.args in ((quotient.outs[0], quotient.args[1]), (quotient.args[1], quotient.outs[0]))


def _is(i: Instr, how: str) -> bool:
    """Whether an instruction is this on integers."""
    return isinstance(i.op.lower, Mapping) and i.op.lower.get("i") == how


def _folded(em: Emitter, kind: str, x: str, y: str) -> str:
    """x + y or x y of indices, without an instruction where constants make it needless."""
    if x.isdigit() and y.isdigit():
        return str(int(x) + int(y) if kind == "add" else int(x) * int(y))
    if kind == "add" and "0" in (x, y):
        return y if x == "0" else x
    if kind == "mul" and (x == "0" or y == "1"):
        return x
    return em.ins(f"{kind} nuw nsw i64 {x}, {y}")


def address(em: Emitter, a: Arr, index: str) -> str:
    return a.ptr if index == "0" else em.ins(f"getelementptr inbounds nuw {memory_type(a.dtype)}, ptr {a.ptr}, i64 {index}")


def load(em: Emitter, a: Arr, index: str) -> Number:
    return load_at(em, a.dtype, address(em, a, index))


def load_at(em: Emitter, d: DType, at: str) -> Number:
    """The number at an address."""
    if d.kind == "c":
        return load_parts(em, d, at)
    if d.kind != "b":
        return em.ins(f"load {memory_type(d)}, ptr {at}{em.number_tag}")
    return em.ins(f"icmp ne i8 {em.ins(f'load i8, ptr {at}{em.number_tag}')}, 0")


def store(em: Emitter, a: Arr, index: str, stored: Number) -> None:
    """`stored` is as memory has it: see to_memory."""
    store_at(em, a.dtype, address(em, a, index), stored)


def store_at(em: Emitter, d: DType, at: str, stored: Number) -> None:
    if isinstance(stored, Cpx):
        return store_parts(em, stored, d, at)
    em.do(f"store {memory_type(d)} {stored}, ptr {at}{em.number_tag}")


def sum_of(em: Emitter, d: DType, x: Number, y: Number, flags: str) -> Number:
    """x + y; of bools, whether one holds."""
    return em.ins(f"or i1 {x}, {y}") if d.kind == "b" else plus(em, d, x, y, flags)


@generator("get")
def _get(em: Emitter, i: Instr) -> Sequence[Rep]:
    a = em.array(i.args[0])
    return (load(em, a, element_index(em, a, i.args[1:])),)


@generator("set")
def _set(em: Emitter, i: Instr) -> Sequence[Rep]:
    a = em.operand(i, 0)
    assert isinstance(a, Arr)
    store(em, a, element_index(em, a, i.args[2:]), to_memory(em, em.number(i.args[1]), a.dtype))
    return (a,)


@generator("add_at")
def _add_at(em: Emitter, i: Instr) -> Sequence[Rep]:
    a = em.operand(i, 0)
    assert isinstance(a, Arr)
    index = element_index(em, a, i.args[2:])
    old, v = load(em, a, index), em.number(i.args[1])
    store(em, a, index, to_memory(em, sum_of(em, a.dtype, old, v, em.flags(i.attrs)), a.dtype))
    return (a,)


# ---------------------------------------------------------------- checks


def out_of_bounds(axis: int | None) -> str:
    """What NumPy says of an index into an array, and Python of one into a list (no axis)."""
    return "list index out of range" if axis is None else f"index {{0}} is out of bounds for axis {axis} with size {{1}}"


@generator("index")
def _index(em: Emitter, i: Instr) -> Sequence[Rep]:
    raw, n = em.scalar(i.args[0]), em.scalar(i.args[1])
    if em.certain.get(i):
        return (raw,)
    if raw.lstrip("-").isdigit():
        k = raw if int(raw) >= 0 else em.ins(f"add i64 {n}, {raw}")
    else:
        below, up = em.ins(f"icmp slt i64 {raw}, 0"), em.ins(f"add i64 {raw}, {n}")
        k = em.ins(f"select i1 {below}, i64 {up}, i64 {raw}")
    if i.attrs["checked"] and em.options.boundscheck and i not in em.certain:
        from_types = [element_dtype(a.type) for a in i.args]
        axis = i.attrs["axis"]
        if not (k.isdigit() and n.isdigit() and int(k) < int(n)):
            fine = em.ins(f"icmp ult i64 {k}, {n}")
            em.check(fine, "index", "IndexError", out_of_bounds(axis), axis, i.loc, list(zip((raw, n), from_types, strict=True)))
    return (k,)


def element_dtype(t: Type) -> DType:
    assert isinstance(t, Scalar)
    return t.dtype


@generator("assert")
def _assert(em: Emitter, i: Instr) -> Sequence[Rep]:
    details = [(em.number(a), element_dtype(a.type)) for a in i.args[1:]]
    em.check(em.scalar(i.args[0]), "assert", i.attrs["error"], i.attrs["message"], None, i.loc, details)
    return ()
