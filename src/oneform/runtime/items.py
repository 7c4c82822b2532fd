"""What readers are made of: columns that grow, the rows of objects, and one item of a list or one field of an object read into columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from oneform.families import Family
from oneform.runtime import abi
from oneform.runtime.containers import same_fields
from oneform.runtime.text import LINK, Names, Text
from oneform.runtime.vectors import VECTOR
from oneform.tree import Leaf, Tree, has_fixed_fields
from oneform.types import element, shape_of

_STORED = {"bool": "i8", "i32": "i32", "i64": "i64", "f32": "float", "f64": "double", "c64": "i64", "c128": "i128"}  # an element, as it is copied
_PLAIN = frozenset({"none", "static", "leaf", "text", "node"})  # reading one of these runs no code of the user's


class Function(Text):
    """The text of an LLVM function that returns true, or false from `bad`; it lets go of all that it holds."""

    def __init__(self, signature: str, results: int = 0):
        super().__init__()
        self.signature, self.results = signature, results
        self.head: list[str] = []
        self.held: list[str] = []

    def local(self, kind: str) -> str:
        name = self.name()
        self.head.append(f"  {name} = alloca {kind}, align 16")
        return name

    def hold(self, obj: str) -> str:
        """A new reference that is given up at the end, or before by `drop`."""
        slot = self.local("ptr")
        self.head.append(f"  store ptr null, ptr {slot}")
        self.do(f"store ptr {obj}, ptr {slot}")
        self.held.append(slot)
        return slot

    def drop(self, slot: str) -> None:
        obj = self.load("ptr", slot)
        self.do(f"store ptr null, ptr {slot}")
        self.do(f"call void @Py_DecRef(ptr {obj})")

    def label_after(self, name: str) -> None:
        self.do(f"br label %{name}")
        self.label(name)

    def text(self, state: State | None = None) -> str:
        """The function; one with a state makes it, and takes it down."""
        end = Text()
        end.count = self.count
        for slot in self.held:
            end.do(f"call void @of.py.drop(ptr {end.load('ptr', slot)})")
        if state is not None:
            end.do(f"call void @of.read.close(ptr %state, i64 {len(state.families)}, i64 {len(state.columns)})")
        head = [f"  %apip = getelementptr i8, ptr %link, i64 {LINK['api']}", "  %api = load ptr, ptr %apip", *self.head]
        if state is not None:
            head.append(f"  %state = alloca [{state.size} x i8], align 16")
            head.append(f"  call void @llvm.memset.p0.i64(ptr align 16 %state, i8 0, i64 {state.size}, i1 false)")
        results = Text()
        results.count = end.count
        for k in range(self.results):
            head.append(f"  %out{k} = getelementptr i8, ptr %out, i64 {8 * k}")
            head.append(f"  store ptr null, ptr %out{k}")
            results.do(f"call void @of.py.drop(ptr {results.load('ptr', f'%out{k}')})")
        return "\n".join([
            f"define internal {self.signature} {{", "entry:", *head, *self.lines, "  br label %end", "bad:", *results.lines, "  br label %end",
            "end:", f"  %ok = phi i1 [false, %bad], [true, %{self.last()}]", *end.lines, "  ret i1 %ok", "}",
        ])  # fmt: skip

    def last(self) -> str:
        """The block that is written now."""
        return next((line[:-1] for line in reversed(self.lines) if line.endswith(":")), "entry")


# ---------------------------------------------------------------- the state of a reader


@dataclass(frozen=True)
class Vector:
    """Memory that grows, in the state of a reader."""

    at: int

    def data(self, t: Text) -> str:
        return t.load("ptr", "%state", self.at)

    def used(self, t: Text) -> str:
        return t.load("i64", "%state", self.at + 8)

    def count(self, t: Text) -> str:
        """How many words it has."""
        return t.let(f"lshr i64 {self.used(t)}, 3")

    def more(self, t: Text, size: str) -> str:
        """The place of what comes next."""
        place = t.let(f"call ptr @of.read.more(ptr {t.at('%state', self.at)}, i64 {size})")
        t.check(t.let(f"icmp ne ptr {place}, null"), "bad")
        return place


@dataclass(frozen=True)
class Column(Vector):
    """One leaf: numbers, or arrays of one shape. Behind the vectors: how many items, whether what makes its type was met, the lengths of the first array."""

    leaf: Leaf
    weak: bool
    extra: int

    @property
    def dtype(self) -> str:
        return element(self.leaf.type).name

    @property
    def size(self) -> int:
        return element(self.leaf.type).bits // 8

    def push(self, t: Text, kind: str, value: str) -> None:
        t.do(f"store {kind} {value}, ptr {self.more(t, str(self.size))}")

    def note(self, t: Text) -> None:
        t.do(f"store i64 1, ptr {t.at('%state', self.extra + 8)}")

    def is_complete(self, t: Text) -> str:
        """Whether the items make a column of this type: there are some, and among integers that count as floats a float."""
        if len(shape_of(self.leaf.type)) > 1 or (self.weak and self.dtype == "f64"):
            return t.let(f"icmp ne i64 {t.load('i64', '%state', self.extra + 8)}, 0")
        return t.let(f"icmp ne i64 {self.used(t)}, 0")

    def boxed(self, t: Function) -> str:
        """A new array, which takes over the memory."""
        inner = len(shape_of(self.leaf.type)) - 1
        dims = t.local(f"[{1 + inner} x i64]")
        rows = t.load("i64", "%state", self.extra) if inner else t.let(f"udiv i64 {self.used(t)}, {self.size}")
        t.do(f"store i64 {rows}, ptr {dims}")
        for k in range(inner):
            t.do(f"store i64 {t.load('i64', '%state', self.extra + 16 + 8 * k)}, ptr {t.at(dims, 8 + 8 * k)}")
        data = self.data(t)
        t.do(f"store ptr null, ptr {t.at('%state', self.at)}")
        return t.let(f"call ptr @of.py.box(ptr %api, ptr {t.api(f'd.{self.dtype}')}, i32 {1 + inner}, ptr {dims}, ptr {data})")


@dataclass
class State:
    """The memory of a reader: a map from objects to rows, the objects of each family, the columns; then how many objects of each family are read."""

    families: Sequence[Family]
    classes: dict[type, int]  # where in the link each class is
    leaves: Sequence[Leaf]
    columns: list[Column | None] = field(default_factory=list[Column | None])
    required: dict[Family, None] = field(default_factory=dict[Family, None])  # a reference to row 0 stands where there is none

    def __post_init__(self) -> None:
        self.columns = [None] * len(self.leaves)
        self._vectors = VECTOR * (1 + len(self.families) + len(self.leaves))
        self.size = self._vectors + 8 * len(self.families)

    def number(self, family: Family) -> int:
        return list(self.families).index(family)

    def objects(self, family: Family) -> Vector:
        return Vector(VECTOR * (1 + self.number(family)))

    def done(self, family: Family) -> int:
        return self._vectors + 8 * self.number(family)

    def column(self, k: int, weak: bool) -> Column:
        """The column of leaf k."""
        leaf = self.leaves[k]
        column = Column(VECTOR * (1 + len(self.families) + k), leaf, weak, self.size)
        self.size += 16 + 8 * (len(shape_of(leaf.type)) - 1)
        self.columns[k] = column
        return column

    def cls(self, t: Text, cls: type) -> str:
        return t.load("ptr", "%link", self.classes[cls])


# ---------------------------------------------------------------- one item


def push_row(t: Function, state: State, tree: Tree, obj: str) -> str:
    """The row of an object that a structure says is of a recursive class; -1 for None."""
    family, _, nullable = tree.meta
    row = t.local("i64")
    there, known, through = t.fresh("there"), t.fresh("known"), t.fresh("through")
    if nullable:
        t.do(f"store i64 -1, ptr {row}")
        t.do(f"br i1 {t.let(f'icmp eq ptr {obj}, ' + t.api('None'))}, label %{through}, label %{there}")
        t.label(there)
    kind = t.load("ptr", obj, abi.OB_TYPE)
    for cls in family.classes:
        other = t.fresh("other")
        t.do(f"br i1 {t.let(f'icmp eq ptr {kind}, {state.cls(t, cls)}')}, label %{known}, label %{other}")
        t.label(other)
    t.do("br label %bad")
    t.label(known)
    found = t.let(f"call i64 @of.read.row(ptr %state, ptr {t.at('%state', state.objects(family).at)}, ptr {obj})")
    t.check(t.let(f"icmp sge i64 {found}, 0"), "bad")
    t.do(f"store i64 {found}, ptr {row}")
    t.label_after(through)
    return t.load("i64", row)


def hold_items(t: Function, obj: str, each: Callable[[str], None], bare: bool = False) -> None:
    """Code for each item of a list; the list may not change on the way. `bare`: no code of the user's runs, so that items need not be held."""
    n, k = t.load("i64", obj, abi.OB_SIZE), t.local("i64")
    head, body, through = t.fresh("head"), t.fresh("body"), t.fresh("through")
    t.do(f"store i64 0, ptr {k}")
    t.label_after(head)
    at = t.load("i64", k)
    t.do(f"br i1 {t.let(f'icmp slt i64 {at}, {n}')}, label %{body}, label %{through}")
    t.label(body)
    if not bare:
        t.check(t.let(f"icmp slt i64 {at}, {t.load('i64', obj, abi.OB_SIZE)}"), "bad")
    item = t.load("ptr", t.let(f"getelementptr ptr, ptr {t.load('ptr', obj, abi.LIST_ITEMS)}, i64 {at}"))
    slot = ""
    if not bare:
        t.do(f"call void @Py_IncRef(ptr {item})")
        slot = t.hold(item)
    each(item)
    if not bare:
        t.drop(slot)
    t.do(f"store i64 {t.let(f'add i64 {at}, 1')}, ptr {k}")
    t.do(f"br label %{head}")
    t.label(through)
    if not bare:
        t.check(t.let(f"icmp eq i64 {n}, {t.load('i64', obj, abi.OB_SIZE)}"), "bad")


