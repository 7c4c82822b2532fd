"""Builds a case's hand.cpp and offers its timers: `g++ -O3 -march=native`, called through ctypes with raw pointers."""

from __future__ import annotations

import ctypes
import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import Timer

ROOT = Path(__file__).parent
BUILD = ROOT / ".build"
COMMAND = [os.environ.get("CXX", "g++"), "-std=c++17", "-O3", "-march=native", "-fPIC", "-shared"]


def build(case: str, name: str) -> ctypes.CDLL:
    """The case's shared library; built again only when a source or the command has changed."""
    source = ROOT / case / f"{name}.cpp"
    text = source.read_bytes() + (ROOT / "harness.hpp").read_bytes() + " ".join(COMMAND).encode()
    library = BUILD / f"{case}-{name}-{hashlib.sha256(text).hexdigest()[:12]}.so"
    if not library.exists():
        BUILD.mkdir(exist_ok=True)
        subprocess.run([*COMMAND, str(source), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


class Native:
    """The hand-derived program of a case, at given arguments. Results are left in `out`."""

    def __init__(self, case: str, args: tuple[Any, ...], gradient_size: int, name: str = "hand"):
        self.library = build(case, name)
        self.out = np.zeros(max(gradient_size, 1))
        self.kept = args  # the pointers below borrow these arrays
        self.arguments = [self.convert(a) for a in args]

    @staticmethod
    def convert(a: Any) -> Any:
        if isinstance(a, np.ndarray):
            assert a.dtype == np.float64
            assert a.flags.c_contiguous
            return ctypes.c_void_p(a.ctypes.data)
        return ctypes.c_long(a) if isinstance(a, int) else ctypes.c_double(a)

    def timer(self, name: str) -> Timer:
        entry = getattr(self.library, name)
        entry.restype = ctypes.c_double
        return lambda repeats: entry(ctypes.c_long(repeats), *self.arguments, ctypes.c_void_p(self.out.ctypes.data))

    def value(self) -> float:
        self.timer("time_value")(1)
        return float(self.out[0])

    def gradient(self) -> Any:
        self.out[:] = np.nan
        self.timer("time_gradient")(1)
        return self.out.copy()
