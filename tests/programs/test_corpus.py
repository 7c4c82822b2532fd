"""Every program of the corpus, crossed with {value, jvp, vjp, grad, second and third order} and with {CPython, interpreter, compiled}."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform import staging
from tests import differences
from tests.differences import double, floats, is_complex, is_float, leaves
from tests.programs import points
from tests.programs.points import Directions, Point

# Whatever is a float is differentiated here, also what a program only compares or rounds, and second derivatives of linear programs are taken.
pytestmark = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")


def over(*chosen: Any, slow: bool = False) -> Any:
    """Parametrise by the points that pass all the tests `chosen`."""
    params: list[Any] = []
    for point in points.POINTS:
        if all(test(point) for test in chosen):
            marks = [pytest.mark.slow] if point.program.slow or slow else []
            params.append(pytest.param(point, id=f"{point.program.name}-{point.case}", marks=marks))
    return pytest.mark.parametrize("point", params)


def differentiable(point: Point) -> bool:
    return bool(point.wrt)


def smooth(point: Point) -> bool:
    return differentiable(point) and not point.program.kinks


def first(point: Point) -> bool:
    """One set of arguments of each program: what higher orders add to the first is the transforms' work, which the numbers do not change."""
    return point.case == 0


def of_order(order: int) -> Any:
    return lambda point: first(point) and smooth(point) and point.program.order >= order


def execute(f: Any, args: tuple[Any, ...], way: str) -> Any:
    """A function of arguments run as compiled code, or by the interpreter from its IR."""
    return of.jit(f)(*args) if way == "compiled" else of.trace(f)(*args).interpret(*args)


both_ways = pytest.mark.parametrize("way", ["compiled", "interpreted"])


# ---------------------------------------------------------------- comparisons


def close(actual: Any, expected: Any, tolerance: float, scale: float = 0.0) -> None:
    """Equal to `tolerance` relative to the largest number of the vector (not to each: cancellation is the program's, not ours)."""
    a, e = double(actual), double(expected)
    assert a.shape == e.shape, f"{a.shape} instead of {e.shape}"
    finite = e[np.isfinite(e)]
    scale = max(scale, float(np.abs(finite).max(initial=0.0)))
    np.testing.assert_allclose(a, e, rtol=0.0, atol=tolerance * scale + 1e-300)


def same_result(actual: Any, expected: Any, tolerance: float) -> None:
    """The same structure, dtypes and numbers."""
    a, e = leaves(actual), leaves(expected)
    assert type(actual) is type(expected) or not isinstance(expected, tuple), f"{type(actual)} instead of {type(expected)}"
    assert len(a) == len(e)
    for x, y in zip(a, e, strict=True):
        assert np.asarray(x).dtype == np.asarray(y).dtype, f"{np.asarray(x).dtype} instead of {np.asarray(y).dtype}"
        if is_float(y):
            close(x, y, tolerance, scale=1.0 if tolerance > 0 else 0.0)
        else:
            np.testing.assert_array_equal(x, y)


def rounding(point: Point) -> float:
    """How far two orders of rounding may part: some hundred roundings, times the program's own factor."""
    return 1000.0 * point.eps * point.program.loose


def dot(a: Any, b: Any) -> tuple[float, float]:
    """How two lists of leaves pair, Re(sum of a b), and the sum of its terms' sizes."""
    terms = [double(x) * double(y) for x, y in zip(a, b, strict=True)]
    return sum(float(t.real.sum()) for t in terms), sum(float(np.abs(t).sum()) for t in terms)


def against_differences(actual: Any, expected: np.ndarray, error: np.ndarray, point: Point, order: int = 1) -> None:
    """Within the differences' own error estimate; which must itself be small, or the comparison says nothing."""
    scale = float(np.abs(expected).max(initial=0.0))
    assert error.max(initial=0.0) <= (1e-6, 1e-3, 2e-2)[order - 1] * max(scale, 1.0), "differences are useless here: change the arguments"
    tolerance = 10.0 * error + 1e-9 * scale + rounding(point) * max(scale, 1.0)
    a = np.asarray(actual, float)
    assert a.shape == expected.shape
    assert np.all(np.abs(a - expected) <= tolerance), f"{a} instead of {expected} ± {tolerance}"


def as_tuple(gradient: Any, point: Point) -> tuple[Any, ...]:
    return gradient if len(point.wrt) > 1 else (gradient,)


def argnums(point: Point) -> Any:
    return point.wrt if len(point.wrt) > 1 else point.wrt[0]


