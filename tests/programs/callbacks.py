"""Functions as data: chosen while the program runs, listed, made many at one place, each with what it saw."""

from __future__ import annotations

import functools
import math

import numpy as np

from tests.programs.registry import program


def plus(a, b):
    return a + b


def minus(a, b):
    return a - b


def times(a, b):
    return a * b


OPERATIONS = [plus, times, minus]
BY_CODE = {10: plus, 11: times, 17: minus}


@program((0.7, 5), (-0.4, 6), (0.7, 0))
def chosen_in_a_loop(x, n):
    f = lambda z: z * z  # noqa: E731
    for i in range(n):
        if i % 3 == 0:
            f = math.sin
        elif i % 3 == 1:
            f = math.cos
        x = 1.3 * f(x)
    return f(x) if f is not math.cos else x


@program((1.3, np.array([0, 1, 2, 1, 0, 1, 1])), (0.8, np.array([2, 1] * 10)), order=3)
def machine_of_functions(x, code):
    local = (minus, times, plus, times)
    y = x
    for c in code:
        y = OPERATIONS[c](y, x) + 0.1 * local[c](x, y)
    return y


@program((1.3, np.array([10, 17, 11, 11])))
def table_of_functions(x, code):
    own = {3: plus, 5: times}
    own[7] = minus
    y = x
    for c in code:
        y = own[3 + 2 * (c % 3)](BY_CODE[c](y, x), 0.5 * y)
    return y


def scaled(k):
    return lambda z: k * z + k**2


@program((0.6, 5), order=3)
def closures_of_one_place(x, n):
    fs = []
    for i in range(n):
        fs.append(scaled(x * i + 1.0))
    first = last = scaled(x)
    for i in range(n):
        g = scaled(x + i)
        if i == 1:
            first = g
        last = g
    return fs[0](x) * fs[n - 1](x) + first(x) - 2.0 * last(fs[2](x))


@program((1.1, 4))
def curried(x, n):
    def adder(a):
        def inner(b):
            return lambda c: a * b + c**2

        return inner

    fs = [adder(x * k)(x + k) for k in range(n)]
    return sum([f(x) for f in fs]) * fs[0](fs[n - 1](2.0))


@program((0.9, 4), (0.9, 2))
def applied_in_part(x, n):
    fs = [functools.partial(times, x**k) for k in range(n)]
    fs[1] = functools.partial(times, 2.0 * x)
    g = functools.partial(minus, x) if n > 3 else functools.partial(plus, 2.0)
    total = g(x**2)
    for k, f in enumerate(fs):
        total += f(x + k)
    return total


class Spring:
    def __init__(self, stiffness):
        self.stiffness = stiffness

    def linear(self, x):
        return self.stiffness * x

    def hardening(self, x):
        return self.stiffness * x**3


@program((0.9, 4), (0.9, 2))
def methods_of_an_object(x, n):
    s = Spring(x)
    force = s.linear if n > 3 else s.hardening
    s.stiffness = 2.0 * x
    return force(x)


def put(fs, k):
    def f(z):
        return z * k

    fs.append(f)


@program((0.9, 4))
def listed_elsewhere(x, n):
    fs = []
    late = []
    for i in range(n):
        put(fs, x * i)
        late.append(lambda z: z * i)  # all of them see the last i, as in Python
    return fs[1](x) * fs[n - 1](x) + late[0](x)


@program((0.9, 4), (0.9, 0))
def perhaps_a_function(x, n):
    callback, label = None, None
    for i in range(n):
        if callback is not None:
            x = callback(x)
        if i == 1:
            callback, label = math.sin, "sine"
    return 2.0 * x if label is None else 3.0 * x


@program((0.9, 3))
def rebound_by_a_closure(x, n):
    def account():
        total = 0.0

        def add(d):
            nonlocal total
            total += d
            return total

        return add

    a, b = account(), account()
    for i in range(n):
        a(x * i)
        b(x**2)
    return a(0.0) * b(0.0)
