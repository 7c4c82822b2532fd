"""Objects of recursive classes: rows of their family's pool. Whoever refers to one holds its row, so that sharing and mutation have Python's meaning."""

from __future__ import annotations

import linecache
import operator
from typing import Any

from oneform.families import BEFORE, REBOUND, Family
from oneform.frontend.boxes import contents, lodge, part, set_contents
from oneform.frontend.forms import NodeForm, SeqForm, joined, types
from oneform.frontend.numbers import compare_numbers, conjunction
from oneform.frontend.passing import converted, give, holds_memory, item_form, node_field
from oneform.frontend.sameness import same
from oneform.frontend.tracer import LIBRARY, Tracer
from oneform.frontend.values import FALSE, TRUE, Abstract, Num, Place, Py, Ref, Rows, number
from oneform.ir import Value
from oneform.ops import make
from oneform.types import I64

TAG = ""  # the name of the column that says which class an object is of


def new_node(t: Tracer, family: Family, cls: type, fields: dict[str, Abstract]) -> Ref:
    """A new object."""
    pool = t.pool(family)
    own = {**({TAG: number(family.classes.index(cls))} if len(family.classes) > 1 else {}), **fields}
    _know(t, cls, tuple(fields))
    form = _widened(t, family, SeqForm("node", tuple(item_form(t, x) for x in own.values()), tuple(own)))
    found = contents(t, pool)
    assert isinstance(found, Rows)
    value = found.value if found.value is not None else make.rows(t.b, tuple(types(form)))
    row: list[Value] = []
    for name, f in zip(form.meta, form.items, strict=True):
        x = own.get(name)
        if x is not None and holds_memory(f):
            lodge(t, x, pool)
        if name.endswith(REBOUND):
            x = TRUE  # no caller holds what it has
        row += give(t, f, x) if x is not None else [make.undefined(t.b, t.erase(k)) for k in types(f)]
    at = t.integer(make.size(t.b, value, (), ()))
    set_contents(t, pool, Rows(make.push(t.b, value, (), (), row), form, family), grown=True)
    return Ref(Place(pool, (at,), (0,)), NodeForm(family, cls, False), family)


def _know(t: Tracer, cls: type, names: tuple[str, ...]) -> None:
    t.fields_of[cls] = tuple(dict.fromkeys((*t.fields_of.get(cls, ()), *names)))


def _widened(t: Tracer, family: Family, new: SeqForm) -> SeqForm:
    """The form of the pool's rows, made wide enough for another; the pool is rewritten if it has columns of other kinds."""
    pool = t.pool(family)
    found = contents(t, pool)
    assert isinstance(found, Rows)
    wider = joined(found.item, new, f"a {family}")
    assert isinstance(wider, SeqForm)
    if found.item is None or wider != found.item:
        value = found.value if found.value is None or found.item is None else converted(t, found.value, found.item, wider)
        set_contents(t, pool, Rows(value, wider, family), grown=True)
    return wider


def set_node_field(t: Tracer, x: Ref, name: str, new: Abstract) -> None:
    """x.name = new"""
    family: Family = x.form.family
    classes = [x.form.cls] if x.form.cls is not None else [c for c in family.classes if name in t.fields_of.get(c, ())]
    for c in classes:
        _know(t, c, (name,))
    if x.form.cls is None:
        _check_class(t, x, tuple(classes), name)
    form = _widened(t, family, SeqForm("node", (item_form(t, new),), (name,)))
    held = holds_memory(form.field(name))
    if held:
        old = node_field(t, x, name)
        if old is not None and same(old, new):
            return  # q.a += 1 puts the array back
        lodge(t, new, x.box)
        part(t, Place(x.box, x.place.indices, (_column(form, name),)), lambda _: None)
        if x.box in t.given:
            form = _put_aside(t, x, form, name)
    _put(t, x, form, name, new)


def _column(form: SeqForm, name: str) -> int:
    """Where the columns of a field begin."""
    return sum(len(types(f)) for f in form.items[: form.meta.index(name)])


