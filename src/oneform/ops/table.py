"""The registry; terms, which let rules read as mathematics; and the families that state a property once for all members."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from oneform.ir import Attrs, Block, Builder, Op, Value, mismatch
from oneform.types import ANY, BOOL, F64, I64, Array, Dim, DType, List, Scalar, Type, element, shape_of, with_shape

OPS: dict[str, Op] = {}


def define(op: Op) -> Op:
    assert op.name not in OPS, f"{op.name} is defined twice"
    OPS[op.name] = op
    return op


class Late:
    """A function of a library that is slow to import: imported at the first call, and recognised once a program has imported it."""

    def __init__(self, module: str, name: str):
        self.__module__, self.__name__ = module, name

    def __call__(self, *args: Any) -> Any:
        return getattr(importlib.import_module(self.__module__), self.__name__)(*args)

    def loaded(self) -> Any:
        """The function itself if its module is loaded, else None."""
        return getattr(sys.modules.get(self.__module__), self.__name__, None)


class Term:
    """A value with the builder that may extend it. Arithmetic on terms emits instructions."""

    __slots__ = ("b", "v")

    def __init__(self, b: Builder, v: Value):
        self.b, self.v = b, v

    @property
    def dtype(self) -> DType:
        return element(self.v.type)

    def apply(self, name: str, *others: Term | float) -> Term:
        """This operation of the table, with `self` as its first argument."""
        return apply(name, self, *others)

    def __add__(self, o: Term | float) -> Term:
        return apply("add", self, o)

    def __radd__(self, o: float) -> Term:
        return apply("add", o, self)

    def __sub__(self, o: Term | float) -> Term:
        return apply("sub", self, o)

    def __rsub__(self, o: float) -> Term:
        return apply("sub", o, self)

    def __mul__(self, o: Term | float) -> Term:
        return apply("mul", self, o)

    def __rmul__(self, o: float) -> Term:
        return apply("mul", o, self)

    def __truediv__(self, o: Term | float) -> Term:
        return apply("div", self, o)

    def __rtruediv__(self, o: float) -> Term:
        return apply("div", o, self)

    def __neg__(self) -> Term:
        return apply("neg", self)

    def __lt__(self, o: Term | float) -> Term:
        return apply("lt", self, o)

    def __gt__(self, o: Term | float) -> Term:
        return apply("gt", self, o)

    def __le__(self, o: Term | float) -> Term:
        return apply("le", self, o)

    def __ge__(self, o: Term | float) -> Term:
        return apply("ge", self, o)


def apply(name: str, *args: Term | float, **attrs: Any) -> Term:
    """Emit an operation on terms; plain numbers become constants of the terms' dtype."""
    model = next(a for a in args if isinstance(a, Term))
    dtype = next((a.dtype for a in args if isinstance(a, Term) and a.dtype != BOOL), model.dtype)
    values = [a.v if isinstance(a, Term) else constant(model.b, a, dtype) for a in args]
    return Term(model.b, model.b.emit1(OPS[name], *values, **attrs))


def constant(b: Builder, value: Any, dtype: DType) -> Value:
    """A constant of the given dtype."""
    plain: Any = dtype.numpy.type(value).item()
    return b.emit1(OPS["const"], value=plain, dtype=dtype)


def integer(b: Builder, value: int) -> Value:
    return constant(b, value, I64)


# ---------------------------------------------------------------- broadcasting


def broadcast_dim(a: Dim, b: Dim) -> Dim:
    """One dimension of a pointwise result. Two symbols may stand side by side: whoever emits that also emits the check."""
    if a == 1 or a == b:
        return b
    if b == 1:
        return a
    if isinstance(a, int) and isinstance(b, int):
        raise mismatch(f"lengths {a} and {b} cannot be broadcast together", "E103")
    if isinstance(a, int) or b == ANY:
        return a
    return b if isinstance(b, int) or a == ANY else a


