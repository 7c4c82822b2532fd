"""Which values a derivative concerns: those that vary with the inputs (forward) and matter to the outputs (backward)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any

from oneform.ir import Block, Builder, Function, Instr, Value, free_values, instructions, retyped
from oneform.ops import CUSTOM, Term, custom_again, logic
from oneform.ops.arithmetic import masked_mul
from oneform.ops.control.recursion import calls
from oneform.types import carries_derivative


def partial_attrs(instr: Instr) -> dict[str, Any]:
    """The attributes that belong to the operation itself: leave to reassociate is not the derivative's concern."""
    return {k: v for k, v in instr.attrs.items() if k != "reassoc"}


def custom_operands(i: Instr) -> list[Value] | None:
    """For an operation whose regions are not looked into, since a rule states its derivative: the values that the results depend on. Else None."""
    if i.op.structure in CUSTOM:
        return [*i.args, *free_values(i.regions[0])]  # that the rule covers them all is checked by whoever applies it
    return [i.args[k] for k in i.attrs["wrt"]] if i.op.structure == "pull" else None


_flags: dict[tuple[Any, ...], tuple[bool, ...]] = {}


def differentiable_arguments(instr: Instr) -> tuple[bool, ...]:
    """For each argument, whether the results depend on it differentiably."""
    op = instr.op
    if op.partials is None:
        if "derivative" in op.missing and op is not custom_again:  # that one is refused, where it matters
            return (False,) * len(instr.args)
        return tuple(carries_derivative(a.type) for a in instr.args)
    attrs = partial_attrs(instr)
    key = (op, tuple(str(a.type) for a in instr.args), tuple(sorted((k, str(v)) for k, v in attrs.items())))
    if key not in _flags:
        b = Builder()
        terms = [Term(b, Value(v.type)) for v in (*instr.args, *instr.outs)]
        given: tuple[Any, ...] = op.partials(*terms, **attrs)
        _flags[key] = tuple(carries_derivative(a.type) and not _is_zero(p) for a, p in zip(instr.args, given, strict=True))
    return _flags[key]


def chosen(instr: Instr) -> tuple[Value, ...]:
    """The operands that the operation may ignore: those of a choice, and what is multiplied by a mask (see `Op.partials`)."""
    if instr.op.partials is None or instr.regions:
        return ()
    b = Builder()
    given: tuple[Any, ...] = instr.op.partials(*(Term(b, Value(v.type)) for v in (*instr.args, *instr.outs)), **partial_attrs(instr))
    return tuple(a for a, p in zip(instr.args, given, strict=True) if isinstance(p, tuple) and p[0] in ("where", "masking"))


class Poison:
    """Where a cotangent that is zero because a choice fell on the other side may meet a factor that is infinite or NaN.

    `behind`: values whose cotangent may be such a zero: what selects choose between, what is masked, what branches read, and everything upstream.
    `risky`: values that may be infinite or NaN for finite arguments of the program: results of singular operations, and everything downstream."""

    def __init__(self, block: Block):
        body = list(instructions(block.body))
        ignored = {a for i in body if (len(i.args) == 3 or i.op is masked_mul) and not i.regions for a in chosen(i)}
        for i in body:
            if i.op.structure == "if":
                ignored.update(v for r in i.regions for v in free_values(r))
        ignored = {v for v in ignored if carries_derivative(v.type)}
        self.behind = Activity(block, (), ignored).useful if ignored else set[Value]()
        sources = {o for i in body if singular(i) for o in i.outs} if ignored else set[Value]()
        self.risky = Activity(block, sources, ()).varied if sources else set[Value]()

    def guards(self, y: Value, factors: Sequence[Instr], partial: Value | None) -> bool:
        """Whether the product of y's cotangent with a partial, computed by `factors`, needs a guard."""
        if y not in self.behind or partial is None:
            return False
        return partial in self.risky or any(singular(i) or any(a in self.risky for a in i.args) for i in factors)


def singular(i: Instr) -> bool:
    """Whether an operation may give an infinity or NaN for finite arguments."""
    return i.op.singular and i.attrs.get("n", -1) < 0


def _is_zero(p: Any) -> bool:
    return p is None or (isinstance(p, (int, float)) and p == 0)


def reached(f: Function, outs: Sequence[int], *, through_stops: bool = False) -> set[int]:
    """The parameters on which results `outs` depend differentiably; `through_stops`: as if stop_gradient were not there."""
    g = retyped(f, {logic.stop_gradient}) if through_stops else f
    useful = Activity(g.block, (), [g.results[k] for k in outs]).useful
    return {k for k, p in enumerate(g.params) if p in useful}


