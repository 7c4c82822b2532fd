"""Generators for lists, whose rows lie in memory as layout.py says."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.codegen.arrays import flat_index, load, load_at, store, store_at, sum_of, to_memory
from oneform.codegen.complexes import Cpx, number
from oneform.codegen.emit import LISTS, Arr, Emitter, Lst, Rep, generator
from oneform.codegen.growth import make_room
from oneform.codegen.loops import counted
from oneform.codegen.scalars import itemsize
from oneform.codegen.support import HEADER_TAG
from oneform.ir import Attrs, Instr
from oneform.layout import is_small, layout
from oneform.ops.lists import at_path, tangent_list
from oneform.types import Array, List, Scalar, Type, carries_derivative


def _in_memory(t: Type) -> bool:
    """Whether a column is memory of its own, beside the row."""
    return isinstance(t, List) or (isinstance(t, Array) and not is_small(t))


def _owns(s: List) -> bool:
    return any(map(_in_memory, s.items))


# ---------------------------------------------------------------- rows and fields


def _row(em: Emitter, s: Lst, k: str) -> str:
    size = layout(s.type)[1]
    base = str(int(k) * size) if k.isdigit() else em.ins(f"mul nuw nsw i64 {k}, {size}")
    return s.ptr if base == "0" else em.ins(f"getelementptr inbounds nuw i8, ptr {s.ptr}, i64 {base}")


def _field(em: Emitter, row: str, at: int) -> str:
    return em.ins(f"getelementptr inbounds nuw i8, ptr {row}, i64 {at}") if at else row


def _open(t: Array, a: Arr) -> list[str]:
    return [n for d, n in zip(t.shape, a.dims, strict=True) if not isinstance(d, int)]


def _write(em: Emitter, row: str, item: Rep, t: Type, at: Sequence[int]) -> None:
    """Put a value into a row, which owns it from here on."""
    match item:
        case str() | Cpx():
            assert isinstance(t, Scalar)
            store_at(em, t.dtype, _field(em, row, at[0]), to_memory(em, item, t.dtype))
        case Arr():
            assert isinstance(t, Array)
            if is_small(t):
                em.move_bytes(_field(em, row, at[0]), item.ptr, item.dtype, item.dims)
                return
            _store_header(em, row, ("ptr", *("i64" for _ in at[1:])), (item.ptr, *_open(t, item)), at)
        case Lst():
            _store_header(em, row, _LIST, (item.ptr, item.top, item.cap), at)


_LIST = ("ptr", "i64", "i64")


def _store_header(em: Emitter, row: str, kinds: Sequence[str], parts: Sequence[str], at: Sequence[int]) -> None:
    """The address and lengths of an array or list in a row; LLVM knows that no number lies there."""
    for kind, x, offset in zip(kinds, parts, at, strict=True):
        em.do(f"store {kind} {x}, ptr {_field(em, row, offset)}{HEADER_TAG}")


def _load_header(em: Emitter, row: str, kinds: Sequence[str], at: Sequence[int]) -> list[str]:
    return [em.ins(f"load {kind}, ptr {_field(em, row, offset)}{HEADER_TAG}") for kind, offset in zip(kinds, at, strict=True)]


def _see(em: Emitter, row: str, t: Type, at: Sequence[int]) -> Rep:
    """What a row holds, as it lies there."""
    match t:
        case Scalar(d):
            return load_at(em, d, _field(em, row, at[0]))
        case Array(d, shape):
            if is_small(t):
                return Arr(d, _field(em, row, at[0]), tuple(str(n) for n in shape))
            ptr, *lengths = _load_header(em, row, ("ptr", *("i64" for _ in at[1:])), at)
            return Arr(d, ptr, tuple(str(n) if isinstance(n, int) else lengths.pop(0) for n in shape))
        case List():
            return Lst(t, *_load_header(em, row, _LIST, at))


def _read(em: Emitter, row: str, t: Type, at: Sequence[int]) -> Rep:
    """What a row holds, small arrays copied out of it."""
    found = _see(em, row, t, at)
    if isinstance(found, Arr) and is_small(t):
        assert isinstance(t, Array)
        out = em.slot(t)
        em.move_bytes(out.ptr, found.ptr, found.dtype, found.dims)
        return out
    return found


class Place:
    """Where a path leads: a field of a row, or with no step the list itself."""

    def __init__(self, em: Emitter, i: Instr, first: int, root: Lst):
        fields = i.attrs.get("fields", ())
        self.em, self.root, self.type = em, root, at_path(root.type, fields)
        self.row: str = ""
        self.at: tuple[int, ...] = ()
        self.rest = i.args[first + len(fields) :]  # what follows the path: indices of an element, or a row
        s = root
        for step, (f, k) in enumerate(zip(fields, i.args[first:], strict=False)):
            self.row, self.at = _row(em, s, em.scalar(k)), layout(s.type)[0][f]
            if step < len(fields) - 1:
                inner = _see(em, self.row, s.type.items[f], self.at)
                assert isinstance(inner, Lst)
                s = inner

    def see(self) -> Rep:
        return _see(self.em, self.row, self.type, self.at) if self.row else self.root

    def read(self) -> Rep:
        return _read(self.em, self.row, self.type, self.at)

    def element(self) -> tuple[Arr, str]:
        """The array at the path, and where in it the indices behind the path point."""
        a = self.see()
        assert isinstance(a, Arr)
        return a, flat_index(self.em, a, [self.em.scalar(k) for k in self.rest])

    def write(self, rep: Rep) -> None:
        _write(self.em, self.row, rep, self.type, self.at)


def _list(em: Emitter, i: Instr) -> Lst:
    rep = em.operand(i, 0)
    assert isinstance(rep, Lst)
    return rep


# ---------------------------------------------------------------- push and pop


@generator("list")
def _empty(em: Emitter, i: Instr) -> Sequence[Rep]:
    t = i.outs[0].type
    assert isinstance(t, List)
    return (Lst(t, "null", "0", "0"),)


def _inner_list(em: Emitter, i: Instr, s: Lst) -> tuple[Lst, Place | None]:
    """The list that push and pop work on: the operand, or what its path leads to."""
    if not i.attrs.get("fields", ()):
        return s, None
    place = Place(em, i, 1, s)
    inner = place.see()
    assert isinstance(inner, Lst)
    return inner, place


@generator("push")
def _push(em: Emitter, i: Instr) -> Sequence[Rep]:
    root = _list(em, i)
    first = 1 + len(i.attrs.get("fields", ()))
    items = [em.operand(i, k, t) for k, t in enumerate(at_list(root.type, i.attrs).items, first)]
    s, place = _inner_list(em, i, root)
    grown = s if i in em.roomy else make_room(em, s, "1")
    row = _row(em, grown, s.top)
    for item, t, at in zip(items, s.type.items, layout(s.type)[0], strict=True):
        _write(em, row, item, t, at)
    new = Lst(s.type, grown.ptr, em.ins(f"add nuw nsw i64 {s.top}, 1"), grown.cap)
    if place is None:
        return (new,)
    place.write(new)
    return (root,)


def at_list(t: Type, attrs: Attrs) -> List:
    target = at_path(t, attrs.get("fields", ()))
    assert isinstance(target, List)
    return target


@generator("pop")
def _pop(em: Emitter, i: Instr) -> Sequence[Rep]:
    root = _list(em, i)
    s, place = _inner_list(em, i, root)
    top = em.ins(f"sub nuw nsw i64 {s.top}, 1")
    row = _row(em, s, top)
    values = [_read(em, row, t, at) for t, at in zip(s.type.items, layout(s.type)[0], strict=True)]
    shorter = Lst(s.type, s.ptr, top, s.cap)
    if place is None:
        return (shorter, *values)
    place.write(shorter)
    return (root, *values)


# ---------------------------------------------------------------- reading and writing at a path


@generator("size")
def _size(em: Emitter, i: Instr) -> Sequence[Rep]:
    rep = Place(em, i, 1, _root(em, i)).see()
    return (rep.top if isinstance(rep, Lst) else rep.dims[i.attrs["axis"]],)  # type: ignore[union-attr]


def _root(em: Emitter, i: Instr) -> Lst:
    rep = em.env[i.args[0]]
    assert isinstance(rep, Lst)
    return rep


@generator("item")
def _item(em: Emitter, i: Instr) -> Sequence[Rep]:
    place = Place(em, i, 1, _root(em, i))
    if place.rest:
        return (load(em, *place.element()),)
    found = place.read()
    return (found,) if isinstance(found, str | Cpx) or i.outs[0] in em.plan.lenders or is_small(place.type) else (em.duplicate(found, place.type),)


@generator("put")
def _put(em: Emitter, i: Instr) -> Sequence[Rep]:
    root = _list(em, i)
    place, x = Place(em, i, 2, root), em.number(i.args[1])
    if place.rest:
        a, k = place.element()
        store(em, a, k, to_memory(em, x, a.dtype))
    else:
        place.write(x)
    return (root,)


@generator("swap")
def _swap(em: Emitter, i: Instr) -> Sequence[Rep]:
    root = _list(em, i)
    new = em.operand(i, 1, i.outs[1].type)
    place = Place(em, i, 2, root)
    old = place.read()
    place.write(new)
    return root, old


@generator("add_item")
def _add_item(em: Emitter, i: Instr) -> Sequence[Rep]:
    root = _list(em, i)
    place, rep = Place(em, i, 2, root), em.env[i.args[1]]
    if place.rest:
        a, k = place.element()
        store(em, a, k, sum_of(em, a.dtype, load(em, a, k), em.number(i.args[1]), em.flags(i.attrs)))
    elif place.row:
        _accumulate(em, place.row, place.type, place.at, rep, i.attrs)
    else:
        assert isinstance(rep, Lst)
        _accumulate_rows(em, root, rep, i.attrs)
    return (root,)


def _accumulate(em: Emitter, row: str, t: Type, at: Sequence[int], rep: Rep, attrs: Attrs) -> None:
    """What a row holds, plus a value."""
    old = _see(em, row, t, at)
    match old, rep:
        case ((str() | Cpx()), (str() | Cpx())):
            assert isinstance(t, Scalar)
            _write(em, row, sum_of(em, t.dtype, old, rep, em.flags(attrs)), t, at)
        case Arr(), Arr():

            def body(k: str, _: Sequence[str]) -> list[str]:
                store(em, old, k, sum_of(em, old.dtype, load(em, old, k), load(em, rep, k), em.flags(attrs)))
                return []

            counted(em, "0", em.count(rep.dims, False), [], body)
        case Lst(), Lst():
            _accumulate_rows(em, old, rep, attrs)
        case _:
            raise AssertionError("kinds differ")


def _accumulate_rows(em: Emitter, s: Lst, other: Lst, attrs: Attrs) -> None:
    offsets = layout(s.type)[0]

    def body(k: str, _: Sequence[str]) -> list[str]:
        to, source = _row(em, s, k), _row(em, other, k)
        for t, at in zip(s.type.items, offsets, strict=True):
            _accumulate(em, to, t, at, _see(em, source, t, at), attrs)
        return []

    counted(em, "0", other.top, [], body)


# ---------------------------------------------------------------- whole lists


@generator("repeat")
def _repeat(em: Emitter, i: Instr) -> Sequence[Rep]:
    t = i.outs[0].type
    assert isinstance(t, List)
    n = em.ins(f"call i64 @llvm.smax.i64(i64 {em.scalar(i.args[0])}, i64 0)")
    out = _new(em, t, n)
    values = [em.env[a] for a in i.args[1:]]

    def body(k: str, _: Sequence[str]) -> list[str]:
        row = _row(em, out, k)
        for v, u, at in zip(values, t.items, layout(t)[0], strict=True):
            _write(em, row, v, u, at)
        return []

    counted(em, "0", n, [], body)
    return (out,)


def _new(em: Emitter, t: List, n: str) -> Lst:
    """Memory for n rows."""
    em.use("alloc")
    room = em.ins(f"call i64 @llvm.umax.i64(i64 {n}, i64 1)")
    if em.probe is not None:
        em.probe.asked(em, room, layout(t)[1])
    ptr = em.ins(f"call ptr @of.alloc(ptr %ctx, i64 {room}, i64 {layout(t)[1]})")
    em.need(ptr)
    return Lst(t, ptr, n, room)


@generator("like")
def _like(em: Emitter, i: Instr) -> Sequence[Rep]:
    rep = em.env[i.args[0]]
    assert isinstance(rep, Lst)
    return (_zeros(em, rep),)


def _zeros(em: Emitter, s: Lst) -> Lst:
    """A list of zeros, with the structure of s."""
    out = _new(em, tangent_list(s.type), s.top)

    def body(k: str, _: Sequence[str]) -> list[str]:
        source, row = _row(em, s, k), _row(em, out, k)
        kept = [(t, at) for t, at in zip(s.type.items, layout(s.type)[0], strict=True) if carries_derivative(t)]
        for (t, at), u, to in zip(kept, out.type.items, layout(out.type)[0], strict=True):
            _write(em, row, _zero(em, source, t, at), u, to)
        return []

    counted(em, "0", s.top, [], body)
    return out


def _zero(em: Emitter, row: str, t: Type, at: Sequence[int]) -> Rep:
    match t:
        case Scalar(d):
            return number(0, d)
        case Array():
            old = _see(em, row, t, at)
            assert isinstance(old, Arr)
            new = em.new_array(t, old.dims)
            size = em.count(new.dims, False)
            total = str(int(size) * itemsize(t.dtype)) if size.isdigit() else em.ins(f"mul i64 {size}, {itemsize(t.dtype)}")
            em.do(f"call void @llvm.memset.p0.i64(ptr {new.ptr}, i8 0, i64 {total}, i1 false)")
            return new
        case List():
            inner = _see(em, row, t, at)
            assert isinstance(inner, Lst)
            return _zeros(em, inner)


def _free(em: Emitter, s: Lst) -> Lst:
    """Free a list with all it holds."""
    em.use("alloc")
    offsets, size = layout(s.type)

    def body(k: str, _: Sequence[str]) -> list[str]:
        row = _row(em, s, k)
        for t, at in zip(s.type.items, offsets, strict=True):
            if _in_memory(t):
                em.release(_see(em, row, t, at))
        return []

    if _owns(s.type):
        counted(em, "0", s.top, [], body)
    em.do(f"call void @of.free(ptr %ctx, ptr {s.ptr}, i64 {s.cap}, i64 {size})")
    return s


def _copy(em: Emitter, s: Lst) -> Lst:
    """A list with copies of all it holds."""
    offsets, size = layout(s.type)
    out = _new(em, s.type, s.top)
    used = em.ins(f"mul i64 {s.top}, {size}")
    em.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {out.ptr}, ptr {s.ptr}, i64 {used}, i1 false)")

    def body(k: str, _: Sequence[str]) -> list[str]:
        row = _row(em, out, k)
        for t, at in zip(s.type.items, offsets, strict=True):
            if _in_memory(t):
                _write(em, row, em.duplicate(_see(em, row, t, at), t), t, at)
        return []

    if _owns(s.type):
        counted(em, "0", s.top, [], body)
    return out


LISTS["free"] = _free
LISTS["copy"] = _copy
