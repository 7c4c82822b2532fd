"""of.vjp inside a program: the forward sweep runs where it is called, the reverse sweep wherever and as often as the pullback is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from oneform.frontend.compiled import check_apart, splice_function
from oneform.frontend.containers import from_leaves
from oneform.frontend.derived import arguments, lowered, warn
from oneform.frontend.fitting import Fit, value_of, wrapped
from oneform.frontend.tracer import Tracer
from oneform.frontend.values import Abstract, Arr, Num, Pullback, Seq, number
from oneform.ir import Function, Value, show
from oneform.tree import Leaf, Tree
from oneform.types import Dim, differentiable, element, shape_of, with_shape


@dataclass(frozen=True, eq=False)
class Code:
    """The reverse sweep, from what is saved and the cotangents of the result to the cotangents of the primals. A pullback's items are the
    lengths of the result's axes that are no number, then what is saved."""

    function: Function
    out: Tree
    out_leaves: Sequence[Leaf]
    result: Tree
    result_leaves: Sequence[Leaf]
    text: str  # equal for equal code


def call_vjp(t: Tracer, rule: Any, args: Sequence[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """A call of of.vjp: the function's value, and the pullback."""
    if not args or kwargs:
        t.refuse("E106", "vjp() takes a function and its primals, by position", node)
    values, given, operands = arguments(t, [Seq("tuple", tuple(args[1:]))])
    outside: list[Value] = []
    first, second = rule.lower(lambda a, k: lowered(t, args[0], a, k, outside, node), given[0])
    warn(t, first, node)
    check_apart(t, first, operands, node)
    outs = splice_function(t, first.function, [*values, *outside])
    count = len(first.result_leaves)
    lengths = [t.length(v, k) for v in outs[:count] if differentiable(v.type) for k, d in enumerate(shape_of(v.type)) if not isinstance(d, int)]
    saved = wrapped(t, outs[count:], [False] * (len(outs) - count))
    code = _settled(t, Code(second.function, first.result, first.result_leaves, second.result, second.result_leaves, _text(second.function)))
    value = from_leaves(t, first.result, wrapped(t, outs[:count], [leaf.weak for leaf in first.result_leaves]))
    return Seq("tuple", (value, Pullback((*lengths, *saved), code)))


def _text(f: Function) -> str:
    """The program as text, its own symbols named in the order in which they are met."""
    names: dict[str, str] = {}
    return re.sub(r"\bd\d+\b", lambda m: names.setdefault(m.group(), f"d.{len(names)}"), show(f))


def _settled(t: Tracer, code: Code) -> Code:
    """The same object for equal code: where the body of a loop is lowered again, a pullback made in it is what it was."""
    for old in t.keep:
        if isinstance(old, Code) and (old.text, old.out, old.result) == (code.text, code.out, code.result):
            return old
    t.keep.append(code)
    return code


def call_pullback(t: Tracer, pullback: Pullback, args: Sequence[Abstract], kwargs: Mapping[str, Abstract], node: ast.AST) -> Abstract:
    """The cotangents of the primals, a tuple."""
    if len(args) != 1 or kwargs:
        t.refuse("E106", "a pullback takes one argument, the cotangent of the result", node)
    code: Code = pullback.code

    def misfit(detail: str, repair: str = "") -> NoReturn:
        t.refuse("E202", detail, node, repair or "The cotangent has the structure, shapes and dtypes of the result; None for leaves without derivative.")

    fit = Fit(t, misfit, "")
    given = fit.leaves_like(code.out, args[0], "the cotangent")
    items = iter(pullback.items)
    cts: list[Value] = []
    for x, leaf in zip(given, code.out_leaves, strict=True):
        if differentiable(leaf.type):
            lengths = [number(d) if isinstance(d, int) else _number(next(items)) for d in shape_of(leaf.type)]
            dims: tuple[Dim, ...] = tuple(map(t.dim_for, lengths))
            cts.append(fit.moved(x, with_shape(element(leaf.type), dims), lengths, "the cotangent"))
    saved = [value_of(t, x) for x in items if isinstance(x, (Num, Arr))]
    outs = splice_function(t, code.function, [*saved, *cts])
    return from_leaves(t, code.result, wrapped(t, outs, [leaf.weak for leaf in code.result_leaves]))


def _number(x: Abstract) -> Num:
    assert isinstance(x, Num)
    return x
