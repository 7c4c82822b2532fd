"""Loops whose parts run on threads: each part is a call of one function, the first on the thread that comes along (docs/design/013-threads.md).

What the parts read travels in a frame of the caller's. Each part has a record: how it ended, the totals of what it adds up, and where its own copies are of the
arrays that it adds to. The first part goes on from what was there; the others start from zeros and are added in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oneform.codegen.complexes import register_types
from oneform.codegen.context import CLOCK, CONTEXT, DETAILS, STOP
from oneform.codegen.control import Carried, parts
from oneform.codegen.emit import Arr, Emitter, Rep, generator
from oneform.codegen.loops import Parts, before_loop, fill_shape
from oneform.codegen.plan import PHI
from oneform.codegen.recursion import attributes, captures, exits, function, renamed
from oneform.codegen.scalars import itemsize, llvm_type, memory_type
from oneform.ir import Block, Instr, open_dims
from oneform.types import Array, DType, Scalar, real_dtype

_COUNT, _RECORDS, _SAVED = 8, 16, 24  # in the frame, which begins with the number of the first part that failed; captured registers are last
_CODE, _DETAILS, _TOTALS, _LINE = 0, 8, 40, 128  # in a record; sizes of records and of copies of arrays are multiples of the last


@generator("parts")
def _parts(em: Emitter, i: Instr) -> Sequence[Rep]:
    n, work = (em.scalar(a) for a in i.args)
    em.use("pool")
    most = em.ins(f"call i64 @llvm.smin.i64(i64 {n}, i64 {em.ins('call i64 @of.pool.threads()')})")
    some = em.ins(f"call i64 @llvm.smax.i64(i64 {most}, i64 1)")
    worth = em.ins(f"icmp sge i64 {work}, {i.attrs['least']}")
    return (em.ins(f"select i1 {worth}, i64 {some}, i64 1"),)


@dataclass(frozen=True)
class _Layout:
    """What is where, in the frame and in the records."""

    symbol: str
    captured: Parts
    totals: tuple[tuple[str, DType], ...]  # registers of the numbers that are added up
    sums: tuple[DType, ...]  # arrays that are added to
    allocates: bool
    bottom: bool  # whether it calls functions that may go deep

    @property
    def counts(self) -> int:
        return _SAVED + 8 * len(self.captured)

    @property
    def first(self) -> int:
        """Where the record of the first part is in the frame."""
        return self.counts + 8 * len(self.sums)

    def total(self, k: int) -> int:
        return _TOTALS + 8 * k

    def copy(self, k: int) -> int:
        return self.total(len(self.totals)) + 8 * k

    @property
    def record(self) -> int:
        return -(-self.copy(len(self.sums)) // _LINE) * _LINE

    @property
    def result(self) -> str:
        return "{" + ", ".join(["i32", *(t for t, _ in self.totals)]) + "}"


@generator("chunks")
def _chunks(em: Emitter, i: Instr) -> Sequence[Rep]:
    count, carried, kinds = em.scalar(i.args[0]), Carried(em, i), i.attrs["chunks"]
    sums = [rep for rep, kind in zip(carried.inits, kinds, strict=True) if isinstance(rep, Arr) and kind == "sum"]
    layout = _part(em, i, carried, sums)
    em.others += [_call_part(layout), _other_part(layout), _on_thread(layout), _all(layout)]
    for part in ("alloc", "nomemory", "poll", "pool", "release"):
        em.use(part)
    em.declare("llvm.memset.p0.i64", "declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    frame = em.fresh("%frame")
    em.entry.append(f"  {frame} = alloca [{layout.first + layout.record} x i8], align 16")

    def place(at: int) -> str:
        return em.ins(f"getelementptr inbounds i8, ptr {frame}, i64 {at}")

    em.do(f"store i64 {count}, ptr {place(_COUNT)}")
    for k, (t, x) in enumerate(layout.captured):
        em.do(f"store {t} {x}, ptr {place(_SAVED + 8 * k)}")
    for k, array in enumerate(sums):
        em.do(f"store i64 {em.count(array.dims, False)}, ptr {place(layout.counts + 8 * k)}")
        em.do(f"store ptr {array.ptr}, ptr {place(layout.first + layout.copy(k))}")
    for k, (t, x) in enumerate(carried.parts):
        em.do(f"store {t} {x}, ptr {place(layout.first + layout.total(k))}")
    code = em.ins(f"call i32 @{layout.symbol}.all(ptr %ctx, ptr {frame})")
    em.succeeded(code)
    return carried.reps([em.ins(f"load {t}, ptr {place(layout.first + layout.total(k))}") for k, (t, _) in enumerate(layout.totals)])


def _part(em: Emitter, i: Instr, carried: Carried, sums: Sequence[Arr]) -> _Layout:
    """The function that runs one part: (context, number of the part, what it captures, copies of arrays, totals so far) -> (code, totals)."""
    region = i.regions[0]
    arrays = [(rep, t) for rep, t in zip(carried.inits, carried.types, strict=True) if isinstance(rep, Arr)]
    own = dict.fromkeys((t, x) for rep, kind in arrays for t, x in parts(rep, kind, PHI) if x.startswith("%"))
    added = {rep.ptr for rep in sums}
    captured = [(t, x) for t, x in dict.fromkeys([*captures(em, region), *own]) if x not in added]
    written = {rep.ptr for rep, _ in arrays}
    names = {x: em.new() for x in dict.fromkeys([*(x for _, x in captured), *(rep.ptr for rep in sums)])}
    symbol, c = em.fresh("of.part"), em.new()
    starts = [(t, em.new()) for t, _ in carried.parts]
    with function(em, region, names) as body:
        em.bind(region.params[0], c)
        for p, rep in zip(carried.params, carried.reps([x for _, x in starts]), strict=True):
            em.bind(p, renamed(rep, names))
        _in_place(em, i)
        made = before_loop(em, i)
        _region(em, region)
        ends = carried.yields()
        for array in made:
            em.release(array)
        totals = tuple((t, real_dtype(p.type.dtype)) for p in carried.params if isinstance(p.type, Scalar) for t in register_types(p.type.dtype))
        layout = _Layout(symbol, captured, totals, tuple(rep.dtype for rep in sums), bool(em.used & {"alloc", "copy", "grow"}), "deeper" in em.used)
        _leave(em, layout, ends)
    takes = [
        "ptr noalias captures(none) %ctx", f"i64 {c}",
        *(f"{t} {attributes(t, x in written)} {names[x]}" for t, x in captured), *(f"ptr noalias {names[rep.ptr]}" for rep in sums),
        *(f"{t} {x}" for t, x in starts),
    ]  # fmt: skip
    head = f"define internal fastcc {layout.result} @{symbol}({', '.join(takes)}) #0 {{"
    em.others.append("\n".join([head, "entry:", *body.entry, *body.lines, *body.tail, "}"]))
    return layout


@generator("paste")
def _paste(em: Emitter, i: Instr) -> Sequence[Rep]:
    whole, rows = em.operand(i, 0), em.array(i.args[1])
    assert isinstance(whole, Arr)
    at = _row(em, whole, em.scalar(i.args[2]))
    if rows.ptr not in em.placed:
        em.move_bytes(at, rows.ptr, rows.dtype, rows.dims)
    return (whole,)


def _row(em: Emitter, whole: Arr, start: str) -> str:
    before = em.count([start, *whole.dims[1:]], False)
    return em.ins(f"getelementptr {memory_type(whole.dtype)}, ptr {whole.ptr}, i64 {before}")


def _pasted(region: Block) -> dict[tuple[Instr, int], Instr]:
    """Constructors of rows, by result, with where they are put."""
    makers = {o: (j, k) for j in region.body if j.op.structure == "build" for k, o in enumerate(j.outs)}
    return {makers[j.args[1]]: j for j in region.body if j.op.lower == "paste" and j.args[1] in makers}


def _in_place(em: Emitter, i: Instr) -> None:
    """Rows that are put into an array are made there: no memory of their own is made, or freed."""
    found = {j for j, _ in _pasted(i.regions[0])}
    em.plan.unfreed.update(o for j in found for o in j.outs)
    if i in em.plan.hoisted:
        em.plan.hoisted[i] = [j for j in em.plan.hoisted[i] if j not in found]


def _region(em: Emitter, region: Block) -> None:
    """The block of a part, with the rows that it makes where they belong."""
    pasted = _pasted(region)
    for i in region.body:
        for k, o in enumerate(i.outs):
            if (put := pasted.get((i, k))) is not None:
                whole, given = em.array(put.args[0]), iter([em.scalar(a) for a in i.args])
                assert isinstance(o.type, Array)
                at = _row(em, whole, em.scalar(put.args[2]))
                em.placed.add(at)
                em.scratch[i, k] = Arr(whole.dtype, at, tuple(fill_shape(o.type, list(given)[: open_dims(o.type.shape)])))
        em.instructions((i,))


def _leave(em: Emitter, layout: _Layout, ends: Sequence[str]) -> None:
    out = em.ins(f"insertvalue {layout.result} undef, i32 0, 0")
    for k, ((t, _), x) in enumerate(zip(layout.totals, ends, strict=True), 1):
        out = em.ins(f"insertvalue {layout.result} {out}, {t} {x}, {k}")
    em.do(f"ret {layout.result} {out}")
    exits(em, layout.result)


# ---------------------------------------------------------------- around it, in plain text


def _load(name: str, t: str, base: str, at: int) -> str:
    return f"  {name}.p = getelementptr i8, ptr {base}, i64 {at}\n  {name} = load {t}, ptr {name}.p\n"


def _store(name: str, t: str, x: str, base: str, at: int) -> str:
    return f"  {name} = getelementptr i8, ptr {base}, i64 {at}\n  store {t} {x}, ptr {name}\n"


def _call_part(y: _Layout) -> str:
    """The function of one part, called with what lies in the frame and in the part's record."""
    loads = "".join(_load(f"%x{k}", t, "%frame", _SAVED + 8 * k) for k, (t, _) in enumerate(y.captured))
    loads += "".join(_load(f"%a{k}", "ptr", "%record", y.copy(k)) for k in range(len(y.sums)))
    loads += "".join(_load(f"%s{k}", t, "%record", y.total(k)) for k, (t, _) in enumerate(y.totals))
    args = ["ptr %ctx", "i64 %c", *(f"{t} %x{k}" for k, (t, _) in enumerate(y.captured)), *(f"ptr %a{k}" for k in range(len(y.sums)))]
    args += [f"{t} %s{k}" for k, (t, _) in enumerate(y.totals)]
    ends = ""
    for k, (t, _) in enumerate(y.totals):
        ends += f"  %e{k} = extractvalue {y.result} %r, {k + 1}\n" + _store(f"%q{k}", t, f"%e{k}", "%record", y.total(k))
    return f"""define internal i32 @{y.symbol}.call(ptr %ctx, ptr %frame, ptr %record, i64 %c) #7 {{
{loads}  %r = call fastcc {y.result} @{y.symbol}({", ".join(args)})
  %code = extractvalue {y.result} %r, 0
{ends}  ret i32 %code
}}"""


