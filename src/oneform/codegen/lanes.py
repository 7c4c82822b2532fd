"""The body of a loop for as many rounds as there are lanes: what differs between the rounds is in vectors, what does not is as always.

Rows that each round reads for itself are read a square block at a time, and transposed in registers. Memory of a round's own holds a vector where the
round has a number. A lane past the last round does what the last round does, and adds zeros: nothing that it does is kept."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from oneform.codegen.abreast import Abreast, build_lengths, is_index
from oneform.codegen.arrays import address, element_index, flat_index
from oneform.codegen.build import neutral
from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.forms import emit_form, has_form, vector_type
from oneform.codegen.loops import VECTOR, Parts, counted, spend, trip_count
from oneform.codegen.plan import in_memory
from oneform.codegen.scalars import SUFFIXES, itemsize, literal, llvm_type
from oneform.codegen.strides import slope
from oneform.ir import Block, Instr, Value
from oneform.types import Scalar

Vectors = list[str]
Step = Callable[[str, Sequence[str], Mapping[Instr, Vectors]], list[str]]


@dataclass
class Lanes:
    """A group of rounds. `first`: the round in the first lane; `left`: how many rounds there are from it on; `last`: the last round."""

    em: Emitter
    plan: Abreast
    scratch: Mapping[Value, Arr]
    packed: Mapping[Instr, Arr]
    first: str
    last: str
    made: dict[Value, Vectors] = field(default_factory=dict[Value, Vectors])
    rows: list[str] = field(default_factory=list[str])
    collected: dict[Instr, Vectors] = field(default_factory=dict[Instr, Vectors])  # terms of elements side by side, added up when there are enough
    active: Vectors = field(default_factory=Vectors)  # lanes that are rounds, and are in this branch

    def __post_init__(self) -> None:
        em, n = self.em, self.plan.width
        self.vector, self.mask = vector_type(self.plan.dtype, n), f"<{n} x i1>"
        self.zero = f"splat ({llvm_type(self.plan.dtype)} {literal(0.0, self.plan.dtype)})"
        self.rows = [em.ins(f"call i64 @llvm.smin.i64(i64 {em.ins(f'add nuw nsw i64 {self.first}, {k}')}, i64 {self.last})") for k in range(self.plan.rounds)]
        left = self.splat("i64", em.ins(f"sub nsw i64 {self.last}, {self.first}"))
        self.active = [em.ins(f"icmp sle <{n} x i64> <{', '.join(f'i64 {k + j}' for j in range(n))}>, {left}") for k in range(0, self.plan.rounds, n)]
        self.rounds = list(self.active)

    # ------------------------------------------------------------ vectors

    def splat(self, t: str, x: str) -> str:
        n = self.plan.width
        one = self.em.ins(f"insertelement <{n} x {t}> poison, {t} {x}, i64 0")
        return self.em.ins(f"shufflevector <{n} x {t}> {one}, <{n} x {t}> poison, <{n} x i32> zeroinitializer")

    def vectors(self, v: Value) -> Vectors:
        """A value in lanes; one that is the same in all of them, copied."""
        if v in self.made:
            return self.made[v]
        assert isinstance(v.type, Scalar)
        return [self.splat(llvm_type(v.type.dtype), self.em.scalar(v))] * self.plan.vectors

    def together(self, numbers: Sequence[str], t: str) -> Vectors:
        """One number for each round, as vectors."""
        out, n = Vectors(), self.plan.width
        for start in range(0, len(numbers), n):
            x = "poison"
            for k, number in enumerate(numbers[start : start + n]):
                x = self.em.ins(f"insertelement <{n} x {t}> {x}, {t} {number}, i64 {k}")
            out.append(x)
        return out

    def shuffled(self, a: str, b: str, picks: Sequence[int]) -> str:
        return self.em.ins(f"shufflevector {self.vector} {a}, {self.vector} {b}, <{len(picks)} x i32> <{', '.join(f'i32 {j}' for j in picks)}>")

    def chosen(self, conditions: Vectors, t: str, yes: Vectors, no: Vectors) -> Vectors:
        n = self.plan.width
        return [
            a if a == b else self.em.ins(f"select {self.mask} {c}, <{n} x {t}> {a}, <{n} x {t}> {b}") for c, a, b in zip(conditions, yes, no, strict=True)
        ]

    def total(self, vectors: Vectors) -> str:
        """The sum of all lanes."""
        t, flags = llvm_type(self.plan.dtype), self.em.flags({"reassoc": True})
        while len(vectors) > 1:
            half = len(vectors) // 2
            vectors = [self.em.ins(f"fadd {flags} {self.vector} {a}, {b}") for a, b in zip(vectors[:half], vectors[half:], strict=True)]
        name = f"@llvm.vector.reduce.fadd.v{self.plan.width}{SUFFIXES[self.plan.dtype.name]}"
        return self.em.ins(f"call reassoc {t} {name}({t} {literal(-0.0, self.plan.dtype)}, {self.vector} {vectors[0]})")

    def masked(self, before: Vectors, after: Vectors) -> Vectors:
        """A sum, after it where a lane is a round."""
        return self.chosen(self.rounds, llvm_type(self.plan.dtype), after, before)

    def any(self, conditions: Vectors) -> str:
        found = conditions[0]
        for c in conditions[1:]:
            found = self.em.ins(f"or {self.mask} {found}, {c}")
        return self.em.ins(f"call i1 @llvm.vector.reduce.or.v{self.plan.width}i1({self.mask} {found})")

    # ------------------------------------------------------------ instructions

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
        blocks = [j for j in region.body if j.op.lower == "get" and not is_index(j.outs[0]) and self.in_blocks(j, region.params[0])]
        start = "0"
        adds = [j for j in region.body if self.along_rows(j, region.params[0])]
        if (blocks or adds) and (trips is None or trips >= width):
            whole = em.ins(f"sdiv i64 {n}, {width}")

            def several(index: str, names: list[str]) -> Sequence[str]:
                first = em.ins(f"mul nuw nsw i64 {index}, {width}")
                read = {j: self.read_block(j, region.params[0], first) for j in blocks}
                self.collected = {j: [] for j in adds}
                for k in range(width):
                    names = step(em.ins(f"add nuw nsw i64 {first}, {k}"), list(names), {j: found[k] for j, found in read.items()})
                self.add_collected(region.params[0], first)
                return names

            ends = counted(em, "0", whole, carried, several)
            carried = [(t, x) for (t, _), x in zip(carried, ends, strict=True)]
            start = em.ins(f"mul nsw i64 {whole}, {width}")
        return counted(em, start, n, carried, lambda c, names: step(c, names, {}))

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

    def kind(self, t: str, wide: bool) -> str:
        return f"<{self.plan.width} x {t}>" if wide else t

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

    # ------------------------------------------------------------ memory of the rounds' own

    def index(self, array: Value, indices: Sequence[Value]) -> str:
        return element_index(self.em, self.em.array(array), indices)

    def load(self, array: Value, indices: Sequence[Value]) -> Vectors:
        return self.load_from(self.em.array(array), self.index(array, indices))

    def load_from(self, a: Arr, index: str) -> Vectors:
        places = self.slots(a, index)
        return [self.em.ins(f"load {self.vector}, ptr {at}, align {itemsize(self.plan.dtype)}{self.em.number_tag}") for at in places]

    def slots(self, out: Arr, index: str) -> list[str]:
        """The addresses of the vectors that an element is."""
        rounds = self.plan.rounds
        at = self.em.ins(f"mul nuw nsw i64 {index}, {rounds}") if index != "0" else "0"
        base = address(self.em, out, at)
        return [self.em.ins(f"getelementptr inbounds {self.vector}, ptr {base}, i64 {k}") if k else base for k in range(self.plan.vectors)]

    def write(self, out: Arr, vectors: Vectors, index: str) -> None:
        for x, at in zip(vectors, self.slots(out, index), strict=True):
            self.em.do(f"store {self.vector} {x}, ptr {at}, align {itemsize(self.plan.dtype)}{self.em.number_tag}")

    def full(self, i: Instr) -> None:
        out, value = self.scratch[i.outs[0]], self.vectors(i.args[0])
        counted(self.em, "0", self.em.count(out.dims, False), [], lambda k, _: self.write(out, value, k) or ())
        self.em.bind(i.outs[0], out)

    # ------------------------------------------------------------ memory that all rounds share

    def add_at(self, i: Instr) -> None:
        """What the lanes add to one element is added up first."""
        em, array, indices = self.em, i.args[0], i.args[2:]
        flags, t = em.flags(i.attrs), llvm_type(self.plan.dtype)
        own = array in self.plan.mine
        value = self.vectors(i.args[1])
        if not own or self.active is not self.rounds:
            value = self.chosen(self.active, t, value, [self.zero] * self.plan.vectors)
        if own:
            sums = [em.ins(f"fadd {flags} {self.vector} {a}, {b}") for a, b in zip(self.load(array, indices), value, strict=True)]
            self.write(em.array(array), sums, self.index(array, indices))
        elif i in self.collected:
            while len(value) > 1:
                value = [em.ins(f"fadd {flags} {self.vector} {a}, {b}") for a, b in zip(value[::2], value[1::2], strict=True)]
            self.collected[i] += value
        else:
            if self.plan.varying.isdisjoint(indices):
                terms = [(address(em, em.array(array), self.index(array, indices)), self.total(value))]
            else:
                numbers = [em.ins(f"extractelement {self.vector} {x}, i64 {k}") for x in value for k in range(self.plan.width)]
                terms = list(zip((self.place(array, indices, k) for k in range(self.plan.rounds)), numbers, strict=True))
            for at, x in terms:
                old = em.ins(f"load {t}, ptr {at}{em.number_tag}")
                em.do(f"store {t} {em.ins(f'fadd {flags} {t} {old}, {x}')}, ptr {at}{em.number_tag}")
        em.bind(i.outs[0], em.array(array))

    def read(self, i: Instr) -> Vectors:
        """One element for each round: of its own memory, neighbours, or each by itself."""
        em, n, (array, *indices) = self.em, self.plan.width, i.args
        if array in self.plan.mine:
            return self.load(array, indices)
        if i in self.packed:
            return self.load_from(self.packed[i], em.scalar(self.plan.packs[i][1]))
        if (step := self.slope(indices, self.plan.indices[0])) in (1, -1):
            return [self.neighbours(self.place(array, indices, k), self.rounds[k // n], step == -1) for k in range(0, self.plan.rounds, n)]
        t = llvm_type(self.plan.dtype)
        return self.together([em.ins(f"load {t}, ptr {self.place(array, indices, k)}{em.number_tag}") for k in range(self.plan.rounds)], t)

    def neighbours(self, first: str, inside: str, down: bool) -> str:
        """Elements side by side in memory, up or down from the first, as far as there are rounds."""
        em, n, size = self.em, self.plan.width, itemsize(self.plan.dtype)
        if down:
            first = em.ins(f"getelementptr i8, ptr {first}, i64 {(1 - n) * size}")
            inside = self.reversed(self.mask, inside)
        name = f"@llvm.masked.load.v{n}{SUFFIXES[self.plan.dtype.name]}.p0"
        x = em.ins(f"call {self.vector} {name}(ptr align {size} {first}, {self.mask} {inside}, {self.vector} zeroinitializer){em.number_tag}")
        return self.reversed(self.vector, x) if down else x

    def reversed(self, t: str, x: str) -> str:
        n = self.plan.width
        return self.em.ins(f"shufflevector {t} {x}, {t} poison, <{n} x i32> <{', '.join(f'i32 {n - 1 - k}' for k in range(n))}>")

    def slope(self, indices: Sequence[Value], variable: Value) -> int | None:
        """How many elements further one reads in the next round of a loop, if that is known and within a row."""
        certain, variables = self.em.certain, self.plan.indices
        steps = [slope(k, variable, self.plan.own, lambda j: certain.get(j, False) or j.args[0] in variables) for k in indices]
        return steps[-1] if not any(s != 0 for s in steps[:-1]) else None

    def place(self, array: Value, indices: Sequence[Value], k: int) -> str:
        """The address of an element for one round."""
        with self.round(k, indices):
            a = self.em.array(array)
            return address(self.em, a, element_index(self.em, a, indices))

    @contextmanager
    def round(self, k: int, indices: Sequence[Value]) -> Generator[None]:
        """Indices as one of the rounds has them."""
        em, variable = self.em, self.plan.indices[0]
        needed, queue = dict[Value, Instr](), list(indices)
        while queue:
            j = self.plan.own.get(v := queue.pop())
            if j is not None and v not in needed and not j.regions:
                needed[v] = j
                queue += [a for a in j.args if is_index(a)]
        before = {v: em.env.get(v) for v in (variable, *needed)}
        em.env[variable] = self.rows[k]
        for v, j in self.plan.own.items():
            if v in needed:
                em.instr(j)
        yield
        for v, rep in before.items():
            if rep is None:
                em.env.pop(v, None)
            else:
                em.env[v] = rep

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

    def type(self, v: Value) -> str:
        assert isinstance(v.type, Scalar)
        return llvm_type(v.type.dtype)

    # ------------------------------------------------------------ blocks of rows

    def in_blocks(self, i: Instr, column: Value) -> bool:
        """Whether the rounds read along rows, each its own, and not neighbours."""
        array, *indices = i.args
        if i.outs[0] not in self.plan.varying or i in self.packed or array in self.plan.mine:
            return False
        return self.slope(indices, column) in (1, -1) and self.slope(indices, self.plan.indices[0]) not in (1, -1)

    def read_block(self, i: Instr, column: Value, first: str) -> list[Vectors]:
        """The vectors of as many columns as a vector has lanes, from column `first` on."""
        em, n, (array, *indices) = self.em, self.plan.width, i.args
        down = self.slope(indices, column) == -1
        em.env[column] = em.ins(f"add nuw nsw i64 {first}, {n - 1}") if down else first  # the lowest in memory
        across: list[Vectors] = []
        for start in range(0, self.plan.rounds, n):
            places = [self.place(array, indices, k) for k in range(start, start + n)]
            columns = self.transposed([em.ins(f"load {self.vector}, ptr {p}, align {itemsize(self.plan.dtype)}{em.number_tag}") for p in places])
            across.append(columns[::-1] if down else columns)
        return [[vectors[k] for vectors in across] for k in range(n)]

    def pack(self, lengths: Mapping[Value, str]) -> None:
        """Transpose what is read again and again."""
        for i, (first, column) in self.plan.packs.items():
            if first is not i:
                continue
            out, self.packed = self.packed[i], {j: a for j, a in self.packed.items() if j is not i}
            self.fill(i, column, out, lengths[column])
            self.packed = {**self.packed, i: out}

    def fill(self, i: Instr, column: Value, out: Arr, n: str) -> None:
        em, width, start = self.em, self.plan.width, "0"

        def several(index: str, _: list[str]) -> Sequence[str]:
            first = em.ins(f"mul nuw nsw i64 {index}, {width}")
            for k, vectors in enumerate(self.read_block(i, column, first)):
                self.write(out, vectors, em.ins(f"add nuw nsw i64 {first}, {k}"))
            return ()

        def one(index: str, _: list[str]) -> Sequence[str]:
            em.env[column] = index
            self.write(out, self.read(i), index)
            return ()

        if self.in_blocks(i, column):
            whole = em.ins(f"sdiv i64 {n}, {width}")
            counted(em, "0", whole, [], several)
            start = em.ins(f"mul nsw i64 {whole}, {width}")
        counted(em, start, n, [], one)

    def transposed(self, rows: Vectors) -> Vectors:
        """A square block by exchanging halves, quarters, ... of its rows."""
        n = self.plan.width
        half = n // 2
        while half:
            for k in (k for k in range(n) if not k & half):
                a, b = rows[k], rows[k + half]
                low = [j if not j & half else n + j - half for j in range(n)]
                high = [j + half if not j & half else n + j for j in range(n)]
                rows[k], rows[k + half] = self.shuffled(a, b, low), self.shuffled(a, b, high)
            half //= 2
        return rows

    # ------------------------------------------------------------ sums of rows

    def along_rows(self, i: Instr, column: Value) -> bool:
        """Whether all rounds add to the same element, and to the one beside it in the next round of the inner loop."""
        if i.op.lower != "add_at" or not self.plan.varying.isdisjoint(i.args[2:]) or i.args[0] in self.plan.mine:
            return False
        return self.slope(i.args[2:], column) in (1, -1)

    def add_collected(self, column: Value, first: str) -> None:
        """Add up the lanes of as many elements as a vector has, and add them to the array at once."""
        em, n = self.em, self.plan.width
        for i, terms in self.collected.items():
            flags, indices = em.flags(i.attrs), i.args[2:]
            down = self.slope(indices, column) == -1
            rows, half = terms[::-1] if down else terms, n // 2
            while half:
                for k in (k for k in range(n) if not k & half and k < 2 * half):
                    a, b = rows[k], rows[k + half]
                    low = self.shuffled(a, b, [j if not j & half else n + j - half for j in range(n)])
                    high = self.shuffled(a, b, [j + half if not j & half else n + j for j in range(n)])
                    rows[k] = em.ins(f"fadd {flags} {self.vector} {low}, {high}")
                half //= 2
            em.env[column] = em.ins(f"add nuw nsw i64 {first}, {n - 1}") if down else first
            at = self.place(i.args[0], indices, 0)
            old = em.ins(f"load {self.vector}, ptr {at}, align {itemsize(self.plan.dtype)}{em.number_tag}")
            em.do(f"store {self.vector} {em.ins(f'fadd {flags} {self.vector} {old}, {rows[0]}')}, ptr {at}, align {itemsize(self.plan.dtype)}{em.number_tag}")
        self.collected = {}
