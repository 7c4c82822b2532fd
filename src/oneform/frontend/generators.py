"""What is gone through once: generator expressions, functions that yield, zip, enumerate and the like.

A function that yields is a function that is handed what to do with each item, and hands back whether to stop:

    def f(a):                      def f(a, visit_):
        for x in a:                    for x in a:
            yield x + 1      is            if visit_(x + 1): return True
        yield from g(a)                if through_(g(a), visit_): return True
                                       return False

`for y in f(a): body` runs it; `visit_` binds y, runs the body where the loop stands, and says whether a break or a return has left it."""

from __future__ import annotations

import ast
import collections.abc
import copy
import functools
from contextlib import contextmanager
from typing import Any

from oneform.frontend.comprehensions import run_loop
from oneform.frontend.control import block
from oneform.frontend.loop_shape import leave_loop, loop_frame
from oneform.frontend.objects import run
from oneform.frontend.once import opened, spend
from oneform.frontend.registry import Call, handles
from oneform.frontend.source import Definition, own_nodes
from oneform.frontend.state import Frame, LoopFrame
from oneform.frontend.targets import assign
from oneform.frontend.tracer import PathEnds, Tracer
from oneform.frontend.values import FALSE, TRUE, Abstract, Generator, Num, Visit, Yields
from oneform.frontend.written import iterators

# ---------------------------------------------------------------- functions that yield


@functools.lru_cache(4096)
def yields(node: Definition) -> bool:
    """Whether a function makes a generator."""
    return not isinstance(node, ast.Lambda) and any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own_nodes(list(node.body)))


def through(_iterable: Any, _visit: Any) -> bool:
    """Hand on the items of another iterable; returns whether to stop. Known to the compiler only."""
    raise NotImplementedError


class _Visiting(ast.NodeTransformer):
    """The body of a function that yields, written with `visit_`."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Yield):
            item = node.value.value or ast.Constant(None)
            return _stopping(ast.Call(ast.Name("visit_", ast.Load()), [item], []), node)
        if isinstance(node.value, ast.YieldFrom):
            return _stopping(ast.Call(ast.Constant(through), [node.value.value, ast.Name("visit_", ast.Load())], []), node)  # type: ignore[arg-type]
        return node

    def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
        """Nobody sees the value: that of `yield from` is not to be had."""
        first: list[ast.stmt] = [] if node.value is None else [ast.copy_location(ast.Expr(node.value), node)]
        return [*first, ast.copy_location(ast.Return(ast.copy_location(ast.Constant(False), node)), node)]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    visit_AsyncFunctionDef = visit_Lambda = visit_ClassDef = visit_FunctionDef  # type: ignore[assignment]


def _stopping(test: ast.expr, at: ast.stmt) -> ast.If:
    """if test: return True. Only what the loop does to which the items go can say whether it ever returns."""
    leave = ast.Return(ast.Constant(True))
    leave._oneform_perhaps = True  # type: ignore[attr-defined]
    found = ast.If(test, [leave], [])
    for n in ast.walk(found):
        if isinstance(n, (ast.expr, ast.stmt)) and not hasattr(n, "lineno"):
            ast.copy_location(n, at)
    return found


@functools.lru_cache(4096)
def _visiting(node: ast.FunctionDef) -> ast.FunctionDef:
    a = node.args
    arguments = ast.arguments(a.posonlyargs, a.args, a.vararg, [*a.kwonlyargs, ast.arg("visit_")], [*a.kw_defaults, None], a.kwarg, a.defaults)
    end = ast.copy_location(ast.Return(ast.copy_location(ast.Constant(False), node)), node.body[-1])
    body = _Visiting().visit(ast.Module(copy.deepcopy(node.body), [])).body
    return ast.copy_location(ast.FunctionDef(node.name, arguments, [*body, end], [], None), node)


def visited(t: Tracer, x: Yields, visit: Visit) -> Num:
    """Run a function that yields; returns whether it was left before its end."""
    assert isinstance(x.source.node, ast.FunctionDef)
    source = x.source.nested(_visiting(x.source.node))
    out = x.run(source, {**x.bindings, "visit_": visit})
    assert isinstance(out, Num)
    return out


# ---------------------------------------------------------------- whoever goes through the items


def each(t: Tracer, x: Generator | Yields, visit: Visit) -> Num:
    """Hand every item on; returns whether that was ended early."""
    if isinstance(x, Yields):
        spend(t, x)
        return visited(t, x, visit)
    out = run_loop(t, x, "each", "def loop(visit_):\n    pass", "if visit_(item_):\n    return True", "return False", {"visit_": visit})
    assert isinstance(out, Num)
    return out


@handles(through, objects=True)
def _through(c: Call) -> Abstract:
    x, visit = opened(c.t, c.args[0], c.node), c.args[1]
    if isinstance(x, (Generator, Yields)) and isinstance(visit, Visit):
        return each(c.t, x, visit)
    return run(c.t, iterators.through, x, visit)


def is_run(x: Abstract) -> bool:
    """Whether the items come from code that is run to get them."""
    return isinstance(x, (Generator, Yields))


def for_each(t: Tracer, s: ast.For, over: Abstract) -> None:
    """A loop over a generator."""
    assert isinstance(over, (Generator, Yields))
    loop, consumer = loop_frame(t, s), t.here
    t.state.slots[loop.flag] = t.state.slots[consumer.returned] = FALSE
    visit = Visit(functools.partial(_visit, t, s, loop, consumer))
    with _waiting(consumer, loop):
        broke = each(t, over, visit)
    t.state.slots.pop(loop.flag, None)
    if broke.known is True and loop.returned and not loop.broke:  # items without end: the loop is left by a return, or never
        t.state.slots[consumer.returned] = TRUE
    leave_loop(t, s, loop, broke)


def _visit(t: Tracer, s: ast.For, loop: LoopFrame, consumer: Frame, item: Abstract) -> Num:
    """One round of the loop, in the middle of the generator."""
    frame, waiting, unrolled = t.frame, consumer.waiting, t.unrolled
    t.frame, consumer.waiting, t.unrolled = consumer, None, (*unrolled, id(t.b.loc))
    consumer.loops.append(loop)
    t.state.slots[loop.flag] = FALSE
    try:
        assign(t, s.target, item)
        block(t, s.body)
        if t.state.status == "raised":
            raise PathEnds
        t.state.status, t.state.going = "run", None
    finally:
        consumer.loops.pop()
        t.frame, consumer.waiting, t.unrolled = frame, waiting, unrolled
    left = t.state.slots.get(loop.flag, FALSE)
    t.state.slots[loop.flag] = FALSE
    return left


@contextmanager
def _waiting(frame: Frame, loop: LoopFrame) -> collections.abc.Generator[None]:
    """While a generator runs, of its consumer's names those count that the next round or what is behind the loop may read."""
    before, frame.waiting = frame.waiting, loop
    try:
        yield
    finally:
        frame.waiting = before
