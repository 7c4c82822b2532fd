"""Operations on whole arrays, each with its decomposition into an array constructor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Builder, Op, Value, array_of, mismatch, open_dims
from oneform.ops.array import alloc_shape, build, get, i64_operands, run_shape
from oneform.ops.table import Term, define, dim, integer, sample
from oneform.types import ANY, BOOL, C128, F64, Array, Dim, Scalar, Type, shape_of, with_shape

Types = tuple[Type, ...]
Regions = tuple[Block, ...]

# One entry of `spec` per axis of the operand, or "new": "all" keeps the axis, "slice" takes operands start and step (its
# length is given by `shape`), "index" takes one operand and drops the axis. Starts and indices are in range. Along a new axis every
# element is the same.
_TAKES = {"all": 0, "slice": 2, "index": 1, "new": 0}


def _view_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a, spec, shape = array_of(types[0], "what is indexed"), attrs["spec"], attrs["shape"]
    i64_operands(types[1:], "an index")
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
        out = np.repeat(np.expand_dims(out, axis), n, axis) if s == "new" else np.take(out, start + step * np.arange(n), axis)
        axis += 1
    return (out.copy(),)


def viewi64_operands(b: Builder, spec: Sequence[str], operands: Sequence[Value], indices: Sequence[Value]) -> list[Value]:
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
        return b.emit1(get, args[0], *viewi64_operands(b, spec, operands, ()))
    return build(b, shape, lengths, lambda body, i: body.emit1(get, args[0], *viewi64_operands(body, spec, operands, i)))


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
            ((rng.normal(size=(2,)), np.int64(3)), {"spec": ("new", "all"), "shape": ("k", 2)}),
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
    ordered = kind in ("max", "min")

    def types(given: Types, attrs: Attrs, regions: Regions) -> Types:
        if ordered and array_of(given[0], "the operand").dtype.kind == "c":
            raise mismatch(f"complex numbers have no order, so {given[0]} has no {name}")
        return _reduce_types(given, attrs, regions)

    def samples(rng: np.random.Generator) -> list[Any]:
        floats = [((rng.normal(size=s),), {"axes": axes}) for s, axes in (((3,), (0,)), ((2, 3), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)), ((2, 3, 4), (0, 2)))]
        complexes = [] if ordered else [((sample(rng, "c", s, -1, 1),), {"axes": axes}) for s, axes in (((3,), (0,)), ((2, 3), (0,)), ((2, 3), (0, 1)))]
        return [*floats, *complexes, ((rng.integers(-3, 4, (2, 3)),), {"axes": (1,)})]

    return define(
        Op(
            name,
            doc,
            types,
            lambda a, *, attrs, regions: (np.asarray(ref(a, axis=tuple(attrs["axes"])), a.dtype)[()],),
            expand=_reduce_expand(kind),
            cost=50,
            samples=samples,
            rejects=(
                ((Array(F64, (3,)),), {"axes": (1,)}, "E101"),
                ((Scalar(F64),), {"axes": (0,)}, "E101"),
                *([((Array(C128, (3,)),), {"axes": (0,)}, "E101")] if ordered else []),
            ),
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
        samples=lambda rng: [
            ((sample(rng, k, s, -2, 2), sample(rng, k, t, -2, 2)), {})
            for k in "fc"
            for s, t in (((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 2)), ((3,), (3,)))
        ],
        rejects=(((Array(F64, (2, 3)), Array(F64, (2, 3))), {}, "E103"), ((Scalar(F64), Array(F64, (3,))), {}, "E101")),
    )
)


def _reshape_types(types: Types, attrs: Attrs, regions: Regions) -> Types:
    a = array_of(types[0], "the operand")
    alloc_shape(types[1:], attrs["shape"])
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
