"""Operators on anything: numbers and arrays, tuples, strings, and records with their own."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from types import FunctionType
from typing import Any

from oneform.families import text_code
from oneform.frontend import library
from oneform.frontend.arrays import places, rank, require_equal, shape
from oneform.frontend.attributes import bound_method
from oneform.frontend.contractions import stacked_matmul
from oneform.frontend.creation import as_operand
from oneform.frontend.dicts import has_key
from oneform.frontend.fields import present, record_of
from oneform.frontend.forms import NodeForm
from oneform.frontend.functions import is_function
from oneform.frontend.lift import structure
from oneform.frontend.numbers import (
    Operand,
    arithmetic,
    as_value,
    compare,
    compare_numbers,
    conjunction,
    negated,
    op_of,
    operand,
    pointwise,
    promoted,
    wrap,
)
from oneform.frontend.objects import UNROLLED, is_list, new_list, repeated, run, same_object
from oneform.frontend.passing import plain, see
from oneform.frontend.reductions import any_of
from oneform.frontend.sameness import same
from oneform.frontend.tracer import Tracer
from oneform.frontend.truth import truth
from oneform.frontend.values import FALSE, TRUE, Abstract, Arr, Choice, Method, Num, Opt, Py, Range, Ref, Seq, Text, describe, number
from oneform.frontend.written.queues import QUEUES
from oneform.ops import make
from oneform.types import BOOL, I64

DUNDER: dict[Callable[..., Any], str] = {
    operator.add: "add", operator.sub: "sub", operator.mul: "mul", operator.truediv: "truediv", operator.floordiv: "floordiv", operator.mod: "mod",
    operator.pow: "pow", operator.matmul: "matmul", operator.and_: "and", operator.or_: "or", operator.xor: "xor",
    operator.lshift: "lshift", operator.rshift: "rshift",
    operator.lt: "lt", operator.le: "le", operator.gt: "gt", operator.ge: "ge", operator.eq: "eq", operator.ne: "ne",
}
BITS = (operator.and_, operator.or_, operator.xor)
SYMBOL = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.matmul: "@", operator.pow: "**", operator.mod: "%",
    operator.floordiv: "//",
}


def binary(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract:
    """a f b"""
    own = _from_class(t, f, a, b)
    if own is not None:
        return own
    if isinstance(a, (Num, Arr)) and isinstance(b, (Num, Arr)):
        return numeric(t, f, a, b)
    if isinstance(a, Opt) or isinstance(b, Opt):
        return binary(t, f, not_none(t, a, f), not_none(t, b, f))
    found = _of_sequences(t, f, a, b)
    if found is not None:
        return found
    x, y = plain(t, a), plain(t, b)
    if isinstance(x, Arr) and isinstance(y, (Seq, Ref)) or isinstance(y, Arr) and isinstance(x, (Seq, Ref)):
        return numeric(t, f, as_operand(t, x), as_operand(t, y))
    if isinstance(a, Py) and isinstance(b, Py) and isinstance(a.obj, str) and isinstance(b.obj, str) and f is operator.add:
        return Py(a.obj + b.obj)
    sign = SYMBOL.get(f, DUNDER.get(f, "?"))
    t.refuse("E101", f"unsupported operands for {sign}: {describe(x)} and {describe(y)}")


def not_none(t: Tracer, x: Abstract, f: Callable[..., Any]) -> Abstract:
    """An operand that may be None, where None is an error."""
    return present(t, x, "TypeError", f"unsupported operand type(s) for {SYMBOL.get(f, DUNDER.get(f, '?'))}: 'NoneType'")


def _of_sequences(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract | None:
    """Tuples and lists one behind the other, or several times; None for anything else."""
    if f is operator.add and is_list(t, a) and is_list(t, b):
        x, y = see(t, a), see(t, b)
        if isinstance(x, Seq) and isinstance(y, Seq):
            return new_list(t, x.items + y.items)
        out = run(t, library.joined, a, b)
        if isinstance(a, Ref) and isinstance(out, Ref) and not {a.box, *a.box.partners}.isdisjoint(t.state.reach(b)):
            out.box.doubled = True
        return out
    if f is operator.add and isinstance(a, Seq) and isinstance(b, Seq) and a.kind in ("tuple", "list") and b.kind == a.kind:
        return Seq(a.kind, a.items + b.items)
    if f is not operator.mul or not (isinstance(a, Num) or isinstance(b, Num)):
        return None
    seq, times = (b, a) if isinstance(a, Num) else (a, b)
    assert isinstance(times, Num)
    if isinstance(seq, Seq) and seq.kind in ("tuple", "list"):
        return Seq(seq.kind, seq.items * t.known_int(times, f"the length of a {seq.kind}"))
    if not is_list(t, seq) or times.dtype.kind not in "bi":
        return None
    assert isinstance(seq, Ref)
    inner = see(t, seq)
    if isinstance(inner, Seq):
        if times.known is not None and len(inner.items) * max(int(times.known), 0) <= UNROLLED:
            return new_list(t, inner.items * max(int(times.known), 0))
        many = repeated(t, inner.items, times)
        if many is not None:
            return many
        if times.known is not None:
            return new_list(t, inner.items * max(int(times.known), 0))
    out = run(t, library.repeated, seq, times)
    if isinstance(out, Ref):
        out.box.doubled = True
    return out


def ordered(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract:
    """a < b and its like of tuples and lists: by the first items that differ."""
    x, y = (b, a) if f in (operator.gt, operator.ge) else (a, b)
    f = {operator.gt: operator.lt, operator.ge: operator.le}.get(f, f)
    p, q = see(t, x), see(t, y)
    if not (isinstance(p, Seq) and isinstance(q, Seq)):
        return run(t, library.less if f is operator.lt else library.less_or_equal, x, y)
    before: Abstract = number(bool(f(len(p.items), len(q.items))))
    for i, j in reversed(list(zip(p.items, q.items, strict=False))):
        first, same_ = binary_compare(t, operator.lt, i, j), equal(t, i, j)
        before = conjunction(t, truth(t, first), conjunction(t, same_, truth(t, before)), either=True)
    return before


def binary_compare(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract:
    """a < b and its like, of anything."""
    if isinstance(a, (Num, Arr)) and isinstance(b, (Num, Arr)):
        return compare(t, op_of(f), a, b)
    if isinstance(a, Py) and isinstance(b, Py):
        return number(bool(f(a.obj, b.obj)))
    own = _from_class(t, f, a, b)
    if own is not None:
        return own
    a, b = not_none(t, a, f), not_none(t, b, f)
    if isinstance(a, (Seq, Ref)) and isinstance(b, (Seq, Ref)) and record_of(t, a) is None:
        return ordered(t, f, a, b)
    return compare(t, op_of(f), operand(t, a), operand(t, b))


MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}


def _as_tuples(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract | None:
    """Two objects of a dataclass with order=True: compared by their fields, one after the other."""
    x, y = record_of(t, a), record_of(t, b)
    if f not in (operator.lt, operator.le, operator.gt, operator.ge) or x is None or y is None or x.meta[0] is not y.meta[0]:
        return None
    cls: Any = x.meta[0]
    if not dataclasses.is_dataclass(cls) or not cls.__dataclass_params__.order:  # type: ignore[attr-defined]
        return None
    names = [n.name for n in dataclasses.fields(cls) if n.compare]
    return ordered(t, f, *(Seq("tuple", tuple(v for n in names if (v := r.get(n)) is not None)) for r in (x, y)))


def _from_class(t: Tracer, f: Callable[..., Any], a: Abstract, b: Abstract) -> Abstract | None:
    """An operator that a record's class defines."""
    name = DUNDER.get(f)
    if name is None:
        return None
    for x, y, full in ((a, b, f"__{name}__"), (b, a, f"__{MIRRORED.get(name, 'r' + name)}__")):
        found = method_of(t, x, full)
        if found is not None:
            return t.call(t, found, [y], {}, t.here.source.node)
    return _as_tuples(t, f, a, b)


