"""Python objects met while a program is read: numbers and arrays become hidden arguments, containers keep their shape, the rest is structure."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from oneform.frontend.capture import Capture, Dependency, Item, Shape, is_container, leaf_of, reader
from oneform.frontend.source import Source, global_value
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Num, Place, Py, Ref, Seq, changes, number
from oneform.ir import Value
from oneform.tree import Leaf
from oneform.types import Array, Scalar

Read = Callable[[], Any]


def lift_name(t: Tracer, source: Source, name: str) -> Abstract | None:
    """A free name of a function: what it is in Python now."""
    found = global_value(source, name)
    if found is None:
        return None
    namespace, key, obj = found
    return lift_member(t, namespace, key, obj, name)


def lift_member(t: Tracer, namespace: Any, key: str, obj: Any, name: str) -> Abstract:
    """`key` of a namespace: a dict of globals, a closure cell, or an object with attributes."""
    t.keep.append(namespace)
    return lift(t, obj, name, (id(namespace), key), reader(namespace, key))


def lift(t: Tracer, obj: Any, name: str, key: tuple[Any, ...], read: Read) -> Abstract:
    leaf = leaf_of(obj, t.fresh_symbol)
    if leaf is not None:
        return captured(t, name, key, read, leaf)
    if isinstance(obj, int) and not isinstance(obj, bool):
        t.refuse("E301", f"the integer {name} does not fit 64 bits")
    if isinstance(obj, (np.ndarray, np.generic)):
        repair = "Convert it to bool, int32, int64, float32, float64, complex64 or complex128."
        t.refuse("E401", f"{name} has dtype {obj.dtype}, which the compiler does not take", None, repair)
    if is_container(obj):
        depend(t, name, key, read, obj, shape_only=True)
        return _container(t, obj, name, key, read)
    depend(t, name, key, read, obj)
    return Py(obj)


def _container(t: Tracer, obj: Any, name: str, key: tuple[Any, ...], read: Read) -> Abstract:
    known = t.captured_boxes.get(key)
    if known is None:
        found = _contents(t, obj, name, key, read)
        changing = found.kind in ("list", "dict") or (found.kind == "record" and changes(type(obj)))
        known = t.captured_boxes[key] = Ref(Place(Box(name, found.kind, found, "global"))) if changing else found
    return known


def _contents(t: Tracer, obj: Any, name: str, key: tuple[Any, ...], read: Read) -> Seq:
    """The numbers, arrays and objects in a container."""
    if isinstance(obj, dict):
        items: dict[Any, Any] = obj
        kids = [lift(t, v, f"{name}[{k!r}]", (*key, k), Item(read, k)) for k, v in items.items()]
        return Seq("dict", tuple(kids), tuple(items))
    fields: Any = getattr(type(obj), "_fields", None)
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        fields = tuple(f.name for f in dataclasses.fields(obj))
    if fields is not None:
        kids = [lift(t, getattr(obj, n), f"{name}.{n}", (*key, n), Item(read, n, field=True)) for n in fields]
        return Seq("record", tuple(kids), (type(obj), tuple(fields)))
    sequence: Any = obj
    kids = [lift(t, v, f"{name}[{k}]", (*key, k), Item(read, k)) for k, v in enumerate(sequence)]
    return Seq("list" if isinstance(obj, list) else "tuple", tuple(kids))


def depend(t: Tracer, name: str, key: tuple[Any, ...], read: Read, obj: Any, shape_only: bool = False) -> None:
    """The compiled code is valid as long as this piece of structure is what it is now."""
    if key in t.dependencies:
        return
    if shape_only:
        shape = Shape(read)
        t.dependencies[key] = Dependency(name, key, shape, shape())
    else:
        t.dependencies[key] = Dependency(name, key, read, obj)


def depend_on_class(t: Tracer, cls: type) -> None:
    """The compiled code is valid as long as the methods of this class are what they are now."""
    module = vars(sys.modules[cls.__module__]) if cls.__module__ in sys.modules else {}
    if module.get(cls.__name__) is cls:
        depend(t, cls.__name__, (id(cls), "methods"), reader(module, cls.__name__), cls)
    else:  # no other process finds it
        depend(t, cls.__name__, (id(cls), "methods"), reader(cls, "__qualname__"), cls.__qualname__)


def captured(t: Tracer, name: str, key: tuple[Any, ...], read: Read, leaf: Leaf) -> Num | Arr:
    """The hidden argument for one variable; one for all uses."""
    found = t.captures.get(key)
    if found is None:
        found = (Capture(name, key, read, leaf), t.root.param(leaf.type))
        t.captures[key] = found
        t.declare_symbols(leaf.type)
        if isinstance(leaf.type, Array):
            t.captured_cells[key] = Cell(name, leaf.type.dtype, leaf.type.rank, found[1], "global")
        else:
            t.at_root(found[1])
    capture, value = found
    if isinstance(capture.leaf.type, Array):
        return Arr(t.captured_cells[key])
    assert isinstance(value, Value) and isinstance(capture.leaf.type, Scalar)
    return Num(capture.leaf.type.dtype, capture.leaf.weak, value, arrays=frozenset({name}) if isinstance(read(), np.ndarray) else frozenset())


def constant_object(t: Tracer, obj: Any, name: str, key: tuple[Any, ...], read: Read) -> Abstract:
    """As `lift`, but Python numbers are constants of the program: default arguments, constants of math and numpy."""
    if isinstance(obj, (bool, int, float, complex)) and not isinstance(obj, np.generic):
        depend(t, name, key, read, obj)
        return number(obj)
    return lift(t, obj, name, key, read)


def structure(t: Tracer, obj: Any) -> Abstract:
    """A literal object."""
    return number(obj) if isinstance(obj, (bool, int, float, complex)) else Py(obj)


