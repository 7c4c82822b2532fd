"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 0, 384

import numpy as np


def helper0(s, t):
    c1 = 0
    while c1 < 3 and (not t > 0.1 or s < 0.85):
        c1 += 1
        s = np.sin((np.cos(0.1 * c1 * s) + -0.7 * max(t, 0.1 * c1)))
    for i2 in range(3 - 1, -1, -1):
        s = np.sin(np.cos(t * np.sin(s)))
    return 0.5 * s + t


def program(x, y, p, m, n, k):
    p = p.copy()
    m = m * 1.0
    u = 0.3 * x
    c1 = 0
    while c1 < 4 and n % 3 == 0:
        c1 += 1
        u += 0.3 * np.sin((p[n - 1] if (not x > 0.1 or u < 0.15) else 0.1 * c1)) / (1.5 + abs(np.sin((p[n - 1] if (not x > 0.1 or u < 0.15) else 0.1 * c1))))
        if x + p[k[n % 4] % 5] / (1.0 + 1.3 * 1.3) < 0.04:
            for i2 in range(2):
                p[(i2 + 3) % 5] *= 0.5 + 0.4 * p[(i2 + 0) % 5] + 0.3 * np.cos(helper0(0.1 * c1, y) / (1.0 + m[i2 - 1, i2] * m[i2 - 1, i2]))
                p[c1 - 1], p[c1] = p[c1] * 0.9, p[c1 - 1]
                p[n] = m[i2, i2] / (1.0 + m[(i2 + 3) % 3, i2] * m[(i2 + 3) % 3, i2]) / (1.5 + abs(m[i2, i2] / (1.0 + m[(i2 + 3) % 3, i2] * m[(i2 + 3) % 3, i2])))
            for i3 in range(n):
                if (not p[n] > 0.1 or m[k[i3 % 4] % 3, k[i3 % 4] % 4] < -0.2):
                    y += 0.3 * helper0(0.1 * i3, 1.3) / (1.5 + abs(helper0(0.1 * i3, 1.3)))
                    u = (0.1 * i3 if -0.9 < p[k[c1 % 4] % 5] < 0.04 else helper0(0.1 * n, p[c1])) / (1.5 + abs((0.1 * i3 if -0.9 < p[k[c1 % 4] % 5] < 0.04 else helper0(0.1 * n, p[c1]))))
                elif p[i3] < np.sum(p) and p[k[c1 % 4] % 5] > 0.04:
                    p = np.sin(p) * m[2, i3]
                else:
                    x = np.sin(m[2, i3])
                    a4 = np.full(4, p[c1])
                    p[i3], p[n - 1] = p[n - 1] * 0.9, p[i3]
        else:
            if c1 % 3 == 0:
                c5 = 0
                while c5 < 2 and m[2, (n + 1) % 4] + np.sin(p[k[n % 4] % 5]) < 0.4:
                    c5 += 1
            elif 0.1 * n + np.maximum(y, 0.1 * n) < 0.85:
                pass
            else:
                pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
