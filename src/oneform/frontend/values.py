"""What a name can be while a function is evaluated abstractly: numbers and arrays are IR values, everything else is structure."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oneform.frontend.written.classes import known_as
from oneform.ir import Value
from oneform.tree import Tree, is_frozen
from oneform.types import BOOL, C128, F64, I64, Array, Dim, DType

if TYPE_CHECKING:
    from oneform.errors import Location
    from oneform.frontend.source import Source

Known = bool | int | float | complex


@dataclass(frozen=True, eq=False)
class Num:
    """A number. A constant has `known` and no `value`: it becomes a constant of whatever dtype its user needs. `arrays`: where NumPy has an array
    without axes instead, which others may hold and change: where that may have been made (axisless.py)."""

    dtype: DType
    weak: bool  # a Python number, which adapts to the dtype it meets (NEP 50)
    value: Value | None = None
    known: Any = None  # a Known of the kind that the dtype says
    arrays: frozenset[Any] = frozenset()


def number(x: Known) -> Num:
    """A Python constant."""
    dtype = BOOL if isinstance(x, bool) else I64 if isinstance(x, int) else F64 if isinstance(x, float) else C128
    return Num(dtype, True, None, x)


TRUE, FALSE = number(True), number(False)


class Cell:
    """A piece of array memory. Its current version is a slot of the state; `initial` is the version that all states start from."""

    __slots__ = ("name", "dtype", "rank", "initial", "pinned", "partners", "depth", "home", "arrays")

    def __init__(self, name: str, dtype: DType, rank: int, initial: Value | None = None, pinned: str = ""):
        self.name, self.dtype, self.rank, self.initial = name, dtype, rank, initial
        self.pinned = pinned  # why the program's caller sees writes to it: "argument", "global"
        self.partners: set[Memory] = set()  # cells and boxes that may be the same memory: a merge of two paths could not tell
        self.depth = 0  # in how many loops it is made, if that is known
        self.home: Box | None = None  # the caller's list in whose rows it is from now on: that list's update changes it
        self.arrays: frozenset[Any] = frozenset()  # as a Num's, for an array that shows the same memory


class Box:
    """A list, a dict or a record that can change. Its contents are a slot of the state: structure (a Seq) or rows of a run-time list (Rows);
    `initial` are those that all states start from; `doubled`: two rows may be, or hold, the same object; `depth`: in
    how many loops it is made."""

    __slots__ = ("name", "kind", "initial", "pinned", "partners", "doubled", "depth", "home")

    def __init__(self, name: str, kind: str, initial: Any = None, pinned: str = ""):
        self.name, self.kind, self.initial, self.pinned = name, kind, initial, pinned
        self.partners: set[Memory] = set()
        self.doubled, self.depth = False, 0
        self.home: Box | None = None

    @property
    def called(self) -> str:
        """What a message calls it."""
        return f"the {self.kind} {self.name}" if self.name else f"a {self.kind}"


Memory = Cell | Box


class RowCell(Cell):
    """An array in a row of a list: a path into the list's box. `type`: as the list has it."""

    __slots__ = ("place", "type", "token")

    def __init__(self, place: Place, type: Array, token: Any):
        super().__init__(place.box.name, type.dtype, type.rank)
        self.place, self.type, self.token, self.partners = place, type, token, place.box.partners  # type: ignore[assignment]
        self.pinned = place.box.pinned


@dataclass(frozen=True, eq=False)
class Place:
    """A place in the rows of a box: a row index per list on the way, and which column of the row to go on with, or to begin with."""

    box: Box
    indices: tuple[Num, ...] = ()
    fields: tuple[int, ...] = ()

    def row(self, index: Num, column: int) -> Place:
        """A column of a row of the list that is here."""
        return Place(self.box, (*self.indices, index), (*self.fields, column))

    def column(self, by: int) -> Place:
        """Another column of the same row."""
        return Place(self.box, self.indices, (*self.fields[:-1], self.fields[-1] + by))


@dataclass(frozen=True, eq=False)
class Rows:
    """The contents of a run-time list: the value, the form of its items (None: none was put in yet), and a token that is replaced whenever
    an item changes its place or is replaced as a whole, so that references to it would no longer mean what they did."""

    value: Value | None
    item: Any  # Form; values.py does not know it
    token: Any


@dataclass(frozen=True, eq=False)
class Made:
    """The token of rows that were made of these contents, every item still in its place."""

    contents: Seq


@dataclass(frozen=True, eq=False)
class Ref:
    """A reference to a list, dict or record that can change: a whole box, or (with a form) what is in a row of a list."""

    place: Place
    form: Any = None
    token: Any = None

    @property
    def box(self) -> Box:
        return self.place.box


