"""Lists, dicts and patterns: what grows, shrinks, is sorted, and is chosen at run time."""

import math

import numpy as np

from tests.programs.registry import program, vec


def quicksort(xs):
    if len(xs) <= 1:
        return xs
    pivot = xs[0]
    below = [x for x in xs[1:] if x < pivot]
    above = [x for x in xs[1:] if x >= pivot]
    return quicksort(below) + [pivot] + quicksort(above)


@program((vec(7, 400),), (vec(1, 401),), (vec(0, 402),))
def sorted_and_weighted(a):
    total = 0.0
    for k, x in enumerate(quicksort([v for v in a])):
        total += (k + 1) * x * x
    return total


@program((0.7, 13), (1.2, 3))
def agents(k, steps):
    """Some are born, some die, all move to the mean."""
    at = [0.0, 1.0, 2.5]
    for t in range(steps):
        if t % 4 == 3:
            at.append(at[-1] + k)
        if t % 7 == 6:
            at.pop(0)
        mean = sum(at) / len(at)
        for i in range(len(at)):
            at[i] += 0.1 * (mean - at[i]) * k
    return sum(p * p for p in at)


@program((np.array([0, 0, 3, 1, 3, 2, 4, 0, 3]), 0.7), (np.array([0, 4]), -0.3))
def stack_machine(code, x):
    """0: push x; 1 n: push n; 2: add; 3: multiply; 4: sine."""
    stack = []
    at = 0
    while at < len(code):
        op = code[at]
        if op == 0:
            stack.append(x)
        elif op == 1:
            at += 1
            stack.append(float(code[at]))
        elif op == 2:
            b = stack.pop()
            stack.append(stack.pop() + b)
        elif op == 3:
            b = stack.pop()
            stack.append(stack.pop() * b)
        else:
            stack.append(math.sin(stack.pop()))
        at += 1
    return stack[-1]


@program((vec(5, 403), vec(4, 404)))
def warped_lists(x, y):
    far = 1e9
    table = [[far] * (len(y) + 1) for _ in range(len(x) + 1)]
    table[0][0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            table[i][j] = (x[i - 1] - y[j - 1]) ** 2 + min(table[i - 1][j], table[i][j - 1], table[i - 1][j - 1])
    return table[len(x)][len(y)]


@program((vec(9, 405),))
def heap_sorted(a):
    heap = []
    for x in a:
        heap.append(x)
        k = len(heap) - 1
        while k > 0 and heap[(k - 1) // 2] > heap[k]:
            heap[k], heap[(k - 1) // 2] = heap[(k - 1) // 2], heap[k]
            k = (k - 1) // 2
    total, factor = 0.0, 1
    while heap:
        total += factor * heap[0] ** 2
        factor += 1
        last = heap.pop()
        if heap:
            heap[0] = last
            k = 0
            while 2 * k + 1 < len(heap):
                c = 2 * k + 1
                if c + 1 < len(heap) and heap[c + 1] < heap[c]:
                    c += 1
                if heap[c] >= heap[k]:
                    break
                heap[k], heap[c] = heap[c], heap[k]
                k = c
    return total


@program((vec(8, 406),))
def sorted_by_key(a):
    pairs = [(x, k) for k, x in enumerate(a)]
    pairs.sort(key=lambda p: -p[0])
    total = 0.0
    for place, (x, k) in enumerate(pairs):
        total += (place + 1) * x + k * x * x
    return total


@program((1.1, 9))
def known_before(x, n):
    """Fibonacci-like numbers, each computed once."""
    known = {}

    def number(k):
        if k < 2:
            return x
        if k in known:
            return known[k]
        found = number(k - 1) + 0.5 * number(k - 2) * x
        known[k] = found
        return found

    return number(n)


@program((vec(10, 407),))
def histogram(a):
    bins = {}
    for v in a:
        key = int(4.0 * v)
        bins[key] = bins.get(key, 0.0) + v
    total = 0.0
    for key, v in bins.items():
        total += (key + 2) * v * v
    return total


@program((1.3,))
def by_name(x):
    known = {"x": x, "y": 2.0 * x}
    total = 0.0
    for name in ("x", "y", "x"):
        total = total * known[name] + 1.0
    known["z"] = total
    return known["z"] * len(known) * sum(known.values())


@program((1.5, 0), (1.5, 1), (1.5, 2), (1.5, 7), (1.5, 4))
def matched(x, k):
    match k:
        case 0:
            return x * x
        case 1 | 2:
            return x**3
        case n if n > 5:
            return x * x * n
        case _:
            return math.exp(x)


@program((0.7, 6), (0.7, 0))
def best_or_none(x, n):
    best = None
    for i in range(n):
        v = math.sin(x * i) * x
        if best is None or v > best:
            best = v
    return best if best is not None else x * x


@program((vec(6, 408),))
def slices_and_deletions(a):
    xs = [v for v in a]
    xs[1:3] = [xs[0] * xs[1]]
    del xs[-1]
    xs.insert(1, xs[0] + 1.0)
    xs.extend(x * x for x in a[:2])
    xs.reverse()
    return sum((k + 1) * x for k, x in enumerate(xs[::2])) + xs.index(xs[2]) + len(xs)
