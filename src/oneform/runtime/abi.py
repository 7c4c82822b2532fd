"""Where CPython and NumPy keep what compiled entries need: types, singletons, C functions, and the layout of objects."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import sysconfig
from functools import cache
from typing import Any

import numpy as np

# Offsets in CPython's and NumPy's structs (64-bit, with the GIL); `supported` compares them with living objects.
OB_TYPE, OB_SIZE, FLOAT_VALUE, TUPLE_ITEMS, LIST_ITEMS, CELL_VALUE, SCALAR_VALUE, COMPLEX_VALUE = 8, 16, 16, 24, 24, 16, 16, 16
ARRAY_DATA, ARRAY_NDIM, ARRAY_DIMS, ARRAY_DESCR, ARRAY_FLAGS, ARRAY_HANDLER = 16, 24, 32, 56, 64, 88
CONTIGUOUS, OWNDATA, ALIGNED, WRITEABLE = 0x1, 0x4, 0x100, 0x400
TYPE_FLAGS = 168
CONTEXT, ZEROED = 416, 144  # bytes that a kernel keeps its state in, and how many of them are zero before the call; as in codegen/context.py
HAVE_VECTORCALL = 1 << 11

# The process-wide table, by slot. Its addresses differ between processes, so compiled code never contains them.
SLOTS = (
    "float", "int", "bool", "True", "None", "tuple", "list", "dict", "ndarray", "d.bool", "d.i32", "d.i64", "d.f32", "d.f64",
    "s.bool", "s.i32", "s.i64", "s.f32", "s.f64", "PyArray_NewFromDescr", "PyArray_Scalar", "handler",
    "complex", "d.c64", "d.c128", "s.c64", "s.c128", "str",
)
_OBJECTS: dict[str, Any] = {
    "float": float, "int": int, "bool": bool, "True": True, "None": None, "tuple": tuple, "list": list, "dict": dict, "ndarray": np.ndarray,
    "d.bool": np.dtype("?"), "d.i32": np.dtype("i4"), "d.i64": np.dtype("i8"), "d.f32": np.dtype("f4"), "d.f64": np.dtype("f8"),
    "s.bool": np.bool_, "s.i32": np.int32, "s.i64": np.int64, "s.f32": np.float32, "s.f64": np.float64,
    "complex": complex, "d.c64": np.dtype("c8"), "d.c128": np.dtype("c16"), "s.c64": np.complex64, "s.c128": np.complex128,
    "str": str,
}
_NUMPY_API = {"PyArray_NewFromDescr": 94, "PyArray_Scalar": 60}


def slot(name: str) -> int:
    """The byte offset of an entry in the table."""
    return 8 * SLOTS.index(name)


@cache
def table() -> int:
    """Address of the table; it lives as long as the process."""
    api = _numpy_api()
    words = [api[_NUMPY_API[s]] if s in _NUMPY_API else _memory_handler() if s == "handler" else id(_OBJECTS[s]) for s in SLOTS]
    array = (ctypes.c_void_p * len(words))(*words)
    _keep.append(array)
    return ctypes.addressof(array)


_keep: list[Any] = []


def _memory_handler() -> int:
    """The object by which NumPy's arrays say that their memory came from malloc; 0 if another allocator is in force."""
    from numpy._core.multiarray import get_handler_name

    probe = np.empty(1)
    if get_handler_name(probe) != "default_allocator":
        return 0
    address = word(id(probe) + ARRAY_HANDLER)
    handler = ctypes.cast(address, ctypes.py_object).value
    _keep.append(handler)
    return address if type(handler).__name__ == "PyCapsule" else 0


def _numpy_api() -> Any:
    from numpy._core import _multiarray_umath  # pyright: ignore[reportAttributeAccessIssue]

    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address: Any = get(_multiarray_umath._ARRAY_API, None)
    return (ctypes.c_void_p * 400).from_address(address)


def word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _parts(kind: Any, x: Any, offset: int) -> list[float]:
    """The parts of a complex object as entries read them."""
    return list((kind * 2).from_address(id(x) + offset))


@cache
def supported() -> bool:
    """Whether this interpreter lays its objects out as assumed above; otherwise calls go through ctypes."""
    if os.environ.get("ONEFORM_NATIVE_CALLS") == "0" or sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED") or hasattr(sys, "gettotalrefcount") or sys.byteorder != "little" or platform.system() == "Windows":
        return False
    value, scalar, items, names, array = 1.25, np.float64(2.5), (1.5, None), {1: 1, 2: 2, 3: 3}, np.zeros((2, 3))
    plane, wide, narrow = complex(1.25, 2.5), np.complex128(1.25 + 2.5j), np.complex64(1.25 + 2.5j)
    row = [value]

    class Probe:
        pass

    def closure() -> float:
        return value

    a = id(array)
    return (
        ctypes.c_double.from_address(id(value) + FLOAT_VALUE).value == 1.25
        and ctypes.c_double.from_address(id(scalar) + SCALAR_VALUE).value == 2.5
        and all(_parts(ctypes.c_double, x, COMPLEX_VALUE if x is plane else SCALAR_VALUE) == [1.25, 2.5] for x in (plane, wide))
        and _parts(ctypes.c_float, narrow, SCALAR_VALUE) == [1.25, 2.5]
        and word(id(items) + OB_TYPE) == id(tuple) and word(id(items) + OB_SIZE) == 2 and word(id(items) + TUPLE_ITEMS) == id(items[0])
        and word(id(names) + OB_SIZE) == 3 and word(word(id(row) + LIST_ITEMS)) == id(value)
        and word(id(closure.__closure__[0]) + CELL_VALUE) == id(value)  # pyright: ignore[reportOptionalSubscript]
        and word(id(Probe) + TYPE_FLAGS) == Probe.__flags__
        and word(a + ARRAY_DATA) == array.ctypes.data and ctypes.c_int.from_address(a + ARRAY_NDIM).value == 2
        and word(word(a + ARRAY_DIMS)) == 2 and word(a + ARRAY_DESCR) == id(array.dtype)
        and ctypes.c_int.from_address(a + ARRAY_FLAGS).value == array.flags.num and word(table() + slot("ndarray")) == id(np.ndarray)
        and _numpy_api()[2] == id(np.ndarray)
    )
