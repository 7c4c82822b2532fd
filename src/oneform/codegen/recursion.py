"""Generators for recursive functions and their calls: LLVM functions of their own, which return {error code, results}.

What a function reads from around it are further parameters (captures), the same at every call. Where the stack comes near its end, the
call goes on on a new piece of memory (support.DEEPER); when there is none any more, it is a RecursionError."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from oneform.codegen.complexes import Cpx, register_types
from oneform.codegen.context import BUDGET, LIMIT, POLL_EVERY
from oneform.codegen.control import Parts, parts, write_slots
from oneform.codegen.emit import Arr, Body, Emitter, Lst, Rep, Site, generator
from oneform.codegen.plan import PHI
from oneform.ir import Block, Instr, free_values, instructions
from oneform.layout import is_small
from oneform.ops.control.recursion import calls
from oneform.types import ANY, Array, List, Scalar, Type


@dataclass
class Callee:
    """A recursive function as its callers know it. `depth`: in how many functions it is defined."""

    symbol: str
    depth: int
    params: tuple[Type, ...]
    results: tuple[Type, ...]
    captures: Parts = field(default_factory=list[tuple[str, str]])  # as the place of its definition names them

    @property
    def result_type(self) -> str:
        return "{" + ", ".join(["i32", *(t for r in self.results for t in _registers(r))]) + "}"


@generator("recursive")
def _recursive(em: Emitter, i: Instr) -> Sequence[Rep]:
    region, name = i.regions[0], i.attrs["name"]
    callee = Callee(em.fresh("of.function"), len(em.levels), tuple(p.type for p in region.params), tuple(i.attrs["types"]))
    callee.captures = captures(em, region)
    outer = em.functions
    em.functions = {**outer, name: callee}
    _define(em, i, callee)
    em.functions = outer
    return _call(em, i, callee)


@generator("recur")
def _recur(em: Emitter, i: Instr) -> Sequence[Rep]:
    return _call(em, i, em.functions[i.attrs["name"]])


# ---------------------------------------------------------------- what a function takes and gives


def _registers(t: Type) -> list[str]:
    """LLVM types of the registers that a value of this type travels in; small arrays travel in memory of the caller's."""
    match t:
        case Scalar(d):
            return list(register_types(d))
        case Array(_, shape):
            return [] if is_small(t) else ["ptr", *("i64" for d in shape if not isinstance(d, int))]
        case List():
            return ["ptr", "i64", "i64"]


def _rep(t: Type, names: list[str]) -> Rep:
    """A value from its registers, taken from the front of `names`."""
    match t:
        case Scalar(d):
            return Cpx(names.pop(0), names.pop(0)) if d.kind == "c" else names.pop(0)
        case Array(d, shape):
            return Arr(d, names.pop(0), tuple(str(n) if isinstance(n, int) else names.pop(0) for n in shape))
        case List():
            return Lst(t, names.pop(0), names.pop(0), names.pop(0))


def captures(em: Emitter, region: Block) -> Parts:
    """The registers that a region reads from around it, those of outer functions that it calls included."""
    found: dict[tuple[str, str], None] = {}
    for v in free_values(region):
        found.update(dict.fromkeys(parts(em.env[v], v.type, PHI)))
    for symbol in _symbols(region):
        if symbol in em.symbols:
            found["i64", em.symbols[symbol]] = None
    for i in instructions(region.body):
        outer = em.functions.get(i.attrs["name"]) if i.op.structure == "recur" else None
        if isinstance(outer, Callee):
            found.update(dict.fromkeys(_captured(em, outer)))
    return [(t, x) for t, x in found if x.startswith("%")]


def _symbols(region: Block) -> set[str]:
    values = [*region.params, *(v for i in instructions(region.body) for v in (*i.args, *i.outs, *(p for r in i.regions for p in r.params)))]
    return {d for v in values if isinstance(v.type, Array) for d in v.type.shape if isinstance(d, str) and d != ANY}


@contextmanager
def function(em: Emitter, region: Block, names: dict[str, str]) -> Generator[Body]:
    """The region as a function of its own, where registers from around it have these names."""
    env = {v: renamed(em.env[v], names) for v in free_values(region)}
    symbols = {s: names.get(em.symbols[s], em.symbols[s]) for s in _symbols(region) if s in em.symbols}
    with em.function(names) as body:
        em.env.update(env)
        em.symbols.update(symbols)
        yield body


def _captured(em: Emitter, callee: Callee) -> Parts:
    """The captures of a function, as the current place names them."""
    found: Parts = []
    for t, x in callee.captures:
        for names in em.levels[callee.depth :]:
            x = names[x]
        found.append((t, x))
    return found


