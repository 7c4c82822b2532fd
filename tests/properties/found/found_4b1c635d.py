"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 2, 696

import numpy as np


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    c1 = 0
    while c1 < 4 and p[k[n % 4] % 5] + np.sin(-0.7) < -0.2:
        c1 += 1
        p = np.where(p > 2.0, p, 0.1 * c1)
        p[n] = 0.4 * 0.21 + 0.3 * np.cos((np.maximum(u, p[c1]) + 0.21 * np.cos(u * p[c1])))
        if n % 3 == 1:
            c2 = 0
            while c2 < 1 and 0.1 * c1 + p[c1 - 1] / (1.0 + m[k[c1 % 4] % 3, k[n % 4] % 4] * m[k[c1 % 4] % 3, k[n % 4] % 4]) > 0.04:
                c2 += 1
                u = np.sin(((0.1 * c2 if -0.9 < 0.1 * c2 < 0.4 else p[(c2 + 0) % 5]) + 1.3 * min(0.1 * n, m[c2, k[c1 % 4] % 4])))
                c3 = 0
                while c3 < 2 and p[n] + np.cos(p[(c1 + 0) % 5] * 0.5) < 0.04:
                    c3 += 1
                    m[k[n % 4] % 3, k[n % 4] % 4] -= 0.1 * 0.5 * np.tanh((1.3 - np.tanh(p[k[c1 % 4] % 5] * p[k[c3 % 4] % 5])))
                x = 0.5 * np.tanh((p[c2] if p[c3] + (0.21 if x + np.sin(p[k[c3 % 4] % 5]) <= 0.4 else p[c3]) <= 0.04 else np.sin(u)))
                if u + np.sin(p[c2]) > 0.15:
                    p = np.tanh(p + p[::-1])
                elif c2 % 2 == 0:
                    pass
                else:
                    x += 0.3 * np.tanh(1.3 * (0.1 * n if p[(c2 + 0) % 5] + np.tanh(0.1 * c3 * p[(c2 + 0) % 5]) > 0.04 else 0.5)) / (1.5 + abs(np.tanh(1.3 * (0.1 * n if p[(c2 + 0) % 5] + np.tanh(0.1 * c3 * p[(c2 + 0) % 5]) > 0.04 else 0.5))))
                    u += 0.3 * 0.4 * m[k[n % 4] % 3, c2 - 1] + 0.3 * np.cos((np.sum(p) + 2.0 * np.cos(0.1 * c3 * p[c1])))
        if u < np.cos(0.1 * c1 * 1.3) and p[n] > 0.15:
            p[c1], p[c1] = p[c1] * 0.9, p[c1]
            if (not u > 0.1 or p[n - 1] < 0.85):
                break
        elif c1 % 2 == 0:
            if m[(n + 3) % 3, -1] + np.cos(m[1, n - 1] * m[1, k[n % 4] % 4]) >= 0.04:
                for i4 in range(k[c1 % 4] % 3):
                    pass
        else:
            pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
