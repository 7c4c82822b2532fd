"""Run-time lists as arrays, one for each column of their rows: how they come from the caller and go back to it.

A list in a row is a column of lengths, and the rows of all such lists one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from oneform.families import Family, hidden
from oneform.frontend.arrays import new_array, read
from oneform.frontend.boxes import contents, new_box, rows_at, set_contents
from oneform.frontend.forms import NOTHING, CellForm, Form, Keep, NodeForm, NumForm, OptForm, RowsForm, SeqForm, TextForm, joined, types
from oneform.frontend.passing import converted
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Arr, Box, Num, Place, Py, Ref, Rows, number
from oneform.frontend.written.classes import STANDS_FOR
from oneform.ir import Builder, Value
from oneform.ops import make
from oneform.tree import LEAF, NONE, Tree
from oneform.types import ANY, I64, Array, Dim, List, Scalar, element, shape_of

# ---------------------------------------------------------------- out of the program


def rows_to_leaves(t: Tracer, x: Any, leaves: list[Num | Arr], used: dict[Family, None]) -> Tree:
    """A list as the tree of its columns, which are appended to `leaves`."""
    if x.form is not None:
        form, value = x.form.item, None
        if form is not None:
            value, indices = rows_at(t, x.place, x.token)
            value = make.item(t.b, value, indices, x.place.fields)
    else:
        found = contents(t, x.box)
        assert isinstance(found, Rows)
        form, value = found.item, found.value
    if form is None or value is None:
        return Tree("list")
    weak: list[bool] = []
    item = _columns(t, form, value, leaves, weak, used)
    return Tree("rows", (item,), tuple(weak))


def pool_to_leaves(t: Tracer, family: Family, leaves: list[Num | Arr], used: dict[Family, None], marks: bool) -> Tree:
    """The objects of recursive classes as a table. `marks`: with what is hidden in it."""
    found = contents(t, t.pool(family))
    assert isinstance(found, Rows) and found.value is not None and isinstance(found.item, SeqForm), "a pool with objects in it"
    weak: list[bool] = []
    kids: dict[str, Tree] = {}
    first = 0
    for name, form in zip(found.item.meta, found.item.items, strict=True):
        if marks or not hidden(name):
            kids[name] = _columns(t, form, found.value, leaves, weak, used, first)
        first += len(types(form))
    own = tuple((c, t.fields_of[c]) for c in family.classes if c in t.fields_of)
    tag = kids.pop("", None)
    fields = Tree("fields", (*([] if tag is None else [Tree("tag", (LEAF,))]), *kids.values()), (family, tuple(kids), own))
    return Tree("table", (fields,), tuple(weak))


def _columns(
    t: Tracer, form: Form, value: Value, leaves: list[Num | Arr], weak: list[bool], used: dict[Family, None], first: int = 0,
) -> Tree:
    """The columns of all rows, from column `first` on, as arrays."""
    match form:
        case NodeForm():
            used.setdefault(form.family)
            weak.append(True)
            leaves.append(new_array(t, _column(t, value, first, ())))
            return Tree("node", (LEAF,), (form.family, form.cls, form.nullable))
        case NumForm():
            weak.append(form.weak)
            leaves.append(new_array(t, _column(t, value, first, ())))
            return LEAF
        case CellForm():
            if any(not isinstance(d, int) for d in form.type.shape):
                repair = "Put arrays of one shape, known when the program is compiled, into the list, or return one large array."
                t.refuse("E101", "a list of arrays whose shapes are known only at run time cannot be passed out of compiled code", None, repair)
            weak.append(False)
            leaves.append(new_array(t, _column(t, value, first, form.type.shape)))
            return LEAF
        case OptForm():
            count = len(types(form.item))
            weak.append(True)
            leaves.append(new_array(t, _column(t, value, first + count, ())))
            return Tree("optional", (LEAF, _columns(t, form.item, value, leaves, weak, used, first)))
        case SeqForm() if form.kind != "record" or form.meta[0] not in STANDS_FOR:
            kids: list[Tree] = []
            for f in form.items:
                kids.append(_columns(t, f, value, leaves, weak, used, first))
                first += len(types(f))
            return Tree(form.kind, tuple(kids), form.meta)
        case RowsForm() if form.item is not None:
            weak.append(True)
            leaves.append(new_array(t, _lengths(t, value, first)))
            return Tree("ragged", (LEAF, _columns(t, form.item, _joined(t, value, first), leaves, weak, used)))
        case RowsForm():  # all of them empty
            return Tree("list")
        case Keep() if form == NOTHING:
            return NONE
        case Keep(item=Py() as own) if own.obj is None or isinstance(own.obj, str):
            return NONE if own.obj is None else Tree("static", (), own.obj)
        case _:
            repair = "Return lists of numbers, arrays, and tuples or records of them."
            t.refuse("E101", "a list of such things cannot be passed out of compiled code", None, repair)


def _shape(t: Tracer, value: Value, inner: tuple[Dim, ...]) -> tuple[tuple[Dim, ...], list[Value]]:
    n = t.integer(make.size(t.b, value, (), ()))
    d = t.dim_for(t.positive(n))
    return (d, *inner), [] if isinstance(d, int) else [t.value(n, I64)]


def _column(t: Tracer, value: Value, column: int, inner: tuple[Dim, ...]) -> Value:
    dims, lengths = _shape(t, value, inner)

    def element_of(b: Any, i: list[Value]) -> Value:
        found = make.item(b, value, [i[0]], (column,))
        return make.get(b, found, i[1:]) if inner else found

    return make.generate(t.b, dims, lengths, element_of)


def _lengths(t: Tracer, value: Value, column: int) -> Value:
    dims, lengths = _shape(t, value, ())
    return make.generate(t.b, dims, lengths, lambda b, i: make.size(b, value, [i[0]], (column,)))


def _joined(t: Tracer, value: Value, column: int) -> Value:
    """The rows of the lists in a column one behind the other."""
    assert isinstance(value.type, List)
    inner = value.type.items[column]
    assert isinstance(inner, List)
    with t.region() as b:
        i, out = b.param(Scalar(I64)), b.param(inner)
        count = make.size(b, value, [i], (column,))
        with t.region() as c:
            j, found = c.param(Scalar(I64)), c.param(inner)
            row = [make.item(c, value, [i, j], (column, k)) for k in range(len(inner.items))]
            block = c.block(make.push(c, found, (), (), row))
        (new,) = make.repeat(b, count, [out], block)
        body = b.block(new)
    (result,) = make.repeat(t.b, make.size(t.b, value, (), ()), [make.rows(t.b, inner.items)], body)
    return result


# ---------------------------------------------------------------- into the program


def rows_from_leaves(t: Tracer, tree: Tree, leaves: Iterator[Num | Arr], pinned: str = "") -> Ref:
    """The list that columns describe."""
    value, form = _read_rows(t, tree, leaves, t.first_rows)
    found = Rows(value, form, object())
    return Ref(Place(Box("", "list", found, pinned))) if pinned else new_box(t, "list", found)


def _read_rows(t: Tracer, tree: Tree, leaves: Iterator[Num | Arr], bases: dict[Family, Value]) -> tuple[Value, Form]:
    columns = [next(leaves) for _ in range(tree.leaves)]
    values = [read(t, a) for a in columns if isinstance(a, Arr)]
    assert len(values) == len(columns) and values, "columns are arrays"
    reader = _Columns(values, tree.meta, bases)
    (item,) = tree.children
    zero = t.value(number(0), I64)
    n = t.value(t.length(values[0], 0), I64)
    value, _ = reader.rows(t.b, item, 0, n, zero, [zero] * _ragged(item))
    return value, reader.form(item, 0)


def pool_from_leaves(t: Tracer, table: Tree, leaves: Iterator[Num | Arr], bases: dict[Family, Value], pinned: str) -> None:
    """Put the objects of a table into the family's pool. `bases`: which row the first object of each family gets."""
    family, _, own = table.children[0].meta
    pool = t.pool(family)
    for cls, names in own:
        t.fields_of[cls] = tuple(dict.fromkeys((*t.fields_of.get(cls, ()), *names)))
    value, form = _read_rows(t, table, leaves, bases)
    found = contents(t, pool)
    assert isinstance(found, Rows)
    if pinned:
        t.given.add(pool)
    if found.value is not None:
        wider = joined(found.item, form, str(family))
        assert wider is not None and found.item is not None
        value = _appended(t, converted(t, found.value, found.item, wider), converted(t, value, form, wider))
        form = wider
    new = Rows(value, form, family)
    if pinned:
        pool.initial = new
    else:
        set_contents(t, pool, new, grown=True)


