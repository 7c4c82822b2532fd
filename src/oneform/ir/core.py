"""Values, instructions, blocks, functions; the record of an operation; the builder that types as it builds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oneform.errors import CompileError, Location, OneformError
from oneform.types import Array, Dim, Scalar, Type

Attrs = Mapping[str, Any]
Run = Callable[..., tuple[Any, ...]]  # a region as the interpreter hands it to `ref`: run(*params) -> results


class Value:
    """One SSA value. Equality is identity."""

    __slots__ = ("type",)

    def __init__(self, type: Type):
        self.type = type

    def __repr__(self) -> str:
        return f"<{self.type}>"


@dataclass(frozen=True, eq=False, slots=True)
class Instr:
    """`outs = op args {attrs} regions`, at the user's line. Equality is identity."""

    op: Op
    args: tuple[Value, ...]
    attrs: Attrs
    regions: tuple[Block, ...]
    outs: tuple[Value, ...]
    loc: Location | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Parameters, instructions, results. A region may also read values of the blocks around it."""

    params: tuple[Value, ...]
    body: tuple[Instr, ...]
    results: tuple[Value, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """A named block that reads nothing from outside."""

    name: str
    block: Block

    @property
    def params(self) -> tuple[Value, ...]:
        return self.block.params

    @property
    def results(self) -> tuple[Value, ...]:
        return self.block.results


TypeRule = Callable[[tuple[Type, ...], Attrs, tuple[Block, ...]], tuple[Type, ...]]


@dataclass(frozen=True, eq=False)
class Op:
    """Everything the compiler knows about one operation. The only place where it is written down."""

    name: str
    doc: str
    types: TypeRule  # raises CompileError E101 or E103
    ref: Callable[..., Any]  # (*args, attrs=, regions=) -> tuple of results, in NumPy: the truth back ends are tested against
    # The derivative is stated once, in one of these forms:
    # pointwise: (*x, y) -> dy/dx per argument: Term, number, None (no derivative), or a tuple that names a linear map (see transforms/linear.py)
    partials: Callable[..., tuple[Any, ...]] | None = None
    jvp: Callable[..., Any] | None = None  # (b, instr, primal args, tangents, outs) -> tangents of the outs; None is zero
    transpose: Callable[..., None] | None = None  # (t, instr): hands cotangents of the linear arguments to the Transposer t
    flow: Callable[..., None] | None = None  # (d, b, instr): tells d, a dependency program, on which elements the results depend; default: on all
    # How it runs: a scalar template for codegen, or the name of a code generator, or a decomposition into other ops.
    lower: Mapping[str, str] | str | None = None
    expand: Callable[..., Any] | None = None  # (b, instr args, attrs) -> values
    # On complex numbers: the same in terms of real operations, (*operands, complex ones as pairs of Terms, **attrs) -> pair, or Term if the result is real.
    complex: Callable[..., Any] | None = None
    analytic: bool = True  # whether `partials` hold on complex numbers; where they do not, the rule above is differentiated
    consumes: tuple[int, ...] = ()  # arguments whose memory the result takes over when nobody reads them later
    raises: bool = False  # may raise the user's exception: never removed, never reordered with another that raises
    cost: int = 1  # machine cycles, roughly; from DEAR on, the adjoint saves the result instead of computing it again
    singular: bool = False  # may give an infinity or NaN for finite arguments
    structure: str = ""  # how transforms treat it: for, while, if, build, recursive, or recur, the call of an enclosing recursive region
    python: tuple[Any, ...] = ()  # the Python callables the frontend reads as this op
    foreign: Mapping[str, str] = field(default_factory=dict[str, str])  # name in jaxpr, aten, stablehlo, onnx
    samples: Callable[..., list[Any]] | None = None  # rng -> [(args, attrs)]
    rejects: tuple[tuple[Any, ...], ...] = ()  # ((types, attrs, code), ...) that must be refused
    missing: Mapping[str, str] = field(default_factory=dict[str, str])  # a rule left out says why


DEAR = 12


class Builder:
    """Appends instructions, typing each as it is made: an ill-typed program cannot be built."""

    def __init__(self, loc: Location | None = None):
        self.params: list[Value] = []
        self.body: list[Instr] = []
        self.loc = loc

    def param(self, type: Type) -> Value:
        value = Value(type)
        self.params.append(value)
        return value

    def emit(self, op: Op, *args: Value, regions: Sequence[Block] = (), **attrs: Any) -> tuple[Value, ...]:
        """Append `op` and return its results; the location is `self.loc`."""
        return self.instr(op, args, attrs, tuple(regions), self.loc).outs

    def emit1(self, op: Op, *args: Value, regions: Sequence[Block] = (), **attrs: Any) -> Value:
        """As `emit`, for an operation with one result."""
        (out,) = self.instr(op, args, attrs, tuple(regions), self.loc).outs
        return out

    def instr(self, op: Op, args: Sequence[Value], attrs: Attrs, regions: tuple[Block, ...], loc: Location | None) -> Instr:
        try:
            types = op.types(tuple(a.type for a in args), attrs, regions)
        except OneformError as e:
            raise e.at(loc) from None
        instr = Instr(op, tuple(args), attrs, regions, tuple(Value(t) for t in types), loc)
        self.body.append(instr)
        return instr

    def sub(self) -> Builder:
        """A builder for a region of an instruction to come."""
        return Builder(self.loc)

    def block(self, *results: Value) -> Block:
        return Block(tuple(self.params), tuple(self.body), results)

    def function(self, name: str, *results: Value) -> Function:
        return Function(name, self.block(*results))


def mismatch(detail: str, code: str = "E101") -> CompileError:
    """What a type rule raises; the builder adds the place."""
    return CompileError(code, detail)


def scalar_of(t: Type, what: str) -> Scalar:
    if not isinstance(t, Scalar):
        raise mismatch(f"{what} must be a number, not {t}")
    return t


def array_of(t: Type, what: str) -> Array:
    if not isinstance(t, Array):
        raise mismatch(f"{what} must be an array, not {t}")
    return t


def open_dims(shape: Sequence[Dim]) -> int:
    """How many dimensions of an allocation are given by operands: those that are no number."""
    return sum(not isinstance(d, int) for d in shape)
