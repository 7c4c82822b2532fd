"""hello: x², and its derivative."""

import oneform as of


def square(x):
    return x * x


double = of.grad(square)


def example():
    from bench.gradbench import wire  # which imports programs

    return wire.example("hello")