def _details(source: str, at: int, target: str, to: int) -> str:
    """What an error says, from a context to a record or back."""
    return "".join(_load(f"%d{k}", "i64", source, at + 8 * k) + _store(f"%e{k}", "i64", f"%d{k}", target, to + 8 * k) for k in range(4))


def _record(y: _Layout, c: str) -> str:
    """The record of part c, which is not the first."""
    place = f"  %before = sub i64 {c}, 1\n  %at = mul i64 %before, {y.record}\n  %record = getelementptr i8, ptr %records, i64 %at\n"
    return _load("%records", "ptr", "%frame", _RECORDS) + place


def _other_part(y: _Layout) -> str:
    """A part that is not the first: what it adds to is zero before."""
    clear = "".join(
        _load(f"%a{k}", "ptr", "%record", y.copy(k)) + _load(f"%n{k}", "i64", "%frame", y.counts + 8 * k)
        + f"  %b{k} = mul i64 %n{k}, {itemsize(d)}\n  call void @llvm.memset.p0.i64(ptr %a{k}, i8 0, i64 %b{k}, i1 false)\n"
        for k, d in enumerate(y.sums)
    )  # fmt: skip
    return f"""define internal i32 @{y.symbol}.other(ptr %ctx, ptr %frame, i64 %c) #7 {{
{_record(y, "%c")}{clear}  %code = call i32 @{y.symbol}.call(ptr %ctx, ptr %frame, ptr %record, i64 %c)
  ret i32 %code
}}"""


