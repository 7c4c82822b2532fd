"""Whether two abstract values are surely the same at run time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oneform.frontend.values import Arr, Attr, Cell, Choice, Fn, Maybe, Method, Num, Opt, Place, Pullback, Py, Range, Ref, RowCell, Seq, Text, View


def same(a: Any, b: Any) -> bool:
    """Whether two abstract values are surely the same at run time."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, Num):
        if a.arrays != b.arrays:
            return False
        if a.known is not None:
            return type(a.known) is type(b.known) and a.dtype == b.dtype and a.weak == b.weak and (a.known == b.known and str(a.known) == str(b.known))
        return a.value is b.value and b.value is not None and a.weak == b.weak
    if isinstance(a, Arr):
        return same_memory(a.cell, b.cell) and same_view(a.view, b.view)
    if isinstance(a, Ref):
        return same_place(a.place, b.place) and a.form == b.form and a.token is b.token
    if isinstance(a, Seq):
        return a.kind == b.kind and a.meta == b.meta and len(a.items) == len(b.items) and all(map(same, a.items, b.items))
    if isinstance(a, Py):
        return a.obj is b.obj or (isinstance(a.obj, (str, bytes)) and a.obj == b.obj)
    return _same_structure(a, b)


def _same_structure(a: Any, b: Any) -> bool:
    if isinstance(a, Fn):
        held = same_mapping(a.captured, b.captured) if a.captured is not None and b.captured is not None else a.captured is b.captured
        return held and a.source.node is b.source.node and _same_frame(a.frame, b.frame) and same_mapping(a.defaults, b.defaults)
    if isinstance(a, Choice):
        return same(a.tag, b.tag) and len(a.options) == len(b.options) and all(map(same, a.options, b.options))
    if isinstance(a, Method):
        return same(a.function, b.function) and len(a.args) == len(b.args) and all(map(same, a.args, b.args)) and same_mapping(a.kwargs, b.kwargs)
    if isinstance(a, Pullback):
        return a.code is b.code and all(map(same, a.items, b.items))
    if isinstance(a, Attr):
        return a.name == b.name and same(a.owner, b.owner)
    if isinstance(a, Range):
        return same(a.start, b.start) and same(a.stop, b.stop) and same(a.step, b.step)
    if isinstance(a, Maybe):
        return same(a.item, b.item) and same(a.bound, b.bound)
    if isinstance(a, Opt):
        return same(a.item, b.item) and same(a.there, b.there)
    if isinstance(a, Text):
        return same(a.code, b.code)
    return False


def same_memory(a: Cell, b: Cell) -> bool:
    """Whether two cells are surely one piece of memory."""
    return a is b or (isinstance(a, RowCell) and isinstance(b, RowCell) and a.token is b.token and same_place(a.place, b.place))


def same_place(a: Place, b: Place) -> bool:
    return a.box is b.box and a.fields == b.fields and all(map(same, a.indices, b.indices))


def _same_frame(a: Any, b: Any) -> bool:
    """Whether two frames hold the same names: lowering the body of a loop again makes a call's frame anew, under the path of the old one."""
    return a is b or (a is not None and b is not None and a.path == b.path and _same_frame(a.parent, b.parent))


def same_mapping(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)


def same_view(a: View | None, b: View | None) -> bool:
    if a is None or b is None:
        return a is b
    return same_skeleton(a, b) and all(map(same, view_numbers(a), view_numbers(b)))


def same_skeleton(a: View, b: View) -> bool:
    """Whether two views differ in numbers only."""
    if (a.base is None) != (b.base is None) or len(a.axes) != len(b.axes) or len(a.shape) != len(b.shape):
        return False
    return all(x.out == y.out for x, y in zip(a.axes, b.axes, strict=True))


def view_numbers(v: View) -> list[Num]:
    """The numbers in a view, in a fixed order."""
    return [n for a in v.axes for n in (a.start, a.step)] + list(v.lengths) + list(v.base.lengths if v.base else ())
