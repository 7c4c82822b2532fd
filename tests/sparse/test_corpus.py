"""Every program of the corpus: what its dense Jacobian holds lies inside the pattern at any point, and the sparse Jacobian is the dense one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of
from tests.differences import is_complex, is_float, leaves
from tests.programs import points
from tests.programs.points import Point

pytestmark = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")


def suitable(point: Point) -> bool:
    """One set of arguments of each program: real numbers and arrays in, and out."""
    if point.case or not point.wrt or any(is_complex(a) for a in point.args()):
        return False
    found = leaves(point.value[0])
    return any(map(is_float, found)) and not any(map(is_complex, found))


POINTS = [pytest.param(p, id=f"{p.program.name}-{p.case}", marks=[pytest.mark.slow] if p.program.slow else []) for p in points.POINTS if suitable(p)]


def elsewhere(args: tuple[Any, ...], wrt: tuple[int, ...], seed: int) -> tuple[Any, ...]:
    """The same arguments, but other numbers to differentiate by; near enough for the program to accept them."""
    rng = np.random.default_rng(seed)
    return tuple(type(a)(a * rng.uniform(0.97, 1.03)) if k in wrt and np.ndim(a) == 0 else
                 (a * rng.uniform(0.97, 1.03, a.shape)).astype(a.dtype) if k in wrt else a for k, a in enumerate(args))  # fmt: skip


def fresh(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(a.copy() if isinstance(a, np.ndarray) else a for a in args)


def dense(f: Any, args: tuple[Any, ...], wrt: tuple[int, ...]) -> np.ndarray:
    """The Jacobian as one matrix."""
    columns = [int(np.size(args[k])) for k in wrt]
    if not all(columns):
        pytest.skip("an argument is empty")
    blocks = leaves(of.jacfwd(f, argnums=wrt)(*fresh(args)))
    parts = [np.asarray(b, float).reshape(-1, columns[k % len(wrt)]) for k, b in enumerate(blocks)]
    rows = [parts[k : k + len(wrt)] for k in range(0, len(parts), len(wrt))]

    return np.vstack([np.hstack(row) for row in rows])


@pytest.mark.parametrize("point", POINTS)
def test_pattern_and_values(point: Point) -> None:
    args, wrt = point.args(), point.wrt
    sparse = of.jacobian(point.fn, argnums=wrt, sparse=True)
    for seed in range(3):
        at = args if seed == 0 else elsewhere(args, wrt, seed)
        try:
            expected = dense(point.fn, at, wrt)
        except (of.OneformError, ArithmeticError, ValueError, IndexError, AssertionError):
            if seed:
                continue  # the program does not accept these numbers
            with pytest.raises((of.OneformError, ArithmeticError, ValueError, IndexError, AssertionError)):
                sparse(*fresh(at))
            return
        found = sparse(*fresh(at))
        assert found.shape == expected.shape
        pattern = sparse.pattern(*fresh(at)).toarray()
        assert not (expected[~pattern] != 0.0).any(), "nonzero outside the pattern"
        # Where a partial derivative is not finite, the zero seeds of other columns make NaN of the rest of the row.
        finite = np.isfinite(expected).all(axis=1, keepdims=True) & pattern
        scale = np.abs(expected[finite]).max(initial=0.0)
        atol = 1000.0 * point.eps * point.program.loose * scale + 1e-300
        np.testing.assert_allclose(found.toarray()[finite], expected[finite], rtol=0.0, atol=atol)


SCALAR = [prm for prm in POINTS if (point := prm.values[0]) and len(leaves(point.value[0])) == 1 and np.ndim(leaves(point.value[0])[0]) == 0]


@pytest.mark.slow
@pytest.mark.parametrize("point", SCALAR)
def test_hessians(point: Point) -> None:
    args, wrt = point.args(), point.wrt
    columns = [int(np.size(args[k])) for k in wrt]
    if not all(columns):
        pytest.skip("an argument is empty")
    blocks = [np.asarray(b, float) for b in leaves(of.hessian(point.fn, argnums=wrt)(*fresh(args)))]
    places = [(i, j) for i in range(len(wrt)) for j in range(len(wrt))]
    parts = [b.reshape(columns[i], columns[j]) for b, (i, j) in zip(blocks, places, strict=True)]
    expected = np.vstack([np.hstack(parts[k : k + len(wrt)]) for k in range(0, len(parts), len(wrt))])
    found = of.hessian(point.fn, argnums=wrt, sparse=True)(*fresh(args)).toarray()
    finite = np.isfinite(expected).all(axis=1, keepdims=True) & np.isfinite(expected).all(axis=0, keepdims=True)
    scale = np.abs(expected[finite]).max(initial=0.0)
    np.testing.assert_allclose(found[finite], expected[finite], rtol=0.0, atol=1e4 * point.eps * point.program.loose * scale + 1e-300)
