"""Axes for nested values, as of.vmap takes them: a number or None for each array, or for all arrays in a container."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from oneform.errors import ArgumentError
from oneform.tree.nesting import NONE, Tree, field_names


def axes_tree(x: Any, what: str) -> Tree:
    """The nesting of in_axes or out_axes, its leaves of kind "axis" (meta: the axis) or "none". ArgumentError E401 for anything else."""
    if x is None:
        return NONE
    if isinstance(x, (tuple, list)) and not hasattr(x, "_fields"):
        items: Sequence[Any] = x
        return Tree("tuple" if isinstance(x, tuple) else "list", tuple(axes_tree(i, what) for i in items))
    if isinstance(x, dict):
        found: dict[Any, Any] = x
        return Tree("dict", tuple(axes_tree(i, what) for i in found.values()), tuple(found))
    names: tuple[str, ...] | None = getattr(x, "_fields", None) or field_names(x)
    if names is not None:
        return Tree("record", tuple(axes_tree(getattr(x, n), what) for n in names), (type(x), names))
    try:
        axis: Any = None if isinstance(x, bool) else x
        return Tree("axis", (), operator.index(axis))
    except TypeError:
        raise ArgumentError("E401", f"{what} is made of integers, None and containers of them, not {type(x).__name__} objects") from None
