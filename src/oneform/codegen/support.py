"""Run-time support in LLVM text: tracked allocation, growth of lists, release on errors, polling for interrupts, integer powers.

Every block ends in a node {next, previous, base} that links it into the list headed at the context, so that any error exit frees
everything. The node comes after the data, so a block handed to the caller is an ordinary malloc'ed block.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import re
import sys

# Offsets in the context, which has CONTEXT bytes. Whoever calls a kernel sets those before BINS to zero, the kernel the rest.
LIST, DETAILS, THREAD, CLOCK, LIMIT, CACHE, BUDGET, BINS, CONTEXT = 0, 8, 40, 48, 56, 64, 128, 144, 416
CLASSES = 33  # freed blocks of up to 2 KiB are kept by size, in steps of 64 bytes, each list linked through the blocks
CACHED, LARGEST_CACHED = 4, 64 << 20  # freed blocks kept for the next allocation of their size: {pointer, size} each; size 0 is none
POLL_EVERY = 1 << 20

_CLOCK_MONOTONIC = 6 if sys.platform == "darwin" else 1

ALLOC = f"""
define internal noalias align 64 ptr @of.alloc(ptr captures(none) %ctx, i64 %count, i64 %size) #1 {{
  %big = icmp ugt i64 %count, 281474976710656
  br i1 %big, label %none, label %fits
fits:
  %bytes = mul nuw i64 %count, %size
  %up = add nuw i64 %bytes, 15
  %at = and i64 %up, -16
  %more = add nuw i64 %at, 87
  %total = and i64 %more, -64
  %class = lshr i64 %total, 6
  %binned = icmp ult i64 %class, {CLASSES}
  br i1 %binned, label %small, label %large
small:
  %off = shl i64 %class, 3
  %bins = getelementptr i8, ptr %ctx, i64 {BINS}
  %bin = getelementptr i8, ptr %bins, i64 %off
  %kept = load ptr, ptr %bin
  %empty = icmp eq ptr %kept, null
  br i1 %empty, label %make, label %reuse
reuse:
  %following = load ptr, ptr %kept
  store ptr %following, ptr %bin
  br label %link
large:
  %cache = getelementptr i8, ptr %ctx, i64 {CACHE}
  %end = getelementptr i8, ptr %ctx, i64 {CACHE + 16 * CACHED}
  br label %search
search:
  %c = phi ptr [%cache, %large], [%c2, %miss]
  %sizep = getelementptr i8, ptr %c, i64 8
  %have = load i64, ptr %sizep
  %hit = icmp eq i64 %have, %total
  br i1 %hit, label %take, label %miss
miss:
  %c2 = getelementptr i8, ptr %c, i64 16
  %stop = icmp eq ptr %c2, %end
  br i1 %stop, label %make, label %search
take:
  %old = load ptr, ptr %c
  store i64 0, ptr %sizep
  br label %link
make:
  %p = call ptr @aligned_alloc(i64 64, i64 %total)
  %null = icmp eq ptr %p, null
  br i1 %null, label %retry, label %link
retry:
  call void @of.drop(ptr %ctx)
  %p2 = call ptr @aligned_alloc(i64 64, i64 %total)
  %null2 = icmp eq ptr %p2, null
  br i1 %null2, label %none, label %link
link:
  %q = phi ptr [%old, %take], [%p, %make], [%p2, %retry], [%kept, %reuse]
  call void @of.link(ptr %ctx, ptr %q, i64 %at)
  ret ptr %q
none:
  ret ptr null
}}
define internal void @of.link(ptr captures(none) %ctx, ptr %q, i64 %at) alwaysinline nounwind {{
  %node = getelementptr i8, ptr %q, i64 %at
  %prev = getelementptr i8, ptr %node, i64 8
  %base = getelementptr i8, ptr %node, i64 16
  %head = load ptr, ptr %ctx
  store ptr %head, ptr %node
  store ptr null, ptr %prev
  store ptr %q, ptr %base
  store ptr %node, ptr %ctx
  %first = icmp eq ptr %head, null
  br i1 %first, label %done, label %back
back:
  %hp = getelementptr i8, ptr %head, i64 8
  store ptr %node, ptr %hp
  br label %done
done:
  ret void
}}
define internal void @of.unlink(ptr captures(none) %ctx, ptr captures(none) %p, i64 %count, i64 %size) #1 {{
  %bytes = mul nuw i64 %count, %size
  %up = add nuw i64 %bytes, 15
  %at = and i64 %up, -16
  %node = getelementptr i8, ptr %p, i64 %at
  %pp = getelementptr i8, ptr %node, i64 8
  %next = load ptr, ptr %node
  %prev = load ptr, ptr %pp
  %last = icmp eq ptr %next, null
  br i1 %last, label %b, label %a
