"""Snippets of NumPy against NumPy: value, dtype and shape, and the derivative in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import oneform as of
from oneform.tree import flatten

F = Callable[..., Any]
Case = tuple[F, Any]

RNG = np.random.default_rng(7)
N = 19  # longer than what the compiler takes for a known length
V, W = RNG.normal(size=N), RNG.normal(size=23)
A, B = RNG.normal(size=(17, 18)), RNG.normal(size=(3, 17, 4))
S = RNG.normal(size=(2, 3))
D = RNG.normal(size=(2, 1, 3, 2, 1, 2))  # six axes
I = RNG.integers(-N, N, 21)
J = np.array([2, -1, 0, 2])
K = np.array([1, 0, 3, -4])
M, AM = V > 0.1, A > 0.3
Z = V[:17] + 1j * W[:17]
C = np.arange(N) % 3


def leaves(x: Any) -> list[Any]:
    found: list[Any] = []
    flatten(x, found)
    return found


def agree(got: Any, want: Any) -> None:
    have, wanted = leaves(got), leaves(want)
    assert len(have) == len(wanted)
    for x, y in zip(have, wanted, strict=True):
        assert np.shape(x) == np.shape(y)
        assert np.asarray(x).dtype == np.asarray(y).dtype
        eps = np.finfo(np.asarray(y).dtype).eps if np.asarray(y).dtype.kind in "fc" else 0.0
        np.testing.assert_allclose(x, y, rtol=32 * eps, atol=4 * eps)


def is_smooth(f: F, args: Any) -> bool:
    """Whether there is a derivative, in double precision."""
    kinds = [np.asarray(x).dtype for x in leaves(f(*args))]
    return any(np.asarray(x).dtype.kind in "fc" for x in args) and any(k.kind in "fc" for k in kinds) and np.dtype(np.float32) not in kinds


def weighed(y):
    """One number that depends on every element."""
    if isinstance(y, (tuple, list)):
        total = 0.0
        for x in y:
            total = total + weighed(x)
        return total
    flat = np.ravel(y)
    w = np.arange(len(flat)) + 1.0
    return np.sum(np.cos(w) * flat.real) + np.sum(np.sin(w) * flat.imag)


def several(fs: tuple[F, ...]) -> F:
    return lambda *args: weighed(tuple([f(*args) for f in fs]))


def groups(cases: list[Case]) -> list[Case]:
    """Several snippets with the same arguments are differentiated together."""
    found: dict[tuple[int, ...], list[Case]] = {}
    for f, args in cases:
        if is_smooth(f, args):
            found.setdefault(tuple(map(id, args)), []).append((f, args))
    return [(several(tuple(f for f, _ in some[k : k + 4])), some[0][1]) for some in found.values() for k in range(0, len(some), 4)]


def direction(x: Any, rng: np.random.Generator) -> Any:
    """A random tangent; None for what has none."""
    if np.asarray(x).dtype.kind not in "fc":
        return None
    d = rng.normal(size=np.shape(x))
    return d + 1j * rng.normal(size=np.shape(x)) if np.asarray(x).dtype.kind == "c" else d if np.ndim(x) else float(d)


def agrees_in_both_modes(f: F, args: Any, rtol: float = 1e-6) -> None:
    """Forward and reverse mode of a number, against differences of what NumPy computes."""
    rng = np.random.default_rng(3)
    tangents = tuple(direction(x, rng) for x in args)
    wrt = tuple(k for k, d in enumerate(tangents) if d is not None)
    h = 1e-6

    def moved(by: float) -> float:
        return f(*(x if d is None else x + by * d for x, d in zip(args, tangents, strict=True)))

    value, forward = of.jvp(f, args, tangents)
    np.testing.assert_allclose(value, f(*args), rtol=1e-12)
    np.testing.assert_allclose(forward, (moved(h) - moved(-h)) / (2 * h), rtol=rtol, atol=1e-6)
    gradient = of.grad(f, wrt)(*args)
    reverse = sum(np.sum(np.asarray(g) * tangents[k]).real for g, k in zip(gradient, wrt, strict=True))
    np.testing.assert_allclose(reverse, forward, rtol=1e-10, atol=1e-10)
