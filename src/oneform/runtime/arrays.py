"""What callers pass: each leaf's type as a key, and the leaf itself in the one form that compiled code takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.exceptions import TooHardError

from oneform.errors import ArgumentError
from oneform.tree import Leaf
from oneform.types import BY_NUMPY, DTYPES, Array, Dim, Scalar, Type

# What the call signature says of a leaf: dtype and weakness of a number, or dtype and shape of an array. In the shape a
# number is a length that the compiled code may rely on, None one that it reads at the call.
LeafKey = tuple[str, bool] | tuple[str, tuple[int | None, ...]]

SMALL = 16  # trailing dimensions up to this length are part of the type: a 3-vector lives in registers
_SMALL_SIZE = 64  # ... as long as their product stays below this

_NUMBERS: dict[type, LeafKey] = {
    float: ("f64", True), int: ("i64", True), bool: ("bool", True), np.float64: ("f64", False), np.float32: ("f32", False),
    np.int64: ("i64", False), np.int32: ("i32", False), np.bool_: ("bool", False),
    complex: ("c128", True), np.complex128: ("c128", False), np.complex64: ("c64", False),
}
_NATIVE: dict[int, str] = {id(d): BY_NUMPY[d].name for d in map(np.dtype, ("?", "i4", "i8", "f4", "f8", "c8", "c16"))}  # the singletons NumPy hands out
_NARROW: dict[str, str] = {"i1": "i4", "i2": "i4", "u1": "i4", "u2": "i4", "u4": "i8", "f2": "f4"}  # widths without a type of our own
_I64 = range(-(2**63), 2**63)
ACCEPTED = "numbers, and arrays of bool, int32, int64, float32, float64, complex64 or complex128"


def array_key(shape: tuple[int, ...], dtype: str) -> LeafKey:
    """The key of an array: lengths 1, and a run of small trailing lengths, are static."""
    pattern: list[int | None] = [1 if n == 1 else None for n in shape]
    size = 1
    for k in range(len(shape) - 1, -1, -1):
        size *= shape[k]
        if not 0 < shape[k] <= SMALL or size > _SMALL_SIZE:
            break
        pattern[k] = shape[k]
    return (dtype, tuple(pattern))


def widened(key: LeafKey) -> LeafKey:
    """The key that serves all sizes: only lengths of 1 stay, since they decide how arrays broadcast."""
    dtype, shape = key
    return key if isinstance(shape, bool) else (dtype, tuple(1 if n == 1 else None for n in shape))


def column(key: LeafKey) -> LeafKey:
    """The key of a column, which has any number of rows."""
    dtype, shape = key
    return key if isinstance(shape, bool) else (dtype, (None, *shape[1:]))


def fits(x: Any, key: LeafKey) -> bool:
    """Whether a marshalled leaf is what code compiled for `key` expects."""
    name, rest = key
    if isinstance(rest, bool):
        return _NUMBERS.get(type(x)) == key
    return (
        type(x) is np.ndarray and _NATIVE.get(id(x.dtype)) == name and x.ndim == len(rest)
        and all(want is None or n == want for n, want in zip(x.shape, rest, strict=True))
    )


def type_fits(t: Type, declared: Type) -> bool:
    """Whether a leaf of type `t`, its open lengths unknown, may be passed where `declared` stands; lengths are compared at the call."""
    if isinstance(t, Array) and isinstance(declared, Array):
        pairs = zip(t.shape, declared.shape, strict=True) if t.rank == declared.rank else [(0, 1)]
        return t.dtype == declared.dtype and all(not isinstance(d, int) or n == d or not isinstance(n, int) for n, d in pairs)
    return t == declared


def leaves_of(keys: Sequence[LeafKey]) -> list[Leaf]:
    """The leaves that keys describe; every open dimension is a symbol of its own."""
    out: list[Leaf] = []
    count = 0
    for name, rest in keys:
        if isinstance(rest, bool):
            out.append(Leaf(Scalar(DTYPES[name]), rest))
            continue
        shape: list[Dim] = []
        for n in rest:
            shape.append(f"n{count}" if n is None else n)
            count += n is None
        out.append(Leaf(Array(DTYPES[name], tuple(shape))))
    return out


def key_of_leaf(leaf: Leaf) -> LeafKey:
    """The key a leaf was made from."""
    t = leaf.type
    if isinstance(t, Array):
        return (t.dtype.name, tuple(d if isinstance(d, int) else None for d in t.shape))
    assert isinstance(t, Scalar)
    return (t.dtype.name, leaf.weak)


def marshal(x: Any, name: str) -> tuple[Any, LeafKey]:
    """The leaf as compiled code takes it, and its key. A copy is made only of arrays with foreign layout, order or width.

    Raises ArgumentError E401, naming the argument, for what is no number and no array of numbers.
    """
    kind: type = type(x)
    key = _NUMBERS.get(kind)
    if key is not None:
        if kind is int and x not in _I64:
            raise ArgumentError("E401", f"{name} is the integer {x}, which does not fit 64 bits")
        return x, key
    if kind is not np.ndarray:
        x = _as_array(x, name)
        if type(x) is not np.ndarray:
            return marshal(x, name)
    array: np.ndarray[Any, Any] = x
    if array.ndim == 0:
        return marshal(_supported(array, name)[()], name)
    flags = array.flags
    if id(array.dtype) not in _NATIVE or not flags.c_contiguous or not flags.aligned:
        array = _supported(array, name)
    return array, array_key(array.shape, _NATIVE[id(array.dtype)])


def check_number(x: Any, name: str) -> None:
    """Raise ArgumentError E401 for an array without axes, which is a number to compiled code, where NumPy would change it in place."""
    if not isinstance(x, (bool, int, float, complex, np.generic)):
        detail = f"{name} is an array without axes, which the function changes in place"
        raise ArgumentError("E401", detail, repair="Pass a number, x[()], or an array of one element.")


def _supported(a: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """The array in native byte order, C-contiguous, aligned, with an element type that we have."""
    native = a.dtype.newbyteorder("=")
    code = f"{native.kind}{native.itemsize}" if native.kind in "iufc" else native.kind
    if code not in ("b", "i4", "i8", "f4", "f8", "c8", "c16") and code not in _NARROW:
        raise ArgumentError("E401", f"{name} is an array of {a.dtype}; compiled code takes {ACCEPTED}")
    target = np.dtype("?" if code == "b" else _NARROW.get(code, code))
    out = np.array(a, dtype=target, order="C", copy=None, subok=False)
    if not (out.flags.c_contiguous and out.flags.aligned):
        out = np.array(out, dtype=target, order="C", copy=True, subok=False)
    return out if out.dtype is target else out.view(target)  # int64 has two descriptors on Linux, `l` and `q`


def _as_array(x: Any, name: str) -> Any:
    """A number or exact ndarray for whatever behaves like one: subclasses, buffers, DLPack, `__array__`."""
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, np.generic):
        return _supported(np.asarray(x), name)[()]
    if isinstance(x, int):
        return int(x)
    if isinstance(x, float):
        return float(x)
    if isinstance(x, complex):
        return complex(x)
    if isinstance(x, np.ma.MaskedArray):
        raise ArgumentError("E401", f"{name} is a masked array, whose mask compiled code would ignore", repair="Pass `.data` or `.filled(...)`.")
    if isinstance(x, np.matrix):
        raise ArgumentError("E401", f"{name} is a matrix, whose `*` means another thing than that of arrays", repair="Pass np.asarray(x).")
    if isinstance(x, np.ndarray):
        return x.view(np.ndarray)  # pyright: ignore[reportUnknownMemberType]
    if not isinstance(x, (bytes, bytearray, type)) and (any(hasattr(x, a) for a in ("__dlpack__", "__array__", "__array_interface__")) or _is_buffer(x)):
        return _foreign(x, name)
    raise ArgumentError("E401", f"{name} is a {type(x).__name__}; compiled code takes {ACCEPTED}, in tuples, lists, dicts, NamedTuples and dataclasses")


def _is_buffer(x: Any) -> bool:
    try:
        memoryview(x)
    except TypeError:
        return False
    return True


def _foreign(x: Any, name: str) -> Any:
    """Another library's array, without a copy where it allows that."""
    problem: Exception | None = None
    for convert in (np.from_dlpack, np.asarray) if hasattr(x, "__dlpack__") else (np.asarray,):
        try:
            out: Any = convert(x)
        except Exception as e:  # whatever the other library raises is the reason we give
            problem = e
            continue
        return out if type(out) is np.ndarray else np.asarray(out).view(np.ndarray)
    raise ArgumentError("E401", f"{name} is a {type(x).__name__} that cannot be read as an array: {problem}")


def check_writable(place: Any, value: Any, name: str) -> None:
    """Refuse (E402) what the function cannot write to: `place` is the caller's array, `value` what compiled code got for it."""
    shared = np.may_share_memory(place, value)
    if not place.flags.writeable:
        raise ArgumentError("E402", f"{name} is a read-only array, and the function writes to it", repair="Pass a copy: x.copy().")
    if not shared and place.dtype.newbyteorder("=") != value.dtype:
        detail = f"{name} is an array of {place.dtype}, which compiled code can read but not write to"
        raise ArgumentError("E402", detail, repair=f"Pass an array of {value.dtype}.")


def overlapping(written: int, arrays: Sequence[Any]) -> int | None:
    """Which other array shares memory with the one that is written to."""
    a = arrays[written]
    for k, b in enumerate(arrays):
        if k != written and isinstance(b, np.ndarray) and _share(a, b):
            return k
    return None


def _share(a: Any, b: Any) -> bool:
    if not np.may_share_memory(a, b):
        return False
    work: Any = 100_000  # steps; NumPy's stubs know two special numbers only
    try:
        return np.shares_memory(a, b, max_work=work)
    except TooHardError:
        return True  # never guessed: what cannot be told apart counts as shared