a:
  %np = getelementptr i8, ptr %next, i64 8
  store ptr %prev, ptr %np
  br label %b
b:
  %first = icmp eq ptr %prev, null
  %to = select i1 %first, ptr %ctx, ptr %prev
  store ptr %next, ptr %to
  ret void
}}
define internal void @of.free(ptr captures(none) %ctx, ptr captures(none) %p, i64 %count, i64 %size) #1 {{
  %null = icmp eq ptr %p, null
  br i1 %null, label %done, label %live
live:
  call void @of.unlink(ptr %ctx, ptr %p, i64 %count, i64 %size)
  %bytes = mul nuw i64 %count, %size
  %up = add nuw i64 %bytes, 15
  %at = and i64 %up, -16
  %more = add nuw i64 %at, 87
  %total = and i64 %more, -64
  %class = lshr i64 %total, 6
  %binned = icmp ult i64 %class, {CLASSES}
  br i1 %binned, label %small, label %large
small:
  %off = shl i64 %class, 3
  %bins = getelementptr i8, ptr %ctx, i64 {BINS}
  %bin = getelementptr i8, ptr %bins, i64 %off
  %others = load ptr, ptr %bin
  store ptr %others, ptr %p
  store ptr %p, ptr %bin
  br label %done
large:
  %huge = icmp ugt i64 %total, {LARGEST_CACHED}
  br i1 %huge, label %give, label %keep
keep:
  %cache = getelementptr i8, ptr %ctx, i64 {CACHE}
  %end = getelementptr i8, ptr %ctx, i64 {CACHE + 16 * CACHED}
  br label %search
search:
  %c = phi ptr [%cache, %keep], [%c2, %miss]
  %sizep = getelementptr i8, ptr %c, i64 8
  %have = load i64, ptr %sizep
  %hit = icmp eq i64 %have, 0
  br i1 %hit, label %put, label %miss
miss:
  %c2 = getelementptr i8, ptr %c, i64 16
  %stop = icmp eq ptr %c2, %end
  br i1 %stop, label %evict, label %search
put:
  store ptr %p, ptr %c
  store i64 %total, ptr %sizep
  br label %done
evict:
  %oldest = load ptr, ptr %cache
  call void @free(ptr %oldest)
  %firstsize = getelementptr i8, ptr %cache, i64 8
  store ptr %p, ptr %cache
  store i64 %total, ptr %firstsize
  br label %done
give:
  call void @free(ptr %p)
  br label %done
done:
  ret void
}}
"""
COPY = """
define internal noalias align 64 ptr @of.copy(ptr captures(none) %ctx, ptr captures(none) %p, i64 %count, i64 %size) #1 {
  %q = call ptr @of.alloc(ptr %ctx, i64 %count, i64 %size)
  %a = icmp eq ptr %p, null
  %b = icmp eq ptr %q, null
  %skip = or i1 %a, %b
  br i1 %skip, label %done, label %live
live:
  %bytes = mul nuw i64 %count, %size
  call void @llvm.memcpy.p0.p0.i64(ptr %q, ptr %p, i64 %bytes, i1 false)
  br label %done
done:
  ret ptr %q
}
"""
MUL = """
define internal i64 @of.mul(i64 %a, i64 %b) #4 {
  %r = call {i64, i1} @llvm.umul.with.overflow.i64(i64 %a, i64 %b)
  %p = extractvalue {i64, i1} %r, 0
  %o = extractvalue {i64, i1} %r, 1
  %s = select i1 %o, i64 -1, i64 %p
  ret i64 %s
}
"""

RELEASE = """
define internal void @of.release(ptr captures(none) %ctx) #6 {
  %head = load ptr, ptr %ctx
  store ptr null, ptr %ctx
  br label %loop
loop:
  %node = phi ptr [%head, %0], [%next, %body]
  %end = icmp eq ptr %node, null
  br i1 %end, label %done, label %body
body:
  %bp = getelementptr i8, ptr %node, i64 16
  %base = load ptr, ptr %bp
  %next = load ptr, ptr %node
  call void @free(ptr %base)
  br label %loop
done:
  call void @of.drop(ptr %ctx)
  ret void
}
"""

DROP = f"""
define internal void @of.drop(ptr captures(none) %ctx) #6 {{
  %cache = getelementptr i8, ptr %ctx, i64 {CACHE}
  %end = getelementptr i8, ptr %ctx, i64 {CACHE + 16 * CACHED}
  br label %loop
