"""The logistic map: a loop over one scalar, with the parameter and the start active."""


def logistic(a, x0, steps):
    x = x0
    for _ in range(steps):
        x = a * x * (1.0 - x)
    return x


def example():
    # At a = 3 the map neither contracts nor spreads, so the derivative is neither zero nor infinite after 10⁶ steps.
    return 3.0, 0.2, 1_000_000
