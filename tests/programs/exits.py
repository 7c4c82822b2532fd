"""Leaving early: return, break and continue anywhere in a nest; raise and assert on paths not taken."""

import numpy as np

from tests.programs.registry import mat, program, vec


@program((vec(6, 30),), (vec(6, 30) * 0.1,), (np.zeros(0),))
def return_from_loop(x):
    s = 0.5
    for i in range(len(x)):
        s = s + x[i] * x[i] * s
        if s > 1.0:
            return s * x[i] + 10.0
    return s * 3.0


@program((mat(4, 5, 31), 0.6), (mat(4, 5, 31), 0.3), (mat(4, 5, 31), 9.0))
def return_from_nest(a, level):
    s = 0.1
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            s = 0.9 * s + a[i, j] ** 2 * level
            if a[i, j] > level:
                return s * a[i, j] + i * level
        s *= 1.1
    return s - level


@program((mat(4, 5, 32),), (-mat(4, 5, 32),))
def break_inner_only(a):
    s = 0.0
    w = 1.0
    for i in range(4):
        for j in range(5):
            if a[i, j] > 0.7:
                w = w * a[i, j]
                break
            s += a[i, j] * w
        s = s * 0.7 + w
    return s


@program((mat(4, 5, 33),))
def continue_inner_break_outer(a):
    s = 0.2
    for i in range(4):
        row = 1.0
        for j in range(5):
            if a[i, j] < 0.0:
                continue
            row = row * (a[i, j] + 0.5)
            if j == 3:
                continue
            s += row * 0.1
        if s > 1.5:
            break
        s = s + row * row
    return s * row


@program((0.4, 7), (0.9, 7), (0.4, 0))
def continue_in_counted_loop(x, n):
    """`continue` in a loop with a run-time bound: kernel languages lose the skipped iterations."""
    s = 1.0
    for i in range(n):
        if i % 3 == 1:
            continue
        s = s * x + i
        if s > 6.0:
            s = s - 5.0 * x
            continue
        s += x * x
    return s


@program((0.8, 1.2), (2.8, 1.2), (-0.5, 1.2), (0.2, -1.0))
def guards(x, y):
    if x < 0:
        return x * x * y
    if x > 2:
        z = x - 2
        return z * y + 1
    if y > 0:
        x = x * y
    return x * x * x


@program((vec(6, 34), 0.4), (vec(6, 34), -2.0))
def found_index_is_used_later(x, level):
    where = -1
    for i in range(len(x)):
        if x[i] > level:
            where = i
            break
    if where < 0:
        return level * 2.0
    s = x[where] * level
    for i in range(where, len(x)):
        s = s * x[i] + 0.3
    return s


@program((2.0, 0.5), (0.4, 0.5))
def return_from_while_inside_for(x, y):
    for i in range(5):
        t = x + i
        while t > 0.5:
            t = t * y - 0.1
            if t > 1.5 and i == 2:
                return t * x * i
            x = x * 0.97 + 0.01 * t
    return x + t


@program((0.7, 2), (1.7, 2))
def raise_not_taken(x, n):
    if x < 0.0:
        raise ValueError("x must not be negative")
    s = 0.0
    for i in range(n + 2):
        assert i < 10, "too many"
        if s > 100.0:
            raise RuntimeError("diverged")
        s = s + np.sqrt(x + i) * x
    return s


@program((vec(7, 35, 0.1, 1.0),), (vec(7, 36),))
def conditional_pushes(x):
    """A stack made by hand; what is popped was pushed under a branch."""
    n = len(x)
    stack = np.zeros(n)
    top = 0
    s = 0.0
    for i in range(n):
        if x[i] > 0.4 or top == 0:
            stack[top] = x[i] * x[i]
            top += 1
        else:
            top -= 1
            s = s * 0.5 + stack[top] * x[i]
            if s > 0.3:
                stack[top] = s
                top += 1
    while top > 0:
        top -= 1
        s += stack[top] * (top + 1)
    return s


@program((vec(6, 37), 2), (vec(6, 37), 5), (vec(6, 37), 0))
def branch_by_integer(x, mode):
    s = 0.0
    for i in range(len(x)):
        if mode == 0:
            s += x[i]
        elif mode == 1:
            s -= x[i] ** 2
        elif mode == 2 and i > 1:
            s = s * x[i] + x[i - 1]
        else:
            if i == 4:
                break
            s += np.sin(x[i]) * (i + 1)
    return s * s + x[0]


@program((0.9, 1.1), (1.4, 1.1))
def both_branches_return_in_loop(x, y):
    s = x
    for i in range(20):
        s = s * y + 0.1 * x
        if s > 4.0:
            if i > 6:
                return s * s
            else:
                return s * x - i
        y = y * 0.999
    return s
