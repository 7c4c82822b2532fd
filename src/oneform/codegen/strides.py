"""How far apart in memory the elements are that consecutive iterations of a loop touch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from oneform.ir import Instr, Value


def stride(index: Sequence[Value], axis: Value, makers: Mapping[Value, Instr]) -> int | None:
    """How far one step of `axis` moves in memory: 0, 1, or None for more or unknown. `makers`: what is computed inside the loop."""
    if any(_step(k, axis, makers) != 0 for k in index[:-1]):
        return None
    return _step(index[-1], axis, makers)


def slope(v: Value, axis: Value, makers: Mapping[Value, Instr], plain: Callable[[Instr], bool]) -> int | None:
    """By how much an index grows with one step of `axis`; None if that is not known. `plain`: a checked index that is what it checks."""
    if v is axis:
        return 1
    i = makers.get(v)
    if i is None:
        return 0
    steps = [slope(a, axis, makers, plain) for a in i.args]
    if all(s == 0 for s in steps):
        return 0
    if i.op.lower == "index":
        return steps[0] if plain(i) else None
    kind = i.op.lower.get("i") if isinstance(i.op.lower, Mapping) else None
    if kind not in ("add", "sub") or None in steps:
        return None
    return (steps[0] or 0) + (steps[1] or 0) * (1 if kind == "add" else -1)


def _step(v: Value, axis: Value, makers: Mapping[Value, Instr]) -> int | None:
    if v is axis:
        return 1
    i = makers.get(v)
    if i is None:
        return 0
    steps = [_step(a, axis, makers) for a in i.args]
    if all(s == 0 for s in steps):
        return 0
    if i.op.lower == "index":
        return steps[0]
    kind = i.op.lower.get("i") if isinstance(i.op.lower, Mapping) else None
    if (kind == "add" and set(steps) == {0, 1}) or (kind == "sub" and 0 in steps and 1 in steps):
        return 1  # a row walked backwards is as near
    return None
