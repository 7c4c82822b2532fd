"""The register of the corpus: a program is a plain Python function with the arguments it is tried on; registering it adds all its tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.differences import is_float


@dataclass(frozen=True, eq=False)
class Program:
    """`wrt`: arguments differentiated (default: the floats). `order`: how high. `kinks`: differences do not apply; `expect` gives the gradients.
    `loose`: factor on tolerances where rounding is amplified inside (chaos, cancellation). `slow`: not in the quick suite."""

    fn: Callable[..., Any]
    cases: tuple[tuple[Any, ...], ...]
    wrt: tuple[int, ...] | None = None
    order: int = 2
    kinks: bool = False
    expect: tuple[Any, ...] | None = None
    loose: float = 1.0
    slow: bool = False

    @property
    def name(self) -> str:
        return self.fn.__name__

    def argnums(self, case: int) -> tuple[int, ...]:
        return self.wrt if self.wrt is not None else tuple(k for k, a in enumerate(self.cases[case]) if is_float(a))

    def args(self, case: int) -> tuple[Any, ...]:
        """The arguments, fresh: a program may write to them."""
        return tuple(fresh(a) for a in self.cases[case])


PROGRAMS: dict[str, Program] = {}


def program(*cases: tuple[Any, ...], **flags: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the function below with these argument tuples."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        assert fn.__name__ not in PROGRAMS, f"{fn.__name__} is registered twice"
        assert all(isinstance(c, tuple) for c in cases), f"{fn.__name__}: each case is a tuple of arguments"
        PROGRAMS[fn.__name__] = Program(fn, cases, **flags)
        return fn

    return register


def fresh(a: Any) -> Any:
    return a.copy() if isinstance(a, np.ndarray) else a


def vec(n: int, seed: int = 0, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    """n numbers without any symmetry."""
    return np.random.default_rng(1000 + seed).uniform(low, high, n)


def mat(m: int, n: int, seed: int = 0, low: float = -1.0, high: float = 1.0) -> np.ndarray:
    return np.random.default_rng(2000 + seed).uniform(low, high, (m, n))


def cvec(n: int, seed: int = 0) -> np.ndarray:
    """n complex numbers."""
    return vec(n, seed) + 1j * vec(n, seed + 500)


def cmat(m: int, n: int, seed: int = 0) -> np.ndarray:
    return mat(m, n, seed) + 1j * mat(m, n, seed + 500)


def spd(n: int, seed: int = 0) -> np.ndarray:
    """A well-conditioned matrix that is nearly, but not exactly, symmetric (so that both triangles count)."""
    a = mat(n, n, seed)
    return a @ a.T + n * np.eye(n) + 0.01 * mat(n, n, seed + 1)
