"""The textual form of a program: `parse(show(f), ops)` is `f` again, and `show` of that the same text."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

from oneform.errors import CompileError, InternalError
from oneform.ir.core import Block, Function, Instr, Op, Value
from oneform.types import ANY, DTYPES, Array, Dim, DType, List, Scalar, Type

VERSION = 1
_WORD = re.compile(r"[A-Za-z_][\w.]*\Z")

# ---------------------------------------------------------------- printing
#
#   oneform 1
#   function sum_squares(%0: f64[n]) {
#     %1: i64 = dim %0 {axis=0}
#     %2: f64 = const {value=0.0, dtype=f64}
#     %3: f64 = for %1, %2
#       region(%4: i64, %5: f64) {
#         %6: f64 = get %0, %4
#         ...
#         yield %8
#       }
#     return %3
#   }
#
# Values are numbered in the order in which the text binds them; a comment runs from # to the end of its line.


def show(f: Function, *, mark: Instr | None = None, locations: bool = False) -> str:
    """The canonical text. `mark` points at one instruction, `locations` adds the user's lines; both are comments."""
    return _Printer(mark, locations).function(f)


class _Printer:
    def __init__(self, mark: Instr | None, locations: bool):
        self.mark, self.locations = mark, locations
        self.numbers: dict[Value, int] = {}
        self.lines: list[str] = []

    def function(self, f: Function) -> str:
        self.lines = [f"oneform {VERSION}", f"function {_word(f.name)}({self.bind(f.params)}) {{"]
        self.body(f.block, "  ", "return")
        return "\n".join([*self.lines, "}", ""])

    def bind(self, values: tuple[Value, ...]) -> str:
        for v in values:
            self.numbers.setdefault(v, len(self.numbers))
        return ", ".join(f"{self.name(v)}: {show_type(v.type)}" for v in values)

    def name(self, v: Value) -> str:
        return f"%{self.numbers[v]}" if v in self.numbers else "%undefined"

    def names(self, values: tuple[Value, ...]) -> str:
        return ", ".join(map(self.name, values))

    def body(self, block: Block, indent: str, last: str) -> None:
        for i in block.body:
            self.instr(i, indent)
        self.lines.append(f"{indent}{last} {self.names(block.results)}".rstrip())

    def instr(self, i: Instr, indent: str) -> None:
        args = self.names(i.args)  # before the results are bound: an operand cannot be a result of its own
        text = f"{self.bind(i.outs)} = {i.op.name}" if i.outs else i.op.name
        text += f" {args}" if args else ""
        if i.attrs:
            text += " {" + ", ".join(f"{k}={show_attr(v)}" for k, v in i.attrs.items()) + "}"
        if self.locations and i.loc is not None:
            text += f"  # {i.loc.file}:{i.loc.line}"
        if i is self.mark:
            text += "  # <--- here"
        self.lines.append(indent + text)
        for r in i.regions:
            self.lines.append(f"{indent}  region({self.bind(r.params)}) {{")
            self.body(r, indent + "    ", "yield")
            self.lines.append(f"{indent}  }}")


def _word(name: str) -> str:
    return name if _WORD.match(name) else repr(name)


def _dim(d: Dim) -> str:
    return _word(d) if isinstance(d, str) and d != ANY else str(d)


def show_type(t: Type) -> str:
    """As `str(t)`, but that a symbol which is no plain word is quoted."""
    if isinstance(t, Array):
        return f"{t.dtype}[{', '.join(map(_dim, t.shape))}]"
    if isinstance(t, List):
        return f"list<{', '.join(map(show_type, t.items))}>"
    return str(t)


def show_attr(v: Any) -> str:
    """An attribute: bool, int, float, complex, str, None, dtype, type in angle brackets, or a tuple of attributes."""
    if isinstance(v, DType):
        return v.name
    if isinstance(v, Scalar | Array | List):
        return f"<{show_type(v)}>"
    if isinstance(v, tuple | list):
        items: Any = v
        return "(" + ", ".join(map(show_attr, items)) + ("," if len(items) == 1 else "") + ")"
    if isinstance(v, complex):
        return f"complex({v.real!r}, {v.imag!r})"
    if v is None or isinstance(v, bool | int | float | str):
        return repr(v)
    raise InternalError(f"an attribute cannot be written as text: {v!r}")


# ---------------------------------------------------------------- parsing


def parse(text: str, ops: Mapping[str, Op]) -> Function:
    """The program that `text` shows; CompileError E007 with line and column if it shows none."""
    return _Parser(text, ops).function()


