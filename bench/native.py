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
COMMAND = [os.environ.get("CXX", "g++"), "-std=c++17", "-O3", "-march=native", "-fPIC"]


def build(case: str, name: str, flags: tuple[str, ...] = ()) -> ctypes.CDLL:
    """The shared library of a source in a case's folder; built again only when that, a header beside it or the command has changed."""
    source = ROOT / case / f"{name}.cpp"
    command = [*COMMAND, *flags]
    sources = [source, ROOT / "harness.hpp", *sorted(source.parent.glob("*.hpp"))]
    text = b"".join(file.read_bytes() for file in sources) + " ".join(command).encode()
    library = BUILD / f"{case.replace('/', '-')}-{name}-{hashlib.sha256(text).hexdigest()[:12]}.so"
    if not library.exists():
        BUILD.mkdir(exist_ok=True)
        partial = library.with_suffix(f".{os.getpid()}")  # several processes may build at once
        # Linked apart: with -ffast-math, g++ links in code that makes the whole process flush small numbers to zero.
        subprocess.run([*command, "-c", str(source), "-o", f"{partial}.o"], check=True)
        subprocess.run([COMMAND[0], "-shared", f"{partial}.o", "-o", str(partial)], check=True)
        Path(f"{partial}.o").unlink()
        partial.rename(library)
    return ctypes.CDLL(str(library))


def aligned(size: int, dtype: Any = np.float64) -> Any:
    """An array that begins a cache line, as those that compiled code returns do."""
    memory = np.zeros(size * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size * np.dtype(dtype).itemsize].view(dtype)


class Native:
    """The hand-derived program of a case, at given arguments. Results are left in `out`."""

    def __init__(self, case: str, args: tuple[Any, ...], gradient_size: int, name: str = "hand", flags: tuple[str, ...] = ()):
        self.library = build(case, name, flags)
        self.out = aligned(max(gradient_size, 1))
        self.kept = args  # the pointers below borrow these arrays
        self.arguments = [self.convert(a) for a in args]

    @staticmethod
    def convert(a: Any) -> Any:
        if isinstance(a, np.ndarray):
            assert a.dtype in (np.float64, np.int64, np.int32)
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
