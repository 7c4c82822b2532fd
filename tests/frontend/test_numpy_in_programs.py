"""Integer arrays, masks and NumPy's functions of shape in loops, branches, lists and objects; in every dtype; and with what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of
from tests.frontend.snippets import RNG, A, Case, J, V, W, agree, agrees_in_both_modes

U = RNG.normal(size=40)
PLACES = RNG.integers(0, 40, 60)
TRIANGLES = RNG.integers(0, 40, (50, 3))

# ---------------------------------------------------------------- in programs


def elements(u, conn):
    """Finite elements: gathered, computed, added up where they came from."""
    out = np.zeros_like(u)
    for e in range(conn.shape[0]):
        c = conn[e]
        x = u[c]
        np.add.at(out, c, x * x * np.array([1.0, 2.0, 3.0]))
    return np.sum(out * u)


def masks(a, n):
    u = a.copy()
    s = 0.0
    for k in range(n):
        m = u > 0.1 * k
        s = s + np.sum(u[m] ** 2)
        u[m] *= 0.9
        u = u * 1.01
    return s


def permuted(u, n):
    for k in range(n):
        at = (np.arange(len(u)) * (k + 2)) % len(u)
        u = u[at] * 1.1 + np.roll(u, k)
    return np.sum(u * u)


def of_other_lengths(u, n):
    s = 0.0
    for k in range(n):
        v = np.concatenate((u[:k], u[k : k + 2] * 2.0, np.zeros(k)))
        s += np.sum(v**2) * np.sum(np.pad(v, k, mode="edge"))
    return s


def stencil(u, n):
    for _ in range(n):
        p = np.pad(u, 1, mode="wrap")
        u = u + 0.1 * (p[2:] - 2 * p[1:-1] + p[:-2])
    return np.sum(u**3)


def until_small(u):
    v = u * 1.0
    n = 0
    while np.any(v > 0.5) and n < 20:
        v[v > 0.5] -= 0.2 * v[v > 0.5]
        n += 1
    return np.sum(v**2)


def onto_itself(u, i, n):
    v = u * 1.0
    for _ in range(n):
        v[i] = v[i[::-1]] * 1.1
        v[i] += 0.1 * v[:20][0]
    return np.sum(v**2)


def of_lists(u, n):
    parts = []
    for k in range(n):
        parts.append(u[k : k + 3] * k)
    return np.sum(np.concatenate(parts) ** 2) + np.sum(np.stack(parts) ** 2) + np.sum(np.vstack(parts)) + np.sum(np.hstack(parts))


def in_a_branch(u, i, flag):
    if flag > 0:
        v = u[i]
    else:
        v = np.concatenate((u, u))[: len(i)]
    v[v < 0] = 0.0
    return np.sum(v * v)


def in_rows_of_a_list(u, n):
    xs = []
    for k in range(n):
        xs.append(u * k)
    for k in range(n):
        xs[k][[0, 2]] += 1.0
        xs[k][xs[k] > 0.5] *= 2.0
        np.add.at(xs[k], np.array([1, 1]), xs[k][0])
    s = 0.0
    for k in range(n):
        s += np.sum(xs[k] ** 2)
    return s


class Holder:
    def __init__(self, v):
        self.v = v


def in_an_object(u, i):
    o = Holder(u * 2.0)
    o.v[i] += 1.0
    o.v[o.v > 1.0] = 0.5
    np.add.at(o.v, i, u[0])
    return np.sum(o.v**2)


def through_a_view(u, i):
    a = np.zeros((4, 10))
    a.reshape(-1)[i] += u[i]
    a.T[[1, 3]] *= 2.0
    a[1:, ::2][:, [0, -1]] -= u[0]
    return np.sum(a * np.reshape(u, (4, 10)))


def tables(u, n):
    """A table built once, read in a loop."""
    grid = np.linspace(-3.0, 3.0, n)
    values = np.sin(grid)
    s = 0.0
    for k in range(len(u)):
        s += np.interp(u[k], grid, values) * np.searchsorted(grid, u[k])
    return s


def written_by_the_right_side(u, i):
    """a[key] op= x reads a[key] before x is computed."""
    a = u * 1.0

    def change(k):
        a[k] = 3.0
        return 2.0

    a[i] += change(i[0])
    a[a > 0.5] *= change(1)
    return np.sum(a**2)


PROGRAMS: list[Case] = [
    (elements, (U, TRIANGLES)), (masks, (U, 5)), (permuted, (U, 4)), (of_other_lengths, (U, 6)), (stencil, (U, 6)), (until_small, (U,)),
    (onto_itself, (U, PLACES, 3)), (of_lists, (U, 5)), (in_a_branch, (U, PLACES, 1)), (in_a_branch, (U, PLACES, -1)), (in_rows_of_a_list, (U, 4)),
    (in_an_object, (U, PLACES)), (through_a_view, (U, J)), (written_by_the_right_side, (U, J)), (tables, (U, 33)),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(PROGRAMS)))
def test_programs(case: int) -> None:
    f, args = PROGRAMS[case]
    agree(of.jit(f)(*args), f(*args))
    agrees_in_both_modes(f, args)


def test_one_program_for_all_lengths() -> None:
    f = of.jit(lambda a, i: np.concatenate((a[i], np.tile(a, 2), np.pad(a, 1), a[a > 0.5])))
    for n in (0, 1, 2, 17, 40):
        a, i = np.linspace(0.0, 1.0, n), np.arange(n)[::2]
        agree(f(a, i), np.concatenate((a[i], np.tile(a, 2), np.pad(a, 1), a[a > 0.5])))


def test_the_gradient_of_a_gather_counts_duplicates_exactly() -> None:
    i = np.array([0, 3, 3, 3, 1, 0] * 5)
    gradient = of.grad(lambda a: np.sum(a[i] * np.arange(30.0)))(V)
    np.testing.assert_array_equal(gradient, np.bincount(i, np.arange(30.0), minlength=len(V)))


def test_the_last_of_several_for_one_place_stays() -> None:
    def f(x):
        a = np.zeros(20)
        a[[1, 1, 2]] = x
        a[[3, 3]] += 1.0
        return a

    x = np.array([1.0, 2.0, 3.0])
    agree(of.jit(f)(x), f(x))
    np.testing.assert_array_equal(of.jacrev(f)(x)[1], [0.0, 1.0, 0.0])


def test_an_argument_is_changed_in_place() -> None:
    def f(a, i, m):
        a[i] += 1.0
        a[m] = 0.0
        np.subtract.at(a, i, 2.0)

    mine, theirs = V.copy(), V.copy()
    of.jit(f)(mine, J, V > 0)
    f(theirs, J, V > 0)
    np.testing.assert_array_equal(mine, theirs)


# ---------------------------------------------------------------- dtypes


def everything(a, i, m):
    b = np.concatenate((a, a[i]))
    b[i] = a[0]
    b[b == a[1]] = a[2]
    return (
        b, a[m], np.roll(a, 2), np.tile(a, 2), np.repeat(a, 3), np.pad(a, 1), np.pad(a, 2, mode="wrap"), np.stack((a, a[::-1]), axis=1), np.diag(a, 1),
        np.triu(np.reshape(a, (5, 4))), np.take_along_axis(a, i, 0), np.where(m, a, a[0]), np.nonzero(a), np.select([m], [a], a[0]),
        np.broadcast_to(a, (2, 20)), np.flip(a), np.append(a, a[0]), np.meshgrid(a, a[:3])[0], np.compress(m, a), np.choose(m * 1, (a, a[::-1])),
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64, np.int64, np.int32, np.bool_])
def test_dtypes(dtype: Any) -> None:
    a = (np.arange(20) % 7 * 1.5 - 2).astype(dtype)
    if a.dtype.kind == "c":
        a = (a * (1 + 2j)).astype(dtype)
    args = a, np.array([3, -1, 3, 0]), np.arange(20) % 3 == 0
    agree(of.jit(everything)(*args), everything(*args))


def in_single(a, i):
    b = a * 2.0
    b[i] += a[i]
    np.add.at(b, i, a[0])
    return np.sum(b[b > 0.0] ** 2) + np.sum(np.pad(a, 2, mode="reflect") * np.roll(np.pad(a, 2), 1))


def in_complex(z, i):
    b = z * 2j
    b[i] *= z[i]
    np.add.at(b, i, z[0])
    return np.sum(np.abs(np.concatenate((b, np.tile(z, 2)))) ** 2)


def test_derivatives_in_single_precision() -> None:
    a = V.astype(np.float32)
    gradient = of.grad(in_single)(a, J)
    assert gradient.dtype == np.float32
    np.testing.assert_allclose(gradient, of.grad(in_single)(V, J), rtol=1e-4, atol=1e-5)


def test_derivatives_of_complex_arrays() -> None:
    agrees_in_both_modes(in_complex, (V + 1j * W[: len(V)], J))


# ---------------------------------------------------------------- what does not fit


def put_too_many(a, i):
    a[i] = np.ones(len(i) + 1)


def put_too_many_by_mask(a):
    a[a > 0.0] = np.ones(len(a))


WRONG: list[Case] = [
    (lambda a, i: a[i], (V, np.array([1, 19, -20]))), (lambda a, i: a[i], (V, np.array([[1, 2], [-20, 40]]))), (lambda a, i: a[:, i], (A, np.array([18]))),
    (lambda a, i: a[i, i + 18], (A, J)), (lambda a, m: a[m], (V, W > 0)), (lambda a, i, j: a[i, j], (A, np.arange(17), np.arange(18))),
    (put_too_many, (V, np.arange(19))), (put_too_many_by_mask, (V,)), (lambda a: np.take(a, 99), (V,)),
    (lambda a, i: np.take(a, i, axis=1), (A, np.array([18]))), (lambda a, i: np.take_along_axis(a, i, 1), (A, np.full((17, 2), 18))),
    (lambda a: a.reshape(5, -1), (V,)), (lambda a: a.reshape(5, 5), (V,)), (lambda a: np.concatenate((a[:, 1:], a)), (A,)),
    (lambda a: np.stack((a, a[1:])), (V,)), (lambda a: np.hstack((a[:5], a)), (A,)), (lambda a: np.broadcast_to(a, (3, 7)), (V,)),
    (lambda a: np.split(a, 4), (V,)), (lambda a, n: np.repeat(a, n), (V, -1)), (lambda a, n: np.repeat(a, n), (V, np.arange(19) - 1)),
    (lambda a, n: np.repeat(a, n), (V, np.arange(18))), (lambda a, n: np.tile(a, n), (V, -1)), (lambda a, n: np.pad(a, n), (V, -1)),
    (lambda a: np.pad(a[:0], 2, mode="edge"), (V,)), (lambda a, c: np.choose(c, [a, a]), (V, np.full(19, 2))), (lambda a: np.digitize(a, [1.0, 3.0, 2.0]), (V,)),
    (lambda a: np.squeeze(a, 0), (V,)), (lambda n: np.linspace(0, 1, n), (-1,)), (lambda a: np.geomspace(a[0] * 0, 1.0, 3), (V,)),
    (lambda i: np.unravel_index(i, (2, 3)), (np.array([6]),)), (lambda a: np.interp(a, a, a[1:]), (V,)),
    (lambda a, n: np.concatenate([a[k:] for k in range(n)]), (V, 0)), (lambda a, i: np.add.at(a, i, 1.0), (V, np.array([19]))), (lambda n: np.eye(n), (-1,)),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_what_does_not_fit_raises_as_in_numpy(case: int) -> None:
    f, args = WRONG[case]
    with pytest.raises((ValueError, IndexError)) as theirs:
        f(*[x.copy() if isinstance(x, np.ndarray) else x for x in args])
    with pytest.raises((ValueError, IndexError)) as ours:
        of.jit(f)(*[x.copy() if isinstance(x, np.ndarray) else x for x in args])
    assert type(ours.value) is type(theirs.value)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    ("f", "code"),
    [
        (lambda a: a[a], "E101"),
        (lambda a: a[a > 0, 0], "E103"),
        (lambda a: np.roll(a, 1, axis=1), "E103"),
        (lambda a: np.concatenate((a, a[:, None])), "E103"),
        (lambda a: np.pad(a, 1, mode="linear_ramp"), "E003"),
        (lambda a: np.add.at(a.astype(int), [0], a[0]), "E101"),
        (lambda a: np.broadcast_to(a, (2, 19)).__setitem__((0, 0), 1.0), "E003"),
        (lambda a: np.moveaxis(a, 0, 2), "E103"),
    ],
)
def test_what_is_known_to_be_wrong_is_refused(f: Any, code: str) -> None:
    with pytest.raises(of.CompileError, match=code):
        of.jit(f)(V)


def writes_to_a_stretched_view(a):
    b = np.broadcast_to(a, (2, len(a)))
    b[0, 0] = 1.0
    return b


def test_a_stretched_view_is_read_only() -> None:
    with pytest.raises(of.CompileError, match="E105"):
        of.jit(writes_to_a_stretched_view)(V)
