"""Run-time support in LLVM text: which parts a module needs; polling for interrupts, errors, integer powers."""

from __future__ import annotations

import re
import sys

from oneform.codegen.context import CLOCK, STOP, THREAD
from oneform.codegen.heap import ALLOC, COPY, DROP, GROW, PAGES, RELEASE
from oneform.codegen.stack import BOTTOM, DEEPER, NOT_DEEPER, here, more_stack

_CLOCK_MONOTONIC = 6 if sys.platform == "darwin" else 1

MUL = """
define internal i64 @of.mul(i64 %a, i64 %b) #4 {
  %r = call {i64, i1} @llvm.umul.with.overflow.i64(i64 %a, i64 %b)
  %p = extractvalue {i64, i1} %r, 0
  %o = extractvalue {i64, i1} %r, 1
  %s = select i1 %o, i64 -1, i64 %p
  ret i64 %s
}
"""

# A thread of the pool has no Python: it only asks whether an earlier part has failed, and its caller raises MemoryError for it. In code that uses the pool.
_POOLED = f"""  %wp = getelementptr i8, ptr %ctx, i64 {STOP}
  %w = load ptr, ptr %wp
  %pooled = icmp ne ptr %w, null
  br i1 %pooled, label %part, label %own
part:
"""
_POOLED_NOMEMORY = _POOLED + "  ret void\nown:\n"
_POOLED_POLL = f"""{_POOLED}  %mp = getelementptr i8, ptr %ctx, i64 {CLOCK}
  %me = load i64, ptr %mp
  %first = load atomic i64, ptr %w monotonic, align 8
  %late = icmp ult i64 %first, %me
  %leave = sext i1 %late to i32
  ret i32 %leave
own:
"""


def nomemory_text(pooled: str) -> str:
    return f"""
define internal void @of.nomemory(ptr %ctx) #3 {{
{pooled}  %sp = getelementptr i8, ptr %ctx, i64 {THREAD}
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


# The first poll releases the GIL; later ones take it back at most every 50 ms to see whether the user pressed Ctrl-C.
def poll_text(pooled: str) -> str:
    return f"""
define internal i32 @of.poll(ptr captures(none) %ctx) #2 {{
  %ts = alloca [2 x i64]
{pooled}  %sp = getelementptr i8, ptr %ctx, i64 {THREAD}
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


POOL = "declare i64 @of.pool.threads()\ndeclare i64 @of.pool.start(ptr, ptr, i64)\ndeclare i64 @of.pool.wait(i64)\n"
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
    "alloc": (ALLOC + "declare noalias ptr @aligned_alloc(i64, i64)\n", ("drop", "pages")),
    "pages": (PAGES, ()),
    "copy": (COPY, ("alloc",)),
    "mul": (MUL, ()),
    "drop": (DROP, ()),
    "release": (RELEASE, ("drop",)),
    "nomemory": (nomemory_text(""), ("restore",)),
    "nomemory.pooled": (nomemory_text(_POOLED_NOMEMORY), ("restore",)),
    "grow": (GROW, ("alloc",)),
    "poll": (poll_text(""), ("restore",)),
    "poll.pooled": (poll_text(_POOLED_POLL), ("restore",)),
    "pool": (POOL, ()),
    "deeper": (here() + BOTTOM + (DEEPER if more_stack() else NOT_DEEPER), ()),
    "restore": (RESTORE, ()),
    "ipow.i64": (power_text("i64"), ()),
    "ipow.i32": (power_text("i32"), ()),
}


_DECLARED = re.compile(r"^declare [^\n]*@([\w.]+)\([^\n]*\n", re.MULTILINE)


def declared_in(text: str) -> set[str]:
    return set(_DECLARED.findall(text))


def support_text(used: set[str], present: str) -> str:
    """The parts used, with what they need, each once, as code has them that uses the pool of threads if this does; externals that `present` declares are not
    declared again."""
    wanted: dict[str, None] = {}

    def want(name: str) -> None:
        name = f"{name}.pooled" if "pool" in used and f"{name}.pooled" in PARTS else name
        for need in PARTS[name][1]:
            want(need)
        wanted[name] = None

    for name in sorted(used):
        want(name)
    seen = declared_in(present)
    text = "".join(PARTS[name][0] for name in wanted)
    return _DECLARED.sub(lambda m: "" if m[1] in seen else m[0], text) + ATTRIBUTES
