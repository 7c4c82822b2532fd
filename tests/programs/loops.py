"""Loops whose trip count is known on entry: recurrences, nests, bounds that depend on data, zero trips."""

import math

import numpy as np

from tests.programs.registry import mat, program, vec


@program((3.1, 0.3, 12), (2.5, 0.7, 0), (2.9, 0.2, 1), order=3)
def logistic(a, x, n):
    for _ in range(n):
        x = a * x * (1.0 - x)
    return x


@program((vec(5, 1, 0.5, 2.0), 5), (np.array([2.0, 0.0, 3.0]), 3), (np.zeros(0), 0), order=3)
def running_product(x, n):
    """The program that kernel languages get silently wrong: the factor before the update is what the adjoint needs."""
    prod = 1.0
    for i in range(n):
        prod *= x[i]
    return prod


@program((0.9, 1.4, 7))
def two_state_swap(a, b, n):
    for i in range(n):
        a, b = b, 0.6 * a - 0.3 * b * a + 0.01 * i
    return a - 2.0 * b


@program((0.3, 6), (0.3, 0))
def counts_down_and_steps(x, n):
    s = 0.0
    for i in range(n, 0, -1):
        s = s * x + i
    for i in range(1, 2 * n, 3):
        s += np.sin(i * x)
    for i in range(5, n - 9, -4):
        s = s + x**2 / (1 + i * i)
    return s


@program((mat(4, 4, 3),), (np.zeros((0, 0)),))
def triangular_nest(a):
    s = 0.0
    p = 1.0
    for i in range(a.shape[0]):
        for j in range(i + 1):
            s += a[i, j] * p
            p = p * (1.0 + 0.1 * a[j, i])
    return s + p


@program(
    (vec(6, 4), np.array([2, 0, 3, 1, 0, 2])),
)
def inner_trip_count_from_data(x, counts):
    total = 0.0
    for i in range(len(counts)):
        y = x[i]
        for k in range(counts[i]):
            y = y * y + 0.3 * x[k] + 0.05 * i
        total = total * 0.9 + y
    return total


@program((0.7, np.array([3, 2, 4])), (0.05, np.array([3, 2, 4])))
def trip_count_from_inside_a_branch(x, k):
    """The inner tape's length is not known where the outer loop begins."""
    s = x
    for i in range(3):
        if s > 0.1:
            n = k[i] - 1
            for j in range(n):
                s = np.sin(s * x) + 0.5
        else:
            s = s * s + 0.2
    return s


@program((0.4, 0.9, 3, 2, 4), (0.4, 0.9, 3, 0, 4))
def three_deep(x, y, l, m, n):
    s = x
    for i in range(l):
        u = s * y
        for j in range(m):
            v = u + 0.1 * j
            for k in range(n):
                v = np.sin(v) * x + 0.01 * k * s
            u = u * 0.5 + v
        s = s + u * (i + 1)
    return s


@program((vec(8, 5),), (-vec(8, 5),))
def accumulate_under_if(x):
    pos = 0.0
    neg = 1.0
    last = 0.0
    for i in range(len(x)):
        if x[i] > 0.1:
            pos += x[i] * x[i] * neg
        elif x[i] < -0.5:
            neg *= 1.0 + 0.3 * x[i] * last
        last = x[i] * 0.5 + last * 0.25
    return pos * neg + last


@program((1.1, 5), (1.1, 0))
def integer_start_becomes_float(x, n):
    s = 0
    p = 1
    for i in range(n):
        s = s + x * p
        p = p * x + i
    return s + p * x


@program((vec(7, 6),), (vec(1, 6),))
def carries_previous_elements(x):
    prev = x[0]
    prev2 = 0.0
    s = 0.0
    for v in x:
        s += (v - 2.0 * prev + prev2) ** 2 * v
        prev2 = prev
        prev = v
    return s + prev2


@program((mat(3, 4, 7),))
def loop_over_rows(a):
    s = 0.0
    for row in a:
        t = 1.0
        for v in row:
            t = t * (v + 1.5)
        s = 0.5 * s + t * row[1]
    return s