@dataclass(frozen=True, eq=False)
class Opt:
    """A value, or None: `there` says at run time which."""

    item: Abstract
    there: Num


@dataclass(frozen=True, eq=False)
class Text:
    """One of several strings: its code (families.text_code)."""

    code: Num


@dataclass(frozen=True, eq=False)
class ClassOf:
    """type(x) of an object whose class only the running program knows."""

    item: Ref


@dataclass(frozen=True)
class Axis:
    """One axis of the memory under a view: element `start + step * i`, i the index along axis `out` of the view (None: fixed)."""

    start: Num
    step: Num
    out: int | None


@dataclass(frozen=True)
class Base:
    """A shape: dimensions, and the same as lengths at run time."""

    dims: tuple[Dim, ...]
    lengths: tuple[Num, ...]


@dataclass(frozen=True)
class View:
    """A rectangle of a cell, its axes in any order. Along an axis of the view that no memory axis feeds every element is the same."""

    axes: tuple[Axis, ...]
    shape: tuple[Dim, ...]
    lengths: tuple[Num, ...]
    base: Base | None = None  # the memory read as an array of another shape (a reshape), which `axes` then index
    frozen: bool = False  # of memory that several indices share, which is not written to


@dataclass(frozen=True, eq=False)
class Arr:
    """A reference to array memory: a path into a cell. None is the whole of it."""

    cell: Cell
    view: View | None = None


@dataclass(frozen=True, eq=False)
class Seq:
    """A tuple, list, dict or record, whose shape is known. `meta` as in tree.Tree: dict keys, or (class, field names)."""

    kind: str
    items: tuple[Abstract, ...]
    meta: Any = None

    def get(self, name: Any) -> Abstract | None:
        """The item under a key or field name."""
        names: tuple[Any, ...] = self.meta if self.kind == "dict" else self.meta[1] if self.kind == "record" else ()
        return self.items[names.index(name)] if name in names else None


@dataclass(frozen=True, eq=False)
class Py:
    """A Python object that is structure: function, module, class, string, None, dtype."""

    obj: Any


@dataclass(frozen=True, eq=False)
class Fn:
    """A function defined inside the program: its source and the frame whose names it sees. `captured`: what it took along of frames that
    have ended (closures.py); `frame` is then the next one around that has not, or None."""

    source: Source
    frame: Any  # Frame; values.py does not know it
    defaults: Mapping[str, Abstract]
    captured: Mapping[str, Abstract] | None = None


@dataclass(eq=False)
class Custom:
    """A function with rules for its derivative, as an object of the program: Py(Custom(...)). `key` tells such functions apart;
    `scope` is where one that the program itself makes was made."""

    kind: str  # custom_jvp or custom_vjp
    function: Abstract
    nondiff: tuple[int, ...]
    rules: tuple[Abstract | tuple[Abstract, ...], ...]
    key: Any
    name: str
    scope: Any = None


@dataclass(frozen=True, eq=False)
class Mapped:
    """of.vmap of a function, as an object of the program: Py(Mapped(...)). Axes as `tree.axes_tree` gives them; `size`: how many lanes there are."""

    function: Abstract
    in_axes: Tree
    out_axes: Tree
    size: Num | None = None


@dataclass(frozen=True, eq=False)
class Method:
    """A function bound to its first arguments, or a partial application."""

    function: Abstract
    args: tuple[Abstract, ...]
    kwargs: Mapping[str, Abstract] = field(default_factory=dict[str, "Abstract"])


@dataclass(frozen=True, eq=False)
class Choice:
    """One of several functions: which, `tag` says at run time. The others' values mean nothing then."""

    tag: Num
    options: tuple[Abstract, ...]


@dataclass(frozen=True, eq=False)
class Pullback:
    """What of.vjp returns beside the value: `code` (frontend.pullbacks) run on `items`, which the forward sweep left, and a cotangent."""

    items: tuple[Abstract, ...]
    code: Any


@dataclass(frozen=True, eq=False)
class Attr:
    """A method of an array, tuple or dict that the compiler implements: `x.sum`."""

    owner: Abstract
    name: str


@dataclass(frozen=True, eq=False)
class Range:
    start: Num
    stop: Num
    step: Num


@dataclass(frozen=True, eq=False)
class Slice:
    start: Num | None
    stop: Num | None
    step: Num | None