class Activity:
    """The active values of a function, for given inputs and outputs."""

    def __init__(self, block: Block, inputs: Iterable[Value], outputs: Iterable[Value]):
        self.varied: set[Value] = set(inputs)
        self.useful: set[Value] = set(outputs)
        self.functions: dict[str, tuple[Instr, list[Instr]]] = {}  # recursive regions around: the instruction, and the calls in it
        self._vary(block)
        self._use(block)
        self.active = self.varied & self.useful

    # ------------------------------------------------------------ forward

    def _vary(self, block: Block) -> None:
        for i in block.body:
            operands = custom_operands(i)
            if operands is not None:
                if any(a in self.varied for a in operands):
                    self.varied.update(o for o in i.outs if carries_derivative(o.type))
            elif i.regions:
                self._vary_region(i)
            elif i.op.structure == "recur":
                function, _ = self.functions[i.attrs["name"]]
                self.varied.update(o for o, r in zip(i.outs, function.regions[0].results, strict=True) if r in self.varied)
            else:
                flags = differentiable_arguments(i)
                if any(a in self.varied for a, f in zip(i.args, flags, strict=True) if f):
                    self.varied.update(o for o in i.outs if carries_derivative(o.type))

    def _vary_region(self, i: Instr) -> None:
        kind = i.op.structure
        if kind in ("for", "while"):
            body = i.regions[-1]
            skip = 1 if kind == "for" else 0
            params, inits = body.params[skip:], i.args[skip:]
            while True:
                changed = False
                for p, init, y in zip(params, inits, body.results, strict=True):
                    if p not in self.varied and carries_derivative(p.type) and (init in self.varied or y in self.varied):
                        self.varied.add(p)
                        changed = True
                before = len(self.varied)
                self._vary(body)
                if not changed and len(self.varied) == before:
                    break
            self.varied.update(o for o, p in zip(i.outs, params, strict=True) if p in self.varied)
            return
        if kind == "recursive":
            self._vary_function(i)
        else:
            for r in i.regions:
                self._vary(r)
        for k, o in enumerate(i.outs):
            if carries_derivative(o.type) and any(r.results[k] in self.varied for r in i.regions):
                self.varied.add(o)

    def _vary_function(self, i: Instr) -> None:
        """A parameter varies with what any call passes for it; a call's result with the region's."""
        with self._inside(i) as sites:
            before = -1
            while len(self.varied) != before:
                before = len(self.varied)
                for k, p in enumerate(i.regions[0].params):
                    if carries_derivative(p.type) and any(s.args[k] in self.varied for s in sites):
                        self.varied.add(p)
                self._vary(i.regions[0])

    @contextmanager
    def _inside(self, i: Instr) -> Generator[list[Instr]]:
        """The region of a recursive function, where its name is known; yields all its calls, the first one included."""
        outer = self.functions
        sites = [i, *calls(i.regions[0], i.attrs["name"])]
        self.functions = {**outer, i.attrs["name"]: (i, sites)}
        try:
            yield sites
        finally:
            self.functions = outer

    # ------------------------------------------------------------ backward

    def _use(self, block: Block) -> None:
        for i in reversed(block.body):
            operands = custom_operands(i)
            if operands is not None:
                if any(o in self.useful for o in i.outs):
                    self.useful.update(v for v in (*i.outs, *operands) if carries_derivative(v.type))
            elif i.regions:
                self._use_region(i)
            elif i.op.structure == "recur":
                function, _ = self.functions[i.attrs["name"]]
                self.useful.update(a for a, p in zip(i.args, function.regions[0].params, strict=True) if p in self.useful)
            elif any(o in self.useful for o in i.outs):
                self.useful.update(a for a, f in zip(i.args, differentiable_arguments(i), strict=True) if f)
                self.useful.update(o for o in i.outs if carries_derivative(o.type))  # what is taken out of a list leaves zero behind, used or not

    def _use_region(self, i: Instr) -> None:
        kind = i.op.structure
        if kind in ("for", "while"):
            body = i.regions[-1]
            skip = 1 if kind == "for" else 0
            params, inits = body.params[skip:], i.args[skip:]
            while True:
                before = len(self.useful)
                for p, init, y, o in zip(params, inits, body.results, i.outs, strict=True):
                    if carries_derivative(p.type) and (o in self.useful or p in self.useful):
                        self.useful.update((p, init, y, o))
                self._use(body)
                if len(self.useful) == before:
                    return
        if kind == "recursive":
            self._use_function(i)
            return
        for k, o in enumerate(i.outs):
            if o in self.useful:
                self.useful.update(r.results[k] for r in i.regions)
        for r in i.regions:
            self._use(r)

    def _use_function(self, i: Instr) -> None:
        """A result matters if it does to any call; what is passed for a parameter, if that does."""
        region = i.regions[0]
        with self._inside(i) as sites:
            before = -1
            while len(self.useful) != before:
                before = len(self.useful)
                for k, r in enumerate(region.results):
                    if any(s.outs[k] in self.useful for s in sites):
                        self.useful.update((r, *(s.outs[k] for s in sites)))  # one adjoint serves all calls
                self._use(region)
        self.useful.update(a for a, p in zip(i.args, region.params, strict=True) if p in self.useful)
