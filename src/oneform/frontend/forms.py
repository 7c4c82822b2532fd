"""Forms: what is known of a value wherever control comes from, and as which IR values the rest is passed. Where two paths meet, in loops, in calls
of recursive functions, and for the items of a run-time list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from oneform.errors import CompileError, Location, ObservedError
from oneform.families import Family, observe
from oneform.frontend.functions import holds_nothing, key_of
from oneform.frontend.promotion import promoted
from oneform.frontend.sameness import same
from oneform.frontend.values import ANYTHING, NONE, Box, Cell, Num, Py, describe
from oneform.frontend.written.classes import known_as
from oneform.types import BOOL, I64, Array, Dim, DType, List, Scalar, Type, join


@dataclass(frozen=True)
class NumForm:
    dtype: DType
    weak: bool
    arrays: frozenset[Any] = frozenset()


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
    """A structure; "node": a row of a pool, `meta` its field names, the tag that says which class it is being one."""

    kind: str
    items: tuple[Form, ...]
    meta: Any

    def field(self, name: str) -> Form | None:
        """The form of a field of a row of a pool."""
        return self.items[self.meta.index(name)] if name in self.meta else None


@dataclass(frozen=True, eq=False)
class RowsForm:
    """A run-time list. `item`: the form of what is in a row (None: nothing was put in yet). A token of None: rows may have changed their places."""

    item: Form | None
    token: Any = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowsForm) and self.item == other.item and self.token is other.token

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class BoxForm:
    """Different lists, dicts or records on the two paths: the contents are passed, and the name holds a box of its own from here on."""

    contents: Form
    kind: str
    name: str
    pair: tuple[Box | None, Box | None]
    clean: bool

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BoxForm) and (self.contents, self.kind, self.clean) == (other.contents, other.kind, other.clean)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class RefForm:
    """A place in the rows of one box: the indices on the way are passed. `form`: of what is there; for an array `array` is its type."""

    box: Box
    fields: tuple[int, ...]
    indices: tuple[Form, ...]
    form: Form | None
    array: Array | None
    token: Any


@dataclass(frozen=True)
class NodeForm:
    """An object of a recursive class, or None (`nullable`): its row in the family's pool is passed, -1 for None. `cls`: its class, if known."""

    family: Family
    cls: type | None
    nullable: bool


@dataclass(frozen=True)
class TextForm:
    """One of several strings: its code is passed."""


@dataclass(frozen=True)
class FunctionForm:
    """Functions that differ in what they hold only (closures.py): `key` tells what they have in common, `model` is one of them."""

    key: Any
    items: tuple[Form, ...]
    model: Any = field(compare=False)


@dataclass(frozen=True)
class ChoiceForm:
    """One of several functions: a number that says which is passed, and what each holds."""

    options: tuple[Form, ...]


@dataclass(frozen=True)
class OptForm:
    """Perhaps None: whether it is not is passed too."""

    item: Form


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


Form = (
    NumForm | Keep | ViewForm | CellForm | VersionForm | SeqForm | RowsForm | BoxForm | RefForm | NodeForm | TextForm | FunctionForm | ChoiceForm
    | OptForm | MaybeForm | LateForm | PoisonForm
)


def types(form: Form) -> list[Type]:
    """The IR types of the values that a form passes."""
    match form:
        case NumForm():
            return [Scalar(form.dtype)]
        case CellForm() | VersionForm():
            return [form.type]
        case ViewForm():
            return [x for n in form.numbers for x in types(n)]
        case RefForm():
            return [x for n in form.indices for x in types(n)]
        case NodeForm() | TextForm():
            return [Scalar(I64)]
        case SeqForm() | FunctionForm():
            return [x for i in form.items for x in types(i)]
        case ChoiceForm():
            return [Scalar(I64), *(x for o in form.options for x in types(o))]
        case RowsForm():
            return [List(tuple(types(form.item)))] if form.item is not None else []
        case BoxForm():
            return types(form.contents)
        case MaybeForm() | OptForm():
            return [*types(form.item), Scalar(BOOL)]
        case LateForm():
            return types(form.item)
        case Keep() | PoisonForm():
            return []


