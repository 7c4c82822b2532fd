"""The accepted language: one entry per node of Python's syntax tree, accepted or refused with a sentence and a repair.

docs/language.md is generated from this table.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from oneform.errors import CompileError


@dataclass(frozen=True)
class Entry:
    node: type[ast.AST]
    construct: str
    accepted: bool
    text: str  # what is accepted, or why it is refused
    repair: str = ""


def _yes(node: type[ast.AST], construct: str, text: str) -> Entry:
    return Entry(node, construct, True, text)


def _no(node: type[ast.AST], construct: str, text: str, repair: str) -> Entry:
    return Entry(node, construct, False, text, repair)


ENTRIES: tuple[Entry, ...] = (
    # statements
    _yes(ast.FunctionDef, "def",
         "Functions in functions, with closures; recursion, also mutual; helpers are compiled into their callers. Functions are data: a name may hold "
         "one of several, decided at run time, and lists, tuples and dicts of them are indexed at run time."
    ),
    _no(ast.AsyncFunctionDef, "async def", "asynchronous functions are not supported", "Write an ordinary function."),
    _no(ast.ClassDef, "class", "classes cannot be defined inside a compiled function", "Define the class at module level."),
    _yes(ast.Return, "return", "Anywhere, also inside loops; the types returned on different paths are unified."),
    _yes(ast.Delete, "del", "Of names, and of items of lists and dicts."),
    _yes(ast.Assign, "a = b",
         "Names, tuples, elements and slices of arrays, what integer arrays and masks choose of them, items and slices of lists, items of dicts, "
         "fields of objects that are not frozen; several targets."
    ),
    _yes(ast.AugAssign, "a += b",
         "In place for arrays, as in NumPy, for lists, and for objects whose class says how. "
         "Arrays without axes are numbers: where something else holds one too, this is refused."
    ),
    _yes(ast.AnnAssign, "a: T = b", "The annotation is not read."),
    _yes(ast.For, "for",
         "Over range, arrays (rows), tuples, lists, dicts, enumerate, zip, reversed; with break, continue, else. Tuples, and lists of a few "
         "known items, are unrolled; nothing else is."
    ),
    _no(ast.AsyncFor, "async for", "asynchronous loops are not supported", "Write an ordinary loop."),
    _yes(ast.While, "while", "With break, continue, else."),
    _yes(ast.If, "if", "Decided at run time, or at compile time where only structure is asked."),
    _no(ast.With, "with", "with is not supported", "Call what the context manager does before and after."),
    _no(ast.AsyncWith, "async with", "asynchronous context managers are not supported", "Write ordinary code."),
    _yes(ast.Match, "match", "Values, classes, tuples and lists, dicts, guards; what a pattern with | names must be named in cases of their own."),
    _yes(ast.Raise, "raise", "A built-in exception, its message with numbers in it."),
    _no(ast.Try, "try", "exceptions cannot be caught in compiled code", "Test for the bad case with if."),
    _no(ast.TryStar, "try with except*", "exceptions cannot be caught in compiled code", "Test for the bad case with if."),
    _yes(ast.Assert, "assert", "With a message that may have numbers in it."),
    _yes(ast.Import, "import", "Inside a function too; modules are structure."),
    _yes(ast.ImportFrom, "from … import", "Inside a function too."),
    _no(ast.Global, "global", "a compiled function cannot rebind a global name", "Return the new value, or write into a global array."),
    _yes(ast.Nonlocal, "nonlocal", "For names of functions that are compiled with the program."),
    _yes(ast.Expr, "an expression as a statement", "For its effect; docstrings are skipped."),
    _yes(ast.Pass, "pass", "Does nothing."),
    _yes(ast.Break, "break", "Becomes a carried flag."),
    _yes(ast.Continue, "continue", "The rest of the body runs under a condition."),
    # expressions
    _yes(ast.BoolOp, "and, or", "The right side is evaluated only if needed."),
    _yes(ast.NamedExpr, "a := b", "As an assignment."),
    _yes(ast.BinOp, "a + b", "NumPy's promotion (NEP 50) and broadcasting."),
    _yes(ast.UnaryOp, "-a, +a, ~a, not a", "Of numbers and arrays."),
    _yes(ast.Lambda, "lambda", "As functions with a name; several may share a line."),
    _yes(ast.IfExp, "a if c else b", "Only the chosen side is evaluated."),
    _yes(ast.Dict, "{k: v}",
         "Keys that are constants of the program, of any kind; or integers, strings, or tuples of as many of them, known only at run time."
    ),
    _yes(ast.Set, "{a, b}",
         "Sets of integers, of strings, or of tuples of as many of them. What depends on the order in which Python goes through a set is refused: "
         "go through sorted(s)."
    ),
    _yes(ast.ListComp, "[e for …]", "Of any length, with conditions; inside np.array no list is made."),
    _yes(ast.SetComp, "{e for …}", "As a set of what the comprehension gives, which may itself go through a set."),
    _yes(ast.DictComp, "{k: v for …}", "Of any length, with conditions."),
    _yes(ast.GeneratorExp, "(e for …)", "As the argument of sum, min, max, any, all, tuple, list, and unpacked: over structure unrolled, else a loop."),
    _no(ast.Await, "await", "asynchronous code is not supported", "Write an ordinary function."),
    _no(ast.Yield, "x = yield e", "the value of a yield is not supported",
        "A function may yield in a statement of its own, and hand on with yield from: whoever goes through what it returns runs it, item by item. "
        "What else it needs, pass as arguments."
    ),
    _no(ast.YieldFrom, "x = yield from e", "the value of a yield is not supported", "Write yield from as a statement."),
    _yes(ast.Compare, "a < b < c",
         "Chains; is (of objects and None); in (of tuples, lists, dicts, sets, arrays, and objects that say how); operators of the classes of "
         "objects, of sets, and the order of dataclasses with order=True."
    ),
    _yes(ast.Call, "f(x)",
         "Python functions, methods, lambdas, NumPy and math functions that the operation table lists, classes: NamedTuples, dataclasses and "
         "plain ones. heapq, and deque, defaultdict and Counter of collections, made inside: they are not passed in or out."
    ),
    _yes(ast.FormattedValue, "{x} in an f-string", "Numbers, in messages of raise and assert."),
    _yes(ast.JoinedStr, "f-strings", "As messages of raise and assert, and of structure."),
    _yes(ast.Constant, "literals", "Integers, floats, complex numbers, bools, strings, None, Ellipsis."),
    _yes(ast.Attribute, "a.b", "Of modules, arrays, numbers, objects; properties and methods. What may be None raises where it is."),
    _yes(ast.Subscript, "a[i]",
         "Integers, slices, None, …, integer arrays and masks on arrays; integers and slices on lists and tuples; keys on dicts; objects that "
         "say how."
    ),
    _yes(ast.Starred, "*a", "In calls, tuples and unpacking, of structure."),
    _yes(ast.Name, "names", "Numbers and arrays from outside are hidden arguments."),
    _yes(ast.List, "[a, b]",
         "Lists grow, shrink, are sorted and sliced, also those that were given, of numbers or of objects: the caller sees it. One that is indexed or "
         "grown by what is known only at run time holds things of one kind."
    ),
    _yes(ast.Tuple, "a, b", "Tuples."),
    _yes(ast.Slice, "a:b:c", "With a constant step."),
)

TABLE: dict[type[ast.AST], Entry] = {e.node: e for e in ENTRIES}


def check_node(node: ast.AST) -> None:
    """Refuse a node that is not in the language."""
    entry = TABLE.get(type(node))
    if entry is None:
        raise CompileError("E001", f"{type(node).__name__} is not supported")
    if not entry.accepted:
        raise CompileError("E001", entry.text, None, entry.repair)


def language_page() -> str:
    """docs/language.md."""
    lines = ["# The accepted language", "", "Generated from `src/oneform/frontend/fence.py`: do not edit.", ""]
    lines += ["| construct | accepted | |", "|---|---|---|"]
    for e in ENTRIES:
        shown = e.construct.replace("|", "\\|")
        lines.append(f"| `{shown}` | {'yes' if e.accepted else 'no'} | {e.text if e.accepted else e.text[0].upper() + e.text[1:] + '. ' + e.repair} |")
    return "\n".join(lines) + "\n"
