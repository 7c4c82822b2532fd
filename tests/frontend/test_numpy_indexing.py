"""Integer arrays and masks as indices, and the functions that find, choose and write elements, as NumPy has them."""

from __future__ import annotations

import numpy as np
import pytest

import oneform as of
from tests.frontend.snippets import AM, RNG, A, B, C, Case, D, F, I, J, K, M, N, V, W, Z, agree, agrees_in_both_modes, groups

READ: list[Case] = [
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
    (lambda a: np.insert(a, 2, 5.0), (V,)),
    (lambda a: np.insert(a, -1, [1.0, 2.0]), (V,)),
    (lambda a: np.insert(a, 3, a[0, :17], axis=1), (A,)),
]

FOUND: list[Case] = [
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


def place_in_turn(a, m):
    np.place(a, m, [1.0, a[0]])


def fill_diagonal(a):
    np.fill_diagonal(a, 7.0)


def complex_at(a, i):
    np.add.at(a, i, a[:4] * 1j)
    a[i] *= 2j


WRITTEN: list[Case] = [
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
    (place_in_turn, (V, M)),
    (fill_diagonal, (A,)),
    (complex_at, (Z, J)),
]

ALL = [*READ, *FOUND, *[(copy_and(f), x) for f, x in WRITTEN]]


@pytest.mark.parametrize("case", range(len(ALL)))
def test_as_numpy_has_it(case: int) -> None:
    f, args = ALL[case]
    agree(of.jit(f)(*args), f(*args))


SMOOTH = groups(ALL)


@pytest.mark.parametrize("case", range(len(SMOOTH)))
def test_derivatives(case: int) -> None:
    agrees_in_both_modes(*SMOOTH[case])