def renamed(rep: Rep, names: dict[str, str]) -> Rep:
    match rep:
        case str():
            return names.get(rep, rep)
        case Cpx():
            return Cpx(names.get(rep.re, rep.re), names.get(rep.im, rep.im))
        case Arr():
            return Arr(rep.dtype, names.get(rep.ptr, rep.ptr), tuple(names.get(d, d) for d in rep.dims))
        case Lst():
            return Lst(rep.type, names.get(rep.ptr, rep.ptr), names.get(rep.top, rep.top), names.get(rep.cap, rep.cap))


# ---------------------------------------------------------------- the call


def _call(em: Emitter, i: Instr, callee: Callee) -> Sequence[Rep]:
    moved = em.plan.moved[em.plan.functions[i]]
    delivered = em.plan.delivered[em.plan.functions[i]]
    given = [em.operand(i, k, t) if k in moved else em.env[a] for k, (a, t) in enumerate(zip(i.args, callee.params, strict=True))]
    args = [x for rep, t in zip(given, callee.params, strict=True) for x in parts(rep, t, PHI)]
    small: list[Rep | None] = [
        given[delivered[k]] if k in delivered else em.slot(t) if is_small(t) and isinstance(t, Array) else None for k, t in enumerate(callee.results)
    ]
    args += [("ptr", s.ptr) for k, s in enumerate(small) if isinstance(s, Arr) and k not in delivered]
    args += _captured(em, callee)
    passed = ", ".join(["ptr %ctx", *(f"{t} {x}" for t, x in args)])
    kind = callee.result_type
    out = em.ins(f"notail call fastcc {kind} @{callee.symbol}({passed})")  # as a loop, an endless recursion would not end in an error
    code = em.ins(f"extractvalue {kind} {out}, 0")
    em.succeeded(code)
    count = sum(len(_registers(t)) for t in callee.results)
    names = [em.ins(f"extractvalue {kind} {out}, {k + 1}") for k in range(count)]
    return [s if s is not None else _rep(t, names) for s, t in zip(small, callee.results, strict=True)]


# ---------------------------------------------------------------- the function


def _define(em: Emitter, i: Instr, callee: Callee) -> None:
    region = i.regions[0]
    names = {x: em.new() for _, x in callee.captures}
    moved = em.plan.moved[i]
    signature: list[tuple[str, str, str]] = []  # LLVM type, attributes, name
    with function(em, region, names) as body:
        for k, p in enumerate(region.params):
            own = [em.new() for _ in (_registers(p.type) or "p")]
            kinds = _registers(p.type) or ["ptr"]
            signature += [(t, attributes(t, k in moved), x) for t, x in zip(kinds, own, strict=True)]
            em.bind(p, _rep(p.type, list(own)))
        delivered = em.plan.delivered[i]
        small = [em.new() if is_small(t) and k not in delivered else "" for k, t in enumerate(callee.results)]
        signature += [("ptr", "noalias captures(none)", x) for x in small if x]
        signature += [(t, attributes(t, False), names[x]) for t, x in callee.captures]
        _prologue(em, i, callee, signature)
        em.loops.append(i)
        em.block(region)
        _return(em, region, callee, [em.array(region.params[delivered[k]]).ptr if k in delivered else x for k, x in enumerate(small)])
        em.loops.pop()
        exits(em, callee.result_type)
    takes = ", ".join(["ptr noalias captures(none) %ctx", *(f"{t} {a} {x}" for t, a, x in signature)])
    text = [f"define internal fastcc {callee.result_type} @{callee.symbol}({takes}) #7 {{", "entry:", *body.entry, *body.lines, *body.tail, "}"]
    em.others.append("\n".join([*text, *_deeper(em, i, callee, [t for t, _, _ in signature])]))


def attributes(t: str, moved: bool) -> str:
    return "" if t != "ptr" else "noalias" if moved else "noalias readonly captures(none)"


