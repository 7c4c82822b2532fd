"""The threads that parts of loops run on, in LLVM text: made when first needed, kept for the life of the process, made anew after a fork.

One loop has them at a time; another, of another Python thread, runs its parts one after the other. Every part has its own thread and wakes it by its own
condition, so that nothing depends on which is first. A thread looks for work for a while before it sleeps: loops often follow each other."""

from __future__ import annotations

import platform
import sys

from oneform.codegen import target

MOST = 256  # threads
# In the memory of the pool: the number of threads asked for; whether a loop has them; the process they belong to; how many run; how many still work; and
# where their caller waits. Then for each thread a slot: its state (1: has work), the function, its argument, the number of the part; and where it waits.
_WANTED, _BUSY, _PID, _RUNNING, _PENDING, _MUTEX, _CONDITION, _SLOTS = 0, 8, 16, 24, 32, 64, 128, 256
_STATE, _CALL, _ARGUMENT, _NUMBER = 0, 8, 16, 24
MEMORY = _SLOTS + (MOST << 8)  # a slot has 256 bytes
SYMBOLS = ("of.pool.threads", "of.pool.start", "of.pool.wait", "of.pool.reset")
_LOOKS = 500  # with a pause after each: some 20 microseconds
_SETMASK = 3 if sys.platform == "darwin" else 2
_PAUSES = {"x86_64": ("llvm.x86.sse2.pause", "", ""), "aarch64": ("llvm.aarch64.hint", "i32", "i32 1")}  # name, parameters, arguments
_PAUSES["arm64"] = _PAUSES["aarch64"]
_NAME, _TAKES, _GIVEN = _PAUSES.get(platform.machine(), ("", "", ""))
_PAUSE = f"call void @{_NAME}({_GIVEN})" if _NAME else "fence seq_cst"
_DECLARED = f"declare void @{_NAME}({_TAKES})" if _NAME else ""


def _at(name: str, base: str, offset: int) -> str:
    return f"  {name} = getelementptr i8, ptr {base}, i64 {offset}\n"


_FIELDS = {
    "wanted": _WANTED, "busy": _BUSY, "pid": _PID, "running": _RUNNING, "pending": _PENDING, "mutex": _MUTEX, "condition": _CONDITION, "slots": _SLOTS,
}  # fmt: skip


def _pool(*names: str) -> str:
    return "".join(_at(f"%{name}", "@of.pool.memory", _FIELDS[name]) for name in names)


def _looks(before: str, place: str, when: str, found: str) -> str:
    """Look for a while, block after block `before`, whether a number is 0 ("eq") or is not ("ne"): then go to `found`, else to `sleep`."""
    return f"""look:
  %n = phi i64 [0, %{before}], [%n2, %again]
  %seen = load atomic i64, ptr {place} acquire, align 8
  %so = icmp {when} i64 %seen, 0
  br i1 %so, label %{found}, label %again
again:
  {_PAUSE}
  %n2 = add i64 %n, 1
  %long = icmp eq i64 %n2, {_LOOKS}
  br i1 %long, label %sleep, label %look
"""


_SLOT = _at("%call", "%slot", _CALL) + _at("%argument", "%slot", _ARGUMENT) + _at("%number", "%slot", _NUMBER)
_OWN = _at("%mutex", "%slot", _MUTEX) + _at("%condition", "%slot", _CONDITION)

