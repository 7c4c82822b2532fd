"""Which names may still be read after a statement: a backward pass over the syntax tree of one function."""

from __future__ import annotations

import ast
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

from oneform.frontend.source import Definition, own_nodes

Names = frozenset[str]
NOBODY: Names = frozenset()


@dataclass
class Liveness:
    """`after[id(stmt)]`: live behind a statement. `head[id(loop)]`: live where an iteration begins. `always`: seen by closures."""

    after: dict[int, Names] = field(default_factory=dict[int, Names])
    head: dict[int, Names] = field(default_factory=dict[int, Names])
    always: Names = NOBODY


@functools.lru_cache(1024)
def liveness(node: Definition) -> Liveness:
    result = Liveness()
    result.always = _captured([node.body] if isinstance(node, ast.Lambda) else node.body)
    if not isinstance(node, ast.Lambda):
        _block(node.body, NOBODY, NOBODY, NOBODY, result)
    return result


def _captured(body: Sequence[ast.AST]) -> Names:
    """Names read inside nested functions: they may be called at any time."""
    found: set[str] = set()
    for root in body:
        for n in ast.walk(root):
            if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.GeneratorExp)):
                found |= _reads(n)
                found.update(name for m in ast.walk(n) if isinstance(m, ast.Nonlocal) for name in m.names)
    return frozenset(found)


def _block(body: list[ast.stmt], out: Names, on_break: Names, on_continue: Names, result: Liveness) -> Names:
    """Live before a list of statements, given what is live behind it."""
    live = out
    for s in reversed(body):
        result.after[id(s)] = live
        live = _statement(s, live, on_break, on_continue, result)
    return live


def _statement(s: ast.stmt, out: Names, on_break: Names, on_continue: Names, result: Liveness) -> Names:
    if isinstance(s, (ast.Return, ast.Raise)):
        return _reads(s)
    if isinstance(s, ast.Break):
        return on_break
    if isinstance(s, ast.Continue):
        return on_continue
    if isinstance(s, ast.If):
        return _reads(s.test) | _block(s.body, out, on_break, on_continue, result) | _block(s.orelse, out, on_break, on_continue, result)
    if isinstance(s, (ast.While, ast.For)):
        return _loop(s, out, on_break, on_continue, result)
    if isinstance(s, ast.Assign):
        return (out - _plain_targets(s.targets)) | _reads(s)
    if isinstance(s, ast.AnnAssign):
        return (out - _plain_targets([s.target]) if s.value is not None else out) | _reads(s)
    if isinstance(s, ast.AugAssign):
        return out | _reads(s) | ({s.target.id} if isinstance(s.target, ast.Name) else NOBODY)
    return out | _reads(s)


def _loop(s: ast.While | ast.For, out: Names, on_break: Names, on_continue: Names, result: Liveness) -> Names:
    leaving = _block(s.orelse, out, on_break, on_continue, result)
    test = _reads(s.test) if isinstance(s, ast.While) else NOBODY
    bound = _plain_targets([s.target]) if isinstance(s, ast.For) else NOBODY
    head = leaving | test
    while True:
        new = leaving | test | (_block(s.body, head, out, head, result) - bound)
        if new == head:
            break
        head = new | head
    result.head[id(s)] = head
    return head | (_reads(s.iter) | _reads(s.target) if isinstance(s, ast.For) else NOBODY)


def _plain_targets(targets: list[ast.expr]) -> Names:
    """Names that an assignment surely binds."""
    found: set[str] = set()
    for t in targets:
        if isinstance(t, ast.Name):
            found.add(t.id)
        elif isinstance(t, (ast.Tuple, ast.List)):
            found |= _plain_targets([e.value if isinstance(e, ast.Starred) else e for e in t.elts])
    return frozenset(found)


def _reads(node: ast.AST) -> Names:
    """Names of this scope that are read in a node: not those that a function or a comprehension inside it binds for itself."""
    if isinstance(node, ast.Name):
        return frozenset({node.id}) if isinstance(node.ctx, ast.Load) else NOBODY
    if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        first, *more = node.generators
        bound = _plain_targets([g.target for g in node.generators])
        inside = [*(v for v in ast.iter_child_nodes(node) if not isinstance(v, ast.comprehension)), *first.ifs, *more]
        return _reads(first.iter) | (_union(inside) - bound)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        arguments = frozenset(a.arg for a in ast.walk(node.args) if isinstance(a, ast.arg))
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        outer = _union([*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None), *getattr(node, "decorator_list", ())])
        return outer | (_union(body) - arguments - _own(body))
    return _union(list(ast.iter_child_nodes(node)))


def _union(nodes: Sequence[ast.AST]) -> Names:
    return frozenset().union(*map(_reads, nodes))


def _own(body: Sequence[ast.AST]) -> Names:
    """The names that a function's body binds."""
    nodes = list(own_nodes(list(body)))
    elsewhere = {name for n in nodes if isinstance(n, (ast.Nonlocal, ast.Global)) for name in n.names}
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} | {n.name for n in nodes if isinstance(n, ast.FunctionDef)}
    return frozenset(bound - elsewhere)


@functools.lru_cache(4096)
def stores(node: ast.stmt) -> tuple[Names, Names]:
    """Names that the statements inside a loop bind, and names whose elements they write: a first guess at what it carries."""
    bound: set[str] = set()
    written: set[str] = set()
    for n in own_nodes([node]):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            bound.add(n.id)
            if isinstance(getattr(n, "parent", None), ast.AugAssign):
                written.add(n.id)
        if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name):
            written.add(n.target.id)
        if isinstance(n, (ast.Subscript, ast.Attribute)) and isinstance(n.ctx, ast.Store):
            base: ast.expr = n
            while isinstance(base, (ast.Subscript, ast.Attribute)):
                base = base.value
            if isinstance(base, ast.Name):
                written.add(base.id)
    return frozenset(bound), frozenset(written)
