"""Branches, loops, exits: interpret(trace(f)) is f."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.frontend.support import agree, lower

X = np.array([0.5, -1.5, 2.0, 0.25, -3.0])


def branch(x):
    if x > 0.0:
        y = x * 2.0
    elif x < -1.0:
        y = -x
    else:
        y = 7.0
    return y


def one_sided(x):
    y = 1.0
    if x > 0.0:
        y = x
    return y


def maybe_unbound(x):
    if x > 0.0:
        y = x
    return y


def unbound_after_loop(n):
    for i in range(n):
        last = i * 2.0
    return last


def variable_after_loop(n):
    i = -5
    for i in range(n):
        pass
    return i


def variable_reassigned(n):
    s = 0
    for i in range(n):
        s += i
        i = i * 10
    return s + i if n > 0 else s


def early_return(x):
    if x > 1.0:
        return 1.0
    if x < -1.0:
        return -1.0
    y = x * x
    return y


def nested_early(x, y):
    if x > 0.0:
        if y > 0.0:
            return 1.0
        x = x + 1.0
    else:
        if y < 0.0:
            return 2.0
        x = x - 1.0
    return x * y


def return_in_loop(x, c):
    for i in range(len(x)):
        if x[i] > c:
            return i
    return -1


def return_in_nested_loop(x, c):
    for i in range(len(x)):
        for j in range(i):
            if x[i] * x[j] < c:
                return i * 10 + j
    return -1


def break_loop(x, c):
    s = 0.0
    for i in range(len(x)):
        if x[i] < c:
            break
        s += x[i]
    return s, i


def continue_loop(x):
    s = 0.0
    for v in x:
        if v < 0.0:
            continue
        s = s + v
    return s


def break_and_continue(x, c):
    s = 0.0
    k = 0
    while True:
        if k >= len(x):
            break
        v = x[k]
        k += 1
        if v < 0.0:
            continue
        if v > c:
            break
        s += v
    return s, k


def value_set_before_break(n, c):
    found = -1
    for i in range(n):
        if i * i > c:
            found = i
            break
    return found


def bound_before_break(n, c):
    for i in range(n):
        if i * i > c:
            found = i
            break
    return found


def while_else(n, c):
    i = 0
    while i < n:
        if i == c:
            r = 1.0
            break
        i += 1
    else:
        r = 2.0
    return r


def for_else(n, c):
    for i in range(n):
        if i == c:
            break
    else:
        return -1.0
    return 1.0


def for_else_value(n, c):
    r = 0.0
    for i in range(n):
        if i == c:
            r = 5.0
            break
    else:
        r = r + 3.0
    return r


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def while_walrus(n):
    s = 0
    while (k := n - s * s) > 0:
        s += 1
    return s, k


def while_with_index(x, c):
    i = 0
    while i < len(x) and x[i] > c:
        i += 1
    return i


def int_becomes_float(n):
    s = 0
    for i in range(n):
        s = s + 0.5
    return s * 1.0


def swap(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def temporaries(x):
    s = 0.0
    for i in range(len(x)):
        t = x[i] * 2.0
        u = t + 1.0
        s += t * u
    return s


def nested_loops(n, m):
    s = 0.0
    for i in range(n):
        row = 0.0
        for j in range(m):
            row += i * j + 0.5
        s = s * 0.5 + row
    return s


def triangular(n):
    s = 0
    for i in range(n):
        for j in range(i + 1, n):
            s += i * j
    return s


def ranges(a, b):
    s = 0
    for i in range(a, b):
        s = s * 3 + i
    for i in range(b, a, -1):
        s = s * 3 + i
    for i in range(a, b, 3):
        s = s * 3 + i
    for i in range(b, a, -2):
        s = s * 3 + i
    return s


def runtime_step(a, b, k):
    s = 0
    for i in range(a, b, k):
        s = s * 3 + i
    return s


def chained(a, b, c):
    return (a < b < c) + 2 * (a <= b == c) + 4 * (a != b > c)


def short_circuit(x, i):
    if i < len(x) and x[i] > 0.0:
        return 1.0
    if i >= len(x) or x[i] < -1.0:
        return 2.0
    return 3.0


def value_of_or(x):
    return (x or 5.0) * 2.0 + (x and 3.0)


def ternary(x):
    return x * 2.0 if x > 0.0 else (-x if x > -1.0 else 10.0)


def not_evaluated(x, i):
    return x[i] if 0 <= i < len(x) else 0.0


def guarded_reciprocal(x):
    return 1 // x if x != 0 else 0


def unreachable_after_return(x):
    return x
    x = 1 / 0


def both_return(x):
    if x > 0.0:
        return x
    else:
        return 2


def nothing(x):
    for _ in range(3):
        pass
    if x > 0.0:
        pass


def endless_with_returns(n):
    k = 0
    while True:
        k += 1
        if k * k > n:
            return k
        if k > 100:
            return -1


def loop_in_branch(x, n):
    if x > 0.0:
        for _ in range(n):
            x = x * 0.5
    else:
        k = 0
        while k < n:
            x -= 1.0
            k += 1
    return x


def flags(x):
    seen = False
    count = 0
    for v in x:
        if v < 0.0:
            seen = True
        if seen and v > 0.0:
            count += 1
    return seen, count


def enumerated(x):
    s = 0.0
    for i, v in enumerate(x):
        s += i * v
    return s


def zipped(x, y):
    s = 0.0
    for a, b in zip(x, y):
        s += a * b
    return s


def reversed_rows(a):
    s = 0.0
    for row in reversed(a):
        s = s * 0.5 + row[0]
    return s


def over_tuple(x, y):
    s = 0.0
    for v in (x, y, x * y):
        s = s * 2.0 + v
    return s


def break_over_tuple(x, y):
    s = 0.0
    for v in (x, y, x * y):
        if v < 0.0:
            break
        if v > 3.0:
            continue
        s = s * 2.0 + v
    return s


def return_over_tuple(x, y):
    for k, v in enumerate((x, y)):
        if v < 0.0:
            return k
    return -1


def comprehensions(x, y):
    t = [v * 2.0 for v in (x, y)]
    d = {k: v for k, v in zip(("a", "b"), t)}
    return sum(t) + d["a"] * sum(v for v in d.values())


def generator_sum(x, n):
    return sum(x[i] * i for i in range(n) if i % 2 == 0) + max(v * v for v in x) - min(x)


def quantifiers(x):
    return all(v > -10.0 for v in x), any(v > 1.0 for v in x), all([True, x[0] > 0.0])


def deep(n):
    s = 0
    for i in range(n):
        for j in range(n):
            for k in range(n):
                if (i + j + k) % 3 == 0:
                    s += i - j + k
                elif k == 2:
                    break
    return s


def conditional_loop_variable(n):
    for i in range(n):
        if i == 3:
            j = i
    return j


def match_later(x, n):
    y = x
    for i in range(n):
        if i == 1:
            z = y
        y = y + 1.0
        if i == 2:
            y = y + z
    return y


CASES: list[tuple[Any, ...]] = [
    *[(branch, v) for v in (2.0, -3.0, -0.5)], (one_sided, 1.0), (one_sided, -1.0), (maybe_unbound, 1.0), (maybe_unbound, -1.0),
    (unbound_after_loop, 3), (unbound_after_loop, 0), (variable_after_loop, 4), (variable_after_loop, 0), (variable_reassigned, 4), (variable_reassigned, 0),
    *[(early_return, v) for v in (2.0, -2.0, 0.5)], *[(nested_early, a, b) for a in (1.0, -1.0) for b in (1.0, -1.0)],
    (return_in_loop, X, 1.0), (return_in_loop, X, 10.0), (return_in_nested_loop, X, -1.0), (return_in_nested_loop, X, -100.0),
    (break_loop, X, -1.0), (break_loop, X, -10.0), (break_loop, X[:0], 1.0), (continue_loop, X), (break_and_continue, X, 1.0), (break_and_continue, X, 9.0),
    (value_set_before_break, 10, 20), (value_set_before_break, 3, 20), (bound_before_break, 10, 20), (bound_before_break, 3, 20),
    (while_else, 3, 1), (while_else, 3, 5), (for_else, 3, 1), (for_else, 3, 5), (for_else_value, 3, 1), (for_else_value, 3, 9), (collatz, 27), (newton, 2.0),
    (while_walrus, 20), (while_with_index, X, -1.0), (while_with_index, X, -9.0), (int_becomes_float, 5), (swap, 10), (temporaries, X), (nested_loops, 3, 4),
    (triangular, 5), (ranges, 1, 9), (ranges, 4, 4), (ranges, 5, -2), (runtime_step, 0, 10, 3), (runtime_step, 10, 0, -3), (runtime_step, 0, 10, -1), (runtime_step, 0, 10, 0),
    *[(chained, a, b, c) for a in (1, 2) for b in (1, 2, 3) for c in (2, 3)], *[(short_circuit, X, i) for i in (0, 1, 3, 4, 5)],
    (value_of_or, 0.0), (value_of_or, 2.0), (ternary, 1.0), (ternary, -0.5), (ternary, -2.0), (not_evaluated, X, 2), (not_evaluated, X, 7), (guarded_reciprocal, 0), (guarded_reciprocal, 3),
    (unreachable_after_return, 2.0), (both_return, 2.5), (nothing, 1.0), (endless_with_returns, 30), (endless_with_returns, 10**6), (loop_in_branch, 8.0, 3), (loop_in_branch, -8.0, 3),
    (flags, X), (enumerated, X), (zipped, X, X[::-1].copy()), (zipped, X, X[:3].copy()), (reversed_rows, np.arange(6.0).reshape(3, 2)), (over_tuple, 1.5, -2.0),
    (break_over_tuple, 1.5, -2.0), (break_over_tuple, 1.5, 3.5), (return_over_tuple, 1.0, -1.0), (return_over_tuple, 1.0, 1.0), (comprehensions, 1.0, 2.5), (generator_sum, X, 5),
    (quantifiers, X), (deep, 4), (conditional_loop_variable, 5), (conditional_loop_variable, 2), (match_later, 1.0, 5),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: c[0].__name__)
def test_control(case: tuple[Any, ...]) -> None:
    agree(*case)


def test_ranges_are_not_unrolled() -> None:
    def loops(x):
        for _ in range(1000):
            x = x * 0.5 + 1.0
        return x

    lowered, _ = lower(loops, 1.0)
    assert len(lowered.function.block.body) < 8


def test_only_what_changes_is_carried() -> None:
    lowered, _ = lower(temporaries, np.ones(50))
    (loop,) = [i for i in lowered.function.block.body if i.regions]
    assert len(loop.outs) == 1


def test_nested_loops_do_not_explode() -> None:
    def nest(n, x):
        s = 0
        for a in range(n):
            for b in range(n):
                for c in range(n):
                    for d in range(n):
                        for e in range(n):
                            s = s + x * (a + b + c + d + e)
        return s

    agree(nest, 2, 0.5)
