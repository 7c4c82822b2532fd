"""`parallel=True`: loops in parts on threads. All that can run in parts does here, however little there is to do."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import oneform as of
from oneform.codegen import control, pool
from oneform.ir import Instr, instructions
from oneform.optimise import chunks
from oneform.runtime import threads
from tests.differences import leaves
from tests.programs.points import POINTS, Point
from tests.programs.test_corpus import close, rounding, same_result

RNG = np.random.default_rng(5)
X, W, AT = RNG.normal(size=101), RNG.normal(size=(101, 7)), RNG.integers(0, 9, 101)


@pytest.fixture(autouse=True)
def everything_in_parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in (("LEAST", 1), ("COPY", 0), ("FEW", 2)):
        monkeypatch.setattr(chunks, name, value)
    monkeypatch.setenv("ONEFORM_CACHE", "0")
    before = of.get_num_threads()
    yield
    of.set_num_threads(before)


def in_parts(f: Any, *args: Any) -> list[Instr]:
    """The loops over parts."""
    text = of.lower(of.jit(f, parallel=True))(*args).optimised()
    return [i for i in instructions(of.parse(text).function.block.body) if "chunks" in i.attrs]


def kinds(f: Any, *args: Any) -> list[tuple[str, ...]]:
    """What the loops that run in parts do with what they carry."""
    return [i.attrs["chunks"] for i in in_parts(f, *args)]


# ---------------------------------------------------------------- which loops


def total(x):
    s = 0.0
    for i in range(len(x)):
        s += math.sin(x[i])
    return s


def each(x):
    y = np.zeros(len(x))
    z = np.zeros(len(x))
    for i in range(len(x)):
        y[i] = x[i] * x[i]
        z[i] = y[i] + x[i]
    return y, z


def backwards(x):
    y = x.copy()
    for i in range(len(x) - 1, -1, -1):
        y[i] = 2.0 * y[i]
    return y


def interleaved(x):
    n = len(x)
    y = np.empty(3 * n)
    for i in range(n):
        y[2 * i] = x[i]
        y[2 * i + 1] = -x[i]
        y[2 * n + i] = x[i] * x[i]
    return y


def histogram(x, at):
    out = np.zeros(9)
    for i in range(len(x)):
        out[at[i]] += x[i]
    return out


def product(w):
    return w @ w.T, np.sum(w, axis=1), np.sum(w), np.exp(w) / 2.0


def running(x):
    s, y = 0.0, np.zeros(len(x))
    for i in range(len(x)):
        s += x[i]
        y[i] = s
    return y


def neighbours(x):
    y = x.copy()
    for i in range(1, len(x)):
        y[i] = y[i - 1] + x[i]
    return y


def wrapping(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        y[i - 5] = x[i]
        if i > 3:
            y[i - 4] = 0.5
    return y


def overlapping(x):
    y = np.zeros(2 * len(x) + 1)
    for i in range(len(x)):
        y[2 * i] = x[i]
        y[2 * i + 2] = -x[i]
    return y


def doubled(w):
    """As many rounds as a product says; y[1] is written in rounds 0 and 1."""
    y = np.zeros(3 * w.size)
    for i, v in enumerate(w.ravel()):
        y[i] = v
        y[2 * i + 1] = -v
    return y


def scratch(x):
    s = 0.0
    for i in range(len(x)):
        a = np.zeros(3 + i % 4)
        for j in range(len(a)):
            a[j] = x[i] * j
        s += a.sum()
    return s


def moments(z, at):
    """Sums of other dtypes and shapes, that do not start from zero."""
    out, count, s = np.ones((9, 2), complex), np.ones(9, np.int32), 1.0j
    for i in range(len(z)):
        out[at[i], 1] -= z[i] * z[i]
        count[at[i]] += 1
        s += z[i]
    return out, count, s


PARALLEL = {
    total: ((X,), ("sum",)), each: ((X,), ("own", "own")), backwards: ((X,), ("own",)), interleaved: ((X,), ("own",)),
    histogram: ((X, AT), ("sum",)), scratch: ((X,), ("sum",)),
    moments: ((X + 1j * X[::-1], AT), ("sum",) * 3),
}  # fmt: skip


@pytest.mark.parametrize("f", PARALLEL, ids=lambda f: f.__name__)
def test_rounds_that_do_not_need_each_other(f: Any) -> None:
    args, expected = PARALLEL[f]
    assert expected in kinds(f, *args)


DEPENDENT = {running: X, neighbours: X, wrapping: X, overlapping: X, doubled: RNG.normal(size=(30, 40))}


@pytest.mark.parametrize("f", DEPENDENT, ids=lambda f: f.__name__)
def test_rounds_that_need_each_other(f: Any) -> None:
    of.set_num_threads(3)
    x = DEPENDENT[f]
    assert not any(k != ("own",) for k in kinds(f, x))  # arrays are filled in parts
    assert not any(j.op.name == "set" for i in in_parts(f, x) for j in instructions(i.regions[0].body))
    np.testing.assert_array_equal(of.jit(f, parallel=True)(x), f(x))


# ---------------------------------------------------------------- results


def same_bits(a: Any, b: Any) -> None:
    for x, y in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("f", [*PARALLEL, product], ids=lambda f: f.__name__)
def test_values(f: Any) -> None:
    args = PARALLEL[f][0] if f in PARALLEL else (W,)
    compiled, alone = of.jit(f, parallel=True), of.jit(f)(*args)
    for n in (1, 2, 3):
        of.set_num_threads(n)
        first = compiled(*args)
        for x, y in zip(leaves(first), leaves(alone), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-13, atol=1e-13)
        for _ in range(5):  # the same bits, whatever the threads do
            same_bits(compiled(*args), first)


@pytest.mark.filterwarnings("ignore::oneform.ZeroGradientWarning")
@pytest.mark.parametrize("point", [p for p in POINTS if not p.program.slow][::47], ids=lambda p: f"{p.program.name}-{p.case}")
def test_corpus(point: Point) -> None:
    """Values, and the pullback of the result itself, in three parts and in two."""
    value, after = point.value
    f = of.jit(point.fn, parallel=True)
    for n in (3, 2):
        of.set_num_threads(n)
        args = point.args()
        same_result(f(*args), value, rounding(point))
        same_result(args, after, rounding(point))
    if point.wrt and all(np.asarray(v).dtype.kind == "f" for v in leaves(value)):
        out, alone = of.vjp(point.fn, *point.args())
        _, pull = of.vjp(f, *point.args())
        for x, y in zip(leaves(pull(out)), leaves(alone(out)), strict=True):
            if y is not None:
                close(x, y, 10.0 * rounding(point), scale=1.0)


def loss(x, w, at):
    s, out = 0.0, np.zeros(9)
    for i in range(len(x)):
        t = 0.0
        for j in range(w.shape[1]):
            t += np.sin(x[i] * w[i, j])
        out[at[i]] += t * t
        s += t
    return s + np.sum(out * out)


def test_derivatives() -> None:
    """Both modes, to second order: the adjoint of a gather adds to copies of its own."""
    directions = RNG.normal(size=101), RNG.normal(size=(101, 7))
    inside = of.jit(loss, parallel=True)
    expected = of.grad(loss, (0, 1))(X, W, AT)
    assert any("sum" in k for k in kinds(of.grad(lambda w, x: loss(x, w, AT)), W[:, :7], X))
    for n in (1, 3):
        of.set_num_threads(n)
        g = of.grad(loss, (0, 1), parallel=True)(X, W, AT)
        for a, b in zip(g, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
        _, tangent = of.jvp(lambda x, w: inside(x, w, AT), (X, W), directions)
        assert tangent == pytest.approx(sum(float(np.sum(a * b)) for a, b in zip(expected, directions, strict=True)), rel=1e-11)
    of.check_grads(lambda x: inside(x, W[:13], AT[:13]), (X[:13],))
    np.testing.assert_allclose(of.hessian(loss, parallel=True)(X, W, AT), of.hessian(loss)(X, W, AT), rtol=1e-11, atol=1e-12)


def residuals(p, at):
    out = np.empty(2 * len(at))
    for i in range(len(at)):
        out[2 * i] = p[at[i]] * p[at[i] + 1]
        out[2 * i + 1] = np.sin(p[at[i]])
    return out


def steps(u):
    for _ in range(3):
        v = u.copy()
        for i in range(1, len(u) - 1):
            v[i] = u[i] + 0.1 * (u[i - 1] - 2.0 * u[i] + u[i + 1]) * u[i]
        u = v
    return u


@pytest.mark.parametrize(("f", "args"), [(residuals, (X[:10], AT % 8)), (steps, (X,))], ids=["blocks", "colours"])
def test_sparse_jacobians(f: Any, args: tuple[Any, ...]) -> None:
    expected = of.jacobian(f, sparse=True)(*args)
    for n in (1, 2, 3):
        of.set_num_threads(n)
        found = of.jacobian(f, sparse=True, parallel=True)(*args)
        np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-14)


# ---------------------------------------------------------------- what goes wrong


def picked(x, at):
    s = 0.0
    for i in range(len(at)):
        s += x[at[i]]
    return s


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_the_first_error_in_order_is_raised(n: int) -> None:
    of.set_num_threads(n)
    f = of.jit(picked, parallel=True)
    for bad in ((90,), (10, 90), (40, 60), (99,), (0,), (34, 35)):
        at = np.arange(100) % 10
        for k in bad:
            at[k] = 100 + k
        with pytest.raises(IndexError, match=f"index {100 + bad[0]} is out of bounds"):
            f(np.ones(10), at)
    assert f(np.ones(10), np.arange(100) % 10) == 100.0


def roots(x):
    y = np.zeros(len(x))
    for i in range(len(x)):
        if x[i] < 0.0:
            raise ValueError(f"negative at {i}")
        y[i] = np.sqrt(x[i])
    return y


def test_what_a_program_raises() -> None:
    of.set_num_threads(3)
    x = np.ones(1000)
    x[[700, 990]] = -1.0
    with pytest.raises(ValueError, match="negative at 700"):
        of.jit(roots, parallel=True)(x)


def fails(n, m, bad):
    s = 0.0
    for i in range(n):
        t = 0.5
        for _ in range(m * (2 * i > n)):
            t = 3.7 * t * (1.0 - t)
        s += t
        if i == bad:
            raise ValueError("no")
    return s


@pytest.mark.parametrize("bad", [0, 30])
def test_later_parts_leave(bad: int) -> None:
    """Soon after a part has failed, the caller's or another."""
    of.set_num_threads(3)
    f = of.jit(fails, parallel=True)
    f(9, 10, -1)
    begin = time.monotonic()
    with pytest.raises(ValueError, match="no"):
        f(90, 100_000_000, bad)
    assert time.monotonic() - begin < 2.0


