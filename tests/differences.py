"""Derivatives by differences of the plain function under CPython, each with an estimate of its own error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

EPS = float(np.finfo(float).eps)


def leaves(x: Any) -> list[Any]:
    """The numbers and arrays of a result, in order."""
    if isinstance(x, (tuple, list)):
        return [leaf for part in x for leaf in leaves(part)]
    return [] if x is None or isinstance(x, str) else [x]


def is_float(a: Any) -> bool:
    """Whether a leaf has a derivative: floats and complex numbers."""
    return isinstance(a, (float, complex, np.inexact)) or (isinstance(a, np.ndarray) and a.dtype.kind in "fc")


def is_complex(a: Any) -> bool:
    return is_float(a) and np.asarray(a).dtype.kind == "c"


def double(a: Any) -> np.ndarray:
    """A leaf in double precision."""
    return np.asarray(a, complex if is_complex(a) else float)


def floats(x: Any) -> np.ndarray:
    """All floats of a result as one vector of doubles; of complex numbers the real and the imaginary parts."""
    parts = [np.ravel(np.ascontiguousarray(double(leaf))).view(float) for leaf in leaves(x) if is_float(leaf)]
    return np.concatenate(parts) if parts else np.zeros(0)


def moved(args: Sequence[Any], directions: Sequence[Any], t: float) -> tuple[Any, ...]:
    """args + t directions, in double precision; a direction of None leaves its argument alone. Always copies."""
    out: list[Any] = []
    for a, d in zip(args, directions, strict=True):
        if d is None:
            out.append(a.copy() if isinstance(a, np.ndarray) else a)
        elif isinstance(a, np.ndarray):
            out.append(double(a) + t * double(d))
        else:
            step = t * double(d).item()
            out.append(a + step if isinstance(a, (float, complex)) else double(a)[()] + step)  # float32 becomes float64, and stays NumPy's
    return tuple(out)


def ridders(phi: Callable[[float], np.ndarray], h: float, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """phi'(0) by central differences at h, h/1.6, ... extrapolated to 0, and an error estimate per component (Ridders 1982)."""
    best = np.zeros(0)
    error = np.zeros(0)
    previous: list[np.ndarray] = []
    for k in range(columns):
        up, down = phi(h), phi(-h)
        row = [(up - down) / (2.0 * h)]
        floor = 4.0 * EPS * (np.abs(up) + np.abs(down)) / h
        if k == 0:
            best, error = row[0], np.full(row[0].shape, np.inf)
        factor = 1.0
        for older in previous:
            factor *= 1.6**2
            row.append((row[-1] * factor - older) / (factor - 1.0))
            change = np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - older)) + floor
            better = change < error
            best, error = np.where(better, row[-1], best), np.where(better, change, error)
        previous = row
        h /= 1.6
    return best, error


def derivative(phi: Callable[[float], np.ndarray], starts: Sequence[float] = (2e-2, 1e-3, 1e-5), columns: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """As `ridders`, from several first steps: the smaller ones stay clear of kinks nearby. The one with the least estimated error counts."""
    best, error = ridders(phi, starts[0], columns)
    for h in starts[1:]:
        other, its_error = ridders(phi, h, columns)
        better = its_error < error
        best, error = np.where(better, other, best), np.where(better, its_error, error)
    return best, error


def along(f: Callable[..., Any], args: Sequence[Any], directions: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The derivative of all floats of f(*args) along the directions, and its error."""
    return derivative(lambda t: floats(f(*moved(args, directions, t))))


def mixed(f: Callable[..., Any], args: Sequence[Any], *directions: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """The derivative along several directions one after the other: order len(directions)."""
    if len(directions) == 1:
        return along(f, args, directions[0])
    *inner, last = directions
    starts = (4e-2, 4e-3) if len(directions) == 2 else (6e-2,)
    worst = np.zeros(1)

    def phi(t: float) -> np.ndarray:
        nonlocal worst
        value, error = mixed(f, moved(args, last, t), *inner)
        worst = np.maximum(worst, error.max(initial=0.0))
        return value

    best, error = derivative(phi, starts, columns=5)
    return best, error + worst / starts[-1]
