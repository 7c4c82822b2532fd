"""ARCHITECTURE.md shows what the compiler prints today, and stays short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import oneform as of

PAGE = (Path(__file__).parents[2] / "ARCHITECTURE.md").read_text()


def logistic(a, x, steps):
    for _ in range(steps):
        x = a * x * (1.0 - x)
    return x


STAGES = {
    "trace": lambda: str(of.trace(logistic)(3.7, 0.3, 10)),
    "optimised": lambda: str(of.lower(of.grad(logistic, argnums=(0, 1)))(3.7, 0.3, 10).optimised()),
}


@pytest.mark.parametrize("stage", STAGES)
def test_the_page_shows_the_real_stage(stage: str) -> None:
    (shown,) = re.findall(rf"```oneform {stage}\n(.*?)```", PAGE, re.S)
    assert shown.strip() == STAGES[stage]().strip()


def test_the_page_is_short() -> None:
    assert PAGE.count("\n") <= 300
