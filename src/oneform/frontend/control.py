"""Statement lists, branches, and the exits (break, continue, return) that turn into flags."""

from __future__ import annotations

import ast
from collections.abc import Callable

from oneform.frontend.arrays import new_array, read
from oneform.frontend.liveness import NOBODY
from oneform.frontend.living import after
from oneform.frontend.meet import Path, join_paths, lower_path, meet, raise_on, splice
from oneform.frontend.objects import taken_out
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.truth import asked, truth
from oneform.frontend.values import FALSE, NONE, TRUE, Abstract, Arr, Opt, Ref, Seq


def block(t: Tracer, body: list[ast.stmt]) -> None:
    """Statements in order. Behind a branch that leaves, the rest runs on the paths that stay."""
    for k, s in enumerate(body):
        rest = body[k + 1 :]
        consumed = False
        try:
            if isinstance(s, ast.If):
                with t.placed(s):
                    consumed = if_statement(t, s, rest)
            else:
                t.here.statement = s
                t.stmt(s)
        except PathEnds:
            t.state.status = "raised"
        if consumed or t.state.status in ("exit", "raised"):
            return
        if t.state.status == "maybe" and rest:
            _rest_while_going(t, rest)
            return


def _rest_while_going(t: Tracer, rest: list[ast.stmt]) -> None:
    """Some paths have left: the rest runs where none has."""
    going = t.state.going
    assert going is not None
    start = t.state

    def stay() -> None:
        t.state.status, t.state.going = "run", None
        t.state.slots[t.here.returned] = FALSE
        for loop in t.here.loops:
            t.state.slots[loop.flag] = FALSE
        block(t, rest)

    def leave() -> None:
        t.state.status, t.state.going = "exit", None

    first, second = lower_path(t, start, going, True, stay), lower_path(t, start, going, False, leave)
    join_paths(t, going, start, first, second, after(t, rest[-1]))


def if_statement(t: Tracer, s: ast.If, rest: list[ast.stmt]) -> bool:
    """A branch. Where one side surely leaves, the rest of the list is lowered into the other; returns whether it was."""
    with t.placed(s.test):
        c = truth(t, t.expr(asked(s.test)))
    if c.known is not None:
        block(t, s.body if c.known else s.orelse)
        return False
    start = t.state
    first = lower_path(t, start, c, True, lambda: block(t, s.body))
    if first.state.status == "raised":
        raise_on(t, c, first, True)
        t.state = start
        t.assume(c, False)
        block(t, s.orelse)
        return False
    second = lower_path(t, start, c, False, lambda: block(t, s.orelse))
    if second.state.status == "raised":
        raise_on(t, c, second, False)
        t.assume(c, True)
        splice(t, first)
        return False
    left = [p.state.status == "exit" for p in (first, second)]
    consumed = bool(rest) and left[0] != left[1] and (second if left[0] else first).state.status == "run"
    if consumed:
        extend(t, second if left[0] else first, lambda: block(t, rest))
    if consumed and (second if left[0] else first).state.status == "raised":
        join_paths(t, c, start, first, second, after(t, rest[-1]))
    else:
        meet(t, c, start, first, second, after(t, rest[-1] if consumed else s))
    return consumed


def extend(t: Tracer, path: Path, run: Callable[[], None]) -> None:
    """Lower more into a path that was left open."""
    with t.resume(path.b, path.scope):
        t.state = path.state
        try:
            run()
        except PathEnds:
            t.state.status = "raised"
        path.state = t.state


# ---------------------------------------------------------------- exits


def return_statement(t: Tracer, s: ast.Return) -> None:
    value = t.expr(s.value) if s.value is not None else NONE
    frame = t.here
    t.state.slots[frame.result] = snapshot(t, value) if frame is t.stack[0] else value
    t.state.where[frame.result] = t.at(s)
    t.state.slots[frame.returned] = TRUE
    for loop in frame.loops:
        loop.returned = True
        t.state.slots[loop.flag] = TRUE
    t.state.status, t.state.exit_live = "exit", NOBODY


def snapshot(t: Tracer, x: Abstract) -> Abstract:
    """What the program returns: the contents now. Nothing runs behind it, so whose memory it was no longer matters."""
    if isinstance(x, Arr):
        return new_array(t, read(t, x), x.cell.name)
    if isinstance(x, Opt):
        return Opt(snapshot(t, x.item), x.there)
    if isinstance(x, Ref):
        return taken_out(t, x, lambda i: snapshot(t, i))
    return Seq(x.kind, tuple(snapshot(t, i) for i in x.items), x.meta) if isinstance(x, Seq) else x


def break_statement(t: Tracer, s: ast.Break) -> None:
    loop = t.here.loops[-1]
    loop.broke = True
    t.state.slots[loop.flag] = TRUE
    t.state.status, t.state.exit_live = "exit", loop.live_after


def continue_statement(t: Tracer, s: ast.Continue) -> None:
    t.state.status, t.state.exit_live = "exit", t.here.loops[-1].live_head


STATEMENTS = {ast.Return: return_statement, ast.Break: break_statement, ast.Continue: continue_statement, ast.If: lambda t, s: if_statement(t, s, [])}
