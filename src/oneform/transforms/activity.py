"""Which values a derivative concerns: those that vary with the inputs (forward) and matter to the outputs (backward)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oneform.ir import Block, Builder, Instr, Op, Value
from oneform.ops import Term
from oneform.types import Stack, Type, differentiable


def carries_derivative(t: Type) -> bool:
    """A type whose values have a tangent; a stack has one if something on it has."""
    return any(map(carries_derivative, t.items)) if isinstance(t, Stack) else differentiable(t)


def partial_attrs(instr: Instr) -> dict[str, Any]:
    """The attributes that belong to the operation itself: leave to reassociate is not the derivative's concern."""
    return {k: v for k, v in instr.attrs.items() if k != "reassoc"}


_flags: dict[tuple[Any, ...], tuple[bool, ...]] = {}


def differentiable_arguments(instr: Instr) -> tuple[bool, ...]:
    """For each argument, whether the results depend on it differentiably."""
    op = instr.op
    if op.partials is None:
        if "derivative" in op.missing:
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


def _is_zero(p: Any) -> bool:
    return p is None or (isinstance(p, (int, float)) and p == 0)


class Activity:
    """The active values of a function, for given inputs and outputs."""

    def __init__(self, block: Block, inputs: Iterable[Value], outputs: Iterable[Value]):
        self.varied: set[Value] = set(inputs)
        self.useful: set[Value] = set(outputs)
        self._vary(block)
        self._use(block)
        self.active = self.varied & self.useful

    # ------------------------------------------------------------ forward

    def _vary(self, block: Block) -> None:
        for i in block.body:
            if i.regions:
                self._vary_region(i)
            elif _on_stack(i.op, i):
                self.varied.update(o for o in i.outs if carries_derivative(o.type))
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
        for r in i.regions:
            self._vary(r)
        for k, o in enumerate(i.outs):
            if carries_derivative(o.type) and any(r.results[k] in self.varied for r in i.regions):
                self.varied.add(o)

    # ------------------------------------------------------------ backward

    def _use(self, block: Block) -> None:
        for i in reversed(block.body):
            if i.regions:
                self._use_region(i)
            elif _on_stack(i.op, i):
                self.useful.update(v for v in (*i.args, *i.outs) if carries_derivative(v.type))
            elif any(o in self.useful for o in i.outs):
                self.useful.update(a for a, f in zip(i.args, differentiable_arguments(i), strict=True) if f)

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
        for k, o in enumerate(i.outs):
            if o in self.useful:
                self.useful.update(r.results[k] for r in i.regions)
        for r in i.regions:
            self._use(r)


def _on_stack(op: Op, i: Instr) -> bool:
    """Operations on stacks that carry derivatives take part always: what one pushes another pops."""
    return any(isinstance(v.type, Stack) and carries_derivative(v.type) for v in (*i.args, *i.outs))
