"""Two paths meet behind a branch: what differs becomes a result of the `if`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oneform.errors import CompileError
from oneform.frontend.affine import constant
from oneform.frontend.dicts import agree
from oneform.frontend.forms import Form
from oneform.frontend.liveness import NOBODY, Names
from oneform.frontend.living import needed
from oneform.frontend.meeting import Meeting, Side
from oneform.frontend.numbers import negated
from oneform.frontend.passing import give, take
from oneform.frontend.sameness import same
from oneform.frontend.state import Flag, Scope, State
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import ANYTHING, FALSE, TRUE, Abstract, Box, Cell, Memory, Num
from oneform.ir import Builder
from oneform.ops import make
from oneform.types import BOOL, I64


@dataclass
class Path:
    """A lowered branch that can still be extended."""

    b: Builder
    scope: Scope
    state: State


def lower_path(t: Tracer, start: State, c: Num, holds: bool, run: Callable[[], None]) -> Path:
    """Lower one side of a branch from a copy of the state."""
    with t.region(t.facts(c, holds)) as b:
        t.learn(c, holds)
        t.state = start.copy()
        try:
            run()
        except PathEnds:
            t.state.status = "raised"
        return Path(b, t.scope, t.state)


def path_live(state: State, after: Names | None) -> Names | None:
    """Names live on a path: behind the branch if it falls through, and where its exits lead."""
    if after is None:
        return None
    falls = after if state.status in ("run", "maybe") else NOBODY
    return falls | state.exit_live if state.status in ("exit", "maybe") else falls


def count_references(t: Tracer, state: State, live: Names | None) -> dict[Memory, int]:
    """How many names hold each piece of memory whole or in part; loops around that iterate over it count too."""
    count: dict[Memory, int] = {}
    held = [x for key, x in state.slots.items() if not isinstance(key, (Cell, Box)) and needed(t, key, live)]
    for x in (*held, *t.held):
        for memory in state.reach(x):
            count[memory] = count.get(memory, 0) + 1
    return count


def meet(t: Tracer, c: Num, start: State, then: Path, other: Path, after: Names | None) -> None:
    """Emit the branch; the tracer's state becomes that behind it. Neither side is raised."""
    left, right = then.state, other.state
    live_left, live_right = path_live(left, after), path_live(right, after)
    agree(t, left, right)
    t.state = start
    meeting = Meeting(t, Side(left, count_references(t, left, live_left)), Side(right, count_references(t, right, live_right)), _shared(start))
    slots: dict[Any, Any] = {}
    passed: list[tuple[Any, Form, Any, Any]] = []
    going = _going(left), _going(right)
    for key in dict.fromkeys([*left.slots, *right.slots, "going"]):
        if key == "going":
            a, b = going
        else:
            use_left, use_right = needed(t, key, live_left), needed(t, key, live_right)
            if not use_left and not use_right:
                continue
            a, b = left.get(key), right.get(key)
            if isinstance(key, (Cell, Box)):
                if not (key in start.slots or key.initial is not None):
                    continue
            else:
                a, b = a if use_left else ANYTHING, b if use_right else ANYTHING
        if a is b or (not isinstance(key, (Cell, Box)) and same(a, b)):
            slots[key] = a
            continue
        switch = _switch(t, c, a, b)
        if switch is not None:
            slots[key] = switch
            continue
        try:
            form = meeting.slot(key, a, b)
        except CompileError as e:
            raise _both_lines(e, left, right, key) from None
        passed.append((key, form, a, b))
    _emit(t, c, then, other, passed, slots)
    _finish(t, start, left, right, slots)


def _shared(start: State) -> Callable[[Memory], bool]:
    return lambda memory: memory in start.slots or memory.initial is not None


def _going(s: State) -> Num:
    if s.status == "maybe":
        assert s.going is not None
        return s.going
    return TRUE if s.status == "run" else FALSE


def _switch(t: Tracer, c: Num, a: Any, b: Any) -> Num | None:
    """A flag that is true on one path and false on the other is the condition."""
    if isinstance(a, Num) and isinstance(b, Num) and isinstance(a.known, bool) and isinstance(b.known, bool) and a.known != b.known:
        return Num(BOOL, True, t.value(c if a.known else negated(t, c), BOOL)) if c.value is None else _as_weak(c if a.known else negated(t, c))
    return None


def _as_weak(c: Num) -> Num:
    return c if c.weak else Num(c.dtype, True, c.value)