def broadcast_shape(shapes: Sequence[tuple[Dim, ...]]) -> tuple[Dim, ...]:
    """NumPy's rule on types: trailing dimensions align, and only a dimension that is statically 1 stretches."""
    rank = max((len(s) for s in shapes), default=0)
    out: list[Dim] = [1] * rank
    for s in shapes:
        for k, d in enumerate(s, rank - len(s)):
            try:
                out[k] = broadcast_dim(out[k], d)
            except Exception:
                shown = " and ".join(str(list(s)) for s in shapes if s)
                raise mismatch(f"shapes {shown} cannot be broadcast together", "E103") from None
    return tuple(out)


ResultDType = DType | Callable[[DType], DType] | None


def pointwise_types(kinds: str, result: ResultDType = None, arity: int = 1) -> Callable[[tuple[Type, ...], Attrs, tuple[Block, ...]], tuple[Type, ...]]:
    """All operands have one dtype, whose kind is among `kinds`; shapes broadcast; the result has that dtype, or `result`, or what `result` makes of it."""

    def rule(types: tuple[Type, ...], attrs: Attrs, regions: tuple[Block, ...]) -> tuple[Type, ...]:
        if len(types) != arity:
            raise mismatch(f"takes {arity} operands, not {len(types)}")
        for t in types:
            if isinstance(t, List) or t.dtype.kind not in kinds:
                raise mismatch(f"no such operation on {t}")
        dtypes = {element(t) for t in types}
        if len(dtypes) != 1:
            raise mismatch("operand types differ: " + " and ".join(map(str, types)))
        own = dtypes.pop()
        dtype = result if isinstance(result, DType) else own if result is None else result(own)
        return (with_shape(dtype, broadcast_shape([shape_of(t) for t in types])),)

    return rule


def dims(b: Builder, v: Value) -> list[Value]:
    """The lengths of an array as i64 values."""
    return [dim(b, v, k) for k in range(len(shape_of(v.type)))]


def dim(b: Builder, v: Value, axis: int) -> Value:
    d = shape_of(v.type)[axis]
    return integer(b, d) if isinstance(d, int) else b.emit1(OPS["dim"], v, axis=axis)


def open_operands(b: Builder, v: Value) -> list[Value]:
    """The operands that an allocation of v's shape takes: one for each dimension that is no number."""
    return [dim(b, v, k) for k, d in enumerate(shape_of(v.type)) if not isinstance(d, int)]


def expand_pointwise(op_name: str) -> Callable[[Builder, tuple[Value, ...], Attrs], Value]:
    """An operation on arrays as an array constructor with the scalar operation inside."""

    def expand(b: Builder, args: tuple[Value, ...], attrs: Attrs) -> Value:
        shape = broadcast_shape([shape_of(a.type) for a in args])
        rank = len(shape)
        operands: list[Value] = []
        for k, d in enumerate(shape):
            if not isinstance(d, int):
                source = next(a for a in args if rank - k <= len(shape_of(a.type)) and shape_of(a.type)[k - rank] == d)
                operands.append(dim(b, source, len(shape_of(source.type)) + k - rank))
        body = b.sub()
        index = [body.param(Scalar(I64)) for _ in shape]
        scalars = [read_broadcast(body, a, index) for a in args]
        element_ = body.emit1(OPS[op_name], *scalars, **attrs)
        return b.emit1(OPS["build"], *operands, regions=(body.block(element_),), shape=shape, extent=(), reduce="")

    return expand


def read_broadcast(b: Builder, a: Value, index: Sequence[Value]) -> Value:
    """Element `index` of `a` broadcast to the rank of `index`."""
    if not isinstance(a.type, Array):
        return a
    tail = index[len(index) - a.type.rank :]
    return b.emit1(OPS["get"], a, *(integer(b, 0) if d == 1 else i for d, i in zip(a.type.shape, tail, strict=True)))


def quiet(f: Any, *args: Any) -> Any:
    """Call f without NumPy's warnings: infinities and NaN are results like others."""
    with np.errstate(all="ignore"):
        return f(*args)


