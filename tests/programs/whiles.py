"""Loops that end when the data says so, alone and nested in each other."""

import numpy as np

from tests.programs.registry import program, vec


@program((2.0, 1.0), (0.3, 4.0), order=3)
def newton_sqrt(a, x):
    while abs(x * x - a) > 1e-9:
        x = 0.5 * (x + a / x)
    return x * x * x


@program((1.5, 0.9), (0.5, 0.9))
def while_that_may_not_run(x, f):
    n = 0
    while x > 1.0:
        x = x * f - 0.01 * n
        n += 1
    return x * x + n * f


@program((24.0, 6.0))
def arithmetic_geometric_mean(a, b):
    while a - b > 1e-12:
        a, b = 0.5 * (a + b), np.sqrt(a * b)
    return a


@program((0.6, 1.7))
def series_until_small(x, c):
    term = c
    total = 0.0
    k = 0
    while abs(term) > 1e-10:
        total += term
        k += 1
        term = term * x / k
    return total * c


@program((27, 0.9), (1, 0.9))
def collatz_weighted(n, x):
    s = 1.0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
            s = s * x + 0.1
        else:
            n = 3 * n + 1
            s = s - 0.2 * x * s * s / (1.0 + s * s)
    return s


@program((-0.5, 0.4, 30), (0.3, 0.1, 30), (1.5, 1.5, 30))
def mandelbrot_smooth(cx, cy, limit):
    x = 0.0
    y = 0.0
    n = 0
    while x * x + y * y < 16.0 and n < limit:
        x, y = x * x - y * y + cx, 2.0 * x * y + cy
        n += 1
    return np.log(1.0 + x * x + y * y) + 0.01 * n * cx


@program((0.23, 1.37, 4))
def while_inside_for_inside_while(x, y, n):
    outer = 0
    total = 0.0
    while outer < n:
        for i in range(outer + 1):
            t = x + 0.3 * i
            while t < y + 1.0:
                t = t * 1.4 + 0.1
                total = total + t * t * 0.05
            x = x + 0.01 * t
        y = y * 0.9 + 0.1 * total / (1.0 + total)
        outer += 1
    return total - x * y


@program((1.0, 2.03, 0.51))
def nested_whiles(a, b, c):
    s = 0.0
    while a < 6.0:
        t = b
        while t > c:
            t = t - 0.3 * a * c
            s += t * a
        a = a * 1.3 + 0.05 * s / (1.0 + s * s)
    return s + a * t


@program((vec(5, 20, 0.5, 1.5), 4.0), (vec(5, 20, 0.5, 1.5), 0.1))
def while_with_index(x, goal):
    s = 0.0
    i = 0
    while s < goal and i < len(x):
        s += x[i] * (1.0 + 0.5 * s)
        i += 1
    return s * s - goal * i


@program((2.7, 0.37), order=1)
def bracket_then_polish(a, guess):
    """Bisection alone has no derivative; the last Newton step carries all of it."""
    lo, hi = 0.0, 5.0
    while hi - lo > 1e-12:
        mid = 0.5 * (lo + hi)
        if mid**3 + mid < a:
            lo = mid
        else:
            hi = mid
    x = 0.5 * (lo + hi)
    x = x - (x**3 + x - a) / (3.0 * x * x + 1.0)
    return x * guess


@program((1.0, 0.0, 0.8, 3.02), (0.2, 2.0, 0.5, -1.0))
def bouncing_ball(height, speed, restitution, end):
    t = 0.0
    dt = 0.05
    bounces = 0
    while t < end:
        speed = speed - 9.81 * dt
        height = height + dt * speed
        if height < 0.0:
            height = -restitution * height
            speed = -restitution * speed
            bounces += 1
        t = t + dt
    return height * 2.0 + 0.1 * speed * bounces


@program((0.7, 0.9), order=3)
def fixed_point(a, x):
    change = 1.0
    while change > 1e-13:
        new = np.cos(a * x)
        change = abs(new - x)
        x = new
    return x * a


@program((3.7, 50), (0.2, 50))
def while_true_with_break(x, limit):
    n = 0
    s = 0.0
    while True:
        if n >= limit:
            break
        s += np.sqrt(x)
        x = x / 1.5
        if x < 0.1:
            s = s * x
            break
        n += 1
    return s + 0.1 * x


@program((5.3, 1.1), (0.7, 1.1))
def while_with_continue(x, y):
    k = 0
    s = 0.0
    while k < 10:
        k += 1
        x = x * 0.8
        if x > 2.0:
            continue
        s += x * y * k
        if k % 3 == 0:
            y = y * x + 0.5
            continue
        y = y - 0.05 * s
    return s * y
