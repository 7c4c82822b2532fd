"""Jacobians of loops whose iterations each store numbers computed from a few inputs that they gather: the block of an iteration is found by reverse
mode of its body, and written where it belongs. Neither pattern nor colours are computed with handles then.

A *site* is one place in a loop that stores a number which varies, a *local input* an element of the inputs that an iteration reads. The sites and local inputs
of a loop, and which sites depend on which local inputs, are known when the program is compiled; rows and columns follow from the indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from oneform.ir import Block, Builder, Function, Instr, Value, clone_instr, free_values
from oneform.ops import Term, array, constant, dims, for_, integer, lengths_of
from oneform.transforms.activity import differentiable_arguments
from oneform.transforms.reverse import vjp
from oneform.transforms.sparsity.influence import Influence
from oneform.transforms.sparsity.store import nest, number, of_dtype, position
from oneform.types import ANY, I64, Array, DType, Scalar, element

Index = tuple[Value, ...]


@dataclass
class Site:
    """A number that is stored: into which result, at which index, and the local inputs that it depends on."""

    out: int
    value: Value
    index: Index
    inputs: list[int] = field(default_factory=list[int])


@dataclass
class Nest:
    """One parallel loop. `known`: instructions that the inputs do not change; `inner`: the others; `inputs`: the local inputs, each a parameter of the
    program with the index read, by the value that holds it."""

    instr: Instr
    sites: list[Site]
    known: list[Instr] = field(default_factory=list[Instr])
    inner: list[Instr] = field(default_factory=list[Instr])
    inputs: list[tuple[Value, Index]] = field(default_factory=list[tuple[Value, Index]])
    values: dict[Value, int] = field(default_factory=dict[Value, int])  # values that are local inputs

    @property
    def entries(self) -> int:
        return sum(len(s.inputs) for s in self.sites)


@dataclass(frozen=True)
class _Regular:
    """Stores an entry of a loop at starts[site] + ranks[entry]; the loop's sites start at `first`, its entries at `rank`."""

    starts: Value
    ranks: Value
    nest: Nest
    first: Value
    rank: int

    def __call__(self, b: Builder, data: Value, x: Value, iteration: Value, site: int, entry: int) -> Value:
        begin = number(b, self.starts, (Term(b, iteration) * len(self.nest.sites) + Term(b, self.first) + site).v)
        rank = number(b, self.ranks, integer(b, self.rank + entry))
        return b.emit1(array.set_, data, x, (Term(b, begin) + Term(b, rank)).v)


@dataclass(frozen=True)
class _Scattered:
    """Adds an entry of a loop at places[entry]; the loop's entries start at `first`."""

    places: Value
    nest: Nest
    first: Value

    def __call__(self, b: Builder, data: Value, x: Value, iteration: Value, site: int, entry: int) -> Value:
        place = number(b, self.places, (Term(b, iteration) * self.nest.entries + Term(b, self.first) + entry).v)
        return b.emit1(array.add_at, data, x, place)


