"""NumPy's functions that are no pointwise operations of the table, and the methods of arrays."""

from __future__ import annotations

import operator

import numpy as np

from oneform.frontend.arrays import rank, shape, store, version, whole
from oneform.frontend.comprehensions import items_of_generator, listed, run_loop
from oneform.frontend.contractions import dot_of
from oneform.frontend.creation import arange, as_array, as_operand, copied, filled, like, parse_dtype, parse_shape, reshaped, uninitialised
from oneform.frontend.index_api import nonzero
from oneform.frontend.iterate import iteration
from oneform.frontend.numbers import Operand, arithmetic, as_value, check_shapes, dtype_of, elementwise, op_of, promoted, scalar, to_dtype, truth, wrap
from oneform.frontend.operators import matmul
from oneform.frontend.passing import plain
from oneform.frontend.reductions import all_of, any_of, chosen, is_true, mean, variance
from oneform.frontend.registry import Call, Handler, handles, handles_late, makes_array, method
from oneform.frontend.shape_api import array_of, with_axes
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import Abstract, Arr, Generator, Num, Py, Seq, describe, number
from oneform.ops import constant, make
from oneform.types import BOOL, C64, C128, F32, F64, I32, I64, DType

# ---------------------------------------------------------------- arrays from shapes


def _constant_filled(v: float) -> Handler:
    def handler(c: Call) -> Abstract:
        size, dtype = c.bind("shape", "dtype?")
        assert size is not None
        kind = parse_dtype(c.t, dtype, F64)
        return filled(c.t, *parse_shape(c.t, size), constant(c.t.b, v, kind))

    return handler


handles(np.zeros)(makes_array(_constant_filled(0)))
handles(np.ones)(makes_array(_constant_filled(1)))


@handles(np.empty)
@makes_array
def empty(c: Call) -> Abstract:
    size, dtype = c.bind("shape", "dtype?")
    assert size is not None
    return uninitialised(c.t, *parse_shape(c.t, size), parse_dtype(c.t, dtype, F64))


@handles(np.full)
@makes_array
def full(c: Call) -> Abstract:
    size, fill, dtype = c.bind("shape", "fill_value", "dtype?")
    assert size is not None and fill is not None
    values = as_operand(c.t, fill)
    if isinstance(values, Arr):
        out = uninitialised(c.t, *parse_shape(c.t, size), parse_dtype(c.t, dtype, values.cell.dtype))
        assert isinstance(out, Arr)
        store(c.t, out, values)
        return out
    v = scalar(c.t, values, "the fill value")
    return filled(c.t, *parse_shape(c.t, size), c.t.value(v, parse_dtype(c.t, dtype, v.dtype)))


def _filled_like(v: float) -> Handler:
    def handler(c: Call) -> Abstract:
        model, dtype = c.bind("a", "dtype?")
        dims, lengths, kind = like(c.t, as_operand(c.t, model or Py(None)), parse_dtype(c.t, dtype, F64) if dtype else None)
        return filled(c.t, dims, lengths, constant(c.t.b, v, kind))

    return handler


handles(np.zeros_like)(makes_array(_filled_like(0)))
handles(np.ones_like)(makes_array(_filled_like(1)))


@handles(np.empty_like)
@makes_array
def empty_like(c: Call) -> Abstract:
    model, dtype = c.bind("a", "dtype?")
    dims, lengths, kind = like(c.t, as_operand(c.t, model or Py(None)), parse_dtype(c.t, dtype, F64) if dtype else None)
    return uninitialised(c.t, dims, lengths, kind)


@handles(np.full_like)
@makes_array
def full_like(c: Call) -> Abstract:
    model, fill, dtype = c.bind("a", "fill_value", "dtype?")
    dims, lengths, kind = like(c.t, as_operand(c.t, model or Py(None)), parse_dtype(c.t, dtype, F64) if dtype else None)
    return filled(c.t, dims, lengths, c.t.value(scalar(c.t, fill or Py(None), "the fill value"), kind))


