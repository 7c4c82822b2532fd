"""Linear recurrences with a short critical path.

A cotangent travels through the adjoint of a loop's body one operation after the other, and the next iteration waits for it. It is
linear in what came in, c' = A c, so the factor A is computed beside it, and one multiplication is left on the path:

    m = c u;  n = m v;  c' = n + c w        becomes        A = u v + w;  c' = c A

Only operations that carry leave to reassociate (`reassoc`, set by differentiation) are taken apart.

An integer that grows by the same amount in each iteration, k' = k + c, is no recurrence at all: it is k₀ + i c."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Block, Builder, Function, Instr, Value, instructions, reads, substitute
from oneform.ops import Term, apply, constant, integer
from oneform.optimise.rewrite import Rewriter, map_blocks
from oneform.types import I64, Scalar

SHORT = 2  # a path of one or two operations is left alone


def shorten(f: Function) -> Function:
    """Rewrite the linear recurrences of all loops."""
    return map_blocks(f, _block)


def _block(block: Block) -> Block:
    body: list[Instr] = []
    changed = False
    for i in block.body:
        j = _instr(i) if i.regions else i
        changed = changed or j is not i
        body.append(j)
    return Block(block.params, tuple(body), block.results) if changed else block


def _instr(i: Instr) -> Instr:
    regions = tuple(_block(r) for r in i.regions)
    if i.op.structure in ("for", "while"):
        regions = (*regions[:-1], _shortened(regions[-1], 1 if i.op.structure == "for" else 0))
    if all(a is b for a, b in zip(regions, i.regions, strict=True)):
        return i
    return Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)


def _shortened(body: Block, skip: int) -> Block:
    makers = {o: i for i in body.body for o in i.outs}
    results = list(body.results)
    b = Builder()
    for k, (p, y) in enumerate(zip(body.params[skip:], body.results, strict=True)):
        if isinstance(p.type, Scalar) and p.type.dtype.kind in "fc" and y is not p:
            depth = _Depth(p, makers)
            if depth.linear(y) and depth.of(y) > SHORT:
                coefficient = _Coefficient(p, makers, b).of(y)
                assert coefficient is not None
                b.loc = makers[y].loc
                results[k] = apply("mul", Term(b, p), coefficient, reassoc=True).v
    if not b.body:
        return body
    return Block(body.params, (*body.body, *b.body), tuple(results))


def _flagged(i: Instr | None) -> bool:
    return i is not None and not i.regions and bool(i.attrs.get("reassoc"))


class _Depth:
    """How many operations lie between the carried value and another, and whether they are linear and may be reassociated."""

    def __init__(self, root: Value, makers: dict[Value, Instr]):
        self.root, self.makers = root, makers
        self.known: dict[Value, int] = {root: 0}  # -1: does not depend on the root
        self.lines: dict[Value, bool] = {}

    def of(self, v: Value) -> int:
        if v not in self.known:
            i = self.makers.get(v)
            inner = [self.of(a) for a in reads(i)] if i is not None else []
            deepest = max(inner, default=-1)
            self.known[v] = deepest + 1 if deepest >= 0 else -1
        return self.known[v]

    def linear(self, v: Value) -> bool:
        """Whether v is root · A, with an A free of the root."""
        if v is self.root:
            return True
        if v not in self.lines:
            self.lines[v] = self.linear_of(v)
        return self.lines[v]

    def linear_of(self, v: Value) -> bool:
        i = self.makers.get(v)
        if i is None or not _flagged(i) or self.of(v) < 0:
            return False
        if i.op.name == "mul":
            x, y = i.args
            return self.linear(x) and self.of(y) < 0 or self.linear(y) and self.of(x) < 0
        return i.op.name in ("add", "sub", "neg") and all(self.linear(a) for a in i.args)


class _Coefficient:
    """Emits the factor A of v = root · A."""

    def __init__(self, root: Value, makers: dict[Value, Instr], b: Builder):
        self.root, self.makers, self.b = root, makers, b
        self.depth = _Depth(root, makers)
        self.known: dict[Value, Term | None] = {root: None}

    def of(self, v: Value) -> Term | None:
        if v not in self.known:
            self.known[v] = self._of(self.makers[v])
        return self.known[v]

    def _of(self, i: Instr) -> Term | None:
        if i.op.name == "mul":
            x, y = i.args
            inner, factor = (x, y) if self.depth.of(x) >= 0 else (y, x)
            a = self.of(inner)
            return Term(self.b, factor) if a is None else self._emit("mul", a, Term(self.b, factor))
        parts = [self.of(a) for a in i.args]
        return self._emit(i.op.name, *(1.0 if p is None else p for p in parts))

    def _emit(self, name: str, *args: Term | float) -> Term:
        if all(not isinstance(a, Term) for a in args):
            assert isinstance(self.root.type, Scalar)
            args = tuple(Term(self.b, constant(self.b, a, self.root.type.dtype)) for a in args if not isinstance(a, Term))
        return apply(name, *args, reassoc=True)


# ---------------------------------------------------------------- counters


def counters(f: Function) -> Function:
    """Counters as functions of the index of their loop."""
    return Rewriter({"for": (_counted,)}).function(f)


def _counted(rw: Rewriter, i: Instr) -> Sequence[Value] | None:
    (region,), n = i.regions, i.args[0]
    makers = {o: j for j in region.body for o in j.outs}
    inside = {*region.params, *(o for j in instructions(region.body) for o in j.outs)}
    steps = [_step(p, makers.get(r), inside) for p, r in zip(region.params[1:], region.results, strict=True)]
    if not any(steps):
        return None
    b, inner = rw.new, Builder(i.loc)
    trips = apply("maximum", Term(b, n), Term(b, integer(b, 0)))
    outs: list[Value | None] = []
    env: dict[Value, Value] = {}
    for p, start, step in zip(region.params[1:], i.args[1:], steps, strict=True):
        outs.append(step and _after(b, start, trips.v, step))
        if step:
            env[p] = _after(inner, start, region.params[0], step)
    kept = [k for k, step in enumerate(steps) if not step]
    rest = substitute(Block((), region.body, tuple(region.results[k] for k in kept)), env)
    params = (region.params[0], *(region.params[1 + k] for k in kept))
    if kept or any(j.op.raises for j in instructions(region.body)):
        body = Block(params, (*inner.body, *rest.body), rest.results)
        b.body.append(Instr(i.op, (n, *(i.args[1 + k] for k in kept)), i.attrs, (body,), tuple(i.outs[k] for k in kept), i.loc))
    return [o if v is None else v for o, v in zip(i.outs, outs, strict=True)]


def _step(p: Value, i: Instr | None, inside: set[Value]) -> tuple[str, Value] | None:
    """What each iteration adds to p or subtracts from it, if that is always the same."""
    if p.type != Scalar(I64) or i is None or i.op.name not in ("add", "sub") or i.args[0] is not p and (i.op.name == "sub" or i.args[1] is not p):
        return None
    other = i.args[1] if i.args[0] is p else i.args[0]
    return None if other in inside else (i.op.name, other)


def _after(b: Builder, start: Value, trips: Value, step: tuple[str, Value]) -> Value:
    kind, amount = step
    return apply(kind, Term(b, start), Term(b, trips) * Term(b, amount)).v
