"""Random recursive programs: compiled against interpreted, forward against differences, reverse against forward, to second order."""

from __future__ import annotations

import pytest

from oneform.ir import verify
from tests.agreement import agree
from tests.transforms.random_recursion import Maker
from tests.transforms.test_random_lists import arguments


def check(seed: int) -> None:
    agree(verify(Maker(seed, 4 + seed % 19).program()), arguments(seed), [0, 1, 2], [0, 1], seed)


@pytest.mark.parametrize("block", range(8))
def test_recursion(block: int) -> None:
    for seed in range(5 * block, 5 * (block + 1)):
        check(seed)
