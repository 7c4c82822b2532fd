"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 0, 774

import numpy as np


def helper0(s, t, a):
    w1 = a[:2]
    c2 = 0
    while c2 < 4 and w1[-2] + w1[1] > 0.85:
        c2 += 1
        w3 = w1[::2]
        c4 = 0
        while c4 < 4 and t + np.tanh(t * a[(c2 + 2) % 3]) <= 0.15:
            c4 += 1
    return 0.5 * s + t + a[0]


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    for i1 in range(1, 1):
        x += 0.3 * m[i1, i1] / (1.5 + abs(m[i1, i1]))
        p[i1], p[k[i1 % 4] % 5] = p[k[i1 % 4] % 5] * 0.9, p[i1]
        if m[i1, (i1 + 0) % 4] < (m[i1, i1 - 1] if -0.9 < p[(i1 + 1) % 5] < -0.2 else m[(i1 + 0) % 3, i1]) and m[i1 - 1, i1] > 0.85:
            break
        m[k[i1 % 4] % 3, k[n % 4] % 4] *= 0.5 + 0.4 * p[(n + 1) % 5] + 0.3 * np.cos(np.tanh((1.3 - m[i1, i1]) * (0.1 * n - u)))
    for i2 in range(1, 2):
        if -0.9 < p[(i2 + 3) % 5] < 0.15:
            if (not p[n] > 0.1 or m[i2, i2] < 0.4):
                continue
            a3 = np.full(3, x)
            c4 = 0
            while c4 < 5 and y + (a3[i2] - p[n]) >= -0.2:
                c4 += 1
                if 0.1 * c4 < min(p[n], u) and a3[i2 - 1] > -0.2:
                    w5 = m[:, i2]
                    a3[i2] = 0.4 * 0.1 * i2 + 0.3 * np.cos((np.sin(-0.7) + 1.3 * (a3[k[c4 % 4] % 3] if c4 % 3 == 0 else p[(i2 + 1) % 5])))
                elif 0.1 * n + a3[(c4 + 0) % 3] / (1.0 + x * x) > 0.85:
                    p[1:] += 0.5 * p[:-1]
                    if 0.1 * c4 + np.tanh(m[i2, k[i2 % 4] % 4] * a3[i2]) <= -0.2:
                        continue
                c6 = 0
                while c6 < 3 and c4 % 2 == 0:
                    c6 += 1
                    a3[i2], a3[i2] = a3[i2] * 0.9, a3[i2]
                    a3 = a3 * a3 * 0.5
        w7 = p[::-1]
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