_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<value>%\d+)
    |(?P<number>-?(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+|\d+|inf\b|nan\b))
    |(?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    |(?P<word>[A-Za-z_][\w.]*)
    |(?P<mark>[(){}\[\]<>=,:?])""",
    re.VERBOSE,
)


class _Parser:
    def __init__(self, text: str, ops: Mapping[str, Op]):
        self.text, self.ops = text, ops
        self.tokens = self.scan(text)
        self.at = 0
        self.values: dict[str, Value] = {}  # in scope

    def scan(self, text: str) -> list[tuple[str, str, int]]:
        tokens: list[tuple[str, str, int]] = []
        at = 0
        while at < len(text):
            m = _TOKEN.match(text, at)
            if m is None:
                raise self.fail(f"unexpected character {text[at]!r}", at)
            if m.lastgroup != "space":
                tokens.append((str(m.lastgroup), m.group(), at))
            at = m.end()
        return [*tokens, ("end", "", len(text))]

    def fail(self, detail: str, at: int | None = None) -> CompileError:
        where = self.tokens[self.at][2] if at is None else at
        line = self.text.count("\n", 0, where) + 1
        column = where - (self.text.rfind("\n", 0, where) + 1) + 1
        return CompileError("E007", f"line {line}, column {column}: {detail}")

    # -- tokens

    def peek(self, text: str) -> bool:
        kind, found, _ = self.tokens[self.at]
        return found == text and kind != "string"

    def skip(self, text: str) -> bool:
        if self.peek(text):
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.skip(text):
            raise self.fail(f"expected {text!r}, found {self.tokens[self.at][1] or 'the end'!r}")

    def take(self, kind: str) -> str:
        found, text, _ = self.tokens[self.at]
        if found != kind:
            raise self.fail(f"expected a {kind}, found {text or 'the end'!r}")
        self.at += 1
        return text

    def word(self) -> str:
        return _unquote(self.take("string")) if self.tokens[self.at][0] == "string" else self.take("word")

    # -- programs

    def function(self) -> Function:
        self.expect("oneform")
        version = self.take("number")
        if version != str(VERSION):
            raise self.fail(f"version {version} is not known; this is version {VERSION}", 0)
        self.expect("function")
        name = self.word()
        self.expect("(")
        params = self.bindings()
        self.expect(")")
        block = self.block(params, "return")
        self.take("end")
        return Function(name, block)

    def bindings(self) -> tuple[Value, ...]:
        out: list[Value] = []
        while self.tokens[self.at][0] == "value":
            name = self.take("value")
            self.expect(":")
            out.append(self.define(name, self.type()))
            if not self.skip(","):
                break
        return tuple(out)

    def define(self, name: str, t: Type) -> Value:
        if name in self.values:
            raise self.fail(f"{name} is defined twice")
        self.values[name] = Value(t)
        return self.values[name]

    def use(self) -> Value:
        name = self.take("value")
        if name not in self.values:
            raise self.fail(f"{name} is not defined here")
        return self.values[name]

    def uses(self) -> tuple[Value, ...]:
        out: list[Value] = []
        if self.tokens[self.at][0] == "value":
            out.append(self.use())
            while self.skip(","):
                out.append(self.use())
        return tuple(out)

    def block(self, params: tuple[Value, ...], last: str) -> Block:
        self.expect("{")
        body: list[Instr] = []
        while not self.skip(last):
            body.append(self.instr())
        results = self.uses()
        self.expect("}")
        return Block(params, tuple(body), results)

    def instr(self) -> Instr:
        start = self.tokens[self.at][2]
        outer = dict(self.values)
        outs = self.bindings()
        if outs:
            self.expect("=")
        name = self.take("word")
        if name not in self.ops:
            raise self.fail(f"no operation is named {name}", start)
        op = self.ops[name]
        known, self.values = self.values, outer  # operands and regions do not see the results
        args = self.uses()
        attrs = self.attrs()
        regions: list[Block] = []
        while self.skip("region"):
            self.expect("(")
            params = self.bindings()
            self.expect(")")
            regions.append(self.block(params, "yield"))
            self.values = dict(outer)
        self.values = known
        self.check(op, args, attrs, tuple(regions), outs, start)
        return Instr(op, args, attrs, tuple(regions), outs)

    def check(self, op: Op, args: tuple[Value, ...], attrs: dict[str, Any], regions: tuple[Block, ...], outs: tuple[Value, ...], start: int) -> None:
        try:
            types = op.types(tuple(a.type for a in args), attrs, regions)
        except CompileError as e:
            raise self.fail(f"{op.name}: {e.detail}", start) from None
        except (KeyError, ValueError) as e:
            raise self.fail(f"{op.name} is malformed: {type(e).__name__} {e}", start) from None
        if types != tuple(o.type for o in outs):
            raise self.fail(f"{op.name} gives ({', '.join(map(show_type, types))})", start)

    # -- types and attributes

    def type(self) -> Type:
        name = self.take("word")
        if name == "list" and self.skip("<"):
            items: list[Type] = []
            while not self.peek(">"):
                items.append(self.type())
                if not self.skip(","):
                    break
            self.expect(">")
            return List(tuple(items))
        if name not in DTYPES:
            raise self.fail(f"no type is named {name}")
        if not self.skip("["):
            return Scalar(DTYPES[name])
        dims: list[Dim] = [self.dim()]
        while self.skip(","):
            dims.append(self.dim())
        self.expect("]")
        return Array(DTYPES[name], tuple(dims))

    def dim(self) -> Dim:
        if self.skip(ANY):
            return ANY
        return int(self.take("number")) if self.tokens[self.at][0] == "number" else self.word()

    def attrs(self) -> dict[str, Any]:
        attrs: dict[str, Any] = {}
        if self.skip("{"):
            while not self.peek("}"):
                key = self.take("word")
                self.expect("=")
                attrs[key] = self.attr()
                if not self.skip(","):
                    break
            self.expect("}")
        return attrs

    def attr(self) -> Any:
        kind, text, _ = self.tokens[self.at]
        if kind == "number":
            self.at += 1
            return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
        if kind == "string":
            self.at += 1
            return _unquote(text)
        if self.skip("<"):
            t = self.type()
            self.expect(">")
            return t
        if self.skip("("):
            return self.items()
        name = self.take("word")
        if name == "complex":
            self.expect("(")
            real, imag = self.items()
            return complex(real, imag)
        plain: dict[str, Any] = {"True": True, "False": False, "None": None, "inf": float("inf"), "nan": float("nan"), **DTYPES}
        if name not in plain:
            raise self.fail(f"no attribute reads {name}")
        return plain[name]

    def items(self) -> tuple[Any, ...]:
        out: list[Any] = []
        while not self.peek(")"):
            out.append(self.attr())
            if not self.skip(","):
                break
        self.expect(")")
        return tuple(out)


def _unquote(text: str) -> str:
    return str(ast.literal_eval(text))
