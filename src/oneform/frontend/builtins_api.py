"""Python's built-in functions, and those of math that are no operations of the table."""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from oneform.frontend import library, records
from oneform.frontend.arrays import rank, whole
from oneform.frontend.attributes import attribute
from oneform.frontend.boxes import new_box
from oneform.frontend.comprehensions import listed, run_loop
from oneform.frontend.containers_api import items as known_items
from oneform.frontend.creation import as_operand
from oneform.frontend.fields import present, record_of
from oneform.frontend.forms import NodeForm
from oneform.frontend.generators import is_run
from oneform.frontend.iterate import trip_count
from oneform.frontend.nodes import is_of
from oneform.frontend.numbers import arithmetic, conjunction, elementwise, negated, op_of, power, python_number, real_scalar, scalar
from oneform.frontend.objects import is_list, list_length, run
from oneform.frontend.once import born, opened
from oneform.frontend.operators import binary, method_of
from oneform.frontend.passing import plain, see
from oneform.frontend.reductions import all_of, any_of, reduction
from oneform.frontend.registry import Call, Handler, handles
from oneform.frontend.state import Var
from oneform.frontend.tracer import Tracer
from oneform.frontend.truth import truth
from oneform.frontend.values import (
    FALSE,
    TRUE,
    Abstract,
    Arr,
    Choice,
    ClassOf,
    Fn,
    Generator,
    Method,
    Num,
    Opt,
    Py,
    Range,
    Ref,
    Seq,
    Text,
    Walk,
    describe,
    number,
)
from oneform.frontend.written import iterators
from oneform.frontend.written.classes import known_as
from oneform.ops import make
from oneform.types import BOOL, F64, I64, DType

# ---------------------------------------------------------------- iteration


@handles(range)
def range_(c: Call) -> Abstract:
    t = c.t
    if c.kwargs or not 1 <= len(c.args) <= 3:
        t.refuse("E106", f"range expected 1 to 3 arguments, got {len(c.args)}", c.node)
    numbers: list[Num] = []
    for a in c.args:
        if not isinstance(a, Num) or a.dtype.kind not in "bi":
            t.refuse("E101", f"range takes integers, not {describe(a)}", c.node, "Convert it with int(…).")
        numbers.append(t.as_index(a))
    start = numbers[0] if len(numbers) > 1 else number(0)
    return Range(start, numbers[1] if len(numbers) > 1 else numbers[0], numbers[2] if len(numbers) > 2 else number(1))


@handles(enumerate, objects=True)
def enumerate_(c: Call) -> Abstract:
    inner, start = c.bind("iterable", "start?")
    assert inner is not None
    first = None if start is None else c.t.as_index(scalar(c.t, start, "start"))
    if is_run(opened(c.t, inner, c.node)):
        return run(c.t, iterators.enumerated, inner, first or number(0))
    return Walk("enumerate", (inner,), first, born(c.t))


@handles(zip, objects=True)
def zip_(c: Call) -> Abstract:
    return Walk("zip", tuple(c.args), born=born(c.t))


@handles(reversed, objects=True)
def reversed_(c: Call) -> Abstract:
    return Walk("reversed", tuple(c.only("sequence")), born=born(c.t))


def items(c: Call, x: Abstract) -> list[Abstract] | None:
    return known_items(c.t, x, c.node)


@handles(len, objects=True)
def len_(c: Call) -> Abstract:
    x = present(c.t, c.only("obj")[0], "TypeError", "object of type 'NoneType' has no len()")
    own = method_of(c.t, x, "__len__")
    if own is not None:
        return c.t.call(c.t, own, [], {}, c.node)
    if isinstance(x, Ref) and is_list(c.t, x):
        return list_length(c.t, x)
    inner = see(c.t, x)
    if isinstance(inner, Seq) and inner.kind == "hash":
        return len_(Call(c.t, "len", [inner.items[0]], {}, c.node))
    if isinstance(inner, Seq) and (inner.kind != "record" or issubclass(inner.meta[0], tuple)):
        return number(len(inner.items))
    if isinstance(x, Arr):
        return whole(c.t, x).lengths[0]
    if isinstance(x, Range):
        return trip_count(c.t, x)
    if isinstance(x, Py) and isinstance(x.obj, str):
        return number(len(x.obj))
    if isinstance(x, Generator):
        found = items(c, x)
        return number(len(found)) if found is not None else len_(Call(c.t, "len", [listed(c.t, x)], {}, c.node))
    c.t.refuse("E101", f"{describe(inner)} has no len()", c.node)


# ---------------------------------------------------------------- numbers


