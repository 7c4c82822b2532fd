"""Derivatives taken inside a program: of.grad(f) and its like, of any function the program sees, expanded to IR where they are called."""

from __future__ import annotations

import ast
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oneform.frontend.arrays import new_array, open_lengths, read, require_equal, shape
from oneform.frontend.compiled import check_apart, leaf, splice_function
from oneform.frontend.containers import from_leaves, to_leaves
from oneform.frontend.lowered import Lowered
from oneform.frontend.sameness import same
from oneform.frontend.state import Var
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import Abstract, Arr, Box, Cell, Custom, Fn, Mapped, Method, Num, Py, Seq, describe
from oneform.ir import Block, Function, Value, clone_block, free_values
from oneform.ops import make
from oneform.tree import Leaf, Tree
from oneform.types import ANY, Scalar, element, shape_of

Argument = tuple[Tree, list[Leaf]]
Lower = Callable[[Sequence[Argument], Mapping[str, Argument]], Lowered]


@dataclass(frozen=True, eq=False)
class Derived:
    """A derivative of a function of the program. `rule` makes its lowering from the function's."""

    rule: Callable[[Lower], Lower]
    function: Abstract
    made: Any = None  # which derivative it is: the transform with its options


def derived(function: Any, rule: Callable[[Lower], Lower]) -> Any:
    """A derivative of a Python object, for `trace`."""
    return Derived(rule, Py(function))