def moving(direction: Directions) -> list[Any]:
    return [d for d in direction if d is not None]


def jvp(point: Point, direction: Directions, way: str = "compiled") -> tuple[Any, Any]:
    """Value and tangent."""
    args = point.args()
    tangents = point.tangents(args, direction)
    if way == "compiled":
        return of.jvp(point.fn, args, tangents)
    names = [f"a{k}" for k in range(len(args))]
    return execute(points.pushforward(point.program, names, [t is not None for t in tangents]), (*args, *(t for t in tangents if t is not None)), way)


# ---------------------------------------------------------------- values and text


@over()
@both_ways
def test_value(point: Point, way: str) -> None:
    """Result and arguments as CPython leaves them; and again at the second call."""
    value, after = point.value
    f = of.jit(point.fn)
    for _ in range(2 if way == "compiled" else 1):
        args = point.args()
        if way == "compiled":
            same_result(f(*args), value, rounding(point))
            same_result(args, after, rounding(point))
        else:
            same_result(of.trace(point.fn)(*args).interpret(*args), value, rounding(point))


@over()
def test_text(point: Point) -> None:
    """parse(print(p)) prints the same and computes the same. A parsed program takes what is captured as parameters, and returns arguments it writes to."""
    traced = of.trace(point.fn)(*point.args())
    again = of.parse(str(traced))
    assert str(again) == str(traced)
    values = [a for a in point.args() if a is not None and not isinstance(a, str)]
    first = leaves(traced.interpret(*point.args()))
    second = leaves(again.interpret(*values, *(c.get() for c in traced.lowered.captures)))
    for x, y in zip(first, second[: len(first)], strict=True):
        np.testing.assert_array_equal(x, y)


@over(differentiable)
def test_text_of_gradient(point: Point) -> None:
    traced = of.trace(of.grad(point.loss, argnums(point)))(*point.loss_args())
    assert str(of.parse(str(traced))) == str(traced)


# ---------------------------------------------------------------- first order


@over(smooth)
@both_ways
def test_forward(point: Point, way: str) -> None:
    """The tangent against differences, along two directions."""
    for k in (1, 2) if way == "compiled" else (1,):
        direction = point.direction(k)
        value, tangent = jvp(point, direction, way)
        same_result(value, point.value[0], rounding(point))
        expected, error = differences.along(point.fn, point.args(), direction)
        against_differences(floats(tangent), expected, error, point)


@over(differentiable)
def test_reverse(point: Point) -> None:
    """<cotangent, J v> = <J' cotangent, v>, tightly."""
    value, pullback = of.vjp(point.fn, *point.args())
    same_result(value, point.value[0], rounding(point))
    rng = np.random.default_rng([point.seed, 5])
    for k in (1, 2, 3):
        cotangent = cotangents(value, rng)
        gradient = pullback(cotangent)
        direction = point.direction(k)
        _, tangent = jvp(point, direction)
        left, size = dot([c for c in leaves(cotangent)], [t for t in leaves(tangent) if t is not None])
        right, other = dot([g for g, d in zip(gradient, direction, strict=True) if d is not None], moving(direction))
        assert abs(left - right) <= max(1e-10, rounding(point)) * max(size, other), f"forward {left}, reverse {right}"


def cotangents(value: Any, rng: np.random.Generator) -> Any:
    """Random numbers in the structure of the result; None for what has no derivative."""
    if isinstance(value, tuple):
        return tuple(cotangents(v, rng) for v in value)
    if not is_float(value):
        return None
    if is_complex(value):
        re, im = (rng.uniform(-1.0, 1.0, np.shape(value)) for _ in range(2))
        return (re + 1j * im).astype(value.dtype) if isinstance(value, np.ndarray) else type(value)(re + 1j * im)
    return rng.uniform(-1.0, 1.0, value.shape).astype(value.dtype) if isinstance(value, np.ndarray) else type(value)(rng.uniform(0.5, 1.0))


