"""A formula as a tree of objects: evaluated, and its constants fitted to data by the gradient, which comes back as a tree of the same shape.

Methods are chosen by the class of each node while the compiled program runs, so one compilation serves formulas of any size and shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import oneform as of


class Expr:
    pass


@dataclass
class Constant(Expr):
    value: float

    def at(self, x):
        return self.value


@dataclass
class Variable(Expr):
    def at(self, x):
        return x


@dataclass
class Sum(Expr):
    a: Expr
    b: Expr

    def at(self, x):
        return self.a.at(x) + self.b.at(x)


@dataclass
class Product(Expr):
    a: Expr
    b: Expr

    def at(self, x):
        return self.a.at(x) * self.b.at(x)


@dataclass
class Sine(Expr):
    a: Expr

    def at(self, x):
        return math.sin(self.a.at(x))


def loss(formula, x, y):
    """Mean squared difference from the data."""
    total = 0.0
    for i in range(len(x)):
        total += (formula.at(x[i]) - y[i]) ** 2
    return total / len(x)


def formula(a, b, c):
    """a * sin(b * x) + c"""
    return Sum(Product(Constant(a), Sine(Product(Constant(b), Variable()))), Constant(c))


def stepped(e, slope, rate):
    """The same formula, its constants a step down the slope."""
    if isinstance(e, Constant):
        return Constant(e.value - rate * slope.value)
    if isinstance(e, Variable):
        return e
    if isinstance(e, Sine):
        return Sine(stepped(e.a, slope.a, rate))
    return type(e)(stepped(e.a, slope.a, rate), stepped(e.b, slope.b, rate))


def example():
    """Arguments for `oneform check examples/expression_tree.py:loss`."""
    x = np.linspace(-2.0, 2.0, 41)
    return formula(1.0, 1.2, 0.0), x, 2.0 * np.sin(1.5 * x) + 0.5


def main():
    e, x, y = example()
    value_and_grad = of.value_and_grad(loss)
    value = math.inf
    for _ in range(600):
        value, slope = value_and_grad(e, x, y)
        e = stepped(e, slope, 0.1)
    print(f"{e.a.a.value:.4f} * sin({e.a.b.a.a.value:.4f} * x) + {e.b.value:.4f}, loss {value:.1e} (true: 2 * sin(1.5 * x) + 0.5)")
    return e


if __name__ == "__main__":
    main()
