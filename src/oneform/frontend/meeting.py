"""Where two paths meet: the form that both their values of a slot fit."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from oneform.errors import CompileError
from oneform.frontend import functions
from oneform.frontend.arrays import array_type, whole
from oneform.frontend.forms import (
    BoxForm,
    CellForm,
    ChoiceForm,
    Form,
    FunctionForm,
    Keep,
    MaybeForm,
    NodeForm,
    NumForm,
    OptForm,
    PoisonForm,
    RefForm,
    RowsForm,
    SeqForm,
    TextForm,
    VersionForm,
    ViewForm,
    common,
    joined,
    paired,
)
from oneform.frontend.passing import bound_item, rows_item, see
from oneform.frontend.sameness import same, same_memory, same_place, same_skeleton, same_view, view_numbers
from oneform.frontend.state import State, Var
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import (
    ANYTHING,
    UNBOUND,
    Arr,
    Box,
    Cell,
    Choice,
    Made,
    Maybe,
    Memory,
    Num,
    Opt,
    Poison,
    Pullback,
    Py,
    Ref,
    RowCell,
    Rows,
    Seq,
    Text,
    View,
    describe,
)
from oneform.ir import Value
from oneform.types import ANY, I64, Array, Dim, join, same_dim


@dataclass
class Side:
    """One of the two paths: its state, and what it counts."""

    state: State
    count: dict[Memory, int]


@dataclass
class Meeting:
    """Two paths that meet. `shared` is the memory that outlives the meeting."""

    t: Tracer
    left: Side
    right: Side
    shared: Callable[[Memory], bool]

    # ------------------------------------------------------------ the form that both fit

    def slot(self, key: Any, a: Any, b: Any) -> Form:
        """The form of a slot: of a variable or flag, the contents of a cell or box."""
        return self.form(a, b, key.name if isinstance(key, (Var, Cell, Box)) else "")

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
            return MaybeForm(self.form(bound_item(a), bound_item(b), name))
        if isinstance(a, Maybe) or isinstance(b, Maybe):
            return MaybeForm(self.form(bound_item(a), bound_item(b), name))
        if a is ANYTHING or b is ANYTHING:
            return self.lone(b if a is ANYTHING else a, a is ANYTHING, name)
        if isinstance(a, Num) and isinstance(b, Num):
            return Keep(a) if same(a, b) else common(a, b)
        if isinstance(a, Arr) and isinstance(b, Arr):
            return self._arrays(a, b, name)
        if isinstance(a, Ref) and isinstance(b, Ref):
            return self._objects(a, b, name)
        if isinstance(a, (Seq, Rows)) and isinstance(b, (Seq, Rows)):
            return self._contents(a, b, name)
        if isinstance(a, Pullback) and isinstance(b, Pullback) and a.code is b.code:
            return SeqForm("pullback", tuple(self.form(x, y, name) for x, y in zip(a.items, b.items, strict=True)), a.code)
        if same(a, b):
            return Keep(a)
        if all(isinstance(x, Text) or (isinstance(x, Py) and isinstance(x.obj, str)) for x in (a, b)):
            return TextForm()
        if functions.is_function(a) and functions.is_function(b):
            return self._functions(a, b, name)
        optional = self._optional(a, b, name)
        if optional is not None:
            return optional
        one, other = self.shown(a, self.left), self.shown(b, self.right)
        raise CompileError("E102", f"{_named(name)} is {one} on one path and {other} on the other")

    def _functions(self, a: Any, b: Any, name: str) -> Form:
        """Functions that differ in what they hold, or one of several."""
        key = functions.key_of(a)
        if key is not None and key == functions.key_of(b):
            return FunctionForm(key, tuple(self.form(x, y, name) for x, y in zip(functions.held(a), functions.held(b), strict=True)), a)

        def both(x: Any, y: Any) -> Form:
            return Keep(x) if same(x, y) else self._functions(x, y, name)

        return ChoiceForm(paired(functions.options(a), functions.options(b), functions.key_of, both, lambda x, right: self.lone(x, right, name)))

    def _optional(self, a: Any, b: Any, name: str) -> Form | None:
        """None on one path, or perhaps None."""
        if not any(isinstance(x, Opt) or (isinstance(x, Py) and x.obj is None) for x in (a, b)):
            return None
        nodes = [x.item.form if isinstance(x, Opt) and isinstance(x.item, Ref) else x.form if isinstance(x, Ref) else None for x in (a, b)]
        if any(isinstance(n, NodeForm) for n in nodes):
            first, second = (n if isinstance(n, NodeForm) else Keep(x) for n, x in zip(nodes, (a, b), strict=True))
            joint = joined(first, second, _named(name))
            assert isinstance(joint, NodeForm)
            return NodeForm(joint.family, joint.cls, True)
        inner = [x.item if isinstance(x, Opt) else ANYTHING if isinstance(x, Py) and x.obj is None else x for x in (a, b)]
        if any(isinstance(x, Py) and not isinstance(x.obj, str) and not functions.is_function(x) for x in inner):
            return None
        form = self.form(inner[0], inner[1], name)
        return OptForm(NumForm(form.item.dtype, form.item.weak, form.item.arrays) if isinstance(form, Keep) and isinstance(form.item, Num) else form)

    def shown(self, x: Any, side: Side) -> str:
        return describe(x, self._type(x, side).shape if isinstance(x, Arr) else None)

    @contextmanager
    def on(self, side: Side) -> Generator[None]:
        """Look at things in the state of one path."""
        before, self.t.state = self.t.state, side.state
        try:
            yield
        finally:
            self.t.state = before

    def _seen(self, x: Ref, side: Side) -> Any:
        """What an object is made of in the state of its path. Only the form is asked for: what is read for it stays out of the program,
        where the rows that it is read from need not be known."""
        with self.on(side), self.t.region():
            return see(self.t, x)

    def _type(self, x: Arr, side: Side) -> Array:
        """The type of an array in the state of its path."""
        with self.on(side), self.t.region():
            return array_type(self.t, x)

    def _spelt(self, x: Arr, side: Side) -> View:
        """The path of a reference in the state of its own path."""
        with self.on(side):
            return whole(self.t, x)

    def _version(self, a: Any, b: Any) -> Form:
        """Contents of a cell; a path that lacks the cell has nothing to say."""
        if a is None or b is None or a is UNBOUND or b is UNBOUND:
            v = b if a is None or a is UNBOUND else a
            if isinstance(v, (Seq, Rows)):
                return self.lone(v, v is b, "")
            return VersionForm(self.t.erase(v.type)) if isinstance(v, Value) else Keep(UNBOUND)
        t = join(a.type, b.type)
        assert t is not None
        return VersionForm(self.t.erase(t))

    def lone(self, x: Any, right: bool, name: str) -> Form:
        """A value of one path, where the other has none that matters. A view is copied: elsewhere its indices would mean nothing."""
        side = self.right if right else self.left
        if isinstance(x, Num):
            return Keep(x) if x.known is not None else NumForm(x.dtype, x.weak, x.arrays)
        if isinstance(x, Seq):
            return SeqForm(x.kind, tuple(self.form(*((ANYTHING, i) if right else (i, ANYTHING)), name) for i in x.items), x.meta)
        if isinstance(x, Pullback):
            return SeqForm("pullback", tuple(self.form(*((ANYTHING, i) if right else (i, ANYTHING)), name) for i in x.items), x.code)
        if isinstance(x, Rows):
            return RowsForm(x.item, x.token)
        if isinstance(x, Opt):
            inside = self.lone(x.item, right, name)
            return NodeForm(inside.family, inside.cls, True) if isinstance(inside, NodeForm) else OptForm(inside)
        if isinstance(x, Text):
            return TextForm()
        if isinstance(x, Choice):
            return ChoiceForm(tuple(self.lone(o, right, name) for o in x.options))
        if functions.held(x):
            items = tuple(self.form(*((ANYTHING, i) if right else (i, ANYTHING)), name) for i in functions.held(x))
            return Keep(x) if all(isinstance(f, Keep) and f.item is i for f, i in zip(items, functions.held(x), strict=True)) else FunctionForm(
                functions.key_of(x), items, x
            )
        if isinstance(x, Arr):
            if x.view is None and not isinstance(x.cell, RowCell) and self.shared(x.cell):
                return Keep(x)
            kind = self.t.erase(self._type(x, side))
            assert isinstance(kind, Array)
            clean = x.view is None and not isinstance(x.cell, RowCell) and side.count.get(x.cell, 0) <= 1
            return CellForm(kind, name, (None, x.cell) if right else (x.cell, None), clean)
        if isinstance(x, Ref):
            if isinstance(x.form, NodeForm):
                return x.form
            if x.form is None and self.shared(x.box):
                return Keep(x)
            inner = self._seen(x, side)
            clean = x.form is None and side.count.get(x.box, 0) <= 1
            rows = inner.form.item if isinstance(inner, Ref) else inner.item if isinstance(inner, Rows) else None
            form = RowsForm(rows) if isinstance(inner, (Ref, Rows)) else self.lone(inner, right, name)
            return BoxForm(form, _kind(x), name, (None, x.box) if right else (x.box, None), clean)
        return Keep(x)

    # ------------------------------------------------------------ objects

    def _objects(self, a: Ref, b: Ref, name: str) -> Form:
        if isinstance(a.form, NodeForm) and isinstance(b.form, NodeForm) and a.box is b.box:
            return Keep(a) if same(a, b) else NodeForm(a.form.family, a.form.cls if a.form.cls is b.form.cls else None, False)
        if a.box is b.box and self.shared(a.box):
            if same(a, b):
                return Keep(a)
            if a.form is not None and a.place.fields == b.place.fields and a.form == b.form and a.token is b.token:
                return RefForm(a.box, a.place.fields, self._indices(a.place.indices, b.place.indices), a.form, None, a.token)
        left, right = self._seen(a, self.left), self._seen(b, self.right)
        if isinstance(left, Ref) or isinstance(right, Ref):  # a list in a row
            first, second = (x.form.item if isinstance(x, Ref) else rows_item(self.t, x) for x in (left, right))
            form: Form = RowsForm(joined(first, second, _named(name)))
        else:
            form = self._contents(left, right, name)
        alone = self.left.count.get(a.box, 0) <= 1 and self.right.count.get(b.box, 0) <= 1 and not a.box.pinned and not b.box.pinned
        clean = alone and a.form is None and b.form is None and a.box is not b.box
        return BoxForm(form, _kind(a), name, (a.box, b.box), clean)

    def _indices(self, a: tuple[Num, ...], b: tuple[Num, ...]) -> tuple[Form, ...]:
        return tuple(Keep(x) if same(x, y) else NumForm(I64, True) for x, y in zip(a, b, strict=True))

    def _contents(self, a: Seq | Rows, b: Seq | Rows, name: str) -> Form:
        """Two structures, or the rows of two lists."""
        if isinstance(a, Seq) and isinstance(b, Seq) and (a.kind, a.meta, len(a.items)) == (b.kind, b.meta, len(b.items)):
            items = enumerate(zip(a.items, b.items, strict=True))
            return SeqForm(a.kind, tuple(self.form(x, y, _part(name, a, k)) for k, (x, y) in items), a.meta)
        if all(isinstance(x, Rows) or x.kind == "list" for x in (a, b)):
            with self.on(self.left), self.t.region():
                first = rows_item(self.t, a, _named(name))
            with self.on(self.right), self.t.region():
                second = rows_item(self.t, b, _named(name))
            return RowsForm(joined(first, second, _named(name)), _token(a, b))
        raise CompileError("E102", f"{_named(name)} is {describe(a)} on one path and {describe(b)} on the other")

    # ------------------------------------------------------------ arrays

    def _view(self, cell: Cell, v: View, w: View) -> ViewForm:
        numbers = tuple(Keep(x) if same(x, y) else NumForm(I64, True) for x, y in zip(view_numbers(v), view_numbers(w), strict=True))
        base = self._open_dims(v.base.dims, w.base.dims) if v.base and w.base else None
        return ViewForm(cell, tuple(a.out for a in v.axes), self._open_dims(v.shape, w.shape), base, numbers)

    def _open_dims(self, a: tuple[Dim, ...], b: tuple[Dim, ...]) -> tuple[Dim, ...]:
        return tuple(d if self.t.visible(d) and same_dim(d, b[k]) else ANY for k, d in enumerate(a))

    def _in_rows(self, a: Arr, b: Arr) -> Form | None:
        """Arrays in rows of one list."""
        x, y = a.cell, b.cell
        if not isinstance(x, RowCell) or not isinstance(y, RowCell) or x.place.box is not y.place.box or not self.shared(x.place.box) or a.view or b.view:
            return None
        if x.place.fields != y.place.fields or x.token is not y.token:
            return None
        if same_place(x.place, y.place):
            return Keep(a)
        return RefForm(x.place.box, x.place.fields, self._indices(x.place.indices, y.place.indices), None, x.type, x.token)

    def _arrays(self, a: Arr, b: Arr, name: str) -> Form:
        found = self._in_rows(a, b)
        if found is not None:
            return found
        root = a.cell.place.box if isinstance(a.cell, RowCell) else a.cell
        if same_memory(a.cell, b.cell) and self.shared(root):
            if same_view(a.view, b.view):
                return Keep(a)
            v, w = self._spelt(a, self.left), self._spelt(b, self.right)
            if same_skeleton(v, w):
                return self._view(a.cell, v, w)
        left, right = self._type(a, self.left), self._type(b, self.right)
        kind = join(left, right)
        if kind is None:
            raise CompileError("E102", f"{_named(name)} is {describe(a, left.shape)} on one path and {describe(b, right.shape)} on the other")
        erased = self.t.erase(kind)
        assert isinstance(erased, Array)
        in_rows = isinstance(a.cell, RowCell) or isinstance(b.cell, RowCell)
        alone = self.left.count.get(a.cell, 0) <= 1 and self.right.count.get(b.cell, 0) <= 1 and not a.cell.pinned and not b.cell.pinned
        clean = alone and a.view is None and b.view is None and a.cell is not b.cell and not in_rows
        return CellForm(erased, name, (a.cell, b.cell), clean)


def _kind(x: Ref) -> str:
    """What a box of an object's contents would be."""
    return x.box.kind if x.form is None else "record" if isinstance(x.form, SeqForm) else "list"


def _token(a: Seq | Rows, b: Seq | Rows) -> Any:
    """The token of the rows on both paths, if every item is in its place on both."""
    if isinstance(a, Rows) and isinstance(b, Rows):
        return a.token if a.token is b.token else None
    rows, other = (a, b) if isinstance(a, Rows) else (b, a)
    return rows.token if isinstance(rows, Rows) and isinstance(rows.token, Made) and rows.token.contents is other else None


def _part(name: str, c: Seq, k: int) -> str:
    """What messages call a part of what is known by a name."""
    if not name or c.kind not in ("record", "dict", "list", "tuple"):
        return name
    return f"{name}.{c.meta[1][k]}" if c.kind == "record" else f"{name}[{(c.meta[k] if c.kind == 'dict' else k)!r}]"


def _named(name: str) -> str:
    return f"'{name}'" if name else "the value"
