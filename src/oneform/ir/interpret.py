"""The reference meaning of a program: run each instruction by its operation's NumPy reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneform.errors import InternalError, raise_at
from oneform.ir.core import Attrs, Block, Function, Instr, Value
from oneform.types import Array, List, Scalar, Type

# One instruction, ready to run: its reference, the slots of its arguments, its regions as callables, the slots of its results.
Step = tuple[Callable[..., Any], tuple[int, ...], Attrs, tuple[Any, ...], tuple[int, ...], Instr]


def interpret(f: Function, *args: Any) -> tuple[Any, ...]:
    """The results of `f` at `args`: NumPy scalars and arrays. What the program raises is raised at the user's line."""
    if len(args) != len(f.params):
        raise InternalError(f"{f.name} takes {len(f.params)} values, not {len(args)}")
    frame = Frame()
    run = Region(f.block, frame)
    frame.values = [None] * len(frame.slots)
    return run(*(_argument(a, p.type) for a, p in zip(args, f.params, strict=True)))


def _argument(value: Any, t: Type) -> Any:
    """The value as the references expect it: a NumPy scalar or a C-contiguous array of the declared dtype and rank."""
    if isinstance(t, Scalar):
        return t.dtype.numpy.type(value)
    if isinstance(t, List):
        return list(value)
    array: Any = np.ascontiguousarray(value, t.dtype.numpy)
    if array.ndim != t.rank or any(isinstance(d, int) and d != n for d, n in zip(t.shape, array.shape, strict=True)):
        raise InternalError(f"a value of shape {array.shape} stands for {t}")
    return array


class Frame:
    """One slot per value. Regions share it: whatever is active at a time is nested, so no slot is needed twice; but a recursive call
    puts aside what the region that it enters anew has in them."""

    def __init__(self) -> None:
        self.slots: dict[Value, int] = {}
        self.values: list[Any] = []
        self.functions: dict[str, Region] = {}  # the recursive regions around the place that is being prepared

    def slot(self, v: Value) -> int:
        return self.slots.setdefault(v, len(self.slots))

    def bind(self, values: Sequence[Value]) -> tuple[int, ...]:
        return tuple(self.slot(v) for v in values)


class Region:
    """A block as a callable: `run(*params) -> results`. `dtypes` are those of the results, for constructors of empty arrays."""

    __slots__ = ("dtypes", "end", "frame", "inside", "params", "results", "steps")

    def __init__(self, block: Block, frame: Frame, function: str | None = None):
        self.frame = frame
        outer = frame.functions
        if function is not None:
            frame.functions = {**outer, function: self}
        self.inside = len(frame.slots)
        self.params = frame.bind(block.params)
        self.steps: list[Step] = [(i.op.ref, frame.bind(i.args), i.attrs, self.regions(i), frame.bind(i.outs), i) for i in block.body]
        self.results = frame.bind(block.results)
        self.dtypes = [r.type.dtype.numpy for r in block.results if isinstance(r.type, Scalar | Array)]
        self.end = len(frame.slots)
        frame.functions = outer

    def regions(self, i: Instr) -> tuple[Any, ...]:
        """The callables that the reference of an instruction gets."""
        if i.op.structure == "recur":
            return (Again(self.frame.functions[i.attrs["name"]], self.frame),)
        return tuple(Region(r, self.frame, i.attrs["name"] if i.op.structure == "recursive" else None) for r in i.regions)

    def __call__(self, *params: Any) -> tuple[Any, ...]:
        values = self.frame.values
        for slot, p in zip(self.params, params, strict=True):
            values[slot] = p
        for ref, args, attrs, regions, outs, instr in self.steps:
            try:
                results = ref(*[values[a] for a in args], attrs=attrs, regions=regions)
            except Exception as e:
                if not instr.op.raises or instr.op.structure:
                    raise
                error = e.with_traceback(None)
            else:
                for slot, r in zip(outs, results, strict=True):
                    values[slot] = r
                continue
            raise_at(error, instr.loc)
        return tuple([values[r] for r in self.results])


class Again:
    """A recursive call of a region."""

    __slots__ = ("frame", "region")

    def __init__(self, region: Region, frame: Frame):
        self.region, self.frame = region, frame

    def __call__(self, *params: Any) -> tuple[Any, ...]:
        values, own = self.frame.values, slice(self.region.inside, self.region.end)
        kept = values[own]
        results = self.region(*params)
        values[own] = kept
        return results
