"""The rewrite engine: one walk from top to bottom that applies rules to each instruction and carries their results along."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from oneform.ir import Block, Builder, Function, Instr, Subst, Value

# A rule looks at an instruction whose operands and regions are rewritten already. It returns None, or the values that
# replace the results; the instructions that compute them it emits into `rewriter.new`.
Rule = Callable[["Rewriter", Instr], "Sequence[Value] | None"]


def rebuild(i: Instr, args: tuple[Value, ...], regions: tuple[Block, ...], env: Subst) -> Instr:
    """`i` with other operands and regions; its results keep their identity, unless more precise types give them new ones (noted in `env`)."""
    if args == i.args and regions == i.regions:
        return i
    same = all(a is o or a.type == o.type for a, o in zip(args, i.args, strict=True))
    for r, o in zip(regions, i.regions, strict=True):
        same = same and (r is o or all(x is y or x.type == y.type for x, y in zip(r.results, o.results, strict=True)))
    outs = i.outs
    if not same:
        types = i.op.types(tuple(a.type for a in args), i.attrs, regions)
        outs = tuple(o if o.type == t else Value(t) for o, t in zip(i.outs, types, strict=True))
        env.update((o, n) for o, n in zip(i.outs, outs, strict=True) if o is not n)
    return Instr(i.op, args, i.attrs, regions, outs, i.loc)


def resolve(env: Subst, v: Value) -> Value:
    """What stands for `v` now. Chains of replacements are followed and shortened."""
    w = env.get(v)
    if w is None:
        return v
    end = w
    while (further := env.get(end)) is not None:
        end = further
    if end is not w:
        env[v] = end
    return end


def map_blocks(f: Function, transform: Callable[[Block], Block]) -> Function:
    """The function with its block transformed; `f` itself if that changes nothing."""
    block = transform(f.block)
    return f if block is f.block else Function(f.name, block)


class Rewriter:
    """Applies the rules of each operation, by name, and those that hold for every operation."""

    def __init__(self, rules: Mapping[str, Sequence[Rule]], general: Sequence[Rule] = ()):
        self.rules = {name: (*special, *general) for name, special in rules.items()}
        self.general = tuple(general)
        self.env: Subst = {}
        self.defs: dict[Value, Instr] = {}  # what computes a value, for rules that look through operands
        self.extents: dict[Value, tuple[int, Value | int]] = {}  # index of a loop or constructor -> its rank, inner ones higher, and its trip count
        self.active: list[Value | int] = []  # trip counts of the loops and constructors around the current instruction
        self.new = Builder()

    def function(self, f: Function) -> Function:
        return map_blocks(f, self.block)

    def block(self, block: Block) -> Block:
        out: list[Instr] = []
        for i in block.body:
            self.visit(i, out)
        env = self.env
        results = tuple([resolve(env, r) for r in block.results])
        if results == block.results and len(out) == len(block.body) and all(x is y for x, y in zip(out, block.body, strict=True)):
            return block
        return Block(block.params, tuple(out), results)

    def visit(self, i: Instr, out: list[Instr]) -> None:
        env = self.env
        args = tuple([resolve(env, a) for a in i.args]) if env else i.args
        i = rebuild(i, args, self.regions(i, args) if i.regions else (), env)
        outer = self.new
        self.new = scratch = Builder(i.loc)  # a rule that declines emits nothing
        values = None
        for rule in self.rules.get(i.op.name, self.general):
            values = rule(self, i)
            if values is not None:
                break
        self.new = outer
        if values is None:
            out.append(i)
            for o in i.outs:
                self.defs[o] = i
            return
        for j in scratch.body:
            self.visit(j, out)
        env.update((o, w) for o, v in zip(i.outs, values, strict=True) if (w := resolve(env, v)) is not o)

    def regions(self, i: Instr, args: tuple[Value, ...]) -> tuple[Block, ...]:
        counts = self.trip_counts(i, args)
        self.active += counts
        regions = tuple([self.block(r) for r in i.regions])
        del self.active[len(self.active) - len(counts) :]
        return regions

    def trip_counts(self, i: Instr, args: tuple[Value, ...]) -> list[Value | int]:
        """Of the loop or constructor; noted for its indices."""
        counts: list[Value | int] = []
        if i.op.structure == "for":
            counts = [args[0]]
        elif i.op.structure == "build":
            lengths = iter(args)
            counts = [d if isinstance(d, int) else next(lengths) for d in (*i.attrs["shape"], *i.attrs["extent"])]
        for k, n in zip(i.regions[0].params, counts, strict=False):
            self.extents[k] = len(self.extents), n
        return counts
