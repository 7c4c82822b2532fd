"""What a case hands to the runner, and what the runner reports of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One program at one size, with its rivals."""

    case: str  # the folder under bench/
    size: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    argnums: tuple[int, ...]  # hand.cpp writes the gradient with respect to these, one after the other
    native_args: tuple[Any, ...]
    value_goal: float | None = None  # largest ratio to hand.cpp
    gradient_goal: float | None = None
    natives: tuple[str, ...] = ("hand",)  # C++ files of the folder; the goals hold against the first
    peers: tuple[str, ...] = ()  # modules of the folder that run in .venv-bench


@dataclass(frozen=True)
class Row:
    """One line of the table. Times in seconds; what does not apply is None."""

    case: str
    size: str
    value: float | None = None
    gradient: float | None = None
    peer: str = ""
    peer_value: float | None = None
    peer_gradient: float | None = None
    goal: str = ""
    met: bool | None = None
    note: str = ""
    figure: str = ""  # where the result is not a ratio of times

    @property
    def value_ratio(self) -> float | None:
        return self.value / self.peer_value if self.value is not None and self.peer_value else None

    @property
    def gradient_ratio(self) -> float | None:
        return self.gradient / self.peer_gradient if self.gradient is not None and self.peer_gradient else None
