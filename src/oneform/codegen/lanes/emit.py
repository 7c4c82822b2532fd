"""The body of a loop for as many rounds as there are lanes: what differs between the rounds is in vectors, what does not is as always.

Rows that each round reads for itself are read a square block at a time, and transposed in registers. Memory of a round's own holds a vector where the
round has a number. A lane past the last round does what the last round does, and adds zeros: nothing that it does is kept."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager

from oneform.codegen.arrays import flat_index
from oneform.codegen.build import neutral
from oneform.codegen.lanes.forms import emit_form, has_form
from oneform.codegen.lanes.memory import Memory
from oneform.codegen.lanes.plan import build_lengths, is_index
from oneform.codegen.lanes.vectors import Vectors
from oneform.codegen.loops import VECTOR, Parts, counted, spend, trip_count
from oneform.codegen.plan import in_memory
from oneform.codegen.scalars import SUFFIXES, literal, llvm_type
from oneform.ir import Block, Instr, Value
from oneform.types import Scalar

Step = Callable[[str, Sequence[str], Mapping[Instr, Vectors]], list[str]]


class Lanes(Memory):
    """A group of rounds that does what its loop does."""

    def block(self, body: Sequence[Instr], ready: Mapping[Instr, Vectors] | None = None) -> None:
        for i in body:
            if ready and i in ready:
                self.made[i.outs[0]] = ready[i]
            elif not i.regions and self.plan.varying.isdisjoint(i.outs):
                self.em.instr(i)
            else:
                self.instr(i)

    def instr(self, i: Instr) -> None:
        match i.op.structure, i.op.lower:
            case "for", _:
                self.loop(i)
            case "build", _:
                self.build(i)
            case "if", _:
                self.branch(i)
            case _, "get":
                if not is_index(i.outs[0]):
                    self.made[i.outs[0]] = self.read(i)
            case _, "set":
                self.write(self.em.array(i.args[0]), self.vectors(i.args[1]), self.index(i.args[0], i.args[2:]))
                self.em.bind(i.outs[0], self.em.array(i.args[0]))
            case _, "add_at":
                self.add_at(i)
            case _, "empty":
                self.em.bind(i.outs[0], self.scratch[i.outs[0]])
            case _, "full":
                self.full(i)
            case _, "index" | "dim" | "const":
                pass  # made where an element is read
            case _ if is_index(i.outs[0]):
                pass
            case _:
                if not has_form(self.em, i, self.plan.dtype):
                    self.made[i.outs[0]] = self.each(i)
                else:
                    columns = [self.vectors(a) for a in i.args]
                    self.made[i.outs[0]] = [emit_form(self.em, i, self.plan.width, args) for args in zip(*columns, strict=True)]

    def loop(self, i: Instr) -> None:
        """Carried numbers are vectors, or the same in all lanes; carried arrays are written where they are."""
        em, region = self.em, i.regions[0]
        params, wide = region.params[1:], [p in self.plan.varying for p in region.params[1:]]
        start: Parts = []
        for p, a, w in zip(params, i.args[1:], wide, strict=True):
            if in_memory(p.type):
                em.bind(p, em.array(a))
            elif w:
                start += [(self.vector, x) for x in self.vectors(a)]
            else:
                assert isinstance(p.type, Scalar)
                start.append((llvm_type(p.type.dtype), em.scalar(a)))

        def bind(values: Sequence[Value], names: Sequence[str]) -> None:
            rest = list(names)
            for v, w in zip(values, wide, strict=True):
                if in_memory(v.type):
                    continue
                if w:
                    self.made[v], rest = rest[: self.plan.vectors], rest[self.plan.vectors :]
                else:
                    em.env[v] = rest.pop(0)

        def step(index: str, names: Sequence[str], ready: Mapping[Instr, Vectors]) -> list[str]:
            em.env[region.params[0]] = index
            bind(params, names)
            self.block(region.body, ready)
            ends = list[str]()
            for r, w in zip(region.results, wide, strict=True):
                if not in_memory(r.type):
                    ends += self.vectors(r) if w else [em.scalar(r)]
            return ends

        n = em.invariant(i.args[0])
        em.loops.append(i)
        ends = self.columns(i, n, start, step)
        em.loops.pop()
        bind(i.outs, ends)
        for o, a in zip(i.outs, i.args[1:], strict=True):
            if in_memory(o.type):
                em.bind(o, em.array(a))
        if not n.isdigit() or int(n) > VECTOR:
            spend(em, em.ins(f"mul i64 {em.ins(f'call i64 @llvm.smax.i64(i64 {n}, i64 1)')}, {self.plan.rounds}"), check=True)

    def columns(self, i: Instr, n: str, carried: Parts, step: Step) -> list[str]:
        """A loop, by as many rounds at a time as rows are read in blocks."""
        em, width, region = self.em, self.plan.width, i.regions[0]
        trips = trip_count(em, i)
        innermost = [] if any(j.regions for j in region.body) else region.body  # what stands around other loops is not written out so often
        blocks = [j for j in innermost if j.op.lower == "get" and not is_index(j.outs[0]) and self.in_blocks(j, region.params[0])]
        adds = [j for j in innermost if self.along_rows(j, region.params[0])]

        def block(first: str, names: list[str]) -> Sequence[str]:
            read = {j: self.read_block(j, region.params[0], first) for j in blocks}
            self.collected = {j: [] for j in adds}
            for k in range(width):
                names = step(em.ins(f"add nuw nsw i64 {first}, {k}"), list(names), {j: found[k] for j, found in read.items()})
            self.add_collected(region.params[0], first)
            return names

        whole = (blocks or adds) and (trips is None or trips >= width)
        return self.several(n, carried, block if whole else None, lambda c, names: step(c, names, {}))

    def build(self, i: Instr) -> None:
        """Arrays element by element; each total in vectors."""
        em, region, d = self.em, i.regions[0], self.plan.dtype
        lengths = build_lengths(em, i)
        rank, kind = len(i.attrs["shape"]), i.attrs["reduce"]
        outs = [self.scratch.get(o) for o in i.outs]
        zero = f"splat ({llvm_type(d)} {neutral(kind, d)})" if kind else ""

        def inner(depth: int, carried: Parts) -> list[str]:
            if depth == len(lengths):
                self.block(region.body)
                values = [x for r in region.results for x in self.vectors(r)]
                if not kind:
                    return values
                return [self.combined(kind, s, x) for (_, s), x in zip(carried, values, strict=True)]

            def body(index: str, names: list[str]) -> Sequence[str]:
                em.env[region.params[depth]] = index
                return element(depth + 1, [(self.vector, x) for x in names])

            return counted(em, "0", lengths[depth], carried, body)

        def element(depth: int, carried: Parts) -> list[str]:
            if depth != rank:
                return inner(depth, carried)
            ends = inner(depth, [(self.vector, zero)] * (len(i.outs) * self.plan.vectors if kind else 0))
            if not rank:
                return ends
            for k, out in enumerate(outs):
                assert out is not None
                at = flat_index(em, out, [em.scalar(p) for p in region.params[:rank]])
                self.write(out, ends[k * self.plan.vectors : (k + 1) * self.plan.vectors], at)
            return []

        em.loops.append(i)
        ends = element(0, [])
        em.loops.pop()
        for k, (o, out) in enumerate(zip(i.outs, outs, strict=True)):
            if out is not None:
                em.bind(o, out)
            else:
                self.made[o] = ends[k * self.plan.vectors : (k + 1) * self.plan.vectors]
        open_ = [n for n in lengths if not n.isdigit()]
        if open_:
            spend(em, em.count([*lengths, str(self.plan.rounds)], False), check=True)

    def combined(self, kind: str, total: str, x: str) -> str:
        flags = self.em.flags({"reassoc": True})
        if kind in ("max", "min"):
            name = f"@llvm.{kind}imum.v{self.plan.width}{SUFFIXES[self.plan.dtype.name]}"
            return self.em.ins(f"call {self.vector} {name}({self.vector} {total}, {self.vector} {x})")
        return self.em.ins(f"f{kind} {flags} {self.vector} {total}, {x}")

    # ------------------------------------------------------------ branches

    def branch(self, i: Instr) -> None:
        """The same way for all lanes if they agree on it; else both, each for those of its lanes. A side that no lane takes is not run."""
        em = self.em
        if i.args[0] not in self.plan.varying:
            conditions = None
            taken = em.scalar(i.args[0])
            sides = [taken, em.ins(f"xor i1 {taken}, true")]
        else:
            yes = self.made[i.args[0]]
            conditions = [yes, [em.ins(f"xor {self.mask} {c}, splat (i1 true)") for c in yes]]
            sides = []
        found: list[list[Vectors]] = []
        for k, region in enumerate(i.regions):
            if conditions is None:
                found.append(self.side(i, region, sides[k]))
            else:
                with self.only(conditions[k]):
                    found.append(self.side(i, region, self.any(self.active) if region.body else ""))
        for k, o in enumerate(i.outs):
            if in_memory(o.type):
                em.bind(o, em.array(i.regions[0].results[k]))
                continue
            assert isinstance(o.type, Scalar)
            t, wide = llvm_type(o.type.dtype), o in self.plan.varying
            if conditions is not None:
                self.made[o] = self.chosen(conditions[0], t, found[0][k], found[1][k])
            else:
                kind = self.kind(t, wide)
                picked = [em.ins(f"select i1 {sides[0]}, {kind} {a}, {kind} {b}") for a, b in zip(found[0][k], found[1][k], strict=True)]
                if wide:
                    self.made[o] = picked
                else:
                    em.env[o] = picked[0]

    @contextmanager
    def only(self, condition: Vectors) -> Generator[None]:
        before = self.active
        self.active = [self.em.ins(f"and {self.mask} {a}, {c}") for a, c in zip(before, condition, strict=True)]
        yield
        self.active = before

    def side(self, i: Instr, region: Block, taken: str) -> list[Vectors]:
        """One side, run if it is taken: its numbers, or anything where it is not."""
        em = self.em
        if not taken:
            return self.results(i, region)
        before, inside, on = em.label, em.fresh("some"), em.fresh("on")
        em.do(f"br i1 {taken}, label %{inside}, label %{on}")
        em.begin(inside)
        self.block(region.body)
        found, end = self.results(i, region), em.label
        em.jump(on)
        em.begin(on)
        merged: list[Vectors] = []
        for o, vectors in zip(i.outs, found, strict=True):
            t = self.kind(llvm_type(o.type.dtype), o in self.plan.varying) if isinstance(o.type, Scalar) else ""
            other = "zeroinitializer" if o in self.plan.varying else literal(0, o.type.dtype) if isinstance(o.type, Scalar) else ""
            merged.append([em.ins(f"phi {t} [{x}, %{end}], [{other}, %{before}]") for x in vectors])
        return merged

    def results(self, i: Instr, region: Block) -> list[Vectors]:
        out: list[Vectors] = []
        for o, r in zip(i.outs, region.results, strict=True):
            out.append([] if in_memory(o.type) else self.vectors(r) if o in self.plan.varying else [self.em.scalar(r)])
        return out

    def full(self, i: Instr) -> None:
        out, value = self.scratch[i.outs[0]], self.vectors(i.args[0])
        counted(self.em, "0", self.em.count(out.dims, False), [], lambda k, _: self.write(out, value, k) or ())
        self.em.bind(i.outs[0], out)

    def each(self, i: Instr) -> Vectors:
        """What is made of indices, or has no form in vectors, round by round."""
        em, n = self.em, self.plan.width
        columns = [(a, self.kind(self.type(a), True), self.vectors(a)) for a in i.args if not is_index(a)]
        numbers = list[str]()
        for k in range(self.plan.rounds):
            with self.round(k, [a for a in i.args if is_index(a)]):
                for a, t, vectors in columns:
                    em.env[a] = em.ins(f"extractelement {t} {vectors[k // n]}, i64 {k % n}")
                em.instr(i)
                numbers.append(em.scalar(i.outs[0]))
        for a, _, _ in columns:
            if a in self.made:
                em.env.pop(a, None)
        return self.together(numbers, self.type(i.outs[0]))
