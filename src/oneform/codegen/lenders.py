"""Values that need no memory of their own, because they point into that of others: what a branch chooses and nobody changes, what is read from
a list that stays as it is meanwhile."""

from __future__ import annotations

from oneform.codegen.moved import taken_over
from oneform.codegen.plan import Plan, in_memory, is_length
from oneform.ir import Block, Instr, Value, instructions
from oneform.layout import is_small
from oneform.types import Array, List


class _Places:
    """Program order, and where lists are changed."""

    def __init__(self, every: list[Instr]):
        self.at: dict[Instr, int] = {}
        self.used: dict[Value, int] = {}  # where a value is read last
        self.changed: dict[Value, list[int]] = {}
        self.source: dict[Value, Value] = {}  # of a list that is read from another
        for at, i in enumerate(every):
            self.at[i] = at
            taken = i.args if i.op.structure in ("for", "while") else [i.args[k] for k in i.op.consumes]
            for a in taken:
                if isinstance(a.type, List):
                    self.changed.setdefault(a, []).append(at)
            if not is_length(i):
                self.used.update(dict.fromkeys(i.args, at))
            if i.op.lower == "item":
                self.source[i.outs[0]] = i.args[0]
        ends = {i: at for at, i in enumerate(every)}
        for i in reversed(every):
            end = ends[i]
            for r in i.regions:
                end = max([end, *(ends[j] for j in r.body)])
            ends[i] = end
            for r in i.regions:
                for v in r.results:
                    self.used[v] = max(self.used.get(v, 0), end + 1)
                    if isinstance(v.type, List):
                        self.changed.setdefault(v, []).append(end + 1)

    def unchanged(self, i: Instr) -> bool:
        """Whether the list that `item` reads from, and those it lies in, stay as they are while the result is in use."""
        source: Value | None = i.args[0]
        while source is not None:
            if any(self.at[i] < at < self.used.get(i.outs[0], 0) for at in self.changed.get(source, ())):
                return False
            source = self.source.get(source)
        return True


def find_lenders(block: Block, plan: Plan) -> dict[Value, tuple[Value, ...]]:
    """A branch between two arrays from outside it, whose result is only read, gives a pointer to one of them: they live as long as it does.
    So does what is read from a list, as long as the list is not changed."""
    lenders: dict[Value, tuple[Value, ...]] = {}
    every = list(instructions(block.body))
    taken = set(block.results)
    branches: list[tuple[Value, tuple[Value, ...]]] = []
    places = _Places(every)
    for i in every:
        taken.update(taken_over(i, plan))
        if i.op.lower == "item" and in_memory(i.outs[0].type) and not is_small(i.outs[0].type):
            branches.append((i.outs[0], (i.args[0],)))
            if places.unchanged(i):
                lenders[i.outs[0]] = (i.args[0],)
        if i.op.structure == "if":
            branches.extend((o, tuple(r.results[k] for r in i.regions)) for k, o in enumerate(i.outs))
            inside = {o for r in i.regions for j in r.body for o in j.outs}
            for o, sides in branches[len(branches) - len(i.outs) :]:
                if isinstance(o.type, Array) and not any(s in inside or is_small(s.type) for s in sides):
                    lenders[o] = sides
        elif i.op.structure:
            taken.update(r for region in i.regions for r in region.results)
    refused = [o for o, _ in branches if o not in lenders or o in taken]
    while refused:
        for o in refused:
            lenders.pop(o, None)
        taken.update(s for o, sides in branches if o not in lenders for s in sides)
        refused = [o for o in lenders if o in taken]
    return lenders
