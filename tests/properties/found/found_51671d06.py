"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 0, 710

import numpy as np


def helper0(s, t):
    s *= 1.0 + 0.2 * t / (1.5 + abs(t))
    return 0.5 * s + t


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    for i1 in range(len(p)):
        if x + np.tanh(0.1 * n * p[n - 1]) >= 0.85:
            c2 = 0
            while c2 < 3 and n % 3 == 0:
                c2 += 1
                p[k[n % 4] % 5] = np.sin(np.tanh(0.1 * c2 / (1.0 + 0.1 * n * 0.1 * n) * (1.3 if n % 2 == 0 else p[n - 1])))
        elif (not p[(i1 + 1) % 5] > 0.1 or m[0, (n + 2) % 4] < -0.2):
            if m[0, 3] + np.dot(p, p) < -0.2:
                w3 = p[1:]
                c4 = 0
                while c4 < 3 and -0.9 < y < 0.85:
                    c4 += 1
                    x += 0.3 * np.sin(helper0(x, m[k[n % 4] % 3, c4]))
            if 0.1 * i1 < (0.1 * i1 if -0.9 < p[n] < 0.04 else 0.5) and m[0, -2] > 0.04:
                u = np.sin(np.sin(m[-1, (n + 1) % 4]))
                if p[n] < (0.21 - 0.1 * i1) and m[0, (i1 + 1) % 4] > 0.4:
                    a5 = np.full(3, p[i1 - 1])
                a6 = np.full(4, 0.1 * n)
            else:
                if -0.9 < p[i1] < -0.2:
                    break
        else:
            for i7 in range(1, k[i1 % 4] % 3):
                p[i1 - 1] = 0.5 * np.tanh(helper0(p[i7], 0.1 * i1))
                v8 = np.maximum(np.maximum(p[(i1 + 1) % 5], 1.3), 0.1 * n) / (1.5 + abs(np.maximum(np.maximum(p[(i1 + 1) % 5], 1.3), 0.1 * n)))
            if n % 3 == 0:
                p[n] = 0.4 * p[(i1 + 3) % 5] + 0.3 * np.cos(p[(i1 + 2) % 5])
                m[2, 1] = max(np.max(p), m[-3, i1 - 1]) / (1.5 + abs(max(np.max(p), m[-3, i1 - 1])))
                if -0.9 < y < -0.2:
                    pass
                else:
                    pass
            else:
                pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