loop:
  %c = phi ptr [%cache, %0], [%c2, %next]
  %sizep = getelementptr i8, ptr %c, i64 8
  %size = load i64, ptr %sizep
  %none = icmp eq i64 %size, 0
  br i1 %none, label %next, label %drop
drop:
  %p = load ptr, ptr %c
  call void @free(ptr %p)
  store i64 0, ptr %sizep
  br label %next
next:
  %c2 = getelementptr i8, ptr %c, i64 16
  %stop = icmp eq ptr %c2, %end
  br i1 %stop, label %small, label %loop
small:
  %class = phi i64 [0, %next], [%class2, %emptied]
  %bins = getelementptr i8, ptr %ctx, i64 {BINS}
  %bin = getelementptr ptr, ptr %bins, i64 %class
  %head = load ptr, ptr %bin
  store ptr null, ptr %bin
  br label %list
list:
  %q = phi ptr [%head, %small], [%following, %give]
  %last = icmp eq ptr %q, null
  br i1 %last, label %emptied, label %give
give:
  %following = load ptr, ptr %q
  call void @free(ptr %q)
  br label %list
emptied:
  %class2 = add i64 %class, 1
  %through = icmp eq i64 %class2, {CLASSES}
  br i1 %through, label %done, label %small
done:
  ret void
}}
declare void @free(ptr)
"""

NOMEMORY = f"""
define internal void @of.nomemory(ptr %ctx) #3 {{
  %sp = getelementptr i8, ptr %ctx, i64 {THREAD}
  %s = load ptr, ptr %sp
  %held = icmp eq ptr %s, null
  br i1 %held, label %raise, label %restore
restore:
  call void @PyEval_RestoreThread(ptr %s)
  store ptr null, ptr %sp
  br label %raise
raise:
  %e = call ptr @PyErr_NoMemory()
  ret void
}}
declare ptr @PyErr_NoMemory()
"""

# A list that outgrows its memory is moved by realloc: the kernel moves the pages of large blocks instead of copying them, and does not touch
# those that are still unused. Such a block stays aligned as it was; smaller ones are copied once more where they are not.
GROW = """
define internal noalias align 64 ptr @of.grow(ptr captures(none) %ctx, ptr captures(none) %old, i64 %cap, i64 %more, i64 %size) #1 {
  %big = icmp ugt i64 %more, 281474976710656
  br i1 %big, label %none, label %fits
fits:
  %new = icmp eq ptr %old, null
  br i1 %new, label %first, label %move
first:
  %p = call ptr @of.alloc(ptr %ctx, i64 %more, i64 %size)
  ret ptr %p
move:
  call void @of.unlink(ptr %ctx, ptr %old, i64 %cap, i64 %size)
  %bytes = mul nuw i64 %more, %size
  %up = add nuw i64 %bytes, 15
  %at = and i64 %up, -16
  %wide = add nuw i64 %at, 87
  %total = and i64 %wide, -64
  %q = call ptr @realloc(ptr %old, i64 %total)
  %null = icmp eq ptr %q, null
  br i1 %null, label %keep, label %moved
keep:
  call void @free(ptr %old)
  br label %none
moved:
  %address = ptrtoint ptr %q to i64
  %off = and i64 %address, 63
  %aligned = icmp eq i64 %off, 0
  br i1 %aligned, label %link, label %align
align:
  %p2 = call ptr @aligned_alloc(i64 64, i64 %total)
  %null2 = icmp eq ptr %p2, null
  br i1 %null2, label %drop, label %copy
drop:
  call void @free(ptr %q)
  br label %none
copy:
  %used = mul nuw i64 %cap, %size
  call void @llvm.memcpy.p0.p0.i64(ptr %p2, ptr %q, i64 %used, i1 false)
  call void @free(ptr %q)
  br label %link
link:
  %r = phi ptr [%q, %moved], [%p2, %copy]
  call void @of.link(ptr %ctx, ptr %r, i64 %at)
  ret ptr %r
none:
  ret ptr null
}
declare ptr @realloc(ptr captures(none), i64)
"""

# The first poll releases the GIL; later ones take it back at most every 50 ms to see whether the user pressed Ctrl-C.
POLL = f"""
define internal i32 @of.poll(ptr captures(none) %ctx) #2 {{
  %ts = alloca [2 x i64]
  %sp = getelementptr i8, ptr %ctx, i64 {THREAD}
  %tp = getelementptr i8, ptr %ctx, i64 {CLOCK}
  %r = call i32 @clock_gettime(i32 {_CLOCK_MONOTONIC}, ptr %ts)
  %sec = load i64, ptr %ts
  %nsp = getelementptr i8, ptr %ts, i64 8
  %ns = load i64, ptr %nsp
  %big = mul i64 %sec, 1000000000
  %now = add i64 %big, %ns
  %s = load ptr, ptr %sp
  %held = icmp eq ptr %s, null
  br i1 %held, label %check, label %later
