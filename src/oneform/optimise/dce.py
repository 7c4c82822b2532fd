"""Dead code: instructions, results of branches and constructors, and values that loops carry, which nothing observable needs."""

from __future__ import annotations

from oneform.ir import Block, Function, Instr, Value, instructions
from oneform.ops import CUSTOM
from oneform.ops.control.recursion import calls


def dce(f: Function) -> Function:
    """Marks from the results and from whatever may raise, then sweeps. A `while` that nobody observes goes, even one that would not end."""
    live = _Mark(f)
    block = live.sweep(f.block, None)
    return f if block is f.block else Function(f.name, block)


def _observable(i: Instr) -> bool:
    """Whether an instruction may raise the user's exception; that a call may run out of stack is not the program's doing."""
    return i.op.raises and i.op.structure != "recur" and bool(i.attrs.get("checked", True))


class _Mark:
    """What is needed. Result k of a structured instruction needs result k of its regions; a carried value needs its start and its successor."""

    def __init__(self, f: Function):
        self.where: dict[Value, tuple[Instr, int]] = {}  # who computes a value; parameters of a region: the instruction that holds it
        self.parent: dict[Instr, Instr | None] = {}
        self.live: set[Value] = set()
        self.params: set[Value] = set()  # of regions
        self.kept_params: dict[Instr, set[int]] = {}  # of recursive functions
        self.present: set[Instr] = set()
        self.kept: dict[Instr, set[int]] = {}  # of the results of a structured instruction
        self.sites: dict[Instr, list[Instr]] = {}  # of a recursive function: its calls, the first one included
        self.function: dict[Instr, Instr] = {}  # of a call: the function
        self.rules: dict[Instr, list[Instr]] = {}  # what may raise in the rules of a custom derivative, which are not run where they stand
        self.todo: list[Value] = list(f.results)
        roots: list[Instr] = []
        self.collect(f.block, None, roots)
        for i in roots:
            self.touch(i)
        while self.todo:
            self.mark(self.todo.pop())

    def collect(self, block: Block, owner: Instr | None, roots: list[Instr]) -> None:
        for i in block.body:
            self.parent[i] = owner
            for k, o in enumerate(i.outs):
                self.where[o] = i, k
            if i.op.structure == "recursive":
                self.sites[i] = [i, *calls(i.regions[0], i.attrs["name"])]
                self.function.update(dict.fromkeys(self.sites[i], i))
                if any(map(_observable, instructions(i.regions[0].body))):  # a call deeper inside may raise, whoever needs its results
                    roots += self.sites[i]
            if _observable(i):
                roots.append(i)
            for n, r in enumerate(i.regions):
                skip = 1 if i.op.structure == "for" else 0
                for k, p in enumerate(r.params):
                    self.where[p] = i, (k - skip if i.op.structure in ("for", "while", "recursive") else -1)
                    self.params.add(p)
                rule = n > 0 and i.op.structure in CUSTOM
                self.collect(r, i, self.rules.setdefault(i, []) if rule else roots)

    def mark(self, v: Value) -> None:
        if v in self.live:
            return
        self.live.add(v)
        if v in self.where:
            i, k = self.where[v]
            self.touch(i)
            if i in self.function:
                self.link_call(self.function[i], k, v in self.params)
            elif i.regions and k >= 0:
                self.link(i, k)

    def touch(self, i: Instr) -> None:
        """The instruction takes part: what it needs whatever results of it are used."""
        if i in self.present:
            return
        self.present.add(i)
        structure = i.op.structure
        if i in self.function:
            self.touch_call(i)
        elif structure == "for":
            self.todo.append(i.args[0])
        elif structure == "while":
            self.todo.append(i.regions[0].results[0])
        else:
            self.todo.extend(i.args)
        if i.regions and structure not in ("for", "while", "if", "build", "recursive"):
            for r in i.regions:
                self.todo.extend(r.results)
            self.kept[i] = set(range(len(i.outs)))
        for j in self.rules.get(i, ()):
            self.touch(j)
        owner = self.parent[i]
        if owner is not None:
            self.touch(owner)

    def touch_call(self, i: Instr) -> None:
        """A call takes part: its function does, and what this passes for the parameters in use."""
        f = self.function[i]
        self.touch(f)
        self.todo += (a for a, p in zip(i.args, f.regions[0].params, strict=True) if p in self.live)

    def link_call(self, f: Instr, k: int, param: bool) -> None:
        """A parameter of a recursive function is in use, or a result of it, in some call."""
        if param:
            self.todo += (s.args[k] for s in self.sites[f] if s in self.present)
            self.kept_params.setdefault(f, set()).add(k)
        elif k not in self.kept.setdefault(f, set()):
            self.kept[f].add(k)
            self.todo.append(f.regions[0].results[k])

    def link(self, i: Instr, k: int) -> None:
        kept = self.kept.setdefault(i, set())
        if k in kept:
            return
        kept.add(k)
        if i.op.structure == "for":
            self.todo += (i.args[1 + k], i.regions[0].results[k])
        elif i.op.structure == "while":
            self.todo += (i.args[k], i.regions[1].results[k])
        else:
            self.todo.extend(r.results[k] for r in i.regions)

    def sweep(self, block: Block, keep: list[int] | None, skip: int = 0, carries: bool = False) -> Block:
        """The block without what is dead; `keep` are the results that stay, and of the parameters after `skip` if it `carries`."""
        body: list[Instr] = []
        changed = False
        for i in block.body:
            if i not in self.present:
                changed = True
                continue
            j = self.instr(i) if i.op.structure else i
            changed = changed or j is not i
            body.append(j)
        params, results = block.params, block.results
        if keep is not None and len(keep) < len(results):
            results = tuple(results[k] for k in keep)
        if carries and keep is not None:
            params = (*params[:skip], *(params[skip + k] for k in keep))
        changed = changed or len(results) != len(block.results) or len(params) != len(block.params)
        return Block(params, tuple(body), results) if changed else block

    def call(self, i: Instr) -> Instr:
        """A recursive function or a call of it, with the results and parameters that any call needs."""
        f = self.function[i]
        keep, given = sorted(self.kept.get(f, ())), sorted(self.kept_params.get(f, ()))
        regions = tuple(self.sweep(r, keep) for r in i.regions)
        if len(keep) == len(i.outs) and len(given) == len(i.args):
            return i if regions == i.regions else Instr(i.op, i.args, i.attrs, regions, i.outs, i.loc)
        regions = tuple(Block(tuple(r.params[k] for k in given), r.body, r.results) for r in regions)
        attrs = {**i.attrs, "types": tuple(i.attrs["types"][k] for k in keep)}
        return Instr(i.op, tuple(i.args[k] for k in given), attrs, regions, tuple(i.outs[k] for k in keep), i.loc)

    def instr(self, i: Instr) -> Instr:
        if i in self.function:
            return self.call(i)
        keep = sorted(self.kept.get(i, ()))
        args, structure = i.args, i.op.structure
        if structure == "for":
            regions = (self.sweep(i.regions[0], keep, 1, True),)
            args = (args[0], *(args[1 + k] for k in keep))
        elif structure == "while":
            condition, body = i.regions
            test = self.sweep(condition, None)
            if len(keep) < len(condition.params):
                test = Block(tuple(condition.params[k] for k in keep), test.body, test.results)
            regions = (test, self.sweep(body, keep, 0, True))
            args = tuple(args[k] for k in keep)
        else:
            regions = tuple(self.sweep(r, keep if structure in ("if", "build") else None) for r in i.regions)
        if regions == i.regions and len(keep) == len(i.outs):
            return i
        return Instr(i.op, args, i.attrs, regions, tuple(i.outs[k] for k in keep), i.loc)
