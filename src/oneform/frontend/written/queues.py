"""heapq, and what stands for collections.deque, defaultdict and Counter."""

# pyright: basic, reportReturnType=false

from __future__ import annotations

import collections

# ---------------------------------------------------------------- heaps, as CPython keeps them (heapq.py), so that equal items come out alike


def heappush(heap, item):
    heap.append(item)
    sift_down(heap, 0, len(heap) - 1)


def heappop(heap):
    if len(heap) == 0:
        raise IndexError("index out of range")
    last = heap.pop()
    if len(heap) == 0:
        return last
    return heapreplace(heap, last)


def heapreplace(heap, item):
    if len(heap) == 0:
        raise IndexError("index out of range")
    first = heap[0]
    heap[0] = item
    sift_up(heap, 0)
    return first


def heappushpop(heap, item):
    if len(heap) > 0 and heap[0] < item:
        return heapreplace(heap, item)
    return item


def heapify(heap):
    n = len(heap) // 2
    for k in range(n):
        sift_up(heap, n - 1 - k)


def sift_down(heap, start, at):
    item = heap[at]
    while at > start:
        parent = (at - 1) >> 1
        if not item < heap[parent]:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = item


def sift_up(heap, at):
    end = len(heap)
    start = at
    item = heap[at]
    child = 2 * at + 1
    while child < end:
        right = child + 1
        if right < end and not heap[child] < heap[right]:
            child = right
        heap[at] = heap[child]
        at = child
        child = 2 * at + 1
    heap[at] = item
    sift_down(heap, start, at)


def nsmallest(n, xs):
    return sorted(xs)[: max(n, 0)]


def nlargest(n, xs):
    return sorted(xs, reverse=True)[: max(n, 0)]


# ---------------------------------------------------------------- collections


class Deque:
    """A list of which the first items are gone; every so often it is moved up."""

    def __init__(self, maxlen):
        if maxlen is not None and maxlen < 0:
            raise ValueError("maxlen must be non-negative")
        self.kept = []
        self.first = 0
        self.changes = 0
        self.maxlen = maxlen

    def append(self, x):
        self.changes += 1
        self.kept.append(x)
        if self.maxlen is not None and len(self) > self.maxlen:
            self.popleft()

    def appendleft(self, x):
        if self.first == 0:
            n = len(self.kept)
            for _ in range(n + 8):
                self.kept.append(x)
            for k in range(n):
                self.kept[2 * n + 7 - k] = self.kept[n - 1 - k]
            self.first = n + 8
        self.changes += 1
        self.first -= 1
        self.kept[self.first] = x
        if self.maxlen is not None and len(self) > self.maxlen:
            self.pop()

    def pop(self):
        if len(self) == 0:
            raise IndexError("pop from an empty deque")
        self.changes += 1
        return self.kept.pop()

    def popleft(self):
        if len(self) == 0:
            raise IndexError("pop from an empty deque")
        self.changes += 1
        x = self.kept[self.first]
        self.first += 1
        if self.first > 32 and 2 * self.first > len(self.kept):
            for k in range(len(self)):
                self.kept[k] = self.kept[k + self.first]
            for _ in range(self.first):
                self.kept.pop()
            self.first = 0
        return x

    def extend(self, xs):
        for x in apart(self, xs):
            self.append(x)

    def extendleft(self, xs):
        for x in apart(self, xs):
            self.appendleft(x)

    def clear(self):
        self.changes += 1
        self.kept = []
        self.first = 0

    def rotate(self, n=1):
        if len(self) > 0:
            for _ in range(n % len(self)):
                self.appendleft(self.pop())

    def count(self, x):
        return sum([1 for y in self if y == x])

    def copy(self):
        new = Deque(self.maxlen)
        new.extend(self)
        return new

    def __copy__(self):
        return self.copy()

    def __len__(self):
        return len(self.kept) - self.first

    def __iter__(self):
        seen = self.changes
        for k in range(self.first, len(self.kept)):
            yield self.kept[k]
            if self.changes != seen:
                raise RuntimeError("deque mutated during iteration")

    def __contains__(self, x):
        return any(y == x for y in self)

    def __getitem__(self, k):
        return self.kept[self.place(k)]

    def __setitem__(self, k, x):
        self.kept[self.place(k)] = x

    def __delitem__(self, k):
        at = self.place(k)
        self.changes += 1
        for j in range(at, len(self.kept) - 1):
            self.kept[j] = self.kept[j + 1]
        self.kept.pop()

    def place(self, k):
        n = len(self)
        if k < 0:
            k += n
        if k < 0 or k >= n:
            raise IndexError("deque index out of range")
        return self.first + k


def apart(d, xs):
    """What is taken over into d: of d itself, what it holds now."""
    return list(xs) if xs is d else xs


def extended(new, xs):
    new.extend(xs)


def counted(new, xs):
    new.update(xs)


class Table:
    """What is a dict, and more."""

    def __init__(self, table):
        self.table = table

    def __setitem__(self, key, x):
        self.table[key] = x

    def __contains__(self, key):
        return key in self.table

    def __len__(self):
        return len(self.table)

    def __iter__(self):
        n = len(self)
        for key in list(self.table.keys()):
            yield key
            if len(self) != n:
                raise RuntimeError("dictionary changed size during iteration")

    def get(self, key, default=None):
        return self.table.get(key, default)

    def pop(self, key, *default):
        return self.table.pop(key, *default)

    def setdefault(self, key, default):
        return self.table.setdefault(key, default)

    def items(self):
        for key in self:
            yield key, self.table[key]

    def keys(self):
        return iter(self)

    def values(self):
        for key in self:
            yield self.table[key]

    def clear(self):
        self.table.clear()


class DefaultDict(Table):
    def __init__(self, factory, table):
        super().__init__(table)
        self.default_factory = factory

    def __getitem__(self, key):
        if key not in self.table:
            self.table[key] = self.default_factory()
        return self.table[key]

    def __delitem__(self, key):
        del self.table[key]

    def copy(self):
        return DefaultDict(self.default_factory, dict(self.table))

    def __copy__(self):
        return self.copy()


class Counter(Table):
    def update(self, xs):
        if isinstance(xs, dict):
            for key, count in xs.items():
                self[key] += count
        else:
            for x in xs:
                self[x] += 1

    def total(self):
        return sum(self.table.values())

    def most_common(self, n=None):
        found = sorted([(k, c) for k, c in self.table.items()], key=lambda pair: -pair[1])
        return found if n is None else found[: max(n, 0)]

    def __getitem__(self, key):
        return self.table.get(key, 0)

    def __delitem__(self, key):
        if key in self.table:
            del self.table[key]

    def copy(self):
        return Counter(dict(self.table))

    def __copy__(self):
        return self.copy()


QUEUES: dict[type, type] = {Deque: collections.deque, DefaultDict: collections.defaultdict, Counter: collections.Counter}