class Blocks:
    """The loops of a program, if it consists of such loops."""

    def __init__(self, f: Function, wrt: Sequence[int], outs: Sequence[int], nests: list[Nest], known: list[Instr]):
        self.f, self.wrt, self.outs, self.nests, self.known = f, wrt, outs, nests, known

    # ------------------------------------------------------------ layout

    def layout(self) -> list[int]:
        """For each loop, how many sites it has, and for each of them the result it stores into (as a position among `outs`) and its entries."""
        found = [len(self.nests)]
        for n in self.nests:
            found.append(len(n.sites))
            for s in n.sites:
                found += [self.outs.index(s.out), len(s.inputs)]
        return found

    def structure(self, index: DType) -> Function:
        """x... -> (rows, columns, iterations of each loop, sizes of the results). By loop, by iteration, by site: the row within its result, and the
        columns of the local inputs, which are numbers of dtype `index`."""
        b, params, env = self._start()
        counts = [self._count(b, n, env) for n in self.nests]
        sites = [(Term(b, count) * len(n.sites)).v for n, count in zip(self.nests, counts, strict=True)]
        entries = [(Term(b, count) * n.entries).v for n, count in zip(self.nests, counts, strict=True)]
        filled = [b.emit1(array.empty, _total(b, own), dtype=dtype, shape=(ANY,)) for own, dtype in ((sites, I64), (entries, index))]  # rows, columns
        columns = self._offsets(b, [params[k] for k in self.wrt])
        offsets = dict(zip([self.f.params[k] for k in self.wrt], columns, strict=True))
        given = dict(zip(self.f.params, params, strict=True))
        for k, n in enumerate(self.nests):
            filled = self._emit(b, n, env, filled, self._entries(n, _total(b, sites[:k]), _total(b, entries[:k]), offsets, given))
        return b.function(f"{self.f.name}_blocks", *filled, _vector(b, counts), _vector(b, self._sizes(b, env)))

    def _sizes(self, b: Builder, env: dict[Value, Value]) -> list[Value]:
        """How many elements each result has."""
        found: list[Value] = []
        for o in self.outs:
            r = self.f.results[o]
            n = next((n for n in self.nests if any(s.out == o for s in n.sites)), None)
            size: Term = Term(b, integer(b, 1))
            if n is not None and n.instr.op.structure == "build":
                lengths = self._lengths(b, n.instr, env)
            else:
                like = r if n is None else n.instr.args[1 + n.instr.outs.index(r)]
                lengths = dims(b, env.get(like, like)) if isinstance(r.type, Array) else []
            for length in lengths:
                size = size * Term(b, length)
            found.append(size.v)
        return found

    def _entries(self, n: Nest, site: Value, entry: Value, offsets: dict[Value, Value], params: dict[Value, Value]) -> Callable[..., list[Value]]:
        """Writes rows (within their result) and columns, from the given places on."""

        def write(b: Builder, iteration: Value, env: dict[Value, Value], shapes: Sequence[Sequence[Value]], carried: list[Value]) -> list[Value]:
            own_site = Term(b, iteration) * len(n.sites) + Term(b, site)
            at = Term(b, iteration) * n.entries + Term(b, entry)
            column = {}
            for k, (p, index) in enumerate(n.inputs):
                own = [env.get(v, v) for v in index]
                column[k] = position(b, dims(b, params[p]), own, offsets[p]) if index else offsets[p]
            rows, columns = carried
            for s, lengths in zip(n.sites, shapes, strict=True):
                row = position(b, lengths, [env.get(v, v) for v in s.index], integer(b, 0)) if s.index else integer(b, 0)
                rows = b.emit1(array.set_, rows, row, own_site.v)
                own_site = own_site + 1
                for k in s.inputs:
                    columns = b.emit1(array.set_, columns, of_dtype(b, column[k], element(columns.type)), at.v)
                    at = at + 1
            return [rows, columns]

        return write

    # ------------------------------------------------------------ values

    def evaluation(self, dtype: DType, index: DType, *, scattered: bool) -> Function:
        """(x..., starts, ranks, count) -> values: entry e of site s of an iteration belongs at starts[s of the iteration] + ranks[e]. `scattered`:
        (x..., places, count) -> values, where the places of all entries are given, and what meets at a place is added. All of these are arrays of dtype
        `index`."""
        b, _, env = self._start()
        given = [b.param(Array(index, (n,))) for n in (("entries",) if scattered else ("sites", "kinds"))]
        count = b.param(Scalar(I64))
        data = array.zeros(b, dtype, (ANY,), (count,)) if scattered else b.emit1(array.empty, count, dtype=dtype, shape=(ANY,))
        first, rank = integer(b, 0), 0
        for n in self.nests:
            store = _Scattered(given[0], n, first) if scattered else _Regular(given[0], given[1], n, first, rank)
            (data,) = self._emit(b, n, env, [data], self._values(n, store, dtype))
            first = (Term(b, self._count(b, n, env)) * (n.entries if scattered else len(n.sites)) + Term(b, first)).v
            rank += n.entries
        return b.function(f"{self.f.name}_blocks", data)

    def _values(self, n: Nest, store: _Regular | _Scattered, dtype: DType) -> Callable[..., list[Value]]:
        local = list(n.values)
        read: dict[Value, None] = {}
        for v in free_values(Block((), tuple(n.inner), tuple(s.value for s in n.sites))):
            if v not in n.values:
                read[v] = None
        g = Function("block", Block((*local, *read), tuple(n.inner), tuple(s.value for s in n.sites)))
        pullbacks = [vjp(g, [k for k, v in enumerate(local) if n.values[v] in s.inputs], [j]) if s.inputs else None for j, s in enumerate(n.sites)]

        def write(b: Builder, iteration: Value, env: dict[Value, Value], shapes: Sequence[Value], carried: list[Value]) -> list[Value]:
            (data,), entry = carried, 0
            found: dict[int, Value] = {}
            for k, (p, index) in enumerate(n.inputs):
                found[k] = b.emit1(array.get, env[p], *(env.get(v, v) for v in index)) if index else env[p]
            args = [*(found[n.values[v]] for v in local), *(env.get(v, v) for v in read)]
            for j, (s, pullback) in enumerate(zip(n.sites, pullbacks, strict=True)):
                if pullback is None:
                    continue
                own = [v for v in local if n.values[v] in s.inputs]
                inner = dict(zip(pullback.params, [*args, constant(b, 1, element(s.value.type))], strict=True))
                b.body.extend(clone_instr(i, inner) for i in pullback.block.body)
                parts = [inner.get(r, r) for r in pullback.results[len(n.sites) :]]
                for k in s.inputs:
                    partial: Term | None = None
                    for v, part in zip(own, parts, strict=True):
                        if n.values[v] == k:
                            partial = Term(b, part) if partial is None else partial + Term(b, part)
                    assert partial is not None
                    data = store(b, data, of_dtype(b, partial.v, dtype), iteration, j, entry)
                    entry += 1
            return [data]

        return write

    # ------------------------------------------------------------ loops

    def _start(self) -> tuple[Builder, list[Value], dict[Value, Value]]:
        """A builder with the parameters of the program, and with what it computes from data that is not differentiated."""
        b = Builder()
        params = [b.param(p.type) for p in self.f.params]
        env = dict(zip(self.f.params, params, strict=True))
        b.body.extend(clone_instr(i, env) for i in self.known)
        return b, params, env

    def _count(self, b: Builder, n: Nest, env: dict[Value, Value]) -> Value:
        i = n.instr
        if i.op.structure == "for":
            return Term(b, env[i.args[0]]).apply("maximum", 0).v
        size: Term | int = 1
        for length in self._lengths(b, i, env):
            size = Term(b, length) * size
        assert isinstance(size, Term)
        return size.v

    def _lengths(self, b: Builder, i: Instr, env: dict[Value, Value]) -> list[Value]:
        return [env.get(v, v) for v in lengths_of(b, i)]

    def _offsets(self, b: Builder, values: Sequence[Value]) -> list[Value]:
        found: list[Value] = []
        at = Term(b, integer(b, 0))
        for v in values:
            found.append(at.v)
            size = Term(b, integer(b, 1))
            for n in dims(b, v) if isinstance(v.type, Array) else []:
                size = size * Term(b, n)
            at = at + size
        return found

    def _emit(self, b: Builder, n: Nest, env: dict[Value, Value], filled: list[Value], write: Callable[..., list[Value]]) -> list[Value]:
        """The loop, with what `write` does instead of what it stores. Where that is written is each iteration's own: sparse/blocks.py takes loops no two
        iterations of which store into the same row."""
        i = n.instr
        region = i.regions[-1]
        if i.op.structure == "build":
            lengths = self._lengths(b, i, env)

            def step(inner: Builder, index: list[Value], carried: list[Value]) -> list[Value]:
                own = {**env, **dict(zip(region.params, index, strict=True))}
                inner.body.extend(clone_instr(k, own) for k in n.known)
                return write(inner, position(inner, lengths, index, integer(inner, 0)), own, [lengths] * len(n.sites), carried)

            return nest(b, lengths, filled, step, own=True)
        kept = [k for k, _ in enumerate(region.params[1:]) if not self._stored(n, k)]
        shapes = {o: dims(b, env[i.args[1 + k]]) for k, o in enumerate(i.outs) if k not in kept}
        sub = b.sub()
        own = dict(env)
        for p in (region.params[0], *(region.params[1 + k] for k in kept)):
            own[p] = sub.param(p.type)
        carried = [sub.param(v.type) for v in filled]
        sub.body.extend(clone_instr(k, own) for k in n.known)
        lengths_by_site = [shapes[self.f.results[s.out]] for s in n.sites]
        new = write(sub, own[region.params[0]], own, lengths_by_site, carried)
        results = [own.get(region.results[k], region.results[k]) for k in kept]
        outs = b.emit(for_, env[i.args[0]], *(env[i.args[1 + k]] for k in kept), *filled, regions=(sub.block(*results, *new),), own=True)
        return list(outs[len(kept) :])

    def _stored(self, n: Nest, k: int) -> bool:
        return any(self.f.results[s.out] is n.instr.outs[k] for s in n.sites)