@over(smooth)
@both_ways
def test_gradient(point: Point, way: str) -> None:
    """Each component (or, of many, some random combinations) against differences of the loss."""
    args = point.loss_args()
    gradient = as_tuple(execute(of.grad(point.loss, argnums(point)), args, way), point)
    for g, k in zip(gradient, point.wrt, strict=True):
        assert np.shape(g) == np.shape(args[k])
        assert np.asarray(g).dtype == np.asarray(args[k]).dtype
    if way == "interpreted":
        compiled = as_tuple(of.grad(point.loss, argnums(point))(*args), point)
        close(floats(gradient), floats(compiled), rounding(point))
        return
    same_result(args, point.loss_args(), 0.0)  # a derivative changes nothing, even where the program does
    probes = unit_directions(point) if floats(moving(point.direction(1))).size <= 8 else [point.loss_direction(k) for k in (1, 2, 3)]
    for direction in probes:
        expected, error = differences.along(point.loss, args, direction)
        total, _ = dot(gradient, moving(direction))
        against_differences([total], expected, error, point)


def unit_directions(point: Point) -> list[Directions]:
    """One direction per component, two where it is complex."""
    out: list[Directions] = []
    args = point.loss_args()
    for k in point.wrt:
        for i, step in itertools.product(range(np.size(args[k])), (1.0, 1j) if is_complex(args[k]) else (1.0,)):
            unit = np.zeros(np.size(args[k]), double(args[k]).dtype)
            unit[i] = step
            own = unit.reshape(np.shape(args[k])) if isinstance(args[k], np.ndarray) else step
            out.append(tuple(own if j == k else a * 0 if j in point.wrt else None for j, a in enumerate(args)))
    return out


@over(differentiable)
def test_value_and_gradient(point: Point) -> None:
    args = point.loss_args()
    value, gradient = of.value_and_grad(point.loss, argnums(point))(*args)
    with np.errstate(all="ignore"):
        close(value, point.loss(*point.loss_args()), rounding(point), scale=1.0)
    close(floats(gradient), floats(of.grad(point.loss, argnums(point))(*args)), rounding(point))


@over(lambda point: point.program.expect is not None)
@both_ways
def test_convention(point: Point, way: str) -> None:
    """At kinks: the documented gradient, in reverse and in forward mode."""
    expected = point.program.expect
    assert expected is not None
    gradient = as_tuple(execute(of.grad(point.fn, argnums(point)), point.args(), way), point)
    close(floats(gradient), floats(expected), 1e-12, scale=1.0)
    forward = as_tuple(of.jacfwd(point.fn, argnums(point))(*point.args()), point)
    close(floats(forward), floats(expected), 1e-12, scale=1.0)


def real(point: Point) -> bool:
    """Whether a Jacobian of real numbers is all there is to know."""
    return not any(map(is_complex, (*(point.args()[k] for k in point.wrt), *leaves(point.value[0]))))


@over(differentiable, real, lambda point: point.arrays)
def test_jacobians(point: Point) -> None:
    """Column by column equals row by row."""
    forward = of.jacfwd(point.fn, argnums(point))(*point.args())
    reverse = of.jacrev(point.fn, argnums(point))(*point.args())
    assert [np.shape(x) for x in leaves(forward)] == [np.shape(x) for x in leaves(reverse)]
    close(floats(forward), floats(reverse), rounding(point), scale=1e-3)
    if not isinstance(point.value[0], tuple):
        direction = point.direction(1)
        _, tangent = jvp(point, direction)
        parts = [np.tensordot(np.asarray(j, float), np.asarray(d, float), np.ndim(d)) for j, d in zip(as_tuple(forward, point), moving(direction), strict=True)]
        close(sum(parts), tangent, rounding(point), scale=1e-3)


def has_arrays(point: Point) -> bool:
    return any(isinstance(a, np.ndarray) for a in point.args())


