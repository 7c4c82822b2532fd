"""Imports point down only, foreign packages stay where they belong, and operations are named in ops/ only."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from oneform.ops import OPS

ROOT = Path(__file__).parents[2] / "src" / "oneform"
FILES = sorted(ROOT.rglob("*.py"))

# A layer may import those before it, and itself. Layers on one line do not know each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "types", "rules", "kinks", "families"),
    ("tree", "layout"),
    ("ir",),
    ("ops",),
    ("frontend", "transforms", "optimise", "codegen", "interop"),
    ("runtime",),
    ("identity", "derivatives"),
    ("manifest",),
    ("origins",),
    ("staging",),
    ("program", "tangents"),
    ("pullback",),
    ("gradcheck",),
    ("sparse",),
    ("api",),
    ("random", "nn"),
    ("",),  # oneform/__init__.py
    ("data",),
    ("demo", "profile"),
    ("profile_table",),
    ("cli",),
    ("__main__",),
)
RANK = {name: k for k, layer in enumerate(LAYERS) for name in layer}
FOREIGN = {"llvmlite": "codegen", "jax": "interop", "torch": "interop", "onnx": "interop"}


def package(path: Path) -> str:
    top = path.relative_to(ROOT).parts[0]
    return "" if top == "__init__.py" else top.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((a.name, node.lineno) for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports name the whole module"
            if node.module == "oneform":
                yield from ((f"oneform.{a.name}" if a.name in RANK else "oneform", node.lineno) for a in node.names)
            else:
                yield str(node.module), node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path):
    mine = package(path)
    assert mine in RANK, f"{mine} stands in no layer"
    for name, line in imports(path):
        parts = name.split(".")
        where = f"{path}:{line} imports {name}"
        if parts[0] in FOREIGN:
            assert mine == FOREIGN[parts[0]], where
        if parts[0] == "oneform":
            other = parts[1] if len(parts) > 1 else ""
            assert other == mine or RANK[other] < RANK[mine], where


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_hides_in_a_function(path: Path):
    """An import from the same package inside a function dodges a cycle. (A heavy one from below may wait until it is needed.)"""
    mine = ("oneform", package(path))
    for f in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(f, ast.FunctionDef):
            for node in ast.walk(f):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)] if isinstance(node, ast.ImportFrom) else []
                assert not any((*n.split("."), "")[:2] == mine for n in names), f"{path}:{f.lineno} {names}"


# Outside ops/, a pass may know the operations that the representation itself rests on (memory and control), by record or
# by name; but no arithmetic: what a pointwise operation is, its record says. The exceptions are the rewrite tables, what is
# known of integers, the algebra of recurrences, and whoever translates between worlds: the frontend (syntax), interop (foreign names), code generators.
MAY_NAME = {"optimise/simplify.py", "optimise/lists.py", "optimise/facts.py", "optimise/recurrence.py"}
TRANSLATORS = ("ops", "interop", "frontend", "codegen", "runtime", "transforms")
POINTWISE = {o.name for o in OPS.values() if o.partials is not None}


def lookups(path: Path) -> Iterator[tuple[str, int]]:
    """String literals by which an operation is looked up or compared: OPS["exp"], apply("exp", ...), op.name == "exp"."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found: list[ast.expr] = []
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "OPS":
            found = [node.slice]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "apply":
            found = node.args
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "name":
            found = [e for c in node.comparators for e in (c.elts if isinstance(c, ast.Tuple | ast.Set) else [c])]
        yield from ((str(e.value), e.lineno) for e in found if isinstance(e, ast.Constant) and e.value in OPS)


@pytest.mark.parametrize("path", [p for p in FILES if package(p) not in TRANSLATORS], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_arithmetic_is_named_outside_the_table(path: Path):
    if path.relative_to(ROOT).as_posix() in MAY_NAME:
        return
    named = [f"{path}:{line} names {name}" for name, line in lookups(path) if name in POINTWISE]
    assert not named


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_says_what_it_is_for(path: Path):
    text = path.read_text(encoding="utf-8")
    if text.strip():
        doc = ast.get_docstring(ast.parse(text)) or ""
        assert doc.split("\n\n")[0].rstrip().endswith((".", ":")) or "\n" not in doc, f"{path} needs a sentence"
        assert doc, f"{path} has no docstring"
