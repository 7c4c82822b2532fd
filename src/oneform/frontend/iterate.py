"""What a loop runs over: a trip count and the item at an index, or a list of items known now."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass

from oneform.frontend.arrays import load, rank, whole
from oneform.frontend.forms import RowsForm
from oneform.frontend.index import at_index
from oneform.frontend.lift import structure
from oneform.frontend.objects import is_list, item_at, known_item, list_length, many_numbers, read_only, row_item
from oneform.frontend.passing import see
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import Abstract, Arr, Generator, Num, Range, Ref, Seq, Walk, Yields, describe, number
from oneform.frontend.written.sets import Set
from oneform.ops import make
from oneform.types import I64


@dataclass
class Iteration:
    """`unroll`: the items, where they are known now. A list among what is iterated over may change on the way: see loops._for, unroll.unroll."""

    trip: Num | None
    item: Callable[[Num], Abstract]
    unroll: list[Abstract] | None = None

    @property
    def counted(self) -> list[Abstract] | None:
        """The items, where their number is known now and small: for what must be structure, as tuples are."""
        if self.unroll is not None or self.trip is None or self.trip.known is None or self.trip.known > LARGEST_TUPLE:
            return self.unroll
        return [self.item(number(k)) for k in range(int(self.trip.known))]


LARGEST_TUPLE = 1000


def unrolled(items: list[Abstract]) -> Iteration:
    return Iteration(number(len(items)), lambda i: items[int(i.known or 0)], items)


def iteration(t: Tracer, x: Abstract, node: ast.AST | None = None) -> Iteration:
    """How to iterate over an abstract value."""
    if isinstance(x, Range):
        return Iteration(trip_count(t, x), lambda i: range_item(t, x, i))
    if isinstance(x, Seq):
        return unrolled([structure(t, k) for k in x.meta] if x.kind == "dict" else list(x.items))
    if isinstance(x, Ref):
        return _of_object(t, x, node)
    if isinstance(x, Arr):
        if rank(x) == 0:
            t.refuse("E101", "a number cannot be iterated over", node)
        return Iteration(whole(t, x).lengths[0], lambda i: load(t, at_index(t, x, i)))
    if isinstance(x, Walk):
        return _walk(t, x, node)
    repair = "Make a list of it first." if isinstance(x, (Generator, Yields)) else ""
    t.refuse("E101", f"{describe(x)} cannot be iterated over here", node, repair)


def _of_object(t: Tracer, x: Ref, node: ast.AST | None) -> Iteration:
    """Items of a list, keys of a dict."""
    if is_list(t, x):
        inner = see(t, x)
        if isinstance(inner, Seq) and not many_numbers(t, inner):
            return unrolled(list(inner.items))
        if isinstance(x.form, RowsForm) and x.form.item is None:  # a list in a row, and nothing in any of them
            return unrolled([])
        return Iteration(list_length(t, x), lambda i: known_item(t, x, i))
    inner = see(t, x)
    assert isinstance(inner, Seq)
    if inner.kind == "record" and inner.meta[0] is Set:
        t.refuse("E006", "in which order a set is gone through is known to Python only", node, "Go through sorted(s), or keep a list beside the set.")
    if inner.kind == "record":
        t.refuse("E101", f"{describe(inner)} cannot be iterated over", node)
    return iteration(t, inner.items[0] if inner.kind == "hash" else inner, node)


def _walk(t: Tracer, x: Walk, node: ast.AST | None) -> Iteration:
    parts = [iteration(t, p, node) for p in x.parts]
    if x.kind == "iter":
        return parts[0]
    if x.kind == "reversed":
        return _reversed(t, parts[0])
    if any(p.unroll is not None for p in parts) and not _all_known(parts):
        parts = [p if p.unroll is None else _by_index(t, own, p, node) for own, p in zip(x.parts, parts, strict=True)]
    if any(p.unroll is not None for p in parts):
        count = min(len(p.unroll) if p.unroll is not None else int(p.trip.known or 0) if p.trip else 0 for p in parts)
        columns = [p.unroll[:count] if p.unroll is not None else [p.item(number(k)) for k in range(count)] for p in parts]
        rows = [list(row) for row in zip(*columns, strict=True)]
        if x.kind == "enumerate":
            start = x.start or number(0)
            return unrolled([Seq("tuple", (t.iadd(start, k), *row)) for k, row in enumerate(rows)])
        return unrolled([Seq("tuple", tuple(row)) for row in rows])
    if x.kind == "enumerate":
        inner, start = parts[0], x.start or number(0)
        return Iteration(inner.trip, lambda i: Seq("tuple", (t.iadd(start, i), inner.item(i))))
    trip = parts[0].trip
    for p in parts[1:]:
        assert trip is not None and p.trip is not None
        trip = t.imin(trip, p.trip)
    return Iteration(trip, lambda i: Seq("tuple", tuple(p.item(i) for p in parts)))


def _all_known(parts: list[Iteration]) -> bool:
    return all(p.unroll is not None or (p.trip is not None and p.trip.known is not None) for p in parts)


def _by_index(t: Tracer, x: Abstract, p: Iteration, node: ast.AST | None) -> Iteration:
    """A tuple or list whose items are known, beside something whose length is not: its items must be of one kind."""
    assert p.unroll is not None
    if isinstance(x, Ref) and is_list(t, x):
        return Iteration(p.trip, lambda i: item_at(t, x, i))  # whose objects may be changed there
    items = Seq("tuple", tuple(p.unroll))
    return Iteration(p.trip, lambda i: row_item(t, read_only(t, items), i))


def _reversed(t: Tracer, inner: Iteration) -> Iteration:
    if inner.unroll is not None:
        return unrolled(inner.unroll[::-1])
    trip = inner.trip
    assert trip is not None
    last = t.isub(trip, 1)
    return Iteration(trip, lambda i: inner.item(t.isub(last, i)))


def range_item(t: Tracer, r: Range, i: Num) -> Num:
    return t.iadd(r.start, t.imul(i, r.step))


def trip_count(t: Tracer, r: Range) -> Num:
    """len(range(start, stop, step))"""
    step = r.step
    if step.known is not None:
        k = int(step.known)
        if k == 0:
            t.check(number(False), "ValueError", "range() arg 3 must not be zero")
            raise PathEnds
        distance = t.isub(r.stop, r.start) if k > 0 else t.isub(r.start, r.stop)
        steps = t.floor_divide(t.iadd(distance, abs(k) - 1), abs(k)) if abs(k) > 1 else distance
        return t.positive(steps)
    zero = t.op(operator.ne, t.value(step, I64), t.value(number(0), I64))
    make.check(t.b, zero, "ValueError", "range() arg 3 must not be zero")
    # len = ceil((stop - start) / step) = -floor((start - stop) / step) for either sign of step
    quotient = t.op(operator.floordiv, t.value(t.isub(r.start, r.stop), I64), t.value(step, I64))
    return t.imax(t.isub(number(0), t.integer(quotient)), number(0))

