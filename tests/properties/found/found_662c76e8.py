"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 2, 430

import numpy as np


def helper0(s, t):
    return 0.5 * s + t


def helper1(s, t, a):
    if a[-1] + np.cos(-0.7 * t) > 0.85:
        c1 = 0
        while c1 < 1 and (not a[2] > 0.1 or s < 0.4):
            c1 += 1
            a2 = np.where(a > 1.3, a, a[c1])
            a[c1] = np.sin(t)
    else:
        pass
    return 0.5 * s + t + a[0]


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    c1 = 0
    while c1 < 1 and (not u > 0.1 or 0.1 * n < 0.04):
        c1 += 1
        u += 0.3 * np.maximum((m[c1 - 1, c1] + 0.5 * m[c1, c1 - 1]), u) / (1.5 + abs(np.maximum((m[c1 - 1, c1] + 0.5 * m[c1, c1 - 1]), u)))
        for i2 in range(1):
            if 0.1 * i2 < np.tanh(y * 0.1 * i2) and 0.1 * c1 > 0.15:
                c3 = 0
                while c3 < 1 and p[n] < (m[i2 - 1, c1] + 0.5 * p[c1 - 1]) and p[n] > -0.2:
                    c3 += 1
                    a4 = np.full(4, 0.1 * i2)
                    u += 0.3 * 0.5 * np.tanh(np.sin((a4[c3] + 2.0 * x)))
                for i5 in range(1, c3 + 1):
                    p = p * p * 0.5
                w6 = p[1:]
            elif p[n] + (p[k[i2 % 4] % 5] - p[i2]) <= 0.04:
                p[i2] -= 0.1 * 0.5 * np.tanh(np.sin(np.cos(p[c1] * p[c1])))
            p[(i2 + 0) % 5] = np.sin(np.sum(np.sin(p) * m[i2 - 1, n - 1]))
        if (not x > 0.1 or p[c1] < 0.04):
            v7 = 0.4 * p[n] + 0.3 * np.cos(np.sum(p))
            if 0.1 * n < (m[(c1 + 1) % 3, c1] - p[k[n % 4] % 5]) and u > 0.15:
                p[(c1 + 3) % 5], p[c1] = p[c1] * 0.9, p[(c1 + 3) % 5]
                for i8 in range(c1 + 1):
                    a9 = p.copy()
                    if (not v7 > 0.1 or a9[c1] < 0.04):
                        return 0.5 * np.tanh(a9[i8])
        elif m[c1, c1] < np.cos(m[c1, k[c1 % 4] % 4] * 0.1 * c1) and p[k[c1 % 4] % 5] > 0.4:
            pass
        else:
            pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