def method_of(t: Tracer, x: Abstract, name: str) -> Abstract | None:
    """A method that a record's class defines in Python; None for what is no record."""
    if not isinstance(x, (Seq, Ref)) or record_of(t, x) is None:
        return None
    found = bound_method(t, x, name)
    inner = found.function.obj if isinstance(found, Method) and isinstance(found.function, Py) else None
    generated = isinstance(inner, FunctionType) and inner.__code__.co_filename == "<string>" and name in COMPARISONS  # by dataclasses
    return None if generated else found


COMPARISONS = ("__eq__", "__lt__", "__le__", "__gt__", "__ge__")


def numeric(t: Tracer, f: Callable[..., Any], a: Operand, b: Operand, strong: bool = False) -> Operand:
    if f is operator.matmul:
        return matmul(t, a, b)
    if f in BITS or f in (operator.lshift, operator.rshift):
        return _bits(t, f, a, b, strong)
    return arithmetic(t, op_of(f), a, b, strong)


def _bits(t: Tracer, f: Callable[..., Any], a: Operand, b: Operand, strong: bool) -> Operand:
    dtype, weak = promoted([a, b])
    if isinstance(a, Num) and isinstance(b, Num) and a.known is not None and b.known is not None and dtype.kind in "bi":
        try:
            return number(f(a.known, b.known))
        except (ValueError, OverflowError):
            pass
    if dtype.kind not in "bi":
        t.refuse("E101", f"bit operations take integers and bools, not {describe(a)} and {describe(b)}")
    if f in (operator.lshift, operator.rshift) and dtype == BOOL:
        dtype = I64
    if dtype == BOOL and isinstance(a, Num) and isinstance(b, Num) and f is not operator.xor:
        return conjunction(t, a, b, f is operator.or_)
    return pointwise(t, op_of(f), [a, b], dtype, weak and not strong)


