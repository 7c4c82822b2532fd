"""Who owns which memory: what is overwritten in place, what must be copied first, when a buffer is freed, which are allocated once before a loop.

The IR is functional; this plan makes it imperative. Every array or stack has one owner. Operands in consuming positions, values a region
yields, what a loop starts from, and results are *moved*; where the operand is borrowed or read again later, a copy is planned instead. An
owned value that is not moved is freed after its last use. A `Root` is one buffer: all versions of an array that overwrite each other share it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from oneform.codegen.lenders import find_lenders
from oneform.codegen.moved import HOLDERS, find_moved
from oneform.codegen.plan import ALLOCATORS, BORROWED, HEAP, INPLACE, PHI, SLOT, SMALL, WRITTEN, Copied, Plan, Root, in_memory, is_length
from oneform.errors import InternalError
from oneform.ir import Block, Function, Instr, Value
from oneform.layout import is_small
from oneform.types import ANY, Array, List, Type, shape_of


class Planner:
    def __init__(self, f: Function, writes: Iterable[int]):
        self.f, self.writes = f, tuple(writes)
        self.plan = Plan()
        self.free: dict[Block, dict[Value, None]] = {}
        self.roots: dict[Value, Root] = {}
        self.loops: list[Instr] = []
        self.depth: dict[Value, int] = {}
        self.symbol_depth: dict[str, int] = {}
        self.allocations: list[tuple[Instr, tuple[Instr, ...]]] = []
        self.lenders: dict[Value, tuple[Value, ...]] = {}

    def run(self) -> Plan:
        block = self.f.block
        find_moved(block, self.plan)
        self.lenders = find_lenders(block, self.plan)
        self.find_free(block)
        owned: set[Value] = set()
        for k, p in enumerate(block.params):
            self.bind(p, Root(WRITTEN if k in self.writes else BORROWED))
            if k in self.writes and in_memory(p.type):
                owned.add(p)
        self.block(block, owned)
        first_written = len(block.results) - len(self.writes)
        for k, r in enumerate(block.results):
            if not in_memory(r.type) or (block, k) in self.plan.copy_results:
                continue
            root = self.root(r)
            own = k >= first_written and root is self.root(block.params[self.writes[k - first_written]])
            if root.kind == WRITTEN and not own:
                self.copy_result(block, k, "an argument's memory is returned")
            root.escapes = True
        self.hoist()
        self.plan.lenders = set(self.lenders)
        self.plan.unfreed = {v for v, r in self.roots.items() if r.find().kind in (WRITTEN, BORROWED, SMALL)}
        return self.plan

    def with_lenders(self, values: list[Value]) -> list[Value]:
        """The values, and those whose memory they may be."""
        found: list[Value] = []
        for v in values:
            found.append(v)
            if v in self.lenders:
                found.extend(self.with_lenders(list(self.lenders[v])))
        return found

    # ------------------------------------------------------------ what is read where

    def find_free(self, block: Block) -> dict[Value, None]:
        """Memory that a block reads from around it, without `dim`: lengths are kept apart from the elements."""
        found: dict[Value, None] = {}
        bound: set[Value] = set(block.params)
        for i in block.body:
            for r in self.touched(i):
                if r not in bound:
                    found[r] = None
            bound.update(i.outs)
        for r in self.with_lenders([r for r in block.results if in_memory(r.type)]):
            if r not in bound:
                found[r] = None
        self.free[block] = found
        return found

    def touched(self, i: Instr) -> list[Value]:
        """Memory whose elements an instruction reads, itself or in its regions."""
        found = [] if is_length(i) else [a for a in i.args if in_memory(a.type)]
        found = self.with_lenders(found)
        for r in i.regions:
            found.extend(self.free[r] if r in self.free else self.find_free(r))
        return found

    # ------------------------------------------------------------ the walk

    def root(self, v: Value) -> Root:
        return self.roots[v].find()

    def bind(self, v: Value, root: Root) -> None:
        self.depth[v] = len(self.loops)
        if in_memory(v.type):
            self.roots[v] = root
            for d in shape_of(v.type):
                if isinstance(d, str) and d != ANY:
                    self.symbol_depth.setdefault(d, len(self.loops))

    def block(self, block: Block, owned: set[Value], lent: Collection[int] = ()) -> None:
        """Walk a block that owns `owned` on entry. Afterwards its results are moved or copied, or only `lent`, and nothing else is left."""
        end = len(block.body)
        touched = [self.touched(i) for i in block.body]
        last: dict[Value, int] = {}
        for k, values in enumerate(touched):
            last.update(dict.fromkeys(values, k))
        last.update(dict.fromkeys(self.with_lenders([r for r in block.results if in_memory(r.type)]), end))
        for v in [v for v in owned if v not in last]:
            owned.discard(v)
            self.plan.start_frees.setdefault(block, []).append(v)
        for k, i in enumerate(block.body):
            dying = {v for v in touched[k] if last[v] == k and v in owned}
            self.instr(i, owned, dying, touched[k])
            frees = [v for v in dying if v in owned]
            owned.difference_update(frees)
            for o in i.outs:
                if not in_memory(o.type) or o in self.lenders:
                    continue
                if o in last:
                    owned.add(o)
                else:
                    frees.append(o)
            if frees:
                self.plan.frees[i] = frees
        for k, r in enumerate(block.results):
            if not in_memory(r.type) or k in lent:
                continue
            if r in owned and r not in block.results[k + 1 :]:
                owned.discard(r)
            elif is_small(r.type):
                self.plan.slot_copies.add((block, k))
            else:
                self.copy_result(block, k, "the value is borrowed" if r not in owned else "the value is yielded twice")

    def copy_result(self, block: Block, k: int, why: str) -> None:
        if (block, k) not in self.plan.copy_results:
            self.plan.copy_results.add((block, k))
            loc = block.body[-1].loc if block.body else None
            self.plan.copies.append(Copied(loc, bool(self.loops), block.results[k].type, why))

    def result_root(self, block: Block, k: int) -> Root:
        fresh = (block, k) in self.plan.copy_results or (block, k) in self.plan.slot_copies
        return Root(SMALL if is_small(block.results[k].type) else HEAP) if fresh else self.root(block.results[k])

    def consume(self, i: Instr, k: int, owned: set[Value], dying: set[Value], touched: list[Value], want: Type) -> Root:
        """Take over operand k, or plan a copy of it."""
        v = i.args[k]
        if is_small(v.type) == is_small(want) and v in dying and v in owned and touched.count(v) == 1:
            owned.discard(v)
            return self.root(v)
        return self.copy_arg(i, k, want, "it is read again" if v in owned else "it is borrowed")

    def copy_arg(self, i: Instr, k: int, want: Type, why: str) -> Root:
        self.plan.copy_args.add((i, k))
        if not is_small(i.args[k].type):
            self.plan.copies.append(Copied(i.loc, bool(self.loops), i.args[k].type, f"operand {k} of {i.op.name}: {why}"))
        return Root(SMALL if is_small(want) else HEAP)

    def instr(self, i: Instr, owned: set[Value], dying: set[Value], touched: list[Value]) -> None:
        for o in i.outs:
            self.plan.makers[o] = i
        match i.op.structure:
            case "for" | "while":
                roots = self.loop(i, owned, dying, touched)
            case "if":
                roots = self.branch(i, owned, dying)
            case "build":
                roots = self.build(i)
            case "recursive" | "recur":
                roots = self.call(i, owned, dying, touched)
            case "":
                roots = self.plain(i, owned, dying, touched)
            case other:
                raise InternalError(f"codegen knows no structure {other}")
        for o, root in zip(i.outs, roots, strict=True):
            self.bind(o, root)

    def plain(self, i: Instr, owned: set[Value], dying: set[Value], touched: list[Value]) -> list[Root]:
        roots = [Root(SMALL if is_small(o.type) else HEAP) for o in i.outs]
        for k in i.op.consumes:
            taken = self.consume(i, k, owned, dying, touched, i.args[k].type)
            if i.outs and not (i.op.lower in ("push", "pop") and not i.attrs.get("fields")):  # those give a list another place
                roots[0] = taken
        if i.op.lower == "copy" and i.args[0] in owned and i.args[0] in dying and self.root(i.args[0]).kind == HEAP:
            owned.discard(i.args[0])
            self.plan.moved_copies.add(i)
            return [self.root(i.args[0])]
        if i.op.lower in HOLDERS:
            for k, a in enumerate(i.args[1:], 1):
                if in_memory(a.type) and not is_small(a.type):
                    taken = self.consume(i, k, owned, dying, touched, a.type)
                    if taken.kind == WRITTEN:
                        taken = self.copy_arg(i, k, a.type, "it is an argument's memory")
                    taken.escapes = True
        if i.outs and i.outs[0] in self.lenders:
            return [Root(BORROWED)]
        if i.op.lower in ALLOCATORS and isinstance(i.outs[0].type, Array) and not is_small(i.outs[0].type):
            self.allocations.append((i, tuple(self.loops)))
        return roots

    def build(self, i: Instr) -> list[Root]:
        self.enter(i)
        for p in i.regions[0].params:
            self.bind(p, Root(BORROWED))
        self.block(i.regions[0], set())
        self.loops.pop()
        if any(in_memory(o.type) and not is_small(o.type) for o in i.outs):
            self.allocations.append((i, tuple(self.loops)))
        return [Root(SMALL if is_small(o.type) else HEAP) for o in i.outs]

    def call(self, i: Instr, owned: set[Value], dying: set[Value], touched: list[Value]) -> list[Root]:
        """A function takes over the memory of some parameters and borrows the others; its results are the caller's."""
        function = self.plan.functions[i]
        moved, params = self.plan.moved[function], function.regions[0].params
        given: dict[int, Root] = {}
        for k in moved:
            taken = self.consume(i, k, owned, dying, touched, params[k].type)
            if taken.kind == WRITTEN:
                taken = self.copy_arg(i, k, params[k].type, "it is an argument's memory")
            taken.escapes = True
            given[k] = taken
        for region in i.regions:
            self.enter(i)
            for k, p in enumerate(region.params):
                self.bind(p, Root(SMALL if is_small(p.type) else HEAP if k in moved else BORROWED))
            self.block(region, {region.params[k] for k in moved})
            for k, r in enumerate(region.results):
                if in_memory(r.type):
                    root = self.result_root(region, k)
                    if is_small(r.type) and not is_small(i.outs[k].type):
                        self.copy_result(region, k, "a small array becomes one of open length")
                    root.escapes = True
            self.loops.pop()
        delivered = self.plan.delivered[function]
        return [given[delivered[k]] if k in delivered else Root(SMALL if is_small(o.type) else HEAP) for k, o in enumerate(i.outs)]

    def enter(self, i: Instr) -> None:
        self.loops.append(i)

    def loop(self, i: Instr, owned: set[Value], dying: set[Value], touched: list[Value]) -> list[Root]:
        skip = len(i.args) - len(i.outs)
        body = i.regions[-1]
        params = body.params[len(body.params) - len(i.outs) :]
        starts = [self.consume(i, k + skip, owned, dying, touched, p.type) if in_memory(p.type) else Root(BORROWED) for k, p in enumerate(params)]
        self.enter(i)
        holds = [Root(SMALL if is_small(p.type) else HEAP) for p in params]
        for region in i.regions:
            for p, root in zip(region.params[len(region.params) - len(i.outs) :], holds, strict=True):
                self.bind(p, root)
            for p in region.params[: len(region.params) - len(i.outs)]:
                self.bind(p, Root(BORROWED))
            self.block(region, {p for p in params if in_memory(p.type)} if region is body else set())
        self.loops.pop()
        return [self.carried(i, k, skip, starts[k], holds[k]) if in_memory(p.type) else Root(BORROWED) for k, p in enumerate(params)]

    def carried(self, i: Instr, k: int, skip: int, start: Root, hold: Root) -> Root:
        """Decide how carried value k travels, now that the body is known."""
        body = i.regions[-1]
        t = body.params[len(body.params) - len(i.outs) + k].type
        if is_small(body.results[k].type) and not is_small(t):
            self.copy_result(body, k, "a small array becomes one of open length")
        end = self.result_root(body, k)
        same = end is hold
        if isinstance(t, List) and not same:
            self.plan.carry[i, k] = PHI
            return Root(HEAP)
        if start.kind == WRITTEN and not same:
            start = self.copy_arg(i, k + skip, t, "it is an argument's memory")
        if is_small(t):
            self.plan.carry[i, k] = SLOT
            if not same:
                self.plan.slot_copies.add((body, k))
            hold.forward = start
            return start
        if same:
            self.plan.carry[i, k] = INPLACE
            start.escapes |= hold.escapes
            hold.forward = start
            return start
        self.plan.carry[i, k] = PHI
        start.escapes = end.escapes = hold.escapes = True
        return Root(HEAP)

    def branch(self, i: Instr, owned: set[Value], dying: set[Value]) -> list[Root]:
        """What dies in a branch belongs to both sides: each moves it or frees it."""
        lent = {k for k, o in enumerate(i.outs) if o in self.lenders}
        passed = dying - {r.results[k] for r in i.regions for k in lent}
        owned.difference_update(passed)
        for region in i.regions:
            self.block(region, set(passed), lent)
        return [self.merged(i, k) if in_memory(o.type) else Root(BORROWED) for k, o in enumerate(i.outs)]

    def merged(self, i: Instr, k: int) -> Root:
        t = i.outs[k].type
        if i.outs[k] in self.lenders:
            self.plan.merge[i, k] = PHI
            return Root(BORROWED)
        small = is_small(t)
        for r in i.regions:
            if is_small(r.results[k].type) and not small:
                self.copy_result(r, k, "a small array becomes one of open length")
        sides = [self.result_root(r, k) for r in i.regions]
        if sides[0] is sides[1]:
            self.plan.merge[i, k] = INPLACE
            return sides[0]
        self.plan.merge[i, k] = SLOT if small else PHI
        for r, root in zip(i.regions, sides, strict=True):
            if small:
                self.plan.slot_copies.add((r, k))
            elif root.kind == WRITTEN:
                self.copy_result(r, k, "it is an argument's memory")
            root.escapes = True
        return Root(SMALL if small else HEAP)

    # ------------------------------------------------------------ allocations that serve every iteration

    def hoist(self) -> None:
        for i, loops in self.allocations:
            arrays = [o for o in i.outs if in_memory(o.type) and not is_small(o.type)]
            if not loops or any(self.root(o).escapes for o in arrays):
                continue
            lengths = i.args[1:] if i.op.lower == "full" else i.args
            if i.op.lower == "copy":
                level = max((self.dim_level(i.args[0], k) for k in range(len(shape_of(i.args[0].type)))), default=0)
            else:
                level = max((self.level(v) for v in lengths), default=0)
            level = max([level, *(k + 1 for k, loop in enumerate(loops) if loop.op.structure == "recursive")])  # each call needs memory of its own
            level = max([level, *(k for k, loop in enumerate(loops) if "chunks" in loop.attrs)])  # and each part that runs on a thread
            if level < len(loops):
                self.plan.scratch[i] = loops[level]
                self.plan.hoisted.setdefault(loops[level], []).append(i)
        for i in self.plan.scratch:
            for o in i.outs:
                if in_memory(o.type):
                    self.root(o).kind = BORROWED  # freed after the loop, not by its users

    def level(self, v: Value) -> int:
        """In how many loops a length must be computed."""
        if self.depth[v] == 0:
            return 0
        i = self.plan.makers.get(v)
        if i is None or i.regions or i.op.raises:
            return self.depth[v]
        if i.op.lower == "dim":
            return self.dim_level(i.args[0], i.attrs["axis"])
        if any(in_memory(a.type) for a in i.args) or not (i.op.lower == "const" or not isinstance(i.op.lower, str)):
            return self.depth[v]
        return max((self.level(a) for a in i.args), default=0)

    def dim_level(self, array: Value, axis: int) -> int:
        d: Any = shape_of(array.type)[axis]
        if isinstance(d, int):
            return 0
        return self.depth[array] if d == ANY else self.symbol_depth[d]


def plan_memory(f: Function, writes: Iterable[int]) -> Plan:
    return Planner(f, writes).run()
