"""Arrays: reading, views, writing through every path, aliasing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.errors import CompileError
from tests.frontend.support import agree, lower

V = np.array([0.5, -1.5, 2.0, 0.25, -3.0])
W = np.linspace(-1.0, 1.0, 40)
M = np.arange(12.0).reshape(3, 4) - 5.0
B = np.arange(60.0).reshape(20, 3) / 7.0
T = np.arange(24.0).reshape(2, 3, 4)


def element(x, i):
    return x[i] + x[-1] + x[0]


def negative(x, i):
    return x[-i]


def matrix_element(a, i, j):
    return a[i, j] + a[i][j] + a[-1, -2]


def rows(a, i):
    row = a[i]
    return row.sum() + row[1] + len(row)


def slices(x):
    return x[1:], x[:-1], x[::2], x[1:-1], x[-3:], x[:3], x[2:100], x[5:2], x[:]


def backward(x):
    return x[::-1], x[3:0:-1], x[-2::-2], x[:1:-1]


def runtime_slices(x, i, j):
    return x[i:j], x[i:], x[:j], x[i:j:2], x[j:i:-1]


def matrix_slices(a):
    return a[1:, :2], a[:, 1], a[0], a[..., 2], a[1, ::-1], a[::2, 1:3]


def new_axes(x):
    return x[:, None], x[None, :], x[..., np.newaxis], x[None]


def transposes(a):
    return a.T, a.T[1], a.T[1:, 0], a[1:].T, np.transpose(a)


def transposes3(a):
    return a.transpose(2, 0, 1), np.transpose(a, (1, 0, 2))[1], a.T[0, 1, 1]


def write(x, i, v):
    x[i] = v
    x[-1] = x[i] + 1.0
    return x


def write_new(n):
    y = np.zeros(n)
    for i in range(n):
        y[i] = i * 0.5 + (y[i - 1] if i > 0 else 1.0)
    return y


def augmented(x):
    for i in range(len(x)):
        x[i] += 1.0
        x[i] *= 2.0
    return x[0]


def row_write(a):
    row = a[1]
    row[2] = 100.0
    row += 1.0
    return a.sum()


def column_write(a):
    a[:, 0] = 7.0
    a[:, 1] += a[:, 2]
    a.T[3] = a[:, 0] * 2.0
    a.T[1, 2] = -1.0
    return a


def slice_write(x):
    x[1:-1] = 0.5
    x[::2] = x[::2] * 3.0
    x[1:] = x[:-1]
    return x


def shifted_overlap(x):
    x[1:] = x[:-1] + x[1:]
    x[:-1] += x[1:]
    return x


def reverse_in_place(x):
    x[:] = x[::-1]
    return x


def whole(x, y):
    x[:] = y
    y[0] = 100.0
    x[...] += 1.0
    return x


def broadcast_store(a, r):
    a[:] = r
    a[1:, :2] = 5.0
    a[0] = a[1] * 2.0
    return a


def inplace_alias(x):
    y = x
    y += 1.0
    z = x * 2.0
    z -= y
    return x, y, z


def rebinding_is_no_alias(x):
    y = x
    y = y + 1.0
    y[0] = 50.0
    return x, y


def copy_is_no_alias(x):
    y = x.copy()
    z = np.array(x)
    y[0] = 50.0
    z[1] = 60.0
    return x, y, z


def view_of_view(a):
    b = a[1:]
    c = b[:, 1:]
    c[0, 0] = 9.0
    d = c.T
    d[1] = -1.0
    return a, b.sum(), c


def views_see_writes(x):
    head = x[:2]
    x[0] = 42.0
    s = head[0]
    head[1] = 43.0
    return s + x[1]


def helper_writes(x):
    def bump(a, k):
        a[k] = a[k] + 1.0

    for i in range(len(x)):
        bump(x, i)
    bump(x[1:], 0)
    return x


def helper_returns_view(a):
    def second(m):
        return m[1]

    r = second(a)
    r[0] = 77.0
    return a


def swap_buffers(x, steps):
    u = x.copy()
    v = np.zeros_like(u)
    for _ in range(steps):
        for i in range(1, len(u) - 1):
            v[i] = 0.5 * (u[i - 1] + u[i + 1])
        v[0] = u[0]
        v[len(u) - 1] = u[len(u) - 1]
        u, v = v, u
    return u


def fresh_in_loop(x, n):
    for _ in range(n):
        y = np.zeros(len(x))
        for i in range(len(x)):
            y[i] = x[i] * 0.5
        x = y
    return x


def chosen_fresh(x, c):
    if c > 0.0:
        y = x * 2.0
    else:
        y = x + 1.0
    y[0] = -9.0
    return y, x


def chosen_read_only(x, y, c):
    z = x if c > 0.0 else y
    return z.sum() + z[0] + x[1]


def chosen_row(a, i, j, c):
    r = a[i] if c > 0.0 else a[j]
    r[0] = 5.0
    return a


def grows(x, n):
    for _ in range(n):
        x = x[1:]
    return x.sum()


def different_lengths(x, c):
    y = x[1:] if c > 0.0 else x[2:]
    return y * 2.0


def row_loop(a):
    s = 0.0
    for row in a:
        for v in row:
            s = s * 0.9 + v
        row[0] = s
    return a, s


def conditional_write(x):
    for i in range(len(x)):
        if x[i] < 0.0:
            x[i] = 0.0
        else:
            x[i] = x[i] ** 2
    return x


def while_write(x):
    i = 0
    while i < len(x) and x[i] < 1.9:
        x[i] = -x[i]
        i += 1
    return i


def shapes(a):
    return a.shape, a.shape[0], len(a), a.ndim, a.size, a.T.shape, a[1:].shape[0], a[0].shape


def of_shape(a):
    n, m = a.shape
    b = np.zeros((m, n))
    for i in range(n):
        for j in range(m):
            b[j, i] = a[i, j]
    return b


def unpack(x):
    a, b, *c = x[:4]
    (d, e), f = (a, b), c[0]
    return a + d * e - f, c[1]


def unpack_open(x):
    s, n = 0.0, len(x)
    for k in range(2, n):
        a, b = x[k - 2 : k]
        s = s * a + b
    c, (d, e) = np.array([[s, x[0]], [x[1], s]])[n - n :]
    return s + c[1] * d - e


def unpack_rows(a):
    p, q, r = a
    return p * q + r


def reshapes(a):
    return a.reshape(-1), a.reshape(4, 3), a.reshape((2, -1)), a.ravel()[3], a.flatten(), np.reshape(a, (6, 2))[5, 1]


def write_reshaped(a):
    y = a.reshape(-1)
    y[5] = 100.0
    y[1:3] = 7.0
    z = y.reshape(2, 6)
    z[1, 1] += 3.0
    a[0, 0] = 55.0
    return y[0] + z[0, 0], a


def matrix_of_vector(x):
    a = x.reshape(8, 5)
    s = 0.0
    for i in range(8):
        for j in range(5):
            s = s * 0.5 + a[i, j]
    a[2] = 1.0
    return s, x


def stencil(u, n):
    for _ in range(n):
        u[1:-1] = u[1:-1] + 0.1 * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return u


def stencil_loop(u, n):
    for _ in range(n):
        w = np.empty_like(u)
        w[0] = u[0]
        w[-1] = u[-1]
        for i in range(1, len(u) - 1):
            w[i] = u[i] + 0.1 * (u[i + 1] - 2.0 * u[i] + u[i - 1])
        u = w
    return u


def scratch(x):
    t = np.zeros(3)
    s = 0.0
    for i in range(len(x)):
        t[0] = x[i]
        t[1] = t[0] * 2.0
        t[2] = t[1] + t[0]
        s += t[2]
    return s, t


def returned_twice(x):
    return x, x[1:], x


def written_then_returned(x):
    y = x[1:3]
    x[1] = -5.0
    return y


def write_in_branch_of_helper(x, c):
    def f(a):
        if c > 0.0:
            a[0] = 1.0
            return 2.0
        a[1] = 3.0
        return 4.0

    return f(x) + x[0] + x[1]


def early_return_after_write(x, c):
    x[0] = 10.0
    if c > 0.0:
        return x[0]
    x[1] = 20.0
    return x[1]


def fibonacci_table(n):
    t = np.zeros(n + 2, dtype=np.int64)
    t[1] = 1
    for i in range(2, n + 2):
        t[i] = t[i - 1] + t[i - 2]
    return t[n]


def int_store_truncates(n):
    t = np.zeros(3, dtype=np.int64)
    t[0] = 2.7
    t[1] = n
    return t


def scatter(idx, x):
    y = np.zeros(5)
    for k in range(len(idx)):
        y[idx[k]] += x[k]
    return y


def fill_method(x):
    x.fill(3.0)
    y = x.copy()
    y[1:].fill(4.0)
    return y


CASES: list[tuple[Any, ...]] = [
    (element, V, 2), (element, W, 7), (element, V, -2), (element, W, 40), (element, W, -41), (negative, V, 2), (negative, V, 6), (matrix_element, M, 1, 2), (matrix_element, B, -1, 0),
    (matrix_element, M, 3, 0), (matrix_element, B, 0, 5), (rows, M, 1), (rows, B, -2), (rows, B, 20), (slices, V), (slices, W), (slices, V[:1]), (backward, V), (backward, W),
    *[(runtime_slices, V, i, j) for i, j in ((1, 3), (-3, 5), (4, 1), (-100, 100), (3, -1))], (runtime_slices, W, 3, 20), (matrix_slices, M), (matrix_slices, B),
    (new_axes, V), (new_axes, W), (transposes, M), (transposes, B), (transposes3, T), (write, V, 1, 9.0), (write, W, -3, 9.0), (write, W, 99, 1.0), (write_new, 6), (write_new, 1), (augmented, V),
    (augmented, W), (row_write, M), (row_write, B), (column_write, M), (slice_write, V), (slice_write, W), (shifted_overlap, V), (shifted_overlap, W), (reverse_in_place, W), (whole, V, V * 2),
    (whole, W, W * 2), (broadcast_store, M, M[0] * 1.0), (broadcast_store, B, B[0] * 1.0), (inplace_alias, W), (rebinding_is_no_alias, W), (copy_is_no_alias, W), (view_of_view, M), (view_of_view, B),
    (views_see_writes, W), (helper_writes, W), (helper_returns_view, B), (swap_buffers, W, 3), (swap_buffers, V, 4), (fresh_in_loop, W, 3), (chosen_fresh, W, 1.0), (chosen_fresh, W, -1.0),
    (chosen_read_only, V, V * 2, 1.0), (chosen_read_only, W, W * 2, -1.0), (chosen_row, B, 1, 2, 1.0), (chosen_row, B, 1, 2, -1.0), (grows, W, 4), (grows, W, 50), (different_lengths, W, 1.0), (different_lengths, V, -1.0),
    (row_loop, M), (row_loop, B), (conditional_write, W), (while_write, V), (shapes, M), (shapes, B), (shapes, T), (of_shape, B), (unpack, V), (unpack_open, V), (unpack_rows, M), (reshapes, M), (write_reshaped, M),
    (matrix_of_vector, W), (stencil, W, 5), (stencil, V, 5), (stencil_loop, W, 5), (scratch, W), (returned_twice, W), (written_then_returned, V), (write_in_branch_of_helper, V, 1.0),
    (write_in_branch_of_helper, V, -1.0), (early_return_after_write, V, 1.0), (early_return_after_write, W, -1.0), (fibonacci_table, 10), (int_store_truncates, 5),
    (scatter, np.array([0, 2, 2, 4, -1]), V), (scatter, np.array([0, 9, 2, 4, -1]), V), (fill_method, V),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_arrays(case: tuple[Any, ...]) -> None:
    agree(*case)


def indexed_in_loops(a, n):
    s = 0.0
    for i in range(len(a)):
        for j in range(i):
            s += a[i, 0] * a[j, 1] + a[len(a) - 1 - j, 2]
        if i > 0:
            s -= a[i - 1, 0]
    m = a.shape[0]
    for i in range(1, m - 1):
        s += a[i - 1, 0] + a[i + 1, 1]
    y = np.zeros(m - 1)
    for i in range(m - 1):
        y[i] = a[i + 1, 0]
    for i in range(len(y)):
        s += y[i]
    return s


def test_indices_in_range_need_no_check() -> None:
    agree(indexed_in_loops, B, 3)
    lowered, _ = lower(indexed_in_loops, B, 3)
    assert checks(lowered) == []


def checks(lowered: Any) -> list[Any]:
    from oneform.ir import instructions

    return [i.attrs for i in instructions(lowered.function.block.body) if i.op.name == "index" or (i.op.raises and i.attrs.get("message", "").startswith("operands"))]


def equal_lengths(x):
    return (x[1:] - x[:-1])[1:] + x[2:] * np.zeros(len(x) - 2) + (x[1:] * x[:-1])[:-1]


def test_lengths_known_to_agree_need_no_check() -> None:
    agree(equal_lengths, W)
    assert checks(lower(equal_lengths, W)[0]) == []


def may_alias(x, c):
    y = x * 2.0
    z = y if c > 0.0 else x * 3.0
    z[0] = 1.0
    return y


def may_alias_argument(x, c):
    y = x if c > 0.0 else x * 2.0
    y[0] = 1.0
    return y


@pytest.mark.parametrize("f", [may_alias, may_alias_argument])
def test_undecided_aliases_are_refused(f: Any) -> None:
    with pytest.raises(CompileError) as e:
        lower(f, W, 1.0)
    assert e.value.code == "E104"
    assert ".copy()" in str(e.value)


def test_full_of_what_may_be_none():
    def f(x, n):
        o = x if n > 1 else None
        return np.full(3, o or 0.5)

    for n in (0, 2):
        np.testing.assert_array_equal(of.jit(f)(2.0, n), f(2.0, n))
