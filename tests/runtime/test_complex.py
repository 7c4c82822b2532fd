"""Complex arguments and results of calls: Python's and NumPy's numbers, arrays in every layout, containers, captures, writes, errors."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
from typing import Any, NamedTuple

import numpy as np
import pytest

import oneform as of
from oneform.runtime import abi

SCALE = 2 - 1j
TABLE = np.array([1j, 2.0, -3j])


class Pair(NamedTuple):
    z: Any
    x: Any


def rotated(z):
    return z * 1j


def total(v):
    s = 0j
    for i in range(len(v)):
        s += v[i]
    return s


def captured(x):
    return x * SCALE + TABLE[2]


def fill(a, z):
    for i in range(len(a)):
        a[i] = z * i + a[i].conjugate()


def test_numbers_keep_their_kind() -> None:
    f = of.jit(rotated)
    for z in (1 + 2j, np.complex128(1 + 2j), np.complex64(1 + 2j), 2.0, 3, True, np.float32(2)):
        assert f(z) == rotated(z), z
    assert type(f(1 + 2j)) is complex and type(f(np.complex128(1j))) is complex and type(f(np.complex64(1j))) is np.complex64 and type(f(np.float32(1))) is np.complex64
    assert f(3) == 3j and f(1j) == -1 and f(3) == 3j  # polymorphic call site


def test_signs_of_zeros_and_specials_pass_through() -> None:
    same = of.jit(lambda z: z)
    for z in (complex(-0.0, 0.0), complex(0.0, -0.0), complex(float("inf"), float("nan")), np.complex64(complex(-0.0, float("-inf")))):
        out = same(z)
        assert np.asarray(out).tobytes() == np.asarray(z).tobytes()


class Own(complex):
    pass


def test_subclasses_and_zero_dimensional_arrays() -> None:
    f = of.jit(rotated)
    assert f(Own(1, 2)) == (1 + 2j) * 1j and f(np.array(1 + 2j)) == (1 + 2j) * 1j


@pytest.mark.parametrize("make", [
    lambda a: a, lambda a: a[::-1], lambda a: a[::2], lambda a: np.repeat(a, 2)[::2], lambda a: a.astype(">c16"), lambda a: a.astype("c8"), lambda a: a.astype(">c8")[::3],
    lambda a: a.reshape(8, 5).T.ravel("F"), lambda a: np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:].view("c16"), lambda a: memoryview(a),
])  # fmt: skip
def test_layouts(make: Any) -> None:
    a = np.arange(40.0) + 1j * np.arange(40.0)[::-1]
    assert of.jit(total)(make(a)) == sum(np.asarray(make(a)).tolist())


def test_matrices_in_column_order() -> None:
    a = np.arange(12.0).reshape(3, 4) * (1 + 2j)
    f = of.jit(lambda m: (m[1], m.T, m * 2))
    for m in (a, np.asfortranarray(a), a.T[::-1]):
        for g, w in zip(f(m), (m[1], m.T, m * 2), strict=True):
            assert np.array_equal(g, w) and g.dtype == np.complex128


def test_arrays_out() -> None:
    out = of.jit(lambda v: v * 2j)(np.arange(100.0))
    assert out.dtype == np.complex128 and np.array_equal(out, np.arange(100.0) * 2j) and out.ctypes.data % 64 == 0 and out.flags.owndata
    assert of.jit(lambda v: v * 2j)(np.zeros(0, np.float32)).dtype == np.complex64
    small = of.jit(lambda x: np.array([x, 1j]))(2.0)
    assert small.tolist() == [2, 1j]


def test_containers() -> None:
    f = of.jit(lambda p, d, t: {"sum": p.z + d["k"][0] * t[1], "pair": Pair(t[0], [p.z, d["k"][1]]), "n": 3})
    out = f(Pair(1j, 2.0), {"k": (np.complex64(2), np.array([1j, 2]))}, [0.5, 2j])
    assert out["sum"] == 5j and out["pair"].z == 0.5 and out["pair"].x[0] == 1j and out["pair"].x[1].tolist() == [1j, 2] and out["n"] == 3
    assert of.jit(lambda: (1, 2.5j, 3.5, 4j))() == (1, 2.5j, 3.5, 4j)


def test_many_numbers_side_by_side() -> None:
    f = of.jit(lambda a, b, c, d, e, n: (a * b, n, c - d, e, abs(a), d))
    assert f(1j, np.complex64(2), 3.0, 4j, np.complex128(5), 6) == (2j, 6, 3 - 4j, 5, 1.0, 4j)


def test_captured_numbers_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    f = of.jit(captured)
    assert f(2.0) == captured(2.0)
    monkeypatch.setitem(globals(), "SCALE", 5j)
    TABLE[2] = 7j
    assert f(2.0) == captured(2.0) == 17j
    monkeypatch.setitem(globals(), "SCALE", 3.0)  # another kind: compiled again
    assert f(2.0) == captured(2.0)
    TABLE[2] = -3j


def test_writes_reach_the_callers_array() -> None:
    f = of.jit(fill)
    for a in (np.full(5, 1 + 1j), np.full(10, 1 + 1j)[::2], np.full(5, 1 + 1j, np.complex64), np.full(5, 1 + 1j, ">c16")):
        b = a.copy()
        if b.dtype.isnative:
            f(a, 2j)
            fill(b, 2j)
            assert np.array_equal(a, b)
            continue
        f(a, 2j)  # converted and copied back
        fill(b, 2j)
        assert np.array_equal(a, b)
    with pytest.raises(of.ArgumentError) as e:
        f(np.broadcast_to(np.complex128(1), 5), 1.0)
    assert e.value.code == "E402"


def test_overlap_is_seen_in_bytes() -> None:
    base = np.zeros(10, complex)
    g = of.jit(lambda a, b: fill(a, b[0]))
    g(base[:5], base[5:])
    with pytest.raises(of.ArgumentError) as e:
        g(base[:5], base[4:])
    assert e.value.code == "E403"


def test_errors_show_complex_numbers() -> None:
    def complain(z, w, n):
        if abs(z) > 1.0:
            raise ValueError(f"{z} after {n}")
        if abs(w) > 1.0:
            raise ValueError(f"{w:.2f}")
        return z

    f = of.jit(complain)
    with pytest.raises(ValueError, match=r"^\(1\+2j\) after 3$"):
        f(1 + 2j, np.complex64(0), 3)
    with pytest.raises(ValueError, match=r"^0.50\+2.00j$"):
        f(0j, np.complex64(0.5 + 2j), 3)


def test_a_message_with_too_many_numbers_leaves_some_out() -> None:
    def complain(x, z, w):
        raise ValueError(f"{x} {z} {w:.1f} {x:.2f}")

    with pytest.raises(ValueError, match=r"^1.5 \(1\+2j\) … …$"):
        of.jit(complain)(1.5, 1 + 2j, 3j)


def test_nothing_leaks() -> None:
    f, a = of.jit(lambda v, z: (v * z, z)), np.ones(1000, complex)
    f(a, 1j)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(500):
        f(a, 1j)
    gc.collect()
    assert sys.getallocatedblocks() - before < 50


def test_the_programs_interpreter_agrees() -> None:
    z, v = 0.5 - 2j, np.array([1j, 2.0])
    traced = of.trace(lambda z, v: (np.exp(v * z), abs(z), z))(z, v)
    assert str(of.parse(str(traced))) == str(traced)
    for g, w in zip(traced(z, v), traced.interpret(z, v), strict=True):
        assert np.allclose(g, w)


@pytest.mark.skipif(not abi.supported(), reason="this is the only way here")
def test_without_native_calls(tmp_path: Any) -> None:
    """Where objects cannot be read natively, the same through ctypes."""
    code = """
        import numpy as np, oneform as of
        def f(z, w, v, n): return z * w, np.complex64(w) * n, v * z, abs(z), z
        out = of.jit(f)(1 + 2j, np.complex64(3j), np.array([1j, 2.0]), 3)
        assert out[0] == (1 + 2j) * 3j and type(out[1]) is np.complex64 and out[1] == 9j and out[2].tolist() == [-2 + 1j, 2 + 4j] and out[4] == 1 + 2j
        def g(z):
            if abs(z) > 1.0:
                raise ValueError(f"{z}")
            return z
        try:
            of.jit(g)(2 + 1j)
        except ValueError as e:
            assert str(e) == "(2+1j)"
    """
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(code))
    subprocess.run([sys.executable, str(path)], check=True, env={**os.environ, "ONEFORM_NATIVE_CALLS": "0", "PYTHONPATH": os.pathsep.join(sys.path)})