@program((vec(5, 8), 0.4))
def unused_work_in_loop(x, a):
    s = 0.0
    junk = a
    for i in range(x.shape[0]):
        junk = junk * junk + x[i]
        dead = np.exp(junk) * 0.0
        s += a * x[i] ** 2
    return s + 0.0 * dead


@program((0.7, 9))
def index_arithmetic(x, n):
    s = 0.0
    k = 3
    for i in range(n):
        k = (5 * k + i) % 11
        w = k // 2 - 1
        s = s * 0.8 + w * x ** (k % 3) + float(i) * x / (k + 1)
    return s


@program((0.35, 0.8, 6))
def invariant_and_varying(a, b, n):
    s = 0.0
    for i in range(n):
        c = np.exp(a * b) + a  # the same in each iteration
        d = c * s + b
        s = np.tanh(d) + c * 0.1 * i
    return s


@program((vec(6, 9), 3))
def loop_variable_after_loop(x, n):
    i = 0
    y = 1.0
    for i in range(n):
        y = x[i] * y + 0.2
    return y * x[i + 1] + i * x[0]


@program((1.3, 0.2, 4, 3))
def same_names_in_sibling_loops(x, y, m, n):
    s = 0.0
    for i in range(m):
        t = x * i + s
        s = s + t * t * 0.1
    for i in range(n):
        t = y - s * i
        s = s * 0.5 + np.cos(t)
    return s * y


@program((vec(6, 10, 0.2, 1.0),), (vec(2, 10, 0.2, 1.0),))
def sixty_state_style(x):
    """Many scalars carried, all moved around each step."""
    n = len(x)
    a, b, c, d, e = 0.1, 0.2, 0.3, 0.4, 0.5
    for i in range(n):
        t = x[i]
        a, b, c, d, e = b + t * e, c * d, d - t * a, e * b + t, a * c + 0.1
    return a + 2.0 * b - c * d + e


@program(
    (vec(4, 11), vec(3, 12)),
)
def mixed_parallel_and_carried(x, w):
    """The inner sum is parallel, the outer one is a recurrence."""
    h = 0.3
    for i in range(len(x)):
        z = 0.0
        for k in range(len(w)):
            z += np.sin(w[k] * x[i] + 0.2 * k)
        h = np.tanh(h * z + x[i])
    return h


@program(
    (mat(5, 3, 13), vec(3, 14)),
)
def sum_of_logsumexp(x, m):
    """A parallel outer loop with private inner recurrences: forward and adjoint can be fused."""
    total = 0.0
    for i in range(x.shape[0]):
        top = -1e300
        for k in range(len(m)):
            e = -0.5 * (x[i, k] - m[k]) ** 2
            if e > top:
                top = e
        s = 0.0
        for k in range(len(m)):
            s += np.exp(-0.5 * (x[i, k] - m[k]) ** 2 - top)
        total += top + np.log(s)
    return total


@program((0.4, 0.7, 3), (0.4, 0.7, 0), order=3)
def a_step_that_is_read(x, y, n):
    """y only has a constant taken off, but it is read on the way."""
    for _ in range(n):
        y = y - 0.3
        x = x + np.sin(y)
    return x


@program((vec(6, 340),), (vec(1, 340),), order=3)
def squares_of_running_sums(x):
    total, c = 0.0, 0.1
    for v in x:
        c += v
        total += c * c
    return total


@program((vec(6, 341), 0.3), order=3)
def a_sum_read_halfway(x, c):
    """Between its two additions, on one side of a branch."""
    total = 0.0
    for v in x:
        t = c + v
        if v > 0.1:
            total += t * t * v
        c = t + 0.5 * v
    return total + c


@program((vec(6, 342), 0.3), order=3)
def two_names_for_a_sum(x, c):
    d = c
    for v in x:
        c = c + v
        d = d * 0.5 + c
    return d


@program((0.3, 0.2), order=3)
def until_the_sum_is_large(x, c):
    total, k = 0.0, 0
    while k < 5:
        k += 1
        if k % 2:
            c += x
        else:
            c += x * x
        total += math.sin(c)
    return total
