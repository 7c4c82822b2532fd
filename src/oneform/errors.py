"""Every error a user can meet: a stable code, a sentence, and the place in their own source."""

from __future__ import annotations

import ast
import builtins
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

# One line per code; docs/errors.md carries an entry for each. E0 syntax, E1 types and shapes, E2 derivatives,
# E3 limits of the compiler, E4 arguments of a call.
CODES: dict[str, str] = {
    "E001": "this Python construct is not supported",
    "E002": "this name is not defined here",
    "E003": "this function or attribute is not known to the compiler",
    "E004": "the source of this function is not available",
    "E005": "a function calls itself with ever new types",
    "E006": "the structure of the program would depend on a value known only at run time",
    "E007": "the text is no program in Oneform's form",
    "E101": "the operand types do not fit the operation",
    "E102": "a name is bound to different types on two paths",
    "E103": "the shapes do not fit",
    "E104": "two names may refer to the same memory",
    "E105": "this value cannot be changed",
    "E106": "the arguments do not fit the function's parameters",
    "E107": "this iterator holds nothing any more",
    "E201": "the operation has no derivative",
    "E202": "a derivative is asked for with respect to a value that has none",
    "E203": "the function differentiated does not return what this transform needs",
    "E204": "the derivative disagrees with differences",
    "E210": "a custom rule is missing, or does not fit its function",
    "E211": "a function with a custom rule is differentiated by something that the rule does not cover",
    "E212": "forward mode does not go through a function with custom_vjp",
    "E213": "a custom rule is not linear in the tangents",
    "E301": "the program exceeds a limit of the compiler",
    "E401": "an argument has a type the compiler does not accept",
    "E402": "an argument that the function writes to is not writable",
    "E403": "two arguments overlap in memory and one of them is written to",
}


@dataclass(frozen=True)
class Location:
    """A place in the user's source: 1-based line, 0-based columns."""

    file: str
    line: int
    column: int
    end_column: int
    text: str  # the source line, without its newline
    function: str = "?"
    role: str = field(default="", compare=False)  # in a derivative: "reverse" in the reverse sweep, "tape" where the forward sweep saves for it

    def as_role(self, role: str) -> Location:
        """The same place, for code that a transform made for it."""
        return self if self.role == role else dataclasses.replace(self, role=role)

    def caret(self) -> str:
        """The line with carets below the expression, as Python's own tracebacks show it."""
        indent = len(self.text) - len(self.text.lstrip())
        width = max(1, min(self.end_column, len(self.text)) - self.column)
        return f"  {self.file}:{self.line}\n    {self.text.strip()}\n    {' ' * (self.column - indent)}{'^' * width}"


class OneformError(Exception):
    """Base of all refusals. Carries `code`, `detail`, `loc` and, where there is one, a `repair`."""

    def __init__(self, code: str, detail: str, loc: Location | None = None, repair: str = ""):
        assert code in CODES, f"unlisted error code {code}"
        self.code, self.detail, self.loc, self.repair = code, detail, loc, repair
        text = f"{code}: {detail}"
        if loc is not None:
            text += "\n" + loc.caret()
        if repair:
            text += f"\n  {repair}"
        super().__init__(text)

    def at(self, loc: Location | None) -> OneformError:
        """The same error, placed at `loc` if it had no place yet."""
        return self if self.loc is not None or loc is None else type(self)(self.code, self.detail, loc, self.repair)


class CompileError(OneformError):
    """The program is refused."""


class ObservedError(CompileError):
    """A class without annotations turned out to be recursive; from now on it is known to be."""


class DerivativeError(OneformError, TypeError):
    """A derivative is asked for that does not exist."""


class ArgumentError(OneformError, TypeError):
    """A call passes something that compiled code does not take."""


class ZeroGradientWarning(UserWarning):
    """A gradient is zero whatever the arguments are: the result does not depend on an argument in a differentiable way."""


class InternalError(Exception):
    """A fault of the compiler, never of the user."""

    def __init__(self, detail: str):
        super().__init__(f"{detail}\nThis is a fault in Oneform, not in your program. Please report it with the function that caused it.")


ITSELF = "{0!r}"  # the message of an exception that is made of a number, not of text


def plain(text: str) -> str:
    """A message in which no number stands."""
    return text.replace("{", "{{").replace("}", "}}")


def items_themselves(n: int) -> str:
    """The message of an exception that is made of a tuple of n numbers."""
    return "(" + ", ".join(f"{{{k}!r}}" for k in range(n)) + (",)" if n == 1 else ")")


def exception_named(name: str) -> Any:
    """The class of exceptions that a program raises: a built-in one, or NumPy's for matrices."""
    if name == "LinAlgError":
        return np.linalg.LinAlgError
    return getattr(builtins, name, RuntimeError)


def exception(kind: type[BaseException], message: str, details: Sequence[Any]) -> BaseException:
    """The exception with a message in which numbers stand."""
    if not message:
        return kind()
    if message == ITSELF:
        return kind(details[0])
    return kind(tuple(details) if message == items_themselves(len(details)) else message.format(*details))


def raise_at(error: BaseException, loc: Location | None) -> NoReturn:
    """Raise `error` so that the traceback's last entry is the user's own line, with carets."""
    if loc is None:
        raise error
    where = {"lineno": loc.line, "end_lineno": loc.line, "col_offset": loc.column, "end_col_offset": loc.end_column}
    statement = ast.Raise(exc=ast.Name(id="_error", ctx=ast.Load(), **where), cause=None, **where)
    code = compile(ast.Module(body=[statement], type_ignores=[]), loc.file, "exec")
    exec(code.replace(co_name=loc.function, co_qualname=loc.function), {"_error": error})
    raise AssertionError("unreachable")
