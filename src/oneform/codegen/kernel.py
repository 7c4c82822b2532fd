"""A compiled function: its text at every stage, its object code, its error sites; and an entry with all arguments in one row of slots."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oneform.codegen import target
from oneform.codegen.complexes import register_types
from oneform.codegen.context import THREAD
from oneform.codegen.emit import Options, Site
from oneform.codegen.legalise import legalise
from oneform.codegen.plan import Copied
from oneform.codegen.probes import Probe
from oneform.codegen.scalars import memory_type
from oneform.codegen.schedule import schedule
from oneform.codegen.skip import skip
from oneform.codegen.text import kernel_text
from oneform.ir import Function, open_dims
from oneform.types import Array, element

SYMBOL = "of.kernel"
DEFAULT = Options()


@dataclass(frozen=True, eq=False)
class Kernel:
    """Machine code of a function. Sites are numbered from 1 in the kernel's return value."""

    llvm: str
    sites: tuple[Site, ...]
    copies: tuple[Copied, ...]
    object: bytes
    symbol: str = SYMBOL

    def optimised_llvm(self) -> str:
        return target.optimised_text(self.llvm)

    def asm(self) -> str:
        return target.assembly_text(self.llvm)

    def load(self, *symbols: str, known: Mapping[str, int] | None = None) -> target.Loaded:
        """The code in this process; keep the result as long as its addresses are used. `known`: addresses of ours that it may use."""
        return target.load_object(self.object, *(symbols or (self.symbol,)), known=known)


def compile_function(f: Function, writes: Sequence[int] = (), options: Options = DEFAULT, extra: str = "") -> Kernel:
    """Compile f; the last results are the final versions of the parameters `writes`. `extra` is LLVM text for the same module."""
    return _compiled(prepared(f, writes), writes, options, extra, None)


def prepared(f: Function, writes: Sequence[int]) -> Function:
    """The program as code is generated for it."""
    return schedule(skip(legalise(f)), bool(writes))


def compile_probed(f: Function, writes: Sequence[int], options: Options, extra: str, probe: Probe) -> Kernel:
    """Compile a prepared program with probes; see `compile_function`."""
    return _compiled(f, writes, options, extra, probe)


def _compiled(f: Function, writes: Sequence[int], options: Options, extra: str, probe: Probe | None) -> Kernel:
    text = kernel_text(f, writes, options, extra, probe)
    return Kernel(text.module, tuple(text.sites), tuple(text.copies), target.object_code(text.module))


def signature(f: Function) -> tuple[str, ...]:
    """LLVM types of the kernel's parameters between context and results."""
    types: list[str] = []
    for p in f.params:
        if isinstance(p.type, Array):
            types += ["ptr", *["i64"] * open_dims(p.type.shape)]
        else:
            d = element(p.type)
            types += register_types(d) if d.kind == "c" else [memory_type(d)]
    return tuple(types)


@functools.cache
def packed_entry(parameters: tuple[str, ...], symbol: str = "of.packed") -> str:
    """LLVM text of `i32 symbol(ptr ctx, ptr slots, ptr out)`: arguments in 8-byte slots; the GIL is held again when it returns."""
    loads: list[str] = []
    for k, t in enumerate(parameters):
        loads.append(f"  %a{k} = getelementptr i8, ptr %slots, i64 {8 * k}\n  %x{k} = load {t}, ptr %a{k}\n")
    args = ", ".join(["ptr %ctx", *(f"{t} %x{k}" for k, t in enumerate(parameters)), "ptr %out"])
    return f"""
define i32 @{symbol}(ptr %ctx, ptr %slots, ptr %out) {{
{"".join(loads)}  %r = call i32 @{SYMBOL}({args})
  %p = getelementptr i8, ptr %ctx, i64 {THREAD}
  %s = load ptr, ptr %p
  %held = icmp eq ptr %s, null
  br i1 %held, label %done, label %restore
restore:
  call void @PyEval_RestoreThread(ptr %s)
  store ptr null, ptr %p
  br label %done
done:
  ret i32 %r
}}
declare void @PyEval_RestoreThread(ptr)
"""