@dataclass(frozen=True)
class Born:
    """Where an iterator was made: how many loops around it there are, and which copies of bodies it stands in."""

    loops: int
    unrolled: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Walk:
    """enumerate, zip or reversed over other iterables, or an iterator over one (`iter`). `born`: it can be gone through once."""

    kind: str
    parts: tuple[Abstract, ...]
    start: Num | None = None
    born: Born | None = None


@dataclass(frozen=True, eq=False)
class Generator:
    """A generator expression: evaluated where it is consumed, but for what its first loop goes through."""

    node: ast.GeneratorExp
    frame: Any
    first: Abstract
    born: Born | None = None


@dataclass(frozen=True, eq=False)
class Yields:
    """A call of a function that yields, which is run where it is consumed. `run` takes the function as rewritten, and its parameters."""

    source: Any
    bindings: Mapping[str, Abstract]
    run: Callable[[Any, Mapping[str, Abstract]], Abstract]
    born: Born


@dataclass(frozen=True, eq=False)
class Visit:
    """A function made here: what a loop does with an item, and the arrays that it writes to each time."""

    run: Callable[[Abstract], Abstract]
    writes: tuple[Cell, ...] = ()


@dataclass(frozen=True, eq=False)
class Maybe:
    """A name bound on some paths only: `bound` says at run time whether it is."""

    item: Abstract
    bound: Num


@dataclass(frozen=True, eq=False)
class Missing:
    """UNBOUND: no value on this path, and reading it is an error. ANYTHING: never read on this path."""

    name: str


UNBOUND, ANYTHING = Missing("unbound"), Missing("anything")


@dataclass(frozen=True, eq=False)
class Poison:
    """The version of a cell that may or may not have been changed through another name."""

    written: str
    loc: Location | None


OneShot = Walk | Generator | Yields
Abstract = Num | Arr | Seq | Ref | Opt | Text | ClassOf | Py | Fn | Method | Choice | Pullback | Attr | Range | Slice | Visit | OneShot | Maybe | Missing
NONE = Py(None)


def changes(cls: type) -> bool:
    """Whether instances of a record class can be changed."""
    return not is_frozen(cls)


def parts(x: Any) -> Iterator[Arr | Ref]:
    """The references to memory inside an abstract value; what is in boxes only the state knows."""
    if isinstance(x, (Arr, Ref)):
        yield x
        return
    for i in inside(x):
        yield from parts(i)


def inside(x: Any) -> Iterable[Any]:
    """The abstract values that one is made of."""
    if isinstance(x, (Seq, Pullback)):
        return x.items
    if isinstance(x, (Maybe, Opt)):
        return (x.item,)
    if isinstance(x, Method):
        return (x.function, *x.args, *x.kwargs.values())
    if isinstance(x, Attr):
        return (x.owner,)
    if isinstance(x, Fn):
        return (*x.defaults.values(), *(x.captured or {}).values())
    if isinstance(x, Choice):
        return x.options
    if isinstance(x, Walk):
        return x.parts
    if isinstance(x, Generator):
        return (x.first,)
    if isinstance(x, Yields):
        return x.bindings.values()
    return ()


def describe(x: Any, shape: tuple[Dim, ...] | None = None) -> str:
    """A noun phrase for messages."""
    if isinstance(x, Num):
        kind = {"b": "a bool", "i": "an int", "f": "a float", "c": "a complex number"}[x.dtype.kind]
        return kind if x.weak or x.dtype in (BOOL, I64, F64, C128) else f"{kind} ({x.dtype})"
    if isinstance(x, Arr):
        if shape is not None:
            return f"an array {Array(x.cell.dtype, shape)}"
        return f"an array of {x.cell.dtype} with {len(x.view.shape) if x.view else x.cell.rank} axes"
    if isinstance(x, Seq):
        return f"a {known_as(x.meta[0]).__name__}" if x.kind == "record" else f"a {x.kind} of {len(x.items)}"
    if isinstance(x, Py):
        if x.obj is None:
            return "None"
        if isinstance(x.obj, str):
            return f"the string {x.obj!r}"
        name = getattr(x.obj, "__name__", None)
        return f"the {type(x.obj).__name__} {name}" if name else f"a {type(x.obj).__name__}"
    if isinstance(x, (Fn, Method, Choice, Pullback, Attr, Visit)):
        return "a function"
    if isinstance(x, Yields):
        return "a generator"
    if isinstance(x, Maybe):
        return describe(x.item)
    if isinstance(x, Opt):
        return f"{describe(x.item)} or None"
    if isinstance(x, Text):
        return "a string"
    if isinstance(x, Ref):
        return f"a {x.box.kind if x.form is None else x.box.name if x.box.kind == 'pool' else 'part of a list'}"
    return f"a {type(x).__name__.lower()}"
