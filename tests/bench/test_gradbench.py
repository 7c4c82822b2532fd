"""GradBench's evals: programs, hand-derived C++ and the tool give the reference's values and derivatives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import oneform as of
from bench.gradbench import inputs, wire
from bench.gradbench.evals import EVALS, FLAGS
from bench.gradbench.programs import ht, ode
from bench.gradbench.race import unnamed
from bench.native import Native

ROOT = Path(__file__).parents[2]
REFERENCES = ROOT.parent / "shared" / "gradbench"
RELATIVE = 1e-9
NESTED = {"particle": 0.2071918746486116, "saddle": [8.246324826140356e-06] * 4}

# (eval, size): `medium` where that is fast, under CPython too only where that is.
CASES = [
    *[(name, size) for name in ("gmm", "ht", "kmeans", "llsq", "lse", "lstm", "ode", "det") for size in ("small", "medium")],
    ("ba", "small"), ("ht", "small_simple"),
]  # fmt: skip
SLOW_IN_CPYTHON = {("kmeans", "medium"), ("lstm", "medium"), ("llsq", "medium"), ("det", "medium"), ("ht", "medium"), ("gmm", "medium"), ("ba", "small")}

# What the compiler does not do yet; an entry goes when its test passes.
MISSING: dict[tuple[str, str], str] = {}


def reference(name: str, size: str) -> tuple[Any, Any, Any]:
    """Input, value and derivative."""
    path = REFERENCES / f"{name}_{size}.json"
    if path.exists():
        found = json.loads(path.read_text())
        return found["input"], found["primal"], found["derivative"]
    if not path.with_suffix(".npz").exists():
        pytest.skip(f"the reference {path} is absent")
    z = np.load(path.with_suffix(".npz"))
    model = {key.removeprefix("model_"): z[key] for key in z.files if key.startswith("model_")}
    data = {"model": model, "correspondences": z["correspondences"], "points": z["points"]}
    return {"theta": z["theta"], "us": z["us"], "data": data}, z["objective"], z["jacobian"]


def numbers(x: Any) -> Any:
    """The numbers of an answer, in an order that both sides share."""
    if isinstance(x, dict):
        return np.concatenate([numbers(x[key]) for key in sorted(x)])
    return np.asarray(x, dtype=float).ravel()


def close(actual: Any, expected: Any) -> None:
    """Relative to the largest number: a small one is no more accurate than the sums it comes from."""
    actual, expected = numbers(actual), numbers(expected)
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    assert np.abs(actual - expected).max() <= RELATIVE * max(np.abs(expected).max(), 1e-300)


def expect_missing(request: pytest.FixtureRequest, name: str, function: str) -> None:
    if (name, function) in MISSING:
        request.applymarker(pytest.mark.xfail(raises=of.CompileError, reason=MISSING[name, function]))


@pytest.mark.parametrize(("name", "size"), [case for case in CASES if case not in SLOW_IN_CPYTHON])
def test_value_in_cpython(name: str, size: str) -> None:
    given, value, _ = reference(name, size)
    function = EVALS[name].value
    assert function is not None
    close(wire.write(name, function, EVALS[name].program(function)(*wire.read(name, given))), value)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_value_compiled(request: pytest.FixtureRequest, name: str, size: str) -> None:
    given, value, _ = reference(name, size)
    function = EVALS[name].value
    assert function is not None
    expect_missing(request, name, function)
    close(wire.write(name, function, EVALS[name].compiled(function)(*wire.read(name, given))), value)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_derivative(request: pytest.FixtureRequest, name: str, size: str) -> None:
    given, _, derivative = reference(name, size)
    (function,) = EVALS[name].derivatives
    expect_missing(request, name, function)
    close(wire.write(name, function, EVALS[name].compiled(function)(*wire.read(name, given))), derivative)


@pytest.mark.parametrize("mode", ["rr", "ff", "fr", "rf"])
@pytest.mark.parametrize("name", NESTED)
def test_nested_derivatives(name: str, mode: str) -> None:
    args = wire.read(name, inputs.make(name, {}))
    close(EVALS[name].compiled(mode)(*args), NESTED[name])


@pytest.mark.parametrize("size", ["small", "small_simple", "medium"])
def test_the_columns_of_theta_by_forward_mode(size: str) -> None:
    given, _, derivative = reference("ht", size)
    close(of.jacfwd(ht.objective)(*wire.read("ht", given)), np.asarray(derivative)[:, -26:])


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
@pytest.mark.parametrize(("name", "size"), CASES)
def test_by_hand(name: str, size: str) -> None:
    given, value, derivative = reference(name, size)
    e, args = EVALS[name], wire.read(name, given)
    native = Native("gradbench/manual", e.native(args), e.result_size(args), name, FLAGS)
    native.timer("time_value")(1)
    out = native.out[: 3 * len(args[2])] if name == "ba" else native.out[: numbers(value).size]
    close(wire.write(name, "objective", out) if name == "ba" else out, value)
    native.timer("time_gradient")(1)
    if name == "ba":
        rows, cols = native.kept[-2:]
        kept = {"rows": rows, "cols": cols, "vals": native.out}
        close({key: [*x[:30], x[-1]] for key, x in kept.items()}, derivative)
    else:
        order = [derivative[key] for key in ("alpha", "mu", "q", "l")] if name == "gmm" else [derivative]
        expected = np.concatenate([numbers(part) for part in order])
        close(native.out[: expected.size], expected)


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
@pytest.mark.parametrize("name", NESTED)
def test_nested_by_hand(name: str) -> None:
    args = wire.read(name, inputs.make(name, {}))
    native = Native("gradbench/manual", args, numbers(NESTED[name]).size, name, FLAGS)
    native.timer("time_gradient")(1)
    close(native.out, NESTED[name])


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
@pytest.mark.parametrize(("n", "s"), [(257, 70), (300, 80), (600, 160)])
def test_blocks_of_the_integrator_by_hand(n: int, s: int) -> None:
    """Several blocks, with inputs so large that the last component moves: those of the eval leave it and its gradient zero."""
    x = np.random.default_rng(0).uniform(n / 6.2, n / 5.0, n)
    native = Native("gradbench/manual", (x, n, s), n, "ode", FLAGS)
    native.timer("time_value")(1)
    close(native.out, of.jit(ode.primal)(x, s))
    native.timer("time_gradient")(1)
    close(native.out, ode.gradient(x, s))


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
@pytest.mark.parametrize("name", [name for name in inputs.QUICK if name not in NESTED])
def test_inputs_of_our_own(name: str) -> None:
    """They depend on the size alone, and program and C++ agree on them, where sizes are odd as well."""
    odd = {"gmm": {"d": 13, "k": 3, "n": 45}, "ba": {"n": 3, "m": 5, "p": 13}, "ht": {"c": 7}, "lstm": {"l": 3, "c": 301}, "kmeans": {"k": 5, "n": 41, "d": 3},
           "llsq": {"n": 71, "m": 13}, "lse": {"n": 2051}, "det": {"l": 6}, "ode": {"n": 37, "s": 11}}  # fmt: skip
    for size in (*inputs.QUICK[name][:1], *([odd[name]] if name in odd else [])):
        args, again = (wire.read(name, inputs.make(name, size)) for _ in range(2))
        np.testing.assert_equal(args, again)
        e = EVALS[name]
        native = Native("gradbench/manual", e.native(args), e.result_size(args), name, FLAGS)
        for function, entry in ((e.value, "time_value"), (e.derivatives[0], "time_gradient")):
            assert function is not None
            native.timer(entry)(1)
            if (name, function) not in MISSING:
                out = e.compiled(function)(*args)
                expected = e.flat(out) if entry == "time_gradient" else numbers(out)
                close(native.out[: expected.size], expected)


def test_sizes_of_the_table() -> None:
    assert {name: len(sizes) for name, sizes in inputs.SIZES.items()} == {
        "hello": 1, "gmm": 25, "ba": 14, "ht": 11, "lstm": 9, "kmeans": 12, "llsq": 11, "lse": 10, "det": 7, "ode": 9, "particle": 1, "saddle": 1,
    }  # fmt: skip
    assert list(inputs.SIZES) == list(EVALS) == list(inputs.QUICK)
    assert type(unnamed(ht.Hand(*range(7)))) is tuple


def drive(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    """The tool's answers, as an eval would get them."""
    lines = "".join(json.dumps({"id": k, **m}, default=lambda x: x.tolist()) + "\n" for k, m in enumerate(messages))
    command, environment = [sys.executable, "-m", "bench.gradbench.tool"], os.environ | {"PYTHONPATH": str(ROOT / "src")}
    out = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    answers = [json.loads(line) for line in out.stdout.splitlines()]
    assert [a.pop("id") for a in answers] == list(range(len(messages)))
    return answers


