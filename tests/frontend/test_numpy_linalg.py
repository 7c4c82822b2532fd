"""Products and linear algebra of NumPy and SciPy, in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg as sl

import oneform as of
from tests.frontend.library_snippets import Snippet, case, check_derivatives, check_raises, check_values

RNG = np.random.default_rng(5)
A = RNG.normal(size=(4, 4)) + 2 * np.eye(4)
B = RNG.normal(size=(4, 3))
V = RNG.normal(size=4)
T = RNG.normal(size=(2, 3, 4))
U = RNG.normal(size=(2, 4, 5))
M = RNG.normal(size=(3, 4, 4)) + 2 * np.eye(4)
Z = A + 1j * RNG.normal(size=(4, 4))
S = A @ A.T + np.eye(4)
H = Z @ Z.conj().T + np.eye(4)
L = RNG.normal(size=(20, 20)) + 8 * np.eye(20)
K = np.array([[2, 1, 0], [1, 3, 1], [0, 1, 4]])
F = A.astype(np.float32)

PRODUCTS: list[Snippet] = [
    case(lambda a, b: np.einsum("ij,jk->ik", a, b), A, B, order=2), case(lambda a, b: np.einsum("ij,jk", a, b), A, B), case(lambda a: np.einsum("ii", a), A), case(lambda a: np.einsum("ii->i", a), A), case(lambda a: np.einsum("ij->ji", a), B),
    case(lambda a, b: np.einsum("bij,bjk->bik", a, b), T, U), case(lambda a, b: np.einsum("...ij,...jk->...ik", a, b), T, U), case(lambda a, v: np.einsum("ij,i,j->", a, v, v), A, V, order=2), case(lambda a, v: np.einsum("...j,j->...", a, v), T, V),
    case(lambda a, b, c, d: np.einsum("ij,jk,kl,l->i", a, b, c, d), A, B, B.T, V), case(lambda a: np.einsum("ijk->j", a), T), case(lambda a: np.einsum("ij,ij->i", a, a), K, order=0), case(lambda a, b: np.einsum("ij , jk -> ki", a, b, optimize=True), Z, B),
    case(lambda a, v: np.einsum("i,i", v, a[0]), A, V), case(lambda a: np.einsum("ij,kj->ik", a, a), L, order=1), case(lambda a: np.einsum("ij->", a), A), case(lambda a, b: np.einsum("i,j->ij", a, b), V, V[:2]), case(lambda a: np.einsum("ik,kj->ij", a[:, :1], a[:1]), A),
    case(lambda a, b: np.tensordot(a, b, axes=1), T, U[0]), case(lambda a, b: np.tensordot(a, b, axes=([2, 0], [1, 0])), T, U), case(lambda a, b: np.tensordot(a, b, axes=0), V, B), case(lambda a, b: np.tensordot(a, b), A, A.T), case(lambda a, b: np.tensordot(a, b, axes=(2, 0)), T, A),
    case(lambda a, b: np.inner(a, b), V, V**2), case(lambda a, b: np.inner(a, b), T, A), case(lambda a: np.inner(a, 2.0), V), case(lambda a, b: np.outer(a, b), V, V[:3]), case(lambda a, b: np.outer(a, b), B, V), case(lambda a: np.outer(a, [1, 2]), K[0], order=0),
    case(lambda a, b: np.vdot(a, b), Z, Z.T), case(lambda a, b: np.vdot(a, b), B, B**2), case(lambda a, b: np.dot(a, b), T, B), case(lambda a, b: np.dot(a, b), T, V), case(lambda a, b: np.dot(a, b), A, U), case(lambda a, b: a.dot(b), V, A),
    case(lambda a, b: a @ b, T, U), case(lambda a, b: a @ b, T, B), case(lambda a, b: np.matmul(a, b), V, U), case(lambda a, b: a @ b, T, V), case(lambda a, b: a @ b, A, U), case(lambda a, b: a[:, None] @ b, T, A[None, None]), case(lambda a, b: a @ b, M.astype(np.float32), F),
    case(lambda a, b: np.kron(a, b), A[:2, :3], B), case(lambda a, b: np.kron(a, b), V, B), case(lambda a, b: np.kron(a, b), V, V[:2]), case(lambda a: np.kron(np.eye(2), a), B), case(lambda a, b: np.kron(a, b), K, K[:1], order=0),
    case(lambda a: np.trace(a), A), case(lambda a: np.trace(a), B), case(lambda a: np.trace(a, axis1=1, axis2=2), M), case(lambda a: a.trace(), Z), case(lambda a: np.trace(a), K, order=0), case(lambda a: np.trace(a, axis1=0, axis2=2), T),
    case(lambda a, b: np.cross(a, b), V[:3], B[0]), case(lambda a, b: np.cross(a, b), B, B**2), case(lambda a, b: np.cross(a, b, axis=0), B.T, B.T**2), case(lambda a, b: np.cross(a[None], b), V[:3], B),
    case(lambda a, b: np.linalg.matmul(a, b), T, U), case(lambda a, b: np.linalg.outer(a, b), V, V), case(lambda a: np.linalg.multi_dot([a, a.T, a]), B), case(lambda a, b: np.linalg.vecdot(a, b), Z, Z.T),
]  # fmt: skip

SOLVING: list[Snippet] = [
    case(lambda a, b: np.linalg.solve(a, b), A, V, order=2), case(lambda a, b: np.linalg.solve(a, b), A, B), case(lambda a, b: np.linalg.solve(a, b), M, RNG.normal(size=(3, 4, 2))), case(lambda a, b: np.linalg.solve(a, b), M, V), case(lambda a, b: np.linalg.solve(a, b), Z, V),
    case(lambda a, b: np.linalg.solve(a, b), F, V.astype(np.float32), rtol=1e-5), case(lambda a: np.linalg.solve(a, np.ones(3)), K, order=0), case(lambda a, b: sl.solve(a, b), L, L[0], rtol=1e-12), case(lambda a, b: sl.solve(a @ a.T, b, assume_a="pos"), A, V, order=0, rtol=1e-12), case(lambda a, b: np.linalg.solve(a, b), A, Z),
    case(lambda a: np.linalg.solve(a, a[0]), np.ones((1, 1)) * 3.0), case(lambda a: np.linalg.solve(a, np.empty((0, 1))), np.empty((0, 0)), order=0), case(lambda a, b: np.linalg.solve(a, b), np.eye(3)[::-1].copy(), V[:3]),
    case(lambda a: np.linalg.inv(a), A, order=2), case(lambda a: np.linalg.inv(a), M), case(lambda a: np.linalg.inv(a), Z), case(lambda a: sl.inv(a), L, rtol=1e-12), case(lambda a: np.linalg.inv(a), F, rtol=1e-4),
    case(lambda a: np.linalg.det(a), A), case(lambda a: np.linalg.det(a), M), case(lambda a: np.linalg.det(a), Z), case(lambda a: np.linalg.det(a), np.arange(9.0).reshape(3, 3), order=0, rtol=1e-13), case(lambda a: np.linalg.det(a), np.zeros((3, 3))),
    case(lambda a: np.linalg.det(a), np.array([[0.0, 1.0], [0.0, 1.0]]), order=2), case(lambda a: np.linalg.det(a), np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [1.0, 1.0, 0.0]])), case(lambda a: np.linalg.det(a), K, order=0), case(lambda a: np.linalg.det(a), np.empty((0, 0)), order=0),
    case(lambda a: np.linalg.slogdet(a), A), case(lambda a: np.linalg.slogdet(a), Z, order=2), case(lambda a: np.linalg.slogdet(a)[1], M), case(lambda a: np.linalg.slogdet(a), np.zeros((2, 2)), order=0), case(lambda a: np.linalg.slogdet(a).logabsdet, S),
    case(lambda a: np.linalg.cholesky(a), S, order=2), case(lambda a: np.linalg.cholesky(a), H), case(lambda a: np.linalg.cholesky(a), np.stack([S, 2 * S])), case(lambda a: np.linalg.cholesky(a, upper=True), S), case(lambda a: sl.cholesky(a), S), case(lambda a: sl.cholesky(a, lower=True), H), case(lambda a: np.linalg.cholesky(a), K, order=0),
    case(lambda a: np.linalg.cholesky(a), (L @ L.T), rtol=1e-12), case(lambda a: np.linalg.cholesky(a @ a.T + np.eye(4)), A),
    case(lambda a, b: sl.solve_triangular(a, b), A, V), case(lambda a, b: sl.solve_triangular(a, b, lower=True), A, B), case(lambda a, b: sl.solve_triangular(a, b, trans="T"), A, V), case(lambda a, b: sl.solve_triangular(a, b, trans=2, lower=True), Z, V),
    case(lambda a, b: sl.solve_triangular(a, b, unit_diagonal=True), A, B), case(lambda a, b: sl.lu_solve(sl.lu_factor(a), b), A, V), case(lambda a, b: sl.lu_solve(sl.lu_factor(a), b, trans=1), A, B), case(lambda a: sl.lu_factor(a), A), case(lambda a: sl.lu_factor(a)[0], Z),
    case(lambda a, b: sl.cho_solve(sl.cho_factor(a), b), S, V), case(lambda a, b: sl.cho_solve((sl.cholesky(a, lower=True), True), b), H, B),
]  # fmt: skip

# What is unique: vectors up to a factor are compared by what they make.
SPECTRAL: list[Snippet] = [
    case(lambda a: np.linalg.qr(a), A, rtol=1e-13), case(lambda a: np.linalg.qr(a), np.vstack([A, B.T]), rtol=1e-13), case(lambda a: np.linalg.qr(a), B.T, rtol=1e-13), case(lambda a: np.linalg.qr(a, mode="r"), B, rtol=1e-13), case(lambda a: np.linalg.qr(a).R, Z, rtol=1e-13),
    case(lambda a: np.linalg.qr(a), Z, rtol=1e-13), case(lambda a: np.linalg.qr(a, "complete"), B, order=0, rtol=1e-13), case(lambda a: sl.qr(a, mode="economic"), B, rtol=1e-13), case(lambda a: sl.qr(a), B, order=0, rtol=1e-13), case(lambda a: np.linalg.qr(a)[1], F, rtol=1e-5),
    case(lambda a: np.linalg.eigvalsh(a), S, order=2, rtol=1e-13), case(lambda a: np.linalg.eigvalsh(a), H, rtol=1e-13), case(lambda a: np.linalg.eigvalsh(a, UPLO="U"), A, rtol=1e-13), case(lambda a: np.linalg.eigvalsh(a), np.stack([S, 3 * S]), rtol=1e-13), case(lambda a: np.linalg.eigvalsh(a), K, order=0, rtol=1e-13),
    case(lambda a: np.linalg.eigh(a)[0], L, rtol=1e-13), case(lambda a: sl.eigvalsh(a), S, rtol=1e-13), case(lambda a, b: sl.eigh(a, b, eigvals_only=True), A + A.T, S, rtol=1e-12), case(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), np.eye(3), order=1), case(lambda a: np.linalg.eigvalsh(a), np.diag([1.0, -1.0]), order=0),
    case(lambda a: np.abs(np.linalg.eigh(a)[1]), S, rtol=1e-12), case(lambda a: np.abs(np.linalg.eigh(a).eigenvectors), H, rtol=1e-12),
    case(lambda a: np.linalg.svd(a, compute_uv=False), B, order=2, rtol=1e-13), case(lambda a: np.linalg.svd(a, compute_uv=False), B.T, rtol=1e-13), case(lambda a: np.linalg.svd(a)[1], Z, rtol=1e-13), case(lambda a: np.linalg.svd(a)[1], B, rtol=1e-13), case(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2), np.eye(3)), case(lambda a: sl.svdvals(a), L, order=0, rtol=1e-13), case(lambda a: np.linalg.svd(a, compute_uv=False), np.ones((3, 2)), order=0, rtol=1e-13),
    case(lambda a: np.abs(np.linalg.svd(a, full_matrices=False)[0]), B, rtol=1e-12), case(lambda a: np.abs(np.linalg.svd(a, full_matrices=False).Vh), B.T, rtol=1e-12), case(lambda a: np.abs(np.linalg.svd(a)[2]), Z, rtol=1e-12),
    case(lambda a: np.linalg.pinv(a), B, rtol=1e-12), case(lambda a: np.linalg.pinv(a), B.T, rtol=1e-12), case(lambda a: np.linalg.pinv(a), Z, rtol=1e-12), case(lambda a: sl.pinv(a), np.ones((3, 2)), order=0, rtol=1e-13),
    case(lambda a, b: np.linalg.lstsq(a, b)[0], B, V, rtol=1e-12), case(lambda a, b: np.linalg.lstsq(a, b), B, B[:, :2] ** 2, rtol=1e-12), case(lambda a, b: np.linalg.lstsq(a, b)[0], B.T, V[:3], rtol=1e-12), case(lambda a, b: np.linalg.lstsq(a, b), np.ones((3, 2)), V[:3], order=0, rtol=1e-12),
    case(lambda a: np.linalg.matrix_rank(a), B, order=0), case(lambda a: np.linalg.matrix_rank(a), np.ones((3, 3)), order=0), case(lambda a: np.linalg.cond(a), A, rtol=1e-12), case(lambda a: np.linalg.cond(a, 1), A, rtol=1e-12), case(lambda a: np.linalg.cond(a, -2), B, rtol=1e-12),
    *(case(lambda a, p=p: np.linalg.norm(a, p), B, rtol=1e-13) for p in (1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc")), *(case(lambda v, p=p: np.linalg.norm(v, p), V) for p in (0.5, 3, -1, -np.inf, 2)), case(lambda v: np.linalg.norm(v, 0), V, order=0),
    case(lambda a: np.linalg.norm(a, 1, axis=(1, 2)), T), case(lambda a: np.linalg.norm(a, 3, axis=1, keepdims=True), T), case(lambda a: np.linalg.norm(a, "fro", axis=(0, 2)), T), case(lambda a: sl.norm(a), A), case(lambda a: np.linalg.norm(a, 2), Z, rtol=1e-13), case(lambda v: np.linalg.vector_norm(v), T),
    case(lambda a: np.linalg.matrix_power(a, 3), A, rtol=1e-13), case(lambda a: np.linalg.matrix_power(a, -2), A, rtol=1e-12), case(lambda a: np.linalg.matrix_power(a, 5), K, order=0), case(lambda a: np.linalg.matrix_power(a, 0), A, order=0),
    case(lambda a: sl.expm(a), A, rtol=1e-12), case(lambda a: sl.expm(a), 5 * B[:3], rtol=1e-11), case(lambda a: sl.expm(a), Z, rtol=1e-12), case(lambda a: sl.expm(a), np.zeros((2, 2)), order=0),
    case(lambda a, b: sl.block_diag(a, b, 3.0), A, B), case(lambda a: sl.toeplitz(a), V), case(lambda a, b: sl.toeplitz(a, b), V, V[:3] ** 2), case(lambda a: sl.toeplitz(a), Z[0]),
]  # fmt: skip

W = RNG.normal(size=(2, 3, 4, 2))  # stacks of matrices

STACKS: list[Snippet] = [
    case(lambda a: np.linalg.qr(a), W, rtol=1e-12), case(lambda a: np.linalg.qr(a, "r"), W[0], rtol=1e-12), case(lambda a: np.linalg.qr(a, "complete"), W[0], order=0, rtol=1e-12), case(lambda a: np.linalg.qr(a).Q, np.stack([Z, 2 * Z]), rtol=1e-12),
    case(lambda a: np.linalg.svd(a, compute_uv=False), W, rtol=1e-12), case(lambda a: np.linalg.svd(a)[1], W[0], rtol=1e-12), case(lambda a: np.abs(np.linalg.svd(a, full_matrices=False).Vh), W[0, :2], rtol=1e-11), case(lambda a: np.linalg.svdvals(a), W[0], order=0, rtol=1e-12),
    case(lambda a: np.linalg.pinv(a), W, rtol=1e-12), case(lambda a: np.linalg.matrix_rank(a), W, order=0), case(lambda a: np.linalg.cond(a), M, rtol=1e-12), case(lambda a: np.linalg.cond(a, 1), M, order=0, rtol=1e-12), case(lambda a: np.linalg.matrix_power(a, -2), M, rtol=1e-12),
    case(lambda a: sl.expm(a), M[:2, :2, :2], rtol=1e-11), case(lambda a: np.linalg.norm(a, "nuc", axis=(1, 3)), W, order=0, rtol=1e-12), case(lambda a: np.linalg.norm(a, 2, axis=(-1, 0), keepdims=True), T, rtol=1e-12), case(lambda a: np.linalg.matrix_norm(a, ord=-2), W[0], order=0, rtol=1e-12),
    case(lambda a, b: np.linalg.solve(a, b), A, RNG.normal(size=(3, 4, 2))), case(lambda a: np.linalg.inv(a), M[:0], order=0), case(lambda a: np.linalg.svd(a), W[0, :0], order=0), case(lambda a: np.linalg.cholesky(a, upper=True), np.stack([S, 2 * S])),
]  # fmt: skip

BAD: list[Snippet] = [
    case(lambda a: np.linalg.inv(a), np.zeros((2, 2))), case(lambda a: np.linalg.solve(a, a[0]), np.ones((2, 2))), case(lambda a: np.linalg.inv(a), B), case(lambda a: np.linalg.cholesky(a), -S), case(lambda a: np.linalg.det(a), V), case(lambda a, b: np.linalg.solve(a, b), A, V[:3]),
    case(lambda a, b: sl.solve_triangular(a, b), np.zeros((2, 2)), V[:2]), case(lambda a, b: np.einsum("ij,jk->ik", a, b), A, A[:2]), case(lambda a, b: a @ b, T, T), case(lambda a, b: np.tensordot(a, b, axes=1), A, B.T), case(lambda a: np.einsum("ijk->i", a), A),
    case(lambda a, b: np.inner(a, b), A, B), case(lambda a: np.linalg.slogdet(a), B), case(lambda a: np.trace(a), V), case(lambda a, b: np.cross(a, b), V, V),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(PRODUCTS)))
def test_products(k: int) -> None:
    check_values(PRODUCTS[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(PRODUCTS) if s.order])
def test_derivatives_of_products(k: int) -> None:
    check_derivatives(PRODUCTS[k])


@pytest.mark.parametrize("k", range(len(SOLVING)))
def test_solving(k: int) -> None:
    check_values(SOLVING[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(SOLVING) if s.order])
def test_derivatives_of_solving(k: int) -> None:
    check_derivatives(SOLVING[k])


@pytest.mark.parametrize("k", range(len(SPECTRAL)))
def test_spectral(k: int) -> None:
    check_values(SPECTRAL[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(SPECTRAL) if s.order])
def test_derivatives_of_spectral(k: int) -> None:
    check_derivatives(SPECTRAL[k])


@pytest.mark.parametrize("k", range(len(STACKS)))
def test_stacks(k: int) -> None:
    check_values(STACKS[k])


@pytest.mark.parametrize("k", [k for k, s in enumerate(STACKS) if s.order])
def test_derivatives_of_stacks(k: int) -> None:
    check_derivatives(STACKS[k])


@pytest.mark.parametrize("k", range(len(BAD)))
def test_what_numpy_refuses_is_refused(k: int) -> None:
    check_raises(BAD[k])


def test_in_loops_over_run_time_sizes() -> None:
    def f(a: Any, n: int) -> float:
        total = 0.0
        for k in range(1, n):
            b = a[:k, :k]
            total += np.linalg.solve(b, a[:k, 0]) @ a[0, :k] + np.linalg.slogdet(b)[1] + np.einsum("ij,jk,ki->", b, b, b)
        return total

    assert of.jit(f)(L, 20) == pytest.approx(f(L, 20), rel=1e-12)
    of.check_grads(lambda a: f(a, 6), (L[:6, :6],), order=1)


REFUSED: list[tuple[Any, Any]] = [
    (lambda a: sl.qr(a), M), (lambda a: np.linalg.lstsq(a, a), M), (lambda a: sl.lu_factor(a), M), (lambda a: np.cumsum(a, out=a), V), (lambda a: sl.qr(a, pivoting=True), A),
    (lambda a: np.quantile(a, 0.5, method="inverted_cdf"), V), (lambda a: np.einsum("ij,jk", a), A), (lambda a: np.einsum("ij->k", a), A),
]  # fmt: skip


@pytest.mark.parametrize("k", range(len(REFUSED)))
def test_what_is_not_known_is_refused(k: int) -> None:
    f, x = REFUSED[k]
    with pytest.raises(of.CompileError, match="E003|E10[16]"):
        of.jit(f)(x)


def test_vectors_that_are_not_unique_have_no_derivative() -> None:
    for f, what in (
        (lambda a: np.sum(np.linalg.svd(a)[0]), "singular value decomposition"), (lambda a: np.sum(sl.svd(a)[2]), "singular value decomposition"),
        (lambda a: np.sum(np.linalg.qr(a, mode="complete")[0]), "QR decomposition"), (lambda a: np.sum(sl.qr(a)[0]), "QR decomposition"),
    ):  # fmt: skip
        for derivative in (of.grad(f), lambda a, f=f: of.jvp(f, (a,), (a,))):
            with pytest.raises(of.DerivativeError, match=f"E201: the square factors? of a {what}") as e:
                derivative(B)
            assert e.value.loc is not None and e.value.loc.file == __file__


def test_the_triangle_of_a_tall_matrix() -> None:
    f = lambda a: sl.qr(a, mode="r")[0]  # noqa: E731
    np.testing.assert_allclose(of.jit(f)(B), f(B), atol=1e-14)
    of.check_grads(f, (B,), order=1)


def test_bases_that_are_not_unique_have_no_derivative() -> None:
    assert np.isnan(of.grad(lambda a: np.linalg.eigh(a)[1][0, 0])(np.eye(3))).any()
