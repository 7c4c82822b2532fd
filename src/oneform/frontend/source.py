"""A function's syntax tree, the names it sees, and where each node stands in the user's file."""

from __future__ import annotations

import ast
import builtins
import dis
import functools
import linecache
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oneform.errors import CompileError, Location
from oneform.frontend.patterns import Rewrite

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, eq=False)
class File:
    """A parsed source file."""

    name: str
    lines: tuple[str, ...]
    tree: ast.Module
    known: dict[tuple[int, str], tuple[ast.AST, Location]] = field(default_factory=dict[tuple[int, str], tuple[ast.AST, Location]])

    def location(self, node: ast.AST, function: str) -> Location:
        """Where a node stands."""
        found = self.known.get((id(node), function))
        if found is None:
            found = self.known[id(node), function] = (node, self._locate(node, function))  # the node is kept: its id is its name
        return found[1]

    def _locate(self, node: ast.AST, function: str) -> Location:
        """The tree counts columns in UTF-8 bytes; people count characters."""
        line: int = getattr(node, "lineno", 1)
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        start = _column(text, getattr(node, "col_offset", 0))
        end = _column(text, getattr(node, "end_col_offset", 0) or 0) if getattr(node, "end_lineno", line) == line else len(text)
        return Location(self.name, line, start, max(end, start + 1), text, function)


def _column(text: str, offset: int) -> int:
    return offset if text.isascii() else len(text.encode()[:offset].decode(errors="replace"))


@dataclass(frozen=True, eq=False)
class Source:
    """A function definition with the namespaces that its free names are looked up in."""

    node: Definition
    file: File
    name: str
    globals: Mapping[str, Any]
    cells: Mapping[str, Any] = field(default_factory=dict[str, Any])  # Python closure cells by name
    function: types.FunctionType | None = None  # the Python function, if it exists already

    def location(self, node: ast.AST) -> Location:
        return self.file.location(node, self.name)

    def nested(self, node: Definition) -> Source:
        """A definition inside this one."""
        return Source(node, self.file, getattr(node, "name", "<lambda>"), self.globals, self.cells)

    @property
    def body(self) -> list[ast.stmt]:
        return _lambda_body(self.node) if isinstance(self.node, ast.Lambda) else self.node.body


@functools.lru_cache(4096)
def _lambda_body(node: ast.Lambda) -> list[ast.stmt]:
    """`lambda x: e` read as a function whose one statement is `return e`."""
    return [ast.copy_location(ast.Return(node.body), node.body)]


def source_of(fn: types.FunctionType) -> Source:
    """The source of a Python function; E004 if it cannot be read."""
    code = fn.__code__
    file = _file(code.co_filename, fn)
    found = _find(file, code)
    if found is None:
        raise CompileError(
            "E004", f"the definition of {fn.__qualname__} was not found at line {code.co_firstlineno} of {code.co_filename}", None,
            "The file has changed since it was imported: run the program again.",
        )
    cells = dict(zip(code.co_freevars, fn.__closure__ or (), strict=True))
    return Source(found, file, fn.__name__, fn.__globals__, cells, fn)


def _file(name: str, fn: types.FunctionType) -> File:
    linecache.checkcache(name)
    lines = linecache.getlines(name, fn.__globals__)
    if not lines:
        raise CompileError(
            "E004", f"the source of {fn.__qualname__} is not available: it was not read from a file ({name})", None,
            "Oneform compiles from source text: put the function into a file and import it (IPython and Jupyter work too).",
        )
    try:
        return _parse(name, tuple(line.rstrip("\r\n") for line in lines))
    except SyntaxError:
        raise CompileError("E004", f"the source of {fn.__qualname__} does not parse: {name} has changed since it was imported") from None


@functools.lru_cache(64)
def _parse(name: str, lines: tuple[str, ...]) -> File:
    return File(name, lines, Rewrite().visit(ast.parse("\n".join(lines) + "\n")))


