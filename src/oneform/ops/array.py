"""Arrays as memory: constants, allocation, elements, run-time checks, stacks; and the builder of array constructors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform.errors import exception, exception_named
from oneform.ir import Attrs, Block, Builder, Instr, Op, Value, array_of, mismatch, open_dims, scalar_of
from oneform.ops.table import OPS, constant, define, open_operands, sample
from oneform.types import BOOL, C128, F64, I64, Array, Dim, DType, List, Scalar, Type, element, shape_of

Types = tuple[Type, ...]
Regions = tuple[Block, ...]
C = np.complex128(0.7 - 0.4j)  # for samples


def i64_operands(types: Sequence[Type], what: str) -> None:
    for t in types:
        if t != Scalar(I64):
            raise mismatch(f"{what} must be i64, not {t}")


# ---------------------------------------------------------------- constants

const = define(
    Op(
        "const",
        "A number.",
        lambda types, attrs, regions: (Scalar(attrs["dtype"]),),
        lambda *, attrs, regions: (attrs["dtype"].numpy.type(attrs["value"]),),
        lower="const",
        cost=0,
        samples=lambda rng: [
            ((), {"value": 1.5, "dtype": F64}),
            ((), {"value": -7, "dtype": I64}),
            ((), {"value": True, "dtype": BOOL}),
            ((), {"value": float("inf"), "dtype": F64}),
            ((), {"value": complex(-0.0, 2.5), "dtype": C128}),
        ],
        missing={"derivative": "it has no operands"},
    )
)


def _undefined(t: Type) -> Any:
    if isinstance(t, List):
        return []
    shape = tuple(d if isinstance(d, int) else 0 for d in shape_of(t))
    return np.full(shape, 13, t.dtype.numpy)[()]


undef = define(
    Op(
        "undef",
        "A value that nobody reads: what a name holds on a path that does not bind it.",
        lambda types, attrs, regions: (attrs["type"],),
        lambda *, attrs, regions: (_undefined(attrs["type"]),),
        lower="undef",
        cost=0,
        samples=lambda rng: [],
        missing={"derivative": "it has no operands", "samples": "its value is unspecified"},
    )
)

# ---------------------------------------------------------------- allocation


def alloc_shape(operands: Types, shape: tuple[Dim, ...]) -> None:
    i64_operands(operands, "a length")
    if not shape or len(operands) != open_dims(shape):
        raise mismatch(f"an array of shape {list(shape)} needs {open_dims(shape)} lengths, not {len(operands)}")


def run_shape(shape: tuple[Dim, ...], lengths: Sequence[Any]) -> tuple[int, ...]:
    """The lengths at run time: numbers from the type, the others from operands in order."""
    given = iter(lengths)
    return tuple(d if isinstance(d, int) else int(next(given)) for d in shape)


def _empty_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    alloc_shape(types, attrs["shape"])
    return (Array(attrs["dtype"], attrs["shape"]),)


def _empty_ref(*lengths: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    shape = run_shape(attrs["shape"], lengths)
    dtype: DType = attrs["dtype"]
    return (np.full(shape, np.nan if dtype.kind in "fc" else 77, dtype.numpy),)


empty = define(
    Op(
        "empty",
        "A new array of shape {shape}, its elements unspecified.",
        _empty_types,
        _empty_ref,
        lower="empty",
        cost=20,
        samples=lambda rng: [],
        missing={"derivative": "it has no operands", "samples": "its elements are unspecified"},
    )
)


def _full_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    alloc_shape(types[1:], attrs["shape"])
    return (Array(scalar_of(types[0], "the filling").dtype, attrs["shape"]),)


def _full_transpose(t: Any, instr: Instr) -> None:
    t.accumulate(instr.args[0], t.total(instr.outs[0]))


full = define(
    Op(
        "full",
        "A new array of shape {shape}, every element the same.",
        _full_types,
        lambda v, *lengths, attrs, regions: (np.full(run_shape(attrs["shape"], lengths), v, v.dtype),),
        jvp=lambda b, instr, args, tangents, outs: [b.emit1(full, tangents[0], *args[1:], **instr.attrs)],
        transpose=_full_transpose,
        flow=lambda d, b, i: d.filled(b, i.outs[0], i.args[0], i.args[1:]),
        lower="full",
        cost=20,
        samples=lambda rng: [
            ((np.float64(1.5), np.int64(4)), {"shape": ("n", 3)}),
            ((np.float64(0.5),), {"shape": (2,)}),
            ((C, np.int64(4)), {"shape": ("n",)}),
        ],
        rejects=(((Scalar(F64),), {"shape": ("n",)}, "E101"),),
    )
)


def zeros(b: Builder, dtype: DType, shape: tuple[Dim, ...], lengths: Sequence[Value]) -> Value:
    return b.emit1(full, constant(b, 0, dtype), *lengths, shape=shape)


def zero_of(b: Builder, t: Type, lengths: Sequence[Value] = ()) -> Value:
    """Zero of a scalar or array type; `lengths` are the dimensions that are no number."""
    return constant(b, 0, t.dtype) if isinstance(t, Scalar) else zeros(b, element(t), shape_of(t), lengths)


copy = define(
    Op(
        "copy",
        "A new array or list with the same elements.",
        lambda types, attrs, regions: (types[0] if isinstance(types[0], List) else array_of(types[0], "the operand"),),
        lambda a, *, attrs, regions: (list(a) if isinstance(a, list) else a.copy(),),
        jvp=lambda b, instr, args, tangents, outs: [b.emit1(copy, tangents[0])],
        transpose=lambda t, instr: t.pass_on(instr.outs[0], instr.args[0]),
        flow=lambda d, b, i: d.same(b, i.outs[0], i.args[0]),
        lower="copy",
        cost=50,
        samples=lambda rng: [((rng.normal(size=(3,)),), {}), ((rng.normal(size=(2, 3)),), {}), ((sample(rng, "c", (3,), -1, 1),), {})],
        rejects=(((Scalar(F64),), {}, "E101"),),
    )
)

dim_ = define(
    Op(
        "dim",
        "The length of axis {axis}.",
        lambda types, attrs, regions: _dim_types(types, attrs),
        lambda a, *, attrs, regions: (np.int64(a.shape[attrs["axis"]]),),
        lower="dim",
        cost=0,
        samples=lambda rng: [((np.ones((2, 3)),), {"axis": 1})],
        rejects=(((Array(F64, (3,)),), {"axis": 1}, "E101"),),
        missing={"derivative": "integers have none"},
    )
)


def _dim_types(types: Types, attrs: Attrs) -> Types:
    a = array_of(types[0], "the operand")
    if not 0 <= attrs["axis"] < a.rank:
        raise mismatch(f"{a} has no axis {attrs['axis']}")
    return (Scalar(I64),)


# ---------------------------------------------------------------- elements: indices are in range and not negative


def _get_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a = array_of(types[0], "what is indexed")
    i64_operands(types[1:], "an index")
    if len(types) - 1 != a.rank:
        raise mismatch(f"{a} takes {a.rank} indices, not {len(types) - 1}")
    return (Scalar(a.dtype),)


get = define(
    Op(
        "get",
        "One element. The indices are in range.",
        _get_types,
        lambda a, *i, attrs, regions: (a[i],),
        flow=lambda d, b, i: d.element(b, i.outs[0], i.args[0], i.args[1:]),
        lower="get",
        cost=2,
        jvp=lambda b, instr, args, tangents, outs: [b.emit1(get, tangents[0], *args[1:])],
        transpose=lambda t, instr: t.accumulate_at(instr.args[0], instr.args[1:], t.cotangent(instr.outs[0])),
        samples=lambda rng: [((sample(rng, k, (3,), -1, 1), np.int64(2)), {}) for k in "fc"] + [((rng.normal(size=(2, 3)), np.int64(1), np.int64(0)), {})],
        rejects=(((Array(F64, (3,)), Scalar(F64)), {}, "E101"), ((Array(F64, (3, 3)), Scalar(I64)), {}, "E101")),
    )
)


def _write_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a, v = array_of(types[0], "what is written to"), scalar_of(types[1], "the new element")
    i64_operands(types[2:], "an index")
    if v.dtype != a.dtype or len(types) - 2 != a.rank:
        raise mismatch(f"cannot write {v} into {a} at {len(types) - 2} indices")
    return (a,)


def _set_ref(a: Any, v: Any, *i: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    new = a.copy()
    new[i] = v
    return (new,)


def _set_transpose(t: Any, instr: Instr) -> None:
    """y = x but y[i] = v: the cotangent of v is that of y[i], and x no longer reaches y[i]."""
    t.accumulate(instr.args[1], t.take(instr.outs[0], instr.args[2:]))
    t.pass_on(instr.outs[0], instr.args[0])


_written = ((Array(F64, (3,)), Scalar(I64), Scalar(I64)), {}, "E101"), ((Array(F64, (3,)), Scalar(F64)), {}, "E101")


def _write_samples(rng: np.random.Generator) -> list[Any]:
    return [
        ((rng.normal(size=(3,)), np.float64(0.7), np.int64(1)), {}),
        ((rng.normal(size=(2, 3)), np.float64(0.7), np.int64(1), np.int64(2)), {}),
        ((sample(rng, "c", (3,), -1, 1), C, np.int64(1)), {}),
    ]


set_ = define(
    Op(
        "set",
        "The array with one element replaced: set a, v, indices.",
        _write_types,
        _set_ref,
        flow=lambda d, b, i: d.replaced(b, i.outs[0], i.args[0], i.args[1], i.args[2:], added=False),
        lower="set",
        consumes=(0,),
        cost=2,
        jvp=lambda b, instr, args, tangents, outs: [_write_jvp(b, instr, args, tangents)],
        transpose=_set_transpose,
        samples=_write_samples,
        rejects=_written,
    )
)


def _write_jvp(b: Builder, i: Instr, args: Sequence[Value], tangents: Sequence[Value | None]) -> Value:
    da = tangents[0] or zeros(b, element(args[0].type), shape_of(args[0].type), open_operands(b, args[0]))
    dv = tangents[1] or constant(b, 0, element(args[1].type))
    return b.emit1(i.op, da, dv, *args[2:], **i.attrs)


def _add_at_ref(a: Any, v: Any, *i: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    new = a.copy()
    new[i] += v
    return (new,)


def _add_at_transpose(t: Any, instr: Instr) -> None:
    t.accumulate(instr.args[1], t.read(instr.outs[0], instr.args[2:]))
    t.pass_on(instr.outs[0], instr.args[0])


add_at = define(
    Op(
        "add_at",
        "The array with v added to one element: add_at a, v, indices.",
        _write_types,
        _add_at_ref,
        flow=lambda d, b, i: d.replaced(b, i.outs[0], i.args[0], i.args[1], i.args[2:], added=True),
        lower="add_at",
        consumes=(0,),
        cost=3,
        jvp=lambda b, instr, args, tangents, outs: [_write_jvp(b, instr, args, tangents)],
        transpose=_add_at_transpose,
        samples=_write_samples,
        rejects=_written,
    )
)


# ---------------------------------------------------------------- run-time checks


def _index_ref(i: Any, n: Any, *, attrs: Attrs, regions: Any) -> tuple[Any]:
    if attrs["checked"] and not -n <= i < n:
        of_list = attrs["axis"] is None  # Python's message, for an index into a list
        raise IndexError("list index out of range" if of_list else f"index {i} is out of bounds for axis {attrs['axis']} with size {n}")
    return (np.int64(i + n if i < 0 else i),)


def _index_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    i64_operands(types, "an index")
    if len(types) != 2:
        raise mismatch("index takes an index and a length")
    return (Scalar(I64),)


# `checked` is false in the adjoint's copies: the forward sweep has been there.
index = define(
    Op(
        "index",
        "A Python index into an axis of length n, made non-negative; IndexError if it is out of range.",
        _index_types,
        _index_ref,
        lower="index",
        raises=True,
        cost=2,
        samples=lambda rng: [((np.int64(-1), np.int64(3)), {"axis": 0, "checked": True}), ((np.int64(2), np.int64(3)), {"axis": 0, "checked": True})],
        rejects=(((Scalar(I64),), {"axis": 0, "checked": True}, "E101"),),
        missing={"derivative": "integers have none"},
    )
)


def _assert_ref(c: Any, *details: Any, attrs: Attrs, regions: Any) -> tuple[()]:
    if not c:
        raise exception(exception_named(attrs["error"]), attrs["message"], [d.item() if isinstance(d, np.generic) else d for d in details])
    return ()


def _assert_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    if not types or types[0] != Scalar(BOOL) or not all(isinstance(t, Scalar) for t in types):
        raise mismatch("assert takes a bool and numbers for its message")
    return ()


assert_ = define(
    Op(
        "assert",
        "Raise the Python exception named {error} with {message}, formatted with the other operands, unless c holds.",
        _assert_types,
        _assert_ref,
        lower="assert",
        raises=True,
        samples=lambda rng: [((np.bool_(True), np.int64(2)), {"error": "ValueError", "message": "bad {0}"})],
        rejects=(((Scalar(F64),), {"error": "ValueError", "message": ""}, "E101"),),
        missing={"derivative": "it has no results"},
    )
)

# ---------------------------------------------------------------- array constructors


def build(b: Builder, shape: tuple[Dim, ...], lengths: Sequence[Value], element_of: Any, *, extent: tuple[Dim, ...] = (), reduce: str = "") -> Value:
    """Array constructor: `element_of(builder, indices)` gives the value of one element (one term, with a reduction)."""
    body = b.sub()
    indices = [body.param(Scalar(I64)) for _ in (*shape, *extent)]
    return b.emit1(OPS["build"], *lengths, regions=(body.block(element_of(body, indices)),), shape=shape, extent=extent, reduce=reduce)