def read(t: Function, state: State, tree: Tree, obj: str, columns: Iterator[Column], names: Names) -> None:
    """Append an object that must be of this structure to the columns."""
    match tree.kind:
        case "leaf":
            _number(t, next(columns), obj)
        case "none":
            t.check(t.let(f"icmp eq ptr {obj}, {t.api('None')}"), "bad")
        case "static":
            t.check_type(obj, "str", "bad")
            t.check(t.let(f"icmp eq i32 {t.let(f'call i32 @PyUnicode_Compare(ptr {obj}, ptr {names.load(t)})')}, 0"), "bad")
        case "text":
            t.check_type(obj, "str", "bad")
            code = t.let(f"call ptr @PyDict_GetItemWithError(ptr {names.load(t)}, ptr {obj})")
            t.check(t.let(f"icmp ne ptr {code}, null"), "bad")
            next(columns).push(t, "i64", t.let(f"call i64 @PyLong_AsLongLongAndOverflow(ptr {code}, ptr {t.local('i32')})"))
        case "node":
            next(columns).push(t, "i64", push_row(t, state, tree, obj))
        case "optional":
            _optional(t, state, tree, obj, columns, names)
        case "ragged":
            t.check_type(obj, "list", "bad")
            next(columns).push(t, "i64", t.load("i64", obj, abi.OB_SIZE))
            inner = list(columns)
            hold_items(t, obj, lambda item: read(t, state, tree.children[1], item, iter(inner), names), tree.children[1].kind in _PLAIN)
        case _:
            _members(t, state, tree, obj, columns, names)


