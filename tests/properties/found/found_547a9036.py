"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 1, 235

import numpy as np


def helper0(s, t, a):
    for i1 in range(1, len(a)):
        a[i1 - 1] -= 0.1 * 0.4 * 0.1 * i1 + 0.3 * np.cos(np.cos(0.1 * i1 * (a[(i1 + 1) % 3] - 2.0)))
        s -= 0.2 * 0.4 * s + 0.3 * np.cos((-0.7 + -0.7 * t / (1.0 + 0.1 * i1 * 0.1 * i1)))
    return 0.5 * s + t + a[0]


def helper1(s, t):
    return 0.5 * s + t


def program(x, y, p, m, n, k):
    u = 0.3 * x
    c1 = 0
    while c1 < 1 and u + (-0.7 + -0.7 * m[0, k[n % 4] % 4]) >= 0.04:
        c1 += 1
        m[c1, c1] -= 0.1 * 0.5 * np.tanh(np.tanh(np.tanh(y * y) * np.tanh(m[c1, c1] * p[(n + 3) % 5])))
        if u + helper1(-0.7, p[c1]) < 0.15:
            a2 = np.full(4, p[c1])
            if 0.1 * n + np.sin(a2[(n + 3) % 4]) < 0.4:
                break
        elif p[(n + 2) % 5] + m[c1 - 1, c1] >= 0.4:
            for i3 in range(0):
                a4 = np.full(3, p[n - 1])
                a4[c1] = 0.4 * m[i3, i3] + 0.3 * np.cos(np.sum(np.sin(p) * y))
                m[i3, (n + 1) % 4] = 0.5 * np.tanh((np.sum(np.sin(a4) * a4[i3 - 1]) if y + a4[(c1 + 2) % 3] / (1.0 + 1.3 * 1.3) <= 0.85 else np.sum(np.sin(p) * -0.7)))
                if p[(c1 + 1) % 5] + x > 0.85:
                    break
            y = (min(y, p[k[c1 % 4] % 5]) if m[k[n % 4] % 3, c1 - 1] + (1.3 if -0.9 < y < 0.85 else 0.1 * n) <= 0.04 else np.tanh(p[n - 1] * x)) / (1.5 + abs((min(y, p[k[c1 % 4] % 5]) if m[k[n % 4] % 3, c1 - 1] + (1.3 if -0.9 < y < 0.85 else 0.1 * n) <= 0.04 else np.tanh(p[n - 1] * x))))
        x = 0.5 * np.tanh(np.sum(p))
        m[c1 - 1, c1] += 0.4 * np.sin(min(np.cos(0.1 * c1 * p[c1 - 1]), p[(c1 + 0) % 5]))
    p[(c1 + 0) % 5] = 0.4 * 2.0 + 0.3 * np.cos((min(p[n], u) if y + m[c1, k[n % 4] % 4] / (1.0 + m[c1, (n + 2) % 4] * m[c1, (n + 2) % 4]) < 0.85 else (y - p[k[n % 4] % 5])))
    y = 0.4 * p[k[c1 % 4] % 5] + 0.3 * np.cos(np.cos(y * 0.1 * c1) / (1.0 + 0.1 * c1 * 0.1 * c1))
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
