"""A function of about 100 lines: a nerve fibre of coupled compartments with Hodgkin–Huxley and two more currents."""

import numpy as np


def cable(theta, cells, steps, dt):
    g_na, g_k, g_l = theta[0], theta[1], theta[2]
    g_a, g_ca = theta[3], theta[4]
    e_na, e_k, e_l = theta[5], theta[6], theta[7]
    capacity, coupling = theta[8], theta[9]
    e_ca = 120.0

    v = np.empty(cells)
    m = np.empty(cells)
    h = np.empty(cells)
    n = np.empty(cells)
    a = np.empty(cells)
    b = np.empty(cells)
    s = np.empty(cells)
    calcium = np.zeros(cells)
    for i in range(cells):
        v[i] = -65.0
        m[i] = 0.05
        h[i] = 0.6
        n[i] = 0.32
        a[i] = 0.1
        b[i] = 0.5
        s[i] = 0.02

    spikes = 0.0
    total = 0.0
    for step in range(steps):
        t = step * dt
        if t < 1.0:
            stimulus = 20.0
        elif t < 2.0:
            stimulus = 20.0 * (2.0 - t)
        else:
            stimulus = 0.0

        before = v[0]
        for i in range(cells):
            u = v[i]

            # sodium
            x = 0.1 * (u + 40.0)
            alpha_m = 1.0 + 0.5 * x if abs(x) < 1e-6 else x / (1.0 - np.exp(-x))
            beta_m = 4.0 * np.exp(-(u + 65.0) / 18.0)
            alpha_h = 0.07 * np.exp(-(u + 65.0) / 20.0)
            beta_h = 1.0 / (1.0 + np.exp(-0.1 * (u + 35.0)))
            sodium = g_na * m[i] ** 3 * h[i] * (u - e_na)

            # potassium, delayed rectifier
            y = 0.1 * (u + 55.0)
            alpha_n = 0.1 + 0.05 * y if abs(y) < 1e-6 else 0.1 * y / (1.0 - np.exp(-y))
            beta_n = 0.125 * np.exp(-(u + 65.0) / 80.0)
            potassium = g_k * n[i] ** 4 * (u - e_k)

            # potassium, transient
            a_rest = 1.0 / (1.0 + np.exp(-(u + 50.0) / 20.0))
            b_rest = 1.0 / (1.0 + np.exp((u + 70.0) / 6.0))
            tau_a = 0.4 + 2.0 / (1.0 + np.exp((u + 40.0) / 10.0))
            tau_b = 5.0 + 10.0 * np.exp(-((u + 60.0) / 30.0) ** 2)
            transient = g_a * a[i] ** 3 * b[i] * (u - e_k)

            # calcium
            s_rest = 1.0 / (1.0 + np.exp(-(u + 20.0) / 9.0))
            tau_s = 1.0 + 3.0 / np.cosh((u + 30.0) / 20.0)
            inward = g_ca * s[i] ** 2 * (u - e_ca)
            calcium[i] += dt * (-0.002 * inward - 0.05 * calcium[i])
            gate = calcium[i] / (calcium[i] + 1.0)

            # leak, and the neighbours
            leak = g_l * (u - e_l)
            left = before if i > 0 else u
            right = v[i + 1] if i < cells - 1 else u
            flow = coupling * (left - 2.0 * u + right)

            current = sodium + potassium + transient + inward + leak
            current += 0.3 * gate * (u - e_k)
            drive = stimulus if i < 2 else 0.0

            m[i] += dt * (alpha_m * (1.0 - m[i]) - beta_m * m[i])
            h[i] += dt * (alpha_h * (1.0 - h[i]) - beta_h * h[i])
            n[i] += dt * (alpha_n * (1.0 - n[i]) - beta_n * n[i])
            a[i] += dt * (a_rest - a[i]) / tau_a
            b[i] += dt * (b_rest - b[i]) / tau_b
            s[i] += dt * (s_rest - s[i]) / tau_s

            before = u
            v[i] = u + dt * (drive + flow - current) / capacity
            if u < 0.0 <= v[i]:
                spikes += 1.0

        total += v[cells - 1] * v[cells - 1] * dt

    mean = 0.0
    for i in range(cells):
        mean += v[i] / cells
    spread = 0.0
    for i in range(cells):
        spread += (v[i] - mean) ** 2 / cells
    return total + np.sqrt(spread + 1.0) + 0.01 * spikes + np.sum(calcium)


def example(cells=4, steps=5):
    return np.array([120.0, 36.0, 0.3, 10.0, 0.1, 50.0, -77.0, -54.4, 1.0, 1.5]), cells, steps, 0.01
