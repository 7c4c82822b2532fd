"""Long lists and objects of recursive classes in compiled entries: read into columns without running Python code, as tree/ does it in Python.

A reader is an LLVM function for one argument. It takes the argument apart and appends numbers to columns. Each object of a recursive class gets a
row, found again by its address, and joins the objects whose fields are still to be read; all of them are held until the end.

What is not exactly of the structure that the code was made for makes the reader give up, and Python takes over: it finds the structure that fits,
or says what is wrong. Rows may come in another order than in Python; only the references of the same argument speak of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from oneform.families import Family
from oneform.runtime import abi
from oneform.runtime.containers import same_fields, take_apart
from oneform.runtime.items import Column, Function, State, fill, hold_items, push_row, read
from oneform.runtime.text import Names, Text
from oneform.tree import SHORT, Leaf, Tree, has_fixed_fields


def reader(name: str, tree: Tree, leaves: Sequence[Leaf], names: Names) -> str:
    """The function `name`(link, object, out): puts the leaves of an object that must have this structure into out, new references; false if it has not."""
    return _Reader(name, tree, leaves, names).text()


class _Reader:
    """As `take_apart` asks for it: what keeps objects alive and where to go if they do not fit."""

    def __init__(self, name: str, tree: Tree, leaves: Sequence[Leaf], names: Names):
        self.name, self.leaves, self.names = name, leaves, names
        self.functions: list[str] = []
        self.t = Function(f"i1 @{name}(ptr %link, ptr %object, ptr %out)", len(leaves))
        pooled = tree.kind == "pools"
        offsets = {c: names.take() for family in tree.meta for c in family.classes} if pooled else {}
        self.state = State(tree.meta if pooled else (), offsets, leaves)
        self.found: list[str] = []
        if pooled:
            for family, table in zip(tree.meta, tree.children[:-1], strict=True):
                self._table(family, table)
        take_apart(self.t, tree.children[-1] if pooled else tree, "%object", self, names, self.found)
        self._tables()

    # ------------------------------------------------------------ the value itself

    def fail(self) -> str:
        return "bad"

    def keep(self, t: Text, obj: str, owned: bool) -> None:
        if not owned:
            t.do(f"call void @Py_IncRef(ptr {obj})")
        self.t.hold(obj)

    def columns(self, t: Text, tree: Tree, obj: str, names: Names, found: list[str]) -> None:
        """An object of a recursive class, or a list that is open."""
        if tree.kind == "node":
            row = push_row(self.t, self.state, tree, obj)
            number = t.let(f"call ptr @PyLong_FromLongLong(i64 {row})")
            t.check(t.let(f"icmp ne ptr {number}, null"), "bad")
            self.keep(t, number, True)
            found.append(number)
            return
        columns = [self.state.column(len(found) + k, bool(tree.meta[k])) for k in range(tree.leaves)]
        found += [""] * len(columns)
        t.check_type(obj, "list", "bad")
        self._open(t, tree.children[0], obj)
        hold_items(self.t, obj, lambda item: read(self.t, self.state, tree.children[0], item, iter(columns), names))

    def _open(self, t: Text, item: Tree, obj: str) -> None:
        """Shorter lists are structure: see tree/flat.py."""
        n = t.load("i64", obj, abi.OB_SIZE)
        long = t.let(f"icmp ugt i64 {n}, {SHORT}")
        if item.kind == "node":
            t.check(t.let(f"icmp ugt i64 {n}, 1"), "bad")
            first = t.load("ptr", t.load("ptr", obj, abi.LIST_ITEMS))
            long = t.let(f"or i1 {long}, {t.let(f'icmp ne ptr {first}, ' + t.api('None'))}")
        elif item.kind == "ragged" and (item.children[1].kind == "ragged" or self._numbers(item.children[1])):
            long = t.let(f"icmp ne i64 {n}, 0")
        t.check(long, "bad")

    def _numbers(self, tree: Tree) -> bool:
        if tree.kind != "leaf":
            return False
        column = self.state.columns[len(self.found) - 1]
        return column is not None and column.weak and column.dtype != "bool"

    # ------------------------------------------------------------ objects of recursive classes

    def _table(self, family: Family, table: Tree) -> None:
        """A function that reads the fields of the objects that have not been read so far."""
        fields = table.children[0]
        _, order, own = fields.meta
        at = {(cls, n): self.names.take() for cls, members in own for n in members}
        columns = [self.state.column(len(self.found) + k, bool(table.meta[k])) for k in range(table.leaves)]
        self.found += [""] * len(columns)
        kids, tag = list(fields.children), None
        if kids and kids[0].kind == "tag":
            tag = columns.pop(0)
            del kids[0]
        parts: dict[str, tuple[Tree, list[Column]]] = {}
        for n, kid in zip(order, kids, strict=True):
            parts[n] = kid, [columns.pop(0) for _ in range(kid.leaves)]
            self._field(f"{self.name}.{self.state.number(family)}.{order.index(n)}", *parts[n])
        t = Function(f"i1 @{self.name}.{self.state.number(family)}(ptr %link, ptr %state)")
        t.label_after("next")
        objects, done = self.state.objects(family), self.state.done(family)
        k = t.load("i64", "%state", done)
        rest = t.let(f"icmp ult i64 {k}, {objects.count(t)}")
        t.do(f"br i1 {rest}, label %row, label %through")
        t.label("row")
        x = t.load("ptr", t.let(f"getelementptr ptr, ptr {objects.data(t)}, i64 {k}"))
        t.do(f"store i64 {t.let(f'add i64 {k}, 1')}, ptr {t.at('%state', done)}")
        kind = t.load("ptr", x, abi.OB_TYPE)
        for cls, members in own:
            fits, other = t.fresh("fits"), t.fresh("other")
            t.do(f"br i1 {t.let(f'icmp eq ptr {kind}, {self.state.cls(t, cls)}')}, label %{fits}, label %{other}")
            t.label(fits)
            if tag is not None:
                tag.push(t, "i64", str(family.classes.index(cls)))
            if not has_fixed_fields(cls):
                same_fields(t, x, [t.load("ptr", "%link", at[cls, n]) for n in members], "bad")
            for n in order:
                if n in members:
                    self._member(t, x, at[cls, n], f"{self.name}.{self.state.number(family)}.{order.index(n)}")
                else:
                    fill(t, self.state, parts[n][0], iter(parts[n][1]))
            t.do("br label %next")
            t.label(other)
        t.do("br label %bad")
        t.label("through")
        self.functions.append(t.text())

    def _field(self, name: str, tree: Tree, columns: list[Column]) -> None:
        t = Function(f"i1 @{name}(ptr %link, ptr %state, ptr %object)")
        read(t, self.state, tree, "%object", iter(columns), self.names)
        self.functions.append(t.text())

    def _member(self, t: Function, x: str, at: int, function: str) -> None:
        value = t.let(f"call ptr @PyObject_GetAttr(ptr {x}, ptr {t.load('ptr', '%link', at)})")
        t.check(t.let(f"icmp ne ptr {value}, null"), "bad")
        ok = t.let(f"call i1 @{function}(ptr %link, ptr %state, ptr {value})")
        t.do(f"call void @Py_DecRef(ptr {value})")
        t.check(ok, "bad")

    def _tables(self) -> None:
        """Read the fields of all objects: those of one table may lead to more in another."""
        t, families = self.t, self.state.families
        if not families:
            return
        t.label_after("again")
        for k in range(len(families)):
            t.check(t.let(f"call i1 @{self.name}.{k}(ptr %link, ptr %state)"), "bad")
        if len(families) > 1:
            for family in families:
                rest = t.let(f"icmp ult i64 {t.load('i64', '%state', self.state.done(family))}, {self.state.objects(family).count(t)}")
                through = t.fresh("through")
                t.do(f"br i1 {rest}, label %again, label %{through}")
                t.label(through)

    # ------------------------------------------------------------ the leaves

    def text(self) -> str:
        t = self.t
        for family in self.state.required:
            t.check(t.let(f"icmp ne i64 {self.state.objects(family).count(t)}, 0"), "bad")
        for column in self.state.columns:
            if column is not None:
                t.check(column.is_complete(t), "bad")
        for k, obj in enumerate(self.found):
            column = self.state.columns[k]
            if column is None:
                t.do(f"call void @Py_IncRef(ptr {obj})")
            else:
                obj = column.boxed(t)
            t.do(f"store ptr {obj}, ptr {t.at('%out', 8 * k)}")
            t.check(t.let(f"icmp ne ptr {obj}, null"), "bad")
        return "\n".join([*self.functions, t.text(self.state)])

