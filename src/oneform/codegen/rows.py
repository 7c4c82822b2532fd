"""Loops around a loop that adds to one row again and again: several of their rounds at a time, so that the row is read and written once for all.

    for r: for c: s[c] += y[r] A[r, c]      becomes      for r in fours: for c: s[c] = s[c] + y[r] A[r, c] + ... + y[r+3] A[r+3, c]

What happens to each element happens in its order, as two rounds of the inner loop never meet in the same element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from oneform.codegen.emit import Emitter, Rep
from oneform.codegen.loops import UNROLLED, VECTOR, Body, counted, spend, trip_count
from oneform.codegen.plan import INPLACE, SLOT, in_memory
from oneform.codegen.versions import Pair
from oneform.ir import Block, Instr, Value
from oneform.types import Array

ROUNDS = 4
_LARGEST = 24  # instructions in the inner loop: more of them, times the rounds, would not stay in registers


def find_rows(em: Emitter, loop: Instr) -> Pair | None:
    """The loop with its parts, if its rounds can go side by side, and gain by it."""
    body, trips = loop.regions[0], trip_count(em, loop)
    inner = next((i for i in body.body if i.regions), None)
    if inner is None or em.cold or (trips is not None and trips < ROUNDS) or not (_in_place(em, loop) and _in_place(em, inner)):
        return None
    block, short = inner.regions[0], trip_count(em, inner)
    if len(block.body) > _LARGEST or (short is not None and short < UNROLLED) or any(i.regions for i in block.body):
        return None
    if inner.args[1:] != body.params[1:] or inner.outs != body.results:
        return None
    rows = Pair(loop, inner, tuple(i for i in body.body if i is not inner))
    own = {o: i for i in (*rows.before, *block.body) for o in i.outs}
    if inner.args[0] in own or inner.args[0] is body.params[0] or not _only_numbers(rows):
        return None
    return rows if _apart(block, own) and any(_stays(a, body.params[0], own) for a in _writes(block)) else None


def _in_place(em: Emitter, i: Instr) -> bool:
    """A loop that updates arrays in place, with no memory of its own."""
    body, plan = i.regions[0], em.plan
    if i.op.structure != "for" or not i.outs or i in plan.hoisted or body in plan.start_frees or not all(isinstance(o.type, Array) for o in i.outs):
        return False
    if any(plan.carry.get((i, k)) not in (INPLACE, SLOT) or (body, k) in plan.slot_copies for k in range(len(i.outs))):
        return False
    return not any((j, k) in plan.copy_args for j in (i, *body.body) for k in range(len(j.args))) and not any(j in plan.frees for j in body.body)


def _only_numbers(rows: Pair) -> bool:
    """Before the inner loop numbers are made, of which none is read from what the loops change."""
    changed = set(rows.loop.regions[0].params[1:])
    return not any(any(in_memory(o.type) for o in i.outs) or (changed.intersection(i.args) and i.op.lower != "dim") for i in rows.before)


def _accesses(block: Block) -> Iterator[tuple[Value, Instr]]:
    """Each use of an array that the inner loop changes, with the array as the loop finds it."""
    origin = {p: p for p in block.params[1:]}
    for i in block.body:
        for a in i.args:
            if a in origin:
                yield origin[a], i
                for o in i.outs:
                    if in_memory(o.type):
                        origin[o] = origin[a]


def _indices(i: Instr) -> Sequence[Value]:
    return i.args[1:] if i.op.lower == "get" else i.args[2:]


def _writes(block: Block) -> list[Instr]:
    return [i for _, i in _accesses(block) if i.op.lower in ("set", "add_at")]


def _apart(block: Block, own: Mapping[Value, Instr]) -> bool:
    """Whether two rounds of the inner loop never touch the same element of what they change: all accesses have its variable at the same place."""
    variable = block.params[0]
    places: dict[Value, set[int]] = {}
    for array, i in _accesses(block):
        if i.op.lower == "dim":
            continue
        if i.op.lower not in ("get", "set", "add_at") or i.args[0].type != array.type:
            return False
        here = {k for k, at in enumerate(_indices(i)) if _plain(at, own) is variable}
        places[array] = places.get(array, here) & here
    results = {a for a, i in _accesses(block) if i.outs[0] in block.results}
    return all(places.values()) and results == set(places)


def _plain(at: Value, own: Mapping[Value, Instr]) -> Value:
    """An index before it was checked: the variable of a loop is not negative."""
    i = own.get(at)
    return i.args[0] if i is not None and i.op.lower == "index" else at


def _stays(i: Instr, variable: Value, own: Mapping[Value, Instr]) -> bool:
    """Whether the element is the same in every round of the outer loop."""
    queue, seen = list(_indices(i)), set[Value]()
    while queue:
        v = queue.pop()
        if v is variable:
            return False
        if v in own and v not in seen:
            seen.add(v)
            queue += own[v].args
    return True


def emit_rows(em: Emitter, rows: Pair, limits: Mapping[Value, str], arrays: Sequence[Rep], single: Body) -> None:
    """The rounds in groups, then those that are left one by one."""
    n, length = (limits[v] for v in rows.variables)
    block = rows.inner.regions[0]
    groups = em.ins(f"sdiv i64 {n}, {ROUNDS}")

    def group(g: str, _: list[str]) -> Sequence[str]:
        first = em.ins(f"mul nuw nsw i64 {g}, {ROUNDS}")
        rounds: list[dict[Value, Rep]] = []
        for k in range(ROUNDS):
            own: dict[Value, Rep] = {rows.variables[0]: em.ins(f"add nuw nsw i64 {first}, {k}") if k else first}
            em.env.update(own)
            em.instructions(rows.before)
            rounds.append(own | {o: em.env[o] for i in rows.before for o in i.outs})

        def inside(index: str, _: list[str]) -> Sequence[str]:
            em.env[rows.variables[1]] = index
            for own in rounds:
                em.env.update(own)
                for p, rep in zip(block.params[1:], arrays, strict=True):
                    em.bind(p, rep)
                em.region(block)
            return ()

        em.loops.append(rows.inner)
        with em.apart():
            counted(em, "0", length, [], inside)
        em.loops.pop()
        if not length.isdigit() or int(length) > VECTOR:
            spend(em, em.ins(f"mul i64 {em.ins(f'call i64 @llvm.smax.i64(i64 {length}, i64 1)')}, {ROUNDS}"), check=True)
        return ()

    counted(em, "0", groups, [], group)
    em.forget(rows.loop.regions[0])
    counted(em, em.ins(f"mul nsw i64 {groups}, {ROUNDS}"), n, [], single)
