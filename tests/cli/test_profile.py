"""`oneform profile`: what is counted is exact, the hot line is found, and code that is not measured stays as it is."""

import inspect
import sys
import textwrap

import numpy as np
import pytest

import oneform as of
from oneform import profile as profiling
from oneform.cli import main
from oneform.profile import Run, Spent, profile


@pytest.fixture(autouse=True)
def briefly(monkeypatch):
    monkeypatch.setattr(profiling, "AT_LEAST", 0.01)


def at(run: Run, f, text: str) -> Spent:
    """What is spent at the line of f that ends in `# text`."""
    lines, first = inspect.getsourcelines(f)
    line = first + next(k for k, source in enumerate(lines) if source.rstrip().endswith(f"# {text}"))
    return run.lines.get((f.__code__.co_filename, line), Spent())


def nested(x, n, m):
    s = 0.0  # start
    for i in range(n):  # outer
        for j in range(m):  # inner
            x = np.sin(x) + 0.1 * j  # hot
        s += x * i  # warm
    return s


def logistic(a, x, steps):
    k = 0
    while k < steps:  # loop
        x = a * x * (1.0 - x)  # step
        k += 1  # count
    return x


def branch(u):
    s = 0.0
    for v in u:  # loop
        if v > 0.0:  # test
            for k in range(3):  # inner
                s = np.sin(s + v)  # positive
        else:
            s -= v * s  # negative
    return s


def calls(x, n):
    if n < 2:  # test
        return np.exp(x)  # leaf
    return calls(x, n - 1) * calls(x + 1.0, n - 2)  # again


def arrays(u):
    v = np.exp(u)  # made
    for k in range(1, len(u)):  # loop
        v[k] += v[k - 1] * u[k]  # recurrence
    return v[-1]


def test_the_hot_line_has_the_largest_share_of_every_time():
    found = profile(nested, (0.5, 200, 100), (0,))
    for run in (found.value, found.gradient):
        assert at(run, nested, "hot").seconds > 0.7 * run.seconds
        assert at(run, nested, "start").seconds < 0.05 * run.seconds
        assert sum(s.seconds for s in run.lines.values()) == pytest.approx(run.seconds)
        assert 0.0 < run.seconds <= run.call
    assert all(s.reverse == 0.0 for s in found.value.lines.values())
    assert at(found.gradient, nested, "hot").reverse > 0.0 < at(found.gradient, nested, "hot").forward


def test_runs_are_the_trip_counts():
    n, m = 70, 60
    run = profile(nested, (0.5, n, m), (0,)).value
    assert at(run, nested, "hot").runs == n * m
    assert at(run, nested, "warm").runs == n
    inner = next(loop for loop in run.loops if loop.entered == n)
    assert (inner.kind, inner.rounds, inner.last - inner.first) == ("for", n * m, 1)


def test_a_vectorised_loop_is_counted_element_by_element():
    u = np.linspace(0.1, 1.0, 1003)
    found = profile(lambda u: np.sum(np.exp(u) * u), (u,), (0,))
    assert max(s.runs for s in found.value.lines.values()) == 1003


def test_a_while_and_its_tape():
    """The adjoint of a x (1 - x) needs x alone: eight bytes a round. The condition is asked once more than it holds."""
    steps = 1234
    found = profile(logistic, (3.7, 0.3, steps), (0, 1))
    assert at(found.value, logistic, "loop").runs == steps + 1
    assert at(found.value, logistic, "step").runs == at(found.value, logistic, "count").runs == steps
    assert sum(s.saved for s in found.gradient.lines.values()) == at(found.gradient, logistic, "loop").saved == 8 * steps
    assert sum(s.asked for s in found.gradient.lines.values()) >= 8 * steps
    assert sum(s.saved + s.asked for s in found.value.lines.values()) == 0
    assert [loop.reverse for loop in found.gradient.loops] == [False, True]


def test_the_tape_of_a_counted_loop_is_allocated_once():
    def f(a, x, n):
        for _ in range(n):
            x = a * x * (1.0 - x)
        return x

    found = profile(f, (3.7, 0.3, 500), (0, 1)).gradient
    assert sum(s.saved for s in found.lines.values()) == sum(s.asked for s in found.lines.values()) == 8 * 500