def _total(b: Builder, values: Sequence[Value]) -> Value:
    total = Term(b, integer(b, 0))
    for v in values:
        total = Term(b, v) + total
    return total.v


def _vector(b: Builder, values: Sequence[Value]) -> Value:
    out = b.emit1(array.empty, dtype=I64, shape=(len(values),))
    for k, v in enumerate(values):
        out = b.emit1(array.set_, out, v, integer(b, k))
    return out


def blocks(f: Function, wrt: Sequence[int], outs: Sequence[int]) -> Blocks | None:
    """The loops of a prepared program, if all its results `outs` come from parallel loops over gathered inputs; else None."""
    inputs = [f.params[k] for k in wrt]
    influence = Influence(f.block, inputs)
    number = {f.results[o]: o for o in outs}
    if len(number) != len(outs):
        return None
    known: list[Instr] = []
    nests: list[Nest] = []
    for i in f.block.body:
        if not any(o in influence.tainted for o in i.outs) and (i.op is array.dim_ or not any(True for _ in influence.reads(i))):
            known.append(i)
            continue
        found = _nest(i, number, influence, inputs)
        if found is None:
            return None
        nests.append(found)
    stored = {s.out for n in nests for s in n.sites}
    if any(r in influence.tainted and o not in stored for r, o in number.items()) or not nests:
        return None
    return Blocks(f, wrt, outs, nests, known)


