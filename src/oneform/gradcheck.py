"""Derivatives compared with differences, and reverse mode with forward mode, in random directions, to any order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneform.derivatives import Jvp, Vjp
from oneform.errors import DerivativeError
from oneform.pullback import children, copied, is_active, jvp, vjp
from oneform.staging import Compiled, Derived, options_of, origin_of
from oneform.tree import flatten, unflatten


def check_grads(f: Callable[..., Any], args: Sequence[Any], order: int = 2, modes: Sequence[str] = ("fwd", "rev"), rtol: float | None = None) -> None:
    """Check the derivatives of `f` at `args` up to `order`; raises DerivativeError E204, with both numbers, where they are wrong.

    "fwd" compares jvp with central differences along a random direction, "rev" the pullback with forward mode by <ct, J t> = <J^T ct, t>; derivatives of
    higher order are those of the jvp and of the pullback. `rtol` defaults to what differences can resolve in the dtype. Raises
    DerivativeError E202 if no argument has a derivative, E203 if no result has one.
    """
    unknown = set(modes) - {"fwd", "rev"}
    if unknown or order < 1:
        raise ValueError(f"modes are 'fwd' and 'rev', not {sorted(unknown)}" if unknown else "order must be at least 1")
    rng = np.random.default_rng(20240229)
    _check(f, tuple(args), order, tuple(modes), rtol, rng, "")


def _check(f: Callable[..., Any], args: tuple[Any, ...], order: int, modes: tuple[str, ...], rtol: float | None, rng: np.random.Generator, path: str) -> None:
    direction = _like(args, rng)
    value, forward = jvp(f, copied(args), direction)
    if not any(map(is_active, _leaves(value))):
        raise DerivativeError("E203", "the function returns nothing that has a derivative")
    weight = _like((value,), rng)[0]
    if "fwd" in modes:
        _against_differences(f, args, direction, weight, forward, rtol, path + "jvp")
    if "rev" in modes:
        _, pull = vjp(f, *copied(args))
        _against_forward(_dot(weight, forward), _dot(pull(weight), direction), _magnitude(weight, forward), args, rtol, path + "vjp")
    if order > 1:
        for mode in modes:
            derivative, points = _derivative(f, args, mode, direction, weight)
            _check(derivative, points, order - 1, modes, rtol, rng, path + ("jvp of " if mode == "fwd" else "gradient of "))


def _derivative(f: Callable[..., Any], args: tuple[Any, ...], mode: str, direction: Any, weight: Any) -> tuple[Any, tuple[Any, ...]]:
    """The derivative along the direction, or pulled back from the weight, as a function of point and direction; and where to check it."""
    rule, vector, kind = (Jvp(), direction, "jvp") if mode == "fwd" else (Vjp(), weight, "vjp")
    return Compiled(Derived(origin_of(f), rule), options_of(f), kind), (args, vector)


def _against_differences(f: Any, args: tuple[Any, ...], u: Any, weight: Any, forward: Any, rtol: float | None, what: str) -> None:
    """<w, jvp> against central differences of t -> <w, f(x + t u)> at two steps."""
    eps = _epsilon(args)
    extent = math.sqrt(sum(float(np.sum(np.square(np.asarray(x, float)))) for x in _leaves(args) if is_active(x)))
    function = Compiled(origin_of(f), options_of(f), "jit")

    def at(t: float) -> float:
        return _dot(weight, function(*_moved(args, u, t)))

    h = max(1.0, extent) * eps ** (1 / 3) / max(_norm(u), 1e-30)
    here, exact = at(0.0), _dot(weight, forward)
    fine, coarse = (at(h) - at(-h)) / (2 * h), (at(2 * h) - at(-2 * h)) / (4 * h)
    estimate = (4 * fine - coarse) / 3  # Richardson: the error is O(h^4)
    size = max(abs(exact), abs(estimate), _magnitude(weight, forward))
    noise = 8 * eps * (_magnitude(weight, function(*copied(args))) + abs(here)) / h
    allowed = (rtol if rtol is not None else 20 * eps ** (2 / 3)) * size + noise + min(abs(fine - coarse), 1e-3 * size)
    if abs(estimate - exact) <= allowed or not (math.isfinite(exact) or math.isfinite(estimate)):
        return
    right, left = (at(h) - here) / h, (here - at(-h)) / h
    kink = abs(right - left) > 0.05 * max(abs(right), abs(left))
    note = f"; from the right the difference is {right:.9g}, from the left {left:.9g}: the point seems to sit on a kink" if kink else ""
    detail = f"{what} gives {exact:.12g} along a random direction, differences give {estimate:.12g} (allowed error {allowed:.2g}){note}"
    raise DerivativeMismatch("E204", detail)


def _against_forward(forward: float, reverse: float, size: float, args: Any, rtol: float | None, what: str) -> None:
    """<ct, J t> against <J^T ct, t>: equal but for rounding."""
    allowed = (rtol if rtol is not None else math.sqrt(_epsilon(args)) * 1e-2) * max(abs(forward), abs(reverse), size)
    if abs(forward - reverse) <= allowed or (not math.isfinite(forward) and not math.isfinite(reverse)):
        return
    raise DerivativeMismatch("E204", f"{what} gives {reverse:.12g} where forward mode gives {forward:.12g} (allowed error {allowed:.2g})")


class DerivativeMismatch(DerivativeError, AssertionError):
    """E204, which test runners report as a failed check."""


# ---------------------------------------------------------------- containers as vectors


def _leaves(x: Any) -> list[Any]:
    leaves: list[Any] = []
    flatten(x, leaves)
    return leaves


def _map(f: Callable[[Any], Any], x: Any) -> Any:
    leaves: list[Any] = []
    tree = flatten(x, leaves)
    return unflatten(tree, iter([f(leaf) for leaf in leaves]))


def _like(x: Any, rng: np.random.Generator) -> Any:
    """A random direction in the structure of x; None where there is no derivative."""

    def draw(leaf: Any) -> Any:
        if not is_active(leaf):
            return None
        values: Any = rng.uniform(0.5, 1.5, np.shape(leaf)) * rng.choice([-1.0, 1.0], np.shape(leaf))
        return float(values) if type(leaf) is float else np.asarray(values, np.asarray(leaf).dtype.newbyteorder("="))[()]

    return _map(draw, x)


def _moved(args: Any, u: Any, t: float) -> Any:
    """args + t u, in the dtypes of args."""
    steps = iter(_pairs(args, u))
    return _map(lambda leaf: _step(leaf, next(steps)[1], t), copied(args))


def _step(leaf: Any, du: Any, t: float) -> Any:
    if not is_active(leaf):
        return leaf
    moved: Any = np.asarray(leaf) + np.asarray(t * np.asarray(du, float), np.asarray(leaf).dtype.newbyteorder("="))
    return float(moved) if type(leaf) is float else moved[()]


def _pairs(x: Any, u: Any) -> list[tuple[Any, Any]]:
    """The leaves of x with those of u, which may have None for a leaf."""
    leaves: list[Any] = []
    tree = flatten(x, leaves)
    found: list[Any] = []

    def walk(t: Any, v: Any) -> None:
        if t.kind == "leaf" or v is None:
            found.extend([v] * t.leaves)
        else:
            for child, item in zip(t.children, children(v, t), strict=True):
                walk(child, item)

    walk(tree, u)
    return list(zip(leaves, found, strict=True))


def _dot(w: Any, x: Any) -> float:
    """The inner product over all leaves that have a derivative."""
    return float(sum(np.sum(np.asarray(b, float) * np.asarray(a, float)) for b, a in _pairs_of(x, w)))


def _pairs_of(x: Any, w: Any) -> list[tuple[Any, Any]]:
    """Leaves of both where neither is None: x and w have the same structure up to None."""
    reference, other = (x, w) if len(_leaves(x)) >= len(_leaves(w)) else (w, x)
    return [(a, b) for a, b in _pairs(reference, other) if b is not None and is_active(a)]


def _magnitude(w: Any, x: Any) -> float:
    return float(sum(np.sum(np.abs(np.asarray(b, float) * np.asarray(a, float))) for b, a in _pairs_of(x, w)))


def _norm(u: Any) -> float:
    return max((float(np.max(np.abs(np.asarray(x, float)), initial=0.0)) for x in _leaves(u)), default=0.0)


def _epsilon(args: Any) -> float:
    """Relative spacing of the coarsest dtype among the arguments."""
    return max((float(np.finfo(np.asarray(x).dtype).eps) for x in _leaves(args) if is_active(x)), default=float(np.finfo(float).eps))
