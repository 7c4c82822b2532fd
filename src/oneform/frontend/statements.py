"""Statements without control flow of their own."""

from __future__ import annotations

import ast
import importlib
import string
from typing import Any

from oneform.errors import ITSELF, exception_named, items_themselves, plain
from oneform.frontend.boxes import unfit
from oneform.frontend.expressions import BINARY
from oneform.frontend.forms import NodeForm
from oneform.frontend.frames import call_node, define
from oneform.frontend.meet import join_paths, lower_path
from oneform.frontend.objects import taken
from oneform.frontend.passing import give, holds_memory, item_form
from oneform.frontend.patterns import Rewrite
from oneform.frontend.targets import assign, augment, bind, delete
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.truth import asked, truth
from oneform.frontend.values import Abstract, Arr, Method, Num, Py, Ref, RowCell, Seq, describe, number
from oneform.ops import make
from oneform.types import BOOL


def assign_statement(t: Tracer, s: ast.Assign) -> None:
    x = t.expr(s.value)
    if len(s.targets) == 1 and isinstance(x, Seq) and _permutes(s.targets[0], s.value):
        x = Seq("tuple", tuple(_taken_up(t, i) for i in x.items))
    for target in s.targets:
        assign(t, target, x)


def _permutes(target: ast.expr, value: ast.expr) -> bool:
    """Whether items or fields trade places: a[i], a[j] = a[j], a[i]."""
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple) or not all(isinstance(e, (ast.Subscript, ast.Attribute)) for e in target.elts):
        return False
    return sorted(map(ast.unparse, target.elts)) == sorted(map(ast.unparse, value.elts)) and not any(isinstance(n, ast.Call) for n in ast.walk(value))


def _taken_up(t: Tracer, x: Abstract) -> Abstract:
    """What is in a row of a list, out of its place for a moment."""
    array = isinstance(x, Arr) and x.view is None and isinstance(x.cell, RowCell)
    if not array and not (isinstance(x, Ref) and x.form is not None and not isinstance(x.form, NodeForm)):
        return x
    form = item_form(t, x)
    pool = x.cell.place.box if isinstance(x, Arr) and isinstance(x.cell, RowCell) else x.box if isinstance(x, Ref) else None
    if pool in t.given and holds_memory(form):
        unfit(t, pool, "lists or arrays in objects that were given trade places")
    return taken(t, form, give(t, form, x))


def aug_assign(t: Tracer, s: ast.AugAssign) -> None:
    augment(t, s.target, BINARY[type(s.op)], s.value)


def delete_statement(t: Tracer, s: ast.Delete) -> None:
    for target in s.targets:
        delete(t, target)


def ann_assign(t: Tracer, s: ast.AnnAssign) -> None:
    if s.value is not None:
        assign(t, s.target, t.expr(s.value))


def expression(t: Tracer, s: ast.Expr) -> None:
    if not isinstance(s.value, ast.Constant):
        t.expr(s.value)


def function_def(t: Tracer, s: ast.FunctionDef) -> None:
    f: Abstract = define(t, s)
    for d in reversed(s.decorator_list):
        with t.placed(d):
            f = call_node(t, t.expr(d), [f], {}, d)
    bind(t, s.name, f, s)


def import_(t: Tracer, s: ast.Import) -> None:
    for a in s.names:
        module = _module(t, a.name, s)
        bind(t, a.asname or a.name.split(".")[0], Py(module if a.asname else _module(t, a.name.split(".")[0], s)), s)


def import_from(t: Tracer, s: ast.ImportFrom) -> None:
    package = t.here.source.globals.get("__package__") or ""
    module = _module(t, "." * s.level + (s.module or ""), s, package)
    for a in s.names:
        if not hasattr(module, a.name):
            t.refuse("E003", f"cannot import {a.name} from {module.__name__}", s)
        bind(t, a.asname or a.name, Py(getattr(module, a.name)), s)


def _module(t: Tracer, name: str, s: ast.stmt, package: str = "") -> Any:
    try:
        return importlib.import_module(name, package or None)
    except ImportError as e:
        t.refuse("E003", f"the module {name} cannot be imported: {e}", s)


def match_statement(t: Tracer, s: ast.Match) -> None:
    """One that could not be written as `if`: why."""
    Rewrite().rewritten(s)
    t.refuse("E001", "this match is not supported", s)


def nothing(t: Tracer, s: ast.stmt) -> None:
    """pass, nonlocal"""


# ---------------------------------------------------------------- raise and assert


def assert_statement(t: Tracer, s: ast.Assert) -> None:
    with t.placed(s.test):
        c = truth(t, t.expr(asked(s.test)))
    if c.known is not None and c.known:
        return

    def fail() -> None:
        message, details = text_of(t, s.msg) if s.msg is not None else ("", [])
        raise_error(t, "AssertionError", message, details)

    if c.known is not None:
        fail()
    start = t.state
    bad, good = lower_path(t, start, c, False, fail), lower_path(t, start, c, True, lambda: None)
    join_paths(t, c, start, good, bad, None)


