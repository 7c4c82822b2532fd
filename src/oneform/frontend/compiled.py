"""Calls of functions that the compiler already has as IR: of.jit(f), of.grad(f) and their like, inlined."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from oneform.frontend.arrays import new_array, rank, read, set_version
from oneform.frontend.axisless import changed
from oneform.frontend.containers import from_leaves, to_leaves
from oneform.frontend.lift import captured
from oneform.frontend.lowered import Lowered
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Num
from oneform.ir import Block, Function, Instr, Value
from oneform.tree import Leaf
from oneform.types import ANY, Array, Dim, List, Scalar, Type, element, shape_of, with_shape

Dims = dict[str, Dim]


def call_compiled(t: Tracer, obj: Any, args: list[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """Ask the object for its IR on arguments of these types, and put that in place of the call."""
    operands: list[Num | Arr] = []
    given: list[Any] = []
    for x in (*args, *kwargs.values()):
        leaves: list[Num | Arr] = []
        tree = to_leaves(t, x, leaves)
        operands += leaves
        given.append((tree, [leaf(t, a) for a in leaves]))
    lowered: Lowered = obj.__oneform_function__(given[: len(args)], dict(zip(kwargs, given[len(args) :], strict=True)))
    for d in lowered.dependencies:
        t.dependencies.setdefault(d.key, d)
    t.warnings += lowered.warnings
    values = [t.value(a) if isinstance(a, Num) else read(t, a) for a in operands]
    names: Dims = {}
    for c in lowered.captures:
        own = captured(t, c.name, c.key, c.read, Leaf(_fresh(t, c.leaf.type, names), c.leaf.weak))
        operands.append(own)
        values.append(t.value(own) if isinstance(own, Num) else read(t, own))
    for k in lowered.numbers:
        if isinstance(a := operands[k], Num):
            with t.holding(a):
                changed(t, a, a, None)
    check_apart(t, lowered, operands, node)
    outs = splice_function(t, lowered.function, values)
    count = len(lowered.result_leaves)
    if lowered.updates:
        t.refuse("E105", "a compiled function that changes a list or an object cannot be called so", node, "Call the function that it was made from.")
    for index, v in zip(lowered.writes, outs[count:], strict=True):
        target = operands[index]
        assert isinstance(target, Arr)
        if target.view is not None:
            t.refuse("E105", "a compiled function cannot write to a view that it is given", node, "Pass the whole array, or a copy.")
        set_version(t, target.cell, v)
    items: list[Num | Arr] = []
    for v, known in zip(outs[:count], lowered.result_leaves, strict=True):
        items.append(Num(v.type.dtype, known.weak, v) if isinstance(v.type, Scalar) else new_array(t, v))
    return from_leaves(t, lowered.result, iter(items))


def check_apart(t: Tracer, low: Lowered, operands: Sequence[Num | Arr], node: ast.AST) -> None:
    """Refuse to pass the same memory, or what may be the same, twice to a function that writes to it: its arguments are taken for different memory."""
    for k in (*low.writes, *low.apart):
        a = operands[k] if k < len(operands) else None
        for n, b in enumerate(operands):
            if isinstance(a, Arr) and isinstance(b, Arr) and n != k and n not in low.seeds and (a.cell is b.cell or a.cell in b.cell.partners):
                name = a.cell.name or "an array"
                t.refuse("E105", f"{name} is passed twice to a function that writes to it", node, "Pass a copy of it the second time.")


def leaf(t: Tracer, a: Num | Arr) -> Leaf:
    if isinstance(a, Num):
        return Leaf(Scalar(a.dtype), a.weak)
    shape = a.view.shape if a.view else shape_of(read(t, a).type)
    return Leaf(Array(a.cell.dtype, shape if rank(a) else ()))


def _fresh(t: Tracer, kind: Type, names: Dims) -> Type:
    return rename(kind, {d: names.setdefault(d, t.fresh_symbol()) for d in shape_of(kind) if isinstance(d, str)})


# ---------------------------------------------------------------- inlining


def splice_function(t: Tracer, f: Function, args: list[Value]) -> tuple[Value, ...]:
    """Append a copy of a function. Its symbols become those of the arguments; its own ones become new ones."""
    dims: Dims = {}
    for p, a in zip(f.params, args, strict=True):
        for d, e in zip(shape_of(p.type), shape_of(a.type), strict=True):
            if isinstance(d, str) and d != ANY:
                dims.setdefault(d, e)
    env: dict[Value, Value] = dict(zip(f.params, args, strict=True))
    t.b.body.extend(_copy(i, env, dims, t) for i in f.block.body)
    outs = tuple(env.get(r, r) for r in f.results)
    for r in outs:
        t.declare_here(r.type)
    return outs


def _copy(i: Instr, env: dict[Value, Value], dims: Dims, t: Tracer) -> Instr:
    attrs = {k: _attribute(v, dims, t) for k, v in i.attrs.items()}
    args = tuple(env.get(a, a) for a in i.args)
    regions = tuple(_copy_block(r, env, dims, t) for r in i.regions)
    outs = tuple(Value(_type(o.type, dims, t)) for o in i.outs)
    env.update(zip(i.outs, outs, strict=True))
    return Instr(i.op, args, attrs, regions, outs, i.loc)


def _copy_block(block: Block, env: dict[Value, Value], dims: Dims, t: Tracer) -> Block:
    env = dict(env)
    params = tuple(Value(_type(p.type, dims, t)) for p in block.params)
    env.update(zip(block.params, params, strict=True))
    body = tuple(_copy(i, env, dims, t) for i in block.body)
    return Block(params, body, tuple(env.get(r, r) for r in block.results))


def _attribute(x: Any, dims: Dims, t: Tracer) -> Any:
    if isinstance(x, (Scalar, Array, List)):
        return _type(x, dims, t)
    if isinstance(x, tuple):
        items: tuple[Any, ...] = x
        return tuple(_dim(d, dims, t) if isinstance(d, str) and d not in _WORDS else _attribute(d, dims, t) for d in items)
    return x


_WORDS = {"all", "slice", "index", "new", ANY}  # strings in attributes that are no dimensions


def _dim(d: Dim, dims: Dims, t: Tracer) -> Dim:
    return d if isinstance(d, int) or d == ANY else dims.setdefault(d, t.fresh_symbol())


def _type(kind: Type, dims: Dims, t: Tracer) -> Type:
    if isinstance(kind, List):
        return List(tuple(_type(i, dims, t) for i in kind.items))
    return with_shape(element(kind), tuple(_dim(d, dims, t) for d in shape_of(kind)))


def rename(kind: Type, dims: Dims) -> Type:
    return with_shape(element(kind), tuple(dims.get(d, d) if isinstance(d, str) else d for d in shape_of(kind)))
