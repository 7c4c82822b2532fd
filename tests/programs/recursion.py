"""Functions that call themselves and each other: numbers, closures, loops around and inside."""

import math

import numpy as np

import oneform as of
from tests.programs.registry import program, vec

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


# ---------------------------------------------------------------- lists and dicts that grow on the way back


@program((0.7, 3), (1.2, 0))
def leaves_in_order(x, n):
    """A list that each call makes of its children's lists."""

    def leaves(y, k):
        if k == 0:
            return [(y, k)]
        return leaves(y * x, k - 1) + [(math.sin(y), k)] + leaves(y + 0.3, k // 2)

    total = 0.0
    for i, (y, k) in enumerate(leaves(x, n)):
        total += (i + 1) * y * y + k * y
    return total


@program((vec(6, 824),), (vec(1, 825),))
def partitions(a):
    """Ways to write len(a) as a sum, each weighted by the product of its parts."""

    def ways(left, most):
        if left == 0:
            return [[]]
        found = []
        for part in range(min(left, most), 0, -1):
            for rest in ways(left - part, part):
                found.append([part] + rest)
        return found

    total = 0.0
    for way in ways(len(a), len(a)):
        product = 1.0
        for place, part in enumerate(way):
            product *= a[part - 1] + 0.1 * place
        total += product
    return total


@program((0.7, 4), (0.7, 0))
def summary_of_a_tree(x, n):
    """Dicts and lists of known shape come back from calls."""

    def summary(y, k):
        if k == 0:
            return {"sum": y, "most": y, "ends": [y, y * x]}
        a, b = summary(y * x, k - 1), summary(math.cos(y), k // 2)
        return {"sum": a["sum"] + b["sum"] * x, "most": max(a["most"], b["most"]), "ends": [a["ends"][0], b["ends"][1]]}

    s = summary(x, n)
    return s["sum"] * s["most"] + s["ends"][0] - s["ends"][1] * x


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


@program((1.1, 2), (0.7, 4), order=3)
def lambdas_in_a_recursion(x, n):
    """A function that is made anew in each call, and closes over what that call has."""
    if n == 0:
        return x * x
    y = math.sin(x)
    return lambdas_in_a_recursion((lambda z: y * z * z + 0.1 * n)(x), n - 1)


@program((1.1, 2), (0.7, 0))
def derivative_in_every_call(x, n):
    if n == 0:
        return x * x
    return x + derivative_in_every_call(of.grad(lambda y: y * y * x + math.sin(y))(x), n - 1)
