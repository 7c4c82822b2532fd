"""Instructions by meaning, so that a front end that reads programs need not name an operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from oneform.ir import Block, Builder, Instr, Op, Value
from oneform.ops import array as arrays
from oneform.ops.control import for_, if_, while_
from oneform.ops.control import recur as recur_op
from oneform.ops.control import recursive as recursive_op
from oneform.ops.table import OPS, Late, integer
from oneform.types import ANY, BOOL, I64, Dim, DType, Scalar, Type, element, shape_of

Lengths = Sequence[Value]
Fields = tuple[int, ...]


class ByPython(dict[int, Op]):
    """The operation that each Python callable stands for, by identity of the callable."""

    def __init__(self) -> None:
        super().__init__({id(f): op for op in OPS.values() for f in op.python})
        self._late = [(f, op) for op in OPS.values() for f in op.python if isinstance(f, Late)]

    def __missing__(self, key: int) -> Op:
        """Functions of libraries that were loaded since."""
        for late, op in self._late:
            found = late.loaded()
            if found is not None and id(found) == key:
                return op
        raise KeyError(key)

    def find(self, f: object) -> Op | None:
        try:
            return self[id(f)]
        except KeyError:
            return None


def by_python() -> ByPython:
    return ByPython()


def fits(op: Op, kind: str) -> bool:
    """Whether a pointwise operation is defined on dtypes of this kind."""
    return not isinstance(op.lower, str) and op.lower is not None and (kind in op.lower or (kind == "c" and op.complex is not None))


def convert(b: Builder, v: Value, dtype: DType) -> Value:
    return v if element(v.type) == dtype else b.emit1(OPS["convert"], v, dtype=dtype)


def real(b: Builder, z: Value) -> Value:
    return b.emit1(OPS["real"], z)


def imag(b: Builder, z: Value) -> Value:
    return b.emit1(OPS["imag"], z)


def complex_number(b: Builder, re: Value, im: Value) -> Value:
    return b.emit1(OPS["complex"], re, im)


def undefined(b: Builder, t: Type) -> Value:
    return b.emit1(OPS["undef"], type=t)


def select(b: Builder, c: Value, x: Value, y: Value) -> Value:
    return b.emit1(OPS["select"], c, x, y)


def invert(b: Builder, c: Value) -> Value:
    """Logical not of a bool."""
    return b.emit1(OPS["not"], c)


def both(b: Builder, x: Value, y: Value) -> Value:
    return b.emit1(OPS["and"], x, y)


def either(b: Builder, x: Value, y: Value) -> Value:
    return b.emit1(OPS["or"], x, y)


def nonzero(b: Builder, v: Value) -> Value:
    """Python's truth of a number, or of each element of an array."""
    dtype = element(v.type)
    return v if dtype == BOOL else b.emit1(OPS["ne"], v, arrays.constant(b, 0, dtype))


def power(b: Builder, x: Value, n: int) -> Value:
    """x to a power known to the compiler."""
    return b.emit1(OPS["powi"], x, n=n)


def integer_power(b: Builder, x: Value, n: Value) -> Value:
    return b.emit1(OPS["ipow"], x, n)


# ---------------------------------------------------------------- arrays


def empty(b: Builder, dtype: DType, shape: tuple[Dim, ...], lengths: Lengths) -> Value:
    return b.emit1(OPS["empty"], *lengths, dtype=dtype, shape=shape)


def full(b: Builder, v: Value, shape: tuple[Dim, ...], lengths: Lengths) -> Value:
    return b.emit1(OPS["full"], v, *lengths, shape=shape)


def copy(b: Builder, a: Value) -> Value:
    return b.emit1(OPS["copy"], a)


def add(b: Builder, x: Value, y: Value) -> Value:
    return b.emit1(OPS["add"], x, y)


def moved(b: Builder, row: Value, by: Value) -> Value:
    """A row of a table further down; -1 stays."""
    zero = integer(b, 0)
    return b.emit1(OPS["select"], b.emit1(OPS["lt"], row, zero), row, b.emit1(OPS["add"], row, by))