def raise_error(t: Tracer, error: str, message: str, details: list[Num]) -> None:
    make.check(t.b, t.value(number(False), BOOL), error, message, [t.value(d) for d in details])
    raise PathEnds


def raise_statement(t: Tracer, s: ast.Raise) -> None:
    if s.exc is None:
        t.refuse("E001", "a bare raise has no exception to raise again", s)
    if s.cause is not None and not (isinstance(s.cause, ast.Constant) and s.cause.value is None):
        t.refuse("E001", "raise … from … is not supported", s.cause, "Raise the exception alone.")
    call = s.exc if isinstance(s.exc, ast.Call) else None
    kind = t.expr(call.func if call else s.exc)
    if isinstance(kind, Method) or not isinstance(kind, Py) or not isinstance(kind.obj, type) or not issubclass(kind.obj, Exception):
        t.refuse("E001", f"{describe(kind)} is no exception", s.exc)
    if exception_named(kind.obj.__name__) is not kind.obj:
        t.refuse("E003", f"the exception {kind.obj.__name__} is not built in", s.exc, "Raise ValueError, RuntimeError or another built-in exception.")
    if call and (call.keywords or len(call.args) > 1):
        t.refuse("E001", "an exception takes one message", call)
    message, details = text_of(t, call.args[0]) if call and call.args else ("", [])
    raise_error(t, kind.obj.__name__, message, details)


def text_of(t: Tracer, e: ast.expr) -> tuple[str, list[Num]]:
    """A message with numbers in it: a format string, and the numbers."""
    details: list[Num] = []
    if isinstance(e, ast.JoinedStr):
        parts: list[str] = []
        for v in e.values:
            if isinstance(v, ast.Constant):
                parts.append(plain(str(v.value)))
            else:
                assert isinstance(v, ast.FormattedValue)
                parts.append(_formatted(t, v, details))
        return "".join(parts), details
    if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Add) and (_has_text(e.left) or _has_text(e.right)):
        (left, first), (right, second) = text_of(t, e.left), text_of(t, e.right)
        if ITSELF in (left, right):
            t.refuse("E001", "a message is text", e, "Write an f-string.")
        shifted = _shift(right, len(first))
        return left + shifted, [*first, *second]
    x = t.expr(e)
    if isinstance(x, Seq) and x.kind == "tuple" and x.items and all(isinstance(i, Num) for i in x.items):
        return items_themselves(len(x.items)), [i for i in x.items if isinstance(i, Num)]
    return (ITSELF, [x]) if isinstance(x, Num) else (_part(t, x, "", details, e), details)


def _has_text(e: ast.expr) -> bool:
    """Whether an f-string or a constant string is added."""
    if isinstance(e, ast.BinOp) and isinstance(e.op, ast.Add):
        return _has_text(e.left) or _has_text(e.right)
    return isinstance(e, ast.JoinedStr) or (isinstance(e, ast.Constant) and isinstance(e.value, str))


def _shift(template: str, by: int) -> str:
    """The same format string with its fields numbered from `by`."""
    if not by:
        return template
    return "".join(_field(literal, field, spec, by) for literal, field, spec, _ in string.Formatter().parse(template))


def _field(literal: str, field: str | None, spec: str | None, by: int) -> str:
    text = plain(literal)
    return text if field is None else f"{text}{{{int(field) + by}{':' + spec if spec else ''}}}"


def _formatted(t: Tracer, v: ast.FormattedValue, details: list[Num]) -> str:
    spec = ""
    if v.format_spec is not None:
        x = t.expr(v.format_spec)
        assert isinstance(x, Py)
        spec = str(x.obj)
    x = t.expr(v.value)
    if isinstance(x, Py) and v.conversion == ord("r"):
        return plain(format(repr(x.obj), spec))
    return _part(t, x, spec, details, v)


def _part(t: Tracer, x: Abstract, spec: str, details: list[Num], node: ast.AST) -> str:
    if isinstance(x, Num) and x.known is not None:
        return plain(format(x.known, spec))
    if isinstance(x, Num):
        details.append(x)
        return f"{{{len(details) - 1}{':' + spec if spec else ''}}}"
    if isinstance(x, Py):
        return plain(format(x.obj, spec) if not isinstance(x.obj, type) else str(x.obj))
    if isinstance(x, Seq) and x.kind == "tuple":
        inner = ", ".join(_part(t, i, "", details, node) for i in x.items)
        return f"({inner}{',' if len(x.items) == 1 else ''})"
    what = "an array" if isinstance(x, Arr) else describe(x)
    t.refuse("E101", f"{what} cannot stand in a message", node, "Put numbers there.")


STATEMENTS: dict[type[ast.stmt], Any] = {
    ast.Assign: assign_statement, ast.AugAssign: aug_assign, ast.Delete: delete_statement, ast.AnnAssign: ann_assign, ast.Expr: expression,
    ast.Pass: nothing, ast.Match: match_statement, ast.Nonlocal: nothing,
    ast.FunctionDef: function_def, ast.Import: import_, ast.ImportFrom: import_from, ast.Assert: assert_statement, ast.Raise: raise_statement,
}
