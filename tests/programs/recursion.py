"""Functions that call themselves and each other: numbers, arrays changed in place, closures, loops around and inside."""

import math

import numpy as np

import oneform as of
from tests.programs.registry import mat, program, vec

# ---------------------------------------------------------------- numbers


@program((1.3, 6), (0.7, 0), order=3)
def rising_factorial(x, n):
    """x (x+1) ... (x+n-1)"""
    if n == 0:
        return 1.0
    return (x + n - 1) * rising_factorial(x, n - 1)


@program((0.6, 9), (0.6, 1), order=3)
def fibonacci_polynomial(x, n):
    """The Fibonacci polynomials."""
    if n <= 1:
        return x if n == 1 else 1.0
    return x * fibonacci_polynomial(x, n - 1) + math.sin(x) * fibonacci_polynomial(x, n - 2)


def even_step(x, n):
    return x if n == 0 else odd_step(math.sin(x) + 0.1, n - 1)


def odd_step(x, n):
    return x * x if n == 0 else even_step(x * x - 0.3, n - 1)


@program((0.4, 7), (0.4, 8), order=3)
def taking_turns(x, n):
    return even_step(x, n) + odd_step(x, n)


@program((2, 2, 0.3), (1, 4, 0.3))
def ackermann(m, n, x):
    """As deep as Ackermann's function; the value is carried along."""
    if m == 0:
        return n + 1, math.sin(x) + 0.2 * x
    if n == 0:
        return ackermann(m - 1, 1, x * 1.1)
    k, y = ackermann(m, n - 1, x + 0.05)
    return ackermann(m - 1, k, y)


@program((1.1, 13), (1.1, 0), (0.9, 1), order=3)
def power_by_squaring(x, n):
    if n == 0:
        return 1.0
    half = power_by_squaring(x, n // 2)
    return half * half * x if n % 2 == 1 else half * half


@program((84, 36, 0.7), (17, 5, 0.7))
def greatest_divisor(a, b, x):
    """Euclid's algorithm, with a continued fraction made on the way."""
    if b == 0:
        return a * x
    return a // b + x / (1.5 + greatest_divisor(b, a % b, x * 1.1))


@program((0.3, 0.9), (2.4, 0.9))
def halving(x, y):
    """How deep it goes, and how often it calls itself, only the numbers know."""
    if abs(x) < 0.4:
        return x * y
    if x > 1.5:
        return halving(x / 2.0, y) + halving(x / 3.0, y * 0.9) * y
    return halving(x * 0.45, y * x)


@program((0.8, 1.1, 3), order=3)
def nothing_but_calls(x, y, n):
    """Tak, on real numbers: the arguments of a call are calls."""
    if n == 0:
        return x * y
    return nothing_but_calls(nothing_but_calls(x, y, n - 1), math.sin(y), 0) + x


@program((0.5, 4))
def several_results_of_a_call(x, n):
    if n == 0:
        return x, 1.0, 0
    a, b, calls = several_results_of_a_call(x * 0.9, n - 1)
    return a * b + x, a - b, calls + n


@program((np.float32(0.7), 5))
def recursion_in_single_precision(x, n):
    if n == 0:
        return x
    return np.sin(x) * recursion_in_single_precision(x * np.float32(0.8), n - 1)


@program((0.4, 0.8, 5), order=3)
def complex_spiral(a, b, n):
    def turn(z, k):
        return z if k == 0 else turn(z * complex(a, b) + 0.1, k - 1) - z * z

    w = turn(complex(b, a), n)
    return w.real * w.imag


@program((0.7, 12), (0.7, 3))
def ends_early(x, n):
    """Several returns, one of them in a loop."""
    if x > 2.0:
        return x * x
    for k in range(n):
        x = x * 1.1
        if x > 1.4:
            return ends_early(x + 0.1 * k, n - 1) * 0.5
    return x


# ---------------------------------------------------------------- closures


@program((0.5, 2.0, 0.0, 1.0), order=3)
def adaptive_quadrature(rate, a, low, high):
    """Simpson's rule, halving where it is not good enough; the integrand closes over the parameters."""

    def f(t):
        return math.exp(-rate * t) * math.cos(a * t)

    def simpson(x, y):
        return (y - x) / 6.0 * (f(x) + 4.0 * f((x + y) / 2.0) + f(y))

    def integrate(x, y, whole, depth):
        middle = (x + y) / 2.0
        left, right = simpson(x, middle), simpson(middle, y)
        if depth == 0 or abs(left + right - whole) < 1e-4:
            return left + right
        return integrate(x, middle, left, depth - 1) + integrate(middle, y, right, depth - 1)

    return integrate(low, high, simpson(low, high), 8)


@program((0.6, vec(5, 800)))
def function_as_an_argument(x, c):
    """A recursive function that is handed another one."""

    def fold(f, k, acc):
        return acc if k == len(c) else fold(f, k + 1, f(acc, c[k]))

    return fold(lambda s, e: math.sin(s) * e + s, 0, x) * fold(lambda s, e: s - e * x, 0, 1.0)


@program((0.6, 1.2, 4), order=3)
def recursion_in_a_recursion(x, y, n):
    def inner(z, k):
        return z if k == 0 else inner(math.sin(z) * y, k - 1)

    def outer(z, k):
        return z if k == 0 else outer(inner(z, k) + x, k - 1) * inner(y, 1)

    return outer(x, n)


@program((0.6, 5))
def inner_calls_outer(x, n):
    """A function inside the recursive one calls it."""

    def walk(z, k):
        def both(w):
            return walk(w, k - 1) + math.cos(w) if k > 1 else w * x

        return both(z * 0.9) - 0.1 * both(z + x) if k > 0 else z

    return walk(x, n)


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


# ---------------------------------------------------------------- loops around, loops inside


@program((vec(4, 824), 3))
def in_a_loop(x, n):
    def power(y, k):
        return 1.0 if k == 0 else y * power(y + 0.1, k - 1)

    s = 0.3
    for i in range(len(x)):
        s = s * 0.5 + power(x[i] * s, n + i)
    return s


@program((0.4, 1.9))
def in_a_while(x, limit):
    def bounce(y, k):
        return y if k <= 0 else bounce(y * 1.1 + 0.05, k - 1)

    k = 0
    total = 0.0
    while total < limit:
        x = bounce(x, k)
        total += x * x
        k += 1
    return total * x


@program((0.4, 4), order=3)
def loop_inside(x, n):
    if n == 0:
        return x
    s = 0.0
    for k in range(n):
        s = s * x + math.sin(s + k * x)
    return s * loop_inside(x * 0.8, n - 1) + loop_inside(s, n - 2 if n > 2 else 0)


@program((0.4, 3))
def while_inside(x, n):
    if n == 0:
        return x
    y = x
    while y < 1.5:
        y = y * 1.3 + 0.1 * while_inside(y * 0.3, n - 1)
    return y - x


@program((0.8, 3), order=3)
def calls_in_a_loop(x, n):
    """As many calls as the loop has iterations."""
    s = x
    for k in range(n):
        s = s * 0.9 + calls_in_a_loop(s * 0.5, k)
    return s


@program((0.7, 0.3, 5), (0.7, 0.3, 0))
def derivative_of_a_recursion(x, y, n):
    def f(t, k):
        return t if k == 0 else math.sin(f(t * x, k - 1)) + t

    return of.grad(lambda t: f(t, n))(y) * x
