"""`match` as what it means: each case an `if` whose test asks for the pattern, and assignments of what the pattern names."""

from __future__ import annotations

import ast
from typing import Any

from oneform.errors import CompileError

ITSELF = {"bool", "complex", "float", "int", "str", "list", "tuple", "dict"}  # classes whose pattern with one argument matches the subject itself


class Rewrite(ast.NodeTransformer):
    """Puts `if` in place of `match`, in a whole file."""

    def __init__(self) -> None:
        self.count = 0

    def visit_Match(self, node: ast.Match) -> list[ast.stmt] | ast.Match:
        """What cannot be put so stays, and is refused where it is met."""
        try:
            return self.rewritten(node)
        except CompileError:
            return node

    def rewritten(self, node: ast.Match) -> list[ast.stmt]:
        self.generic_visit(node)
        self.count += 1
        subject = ast.Name(f"match_{self.count}_", ast.Load())
        first: ast.stmt = ast.Assign([ast.Name(subject.id, ast.Store())], node.subject)
        rest: list[ast.stmt] = []
        for case in reversed(node.cases):
            tests, names = _pattern(case.pattern, subject)
            if case.guard is not None:
                tests.append(_Named(names).visit(case.guard))
            body: list[ast.stmt] = [*(ast.Assign([ast.Name(n, ast.Store())], x) for n, x in names.items()), *case.body]
            rest = [ast.If(_all(tests), body, rest)]
            for n in (*ast.walk(rest[0].test), *(s for b in body[: len(names)] for s in ast.walk(b)), rest[0]):  # type: ignore[attr-defined]
                if not hasattr(n, "lineno"):
                    ast.copy_location(n, case.pattern)
        ast.copy_location(first, node.subject)
        return [ast.fix_missing_locations(first), *map(ast.fix_missing_locations, rest)]


class _Named(ast.NodeTransformer):
    """A guard reads what the pattern names, which is not assigned yet."""

    def __init__(self, names: dict[str, ast.expr]):
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def _all(tests: list[ast.expr]) -> ast.expr:
    if not tests:
        return ast.Constant(True)
    return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)


def _pattern(p: ast.pattern, x: ast.expr) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """What must hold of x, in this order, and what the pattern names."""
    match p:
        case ast.MatchValue(value):
            return [ast.Compare(x, [ast.Eq()], [value])], {}
        case ast.MatchSingleton(value):
            return [ast.Compare(x, [ast.Is()], [ast.Constant(value)])], {}
        case ast.MatchAs(pattern, name):
            tests, names = _pattern(pattern, x) if pattern is not None else ([], {})
            return tests, {**names, **({name: x} if name is not None else {})}
        case ast.MatchOr(patterns):
            found = [_pattern(q, x) for q in patterns]
            if any(names for _, names in found):
                raise CompileError("E001", "a pattern with | cannot name parts of what it matches", None, "Write a case for each.")
            return [ast.BoolOp(ast.Or(), [_all(tests) for tests, _ in found])], {}
        case ast.MatchClass():
            return _class(p, x)
        case ast.MatchSequence(patterns):
            return _sequence(patterns, x)
        case ast.MatchMapping(keys, patterns, rest):
            if rest is not None:
                raise CompileError("E001", "** in a pattern is not supported", None, "Name the keys.")
            tests: list[ast.expr] = [_call("isinstance", x, ast.Name("dict", ast.Load()))]
            names: dict[str, ast.expr] = {}
            for k, q in zip(keys, patterns, strict=True):
                tests.append(ast.Compare(k, [ast.In()], [x]))
                _join(tests, names, _pattern(q, ast.Subscript(x, k, ast.Load())))
            return tests, names
        case _:
            raise CompileError("E001", f"the pattern {type(p).__name__} is not supported")


def _join(tests: list[ast.expr], names: dict[str, ast.expr], more: tuple[list[ast.expr], dict[str, ast.expr]]) -> None:
    tests += more[0]
    names.update(more[1])


def _call(f: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(f, ast.Load()), list(args), [])


def _class(p: ast.MatchClass, x: ast.expr) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """Cls(a, b, field=c): of this class, and the fields that its __match_args__ names."""
    tests: list[ast.expr] = [_call("isinstance", x, p.cls)]
    names: dict[str, ast.expr] = {}
    itself = isinstance(p.cls, ast.Name) and p.cls.id in ITSELF
    for k, q in enumerate(p.patterns):
        name = ast.Subscript(ast.Attribute(p.cls, "__match_args__", ast.Load()), ast.Constant(k), ast.Load())
        _join(tests, names, _pattern(q, x if itself else _call("getattr", x, name)))
    for name, q in zip(p.kwd_attrs, p.kwd_patterns, strict=True):
        _join(tests, names, _pattern(q, ast.Attribute(x, name, ast.Load())))
    return tests, names


def _sequence(patterns: list[ast.pattern], x: ast.expr) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """[a, b, *rest]"""
    star = next((k for k, q in enumerate(patterns) if isinstance(q, ast.MatchStar)), None)
    fixed = len(patterns) - (star is not None)
    kinds: Any = ast.Tuple([ast.Name("tuple", ast.Load()), ast.Name("list", ast.Load())], ast.Load())
    length = ast.Compare(_call("len", x), [ast.Eq() if star is None else ast.GtE()], [ast.Constant(fixed)])
    tests: list[ast.expr] = [_call("isinstance", x, kinds), length]
    names: dict[str, ast.expr] = {}
    for k, q in enumerate(patterns):
        if isinstance(q, ast.MatchStar):
            end = ast.Constant(k - len(patterns) + 1) if k + 1 < len(patterns) else None
            if q.name is not None:
                names[q.name] = _call("list", ast.Subscript(x, ast.Slice(ast.Constant(k), end), ast.Load()))
            continue
        at = ast.Constant(k if star is None or k < star else k - len(patterns))
        _join(tests, names, _pattern(q, ast.Subscript(x, at, ast.Load())))
    return tests, names
