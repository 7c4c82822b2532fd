"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 2, 564

import numpy as np


def helper0(s, t):
    s *= 1.0 + 0.2 * 0.5 * np.tanh(t)
    c1 = 0
    while c1 < 3 and s + s <= 0.15:
        c1 += 1
    return 0.5 * s + t


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    c1 = 0
    while c1 < 5 and -0.9 < m[1, 2] < 0.04:
        c1 += 1
        if u + np.tanh(m[2, n - 1] * 0.1 * c1) >= 0.04:
            p = np.zeros(5)
        p[k[c1 % 4] % 5], p[k[c1 % 4] % 5] = p[k[c1 % 4] % 5] * 0.9, p[k[c1 % 4] % 5]
        if m[2, (c1 + 0) % 4] + min(0.1 * n, y) < -0.2:
            u = np.sin(np.tanh(np.tanh(x * 0.21) * (p[n] if (not 0.1 * c1 > 0.1 or p[(c1 + 2) % 5] < 0.04) else m[-1, k[n % 4] % 4])))
            c2 = 0
            while c2 < 3 and (not m[-2, 0] > 0.1 or p[(c1 + 2) % 5] < 0.85):
                c2 += 1
                p = np.tanh(p + p[::-1])
            p[n] = np.sin(0.1 * c2)
    for i3 in range(3 - 1, -1, -1):
        if c1 % 3 == 1:
            p[k[i3 % 4] % 5], p[i3 - 1] = p[i3 - 1] * 0.9, p[k[i3 % 4] % 5]
            p *= 0.5 * np.tanh(m[i3, i3])
            u -= 0.2 * 0.5 * np.tanh(helper0(p[(n + 0) % 5], m[i3, (c1 + 0) % 4]))
        elif p[n - 1] + np.cos(p[k[n % 4] % 5] * p[n - 1]) <= -0.2:
            m[k[n % 4] % 3, i3] *= 0.5 + np.cos(0.21 * m[i3, i3]) / (1.5 + abs(np.cos(0.21 * m[i3, i3])))
        else:
            c4 = 0
            while c4 < 1 and n % 2 == 0:
                c4 += 1
                if p[n] + (p[i3 - 1] - m[c4, k[c1 % 4] % 4]) < -0.2:
                    p[c4 - 1], p[c4] = p[c4] * 0.9, p[c4 - 1]
                    u -= 0.2 * np.cos(m[(c1 + 0) % 3, i3 - 1] * p[c1 - 1]) / (1.5 + abs(np.cos(m[(c1 + 0) % 3, i3 - 1] * p[c1 - 1])))
                    a5 = np.full(4, m[c4, i3])
                else:
                    pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
