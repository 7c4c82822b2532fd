"""Random programs with lists, dicts and objects: a fixed number here; `python -m tests.properties.fuzz_objects` for hours."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.properties.objects_agree import check

pytestmark = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")

SEED, SHARDS, EACH = 7_000, 4, 12


@pytest.mark.parametrize("shard", range(SHARDS))
def test_programs_with_objects_agree(shard: int) -> None:
    first = SEED + shard * EACH
    outcomes: Counter[str] = Counter()
    for seed in range(first, first + EACH):
        outcomes[check(seed).split(" ")[0].rstrip(",")] += 1
    assert outcomes["agree"] >= 0.5 * EACH, f"most programs were not compared: {outcomes}"
