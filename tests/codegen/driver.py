"""Calls compiled kernels through ctypes, as the runtime does but slowly, and counts what they allocate."""

from __future__ import annotations

import builtins
import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from oneform import codegen
from oneform.codegen.context import CONTEXT
from oneform.codegen.legalise import legalise
from oneform.codegen.schedule import schedule
from oneform.codegen.target import load_object, object_code
from oneform.codegen.text import kernel_text
from oneform.errors import exception
from oneform.ir import Function
from oneform.runtime import blas
from oneform.types import Array, Scalar, real_dtype, shape_of

_libc = ctypes.CDLL(None)
_libc.free.argtypes = [ctypes.c_void_p]


class Compiled:
    """A function compiled for tests. `live()` tells how many blocks the last call left in its allocation list."""

    def __init__(self, f: Function, writes: Sequence[int] = (), **options: Any):
        self.f, self.writes = f, tuple(writes)
        self.kernel = codegen.compile_function(f, writes, codegen.Options(**options), codegen.packed_entry(codegen.signature(f)))
        self.loaded = self.kernel.load("of.packed", known=blas.slots())
        self.entry = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(self.loaded["of.packed"])
        self.context = (ctypes.c_uint64 * (CONTEXT // 8))()

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        slots: list[int] = []
        keep: list[Any] = []
        for k, (a, p) in enumerate(zip(args, self.f.params, strict=True)):
            if isinstance(p.type, Array):
                x = a if k in self.writes else np.ascontiguousarray(a, p.type.dtype.numpy)
                assert x.dtype == p.type.dtype.numpy and x.flags.c_contiguous
                keep.append(x)
                slots.append(x.ctypes.data)
                slots += [n for n, d in zip(x.shape, p.type.shape, strict=True) if not isinstance(d, int)]
            else:
                assert isinstance(p.type, Scalar)
                x = np.array(a, p.type.dtype.numpy)
                for part in (x.real, x.imag) if p.type.dtype.kind == "c" else (x,):
                    slots.append(int.from_bytes(part.tobytes().ljust(8, b"\0"), "little"))
        row = (ctypes.c_uint64 * max(1, len(slots)))(*slots)
        results = self.f.results[: len(self.f.results) - len(self.writes)]
        out = (ctypes.c_uint64 * max(1, sum(2 + len(shape_of(r.type)) for r in results)))()
        ctypes.memset(self.context, 0, ctypes.sizeof(self.context))
        code = self.entry(ctypes.addressof(self.context), ctypes.addressof(row), ctypes.addressof(out))
        assert self.context[0] == 0, "memory is left on the allocation list"
        if code:
            self.fail(code)
        return tuple(self.collect(out, [r.type for r in results]))

    def collect(self, out: Any, types: Sequence[Any]) -> list[Any]:
        values: list[Any] = []
        slot = 0
        for t in types:
            if isinstance(t, Scalar):
                size = t.dtype.numpy.itemsize
                values.append(np.frombuffer(ctypes.string_at(ctypes.addressof(out) + 8 * slot, size), t.dtype.numpy)[0])
                slot += (size + 7) // 8
                continue
            pointer, shape = out[slot], tuple(out[slot + 1 : slot + 1 + t.rank])
            assert pointer % 64 == 0
            size = int(np.prod(shape, dtype=np.int64)) * t.dtype.numpy.itemsize
            values.append(np.frombuffer(ctypes.string_at(pointer, size), t.dtype.numpy).reshape(shape).copy())
            _libc.free(pointer)
            slot += 1 + t.rank
        return values

    def fail(self, code: int) -> None:
        assert code > 0, "a Python exception should have been raised"
        site = self.kernel.sites[code - 1]
        places = (ctypes.string_at(ctypes.addressof(self.context) + 8 + 8 * k, 8) for k in range(4))
        details: list[Any] = []
        for d in site.details:
            part = real_dtype(d).numpy
            raw = b"".join(next(places)[: part.itemsize] for _ in range(2 if d.kind == "c" else 1))
            details.append(np.frombuffer(raw, d.numpy)[0])
        raise exception(getattr(builtins, site.error), site.message, details)


# Allocation for tests: counts blocks, and fills them with a pattern when they are made and when they are freed.
COUNTING = """
@of.blocks = global i64 0
declare i64 @malloc_usable_size(ptr)
define ptr @of.counting.alloc(i64 %align, i64 %size) noinline {
  %p = call ptr @aligned_alloc(i64 %align, i64 %size)
  %none = icmp eq ptr %p, null
  br i1 %none, label %done, label %made
made:
  call void @llvm.memset.p0.i64(ptr %p, i8 103, i64 %size, i1 false)
  %n = load i64, ptr @of.blocks
  %m = add i64 %n, 1
  store i64 %m, ptr @of.blocks
  br label %done
done:
  ret ptr %p
}
define void @of.counting.free(ptr %p) noinline {
  %size = call i64 @malloc_usable_size(ptr %p)
  call void @llvm.memset.p0.i64(ptr %p, i8 -35, i64 %size, i1 false)
  %n = load i64, ptr @of.blocks
  %m = sub i64 %n, 1
  store i64 %m, ptr @of.blocks
  call void @free(ptr %p)
  ret void
}
"""


class Counted(Compiled):
    """As Compiled, but fails when a call leaves another number of blocks than it returns."""

    def __init__(self, f: Function, writes: Sequence[int] = (), **options: Any):
        self.f, self.writes = f, tuple(writes)
        made = kernel_text(schedule(legalise(f), bool(writes)), writes, codegen.Options(**options))
        text = made.module.replace("@aligned_alloc(", "@of.counting.alloc(").replace("@free(", "@of.counting.free(")
        dropped = ("declare noalias ptr @of.counting", "declare void @of.counting", "declare void @PyEval_RestoreThread")
        text = "\n".join(line for line in text.splitlines() if not line.startswith(dropped))
        text += COUNTING + codegen.packed_entry(codegen.signature(f)) + "declare void @free(ptr)\ndeclare ptr @aligned_alloc(i64, i64)\n"
        self.kernel = codegen.Kernel(made.module, tuple(made.sites), tuple(made.copies), object_code(text))
        self.loaded = load_object(self.kernel.object, "of.packed", "of.blocks", known=blas.slots())
        self.entry = ctypes.PYFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(self.loaded["of.packed"])
        self.blocks = ctypes.c_int64.from_address(self.loaded["of.blocks"])
        self.context = (ctypes.c_uint64 * (CONTEXT // 8))()

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        before = self.blocks.value
        results: tuple[Any, ...] = ()
        try:
            results = super().__call__(*args)
            return results
        finally:
            returned = sum(isinstance(r, np.ndarray) for r in results)
            assert self.blocks.value - before == returned, f"{self.blocks.value - before - returned} blocks leaked"
