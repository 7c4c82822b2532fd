"""Views: writes through one name that are read through another."""

import numpy as np

from tests.programs.registry import mat, program, vec


@program((mat(3, 4, 70), 0.4))
def write_through_row(a, c):
    b = a.copy()
    for i in range(3):
        row = b[i]
        for j in range(1, 4):
            row[j] = row[j] * row[j - 1] + c
    return b


@program((mat(3, 4, 71),))
def row_read_after_base_written(a):
    b = a * 1.0
    row = b[1]
    before = row[2]
    b[1, 2] = b[0, 0] * 3.0 + before * before
    return row[2] * before + row[0]


@program((mat(3, 4, 72),))
def transposed_view(a):
    b = a.copy()
    t = b.T
    for k in range(3):
        t[k, 0] = t[k + 1, 1] * b[2, k]
    t[3] *= 2.0
    return np.sum(b * b * a) + t[0, 2]


@program((vec(8, 73),))
def view_of_view(x):
    y = x.copy()
    inner = y[1:-1]
    core = inner[1::2]
    core *= 1.5
    inner[0] = core[0] * y[0]
    core[1] += inner[3]
    return y


@program((vec(6, 74), 0.3))
def helper_writes_through_view(x, c):
    y = np.zeros(6)
    fill(y[:3], x, c)
    fill(y[3:], y, c * 2.0)
    return y


def fill(out, source, c):
    for i in range(len(out)):
        out[i] = source[i] * c + out[i]


@program((mat(4, 4, 75),))
def in_place_through_rows(a):
    b = a.copy()
    for i in range(1, 4):
        b[i] -= b[i - 1] * (b[i, 0] / (2.0 + b[i - 1, 0]))
    return b


@program((vec(6, 76),))
def view_keeps_seeing_changes(x):
    y = x.copy()
    tail = y[3:]
    s = 0.0
    for i in range(3):
        y[3 + i] = y[i] * tail[i]
        s += tail[i] * tail[0]
    tail[:] = y[:3] * s
    return s + y[5] * tail[1]


@program((mat(3, 4, 77),))
def alias_by_assignment(a):
    b = a.copy()
    c = b
    c[0, 1] = c[0, 1] * b[0, 2]
    b[0, 2] = b[0, 1] + 0.5
    b += c * 0.25
    return c


@program((vec(6, 78),))
def augmented_assignment_is_in_place(x):
    y = x.copy()
    z = y
    y += 1.0
    y *= z
    y = y + z  # a new array: z is left as it is
    y -= 0.5
    return np.sum(y * z * x)


@program((mat(3, 3, 79), vec(3, 80)))
def loop_over_rows_written(a, v):
    b = a.copy()
    for row in b:
        row += v * row[0]
        row[1] = row[2] * row[0]
    return b


@program((vec(12, 81),))
def reshaped_view(x):
    y = x.copy()
    m = y.reshape(3, 4)
    m[1] *= m[0]
    y[5] += y[4] * 2.0
    return np.sum(m[:, 1] * m[:, 2])


@program((mat(4, 3, 82), 2))
def view_at_runtime_bounds(a, k):
    b = a.copy()
    upper = b[:k]
    lower = b[k:]
    lower[0] = upper[1] * 2.0 + lower[0]
    upper[0, 1] *= lower[1, 2]
    return b


@program((np.zeros((2, 3, 2)) + mat(6, 2, 83).reshape(2, 3, 2),))
def planes_of_a_cube(a):
    c = a.copy()
    plane = c[:, 1]
    plane[0] = c[1, 2] * c[0, 0, 1]
    c[..., 1] *= 0.5
    c[1][2, 0] += plane[0, 1]
    return c
