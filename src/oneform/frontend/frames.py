"""Calls: arguments bound to parameters, Python functions compiled into their callers, everything else by its handler."""

from __future__ import annotations

import ast
import builtins
import functools
import operator
import types
from collections.abc import Mapping
from typing import Any

import numpy as np

from oneform.errors import CompileError
from oneform.frontend.attributes import NUMERIC_MODULES, bound_method, container_kind
from oneform.frontend.batching import call_mapped, vmapped
from oneform.frontend.boxes import new_box
from oneform.frontend.closures import Outlived, entered, frame_of, let_go
from oneform.frontend.compiled import call_compiled
from oneform.frontend.control import block
from oneform.frontend.creation import as_operand
from oneform.frontend.custom import call_custom, of_object
from oneform.frontend.derived import Derived, apply_along, call_derived, derive
from oneform.frontend.fence import TABLE as FENCE
from oneform.frontend.fitting import rebuilt
from oneform.frontend.forms import NodeForm
from oneform.frontend.generators import yields
from oneform.frontend.lift import constant_object, lift, structure
from oneform.frontend.liveness import NOBODY, liveness
from oneform.frontend.meet import choose
from oneform.frontend.numbers import compare_numbers, elementwise, operand, python_number
from oneform.frontend.objects import is_list, new_list
from oneform.frontend.once import born
from oneform.frontend.passing import plain, see
from oneform.frontend.pullbacks import call_pullback, call_vjp
from oneform.frontend.records import construct
from oneform.frontend.recursion import Recursive, recur, run_recursive
from oneform.frontend.registry import CONTAINER_METHODS, METHODS, UFUNC_METHODS, Call, handler_of
from oneform.frontend.source import Definition, Source, local_names, source_of
from oneform.frontend.state import Frame, Var
from oneform.frontend.targets import name_memory
from oneform.frontend.tracer import BY_PYTHON, PathEnds, Tracer
from oneform.frontend.values import (
    NONE,
    Abstract,
    Arr,
    Attr,
    Choice,
    Custom,
    Fn,
    Mapped,
    Method,
    Num,
    Opt,
    Pullback,
    Py,
    Ref,
    Seq,
    Visit,
    Yields,
    describe,
    number,
)
from oneform.ops import OPS
from oneform.rules import CustomRule
from oneform.types import C128, F64

DEEPEST = 25  # calls within calls of one function


