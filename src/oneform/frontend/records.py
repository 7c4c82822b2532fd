"""Objects of the user's classes: NamedTuples and frozen dataclasses are values, the others have an identity and change."""

from __future__ import annotations

import ast
import dataclasses
import types
from collections.abc import Mapping
from typing import Any

from oneform.families import family_of
from oneform.frontend.boxes import new_box
from oneform.frontend.lift import constant_object
from oneform.frontend.nodes import new_node
from oneform.frontend.registry import Call
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Py, Seq, changes

Given = Mapping[str, Abstract]


def construct(t: Tracer, cls: type, args: list[Abstract], kwargs: Given, node: ast.AST) -> Abstract:
    """cls(*args, **kwargs)"""
    t.keep.append(cls)
    fields: Any = getattr(cls, "_fields", None)
    family = family_of(cls)
    if issubclass(cls, tuple) and fields is not None:
        defaults = {k: constant_object(t, d, k, (id(cls), k), lambda k=k: cls._field_defaults[k]) for k, d in getattr(cls, "_field_defaults", {}).items()}
        bound = _bound(t, cls, tuple(fields), defaults, args, kwargs, node)
        return Seq("record", bound, (cls, tuple(fields))) if family is None else new_node(t, family, cls, dict(zip(fields, bound, strict=True)))
    if issubclass(cls, BaseException):
        t.refuse("E001", "an exception can only be raised", node)
    own = next((c.__dict__["__init__"] for c in cls.__mro__ if "__init__" in c.__dict__), None)
    if _is_generated(cls, own):
        return _dataclass(t, cls, args, kwargs, node)
    if isinstance(own, types.FunctionType) or (own is object.__init__ and cls.__module__ != "builtins"):
        return _plain(t, cls, own, args, kwargs, node)
    t.refuse("E003", f"objects of the class {cls.__name__} cannot be made in compiled code", node, "Use a class written in Python.")


def _is_generated(cls: type, init: Any) -> bool:
    """Whether the initialisation is the one that dataclasses write."""
    return dataclasses.is_dataclass(cls) and isinstance(init, types.FunctionType) and init.__code__.co_filename == "<string>"


def _plain(t: Tracer, cls: type, init: Any, args: list[Abstract], kwargs: Given, node: ast.AST) -> Abstract:
    """An object whose fields are what its initialisation assigns."""
    family = family_of(cls)
    obj = new_node(t, family, cls, {}) if family is not None else new_box(t, "record", Seq("record", (), (cls, ())))
    if isinstance(init, types.FunctionType):
        t.call(t, Py(init), [obj, *args], kwargs, node)
    elif args or kwargs:
        t.refuse("E106", f"{cls.__name__}() takes no arguments", node)
    return obj


def _dataclass(t: Tracer, cls: Any, args: list[Abstract], kwargs: Given, node: ast.AST) -> Abstract:
    fields = dataclasses.fields(cls)
    defaults: dict[str, Abstract] = {}
    made = {f.name: f.default_factory for f in fields if f.default_factory is not dataclasses.MISSING}
    for f in fields:
        if f.default is not dataclasses.MISSING:
            defaults[f.name] = constant_object(t, f.default, f.name, (id(cls), f.name), lambda f=f: f.default)
    names = tuple(f.name for f in fields if f.init and not f.kw_only) + tuple(f.name for f in fields if f.init and f.kw_only)
    found = dict(zip(names, _bound(t, cls, names, {**defaults, **dict.fromkeys(made, Py(None))}, args, kwargs, node), strict=True))
    given = {*names[: len(args)], *kwargs}
    for name, factory in made.items():
        if name not in given:
            found[name] = t.call(t, Py(factory), [], {}, node)
    found.update({f.name: defaults[f.name] for f in fields if f.name not in found and f.name in defaults})
    own = tuple(f.name for f in fields if f.name in found)
    contents = Seq("record", tuple(found[n] for n in own), (cls, own))
    family = family_of(cls)
    obj: Abstract = contents
    if family is not None:
        obj = new_node(t, family, cls, {n: found[n] for n in own})
    elif changes(cls):
        obj = new_box(t, "record", contents)
    if hasattr(cls, "__post_init__"):
        t.call(t, Py(cls.__post_init__), [obj], {}, node)
    return obj


def _bound(
    t: Tracer, cls: type, names: tuple[str, ...], defaults: Given, args: list[Abstract], kwargs: Given, node: ast.AST,
) -> tuple[Abstract, ...]:
    """The fields, by position or by name."""
    values = Call(t, cls.__name__, args, dict(kwargs), node)
    optional = [n + "?" if n in defaults else n for n in names]
    if len(args) > len(names) or any(k not in names for k in kwargs):
        values.bind(*optional)
    given = dict(zip(names, args, strict=False))
    for k, x in kwargs.items():
        if k in given:
            values.bind(*optional)
        given[k] = x
    if any(n not in given and n not in defaults for n in names):
        values.bind(*optional)
    return tuple(given[n] if n in given else defaults[n] for n in names)


def replaced(record: Any, /, **fields: Any) -> Any:
    """What stands for a NamedTuple's _replace."""
    return record._replace(**fields)


def as_dict(record: Any) -> Any:
    """What stands for a NamedTuple's _asdict."""
    return record._asdict()


NAMED_TUPLE = {"_replace": replaced, "_asdict": as_dict}  # methods that NamedTuples come with
