"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 2, 226

import numpy as np


def helper0(s, t):
    return 0.5 * s + t


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    c1 = 0
    while c1 < 4 and -0.9 < p[n] < 0.85:
        c1 += 1
        if m[1, 1] + (u if -0.9 < m[2, c1 - 1] < 0.4 else y) >= 0.15:
            w2 = p[::-1]
            c3 = 0
            while c3 < 3 and w2[n] + m[1, 1] >= 0.15:
                c3 += 1
                for i4 in range(n):
                    y = np.sin(np.tanh(w2[i4] * y) / (1.0 + p[k[n % 4] % 5] * p[k[n % 4] % 5]))
                    if (not m[2, (c3 + 0) % 4] > 0.1 or x < 0.85):
                        continue
                    a5 = p * w2 * 0.5
                m[k[c3 % 4] % 3, c3] = np.sin(np.sin((0.5 + 0.21 * u)))
            w2[n], w2[k[n % 4] % 5] = w2[k[n % 4] % 5] * 0.9, w2[n]
        elif y + (p[n] if -0.9 < m[1, c1 - 1] < -0.2 else m[2, 0]) < -0.2:
            if x + m[0, 3] / (1.0 + 0.1 * n * 0.1 * n) > 0.85:
                for i6 in range(1, c1 + 1):
                    a7 = np.full(3, u)
                    a8 = np.full(4, p[i6])
                p[n], p[c1] = p[c1] * 0.9, p[n]
                c9 = 0
                while c9 < 5 and -0.9 < p[k[c1 % 4] % 5] < 0.85:
                    c9 += 1
                    a10 = np.full(3, m[0, 1])
                    p[c1] = max(np.cos(a10[1] * p[c1]), 0.1 * n) / (1.5 + abs(max(np.cos(a10[1] * p[c1]), 0.1 * n)))
            elif n % 3 == 0:
                for i11 in range(len(p)):
                    p *= 0.4 * m[0, 0] + 0.3 * np.cos(max(p[k[i11 % 4] % 5], x))
                    p[(c1 + 1) % 5] = 0.5 * np.tanh(np.dot(p, p))
            else:
                pass
        else:
            pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