def _members(t: Function, state: State, tree: Tree, obj: str, columns: Iterator[Column], names: Names) -> None:
    """A tuple, or an object by its fields."""
    if tree.kind == "tuple":
        t.check_type(obj, "tuple", "bad")
        t.check(t.let(f"icmp eq i64 {t.load('i64', obj, abi.OB_SIZE)}, {len(tree.children)}"), "bad")
        fields: list[int] = []
    else:
        cls, _ = names.load(t), names.take()
        fields = [names.take() for _ in tree.children]
        t.check(t.let(f"icmp eq ptr {t.load('ptr', obj, abi.OB_TYPE)}, {cls}"), "bad")
        if not has_fixed_fields(tree.meta[0]):
            same_fields(t, obj, [t.load('ptr', '%link', at) for at in fields], "bad")
    for k, child in enumerate(tree.children):
        inner = [next(columns) for _ in range(child.leaves)]
        if tree.kind == "tuple" or issubclass(tree.meta[0], tuple):
            read(t, state, child, t.load("ptr", obj, abi.TUPLE_ITEMS + 8 * k), iter(inner), names)
            continue
        value = t.let(f"call ptr @PyObject_GetAttr(ptr {obj}, ptr {t.load('ptr', '%link', fields[k])})")
        t.check(t.let(f"icmp ne ptr {value}, null"), "bad")
        slot = t.hold(value)
        read(t, state, child, value, iter(inner), names)
        t.drop(slot)


