"""Random programs for hours: python -m tests.properties.fuzz --minutes 30. Failures are shrunk and kept in tests/properties/found/."""

from __future__ import annotations

import argparse
import hashlib
import os
import time
import warnings
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

import oneform as of
from tests.properties.agree import check
from tests.properties.generate import programs

FOUND = Path(__file__).parent / "found"
Drawn = tuple[str, int, int]


def batch(number: int, examples: int, size: int, deadline: float, outcomes: Counter[str], shrink: bool) -> tuple[Drawn, BaseException] | None:
    """Some hundred programs from one seed; the shrunk failure, if there is one."""
    last: list[tuple[Drawn, BaseException]] = []

    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
    )
    @given(programs(size))
    def attempt(drawn: Drawn) -> None:
        if not last and time.monotonic() > deadline:
            return
        try:
            outcomes[check(*drawn)] += 1
        except Exception as failure:
            last[:] = [(drawn, failure)]
            raise

    try:
        attempt()
    except Exception as failure:
        if not last:  # a fault of the generator itself
            raise
        return last[0][0], failure
    return None


def save(drawn: Drawn, failure: BaseException, folder: Path = FOUND) -> Path:
    """The failing program as a file that test_found.py runs from then on."""
    text, trips, number = drawn
    folder.mkdir(exist_ok=True)
    path = folder / f"found_{hashlib.sha256(text.encode()).hexdigest()[:8]}.py"
    reason = f"{type(failure).__name__}: {failure}".splitlines()
    head = "\n".join(f"# {line}"[:160] for line in reason[:12])
    path.write_text(f'"""Found by tests/properties/fuzz.py."""\n{head}\nTRIPS, SEED = {trips}, {number}\n\n{text}', encoding="utf-8")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("ONEFORM_FUZZ_SECONDS", "1800")) / 60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--size", type=int, default=20, help="statements of a program, at most")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--no-shrink", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore", of.ZeroGradientWarning)
    os.environ.setdefault("ONEFORM_CACHE", "0")  # no program comes twice
    start = time.monotonic()
    deadline = start + 60.0 * options.minutes
    outcomes: Counter[str] = Counter()
    number = options.seed
    while time.monotonic() < deadline:
        failed = batch(number, options.batch, options.size, deadline, outcomes, not options.no_shrink)
        print(f"{time.monotonic() - start:7.0f} s  seed {number}  {dict(outcomes)}", flush=True)
        if failed is not None:
            path = save(*failed)
            outcomes["failed"] += 1
            print(f"FAILED, kept in {path}:\n{failed[0][0]}\n{type(failed[1]).__name__}: {failed[1]}", flush=True)
        number += 1


if __name__ == "__main__":
    main()
