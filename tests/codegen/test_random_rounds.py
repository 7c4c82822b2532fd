"""Random loops in lanes give what they give one round after the other, and so do their derivatives."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.codegen import control
from oneform.codegen.lanes import find_abreast
from oneform.optimise import optimise
from tests.codegen.driver import Compiled
from tests.codegen.random_rounds import Rounds

SIZES = [(1, 4), (9, 3), (37, 19)]


def arguments(n: int, m: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(n + 100 * m)
    return rng.uniform(-1.0, 1.0, (n, m)), rng.uniform(-1.0, 1.0, (11, m)), rng.integers(-n, n, n)


def compiled(g: Any, lanes: bool) -> tuple[Compiled, int]:
    found: list[Any] = []

    def find(*args: Any) -> Any:
        found.append(find_abreast(*args) if lanes else None)
        return found[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "find_abreast", find)
        return Compiled(optimise(of.trace(g)(*arguments(20, 20)).function)), sum(x is not None for x in found)


def agree(seed: int, folder: Path) -> int:
    """Compare, and tell how many loops were in lanes."""
    path = folder / f"rounds_{seed}.py"
    path.write_text(Rounds(seed).source())
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    total = 0
    for g in (module.f, of.value_and_grad(module.f, argnums=(0, 1))):
        (lanes, count), (plain, _) = compiled(g, True), compiled(g, False)
        total += count
        for n, m in SIZES:
            expected = plain(*arguments(n, m))
            for x, y in zip(lanes(*arguments(n, m)), expected, strict=True):
                np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)
            if g is module.f:
                np.testing.assert_allclose(expected[0], module.f(*arguments(n, m)), rtol=1e-9, atol=1e-9)
    return total


@pytest.mark.parametrize("seed", range(12))
def test_random_rounds(seed: int, tmp_path: Path) -> None:
    agree(seed, tmp_path)


def test_the_generator_makes_loops_for_lanes(tmp_path: Path) -> None:
    assert sum(agree(seed, tmp_path) > 0 for seed in range(100, 103)) >= 1
