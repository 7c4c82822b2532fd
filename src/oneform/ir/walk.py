"""Look at blocks and rebuild them: every instruction, free values, substitution, fresh copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from oneform.ir.core import Attrs, Block, Instr, Value

Subst = dict[Value, Value]


def instructions(body: Iterable[Instr]) -> Iterator[Instr]:
    """Every instruction, those of regions after the one that holds them."""
    for i in body:
        yield i
        for r in i.regions:
            yield from instructions(r.body)


def free_values(block: Block) -> dict[Value, None]:
    """The values a block reads from the blocks around it, in order of first use (a dict used as an ordered set)."""
    found: dict[Value, None] = {}
    _free(block, set(), found)
    return found


def _free(block: Block, bound: set[Value], found: dict[Value, None]) -> None:
    bound = {*bound, *block.params} if block.params else bound
    local = set(bound)
    for i in block.body:
        for a in i.args:
            if a not in local:
                found[a] = None
        for r in i.regions:
            _free(r, local, found)
        local.update(i.outs)
    for r in block.results:
        if r not in local:
            found[r] = None


def reads(instr: Instr) -> dict[Value, None]:
    """All values an instruction reads: its arguments and what its regions take from outside."""
    found = dict.fromkeys(instr.args)
    for r in instr.regions:
        found.update(free_values(r))
    return found


def clone_instr(i: Instr, env: Subst, attrs: Callable[[Instr], Attrs] | None = None) -> Instr:
    """A copy with fresh results, arguments replaced through `env`; `env` learns the new results."""
    args = tuple(env.get(a, a) for a in i.args)
    regions = tuple(clone_block(r, env) for r in i.regions)
    outs = tuple(Value(o.type) for o in i.outs)
    env.update(zip(i.outs, outs, strict=True))
    return Instr(i.op, args, attrs(i) if attrs else i.attrs, regions, outs, i.loc)


def clone_block(block: Block, env: Subst) -> Block:
    """A copy with fresh parameters and values; free values are replaced through `env`."""
    env = dict(env)
    params = tuple(Value(p.type) for p in block.params)
    env.update(zip(block.params, params, strict=True))
    body = tuple(clone_instr(i, env) for i in block.body)
    return Block(params, body, tuple(env.get(r, r) for r in block.results))


def inline(block: Block, args: Iterable[Value], into: list[Instr], outer: Subst | None = None) -> tuple[Value, ...]:
    """Append a copy of `block` to `into` with its parameters bound to `args`, and free values replaced through `outer`; return its results."""
    env: Subst = {**(outer or {}), **dict(zip(block.params, args, strict=True))}
    into.extend(clone_instr(i, env) for i in block.body)
    return tuple(env.get(r, r) for r in block.results)


def substitute(block: Block, env: Subst) -> Block:
    """The same values, with free ones replaced: no fresh copies, so the old block must not be used any more."""
    if not env:
        return block
    body = tuple(
        Instr(i.op, tuple(env.get(a, a) for a in i.args), i.attrs, tuple(substitute(r, env) for r in i.regions), i.outs, i.loc)
        for i in block.body
    )
    return Block(block.params, body, tuple(env.get(r, r) for r in block.results))
