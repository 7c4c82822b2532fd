"""Programs with assert, in a module whose asserts pytest does not rewrite."""


def assertions(x, n):
    assert x > 0.0
    assert n != 3, "n is three"
    assert n < 10, f"n = {n} and x = {x:.3f} {{}}"
    if n == 5:
        raise ValueError("five")
    if n == 6:
        raise ValueError
    if n == 7:
        y = x * 2.0
        raise RuntimeError(f"{y} at {n}")
    return x
