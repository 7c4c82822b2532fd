"""Arrays as memory (allocate, read, write, add in place), constants, run-time checks, stacks, and whole-array operations."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Builder, Instr, Op, Value, array_of, mismatch, open_dims, scalar_of
from oneform.ops.table import OPS, Term, constant, define, dim, integer, open_operands
from oneform.types import ANY, BOOL, F64, I64, Array, Dim, DType, Scalar, Stack, Type, assignable, element, shape_of, with_shape

Types = tuple[Type, ...]
Regions = tuple[Block, ...]


def _indices(types: Sequence[Type], what: str) -> None:
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
        ],
        missing={"derivative": "it has no operands"},
    )
)


def _undefined(t: Type) -> Any:
    if isinstance(t, Stack):
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


def _alloc_shape(operands: Types, shape: tuple[Dim, ...]) -> None:
    _indices(operands, "a length")
    if not shape or len(operands) != open_dims(shape):
        raise mismatch(f"an array of shape {list(shape)} needs {open_dims(shape)} lengths, not {len(operands)}")


def run_shape(shape: tuple[Dim, ...], lengths: Sequence[Any]) -> tuple[int, ...]:
    """The lengths at run time: numbers from the type, the others from operands in order."""
    given = iter(lengths)
    return tuple(d if isinstance(d, int) else int(next(given)) for d in shape)


def _empty_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    _alloc_shape(types, attrs["shape"])
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
    _alloc_shape(types[1:], attrs["shape"])
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
        lower="full",
        cost=20,
        samples=lambda rng: [((np.float64(1.5), np.int64(4)), {"shape": ("n", 3)}), ((np.float64(0.5),), {"shape": (2,)})],
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
        "A new array with the same elements.",
        lambda types, attrs, regions: (array_of(types[0], "the operand"),),
        lambda a, *, attrs, regions: (a.copy(),),
        jvp=lambda b, instr, args, tangents, outs: [b.emit1(copy, tangents[0])],
        transpose=lambda t, instr: t.pass_on(instr.outs[0], instr.args[0]),
        lower="copy",
        cost=50,
        samples=lambda rng: [((rng.normal(size=(3,)),), {}), ((rng.normal(size=(2, 3)),), {})],
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
    _indices(types[1:], "an index")
    if len(types) - 1 != a.rank:
        raise mismatch(f"{a} takes {a.rank} indices, not {len(types) - 1}")
    return (Scalar(a.dtype),)


get = define(
    Op(
        "get",
        "One element. The indices are in range.",
        _get_types,
        lambda a, *i, attrs, regions: (a[i],),
        lower="get",
        cost=2,
        jvp=lambda b, instr, args, tangents, outs: [b.emit1(get, tangents[0], *args[1:])],
        transpose=lambda t, instr: t.accumulate_at(instr.args[0], instr.args[1:], t.cotangent(instr.outs[0])),
        samples=lambda rng: [((rng.normal(size=(3,)), np.int64(2)), {}), ((rng.normal(size=(2, 3)), np.int64(1), np.int64(0)), {})],
        rejects=(((Array(F64, (3,)), Scalar(F64)), {}, "E101"), ((Array(F64, (3, 3)), Scalar(I64)), {}, "E101")),
    )
)


def _write_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a, v = array_of(types[0], "what is written to"), scalar_of(types[1], "the new element")
    _indices(types[2:], "an index")
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
    return [((rng.normal(size=(3,)), np.float64(0.7), np.int64(1)), {}), ((rng.normal(size=(2, 3)), np.float64(0.7), np.int64(1), np.int64(2)), {})]


set_ = define(
    Op(
        "set",
        "The array with one element replaced: set a, v, indices.",
        _write_types,
        _set_ref,
        lower="set",
        consumes=(0,),
        cost=2,
        jvp=lambda b, instr, args, tangents, outs: [_write_jvp(b, set_, args, tangents)],
        transpose=_set_transpose,
        samples=_write_samples,
        rejects=_written,
    )
)


def _write_jvp(b: Builder, op: Op, args: Sequence[Value], tangents: Sequence[Value | None]) -> Value:
    da = tangents[0] or zeros(b, element(args[0].type), shape_of(args[0].type), open_operands(b, args[0]))
    dv = tangents[1] or constant(b, 0, element(args[1].type))
    return b.emit1(op, da, dv, *args[2:])


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
        lower="add_at",
        consumes=(0,),
        cost=3,
        jvp=lambda b, instr, args, tangents, outs: [_write_jvp(b, add_at, args, tangents)],
        transpose=_add_at_transpose,
        samples=_write_samples,
        rejects=_written,
    )
)


# ---------------------------------------------------------------- run-time checks


def _index_ref(i: Any, n: Any, *, attrs: Attrs, regions: Any) -> tuple[Any]:
    if attrs["checked"] and not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for axis {attrs['axis']} with size {n}")
    return (np.int64(i + n if i < 0 else i),)


def _index_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    _indices(types, "an index")
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
        kind: type[Exception] = getattr(builtins, attrs["error"])
        raise kind(attrs["message"].format(*details)) if attrs["message"] else kind()
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

# ---------------------------------------------------------------- stacks

stack = define(
    Op(
        "stack",
        "An empty stack of {items}.",
        lambda types, attrs, regions: (Stack(tuple(attrs["items"])),),
        lambda *, attrs, regions: ([],),
        lower="stack",
        cost=20,
        samples=lambda rng: [],
        missing={"derivative": "the reverse transform keeps a stack of cotangents beside it", "samples": "stacks are no Python values"},
    )
)


def _push_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    s = types[0]
    if not isinstance(s, Stack) or len(types) - 1 != len(s.items) or not all(map(assignable, types[1:], s.items)):
        raise mismatch(f"cannot push {', '.join(map(str, types[1:]))} onto {s}")
    return (s,)


def _pop_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    (s,) = types
    if not isinstance(s, Stack):
        raise mismatch(f"cannot pop from {s}")
    return (s, *s.items)


_STACK_MISSING = {"derivative": "the reverse transform keeps a stack of cotangents beside it", "samples": "stacks are no Python values"}
push = define(
    Op(
        "push",
        "The stack with one more tuple.",
        _push_types,
        lambda s, *v, attrs, regions: ([*s, v],),
        lower="push",
        consumes=(0,),
        cost=3,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {}, "E101"),),
        missing=_STACK_MISSING,
    )
)
pop = define(
    Op(
        "pop",
        "The stack without its last tuple, and that tuple.",
        _pop_types,
        lambda s, *, attrs, regions: (s[:-1], *s[-1]),
        lower="pop",
        consumes=(0,),
        cost=3,
        samples=lambda rng: [],
        rejects=(((Scalar(F64),), {}, "E101"),),
        missing=_STACK_MISSING,
    )
)

# ---------------------------------------------------------------- whole arrays, decomposed into array constructors


def build(b: Builder, shape: tuple[Dim, ...], lengths: Sequence[Value], element_of: Any, *, extent: tuple[Dim, ...] = (), reduce: str = "") -> Value:
    """Array constructor: `element_of(builder, indices)` gives the value of one element (one term, with a reduction)."""
    body = b.sub()
    indices = [body.param(Scalar(I64)) for _ in (*shape, *extent)]
    return b.emit1(OPS["build"], *lengths, regions=(body.block(element_of(body, indices)),), shape=shape, extent=extent, reduce=reduce)


# One entry of `spec` per axis of the operand, or "new": "all" keeps the axis, "slice" takes operands start and step (its
# length is given by `shape`), "index" takes one operand and drops the axis. Starts and indices are in range.
_TAKES = {"all": 0, "slice": 2, "index": 1, "new": 0}


def _view_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a, spec, shape = array_of(types[0], "what is indexed"), attrs["spec"], attrs["shape"]
    _indices(types[1:], "an index")
    if sum(s != "new" for s in spec) != a.rank or len(types) - 1 != sum(_TAKES[s] for s in spec) + open_dims(shape):
        raise mismatch(f"cannot index {a} by {list(spec)}")
    return (with_shape(a.dtype, shape),)


def _view_ref(a: Any, *operands: Any, attrs: Attrs, regions: Any) -> tuple[Any]:
    given = iter(operands)
    parts: list[tuple[str, int, int]] = []
    for s in attrs["spec"]:
        taken = [int(next(given)) for _ in range(_TAKES[s])]
        parts.append((s, taken[0] if taken else 0, taken[1] if len(taken) > 1 else 1))
    shape = run_shape(attrs["shape"], list(given))
    lengths = iter(shape)
    out = a
    axis = 0
    for s, start, step in parts:
        if s == "index":
            out = np.take(out, start, axis)
            continue
        n = next(lengths)
        out = np.expand_dims(out, axis) if s == "new" else np.take(out, start + step * np.arange(n), axis)
        axis += 1
    return (out.copy(),)


def view_indices(b: Builder, spec: Sequence[str], operands: Sequence[Value], indices: Sequence[Value]) -> list[Value]:
    """The indices into the operand of `view` for an element of its result."""
    given, outer = iter(operands), iter(indices)
    result: list[Value] = []
    for s in spec:
        if s == "index":
            result.append(next(given))
        elif s == "new":
            next(outer)
        elif s == "all":
            result.append(next(outer))
        else:
            start, step, i = Term(b, next(given)), Term(b, next(given)), Term(b, next(outer))
            result.append((start + step * i).v)
    return result


def _view_expand(b: Builder, args: tuple[Value, ...], attrs: Attrs) -> Value:
    spec, shape = attrs["spec"], attrs["shape"]
    count = sum(_TAKES[s] for s in spec)
    operands, lengths = args[1 : 1 + count], args[1 + count :]
    if not shape:
        return b.emit1(get, args[0], *view_indices(b, spec, operands, ()))
    return build(b, shape, lengths, lambda body, i: body.emit1(get, args[0], *view_indices(body, spec, operands, i)))


view = define(
    Op(
        "view",
        "Basic indexing: {spec} per axis (all; slice: start, step; index; new), result of shape {shape}.",
        _view_types,
        _view_ref,
        expand=_view_expand,
        cost=50,
        samples=lambda rng: [
            ((rng.normal(size=(4, 3)), np.int64(1), np.int64(2)), {"spec": ("slice", "all"), "shape": (2, 3)}),
            ((rng.normal(size=(4, 3)), np.int64(3), np.int64(2), np.int64(-1)), {"spec": ("index", "slice"), "shape": (3,)}),
            ((rng.normal(size=(4,)), np.int64(3), np.int64(-1), np.int64(2)), {"spec": ("slice", "new"), "shape": ("k", 1)}),
        ],
        foreign={"jaxpr": "slice", "aten": "slice.Tensor", "stablehlo": "slice", "onnx": "Slice"},
        rejects=(((Array(F64, (3,)),), {"spec": (), "shape": ()}, "E101"),),
    )
)


def _transpose_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a, perm = array_of(types[0], "the operand"), attrs["perm"]
    if sorted(perm) != list(range(a.rank)):
        raise mismatch(f"{list(perm)} is no permutation of the axes of {a}")
    return (Array(a.dtype, tuple(a.shape[p] for p in perm)),)


def _transpose_expand(b: Builder, args: tuple[Value, ...], attrs: Attrs) -> Value:
    (a,), perm = args, attrs["perm"]
    shape = tuple(shape_of(a.type)[p] for p in perm)
    lengths = [dim(b, a, p) for p in perm if not isinstance(shape_of(a.type)[p], int)]
    return build(b, shape, lengths, lambda body, i: body.emit1(get, a, *(i[perm.index(k)] for k in range(len(perm)))))


transpose = define(
    Op(
        "transpose",
        "Axes in the order {perm}.",
        _transpose_types,
        lambda a, *, attrs, regions: (np.transpose(a, attrs["perm"]).copy(),),
        expand=_transpose_expand,
        cost=50,
        samples=lambda rng: [((rng.normal(size=(2, 3)),), {"perm": (1, 0)}), ((rng.normal(size=(2, 3, 4)),), {"perm": (2, 0, 1)})],
        foreign={"jaxpr": "transpose", "aten": "permute", "stablehlo": "transpose", "onnx": "Transpose"},
        rejects=(((Array(F64, (3,)),), {"perm": (1,)}, "E101"),),
    )
)

# ---------------------------------------------------------------- reductions over axes

_NEUTRAL: dict[str, Any] = {"add": 0, "mul": 1}


def kept(shape: tuple[Dim, ...], axes: Sequence[int]) -> tuple[Dim, ...]:
    return tuple(d for k, d in enumerate(shape) if k not in axes)


def _reduce_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a, axes = array_of(types[0], "the operand"), attrs["axes"]
    if a.dtype == BOOL or not axes or any(not 0 <= k < a.rank for k in axes) or len(set(axes)) != len(axes):
        raise mismatch(f"cannot reduce {a} over the axes {list(axes)}")
    return (with_shape(a.dtype, kept(a.shape, axes)),)


def _reduce_expand(kind: str) -> Any:
    def expand(b: Builder, args: tuple[Value, ...], attrs: Attrs) -> Value:
        (a,), axes = args, attrs["axes"]
        source = shape_of(a.type)
        order = [k for k in range(len(source)) if k not in axes] + list(axes)  # axis of `a` of each build index
        lengths = [dim(b, a, k) for k in order if not isinstance(source[k], int)]
        return build(
            b,
            kept(source, axes),
            lengths,
            lambda body, i: body.emit1(get, a, *(i[order.index(k)] for k in range(len(source)))),
            extent=tuple(source[k] for k in axes),
            reduce=kind,
        )

    return expand


def _reduction(name: str, doc: str, ref: Any, kind: str, **foreign: str) -> Op:
    def samples(rng: np.random.Generator) -> list[Any]:
        floats = [((rng.normal(size=s),), {"axes": axes}) for s, axes in (((3,), (0,)), ((2, 3), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)), ((2, 3, 4), (0, 2)))]
        return [*floats, ((rng.integers(-3, 4, (2, 3)),), {"axes": (1,)})]

    return define(
        Op(
            name,
            doc,
            _reduce_types,
            lambda a, *, attrs, regions: (np.asarray(ref(a, axis=tuple(attrs["axes"])), a.dtype)[()],),
            expand=_reduce_expand(kind),
            cost=50,
            samples=samples,
            rejects=(((Array(F64, (3,)),), {"axes": (1,)}, "E101"), ((Scalar(F64),), {"axes": (0,)}, "E101")),
            foreign=foreign,
        )
    )


sum_ = _reduction("sum", "Sum over {axes}; the order is free.", np.sum, "add", jaxpr="reduce_sum", aten="sum.dim_IntList", stablehlo="reduce", onnx="ReduceSum")
prod = _reduction("prod", "Product over {axes}.", np.prod, "mul", jaxpr="reduce_prod", aten="prod.dim_int", stablehlo="reduce", onnx="ReduceProd")
max_ = _reduction(
    "max",
    "Largest element over {axes}, which must not be empty; NaN if there is one; ties share the derivative evenly.",
    np.max,
    "max",
    jaxpr="reduce_max",
    aten="amax",
    stablehlo="reduce",
    onnx="ReduceMax",
)
min_ = _reduction(
    "min",
    "Smallest element over {axes}, which must not be empty; NaN if there is one; ties share the derivative evenly.",
    np.min,
    "min",
    jaxpr="reduce_min",
    aten="amin",
    stablehlo="reduce",
    onnx="ReduceMin",
)

# ---------------------------------------------------------------- matrix product


def _matmul_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    x, y = array_of(types[0], "the left factor"), array_of(types[1], "the right factor")
    if x.dtype != y.dtype or x.dtype.kind == "b" or x.rank > 2 or y.rank > 2:
        raise mismatch(f"cannot multiply {x} by {y}")
    inner, outer = x.shape[-1], y.shape[0]
    if isinstance(inner, int) and isinstance(outer, int) and inner != outer:
        raise mismatch(f"cannot multiply {x} by {y}: {inner} is not {outer}", "E103")
    return (with_shape(x.dtype, x.shape[:-1] + y.shape[1:]),)


def _matmul_expand(b: Builder, args: tuple[Value, ...], attrs: Attrs) -> Value:
    """z[i, j] = sum over k of x[i, k] y[k, j]"""
    x, y = args
    sx, sy = shape_of(x.type), shape_of(y.type)
    shape = sx[:-1] + sy[1:]
    inner = sx[-1] if isinstance(sx[-1], int) or sx[-1] != ANY and not isinstance(sy[0], int) else sy[0]
    lengths = [dim(b, x, 0)] if len(sx) == 2 and not isinstance(sx[0], int) else []
    lengths += [dim(b, y, 1)] if len(sy) == 2 and not isinstance(sy[1], int) else []
    lengths += [] if isinstance(inner, int) else [dim(b, x, len(sx) - 1)]

    def term(body: Builder, i: Sequence[Value]) -> Value:
        row, k, column = i[: len(sx) - 1], i[-1], i[len(sx) - 1 : len(shape)]
        return (Term(body, body.emit1(get, x, *row, k)) * Term(body, body.emit1(get, y, k, *column))).v

    return build(b, shape, lengths, term, extent=(inner,), reduce="add")


matmul = define(
    Op(
        "matmul",
        "Matrix product of two matrices, a matrix and a vector, or two vectors.",
        _matmul_types,
        lambda x, y, *, attrs, regions: (np.matmul(x, y),),
        expand=_matmul_expand,
        cost=200,
        python=(np.matmul, np.dot),
        foreign={"jaxpr": "dot_general", "aten": "mm", "stablehlo": "dot_general", "onnx": "MatMul"},
        samples=lambda rng: [((rng.normal(size=s), rng.normal(size=t)), {}) for s, t in (((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 2)), ((3,), (3,)))],
        rejects=(((Array(F64, (2, 3)), Array(F64, (2, 3))), {}, "E103"), ((Scalar(F64), Array(F64, (3,))), {}, "E101")),
    )
)


def _reshape_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a = array_of(types[0], "the operand")
    _alloc_shape(types[1:], attrs["shape"])
    return (Array(a.dtype, attrs["shape"]),)


def _reshape_expand(b: Builder, args: tuple[Value, ...], attrs: Attrs) -> Value:
    """Element by element through the flat index, which a row-major array has in common with any reshape of it."""
    a, lengths, shape = args[0], args[1:], attrs["shape"]
    given = iter(lengths)
    target = [integer(b, d) if isinstance(d, int) else next(given) for d in shape]
    source = [dim(b, a, k) for k in range(len(shape_of(a.type)))]

    def read(body: Builder, i: Sequence[Value]) -> Value:
        flat = Term(body, i[0])
        for d, k in zip(target[1:], i[1:], strict=True):
            flat = flat * Term(body, d) + Term(body, k)
        out: list[Value] = []
        for d in reversed(source[1:]):
            out.append(flat.apply("mod", Term(body, d)).v)
            flat = flat.apply("floordiv", Term(body, d))
        return body.emit1(get, a, flat.v, *reversed(out))

    return build(b, shape, lengths, read)


reshape = define(
    Op(
        "reshape",
        "The same elements in row-major order, with shape {shape}; the sizes are equal.",
        _reshape_types,
        lambda a, *lengths, attrs, regions: (a.reshape(run_shape(attrs["shape"], lengths)).copy(),),
        expand=_reshape_expand,
        cost=50,
        samples=lambda rng: [
            ((rng.normal(size=(2, 3)),), {"shape": (6,)}),
            ((rng.normal(size=(6,)), np.int64(3)), {"shape": ("k", 2)}),
            ((rng.normal(size=(2, 6)),), {"shape": (3, 4)}),
        ],
        foreign={"jaxpr": "reshape", "aten": "view", "stablehlo": "reshape", "onnx": "Reshape"},
        rejects=(((Scalar(F64),), {"shape": (1,)}, "E101"),),
    )
)
