"""Which values are the length of which dimension."""

from __future__ import annotations

from oneform.ir import Instr, Value
from oneform.ops import array
from oneform.types import ANY, Dim, shape_of


class Lengths:
    """Fed with each instruction of a walk from top to bottom."""

    def __init__(self) -> None:
        self.defs: dict[Value, Instr] = {}
        self.operands: dict[Value, set[Dim]] = {}  # operands with which arrays of a symbol were allocated

    def note(self, i: Instr) -> None:
        for o in i.outs:
            self.defs[o] = i
        if "shape" in i.attrs:
            open_ = [d for d in (*i.attrs["shape"], *i.attrs.get("extent", ())) if not isinstance(d, int)]
            for d, v in zip(open_, i.args[len(i.args) - len(open_) :], strict=True):
                if d != ANY:
                    self.operands.setdefault(v, set()).add(d)

    def covers(self, n: Value, d: Dim) -> bool:
        """Whether n is certainly the length d."""
        made = self.defs.get(n)
        if isinstance(d, int):
            return made is not None and made.op is array.const and made.attrs["value"] == d
        if made is not None and made.op is array.dim_ and shape_of(made.args[0].type)[made.attrs["axis"]] == d != ANY:
            return True
        return d in self.operands.get(n, ())