def matmul(t: Tracer, a: Operand, b: Operand, dot: bool = False) -> Operand:
    """a @ b of vectors and matrices; np.dot words its error differently."""
    if not isinstance(a, Arr) or not isinstance(b, Arr):
        t.refuse("E101", f"@ takes arrays, not {describe(a)} and {describe(b)}", None, "Use *.")
    if rank(a) > 2 or rank(b) > 2:
        return stacked_matmul(t, a, b)
    dtype, _ = promoted([a, b])
    dtype = I64 if dtype == BOOL else dtype
    (da, la), (db, lb) = shape(t, a), shape(t, b)
    if isinstance(da[-1], int) and isinstance(db[0], int) and da[-1] != db[0]:
        t.refuse("E103", f"shapes {_plain(da)} and {_plain(db)} not aligned: {da[-1]} (dim {len(da) - 1}) != {db[0]} (dim 0)")
    if dot:
        message = f"shapes {places(len(la))} and {places(len(lb), len(la))} not aligned: {{{len(la) - 1}}} (dim {len(la) - 1}) != {{{len(la)}}} (dim 0)"
    else:
        message = "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc signature (n?,k),(k,m?)->(n?,m?) "
        message += f"(size {{{len(la)}}} is different from {{{len(la) - 1}}})"
    require_equal(t, (da[-1], la[-1]), (db[0], lb[0]), message, [*la, *lb])
    return wrap(t, make.matmul(t.b, as_value(t, a, dtype), as_value(t, b, dtype)))


def _plain(dims: Any) -> str:
    return "(" + ",".join(map(str, dims)) + ("," if len(dims) == 1 else "") + ")"


# ---------------------------------------------------------------- equality of structure


def equal(t: Tracer, a: Abstract, b: Abstract) -> Num:
    """a == b for anything but two arrays."""
    if isinstance(a, Num) and isinstance(b, Num):
        return compare_numbers(t, operator.eq, a, b)
    if isinstance(a, Py) and isinstance(b, Py):
        return number(bool(a.obj == b.obj))
    if isinstance(a, Text) or isinstance(b, Text):
        codes = [code_of(i) for i in (a, b)]
        return FALSE if codes[0] is None or codes[1] is None else compare_numbers(t, operator.eq, codes[0], codes[1])
    if isinstance(a, Opt) or isinstance(b, Opt):
        return _equal_optional(t, a, b)
    if isinstance(a, Arr) or isinstance(b, Arr):
        t.refuse("E101", "the truth of a comparison with an array is ambiguous", None, "Compare elements, or use np.all(a == b).")
    own = _from_class(t, operator.eq, a, b)
    if isinstance(own, Num):
        return own
    for i in (a, b):
        if isinstance(i, Ref) and isinstance(i.form, NodeForm):
            return _equal_nodes(t, a, b)
    x, y = see(t, a), see(t, b)
    for i in (x, y):
        if isinstance(i, Seq) and i.kind == "record" and i.meta[0] in QUEUES:
            t.refuse("E101", f"a {QUEUES[i.meta[0]].__name__} cannot be compared", None, "Compare lists of what it holds.")
    if isinstance(x, Seq) and isinstance(y, Seq):
        return _equal_items(t, x, y)
    if is_list(t, a) and is_list(t, b):
        out = run(t, library.equal, a, b)
        assert isinstance(out, Num)
        return out
    if is_function(a) and is_function(b):
        return same_function(t, a, b)
    return FALSE


