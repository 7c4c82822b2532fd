"""Recursive functions: as with a loop, what a call takes and gives is found by lowering the body until the types no longer change.

A call that meets its own function on the way is the sign. The function is then lowered again, as a region of its own in which every further
call is an instruction. It reads what does not change from call to call directly from around it; its parameters are what differs, and the
memory that it writes to. At first its result is unknown: a call is taken not to come back, so that the paths without a call are found first."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from oneform.errors import CompileError
from oneform.frontend.arrays import set_version, store, version
from oneform.frontend.boxes import contents, partner, set_contents
from oneform.frontend.dicts import agree
from oneform.frontend.forms import (
    BoxForm,
    CellForm,
    ChoiceForm,
    Form,
    FunctionForm,
    Growth,
    Keep,
    MaybeForm,
    RowsForm,
    SeqForm,
    ViewForm,
    function_key,
    is_function,
    joined,
    options_of,
    paired,
    types,
)  # fmt: skip
from oneform.frontend.meet import count_references
from oneform.frontend.meeting import Meeting, Side
from oneform.frontend.passing import give, take
from oneform.frontend.sameness import same
from oneform.frontend.state import Flag, Frame, State, Var
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Choice, Fn, Memory, Method, Ref, RowCell, Rows, Seq, number
from oneform.ir import Builder, Value
from oneform.ops import make
from oneform.types import Type

ATTEMPTS = 40
Bindings = Mapping[str, Abstract]
Forms = dict[Any, Form]


class Recursive(Exception):
    """A function that was being compiled into its caller calls itself."""

    def __init__(self, frame: Frame):
        super().__init__(frame.source.name)
        self.frame = frame


@dataclass(eq=False)
class Recursion:
    """A recursive function being lowered. A result of None: no call is known to come back."""

    frame: Frame
    name: str
    entry: Bindings  # what the first call passes
    pre: State
    params: Forms
    carried: Forms = field(default_factory=dict[Any, Form])  # memory and variables around it that it changes
    written: tuple[str, ...] = ()  # parameters with memory of their own, whose new contents the caller gets back
    result: Form | None = None
    returned: tuple[str, ...] = ()  # parameters whose memory the result may be
    inner: Bindings = field(default_factory=dict[str, Abstract])  # the parameters as the body sees them
    start: State = field(default_factory=State)  # where the body begins
    moved: set[Any] = field(default_factory=set[Any])  # lists around it whose items it may move
    renamed: bool = False  # a parameter that was memory from around it in this attempt is memory of a call's own from the next one on
    wider: bool = False  # in this attempt something did not fit the forms

    def types(self) -> tuple[Type, ...]:
        """What a call gives."""
        if self.result is None:
            return ()
        own = [k for p in self.written for k in types(self.params[p])]
        return (*types(self.result), *(k for f in self.carried.values() for k in types(f)), *own)

    def shared(self, memory: Memory) -> bool:
        """Whether memory is the same for all calls."""
        return memory in self.pre.slots or memory.initial is not None


def run_recursive(t: Tracer, frame: Frame, bindings: Bindings, run: Callable[[Bindings], Abstract], node: ast.AST) -> Abstract:
    """The value of a call of a recursive function. `run` lowers its body in the frame, for given parameters."""
    rec = Recursion(frame, _fresh_name(t, frame.source.name), dict(bindings), t.state, {k: Keep(x) for k, x in bindings.items()})
    frame.recursion = rec
    detail, growth = f"the types of what {frame.source.name} takes and returns do not settle", Growth()
    for _ in range(ATTEMPTS):
        rec.wider = False
        b, results = _attempt(t, rec, run)
        t.state = rec.pre
        if not rec.wider:
            frame.recursion = None
            return _first_call(t, rec, b, results)
        growth.note((*rec.params.values(), *rec.carried.values(), rec.result), detail, t.at(node))
    raise CompileError("E301", detail, t.at(node))


def _fresh_name(t: Tracer, name: str) -> str:
    found = name if name.isidentifier() else "lambda"
    while found in t.function_names:
        found += "_"
    t.function_names.add(found)
    return found


# ---------------------------------------------------------------- the body


def _attempt(t: Tracer, rec: Recursion, run: Callable[[Bindings], Abstract]) -> tuple[Builder, list[Value]]:
    """The body lowered once, under the assumption that calls have the forms found so far; and what it gives."""
    if rec.renamed:
        rec.carried.clear()
        rec.renamed = False
    with t.region() as b:
        t.state = rec.pre.copy()
        rec.inner = {k: _received(t, b, form) for k, form in rec.params.items()}
        t.state.slots.update((key, _received(t, b, form)) for key, form in rec.carried.items())
        rec.start = t.state.copy()
        try:
            value = run(rec.inner)
        except PathEnds:
            rec.wider = rec.wider or rec.result is not None
            return b, []
        return b, _results(t, rec, value)


def _received(t: Tracer, b: Builder, form: Form) -> Any:
    return take(t, form, iter([b.param(k) for k in types(form)]))


def _results(t: Tracer, rec: Recursion, value: Abstract) -> list[Value]:
    """What the body gives; nothing while the forms do not fit."""
    end = t.state
    form, returned = _result_form(t, rec, value)
    _note_changes(t, rec)
    written = tuple(k for k in rec.inner if k in rec.written or _is_changed(t, rec, k))
    if (form, returned, written) != (rec.result, rec.returned, rec.written):
        rec.result, rec.returned, rec.written, rec.wider = form, returned, written, True
    if rec.wider:
        return []
    out = [*give(t, form, value), *(v for key, f in rec.carried.items() for v in give(t, f, end.get(key)))]
    return out + [v for k in written for v in give(t, rec.params[k], rec.inner[k])]


def _is_changed(t: Tracer, rec: Recursion, k: str) -> bool:
    """Whether memory that belongs to a parameter passed by its contents is not what it was at the beginning."""
    own = [m for m in rec.start.reach(rec.inner[k]) if not rec.shared(m)]
    return any(t.state.get(m) is not rec.start.get(m) for m in own)


def _result_form(t: Tracer, rec: Recursion, value: Abstract) -> tuple[Form, tuple[str, ...]]:
    """The form of the result, and which parameters' memory it may be."""
    if _has_function(value):
        t.refuse("E006", f"{rec.frame.source.name} is recursive and returns a function", None, "Return the numbers that the function depends on.")
    side = Side(t.state, count_references(t, t.state, None))
    form = _by_contents(Meeting(t, side, side, rec.shared).lone(value, True, ""))
    memory = {m for own in t.state.reach(value) for m in (own, *own.partners)}
    return form, tuple(k for k, x in rec.inner.items() if memory.intersection(rec.start.reach(x)))