def _conversion(dtype: DType) -> Handler:
    def handler(c: Call) -> Abstract:
        if not c.args:
            return number({"b": False, "i": 0, "f": 0.0}[dtype.kind])
        (x,) = c.only("x")
        if isinstance(x, Py) and isinstance(x.obj, str) and dtype != BOOL:
            return number((int if dtype == I64 else float)(x.obj))
        if dtype == BOOL:
            return python_number(c.t, truth(c.t, x), BOOL)
        if isinstance(x, Arr):
            c.t.refuse("E101", "only a number can be converted, not an array", c.node, "Index one element, or use .astype.")
        return python_number(c.t, scalar(c.t, x, "the argument"), dtype)

    return handler


handles(float)(_conversion(F64))
handles(int)(_conversion(I64))
handles(bool, objects=True)(_conversion(BOOL))


@handles(sum, objects=True)
def sum_(c: Call) -> Abstract:
    x, start = c.bind("iterable", "start?")
    assert x is not None
    total: Abstract = number(0) if start is None else start
    if isinstance(x, Arr) and rank(x) == 1:
        out = reduction(c.t, "sum", x, None)
        return out if start is None else binary(c.t, operator.add, out, total)
    found = None if isinstance(x, Arr) else items(c, x)
    if found is not None:
        return functools.reduce(lambda a, b: binary(c.t, operator.add, a, b), found, total)
    if isinstance(x, Arr):
        return reduction(c.t, "sum", x, number(0))
    if isinstance(x, Generator):
        return run_loop(c.t, x, "sum", "def loop(total_):\n    pass", "total_ = total_ + item_", "return total_", {"total_": total})
    return run(c.t, library.total, x, total)


def _quantifier(every: bool) -> Handler:
    def handler(c: Call) -> Abstract:
        (x,) = c.only("iterable")
        t = c.t
        if isinstance(x, Arr):
            out = (all_of if every else any_of)(t, x, None)
            assert isinstance(out, Num)
            return out
        found = items(c, x)
        if found is not None:
            return functools.reduce(lambda a, b: conjunction(t, a, truth(t, b), not every), found, TRUE if every else FALSE)
        if not isinstance(x, Generator):
            return run(t, library.every if every else library.some, x)
        leave = "if not item_:\n    return False" if every else "if item_:\n    return True"
        return run_loop(t, x, "all" if every else "any", "def loop():\n    pass", leave, f"return {every}", {})

    return handler


handles(all, objects=True)(_quantifier(True))
handles(any, objects=True)(_quantifier(False))


@handles(round)
def round_(c: Call) -> Abstract:
    x, digits = c.bind("number", "ndigits?")
    n = real_scalar(c.t, x or Py(None), "the argument of round")
    if digits is not None:
        c.t.refuse("E101", "round with a number of digits is not supported", c.node, "Scale, round and scale back.")
    if n.dtype.kind in "bi":
        return python_number(c.t, n, I64)
    if n.known is not None:
        return number(round(n.known))
    return c.t.integer(make.convert(c.t.b, c.t.op(np.rint, c.t.value(n)), I64))


def _to_integer(f: Any, exact: Callable[[Any], Any]) -> Handler:
    def handler(c: Call) -> Abstract:
        (x,) = c.only("x")
        n = real_scalar(c.t, x, f"the argument of {c.name}")
        if n.dtype.kind in "bi":
            return python_number(c.t, n, I64)
        if n.known is not None and math.isfinite(n.known):
            return number(int(exact(n.known)))
        return c.t.integer(make.convert(c.t.b, c.t.op(f, c.t.value(n)), I64))

    return handler


handles(math.floor)(_to_integer(np.floor, math.floor))
handles(math.ceil)(_to_integer(np.ceil, math.ceil))
handles(math.trunc)(_to_integer(np.trunc, math.trunc))


@handles(divmod)
def divmod_(c: Call) -> Abstract:
    a, b = c.only("a", "b")
    return Seq("tuple", (binary(c.t, operator.floordiv, a, b), binary(c.t, operator.mod, a, b)))


@handles(pow, operator.pow)
def pow_(c: Call) -> Abstract:
    a, b = c.only("base", "exp")
    return binary(c.t, operator.pow, a, b)


@handles(math.pow)
def math_pow(c: Call) -> Abstract:
    a, b = (python_number(c.t, scalar(c.t, x, "an argument of math.pow"), F64) for x in c.only("x", "y"))
    return power(c.t, a, b, F64, True)


