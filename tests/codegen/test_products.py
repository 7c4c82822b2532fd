"""Large products of matrices are BLAS's: in values, in adjoints, transposed, in stacks. Small ones, and what only looks like one, are loops."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oneform as of

RNG = np.random.default_rng(5)
ROOT = Path(__file__).parents[2]


def some(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape) / 8.0


def layer(x, w, b):
    return np.tanh(x @ w + b)


def attention(q, k, v):
    s = np.exp(q @ np.swapaxes(k, -1, -2) / 8.0)
    return (s / np.sum(s, axis=-1, keepdims=True)) @ v


def recurrent(w, h):
    for _ in range(4):
        h = np.tanh(w @ h)
    return h


def into_rows(a, b):
    """A product per round, each put into a stack."""
    out = np.zeros((3, a.shape[1], b.shape[1]))
    for k in range(3):
        out[k] = a[k] @ b
    return out


PRODUCTS: dict[str, tuple[Any, tuple[np.ndarray, ...]]] = {
    "plain": (lambda a, b: a @ b, (some(40, 41), some(41, 42))),
    "left transposed": (lambda a, b: a.T @ b, (some(41, 40), some(41, 42))),
    "right transposed": (lambda a, b: a @ b.T, (some(40, 41), some(42, 41))),
    "both, result too": (lambda a, b: np.einsum("ki,jk->ji", a, b), (some(41, 40), some(42, 41))),
    "of a part": (lambda a, b: a[2:, 1:] @ b[:-1], (some(40, 41), some(41, 42))),
    "with itself": (lambda a: a @ a, (some(40, 40),)),
    "with its transpose": (lambda a: a @ a.T, (some(40, 41),)),
    "twice": (lambda a, b: a.T @ (a @ b), (some(60, 41), some(41, 33))),
    "a stack": (lambda a, b: a @ b, (some(3, 40, 41), some(3, 41, 42))),
    "a stack and one": (lambda a, b: np.einsum("bik,kj->bij", a, b), (some(3, 40, 41), some(41, 42))),
    "a stack inside": (lambda a, b: np.einsum("ibk,kj->bij", a, b), (some(40, 3, 41), some(41, 42))),
    "a stack of stacks": (lambda a, b: np.einsum("cbij,bkj->bcik", a, b), (some(2, 3, 40, 41), some(3, 39, 41))),
    "layer": (layer, (some(60, 50), some(50, 40), some(40))),
    "attention": (attention, (some(4, 64, 16), some(4, 64, 16), some(4, 64, 16))),
    "recurrent": (recurrent, (some(50, 50), some(50, 40))),
    "into rows": (into_rows, (some(3, 40, 41), some(41, 42))),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_values_and_derivatives(name: str) -> None:
    f, args = PRODUCTS[name]
    expected = f(*args)
    np.testing.assert_allclose(of.jit(f)(*args), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max())
    w = some(*expected.shape)

    def loss(*args: Any) -> Any:
        return np.sum(w * f(*args))

    every = tuple(range(len(args)))
    gradient = of.grad(loss, every)
    direction = tuple(some(*a.shape) for a in args)
    _, tangent = of.jvp(loss, args, direction)
    pairing = sum(float(np.sum(g * d)) for g, d in zip(gradient(*args), direction, strict=True))
    size = sum(float(np.sum(np.abs(g * d))) for g, d in zip(gradient(*args), direction, strict=True))
    assert abs(tangent - pairing) <= 1e-12 * size
    e = 1e-6
    up, down = (loss(*(a + s * d for a, d in zip(args, direction, strict=True))) for s in (e, -e))
    assert abs((up - down) / (2 * e) - pairing) <= 1e-7 * size
    text = of.lower(of.grad(f if expected.ndim == 0 else loss, every))(*args).llvm()
    assert text.count("load ptr, ptr @\"of.blas.dgemm\"") >= len(args) - (name == "layer")


def test_single_precision() -> None:
    a, b = some(40, 41).astype(np.float32), some(41, 42).astype(np.float32)
    f = of.jit(lambda a, b: a @ b)
    found = f(a, b)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, a @ b, rtol=1e-4, atol=1e-5)
    assert "of.blas.sgemm" in of.lower(f)(a, b).llvm()


def test_one_code_for_all_sizes() -> None:
    """Lengths that no call of BLAS is for, and infinities, which a product of zeros does not lose."""
    f = of.jit(lambda a, b: a @ b)
    for n, m, k in ((0, 40, 40), (40, 0, 40), (40, 40, 0), (1, 200, 200), (7, 300, 300), (200, 8, 200), (33, 34, 35)):
        a, b = some(n, k), some(k, m)
        np.testing.assert_allclose(f(a, b), a @ b, rtol=1e-12, atol=1e-13)
    a, b = np.zeros((40, 40)), np.ones((40, 40))
    b[3, 4] = np.inf
    assert np.isnan(f(a, b)[:, 4]).all() and not np.isnan(f(a, b)[:, 5]).any()


def max_plus(a, b):
    return np.max(a[:, :, None] + b[None, :, :], axis=1)


def masked(a, b):
    return np.einsum("ij,jk->ik", a, np.where(b > 0.0, b, 0.0))


def three_factors(a, b):
    return np.einsum("ij,jk,ij->ik", a, b, a)


@pytest.mark.parametrize("f", [max_plus, masked, three_factors])
def test_what_only_looks_like_one(f: Any) -> None:
    a, b = some(40, 41), some(41, 42)
    np.testing.assert_allclose(of.jit(f)(a, b), f(a, b), rtol=1e-11, atol=1e-12)


def test_scipy_is_imported_by_the_first_large_product(tmp_path: Path) -> None:
    """Also where the code comes from the disk."""
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent("""
            import sys

            import numpy as np

            import oneform as of


            def f(a, b):
                return a @ b


            a = np.arange(1600.0).reshape(40, 40)
            g = of.jit(f)
            before = "scipy.linalg" in sys.modules
            small = g(np.ones((20, 20)), np.ones((20, 20)))
            between = "scipy.linalg" in sys.modules
            large = [g(a, a) for _ in range(2)]
            print(before, between, "scipy.linalg.cython_blas" in sys.modules, (small == 20.0).all(), all(np.allclose(x, a @ a) for x in large))
        """),
        encoding="utf-8",
    )
    for _ in range(2):
        out = subprocess.run(
            [sys.executable, str(program)], capture_output=True, text=True, check=True,
            env={"PYTHONPATH": str(ROOT / "src"), "ONEFORM_CACHE_DIR": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert out.stdout.split() == ["False", "False", "True", "True", "True"]
