"""Recursive functions over arrays: read by limits, as views, as trees of indices; sorted, marked and filled in place."""

import math

import numpy as np

from tests.programs.registry import mat, program, vec

# ---------------------------------------------------------------- arrays that are only read


def minor(a, row, used):
    n = a.shape[0]
    if row == n:
        return 1.0
    total, sign = 0.0, 1.0
    for column in range(n):
        if used >> column & 1 == 0:
            total += sign * a[row, column] * minor(a, row + 1, used | 1 << column)
            sign = -sign
    return total


@program((mat(4, 4, 801),), (mat(1, 1, 802),), order=3)
def determinant_by_minors(a):
    return minor(a, 0, 0)


def determinant_of(a):
    if a.shape[0] == 1:
        return a[0, 0]
    total = 0.0
    for k in range(a.shape[0]):
        rest = np.zeros((a.shape[0] - 1, a.shape[0] - 1))
        for i in range(1, a.shape[0]):
            for j in range(a.shape[0]):
                if j != k:
                    rest[i - 1, j - (j > k)] = a[i, j]
        total += (-1.0) ** k * a[0, k] * determinant_of(rest)
    return total


@program((mat(4, 4, 803),))
def determinant_by_submatrices(a):
    """Each call makes a smaller matrix of its own."""
    return determinant_of(a)


@program((vec(9, 804), 0.7), (vec(1, 805), 0.7), order=3)
def pairwise_sum(x, a):
    """By halves, the halves by their limits."""

    def total(low, high):
        if high - low == 1:
            return math.sin(a * x[low])
        middle = (low + high) // 2
        return total(low, middle) * 1.1 + total(middle, high) * a

    return total(0, len(x))


