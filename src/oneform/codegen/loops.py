"""Loops as basic blocks: counted, cut into pieces that can be interrupted, counting down to the next poll; and the memory that serves all iterations."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from oneform.codegen.context import POLL_EVERY
from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.scalars import widths
from oneform.ir import Instr
from oneform.layout import is_small
from oneform.types import Array

Parts = list[tuple[str, str]]  # LLVM type and operand of each register that a loop carries
Body = Callable[[str, list[str]], Sequence[str]]  # (index, carried registers) -> next carried registers


VECTOR = 8  # a loop of fewer iterations does not fill a vector by itself
UNROLLED = 16  # LLVM unrolls shorter inner loops, and the processor itself goes on to the next round of the loop around them


def counted(em: Emitter, start: str, stop: str, carried: Parts, body: Body, rolled: bool = False) -> list[str]:
    """for i = start ... stop-1; returns what the carried registers hold at the end. `rolled`: not to be unrolled before it is vectorised."""
    head, inside, done = em.fresh("head"), em.fresh("body"), em.fresh("done")
    before = em.label
    em.jump(head)
    em.begin(head)
    index, index_line = em.new(), em.reserve()
    phis = [(em.new(), em.reserve()) for _ in carried]
    em.do(f"br i1 {em.ins(f'icmp slt i64 {index}, {stop}')}, label %{inside}, label %{done}")
    em.begin(inside)
    before_body, wide = em.long_loops, em.wide
    ends = body(index, [name for name, _ in phis])
    step, latch = em.ins(f"add nuw nsw i64 {index}, 1"), em.label
    em.do(f"br label %{head}{em.loop_hint(em.long_loops > before_body, rolled, em.wide > wide)}")
    em.long_loops += not (stop.isdigit() and int(stop) < VECTOR)
    em.fill(index_line, f"{index} = phi i64 [{start}, %{before}], [{step}, %{latch}]")
    for (name, line), (t, first), end in zip(phis, carried, ends, strict=True):
        em.fill(line, f"{name} = phi {t} [{first}, %{before}], [{end}, %{latch}]")
    em.begin(done)
    return [name for name, _ in phis]


def in_vectors(em: Emitter, i: Instr, trips: int | None, carried: Parts, body: Body) -> list[str] | None:
    """A short loop over dear functions as loops that fill vectors, the widest first: LLVM vectorises fewer than 16 iterations only where
    none is left over. None if this loop is not of that kind."""
    region = i.regions[0]
    if trips is None or not 1 < trips < 16 or any(j.regions for j in region.body):
        return None
    lanes = sorted({n for j in region.body for n in widths(em, j)}, reverse=True)
    if not lanes or trips < lanes[-1]:
        return None
    start = 0
    for n in (*lanes, 1):
        stop = start + (trips - start) // n * n
        if stop > start:
            ends = counted(em, str(start), str(stop), carried, body, rolled=n > 1)
            carried = [(t, end) for (t, _), end in zip(carried, ends, strict=True)]
            for j in region.body:
                for o in j.outs:
                    em.env.pop(o, None)
        start = stop
    return [end for _, end in carried]


def in_pieces(em: Emitter, n: str, carried: Parts, piece: int, body: Body, poll: bool = True, before_piece: Body | None = None) -> list[str]:
    """A counted loop that polls between pieces, so that the loop itself stays one that vectorises. `before_piece`: makes ready for this many iterations."""
    outer, between, done = em.fresh("piece"), em.fresh("poll"), em.fresh("done")
    before = em.label
    em.jump(outer)
    em.begin(outer)
    start, start_line = em.new(), em.reserve()
    phis = [(em.new(), em.reserve()) for _ in carried]
    left = em.ins(f"sub nsw i64 {n}, {start}")
    size = em.ins(f"call i64 @llvm.smin.i64(i64 {left}, i64 {piece})")
    stop = em.ins(f"add nsw i64 {start}, {size}")
    names = [name for name, _ in phis]
    if before_piece is not None:
        names = list(before_piece(size, names))
    ends = counted(em, start, stop, [(t, name) for (t, _), name in zip(carried, names, strict=True)], body)
    em.do(f"br i1 {em.ins(f'icmp slt i64 {stop}, {n}')}, label %{between}, label %{done}, !prof !1")
    em.begin(between)
    if poll:
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
            array = Arr(o.type.dtype, em.raw_alloc(o.type.dtype, dims, i), tuple(dims))
            em.scratch[i, k] = array
            made.append(array)
    return made
