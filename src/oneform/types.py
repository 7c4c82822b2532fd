"""What a value can be: scalars, arrays with symbolic dimensions, lists of rows; dtypes and their promotion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class DType:
    """An element type. `kind` is b(ool), i(nteger), f(loat) or c(omplex)."""

    name: str
    kind: str
    bits: int

    @property
    def numpy(self) -> np.dtype[Any]:
        return _NUMPY[self.name]

    @property
    def differentiable(self) -> bool:
        return self.kind in "fc"

    def __str__(self) -> str:
        return self.name


_NUMPY: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {"bool": "?", "i32": "i4", "i64": "i8", "f32": "f4", "f64": "f8", "c64": "c8", "c128": "c16"}.items()
}

BOOL = DType("bool", "b", 8)
I32, I64 = DType("i32", "i", 32), DType("i64", "i", 64)
F32, F64 = DType("f32", "f", 32), DType("f64", "f", 64)
C64, C128 = DType("c64", "c", 64), DType("c128", "c", 128)
DTYPES: dict[str, DType] = {d.name: d for d in (BOOL, I32, I64, F32, F64, C64, C128)}
BY_NUMPY: dict[np.dtype[Any], DType] = {d.numpy: d for d in DTYPES.values()}


_PARTS: dict[DType, DType] = {C64: F32, C128: F64}
_WITH_PARTS: dict[DType, DType] = {part: d for d, part in _PARTS.items()}


def real_dtype(d: DType) -> DType:
    """The dtype of the real part: for a complex dtype that of its parts, any other itself."""
    return _PARTS.get(d, d)


def complex_dtype(d: DType) -> DType:
    """The complex dtype whose parts are `d`; a complex one itself."""
    return _WITH_PARTS.get(d, d)


def promote(a: DType, b: DType) -> DType:
    """The dtype of `a + b` for two NumPy dtypes (NEP 50, both operands strong)."""
    return BY_NUMPY[np.promote_types(a.numpy, b.numpy)]


# A dimension is a length, or a symbol that stands for one length throughout a function; ANY is a length that no
# symbol stands for, equal to nothing, itself included.
Dim = int | str
ANY = "?"


@dataclass(frozen=True)
class Scalar:
    dtype: DType

    def __str__(self) -> str:
        return self.dtype.name


@dataclass(frozen=True)
class Array:
    """A C-contiguous array of rank >= 1 (NumPy's 0-d arrays are scalars here)."""

    dtype: DType
    shape: tuple[Dim, ...]

    @property
    def rank(self) -> int:
        return len(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class List:
    """Rows of numbers, arrays and lists, as many as the data make: a list of records, or the tape of a loop whose trip count only the data knows."""

    items: tuple[Type, ...]

    def __str__(self) -> str:
        return f"list<{', '.join(map(str, self.items))}>"


Type = Scalar | Array | List


def same_dim(a: Dim, b: Dim) -> bool:
    """Whether two dimensions are known to be equal."""
    return a == b and a != ANY


def assignable(a: Type, b: Type) -> bool:
    """Whether a value of type `a` may stand where `b` is declared: equal, but that `b` may leave a dimension open (ANY)."""
    if isinstance(a, Array) and isinstance(b, Array):
        return a.dtype == b.dtype and a.rank == b.rank and all(y in (ANY, x) for x, y in zip(a.shape, b.shape, strict=True))
    if isinstance(a, List) and isinstance(b, List):
        return len(a.items) == len(b.items) and all(map(assignable, a.items, b.items))
    return a == b


def join(a: Type, b: Type) -> Type | None:
    """The most precise type that both `a` and `b` are instances of; dimensions that differ become ANY. None if there is none."""
    if isinstance(a, Array) and isinstance(b, Array):
        if a.dtype != b.dtype or a.rank != b.rank:
            return None
        return Array(a.dtype, tuple(x if x == y else ANY for x, y in zip(a.shape, b.shape, strict=True)))
    if isinstance(a, List) and isinstance(b, List) and len(a.items) == len(b.items):
        items = [join(x, y) for x, y in zip(a.items, b.items, strict=True)]
        known = tuple(i for i in items if i is not None)
        return List(known) if len(known) == len(items) else None
    return a if a == b else None


def element(t: Type) -> DType:
    """The dtype of a scalar or array."""
    assert not isinstance(t, List), "a list has no dtype"
    return t.dtype


def differentiable(t: Type) -> bool:
    """Whether values of this type have a tangent: floats, complexes, and arrays of them."""
    return not isinstance(t, List) and t.dtype.differentiable


def carries_derivative(t: Type) -> bool:
    """A type whose values have a tangent; a list has one if a column of it has."""
    return any(map(carries_derivative, t.items)) if isinstance(t, List) else differentiable(t)


def with_shape(dtype: DType, shape: tuple[Dim, ...]) -> Type:
    """A scalar for shape (), else an array."""
    return Array(dtype, shape) if shape else Scalar(dtype)


def shape_of(t: Type) -> tuple[Dim, ...]:
    return t.shape if isinstance(t, Array) else ()
