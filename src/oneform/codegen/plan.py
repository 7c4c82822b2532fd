"""What the plan of memory says: for each place of a program, what is copied, moved, freed, and allocated before which loop."""

from __future__ import annotations

from dataclasses import dataclass, field

from oneform.errors import Location
from oneform.ir import Block, Instr, Value
from oneform.types import Scalar, Type

BORROWED, WRITTEN, HEAP, SMALL = "borrowed", "written", "heap", "small"
INPLACE, PHI, SLOT = "inplace", "phi", "slot"


def is_length(i: Instr) -> bool:
    """Lengths are kept apart from the memory itself: asking for one is no reason to keep an old version."""
    return i.op.lower == "dim" or (i.op.lower == "size" and not i.attrs["fields"])


def in_memory(t: Type) -> bool:
    return not isinstance(t, Scalar)


class Root:
    """A buffer. `forward` is set once a loop turns out to keep working on the buffer it started from."""

    __slots__ = ("escapes", "forward", "kind")

    def __init__(self, kind: str):
        self.kind = kind
        self.forward: Root | None = None
        self.escapes = False  # outlives the block that allocates it, or is reached through a pointer chosen at run time

    def find(self) -> Root:
        root = self
        while root.forward is not None:
            root = root.forward
        return root


@dataclass(frozen=True)
class Copied:
    """A copy that the program's meaning forces."""

    loc: Location | None
    in_loop: bool
    type: Type
    why: str


@dataclass
class Plan:
    copy_args: set[tuple[Instr, int]] = field(default_factory=set[tuple[Instr, int]])
    copy_results: set[tuple[Block, int]] = field(default_factory=set[tuple[Block, int]])
    frees: dict[Instr, list[Value]] = field(default_factory=dict[Instr, list[Value]])  # after the instruction
    start_frees: dict[Block, list[Value]] = field(default_factory=dict[Block, list[Value]])
    carry: dict[tuple[Instr, int], str] = field(default_factory=dict[tuple[Instr, int], str])  # carried value k of a loop: INPLACE, PHI or SLOT
    slot_copies: set[tuple[Block, int]] = field(default_factory=set[tuple[Block, int]])  # yields that differ from what the SLOT holds
    merge: dict[tuple[Instr, int], str] = field(default_factory=dict[tuple[Instr, int], str])  # result k of a branch
    scratch: dict[Instr, Instr] = field(default_factory=dict[Instr, Instr])  # allocation -> the loop before which it is made
    hoisted: dict[Instr, list[Instr]] = field(default_factory=dict[Instr, list[Instr]])  # the inverse
    unfreed: set[Value] = field(default_factory=set[Value])  # versions in buffers that are not of.alloc's to free one by one
    makers: dict[Value, Instr] = field(default_factory=dict[Value, Instr])
    moved_copies: set[Instr] = field(default_factory=set[Instr])  # `copy` of what nobody reads again: no copy
    moved: dict[Instr, frozenset[int]] = field(default_factory=dict[Instr, frozenset[int]])  # of a recursive function: parameters whose memory it takes over
    delivered: dict[Instr, dict[int, int]] = field(default_factory=dict[Instr, dict[int, int]])  # small results that come in the memory of a parameter
    functions: dict[Instr, Instr] = field(default_factory=dict[Instr, Instr])  # of a recursive call: the function
    lenders: set[Value] = field(default_factory=set[Value])  # values that are a pointer into the memory of others
    copies: list[Copied] = field(default_factory=list[Copied])


def shareable(plan: Plan, i: Instr) -> bool:
    """Whether the parts of a loop can run side by side: each works on the arrays where they are."""
    body = i.regions[0]
    places = [k for k, o in enumerate(i.outs) if in_memory(o.type)]
    moved = any(plan.carry.get((i, k)) not in (INPLACE, SLOT) or (body, k) in plan.slot_copies or (body, k) in plan.copy_results for k in places)
    return not moved and body not in plan.start_frees


ALLOCATORS = ("empty", "full", "copy", "build")
