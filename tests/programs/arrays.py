"""Writing into arrays: elements overwritten before and after use, scatter, scratch space, buffers that trade places, arguments changed."""

import numpy as np

from tests.programs.registry import mat, program, vec


@program((vec(6, 40),), (vec(1, 40),))
def recurrence_in_array(p):
    n = len(p)
    y = np.zeros(n)
    y[0] = 0.3 * p[0]
    for i in range(1, n):
        y[i] = np.sin(y[i - 1]) * p[i] + y[i - 1]
    return y


@program((vec(6, 41),), (np.zeros(0),))
def prefix_sums_in_place(x):
    s = x.copy()
    for i in range(1, len(s)):
        s[i] += s[i - 1] * 0.5
    return s


@program((vec(6, 42), 0.7))
def overwritten_after_use(x, a):
    """Each element is read, changed and read again: the adjoint needs both versions."""
    y = x * 1.0
    s = 0.0
    for i in range(len(y)):
        s += y[i] * y[i] * a
        y[i] = np.sin(y[i]) * s
        s += y[i] * y[i - 1] * 0.5
    return s + y[2] * a


@program((vec(6, 43), vec(6, 44)))
def in_place_scaling(x, f):
    y = np.ones(6)
    for k in range(3):
        for i in range(6):
            y[i] *= np.cos(f[i]) + x[i]
            y[i] /= 1.0 + x[i - 1] ** 2
    return y


@program((vec(7, 45), np.array([2, 0, 2, 3, 0, 2, 1])), (np.zeros(0), np.zeros(0, np.int64)))
def scatter_add(v, idx):
    hist = np.zeros(4)
    for i in range(len(idx)):
        hist[idx[i]] += v[i] * (1.0 + 0.2 * hist[idx[i]])
    return hist


@program(
    (vec(5, 46), np.array([4, 1, 1, 0, -1, 3, -5])),
)
def gather(x, idx):
    s = 0.0
    for i in range(idx.shape[0]):
        s += x[idx[i]] * (i + 1) + x[idx[i]] ** 2 * s
    return s


@program(
    (vec(5, 47), np.array([3, 1, 3, 2, 0, 3])),
)
def scatter_overwrite(x, idx):
    """Positions written twice: only the last value lives, but the earlier was read meanwhile."""
    y = np.full(5, 0.25)
    s = 0.0
    for i in range(len(idx)):
        j = idx[i]
        s = s * 0.5 + y[j] * x[j]
        y[j] = x[i % 5] * x[j] + 0.1 * i
    return s + np.sum(y * y)


@program(
    (mat(4, 3, 48), vec(3, 49)),
)
def scratch_reused_each_iteration(a, w):
    t = np.zeros(3)
    s = 0.0
    for i in range(a.shape[0]):
        for k in range(3):
            t[k] = a[i, k] * w[k] + s * 0.1
        for k in range(1, 3):
            t[k] = t[k] * t[k - 1] + 0.2
        s = s * 0.9 + t[2] * t[0]
    return s


@program((mat(4, 3, 50),))
def scratch_allocated_in_loop(a):
    s = 0.0
    for i in range(a.shape[0]):
        t = np.zeros(3)
        for k in range(3):
            t[k] = a[i, k] + s
            t[0] += t[k] * 0.3
        s = np.tanh(t[0] * t[1] - t[2])
    return s


@program((mat(3, 4, 51),))
def scratch_not_cleared(a):
    """What an iteration leaves in the scratch array, the next one reads."""
    t = np.ones(4)
    s = 0.0
    for i in range(3):
        for k in range(4):
            t[k] = t[k] * 0.5 + a[i, k] * t[k - 1]
        s += t[3] * t[1]
    return s


@program((vec(8, 52), 0.1, 5), (vec(8, 52), 0.1, 0))
def swapped_buffers(u, c, steps):
    a = u.copy()
    b = np.zeros(len(u))
    for _ in range(steps):
        for i in range(1, len(u) - 1):
            b[i] = a[i] + c * (a[i - 1] - 2.0 * a[i] + a[i + 1]) - 0.05 * a[i] ** 2
        b[0] = a[0] * 0.9
        b[-1] = a[-1] + c * a[0]
        a, b = b, a
    return a


@program((vec(7, 53), 0.2, 4))
def time_stepping_in_place(u, c, steps):
    """Gauss-Seidel order: a neighbour is already new, the other still old."""
    u = u.copy()
    for _ in range(steps):
        for i in range(1, len(u) - 1):
            u[i] = u[i] + c * (u[i - 1] * u[i + 1] - u[i] ** 2)
    return np.sum(u * u * u)


@program((vec(6, 54),), (np.array([0.3, -0.2]),))
def reverse_by_swaps(x):
    y = x.copy()
    i = 0
    j = len(y) - 1
    while i < j:
        y[i], y[j] = y[j] * 1.5, y[i] + 0.25 * y[j]
        i += 1
        j -= 1
    return y


