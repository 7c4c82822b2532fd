"""Loops whose rounds do not need each other: what they carry is only added to, or every round has places of its own in it.

A place is a round's own where on one axis all accesses have an index  factor * variable + terms that do not change in the loop + constant,  with constants that
differ by less than the factor; or with other terms where the ranges do not meet (y[2*i], y[2*i + 1], y[2*n + i]). An index that may be negative counts from the
end, so that two rounds might meet: it does not serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from oneform.ir import Block, Instr, Value, free_values, instructions
from oneform.ops import accumulated, array, literal
from oneform.ops.arithmetic import add, mul, sub
from oneform.types import Array, Scalar

SUM, OWN = "sum", "own"  # carried values that parts of the loop add to on their own, and arrays in which each round has its own places


def independent(loop: Instr, makers: Mapping[Value, Instr]) -> tuple[str, ...] | None:
    """What the loop does with each value that it carries, SUM or OWN; None if its rounds need each other. `makers`: of all values of the program."""
    (body,) = loop.regions
    params = body.params[1:]
    if not all(isinstance(p.type, Scalar | Array) for p in params):
        return None
    uses = _Uses({p: k for k, p in enumerate(params) if isinstance(p.type, Array)})
    if not uses.block(body):
        return None
    affine = _Affine(loop, makers)
    affine.arrays = uses.of
    kinds: list[str] = []
    for k, p in enumerate(params):
        if isinstance(p.type, Scalar):
            kind = SUM if p.type.dtype.kind != "b" and accumulated(body, k + 1, k, loop) else ""
        else:
            kind = uses.kind(k, affine) if uses.of.get(body.results[k]) == k else ""
        if not kind:
            return None
        kinds.append(kind)
    return tuple(kinds)


@dataclass
class _Uses:
    """Every access to the arrays that a loop carries. `of`: which of them a value is a version of."""

    of: dict[Value, int]

    def __post_init__(self) -> None:
        self.accesses: dict[int, list[Instr]] = {}

    def block(self, block: Block) -> bool:
        """Follow the versions through a block; False where one is used in a way that is not understood."""
        return all(self.instr(i) for i in block.body)

    def instr(self, i: Instr) -> bool:
        match i.op.structure:
            case "for" | "while":
                return self.loop(i)
            case "if":
                return all(map(self.block, i.regions)) and all(self.same(o, [r.results[k] for r in i.regions]) for k, o in enumerate(i.outs))
            case "build":
                return self.block(i.regions[0])
            case "":
                return self.plain(i)
            case _:
                return not any(v in self.of for v in (*i.args, *(v for r in i.regions for v in free_values(r))))

    def plain(self, i: Instr) -> bool:
        used = [a for a in i.args if a in self.of]
        if not used or i.op is array.dim_:
            return True
        if i.op not in (array.get, array.set_, array.add_at) or used != [i.args[0]]:
            return False
        k = self.of[i.args[0]]
        self.accesses.setdefault(k, []).append(i)
        if i.op is not array.get:
            self.of[i.outs[0]] = k
        return True

    def loop(self, i: Instr) -> bool:
        count, body = len(i.outs), i.regions[-1]
        given = i.args[len(i.args) - count :]
        for region in i.regions:
            for a, p in zip(given, region.params[len(region.params) - count :], strict=True):
                if a in self.of:
                    self.of[p] = self.of[a]
        return all(map(self.block, i.regions)) and all(self.same(o, [a, r]) for o, a, r in zip(i.outs, given, body.results, strict=True))

    def same(self, out: Value, sources: Iterable[Value]) -> bool:
        """What comes from several places must be versions of one array, or of none."""
        found = {self.of.get(v) for v in sources}
        if len(found) > 1:
            return False
        (k,) = found
        if k is not None:
            self.of[out] = k
        return True

    def kind(self, k: int, affine: _Affine) -> str:
        accesses = self.accesses.get(k, [])
        places = [i.args[1:] if i.op is array.get else i.args[2:] for i in accesses]
        writes = [i for i in accesses if i.op is not array.get]
        if affine.loop.attrs.get("own") and len(writes) == len(accesses):
            return OWN
        if not writes or any(affine.own([at[axis] for at in places]) for axis in range(len(places[0]))):
            return OWN
        numbers = isinstance(accesses[0].args[0].type, Array) and accesses[0].args[0].type.dtype.kind != "b"
        return SUM if numbers and self.only_added(accesses, affine) else ""

    def only_added(self, accesses: list[Instr], affine: _Affine) -> bool:
        """Whether nothing happens to the elements but that numbers are added: add_at a, e, k; or set a, (get a, k) + e, k, with no other use of the read."""
        paired: set[Instr] = set()
        for i in accesses:
            if i.op is array.set_ and (read := affine.added_to(i.args[1])) is not None and read.args == (i.args[0], *i.args[2:]):
                paired.update((i, read))
        return all(i.op is array.add_at or i in paired for i in accesses)


@dataclass(frozen=True)
class _Linear:
    """factor * the loop's variable + terms that do not change in the loop + constant."""

    factor: int
    terms: tuple[tuple[Value, int], ...] = ()
    constant: int = 0

    def plus(self, o: _Linear, sign: int) -> _Linear:
        terms = dict(self.terms)
        for v, k in o.terms:
            terms[v] = terms.get(v, 0) + sign * k
        left = tuple(sorted(((v, k) for v, k in terms.items() if k), key=lambda term: id(term[0])))
        return _Linear(self.factor + sign * o.factor, left, self.constant + sign * o.constant)

    def times(self, n: int) -> _Linear:
        return _Linear(self.factor * n, tuple((v, k * n) for v, k in self.terms if n), self.constant * n)


