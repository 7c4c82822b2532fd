"""Each function in cases/*.py says, on the offending line, the error it must be refused with."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np
import pytest

from oneform.errors import CompileError
from oneform.frontend.fence import ENTRIES
from tests.frontend.support import lower

VALUES: dict[str, Any] = {
    "x": 0.5, "y": 1.5, "n": 3, "k": 2, "v": np.linspace(0.0, 1.0, 40), "w": np.linspace(1.0, 2.0, 40), "a": np.ones((40, 3)), "p": (1.0, 2.0), "z": 0.5 - 1j, "c": np.linspace(0.0, 1.0, 40) * 1j,
}


def cases() -> list[FunctionType]:
    found: list[FunctionType] = []
    for path in sorted((Path(__file__).parent / "cases").glob("*.py")):
        module = importlib.import_module(f"tests.frontend.cases.{path.stem}")
        functions = [f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == module.__name__]
        found += [f for f in functions if all(p in VALUES for p in inspect.signature(f).parameters)]
    return found


def wanted(f: FunctionType) -> tuple[int, str] | None:
    """The line and the text of the mark in a function, or in a helper that it calls."""
    lines, first = inspect.getsourcelines(f)
    marks = [(first + k, line.split("# E: ")[1].strip()) for k, line in enumerate(lines) if "# E: " in line]
    return marks[0] if marks else None


@pytest.mark.parametrize("f", [f for f in cases() if f.__name__ not in ("helper", "even", "odd", "inner", "error_in_helper")], ids=lambda f: f.__name__)
def test_refused(f: FunctionType) -> None:
    mark = wanted(f)
    assert mark is not None, "no `# E:` mark"
    refuse(f, *mark)


def refuse(f: FunctionType, line: int, text: str) -> CompileError:
    with pytest.raises(CompileError) as e:
        lower(f, *(VALUES[p] for p in inspect.signature(f).parameters))
    error = e.value
    assert f"{error.code} {error.detail}".startswith(text)
    assert error.loc is not None
    assert (error.loc.file, error.loc.line) == (f.__code__.co_filename, line)
    assert error.loc.text[error.loc.column : error.loc.end_column].strip()
    return error


def test_an_error_in_a_helper_names_the_helpers_line() -> None:
    from tests.frontend.cases import names

    mark = wanted(names.inner)
    assert mark is not None
    error = refuse(names.error_in_helper, *mark)
    assert error.loc is not None and error.loc.function == "inner"


def test_the_caret_is_below_the_expression() -> None:
    from tests.frontend.cases import names

    with pytest.raises(CompileError) as e:
        lower(names.unknown_name, 1.0)
    assert str(e.value).splitlines()[2:] == ["    return x * scael  # E: E002 scael is not defined", "               ^^^^^", "  Did you mean scale?"]


def test_a_clash_shows_both_lines() -> None:
    from tests.frontend.cases import types

    with pytest.raises(CompileError) as e:
        lower(types.clash_in_branch, 1.0, VALUES["v"])
    text = str(e.value)
    assert "y = x" in text and "y = v" in text


def test_every_node_of_the_syntax_tree_has_an_entry() -> None:
    import ast

    listed = {e.node for e in ENTRIES}
    nodes = {n for n in vars(ast).values() if isinstance(n, type) and issubclass(n, (ast.stmt, ast.expr)) and n.__module__ in ("ast", "_ast")}
    old = {"Num", "Str", "Bytes", "NameConstant", "Ellipsis", "Index", "ExtSlice", "stmt", "expr", "TypeAlias", "TemplateStr", "Interpolation"}
    assert {n.__name__ for n in nodes if n not in listed} <= old


def test_refused_constructs_say_how_to_repair() -> None:
    assert all(e.repair for e in ENTRIES if not e.accepted)