def derive(t: Tracer, transform: Any, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """A call of of.grad and its like: the function comes first, what follows is structure."""
    given = dict(kwargs)
    function = args[0] if args else given.pop("f", None)
    if function is None:
        t.refuse("E106", "the function to be differentiated is missing", node)
    options, named = tuple(static(t, a, node) for a in args[1:]), {k: static(t, a, node) for k, a in given.items()}
    made = (transform, options, named)
    for old in t.keep:  # made where the body of a loop was lowered before: one object, so that the loop's variables settle
        if isinstance(old, Derived) and old.made == made and same(old.function, function):
            return Py(old)
    try:
        rule = transform.__oneform_transform__(*options, **named)
    except TypeError as e:
        t.refuse("E106", str(e), node)
    derived = Derived(rule, function, made)
    t.keep.append(derived)
    return Py(derived)


def apply_along(t: Tracer, product: Any, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """A call of of.jvp or of.hvp: function, primals, tangents."""
    names = ("f", "primals", "tangents")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    if len(args) > 3 or set(given) != set(names):
        t.refuse("E106", f"{product.__name__}() takes a function, its primals and their tangents", node)
    primals, tangents = given["primals"], given["tangents"]
    if not (isinstance(primals, Seq) and isinstance(tangents, Seq)):
        t.refuse("E202", f"{product.__name__}() takes primals and tangents as tuples", node, "Write of.jvp(f, (x,), (dx,)).")
    rule, pick = product.__oneform_product__(len(primals.items))
    out = call_derived(t, Derived(rule, given["f"]), [primals, along(t, primals, tangents, node)], {}, node)
    return pick(out)


def along(t: Tracer, x: Abstract, dx: Abstract, node: ast.AST) -> Abstract:
    """Tangents in the structure of the primals: None where there is no derivative, and in the primals' dtypes."""
    if isinstance(x, Seq) and isinstance(dx, Seq) and x.kind == dx.kind and len(x.items) == len(dx.items):
        return Seq(x.kind, tuple(along(t, a, b, node) for a, b in zip(x.items, dx.items, strict=True)), x.meta)
    if isinstance(x, Py) and (x.obj is None or isinstance(x.obj, str)):
        return x
    if isinstance(x, (Num, Arr)) and element(leaf(t, x).type).kind not in "fc":
        return Py(None)
    if isinstance(x, Num) and isinstance(dx, Num) and (dx.dtype.kind == x.dtype.kind or dx.weak and dx.dtype.kind in ("bif" if x.dtype.kind == "c" else "bi")):
        return Num(x.dtype, x.weak, t.value(dx, x.dtype))
    if isinstance(x, Arr) and isinstance(dx, Arr) and x.cell.dtype == dx.cell.dtype:
        shaped = in_shape_of(t, x, dx)
        if shaped is not None:
            return shaped
    t.refuse("E202", f"the tangent of {describe(x)} is {describe(dx)}", node, "Tangents have the structure, shapes and dtypes of the primals.")


def static(t: Tracer, x: Abstract, node: ast.AST) -> Any:
    """A Python object for an option that structure depends on."""
    if isinstance(x, Num) and x.known is not None:
        return x.known
    if isinstance(x, Seq) and x.kind in ("tuple", "list"):
        return tuple(static(t, i, node) for i in x.items)
    if isinstance(x, Py):
        return x.obj
    t.refuse("E006", f"{describe(x)} must be a constant here", node)


def call_derived(t: Tracer, d: Derived, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """Lower the function for these arguments, derive that, and put the result in place of the call."""
    values, given, operands = arguments(t, (*args, *kwargs.values()))
    outside: list[Value] = []
    low = d.rule(lambda a, k: lowered(t, d.function, a, k, outside, node))(given[: len(args)], dict(zip(kwargs, given[len(args) :], strict=True)))
    warn(t, low, node)
    check_apart(t, low, operands, node)
    outs = splice_function(t, low.function, [*values, *outside])
    items: list[Num | Arr] = []
    for v, known in zip(outs, low.result_leaves, strict=True):
        items.append(Num(v.type.dtype, known.weak, v) if isinstance(v.type, Scalar) else new_array(t, v))
    return from_leaves(t, low.result, iter(items))


def arguments(t: Tracer, args: Sequence[Abstract]) -> tuple[list[Value], list[Argument], list[Num | Arr]]:
    """The numbers and arrays in the arguments, of each argument the structure with the types of its leaves, and these leaves."""
    values: list[Value] = []
    operands: list[Num | Arr] = []
    given: list[Argument] = []
    for x in args:
        leaves: list[Num | Arr] = []
        tree = to_leaves(t, x, leaves)
        given.append((tree, [leaf(t, a) for a in leaves]))
        values += [t.value(a) if isinstance(a, Num) else read(t, a) for a in leaves]
        operands += leaves
    return values, given, operands


def lowered(t: Tracer, f: Abstract, args: Sequence[Argument], kwargs: Mapping[str, Argument], outside: list[Value], node: ast.AST) -> Lowered:
    """A function of the program as IR of its own. What it reads from around it becomes parameters, whose values go to `outside`."""
    before, outer_barrier = t.state, t.barrier
    t.state, t.barrier = before.copy(), len(t.stack)
    try:
        with t.region() as b:

            made: list[tuple[Cell | None, Value]] = []  # the memory of each parameter, and what it holds at first

            def parameters(leaves: list[Leaf]) -> Iterator[Num | Arr]:
                for x in leaves:
                    v = b.param(x.type)
                    a = Num(x.type.dtype, x.weak, v) if isinstance(x.type, Scalar) else new_array(t, v)
                    made.append((a.cell if isinstance(a, Arr) else None, v))
                    yield a

            positional = [from_leaves(t, tree, parameters(leaves)) for tree, leaves in args]
            named = {k: from_leaves(t, tree, parameters(leaves)) for k, (tree, leaves) in kwargs.items()}
            try:
                result = t.call(t, f, positional, named, node)
            except PathEnds:
                result = Py(None)
            found: list[Num | Arr] = []
            tree = to_leaves(t, result, found)
            results = [t.value(x) if isinstance(x, Num) else read(t, x) for x in found]
            check_writes(t, before, node)
            written = tuple(k for k, (cell, v) in enumerate(made) if cell is not None and t.state.version(cell) is not v)
            block = b.block(*results)
    finally:
        t.state, t.barrier = before, outer_barrier
    outside[:] = list(free_values(block))
    inner = [Value(v.type) for v in outside]
    copy = clone_block(block, dict(zip(outside, inner, strict=True)))
    leaves = [Leaf(v.type, isinstance(x, Num) and x.weak) for x, v in zip(found, results, strict=True)]
    function = Function(name_of(f), Block((*copy.params, *inner), copy.body, copy.results))
    return Lowered(function, tree, leaves, parameters=parameter_names(f), apart=written)


def warn(t: Tracer, low: Lowered, node: ast.AST) -> None:
    """What is to be said about a derivative, at the call of it."""
    at = t.at(node)
    t.warnings += [f"{w} ({at.file}:{at.line})" if at else w for w in low.warnings]


def name_of(f: Abstract) -> str:
    if isinstance(f, Fn):
        return f.source.name
    return str(getattr(f.obj, "__name__", "inner")) if isinstance(f, Py) else "inner"


def parameter_names(f: Abstract) -> tuple[str, ...]:
    """What the positional parameters of a function are called."""
    if isinstance(f, Method):
        return parameter_names(f.function)[len(f.args) :]
    if isinstance(f, Fn):
        a = f.source.node.args
        return tuple(p.arg for p in (*a.posonlyargs, *a.args))
    if not isinstance(f, Py):
        return ()
    if isinstance(f.obj, (Custom, Derived, Mapped)):
        return parameter_names(f.obj.function)
    bound = 1 if isinstance(f.obj, types.MethodType) else 0
    code = getattr(inspect.unwrap(f.obj) if callable(f.obj) else None, "__code__", None)
    return code.co_varnames[bound : code.co_argcount] if isinstance(code, types.CodeType) else ()


def check_writes(t: Tracer, before: Any, node: ast.AST, who: str = "a function that is differentiated here") -> None:
    """Refuse changes to anything that exists outside the function."""
    for slot, value in t.state.slots.items():
        outer = before.get(slot) if isinstance(slot, (Cell, Box)) else before.slots.get(slot)
        known = slot in before.slots or (isinstance(slot, (Cell, Box)) and slot.initial is not None)
        if isinstance(slot, Box) and slot.kind == "pool" and (slot not in t.changed or outer.value is None):
            continue  # objects of its own
        if known and isinstance(slot, (Cell, Box, Var)) and outer is not value:
            detail = f"{who} changes {slot.name or 'an array'}, which belongs to the program around it"
            t.refuse("E105", detail, node, "Return the new value instead.")


def in_shape_of(t: Tracer, x: Arr, dx: Arr) -> Arr | None:
    """`dx` as an array of x's type; that lengths agree is checked at run time where it is not known. None if the shapes contradict."""
    if leaf(t, x).type == leaf(t, dx).type and ANY not in shape_of(leaf(t, x).type):
        return dx
    (dims, lengths), (others, given) = shape(t, x), shape(t, dx)
    if len(dims) != len(others) or any(isinstance(d, int) and isinstance(e, int) and d != e for d, e in zip(dims, others, strict=True)):
        return None
    for d, n, e, m in zip(dims, lengths, others, given, strict=True):
        require_equal(t, (d, n), (e, m), "a tangent has length {1} where its primal has {0}", [n, m])
    return new_array(t, make.broadcast(t.b, read(t, dx), dims, open_lengths(t, dims, lengths)))