class _Affine:
    """Indices of a loop's body as functions of its variable."""

    def __init__(self, loop: Instr, makers: Mapping[Value, Instr]):
        body = loop.regions[0]
        self.loop, self.variable, self.count, self.all = loop, body.params[0], loop.args[0], makers
        self.makers = {o: i for i in instructions(body.body) for o in i.outs}
        self.uses = Counter(v for i in instructions(body.body) for v in (*i.args, *(r for b in i.regions for r in b.results)))
        self.uses.update(body.results)
        self.known: dict[Value, _Linear | None] = {}
        self.outside: dict[Value, _Linear] = {}
        self.arrays: Mapping[Value, int] = {}  # versions of the arrays that the loop carries
        self.inside = {*body.params, *self.makers, *(p for i in instructions(body.body) for r in i.regions for p in r.params)}

    def added_to(self, v: Value) -> Instr | None:
        """The read of an element x, if v is x + e or x - e for any e, and x is used for that only."""
        i = self.makers.get(v)
        if i is None or self.uses[v] != 1:
            return None
        if i.op is array.get:
            return i
        found = [self.added_to(a) for a in (i.args if i.op is add else i.args[:1] if i.op is sub else ())]
        reads = [r for r in found if r is not None and r.args[0] in self.arrays]
        return reads[0] if len(reads) == 1 else None

    def own(self, indices: list[Value]) -> bool:
        """Whether no index of a round is one of another round."""
        groups: dict[tuple[int, tuple[tuple[Value, int], ...]], list[_Linear]] = {}
        for at in map(self.linear, indices):
            if at is None or not at.factor:
                return False
            groups.setdefault((at.factor, at.terms), []).append(at)
        ranges: list[tuple[_Linear, _Linear]] = []
        for (factor, _), found in groups.items():
            least, most = min(found, key=lambda at: at.constant), max(found, key=lambda at: at.constant)
            if most.constant - least.constant >= abs(factor):
                return False
            ranges.append((self.end(least, factor < 0), self.end(most, factor > 0)))
        return all(_below(a, b) or _below(b, a) for k, a in enumerate(ranges) for b in ranges[k + 1 :])

    def end(self, at: _Linear, last: bool) -> _Linear:
        """The index in the first or the last round."""
        rest = _Linear(0, at.terms, at.constant)
        return rest.plus(self.around(self.count).plus(_Linear(0, (), 1), -1).times(at.factor), 1) if last else rest

    def linear(self, v: Value) -> _Linear | None:
        """A number of the loop's body as a function of the variable, if it is one."""
        if v not in self.known:
            self.known[v] = self.linear_of(v)
        return self.known[v]

    def linear_of(self, v: Value) -> _Linear | None:
        if v is self.variable:
            return _Linear(1)
        if v not in self.inside:
            return self.around(v)
        i = self.makers.get(v)
        if i is None:
            return None
        if i.op is array.index:
            at = self.linear(i.args[0])
            return at if at is not None and self.not_negative(at) else None
        return _value(i, self.linear)

    def around(self, v: Value) -> _Linear:
        """A number from around the loop; where it is none of the sums and products below, it is a term of its own."""
        if v not in self.outside:
            found = _value(self.all.get(v), self.around)
            self.outside[v] = _Linear(0, ((v, 1),)) if found is None else found
        return self.outside[v]

    def not_negative(self, at: _Linear) -> bool:
        """Whether the index is certainly not negative, in any round."""
        least = self.end(at, at.factor < 0)
        return least.constant >= 0 and all(k > 0 and self.is_length(v) for v, k in least.terms)

    def is_length(self, v: Value) -> bool:
        i = self.all.get(v)
        return v is self.count or (i is not None and i.op is array.dim_)


def _value(i: Instr | None, of: Callable[[Value], _Linear | None]) -> _Linear | None:
    """What an instruction gives, for literals, sums, differences, and products with literals; `of` its operands."""
    if i is None or i.op not in (add, sub, mul):
        number = literal(i)
        return _Linear(0, (), number) if isinstance(number, int) else None
    x, y = map(of, i.args)
    if x is None or y is None:
        return None
    if i.op is not mul:
        return x.plus(y, 1 if i.op is add else -1)
    if x.factor or x.terms:
        x, y = y, x
    return None if x.factor or x.terms else y.times(x.constant)


def _below(a: tuple[_Linear, _Linear], b: tuple[_Linear, _Linear]) -> bool:
    """Whether the range a, (first, last), ends before b starts."""
    gap = a[1].plus(b[0], -1)
    return not gap.terms and gap.constant < 0
