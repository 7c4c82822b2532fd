"""Whether all ways of running a generated program agree: CPython, interpreter, compiled; forward, reverse, differences; second order."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import oneform as of
from oneform import staging
from oneform.errors import OneformError
from tests import differences
from tests.differences import floats
from tests.properties.generate import arguments
from tests.source import define

WRT = (0, 1, 2, 3)
REFUSABLE = {"E104"}  # a generated program may bind one name to different memory on two paths
NEAR_TIE = 1e-7  # closer than this, rounding may decide a branch

ALONG = """
def along(x, y, p, m, n, k, v0, v1, v2, v3):
    g0, g1, g2, g3 = gradient(x, y, p, m, n, k)
    return g0 * v0 + g1 * v1 + np.sum(g2 * v2) + np.sum(g3 * v3)
"""


# ---------------------------------------------------------------- CPython, watching the decisions


class Watch:
    """What decided each branch, and how narrowly."""

    def __init__(self) -> None:
        self.decisions: list[bool] = []
        self.gap = np.inf
        self.ties = False  # exactly equal numbers were compared: the derivative is a convention

    def note(self, a: Any, b: Any, outcome: Any) -> Any:
        if isinstance(a, (float, np.floating, np.ndarray)) or isinstance(b, (float, np.floating)):
            gaps = np.abs(np.asarray(a, float) - np.asarray(b, float))
            self.ties = self.ties or bool(np.any(gaps == 0.0))
            self.gap = min(self.gap, float(np.min(gaps[gaps > 0.0], initial=np.inf)))
            self.decisions += [bool(o) for o in np.ravel(outcome)]
        return outcome

    def compare(self, sign: str, a: Any, b: Any) -> Any:
        outcome = {"<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal}[sign](a, b)
        return self.note(a, b, outcome)

    def max(self, a: Any, b: Any) -> Any:
        self.note(a, b, np.greater(a, b))
        return max(a, b) if not isinstance(a, np.ndarray) else np.maximum(a, b)

    def min(self, a: Any, b: Any) -> Any:
        self.note(a, b, np.less(a, b))
        return min(a, b)

    def abs(self, a: Any) -> Any:
        self.note(a, 0.0, np.greater(a, 0.0))
        return abs(a)

    def amax(self, a: np.ndarray) -> Any:
        ordered = np.sort(a)
        if len(ordered) > 1:
            self.note(ordered[-1], ordered[-2], True)
            self.decisions += [bool(o) for o in a == ordered[-1]]
        return np.max(a)


class _Numpy:
    def __init__(self, watch: Watch):
        self.maximum, self.max = watch.max, watch.amax

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


class _Watched(ast.NodeTransformer):
    """a < b < c becomes _compare("<", a, b) and _compare("<", b, c): the middle is evaluated twice, which changes nothing here."""

    SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "=="}

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        operands = [node.left, *node.comparators]
        calls: list[ast.expr] = [
            ast.Call(ast.Name("_compare", ast.Load()), [ast.Constant(self.SIGNS[type(op)]), a, b], [])
            for op, a, b in zip(node.ops, operands[:-1], operands[1:], strict=True)
        ]
        return ast.fix_missing_locations(ast.copy_location(calls[0] if len(calls) == 1 else ast.BoolOp(ast.And(), calls), node))


def watched(text: str) -> Callable[..., tuple[Any, Watch]]:
    """The program under CPython, with the decisions it took."""
    tree = _Watched().visit(ast.parse(text))
    code = compile(tree, "<watched>", "exec")

    def run(*args: Any) -> tuple[Any, Watch]:
        watch = Watch()
        space: dict[str, Any] = {}
        exec(code, space)
        space.update(_compare=watch.compare, max=watch.max, min=watch.min, abs=watch.abs, np=_Numpy(watch))
        return space["program"](*args), watch

    return run


class Flipped(Exception):
    """A step of the differences took another branch."""


# ---------------------------------------------------------------- the check


def check(text: str, trips: int, seed: int, order: int = 2, folder: Path | None = None) -> str:
    """Says "agree", or why nothing was compared. Raises AssertionError, or the compiler's own error, if two ways disagree."""
    limit = staging.STATIC_LIMIT
    staging.STATIC_LIMIT = limit if seed % 2 else 0  # half of the programs are compiled for arrays of any length
    try:
        with np.errstate(all="ignore"):
            return _check(text, trips, seed, order, folder)
    finally:
        staging.STATIC_LIMIT = limit


def _check(text: str, trips: int, seed: int, order: int, folder: Path | None) -> str:
    run = watched(text)
    after = arguments(trips, seed)
    value, watch = run(*after)
    if not np.isfinite(value) or abs(value) > 1e6:
        return "explodes"
    if watch.gap < NEAR_TIE:
        return "near a tie"
    fn = define(text, {}, folder)["program"]
    assert fn(*arguments(trips, seed)) == value, "the watched program differs from the plain one: a fault of the test"
    try:
        return _compare_all(fn, run, watch, value, after, trips, seed, order)
    except OneformError as refusal:
        if refusal.code in REFUSABLE:
            return f"refused: {refusal.code}"
        raise


