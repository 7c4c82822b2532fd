"""Calls of compiled functions: every way in, every way out, and nothing left behind."""

from __future__ import annotations

import copy
import dataclasses
import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of
from oneform.runtime import abi

native_only = pytest.mark.skipif(not abi.supported(), reason="objects cannot be read natively here")


class Point(NamedTuple):
    x: Any
    y: Any


def square(x):
    return x * x


def total(v):
    s = 0.0
    for i in range(len(v)):
        s += v[i]
    return s


def ratio(a, b):
    return a // b


def store(x, i, value):
    x[i] = value


def pick(v, i):
    return v[i]


def spin(n):
    x = 0.5
    k = 0
    while k < n:
        x = 3.7 * x * (1.0 - x)
        k += 1
    return x


SCALE = 2.0
TABLE = np.array([1.0, 2.0, 3.0])


def scaled(x):
    return x * SCALE + TABLE[0]


def test_numbers_keep_their_kind() -> None:
    f = of.jit(square)
    for x in (3.0, 3, True, np.float64(3), np.int64(3), np.float32(3), np.int32(3)):
        out, expected = f(x), square(x)
        assert out == expected, x
    assert type(f(3)) is int and type(f(3.0)) is float and type(f(np.float64(3))) is float and type(f(np.float32(3))) is np.float32
    assert f(3) == 9 and f(3.0) == 9.0 and f(3) == 9  # polymorphic call site


def test_arrays_out() -> None:
    out = of.jit(lambda v: v * 2.0)(np.arange(100.0))
    assert np.array_equal(out, np.arange(100.0) * 2) and out.ctypes.data % 64 == 0
    assert out.flags.writeable and out.flags.owndata and out.flags.c_contiguous
    empty = of.jit(lambda v: v * 2.0)(np.zeros(0))
    assert empty.shape == (0,)
    assert of.jit(total)(np.zeros(0)) == 0.0


@pytest.mark.parametrize("make", [
    lambda a: a, lambda a: a[::-1], lambda a: a[::2], lambda a: np.repeat(a, 2)[::2],
    lambda a: a.astype(">f8"), lambda a: a.astype("f4"), lambda a: a.astype("i2"),
    lambda a: np.array(a.tolist(), dtype=float), lambda a: memoryview(a), lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view("f8"),
])  # fmt: skip
def test_layouts(make: Any) -> None:
    a = np.arange(40.0)
    assert of.jit(total)(make(a)) == sum(np.asarray(make(a)).tolist())


def test_containers() -> None:
    f = of.jit(lambda t, l: (t[0] + l[1], [t[1], l[0]]))
    assert f((1.0, 2), [np.arange(3.0), 4.0])[0] == 5.0
    out = f((1.0, 2), [np.arange(3.0), 4.0])
    assert isinstance(out, tuple) and isinstance(out[1], list) and out[1][0] == 2 and np.array_equal(out[1][1], np.arange(3.0))
    g = of.jit(lambda d: {"sum": d["p"].x + d["p"].y, "none": None, "p": Point(1, d["p"].x)})
    assert g({"p": Point(1.5, 2)}) == {"sum": 3.5, "none": None, "p": Point(1, 1.5)}
    assert of.jit(lambda: (1, 2.5))() == (1, 2.5)
    assert of.jit(lambda x: None)(1.0) is None
    h = of.jit(lambda x, y=2.0, *, z=1.0: x * y + z)
    assert h(3.0) == 7.0 and h(3.0, 5.0) == 16.0 and h(3.0, z=0.0, y=1.0) == 3.0 and h(x=1.0) == 3.0


@dataclasses.dataclass
class Body:
    mass: Any
    position: Any

    def __post_init__(self) -> None:
        if isinstance(self.mass, float) and self.mass < 0.0:
            raise ValueError("negative mass")


