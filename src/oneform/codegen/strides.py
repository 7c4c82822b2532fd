"""How far apart in memory the elements are that consecutive iterations of a loop touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from oneform.ir import Instr, Value


def stride(index: Sequence[Value], axis: Value, makers: Mapping[Value, Instr]) -> int | None:
    """How far one step of `axis` moves in memory: 0, 1, or None for more or unknown. `makers`: what is computed inside the loop."""
    known: dict[Value, int | None] = {axis: 1}
    if any(_step(k, known, makers) != 0 for k in index[:-1]):
        return None
    return _step(index[-1], known, makers)


def slope(v: Value, axis: Value, makers: Mapping[Value, Instr], plain: Callable[[Instr], bool]) -> int | None:
    """By how much an index grows with one step of `axis`; None if that is not known. `plain`: a checked index that is what it checks."""
    return _slope(v, {axis: 1}, makers, plain)


def _slope(v: Value, known: dict[Value, int | None], makers: Mapping[Value, Instr], plain: Callable[[Instr], bool]) -> int | None:
    if v not in known:
        i = makers.get(v)
        known[v] = 0 if i is None else _slope_of(i, [_slope(a, known, makers, plain) for a in i.args], plain)
    return known[v]


def _slope_of(i: Instr, steps: Sequence[int | None], plain: Callable[[Instr], bool]) -> int | None:
    if all(s == 0 for s in steps):
        return 0
    if i.op.lower == "index":
        return steps[0] if plain(i) else None
    kind = i.op.lower.get("i") if isinstance(i.op.lower, Mapping) else None
    if kind not in ("add", "sub") or None in steps:
        return None
    return (steps[0] or 0) + (steps[1] or 0) * (1 if kind == "add" else -1)


def _step(v: Value, known: dict[Value, int | None], makers: Mapping[Value, Instr]) -> int | None:
    if v not in known:
        i = makers.get(v)
        known[v] = 0 if i is None else _step_of(i, [_step(a, known, makers) for a in i.args])
    return known[v]


def _step_of(i: Instr, steps: Sequence[int | None]) -> int | None:
    if all(s == 0 for s in steps):
        return 0
    if i.op.lower == "index":
        return steps[0]
    kind = i.op.lower.get("i") if isinstance(i.op.lower, Mapping) else None
    if (kind == "add" and set(steps) == {0, 1}) or (kind == "sub" and 0 in steps and 1 in steps):
        return 1  # a row walked backwards is as near
    return None
