"""The stack of compiled recursion, in LLVM text: where it ends, and how calls go on in memory of their own."""

from __future__ import annotations

import ctypes
import functools
import platform
import sys

from oneform.codegen.context import BUDGET, LIMIT, POLL_EVERY

# Where a recursive call finds less than LIMIT below it, it goes on in memory of its own, a segment twice as large as the one before. The
# limit's last bits count the segments. The first one is a small part of the thread's own stack.
_NATIVE, _GUARD, _SEGMENT, _SEGMENTS = 192 << 10, 256 << 10, 64 << 20, 4
_UCONTEXT = 8192  # more than any of glibc's
_FLAGS = 0x24022  # MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK


@functools.cache
def more_stack() -> bool:
    """Whether calls can be moved to another stack here."""
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "makecontext")


def here() -> str:
    """An address on the stack."""
    if platform.machine() in ("x86_64", "aarch64"):
        return "define internal ptr @of.here() alwaysinline nounwind {\n  %p = call ptr @llvm.addressofreturnaddress.p0()\n  ret ptr %p\n}\n"
    return "define internal ptr @of.here() alwaysinline nounwind {\n  %p = call ptr @llvm.frameaddress.p0(i32 0)\n  ret ptr %p\n}\n"


BOTTOM = f"""
define internal void @of.bottom(ptr captures(none) %ctx) alwaysinline nounwind {{
  %here = call ptr @of.here()
  %at = ptrtoint ptr %here to i64
  %down = sub i64 %at, {_NATIVE}
  %limit = and i64 %down, -16
  %lp = getelementptr i8, ptr %ctx, i64 {LIMIT}
  store i64 %limit, ptr %lp
  %bp = getelementptr i8, ptr %ctx, i64 {BUDGET}
  store i64 {POLL_EVERY}, ptr %bp
  ret void
}}
"""

DEEPER = f"""
define internal i32 @of.deeper(ptr %ctx, ptr %call, ptr %frame) #3 {{
  %old = alloca [{_UCONTEXT} x i8], align 16
  %new = alloca [{_UCONTEXT} x i8], align 16
  %lp = getelementptr i8, ptr %ctx, i64 {LIMIT}
  %limit = load i64, ptr %lp
  %segment = and i64 %limit, 15
  %over = icmp uge i64 %segment, {_SEGMENTS}
  br i1 %over, label %none, label %map
map:
  %size = shl i64 {_SEGMENT}, %segment
  %base = call ptr @mmap(ptr null, i64 %size, i32 3, i32 {_FLAGS}, i32 -1, i64 0)
  %failed = icmp eq ptr %base, inttoptr (i64 -1 to ptr)
  br i1 %failed, label %none, label %go
go:
  %e = call i32 @getcontext(ptr %new)
  %link = getelementptr i8, ptr %new, i64 8
  store ptr %old, ptr %link
  %sp = getelementptr i8, ptr %new, i64 16
  store ptr %base, ptr %sp
  %sz = getelementptr i8, ptr %new, i64 32
  store i64 %size, ptr %sz
  %a = ptrtoint ptr %frame to i64
  %low = trunc i64 %a to i32
  %up = lshr i64 %a, 32
  %high = trunc i64 %up to i32
  call void (ptr, ptr, i32, ...) @makecontext(ptr %new, ptr %call, i32 2, i32 %low, i32 %high)
  %b = ptrtoint ptr %base to i64
  %guard = add i64 %b, {_GUARD}
  %next = add i64 %segment, 1
  %mark = or i64 %guard, %next
  store i64 %mark, ptr %lp
  %s = call i32 @swapcontext(ptr %old, ptr %new)
  store i64 %limit, ptr %lp
  %u = call i32 @munmap(ptr %base, i64 %size)
  ret i32 1
none:
  ret i32 0
}}
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare i32 @munmap(ptr, i64)
declare i32 @getcontext(ptr)
declare void @makecontext(ptr, ptr, i32, ...)
declare i32 @swapcontext(ptr, ptr)
"""

NOT_DEEPER = """
define internal i32 @of.deeper(ptr %ctx, ptr %call, ptr %frame) #3 {
  ret i32 0
}
"""
