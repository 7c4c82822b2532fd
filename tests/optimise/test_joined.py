"""Random programs over vectors of one length: sums, extrema, elements and what reads them, with their derivatives, before and after loops are joined."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from oneform.ir import Builder, Function, Value, verify
from oneform.ops import Term, apply, array, dim
from oneform.types import F64, Array, Scalar
from tests.agreement import agree


def function(rng: random.Random) -> Function:
    """(x, y, a) -> a number, one or two vectors."""
    b = Builder()
    vectors = [b.param(Array(F64, ("n",))) for _ in range(2)]
    numbers = [b.param(Scalar(F64))]
    n = dim(b, vectors[0], 0)

    def element(body: Builder, index: list[Value]) -> Value:
        v = Term(body, body.emit1(array.get, rng.choice(vectors), *index))
        for _ in range(rng.randint(0, 3)):
            w = Term(body, rng.choice(numbers)) if rng.random() < 0.4 else Term(body, body.emit1(array.get, rng.choice(vectors), *index))
            match rng.randint(0, 5):
                case 0:
                    v = apply("exp", apply("tanh", v))
                case 1:
                    v = apply("sin", v)
                case 2:
                    v = v + w
                case 3:
                    v = v * w
                case 4:
                    v = v - w
                case _:
                    v = apply("select", apply("gt", v, w), v, apply("sqrt", v * v + 1.0))
        return v.v

    for _ in range(rng.randint(2, 6)):
        kind = rng.choice(["", "", "add", "add", "max", "number"])
        if kind == "number":
            s, t = (Term(b, rng.choice(numbers)) for _ in range(2))
            numbers.append(apply("tanh", s * t + s).v)
        elif kind == "":
            vectors.append(array.build(b, ("n",), [n], element))
        else:
            total = array.build(b, (), [n], element, extent=("n",), reduce=kind)
            numbers.append(apply("tanh", Term(b, total)).v if kind == "add" else total)
    total = array.build(b, (), [n], element, extent=("n",), reduce="add")
    return verify(b.function("f", total, numbers[-1], *({vectors[-1]} - set(b.params))))


@pytest.mark.parametrize("seed", range(6))
def test_vectors_of_one_length(seed: int):
    rng = random.Random(seed)
    f = function(rng)
    numbers = np.random.default_rng(seed)
    n = rng.choice([1, 5, 33])
    args: list[Any] = [numbers.normal(size=n), numbers.normal(size=n), numbers.normal()]
    agree(f, args, (0, 1, 2), range(len(f.results)), seed)
