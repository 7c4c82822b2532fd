"""A function as a module of LLVM text: the kernel's signature, what it returns, where its errors meet, and what it declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneform.codegen.complexes import Cpx, register_types, regrouped, store_parts
from oneform.codegen.context import BINS, CONTEXT
from oneform.codegen.emit import Arr, Emitter, Options, Rep, Site
from oneform.codegen.memory import plan_memory
from oneform.codegen.plan import Copied
from oneform.codegen.probes import Probe
from oneform.codegen.scalars import alignment, itemsize, memory_type, slots
from oneform.codegen.support import NUMBER_TAG, TAGS, declared_in, support_text
from oneform.errors import InternalError
from oneform.ir import Function, Value, instructions
from oneform.layout import is_small
from oneform.types import Array, List, Scalar, Type


@dataclass
class Text:
    """What the emitter made of a function."""

    module: str
    sites: list[Site]
    copies: list[Copied]


def kernel_text(f: Function, writes: Sequence[int], options: Options, extra: str = "", probe: Probe | None = None) -> Text:
    """The module: kernel, run-time support, and `extra` (a caller's own functions)."""
    plan = plan_memory(f, writes)
    em = Emitter(plan, options, probe)
    em.number_tag = NUMBER_TAG if any(isinstance(o.type, List) for i in instructions(f.block.body) for o in i.outs) else ""
    parameters = [_parameter(em, k, p, k in writes) for k, p in enumerate(f.params)]
    flat = [x for group in parameters for x in group]
    if probe is not None:
        probe.begin(em)
    em.block(f.block)
    if probe is not None:
        probe.end(em)
    _return(em, f, tuple(writes))
    _exits(em)
    signature = ", ".join(["ptr noalias captures(none) %ctx", *(f"{t} {name}" for t, name in flat), "ptr noalias captures(none) %out"])
    if em.used & {"alloc", "copy", "grow", "release"}:
        em.entry.append(f"  %bins = getelementptr i8, ptr %ctx, i64 {BINS}")
        em.entry.append(f"  call void @llvm.memset.p0.i64(ptr align 16 %bins, i8 0, i64 {CONTEXT - BINS}, i1 false)")
        em.declare(*_MEMSET)
    if "deeper" in em.used:
        em.entry.append("  call void @of.bottom(ptr %ctx)")
    if "pool" in em.used:  # other threads are handed these pointers
        signature = signature.replace(" captures(none)", "")
    text = [f"define i32 @of.kernel({signature}) #0 {{", "entry:", *em.entry, *em.lines, *em.tail, "}", *em.others]
    module = "\n".join(text) + "\n" + _declarations(em, extra) + extra
    return Text(module, em.sites, plan.copies)


def _parameter(em: Emitter, k: int, p: Value, written: bool) -> list[tuple[str, str]]:
    match p.type:
        case Scalar(d):
            if d.kind == "b":
                em.bind(p, em.ins(f"trunc i8 %p{k} to i1"))
                return [("i8", f"%p{k}")]
            names = (f"%p{k}_re", f"%p{k}_im") if d.kind == "c" else (f"%p{k}",)
            em.bind(p, regrouped(names, [d])[0])
            return list(zip(register_types(d), names, strict=True))
        case Array(d, shape):
            dims = tuple(str(n) if isinstance(n, int) else f"%p{k}_{axis}" for axis, n in enumerate(shape))
            em.bind(p, Arr(d, f"%p{k}", dims))
            kind = "noalias" if written else "noalias readonly"
            return [(f"ptr {kind} captures(none) align {alignment(d)}", f"%p{k}"), *(("i64", n) for n in dims if n.startswith("%"))]
        case List():
            raise InternalError("a stack cannot be a parameter")


_MEMSET = "llvm.memset.p0.i64", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"


def _return(em: Emitter, f: Function, writes: tuple[int, ...]) -> None:
    """Hand the results over, copy written arguments back where their last version lives elsewhere, and return 0."""
    reps = em.results(f.block, [r.type for r in f.results])
    first = len(reps) - len(writes)
    for k, (w, rep) in enumerate(zip(writes, reps[first:], strict=True), first):
        target, v = em.array(f.params[w]), f.results[k]
        assert isinstance(rep, Arr)
        if rep.ptr == target.ptr:
            continue
        em.move_bytes(target.ptr, rep.ptr, rep.dtype, target.dims)
        if not is_small(v.type) and (v not in em.plan.unfreed or (f.block, k) in em.plan.copy_results):
            em.release(rep)
    slot = 0
    for rep, v in zip(reps[:first], f.results[:first], strict=True):
        slot = _store_result(em, rep, v.type, slot)
    if em.used & {"alloc", "copy", "grow"}:
        em.do("call void @of.drop(ptr %ctx)")
    em.do("ret i32 0")


def _store_result(em: Emitter, rep: Rep, t: Type, slot: int) -> int:
    def put(kind: str, x: str) -> None:
        nonlocal slot
        at = em.ins(f"getelementptr inbounds i8, ptr %out, i64 {8 * slot}")
        em.do(f"store {kind} {x}, ptr {at}, align 8")
        slot += 1

    if isinstance(rep, Cpx):
        assert isinstance(t, Scalar)
        store_parts(em, rep, t.dtype, em.ins(f"getelementptr inbounds i8, ptr %out, i64 {8 * slot}"))
        return slot + slots(t.dtype)
    if isinstance(rep, str):
        assert isinstance(t, Scalar)
        put(memory_type(t.dtype), em.ins(f"zext i1 {rep} to i8") if t.dtype.kind == "b" else rep)
        return slot
    assert isinstance(rep, Arr), "a stack cannot be a result"
    if is_small(t):
        out = em.raw_alloc(rep.dtype, rep.dims)
        em.need(out)
        em.move_bytes(out, rep.ptr, rep.dtype, rep.dims)
        rep = Arr(rep.dtype, out, rep.dims)
    em.do(f"call void @of.unlink(ptr %ctx, ptr {rep.ptr}, i64 {em.count(rep.dims, False)}, i64 {itemsize(rep.dtype)})")
    put("ptr", rep.ptr)
    for n in rep.dims:
        put("i64", n)
    return slot


def _exits(em: Emitter) -> None:
    """The blocks where all errors meet: free what is allocated, return the site."""
    if em.no_memory:
        em.use("nomemory")
        em.tail += ["nomemory:", "  call void @of.nomemory(ptr %ctx)", "  br label %fail"]
        em.failures.append(("-1", "nomemory"))
    if em.failures:
        em.use("release")
        em.declare(*_MEMSET)
        incoming = ", ".join(f"[{code}, %{block}]" for code, block in em.failures)
        em.tail += ["fail:", f"  %code = phi i32 {incoming}", "  call void @of.release(ptr %ctx)", "  ret i32 %code"]


def _declarations(em: Emitter, extra: str) -> str:
    lines = [text for symbol, text in em.declared.items() if symbol not in declared_in(extra)]
    lines += em.variant_lines.values()
    if em.variant_lines:
        names = ", ".join(f"ptr @{name}" for name in em.variant_lines)
        lines.append(f'@llvm.compiler.used = appending global [{len(em.variant_lines)} x ptr] [{names}], section "llvm.metadata"')
    lines += [text for _, text in em.groups.values()]
    lines += ['!0 = !{!"branch_weights", i32 1048575, i32 1}', '!1 = !{!"branch_weights", i32 1, i32 1048575}']
    lines += ['!2 = !{!"llvm.loop.vectorize.enable", i1 false}', '!3 = !{!"llvm.loop.unroll.disable"}']
    lines += ['!9 = !{!"llvm.loop.interleave.count", i32 1}', *TAGS, *em.metadata]
    return support_text(em.used, extra) + "\n".join(lines) + "\n"
