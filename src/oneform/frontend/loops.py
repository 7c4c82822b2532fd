"""Loops: what they carry is found by lowering the body until the types of the carried slots no longer change."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from oneform.errors import CompileError
from oneform.frontend.affine import constant
from oneform.frontend.control import block
from oneform.frontend.dicts import agree
from oneform.frontend.forms import CellForm, ChoiceForm, Form, Growth, Keep, LateForm, MaybeForm, NumForm, VersionForm, function_key, paired, types
from oneform.frontend.generators import for_each, is_run
from oneform.frontend.iterate import Iteration, iteration
from oneform.frontend.liveness import stores
from oneform.frontend.living import needed
from oneform.frontend.loop_shape import has_effects, leave_loop, loop_frame, may_leave, with_break
from oneform.frontend.meet import count_references
from oneform.frontend.meeting import Meeting, Side
from oneform.frontend.numbers import compare_numbers, negated
from oneform.frontend.once import opened, spend
from oneform.frontend.passing import give, take
from oneform.frontend.sameness import same
from oneform.frontend.state import Flag, LoopFrame, State, Var
from oneform.frontend.targets import assign
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.truth import asked, truth
from oneform.frontend.unroll import unroll
from oneform.frontend.values import ANYTHING, FALSE, TRUE, UNBOUND, Abstract, Arr, Box, Cell, Maybe, Missing, Num, Ref, Visit, number, parts
from oneform.ir import Block, Builder, Value, substitute
from oneform.ops import constant as ir_constant
from oneform.ops import make
from oneform.types import BOOL, I64, Scalar

ATTEMPTS = 40
Forms = dict[Any, Form]


@dataclass
class Loop:
    """A loop being lowered: `trip` iterations of a `for`, or while `test` holds."""

    t: Tracer
    node: ast.For | ast.While
    frame: LoopFrame
    pre: State
    test: ast.expr | None = None
    items: Iteration | None = None
    early: bool = False  # it can end before its trip count: lowered as a while that carries its index
    forms: Forms = field(default_factory=dict[Any, Form])
    counters: set[Any] = field(default_factory=set[Any])  # carried integers taken to be >= 0 in every iteration


@dataclass
class Attempt:
    """The body lowered once, under the assumption that the carried slots have the given forms."""

    b: Builder
    scope: Any
    end: State
    params: dict[Any, list[Value]]
    index: Value | None
    condition: Block | None
    condition_params: list[Value]


def for_statement(t: Tracer, s: ast.For) -> None:
    over = opened(t, t.expr(s.iter), s.iter)
    if is_run(over):
        for_each(t, s, over)
        return
    items = iteration(t, over, s.iter)
    spend(t, over)
    with t.holding(over):
        _for(t, s, over, items)


def _for(t: Tracer, s: ast.For, over: Abstract, items: Iteration) -> None:
    if items.unroll is not None:
        unroll(t, s, over, items.unroll)
        return
    assert items.trip is not None
    frame = loop_frame(t, s)
    early = may_leave(s.body)
    before, t.resized = t.resized, set()
    try:
        _run(Loop(t, s, frame, t.state, items=items, early=early))
    finally:
        resized, t.resized = t.resized, t.resized | before
    for part in parts(over):
        if isinstance(part, Ref) and part.box in resized:
            detail = f"{part.box.name or 'the list'} changes its length while it is iterated over"
            t.refuse("E104", detail, s.iter, "Loop over a copy of it, or with while and an index.")


def while_statement(t: Tracer, s: ast.While) -> None:
    if has_effects(t, s.test):
        s = with_break(s)
    _run(Loop(t, s, loop_frame(t, s), t.state, test=s.test, early=True))


# ---------------------------------------------------------------- the fixpoint


def _run(loop: Loop) -> None:
    t = loop.t
    cache = t.loop_cache.setdefault(loop.frame.path, {})
    loop.forms = _guess(loop, cache)
    loop.counters = {key for key, form in loop.forms.items() if _starts_not_negative(loop, key, form)}
    detail, growth = "the types of this loop's variables do not settle", Growth()
    for _ in range(ATTEMPTS):
        attempt = _attempt(loop)
        if agree(t, loop.pre, attempt.end):
            continue
        left = loop.frame.broke or loop.frame.returned
        found = _forms(loop, attempt)
        if left and not loop.early:
            loop.early = True
        elif found == loop.forms and _counters_hold(loop, attempt):
            loop.forms = {key: found[key] for key in loop.forms}  # in the order of the attempt's parameters
            t.loop_cache[loop.frame.path] = {key: form for key, form in found.items() if _repeatable(key, form)}
            _finish(loop, attempt)
            return
        loop.forms = found
        growth.note(found.values(), detail, t.b.loc)
    raise CompileError("E301", detail, t.b.loc, "Give its variables their final types before it.")


def _starts_not_negative(loop: Loop, key: Any, form: Form) -> bool:
    x = loop.pre.get(key)
    return form == NumForm(I64, True) and isinstance(x, Num) and x.dtype == I64 and loop.t.proves(loop.t.affine_of(x))


def _counters_hold(loop: Loop, attempt: Attempt) -> bool:
    """Induction: what was taken to be >= 0 still is after an iteration. If not, the loop is lowered again without the assumption."""
    t = loop.t
    before = len(loop.counters)
    if attempt.end.status != "raised":
        with t.resume(attempt.b, attempt.scope):
            for key in list(loop.counters):
                x = attempt.end.get(key)
                if not (isinstance(x, Num) and x.dtype == I64 and t.proves(t.affine_of(x))):
                    loop.counters.discard(key)
    return len(loop.counters) == before


def _repeatable(key: Any, form: Form) -> bool:
    """Whether a form can start the next lowering of this loop: it names no cell and no value of this one."""
    inner = form.item if isinstance(form, (MaybeForm, LateForm)) else form
    return not isinstance(key, (Cell, Box)) and isinstance(inner, NumForm)


def _guess(loop: Loop, cache: Forms) -> Forms:
    """Start from what an earlier lowering found, else from the names that the body assigns or writes to."""
    t, pre = loop.t, loop.pre
    forms: Forms = {}
    bound, written = stores(loop.node)
    for name in sorted(bound | written):
        x = pre.slots.get(Var(t.here.path, name))
        if isinstance(x, Num) and name in bound and name in loop.frame.live_head | loop.frame.live_after:
            forms[Var(t.here.path, name)] = NumForm(x.dtype, x.weak, x.arrays)
        if isinstance(x, Arr) and name in written:
            v = pre.version(x.cell)
            if isinstance(v, Value):
                forms[x.cell] = VersionForm(v.type)
    for name in t.here.names:
        x = pre.slots.get(Var(t.here.path, name))
        for cell in x.writes if isinstance(x, Visit) else ():
            v = pre.version(cell)
            assert isinstance(v, Value)
            forms[cell] = VersionForm(v.type)
    for key, form in cache.items():
        forms[key] = form
    return forms


def _attempt(loop: Loop) -> Attempt:
    """Lower the body (and the condition) with every carried slot replaced by a parameter."""
    t = loop.t
    loop.frame.broke = loop.frame.returned = False
    condition, condition_params = _condition(loop) if loop.early else (None, [])
    with t.region(_running_facts(loop)) as b:
        index = b.param(Scalar(I64)) if loop.items else None
        params = {key: [b.param(k) for k in types(form)] for key, form in loop.forms.items()}
        _enter(loop, params, index)
        if loop.test is not None:
            _assume_test(loop)
        with _inside(loop):
            t.loop_indices.append(index)
            try:
                if loop.items is not None:
                    assert isinstance(loop.node, ast.For) and index is not None
                    with t.placed(loop.node.iter):
                        item = loop.items.item(t.integer(index))
                    assign(t, loop.node.target, item)
                block(t, loop.node.body)
            except PathEnds:
                t.state.status = "raised"
            finally:
                t.loop_indices.pop()
        return Attempt(b, t.scope, t.state, params, index, condition, condition_params)


def _running_facts(loop: Loop) -> list[Any]:
    """In an iteration of a `for`, the trip count is at least one; if it is the larger of p and 0, it is p."""
    if loop.items is None or loop.items.trip is None:
        return []
    trip = loop.items.trip
    n = loop.t.affine_of(trip)
    part = loop.t.positive_part.get(trip.value) if trip.value is not None else None
    return [n - 1] if part is None else [n - 1, part - n]


@contextmanager
def _inside(loop: Loop) -> Generator[None]:
    loops = loop.t.here.loops
    loops.append(loop.frame)
    try:
        yield
    finally:
        loops.pop()


def _enter(loop: Loop, params: dict[Any, list[Value]], index: Value | None) -> None:
    """The state where an iteration begins."""
    t = loop.t
    t.state = loop.pre.copy()
    started: Num | None = None
    if index is not None:
        assert loop.items is not None and loop.items.trip is not None
        t.bound(index, constant(0), t.affine_of(loop.items.trip) - 1)
        if any(isinstance(f, LateForm) for f in loop.forms.values()):
            out = compare_numbers(t, operator.gt, t.integer(index), number(0))
            started = out
    for key, form in loop.forms.items():
        t.state.slots[key] = take(t, form, iter(params[key]), started)
        if key in loop.counters and form == NumForm(I64, True):
            t.bound(params[key][0], constant(0), None)
        if isinstance(key, (Cell, Box)) and t.state.slots[key] is UNBOUND:
            del t.state.slots[key]
    t.state.slots.pop(loop.frame.flag, None)  # an iteration begins only where nothing has broken out


def _condition(loop: Loop) -> tuple[Block, list[Value]]:
    """The region that decides whether another iteration begins."""
    t = loop.t
    with t.region() as b, _testing(t):
        index = b.param(Scalar(I64)) if loop.items else None
        params = {key: [b.param(k) for k in types(form)] for key, form in loop.forms.items()}
        _enter(loop, params, index)
        stop = params.get(loop.frame.flag)
        going = negated(t, Num(BOOL, True, stop[0])) if stop else TRUE
        try:
            c = _and_then(t, going, lambda: _test(loop, index))
        except PathEnds:
            c = FALSE
        return b.block(t.value(c, BOOL)), list(b.params)


@contextmanager
def _testing(t: Tracer) -> Generator[None]:
    t.testing += 1
    try:
        yield
    finally:
        t.testing -= 1


def _test(loop: Loop, index: Value | None) -> Num:
    t = loop.t
    if loop.items is not None:
        assert index is not None and loop.items.trip is not None
        return compare_numbers(t, operator.lt, t.integer(index), loop.items.trip)
    assert loop.test is not None
    with t.placed(loop.test):
        return truth(t, t.expr(asked(loop.test)))


def _and_then(t: Tracer, a: Num, test: Callable[[], Num]) -> Num:
    if a.known is not None:
        return test() if a.known else FALSE
    from_here = t.b
    with t.region() as b:
        try:
            c = test()
        except PathEnds:
            c = FALSE
        block_ = b.block(t.value(c, BOOL))
    if make.cheap(block_.body):
        from_here.body.extend(block_.body)
        return Num(BOOL, True, make.both(t.b, t.value(a, BOOL), block_.results[0]))
    other = t.b.sub()
    (out,) = make.branch(t.b, t.value(a, BOOL), block_, other.block(ir_constant(other, False, BOOL)))
    return Num(BOOL, True, out)


def _assume_test(loop: Loop) -> None:
    """What the condition says of the numbers as the body sees them. Only its facts are kept, not its instructions."""
    t = loop.t
    assert loop.test is not None
    state = t.state
    with t.region(), _testing(t):
        t.state = state.copy()
        try:
            with t.placed(loop.test):
                c = truth(t, t.expr(asked(loop.test)))
        except PathEnds:
            c = TRUE
    t.state = state
    t.assume(c, True)


# ---------------------------------------------------------------- what is carried


def _forms(loop: Loop, attempt: Attempt) -> Forms:
    """The forms that fit both what comes in and what the body made."""
    t, pre, end = loop.t, loop.pre, attempt.end
    live = loop.frame.live_head | loop.frame.live_after
    raised = end.status == "raised"
    counted = Side(pre, count_references(t, pre, live)), Side(end, count_references(t, end, live))
    t.state = pre
    meeting = Meeting(t, *counted, lambda cell: cell in pre.slots or cell.initial is not None)
    found: Forms = {}
    for key in dict.fromkeys([*end.slots, *loop.forms]):
        if isinstance(key, (Cell, Box)):
            if not (key in pre.slots or key.initial is not None):
                continue
        elif not needed(t, key, live) or (isinstance(key, Flag) and _foreign(loop, key)):
            continue
        a, b = pre.get(key), end.get(key)
        if b is UNBOUND and a is not UNBOUND and isinstance(key, Var):
            b = ANYTHING  # dropped where every path left the loop: nobody reads it there
        if key == loop.frame.flag and not loop.frame.broke and not loop.frame.returned:
            continue
        if raised and key in loop.forms:
            found[key] = loop.forms[key]
            continue
        if raised or (key not in loop.forms and (a is b or (not isinstance(key, (Cell, Box)) and same(a, b)))):
            continue
        try:
            form = _form(loop, meeting, key, a, b)
        except CompileError as e:
            raise _at_lines(e, loop, attempt, key) from None
        if not (isinstance(form, Keep) and (form.item is a or same(form.item, a))):
            found[key] = form
    return found


def _foreign(loop: Loop, key: Flag) -> bool:
    """Flags of loops inside this one, and of functions called in it, are settled by the time they end."""
    around = [loop.t.here, *(f for f in loop.t.stack if f.waiting is not None)]
    theirs = [flag for frame in around for flag in (frame.returned, frame.result, *(f.flag for f in frame.loops))]
    return key not in (loop.frame.flag, *theirs) and key not in loop.pre.slots


def _form(loop: Loop, meeting: Meeting, key: Any, a: Any, b: Any) -> Form:
    name = key.name if isinstance(key, (Var, Cell, Box)) else ""
    before = loop.forms.get(key)
    if loop.items is not None and a is UNBOUND and isinstance(key, Var) and not isinstance(b, (Maybe, Missing)):
        return LateForm(meeting.lone(b, True, name))
    form = meeting.form(a, b, name)
    if isinstance(before, CellForm) and isinstance(form, CellForm) and not before.clean and form.clean:
        return CellForm(form.type, form.name, form.pair, False)
    if isinstance(before, NumForm) and isinstance(form, Keep):
        return NumForm(before.dtype, before.weak, before.arrays | form.item.arrays)
    if isinstance(before, NumForm) and isinstance(form, NumForm):
        return NumForm(form.dtype, form.weak, before.arrays | form.arrays)
    if isinstance(before, ChoiceForm) and isinstance(form, ChoiceForm):  # in one order, whatever the order in which paths come
        return ChoiceForm(paired(before.options, form.options, function_key, lambda _, new: new, lambda x, _: x))
    return form


def _at_lines(e: CompileError, loop: Loop, attempt: Attempt, key: Any) -> CompileError:
    detail = e.detail.replace("on one path", "before the loop").replace("on the other", "after an iteration")
    a, b = loop.pre.where.get(key), attempt.end.where.get(key)
    if a is not None and b is not None and a != b:
        detail += "\n" + a.caret()
    return CompileError(e.code, detail, b or a or loop.t.at(loop.node), "Give it the type before the loop that it has in the loop.")


# ---------------------------------------------------------------- the instruction, and what holds behind it


def _finish(loop: Loop, attempt: Attempt) -> None:
    t, pre = loop.t, loop.pre
    raised = attempt.end.status == "raised"
    yields: list[Value] = []
    with t.resume(attempt.b, attempt.scope):
        t.state = attempt.end
        for key, form in loop.forms.items():
            yields += attempt.params[key] if raised else give(t, form, attempt.end.get(key))
        step = t.value(t.iadd(t.integer(attempt.index), 1), I64) if loop.early and attempt.index is not None else None
    t.state = pre
    inits = [v for key, form in loop.forms.items() for v in give(t, form, pre.get(key))]
    params = [p for ps in attempt.params.values() for p in ps]
    fixed = {p: i for p, i, y in zip(params, inits, yields, strict=True) if y is p and i.type == p.type}
    outs = iter(_emit(loop, attempt, params, inits, yields, step, fixed))
    results = [i if p in fixed else next(outs) for p, i in zip(params, inits, strict=True)]
    _behind(loop, attempt, iter(results))


def _emit(
    loop: Loop, attempt: Attempt, params: list[Value], inits: list[Value], yields: list[Value], step: Value | None, fixed: dict[Value, Value],
) -> list[Value]:
    """The `for` or `while`. Values that no iteration changes are not carried."""
    t = loop.t
    carried = [(p, i, y) for p, i, y in zip(params, inits, yields, strict=True) if p not in fixed]
    lead = [attempt.index] if attempt.index is not None else []
    if not loop.early:
        assert loop.items is not None and loop.items.trip is not None
        body = Block((*lead, *(p for p, _, _ in carried)), tuple(attempt.b.body), tuple(y for _, _, y in carried))
        return list(make.repeat(t.b, t.value(loop.items.trip, I64), [i for _, i, _ in carried], substitute(body, fixed)))
    assert attempt.condition is not None
    cond_params = attempt.condition_params
    cond_fixed = {q: fixed[p] for q, p in zip(cond_params[len(lead) :], params, strict=True) if p in fixed}
    kept = tuple(q for q in cond_params if q not in cond_fixed)
    condition = substitute(Block(kept, attempt.condition.body, attempt.condition.results), cond_fixed)
    steps = [step] if step is not None else []
    body = substitute(Block((*lead, *(p for p, _, _ in carried)), tuple(attempt.b.body), (*steps, *(y for _, _, y in carried))), fixed)
    zero = [t.value(number(0), I64)] if lead else []
    return list(make.loop(t.b, [*zero, *(i for _, i, _ in carried)], condition, body))[len(lead) :]


def _behind(loop: Loop, attempt: Attempt, results: Iterator[Value]) -> None:
    """The state behind the loop."""
    t, pre = loop.t, loop.pre
    t.state = state = pre.copy()
    ran = _ran(loop) if any(isinstance(f, LateForm) for f in loop.forms.values()) else None
    for key, form in loop.forms.items():
        x = take(t, form, results, ran)
        if not isinstance(key, (Cell, Box)) or x is not UNBOUND:
            state.slots[key] = x
    for key, x in attempt.end.slots.items():
        if isinstance(key, Var) and key not in loop.forms and not same(x, pre.get(key)):
            state.slots.pop(key, None)
    state.where.update(attempt.end.where)
    broke = state.slots.pop(loop.frame.flag, FALSE)
    if _is_endless(loop) and not loop.frame.broke:
        if not loop.frame.returned:
            state.status = "raised"
            return
        state.slots[t.here.returned] = broke = TRUE
    leave_loop(t, loop.node, loop.frame, broke)


def _is_endless(loop: Loop) -> bool:
    return loop.test is not None and isinstance(loop.test, ast.Constant) and bool(loop.test.value)


def _ran(loop: Loop) -> Num:
    """Whether there was an iteration."""
    t = loop.t
    assert loop.items is not None and loop.items.trip is not None
    trip = loop.items.trip
    if t.proves(t.affine_of(trip) - 1):
        return TRUE
    return compare_numbers(t, operator.gt, trip, number(0))


STATEMENTS = {ast.For: for_statement, ast.While: while_statement}