def test_records_and_keywords() -> None:
    def move(body, dt=1.0, *, how="plain"):
        return body.mass * dt if how == "plain" else body.mass

    f = of.jit(move)
    body = Body(2.0, np.arange(3.0))
    for _ in range(2):
        assert f(body) == 2.0 and f(body, dt=3.0) == 6.0 and f(body, 3.0, how="other") == 2.0 and f(how="plain", body=body) == 2.0
        assert f(Body(3, None)) == 3.0 and f(body, **{"dt": 4.0}) == 8.0 and f(body, **{"".join(["d", "t"]): 4.0}) == 8.0
    with pytest.raises(of.CompileError):
        f(body, speed=1.0)
    missing = Body(1.0, 2.0)
    del missing.mass
    with pytest.raises(AttributeError):
        f(missing)
    g = of.jit(lambda d: d["a"])
    assert g({"a": 1.0}) == 1.0 and g({"a": 2.0, "b": 1}) == 2.0 and g({"b": 1, "a": 3.0}) == 3.0
    with pytest.raises((KeyError, of.CompileError)):
        g({"b": 1.0})
    make = of.jit(lambda m, x: [Point(m, (x, None)), {"text": "word", 3: x}])
    out = make(1.5, np.ones(2))
    assert out[0].x == 1.5 and out[0].y[1] is None and out[1]["text"] == "word" and out[1][3].sum() == 2.0


def test_a_gradient_need_not_be_a_valid_object() -> None:
    """A record's own initialisation checks values, not their derivatives."""
    assert of.grad(lambda b: -b.mass * b.mass)(Body(3.0, 1.0)).mass == -6.0
    with pytest.raises(ValueError, match="negative mass"):
        of.jit(lambda x: Body(x, 1.0))(-3.0)


def test_lists_of_another_length() -> None:
    f = of.jit(lambda xs: xs[0] + xs[-1])
    assert [f([1.0, 2.0]), f([1.0, 2.0, 3.0]), f([1.0, 5.0])] == [3.0, 4.0, 6.0]


def test_small_lengths_fall_back_to_one_program() -> None:
    f = of.jit(lambda v: total(v))
    for n in [*range(1, 16), 100]:
        assert f(np.ones(n)) == n
    assert len({id(v) for found in f.family.versions.values() for v in found}) <= 6  # type: ignore[union-attr]


def test_writes_reach_the_caller() -> None:
    f = of.jit(store)
    x = np.zeros(5)
    f(x, 1, 3.0)
    f(x[::2], 1, 4.0)
    f(x[::-1], 0, 5.0)
    assert np.array_equal(x, [0, 3, 4, 0, 5])
    swapped = np.zeros(5, ">f8")
    f(swapped, 2, 7.0)
    assert swapped[2] == 7.0
    raw = np.zeros(8 * 5 + 1, np.uint8)
    f(raw[1:].view("f8"), 0, 1.0)
    assert raw[1:].view("f8")[0] == 1.0
    with pytest.raises(IndexError):
        f(x, 5, 1.0)
    with pytest.raises(IndexError):
        f(x[::2], -4, 1.0)


def test_writes_refused() -> None:
    f = of.jit(store)
    x = np.zeros(20)
    x.flags.writeable = False
    for _ in range(2):
        with pytest.raises(of.ArgumentError, match="`x`") as e:
            f(x, 0, 1.0)
        assert e.value.code == "E402"
    with pytest.raises(of.ArgumentError) as e:
        f(np.zeros(20, "f2"), 0, 1.0)
    assert e.value.code == "E402"

    def both(a, b):
        for i in range(len(a)):
            a[i] = b[i] + 1.0

    g = of.jit(both)
    a = np.zeros(30)
    g(a[:15], a[15:])
    assert a[:15].sum() == 15
    for x, y in ((a, a), (a[:20], a[5:25]), (a[0:10:2], a[1:11:2][:0])):
        if y.size:
            with pytest.raises(of.ArgumentError) as e:
                g(x, y)
            assert e.value.code == "E403"
    g(a[0:10:2], a[1:11:2])


def test_arguments_refused() -> None:
    f = of.jit(square)
    for bad in (object(), {1, 2}, np.array([None]), 2**70, np.zeros(3, "G"), np.clongdouble(1j)):
        with pytest.raises(of.ArgumentError, match="argument `x`") as e:
            f(bad)
        assert e.value.code == "E401"
    with pytest.raises(of.ArgumentError, match=r"argument `v` at \['k'\]\[1\]"):
        of.jit(lambda v: v["k"][0])({"k": [1.0, object()]})


def test_errors_of_the_program() -> None:
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 0 with size 3"):
        of.jit(pick)(np.zeros(3), 3)
    with pytest.raises(IndexError, match="index -4 is out of bounds"):
        of.jit(pick)(np.zeros(3), -4)
    with pytest.raises(ZeroDivisionError):
        of.jit(ratio)(1, 0)

    def checked(x):
        assert x > 0.0, "must be positive"
        if x > 10.0:
            raise ValueError("too large")
        return x

    f = of.jit(checked)
    assert f(1.0) == 1.0
    with pytest.raises(AssertionError, match="must be positive"):
        f(-1.0)
    with pytest.raises(ValueError, match="too large") as e:
        f(11.0)
    frames = []
    tb = e.value.__traceback__
    while tb is not None:
        frames.append((tb.tb_frame.f_code.co_name, Path(tb.tb_frame.f_code.co_filename).name))
        tb = tb.tb_next
    assert frames[-1] == ("checked", "test_calls.py")


