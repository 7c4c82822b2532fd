"""One memory passed as two arguments to a function that writes to it: compiled code takes arguments for different memory, and so does every
derivative. It is refused before anything is computed; a copy is not, nor are tangents that are the primals themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import oneform as of

pytestmark = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")


def f(a, b, x):
    a[0] = x * 2.0
    return b[0] * x


@dataclass
class Node:
    w: list[float]
    rest: Node | None = None


def through_nodes(n, x):
    n.w[0] = x * 2.0
    return n.rest.w[0] * x


def still(v: Any) -> Any:
    return v * 0.0 if isinstance(v, np.ndarray) else [0.0] * len(v)


WAYS: dict[str, Any] = {
    "jit": lambda a, b: of.jit(f)(a, b, 3.0),
    "grad": lambda a, b: of.grad(f, 2)(a, b, 3.0),
    "value_and_grad": lambda a, b: of.value_and_grad(f, 2)(a, b, 3.0)[0],
    "jvp": lambda a, b: of.jvp(f, (a, b, 3.0), (still(a), still(b), 1.0))[0],
    "vjp": lambda a, b: of.vjp(f, a, b, 3.0)[0],
    "twice": lambda a, b: of.grad(of.grad(f, 2), 2)(a, b, 3.0),
    "hvp": lambda a, b: of.hvp(f, (a, b, 3.0), (still(a), still(b), 1.0)),
    "hessian": lambda a, b: of.hessian(f, 2)(a, b, 3.0),
}
ARRAYS_ONLY = {"jacfwd": lambda a, b: of.jacfwd(f, 2)(a, b, 3.0), "jacrev": lambda a, b: of.jacrev(f, 2)(a, b, 3.0)}
ARRAYS_ONLY["sparse"] = lambda a, b: of.jacobian(f, 2, sparse=True)(a, b, 3.0)


@pytest.mark.parametrize("way", [*WAYS, *ARRAYS_ONLY])
def test_arrays(way: str) -> None:
    call, a = {**WAYS, **ARRAYS_ONLY}[way], np.ones(4)
    call(a, a.copy())
    a[0] = 1.0
    for b in (a, a[::-1], a[1:].view(), np.asarray(memoryview(a))):
        with pytest.raises(of.ArgumentError, match="shares memory with") as e:
            call(a, b)
        assert e.value.code == "E403"
    np.testing.assert_array_equal(a, 1.0)
    call(a, np.ones(4))


@pytest.mark.parametrize("way", WAYS)
def test_lists(way: str) -> None:
    a = [1.0, 2.0]
    WAYS[way](a[:], a[:])
    with pytest.raises(of.ArgumentError, match="is the same object as another argument"):
        WAYS[way](a, a)
    assert a == [1.0, 2.0]


NODES: dict[str, Any] = {
    "jit": lambda n: of.jit(through_nodes)(n, 3.0),
    "grad": lambda n: of.grad(through_nodes, 1)(n, 3.0),
    "jvp": lambda n: of.jvp(through_nodes, (n, 3.0), (Node([0.0, 0.0], Node([0.0, 0.0])), 1.0)),
    "vjp": lambda n: of.vjp(through_nodes, n, 3.0)[0],
    "hessian": lambda n: of.hessian(through_nodes, 1)(n, 3.0),
}


@pytest.mark.parametrize("way", NODES)
def test_fields(way: str) -> None:
    shared = [1.0, 2.0]
    with pytest.raises(of.ArgumentError, match="has another place among the arguments too"):
        NODES[way](Node(shared, Node(shared)))
    assert shared == [1.0, 2.0]
    NODES[way](Node([1.0, 2.0], Node([1.0, 2.0])))


def test_tangents_may_be_the_primals() -> None:
    a, b = np.ones(2), np.ones(2)
    assert of.jvp(f, (a, b, 3.0), (a, b, 1.0)) == (3.0, 4.0)
    n = Node([1.0, 2.0], Node([1.0, 2.0]))
    assert of.jvp(through_nodes, (n, 3.0), (n, 1.0)) == (3.0, 4.0)


def test_functions_that_only_read_may_share() -> None:
    a = np.ones(2)
    assert of.grad(lambda a, b, x: a[0] * b[1] * x, 2)(a, a, 3.0) == 1.0


compiled, differentiated = of.jit(f), of.grad(f, 2)
INSIDE: dict[str, Any] = {
    "compiled": lambda a, b, x: compiled(a, b, x),
    "derivative": lambda a, b, x: of.grad(f, 2)(a, b, x),
    "derivative from outside": lambda a, b, x: differentiated(a, b, x),
    "pullback": lambda a, b, x: of.vjp(f, a, b, x)[0],
    "tangent": lambda a, b, x: of.jvp(f, (a, b, x), (a, b, 1.0))[0],
}


@pytest.mark.parametrize("way", INSIDE)
def test_inside_programs(way: str) -> None:
    inner = INSIDE[way]

    def shared(x):
        a = np.ones(2)
        return inner(a, a, x)

    def parts(x):
        a = np.ones(4)
        return inner(a[:2], a, x)

    def apart(x):
        a = np.ones(2)
        return inner(a, a.copy(), x)

    for g in (shared, parts):
        with pytest.raises(of.CompileError) as e:
            of.jit(g)(3.0)
        assert e.value.code == "E105"
    of.jit(apart)(3.0)
