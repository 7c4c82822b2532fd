"""heapq, deque, defaultdict, Counter and ordered dataclasses: what CPython gives, what it raises, and what is refused."""

from __future__ import annotations

import copy
import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import oneform as of


@dataclass(order=True)
class Task:
    due: float
    kind: int
    weight: float = field(compare=False, default=1.0)


def heaps(x):
    h = [3.0 * x, x, 2.0 * x, x * x]
    heapq.heapify(h)
    a, b = heapq.heappushpop(h, 1.5 * x), heapq.heapreplace(h, 9.0)
    few = heapq.nsmallest(2, h)
    return a + 10.0 * b + 100.0 * h[0] + heapq.nlargest(2, h)[1] * x + few[1] + len(heapq.nsmallest(-1, h))


def deques(x):
    d = deque([1.0, x])
    d.extend(d)
    e, last, f = copy.copy(d), deque(d, maxlen=2), d.copy()
    e.append(3.0)
    f.popleft()
    d[0] = x * x
    d.extendleft([2.0, x**3])
    d.rotate(-1)
    del d[-2]
    held = sum([k * v for k, v in enumerate(d)]) * last[0] + sum(e) * len(f) + d[-1] * d.count(x)
    return held * (2.0 if isinstance(d, deque) and hasattr(d, "append") and not hasattr(d, "kept") else 1.0)


def deques_in_lists(x, n):
    lanes = [deque() for _ in range(n)]
    for i in range(4 * n):
        lanes[i * i % n].append(x * i)
        if len(lanes[i % n]) > 2:
            lanes[i % n].rotate(1)
            lanes[(i + 1) % n].appendleft(lanes[i % n].popleft() * x)
    return sum([k * v for lane in lanes for k, v in enumerate(lane)])


def tables(x):
    d = defaultdict(float)
    d[3] = x
    d[7] += 2.0 * x
    e = d.copy()
    e[2] += x * x
    del e[7]
    s = d.get(9, 4.0) * (2.0 if isinstance(d, dict) else 1.0)
    for k in e:
        s += k * e[k]
    for _, v in sorted(e.items()):
        s = s * x + v
    return s + len(d) + d.pop(3) + d.pop(3, 5.0) + sum(e.values())


def counters(x):
    c = Counter({1: 3, 2: 5})
    c.update({1: 2})
    c.update([1, 1, 4])
    k = copy.copy(c)
    k[9] = 1
    del k[4], k[70]
    for q, n in c.items():
        k[q] += n * len(c)
    c.setdefault(8, k.pop(2))
    return x * c[1] + x**2 * c.most_common(2)[1][1] + c[77] + len(c) * x**3 + len(c.most_common(-1)) + k.total() * x


class Shelf:
    def __init__(self, held):
        self.held = held

    def __delitem__(self, k):
        self.held = self.held * k


def deleted_and_compared(x):
    s, shelf = {1, 2}, Shelf(x)
    del shelf[3]
    return shelf.held if s == 3 or s != {2, 1} else 2.0 * shelf.held


def ordered(x):
    a, b, c = Task(x, 2, x), Task(x, 1, 5.0), Task(x * x, 0, 3.0)
    first = min(a, b, c)
    s = first.weight * x + (10.0 if a <= Task(x, 2, 7.0) else 0.0) + (100.0 if a > b else 0.0)
    for t in sorted([c, a, b]):
        s = s * x + t.weight
    return s


@pytest.mark.parametrize("f", [heaps, deques, tables, counters, deleted_and_compared, ordered], ids=lambda f: f.__name__)
def test_as_in_python(f: Callable[[float], float]) -> None:
    assert of.jit(f)(1.3) == pytest.approx(f(1.3), rel=1e-14)
    of.check_grads(f, (1.3,), order=1)


def test_deques_in_lists() -> None:
    assert of.jit(deques_in_lists)(1.3, 3) == pytest.approx(deques_in_lists(1.3, 3), rel=1e-14)
    of.check_grads(lambda x: deques_in_lists(x, 3), (1.3,), order=1)


def changed_in_a_loop(x):
    d = deque([1.0, x])
    for y in d:
        d.append(y)
    return d[0]


def grown_in_a_loop(x):
    d = defaultdict(float)
    d[1] = d[2] = x
    for k in d:
        d[k + 1] += x
    return d[1]


def counted_in_a_loop(x):
    c = Counter([1, 2])
    for k in c:
        c[k + 7] += 1
    return x * len(c)


def of_no_heap(x):
    h = [x]
    heapq.heappop(h)
    return heapq.heappop(h)


def behind_the_end(x):
    return deque([x])[1]


def of_none_left(x):
    d = deque([x])
    return d.pop() + d.popleft()


def of_negative_length(x):
    return x + len(deque([x], maxlen=-1))


RAISING = [changed_in_a_loop, grown_in_a_loop, counted_in_a_loop, of_no_heap, behind_the_end, of_none_left, of_negative_length]


@pytest.mark.parametrize("f", RAISING, ids=lambda f: f.__name__)
def test_raises_as_in_python(f: Callable[[float], float]) -> None:
    with pytest.raises((RuntimeError, IndexError, ValueError)) as own:
        f(1.3)
    with pytest.raises(own.type) as found:
        of.jit(f)(1.3)
    assert str(found.value) == str(own.value)


def compared(x):
    return x if deque([1]) == deque([1]) else -x


def counters_compared(x):
    return x if Counter([1]) == Counter([1]) else -x


def passed_out(x):
    return deque([x])


def table_passed_out(x):
    d = defaultdict(float)
    d[1] = x
    return d


def of_no_method(x):
    d = deque([x])
    return d.index(x)


def of_what_holds_it(x):
    d = deque([x])
    return d.kept[0]


def set_inside(x):
    d = deque([x])
    d.first = 1
    return x


@pytest.mark.parametrize(
    ("f", "sentence"),
    [
        (of_no_method, "E003: a deque has no attribute index"),
        (of_what_holds_it, "E003: a deque has no attribute kept"),
        (set_inside, "E105: the attribute first of a deque cannot be changed"),
        (compared, "E101: a deque cannot be compared"),
        (counters_compared, "E101: a Counter cannot be compared"),
        (passed_out, "E101: a deque cannot be passed out of compiled code"),
        (table_passed_out, "E101: a defaultdict cannot be passed out of compiled code"),
    ],
    ids=lambda p: getattr(p, "__name__", ""),
)
def test_refused(f: Callable[[float], Any], sentence: str) -> None:
    with pytest.raises(of.CompileError, match=sentence):
        of.jit(f)(1.3)