def _appended(t: Tracer, value: Value, more: Value) -> Value:
    """The rows of one list behind those of another."""
    assert isinstance(more.type, List)
    with t.region() as b:
        i, out = b.param(Scalar(I64)), b.param(value.type)
        row = [make.item(b, more, [i], (k,)) for k in range(len(more.type.items))]
        body = b.block(make.push(b, out, (), (), row))
    (result,) = make.repeat(t.b, make.size(t.b, more, (), ()), [value], body)
    return result


def pool_size(t: Tracer, family: Family) -> Value | None:
    """How many objects a pool has; None if it has none."""
    found = contents(t, t.pool(family))
    assert isinstance(found, Rows)
    return None if found.value is None else make.size(t.b, found.value, (), ())


def _ragged(tree: Tree) -> int:
    """How many columns of lists there are, those in lists of lists included."""
    return (tree.kind == "ragged") + sum(map(_ragged, tree.children))


class _Columns:
    """Columns as values, in the order of the tree's leaves; `weak` says which hold Python numbers."""

    def __init__(self, values: list[Value], weak: tuple[bool, ...], bases: dict[Family, Value]):
        self.values, self.weak, self.bases = values, weak, bases

    def form(self, tree: Tree, at: int) -> Form:
        """The form of an item whose columns begin at `at`."""
        match tree.kind:
            case "leaf":
                kind = self.values[at].type
                dims = tuple(d if isinstance(d, int) else ANY for d in shape_of(kind)[1:])
                return CellForm(Array(element(kind), dims), "", (None, None), True) if dims else NumForm(element(kind), self.weak[at])
            case "optional":
                return OptForm(self.form(tree.children[1], at + 1))
            case "ragged":
                return RowsForm(self.form(tree.children[1], at + 1))
            case "none":
                return Keep(Py(None))
            case "static":
                return Keep(Py(tree.meta))
            case "node":
                return NodeForm(*tree.meta)
            case "text":
                return TextForm()
            case "tag":
                return NumForm(I64, True)
            case _:
                kids: list[Form] = []
                for c in tree.children:
                    kids.append(self.form(c, at))
                    at += c.leaves
                if tree.kind == "fields":
                    tags = [""] if len(tree.children) > len(tree.meta[1]) else []
                    return SeqForm("node", tuple(kids), (*tags, *tree.meta[1]))
                return SeqForm(tree.kind, tuple(kids), tree.meta)

    def rows(self, b: Builder, tree: Tree, at: int, n: Value, start: Value, offsets: list[Value]) -> tuple[Value, list[Value]]:

        kinds = tuple(types(self.form(tree, at)))
        inner = b.sub()
        i, out = inner.param(Scalar(I64)), inner.param(List(kinds))
        own = [inner.param(Scalar(I64)) for _ in offsets]
        r = make.add(inner, i, start)
        row, own = self._row(inner, tree, at, r, own)
        body = inner.block(make.push(inner, out, (), (), row), *own)
        value, *read_to = make.repeat(b, n, [make.rows(b, kinds), *offsets], body)
        return value, list(read_to)

    def _row(self, b: Builder, tree: Tree, at: int, r: Value, offsets: list[Value]) -> tuple[list[Value], list[Value]]:
        """The columns of row r of the list, and the offsets behind it."""
        match tree.kind:
            case "leaf" | "text" | "tag":
                return [self._element(b, at, r)], offsets
            case "node":
                at_row = make.get(b, self.values[at], [r])
                base = self.bases.get(tree.meta[0])
                return [at_row if base is None else make.moved(b, at_row, base)], offsets
            case "optional":
                row, offsets = self._row(b, tree.children[1], at + 1, r, offsets)
                return [*row, make.get(b, self.values[at], [r])], offsets
            case "ragged":
                n = make.get(b, self.values[at], [r])
                value, rest = self.rows(b, tree.children[1], at + 1, n, offsets[0], offsets[1:])
                return [value], [make.add(b, offsets[0], n), *rest]
            case _:
                row: list[Value] = []
                done = 0
                for c in tree.children:
                    count = _ragged(c)
                    part, new = self._row(b, c, at, r, offsets[done : done + count])
                    row += part
                    offsets = [*offsets[:done], *new, *offsets[done + count :]]
                    at, done = at + c.leaves, done + count
                return row, offsets

    def _element(self, b: Builder, at: int, r: Value) -> Value:
        v = self.values[at]
        dims = shape_of(v.type)[1:]
        if not dims:
            return make.get(b, v, [r])
        lengths = [make.length(b, v, 1 + k) for k, d in enumerate(dims) if not isinstance(d, int)]
        return make.generate(b, dims, lengths, lambda inner, i: make.get(inner, v, [r, *i]))