def _nest(i: Instr, number: dict[Value, int], influence: Influence, inputs: Sequence[Value]) -> Nest | None:
    if i.op.structure not in ("for", "build") or influence.uncertain(i) or i.attrs.get("reduce"):
        return None
    if any(a in influence.tainted for a in i.args) or any(o in influence.open or (o in influence.tainted and o not in number) for o in i.outs):
        return None
    region = i.regions[0]
    if i.op.structure == "build":
        sites = [Site(number[o], r, region.params) for o, r in zip(i.outs, region.results, strict=True) if o in influence.tainted]
        if any(o not in influence.tainted for o in i.outs):
            return None
        written: set[Instr] = set()
    else:
        found = _chains(i, region, number, influence)
        if found is None:
            return None
        sites, written = found
    n = Nest(i, sites)
    return n if _sorted(n, region, influence, inputs, written) else None


def _chains(i: Instr, region: Block, number: dict[Value, int], influence: Influence) -> tuple[list[Site], set[Instr]] | None:
    """The writes of a loop to the results that it carries, which it does not read."""
    made = {o: j for j in region.body for o in j.outs}
    uses: dict[Value, int] = {}
    for j in region.body:
        for v in (*j.args, *(v for r in j.regions for v in free_values(r))):
            uses[v] = uses.get(v, 0) + 1
    sites: list[Site] = []
    written: set[Instr] = set()
    for k, (p, y, o) in enumerate(zip(region.params[1:], region.results, i.outs, strict=True)):
        if p not in influence.tainted:
            continue
        chain: list[Site] = []
        v = y
        while v is not p:
            j = made.get(v)
            if j is None or j.op is not array.set_ or j in written or uses.get(v, 0) + region.results.count(v) != 1:
                return None
            if any(a in influence.tainted for a in j.args[2:]):
                return None
            written.add(j)
            chain.append(Site(number[o], j.args[1], j.args[2:]))
            v = j.args[0]
        if uses.get(p, 0) != bool(chain) or i.args[1 + k] in influence.tainted:
            return None
        sites += reversed(chain)
    return sites, written