@handles(np.arange)
def arange_(c: Call) -> Abstract:
    first, second, third, dtype = c.bind("start", "stop?", "step?", "dtype?")
    numbers = [scalar(c.t, x, "an argument of np.arange") for x in (first, second, third) if x is not None]
    start, stop = (number(0), numbers[0]) if second is None else (numbers[0], numbers[1])
    step = scalar(c.t, third, "the step") if third is not None else number(1)
    if any(n.dtype.kind == "c" for n in (start, stop, step)):
        c.t.refuse("E101", "np.arange goes from one real number to another", c.node, "Multiply the result: z0 + dz * np.arange(n).")
    if step.known == 0:
        c.t.refuse("E101", "the step of np.arange is zero", c.node)
    kind = parse_dtype(c.t, dtype, promoted([start, stop, step])[0])
    return arange(c.t, start, stop, step, I64 if kind == BOOL else kind)


# ---------------------------------------------------------------- arrays from values


@handles(np.array)
@makes_array
def array(c: Call) -> Abstract:
    x, dtype, copy_, least = c.bind("object", "dtype?", "*", "copy?", "ndmin?")
    assert x is not None
    if copy_ is not None and not c.t.known_int(copy_, "copy"):
        c.t.refuse("E101", "np.array makes a copy in compiled code", c.node, "Use np.asarray.")
    if least is not None:
        made = array(Call(c.t, c.name, [x], {"dtype": dtype} if dtype else {}, c.node))
        return with_axes(c.t, array_of(c.t, made), c.t.known_int(least, "ndmin"))
    kind = parse_dtype(c.t, dtype, F64) if dtype else None
    if isinstance(x, Generator):
        return _from_comprehension(c, x, kind)
    return as_array(c.t, x, kind, c.node)


@handles(np.asarray, np.ascontiguousarray)
@makes_array
def asarray(c: Call) -> Abstract:
    x, dtype = c.bind("a", "dtype?")
    if (isinstance(x, Arr) or (isinstance(x, Num) and x.arrays)) and (dtype is None or parse_dtype(c.t, dtype, F64) == dtype_of(x)):
        return x
    return array(c)


def _from_comprehension(c: Call, g: Generator, dtype: DType | None) -> Abstract:
    """np.array([f(x) for x in …]): filled by a loop."""
    t = c.t
    found = items_of_generator(t, g)
    if found is not None:
        return as_array(t, Seq("list", tuple(found)), dtype, c.node)
    if len(g.node.generators) != 1 or g.node.generators[0].ifs:
        return as_array(t, plain(t, listed(t, g)), dtype, c.node)
    saved = t.frame
    t.frame = g.frame
    try:
        with t.placed(g.node.generators[0].iter):
            trip = iteration(t, t.expr(g.node.generators[0].iter)).trip
    finally:
        t.frame = saved
    assert trip is not None
    sample = _item_type(t, g)
    dims, lengths = shape(t, sample)
    if any(n.known is None for n in lengths):
        return as_array(t, plain(t, listed(t, g)), dtype, c.node)
    out = uninitialised(t, (t.dim_for(trip), *dims), (trip, *lengths), dtype or dtype_of(sample))
    return run_loop(t, g, "array", "def loop(out_):\n    pass", "out_[k_] = item_", "return out_", {"out_": out})


def _item_type(t: Tracer, g: Generator) -> Operand:
    """One item, lowered only to see its type."""
    state = t.state
    kept: list[Operand] = []
    with t.region():
        t.state = state.copy()
        try:
            x = as_operand(t, run_loop(t, g, "first", "def loop():\n    pass", "return item_", "raise ValueError", {}), g.node)
            kept.append(Num(x.dtype, x.weak, None, 0) if isinstance(x, Num) else Arr(x.cell, whole(t, x)))
        except PathEnds:
            kept.append(number(0.0))
        finally:
            t.state = state
    return kept[0]


@handles(np.copy)
@method("copy", "__copy__")
def copy(c: Call) -> Abstract:
    (x,) = c.only("a")
    return copied(c.t, as_operand(c.t, x))


@method("astype")
def astype(c: Call) -> Abstract:
    x, dtype = c.only("self", "dtype")
    kind = parse_dtype(c.t, dtype, F64)
    a = as_operand(c.t, x)
    return copied(c.t, a, kind)


def _scalar_type(dtype: DType) -> Handler:
    def handler(c: Call) -> Abstract:
        (x,) = c.only("x")
        return to_dtype(c.t, as_operand(c.t, x), dtype)

    return handler