def _has_function(x: Abstract) -> bool:
    return isinstance(x, (Fn, Method, Choice)) or (isinstance(x, Seq) and any(map(_has_function, x.items)))


def _by_contents(form: Form) -> Form:
    """Arrays and objects of a call's own are passed by their contents; which memory they are is settled beside."""
    if isinstance(form, CellForm):
        return CellForm(form.type, form.name, (None, None), True)
    if isinstance(form, BoxForm):
        inner = RowsForm(form.contents.item) if isinstance(form.contents, RowsForm) else _by_contents(form.contents)
        return BoxForm(inner, form.kind, form.name, (None, None), True)
    if isinstance(form, (SeqForm, FunctionForm)):
        return replace(form, items=tuple(map(_by_contents, form.items)))
    return ChoiceForm(tuple(map(_by_contents, form.options))) if isinstance(form, ChoiceForm) else form


def widened(known: Form | None, found: Form) -> Form:
    """The form found for a value that has one already: what a call hands on as it is, is passed as before."""
    if known is None:
        return found
    if isinstance(found, Keep):
        return known
    if isinstance(found, ViewForm) and isinstance(known, ViewForm):
        return replace(found, numbers=tuple(map(widened, known.numbers, found.numbers)))
    if isinstance(found, SeqForm) and isinstance(known, SeqForm) and len(found.items) == len(known.items):
        return replace(found, items=tuple(map(widened, known.items, found.items)))
    if isinstance(found, FunctionForm) and isinstance(known, FunctionForm) and found.key == known.key:
        return replace(found, items=tuple(map(widened, known.items, found.items)))
    if isinstance(found, ChoiceForm) and is_function(known):
        return ChoiceForm(paired(options_of(known), found.options, function_key, widened, lambda x, _: x))
    if isinstance(found, RowsForm) and isinstance(known, RowsForm):  # here a column may be empty that is filled at the end of a call
        return RowsForm(joined(known.item, found.item, "the list"), found.token)
    if isinstance(found, SeqForm) and isinstance(known, RowsForm):  # met with a list of as many items, elsewhere with one of more
        return known
    if isinstance(found, BoxForm) and isinstance(known, BoxForm):
        return replace(found, contents=widened(known.contents, found.contents))
    return MaybeForm(widened(known.item, found.item)) if isinstance(found, MaybeForm) and isinstance(known, MaybeForm) else found


