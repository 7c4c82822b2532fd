"""Where the time and the memory of a value and its gradient go, by the user's lines (docs/design/014-profile.md)."""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import oneform as of
from oneform.errors import Location
from oneform.ir import Block, Function, Instr, instructions
from oneform.runtime.engine import Specialisation, entries, image_of
from oneform.runtime.trampoline import Shape
from oneform.staging import Compiled, Family, Signature, Version, lowering_arguments, options_of, origin_of, plan, without_collection
from oneform.tree import copied

WORTH = 1000  # operations inside a loop, each time it is entered, that are worth two readings of the clock
READING = 500  # ticks of the clock that a loop must take each time it is entered; two readings take about 50
AT_LEAST = 0.3  # seconds for which each program is run

Key = tuple[str, int] | None  # file and line; None: code that belongs to no line


@dataclass
class Spent:
    """What one program spends at one line: seconds of one call, runs and bytes."""

    forward: float = 0.0
    reverse: float = 0.0
    shared: float = 0.0  # seconds of these that lines of one loop were given by the estimated cost of their operations
    runs: int = 0
    saved: int = 0  # bytes written to tapes
    asked: int = 0  # bytes of arrays and lists allocated

    @property
    def seconds(self) -> float:
        return self.forward + self.reverse


@dataclass
class Loop:
    """A loop or function around which the clock was read: its own seconds, without those of the loops in it that were timed as well."""

    kind: str
    file: str
    first: int  # the range of lines of which there is code in it
    last: int
    reverse: bool  # all of it belongs to the reverse sweep
    both: bool  # some of it does
    entered: int
    rounds: int
    seconds: float


@dataclass
class Run:
    """One program: what was measured with probes, and the time of one call without them."""

    lines: dict[Key, Spent]
    loops: list[Loop]
    seconds: float  # of the compiled code, with probes
    call: float  # of a call from Python, with probes
    plain: float  # of the same call without


@dataclass
class Profile:
    """The value and the gradient of a function, and the text of the lines."""

    name: str
    value: Run
    gradient: Run
    texts: dict[Key, str] = field(default_factory=dict[Key, str])


def profile(function: Callable[..., Any], args: Sequence[Any], argnums: Sequence[int], stage: Callable[[str], None] = lambda _: None) -> Profile:
    """Measure a function and its gradient on these arguments, in one thread. The arrays among them are copied if the function writes to them."""
    texts: dict[Key, str] = {}
    alone = dataclasses.replace(options_of(function), parallel=False)
    programs = {"value": Compiled(origin_of(function), alone, "jit"), "gradient": of.grad(function, argnums=tuple(argnums), parallel=False)}
    runs: dict[str, Run] = {}
    for name, compiled in programs.items():
        stage(f"measuring the {name}")
        runs[name] = _measure(compiled, args, texts)
    return Profile(getattr(function, "__name__", "?"), runs["value"], runs["gradient"], texts)


# ---------------------------------------------------------------- the two builds


@dataclass(frozen=True)
class _Lowered:
    """A program as code is generated for it, and what is around it."""

    function: Function
    shape: Shape
    references: Any


class _Probed(Compiled):
    """A compiled function with probes; its code is its own, and not kept on disk."""

    def __init__(self, model: Compiled, lowered: _Lowered | None = None, timed: Sequence[Instr] | None = None):
        super().__init__(model.origin, dataclasses.replace(model.options, parallel=False, cache=False), model.kind)
        self.identity = self.origin.identity()
        self.family = Family(self.options, self.identity.alive)
        self.lowered, self.timed = lowered, timed
        self.probe: Any = None

    @without_collection()
    def compile(self, signature: Signature) -> Version:
        from oneform import codegen

        assert self.identity is not None
        low = self.lowered
        if low is None:
            found = self.origin.lower(*lowering_arguments(signature))
            references = [self.identity.reference(c.name, c.read) for c in found.captures]
            function, shape = plan(found, signature, references, self.identity, False)
            low = self.lowered = _Lowered(codegen.prepared(function, shape.writes), shape, references)
        self.probe = codegen.Probe(low.function, self.timed if self.timed is None else frozenset(self.timed))
        options = codegen.Options(fastmath=self.options.fastmath, boundscheck=self.options.boundscheck)
        kernel = codegen.compile_probed(low.function, low.shape.writes, options, entries(low.shape), self.probe)
        return Version(Specialisation(image_of(kernel), low.shape), low.references, lambda: True)


def _measure(model: Any, args: Sequence[Any], texts: dict[Key, str]) -> Run:
    counting = _Probed(model)
    counting(*copied(tuple(args)))
    low = counting.lowered
    assert low is not None
    tree = _Tree(low.function, counting.probe)
    timing = _Probed(model, low, tree.worth_timing())
    ticks, call, plain, pace = _timed(timing, model, copied(tuple(args)))
    kept = [i for i in timing.timed or () if ticks[i] >= READING * tree.entered(i)]
    if len(kept) < len(timing.timed or ()):  # the estimate took these for longer than they are: the clock would be what is measured
        ticks, call, plain, pace = _timed(_Probed(model, low, kept), model, copied(tuple(args)))
    lines, loops = tree.spent({i: t * pace for i, t in ticks.items()}, texts)
    return Run(lines, loops, sum(ticks.values()) * pace, call, plain)


