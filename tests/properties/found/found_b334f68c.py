"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 1, 0

import numpy as np


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    c1 = 0
    while c1 < 4 and p[n] + np.cos(p[(n + 0) % 5] * p[k[n % 4] % 5]) >= 0.04:
        c1 += 1
        if n % 3 == 1:
            a2 = np.full(3, p[c1])
            a2 = np.zeros(3)
            x -= 0.2 * 0.5 * np.tanh(np.sum(a2))
        else:
            y -= 0.2 * 0.5 * np.tanh(np.cos(0.1 * n * np.cos(p[(c1 + 0) % 5] * m[0, (c1 + 0) % 4])))
        if p[k[n % 4] % 5] < min(-0.7, 0.21) and 0.1 * n > 0.15:
            if p[n] + 0.1 * c1 / (1.0 + p[k[c1 % 4] % 5] * p[k[c1 % 4] % 5]) >= 0.4:
                m[2, 2] = 0.4 * p[k[n % 4] % 5] + 0.3 * np.cos(np.cos(p[n] * np.max(p)))
                if (not 0.1 * n > 0.1 or m[k[c1 % 4] % 3, n - 1] < 0.4):
                    p[c1], p[k[c1 % 4] % 5] = p[k[c1 % 4] % 5] * 0.9, p[c1]
                    if p[c1 - 1] + 0.1 * n / (1.0 + m[(c1 + 3) % 3, 2] * m[(c1 + 3) % 3, 2]) > 0.4:
                        break
                else:
                    m[(c1 + 3) % 3, n - 1] *= 0.5 + 0.4 * p[n - 1] + 0.3 * np.cos(0.1 * c1)
                if p[n] + np.sum(np.sin(p) * 1.3) > -0.2:
                    return np.sin(np.cos(0.21 * min(x, p[k[c1 % 4] % 5])))
            c3 = 0
            while c3 < 5 and (not 0.1 * c1 > 0.1 or p[k[n % 4] % 5] < 0.85):
                c3 += 1
                if m[(c3 + 2) % 3, 1] + np.cos(p[(n + 1) % 5] * p[k[c3 % 4] % 5]) <= 0.4:
                    return np.sin(np.sum(np.sin(p) * 0.1 * c3) / (1.0 + m[2, c1 - 1] * m[2, c1 - 1]))
        else:
            if 0.1 * c1 < p[n] and y > 0.04:
                for i4 in range(len(p)):
                    p[c1 - 1] = np.tanh((y if (not p[n - 1] > 0.1 or u < 0.04) else y) * p[i4]) / (1.5 + abs(np.tanh((y if (not p[n - 1] > 0.1 or u < 0.04) else y) * p[i4])))
                    p[n] = 0.5 * np.tanh(2.0)
            else:
                pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
