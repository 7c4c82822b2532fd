"""Random programs with objects for hours: python -m tests.properties.fuzz_objects --seed 1 --minutes 30."""

from __future__ import annotations

import argparse
import faulthandler
import os
import time
import traceback
import warnings
from collections import Counter

os.environ.setdefault("ONEFORM_CACHE", "0")  # no program comes twice

import oneform as of
from tests.properties.objects import program
from tests.properties.objects_agree import check


def one(seed: int, size: int) -> str:
    try:
        return check(seed, size)
    except Exception as e:
        last = traceback.extract_tb(e.__traceback__)[-1]
        print(f"FAILED seed {seed}: {type(e).__name__}: {str(e)[:400]} ({os.path.basename(last.filename)}:{last.lineno} {last.name})", flush=True)
        return "FAILED " + type(e).__name__


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--count", type=int, default=1 << 40)
    parser.add_argument("--size", type=int, default=8, help="statements of a program, roughly")
    parser.add_argument("--show", action="store_true", help="print the program of the seed, without what all programs share")
    options = parser.parse_args()
    warnings.simplefilter("ignore", of.ZeroGradientWarning)
    faulthandler.enable()
    if options.show:
        text = program(options.seed, options.size)
        print(text[text.index("def program(") :])
    outcomes: Counter[str] = Counter()
    end = time.monotonic() + 60.0 * options.minutes
    for number in range(options.seed, options.seed + options.count):
        if time.monotonic() > end:
            break
        what = one(number, options.size)
        outcomes[what] += 1
        if "refused" in what:
            print(f"seed {number}: {what}", flush=True)
        if sum(outcomes.values()) % 50 == 0:
            report(outcomes)
    report(outcomes)


def report(outcomes: Counter[str]) -> None:
    print(f"{sum(outcomes.values())} programs", flush=True)
    for what, count in outcomes.most_common(25):
        print(f"  {count:5d} {what[:230]}", flush=True)


if __name__ == "__main__":
    main()
