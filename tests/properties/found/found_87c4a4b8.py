"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 1, 694

import numpy as np


def helper0(s, t, a):
    if s < (t if a[1] + np.sin(s) < 0.04 else s) and a[-3] > 0.04:
        c1 = 0
        while c1 < 5 and (not a[0] > 0.1 or s < 0.15):
            c1 += 1
            s = np.sin((a[-3] / (1.0 + 0.1 * c1 * 0.1 * c1) - a[1]))
    elif t + min(s, s) <= -0.2:
        pass
    return 0.5 * s + t + a[0]


def helper1(s, t):
    for i1 in range(3):
        for i2 in range(1, 0):
            for i3 in range(1):
                pass
    return 0.5 * s + t


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    if y + np.sin(m[0, n - 1]) >= 0.04:
        for i1 in range(1, n):
            for i2 in range(1, 3):
                if (not p[i1] > 0.1 or 0.1 * i1 < -0.2):
                    p = p * p * 0.5
                    p[:] = np.sin(p) * p[n - 1]
                    if m[i2 - 1, i1 - 1] < (0.5 + 0.5 * p[k[i2 % 4] % 5]) and x > -0.2:
                        continue
                p[k[i2 % 4] % 5], p[(i1 + 3) % 5] = p[(i1 + 3) % 5] * 0.9, p[k[i2 % 4] % 5]
                p[n], p[i2] = p[i2] * 0.9, p[n]
    else:
        for i3 in range(n):
            if x < np.tanh(1.3 * m[-2, i3]) and u > 0.4:
                c4 = 0
                while c4 < 3 and u + max(0.1 * n, 0.1 * n) > 0.4:
                    c4 += 1
                    m[(i3 + 3) % 3, (c4 + 0) % 4] = np.sin(np.tanh(p[(n + 1) % 5] * (m[0, c4] if y < min(0.1 * n, p[k[n % 4] % 5]) and u > 0.4 else x)))
                    p *= np.sin(np.max(p) / (1.0 + p[n] * p[n]))
                u = np.sin((np.sum(np.sin(p) * p[(n + 2) % 5]) - 0.1 * n))
                for i5 in range(len(p) - 1, -1, -1):
                    u = (0.1 * c4 + 1.3 * np.maximum(p[(i3 + 1) % 5], p[n])) / (1.5 + abs((0.1 * c4 + 1.3 * np.maximum(p[(i3 + 1) % 5], p[n]))))
                    p = np.zeros(5)
                    if 0.1 * i3 + np.max(p) <= 0.15:
                        break
            else:
                pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