# ---------------------------------------------------------------- the items of a list have one form

NOTHING = Keep(ANYTHING)  # of a field that no object has yet


def joined(a: Form | None, b: Form | None, what: str = "the list") -> Form | None:
    """The form that items of both forms fit."""
    if a is None or b is None or a == b:
        return b if a is None else a
    if a == NOTHING or b == NOTHING:
        return b if a == NOTHING else a
    match a, b:
        case (NumForm() | Keep(item=Num())), (NumForm() | Keep(item=Num())):
            return common(_number(a), _number(b))
        case CellForm(), CellForm():
            kind = join(a.type, b.type)
            if isinstance(kind, Array):
                return CellForm(kind, a.name, (None, None), True)
        case SeqForm(kind="node"), SeqForm(kind="node"):
            return _joined_nodes(a, b, what)
        case SeqForm(), SeqForm() if (a.kind, a.meta, len(a.items)) == (b.kind, b.meta, len(b.items)):
            return SeqForm(a.kind, tuple(_present(joined(x, y, what)) for x, y in zip(a.items, b.items, strict=True)), a.meta)
        case RowsForm(), RowsForm():
            return RowsForm(joined(a.item, b.item, what))
        case NodeForm(), NodeForm() if a.family is b.family:
            return NodeForm(a.family, a.cls if a.cls is b.cls else None, a.nullable or b.nullable)
        case (NodeForm(), Keep(item=Py(obj=None))) | (Keep(item=Py(obj=None)), NodeForm()):
            node = a if isinstance(a, NodeForm) else b
            assert isinstance(node, NodeForm)
            return NodeForm(node.family, node.cls, True)
        case (TextForm() | Keep(item=Py(obj=str()))), (TextForm() | Keep(item=Py(obj=str()))):
            return TextForm()
        case FunctionForm(), FunctionForm() if a.key == b.key:
            return FunctionForm(a.key, tuple(_present(joined(x, y, what)) for x, y in zip(a.items, b.items, strict=True)), a.model)
        case _, _ if is_function(a) and is_function(b):
            return ChoiceForm(paired(options_of(a), options_of(b), function_key, lambda x, y: _present(joined(x, y, what)), lambda x, _: x))
        case OptForm(), OptForm():
            return OptForm(_present(joined(a.item, b.item, what)))
        case OptForm(), _:
            return a if b == Keep(NONE) else OptForm(_present(joined(a.item, b, what)))
        case _, OptForm():
            return joined(b, a, what)
        case Keep(item=Py(obj=None)), _:
            return OptForm(b)
        case _, Keep(item=Py(obj=None)):
            return OptForm(a)
        case _:
            pass
    repair = "Keep one kind of thing in a list; use a tuple for a fixed number of different things."
    raise CompileError("E102", f"{what} holds {shown(a)} and {shown(b)}", None, repair)


def is_function(form: Form) -> bool:
    """Whether things of this form are functions."""
    return isinstance(form, (FunctionForm, ChoiceForm)) or (isinstance(form, Keep) and key_of(form.item) is not None)


def options_of(form: Form) -> tuple[Form, ...]:
    return form.options if isinstance(form, ChoiceForm) else (form,)


def function_key(form: Form) -> Any:
    """What functions of a form have in common."""
    return form.key if isinstance(form, FunctionForm) else key_of(form.item) if isinstance(form, Keep) else None


def paired(
    a: Sequence[Any], b: Sequence[Any], key: Callable[[Any], Any], both: Callable[[Any, Any], Any], lone: Callable[[Any, bool], Any],
) -> tuple[Any, ...]:
    """The alternatives of two choices as those of one: each of `a`, with the first of `b` that is like it and not yet taken, then the rest of `b`."""
    places = placed(list(map(key, b)), list(map(key, a)))
    partner = {at: k for k, at in reversed(list(enumerate(places))) if at is not None}
    found = [both(x, b[partner[at]]) if at in partner else lone(x, False) for at, x in enumerate(a)]
    keys = [key(y) for y, at in zip(b, places, strict=True) if at is None]
    rest = [y for y, at in zip(b, places, strict=True) if at is None]
    return (*found, *(lone(y, True) for k, y in enumerate(rest) if not holds_nothing(keys[k]) or keys[k] not in keys[:k]))