for _class, _dtype in ((np.float64, F64), (np.float32, F32), (np.int64, I64), (np.int32, I32), (np.bool_, BOOL), (np.complex128, C128), (np.complex64, C64)):
    handles(_class)(_scalar_type(_dtype))


@handles(np.finfo, np.iinfo)
def limits(c: Call) -> Abstract:
    (x,) = c.only("dtype")
    dtype = x.cell.dtype if isinstance(x, Arr) else x.dtype if isinstance(x, Num) else parse_dtype(c.t, x, F64)
    return Py(np.finfo(dtype.numpy) if dtype.kind in "fc" else np.iinfo(dtype.numpy))


# ---------------------------------------------------------------- choice


@handles(np.where)
def where(c: Call) -> Abstract:
    if len(c.args) == 1 and not c.kwargs:
        return nonzero(c)
    cond, x, y = (as_operand(c.t, a) for a in c.only("condition", "x", "y"))
    t = c.t
    holds = truth(t, cond) if isinstance(cond, Num) else to_dtype(t, cond, BOOL)
    dtype, _ = promoted([x, y])
    check_shapes(t, [holds, x, y])
    v = make.select(t.b, as_value(t, holds, BOOL), as_value(t, x, dtype), as_value(t, y, dtype))
    return wrap(t, v)


@handles(np.clip)
@method("clip")
def clip(c: Call) -> Abstract:
    x, lower, upper, least, most = c.bind("a", "a_min?", "a_max?", "*", "min?", "max?")
    if (lower is not None and least is not None) or (upper is not None and most is not None):
        c.t.refuse("E106", "passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden", c.node)
    lo, hi = lower or least, upper or most
    out = as_operand(c.t, x or Py(None))
    if lo is not None:
        out = elementwise(c.t, op_of(np.maximum), [out, as_operand(c.t, lo)])
    return out if hi is None else elementwise(c.t, op_of(np.minimum), [out, as_operand(c.t, hi)])


def _logical(either: bool) -> Handler:
    def handler(c: Call) -> Abstract:
        a, b = (to_dtype(c.t, as_operand(c.t, x), BOOL) for x in c.only("x1", "x2"))
        return elementwise(c.t, op_of(operator.or_ if either else operator.and_), [a, b])

    return handler


handles(np.logical_and)(_logical(False))
handles(np.logical_or)(_logical(True))


@handles(np.logical_not)
def logical_not(c: Call) -> Abstract:
    return elementwise(c.t, op_of(operator.invert), [to_dtype(c.t, as_operand(c.t, c.only("x")[0]), BOOL)])


# ---------------------------------------------------------------- reductions


def _reduction(kind: str) -> Handler:
    def handler(c: Call) -> Abstract:
        if c.args and isinstance(c.args[0], Generator):
            return c.t.call(c.t, Py(sum), c.args, c.kwargs, c.node)
        own = ["dtype?", "out?"] if kind in ("sum", "prod") else ["out?", "dtype?"]
        if own[1] == "dtype?":
            own.pop()
        x, axis, *rest, out, keep, initial, where = c.bind("a", "axis?", *own, "keepdims?", "initial?", "where?")
        _without_out(c, out)
        dtype = parse_dtype(c.t, rest[0], F64) if rest and rest[0] is not None else None
        return chosen(c.t, kind, as_operand(c.t, x or Py(None)), axis, is_true(c.t, keep), dtype, _optional(c, initial), _optional(c, where))

    return handler


def _of_ufunc(kind: str) -> Handler:
    f = _reduction(kind)
    return lambda c: f(along_first(c))


def _optional(c: Call, x: Abstract | None) -> Operand | None:
    return None if x is None else as_operand(c.t, x)


def _without_out(c: Call, out: Abstract | None) -> None:
    if out is not None:
        c.t.refuse("E106", f"out= of {c.name} is not supported", c.node, "Write the result into the array: y[...] = …")


for _name, _callees in (("sum", (np.sum,)), ("prod", (np.prod,)), ("max", (np.max, np.amax)), ("min", (np.min, np.amin))):
    handles(*_callees)(method(_name)(_reduction(_name)))
for _name, _ufunc in (("sum", "add"), ("prod", "multiply"), ("max", "maximum"), ("min", "minimum")):
    handles_late(f"numpy.{_ufunc}.reduce")(_of_ufunc(_name))