def _on_thread(y: _Layout) -> str:
    """A part on a thread of the pool, with a context of its own."""
    return f"""define internal void @{y.symbol}.there(ptr %frame, i64 %c) #0 {{
  %ctx = alloca [{CONTEXT} x i8], align 16
  call void @llvm.memset.p0.i64(ptr %ctx, i8 0, i64 {CONTEXT}, i1 false)
{_store("%stop", "ptr", "%frame", "%ctx", STOP)}{_store("%clock", "i64", "%c", "%ctx", CLOCK)}{"  call void @of.bottom(ptr %ctx)" if y.bottom else ""}
  %code = call i32 @{y.symbol}.other(ptr %ctx, ptr %frame, i64 %c)
{_record(y, "%c")}{_store("%cp", "i32", "%code", "%record", _CODE)}  %bad = icmp ne i32 %code, 0
  br i1 %bad, label %failed, label %done
failed:
{_details("%ctx", DETAILS, "%record", _DETAILS)}  %old = atomicrmw umin ptr %frame, i64 %c monotonic
  br label %done
done:
{"  call void @of.release(ptr %ctx)" if y.allocates else ""}
  ret void
}}"""


def _all(y: _Layout) -> str:
    """All parts: the first here, the others on threads, or here where those are busy; then their errors, or their sums, in order."""
    first = f"  %first = getelementptr i8, ptr %frame, i64 {y.first}\n"
    call = f"call i32 @{y.symbol}.call(ptr %ctx, ptr %frame, ptr %first, i64 0)"
    return f"""define internal i32 @{y.symbol}.all(ptr %ctx, ptr %frame) #0 {{
{first}{_load("%count", "i64", "%frame", _COUNT)}  %others = sub i64 %count, 1
  %alone = icmp slt i64 %others, 1
  br i1 %alone, label %single, label %many
single:
  %only = {call}
  ret i32 %only
{_made_ready(y)}start:
  store i64 -1, ptr %frame
  %started = call i64 @of.pool.start(ptr @{y.symbol}.there, ptr %frame, i64 %count)
  %helped = icmp ne i64 %started, 0
  %own = {call}
  %bad = icmp ne i32 %own, 0
  br i1 %bad, label %stop, label %join
stop:
  store atomic i64 0, ptr %frame monotonic, align 8
  br label %join
join:
  br i1 %helped, label %wait, label %turn
{_TOGETHER}{_in_turn(y)}{_checked(y)}{_added(y)}finish:
{_freed(y)}  ret i32 0
failed:
  %early = phi i32 [%w, %joined], [%tw, %turn]
  ret i32 %early
nomemory:
  call void @of.nomemory(ptr %ctx)
  ret i32 -1
}}"""