@functools.lru_cache(1024)
def _find(file: File, code: types.CodeType) -> Definition | None:
    if code.co_name == "<lambda>":
        return _find_lambda(file, code)
    for node in _definitions(file):
        if isinstance(node, ast.Lambda) or node.name != code.co_name:
            continue
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
        if first == code.co_firstlineno and _parameters(node.args) == code.co_varnames[: _parameter_count(code)]:
            return node
    return None


@functools.lru_cache(64)
def _definitions(file: File) -> tuple[Definition, ...]:
    return tuple(n for n in ast.walk(file.tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def _parameters(a: ast.arguments) -> tuple[str, ...]:
    names = [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    return (*names, *(p.arg for p in (a.vararg, a.kwarg) if p is not None))


def _parameter_count(code: types.CodeType) -> int:
    return code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)


# Instructions that set a frame up stand at the definition, not at the body.
_PROLOGUE = {"RESUME", "MAKE_CELL", "COPY_FREE_VARS", "NOP", "RETURN_GENERATOR"}


def _find_lambda(file: File, code: types.CodeType) -> ast.Lambda | None:
    """The lambda whose body spans what the code's instructions span; several may share a line."""
    names = code.co_varnames[: _parameter_count(code)]
    fits = [n for n in _definitions(file) if isinstance(n, ast.Lambda) and n.lineno == code.co_firstlineno and _parameters(n.args) == names]
    if len(fits) == 1:
        return fits[0]
    starts: list[tuple[int, int]] = []
    ends: list[tuple[int, int]] = []
    for i in dis.get_instructions(code):
        p = i.positions
        if i.opname in _PROLOGUE or p is None or None in (p.lineno, p.end_lineno, p.col_offset, p.end_col_offset):
            continue
        if (p.lineno, p.col_offset) == (p.end_lineno, p.end_col_offset):
            continue  # the return of a lambda has no width
        starts.append((p.lineno or 0, p.col_offset or 0))
        ends.append((p.end_lineno or 0, p.end_col_offset or 0))
    if not starts:
        return None
    span = (min(starts), max(ends))
    for n in fits:
        b = n.body
        if span == ((b.lineno, b.col_offset), (b.end_lineno, b.end_col_offset)):
            return n
    return None


@functools.lru_cache(4096)
def local_names(node: Definition) -> frozenset[str]:
    """The names that a definition binds in its own scope."""
    found: set[str] = set(_parameters(node.args))
    outer: set[str] = set()
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    for n in own_nodes(body):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store):
            found.add(n.id)
        elif isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(n.name)
        elif isinstance(n, (ast.Global, ast.Nonlocal)):
            outer.update(n.names)
        elif isinstance(n, (ast.Import, ast.ImportFrom)):
            found.update((a.asname or a.name.split(".")[0]) for a in n.names)
    return frozenset(found - outer)


def own_nodes(roots: list[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a scope: not those inside nested functions. Names of a comprehension are its own too, but for `:=`."""
    for n in roots:
        yield n
        if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from own_nodes([*n.decorator_list, *n.args.defaults, *(d for d in n.args.kw_defaults if d is not None)])
        elif isinstance(n, ast.Lambda):
            yield from own_nodes([*n.args.defaults, *(d for d in n.args.kw_defaults if d is not None)])
        elif isinstance(n, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            yield from (c for c in ast.walk(n) if isinstance(c, ast.NamedExpr))
            yield from (c.target for c in ast.walk(n) if isinstance(c, ast.NamedExpr))
        elif not isinstance(n, ast.ClassDef):
            yield from own_nodes(list(ast.iter_child_nodes(n)))


def global_value(source: Source, name: str) -> tuple[Any, str, Any] | None:
    """A free name of the source in Python: (namespace, name, value); None if there is no such name."""
    cell = source.cells.get(name)
    if cell is not None:
        try:
            return cell, name, cell.cell_contents
        except ValueError:
            return None
    if name in source.globals:
        return source.globals, name, source.globals[name]
    if hasattr(builtins, name):
        return builtins.__dict__, name, getattr(builtins, name)
    return None