def same_function(t: Tracer, a: Abstract, b: Abstract) -> Num:
    """Whether two functions are one."""
    for x, y in ((a, b), (b, a)):
        if isinstance(x, Choice):
            out = FALSE
            for k, option in enumerate(x.options):
                out = conjunction(t, out, conjunction(t, compare_numbers(t, operator.eq, x.tag, number(k)), same_function(t, option, y)), either=True)
            return out
    return number(same(a, b))


def _equal_nodes(t: Tracer, a: Abstract, b: Abstract) -> Num:
    """Objects of recursive classes: the same object, where the class does not say otherwise."""
    if not (isinstance(a, Ref) and isinstance(b, Ref)):
        return FALSE
    if any(c.__eq__ is not object.__eq__ for c in a.form.family.classes):
        x, y = see(t, a), see(t, b)
        if isinstance(x, Seq) and isinstance(y, Seq) and not any(isinstance(i, Opt) or (isinstance(i, Ref) and i.box is a.box) for i in x.items):
            return _equal_items(t, x, y)  # as dataclasses write it
        t.refuse("E101", f"two objects of {a.form.family} would be compared with all that they refer to", None, "Compare with `is`, or write __eq__.")
    return same_object(t, a, b)


def code_of(x: Abstract) -> Num | None:
    """A string as its code."""
    if isinstance(x, Text):
        return x.code
    return number(text_code(x.obj)) if isinstance(x, Py) and isinstance(x.obj, str) else None


def _equal_items(t: Tracer, x: Seq, y: Seq) -> Num:
    if x.kind == y.kind == "dict" and x.meta != y.meta and set(x.meta) == set(y.meta):
        y = Seq("dict", tuple(y.items[y.meta.index(k)] for k in x.meta), x.meta)
    if x.kind != y.kind or x.meta != y.meta or len(x.items) != len(y.items):
        return FALSE
    out = TRUE
    for i, j in zip(x.items, y.items, strict=True):
        out = conjunction(t, out, equal(t, i, j))
    return out


def _equal_optional(t: Tracer, a: Abstract, b: Abstract) -> Num:
    """None is equal to None only."""
    (p, x), (q, y) = ((i.there, i.item) if isinstance(i, Opt) else (number(not (isinstance(i, Py) and i.obj is None)), i) for i in (a, b))
    neither = conjunction(t, negated(t, p), negated(t, q))
    if any(isinstance(i, Py) and i.obj is None for i in (x, y)):
        return neither
    return conjunction(t, neither, conjunction(t, conjunction(t, p, q), equal(t, x, y)), either=True)


def contains(t: Tracer, x: Abstract, container: Abstract) -> Num:
    """x in container"""
    own = method_of(t, container, "__contains__")
    if own is not None:
        return truth(t, t.call(t, own, [x], {}, t.here.source.node))
    box = see(t, container)
    if isinstance(container, Ref) and container.box.kind == "dict" and container.form is None:
        return has_key(t, container, x)
    if isinstance(box, Seq):
        items = [structure(t, k) for k in box.meta] if box.kind == "dict" else box.items
        out = FALSE
        for i in items:
            out = conjunction(t, out, equal(t, x, i), either=True)
        return out
    if isinstance(box, Py) and isinstance(box.obj, (str, bytes, frozenset, set)) and isinstance(x, Py):
        return number(x.obj in box.obj)
    if isinstance(box, Arr):
        hits = compare(t, op_of(operator.eq), box, operand(t, x))
        return any_of(t, hits, None)  # type: ignore[return-value]
    if is_list(t, container) or isinstance(container, Range):
        found = run(t, library.contains, container, x)
        assert isinstance(found, Num)
        return found
    t.refuse("E101", f"'in' takes a tuple, a list, a dict or an array, not {describe(box)}")
