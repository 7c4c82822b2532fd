"""The nonzeros of a sparse Jacobian by columns, for programs whose results are written element by element in loops and read by nobody: the derivatives
of each element go from registers to where they belong, and the tangents of the results are never arrays."""

from __future__ import annotations

from collections.abc import Sequence

from oneform.ir import Builder, Function, Instr, Value, instructions
from oneform.ops import Term, array, dims, for_, integer
from oneform.transforms.compressed import COLOURS, seed
from oneform.transforms.lanes import Lanes, NoLanes, Wide
from oneform.transforms.sparsity.influence import LOOPS
from oneform.transforms.sparsity.store import number, of_dtype, position
from oneform.types import ANY, I64, Array, DType, Scalar, Type, element, shape_of

BEGINS, SLOTS = Array(I64, ("parts",)), ("slots",)


def stored(f: Function, directional: Function, wrt: Sequence[int], picks: Sequence[int], dtype: DType, index: DType, lanes: int) -> Function:
    """(x..., colours, count, begins, slots, nonzeros) -> the values of the nonzeros, and `lanes` numbers more. `picks`: the results of `directional`, the jvp
    of f, that are the tangents.

    colours[k] is the colour of column k; `lanes` colours make a group, of which there are `count`. The rows of result j are begins[j] to begins[j + 1]. For row
    r and colour c of group g, slots[(g * rows + r) * lanes + c] is the index among all nonzeros, or `nonzeros` if there is none."""
    b = Builder()
    params = [b.param(p.type) for p in f.params]
    colours, count, begins, slots, nonzeros = (b.param(t) for t in (COLOURS, Scalar(I64), BEGINS, Array(index, SLOTS), Scalar(I64)))
    program = Storing(directional, directional.params[len(params) :], picks, slots, lanes)
    size = (Term(b, nonzeros) + lanes).v
    data = array.zeros(b, dtype, (ANY,), (size,)) if program.partial else b.emit1(array.empty, size, dtype=dtype, shape=(ANY,))
    rows = Term(b, b.emit1(array.get, begins, integer(b, len(picks))))
    body = b.sub()
    g, carried = body.param(Scalar(I64)), body.param(data.type)
    seeds: list[Wide] = []
    offset: Value = integer(body, 0)
    for k in wrt:
        own, offset = seed(body, params[k], colours, (Term(body, g) * lanes).v, offset, lanes)
        seeds.append(own)
    first = Term(body, g) * Term(body, rows.v)
    program.firsts = [(first + Term(body, body.emit1(array.get, begins, integer(body, j)))).v for j, _ in enumerate(picks)]
    program.threaded, program.behind = [carried], nonzeros
    program.run(body, [*params, *seeds], [])
    (data,) = b.emit(for_, count, data, regions=(body.block(*program.threaded),))
    return b.function(f"{f.name}_stored", data)


