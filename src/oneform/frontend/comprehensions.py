"""Comprehensions: over structure they are unrolled; over a range or an array whoever consumes them loops."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from oneform.frontend.boxes import new_box
from oneform.frontend.dicts import static_key
from oneform.frontend.iterate import iteration
from oneform.frontend.liveness import Liveness
from oneform.frontend.objects import new_list
from oneform.frontend.once import born, opened, spend
from oneform.frontend.state import Frame, Var
from oneform.frontend.targets import assign
from oneform.frontend.tracer import Tracer
from oneform.frontend.truth import asked, truth
from oneform.frontend.values import Abstract, Fn, Generator, Seq, Yields

Comprehension = ast.ListComp | ast.GeneratorExp | ast.DictComp


def scoped(t: Tracer, e: Comprehension, run: Callable[[], Any]) -> Any:
    """Run in a frame of the comprehension's own names."""
    outer = t.here
    names = frozenset(n.id for g in e.generators for n in ast.walk(g.target) if isinstance(n, ast.Name))
    frame = Frame(outer.source, (*outer.path, id(e), t.unrolled), outer, names, Liveness())
    t.frame = frame
    t.stack.append(frame)
    try:
        return run()
    finally:
        t.frame = outer
        t.stack.pop()
        if frame.path not in t.closed_over:
            for n in names:
                t.state.slots.pop(Var(frame.path, n), None)


def list_comp(t: Tracer, e: ast.ListComp) -> Abstract:
    found = lazily(t, e)
    return listed(t, found) if isinstance(found, Generator) else found


def lazily(t: Tracer, e: ast.ListComp) -> Abstract:
    """A list whose items are known, else a generator: for those who need no list at all."""
    items = collected(t, e)
    if items is not None:
        return new_list(t, tuple(items))
    cached: ast.GeneratorExp | None = getattr(e, "_oneform_generator", None)
    if cached is None:
        cached = e._oneform_generator = ast.copy_location(ast.GeneratorExp(e.elt, e.generators), e)  # type: ignore[attr-defined]
    return Generator(cached, t.here, t.expr(cached.generators[0].iter))


def listed(t: Tracer, g: Generator) -> Abstract:
    """All items of a generator, as a list of run-time length."""
    return run_loop(t, g, "list", "def loop():\n    found_ = []", "found_.append(item_)", "return found_", {})


def generator(t: Tracer, e: ast.GeneratorExp) -> Abstract:
    return Generator(e, t.here, t.expr(e.generators[0].iter), born(t))


def dict_comp(t: Tracer, e: ast.DictComp) -> Abstract:
    found: dict[Any, Abstract] = {}
    items = _collect(t, e, lambda: (static_key(t, t.expr(e.key)), t.expr(e.value)))
    if items is None:
        cached: ast.GeneratorExp | None = getattr(e, "_oneform_pairs", None)
        if cached is None:
            pair = ast.copy_location(ast.Tuple([e.key, e.value], ast.Load()), e)
            cached = e._oneform_pairs = ast.copy_location(ast.GeneratorExp(pair, e.generators), e)  # type: ignore[attr-defined]
        pairs = Generator(cached, t.here, t.expr(e.generators[0].iter))
        return run_loop(t, pairs, "dict", "def loop():\n    found_ = {}", "found_[item_[0]] = item_[1]", "return found_", {})
    found.update(items)
    return new_box(t, "dict", Seq("dict", tuple(found.values()), tuple(found)))


def collected(t: Tracer, e: ast.ListComp | ast.GeneratorExp, first: Abstract | None = None) -> list[Abstract] | None:
    """The items, if their number is known now. `first`: what the first loop goes through, if it is there already."""
    return _collect(t, e, lambda: t.expr(e.elt), first)


class _Open(Exception):
    """The number of items is known only at run time."""


