"""Bounds checks taken out of loops: before an innermost loop, whether all its checks will hold; if so it runs without them, else with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from oneform.codegen.emit import Arr, Emitter
from oneform.codegen.plan import INPLACE
from oneform.ir import Block, Instr, Value
from oneform.types import Array

_LIMIT = 1 << 40  # trip counts and terms are below, so that no sum of the condition overflows
_SMALL = 1 << 20


@dataclass(frozen=True)
class Affine:
    """constant + the loop's variables and registers from outside, each with its factor."""

    constant: int = 0
    variables: tuple[tuple[Value, int], ...] = ()
    terms: tuple[tuple[str, int], ...] = ()

    def plus(self, o: Affine, sign: int) -> Affine:
        variables, terms = Counter(dict(self.variables)), Counter(dict(self.terms))
        for v, k in o.variables:
            variables[v] += sign * k
        for x, k in o.terms:
            terms[x] += sign * k
        left = tuple((v, k) for v, k in variables.items() if k), tuple((x, k) for x, k in terms.items() if k)
        return Affine(self.constant + sign * o.constant, *left)

    def times(self, n: int) -> Affine:
        return Affine(self.constant * n, tuple((v, k * n) for v, k in self.variables), tuple((x, k * n) for x, k in self.terms))

    @property
    def moderate(self) -> bool:
        factors = [abs(k) for _, k in (*self.variables, *self.terms)]
        return abs(self.constant) <= _LIMIT and sum(factors) <= _SMALL


class Analysis:
    """The checks of a loop or a nest of loops, seen from before it. `variables`: what runs from 0, and to where."""

    def __init__(self, em: Emitter, loop: Instr, variables: Mapping[Value, str]):
        self.em, self.loop, self.body, self.variables = em, loop, loop.regions[0], variables
        self.found: list[tuple[Instr, Affine, str]] = []
        self.known: dict[Value, Affine | None] = {}
        for i in _checks(self.body):
            at, n = self.affine(i.args[0]), self.length(i.args[1])
            if at is not None and at.moderate and n is not None:
                self.found.append((i, at, n))

    def affine(self, v: Value) -> Affine | None:
        if v not in self.known:
            self.known[v] = self.affine_of(v)
        return self.known[v]

    def affine_of(self, v: Value) -> Affine | None:
        if v in self.variables:
            return Affine(0, ((v, 1),))
        if (rep := self.em.env.get(v)) is not None:
            assert isinstance(rep, str)
            return _register(rep)
        i = self.em.plan.makers.get(v)
        if i is None:
            return None
        if i.op.lower == "const":
            return Affine(int(i.attrs["value"]))
        if i.op.lower == "dim":
            n = self.length(v)
            return None if n is None else _register(n)
        kind = i.op.lower.get("i") if isinstance(i.op.lower, Mapping) else None
        if kind not in ("add", "sub", "mul"):
            return None
        x, y = self.affine(i.args[0]), self.affine(i.args[1])
        if x is None or y is None:
            return None
        if kind != "mul":
            return x.plus(y, 1 if kind == "add" else -1)
        if not (x.variables or x.terms):
            x, y = y, x
        return None if y.variables or y.terms or abs(y.constant) > _SMALL else x.times(y.constant)

    def length(self, v: Value) -> str | None:
        """The register of a length that the loop does not change."""
        if (rep := self.em.env.get(v)) is not None:
            return rep if isinstance(rep, str) else None
        i = self.em.plan.makers.get(v)
        if i is None:
            return None
        if i.op.lower == "const":
            return str(i.attrs["value"])
        if i.op.lower != "dim":
            return None
        array, axis = i.args[0], i.attrs["axis"]
        assert isinstance(array.type, Array)
        d = array.type.shape[axis]
        if isinstance(d, int):
            return str(d)
        if array in self.em.env:
            return self.em.array(array).dims[axis]
        if d in self.em.symbols:
            return self.em.symbols[d]
        params = self.body.params[1:]
        if array in params and self.em.plan.carry.get((self.loop, params.index(array))) == INPLACE:
            start = self.em.env.get(self.loop.args[1 + params.index(array)])
            return start.dims[axis] if isinstance(start, Arr) else None
        return None

    def condition(self) -> str:
        """Whether no check can fail; always false for loops so long that the sums might overflow."""
        em = self.em
        parts = [em.ins(f"icmp sle i64 {n}, {_LIMIT}") for n in dict.fromkeys(self.variables.values()) if not n.isdigit()]
        for x in dict.fromkeys(x for _, at, _ in self.found for x, _ in at.terms):
            moved = em.ins(f"add i64 {x}, {_LIMIT}")
            parts.append(em.ins(f"icmp ult i64 {moved}, {2 * _LIMIT}"))
        for at, n in dict.fromkeys((at, n) for _, at, n in self.found):
            low = high = self.base(at)
            for v, k in at.variables:
                last = em.ins(f"mul i64 {em.ins(f'sub i64 {self.variables[v]}, 1')}, {k}")
                low, high = (low, em.ins(f"add i64 {high}, {last}")) if k > 0 else (em.ins(f"add i64 {low}, {last}"), high)
            if at.variables:
                parts += [em.ins(f"icmp sge i64 {low}, 0"), em.ins(f"icmp slt i64 {high}, {n}")]
            else:
                up, below = em.ins(f"add i64 {low}, {n}"), em.ins(f"icmp slt i64 {low}, 0")
                parts.append(em.ins(f"icmp ult i64 {em.ins(f'select i1 {below}, i64 {up}, i64 {low}')}, {n}"))
        result = parts[0]
        for p in parts[1:]:
            result = em.ins(f"and i1 {result}, {p}")
        return result

    def base(self, at: Affine) -> str:
        em, total = self.em, str(at.constant)
        for x, k in at.terms:
            total = em.ins(f"add i64 {total}, {x if k == 1 else em.ins(f'mul i64 {x}, {k}')}")
        return total

    def certain(self) -> dict[Instr, bool]:
        """The checks that the condition makes needless, and whether the index is then not negative."""
        return {i: bool(at.variables) for i, at, _ in self.found}