# The threads are waited for even where this one has failed: they write to the frame. A signal of the user's stops them.
_TOGETHER = """wait:
  %w = phi i32 [%own, %join], [%w2, %on]
  %done = call i64 @of.pool.wait(i64 20000000)
  %over = icmp ne i64 %done, 0
  br i1 %over, label %joined, label %look
look:
  %raised = icmp ne i32 %w, 0
  br i1 %raised, label %on, label %poll
poll:
  %e = call i32 @of.poll(ptr %ctx)
  %interrupted = icmp ne i32 %e, 0
  br i1 %interrupted, label %halt, label %on
halt:
  store atomic i64 0, ptr %frame monotonic, align 8
  br label %on
on:
  %w2 = phi i32 [%w, %look], [0, %poll], [-1, %halt]
  br label %wait
joined:
  %fine = icmp eq i32 %w, 0
  br i1 %fine, label %ends, label %failed
"""


def _in_turn(y: _Layout) -> str:
    """The parts one after the other, in the caller's context: the first error is there already."""
    return f"""turn:
  %t = phi i64 [1, %join], [%t2, %here]
  %tw = phi i32 [%own, %join], [%code, %here]
  %quit = icmp ne i32 %tw, 0
  br i1 %quit, label %failed, label %go
go:
  %last = icmp sgt i64 %t, %others
  br i1 %last, label %add, label %here
here:
  %code = call i32 @{y.symbol}.other(ptr %ctx, ptr %frame, i64 %t)
  %t2 = add i64 %t, 1
  br label %turn
"""


def _made_ready(y: _Layout) -> str:
    """Records of the other parts, and memory for their copies of the arrays that are added to."""
    return f"""many:
  %records = call ptr @of.alloc(ptr %ctx, i64 %others, i64 {y.record})
  %none = icmp eq ptr %records, null
  br i1 %none, label %nomemory, label %copies
copies:
{_store("%rp", "ptr", "%records", "%frame", _RECORDS)}{_copies(y)}  br label %made
made:
  br label %prepare
prepare:
  %r = phi i64 [0, %made], [%r2, %prepare]
  %ra = mul i64 %r, {y.record}
  %record = getelementptr i8, ptr %records, i64 %ra
{_prepared(y)}  %r2 = add i64 %r, 1
  %ready = icmp eq i64 %r2, %others
  br i1 %ready, label %start, label %prepare
"""


