"""Paths into lists: what they lead to, in types and in the interpreter's values.

A path is a row index per list on the way and, in the attribute `fields`, which column of the row to go on with; where it ends at an
array, further indices name an element of it. So `xs[i].weights[j] = v` is one write into `xs`, whatever else the list holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oneform.ir import mismatch
from oneform.ops.array import i64_operands
from oneform.types import Array, List, Scalar, Type, carries_derivative

Types = tuple[Type, ...]
Fields = tuple[int, ...]


def list_of(t: Type) -> List:
    if not isinstance(t, List):
        raise mismatch(f"a list is needed, not {t}")
    return t


def at_path(t: Type, fields: Fields) -> Type:
    """The type of what a path leads to."""
    for f in fields:
        items = list_of(t).items
        if not 0 <= f < len(items):
            raise mismatch(f"{t} has no column {f}")
        t = items[f]
    return t


def tangent_list(t: List) -> List:
    """The list of tangents: its columns that have some."""
    return List(tuple(tangent_list(i) if isinstance(i, List) else i for i in t.items if carries_derivative(i)))


def tangent_fields(t: List, fields: Fields) -> Fields | None:
    """The same path in the list of tangents; None if it leads to what has none."""
    out: list[int] = []
    here: Type = t
    for f in fields:
        items = list_of(here).items
        if not carries_derivative(items[f]):
            return None
        out.append(sum(map(carries_derivative, items[:f])))
        here = items[f]
    return tuple(out)


def path_types(types: Types, fields: Fields) -> tuple[Type, int]:
    """What the operands (list, indices...) lead to, and how many indices go into an array."""
    target = at_path(list_of(types[0]), fields)
    i64_operands(types[1:], "an index")
    rest = len(types) - 1 - len(fields)
    if rest and not (isinstance(target, Array) and rest == target.rank and fields):
        raise mismatch(f"the path {list(fields)} into {types[0]} takes {len(fields)} indices, not {len(types) - 1}")
    return (Scalar(target.dtype) if rest and isinstance(target, Array) else target), rest


# ---------------------------------------------------------------- reference values: a list is a list of rows, a row a tuple; none is changed


def changed(s: Any, indices: Sequence[Any], fields: Fields, change: Any) -> Any:
    """A list that differs at the place that a path leads to."""
    if not fields:
        return change(s) if not indices else _with_element(s, tuple(map(int, indices)), change)
    k, f = int(indices[0]), fields[0]
    row = s[k]
    return [*s[:k], (*row[:f], changed(row[f], indices[1:], fields[1:], change), *row[f + 1 :]), *s[k + 1 :]]


def _with_element(a: Any, index: tuple[int, ...], change: Any) -> Any:
    new = a.copy()
    new[index] = change(a[index])
    return new


def inner(s: Any, indices: Sequence[Any], fields: Fields) -> Any:
    """What is at a path."""
    for i, f in zip(indices, fields, strict=False):
        s = s[int(i)][f]
    rest = indices[len(fields) :]
    return s[tuple(map(int, rest))] if rest else s