@handles(math.log)
def math_log(c: Call) -> Abstract:
    x, base = c.bind("x", "base?")
    out = _log(c, x)
    return out if base is None else arithmetic(c.t, op_of(operator.truediv), out, _log(c, base))


def _log(c: Call, x: Abstract | None) -> Num:
    n = python_number(c.t, scalar(c.t, x or Py(None), "the argument of math.log"), F64)
    return Num(F64, True, c.t.op(np.log, c.t.value(n)))


@handles(math.hypot)
def math_hypot(c: Call) -> Abstract:
    numbers = [python_number(c.t, scalar(c.t, x, "an argument of math.hypot"), F64) for x in c.args]
    out: Num = number(0.0) if not numbers else Num(F64, True, c.t.op(abs, c.t.value(numbers[0])))
    for n in numbers[1:]:
        out = Num(F64, True, c.t.op(np.hypot, c.t.value(out), c.t.value(n)))
    return out


@handles(math.dist)
def math_dist(c: Call) -> Abstract:
    p, q = (items(c, x) for x in c.only("p", "q"))
    if p is None or q is None or len(p) != len(q):
        c.t.refuse("E101", "math.dist takes two tuples of one length", c.node)
    differences = [binary(c.t, operator.sub, a, b) for a, b in zip(p, q, strict=True)]
    return math_hypot(Call(c.t, "math.dist", differences, {}, c.node))


@handles(math.degrees)
def math_degrees(c: Call) -> Abstract:
    return binary(c.t, operator.mul, python_number(c.t, scalar(c.t, c.only("x")[0], "x"), F64), number(180.0 / math.pi))


@handles(math.radians)
def math_radians(c: Call) -> Abstract:
    return binary(c.t, operator.mul, python_number(c.t, scalar(c.t, c.only("x")[0], "x"), F64), number(math.pi / 180.0))


# ---------------------------------------------------------------- structure


def class_of(t: Tracer, x: Abstract) -> type | None:
    """The Python class of a value, where it is known."""
    if isinstance(x, Ref) and is_list(t, x):
        return list
    if isinstance(x, Ref) and isinstance(x.form, NodeForm):
        return x.form.cls
    if isinstance(x, Text):
        return str
    x = see(t, x)
    if isinstance(x, Num):
        return {"b": bool, "i": int, "f": float, "c": complex}.get(x.dtype.kind) if x.weak else x.dtype.numpy.type
    if isinstance(x, Arr):
        return np.ndarray
    if isinstance(x, Seq):
        return known_as(x.meta[0]) if x.kind == "record" else {"tuple": tuple, "list": list, "dict": dict, "hash": dict}[x.kind]
    return type(x.obj) if isinstance(x, Py) else None


@handles(isinstance, objects=True)
def isinstance_(c: Call) -> Abstract:
    x, classes = c.only("obj", "class_or_tuple")
    wanted = _classes(c, classes)
    if isinstance(x, Opt):
        inside = conjunction(c.t, x.there, _is_one(c, x.item, wanted))
        return conjunction(c.t, negated(c.t, x.there), inside, either=True) if type(None) in wanted else inside
    return _is_one(c, x, wanted)


def _classes(c: Call, x: Abstract) -> list[type]:
    if isinstance(x, Seq):
        return [w for i in x.items for w in _classes(c, i)]
    if isinstance(x, Py) and isinstance(x.obj, type):
        return [x.obj]
    if isinstance(x, Py) and isinstance(x.obj, types.UnionType):
        return [w for w in x.obj.__args__ if isinstance(w, type)]
    c.t.refuse("E006", f"{describe(x)} is no class", c.node)


def _is_one(c: Call, x: Abstract, wanted: list[type]) -> Num:
    if isinstance(x, Ref) and isinstance(x.form, NodeForm):
        return is_of(c.t, x, tuple(wanted))
    own = class_of(c.t, x)
    if own is None:
        c.t.refuse("E006", f"the class of {describe(x)} is not known", c.node)
    return number(any(issubclass(own, w) for w in wanted))


@handles(type, objects=True)
def type_(c: Call) -> Abstract:
    (x,) = c.only("obj")
    if isinstance(x, Ref) and isinstance(x.form, NodeForm) and x.form.cls is None:
        return ClassOf(x)
    own = None if isinstance(x, Opt) else class_of(c.t, x)
    if own is None:
        c.t.refuse("E006", f"the class of {describe(x)} is not known", c.node)
    return Py(own)


@handles(callable, objects=True)
def callable_(c: Call) -> Abstract:
    (x,) = c.only("obj")
    return number(isinstance(x, (Fn, Method, Choice)) or (isinstance(x, Py) and callable(x.obj)))


