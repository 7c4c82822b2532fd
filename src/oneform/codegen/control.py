"""Loops and branches as basic blocks: counted loops, `for` cut into pieces that can be interrupted, `while`, `if`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from oneform.codegen.emit import Arr, Emitter, Rep, Stk, generator
from oneform.codegen.memory import INPLACE, PHI, SLOT, is_small
from oneform.codegen.scalars import llvm_type
from oneform.codegen.support import POLL_EVERY
from oneform.codegen.versions import Analysis
from oneform.ir import Block, Instr, Value, instructions
from oneform.types import Array, Scalar, Stack, Type

Parts = list[tuple[str, str]]  # LLVM type and operand of each register that a loop carries
Body = Callable[[str, list[str]], Sequence[str]]  # (index, carried registers) -> next carried registers


VECTOR = 8  # a loop of fewer iterations does not fill a vector by itself


def counted(em: Emitter, start: str, stop: str, carried: Parts, body: Body) -> list[str]:
    """for i = start ... stop-1; returns what the carried registers hold at the end."""
    head, inside, done = em.fresh("head"), em.fresh("body"), em.fresh("done")
    before = em.label
    em.jump(head)
    em.begin(head)
    index, index_line = em.new(), em.reserve()
    phis = [(em.new(), em.reserve()) for _ in carried]
    em.do(f"br i1 {em.ins(f'icmp slt i64 {index}, {stop}')}, label %{inside}, label %{done}")
    em.begin(inside)
    before_body = em.long_loops
    ends = body(index, [name for name, _ in phis])
    step, latch = em.ins(f"add nuw nsw i64 {index}, 1"), em.label
    em.do(f"br label %{head}{em.loop_hint(around=em.long_loops > before_body)}")
    em.long_loops += not (stop.isdigit() and int(stop) < VECTOR)
    em.fill(index_line, f"{index} = phi i64 [{start}, %{before}], [{step}, %{latch}]")
    for (name, line), (t, first), end in zip(phis, carried, ends, strict=True):
        em.fill(line, f"{name} = phi {t} [{first}, %{before}], [{end}, %{latch}]")
    em.begin(done)
    return [name for name, _ in phis]


def _in_pieces(em: Emitter, n: str, carried: Parts, piece: int, body: Body) -> list[str]:
    """A counted loop that polls between pieces, so that the loop itself stays one that vectorises."""
    outer, poll, done = em.fresh("piece"), em.fresh("poll"), em.fresh("done")
    before = em.label
    em.jump(outer)
    em.begin(outer)
    start, start_line = em.new(), em.reserve()
    phis = [(em.new(), em.reserve()) for _ in carried]
    left = em.ins(f"sub nsw i64 {n}, {start}")
    size = em.ins(f"call i64 @llvm.smin.i64(i64 {left}, i64 {piece})")
    stop = em.ins(f"add nsw i64 {start}, {size}")
    ends = counted(em, start, stop, [(t, name) for (t, _), (name, _) in zip(carried, phis, strict=True)], body)
    em.do(f"br i1 {em.ins(f'icmp slt i64 {stop}, {n}')}, label %{poll}, label %{done}, !prof !1")
    em.begin(poll)
    em.poll()
    latch = em.label
    em.jump(outer)
    em.fill(start_line, f"{start} = phi i64 [0, %{before}], [{stop}, %{latch}]")
    for (name, line), (t, first), end in zip(phis, carried, ends, strict=True):
        em.fill(line, f"{name} = phi {t} [{first}, %{before}], [{end}, %{latch}]")
    em.begin(done)
    return ends


# ---------------------------------------------------------------- how much a loop does, as far as it is known

LIGHT, SHORT = 64, 4096  # iterations that need no poll of their own: inside one iteration of a loop, and in all


def trip_count(em: Emitter, i: Instr) -> int | None:
    """The number of iterations, if the program says it."""
    if i.op.structure == "for":
        maker = em.plan.makers.get(i.args[0])
        return max(0, int(maker.attrs["value"])) if maker is not None and maker.op.lower == "const" else None
    if i.op.structure == "build":
        lengths = [d for d in (*i.attrs["shape"], *i.attrs["extent"]) if isinstance(d, int)]
        return math.prod(lengths) if len(lengths) == len(i.attrs["shape"]) + len(i.attrs["extent"]) else None
    return None


def inner_work(em: Emitter, i: Instr) -> int | None:
    """Iterations of the loops inside one iteration of i; None if unknown."""
    total = 0
    for r in i.regions:
        for j in r.body:
            inside = inner_work(em, j) if j.regions else 0
            if inside is None:
                return None
            if j.op.structure in ("for", "while", "build"):
                n = trip_count(em, j)
                if n is None:
                    return None
                total += n * max(1, inside)
            else:
                total += inside
    return total


def spend(em: Emitter, amount: str, check: bool) -> None:
    """Count iterations down; when the budget is used up, poll."""
    if not em.budget:
        em.budget = "%budget"
        em.entry.append(f"  %budget = alloca i64\n  store i64 {POLL_EVERY}, ptr %budget")
    left = em.ins(f"sub i64 {em.ins('load i64, ptr %budget')}, {amount}")
    em.do(f"store i64 {left}, ptr %budget")
    if check:
        poll, on = em.fresh("poll"), em.fresh("on")
        em.do(f"br i1 {em.ins(f'icmp slt i64 {left}, 0')}, label %{poll}, label %{on}, !prof !1")
        em.begin(poll)
        em.poll()
        em.do(f"store i64 {POLL_EVERY}, ptr %budget")
        em.jump(on)
        em.begin(on)


# ---------------------------------------------------------------- memory that serves every iteration


def fill_shape(t: Array, lengths: Sequence[str]) -> list[str]:
    """Lengths of all axes from those of the open ones."""
    given = iter(lengths)
    return [str(d) if isinstance(d, int) else next(given) for d in t.shape]


def before_loop(em: Emitter, loop: Instr) -> list[Arr]:
    """Allocate what serves every iteration of a loop. A failure is reported only by an iteration that needs the memory."""
    made: list[Arr] = []
    for i in em.plan.hoisted.get(loop, ()):
        for k, o in enumerate(i.outs):
            if not isinstance(o.type, Array) or is_small(o.type):
                continue
            if i.op.lower == "copy":
                dims = [em.length(i.args[0], axis) for axis in range(o.type.rank)]
            else:
                dims = fill_shape(o.type, [em.invariant(a) for a in (i.args[1:] if i.op.lower == "full" else i.args)])
            array = Arr(o.type.dtype, em.raw_alloc(o.type.dtype, dims), tuple(dims))
            em.scratch[i, k] = array
            made.append(array)
    return made


# ---------------------------------------------------------------- carried values


def _open_dims(t: Type) -> list[int]:
    assert isinstance(t, Array)
    return [k for k, d in enumerate(t.shape) if not isinstance(d, int)]


def parts(rep: Rep, t: Type, mode: str | None) -> Parts:
    """The registers of a value that change from iteration to iteration, or differ between the sides of a branch."""
    match rep:
        case str():
            assert isinstance(t, Scalar)
            return [(llvm_type(t.dtype), rep)]
        case Arr():
            return [("ptr", rep.ptr), *(("i64", rep.dims[k]) for k in _open_dims(t))] if mode == PHI else []
        case Stk():
            return [("ptr", rep.ptr), ("i64", rep.top), ("i64", rep.cap)]


def rebuild(rep: Rep, t: Type, mode: str | None, names: list[str]) -> Rep:
    """The value again from its registers, taken from the front of `names`."""
    match rep:
        case str():
            return names.pop(0)
        case Arr():
            if mode != PHI:
                return rep
            assert isinstance(t, Array)
            ptr = names.pop(0)
            return Arr(rep.dtype, ptr, tuple(str(d) if isinstance(d, int) else names.pop(0) for d in t.shape))
        case Stk():
            assert isinstance(t, Stack)
            return Stk(t, names.pop(0), names.pop(0), names.pop(0))


_SEPARATE = 6  # arrays of one loop that LLVM is told of; the pairs grow quadratically


class Carried:
    """The carried values of a loop as registers and slots."""

    def __init__(self, em: Emitter, i: Instr):
        self.em, self.i, self.body = em, i, i.regions[-1]
        count = len(i.outs)
        self.params = self.body.params[len(self.body.params) - count :]
        self.types = [p.type for p in self.params]
        self.modes = [em.plan.carry.get((i, k)) for k in range(count)]
        skip = len(i.args) - count
        self.inits = [em.operand(i, k + skip, t) for k, t in enumerate(self.types)]
        self.parts = self.flatten(self.inits)

    def flatten(self, reps: Sequence[Rep]) -> Parts:
        return [x for rep, t, m in zip(reps, self.types, self.modes, strict=True) for x in parts(rep, t, m)]

    def reps(self, names: Sequence[str]) -> list[Rep]:
        rest = list(names)
        return [rebuild(rep, t, m, rest) for rep, t, m in zip(self.inits, self.types, self.modes, strict=True)]

    def bind(self, names: Sequence[str], params: Sequence[Value]) -> None:
        for p, rep in zip(params, self.reps(names), strict=True):
            self.em.bind(p, rep)

    def separate(self, names: Sequence[str]) -> None:
        """Tell LLVM that arrays which change places from iteration to iteration never overlap: each has one owner."""
        pointers = [rep.ptr for rep, mode in zip(self.reps(names), self.modes, strict=True) if isinstance(rep, Arr) and mode == PHI][:_SEPARATE]
        if len(pointers) > 1:
            pairs = (f'"separate_storage"(ptr {a}, ptr {b})' for k, a in enumerate(pointers) for b in pointers[k + 1 :])
            self.em.do(f"call void @llvm.assume(i1 true) [{', '.join(pairs)}]")

    def yields(self) -> list[str]:
        """The registers for the next iteration; slots are written."""
        reps = self.em.results(self.body, self.types)
        moves: list[tuple[Arr, Arr]] = []
        for k, (mode, rep) in enumerate(zip(self.modes, reps, strict=True)):
            if mode == SLOT and (self.body, k) in self.em.plan.slot_copies:
                slot = self.inits[k]
                assert isinstance(rep, Arr) and isinstance(slot, Arr)
                moves.append((slot, rep))
        write_slots(self.em, moves, self.types)
        return [x for _, x in self.flatten(reps)]


def write_slots(em: Emitter, moves: Sequence[tuple[Arr, Arr]], types: Sequence[Type]) -> None:
    """Assign all slots at once: a value that another assignment overwrites is put aside first."""
    targets = {to.ptr for to, _ in moves}
    held: list[tuple[Arr, Arr]] = []
    for to, source in moves:
        if source.ptr in targets and len(moves) > 1:
            aside = em.slot(Array(source.dtype, tuple(int(d) for d in source.dims)))
            em.move_bytes(aside.ptr, source.ptr, source.dtype, source.dims)
            source = aside
        held.append((to, source))
    for to, source in held:
        em.move_bytes(to.ptr, source.ptr, source.dtype, source.dims)


# ---------------------------------------------------------------- for, while, if


@generator("for")
def _for(em: Emitter, i: Instr) -> Sequence[Rep]:
    n, trips, inner = em.scalar(i.args[0]), trip_count(em, i), inner_work(em, i)
    made = before_loop(em, i)
    carried = Carried(em, i)
    light = inner is not None and inner <= LIGHT
    count_down = not light and not (trips is not None and inner is not None and trips * inner <= SHORT)

    def body(index: str, names: list[str]) -> Sequence[str]:
        em.env[carried.body.params[0]] = index
        carried.bind(names, carried.params)
        carried.separate(names)
        em.region(carried.body)
        ends = carried.yields()
        if count_down:
            spend(em, "1", check=True)
        return ends

    outermost = not em.loops
    pieces = light and outermost and (trips is None or trips > POLL_EVERY)
    if light and not outermost and (trips is None or trips > SHORT):
        spend(em, em.ins(f"call i64 @llvm.smax.i64(i64 {n}, i64 0)"), check=False)
    em.loops.append(i)

    def run() -> list[str]:
        return _in_pieces(em, n, carried.parts, POLL_EVERY if not inner else POLL_EVERY // 16, body) if pieces else counted(em, "0", n, carried.parts, body)

    checks = Analysis(em, i) if light and em.options.boundscheck and not (em.certain or em.cold) else None
    ends = _versions(em, checks, n, carried.parts, run) if checks is not None and checks.found else run()
    em.loops.pop()
    for array in made:
        em.release(array)
    return carried.reps(ends)


def _versions(em: Emitter, checks: Analysis, n: str, carried: Parts, run: Callable[[], list[str]]) -> list[str]:
    """The loop twice: without its bounds checks, and with them for when one of them will fail."""
    fast, slow, join = em.fresh("fast"), em.fresh("slow"), em.fresh("join")
    em.do(f"br i1 {checks.condition(n)}, label %{fast}, label %{slow}, !prof !0")
    ends: list[tuple[list[str], str]] = []
    outer_certain, outer_cold = em.certain, em.cold
    made = [v for j in instructions(checks.body.body) for v in (*j.outs, *(p for r in j.regions for p in r.params))]
    for label, certain in ((fast, {**outer_certain, **checks.certain()}), (slow, outer_certain)):
        em.begin(label)
        em.certain, em.cold = certain, outer_cold or label == slow
        ends.append((run(), em.label))
        em.jump(join)
        for v in made:
            em.env.pop(v, None)
    em.certain, em.cold = outer_certain, outer_cold
    em.begin(join)
    return [em.ins(f"phi {t} [{x}, %{ends[0][1]}], [{y}, %{ends[1][1]}]") for (t, _), x, y in zip(carried, ends[0][0], ends[1][0], strict=True)]


@generator("while")
def _while(em: Emitter, i: Instr) -> Sequence[Rep]:
    made = before_loop(em, i)
    carried = Carried(em, i)
    condition = i.regions[0]
    head, inside, done, before = em.fresh("head"), em.fresh("body"), em.fresh("done"), em.label
    em.loops.append(i)
    em.jump(head)
    em.begin(head)
    phis = [(em.new(), em.reserve()) for _ in carried.parts]
    names = [name for name, _ in phis]
    carried.bind(names, condition.params)
    carried.bind(names, carried.params)
    em.region(condition)
    em.do(f"br i1 {em.scalar(condition.results[0])}, label %{inside}, label %{done}")
    em.begin(inside)
    carried.separate(names)
    em.region(carried.body)
    ends = carried.yields()
    spend(em, "1", check=True)
    latch = em.label
    em.jump(head)
    for (name, line), (t, first), end in zip(phis, carried.parts, ends, strict=True):
        em.fill(line, f"{name} = phi {t} [{first}, %{before}], [{end}, %{latch}]")
    em.loops.pop()
    em.begin(done)
    for array in made:
        em.release(array)
    return carried.reps(names)


@generator("if")
def _if(em: Emitter, i: Instr) -> Sequence[Rep]:
    types = [o.type for o in i.outs]
    modes = [em.plan.merge.get((i, k)) for k in range(len(types))]
    slots = {k: em.slot(t) for k, t in enumerate(types) if modes[k] == SLOT and isinstance(t, Array)}
    labels, merge = (em.fresh("then"), em.fresh("else")), em.fresh("join")
    em.do(f"br i1 {em.scalar(i.args[0])}, label %{labels[0]}, label %{labels[1]}")
    sides: list[tuple[str, list[Rep]]] = []
    for label, region in zip(labels, i.regions, strict=True):
        em.begin(label)
        sides.append(_side(em, region, types, slots))
        em.jump(merge)
    em.begin(merge)
    return [_join(em, k, t, modes[k], slots, sides) for k, t in enumerate(types)]


def _side(em: Emitter, region: Block, types: Sequence[Type], slots: dict[int, Arr]) -> tuple[str, list[Rep]]:
    """One side of a branch: the block it ends in, and its results."""
    em.region(region)
    reps = em.results(region, types)
    for k, slot in slots.items():
        rep = reps[k]
        assert isinstance(rep, Arr)
        em.move_bytes(slot.ptr, rep.ptr, rep.dtype, rep.dims)
    return em.label, reps


def _join(em: Emitter, k: int, t: Type, mode: str | None, slots: dict[int, Arr], sides: Sequence[tuple[str, list[Rep]]]) -> Rep:
    (a, left), (b, right) = sides
    if k in slots:
        return slots[k]
    if mode == INPLACE:
        return left[k]
    names: list[str] = []
    for (kind, x), (_, y) in zip(parts(left[k], t, PHI), parts(right[k], t, PHI), strict=True):
        names.append(x if x == y else em.ins(f"phi {kind} [{x}, %{a}], [{y}, %{b}]"))
    return rebuild(left[k], t, PHI, names)
