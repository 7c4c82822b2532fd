"""Loops cut where an index turns: as long as a comparison of it with something outside the loop has one answer, what is read through
select(k < 0, k + n, k), around the end of an array, is in order, and LLVM makes vectors of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oneform.codegen.emit import Emitter
from oneform.codegen.loops import Parts, counted
from oneform.ir import Block, Instr, Value
from oneform.types import I64, Scalar

_BELOW = {"slt": True, "sge": False}  # comparisons with an answer below the turning point, and the opposite one from there on
_SHORT = 16  # iterations that are not worth more than one loop
_MOST = 4  # turning points of one loop


@dataclass(frozen=True)
class Turn:
    """A comparison of the innermost index: `below` is its answer for indices less than the sum of the terms."""

    instr: Instr
    below: bool
    terms: tuple[tuple[Value, int], ...]


def turns(em: Emitter, region: Block, axis: Value, n: str) -> list[Turn]:
    """The comparisons of the index of a loop of length n on which only the choice of other indices depends."""
    if em.cold or region in em.plan.start_frees or (n.isdigit() and int(n) < _SHORT):
        return []
    makers = {o: i for i in region.body for o in i.outs}
    uses: dict[Value, list[Instr]] = {}
    for i in region.body:
        for a in i.args:
            uses.setdefault(a, []).append(i)
    found: list[Turn] = []
    for i in region.body:
        predicate = _lowered(i).removeprefix("icmp ").split(" ")[0]
        if predicate not in _BELOW or i.args[0].type != Scalar(I64) or i.outs[0] in region.results:
            continue
        if not all(_chooses_index(u, i.outs[0], uses) for u in uses.get(i.outs[0], ())):
            continue
        left, right = (dict(s) if (s := _sum(a, axis, makers)) is not None else None for a in i.args)
        if left is None or right is None or axis not in left or left.pop(axis) != 1 or axis in right:
            continue
        for v, k in left.items():
            right[v] = right.get(v, 0) - k
        found.append(Turn(i, _BELOW[predicate], tuple(right.items())))
    return found if len(found) <= _MOST else []


def _lowered(i: Instr) -> str:
    return str(i.op.lower.get("i", "")) if isinstance(i.op.lower, Mapping) else ""


def _chooses_index(i: Instr, condition: Value, uses: Mapping[Value, Sequence[Instr]]) -> bool:
    """Whether an instruction selects, by the condition, an index of elements that are read."""
    if not _lowered(i).startswith("select") or i.args[0] is not condition or i.outs[0].type != Scalar(I64):
        return False
    return any(u.op.lower == "get" for u in uses.get(i.outs[0], ()))


_Sums = dict[Value, Mapping[Value, int] | None]


def _sum(v: Value, axis: Value, makers: Mapping[Value, Instr], known: _Sums | None = None) -> Mapping[Value, int] | None:
    """An integer as a sum of the index and of values from outside, with their signs; None for what is computed inside otherwise."""
    known = {} if known is None else known
    if v not in known:
        i = makers.get(v)
        known[v] = {v: 1} if i is None or i.op.lower == "const" else _sum_of(i, axis, makers, known)
    return known[v]


def _sum_of(i: Instr, axis: Value, makers: Mapping[Value, Instr], known: _Sums) -> Mapping[Value, int] | None:
    kind = _lowered(i)
    if kind not in ("add", "sub"):
        return None
    left, right = (_sum(a, axis, makers, known) for a in i.args)
    if left is None or right is None:
        return None
    return {w: left.get(w, 0) + right.get(w, 0) * (1 if kind == "add" else -1) for w in (*left, *(w for w in right if w not in left))}


def in_segments(em: Emitter, found: Sequence[Turn], n: str, carried: Parts, run: Callable[[str, str, Parts], Sequence[str]]) -> list[str]:
    """A loop over 0 ... n-1 as loops from turn to turn; `run` emits one of them. The answers of the comparisons are bound before it."""
    points = [_point(em, t) for t in found]

    def segment(_: str, names: Sequence[str]) -> Sequence[str]:
        start, *rest = names
        stop = n
        for p in points:
            ahead = em.ins(f"icmp sgt i64 {p}, {start}")
            nearer = em.ins(f"and i1 {ahead}, {em.ins(f'icmp slt i64 {p}, {stop}')}")
            stop = em.ins(f"select i1 {nearer}, i64 {p}, i64 {stop}")
        for t, p in zip(found, points, strict=True):
            em.env[t.instr.outs[0]] = em.ins(f"icmp {'slt' if t.below else 'sge'} i64 {start}, {p}")
        return [stop, *run(start, stop, [(t, name) for (t, _), name in zip(carried, rest, strict=True)])]

    _, *ends = counted(em, "0", str(len(points) + 1), [("i64", "0"), *carried], segment)
    return ends


def _point(em: Emitter, t: Turn) -> str:
    total = "0"
    for v, k in t.terms:
        if v not in em.env:  # a constant of the region
            em.instr(em.plan.makers[v])
        factor = em.scalar(v) if k == 1 else em.ins(f"mul i64 {em.scalar(v)}, {k}")
        total = factor if total == "0" else em.ins(f"add i64 {total}, {factor}")
    return total