def _sorted(n: Nest, region: Block, influence: Influence, inputs: Sequence[Value], written: set[Instr]) -> bool:
    """Sort the body into what is known, local inputs, and the rest; find what each site depends on. False if an iteration reads inputs in other ways."""
    made = {o: j for j in region.body for o in j.outs}
    counter = region.params[0] if n.instr.op.structure == "for" else None
    indices = {counter} if counter is not None else set(region.params)

    def plain(v: Value) -> Value:
        """An index that counts iterations is not negative: the check returns what it is given."""
        j = made.get(v)
        return j.args[0] if j is not None and j.op is array.index and j.args[0] in indices else v

    keys: dict[tuple[Value, ...], int] = {}

    def local(v: Value, p: Value, index: Index) -> None:
        key = (p, *map(plain, index))
        if key not in keys:
            keys[key] = len(n.inputs)
            n.inputs.append((p, index))
        n.values[v] = keys[key]

    for p in inputs:
        if isinstance(p.type, Scalar):
            local(p, p, ())
    given = set(inputs)
    for j in region.body:
        if j in written:
            continue
        reads = list(influence.reads(j))
        if j.op is array.get and j.args[0] in given and not any(a in influence.tainted for a in j.args[1:]):
            local(j.outs[0], j.args[0], j.args[1:])
        elif j.op is array.dim_ or (not reads and not any(o in influence.tainted for o in j.outs)):
            n.known.append(j)
        elif any(isinstance(v.type, Array) and v in influence.tainted for v in (*reads, *j.outs)):
            return False
        else:
            n.inner.append(j)
    depends: dict[Value, set[int]] = {v: {k} for v, k in n.values.items()}
    for j in n.inner:
        flags = differentiable_arguments(j) if not j.regions else ()
        used = [a for a, f in zip(j.args, flags, strict=True) if f] if not j.regions else list(influence.reads(j))
        found = set[int]().union(*(depends.get(v, set()) for v in used))
        depends.update((o, found) for o in j.outs)
    for s in n.sites:
        s.inputs = sorted(depends.get(s.value, ()))
    if len(n.sites) > 1 and not all(s.inputs for s in n.sites):
        return False  # a number that does not vary may be stored over one that does, and has no entry by which that would be seen
    used_inputs = {k for s in n.sites for k in s.inputs}
    if any(depends.get(s.value) and not isinstance(s.value.type, Scalar) for s in n.sites):
        return False
    n.values = {v: k for v, k in n.values.items() if k in used_inputs or any(v in j.args or any(v in free_values(r) for r in j.regions) for j in n.inner)}
    return True


__all__ = ["Blocks", "blocks"]