def call_node(t: Tracer, f: Abstract, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """The value of a call."""
    if isinstance(f, Fn):
        return inline(t, f.source, frame_of(t, f, node), f.defaults, args, kwargs, node)
    if isinstance(f, Choice):
        return _call_choice(t, f, args, kwargs, node)
    if isinstance(f, Visit):
        return f.run(args[0])
    if isinstance(f, Method):
        return call_node(t, f.function, [*f.args, *args], {**f.kwargs, **kwargs}, node)
    if isinstance(f, Pullback):
        return call_pullback(t, f, *_plain(t, args, kwargs), node)
    if isinstance(f, Attr):
        if isinstance(f.owner, Py) and isinstance(f.owner.obj, np.ufunc):
            return UFUNC_METHODS[f.name](Call(t, f.name, [f.owner, *_plain(t, args, {})[0]], _plain(t, [], kwargs)[1], node))
        table: Any = CONTAINER_METHODS[container_kind(t, f.owner), f.name] if isinstance(f.owner, (Seq, Ref)) else METHODS[f.name]
        return table(Call(t, f.name, [f.owner, *args], dict(kwargs), node))
    if isinstance(f, Py):
        return _call_object(t, f.obj, args, kwargs, node)
    if isinstance(f, (Seq, Ref)):
        inner = bound_method(t, f, "__call__")
        if inner is not None:
            return call_node(t, inner, args, kwargs, node)
    t.refuse("E101", f"{describe(f)} is not a function", node)


def _call_choice(t: Tracer, f: Choice, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """A call of one of several functions: a switch over which it is."""

    def of(k: int) -> Abstract:
        before, t.unrolled = t.unrolled, (*t.unrolled, k)  # names of a call's own
        try:
            return call_node(t, f.options[k], args, kwargs, node)
        finally:
            t.unrolled = before

    def from_on(k: int) -> Abstract:
        if k + 1 == len(f.options):
            return of(k)
        return choose(t, compare_numbers(t, operator.eq, f.tag, number(k)), lambda: of(k), lambda: from_on(k + 1))

    with t.holding(f, *args, *kwargs.values()):
        return from_on(0)


def _call_object(t: Tracer, obj: Any, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    handler = handler_of(obj)
    if handler is not None:
        with t.handling(node):
            return handler(Call(t, _name(obj), args, dict(kwargs), node))
    special = getattr(obj, "__oneform_op__", None)
    op = OPS[special] if isinstance(special, str) else BY_PYTHON.find(obj)
    if op is not None:
        return _operation(t, obj, op, args, kwargs, node, keep_weak=isinstance(special, str))
    if hasattr(obj, "__oneform_function__"):
        return call_compiled(t, obj, *_plain(t, args, kwargs), node)
    if isinstance(obj, (Custom, CustomRule)):
        return _call_custom(t, obj if isinstance(obj, Custom) else of_object(t, obj), args, kwargs, node)
    if isinstance(obj, Derived):
        return call_derived(t, obj, *_plain(t, args, kwargs), node)
    if isinstance(obj, Mapped):
        return call_mapped(t, obj, args, kwargs, node)
    if hasattr(obj, "__oneform_lanes__"):
        return vmapped(t, args, kwargs, node)
    if hasattr(obj, "__oneform_transform__"):
        return derive(t, obj, *_plain(t, args, kwargs), node)
    if hasattr(obj, "__oneform_apart__"):
        return call_vjp(t, obj.__oneform_apart__, *_plain(t, args, kwargs), node)
    if hasattr(obj, "__oneform_product__"):
        return apply_along(t, obj, *_plain(t, args, kwargs), node)
    if isinstance(obj, functools.partial):
        return _partial(t, obj, args, kwargs, node)
    library = (getattr(obj, "__module__", None) or "").split(".")[0] in NUMERIC_MODULES  # its source is not for us to read
    if isinstance(obj, types.FunctionType) and not library:
        return inline(t, source_of(obj), None, _defaults(t, obj), args, kwargs, node)
    if isinstance(obj, Outlived):
        detail = f"the function {obj.name} shares variables with the call that made it, whose place a later call has taken"
        t.refuse("E104", detail, node, "Keep what changes in an object, or pass it as an argument.")
    if isinstance(obj, types.MethodType):
        owner = lift(t, obj.__self__, _name(obj), (id(obj), "self"), lambda: obj.__self__)
        return call_node(t, Py(obj.__func__), [owner, *args], kwargs, node)
    if isinstance(obj, type):
        return construct(t, obj, args, kwargs, node)
    if isinstance(getattr(obj, "__self__", None), str):
        return _of_text(t, obj, args, kwargs, node)
    inner = getattr(obj, "__wrapped__", None)
    if inner is not None and not library:
        return _call_object(t, inner, args, kwargs, node)
    own = next((c.__dict__["__call__"] for c in type(obj).__mro__ if "__call__" in c.__dict__), None)
    if isinstance(own, types.FunctionType):
        return _call_object(t, own, [Py(obj), *args], kwargs, node)
    t.refuse("E003", f"{_name(obj)} is not known to the compiler", node, _advice(obj))


def _of_text(t: Tracer, method: Any, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """A method of a string: strings are known when the program is compiled, and so is what is made of them."""
    given = [x.obj if isinstance(x, Py) else x.known if isinstance(x, Num) else None for x in args]
    if kwargs or None in given:
        t.refuse("E006", f"the method {method.__name__} of a string takes what is known when the program is compiled", node)
    found: Any = method(*given)
    if isinstance(found, list):
        items: list[Any] = found
        return new_list(t, tuple(structure(t, i) for i in items))
    return Seq("tuple", tuple(structure(t, i) for i in found)) if isinstance(found, tuple) else structure(t, found)


def _plain(t: Tracer, args: list[Abstract], kwargs: Mapping[str, Abstract]) -> tuple[list[Abstract], dict[str, Abstract]]:
    """Arguments of what takes values only."""
    return [plain(t, a) for a in args], {k: plain(t, a) for k, a in kwargs.items()}


def _call_custom(t: Tracer, custom: Custom, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    given = [plain(t, a) for a in _positional(t, custom.function, args, kwargs, node)]
    return call_custom(t, custom, given, tuple(signature(t, a) for a in given), node)


def _positional(t: Tracer, f: Abstract, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> list[Abstract]:
    """The arguments of a call by position, defaults filled in."""
    if isinstance(f, Method):
        return _positional(t, f.function, [*f.args, *args], {**f.kwargs, **kwargs}, node)[len(f.args) :]
    source, defaults = None, {}
    if isinstance(f, Fn):
        source, defaults = f.source, f.defaults
    elif isinstance(f, Py) and isinstance(f.obj, types.FunctionType):
        source, defaults = source_of(f.obj), _defaults(t, f.obj)
    if source is None:
        if kwargs:
            t.refuse("E106", f"the argument '{next(iter(kwargs))}' of a function with a custom rule must be given by position here", node)
        return args
    a = source.node.args
    for p in a.kwonlyargs:
        if p.arg in kwargs:
            t.refuse("E106", f"{source.name}() has a custom rule, and so no place for the keyword-only argument '{p.arg}'", node, "Make it a positional one.")
    found = bind_arguments(t, source, defaults, args, kwargs, node)
    more = found[a.vararg.arg] if a.vararg else Seq("tuple", ())
    assert isinstance(more, Seq)
    return [*(found[p.arg] for p in (*a.posonlyargs, *a.args)), *more.items]


def _name(obj: Any) -> str:
    name = str(getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None) or type(obj).__name__)
    module = getattr(obj, "__module__", None) or ("numpy" if type(obj).__name__ == "ufunc" else "")
    if getattr(builtins, name, None) is obj or module in ("", "builtins", "__main__"):
        return name
    public = ["np" if part == "numpy" else part for part in module.split(".") if not part.startswith("_")]
    return ".".join([*public, name])


def _advice(obj: Any) -> str:
    if obj is print:
        return "Return what you want to print, or put it into the message of an assert."
    module = getattr(obj, "__module__", "") or ""
    if module.startswith("numpy") or type(obj).__name__ == "ufunc":
        return "docs/ops.md lists the NumPy functions that are known; this one can be written with loops."
    return "Only functions written in Python can be compiled, and those that docs/ops.md lists."


def _operation(t: Tracer, callee: Any, op: Any, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST, keep_weak: bool) -> Abstract:
    """A function that is an operation of the table."""
    if kwargs:
        t.refuse("E106", f"{_name(callee)}() got an unexpected keyword argument '{next(iter(kwargs))}'", node, "out=, where= and dtype= are not supported.")
    arity = _arity(op, callee)
    if len(args) != arity:
        t.refuse("E106", f"{_name(callee)}() takes {arity} argument{'s' if arity > 1 else ''} but {len(args)} were given", node)
    if keep_weak:
        return rebuilt(args[0], lambda x: x if isinstance(x, Num) and x.known is not None else elementwise(t, op, [x], strong=False))
    from_math = getattr(callee, "__module__", None) in ("math", "cmath")
    operands = [as_operand(t, a, node) if not from_math else operand(t, a) for a in args]
    if from_math:
        return _math(t, callee, op, operands, node)
    return elementwise(t, op, operands, strong=getattr(callee, "__module__", "") not in ("builtins", "_operator"))


def _arity(op: Any, callee: Any) -> int:
    return int(getattr(callee, "nin", 0)) or (2 if op.name in _BINARY else 1)


_BINARY = frozenset(op.name for op in OPS.values() if any(getattr(f, "nin", 0) == 2 for f in op.python))


def _math(t: Tracer, callee: Any, op: Any, operands: list[Num | Arr], node: ast.AST) -> Abstract:
    """math.* and cmath.*: of numbers, in double precision, giving Python numbers."""
    module = callee.__module__
    values: list[Num | Arr] = []
    for x in operands:
        if isinstance(x, Arr):
            t.refuse("E101", f"{module}.{callee.__name__} takes numbers, not arrays", node, f"Use np.{callee.__name__}.")
        if module == "math" and x.dtype.kind == "c":
            t.refuse("E101", f"math.{callee.__name__} takes real numbers, not {describe(x)}", node, f"Use cmath.{callee.__name__}.")
        values.append(python_number(t, x, C128 if module == "cmath" else F64))
    out = elementwise(t, op, values, strong=False)
    return Num(out.dtype, True, out.value, out.known) if isinstance(out, Num) else out


def _partial(t: Tracer, obj: functools.partial[Any], args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    t.keep.append(obj)
    first = [lift(t, a, f"{_name(obj.func)}[{k}]", (id(obj), k), lambda k=k: obj.args[k]) for k, a in enumerate(obj.args)]
    named = {k: lift(t, a, f"{_name(obj.func)}.{k}", (id(obj), k), lambda k=k: obj.keywords[k]) for k, a in obj.keywords.items()}
    return _call_object(t, obj.func, [*first, *args], {**named, **kwargs}, node)


def _defaults(t: Tracer, fn: types.FunctionType) -> dict[str, Abstract]:
    """Default arguments: numbers are constants of the program."""
    t.keep.append(fn)
    found: dict[str, Abstract] = {}
    names = fn.__code__.co_varnames[: fn.__code__.co_argcount]
    for k, d in enumerate(fn.__defaults__ or ()):
        name = names[len(names) - len(fn.__defaults__ or ()) + k]
        found[name] = constant_object(t, d, name, (id(fn), "default", k), lambda k=k: (fn.__defaults__ or ())[k])
    for name, d in (fn.__kwdefaults__ or {}).items():
        found[name] = constant_object(t, d, name, (id(fn), "default", name), lambda name=name: (fn.__kwdefaults__ or {})[name])
    return found


# ---------------------------------------------------------------- functions compiled into their callers


def define(t: Tracer, node: Definition) -> Fn:
    """The function that a def or lambda makes: defaults are evaluated now, free names when it runs."""
    a = node.args
    defaults: dict[str, Abstract] = {}
    positional = [*a.posonlyargs, *a.args]
    for p, d in zip(positional[len(positional) - len(a.defaults) :], a.defaults, strict=True):
        defaults[p.arg] = t.expr(d)
    for p, d in zip(a.kwonlyargs, a.kw_defaults, strict=True):
        if d is not None:
            defaults[p.arg] = t.expr(d)
    frame = t.here
    while frame is not None:
        t.closed_over.add(frame.path)
        frame = frame.parent
    return Fn(t.here.source.nested(node), t.here, defaults)


def signature(t: Tracer, x: Any) -> Any:
    """What the lowering of a function depends on, apart from the numbers and the lengths of lists."""
    if isinstance(x, Ref):
        if isinstance(x.form, NodeForm):
            return (x.form.family, x.form.cls)
        return "list" if is_list(t, x) else signature(t, see(t, x))
    if isinstance(x, Opt):
        return ("optional", signature(t, x.item))
    if isinstance(x, Num):
        return x.dtype
    if isinstance(x, Arr):
        return (x.cell.dtype, len(x.view.shape) if x.view else x.cell.rank)
    if isinstance(x, Seq):
        return (x.kind, x.meta if x.kind != "record" else x.meta[0], tuple(signature(t, i) for i in x.items))
    if isinstance(x, Py):
        return id(x.obj)
    if isinstance(x, Visit):
        return id(x)
    if isinstance(x, Fn):
        own = None if x.captured is None else tuple((k, signature(t, v)) for k, v in x.captured.items())
        return (id(x.source.node), x.frame.path if x.frame else None, own)
    if isinstance(x, Choice):
        return ("choice", tuple(signature(t, o) for o in x.options))
    if isinstance(x, Method):
        return (signature(t, x.function), tuple(signature(t, a) for a in x.args), tuple((k, signature(t, v)) for k, v in x.kwargs.items()))
    return type(x)


def _active(t: Tracer, source: Source, key: Any, node: ast.AST) -> Frame | None:
    """The call of the same function that is being lowered, if this one differs from it in numbers only."""
    active = [f for f in t.stack[t.barrier :] if f.source.node is source.node]
    found = next((f for f in active if f.signature == key), None)
    if found is None and sum(f.source.node is source.node for f in t.stack) >= DEEPEST and len(active) < DEEPEST:
        detail = f"{source.name} takes a derivative of itself: how often it does, and so of which order the derivative is, is known only at run time"
        t.refuse("E005", detail, node, "Write the derivatives one inside the other, or hand over the number of times as a constant.")
    if found is None and len(active) >= DEEPEST:
        start = next(k for k, f in enumerate(t.stack) if f.source.node is source.node)
        cycle = " → ".join([f.source.name for f in t.stack[start:]] + [source.name])
        repair = "What a function is passed when it calls itself may differ in numbers and contents, not in structure."
        t.refuse("E005", f"{source.name} calls itself with ever new types: {cycle}", node, repair)
    return found


def inline(
    t: Tracer, source: Source, parent: Frame | None, defaults: Mapping[str, Abstract], args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST,
) -> Abstract:
    """Run a function's body in a frame of its own."""
    if isinstance(source.node, ast.AsyncFunctionDef):
        raise CompileError("E001", FENCE[ast.AsyncFunctionDef].text, source.location(source.node), FENCE[ast.AsyncFunctionDef].repair)
    bindings = bind_arguments(t, source, defaults, args, kwargs, node)
    if source.function is not None:
        t.codes[source.function.__code__] = None
    if yields(source.node):
        return Yields(source, bindings, lambda rewritten, given: run_inlined(t, rewritten, parent, given, node), born(t))
    return run_inlined(t, source, parent, bindings, node)


def run_inlined(t: Tracer, source: Source, parent: Frame | None, bindings: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """The body, for given parameters: once, or as a function of its own if it turns out to call itself."""
    closure = parent.path if parent else tuple(id(c) for c in source.cells.values())
    key = (closure, *((k, signature(t, x)) for k, x in bindings.items()))
    around = _active(t, source, key, node)
    if around is not None:
        if around.recursion is None:
            raise Recursive(around)
        return recur(t, around.recursion, bindings)
    path = (*(t.frame.path if t.frame else ()), id(node), t.unrolled, *t.repeated(node))
    frame = Frame(source, path, parent, local_names(source.node), liveness(source.node), key)
    place = (id(source.node), key)
    if place not in t.recursive:
        undo = t.checkpoint()
        try:
            return run_frame(t, frame, bindings)
        except Recursive as found:
            if found.frame is not frame:
                raise
            t.recursive.add(place)
            undo()
    return run_recursive(t, frame, bindings, lambda inner: run_frame(t, frame, inner), node)


def run_frame(t: Tracer, frame: Frame, bindings: Mapping[str, Abstract]) -> Abstract:
    saved, exit_live = t.frame, t.state.exit_live
    entered(t, frame)
    for name in frame.names:
        t.state.slots.pop(Var(frame.path, name), None)
    t.stack.append(frame)
    t.frame = frame
    t.state.exit_live = NOBODY
    try:
        for name, x in bindings.items():
            t.state.slots[Var(frame.path, name)] = x
            if not t.in_library():
                name_memory(x, name)
        block(t, frame.source.body)
        return _leave(t, frame)
    finally:
        t.frame = saved
        t.stack.pop()
        t.state.exit_live = exit_live


def _leave(t: Tracer, frame: Frame) -> Abstract:
    state = t.state
    if state.status == "raised":
        raise PathEnds
    let_go(t, frame)
    value = state.slots.pop(frame.result, NONE)
    t.returned_at = state.where.get(frame.result)
    if state.status == "maybe" and not (isinstance(value, Py) and value.obj is None):
        where = state.where.get(frame.result)
        line = f" at line {where.line}" if where else ""
        with t.placed(frame.source.node):
            detail = f"{frame.source.name} returns {describe(value)}{line} and nothing on another path"
            t.refuse("E102", detail, frame.source.body[-1], "End the function with a return.")
    state.status, state.going = "run", None
    state.slots.pop(frame.returned, None)
    if frame.path not in t.closed_over:
        for name in frame.names:
            state.slots.pop(Var(frame.path, name), None)
    return value


def bind_arguments(
    t: Tracer, source: Source, defaults: Mapping[str, Abstract], args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST,
) -> dict[str, Abstract]:
    """Python's rules for arguments and parameters."""
    a, name = source.node.args, source.name
    positional = [p.arg for p in (*a.posonlyargs, *a.args)]
    found: dict[str, Abstract] = dict(zip(positional, args, strict=False))
    if len(args) > len(positional) and a.vararg is None:
        takes = f"{len(positional)} positional argument{'s' if len(positional) != 1 else ''}"
        t.refuse("E106", f"{name}() takes {takes} but {len(args)} {'were' if len(args) > 1 else 'was'} given", node)
    if a.vararg is not None:
        found[a.vararg.arg] = Seq("tuple", tuple(args[len(positional) :]))
    keywords = {p.arg for p in (*a.args, *a.kwonlyargs)}
    extra: dict[str, Abstract] = {}
    for k, x in kwargs.items():
        if k in found and k in keywords:
            t.refuse("E106", f"{name}() got multiple values for argument '{k}'", node)
        if k in keywords:
            found[k] = x
        elif a.kwarg is not None:
            extra[k] = x
        else:
            t.refuse("E106", f"{name}() got an unexpected keyword argument '{k}'", node)
    if a.kwarg is not None:
        found[a.kwarg.arg] = new_box(t, "dict", Seq("dict", tuple(extra.values()), tuple(extra)))
    missing = [p for p in (*positional, *(k.arg for k in a.kwonlyargs)) if p not in found and p not in defaults]
    if missing:
        names = " and ".join(repr(m) for m in missing)
        t.refuse("E106", f"{name}() missing {len(missing)} required argument{'s' if len(missing) > 1 else ''}: {names}", node)
    for p in (*positional, *(k.arg for k in a.kwonlyargs)):
        if p not in found:
            found[p] = defaults[p]
    return found