def test_tool_says_hello() -> None:
    answers = drive(
        {"kind": "start", "eval": "hello"},
        {"kind": "define", "module": "hello"},
        {"kind": "evaluate", "module": "hello", "function": "square", "input": 3.0},
        {"kind": "evaluate", "module": "hello", "function": "double", "input": 9, "description": "9"},
        {"kind": "analysis", "of": 3, "valid": True},
        {"kind": "evaluate", "module": "hello", "function": "cube", "input": 1.0},
        {"kind": "evaluate", "module": "hello", "function": "square", "input": "three"},
        {"kind": "define", "module": "goodbye"},
    )
    assert answers[0] == {"tool": "oneform"} and answers[4] == {}
    assert answers[1]["success"] and answers[1]["timings"][0]["name"] == "compile"
    assert [a["output"] for a in answers[2:4]] == [9.0, 18.0]
    assert [t["name"] for t in answers[2]["timings"]] == ["prepare", "evaluate"]
    assert [a["success"] for a in answers[5:]] == [False] * 3
    assert "cube" in answers[5]["error"] and "could not convert" in answers[6]["error"] and "goodbye" in answers[7]["error"]


@pytest.mark.parametrize(("name", "size"), [("gmm", {"d": 2, "k": 5, "n": 10}), ("lse", {"n": 10}), ("kmeans", {"k": 2, "n": 9, "d": 3}), ("saddle", {})])
def test_tool_evaluates(name: str, size: dict[str, int]) -> None:
    given, e = inputs.make(name, size), EVALS[name]
    functions = [f for f in (e.value, *e.derivatives) if f is not None]
    runs = {"min_runs": 3, "min_seconds": 0.001}
    asked = [{"kind": "evaluate", "module": name, "function": f, "input": given | runs} for f in functions]
    for function, answer in zip(functions, drive({"kind": "start"}, {"kind": "define", "module": name}, *asked)[2:], strict=True):
        assert answer["success"]
        taken = [t["nanoseconds"] for t in answer["timings"] if t["name"] == "evaluate"]
        assert len(taken) >= 3 and sum(taken) >= 1e6
        close(answer["output"], wire.write(name, function, e.compiled(function)(*wire.read(name, given))))


def test_tool_reports_what_does_not_compile() -> None:
    for (name, function), reason in MISSING.items():
        size = inputs.QUICK[name][0]
        (*_, answer) = drive({"kind": "evaluate", "module": name, "function": function, "input": inputs.make(name, size) | {"min_runs": 1, "min_seconds": 0}})
        assert not answer["success"] and answer["error"], reason