def length(b: Builder, a: Value, axis: int) -> Value:
    return b.emit1(OPS["dim"], a, axis=axis)


def get(b: Builder, a: Value, indices: Sequence[Value]) -> Value:
    return b.emit1(OPS["get"], a, *indices)


def put(b: Builder, a: Value, v: Value, indices: Sequence[Value]) -> Value:
    """The array with one element replaced."""
    return b.emit1(OPS["set"], a, v, *indices)


def put_sum(b: Builder, a: Value, v: Value, indices: Sequence[Value]) -> Value:
    """The array with v added to one element."""
    return b.emit1(OPS["add_at"], a, v, *indices)


def index(b: Builder, i: Value, n: Value, axis: int | None) -> Value:
    """A Python index made non-negative; IndexError if it is out of range."""
    return b.emit1(OPS["index"], i, n, axis=axis, checked=True)


def check(b: Builder, c: Value, error: str, message: str, details: Sequence[Value] = ()) -> None:
    """Raise the Python exception unless c holds."""
    b.emit(OPS["assert"], c, *details, error=error, message=message)


def view(b: Builder, a: Value, spec: tuple[str, ...], operands: Sequence[Value], shape: tuple[Dim, ...], lengths: Lengths) -> Value:
    return b.emit1(OPS["view"], a, *operands, *lengths, spec=spec, shape=shape)


def transpose(b: Builder, a: Value, perm: tuple[int, ...]) -> Value:
    return a if perm == tuple(range(len(perm))) else b.emit1(OPS["transpose"], a, perm=perm)


def reshape(b: Builder, a: Value, shape: tuple[Dim, ...], lengths: Lengths) -> Value:
    return b.emit1(OPS["reshape"], a, *lengths, shape=shape)


def reduce(b: Builder, kind: str, a: Value, axes: tuple[int, ...]) -> Value:
    """`kind` is sum, prod, max or min."""
    return b.emit1(OPS[kind], a, axes=axes)


def matmul(b: Builder, x: Value, y: Value) -> Value:
    return b.emit1(OPS["matmul"], x, y)


def generate(b: Builder, shape: tuple[Dim, ...], lengths: Lengths, element_of: Callable[[Builder, list[Value]], Value]) -> Value:
    """An array computed element by element from its indices."""
    return arrays.build(b, shape, lengths, element_of)


def constructor(b: Builder, shape: tuple[Dim, ...], lengths: Lengths, body: Block) -> Value:
    """The same, with the region made already."""
    return b.emit1(OPS["build"], *lengths, regions=(body,), shape=shape, extent=(), reduce="")


def summed(b: Builder, shape: tuple[Dim, ...], extent: tuple[Dim, ...], lengths: Lengths, term: Callable[[Builder, list[Value]], Value]) -> Value:
    """An array, or a number, whose elements are the sums over further indices of the terms."""
    return arrays.build(b, shape, lengths, term, extent=extent, reduce="add" if extent else "")


def multiply(b: Builder, x: Value, y: Value) -> Value:
    return b.emit1(OPS["mul"], x, y)


def least(b: Builder, extent: tuple[Dim, ...], lengths: Lengths, term: Callable[[Builder, list[Value]], Value]) -> Value:
    """The smallest of them; there is one."""
    return arrays.build(b, (), lengths, term, extent=extent, reduce="min")


def broadcast(b: Builder, a: Value, shape: tuple[Dim, ...], lengths: Lengths) -> Value:
    """`a` stretched to a shape that it is known to fit."""
    if not shape_of(a.type):
        return full(b, a, shape, lengths)
    if shape_of(a.type) == shape and ANY not in shape:
        return a
    from_ = len(shape) - len(shape_of(a.type))

    def read(body: Builder, i: list[Value]) -> Value:
        return get(body, a, [integer(body, 0) if d == 1 else k for d, k in zip(shape_of(a.type), i[from_:], strict=True)])

    return generate(b, shape, lengths, read)


