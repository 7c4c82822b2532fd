"""The command line: what it prints, its exit codes, and what it says of bad input."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import oneform
from oneform.cli import main

PROGRAM = '''
import numpy as np
import oneform as of

def cube(x):
    return x ** 3

def energy(u, scale):
    total = 0.0
    for i in range(u.shape[0]):
        total += scale * u[i] * u[i]
    return total

def wave(z, amplitudes):
    total = 0j
    for k in range(len(amplitudes)):
        total += amplitudes[k] * z ** k
    return abs(total)

def stepped(x):
    return float(int(x * 1e6)) if x > 0 else x

def hinge(u):
    return np.sum(np.maximum(u, 0.0)) + abs(u[0])

def wrong_at_a_kink(x):
    return bent(x)

@of.custom_jvp
def bent(x):
    return abs(x)

bent.defjvp(lambda p, t: (bent(*p), 2.0 * t[0]))

def unused(x, y):
    return x * x

def out_of_range(u):
    return u[0] + u[7]

def refused(x):
    with open("nothing") as f:
        return x

not_a_function = 3

def example():
    return np.array([1.0, 2.0]), 3.0
'''


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(argv)
    out, err = capsys.readouterr()
    return status, out, err


def test_check_of_complex_arguments(program, capsys) -> None:
    status, out, _ = run(capsys, "check", f"{program}:wave", "--args", "0.5+1j, [1j, 2.0, 0.5-1j]")
    assert status == 0
    assert "argument 0 times i" in out and "argument 1[2] times i" in out


def test_check_with_example(program, capsys) -> None:
    status, out, _ = run(capsys, "check", f"{program}:energy")
    assert status == 0
    assert "value     15.0" in out
    assert "argument 0: [ 6. 12.]" in out
    assert "argument 1: 5." in out
    assert "ratio" in out
    assert "\x1b" not in out  # plain where the output is not a terminal


OBJECTS = """
from __future__ import annotations
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


@dataclass
class Tree:
    x: float
    w: np.ndarray
    left: Tree | None = None
    right: Tree | None = None


class Parameters(NamedTuple):
    a: float
    z: complex


def total(t, d, p, n):
    return weight(t) * d["k"] * p.a + abs(p.z) * n + d["l"][1]


def weight(t):
    if t is None:
        return 0.0
    t.w[0] = t.w[0] * t.x
    return t.x * t.x + np.sum(t.w**2) + 2.0 * weight(t.left) + weight(t.right)


def example():
    return Tree(1.0, np.array([1.0, 2.0]), Tree(0.5, np.ones(2))), {"k": 2.0, "l": [1.0, 3.0]}, Parameters(1.5, 1.0 + 2.0j), 3
