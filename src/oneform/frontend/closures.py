"""Functions that outlive the call whose names they see take the values of these along.

While a frame runs, the functions made in it see its names as they are when they are called, as in Python. When it ends its names no longer
change, unless a function made there rebinds them (nonlocal): then the function stays bound to the frame, until the frame is entered again."""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

from oneform.frontend.forms import Form, FunctionForm, Keep, RowsForm, SeqForm
from oneform.frontend.liveness import liveness
from oneform.frontend.passing import converted, item_form
from oneform.frontend.source import Definition
from oneform.frontend.state import Frame, Var
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import UNBOUND, Abstract, Attr, Box, Choice, Fn, Maybe, Method, Missing, Opt, Py, Rows, Seq


class Outlived:
    """What a function has become whose names are those of a later call now."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self) -> None:
        """It is still a function to whoever asks."""


class _Bound(Exception):
    """A function sees itself, or names that it or another may rebind: it stays bound to their frame."""


# ---------------------------------------------------------------- a frame ends


def let_go(t: Tracer, frame: Frame) -> None:
    """The call of a frame ends: functions made in it, wherever they are, take along what they see of it."""
    if frame.path in t.closed_over:
        _replace(t, frame, lambda f, _: _taking_along(t, f, frame))


def entered(t: Tracer, frame: Frame) -> None:
    """The names of a frame are about to be those of a new call: functions still bound to those of the last one can no longer be called."""

    def outlived(f: Fn, listed: bool) -> Abstract:
        if listed:
            detail = f"functions that share variables with the call that made them cannot be listed: {f.source.name} of one call is there already"
            t.refuse("E104", detail, None, "Keep what changes in an object, or pass it as an argument.")
        return _outlived(f.source.node, f.source.name)

    if frame.path in t.closed_over:
        _replace(t, frame, outlived)


@functools.lru_cache(1024)
def _outlived(node: Definition, name: str) -> Py:
    """One object for each definition. (`node` is what tells them apart.)"""
    return Py(Outlived(name))


def _replace(t: Tracer, frame: Frame, new: Callable[[Fn, bool], Abstract]) -> None:
    """Put something else in place of every function that sees a frame; those in the frame itself stay as they are. `new` is told whether one
    stands in a run-time list."""

    def of(x: Any, listed: bool = True) -> Any:
        return _mapped(x, lambda f: new(f, listed) if _sees(f, frame) else f)

    for key, x in list(t.state.slots.items()):
        if isinstance(key, Var) and key.frame == frame.path:
            continue
        if isinstance(x, Rows):
            assert isinstance(key, Box)
            form = x.item and _form(t, x.item, of)
            if form is not x.item:
                assert x.value is not None and form is not None
                t.state.slots[key] = Rows(converted(t, x.value, _kept(x.item, of), form), form, x.token)
        else:
            changed = of(x, False)
            if changed is not x:
                t.state.slots[key] = changed


def _sees(f: Fn, frame: Frame) -> bool:
    return any(around.path == frame.path for around in _around(f.frame))


def _around(frame: Frame | None) -> Iterator[Frame]:
    while frame is not None:
        yield frame
        frame = frame.parent


def _mapped(x: Any, new: Callable[[Fn], Abstract]) -> Any:
    """A value with other functions in it; itself if there is nothing to change."""
    match x:
        case Fn():
            return new(x)
        case Seq() | Choice():
            own = x.items if isinstance(x, Seq) else x.options
            inside = tuple(_mapped(i, new) for i in own)
            if all(a is b for a, b in zip(inside, own, strict=True)):
                return x
            return dataclasses.replace(x, items=inside) if isinstance(x, Seq) else Choice(x.tag, inside)
        case Opt() | Maybe():
            item = _mapped(x.item, new)
            return x if item is x.item else dataclasses.replace(x, item=item)
        case Method():
            function, args = _mapped(x.function, new), tuple(_mapped(a, new) for a in x.args)
            kwargs = {k: _mapped(v, new) for k, v in x.kwargs.items()}
            same = function is x.function and all(a is b for a, b in zip((*args, *kwargs.values()), (*x.args, *x.kwargs.values()), strict=True))
            return x if same else Method(function, args, kwargs)
        case Attr():
            owner = _mapped(x.owner, new)
            return x if owner is x.owner else Attr(owner, x.name)
        case _:
            return x


def _form(t: Tracer, form: Form, of: Callable[[Any], Any]) -> Form:
    """The form of rows in which functions are replaced."""
    if isinstance(form, Keep):
        new = of(form.item)
        return form if new is form.item else item_form(t, new)
    return _inside(form, lambda f: _form(t, f, of))


def _kept(form: Form, of: Callable[[Any], Any]) -> Form:
    """The form as it was, with the new functions where the old ones had no columns: what is read is what is to be put."""
    if isinstance(form, Keep):
        new = of(form.item)
        return form if new is form.item else Keep(new)
    return _inside(form, lambda f: _kept(f, of))


def _inside(form: Form, new: Callable[[Form], Form]) -> Form:
    """A form with other forms in it; itself if there is nothing to change."""
    name = "options" if hasattr(form, "options") else "items" if isinstance(form, (SeqForm, FunctionForm)) else ""
    if name:
        own: tuple[Form, ...] = getattr(form, name)
        inside = tuple(map(new, own))
        return form if all(a is b for a, b in zip(inside, own, strict=True)) else dataclasses.replace(form, **{name: inside})  # type: ignore[type-var]
    item = getattr(form, "item", None)
    if item is None or isinstance(form, Keep):
        return form
    inner = new(item)
    return form if inner is item else RowsForm(inner, form.token) if isinstance(form, RowsForm) else dataclasses.replace(form, item=inner)  # type: ignore[call-arg]


# ---------------------------------------------------------------- what a function takes along


def _taking_along(t: Tracer, f: Fn, frame: Frame) -> Fn:
    """A function with what it sees of a frame that ends, and of those that have ended."""
    try:
        return _captured(t, f, lambda around: around.path == frame.path or all(live is not around for live in t.stack), ())
    except _Bound:
        return f


def by_value(t: Tracer, x: Abstract) -> Abstract:
    """A value in which functions hold what they see, if that cannot change any more: so many made at one place can be in one list."""
    return _mapped(x, lambda f: _by_value(t, f))  # type: ignore[no-any-return]


def _by_value(t: Tracer, f: Fn) -> Fn:
    def is_settled(around: Frame) -> bool:
        for n in _names(f.source.node) & around.names:
            if n not in _bound_once(around.source.node) or isinstance(t.state.slots.get(Var(around.path, n), UNBOUND), (Missing, Maybe)):
                raise _Bound
        return True

    try:
        return _captured(t, f, is_settled, ())
    except _Bound:
        return f


def _captured(t: Tracer, f: Fn, takes: Callable[[Frame], bool], inside: tuple[Any, ...]) -> Fn:
    """The function with what it sees of the frames around it, as far as they are to be taken."""
    if id(f.source.node) in inside:
        raise _Bound
    used = _names(f.source.node)
    found: dict[str, Abstract] = dict(f.captured or {})
    around = f.frame
    while around is not None and takes(around):
        if _rebound(around.source.node) & used:
            raise _Bound
        for n in sorted(used & around.names - found.keys()):
            x = t.state.slots.get(Var(around.path, n), UNBOUND)
            found[n] = _mapped(x, lambda g: _captured(t, g, takes, (*inside, id(f.source.node))))
        around = around.parent
    return Fn(f.source, around, f.defaults, found)


@functools.lru_cache(1024)
def _names(node: ast.AST) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(node) if isinstance(n, ast.Name)) | _rebound(node)


@functools.lru_cache(1024)
def _rebound(node: ast.AST) -> frozenset[str]:
    """Names that functions inside rebind."""
    return frozenset(name for n in ast.walk(node) if isinstance(n, ast.Nonlocal) for name in n.names)


@functools.lru_cache(1024)
def _bound_once(node: Definition) -> frozenset[str]:
    """Names of a function that keep the value they first get: parameters that it does not assign to, and names assigned to once, outside of loops."""
    a, often = node.args, set[str]()
    found = {p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg) if p is not None}

    def visit(n: ast.AST, again: bool) -> None:
        own = [n.id] if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load) else [n.name] if isinstance(n, ast.FunctionDef) else []
        for name in own:
            (often if again or name in found else found).add(name)
        if not isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for inner in ast.iter_child_nodes(n):
                visit(inner, again or isinstance(n, (ast.For, ast.While)))

    for s in [] if isinstance(node, ast.Lambda) else node.body:
        visit(s, False)
    return frozenset(found - often - _rebound(node))


# ---------------------------------------------------------------- calls


def frame_of(t: Tracer, f: Fn, node: ast.AST) -> Frame | None:
    """The frame in which a function finds its names."""
    if f.captured is None:
        return f.frame
    path = (*(t.frame.path if t.frame else ()), id(node), "captured", t.unrolled)
    frame = Frame(f.source, path, f.frame, frozenset(f.captured), liveness(f.source.node))
    t.closed_over.add(path)
    for name, x in f.captured.items():
        if isinstance(x, Missing):
            t.state.slots.pop(Var(path, name), None)
        else:
            t.state.slots[Var(path, name)] = x
    return frame
