"""What a loop does not change: carried values that stay what they were, and scalar code that need not stand inside."""

from __future__ import annotations

from oneform.ir import Block, Function, Instr, Subst, Value
from oneform.ops.control.recursion import calls
from oneform.optimise.facts import MAY_TRAP
from oneform.optimise.rewrite import map_blocks, rebuild, resolve
from oneform.types import Scalar

# ---------------------------------------------------------------- carried values


def constant_carries(f: Function) -> Function:
    """A carried value that each iteration hands on as it is becomes a value read from outside."""
    return map_blocks(f, _Carries().block)


class _Carries:
    def __init__(self) -> None:
        self.env: Subst = {}
        self.kept: dict[Instr, list[int]] = {}  # of calls of recursive functions: which arguments stay

    def block(self, block: Block) -> Block:
        env = self.env
        body: list[Instr] = []
        changed = False
        for i in block.body:
            j = self.instr(i)
            changed = changed or j is not i
            body.append(j)
        results = tuple([resolve(env, r) for r in block.results])
        return Block(block.params, tuple(body), results) if changed or results != block.results else block

    def instr(self, i: Instr) -> Instr:
        env = self.env
        args = tuple([resolve(env, a) for a in i.args]) if env else i.args
        if i.op.structure == "recursive":
            return self.function(i, args)
        if i.op.structure == "recur":
            kept = tuple(args[k] for k in self.kept.get(i, range(len(args))))
            return i if kept == i.args else Instr(i.op, kept, i.attrs, (), i.outs, i.loc)
        if i.op.structure not in ("for", "while"):
            return rebuild(i, args, tuple([self.block(r) for r in i.regions]) if i.regions else (), env)
        loop = rebuild(i, args, i.regions, env)
        while True:
            loop = rebuild(loop, loop.args, tuple([self.block(r) for r in loop.regions]), env)
            slim = self.drop(loop)
            if slim is loop:
                return loop
            loop = slim

    def function(self, i: Instr, args: tuple[Value, ...]) -> Instr:
        """A recursive function without the parameters that every call hands on as they are."""
        region, sites = i.regions[0], list(calls(i.regions[0], i.attrs["name"]))
        constant = [all(s.args[k] is p for s in sites) and a.type == p.type for k, (p, a) in enumerate(zip(region.params, args, strict=True))]
        keep = [k for k, c in enumerate(constant) if not c]
        self.env.update((p, a) for p, a, c in zip(region.params, args, constant, strict=True) if c)
        self.kept.update((s, keep) for s in sites)
        slim = self.block(region if len(keep) == len(args) else Block(tuple(region.params[k] for k in keep), region.body, region.results))
        kept = tuple(args[k] for k in keep)
        return i if kept == i.args and slim is region else Instr(i.op, kept, i.attrs, (slim,), i.outs, i.loc)

    def drop(self, i: Instr) -> Instr:
        """The loop without the carried values that its body yields unchanged."""
        skip = 1 if i.op.structure == "for" else 0
        body = i.regions[-1]
        inits = i.args[skip:]
        constant = [p is r or r is a for p, r, a in zip(body.params[skip:], body.results, inits, strict=True)]
        if not any(constant):
            return i
        keep = [k for k, c in enumerate(constant) if not c]
        for k, c in enumerate(constant):
            if c:
                self.env[i.outs[k]] = inits[k]
                self.env.update((r.params[skip + k], inits[k]) for r in i.regions)

        def slim(r: Block, results: bool) -> Block:
            return Block((*r.params[:skip], *(r.params[skip + k] for k in keep)), r.body, tuple(r.results[k] for k in keep) if results else r.results)

        regions = tuple(slim(r, r is body) for r in i.regions)
        return Instr(i.op, (*i.args[:skip], *(inits[k] for k in keep)), i.attrs, regions, tuple(i.outs[k] for k in keep), i.loc)


# ---------------------------------------------------------------- code motion


def hoist(f: Function) -> Function:
    """Scalar code that depends on nothing inside a loop moves before it; but nothing that can fail, for the loop may run no iteration."""
    return map_blocks(f, lambda block: _hoist_within(block))


def _hoist_within(block: Block) -> Block:
    """The block with the loops in it relieved of what they do not change."""
    body: list[Instr] = []
    changed = False
    for i in block.body:
        j, moved = _relieve(i)
        changed = changed or j is not i
        body += moved
        body.append(j)
    return Block(block.params, tuple(body), block.results) if changed else block


def _relieve(i: Instr) -> tuple[Instr, list[Instr]]:
    """An instruction, and what may be computed before it instead of inside."""
    if not i.regions:
        return i, []
    if i.op.structure not in ("for", "while", "build"):
        return rebuild(i, i.args, tuple(_hoist_within(r) for r in i.regions), {}), []
    moved: list[Instr] = []
    regions = tuple(_split(r, moved) for r in i.regions)
    return rebuild(i, i.args, regions, {}), moved


def _split(block: Block, moved: list[Instr]) -> Block:
    """Appends to `moved` what depends on nothing in the block; returns the rest."""
    inner: set[Value] = set(block.params)
    body: list[Instr] = []
    changed = False
    for i in block.body:
        j, outward = _relieve(i)
        changed = changed or j is not i
        for k in (*outward, j):
            if _movable(k) and inner.isdisjoint(k.args):
                moved.append(k)
                changed = True
            else:
                body.append(k)
                inner.update(k.outs)
    return Block(block.params, tuple(body), block.results) if changed else block


def _movable(i: Instr) -> bool:
    """Scalar, without effect, and safe to compute although the program might not have."""
    if i.regions or i.op.raises or not i.outs or not all(isinstance(v.type, Scalar) for v in i.outs):
        return False
    if i.op.lower == "dim" or (i.op.lower == "size" and not i.attrs["fields"]):
        return True
    return all(isinstance(a.type, Scalar) for a in i.args) and i.op.name not in MAY_TRAP
