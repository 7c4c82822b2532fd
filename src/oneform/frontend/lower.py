"""`trace`: a Python function, and the types of its arguments, to IR."""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from oneform.errors import Location, ObservedError, OneformError
from oneform.families import generation
from oneform.frontend import (
    builtins_api,
    complex_api,
    composed,
    containers_api,
    control,
    copies_api,
    expressions,
    extremes_api,
    fourier_api,
    index_api,
    iterators_api,
    join_api,
    library_api,
    linalg_api,
    loops,
    numpy_api,
    products_api,
    queues_api,
    shape_api,
    statements,
    stats_api,
)
from oneform.frontend.arrays import read
from oneform.frontend.containers import from_leaves, to_leaves
from oneform.frontend.derived import Derived, parameter_names
from oneform.frontend.frames import call_node
from oneform.frontend.lowered import Lowered, Step
from oneform.frontend.source import source_of
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.updates import Given, changes_of, name_given
from oneform.frontend.values import Abstract, Arr, Cell, Mapped, Num, Py
from oneform.ir import Value
from oneform.tree import Leaf, Tree
from oneform.types import Array, Scalar

Argument = tuple[Tree, list[Leaf]]
STATEMENTS = {**statements.STATEMENTS, **control.STATEMENTS, **loops.STATEMENTS}
HANDLER_MODULES = (  # imported for the handlers that they register
    builtins_api, iterators_api, extremes_api, containers_api, copies_api, numpy_api, complex_api, linalg_api, shape_api, join_api, index_api,
    library_api, composed, products_api, stats_api, fourier_api, queues_api,
)


def trace(fn: Callable[..., Any], args: Sequence[Argument], kwargs: dict[str, Argument]) -> Lowered:
    """Lower `fn` for arguments of the given types."""
    before = generation()
    try:
        return _trace(fn, args, kwargs)
    except ObservedError:  # of a class that no argument is of, nothing is different but how its objects are kept
        if generation() == before or any(map(_has_records, (*(a for a, _ in args), *(a for a, _ in kwargs.values())))):
            raise
    return trace(fn, args, kwargs)


def _has_records(tree: Tree) -> bool:
    return tree.kind == "record" or any(map(_has_records, tree.children))


def _trace(fn: Callable[..., Any], args: Sequence[Argument], kwargs: dict[str, Argument]) -> Lowered:
    t = Tracer(STATEMENTS, expressions.EXPRESSIONS, call_node)
    params: list[Value] = []
    cells: list[tuple[int, Cell]] = []
    for _, leaves in (*args, *kwargs.values()):
        for leaf in leaves:
            t.declare_symbols(leaf.type)
    positional = [_argument(t, a, params, cells) for a in args]
    named = {k: _argument(t, a, params, cells) for k, a in kwargs.items()}
    given = [(x, (Step("argument", k),)) for k, x in (*enumerate(positional), *named.items())]
    for x, path in given:
        name_given(x, path, parameter_names(Py(fn)))
    node = _node_of(fn)
    t.b.loc = place = _place_of(fn)
    try:
        result = call_node(t, Py(fn), positional, named, node)
    except PathEnds:
        result = Py(None)
    except OneformError as e:
        raise e.at(place) from None
    try:
        return _finish(t, fn, result, cells, given)
    except OneformError as e:
        raise e.at(t.returned_at) from None


def _node_of(fn: Callable[..., Any]) -> ast.AST:
    """Where errors in the call itself are shown: the definition."""
    return source_of(fn).node if isinstance(fn, types.FunctionType) else ast.Pass(lineno=1, col_offset=0)


def _place_of(fn: Any) -> Location | None:
    """Where the function stands that is run in lanes: what is done around it has no place of its own."""
    inner = fn
    while isinstance(inner, (Mapped, Derived)) and isinstance(inner.function, Py):
        inner = inner.function.obj
    return source_of(inner).location(source_of(inner).node) if inner is not fn and isinstance(inner, types.FunctionType) else None


def _argument(t: Tracer, argument: Argument, params: list[Value], cells: list[tuple[int, Cell]]) -> Abstract:
    tree, leaves = argument

    def values() -> Iterator[Num | Arr]:
        for leaf in leaves:
            v = t.root.param(leaf.type)
            params.append(v)
            if isinstance(leaf.type, Array):
                cell = Cell("", leaf.type.dtype, leaf.type.rank, v, "argument")
                cells.append((len(params) - 1, cell))
                yield Arr(cell)
            else:
                assert isinstance(leaf.type, Scalar)
                t.at_root(v)
                yield Num(leaf.type.dtype, leaf.weak, v, arrays=frozenset() if leaf.weak else frozenset({len(params) - 1}))

    return from_leaves(t, tree, values(), "argument")


def _finish(t: Tracer, fn: Callable[..., Any], result: Abstract, cells: list[tuple[int, Cell]], given: Given) -> Lowered:
    leaves: list[Num | Arr] = []
    tree = to_leaves(t, result, leaves)
    count = len(leaves)
    updates = changes_of(t, given, leaves)
    values = [t.value(x) if isinstance(x, Num) else read(t, x) for x in leaves]
    found = [Leaf(v.type, isinstance(x, Num) and x.weak) for x, v in zip(leaves, values, strict=True)][:count]
    first = len(t.root.params) - len(t.captures)
    captured = [(first + k, t.captured_cells[key]) for k, key in enumerate(t.captures) if key in t.captured_cells]
    written = [(k, v) for k, cell in (*cells, *captured) if isinstance(v := t.state.version(cell), Value) and v is not cell.initial]
    function = t.root.function(getattr(fn, "__name__", "function"), *values, *(v for _, v in written))
    return Lowered(
        function, tree, found, [c for c, _ in t.captures.values()], tuple(k for k, _ in written), list(t.dependencies.values()), tuple(t.codes),
        tuple(dict.fromkeys(t.warnings)), updates, parameter_names(Py(fn)), numbers=tuple(t.numbers_only),
    )


