"""Attributes: of modules, arrays, records, and objects that are structure."""

from __future__ import annotations

import ast
import functools
import sys
import types
from typing import Any

import numpy as np

from oneform.frontend.arrays import rank, shape, transposed
from oneform.frontend.complexes import imaginary_part, real_part
from oneform.frontend.creation import product, reshaped
from oneform.frontend.fields import present, record_of
from oneform.frontend.forms import NodeForm
from oneform.frontend.lift import depend_on_class, lift_member
from oneform.frontend.nodes import dispatched, node_attribute
from oneform.frontend.passing import see
from oneform.frontend.records import NAMED_TUPLE
from oneform.frontend.registry import CONTAINER_METHODS, METHODS, UFUNC_METHODS
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Attr, Custom, Method, Num, Py, Ref, Seq, describe, number
from oneform.frontend.written.classes import known_as
from oneform.rules import CustomRule

NUMERIC_MODULES = {"math", "numpy", "cmath", "scipy"}


def attribute(t: Tracer, x: Abstract, name: str, node: ast.AST) -> Abstract:
    x = present(t, x, "AttributeError", f"'NoneType' object has no attribute '{name}'")
    if isinstance(x, (Arr, Num)):
        return _of_array(t, x, name, node)
    if isinstance(x, (Seq, Ref)):
        return _of_container(t, x, name, node)
    if isinstance(x, Py):
        return _of_object(t, x.obj, name, node)
    if isinstance(x, Method) and isinstance(x.function, Py) and x.function.obj is super:
        return _of_super(t, x.args[0], x.args[1], name, node)
    t.refuse("E003", f"{describe(x)} has no attribute {name} that the compiler knows", node)


def _of_super(t: Tracer, start: Abstract, owner: Abstract, name: str, node: ast.AST) -> Abstract:
    """An attribute that the classes behind `start` give an object."""
    record = record_of(t, owner) if not (isinstance(owner, Ref) and isinstance(owner.form, NodeForm)) else None
    found: Any = record.meta[0] if record is not None else owner.form.cls if isinstance(owner, Ref) and isinstance(owner.form, NodeForm) else None
    assert isinstance(start, Py) and isinstance(start.obj, type)
    mro: tuple[type, ...] = (found or start.obj).__mro__
    for cls in mro[mro.index(start.obj) + 1 :]:
        if name in cls.__dict__:
            depend_on_class(t, cls)
            inner = _bound(t, owner, cls, name, cls.__dict__[name])
            if inner is not None:
                return t.call(t, inner, [], {}, node) if is_property(cls.__dict__[name]) else inner
    t.refuse("E003", f"the classes above {start.obj.__name__} have no attribute {name} that the compiler knows", node)


def _of_array(t: Tracer, x: Arr | Num, name: str, node: ast.AST) -> Abstract:
    dims, lengths = shape(t, x)
    if name == "shape":
        return Seq("tuple", lengths)
    if name == "ndim":
        return number(len(dims))
    if name == "size":
        return product(t, lengths)
    if name == "dtype":
        return Py((x.cell.dtype if isinstance(x, Arr) else x.dtype).numpy)
    if name == "T":
        return transposed(t, x, tuple(reversed(range(rank(x))))) if isinstance(x, Arr) else x
    if name == "flat" and isinstance(x, Arr):
        return x if rank(x) == 1 else reshaped(t, x, product(t, lengths))
    if name in ("real", "imag"):
        return (real_part if name == "real" else imaginary_part)(t, x)
    if name in METHODS:
        return Attr(x, name)
    what = "arrays" if isinstance(x, Arr) else "numbers"
    t.refuse("E003", f"the attribute {name} of {what} is not known to the compiler", node, "docs/ops.md lists what is known.")


def _of_container(t: Tracer, x: Seq | Ref, name: str, node: ast.AST) -> Abstract:
    if isinstance(x, Ref) and isinstance(x.form, NodeForm):
        return _of_node(t, x, name, node)
    record = record_of(t, x)
    if record is not None:
        own = known_as(record.meta[0])
        if own is not record.meta[0] and not hasattr(own, name) and not t.in_library():
            t.refuse("E003", f"{describe_object(t, x)} has no attribute {name}", node)
        found = record.get(name)
        if found is not None:
            return found
        if name == "__class__":
            return Py(own)
        inner = bound_method(t, x, name)
        if inner is not None:
            return t.call(t, inner, [], {}, node) if is_property(getattr(record.meta[0], name, None)) else inner
        t.refuse("E003", f"{describe_object(t, x)} has no attribute {name}", node)
    if (container_kind(t, x), name) in CONTAINER_METHODS:
        return Attr(x, name)
    t.refuse("E003", f"{describe(x)} has no attribute {name} that the compiler knows", node)


def _of_node(t: Tracer, x: Ref, name: str, node: ast.AST) -> Abstract:
    """An attribute of an object of a recursive class."""
    found = node_attribute(t, x, name)
    if found is not None:
        return found
    cls: type | None = x.form.cls
    if cls is None and name == "__class__":
        t.refuse("E006", f"which class a {x.form.family} is of is known only at run time", node, "Ask isinstance.")
    if name == "__class__":
        return Py(cls)
    inner = bound_method(t, x, name)
    if inner is not None:
        classes = (cls,) if cls is not None else x.form.family.classes
        return t.call(t, inner, [], {}, node) if any(is_property(getattr(c, name, None)) for c in classes) else inner
    t.refuse("E003", f"a {cls.__name__ if cls else x.form.family} has no attribute {name}", node)