def _timed(timing: _Probed, model: Any, args: Sequence[Any]) -> tuple[dict[Instr | None, int], float, float, float]:
    """Ticks by timed instruction in the fastest of many calls, the seconds of that call, those of what a user runs, called in turns, and those of a tick."""
    model(*args)
    timing(*args)
    probe = timing.probe
    regions = [None, *(timing.timed or ())]
    first, start = probe.last, time.perf_counter()
    best, call, plain = dict[Instr | None, int](), float("inf"), float("inf")
    while True:
        begin = time.perf_counter()
        model(*args)
        plain = min(plain, time.perf_counter() - begin)
        probe.clear()
        begin = time.perf_counter()
        timing(*args)
        end = time.perf_counter()
        if end - begin < call:
            best, call = {i: probe.read("ticks", i) for i in regions}, end - begin
        if end - start >= AT_LEAST:
            return best, call, plain, (end - start) / (probe.last - first)


# ---------------------------------------------------------------- from counts to lines


class _Tree:
    """The blocks of a program with how often each was run."""

    def __init__(self, function: Function, probe: Any):
        self.function, self.probe = function, probe
        self.makers = {v: i for i in instructions(function.block.body) for v in i.outs}

    def runs(self, block: Block) -> int:
        return self.probe.runs(block)

    def entered(self, i: Instr) -> int:
        """How often an instruction was run."""
        return self.runs(next(b for b in _blocks(self.function.block) if i in b.body))

    def work(self, block: Block) -> int:
        """Operations that were executed in a block and those in it, roughly in machine cycles."""
        own = self.runs(block) * sum(max(1, i.op.cost) for i in block.body if not i.regions)
        return own + sum(self.work(r) for i in block.body for r in i.regions)

    def worth_timing(self) -> list[Instr]:
        """Loops and functions that do so much each time they are entered that reading the clock does not show."""
        from oneform.codegen import TIMED

        found: list[Instr] = []

        def walk(block: Block) -> None:
            for i in block.body:
                work = sum(map(self.work, i.regions))
                if i.op.structure in TIMED and work >= WORTH * max(1, self.runs(block)):
                    found.append(i)
                for r in i.regions if work else ():
                    walk(r)

        walk(self.function.block)
        return found

    def spent(self, seconds: dict[Instr | None, float], texts: dict[Key, str]) -> tuple[dict[Key, Spent], list[Loop]]:
        """The lines and the loops, from the seconds of the timed instructions."""
        lines: dict[Key, Spent] = defaultdict(Spent)
        loops: list[Loop] = []
        weights = {i: defaultdict[tuple[Key, bool], float](float) for i, t in seconds.items() if t > 0}
        for i, block, region in self._own(self.function.block, None, weights):
            key, count = _key(i.loc, texts), self.runs(block)
            spent = lines[key]
            spent.runs = max(spent.runs, count)
            for v, size in self.probe.saved(i, count):
                maker = self.makers.get(v, i)  # what a loop carries is the loop's
                lines[_key(maker.loc or i.loc, texts)].saved += size
            spent.asked += self.probe.read("asked", i)
            place = i.loc or (region and region.loc)  # what has no line is the loop's
            if not i.regions and region in weights:
                weights[region][_key(place, texts), place is not None and place.role == "reverse"] += count * max(1, i.op.cost)
        lines[None].asked += self.probe.read("asked", None)
        for region, shares in weights.items():
            _share(lines, region, seconds[region], shares, texts)
            if region is not None:
                loops.append(self._loop(region, seconds[region], shares))
        return dict(lines), loops

    def _own(self, block: Block, region: Instr | None, timed: Any) -> Iterator[tuple[Instr, Block, Instr | None]]:
        """Each instruction, with its block and whose time it is."""
        for i in block.body:
            yield i, block, region
            for r in i.regions:
                yield from self._own(r, i if i in timed else region, timed)

    def _loop(self, i: Instr, seconds: float, shares: dict[tuple[Key, bool], float]) -> Loop:
        places = [j.loc for j in instructions((i,)) if j.loc]
        file = places[0].file if places else "?"
        found = [p.line for p in places if p.file == file] or [0]
        kind = {"build": "elements", "recursive": "function"}.get(i.op.structure, i.op.structure)
        sweeps = {back for (_, back), share in shares.items() if share}
        entered, rounds = self.entered(i), self.runs(i.regions[-1])
        return Loop(kind, file, min(found), max(found), sweeps == {True}, len(sweeps) > 1, entered, rounds, seconds)


def _blocks(block: Block) -> Iterator[Block]:
    yield block
    for i in block.body:
        for r in i.regions:
            yield from _blocks(r)


def _key(loc: Location | None, texts: dict[Key, str]) -> Key:
    if loc is None:
        return None
    texts.setdefault((loc.file, loc.line), loc.text)
    return loc.file, loc.line


def _share(lines: dict[Key, Spent], region: Instr | None, seconds: float, shares: dict[tuple[Key, bool], float], texts: dict[Key, str]) -> None:
    """The time of a loop goes to its lines by the cost of what they do; it is measured where there is only one."""
    total = sum(shares.values())
    if not total:
        shares, total = {(_key(region.loc if region else None, texts), False): 1.0}, 1.0
    for (key, reverse), share in shares.items():
        part = seconds * share / total
        lines[key].shared += part if share < total else 0.0
        if reverse:
            lines[key].reverse += part
        else:
            lines[key].forward += part
