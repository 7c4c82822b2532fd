"""BLAS for compiled code: SciPy's, by the addresses that it publishes for Cython.

To import scipy.linalg takes longer than to compile most programs, and many that multiply matrices never multiply large ones. So code calls through
a slot per routine. What is in it at first imports SciPy, puts the routine there, and calls it."""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Mapping
from typing import Any

ROUTINES = ("dgemm", "sgemm")
_PREFIX = "of.blas."
_FUNCTION = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)
_slots = (ctypes.c_void_p * len(ROUTINES))()


def needed(image: bytes) -> bool:
    """Whether machine code calls BLAS."""
    return _PREFIX.encode() in image


@functools.cache
def slots() -> Mapping[str, int]:
    """Where the addresses of the routines are, by the names that code generation has for these places."""
    for k, name in enumerate(ROUTINES):
        _slots[k] = ctypes.cast(_first(k, name), ctypes.c_void_p).value
    return {_PREFIX + name: ctypes.addressof(_slots) + k * ctypes.sizeof(ctypes.c_void_p) for k, name in enumerate(ROUTINES)}


@functools.cache
def _first(k: int, name: str) -> Any:
    """What the first call of a routine calls. It lives as long as the process: another thread may be about to call it, too."""

    def find(*operands: int) -> None:
        capsules: Mapping[str, Any] = importlib.import_module("scipy.linalg.cython_blas").__pyx_capi__
        _slots[k] = _pointer(capsules[name])
        _FUNCTION(_slots[k])(*operands)

    return _FUNCTION(find)


def _pointer(capsule: Any) -> int:
    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer_of(capsule, name_of(capsule)))