def along_first(c: Call) -> Call:
    """The methods of ufuncs go along the first axis where none is given."""
    given = len(c.args) > 1 or "axis" in c.kwargs
    return c if given else Call(c.t, c.name, c.args, {**c.kwargs, "axis": number(0)}, c.node)


@handles(np.mean)
@method("mean")
def mean_(c: Call) -> Abstract:
    x, axis, dtype, out, keep, where = c.bind("a", "axis?", "dtype?", "out?", "keepdims?", "*", "where?")
    _without_out(c, out)
    return mean(c.t, _in_dtype(c, x, dtype), axis, is_true(c.t, keep), _optional(c, where))


def _in_dtype(c: Call, x: Abstract | None, dtype: Abstract | None) -> Operand:
    a = as_operand(c.t, x or Py(None))
    return a if dtype is None else to_dtype(c.t, a, parse_dtype(c.t, dtype, F64))


@handles(np.var)
@method("var")
def var_(c: Call) -> Abstract:
    x, axis, dtype, out, ddof, keep, where, correction = c.bind("a", "axis?", "dtype?", "out?", "ddof?", "keepdims?", "*", "where?", "correction?")
    _without_out(c, out)
    n = scalar(c.t, ddof or correction or number(0), "ddof")
    return variance(c.t, _in_dtype(c, x, dtype), axis, n, is_true(c.t, keep), _optional(c, where))


@handles(np.std)
@method("std")
def std_(c: Call) -> Abstract:
    out = var_(c)
    assert isinstance(out, (Num, Arr))
    return elementwise(c.t, op_of(np.sqrt), [out])


@handles(np.any)
@method("any")
def any_(c: Call) -> Abstract:
    x, axis, keep = c.bind("a", "axis?", "*", "keepdims?")
    return any_of(c.t, as_operand(c.t, x or Py(None)), axis, is_true(c.t, keep))


@handles(np.all)
@method("all")
def all_(c: Call) -> Abstract:
    x, axis, keep = c.bind("a", "axis?", "*", "keepdims?")
    return all_of(c.t, as_operand(c.t, x or Py(None)), axis, is_true(c.t, keep))


# ---------------------------------------------------------------- products


@handles(np.dot)
@method("dot")
def dot(c: Call) -> Abstract:
    a, b = (as_operand(c.t, x) for x in c.only("a", "b"))
    if isinstance(a, Num) or isinstance(b, Num):
        return arithmetic(c.t, op_of(operator.mul), a, b, strong=True)
    if rank(a) > 2 or rank(b) > 2:
        return dot_of(c.t, a, b)
    return matmul(c.t, a, b, dot=True)


@handles(np.matmul)
def matmul_(c: Call) -> Abstract:
    a, b = (as_operand(c.t, x) for x in c.only("x1", "x2"))
    return matmul(c.t, a, b)




# ---------------------------------------------------------------- shapes


@handles(np.shape)
def shape_(c: Call) -> Abstract:
    return Seq("tuple", shape(c.t, as_operand(c.t, c.only("a")[0]))[1])


@handles(np.ndim)
def ndim(c: Call) -> Abstract:
    return number(len(shape(c.t, as_operand(c.t, c.only("a")[0]))[0]))


@handles(np.size)
def size_(c: Call) -> Abstract:
    out = number(1)
    for n in shape(c.t, as_operand(c.t, c.only("a")[0]))[1]:
        out = c.t.imul(out, n)
    return out


# ---------------------------------------------------------------- methods


@method("item")
def item(c: Call) -> Abstract:
    (x,) = c.only("self")
    if isinstance(x, Num):
        return Num(x.dtype, True, x.value, x.known)
    assert isinstance(x, Arr)
    flat = reshaped(c.t, x, number(1))
    assert isinstance(flat, Arr)
    return c.t.strong(make.get(c.t.b, version(c.t, flat.cell), [c.t.value(number(0), I64)]))


@method("fill")
def fill(c: Call) -> Abstract:
    x, v = c.only("self", "value")
    if not isinstance(x, Arr):
        c.t.refuse("E105", f"{describe(x)} has no elements to write to", c.node)
    store(c.t, x, scalar(c.t, v, "the fill value"))
    return Py(None)

