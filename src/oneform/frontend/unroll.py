"""Loops over structure: one copy of the body for each item."""

from __future__ import annotations

import ast
from typing import Any

from oneform.frontend.control import block
from oneform.frontend.loop_shape import leave_loop, loop_frame
from oneform.frontend.meet import join_paths, lower_path
from oneform.frontend.state import LoopFrame
from oneform.frontend.targets import assign
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import FALSE


def unroll(t: Tracer, s: ast.For, items: list[Any]) -> None:
    """A loop over a tuple of things known now: one copy of the body for each."""
    frame = loop_frame(t, s)
    outer = t.unrolled
    try:
        for k, item in enumerate(items):
            t.unrolled = (*outer, k)
            _one_copy(t, s, frame, item)
            if t.state.status in ("exit", "raised"):
                break
    finally:
        t.unrolled = outer
    broke = t.state.slots.pop(frame.flag, FALSE)
    if t.state.status != "raised":
        leave_loop(t, s, frame, broke)


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