# ---------------------------------------------------------------- families

Samples = Callable[[np.random.Generator], list[Any]]


def pointwise(
    name: str,
    doc: str,
    ref: Callable[..., Any],
    *,
    arity: int,
    lower: Mapping[str, str],
    partials: Callable[..., tuple[Any, ...]] | None = None,
    kinds: str = "f",
    result: ResultDType = None,
    complex: Callable[..., Any] | None = None,
    analytic: bool = True,
    cost: int = 1,
    low: float = -2.0,
    high: float = 2.0,
    python: tuple[Any, ...] = (),
    missing: Mapping[str, str] | None = None,
    raises: bool = False,
    singular: bool = False,
    **foreign: str,
) -> Op:
    """Elementwise with broadcasting. `lower` maps a dtype kind to a scalar template; typing, array form and samples follow.
    `complex` is for complex numbers what templates are for the others (see `Op.complex`)."""
    kinds += "c" if complex is not None and "c" not in kinds else ""

    def reference(*args: Any, attrs: Attrs, regions: Any) -> tuple[Any, ...]:
        with np.errstate(all="ignore"):
            return (ref(*args),)

    def samples(rng: np.random.Generator) -> list[Any]:
        cases: list[Any] = []
        for kind in kinds:
            for shapes in [((),) * arity, ((3,),) * arity] if arity == 1 else [((),) * arity, ((3,),) * arity, ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (4,))]:
                full = (*shapes, *((),) * (arity - len(shapes)))
                cases.append((tuple(sample(rng, kind, s, low, high) for s in full), {}))
        return cases

    rejects: tuple[tuple[Any, ...], ...] = () if arity == 1 else (((Array(_first(kinds), (3,)),) + (Array(_first(kinds), (2,)),) * (arity - 1), {}, "E103"),)
    return define(
        Op(
            name,
            doc,
            pointwise_types(kinds, result, arity),
            reference,
            partials=partials,
            lower=lower,
            expand=expand_pointwise(name),
            complex=complex,
            analytic=analytic,
            cost=cost,
            python=python,
            foreign=foreign,
            samples=samples,
            rejects=rejects,
            missing=missing or {},
            raises=raises,
            singular=singular,
        )
    )


def _first(kinds: str) -> DType:
    from_kind: dict[str, DType] = {d.kind: d for d in (BOOL, I64)}
    return from_kind.get(kinds[0], F64)


def sample(rng: np.random.Generator, kind: str, shape: tuple[int, ...], low: float, high: float) -> Any:
    if kind == "b":
        return rng.random(shape) < 0.5 if shape else np.bool_(rng.random() < 0.5)
    if kind == "c":  # all quadrants, whatever the real function is defined on
        return sample(rng, "f", shape, -2.0, 2.0) + 1j * sample(rng, "f", shape, -2.0, 2.0)
    if kind == "i":
        values = rng.integers(int(np.ceil(low)) if low > -2.0 else -5, 6, shape)
        return np.where(values == 0, 1, values) if shape else np.int64(int(values) or 1)
    return rng.uniform(low, high, shape) if shape else np.float64(rng.uniform(low, high))


def unary(name: str, doc: str, ref: Callable[..., Any], *, partial: Callable[[Term, Term], Any] | None = None, **rest: Any) -> Op:
    """y = f(x), given f'(x) in terms of x and y."""
    partials = None if partial is None else (lambda x, y: (partial(x, y),))
    return pointwise(name, doc, ref, arity=1, partials=partials, **rest)


def binary(name: str, doc: str, ref: Callable[..., Any], **rest: Any) -> Op:
    """z = f(x, y), given both partials in terms of x, y and z."""
    return pointwise(name, doc, ref, arity=2, **rest)


def literal(instr: Any) -> Any:
    """The number an instruction stands for, if it is a constant; else None."""
    return instr.attrs["value"] if instr is not None and instr.op is OPS["const"] else None
