"""Values that are read twice by each of forty lines in turn: whoever follows them from reader to what is read must not go there again for each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oneform as of
from tests.source import define

LINES = {
    "integers": "j = (j * j + j * {k} + {k}) % 97",
    "bits": "j = (j ^ (j << 1)) + (j & {k})",
    "sums": "j = j + j - {k}",
    "extremes": "j = min(j + {k}, max(j - {k}, j // 2))",
    "quotients": "y = y * (y + {k}.0) / (y * y + {k}.0)",
    "float sums": "y = y + y * 0.5 - y * y * 0.01",
    "truth": "b = (b and j > {k}) or (not b and j < {k})",
    "choices": "y = np.where(y > 0.5, y * 0.7, y * 1.9)",
}


def chain(line: str, target: str) -> Any:
    body = "\n        ".join(line.format(k=k + 1) for k in range(40))
    return define(
        f"""
def f(x, n):
    out = np.zeros(len(x))
    for i in range(n):
        j, y, b = i, x[i % len(x)], i > 2
        {body}
        {target}
    return np.sum(out * out)
""",
        {"np": np},
    )["f"]


@pytest.mark.parametrize("target", ["out[j % len(x)] += y * (2.0 if b else 1.0)", "out[0] += y * x[j % len(x)]"], ids=["scattered", "gathered"])
@pytest.mark.parametrize("line", LINES)
def test_compilation_ends(line: str, target: str) -> None:
    f, x = chain(LINES[line], target), np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(of.jit(f)(x, 7), f(x, 7), rtol=1e-9)
    gradient = of.grad(f)(x, 7)
    v = np.linspace(1.0, -1.0, 5)
    assert of.jvp(f, (x, 7), (v, None))[1] == pytest.approx(float(np.dot(gradient, v)), rel=1e-9, abs=1e-12)


NESTS = {
    "array": "y[i, k] = x[j % len(x)] * x[i % len(x)]",
    "sum": "s += x[j % len(x)] * x[i % len(x)]",
    "additions": "y[i, j % 5] += x[j % len(x)] * x[i % len(x)]",
    "doubled": "s = s + s * 0.001 + x[j % len(x)] * x[k % len(x)]",
}


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("line", ["j = (j * j + j) % {m}", "j = j * j + j"])
@pytest.mark.parametrize("target", NESTS)
def test_compilation_of_nests_ends(target: str, line: str, parallel: bool) -> None:
    body = "\n            ".join(line.format(m=97 + k) for k in range(30))
    f = define(
        f"""
def f(x, n):
    y, s = np.zeros((n, 5)), 0.0
    for i in range(n):
        for k in range(5):
            j = i + k
            {body}
            {NESTS[target]}
    return np.sum(y * y) + s * s
""",
        {"np": np},
    )["f"]
    x, v = np.linspace(0.1, 0.9, 5), np.linspace(1.0, -1.0, 5)
    value, gradient = of.value_and_grad(f, parallel=parallel)(x, 4)
    if "%" in line:  # else Python's integers outgrow ours
        assert value == pytest.approx(f(x, 4), rel=1e-12)
    assert of.jvp(f, (x, 4), (v, None))[1] == pytest.approx(float(np.dot(gradient, v)), rel=1e-9, abs=1e-12)