# ---------------------------------------------------------------- lists: a path is a row index for each list on the way, and which columns


def rows(b: Builder, items: tuple[Type, ...]) -> Value:
    """A list without rows."""
    return b.emit1(OPS["list"], items=items)


def push(b: Builder, s: Value, indices: Sequence[Value], fields: Fields, row: Sequence[Value]) -> Value:
    return b.emit1(OPS["push"], s, *indices, *row, **_path(fields))


def pop(b: Builder, s: Value, indices: Sequence[Value], fields: Fields) -> tuple[Value, ...]:
    """The list without the last row of the list at the path, and that row."""
    return b.emit(OPS["pop"], s, *indices, **_path(fields))


def _path(fields: Fields) -> dict[str, Any]:
    return {"fields": fields} if fields else {}


def size(b: Builder, s: Value, indices: Sequence[Value], fields: Fields, axis: int = 0) -> Value:
    return b.emit1(OPS["size"], s, *indices, fields=fields, axis=axis)


def item(b: Builder, s: Value, indices: Sequence[Value], fields: Fields) -> Value:
    return b.emit1(OPS["item"], s, *indices, fields=fields)


def put_item(b: Builder, s: Value, v: Value, indices: Sequence[Value], fields: Fields) -> Value:
    """The list with something else at the path."""
    if isinstance(v.type, Scalar):
        return b.emit1(OPS["put"], s, v, *indices, fields=fields)
    return b.emit(OPS["swap"], s, v, *indices, fields=fields)[0]


def repeated(b: Builder, n: Value, row: Sequence[Value], items: tuple[Type, ...]) -> Value:
    return b.emit1(OPS["repeat"], n, *row, items=items)


# ---------------------------------------------------------------- control


def branch(b: Builder, c: Value, then: Block, other: Block) -> tuple[Value, ...]:
    return b.emit(if_, c, regions=(then, other))


def repeat(b: Builder, n: Value, inits: Sequence[Value], body: Block) -> tuple[Value, ...]:
    return b.emit(for_, n, *inits, regions=(body,))


def loop(b: Builder, inits: Sequence[Value], condition: Block, body: Block) -> tuple[Value, ...]:
    return b.emit(while_, *inits, regions=(condition, body))


def recursive(b: Builder, name: str, args: Sequence[Value], body: Block, types: tuple[Type, ...]) -> tuple[Value, ...]:
    """A function that may call itself by `recur`, applied."""
    return b.emit(recursive_op, *args, regions=(body,), name=name, types=types)


def recur(b: Builder, name: str, args: Sequence[Value], types: tuple[Type, ...]) -> tuple[Value, ...]:
    return b.emit(recur_op, *args, name=name, types=types)


def is_number(v: Value) -> bool:
    return isinstance(v.type, Scalar)


def is_index(v: Value) -> bool:
    return v.type == Scalar(I64)


def extreme(b: Builder, x: Value, y: Value, larger: bool) -> Value:
    """The larger or the smaller of two numbers."""
    return b.emit1(OPS["maximum" if larger else "minimum"], x, y)


def failure(body: Sequence[Instr]) -> Instr | None:
    """The last instruction, if all it and the others do is raise an exception made from numbers."""
    if not body or body[-1].op is not OPS["assert"] or len(body) > 24:
        return None
    simple = all(not i.regions and not i.op.raises and all(is_number(a) for a in i.args) for i in body[:-1])
    return body[-1] if simple else None


def cheap(body: Sequence[Instr]) -> bool:
    """Whether instructions may as well run when nobody asks for their results: a few on numbers that cannot raise."""
    return len(body) <= 8 and all(not i.regions and not i.op.raises and i.op.cost < 10 and (not i.op.cost or all(is_number(a) for a in i.args)) for i in body)


def same(b: Builder, x: Value, y: Value) -> Value:
    """x == y"""
    return b.emit1(OPS["eq"], x, y)


def differs(b: Builder, x: Value, y: Value) -> Value:
    """x != y"""
    return b.emit1(OPS["ne"], x, y)
