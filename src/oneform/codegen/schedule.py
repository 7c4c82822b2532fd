"""Reads of an old version of an array go before the write that follows it, so that the write can be made in place.

Simplification may let a read look through a write at another place: `b = set a, v, 1; x = get a, 0`. In this order the old version lives
on, and the write would copy the array. Reads have no effects, so they may move up, together with what they depend on.
"""

from __future__ import annotations

from oneform.codegen.plan import in_memory
from oneform.ir import Block, Function, Instr, Value, free_values
from oneform.layout import is_small


def schedule(f: Function, writes: bool) -> Function:
    """f with reads moved before overwriting writes. With `writes`, whatever may raise stays where it is: the caller sees what was written before."""
    block = _block(f.block, writes)
    return f if block is f.block else Function(f.name, block)


def _block(block: Block, writes: bool) -> Block:
    body = [_within(i, writes) for i in block.body]
    changed = any(a is not b for a, b in zip(body, block.body, strict=True))
    reads = [_reads(i) for i in body]
    last: dict[Value, int] = {}
    for k, values in enumerate(reads):
        last.update((v, k) for v in values if in_memory(v.type))
    for r in block.results:
        last[r] = len(body)
    k = 0
    while k < len(body):
        for v in _overwritten(body[k]):
            if k < last[v] < len(body):
                k += _move_reads(body, reads, k, v, writes)
                changed = True
        k += 1
    return Block(block.params, tuple(body), block.results) if changed else block


def _within(i: Instr, writes: bool) -> Instr:
    regions = tuple(_block(r, writes) for r in i.regions)
    return i if all(a is b for a, b in zip(regions, i.regions, strict=True)) else Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)


def _reads(i: Instr) -> dict[Value, None]:
    """All that an instruction depends on; of an array whose length alone is asked, nothing."""
    found = dict.fromkeys(i.args)
    for r in i.regions:
        found.update(free_values(r))
    return found


def _overwritten(i: Instr) -> list[Value]:
    """Arrays whose memory the instruction wants to take over."""
    taken = [i.args[k] for k in i.op.consumes]
    if i.op.structure in ("for", "while"):
        taken = list(i.args)
    return [v for v in dict.fromkeys(taken) if in_memory(v.type) and not is_small(v.type)]


def _raises(i: Instr) -> bool:
    return (i.op.raises and bool(i.attrs.get("checked", True))) or any(_raises(j) for r in i.regions for j in r.body)


def _move_reads(body: list[Instr], reads: list[dict[Value, None]], k: int, v: Value, writes: bool) -> int:
    """Move the readers of v that come after instruction k, and what they need, before it; returns how many instructions moved."""
    after = set(body[k].outs)  # what depends on the write
    makers: dict[Value, int] = {}
    wanted: set[int] = set()
    raising: set[int] = set()
    for j in range(k + 1, len(body)):
        dependent = bool(after.intersection(reads[j]))
        if _raises(body[j]):
            if dependent or writes:
                break  # a check before a read may be what makes the read valid, and checks keep their order: no read passes one that stays
            raising |= _cone(reads, makers, j)
        if dependent:
            after.update(body[j].outs)
            continue
        makers.update((o, j) for o in body[j].outs)
        if v in reads[j] and body[j].op.lower != "dim":
            wanted |= raising | _cone(reads, makers, j)
    for at, j in enumerate(sorted(wanted)):
        body.insert(k + at, body.pop(j))
        reads.insert(k + at, reads.pop(j))
    return len(wanted)


def _cone(reads: list[dict[Value, None]], makers: dict[Value, int], j: int) -> set[int]:
    """Instruction j and those made after the write that it depends on."""
    found: set[int] = set()
    stack = [j]
    while stack:
        at = stack.pop()
        if at not in found:
            found.add(at)
            stack.extend(makers[r] for r in reads[at] if r in makers)
    return found
