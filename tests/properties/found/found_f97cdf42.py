"""Found by tests/properties/fuzz.py."""
# KeyError: <i64>
TRIPS, SEED = 4, 128

import numpy as np


def helper0(s, t, a):
    if (not t > 0.1 or s < 0.15):
        if -0.9 < a[-3] < 0.04:
            for i1 in range(1 - 1, -1, -1):
                for i2 in range(2):
                    pass
        else:
            pass
    elif a[-3] + a[2] / (1.0 + s * s) > 0.85:
        pass
    else:
        pass
    return 0.5 * s + t + a[0]


def helper1(s, t, a):
    for i1 in range(0):
        a[::2] = t
    return 0.5 * s + t + a[0]


def program(x, y, p, m, n, k):
    u = 0.3 * x
    c1 = 0
    while c1 < 3 and x + -0.7 > 0.15:
        c1 += 1
        if -0.9 < 0.1 * n < 0.85:
            c2 = 0
            while c2 < 1 and p[(c1 + 3) % 5] + (p[(c1 + 3) % 5] + 2.0 * p[c1]) > 0.04:
                c2 += 1
                for i3 in range(3 - 1, -1, -1):
                    p[c1], p[k[i3 % 4] % 5] = p[k[i3 % 4] % 5] * 0.9, p[c1]
                    m[c2, i3] = np.sin(x / (1.0 + p[i3] * p[i3]) / (1.0 + p[n] * p[n]))
            m[c2, c2 - 1] = 0.4 * 0.1 * c2 + 0.3 * np.cos(np.sin(max(m[(c2 + 3) % 3, c2 - 1], 0.1 * n)))
        elif -0.9 < m[2, k[c1 % 4] % 4] < 0.04:
            c4 = 0
            while c4 < 4 and (not p[k[c1 % 4] % 5] > 0.1 or 0.1 * c1 < 0.85):
                c4 += 1
                p[c4 - 1] = 0.5 * np.tanh(y)
            m[2, c1] -= 0.1 * np.sin(p[c4])
        else:
            p[c1], p[(c1 + 1) % 5] = p[(c1 + 1) % 5] * 0.9, p[c1]
            p *= np.cos(0.1 * c1 * helper0(p[c1], p[(c1 + 0) % 5], p)) / (1.5 + abs(np.cos(0.1 * c1 * helper0(p[c1], p[(c1 + 0) % 5], p))))
            v5 = np.sin(np.maximum((p[c1] - 0.1 * c1), u))
        a6 = np.full(3, x)
        for v7 in a6:
            if m[k[c1 % 4] % 3, c1] + (m[1, (n + 1) % 4] + 0.5 * m[-2, (n + 0) % 4]) <= 0.4:
                y += 0.3 * (helper0(m[0, k[n % 4] % 4], a6[(c1 + 1) % 3], a6) if -0.9 < a6[c1 - 1] < 0.04 else np.sin(-0.7)) / (1.5 + abs((helper0(m[0, k[n % 4] % 4], a6[(c1 + 1) % 3], a6) if -0.9 < a6[c1 - 1] < 0.04 else np.sin(-0.7))))
            m[-2, c1] = 0.5 * np.tanh(np.cos(p[(n + 1) % 5] * 0.5) / (1.0 + a6[0] * a6[0]))
    for i8 in range(1, 3):
        if y + (p[(c1 + 1) % 5] if -0.9 < p[c1] < 0.04 else p[k[c1 % 4] % 5]) < 0.15:
            pass
    return 0.3 * x + 0.5 * y + 0.7 * u + np.sum(p * p) * 0.7 + p[0] + np.sum(m * m[0])