@program((np.array([0.9, -0.3, 0.5, 1.7, 0.1, -1.1]),), (np.zeros(0),))
def insertion_sort_weighted(x):
    a = x.copy()
    for i in range(1, len(a)):
        v = a[i]
        j = i - 1
        while j >= 0 and a[j] > v:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = v
    s = 0.0
    for i in range(len(a)):
        s += a[i] ** 2 * (i + 1)
    return s


@program((vec(7, 55),))
def running_maximum(x):
    y = np.empty(len(x))
    top = x[0]
    for i in range(len(x)):
        top = max(top, x[i])
        y[i] = top * (1.0 + 0.1 * i) * x[i]
    return y


@program((vec(5, 56), 1.7))
def writes_to_its_argument(x, a):
    for i in range(len(x)):
        x[i] = x[i] * a + x[i - 1]
    x[2] = a * x[3] + 0.3
    return x[2] * x[4] + x[0] ** 2


@program((mat(3, 3, 57), 0.6), (np.zeros((0, 0)), 0.6))
def table_from_neighbours(c, w):
    n = c.shape[0]
    m = c.shape[1]
    t = np.zeros((n + 1, m + 1))
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            t[i, j] = c[i - 1, j - 1] + w * t[i - 1, j] * t[i, j - 1] - 0.5 * t[i - 1, j - 1]
        t[i, 0] = 0.1 * i * w
    return t[n, m] * 2.0 + t[n, 0]


@program((vec(4, 58), 3))
def cube_of_values(x, n):
    a = np.zeros((n, 2, 4))
    for i in range(n):
        for j in range(2):
            for k in range(4):
                a[i, j, k] = x[k] * (i + 1) - a[i - 1, j, k - 1] * x[j]
    s = 0.0
    for i in range(n):
        s += a[i, 1, 2] * a[i, 0, 3]
    return s


@program((vec(5, 59),))
def element_added_to_itself(x):
    """v[i] = v[i] + x on a local vector: wrong in a known kernel language, growing from call to call."""
    v = np.zeros(3)
    for k in range(len(x)):
        v[k % 3] = v[k % 3] + x[k]
        v[1] = v[1] + v[0] * v[0]
        v[2] += v[2] + v[1]
    return v


@program((vec(6, 60), 0.5))
def conditional_writes(x, level):
    y = np.zeros(len(x))
    for i in range(len(x)):
        if x[i] > 0.0:
            y[i] = x[i] * level
            if x[i] > level:
                y[0] += y[i] * 2.0
        else:
            y[i - 1] = x[i] ** 2 + y[i - 1] * 0.5
    return y


@program((vec(6, 61), 1.2), (vec(6, 61), -1.0))
def writes_in_while(x, goal):
    y = x.copy()
    i = 0
    total = 0.0
    while total < goal:
        k = i % len(y)
        y[k] = y[k] * 0.8 + 0.3
        total += y[k] * y[k]
        i += 1
    return y


@program((vec(5, 62),))
def ring_buffer(x):
    buf = np.zeros(3)
    s = 0.0
    for t in range(2 * len(x)):
        delayed = buf[t % 3]
        v = x[t % len(x)] + 0.4 * delayed
        s += v * delayed
        buf[t % 3] = np.sin(v)
    return s


@program((vec(4, 63),))
def array_rebound_to_other_length(x):
    y = x
    for k in range(2):
        z = np.zeros(len(y) + 1)
        for i in range(len(y)):
            z[i] = z[i] + y[i] * 0.5
            z[i + 1] = y[i] * y[i] + 0.1 * k
        y = z
    return np.sum(y * y) + y[0]


@program((vec(4, 64), True), (vec(4, 64), False))
def array_chosen_by_branch(x, flag):
    if flag:
        y = x * 2.0
    else:
        y = np.sin(x)
    y[1] = y[1] * x[0]
    return np.sum(y * y * x)


@program((0.3, 0.8, -0.6))
def array_literal(a, b, c):
    v = np.array([a, b, a * c])
    m = np.array([[a, 1.0], [b * c, 2.0]])
    v[0] += v[2] * m[1, 0]
    m[0, 1] = v[0] * v[1]
    return m[0, 1] * m[0, 0] + v[0] * m[1, 1] + v[2]


@program((vec(5, 65),))
def slices_written(x):
    y = np.zeros(8)
    y[1:6] = x
    y[2:7] += x * 0.5
    y[::2] *= 1.5
    y[-3:] = y[:3] * x[0]
    y[4:1:-1] -= 0.1 * y[5:8]
    return y


@program((vec(6, 66),))
def overlapping_slices(x):
    """The right side is read before the left side is written, as in NumPy."""
    y = x.copy()
    y[1:] = y[:-1] * 0.5 + y[1:]
    y[:-1] = y[1:] * y[:-1]
    y[::-1] = y * 1.1
    return y


@program((mat(3, 4, 67), vec(4, 68)))
def rows_and_columns_written(a, v):
    b = a.copy()
    b[1] = v * b[0]
    b[:, 2] += b[:, 0]
    b[2, 1:3] = b[1, :2] * 2.0
    b[0, :] = v[0]
    b[1:, 3] *= v[3]
    return b
