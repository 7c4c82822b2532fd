"""Lynx and hare: the Lotka–Volterra equations fitted to the Hudson Bay counts of 1900–1920.

`loss` is the whole program that Oneform compiles: an adaptive Runge–Kutta integrator, written as a plain `while` loop
that accepts and rejects steps, run from each observation to the next, and the squared error of the logarithms. It runs
under CPython as it stands. Run this file, or `oneform demo`, to fit it by its compiled gradient.

    hare' =  alpha * hare - beta * hare * lynx
    lynx' = -gamma * lynx + delta * hare * lynx
"""

import numpy as np

# The parameters are positive and differ in size, so the program takes their logarithms.
NAMES = ("alpha", "beta", "gamma", "delta", "hare(1900)", "lynx(1900)")
START = np.log(np.array([0.5, 0.02, 1.0, 0.02, 30.0, 5.0]))

TOLERANCE = 1e-9  # local error allowed per step, relative to the size of the state


def growth(hare, lynx, alpha, beta, gamma, delta):
    """The right-hand side of the equations."""
    return hare * (alpha - beta * lynx), lynx * (delta * hare - gamma)


def dormand_prince_step(h, l, dt, a, b, c, d):
    """One step of the Dormand–Prince pair: the solution of order 5, and its distance from the one of order 4."""
    h1, l1 = growth(h, l, a, b, c, d)
    h2, l2 = growth(h + dt * (1 / 5 * h1), l + dt * (1 / 5 * l1), a, b, c, d)
    h3, l3 = growth(h + dt * (3 / 40 * h1 + 9 / 40 * h2), l + dt * (3 / 40 * l1 + 9 / 40 * l2), a, b, c, d)
    h4, l4 = growth(
        h + dt * (44 / 45 * h1 - 56 / 15 * h2 + 32 / 9 * h3),
        l + dt * (44 / 45 * l1 - 56 / 15 * l2 + 32 / 9 * l3),
        a, b, c, d,
    )  # fmt: skip
    h5, l5 = growth(
        h + dt * (19372 / 6561 * h1 - 25360 / 2187 * h2 + 64448 / 6561 * h3 - 212 / 729 * h4),
        l + dt * (19372 / 6561 * l1 - 25360 / 2187 * l2 + 64448 / 6561 * l3 - 212 / 729 * l4),
        a, b, c, d,
    )  # fmt: skip
    h6, l6 = growth(
        h + dt * (9017 / 3168 * h1 - 355 / 33 * h2 + 46732 / 5247 * h3 + 49 / 176 * h4 - 5103 / 18656 * h5),
        l + dt * (9017 / 3168 * l1 - 355 / 33 * l2 + 46732 / 5247 * l3 + 49 / 176 * l4 - 5103 / 18656 * l5),
        a, b, c, d,
    )  # fmt: skip
    hare = h + dt * (35 / 384 * h1 + 500 / 1113 * h3 + 125 / 192 * h4 - 2187 / 6784 * h5 + 11 / 84 * h6)
    lynx = l + dt * (35 / 384 * l1 + 500 / 1113 * l3 + 125 / 192 * l4 - 2187 / 6784 * l5 + 11 / 84 * l6)
    h7, l7 = growth(hare, lynx, a, b, c, d)
    hare_error = dt * (71 / 57600 * h1 - 71 / 16695 * h3 + 71 / 1920 * h4 - 17253 / 339200 * h5 + 22 / 525 * h6 - 1 / 40 * h7)
    lynx_error = dt * (71 / 57600 * l1 - 71 / 16695 * l3 + 71 / 1920 * l4 - 17253 / 339200 * l5 + 22 / 525 * l6 - 1 / 40 * l7)
    return hare, lynx, hare_error, lynx_error


def integrate(h, l, start, end, dt, a, b, c, d):
    """The state at `end`, and the step to try next. The trip count depends on the errors met on the way."""
    t = start
    while t < end:
        last = dt >= end - t
        step = end - t if last else dt
        assert step > 1e-12 and h > 0.0 and l > 0.0, "the populations have left the range in which they can be integrated"
        hare, lynx, hare_error, lynx_error = dormand_prince_step(h, l, step, a, b, c, d)
        error = np.sqrt(0.5 * ((hare_error / hare) ** 2 + (lynx_error / lynx) ** 2)) / TOLERANCE
        if error <= 1.0:  # accept
            t = end if last else t + step
            h, l = hare, lynx
        if not (last and error <= 1.0):  # a step cut short by `end` says nothing about the step to try next
            dt = step * min(5.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2))
    return h, l, dt


def solve(theta, years):
    """The populations at each of the years; `theta` holds logarithms in the order of NAMES."""
    a, b, c, d = np.exp(theta[0]), np.exp(theta[1]), np.exp(theta[2]), np.exp(theta[3])
    h, l, dt = np.exp(theta[4]), np.exp(theta[5]), 0.1
    out = np.zeros((years.shape[0], 2))
    out[0, 0], out[0, 1] = h, l
    for i in range(1, years.shape[0]):
        h, l, dt = integrate(h, l, years[i - 1], years[i], dt, a, b, c, d)
        out[i, 0], out[i, 1] = h, l
    return out


def loss(theta, years, counts):
    """Sum of squared differences of logarithms: counts of animals err by a factor, not by an amount."""
    populations = solve(theta, years)
    total = 0.0
    for i in range(counts.shape[0]):
        for species in range(2):
            total += (np.log(populations[i, species]) - np.log(counts[i, species])) ** 2
    return total


def example():
    """Arguments for `oneform check examples/lynx_hare.py:loss`."""
    from oneform.demo import read_counts

    years, counts = read_counts()
    return START, years, counts


if __name__ == "__main__":
    from oneform.demo import main

    main()
