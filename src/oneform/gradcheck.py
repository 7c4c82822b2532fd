"""Derivatives compared with differences, and reverse mode with forward mode, in random directions, to any order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneform import kinks
from oneform.derivatives import Jvp, Rule, Vjp
from oneform.errors import DerivativeError
from oneform.origins import Derived, Origin
from oneform.staging import Compiled, options_of, origin_of
from oneform.tangents import Form, form_of, form_of_result, is_active, pairs
from oneform.tree import copied, spread, unflatten


def check_grads(f: Callable[..., Any], args: Sequence[Any], order: int = 2, modes: Sequence[str] = ("fwd", "rev"), rtol: float | None = None) -> None:
    """Check the derivatives of `f` at `args` up to `order`, custom rules included; raises DerivativeError E204, with both numbers, where they are wrong.

    "fwd" compares jvp with central differences along a random direction, "rev" the pullback with forward mode by <ct, J t> = <J^T ct, t>, and,
    without "fwd" or where forward mode is refused (custom_vjp), with differences; derivatives of higher order are those of the jvp and of the pullback. `rtol`
    defaults to what differences can resolve in the dtype. If the point sits on a kink or a jump, where differences from the left and from
    the right disagree, that is said, by E204 as well: there is no derivative to compare with. Raises DerivativeError E202 if no argument
    has a derivative, E203 if no result has one.
    """
    unknown = set(modes) - {"fwd", "rev"}
    if unknown or order < 1:
        raise ValueError(f"modes are 'fwd' and 'rev', not {sorted(unknown)}" if unknown else "order must be at least 1")
    rng = np.random.default_rng(20240229)
    with np.errstate(all="ignore"):  # of our own sums; infinities and NaN are results like others
        _check(Function(origin_of(f), options_of(f)), tuple(args), order, tuple(modes), rtol, rng, "", 0.0)


class Function:
    """A function with its derivatives in both modes, as functions of primals and tangents or cotangents. Calls take the slow path, which takes
    arguments apart in the order that the forms of tangents speak of."""

    def __init__(self, origin: Origin, options: Any):
        self.origin, self.options = origin, options
        self.value = Compiled(origin, options, "jit")
        self.pushed = Compiled(Derived(origin, Jvp()), options, "jvp")
        self.pulled = Compiled(Derived(origin, Vjp(value=True, quiet=True)), options, "vjp")

    def at(self, args: tuple[Any, ...]) -> tuple[Any, Form]:
        """The value, and the form of its cotangents."""
        return form_of_result(*self.value.leaves(*copied(args)))

    def forward(self, args: tuple[Any, ...], u: Any) -> tuple[Any, Any] | None:
        """Value and tangent, of tangents in the form that compiled code takes; None where forward mode is refused."""
        try:
            return self.pushed.call((args, u), {})
        except DerivativeError as e:
            if e.code != "E212":
                raise
            return None

    def derivative(self, mode: str) -> Function:
        rule: Rule = Jvp() if mode == "fwd" else Vjp(quiet=True)
        return Function(Derived(self.origin, rule), self.options)


def _check(
    f: Function, args: tuple[Any, ...], order: int, modes: tuple[str, ...], rtol: float | None, rng: np.random.Generator, path: str, terms: float,
) -> None:
    """`terms`: how large the terms are that the value, itself a derivative, is the sum of; they may cancel."""
    direction = _like(args, rng)
    if not any(map(is_active, _leaves(args))):
        raise DerivativeError("E202", "none of the primals has a derivative", repair="Pass floats (2.0, not 2).")
    value, form = f.at(args)
    if not any(map(is_active, _leaves(value))):
        raise DerivativeError("E203", "the function returns nothing that has a derivative")
    weight = _like((value,), rng)[0]
    line = _Line(f, args, direction, weight, value, rtol, terms)
    vectors = {"fwd": form_of(args).tangents(direction, "tangents", "primals"), "rev": form.tangents(weight, "cotangent", "result")}
    forward = f.forward(args, vectors["fwd"])
    if forward is None and "rev" not in modes:
        f.pushed.call((args, vectors["fwd"]), {})  # the refusal itself
    if forward is not None:
        line.same_value(forward[0], path + "jvp")
        if "fwd" in modes:
            line.compare(_dot(weight, forward[1]), _magnitude(weight, forward[1]), path + "jvp")
    if "rev" in modes:
        again, pulled = f.pulled.call((args, vectors["rev"]), {})
        line.same_value(again, path + "vjp")
        exact = _dot(pulled, direction)
        if forward is None or "fwd" not in modes:
            line.compare(exact, _magnitude(pulled, direction), path + "vjp")
        if forward is not None:
            _against_forward(_dot(weight, forward[1]), exact, _magnitude(weight, forward[1]), line, rtol, path + "vjp")
    if order > 1:
        for mode in modes:
            if mode == "rev" or forward is not None:
                further = path + ("jvp of " if mode == "fwd" else "gradient of ")
                _check(f.derivative(mode), (args, vectors[mode]), order - 1, modes, rtol, rng, further, line.slope)


class _Line:
    """The function along a direction: t -> <w, f(x + t u)>."""

    def __init__(self, f: Function, args: tuple[Any, ...], u: Any, weight: Any, value: Any, rtol: float | None, terms: float):
        self.f, self.args, self.u, self.weight, self.value, self.rtol = f, args, u, weight, value, rtol
        self.eps = _epsilon(args)
        extent = math.sqrt(sum(float(np.sum(np.square(np.abs(_double(x))))) for x in _leaves(args) if is_active(x)))
        self.h = max(1.0, extent) * self.eps ** (1 / 3) / max(_norm(u), 1e-30)
        self.size = max(_magnitude(weight, value), terms)
        self.slope = self.size * self.eps ** (1 / 3) / self.h  # of the terms of the derivative, if each is what its part of the value suggests

    def at(self, t: float) -> float:
        return _dot(self.weight, self.f.value.call(_moved(self.args, self.u, t), {}))

    def same_value(self, value: Any, what: str) -> None:
        """The rules compute what the function does."""
        ours, theirs = _dot(self.weight, value), _dot(self.weight, self.value)
        allowed = (self.rtol if self.rtol is not None else math.sqrt(self.eps) * 1e-2) * max(self.size, abs(ours))
        if abs(ours - theirs) > allowed:
            detail = f"{what} computes the value {ours:.12g} where the function computes {theirs:.12g}: a custom rule returns another result"
            raise DerivativeMismatch("E204", detail)

    def compare(self, exact: float, size: float, what: str) -> None:
        """A directional derivative against central differences at two steps."""
        h, at = self.h, self.at
        noise = 8 * self.eps * (self.size + abs(at(0.0)))
        kink = kinks.find(at, h, noise, size)
        if kink is not None:
            where = f"the point sits on a kink, or closer to one than {h:.1g}: along a random direction {kink}"
            raise DerivativeMismatch("E204", f"{where}. There is no derivative to compare with the {exact:.9g} of {what}", repair="Move the point.")
        fine, coarse = (at(h) - at(-h)) / (2 * h), (at(2 * h) - at(-2 * h)) / (4 * h)
        estimate = (4 * fine - coarse) / 3  # Richardson: the error is O(h^4)
        size = max(abs(exact), abs(estimate), size)
        allowed = (self.rtol if self.rtol is not None else 20 * self.eps ** (2 / 3)) * size + noise / h + min(abs(fine - coarse), 1e-3 * size)
        if abs(estimate - exact) <= allowed or not (math.isfinite(exact) or math.isfinite(estimate)):
            return
        detail = f"{what} gives {exact:.12g} along a random direction, differences give {estimate:.12g} (allowed error {allowed:.2g})"
        if self._singular(exact, size):
            detail += "; beside the point the derivative is another, so a comparison (x == …) decides at the point itself"
        raise DerivativeMismatch("E204", detail)

    def _singular(self, exact: float, size: float) -> bool:
        """Whether the derivative at the point is far from those on both sides, which agree."""
        beside: list[float] = []
        for t in (-self.h, self.h):
            found = self.f.forward(_moved(self.args, self.u, t), self.u)
            if found is None:
                return False
            beside.append(_dot(self.weight, found[1]))
        return abs(beside[0] - beside[1]) < 1e-3 * size < 1e-1 * abs(exact - beside[0])


def _against_forward(forward: float, reverse: float, size: float, line: _Line, rtol: float | None, what: str) -> None:
    """<ct, J t> against <J^T ct, t>: equal but for rounding."""
    allowed = (rtol if rtol is not None else math.sqrt(line.eps) * 1e-2) * max(abs(forward), abs(reverse), size)
    allowed += 64 * line.eps * line.slope  # what is left where large terms cancel
    if abs(forward - reverse) <= allowed or (not math.isfinite(forward) and not math.isfinite(reverse)):
        return
    raise DerivativeMismatch("E204", f"{what} gives {reverse:.12g} where forward mode gives {forward:.12g} (allowed error {allowed:.2g})")


class DerivativeMismatch(DerivativeError, AssertionError):
    """E204, which test runners report as a failed check."""


# ---------------------------------------------------------------- containers as vectors


def _leaves(x: Any) -> list[Any]:
    leaves: list[Any] = []
    spread(x, leaves)
    return leaves


def _map(f: Callable[[Any], Any], x: Any) -> Any:
    leaves: list[Any] = []
    tree = spread(x, leaves)
    return unflatten(tree, iter([f(leaf) for leaf in leaves]))


def _like(x: Any, rng: np.random.Generator) -> Any:
    """A random direction in the structure of x, for complex numbers one of the plane; None where there is no derivative."""

    def draw(leaf: Any) -> Any:
        if not is_active(leaf):
            return None
        dtype = np.asarray(leaf).dtype.newbyteorder("=")
        parts: list[Any] = [rng.uniform(0.5, 1.5, np.shape(leaf)) * rng.choice([-1.0, 1.0], np.shape(leaf)) for _ in range(2 if dtype.kind == "c" else 1)]
        values: Any = parts[0] + 1j * parts[1] if dtype.kind == "c" else parts[0]
        return type(leaf)(values) if type(leaf) in (float, complex) else np.asarray(values, dtype)[()]

    return _map(draw, x)


def _moved(args: Any, u: Any, t: float) -> Any:
    """args + t u, in the dtypes of args."""
    steps = iter(pairs(args, u))
    return _map(lambda leaf: _step(leaf, next(steps)[1], t), copied(args))


def _step(leaf: Any, du: Any, t: float) -> Any:
    if not is_active(leaf):
        return leaf
    moved: Any = np.asarray(leaf) + np.asarray(t * _double(du), np.asarray(leaf).dtype.newbyteorder("="))
    return type(leaf)(moved) if type(leaf) in (float, complex) else moved[()]


def _double(x: Any) -> Any:
    """A leaf in double precision."""
    return np.asarray(x, complex if np.asarray(x).dtype.kind == "c" else float)


def _dot(w: Any, x: Any) -> float:
    """How cotangents pair with tangents, over all leaves that have a derivative: Re(sum of w x)."""
    return float(sum(np.sum((_double(b) * _double(a)).real) for b, a in _pairs_of(x, w)))


def _pairs_of(x: Any, w: Any) -> list[tuple[Any, Any]]:
    """Leaves of both where neither is None: x and w have the same structure up to None."""
    reference, other = (x, w) if len(_leaves(x)) >= len(_leaves(w)) else (w, x)
    return [(a, b) for a, b in pairs(reference, other) if b is not None and is_active(a)]


def _magnitude(w: Any, x: Any) -> float:
    return float(sum(np.sum(np.abs(_double(b) * _double(a))) for b, a in _pairs_of(x, w)))


def _norm(u: Any) -> float:
    return max((float(np.max(np.abs(_double(x)), initial=0.0)) for x in _leaves(u)), default=0.0)


def _epsilon(args: Any) -> float:
    """Relative spacing of the coarsest dtype among the arguments."""
    return max((float(np.finfo(np.asarray(x).dtype).eps) for x in _leaves(args) if is_active(x)), default=float(np.finfo(float).eps))