def _prologue(em: Emitter, i: Instr, callee: Callee, signature: Sequence[tuple[str, str, str]]) -> None:
    """Go on elsewhere if the stack ends; poll now and then."""
    em.use("deeper")
    at = em.ins(f"ptrtoint ptr {em.ins('call ptr @of.here()')} to i64")
    limit = em.ins(f"load i64, ptr {em.ins(f'getelementptr i8, ptr %ctx, i64 {LIMIT}')}")
    em.do(f"br i1 {em.ins(f'icmp ult i64 {at}, {limit}')}, label %deeper, label %enough, !prof !1")
    em.begin("deeper")
    passed = ", ".join(["ptr %ctx", *(f"{t} {x}" for t, _, x in signature)])
    em.do(f"ret {callee.result_type} {em.ins(f'call fastcc {callee.result_type} @{callee.symbol}.deeper({passed})')}")
    em.begin("enough")
    budget = em.ins(f"getelementptr i8, ptr %ctx, i64 {BUDGET}")
    left = em.ins(f"sub i64 {em.ins(f'load i64, ptr {budget}')}, 1")
    em.do(f"store i64 {left}, ptr {budget}")
    poll, on = em.fresh("poll"), em.fresh("on")
    em.do(f"br i1 {em.ins(f'icmp slt i64 {left}, 0')}, label %{poll}, label %{on}, !prof !1")
    em.begin(poll)
    em.poll()
    em.do(f"store i64 {POLL_EVERY}, ptr {budget}")
    em.jump(on)
    em.begin(on)


def _return(em: Emitter, region: Block, callee: Callee, small: Sequence[str]) -> None:
    out = f"{callee.result_type} undef"
    position = 0

    def put(t: str, x: str) -> None:
        nonlocal out, position
        out = f"{callee.result_type} " + em.ins(f"insertvalue {out}, {t} {x}, {position}")
        position += 1

    put("i32", "0")
    moves: list[tuple[Arr, Arr]] = []
    for rep, t, to in zip(em.results(region, callee.results), callee.results, small, strict=True):
        if not to:
            for kind, x in parts(rep, t, PHI):
                put(kind, x)
        elif isinstance(rep, Arr) and rep.ptr != to:
            moves.append((Arr(rep.dtype, to, rep.dims), rep))
    write_slots(em, moves, callee.results)
    em.do(f"ret {out}")


def exits(em: Emitter, result_type: str) -> None:
    """Where all errors of a call meet; what it had allocated is freed by the outermost."""
    if em.no_memory:
        em.use("nomemory")
        em.tail += ["nomemory:", "  call void @of.nomemory(ptr %ctx)", "  br label %fail"]
        em.failures.append(("-1", "nomemory"))
    if em.failures:
        incoming = ", ".join(f"[{code}, %{block}]" for code, block in em.failures)
        em.tail += ["fail:", f"  %code = phi i32 {incoming}", f"  %failed = insertvalue {result_type} undef, i32 %code, 0", f"  ret {result_type} %failed"]


# ---------------------------------------------------------------- more stack


def _deeper(em: Emitter, i: Instr, callee: Callee, types: Sequence[str]) -> list[str]:
    """The function called on another stack: its arguments and its result travel through a frame in memory."""
    inner = next(calls(i.regions[0], i.attrs["name"]), i)
    em.sites.append(Site("assert", "RecursionError", "maximum recursion depth exceeded", None, inner.loc, ()))
    kind, all_types = callee.result_type, ["ptr", *types]
    frame = "{" + ", ".join([*all_types, kind]) + "}"
    params = ", ".join(f"{t} %p{k}" for k, t in enumerate(all_types))
    stores = [f"  %f{k} = getelementptr {frame}, ptr %frame, i32 0, i32 {k}\n  store {t} %p{k}, ptr %f{k}" for k, t in enumerate(all_types)]
    loads = [f"  %f{k} = getelementptr {frame}, ptr %frame, i32 0, i32 {k}\n  %p{k} = load {t}, ptr %f{k}" for k, t in enumerate(all_types)]
    last = f"  %out = getelementptr {frame}, ptr %frame, i32 0, i32 {len(all_types)}"
    return [
        f"define internal fastcc {kind} @{callee.symbol}.deeper({params}) #3 {{", f"  %frame = alloca {frame}", *stores, last,
        f"  %done = call i32 @of.deeper(ptr %p0, ptr @{callee.symbol}.there, ptr %frame)", "  %failed = icmp eq i32 %done, 0",
        "  br i1 %failed, label %none, label %fine", "fine:", f"  %r = load {kind}, ptr %out", f"  ret {kind} %r",
        "none:", f"  %e = insertvalue {kind} undef, i32 {len(em.sites)}, 0", f"  ret {kind} %e", "}",
        f"define internal void @{callee.symbol}.there(i32 %low, i32 %high) #3 {{", "  %l = zext i32 %low to i64", "  %h = zext i32 %high to i64",
        "  %s = shl i64 %h, 32", "  %a = or i64 %s, %l", "  %frame = inttoptr i64 %a to ptr", *loads, last,
        f"  %r = call fastcc {kind} @{callee.symbol}({params})", f"  store {kind} %r, ptr %out", "  ret void", "}",
    ]  # fmt: skip
