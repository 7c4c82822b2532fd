"""The public transforms: argument order, structures, composition, refusals."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class Model:
    weight: Any
    name: str
    count: int


def f(x, y):
    return math.sin(x) * y * y


def norm(v):
    s = 0.0
    for i in range(len(v)):
        s += v[i] ** 2 * (i + 1.0)
    return s


def two(x):
    return x * x, math.exp(x)


def vector(x, k):
    out = np.zeros(3)
    for i in range(3):
        out[i] = x * (i + 1.0) + k[i] * k[i]
    return out


def test_grad_argnums() -> None:
    assert of.grad(f)(0.5, 2.0) == pytest.approx(math.cos(0.5) * 4)
    assert of.grad(f, 1)(0.5, 2.0) == pytest.approx(math.sin(0.5) * 4)
    assert of.grad(f, argnums=-1)(0.5, 2.0) == pytest.approx(math.sin(0.5) * 4)
    both = of.grad(f, (1, 0))(0.5, 2.0)
    assert isinstance(both, tuple) and both == pytest.approx((math.sin(0.5) * 4, math.cos(0.5) * 4))
    assert isinstance(of.grad(f, (0,))(0.5, 2.0), tuple)
    assert type(of.grad(f)(0.5, 2.0)) is float


def test_value_and_grad_and_aux() -> None:
    value, gradient = of.value_and_grad(f, (0, 1))(0.5, 2.0)
    assert value == pytest.approx(f(0.5, 2.0)) and gradient == pytest.approx((math.cos(0.5) * 4, math.sin(0.5) * 4))

    def with_aux(x):
        return x * x, (x + 1.0, 3)

    assert of.grad(with_aux, has_aux=True)(3.0) == (6.0, (4.0, 3))
    assert of.value_and_grad(with_aux, has_aux=True)(3.0) == ((9.0, (4.0, 3)), 6.0)
    assert of.jacfwd(with_aux, has_aux=True)(3.0) == (6.0, (4.0, 3))
    with pytest.raises(of.DerivativeError) as e:
        of.grad(f, has_aux=True)(0.5, 2.0)
    assert e.value.code == "E203"


def test_gradients_have_the_structure_of_the_argument() -> None:
    x = np.array([1.0, 2.0, 3.0])
    g = of.grad(norm)(x)
    assert isinstance(g, np.ndarray) and g.dtype == np.float64 and np.allclose(g, 2 * x * [1, 2, 3])
    assert g.ctypes.data % 64 == 0

    def nested(p):
        return p["w"][0] * p["w"][1].a + norm(p["w"][1].b) * p["n"]

    p = {"w": [2.0, Pair(3.0, x)], "n": 2, "none": None, "label": "x"}
    out = of.grad(nested)(p)
    assert out["w"][0] == 3.0 and isinstance(out["w"][1], Pair) and out["w"][1].a == 2.0
    assert np.allclose(out["w"][1].b, 4 * x * [1, 2, 3])
    assert out["n"] is None and out["none"] is None and out["label"] == "x" and list(out) == list(p)

    def of_record(m):
        return m.weight * m.weight * m.count

    back = of.grad(of_record)(Model(3.0, "m", 2))
    assert back == Model(12.0, "m", None)  # type: ignore[arg-type]


def test_dtypes() -> None:
    def g(x):
        return x * x

    assert type(of.jit(g)(np.float32(3))) is np.float32 and of.grad(g)(np.float32(3)) == 6
    assert type(of.jit(g)(3)) is int and type(of.jit(g)(True and 3.0)) is float
    assert type(of.grad(g)(np.float64(3.0))) is float
    v = of.grad(lambda x: norm(x) * 1.0)(np.ones(4, np.float32))
    assert v.dtype == np.float32


def test_jacobians() -> None:
    k = np.array([1.0, 2.0, 3.0])
    for jac in (of.jacfwd, of.jacrev):
        assert np.allclose(jac(vector)(2.0, k), [1, 2, 3])
        assert np.allclose(jac(vector, 1)(2.0, k), np.diag(2 * k))
        a, b = jac(vector, (0, 1))(2.0, k)
        assert a.shape == (3,) and b.shape == (3, 3)
        assert jac(two)(1.5) == pytest.approx((3.0, math.exp(1.5)))
        d = jac(lambda p: {"s": p["x"] * p["y"], "n": 3, "t": (p["x"],)})({"x": 2.0, "y": 5.0, "k": 1})
        assert d == {"s": {"x": 5.0, "y": 2.0, "k": None}, "n": None, "t": ({"x": 1.0, "y": 0.0, "k": None},)}


def test_hessians() -> None:
    assert of.hessian(norm)(np.ones(3)) == pytest.approx(np.diag([2.0, 4.0, 6.0]))
    h = of.hessian(f, (0, 1))(0.5, 2.0)
    assert h[0] == pytest.approx((-math.sin(0.5) * 4, math.cos(0.5) * 4)) and h[1] == pytest.approx((math.cos(0.5) * 4, 2 * math.sin(0.5)))
    p = {"a": 2.0, "v": np.array([1.0, 2.0])}
    tree = of.hessian(lambda p: p["a"] ** 2 * norm(p["v"]))(p)
    assert tree["a"]["a"] == pytest.approx(2 * 9.0) and tree["a"]["v"].shape == (2,) and tree["v"]["v"].shape == (2, 2)
    assert np.allclose(tree["v"]["a"], tree["a"]["v"])
    x = np.array([0.3, 0.7])
    assert np.allclose(of.hessian(of.jit(lambda v: math.sin(v[0]) * v[1]))(x), [[-math.sin(0.3) * 0.7, math.cos(0.3)], [math.cos(0.3), 0.0]])
    assert np.allclose(of.hvp(norm, (np.ones(3),), (np.array([1.0, 0.0, 2.0]),)), [2, 0, 12])
    assert of.hvp(f, (0.5, 2.0), (1.0, 0.0)) == pytest.approx((-math.sin(0.5) * 4, math.cos(0.5) * 4))
    assert of.hvp(lambda x, n: x**2 * n, (3.0, 2), (1.0, None)) == (pytest.approx(4.0), None)


def test_jvp_and_vjp() -> None:
    out, dot = of.jvp(f, (0.5, 2.0), (1.0, 0.5))
    assert out == pytest.approx(f(0.5, 2.0)) and dot == pytest.approx(math.cos(0.5) * 4 + math.sin(0.5) * 2)
    value, pullback = of.vjp(f, 0.5, 2.0)
    assert value == out and pullback(3.0) == pytest.approx((3 * math.cos(0.5) * 4, 3 * math.sin(0.5) * 4))
    (a, b), moved = of.jvp(two, (1.0,), (2.0,))
    assert moved == pytest.approx((4.0, 2 * math.e)) and a == 1.0 and b == pytest.approx(math.e)
    _, pull = of.vjp(lambda x, n: (x * n, n), 2.0, 3)
    assert pull((1.0, None)) == (3.0, None)
    k = np.array([1.0, 2.0, 3.0])
    _, pull = of.vjp(vector, 2.0, k)
    x, kk = pull(np.array([1.0, 0.0, 1.0]))
    assert x == 4.0 and np.allclose(kk, [2, 0, 6])
    k[:] = 0.0  # the pullback keeps the point it was made at
    assert np.allclose(pull(np.ones(3))[1], [2, 4, 6])
    assert of.jvp(lambda x: (x, 3), (1.0,), (1,)) == ((1.0, 3), (1.0, None))


def test_composition() -> None:
    cube = lambda x: x**3  # noqa: E731
    assert of.grad(of.grad(cube))(2.0) == pytest.approx(12.0)
    assert of.grad(of.grad(of.grad(cube)))(2.0) == pytest.approx(6.0)
    assert of.jit(of.grad(cube))(2.0) == pytest.approx(12.0)
    assert of.grad(of.jit(cube))(2.0) == pytest.approx(12.0)
    assert of.jacfwd(of.grad(cube))(2.0) == pytest.approx(12.0) == of.jacrev(of.jacfwd(cube))(2.0)
    assert of.jvp(of.grad(cube), (2.0,), (1.0,))[1] == pytest.approx(12.0)
    inner = of.grad(cube)

    def uses(x):
        return inner(x) * x  # 3 x^3

    assert of.jit(uses)(2.0) == pytest.approx(24.0) and of.grad(uses)(2.0) == pytest.approx(36.0)


def test_perturbations_are_not_confused() -> None:
    def outer(x):
        def inside(y):
            return x * y

        return x * of.grad(inside)(1.0)

    assert of.grad(outer)(3.0) == pytest.approx(6.0)


def test_stop_gradient() -> None:
    assert of.stop_gradient(3.0) == 3.0
    assert of.grad(lambda x: of.stop_gradient(x) * x)(3.0) == 3.0


def test_a_derivative_never_writes() -> None:
    def overwrite(x):
        for i in range(len(x)):
            x[i] = x[i] * x[i]
        return np.sum(x)

    x = np.array([1.0, 2.0, 3.0])
    keep = x.copy()
    assert np.allclose(of.grad(overwrite)(x), 2 * keep) and np.array_equal(x, keep)
    of.jvp(overwrite, (x,), (x,)), of.vjp(overwrite, x)[1](1.0), of.jacfwd(overwrite)(x), of.hessian(overwrite)(x)
    assert np.array_equal(x, keep)
    x.flags.writeable = False
    assert np.allclose(of.grad(overwrite)(x), 2 * keep)
    x.flags.writeable = True
    assert of.jit(overwrite)(x) == 14.0 and np.array_equal(x, keep**2)


@pytest.mark.parametrize(
    ("call", "code", "text"),
    [
        (lambda: of.grad(f)(1, 2.0), "E202", "i64"),
        (lambda: of.grad(f, 1)(1.0, np.array([1, 2])), "E202", "i64"),
        (lambda: of.grad(f)(True, 2.0), "E202", "bool"),
        (lambda: of.grad(f, 2)(1.0, 2.0), "E202", "argument 2"),
        (lambda: of.grad(f, -3)(1.0, 2.0), "E202", "argument -3"),
        (lambda: of.grad(f, (0, 0))(1.0, 2.0), "E202", "twice"),
        (lambda: of.grad(f, ())(1.0, 2.0), "E202", "no argument"),
        (lambda: of.grad(lambda p: 1.0)({"n": 3}), "E202", "without any float"),
        (lambda: of.grad(two)(1.0), "E203", "tuple of 2"),
        (lambda: of.grad(vector)(1.0, np.ones(3)), "E203", "f64[3]"),
        (lambda: of.grad(lambda x: 3)(1.0), "E203", "i64"),
        (lambda: of.grad(lambda x: None)(1.0), "E203", "None"),
        (lambda: of.jacfwd(lambda x: 3)(1.0), "E203", "i64"),
        (lambda: of.jvp(f, (1.0, 2.0), (1.0,)), "E202", "tuple of 1"),
        (lambda: of.jvp(f, 1.0, 1.0), "E202", "tuples"),
        (lambda: of.jvp(norm, (np.ones(3),), (np.ones(2),)), "E202", "shape"),
        (lambda: of.jvp(norm, (np.ones(3),), (np.ones(3, "f4"),)), "E202", "float32"),
        (lambda: of.jvp(norm, (np.ones(3),), (None,)), "E202", "None"),
        (lambda: of.jvp(lambda n: n, (1,), (None,)), "E202", "none of the primals"),
        (lambda: of.vjp(vector, 1.0, np.ones(3))[1](np.ones(4)), "E202", "shape"),
        (lambda: of.vjp(two, 1.0)[1]((1.0,)), "E202", "tuple of 1"),
        (lambda: of.hvp(lambda n: n * 1.0, (3,), (None,)), "E202", "none of the primals"),
    ],
)
def test_refusals(call: Any, code: str, text: str) -> None:
    with pytest.raises(of.DerivativeError) as e:
        call()
    assert e.value.code == code and text in str(e.value) and isinstance(e.value, TypeError)


def test_not_a_function() -> None:
    with pytest.raises(of.ArgumentError):
        of.jit(3)  # type: ignore[call-overload]
    with pytest.raises(of.ArgumentError):
        of.grad(None)  # type: ignore[arg-type]
