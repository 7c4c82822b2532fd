"""How rounds in lanes read and write: memory of their own, which holds a vector where a round has a number; what they share, by neighbours, by rows that
are transposed in registers, or each by itself."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from oneform.codegen.arrays import address, element_index, flat_index
from oneform.codegen.emit import Arr
from oneform.codegen.lanes.plan import is_index
from oneform.codegen.lanes.vectors import Group, Vectors
from oneform.codegen.loops import Body, Parts, counted
from oneform.codegen.scalars import SUFFIXES, itemsize, llvm_type, memory_type
from oneform.codegen.strides import slope
from oneform.ir import Instr, Value


class Memory(Group):
    """A group of rounds that reads and writes."""

    # ------------------------------------------------------------ memory of the rounds' own

    def all_fine(self, checks: Sequence[Instr]) -> str:
        """Whether these checks of indices hold for all rounds."""
        em, found = self.em, "true"
        for k in range(self.plan.rounds):
            for i in checks:
                with self.round(k, i.args):
                    raw, n = em.scalar(i.args[0]), em.scalar(i.args[1])
                    moved = em.ins(f"add i64 {raw}, {n}")  # -n <= raw < n
                    fine = em.ins(f"icmp ult i64 {moved}, {em.ins(f'shl i64 {n}, 1')}")
                found = fine if found == "true" else em.ins(f"and i1 {found}, {fine}")
        return found

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

    # ------------------------------------------------------------ memory that all rounds share

    def add_at(self, i: Instr) -> None:
        """What the lanes add to one element is added up first."""
        em, array, indices = self.em, i.args[0], i.args[2:]
        flags, t = em.flags(i.attrs), llvm_type(self.plan.dtype)
        own = array in self.plan.mine
        value = self.vectors(i.args[1])
        if not own or self.parted:
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
            return self.load_from(self.packed[i], em.scalar(self.plan.packs[i].column))
        if (step := self.slope(indices, self.plan.indices[0])) in (1, -1):
            return [self.neighbours(self.beside(array, indices, k), self.active[k // n], step == -1) for k in range(0, self.plan.rounds, n)]
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

    def slope(self, indices: Sequence[Value], variable: Value) -> int | None:
        """How many elements further one reads in the next round of a loop, if that is known and within a row."""
        certain, variables = self.em.certain, self.plan.indices
        steps = [slope(k, variable, self.plan.own, lambda j: certain.get(j, False) or j.args[0] in variables) for k in indices]
        return steps[-1] if not any(s != 0 for s in steps[:-1]) else None

    def place(self, array: Value, indices: Sequence[Value], k: int) -> str:
        """The address of an element for one round."""
        em = self.em
        with self.round(k, indices):
            a = em.array(array)
            if not self.parted:
                return address(em, a, element_index(em, a, indices))
            found = [em.scalar(v) for v in indices]
            for axis, v in enumerate(indices):  # a round that is not here may have no such element: it takes the last
                if v in self.plan.varying:
                    last = em.ins(f"sub i64 {a.dims[axis]}, 1")
                    found[axis] = em.ins(f"call i64 @llvm.umin.i64(i64 {found[axis]}, i64 {last})")
            return address(em, a, flat_index(em, a, found))

    def beside(self, array: Value, indices: Sequence[Value], k: int) -> str:
        """The address of an element that is read under a mask: it may lie past the end."""
        em = self.em
        with self.round(k, indices):
            a = em.array(array)
            return em.ins(f"getelementptr {memory_type(a.dtype)}, ptr {a.ptr}, i64 {element_index(em, a, indices)}")

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

    def several(self, n: str, carried: Parts, block: Body | None, single: Body) -> list[str]:
        """A loop that takes as many columns at a time as a vector has lanes (`block`, given the first), and then the rest one by one."""
        em, width = self.em, self.plan.width
        if block is None:
            return counted(em, "0", n, carried, single)
        whole = em.ins(f"sdiv i64 {n}, {width}")
        ends = counted(em, "0", whole, carried, lambda index, names: block(em.ins(f"mul nuw nsw i64 {index}, {width}"), names))
        return counted(em, em.ins(f"mul nsw i64 {whole}, {width}"), n, [(t, x) for (t, _), x in zip(carried, ends, strict=True)], single)

    def pack(self, lengths: Mapping[Value, str]) -> None:
        """Transpose what is read again and again, where it is read at all."""
        em = self.em
        for i, p in self.plan.packs.items():
            if p.first is not i:
                continue
            runs = [self.all_run([lengths[v] for v in q.around]) for q in self.plan.packs.values() if q.first is i and q.around]
            some = runs[0]
            for r in runs[1:]:
                some = em.ins(f"or i1 {some}, {r}")
            out, self.packed = self.packed[i], {j: a for j, a in self.packed.items() if j is not i}
            self.fill(i, p.column, out, em.ins(f"select i1 {some}, i64 {lengths[p.column]}, i64 0"))
            self.packed = {**self.packed, i: out}

    def all_run(self, lengths: Sequence[str]) -> str:
        """Whether loops of these lengths, around each other, come to what is inside."""
        found = "true"
        for n in lengths:
            some = self.em.ins(f"icmp sgt i64 {n}, 0")
            found = some if found == "true" else self.em.ins(f"and i1 {found}, {some}")
        return found

    def fill(self, i: Instr, column: Value, out: Arr, n: str) -> None:
        em = self.em

        def block(first: str, _: list[str]) -> Sequence[str]:
            for k, vectors in enumerate(self.read_block(i, column, first)):
                self.write(out, vectors, em.ins(f"add nuw nsw i64 {first}, {k}"))
            return ()

        def one(index: str, _: list[str]) -> Sequence[str]:
            em.env[column] = index
            self.write(out, self.read(i), index)
            return ()

        self.several(n, [], block if self.in_blocks(i, column) else None, one)

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
            sums = self.row_sums(terms[::-1] if down else terms, flags)
            em.env[column] = em.ins(f"add nuw nsw i64 {first}, {n - 1}") if down else first
            at = self.place(i.args[0], indices, 0)
            old = em.ins(f"load {self.vector}, ptr {at}, align {itemsize(self.plan.dtype)}{em.number_tag}")
            em.do(f"store {self.vector} {em.ins(f'fadd {flags} {self.vector} {old}, {sums}')}, ptr {at}, align {itemsize(self.plan.dtype)}{em.number_tag}")
        self.collected = {}
