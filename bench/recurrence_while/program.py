"""The logistic map until the sum of its values passes a bound: only the data knows the number of steps."""


def logistic_until(a, x0, bound):
    x, total = x0, 0.0
    while total < bound:
        x = a * x * (1.0 - x)
        total += x
    return total + x


def example():
    return 3.0, 0.2, 666_000.0  # about 10⁶ steps, since x tends to 2/3
