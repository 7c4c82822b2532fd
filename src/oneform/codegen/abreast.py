"""Rounds of a loop as the lanes of vectors: the sums of several rows of a matrix, each in its order.

    for c: y[r] += A[r, c] x[c]      with r, r+1, ... in lanes: what depends on c alone is one number for all of them; A is read along its rows, a square
                                     block at a time, which is transposed in registers

A lane past the last round repeats the last: nothing that it does is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from oneform.codegen.arrays import address, element_index
from oneform.codegen.emit import Emitter, Rep
from oneform.codegen.loops import Parts, counted
from oneform.codegen.scalars import SUFFIXES, itemsize, llvm_type, memory_type
from oneform.codegen.strides import slope
from oneform.codegen.target import vector_variants
from oneform.codegen.versions import Pair
from oneform.ir import Instr, Value
from oneform.types import Array, DType, Scalar

WIDTH = 32  # bytes of a vector: wider ones transpose no faster
VECTORS = 4  # side by side: an addition takes as long as eight that do not wait for each other, of which two start at a time
_LARGEST = 16  # instructions on vectors in the inner loop: each is written once for every vector and column of a block
_PLAIN = re.compile(r"[a-z ]+\Z")


@dataclass(frozen=True)
class Lanes:
    """How the inner loop of a pair is done in vectors."""

    pair: Pair
    dtype: DType
    own: Mapping[Value, Instr]  # what makes each value of the two bodies
    varying: frozenset[Value]  # values of the inner body that differ between the rounds, or may
    given: tuple[Value, ...]  # numbers that the rounds make before the inner loop

    @property
    def width(self) -> int:
        return WIDTH // itemsize(self.dtype)

    @property
    def rounds(self) -> int:
        return self.width * VECTORS

    @property
    def vector(self) -> str:
        return f"<{self.width} x {llvm_type(self.dtype)}>"


def find_lanes(em: Emitter, pair: Pair) -> Lanes | None:
    """The pair in vectors, if all that it does has a form for them."""
    inner, body = pair.inner, pair.inner.regions[0]
    types = {o.type for o in inner.outs}
    t = next(iter(types))
    if len(types) != 1 or not isinstance(t, Scalar) or t.dtype.kind != "f":
        return None
    makers = (*pair.before, *body.body)
    varying = {pair.variables[0], *body.params[1:]}
    for i in makers:
        if not varying.isdisjoint(i.args):
            varying.update(i.outs)
    work = [i for i in body.body if i.outs[0] in varying and not _is_index(i.outs[0])]
    if len(work) > _LARGEST or not all(_has_vectors(em, i, t.dtype) for i in work) or not all(_only_indices(i) for i in makers if _is_index(i.outs[0])):
        return None
    before = {o for i in pair.before for o in i.outs}
    wanted = dict.fromkeys(a for a in (*inner.args, *(a for i in work for a in i.args), *body.results) if a in before and a in varying and not _is_index(a))
    if any(a.type != t for a in wanted):
        return None
    return Lanes(pair, t.dtype, {o: i for i in makers for o in i.outs}, frozenset(varying), tuple(wanted))


def _is_index(v: Value) -> bool:
    return isinstance(v.type, Scalar) and v.type.dtype.kind == "i"


def _only_indices(i: Instr) -> bool:
    """Whether an integer is made of integers alone, and of what is known of arrays."""
    return all(_is_index(a) or isinstance(a.type, Array) for a in i.args)


def _has_vectors(em: Emitter, i: Instr, d: DType) -> bool:
    if i.op.lower == "get":
        return i.outs[0].type == Scalar(d)
    if not isinstance(i.op.lower, Mapping) or any(not isinstance(a.type, Scalar) or (a.type.dtype != d and a.type.dtype.kind != "b") for a in i.args):
        return False
    out = i.outs[0].type
    return isinstance(out, Scalar) and (out.dtype == d or out.dtype.kind == "b") and _template(em, i, d) is not None


def _template(em: Emitter, i: Instr, d: DType) -> str | None:
    """The text of an instruction on vectors, its operands in braces."""
    assert isinstance(i.op.lower, Mapping)
    a = i.args[-1].type
    assert isinstance(a, Scalar)
    n, flags, t = WIDTH // itemsize(d), em.flags(i.attrs), llvm_type(d)
    vector = f"<{n} x {t if a.dtype == d else 'i1'}>"
    kind, _, name = (i.op.lower.get(a.dtype.kind) or "generate:").partition(":")
    operands = ", ".join(f"{vector} {{{k}}}" for k in range(len(i.args)))
    if kind == "intrinsic":
        return f"call {vector} @llvm.{name}.v{n}{SUFFIXES[d.name]}({operands})"
    if kind == "libm":
        symbol = name if d.bits == 64 else name + "f"
        called = [s for s, lanes in vector_variants(symbol, len(i.args), d.bits) if lanes == n] if em.options.fastmath is not False else []
        return f"call {vector} @{called[0]}({operands}) #5" if called else None
    if kind == "generate" or a.dtype.kind == "b" and "select" not in kind:
        return None
    if _PLAIN.match(kind):
        return f"{kind} {flags} {vector} {', '.join(f'{{{k}}}' for k in range(len(i.args)))}"
    return kind.replace("select i1", f"select <{n} x i1>").replace("{T}", vector).replace("{fm}", flags)


# ---------------------------------------------------------------- a group of rounds


@dataclass
class Group:
    """As many rounds as there are lanes. `rows`: what each round makes of its own before the inner loop; `left`: how many of them are rounds."""

    em: Emitter
    lanes: Lanes
    rows: Sequence[Mapping[Value, Rep]]
    left: str
    given: dict[Value, list[str]] = field(default_factory=dict[Value, list[str]])

    def sums(self, length: str) -> list[list[str]]:
        """The vectors of each number that the inner loop carries, at its end."""
        em, lanes = self.em, self.lanes
        inner, body, n = lanes.pair.inner, lanes.pair.inner.regions[0], lanes.width
        self.given = {v: self._together([str(row[v]) for row in self.rows]) for v in lanes.given}
        carried: Parts = [(lanes.vector, x) for a in inner.args[1:] for x in self._vectors(a, self.given)]
        blocks = [i for i in body.body if i.op.lower == "get" and i.outs[0] in lanes.varying and self._in_blocks(i)]
        start = "0"
        if blocks:
            whole = em.ins(f"sdiv i64 {length}, {n}")

            def block(index: str, names: list[str]) -> Sequence[str]:
                first = em.ins(f"mul nuw nsw i64 {index}, {n}")
                columns = {i: self._block(i, first) for i in blocks}
                for k in range(n):
                    names = self._column(em.ins(f"add nuw nsw i64 {first}, {k}"), names, {i: c[k] for i, c in columns.items()})
                return names

            ends = counted(em, "0", whole, carried, block)
            carried = [(t, x) for (t, _), x in zip(carried, ends, strict=True)]
            start = em.ins(f"mul nsw i64 {whole}, {n}")
        ends = counted(em, start, length, carried, lambda c, names: self._column(c, names, {}))
        return [ends[k : k + VECTORS] for k in range(0, len(ends), VECTORS)]

    def _column(self, c: str, names: Sequence[str], ready: Mapping[Instr, list[str]]) -> list[str]:
        """One round of the inner loop, for all rounds around it."""
        em, lanes, body = self.em, self.lanes, self.lanes.pair.inner.regions[0]
        em.env[body.params[0]] = c
        made = dict(self.given)
        made.update({p: list(names[k * VECTORS : (k + 1) * VECTORS]) for k, p in enumerate(body.params[1:])})
        for i in body.body:
            out = i.outs[0]
            if out not in lanes.varying:
                em.instr(i)
            elif i in ready:
                made[out] = ready[i]
            elif i.op.lower == "get":
                made[out] = self._read(i, c)
            elif not _is_index(out):
                text = _template(em, i, lanes.dtype)
                assert text is not None
                if (called := re.search(r"@(_ZGV\w+)", text)) is not None:
                    em.variant_lines[called[1]] = f"declare {lanes.vector} @{called[1]}({', '.join([lanes.vector] * len(i.args))}) #5"
                columns = [self._vectors(a, made) for a in i.args]
                made[out] = [em.ins(text.format(*args)) for args in zip(*columns, strict=True)]
        return [x for r in body.results for x in self._vectors(r, made)]

    # ------------------------------------------------------------ numbers as vectors

    def _vectors(self, v: Value, made: Mapping[Value, list[str]]) -> list[str]:
        """The vectors of a value; of one that is the same in all rounds, copies of it."""
        if v in made:
            return made[v]
        t, n = v.type, self.lanes.width
        assert isinstance(t, Scalar)
        kind = llvm_type(t.dtype)
        one = self.em.ins(f"insertelement <{n} x {kind}> poison, {kind} {self.em.scalar(v)}, i64 0")
        return [self.em.ins(f"shufflevector <{n} x {kind}> {one}, <{n} x {kind}> poison, <{n} x i32> zeroinitializer")] * VECTORS

    def _together(self, numbers: Sequence[str]) -> list[str]:
        """The vectors of one number for each round."""
        lanes, out = self.lanes, list[str]()
        for start in range(0, len(numbers), lanes.width):
            x = "poison"
            for k, number in enumerate(numbers[start : start + lanes.width]):
                x = self.em.ins(f"insertelement {lanes.vector} {x}, {llvm_type(lanes.dtype)} {number}, i64 {k}")
            out.append(x)
        return out

    # ------------------------------------------------------------ reading

    def _slope(self, i: Instr, variable: Value) -> int | None:
        """How many elements further one reads in the next round of a loop, if that is known and within a row."""
        pair, certain = self.lanes.pair, self.em.certain
        steps = [slope(k, variable, self.lanes.own, lambda j: certain.get(j, False) or j.args[0] in pair.variables) for k in i.args[1:]]
        return steps[-1] if not any(s != 0 for s in steps[:-1]) else None

    def _in_blocks(self, i: Instr) -> bool:
        """Whether the rounds read rows, each its own, and not neighbours."""
        round_, column = self.lanes.pair.variables
        return self._slope(i, column) in (1, -1) and self._slope(i, round_) not in (1, -1)

    def _place(self, i: Instr, row: Mapping[Value, Rep], c: str) -> str:
        """The address of what one round reads."""
        em, lanes = self.em, self.lanes
        em.env.update(row)
        em.env[lanes.pair.variables[1]] = c
        needed, queue = set[Instr](), list(i.args[1:])
        while queue:
            j = lanes.own.get(queue.pop())
            if j is not None and j not in needed and j.outs[0] not in row:
                needed.add(j)
                queue += j.args
        for j in lanes.pair.inner.regions[0].body:
            if j in needed:
                em.instr(j)
        a = em.array(i.args[0])
        return address(em, a, element_index(em, a, i.args[1:]))

    def _read(self, i: Instr, c: str) -> list[str]:
        """One element for each round: neighbours, or each by itself."""
        em, lanes = self.em, self.lanes
        if (step := self._slope(i, lanes.pair.variables[0])) in (1, -1):
            return [self._neighbours(self._place(i, self.rows[k], c), self._inside(k), step < 0) for k in range(0, lanes.rounds, lanes.width)]
        return self._together([em.ins(f"load {memory_type(lanes.dtype)}, ptr {self._place(i, row, c)}{em.number_tag}") for row in self.rows])

    def _neighbours(self, first: str, inside: str, down: bool) -> str:
        """Elements side by side in memory, up or down from the first, as far as there are rounds."""
        em, lanes, n = self.em, self.lanes, self.lanes.width
        size, mask = itemsize(lanes.dtype), f"<{n} x i1>"
        if down:
            first, inside = em.ins(f"getelementptr i8, ptr {first}, i64 {(1 - n) * size}"), self._reversed(mask, inside)
        name = f"@llvm.masked.load.v{n}{SUFFIXES[lanes.dtype.name]}.p0"
        x = em.ins(f"call {lanes.vector} {name}(ptr align {size} {first}, {mask} {inside}, {lanes.vector} zeroinitializer){em.number_tag}")
        return self._reversed(lanes.vector, x) if down else x

    def _reversed(self, t: str, x: str) -> str:
        n = self.lanes.width
        return self.em.ins(f"shufflevector {t} {x}, {t} poison, <{n} x i32> <{', '.join(f'i32 {n - 1 - k}' for k in range(n))}>")

    def _inside(self, start: int) -> str:
        """Which lanes of the vector that starts with this one are rounds."""
        em, n = self.em, self.lanes.width
        one = em.ins(f"insertelement <{n} x i64> poison, i64 {self.left}, i64 0")
        left = em.ins(f"shufflevector <{n} x i64> {one}, <{n} x i64> poison, <{n} x i32> zeroinitializer")
        return em.ins(f"icmp slt <{n} x i64> <{', '.join(f'i64 {start + k}' for k in range(n))}>, {left}")

    def _block(self, i: Instr, first: str) -> list[list[str]]:
        """The vectors of as many columns as a vector has lanes, from column `first` on."""
        em, lanes, n = self.em, self.lanes, self.lanes.width
        down = self._slope(i, lanes.pair.variables[1]) == -1
        lowest = em.ins(f"add nuw nsw i64 {first}, {n - 1}") if down else first
        across: list[list[str]] = []
        for start in range(0, lanes.rounds, n):
            places = [self._place(i, row, lowest) for row in self.rows[start : start + n]]
            columns = self._transposed([em.ins(f"load {lanes.vector}, ptr {p}, align {itemsize(lanes.dtype)}{em.number_tag}") for p in places])
            across.append(columns[::-1] if down else columns)
        return [[vectors[k] for vectors in across] for k in range(n)]

    def _transposed(self, rows: list[str]) -> list[str]:
        """A square block by exchanging halves, quarters, ... of its rows."""
        n, vector = self.lanes.width, self.lanes.vector
        half = n // 2
        while half:
            for k in (k for k in range(n) if not k & half):
                a, b = rows[k], rows[k + half]
                low = [j if not j & half else n + j - half for j in range(n)]
                high = [j + half if not j & half else n + j for j in range(n)]
                rows[k], rows[k + half] = (
                    self.em.ins(f"shufflevector {vector} {a}, {vector} {b}, <{n} x i32> <{', '.join(f'i32 {j}' for j in picks)}>") for picks in (low, high)
                )
            half //= 2
        return rows
