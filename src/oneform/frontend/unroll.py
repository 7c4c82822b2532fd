"""Loops over structure: one copy of the body for each item."""

from __future__ import annotations

import ast
import itertools
from typing import Any

from oneform.frontend.control import block
from oneform.frontend.iterate import iteration
from oneform.frontend.loop_shape import leave_loop, loop_frame
from oneform.frontend.meet import join_paths, lower_path
from oneform.frontend.state import LoopFrame
from oneform.frontend.targets import assign
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import FALSE, Abstract, Ref, Walk, parts

LONGEST = 10_000  # copies of a body


def unroll(t: Tracer, s: ast.For, over: Abstract, items: list[Any]) -> None:
    """A loop over a tuple of things known now: one copy of the body for each. What a body appends to a list that is iterated over is met too."""
    frame = loop_frame(t, s)
    outer = t.unrolled
    lists = any(True for p in parts(over) if isinstance(p, Ref))
    fixed = len(items) if _goes_back(over) else None
    try:
        for k in itertools.count():
            if lists:
                items = _now(t, s, over, fixed)
            if k >= len(items):
                break
            t.unrolled = (*outer, k)
            _one_copy(t, s, frame, items[k])
            if t.state.status in ("exit", "raised"):
                break
    finally:
        t.unrolled = outer
    broke = t.state.slots.pop(frame.flag, FALSE)
    if t.state.status != "raised":
        leave_loop(t, s, frame, broke)


def _goes_back(over: Abstract) -> bool:
    """Whether something is iterated over from its end, which is where it was when the loop began."""
    return isinstance(over, Walk) and (over.kind == "reversed" or any(map(_goes_back, over.parts)))


def _now(t: Tracer, s: ast.For, over: Abstract, fixed: int | None) -> list[Any]:
    """The items as they are before an iteration; `fixed`: as many as there must be."""
    items = iteration(t, over, s.iter).unroll
    if items is None or len(items) > LONGEST or len(items) != (len(items) if fixed is None else fixed):
        detail = "a list that is iterated over changes its length in a way that is known only at run time"
        t.refuse("E104", detail, s.iter, "Loop over a copy of it, or with while and an index.")
    return items


def _one_copy(t: Tracer, s: ast.For, frame: LoopFrame, item: Any) -> None:
    """One iteration; it runs only where no earlier one has broken out."""

    def run() -> None:
        assign(t, s.target, item)
        t.here.loops.append(frame)
        try:
            block(t, s.body)
        finally:
            t.here.loops.pop()
        if t.state.status in ("exit", "maybe"):
            t.state.status, t.state.going = "run", None

    broke = t.state.slots.get(frame.flag, FALSE)
    if broke.known is True:
        return
    if broke.known is False:
        run()
        return
    start = t.state
    first = lower_path(t, start, broke, True, lambda: None)
    second = lower_path(t, start, broke, False, run)
    join_paths(t, broke, start, first, second, None)