@handles(dataclasses.replace, objects=True)
def replace(c: Call) -> Abstract:
    record = record_of(c.t, c.args[0]) if c.args else None
    if record is None or not dataclasses.is_dataclass(record.meta[0]):
        c.t.refuse("E101", "replace takes an object of a dataclass", c.node)
    cls: Any = record.meta[0]
    own = {f.name: record.get(f.name) for f in dataclasses.fields(cls) if f.init}
    return c.t.call(c.t, Py(cls), [], {**{k: x for k, x in own.items() if x is not None}, **c.kwargs}, c.node)


@handles(records.replaced, objects=True)
def replaced(c: Call) -> Abstract:
    """NamedTuple._replace"""
    record = record_of(c.t, c.args[0])
    assert record is not None
    cls, names = record.meta
    strange = [k for k in c.kwargs if k not in names]
    if strange or len(c.args) > 1:
        c.t.refuse("E106", f"_replace() of {cls.__name__} got unexpected arguments", c.node, f"Its fields are {', '.join(names)}.")
    return c.t.call(c.t, Py(cls), [], {**dict(zip(names, record.items, strict=True)), **c.kwargs}, c.node)


@handles(records.as_dict, objects=True)
def as_dict(c: Call) -> Abstract:
    """NamedTuple._asdict"""
    record = record_of(c.t, c.args[0])
    assert record is not None
    return new_box(c.t, "dict", Seq("dict", record.items, record.meta[1]))


@handles(super, objects=True)
def super_(c: Call) -> Abstract:
    """super() in a method, or super(cls, obj): a method of the class `super`, of which attributes are asked."""
    if len(c.args) == 2:
        return Method(Py(super), tuple(c.args))
    source = c.t.here.source
    cell, own = source.cells.get("__class__"), source.node.args
    first = next((a.arg for a in (*own.posonlyargs, *own.args)), None)
    if c.args or cell is None or first is None:
        c.t.refuse("E003", "super() stands for the class around a method, and here is none", c.node)
    return Method(Py(super), (Py(cell.cell_contents), c.t.state.get(Var(c.t.here.path, first))))


@handles(hasattr, objects=True)
def hasattr_(c: Call) -> Abstract:
    x, name = c.only("obj", "name")
    record = record_of(c.t, x)
    if not isinstance(name, Py) or record is None:
        c.t.refuse("E006", "hasattr asks records for a name that is a string of the program", c.node)
    own = known_as(record.meta[0])
    return number(hasattr(own, name.obj) or (own is record.meta[0] and record.get(name.obj) is not None))


@handles(abs, objects=True)
def abs_(c: Call) -> Abstract:
    (x,) = c.only("x")
    own = method_of(c.t, x, "__abs__")
    return c.t.call(c.t, own, [], {}, c.node) if own is not None else elementwise(c.t, op_of(abs), [as_operand(c.t, plain(c.t, x))], strong=False)


@handles(getattr, objects=True)
def getattr_(c: Call) -> Abstract:
    from_, name = c.only("obj", "name")
    if not isinstance(name, Py) or not isinstance(name.obj, str):
        c.t.refuse("E006", "the name of an attribute must be a string of the program", c.node)
    return attribute(c.t, from_, name.obj, c.node)


@handles(functools.partial, objects=True)
def partial(c: Call) -> Abstract:
    return Method(c.args[0], tuple(c.args[1:]), c.kwargs)


@handles(str, repr)
def str_(c: Call) -> Abstract:
    (x,) = c.only("x")
    if isinstance(x, Py) or (isinstance(x, Num) and x.known is not None):
        return Py((str if c.name == "str" else repr)(x.obj if isinstance(x, Py) else x.known))
    c.t.refuse("E006", "a string made from numbers is known only at run time", c.node, "Such strings may stand in raise and assert.")


@handles(operator.matmul)
def operator_matmul(c: Call) -> Abstract:
    a, b = c.only("a", "b")
    return binary(c.t, operator.matmul, a, b)


_PLAIN = (operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.and_, operator.or_, operator.xor)


def _operator(f: Any) -> Handler:
    return lambda c: binary(c.t, f, *c.only("a", "b"))


for _f in _PLAIN:
    handles(_f, objects=True)(_operator(_f))


@handles(operator.not_, objects=True)
def not_(c: Call) -> Abstract:
    return negated(c.t, truth(c.t, c.only("a")[0]))


@handles(iter, objects=True)
def iter_(c: Call) -> Abstract:
    x = opened(c.t, c.only("object")[0], c.node)
    return x if is_run(x) else Walk("iter", (x,), born=born(c.t))
