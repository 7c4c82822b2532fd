"""Writes the body of a function as LLVM text: registers, blocks, checks, memory; text.py makes a module of it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any

from oneform.codegen.complexes import Cpx, Number, lower_number, registers
from oneform.codegen.context import DETAILS
from oneform.codegen.plan import Plan
from oneform.codegen.probes import Probe
from oneform.codegen.scalars import flags_of, itemsize, literal, llvm_type, lower_scalar, memory_type
from oneform.codegen.support import FIRST_GROUP, FIRST_NODE
from oneform.codegen.vectormath import form
from oneform.errors import InternalError, Location
from oneform.ir import Attrs, Block, Instr, Value, instructions
from oneform.layout import is_small
from oneform.types import ANY, Array, DType, List, Type, real_dtype


@dataclass(frozen=True)
class Options:
    """How to compile. fastmath: None allows what cannot change a result beyond rounding where the program allows it, True everything, False nothing."""

    fastmath: bool | None = None
    boundscheck: bool = True


@dataclass(frozen=True)
class Site:
    """A place that may raise: what to raise, and how to read the details it leaves in the context."""

    kind: str  # index or assert
    error: str
    message: str
    axis: int | None
    loc: Location | None
    details: tuple[DType, ...]


@dataclass(frozen=True, slots=True)
class Arr:
    """An array in generated code: where it is, and its lengths."""

    dtype: DType
    ptr: str
    dims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lst:
    """A list: its memory, how many rows it holds and for how many it has room."""

    type: List
    ptr: str
    top: str
    cap: str


Rep = Number | Arr | Lst


@dataclass
class Body:
    """The state of one LLVM function under construction."""

    lines: list[str] = field(default_factory=list[str])
    entry: list[str] = field(default_factory=list[str])  # allocas
    env: dict[Value, Rep] = field(default_factory=dict[Value, Rep])
    symbols: dict[str, str] = field(default_factory=dict[str, str])
    label: str = "entry"
    failures: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # (code, block) that go to the common error exit
    tail: list[str] = field(default_factory=list[str])
    no_memory: list[str] = field(default_factory=list[str])
    loops: list[Instr] = field(default_factory=list[Instr])
    budget: str = ""
    certain: dict[Instr, bool] = field(default_factory=dict[Instr, bool])  # bounds checks known to hold; True: and the index is not negative
    cold: bool = False  # inside code that hardly ever runs
    long_loops: int = 0  # how many loops with work for a vector have been emitted
    wide: int = 0  # how often something was emitted of which one vector at a time is enough


class Emitter(Body):
    """Writes LLVM text: its fields as a Body are those of the function that is being written."""

    def __init__(self, plan: Plan, options: Options, probe: Probe | None = None):
        super().__init__()
        self.plan, self.options, self.probe = plan, options, probe
        self.plain = probe is not None and probe.counts  # each block is emitted as it stands, rounds of loops one by one
        self.scratch: dict[tuple[Instr, int], Arr] = {}
        self.placed: set[str] = set()  # where rows are made that belong into another array
        self.sites: list[Site] = []
        self.used: set[str] = set()
        self.others: list[str] = []  # functions beside the kernel
        self.roomy: set[Instr] = set()  # pushes to lists that have room for them
        self.functions: dict[str, Any] = {}  # recursive functions around
        self.levels: list[dict[str, str]] = []  # of the functions around each other: what is captured, by its name outside
        self.declared: dict[str, str] = {}
        self.groups: dict[str, tuple[str, str]] = {}  # symbol -> (group number, attribute text)
        self.variant_lines: dict[str, str] = {}
        self.metadata: list[str] = []
        self.number_tag = ""  # of loads and stores of numbers
        self.group = ""  # of those in a loop whose rounds do not meet
        self._count = 0

    # ------------------------------------------------------------ lines

    def new(self) -> str:
        self._count += 1
        return f"%v{self._count}"

    def fresh(self, name: str) -> str:
        self._count += 1
        return f"{name}{self._count}"

    def ins(self, text: str) -> str:
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"  {name} = {text}")
        return name

    def do(self, text: str) -> None:
        self.lines.append("  " + text)

    def begin(self, label: str) -> None:
        self.lines.append(label + ":")
        self.label = label

    def jump(self, label: str) -> None:
        self.lines.append(f"  br label %{label}")

    def reserve(self) -> int:
        """A line to be filled in later."""
        self.lines.append("")
        return len(self.lines) - 1

    def fill(self, line: int, text: str) -> None:
        self.lines[line] = "  " + text

    @contextmanager
    def function(self, captured: dict[str, str]) -> Generator[Body]:
        """What is emitted goes to a function of its own, until the block ends; yields where it is collected then."""
        outer, inner = {f.name: getattr(self, f.name) for f in fields(Body)}, Body()
        self.__dict__.update({f.name: getattr(inner, f.name) for f in fields(Body)})
        self.levels.append(captured)
        yield inner
        inner.__dict__.update({f.name: getattr(self, f.name) for f in fields(Body)})
        self.__dict__.update(outer)
        self.levels.pop()

    # ------------------------------------------------------------ values

    def scalar(self, v: Value) -> str:
        rep = self.env[v]
        assert isinstance(rep, str)
        return rep

    def number(self, v: Value) -> Number:
        """A real or complex scalar."""
        rep = self.env[v]
        assert isinstance(rep, (str, Cpx))
        return rep

    def array(self, v: Value) -> Arr:
        rep = self.env[v]
        assert isinstance(rep, Arr)
        return rep

    def bind(self, v: Value, rep: Rep) -> None:
        self.env[v] = rep
        if isinstance(v.type, Array) and isinstance(rep, Arr):
            for d, n in zip(v.type.shape, rep.dims, strict=True):
                if isinstance(d, str) and d != ANY and d not in self.symbols:
                    self.symbols[d] = n

    def forget(self, block: Block) -> None:
        """Code for the block is to be emitted once more."""
        for i in instructions(block.body):
            for v in (*i.outs, *(p for r in i.regions for p in r.params)):
                self.env.pop(v, None)

    def flags(self, attrs: Attrs) -> str:
        return flags_of(self.options.fastmath, attrs)

    # ------------------------------------------------------------ declarations

    def use(self, part: str) -> None:
        self.used.add(part)

    def declare(self, symbol: str, text: str) -> None:
        self.declared[symbol] = text

    def vector_group(self, symbol: str, variants: Sequence[tuple[str, int]], t: str, arity: int) -> str:
        """The attribute group of a call that may be widened."""
        self.wide += 1
        if symbol not in self.groups:
            shapes = "v" * arity
            text = ",".join(f"_ZGV_LLVM_N{lanes}{shapes}_{symbol}({name})" for name, lanes in variants)
            number = f"#{FIRST_GROUP + len(self.groups)}"
            self.groups[symbol] = (number, f'attributes {number} = {{ nounwind willreturn memory(none) "vector-function-abi-variant"="{text}" }}')
            for name, lanes in variants:
                self.variant_lines[name] = form(name, f"<{lanes} x {t}>", arity)
        return self.groups[symbol][0]

    def node(self, text: str) -> str:
        """A metadata node; `{0}` in the text is the node itself."""
        name = f"!{FIRST_NODE + len(self.metadata)}"
        self.metadata.append(f"{name} = {text.format(name)}")
        return name

    def loop_hint(self, around: bool, rolled: bool, wide: bool) -> str:
        """Loops that hardly ever run are not worth vectorising or unrolling. A loop around others is not to be vectorised across their
        iterations once those are unrolled: it would gather and scatter what they read in order. Where one vector
        at a time is enough, several would only leave the more iterations over."""
        if self.cold:
            return f", !llvm.loop {self.node('distinct !{{{0}, !2, !3}}')}"
        apart = [self.node(f'!{{{{!"llvm.loop.parallel_accesses", {self.group}}}}}')] if self.group else []
        kept = "!2" if around else ", ".join(["!3"] * rolled + ["!9"] * wide + apart)
        return f", !llvm.loop {self.node(f'distinct !{{{{{{0}}, {kept}}}}}')}" if kept else ""

    @contextmanager
    def apart(self) -> Generator[None]:
        """A loop of which no two rounds touch the same number, if one of them writes it: LLVM need not find that out as the loop begins."""
        before = self.number_tag, self.group
        self.group = self.node("distinct !{{}}")
        self.number_tag += f", !llvm.access.group {self.group}"
        yield
        self.number_tag, self.group = before

    # ------------------------------------------------------------ error exits

    def check(self, fine: str, kind: str, error: str, message: str, axis: int | None, loc: Location | None, details: Sequence[tuple[Number, DType]]) -> None:
        """Go on if `fine`, else leave with a new error site. A complex detail takes two places."""
        if fine == "true":
            return
        self.sites.append(Site(kind, error, message, axis, loc, tuple(d for _, d in details)))
        site = len(self.sites)
        bad, good = f"error{site}", self.fresh("ok")
        self.do(f"br i1 {fine}, label %{good}, label %{bad}, !prof !0")
        self.tail.append(f"{bad}:")
        parts = [(x, real_dtype(d)) for rep, d in details for x in registers(rep)]
        for k, (x, d) in enumerate(parts[:4]):
            t = llvm_type(d)
            if d.kind == "b":
                self.tail.append(f"  %d{site}_{k}b = zext i1 {x} to i8")
                x, t = f"%d{site}_{k}b", "i8"
            self.tail.append(f"  %d{site}_{k} = getelementptr i8, ptr %ctx, i64 {DETAILS + 8 * k}\n  store {t} {x}, ptr %d{site}_{k}")
        self.tail.append("  br label %fail")
        self.failures.append((str(site), bad))
        self.begin(good)

    def need(self, pointer: str) -> None:
        """Leave with MemoryError if an allocation failed."""
        null, good = self.ins(f"icmp eq ptr {pointer}, null"), self.fresh("ok")
        self.do(f"br i1 {null}, label %nomemory, label %{good}, !prof !1")
        self.no_memory.append(self.label)
        self.begin(good)

    def succeeded(self, code: str) -> None:
        """Leave with the code of a call unless it is 0."""
        bad, good = self.ins(f"icmp ne i32 {code}, 0"), self.fresh("ok")
        self.do(f"br i1 {bad}, label %fail, label %{good}, !prof !1")
        self.failures.append((code, self.label))
        self.begin(good)

    def poll(self) -> None:
        """Call of.poll and leave if it says so."""
        self.use("poll")
        r = self.ins("call i32 @of.poll(ptr %ctx)")
        stop, good = self.ins(f"icmp ne i32 {r}, 0"), self.fresh("ok")
        self.do(f"br i1 {stop}, label %fail, label %{good}, !prof !1")
        self.failures.append(("-1", self.label))
        self.begin(good)

    # ------------------------------------------------------------ memory

    def count(self, dims: Sequence[str], saturate: bool) -> str:
        """The number of elements; an overflow gives a number that cannot be allocated."""
        known = 1
        open_: list[str] = []
        for d in dims:
            if d.isdigit():
                known *= int(d)
            else:
                open_.append(d)
        if not open_:
            return str(known)
        total = open_[0]
        if saturate and (len(open_) > 1 or known != 1):
            self.use("mul")
        for d in [*open_[1:], *([str(known)] if known != 1 else [])]:
            total = self.ins(f"call i64 @of.mul(i64 {total}, i64 {d})" if saturate else f"mul i64 {total}, {d}")
        return total

    def raw_alloc(self, dtype: DType, dims: Sequence[str], i: Instr | None = None) -> str:
        """Memory for an array; of instruction i, if that is not the one that is being emitted."""
        self.use("alloc")
        n = self.count(dims, True)
        if self.probe is not None:
            self.probe.asked(self, n, itemsize(dtype), i)
        return self.ins(f"call ptr @of.alloc(ptr %ctx, i64 {n}, i64 {itemsize(dtype)})")

    def new_array(self, t: Array, dims: Sequence[str]) -> Arr:
        """Memory for a new array: a slot for a small one, else a tracked block."""
        if is_small(t):
            return self.slot(t)
        ptr = self.raw_alloc(t.dtype, dims)
        self.need(ptr)
        return Arr(t.dtype, ptr, tuple(dims))

    def slot(self, t: Array) -> Arr:
        name = self.fresh("%slot")
        total = 1
        for d in t.shape:
            assert isinstance(d, int)
            total *= d
        self.entry.append(f"  {name} = alloca [{total} x {memory_type(t.dtype)}], align 16")
        return Arr(t.dtype, name, tuple(str(d) for d in t.shape))

    def move_bytes(self, to: str, source: str, dtype: DType, dims: Sequence[str]) -> None:
        """Copy the elements of one array to another; the two do not overlap."""
        n = self.count(dims, False)
        size = str(int(n) * itemsize(dtype)) if n.isdigit() else self.ins(f"mul i64 {n}, {itemsize(dtype)}")
        if size != "0":
            self.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {size}, i1 false)")

    def duplicate(self, rep: Rep, want: Type) -> Rep:
        """A copy in memory of its own, laid out as `want` has it."""
        if isinstance(rep, Lst):
            return LISTS["copy"](self, rep)
        assert isinstance(rep, Arr) and isinstance(want, Array)
        if is_small(want):
            out = self.slot(want)
            self.move_bytes(out.ptr, rep.ptr, rep.dtype, rep.dims)
            return out
        self.use("copy")
        n = self.count(rep.dims, True)
        if self.probe is not None:
            self.probe.asked(self, n, itemsize(rep.dtype))
        ptr = self.ins(f"call ptr @of.copy(ptr %ctx, ptr {rep.ptr}, i64 {n}, i64 {itemsize(rep.dtype)})")
        self.need(ptr)
        return Arr(rep.dtype, ptr, rep.dims)

    def release(self, rep: Rep) -> None:
        """Free an array, or a list with all it holds."""
        if isinstance(rep, Lst):
            LISTS["free"](self, rep)
        elif isinstance(rep, Arr):
            self.use("alloc")
            self.do(f"call void @of.free(ptr %ctx, ptr {rep.ptr}, i64 {self.count(rep.dims, False)}, i64 {itemsize(rep.dtype)})")

    def free_value(self, v: Value) -> None:
        if v not in self.plan.unfreed:
            self.release(self.env[v])

    # ------------------------------------------------------------ blocks

    def block(self, block: Block) -> None:
        """The instructions of a block, with the frees that the plan puts between them."""
        plan = self.plan
        if self.probe is not None:
            self.probe.entered(self, block)
        for v in plan.start_frees.get(block, ()):
            self.free_value(v)
        self.instructions(block.body)

    def instructions(self, body: Sequence[Instr]) -> None:
        for i in body:
            self.instr(i)
            for v in self.plan.frees.get(i, ()):
                self.free_value(v)

    def region(self, block: Block) -> None:
        """A block of its own scope."""
        symbols = dict(self.symbols)
        self.block(block)
        self.symbols = symbols

    def results(self, block: Block, wants: Sequence[Type]) -> list[Rep]:
        """What a block yields, copied where it does not own it."""
        return [
            self.duplicate(self.env[r], t) if (block, k) in self.plan.copy_results else self.env[r]
            for k, (r, t) in enumerate(zip(block.results, wants, strict=True))
        ]

    def operand(self, i: Instr, k: int, want: Type | None = None) -> Rep:
        """Operand k, copied first if the plan says so."""
        rep = self.env[i.args[k]]
        return self.duplicate(rep, want or i.args[k].type) if (i, k) in self.plan.copy_args else rep

    def instr(self, i: Instr) -> None:
        lower = i.op.lower
        if isinstance(lower, Mapping):
            self.env[i.outs[0]] = lower_number(self, i)
            return
        generate = GENERATORS.get(lower or "")
        if generate is None:
            raise InternalError(f"codegen has no generator for {i.op.name}")
        outs = generate(self, i) if self.probe is None else self.probe.around(self, i, generate)
        for v, rep in zip(i.outs, outs, strict=True):
            self.bind(v, rep)

    def invariant(self, v: Value) -> str:
        """A length that is needed before the loop in which it is computed."""
        if v in self.env:
            return self.scalar(v)
        i = self.plan.makers[v]
        if i.op.lower == "dim":
            return self.length(i.args[0], i.attrs["axis"])
        if i.op.lower == "const":
            return literal(i.attrs["value"], i.attrs["dtype"])
        early = {a: self.invariant(a) for a in i.args if a not in self.env}
        self.env.update(early)
        out = lower_scalar(self, i)
        for a in early:
            del self.env[a]
        return out

    def length(self, array: Value, axis: int) -> str:
        assert isinstance(array.type, Array)
        d = array.type.shape[axis]
        if isinstance(d, int):
            return str(d)
        if array in self.env:
            return self.array(array).dims[axis]
        return self.symbols[d]


Generate = Callable[[Emitter, Instr], Sequence[Rep]]
GENERATORS: dict[str, Generate] = {}
LISTS: dict[str, Callable[[Emitter, Lst], Lst]] = {}


def generator(name: str) -> Callable[[Generate], Generate]:
    """Register the code generator that ops name in `lower`."""

    def register(f: Generate) -> Generate:
        GENERATORS[name] = f
        return f

    return register