"""


def test_check_of_containers_and_objects(tmp_path: Path, capsys) -> None:
    """All that has a derivative inside is compared, each number under its path; an integer is left out."""
    path = tmp_path / "objects_of_all_kinds.py"
    path.write_text(OBJECTS)
    status, out, err = run(capsys, "check", f"{path}:total")
    assert status == 0, out + err
    for name in ("0.x", "0.w[1]", "0.left.x", "0.left.w[0]", "1['k']", "1['l'][1]", "2.a", "2.z times i"):
        assert f"argument {name} " in out
    assert "argument 3" not in out


def test_check_with_literals(program, capsys) -> None:
    status, out, _ = run(capsys, "check", f"{program}:cube", "--args", "2.0")
    assert status == 0
    assert "argument 0: 12." in out


def test_check_with_a_list_as_array(program, capsys) -> None:
    status, out, _ = run(capsys, "check", f"{program}:energy", "--args", "[1.0, 2.0, 3.0], 0.5")
    assert status == 0
    assert "value     7.0" in out


@pytest.mark.parametrize("stage", ["ir", "optimised", "grad", "llvm", "asm"])
def test_show(program, capsys, stage: str) -> None:
    status, out, err = run(capsys, "show", f"{program}:cube", "--stage", stage, "--args", "2.0")
    assert status == 0, err
    assert {"ir": "function", "optimised": "function", "grad": "function", "llvm": "define", "asm": "ret"}[stage] in out


def test_show_the_gradient_of_a_later_stage(program, capsys) -> None:
    plain = run(capsys, "show", f"{program}:cube", "--stage", "llvm", "--args", "2.0")[1]
    gradient = run(capsys, "show", f"{program}:cube", "--stage", "llvm", "--args", "2.0", "--grad")[1]
    assert plain != gradient


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["check", "absent.py:f"], "there is no file 'absent.py'"),
        (["check", "absent.py"], "write FILE.py:FUNC"),
        (["check", "{program}:absent"], "has no function 'absent'; it has cube, energy"),
        (["check", "{program}:not_a_function"], "has no function 'not_a_function'"),
        (["check", "{program}:cube", "--args", "import os"], "is not a sequence of Python literals"),
        (["check", "{program}:cube", "--args", "3"], "nothing to differentiate"),
        (["check", "{program}:energy", "--args", "[[1.0], 2.0], 1.0"], "not a regular array"),
        (["demo", "--directory", "/nowhere/at/all"], "there is no directory"),
    ],
)
def test_commands_that_cannot_be_carried_out(program, capsys, argv: list[str], message: str) -> None:
    status, out, err = run(capsys, *(word.replace("{program}", program) for word in argv))
    assert status == 2
    assert message in err
    assert not out


def test_no_example(tmp_path: Path, capsys) -> None:
    path = tmp_path / "bare.py"
    path.write_text("def f(x):\n    return x\n")
    status, _, err = run(capsys, "check", f"{path}:f")
    assert status == 2
    assert "add one that returns the arguments, or give --args" in err


def test_a_file_that_fails_on_import(tmp_path: Path, capsys) -> None:
    path = tmp_path / "broken.py"
    path.write_text("import no_such_module_anywhere\n")
    status, _, err = run(capsys, "check", f"{path}:f")
    assert status == 2
    assert "no_such_module_anywhere" in err


def test_a_program_that_is_refused(program, capsys) -> None:
    status, _, err = run(capsys, "check", f"{program}:refused", "--args", "1.0")
    assert status == 1
    assert "E001" in err
    assert 'with open("nothing") as f' in err
    assert "^" in err


def test_a_program_that_raises(program, capsys) -> None:
    status, _, err = run(capsys, "check", f"{program}:out_of_range", "--args", "[1.0, 2.0]")
    assert status == 1
    assert "IndexError" in err
    assert "u[7]" in err
    assert "cli.py" not in err


def test_a_derivative_that_differences_do_not_confirm(program, capsys) -> None:
    status, out, _ = run(capsys, "check", f"{program}:stepped", "--args", "1.5")
    assert status == 1
    assert "disagrees with differences" in out


def test_a_kink_is_printed(program, capsys) -> None:
    status, out, _ = run(capsys, "check", f"{program}:hinge", "--args", "[0.0, 1.0, -2.0, 0.0]")
    assert status == 0
    assert "kink      argument 0[0]: the derivative is -1 from the left and 2 from the right" in out
    assert "kink      argument 0[3]: the derivative is 0" in out and out.count("kink") == 2
    status, out, _ = run(capsys, "check", f"{program}:wrong_at_a_kink", "--args", "0.0")
    assert status == 1 and "kink" in out and "disagrees" in out
    status, out, _ = run(capsys, "check", f"{program}:cube", "--args", "1.0")
    assert "kink" not in out


def test_a_gradient_that_is_zero_everywhere_is_noted(program, capsys) -> None:
    status, out, _ = run(capsys, "check", f"{program}:unused", "--args", "1.0, 2.0")
    assert status == 0 and "note      the gradient of unused by argument `y` is zero everywhere" in out


def test_usage(capsys) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([])
    assert exit_.value.code == 2
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    assert "oneform 0.1" in capsys.readouterr().out


def test_as_a_module(program) -> None:
    command = [sys.executable, "-m", "oneform", "check", f"{program}:cube", "--args", "2.0"]
    environment = os.environ | {"PYTHONPATH": str(Path(oneform.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "gradient" in done.stdout