TEXT = f"""
@of.pool.memory = external global i8
define i64 @of.pool.threads() {{
{_pool("wanted")}  %n = load atomic i64, ptr %wanted monotonic, align 8
  ret i64 %n
}}
define void @of.pool.reset() {{
{_pool("busy", "pid", "running", "pending", "mutex", "condition")}  %p = call i32 @getpid()
  %wide = zext i32 %p to i64
  store i64 0, ptr %running
  store i64 0, ptr %pending
  call void @llvm.memset.p0.i64(ptr %mutex, i8 0, i64 {_SLOTS - _MUTEX}, i1 false)
  %a = call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  %b = call i32 @pthread_cond_init(ptr %condition, ptr null)
  store i64 %wide, ptr %pid
  store atomic i64 0, ptr %busy release, align 8
  ret void
}}
define i64 @of.pool.start(ptr %f, ptr %arg, i64 %count) {{
{_pool("busy", "pid", "running", "pending")}  %p = call i32 @getpid()
  %wide = zext i32 %p to i64
  %owner = load atomic i64, ptr %pid monotonic, align 8
  %same = icmp eq i64 %owner, %wide
  br i1 %same, label %take, label %forked
forked:
  call void @of.pool.reset()
  br label %take
take:
  %pair = cmpxchg ptr %busy, i64 0, i64 1 acquire monotonic
  %free = extractvalue {{i64, i1}} %pair, 1
  br i1 %free, label %have, label %no
have:
  %others = sub i64 %count, 1
  %ready = call i64 @of.pool.grow(i64 %others)
  %enough = icmp sge i64 %ready, %others
  br i1 %enough, label %give, label %few
few:
  store atomic i64 0, ptr %busy release, align 8
  br label %no
no:
  ret i64 0
give:
  store atomic i64 %others, ptr %pending release, align 8
  br label %loop
loop:
  %k = phi i64 [0, %give], [%k2, %loop]
  %k2 = add i64 %k, 1
  %slot = call ptr @of.pool.slot(i64 %k)
{_SLOT}{_OWN}  store ptr %f, ptr %call
  store ptr %arg, ptr %argument
  store i64 %k2, ptr %number
  %l = call i32 @pthread_mutex_lock(ptr %mutex)
  store atomic i64 1, ptr %slot release, align 8
  %s = call i32 @pthread_cond_signal(ptr %condition)
  %u = call i32 @pthread_mutex_unlock(ptr %mutex)
  %all = icmp eq i64 %k2, %others
  br i1 %all, label %given, label %loop
given:
  ret i64 1
}}
define internal ptr @of.pool.slot(i64 %k) alwaysinline {{
{_pool("slots")}  %off = shl i64 %k, 8
  %slot = getelementptr i8, ptr %slots, i64 %off
  ret ptr %slot
}}
define internal i64 @of.pool.grow(i64 %others) noinline {{
  %all = alloca [128 x i8], align 16
  %old = alloca [128 x i8], align 16
  %thread = alloca i64
{_pool("running")}  %have = load i64, ptr %running
  %enough = icmp sge i64 %have, %others
  br i1 %enough, label %fine, label %mask
fine:
  ret i64 %have
mask:
  call void @llvm.memset.p0.i64(ptr %all, i8 -1, i64 128, i1 false)
  %m = call i32 @pthread_sigmask(i32 {_SETMASK}, ptr %all, ptr %old)
  br label %loop
loop:
  %k = phi i64 [%have, %mask], [%k2, %made]
  %slot = call ptr @of.pool.slot(i64 %k)
{_OWN}  store atomic i64 0, ptr %slot release, align 8
  %a = call i32 @pthread_mutex_init(ptr %mutex, ptr null)
  %b = call i32 @pthread_cond_init(ptr %condition, ptr null)
  %e = call i32 @pthread_create(ptr %thread, ptr null, ptr @of.pool.work, ptr %slot)
  %failed = icmp ne i32 %e, 0
  br i1 %failed, label %done, label %made
made:
  %id = load i64, ptr %thread
  %d = call i32 @pthread_detach(i64 %id)
  %k2 = add i64 %k, 1
  %last = icmp eq i64 %k2, %others
  br i1 %last, label %done, label %loop
done:
  %n = phi i64 [%k, %loop], [%k2, %made]
  store i64 %n, ptr %running
  %r = call i32 @pthread_sigmask(i32 {_SETMASK}, ptr %old, ptr null)
  ret i64 %n
}}
define internal ptr @of.pool.work(ptr %slot) {{
{_SLOT}{_OWN}  br label %idle
idle:
  br label %look
{_looks("idle", "%slot", "ne", "run")}sleep:
  %l = call i32 @pthread_mutex_lock(ptr %mutex)
  br label %check
check:
  %now = load atomic i64, ptr %slot acquire, align 8
  %given = icmp ne i64 %now, 0
  br i1 %given, label %woken, label %rest
rest:
  %w = call i32 @pthread_cond_wait(ptr %condition, ptr %mutex)
  br label %check
woken:
  %u = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %run
run:
  %f = load ptr, ptr %call
  %a = load ptr, ptr %argument
  %c = load i64, ptr %number
  call void %f(ptr %a, i64 %c)
  store atomic i64 0, ptr %slot release, align 8
  call void @of.pool.finished()
  br label %idle
}}
define internal void @of.pool.finished() noinline {{
{_pool("pending", "mutex", "condition")}  %before = atomicrmw sub ptr %pending, i64 1 acq_rel
  %last = icmp eq i64 %before, 1
  br i1 %last, label %tell, label %done
tell:
  %l = call i32 @pthread_mutex_lock(ptr %mutex)
  %s = call i32 @pthread_cond_signal(ptr %condition)
  %u = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %done
done:
  ret void
}}
define i64 @of.pool.wait(i64 %most) {{
  %time = alloca [2 x i64]
{_pool("pending", "busy", "mutex", "condition")}  br label %look
{_looks("0", "%pending", "eq", "over")}sleep:
  %t = call i32 @clock_gettime(i32 0, ptr %time) ; CLOCK_REALTIME, as conditions have it
  %np = getelementptr i8, ptr %time, i64 8
  %s0 = load i64, ptr %time
  %n0 = load i64, ptr %np
  %n1 = add i64 %n0, %most
  %carry = icmp sge i64 %n1, 1000000000
  %less = sub i64 %n1, 1000000000
  %nanos = select i1 %carry, i64 %less, i64 %n1
  %more = zext i1 %carry to i64
  %seconds = add i64 %s0, %more
  store i64 %seconds, ptr %time
  store i64 %nanos, ptr %np
  %l = call i32 @pthread_mutex_lock(ptr %mutex)
  br label %check
check:
  %now = load atomic i64, ptr %pending acquire, align 8
  %ended = icmp eq i64 %now, 0
  br i1 %ended, label %last, label %rest
rest:
  %w = call i32 @pthread_cond_timedwait(ptr %condition, ptr %mutex, ptr %time)
  %late = icmp ne i32 %w, 0
  br i1 %late, label %out, label %check
out:
  %u = call i32 @pthread_mutex_unlock(ptr %mutex)
  ret i64 0
last:
  %v = call i32 @pthread_mutex_unlock(ptr %mutex)
  br label %over
over:
  store atomic i64 0, ptr %busy release, align 8
  ret i64 1
}}
{_DECLARED}
declare i32 @getpid()
declare i32 @clock_gettime(i32, ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_signal(ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_timedwait(ptr, ptr, ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""


def image() -> bytes:
    """The pool as object code."""
    return target.object_code(TEXT)
