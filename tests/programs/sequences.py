"""Sequences as statistics and speech have them: tables over time, filters whose steps differ in size, trees of words."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tests.programs.registry import mat, program, spd, vec

# ---------------------------------------------------------------- tables over time


def log_sum(a, b):
    """log(eᵃ + eᵇ), where either may be minus infinity."""
    if a == -np.inf:
        return b
    if b == -np.inf:
        return a
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


@program((mat(6, 4, 940), np.array([2, 1, 1])), (mat(3, 3, 942), np.zeros(0, np.int64)), order=3)
def connectionist_temporal(scores, labels):
    """The CTC loss (Graves et al. 2006): blanks, repeated labels, two rows of the table that trade places."""
    blank = 0
    length = 2 * len(labels) + 1
    now, before = np.full(length, -np.inf), np.full(length, -np.inf)
    for t in range(scores.shape[0]):
        row = scores[t] - np.max(scores[t])
        row = row - np.log(np.sum(np.exp(row)))
        for s in range(length):
            label = blank if s % 2 == 0 else labels[s // 2]
            if t == 0:
                total = 0.0 if s < 2 else -np.inf
            else:
                total = before[s]
                if s > 0:
                    total = log_sum(total, before[s - 1])
                if s > 1 and label != blank and label != labels[s // 2 - 1]:
                    total = log_sum(total, before[s - 2])
            now[s] = total + row[label]
        now, before = before, now
    loss = before[length - 1]
    if length > 1:
        loss = log_sum(loss, before[length - 2])
    return -loss


@program((mat(3, 3, 943), mat(7, 3, 944)), (mat(2, 2, 945), mat(1, 2, 946)))
def viterbi_path(transition, emission):
    """The table of scores, the table of where they came from, and the path that these give, along which something else is summed."""
    steps, states = emission.shape
    score = np.empty((steps, states))
    came_from = np.zeros((steps, states), dtype=np.int64)
    score[0] = emission[0]
    for t in range(1, steps):
        for s in range(states):
            best = 0
            for k in range(1, states):
                if score[t - 1, k] + transition[k, s] > score[t - 1, best] + transition[best, s]:
                    best = k
            came_from[t, s] = best
            score[t, s] = score[t - 1, best] + transition[best, s] + emission[t, s]
    path = np.zeros(steps, dtype=np.int64)
    for s in range(1, states):
        if score[-1, s] > score[-1, path[-1]]:
            path[-1] = s
    for t in range(steps - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    total = score[-1, path[-1]]
    for t in range(steps):
        total += (t + 1) * emission[t, path[t]] ** 2
    return total


@program((vec(7, 947), vec(6, 948), 2), (vec(4, 949), vec(4, 950), 9))
def warping_path(x, y, window):
    """Dynamic time warping in a band, in place; then the path is walked back and its slopes are punished."""
    n, m = len(x), len(y)
    cost = np.full((n + 1, m + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(1, n + 1):
        for j in range(max(1, i - window), min(m, i + window) + 1):
            cost[i, j] = (x[i - 1] - y[j - 1]) ** 2
            cost[i, j] += min(cost[i - 1, j], cost[i, j - 1], cost[i - 1, j - 1])
    i, j, total = n, m, cost[n, m]
    while i > 0 and j > 0:
        total += 0.1 * x[i - 1] * y[j - 1]
        steps = ((cost[i - 1, j - 1], i - 1, j - 1), (cost[i - 1, j], i - 1, j), (cost[i, j - 1], i, j - 1))
        _, i, j = min(steps)
    return total


# ---------------------------------------------------------------- filters


def solve_lower(l, b):
    """L x = b, in place of b."""
    for i in range(len(b)):
        for k in range(i):
            b[i] -= l[i, k] * b[k]
        b[i] /= l[i, i]


@program((mat(2, 2, 951), mat(4, 2, 952), mat(5, 4, 953), np.array([2, 0, 4, 1, 3]), 0.4, 0.7), slow=True)
def kalman_with_missing(f, h, z, counts, q, r):
    """As many measurements in a step as came in: the innovation's covariance is factored by hand, its size is that step's."""
    n = f.shape[0]
    x, p = np.zeros(n), np.eye(n)
    loss = 0.0
    for t in range(len(counts)):
        x = f @ x
        p = f @ p @ f.T + q * q * np.eye(n)
        m = counts[t]
        if m == 0:
            continue
        hm = h[:m]
        s = hm @ p @ hm.T + r * r * np.eye(m)
        for j in range(m):
            for k in range(j):
                s[j:, j] -= s[j:, k] * s[j, k]
            s[j:, j] /= np.sqrt(s[j, j])
        e = z[t, :m] - hm @ x
        solve_lower(s, e)
        gain = hm @ p
        for column in range(n):
            solve_lower(s, gain[:, column])
        x = x + gain.T @ e
        p = p - gain.T @ gain
        loss += 0.5 * (e @ e)
        for j in range(m):
            loss += np.log(s[j, j])
    return loss + x[0] * x[-1]


@program((vec(6, 957), 0.3, 5, 12345), (vec(2, 958), 0.9, 3, 7), wrt=(0, 1))
def particles_resampled(measured, noise, count, seed):
    """A particle filter with a random generator of its own; who survives is decided by the weights, and indexes the others."""
    state = seed
    x, weight, new = np.zeros(count), np.zeros(count), np.zeros(count)
    loss = 0.0
    for t in range(len(measured)):
        for k in range(count):
            state = (1103515245 * state + 12345) % 2147483648
            x[k] = 0.9 * x[k] + noise * (state / 1073741824.0 - 1.0)
            weight[k] = math.exp(-0.5 * (measured[t] - x[k]) ** 2)
        total = np.sum(weight)
        loss -= np.log(total / count)
        state = (1103515245 * state + 12345) % 2147483648
        place, up_to = 0, weight[0]
        for k in range(count):
            while up_to < (k + state / 2147483648.0) / count * total and place < count - 1:
                place += 1
                up_to += weight[place]
            new[k] = x[place]
        x, new = new, x
    return loss + x[0]


# ---------------------------------------------------------------- linear algebra that looks at its numbers


@program((mat(4, 4, 959), vec(4, 960)), (np.array([[0.0, 2.0], [1.5, 0.3]]), vec(2, 961)))
def lu_with_pivots(a, b):
    """Rows are found by an array of places that the pivoting swaps; then forwards and back."""
    lu = a.copy()
    n = len(b)
    row = np.arange(n)
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(lu[row[i], k]) > abs(lu[row[best], k]):
                best = i
        row[k], row[best] = row[best], row[k]
        for i in range(k + 1, n):
            lu[row[i], k] /= lu[row[k], k]
            lu[row[i], k + 1 :] -= lu[row[i], k] * lu[row[k], k + 1 :]
    x = np.zeros(n)
    for i in range(n):
        x[i] = b[row[i]] - lu[row[i], :i] @ x[:i]
    for i in range(n - 1, -1, -1):
        x[i] = (x[i] - lu[row[i], i + 1 :] @ x[i + 1 :]) / lu[row[i], i]
    return x


def dependent(m, n):
    a = mat(m, n, 962)
    a[:, 1] = 2.0 * a[:, 0]
    return a


@program((mat(4, 3, 963), 1e-8), (dependent(4, 3), 1e-3), wrt=(0,), order=1)
def rank_and_basis(a, tolerance):
    """Gram and Schmidt, twice is enough; columns that are nearly dependent are left out, and counted."""
    q = np.zeros_like(a)
    rank = 0
    for j in range(a.shape[1]):
        v = a[:, j].copy()
        before = np.sqrt(v @ v)
        for _ in range(2):
            for k in range(rank):
                v -= (q[:, k] @ v) * q[:, k]
        after = np.sqrt(v @ v)
        if after > tolerance * before:
            q[:, rank] = v / after
            rank += 1
    total = 0.0
    for k in range(rank):
        total += (k + 1) * (q[0, k] ** 3 + q[1, k] * q[2, k])
    return total * rank


@program((spd(4, 964), vec(4, 965)), (spd(1, 966), vec(1, 967)), order=3)
def gaussian_log_density(covariance, x):
    """By a factor made row by row in a list of lists."""
    rows = []
    for i in range(len(x)):
        row = []
        for j in range(i + 1):
            s = covariance[i, j]
            for k in range(j):
                s -= row[k] * (rows[j][k] if j < i else row[k])
            row.append(math.sqrt(s) if i == j else s / rows[j][j])
        rows.append(row)
    total, y = 0.0, []
    for i in range(len(x)):
        y.append((x[i] - sum(rows[i][k] * y[k] for k in range(i))) / rows[i][i])
        total -= 0.5 * y[i] ** 2 + math.log(rows[i][i])
    return total


# ---------------------------------------------------------------- trees of words


@dataclass
class Tree:
    left: Tree | None
    right: Tree | None
    word: int


def parsed(words):
    """Shift and reduce: a word, or -1 for what joins the last two trees."""
    stack = []
    for w in words:
        if w < 0:
            right = stack.pop()
            left = stack.pop()
            stack.append(Tree(left, right, -1))
        else:
            stack.append(Tree(None, None, w))
    return stack.pop()


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def state_of(tree, words, leaf, inner):
    """Hidden and cell state of a tree-LSTM (Tai, Socher and Manning 2015)."""
    n = words.shape[1]
    if tree.left is None:
        g = leaf @ words[tree.word]
        cell = sigmoid(g[:n]) * np.tanh(g[n:])
        return np.tanh(cell), cell
    h1, c1 = state_of(tree.left, words, leaf, inner)
    h2, c2 = state_of(tree.right, words, leaf, inner)
    g = inner[0] @ h1 + inner[1] @ h2
    cell = sigmoid(g[:n]) * c1 + sigmoid(g[n : 2 * n] + 0.5) * c2 + np.tanh(g[2 * n : 3 * n])
    return sigmoid(g[3 * n :]) * np.tanh(cell), cell


@program((np.array([0, 2, -1, 1, 2, 3, -1, -1, -1]), mat(4, 2, 968), mat(4, 2, 969), mat(16, 2, 970).reshape(2, 8, 2)), slow=True)
def tree_lstm(sentence, words, leaf, inner):
    hidden, cell = state_of(parsed(sentence), words, leaf, inner)
    return hidden[0] * cell[1] + np.sum(hidden * hidden) - cell[0]
