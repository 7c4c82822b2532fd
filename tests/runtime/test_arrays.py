"""What compiled code accepts, in which form, and under which key."""

from __future__ import annotations

import array
import decimal

import numpy as np
import pytest

from oneform.errors import ArgumentError
from oneform.runtime.arrays import array_key, fits, leaves_of, marshal, overlapping, widened
from oneform.types import F64, Array, Scalar


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (1.5, ("f64", True)), (3, ("i64", True)), (True, ("bool", True)), (np.float64(1), ("f64", False)), (np.float32(1), ("f32", False)),
        (np.int64(1), ("i64", False)), (np.int32(1), ("i32", False)), (np.bool_(True), ("bool", False)), (np.array(2.5), ("f64", False)),
        (1j, ("c128", True)), (np.complex128(1j), ("c128", False)), (np.complex64(1j), ("c64", False)), (np.array(2j), ("c128", False)),
    ],
)
def test_numbers(value: object, key: object) -> None:
    out, found = marshal(value, "x")
    assert found == key and fits(out, found)


@pytest.mark.parametrize(
    ("given", "native"),
    [("i1", "i32"), ("i2", "i32"), ("u1", "i32"), ("u4", "i64"), ("f2", "f32"), ("q", "i64"), ("l", "i64"), (">f8", "f64"), (">i4", "i32"), (">c16", "c128"), (">c8", "c64")],
)
def test_other_widths_and_byte_orders(given: str, native: str) -> None:
    x = np.arange(20).astype(given)
    out, key = marshal(x, "x")
    assert key == (native, (None,)) and out.dtype.isnative and np.array_equal(out, x)
    assert marshal(x[3], "x")[1][0] == native


def test_exact_arrays_are_passed_as_they_are() -> None:
    for dtype in ("?", "i4", "i8", "f4", "f8", "c8", "c16"):
        x = np.zeros((5, 30), dtype)
        assert marshal(x, "x")[0] is x


@pytest.mark.parametrize("make", [lambda a: a[::2], lambda a: a[::-1], lambda a: a.T, lambda a: np.asfortranarray(a), lambda a: a.astype(">f8")])
def test_foreign_layouts_are_copied(make: object) -> None:
    a = np.random.default_rng(0).normal(size=(6, 40))
    x = make(a)  # type: ignore[operator]
    out, _ = marshal(x, "x")
    assert out.flags.c_contiguous and out.flags.aligned and out.dtype is np.dtype("f8")
    assert np.array_equal(out, x) and not np.may_share_memory(out, x)


def test_unaligned() -> None:
    raw = np.zeros(8 * 20 + 1, "u1")
    x = raw[1:].view("f8")
    x[:] = np.arange(20)
    out, _ = marshal(x, "x")
    assert not x.flags.aligned and out.flags.aligned and np.array_equal(out, x)


def test_buffers_and_protocols_share_memory() -> None:
    source = array.array("d", range(20))
    out, key = marshal(source, "x")
    source[3] = 99.0
    assert key == ("f64", (None,)) and out[3] == 99.0

    class Exporter:
        def __init__(self) -> None:
            self.inner = np.arange(20.0)

        def __dlpack__(self, **options: object) -> object:
            return self.inner.__dlpack__(**options)  # type: ignore[arg-type]

        def __dlpack_device__(self) -> object:
            return self.inner.__dlpack_device__()

    exporter = Exporter()
    assert np.shares_memory(marshal(exporter, "x")[0], exporter.inner)

    class Convertible:
        def __array__(self, dtype: object = None, copy: object = None) -> object:
            return np.arange(3.0)

    assert marshal(Convertible(), "x")[1] == ("f64", (3,))


@pytest.mark.parametrize(
    "value",
    [object(), decimal.Decimal(1), b"bytes", np.array([1, None]), np.array(["a"]), np.zeros(3, "G"), np.zeros(3, "u8"), np.longdouble(1),
     2**63, -(2**63) - 1, np.zeros(2, "M8[s]"), np.ma.masked_array([1.0, 2.0], [True, False]), float, print, np.zeros(2, [("a", "f8")])],
)
def test_refused_by_name(value: object) -> None:
    with pytest.raises(ArgumentError, match="the thing") as error:
        marshal(value, "the thing")
    assert error.value.code == "E401" and isinstance(error.value, TypeError)


def test_integers_at_the_border() -> None:
    assert marshal(2**63 - 1, "x")[0] == 2**63 - 1 and marshal(-(2**63), "x")[0] == -(2**63)


def test_static_lengths() -> None:
    assert array_key((1000,), "f64") == ("f64", (None,))
    assert array_key((1000, 3), "f64") == ("f64", (None, 3))
    assert array_key((1, 1000), "f64") == ("f64", (1, None))
    assert array_key((3, 3), "f64") == ("f64", (3, 3))
    assert array_key((9, 9), "f64") == ("f64", (None, 9))
    assert array_key((3, 100), "f64") == ("f64", (None, None))
    assert array_key((0,), "f64") == ("f64", (None,))
    assert widened(("f64", (1, 3))) == ("f64", (1, None)) and widened(("f64", True)) == ("f64", True)


def test_leaves_have_symbols_of_their_own() -> None:
    leaves = leaves_of([("f64", (None, 3)), ("f64", True), ("f64", (None, None))])
    assert [x.type for x in leaves] == [Array(F64, ("n0", 3)), Scalar(F64), Array(F64, ("n1", "n2"))]
    assert leaves[1].weak and not leaves[0].weak


def test_overlap() -> None:
    a = np.zeros(20)
    assert overlapping(0, [a, a]) == 1
    assert overlapping(0, [a[:10], a[9:]]) == 1
    assert overlapping(0, [a[:10], a[10:], 3.0]) is None
    assert overlapping(0, [a[::2], a[1::2]]) is None
    assert overlapping(0, [a[:0], a]) is None
