"""The benchmarks compare like with like: compiled, CPython and hand-derived C++ agree on small problems."""

import importlib
import shutil

import numpy as np
import pytest

import oneform as of
from bench.arrays.program import PROGRAMS as ARRAY_PROGRAMS
from bench.arrays.program import example
from bench.native import Native
from bench.rivals import agree, flat

PROBLEMS = {
    "recurrence": ("logistic", (3.0, 0.2, 1000), (), (0, 1), ("hand",)),
    "recurrence_while": ("logistic_until", (3.0, 0.2, 666.0), (), (0, 1), ("hand",)),
    "array_recurrence": ("driven", (100,), (100,), (0, 1), ("hand",)),
    "state60": ("network", (), (), (0, 1, 2), ("hand",)),
    "logsumexp": ("mixture", (20, 4, 3), (20, 4, 3), (0, 1, 2), ("hand", "hand_lanes")),
}


@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no g++")
@pytest.mark.parametrize("case", PROBLEMS)
def test_rivals_agree(case: str) -> None:
    name, sizes, trailing, argnums, files = PROBLEMS[case]
    module = importlib.import_module(f"bench.{case}.program")
    function = getattr(module, name)
    args = sizes if case.startswith("recurrence") else module.example(*sizes)
    value, gradient = of.jit(function)(*args), flat(of.grad(function, argnums=argnums)(*args))
    agree("CPython", value, function(*args))
    for file in files:
        native = Native(case, (*args, *trailing), sum(np.size(args[i]) for i in argnums), file)
        agree(file, value, native.value())
        agree(file, gradient, native.gradient())


def test_the_program_whose_compilation_is_timed_is_right() -> None:
    module = importlib.import_module("bench.compile_time.program")
    args = module.example()
    assert of.jit(module.cable)(*args) == pytest.approx(module.cable(*args), rel=1e-10)
    of.check_grads(lambda theta: module.cable(theta, *args[1:]), (args[0],), order=1, modes=("rev",))


def test_generated_sources_are_fresh() -> None:
    generate = importlib.import_module("bench.state60.generate")
    assert (generate.HERE / "program.py").read_text() == generate.python()
    assert (generate.HERE / "hand.cpp").read_text() == generate.cpp()


@pytest.mark.parametrize("name", ARRAY_PROGRAMS)
def test_programs_over_whole_arrays_agree(name: str) -> None:
    """With NumPy, and their gradients with differences along one direction."""
    function = ARRAY_PROGRAMS[name]
    args, argnums = example(name, small=True)
    agree("NumPy", of.jit(function)(*args), function(*args))
    rng, h = np.random.default_rng(1), 1e-6
    direction = [rng.standard_normal(a.shape) if k in argnums else 0.0 * a for k, a in enumerate(args)]
    slope = flat(of.grad(function, argnums=argnums)(*args)) @ flat([direction[k] for k in argnums])
    up, down = (function(*(a + s * d for a, d in zip(args, direction, strict=True))) for s in (h, -h))
    agree("differences", slope, (up - down) / (2 * h), 1e-5)