@dataclass(frozen=True)
class Pair:
    """A loop of which several rounds may go side by side, the one loop inside it, and what stands in its body before that."""

    loop: Instr
    inner: Instr
    before: tuple[Instr, ...]

    @property
    def variables(self) -> tuple[Value, Value]:
        return self.loop.regions[0].params[0], self.inner.regions[0].params[0]

    def limits(self, em: Emitter, n: str) -> dict[Value, str] | None:
        """How far the variables run, if it can be known before the loop that what goes side by side will not raise."""
        variables = dict(zip(self.variables, (n, em.invariant(self.inner.args[0])), strict=True))
        checks = [i for i in (*self.before, *self.inner.regions[0].body) if i.op.raises and i.attrs.get("checked", True)]
        if any(i.op.lower != "index" for i in checks):
            return None
        if not checks or not em.options.boundscheck:
            return variables
        known = em.certain or Analysis(em, self.loop, variables).certain()
        return variables if all(i in known for i in checks) else None


def _register(x: str) -> Affine:
    return Affine(int(x)) if x.lstrip("-").isdigit() else Affine(0, (), ((x, 1),))


def in_versions(em: Emitter, loop: Instr, variables: Mapping[Value, str], types: Sequence[str], run: Callable[[], Sequence[str]]) -> list[str]:
    """Run a loop, twice in the code if that takes checks out of it: without them, and with them for when one of them will fail."""
    checks = None if em.certain or em.cold or not em.options.boundscheck else Analysis(em, loop, variables)
    if checks is None or not checks.found:
        return list(run())
    certain = checks.certain()

    def version(known: dict[Instr, bool], cold: bool) -> Sequence[str]:
        em.certain, em.cold = known, cold
        return run()

    ends = either(em, checks.condition(), types, lambda: version(certain, False), lambda: version({}, True), checks.body, ", !prof !0")
    em.certain, em.cold = {}, False
    return ends


def either(
    em: Emitter, condition: str, types: Sequence[str], yes: Callable[[], Sequence[str]], no: Callable[[], Sequence[str]], body: Block, weights: str = ""
) -> list[str]:
    """A loop with this body, in the one way or the other; what its registers hold at the end."""
    if condition in ("true", "false"):
        return list(yes() if condition == "true" else no())
    labels, join = (em.fresh("fast"), em.fresh("slow")), em.fresh("join")
    em.do(f"br i1 {condition}, label %{labels[0]}, label %{labels[1]}{weights}")
    ends: list[tuple[Sequence[str], str]] = []
    for label, run in zip(labels, (yes, no), strict=True):
        em.begin(label)
        ends.append((run(), em.label))
        em.jump(join)
        em.forget(body)
    em.begin(join)
    (left, a), (right, b) = ends
    return [em.ins(f"phi {t} [{x}, %{a}], [{y}, %{b}]") for t, x, y in zip(types, left, right, strict=True)]


def _checks(block: Block) -> Iterator[Instr]:
    for i in block.body:
        if i.op.lower == "index" and i.attrs["checked"]:
            yield i
        for r in i.regions:
            yield from _checks(r)
