"""Random programs: all ways of running them agree. A fixed budget here; `python -m tests.properties.fuzz` for hours."""

from __future__ import annotations

import ast
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.properties.generate import arguments, programs

pytestmark = pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")  # random programs need not use all they are given

QUIET = list(HealthCheck)
SHARDS = 4
EXAMPLES = int(os.environ.get("ONEFORM_FUZZ_EXAMPLES", "40"))


def features(text: str) -> set[str]:
    """Which of the hard constructs a program has."""
    found: set[str] = set()

    def walk(node: ast.AST, path: tuple[str, ...]) -> None:
        kind = type(node).__name__
        if isinstance(node, (ast.For, ast.While)):
            found.add(kind)
            loops = [p for p in path if p in ("For", "While")]
            found.update({f"{kind} in {loops[-1]}"} if loops else set())
            found.update({"loop in branch"} if "If" in path else set())
        inside = "For" in path or "While" in path
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for t in target.elts if isinstance(target, ast.Tuple) else [target]:
                    if isinstance(t, ast.Subscript):
                        found.add("write in loop" if inside else "write")
                        found.update({"write in while"} if "While" in path else set())
                        found.update({"slice write"} if isinstance(t.slice, ast.Slice) else set())
                        found.update({"scatter"} if "k[" in ast.unparse(t.slice) else set())
                    elif isinstance(t, ast.Name) and t.id[0] in "apm" and inside:
                        found.add("array carried by name")
                    elif isinstance(t, ast.Name) and t.id.startswith("w"):
                        found.add("view in loop" if inside else "view")
        if isinstance(node, (ast.Break, ast.Continue)):
            found.add(kind)
        if isinstance(node, ast.Return) and ("If" in path):
            found.add("return in loop" if inside else "early return")
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("helper"):
            found.add("helper call in loop" if inside else "helper call")
        if isinstance(node, ast.IfExp):
            found.add("ternary")
        for child in ast.iter_child_nodes(node):
            walk(child, (*path, kind))

    walk(ast.parse(text), ())
    return found


def test_generated_programs_run_and_cover_the_language() -> None:
    """Every program is valid Python, and each hard construct appears in a fair share of them."""
    seen: Counter[str] = Counter()
    count = 0

    @settings(max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=QUIET, phases=[Phase.generate])
    @given(programs())
    def generate(drawn: tuple[str, int, int]) -> None:
        nonlocal count
        text, trips, seed = drawn
        space: dict[str, Any] = {}
        exec(compile(text, "<generated>", "exec"), space)
        assert isinstance(space["program"](*arguments(trips, seed)), float)
        count += 1
        seen.update(features(text))

    generate()
    wanted = ["For", "While", "For in For", "While in For", "For in While", "loop in branch", "write in loop", "write in while", "scatter", "slice write"]
    wanted += [
        "array carried by name",
        "view",
        "view in loop",
        "Break",
        "Continue",
        "early return",
        "return in loop",
        "helper call",
        "helper call in loop",
        "ternary",
    ]
    rare = {name: seen[name] for name in wanted if seen[name] < 0.02 * count}
    assert not rare, f"of {count} programs: {rare}"


@pytest.mark.parametrize("shard", range(SHARDS))
def test_all_ways_agree(shard: int) -> None:
    """A share of the budget each, so that they run side by side, each with programs of its own."""
    from tests.properties.agree import check

    outcomes: Counter[str] = Counter()

    @seed(20_000 + shard)
    @settings(max_examples=max(1, EXAMPLES // SHARDS), deadline=None, database=None, suppress_health_check=QUIET)
    @given(programs())
    def agree(drawn: tuple[str, int, int]) -> None:
        outcomes[check(*drawn)] += 1

    agree()
    assert outcomes["agree"] >= 0.5 * sum(outcomes.values()), f"most programs were not compared: {outcomes}"
