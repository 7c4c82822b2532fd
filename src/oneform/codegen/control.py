"""Generators for `for`, `while` and `if`: how carried values travel in registers, in memory, or through slots."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from oneform.codegen.complexes import Cpx, register_types, registers
from oneform.codegen.context import POLL_EVERY
from oneform.codegen.emit import GENERATORS, Arr, Emitter, Lst, Rep, generator
from oneform.codegen.growth import PIECE, growing, make_room
from oneform.codegen.jam import Jam, Lane, emit_jam, find_jam
from oneform.codegen.lanes import Abreast, emit_abreast, find_abreast, fits
from oneform.codegen.loops import LIGHT, SHORT, Parts, before_loop, counted, in_pieces, in_vectors, inner_work, spend, trip_count
from oneform.codegen.nests import Nest, emit_nest, find_nest
from oneform.codegen.plan import INPLACE, PHI, SLOT, shareable
from oneform.codegen.products import Product, multiply, of_nest, worth_it
from oneform.codegen.rows import emit_rows, find_rows
from oneform.codegen.scalars import llvm_type
from oneform.codegen.versions import Pair, either, in_versions
from oneform.ir import Block, Instr, Value
from oneform.types import Array, List, Scalar, Type

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
        case Cpx():
            assert isinstance(t, Scalar)
            return list(zip(register_types(t.dtype), registers(rep), strict=True))
        case Arr():
            return [("ptr", rep.ptr), *(("i64", rep.dims[k]) for k in _open_dims(t))] if mode == PHI else []
        case Lst():
            return [("ptr", rep.ptr), ("i64", rep.top), ("i64", rep.cap)] if mode == PHI else []


def rebuild(rep: Rep, t: Type, mode: str | None, names: list[str]) -> Rep:
    """The value again from its registers, taken from the front of `names`."""
    match rep:
        case str():
            return names.pop(0)
        case Cpx():
            return Cpx(names.pop(0), names.pop(0))
        case Arr():
            if mode != PHI:
                return rep
            assert isinstance(t, Array)
            ptr = names.pop(0)
            return Arr(rep.dtype, ptr, tuple(str(d) if isinstance(d, int) else names.pop(0) for d in t.shape))
        case Lst():
            if mode != PHI:
                return rep
            assert isinstance(t, List)
            return Lst(t, names.pop(0), names.pop(0), names.pop(0))


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

    def offsets(self) -> list[int]:
        """Where the registers of each value begin."""
        lengths = [len(parts(rep, t, m)) for rep, t, m in zip(self.inits, self.types, self.modes, strict=True)]
        return [sum(lengths[:k]) for k in range(len(lengths))]

    def reps(self, names: Sequence[str]) -> list[Rep]:
        rest = list(names)
        return [rebuild(rep, t, m, rest) for rep, t, m in zip(self.inits, self.types, self.modes, strict=True)]

    def bind(self, names: Sequence[str], params: Sequence[Value]) -> None:
        for p, rep in zip(params, self.reps(names), strict=True):
            self.em.bind(p, rep)

    def separate(self, names: Sequence[str]) -> None:
        """Tell LLVM that arrays which change places from iteration to iteration never overlap: each has one owner."""
        pointers = [rep.ptr for rep, mode in zip(self.reps(names), self.modes, strict=True) if isinstance(rep, Arr | Lst) and mode == PHI][:_SEPARATE]
        for k, a in enumerate(pointers):
            for b in pointers[k + 1 :]:  # each on its own: LLVM 22 loses count of an assumption that names a value twice, and ends the process
                self.em.do(f'call void @llvm.assume(i1 true) ["separate_storage"(ptr {a}, ptr {b})]')

    def end(self, names: Sequence[str]) -> list[Rep]:
        """The values behind the loop. LLVM forgets in it how the memory of lists is aligned."""
        reps = self.reps(names)
        for rep, mode in zip(reps, self.modes, strict=True):
            if isinstance(rep, Lst) and mode == PHI:
                self.em.do(f'call void @llvm.assume(i1 true) ["align"(ptr {rep.ptr}, i64 64)]')
        return reps

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
    if "chunks" in i.attrs and shareable(em.plan, i):
        return GENERATORS["chunks"](em, i)
    nest = None if em.plain else find_nest(em, i)
    found = of_nest(em, nest)
    return _looped(em, i, nest) if nest is None or not found else _multiplied(em, i, nest, found)


def _multiplied(em: Emitter, i: Instr, nest: Nest, found: Sequence[Product]) -> Sequence[Rep]:
    """A nest that adds products to matrices: at once, if they are large."""
    known = {k: em.invariant(j.args[0]) for k, j in zip(nest.indices, nest.loops, strict=True)}
    targets = [em.operand(i, k) for k in range(1, len(i.args))]
    arrays = {a: t for a, t in zip(i.args[1:], targets, strict=True) if isinstance(t, Arr)}

    def loops() -> Sequence[str]:
        _looped(em, i, nest)
        return ()

    either(em, worth_it(em, found[0], known), [], lambda: multiply(em, found, arrays, known, True), loops, i.regions[0])
    return targets


def _looped(em: Emitter, i: Instr, nest: Nest | None) -> Sequence[Rep]:
    if nest is not None and (moved := emit_nest(em, nest)) is not None:
        return moved
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

    several, limits = _several(em, i, n)
    outermost = not em.loops
    pieces = light and outermost and (trips is None or trips > POLL_EVERY)
    if light and not outermost and (trips is None or trips > SHORT):
        spend(em, em.ins(f"call i64 @llvm.smax.i64(i64 {n}, i64 0)"), check=False)
    em.loops.append(i)
    grown = growing(i) if light else {}
    types = [t for t, _ in carried.parts]

    def room(count: str, names: list[str]) -> Sequence[str]:
        reps = carried.reps(names)
        return [x for _, x in carried.flatten([make_room(em, rep, count) if k in grown and isinstance(rep, Lst) else rep for k, rep in enumerate(reps)])]

    def run() -> list[str]:
        if several is None or limits is None or em.cold:
            return plain()
        if isinstance(several, Abreast):
            return either(em, fits(em, several, limits), types, partial(emit_abreast, em, several, limits, carried, body), plain, carried.body)
        if isinstance(several, Jam):
            return emit_jam(em, several, limits, carried.parts, partial(_lane, em, several), partial(_behind, em, several, carried))
        emit_rows(em, several, limits, carried.inits, body)
        return []

    def plain() -> list[str]:
        if not carried.parts and not count_down and in_vectors(em, i, trips, [], body) is not None:
            return []
        if grown:
            em.roomy.update(grown.values())
            ends = in_pieces(em, n, carried.parts, PIECE, body, pieces, room)
            em.roomy.difference_update(grown.values())
            return ends
        return in_pieces(em, n, carried.parts, POLL_EVERY if not inner else POLL_EVERY // 16, body) if pieces else counted(em, "0", n, carried.parts, body)

    variables = limits or {carried.body.params[0]: n}
    ends = in_versions(em, i, variables, types, run) if light or limits else run()
    em.loops.pop()
    for array in made:
        em.release(array)
    return carried.end(ends)


def _several(em: Emitter, i: Instr, n: str) -> tuple[Abreast | Pair | None, dict[Value, str] | None]:
    """How several rounds of a loop go at a time, if they may and gain by it; and how far the variables of its loops run."""
    for find in () if em.plain else (find_abreast, find_jam, find_rows):
        found = find(em, i)
        limits = None if found is None else found.limits(em, n)
        if limits is not None:
            return found, limits
    return None, None


def _lane(em: Emitter, jam: Jam) -> Lane:
    """The inner loop for one of the rounds that go side by side."""
    sums = Carried(em, jam.inner)

    def step(names: Sequence[str]) -> list[str]:
        sums.bind(names, sums.params)
        em.region(sums.body)
        return sums.yields()

    def end(names: Sequence[str]) -> None:
        for o, rep in zip(jam.inner.outs, sums.end(names), strict=True):
            em.bind(o, rep)

    return Lane(sums.parts, step, end)


def _behind(em: Emitter, jam: Jam, carried: Carried, names: Sequence[str]) -> list[str]:
    """What stands behind the inner loop, for one round."""
    carried.bind(names, carried.params)
    em.instructions(jam.behind)
    return carried.yields()


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
    return carried.end(names)


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
