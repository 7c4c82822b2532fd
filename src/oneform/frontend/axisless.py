"""Arrays without axes, which are numbers here. In NumPy they are memory: `v = out; v += 3` changes `out`, and an element taken with an ellipsis
shows its array. A number remembers where such an array may have been made; who changes one in place must be the only one to hold it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from oneform.frontend.forms import Form, NumForm, SeqForm
from oneform.frontend.living import after, needed
from oneform.frontend.state import Var
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Memory, Num, RowCell, Rows, inside

REPAIR = "Give it one axis, np.zeros(1), and write to its element; or bind a new number: x = x + 1."


def made(t: Tracer, x: Num, node: ast.AST) -> Num:
    """A new array without axes, known by where it is made."""
    return x if x.arrays or x.weak else replace(x, arrays=frozenset({(t.here.path, t.unrolled, node.lineno, node.col_offset)}))  # type: ignore[attr-defined]


def shown_element(t: Tracer, x: Num, a: Arr) -> Num:
    """`x` as an array without axes that shows an element of `a`."""
    root = _root(a.cell)
    t.shown.add(root)
    return replace(x, arrays=a.cell.arrays or frozenset({root}))


def _root(cell: Cell) -> Memory:
    return cell.place.box if isinstance(cell, RowCell) else cell


# ---------------------------------------------------------------- changes


def changed(t: Tracer, old: Num, new: Abstract, place: Var | None) -> Abstract:
    """What `old op= …` binds: refused if others would see the change. `place`: the variable that has `old`, if it is not in a container."""
    if not old.arrays or not isinstance(new, Num):
        return new
    own: set[Any] = set()
    for where in old.arrays:
        if isinstance(where, (Cell, Box)):
            _refuse(t, f"an element of {where.name or 'an array'} is changed through an array without axes", where.name)
        if isinstance(where, str):
            _refuse(t, f"the array {where} has no axes, and is changed in place")
        if isinstance(where, int):  # a number, or such an array: the call knows
            t.numbers_only[where] = None
        else:
            own.add(where)
    if own and sum(not own.isdisjoint(found) for found in _held(t, place)) > (place is None):
        _refuse(t, "an array without axes is changed in place, and another name, or what holds it, would show the change")
    return replace(new, arrays=old.arrays)


def written(t: Tracer, cell: Cell) -> None:
    """A write to an array: no number may be an element of it that NumPy would show as it is now."""
    root = _root(cell)
    if root in t.shown and any(root in found for found in _held(t)):
        _refuse(t, f"{root.name or 'an array'} is changed, and an array without axes would show that", root.name)


def check_no_number(t: Tracer, a: Arr) -> None:
    """A write to an array that shows an array without axes."""
    if a.cell.arrays:
        _refuse(t, "an array without axes is changed through an array that shows it")


def _refuse(t: Tracer, detail: str, name: str = "") -> None:
    t.refuse("E105", detail, None, f"Index {name or 'the array'} without the ellipsis, or take a copy." if name else REPAIR)


# ---------------------------------------------------------------- who holds one


def _held(t: Tracer, but: Var | None = None) -> Iterator[frozenset[Any]]:
    """The arrays without axes that names (all but one), what they hold, and operands may be, one by one."""
    live = after(t, t.here.statement) if t.frame is not None and t.here.statement is not None else None
    for key, x in t.state.slots.items():
        if isinstance(x, Rows):
            yield from _in_form(x.item)
        elif key != but and needed(t, key, live):
            yield from _within(x)
    for x in t.held:
        yield from _within(x)


def _within(x: Any) -> Iterator[frozenset[Any]]:
    if isinstance(x, Num):
        if x.arrays:
            yield x.arrays
    elif isinstance(x, Arr):
        if x.cell.arrays:
            yield x.cell.arrays
    else:
        for i in inside(x):
            yield from _within(i)


def _in_form(form: Form | None) -> Iterator[frozenset[Any]]:
    """Rows of a list: more than one of them may be the same array."""
    if isinstance(form, NumForm) and form.arrays:
        yield form.arrays
        yield form.arrays
    elif isinstance(form, SeqForm):
        for f in form.items:
            yield from _in_form(f)