def test_sides_of_a_branch_are_counted_apart():
    u = np.array([1.0, -1.0, 2.0, -3.0, 0.5] * 40)
    run = profile(branch, (u,), (0,)).value
    assert (at(run, branch, "positive").runs, at(run, branch, "negative").runs, at(run, branch, "test").runs) == (3 * 120, 80, 200)


def test_recursion_is_counted_call_by_call():
    leaves, inner = {0: 1, 1: 1}, {0: 0, 1: 0}
    for n in range(2, 16):
        leaves[n], inner[n] = leaves[n - 1] + leaves[n - 2], inner[n - 1] + inner[n - 2] + 1
    found = profile(calls, (0.1, 15), (0,))
    assert at(found.value, calls, "leaf").runs == leaves[15]
    assert at(found.value, calls, "again").runs == inner[15]
    assert at(found.value, calls, "test").runs == leaves[15] + inner[15]
    (loop,) = found.value.loops
    assert (loop.kind, loop.entered, loop.rounds) == ("function", 1, leaves[15] + inner[15])


def test_memory_is_that_of_the_line_that_asks_for_it():
    u = np.linspace(0.1, 0.9, 4000)
    given = u.copy()
    run = profile(arrays, (u,), (0,)).value
    assert at(run, arrays, "made").asked == 8 * 4000 == sum(s.asked for s in run.lines.values())
    assert at(run, arrays, "recurrence").runs == 3999
    np.testing.assert_array_equal(u, given)


def test_what_a_function_writes_to_is_left_as_it_was():
    def f(u):
        for k in range(len(u)):
            u[k] *= 2.0
        return u[0] * u[1]

    u = np.array([1.0, 2.0])
    profile(f, (u,), (0,))
    assert list(u) == [1.0, 2.0]


def test_probes_change_neither_results_nor_other_code():
    args = (3.7, 0.3, 100)
    gradient = of.grad(logistic, argnums=(0, 1))
    before = of.lower(gradient)(*args).llvm()
    counting = profiling._Probed(gradient)
    assert counting(*args) == gradient(*args)
    assert counting.lowered is not None
    timing = profiling._Probed(gradient, counting.lowered, profiling._Tree(counting.lowered.function, counting.probe).worth_timing())
    assert timing(*args) == gradient(*args)
    assert timing.timed
    assert of.lower(gradient)(*args).llvm() == before
    assert "readcyclecounter" not in before


def test_a_parallel_function_is_measured_in_one_thread():
    @of.jit(parallel=True)
    def f(u):
        s = 0.0
        for k in range(len(u)):
            s += np.sin(u[k]) ** 2
        return s

    u = np.linspace(0.0, 1.0, 100_000)
    probed = profiling._Probed(f)
    assert probed(u) == pytest.approx(f(u))
    (version,) = probed.family.versions[next(iter(probed.family.versions))]
    assert b"of.pool" not in version.spec.image.code
    assert sum(loop.rounds for loop in profile(f, (u,), (0,)).value.loops) == 100_000


PROGRAM = '''
import numpy as np

def energy(u, n):
    total = 0.0
    for k in range(n):
        total = np.sin(total) + u[k % 3]
    return total

def example():
    return np.array([1.0, 2.0, 3.0]), 3000
'''


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "energies.py"
    path.write_text(textwrap.dedent(PROGRAM))
    return f"{path}:energy"


def test_the_tables_and_the_picture(target, tmp_path, capsys):
    picture = tmp_path / "lines.png"
    assert main(["profile", target, "--plot", str(picture)]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if "total = np.sin(total)" in line)
    assert "3,000" in row and row.split("│")[1].strip() == "7"
    for text in ("in all", "ratio", "reverse", "24 kB", "probes", str(picture)):
        assert text in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_arguments_as_for_check(target, capsys):
    assert main(["profile", target, "--args", "[1.0, 2.0, 3.0], 777"]) == 0
    assert "777" in capsys.readouterr().out


def test_a_picture_that_cannot_be_drawn(target, tmp_path, capsys, monkeypatch):
    assert main(["profile", target, "--plot", str(tmp_path / "nowhere" / "x.png")]) == 2
    assert "there is no directory" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["profile", target, "--plot", str(tmp_path / "x.png")]) == 2
    assert "matplotlib is not installed" in capsys.readouterr().err
