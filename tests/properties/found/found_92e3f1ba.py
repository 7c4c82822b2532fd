"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 1, 2

import numpy as np


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    for i1 in range(3):
        u -= 0.2 * 0.5 * np.tanh(max(m[(n + 3) % 3, i1], p[(i1 + 0) % 5]) / (1.0 + 1.3 * 1.3))
        p[::2] = y
        for i2 in range(1, 2):
            if x < (p[n] if -0.9 < y < -0.2 else 0.1 * i1) and p[k[i1 % 4] % 5] > 0.4:
                if m[i2 - 1, (i1 + 3) % 4] < 0.1 * i1 and u > 0.4:
                    continue
                if u + p[k[n % 4] % 5] >= 0.85:
                    a3 = np.full(3, 0.1 * i2)
                    p[1:] += 0.5 * p[:-1]
            else:
                x += 0.3 * np.sin(np.tanh(np.cos(p[n] * x) * x))
                p[n - 1] = 0.4 * p[k[n % 4] % 5] + 0.3 * np.cos(0.21)
                p[k[n % 4] % 5] = np.sin(0.5)
            p[i1] = 0.4 * 0.1 * i1 + 0.3 * np.cos(0.1 * i1)
            for i4 in range(k[i1 % 4] % 3):
                a5 = np.where(p > -0.7, p, y)
                u = np.sin(x)
                x = 0.4 * 1.3 + 0.3 * np.cos(1.3)
        w6 = p[1:]
    p[n] = np.sin((2.0 + 0.21 * 1.3)) / (1.5 + abs(np.sin((2.0 + 0.21 * 1.3))))
    for i7 in range(1):
        y = np.sin((p[k[i7 % 4] % 5] - x))
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