@program((vec(8, 806),), (vec(5, 807),))
def sum_of_slices(x):
    """By halves, the halves as views."""

    def total(part):
        n = len(part)
        if n == 1:
            return part[0] * part[0]
        return total(part[: n // 2]) * part[n - 1] + total(part[n // 2 :])

    return total(x)


@program((np.sort(vec(9, 808)), 0.1), (np.sort(vec(9, 808)), 5.0))
def search_by_recursion(x, y):
    """Interpolates between the neighbours that it finds."""

    def find(low, high):
        if high - low <= 1:
            return low
        middle = (low + high) // 2
        return find(middle, high) if x[middle] <= y else find(low, middle)

    k = find(0, len(x) - 1)
    t = (y - x[k]) / (x[k + 1] - x[k])
    return t * t * x[k] + (1.0 - t) * x[k + 1]


@program((vec(4, 809), 0.8), order=3)
def horner_by_recursion(c, x):
    def at(k):
        return c[k] if k == len(c) - 1 else c[k] + x * at(k + 1)

    return at(0) ** 2


@program((vec(6, 810), 3))
def subsets(x, count):
    """The elementary symmetric polynomial, over all subsets."""

    def chosen(k, left):
        if left == 0:
            return 1.0
        if k == len(x):
            return 0.0
        return x[k] * chosen(k + 1, left - 1) + chosen(k + 1, left)

    return chosen(0, count)


@program((vec(7, 811), np.array([1, 3, -1, 5, -1, -1, -1]), np.array([2, 4, -1, 6, -1, -1, -1])))
def tree_in_arrays(w, left, right):
    """A binary tree as indices of children."""

    def value(k):
        if k < 0:
            return 0.1
        return math.tanh(w[k] + value(left[k]) * value(right[k]))

    return value(0)


@program((vec(8, 812), vec(8, 813)), (vec(1, 812), vec(1, 813)))
def fourier_sums(re, im):
    """A Fourier transform by halves, at one frequency after the other: strided sums of even and odd elements."""
    n = len(re)

    def transform(start, step, size, k):
        if size == 1:
            return re[start], im[start]
        er, ei = transform(start, 2 * step, size // 2, k)
        dr, di = transform(start + step, 2 * step, size // 2, k)
        c, s = math.cos(2.0 * math.pi * k / size), -math.sin(2.0 * math.pi * k / size)
        return er + c * dr - s * di, ei + c * di + s * dr

    total = 0.0
    for k in range(n):
        r, i = transform(0, 1, n, k)
        total += (k + 1) * (r * r + 0.5 * i * i * r)
    return total


# ---------------------------------------------------------------- arrays that are changed


@program((vec(9, 814),), (vec(2, 815),))
def quicksort(x):
    """In place; then a sum that depends on the order."""
    y = x.copy()

    def sort(low, high):
        if high - low < 2:
            return
        pivot = y[(low + high) // 2]
        i, j = low, high - 1
        while i <= j:
            while y[i] < pivot:
                i += 1
            while y[j] > pivot:
                j -= 1
            if i <= j:
                t = y[i]
                y[i] = y[j]
                y[j] = t
                i += 1
                j -= 1
        sort(low, j + 1)
        sort(i, high)

    sort(0, len(y))
    s = 0.0
    for k in range(len(y)):
        s += (k + 1) * y[k] ** 3
    return s


def merge_sort(x):
    n = len(x)
    if n < 2:
        return x.copy()
    left, right = merge_sort(x[: n // 2]), merge_sort(x[n // 2 :])
    out = np.empty(n)
    i = j = 0
    for k in range(n):
        if j == len(right) or (i < len(left) and left[i] <= right[j]):
            out[k] = left[i]
            i += 1
        else:
            out[k] = right[j]
            j += 1
    return out


@program((vec(9, 816),), (vec(1, 817),))
def merge_sort_of_views(x):
    y = merge_sort(x)
    s = 0.0
    for k in range(len(y)):
        s = s * y[k] + y[k]
        y[k] = s
    return y


@program((mat(5, 5, 818, 0.2, 1.0), np.array([[1, 1, 0, 0, 1], [0, 1, 1, 0, 1], [1, 0, 1, 0, 0], [1, 1, 1, 1, 0], [0, 0, 0, 1, 1]])))
def flood_fill(height, land):
    """Marks what it has seen in the caller's array."""
    seen = np.zeros_like(land)

    def fill(i, j, water):
        if i < 0 or j < 0 or i >= land.shape[0] or j >= land.shape[1]:
            return 0.0
        if land[i, j] == 0 or seen[i, j] == 1:
            return 0.0
        seen[i, j] = 1
        level = water * height[i, j]
        total = math.sin(level)
        for d in range(4):
            di = (d == 0) - (d == 1)
            dj = (d == 2) - (d == 3)
            total += fill(i + di, j + dj, level + 0.1)
        return total

    return fill(0, 0, 1.0)


@program((vec(5, 819), 5), (vec(5, 819), 0))
def writes_the_callers_array(x, n):
    def step(k):
        if k > 0:
            x[k % len(x)] = math.sin(x[(k + 1) % len(x)]) * x[k % len(x)] + 0.1
            step(k - 1)
            x[0] = x[0] * x[k % len(x)]

    step(n)
    return x[0] * x[1] + x[2]


@program((vec(3, 820), 4), order=3)
def small_state(p, n):
    """A point in space, moved by each call."""

    def move(q, k):
        if k == 0:
            return q
        r = np.array([q[1], -q[0] * 0.9, q[2] + q[0] * q[1]])
        return move(r + 0.1 * q, k - 1)

    return np.sum(move(p, n) ** 2)


@program((vec(4, 821), 3))
def array_results(x, n):
    """Each call gives a new array of an open length."""

    def steps(y, k):
        return y if k == 0 else np.sin(steps(y * 0.9, k - 1)) + y

    return steps(x, n)


@program((vec(6, 822), 4))
def remembered(x, n):
    """With a table of what is known already."""
    table = np.zeros((n + 1, len(x)))
    known = np.zeros((n + 1, len(x)), dtype=np.int64)

    def best(k, j):
        if k == 0:
            return x[j]
        if known[k, j] == 0:
            left = best(k - 1, (j + 1) % len(x))
            right = best(k - 1, (j + 2) % len(x))
            table[k, j] = left * 0.7 + math.sin(right)
            known[k, j] = 1
        return table[k, j]

    return best(n, 0) + best(n, 1)


@program((vec(4, 823),))
def permutations(x):
    """All orders, by swaps that are taken back."""
    y = x.copy()

    def over(k):
        if k == len(y):
            s = 0.0
            for i in range(len(y)):
                s = s * y[i] + y[i]
            return s
        total = 0.0
        for i in range(k, len(y)):
            t = y[k]
            y[k] = y[i]
            y[i] = t
            total += over(k + 1)
            t = y[k]
            y[k] = y[i]
            y[i] = t
        return total

    return over(0)


@program((vec(4, 825), vec(4, 826), 3))
def arrays_change_places(x, y, n):
    """Each call writes to both arrays, under the other's name in every second one."""
    a, b = x.copy(), y.copy()

    def step(p, q, k):
        if k == 0:
            return p[0] * q[1]
        p[k % 4] = math.sin(q[0]) + p[k % 4] * 0.5
        r = step(q, p, k - 1)
        q[(k + 1) % 4] += r * p[0]
        return r + q[2]

    s = step(a, b, n)
    return s + a[0] * a[1] - np.sum(b * b)
