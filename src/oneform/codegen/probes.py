"""Probes of a build that is to be measured: how often each block is entered, what is allocated and saved, and where the clock is read.

Two builds are made of one program, since counting disturbs the clock: one that counts, in which every block is emitted as it stands, and one that reads
the clock around some loops and calls and is otherwise the code that a user runs. Other code has no probes (docs/design/014-profile.md)."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from oneform.codegen.scalars import itemsize
from oneform.ir import Block, Function, Instr, Value, instructions
from oneform.layout import layout
from oneform.types import Array, Scalar

if TYPE_CHECKING:
    from oneform.codegen.emit import Emitter, Rep

TIMED = ("for", "while", "build", "recursive")  # structures around which the clock may be read
_LAST = 0  # the slot with the time of the last reading
_X86 = "call i64 @llvm.readcyclecounter()"
_ARM = 'call i64 asm sideeffect "mrs $0, cntvct_el0", "=r"()'  # the counter of cycles is the system's own there


class Probe:
    """Counters in memory of their own, whose address stands in the code: one call at a time, and only while this object lives.

    Without `timed` the build counts; with it, the clock is read around these instructions, and what passes between two readings is that of the
    innermost of them."""

    def __init__(self, f: Function, timed: Collection[Instr] | None = None):
        self.timed = timed
        parts = list(instructions(f.block.body))
        self.memory = (ctypes.c_int64 * (4 + sum(2 + len(i.regions) + len(i.args) for i in parts)))()
        self.slots: dict[Any, int] = {}
        self.at: Instr | None = None  # what is being emitted
        self.inside: Instr | None = None  # whose time it is

    @property
    def counts(self) -> bool:
        return self.timed is None

    def clear(self) -> None:
        ctypes.memset(self.memory, 0, ctypes.sizeof(self.memory))

    def read(self, *key: Any) -> int:
        """What was counted: ("block", b), ("asked", i) and ("saved", i, operand) in bytes, ("ticks", i)."""
        slot = self.slots.get(key)
        return 0 if slot is None else self.memory[slot]

    @property
    def last(self) -> int:
        """The last reading of the clock."""
        return self.memory[_LAST]

    # ------------------------------------------------------------ emission

    def _place(self, slot: int) -> str:
        return f"inttoptr (i64 {ctypes.addressof(self.memory) + 8 * slot} to ptr)"

    def _add(self, em: Emitter, amount: str, *key: Any) -> None:
        at = self._place(self.slots.setdefault(key, len(self.slots) + 1))
        total = em.ins(f"load i64, ptr {at}")
        em.do(f"store i64 {em.ins(f'add i64 {total}, {amount}')}, ptr {at}")

    def _clock(self, em: Emitter) -> str:
        if platform.machine() == "aarch64":
            return em.ins(_ARM)
        em.declare("llvm.readcyclecounter", "declare i64 @llvm.readcyclecounter()")
        return em.ins(_X86)

    def _charge(self, em: Emitter) -> None:
        """What has passed since the last reading was spent here."""
        now, last = self._clock(em), self._place(_LAST)
        passed = em.ins(f"sub i64 {now}, {em.ins(f'load i64, ptr {last}')}")
        em.do(f"store i64 {now}, ptr {last}")
        self._add(em, passed, "ticks", self.inside)

    def begin(self, em: Emitter) -> None:
        """At the entry of the kernel."""
        if not self.counts:
            em.do(f"store i64 {self._clock(em)}, ptr {self._place(_LAST)}")

    def end(self, em: Emitter) -> None:
        """Before the kernel returns."""
        if not self.counts:
            self._charge(em)

    def entered(self, em: Emitter, block: Block) -> None:
        if self.counts:
            self._add(em, "1", "block", block)

    def asked(self, em: Emitter, count: str, size: int, i: Instr | None = None) -> None:
        """Memory for so many items is asked for."""
        if self.counts:
            self._add(em, em.ins(f"mul i64 {count}, {size}"), "asked", i or self.at)

    def around(self, em: Emitter, i: Instr, generate: Callable[[Emitter, Instr], Sequence[Rep]]) -> Sequence[Rep]:
        """The code of an instruction, with the clock around it if it is one of those."""
        if self.counts:
            return self._counted(em, i, generate)
        region = em.plan.functions[i] if i.op.structure == "recur" else i
        if region is self.inside or self.timed is None or region not in self.timed:
            return generate(em, i)
        self._charge(em)
        outer, self.inside = self.inside, region
        outs = generate(em, i)
        self._charge(em)
        self.inside = outer
        return outs

    def _counted(self, em: Emitter, i: Instr, generate: Callable[[Emitter, Instr], Sequence[Rep]]) -> Sequence[Rep]:
        outer, self.at = self.at, i
        if i.op.lower == "push" and _tape(i):
            self._pushed(em, i)
        outs = generate(em, i)
        self.at = outer
        return outs

    def _pushed(self, em: Emitter, i: Instr) -> None:
        """Arrays and lists that go to a tape, with what they hold directly."""
        for k, a in enumerate(i.args[1:], 1):
            match a.type:
                case Scalar():
                    pass
                case Array(d, _):
                    self._add(em, em.ins(f"mul i64 {em.count(em.array(a).dims, False)}, {itemsize(d)}"), "saved", i, k)
                case s:
                    top: Any = em.env[a]
                    self._add(em, em.ins(f"mul i64 {top.top}, {layout(s)[1]}"), "saved", i, k)

    # ------------------------------------------------------------ what was counted

    def runs(self, block: Block) -> int:
        """How often a block was run."""
        return self.read("block", block)

    def saved(self, i: Instr, runs: int) -> list[tuple[Value, int]]:
        """The values that an instruction in a block run so often wrote to tapes, each with its bytes in all."""
        if not _tape(i):
            return []
        if i.op.lower == "set":
            return [(i.args[1], runs * _bytes(i.args[1].type))]
        if i.op.lower == "push":
            return [(a, runs * _bytes(a.type) or self.read("saved", i, k)) for k, a in enumerate(i.args[1:], 1)]
        if i.op.structure == "build":
            return [(v, self.runs(r) * _bytes(v.type)) for r in i.regions for v in r.results]
        return []


def _tape(i: Instr) -> bool:
    return i.loc is not None and i.loc.role == "tape"


def _bytes(t: Any) -> int:
    return itemsize(t.dtype) if isinstance(t, Scalar) else 0