later:
  %last = load i64, ptr %tp
  %passed = sub i64 %now, %last
  %due = icmp ugt i64 %passed, 50000000
  br i1 %due, label %take, label %go
take:
  call void @PyEval_RestoreThread(ptr %s)
  store ptr null, ptr %sp
  br label %check
check:
  %e = call i32 @PyErr_CheckSignals()
  %bad = icmp ne i32 %e, 0
  br i1 %bad, label %stop, label %release
release:
  %t = call ptr @PyEval_SaveThread()
  store ptr %t, ptr %sp
  store i64 %now, ptr %tp
  br label %go
go:
  ret i32 0
stop:
  ret i32 -1
}}
declare i32 @clock_gettime(i32, ptr)
declare ptr @PyEval_SaveThread()
declare i32 @PyErr_CheckSignals()
"""

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

RESTORE = "declare void @PyEval_RestoreThread(ptr)\n"

# Attribute groups by number; from FIRST_GROUP on they belong to the vector variants of mathematical functions.
FIRST_GROUP = 10
FIRST_NODE = 10  # of metadata
# In functions that use lists: what lies in rows to find other memory (addresses, lengths) shares no place with numbers.
NUMBER_TAG, HEADER_TAG = ", !tbaa !7", ", !tbaa !8"
TAGS = ['!4 = !{!"oneform"}', '!5 = !{!"number", !4, i64 0}', '!6 = !{!"header", !4, i64 0}', "!7 = !{!5, !5, i64 0}", "!8 = !{!6, !6, i64 0}"]
ATTRIBUTES = """
attributes #0 = { noinline nounwind }
attributes #1 = { noinline nounwind willreturn memory(argmem: readwrite, inaccessiblemem: readwrite) }
attributes #2 = { noinline nounwind cold memory(argmem: readwrite, inaccessiblemem: readwrite) }
attributes #3 = { noinline nounwind cold }
attributes #4 = { alwaysinline nounwind willreturn memory(none) }
attributes #5 = { nounwind willreturn memory(none) }
attributes #7 = { nounwind }
attributes #6 = { noinline nounwind cold memory(argmem: readwrite, inaccessiblemem: readwrite) }
"""


def power_text(t: str) -> str:
    """x ** n for integers by squaring; n is not negative."""
    return f"""
define internal {t} @of.ipow.{t}({t} %x, {t} %n) #5 {{
  br label %loop
loop:
  %r = phi {t} [1, %0], [%r2, %loop]
  %b = phi {t} [%x, %0], [%b2, %loop]
  %e = phi {t} [%n, %0], [%e2, %loop]
  %bit = and {t} %e, 1
  %odd = icmp ne {t} %bit, 0
  %p = mul {t} %r, %b
  %r2 = select i1 %odd, {t} %p, {t} %r
  %b2 = mul {t} %b, %b
  %e2 = lshr {t} %e, 1
  %more = icmp ne {t} %e2, 0
  br i1 %more, label %loop, label %done
done:
  ret {t} %r2
}}
"""


# What each function of the run-time support needs besides itself.
PARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "alloc": (ALLOC + "declare noalias ptr @aligned_alloc(i64, i64)\n", ("drop",)),
    "copy": (COPY, ("alloc",)),
    "mul": (MUL, ()),
    "drop": (DROP, ()),
    "release": (RELEASE, ("drop",)),
    "nomemory": (NOMEMORY, ("restore",)),
    "grow": (GROW, ("alloc",)),
    "poll": (POLL, ("restore",)),
    "deeper": (here() + BOTTOM + (DEEPER if more_stack() else NOT_DEEPER), ()),
    "restore": (RESTORE, ()),
    "ipow.i64": (power_text("i64"), ()),
    "ipow.i32": (power_text("i32"), ()),
}


_DECLARED = re.compile(r"^declare [^\n]*@([\w.]+)\([^\n]*\n", re.MULTILINE)


def declared_in(text: str) -> set[str]:
    return set(_DECLARED.findall(text))


def support_text(used: set[str], present: str) -> str:
    """The parts used, with what they need, each once; externals that `present` declares are not declared again."""
    wanted: dict[str, None] = {}

    def want(name: str) -> None:
        for need in PARTS[name][1]:
            want(need)
        wanted[name] = None

    for name in sorted(used):
        want(name)
    seen = declared_in(present)
    text = "".join(PARTS[name][0] for name in wanted)
    return _DECLARED.sub(lambda m: "" if m[1] in seen else m[0], text) + ATTRIBUTES
