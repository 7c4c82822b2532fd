"""Dynamic programming and searches over tables: branches choose, tables keep."""

import numpy as np

from tests.programs.registry import mat, program, vec


@program((vec(5, 180), vec(4, 181)), (vec(1, 180), vec(1, 181)))
def time_warping(x, y):
    n, m = len(x), len(y)
    t = np.full((n + 1, m + 1), 1e9)
    t[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            best = t[i - 1, j]
            if t[i, j - 1] < best:
                best = t[i, j - 1]
            if t[i - 1, j - 1] < best:
                best = t[i - 1, j - 1]
            t[i, j] = (x[i - 1] - y[j - 1]) ** 2 + best
    return t[n, m]


@program((vec(5, 182), vec(4, 183), 0.1))
def soft_time_warping(x, y, gamma):
    n, m = len(x), len(y)
    previous = np.full(m + 1, 1e6)
    previous[0] = 0.0
    for i in range(n):
        row = np.full(m + 1, 1e6)
        for j in range(m):
            a, b, c = previous[j] / gamma, previous[j + 1] / gamma, row[j] / gamma
            low = min(a, min(b, c))
            soft = low - np.log(np.exp(low - a) + np.exp(low - b) + np.exp(low - c))
            row[j + 1] = (x[i] - y[j]) ** 2 + gamma * soft
        previous = row
    return previous[m]


@program((mat(3, 3, 184), mat(5, 3, 185)))
def viterbi(transition, emission):
    """The best path's score, by np.max over whole arrays."""
    score = emission[0] * 1.0
    for t in range(1, emission.shape[0]):
        new = np.zeros(3)
        for s in range(3):
            new[s] = np.max(score + transition[:, s]) + emission[t, s]
        score = new
    return np.max(score)


@program((mat(3, 3, 186), mat(5, 3, 187)))
def forward_algorithm(transition, emission):
    score = emission[0].copy()
    scratch = np.zeros(3)
    for t in range(1, len(emission)):
        for s in range(3):
            total = 0.0
            for k in range(3):
                total += np.exp(score[k] + transition[k, s])
            scratch[s] = np.log(total) + emission[t, s]
        for s in range(3):
            score[s] = scratch[s]
    return np.log(np.sum(np.exp(score)))


@program((mat(4, 4, 188, 0.5, 2.0),))
def all_shortest_paths(d):
    d = d.copy()
    n = d.shape[0]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                through = d[i, k] + d[k, j]
                if through < d[i, j]:
                    d[i, j] = through
    return d


@program((vec(4, 189, 0.5, 2.0), np.array([2, 3, 1, 4]), 6))
def knapsack(value, weight, capacity):
    best = np.zeros(capacity + 1)
    for i in range(len(value)):
        for c in range(capacity, weight[i] - 1, -1):
            best[c] = max(best[c], best[c - weight[i]] + value[i] * (1.0 + 0.01 * c))
    return best[capacity]


@program((vec(5, 190, 1.0, 3.0),))
def matrix_chain(p):
    n = len(p) - 1
    cost = np.zeros((n, n))
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            best = 1e30
            for k in range(i, j):
                q = cost[i, k] + cost[k + 1, j] + p[i] * p[k + 1] * p[j + 1]
                if q < best:
                    best = q
            cost[i, j] = best
    return cost[0, n - 1]


@program((np.array([3, 1, 2, 1, 3]), np.array([1, 2, 3, 3]), 0.6, 0.8))
def edit_distance(a, b, gap, change):
    n, m = len(a), len(b)
    row = np.zeros(m + 1)
    for j in range(m + 1):
        row[j] = j * gap
    for i in range(1, n + 1):
        diagonal = row[0]
        row[0] = i * gap * gap
        for j in range(1, m + 1):
            above = row[j]
            cost = 0.0 if a[i - 1] == b[j - 1] else change
            row[j] = min(diagonal + cost, min(above, row[j - 1]) + gap)
            diagonal = above
    return row[m] * row[m - 1]


@program((vec(7, 191),))
def best_subarray(x):
    best = x[0]
    here = x[0]
    for i in range(1, len(x)):
        here = max(x[i], here + x[i])
        best = max(best, here)
    return best * here


@program((vec(6, 192, 0.2, 2.0), 1.1))
def grid_path_with_queue(x, goal):
    """Breadth-first order by a queue in an integer array; distances in a float one."""
    n = len(x)
    queue = np.zeros(2 * n, dtype=np.int64)
    distance = np.full(n, -1.0)
    distance[0] = 0.0
    head = 0
    tail = 1
    while head < tail:
        k = queue[head]
        head += 1
        for jump in range(1, 3):
            nxt = (k * jump + jump) % n
            if distance[nxt] < 0.0:
                distance[nxt] = distance[k] * goal + x[nxt] * jump
                queue[tail] = nxt
                tail += 1
    return np.sum(distance * np.arange(1.0, n + 1.0))