def rooms(n, k):
    s = 0.0
    for i in range(n):
        a = np.zeros(k + i)
        for j in range(3):
            a[j] += 1.0
        s += a[0] + a[2]
    return s


def test_memory_that_there_is_not() -> None:
    of.set_num_threads(2)
    f = of.jit(rooms, parallel=True)
    assert f(10, 5) == 20.0
    with pytest.raises(MemoryError):
        f(10, 1 << 50)
    assert f(10, 5) == 20.0


def uneven(n, m):
    """The last rounds have everything to do."""
    s = 0.0
    for i in range(n):
        t = 0.5
        for _ in range(m * (2 * i > n)):
            t = 3.7 * t * (1.0 - t)
        s += t
    return s


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A process that was started in the background has inherited that it ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_interrupts(interruptible: None) -> None:
    """Also while the calling thread waits for the others."""
    of.set_num_threads(2)
    f = of.jit(uneven, parallel=True)
    f(10, 10)
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        f(10000, 1000000)
    assert time.monotonic() - begin < 30.0


def test_interrupts_without_the_pool(interruptible: None) -> None:
    """Another thread of Python has it, so that the parts run one after the other."""
    of.set_num_threads(2)
    f = of.jit(uneven, parallel=True)
    f(10, 10)
    other = threading.Thread(target=f, args=(10, 100_000_000))
    other.start()
    while not threads._memory[pool._BUSY // 8]:
        time.sleep(0.001)
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        f(10000, 1000000)
    assert time.monotonic() - begin < 4.0
    other.join()


def test_loops_that_move_their_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their parts run in order, but ask the pool how many there are."""
    placed, place = list[None](), threads.place
    monkeypatch.setattr(control, "shareable", lambda plan, i: False)
    monkeypatch.setattr(threads, "place", lambda: placed.append(place()))

    def squares(x):  # no other test has compiled it
        y, s = x.copy(), 0.5
        for i in range(len(x)):
            y[i] = y[i] * x[i]
            s += x[i]
        return y, s

    of.set_num_threads(3)
    y, s = of.jit(squares, parallel=True)(X)
    assert placed and s == pytest.approx(0.5 + X.sum(), rel=1e-13)
    np.testing.assert_array_equal(y, X * X)


def test_other_threads_of_python() -> None:
    """Whoever finds the pool taken runs its parts alone: the same bits."""
    of.set_num_threads(3)
    f = of.jit(uneven, parallel=True)
    expected, found = f(300, 1000), list[float]()
    callers = [threading.Thread(target=lambda: found.extend(f(300, 1000) for _ in range(30))) for _ in range(4)]
    for c in callers:
        c.start()
    for c in callers:
        c.join()
    assert set(found) == {expected} and len(found) == 120


FORK = """
import os, oneform as of
from tests.runtime.test_threads import uneven
from oneform.optimise import chunks
chunks.LEAST = 1
of.set_num_threads(3)
f = of.jit(uneven, parallel=True)
expected = f(300, 1000)
child = os.fork()
if child == 0:
    os._exit(0 if f(300, 1000) == expected == f(300, 1000) else 1)
assert os.waitpid(child, 0)[1] == 0 and f(300, 1000) == expected
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_after_a_fork() -> None:
    """The child makes threads of its own."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=120, env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])})


def walks(n):
    def fib(k):
        return 1.0 if k < 2 else fib(k - 1) + fib(k - 2)

    def depth(k):
        return 0.0 if k == 0 else 1.0 + depth(k - 1)

    s = 0.0
    for i in range(n):
        s += fib(i % 12) + depth(20000 * (i % 2))
    return s


def test_recursion_inside() -> None:
    """Deep as well: every thread goes on in stacks of its own."""
    f = of.jit(walks, parallel=True)
    of.set_num_threads(1)
    expected = f(24)
    of.set_num_threads(3)
    assert f(24) == expected


# ---------------------------------------------------------------- how many


def test_number_of_threads() -> None:
    of.set_num_threads(5)
    assert of.get_num_threads() == 5
    for wrong in (0, -1, 257, 2.0, True):
        with pytest.raises(of.ArgumentError, match="a number of threads is an int from 1 to 256"):
            of.set_num_threads(wrong)  # type: ignore[arg-type]


def test_the_environment_says_how_many() -> None:
    code = "import oneform as of; print(of.get_num_threads())"
    env = {**os.environ, "PYTHONPATH": "src", "ONEFORM_NUM_THREADS": "7"}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert out.stdout.strip() == "7"


def test_memory_of_the_pool() -> None:
    assert (threads.MEMORY, threads.MOST, threads.SYMBOLS) == (pool.MEMORY, pool.MOST, pool.SYMBOLS)


def test_little_work_runs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is split that is certainly too little; both sides of a branch count."""
    monkeypatch.setattr(chunks, "LEAST", 400_000)

    def short(x):
        s = 0.0
        for i in range(10):
            s += x[i]
        return s

    def either(x):
        s = 0.0
        for i in range(1000):
            if x[i] < 0.0:
                s += 1.0
            else:
                for j in range(100):
                    s += math.sin(j * x[i])
        return s

    assert kinds(short, X) == [] and kinds(either, X) == [("sum",)]