def _optional(t: Function, state: State, tree: Tree, obj: str, columns: Iterator[Column], names: Names) -> None:
    there, inner = next(columns), [next(columns) for _ in range(tree.children[1].leaves)]
    none, some, through = t.fresh("none"), t.fresh("some"), t.fresh("through")
    t.do(f"br i1 {t.let(f'icmp eq ptr {obj}, ' + t.api('None'))}, label %{none}, label %{some}")
    t.label(none)
    there.push(t, "i8", "0")
    fill(t, state, tree.children[1], iter(inner))
    t.do(f"br label %{through}")
    t.label(some)
    there.push(t, "i8", "1")
    read(t, state, tree.children[1], obj, iter(inner), names)
    t.label_after(through)


def fill(t: Function, state: State, tree: Tree, columns: Iterator[Column]) -> None:
    """Append what stands where there is nothing; no program reads it."""
    if tree.kind == "node":
        family, _, nullable = tree.meta
        next(columns).push(t, "i64", "-1" if nullable else "0")
        if not nullable:
            state.required.setdefault(family)
        return
    if tree.kind == "ragged":
        next(columns).push(t, "i64", "0")
        for _ in range(tree.children[1].leaves):
            next(columns)
        return
    if tree.kind in ("leaf", "text"):
        _zero(t, next(columns))
    for child in tree.children if tree.kind not in ("leaf", "text") else ():
        fill(t, state, child, columns)


def _zero(t: Function, column: Column) -> None:
    dims = shape_of(column.leaf.type)[1:]
    size = column.size
    for d in dims:
        if not isinstance(d, int):  # unknown as long as no array was met: Python takes over
            t.do("br label %bad")
            t.label(t.fresh("never"))
            return
        size *= d
    place = column.more(t, str(size))
    t.do(f"call void @llvm.memset.p0.i64(ptr {place}, i8 0, i64 {size}, i1 false)")
    if dims:
        _counted(t, column)


def _counted(t: Function, column: Column) -> None:
    n = t.load("i64", "%state", column.extra)
    t.do(f"store i64 {t.let(f'add i64 {n}, 1')}, ptr {t.at('%state', column.extra)}")


# ---------------------------------------------------------------- numbers and arrays