def _note_changes(t: Tracer, rec: Recursion) -> None:
    """Memory and variables from around the function that are changed here are passed to every call, and come back."""
    if agree(t, rec.pre, t.state) or agree(t, rec.start, t.state):
        rec.wider = True
        return
    now, meeting, exits = t.state, _meeting(t, rec), _exits(t, rec)
    for key, x in now.slots.items():
        if isinstance(key, (Cell, Box)):
            outer = rec.shared(key)
        else:
            outer = key in exits or (isinstance(key, Var) and key in rec.pre.slots and key.frame[: len(rec.frame.path)] != rec.frame.path)
        before = rec.start.get(key)
        if not outer or x is before or (not isinstance(key, (Cell, Box)) and same(x, before)):
            continue
        form = _by_contents(meeting.form(before, x, "" if isinstance(key, Flag) else key.name))
        if isinstance(form, RowsForm):
            if isinstance(before, Rows) and form.token is None:
                rec.moved.add(key)
            form = RowsForm(form.item, None if key in rec.moved else form.token)
        form = widened(rec.carried.get(key), form)
        if not isinstance(form, Keep) and form != rec.carried.get(key):
            rec.carried[key], rec.wider = form, True


def _exits(t: Tracer, rec: Recursion) -> set[Flag]:
    """What says that a loop around has been left, where the function is a generator that the loop goes through."""
    around = t.stack[: t.stack.index(rec.frame)] if rec.frame in t.stack else t.stack
    return {flag for f in around if f.waiting is not None for flag in (f.returned, f.result, *(loop.flag for loop in f.loops))}


def _meeting(t: Tracer, rec: Recursion) -> Meeting:
    """Where a call meets the beginning of the function."""
    counts = count_references(t, rec.start, None), count_references(t, t.state, None)
    return Meeting(t, Side(rec.start, counts[0]), Side(t.state, counts[1]), rec.shared)


# ---------------------------------------------------------------- calls


def recur(t: Tracer, rec: Recursion, bindings: Bindings) -> Abstract:
    """A call of the function inside itself."""
    meeting = _meeting(t, rec)
    for k, x in bindings.items():
        form = widened(rec.params[k], _by_contents(meeting.form(rec.inner[k], x, k)))
        if form != rec.params[k]:
            if isinstance(known := rec.params[k], Keep) and isinstance(known.item, (Arr, Ref)):
                rec.renamed = True
            rec.params[k], rec.wider = form, True
    _note_changes(t, rec)
    if rec.wider:
        raise PathEnds
    args = [*_given(t, rec.params, bindings), *(v for key, f in rec.carried.items() for v in give(t, f, t.state.get(key)))]
    return _taken(t, rec, bindings, make.recur(t.b, rec.name, args, rec.types()))


