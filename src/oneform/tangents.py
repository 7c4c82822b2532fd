"""Tangents and cotangents: checked against what they belong to, and brought into the form in which compiled code takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneform.derivatives import has_columns, masked
from oneform.errors import DerivativeError
from oneform.staging import Compiled
from oneform.tree import Tree, flatten, spread, unflatten


@dataclass(frozen=True)
class Form:
    """What the tangents of a value look like: its structure, item by item and object by object, with leaves that hold no memory.

    Compiled code sees numbers in run-time lists and in objects of recursive classes as elements of columns, whose order is its own. `places` has
    for each leaf where it lies among all elements of all columns (None for one without derivative); it is None where compiled code sees the leaves as they are.
    """

    tree: Tree
    leaves: Sequence[Any]
    places: Sequence[tuple[int, slice] | None] | None = None
    columns: Sequence[Any] = ()

    def tangents(self, given: Any, what: str, of: str) -> Any:
        """What compiled code takes for the tangents `given`: their structure, with None where there is no derivative, or else the columns with a
        derivative, one after the other; elements that the value does not show (objects that it does not reach) are zero. Raises DerivativeError
        E202 if structure, shape or dtype do not fit."""
        found: list[Any] = []
        _collect(given, self.tree, found, what, of, {})
        if self.places is None:
            own = [_tangent(t, x, f"leaf {n} of the {what}", of) if is_active(x) else None for n, (t, x) in enumerate(zip(found, self.leaves, strict=True))]
            return unflatten(self.tree, iter(own))
        flat = [np.zeros(c.shape, c.dtype) for c in self.columns]
        for n, (t, x, place) in enumerate(zip(found, self.leaves, self.places, strict=True)):
            if place is not None:
                column, elements = place
                if not is_active(x):  # an integer among floats, which is one of them
                    t, x = t or 0.0, float(x)
                flat[column].reshape(-1)[elements] = np.ravel(_tangent(t, x, f"leaf {n} of the {what}", of))
        return tuple(flat)

    def call(self, function: Compiled, points: tuple[Any, ...], given: Any, what: str, of: str) -> Any:
        """The product with the tangents `given`, at `points`. Columns are in the order in which Python takes arguments apart, not compiled entries."""
        own = self.tangents(given, what, of)
        return function(points, own) if self.places is None else function.call((points, own), {})


def form_of(x: Any) -> Form:
    """The form of the tangents of an argument, or of a tuple of them."""
    leaves: list[Any] = []
    return _form(x, flatten(x, leaves), leaves)


def form_of_result(tree: Tree | None, found: Any) -> tuple[Any, Form]:
    """What a call of compiled code returned, from `Compiled.leaves`, and the form of its tangents."""
    if tree is None:
        return found, form_of_plain(found)
    out = unflatten(tree, iter(found))
    return out, _form(out, tree, found)


def form_of_plain(x: Any) -> Form:
    """The form of a value that compiled code sees as it is."""
    leaves: list[Any] = []
    tree = spread(x, leaves)
    return Form(tree, [_bare(leaf) for leaf in leaves])


def _form(x: Any, tree: Tree, columns: Sequence[Any]) -> Form:
    """The form of x, which compiled code sees as these columns: x is made once more, with numbers that say where they lie."""
    if not has_columns(tree):
        return form_of_plain(x)
    plain = form_of_plain(x)
    arrays = [np.asarray(c) for c in columns]
    active = [is_active(c) for c in columns]
    starts = np.cumsum([0, *(a.size for a, moves in zip(arrays, active, strict=True) if moves)])
    marks = iter(starts)
    numbered = [np.arange(s := next(marks), s + a.size).reshape(a.shape) if moves else a for a, moves in zip(arrays, active, strict=True)]
    shown, kept = masked(tree, active)
    marked: list[Any] = []
    _collect(unflatten(shown, iter([numbered[k] for k in kept])), plain.tree, marked, "", "", {})
    own = [_bare(a) for a, moves in zip(arrays, active, strict=True) if moves]
    return Form(plain.tree, plain.leaves, [_place(m, starts) for m in marked], own)


def _place(mark: Any, starts: Any) -> tuple[int, slice] | None:
    """Which column a leaf lies in, and which of its elements it is."""
    if mark is None:
        return None
    first, size = int(np.min(mark, initial=starts[-1])), np.size(mark)
    column = int(np.searchsorted(starts, first, "right")) - 1 if size else 0
    return column, slice(first - int(starts[column]), first - int(starts[column]) + size)


def _bare(leaf: Any) -> Any:
    """A leaf that holds no memory: its shape and dtype."""
    return np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape) if isinstance(leaf, np.ndarray) else leaf


def has_derivative(x: Any) -> bool:
    leaves: list[Any] = []
    spread(x, leaves)
    return any(is_active(leaf) for leaf in leaves)


def is_active(leaf: Any) -> bool:
    """Whether a leaf of an argument or result has a derivative."""
    return isinstance(leaf, (float, complex)) or (not isinstance(leaf, (bool, int)) and np.asarray(leaf).dtype.kind in "fc")


def _collect(given: Any, tree: Tree, found: list[Any], what: str, of: str, met: dict[int, Any]) -> None:
    """The tangents' leaves by the model's structure: None may stand for a leaf, or for a container without derivatives."""
    if tree.kind == "again":
        if given is not None and given is not met[tree.meta]:
            detail = f"the {what} have two different objects where the {of} have one object twice"
            raise DerivativeError("E202", detail, repair="Put one object in both places, as of.grad does.")
        return
    if tree.kind == "shared":
        met[tree.meta] = given
        _collect(given, tree.children[0], found, what, of, met)
        return
    if tree.kind == "leaf" or given is None:
        found += [given] * tree.leaves
        return
    probe = spread(given, [])
    probe = probe.children[0] if probe.kind == "shared" else probe
    names = tree.meta[1] if tree.kind == "record" else tree.meta
    if probe.kind != tree.kind or len(probe.children) != len(tree.children) or (probe.meta[1] if probe.kind == "record" else probe.meta) != names:
        raise DerivativeError("E202", f"the {what} are {_shape(probe)} where the {of} are {_shape(tree)}")
    for item, child in zip(children(given, tree), tree.children, strict=True):
        _collect(item, child, found, what, of, met)


def pairs(x: Any, u: Any) -> list[tuple[Any, Any]]:
    """The leaves of x with those of u, which may have None for a leaf."""
    leaves: list[Any] = []
    tree = spread(x, leaves)
    found: list[Any] = []

    def walk(t: Tree, v: Any) -> None:
        if t.kind == "shared":
            walk(t.children[0], v)
        elif t.kind == "leaf" or v is None:
            found.extend([v] * t.leaves)
        else:
            for child, item in zip(t.children, children(v, t), strict=True):
                walk(child, item)

    walk(tree, u)
    return list(zip(leaves, found, strict=True))


def children(x: Any, tree: Tree) -> list[Any]:
    """The members of a container with this structure, in the order of `spread`."""
    if not tree.children:
        return []
    if tree.kind == "record":
        return [getattr(x, n) for n in tree.meta[1]]
    return list(x.values()) if tree.kind == "dict" else list(x)


def _shape(tree: Tree) -> str:
    return "a number or array" if tree.kind == "leaf" else "None" if tree.kind == "none" else f"a {tree.kind} of {len(tree.children)}"


def _tangent(t: Any, x: Any, what: str, of: str) -> Any:
    """One tangent in the type of its primal: shapes must be equal, a Python number may stand for any float, a complex one for complex ones."""
    if t is None:
        raise DerivativeError("E202", f"{what} is None, but the {of} have a float there")
    if not isinstance(t, (bool, int, float, complex, np.generic, np.ndarray)):
        t = np.asarray(t)
    shape, wanted = np.asarray(t).shape, np.shape(x)
    if shape != wanted:
        raise DerivativeError("E202", f"{what} has shape {shape} where the {of} have shape {wanted}")
    kind = np.asarray(t).dtype
    dtype = np.asarray(x).dtype.newbyteorder("=")
    python = isinstance(t, (bool, int, float) if dtype.kind == "f" else (bool, int, float, complex))  # float64 and complex128 are such, too
    if not python and kind.newbyteorder("=") != dtype:
        raise DerivativeError("E202", f"{what} is {kind} where the {of} are {dtype}")
    if isinstance(x, np.ndarray) and x.ndim:
        return np.ascontiguousarray(t, dtype)
    number: Any = t
    return type(x)(number) if type(x) in (float, complex) else dtype.type(number)
