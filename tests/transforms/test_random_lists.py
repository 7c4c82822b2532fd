"""Random programs over lists: compiled against interpreted, forward against differences, reverse against forward, to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oneform.ir import verify
from tests.agreement import agree
from tests.transforms.random_lists import Maker


def arguments(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [np.float64(rng.uniform(-1, 1)), rng.uniform(-1, 1, 4), np.float64(rng.uniform(-1, 1)), np.int64(2)]


def check(seed: int) -> None:
    agree(verify(Maker(seed, 4 + seed % 23).program()), arguments(seed), [0, 1, 2], [0, 1], seed)


@pytest.mark.parametrize("block", range(8))
def test_lists(block: int) -> None:
    for seed in range(6 * block, 6 * (block + 1)):
        check(seed)
