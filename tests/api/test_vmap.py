"""of.vmap: in_axes and out_axes over nested structures, lanes that go their own way, derivatives of it and in it, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of
from oneform.optimise import optimise
from tests.codegen.driver import Counted
from tests.differences import leaves

RNG = np.random.default_rng(7)
M, LONG = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 20))
V = RNG.uniform(1.0, 9.0, 6)


def numbers(x: Any) -> list[Any]:
    return [leaf for part in x.values() for leaf in numbers(part)] if isinstance(x, dict) else [n for p in x for n in numbers(p)] if isinstance(x, (tuple, list)) else leaves(x)


def same(actual: Any, expected: Any) -> None:
    for x, y in zip(numbers(actual), numbers(expected), strict=True):
        assert np.shape(x) == np.shape(y)
        np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-11)


def roots(x, tolerance):
    y = x
    while abs(y * y - x) > tolerance:
        y = 0.5 * (y + x / y)
    return y


def steps(x):
    k = 0
    while x > 1.0:
        x, k = x * 0.5, k + 1
    return x, k


def factorial(x, n):
    return x if n <= 0 else x * factorial(x, n - 1)


# ---------------------------------------------------------------- lanes


def test_each_lane_takes_its_own_time() -> None:
    expected = [steps(x) for x in V]
    same(of.vmap(steps)(V), (np.array([x for x, _ in expected]), np.array([k for _, k in expected])))
    assert of.vmap(steps)(V)[1].dtype == np.int64
    same(of.vmap(of.grad(roots), (0, None))(V, 1e-12), 0.5 / np.sqrt(V))
    same(of.grad(lambda v: np.sum(of.vmap(roots, (0, None))(v, 1e-12)))(V), 0.5 / np.sqrt(V))


def test_recursion() -> None:
    n = np.arange(6)
    same(of.vmap(factorial)(V, n), V ** (n + 1))
    same(of.vmap(of.grad(factorial))(V, n), (n + 1) * V**n)


def clipped(x, by):
    y = x * by if x[0] > 0.0 else x**2
    x[0] = 7.0
    return y


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_writes_reach_the_caller_where_the_lane_is(axis: int) -> None:
    a = (M if axis == 0 else M.T).copy()
    f = of.vmap(clipped, (axis, None), axis)
    out = f(a, 2.0)
    same(out if axis == 0 else out.T, np.array([row * 2.0 if row[0] > 0.0 else row**2 for row in M]))
    assert (a if axis == 0 else a.T)[:, 0].tolist() == [7.0] * 4 and (a[:, 1:] == M[:, 1:] if axis == 0 else a[1:] == M.T[1:]).all()
    before = a.copy()
    of.grad(lambda z: np.sum(f(z, 2.0)))(a)
    assert (a == before).all()


def running(x, total):
    total[0] += x
    return total[0]


def test_lanes_run_in_order() -> None:
    total = np.zeros(1)
    same(of.vmap(running, (0, None))(V, total), np.cumsum(V))
    assert total[0] == pytest.approx(V.sum())


def checked(x):
    if x < 0.0:
        raise ValueError(f"negative: {x}")
    return np.sqrt(x)


def test_an_exception_of_the_first_lane_that_raises() -> None:
    for f in (of.vmap(checked), of.grad(lambda v: np.sum(of.vmap(checked)(v)))):
        with pytest.raises(ValueError, match="negative: -2.0"):
            f(np.array([1.0, -2.0, -3.0]))
    same(of.vmap(checked)(V), np.sqrt(V))


def of_length(x, n):
    return np.arange(n) * x


def test_lengths_that_only_the_lanes_know() -> None:
    same(of.vmap(of_length, (0, None))(V, 4), np.arange(4) * V[:, None])
    same(of.vmap(of_length, 0, 1)(V, np.full(6, 3)), np.arange(3)[:, None] * V)
    with pytest.raises(ValueError, match="results of one shape"):
        of.vmap(of_length)(V, np.arange(6))
    with pytest.raises(ValueError, match="negative dimensions"):
        of.vmap(lambda x, n: np.zeros(n) + x, (0, None))(V, -1)
    with pytest.raises(ValueError, match="axis of length 0"):
        of.vmap(of_length)(V[:0], np.arange(0))


def test_no_lanes() -> None:
    assert of.vmap(lambda x: x * 2.0)(np.zeros((0, 3))).shape == (0, 3)
    with pytest.raises(ValueError, match="axis of length 0"):
        of.vmap(lambda x, w: w, (0, None), None)(np.zeros(0), 1.0)


# ---------------------------------------------------------------- structures


@dataclass
class Layer:
    w: Any
    b: Any


class Pair(NamedTuple):
    first: Any
    second: Any


def affine(layer, x):
    return layer.w @ x + layer.b


def test_axes_in_the_structure_of_the_arguments() -> None:
    w, b, x = RNG.normal(size=(4, 2, 3)), RNG.normal(size=2), RNG.normal(size=3)
    same(of.vmap(affine, (Layer(0, None), None))(Layer(w, b), x), w @ x + b)
    same(of.vmap(affine, (Layer(-1, None), 0), 1)(Layer(w.transpose(1, 2, 0), b), M), np.einsum("kij,kj->ik", w, M) + b[:, None])
    same(of.vmap(lambda p, c: p.first[0] * c["k"] + p.second, (Pair((1, None), 0), {"k": 0, "mode": None}))(Pair((M.T, "unused"), V[:4]), {"k": V[:4], "mode": "m"}),
         M * V[:4, None] + V[:4, None])
    same(of.vmap(lambda p, x: p[0] * x + p[1][0])([M, (V[:4],)], V[:4]), M * V[:4, None] + V[:4, None])
    same(of.vmap(lambda x, *, y: x + y)(M, y=V[:4]), M + V[:4, None])


def several(x, w):
    return {"row": x * w, "pair": (x[0], [np.sum(x), 3])}, w * 2.0, None, "name"


def test_axes_in_the_structure_of_the_results() -> None:
    out = of.vmap(several, (0, None), ({"row": -1, "pair": 0}, None, 0, None))(M, 2.0)
    same(out[:2], ({"row": M.T * 2.0, "pair": (M[:, 0], [M.sum(axis=1), np.full(4, 3)])}, 4.0))
    assert out[2:] == (None, "name") and isinstance(out[1], float)
    pair = of.vmap(lambda p: Pair(p.w * 2.0, Layer(p.b, p.w[0])), 0, Pair(1, Layer(0, 0)))(Layer(M, V[:4]))
    assert isinstance(pair, Pair) and isinstance(pair.second, Layer)
    same((pair.first, pair.second.w, pair.second.b), (2.0 * M.T, V[:4], M[:, 0]))


def test_the_number_of_lanes() -> None:
    same(of.vmap(lambda x: x * 2.0, None, axis_size=3)(1.5), np.full(3, 3.0))
    some = of.jit(lambda x, n: of.vmap(lambda: x * 2.0, axis_size=n)())
    same(some(1.5, 4), np.full(4, 3.0))
    for negative in (lambda: some(1.5, -1), lambda: of.vmap(lambda: 1.0, axis_size=-1)()):
        with pytest.raises(ValueError, match="negative dimensions"):
            negative()
    same(of.vmap(lambda x, w: w @ w, (0, None), None)(V, M[0]), M[0] @ M[0])


# ---------------------------------------------------------------- derivatives, inside and around


def vector(v):
    return np.concatenate([v * v, np.sin(v) * v[0]])


def jacobian_of_vector(v):
    j = np.diag(np.cos(v) * v[0])
    j[:, 0] += np.sin(v)
    return np.concatenate([np.diag(2.0 * v), j])


def cubic(v):
    return np.sum(v**3) * v[0]


def hessian_of_cubic(v):
    h = np.diag(6.0 * v) * v[0]
    h[0] += 3.0 * v * v
    h[:, 0] += 3.0 * v * v
    return h


@pytest.mark.parametrize("x", [M, LONG], ids=["short", "long"])
def test_every_derivative_in_lanes(x: Any) -> None:
    def pulled(v):
        y, pull = of.vjp(vector, v)
        return pull(y)[0], of.jvp(vector, (v,), (v,))[1]

    jacobians, hessians = np.array([jacobian_of_vector(v) for v in x]), np.array([hessian_of_cubic(v) for v in x])
    same(of.vmap(of.jacfwd(vector))(x), jacobians)
    same(of.vmap(of.jacrev(vector))(x), jacobians)
    same(of.vmap(of.hessian(cubic))(x), hessians)
    same(of.jit(lambda x: of.vmap(of.hessian(cubic), 0, 2)(x))(x), hessians.transpose(1, 2, 0))
    same(of.vmap(lambda v: of.hvp(cubic, (v,), (v,)))(x), np.einsum("kij,kj->ki", hessians, x))
    same(of.vmap(pulled)(x), (np.einsum("kij,ki->kj", jacobians, np.array([vector(v) for v in x])), np.einsum("kij,kj->ki", jacobians, x)))
    same(of.vmap(of.value_and_grad(cubic))(x), (np.array([cubic(v) for v in x]), 3.0 * x**2 * x[:, :1] + np.eye(1, x.shape[1]) * (x**3).sum(axis=1)[:, None]))


def test_every_derivative_around_lanes() -> None:
    f = of.vmap(lambda v, k: np.sin(v * k) * v[0], (0, None), 1)

    def by_hand(x, k):
        return (np.sin(x * k) * x[:, :1]).T

    of.check_grads(f, (M, 0.7), order=2)
    for derive in (of.jacfwd, of.jacrev, lambda g: of.hessian(lambda x, k: np.sum(g(x, k)))):
        same(derive(f)(M, 0.7), derive(by_hand)(M, 0.7))
    out, pull = of.vjp(f, M, 0.7)
    same((out, pull(out)), (by_hand(M, 0.7), of.vjp(by_hand, M, 0.7)[1](out)))
    same(of.jvp(f, (M, 0.7), (M, 1.0)), of.jvp(by_hand, (M, 0.7), (M, 1.0)))
    same(of.hvp(lambda x: np.sum(f(x, 0.7)), (M,), (M,)), of.hvp(lambda x: np.sum(by_hand(x, 0.7)), (M,), (M,)))
    same(of.jacobian(lambda x: f(x, 0.7).reshape(-1), sparse=True)(M).toarray(), of.jacobian(lambda x: by_hand(x, 0.7).reshape(-1))(M).reshape(12, 12))


def test_lanes_in_lanes() -> None:
    products = of.vmap(of.vmap(lambda a, b: a @ b, (None, 0)), (0, None))
    same(products(LONG, LONG[:2]), LONG @ LONG[:2].T)
    same(of.jit(lambda a, b: of.vmap(lambda u: of.vmap(lambda v: u @ v)(b))(a))(LONG, LONG[:2]), LONG @ LONG[:2].T)
    same(of.vmap(of.vmap(of.grad(of.grad(lambda z: np.sin(z) * z))))(M), 2.0 * np.cos(M) - M * np.sin(M))
    same(of.grad(lambda a: np.sum(products(a, LONG[:2]) ** 2))(LONG), 2.0 * LONG @ LONG[:2].T @ LONG[:2])
    same(of.vmap(of.grad(lambda a: np.sum(of.vmap(lambda b: (a @ b) ** 2)(LONG))))(LONG), 2.0 * (LONG @ LONG.T) @ LONG)


def test_other_transforms() -> None:
    f = of.vmap(steps)
    same(of.jit(f)(V), f(V))
    same(of.vmap(of.jit(steps))(V), f(V))
    same(of.trace(f)(V).interpret(V), f(V))
    assert "for" in of.lower(f)(V).optimised()
    assert f.__name__ == "steps" and repr(f).startswith("<of.vmap")


def count_in_loop(x, n):
    """The same lanes each time round."""
    total = 0.0
    for k in range(n):
        g = of.vmap(of.grad(lambda v, s: v[0] * v[1] * s), (0, None))
        x = x - 0.1 * g(x, k * 1.0)
        total += np.sum(x)
    return total


def test_lanes_in_a_loop() -> None:
    x, total = M.copy(), 0.0
    for k in range(3):
        step = np.zeros_like(x)
        step[:, 0], step[:, 1] = x[:, 1] * k, x[:, 0] * k
        x = x - 0.1 * step
        total += x.sum()
    assert of.jit(count_in_loop)(M, 3) == pytest.approx(total)
    of.check_grads(count_in_loop, (M, 3), order=2)


def test_what_is_captured_is_read_at_each_call() -> None:
    weight = np.arange(3.0)

    def dot(x):
        return weight @ x

    f = of.vmap(dot)
    same(f(M), M @ weight)
    weight[:] = 1.0
    same(f(M), M.sum(axis=1))


# ---------------------------------------------------------------- what it costs


def model(p, x):
    return np.sum(np.tanh(p["w"] @ x + p["b"]))


def test_a_lane_copies_no_array() -> None:
    p = {"w": RNG.normal(size=(18, 20)), "b": RNG.normal(size=18)}
    for f in (of.grad(model, 1), of.grad(model), model):
        program = of.trace(of.vmap(f, (None, 0)))(p, LONG)
        assert not any(c.in_loop for c in Counted(optimise(program.function)).kernel.copies)


# ---------------------------------------------------------------- refusals


REFUSED = {
    "number": (lambda: of.vmap(steps)(1.0), "E103", "axis 0 of argument `x`, which is a float and has no axes"),
    "string": (lambda: of.vmap(lambda x, mode: x)(V, "a"), "E101", "argument `mode` is the string 'a'"),
    "axis": (lambda: of.vmap(steps, 1)(V), "E103", "axis 1 of argument `x`, which has 1 axis"),
    "lengths": (lambda: of.vmap(lambda x, y: x)(V, M), "E103", "axis 0 of argument `x` has length 6 and axis 0 of argument `y` has length 4"),
    "size": (lambda: of.vmap(steps, axis_size=5)(V), "E103", "axis_size has length 5 and axis 0 of argument `x` has length 6"),
    "nothing": (lambda: of.vmap(steps, None)(1.0), "E106", "in_axes gives none"),
    "arity": (lambda: of.vmap(steps, (0, 0))(V), "E106", "in_axes names 2 arguments, but the call has 1"),
    "container": (lambda: of.vmap(affine, ({"w": 0}, 0))(Layer(M, V), M), "E106", "in_axes has a dict of 1 where argument `layer` is a Layer"),
    "leaf": (lambda: of.vmap(steps, ((0, 0),))(V), "E106", "in_axes has a tuple of 2 where argument `x` is an array"),
    "inside": (lambda: of.vmap(affine, (Layer(2, None), 0))(Layer(M, V), M), "E103", "axis 2 of argument `layer` at .w, which has 2 axes"),
    "list": (lambda: of.vmap(lambda xs: xs[0])([M] * 12), "E101", "argument `xs` is a list of run-time length"),
    "result": (lambda: of.vmap(lambda x: [x * k for k in range(int(x))])(V), "E101", "not a list of run-time length"),
    "perhaps": (lambda: of.vmap(lambda x: None if x > 3.0 else x)(V), "E101", "what may be None"),
    "out axis": (lambda: of.vmap(roots, (0, None), 1)(V, 0.1), "E103", "along axis 1 of a result that has 1 axis"),
    "out structure": (lambda: of.vmap(roots, (0, None), (0, 0))(V, 0.1), "E106", "a tuple of 2 where the function returns a number or an array"),
    "differs": (lambda: of.vmap(roots, (0, None), None)(V, 0.1), "E106", "may differ from lane to lane"),
    "written": (lambda: of.vmap(running, (0, None), None)(V, np.zeros(1)), "E106", "may differ from lane to lane"),
    "unknown shape": (lambda: of.vmap(lambda x, n: (x, np.zeros(n)[np.zeros(n) < 1.0]), (0, None), (0, None))(V, 3), "E006", "must be known before"),
    "inner": (lambda: of.jit(lambda v: of.vmap(steps, v)(v))(V), "E101", "in_axes is made of integers"),
}


class Tally:
    def __init__(self, seen):
        self.seen = seen


def counted(v, start):
    tally = Tally(start)

    def lane(x):
        before = tally.seen
        tally.seen = before + x
        return before

    return of.vmap(lane)(v)


def test_a_type_that_changes_from_lane_to_lane() -> None:
    same(of.jit(counted)(V, 0.0), np.concatenate([[0.0], np.cumsum(V)[:-1]]))
    with pytest.raises(of.CompileError, match="E102: what the function under vmap returns is of another type in a later lane"):
        of.jit(counted)(V, 0)


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    call, code, text = REFUSED[name]
    with pytest.raises(of.OneformError) as e:
        call()
    assert e.value.code == code and text in e.value.detail, e.value.detail
    assert e.value.loc is not None and "test_vmap" in e.value.loc.file


def test_axes_that_are_none() -> None:
    for bad in (0.5, (True,), {"a": "b"}):
        with pytest.raises(of.ArgumentError, match=r"E401: in_axes is made of integers, None and containers"):
            of.vmap(steps, bad)


def test_lengths_known_at_run_time_only() -> None:
    with pytest.raises(ValueError, match="axis 0 of argument `x` has length 30 and axis 0 of argument `y` has length 20"):
        of.vmap(lambda x, y: x + y)(np.ones(30), np.ones(20))


def test_lengths_from_around_the_loop_take_no_list() -> None:
    """Also those of what derivatives make."""
    for f in (vector, of.jacfwd(vector), of.jacrev(vector), lambda v: of.vjp(vector, v)[0], lambda v: np.zeros(len(v) // 2) + v[0], lambda v: np.cumsum(v[1:])):
        program = of.trace(of.vmap(f))(LONG)
        assert "list" not in str(program)
        same(program.interpret(LONG), np.array([f(v) for v in LONG]))

    def parts(v, k):
        if k == 0:
            raise ValueError("no parts")
        return np.zeros(len(v) // k) + v[0]

    with pytest.raises(ValueError, match="no parts"):
        of.vmap(parts, (0, None))(LONG, 0)
    same(of.vmap(parts, (0, None))(LONG, 3), np.zeros(6) + LONG[:, :1])


CAPTURED = of.jacobian(vector)


@pytest.mark.parametrize("x", [M, LONG], ids=["short", "long"])
def test_dense_jacobians_inside(x: Any) -> None:
    """By columns or by rows, as the types tell."""
    expected = np.array([jacobian_of_vector(v) for v in x])
    same(of.vmap(CAPTURED)(x), expected)
    same(of.jit(lambda a: CAPTURED(a[0]))(x), expected[0])
    same(of.jit(lambda a: of.jacobian(vector)(a[0]))(x), expected[0])
    same(of.jit(lambda a: of.jacobian(cubic)(a[0]))(x), of.grad(cubic)(x[0]))
    with pytest.raises(of.CompileError, match="E106: a compiled program cannot call a sparse Jacobian"):
        of.jit(lambda a: of.jacobian(vector, sparse=True)(a[0]))(x)
