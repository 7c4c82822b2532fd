"""Programs as objects: traced from a function or parsed from text; printed, verified, interpreted, differentiated, compiled."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from oneform import ir, optimise, transforms, tree
from oneform.derivatives import Args, Kwargs, pure
from oneform.errors import ArgumentError
from oneform.frontend.lowered import Lowered
from oneform.identity import Identity
from oneform.ir import Function
from oneform.ops import OPS
from oneform.origins import Origin
from oneform.runtime import arrays
from oneform.runtime.engine import Options, entries
from oneform.staging import Call, Compiled, lowering_arguments, plan, without_collection
from oneform.tree import LEAF, Leaf, Tree
from oneform.types import differentiable


class Program:
    """One typed program. Called or interpreted with the arguments it was traced with; a parsed one takes its parameters one by one."""

    def __init__(self, low: Lowered, args: Sequence[Tree], kwargs: Mapping[str, Tree]):
        self.lowered, self.args, self.kwargs = low, tuple(args), dict(kwargs)
        self._compiled: Compiled | None = None

    @property
    def function(self) -> Function:
        """The program in the intermediate representation: parameters are the leaves of the arguments, then what is captured."""
        return self.lowered.function

    def __str__(self) -> str:
        return ir.show(self.function)

    def __repr__(self) -> str:
        return f"<oneform program {self.function.name}: {len(self.function.params)} values to {len(self.function.results)}>"

    def verify(self) -> None:
        """Raise InternalError if the program breaks a rule of the representation."""
        ir.verify(self.function)

    def interpret(self, *args: Any, **kwargs: Any) -> Any:
        """Run it by the NumPy reference of each operation: slow, and the meaning that compiled code is tested against. Arguments are never written to."""
        call = Call(args, kwargs, lambda k: f"leaf {k} of the arguments")
        self._check(call)
        captured = [arrays.marshal(c.get(), f"the captured `{c.name}`")[0] for c in self.lowered.captures]
        out = ir.interpret(self.function, *[v.copy() if hasattr(v, "copy") else v for v in (*call.values, *captured)])
        count = self.lowered.result.leaves
        results = [_plain(x) for x in out[:count]]
        return tree.unflatten(self.lowered.result, iter(results))

    def _check(self, call: Call) -> None:
        trees, named, _ = call.signature
        if trees != self.args or dict(named) != self.kwargs:
            raise ArgumentError("E401", f"this program takes {_describe(self.args, self.kwargs)}")
        for p, leaf in zip(self.function.params, arrays.leaves_of(call.signature[2]), strict=False):
            if not arrays.type_fits(leaf.type, p.type):
                raise ArgumentError("E401", f"this program takes {p.type} where the call passes {leaf.type}")

    # ------------------------------------------------------------ transforms

    def _transformed(self, function: Function, results: Sequence[ir.Value]) -> Program:
        """As a program whose parameters and results are flat: those of `function`."""
        low = dataclasses.replace(
            self.lowered, function=function, result=flat_tree(len(results)), result_leaves=[Leaf(r.type) for r in results], writes=(), captures=[],
        )
        return Program(low, (LEAF,) * len(function.params), {})

    def _wrt(self, wrt: Sequence[int] | None) -> list[int]:
        return [k for k, p in enumerate(self.function.params) if differentiable(p.type)] if wrt is None else list(wrt)

    def jvp(self, wrt: Sequence[int] | None = None) -> Program:
        """Forward mode. Parameters: those of this program, then a tangent for each in `wrt` (all floats by default). Results: its own, then their tangents."""
        f = transforms.jvp(pure(self.lowered), self._wrt(wrt))
        return self._transformed(f, f.results)

    def vjp(self, wrt: Sequence[int] | None = None, seeds: Sequence[int] | None = None) -> Program:
        """Reverse mode. Parameters: those of this program, then a cotangent for each result in `seeds`. Results: its own, then cotangents of `wrt`."""
        f = pure(self.lowered)
        chosen = [k for k, r in enumerate(f.results) if differentiable(r.type)] if seeds is None else list(seeds)
        g = transforms.vjp(f, self._wrt(wrt), chosen)
        return self._transformed(g, g.results)

    def grad(self, wrt: Sequence[int] | None = None, result: int = 0) -> Program:
        """Reverse mode from one scalar result. Parameters: those of this program. Results: its own, then the gradients by `wrt`."""
        g = transforms.grad(pure(self.lowered), self._wrt(wrt), result)
        return self._transformed(g, g.results)

    def optimised(self) -> Program:
        """The same program after the optimiser."""
        return Program(dataclasses.replace(self.lowered, function=optimise.optimise(self.function)), self.args, self.kwargs)

    # ------------------------------------------------------------ running

    def compile(self, **options: Any) -> Compiled:
        """A compiled function of the program's arguments; options as for `jit`."""
        return Compiled(FromProgram(self), Options(**options), "program")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._compiled is None:
            self._compiled = self.compile()
        return self._compiled(*args, **kwargs)


