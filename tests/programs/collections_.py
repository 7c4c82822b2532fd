"""Sets, and containers that fill up from nothing: searches, games, tables of lists."""

from __future__ import annotations

from tests.programs.registry import program


@program((1.3, 6))
def search_with_a_set(x, n):
    visited = {(0, 0)}
    frontier = [(0, 0)]
    total = x
    while frontier:
        i, j = frontier.pop(0)
        for di, dj in ((0, 1), (1, 0), (-1, 0), (0, -1)):
            p = (i + di, j + dj)
            if 0 <= p[0] < n and 0 <= p[1] < n and p not in visited and (p[0] * p[1]) % 3 != 2:
                visited.add(p)
                frontier.append(p)
                total += x * p[0] + x * x * p[1]
    return total * len(visited)


@program((1.3, 4))
def game_of_life(x, steps):
    alive = {(1, 0), (2, 1), (0, 2), (1, 2), (2, 2)}
    for _ in range(steps):
        counts = {}
        for i, j in sorted(alive):
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    if di or dj:
                        counts[i + di, j + dj] = counts.get((i + di, j + dj), 0) + 1
        alive = {c for c in counts if counts[c] == 3 or (counts[c] == 2 and c in alive)}
    return sum([x * i + x * x * j for i, j in sorted(alive)])


@program((1.3, 40), (0.7, 0))
def algebra_of_sets(x, n):
    a, b = set(range(n)), {i % 5 for i in range(n)}
    a.discard(3)
    a.discard(999)
    a -= {2, 4}
    a |= {100, 101}
    a &= set(range(101))
    a ^= {0, 55}
    c = a.copy()
    a.clear()
    y = x * len(c | b) + x**2 * len(c & b) + sum(c - b) * x + max(c ^ b, default=7) * x + len(a)
    y += x if c.isdisjoint({77}) else 0.0
    y += x**3 if {1} <= b and not b < {1} and b != c and c.issuperset({100}) else 2.0 * x
    return y + sum(1 for v in c if v > 4) * x + min({v * v for v in c | {3}})


@program((1.1, 200))
def set_that_grows_and_shrinks(x, n):
    s = set()
    for i in range(n):
        s.add((i * 37) % 101)
        if i % 3 == 0:
            s.discard((i * 11) % 101)
        if i % 50 == 49:
            s.remove(sorted(s)[0])
    total = 0.0
    for k, v in enumerate(sorted(s)):
        total += x ** (k % 4) * v
    return total


@program((1.1, 7))
def words_met_before(x, n):
    words = ["to", "be", "or", "not", "to", "be"]
    known, count, values = {"or"}, {"to": 0}, {}
    for k in range(n):
        w = words[(5 * k) % len(words)]
        if w in known:
            x = x * 1.1
        known.add(w)
        if w in {"be", "not"}:
            x = x + 0.1
        count[w] = count.get(w, 0) + 1
        values[w, k % 2] = x * k
    return x * len(known) * count["to"] + sum([values[k] for k in values])


class Town:
    def __init__(self, size):
        self.size, self.roads, self.seen = size, [], set()


@program((1.3, 7))
def neighbours_listed_from_nothing(x, n):
    adjacent = [[] for _ in range(n)]
    towns = [Town(x * k) for k in range(n)]
    for i in range(n):
        adjacent[i].append((2 * i + 1) % n)
        adjacent[(3 * i + 1) % n].append(i)
        towns[i].roads.append((i, 0.5 * x))
        towns[i].seen.add(i % 3)
    groups = {}
    for i in range(n):
        groups.setdefault(i % 3, []).append(x * i)
    total = 0.0
    for i in range(n):
        for j in adjacent[i]:
            total += x ** (j % 3) * i + towns[j].size
        for k, way in towns[i].roads:
            total += way * k * len(towns[i].seen)
    return total + sum([groups[k][0] * groups[k][-1] for k in groups])


class Place:
    def __init__(self, worth):
        self.worth, self.out = worth, []


def worth_from(place, x, depth):
    if depth == 0:
        return place.worth
    total = place.worth
    for q in place.out:
        total += x * worth_from(q, x, depth - 1)
    return total


@program((0.3, 6))
def graph_of_objects_linked_later(x, n):
    places = [Place(x * k) for k in range(n)]
    for i in range(n - 1):
        places[i].out.append(places[i + 1])
        places[i].out.append(places[n - 1 - i])
    return worth_from(places[0], x, 4)


@program((0.6, 3))
def lists_that_get_wider(x, n):
    counts = [[0] for _ in range(n)]
    for i in range(n):
        counts[i].append(x * i)
    boxes = [[[] for _ in range(n)] for _ in range(n)]
    for i in range(n):
        boxes[i][(i * i) % n].append(x * i)
        boxes[0][i].append(x)
    return sum([c[0] + c[1] ** 2 for c in counts]) + sum([sum(c) * len(c) for row in boxes for c in row])