def _compare_all(fn: Any, run: Any, watch: Watch, value: float, after: Sequence[Any], trips: int, seed: int, order: int) -> str:
    args = arguments(trips, seed)
    rng = np.random.default_rng(seed + 1)
    directions = [_direction(args, rng) for _ in range(3)]

    def decided(*moved: Any) -> Any:
        result, other = run(*moved)
        if watch.ties or other.decisions != watch.decisions:
            raise Flipped
        return result

    slope = _differences(decided, args, directions[0])
    size = 1.0 + abs(value) + (abs(float(slope[0][0])) if slope else 0.0)
    if size > 1e8:
        return "explodes"

    # values, and what is left in the arguments
    passed = arguments(trips, seed)
    _equal(of.jit(fn)(*passed), value, 1e-11 * size, "compiled value")
    for now, then in zip(passed, after, strict=True):
        _equal(now, then, 1e-11 * size, "arguments after the call")
    _equal(of.trace(fn)(*arguments(trips, seed)).interpret(*arguments(trips, seed)), value, 1e-11 * size, "interpreted value")

    # first order
    gradient = of.grad(fn, WRT)
    g = gradient(*args)
    scale = float(np.abs(floats(g)).max()) + 1e-6
    for v in directions:
        primal, tangent = of.jvp(fn, args, (*v, None, None))
        _equal(primal, value, 1e-11 * size, "value by jvp")
        _equal(_dot(g, v), tangent, 1e-9 * scale, "reverse against forward")
    if slope is not None:
        _near(_dot(g, directions[0]), slope, 1e-9 * size, "reverse against differences")
    traced = of.trace(gradient)(*arguments(trips, seed))
    _equal(floats(traced.interpret(*arguments(trips, seed))), floats(g), 1e-9 * scale, "interpreted gradient")
    for now, then in zip(args, arguments(trips, seed), strict=True):
        _equal(now, then, 0.0, "arguments after a derivative")
    if order < 2:
        return "agree"

    # second order
    v, u = directions[0], directions[1]
    _, change = of.jvp(gradient, args, (*v, None, None))
    along = define(ALONG + f"# {id(gradient)}\n", {"np": np, "gradient": gradient})["along"]
    reverse = of.grad(along, WRT)(*args, *v)
    scale = float(np.abs(floats(change)).max()) + scale
    _equal(floats(reverse), floats(change), 1e-8 * scale, "reverse over reverse against forward over reverse")
    curvature = _differences(lambda *moved: floats(differences.along(decided, moved, (*u, None, None))[0]), args, v, (1e-2, 1e-3))
    if curvature is not None:
        _near(_dot(change, u), (curvature[0], curvature[1] + 1e-7 * size), 1e-8 * scale, "second order against differences")
    return "agree"


def _direction(args: Sequence[Any], rng: np.random.Generator) -> tuple[Any, ...]:
    return tuple(rng.uniform(-1.0, 1.0, np.shape(a)) if isinstance(a, np.ndarray) else float(rng.uniform(-1.0, 1.0)) for a in args[:4])


def _differences(
    f: Any, args: Sequence[Any], direction: Sequence[Any], starts: Sequence[float] = (1e-2, 1e-3, 1e-4, 1e-5)
) -> tuple[np.ndarray, np.ndarray] | None:
    """The derivative from the first step size at which no branch flips; None if there is none, or it says nothing."""
    for h in starts:
        try:
            best, error = differences.ridders(lambda t: floats(f(*differences.moved(args, (*direction, None, None), t))), h, 5)
        except Flipped:
            continue
        if np.all(error < 1e-4 * (1.0 + np.abs(best))):
            return best, error
    return None


def _dot(g: Sequence[Any], v: Sequence[Any]) -> float:
    return float(sum(np.sum(np.asarray(a) * np.asarray(b)) for a, b in zip(g, v, strict=True)))


def _equal(actual: Any, expected: Any, tolerance: float, what: str) -> None:
    a, e = np.asarray(actual, float), np.asarray(expected, float)
    assert a.shape == e.shape and np.all(np.abs(a - e) <= tolerance), f"{what}: {actual} instead of {expected}, tolerance {tolerance:.2g}"


def _near(actual: float, expected: tuple[np.ndarray, np.ndarray], tolerance: float, what: str) -> None:
    best, error = float(expected[0][0]), float(expected[1][0])
    assert abs(actual - best) <= 10.0 * error + tolerance, f"{what}: {actual} instead of {best} ± {error:.2g}"