def flat_tree(count: int) -> Tree:
    """One result as it is, several as a tuple."""
    return LEAF if count == 1 else Tree("tuple", (LEAF,) * count)


def _describe(args: Sequence[Tree], kwargs: Mapping[str, Tree]) -> str:
    text = f"{len(args)} argument{'' if len(args) == 1 else 's'}"
    return text + (f" and the keywords {', '.join(kwargs)}" if kwargs else "") + ", structured as those it was traced with"


def _plain(x: Any) -> Any:
    """A result of the interpreter as compiled code gives it."""
    return x.item() if getattr(x, "ndim", 1) == 0 and x.dtype.name in ("float64", "int64", "bool", "complex128") else x


class FromProgram(Origin):
    """A program as the origin of compiled code: it serves arguments of its own types only."""

    def __init__(self, program: Program):
        self.program = program

    def lower(self, args: Args, kwargs: Kwargs) -> Lowered:
        leaves = [leaf for _, ls in (*args, *kwargs.values()) for leaf in ls]
        trees = tuple(t for t, _ in args)
        if trees != self.program.args or {k: t for k, (t, _) in kwargs.items()} != self.program.kwargs:
            raise ArgumentError("E401", f"this program takes {_describe(self.program.args, self.program.kwargs)}")
        for p, leaf in zip(self.program.function.params, leaves, strict=False):
            if not arrays.type_fits(leaf.type, p.type):
                raise ArgumentError("E401", f"this program takes {p.type} where the call passes {leaf.type}")
        return self.program.lowered

    def identity(self) -> Identity:
        return Identity((("program", id(self.program)),), (), (self.program,))


def program_of(origin: Origin, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Program:
    """Trace for the types of these arguments."""
    call = Call(args, kwargs, lambda k: f"leaf {k} of the arguments")
    positional, named = lowering_arguments(call.signature)
    with without_collection():
        low = origin.lower(positional, named)
    return Program(low, call.signature[0], dict(call.signature[1]))


def parse(text: str) -> Program:
    """The program that `text` (as printed) shows. Raises CompileError E007, with line and column, if it shows none."""
    f = ir.parse(text, OPS)
    ir.verify(f)
    leaves = [Leaf(r.type) for r in f.results]
    low = Lowered(function=f, result=flat_tree(len(leaves)), result_leaves=leaves, captures=[], writes=())
    return Program(low, (LEAF,) * len(f.params), {})


class Lowering:
    """Every stage of one function's compilation, as text."""

    def __init__(self, program: Program, signature: Any, options: Options):
        self.program, self._signature, self._options = program, signature, options

    def _plan(self) -> tuple[Function, Any]:
        identity = Identity((), (), ())
        references = [identity.reference(c.name, c.read) for c in self.program.lowered.captures]
        return plan(self.program.lowered, self._signature, references, identity, self._options.parallel)

    def _kernel(self) -> Any:
        from oneform import codegen

        function, shape = self._plan()
        options = codegen.Options(fastmath=self._options.fastmath, boundscheck=self._options.boundscheck)
        return codegen.compile_function(function, shape.writes, options, entries(shape))

    def ir(self) -> str:
        """The program as the frontend (and the transforms) made it."""
        return ir.show(self.program.function)

    def optimised(self) -> str:
        """The program after the optimiser."""
        return ir.show(self._plan()[0])

    def llvm(self) -> str:
        """LLVM's text as generated, before LLVM's own passes."""
        return self._kernel().llvm

    def asm(self) -> str:
        """The machine code, as assembly."""
        return self._kernel().asm()

    def __repr__(self) -> str:
        return f"<oneform lowering of {self.program.function.name}: .ir() .optimised() .llvm() .asm()>"


def lower_call(origin: Origin, options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Lowering:
    call = Call(args, kwargs, lambda k: f"leaf {k} of the arguments")
    return Lowering(program_of(origin, args, kwargs), call.signature, options)


__all__ = ["Lowering", "Program", "lower_call", "parse", "program_of"]
