"""Several directions at once: a program that is linear in some of its parameters, with `count` values for each number that depends on them.

A number becomes as many numbers, an array one with a last axis of that length; what does not depend on the direction is computed once for all of
them. The lanes of an element lie side by side in memory, so that machine code works on them as vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from oneform.ir import DEAR, Block, Builder, Function, Instr, Op, Value, clone_block, clone_instr, instructions
from oneform.ops import array, dims, integer
from oneform.transforms.sparsity.influence import LOOPS, Influence, lowered
from oneform.transforms.sparsity.store import nest
from oneform.types import I64, Array, Scalar, Type, element, shape_of

Wide = Value | tuple[Value, ...]  # an array with lanes, or the lanes of a number


_ELEMENTS = {array.get: 1, array.set_: 2, array.add_at: 2}  # where the indices start


# Instructions, all lanes together: beyond that compiling takes long. Of more than some 2000 LLVM makes no vectors, but what does not depend on the direction
# is still computed once.
_LARGEST = 6000


class NoLanes(Exception):
    """The program does something that is not known for several directions at once."""


def _with_an_axis(i: Instr, influence: Influence) -> bool:
    """Whether the lanes of an array constructor can be one more axis of it: what depends on them in its region are numbers made of elements."""
    inside = i.regions[0].body
    own = {o for j in inside for o in j.outs}
    for j in inside:
        wide = [a for a in j.args if a in influence.tainted and a not in own]
        if j.op.structure or j.op.raises or (wide and (j.op not in (array.get, array.dim_) or wide != [j.args[0]])):
            return False
        if j.op is array.get and any(a in influence.tainted for a in j.args[1:]):
            return False
    if any(r in influence.tainted and r not in own for r in i.regions[0].results) or any(a in influence.tainted for a in i.args):
        return False
    return not (i.attrs["extent"] and _dear(i.regions[0], influence))


def _dear(region: Block, influence: Influence) -> list[Value]:
    """What is the same in all lanes, is read by what is not, and takes long to compute."""
    dear: set[Value] = set()
    found: dict[Value, None] = {}
    for j in region.body:
        if not any(o in influence.tainted for o in j.outs):
            if j.op.cost >= DEAR or not dear.isdisjoint(j.args):
                dear.update(j.outs)
        else:
            found.update((a, None) for a in j.args if a in dear)
    return list(found)


class Lanes:
    """`env`: what is the same in all directions; `wide`: what is not. `constructs`: whether array constructors stay such, with one more axis."""

    constructs = True

    def __init__(self, f: Function, directions: Sequence[Value], count: int):
        influence = Influence(f.block, directions)
        self.block = lowered(f.block, influence, kept=lambda i: self.constructs and _with_an_axis(i, influence))
        self.influence = Influence(self.block, directions)
        self.count = count
        if count * sum(any(o in self.influence.tainted for o in i.outs) for i in instructions(self.block.body)) > _LARGEST:
            raise NoLanes
        self.env: dict[Value, Value] = {}
        self.wide: dict[Value, Wide] = {}
        self.threaded: list[Value] = []  # what loops carry besides, where `threads` says so
        self.fillings: dict[Value, Instr] = {o: i for i in instructions(self.block.body) if i.op in (array.full, array.empty) for o in i.outs}

    def run(self, b: Builder, args: Sequence[Wide], picks: Sequence[int]) -> list[Wide]:
        """The function's body on these arguments; some of its results, with lanes."""
        for p, a in zip(self.block.params, args, strict=True):
            if p in self.influence.tainted:
                self.wide[p] = a
            else:
                assert isinstance(a, Value)
                self.env[p] = a
        self.body(self.block, b)
        return [self.widened(b, self.block.results[k]) for k in picks]

    def value(self, v: Value) -> Value:
        return self.env.get(v, v)

    # ------------------------------------------------------------ values with lanes

    def widened(self, b: Builder, v: Value) -> Wide:
        """All lanes of a value: the same in all of them, if it does not depend on the direction."""
        if v in self.wide:
            return self.wide[v]
        x = self.value(v)
        if isinstance(v.type, Scalar):
            return (x,) * self.count
        if not isinstance(v.type, Array):
            raise NoLanes
        i = self.fillings.get(v)
        if i is not None:
            return b.instr(i.op, [*map(self.value, i.args)], {**i.attrs, "shape": (*shape_of(v.type), self.count)}, (), i.loc).outs[0]
        lengths = dims(b, x)
        opened = [n for n, d in zip(lengths, shape_of(v.type), strict=True) if not isinstance(d, int)]
        new = b.emit1(array.empty, *opened, dtype=element(v.type), shape=(*shape_of(v.type), self.count))

        def copied(inner: Builder, index: list[Value], carried: list[Value]) -> list[Value]:
            return [self.stored(inner, array.set_, carried[0], (inner.emit1(array.get, x, *index),) * self.count, index)]

        return nest(b, lengths, [new], copied)[0]

    def lanes(self, b: Builder, v: Value) -> tuple[Value, ...]:
        found = self.widened(b, v)
        assert isinstance(found, tuple)
        return found

    def whole(self, b: Builder, v: Value) -> Value:
        found = self.widened(b, v)
        assert isinstance(found, Value)
        return found

    def stored(self, b: Builder, op: Op, a: Value, lanes: Sequence[Value], index: Sequence[Value]) -> Value:
        """Every lane of one element set, or added to."""
        for k, x in enumerate(lanes):
            a = b.emit1(op, a, x, *index, integer(b, k))
        return a

    # ------------------------------------------------------------ instructions

    def body(self, block: Block, b: Builder) -> None:
        for i in block.body:
            b.loc = i.loc
            if not any(o in self.influence.tainted for o in i.outs) and not any(True for _ in self.influence.reads(i)):
                b.body.append(clone_instr(i, self.env))
            elif i.op.structure:
                found = self.structures.get(i.op.structure)
                if found is None or self.influence.uncertain(i):
                    raise NoLanes
                found(self, i, b)
            else:
                self.instruction(i, b)

    def instruction(self, i: Instr, b: Builder) -> None:
        if i.op in _ELEMENTS:
            if any(a in self.influence.tainted for a in i.args[_ELEMENTS[i.op] :]):
                raise NoLanes
            self._element(i, b)
        elif i.op is array.dim_:
            self.env[i.outs[0]] = b.emit1(array.dim_, self.whole(b, i.args[0]), **i.attrs)
        elif i.op is array.copy and isinstance(i.outs[0].type, Array):
            self.wide[i.outs[0]] = b.emit1(array.copy, self.whole(b, i.args[0]))
        elif i.op is array.full and not any(a in self.influence.tainted for a in i.args[1:]):
            self._full(i, b)
        elif all(isinstance(v.type, Scalar) for v in (*i.args, *i.outs)):
            lanes = [self.lanes(b, a) for a in i.args]
            outs = [b.instr(i.op, [a[k] for a in lanes], i.attrs, (), i.loc).outs for k in range(self.count)]
            self.wide.update((o, tuple(own[j] for own in outs)) for j, o in enumerate(i.outs))
        else:
            raise NoLanes

    def _element(self, i: Instr, b: Builder) -> None:
        index = [self.value(k) for k in i.args[_ELEMENTS[i.op] :]]
        a = self.whole(b, i.args[0])
        if i.op is array.get:
            self.wide[i.outs[0]] = tuple(b.emit1(array.get, a, *index, integer(b, k)) for k in range(self.count))
        else:
            self.wide[i.outs[0]] = self.stored(b, i.op, a, self.lanes(b, i.args[1]), index)

    def _full(self, i: Instr, b: Builder) -> None:
        lanes, lengths = self.lanes(b, i.args[0]), [self.value(n) for n in i.args[1:]]
        shape = shape_of(i.outs[0].type)
        new = b.emit1(array.empty, *lengths, dtype=element(i.outs[0].type), shape=(*shape, self.count))
        given = iter(lengths)
        along = [integer(b, d) if isinstance(d, int) else next(given) for d in shape]
        (self.wide[i.outs[0]],) = nest(b, along, [new], lambda inner, index, carried: [self.stored(inner, array.set_, carried[0], lanes, index)])

    # ------------------------------------------------------------ regions

    def threads(self, i: Instr) -> bool:
        return False

    def _types(self, v: Value) -> list[Type]:
        if v not in self.influence.tainted:
            return [v.type]
        if isinstance(v.type, Scalar):
            return [v.type] * self.count
        if not isinstance(v.type, Array):
            raise NoLanes
        return [Array(element(v.type), (*shape_of(v.type), self.count))]

    def _bind(self, v: Value, given: list[Value]) -> None:
        """The next of `given` for a value of the old program."""
        if v not in self.influence.tainted:
            self.env[v] = given.pop(0)
        elif isinstance(v.type, Scalar):
            self.wide[v] = tuple(given[: self.count])
            del given[: self.count]
        else:
            self.wide[v] = given.pop(0)

    def _passed(self, b: Builder, values: Sequence[Value], targets: Sequence[Value]) -> list[Value]:
        """What stands for `values` where they become `targets`."""
        found: list[Value] = []
        for v, t in zip(values, targets, strict=True):
            if t not in self.influence.tainted:
                found.append(self.value(v))
            else:
                x = self.widened(b, v)
                found += [x] if isinstance(x, Value) else x
        return found

    def _loop(self, i: Instr, b: Builder) -> None:
        skip = LOOPS[i.op.structure]
        carried = i.regions[-1].params[skip:]
        threads = self.threads(i)
        own = self.threaded if threads else []
        inits = self._passed(b, i.args[skip:], carried)
        blocks: list[Block] = []
        for r in i.regions:
            sub = b.sub()
            for p in r.params:
                self._bind(p, [sub.param(t) for t in self._types(p)])
            if threads:
                self.threaded = [sub.param(v.type) for v in own]
            self.body(r, sub)
            results = self._passed(sub, r.results, carried) if r is i.regions[-1] else [self.value(v) for v in r.results]
            blocks.append(sub.block(*results, *(self.threaded if threads and r is i.regions[-1] else ())))
        rest = self._leave(i, b.instr(i.op, (*map(self.value, i.args[:skip]), *inits, *own), i.attrs, tuple(blocks), i.loc))
        if threads:
            self.threaded = rest

    def _build(self, i: Instr, b: Builder) -> None:
        """The lanes are the last axis. What has none is made as before; so is what they share and takes long."""
        (region,) = i.regions
        same = [k for k, o in enumerate(i.outs) if o not in self.influence.tainted]
        dear = _dear(region, self.influence)
        lengths = [*map(self.value, i.args)]
        shared: dict[Value, Value] = {}
        if same or dear:
            alike = tuple(j for j in region.body if not any(o in self.influence.tainted for o in j.outs))
            block = clone_block(Block(region.params, alike, (*(region.results[k] for k in same), *dear)), self.env)
            new = b.instr(i.op, lengths, i.attrs, (block,), i.loc).outs
            self.env.update(zip((i.outs[k] for k in same), new, strict=False))
            shared.update(zip(dear, new[len(same) :], strict=True))
        wide = [k for k, o in enumerate(i.outs) if o in self.influence.tainted]
        block = self._region(b, i, wide, shared)
        new = b.instr(i.op, lengths, {**i.attrs, "shape": (*i.attrs["shape"], self.count)}, (block,), i.loc).outs
        for k, v in zip(wide, new, strict=True):
            number = isinstance(i.outs[k].type, Scalar)
            self.wide[i.outs[k]] = tuple(b.emit1(array.get, v, integer(b, lane)) for lane in range(self.count)) if number else v

    def _region(self, b: Builder, i: Instr, wide: Sequence[int], shared: dict[Value, Value]) -> Block:
        """The region of an array constructor with the lane as one more index. `shared`: arrays of numbers computed in it."""
        (region,), rank = i.regions, len(i.attrs["shape"])
        sub, env = b.sub(), dict(self.env)
        params = [sub.param(Scalar(I64)) for _ in range(len(region.params) + 1)]
        lane = params.pop(rank)
        env.update(zip(region.params, params, strict=True))
        for v, a in shared.items():
            env[v] = sub.emit1(array.get, a, *params)
        for j in region.body:
            if j.outs and all(o in shared for o in j.outs):
                continue
            if j.op is array.get and j.args[0] in self.wide:
                env[j.outs[0]] = sub.emit1(array.get, self.whole(b, j.args[0]), *(env.get(a, a) for a in j.args[1:]), lane)
            elif j.op is array.dim_ and j.args[0] in self.wide:
                env[j.outs[0]] = sub.emit1(array.dim_, self.whole(b, j.args[0]), **j.attrs)
            else:
                sub.body.append(clone_instr(j, env))
        return sub.block(*(env.get(region.results[k], region.results[k]) for k in wide))

    def _branch(self, i: Instr, b: Builder) -> None:
        blocks: list[Block] = []
        for r in i.regions:
            sub = b.sub()
            self.body(r, sub)
            blocks.append(sub.block(*self._passed(sub, r.results, i.outs)))
        self._leave(i, b.instr(i.op, (self.value(i.args[0]),), i.attrs, tuple(blocks), i.loc))

    def _leave(self, i: Instr, new: Instr) -> list[Value]:
        """Bind what `i` gave; what else `new` gives."""
        given = list(new.outs)
        for o in i.outs:
            self._bind(o, given)
        return given

    structures: dict[str, Callable[..., None]] = {"for": _loop, "while": _loop, "if": _branch, "build": _build}


__all__ = ["Lanes", "NoLanes", "Wide"]
