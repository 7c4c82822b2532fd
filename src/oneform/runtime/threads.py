"""The threads of `parallel=True`: how many there are, and the pool in this process, placed when the first code that needs it is."""

from __future__ import annotations

import ctypes
import os
import threading
from typing import Any

from oneform.errors import ArgumentError
from oneform.runtime import cache, loader

MEMORY, MOST = 256 + 256 * 256, 256  # as in codegen/pool.py
SYMBOLS = ("of.pool.threads", "of.pool.start", "of.pool.wait", "of.pool.reset")
_memory: Any = (ctypes.c_uint64 * (MEMORY // 8))()
_lock = threading.Lock()
_placed: list[Any] = []


def _default() -> int:
    given = os.environ.get("ONEFORM_NUM_THREADS", "")
    count = int(given) if given.isdecimal() else len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, MOST))


_memory[0] = _default()


def set_num_threads(n: int) -> None:
    """On how many threads, the caller's among them, code compiled with `parallel=True` runs from now on, in the whole process.

    At first $ONEFORM_NUM_THREADS, or as many as the process may use processors. The same number gives the same bits.
    Raises ArgumentError E401 unless 1 <= n <= 256.
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError("E401", f"a number of threads is an int from 1 to {MOST}, not {n!r}")
    _memory[0] = n


def get_num_threads() -> int:
    """On how many threads code compiled with `parallel=True` runs."""
    return int(_memory[0])


def place() -> None:
    """Make the pool known to the loaders. Its threads are made by the first loop that needs them."""
    with _lock:
        if _placed:
            return
        loader.KNOWN["of.pool.memory"] = ctypes.addressof(_memory)
        code = cache.read(key) if (key := _key()) else None
        if not isinstance(code, bytes):
            from oneform.codegen import pool

            code = pool.image()
            if key:
                cache.write(key, code)
        pool_code = loader.loaded(code, SYMBOLS)
        for s in SYMBOLS:
            loader.KNOWN[s] = pool_code[s]
        ctypes.CFUNCTYPE(None)(pool_code["of.pool.reset"])()
        _placed.append(pool_code)  # threads run in it as long as the process lives


def _key() -> str:
    return cache.digest("pool", cache.python_key()) if cache.enabled() else ""