def test_nan_ends_a_loop_as_python_would() -> None:
    def down(x):
        n = 0
        while x > 1.0:
            x = x * 0.5
            n += 1
        return n

    assert of.jit(down)(float("nan")) == 0 and of.jit(down)(8.0) == 3


def test_captured_values_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    f = of.jit(scaled)
    assert f(3.0) == 7.0
    monkeypatch.setitem(globals(), "SCALE", 10.0)
    assert f(3.0) == 31.0
    monkeypatch.setitem(globals(), "SCALE", 2)
    assert f(3.0) == 7.0 and f(3) == 7.0
    monkeypatch.setitem(globals(), "TABLE", np.arange(5.0)[::-1])
    assert f(3.0) == 10.0
    TABLE[0] = 1.5
    assert f(3.0) == 7.5
    monkeypatch.setitem(globals(), "TABLE", np.array([1.0, 2.0, 3.0]))
    assert f(3.0) == 7.0

    def make(c):
        def g(x):
            return x * c

        def change(new):
            nonlocal c
            c = new

        return of.jit(g), change

    g, change = make(2.0)
    assert g(3.0) == 6.0
    change(5.0)
    assert g(3.0) == 15.0
    change(np.ones(3))
    assert np.array_equal(g(3.0), [3, 3, 3])


def test_a_lambda_in_a_loop_compiles_once() -> None:
    families = set()
    versions = set()
    for c in (1.0, 2.0, 3.0):
        g = of.grad(lambda x: c * x * x)
        assert g(3.0) == 6.0 * c
        families.add(id(g.family))  # type: ignore[attr-defined]
        versions |= {id(v) for v in g.bounds}  # type: ignore[attr-defined]
    assert len(families) == 1 and len(versions) == 1
    helpers = [lambda x: x + 1.0, lambda x: x * 5.0]
    out = []
    for h in helpers:
        out.append(of.jit(lambda x: h(x) * 2.0)(3.0))
    assert out == [8.0, 30.0]


def test_methods_and_decorators() -> None:
    class Holder(NamedTuple):
        k: float

        @of.jit
        def times(self, x):
            """Doc."""
            return self.k * x

    assert Holder(2.0).times(4.0) == 8.0 and Holder.times(Holder(3.0), 4.0) == 12.0
    assert Holder.times.__doc__ == "Doc." and Holder.times.__name__ == "times" and Holder.times.__wrapped__(Holder(1.0), 2.0) == 2.0
    assert "jit" in repr(Holder.times)

    @of.jit(boundscheck=False, fastmath=False)
    def plain(x):
        return x + 1.0

    assert plain(1.0) == 2.0


@of.jit
def decorated(x):
    return x + 1.0


def test_pickle_and_copy() -> None:
    assert pickle.loads(pickle.dumps(decorated)) is decorated
    g = pickle.loads(pickle.dumps(of.grad(square)))
    assert g(3.0) == 6.0
    f = of.jit(square)
    f(2.0)
    for other in (copy.copy(f), copy.deepcopy(f)):
        assert other(3.0) == 9.0


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@native_only
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_nothing_leaks() -> None:
    v, big = np.arange(64.0), np.arange(3000.0)
    f, g, h = of.jit(lambda v: (v * 2.0, [v + 1.0], 3.5, 10**9)), of.jit(pick), of.jit(lambda d: {"a": d["a"] * 2.0})
    p = of.grad(lambda v: np.sum(v * v))
    s = of.jit(scaled)
    record = of.grad(lambda b: -b.mass * b.mass + np.sum(b.position))
    good, bad_record, other = Body(0.0, v), Body(3.0, v), Body(None, v)  # the second has a gradient that Body refuses

    def work(n: int) -> None:
        for _ in range(n):
            f(v)
            f(big)
            h({"a": v})
            p(big)
            s(1.0)
            record(good)
            for fails in (bad_record, other):
                try:
                    record(fails)
                except (ValueError, of.OneformError):
                    pass
            for bad in ((v, 1000), (v, 1.5j), (None,)):
                try:
                    g(*bad)
                except (IndexError, TypeError, of.OneformError):
                    pass

    work(300)
    gc.collect()
    before, references = resident(), [sys.getrefcount(x) for x in (v, big, TABLE, None)][:3]
    work(3000)
    gc.collect()
    assert resident() - before < 4 * 2**20
    assert [sys.getrefcount(x) for x in (v, big, TABLE)] == references


