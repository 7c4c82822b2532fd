"""Forward mode: every instruction is followed by that of its tangent; structured operations carry tangents beside their values."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.errors import DerivativeError, InternalError
from oneform.ir import Block, Builder, Function, Instr, Value, clone_block, retyped
from oneform.ops import CUSTOM, Term, apply, arithmetic, array, lists, logic
from oneform.ops import build as build_op
from oneform.transforms import custom
from oneform.transforms.activity import Activity, partial_attrs
from oneform.transforms.linear import times
from oneform.transforms.lower import lower_products
from oneform.types import List, Scalar, Type, differentiable, element

Tangents = dict[Value, Value]


def jvp(f: Function, wrt: Sequence[int]) -> Function:
    """(x..., dx for x in wrt) -> (y..., dy for the differentiable y)"""
    block = lower_products(f.block)
    for k in wrt:
        if not differentiable(f.params[k].type):
            raise DerivativeError("E202", f"no derivative with respect to {f.params[k].type}")
    b = Builder()
    activity = Activity(block, [f.params[k] for k in wrt], block.results)
    sweep = Forward(activity.varied, activity.useful)
    for p in f.params:
        sweep.env[p] = b.param(p.type)
    for k in wrt:
        sweep.tangent[f.params[k]] = b.param(f.params[k].type)
    sweep.body(block, b)
    dys = [sweep.tangent_or_zero(b, r) for r in block.results if differentiable(r.type)]
    new = b.function(f"{f.name}_jvp", *(sweep.env[r] for r in block.results), *dys)
    return retyped(new) if sweep.inlined else new


class Forward:
    """`env` maps values of the original to the new function's, `tangent` to their tangents there."""

    def __init__(self, varied: set[Value], useful: set[Value]):
        self.varied, self.useful = varied, useful
        self.inlined = False  # a custom rule was copied in
        self.env: dict[Value, Value] = {}
        self.tangent: Tangents = {}
        self.functions: dict[str, tuple[list[int], list[int]]] = {}  # recursive regions around: which parameters and results have tangents

    def body(self, block: Block, b: Builder) -> None:
        for i in block.body:
            b.loc = i.loc
            if i.op.structure in CUSTOM:
                custom.forward(self, i, b)
            elif i.op.structure:
                self.structures[i.op.structure](self, i, b)
            else:
                self.instruction(i, b)

    def value(self, v: Value) -> Value:
        return self.env.get(v, v)

    def tangent_or_zero(self, b: Builder, v: Value) -> Value:
        if v in self.tangent:
            return self.tangent[v]
        return lists.zero_like(b, self.value(v))

    # ------------------------------------------------------------ single instructions

    def instruction(self, i: Instr, b: Builder) -> None:
        args = tuple(map(self.value, i.args))
        new = b.instr(i.op, args, i.attrs, (), i.loc)
        self.env.update(zip(i.outs, new.outs, strict=True))
        if not any(o in self.varied for o in i.outs) or not any(a in self.tangent for a in i.args):
            return
        if i.op.partials is not None:
            self._pointwise(i, args, new.outs[0], b)
        elif i.op.jvp is not None:
            found = i.op.jvp(b, i, args, [self.tangent.get(a) for a in i.args], new.outs)
            self.tangent.update((o, t) for o, t in zip(i.outs, found, strict=True) if t is not None)
        else:
            raise DerivativeError("E201", f"the operation {i.op.name} has no derivative: {i.op.missing.get('derivative', 'none is stated')}", i.loc)

    def _pointwise(self, i: Instr, args: Sequence[Value], y: Value, b: Builder) -> None:
        """dy = sum over k of dy/dx_k dx_k"""
        if i.op.partials is None or not isinstance(y.type, Scalar):
            raise InternalError(f"{i.op.name} on arrays is differentiated only after `prepare`")
        total: Term | None = None
        partials = i.op.partials(*(Term(b, a) for a in args), Term(b, y), **partial_attrs(i))
        for a, p in zip(i.args, partials, strict=True):
            if a in self.tangent:
                part = times(Term(b, self.tangent[a]), p, element(y.type))
                if part is None:
                    continue
                total = part if total is None else total + part
        if total is not None:
            self.tangent[i.outs[0]] = total.v

    # ------------------------------------------------------------ regions

    def loop(self, i: Instr, b: Builder) -> None:
        skip = 1 if i.op.structure == "for" else 0
        active = [k for k, o in enumerate(i.outs) if o in self.varied]
        inits = [self.tangent_or_zero(b, i.args[k + skip]) for k in active]
        regions: list[Block] = []
        for position, r in enumerate(i.regions):
            sub = b.sub()
            for p in r.params:
                self.env[p] = sub.param(p.type)
            for k in active:
                p = r.params[k + skip]
                self.tangent[p] = sub.param(tangent_type(p.type))
            self.body(r, sub)
            results = [self.value(v) for v in r.results]
            if position == len(i.regions) - 1:
                results += [self.tangent_or_zero(sub, r.results[k]) for k in active]
            regions.append(sub.block(*results))
        new = b.instr(i.op, (*map(self.value, i.args), *inits), i.attrs, tuple(regions), i.loc)
        self._results(i, new, active)

    def branch(self, i: Instr, b: Builder) -> None:
        active = [k for k, o in enumerate(i.outs) if o in self.varied]
        regions: list[Block] = []
        for r in i.regions:
            sub = b.sub()
            self.body(r, sub)
            regions.append(sub.block(*map(self.value, r.results), *(self.tangent_or_zero(sub, r.results[k]) for k in active)))
        new = b.instr(i.op, tuple(map(self.value, i.args)), i.attrs, tuple(regions), i.loc)
        self._results(i, new, active)

    def build(self, i: Instr, b: Builder) -> None:
        active = [k for k, o in enumerate(i.outs) if o in self.varied]
        if i.attrs["reduce"] in ("max", "min"):
            self._extremum(i, b, active)
            return
        sub, region = b.sub(), i.regions[0]
        for p in region.params:
            self.env[p] = sub.param(p.type)
        self.body(region, sub)
        block = sub.block(*map(self.value, region.results), *(self.tangent_or_zero(sub, region.results[k]) for k in active))
        new = b.instr(i.op, tuple(map(self.value, i.args)), i.attrs, (block,), i.loc)
        self._results(i, new, active)

    def _extremum(self, i: Instr, b: Builder, active: Sequence[int]) -> None:
        """d max_k v_k = sum over the k that attain it of dv_k, divided by their number."""
        region = clone_block(i.regions[0], self.env)
        new = b.instr(i.op, tuple(map(self.value, i.args)), i.attrs, (region,), i.loc)
        self.env.update(zip(i.outs, new.outs, strict=True))
        rank = len(i.attrs["shape"])
        for k in active:
            sub, source, y = b.sub(), i.regions[0], new.outs[k]
            indices = [sub.param(p.type) for p in source.params]
            self.env.update(zip(source.params, indices, strict=True))
            self.body(source, sub)
            v, dv = source.results[k], self.tangent_or_zero(sub, source.results[k])
            extremum = y if isinstance(y.type, Scalar) else sub.emit1(array.get, y, *indices[:rank])
            wins = apply("eq", Term(sub, self.value(v)), Term(sub, extremum))
            block = sub.block(apply("select", wins, Term(sub, dv), 0.0).v, sub.emit1(logic.convert, wins.v, dtype=element(y.type)))
            total, count = b.emit(build_op, *map(self.value, i.args), regions=(block,), **{**i.attrs, "reduce": "add"})
            self.tangent[i.outs[k]] = self._quotient(b, total, count)

    def _quotient(self, b: Builder, x: Value, y: Value) -> Value:
        assert arithmetic.div.expand is not None
        return (Term(b, x) / Term(b, y)).v if isinstance(x.type, Scalar) else arithmetic.div.expand(b, (x, y), {})

    # ------------------------------------------------------------ recursion

    def recursive(self, i: Instr, b: Builder) -> None:
        """The function takes the tangents of its parameters behind them, and returns those of its results behind these."""
        region, name = i.regions[0], i.attrs["name"]
        given = [k for k, p in enumerate(region.params) if p in self.varied]
        active = [k for k, r in enumerate(region.results) if r in self.varied]
        outer = self.functions
        self.functions = {**outer, name: (given, active)}
        sub = b.sub()
        for p in region.params:
            self.env[p] = sub.param(p.type)
        for k in given:
            self.tangent[region.params[k]] = sub.param(tangent_type(region.params[k].type))
        self.body(region, sub)
        block = sub.block(*map(self.value, region.results), *(self.tangent_or_zero(sub, region.results[k]) for k in active))
        self._call(i, b, (block,))
        self.functions = outer

    def recur(self, i: Instr, b: Builder) -> None:
        self._call(i, b, ())

    def _call(self, i: Instr, b: Builder, regions: tuple[Block, ...]) -> None:
        given, active = self.functions[i.attrs["name"]]
        types: tuple[Type, ...] = tuple(i.attrs["types"])
        attrs = {**i.attrs, "types": (*types, *(tangent_type(types[k]) for k in active))}
        tangents = [self.tangent_or_zero(b, i.args[k]) for k in given]
        self._results(i, b.instr(i.op, (*map(self.value, i.args), *tangents), attrs, regions, i.loc), active)

    structures = {"for": loop, "while": loop, "if": branch, "build": build, "recursive": recursive, "recur": recur}

    def _results(self, i: Instr, new: Instr, active: Sequence[int]) -> None:
        n = len(i.outs)
        self.env.update(zip(i.outs, new.outs[:n], strict=True))
        self.tangent.update((i.outs[k], t) for k, t in zip(active, new.outs[n:], strict=True))


def tangent_type(t: Type) -> Type:
    """The type of tangents: the same, and for a list that of its differentiable columns."""
    return lists.tangent_list(t) if isinstance(t, List) else t
