"""Long kernels can be interrupted and let other threads run."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oneform.ir import Builder, Function, Value
from oneform.ops import OPS
from oneform.ops.table import constant, integer
from oneform.types import F64, I64, Array, Scalar
from tests.codegen.driver import Counted


def _step(b: Builder, i: Value, x: Value) -> Value:
    """A recurrence that LLVM cannot sum up in closed form."""
    v = b.emit1(OPS["mul"], x, constant(b, 3.7, F64))
    return b.emit1(OPS["mul"], v, b.emit1(OPS["sub"], constant(b, 1.0, F64), x))


def _loop(b: Builder, n: Value, x: Value, body: Callable[[Builder, Value, Value], Value]) -> Value:
    inner = b.sub()
    i, c = inner.param(Scalar(I64)), inner.param(x.type)
    return b.emit1(OPS["for"], n, x, regions=(inner.block(body(inner, i, c)),))


def _plain() -> Function:
    b = Builder()
    x, n = b.param(Scalar(F64)), b.param(Scalar(I64))
    return b.function("plain", _loop(b, n, x, _step))


def _nested() -> Function:
    b = Builder()
    x, n = b.param(Scalar(F64)), b.param(Scalar(I64))
    ten = integer(b, 10)
    return b.function("nested", _loop(b, n, x, lambda o, _, c: _loop(o, ten, c, lambda m, _, d: _loop(m, ten, d, _step))))


def _while() -> Function:
    b = Builder()
    x, n = b.param(Scalar(F64)), b.param(Scalar(I64))
    condition, body = b.sub(), b.sub()
    i, _ = condition.param(Scalar(I64)), condition.param(Scalar(F64))
    j, c = body.param(Scalar(I64)), body.param(Scalar(F64))
    less = condition.emit1(OPS["lt"], i, n)
    after = body.emit1(OPS["add"], j, integer(body, 1))
    out = b.emit(OPS["while"], integer(b, 0), x, regions=(condition.block(less), body.block(after, _step(body, j, c))))
    return b.function("while", out[1])


def _memory() -> Function:
    """With an array alive when the interrupt comes."""
    b = Builder()
    x, n = b.param(Scalar(F64)), b.param(Scalar(I64))
    kept = b.emit1(OPS["full"], x, integer(b, 1000), shape=("k",))
    y = _loop(b, n, x, _step)
    return b.function("memory", b.emit1(OPS["set"], kept, y, integer(b, 3)))


class Stop(Exception):
    pass


def _interrupted(call: Callable[[], Any], after: float) -> float:
    """Seconds from the signal until the call has raised."""

    def handler(*_: Any) -> None:
        raise Stop

    old = signal.signal(signal.SIGALRM, handler)
    start = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(Stop):
            call()
        return time.perf_counter() - start - after
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


@pytest.mark.parametrize("make", [_plain, _nested, _while, _memory])
def test_interrupt(make: Callable[[], Function]) -> None:
    c = Counted(make())
    assert _interrupted(lambda: c(0.3, 1 << 60), 0.1) < 2.0
    assert len(c(0.3, 1000)) == 1


def test_other_threads_run() -> None:
    c = Counted(_plain())
    ticks: list[float] = []
    done = threading.Event()

    def tick() -> None:
        while not done.wait(0.001):
            ticks.append(time.perf_counter())

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    c(0.3, 1 << 28)
    stop = time.perf_counter()
    done.set()
    thread.join()
    during = sum(start < t < stop for t in ticks)
    assert during > 20 * (stop - start)


def test_short_kernels_do_not_poll() -> None:
    c = Counted(_plain())
    held = np.sum([c(0.3, 1 << 20)[0] for _ in range(3)])
    assert np.isfinite(held)
    assert c.context[5] == 0 and c.context[6] == 0


def test_vectorised_in_pieces() -> None:
    """The pieces of a long loop are loops that LLVM vectorises."""
    b = Builder()
    x = b.param(Array(F64, ("n",)))
    n = b.emit1(OPS["dim"], x, axis=0)
    inner = b.sub()
    i, c = inner.param(Scalar(I64)), inner.param(x.type)
    doubled = inner.emit1(OPS["mul"], inner.emit1(OPS["get"], x, i), constant(inner, 2.0, F64))
    out = b.emit1(OPS["for"], n, b.emit1(OPS["empty"], n, shape=("n",), dtype=F64), regions=(inner.block(inner.emit1(OPS["set"], c, doubled, i)),))
    compiled = Counted(b.function("double", out))
    assert " x double>" in compiled.kernel.optimised_llvm()
    data = np.arange(float(3 * (1 << 20) + 5))
    assert np.array_equal(compiled(data)[0], 2 * data)
