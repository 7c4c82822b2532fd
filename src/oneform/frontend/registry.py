"""What the compiler does at a call of a Python object that has no source to read: handlers, by identity of the callee."""

from __future__ import annotations

import ast
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oneform.frontend.axisless import made
from oneform.frontend.passing import plain
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Num, Py


@dataclass
class Call:
    """A call with its arguments evaluated."""

    t: Tracer
    name: str
    args: list[Abstract]
    kwargs: dict[str, Abstract]
    node: ast.AST

    def bind(self, *parameters: str) -> list[Abstract | None]:
        """Arguments by parameter; `name?` is optional (None if absent), and so is all behind `*`, which is given by keyword."""
        names = [p.rstrip("?") for p in parameters if p != "*"]
        positional = names[: parameters.index("*")] if "*" in parameters else names
        if len(self.args) > len(positional):
            self.t.refuse("E106", f"{self.name}() takes at most {len(positional)} positional arguments but {len(self.args)} were given", self.node)
        found: dict[str, Abstract] = dict(zip(positional, self.args, strict=False))
        for k, x in self.kwargs.items():
            if k not in names:
                self.t.refuse("E106", f"{self.name}() got an unexpected keyword argument '{k}'", self.node, "The compiler knows " + ", ".join(names) + ".")
            if k in found:
                self.t.refuse("E106", f"{self.name}() got multiple values for argument '{k}'", self.node)
            found[k] = x
        for p in parameters:
            if not p.endswith("?") and p != "*" and p not in found:
                self.t.refuse("E106", f"{self.name}() missing a required argument: '{p}'", self.node)
        return [_given(found.get(n)) for n in names]

    def only(self, *parameters: str) -> list[Abstract]:
        """As `bind`, for parameters that are all required."""
        return [x if x is not None else Py(None) for x in self.bind(*parameters)]


def _given(x: Abstract | None) -> Abstract | None:
    """An argument None is the same as none for the optional parameters of NumPy's functions."""
    return None if isinstance(x, Py) and x.obj is None else x


Handler = Callable[[Call], Abstract]
HANDLERS: dict[Any, tuple[Any, Handler]] = {}  # by what the callee is known by, with the callee
METHODS: dict[str, Handler] = {}  # methods of arrays and numbers; the owner is the first argument
SUBSCRIPTS: dict[int, tuple[Any, Handler]] = {}  # objects that are called by brackets, by id
UFUNC_METHODS: dict[str, Handler] = {}  # of NumPy's ufuncs, which are the first argument
CONTAINER_METHODS: dict[tuple[str, str], Handler] = {}  # (kind of container, name)


def handles(*callees: Any, objects: bool = False) -> Callable[[Handler], Handler]:
    """The function below is what a call of these objects does. It is shown lists, dicts and records as the structure that they are at the
    moment, unless it asks for the objects themselves."""

    def register(f: Handler) -> Handler:
        for c in callees:
            HANDLERS[_key(c)] = (c, f if objects else _reading(f))
        return f

    return register


def _reading(f: Handler) -> Handler:
    return lambda c: f(Call(c.t, c.name, [plain(c.t, a) for a in c.args], {k: plain(c.t, a) for k, a in c.kwargs.items()}, c.node))


def makes_array(handler: Handler) -> Handler:
    """The result of this function of NumPy is an array, also where it has no axes."""

    def marked(c: Call) -> Abstract:
        out = handler(c)
        return made(c.t, out, c.node) if isinstance(out, Num) else out

    return marked


def indexes(*owners: Any) -> Callable[[Handler], Handler]:
    """The function below is what owner[key] does; the key is its argument."""

    def register(f: Handler) -> Handler:
        SUBSCRIPTS.update((id(o), (o, _reading(f))) for o in owners)
        return f

    return register


def method(*names: str) -> Callable[[Handler], Handler]:
    def register(f: Handler) -> Handler:
        for n in names:
            METHODS[n] = _reading(f)
        return f

    return register


LATE: dict[str, list[tuple[str, Handler]]] = {}  # of libraries that are slow to import: by the last part of the name, the path to its owner


def handles_late(*paths: str) -> Callable[[Handler], Handler]:
    """As `handles`, for callees by their path ("scipy.linalg.solve"), known once a program has imported their library."""

    def register(f: Handler) -> Handler:
        for path in paths:
            owner, _, name = path.rpartition(".")
            LATE.setdefault(name, []).append((owner, _reading(f)))
        return f

    return register


def handler_of(obj: Any) -> Handler | None:
    found = HANDLERS.get(_key(obj))
    if found is not None and (found[0] is obj or isinstance(obj, types.BuiltinMethodType)):
        return found[1]
    name = getattr(obj, "__name__", None)
    for owner, handler in LATE.get(name, ()) if isinstance(name, str) else ():
        if _is_now(f"{owner}.{name}", obj):
            return handler
    return None


def _is_now(path: str, obj: Any) -> bool:
    """Whether the path leads to the object, without importing anything."""
    parts = path.split(".")
    for k in range(len(parts) - 1, 0, -1):
        found: Any = sys.modules.get(".".join(parts[:k]))
        if found is not None:
            for p in parts[k:]:
                found = getattr(found, p, None)
            return found is obj or found == obj and getattr(obj, "__self__", None) is not None
    return False


def _key(callee: Any) -> Any:
    """A built-in method of a class is another object each time that it is asked for."""
    owner = getattr(callee, "__self__", None)
    return (owner, callee.__name__) if isinstance(callee, types.BuiltinMethodType) and isinstance(owner, type) else id(callee)