def _emit(t: Tracer, c: Num, then: Path, other: Path, passed: list[tuple[Any, Form, Any, Any]], slots: dict[Any, Any]) -> None:
    blocks = []
    for side, path in enumerate((then, other)):
        with t.resume(path.b, path.scope):
            t.state = path.state
            blocks.append(path.b.block(*[v for p in passed for v in give(t, p[1], p[2 + side])]))
    outs = iter(make.branch(t.b, t.value(c, BOOL), *blocks) if any(b.body or b.results for b in blocks) else ())
    t.state = State()
    t.state.slots = slots
    for key, form, a, b in passed:
        x = slots[key] = take(t, form, outs)
        if isinstance(x, Num) and x.dtype == I64 and x.value is not None and _not_negative(t, a, then) and _not_negative(t, b, other):
            t.bound(x.value, constant(0), None)


def _not_negative(t: Tracer, x: Any, path: Path) -> bool:
    """Whether an integer of one path is known to be >= 0 there."""
    if not isinstance(x, Num) or x.dtype != I64:
        return x is ANYTHING
    with t.resume(path.b, path.scope):
        return t.proves(t.affine_of(x))


def _finish(t: Tracer, start: State, left: State, right: State, slots: dict[Any, Any]) -> None:
    new = t.state
    going = slots.pop("going")
    new.going = None if going.known is not None else going
    new.status = "maybe" if going.known is None else "run" if going.known else "exit"
    new.exit_live = start.exit_live.union(*(s.exit_live for s in (left, right)))
    new.where = {**left.where, **right.where}


def _both_lines(e: CompileError, left: State, right: State, key: Any) -> CompileError:
    """A clash of types shows where each path bound the name."""
    a, b = left.where.get(key), right.where.get(key)
    if isinstance(key, Flag):
        e = CompileError(e.code, e.detail.replace("the value is", "the function returns", 1))
    if a is None or b is None or a == b:
        return CompileError(e.code, e.detail, b or a)
    return CompileError(e.code, e.detail + "\n" + a.caret(), b, "Give it one type on both paths.")


# ---------------------------------------------------------------- branches in expressions


def choose(t: Tracer, c: Num, then: Callable[[], Abstract], other: Callable[[], Abstract], after: Names | None = None) -> Abstract:
    """The value of one of two computations, only that one run."""
    if c.known is not None:
        return then() if c.known else other()
    result = Flag("value", ("choose", t.age()))

    def keep(f: Callable[[], Abstract]) -> Callable[[], None]:
        def run() -> None:
            t.state.slots[result] = f()

        return run

    start = t.state
    first = lower_path(t, start, c, True, keep(then))
    second = lower_path(t, start, c, False, keep(other))
    join_paths(t, c, start, first, second, after)
    return t.state.slots.pop(result)


def join_paths(t: Tracer, c: Num, start: State, first: Path, second: Path, after: Names | None) -> None:
    """As `meet`, where a side may raise: the other one is then all there is."""
    raised = [p.state.status == "raised" for p in (first, second)]
    if all(raised):
        raise_on(t, c, first, True)
        raise_on(t, c, second, False)
        raise PathEnds
    if raised[0] or raised[1]:
        raise_on(t, c, first if raised[0] else second, raised[0])
        t.assume(c, not raised[0])
        splice(t, second if raised[0] else first)
        return
    meet(t, c, start, first, second, after)


def raise_on(t: Tracer, c: Num, path: Path, holds: bool) -> None:
    """A path that raises: a check where that is all it does, else a branch that does not come back."""
    last = make.failure(path.b.body)
    if last is not None:
        t.b.body.extend(path.b.body[:-1])
        before = t.b.loc
        t.b.loc = last.loc
        good = negated(t, c) if holds else c
        t.b.instr(last.op, (t.value(good, BOOL), *last.args[1:]), last.attrs, (), last.loc)
        t.b.loc = before
        return
    empty = t.b.sub().block()
    block = path.b.block()
    make.branch(t.b, t.value(c, BOOL), *((block, empty) if holds else (empty, block)))


def splice(t: Tracer, path: Path) -> None:
    """Go on with a path as the only one."""
    t.b.body.extend(path.b.body)
    t.scope.memo.update(path.scope.memo)
    t.scope.facts.extend(path.scope.facts)
    path.scope.became = t.scope
    t.state = path.state