@over(first, differentiable, has_arrays)
def test_open_lengths(point: Point, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short arrays are compiled with their lengths known; the version for all lengths computes the same, to second order."""
    general = of.jit(point.loss, cache=False)  # options of its own: shares no code with the other tests
    args, direction = point.loss_args(), point.loss_direction(1)
    derived = of.grad(general, argnums(point))
    with monkeypatch.context() as patched:
        patched.setattr(staging, "STATIC_LIMIT", 0)
        value, gradient = general(*point.loss_args()), derived(*args)
        change = of.jvp(derived, args, point.tangents(args, direction))[1] if smooth(point) else None
    with np.errstate(all="ignore"):
        close(value, point.loss(*point.loss_args()), rounding(point), scale=1.0)
    known = of.grad(point.loss, argnums(point))
    close(floats(gradient), floats(known(*args)), rounding(point), scale=1e-3)
    if change is not None:
        close(floats(change), floats(of.jvp(known, args, point.tangents(args, direction))[1]), 100.0 * rounding(point), scale=1e-3)


# ---------------------------------------------------------------- second order


def second_differences(point: Point) -> tuple[np.ndarray, np.ndarray]:
    if point not in _second:
        _second[point] = differences.mixed(point.loss, point.loss_args(), point.loss_direction(1), point.loss_direction(2))
    return _second[point]


_second: dict[Point, tuple[np.ndarray, np.ndarray]] = {}


def contracted(gradient: Any, point: Point, k: int) -> float:
    return dot(as_tuple(gradient, point), moving(point.loss_direction(k)))[0]


@over(of_order(2))
def test_forward_over_reverse(point: Point) -> None:
    args = point.loss_args()
    tangents = point.tangents(args, point.loss_direction(1))
    gradient = of.grad(point.loss, argnums(point))
    value, change = of.jvp(gradient, args, tangents)
    close(floats(value), floats(gradient(*args)), rounding(point))
    against_differences([contracted(change, point, 2)], *second_differences(point), point, order=2)


@over(of_order(2))
@both_ways
def test_reverse_over_reverse(point: Point, way: str) -> None:
    f = of.grad(point.derived("R"), argnums(point))
    got = execute(f, (*point.loss_args(), *moving(point.loss_direction(1))), way)
    against_differences([contracted(got, point, 2)], *second_differences(point), point, order=2)


@over(of_order(2))
def test_reverse_over_forward(point: Point) -> None:
    f = of.grad(point.derived("F"), argnums(point))
    got = f(*point.loss_args(), *moving(point.loss_direction(1)))
    against_differences([contracted(got, point, 2)], *second_differences(point), point, order=2)


@over(of_order(2), real)
def test_hessian(point: Point) -> None:
    """u' H v from the whole matrix."""
    args = point.loss_args()
    h = of.hessian(point.loss, argnums(point))(*args)
    v, u = moving(point.loss_direction(1)), moving(point.loss_direction(2))
    total = 0.0
    for row, left in zip(as_tuple(h, point), u, strict=True):
        for block, right in zip(as_tuple(row, point), v, strict=True):
            assert np.shape(block) == (*np.shape(left), *np.shape(right))
            column = np.tensordot(np.asarray(block, float), np.asarray(right, float), np.ndim(right))
            total += float(np.sum(np.asarray(left, float) * column))
    against_differences([total], *second_differences(point), point, order=2)


@over(of_order(2))
def test_second_orders_agree(point: Point) -> None:
    """The three compositions against each other, far tighter than differences allow."""
    args, v = point.loss_args(), moving(point.loss_direction(1))
    _, change = of.jvp(of.grad(point.loss, argnums(point)), args, point.tangents(args, point.loss_direction(1)))
    reverse = of.grad(point.derived("R"), argnums(point))(*args, *v)
    mixed = of.grad(point.derived("F"), argnums(point))(*args, *v)
    scale = max(1e-3, float(np.abs(floats(change)).max(initial=0.0)))
    close(floats(reverse), floats(change), 100.0 * rounding(point), scale)
    close(floats(mixed), floats(change), 100.0 * rounding(point), scale)


@over(of_order(3), slow=True)
def test_third_order(point: Point) -> None:
    """Reverse over reverse over reverse, and forward over those, along three directions."""
    args = point.loss_args()
    v, u = moving(point.loss_direction(1)), moving(point.loss_direction(2))
    curved = point.derived("RR")
    gradient = of.grad(curved, argnums(point))(*args, *v, *u)
    directions = [point.loss_direction(k) for k in (1, 2, 3)]
    expected, error = differences.mixed(point.loss, args, *directions)
    against_differences([contracted(gradient, point, 3)], expected, error, point, order=3)
    more = (*args, *v, *u)
    still = (*directions[2], *(None for _ in (*v, *u)))
    _, change = of.jvp(curved, more, point.tangents(more, still))
    close(change, contracted(gradient, point, 3), 1000.0 * rounding(point), scale=1.0)


@over(first, smooth)
def test_third_orders_agree(point: Point) -> None:
    """Four ways to nest the modes to third order, along fixed directions, agree to rounding; by the interpreter, since this is a question to the transforms."""
    args = (*point.loss_args(), *(v for k in (1, 2, 3) for v in moving(point.loss_direction(k))))
    found = {modes: of.trace(point.derived(modes))(*args).interpret(*args) for modes in ("FFF", "RFF", "FFR", "RRR")}
    for modes, value in found.items():
        assert np.isfinite(value), modes
        close(value, found["FFF"], 10.0 * rounding(point), scale=1.0)
