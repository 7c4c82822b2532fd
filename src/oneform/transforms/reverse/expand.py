"""Before the sweeps: custom rules are copied to where their functions are called, between marks that say what to transpose.

    y = custom_jvp x {primal, rule}     f = frozen x;  s = shadow x;  r, t = rule(f, s);  y = attach r, t
    y = custom_vjp x {primal, fwd, bwd} f = frozen x;  r, saved… = fwd(f);  y = pull r, x {bwd(saved…, ·)}

The adjoint of `attach` gives ct(y) to t, that of the rule's linear part brings it to s, that of `shadow` to x."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from oneform.ir import Block, Builder, Function, Instr, Subst, Value, free_values, inline, retyped, substitute
from oneform.ops import CUSTOM, constant, custom_vjp, open_operands, unfolded, zeros
from oneform.transforms.activity import Activity, carries_derivative
from oneform.transforms.custom import require_covered, require_rule
from oneform.transforms.reverse.linearity import require_linear
from oneform.transforms.reverse.shadow import FROZEN, PULL, attach_to, shadow_of
from oneform.types import Scalar, differentiable, element, shape_of


def expand_rules(block: Block, inputs: Iterable[Value], outputs: Sequence[int]) -> Block:
    """The block with the rules of all functions that the derivative passes through; the same block if there are none."""
    inputs = list(inputs)
    expanded = block
    while True:
        expander = _Expander(Activity(expanded, inputs, [expanded.results[k] for k in outputs]), on_tangents=expanded is not block)
        new = expander.block(expanded)
        if not expander.found:
            break
        expanded = new
    if expanded is block:
        return block
    require_linear(expanded)
    return retyped(Function("expanded", expanded)).block


class _Expander:
    def __init__(self, activity: Activity, on_tangents: bool):
        self.activity, self.on_tangents = activity, on_tangents
        self.env: Subst = {}
        self.found = False

    def value(self, v: Value) -> Value:
        return self.env.get(v, v)

    def block(self, block: Block) -> Block:
        body: list[Instr] = []
        for i in block.body:
            if i.op.structure in CUSTOM and any(o in self.activity.active for o in i.outs):
                self.found = True
                self.apply(i, body)
                continue
            args = tuple(map(self.value, i.args))
            opaque = i.op.structure in CUSTOM or i.op is PULL
            regions = tuple(substitute(r, self.env) if opaque else self.block(r) for r in i.regions)
            body.append(Instr(i.op, args, i.attrs, regions, i.outs, i.loc))
        return Block(block.params, tuple(body), tuple(map(self.value, block.results)))

    def apply(self, i: Instr, body: list[Instr]) -> None:
        """Copy the rule in. But what a rule applies to tangents is linear: its transpose is that of the primal, unless a reverse sweep states it."""
        if self.on_tangents and (i.op is not custom_vjp or len(i.regions) == 1):
            self.env.update(zip(i.outs, inline(i.regions[0], map(self.value, i.args), body, self.env), strict=True))
            return
        require_covered(i, self.activity.varied.__contains__)
        require_rule(i)
        b = Builder(i.loc)
        b.body = body
        (self.pulled if i.op is custom_vjp else self.pushed)(i, b)

    def frozen(self, b: Builder, v: Value) -> Value:
        """A value as the rule sees it: a constant to this derivative."""
        w = self.value(v)
        return b.emit1(FROZEN, w) if carries_derivative(v.type) and v in self.activity.varied else w

    def enclosing(self, b: Builder, rule: Block) -> Mapping[Value, Value]:
        """What the rule closes over, likewise."""
        return {v: self.frozen(b, v) for v in free_values(rule)}

    def pushed(self, i: Instr, b: Builder) -> None:
        """The rule of a custom_jvp, to be transposed."""
        rule = unfolded(i.regions[1], i)
        primals = [self.frozen(b, a) for a in i.args]
        tangents = [self.tangent(b, i.args[k]) for k in i.attrs["wrt"]]
        results = inline(rule, [*primals, *tangents], b.body, dict(self.enclosing(b, rule)))
        count = len(i.outs)
        moved = iter(results[count:])
        for o, r in zip(i.outs, results[:count], strict=True):
            self.env[o] = b.emit1(attach_to(o.type), r, next(moved)) if differentiable(o.type) else r

    def tangent(self, b: Builder, v: Value) -> Value:
        w = self.value(v)
        if v in self.activity.varied:
            return b.emit1(shadow_of(v.type), w)
        return constant(b, 0, w.type.dtype) if isinstance(w.type, Scalar) else zeros(b, element(w.type), shape_of(w.type), open_operands(b, w))

    def pulled(self, i: Instr, b: Builder) -> None:
        """The forward sweep of a custom_vjp; its reverse sweep is kept for the adjoint."""
        forward, reverse = unfolded(i.regions[1], i), unfolded(i.regions[2], i)
        results = inline(forward, [self.frozen(b, a) for a in i.args], b.body, dict(self.enclosing(b, forward)))
        count, saved = len(i.outs), results[len(i.outs) :]
        known: Subst = {**self.env, **dict(zip(reverse.params, saved, strict=False))}
        region = substitute(Block(reverse.params[len(saved) :], reverse.body, reverse.results), known)
        wrt = i.attrs["wrt"]
        attrs = {"count": count, "wrt": tuple(range(count, count + len(wrt)))}
        args = (*results[:count], *(self.value(i.args[k]) for k in wrt))
        self.env.update(zip(i.outs, b.instr(PULL, args, attrs, (region,), i.loc).outs, strict=True))