def placed(keys: Sequence[Any], among: Sequence[Any]) -> list[int | None]:
    """For each key the first place `among` others where it stands and, if such functions hold something, that no key before has taken; None if there
    is none."""
    free = list(range(len(among)))
    found: list[int | None] = []
    for key in keys:
        at = next((k for k in free if among[k] == key), None)
        found.append(at)
        if at is not None and not holds_nothing(key):
            free.remove(at)
    return found


def _joined_nodes(a: SeqForm, b: SeqForm, what: str) -> SeqForm:
    """Rows of a pool, in which each may have fields that the other lacks."""
    names = tuple(dict.fromkeys((*a.meta, *b.meta)))
    return SeqForm("node", tuple(_present(joined(a.field(n), b.field(n), f"the field {n}")) for n in names), names)


def _present(form: Form | None) -> Form:
    assert form is not None
    return form


def _number(form: Form) -> Num:
    if isinstance(form, Keep):
        assert isinstance(form.item, Num)
        return form.item
    assert isinstance(form, NumForm)
    return Num(form.dtype, form.weak, arrays=form.arrays)


def common(a: Num, b: Num) -> NumForm:
    """The form that two numbers fit."""
    return NumForm(*promoted([a, b]), a.arrays | b.arrays)


def shown(form: Form) -> str:
    """A noun phrase for messages."""
    match form:
        case NumForm():
            return describe(Num(form.dtype, form.weak))
        case Keep():
            return describe(form.item)
        case CellForm():
            return f"an array {form.type}"
        case SeqForm():
            return f"a {known_as(form.meta[0]).__name__}" if form.kind == "record" else f"a {form.kind} of {len(form.items)}"
        case RowsForm():
            return "a list"
        case NodeForm():
            return f"a {form.cls.__name__ if form.cls else form.family}" + (" or None" if form.nullable else "")
        case TextForm():
            return "a string"
        case FunctionForm() | ChoiceForm():
            return "a function"
        case OptForm():
            return f"{shown(form.item)} or None"
        case _:
            return "something else"


# ---------------------------------------------------------------- what does not settle


PATIENCE = 3  # attempts after which objects that come to hold more and more objects of their own class are taken to do so without end


class Growth:
    """What the forms of one attempt after the other have in common where it is objects that hold ever more objects of their own class."""

    def __init__(self) -> None:
        self.attempts, self.depth = 0, 0

    def note(self, forms: Iterable[Any], detail: str, loc: Location | None) -> None:
        """The forms found by one more attempt, which do not fit yet. Raises ObservedError if they grow: the class is recursive, which is known from then on."""
        depth, cls = max((_inside(form, ()) for form in forms), key=lambda found: found[0], default=(0, None))
        grown, self.depth, self.attempts = depth > max(self.depth, 1), depth, self.attempts + 1
        if cls is not None and grown and self.attempts > PATIENCE:
            observe(cls)
            raise ObservedError("E301", detail, loc, f"Annotate the fields of {cls.__name__}: left: {cls.__name__} | None.")


def _inside(form: Any, around: tuple[type, ...]) -> tuple[int, type | None]:
    """How many objects of one class are inside each other, and of which class."""
    if isinstance(form, SeqForm):
        found: list[tuple[int, type | None]] = [(0, None)]
        if form.kind == "record":
            around = (*around, form.meta[0])
            found.append((around.count(form.meta[0]), form.meta[0]))
        return max((*found, *(_inside(f, around) for f in form.items)), key=lambda x: x[0])
    if isinstance(form, BoxForm):
        return _inside(form.contents, around)
    return _inside(form.item, around) if isinstance(form, (RowsForm, OptForm, MaybeForm)) else (0, None)
