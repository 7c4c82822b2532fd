"""Shapes, creation and indexing as NumPy has them: value, dtype and shape of each snippet, and its derivative in both modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.tree import flatten

F = Callable[..., Any]
RNG = np.random.default_rng(7)
N = 19  # longer than what the compiler takes for a known length
V, W = RNG.normal(size=N), RNG.normal(size=23)
A, B = RNG.normal(size=(17, 18)), RNG.normal(size=(3, 17, 4))
S = RNG.normal(size=(2, 3))
D = RNG.normal(size=(2, 1, 3, 2, 1, 2))  # six axes
I = RNG.integers(-N, N, 21)
J = np.array([2, -1, 0, 2])
K = np.array([1, 0, 3, -4])
M, AM = V > 0.1, A > 0.3
Z = V[:17] + 1j * W[:17]
C = np.arange(N) % 3

READ: list[tuple[F, Any]] = [
    (lambda a, i: a[i], (V, I)),
    (lambda a, i: a[i] * a[i], (V, np.zeros(30, int))),
    (lambda a: a[[0, 2, -1]], (V,)),
    (lambda a: a[[]], (V,)),
    (lambda a, i: a[i[:, None], i], (A, J)),
    (lambda a, i, j: a[i, j], (A, J, K)),
    (lambda a, i: a[:, i], (A, J)),
    (lambda a, i: a[i], (A, J)),
    (lambda a, i: a[i, 1:3], (A, J)),
    (lambda a, i: a[1:, i], (A, J)),
    (lambda a, i: a[::-2, i[::-1]], (A, J)),
    (lambda b, i: b[1, :, i], (B, J)),
    (lambda b, i: b[:, 1, i], (B, J)),
    (lambda b, i: b[i[:3] * 0 + 1, :, i[:3]], (B, J)),
    (lambda b, i: b[..., i], (B, J)),
    (lambda b, i: b[None, :, i, None], (B, J)),
    (lambda a, i: a.T[i], (A, J)),
    (lambda a, i: a.reshape(-1)[i], (A, J)),
    (lambda a, i: a[i.reshape(2, 2)], (V, J)),
    (lambda a, i: a[i.astype(np.int32)], (V, J)),
    (lambda a, i: a[:, :, :, 0, 0][i[:2] % 2], (D, J)),
    (lambda d, i: d[0, :, i % 3, 1], (D, J)),
    (lambda a, m: a[m], (V, M)),
    (lambda a, m: a[~m], (V, M)),
    (lambda a: a[a > 0.0].sum(), (V,)),
    (lambda a, m: a[m], (A, AM)),
    (lambda b, m: b[:, m], (B, RNG.normal(size=(17, 4)) > 0)),
    (lambda b, m: b[m, 1], (A, A[:, 0] > 0)),
    (lambda a, m: a[m], (V, np.zeros(N, bool))),
    (lambda a, m: a[::-1][m], (V, M)),
    (lambda a, m, i: a[m][i], (V, M, J)),
    (lambda a: a[[True, False, True], 1:], (RNG.normal(size=(3, 4)),)),
    (lambda a, i, j: a[np.ix_(i, j)], (A, J, K)),
    (lambda a, m: a[np.ix_(m, [0, 1])], (A, A[:, 0] > 0)),
    (lambda a: np.take(a, [[1, 2], [-1, 0]]), (V,)),
    (lambda a, i: np.take(a, i, axis=1), (A, J)),
    (lambda a, i: a.take(i, 0), (A, J)),
    (lambda a: np.take(a, 3), (A,)),
    (lambda a, i: np.take(a, i * 100, mode="wrap"), (V, J)),
    (lambda a, i: np.take(a, i * 100, mode="clip"), (V, J)),
    (lambda a, i: np.take_along_axis(a, i, axis=1), (A, np.argsort(A, axis=1)[:, :5])),
    (lambda a, i: np.take_along_axis(a, i, 0), (A, np.argsort(A, axis=0)[:1])),
    (lambda a, i: np.take_along_axis(a, i, None), (A, J)),
    (lambda a, m: np.compress(m, a), (V, M)),
    (lambda a, m: a.compress(m, axis=0), (A, A[:, 0] > 0)),
    (lambda a, m: np.extract(m, a), (A, AM)),
    (lambda a: np.delete(a, [1, -1]), (V,)),
    (lambda a: np.delete(a, 2, axis=1), (A,)),
]

FOUND: list[tuple[F, Any]] = [
    (lambda m: np.nonzero(m), (AM,)),
    (lambda a: np.nonzero(a), (np.array([0.0, 1.0, 0.0, 2.0]),)),
    (lambda a: a.nonzero(), (V,)),
    (lambda a: np.where(a > 0), (A,)),
    (lambda a: np.flatnonzero(a > 0), (A,)),
    (lambda a: np.argwhere(a > 0), (A,)),
    (lambda b: np.nonzero(b > 0)[1], (B,)),
    (lambda a: np.nonzero(a > 9), (A,)),
    (lambda a, v: np.searchsorted(a, v), (np.sort(V), W)),
    (lambda a, v: np.searchsorted(a, v, side="right"), (np.sort(C), np.array([[0, 1], [3, -1]]))),
    (lambda a, v, s: np.searchsorted(a, v, sorter=s), (V, W, np.argsort(V))),
    (lambda a: np.searchsorted(a, 0.3), (np.sort(V),)),
    (lambda a: a.searchsorted([0.3, np.nan]), (np.sort(V),)),
    (lambda a, v: np.searchsorted(a, v), (np.array([]), W)),
    (lambda a, v: np.digitize(v, a), (np.sort(V), W)),
    (lambda a, v: np.digitize(v, a[::-1], right=True), (np.sort(V), W)),
    (lambda i: np.unravel_index(i, (4, 7)), (J + 3,)),
    (lambda i: np.ravel_multi_index((i, i + 1), (9, 7)), (J + 3,)),
    (lambda n: np.tril_indices(n), (4,)),
    (lambda n: np.triu_indices(n, 1), (4,)),
    (lambda n: np.diag_indices(n), (4,)),
]


def copy_and(f: F) -> F:
    """The changed copy."""

    def changed(a, *rest):
        b = a.copy()
        f(b, *rest)
        return b

    return changed


def set_places(a, i, x):
    a[i] = x


def set_number(a, i):
    a[i] = 2.5


def add_places(a, i, x):
    a[i] += x


def scale_chosen(a, m):
    a[m] *= 2.5


def set_chosen(a, m):
    a[m] = 0


def reverse_chosen(a, m):
    a[m] = a[m][::-1]


def set_pairs(a, i, j):
    a[i, j] = a[j[0], i[0]] * np.arange(4.0)


def set_columns(a, i):
    a[:, i] *= a[:, i]


def set_rows_from_row(a, i):
    a[i] = a[0]


def chosen_in_view(a, m):
    a[1:][m[1:]] = -a[1:][m[1:]]
    a[::2][m[::2]] *= 3.0


def chosen_rows(a, m):
    a[m] = a[m] + 1.0
    a[m] -= 2.0


def set_grid(a, i, j):
    a[np.ix_(i, j)] = 1.5
    a[np.ix_(i, j)] += a[np.ix_(j, i)].T


def set_behind_ellipsis(a, i):
    a[..., i] = a[..., i[::-1]]


def add_at(a, i, x):
    np.add.at(a, i, x)


def subtract_at(a, i):
    np.subtract.at(a, i, 1.5)


def maximum_at(a, i, x):
    np.maximum.at(a, i, x)


def multiply_at(a, i):
    np.multiply.at(a, i, a[:4])


def add_pairs(a, i, j):
    np.add.at(a, (i, j), a[0, :4])


def add_columns(a, i):
    np.add.at(a, (slice(None), i), 1.0)


def negate_at(a, i):
    np.negative.at(a, i)


def put_along(a, i):
    np.put_along_axis(a, i, a[:, :2] * 2.0, axis=1)


def put_flat(a, i):
    np.put(a, i, [1.0, 2.0])


def copy_to(a, m):
    np.copyto(a, -a, where=m)


def put_mask(a, m):
    np.putmask(a, m, a * a)


def fill_diagonal(a):
    np.fill_diagonal(a, 7.0)


def complex_at(a, i):
    np.add.at(a, i, a[:4] * 1j)
    a[i] *= 2j


WRITTEN: list[tuple[F, Any]] = [
    (set_places, (V, I, W[:21])),
    (set_places, (V, I, 3.0)),
    (set_places, (A, J, W[:18])),
    (set_places, (V, M, W[: M.sum()])),
    (set_places, (A, AM, W[:1])),
    (set_places, (A, A[:, 0] > 0, W[:18])),
    (set_number, (V, J)),
    (add_places, (V, I, 1.0)),
    (add_places, (V, I, W[:21])),
    (add_places, (V, M, W[: M.sum()])),
    (scale_chosen, (V, M)),
    (scale_chosen, (A, AM)),
    (scale_chosen, (A, A[:, 0] > 0)),
    (set_chosen, (V, M)),
    (set_chosen, (A, A[:, 0] > 0)),
    (reverse_chosen, (V, M)),
    (set_pairs, (A, J, K)),
    (set_columns, (A, J)),
    (set_rows_from_row, (A, J)),
    (chosen_in_view, (V, M)),
    (chosen_rows, (A, A[:, 0] > 0)),
    (set_grid, (A, J, K)),
    (set_behind_ellipsis, (B, np.array([0, 2]))),
    (add_at, (V, I, W[:21])),
    (add_at, (V, I, 1.0)),
    (add_at, (V, M, 1.0)),
    (add_at, (A, J, W[:18])),
    (add_columns, (A, J)),
    (add_at, (V, 3, 1.0)),
    (subtract_at, (V, J)),
    (maximum_at, (V, I, W[:21])),
    (multiply_at, (V, J)),
    (add_pairs, (A, J, K)),
    (negate_at, (V, J)),
    (put_along, (A, np.argsort(A, axis=1)[:, :2])),
    (put_flat, (A, J)),
    (copy_to, (A, AM)),
    (put_mask, (A, AM)),
    (fill_diagonal, (A,)),
    (complex_at, (Z, J)),
]

SHAPED: list[tuple[F, Any]] = [
    (lambda a: np.reshape(a, (9, 34)), (A,)),
    (lambda a: a.reshape(6, -1) * 2.0, (A,)),
    (lambda a: np.reshape(a, (3, 17, 6), order="F"), (A,)),
    (lambda a: np.reshape(a, shape=(-1,)), (A,)),
    (lambda a: a[1:].reshape(-1), (A,)),
    (lambda a: a.T.reshape(-1), (A,)),
    (lambda a: a.ravel(order="F"), (A,)),
    (lambda a: np.ravel(a.T), (A,)),
    (lambda a: a.flatten(), (B,)),
    (lambda a: np.transpose(a), (B,)),
    (lambda a: np.transpose(a, (1, 2, 0)), (B,)),
    (lambda a: a.transpose(0, -1, 1), (B,)),
    (lambda a: np.matrix_transpose(a), (B,)),
    (lambda a: np.swapaxes(a, 0, -1), (B,)),
    (lambda a: a.swapaxes(1, 2), (B,)),
    (lambda a: np.moveaxis(a, 0, -1), (D,)),
    (lambda a: np.moveaxis(a, (0, 3), (2, 0)), (D,)),
    (lambda a: np.rollaxis(a, 2), (D,)),
    (lambda a: np.expand_dims(a, 1), (A,)),
    (lambda a: np.expand_dims(a, (0, -1)), (A,)),
    (lambda a: np.squeeze(a), (D,)),
    (lambda a: np.squeeze(a, 1), (D,)),
    (lambda a: a.squeeze(axis=(1, -2)), (D,)),
    (lambda a: a[:1].squeeze(0), (A,)),
    (lambda a: np.broadcast_to(a, (3, N)) * 2.0, (V,)),
    (lambda a: np.broadcast_to(a[:, None], (N, 5)), (V,)),
    (lambda a: np.broadcast_to(a[0], (2, 2)), (V,)),
    (lambda a, b: np.broadcast_arrays(a[:, None], b), (V, W)),
    (lambda a, b: np.broadcast_shapes(a[:, None].shape, b.shape), (V, W)),
    (lambda a: np.atleast_1d(a[0]), (V,)),
    (lambda a: np.atleast_2d(a), (V,)),
    (lambda a: np.atleast_3d(a), (V,)),
    (lambda a: np.atleast_3d(a), (A,)),
    (lambda a, b: np.atleast_2d(a, b), (V, A)),
    (lambda a: np.flip(a), (A,)),
    (lambda a: np.flip(a, 1), (A,)),
    (lambda a: np.flip(a, (0, -1)), (B,)),
    (lambda a: np.flipud(a) + np.fliplr(a), (A,)),
    (lambda a: np.rot90(a), (A,)),
    (lambda a: np.rot90(a, 2), (A,)),
    (lambda a: np.rot90(a, -1, (1, 2)), (B,)),
    (lambda a: np.rot90(a, 4), (A,)),
    (lambda a: np.roll(a, 3), (V,)),
    (lambda a: np.roll(a, -25), (V,)),
    (lambda a: np.roll(a, 5), (A,)),
    (lambda a: np.roll(a, 1, axis=0), (A,)),
    (lambda a: np.roll(a, (1, -2), axis=(0, 1)), (A,)),
    (lambda a: np.roll(a, 2, axis=(0, 1)), (A,)),
    (lambda a: a.T, (B,)),
    (lambda a: a.astype(np.float32), (A,)),
    (lambda a: a.real + a.imag - a.conj(), (Z,)),
]

JOINED: list[tuple[F, Any]] = [
    (lambda a, b: np.concatenate((a, b)), (V, W)),
    (lambda a: np.concatenate([a, a * 2.0], axis=1), (A,)),
    (lambda a: np.concatenate([a[:2], a], axis=-2), (A,)),
    (lambda a, b: np.concatenate((a, b), axis=None), (A, V)),
    (lambda a: np.concatenate((a, [1, 2])), (V,)),
    (lambda a: np.concatenate((a, a > 0)), (V,)),
    (lambda a: np.concatenate([a[k:] for k in range(3)]), (V,)),
    (lambda a: np.concatenate([np.outer(r, r) for r in a[:, :3]]), (A,)),
    (lambda a: np.concatenate(a), (A,)),
    (lambda a: np.hstack(a) + np.vstack(a).ravel(), (A,)),
    (lambda a: np.concatenate((a, a), dtype=np.float32), (V,)),
    (lambda a: np.stack((a, a + 1.0)), (A,)),
    (lambda a: np.stack((a, a + 1.0), axis=1), (A,)),
    (lambda a: np.stack([a, a + 1.0], axis=-1), (V,)),
    (lambda a: np.stack([a[0], 2.0, a[1]]), (V,)),
    (lambda a: np.stack([r * 2.0 for r in a]), (A,)),
    (lambda a, b: np.hstack((a, b)), (V, W)),
    (lambda a: np.hstack((a, a)), (A,)),
    (lambda a: np.hstack((a[0], 1.0)), (V,)),
    (lambda a: np.vstack((a, a)), (V,)),
    (lambda a: np.vstack((a, a[0])), (A,)),
    (lambda a: np.vstack([r * 2.0 for r in a]), (A,)),
    (lambda a: np.dstack((a, a)), (V,)),
    (lambda a: np.dstack((a, a)), (A,)),
    (lambda a, b: np.column_stack((a, b)), (V[:17], A)),
    (lambda a: np.append(a, 3.0), (V,)),
    (lambda a: np.append(a, a, axis=0), (A,)),
    (lambda a: np.block([[a, a * 2.0], [a * 3.0, a * 4.0]]), (A,)),
    (lambda a: np.block([a, 1.0]), (V,)),
    (lambda a: np.split(a, 3), (A[:, :3].T.copy(),)),
    (lambda a: np.split(a, [2, 5]), (V,)),
    (lambda a: np.split(a, [2, 30], axis=1), (A,)),
    (lambda a: np.array_split(a, 4), (V,)),
    (lambda a: np.array_split(a, 5, axis=1), (A,)),
    (lambda a: np.hsplit(a, 2), (A,)),
    (lambda a: np.vsplit(a, [3]), (A,)),
    (lambda a: np.dsplit(a, 2), (B,)),
    (lambda a: np.unstack(a, axis=-1), (B,)),
    (lambda a: np.tile(a, 3), (V,)),
    (lambda a: np.tile(a, (2, 2)), (V,)),
    (lambda a: np.tile(a, (2, 3)), (A,)),
    (lambda a: np.tile(a, 2), (B,)),
    (lambda a: np.tile(a, 0), (V,)),
    (lambda a: np.repeat(a, 3), (V,)),
    (lambda a: np.repeat(a, 2, axis=0), (A,)),
    (lambda a: np.repeat(a, 2, axis=1), (A,)),
    (lambda a: a.repeat(2), (A,)),
    (lambda a, n: np.repeat(a, n), (V, C)),
    (lambda a, n: np.repeat(a, n, axis=0), (A, C[:17])),
    (lambda a: np.repeat(a[0], 4), (V,)),
    (lambda a: np.r_[a, 1.0, a[:2]], (V,)),
    (lambda a: np.r_[0:4, a], (V,)),
    (lambda a: np.r_[0:1:5j], (V,)),
    (lambda a, b: np.c_[a, b], (V, V * 2.0)),
    (lambda a, b: np.c_[a, b], (A, V[:17])),
    (lambda a: a[np.s_[1:4, ::2]], (A,)),
    (lambda a: np.pad(a, 2), (V,)),
    (lambda a: np.pad(a, (1, 3), constant_values=(7, 8)), (V,)),
    (lambda a: np.pad(a, ((1, 2), (0, 3)), "constant", constant_values=1.5), (A,)),
    (lambda a: np.pad(a, 3, mode="edge"), (V,)),
    (lambda a: np.pad(a, ((2, 1), (1, 2)), mode="edge"), (A,)),
    (lambda a: np.pad(a, (25, 40), mode="reflect"), (V,)),
    (lambda a: np.pad(a, 2, mode="reflect"), (A,)),
    (lambda a: np.pad(a, (25, 40), mode="symmetric"), (V,)),
    (lambda a: np.pad(a, (25, 40), mode="wrap"), (V,)),
    (lambda a: np.pad(a, ((0, 0), (1, 1)), mode="wrap"), (A,)),
    (lambda a: np.pad(a[:1], 2, mode="reflect"), (V,)),
]

MADE: list[tuple[F, Any]] = [
    (lambda a: np.diag(a), (V,)),
    (lambda a: np.diag(a, 2), (V,)),
    (lambda a: np.diag(a, k=-1), (V,)),
    (lambda a: np.diag(a), (A,)),
    (lambda a: np.diag(a, 3), (A,)),
    (lambda a: np.diag(a, -3), (A,)),
    (lambda a: np.diagflat(a, 1), (S,)),
    (lambda a: np.diagonal(a), (B,)),
    (lambda a: np.diagonal(a, 1, 1, 2), (B,)),
    (lambda a: a.diagonal(-1, axis1=2, axis2=0), (B,)),
    (lambda a: np.trace(a), (A,)),
    (lambda a: np.trace(a, 2), (A,)),
    (lambda a: a.trace(axis1=1, axis2=2), (B,)),
    (lambda a: np.tril(a), (A,)),
    (lambda a: np.tril(a, -2), (A,)),
    (lambda a: np.triu(a, 1), (B,)),
    (lambda a: np.triu(a), (V,)),
    (lambda a: np.tril(a, 1), (np.arange(20).reshape(4, 5),)),
    (lambda n: np.tri(n), (4,)),
    (lambda n: np.tri(n, 6, -1, dtype=int), (4,)),
    (lambda n: np.eye(n), (4,)),
    (lambda n: np.eye(n, 5, k=1), (4,)),
    (lambda n: np.eye(n, dtype=np.complex64, k=-2), (4,)),
    (lambda n: np.identity(n, dtype=bool), (4,)),
    (lambda a: np.eye(3) * a[0], (V,)),
    (lambda a, b: np.meshgrid(a, b), (V, W)),
    (lambda a, b: np.meshgrid(a, b, indexing="ij"), (V, W)),
    (lambda a, b: np.meshgrid(a, b, sparse=True), (V, W)),
    (lambda a: np.meshgrid(a, a[:2], a[:3]), (V,)),
    (lambda a: np.meshgrid(a), (V,)),
    (lambda a, n: np.linspace(a[0], a[1], n), (V, 7)),
    (lambda a, n: np.linspace(a[0], a[1], n, endpoint=False), (V, 7)),
    (lambda a, n: np.linspace(a[0], a[1], n), (V, 1)),
    (lambda a, n: np.linspace(a[0], a[1], n), (V, 0)),
    (lambda a: np.linspace(a[:3], a[3:6], 4), (V,)),
    (lambda a: np.linspace(a[:3], 1.0, 4, axis=1), (V,)),
    (lambda a: np.linspace(0, a[0], 5, retstep=True), (V,)),
    (lambda n: np.linspace(0, 10, n, dtype=int), (7,)),
    (lambda a: np.linspace(a[0], 1j, 5), (Z,)),
    (lambda a: np.logspace(a[0], 1.0, 5), (V,)),
    (lambda a: np.logspace(0.0, a[0], 5, base=2.0), (V,)),
    (lambda a: np.geomspace(a[0] ** 2, 100.0, 6), (V,)),
    (lambda n: np.geomspace(-1, -1000, n), (4,)),
    (lambda n: np.geomspace(1, 256, n, endpoint=False), (8,)),
    (lambda a: np.vander(a[:4], 3), (V,)),
    (lambda a: np.vander(a[:4], increasing=True), (V,)),
    (lambda a: np.ediff1d(a), (A,)),
    (lambda a: np.ediff1d(a, to_begin=a[0], to_end=[1.0, 2.0]), (V,)),
    (lambda a: np.select([a < -0.5, a < 0.5], [a, a**2], 3.0), (V,)),
    (lambda a: np.select([a < -0.5, a < 0.5], [a, 1.0]), (V,)),
    (lambda a, c: np.choose(c, [a, -a, a * a]), (V, C)),
    (lambda a, c: np.choose(c * 5 - 2, (a, 1.0), mode="clip"), (V, C)),
    (lambda a, c: c.choose((a, 1.0), mode="wrap"), (V, C)),
    (lambda a: np.clip(a, -0.5, 0.5), (V,)),
    (lambda a: np.clip(a, None, 0.5), (V,)),
    (lambda a: np.clip(a, max=0.5), (V,)),
    (lambda a: a.clip(min=0.1, max=0.5), (V,)),
    (lambda a: np.nan_to_num(np.where(a > 0.5, np.nan, a)), (V,)),
    (lambda a: np.heaviside(a, 0.5) * a, (V,)),
    (lambda a: np.sinc(a), (V,)),
    (lambda a: np.sinc(a * 0.0), (V,)),
    (lambda a: np.sinc(a * 1e-2), (V,)),
    (lambda a, x: np.interp(x, a, a * a), (np.sort(V), W)),
    (lambda a: np.interp(0.3, a, a * a, left=1.0, right=2.0), (np.sort(V),)),
]


def leaves(x: Any) -> list[Any]:
    found: list[Any] = []
    flatten(x, found)
    return found


def agree(got: Any, want: Any) -> None:
    have, wanted = leaves(got), leaves(want)
    assert len(have) == len(wanted)
    for x, y in zip(have, wanted, strict=True):
        assert np.shape(x) == np.shape(y)
        assert np.asarray(x).dtype == np.asarray(y).dtype
        eps = np.finfo(np.asarray(y).dtype).eps if np.asarray(y).dtype.kind in "fc" else 0.0
        np.testing.assert_allclose(x, y, rtol=32 * eps, atol=4 * eps)


ALL = [*READ, *FOUND, *[(copy_and(f), x) for f, x in WRITTEN], *SHAPED, *JOINED, *MADE]


@pytest.mark.parametrize("case", range(len(ALL)))
def test_as_numpy_has_it(case: int) -> None:
    f, args = ALL[case]
    agree(of.jit(f)(*args), f(*args))


def is_smooth(f: F, args: Any) -> bool:
    """Whether there is a derivative, in double precision."""
    kinds = [np.asarray(x).dtype for x in leaves(f(*args))]
    return any(np.asarray(x).dtype.kind in "fc" for x in args) and any(k.kind in "fc" for k in kinds) and np.dtype(np.float32) not in kinds


def several(fs: tuple[F, ...]) -> F:
    return lambda *args: tuple([f(*args) for f in fs])


def groups() -> list[tuple[F, Any]]:
    """Several snippets with the same arguments are differentiated together."""
    found: dict[tuple[int, ...], list[tuple[F, Any]]] = {}
    for f, args in ALL:
        if is_smooth(f, args):
            found.setdefault(tuple(map(id, args)), []).append((f, args))
    return [(several(tuple(f for f, _ in some[k : k + 5])), some[0][1]) for some in found.values() for k in range(0, len(some), 5)]


SMOOTH = groups()


@pytest.mark.parametrize("case", range(len(SMOOTH)))
def test_derivatives(case: int) -> None:
    f, args = SMOOTH[case]
    of.check_grads(f, args)