@native_only
def test_results_outlive_the_function() -> None:
    f = of.jit(lambda v: v + 1.0)
    out = f(np.zeros(1000))
    del f
    gc.collect()
    assert out.sum() == 1000.0
    out.resize(2000, refcheck=False)
    del out


def test_compiled_functions_die() -> None:
    import weakref

    def make() -> Any:
        f = of.jit(lambda x: x + 1.0)
        f(1.0)
        return weakref.ref(f)

    assert make()() is None


def test_threads() -> None:
    f = of.jit(lambda x, v: (x * 2.0, v * x, total(v)))
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        try:
            for k in range(200):
                v = np.full(1 + (seed * 7 + k) % 40, 1.0)
                x = float(seed) if k % 3 else seed
                a, b, c = f(x, v)
                assert a == x * 2.0 and b.sum() == x * len(v) and c == len(v)
        except BaseException as e:
            errors.append(e)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not errors


def test_other_threads_run_beside_a_long_kernel() -> None:
    f = of.jit(spin)
    f(10)
    done: list[float] = []
    t = threading.Thread(target=lambda: done.append(f(300_000_000)))
    t.start()
    time.sleep(0.05)
    start, ticks = time.perf_counter(), 0
    while time.perf_counter() - start < 0.2:
        ticks += 1
        time.sleep(0.001)
    assert ticks > 50
    t.join()
    assert done == [f(300_000_000)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(of.__file__).parents[1])}


@pytest.mark.parametrize("native", ["1", "0"])
def test_interrupt_stops_a_long_kernel(tmp_path: Path, native: str) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        textwrap.dedent("""
        import signal
        import oneform as of
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits it ignored
        def spin(n):
            x = 0.5
            k = 0
            while k < n:
                x = 3.7 * x * (1.0 - x)
                k += 1
            return x
        f = of.jit(spin)
        f(10)
        print("ready", flush=True)
        try:
            f(10**12)
        except KeyboardInterrupt:
            print("stopped", f(10) == spin(10), flush=True)
        """)
    )
    env = {**ENVIRONMENT, "ONEFORM_NATIVE_CALLS": native}
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    start = time.perf_counter()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "stopped True\n"
    assert time.perf_counter() - start < 1.0
    process.stdout.close()
    process.wait(10)


def test_the_plain_path(tmp_path: Path) -> None:
    """Interpreters whose objects we cannot read natively."""
    script = tmp_path / "plain.py"
    script.write_text(
        textwrap.dedent("""
        import numpy as np, oneform as of
        from oneform.runtime.callable import NATIVE
        assert not NATIVE
        def f(x, v, n):
            out = np.zeros(len(v))
            for i in range(len(v)):
                out[i] = v[i] * x + n
            return out, x * n, (n > 2, n)
        a, b, c = of.jit(f)(2.0, np.arange(20.0), 3)
        assert np.array_equal(a, np.arange(20.0) * 2 + 3) and b == 6.0 and c == (True, 3) and type(b) is float
        assert of.grad(lambda x: x * x)(3.0) == 6.0
        def g(v, i):
            v[i] = 1.0
        v = np.zeros(4)
        of.jit(g)(v, 1)
        assert v[1] == 1.0
        try:
            of.jit(g)(v, 9)
        except IndexError as e:
            assert "index 9" in str(e)
        else:
            raise SystemExit("no error")
        """)
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env={**ENVIRONMENT, "ONEFORM_NATIVE_CALLS": "0"})
    assert done.returncode == 0, done.stderr


@native_only
def test_calls_are_quick() -> None:
    """Not a benchmark: a call that took the slow path by mistake is a hundred times slower."""
    import timeit

    f, g = of.jit(square), of.jit(lambda v: v * 2.0)
    v = np.arange(8.0)
    f(2.0), f(2), g(v)
    for call, bound in ((lambda: f(2.0), 1e-6), (lambda: f(2), 1e-6), (lambda: g(v), 3e-6), (lambda: decorated(1.0), 1e-6)):
        call()
        assert min(timeit.repeat(call, number=2000, repeat=5)) / 2000 < bound
