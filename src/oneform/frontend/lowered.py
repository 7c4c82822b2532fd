"""The frontend's result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType

from oneform.frontend.capture import Capture, Dependency
from oneform.ir import Function
from oneform.tree import Leaf, Tree


@dataclass(frozen=True)
class Lowered:
    """A Python function as IR. Parameters: the leaves of `args` in order, of `kwargs` in the order given, then the captures.

    `writes` are the parameters that the function writes to: their final versions are the last results, in that order.
    """

    function: Function
    result: Tree
    result_leaves: list[Leaf]
    captures: list[Capture] = field(default_factory=list[Capture])
    writes: tuple[int, ...] = ()
    dependencies: list[Dependency] = field(default_factory=list[Dependency])
    codes: tuple[CodeType, ...] = ()
    warnings: Sequence[str] = ()
    parameters: tuple[str, ...] = ()  # names of the positional parameters
