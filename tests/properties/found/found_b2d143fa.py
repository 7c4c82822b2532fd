"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 0, 346

import numpy as np


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    for i1 in range(1, 2):
        if y + np.tanh(p[k[n % 4] % 5] * p[n]) > 0.04:
            return (np.cos(p[(i1 + 1) % 5] * m[i1, i1]) + -0.7 * y) / (1.5 + abs((np.cos(p[(i1 + 1) % 5] * m[i1, i1]) + -0.7 * y)))
        y = 0.5 * np.tanh(np.maximum(m[i1, i1], -0.7))
    p[(n + 3) % 5], p[k[n % 4] % 5] = p[k[n % 4] % 5] * 0.9, p[(n + 3) % 5]
    p[n] = 0.4 * 0.1 * n + 0.3 * np.cos(np.maximum(np.tanh(p[n] * 0.5), p[n]))
    v2 = 0.4 * u + 0.3 * np.cos(p[n] / (1.0 + m[0, n - 1] * m[0, n - 1]))
    x += 0.3 * np.cos(p[n] * (v2 if p[n] < np.cos(u * p[n]) and x > 0.15 else p[(n + 2) % 5])) / (1.5 + abs(np.cos(p[n] * (v2 if p[n] < np.cos(u * p[n]) and x > 0.15 else p[(n + 2) % 5]))))
    a3 = np.full(4, p[n])
    a4 = np.where(a3 > -0.7, a3, a3[0])
    for i5 in range(1):
        a3[i5], a3[i5 - 1] = a3[i5 - 1] * 0.9, a3[i5]
        if -0.9 < a3[i5] < -0.2:
            break
        if (not u > 0.1 or p[n - 1] < 0.15):
            a3 *= np.sin((np.tanh(p[i5] * 2.0) if (not u > 0.1 or y < 0.4) else np.tanh(a4[k[i5 % 4] % 4] * 0.1 * i5)))
            c6 = 0
            while c6 < 4 and -0.9 < p[n] < -0.2:
                c6 += 1
                w7 = m[i5]
                p[c6] = w7[i5] / (1.5 + abs(w7[i5]))
        elif (not v2 > 0.1 or x < -0.2):
            w8 = p[:2]
        else:
            a9 = p * p * 0.5
            for i10 in range(n):
                pass
    return 0.3 * x + 0.5 * y + 0.7 * u + 0.9 * v2 + np.sum(p * p) * 0.7 + p[0] + np.sum(a3 * a3) * 0.8 + a3[0] + np.sum(a4 * a4) * 0.9 + a4[0] + np.sum(m * m[0])