def _copies(y: _Layout) -> str:
    """Memory for the others' copies of the arrays that are added to."""
    out = ""
    for k, d in enumerate(y.sums):
        out += _load(f"%n{k}", "i64", "%frame", y.counts + 8 * k)
        out += f"  %bytes{k} = mul i64 %n{k}, {itemsize(d)}\n  %up{k} = add i64 %bytes{k}, {_LINE - 1}\n  %size{k} = and i64 %up{k}, {-_LINE}\n"
        out += f"  %copies{k} = call ptr @of.alloc(ptr %ctx, i64 %others, i64 %size{k})\n"
        out += f"  %lost{k} = icmp eq ptr %copies{k}, null\n  br i1 %lost{k}, label %nomemory, label %got{k}\ngot{k}:\n"
    return out


def _prepared(y: _Layout) -> str:
    """A record before its part runs."""
    out = ""
    for k, (t, d) in enumerate(y.totals):
        out += _store(f"%z{k}", t, "0.0" if d.kind == "f" else "0", "%record", y.total(k))
    for k in range(len(y.sums)):
        out += f"  %o{k} = mul i64 %r, %size{k}\n  %c{k} = getelementptr i8, ptr %copies{k}, i64 %o{k}\n"
        out += _store(f"%cp{k}", "ptr", f"%c{k}", "%record", y.copy(k))
    return out


def _checked(y: _Layout) -> str:
    """The error of the lowest part that failed is raised."""
    return f"""ends:
  %ei = phi i64 [0, %joined], [%ei2, %well]
  %ea = mul i64 %ei, {y.record}
  %er = getelementptr i8, ptr %records, i64 %ea
{_load("%end", "i32", "%er", _CODE)}  %wrong = icmp ne i32 %end, 0
  br i1 %wrong, label %error, label %well
well:
  %ei2 = add i64 %ei, 1
  %checked = icmp eq i64 %ei2, %others
  br i1 %checked, label %add, label %ends
error:
{_details("%er", _DETAILS, "%ctx", DETAILS)}  %lack = icmp eq i32 %end, -1
  br i1 %lack, label %nomemory, label %raise
raise:
  ret i32 %end
"""


def _added(y: _Layout) -> str:
    """What the first part has, and then the others', in order."""
    adds = ""
    for k, (t, d) in enumerate(y.totals):
        adds += _load(f"%u{k}", t, "%first", y.total(k)) + _load(f"%v{k}", t, "%ar", y.total(k))
        adds += f"  %total{k} = {_add(d)} {t} %u{k}, %v{k}\n  store {t} %total{k}, ptr %u{k}.p\n"
    adds += "".join(_added_array(y, k, d) for k, d in enumerate(y.sums))
    return f"""add:
  br label %part
part:
  %ai = phi i64 [0, %add], [%ai2, %next]
  %aa = mul i64 %ai, {y.record}
  %ar = getelementptr i8, ptr %records, i64 %aa
{adds}  br label %next
next:
  %ai2 = add i64 %ai, 1
  %added = icmp eq i64 %ai2, %others
  br i1 %added, label %finish, label %part
"""


def _add(d: DType) -> str:
    return "fadd" if d.kind == "f" else "add"


def _added_array(y: _Layout, k: int, d: DType) -> str:
    t, places = llvm_type(real_dtype(d)), _load(f"%to{k}", "ptr", "%first", y.copy(k)) + _load(f"%from{k}", "ptr", "%ar", y.copy(k))
    return f"""{places}  %reals{k} = mul i64 %n{k}, {2 if d.kind == "c" else 1}
  br label %enter{k}
enter{k}:
  br label %head{k}
head{k}:
  %i{k} = phi i64 [0, %enter{k}], [%j{k}, %sum{k}]
  %more{k} = icmp slt i64 %i{k}, %reals{k}
  br i1 %more{k}, label %sum{k}, label %out{k}
sum{k}:
  %tp{k} = getelementptr {t}, ptr %to{k}, i64 %i{k}
  %fp{k} = getelementptr {t}, ptr %from{k}, i64 %i{k}
  %tx{k} = load {t}, ptr %tp{k}
  %fx{k} = load {t}, ptr %fp{k}
  %sx{k} = {_add(real_dtype(d))} {t} %tx{k}, %fx{k}
  store {t} %sx{k}, ptr %tp{k}
  %j{k} = add nuw nsw i64 %i{k}, 1
  br label %head{k}
out{k}:
"""


def _freed(y: _Layout) -> str:
    copies = "".join(f"  call void @of.free(ptr %ctx, ptr %copies{k}, i64 %others, i64 %size{k})\n" for k in range(len(y.sums)))
    return f"{copies}  call void @of.free(ptr %ctx, ptr %records, i64 %others, i64 {y.record})\n"