def _collect(t: Tracer, e: Comprehension, item: Callable[[], Any], first: Abstract | None = None) -> list[Any] | None:
    found: list[Any] = []

    def nest(k: int) -> None:
        if k == len(e.generators):
            found.append(item())
            return
        g = e.generators[k]
        iterable = opened(t, first if k == 0 and first is not None else t.expr(g.iter), g.iter)
        over = None if isinstance(iterable, (Generator, Yields)) else iteration(t, iterable, g.iter)
        if over is None or over.unroll is None:
            raise _Open
        spend(t, iterable)
        outer = t.unrolled
        try:
            for index, x in enumerate(over.unroll):
                t.unrolled = (*outer, index)
                assign(t, g.target, x)
                if all(_static_truth(t, c) for c in g.ifs):
                    nest(k + 1)
        finally:
            t.unrolled = outer

    saved, spent = t.state.copy(), dict(t.spent)
    try:
        scoped(t, e, lambda: nest(0))
    except _Open:
        t.state, t.spent = saved, spent
        return None
    return found


def _static_truth(t: Tracer, condition: ast.expr) -> bool:
    c = truth(t, t.expr(asked(condition)))
    if c.known is None:
        raise _Open
    return bool(c.known)


# ---------------------------------------------------------------- generators consumed by a loop


def items_of_generator(t: Tracer, g: Generator) -> list[Abstract] | None:
    """The items of a generator over structure."""
    saved = t.frame
    t.frame = g.frame
    try:
        found = collected(t, g.node, g.first)
    finally:
        t.frame = saved
    if found is not None:
        spend(t, g)
    return found


def run_loop(t: Tracer, g: Generator, kind: str, before: str, step: str, end: str, bindings: dict[str, Abstract]) -> Abstract:
    """Consume a generator with a function like `before; for target in iter: step; end`; in `step`, `item_` is the element, `k_` its number."""
    spend(t, g)
    node = _loop_function(g.node, kind, before, step, end)
    function = Fn(g.frame.source.nested(node), g.frame, {})
    around: set[Any] = set()
    frame: Frame | None = g.frame
    while frame is not None:
        around.add(frame.path)
        frame = frame.parent
    new = around - t.closed_over
    t.closed_over |= new  # it reads their names, but only now
    try:
        return t.call(t, function, [g.first, *bindings.values()], {}, g.node)
    finally:
        t.closed_over -= new


def _loop_function(e: ast.GeneratorExp, kind: str, before: str, step: str, end: str) -> ast.FunctionDef:
    cache: dict[str, ast.FunctionDef] | None = getattr(e, "_oneform_loops", None)
    if cache is None:
        cache = e._oneform_loops = {}  # type: ignore[attr-defined]
    if kind not in cache:
        cache[kind] = _build(e, before, step, end)
    return cache[kind]


def _build(e: ast.GeneratorExp, before: str, step: str, end: str) -> ast.FunctionDef:
    steps = ast.parse(step).body
    for n in ast.walk(ast.Module(steps, [])):
        if isinstance(n, ast.Return):
            n._oneform_perhaps = True  # type: ignore[attr-defined]
    body: list[ast.stmt] = [ast.Assign([ast.Name("item_", ast.Store())], e.elt), *steps]
    for g in reversed(e.generators):
        for c in reversed(g.ifs):
            body = [ast.If(c, body, [])]
        target: ast.expr = g.target
        over = ast.Name("first_", ast.Load()) if g is e.generators[0] else g.iter
        if "k_" in step:  # the step counts the items
            target = ast.Tuple([ast.Name("k_", ast.Store()), target], ast.Store())
            over = ast.Call(ast.Constant(enumerate), [over], [])  # type: ignore[arg-type]
        body = [ast.For(target, over, body, [])]
    first = ast.parse(before).body
    assert isinstance(first[0], ast.FunctionDef)
    node = first[0]
    node.args.args.insert(0, ast.arg("first_"))
    node.body = [*node.body, *body, *ast.parse(end).body]
    own = {id(n) for n in ast.walk(e)}  # the others come from the template, whose lines are not the user's
    for n in ast.walk(node):
        if id(n) not in own:
            ast.copy_location(n, e)
    return node


EXPRESSIONS: dict[type[ast.expr], Any] = {ast.ListComp: list_comp, ast.GeneratorExp: generator, ast.DictComp: dict_comp}