class Storing(Lanes):
    """`parts`: the versions of the results that are not made, and which result each is one of. `partial`: whether elements that are never written count
    as zero. `threaded`: the nonzeros; `firsts`: for each result where its rows start in this group, among those of all groups. `behind`: where the nonzeros
    end. The lanes of an element are stored there side by side as well: that is what LLVM makes vectors from, and the lines stay in cache."""

    constructs = False  # their elements, too, go to their places one by one

    def __init__(self, f: Function, directions: Sequence[Value], picks: Sequence[int], slots: Value, count: int):
        super().__init__(f, directions, count)
        self.slots, self.behind = slots, slots
        self.parts: dict[Value, int] = {}
        self.partial = False
        self.firsts: list[Value] = []
        self.lengths: dict[int, list[Value]] = {}
        self.made = {o: (i, k) for i in instructions(self.block.body) for k, o in enumerate(i.outs)}
        self.uses: dict[Value, int] = {}
        self._count_uses()
        for j, pick in enumerate(picks):
            self._result(self.block.results[pick], j)

    # ------------------------------------------------------------ which results are only written

    def _count_uses(self) -> None:
        for v in self.block.results:
            self.uses[v] = self.uses.get(v, 0) + 1
        for i in instructions(self.block.body):
            for v in (*i.args, *(v for r in i.regions for v in r.results)):
                self.uses[v] = self.uses.get(v, 0) + 1

    def _result(self, v: Value, j: int) -> None:
        if not isinstance(v.type, Array):
            raise NoLanes
        base, whole = self._written(v, None, j)
        if base in self.influence.tainted and not whole:
            raise NoLanes  # elements that no loop writes are those of another array
        i, _ = self.made.get(base, (None, 0))
        self.partial |= not whole and (i is None or i.op is not array.empty)

    def _written(self, v: Value, stop: Value | None, j: int) -> tuple[Value, bool]:
        """What `v` is a version of, through writes in this block (`stop`, or what nothing was written to), and whether all elements are known to be written."""
        whole = False
        while v is not stop:
            i, k = self.made.get(v, (None, 0))
            if i is None or v not in self.influence.tainted or not (i.op is array.set_ or i.op.structure == "for"):
                break
            if self.uses.get(v) != 1 or v in self.parts:
                raise NoLanes
            self.parts[v] = j
            if i.op.structure == "for":
                p, y = i.regions[0].params[1 + k], i.regions[0].results[k]
                if self._written(y, p, j)[0] is not p or (y is not p and self.uses.get(p) != 1):
                    raise NoLanes
                self.parts[p] = j
                whole |= self._covers(i, y)
                v = i.args[1 + k]
            else:
                v = i.args[0]
        return v, whole

    def _covers(self, i: Instr, y: Value) -> bool:
        """Whether a loop sets y[i] for every i."""
        j, _ = self.made.get(y, (None, 0))
        n, _ = self.made.get(i.args[0], (None, 0))
        if j is None or j.op is not array.set_ or j.args[2:] != (i.regions[0].params[0],) or n is None or n.op is not array.dim_:
            return False
        (length,) = j.outs[0].type.shape if isinstance(j.outs[0].type, Array) else (ANY,)
        like = n.args[0].type
        return length != ANY and isinstance(like, Array) and like.shape[n.attrs["axis"]] == length

    # ------------------------------------------------------------ the program

    def threads(self, i: Instr) -> bool:
        return any(o in self.parts for o in i.outs)

    def instruction(self, i: Instr, b: Builder) -> None:
        if not self.threads(i):
            super().instruction(i, b)
            return
        self._shape(i.outs[0], i.args[0], b)
        j = self.parts[i.outs[0]]
        row = Term(b, position(b, self.lengths[j], [self.value(k) for k in i.args[2:]], self.firsts[j])) * self.count
        (data,) = self.threaded
        lanes = [of_dtype(b, x, element(data.type)) for x in self.lanes(b, i.args[1])]
        for k, x in enumerate(lanes):
            data = b.emit1(array.set_, data, x, (Term(b, self.behind) + k).v)
        for k, x in enumerate(lanes):
            data = b.emit1(array.set_, data, x, number(b, self.slots, (row + k).v))
        self.threaded = [data]

    def _shape(self, v: Value, base: Value, b: Builder) -> None:
        """The lengths of a result, where the first of its versions is made."""
        j = self.parts[v]
        if j in self.lengths:
            return
        if len(shape_of(v.type)) == 1:
            self.lengths[j] = [integer(b, 0)]  # a position in it needs none
        elif base in self.influence.tainted:
            self.lengths[j] = dims(b, self.whole(b, base))[:-1]
        else:
            self.lengths[j] = dims(b, self.value(base))

    def _loop(self, i: Instr, b: Builder) -> None:
        for o, base in zip(i.outs, i.args[LOOPS[i.op.structure] :], strict=True):
            if o in self.parts:
                self._shape(o, base, b)
        super()._loop(i, b)

    def _types(self, v: Value) -> list[Type]:
        return [] if v in self.parts else super()._types(v)

    def _bind(self, v: Value, given: list[Value]) -> None:
        if v not in self.parts:
            super()._bind(v, given)

    def _passed(self, b: Builder, values: Sequence[Value], targets: Sequence[Value]) -> list[Value]:
        kept = [(v, t) for v, t in zip(values, targets, strict=True) if t not in self.parts]
        return super()._passed(b, [v for v, _ in kept], [t for _, t in kept])

    structures = {**Lanes.structures, "for": _loop}


__all__ = ["stored"]
