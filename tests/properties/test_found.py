"""Programs that random search once found to fail: they must agree for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.properties.agree import check

pytestmark = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")

FOUND = sorted((Path(__file__).parent / "found").glob("found_*.py"))


@pytest.mark.parametrize("path", FOUND, ids=lambda p: p.stem)
def test_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("TRIPS, SEED ="))
    trips, seed = (int(part) for part in line.split("=")[1].split(","))
    check(text[text.index("\nimport numpy") + 1 :], trips, seed)