def _put_aside(t: Tracer, x: Ref, form: SeqForm, name: str) -> SeqForm:
    """A field is about to hold another list or array: the caller's object will get a new one, and the old one, which others may hold, what is in it
    now. Returns the form of the rows."""
    mark, before = name + REBOUND, name + BEFORE
    form = _widened(t, x.form.family, SeqForm("node", (item_form(t, TRUE), form.items[form.meta.index(name)]), (mark, before)))
    found = contents(t, x.box)
    assert isinstance(found, Rows) and found.value is not None
    indices = [t.value(i, I64) for i in x.place.indices]
    done = make.item(t.b, found.value, indices, (_column(form, mark),))
    with t.region() as b:
        kept = b.block(found.value)
    with t.region() as b:
        value = found.value
        for j in range(len(types(form.items[form.meta.index(name)]))):
            value = make.put_item(b, value, make.item(b, value, indices, (_column(form, name) + j,)), indices, (_column(form, before) + j,))
        put = b.block(value)
    (value,) = make.branch(t.b, done, kept, put)
    set_contents(t, x.box, Rows(value, form, x.form.family))
    _put(t, x, form, mark, TRUE)
    return form


def _put(t: Tracer, x: Ref, form: SeqForm, name: str, new: Abstract) -> None:
    """Write a field into an object's row."""
    found = contents(t, x.box)
    assert isinstance(found, Rows) and found.value is not None and isinstance(form, SeqForm)
    value = found.value
    first = _column(form, name)
    indices = [t.value(i, I64) for i in x.place.indices]
    for j, v in enumerate(give(t, form.items[form.meta.index(name)], new)):
        value = make.put_item(t.b, value, v, indices, (first + j,))
    set_contents(t, x.box, Rows(value, form, x.form.family))


def node_attribute(t: Tracer, x: Ref, name: str) -> Abstract | None:
    """A field; None if there is none of that name."""
    classes = [c for c in x.form.family.classes if name in t.fields_of.get(c, ())]
    if x.form.cls is not None:
        return node_field(t, x, name) if x.form.cls in classes else None
    if not classes:
        return None
    _check_class(t, x, tuple(classes), name)
    return node_field(t, x, name)


def _check_class(t: Tracer, x: Ref, classes: tuple[type, ...], name: str) -> None:
    t.check(is_of(t, x, classes), "AttributeError", f"the object has no attribute '{name}'")


def is_of(t: Tracer, x: Ref, classes: tuple[type, ...]) -> Num:
    """isinstance(x, classes)"""
    family: Family = x.form.family
    if x.form.cls is not None:
        return number(issubclass(x.form.cls, classes))
    return _one_of(t, x, [k for k, c in enumerate(family.classes) if issubclass(c, classes)])


def is_exactly(t: Tracer, x: Ref, cls: Any) -> Num:
    """type(x) is cls"""
    return _one_of(t, x, [k for k, c in enumerate(x.form.family.classes) if c is cls])


def _one_of(t: Tracer, x: Ref, fitting: list[int]) -> Num:
    """Whether an object's class is one of those with these numbers."""
    family: Family = x.form.family
    made = [k for k, c in enumerate(family.classes) if c in t.fields_of]
    if not fitting:
        return FALSE
    if set(made) <= set(fitting):
        return TRUE
    tag = node_field(t, x, TAG)
    assert isinstance(tag, Num)
    out = FALSE
    for k in fitting:
        if k in made:
            out = conjunction(t, out, compare_numbers(t, operator.eq, tag, number(k)), either=True)
    return out


def dispatched(t: Tracer, x: Ref, name: str) -> Abstract | None:
    """The method that an object's own class has under a name, chosen at run time; None if no class of the family has it."""
    family: Family = x.form.family
    found = {c: getattr(c, name) for c in family.classes if hasattr(c, name)}
    if not found:
        return None
    if len(set(map(id, found.values()))) == 1 and len(found) == len(family.classes):
        return Py(next(iter(found.values())))
    key = (family, name)
    if key not in t.dispatchers:
        t.dispatchers[key] = Py(_chooser(found, name))
    return t.dispatchers[key]


def _chooser(found: dict[type, Any], name: str) -> Any:
    """A function that calls the method of the class that its first argument has."""
    lines = [f"def {name}(self, *args, **kwargs):"]
    for k in range(len(found)):
        lines += [f"    if type(self) is C{k}:", f"        return C{k}.{name}(self, *args, **kwargs)"]
    lines.append(f"    raise AttributeError(\"the object has no attribute '{name}'\")")
    text = "\n".join(lines) + "\n"
    scope: dict[str, Any] = {f"C{k}": c for k, c in enumerate(found)}
    scope["__name__"] = LIBRARY[0]
    file = f"<{name} of {', '.join(c.__qualname__ for c in found)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), scope)
    return scope[name]
