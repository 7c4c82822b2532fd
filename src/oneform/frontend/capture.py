"""Numbers and arrays that a program reads from globals, closures and objects: hidden arguments, read anew at each call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.tree import Leaf, Tree, flatten
from oneform.types import BOOL, BY_NUMPY, C128, F64, I64, Array, Dim, DType, Scalar

STATIC_TRAILING = 16  # trailing dimensions up to this length belong to the type


@dataclass(frozen=True, eq=False)
class Capture:
    """A hidden argument: where it is read from, and its type at compile time."""

    name: str
    key: tuple[Any, ...]
    read: Callable[[], Any]
    leaf: Leaf

    def get(self) -> Any:
        """The value it has now."""
        return self.read()


@dataclass(frozen=True, eq=False)
class Dependency:
    """A piece of structure the compiled code was made from: it is valid as long as `get()` still is `value`."""

    name: str
    key: tuple[Any, ...]
    read: Callable[[], Any]
    value: Any

    def get(self) -> Any:
        return self.read()

    def holds(self) -> bool:
        try:
            now = self.read()
        except (KeyError, IndexError, ValueError, AttributeError):
            return False
        return now is self.value or (isinstance(now, (Tree, bool, int, float, complex, str)) and type(now) is type(self.value) and now == self.value)


@dataclass(frozen=True, eq=False)
class Reader:
    """How to read a name again: from a dict of globals, a closure cell, or an object's attribute. The run time finds the namespace here."""

    namespace: Any
    name: str

    def __call__(self) -> Any:
        if isinstance(self.namespace, dict):
            return self.namespace[self.name]  # pyright: ignore[reportUnknownVariableType]
        return self.namespace.cell_contents if type(self.namespace).__name__ == "cell" else getattr(self.namespace, self.name)


@dataclass(frozen=True, eq=False)
class Item:
    """A member of a captured container: by key, or by name of a field."""

    container: Callable[[], Any]
    key: Any
    field: bool = False

    def __call__(self) -> Any:
        return getattr(self.container(), self.key) if self.field else self.container()[self.key]


@dataclass(frozen=True, eq=False)
class Shape:
    """The nesting of a captured container."""

    container: Callable[[], Any]

    def __call__(self) -> Tree:
        return flatten(self.container(), [])


def reader(namespace: Any, name: str) -> Callable[[], Any]:
    return Reader(namespace, name)


def dtype_of(x: np.dtype[Any]) -> DType | None:
    return BY_NUMPY.get(x.newbyteorder("="))


def leaf_of(x: Any, fresh: Callable[[], Dim]) -> Leaf | None:
    """The type of a Python number or array; None for anything else. `fresh` names dimensions."""
    if isinstance(x, bool):
        return Leaf(Scalar(BOOL), True)
    if isinstance(x, int):
        return Leaf(Scalar(I64), True) if -(2**63) <= x < 2**63 else None
    if isinstance(x, float) and not isinstance(x, np.generic):
        return Leaf(Scalar(F64), True)
    if isinstance(x, complex) and not isinstance(x, np.generic):
        return Leaf(Scalar(C128), True)
    if isinstance(x, (np.generic, np.ndarray)):
        array: np.ndarray[Any, Any] = np.asarray(x)
        dtype = dtype_of(array.dtype)
        if dtype is None:
            return None
        if array.ndim == 0:
            return Leaf(Scalar(dtype))
        return Leaf(Array(dtype, signature_shape(array.shape, fresh)))
    return None


def signature_shape(shape: tuple[int, ...], fresh: Callable[[], Dim]) -> tuple[Dim, ...]:
    """Which dimensions of an argument belong to its type: those of length 1, and short trailing ones of a matrix or more."""
    out: list[Dim | None] = []
    trailing = True
    for n in reversed(shape):
        trailing = trailing and n <= STATIC_TRAILING
        out.append(n if trailing or n == 1 else None)
    return tuple(fresh() if d is None else d for d in reversed(out))


def is_container(x: Any) -> bool:
    if hasattr(type(x), "n_sequence_fields"):  # sys.float_info and its like
        return False
    return isinstance(x, (tuple, list, dict)) or (dataclasses.is_dataclass(x) and not isinstance(x, type))