def _number(t: Function, column: Column, obj: str) -> None:
    dtype = column.dtype
    if len(shape_of(column.leaf.type)) > 1:
        _array(t, column, obj)
    elif not column.weak or dtype == "c128":
        t.check_type(obj, "complex" if column.weak else f"s.{dtype}", "bad")
        kind = _STORED[dtype]
        column.push(t, kind, t.load(kind, obj, abi.COMPLEX_VALUE if column.weak else abi.SCALAR_VALUE))
    elif dtype == "f64":
        column.push(t, "double", _float(t, column, obj))
    elif dtype == "bool":
        t.check_type(obj, "bool", "bad")
        column.push(t, "i8", t.let(f"zext i1 {t.let(f'icmp eq ptr {obj}, ' + t.api('True'))} to i8"))
    else:
        t.check_type(obj, "int", "bad")
        overflow = t.local("i32")
        value = t.let(f"call i64 @PyLong_AsLongLongAndOverflow(ptr {obj}, ptr {overflow})")
        t.check(t.let(f"icmp eq i32 {t.load('i32', overflow)}, 0"), "bad")
        column.push(t, "i64", value)


def _float(t: Function, column: Column, obj: str) -> str:
    """A float, or an integer among floats."""
    value = t.local("double")
    number, integer, through = t.fresh("number"), t.fresh("integer"), t.fresh("through")
    kind = t.load("ptr", obj, abi.OB_TYPE)
    t.do(f"br i1 {t.let(f'icmp eq ptr {kind}, ' + t.api('float'))}, label %{number}, label %{integer}, !prof !91000")
    t.label(number)
    t.do(f"store double {t.load('double', obj, abi.FLOAT_VALUE)}, ptr {value}")
    column.note(t)
    t.do(f"br label %{through}")
    t.label(integer)
    t.check_type(obj, "int", "bad")
    t.do(f"store double {t.let(f'call double @PyLong_AsDouble(ptr {obj})')}, ptr {value}")
    fits, failed = t.fresh("fits"), t.fresh("failed")
    error = t.let("call ptr @PyErr_Occurred()")
    t.do(f"br i1 {t.let(f'icmp eq ptr {error}, null')}, label %{fits}, label %{failed}")
    t.label(failed)
    t.do("call void @PyErr_Clear()")
    t.do("br label %bad")
    t.label(fits)
    t.label_after(through)
    return t.load("double", value)


def _array(t: Function, column: Column, obj: str) -> None:
    """An array like the others in the column, copied to the end of it."""
    dims = shape_of(column.leaf.type)[1:]
    t.check_type(obj, "ndarray", "bad")
    t.check(t.let(f"icmp eq ptr {t.load('ptr', obj, abi.ARRAY_DESCR)}, {t.api(f'd.{column.dtype}')}"), "bad")
    t.check(t.let(f"icmp eq i32 {t.load('i32', obj, abi.ARRAY_NDIM)}, {len(dims)}"), "bad")
    wanted = abi.CONTIGUOUS | abi.ALIGNED
    flags = t.load("i32", obj, abi.ARRAY_FLAGS)
    t.check(t.let(f"icmp eq i32 {t.let(f'and i32 {flags}, {wanted}')}, {wanted}"), "bad")
    lengths = t.load("ptr", obj, abi.ARRAY_DIMS)
    first = t.let(f"icmp eq i64 {t.load('i64', '%state', column.extra)}, 0")
    column.note(t)
    size = str(column.size)
    for k, d in enumerate(dims):
        n, kept = t.load("i64", lengths, 8 * k), t.at("%state", column.extra + 16 + 8 * k)
        expected = str(d) if isinstance(d, int) else t.let(f"select i1 {first}, i64 {n}, i64 {t.load('i64', kept)}")
        t.check(t.let(f"icmp eq i64 {n}, {expected}"), "bad")
        t.do(f"store i64 {n}, ptr {kept}")
        size = t.let(f"mul i64 {size}, {n}")
    place = column.more(t, size)
    t.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {place}, ptr {t.load('ptr', obj, abi.ARRAY_DATA)}, i64 {size}, i1 false)")
    _counted(t, column)
