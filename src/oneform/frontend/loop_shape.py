"""What can be told of a loop before it is lowered, and the parts that all kinds of loops share."""

from __future__ import annotations

import ast

from oneform.frontend.control import block
from oneform.frontend.liveness import NOBODY
from oneform.frontend.living import after, needed
from oneform.frontend.meet import join_paths, lower_path
from oneform.frontend.numbers import negated
from oneform.frontend.sameness import same
from oneform.frontend.state import LoopFrame
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.truth import asked, truth
from oneform.frontend.values import FALSE, Box, Cell, Num, Poison
from oneform.ir import Value


def loop_frame(t: Tracer, s: ast.For | ast.While) -> LoopFrame:
    live, key = t.here.live, id(getattr(s, "_oneform_origin", s))
    return LoopFrame((*t.here.path, key, t.unrolled), live.head.get(key, NOBODY), live.after.get(key, NOBODY) | _names(s.orelse))


def _names(body: list[ast.stmt]) -> frozenset[str]:
    return frozenset(n.id for s in body for n in ast.walk(s) if isinstance(n, ast.Name))


def may_leave(body: list[ast.stmt], inner: bool = False) -> bool:
    """Whether a body contains a break of this loop, or a return."""
    for s in body:
        if (isinstance(s, ast.Return) and not hasattr(s, "_oneform_perhaps")) or (isinstance(s, ast.Break) and not inner):
            return True
        if isinstance(s, (ast.If, ast.For, ast.While)):
            deeper = inner or not isinstance(s, ast.If)
            if may_leave(s.body, deeper) or may_leave(s.orelse, inner):
                return True
    return False


def leave_loop(t: Tracer, node: ast.For | ast.While, loop: LoopFrame, broke: Num) -> None:
    """Behind a loop: its else, unless it was broken out of; a return inside it leaves the function."""
    if not node.orelse or broke.known is True:
        _settle(t, loop)
        return
    if broke.known is False:
        block(t, node.orelse)
        return

    def completed() -> None:
        t.state.slots[t.here.returned] = FALSE
        block(t, node.orelse)

    start = t.state
    first = lower_path(t, start, broke, True, lambda: _settle(t, loop))
    second = lower_path(t, start, broke, False, completed)
    join_paths(t, broke, start, first, second, after(t, node))


def _settle(t: Tracer, loop: LoopFrame) -> None:
    """What follows runs only where nothing has returned."""
    returned = t.state.slots.get(t.here.returned, FALSE)
    if not loop.returned or returned.known is False:
        t.state.status, t.state.going = "run", None
    elif returned.known:
        t.state.status = "exit"
    else:
        t.state.status, t.state.going = "maybe", negated(t, returned)


# ---------------------------------------------------------------- conditions that do something


def has_effects(t: Tracer, test: ast.expr) -> bool:
    """Whether evaluating a condition changes the state: binds a name, or writes to an array."""
    if isinstance(test, ast.Constant) or not any(isinstance(n, (ast.NamedExpr, ast.Call)) for n in ast.walk(test)):
        return False
    before = t.state
    with t.region():
        t.state = before.copy()
        try:
            with t.placed(test):
                truth(t, t.expr(asked(test)))
        except PathEnds:
            pass
        changed = any(
            not (same(before.get(k), x) if not isinstance(x, (Value, Poison)) else before.get(k) is x)
            for k, x in t.state.slots.items()
            if needed(t, k, None) and (not isinstance(k, (Cell, Box)) or k in before.slots or k.initial is not None)
        )
    t.state = before
    return changed


def with_break(s: ast.While) -> ast.While:
    """`while c: body` as `while True: if not c: break; body`."""
    found = getattr(s, "_oneform_with_break", None)
    if found is None:
        leave = ast.If(ast.UnaryOp(ast.Not(), s.test), [*s.orelse, ast.Break()], [])
        found = ast.While(ast.Constant(True), [leave, *s.body], [])
        for n in (leave, leave.test, leave.body[-1], found, found.test):
            ast.copy_location(n, s.test)
        s._oneform_with_break = found  # type: ignore[attr-defined]
        found._oneform_origin = s  # type: ignore[attr-defined]
    return found
