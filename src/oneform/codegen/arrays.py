"""Generators for arrays as memory, constants, checks and stacks."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.codegen.emit import STACKS, Arr, Emitter, Rep, Stk, generator
from oneform.codegen.loops import counted, fill_shape
from oneform.codegen.memory import is_small
from oneform.codegen.scalars import itemsize, literal, llvm_type, memory_type
from oneform.ir import Instr
from oneform.types import Array, DType, Scalar, Stack, Type


@generator("const")
def _const(em: Emitter, i: Instr) -> Sequence[Rep]:
    return (literal(i.attrs["value"], i.attrs["dtype"]),)


@generator("undef")
def _undef(em: Emitter, i: Instr) -> Sequence[Rep]:
    t: Type = i.attrs["type"]
    match t:
        case Scalar(d):
            return (literal(0, d),)
        case Stack():
            return (Stk(t, "null", "0", "0"),)
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
    fill(em, out, em.scalar(i.args[0]))
    return (out,)


def fill(em: Emitter, out: Arr, value: str) -> None:
    stored = to_memory(em, value, out.dtype)

    def body(k: str, _: Sequence[str]) -> list[str]:
        store(em, out, k, stored)
        return []

    counted(em, "0", em.count(out.dims, False), [], body)


@generator("copy")
def _copy(em: Emitter, i: Instr) -> Sequence[Rep]:
    source = em.array(i.args[0])
    if i in em.plan.moved_copies:
        return (source,)
    if (i, 0) not in em.scratch:
        return (em.duplicate(source, i.outs[0].type),)
    out = allocate(em, i, 0, ())
    em.move_bytes(out.ptr, source.ptr, source.dtype, source.dims)
    return (out,)


@generator("dim")
def _dim(em: Emitter, i: Instr) -> Sequence[Rep]:
    return (em.array(i.args[0]).dims[i.attrs["axis"]],)


# ---------------------------------------------------------------- elements


def to_memory(em: Emitter, x: str, d: DType) -> str:
    return em.ins(f"zext i1 {x} to i8") if d.kind == "b" else x


def flat_index(em: Emitter, a: Arr, indices: Sequence[str]) -> str:
    """Row-major; indices are in range, so nothing wraps."""
    flat = indices[0]
    for n, k in zip(a.dims[1:], indices[1:], strict=True):
        flat = _folded(em, "add", _folded(em, "mul", flat, n), k)
    return flat


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


def load(em: Emitter, a: Arr, index: str) -> str:
    at = address(em, a, index)
    if a.dtype.kind != "b":
        return em.ins(f"load {memory_type(a.dtype)}, ptr {at}")
    return em.ins(f"icmp ne i8 {em.ins(f'load i8, ptr {at}')}, 0")


def store(em: Emitter, a: Arr, index: str, stored: str) -> None:
    """`stored` is as memory has it: see to_memory."""
    at = address(em, a, index)
    em.do(f"store {memory_type(a.dtype)} {stored}, ptr {at}")


@generator("get")
def _get(em: Emitter, i: Instr) -> Sequence[Rep]:
    a = em.array(i.args[0])
    return (load(em, a, flat_index(em, a, [em.scalar(k) for k in i.args[1:]])),)


@generator("set")
def _set(em: Emitter, i: Instr) -> Sequence[Rep]:
    a = em.operand(i, 0)
    assert isinstance(a, Arr)
    store(em, a, flat_index(em, a, [em.scalar(k) for k in i.args[2:]]), to_memory(em, em.scalar(i.args[1]), a.dtype))
    return (a,)


@generator("add_at")
def _add_at(em: Emitter, i: Instr) -> Sequence[Rep]:
    a = em.operand(i, 0)
    assert isinstance(a, Arr)
    index = flat_index(em, a, [em.scalar(k) for k in i.args[2:]])
    old, t, v = load(em, a, index), llvm_type(a.dtype), em.scalar(i.args[1])
    if a.dtype.kind == "b":
        store(em, a, index, to_memory(em, em.ins(f"or i1 {old}, {v}"), a.dtype))
    else:
        op = f"fadd {em.flags(i.attrs)}" if a.dtype.kind == "f" else "add"
        store(em, a, index, em.ins(f"{op} {t} {old}, {v}"))
    return (a,)


# ---------------------------------------------------------------- checks

_OUT_OF_BOUNDS = "index {{0}} is out of bounds for axis {axis} with size {{1}}"


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
            em.check(fine, "index", "IndexError", _OUT_OF_BOUNDS.format(axis=axis), axis, i.loc, list(zip((raw, n), from_types, strict=True)))
    return (k,)


def element_dtype(t: Type) -> DType:
    assert isinstance(t, Scalar)
    return t.dtype


@generator("assert")
def _assert(em: Emitter, i: Instr) -> Sequence[Rep]:
    details = [(em.scalar(a), element_dtype(a.type)) for a in i.args[1:]]
    em.check(em.scalar(i.args[0]), "assert", i.attrs["error"], i.attrs["message"], None, i.loc, details)
    return ()


# ---------------------------------------------------------------- stacks
# A tuple lies in memory as a row of fields: a scalar as itself, a small array inline, a large one as pointer and open lengths, a
# stack as pointer, top and capacity.


def _fields(t: Type) -> list[tuple[str, int]]:
    """(LLVM type, bytes) of each field of an item; for a small array one field of all its bytes."""
    match t:
        case Scalar(d):
            return [(memory_type(d), itemsize(d))]
        case Array(d, shape):
            if is_small(t):
                return [("", itemsize(d) * _product(shape))]
            return [("ptr", 8), *[("i64", 8) for n in shape if not isinstance(n, int)]]
        case Stack():
            return [("ptr", 8), ("i64", 8), ("i64", 8)]


def _product(shape: Sequence[int | str]) -> int:
    n = 1
    for d in shape:
        n *= int(d)
    return n


def layout(s: Stack) -> tuple[list[list[int]], int]:
    """Offsets of the fields of each item, and the size of a tuple."""
    at = 0
    offsets: list[list[int]] = []
    for t in s.items:
        row: list[int] = []
        for kind, size in _fields(t):
            align = size if kind else 8
            at = (at + align - 1) // align * align
            row.append(at)
            at += size
        offsets.append(row)
    return offsets, max(8, (at + 7) // 8 * 8)


@generator("stack")
def _stack(em: Emitter, i: Instr) -> Sequence[Rep]:
    t = i.outs[0].type
    assert isinstance(t, Stack)
    return (Stk(t, "null", "0", "0"),)


FIRST_ROOM = 32


@generator("push")
def _push(em: Emitter, i: Instr) -> Sequence[Rep]:
    s = em.operand(i, 0)
    assert isinstance(s, Stk)
    items = [em.operand(i, k) for k in range(1, len(i.args))]
    offsets, size = layout(s.type)
    ptr, cap = _room(em, s, size)
    base = em.ins(f"mul nuw nsw i64 {s.top}, {size}")
    row = em.ins(f"getelementptr inbounds nuw i8, ptr {ptr}, i64 {base}")
    for item, t, at in zip(items, s.type.items, offsets, strict=True):
        _write_item(em, row, item, t, at)
    return (Stk(s.type, ptr, em.ins(f"add nuw nsw i64 {s.top}, 1"), cap),)


def _room(em: Emitter, s: Stk, size: int) -> tuple[str, str]:
    """Pointer and capacity of a stack with room for one more tuple."""
    em.use("grow")
    full, grow, done = em.ins(f"icmp eq i64 {s.top}, {s.cap}"), em.fresh("grow"), em.fresh("room")
    before = em.label
    em.do(f"br i1 {full}, label %{grow}, label %{done}, !prof !1")
    em.begin(grow)
    none = em.ins(f"icmp eq i64 {s.cap}, 0")
    half = em.ins(f"select i1 {none}, i64 {FIRST_ROOM // 2}, i64 {s.cap}")
    more = em.ins(f"call ptr @of.grow(ptr %ctx, ptr {s.ptr}, i64 {s.top}, i64 {half}, i64 {size})")
    em.need(more)
    twice, after = em.ins(f"shl nuw nsw i64 {half}, 1"), em.label
    em.jump(done)
    em.begin(done)
    ptr = em.ins(f"phi ptr [{s.ptr}, %{before}], [{more}, %{after}]")
    return ptr, em.ins(f"phi i64 [{s.cap}, %{before}], [{twice}, %{after}]")


def _field(em: Emitter, row: str, at: int) -> str:
    return em.ins(f"getelementptr inbounds nuw i8, ptr {row}, i64 {at}") if at else row


def _open(t: Array, a: Arr) -> list[str]:
    return [n for d, n in zip(t.shape, a.dims, strict=True) if not isinstance(d, int)]


def _write_item(em: Emitter, row: str, item: Rep, t: Type, at: Sequence[int]) -> None:
    match item:
        case str():
            assert isinstance(t, Scalar)
            em.do(f"store {memory_type(t.dtype)} {to_memory(em, item, t.dtype)}, ptr {_field(em, row, at[0])}")
        case Arr():
            assert isinstance(t, Array)
            if is_small(t):
                em.move_bytes(_field(em, row, at[0]), item.ptr, item.dtype, item.dims)
                return
            em.do(f"store ptr {item.ptr}, ptr {_field(em, row, at[0])}")
            for n, offset in zip(_open(t, item), at[1:], strict=True):
                em.do(f"store i64 {n}, ptr {_field(em, row, offset)}")
        case Stk():
            for kind, x, offset in zip(("ptr", "i64", "i64"), (item.ptr, item.top, item.cap), at, strict=True):
                em.do(f"store {kind} {x}, ptr {_field(em, row, offset)}")


def _read_item(em: Emitter, row: str, t: Type, at: Sequence[int]) -> Rep:
    match t:
        case Scalar(d):
            x = em.ins(f"load {memory_type(d)}, ptr {_field(em, row, at[0])}")
            return em.ins(f"icmp ne i8 {x}, 0") if d.kind == "b" else x
        case Array(d, shape):
            if is_small(t):
                out = em.slot(t)
                em.move_bytes(out.ptr, _field(em, row, at[0]), d, out.dims)
                return out
            ptr = em.ins(f"load ptr, ptr {_field(em, row, at[0])}")
            rest = iter(at[1:])
            dims = tuple(str(n) if isinstance(n, int) else em.ins(f"load i64, ptr {_field(em, row, next(rest))}") for n in shape)
            return Arr(d, ptr, dims)
        case Stack():
            ptr, top, cap = (em.ins(f"load {kind}, ptr {_field(em, row, offset)}") for kind, offset in zip(("ptr", "i64", "i64"), at, strict=True))
            return Stk(t, ptr, top, cap)


@generator("pop")
def _pop(em: Emitter, i: Instr) -> Sequence[Rep]:
    s = em.operand(i, 0)
    assert isinstance(s, Stk)
    offsets, size = layout(s.type)
    top = em.ins(f"sub nuw nsw i64 {s.top}, 1")
    row = _row(em, s, top, size)
    return (Stk(s.type, s.ptr, top, s.cap), *(_read_item(em, row, t, at) for t, at in zip(s.type.items, offsets, strict=True)))


def _row(em: Emitter, s: Stk, k: str, size: int) -> str:
    base = em.ins(f"mul nuw nsw i64 {k}, {size}")
    return em.ins(f"getelementptr inbounds nuw i8, ptr {s.ptr}, i64 {base}")


def _holds_memory(s: Stack) -> bool:
    return any(isinstance(t, Stack) or (isinstance(t, Array) and not is_small(t)) for t in s.items)


def _free_stack(em: Emitter, s: Stk) -> Stk:
    em.use("alloc")
    offsets, size = layout(s.type)

    def body(k: str, _: Sequence[str]) -> list[str]:
        row = _row(em, s, k, size)
        for t, at in zip(s.type.items, offsets, strict=True):
            if isinstance(t, Stack) or (isinstance(t, Array) and not is_small(t)):
                em.release(_read_item(em, row, t, at))
        return []

    if _holds_memory(s.type):
        counted(em, "0", s.top, [], body)
    em.do(f"call void @of.free(ptr %ctx, ptr {s.ptr}, i64 {s.cap}, i64 {size})")
    return s


def _copy_stack(em: Emitter, s: Stk) -> Stk:
    """A stack with copies of all it holds."""
    em.use("alloc")
    offsets, size = layout(s.type)
    room = em.ins(f"call i64 @llvm.umax.i64(i64 {s.top}, i64 1)")
    ptr = em.ins(f"call ptr @of.alloc(ptr %ctx, i64 {room}, i64 {size})")
    em.need(ptr)
    used = em.ins(f"mul i64 {s.top}, {size}")
    em.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {ptr}, ptr {s.ptr}, i64 {used}, i1 false)")
    out = Stk(s.type, ptr, s.top, room)

    def body(k: str, _: Sequence[str]) -> list[str]:
        row = _row(em, out, k, size)
        for t, at in zip(s.type.items, offsets, strict=True):
            if isinstance(t, Stack) or (isinstance(t, Array) and not is_small(t)):
                _write_item(em, row, em.duplicate(_read_item(em, row, t, at), t), t, at)
        return []

    if _holds_memory(s.type):
        counted(em, "0", s.top, [], body)
    return out


STACKS["free"] = _free_stack
STACKS["copy"] = _copy_stack
