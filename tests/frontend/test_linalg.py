"""np.linalg in compiled code: as NumPy has it, with derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of

V, A = np.array([3.0, -4.0, 1.0]), np.arange(1.0, 7.0).reshape(2, 3) * np.array([1.0, -1.0, 0.5])

NORMS: list[tuple[Callable[..., Any], Any]] = [
    (lambda x: np.linalg.norm(x), V), (lambda x: np.linalg.norm(x, 1), V), (lambda x: np.linalg.norm(x, np.inf), V), (lambda x: np.linalg.norm(x, ord=2), V),
    (lambda x: np.linalg.norm(x), A), (lambda x: np.linalg.norm(x, axis=1) @ np.ones(2), A), (lambda x: np.sum(np.linalg.norm(x, axis=0, keepdims=True) * x), A),
    (lambda x: np.linalg.norm(x, 1, -1)[0], A), (lambda x: np.linalg.norm(x * 1j + 1.0), V), (lambda x: np.linalg.norm([x[0], 2 * x[1]]), V),
    (lambda x: np.linalg.norm(np.array([1, 2, 3])) * x[0], V), (lambda x: np.linalg.norm(x, axis=(0, 1)), A),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(NORMS)))
def test_norms(case: int) -> None:
    f, x = NORMS[case]
    np.testing.assert_allclose(of.jit(f)(x), f(x), rtol=1e-14)
    of.check_grads(f, (x,), order=2)


def test_norms_that_matrices_do_not_have_are_refused() -> None:
    for f in (lambda x: np.linalg.norm(x, "euclid"), lambda x: np.linalg.norm(x, 3)):
        with pytest.raises(of.CompileError, match="E101"):
            of.jit(f)(A)
