"""Values in the structure and the types of others: what the rules of custom derivatives return, and the cotangents given to a pullback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from oneform.frontend.arrays import load, new_array, open_lengths, read, require_equal, shape
from oneform.frontend.containers import from_leaves
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import NONE, Abstract, Arr, Num, Py, Seq, describe
from oneform.ir import Value
from oneform.ops import constant, make
from oneform.tree import Tree
from oneform.types import Array, Dim, Scalar, Type, element, shape_of


class Fit:
    """`misfit(detail, repair)` refuses what does not fit; `by` says in a run-time check whose array has the wrong length."""

    def __init__(self, t: Tracer, misfit: Callable[..., NoReturn], by: str):
        self.t, self.misfit, self.by = t, misfit, by

    def leaves_like(self, tree: Tree, x: Abstract, what: str) -> list[Num | Arr | None]:
        """The leaves of a tangent by the structure of what it belongs to; None may stand for a leaf or a container."""
        if isinstance(x, Py) and x.obj is None:
            return [None] * tree.leaves
        if tree.kind == "leaf" and isinstance(x, (Num, Arr)):
            return [x]
        if tree.kind in ("none", "static"):
            return []
        if not isinstance(x, Seq) or x.kind != tree.kind or len(x.items) != len(tree.children) or (x.kind == "dict" and x.meta != tree.meta):
            self.misfit(f"{what} is {describe(x)}, which has another structure than what it belongs to")
        return [n for child, item in zip(tree.children, x.items, strict=True) for n in self.leaves_like(child, item, what)]

    def shaped(self, x: Arr, wanted: Sequence[tuple[Dim, Num]], what: str) -> Value:
        """An array with dimensions that it must have: checked at run time where that is not known."""
        t = self.t
        dims, lengths = shape(t, x)
        if len(dims) != len(wanted) or any(isinstance(d, int) and isinstance(e, int) and d != e for d, (e, _) in zip(dims, wanted, strict=True)):
            self.misfit(f"{what} has shape {list(dims)} instead of {[d for d, _ in wanted]}")
        for own, want in zip(zip(dims, lengths, strict=True), wanted, strict=True):
            message = f"{what}{self.by} has length {{0}} instead of {{1}}"
            require_equal(t, own, want, message, [own[1], want[1]])
        v = read(t, x)
        target = tuple(d for d, _ in wanted)
        if shape_of(v.type) == target:
            return v
        return make.broadcast(t.b, v, target, open_lengths(t, target, [n for _, n in wanted]))

    def moved(self, x: Num | Arr | None, k: Type, lengths: Sequence[Num], what: str) -> Value:
        """A tangent or cotangent as a value of type `k`, whose dimensions are `lengths` at run time; None is zero."""
        t = self.t
        if x is None:
            zero = constant(t.b, 0, element(k))
            return make.full(t.b, zero, shape_of(k), open_lengths(t, shape_of(k), lengths)) if isinstance(k, Array) else zero
        x = load(t, x) if isinstance(x, Arr) else x
        if isinstance(x, Num) and isinstance(k, Scalar) and convertible(x, k):
            return t.value(x, k.dtype)
        if isinstance(x, Arr) and isinstance(k, Array) and x.cell.dtype == k.dtype:
            return self.shaped(x, list(zip(k.shape, lengths, strict=True)), what)
        self.misfit(f"{what} is {describe(x)} where {k} is expected")


# ---------------------------------------------------------------- containers


def is_static(n: Num | Arr) -> bool:
    """An integer or bool known now: structure may depend on it, so it is no parameter."""
    return isinstance(n, Num) and n.known is not None and n.dtype.kind in "bi"


def leaves_of(x: Abstract) -> list[Num | Arr]:
    """The numbers and arrays in a container; functions and other objects have none."""
    if isinstance(x, (Num, Arr)):
        return [x]
    return [n for i in x.items for n in leaves_of(i)] if isinstance(x, Seq) else []


def rebuilt(x: Abstract, leaf: Callable[[Num | Arr], Abstract]) -> Abstract:
    """The container with other numbers and arrays."""
    if isinstance(x, (Num, Arr)):
        return leaf(x)
    return Seq(x.kind, tuple(rebuilt(i, leaf) for i in x.items), x.meta) if isinstance(x, Seq) else x


def structure(x: Abstract) -> Tree:
    """The nesting of an argument; whatever is no number, array or container counts as None."""
    if isinstance(x, (Num, Arr)):
        return Tree("leaf")
    return Tree(x.kind, tuple(map(structure, x.items)), x.meta) if isinstance(x, Seq) else Tree("none")


def with_none(t: Tracer, tree: Tree, leaves: Sequence[Num | Arr | None]) -> Abstract:
    """The container with None for the leaves that are None."""
    it: Iterator[Any] = iter([NONE if n is None else n for n in leaves])
    return from_leaves(t, tree, it)


def wrapped(t: Tracer, values: Sequence[Value], weak: Sequence[bool]) -> Iterator[Num | Arr]:
    """IR values as numbers and new arrays."""
    for v, w in zip(values, weak, strict=True):
        yield Num(v.type.dtype, w, v) if isinstance(v.type, Scalar) else new_array(t, v)


def value_of(t: Tracer, n: Num | Arr) -> Value:
    return t.value(n) if isinstance(n, Num) else read(t, n)


def convertible(x: Num, k: Scalar) -> bool:
    """Whether a number may stand for one of this type: of the same kind, or a Python integer for a float."""
    return x.dtype.kind in ("bi" if x.weak else "") + k.dtype.kind


def open_axes(t: Tracer, x: Num | Arr) -> list[Num]:
    """The lengths of an array's axes that are no number."""
    dims, lengths = shape(t, x)
    return [n for d, n in zip(dims, lengths, strict=True) if not isinstance(d, int)]
