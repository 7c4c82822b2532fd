"""What each eval consists of: the functions that its messages name, and how its hand-derived program takes the arguments."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import oneform as of
from bench.gradbench.wire import blocks_ba, dense_ht
from bench.native import aligned
from bench.rivals import TOLERANCE

Args = tuple[Any, ...]


@dataclass(frozen=True)
class Eval:
    name: str
    value: str | None  # the function of the messages that gives the value, where there is one beside the derivatives
    derivatives: tuple[str, ...]
    native: Callable[[Args], Args]  # what manual/<name>.cpp takes
    result_size: Callable[[Args], int]  # how many numbers it writes at most
    # By how much a sum of rounding errors may exceed those of the largest number of the derivative, where that is a small part of the sum.
    condition: Callable[[Args], float] = lambda args: 1.0
    numbers: Callable[[Any], list[Any]] = lambda out: list(out) if isinstance(out, tuple) else [out]  # a derivative, in its order
    sparse: bool = False  # the derivative is a sparse matrix, which a compiled program cannot return: it runs as it stands, on compiled code

    def program(self, function: str) -> Callable[..., Any]:
        """The function as it is under CPython, or a derivative as the program defines it."""
        return getattr(importlib.import_module(f"bench.gradbench.programs.{self.name}"), function)

    def compiled(self, function: str) -> Callable[..., Any]:
        return self.program(function) if self.sparse and function in self.derivatives else of.jit(self.program(function))

    def tolerance(self, args: Args) -> float:
        return max(TOLERANCE, 64.0 * np.finfo(float).eps * self.condition(args))

    def flat(self, out: Any) -> Any:
        return np.concatenate([np.asarray(part, dtype=np.float64).ravel() for part in self.numbers(out)])


def native_ba(args: Args) -> Args:
    """The rows and columns of the Jacobian are written beside its values."""
    n, m, p = (len(args[i]) for i in range(3))
    return (*args[:3], *args[3:], n, m, p, aligned(3 * p + 1, np.int32), aligned(31 * p, np.int32))


def native_ht(args: Args) -> Args:
    theta, us, hand, correspondences, points = args
    sizes = (len(hand.parents), len(hand.base_positions), len(correspondences), int(len(us) > 0))
    return (theta, us, *hand[:6], int(hand.is_mirrored), correspondences, points, *sizes)


MODES = ("rr", "ff", "fr", "rf")

EVALS = {
    e.name: e
    for e in (
        Eval("hello", "square", ("double",), lambda a: a, lambda a: 1),
        Eval("gmm", "objective", ("jacobian",), lambda a: (*a[:5], *a[4].shape, len(a[0]), a[5], a[6]), lambda a: sum(x.size for x in a[:4])),
        Eval("ba", "objective", ("jacobian",), native_ba, lambda a: 31 * len(a[2]), numbers=lambda out: [blocks_ba(out).data], sparse=True),
        Eval("ht", "objective", ("jacobian",), native_ht, lambda a: 3 * len(a[3]) * 28, numbers=lambda out: [dense_ht(out)], sparse=True),
        Eval("lstm", "objective", ("jacobian",), lambda a: (*a, len(a[2]) // 2, *a[3].shape), lambda a: a[0].size + a[1].size),
        Eval("kmeans", "cost", ("dir",), lambda a: (a[0], a[1], len(a[0]), *a[1].shape), lambda a: a[1].size),
        Eval("llsq", "primal", ("gradient",), lambda a: (a[0], len(a[0]), a[1]), lambda a: a[0].size),
        # By the maximum the derivative is 1 - Σ softmax, zero but for rounding; all of it lands on one component, whose size is 1/n.
        Eval("lse", "primal", ("gradient",), lambda a: (a[0], len(a[0])), lambda a: a[0].size, lambda a: float(a[0].size)),
        Eval("det", "primal", ("gradient",), lambda a: (a[0], len(a[0])), lambda a: a[0].size),
        Eval("ode", "primal", ("gradient",), lambda a: (a[0], len(a[0]), a[1]), lambda a: a[0].size),
        Eval("particle", None, MODES, lambda a: a, lambda a: 1),
        Eval("saddle", None, MODES, lambda a: a, lambda a: 4),
    )
}

# The compiler uses AVX-512 registers as a whole only when it is asked to.
FLAGS = ("-ffast-math", *(["-mprefer-vector-width=512"] if platform.machine() in ("x86_64", "AMD64") else []))