def _given(t: Tracer, forms: Forms, bindings: Bindings) -> list[Value]:
    return [v for k, form in forms.items() for v in give(t, form, bindings[k])]


def _first_call(t: Tracer, rec: Recursion, b: Builder, results: list[Value]) -> Abstract:
    args = [*_given(t, rec.params, rec.entry), *(v for key, f in rec.carried.items() for v in give(t, f, t.state.get(key)))]
    outs = make.recursive(t.b, rec.name, args, b.block(*results), rec.types())
    return _taken(t, rec, rec.entry, outs)


def _taken(t: Tracer, rec: Recursion, bindings: Bindings, outs: tuple[Value, ...]) -> Abstract:
    """The result of a call; what it has changed is changed here."""
    values = iter(outs)
    if rec.result is None:
        t.check(number(False), "RecursionError", "maximum recursion depth exceeded")
    assert rec.result is not None
    result = take(t, rec.result, values)
    for key, form in rec.carried.items():
        x = take(t, form, values)
        if isinstance(key, Cell):
            set_version(t, key, x)
        elif isinstance(key, Box):
            set_contents(t, key, x)
        else:
            t.state.slots[key] = x
    for k in rec.written:
        _write_back(t, rec, bindings, k, take(t, rec.params[k], values))
    for k in rec.returned:
        for own in t.state.reach(result):
            for source in t.state.reach(bindings[k]):
                if source is not own:
                    partner(own, source)
    return result


def _write_back(t: Tracer, rec: Recursion, bindings: Bindings, k: str, new: Abstract) -> None:
    """The function has changed an array or object that was passed by its contents."""
    memory = set(t.state.reach(bindings[k]))
    others = [name for name, x in bindings.items() if name != k and memory.intersection(t.state.reach(x))]
    if others or memory.intersection(rec.carried) or _seen_from(t, rec.frame, memory):
        other = others[0] if others else next(iter(memory)).name
        detail = f"{rec.frame.source.name} changes its parameter {k}, which is the same memory as {other or 'something else'} here"
        t.refuse("E104", detail, None, "Pass a copy.")
    overwrite(t, bindings[k], new)


def overwrite(t: Tracer, target: Abstract, new: Abstract) -> Abstract:
    """Put the contents of one array or object into another, part by part, so that all names of the parts see it; returns what stands for it."""
    if isinstance(target, Arr) and isinstance(new, Arr):
        if target.view is None and not isinstance(target.cell, RowCell):
            set_version(t, target.cell, version(t, new.cell))
        else:
            store(t, target, new)
        return target
    if isinstance(target, Ref) and isinstance(new, Ref) and target.form is None:
        old, contents_ = contents(t, target.box), contents(t, new.box)
        if isinstance(old, Seq) and isinstance(contents_, Seq) and len(old.items) == len(contents_.items):
            contents_ = Seq(contents_.kind, tuple(overwrite(t, x, y) for x, y in zip(old.items, contents_.items, strict=True)), contents_.meta)
        set_contents(t, target.box, contents_)
        return target
    return new


def _seen_from(t: Tracer, frame: Frame, memory: set[Memory]) -> bool:
    """Whether a function can reach memory by a name of a function around it, or of its module; directly, or through another function that it names."""
    used = {n.id for n in ast.walk(frame.source.node) if isinstance(n, ast.Name)}
    around: dict[str, Abstract] = {}
    outer = frame.parent
    while outer is not None:
        around = {name: x for name in outer.names if (x := t.state.slots.get(Var(outer.path, name))) is not None} | around
        outer = outer.parent
    if not any(isinstance(x, (Fn, Method, Choice)) for name, x in around.items() if name in used and name != frame.source.name):
        around = {name: x for name, x in around.items() if name in used}
    return any(memory.intersection(t.state.reach(x)) for x in around.values()) or any(m.pinned == "global" for m in memory)
