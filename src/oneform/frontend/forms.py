"""Where two paths meet: the form that both their values of a slot fit, and how a value is passed through it as IR values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from oneform.errors import CompileError, Location
from oneform.frontend.arrays import array_type, read
from oneform.frontend.numbers import promoted
from oneform.frontend.state import State
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import (
    ANYTHING,
    FALSE,
    TRUE,
    UNBOUND,
    Arr,
    Axis,
    Base,
    Cell,
    Maybe,
    Missing,
    Num,
    Poison,
    Seq,
    View,
    describe,
    same,
    same_skeleton,
    same_view,
    view_numbers,
)
from oneform.ir import Value
from oneform.ops import make
from oneform.types import ANY, BOOL, I64, Array, Dim, DType, Scalar, Type, join, same_dim


@dataclass(frozen=True)
class NumForm:
    dtype: DType
    weak: bool


@dataclass(frozen=True, eq=False)
class Keep:
    """The same on both paths: nothing is passed."""

    item: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Keep) and same(self.item, other.item)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class ViewForm:
    """One cell, a path of one shape: the numbers in the path are passed."""

    cell: Cell
    outs: tuple[int | None, ...]
    shape: tuple[Dim, ...]
    base: tuple[Dim, ...] | None
    numbers: tuple[Form, ...]


@dataclass(frozen=True)
class CellForm:
    """Different memory on the two paths: the contents are passed, and the name holds memory of its own from here on."""

    type: Array
    name: str
    pair: tuple[Cell | None, Cell | None]
    clean: bool  # nobody else holds one of the pair, so that no other name can be the same memory

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CellForm) and self.type == other.type and self.clean == other.clean

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class VersionForm:
    """The contents of a cell that both paths have."""

    type: Type


@dataclass(frozen=True)
class SeqForm:
    kind: str
    items: tuple[Form, ...]
    meta: Any


@dataclass(frozen=True)
class MaybeForm:
    """Bound on some paths: a flag is passed too."""

    item: Form


@dataclass(frozen=True)
class LateForm:
    """Bound by every iteration of a `for` and by nothing before it: bound unless there is no iteration, so no flag is passed."""

    item: Form


@dataclass(frozen=True)
class PoisonForm:
    written: str
    loc: Location | None


Form = NumForm | Keep | ViewForm | CellForm | VersionForm | SeqForm | MaybeForm | LateForm | PoisonForm


@dataclass
class Side:
    """One of the two paths: its state, and what it counts."""

    state: State
    count: dict[Cell, int]


@dataclass
class Meeting:
    """Two paths that meet. `shared` are the cells that outlive the meeting."""

    t: Tracer
    left: Side
    right: Side
    shared: Callable[[Cell], bool]

    # ------------------------------------------------------------ the form that both fit

    def form(self, a: Any, b: Any, name: str) -> Form:
        if isinstance(a, Poison) or isinstance(b, Poison):
            poison = a if isinstance(a, Poison) else b
            return PoisonForm(poison.written, poison.loc)
        if isinstance(a, Value) or isinstance(b, Value) or a is None or b is None:
            return self._version(a, b)
        if a is UNBOUND or b is UNBOUND:
            if a is b:
                return Keep(UNBOUND)
            if ANYTHING in (a, b):
                return Keep(ANYTHING)
            return MaybeForm(self.form(_item(a), _item(b), name))
        if isinstance(a, Maybe) or isinstance(b, Maybe):
            return MaybeForm(self.form(_item(a), _item(b), name))
        if a is ANYTHING or b is ANYTHING:
            return self.lone(b if a is ANYTHING else a, a is ANYTHING, name)
        if isinstance(a, Num) and isinstance(b, Num):
            return Keep(a) if same(a, b) else NumForm(*promoted([a, b]))
        if isinstance(a, Arr) and isinstance(b, Arr):
            return self._arrays(a, b, name)
        if isinstance(a, Seq) and isinstance(b, Seq) and (a.kind, a.meta, len(a.items)) == (b.kind, b.meta, len(b.items)):
            return SeqForm(a.kind, tuple(self.form(x, y, name) for x, y in zip(a.items, b.items, strict=True)), a.meta)
        if same(a, b):
            return Keep(a)
        raise CompileError("E102", f"{_named(name)} is {self.shown(a, self.left)} on one path and {self.shown(b, self.right)} on the other")

    def shown(self, x: Any, side: Side) -> str:
        return describe(x, self._type(x, side).shape if isinstance(x, Arr) else None)

    def _type(self, x: Arr, side: Side) -> Array:
        """The type of an array in the state of its path."""
        before = self.t.state
        self.t.state = side.state
        try:
            return array_type(self.t, x)
        finally:
            self.t.state = before

    def _version(self, a: Any, b: Any) -> Form:
        """Contents of a cell; a path that lacks the cell has nothing to say."""
        if a is None or b is None or a is UNBOUND or b is UNBOUND:
            v = b if a is None or a is UNBOUND else a
            return VersionForm(self.t.erase(v.type)) if isinstance(v, Value) else Keep(UNBOUND)
        t = join(a.type, b.type)
        assert t is not None
        return VersionForm(self.t.erase(t))

    def lone(self, x: Any, right: bool, name: str) -> Form:
        """A value of one path, where the other has none that matters. A view is copied: elsewhere its indices would mean nothing."""
        if isinstance(x, Num):
            return Keep(x) if x.known is not None else NumForm(x.dtype, x.weak)
        if isinstance(x, Seq):
            return SeqForm(x.kind, tuple(self.form(*((ANYTHING, i) if right else (i, ANYTHING)), name) for i in x.items), x.meta)
        if isinstance(x, Arr):
            if self.shared(x.cell) and x.view is None:
                return Keep(x)
            kind = self.t.erase(self._type(x, self.right if right else self.left))
            assert isinstance(kind, Array)
            side = self.right if right else self.left
            clean = x.view is None and side.count.get(x.cell, 0) <= 1
            return CellForm(kind, name, (None, x.cell) if right else (x.cell, None), clean)
        return Keep(x)

    def _view(self, cell: Cell, v: View, w: View) -> ViewForm:
        numbers = tuple(Keep(x) if same(x, y) else NumForm(I64, True) for x, y in zip(view_numbers(v), view_numbers(w), strict=True))
        base = self._open_dims(v.base.dims, w.base.dims) if v.base and w.base else None
        return ViewForm(cell, tuple(a.out for a in v.axes), self._open_dims(v.shape, w.shape), base, numbers)

    def _open_dims(self, a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...]:
        return tuple(d if self.t.visible(d) and same_dim(d, b[k]) else ANY for k, d in enumerate(a))

    def _arrays(self, a: Arr, b: Arr, name: str) -> Form:
        if a.cell is b.cell and self.shared(a.cell):
            if same_view(a.view, b.view):
                return Keep(a)
            if a.view and b.view and same_skeleton(a.view, b.view):
                return self._view(a.cell, a.view, b.view)
        left, right = self._type(a, self.left), self._type(b, self.right)
        kind = join(left, right)
        if kind is None:
            raise CompileError("E102", f"{_named(name)} is {describe(a, left.shape)} on one path and {describe(b, right.shape)} on the other")
        erased = self.t.erase(kind)
        assert isinstance(erased, Array)
        alone = self.left.count.get(a.cell, 0) <= 1 and self.right.count.get(b.cell, 0) <= 1 and not a.cell.pinned and not b.cell.pinned
        clean = alone and a.view is None and b.view is None and a.cell is not b.cell
        return CellForm(erased, name, (a.cell, b.cell), clean)


def _item(x: Any) -> Any:
    return x.item if isinstance(x, Maybe) else ANYTHING if x is UNBOUND else x


def _named(name: str) -> str:
    return f"'{name}'" if name else "the value"


# ---------------------------------------------------------------- passing values through a form


def types(form: Form) -> list[Type]:
    """The IR types of the values that a form passes."""
    if isinstance(form, NumForm):
        return [Scalar(form.dtype)]
    if isinstance(form, (CellForm, VersionForm)):
        return [form.type]
    if isinstance(form, ViewForm):
        return [x for n in form.numbers for x in types(n)]
    if isinstance(form, SeqForm):
        return [x for i in form.items for x in types(i)]
    if isinstance(form, MaybeForm):
        return [*types(form.item), Scalar(BOOL)]
    return types(form.item) if isinstance(form, LateForm) else []


def give(t: Tracer, form: Form, x: Any) -> list[Value]:
    """The IR values that stand for an abstract value, in the region where it lives."""
    if isinstance(form, (Keep, PoisonForm)):
        return []
    if isinstance(form, MaybeForm):
        bound = x.bound if isinstance(x, Maybe) else FALSE if isinstance(x, Missing) else TRUE
        return [*give(t, form.item, _item(x)), t.value(bound, BOOL)]
    if isinstance(form, LateForm):
        return give(t, form.item, _item(x))
    if isinstance(x, (Missing, Poison)) or x is None:
        return [make.undefined(t.b, t.erase(k)) for k in types(form)]
    if isinstance(x, Maybe):
        return give(t, form, x.item)
    if isinstance(form, NumForm):
        return [t.value(x, form.dtype)]
    if isinstance(form, VersionForm):
        return [x]
    if isinstance(form, CellForm):
        return [read(t, x)]
    if isinstance(form, SeqForm):
        return [v for f, i in zip(form.items, x.items, strict=True) for v in give(t, f, i)]
    assert isinstance(x, Arr)
    view = x.view
    assert view is not None
    return [v for f, n in zip(form.numbers, view_numbers(view), strict=True) for v in give(t, f, n)]


def take(t: Tracer, form: Form, values: Iterator[Value], bound: Num | None = None) -> Any:
    """The abstract value that IR values stand for; the inverse of `give`. `bound`: whether a loop has run (for LateForm)."""
    if isinstance(form, Keep):
        return form.item
    if isinstance(form, PoisonForm):
        return Poison(form.written, form.loc)
    if isinstance(form, NumForm):
        return Num(form.dtype, form.weak, next(values))
    if isinstance(form, VersionForm):
        return next(values)
    if isinstance(form, MaybeForm):
        item = take(t, form.item, values)
        return Maybe(item, Num(BOOL, True, next(values)))
    if isinstance(form, LateForm):
        item = take(t, form.item, values)
        return item if bound is None or bound.known is True else Maybe(item, bound)
    if isinstance(form, SeqForm):
        return Seq(form.kind, tuple(take(t, f, values) for f in form.items), form.meta)
    if isinstance(form, CellForm):
        return _take_cell(t, form, next(values))
    numbers: list[Num] = [take(t, f, values) for f in form.numbers]
    axes = tuple(Axis(numbers[2 * k], numbers[2 * k + 1], out) for k, out in enumerate(form.outs))
    lengths = tuple(numbers[2 * len(axes) :])
    rank = len(form.shape)
    return Arr(form.cell, View(axes, form.shape, lengths[:rank], Base(form.base, lengths[rank:]) if form.base is not None else None))


def _take_cell(t: Tracer, form: CellForm, v: Value) -> Arr:
    """Memory of its own, but that it may also be one of the two it came from, if others can reach those, and what those may be."""
    cell = Cell(form.name, form.type.dtype, form.type.rank)
    t.state.slots[cell] = v
    for source in form.pair:
        if source is not None:
            for other in {*source.partners, *(() if form.clean else (source,))} - {cell}:
                other.partners.add(cell)
                cell.partners.add(other)
    return Arr(cell)