def container_kind(t: Tracer, x: Seq | Ref) -> str:
    """tuple, list, dict or record."""
    inner = see(t, x)
    return inner.kind if isinstance(inner, Seq) else "list"


def describe_object(t: Tracer, x: Any) -> str:
    """A noun phrase for messages, that looks into references."""
    inner = see(t, x)
    return describe(inner) if isinstance(inner, Seq) else "a list" if isinstance(x, Ref) else describe(x)


def nothing() -> None:
    """What stands for object.__init__."""


def is_property(raw: Any) -> bool:
    return isinstance(raw, (property, functools.cached_property))


def bound_method(t: Tracer, x: Abstract, name: str) -> Abstract | None:
    """A method or property of a record's class, with the record as its first argument; class attributes as they are."""
    if isinstance(x, Ref) and isinstance(x.form, NodeForm) and x.form.cls is None:
        chosen = dispatched(t, x, name)
        return None if chosen is None else Method(chosen, (x,))
    cls: type | None = x.form.cls if isinstance(x, Ref) and isinstance(x.form, NodeForm) else None
    if cls is None:
        record = record_of(t, x)
        if record is None:
            return None
        cls = record.meta[0]
    assert cls is not None
    depend_on_class(t, cls)
    return _bound(t, x, cls, name, next((c.__dict__[name] for c in cls.__mro__ if name in c.__dict__), None))


def _bound(t: Tracer, x: Abstract, cls: type, name: str, raw: Any) -> Abstract | None:
    """What a class has under a name, bound to an object."""
    if raw is object.__init__:
        return Py(nothing)
    if isinstance(raw, property):
        return Method(Py(raw.fget), (x,))
    if isinstance(raw, functools.cached_property):
        return Method(Py(raw.func), (x,))
    if isinstance(raw, staticmethod):
        return Py(raw.__func__)
    if isinstance(raw, classmethod):
        return Method(Py(raw.__func__), (Py(cls),))
    if isinstance(raw, (types.FunctionType, CustomRule)):
        own = NAMED_TUPLE.get(name) if issubclass(cls, tuple) and raw.__module__ == "collections" else None
        return Method(Py(own or raw), (x,))
    return lift_member(t, cls, name, getattr(cls, name), f"{cls.__name__}.{name}") if raw is not None and not callable(raw) else None


def _of_object(t: Tracer, obj: Any, name: str, node: ast.AST) -> Abstract:
    if isinstance(obj, types.FunctionType) and name == "__name__":
        return Py(obj.__name__)
    if isinstance(obj, Custom) and name in ("defjvp", "defjvps", "defvjp"):
        return Attr(Py(obj), name)
    if isinstance(obj, np.ufunc) and name in UFUNC_METHODS:
        return Attr(Py(obj), name)
    try:
        value = getattr(obj, name)
    except AttributeError:
        t.refuse("E003", f"{_shown(obj)} has no attribute {name}", node)
    if isinstance(obj, types.ModuleType):
        if obj.__name__.split(".")[0] in NUMERIC_MODULES and isinstance(value, (bool, int, float, complex)):
            return number(value)
        return lift_member(t, obj.__dict__, name, value, f"{obj.__name__}.{name}") if name in obj.__dict__ else Py(value)
    if isinstance(obj, (type, np.dtype, types.BuiltinFunctionType)):
        return _of_class(t, obj, name, value)
    if isinstance(obj, (np.finfo, np.iinfo, type(sys.float_info))) and isinstance(value, (int, float, np.generic)):
        return number(value.item() if isinstance(value, np.generic) else value)
    raw = next((c.__dict__[name] for c in type(obj).__mro__ if name in c.__dict__), None)
    if isinstance(raw, (types.FunctionType, CustomRule)):
        return Method(Py(raw), (Py(obj),))
    if isinstance(raw, property):
        return t.call(t, Method(Py(raw.fget), (Py(obj),)), [], {}, node)
    if isinstance(obj, str) and callable(value):
        return Py(value)  # which can be called with constants
    if isinstance(obj, (str, bytes)) or obj is None:
        t.refuse("E003", f"the attribute {name} of {_shown(obj)} is not known to the compiler", node)
    return lift_member(t, obj, name, value, f"{_shown(obj)}.{name}")


def _of_class(t: Tracer, cls: Any, name: str, value: Any) -> Abstract:
    if isinstance(value, types.MethodType):
        return Py(value)
    if isinstance(cls, type) and isinstance(cls.__dict__.get(name), types.FunctionType):
        return Py(value)
    return lift_member(t, cls, name, value, f"{_shown(cls)}.{name}")


def _shown(obj: Any) -> str:
    return str(getattr(obj, "__name__", None) or (repr(obj) if isinstance(obj, (str, bytes)) or obj is None else type(obj).__name__))


